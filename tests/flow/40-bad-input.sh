#!/usr/bin/env bash
# What may not be taken is refused with the right status and a line in the log
# that helps; nothing of it is stored, and everything else goes on.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
need lighttpd lighttpd
PATH=$PATH:/usr/sbin

new_dir data
option body_max 65536
option body_timeout_s 1
option front_processes 2
printf '{"billhook": 1, "connections": [
	{"code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"}},
	{"code": "lago", "driver": "lago", "secrets": {"webhook": "env:FLOW_LAGO_SECRET"}},
	{"code": "sandbox", "driver": "sandbox"}],
	"syncs": [{"code": "s", "from": "stripe", "to": "sandbox", "preset": "stripe-salesforce"},
	{"code": "l", "from": "lago", "to": "sandbox", "preset": "lago-salesforce"}]}' | bh apply --quiet - || not_ok "apply"
serve
root=$work/web
port=$(node "$flow/web.mjs" port)
mkdir -p "$root"/{www,tmp}
sed -e "s|@ROOT@|$root|g; s|@PORT@|$port|g; s|@BIN@|$BILLHOOK|g; s|@DIR@|$BILLHOOK_DIR|g; s|@SOURCE@|$BH_SRCDIR|g" \
	"$BH_SRCDIR/etc/lighttpd.conf.example" >"$root/server.conf"
start lighttpd lighttpd -D -f "$root/server.conf"
url=http://127.0.0.1:$port
# shellcheck disable=SC2317 # called by wait_for
answers() {
	[[ $(node "$flow/web.mjs" get "$url/healthz") == 200* ]]
}
wait_for 10 answers || not_ok "lighttpd answers"

# by WAY: where send.mjs sends to from now on
http=$url/hook
fcgi=unix:$BILLHOOK_DIR/run/front.sock:/hook

# refused NAME "STATUS BODY" LOG WHERE OPTIONS-AND-EVENT...: both regexes; LOG - for "says nothing"
refused() {
	local name=$1 want=$2 want_log=$3 where=$4 before said new
	shift 4
	before=$(log | wc -l)
	said=$(node "$flow/send.mjs" "${options[@]}" "$where" "$source" "$@" 2>&1)
	new=$(log | tail -n "+$((before + 1))")
	like "$name: $want" "$said" "^$want"
	if [ "$want_log" = - ]; then
		is "$name: not worth a line" "$(grep -c webhook <<<"$new")" 0
	else
		like "$name: the log says why" "$new" "$want_log"
	fi
	unlike "$name: the log is discreet" "$new" "secret customer|$FLOW_STRIPE_SECRET|$FLOW_LAGO_SECRET|v1=|\{\"id\""
	options=()
}
options=()
source=stripe
event='{"customer":"cus_bad","name":"secret customer","event":"evt_bad"}'

is "a good event before" "$(send stripe '{"customer":"cus_1","name":"First","event":"evt_1"}')" '200 {"status":"accepted"}'

# -- signatures --
options=(--secret whsec_of_somebody_else)
refused "a foreign secret" 400 'webhook refused connection=stripe peer=127.0.0.1: no signature fits' "$http/stripe" "$event"
options=(--age 400)
refused "an old signature" 400 'the signature is 40[0-9] s old' "$http/stripe" "$event"
options=(--age=-400)
refused "a signature of the future" 400 'in the future' "$http/stripe" "$event"
options=(--header 'Stripe-Signature:')
refused "no signature" 400 'the Stripe-Signature header is missing' "$http/stripe" "$event"
options=(--header 'Stripe-Signature: t=now,v1=00')
refused "a time that is none" 400 'the time of the signature is no number' "$http/stripe" "$event"
options=(--header 'Stripe-Signature: hello')
refused "no signature at all in the header" 400 'has no time' "$http/stripe" "$event"
source=lago
options=(--secret wrong)
refused "Lago: a foreign secret" 400 'connection=lago .*does not fit' "$http/lago" '{"customer":"lc_bad","name":"secret customer"}'
options=(--header 'X-Lago-Signature-Algorithm: none')
refused "Lago: no algorithm" 400 'neither hmac nor jwt' "$http/lago" '{"customer":"lc_bad","name":"secret customer"}'
source=stripe

# -- places and methods --
refused "an unknown connection" 404 - "$http/none" "$event"
refused "a destination" 404 - "$http/sandbox" "$event"
refused "a name with tricks" 40[04] - "$http/..%2fstripe" "$event"
refused "no name" 404 - "$http/" "$event"
for method in PUT DELETE PATCH; do
	options=(--method "$method")
	refused "$method" '405 .*allow=POST' - "$http/stripe" "$event"
done

# -- bodies --
: >"$work/empty"
refused "an empty body" 400 'the body is empty' "$http/stripe" "@$work/empty"
head -c 70000 /dev/zero | tr '\0' x >"$work/large"
refused "a body over the limit" 413 'request refused status=413' "$http/stripe" "@$work/large"
options=(--pause 1500)
refused "a slow body" 408 'the body did not arrive in time' "$fcgi/stripe" "$event"
options=(--break)
refused "a body that breaks off" '(400|0)' 'request refused status=400.*(broke off|shorter)' "$fcgi/stripe" "$event"
options=(--header "X-Large: $(head -c 70000 "$work/large")")
refused "headers over the limit" 431 'request refused status=431' "$fcgi/stripe" "$event"
echo hello >"$work/text"
refused "no JSON" 400 'the body is no Stripe event' "$http/stripe" "@$work/text"
printf '{"object":"event","type":"x","id":"evt with blanks"}' >"$work/blanks"
refused "an id with blanks" 400 'no usable id' "$http/stripe" "@$work/blanks"
printf '{"object":"event","type":"x","id":"%s"}' "$(head -c 300 "$work/large")" >"$work/long"
refused "an id that is too long" 400 'no usable id' "$http/stripe" "@$work/long"
printf '{"object":"event","id":"evt_bad"}' >"$work/typeless"
refused "no type" 400 'no usable type' "$http/stripe" "@$work/typeless"
node "$flow/web.mjs" raw "$BILLHOOK_DIR/run/front.sock" < <(head -c 3000 /dev/urandom) >/dev/null
head -c 16 /dev/zero | node "$flow/web.mjs" raw "$BILLHOOK_DIR/run/front.sock" >/dev/null
is "rubbish on the socket leaves the front alive" "$(send stripe '{"customer":"cus_2","name":"Second","event":"evt_2"}')" '200 {"status":"accepted"}'

# -- well signed, and yet not to be read: kept, marked as failed --
head='{"object":"event","type":"customer.updated","created":1790000000,"livemode":true,"api_version":"2026-10-28.endive"'
printf '%s,"id":"evt_cut","data":{"object":{"id":"cus_cut","obj' "$head" >"$work/cut"
printf '%s,"id":"evt_deep","data":%s%s}' "$head" "$(head -c 20000 /dev/zero | tr '\0' '[')" "$(head -c 20000 /dev/zero | tr '\0' ']')" >"$work/deep"
printf '%s,"id":"evt_nothing","data":{"object":null}}' "$head" >"$work/nothing"
printf '%s,"id":"evt_bytes","data":{"object":{"id":"cus_b","object":"customer","name":"\xff\xfe"}}}' "$head" >"$work/bytes"
printf '%s,"id":"evt_number","data":{"object":{"id":"cus_n","object":"customer","balance":1e999}}}' "$head" >"$work/number"
for name in cut deep nothing bytes number; do
	is "well signed, $name: acknowledged, for it will not get better" "$(node "$flow/send.mjs" "$http/stripe" stripe "@$work/$name")" '200 {"status":"accepted"}'
done
# -- to be read, but not for us --
is "a test event for a live connection is acknowledged" "$(send stripe '{"customer":"cus_test","event":"evt_test","livemode":false}')" '200 {"status":"accepted"}'
is "a type that nobody knows is acknowledged" "$(send stripe '{"customer":"cus_new","event":"evt_new","type":"moon.landed"}')" '200 {"status":"accepted"}'
is "a good event behind them" "$(send stripe '{"customer":"cus_3","name":"Third","event":"evt_3"}')" '200 {"status":"accepted"}'
seen "what is good has arrived, all of it" "status.backlog === 0 && lane('sandbox').in_step" 3
like "the log names what could not be read" "$(log)" 'event cannot be read connection=stripe event=evt_cut: '
unlike "without its content" "$(log)" 'near|cus_cut|secret customer'

# -- what was stored --
is "exactly what was acknowledged is in the journal" \
	"$(bh dump | grep -o 'evt_[a-z0-9]*' | sort -u | tr '\n' ' ')" "evt_1 evt_2 evt_3 evt_bytes evt_cut evt_deep evt_new evt_nothing evt_number evt_test "
unlike "nothing of what was refused" "$(bh dump)" 'evt_bad|cus_bad|lc_bad|secret customer'
check "nothing waits in a spool" test -z "$(find "$BILLHOOK_DIR/spool" -type f 2>/dev/null)"
run bh replay --state failed
is "five events are marked as failed" "$out" "5 events will be handled again"
seen "handled again they fail again" 'status.backlog' 0
like "and nothing else has come of them" "$(bh replay --state failed)" '^5 events'
run bh replay --state ignored
is "the test event is ignored" "$out" "1 events will be handled again"
run bh replay --state unknown
is "the unknown type is told apart" "$out" "1 events will be handled again"
status "no person is needed" 0 bh status
unlike "no process has ended" "$(log)" 'killed by signal|ended with status|ended: signal'
finish
