#!/usr/bin/env bash
# Automations in HubSpot: tasks and deals, each once for its cause, that follow
# what they are about and leave alone what people changed. The rest of
# automations is the same for both CRMs: 98-automations.sh.
# shellcheck disable=SC2016,SC2119 # JavaScript; arguments that may be left out
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
leave_root
# shellcheck source=org.sh
. "$flow/org.sh"

start hubspot node "$BH_SRCDIR/tests/crm/hubspot.mjs" --port 0 --port-file "$work/hs.port" --settings '{"search_lag_ms": 30000}' --witness
wait_for 10 test -f "$work/hs.port" || not_ok "the portal starts" "$(cat "$work/hubspot.log")"
export HS_URL
HS_URL=http://127.0.0.1:$(cat "$work/hs.port")
behind_lighttpd data
at_noon
serve_web

bh apply --quiet - <<-END || not_ok "apply"
	{ "billhook": 1,
	  "connections": [
	    { "code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
	    { "code": "hubspot", "driver": "hubspot", "settings": {"flow": "token", "base_url": "$HS_URL"}, "secrets": {"access_token": "env:FLOW_HS_TOKEN"} } ],
	  "syncs": [ { "code": "crm", "from": "stripe", "to": "hubspot", "preset": "stripe-hubspot", "settings": {"automations": "yes", "custom_objects": "no"} } ],
	  "automations": [ {"code": "failed", "preset": "failed-payments", "from": "stripe"}, {"code": "renewals", "preset": "renewals", "from": "stripe"} ] }
END
status "install" 0 bh crm hubspot install

day() {
	date -u -d "@$(($(date +%s) + BILLHOOK_CLOCK_OFFSET_S + $1 * 86400))" +%F
}
seconds() {
	echo $(($(date +%s) + BILLHOOK_CLOCK_OFFSET_S + $1 * 86400))
}
# yearly ID DAYS: a subscription by the year that renews in so many days
yearly() {
	bill subscription "$1" "\"customer\":\"cus_1\",\"description\":\"Plan $1\",\"items\":{\"object\":\"list\",\"has_more\":false,\"total_count\":1,\"data\":[{\"id\":\"si_$1\",\"object\":\"subscription_item\",\"quantity\":1,
		\"created\":1790000000,\"current_period_start\":$(seconds $(($2 - 365))),\"current_period_end\":$(seconds "$2"),\"discounts\":[],\"price\":{\"id\":\"price_year\",\"object\":\"price\",\"nickname\":\"Year\",\"product\":\"prod_1\",
		\"currency\":\"usd\",\"unit_amount\":120000,\"unit_amount_decimal\":\"120000\",\"billing_scheme\":\"per_unit\",\"type\":\"recurring\",\"recurring\":{\"interval\":\"year\",\"interval_count\":1,\"usage_type\":\"licensed\"}}}]}"
}
failing='"customer":"cus_1","total":1250,"attempted":true'
task="(about) => hs('tasks').filter((t) => t.hs_task_body.includes(about)).map((t) => [t.hs_task_subject, t.hs_task_status, t.hs_task_priority].join(', '))"
deal="(about) => hs('deals').filter((d) => (d.billhook_deal_id ?? '').includes(about)).map((d) => [d.dealname, d.dealstage, String(d.closedate).slice(0, 10), d.amount].join(', '))"

bill customer cus_1 '"name":"Acme","email":"pay@acme.example"'
bill invoice in_1 "$failing"
bill invoice in_1 "$failing"
yearly sub_1 60
seen "a payment that fails makes a task" "($task)('in_1')" '["Payment failed: Acme, invoice EX-in_1, NOT_STARTED, HIGH"]'
due=$(day 60)
seen "a renewal makes a deal" "($deal)('sub_1')" "[\"Renewal - Acme - Plan sub_1, appointmentscheduled, $due, 1200.00\"]"
settled
bh replay --connection stripe --all >/dev/null
bh resync crm >/dev/null
settled "replayed and synced again"
is "there is one of each" "$(crm see "[hs('tasks').length, hs('deals').length]")" '[1,1]'
like "with the link where to pay" "$(crm see "hs('tasks')[0].hs_task_body")" 'https://invoice\.example\.com/in_1'
bill invoice in_1 '"customer":"cus_1","total":1250,"status":"paid"'
seen "paid, the task is done" "($task)('in_1')" '["Payment failed: Acme, invoice EX-in_1, COMPLETED, HIGH"]'
moved=$(day 75)
yearly sub_1 75
seen "the deal follows its subscription" "($deal)('sub_1')" "[\"Renewal - Acme - Plan sub_1, appointmentscheduled, $moved, 1200.00\"]"
bill subscription sub_1 "\"customer\":\"cus_1\",\"status\":\"canceled\",\"ended_at\":$(seconds 0),\"canceled_at\":$(seconds 0)"
seen "canceled, it is lost" "($deal)('sub_1').map((d) => d.split(', ')[1])" '["closedlost"]'
settled
status "no person is needed" 0 bh status
is "nothing to complain in the log" "$(log | grep '^[^ ]* error ')" ""
finish
