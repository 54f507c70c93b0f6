#!/usr/bin/env bash
# Stores that earlier formats wrote (tests/data/store: events of Stripe and
# Lago, pushed to a sandbox) are brought up: figures, lists and counts stand
# there, and are right.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# The dump as entries: family key value, a line each.
plain() {
	bh dump | node -e 'for (const line of require("fs").readFileSync(0, "utf8").split("\n")) {
		const one = line === "" ? {} : JSON.parse(line), at = (name) => Buffer.from(one[name + "64"] ?? one[name] ?? "", one[name + "64"] === undefined ? "utf8" : "base64");
		if (one.k !== undefined || one.k64 !== undefined) process.stdout.write(Buffer.concat([at("k"), Buffer.from(" "), at("v")]).toString("latin1").replace(/[\x00-\x1f]/g, " ") + "\n");
	}'
}
# figure CONNECTION KIND ID FIELD: what was worked out
figure() {
	plain | grep -a "^Fd$1 $2  $3 " | head -n 1 | sed 's/^[^{]*//' |
		node -e 'const d = require("fs").readFileSync(0, "utf8"); console.log(d === "" ? "nothing" : String(JSON.parse(d)[process.argv[1]]))' "$4"
}
# shellcheck disable=SC2317 # called by wait_for
figures_are_there() {
	[ "$(plain | grep -ac '^Fq')" = 0 ] && [ "$(plain | grep -ac '^Fd')" -ge 8 ]
}
# empty NAME: a data directory without a store, with the key that the dump's secrets are sealed under
empty() {
	new_dir "$1"
	bh stop --quiet
	rm -rf "$BILLHOOK_DIR/db"
	cp "$old.key" "$BILLHOOK_DIR/key"
}
# What each format's store has of them, what verify looks at, and where a record stands.
customers=([1]=4 [2]=8)
records=([1]="crm 3 0" [2]="crm 16 0, salesforce 8 4")
# right NAME FORMAT: every figure, list and count is what it should be
right() {
	is "$1: two subscriptions, three seats at 10 and 120 a year" "$(figure stripe customer cus_1 mrr)" 4000
	is "$1: ARR" "$(figure stripe customer cus_1 arr)" 48000
	is "$1: one that does not pay" "$(figure stripe customer cus_2 payment_status)" past_due
	is "$1: what it owes" "$(figure stripe customer cus_2 open_balance)" 1000
	is "$1: nobody yet" "$(figure stripe customer cus_3 active_subscriptions)" 0
	is "$1: of another source" "$(figure lago customer lc_1 mrr)" 5000
	is "$1: the latest invoice" "$(figure lago customer lc_1 latest_invoice_number)" EX-li_1
	is "$1: the movement that is known" "$(figure stripe customer cus_1 movement)" new
	status "$1: verify" 0 bh verify
	like "$1: finds no difference" "$out" "^${customers[$2]} customers looked at, 0 differences\$"
	is "$1: the list of customers" "$(plain | grep -ac '^Cn')" "${customers[$2]}"
	is "$1: lists and counts" "$(bh dump | node "$flow/recount.mjs")" "as a recount"
	is "$1: the CRM's records are as they were" \
		"$(bh status --json | node -e 'const d = JSON.parse(require("fs").readFileSync(0, "utf8")); console.log(d.lanes.map((l) => [l.code, l.in_step, l.held].join(" ")).sort().join(", "))')" "${records[$2]}"
	is "$1: the format" "$(plain | grep -a '^Vs')" "Vs $now"
}
now=$(sed -n 's/^#define SCHEMA_VERSION //p' "$BH_SRCDIR/src/state/schema.h")
is "there is a store of each earlier format" "$(cd "$BH_SRCDIR/tests/data/store" && echo version-*.dump)" \
	"$(seq -f 'version-%g.dump' -s ' ' $((now - 1)))"

for format in $(seq $((now - 1))); do
	old=$BH_SRCDIR/tests/data/store/version-$format

	# -- loaded by this version --
	empty "loaded-$format"
	is "the dump is of format $format" "$(grep -c "^{\"k\":\"Vs\",\"v\":\"$format\"}" "$old.dump")" 1
	status "load" 0 bh load "$old.dump"
	wait_for 10 figures_are_there || not_ok "figures are worked out" "$(plain | grep -a '^F' | cut -c1-100)"
	right "$format, loaded" "$format"
	if [ "$format" = 2 ]; then
		is "2, loaded: what holds records, each with its number" "$(plain | grep -a '^Lg' | sed 's/^Lgsalesforce \([A-Z_]*\) .*"n":\([0-9]*\).*/\1 \2/' | tr '\n' ' ')" \
			"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY 1 FIELD_CUSTOM_VALIDATION_EXCEPTION 2 STRING_TOO_LONG 1 "
		is "2, loaded: events that failed" "$(plain | grep -ac '^Jf')" 2
		is "2, loaded: what a paused lane waits for, waits" "$(plain | grep -ac '^Lysalesforce')" 14
	fi
	bh stop --quiet

	# -- found in place: Billhook begins to serve a store of that format --
	if grep -q '^#define BH_FAULTS 1' "$BH_BUILDDIR/config.h"; then
		empty "found-$format"
		BILLHOOK_FAULT=load-schema:die bh load "$old.dump" >"$work/killed" 2>&1
		# To look is to start Billhook, which may be faster than the look.
		like "killed before it is brought up" "$(plain | grep -a '^Vs')" "^Vs [$format-$now]\$"
		bh stop --quiet
		serve
		wait_for 10 figures_are_there || not_ok "figures are worked out" "$(plain | grep -a '^F' | cut -c1-100)"
		right "$format, found" "$format"
		like "the log says it" "$(log)" "format $format is brought up to $((format + 1))"
		bh stop --quiet
	fi
done
finish
