#!/usr/bin/env bash
# Causes that come again, in a Salesforce org and a HubSpot portal: terms that are renewed
# on their day, before it and not at all; a second cancellation; money that moved long
# before it is heard of; what is over before anything of it came to a CRM.
# shellcheck disable=SC2016,SC2119 # JavaScript; arguments that may be left out
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
leave_root
# shellcheck source=org.sh
. "$flow/org.sh"

sf_settings='{"daily_limit": 10000}' hs_settings='{"search_lag_ms": 0, "search_second_limit": 1000}'
simulators
behind_lighttpd data
option preset_dir "$BH_SRCDIR/presets"
at_noon
serve_web
# set_up PAUSED: the CRMs wait, or not
set_up() {
	bh apply --quiet - <<-END || not_ok "apply"
	{ "billhook": 1,
	  "connections": [
	    { "code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
	    { "code": "salesforce", "driver": "salesforce", "paused": $1, "settings": {"flow": "client_credentials", "login_url": "$SF_URL", "client_id": "sim-client"}, "secrets": {"client_secret": "env:FLOW_SF_SECRET"} },
	    { "code": "hubspot", "driver": "hubspot", "paused": $1, "settings": {"flow": "token", "base_url": "$HS_URL"}, "secrets": {"access_token": "env:FLOW_HS_TOKEN"} } ],
	  "syncs": [
	    { "code": "sf", "from": "stripe", "to": "salesforce", "preset": "stripe-salesforce", "settings": {"automations": "yes"} },
	    { "code": "hs", "from": "stripe", "to": "hubspot", "preset": "stripe-hubspot", "settings": {"automations": "yes", "custom_objects": "no"} } ],
	  "automations": [
	    {"code": "failed", "preset": "failed-payments", "from": "stripe"}, {"code": "renewals", "preset": "renewals", "from": "stripe"},
	    {"code": "cancel", "preset": "cancellations", "from": "stripe"}, {"code": "large", "preset": "large-payments", "from": "stripe"},
	    {"code": "late", "from": "stripe", "on": "customer", "title": "Late", "if": {"field": "is_delinquent", "is": true},
	      "make": {"type": "task", "due": {"days": 1}, "title": "{name} owes"}} ] }
	END
}
# days DAYS: that many from now; day DAYS: of it the date
days() {
	echo $(($(date +%s) + BILLHOOK_CLOCK_OFFSET_S + $1 * 86400))
}
day() {
	date -u -d "@$(days "$1")" +%F
}
# later DAYS: that much later, for the billing system as well
later() {
	restart $(($1 * 86400))
	clock=$((clock + $1 * 86400))
}
# yearly ID DAYS [MEMBERS]: a subscription by the year whose term ends in so many days
yearly() {
	bill subscription "$1" "\"customer\":\"cus_1\",\"description\":\"Plan $1\",\"items\":{\"object\":\"list\",\"has_more\":false,\"total_count\":1,\"data\":[{\"id\":\"si_$1\",\"object\":\"subscription_item\",\"quantity\":1,
		\"created\":1790000000,\"current_period_start\":$(days $(($2 - 365))),\"current_period_end\":$(days "$2"),\"discounts\":[],\"price\":{\"id\":\"price_year\",\"object\":\"price\",\"nickname\":\"Year\",\"product\":\"prod_1\",
		\"currency\":\"usd\",\"unit_amount\":120000,\"unit_amount_decimal\":\"120000\",\"billing_scheme\":\"per_unit\",\"type\":\"recurring\",\"recurring\":{\"interval\":\"year\",\"interval_count\":1,\"usage_type\":\"licensed\"}}}]}${3:+,$3}"
}
# Both CRMs' opportunities and tasks about something.  A task of HubSpot has no key that is seen: by its title.
chances="(about) => [sf('Opportunity').filter((o) => o.Billhook_Id__c.includes(about)).map((o) => o.StageName + ' ' + o.CloseDate).join(), hs('deals').filter((d) => (d.billhook_deal_id ?? '').includes(about)).map((d) => d.dealstage + ' ' + String(d.closedate).slice(0, 10)).join()]"
tasks="(title) => [sf('Task').filter((t) => t.Subject.includes(title)).map((t) => t.Status).sort().join(), hs('tasks').filter((t) => t.hs_task_subject.includes(title)).map((t) => t.hs_task_status).sort().join()]"
open_on() {
	echo "[\"Prospecting $1\",\"appointmentscheduled $1\"]"
}
won_on() {
	echo "[\"Closed Won $1\",\"closedwon $1\"]"
}
lost_on() {
	echo "[\"Closed Lost $1\",\"closedlost $1\"]"
}

set_up false
bill customer cus_1 '"name":"Acme","email":"pay@acme.example"'
settled

# -- renewed before its time --
early=$(day 30)
yearly sub_early 30
seen "a term that ends soon has something to be won" "($chances)('sub_early')" "$(open_on "$early")"
yearly sub_early 365
seen "renewed a month before, it is won, on its date" "($chances)('sub_early')" "$(won_on "$early")"

# -- moved, canceled, taken back --
moved=$(day 65)
yearly sub_back 60
yearly sub_back 65
seen "it follows its date" "($chances)('sub_back')" "$(open_on "$moved")"
yearly sub_back 65 "\"cancel_at_period_end\":true,\"cancel_at\":$(days 65)"
seen "canceled, it is lost" "($chances)('sub_back')" "$(lost_on "$moved")"
seen "and somebody is to call" "($tasks)('Plan sub_back')" '["Not Started","NOT_STARTED"]'
yearly sub_back 65
seen "taken back, it is the same one again" "($chances)('sub_back')" "$(open_on "$moved")"
seen "and the call is done" "($tasks)('Plan sub_back')" '["Completed","COMPLETED"]'

# -- on its day --
on=$(day 6)
yearly sub_gone 6
yearly sub_quiet 6
settled
later 6
settled
seen "on its day a term is neither won nor lost" "($chances)('sub_gone')" "$(open_on "$on")"
bill subscription sub_gone "\"customer\":\"cus_1\",\"status\":\"canceled\",\"ended_at\":$(days 0),\"canceled_at\":$(days 0)"
seen "until its end is told" "($chances)('sub_gone')" "$(lost_on "$on")"
later 8
seen "or a week went by without a word" "($chances)('sub_quiet')" "$(won_on "$on")"

# -- again another day --
yearly sub_back 51 "\"cancel_at_period_end\":true,\"cancel_at\":$(days 51)"
seen "canceled again, it is another call" "($tasks)('Plan sub_back')" '["Completed,Not Started","COMPLETED,NOT_STARTED"]'
is "with a date of its own" "$(crm see "sf('Task').filter((t) => t.Subject.includes('Plan sub_back') && t.Status === 'Not Started').map((t) => t.ActivityDate)")" "[\"$(day 2)\"]"
bill customer cus_2 '"name":"Late","email":"pay@late.example"'
bill invoice in_1 "\"customer\":\"cus_2\",\"total\":1250,\"due_date\":$(days -2)"
seen "who owes has a task" "($tasks)('Late owes')" '["Not Started","NOT_STARTED"]'
bill invoice in_1 '"customer":"cus_2","total":1250,"status":"paid"'
seen "it is done when he does not any more" "($tasks)('Late owes')" '["Completed","COMPLETED"]'
later 30
bill invoice in_2 "\"customer\":\"cus_2\",\"total\":1250,\"due_date\":$(days -2)"
seen "a month later he has another" "($tasks)('Late owes')" '["Completed,Not Started","COMPLETED,NOT_STARTED"]'
is "due from then on" "$(crm see "sf('Task').filter((t) => t.Subject === 'Late owes').map((t) => t.ActivityDate).sort()[1]")" "$(day 1)"

# -- money has its own date --
clock=$((clock + 1))
bill charge ch_old "\"customer\":\"cus_1\",\"amount\":2000000,\"created\":1700000000,\"amount_refunded\":100,\"type\":\"charge.updated\""
bill charge ch_new "\"customer\":\"cus_1\",\"amount\":2000000,\"created\":$(days 0)"
seen "a large payment has a task" "($tasks)('Large payment')" '["Not Started","NOT_STARTED"]'
settled
is "one that was made long before the rule has none" "$(crm see "sf('Task').filter((t) => t.Billhook_Id__c.includes('ch_old')).length")" 0

# -- over before anything came to a CRM --
set_up true
bill invoice in_3 '"customer":"cus_1","total":1250,"attempted":true'
bill invoice in_4 '"customer":"cus_1","total":1250,"attempted":true'
check "what fails while the CRMs wait is kept" crm see --wait 20 'status.backlog === 0 && lane("salesforce").dirty >= 4' true
bill invoice in_3 '"customer":"cus_1","total":1250,"status":"paid"'
set_up false
seen "what is still so is written" "($tasks)('EX-in_4')" '["Not Started","NOT_STARTED"]'
settled
is "what is over is not" "$(crm see "($tasks)('EX-in_3')")" '["",""]'

bh replay --connection stripe --all >/dev/null
bh resync sf >/dev/null
bh resync hs >/dev/null
settled "replayed and synced again"
is "all is as it was" "$(crm see "[sf('Task').length, hs('tasks').length, sf('Opportunity').length, hs('deals').length]")" '[6,6,4,4]'
is "nothing to complain in the log" "$(log | grep '^[^ ]* error ')" ""
finish
