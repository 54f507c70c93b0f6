#!/usr/bin/env bash
# Undo in its corners, in a Salesforce org, a HubSpot portal and a sandbox: what tied
# records together, what went as a bulk job, limits that are used up, calls that fail,
# a stop and a kill in the middle, and a person who is erased.
# shellcheck disable=SC2016,SC2317 # JavaScript; called by wait_for
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

sf_settings='{"daily_limit": 100000, "bulk_running_polls": 0}' hs_settings='{"search_lag_ms": 0, "search_second_limit": 1000}'
simulators
new_dir undo
serve

key='"match": [{"by": "value", "fields": [{"to": "Name", "from": "name"}]}], "key": "Billhook_Id__c"'
in_org="{\"name\": \"account\", \"from\": \"customer\", \"to\": \"Account\", $key, \"fields\": [{\"to\": \"Name\", \"from\": \"name\"}, {\"to\": \"Phone\", \"from\": \"PHONE\"}]},
	{\"name\": \"invoice\", \"from\": \"invoice\", \"to\": \"Billhook_Invoice__c\", \"key\": \"Billhook_Id__c\",
	  \"parents\": [{\"object\": \"account\", \"id\": \"customer\", \"to\": \"Account__c\"}], \"fields\": [{\"to\": \"Name\", \"from\": \"number\"}, {\"to\": \"Total__c\", \"from\": \"total\"}]}"
in_portal='{"name": "company", "from": "customer", "to": "companies", "key": "billhook_customer_id", "match": [{"by": "value", "fields": [{"to": "name", "from": "name"}]}],
	  "fields": [{"to": "name", "from": "name"}, {"to": "phone", "from": "PHONE"}]},
	{"name": "invoice", "from": "invoice", "to": "BillhookInvoices", "key": "billhook_invoice_id",
	  "parents": [{"object": "company", "id": "customer", "to": "companies"}], "fields": [{"to": "billhook_invoice_number", "from": "number"}, {"to": "billhook_invoice_total", "from": "total"}]}'
# set_up PHONE: what is written into the phone; with paused=true the CRMs wait
paused=false
set_up() {
	bh apply --quiet - <<-END || not_ok "apply"
	{ "billhook": 1,
	  "connections": [
	    { "code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
	    { "code": "salesforce", "driver": "salesforce", "paused": $paused, "secrets": {"client_secret": "env:FLOW_SF_SECRET"},
	      "settings": {"flow": "client_credentials", "login_url": "$SF_URL", "client_id": "sim-client", "bulk_from": 200, "throttle": 80, "reserve": 95} },
	    { "code": "hubspot", "driver": "hubspot", "paused": $paused, "settings": {"flow": "token", "base_url": "$HS_URL"}, "secrets": {"access_token": "env:FLOW_HS_TOKEN"} },
	    { "code": "sandbox", "driver": "sandbox" } ],
	  "syncs": [
	    { "code": "sf", "from": "stripe", "to": "salesforce", "mapping": { "name": "sf", "objects": [ ${in_org//PHONE/$1} ] } },
	    { "code": "hs", "from": "stripe", "to": "hubspot", "mapping": { "name": "hs", "objects": [ ${in_portal//PHONE/$1} ] } },
	    { "code": "box", "from": "stripe", "to": "sandbox", "mapping": { "name": "box", "objects": [ ${in_org//PHONE/$1} ] } } ] }
	END
}
clock=$(($(date +%s) + 1000))
# tell KIND ID MEMBERS: Stripe tells of it
tell() {
	clock=$((clock + 1))
	send stripe "{\"$1\":\"$2\",$3,\"at\":$clock}" | grep -q '^200' || not_ok "a webhook is accepted" "$1 $2"
}
# later SECONDS: all of Billhook anew, that much later
later() {
	bh stop --quiet
	export BILLHOOK_CLOCK_OFFSET_S=$((${BILLHOOK_CLOCK_OFFSET_S:-0} + $1))
	serve
}
in_step='status.backlog === 0 && status.lanes.every((l) => l.dirty === 0 && l.held === 0 && !l.bulk?.phase)'
rest() {
	check "$1" crm see --wait 20 "$in_step && ${2:-true}" true
}
# What is written from here on is a run of its own.
new_run() {
	local sync
	for sync in sf hs box; do
		bh resync $sync >/dev/null || not_ok "resync $sync"
	done
	rest "all is compared"
}
newest() {
	bh undo "$1" --json | node -p 'JSON.parse(require("fs").readFileSync(0, "utf8"))[0].run'
}
counts='back fields changed unknown unseen same left made removed gone refused'
# undo SYNC WORD...: what it says, "looked, back 2, fields 3"
undo() {
	run bh undo "$@" --json
	COUNTS=$counts node -e 'const doc = JSON.parse(require("fs").readFileSync(0, "utf8"));
		console.log([doc.state, ...process.env.COUNTS.split(" ").filter((n) => doc[n]).map((n) => n + " " + doc[n])].join(", "))' <<<"$out"
}
# shown SYNC EXPRESSION: of what show says, as doc
shown() {
	bh undo "$1" show --json | node -p "const doc = JSON.parse(require('fs').readFileSync(0, 'utf8')); String($2)"
}
# kept KEY FIELD: of a sandbox's record
kept() {
	bh dump | RECORD=$1 FIELD=$2 node -e 'const raw = (one, name) => one[name] ?? Buffer.from(one[name + "64"] ?? "", "base64").toString("latin1");
		for (const line of require("fs").readFileSync(0, "utf8").split("\n")) {
			const one = line === "" ? {} : JSON.parse(line), key = raw(one, "k");
			if (key.startsWith("Ds") && key.includes(process.env.RECORD)) console.log(String(JSON.parse(raw(one, "v")).fields[process.env.FIELD]));
		}'
}
faults() {
	crm post "$1" faults "{\"faults\": [$2]}" >/dev/null || not_ok "faults" "$2"
}

# -- people's records, and ours --
people='[1, 2, 3].map((n) => ({Name: "Firm " + n, Phone: "+49 30 " + n}))'
crm post sf records "$(node -p "JSON.stringify({Account: $people})")" >/dev/null || not_ok "people make Accounts"
crm post hs records "$(node -p "JSON.stringify({companies: $people.map((p) => ({properties: {name: p.Name, phone: p.Phone}}))})")" >/dev/null || not_ok "people make companies"
set_up phone
for n in 1 2 3; do
	tell customer "cus_$n" "\"name\":\"Firm $n\",\"phone\":\"+1 $n\",\"email\":\"pay@firm$n.example\""
done
tell invoice in_1 '"customer":"cus_1","total":1000'
rest "all is pushed" 'sf("Billhook_Invoice__c").length === 1 && hs("BillhookInvoices").length === 1'
account_of='["cus_1", "cus_2"].find((c) => sf("Account", "stripe:" + c).Id === sf("Billhook_Invoice__c", "stripe:in_1").Account__c)'
company_of='hs("BillhookInvoices", "stripe:in_1").links.companies.map((l) => ["cus_1", "cus_2"].find((c) => hs("companies", "stripe:" + c).id === String(l.id))).join()'
is "an invoice hangs on its customer" "$(crm see "[$account_of, $company_of]")" '["cus_1","cus_1"]'

# -- what ties records together --
new_run
tell invoice in_1 '"customer":"cus_2","total":2000'
rest "it moves to another" "$account_of === 'cus_2'"
is "in both" "$(crm see "[$account_of, $company_of]")" '["cus_2","cus_2"]'
is "Salesforce: a lookup goes back with the fields" "$(undo sf look invoice in_1)" 'looked, back 1, fields 2'
is "it is done" "$(undo sf "do" --yes)" 'done, back 1, fields 2'
is "HubSpot: the field goes back" "$(undo hs look invoice in_1)" 'looked, back 1, fields 1'
like "that the association does not is said before it is done" "$(bh undo hs show)" 'Nothing was written\.  Associations in HubSpot stay as they are\.'
is "it is done, too" "$(undo hs "do" --yes)" 'done, back 1, fields 1'
is "which is what came of it" "$(crm see "[$account_of, $company_of, sf('Billhook_Invoice__c', 'stripe:in_1').Total__c, hs('BillhookInvoices', 'stripe:in_1').billhook_invoice_total]")" '["cus_1","cus_2",10,"10.00"]'

# -- a sandbox --
is "a sandbox has what was written" "$(kept stripe:cus_1 Phone)" '+1 1'
set_up email
rest "a mapping writes over it"
is "which is gone then" "$(kept stripe:cus_1 Phone)" pay@firm1.example
run=$(newest box)
is "there, too, it is shown" "$(undo box look "$run")" 'looked, back 3, fields 3'
is "and done" "$(undo box "do" --yes)" 'done, back 3, fields 3'
is "in the sandbox" "$(kept stripe:cus_1 Phone) $(kept stripe:cus_3 Phone)" '+1 1 +1 3'
is "where records go, too, that were made, but for the one that was written since" "$(undo box look 1 --remove)" 'looked, made 1, removed 3'
is "they are gone" "$(undo box "do" --yes) $(kept stripe:cus_1 Phone)" 'done, made 1, removed 3 '

# -- very many: Salesforce as bulk jobs, HubSpot in batches --
firms='[...Array(210).keys()].map((n) => ({Name: "Mass " + n, Phone: "+49 40 " + n + " 0"}))'
crm post sf records "$(node -p "JSON.stringify({Account: $firms})")" >/dev/null || not_ok "people make Accounts"
crm post hs records "$(node -p "JSON.stringify({companies: $firms.map((p) => ({properties: {name: p.Name, phone: p.Phone}}))})")" >/dev/null || not_ok "people make companies"
paused=true set_up phone
new_run_from=$(newest sf)
clock=$((clock + 1))
node "$flow/send.mjs" --many 230 --parallel 8 "$(hook stripe)" stripe "{\"customer\":\"cus_m%n\",\"name\":\"Mass %n\",\"phone\":\"wrong\",\"email\":\"m%n@mass.example\",\"at\":$clock}" >"$work/sent"
is "many customers" "$(cat "$work/sent")" 200=230
check "wait for the CRMs" crm see --wait 20 'status.backlog === 0 && ["salesforce", "hubspot"].every((code) => lane(code).dirty >= 230)' true
set_up phone
rest "they are written" 'sf("Account").filter((a) => a.Phone === "wrong").length === 230 && hs("companies").filter((c) => c.phone === "wrong").length === 230'
is "by bulk jobs" "$(crm see 'sfCalls.filter((c) => c.method === "POST" && c.path.endsWith("jobs/ingest")).length > 0')" true
theirs='[sf("Account").map((a) => a.Phone), hs("companies").map((c) => c.phone)].map((all) => all.filter((p) => /^\+49 40/.test(p)).length)'
is "over what people had" "$(crm see "$theirs")" '[0,0]'
run=$(newest sf)
is "it is a run" "$(undo sf look "$run") of $((run - new_run_from))" 'looked, back 213, fields 213, made 20 of 1'

# -- another app used the day's calls --
crm post sf settings '{"daily_used": 85000}' >/dev/null
crm delete sf calls >/dev/null
bh undo sf "do" --yes >"$work/do.out" 2>&1 &
pid=$!
waits() {
	[ "$(shown sf 'doc.state === "doing" && / API calls of the day are used/.test(doc.note)')" = true ]
}
wait_for 15 waits || not_ok "it waits, and says why" "$(bh undo sf show)"
is "nothing is written" "$(crm see 'sfWrites.length')" 0
is "what is left is not asked all the time" "$(crm see 'everyCall.length < 5')" true
bh undo sf stop >/dev/null || not_ok "stop"
wait $pid
is "a person stops it" "$(shown sf 'doc.state + " " + doc.back')" 'stopped 0'
crm post sf settings '{"daily_used": 10}' >/dev/null
later 601
is "stopped it stays" "$(shown sf doc.state)" stopped
faults sf '{"match": {"path": "composite/sobjects", "method": "PATCH"}, "do": {"status": 503, "headers": {"Retry-After": "1"}}},
	{"match": {"object": "Account", "key": "stripe:cus_m7"}, "do": {"record_error": {"statusCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access to this record"}}}'
is "it goes on, through an outage and a record that somebody writes" "$(undo sf go-on)" 'done, back 213, fields 213, made 20'
is "both of which were met" "$(crm get sf faults | node -p 'JSON.parse(require("fs").readFileSync(0, "utf8")).faults.map((f) => f.fired).join()')" 1,1
is "to the last one" "$(crm see "$theirs")" '[210,0]'
is "what was made stays" "$(crm see 'sf("Account").filter((a) => a.Phone === "wrong").length')" 20

# -- HubSpot: refusals on the way --
run=$(newest hs)
faults hs '{"match": {"path": "companies/batch/read"}, "do": {"status": 429, "headers": {"Retry-After": "1"}}}'
is "HubSpot, which asks for a pause" "$(undo hs look "$run" | sed 's/, unknown.*//')" 'looked, back 213, fields 213, made 20'
faults hs '{"match": {"path": "companies/batch/read"}, "do": {"status": 429, "headers": {"Retry-After": "1"}}},
	{"match": {"path": "companies/batch/update"}, "do": {"status": 429, "headers": {"Retry-After": "1"}}}'
is "again, when it is done" "$(undo hs "do" --yes)" 'done, back 213, fields 213, made 20'
is "all is there again" "$(crm see "$theirs")" '[210,210]'

# -- workers die in the middle: it is put back once --
for sync in sf hs; do
	run=$(newest $sync)
	is "$sync: what was put back is a run" "$(undo $sync look "$run")" 'looked, back 213, fields 213'
done
for crm in sf hs; do
	crm delete $crm faults >/dev/null
	crm delete $crm calls >/dev/null
done
faults sf '{"match": {"path": "composite/sobjects", "method": "PATCH"}, "skip": 1, "do": {"delay_ms": 3000}}'
faults hs '{"match": {"path": "companies/batch/update"}, "skip": 1, "do": {"delay_ms": 3000}}'
for sync in sf hs; do
	bh undo $sync "do" --yes >"$work/$sync.out" 2>&1 &
	pids+=($!)
	eval "$sync=$!"
done
met() {
	crm get "$1" faults | node -p 'const all = JSON.parse(require("fs").readFileSync(0, "utf8")); [all.faults ?? all].flat().map((f) => f.left).join()'
}
is_met() {
	[ "$(met sf) $(met hs)" = '0 0' ]
}
wait_for 15 is_met || not_ok "both write their second batch" "$(crm get sf faults)" "$(crm get hs faults)"
for worker in $(left_over); do
	[ "$(cat "/proc/$worker/comm" 2>/dev/null)" != bh-worker ] || kill -9 "$worker"
done
for sync in sf hs; do
	wait "${!sync}"
	is "$sync: it comes to its end" "$(shown $sync '[doc.state, doc.back, doc.fields, doc.changed, doc.refused].join()')" done,213,213,0,0
	is "$sync: its run counts each record once" "$(bh undo $sync --json | node -p 'const [one] = JSON.parse(require("fs").readFileSync(0, "utf8")); [one.records, one.fields].join()')" 213,213
done
check "what the dead had sent arrives, too" crm see --wait 10 '[everyCall, hsEvery].every((calls) => calls.some((c) => c.ms > 2900))' true
is "all is as the push had written it" "$(crm see "$theirs")" '[0,0]'
for sync in sf hs; do
	run=$(newest $sync)
	is "$sync: and can be put back" "$(undo $sync look "$run")" 'looked, back 213, fields 213'
	is "$sync: again" "$(undo $sync "do" --yes)" 'done, back 213, fields 213'
done
is "nothing is lost" "$(crm see "$theirs")" '[210,210]'

# -- records that a bulk job made --
is "they go where nobody changed them" "$(undo sf look $((new_run_from + 1)) --remove)" 'looked, same 213, removed 20'
is "as in the ordinary way" "$(undo sf "do" --yes)" 'done, same 213, removed 20'
is "no other" "$(crm see '[sf("Account").length, sf("Account").filter((a) => a.Phone === "wrong").length]')" '[213,0]'

# -- a person is erased --
# texts FAMILY: all that is kept below keys that begin so
texts() {
	bh dump | FAMILY=$1 node -e 'const raw = (one, name) => one[name] ?? Buffer.from(one[name + "64"] ?? "", "base64").toString("latin1");
		for (const line of require("fs").readFileSync(0, "utf8").split("\n")) {
			const one = line === "" ? {} : JSON.parse(line), key = raw(one, "k");
			if (key.startsWith(process.env.FAMILY)) console.log(key.replace(/[^ -~]/g, " "), raw(one, "v"));
		}'
}
undo sf look account cus_m5 >/dev/null
like "what people had entered is kept, and shown" "$(texts U)" '\+49 40 5 0'
status "a person is erased" 0 bh person erase --yes cus_m5
is "it is kept no more" "$(texts "" | grep -c -e '+49 40 5 0' -e 'cus_m5 .*"b":')" 0
like "that of others is" "$(texts U)" '\+49 40 6 0'
undo sf look "$(newest sf)" >/dev/null
is "putting back goes on without it" "$(shown sf '[doc.state, doc.rows.filter((r) => r.id === "cus_m5").length, doc.rows.length > 150].join()')" looked,0,true

unlike "nothing to complain in the log" "$(log)" ' error '
finish
