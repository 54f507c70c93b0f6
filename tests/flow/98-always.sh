#!/usr/bin/env bash
# Who wins in what automations made, in a Salesforce org and a HubSpot portal: what a
# person changed in a task, an opportunity or a deal stays, whatever the rule moves, and
# the fields beside it follow; a mapping that says "always" has the rule win.
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
at_noon
serve_web
# preset NAME WHEN: a shipped mapping in which automations write their fields so
preset() {
	WHEN=$2 node -p 'const one = JSON.parse(require("fs").readFileSync(process.argv[1]));
		for (const object of one.objects.filter((o) => o.from === "action"))
			for (const field of object.fields) if (field.when === "if_unchanged") field.when = process.env.WHEN;
		JSON.stringify(one)' "$BH_SRCDIR/presets/$1.json"
}
set_up() {
	bh apply --quiet - <<-END || not_ok "apply" "$1"
	{ "billhook": 1,
	  "connections": [
	    { "code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
	    { "code": "salesforce", "driver": "salesforce", "settings": {"flow": "client_credentials", "login_url": "$SF_URL", "client_id": "sim-client"}, "secrets": {"client_secret": "env:FLOW_SF_SECRET"} },
	    { "code": "hubspot", "driver": "hubspot", "settings": {"flow": "token", "base_url": "$HS_URL"}, "secrets": {"access_token": "env:FLOW_HS_TOKEN"} } ],
	  "syncs": [
	    { "code": "sf", "from": "stripe", "to": "salesforce", "mapping": $(preset stripe-salesforce "$1"), "settings": {"automations": "yes"} },
	    { "code": "hs", "from": "stripe", "to": "hubspot", "mapping": $(preset stripe-hubspot "$1"), "settings": {"automations": "yes", "custom_objects": "no"} } ],
	  "automations": [ {"code": "failed", "preset": "failed-payments", "from": "stripe"}, {"code": "renewals", "preset": "renewals", "from": "stripe"} ] }
	END
}
day() {
	date -u -d "@$(($(date +%s) + BILLHOOK_CLOCK_OFFSET_S + $1 * 86400))" +%F
}
# yearly DAYS AMOUNT [MEMBERS]: a subscription by the year that renews in so many days
yearly() {
	local now
	now=$(($(date +%s) + BILLHOOK_CLOCK_OFFSET_S))
	bill subscription sub_1 "\"customer\":\"cus_1\",\"description\":\"Plan\",\"items\":{\"object\":\"list\",\"has_more\":false,\"total_count\":1,\"data\":[{\"id\":\"si_1\",\"object\":\"subscription_item\",\"quantity\":1,
		\"created\":1790000000,\"current_period_start\":$((now + ($1 - 365) * 86400)),\"current_period_end\":$((now + $1 * 86400)),\"discounts\":[],\"price\":{\"id\":\"price_$2\",\"object\":\"price\",\"nickname\":\"Year\",\"product\":\"prod_1\",
		\"currency\":\"usd\",\"unit_amount\":$2,\"unit_amount_decimal\":\"$2\",\"billing_scheme\":\"per_unit\",\"type\":\"recurring\",\"recurring\":{\"interval\":\"year\",\"interval_count\":1,\"usage_type\":\"licensed\"}}}]}${3:+,$3}"
}
tasks="[sf('Task').map((t) => t.Status).join(), hs('tasks').map((t) => t.hs_task_status).join()]"
chances="[sf('Opportunity').map((o) => o.StageName + ' ' + o.CloseDate + ' ' + Number(o.Amount)).join(), hs('deals').map((d) => d.dealstage + ' ' + String(d.closedate).slice(0, 10) + ' ' + Number(d.amount)).join()]"
# portal OBJECT PROPERTIES: what a person changes there, in the one that there is
portal() {
	curl -sf -X PATCH "$HS_URL/crm/objects/2026-09/$1/$(crm see "hs('$1')[0].id")" -H "Authorization: Bearer $FLOW_HS_TOKEN" \
		-H 'Content-Type: application/json' -d "{\"properties\": $2}" >/dev/null || not_ok "a person changes one of $1"
}
# people_take: a task is put off, the date of a renewal is somebody's own
people_take() {
	people_change "{\"Task\": [{\"Id\": \"$(crm see "sf('Task')[0].Id")\", \"Status\": \"Deferred\"}]}"
	people_change "{\"Opportunity\": [{\"Id\": \"$(crm see "sf('Opportunity')[0].Id")\", \"CloseDate\": \"$theirs\"}]}"
	portal tasks '{"hs_task_status": "WAITING"}'
	portal deals "{\"closedate\": \"${theirs}T00:00:00Z\"}"
}
failing='"customer":"cus_1","total":1250,"attempted":true'
theirs=$(day 200)

set_up if_unchanged
bill customer cus_1 '"name":"Acme","email":"pay@acme.example"'
bill invoice in_1 "$failing"
yearly 60 120000
seen "a task is made in both" "$tasks" '["Not Started","NOT_STARTED"]'
seen "and what is to be won" "$chances" "[\"Prospecting $(day 60) 1200\",\"appointmentscheduled $(day 60) 1200\"]"
settled

# -- a person's word is the last --
people_take
bill invoice in_1 '"customer":"cus_1","total":1250,"status":"paid"'
yearly 70 180000
seen "the rule moves them: the fields beside what a person changed follow" "$chances.map((c) => c.split(' ')[2]).join()" 1800,1800
settled
is "what he changed stays" "$(crm see "[...$tasks, ...$chances]")" "[\"Deferred\",\"WAITING\",\"Prospecting $theirs 1800\",\"appointmentscheduled $theirs 1800\"]"

# -- unless the mapping has the rule win --
set_up always
settled "a mapping that has the rule win"
bill invoice in_1 "$failing,\"attempt_count\":3"
yearly 80 240000
seen "told to, it writes over what he changed when it moves" "[...$tasks, ...$chances]" "[\"Not Started\",\"NOT_STARTED\",\"Prospecting $(day 80) 2400\",\"appointmentscheduled $(day 80) 2400\"]"
people_take
bill invoice in_1 '"customer":"cus_1","total":1250,"status":"paid"'
yearly 85 240000
seen "each time" "[...$tasks, ...$chances]" "[\"Completed\",\"COMPLETED\",\"Prospecting $(day 85) 2400\",\"appointmentscheduled $(day 85) 2400\"]"
settled
is "without another one" "$(crm see "[sf('Task').length, sf('Opportunity').length, hs('tasks').length, hs('deals').length]")" '[1,1,1,1]'
status "no person is needed" 0 bh status
is "nothing to complain in the log" "$(log | grep '^[^ ]* error ')" ""
finish
