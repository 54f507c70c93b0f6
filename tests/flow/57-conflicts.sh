#!/usr/bin/env bash
# Fields that Billhook shares with people: what they enter stays where the
# mapping says so, and the org is read only when our own value changes.
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
stages='"enum": {"draft": "Prospecting", "open": "Qualification", "paid": "Closed Won", "void": "Closed Lost"}'
map_to '{"name": "account", "from": "customer", "to": "Account", "key": "Billhook_Id__c",
	"match": [{"by": "key"}, {"by": "value", "fields": [{"to": "AccountNumber", "from": "external_id"}]}, {"by": "id", "from": "salesforce_id"}], "fields": [
	{"to": "Name", "from": "name", "when": "on_create"},
	{"to": "Billhook_Note__c", "from": "name"},
	{"to": "Phone", "from": "phone", "when": "if_empty"},
	{"to": "BillingStreet", "from": "address_line1", "when": "if_unchanged"},
	{"to": "BillingCity", "from": "address_city", "when": "if_unchanged"},
	{"to": "Billhook_Email__c", "from": "email", "when": "if_unchanged"},
	{"to": "Billhook_Balance__c", "from": "balance", "when": "if_unchanged"},
	{"to": "Billhook_Late__c", "from": "delinquent", "when": "if_unchanged"},
	{"to": "Billhook_Since__c", "from": "created_at", "when": "if_unchanged"},
	{"to": "Description", "from": "description", "when": "never"} ]},
	{"name": "recovery", "from": "invoice", "to": "Opportunity", "key": "Billhook_Id__c",
	"parents": [{"object": "account", "id": "customer", "to": "AccountId"}], "fields": [
	{"to": "Name", "from": "number"},
	{"to": "Amount", "from": "total"},
	{"to": "CloseDate", "from": "issued_on", "default": "2026-12-31", "when": "on_create"},
	{"to": "StageName", "from": "status", '"$stages"', "when": "if_unchanged"} ]}'

shown() {
	echo "[sf('Account','stripe:$1')].map((a) => [$2].map((f) => a[f] ?? 'none').join(', '))[0]"
}
address() {
	echo "\"address\":{\"line1\":\"$1\",\"city\":\"$2\",\"country\":\"DE\",\"line2\":null,\"postal_code\":null,\"state\":null}"
}
now() {
	is "$1" "$(crm see "$2")" "$3"
}
fields="'Name','Billhook_Note__c','Phone','BillingStreet','BillingCity','Billhook_Email__c','Billhook_Balance__c','Billhook_Late__c'"

# -- made by us --
bill customer cus_1 "\"name\":\"One\",\"phone\":\"+49 30 1\",\"email\":\"One@Example.com\",\"balance\":-1250,\"description\":\"note\",$(address "  Hauptstr. 1 " Berlin)"
seen "all but never is written" "$(shown cus_1 "$fields,'Description'")" "One, One, +49 30 1, Hauptstr. 1, Berlin, one@example.com, -12.5, false, none"
settled
forget_calls
bill customer cus_1 "\"name\":\"Two\",\"phone\":\"+49 30 1\",\"email\":\"One@Example.com\",\"balance\":-1250,$(address "  Hauptstr. 1 " Berlin)"
seen "where only other fields change" "$(shown cus_1 "'Name','Billhook_Note__c'")" "One, Two"
settled
is "nothing is read" "$(calls_made)" "PATCH composite/sobjects"
forget_calls
bill customer cus_1 "\"name\":\"Two\",\"phone\":\"+49 30 2\",\"email\":\"two@example.com\",\"balance\":0,\"delinquent\":true,$(address "Nebenstr. 2" Hamburg)"
seen "what nobody touched goes on" "$(shown cus_1 "$fields")" "One, Two, +49 30 2, Nebenstr. 2, Hamburg, two@example.com, 0, true"
settled
like "after one look" "$(calls_made)" '^(GET query|POST composite/sobjects/Account), PATCH composite/sobjects$'

# -- a person changes --
one=$(crm see "sf('Account','stripe:cus_1').Id")
people_change "{\"Account\": [{\"Id\": \"$one\", \"Name\": \"Theirs\", \"Billhook_Note__c\": \"theirs\", \"Phone\": \"+1 555\", \"BillingStreet\": \"Their Street\", \"BillingCity\": null, \"Billhook_Balance__c\": 7, \"Billhook_Late__c\": false}]}"
forget_calls
bill customer cus_1 "\"name\":\"Three\",\"phone\":\"+49 30 3\",\"email\":\"three@example.com\",\"balance\":500,\"delinquent\":false,$(address "Dritte Str. 3" München)"
seen "theirs stay, ours go on" "$(shown cus_1 "$fields")" "Theirs, Three, +1 555, Their Street, none, three@example.com, 7, false"
settled
like "after one look, too" "$(calls_made)" '^(GET query|POST composite/sobjects/Account), PATCH composite/sobjects$'
people_change "{\"Account\": [{\"Id\": \"$one\", \"Phone\": null, \"BillingStreet\": \"Nebenstr. 2\"}]}"
bill customer cus_1 "\"name\":\"Four\",\"phone\":\"+49 30 4\",\"email\":\"three@example.com\",\"balance\":500,$(address "Vierte Str. 4" Köln)"
seen "what they empty is filled, what they put back goes on" "$(shown cus_1 "$fields")" "Theirs, Four, +49 30 4, Vierte Str. 4, none, three@example.com, 7, false"
settled
bill customer cus_1 "\"name\":\"Four\",\"phone\":null,\"email\":null,\"balance\":500,$(address "Vierte Str. 4" Köln)"
seen "what billing empties is emptied where it is ours" "$(shown cus_1 "'Phone','Billhook_Email__c'")" "none, none"
settled
forget_calls
bh resync crm >/dev/null
settled "a resync"
now "has nothing to do" 'sfCalls.length' 0

# -- found, not made --
people_make '{"Account": [{"Name": "Old", "AccountNumber": "n2", "Phone": "+1 777", "BillingStreet": "Old Street"}]}'
bill customer cus_2 "\"name\":\"New\",\"phone\":\"+49 30 5\",\"metadata\":{\"salesforce_account_id\":\"$(id_of Account Name Old)\"},$(address "Neue Str. 5" Bonn)"
seen "in a record of theirs only what is empty is filled" "$(shown cus_2 "$fields")" "Old, New, +1 777, Old Street, Bonn, billing@example.com, 0, false"
settled

# -- what the user may not see --
org_is '{"hidden_fields": ["Account.BillingCity"]}'
bill customer cus_2 "\"name\":\"New Two\",\"phone\":\"+49 30 5\",\"metadata\":{\"salesforce_account_id\":\"$(id_of Account Name Old)\"},$(address "Neue Str. 5" Kassel)"
seen "a field that cannot be read is left alone, the rest goes on" "$(shown cus_2 "'Billhook_Note__c','BillingCity'")" "New Two, Bonn"
settled
now "which is told" "['code','cause'].map((m) => link('account','cus_2')[m])" '["HIDDEN_FIELD","Written, but BillingCity was left out: the connection'"'"'s user may not read it"]'
org_is '{"hidden_fields": []}'
bh resync crm >/dev/null
seen "with the right given, a resync writes it" "$(shown cus_2 "'BillingCity'")" "Kassel"
settled
now "and nothing is told any more" "link('account','cus_2').code" ""

# -- a stage that a person moved --
bill invoice in_1 '"customer":"cus_1","status":"open","total":5000'
bill invoice in_2 '"customer":"cus_1","status":"open","total":6000'
deal="['in_1','in_2'].map((i) => sf('Opportunity','stripe:' + i)).map((o) => [o.StageName, o.Amount].join(' ')).join(', ')"
seen "opportunities are made" "$deal" "Qualification 50, Qualification 60"
settled
people_change "{\"Opportunity\": [{\"Id\": \"$(crm see "sf('Opportunity','stripe:in_1').Id")\", \"StageName\": \"Negotiation/Review\", \"CloseDate\": \"2027-01-31\"}]}"
bill invoice in_1 '"customer":"cus_1","status":"paid","total":5500'
bill invoice in_2 '"customer":"cus_1","status":"paid","total":6600'
seen "a stage that a person moved stays, its amount goes on; others move" "$deal" "Negotiation/Review 55, Closed Won 66"
now "what is written once stays theirs" "sf('Opportunity','stripe:in_1').CloseDate" 2027-01-31
settled

# -- workers that die --
forget_calls
for i in 1 2 3 4 5 6 7 8; do
	bill customer cus_1 "\"name\":\"Round $i\",\"phone\":\"+49 30 6\",\"email\":\"round$i@example.com\",\"balance\":500,$(address "Runde $i" Köln)"
	[ "$i" -ne 4 ] || people_change "{\"Account\": [{\"Id\": \"$one\", \"BillingStreet\": \"Between\"}]}"
	for worker in $(workers); do
		kill -9 "$worker" 2>/dev/null
	done
	sleep 0.1
done
settled "workers die all the time" 30
now "ours is the last" "$(shown cus_1 "'Billhook_Note__c','Billhook_Email__c'")" "Round 8, round8@example.com"
now "theirs stays" "$(shown cus_1 "'BillingStreet','Name','Billhook_Balance__c'")" "Between, Theirs, 7"
status "no person is needed" 0 bh status
is "nothing to complain in the log" "$(log | grep '^[^ ]* error ')" ""
finish
