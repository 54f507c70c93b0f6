#!/usr/bin/env bash
# People merge and delete records that Billhook keeps: a survivor is kept in
# step, what was deleted waits for a person, and nothing comes back by itself
# but Billhook's own records.
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
map_to '{"name": "account", "from": "customer", "to": "Account", "key": "Billhook_Id__c",
	"match": [{"by": "key"}, {"by": "value", "fields": [{"to": "AccountNumber", "from": "id"}]}],
	"fields": [{"to": "Name", "from": "name"}, {"to": "Phone", "from": "phone", "when": "if_unchanged"}]},
	{"name": "subscription", "from": "subscription", "to": "Billhook_Subscription__c", "key": "Billhook_Id__c",
	"parents": [{"object": "account", "id": "customer", "to": "Account__c"}], "fields": [{"to": "Name", "from": "name", "default": "{id}"}, {"to": "Amount__c", "from": "amount"}]},
	{"name": "invoice", "from": "invoice", "to": "Billhook_Invoice__c", "key": "Billhook_Id__c",
	"parents": [{"object": "account", "id": "customer", "to": "Account__c"}], "fields": [{"to": "Name", "from": "number"}, {"to": "Status__c", "from": "status"}]}'

account_of() {
	crm see "sf('Account','stripe:$1').Id"
}
merge() {
	crm post sf merge "{\"object\": \"Account\", \"winner\": \"$1\", \"loser\": \"$2\"}" >/dev/null || not_ok "people merge $2 into $1"
}
for i in 1 2 3 4 5 6 7; do
	bill customer "cus_$i" "\"name\":\"C$i\",\"phone\":\"+49 30 $i\""
	bill subscription "sub_$i" "\"customer\":\"cus_$i\""
done
seen "seven accounts with a subscription each" "[sf('Account').length, sf('Billhook_Subscription__c').filter((s) => s.Account__c).length]" '[7,7]'
people_make '{"Account": [{"Name": "Theirs", "Phone": "+1 555"}, {"Name": "Theirs Too"}]}'
theirs=$(id_of Account Name Theirs)
too=$(id_of Account Name "Theirs Too")
settled

# -- merged into one that has no customer --
merge "$theirs" "$(account_of cus_1)"
merge "$too" "$(account_of cus_2)"
bill customer cus_1 '"name":"C1 New","phone":"+49 30 1"'
all_seen "the survivor is kept in step" "[sf('Account','stripe:cus_1')].map((a) => [a.Id, a.Name].join(' '))[0]" "$theirs C1 New" \
	"what people entered there stays" "sf('Account','stripe:cus_1').Phone" "+1 555" \
	"what hung below hangs there" "sf('Billhook_Subscription__c','stripe:sub_1').Account__c" "$theirs" \
	"the link says why" "link('account','cus_1').how" "its record was merged into this one"
bill invoice in_2 '"customer":"cus_2"'
seen "news of a child alone find the survivor, too" "sf('Billhook_Invoice__c','stripe:in_2').Account__c" "$too"
seen "with its key" "sf('Account','stripe:cus_2').Id" "$too"
settled
is "no Account is made" "$(crm see "sf('Account').length")" 7
status "no person is needed" 0 bh status

# -- merged into another customer's --
third=$(account_of cus_3)
merge "$third" "$(account_of cus_4)"
bill customer cus_4 '"name":"C4 New"'
bill customer cus_3 '"name":"C3 New"'
bill invoice in_4 '"customer":"cus_4"'
all_seen "of two customers one keeps the Account" "[sf('Account','stripe:cus_3')].map((a) => [a.Id, a.Name].join(' '))[0]" "$third C3 New" \
	"the other waits for a person" "['state','code'].map((m) => link('account','cus_4')[m])" '["held","MERGED"]' \
	"who is told whose it is now" "link('account','cus_4').cause" "It was merged in the CRM into $third, which belongs to stripe:cus_3" \
	"none is made" "sf('Account').length" 6
like "the remedy is told" "$(crm see "link('account','cus_4').remedy")" 'Merge the two customers'

# -- deleted --
fifth=$(account_of cus_5)
for i in 5 6 7; do
	people_delete "$(account_of "cus_$i")"
	bill customer "cus_$i" "\"name\":\"C$i New\""
done
held="['cus_5','cus_6','cus_7'].map((c) => link('account', c).state + ' ' + link('account', c).code).join(', ')"
seen "deleted ones wait for a person" "$held" "held DELETED, held DELETED, held DELETED"
is "who is told what can be done" "$(crm see "link('account','cus_5').remedy")" \
	"Restore it from the CRM's recycle bin and retry, link another record, or let a new one be made."
like "and the log tells" "$(log)" "warn .*stripe:cus_5 .*A person deleted"
bh resync crm >/dev/null
settled "a resync"
is "makes nothing anew" "$(crm see "sf('Account').length")" 3
crm post sf undelete "{\"ids\": [\"$fifth\"]}" >/dev/null
bh retry salesforce >/dev/null
all_seen "restored and retried it goes on" "[sf('Account','stripe:cus_5')].map((a) => [a.Id, a.Name].join(' '))[0]" "$fifth C5 New" \
	"the others still wait" "$held" "clean , held DELETED, held DELETED"
status "a person wants a new one" 0 bh match set crm account cus_6 new
people_make '{"Account": [{"Name": "By Hand"}]}'
hand=$(id_of Account Name "By Hand")
status "or names another" 0 bh match set crm account cus_7 "$hand"
all_seen "a new one is made" "sf('Account','stripe:cus_6').Name" "C6 New" \
	"the named one is taken" "[sf('Account','stripe:cus_7')].map((a) => [a.Id, a.Name].join(' '))[0]" "$hand C7 New" \
	"no more than that" "sf('Account').length" 6 \
	"what hung below hangs there again" "['6','7'].map((i) => sf('Billhook_Subscription__c','stripe:sub_' + i).Account__c === sf('Account','stripe:cus_' + i).Id)" '[true,true]'
settled

# -- our own records --
was=$(crm see "sf('Billhook_Subscription__c','stripe:sub_1').Id")
people_delete "$was"
bill subscription sub_1 '"customer":"cus_1","unit_amount":7700'
seen "our own record is made anew" "[sf('Billhook_Subscription__c','stripe:sub_1')].map((s) => [s.Id !== '$was', s.Amount__c].join(' '))[0]" "true 77"
like "and the log says so" "$(log)" "warn .*Billhook_Subscription__c stripe:sub_1 was deleted in the CRM \($was\) and made anew"

# -- gone for good --
people_delete "$fifth"
crm post sf purge "{\"ids\": [\"$fifth\"]}" >/dev/null
bill customer cus_5 '"name":"C5 Again"'
seen "what left the recycle bin waits, too" "['code','cause'].map((m) => link('account','cus_5')[m])" '["DELETED","The record is in the CRM no more"]'
settled
is "so many are left: ours, and none twice" "$(crm see "sf('Account').map((a) => a.Billhook_Id__c).sort().join(' ')")" "stripe:cus_1 stripe:cus_2 stripe:cus_3 stripe:cus_6 stripe:cus_7"
is "nothing to complain in the log" "$(log | grep '^[^ ]* error ')" ""
finish
