#!/usr/bin/env bash
# One person in Chromium behind lighttpd: found by address and by customer, handed out as a
# file, erased after a question; with script off and on, for administrators alone.  What was
# pushed with undo_days on, refused by the CRM, told, tried, previewed and audited before is searched
# afterwards: no entry of the store and no file but the database's own names her; a dump that
# is loaded into an empty store leaves no byte.  FLOW_SHOTS as for 85-pages.sh.
# shellcheck disable=SC2154 # what lib.sh and its like set
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
leave_root
# shellcheck source=people.sh
. "$flow/people.sh"

sf_settings='{"validation_rules": [{"object": "Account", "field": "Name", "equals": "Ada Refused", "message": "No Ada Refused, ada@person.example, here"}]}'
hs_settings='{"search_lag_ms": 0, "search_second_limit": 1000}'
simulators
behind_lighttpd personal-data
option public_url "$url"
bh apply --quiet - <<-END || not_ok "apply"
	{ "billhook": 1,
	  "connections": [
	    { "code": "stripe", "driver": "stripe", "name": "Stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
	    { "code": "salesforce", "driver": "salesforce", "name": "Our org",
	      "settings": {"flow": "client_credentials", "login_url": "$SF_URL", "client_id": "sim-client"}, "secrets": {"client_secret": "env:FLOW_SF_SECRET"} },
	    { "code": "box", "driver": "sandbox", "name": "Box" } ],
	  "syncs": [
	    { "code": "sf", "from": "stripe", "to": "salesforce", "settings": {"undo_days": "30"}, "mapping": { "name": "sf", "objects": [
	      { "name": "account", "from": "customer", "to": "Account", "key": "Billhook_Id__c", "match": [{"by": "value", "fields": [{"to": "Name", "from": "name"}]}],
	        "fields": [{"to": "Name", "from": "name"}, {"to": "Phone", "from": "phone"}, {"to": "Description", "from": "email"}] } ] } },
	    { "code": "box", "from": "stripe", "to": "box", "preset": "stripe-salesforce" } ],
	  "automations": [
	    { "code": "failed", "preset": "failed-payments", "from": "stripe" },
	    { "code": "tells", "preset": "failed-payments", "from": "stripe", "make": {"type": "alert", "priority": "normal", "title": "Payment failed: {customer.name}"} } ] }
END
# The worker that erases dies once in the middle.
export BILLHOOK_FAULT=person-object:die BILLHOOK_FAULT_ONCE=$work/died
serve_web
unset BILLHOOK_FAULT BILLHOOK_FAULT_ONCE

# send to the site
tell() {
	node "$flow/send.mjs" "$url/hook/stripe" stripe "$@" >"$work/.sent"
	is "webhooks are taken" "$(grep -vc '^200' "$work/.sent")" 0
}
# The store, a line for each entry, and the files beside the database: how many name her.
plain() {
	bh dump | node -e 'for (const line of require("fs").readFileSync(0, "utf8").split("\n")) {
		const one = line === "" ? {} : JSON.parse(line), at = (name) => Buffer.from(one[name + "64"] ?? one[name] ?? "", one[name + "64"] === undefined ? "utf8" : "base64");
		process.stdout.write(Buffer.concat([at("k"), Buffer.from(" "), at("v")]).toString("latin1").replace(/[\x00-\x1f]/g, " ") + "\n");
	}'
}
traces() {
	plain | grep -ai 'Ada Person\|Ada Changed\|Ada Refused\|person.example\|555 12' | cut -c 1-200
}

# Somebody else's account that she is matched with, so that values are written over.
crm post sf records '{"Account": [{"Name": "Ada Person", "Phone": "555 1200"}]}' >/dev/null || not_ok "people make an account"
tell '{"customer":"cus_ada","name":"Ada Person","email":"ada@person.example","phone":"555 1201"}' \
	'{"subscription":"sub_ada","customer":"cus_ada"}' \
	'{"invoice":"in_ada","customer":"cus_ada","subscription":"sub_ada","attempted":true}' \
	'{"customer":"cus_eve","name":"Eve Person","email":"eve@person.example","phone":"555 1202"}' \
	'{"customer":"cus_adam","name":"Adam Other","email":"adam@other.example"}'
seen "all is in step" 'status.backlog === 0 && lane("salesforce").dirty === 0 && lane("box").dirty === 0' true
sleep 1.1
tell '{"customer":"cus_ada","name":"Ada Changed","email":"ada@person.example","phone":"555 1203"}'
seen "a change is written over what stood there" "sf('Account', 'stripe:cus_ada').Name" "Ada Changed"
sleep 1.1
tell '{"customer":"cus_ada","name":"Ada Refused","email":"ada@person.example","phone":"555 1204"}'
seen "a refusal holds her" 'status.lanes.find(({ code }) => code === "salesforce").held' 1
bh automation failed try >/dev/null 2>&1
bh preview sf >/dev/null 2>&1
bh audit sf >/dev/null 2>&1
for family in Ue Ps Lk Lg Ze Mo Cn Ni Xd; do
	check "before: she is in $family" test "$(traces | grep -c "^$family")" -gt 0
done

# open_of AUTOMATION: how many of its actions are
open_of() {
	plain | grep -a "^Xc$1" | sed 's/.*"open":\([0-9]*\).*/\1/'
}
is "before: an action is open" "$(open_of failed)" 1
mkdir "$work/got"
HOME=$work/home adopt node "$flow/personal-data.mjs" "$url" "$work/got"

is "the document of the address is hers" "$(node -p 'const d = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8")); [d.asked, d.objects.map(({ id }) => id).sort().join(" "), d.events.length, d.links.some((l) => l.written_over !== undefined)].join(", ")' "$work/got/ada.json")" \
	"ADA@person.example, cus_ada failed/invoice/in_ada in_ada sub_ada tells/invoice/in_ada, 5, true"
is "and nobody else's" "$(grep -c 'Other\|cus_adam\|cus_eve' "$work/got/ada.json")" 0
check "the worker died in the middle" test -e "$work/died"
like "what went before counts, too" "$(plain | grep -a '^Tr' | grep -a 'was erased: 5 objects')" '5 objects, 4 links, 3 records, 4 derived, 1 alerts, 5 events'
is "no entry of the store names them" "$(traces)" ""
is "nor any file but the database's own" "$(grep -rlaF -e 'Ada ' -e person.example "$BILLHOOK_DIR" --exclude-dir=db)" ""
is "others are there" "$(plain | grep -a '^Mo' | grep -ac 'Adam Other')" 1
is "the CRM keeps its record" "$(crm see "sf('Account', 'stripe:cus_ada').Name")" "Ada Changed"
is "the trail tells who and how much" "$(plain | grep -a '^Tr' | grep -ac 'a person was erased: .*, in the browser by admin')" 2
is "no action of theirs counts as open" "$(open_of failed) $(open_of tells)" "0 0"
is "no document is left" "$(find "$BILLHOOK_DIR/person" -type f 2>/dev/null | wc -l)" 0
unlike "nothing to complain in the log" "$(log)" ' error '
unlike "and nobody is named there" "$(log)" 'Ada |person\.example|555 12'

bh stop --quiet
bh dump "$work/erased"
bh stop --quiet
mv "$BILLHOOK_DIR/db" "$work/db.old"
status "a dump is loaded into an empty store" 0 bh load "$work/erased"
bh stop --quiet
is "no file of the data directory has a byte of them" "$(grep -rliaF -e 'Ada Person' -e 'Ada Changed' -e 'Ada Refused' -e 'Eve Person' -e person.example "$BILLHOOK_DIR")" ""
finish
