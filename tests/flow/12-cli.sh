#!/usr/bin/env bash
# The verbs: help, wrong words, the set-up as a document, secrets.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# -- words --
status "help" 0 bh help
like "help lists a verb with its meaning" "$out" '^  apply +FILE +set up connections'
status "--help is help" 0 bh --help
status "version" 0 bh version
like "version says a number" "$out" '^billhook [0-9]+\.[0-9]+'
verbs=$(bh help --names)
for verb in $verbs; do
	run bh help "$verb"
	[[ $rc = 0 && $out = "usage: billhook $verb"* ]] || not_ok "help $verb" "$rc" "$out"
	run bh "$verb" --no-such-option
	[[ $rc = 2 && $err = *"unknown or incomplete option --no-such-option"* ]] || not_ok "$verb: unknown option" "$rc" "$err"
	run bh "$verb" a b c d e f
	[[ $rc = 2 && $err = *"usage: billhook $verb"* ]] || not_ok "$verb: too many words" "$rc" "$err"
done
is "every verb has help, and refuses options and words it does not know" "$failed" 0
status "an unknown verb" 2 bh frobnicate
like "shows the verbs" "$err" '^  apply'
status "no verb" 2 bh
status "help of an unknown verb" 2 bh help frobnicate
status "an option without its value" 2 bh drain --for
status "a number that is none" 2 bh drain --for soon
status "apply without a file" 2 bh apply

# -- apply --
# What stands in the store of the set-up and of its history; tokens and lanes change by themselves.
settings() {
	bh dump | grep '^{"k":"\(Ac\|As\|T\)'
}
simulators
new_dir data
status "export of nothing" 0 bh export
is "is an empty document" "$(tr -d ' \n' <<<"$out")" '{"billhook":1,"connections":[],"syncs":[]}'
document >"$work/doc.json"
before=$(settings)
status "apply --dry-run" 0 bh apply --dry-run "$work/doc.json"
like "says what would be" "$out" '^would be: connection stripe: added$'
is "and changes nothing" "$(settings)" "$before"
status "apply" 0 bh apply "$work/doc.json"
is "says each thing" "$(grep -v '^ ' <<<"$out" | sort | tr '\n' ';')" \
	"connection hubspot: added;connection lago: added;connection salesforce: added;connection sandbox: added;connection stripe: added;sync lago-hs: added;sync lago-sf: added;sync stripe-box: added;sync stripe-hs: added;sync stripe-sf: added;"
after=$(settings)
status "apply again" 0 bh apply "$work/doc.json"
is "changes nothing" "$out" "nothing to change"
is "really" "$(settings)" "$after"
status "apply from standard input" 0 bash -c "'$BILLHOOK' apply --yes - <'$work/doc.json'"
like "one change is one line" "$(sed 's/"name": "Stripe"/"name": "Stripe EU"/' "$work/doc.json" | bh apply -)" '^connection stripe: changed$'

# -- asked --
sed 's/"name": "Stripe"/"name": "Stripe US"/' "$work/doc.json" >"$work/renamed.json"
before=$(settings)
status "without a terminal and without --yes" 1 "$BILLHOOK" apply "$work/renamed.json"
like "it shows what would be" "$out" '^would be: connection stripe: changed$'
like "in words that can be read" "$out" '^  name: "Stripe EU" becomes "Stripe US"$'
like "and secrets by name only" "$out" '^  secrets.webhook: unchanged$'
like "says how it is done" "$err" 'asks on a terminal .* give --yes; nothing was changed'
is "and changes nothing" "$(settings)" "$before"
# on_terminal ANSWER: apply, with a terminal on which somebody types that
on_terminal() {
	script -qec "'$BILLHOOK' apply '$work/renamed.json'" /dev/null <<<"$1" | tr -d '\r'
}
need script bsdutils
like "on a terminal it asks" "$(on_terminal '')" '^Apply\? \[y/N\]'
is "enter alone is no" "$(settings)" "$before"
on_terminal maybe >/dev/null
is "as is anything else" "$(settings)" "$before"
on_terminal y >/dev/null
status "y is yes" 0 "$BILLHOOK" apply "$work/renamed.json"
is "what is so already needs no answer" "$out" "nothing to change"
bh apply --quiet "$work/doc.json"

# -- export --
status "export" 0 bh export
echo "$out" >"$work/exported.json"
status "export, applied, changes nothing" 0 bh apply "$work/exported.json"
is "it says so" "$out" "nothing to change"
new_dir other
status "a document without secrets cannot make connections that need them" 1 bh apply "$work/exported.json"
like "the connection is named" "$err" 'billhook: /connections/[0-9]+: '
is "nothing was made" "$(bh export | tr -d ' \n')" '{"billhook":1,"connections":[],"syncs":[]}'
node -e '
	const doc = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
	const secrets = { stripe: { webhook: "env:FLOW_STRIPE_SECRET" }, lago: { webhook: "env:FLOW_LAGO_SECRET" },
	  salesforce: { client_secret: "env:FLOW_SF_SECRET" }, hubspot: { access_token: "env:FLOW_HS_TOKEN" } };
	for (const c of doc.connections) if (secrets[c.code]) c.secrets = secrets[c.code];
	console.log(JSON.stringify(doc));' "$work/exported.json" >"$work/with-secrets.json"
status "with its secrets it makes the same" 0 bh apply --quiet "$work/with-secrets.json"
is "export gives the same document" "$(bh export)" "$(cat "$work/exported.json")"
bh stop --quiet
export BILLHOOK_DIR=$work/data

# -- secrets by file, kept, several --
printf '  whsec_from_a_file_77 \n' >"$work/secret"
one_connection() {
	printf '{"billhook": 1, "connections": [{"code": "stripe", "driver": "stripe", "name": "Stripe", "settings": {"mode": "live"}, "secrets": {"webhook": %s}}]}' "$1"
}
like "a secret from a file" "$(one_connection "\"file:$work/secret\"" | bh apply -)" 'stripe: changed'
like "the same secret, white space cut, is no change" "$(one_connection "\"file:$work/secret\"" | bh apply -)" 'nothing to change'
like "keep keeps it" "$(one_connection '"keep"' | bh apply -)" 'nothing to change'
like "two secrets while one is rolled" "$(one_connection "[\"file:$work/secret\", \"env:FLOW_STRIPE_SECRET\"]" | bh apply -)" 'stripe: changed'

# -- what is wrong, where --
refused() {
	local name=$1 want=$2
	run bash -c "'$BILLHOOK' apply --yes -" <<<"$3"
	like "refused: $name" "$rc $err" "^1 billhook: .*$want"
}
before=$(settings)
refused "no JSON" 'JSON breaks at line 2' '{"billhook": 1,'
refused "another version" '/billhook: must be 1' '{"billhook": 2}'
refused "an unknown member" '/frob: there is no such member' '{"billhook": 1, "frob": 1}'
refused "a wrong type" '/connections/0/code: must be a text' '{"billhook": 1, "connections": [{"code": 1, "driver": "stripe"}]}'
refused "a bad code" '/connections/0/code: must be 1 to 64' '{"billhook": 1, "connections": [{"code": "A b", "driver": "stripe"}]}'
refused "an unknown driver" '/connections/1/driver: must be one of: stripe' '{"billhook": 1, "connections": [{"code": "a", "driver": "sandbox"}, {"code": "b", "driver": "sap"}]}'
refused "a secret in the open" '/connections/0/secrets/webhook: must be "env:NAME"' '{"billhook": 1, "connections": [{"code": "s", "driver": "stripe", "secrets": {"webhook": "whsec_open"}}]}'
unlike "and it is not repeated" "$err" 'whsec_open'
refused "a secret that is not there" '/connections/0/secrets/webhook: the environment has no NOT_SET' '{"billhook": 1, "connections": [{"code": "s", "driver": "stripe", "secrets": {"webhook": "env:NOT_SET"}}]}'
refused "nothing to keep" '/connections/0/secrets/webhook: there is no stored secret' '{"billhook": 1, "connections": [{"code": "s", "driver": "stripe", "secrets": {"webhook": "keep"}}]}'
refused "settings that a driver refuses" '/connections/0/settings/mode: must be one of: live, test' '{"billhook": 1, "connections": [{"code": "s", "driver": "stripe", "settings": {"mode": "x"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"}}]}'
refused "a sync from nowhere" '/syncs/0/from: there is no source connection "gone"' '{"billhook": 1, "syncs": [{"code": "x", "from": "gone", "to": "sandbox", "preset": "stripe-salesforce"}]}'
refused "a sync the wrong way round" '/syncs/0/from: there is no source connection "sandbox"' '{"billhook": 1, "syncs": [{"code": "x", "from": "sandbox", "to": "stripe", "preset": "stripe-salesforce"}]}'
refused "an unknown preset" '/syncs/0/preset: there is no preset "none"' '{"billhook": 1, "syncs": [{"code": "x", "from": "stripe", "to": "sandbox", "preset": "none"}]}'
refused "a preset out of its folder" '/syncs/0/preset: must be 1 to 64' '{"billhook": 1, "syncs": [{"code": "x", "from": "stripe", "to": "sandbox", "preset": "../doc"}]}'
refused "a mapping that does not compile" '/syncs/0/mapping/objects/0: lacks "from"' '{"billhook": 1, "syncs": [{"code": "x", "from": "stripe", "to": "sandbox", "mapping": {"objects": [{"name": "a"}]}}]}'
status "a file that is not there" 1 bh apply "$work/none.json"
like "is named" "$err" "none.json"
is "after all that nothing has changed" "$(settings)" "$before"

# -- verbs at rest --
status "status" 0 bh status
like "a lane is one line" "$out" '^salesforce +0 in step'
like "a source is one line" "$out" '^stripe +stripe, last event'
status "status --json" 0 bh status --json
check "is JSON" node -e 'JSON.parse(process.argv[1]).lanes.length === 3 || process.exit(1)' "$out"
status "check" 0 bh check
like "check calls the CRMs" "$out" '^ok +salesforce \(Salesforce\): .+'
like "check names the portal" "$out" '^ok +hubspot \(HubSpot\): Portal 4711000'
status "resync of no sync" 1 bh resync nothing
status "replay of no event" 1 bh replay evt_none
status "replay without saying what" 2 bh replay
status "replay of a state that is none" 2 bh replay --state sleeping
status "replay since a time that is none" 2 bh replay --since yesterday
status "retry with nothing held" 0 bh retry
for words in "verify nope" "retry nope" "retry stripe" "replay --connection nope" "replay evt_none --connection nope" "source nope" "source sandbox" "audit nope csv" "audit nope repair"; do
	# shellcheck disable=SC2086 # words
	status "$words" 1 bh $words
	like "says what there is not" "$err" "there is no (source connection|destination connection|sync) \"(nope|stripe|sandbox)\""
done
status "of one that is there it goes on" 0 bh verify stripe
status "stop when nothing runs" 3 bh stop
status "reload when nothing runs" 3 bh reload
status "load into a store that is not empty" 1 bash -c "'$BILLHOOK' dump >'$work/dump' && '$BILLHOOK' load '$work/dump'"
status "dump over a file" 1 bh dump "$work/dump"
like "refuses to overwrite it" "$err" "File exists"

# -- secrets stay inside --
everything=$(bh export && bh dump && log && bh status --json && bh check 2>&1)
unlike "no secret in export, dump, log, status or check" "$everything" \
	"$FLOW_STRIPE_SECRET|$FLOW_LAGO_SECRET|$FLOW_HS_TOKEN|whsec_from_a_file|\"$FLOW_SF_SECRET\"|$(cat "$BILLHOOK_DIR/key")"
is "nor in the database's files" "$(grep -laE "$FLOW_STRIPE_SECRET|$FLOW_HS_TOKEN|correct horse" "$BILLHOOK_DIR"/db/*)" ""
finish
