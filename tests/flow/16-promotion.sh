#!/usr/bin/env bash
# What was tried between a test mode and a sandbox is taken to the live
# installation as a file: connections stay each its own, the rest is the same.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# connections MODE URL: of one installation
connections() {
	cat <<-END
	{ "billhook": 1, "connections": [
	    { "code": "stripe", "driver": "stripe", "name": "Stripe ($1)", "settings": {"mode": "$1"},
	      "secrets": {"webhook": "env:HOOK_OF_$1", "api_key": "env:KEY_OF_$1"} },
	    { "code": "crm", "driver": "salesforce", "name": "Salesforce ($1)",
	      "settings": {"flow": "client_credentials", "login_url": "$2", "client_id": "sim-client"}, "secrets": {"client_secret": "env:FLOW_SF_SECRET"} } ],
	  "alerts": { "targets": [ { "code": "team", "kind": "slack", "secrets": {"url": "env:TEAM_OF_$1"} } ] } }
	END
}
export HOOK_OF_test=whsec_test_0123456789 HOOK_OF_live=$FLOW_STRIPE_SECRET KEY_OF_test=rk_test_sim KEY_OF_live=rk_live_sim
export TEAM_OF_test=https://hooks.example.com/tried TEAM_OF_live=https://hooks.example.com/live

simulators
live_url=$SF_URL
start other-org node "$BH_SRCDIR/tests/crm/salesforce.mjs" --port 0 --port-file "$work/other.port" --schema "$BH_SRCDIR/presets/schema/salesforce.json" --settings '{}'
wait_for 10 test -f "$work/other.port" || not_ok "the second org starts"
test_url=http://127.0.0.1:$(cat "$work/other.port")

# -- what is tried --
new_dir tried
connections test "$test_url" | bh apply --quiet - || not_ok "test: connections"
bh apply --quiet - <<-END
{ "billhook": 1,
  "syncs": [ { "code": "all", "from": "stripe", "to": "crm", "preset": "stripe-salesforce", "settings": {"invoice_lines": "no"} } ],
  "automations": [ { "preset": "renewals", "from": "stripe" } ],
  "alerts": { "remind_hours": 12, "targets": [ { "code": "team", "kind": "slack", "name": "Team", "least": "normal" } ] } }
END
bh check >/dev/null # learns whose org it is
serve
FLOW_STRIPE_SECRET=$HOOK_OF_test send stripe '{"customer":"cus_t","name":"Tried","live":false}' >/dev/null
bh stop --quiet
bh export >"$work/all.json"
status "the parts that are the same everywhere" 0 bh export --only syncs,automations,alerts
echo "$out" >"$work/promoted.json"
is "are these" "$(node -e 'console.log(Object.keys(JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"))).sort().join(" "))' "$work/promoted.json")" "alerts automations billhook syncs"
status "a part that there is not" 2 bh export --only secrets
unlike "no secret, nothing that was learnt, no record is in either" "$(cat "$work/all.json" "$work/promoted.json")" \
	"whsec_|rk_test|hooks.example|$FLOW_SF_SECRET|00D|instance_url|cus_t|Tried"

# -- the live installation --
new_dir live
status "without its connections it is refused" 1 bh apply "$work/promoted.json"
like "by their codes" "$err" 'there is no source connection "stripe"'
sed 's/"secrets": {"url[^}]*}/"paused": true/' <(connections live "$live_url") >"$work/no-address.json"
status "and without the target's address, too" 1 bh apply "$work/no-address.json"
like "in words" "$err" '/alerts/targets/0: it needs the address of an incoming webhook'
connections live "$live_url" >"$work/connections.json"
KEY_OF_live=rk_test_sim
status "a key of the test mode in a live connection is refused" 1 bh apply "$work/connections.json"
like "in words" "$err" 'api_key is not of the mode live'
unlike "without the key" "$err" rk_test_sim
KEY_OF_live=rk_live_sim
status "connections of its own" 0 bh apply "$work/connections.json"
status "what was tried" 0 bh apply "$work/promoted.json"
like "is new here" "$out" '^sync all: added$'
bh export --only syncs,automations,alerts >"$work/here.json"
is "it is the same, byte for byte" "$(diff "$work/promoted.json" "$work/here.json")" ""
is "applied again it changes nothing" "$(bh apply "$work/promoted.json")" "nothing to change"
status "so may its connections" 0 bh apply --dry-run "$work/connections.json"
is "without undoing what was promoted" "$out" "nothing to change"
is "the connections stayed its own" "$(bh export | grep -c '"mode": "live"')" 1
serve
send stripe '{"customer":"cus_l","name":"Live Ltd"}' >/dev/null
seen "live events reach the live org" "sf('Account','stripe:cus_l').Name" "Live Ltd"
is "and nothing of the test is there" "$(crm see "sf('Account').length")" 1
SF_URL=$test_url
is "nor of the live one in the sandbox" "$(crm see "sf('Account').filter((a) => a.Name === 'Live Ltd').length")" 0
SF_URL=$live_url
bh stop --quiet

# -- a change that was tried goes the same way --
export BILLHOOK_DIR=$work/tried
sed 's/"invoice_lines": "no"/"invoice_lines": "yes"/' "$work/promoted.json" | bh apply --quiet -
bh export --only syncs,automations,alerts >"$work/next.json"
export BILLHOOK_DIR=$work/live
status "shown before" 0 bh apply --dry-run "$work/next.json"
like "as what it is" "$out" '^  settings.invoice_lines: "no" becomes "yes"$'
status "then done" 0 bh apply "$work/next.json"
is "alike again" "$(bh export --only syncs,automations,alerts | diff "$work/next.json" -)" ""
finish
