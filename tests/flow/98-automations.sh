#!/usr/bin/env bash
# Automations: what billing tells makes tasks and opportunities in Salesforce,
# each once for its cause whatever is replayed, restarted and synced again;
# they follow what they are about, are closed when it is cured, come by the
# clock alone, and leave alone what people changed.
# shellcheck disable=SC2016,SC2119 # JavaScript; without settings
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
option preset_dir "$BH_SRCDIR/presets"
at_noon
serve_web

# set_up AUTOMATIONS: with the preset of Stripe and Salesforce
set_up() {
	bh apply --quiet - <<-END || not_ok "apply" "$1"
	{ "billhook": 1,
	  "connections": [
	    { "code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
	    { "code": "salesforce", "driver": "salesforce", "settings": {"flow": "client_credentials", "login_url": "$SF_URL", "client_id": "sim-client"}, "secrets": {"client_secret": "env:FLOW_SF_SECRET"} } ],
	  "syncs": [ { "code": "crm", "from": "stripe", "to": "salesforce", "preset": "stripe-salesforce", "settings": {"automations": "yes"} } ],
	  "automations": [ $1 ] }
	END
}
day() {
	date -u -d "@$(($(date +%s) + BILLHOOK_CLOCK_OFFSET_S + $1 * 86400))" +%F
}
seconds() {
	echo $(($(date +%s) + BILLHOOK_CLOCK_OFFSET_S + $1 * 86400))
}
# yearly ID DAYS [MEMBERS]: a subscription by the year that renews in so many days
yearly() {
	bill subscription "$1" "\"customer\":\"cus_1\",\"description\":\"Plan $1\",\"items\":{\"object\":\"list\",\"has_more\":false,\"total_count\":1,\"data\":[{\"id\":\"si_$1\",\"object\":\"subscription_item\",\"quantity\":1,
		\"created\":1790000000,\"current_period_start\":$(seconds $(($2 - 365))),\"current_period_end\":$(seconds "$2"),\"discounts\":[],\"price\":{\"id\":\"price_year\",\"object\":\"price\",\"nickname\":\"Year\",\"product\":\"prod_1\",
		\"currency\":\"usd\",\"unit_amount\":${4:-120000},\"unit_amount_decimal\":\"${4:-120000}\",\"billing_scheme\":\"per_unit\",\"type\":\"recurring\",\"recurring\":{\"interval\":\"year\",\"interval_count\":1,\"usage_type\":\"licensed\"}}}]}${3:+,$3}"
}
failing='"customer":"cus_1","total":1250,"attempted":true'
task="(about) => sf('Task').filter((t) => t.Billhook_Id__c.includes(about)).map((t) => [t.Subject, t.Status, t.ActivityDate, t.Priority].join(', '))"
opportunity="(about) => sf('Opportunity').filter((o) => o.Billhook_Id__c.includes(about)).map((o) => [o.Name, o.StageName, o.CloseDate, o.Amount].join(', '))"

# tallies FAMILY: what is open of each rule: as counted (Xc), or counted anew from what was decided (Xs)
tallies() {
	bh dump | FAMILY=$1 node -e '
		const open = {}, raw = (one, name) => one[name] ?? Buffer.from(one[name + "64"] ?? "", "base64").toString("latin1");
		for (const line of require("fs").readFileSync(0, "utf8").split("\n")) {
			const one = line === "" ? {} : JSON.parse(line), key = raw(one, "k");
			if (!key.startsWith(process.env.FAMILY)) continue;
			const doc = JSON.parse(raw(one, "v"));
			if (process.env.FAMILY === "Xc") open[key.slice(2).replace(/[^a-z]/g, "")] = doc.open;
			else for (const [code, entries] of Object.entries(doc.rules))
				for (const { state } of Object.values(entries)) if (state === "open") open[code] = (open[code] ?? 0) + 1;
		}
		console.log(Object.entries(open).filter(([, n]) => n !== 0).map(([code, n]) => `${code} ${n}`).sort().join(", "));'
}

# -- bad rules --
# refused NAME AUTOMATION WANT
refused() {
	run bh apply - <<<"{\"billhook\": 1, \"automations\": [$2]}"
	like "$1" "$out$err" "$3"
}
refused "an automation that is none" '{"code": "a", "preset": "moon", "from": "stripe"}' '/automations/0/preset: there is no automation "moon"'
refused "one of a source that is not there" '{"code": "a", "preset": "renewals", "from": "nowhere"}' '/automations/0/from: there is no source "nowhere"'
refused "one with a slip of the pen" '{"code": "a", "preset": "failed-payments", "from": "stripe", "if": {"field": "stattus", "is": "open"}}' "/automations/0: if: invoice has no field 'stattus'"

# -- what was there before a rule --
set_up ''
bill customer cus_1 '"name":"Acme"'
bill invoice in_old "$failing"
bill invoice in_fine '"customer":"cus_1","total":100,"status":"paid"'
settled
is "without rules there is no task" "$(crm see "sf('Task').length")" 0
rules='{"code": "failed", "preset": "failed-payments", "from": "stripe"}, {"code": "renewals", "preset": "renewals", "from": "stripe"},
	{"code": "overdue", "preset": "overdue-invoices", "from": "stripe"}, {"code": "grown", "preset": "expansions", "from": "stripe", "amount": {"of": "movement_amount", "at_least": {"USD": "50"}}}'
set_up "$rules"
seen "a rule sees what was there before it" "($task)('in_old')" "[\"Payment failed: Acme, invoice EX-in_old, Not Started, $(day 1), High\"]"
is "below its account" "$(crm see "sf('Task')[0].WhatId === sf('Account', 'stripe:cus_1').Id")" true
is "with the link where to pay" "$(crm see "sf('Task')[0].Billhook_Link__c")" https://invoice.example.com/in_old

# -- once for its cause, and closed when it is cured --
bill invoice in_1 "$failing"
seen "a payment that fails makes a task" "($task)('in_1').length" 1
bill invoice in_1 "$failing"
bill invoice in_1 "$failing,\"attempt_count\":2"
settled
forget_calls
bh replay --connection stripe --all >/dev/null
bh resync crm >/dev/null
settled "replayed and synced again"
restart
settled "and started again"
is "there is one task for each" "$(crm see "sf('Task').map((t) => t.Billhook_Id__c).sort()")" '["stripe:failed/invoice/in_1","stripe:failed/invoice/in_old"]'
is "and nothing was sent" "$(crm see 'sfWrites.length')" 0
like "what is open is counted" "$(tallies Xs)" '^failed 2'
is "exactly, whatever came twice" "$(tallies Xc)" "$(tallies Xs)"
people_change "{\"Task\": [{\"Id\": \"$(id_of Task Billhook_Id__c stripe:failed/invoice/in_old)\", \"Status\": \"Deferred\", \"Subject\": \"Mine\"}]}"
bill invoice in_1 '"customer":"cus_1","total":1250,"status":"paid"'
bill invoice in_old '"customer":"cus_1","total":1250,"status":"paid"'
seen "paid, the task is done" "($task)('in_1')" "[\"Payment failed: Acme, invoice EX-in_1, Completed, $(day 1), High\"]"
settled
like "what a person changed stays" "$(crm see "($task)('in_old')")" '^\["Mine, Deferred, '

# -- dry runs --
forget_calls
run bh automation failed try
like "a dry run tells what would have been done" "$out" '^since [^ ]+ it would have fired 2 times'
like "each with its title" "$out" 'Payment failed: Acme, invoice EX-in_1$'
is "without a call" "$(crm see 'sfCalls.length')" 0
run bh automation
like "they are listed" "$out" '^failed +on +stripe +Follow up failed payments$'
run bh automation moon try
like "of one that is not there" "$err" 'there is no automation "moon"'

# -- renewals: by the clock alone, moved, won, lost --
yearly sub_1 100
yearly sub_2 120
yearly sub_3 80
bill subscription sub_m '"customer":"cus_1","quantity":1'
due=$(day 80)
seen "an opportunity for what renews within 90 days" "($opportunity)('renewals')" "[\"Renewal - Acme - Plan sub_3, Prospecting, $due, 1200\"]"
date1=$(day 100)
like "a dry run of it" "$(bh automation renewals try)" 'Renewal - Acme - Plan sub_3'
later 900000
seen "in time comes the next" "($opportunity)('sub_1')" "[\"Renewal - Acme - Plan sub_1, Prospecting, $date1, 1200\"]"
is "and no other" "$(crm see "sf('Opportunity').length")" 2
moved=$(day 95)
yearly sub_1 95 '' 180000
seen "it follows its subscription" "($opportunity)('sub_1')" "[\"Renewal - Acme - Plan sub_1, Prospecting, $moved, 1800\"]"
people_change "{\"Opportunity\": [{\"Id\": \"$(crm see "sf('Opportunity').find((o) => o.Billhook_Id__c.includes('sub_3')).Id")\", \"StageName\": \"Negotiation/Review\"}]}"
bill subscription sub_3 "\"customer\":\"cus_1\",\"status\":\"canceled\",\"ended_at\":$(seconds 0),\"canceled_at\":$(seconds 0)"
settled
like "what a person took over stays as it is" "$(crm see "($opportunity)('sub_3')")" 'Negotiation/Review'
later $((96 * 86400))
yearly sub_1 365 '' 180000
seen "renewed, it is won" "($opportunity)('sub_1')" "[\"Renewal - Acme - Plan sub_1, Closed Won, $moved, 1800\"]"
seen "meanwhile another came up, once, though nobody was there at its time" "sf('Opportunity').filter((o) => o.Billhook_Id__c.includes('sub_2')).length" 1
bill subscription sub_2 "\"customer\":\"cus_1\",\"status\":\"canceled\",\"ended_at\":$(seconds 0),\"canceled_at\":$(seconds 0)"
seen "canceled, it is lost" "($opportunity)('sub_2').map((o) => o.split(', ')[1])" '["Closed Lost"]'

# -- by amounts --
settled
is "MRR that grew by enough makes a task, each time once" \
	"$(crm see "sf('Task').filter((t) => t.Billhook_Id__c.startsWith('stripe:grown/customer/cus_1/')).every((t) => /^MRR grew: Acme/.test(t.Subject)) && sf('Task').filter((t) => t.Billhook_Id__c.startsWith('stripe:grown/')).length > 0")" true

# -- workers that die --
clock=$((clock + 100))
(
	for i in $(seq 1 12); do
		bill invoice "in_k$i" "$failing"
	done
) &
sending=$!
while kill -0 "$sending" 2>/dev/null; do
	for worker in $(workers); do
		kill -9 "$worker" 2>/dev/null
	done
	sleep 0.2
done
wait "$sending"
settled "workers die all the time" 40
is "each failure has one task" "$(crm see "sf('Task').filter((t) => /in_k/.test(t.Billhook_Id__c)).map((t) => t.Billhook_Id__c).sort().join()")" \
	"$(seq 1 12 | sed 's/^/stripe:failed\/invoice\/in_k/' | LC_ALL=C sort | paste -sd,)"

is "what is open is counted all the same" "$(tallies Xc)" "$(tallies Xs)"

# -- the document --
like "they are exported" "$(bh export)" '"code": "failed"'
bh export >"$work/exported.json"
run bh apply "$work/exported.json"
like "and applied again nothing changes" "$out" '[Nn]othing|0 changes|no change'
bh automation failed off || not_ok "it can be switched off"
bill invoice in_off "$failing"
settled
is "switched off, it makes nothing" "$(crm see "($task)('in_off').length")" 0
status "no person is needed" 0 bh status
is "nothing to complain in the log" "$(log | grep '^[^ ]* error ')" ""
finish
