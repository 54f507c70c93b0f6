#!/usr/bin/env bash
# The relay keeps webhooks while nothing of ours runs or can be started; what
# it kept is verified before it counts.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

new_dir data
printf '{"billhook": 1, "connections": [
	{"code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"}},
	{"code": "lago", "driver": "lago", "secrets": {"webhook": "env:FLOW_LAGO_SECRET"}},
	{"code": "sandbox", "driver": "sandbox"}],
	"syncs": [{"code": "s", "from": "stripe", "to": "sandbox", "preset": "stripe-salesforce"},
	{"code": "l", "from": "lago", "to": "sandbox", "preset": "lago-salesforce", "settings": {"create_accounts": "yes"}}]}' | bh apply --quiet - || not_ok "apply"
option body_max 65536
option template_dir "$BH_SRCDIR/templates"
option static_dir "$BH_SRCDIR/static"
mkdir "$work/cgi"
cp "$relay" "$work/cgi/billhook.cgi"

# relay_to BIN: what the relay starts
relay_to() {
	printf 'dir = %s\nbin = %s\n' "$BILLHOOK_DIR" "$1" >"$work/cgi/billhook.relay"
}
# cgi METHOD PATH [NAME=VALUE...] <BODY: sets out; the environment is that of a strict web server
cgi() {
	local method=$1 path=$2
	shift 2
	run env -i PATH=/usr/bin:/bin GATEWAY_INTERFACE=CGI/1.1 SERVER_PROTOCOL=HTTP/1.1 REMOTE_ADDR=192.0.2.7 REQUEST_METHOD="$method" \
		REQUEST_URI="$path" SCRIPT_NAME=/billhook.cgi PATH_INFO="$path" QUERY_STRING= "$@" "$work/cgi/billhook.cgi"
	out=${out//$'\r'/}
}
# hook_by_relay SOURCE EVENT [OPTION...]: options of send.mjs; prints the answer
hook_by_relay() {
	local source=$1 event=$2 place headers size
	shift 2
	place=$(mktemp -d "$work/hook.XXXXXX")
	mapfile -t headers < <(node "$flow/send.mjs" --prepare "$place" "$@" x "$source" "$event" |
		sed -E 's/^([^:]+): (.*)/\U\1\E=\2/; :a; s/^([^=]*)-/\1_/; ta; /^CONTENT_TYPE/!s/^/HTTP_/')
	size=$(stat -c %s "$place/body")
	env -i PATH=/usr/bin:/bin GATEWAY_INTERFACE=CGI/1.1 SERVER_PROTOCOL=HTTP/1.1 REMOTE_ADDR=192.0.2.7 REQUEST_METHOD=POST \
		REQUEST_URI="/hook/$source" SCRIPT_NAME=/billhook.cgi PATH_INFO="/hook/$source" QUERY_STRING= "${headers[@]}" CONTENT_LENGTH="$size" \
		HTTP_COOKIE=session=private "$work/cgi/billhook.cgi" <"$place/body" 2>"$place/err" | tr -d '\r'
	cat "$place/err" >>"$work/relay.err"
}
raw=$BILLHOOK_DIR/spool/raw
bad=$BILLHOOK_DIR/spool/bad
count() {
	find "$1" -type f 2>/dev/null | wc -l
}
is_accepted() {
	like "$1" "$(sed -n '1p;$p' <<<"$2" | tr '\n' ' ')" '^Status: 200 OK \{"status":"accepted"\} $'
}

# -- nobody there, and nobody can be started --
relay_to /nonexistent/billhook
is_accepted "a webhook is accepted all the same" "$(hook_by_relay stripe '{"customer":"cus_1","name":"First","event":"evt_1"}')"
is "it is kept in a file" "$(count "$raw")" 1
is "for our eyes alone" "$(stat -c %a "$raw" "$raw"/* "$BILLHOOK_DIR/spool" | tr '\n' ' ')" "700 600 700 "
unlike "without the cookie" "$(tr '\0' '\n' <"$(find "$raw" -type f)")" 'private'
changed=$(hook_by_relay stripe '{"customer":"cus_2","name":"Changed on the way"}')
sed -i 's/Changed on the way/Changed by somebody/' "$(grep -l cus_2 "$raw"/*)"
hook_by_relay lago '{"customer":"lc_1","name":"Lago"}' >/dev/null &
hook_by_relay stripe '{"customer":"cus_1","name":"First","event":"evt_1"}' >/dev/null &
hook_by_relay stripe '{"customer":"cus_forged","name":"Forged"}' --secret whsec_guessed >/dev/null &
hook_by_relay stripe '{"customer":"cus_old","name":"Old"}' --age 4000 >"$work/old" &
# shellcheck disable=SC2046 # one word each
wait $(jobs -p)
cgi POST /hook/nobody CONTENT_LENGTH=2 <<<'{}'
is_accepted "the next are accepted, too, good or not: who could tell" "$out"
is_accepted "an old one, for instance" "$(cat "$work/old")"
is_accepted "or one that is changed later" "$changed"
is "they are all kept" "$(count "$raw")" 7
printf 'billhook-raw 1 1 2' >"$raw/0000000000001-cut"
printf 'something else' >"$raw/0000000000002-else"

cgi GET / </dev/null
like "a page cannot be kept: 503" "$out" '^Status: 503'
like "and come again" "$out" '^Retry-After: [0-9]+'
cgi POST /login CONTENT_LENGTH=3 <<<'a=b'
like "nor can a form" "$out" '^Status: 503'
head -c 70000 /dev/zero >"$work/large"
cgi POST /hook/stripe CONTENT_LENGTH=70000 <"$work/large"
like "a body over the limit is refused" "$out" '^Status: 413'
cgi POST /hook/stripe CONTENT_LENGTH=70000 <<<'{}'
like "one that is said to be over it, too" "$out" '^Status: 413'
cgi POST /hook/stripe CONTENT_LENGTH=100 <<<'{}'
like "a body that breaks off is refused" "$out" '^Status: 400'
cgi POST /hook/stripe CONTENT_LENGTH=x <<<'{}'
like "a length that is none is refused" "$out" '^Status: 400'
is "none of these was kept" "$(count "$raw")" 9

# -- hours later: what counts is when it came --
export BILLHOOK_CLOCK_OFFSET_S=7200
serve
wait_for 10 test "$(count "$raw")" = 0
seen "it is taken in when somebody runs" "status.backlog === 0 && lane('sandbox').in_step" 2
wait_for 10 bash -c "[ \$(find '$raw' -type f | wc -l) = 0 ]"
is "nothing is left in the spool" "$(count "$raw")" 0
is "the good are there once, the others not" "$(bh dump | grep -oE 'cus_[a-z0-9]+|lc_[0-9]+' | sort -u | tr '\n' ' ')" "cus_1 lc_1 "
is "what was refused is set aside" "$(count "$bad")" 6
for why in 'no signature fits' 'is 40[0-9]{2} s old' 'there is no source connection'; do
	like "with the reason in the log: $why" "$(log)" "spooled webhook [0-9a-f-]+ set aside in spool/bad: .*$why"
done
unlike "without its content" "$(log)" 'cus_|Forged|somebody'
unset BILLHOOK_CLOCK_OFFSET_S
bh stop --quiet

# -- with a program that works the relay starts it --
relay_to "$BILLHOOK"
is_accepted "a webhook is accepted" "$(hook_by_relay stripe '{"customer":"cus_3","name":"Third"}')"
check "by processes that run now" supervisor
is "without a spool" "$(count "$raw")" 0
unlike "and that know nothing of the request" "$(tr '\0' '\n' <"/proc/$(supervisor)/environ")" 'HTTP_|private|REQUEST_'
seen "it arrives" "lane('sandbox').in_step" 3
cgi GET /healthz </dev/null
like "pages come, too" "$out" '^Status: 200'
cgi GET /static/style.css </dev/null
like "whole" "$out" '^Content-Type: text/css'
bh stop --quiet

# -- no front pool at all: cron's drain takes the spool in --
option front_processes 0
relay_to /nonexistent/billhook
is_accepted "accepted" "$(hook_by_relay stripe '{"customer":"cus_4","name":"Fourth"}')"
is "kept" "$(count "$raw")" 1
status "drain" 0 bh drain --quiet
is "takes it in" "$(count "$raw")" 0
check "and ends" none_left
seen "and it arrives" "status.backlog === 0 && lane('sandbox').in_step" 4

# -- a set-up that is wrong --
printf 'dir = /nonexistent/data\nbin = /nonexistent/billhook\n' >"$work/cgi/billhook.relay"
like "no data directory: nothing can be kept, nothing is promised" "$(hook_by_relay stripe '{"customer":"cus_5"}')" '^Status: 503'
like "the web server's log says why" "$(tail -1 "$work/relay.err")" 'billhook.cgi: .*/nonexistent/data'
finish
