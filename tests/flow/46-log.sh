#!/usr/bin/env bash
# What the log holds at its most talkative: ids, never a secret, never a
# person's data; and what it says of one event, from its arrival to the CRM.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# What must stand nowhere: of people, and secrets.
person='Zaphod|Quintessa|zq\.person|person\.example|\+49 ?30|Musterweg|10115|DE123456789'
secrets="$FLOW_STRIPE_SECRET|$FLOW_LAGO_SECRET|$FLOW_SF_SECRET|$FLOW_HS_TOKEN|$BILLHOOK_PASSWORD|QWxhZGRpbjpvcGVuc2VzYW1l"

# everything: all that was written but the store: logs, what verbs and processes said
everything() {
	cat "$BILLHOOK_DIR"/log/* "$work"/*.log "$work/said" 2>/dev/null
}
# clean NAME: none of it is there
clean() {
	is "$1: no person is in the log" "$(everything | grep -aE "$person" | head -n 3)" ""
	is "$1: no secret, token or signature is" "$(everything | grep -aE "$secrets|Bearer [A-Za-z0-9]|v1=[0-9a-f]{16}|00D[A-Za-z0-9]{12,15}!" | head -n 3)" ""
}
news() {
	local source=$1
	shift
	send "$source" "$@" >>"$work/said" 2>&1
}
customer='{"customer":"cus_1","event":"evt_one","name":"Zaphod Quintessa","email":"zq.person@person.example"}'

simulators
new_dir data
option log_level debug
document >"$work/set-up.json"
bh apply "$work/set-up.json" >"$work/said" 2>&1
serve
news stripe "$customer" '{"subscription":"sub_1","customer":"cus_1"}' '{"invoice":"in_1","customer":"cus_1","subscription":"sub_1"}'
news lago '{"customer":"lc_1","name":"Zaphod Quintessa","email":"zq.person@person.example"}'
in_step="status.backlog === 0 && status.lanes.every((l) => l.dirty === 0) && lane('salesforce').in_step + lane('hubspot').in_step"
seen "events are pushed" "$in_step" 8
seen "with the name" "sf('Account','stripe:cus_1').Name" "Zaphod Quintessa"
like "the log is talkative" "$(log)" ' debug '
clean "what goes well"

# -- one event --
like "its arrival is a line" "$(log)" 'front\[[0-9]+\] webhook accepted connection=stripe event=evt_one type=customer\.updated$'
like "what became of it, too" "$(log)" 'worker\[[0-9]+\] event handled connection=stripe event=evt_one outcome=applied'
like "with what it changed" "$(log)" 'event=evt_one outcome=applied objects="?customer cus_1'
like "each record that was written names the object and the lane" "$(log)" 'worker\[[0-9]+\] record pushed lane=salesforce batch=[0-9a-f-]+ sync=stripe-sf object=account id=cus_1 '
batch=$(log | grep -o 'lane=salesforce batch=[0-9a-f-]*' | head -n 1 | sed 's/.*=//')
like "and the batch, as its sum does" "$(log)" "lane salesforce: batch=$batch sent=[1-9]"

# -- what goes wrong --
news stripe "$customer" # a duplicate
FLOW_STRIPE_SECRET=whsec_wrong_0123456789 news stripe '{"customer":"cus_2","name":"Zaphod Quintessa"}'
printf '{"object":"event","id":"evt_cut","type":"customer.updated","created":1790000000,"livemode":true,"data":{"object":{"id":"cus_3","name":"Zaphod Quintessa","email":"zq.person@person.example","obj' >"$work/cut"
node "$flow/send.mjs" --header 'Authorization: Basic QWxhZGRpbjpvcGVuc2VzYW1l' "$(hook stripe)" stripe "@$work/cut" >>"$work/said"
printf '{"object":"event","id":"evt_odd","type":"customer.updated","created":"Zaphod","livemode":true,"data":{"object":{"id":"cus_4","object":"customer","created":1790000000,"name":["Zaphod Quintessa"],"email":{"a":"zq.person@person.example"},"phone":"+49 30 123","address":{"line1":"Musterweg 1","postal_code":"10115"},"metadata":{"vat":"DE123456789"}}}}' >"$work/odd"
news stripe "@$work/odd"
crm post sf faults '{"faults": [{"match": {"key": "stripe:cus_5"}, "times": -1, "do": {"record_error": {"statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "no Zaphod Quintessa with zq.person@person.example"}}}]}' >/dev/null
news stripe '{"customer":"cus_5","name":"Zaphod Quintessa V","email":"not an address of zq.person@person.example"}'
seen "the backlog is worked off" 'status.backlog' 0
seen "the CRM's own words stand with the record" "lane('salesforce').held" 1
like "where people see them" "$(bh dump)" 'no Zaphod Quintessa with'
like "the log has the code" "$(log)" 'record refused lane=salesforce batch=[0-9a-f-]+ sync=stripe-sf object=account id=cus_5 .*code=FIELD_CUSTOM_VALIDATION_EXCEPTION$'
{
	bh replay --all
	bh check
	bh resync stripe-sf
	bh verify
} >>"$work/said" 2>&1
seen "after a replay, too" 'status.backlog' 0
kill -9 "$(child keeper)"
news stripe '{"customer":"cus_6","name":"Zaphod Quintessa","email":"zq.person@person.example"}'
seen "and after a kill" 'status.backlog' 0
like "the log tells of the refusal" "$(log)" 'webhook refused connection=stripe'
like "and of what cannot be read, by its id" "$(log)" 'event=evt_cut'
clean "what goes wrong"
bh person export cus_1 >/dev/null 2>>"$work/said"
bh person erase cus_1 --yes >>"$work/said" 2>&1
clean "and after an erasure"

# -- trail and levels --
bh dump | node -e 'for (const line of require("fs").readFileSync(0, "utf8").split("\n")) {
	const one = line === "" ? {} : JSON.parse(line), at = (name) => one[name] ?? Buffer.from(one[name + "64"] ?? "", "base64").toString("latin1");
	if (at("k").startsWith("T")) console.log(at("v")); }' >"$work/trail"
check "there is a trail" test -s "$work/trail"
is "the trail holds ids, too" "$(grep -aE "$person" "$work/trail" | head -n 3)" ""
# -- whole calls that are refused, with a person's data in the CRM's words --
words='no Zaphod Quintessa with zq.person@person.example'
crm post sf faults "{\"faults\": [{\"match\": {\"path\": \"query|composite|sobjects\"}, \"times\": -1, \"do\": {\"status\": 400, \"body\": [{\"errorCode\": \"INVALID_FIELD\", \"message\": \"$words\"}]}}]}" >/dev/null
crm post hs faults "{\"faults\": [{\"match\": {\"path\": \"companies\"}, \"times\": -1, \"do\": {\"status\": 400, \"body\": {\"status\": \"error\", \"category\": \"ODD_CALL\", \"message\": \"$words\"}}}]}" >/dev/null
# It need not end: a refusal may be one that passes.
ask() {
	timeout 3 "$BILLHOOK" "$@" --json >>"$work/told" 2>&1
}
for sync in stripe-sf lago-hs; do
	ask preview "$sync"
	ask audit "$sync" start
done
for crm in salesforce hubspot; do
	for errand in test plan count; do
		ask crm "$crm" "$errand"
	done
done
ask crm salesforce unlinked --sync stripe-sf
news stripe '{"customer":"cus_8","name":"Eighth"}'
news lago '{"customer":"lc_8","name":"Eighth"}'
seen "the backlog is worked off beside refused calls" 'status.backlog' 0
like "who asked is told in the CRM's words" "$(cat "$work/told")" "$words"
for line in 'audit of stripe-sf: .* code=INVALID_FIELD$' 'audit of lago-hs: .* code=ODD_CALL$' \
	'probe of salesforce: .* code=INVALID_FIELD$' 'plan of salesforce: .* code=INVALID_FIELD$' \
	'count of salesforce: .* code=INVALID_FIELD$' 'import of salesforce: .* code=INVALID_FIELD$' \
	'lane hubspot: no description of .* code=ODD_CALL$'; do
	check "the log has: $line" wait_for 5 grep -qE "$line" "$BILLHOOK_DIR/log/billhook.log"
done
printf '{"object":"event","id":"evt_kind","type":"customer.updated","created":1790000000,"livemode":true,"data":{"object":{"id":"cus_9","object":"zq.person@person.example","created":1790000000}}}' >"$work/kind"
news stripe "@$work/kind"
check "an event of an odd kind is told by its id" wait_for 20 grep -q 'event=evt_kind: the event carries no customer$' "$BILLHOOK_DIR/log/billhook.log"
clean "whole calls"
crm delete sf faults >/dev/null
crm delete hs faults >/dev/null

bh stop --quiet
: >"$BILLHOOK_DIR/log/billhook.log"
option log_level error
serve
news stripe '{"customer":"cus_7","name":"Zaphod Quintessa"}'
seen "with the level error it works as well" 'status.backlog' 0
is "and says nothing" "$(log)" ""
finish
