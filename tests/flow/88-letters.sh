#!/usr/bin/env bash
# Small and capital letters are a difference, but in addresses: for what people changed, for
# what is put back, for an audit.  And an amount is off in its own currency.
# shellcheck disable=SC2016,SC2119 # JavaScript; arguments that may be left out
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
map_to '{"name": "account", "from": "customer", "to": "Account", "key": "Billhook_Id__c", "fields": [
	{"to": "Name", "from": "name"}, {"to": "Phone", "from": "phone"}, {"to": "Billhook_Balance__c", "from": "mrr"},
	{"to": "BillingCity", "from": "address_city", "when": "if_unchanged"}, {"to": "Billhook_Email__c", "from": "email", "when": "if_unchanged"} ]}'
# customer ID NAME PHONE CITY EMAIL
customer() {
	bill customer "$1" "\"name\":\"$2\",\"phone\":\"$3\",\"email\":\"$5\",\"address\":{\"line1\":null,\"city\":\"$4\",\"country\":\"DE\",\"line2\":null,\"postal_code\":null,\"state\":null}"
}
account() {
	crm see "sf('Account', 'stripe:$1').$2"
}
# person ID MEMBERS: what a person changes in that account
person() {
	people_change "{\"Account\": [{\"Id\": \"$(account "$1" Id)\", $2}]}"
}
customer cus_1 McDonald call Berlin Ada@Example.com
customer cus_2 Beta call Berlin ada@example.com
bill subscription sub_1 '"customer":"cus_2","unit_amount":90000,"currency":"eur"'
settled
bh resync crm >/dev/null
settled

# -- what people changed --
person cus_1 '"BillingCity": "BERLIN", "Billhook_Email__c": "ADA@example.com"'
customer cus_1 McDonald call Hamburg grace@example.com
settled
is "letters that a person changed stay" "$(account cus_1 BillingCity)" BERLIN
is "those of an address are no change" "$(account cus_1 Billhook_Email__c)" grace@example.com

# -- what is put back --
customer cus_1 MCDONALD call Hamburg grace@example.com
customer cus_2 Gamma call Berlin ada@example.com
settled
like "a name in other letters is put back" "$(bh undo crm look account cus_1)" 'Name: "MCDONALD" -> "McDonald" back'
person cus_2 '"Name": "GAMMA"'
like "what a person wrote since in other letters is not" "$(bh undo crm look account cus_2)" 'Name: "GAMMA" -> "Beta" changed'

# -- an audit --
person cus_1 '"Phone": "CALL"'
person cus_2 '"Billhook_Balance__c": 800'
status "an audit" 4 bh audit crm start
like "finds both" "$out" '2 differ'
like "the letters" "$out" 'Phone: 1'
like "the name" "$out" 'Name: 1'
like "the amount in the currency of the figures, not of the customer" "$out" 'off by 100 EUR'
finish
