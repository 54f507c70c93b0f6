#!/usr/bin/env bash
# Lago as a source, whole: its key, its webhook, reading everything under
# trouble, and catching up with what Lago sends no event about.
# shellcheck disable=SC2016,SC2317 # JavaScript; called by check
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
leave_root

export FLOW_KEY=lago-sim-key FLOW_HOOK=5d2f6a0e-8c1b-4f7e-9a53-0b7c6e1d2f48
billing_simulator lago '{"rate_limit": 0}'
behind_lighttpd data
option public_url "$url"

# lago_with KEY
lago_with() {
	FLOW_KEY=$1 connect "{\"fetch_per_s\": 1000, \"api_url\": \"$BILL_URL\"}" '{"api_key": "env:FLOW_KEY", "webhook": "env:FLOW_HOOK"}'
}
change() {
	sim POST change "$1" >"$work/changed"
}

# -- whose key it is --
serve_web
lago_with lago-wrong-key
status "a wrong key fails the test" 1 source_verb test
like "and the error says so" "$err" '[kK]ey'
said=$out$err
lago_with "$FLOW_KEY"
status "the right one is tested" 0 source_verb test
like "whose it is" "$out" '^Northwind Metering f74aacd0-1ea4-4e17-bf59-f7f0c21fa6a5'
sim POST settings '{"denied": ["read:payment"]}' >/dev/null
run source_verb test
like "what it may not read is named" "$out$err" 'payment'
said+=$out$err
sim POST settings '{"denied": []}' >/dev/null
unlike "no key in what it says" "$said$(source_verb --json)" 'lago-(wrong|sim)-key|5d2f6a0e-8c1b'
unlike "nor in the log" "$(log)" 'lago-(wrong|sim)-key|5d2f6a0e-8c1b'

# -- the webhook --
status "register makes the webhook" 0 source_verb register
sim GET state/webhook_endpoints >"$work/endpoints"
like "at our address" "$(cat "$work/endpoints")" "\"webhook_url\":\"$url/hook/lago\""
like "signed by HMAC" "$(cat "$work/endpoints")" '"signature_algo":"hmac"'
status "endpoints lists it" 0 source_verb endpoints
like "as ours, without a problem" "$out" "^\* [^ ]+ $url/hook/lago: *\$"
status "registered again" 0 source_verb register
like "it is the same one" "$(sim GET state/webhook_endpoints)" '^\{"count":1,'
change '{"do": "customer.upsert", "customer": {"external_id": "first", "name": "First GmbH", "email": "first@example.com", "currency": "EUR"}}'
like "what the simulator sends there is accepted" "$(sim POST deliver '{}')" '"accepted":1,"lost":0'
first=$(node -p 'JSON.parse(require("fs").readFileSync(process.argv[1])).result.lago_id' "$work/changed")
seen "and handled" "mirror('customer', '$first').name" "First GmbH"
status "unregister" 0 source_verb unregister
like "removes it" "$(sim GET state/webhook_endpoints)" '^\{"count":0,'
status "register once more" 0 source_verb register

# -- reading everything --
sim POST generate '{"customers": 2000, "seed": 5}' >/dev/null
sim POST settings '{"latency_ms": 20}' >/dev/null
sim DELETE calls >/dev/null
status "backfill begins" 0 source_verb backfill
seen "it reads, and tells how much there is" "walk('backfill').read >= 300 && walk('backfill').phase_total > 100" true
read_one=$(crm see "walk('backfill').read")
seen "its progress grows" "walk('backfill').read > $read_one" true
status "pause" 0 source_verb pause
seen "it stands" "walk('backfill').state" paused
check "nothing is read any more" asks_no_more
sim POST faults '{"faults": [
	{"match": {"path": "/api/v1/subscriptions"}, "skip": 2, "times": 2, "do": {"status": 429, "headers": {"x-ratelimit-reset": "1"}}},
	{"match": {"path": "/api/v1/invoices"}, "skip": 3, "times": 1, "do": {"drop": "before"}},
	{"match": {"path": "/api/v1/invoices"}, "skip": 9, "times": 1, "do": {"status": 502}},
	{"match": {"path": "/api/v1/invoices"}, "skip": 15, "times": 1, "do": {"drop": "after"}}]}' >/dev/null
status "resume" 0 source_verb resume
seen "it goes on" "walk('backfill').state === 'running'" true
node -e '
	const { rows } = JSON.parse(require("fs").readFileSync(0));
	const changes = rows.filter(({ external_id: id }) => id !== "first").slice(0, 200).map(({ external_id: id }, n) => ({ do: "customer.upsert", customer: { external_id: id, name: `Renamed ${n}`, firstname: null, lastname: null } }));
	console.log(JSON.stringify({ changes }));' >"$work/changes" < <(sim GET 'state/customers?limit=400')
change "$(cat "$work/changes")"
like "webhooks are accepted meanwhile" "$(sim POST deliver '{"shuffle": 7, "duplicate": 0.3, "concurrency": 4, "quiet": true}')" '"lost":0'
is "it still runs" "$(crm see "walk('backfill').state")" running
mapfile -t killed < <(workers)
kill_all
check "every process dies" wait_for 5 are_gone "${killed[@]}"
crm delete bill faults >/dev/null
wake_web
seen_slow "what waited goes on by itself" 60 "walk('backfill').state" "done"
is "no page was read again but where something broke" "$(node "$flow/billing.mjs" reread 2)" none
check "and hardly any twice" test "$(node "$flow/billing.mjs" reread | grep -c ' times ')" -le 4
seen "all events are handled" 'status.backlog === 0 && source.lookups' 0
same_as_simulator "the mirror is what Lago holds"
status "verify" 0 bh verify
like "finds no difference" "$out" '^2001 customers looked at, 0 differences$'
peak=$(worker_peak)
check "workers stay small (${peak} kB)" test "$peak" -lt 61440

# -- catching up: Lago tells nothing of these --
sim POST settings '{"latency_ms": 0}' >/dev/null
status "a first catch-up" 0 source_verb catchup --wait
stop_web
sim GET 'state/invoices?limit=3000' >"$work/invoices"
node -e '
	const { rows } = JSON.parse(require("fs").readFileSync(process.argv[1]));
	const open = rows.filter((row) => row.status === "finalized" && row.payment_status !== "succeeded" && row.total_due_amount_cents > 1000 && row.currency !== "HUF");
	const [part, whole, ...rest] = open;
	const late = rest.find((row) => !row.payment_overdue);
	const other = rest.find((row) => row !== late && row.customer.lago_id !== late.customer.lago_id);
	const changes = [
		{ do: "invoice.pay", lago_id: part.lago_id, amount_cents: 500, type: "manual", reference: "by hand" },
		{ do: "invoice.pay", lago_id: whole.lago_id, amount_cents: whole.total_due_amount_cents, type: "manual", reference: "bank" },
		{ do: "invoice.overdue", lago_id: late.lago_id },
		{ do: "invoice.metadata", lago_id: other.lago_id, metadata: [{ key: "note", value: "seen" }] },
	];
	console.log(JSON.stringify({ changes }));
	require("fs").writeFileSync(process.argv[2], [part, whole, late].map(({ lago_id: id }) => id).join(" "));' "$work/invoices" "$work/ids" >"$work/changes"
read -r part whole late <"$work/ids"
change "$(cat "$work/changes")"
change '{"do": "customer.delete", "external_id": "first"}'
# Nothing is delivered: whatever Lago would have sent is missed, too.
serve_web
status "catch-up" 0 source_verb catchup --wait
seen "all is handled" 'status.backlog === 0 && source.lookups === 0' true
all_seen "a part that was paid by hand is known" "mirror('invoice', '$part').amount_paid" 500 \
	"an invoice that was paid by hand" "mirror('invoice', '$whole').status" paid \
	"one that is overdue" "mirror('invoice', '$late').overdue" true
same_as_simulator "the mirror is equal again, without the customer that was deleted"
status "catch-up again" 0 source_verb catchup --wait
like "finds nothing new" "$out" '^catchup .* 0 changed$'
status "verify again" 0 bh verify
is "nothing to complain in the log" "$(log | grep '^[^ ]* error ')" ""

# -- a Lago that limits calls --
seen "no look-up waits" source.lookups 0
sim POST settings '{"rate_limit": 20, "rate_window_ms": 1000}' >/dev/null
sim DELETE calls >/dev/null
status "a backfill once more" 0 source_verb backfill
seen "keeps to the limit" "walk('backfill').read >= 800" true
check "with hardly a refusal" test "$(crm see 'billCalls.filter((c) => c.status === 429).length')" -le 3
source_verb pause
finish
