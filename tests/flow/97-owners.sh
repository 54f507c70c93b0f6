#!/usr/bin/env bash
# Whose task it is: an automation gives what it makes to the owner of the account
# or company, to somebody else where that one is not active; asked for in few
# calls; what is there keeps its owner.  In a Salesforce org and a HubSpot portal.
# shellcheck disable=SC2016,SC2119 # JavaScript; arguments that may be left out
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
leave_root
# shellcheck source=org.sh
. "$flow/org.sh"

sf_settings='{"daily_limit": 10000}' hs_settings='{"search_lag_ms": 0, "search_second_limit": 1000, "owners": [
	{"id": "11", "email": "ada@example.com"}, {"id": "12", "email": "gone@example.com", "archived": true}, {"id": "13", "email": "bob@example.com"}]}'
simulators
people_make '{"User": [{"Username": "ada@example.com", "LastName": "Ada", "Email": "ada@example.com", "Alias": "ada"},
	{"Username": "gone@example.com", "LastName": "Gone", "Email": "gone@example.com", "Alias": "gone", "IsActive": false},
	{"Username": "bob@example.com", "LastName": "Bob", "Email": "bob@example.com", "Alias": "bob"}]}'
user() {
	crm see "sf('User').find((u) => u.Alias === '$1').Id"
}
ada=$(user ada) gone=$(user gone) bob=$(user bob)
behind_lighttpd data
serve_web
# set_up OWNER OWNER: of what is made in Salesforce, in HubSpot
set_up() {
	bh apply --quiet - <<-END || not_ok "apply"
	{ "billhook": 1,
	  "connections": [
	    { "code": "one", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
	    { "code": "two", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
	    { "code": "salesforce", "driver": "salesforce", "settings": {"flow": "client_credentials", "login_url": "$SF_URL", "client_id": "sim-client"}, "secrets": {"client_secret": "env:FLOW_SF_SECRET"} },
	    { "code": "hubspot", "driver": "hubspot", "settings": {"flow": "token", "base_url": "$HS_URL"}, "secrets": {"access_token": "env:FLOW_HS_TOKEN"} } ],
	  "syncs": [
	    { "code": "sf", "from": "one", "to": "salesforce", "preset": "stripe-salesforce", "settings": {"automations": "yes"} },
	    { "code": "hs", "from": "two", "to": "hubspot", "preset": "stripe-hubspot", "settings": {"automations": "yes", "custom_objects": "no"} } ],
	  "automations": [ $(rule failed-sf one "$1"), $(rule failed-hs two "$2"),
	    { "code": "renewals-sf", "preset": "renewals", "from": "one", "make": {"owner": ["record"]} },
	    { "code": "renewals-hs", "preset": "renewals", "from": "two", "make": {"owner": ["record"]} } ] }
	END
}
rule() {
	echo "{ \"code\": \"$1\", \"preset\": \"failed-payments\", \"from\": \"$2\", \"make\": {\"owner\": $3} }"
}
# Users' ids are those of one CRM, so each has rules of its own, and what is told is told to both.
bill() {
	local source
	clock=$((clock + 1))
	for source in one two; do
		signed "$(hook $source)" stripe "{\"$1\":\"$2\",\"created\":1790000000,\"at\":$clock${3:+,$3}}" >"$work/.sent"
		grep -q '^200' "$work/.sent" || not_ok "the webhook is accepted" "$(cat "$work/.sent")"
	done
}
set_up '[]' '[]'
for n in 1 2 3; do
	bill customer cus_$n "\"name\":\"Firm $n\",\"email\":\"pay@firm$n.example\""
done
settled
own() {
	people_change "{\"Account\": [{\"Id\": \"$(crm see "sf('Account', 'stripe:cus_$1').Id")\", \"OwnerId\": \"$2\"}]}"
	curl -sf -X PATCH "$HS_URL/crm/objects/2026-09/companies/$(crm see "hs('companies', 'stripe:cus_$1').id")" -H "Authorization: Bearer $FLOW_HS_TOKEN" \
		-H 'Content-Type: application/json' -d "{\"properties\": {\"hubspot_owner_id\": \"$3\"}}" >/dev/null || not_ok "a company gets an owner"
}
own 1 "$ada" 11
own 2 "$gone" 12
own 3 "$bob" 13
set_up "[\"record\", \"$bob\"]" '["record", "13"]'
settled
sf_task="(about) => sf('Task').filter((t) => t.Billhook_Id__c === 'stripe:failed-sf/invoice/' + about).map((t) => ({'$ada': 'ada', '$gone': 'gone', '$bob': 'bob'})[t.OwnerId] ?? 'nobody').join()"
hs_task="(about) => hs('tasks').filter((t) => new RegExp('failed-hs/invoice/' + about + '(?!\\\\d)').test(t.hs_task_body)).map((t) => ({11: 'ada', 12: 'gone', 13: 'bob'})[t.hubspot_owner_id] ?? 'nobody').join()"
owners() {
	seen "$1" "[($sf_task)('$2'), ($hs_task)('$2')]" "$3"
}
failing() {
	bill invoice "$1" "\"customer\":\"$2\",\"total\":1250,\"attempted\":true"
}

failing in_1 cus_1
owners "a task goes to the account's owner" in_1 '["ada","ada"]'
failing in_2 cus_2
owners "one who is not active gets none: the next one named does" in_2 '["bob","bob"]'
settled
crm delete sf calls >/dev/null
crm delete hs calls >/dev/null
for n in 11 12 13 14 15; do
	failing in_$n cus_3
done
owners "of several" in_15 '["bob","bob"]'
settled
is "each has the right one" "$(crm see "['in_11','in_12','in_13','in_14','in_15'].map((i) => ($sf_task)(i) + ($hs_task)(i)).join()")" bobbob,bobbob,bobbob,bobbob,bobbob
is "and the CRMs were asked once for it, whoever came when" \
	"$(crm see "[hsEvery.filter((c) => /companies\/batch\/read/.test(c.path)).length, hsEvery.filter((c) => /owners/.test(c.path)).length]")" '[1,1]'
bill customer cus_9 '"name":"New firm","email":"pay@firm9.example"' && failing in_9 cus_9
seen "of a customer who comes at the same time there is one" "[($sf_task)('in_9') !== '', ($hs_task)('in_9') !== '']" '[true,true]'

# yearly ID CUSTOMER: a subscription by the year that renews in 60 days
yearly() {
	local now
	now=$(date +%s)
	bill subscription "$1" "\"customer\":\"$2\",\"description\":\"Plan $1\",\"items\":{\"object\":\"list\",\"has_more\":false,\"total_count\":1,\"data\":[{\"id\":\"si_$1\",\"object\":\"subscription_item\",\"quantity\":1,
		\"created\":1790000000,\"current_period_start\":$((now - 305 * 86400)),\"current_period_end\":$((now + 60 * 86400)),\"discounts\":[],\"price\":{\"id\":\"price_year\",\"object\":\"price\",\"nickname\":\"Year\",\"product\":\"prod_1\",
		\"currency\":\"usd\",\"unit_amount\":120000,\"unit_amount_decimal\":\"120000\",\"billing_scheme\":\"per_unit\",\"type\":\"recurring\",\"recurring\":{\"interval\":\"year\",\"interval_count\":1,\"usage_type\":\"licensed\"}}}]}"
}
yearly sub_1 cus_1
yearly sub_2 cus_2
renewals="(about) => [sf('Opportunity').filter((o) => o.Billhook_Id__c.includes(about)).map((o) => o.OwnerId === '$ada' ? 'ada' : o.OwnerId === '$gone' ? 'gone' : 'nobody').join(), hs('deals').filter((d) => (d.billhook_deal_id ?? '').includes(about)).map((d) => d.hubspot_owner_id ?? 'nobody').join()]"
seen "an opportunity and a deal go to the owner, too" "($renewals)('sub_1')" '["ada","11"]'
seen "where nobody is named beside one who is not active: as the CRM does" "($renewals)('sub_2').map((o) => o || 'nobody')" '["nobody","nobody"]'

# -- it stays --
own 1 "$bob" 13
people_change "{\"Task\": [{\"Id\": \"$(crm see "sf('Task').find((t) => t.Billhook_Id__c === 'stripe:failed-sf/invoice/in_2').Id")\", \"OwnerId\": \"$ada\"}]}"
bill invoice in_1 '"customer":"cus_1","total":1250,"status":"paid"'
bill invoice in_2 '"customer":"cus_2","total":1250,"status":"paid"'
seen "paid, the tasks are done" "sf('Task').filter((t) => /failed-sf.*in_[12]$/.test(t.Billhook_Id__c)).map((t) => t.Status)" '["Completed","Completed"]'
bh resync sf >/dev/null
bh resync hs >/dev/null
settled
is "whoever gets the account, its tasks stay with whom they were given to" "$(crm see "[($sf_task)('in_1'), ($hs_task)('in_1'), ($sf_task)('in_2')]")" '["ada","ada","ada"]'
restart 1000
failing in_3 cus_1
owners "the next one goes to the new owner" in_3 '["bob","bob"]'

# -- turns --
set_up "[\"$gone\", \"$bob\"]" '["12", "13"]'
for n in 21 22 23; do
	failing in_$n cus_3
done
settled
is "of those who take turns one who is not active passes his on" \
	"$(crm see "['in_21','in_22','in_23'].map((i) => ($sf_task)(i) + ($hs_task)(i)).join()")" bobbob,bobbob,bobbob
status "no person is needed" 0 bh status
is "nothing to complain in the log" "$(log | grep '^[^ ]* error ')" ""
finish
