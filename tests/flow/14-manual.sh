#!/usr/bin/env bash
# Every configuration, mapping, rule and setting that docs/ shows is taken by the real program.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
leave_root

new_dir data
examples=$work/examples
node "$BH_SRCDIR/tests/manual.mjs" "$BH_SRCDIR" --examples "$examples" >"$work/list" ||
	not_ok "the examples are read" "$(cat "$work/list")"
# Each secret that they name, with a value that every kind of source takes.
while read -r name; do
	export "${name#env:}=whsec_ZXhhbXBsZSBzZWNyZXQgb2YgdGhlIG1hbnVhbA=="
done < <(grep -oh 'env:[A-Z_]*' "$examples"/*.json | sort -u)
# Stripe's keys have a form of their own.
export STRIPE_KEY=rk_live_0123456789 SLACK_URL=https://hooks.example.com/T/B/x

while read -r file place; do
	run bh apply --dry-run "$examples/$file"
	if [[ $rc = 0 && $out = *"would be: "* ]]; then
		ok "$place is taken"
	else
		not_ok "$place is taken" "$out" "$err"
	fi
done <"$work/list"
is "there are many" "$(($(wc -l <"$work/list") >= 30))" 1
finish
