#!/bin/sh
# docs/, README.md and the manual pages against the program: see manual.mjs.
set -eu

top=$(cd "${BH_SRCDIR:-$(dirname "$0")/..}" && pwd)
if ! command -v node >/dev/null; then
	echo "manual.sh: node is not installed: the manual is not compared"
	exit 77
fi
exec node "$top/tests/manual.mjs" "$top" "${BH_BUILDDIR:-$top}/billhook"
