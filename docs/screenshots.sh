#!/bin/sh
# Make the pictures of docs/screenshots anew: they are those that the browser
# tests take. Run ./check first, which builds the program and fetches what the
# tests need.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
shots=$(mktemp -d)
trap 'rm -rf "$shots"' EXIT
chmod 777 "$shots" # the tests are not root
for flow in 81-home-revenue 84-problems 86-crm-pages 87-preview 89-first-run; do
	FLOW_SHOTS=$shots BH_SRCDIR=$top BH_BUILDDIR=$top/build bash "$top/tests/flow/$flow.sh"
done
while read -r picture name; do
	cp "$shots/$picture-1280-light.png" "$top/docs/screenshots/$name.png"
done <<END
setup-begun setup
home home
problems problems
new-salesforce connect-salesforce
preview-record preview
revenue revenue
automations automations
END
