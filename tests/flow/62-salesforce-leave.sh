#!/usr/bin/env bash
# Leaving Salesforce: everything there stays and Billhook forgets, or everything
# of Billhook's goes, in order, whatever is in use and whoever dies; others are
# not touched, and whoever comes back begins anew and finds the records again.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
# shellcheck source=salesforce.sh
. "$flow/salesforce.sh"
leave_root

export FLOW_HOOK=lc_whsec_test_7f3c1a9e5b2d48c6a0e1f4b8 FLOW_REFRESH=sim-refresh
billing_simulator lostchurn '{"read_limit": 0}'
new_org salesforce "{}"
behind_lighttpd data
option workers 5
serve_web
hook() {
	echo "$url/hook/$1"
}
# The connection that is left, by the refresh token of a person, and its syncs.
crm_connection() {
	echo "{ \"code\": \"crm\", \"driver\": \"salesforce\", \"settings\": {\"flow\": \"refresh_token\", \"login_url\": \"$SF_URL\", \"client_id\": \"sim-client\"},
	  \"secrets\": {\"client_secret\": \"env:FLOW_SF_SECRET\", \"refresh_token\": \"env:FLOW_REFRESH\"} }"
}
connect_crm() {
	bh apply --quiet - <<-END
	{ "billhook": 1, "connections": [ $(crm_connection) ],
	  "syncs": [
	    { "code": "money", "from": "stripe", "to": "crm", "preset": "stripe-salesforce", "settings": {"opportunities": "yes"} },
	    { "code": "churn", "from": "lostchurn", "to": "crm", "preset": "lostchurn-salesforce" } ] }
	END
}
bh apply --quiet - <<-END || not_ok "apply"
{ "billhook": 1,
  "connections": [
    { "code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
    { "code": "lostchurn", "driver": "lostchurn", "settings": {}, "secrets": {"webhook": "env:FLOW_HOOK"} } ] }
END
connect_crm || not_ok "connect"
status "install" 0 bh crm crm install
endive=("$BH_SRCDIR"/tests/hooks/stripe/endive_{01_*acme,02_*items,04_*acme,05_*acme,08_*acme,22_*retry,24_*refund}.json)
send stripe "${endive[@]/#/@}" >/dev/null
sim POST change '{"do": "recovery.start", "customer": {"email": "first@example.com", "name": "First GmbH"}, "payment": {"amount": 4900, "currency": "eur"}}' >/dev/null
sim POST deliver "{\"url\": \"$url/hook/lostchurn\", \"quiet\": true}" >/dev/null

objects="['Account', 'Contact', 'Opportunity', 'Billhook_Subscription__c', 'Billhook_Invoice__c', 'Billhook_Credit_Note__c', 'Billhook_Payment__c', 'Billhook_Recovery__c']"
filled='[2,1,2,1,2,1,1,1]'
at_rest='status.backlog === 0 && status.lanes.length === 2 && status.lanes.every((l) => l.dirty + l.held + l.waiting_parent === 0)'
seen "records go in" "status.backlog === 0 && lane('crm').in_step > 0 && lane('crm').dirty + lane('crm').held + lane('crm').waiting_parent === 0" true
bh apply --quiet - <<-END || not_ok "apply with another connection"
{ "billhook": 1, "connections": [ $(org_connection acme '"prefix": "Acme_"') ],
  "syncs": [ { "code": "acme-money", "from": "stripe", "to": "acme", "preset": "stripe-salesforce" } ] }
END
status "install of another connection" 0 bh crm acme install
all_seen "records are there" "$objects.map((name) => sf(name).length)" "$filled" \
	"nothing is under way" "$at_rest" true
in_step=$(crm see "lane('crm').in_step")
# kept_of CODE: keys of the store that hold anything of a connection, but for jobs and the trail
kept_of() {
	bh dump | grep -E "^\{\"k\":\"(A[acs]|D.|L.|W.)$1" | cut -d, -f1
}
# facts_of CODE: what is known of it
facts_of() {
	bh dump | grep -E "^\{\"k\":\"(A[cs]|L[kuwm])$1"
}

# -- what leaving would lose --
status "count" 0 bh crm crm count
like "tells the records of an object" "$out" '^ +2 Billhook_Invoice__c \('
like "and those that hold a field" "$out" '^ +1 Account.Billhook_Id__c \('
like "and those of another sync" "$out" '^ +1 Contact.Billhook_Id__c \('
status "to disconnect without the code typed again" 1 bh crm crm disconnect
like "is refused" "$err" 'nothing was done; to disconnect, type the code again: --yes crm'
status "with another's code" 2 bh crm crm disconnect --yes acme
is "nothing happened" "$(crm see "$objects.map((name) => sf(name).length) + ' ' + status.lanes.length")" "${filled//[][]/} 2"

# -- keep --
other=$(facts_of acme)
status "disconnect" 0 bh crm crm disconnect --yes crm
like "says so" "$out" '^crm is disconnected$'
is "all records stay" "$(crm see "$objects.map((name) => sf(name).length)")" "$filled"
is "with what Billhook wrote" "$(crm see "sf('Account').filter((a) => a.Billhook_Id__c).length")" 1
is "fields and rights stay" "$(crm see 'sfMeta.fields["Account.Billhook_Id__c"].visible && sfMeta.permissionSets.length')" 2
# grant TOKEN: does Salesforce still take it?
grant() {
	node -e '
	const body = new URLSearchParams({ grant_type: "refresh_token", client_id: "sim-client", client_secret: process.env.FLOW_SF_SECRET, refresh_token: process.argv[1] });
	fetch(process.env.SF_URL + "/services/oauth2/token", { method: "POST", body }).then(async (answer) => console.log(answer.status, (await answer.json()).error));' "$1"
}
is "the tokens are given back" "$(grant "$FLOW_REFRESH")" "400 invalid_grant"
is "nothing of the connection is kept" "$(kept_of crm)" ""
unlike "nor of its syncs" "$(bh export)" '"(crm|money|churn)"'
is "the other connection is as it was" "$(facts_of acme)" "$other"
send stripe '{"customer":"cus_HrUs2VWJtENfgq","name":"Acme Robotics GmbH","email":"new@example.com"}' >/dev/null
seen "and goes on" "sf('Account').filter((a) => a.Acme_Id__c).map((a) => a.Acme_Email__c + ' ' + a.Billhook_Email__c)" '["new@example.com billing@acme-robotics.example"]'
status "no person is needed" 0 bh status

# -- back again --
FLOW_REFRESH=sim-refresh-2
org_settings '{"refresh_token": "sim-refresh-2"}'
status "connect again" 0 connect_crm
status "plan finds all of it" 0 bh crm crm plan
all_seen "the records are found by their keys" "[lane('crm').in_step, $at_rest]" "[$((in_step - 1)),true]" \
	"what came meanwhile is written" "sf('Account').filter((a) => a.Acme_Id__c).map((a) => a.Billhook_Email__c)" '["new@example.com"]'
is "none is made twice" "$(crm see "$objects.map((name) => sf(name).length)")" "$filled"
is "and what happened is not told again" "$(crm see "sfEvents('Billhook_Recovery_Event__e').length")" 1

# -- remove, with something in use, and a worker that dies --
crm delete sf calls >/dev/null
org_settings '{"components_in_use": [{"component": "Billhook_Invoice__c", "by": "Flow: Dunning"}], "soap_latency_ms": 150}'
bh crm crm disconnect --remove --yes crm >"$work/leave.out" 2>"$work/leave.err" &
leaving=$!
seen "a removal that goes on" "sfChanges.filter((c) => c.operation === 'deleteMetadata' && c.type === 'CustomField').length > 10" true
mapfile -t killed < <(workers)
kill -9 "${killed[@]}"
rc=0
wait "$leaving" || rc=$?
is "is ended by another worker" "$rc" 4
like "and tells how far it is" "$(cat "$work/leave.err")" '^[0-9]+ of [0-9]+: .'
like "what is in use is named, and by what" "$(cat "$work/leave.out")" '^failed +Billhook_Invoice__c: Something else in the org uses it: .*Flow: Dunning$'
like "with what to do" "$(cat "$work/leave.out")" 'Take it out of what uses it'
is "it is all that stayed" "$(grep -c '^failed' "$work/leave.out")" 1
like "so the connection stays" "$(cat "$work/leave.out")" '^not all could be removed: the connection stays$'
like "with its syncs" "$(bh export)" '"churn"'
is "rights went before what they are on, fields before objects, events last" "$(crm see 'sfChanges.filter((c) => c.status === "ok").map((c) => c.type === "PermissionSet" ? "rights" : c.type === "RecordType" ? "record types"
	: c.type === "CustomField" ? (/^Billhook_.*__c\./.test(c.fullName) ? "lookups" : "fields") : c.fullName.endsWith("__e") ? "events" : "objects").filter((step, i, all) => step !== all[i - 1])')" \
	'["rights","record types","fields","lookups","objects","events"]'
is "the record type is not active any more" "$(crm see 'sfMeta.recordTypes.map(({ definition: d }) => d.fullName + " " + d.active)')" '["Opportunity.Billhook_Recovery false"]'
org_settings '{"components_in_use": [], "soap_latency_ms": 0}'
status "once it is free" 0 bh crm crm disconnect --remove --yes crm
like "the rest goes, too" "$out" '^crm is disconnected$'
is "nothing of ours is left" "$(crm see '[...Object.keys(sfMeta.objects), ...Object.keys(sfMeta.fields), ...sfMeta.permissionSets.map((p) => p.definition.fullName)].filter((name) => /Billhook_/.test(name))')" '[]'
is "records of Salesforce's objects are" "$(crm see "['Account', 'Contact', 'Opportunity'].map((name) => sf(name).length)")" '[2,1,2]'
is "and everything of the other connection" "$(crm see "[sf('Acme_Invoice__c').length, sfMeta.permissionSets.map((p) => p.definition.fullName), sfMeta.fields['Account.Acme_Id__c'].visible]")" '[2,["Acme_Sync"],true]'
is "here nothing is left, either" "$(kept_of crm)" ""
is "the tokens are given back" "$(grant "$FLOW_REFRESH")" "400 invalid_grant"

# -- back again, into an org without our fields --
FLOW_REFRESH=sim-refresh-3
org_settings '{"refresh_token": "sim-refresh-3"}'
status "connect again" 0 connect_crm
status "plan" 4 bh crm crm plan
like "begins anew" "$out" '^missing +field +Account.Billhook_Id__c'
like "and knows the record type that sleeps" "$out" '^ +is there, but not active$'
status "install" 0 bh crm crm install
is "wakes it" "$(crm see 'sfMeta.recordTypes.map(({ definition: d }) => d.fullName + " " + d.active)')" '["Opportunity.Billhook_Recovery true"]'
all_seen "everything is there again" "['Billhook_Subscription__c', 'Billhook_Invoice__c', 'Billhook_Credit_Note__c', 'Billhook_Payment__c', 'Billhook_Recovery__c'].map((name) => sf(name).length)" '[1,2,1,1,1]' \
	"nothing is under way" "$at_rest" true
is "accounts and people are found again by what they are" "$(crm see "['Account', 'Contact'].map((name) => sf(name).length) + ' ' + sf('Account').filter((a) => a.Acme_Id__c).map((a) => a.Billhook_Id__c === a.Acme_Id__c)")" '2,1 true'

# -- a push on its way, and a worker that dies while it forgets --
stop_web
export BILLHOOK_FAULT=crm-forgetting:die BILLHOOK_FAULT_ONCE=$work/forgetting
serve
hook() {
	echo "unix:$BILLHOOK_DIR/run/front.sock:/hook/$1"
}
crm post sf faults '{"faults": [{"match": {"key": "last@example.com"}, "times": 2, "do": {"delay_ms": 3000}}]}' >/dev/null
send stripe '{"customer":"cus_HrUs2VWJtENfgq","name":"Acme Robotics GmbH","email":"last@example.com"}' >/dev/null
wait_for 10 crm see "status.backlog === 0 && lane('acme').dirty > 0"
status "disconnect in the middle of a push" 0 bh crm acme disconnect --yes acme
is "which has not ended" "$(crm see "sf('Account').some((a) => a.Acme_Email__c === 'last@example.com')")" false
check "a worker died while it forgot" test -f "$work/forgetting"
seen "it ends at the others" "sf('Account').filter((a) => a.Acme_Id__c).map((a) => a.Billhook_Email__c)" '["last@example.com"]'
wait_for 10 grep -q 'connection acme was removed meanwhile' "$BILLHOOK_DIR/log/billhook.log" || not_ok "the push ends without its token"
sleep 1
is "nothing of the one that was left comes back" "$(kept_of acme)" ""
is "its records stay" "$(crm see "sf('Acme_Invoice__c').length")" 2
like "who left and when is kept" "$(bh dump | tr -d '\134' | grep '^{"k":"Tr\|"k64":"VH')" '"disconnect"'
status "no person is needed" 0 bh status
is "nothing to complain in the log" "$(log | grep '^[^ ]* error ' | grep -v 'killed by signal')" ""
finish
