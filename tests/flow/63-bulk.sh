#!/usr/bin/env bash
# Very many records go as jobs of the Bulk API: in few calls, each row's result
# comes back to its record, and whatever dies, changes or is refused on the way,
# all of it arrives in the end, once, and nothing of ours stays behind.
# shellcheck disable=SC2016,SC2317 # JavaScript; called by wait_for
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
leave_root
# shellcheck source=mass.sh
. "$flow/mass.sh"

n=1500
mass_org '{"daily_limit": 100000, "bulk_running_polls": 0}'
behind_lighttpd data
serve_web
mass_source

account='{"name": "account", "from": "customer", "to": "Account", "key": "Billhook_Id__c",
	"match": [{"by": "key"}, {"by": "value", "fields": [{"to": "Billhook_Email__c", "from": "email"}]}],
	"fields": [{"to": "Name", "from": "name"}, {"to": "Billhook_Email__c", "from": "email"}]}'
# with SOURCE: the sync, whose invoices all get this constant
with() {
	mass_sync '"bulk_from": 300' "$account, {\"name\": \"invoice\", \"from\": \"invoice\", \"to\": \"Billhook_Invoice__c\", \"key\": \"Billhook_Id__c\",
		\"parents\": [{\"object\": \"account\", \"id\": \"customer\", \"to\": \"Account__c\"}],
		\"fields\": [{\"to\": \"Name\", \"from\": \"number\"}, {\"to\": \"Number__c\", \"from\": \"number\"}, {\"to\": \"Total__c\", \"from\": \"total\"}, {\"to\": \"Source__c\", \"value\": \"$1\"}]}"
}
# arrived NAME SOURCE: each invoice once, with the constant
arrived() {
	mass_settled "$1" 30
	is "... each once, with the newest values" "$(crm see "[sf('Billhook_Invoice__c').length, sf('Billhook_Invoice__c').filter((i) => i.Source__c === '$2').length]")" "[$n,$n]"
}
bulk='(lane("salesforce").bulk ?? {})'
# The calls in their order, each kind once in a row.
calls='sfCalls.map((c) => c.method + " " + c.path.replace(/^.*v[0-9.]+\//, "").replace(/750\w+/, "JOB").replace(/\?.*/, "")).filter((t, i, all) => all[i - 1] !== t)'
job_calls="POST jobs/ingest,PUT jobs/ingest/JOB/batches,PATCH jobs/ingest/JOB,GET jobs/ingest/JOB,GET jobs/ingest/JOB/successfulResults,GET jobs/ingest/JOB/failedResults,GET jobs/ingest/JOB/unprocessedrecords,DELETE jobs/ingest/JOB"
no_jobs() {
	is "nothing of ours stays there" "$(crm get sf ingest)" '{"jobs":[]}'
}

# -- the first sync --
many 1 '{"customer":"cus_1","name":"Acme","email":"pay@acme.example","created":1790000000}'
many $n '{"invoice":"in_%n","customer":"cus_1","total":1000,"created":1790000000}'
seen "all events are handled" "status.backlog" 0
org_is '{"bulk_running_polls": 1}'
with A
seen_slow "a job runs" 20 "$bulk.phase === 2 && $bulk.rows" $n
like "status says so" "$(bh status)" "bulk job: [0-9]+ of $n rows of Billhook_Invoice__c"
many 20 '{"customer":"cus_1","name":"Acme","email":"pay@acme.example","created":1790000000}'
seen_slow "and how far it is" 20 "$bulk.processed" $((n / 2))
is "news that come meanwhile make no call" "$(crm see 'sfCalls.filter((c) => c.method === "GET").length')" 1
org_is '{"bulk_running_polls": 0}'
arrived "the first sync" A
is "every record is in step" "$(crm see 'lane("salesforce").in_step')" $((n + 1))
is "below its account" "$(crm see "sf('Billhook_Invoice__c').every((i) => i.Account__c === sf('Account', 'stripe:cus_1').Id)")" true
is "in few calls" "$(crm see "$calls.slice(2).join()")" "$job_calls"
is "of which status knows" "$(crm see 'lane("salesforce").calls - sfCalls.length <= 4')" true
no_jobs
forget_calls
status "a resync" 0 bh resync crm
mass_settled "that finds nothing new"
is "makes no call" "$(crm see 'sfCalls.length')" 0

# -- rows that are refused, and what changes while the job runs --
org_is '{"bulk_running_polls": 1, "validation_rules": [{"object": "Billhook_Invoice__c", "field": "Name", "matches": "^EX-in_(7|77|777)$", "message": "Not this one"}]}'
faults '{"match": {"key": "stripe:in_9"}, "times": 2, "do": {"record_error": {"statusCode": "STRING_TOO_LONG", "message": "Number: data value too large: EX-in_9 (max length=5)", "fields": ["Number__c"]}}}'
with B
seen_slow "a job of changed records runs" 20 "$bulk.phase === 2 && $bulk.rows" $n
many 1 '{"invoice":"in_5","customer":"cus_1","total":2000,"created":1790000000}'
many 1 '{"invoice":"in_5","customer":"cus_1","total":3000,"created":1790000000}'
org_is '{"bulk_running_polls": 0}'
mass_settled "some rows of it are refused" 30
is "they are parked" "$(crm see 'lane("salesforce").held')" 3
like "with cause" "$(bh dump | tr -d '\134' | grep 'in_777.*Not this one')" '"e":"FIELD_CUSTOM_VALIDATION_EXCEPTION"'
is "what is too long for one is cut behind it" "$(crm see "sf('Billhook_Invoice__c', 'stripe:in_9').Number__c")" EX-in
is "all others are written" "$(crm see "sf('Billhook_Invoice__c').filter((i) => i.Source__c === 'B').length")" $((n - 3))
is "what changed meanwhile came behind it, the newest" "$(crm see "sf('Billhook_Invoice__c', 'stripe:in_5').Total__c")" 30
org_is '{"validation_rules": []}'
bh retry salesforce >/dev/null
arrived "retried, they follow" B
no_jobs
# -- accounts that people made, and new ones, in one sync --
forget_calls
crm post sf records "{\"Account\": [$(for i in $(seq 0 399); do printf '{"Name": "Old %d", "Billhook_Email__c": "pay%d@old.example"},' "$i" "$i"; done | sed 's/,$//')]}" >/dev/null
mass_paused=true
with B
many 400 '{"customer":"cus_old%n","name":"Adopted %n","email":"pay%n@old.example","created":1790000000}'
many 400 '{"customer":"cus_new%n","name":"New %n","email":"pay%n@new.example","created":1790000000}'
seen "a paused connection keeps what comes" 'status.backlog === 0 && lane("salesforce").dirty' 800
mass_paused=false
with B
mass_settled "then it goes" 30
is "those that people made are adopted, the others made" \
	"$(crm see "[sf('Account').length, sf('Account').filter((a) => /^Adopted/.test(a.Name) && a.Billhook_Id__c === 'stripe:cus_old' + a.Name.slice(8)).length, sf('Account').filter((a) => /^New/.test(a.Name)).length]")" "[801,400,400]"
is "by two jobs" "$(crm see "sfCalls.filter((c) => c.method === 'POST' && c.path.endsWith('jobs/ingest')).length")" 2
no_jobs

# -- whoever dies, in each phase --
# Each call of a job takes so long that somebody can die in it.
slow_calls() {
	local call
	for call in 'POST,' 'PUT,/\\w+/batches' 'PATCH,/\\w+' 'GET,/\\w+' 'GET,/\\w+/failedResults' 'DELETE,/\\w+'; do
		echo "{\"match\": {\"method\": \"${call%,*}\", \"path\": \"jobs/ingest${call#*,}\$\"}, \"do\": {\"delay_ms\": 1500}}"
	done | paste -sd,
}
# killing ROLE...: one in each of those calls
killing() {
	local role call=0
	crm delete sf faults >/dev/null
	faults "$(slow_calls)"
	with "$1"
	shift
	for role; do
		call=$((call + 1))
		wait_for 15 is_called $call || not_ok "call $call is made, so that a $role can die" "$(bh status)" "$(crm get sf faults)"
		kill_role "$role"
		[ "$role" != supervisor ] || wake_web
	done
}
killing C worker keeper supervisor worker keeper supervisor
arrived "workers, keepers and supervisors die" C
killing D supervisor worker keeper supervisor worker keeper
arrived "the other way round" D
crm delete sf faults >/dev/null
is "no account is there twice" "$(crm see "[sf('Account').length, new Set(sf('Account').map((a) => a.Billhook_Id__c)).size]")" "[801,801]"
is "every record is in step" "$(crm see '[lane("salesforce").in_step, lane("salesforce").held]')" "[$((n + 801)),0]"
# A job whose maker died before its name came back is empty and open: Salesforce ends it.
is "nothing that holds rows stays there" "$(crm see 'ingest.filter((j) => j.state !== "Open").length')" 0
for one in $(crm see 'ingest.map((j) => j.id).join(" ")'); do
	admin PATCH "jobs/ingest/$one" '{"state": "Aborted"}'
	admin DELETE "jobs/ingest/$one"
done

# -- the token dies at each call --
expire() {
	echo "{\"match\": {\"method\": \"$1\", \"path\": \"jobs/ingest$2\$\"}, \"do\": {\"expire_token\": true}}"
}
faults "$(expire POST ''), $(expire PUT '/\\w+/batches'), $(expire PATCH '/\\w+'), $(expire GET '/\\w+'), $(expire GET '/\\w+/failedResults'), $(expire DELETE '/\\w+')"
with E
arrived "a token that dies at each call is renewed" E
check "at each" is_called 6
crm delete sf faults >/dev/null
no_jobs

# -- somebody takes the job away --
org_is '{"bulk_queued_polls": 9}'
forget_calls
with F
seen_slow "a job waits its turn" 20 "$bulk.phase" 2
check "an administrator deletes it" admin DELETE "jobs/ingest/$(crm see 'ingest[0].id')"
org_is '{"bulk_queued_polls": 0}'
arrived "its rows go without it" F
is "status says why" "$(crm see 'lane("salesforce").bulk_failed')" "the bulk job is not in Salesforce any more"
is "in few calls" "$(crm see 'sfWrites.length < 12')" true
forget_calls
with G
arrived "for an hour there are no more jobs" G
is "not one" "$(crm see "sfCalls.filter((c) => c.path.includes('jobs/')).length")" 0

# -- an hour later a job fails with some of its rows done --
later 3700
crm post sf ingest '{"after_rows": 500, "message": "InternalServerError : Something broke"}' >/dev/null
forget_calls
with H
arrived "a job that fails in the middle" H
like "says why" "$(crm see 'lane("salesforce").bulk_failed')" 'Something broke'
is "what it wrote is not written again" "$(crm see 'sfWrites.reduce((n, c) => n + c.records, 0)')" $((n - 500))
is "needs nobody" "$(crm see 'lane("salesforce").held')" 0
no_jobs
is "no error in the log" "$(log | grep '^[^ ]* error ')" ""
finish
