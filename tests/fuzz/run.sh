#!/bin/sh
# Every fuzz target that was built: its corpus, and mutations of it for about
# two seconds.  BH_FUZZ_SECONDS and BH_FUZZ_SEED make it more, or other ones.
set -eu

top=${BH_SRCDIR:-$(dirname "$0")/../..}
build=${BH_BUILDDIR:-$top}
seconds=${BH_FUZZ_SECONDS:-2}
seed=${BH_FUZZ_SEED:-1}
failed=0
ran=0

for corpus in "$top"/tests/fuzz/corpus/*/; do
	name=$(basename "$corpus")
	target=$build/fuzz-$name
	[ -x "$target" ] || continue
	ran=$((ran + 1))
	if grep -q 'a mutation of %s' "$target"; then
		"$target" --mutate 1000000 --seed "$seed" --seconds "$seconds" "$corpus" || failed=1
	else
		# built with --enable-fuzzers: new inputs go to a copy of the corpus
		work=$(mktemp -d)
		cp "$corpus"/* "$work"
		"$target" -max_total_time="$seconds" -seed="$seed" -verbosity=0 "$work" || failed=1
		rm -rf "$work"
	fi
done
if [ "$ran" -eq 0 ]; then
	echo "no fuzz target was built"
	exit 1
fi
exit "$failed"
