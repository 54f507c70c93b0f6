#!/bin/sh
# Load on the real program behind lighttpd, with both CRM simulators: the newest
# state of every object arrives, in few calls, and also while processes are
# killed.  Needs the program in build/ (or in BH_BUILDDIR), node, lighttpd.
set -u
cd "$(dirname "$0")/../.." || exit 1

passed=0
failed=0
for test in "consistency.mjs" "kill.mjs --kills 30" "kill.mjs --kills 30 --rate 2500 --seed 9"; do
	echo "== $test"
	# shellcheck disable=SC2086 # words are meant to be split
	out=$(node tests/load/$test 2>&1)
	status=$?
	echo "$out" | grep -v '^[0-9]* passed, [0-9]* failed$'
	p=$(echo "$out" | sed -n 's/^\([0-9]*\) passed, [0-9]* failed$/\1/p')
	f=$(echo "$out" | sed -n 's/^[0-9]* passed, \([0-9]*\) failed$/\1/p')
	# A script that came to no result has failed.
	[ "$status" = 0 ] || [ "${f:-0}" != 0 ] || f=1
	passed=$((passed + ${p:-0}))
	failed=$((failed + ${f:-0}))
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
