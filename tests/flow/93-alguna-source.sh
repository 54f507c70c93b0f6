#!/usr/bin/env bash
# Alguna as a source, whole: its key, what has to be done by hand there,
# reading everything under trouble, catching up with what it sends no event about.
# shellcheck disable=SC2016,SC2317 # JavaScript; called by check
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
leave_root

export FLOW_KEY=sk_test_sim FLOW_HOOK=whsec_BaDWeayEmV04ZatiBA/MQmkXUksNyKHh
billing_simulator alguna
behind_lighttpd data
option public_url "$url"

# alguna_with KEY
alguna_with() {
	FLOW_KEY=$1 connect "{\"fetch_per_s\": 1000, \"api_url\": \"$BILL_URL\", \"catchup_s\": 0}" '{"api_key": "env:FLOW_KEY", "webhook": "env:FLOW_HOOK"}'
}
change() {
	sim POST change "$1" >"$work/changed"
}
deliver() {
	sim POST deliver "{\"url\": \"$url/hook/alguna\", \"quiet\": true${1:-}}"
}
settled() {
	seen_slow "$1" 90 'status.backlog === 0 && source.lookups' 0
}

# -- whose key it is --
serve_web
alguna_with sk_test_wrong
status "a wrong key fails the test" 1 source_verb test
like "and the error says so" "$err" 'key'
said=$out$err
alguna_with "$FLOW_KEY"
status "the right one is tested" 0 source_verb test
like "of which mode it is" "$out" ', test'
unlike "no key in what it says" "$said$(source_verb --json)" 'sk_test_|whsec_'
unlike "nor in the log" "$(log)" 'sk_test_|whsec_'

# -- the webhook: by hand --
for verb in register endpoints unregister; do
	status "$verb cannot be done" 1 source_verb "$verb"
	like "the error says what to do" "$err" 'by hand'
done

# -- reading everything --
# Fewer customers: each invoice and each version is a call of its own here.
sim POST generate '{"customers": 400, "seed": 5}' >/dev/null
sim POST settings '{"latency_ms": 5}' >/dev/null
sim DELETE calls >/dev/null
status "backfill begins" 0 source_verb backfill
seen "it reads" "walk('backfill').read >= 100" true
read_one=$(crm see "walk('backfill').read")
seen "its progress grows" "walk('backfill').read > $read_one" true
status "pause" 0 source_verb pause
seen "it stands" "walk('backfill').state" paused
sim POST faults '{"faults": [
	{"match": {"path": "/subscriptions$"}, "skip": 1, "times": 2, "do": {"status": 429, "headers": {"Retry-After": "1"}}},
	{"match": {"path": "/invoices$"}, "skip": 1, "times": 1, "do": {"drop": "before"}},
	{"match": {"path": "/invoices$"}, "skip": 4, "times": 1, "do": {"status": 502}},
	{"match": {"path": "/invoices/"}, "skip": 9, "times": 3, "do": {"status": 500}}]}' >/dev/null
status "resume" 0 source_verb resume
seen "it goes on" "walk('backfill').state === 'running' && walk('backfill').phase !== 'customers'" true
node -e '
	const { rows } = JSON.parse(require("fs").readFileSync(0));
	const active = rows.filter(({ status }) => status === "active").slice(0, 60);
	console.log(JSON.stringify({ changes: active.map(({ id }, n) => (n % 2 ? { do: "subscription.cancel", id, reason: "too_expensive", description: "" } : { do: "subscription.update", id, set: { name: `Renamed ${n}` } })) }));' >"$work/changes" < <(sim GET 'state/subscriptions?limit=400')
change "$(cat "$work/changes")"
like "webhooks are accepted meanwhile" "$(deliver ', "shuffle": 7, "duplicate": 0.3, "concurrency": 4')" '"lost":0'
is "it still runs" "$(crm see "walk('backfill').state")" running
mapfile -t killed < <(workers)
kill_all
check "every process dies" wait_for 5 are_gone "${killed[@]}"
wake_web
seen_slow "what waited goes on by itself" 90 "walk('backfill').state" "done"
settled "all is handled and looked up"
crm delete bill faults >/dev/null
same_as_simulator "the mirror is what Alguna holds"
status "verify" 0 bh verify
like "finds no difference" "$out" '^400 customers looked at, 0 differences$'
peak=$(worker_peak)
check "workers stay small (${peak} kB)" test "$peak" -lt 61440

# -- catching up: Alguna tells nothing of these --
sim POST settings '{"latency_ms": 0}' >/dev/null
status "a first catch-up" 0 source_verb catchup --wait
settled "its look-ups end"
stop_web
node -e '
	const { rows } = JSON.parse(require("fs").readFileSync(0));
	const late = rows.find(({ status }) => status === "issued") ?? rows.find(({ status }) => status === "draft");
	require("fs").writeFileSync(process.argv[1], late.id);
	const changes = late.status === "draft" ? [{ do: "invoice.issue", id: late.id }] : [];
	changes.push({ do: "invoice.overdue", id: late.id }, { do: "customer.update", id: "cust_M000000007", set: { name: "Renamed in silence" } });
	console.log(JSON.stringify({ changes }));' "$work/ids" >"$work/changes" < <(sim GET 'state/invoices?limit=5000')
read -r late <"$work/ids"
change "$(cat "$work/changes")"
serve_web
status "catch-up" 0 source_verb catchup --wait
settled "its look-ups end, too"
all_seen "an overdue invoice is known" "mirror('invoice', '$late').source_status" overdue \
	"a renamed customer" "mirror('customer', 'cust_M000000007').name" "Renamed in silence"
same_as_simulator "the mirror is equal again"
status "catch-up again" 0 source_verb catchup --wait
like "finds nothing new" "$out" '^catchup .* 0 changed$'
settled "nothing waits"
status "verify again" 0 bh verify
is "nothing to complain in the log" "$(log | grep '^[^ ]* error ')" ""
finish
