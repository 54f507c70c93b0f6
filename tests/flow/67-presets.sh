#!/usr/bin/env bash
# The presets for recoveries and for Alguna, in CRMs that have their schema:
# what the mapping makes is what strict CRMs take.  The news comes by a generic
# connection, whose reader is plain.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

export FLOW_TOKEN=token-0123456789
simulators
crm post sf schema "$(cat "$BH_SRCDIR/presets/schema/salesforce-lostchurn.json")" >/dev/null
crm post hs schema "$(cat "$BH_SRCDIR/presets/schema/hubspot-lostchurn.json")" >/dev/null
new_dir presets
cat >"$work/set-up.json" <<-END
	{ "billhook": 1,
	  "connections": [
	    { "code": "news", "driver": "generic", "secrets": {"webhook": "env:FLOW_TOKEN"},
	      "settings": {"scheme": "token", "event_id": "/id", "reader": {"objects": [
	        {"kind": "customer", "optional": true, "id": "/customer/id", "fields": {"name": "/customer/name", "email": "/customer/email", "currency": "/customer/currency"}},
	        {"kind": "subscription", "optional": true, "id": "/subscription/id", "fields": {
	          "customer": "/subscription/customer", "status": "/subscription/status", "currency": "/subscription/currency",
	          "amount": {"from": "/subscription/amount", "as": "minor"}, "interval": "/subscription/interval", "link": "/subscription/link"}},
	        {"kind": "recovery", "optional": true, "id": "/recovery/id", "fields": {
	          "customer": "/recovery/customer", "customer_email": "/recovery/email", "stage": "/recovery/stage",
	          "currency": "/recovery/currency", "recovered_amount": {"from": "/recovery/amount", "as": "minor"},
	          "retry_count": {"from": "/recovery/tries", "as": "int"}, "started_at": {"from": "/recovery/started", "as": "time"},
	          "completed_at": {"from": "/recovery/completed", "as": "time"}}}]}} },
	    { "code": "salesforce", "driver": "salesforce",
	      "settings": {"flow": "client_credentials", "login_url": "$SF_URL", "client_id": "sim-client"}, "secrets": {"client_secret": "env:FLOW_SF_SECRET"} },
	    { "code": "hubspot", "driver": "hubspot", "settings": {"flow": "token", "base_url": "$HS_URL"}, "secrets": {"access_token": "env:FLOW_HS_TOKEN"} } ],
	  "syncs": [
	    { "code": "churn-sf", "from": "news", "to": "salesforce", "preset": "lostchurn-salesforce" },
	    { "code": "churn-hs", "from": "news", "to": "hubspot", "preset": "lostchurn-hubspot" },
	    { "code": "alguna-sf", "from": "news", "to": "salesforce", "preset": "alguna-salesforce" } ] }
END
status "apply" 0 bh apply --quiet "$work/set-up.json"
serve
tell() {
	printf '%s' "$1" >"$work/news"
	node "$flow/send.mjs" --header "X-Webhook-Token: $FLOW_TOKEN" "$(hook news)" stripe "@$work/news" >/dev/null
}
tell '{"id": "e1", "customer": {"id": "c1", "name": "Ada King", "email": "ada@example.com", "currency": "EUR"}}'
tell '{"id": "e2", "subscription": {"id": "s1", "customer": "c1", "status": "active", "currency": "EUR", "amount": 4900, "interval": "month", "link": "https://billing.example.com/s1"}}'
tell '{"id": "e3", "recovery": {"id": "r1", "customer": "c1", "email": "ada@example.com", "stage": "open_early", "currency": "EUR", "tries": 1, "started": "2026-11-20T08:00:00Z"}}'
all_seen "a Contact" "sf('Contact','generic:c1').LastName" King \
	"with its count" "sf('Contact','generic:c1').Billhook_Recovery_Count__c" 1 \
	"a recovery below it" "sf('Billhook_Recovery__c','generic:r1').Contact__c === sf('Contact','generic:c1').Id" true \
	"a deal that begins" "hs('deals','generic:r1').dealstage" appointmentscheduled \
	"beside the contact" "hs('deals','generic:r1').links.contacts[0].id === hs('contacts','generic:c1').id" true \
	"an Account with its subscription" "sf('Account','generic:c1').Billhook_Main_Subscription_Id__c" s1 \
	"and its value" "sf('Account','generic:c1').Billhook_Main_Subscription_Value__c" 49
tell '{"id": "e4", "recovery": {"id": "r1", "customer": "c1", "email": "ada@example.com", "stage": "won", "currency": "EUR", "amount": 4900, "tries": 2, "started": "2026-11-20T08:00:00Z", "completed": "2026-11-22T08:00:00Z"}}'
all_seen "won in Salesforce" "[sf('Billhook_Recovery__c','generic:r1')].map((r) => [r.Stage__c, r.Recovered_Amount__c, r.Retry_Count__c].join(' '))[0]" 'won 49 2' \
	"won in HubSpot" "[hs('deals','generic:r1')].map((d) => [d.dealstage, d.amount, d.dealname].join(', '))[0]" 'closedwon, 49.00, Recovery - ada@example.com - 2026-11-20'
status "no person is needed" 0 bh status
finish
