#!/usr/bin/env bash
# What is looked for by itself: records that need a person, a CRM that takes
# nothing, one that is paused, calls that are nearly used up, a billing system
# that is silent, events that cannot be read, events that nobody handles.  Each
# is told once, again while it lasts, and when it is over.  That alerts do not
# arrive is shown.
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

mass_org '{"daily_limit": 1000}'
behind_lighttpd data
option keep_days 20
serve_web
mkdir "$work/told"
start receivers node "$flow/receivers.mjs" "$work/told"
wait_for 10 test -s "$work/told/slack.port" -a -s "$work/told/smtp.port" || not_ok "the receivers start"
FLOW_SLACK=http://127.0.0.1:$(cat "$work/told/slack.port")/services/T0/secret-path
export FLOW_SLACK

# set_up PAUSED SILENT: is the CRM paused; from how many hours on is silence told
set_up() {
	bh apply --quiet - <<-END || not_ok "apply"
	{ "billhook": 1,
	  "connections": [
	    { "code": "stripe", "driver": "stripe", "name": "Stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
	    { "code": "salesforce", "driver": "salesforce", "name": "Sales", "paused": $1, "settings": {"flow": "client_credentials", "login_url": "$SF_URL", "client_id": "sim-client", "throttle": 80}, "secrets": {"client_secret": "env:FLOW_SF_SECRET"} } ],
	  "syncs": [ { "code": "crm", "from": "stripe", "to": "salesforce", "mapping": {"name": "crm", "objects": [
	    {"name": "account", "from": "customer", "to": "Account", "key": "Billhook_Id__c", "urgent": true, "fields": [{"to": "Name", "from": "name"}]} ]} } ],
	  "alerts": { "remind_hours": 12, "silent_hours": $2, "targets": [ { "code": "team", "kind": "slack", "name": "The team", "secrets": {"url": "env:FLOW_SLACK"} } ] } }
	END
}
set_up false 0
bill customer cus_1 '"name":"Acme"'
settled

# said REGEX: how many lines of messages are like this
said() {
	sed 's/.*"text":"//; s/"}$//; s/\\n/\n/g' "$work/told/slack" 2>/dev/null | grep -Ec "$1"
}
has_said() {
	[ "$(said "$1")" -ge 1 ]
}
# Look now, and again: what was told is not told twice.  A message on trial is sent when it was looked.
look() {
	bh alert test team >/dev/null || not_ok "look"
	bh alert test team >/dev/null || not_ok "look again"
}
# once NAME REGEX
once() {
	wait_for 10 has_said "$2"
	is "$1" "$(said "$2")" 1
}
# not_told NAME REGEX: not yet
not_told() {
	is "$1" "$(said "$2") $(bh alert | grep -Ec "^open .*$2")" "0 0"
}
held='Sales: 1 record needs a person'
waiting='Sales has taken nothing for an hour'
paused='Sales has been paused for a day'
limit='Sales: the calls of the day are nearly used up'
silent='Stripe has sent nothing for 6 hours'
backlog='Events have waited to be handled for 15 minutes'
failed_title='1 event could not be read'

# -- records that need a person, calls that are nearly used up, events that cannot be read --
look
not_told "nothing is wrong" 'Sales|Stripe|[Ee]vent'
refuse='{"match": {"key": "KEY"}, "times": -1, "do": {"record_error": {"statusCode": "INVALID_EMAIL_ADDRESS", "message": "no", "fields": []}}}'
faults "${refuse/KEY/stripe:cus_2}"
bill customer cus_2 '"name":"Globex"'
seen "a record is held" 'lane("salesforce").held' 1
org_is '{"daily_used": 850}'
bill customer cus_1 '"name":"Acme one"'
printf '{"object":"event","type":"customer.updated","created":1790000000,"livemode":true,"api_version":"2026-10-28.endive","id":"evt_nothing","data":{"object":null}}' >"$work/nothing"
signed "$(hook stripe)" stripe "@$work/nothing" >/dev/null
seen "so many calls are used" 'status.backlog === 0 && lane("salesforce").day_used >= 850' true
look
once "a record that needs a person is told" "^$held"
once "calls that are nearly used up are" "^$limit"
once "an event that cannot be read is" "^$failed_title"
restart $((13 * 3600))
look
once "half a day later the record is told again" "^Still: $held"
once "so are the calls" "^Still: $limit"
once "so is the event" "^Still: $failed_title"
crm delete sf faults >/dev/null
org_is '{"daily_used": 10}'
bill customer cus_1 '"name":"Acme two"'
bh retry salesforce >/dev/null
seen "all is mended" '[lane("salesforce").held, lane("salesforce").day_used < 100]' '[0,true]'
look
once "then the record is over" "^Over: $held"
once "so are the calls" "^Over: $limit"

# -- a CRM that takes nothing, events that nobody handles --
faults '{"times": -1, "do": {"status": 503}}'
bill customer cus_3 '"name":"Initech"'
seen "the CRM is down" 'lane("salesforce").dirty' 1
was_tried() {
	log | grep -q 'sent=1 applied=0'
}
check "it was tried" wait_for 10 was_tried
look
export BILLHOOK_FAULT=ingest-collected:die
restart 1800
bill customer cus_1 '"name":"Acme three"'
look
not_told "half an hour without the CRM is no news" "$waiting"
not_told "nor is an event that was not handled at once" "$backlog"
restart 1900
look
once "after an hour the CRM is told" "^$waiting"
once "after a quarter of an hour the event is" "^$backlog"
like "it is urgent" "$(bh alert)" "^open high .*$backlog"
restart $((13 * 3600))
look
once "half a day later the CRM is told again" "^Still: $waiting"
once "so is the event" "^Still: $backlog"
unset BILLHOOK_FAULT
crm delete sf faults >/dev/null
restart 3700
settled
look
once "then the CRM is over" "^Over: $waiting"
once "so is the event" "^Over: $backlog"

# -- a connection that is paused, a billing system that is silent --
bill customer cus_1 '"name":"Acme four"'
settled
set_up true 6
look
not_told "a pause is no news" "$paused"
not_told "it has just sent something" "$silent"
restart $((25 * 3600))
look
once "after a day a pause is" "^$paused"
once "nobody sent anything since: that is told" "^$silent"
restart $((13 * 3600))
look
once "half a day later the pause is told again" "^Still: $paused"
once "so is the silence" "^Still: $silent"
bill customer cus_1 '"name":"Acme five"'
set_up false 6
settled
look
once "then the pause is over" "^Over: $paused"
once "so is the silence" "^Over: $silent"

# -- what cannot be read goes with age; alerts that do not arrive --
set_up false 0
restart $((21 * 86400))
gone_with_age() {
	bh alert check && bh alert | grep -q "^over .*$failed_title"
}
wait_for 20 gone_with_age || not_ok "the event is removed" "$(bh alert)"
once "removed with age, the event is over" "^Over: $failed_title"
echo down >"$work/told/mood"
faults "${refuse/KEY/stripe:cus_4}"
bill customer cus_4 '"name":"Hooli"'
seen "something is wrong" 'lane("salesforce").held' 1
bh alert check >/dev/null
is_failing() {
	bh alert | grep -q 'failed: the receiver answered 503'
}
check "and cannot be told" wait_for 10 is_failing
like "that is shown at home" "$(node "$flow/web.mjs" page "$url" /)" 'Alerts do not reach The team'
like "and why, with the alerts" "$(node "$flow/web.mjs" page "$url" /alerts)" 'the receiver answered 503 overloaded'
rm "$work/told/mood"
status "a message on trial shows that it is there again" 0 bh alert test team
unlike "then home is silent" "$(node "$flow/web.mjs" page "$url" /)" 'Alerts do not reach'
told_twice() {
	[ "$(said "^$held")" -eq 2 ]
}
check "and what was kept back is told" wait_for 10 told_twice
finish
