#!/usr/bin/env bash
# What HubSpot cannot upsert: tasks, which are looked for where they stand before they
# are made, and custom events, which are installed, sent in batches, and taken once.
# Lost answers, limits, dying workers and portals without Enterprise included.
# shellcheck disable=SC2016,SC2119,SC2317 # JavaScript; arguments that may be left out; called by wait_for
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
leave_root
# shellcheck source=org.sh
. "$flow/org.sh"

export FLOW_TOKEN=token-0123456789
start hubspot node "$BH_SRCDIR/tests/crm/hubspot.mjs" --port 0 --port-file "$work/hs.port" \
	--settings '{"search_lag_ms": 30000, "association_page": 2}' --witness
wait_for 10 test -f "$work/hs.port" || not_ok "the portal starts" "$(cat "$work/hubspot.log")"
export HS_URL
HS_URL=http://127.0.0.1:$(cat "$work/hs.port")
behind_lighttpd data
serve_web

reader='{"objects": [
  {"kind": "customer", "optional": true, "id": "/customer/id", "fields": {"name": "/customer/name", "email": "/customer/email"}},
  {"kind": "recovery", "optional": true, "id": "/recovery/id", "fields": {"customer": "/recovery/customer", "customer_email": "/recovery/email", "stage": "/recovery/stage",
    "currency": "/recovery/currency", "amount": {"from": "/recovery/failed", "as": "minor"}, "started_at": {"from": "/recovery/started", "as": "time"}}}]}'
# portal_map TASK-FIELDS [SETTINGS OF churn [SETTINGS OF hubspot]]: the set-up, applied
portal_map() {
	bh apply --quiet - <<-END || not_ok "apply"
	{ "billhook": 1,
	  "connections": [
	    { "code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
	    { "code": "news", "driver": "generic", "secrets": {"webhook": "env:FLOW_TOKEN"},
	      "settings": {"scheme": "token", "event_id": "/id", "event_type": "/type", "reader": $reader} },
	    { "code": "hubspot", "driver": "hubspot", "settings": {"flow": "token", "base_url": "$HS_URL"${3:+, $3}}, "secrets": {"access_token": "env:FLOW_HS_TOKEN"} } ],
	  "syncs": [
	    { "code": "churn", "from": "news", "to": "hubspot", "preset": "lostchurn-hubspot", "settings": {"deals": "no"${2:+, $2}} },
	    { "code": "crm", "from": "stripe", "to": "hubspot", "settings": {}, "mapping": { "name": "crm", "objects": [
	      { "name": "company", "from": "customer", "to": "companies", "key": "billhook_customer_id", "fields": [{"to": "name", "from": "name"}] },
	      { "name": "person", "from": "customer", "to": "contacts", "key": "billhook_customer_id", "fields": [{"to": "lastname", "from": "name"}] },
	      { "name": "task", "from": "invoice", "to": "tasks", "key": "${task_key:-body_key}", "if": {"field": "status", "not_in": ["draft"]},
	        "parents": [{"object": "company", "id": "customer"}, {"object": "person", "id": "customer"}],
	        "fields": [{"to": "hs_task_subject", "from": "Invoice {number}: {total} {currency}"}, {"to": "hs_timestamp", "from": "due_on", "as": "time", "default": "2026-12-31T09:00:00Z"},
	          {"to": "hs_task_type", "value": "TODO"}, $1
	          {"to": "hs_task_status", "from": "status", "enum": {"paid": "COMPLETED", "*": "NOT_STARTED"}, "when": "if_unchanged"}] } ] } } ] }
	END
}
body='{"to": "hs_task_body", "from": "Look at invoice {number}", "when": "if_unchanged"},'
hs_faults() {
	crm post hs faults "{\"faults\": [$1]}" >/dev/null || not_ok "faults" "$1"
}
forget_faults() {
	crm delete hs faults >/dev/null
}
portal_is() {
	crm post hs settings "$1" >/dev/null || not_ok "settings of the portal" "$1"
}
people_do() { # METHOD PATH [JSON]: as a person does it
	curl -sf -X "$1" "$HS_URL$2" -H 'Authorization: Bearer pat-sim-token' -H 'Content-Type: application/json' ${3:+-d "$3"} >/dev/null ||
		not_ok "people $1 $2"
}
hs_calls() {
	crm see 'hsCalls.map((c) => c.method + " " + c.path.replace(/\?.*/, "").replace(/^.*2026-09\//, "")).join(", ")'
}
# tell EVENT: of the generic source
tell() {
	printf '%s' "$1" >"$work/news"
	signed --header "X-Webhook-Token: $FLOW_TOKEN" "$(hook news)" stripe "@$work/news" >/dev/null
}
recovery() { # EVENT TYPE RECOVERY STAGE
	tell "{\"id\": \"$1\", \"type\": \"recovery.$2\", \"recovery\": {\"id\": \"$3\", \"customer\": \"c1\", \"email\": \"ada@example.com\", \"stage\": \"$4\", \"currency\": \"eur\", \"failed\": 4900, \"started\": \"2026-11-20T08:00:00Z\"}}"
}
task='(id) => hs("tasks").filter((t) => (t.hs_task_body ?? "").includes("[Billhook stripe:" + id + "]"))'
told='hsEvents.map((e) => [e.properties.event_id, e.properties.event_type].join(" "))'

portal_map "$body"
status "install" 0 bh crm hubspot install
unlike "nothing of tasks and events is needed" "$out" 'tasks|event'

# -- tasks --
bill customer cus_1 '"name":"Acme"'
bill invoice in_1 '"customer":"cus_1","total":1200'
all_seen "a task is made" "($task)('in_1').map((t) => [t.hs_task_subject, t.hs_task_body, t.hs_task_status, t.hs_timestamp.slice(0, 4)].join(', '))" '["Invoice EX-in_1: 12.00 USD, Look at invoice EX-in_1<br>[Billhook stripe:in_1], NOT_STARTED, 2026"]' \
	"at the company and the contact" "($task)('in_1').map((t) => [t.links.companies[0].id === hs('companies','stripe:cus_1').id, t.links.companies[0].types[0], t.links.contacts[0].types[0]])" '[[true,192,204]]'
settled
crm delete hs calls >/dev/null
bill invoice in_1 '"customer":"cus_1","total":1300,"status":"paid"'
seen "it is changed and completed" "($task)('in_1').map((t) => [t.hs_task_subject, t.hs_task_status].join(', '))" '["Invoice EX-in_1: 13.00 USD, COMPLETED"]'
settled
is "known by its id: nothing is looked for" "$(hs_calls)" "POST tasks/batch/read, POST tasks/batch/update"
people_do PATCH "/crm/objects/2026-09/tasks/$(crm see "($task)('in_1')[0].id")" '{"properties": {"hs_task_body": "Ada: they pay on Friday<br>[Billhook stripe:in_1]", "hs_task_status": "WAITING"}}'
bill invoice in_1 '"customer":"cus_1","total":1400,"status":"open","number":"EX-1b"'
seen "what people wrote stays" "($task)('in_1').map((t) => [t.hs_task_subject, t.hs_task_body, t.hs_task_status].join(', '))" '["Invoice EX-1b: 14.00 USD, Ada: they pay on Friday<br>[Billhook stripe:in_1], WAITING"]'
settled

# an answer that is lost, in each way in which it can be
hs_faults '{"match": {"path": "tasks/batch/create"}, "do": {"drop": "after"}}'
bill invoice in_2 '"customer":"cus_1","total":200'
seen "an answer that is lost" "link('task','in_2').state" clean
is "makes no second task" "$(crm see "($task)('in_2').length")" 1
hs_faults '{"match": {"path": "tasks/batch/create"}, "do": {"short_results": 1}}'
bill invoice in_3 '"customer":"cus_1","total":300'
seen "one that does not mention the task" "link('task','in_3').state" clean
is "neither" "$(crm see "($task)('in_3').length")" 1
hs_faults '{"match": {"path": "tasks/batch/create"}, "do": {"status": 502, "after": true}}'
bill invoice in_4 '"customer":"cus_1","total":400'
seen "an outage" "link('task','in_4').state" clean
is "neither: all pages of the company's tasks are read" "$(crm see "($task)('in_4').length")" 1
hs_faults '{"match": {"path": "companies/tasks/batch/read"}, "times": 2, "do": {"status": 503}}'
bill invoice in_5 '"customer":"cus_1","total":500'
seen "while nobody can look, none is made; then one" "[link('task','in_5').state, ($task)('in_5').length]" '["clean",1]'
settled
crm delete hs calls >/dev/null
bh resync crm >/dev/null
settled "after a resync"
is "nothing is written again" "$(hs_calls)" ""

# -- custom events --
portal_map "$body" '"recovery_events": "yes"'
status "what events need is missing" 4 bh crm hubspot plan
like "and told" "$out" '^missing +event +billhook_recovery_event__e, for recovery_event of sync churn$'
tell '{"id": "n1", "customer": {"id": "c1", "name": "Ada King", "email": "ada@example.com"}}'
recovery e1 started r1 open_early
seen "an event that is not defined waits for a person, the contact does not" "[dump.includes('EVENT_UNKNOWN'), hs('contacts','generic:c1').lastname]" '[true,"King"]'
portal_is '{"enterprise": false}'
status "install without Enterprise" 4 bh crm hubspot install
like "tells cause" "$out" '^failed +billhook_recovery_event__e: Custom events need an Enterprise subscription, and the token their scopes: .*behavioral_events.event_definitions.read_write'
like "and remedy" "$out" 'Switch events off in the sync'
bill invoice in_6 '"customer":"cus_1","total":600'
bh retry hubspot >/dev/null
seen "a right that is missing is named, all else goes on" "[dump.includes('analytics.behavioral_events.send'), ($task)('in_6').length]" '[true,1]'
portal_is '{"enterprise": true}'
status "install with Enterprise" 0 bh crm hubspot install
like "makes the event with its properties" "$(grep -c '^created.*billhook_recovery_event__e' <<<"$out")" '^7$'
bh retry hubspot >/dev/null
all_seen "the event is sent" "$told" '["generic:e1 started"]' \
	"about the contact, as it happened" "hsEvents.map((e) => [e.objectId === hs('contacts','generic:c1').id, e.properties.amount, e.properties.currency, e.properties.recovery_id, e.email, e.lost])" '[[true,"49.00","EUR","r1",null,false]]' \
	"under the portal's name for it" "hsEvents[0].eventName" pe4711000_billhook_recovery_event
recovery e2 retried r1 open_late
recovery e2 retried r1 open_late
recovery e2 retried r1 open_late
seen "told three times, sent once" "$told" '["generic:e1 started","generic:e2 retried"]'
settled
crm delete hs calls >/dev/null
bh resync churn >/dev/null
bh replay --connection news --all >/dev/null
settled "after a resync and a replay"
is "nothing is sent again" "$(crm see 'hsCalls.length')" 0
hs_faults '{"match": {"path": "send/batch"}, "do": {"drop": "after"}}'
recovery e3 escalated r1 open_late
all_seen "an answer that is lost: it is sent twice" "hsCalls.filter((c) => c.path.endsWith('send/batch')).length" 2 \
	"and taken once" "$told" '["generic:e1 started","generic:e2 retried","generic:e3 escalated"]'
status "counts" 0 bh crm hubspot count
like "what is told cannot be counted" "$out" 'billhook_recovery_event__e'

# -- workers that die, limits --
portal_is '{"ten_second_limit": 60, "window_ms": 1000}'
(
	for i in $(seq 1 8); do
		bill customer "cus_k$((i % 3))" "\"name\":\"K$((i % 3))\""
		bill invoice "in_k$i" "\"customer\":\"cus_k$((i % 3))\""
		recovery "k$i" retried "r$((i % 3))" open_late
	done
) &
sending=$!
while kill -0 "$sending" 2>/dev/null; do
	for worker in $(workers); do
		kill -9 "$worker" 2>/dev/null
	done
	sleep 0.3
done
wait "$sending"
settled "workers die all the time" 60
all_seen "each invoice has one task" "hs('tasks').map((t) => t.hs_task_body).filter((b) => b.includes('stripe:in_k')).map((b) => b.replace(/.*stripe:(.*)]/, '\$1')).sort().join()" "$(seq 1 8 | sed 's/^/in_k/' | paste -sd,)" \
	"each event is taken once" "$told.filter((t) => t.includes(':k')).sort().join()" "$(seq 1 8 | sed 's/.*/generic:k& retried/' | paste -sd,)"
portal_is '{"ten_second_limit": 190, "window_ms": 10000}'
status "no person is needed" 0 bh status
people_do DELETE "/crm/objects/2026-09/tasks/$(crm see "($task)('in_5')[0].id")"
bill invoice in_5 '"customer":"cus_1","total":550'
seen "one that a person deleted is not made anew" "[link('task','in_5').state, ($task)('in_5').length]" '["held",0]'

# -- leaving, and names that were used up --
status "disconnect and remove" 0 bh crm hubspot disconnect --remove --yes hubspot
like "the event goes, too" "$out" 'billhook_recovery_event__e'
is "it is gone" "$(crm get hs events | grep -c 'pe4711000_billhook_recovery_event"\]')" 0
portal_map "$body" '"recovery_events": "yes"'
status "install again" 4 bh crm hubspot install
like "a name that was deleted is told" "$out" '^failed +billhook_recovery_event__e: HubSpot had an event of this name once'

# -- a key of one's own on tasks, where the portal has that --
task_key=billhook_task_id
portal_map "$body"
status "install where tasks have no properties of one's own" 4 bh crm hubspot install
like "says so" "$out" '^failed +tasks\.billhook_task_id: HubSpot refuses it: Properties cannot be created'
portal_is '{"activity_properties": true}'
status "install where they have" 0 bh crm hubspot install
hs_faults '{"match": {"path": "tasks/batch/create", "key": "stripe:in_9"}, "do": {"drop": "after"}}'
bill invoice in_9 '"customer":"cus_1","total":900'
seen "a task by that key, its answer lost" "link('task','in_9').state" clean
is "is made once" "$(crm see "hs('tasks').filter((t) => t.billhook_task_id === 'stripe:in_9').map((t) => t.hs_task_body)")" '["Look at invoice EX-in_9"]'
task_key=body_key

portal_map "$body" '"recovery_events": "yes"' '"prefix": "acme_"'
status "under another prefix" 0 bh crm hubspot install
like "it can be made" "$out" '^created +acme_recovery_event__e$'
unlike "no secret in log and dump" "$(log && bh dump)" "$FLOW_HS_TOKEN"
finish
