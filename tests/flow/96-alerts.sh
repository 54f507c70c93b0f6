#!/usr/bin/env bash
# Alerts: who is told is told once for each incident, again while it lasts and
# when it is over; not at night; a receiver that is down is told when it is
# back; what goes wrong on the way is shown.
# shellcheck disable=SC2016,SC2119,SC2317 # JavaScript; without settings; called by wait_for
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
leave_root
# shellcheck source=org.sh
. "$flow/org.sh"
# shellcheck source=mass.sh
. "$flow/mass.sh"

mass_org
behind_lighttpd data
serve_web

mkdir "$work/told"
start receivers node "$flow/receivers.mjs" "$work/told"
wait_for 10 test -s "$work/told/slack.port" -a -s "$work/told/smtp.port" || not_ok "the receivers start"
FLOW_SLACK=http://127.0.0.1:$(cat "$work/told/slack.port")/services/T0/secret-path
smtp=smtp://127.0.0.1:$(cat "$work/told/smtp.port")
export FLOW_SLACK FLOW_MAIL=mail-flow-secret

# told WHERE: how many messages; last WHERE EXPRESSION: of m, the last one
told() {
	[ -f "$work/told/$1" ] && wc -l <"$work/told/$1" || echo 0
}
last() {
	tail -n 1 "$work/told/$1" | node -e 'const m = JSON.parse(require("fs").readFileSync(0)); console.log(eval(process.argv[1]))' "$2"
}
has_told() {
	[ "$(told "$1")" -ge "$2" ]
}
# hears NAME WHERE N REGEX: the Nth message comes, and none more
hears() {
	wait_for 10 has_told "$2" "$3"
	if [ "$(told "$2")" = "$3" ]; then
		like "$1" "$(last "$2" m.text)" "$4"
	else
		not_ok "$1" "messages: $(told "$2"), want $3" "$(cat "$work/told/$2" 2>/dev/null)" "$(bh alert)"
	fi
}
# alerts MEMBERS: of that part of the document
alerts() {
	bh apply --quiet - <<<"{\"billhook\": 1, \"alerts\": {$1}}" || not_ok "apply" "$1"
}
# crm_is ENVIRONMENT: whose secret it is
crm_is() {
	bh apply --quiet - <<-END || not_ok "apply"
	{ "billhook": 1,
	  "connections": [
	    { "code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
	    { "code": "salesforce", "driver": "salesforce", "name": "Sales & <Force>", "settings": {"flow": "client_credentials", "login_url": "$SF_URL", "client_id": "sim-client"}, "secrets": {"client_secret": "env:$1"} } ],
	  "syncs": [ { "code": "crm", "from": "stripe", "to": "salesforce", "preset": "stripe-salesforce" } ],
	  "automations": [ { "code": "failed", "preset": "failed-payments", "from": "stripe", "make": {"type": "alert", "priority": "normal", "title": "Payment failed: {customer.name}"} } ] }
	END
}
failing='"customer":"cus_1","total":1250,"attempted":true'
slack='{"code": "team", "kind": "slack", "name": "The team", "secrets": {"url": "env:FLOW_SLACK"}}'
mail_of() {
	echo "{\"code\": \"ops\", \"kind\": \"mail\", \"least\": \"high\", \"settings\": {\"server\": \"$smtp\", \"user\": \"billhook\", \"from\": \"billhook@example.com\", \"to\": [\"ops@example.com\", \"two@example.com\"]}, \"secrets\": {\"password\": \"env:$1\"}}"
}

# -- slips of the pen --
refused() {
	run bh apply - <<<"{\"billhook\": 1, \"alerts\": $2}"
	like "$1" "$out$err" "$3"
}
refused "a kind that is none" '{"targets": [{"code": "a", "kind": "pager"}]}' '/alerts/targets/0/kind: must be one of: slack, mail'
refused "a secret that stands in the document" '{"targets": [{"code": "a", "kind": "slack", "secrets": {"url": "https://hooks.example.com/x"}}]}' 'must be "env:NAME"'
refused "a slack without an address" '{"targets": [{"code": "a", "kind": "slack"}]}' '/alerts/targets/0: it needs the address'
refused "a mail server over the network without TLS" '{"targets": [{"code": "a", "kind": "mail", "settings": {"server": "http://mail.example.com", "from": "a@example.com", "to": ["b@example.com"]}}]}' 'smtps://host'
refused "an address with a line of its own" '{"targets": [{"code": "a", "kind": "mail", "settings": {"server": "smtps://mail.example.com", "from": "a@example.com\r\nBcc: c@example.com", "to": ["b@example.com"]}}]}' 'the sender is an address'
refused "hours that are none" '{"quiet": {"from": "25:00", "to": "07:00"}}' '/alerts/quiet: quiet hours have from and to'

# -- on trial --
alerts "\"targets\": [$slack, $(mail_of FLOW_STRIPE_SECRET)]"
status "a message on trial" 0 bh alert test team
hears "arrives at Slack's" slack 1 'on trial: alerts of Billhook arrive here, as The team'
status "a wrong password is told" 1 bh alert test ops
like "in words" "$err" 'mail server refuses this user or password'
like "and shown" "$(bh alert)" 'failed: the mail server refuses this user or password'
alerts "\"targets\": [$(mail_of FLOW_MAIL)]"
status "with the right one" 0 bh alert test ops
hears "it arrives" smtp 1 'on trial'
is "for all of them" "$(last smtp 'm.to.join()')" '<ops@example.com>,<two@example.com>'
like "with what a mail needs" "$(last smtp 'm.head')" '^Message-ID: <[a-z2-7]+@example.com>'
status "a target that is not there" 1 bh alert test moon

# -- an automation's alert: once, and over --
crm_is FLOW_SF_SECRET
bill customer cus_1 '"name":"Acme & <b>Sons</b>"'
bill invoice in_1 "$failing"
hears "a failed payment is told" slack 2 '^Payment failed: Acme &amp; &lt;b&gt;Sons'
like "with the link" "$(last slack m.text)" 'https://invoice.example.com/in_1'
bill invoice in_1 "$failing,\"attempt_count\":2"
settled
bh replay --connection stripe --all >/dev/null
restart
bh alert check
settled
is "once, whatever is replayed and started again" "$(told slack)" 2
bill invoice in_1 '"customer":"cus_1","total":1250,"status":"paid"'
hears "paid, it is over" slack 3 '^Over: Payment failed: Acme'
is "who wants only what is urgent hears nothing of it" "$(told smtp)" 1

# -- what is wrong with Billhook: once, a reminder, over --
export FLOW_WRONG=wrong
crm_is FLOW_WRONG
bill customer cus_2 '"name":"Globex"'
is_broken() {
	bh status | grep -q 'stopped:'
}
wait_for 15 is_broken || not_ok "the CRM refuses the login" "$(bh status)"
bh alert check
hears "a refused login is told" slack 4 '^Sales &amp; &lt;Force&gt; is disconnected'
hears "by mail, too" smtp 2 '^Sales & <Force> is disconnected'
like "under a title" "$(last smtp m.head)" '^Subject: (\[Billhook\] Sales & <Force> is disconnected|=\?UTF-8)'
bh alert check
restart $((23 * 3600))
bh alert check
sleep 1
is "within a day it is not told again" "$(told slack) $(told smtp)" "4 2"
restart 7200
hears "after a day it is" slack 5 '^Still: Sales'
hears "by mail" smtp 3 '^Still: Sales'
like "it is listed" "$(bh alert)" '^open high .*is disconnected'
crm_is FLOW_SF_SECRET
bh alert check
hears "mended, it is over" slack 6 '^Over: Sales'
hears "by mail, it is over" smtp 4 '^Over: Sales'
like "it is listed as over" "$(bh alert)" '^over high .*is disconnected'

# -- a receiver that is down --
echo down >"$work/told/mood"
settled
bill invoice in_2 "$failing"
is_failed() {
	bh alert | grep -q 'failed: the receiver answered 503 overloaded'
}
check "a receiver that is down is shown" wait_for 10 is_failed
bill invoice in_3 "$failing"
settled
rm "$work/told/mood"
restart 60
hears "it is told when it is back, both in one message" slack 7 'Payment failed.*'
is "with both" "$(last slack 'm.text.match(/Payment failed/g).length')" 2
unlike "nothing failed any more" "$(bh alert)" '^ +failed:'

# -- at night --
hour() {
	date -u -d "@$(($(date +%s) + BILLHOOK_CLOCK_OFFSET_S + $1 * 3600))" +%H:00
}
alerts "\"quiet\": {\"from\": \"$(hour 0)\", \"to\": \"$(hour 3)\"}"
bill invoice in_4 "$failing"
bill invoice in_5 "$failing"
settled
bill invoice in_6 "$failing"
settled
bill invoice in_6 '"customer":"cus_1","total":1250,"status":"paid"'
settled
bh alert check
sleep 1
is "at night nothing is told" "$(told slack)" 7
restart $((4 * 3600))
hears "in the morning it is" slack 8 'Payment failed'
is "all in one message, but for what is over" "$(last slack 'm.text.match(/Payment failed/g).length')" 2

# -- a worker that dies between sending and storing --
export BILLHOOK_FAULT=alert-sent:die BILLHOOK_FAULT_ONCE=$work/died
restart
bill invoice in_7 "$failing"
wait_for 10 has_told slack 10
is "it tells twice rather than never" "$(told slack) $(test -f "$work/died" && echo died)" "10 died"
unset BILLHOOK_FAULT BILLHOOK_FAULT_ONCE
restart
bh alert check
sleep 1
is "and then no more" "$(told slack)" 10

# -- as long as it lasts --
bill invoice in_8 "$failing"
wait_for 10 has_told slack 11
restart $((25 * 3600))
bh alert check
wait_for 10 has_told slack 12
like "a day later it is told again: it is still so" "$(last slack m.text)" 'Still: Payment failed'
bh automation failed off
wait_for 10 has_told slack 13
like "switched off, nobody looks any more: it is over" "$(last slack m.text)" 'Over: Payment failed'
unlike "and is not open any more" "$(bh alert)" '^open .*Payment failed'

# -- nothing secret anywhere --
unlike "secrets are not exported" "$(bh export)" 'secret-path|mail-flow-secret'
like "the rest is" "$(bh export)" '"remind_hours": 24'
unlike "nor kept in the open" "$(bh dump)" 'secret-path|mail-flow-secret'
unlike "nor logged" "$(log)" 'secret-path|mail-flow-secret'
status "a target can be removed" 0 bh alert remove ops
unlike "and is gone" "$(bh alert)" '^ops'
finish
