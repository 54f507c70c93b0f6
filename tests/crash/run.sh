#!/bin/sh
# Every fault point of the program, with everything that can happen there; see
# points.mjs and pull.mjs.  Needs a program built with --enable-faults in build/
# (or in BH_BUILDDIR), node, lighttpd, flock.
set -u
cd "$(dirname "$0")/../.." || exit 1

passed=0
failed=0
for test in points pull; do
	out=$(node tests/crash/$test.mjs 2>&1)
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
