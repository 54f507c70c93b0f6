#!/usr/bin/env bash
# The presets whole, in CRMs that have their schema: what the mappings make is
# what strict CRMs take.  Recoveries and Alguna's customers come by generic
# connections, whose readers are plain.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

export FLOW_TOKEN=token-0123456789
simulators
new_dir presets
reader='{"objects": [
  {"kind": "customer", "optional": true, "id": "/customer/id", "fields": {"name": "/customer/name", "email": "/customer/email", "currency": "/customer/currency"}},
  {"kind": "subscription", "optional": true, "id": "/subscription/id", "fields": {
    "customer": "/subscription/customer", "status": "/subscription/status", "currency": "/subscription/currency",
    "amount": {"from": "/subscription/amount", "as": "minor"}, "interval": "/subscription/interval", "link": "/subscription/link"}},
  {"kind": "recovery", "optional": true, "id": "/recovery/id", "fields": {
    "customer": "/recovery/customer", "customer_email": "/recovery/email", "stage": "/recovery/stage",
    "currency": "/recovery/currency", "amount": {"from": "/recovery/failed", "as": "minor"},
    "recovered_amount": {"from": "/recovery/amount", "as": "minor"}, "decline_code": "/recovery/code",
    "retry_count": {"from": "/recovery/tries", "as": "int"}, "started_at": {"from": "/recovery/started", "as": "time"},
    "completed_at": {"from": "/recovery/completed", "as": "time"}}}]}'
# set_up_presets [SETTING OF churn-sf...]
set_up_presets() {
	bh apply --quiet - <<-END
	{ "billhook": 1,
	  "connections": [
	    { "code": "news", "driver": "generic", "secrets": {"webhook": "env:FLOW_TOKEN"},
	      "settings": {"scheme": "token", "event_id": "/id", "event_type": "/type", "reader": $reader} },
	    { "code": "bill", "driver": "generic", "secrets": {"webhook": "env:FLOW_TOKEN"},
	      "settings": {"scheme": "token", "event_id": "/id", "reader": $reader} },
	    { "code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
	    { "code": "lago", "driver": "lago", "settings": {}, "secrets": {"webhook": "env:FLOW_LAGO_SECRET"} },
	    { "code": "salesforce", "driver": "salesforce",
	      "settings": {"flow": "client_credentials", "login_url": "$SF_URL", "client_id": "sim-client"}, "secrets": {"client_secret": "env:FLOW_SF_SECRET"} },
	    { "code": "hubspot", "driver": "hubspot", "settings": {"flow": "token", "base_url": "$HS_URL"}, "secrets": {"access_token": "env:FLOW_HS_TOKEN"} } ],
	  "syncs": [
	    { "code": "churn-sf", "from": "news", "to": "salesforce", "preset": "lostchurn-salesforce", "settings": {${1:-}} },
	    { "code": "churn-hs", "from": "news", "to": "hubspot", "preset": "lostchurn-hubspot", "settings": {"recovery_object": "p4711000_BillhookRecoveries"} },
	    { "code": "alguna-sf", "from": "bill", "to": "salesforce", "preset": "alguna-salesforce" },
	    { "code": "lago-sf", "from": "lago", "to": "salesforce", "preset": "lago-salesforce" },
	    { "code": "stripe-sf", "from": "stripe", "to": "salesforce", "preset": "stripe-salesforce", "settings": {"opportunities": "yes"} } ] }
	END
}
status "apply" 0 set_up_presets
serve
# tell CONNECTION EVENT
tell() {
	printf '%s' "$2" >"$work/news"
	node "$flow/send.mjs" --header "X-Webhook-Token: $FLOW_TOKEN" "$(hook "$1")" stripe "@$work/news" >/dev/null
}

# -- recoveries: Contact, Account, Opportunity, custom object, platform event --
tell news '{"id": "e1", "customer": {"id": "c1", "name": "Ada King", "email": "ada@example.com", "currency": "EUR"}}'
tell news '{"id": "e2", "type": "recovery.started", "recovery": {"id": "r1", "customer": "c1", "email": "ada@example.com", "stage": "open_early", "currency": "EUR", "failed": 4900, "code": "do_not_honor", "tries": 1, "started": "2026-11-20T08:00:00Z"}}'
all_seen "a Contact" "sf('Contact','generic:c1').LastName" King \
	"with its count" "sf('Contact','generic:c1').Billhook_Recovery_Count__c" 1 \
	"below the Account of its company" "[sf('Account','generic:domain:example.com')].map((a) => [a.Name, a.Website, a.Id === sf('Contact','generic:c1').AccountId].join(' '))[0]" 'example.com https://example.com true' \
	"an Opportunity that begins" "[sf('Opportunity','generic:r1')].map((o) => [o.Name, o.StageName, o.CloseDate, o.Amount, o.Billhook_Failed_Amount__c].join(', '))[0]" 'Recovery - ada@example.com - 2026-11-20, Prospecting, 2026-12-20, , 49' \
	"at the same Account" "sf('Opportunity','generic:r1').AccountId === sf('Account','generic:domain:example.com').Id" true \
	"a recovery that looks all of them up" "[sf('Billhook_Recovery__c','generic:r1')].map((r) => r.Contact__c === sf('Contact','generic:c1').Id && r.Account__c === sf('Account','generic:domain:example.com').Id && r.Opportunity__c === sf('Opportunity','generic:r1').Id)[0]" true \
	"an event for flows" "sfEvents('Billhook_Recovery_Event__e').map((e) => [e.Recovery_Id__c, e.Event_Type__c, e.Customer_Email__c, e.Amount__c, e.Decline_Code__c].join(' '))" '["r1 started ada@example.com 49 do_not_honor"]' \
	"a deal that begins" "hs('deals','generic:r1').dealstage" appointmentscheduled \
	"beside the contact" "hs('deals','generic:r1').links.contacts[0].id === hs('contacts','generic:c1').id" true \
	"and a recovery that belongs to both" "[hs('BillhookRecoveries','generic:r1')].map((r) => [r.billhook_recovery_name, String(r.links.deals[0].id) === hs('deals','generic:r1').id, r.links.contacts.length].join(', '))[0]" 'Recovery - ada@example.com - 2026-11-20, true, 1'
tell news '{"id": "e3", "customer": {"id": "c2", "name": "Bob Gray", "email": "bob@gmail.com", "currency": "EUR"}}'
tell news '{"id": "e4", "customer": {"id": "c3", "name": "Cy Long", "email": "cy@example.com", "currency": "EUR"}}'
tell news '{"id": "e5", "type": "recovery.started", "recovery": {"id": "r2", "customer": "c2", "email": "bob@gmail.com", "stage": "open_early", "currency": "EUR", "tries": 0, "started": "2026-11-20T08:00:00Z"}}'
all_seen "a colleague stands below the same Account" "sf('Contact','generic:c3').AccountId === sf('Account','generic:domain:example.com').Id" true \
	"free mail is no company" "[sf('Contact','generic:c2').LastName, sf('Contact','generic:c2').AccountId ?? null]" '["Gray",null]' \
	"its recovery goes without an Account" "[sf('Billhook_Recovery__c','generic:r2')].map((r) => [r.Contact__c === sf('Contact','generic:c2').Id, r.Account__c ?? null])[0]" '[true,null]' \
	"no other Account was made" "sf('Account').length" 1
tell news '{"id": "e6", "type": "recovery.succeeded", "recovery": {"id": "r1", "customer": "c1", "email": "ada@example.com", "stage": "won", "currency": "EUR", "failed": 4900, "amount": 4900, "code": "do_not_honor", "tries": 2, "started": "2026-11-20T08:00:00Z", "completed": "2026-11-22T08:00:00Z"}}'
all_seen "won in Salesforce" "[sf('Billhook_Recovery__c','generic:r1')].map((r) => [r.Stage__c, r.Recovered_Amount__c, r.Retry_Count__c].join(' '))[0]" 'won 49 2' \
	"and the Opportunity closed" "[sf('Opportunity','generic:r1')].map((o) => [o.StageName, o.CloseDate, o.Amount].join(', '))[0]" 'Closed Won, 2026-11-22, 49' \
	"won in HubSpot" "[hs('deals','generic:r1')].map((d) => [d.dealstage, d.amount, d.dealname].join(', '))[0]" 'closedwon, 49.00, Recovery - ada@example.com - 2026-11-20' \
	"each event was published once" "sfEvents('Billhook_Recovery_Event__e').map((e) => [e.Recovery_Id__c, e.Event_Type__c].join(' '))" '["r1 started","r2 started","r1 succeeded"]' \
	"the log is off" "sf('Billhook_Event__c').length" 0

# -- a stage that a person chose stays, what billing knows is written all the same --
tell news '{"id": "e8", "type": "recovery.started", "recovery": {"id": "r4", "customer": "c3", "email": "cy@example.com", "stage": "open_early", "currency": "EUR", "tries": 0, "started": "2026-11-21T08:00:00Z"}}'
seen "another Opportunity" "sf('Opportunity','generic:r4').StageName" Prospecting
opportunity=$(crm see "sf('Opportunity','generic:r4').Id")
crm patch sf records "{\"Opportunity\": [{\"Id\": \"$opportunity\", \"StageName\": \"Qualification\"}]}" >/dev/null
tell news '{"id": "e9", "type": "recovery.succeeded", "recovery": {"id": "r4", "customer": "c3", "email": "cy@example.com", "stage": "won", "currency": "EUR", "amount": 1200, "tries": 3, "started": "2026-11-21T08:00:00Z", "completed": "2026-11-22T08:00:00Z"}}'
seen "a stage that a person chose stays" "[sf('Opportunity','generic:r4')].map((o) => [o.StageName, o.Amount, o.Billhook_Retry_Count__c].join(', '))[0]" 'Qualification, 12, 3'

# -- Alguna: the largest subscription on the Account, its people --
tell bill '{"id": "b1", "customer": {"id": "a1", "name": "Nord GmbH", "email": "dee@nord.example", "currency": "EUR"}}'
tell bill '{"id": "b2", "subscription": {"id": "s1", "customer": "a1", "status": "active", "currency": "EUR", "amount": 4900, "interval": "month", "link": "https://billing.example.com/s1"}}'
tell bill '{"id": "b3", "subscription": {"id": "s2", "customer": "a1", "status": "active", "currency": "EUR", "amount": 9900, "interval": "month"}}'
all_seen "an Account with its largest subscription, and their number" "[sf('Account','generic:a1')].map((a) => [a.Name, a.Billhook_Main_Subscription_Id__c, a.Billhook_Main_Subscription_Value__c, a.Billhook_Active_Subscriptions__c].join(', '))[0]" 'Nord GmbH, s2, 99, 2' \
	"its person" "[sf('Contact','generic:email:dee@nord.example')].map((c) => [c.Email, c.AccountId === sf('Account','generic:a1').Id].join(' '))[0]" 'dee@nord.example true' \
	"to whom the subscription belongs" "sf('Billhook_Subscription__c','generic:s1').Contact__c === sf('Contact','generic:email:dee@nord.example').Id" true

tell bill '{"id": "b4", "customer": {"id": "a2", "name": "Example Inc", "email": "pay@example.com", "currency": "EUR"}}'
seen "a customer finds the Account that recoveries made of its domain" "[sf('Account','generic:a2')].map((a) => [a.Name, a.Billhook_Domain_Id__c].join(', '))[0]" 'example.com, generic:domain:example.com'

# -- Stripe: by the web site of an Account that a person made; Opportunity, lines --
acme=$(crm post sf records '{"Account": [{"Name": "Acme, by a person", "Website": "http://www.acme.example/en"}]}' | grep -o '001[A-Za-z0-9]*')
send stripe '{"customer":"cus_1","name":"Acme","email":"pay@acme.example"}' '{"subscription":"sub_1","customer":"cus_1","quantity":3,"unit_amount":2500}' \
	'{"invoice":"in_1","customer":"cus_1","subscription":"sub_1","total":7500,"lines":{"object":"list","has_more":false,"total_count":2,"data":[{"id":"il_1","object":"line_item","amount":5000,"currency":"usd","description":"2 seats","quantity":2,"period":{"start":1790000000,"end":1792600000}},{"id":"il_2","object":"line_item","amount":2500,"currency":"usd","description":"1 seat","quantity":1,"period":{"start":1790000000,"end":1792600000}}]}}' >/dev/null
all_seen "the person's Account is the customer's, and keeps its name" "[sf('Account','stripe:cus_1')].map((a) => [a.Id === '$acme', a.Name, a.Website, a.Billhook_Email__c].join(', '))[0]" 'true, Acme, by a person, http://www.acme.example/en, pay@acme.example' \
	"a subscription's Opportunity" "[sf('Opportunity','stripe:sub_1')].map((o) => [o.Name, o.StageName, o.Amount, o.Billhook_Billing_Interval__c, o.Billhook_Subscription_Status__c].join(', '))[0]" 'Acme - Team, Closed Won, 75, month, active' \
	"the subscription looks up both" "[sf('Billhook_Subscription__c','stripe:sub_1')].map((s) => s.Opportunity__c === sf('Opportunity','stripe:sub_1').Id && s.Account__c === sf('Account','stripe:cus_1').Id)[0]" true \
	"the lines of an invoice" "sf('Billhook_Invoice_Line__c').map((l) => [l.Name, l.Amount__c, l.Position__c, l.Invoice__c === sf('Billhook_Invoice__c','stripe:in_1').Id].join(' ')).sort()" '["1 seat 25 2 true","2 seats 50 1 true"]'

# -- Lago: linked, not made --
made=$(crm post sf records '{"Account": [{"Name": "Lakeside, by a person", "Phone": "+41 1 234"}]}' | grep -o '001[A-Za-z0-9]*')
send lago "{\"customer\":\"l1\",\"name\":\"Lakeside AG\",\"phone\":\"+41 9 876\",\"external_salesforce_id\":\"$made\"}" '{"customer":"l2","name":"Nobody AG","email":"x@nobody.example"}' \
	'{"invoice":"li_1","customer":"l1"}' '{"invoice":"li_2","customer":"l2"}' >/dev/null
all_seen "the Account that Lago names is linked" "[sf('Account','lago:l1')].map((a) => [a.Id === '$made', a.Billhook_Customer_Id__c].join(' '))[0]" 'true l1' \
	"what a person wrote stays" "[sf('Account','lago:l1')].map((a) => [a.Name, a.Phone, a.BillingCity].join(', '))[0]" 'Lakeside, by a person, +41 1 234, Berlin' \
	"its invoice follows" "sf('Billhook_Invoice__c','lago:li_1').Account__c" "$made" \
	"no Account is made of another, its invoice waits" "[sf('Account','lago:l2'), sf('Billhook_Invoice__c','lago:li_2'), lane('salesforce').waiting_parent]" '[{},{},1]'

# -- the log, switched on --
status "switch the log on" 0 set_up_presets '"event_log": "yes"'
tell news '{"id": "e7", "type": "recovery.started", "recovery": {"id": "r3", "customer": "c3", "email": "cy@example.com", "stage": "open_early", "currency": "EUR", "started": "2026-11-22T08:00:00Z"}}'
all_seen "an event in the log" "sf('Billhook_Event__c').filter((e) => e.Object_Id__c === 'r3').map((e) => [e.Name, e.Object_Kind__c, e.Connection__c, e.Account__c === sf('Account','generic:domain:example.com').Id].join(', '))" '["recovery.started - r3, recovery, news, true"]'
status "no person is needed" 0 bh status
finish
