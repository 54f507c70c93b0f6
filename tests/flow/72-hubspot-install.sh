#!/usr/bin/env bash
# A portal in which nothing of ours is yet: what is missing is told with why, made
# with progress, then all records go in under the names of custom objects.  A
# property of another kind is reported and left alone; without Enterprise everything
# but custom objects is made; what is ours can be counted, kept and taken away.
# shellcheck disable=SC2154,SC2317 # what lib.sh sets, calls by status
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
leave_root

# portal SETTINGS: a fresh empty one
portal() {
	rm -f "$work/hs.port"
	start hubspot node "$BH_SRCDIR/tests/crm/hubspot.mjs" --port 0 --port-file "$work/hs.port" --settings "$1" --witness
	wait_for 10 test -f "$work/hs.port" || not_ok "the simulator starts" "$(cat "$work/hubspot.log")"
	HS_URL=http://127.0.0.1:$(cat "$work/hs.port")
	export HS_URL
}
# api METHOD PATH [BODY]: what an administrator does
api() {
	curl -sS -X "$1" -H "Authorization: Bearer $FLOW_HS_TOKEN" -H 'Content-Type: application/json' ${3:+-d "$3"} "$HS_URL$2"
}
# set_up_portal [SETTINGS OF crm]
set_up_portal() {
	bh apply --quiet - <<-END
	{ "billhook": 1,
	  "connections": [
	    { "code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
	    { "code": "crm", "driver": "hubspot", "settings": {"flow": "token", "base_url": "$HS_URL"${1:+, $1}}, "secrets": {"access_token": "env:FLOW_HS_TOKEN"} } ],
	  "syncs": [ { "code": "money", "from": "stripe", "to": "crm", "preset": "stripe-hubspot" } ] }
	END
}
portal '{"search_lag_ms": 0, "search_second_limit": 1000}'
new_dir portal
status "apply" 0 set_up_portal
serve

# -- what is missing --
status "plan of an empty portal needs a person" 4 bh crm crm plan
is "only HubSpot's own objects are there" "$(grep '^exists' <<<"$out" | tr -s ' ,' '  ' | cut -d' ' -f2,3 | tr '\n' ' ')" 'object companies object contacts '
like "what is missing stands there with why" "$out" '^missing +property +BillhookInvoices\.billhook_invoice_total number, for invoice of sync money$'
is "nothing is missing without a why" "$(grep '^missing' <<<"$out" | grep -vc ', for ')" 0
for one in 'group +companies: billhook' 'property +companies.billhook_customer_id' 'object +BillhookInvoices' 'association +BillhookInvoices to companies'; do
	grep -Eq "^missing +$one" <<<"$out" || not_ok "plan names $one" "$out"
done
unlike "what no sync needs is not asked for" "$out" 'lago|recovery|deals'
is "a plan makes nothing" "$(crm see 'hsCalls.filter(({ method }) => method !== "GET").length')" 0

# -- records that come before --
send stripe '{"customer":"cus_1","name":"Acme","email":"pay@acme.example"}' '{"subscription":"sub_1","customer":"cus_1","quantity":3,"unit_amount":2500}' '{"invoice":"in_1","customer":"cus_1","subscription":"sub_1","total":7500}' >/dev/null
seen "what comes before is kept" "status.backlog === 0 && lane('crm').dirty + lane('crm').held + lane('crm').waiting_parent > 0" true
is "the portal gets nothing" "$(crm see "hs('companies').length")" 0

# -- install --
crm post hs settings '{"latency_ms": 100}' >/dev/null
status "install" 0 bh crm crm install
crm post hs settings '{"latency_ms": 0}' >/dev/null
like "tells what it made" "$out" '^created +companies: billhook$'
like "custom objects with their properties" "$out" '^created +BillhookInvoices.billhook_invoice_total$'
like "and their ties" "$out" '^created +BillhookSubscriptions to contacts$'
like "with progress" "$err" '^[0-9]+ of [0-9]+: (properties of companies|BillhookInvoices)$'
like "all is there" "$out" '^[0-9]+ made, 0 failed, 0 hidden; all that the syncs need is there$'
all_seen "all that was kept goes in" "['companies', 'BillhookSubscriptions', 'BillhookInvoices'].map((name) => hs(name).length)" '[1,1,1]' \
	"under the customer" "hs('BillhookInvoices','stripe:in_1').links.companies[0].id === hs('companies','stripe:cus_1').id" true \
	"nothing waits" "['dirty', 'held', 'waiting_parent'].map((state) => lane('crm')[state])" '[0,0,0]'
status "no person is needed" 0 bh status
status "plan" 0 bh crm crm plan
like "says that all is there" "$out" '^[0-9]+ are there, 0 are missing, 0 differ, 0 are hidden$'
status "install again" 0 bh crm crm install
like "makes nothing" "$out" '^0 made, 0 failed, 0 hidden'

# -- what is there in another form --
api DELETE /crm/properties/2026-09/companies/billhook_mrr >/dev/null
api DELETE /crm/properties/2026-09/companies/billhook_arr >/dev/null
api POST /crm/properties/2026-09/companies '{"name": "billhook_mrr", "label": "MRR by hand", "type": "string", "fieldType": "text", "groupName": "companyinformation"}' >/dev/null
status "plan with a property of another type" 4 bh crm crm plan
like "says what it is and what is wanted" "$out" '^ +is string, wanted number; it is not changed$'
status "install" 4 bh crm crm install
like "makes the other" "$out" '^created +companies.billhook_arr$'
like "reports it" "$out" '^failed +companies.billhook_mrr: It is there, but in another form: is string, wanted number; it is not changed$'
is "and does not change it" "$(api GET /crm/properties/2026-09/companies/billhook_mrr | grep -o '"label":"[^"]*"' | head -1)" '"label":"MRR by hand"'

# -- count, leave --
status "counts" 0 bh crm crm count
like "records of our objects" "$out" '^ +1 BillhookInvoices \(Billing Invoices\)$'
status "disconnect and remove" 0 bh crm crm disconnect --remove --yes crm
like "tells what went" "$out" 'BillhookInvoices'
is "nothing of ours is left but what a person made" "$(api GET /crm/properties/2026-09/companies | grep -o '"name":"billhook_[a-z_]*"')" '"name":"billhook_mrr"'
is "no custom objects, their names are free" "$(api GET /crm-object-schemas/2026-09/schemas)$(api GET '/crm-object-schemas/2026-09/schemas?archived=true')" '{"results":[]}{"results":[]}'
is "the group is gone" "$(api GET /crm/properties/2026-09/companies/groups | grep -c '"name":"billhook"')" 0
is "the customer's company stays" "$(crm see "hs('companies').map((c) => c.name)")" '["Acme"]'

# -- again, in a portal whose plan has no custom objects --
crm post hs settings '{"enterprise": false}' >/dev/null
api DELETE /crm/properties/2026-09/companies/billhook_mrr >/dev/null
status "apply" 0 set_up_portal
status "plan without Enterprise" 4 bh crm crm plan
like "says what cannot be seen" "$out" '^hidden +object +BillhookInvoices'
status "install without Enterprise" 4 bh crm crm install
like "says it plainly" "$out" '^failed +BillhookInvoices: Custom objects need an Enterprise subscription'
like "and what to do instead" "$out" 'Use the roll-up properties of companies and contacts, and deals, instead'
is "once for each object" "$(grep -c '^failed' <<<"$out")" 4
like "everything else is made, deleted names, too" "$out" '^created +companies.billhook_arr$'
is "as it is wanted" "$(api GET /crm/properties/2026-09/companies/billhook_customer_id | grep -o '"hasUniqueValue":[a-z]*')" '"hasUniqueValue":true'
seen "customers go in" "hs('companies').filter((c) => c.billhook_customer_id === 'stripe:cus_1').length" 1

# -- with a plan that has them it goes on; what another made stays --
crm post hs settings '{"enterprise": true, "search_second_limit": 5}' >/dev/null
api POST /crm-object-schemas/2026-09/schemas '{"name": "LagoInvoices", "labels": {"singular": "LagoInvoice", "plural": "LagoInvoices"}, "description": "By an add-on",
	"primaryDisplayProperty": "lago_invoice_number", "properties": [{"name": "lago_invoice_number", "label": "Number", "type": "string", "fieldType": "text"}]}' >/dev/null
api POST /crm/properties/2026-09/companies '{"name": "lago_customer_id", "label": "Lago Customer Id", "type": "string", "fieldType": "text", "groupName": "companyinformation", "hasUniqueValue": true}' >/dev/null
status "install with Enterprise" 0 bh crm crm install
like "makes what lacked" "$out" '^created +BillhookInvoices$'
seen "invoices follow" "hs('BillhookInvoices').length" 1
status "count at five questions a second" 0 bh crm crm count
unlike "what is another's is not counted" "$out" 'Lago'
crm post hs records '{"BillhookInvoices": ['"$(for i in $(seq 250); do printf '%s{"properties": {"billhook_invoice_id": "x:%s"}}' "${sep:-}" "$i"; sep=,; done)"']}' >/dev/null
crm post hs settings '{"latency_ms": 150, "search_second_limit": 1000}' >/dev/null
status "disconnect and remove" 0 bh crm crm disconnect --remove --yes crm
crm post hs settings '{"latency_ms": 0}' >/dev/null
like "more records than one call takes go, with progress" "$err" 'records of BillhookInvoices: [12]00 removed'
is "what is another's is kept" "$(api GET /crm-object-schemas/2026-09/schemas | grep -o '"name":"[A-Z][A-Za-z]*"')" '"name":"LagoInvoices"'
is "its property, too" "$(api GET /crm/properties/2026-09/companies | grep -oE '"name":"(lago|billhook)_[a-z_]*"')" '"name":"lago_customer_id"'

# -- or everything stays --
status "apply" 0 set_up_portal
status "install" 0 bh crm crm install
status "disconnect and keep" 0 bh crm crm disconnect --yes crm
is "what was made stays" "$(api GET /crm-object-schemas/2026-09/schemas | grep -oE '"name":"Billhook[A-Za-z]*"' | tr '\n' ' ')" \
	'"name":"BillhookSubscriptions" "name":"BillhookInvoices" "name":"BillhookCreditNotes" "name":"BillhookPayments" '

# -- under other names, beside them --
status "apply with another prefix" 0 set_up_portal '"prefix": "acme_"'
status "plan" 4 bh crm crm plan
like "names properties so" "$out" '^missing +property +companies\.acme_customer_id string'
like "and their group" "$out" '^missing +group +companies: acme'
like "and custom objects" "$out" '^missing +property +AcmeInvoices\.acme_invoice_id string'
unlike "none of the others" "$(grep ^missing <<<"$out")" '[. ]billhook|Billhook'
status "install" 0 bh crm crm install
like "makes all of it" "$out" '^[0-9]+ made, 0 failed, 0 hidden; all that the syncs need is there$'
seen "records go into them" "hs('AcmeInvoices').map((i) => i.acme_invoice_id + ' ' + i.acme_invoice_number).join()" "stripe:in_1 EX-in_1"
is "people can tell the objects" "$(api GET /crm-object-schemas/2026-09/schemas | grep -oE '"plural":"[A-Za-z ]*Invoices"' | sort | tr '\n' ' ')" \
	'"plural":"Acme Billing Invoices" "plural":"Billing Invoices" "plural":"LagoInvoices" '
is "beside those of the other prefix" "$(crm see "[hs('BillhookInvoices').length, hs('companies', 'stripe:cus_1')].map((c) => c.acme_mrr ?? c)")" '[1,"75.00"]'
status "disconnect and remove" 0 bh crm crm disconnect --remove --yes crm
is "takes away what has this prefix, and nothing else" "$(api GET /crm-object-schemas/2026-09/schemas | grep -oE '"name":"(Acme|Billhook)[A-Za-z]*"' | tr '\n' ' ')" \
	'"name":"BillhookSubscriptions" "name":"BillhookInvoices" "name":"BillhookCreditNotes" "name":"BillhookPayments" '
is "of the properties, too" "$(api GET /crm/properties/2026-09/companies | grep -oE '"name":"acme_[a-z_]*"')$(api GET /crm/properties/2026-09/companies | grep -c '"name":"billhook_customer_id"')" 1
unlike "no secret in log and dump" "$(log && bh dump)" "$FLOW_HS_TOKEN"
finish
