#!/usr/bin/env bash
# The data goes out and comes back whole: dump and load, backup and restore
# under load, replay.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

simulators
set_up data
serve
for i in 1 2 3 4 5 6; do
	printf '{"customer":"cus_%s","name":"Kunde Ä %s"}\n{"subscription":"sub_%s","customer":"cus_%s"}\n{"invoice":"in_%s","customer":"cus_%s","subscription":"sub_%s"}\n' $i $i $i $i $i $i $i
done >"$work/events"
mapfile -t events <"$work/events"
send stripe "${events[@]}" >/dev/null
send lago '{"customer":"lc_1"}' '{"subscription":"ls_1","customer":"lc_1"}' >/dev/null
in_step="status.backlog === 0 && status.lanes.map((l) => [l.code, l.in_step, l.dirty].join(' ')).sort().join(', ')"
seen "everything is in step" "$in_step" "hubspot 20 0, salesforce 20 0, sandbox 18 0"

status "status of what came" 0 bh status
like "tells what is kept" "$out" '^0 events wait to be handled, 20 are kept'
like "and when the last event came" "$out" '^lago +lago, last event [0-9]+ s ago$'
is "as JSON, too" "$(bh status --json | node -e 'const d = JSON.parse(require("fs").readFileSync(0, "utf8")); console.log(d.journal.events, d.sources.map((s) => [s.code, s.lookups, s.walks.length, Date.now() - s.last_event_ms < 60000].join(" ")).sort().join(", "))')" \
	"20 lago 0 0 true, stripe 0 0 true"

# -- as large as may be --
node -e 'const n = 1000000; console.log(JSON.stringify({ object: "event", id: "evt_large", type: "customer.updated", created: 1790000000, livemode: true,
	data: { object: { id: "cus_1", object: "customer", name: "Kunde Ä 1", email: "large@example.com", created: 1790000000, metadata: { note: "x".repeat(n) } } } }))' >"$work/large"
is "an event of a megabyte is accepted" "$(send stripe "@$work/large")" '200 {"status":"accepted"}'
seen "and older than what is known" 'dump.includes("older than state") && status.backlog' 0
rm "$work/large"

# -- replay --
calls() {
	crm see 'sfCalls.length + hsCalls.length'
}
before=$(calls)
is "replay --all" "$(bh replay --all)" "21 events will be handled again"
seen "all of it is handled" "$in_step" "hubspot 20 0, salesforce 20 0, sandbox 18 0"
is "no CRM hears of it" "$(calls)" "$before"
is "replay of one connection" "$(bh replay --connection lago)" "2 events will be handled again"
like "of a time" "$(bh replay --until 2001-01-01T00:00:00Z; bh replay --since 2001-01-01T00:00:00Z)" '^0 events.*'
seen "handled, too" 'status.backlog' 0
is "still no CRM hears of it" "$(calls)" "$before"
bh stop --quiet

# -- dump and load --
facts >"$work/facts"
status "dump to a file" 0 bh dump "$work/dump"
is "a dump is for our eyes" "$(stat -c %a "$work/dump")" 600
(cd "$work" && bh dump - >piped)
is "a dump to - is on standard output" "$(head -n 1 "$work/piped")" '{"billhook_dump":1}'
check "and in no file" test ! -e "$work/-"
new_dir copy
serve
status "load where Billhook runs" 1 bh load "$work/dump"
like "is refused with the remedy" "$err" 'stop it first'
bh stop --quiet
status "a new store is replaced, but its key is another" 1 bh load "$work/dump"
like "which is told, with the remedy" "$err" "the dump is loaded, but $BILLHOOK_DIR/key does not open its secrets: put the key of"
is "dumped again it is the same" "$(facts | diff - "$work/facts" | head -5)" ""
status "a store with data in it takes no load" 1 bh load "$work/dump"
like "is told" "$err" 'the store is not empty'
rm -rf "$BILLHOOK_DIR"
mkdir -m 700 "$BILLHOOK_DIR"
status "a directory without a key takes none" 1 bh load "$work/dump"
cp "$work/data/key" "$BILLHOOK_DIR/key"
status "with the key it does" 0 bh load "$work/dump"
is "it is the same, too" "$(facts | diff - "$work/facts" | head -5)" ""
bh stop --quiet
rm -rf "$BILLHOOK_DIR/db" "$BILLHOOK_DIR/key"
bh init --quiet
cp "$work/data/key" "$BILLHOOK_DIR/key"
status "after init, with the old key" 0 bh load - <"$work/dump"
is "all is as it was" "$(facts | diff - "$work/facts" | head -5)" ""
serve
seen "it knows what is in step" "$in_step" "hubspot 20 0, salesforce 20 0, sandbox 18 0"
is "and goes on: an event that it knows is a duplicate" \
	"$(send stripe '{"customer":"cus_1","name":"Twice","event":"evt_twice"}' '{"customer":"cus_1","name":"Twice","event":"evt_twice"}' | tr '\n' ' ')" \
	'200 {"status":"accepted"} 200 {"status":"duplicate"} '
seen "one that it does not know is news" "sf('Account','stripe:cus_1').Name" "Twice"
is "an update, no second record" "$(crm see "sf('Account').length")" 7
bh stop --quiet
head -n 5 "$work/dump" >"$work/cut"
rm -rf "$BILLHOOK_DIR/db"
status "a dump that is cut short" 1 bh load "$work/cut"
like "is told" "$err" 'count|end|line 6|incomplete|short'
rm -rf "$BILLHOOK_DIR/db"
sed '3s/.*/{"k":"Ac/' "$work/dump" >"$work/broken"
status "a line that is broken" 1 bh load "$work/broken"
like "is named" "$err" 'line 3'
rm -rf "$BILLHOOK_DIR/db"
status "another file altogether" 1 bh load "$work/events"

# -- backup under load, restore --
export BILLHOOK_DIR=$work/data
serve
node "$flow/send.mjs" --many 600 --parallel 4 "$(hook stripe)" stripe '{"customer":"cus_load_%n","name":"Load"}' >"$work/sent" &
sending=$!
wait_for 10 bash -c "'$BILLHOOK' dump | grep -q cus_load_"
status "backup while events come in" 0 bh backup "$work/backup"
like "warns that it holds the key" "$out" 'holds the key'
wait $sending
is "all of them were accepted meanwhile" "$(cat "$work/sent")" "200=600"
is "the backup is ours alone" "$(stat -c '%a' "$work/backup" "$work/backup/key" | tr '\n' ' ')" "700 600 "
status "a second one in the same place" 1 bh backup "$work/backup"
like "is told what is wanted" "$err" "$work/backup is there already: a copy wants a new directory"
status "nor within the store" 1 bh backup "$BILLHOOK_DIR/db/copy"
like "is one made" "$err $(ls "$BILLHOOK_DIR/db")" 'lies in the store itself'
check "nothing is left of it" test ! -e "$BILLHOOK_DIR/db/copy"
status "restore while Billhook runs" 1 bh restore "$work/backup"
like "is refused with the pid's remedy" "$err" 'stop it first'
seen "the load is through" "status.backlog === 0 && lane('salesforce').in_step" 620
all=$(bh dump | grep -c cus_load_)
bh stop --quiet

# A new place first: what was acknowledged before the backup is in it.
export BILLHOOK_DIR=$work/restored
dirs+=("$BILLHOOK_DIR")
cp -r "$work/backup" "$work/keyless"
rm "$work/keyless/key"
status "a copy without a key, where there is none" 1 bh restore "$work/keyless"
like "wants one" "$err" "holds no key: put the one that it was made with at $BILLHOOK_DIR/key"
rm -r "$BILLHOOK_DIR"
status "restore into a new directory" 0 bh restore "$work/backup"
is "it speaks of no store before it" "$out" restored
is "with the key" "$(cat "$BILLHOOK_DIR/key")" "$(cat "$work/data/key")"
serve
seen "it opens, and works" "status.backlog" 0
some=$(bh dump | grep -o 'cus_load_[0-9]*' | sort -u | wc -l)
check "it holds a part of the load" test "$some" -gt 0 -a "$some" -le 600
is "and all from before it" "$(bh dump | grep -o 'stripe:in_[1-6]' | sort -u | wc -l)" 6
seen "what the backup knew as changed is pushed; the CRM holds each once" "status.lanes.every((l) => l.dirty === 0) && sf('Account').length" 607
bh stop --quiet

export BILLHOOK_DIR=$work/data
status "restore in place" 0 bh restore "$work/backup"
is "it says where the store before it is" "$out" "restored; the store that was there before is kept: $(echo "$BILLHOOK_DIR"/db.before-*)"
cp -r "$work/backup" "$work/logless"
rm "$work"/logless/db/log.*
status "a copy without its log" 1 bh restore "$work/logless"
like "is refused" "$err" 'the copy is not whole: db/log'
cp "$work/data/db/log.0000000001" "$work/logless/db" && : >"$work/logless/db/log.0000000001"
status "nor with another log" 1 bh restore "$work/logless"
is "and nothing is left of it" "$(cd "$BILLHOOK_DIR" && echo db*)" "$(cd "$BILLHOOK_DIR" && echo db db.before-*)"
check "the restored one holds less" test "$(bh dump | grep -c cus_load_)" -lt "$all"
# Billing systems send again what is missing; nothing is there twice.
serve
node "$flow/send.mjs" --many 600 --parallel 4 "$(hook stripe)" stripe '{"customer":"cus_load_%n","name":"Load"}' >"$work/sent"
is "what is sent again is accepted" "$(cat "$work/sent")" "200=600"
seen "and brings it level" "status.backlog === 0 && status.lanes.every((l) => l.dirty === 0) && lane('salesforce').in_step" 620
is "with each record once" "$(crm see "[sf('Account').length, new Set(sf('Account').map((a) => a.Billhook_Id__c)).size]")" "[607,607]"

# -- replay after a repair --
printf '{"object":"event","type":"customer.updated","created":1790000000,"livemode":true,"id":"evt_cut","data":{"object":{"id":"cus_cut","obj' >"$work/cut"
send stripe "@$work/cut" >/dev/null
seen "an event that cannot be read" 'dump.includes("evt_cut") && status.backlog' 0
is "is found by its state" "$(bh replay --state failed)" "1 events will be handled again"
is "and by its id" "$(bh replay evt_cut)" "1 events will be handled again"
status "a connection that it is not of" 1 bh replay evt_cut --connection lago
finish
