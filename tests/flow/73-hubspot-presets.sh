#!/usr/bin/env bash
# The presets whole, in a portal in which nothing of ours was: what is missing is
# made, then every mapped object arrives with its values and its ties.  Companies
# and people by the customer's own type; who changes sorts takes all along.
# shellcheck disable=SC2154 # what lib.sh sets
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
leave_root

start hubspot node "$BH_SRCDIR/tests/crm/hubspot.mjs" --port 0 --port-file "$work/hs.port" \
	--settings '{"search_lag_ms": 0, "search_second_limit": 1000}' --witness
wait_for 10 test -f "$work/hs.port" || not_ok "the simulator starts" "$(cat "$work/hubspot.log")"
HS_URL=http://127.0.0.1:$(cat "$work/hs.port")
export HS_URL
clock=$(date +%s)
# tell SOURCE EVENT...: each a second after the one before
tell() {
	local source=$1 one
	shift
	for one in "$@"; do
		clock=$((clock + 1))
		send "$source" "${one%\}},\"at\":$clock}" | grep -q '^200' || not_ok "$source's webhook is accepted" "$one"
	done
}
# set_up [SETTINGS]: of the sync of Stripe's
set_up() {
	bh apply --quiet - <<-END
	{ "billhook": 1,
	  "connections": [
	    { "code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
	    { "code": "lago", "driver": "lago", "settings": {}, "secrets": {"webhook": "env:FLOW_LAGO_SECRET"} },
	    { "code": "crm", "driver": "hubspot", "settings": {"flow": "token", "base_url": "$HS_URL"}, "secrets": {"access_token": "env:FLOW_HS_TOKEN"} } ],
	  "syncs": [
	    { "code": "stripe", "from": "stripe", "to": "crm", "preset": "stripe-hubspot", "settings": {"deals": "yes", "invoice_lines": "yes"${1:-}} },
	    { "code": "lago", "from": "lago", "to": "crm", "preset": "lago-hubspot", "settings": {"customer_object": "contacts"} } ] }
	END
}
nothing_waits="[status.backlog, ...['dirty', 'held', 'waiting_parent'].map((state) => lane('crm')[state])]"
new_dir presets
status "apply" 0 set_up
serve
status "plan of an empty portal needs a person" 4 bh crm crm plan
status "install" 0 bh crm crm install
status "plan" 0 bh crm crm plan

# -- company or contact: by the type, else as the setting says --
invoice_of() {
	printf '{"invoice":"in_%s","customer":"cus_%s","subscription":"sub_%s","total":7500,"lines":{"object":"list","has_more":false,"total_count":1,"data":[{"id":"il_%s","object":"line_item","amount":7500,"currency":"usd","description":"3 seats","quantity":3,"period":{"start":1790000000,"end":1792600000}}]}}' "$1" "$1" "$1" "$1"
}
tell stripe '{"customer":"cus_a","name":"Acme Ltd","business_name":"Acme Ltd","email":"pay@acme.example"}' \
	'{"customer":"cus_b","name":"Bea King","individual_name":"Bea King","email":"bea@people.example"}' \
	'{"customer":"cus_c","name":"Nobody knows","email":"c@unknown.example"}'
for one in a b c; do
	tell stripe "{\"subscription\":\"sub_$one\",\"customer\":\"cus_$one\",\"quantity\":3,\"unit_amount\":2500}" "$(invoice_of "$one")"
done
# belongs OBJECT KEY OF: the keys of the records of that object that it is tied to
belongs() {
	printf "(hs('%s','%s').links?.%s ?? []).map((to) => hs('%s').find((r) => r.id === String(to.id)).%s)" "$1" "$2" "$3" "$3" "${4:-billhook_customer_id}"
}
all_seen "a company" "hs('companies','stripe:cus_a').name" 'Acme Ltd' \
	"a person" "[hs('contacts','stripe:cus_b')].map((c) => [c.firstname, c.lastname, c.email, c.billhook_source_customer_id].join(' '))[0]" 'Bea King bea@people.example cus_b' \
	"who is no company" "hs('companies','stripe:cus_b')" '{}' \
	"one of no known type" "hs('companies','stripe:cus_c').name" 'Nobody knows' \
	"and nobody else" "[hs('companies').length, hs('contacts').length]" '[2,1]' \
	"what is the person's hangs below the person" "['deals', 'BillhookSubscriptions', 'BillhookInvoices'].map((name) => [Object.keys(hs(name, 'stripe:' + (name === 'BillhookInvoices' ? 'in_b' : 'sub_b')).links ?? {}).includes('companies'), (hs(name, 'stripe:' + (name === 'BillhookInvoices' ? 'in_b' : 'sub_b')).links?.contacts ?? []).length])" '[[false,1],[false,1],[false,1]]' \
	"the person's invoice" "$(belongs BillhookInvoices stripe:in_b contacts)" '["stripe:cus_b"]' \
	"a company's invoice" "$(belongs BillhookInvoices stripe:in_a companies)" '["stripe:cus_a"]' \
	"the setting's" "$(belongs BillhookInvoices stripe:in_c companies)" '["stripe:cus_c"]' \
	"lines below their invoices" "hs('BillhookInvoiceLines').map((l) => hs('BillhookInvoices').find((i) => i.id === String(l.links.BillhookInvoices[0].id)).billhook_invoice_id).sort()" '["stripe:in_a","stripe:in_b","stripe:in_c"]' \
	"nothing waits" "$nothing_waits" '[0,0,0,0]'

# -- who turns out to be another sort takes all along --
contact_before=$(crm see "hs('contacts','stripe:cus_b').id")
tell stripe '{"customer":"cus_c","name":"Cy Long","individual_name":"Cy Long","email":"c@unknown.example","metadata":{"hubspot_company_id":"'"$(crm see "hs('companies','stripe:cus_c').id")"'"}}' \
	'{"customer":"cus_b","name":"Bea Ltd","business_name":"Bea Ltd","email":"bea@people.example"}'
all_seen "a company that is a person" "[hs('contacts','stripe:cus_c')].map((c) => [c.firstname, c.lastname].join(' '))[0]" 'Cy Long' \
	"its invoice has moved" "[$(belongs BillhookInvoices stripe:in_c contacts), $(belongs BillhookInvoices stripe:in_c companies)]" '[["stripe:cus_c"],[]]' \
	"its deal, too" "[$(belongs deals stripe:sub_c contacts), $(belongs deals stripe:sub_c companies)]" '[["stripe:cus_c"],[]]' \
	"the company stays as it was" "hs('companies','stripe:cus_c').name" 'Nobody knows' \
	"a person that is a company" "hs('companies','stripe:cus_b').name" 'Bea Ltd' \
	"with the subscription" "[$(belongs BillhookSubscriptions stripe:sub_b contacts), $(belongs BillhookSubscriptions stripe:sub_b companies)]" '[[],["stripe:cus_b"]]' \
	"nothing waits" "$nothing_waits" '[0,0,0,0]'
tell stripe '{"customer":"cus_b","name":"Bea King","individual_name":"Bea King","email":"bea@people.example"}'
all_seen "and back" "[$(belongs BillhookSubscriptions stripe:sub_b contacts), $(belongs BillhookSubscriptions stripe:sub_b companies)]" '[["stripe:cus_b"],[]]' \
	"to the same person" "hs('contacts','stripe:cus_b').id" "$contact_before"

# -- an invoice that comes before its customer waits for nobody that never comes --
tell stripe "$(invoice_of d)"
seen "it waits" "lane('crm').waiting_parent" 2
tell stripe '{"customer":"cus_d","name":"Dee Gray","individual_name":"Dee Gray","email":"dee@people.example"}'
all_seen "for the person that its customer is" "$(belongs BillhookInvoices stripe:in_d contacts)" '["stripe:cus_d"]' \
	"its line, too" "hs('BillhookInvoiceLines').length" 4 \
	"nothing waits" "$nothing_waits" '[0,0,0,0]'

# -- a subscription that another takes over --
tell stripe '{"subscription":"sub_a","customer":"cus_d","quantity":3,"unit_amount":2500}'
seen "belongs to that one alone" "[$(belongs BillhookSubscriptions stripe:sub_a contacts), $(belongs BillhookSubscriptions stripe:sub_a companies)]" '[["stripe:cus_d"],[]]'

# -- the steady state costs no calls for ties --
crm delete hs calls >/dev/null
tell stripe '{"customer":"cus_a","name":"Acme Ltd","business_name":"Acme Ltd","email":"billing@acme.example"}'
seen "a change of a company" "hs('companies','stripe:cus_a').billhook_billing_email" billing@acme.example
seen "writes the company alone" "hsCalls.filter(({ method }) => method !== 'GET').map(({ path }) => path.replace(/^.*2026-09/, ''))" '["/companies/batch/update"]'

# -- Lago: the same, into contacts where nothing is known --
tell lago '{"invoice":"li_1","customer":"l1"}' '{"customer":"l1","name":"Lakeside AG","customer_type":"company","email":"pay@lakeside.example"}' \
	'{"customer":"l2","name":"Eve Stone","email":"eve@stone.example"}'
all_seen "a company of Lago's" "hs('companies','l1').name" 'Lakeside AG' \
	"with its invoice" "$(belongs LagoInvoices li_1 companies lago_customer_id)" '["l1"]' \
	"one of no known type, as the setting says" "hs('contacts','l2').lastname" Stone

# -- the rule switched off --
status "apply with the rule off" 0 set_up ', "by_type": "no"'
tell stripe '{"customer":"cus_e","name":"Eli Moor","individual_name":"Eli Moor","email":"eli@people.example"}'
seen "all are companies" "hs('companies','stripe:cus_e').name" 'Eli Moor'
finish
