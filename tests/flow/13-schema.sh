#!/usr/bin/env bash
# The JSON Schema of the configuration: valid, the same to ours and to ajv,
# and what apply says of a document goes by it, all faults at once.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
need "${BH_NODE_MODULES:=$BH_BUILDDIR/npm/node_modules}/ajv" "(npm) ajv"
export BH_NODE_MODULES

simulators
new_dir data
bh export --schema >"$work/configuration.schema.json"
document >"$work/set-up.json"
bh apply --quiet "$work/set-up.json"
bh export >"$work/exported.json"
adopt node "$flow/schema.mjs" "$work/configuration.schema.json" "$work/set-up.json" "$work/exported.json"

# -- all at once, and nothing is done --
before=$(bh export)
sed -e 's/"driver": "lago"/"driver": "largo"/' -e 's/"mode": "live"/"mode": "alive"/' -e 's/"preset": "lago-hubspot"/"preset": "none"/' "$work/set-up.json" >"$work/bad.json"
status "three faults" 1 "$BILLHOOK" apply --yes "$work/bad.json"
is "are three lines" "$(cut -d: -f1-2 <<<"$err" | sort)" "billhook: /connections/0/settings/mode
billhook: /connections/1/driver
billhook: /syncs/3/preset"
like "with reasons" "$err" 'mode: must be one of: live, test'
like "and what became of it" "$err" 'nothing was changed$'
is "which is true" "$(bh export)" "$before"
finish
