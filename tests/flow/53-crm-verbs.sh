#!/usr/bin/env bash
# The verbs crm and match: a CRM is asked, fitted out, matched with by hand, and left.
# shellcheck disable=SC2016 # JavaScript
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# An org in which nothing of ours is yet.
start salesforce node "$BH_SRCDIR/tests/crm/salesforce.mjs" --port 0 --port-file "$work/sf.port"
wait_for 10 test -f "$work/sf.port" || not_ok "the simulator starts" "$(cat "$work/salesforce.log")"
SF_URL=http://127.0.0.1:$(cat "$work/sf.port")
export SF_URL

new_dir data
# Accounts are found by name, and none is made.
document() {
	cat <<-END
	{ "billhook": 1,
	  "connections": [
	    { "code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
	    { "code": "crm", "driver": "salesforce",
	      "settings": {"flow": "client_credentials", "login_url": "$SF_URL", "client_id": "sim-client"}, "secrets": {"client_secret": "env:FLOW_SF_SECRET"} },
	    { "code": "box", "driver": "sandbox" } ],
	  "syncs": [
	    { "code": "accounts", "from": "stripe", "to": "crm", "mapping": { "name": "accounts", "title": "Accounts", "source": "stripe", "dest": "salesforce",
	      "objects": [ { "name": "account", "from": "customer", "to": "Account", "key": "Billhook_Id__c", "create": "no",
	        "match": [ {"by": "key"}, {"by": "value", "fields": [ {"to": "Name", "from": "name"} ]} ],
	        "fields": [ {"to": "Name", "from": "name"}, {"to": "Billhook_Customer_Id__c", "from": "id"}, {"to": "Billhook_Link__c", "from": "link"} ] } ] } },
	    { "code": "box-sync", "from": "stripe", "to": "box", "preset": "stripe-salesforce" } ] }
	END
}
document >"$work/doc.json"
status "apply" 0 bh apply --quiet "$work/doc.json"
serve

# json EXPRESSION: of the answer in $out
json() {
	node -e 'const answer = JSON.parse(process.argv[1]); console.log(JSON.stringify(eval(process.argv[2])))' "$out" "$1"
}

# -- words --
refused() {
	local name=$1 want=$2
	shift 2
	run bh "$@"
	like "refused: $name" "$rc $err" "^$want"
}
refused "an unknown action" '2 billhook: usage: billhook crm CODE' crm crm frobnicate
refused "a word too many" '2 billhook: usage: billhook crm CODE plan' crm crm plan now
refused "a customer without a name" '2 billhook: usage: billhook crm CODE create SYNC CRM_ID --name' crm crm create accounts 001000000000001
refused "no such connection" '1 billhook: there is no CRM connection "none"' crm none test
refused "a source" '1 billhook: there is no CRM connection "stripe"' crm stripe test
refused "what a CRM cannot do" '1 billhook: Sandbox cannot be asked for that' crm box plan
refused "an unknown action of match" '2 billhook: usage: billhook match' match find
refused "a list of no CRM" '1 billhook: there is no CRM connection "stripe"' match list stripe

# -- who is it --
status "crm before anything was asked" 0 bh crm crm
is "it is ready" "$out" "salesforce, ready"
status "test" 0 bh crm crm test
like "names the org" "$out" '^[^,]+ 00D[A-Za-z0-9]{15}, .+, (live|test)$'
status "test --json" 0 bh crm crm test --json
is "tells the same and the limits" "$(json '[answer.id.slice(0, 3), Array.isArray(answer.limits)]')" '["00D",true]'
status "limits" 0 bh crm crm limits
like "tells the day's calls" "$out" ' [0-9]+ of [0-9]+ used$'
status "crm" 0 bh crm crm
like "tells when it was asked" "$out" '^probe +[0-9]+ s ago$'

# -- the schema --
status "plan of an empty org needs a person" 4 bh crm crm plan
like "names what is missing and what for" "$out" '^missing +field +Account.Billhook_Id__c .*, for '
like "counts it" "$out" '^1 are there, [1-9][0-9]* are missing, 0 differ, 0 are hidden$'
crm post sf settings '{"soap_latency_ms": 300}' >/dev/null
status "install" 0 bh crm crm install
crm post sf settings '{"soap_latency_ms": 0}' >/dev/null
like "says what it made" "$out" '^created +Account.Billhook_Id__c$'
like "and that it is all" "$out" '[1-9][0-9]* made, 0 failed, 0 hidden; all that the syncs need is there$'
like "and how far it is meanwhile" "$err" '^[0-9]+ of [0-9]+: .'
status "then nothing is missing" 0 bh crm crm plan --json
is "in JSON, too" "$(json '[answer.missing, answer.differs, answer.hidden, answer.exists > 3]')" '[0,0,0,true]'
status "install again" 0 bh crm crm install
like "makes nothing" "$out" '^0 made, 0 failed'

# -- what install cannot make --
crm post sf settings '{"hidden_fields": ["Account.Billhook_Link__c"]}' >/dev/null
status "a field that is hidden needs a person" 4 bh crm crm plan
like "it is named" "$out" '^hidden +field +Account.Billhook_Link__c'
crm post sf settings '{"hidden_fields": []}' >/dev/null

# -- matches --
# account NAME: an Account that people made; prints its id
account() {
	crm post sf records "{\"Account\": [{\"Name\": \"$1\"}]}" |
		node -e 'console.log(JSON.parse(require("fs").readFileSync(0, "utf8")).ids.Account[0])'
}
first=$(account Acme) second=$(account Acme)
status "match list with nothing waiting" 0 bh match list
is "says so" "$out" "nothing waits for its CRM record"
send stripe '{"customer":"cus_1","name":"Acme"}' '{"customer":"cus_2","name":"Beta"}' '{"customer":"cus_3","name":"Gamma"}' >/dev/null
seen "two Accounts of one name stop a customer" "lane('crm').held" 1
seen "those without any are left out" "lane('crm').excluded" 2
status "match list" 4 bh match list
like "tells who waits and why" "$out" '^accounts account cus_1 Acme: 2 records match: Name is Acme$'
like "with each that it may be" "$out" "^    $first Acme$"
like "and the other" "$out" "^    $second Acme$"
like "and who has no match" "$out" '^accounts account cus_2 Beta: no Account matches, and the sync makes none$'
status "of one CRM, in JSON" 4 bh match list crm --json
is "the same" "$(json 'answer.map((one) => [one.state, one.id, one.title, (one.candidates ?? []).length]).sort()')" \
	'[["ambiguous","cus_1","Acme",2],["unmatched","cus_2","Beta",0],["unmatched","cus_3","Gamma",0]]'
status "of another CRM" 0 bh match list box
refused "match set of no customer" '1 billhook: stripe holds no customer cus_9' match set accounts account cus_9 "$first"
refused "match set of no object" '1 billhook: there is no invoice in a sync accounts' match set accounts invoice in_1 "$first"
refused "match set to no id" '2 billhook: match: Acme Ltd is no id' match set accounts account cus_1 "Acme Ltd"
status "match set" 0 bh match set accounts account cus_1 "$second"
seen "it is that one" "sf('Account').find((a) => a.Id === '$second').Billhook_Id__c" "stripe:cus_1"
is "and not the other" "$(crm see "sf('Account').find((a) => a.Id === '$first').Billhook_Id__c ?? null")" null
status "match set to a new one" 0 bh match set accounts account cus_2 new
seen "makes it" "sf('Account','stripe:cus_2').Name" "Beta"
is "nobody else's is made" "$(crm see "sf('Account').length")" 3
status "match list" 0 bh match list
unlike "lists no one who has been matched" "$out" 'cus_[12]'
like "the trail keeps it" "$(bh dump | tr -d '\134')" "account cus_1 is $second, on the command line"

# -- counts, and leaving --
status "count" 0 bh crm crm count
like "tells how many records hold what would be lost" "$out" '^ +2 Account.Billhook_Id__c '
refused "to disconnect without typing the code again" '1 billhook: nothing was done; to disconnect, type the code again: --yes crm' crm crm disconnect --remove
like "the counts are shown before" "$out" '^ +2 Account.Billhook_Id__c '
refused "to disconnect with another code" '2 billhook: nothing was done' crm crm disconnect --remove --yes box
refused "to disconnect with half a confirmation" '2 billhook: nothing was done' crm crm disconnect --remove --yes
refused "to tidy up where nothing can be" '1 billhook: Sandbox cannot be tidied up' crm box disconnect --remove --yes box
crm post sf settings '{"components_in_use": [{"component": "Account.Billhook_Link__c", "by": "a report"}]}' >/dev/null
status "what is in use there stays" 4 bh crm crm disconnect --remove --yes crm
like "it is named with the reason" "$out" '^failed +Account.Billhook_Link__c: .'
like "and so does the connection" "$out" '^not all could be removed: the connection stays$'
crm post sf settings '{"components_in_use": []}' >/dev/null
status "disconnect --remove" 0 bh crm crm disconnect --remove --yes crm
like "says so" "$out" '^crm is disconnected$'
is "nothing of ours is there" "$(crm see "sf('Account').some((a) => Object.keys(a).some((name) => /^Billhook/.test(name)))")" false
is "the records that people made are" "$(crm see "sf('Account').length")" 3
unlike "nor is it here" "$(bh export)" '"(crm|accounts)"'
like "the rest is" "$(bh export)" '"box-sync"'
status "disconnect a sandbox, as JSON" 0 bh crm box disconnect --yes box --json
is "says it" "$(json 'answer.disconnected')" true
status "nothing is left to push to" 0 bh status
finish
