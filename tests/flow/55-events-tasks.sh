#!/usr/bin/env bash
# What cannot be upserted: platform events, told once for each event, and
# Tasks, which are looked for before they are made.
# shellcheck disable=SC2016,SC2317 # JavaScript; called by wait_for
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
leave_root
# shellcheck source=org.sh
. "$flow/org.sh"

org {}
behind_lighttpd data
serve_web
map_to '{"name": "account", "from": "customer", "to": "Account", "key": "Billhook_Id__c", "fields": [{"to": "Name", "from": "name"}]},
	{"name": "told", "from": "event", "to": "Billhook_Told__e", "key": "Event_Id__c", "if": {"field": "kind", "is": "invoice"},
	"fields": [{"to": "Type__c", "from": "type"}, {"to": "Object_Id__c", "from": "object_id"}, {"to": "Summary__c", "from": "summary"}, {"to": "Amount__c", "from": "amount"}]},
	{"name": "task", "from": "invoice", "to": "Task", "key": "Billhook_Id__c", "if": {"field": "status", "not_in": ["draft"]},
	"parents": [{"object": "account", "id": "customer", "to": "WhatId"}],
	"fields": [{"to": "Subject", "from": "Invoice {number}: {total} {currency}"}, {"to": "ActivityDate", "from": "due_on", "default": "2026-12-31"},
	{"to": "Status", "from": "status", "enum": {"paid": "Completed", "*": "Not Started"}, "when": "if_unchanged"}]}'
told='(id) => sfEvents("Billhook_Told__e").filter((e) => id === undefined || e.Object_Id__c === id)'
task="(id) => sf('Task').filter((t) => t.Billhook_Id__c === 'stripe:' + id)"

# -- events --
bill customer cus_1 '"name":"One"'
bill invoice in_1 '"customer":"cus_1","total":1200,"event":"evt_in_1"'
all_seen "an event is told" "($told)('in_1').map((e) => [e.Event_Id__c, e.Type__c, e.Amount__c, e.Summary__c].join(', '))" '["stripe:evt_in_1, invoice.updated, 12, invoice in_1 of cus_1: open, 12.00 USD"]' \
	"what the mapping leaves out is not" "($told)().length" 1
settled
same='"customer":"cus_1","total":1300,"event":"evt_in_1b","status":"paid"'
bill invoice in_1 "$same"
bill invoice in_1 "$same"
bill invoice in_1 "$same"
seen "delivered three times" "($told)('in_1').map((e) => e.Event_Id__c)" '["stripe:evt_in_1","stripe:evt_in_1b"]'
settled
is "it is told once" "$(crm see 'sfEvents("Billhook_Told__e").length')" 2
forget_calls
bh resync crm >/dev/null
is "replayed, too" "$(bh replay --connection stripe --all)" "3 events will be handled again"
settled "after a resync and a replay"
is "nothing is told again, and nothing is sent" "$(crm see 'sfEvents("Billhook_Told__e").length + " " + sfCalls.length')" "2 0"
faults '{"match": {"object": "Billhook_Told__e"}, "do": {"drop": "after"}}'
bill invoice in_2 '"customer":"cus_1","total":100,"event":"evt_in_2"'
seen "an answer that is lost: told again, by the same id" "new Set(($told)('in_2').map((e) => e.Event_Id__c)).size === 1 && link('task','in_2').state" clean
settled
like "twice at most" "$(crm see "($told)('in_2').length")" '^[12]$'
faults '{"match": {"object": "Billhook_Told__e"}, "do": {"record_error": {"statusCode": "PLATFORM_EVENT_ENCRYPTION_ERROR", "message": "no key"}}}'
bill invoice in_3 '"customer":"cus_1","event":"evt_in_3"'
seen "one that is refused waits for a person, its task does not" "[lane('salesforce').held, ($task)('in_3').length]" '[1,1]'
bh retry salesforce >/dev/null
seen "who retries it" "($told)('in_3').length" 1
org_is "{\"hourly_event_limit\": $(crm see 'sfEvents("Billhook_Told__e").length')}"
bill invoice in_4 '"customer":"cus_1","event":"evt_in_4"'
seen "no more events in this hour: its task is made" "($task)('in_4').length" 1
org_is '{"hourly_event_limit": 50000}'
restart 3610
seen "the event is told an hour later" "($told)('in_4').map((e) => e.Event_Id__c)" '["stripe:evt_in_4"]'
settled

# -- tasks --
all_seen "there is one task for each invoice" "sf('Task').map((t) => t.Billhook_Id__c).sort()" '["stripe:in_1","stripe:in_2","stripe:in_3","stripe:in_4"]' \
	"below its account" "sf('Task').every((t) => t.WhatId === sf('Account','stripe:cus_1').Id)" true \
	"as the invoice is by now" "($task)('in_1').map((t) => [t.Subject, t.Status].join(', '))" '["Invoice EX-in_1: 13.00 USD, Completed"]'
people_change "{\"Task\": [{\"Id\": \"$(id_of Task Billhook_Id__c stripe:in_2)\", \"Status\": \"Deferred\"}]}"
forget_calls
bill invoice in_2 '"customer":"cus_1","total":200,"status":"paid"'
seen "a task is changed, what a person set stays" "($task)('in_2').map((t) => [t.Subject, t.Status].join(', '))" '["Invoice EX-in_2: 2.00 USD, Deferred"]'
settled
is "it is known by its id: nothing is looked for" "$(crm see "sfCalls.filter((c) => c.path.includes('query')).length")" 0
faults '{"match": {"object": "Task"}, "do": {"drop": "after"}}, {"match": {"object": "Task"}, "skip": 1, "do": {"truncate": 30}}'
bill invoice in_5 '"customer":"cus_1","total":500,"event":"evt_in_5"'
seen "an answer that is lost" "link('task','in_5').state" clean
is "makes no second task" "$(crm see "($task)('in_5').length")" 1
crm delete sf faults >/dev/null
people_make "{\"Task\": [{\"Subject\": \"Theirs\", \"Billhook_Id__c\": \"stripe:in_6\"}]}"
bill invoice in_6 '"customer":"cus_1","total":600'
seen "one that is there is found by its key" "($task)('in_6').map((t) => t.Subject)" '["Invoice EX-in_6: 6.00 USD"]'
settled

# -- workers that die --
clock=$((clock + 100))
(
	for i in $(seq 1 12); do
		bill invoice "in_k$i" "\"customer\":\"cus_k$((i % 3))\",\"event\":\"evt_k$i\""
		bill customer "cus_k$((i % 3))" "\"name\":\"K$((i % 3))\""
	done
) &
sending=$!
while kill -0 "$sending" 2>/dev/null; do
	for worker in $(workers); do
		kill -9 "$worker" 2>/dev/null
	done
	sleep 0.2
done
wait "$sending"
settled "workers die all the time" 40
all_seen "each event is told" "new Set(($told)().filter((e) => /k/.test(e.Object_Id__c)).map((e) => e.Event_Id__c)).size" 12 \
	"each invoice has one task" "sf('Task').filter((t) => /in_k/.test(t.Billhook_Id__c)).map((t) => t.Billhook_Id__c).sort().join()" \
	"$(seq 1 12 | sed 's/^/stripe:in_k/' | LC_ALL=C sort | paste -sd,)"
like "and few events are told twice" "$(crm see "($told)().filter((e) => /k/.test(e.Object_Id__c)).length - 12")" '^[0-8]$'
status "no person is needed" 0 bh status
is "nothing to complain in the log" "$(log | grep '^[^ ]* error ')" ""
finish
