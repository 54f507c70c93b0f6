#!/usr/bin/env bash
# Every page of the site in Chromium, over a store in which something of everything stands and all of whose texts are
# hostile: webhooks, answers of CRMs, names of the set-up.  At both widths, light and dark, with script off and on: axe,
# the console, other origins, the width, headers; no text becomes markup, no secret is in a page.  Then every parameter
# and every form with hostile values.  A route of routes.c that is not looked at fails.  FLOW_SHOTS as for 85-pages.sh.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
leave_root
# shellcheck source=people.sh
. "$flow/people.sh"

export FLOW_KEY=sk_test_sim FLOW_SLACK=http://127.0.0.1:9/slack-flow-secret FLOW_MAIL=mail-flow-secret
evil=$(node "$flow/hostile.mjs" text)
# As a text in JSON.
evil_json=$(node -p 'JSON.stringify(process.argv[1]).slice(1, -1)' "$evil")
plain=${evil_json%%\{*} # for mappings, where braces mean something
no_names='{"object": "Account", "field": "Billhook_Customer_Name__c", "equals": "Forbidden", "message": "No '$evil_json'"}'
sf_settings='{"validation_rules": ['${no_names/Billhook_Customer_Name__c/Name}'], "daily_used": 9100}'
hs_settings='{"search_lag_ms": 0, "search_second_limit": 1000}'
simulators
billing_simulator stripe
behind_lighttpd all-pages
option public_url "$url"

# named WORD: a name with the hostile text
named() {
	echo "\"name\": \"$1 $evil_json\""
}
bh apply --quiet - <<-END_OF_SET_UP || not_ok "apply"
	{ "billhook": 1,
	  "connections": [
	    { "code": "stripe", "driver": "stripe", $(named Stripe), "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
	    { "code": "read", "driver": "stripe", $(named "Stripe, read"), "settings": {"mode": "test", "api_url": "$BILL_URL"}, "secrets": {"api_key": "env:FLOW_KEY"} },
	    { "code": "lago", "driver": "lago", $(named Lago), "settings": {}, "secrets": {"webhook": "env:FLOW_LAGO_SECRET"} },
	    { "code": "salesforce", "driver": "salesforce", $(named Salesforce),
	      "settings": {"flow": "client_credentials", "login_url": "$SF_URL", "client_id": "sim-client", "throttle": 95}, "secrets": {"client_secret": "env:FLOW_SF_SECRET"} },
	    { "code": "hubspot", "driver": "hubspot", $(named HubSpot), "settings": {"flow": "token", "base_url": "$HS_URL"}, "secrets": {"access_token": "env:FLOW_HS_TOKEN"} },
	    { "code": "away", "driver": "hubspot", $(named Away), "settings": {"flow": "token", "base_url": "http://127.0.0.1:9"}, "secrets": {"access_token": "env:FLOW_HS_TOKEN"} },
	    { "code": "sandbox", "driver": "sandbox", $(named Sandbox) } ],
	  "syncs": [
	    { "code": "stripe-sf", "from": "stripe", "to": "salesforce", "preset": "stripe-salesforce", "settings": {"automations": "yes"} },
	    { "code": "stripe-hs", "from": "stripe", "to": "hubspot", "preset": "stripe-hubspot", "settings": $hs_objects },
	    { "code": "lago-hs", "from": "lago", "to": "hubspot", "preset": "lago-hubspot", "settings": $hs_lago },
	    { "code": "waits", "from": "lago", "to": "sandbox", "preset": "lago-salesforce", "started": false, "paused": true },
	    { "code": "box", "from": "stripe", "to": "sandbox", "mapping": { "name": "box", "title": "Box $evil_json", "objects": [
	      { "name": "customer", "from": "customer", "to": "Account", "key": "Id", "fields": [
	        {"to": "Name", "from": "name", "default": "$plain"}, {"to": "Note", "value": "$plain"} ] } ] } } ],
	  "automations": [
	    { "code": "growth", "preset": "expansions", "from": "stripe", "title": "Growth $evil_json" },
	    { "code": "failed", "preset": "failed-payments", "from": "stripe", "make": {"type": "task", "title": "$plain {customer.name}"} } ],
	  "alerts": { "targets": [
	    { "code": "team", "kind": "slack", $(named Team), "secrets": {"url": "env:FLOW_SLACK"} },
	    { "code": "mail", "kind": "mail", $(named Mail), "settings": {"server": "smtp://127.0.0.1:9", "user": "billhook", "from": "billhook@example.com",
	      "to": ["ops@example.com"]}, "secrets": {"password": "env:FLOW_MAIL"} } ] } }
END_OF_SET_UP
bh user vic >/dev/null || not_ok "a second user"
# Two that may be the same customer, and one that is nobody's.
crm post sf records '{"Account": [{"Name": "Twin '"$evil_json"'", "Website": "https://twin.example"}, {"Name": "Other '"$evil_json"'", "Website": "twin.example"},
	{"Name": "Alone '"$evil_json"'"}]}' >/dev/null || not_ok "people make records"
serve_web

# -- what comes in --
mkdir "$work/events"
for source in stripe lago; do
	node "$flow/hostile.mjs" "$source" "$work/events"
	mapfile -t events < <(printf '@%s\n' "$work/events/$source"-*)
	is "hostile webhooks of $source are taken" "$(node "$flow/send.mjs" "$url/hook/$source" "$source" "${events[@]}" | grep -c '^200')" "${#events[@]}"
done
like "an event whose id is no word is refused" \
	"$(node "$flow/send.mjs" "$url/hook/stripe" stripe "{\"customer\":\"cus_1\",\"event\":\"evt_$evil_json\"}")" '^400 .*no usable id'
like "and one whose type is none" \
	"$(node "$flow/send.mjs" "$url/hook/stripe" stripe "{\"customer\":\"cus_1\",\"type\":\"customer.$evil_json\"}")" '^400 .*no usable type'
node "$flow/send.mjs" "$url/hook/stripe" stripe \
	"{\"customer\":\"cus_$evil_json\",\"name\":\"Id $evil_json\"}" \
	"{\"subscription\":\"sub_$evil_json\",\"customer\":\"cus_$evil_json\",\"quantity\":2,\"unit_amount\":99900}" \
	"{\"invoice\":\"in_$evil_json\",\"customer\":\"cus_$evil_json\",\"subscription\":\"sub_$evil_json\",\"total\":2500,\"attempted\":true}" \
	'{"customer":"cus_forbidden","name":"Forbidden"}' "{\"customer\":\"cus_twin\",\"name\":\"Twin $evil_json\",\"email\":\"ada@twin.example\"}" \
	"{\"customer\":\"cus_page\",\"name\":\"Page $evil_json\",\"description\":\"$evil_json\",\"email\":\"page@example.com\"}" \
	'{"subscription":"sub_page","customer":"cus_page","quantity":3,"unit_amount":4900}' \
	'{"subscription":"sub_page","customer":"cus_page","quantity":9,"unit_amount":4900}' \
	"{\"invoice\":\"in_page\",\"customer\":\"cus_page\",\"subscription\":\"sub_page\",\"number\":\"$evil_json\",\"total\":14700,\"attempted\":true}" >"$work/.sent"
is "so are those with hostile ids" "$(grep -c '^200' "$work/.sent")" 9
seen_slow "all is settled" 40 'status.backlog === 0 && ["salesforce", "hubspot"].every((one) => lane(one).dirty === 0)' true

# -- what takes time, done or under way --
for sync in stripe-sf lago-hs; do
	bh preview "$sync" >/dev/null 2>&1
done
account=$(crm see 'sf("Account", "stripe:cus_page").Id')
crm patch sf records "{\"Account\": [{\"Id\": \"$account\", \"Name\": \"Changed $evil_json\"}]}" >/dev/null || not_ok "people change a record"
bh audit stripe-sf >/dev/null 2>&1
is "an audit finds the change" "$(bh audit stripe-sf --json | grep -c differing)" 1
bh crm salesforce plan >/dev/null
bh crm salesforce unlinked >/dev/null
sim POST generate '{"livemode": false, "customers": 900, "seed": 7}' >/dev/null
sim POST settings '{"latency_ms": 400}' >/dev/null
bh source read backfill >/dev/null || not_ok "a backfill begins"

HOME=$work/home adopt node "$flow/all-pages.mjs" "$url" "$BH_SRCDIR/src/web/routes.c"
# Forms with wrong secrets make lanes stop.
unlike "nothing to complain in the log" "$(log | grep -v "stops until a person reconnects it")" ' error | killed | ended with status'
unlike "no secret in the log" "$(log)" "$FLOW_STRIPE_SECRET|$FLOW_LAGO_SECRET|$FLOW_SF_SECRET|$FLOW_HS_TOKEN|$FLOW_KEY|slack-flow-secret|$FLOW_MAIL"
finish
