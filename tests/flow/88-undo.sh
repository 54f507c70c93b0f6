#!/usr/bin/env bash
# A mapping overwrites what people had entered, in a Salesforce org and a HubSpot
# portal: it is shown what putting back would do, then it is done; what a person changed
# since is left, other records are untouched, and news does not write it again until it is
# let go.  A time span, one record, records that were made, a worker that is killed; and in
# Chromium.  FLOW_SHOTS as for 85-pages.sh.
# shellcheck disable=SC2016,SC2317 # JavaScript; called by wait_for
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
leave_root

need_chromium
port=$(node "$flow/web.mjs" port)
root=$work/web
mkdir -p "$root"/{www,tmp} "$work/home"
sf_settings='{"daily_limit": 10000}' hs_settings='{"search_lag_ms": 0, "search_second_limit": 1000}'
simulators

new_dir undo
option public_url "http://127.0.0.1:$port"
option template_dir "$BH_SRCDIR/templates"
option static_dir "$BH_SRCDIR/static"
option preset_dir "$BH_SRCDIR/presets"
# set_up PHONE [SETTINGS]: what both mappings write into the phone
set_up() {
	bh apply --quiet - <<-END || not_ok "apply"
	{ "billhook": 1,
	  "connections": [
	    { "code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
	    { "code": "salesforce", "driver": "salesforce", "name": "Our org",
	      "settings": {"flow": "client_credentials", "login_url": "$SF_URL", "client_id": "sim-client"}, "secrets": {"client_secret": "env:FLOW_SF_SECRET"} },
	    { "code": "hubspot", "driver": "hubspot", "settings": {"flow": "token", "base_url": "$HS_URL"}, "secrets": {"access_token": "env:FLOW_HS_TOKEN"} } ],
	  "syncs": [
	    { "code": "sf", "from": "stripe", "to": "salesforce", "settings": ${2:-{\}}, "mapping": { "name": "sf", "objects": [
	      { "name": "account", "from": "customer", "to": "Account", "key": "Billhook_Id__c", "match": [{"by": "value", "fields": [{"to": "Name", "from": "name"}]}],
	        "fields": [{"to": "Name", "from": "name"}, {"to": "Phone", "from": "$1"}, {"to": "Description", "from": "description"}] } ] } },
	    { "code": "hs", "from": "stripe", "to": "hubspot", "settings": ${2:-{\}}, "mapping": { "name": "hs", "objects": [
	      { "name": "company", "from": "customer", "to": "companies", "key": "billhook_id", "match": [{"by": "value", "fields": [{"to": "name", "from": "name"}]}],
	        "fields": [{"to": "name", "from": "name"}, {"to": "phone", "from": "$1"}, {"to": "description", "from": "description"}] } ] } } ] }
	END
}
crm post hs schema '{"properties": {"companies": [{"name": "billhook_id", "label": "Billhook Id", "type": "string", "fieldType": "text", "groupName": "companyinformation", "hasUniqueValue": true}]}}' >/dev/null ||
	not_ok "the portal has a property for the key"
people='[1, 2, 3, 4].map((n) => ({Name: "Firm " + n, Phone: "+49 30 " + n}))'
crm post sf records "$(node -p "JSON.stringify({Account: $people})")" >/dev/null || not_ok "people make Accounts"
crm post hs records "$(node -p "JSON.stringify({companies: $people.map((p) => ({properties: {name: p.Name, phone: p.Phone}}))})")" >/dev/null || not_ok "people make companies"
sed -e "s|@ROOT@|$root|g; s|@PORT@|$port|g; s|@BIN@|$BILLHOOK|g; s|@DIR@|$BILLHOOK_DIR|g; /max-request-size/d" \
	"$BH_SRCDIR/etc/lighttpd.conf.example" >"$root/server.conf"
start lighttpd lighttpd -D -f "$root/server.conf"
answers() {
	[[ $(node "$flow/web.mjs" get "http://127.0.0.1:$port/healthz" 2>/dev/null) == 200* ]]
}
wait_for 15 answers || not_ok "the site answers" "$(cat "$work/lighttpd.log")"
set_up phone
clock=$(date +%s)
# tell CUSTOMER NAME PHONE [DESCRIPTION]
tell() {
	clock=$((clock + 1))
	node "$flow/send.mjs" "http://127.0.0.1:$port/hook/stripe" stripe "{\"customer\":\"$1\",\"name\":\"$2\",\"email\":\"a@example.com\",\"phone\":\"$3\",\"description\":\"${4:-none}\",\"at\":$clock}" |
		grep -q '^200' || not_ok "a webhook is accepted" "$1"
}
in_step='status.backlog === 0 && status.lanes.every((l) => l.dirty === 0 && l.held === 0)'
rest() {
	check "$1" crm see --wait 20 "$in_step && $2" true
}
phones='[1, 2, 3, 4].map((n) => [sf("Account").find((a) => a.Name === "Firm " + n).Phone, hs("companies").find((c) => c.name === "Firm " + n).phone])'
# looked SYNC WORD...: what a look says, "back 2 changed 1"
looked() {
	run bh undo "$@" --json
	node -e 'const doc = JSON.parse(require("fs").readFileSync(0, "utf8"));
		console.log([doc.state, ...["back", "fields", "changed", "unknown", "unseen", "same", "left", "made", "removed", "gone", "refused"].filter((n) => doc[n]).map((n) => n + " " + doc[n])].join(", "))' <<<"$out"
}
newest() {
	bh undo "$1" --json | node -p 'JSON.parse(require("fs").readFileSync(0, "utf8"))[0].run'
}

# -- a mapping overwrites what people entered --
for n in 1 2 3; do
	tell "cus_$n" "Firm $n" wrong
done
tell cus_9 "Firm 9" "+9"
rest "all is pushed" 'sf("Account").length === 5 && hs("companies").length === 5 && sf("Account", "stripe:cus_3").Phone === "wrong" && hs("companies", "stripe:cus_3").phone === "wrong"'
is "what people entered is gone" "$(crm see "$phones")" '[["wrong","wrong"],["wrong","wrong"],["wrong","wrong"],["+49 30 4","+49 30 4"]]'
crm patch sf records "{\"Account\": [{\"Id\": \"$(crm see 'sf("Account", "stripe:cus_3").Id')\", \"Phone\": \"+1 555\"}]}" >/dev/null || not_ok "a person changes an Account"
curl -sf -X PATCH "$HS_URL/crm/objects/2026-09/companies/$(crm see 'hs("companies", "stripe:cus_3").id')" -H "Authorization: Bearer $FLOW_HS_TOKEN" \
	-H 'Content-Type: application/json' -d '{"properties": {"phone": "+1 555"}}' >/dev/null || not_ok "a person changes a company"

# -- shown, then done --
crm delete sf calls >/dev/null
crm delete hs calls >/dev/null
for sync in sf hs; do
	run=$(newest $sync)
	is "$sync: it is shown what would come of it" "$(looked $sync look "$run")" 'looked, back 3, fields 5, changed 1, made 1'
done
is "nothing was written" "$(crm see 'sfWrites.length + hsCalls.filter((c) => /update|upsert|create/.test(c.path)).length')" 0
status "it asks before it does" 1 bh undo sf "do" </dev/null
for sync in sf hs; do
	is "$sync: it is done" "$(looked $sync "do" --yes)" 'done, back 3, fields 5, changed 1, made 1'
done
is "what people entered is there again; a change since is left; others are untouched" "$(crm see "$phones")" \
	'[["+49 30 1","+49 30 1"],["+49 30 2","+49 30 2"],["+1 555","+1 555"],["+49 30 4","+49 30 4"]]'
is "what was made stays" "$(crm see '[sf("Account", "stripe:cus_9").Phone, hs("companies", "stripe:cus_9").phone]')" '["+9","+9"]'
run bh undo sf "do" --yes
is "once" "$rc" 1

# -- news does not write it again --
tell cus_1 "Firm 1" wrong "news"
rest "news comes" 'true'
bh resync sf >/dev/null || not_ok "resync"
rest "and all is compared" 'true'
is "what was put back is left alone" "$(crm see "$phones")" \
	'[["+49 30 1","+49 30 1"],["+49 30 2","+49 30 2"],["+1 555","+1 555"],["+49 30 4","+49 30 4"]]'
is "which its link says" "$(crm see 'link("account", "cus_1").code')" UNDONE
status "one is let go" 0 bh undo sf release account cus_1
rest "and written again" 'sf("Account", "stripe:cus_1").Description === "news"'
is "no other" "$(crm see "$phones")" '[["wrong","+49 30 1"],["+49 30 2","+49 30 2"],["+1 555","+1 555"],["+49 30 4","+49 30 4"]]'

# -- one record --
is "its last write" "$(looked sf look account cus_1)" 'looked, back 1, fields 2'
is "is put back" "$(looked sf "do" --yes)" 'done, back 1, fields 2'
is "alone" "$(crm see "$phones")" '[["+49 30 1","+49 30 1"],["+49 30 2","+49 30 2"],["+1 555","+1 555"],["+49 30 4","+49 30 4"]]'

# -- what was put back is a run: it can be put back, and let go --
run=$(newest hs)
is "HubSpot: it would be written again" "$(looked hs look "$run")" 'looked, back 3, fields 5'
is "it is" "$(looked hs "do" --yes)" 'done, back 3, fields 5'
is "as a push had written it, but for the change since" "$(crm see "$phones.map(([, phone]) => phone)")" '["wrong","wrong","+1 555","+49 30 4"]'
is "and back, by a span of time" "$(looked hs look --since 2020-01-01T00:00:00Z)" 'looked, back 3, fields 5, changed 1, made 1'
is "it is done" "$(looked hs "do" --yes)" 'done, back 3, fields 5, changed 1, made 1'
is "nothing of ours is left" "$(crm see "$phones.map(([, phone]) => phone)")" '["+49 30 1","+49 30 2","+1 555","+49 30 4"]'
run=$(newest hs)
is "all of it is let go" "$(bh undo hs release "$run")" '3 records may be written again'
rest "and written again" 'hs("companies", "stripe:cus_2").phone === "wrong"'

# -- records that were made --
looked sf look 1 >/dev/null 2>&1
is "where they are to go, those go that nobody changed" "$(looked sf look 1 --remove | sed 's/.*\(removed 1\).*/\1/')" 'removed 1'
bh undo sf "do" --yes >/dev/null 2>&1 || not_ok "do"
is "and nothing else" "$(crm see '[sf("Account", "stripe:cus_9").Id ?? "gone", sf("Account").length, hs("companies", "stripe:cus_9").phone]')" '["gone",4,"+9"]'
run bh undo hs look 1 --remove
bh undo hs "do" --yes >/dev/null 2>&1 || not_ok "do"
is "HubSpot, too" "$(crm see '[hs("companies", "stripe:cus_9").id ?? "gone", hs("companies").length]')" '["gone",4]'
tell cus_9 "Firm 9" "+99"
rest "news does not make it again" 'sf("Account").length === 4 && hs("companies").length === 4'

# -- a worker dies in the middle --
for n in 1 2; do
	bh undo sf release account cus_$n >/dev/null || not_ok "release"
done
rest "all is written again" 'sf("Account", "stripe:cus_2").Phone === "wrong"'
bh undo sf look account cus_2 >/dev/null 2>&1 || not_ok "look"
crm post sf faults '{"faults": [{"match": {"path": "composite/sobjects", "method": "PATCH"}, "times": 1, "do": {"delay_ms": 3000}}]}' >/dev/null
bh undo sf "do" --yes >"$work/do.out" 2>&1 &
pid=$!
writing() {
	[ "$(bh undo sf show --json | node -p 'JSON.parse(require("fs").readFileSync(0, "utf8")).run')" != 0 ]
}
wait_for 10 writing || not_ok "it writes"
killed=0
for worker in $(left_over); do
	[ "$(cat "/proc/$worker/comm" 2>/dev/null)" != bh-worker ] || { kill -9 "$worker" && killed=1; }
done
is "a worker is killed meanwhile" $killed 1
wait $pid
is "with a new worker it goes on to its end" $? 0
like "and tells what was put back, once" "$(cat "$work/do.out")" '1 records got values back'
is "as before" "$(crm see 'sf("Account", "stripe:cus_2").Phone')" '+49 30 2'
is "it is left alone" "$(crm see 'link("account", "cus_2").code')" UNDONE

# -- in the browser --
export SF_URL
HOME=$work/home adopt node "$flow/undo.mjs" "http://127.0.0.1:$port"
rest "all comes to rest" 'link("account", "cus_2").code === undefined || link("account", "cus_2").code === ""'

# -- a mapping that writes it otherwise lets go; nothing is kept where nobody wants it --
set_up external_id '{"undo_days": 0}'
rest "a changed mapping is applied to all" 'sf("Account", "stripe:cus_2").Description === "none" && link("account", "cus_2").state === "clean"'
run=$(newest sf)
tell cus_2 "Firm 2" wrong "more news"
rest "what comes is pushed" 'sf("Account", "stripe:cus_2").Description === "more news"'
is "and nothing of it kept" "$(newest sf)" "$run"

unlike "nothing to complain in the log" "$(log)" ' error '
finish
