#!/usr/bin/env bash
# A store that version 1 wrote (tests/data/store: events of Stripe and Lago,
# pushed to a sandbox) is brought up: figures stand there, and are right.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

old=$BH_SRCDIR/tests/data/store/version-1
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
# right NAME: every figure is what it should be
right() {
	is "$1: two subscriptions, three seats at 10 and 120 a year" "$(figure stripe customer cus_1 mrr)" 4000
	is "$1: ARR" "$(figure stripe customer cus_1 arr)" 48000
	is "$1: one that does not pay" "$(figure stripe customer cus_2 payment_status)" past_due
	is "$1: what it owes" "$(figure stripe customer cus_2 open_balance)" 1000
	is "$1: nobody yet" "$(figure stripe customer cus_3 active_subscriptions)" 0
	is "$1: of another source" "$(figure lago customer lc_1 mrr)" 5000
	is "$1: the latest invoice" "$(figure lago customer lc_1 latest_invoice_number)" EX-li_1
	is "$1: its one movement that is known" "$(figure stripe customer cus_1 movement)" new
	status "$1: verify" 0 bh verify
	like "$1: finds no difference" "$out" '^4 customers looked at, 0 differences$'
	is "$1: the list of customers" "$(plain | grep -ac '^Cn')" 4
	is "$1: the format" "$(plain | grep -a '^Vs')" "Vs 3"
}

# -- loaded by this version --
empty loaded
is "the dump is of the first format" "$(grep -c '^{"k":"Vs","v":"1"}' "$old.dump")" 1
status "load" 0 bh load "$old.dump"
wait_for 10 figures_are_there || not_ok "figures are worked out" "$(plain | grep -a '^F' | cut -c1-100)"
right "loaded"
is "the CRM's records are as they were" "$(bh status --json | node -e 'const d = JSON.parse(require("fs").readFileSync(0, "utf8")); console.log(d.lanes[0].in_step, d.lanes[0].held)')" "3 0"
bh stop --quiet

# -- found in place: Billhook begins to serve a store of the first format --
if grep -q '^#define BH_FAULTS 1' "$BH_BUILDDIR/config.h"; then
	empty found
	BILLHOOK_FAULT=load-schema:die bh load "$old.dump" >"$work/killed" 2>&1
	# To look is to start Billhook, which may be faster than the look.
	like "killed before it is brought up" "$(plain | grep -a '^Vs')" '^Vs [123]$'
	bh stop --quiet
	serve
	wait_for 10 figures_are_there || not_ok "figures are worked out" "$(plain | grep -a '^F' | cut -c1-100)"
	right "found"
	like "the log says it" "$(log)" "format 1 is brought up to 2"
fi

# -- one of a format to come is left alone --
empty newer
sed 's/^{"k":"Vs","v":"1"}$/{"k":"Vs","v":"9"}/' "$old.dump" >"$work/newer.dump"
status "load of a newer format" 1 bh load "$work/newer.dump"
like "says what to do" "$err" 'format 9, this Billhook reads 3: install the newer Billhook again'
is "and works nothing out" "$(plain | grep -ac '^F')" 0
bh stop --quiet
finish
