#!/usr/bin/env bash
# The program as CGI, by environment variables alone: no web server, and no
# process of ours until the first request.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

new_dir data
printf '{"billhook": 1, "connections": [
	{"code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"}},
	{"code": "lago", "driver": "lago", "secrets": {"webhook": "env:FLOW_LAGO_SECRET"}},
	{"code": "sandbox", "driver": "sandbox"}],
	"syncs": [{"code": "s", "from": "stripe", "to": "sandbox", "preset": "stripe-salesforce"}]}' | bh apply --quiet - || not_ok "apply"
option body_max 4096

# cgi METHOD PATH?QUERY [NAME=VALUE...] <BODY: sets out, head, body, rc
cgi() {
	local method=$1 uri=$2 path=${2%%\?*}
	shift 2
	run env GATEWAY_INTERFACE=CGI/1.1 SERVER_PROTOCOL=HTTP/1.1 SERVER_NAME=localhost SERVER_PORT=80 REMOTE_ADDR=127.0.0.1 \
		REQUEST_METHOD="$method" REQUEST_URI="$uri" SCRIPT_NAME= PATH_INFO="$path" QUERY_STRING="${uri#"$path"}" "$@" "$BILLHOOK" ${argv:+"$argv"}
	out=${out//$'\r'/}
	head=${out%%$'\n\n'*}
	body=${out#*$'\n\n'}
}

# hook SOURCE EVENT [NAME=VALUE...]: a signed webhook
hook() {
	local source=$1 event=$2 headers size
	shift 2
	mapfile -t headers < <(node "$flow/send.mjs" --prepare "$work" x "$source" "$event" |
		sed -E 's/^([^:]+): (.*)/\U\1\E=\2/; :a; s/^([^=]*)-/\1_/; ta; /^CONTENT_TYPE/!s/^/HTTP_/')
	size=$(stat -c %s "$work/body")
	cgi POST "/hook/$source" "${headers[@]}" CONTENT_LENGTH="$size" "$@" <"$work/body"
}

argv=
check "nothing runs before the first request" none_left
hook stripe '{"customer":"cus_1","name":"Acme","event":"evt_1"}'
like "a signed webhook is accepted" "$head" '^Status: 200'
is "and says so in JSON" "$(tr -d '\n' <<<"$body")" '{"status":"accepted"}'
is "the program ends well" "$rc" 0
check "the request has started the processes" supervisor
seen "the record is in the sandbox" 'dump.includes("Billhook_Customer_Id__c") && dump.includes("Acme")'
unlike "the processes know nothing of the request" "$(tr '\0' '\n' <"/proc/$(supervisor)/environ")" 'HTTP_|REQUEST_|GATEWAY'
hook stripe '{"customer":"cus_1","name":"Acme","event":"evt_1"}'
like "the same event again is a duplicate" "$head $body" 'Status: 200.*'
like "and is said to be one" "$body" '"duplicate"'
hook lago '{"customer":"lc_1"}'
like "Lago's signature, too" "$head$body" '"accepted"'
hook stripe '{"customer":"cus_2"}' CONTENT_LENGTH=
like "a body without a length" "$head$body" '"accepted"'
hook stripe '{"customer":"cus_3"}' REDIRECT_HTTP_AUTHORIZATION=x SCRIPT_NAME=/cgi-bin/billhook PATH_INFO=/hook/stripe REQUEST_URI=/cgi-bin/billhook/hook/stripe
like "below a script's name" "$head$body" '"accepted"'

# -- refusals --
journal() {
	bh dump | grep -c evt_
}
before=$(journal)
hook stripe '{"customer":"cus_4"}' HTTP_STRIPE_SIGNATURE=t=1,v1=00
like "an old signature" "$head" '^Status: 400'
hook stripe '{"customer":"cus_4"}' CONTENT_LENGTH=99999
like "a length beyond the limit" "$head" '^Status: 413'
hook stripe '{"customer":"cus_4"}' CONTENT_LENGTH=4000
like "a body shorter than announced" "$head" '^Status: 400'
hook stripe '{"customer":"cus_4"}' CONTENT_LENGTH=many
like "a length that is no number" "$head" '^Status: 400'
head -c 9000 /dev/zero >"$work/zeros"
cgi POST /hook/stripe <"$work/zeros"
like "a large body without a length" "$head" '^Status: 413'
cgi POST /hook/none CONTENT_LENGTH=2 <<<'{}'
like "an unknown connection" "$head" '^Status: 404'
cgi POST /hook/sandbox CONTENT_LENGTH=2 <<<'{}'
like "a connection that is no source" "$head" '^Status: 404'
cgi GET /hook/stripe </dev/null
like "a wrong method" "$head" '^Status: 405'
like "with the right one" "$head" '^Allow: POST'
is "none of it was stored" "$(journal)" "$before"

# -- pages --
cgi GET / </dev/null
like "home leads to the login page" "$head" '^Status: 30[23]'
like "with its address" "$head" '^Location: .*/login$'
cgi GET /login </dev/null
like "the login page" "$body" '<form[^>]*method="post"'
like "sets its cookie for us alone" "$head" '^Set-Cookie: .*HttpOnly.*SameSite'
like "has a policy for scripts" "$head" "^Content-Security-Policy: .*default-src 'none'|^Content-Security-Policy: .*default-src 'self'"
cgi HEAD /login </dev/null
is "HEAD has no body" "$body" "$out"
cgi GET /static/style.css </dev/null
like "the style sheet" "$head" '^Content-Type: text/css'
cgi GET /static/../key </dev/null
like "nothing above the static files" "$head" '^Status: 40[04]'
cgi GET /static/..%2f..%2fkey </dev/null
like "nor with a quoted slash" "$head" '^Status: 40[04]'
cgi GET /nothing </dev/null
like "an unknown page" "$head" '^Status: 404'
cgi GET /healthz </dev/null
like "health" "$body" '"status":"ok"'

# -- a query string becomes arguments (RFC 3875, 4.4): they are no verbs --
for argv in dump export stop status; do
	cgi GET "/?$argv" </dev/null
	like "the query ?$argv is no verb" "$head" '^Status: 30[23]'
	unlike "and shows nothing" "$out" 'billhook_dump|"connections"|in step'
done
check "they still run" supervisor
argv=

# -- without anything --
unset GATEWAY_INTERFACE
status "the verb stops them" 0 bh stop --quiet
check "nothing is left" wait_for 5 none_left
export BILLHOOK_DIR=$work/nowhere
cgi GET / </dev/null
is "a directory that is not there: status 1, for the server's own error page" "$rc$out" 1
like "and the reason for its error log" "$err" "$work/nowhere"
export BILLHOOK_DIR=$work/data
finish
