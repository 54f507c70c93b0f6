#!/bin/sh
# Every fault point of the program, with everything that can happen there; see
# points.mjs.  Needs a program built with --enable-faults in build/ (or in
# BH_BUILDDIR), node, lighttpd, flock.
cd "$(dirname "$0")/../.." || exit 1
node tests/crash/pull.mjs || exit 1
exec node tests/crash/points.mjs
