#!/usr/bin/env bash
# A host on which no process may stay (daemons = 0): CGI, by relay and by the
# program itself, and cron.  And one whose disk is a network's.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

new_dir data
printf '{"billhook": 1, "connections": [
	{"code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"}},
	{"code": "sandbox", "driver": "sandbox"}],
	"syncs": [{"code": "s", "from": "stripe", "to": "sandbox", "preset": "stripe-salesforce"}]}' | bh apply --quiet - || not_ok "apply"
option template_dir "$BH_SRCDIR/templates"
option static_dir "$BH_SRCDIR/static"
option daemons 0
mkdir "$work/cgi"
cp "$relay" "$work/cgi/billhook.cgi"
printf 'dir = %s\nbin = %s\n' "$BILLHOOK_DIR" "$BILLHOOK" >"$work/cgi/billhook.relay"
raw=$BILLHOOK_DIR/spool/raw

# cgi PROGRAM METHOD PATH [NAME=VALUE...] <BODY: sets out; the environment is that of a strict web server
cgi() {
	local program=$1 method=$2 path=$3
	shift 3
	run env -i PATH=/usr/bin:/bin "BILLHOOK_DIR=$BILLHOOK_DIR" GATEWAY_INTERFACE=CGI/1.1 SERVER_PROTOCOL=HTTP/1.1 REMOTE_ADDR=192.0.2.7 \
		REQUEST_METHOD="$method" REQUEST_URI="$path" SCRIPT_NAME=/billhook.cgi PATH_INFO="$path" QUERY_STRING= "$@" "$program"
	out=${out//$'\r'/}
}
# hook_by PROGRAM EVENT
hook_by() {
	local headers size
	mapfile -t headers < <(node "$flow/send.mjs" --prepare "$work" x stripe "$2" |
		sed -E 's/^([^:]+): (.*)/\U\1\E=\2/; :a; s/^([^=]*)-/\1_/; ta; /^CONTENT_TYPE/!s/^/HTTP_/')
	size=$(stat -c %s "$work/body")
	cgi "$1" POST /hook/stripe "${headers[@]}" CONTENT_LENGTH="$size" <"$work/body"
}
waiting() {
	find "$raw" -type f 2>/dev/null | wc -l
}
nobody() {
	[ -z "$(supervisor)" ] && none_left
}

# -- webhooks wait, pages come and go --
hook_by "$work/cgi/billhook.cgi" '{"customer":"cus_1","name":"By relay"}'
like "the relay keeps a webhook" "$out" '^Status: 200'
check "and starts nobody" nobody
hook_by "$BILLHOOK" '{"customer":"cus_2","name":"By the program"}'
like "the program keeps one, too" "$out" '^Status: 200'
check "and starts nobody" nobody
is "both wait in the spool" "$(waiting)" 2
for program in "$work/cgi/billhook.cgi" "$BILLHOOK"; do
	cgi "$program" GET /login </dev/null
	like "$(basename "$program"): a page is shown" "$out" '<form[^>]*method="post"'
	check "$(basename "$program"): what it started is gone" wait_for 5 nobody
done
run bh status
like "the status says what waits for whom" "$out" 'handled when cron runs billhook drain\. That has never happened'

# -- cron --
check "cron's call does the work" bh drain --for 20
is "nothing waits any more" "$(waiting)" 0
check "and nobody stays" nobody
seen "the records are in the sandbox" "dump.includes('By relay') && dump.includes('By the program')"
run bh status
like "it tells when cron ran" "$out" 'It ran last [0-9]+ s ago\.$'
# shellcheck disable=SC2016 # the dollars are JavaScript's
is "in JSON, too" "$(bh status --json | node -p 'const { mode } = JSON.parse(require("fs").readFileSync(0)); `${mode.name} ${mode.is_overdue}`')" 'cron false'
touch -d '1 hour ago' "$BILLHOOK_DIR/log/drained"
status "an overdue cron wants attention" 4 bh status
like "and is said to be" "$out" 'It ran last 60 min ago\. That is overdue'

# -- two at once: cron's call while a page is open, a page while cron is at work --
hook_by "$work/cgi/billhook.cgi" '{"customer":"cus_3","name":"Third"}'
start drain "$BILLHOOK" drain --for 20
for _ in 1 2 3; do
	cgi "$work/cgi/billhook.cgi" GET /login </dev/null
	like "a page beside cron" "$out" '^Status: 200'
done
check "cron ends all the same" wait_for 25 is_gone "$pid"
check "and has done its work" test "$(waiting)" = 0
seen "its record is there" "dump.includes('Third')"
check "nobody stays" wait_for 5 nobody

# -- the option is changed while processes run --
sed -i '/^daemons/d' "$BILLHOOK_DIR/billhook.conf"
serve
option daemons 0
check "who runs when it is forbidden ends" wait_for 15 is_gone "$serve_pid"
unlike "nothing to complain in the log" "$(log)" ' error | killed | ended with status'
sed -i '/^daemons/d' "$BILLHOOK_DIR/billhook.conf"

# -- a disk of the network --
# Each process takes the first disk that it looks at for one.
run env BILLHOOK_FAULT=disk-network:fail "$BILLHOOK" check
like "check says that the disk is none for a database" "$out" '^FAILED disk: .*network file system \(NFS\).*Move the data directory'
run env -i PATH=/usr/bin:/bin "BILLHOOK_DIR=$BILLHOOK_DIR" BILLHOOK_FAULT=disk-network:fail GATEWAY_INTERFACE=CGI/1.1 SERVER_PROTOCOL=HTTP/1.1 \
	REMOTE_ADDR=192.0.2.7 REQUEST_METHOD=GET REQUEST_URI=/setup SCRIPT_NAME= PATH_INFO=/setup QUERY_STRING= "$BILLHOOK"
like "the first page says it, too" "$out" '^Status: 503'
like "and what to do" "$out" 'network file system \(NFS\).*Move the data directory to a local disk, or set network_disk = 1'
like "the keeper refused it" "$(log)" 'error keeper.*network file system'
run bh stop --quiet
wait_for 10 nobody
option network_disk 1
status "who insists gets it" 0 env BILLHOOK_FAULT=disk-network:fail "$BILLHOOK" check
like "with a warning in the log" "$(log)" 'warn keeper.*network file system'
finish
