#!/usr/bin/env bash
# Test data on their way into a production account, and real ones into a sandbox, are
# told of: in status, on the sync's page and where its preview begins.  Two
# sources, two CRMs; who does not tell is not complained about.
# shellcheck disable=SC2016 # JavaScript
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
# shellcheck source=salesforce.sh
. "$flow/salesforce.sh"
leave_root

sf_settings='{"organization_type": "Enterprise Edition"}'
simulators
export FLOW_KEY=sk_test_sim FLOW_HOOK=whsec_BaDWeayEmV04ZatiBA/MQmkXUksNyKHh
billing_simulator alguna
behind_lighttpd data
option public_url "$url"

# set_up_mode MODE: of Stripe; Alguna and Lago go into both CRMs, too
set_up_mode() {
	document | node -e '
		const doc = JSON.parse(require("fs").readFileSync(0, "utf8"));
		doc.connections[0].settings.mode = process.argv[1];
		doc.connections.push({ code: "alguna", driver: "alguna", name: "Alguna",
		  settings: { api_url: process.env.BILL_URL, catchup_s: 0 }, secrets: { api_key: "env:FLOW_KEY", webhook: "env:FLOW_HOOK" } });
		doc.syncs.push({ code: "alguna-hs", from: "alguna", to: "hubspot", preset: "alguna-hubspot" });
		for (const sync of doc.syncs) sync.started = false;
		console.log(JSON.stringify(doc));' "$1" >"$work/set-up.json"
	bh apply --quiet "$work/set-up.json" || not_ok "apply"
}
# clashes: the syncs that status warns of
clashes() {
	bh status --json | node -e '
		const { clashes } = JSON.parse(require("fs").readFileSync(0, "utf8"));
		console.log(clashes.map(({ sync, text }) => `${sync}: ${text.split(" ", 1)}`).sort().join(", "));'
}
# portal JSON: change settings of HubSpot's simulator
portal() {
	crm post hs settings "$1" >/dev/null
}
asked() {
	bh crm salesforce test >/dev/null || not_ok "Salesforce tells"
	bh crm hubspot test >/dev/null || not_ok "HubSpot tells"
}

serve_web
bh user admin >/dev/null || not_ok "a user"
set_up_mode test
is "before anybody told nothing is said" "$(clashes)" ""
asked
bh source alguna test >/dev/null || not_ok "Alguna tells"
is "test data would go into production, from both and into both" "$(clashes)" \
	"alguna-hs: Test, stripe-hs: Test, stripe-sf: Test"
like "in words, too" "$(bh status)" '^stripe-sf +Test data would go into production: Stripe is in test mode, and Salesforce is a production account\.$'
want='Test data would go into production: Stripe is in test mode, and HubSpot is a production account\.'
like "so does the sync's page" "$(node "$flow/web.mjs" page "$url" /syncs/stripe-hs)" "$want"
like "and the preview's" "$(node "$flow/web.mjs" page "$url" /syncs/stripe-hs/preview)" "$want"
unlike "not that of a source which does not tell" "$(node "$flow/web.mjs" page "$url" /syncs/lago-hs)" 'Test data'

portal '{"account_type": "DEVELOPER_TEST"}'
org_settings '{"is_sandbox": true}'
asked
is "with test accounts all is well" "$(clashes)" ""
set_up_mode live
is "real data would go into test accounts" "$(clashes)" "stripe-hs: Real, stripe-sf: Real"
like "as the sync's page says" "$(node "$flow/web.mjs" page "$url" /syncs/stripe-sf)" 'Real data would go into a test account: Stripe is live, and Salesforce is a sandbox'

portal '{"account_type": "STANDARD"}'
org_settings '{"is_sandbox": false, "organization_type": "Developer Edition"}'
asked
is "a developer's org is neither; a test key into the real portal stays" "$(clashes)" "alguna-hs: Test"
stop_web
finish
