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

# -- what stands in mappings, and secrets that are not there --
cat >"$work/bad.json" <<'END'
{ "billhook": 1,
  "connections": [
    { "code": "stripe", "driver": "stripe", "secrets": {"webhook": "env:FLOW_NO_1", "api_key": ["env:FLOW_STRIPE_SECRET", "env:FLOW_NO_2"]} },
    { "code": "crm", "driver": "hubspot", "settings": {"flow": "token"}, "secrets": {"access_token": "file:/nonexist"} } ],
  "syncs": [ { "code": "s", "from": "stripe", "to": "crm", "mapping": { "objects": [
    { "name": "account", "from": "customer", "to": "Account", "key": "K", "fields": [
      {"to": "Name", "from": "name"}, {"to": "Website", "from": "wesbite"}, {"to": "Phone", "from": "{phone"} ] } ] } } ] }
END
status "faults of all kinds" 1 "$BILLHOOK" apply --yes "$work/bad.json"
is "are a line each, with the deepest place" "$err" "billhook: /syncs/0/mapping/objects/0/fields/1: account: Website: customer has no field 'wesbite'
billhook: /syncs/0/mapping/objects/0/fields/2: account: Phone: a brace is not closed
billhook: /connections/0/secrets/webhook: the environment has no FLOW_NO_1
billhook: /connections/0/secrets/api_key/1: the environment has no FLOW_NO_2
billhook: /connections/1/secrets/access_token: cannot open /nonexist: No such file or directory; nothing was changed"
printf '{ "billhook": 1, "connections": [\n  {"code": "crm", "driver": "sandbox", "settings": {"a": 1}, "settings": {}} ] }\n' >"$work/twice.json"
status "a member that stands twice" 1 "$BILLHOOK" apply --yes "$work/twice.json"
like "is told, with its line" "$err" 'twice.json: at line 2, column [0-9]+ a member stands a second time in its object$'
status "also on standard input" 1 bh apply - <"$work/twice.json"
is "nothing of it was done" "$(bh export)" "$before"
finish
