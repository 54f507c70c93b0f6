#!/usr/bin/env bash
# The same flow behind every way to connect Billhook to a web server, with the
# configurations of etc/: lighttpd and nginx here, Apache in 32-apache.sh.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=servers.sh
. "$flow/servers.sh"
leave_root

need_servers
simulators

webhooks() {
	local n=$1
	is "$name: Stripe's events are accepted" "$(node "$flow/send.mjs" "$url/hook/stripe" stripe \
		"{\"customer\":\"cus_$n\",\"name\":\"Müller & Søn <$n>\",\"email\":\"rechnung@$n.example.com\"}" \
		"{\"subscription\":\"sub_$n\",\"customer\":\"cus_$n\",\"quantity\":3,\"unit_amount\":2500}" \
		"{\"invoice\":\"in_$n\",\"customer\":\"cus_$n\",\"subscription\":\"sub_$n\",\"total\":7500,\"status\":\"paid\",\"event\":\"evt_$n\",\"at\":1790000000}" |
		sort | uniq -c | tr -s ' ')" ' 3 200 {"status":"accepted"}'
	is "$name: Lago's events are accepted" "$(node "$flow/send.mjs" "$url/hook/lago" lago \
		"{\"customer\":\"lc_$n\",\"name\":\"Lago $n\",\"email\":\"office@lago-$n.example.com\"}" "{\"subscription\":\"ls_$n\",\"customer\":\"lc_$n\",\"amount_cents\":9900}" \
		"{\"invoice\":\"li_$n\",\"customer\":\"lc_$n\",\"total_amount_cents\":9900,\"payment_status\":\"succeeded\"}" |
		sort | uniq -c | tr -s ' ')" ' 3 200 {"status":"accepted"}'
}

records() {
	local n=$1
	all_seen "$name: Salesforce has the customer" "sf('Account','stripe:cus_$n').Name" "Müller & Søn <$n>" \
		"$name: the subscription, below the account" "[sf('Billhook_Subscription__c','stripe:sub_$n')].map((s) => [s.Amount__c, s.Quantity__c, s.Status__c, s.Account__c === sf('Account','stripe:cus_$n').Id])[0]" '[75,3,"active",true]' \
		"$name: the invoice, below both" "[sf('Billhook_Invoice__c','stripe:in_$n')].map((i) => [i.Total__c, i.Status__c, i.Account__c === sf('Account','stripe:cus_$n').Id, i.Subscription__c === sf('Billhook_Subscription__c','stripe:sub_$n').Id])[0]" '[75,"paid",true,true]' \
		"$name: Lago's invoice in Salesforce" "[sf('Billhook_Invoice__c','lago:li_$n')].map((i) => [i.Total__c, i.Currency__c, i.Account__c === sf('Account','lago:lc_$n').Id])[0]" '[99,"EUR",true]' \
		"$name: HubSpot has the customer" "hs('companies','stripe:cus_$n').name" "Müller & Søn <$n>" \
		"$name: the subscription, with its company" "[hs('BillhookSubscriptions','stripe:sub_$n')].map((s) => [Number(s.billhook_subscription_amount), s.links.companies[0].id === hs('companies','stripe:cus_$n').id])[0]" '[75,true]' \
		"$name: the invoice, with its company" "[hs('BillhookInvoices','stripe:in_$n')].map((i) => [Number(i.billhook_invoice_total), i.billhook_invoice_status, i.links.companies[0].id === hs('companies','stripe:cus_$n').id])[0]" '[75,"paid",true]' \
		"$name: Lago's invoice in HubSpot" "[hs('LagoInvoices','li_$n')].map((i) => i.links.companies[0].id === hs('companies','lc_$n').id)[0]" true \
		"$name: all lanes are in step" "status.lanes.map((l) => [l.code, l.in_step, l.dirty, l.held, l.waiting_parent].join(' ')).sort().join(', ')" \
		"hubspot 6 0 0 0, salesforce 6 0 0 0, sandbox 3 0 0 0"
}

duplicates() {
	local n=$1 before
	before=$(crm see "sfCalls.length + hsCalls.length")
	is "$name: a duplicate is acknowledged" "$(node "$flow/send.mjs" "$url/hook/stripe" stripe \
		"{\"invoice\":\"in_$n\",\"customer\":\"cus_$n\",\"total\":1,\"status\":\"open\",\"event\":\"evt_$n\"}")" '200 {"status":"duplicate"}'
	is "$name: a wrong signature is refused" "$(node "$flow/send.mjs" --secret wrong "$url/hook/stripe" stripe "{\"customer\":\"cus_$n\",\"name\":\"Forged\"}" | cut -c1-3)" 400
	bh drain --for 10
	is "$name: an unknown connection is none" "$(node "$flow/send.mjs" "$url/hook/nobody" stripe '{"customer":"cus_x"}' | cut -c1-3)" 404
	is "$name: none of it calls a CRM" "$(crm see "sfCalls.length + hsCalls.length")" "$before"
}

for one in $servers; do
	prepare "$one" /
	"serve_${one//-/_}"
	webhooks "$name"
	records "$name"
	duplicates "$name"
	adopt node "$flow/web.mjs" pages "$name" "$url" ""
	over_the_wire "$one"
	close_server
done
finish
