#!/usr/bin/env bash
# Every shipped automation in a Salesforce org and a HubSpot portal at once: it
# makes one task or opportunity for its cause, follows it, closes it; what a
# person changed stays.  A dry run over what was stored tells exactly what was made.
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
serve_web
codes=(renewals failed-payments overdue-invoices ending-trials cancellations expansions contractions churn large-payments large-refunds disputes)
is "these are all that is shipped" "$(node -p 'JSON.parse(require("fs").readFileSync(process.argv[1])).map((r) => r.code).join(" ")' "$BH_SRCDIR/presets/automations/rules.json")" "${codes[*]}"
bh apply --quiet - <<-END || not_ok "apply"
	{ "billhook": 1,
	  "connections": [
	    { "code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
	    { "code": "salesforce", "driver": "salesforce", "settings": {"flow": "client_credentials", "login_url": "$SF_URL", "client_id": "sim-client"}, "secrets": {"client_secret": "env:FLOW_SF_SECRET"} },
	    { "code": "hubspot", "driver": "hubspot", "settings": {"flow": "token", "base_url": "$HS_URL"}, "secrets": {"access_token": "env:FLOW_HS_TOKEN"} } ],
	  "syncs": [
	    { "code": "sf", "from": "stripe", "to": "salesforce", "preset": "stripe-salesforce", "settings": {"automations": "yes"} },
	    { "code": "hs", "from": "stripe", "to": "hubspot", "preset": "stripe-hubspot", "settings": {"automations": "yes", "custom_objects": "no"} } ],
	  "automations": [ $(for code in "${codes[@]}"; do echo "{\"code\": \"$code\", \"preset\": \"$code\", \"from\": \"stripe\", \"since\": \"2026-01-01T00:00:00Z\"}"; done | paste -sd,) ] }
END
# What is told has happened within the last hours; movements of MRR within one hour are one.
clock=$(($(date +%s) - 6 * 3600))
seconds() {
	echo $(($(date +%s) + ${BILLHOOK_CLOCK_OFFSET_S:-0} + $1 * 86400))
}
customer=cus_1
# plan ID INTERVAL AMOUNT END [MEMBERS]: a subscription whose term ends in so many days
plan() {
	local -A days=([month]=30 [year]=365)
	bill subscription "$1" "\"customer\":\"$customer\",\"description\":\"Plan $1\",\"items\":{\"object\":\"list\",\"has_more\":false,\"total_count\":1,\"data\":[{\"id\":\"si_$1\",\"object\":\"subscription_item\",\"quantity\":1,
		\"created\":1790000000,\"current_period_start\":$(seconds $(($4 - days[$2]))),\"current_period_end\":$(seconds "$4"),\"discounts\":[],\"price\":{\"id\":\"price_$2$3\",\"object\":\"price\",\"nickname\":\"Plan\",\"product\":\"prod_1\",
		\"currency\":\"usd\",\"unit_amount\":$3,\"unit_amount_decimal\":\"$3\",\"billing_scheme\":\"per_unit\",\"type\":\"recurring\",\"recurring\":{\"interval\":\"$2\",\"interval_count\":1,\"usage_type\":\"licensed\"}}}]}${5:+,$5}"
}
# What a rule made: "title, status" in each CRM, sorted.
made="(code) => [sf('Task').filter((t) => t.Billhook_Id__c.startsWith('stripe:' + code + '/')).map((t) => t.Subject + ', ' + t.Status)
	.concat(sf('Opportunity').filter((o) => (o.Billhook_Id__c ?? '').startsWith('stripe:' + code + '/')).map((o) => o.Name + ', ' + o.StageName)).sort().join('; '),
	hs('tasks').filter((t) => t.hs_task_body.includes(code + '/')).map((t) => t.hs_task_subject + ', ' + t.hs_task_status)
	.concat(hs('deals').filter((d) => (d.billhook_deal_id ?? '').includes(code + '/')).map((d) => d.dealname + ', ' + d.dealstage)).sort().join('; ')]"
# rule NAME CODE TITLE STATUS: in Salesforce; HubSpot has words of its own
rule() {
	local -A words=(["Not Started"]=NOT_STARTED [Completed]=COMPLETED [Prospecting]=appointmentscheduled ["Closed Won"]=closedwon ["Closed Lost"]=closedlost)
	seen "$1" "($made)('$2')" "[\"$3, $4\",\"$3, ${words[$4]}\"]"
}
bill customer cus_1 '"name":"Acme","email":"pay@acme.example"'

bill customer cus_2 '"name":"Globex","email":"pay@globex.example"'

# -- each is made --
customer=cus_2 plan sub_lost month 60000 20
plan sub_year year 1200000 60
plan sub_trial month 1000 2 "\"status\":\"trialing\",\"trial_start\":$(seconds -12),\"trial_end\":$(seconds 2)"
plan sub_end month 1000 20 "\"cancel_at\":$(seconds 20),\"cancel_at_period_end\":true,\"cancellation_details\":{\"reason\":\"cancellation_requested\",\"feedback\":\"too_expensive\",\"comment\":null}"
bill invoice in_failed '"customer":"cus_1","total":1250,"attempted":true'
bill invoice in_late "\"customer\":\"cus_1\",\"total\":1250,\"attempt_count\":0,\"due_date\":$(seconds -5)"
bill charge ch_1 '"customer":"cus_1","amount":1000000'
bill charge ch_2 '"customer":"cus_1","amount":999999'
bill refund re_1 '"customer":"cus_1","charge":"ch_1","amount":100000'
bill refund re_2 '"customer":"cus_1","charge":"ch_1","amount":99999'
bill dispute du_1 '"charge":"ch_1","amount":5000'
rule "a renewal" renewals 'Renewal - Acme - Plan sub_year' Prospecting
rule "a trial that ends" ending-trials 'Trial ends: Acme, Plan sub_trial' 'Not Started'
rule "a cancellation" cancellations 'Cancellation: Acme, Plan sub_end' 'Not Started'
rule "a payment that failed" failed-payments 'Payment failed: Acme, invoice EX-in_failed' 'Not Started'
rule "an invoice that is overdue" overdue-invoices 'Overdue: Acme, invoice EX-in_late' 'Not Started'
rule "a large payment" large-payments 'Large payment: Acme' 'Not Started'
rule "a large refund" large-refunds 'Large refund: Acme' 'Not Started'
rule "a dispute" disputes 'Dispute: Acme, 50.00 USD' 'Not Started'
seen "MRR that grew" "($made)('expansions')" '["MRR grew: Acme, Not Started; MRR grew: Globex, Not Started","MRR grew: Acme, NOT_STARTED; MRR grew: Globex, NOT_STARTED"]'
clock=$((clock + 7200))
plan sub_year year 480000 60
bill subscription sub_lost "\"customer\":\"cus_2\",\"status\":\"canceled\",\"ended_at\":$clock,\"canceled_at\":$clock"
rule "MRR that is lost" churn 'Churned: Globex' 'Not Started'
rule "MRR that fell" contractions 'MRR fell: Acme' 'Not Started'
like "the link where to pay stands on a task" "$(crm see "sf('Task').find((t) => /in_late/.test(t.Billhook_Id__c)).Billhook_Link__c + ' ' + hs('tasks').find((t) => /in_late/.test(t.hs_task_body)).hs_task_body")" \
	'^https://invoice.example.com/in_late .*https://invoice.example.com/in_late'

# -- a dry run tells exactly what was made --
settled
crm delete sf calls >/dev/null
for code in "${codes[@]}"; do
	bh automation "$code" try --json | node -e 'const t = JSON.parse(require("fs").readFileSync(0)); console.log([t.n, ...t.fired.map((f) => f.id).sort()].join(" "))' >"$work/tried" || not_ok "try $code"
	is "$code: a dry run finds what was made, no more, no less" "$(cat "$work/tried")" \
		"$(crm see "((ids) => [ids.length, ...ids].join(' '))([...sf('Task'), ...sf('Opportunity')].map((r) => (r.Billhook_Id__c ?? '').replace('stripe:', '')).filter((id) => id.startsWith('$code/')).sort())")"
done
is "without a call that writes" "$(crm see 'sfWrites.length')" 0

# -- each is closed, but for what a person took over --
people_change "{\"Task\": [{\"Id\": \"$(crm see "sf('Task').find((t) => /disputes/.test(t.Billhook_Id__c)).Id")\", \"Status\": \"Deferred\"}]}"
curl -sf -X PATCH "$HS_URL/crm/objects/2026-09/tasks/$(crm see "hs('tasks').find((t) => /disputes/.test(t.hs_task_body)).id")" -H "Authorization: Bearer $FLOW_HS_TOKEN" \
	-H 'Content-Type: application/json' -d '{"properties": {"hs_task_status": "WAITING"}}' >/dev/null || not_ok "a person changes a task"
bill invoice in_failed '"customer":"cus_1","total":1250,"status":"paid"'
bill invoice in_late '"customer":"cus_1","total":1250,"status":"paid"'
plan sub_trial month 1000 32 "\"status\":\"active\",\"trial_start\":$(seconds -12),\"trial_end\":$(seconds 0)"
plan sub_end month 1000 20
bill dispute du_1 '"charge":"ch_1","amount":5000,"status":"under_review"'
bill subscription sub_year "\"customer\":\"cus_1\",\"status\":\"canceled\",\"ended_at\":$(seconds 0),\"canceled_at\":$(seconds 0)"
rule "paid, it is done" failed-payments 'Payment failed: Acme, invoice EX-in_failed' Completed
rule "so is this one" overdue-invoices 'Overdue: Acme, invoice EX-in_late' Completed
rule "the trial is over" ending-trials 'Trial ends: Acme, Plan sub_trial' Completed
rule "the customer stays after all" cancellations 'Cancellation: Acme, Plan sub_end' Completed
rule "canceled, the renewal is lost" renewals 'Renewal - Acme - Plan sub_year' 'Closed Lost'
settled
is "a task that a person took over stays as it is" "$(crm see "($made)('disputes')")" '["Dispute: Acme, 50.00 USD, Deferred","Dispute: Acme, 50.00 USD, WAITING"]'
is "what was made once stays open" "$(crm see "($made)('large-payments').map((t) => t.split(', ')[1]).join()")" 'Not Started,NOT_STARTED'
status "no person is needed" 0 bh status
is "nothing to complain in the log" "$(log | grep '^[^ ]* error ')" ""
finish
