#!/usr/bin/env bash
# All flows, from basic to complex: the first failure tells most.
#
#   tests/flow/run.sh             all of them
#   tests/flow/run.sh 30 50       those whose names begin so
#
# BH_BUILDDIR says where the program was built (default: build in the source
# tree); FLOW_JOBS how many run at a time, FLOW_LIMIT_S how long each may take.
# Ends with "N passed, N failed".
set -u
cd "$(dirname "$0")" || exit 1
jobs=${FLOW_JOBS:-$(nproc)}
passed=0
failed=0
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

is_wanted() {
	local script=$1 start
	shift
	[ $# -gt 0 ] || return 0
	for start in "$@"; do
		[[ $script != "$start"* ]] || return 0
	done
	return 1
}

# Output to $results/SCRIPT.out, status and seconds to SCRIPT.end.
run_one() {
	local began=$SECONDS status=0
	timeout -k 20 "${FLOW_LIMIT_S:-300}" bash "$1" >"$results/$1.out" 2>&1 || status=$?
	echo "$status $((SECONDS - began))" >"$results/$1.end"
}

wanted=()
for script in [0-9]*.sh; do
	if is_wanted "$script" "$@"; then
		wanted+=("$script")
	fi
done
for script in "${wanted[@]}"; do
	while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
		wait -n
	done
	run_one "$script" &
done
wait
for script in "${wanted[@]}"; do
	output=$results/$script.out
	read -r status seconds <"$results/$script.end"
	good=$(grep -c '^ok - ' "$output")
	bad=$(grep -c '^not ok - ' "$output")
	if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
		echo "not ok - $script ends with status $status" >>"$output"
		bad=1
	fi
	grep -v '^ok - ' "$output"
	printf '%-20s %3d ok, %d not ok, %d s\n' "$script" "$good" "$bad" "$seconds"
	passed=$((passed + good))
	failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
