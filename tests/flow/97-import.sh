#!/usr/bin/env bash
# Accounts of a CRM that billing does not know: they are listed, customers are
# made for them at the source, and each stays one Account.
# shellcheck disable=SC2016,SC2317 # JavaScript; called by wait_for
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
leave_root

export FLOW_KEY=sk_live_sim FLOW_READING=rk_live_sim
simulators
billing_simulator stripe
new_dir import

# connect_all KEY
connect_all() {
	bh apply --quiet - <<-END
	{ "billhook": 1,
	  "connections": [
	    { "code": "stripe", "driver": "stripe", "settings": {"mode": "live", "api_url": "$BILL_URL", "catchup_s": 0, "fetch_per_s": 1000},
	      "secrets": {"api_key": "env:$1", "webhook": "env:FLOW_STRIPE_SECRET"} },
	    { "code": "salesforce", "driver": "salesforce",
	      "settings": {"flow": "client_credentials", "login_url": "$SF_URL", "client_id": "sim-client"}, "secrets": {"client_secret": "env:FLOW_SF_SECRET"} } ],
	  "syncs": [ { "code": "accounts", "from": "stripe", "to": "salesforce", "preset": "stripe-salesforce" } ] }
	END
}
status "apply" 0 connect_all FLOW_KEY
serve

# json EXPRESSION: of the answer in $out
json() {
	node -e 'const answer = JSON.parse(process.argv[1]); console.log(JSON.stringify(eval(process.argv[2])))' "$out" "$1"
}
# deliver: what happened at Stripe, as webhooks
deliver() {
	node "$flow/billing.mjs" sim GET "events" | node -e '
		for (const { deliveries, ...event } of JSON.parse(require("fs").readFileSync(0, "utf8")).events ?? []) console.log(JSON.stringify(event));' >"$work/events"
	while read -r event; do
		echo "$event" | send stripe -
	done <"$work/events"
}
crm post sf records '{"Account": [{"Name": "Northwind Traders", "Website": "https://northwind.example.com"}, {"Name": "Contoso"}, {"Name": "Fabrikam"}]}' >/dev/null
northwind=$(crm see "sf('Account').find((a) => a.Name === 'Northwind Traders').Id")
contoso=$(crm see "sf('Account').find((a) => a.Name === 'Contoso').Id")
fabrikam=$(crm see "sf('Account').find((a) => a.Name === 'Fabrikam').Id")

# -- who is there --
status "unlinked" 0 bh crm salesforce unlinked
like "lists what billing does not know" "$out" "^$northwind Northwind Traders https://northwind.example.com\$"
is "all of it" "$(wc -l <<<"$out")" 3
status "unlinked behind one" 0 bh crm salesforce unlinked --sync accounts --after "$contoso" --json
is "goes on from there" "$(json '[answer.sync, answer.object, answer.source, answer.rows.map((row) => row.name), answer.more, answer.can_create]')" '["accounts","Account","stripe",["Fabrikam"],false,true]'
status "unlinked by a sync that is none" 1 bh crm salesforce unlinked --sync nothing

# -- a customer is made --
status "create" 0 bh crm salesforce create accounts "$northwind" --name "Northwind Traders" --email ap@northwind.example.com
made=$(sed -n 's/^made and linked: customer \(cus_[A-Za-z0-9]*\) is .*/\1/p' <<<"$out")
is "says which customer is whose" "$out" "made and linked: customer $made is $northwind"
is "it is at Stripe, with the Account's id" "$(sim GET "state/customer/$made" | node -e 'const c = JSON.parse(require("fs").readFileSync(0, "utf8")); console.log(JSON.stringify([c.name, c.email, c.metadata]))')" \
	"[\"Northwind Traders\",\"ap@northwind.example.com\",{\"salesforce_account_id\":\"$northwind\"}]"
customers() {
	sim GET state | node -e 'console.log(JSON.parse(require("fs").readFileSync(0, "utf8")).customer)'
}
status "create again" 0 bh crm salesforce create accounts "$northwind" --name "Northwind Traders" --email ap@northwind.example.com
is "is the same customer" "$out" "made and linked: customer $made is $northwind"
sim POST settings '{"search_lag_s": 0}' >/dev/null
status "create later, with another name" 0 bh crm salesforce create accounts "$northwind" --name "Northwind" --json
is "too" "$(json 'answer.id')" "\"$made\""
is "there is one" "$(customers)" 1

# -- and comes back from Stripe --
deliver >/dev/null
seen "its webhook writes the Account" "sf('Account','stripe:$made').Id" "$northwind"
is "of which there is one still" "$(crm see "sf('Account').length")" 3
status "unlinked" 0 bh crm salesforce unlinked
unlike "does not list it any more" "$out" "$northwind"

# -- by backfill alone --
status "another" 0 bh crm salesforce create accounts "$contoso" --name Contoso
made=$(sed -n 's/^made and linked: customer \(cus_[A-Za-z0-9]*\) is .*/\1/p' <<<"$out")
status "backfill" 0 source_verb backfill --wait
seen "writes its Account" "sf('Account','stripe:$made').Id" "$contoso"
bh drain --for 20 --quiet
is "and no other is made" "$(crm see "sf('Account').length")" 3

# -- what cannot be made --
connect_all FLOW_READING
status "a key for reading makes none" 1 bh crm salesforce create accounts "$fabrikam" --name Fabrikam
like "it lacks a permission" "$err" 'lacks the permission rak_customer_write'
connect_all FLOW_KEY
sim POST faults '{"faults": [{"match": {"method": "POST", "path": "customers"}, "do": {"drop": "after"}}]}' >/dev/null
status "an answer that is lost" 0 bh crm salesforce create accounts "$fabrikam" --name Fabrikam
is "is asked for again" "$(customers)" 3
status "unlinked" 0 bh crm salesforce unlinked
deliver >/dev/null
seen "then billing knows them all" "sf('Account').every((a) => a.Billhook_Id__c?.startsWith('stripe:cus_'))" true
status "unlinked" 0 bh crm salesforce unlinked
is "lists none" "$out" "no Account is without a customer"
status "nothing needs a person" 0 bh status
unlike "no key in the log" "$(log)" 'k_live_sim'
finish
