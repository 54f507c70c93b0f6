#!/usr/bin/env bash
# An org in which nothing of ours is yet: what is missing is told with why, made
# with progress, seen by the connection's user; then all records go in.  What
# cannot be made names component, right and remedy, and is made once it can be.
# shellcheck disable=SC2317 # called by wait_for
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
# shellcheck source=salesforce.sh
. "$flow/salesforce.sh"
leave_root

export FLOW_HOOK=lc_whsec_test_7f3c1a9e5b2d48c6a0e1f4b8
billing_simulator lostchurn '{"read_limit": 0}'
new_org salesforce "{}"
behind_lighttpd data
serve_web
hook() {
	echo "$url/hook/$1"
}
# set_up_org [MORE CONNECTIONS [MORE SYNCS]]
set_up_org() {
	bh apply --quiet - <<-END
	{ "billhook": 1,
	  "connections": [
	    { "code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
	    { "code": "lostchurn", "driver": "lostchurn", "settings": {}, "secrets": {"webhook": "env:FLOW_HOOK"} },
	    $(org_connection crm)${1:-} ],
	  "syncs": [
	    { "code": "money", "from": "stripe", "to": "crm", "preset": "stripe-salesforce", "settings": {"opportunities": "yes", "event_log": "yes"} },
	    { "code": "churn", "from": "lostchurn", "to": "crm", "preset": "lostchurn-salesforce" }${2:-} ] }
	END
}
status "apply" 0 set_up_org

# -- who is it, what is missing --
status "test" 0 bh crm crm test
like "says org, id, edition, and that it is production" "$out" '^Example Org 00D[A-Za-z0-9]{15}, Developer Edition, live$'
status "plan of an empty org needs a person" 4 bh crm crm plan
is "only Salesforce's own objects are there" "$(grep '^exists' <<<"$out" | tr -s ' ,' '  ' | cut -d' ' -f2,3 | sort | tr '\n' ';')" 'object Account;object Contact;object Opportunity;'
like "what is missing stands there with why" "$out" '^missing +field +Billhook_Invoice__c\.Total__c Currency\(18,2\), for invoice of sync money$'
is "nothing is missing without a why" "$(grep '^missing' <<<"$out" | grep -vc ', for ')" 0
for one in 'object +Billhook_Recovery__c' 'event +Billhook_Recovery_Event__e' 'process +Opportunity.Billhook_Recovery' 'record_type +Opportunity.Billhook_Recovery' \
	'field +Billhook_Recovery_Event__e.Amount__c' 'permission_set +Billhook_Sync' 'assignment +Billhook_Sync'; do
	grep -Eq "^missing +$one" <<<"$out" || not_ok "plan names $one" "$out"
done
is "a plan makes nothing" "$(crm see 'sfChanges.length + sfMeta.permissionSets.length')" 0

# -- records that come before --
endive=("$BH_SRCDIR"/tests/hooks/stripe/endive_{01_*acme,02_*items,04_*acme,05_*acme,08_*acme,22_*retry,24_*refund}.json)
is "webhooks are accepted" "$(send stripe "${endive[@]/#/@}" | sort -u)" '200 {"status":"accepted"}'
sim POST change '{"do": "recovery.start", "customer": {"email": "first@example.com", "name": "First GmbH"}, "payment": {"amount": 4900, "currency": "eur"}}' >/dev/null
like "recoveries, too" "$(sim POST deliver "{\"url\": \"$url/hook/lostchurn\", \"quiet\": true}")" '"lost":0'
seen "without its fields the org gets nothing, all of it is kept" "status.backlog === 0 && lane('crm').dirty === 0 && lane('crm').held > 0 && lane('crm').waiting_parent > 0" true
is "really nothing" "$(crm see "sf('Account').length + sf('Contact').length + sf('Opportunity').length + sfEvents('Billhook_Recovery_Event__e').length")" 0
status "status says that it needs a person" 4 bh status
parked=$(bh dump | tr -d '\134' | grep -o '"m":"[^"]*"' | sort -u)
like "each says what to do" "$parked" 'Install what is missing in the CRM'
unlike "and nothing else" "$(grep -v '"m":"Install what is missing in the CRM' <<<"$parked")" .

# -- rights that lack --
org_settings '{"modify_metadata": false}'
status "plan without the right to read metadata" 4 bh crm crm plan
like "says that it cannot tell" "$out" 'whether it is there could not be asked: INSUFFICIENT_ACCESS'
status "install without the right to change metadata" 4 bh crm crm install
like "names each component with the cause" "$out" "^failed +Billhook_Invoice__c: The connection's user may not change the org's metadata"
like "and the right that lacks" "$out" '"Modify Metadata Through Metadata API Functions", "Customize Application"'
is "nothing was made" "$(crm see 'sfChanges.length')" 0

org_settings '{"modify_metadata": true, "manage_permission_sets": false}'
crm post sf faults '{"faults": [{"match": {"component": "Billhook_Invoice__c", "operation": "upsertMetadata"},
	"do": {"component_error": {"statusCode": "UNKNOWN_EXCEPTION", "message": "An unexpected error occurred: 4711-1"}}}]}' >/dev/null
status "install with one component that fails, and no right to permission sets" 4 bh crm crm install
like "the component is named, with Salesforce's words" "$out" '^failed +Billhook_Invoice__c: Salesforce had an inner error: An unexpected error occurred: 4711-1$'
like "what depends on it is not tried" "$out" '^failed +Billhook_Invoice__c.Total__c: It needs Billhook_Invoice__c, which could not be made$'
like "nor a lookup at it" "$out" '^failed +Billhook_Payment__c.Invoice__c: It needs Billhook_Invoice__c'
like "everything else is made" "$out" '^created +Billhook_Payment__c.Amount__c$'
like "the permission set is refused" "$out" "^failed +Billhook_Sync: The connection's user may not change"
like "with the right that lacks" "$out" 'Manage Profiles and Permission Sets'
like "so what was made is out of sight" "$out" '^hidden +Billhook_Payment__c.Amount__c$'

# -- a worker that dies in the middle --
org_settings '{"manage_permission_sets": true, "assign_permission_sets": false, "soap_latency_ms": 150}'
bh crm crm install >"$work/install.out" 2>"$work/install.err" &
installing=$!
seen "an install that goes on" "sfMeta.fields['Billhook_Invoice__c.Total__c'] !== undefined || sfMeta.objects.Billhook_Invoice__c !== undefined" true
mapfile -t killed < <(workers)
kill -9 "${killed[@]}"
rc=0
wait "$installing" || rc=$?
is "is ended by another worker, without a person" "$rc" 4
like "it told how far it was" "$(cat "$work/install.err")" "^[0-9]+ of [0-9]+: fields of Billhook's objects$"
is "the permission set is there, its assignment is refused" "$(grep -c '^failed' "$work/install.out") $(grep '^failed' "$work/install.out" | cut -d: -f1-2 | tr -s ' ')" '1 failed Billhook_Sync: assignment'
like "with what to do" "$(cat "$work/install.out")" 'Manage Profiles and Permission Sets|assign the permission set'
org_settings '{"assign_permission_sets": true, "soap_latency_ms": 0}'
status "install with all rights" 0 bh crm crm install
like "ends it" "$out" '^1 made, 0 failed, 0 hidden; all that the syncs need is there$'
is "the permission set is assigned, once" "$(crm see 'sfMeta.assignments.map((a) => sfMeta.permissionSets.find((p) => p.id === a.PermissionSetId).definition.fullName)')" '["Billhook_Sync"]'
is "the user sees and may write all of it" "$(crm see 'Object.entries(sfMeta.fields).filter(([name, f]) => !/__e\./.test(name) && !(f.visible && f.editable)).map(([name]) => name)')" '[]'
is "no component was made twice" "$(crm see 'sfChanges.filter((c) => c.status === "ok" && c.type === "CustomField").length === new Set(sfChanges.filter((c) => c.status === "ok" && c.type === "CustomField").map((c) => c.fullName)).size')" true

# -- then everything goes in, without being asked --
all_seen "all that was kept goes in" "['Account', 'Contact', 'Opportunity', 'Billhook_Subscription__c', 'Billhook_Invoice__c', 'Billhook_Credit_Note__c', 'Billhook_Payment__c', 'Billhook_Recovery__c', 'Billhook_Event__c'].map((name) => sf(name).length)" \
	'[2,1,2,1,2,1,1,1,7]' \
	"lines of invoices, too" "sf('Billhook_Invoice_Line__c').length > 0 && sf('Billhook_Invoice_Line__c').every((l) => l.Invoice__c)" true \
	"an event for flows, once" "sfEvents('Billhook_Recovery_Event__e').map((e) => e.Event_Type__c)" '["started"]' \
	"nothing waits" "['dirty', 'held', 'waiting_parent'].map((state) => lane('crm')[state])" '[0,0,0]'
status "no person is needed" 0 bh status
status "plan" 0 bh crm crm plan
like "says that all is there" "$out" '^[0-9]+ are there, 0 are missing, 0 differ, 0 are hidden$'
crm delete sf calls >/dev/null
status "install again" 0 bh crm crm install
like "makes nothing" "$out" '^0 made, 0 failed, 0 hidden'
is "really" "$(crm see 'sfChanges.length')" 0

# -- what an administrator adds stays, what he takes away is given back --
crm see 'sfMeta.permissionSets[0].definition' | node -e '
	const set = JSON.parse(require("fs").readFileSync(0, "utf8"));
	set.description = "By an administrator.";
	set.fieldPermissions = set.fieldPermissions.filter(({ field }) => field !== "Account.Billhook_MRR__c");
	set.fieldPermissions.push({ editable: false, field: "Account.Website", readable: true });
	set.userPermissions = [...set.userPermissions ?? [], { enabled: true, name: "RunReports" }];
	console.log(JSON.stringify(set));' >"$work/set.json"
admin upsert PermissionSet "$(cat "$work/set.json")" >/dev/null
status "plan after an administrator changed the permission set" 4 bh crm crm plan
like "says that it lacks rights" "$out" '^differs +permission_set Billhook_Sync'
like "how many" "$out" '^ +lacks 1 right, which is added to it$'
like "and what is out of sight" "$out" '^hidden +field +Account.Billhook_MRR__c'
status "install" 0 bh crm crm install
like "mends the permission set" "$out" '^created +Billhook_Sync$'
is "ours is back, the administrator's is still there" "$(crm see 'sfMeta.permissionSets.map(({ definition: d }) => [d.description, d.userPermissions.some((p) => p.name === "RunReports"), ...["Account.Billhook_MRR__c", "Account.Website"].map((name) => d.fieldPermissions.find((p) => p.field === name).editable)].join(" "))')" \
	'["By an administrator. true true false"]'

# -- a field of ours that is another's --
admin delete CustomField Account.Billhook_MRR__c >/dev/null
admin upsert CustomField '{"fullName": "Account.Billhook_MRR__c", "label": "MRR by hand", "length": 40, "type": "Text"}' >/dev/null
status "plan with a field of another type" 4 bh crm crm plan
like "says what it is and what is wanted" "$out" '^ +is Text\(40\), wanted Currency\(18,2\)$'
status "install" 4 bh crm crm install
like "reports it" "$out" '^failed +Account.Billhook_MRR__c: It is there, but in another form: is Text\(40\), wanted Currency\(18,2\)$'
like "with what to do" "$out" 'change it in Salesforce, or set another prefix'
is "and does not change it" "$(crm see 'sfMeta.fields["Account.Billhook_MRR__c"].type')" Text
admin delete CustomField Account.Billhook_MRR__c >/dev/null
status "once it is out of the way" 0 bh crm crm install
is "ours is made" "$(crm see 'sfMeta.fields["Account.Billhook_MRR__c"].type')" Currency

# -- tokens that the metadata service does not take --
org_settings '{"jwt_access_tokens": true}'
crm post sf expire '{}' >/dev/null
status "test with JWT-based access tokens" 0 bh crm crm test
status "plan" 1 bh crm crm plan
like "says what is wrong with them and what to do" "$err" 'does not take JWT-based access tokens: switch off "Issue JWT-based access tokens" in the app'
status "install says it, too" 1 bh crm crm install
like "in the same words" "$err" 'does not take JWT-based access tokens'
org_settings '{"jwt_access_tokens": false}'
status "switched off, it goes on by itself" 0 bh crm crm install
status "none of that needs a person any more" 0 bh status

# -- other names beside the first --
before=$(crm see 'sfMeta.permissionSets[0].definition')
set_up_org ", $(org_connection acme '"prefix": "Acme_"')" ',
	    { "code": "acme", "from": "stripe", "to": "acme", "preset": "stripe-salesforce" }' || not_ok "apply with another connection"
status "plan of another prefix" 4 bh crm acme plan
like "names its own objects" "$out" '^missing +object +Acme_Invoice__c, for invoice of sync acme$'
unlike "and none of the first's" "$out" 'Billhook_'
status "install" 0 bh crm acme install
all_seen "records go in under the other names" "['Acme_Subscription__c', 'Acme_Invoice__c', 'Acme_Credit_Note__c', 'Acme_Payment__c'].map((name) => sf(name).length)" '[1,2,1,1]' \
	"the Account has both keys" "sf('Account').filter((a) => a.Acme_Id__c).map((a) => a.Acme_Id__c === a.Billhook_Id__c)" '[true]' \
	"nothing waits" "['acme', 'crm'].map((code) => lane(code).dirty + lane(code).held + lane(code).waiting_parent)" '[0,0]'
is "the first's records are as many as before" "$(crm see "['Account', 'Billhook_Invoice__c'].map((name) => sf(name).length)")" '[2,2]'
is "its permission set is the same" "$(crm see 'sfMeta.permissionSets.find(({ definition }) => definition.fullName === "Billhook_Sync").definition')" "$before"
is "the other has its own" "$(crm see 'sfMeta.permissionSets.map(({ definition }) => definition.fullName)')" '["Billhook_Sync","Acme_Sync"]'
send stripe '{"customer":"cus_HrUs2VWJtENfgq","name":"Acme Robotics","email":"new@example.com"}' >/dev/null
seen "news go to both" "sf('Account').filter((a) => a.Acme_Id__c).map((a) => [a.Billhook_Email__c, a.Acme_Email__c].join(' '))" '["new@example.com new@example.com"]'
status "no person is needed" 0 bh status
unlike "no secret in log and dump" "$(log && bh dump)" "$FLOW_SF_SECRET"
finish
