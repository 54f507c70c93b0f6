#!/usr/bin/env bash
# People change and delete records behind our back: an audit finds exactly these,
# with the sums of money, and repair mends them; in a Salesforce org, a HubSpot portal and a
# sandbox.  A worker that is killed meanwhile, an org whose calls are used up.
# shellcheck disable=SC2016,SC2317 # JavaScript; called by wait_for
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
leave_root

PATH=$PATH:/usr/sbin
need lighttpd lighttpd
port=$(node "$flow/web.mjs" port)
root=$work/web
mkdir -p "$root"/{www,tmp}
sf_settings='{"daily_limit": 10000}' hs_settings='{"search_lag_ms": 0, "search_second_limit": 1000}'
simulators

new_dir audit
option public_url "http://127.0.0.1:$port"
option preset_dir "$BH_SRCDIR/presets"
# set_up PAUSED [SETTINGS]
set_up() {
	bh apply --quiet - <<-END || not_ok "apply"
	{ "billhook": 1,
	  "connections": [
	    { "code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
	    { "code": "box", "driver": "sandbox" },
	    { "code": "salesforce", "driver": "salesforce", "name": "Our org",
	      "settings": {"flow": "client_credentials", "login_url": "$SF_URL", "client_id": "sim-client", "throttle": 80}, "secrets": {"client_secret": "env:FLOW_SF_SECRET"} },
	    { "code": "hubspot", "driver": "hubspot", "settings": {"flow": "token", "base_url": "$HS_URL"}, "secrets": {"access_token": "env:FLOW_HS_TOKEN"} } ],
	  "syncs": [
	    { "code": "sf", "from": "stripe", "to": "salesforce", "paused": $1, "preset": "stripe-salesforce"${2:+, "settings": $2} },
	    { "code": "hs", "from": "stripe", "to": "hubspot", "paused": $1, "preset": "stripe-hubspot", "settings": {"deals": "yes"} },
	    { "code": "box", "from": "stripe", "to": "box", "paused": $1, "preset": "stripe-salesforce" } ] }
	END
}
set_up false
sed -e "s|@ROOT@|$root|g; s|@PORT@|$port|g; s|@BIN@|$BILLHOOK|g; s|@DIR@|$BILLHOOK_DIR|g; /max-request-size/d" \
	"$BH_SRCDIR/etc/lighttpd.conf.example" >"$root/server.conf"
start lighttpd lighttpd -D -f "$root/server.conf"
answers() {
	[[ $(node "$flow/web.mjs" get "http://127.0.0.1:$port/healthz" 2>/dev/null) == 200* ]]
}
wait_for 15 answers || not_ok "the site answers" "$(cat "$work/lighttpd.log")"
clock=$(date +%s)
tell() {
	local one
	for one in "$@"; do
		clock=$((clock + 1))
		node "$flow/send.mjs" "http://127.0.0.1:$port/hook/stripe" stripe "${one%\}},\"at\":$clock}" | grep -q '^200' || not_ok "a webhook is accepted" "$one"
	done
}
for n in 1 2 3 4 5 6; do
	tell "{\"customer\":\"cus_$n\",\"name\":\"Firm $n, Äther & Söhne\",\"email\":\"Ada@firm$n.example\",\"phone\":\"+49 30 $n\",\"address\":{\"line1\":\" Weg $n \",\"city\":\"Bonn\",\"country\":\"DE\"}}" \
		"{\"subscription\":\"sub_$n\",\"customer\":\"cus_$n\",\"quantity\":$n,\"unit_amount\":2500}" \
		"{\"invoice\":\"in_$n\",\"customer\":\"cus_$n\",\"subscription\":\"sub_$n\",\"total\":$((n * 1050))}"
done
in_step='status.backlog === 0 && status.lanes.every((l) => l.dirty === 0 && l.held === 0)'
check "all is pushed" crm see --wait 40 "$in_step && sf('Billhook_Invoice__c').length === 6 && hs('BillhookInvoices').length === 6 && hs('deals').length === 6" true

# found SYNC: what an audit says, "account compared 6 differing 1 fields Name 1, ..."; sets rc
found() {
	run bh audit "$1" "${2:-start}" --json
	node -e 'const doc = JSON.parse(require("fs").readFileSync(0, "utf8"));
		const flat = (o) => Object.entries(o).sort().flatMap(([k, v]) => k === "to" || k === "compared" ? [] : typeof v === "object" ? (Object.keys(v).length ? [k, ...flat(v)] : []) : [k, v]);
		console.log([doc.state, doc.compared, ...Object.entries(doc.objects ?? {}).sort().filter(([, o]) => flat(o).length).map(([n, o]) => [n, ...flat(o)].join(" "))].join(", "))' <<<"$out"
}
record() {
	crm see "(sf('$1').find((r) => r.Billhook_Id__c === 'stripe:$2') ?? {}).Id"
}

# -- nothing has happened --
for sync in sf hs box; do
	is "$sync: what was pushed is there" "$(found $sync | sed 's/[0-9]\+/N/')" 'done, N'
	is "$sync: no person is needed" "$(bh audit $sync >/dev/null; echo $?)" 0
done
crm delete sf calls >/dev/null
found sf >/dev/null
is "none of its calls writes" "$(crm see 'sfWrites.length')" 0
is "there are few of them" "$(crm see 'everyCall.length <= 8')" true

# -- people --
crm patch sf records "{\"Account\": [{\"Id\": \"$(record Account cus_1)\", \"Billhook_Email__c\": \"=cmd@example.com\", \"Phone\": \"+1 555\"}],
	\"Billhook_Invoice__c\": [{\"Id\": \"$(record Billhook_Invoice__c in_2)\", \"Total__c\": 1}, {\"Id\": \"$(record Billhook_Invoice__c in_3)\", \"Total__c\": 41.5}]}" >/dev/null || not_ok "people change records"
crm delete sf records "{\"ids\": [\"$(record Billhook_Invoice__c in_6)\"]}" >/dev/null || not_ok "people delete"
is "Salesforce: exactly what they did, and the sum of money" "$(found sf)" \
	'done, 18, account differing 1 fields Billhook_Email__c 1, invoice differing 2 fields Total__c 2 missing 1 money USD 30'
is "nothing was written to the org" "$(crm see 'sf("Account", "stripe:cus_1").Billhook_Email__c')" '=cmd@example.com'
status "a person is needed" 4 bh audit sf
like "which is said" "$out" 'off by 30 USD'
run bh audit sf csv
like "a file for spreadsheets: who" "$out" '^account,,cus_1,Account,[A-Za-z0-9]+,Billhook_Email__c,ada@firm1.example,'
like "a formula is none" "$out" ",'=cmd@example.com,"
like "amounts" "$out" '^invoice,,in_2,Billhook_Invoice__c,[A-Za-z0-9]+,Total__c,21.00,1,USD,,'
like "what is gone" "$out" '^invoice,,in_6,.*,deleted,'

# -- repair --
status "one record that is as it was" 1 bh audit sf repair account cus_2
status "one record" 0 bh audit sf repair invoice in_2
seen "is mended" 'sf("Billhook_Invoice__c", "stripe:in_2").Total__c' 21
is "no other" "$(crm see '[sf("Account", "stripe:cus_1").Billhook_Email__c, sf("Billhook_Invoice__c", "stripe:in_3").Total__c]')" '["=cmd@example.com",41.5]'
run bh audit sf repair
is "all" "$out" '3 records were given to the push'
seen "are mended" '[sf("Account", "stripe:cus_1").Billhook_Email__c, sf("Billhook_Invoice__c", "stripe:in_3").Total__c, sf("Billhook_Invoice__c", "stripe:in_6").Total__c]' '["ada@firm1.example",31.5,63]'
is "what people may change stays theirs" "$(crm see 'sf("Account", "stripe:cus_1").Phone')" '+1 555'
check "all comes to rest" crm see --wait 20 "$in_step" true
is "then nothing differs" "$(found sf)" 'done, 18'

# -- a record that people moved to another --
crm patch sf records "{\"Billhook_Invoice__c\": [{\"Id\": \"$(record Billhook_Invoice__c in_4)\", \"Account__c\": \"$(record Account cus_5)\"}]}" >/dev/null || not_ok "people move a record"
is "Salesforce: a lookup that leads elsewhere is a difference of its own" "$(found sf)" 'done, 18, invoice differing 1 links Account__c 1'
like "in the file, with both records" "$(bh audit sf csv)" "^invoice,,in_4,Billhook_Invoice__c,[A-Za-z0-9]+,Account__c,$(record Account cus_4),$(record Account cus_5),,,link,"
bh audit sf repair >/dev/null || not_ok "repair"
seen "is mended" "sf('Billhook_Invoice__c', 'stripe:in_4').Account__c === sf('Account', 'stripe:cus_4').Id" true
check "all comes to rest" crm see --wait 20 "$in_step" true
is "then nothing differs" "$(found sf)" 'done, 18'

# -- HubSpot --
portal() {
	curl -sf -X "$1" "$HS_URL/crm/objects/2026-09/$2" -H "Authorization: Bearer $FLOW_HS_TOKEN" -H 'Content-Type: application/json' ${3:+-d "$3"} >/dev/null ||
		not_ok "people do" "$*"
}
portal PATCH "companies/$(crm see 'hs("companies", "stripe:cus_3").id')" '{"properties": {"billhook_open_balance": "1.50", "phone": "+1 555"}}'
portal DELETE "deals/$(crm see 'hs("deals").find((d) => JSON.stringify(d).includes("stripe:sub_4")).id')"
is "HubSpot: exactly what they did, and the sum of money" "$(found hs)" \
	'done, 24, customer differing 1 fields billhook_open_balance 1 money USD 30, deal missing 1'
bh audit hs repair >/dev/null || not_ok "repair"
seen "all is mended" '[hs("companies", "stripe:cus_3").billhook_open_balance, hs("companies", "stripe:cus_3").phone, hs("deals").length]' '["31.50","+1 555",6]'
check "all comes to rest" crm see --wait 20 "$in_step" true
is "then nothing differs" "$(found hs)" 'done, 24'
invoice=$(crm see 'hs("BillhookInvoices", "stripe:in_5").id') company=$(crm see 'hs("companies", "stripe:cus_5").id')
tied="Object.values(hs('BillhookInvoices', 'stripe:in_5').links).flat().some((l) => JSON.stringify(l).includes('$company'))"
is "an invoice belongs to its company" "$(crm see "$tied")" true
portal DELETE "p4711000_BillhookInvoices/$invoice/associations/companies/$company"
is "until people take it away" "$(crm see "$tied")" false
crm delete hs calls >/dev/null
is "HubSpot: an association that is gone is a difference of its own" "$(found hs)" 'done, 24, invoice differing 1 links companies 1'
is "associations are read in few calls" "$(crm see 'hsEvery.filter((c) => /associations/.test(c.path)).length <= 6')" true
bh audit hs repair >/dev/null || not_ok "repair"
seen "is mended" "$tied" true
check "all comes to rest" crm see --wait 20 "$in_step" true
is "then nothing differs" "$(found hs)" 'done, 24'

# -- a worker dies, a person stops it --
crm patch sf records "{\"Account\": [{\"Id\": \"$(record Account cus_5)\", \"Billhook_Email__c\": \"else@example.com\"}]}" >/dev/null || not_ok "people change records"
delay='{"faults": [{"match": {"path": "composite"}, "times": 1, "do": {"delay_ms": 4000}}]}'
crm post sf faults "$delay" >/dev/null
bh audit sf start >"$work/audit.out" 2>&1 &
sleep 1
for worker in $(left_over); do
	[ "$(cat "/proc/$worker/comm" 2>/dev/null)" != bh-worker ] || { kill -9 "$worker" && killed=1; }
done
is "a worker is killed meanwhile" "${killed:-}" 1
wait $!
is "with a new worker it goes on" $? 4
like "and finds the same" "$(cat "$work/audit.out")" '  Billhook_Email__c: 1'
crm post sf faults "$delay" >/dev/null
bh audit sf start >"$work/audit.out" 2>&1 &
sleep 1
status "a person stops it" 0 bh audit sf stop
wait $!
is "which is told" "$(tail -n 1 "$work/audit.out")" 'billhook: it was stopped'
status "it goes on" 0 bh audit sf go-on
state() {
	bh audit sf --json | node -p 'JSON.parse(require("fs").readFileSync(0, "utf8")).state'
}
ended() {
	[ "$(state)" = "done" ]
}
wait_for 15 ended || not_ok "to its end" "$(bh audit sf)"

# -- an org whose calls are used up --
crm post sf settings '{"daily_used": 9000}' >/dev/null
tell '{"customer":"cus_2","name":"Firm 2, Äther & Söhne","email":"second@firm2.example"}'
seen "what people and others use is told" 'lane("salesforce").day_used > 9000'
crm delete sf calls >/dev/null
bh audit sf start >"$work/audit.out" 2>&1 &
pid=$!
waits() {
	[[ $(bh audit sf) == *"API calls of the day are used"* ]]
}
check "above the throttle it waits" wait_for 10 waits
is "without a call" "$(crm see 'everyCall.length')" 0
bh audit sf stop
wait $pid

unlike "nothing to complain in the log" "$(log)" ' error '
finish
