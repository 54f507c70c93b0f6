#!/usr/bin/env bash
# All flows, from basic to complex: the first failure tells most.
#
#   tests/flow/run.sh             all of them
#   tests/flow/run.sh 30 50       those whose names begin so
#
# BH_BUILDDIR says where the program was built (default: build in the source
# tree).  Ends with "N passed, N failed".
set -u
cd "$(dirname "$0")" || exit 1
passed=0
failed=0
limit_s=${FLOW_LIMIT_S:-180}
output=$(mktemp)
trap 'rm -f "$output"' EXIT

is_wanted() {
	local script=$1
	shift
	[ $# -gt 0 ] || return 0
	for start in "$@"; do
		[[ $script != "$start"* ]] || return 0
	done
	return 1
}

for script in [0-9]*.sh; do
	is_wanted "$script" "$@" || continue
	began=$SECONDS
	timeout -k 20 "$limit_s" bash "$script" >"$output" 2>&1
	status=$?
	good=$(grep -c '^ok - ' "$output")
	bad=$(grep -c '^not ok - ' "$output")
	if [ $status -ne 0 ] && [ "$bad" -eq 0 ]; then
		echo "not ok - $script ends with status $status" >>"$output"
		bad=1
	fi
	if [ "$bad" -ne 0 ]; then
		grep -v '^ok - ' "$output"
	fi
	printf '%-20s %3d ok, %d not ok, %d s\n' "$script" "$good" "$bad" $((SECONDS - began))
	passed=$((passed + good))
	failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
