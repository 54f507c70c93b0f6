#!/usr/bin/env bash
# An org full of Accounts that people made: which of them is a customer's?  By
# the id that billing holds, our key, e-mail, web site, name and country; in the
# mapping's order.  Several wait for a person; none is made twice.
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
rules='{"by": "id", "from": "salesforce_id"}, {"by": "key"},
	{"by": "value", "fields": [{"to": "Billhook_Email__c", "from": "email"}]},
	{"by": "domain", "to": "Website", "from": "{email|company_domain}"},
	{"by": "value", "fields": [{"to": "Name", "from": "name"}, {"to": "BillingCountry", "from": "address_country", "as": "country"}]}'
fields='{"to": "Name", "from": "name"}, {"to": "Billhook_Since__c", "from": "created_at"}'
invoice='{"name": "invoice", "from": "invoice", "to": "Billhook_Invoice__c", "key": "Billhook_Id__c",
	"parents": [{"object": "account", "id": "customer", "to": "Account__c"}], "fields": [{"to": "Name", "from": "number"}]}'
account() {
	echo "{\"name\": \"account\", \"from\": \"customer\", \"to\": \"Account\", \"key\": \"Billhook_Id__c\", \"create\": \"$1\", \"match\": [$rules], \"fields\": [$fields]}, $invoice"
}
people_make '{"Account": [
	{"Name": "Alpha Holding"}, {"Name": "Keyed", "Billhook_Id__c": "stripe:cus_key"}, {"Name": "Mail Corp", "Billhook_Email__c": "pay@mail.example"},
	{"Name": "Web Corp", "Website": "https://www.webcorp.example/about"}, {"Name": "Not Web Corp", "Website": "https://notwebcorp.example"},
	{"Name": "Sub Web Corp", "Website": "shop.webcorp.example"}, {"Name": "Free Mail", "Website": "https://gmail.com"},
	{"Name": "Land GmbH", "BillingCountry": "Germany"}, {"Name": "Land GmbH", "BillingCountry": "Austria"},
	{"Name": "First Rule", "Billhook_Email__c": "both@order.example"}, {"Name": "Later Rule", "Website": "order.example"},
	{"Name": "Shared", "Website": "http://shared.example"}, {"Name": "Shared Too", "Website": "http://sharedtoo.example"},
	{"Name": "Many One", "Website": "many.example"}, {"Name": "Many Two", "Website": "www.many.example/"},
	{"Name": "Other One", "Website": "other.example"}, {"Name": "Other Two", "Website": "other.example"},
	{"Name": "Inside", "Billhook_Email__c": "o'"'"'brien@odd.example"} ]}'
before=$(crm see "sf('Account').length")
map_to "$(account yes)"
alpha=$(id_of Account Name "Alpha Holding")
web=$(id_of Account Name "Web Corp")

# -- each rule --
bill customer cus_id "\"name\":\"Alpha Ltd\",\"email\":\"pay@mail.example\",\"metadata\":{\"salesforce_account_id\":\"${alpha:0:15}\"}"
bill customer cus_key '"name":"Keyed Ltd","email":"x@gmail.com"'
bill customer cus_mail '"name":"Mail Ltd","email":"Pay@MAIL.example"'
bill customer cus_web '"name":"Web Ltd","email":"kim@webcorp.example"'
bill customer cus_land '"name":"land gmbh","email":"someone@gmail.com"'
bill customer cus_order '"name":"Order Ltd","email":"both@order.example"'
bill customer cus_odd "\"name\":\"Odd Ltd\",\"email\":\"o'brien@odd.example\""
owner='(key) => { const a = sf("Account", "stripe:" + key); return [a.Id === link("account", key).remote_id, link("account", key).how].join(": "); }'
how() {
	echo "($owner)('$1')"
}
all_seen "by the id that billing holds" "$(how cus_id)" "true: the billing system names its id" \
	"by our key" "$(how cus_key)" "true: it carries the key stripe:cus_key" \
	"by e-mail, whatever the case" "$(how cus_mail)" "true: Billhook_Email__c is pay@mail.example" \
	"by web site, and by no other that ends alike" "$(how cus_web)" "true: Website is webcorp.example" \
	"by name and country, not by free mail" "$(how cus_land)" "true: Name is land gmbh, BillingCountry is Germany" \
	"the first rule of the mapping decides" "$(how cus_order)" "true: Billhook_Email__c is both@order.example" \
	"a quote in a value does no harm" "$(how cus_odd)" "true: Billhook_Email__c is o'brien@odd.example" \
	"none is made" "sf('Account').length" "$before" \
	"what was found is written" "[sf('Account','stripe:cus_id'), sf('Account','stripe:cus_web')].map((a) => [a.Id, a.Name].join(' '))" \
	"[\"$alpha Alpha Ltd\",\"$web Web Ltd\"]"
settled
is "others are left alone" "$(crm see "sf('Account').filter((a) => !a.Billhook_Id__c).map((a) => a.Name).sort()")" \
	'["Free Mail","Land GmbH","Later Rule","Many One","Many Two","Not Web Corp","Other One","Other Two","Shared","Shared Too","Sub Web Corp"]'

# -- from then on by id --
forget_calls
people_change "{\"Account\": [{\"Id\": \"$web\", \"Website\": \"elsewhere.example\", \"Billhook_Id__c\": null}]}"
bill customer cus_web '"name":"Web Two","email":"new@moved.example"'
all_seen "what is known is written by its id, and gets its key again" "[sf('Account','stripe:cus_web')].map((a) => a.Id + ' ' + a.Name)[0]" "$web Web Two"
settled
is "it is read, and not looked for" "$(calls_made)" "POST composite/sobjects/Account, PATCH composite/sobjects"

# -- none fits, or somebody else has it --
bill customer cus_free '"name":"Nobody","email":"nobody@gmail.com"'
bill customer cus_shared1 '"name":"Shared One","email":"a@shared.example"'
settled
bill customer cus_shared2 '"name":"Shared Two","email":"b@shared.example"'
send stripe '{"customer":"cus_shared3","name":"Too One","email":"a@sharedtoo.example"}' '{"customer":"cus_shared4","name":"Too Two","email":"b@sharedtoo.example"}' >/dev/null
all_seen "whom nothing fits gets a new one" "[sf('Account','stripe:cus_free').Name, link('account','cus_free').how]" '["Nobody",""]' \
	"an Account that has a customer is nobody else's" "[sf('Account','stripe:cus_shared1').Website, sf('Account','stripe:cus_shared2').Website]" '["http://shared.example",null]' \
	"nor where both come at once" "['cus_shared3','cus_shared4'].map((c) => sf('Account','stripe:' + c).Website).sort()" '["http://sharedtoo.example",null]' \
	"so many are made" "sf('Account').length" "$((before + 3))"
bill customer cus_thief "\"name\":\"Thief\",\"email\":\"t@gmail.com\",\"metadata\":{\"salesforce_account_id\":\"$alpha\"}"
bill customer cus_gone '"name":"Gone","email":"g@gmail.com","metadata":{"salesforce_account_id":"001000000000001AAA"}'
bill customer cus_junk '"name":"Junk","email":"j@gmail.com","metadata":{"salesforce_account_id":"see the wiki"}'
all_seen "an id that is another customer's waits for a person" "['state','code'].map((m) => link('account','cus_thief')[m])" '["held","TAKEN"]' \
	"who is told whose it is" "link('account','cus_thief').cause.includes('stripe:cus_id')" true \
	"an id that is not there, or no id, counts for nothing" "['gone','junk'].map((c) => sf('Account','stripe:cus_' + c).Name)" '["Gone","Junk"]'

# -- two that fit, and the first cannot be written --
people_make '{"Account": [{"Name": "Contested", "Website": "contested.example"}]}'
contested=$(id_of Account Name Contested)
org_is '{"validation_rules": [{"object": "Account", "field": "Name", "equals": "Refused", "message": "No such names"}]}'
bill customer cus_c1 '"name":"Refused","email":"a@contested.example"'
seen "a found record that refuses is nobody's yet" "['state','remote_id'].map((m) => link('account','cus_c1')[m])" '["held",""]'
bill customer cus_c2 '"name":"Second","email":"b@contested.example"'
seen "another takes it" "sf('Account','stripe:cus_c2').Id" "$contested"
bill customer cus_c1 '"name":"First","email":"a@contested.example"'
all_seen "the first gets one of its own" "sf('Account','stripe:cus_c1').Name" First \
	"and the other keeps what it has" "[sf('Account','stripe:cus_c2')].map((a) => a.Id + ' ' + a.Name)[0]" "$contested Second"
before=$((before + 2))

# -- several fit --
bill customer cus_many '"name":"Many","email":"m@many.example"'
bill customer cus_other '"name":"Other","email":"m@other.example"'
bill invoice in_many '"customer":"cus_many"'
all_seen "several wait for a person" "['cus_many','cus_other'].map((c) => link('account',c).state + ' ' + link('account',c).code)" '["held AMBIGUOUS","held AMBIGUOUS"]' \
	"why is told" "link('account','cus_many').cause" "2 records match: Website is many.example" \
	"what hangs below waits, too" "link('invoice','in_many').state" waiting \
	"nothing is made" "sf('Account').length" "$((before + 5))"
is "status says that it needs a person" "$(bh status >/dev/null; echo $?)" 4
listed=$(bh match list salesforce)
like "the candidates are listed" "$listed" "$(id_of Account Name "Many One")"
like "both" "$listed" "$(id_of Account Name "Many Two")"
two=$(id_of Account Name "Many Two")
status "a person chooses" 0 bh match set crm account cus_many "$two"
status "or says that it is a new one" 0 bh match set crm account cus_other new
all_seen "the chosen one is taken" "sf('Account','stripe:cus_many').Id" "$two" \
	"what waited follows" "sf('Billhook_Invoice__c','stripe:in_many').Account__c" "$two" \
	"the new one is made beside those" "[sf('Account','stripe:cus_other').Website, sf('Account').filter((a) => a.Website === 'other.example').length]" '[null,2]' \
	"who chose is kept" "link('account','cus_many').how !== ''" true
unlike "nothing is left to choose" "$(bh match list salesforce)" 'cus_(many|other)'
people=$(crm see "sf('Account').length")

# -- link only --
map_to "$(account no)"
people_make '{"Account": [{"Name": "Linked", "Website": "linked.example"}]}'
bill customer cus_linked '"name":"Linked Ltd","email":"x@linked.example"'
bill customer cus_none '"name":"None Ltd","email":"x@none.example"'
bill invoice in_none '"customer":"cus_none"'
all_seen "create no: what is there is linked" "sf('Account','stripe:cus_linked').Name" "Linked Ltd" \
	"what is not is left out" "['state','code'].map((m) => link('account','cus_none')[m])" '["excluded","NO_MATCH"]' \
	"with what hangs below" "sf('Billhook_Invoice__c').length" 1 \
	"none is made" "sf('Account').length" "$((people + 1))"
settled
map_to "$(account wait)"
is "create wait: none is made either" "$(crm see "[sf('Account').length, link('account','cus_none').code].join(' ')")" "$((people + 1)) NO_MATCH"
people_make '{"Account": [{"Name": "None", "Website": "none.example"}]}'
forget_calls
bill customer cus_linked '"name":"Linked Two","email":"x@linked.example"'
settled
is "it is not looked for with every push" "$(calls_made)" "POST composite/sobjects/Account, PATCH composite/sobjects"
restart 3700
all_seen "an hour later it is" "sf('Account','stripe:cus_none').Name" "None Ltd" \
	"what hung below follows" "sf('Billhook_Invoice__c','stripe:in_none').Account__c === sf('Account','stripe:cus_none').Id" true

# -- many at once --
map_to "$(account yes)"
node -e '
	const rows = Array.from({ length: 250 }, (_, i) => ({ Name: "Crowd " + i, ...(i % 2 ? { Website: "https://www.crowd" + i + ".example" } : { Billhook_Email__c: "pay@crowd" + i + ".example" }) }));
	console.log(JSON.stringify({ Account: rows }));' >"$work/crowd"
people_make "$(cat "$work/crowd")"
sed 's/"code": "crm"/&, "paused": true/' "$work/set-up.json" | bh apply --quiet - || not_ok "pause"
many 500 "{\"customer\":\"cus_crowd%n\",\"name\":\"Crowd %n\",\"email\":\"pay@crowd%n.example\",\"at\":$clock}"
seen_slow "500 customers wait" 20 'status.backlog === 0 && lane("salesforce").dirty >= 500' true
people=$(crm see "sf('Account').length")
forget_calls
sed 's/"code": "crm"/&, "paused": false/' "$work/set-up.json" | bh apply --quiet - || not_ok "go on"
settled "they are pushed" 30
is "250 are found, 250 made" "$(crm see "sf('Account').length - $people")" 250
is "each has its own" "$(crm see "new Set(sf('Account').filter((a) => /crowd/.test(a.Billhook_Id__c)).map((a) => a.Billhook_Id__c.slice(16))).size")" 500
place='(a) => a.Website ?? a.Billhook_Email__c ?? ""'
is "the right one" "$(crm see "sf('Account').filter((a) => /crowd/.test(a.Billhook_Id__c) && ($place)(a).includes('crowd' + a.Billhook_Id__c.slice(16) + '.example')).length")" 250
is "the calls: $(calls_made | tr ',' '\n' | sed 's/^ //' | sort | uniq -c | tr -s ' \n' ' ')" "$(crm see 'sfCalls.length <= 20')" true
like "only the thief needs a person" "$(bh status)" 'salesforce .* 1 need'
is "nothing to complain in the log" "$(log | grep '^[^ ]* error ')" ""
finish
