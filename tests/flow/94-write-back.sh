#!/usr/bin/env bash
# The id that a CRM gave goes back to the source: Alguna keeps it among the
# customer's other ids, none of which is lost.
# shellcheck disable=SC2016,SC2317 # JavaScript; called by wait_for
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
leave_root

export FLOW_KEY=sk_test_sim FLOW_HOOK=whsec_BaDWeayEmV04ZatiBA/MQmkXUksNyKHh
simulators
billing_simulator alguna
new_dir back
sim POST load '{"customers": [{"id": "cust_back", "name": "Back GmbH", "currency": "EUR", "aliases": ["erp-77", "back@example.com"],
	"billing_address": {"country": "DEU"}, "contacts": [{"id": "cont_1", "email": "ada@example.com", "first_name": "Ada", "last_name": "Back", "is_primary": true}],
	"created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z"}]}' >/dev/null
cat >"$work/set-up.json" <<-END
	{ "billhook": 1,
	  "connections": [
	    { "code": "alguna", "driver": "alguna", "settings": {"api_url": "$BILL_URL", "catchup_s": 0, "fetch_per_s": 1000},
	      "secrets": {"api_key": "env:FLOW_KEY", "webhook": "env:FLOW_HOOK"} },
	    { "code": "salesforce", "driver": "salesforce",
	      "settings": {"flow": "client_credentials", "login_url": "$SF_URL", "client_id": "sim-client"}, "secrets": {"client_secret": "env:FLOW_SF_SECRET"} } ],
	  "syncs": [ { "code": "back", "from": "alguna", "to": "salesforce", "preset": "alguna-salesforce", "settings": {"write_back": true} } ] }
END
status "apply" 0 bh apply --quiet "$work/set-up.json"
serve
status "what is there is read" 0 source_verb backfill --wait
seen "an account is made" "sf('Account','alguna:cust_back').Name" "Back GmbH"
account=$(crm see "sf('Account','alguna:cust_back').Id")
# aliases: those of the customer at the source, as JSON
aliases() {
	sim GET 'state/customers?id=cust_back' | node -e 'const d = JSON.parse(require("fs").readFileSync(0, "utf8")); console.log(JSON.stringify((d.aliases ?? d.rows?.[0]?.aliases ?? d[0]?.aliases)))'
}
is_back() {
	[[ $(aliases) == *"$account"* ]]
}
wait_for 15 is_back || not_ok "the id goes back" "$(aliases)"
is "and no other id is lost" "$(aliases)" "[\"erp-77\",\"back@example.com\",\"$account\"]"
# patches: how often a customer was written
patches() {
	sim GET calls | node -e 'const d = JSON.parse(require("fs").readFileSync(0, "utf8")); console.log((d.calls ?? d).filter((c) => c.method === "PATCH").length)'
}
is "by one call" "$(patches)" 1
status "read again" 0 source_verb backfill --wait
bh drain --for 20 --quiet
is "it is not written again" "$(patches)" 1
finish
