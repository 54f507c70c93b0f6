#!/usr/bin/env bash
# What is kept, for how long, and what a person may ask for: masked headers,
# replay by filter, export and erasure, retention; killed in the middle, too.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# The store, a line for each entry: its key and its value as they are, but for control characters.
plain() {
	bh dump | node -e 'for (const line of require("fs").readFileSync(0, "utf8").split("\n")) {
		const one = line === "" ? {} : JSON.parse(line), at = (name) => Buffer.from(one[name + "64"] ?? one[name] ?? "", one[name + "64"] === undefined ? "utf8" : "base64");
		if (one.k !== undefined || one.k64 !== undefined) process.stdout.write(Buffer.concat([at("k"), Buffer.from(" "), at("v")]).toString("latin1").replace(/[\x00-\x1f]/g, " ") + "\n");
	}'
}
# stored FAMILY: how many entries it has; Ze: events, Ji: their ids, Jo: outcomes
stored() {
	plain | grep -ac "^$1"
}
# traces of her: how many entries
traces() {
	plain | grep -aci 'Ada Person\|person.example'
}
# Keys of what the store holds, but for jobs, marks, and notes of the last run; lines of the trail without their stamps.
keys() {
	facts | grep -v '^{"k":"\(Jy\|Jz\|Ly\|Lp\)' | sed 's/,"v.*//; s/"k64":"\(VH[Ic]\)[^"]*/"k64":"\1/' | sort
}

simulators
set_up data
serve
send stripe '{"customer":"cus_ada","name":"Ada Person","email":"ada@person.example","event":"evt_ada"}' \
	'{"subscription":"sub_ada","customer":"cus_ada"}' \
	'{"invoice":"in_ada","customer":"cus_ada","subscription":"sub_ada"}' \
	'{"customer":"cus_adam","name":"Adam Other","email":"adam@other.example"}' \
	'{"invoice":"in_adam","customer":"cus_adam"}' >/dev/null
# A type that no driver knows tells of her, too.
printf '{"object":"event","type":"radar.early_fraud_warning.created","created":1790000000,"livemode":true,"id":"evt_radar","data":{"object":{"object":"radar.early_fraud_warning","id":"issfr_1","charge":{"customer":"cus_ada","billing_details":{"name":"Ada Person"}}}}}' >"$work/radar"
node "$flow/send.mjs" --header 'Authorization: Basic QWxhZGRpbjpvcGVuc2VzYW1l' "$(hook stripe)" stripe "@$work/radar" >/dev/null
send lago '{"customer":"lc_1","name":"Eve Other","email":"eve@other.example"}' >/dev/null
in_step="status.backlog === 0 && status.lanes.map((l) => [l.code, l.in_step, l.dirty].join(' ')).sort().join(', ')"
seen "everything is in step" "$in_step" "hubspot 6 0, salesforce 6 0, sandbox 5 0"

# -- masks --
plain >"$work/dump"
is "of a signature eight characters are kept" "$(LC_ALL=C grep -ao 'v1=[^"]*"' "$work/dump" | LC_ALL=C sed 's/[0-9a-f]\{8\}[^0-9a-f"]*"/HEX/' | sort -u)" 'v1=HEX'
for secret in "$FLOW_STRIPE_SECRET" "$FLOW_LAGO_SECRET" "$FLOW_SF_SECRET" "$FLOW_HS_TOKEN" QWxhZGRpbjpvcGVuc2VzYW1l "$BILLHOOK_PASSWORD"; do
	is "no secret in a dump: ${secret:0:4}" "$(grep -acF -- "$secret" "$work/dump")" 0
done
is "nor in the export of the set-up" "$(bh export | grep -cF "$FLOW_SF_SECRET")" 0
is "nor in the log" "$(log | grep -cF -e "$FLOW_STRIPE_SECRET" -e "$FLOW_HS_TOKEN" -e "$FLOW_SF_SECRET")" 0

# -- replay --
is "replay of a type" "$(bh replay --type customer.updated)" "3 events will be handled again"
is "of all that begin so" "$(bh replay --type 'customer.*')" "4 events will be handled again"
is "of one connection and type" "$(bh replay --type 'customer.*' --connection lago)" "1 events will be handled again"
is "of a type that never came" "$(bh replay --type customer)" "0 events will be handled again"
is "of a state" "$(bh replay --state unknown --type 'radar.*')" "1 events will be handled again"
is "since a time" "$(bh replay --since "$(date -u -d '-1 hour' +%FT%TZ)")" "7 events will be handled again"
is "since a time to come" "$(bh replay --since "$(date -u -d '+1 hour' +%FT%TZ)")" "0 events will be handled again"
seen "all of it is handled" "$in_step" "hubspot 6 0, salesforce 6 0, sandbox 5 0"

# -- a person's data --
status "person without what" 2 bh person erase
status "person with a wrong word" 2 bh person find cus_ada
status "a connection that there is not" 1 bh person export cus_ada --connection nowhere
like "is named" "$err" 'no connection nowhere'
status "somebody of whom nothing is kept" 1 bh person export nobody@person.example
like "is said so" "$err" 'nothing is kept about nobody@person.example'
status "export by address" 0 bh person export ADA@person.example
echo "$out" >"$work/ada.json"
ada() {
	node -e 'const d = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8")); console.log(eval(process.argv[2]))' "$work/ada.json" "$1"
}
is "it is one document of all parts" "$(ada 'Object.keys(d).join(" ")')" "asked at objects links records derived alerts lookups events trail spool"
is "with her objects" "$(ada 'd.objects.map((o) => o.kind + " " + o.id).sort().join(", ")')" "customer cus_ada, invoice in_ada, subscription sub_ada"
is "what was pushed where" "$(ada 'd.links.filter((l) => l.record !== "").map((l) => l.destination).sort().join(" ")')" "hubspot hubspot hubspot salesforce salesforce salesforce sandbox sandbox sandbox"
is "her events, with bodies" "$(ada 'd.events.map((e) => e.type + " " + (e.body.data !== undefined)).sort().join(", ")')" \
	"customer.subscription.updated true, customer.updated true, invoice.updated true, radar.early_fraud_warning.created true"
is "and nobody else's" "$(grep -c 'Other\|cus_adam\|in_adam' "$work/ada.json")" 0
status "export of another connection" 1 bh person export cus_ada --connection lago
status "erasing asks" 1 bash -c "echo yes | '$BILLHOOK' person erase cus_ada"
like "on a terminal only" "$err" 'give --yes'
like "and says what it would erase" "$out" 'stripe: customer cus_ada'
check "nothing was erased" test "$(traces)" -gt 3
bh stop --quiet

# -- erased, also when it is killed at any step --
cp -a "$work/data" "$work/before"
others=$(plain | grep -ac 'Adam Other')
mkdir -p "$work/data/db.before-1790000000000" "$work/data/backup"
touch "$work/data/old.dump" "$work/data/backup/billhook-20261101-120000.tar"
fresh() {
	rm -rf "$work/data"
	cp -a "$work/before" "$work/data"
}
status "erase" 0 bh person erase ada@person.example --yes
like "says what went" "$out" '^Erased: 3 objects, 10 links, 3 records, 4 derived, 4 events'
like "what is not in its reach" "$out" '^  salesforce: record 001'
like "and that the source may bring it back" "$out" 'stripe: customer cus_ada; while it is active there'
like "what lies beside the store, and what to do with it" "$out" '^  db.before-1790000000000: a store that restore set aside: remove it'
like "a dump that somebody left there" "$out" '^  old.dump: not made by Billhook'
like "a copy made in the browser" "$out" '^  backup/billhook-20261101-120000.tar: a copy made in the browser'
is "and of what is needed nothing" "$(grep -cE '^  (db|key|log|run|spool|backup|billhook.conf):' <<<"$out")" 0
rm -r "$work/data/db.before-1790000000000" "$work/data/old.dump" "$work/data/backup"
is "the trail says who and how much" "$(plain | grep -a '^Tr' | grep -aoc 'a person was erased: 3 objects, 10 links, 3 records, 4 derived, 4 events.*, on the command line')" 1
is "and not whom" "$(plain | grep -a '^Tr' | grep -a 'was erased: ' | grep -aci 'cus_ada\|person.example')" 0
is "nothing of her is left" "$(traces)" 0
is "nor in any file but the database's own" "$(grep -rl 'Ada Person' "$work/data" --exclude-dir=db | wc -l)" 0
bh stop --quiet
bh dump "$work/erased"
mv "$work/data/db" "$work/db.old"
status "a dump is loaded into an empty store" 0 bh load "$work/erased"
bh stop --quiet
is "no file of the data directory has a byte of her" "$(grep -arliF -e 'Ada Person' -e person.example "$work/data" | wc -l)" 0
echo "# before that: $(grep -arliF -e 'Ada Person' -e person.example "$work/db.old" | xargs -r -n 1 basename | tr '\n' ' ')"
is "the others are as they were" "$(plain | grep -ac 'Adam Other')" "$others"
keys >"$work/want"
status "again: nothing is left" 0 bh person erase ada@person.example --yes
like "and it says so" "$out" '^Nothing was left to erase'
for fault in person-event:1 person-part:1 person-part:2 person-object:1 person-family:1 person-object:2; do
	fresh
	BILLHOOK_FAULT=${fault%:*}:die:${fault#*:} bh person erase ada@person.example --yes >"$work/killed" 2>&1
	is "killed at $fault" $? 137
	status "the same again goes on" 0 bh person erase ada@person.example --yes
	is "to the same end" "$(keys | diff - "$work/want")" ""
	is "without a trace" "$(traces)" 0
done
serve
is "an event that was erased is still known" \
	"$(send stripe '{"customer":"cus_ada","name":"Ada Person","email":"ada@person.example","event":"evt_ada"}')" '200 {"status":"duplicate"}'
status "it cannot be replayed" 1 bh replay evt_ada
like "which is said" "$err" 'event evt_ada was erased'
send stripe '{"customer":"cus_ada","name":"Ada Late","at":1790000000}' >/dev/null
seen "news from before the erasure" 'status.backlog' 0
is "brings nothing back" "$(crm see "sf('Account','stripe:cus_ada').Name")" "Ada Person"
is "in no mirror" "$(plain | grep -a '^Mo' | grep -ac 'Ada Late')" 0

sleep 1.1
send stripe '{"customer":"cus_ada","name":"Ada New","email":"new@person.example"}' >/dev/null
seen "a customer that is active makes news again" "sf('Account','stripe:cus_ada').Billhook_Email__c" "new@person.example"
is "which is one record still" "$(crm see "sf('Account').filter((a) => a.Billhook_Id__c === 'stripe:cus_ada').length")" 1
bh stop --quiet

# -- retention --
option keep_days 1
fresh
option keep_days 1
cp "$work/data/billhook.conf" "$work/before/billhook.conf"
status "drain" 0 bh drain --quiet
is "nothing is old yet" "$(stored Ze)" 7
export BILLHOOK_CLOCK_OFFSET_S=172800
began=$SECONDS
status "two days later: drain" 0 bh drain --quiet
check "ends, though the job comes again in an hour" test $((SECONDS - began)) -lt 15
is "the events are gone" "$(stored Ze)" 0
is "with what became of them" "$(stored Jo)" 0
is "their ids are known" "$(stored Ji)" 7
like "the log says how many" "$(log)" 'removed what is not kept any longer: 7 events'
seen "what is mirrored stays" "$in_step" "hubspot 6 0, salesforce 6 0, sandbox 5 0"
keys >"$work/want"
status "an event that is gone cannot be replayed" 1 bh replay evt_ada
like "which is said" "$err" 'evt_ada was received, but is not kept any longer'
serve
is "sent again it is a duplicate" "$(node "$flow/send.mjs" --age=-172800 "$(hook stripe)" stripe "@$work/radar")" '200 {"status":"duplicate"}'
bh stop --quiet
for step in 1 2 3 4; do
	fresh
	BILLHOOK_FAULT=retain-step:die:$step BILLHOOK_FAULT_ONCE=$work/once.$step bh drain --quiet
	check "a worker was killed at step $step" test -f "$work/once.$step"
	bh drain --quiet
	is "the end is the same" "$(keys | diff - "$work/want")" ""
done
export BILLHOOK_CLOCK_OFFSET_S=$((36 * 86400))
bh drain --quiet
is "after 35 days their ids are forgotten" "$(stored Ji)" 0
unset BILLHOOK_CLOCK_OFFSET_S
finish
