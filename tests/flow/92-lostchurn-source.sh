#!/usr/bin/env bash
# LostChurn as a source, whole: its key, what has to be done by hand there,
# reading everything under trouble, catching up with what no event told.
# shellcheck disable=SC2016,SC2317 # JavaScript; called by check
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
leave_root

export FLOW_KEY=lc_test_sim FLOW_HOOK=lc_whsec_test_7f3c1a9e5b2d48c6a0e1f4b8
billing_simulator lostchurn '{"read_limit": 0}'
behind_lighttpd data
option public_url "$url"

# lostchurn_with KEY
lostchurn_with() {
	FLOW_KEY=$1 connect "{\"fetch_per_s\": 1000, \"api_url\": \"$BILL_URL/v1\"}" '{"api_key": "env:FLOW_KEY", "webhook": "env:FLOW_HOOK"}'
}
change() {
	sim POST change "$1" >"$work/changed"
}
deliver() {
	sim POST deliver "{\"url\": \"$url/hook/lostchurn\", \"quiet\": true${1:-}}"
}

# -- whose key it is --
serve_web
lostchurn_with lc_test_wrong
status "a wrong key fails the test" 1 source_verb test
like "and the error says so" "$err" 'key'
said=$out$err
lostchurn_with lc_test_writeonly
run source_verb test
like "what a key may not is named" "$out$err" 'read|scope'
said+=$out$err
lostchurn_with "$FLOW_KEY"
status "the right one is tested" 0 source_verb test
like "whose it is" "$out" '^Nordlicht Software merch_7Kd0pQ, test'
unlike "no key in what it says" "$said$(source_verb --json)" 'lc_test_(wrong|sim|writeonly)|lc_whsec'
unlike "nor in the log" "$(log)" 'lc_test_(wrong|sim|writeonly)|lc_whsec'

# -- the webhook: by hand --
for verb in register endpoints unregister; do
	status "$verb cannot be done" 1 source_verb "$verb"
	like "the error says what to do" "$err" 'by hand'
done
change '{"do": "recovery.start", "customer": {"email": "first@example.com", "name": "First GmbH"}, "payment": {"amount": 4900, "currency": "eur"}}'
like "what LostChurn sends is accepted" "$(deliver)" '"lost":0'
first=$(node -p 'JSON.parse(require("fs").readFileSync(process.argv[1])).result.id' "$work/changed")
seen "and handled" "mirror('recovery', '$first').amount" 4900
is "signed with another secret it is refused" "$(deliver ', "again": true, "attempts": 1, "secret": "lc_whsec_another"' | grep -o '"accepted":[0-9]*')" '"accepted":0'

# -- reading everything --
sim POST generate '{"customers": 2000, "seed": 5}' >/dev/null
sim POST settings '{"latency_ms": 20}' >/dev/null
sim DELETE calls >/dev/null
status "backfill begins" 0 source_verb backfill
seen "it reads" "walk('backfill').read >= 200" true
read_one=$(crm see "walk('backfill').read")
seen "its progress grows" "walk('backfill').read > $read_one" true
status "pause" 0 source_verb pause
seen "it stands" "walk('backfill').state" paused
check "nothing is read any more" asks_no_more
sim POST faults '{"faults": [
	{"match": {"path": "/v1/payments$"}, "skip": 2, "times": 2, "do": {"status": 429, "headers": {"Retry-After": "1"}}},
	{"match": {"path": "/v1/payments$"}, "skip": 6, "times": 1, "do": {"drop": "before"}},
	{"match": {"path": "/v1/payments$"}, "skip": 9, "times": 1, "do": {"status": 502}}]}' >/dev/null
status "resume" 0 source_verb resume
seen "it goes on" "walk('backfill').state === 'running'" true
node -e '
	const { rows } = JSON.parse(require("fs").readFileSync(0));
	const open = rows.filter(({ status }) => ["pending", "retrying"].includes(status)).slice(0, 120);
	console.log(JSON.stringify({ changes: open.map(({ id, amount }, n) => (n % 2 ? { do: "recovery.succeed", id, recovered_amount: amount, method: "retry" } : { do: "recovery.fail", id, reason: "expired_card" })) }));' >"$work/changes" < <(sim GET 'state/payments?limit=900')
change "$(cat "$work/changes")"
like "webhooks are accepted meanwhile" "$(deliver ', "shuffle": 7, "duplicate": 0.3, "concurrency": 4')" '"lost":0'
is "it still runs" "$(crm see "walk('backfill').state")" running
mapfile -t killed < <(workers)
kill_all
check "every process dies" wait_for 5 are_gone "${killed[@]}"
crm delete bill faults >/dev/null
wake_web
seen_slow "what waited goes on by itself" 60 "walk('backfill').state" "done"
check "hardly any page was read again" test "$(node "$flow/billing.mjs" reread | grep -c ' times ')" -le 4
seen "all events are handled" 'status.backlog === 0 && source.lookups' 0
same_as_simulator "the mirror is what LostChurn holds"
status "verify" 0 bh verify
like "finds no difference" "$out" ' customers looked at, 0 differences$'
peak=$(worker_peak)
check "workers stay small (${peak} kB)" test "$peak" -lt 61440

# -- catching up: recoveries that ended, and nobody heard --
sim POST settings '{"latency_ms": 0}' >/dev/null
status "a first catch-up" 0 source_verb catchup --wait
seen_slow "its look-ups end" 60 source.lookups 0
stop_web
node -e '
	const { rows } = JSON.parse(require("fs").readFileSync(0));
	const [won, lost] = rows.filter(({ id, status }) => id !== process.argv[2] && ["pending", "retrying", "communication_pending"].includes(status)).slice(-2);
	const first = rows.find(({ id }) => id === process.argv[2]);
	require("fs").writeFileSync(process.argv[1], `${won.id} ${lost.id}`);
	console.log(JSON.stringify({ changes: [{ do: "recovery.succeed", id: first.id, recovered_amount: first.amount, method: "retry" }, { do: "recovery.succeed", id: won.id, recovered_amount: won.amount, method: "retry" }, { do: "recovery.fail", id: lost.id, reason: "stolen_card" }] }));' "$work/ids" "$first" >"$work/changes" < <(sim GET 'state/payments?limit=5000')
read -r won lost <"$work/ids"
change "$(cat "$work/changes")"
serve_web
status "catch-up" 0 source_verb catchup --wait
seen_slow "its look-ups end, too" 60 'status.backlog === 0 && source.lookups' 0
all_seen "a recovery that was won" "mirror('recovery', '$won').stage" won \
	"one that was known by an event first" "mirror('recovery', '$first').stage" won \
	"one that was lost" "mirror('recovery', '$lost').stage" lost
same_as_simulator "the mirror is equal again"
status "catch-up again" 0 source_verb catchup --wait
like "finds nothing new" "$out" '^catchup .* 0 changed$'
status "verify again" 0 bh verify
is "nothing to complain in the log" "$(log | grep '^[^ ]* error ')" ""
finish
