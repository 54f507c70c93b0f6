#!/usr/bin/env bash
# A portal full of companies and contacts that people made: which of them is a
# customer's?  By the id that billing holds, our key, e-mail, domain; several wait for a
# person.  What people enter stays, what they merge or delete is noticed, and a
# contact that holds the customer's e-mail address is the customer.
# shellcheck disable=SC2016,SC2119,SC2317 # JavaScript; arguments that may be left out; called by wait_for
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
leave_root
# shellcheck source=org.sh
. "$flow/org.sh"

cat >"$work/portal.json" <<'END'
{"properties": {
  "companies": [
    {"name": "billhook_id", "label": "Billhook Id", "type": "string", "fieldType": "text", "groupName": "companyinformation", "hasUniqueValue": true},
    {"name": "billhook_email", "label": "Billing Email", "type": "string", "fieldType": "text", "groupName": "companyinformation"},
    {"name": "billhook_note", "label": "Note", "type": "string", "fieldType": "text", "groupName": "companyinformation"},
    {"name": "billhook_balance", "label": "Balance", "type": "number", "fieldType": "number", "groupName": "companyinformation"},
    {"name": "billhook_since", "label": "Since", "type": "date", "fieldType": "date", "groupName": "companyinformation"},
    {"name": "billhook_late", "label": "Late", "type": "bool", "fieldType": "booleancheckbox", "groupName": "companyinformation",
     "options": [{"label": "Yes", "value": "true"}, {"label": "No", "value": "false"}]}],
  "contacts": [
    {"name": "billhook_id", "label": "Billhook Id", "type": "string", "fieldType": "text", "groupName": "contactinformation", "hasUniqueValue": true}]}}
END
start hubspot node "$BH_SRCDIR/tests/crm/hubspot.mjs" --port 0 --port-file "$work/hs.port" --schema "$work/portal.json" \
	--settings '{"search_lag_ms": 300}' --witness
wait_for 10 test -f "$work/hs.port" || not_ok "the portal starts" "$(cat "$work/hubspot.log")"
export HS_URL
HS_URL=http://127.0.0.1:$(cat "$work/hs.port")
behind_lighttpd data
serve_web

# portal_map OBJECTS: the set-up with these mapped objects, applied and at rest
portal_map() {
	local before
	before=$(looked_again)
	cat >"$work/set-up.json" <<-END
	{ "billhook": 1,
	  "connections": [
	    { "code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
	    { "code": "hubspot", "driver": "hubspot", "settings": {"flow": "token", "base_url": "$HS_URL"}, "secrets": {"access_token": "env:FLOW_HS_TOKEN"} } ],
	  "syncs": [ { "code": "crm", "from": "stripe", "to": "hubspot", "settings": {},
	    "mapping": { "name": "crm", "objects": [ $1 ] } } ] }
	END
	bh apply --quiet "$work/set-up.json" || not_ok "apply" "$(cat "$work/set-up.json")"
	wait_for 15 has_looked_again "$before" || not_ok "a new mapping is put to use"
	crm see --wait 15 "$in_step" >/dev/null || not_ok "a new mapping comes to rest"
}
people_do() { # METHOD PATH [JSON]: as a person does it
	curl -sf -X "$1" "$HS_URL/crm/objects/2026-09/$2" -H 'Authorization: Bearer pat-sim-token' \
		-H 'Content-Type: application/json' ${3:+-d "$3"} >/dev/null || not_ok "people $1 $2"
}
hs_id() { # TYPE PROPERTY VALUE
	crm see "(hs('$1').find((r) => r.$2 === '$3') ?? {}).id"
}
hs_calls() {
	crm see 'hsCalls.map((c) => c.method + " " + c.path.replace(/\?.*/, "").replace(/^.*2026-09\//, "")).join(", ")'
}
rules='{"by": "id", "from": "hubspot_id"}, {"by": "key"},
	{"by": "value", "fields": [{"to": "billhook_email", "from": "email"}]},
	{"by": "domain", "to": "domain", "from": "{email|company_domain}"}'
fields='{"to": "name", "from": "name", "when": "on_create"}, {"to": "billhook_note", "from": "name"},
	{"to": "phone", "from": "phone", "when": "if_empty"},
	{"to": "address", "from": "address_line1", "when": "if_unchanged"},
	{"to": "billhook_balance", "from": "balance", "when": "if_unchanged"},
	{"to": "billhook_since", "from": "created_at", "as": "date", "when": "if_unchanged"},
	{"to": "billhook_late", "from": "delinquent", "when": "if_unchanged"}'
company="{\"name\": \"company\", \"from\": \"customer\", \"to\": \"companies\", \"key\": \"billhook_id\", \"match\": [$rules], \"fields\": [$fields]}"
crm post hs records '{"companies": [
	{"properties": {"name": "Alpha Holding"}}, {"properties": {"name": "Keyed", "billhook_id": "stripe:cus_key"}},
	{"properties": {"name": "Mail Corp", "billhook_email": "pay@mail.example"}},
	{"properties": {"name": "Web Corp", "domain": "webcorp.example"}}, {"properties": {"name": "Not Web Corp", "domain": "notwebcorp.example"}},
	{"properties": {"name": "Free Mail", "domain": "gmail.com"}}, {"properties": {"name": "Shared", "domain": "shared.example"}},
	{"properties": {"name": "Many One", "domain": "many.example"}}, {"properties": {"name": "Many Two", "domain": "www.many.example"}},
	{"properties": {"name": "Old", "domain": "old.example", "phone": "+1 777", "address": "Old Street"}} ]}' >/dev/null
before=$(crm see "hs('companies').length")
portal_map "$company"
alpha=$(hs_id companies name "Alpha Holding")

# -- each rule --
bill customer cus_id "\"name\":\"Alpha Ltd\",\"email\":\"pay@mail.example\",\"metadata\":{\"hubspot_company_id\":\"$alpha\"}"
bill customer cus_key '"name":"Keyed Ltd","email":"x@gmail.com"'
bill customer cus_mail '"name":"Mail Ltd","email":"Pay@MAIL.example"'
bill customer cus_web '"name":"Web Ltd","email":"kim@webcorp.example"'
how() {
	echo "((key) => { const a = hs('companies', 'stripe:' + key); return [a.id === link('company', key).remote_id, link('company', key).how].join(': '); })('$1')"
}
all_seen "by the id that billing holds" "$(how cus_id)" "true: the billing system names its id" \
	"by our key" "$(how cus_key)" "true: it carries the key stripe:cus_key" \
	"by e-mail, whatever the case" "$(how cus_mail)" "true: billhook_email is pay@mail.example" \
	"by domain, and by no other that ends alike" "$(how cus_web)" "true: domain is webcorp.example" \
	"what was found is written by its id" "[hs('companies','stripe:cus_id')].map((c) => c.id + ' ' + c.name + ', ' + c.billhook_note)[0]" "$alpha Alpha Holding, Alpha Ltd" \
	"none is made" "hs('companies').length" "$before"
settled
crm delete hs calls >/dev/null
bill customer cus_web '"name":"Web Two","email":"new@moved.example"'
all_seen "what is known is written by its id" "hs('companies','stripe:cus_web').billhook_note" "Web Two"
settled
is "it is read, and not looked for" "$(hs_calls)" "POST companies/batch/read, POST companies/batch/update"

# -- none fits, somebody else has it, several fit --
bill customer cus_free '"name":"Nobody","email":"nobody@gmail.com"'
bill customer cus_shared1 '"name":"Shared One","email":"a@shared.example"'
settled
bill customer cus_shared2 '"name":"Shared Two","email":"b@shared.example"'
bill customer cus_thief "\"name\":\"Thief\",\"email\":\"t@gmail.com\",\"metadata\":{\"hubspot_company_id\":\"$alpha\"}"
bill customer cus_many '"name":"Many","email":"m@many.example"'
all_seen "whom nothing fits gets a new one" "[hs('companies','stripe:cus_free').name, link('company','cus_free').how]" '["Nobody",""]' \
	"a company that has a customer is nobody else's" "[hs('companies','stripe:cus_shared1').domain, hs('companies','stripe:cus_shared2').domain]" '["shared.example",null]' \
	"an id that is another customer's waits for a person" "['state','code'].map((m) => link('company','cus_thief')[m])" '["held","TAKEN"]' \
	"so do several" "['state','code','cause'].map((m) => link('company','cus_many')[m])" '["held","AMBIGUOUS","2 records match: domain is many.example"]'
settled
two=$(hs_id companies name "Many Two")
status "a person chooses" 0 bh match set crm company cus_many "$two"
all_seen "the chosen one is taken" "hs('companies','stripe:cus_many').id" "$two" "so many are made" "hs('companies').length" "$((before + 2))"
settled

# -- what people enter --
shown() {
	echo "[hs('companies','stripe:$1')].map((c) => [c.name, c.billhook_note, c.phone, c.address, c.billhook_balance, c.billhook_late].map((v) => v ?? 'none').join(', '))[0]"
}
address() {
	echo "\"address\":{\"line1\":\"$1\",\"city\":null,\"country\":\"DE\",\"line2\":null,\"postal_code\":null,\"state\":null}"
}
bill customer cus_1 "\"name\":\"One\",\"phone\":\"+49 30 1\",\"email\":\"one@gmail.com\",\"balance\":-1250,$(address "Hauptstr. 1")"
bill customer cus_old "\"name\":\"New\",\"phone\":\"+49 30 5\",\"email\":\"x@old.example\",$(address "Neue Str. 5")"
all_seen "all is written with the creation" "$(shown cus_1)" "One, One, +49 30 1, Hauptstr. 1, -12.50, false" \
	"in a record of theirs only what is empty is filled" "$(shown cus_old)" "Old, New, +1 777, Old Street, 0.00, false"
settled
bill customer cus_1 "\"name\":\"Two\",\"phone\":\"+49 30 2\",\"email\":\"one@gmail.com\",\"balance\":500,\"delinquent\":true,$(address "Nebenstr. 2")"
seen "what nobody touched goes on" "$(shown cus_1)" "One, Two, +49 30 2, Nebenstr. 2, 5.00, true"
settled
one=$(crm see "hs('companies','stripe:cus_1').id")
people_do PATCH "companies/$one" '{"properties": {"name": "Theirs", "billhook_note": "theirs", "phone": "+1 555", "address": "Their Street", "billhook_balance": "7", "billhook_late": "false"}}'
bill customer cus_1 "\"name\":\"Three\",\"phone\":\"+49 30 3\",\"email\":\"one@gmail.com\",\"balance\":900,\"delinquent\":false,$(address "Dritte Str. 3")"
seen "theirs stay, ours go on" "$(shown cus_1)" "Theirs, Three, +1 555, Their Street, 7, false"
settled

# -- merged and deleted --
web=$(crm see "hs('companies','stripe:cus_web').id")
not_web=$(hs_id companies name "Not Web Corp")
crm post hs merge "{\"type\": \"companies\", \"primary\": \"$not_web\", \"other\": \"$web\"}" >/dev/null
bill customer cus_web '"name":"Web Three","email":"new@moved.example"'
all_seen "a merged record's survivor is kept in step" "[hs('companies','stripe:cus_web')].map((c) => c.id + ' ' + c.billhook_note)[0]" "$not_web Web Three"
settled
people_do DELETE "companies/$one"
bill customer cus_1 '"name":"Four","email":"one@gmail.com"'
all_seen "what a person deleted is not made again" "['state','code','cause'].map((m) => link('company','cus_1')[m])" '["held","DELETED","A person deleted the record in the CRM"]'
settled

# -- who stands in the way --
crm post hs records '{"contacts": [ {"properties": {"email": "ada@person.example", "firstname": "Ada"}},
	{"properties": {"email": "bob@person.example", "firstname": "Bob"}},
	{"properties": {"email": "eve@person.example", "billhook_id": "stripe:cus_else"}} ]}' >/dev/null
ada=$(hs_id contacts firstname Ada) bob=$(hs_id contacts firstname Bob)
portal_map '{"name": "person", "from": "customer", "to": "contacts", "key": "billhook_id",
	"fields": [{"to": "email", "from": "email"}, {"to": "lastname", "from": "name"}]}'
bill customer cus_ada '"name":"Lovelace","email":"Ada@person.example"'
settled
crm post hs settings '{"email_conflict": "coordinates"}' >/dev/null
bill customer cus_bob '"name":"Bobson","email":"bob@person.example"'
bill customer cus_eve '"name":"Evil","email":"eve@person.example"'
all_seen "the contact with the same e-mail is adopted" "[hs('contacts','stripe:cus_ada')].map((c) => c.id + ' ' + c.firstname + ' ' + c.lastname)[0]" "$ada Ada Lovelace" \
	"why is told" "link('person','cus_ada').how" "it holds a value that only one record may have" \
	"in another of HubSpot's words, too" "[hs('contacts','stripe:cus_bob')].map((c) => c.id + ' ' + c.lastname)[0]" "$bob Bobson" \
	"one that is another's waits for a person" "['state','code'].map((m) => link('person','cus_eve')[m])" '["held","CONFLICT"]' \
	"none is made" "hs('contacts').filter((c) => /person.example/.test(c.email)).length" 3
settled
crm delete hs calls >/dev/null
bill customer cus_ada '"name":"Byron","email":"ada@person.example"'
seen "it is kept in step" "hs('contacts','stripe:cus_ada').lastname" Byron
settled
is "by its id" "$(hs_calls)" "POST contacts/batch/read, POST contacts/batch/update"
is "nothing to complain in the log" "$(log | grep '^[^ ]* error ')" ""
finish
