#!/usr/bin/env bash
# The presets whole, in a portal in which nothing of ours was: what is missing is
# made, then every mapped object arrives with its values and its ties.  Companies
# and people by the customer's own type; who changes sorts takes all along.  Deals
# in pipelines of one's own.  LostChurn and Alguna are simulators that sign their webhooks.
# shellcheck disable=SC2154,SC2034,SC2016,SC2317 # what lib.sh and billing.sh set; addresses by name; JavaScript; calls by status
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
leave_root

export FLOW_KEY=sk_test_sim FLOW_HOOK=lc_whsec_test_7f3c1a9e5b2d48c6a0e1f4b8 FLOW_ALGUNA_HOOK=whsec_BaDWeayEmV04ZatiBA/MQmkXUksNyKHh
billing_simulator lostchurn '{"read_limit": 0}'
lostchurn_url=$BILL_URL
billing_simulator alguna
alguna_url=$BILL_URL
behind_lighttpd presets
hook() {
	echo "$url/hook/$1"
}
# happens SOURCE CHANGE...: there, one after the other; prints the last one's result; then all is delivered
happens() {
	local source=$1 at one
	at=${source}_url
	shift
	for one in "$@"; do
		BILL=$source BILL_URL=${!at} sim POST change "$one" >"$work/changed" || not_ok "$source changes" "$one"
	done
	BILL=$source BILL_URL=${!at} sim POST deliver "{\"url\": \"$url/hook/$source\", \"quiet\": true}" | grep -q '"lost":0' ||
		not_ok "$source's webhooks are accepted" "$*"
	node -p 'const { result } = JSON.parse(require("fs").readFileSync(process.argv[1])); result.id' "$work/changed"
}

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
# set_up [SETTINGS [OF churn]]: of the sync of Stripe's, and of LostChurn's
set_up() {
	bh apply --quiet - <<-END
	{ "billhook": 1,
	  "connections": [
	    { "code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
	    { "code": "lago", "driver": "lago", "settings": {}, "secrets": {"webhook": "env:FLOW_LAGO_SECRET"} },
	    { "code": "lostchurn", "driver": "lostchurn", "settings": {}, "secrets": {"webhook": "env:FLOW_HOOK"} },
	    { "code": "alguna", "driver": "alguna", "settings": {"fetch_per_s": 1000, "api_url": "$alguna_url", "catchup_s": 0},
	      "secrets": {"api_key": "env:FLOW_KEY", "webhook": "env:FLOW_ALGUNA_HOOK"} },
	    { "code": "crm", "driver": "hubspot", "settings": {"flow": "token", "base_url": "$HS_URL"}, "secrets": {"access_token": "env:FLOW_HS_TOKEN"} } ],
	  "syncs": [
	    { "code": "stripe", "from": "stripe", "to": "crm", "preset": "stripe-hubspot", "settings": {"deals": "yes", "invoice_lines": "yes"${1:-}} },
	    { "code": "lago", "from": "lago", "to": "crm", "preset": "lago-hubspot", "settings": {"customer_object": "contacts"} },
	    { "code": "churn", "from": "lostchurn", "to": "crm", "preset": "lostchurn-hubspot", "settings": {${2:-$recovery_stages}} },
	    { "code": "alguna", "from": "alguna", "to": "crm", "preset": "alguna-hubspot", "settings": {"deals": "yes"} } ] }
	END
}
recovery_stages='"recovery_pipeline": "recoveries", "recovery_stage_started": "r_begun", "recovery_stage_retrying": "r_tried", "recovery_stage_won": "r_won", "recovery_stage_lost": "r_lost"'
api() {
	curl -sS -X "$1" -H "Authorization: Bearer $FLOW_HS_TOKEN" -H 'Content-Type: application/json' ${3:+-d "$3"} "$HS_URL$2"
}
nothing_waits="[status.backlog, ...['dirty', 'held', 'waiting_parent'].map((state) => lane('crm')[state])]"
api POST /crm/pipelines/2026-09/deals '{"label": "Recoveries", "displayOrder": 1, "pipelineId": "recoveries", "stages": [
	{"stageId": "r_begun", "label": "Begun", "displayOrder": 0, "metadata": {"probability": "0.3"}}, {"stageId": "r_tried", "label": "Tried again", "displayOrder": 1, "metadata": {"probability": "0.5"}},
	{"stageId": "r_won", "label": "Won", "displayOrder": 2, "metadata": {"probability": "1.0"}}, {"stageId": "r_lost", "label": "Lost", "displayOrder": 3, "metadata": {"probability": "0.0"}}]}' >/dev/null
status "apply" 0 set_up
serve_web
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
	"deals in the sales pipeline" "[hs('deals','stripe:sub_a')].map((d) => [d.dealname, d.pipeline, d.dealstage, d.amount].join(', '))[0]" 'Acme Ltd - Team, default, closedwon, 75.00' \
	"subscriptions belong to their deals" "$(belongs BillhookSubscriptions stripe:sub_b deals billhook_deal_id)" '["stripe:sub_b"]' \
	"lines below their invoices" "hs('BillhookInvoiceLines').map((l) => hs('BillhookInvoices').find((i) => i.id === String(l.links.BillhookInvoices[0].id)).billhook_invoice_id).sort()" '["stripe:in_a","stripe:in_b","stripe:in_c"]' \
	"nothing waits" "$nothing_waits" '[0,0,0,0]'

# raw BODY: an event of Stripe's as it comes
raw() {
	printf '%s' "$1" >"$work/raw"
	send stripe "@$work/raw" | grep -q '^200' || not_ok "Stripe's webhook is accepted" "$1"
}
raw '{"id":"evt_cn","object":"event","api_version":"2026-10-28.endive","created":'"$clock"',"livemode":true,"type":"credit_note.created","data":{"object":{"id":"cn_1","object":"credit_note","number":"CN-1","amount":1500,"total":1500,"subtotal":1500,"created":1790000000,"currency":"usd","customer":"cus_b","invoice":"in_b","status":"issued","reason":"duplicate","livemode":true,"metadata":{},"lines":{"object":"list","data":[],"has_more":false}}}}'
raw '{"id":"evt_ch","object":"event","api_version":"2026-10-28.endive","created":'"$clock"',"livemode":true,"type":"charge.succeeded","data":{"object":{"id":"ch_1","object":"charge","amount":7500,"amount_refunded":0,"captured":true,"created":1790000000,"currency":"usd","customer":"cus_b","failure_code":null,"failure_message":null,"invoice":"in_b","livemode":true,"metadata":{},"paid":true,"status":"succeeded","refunded":false,"receipt_url":null}}}'
all_seen "a credit note" "[hs('BillhookCreditNotes','stripe:cn_1')].map((c) => [c.billhook_credit_note_number, c.billhook_credit_note_total, c.billhook_credit_note_status].join(' '))[0]" 'CN-1 15.00 issued' \
	"below the person and the invoice" "[$(belongs BillhookCreditNotes stripe:cn_1 contacts), $(belongs BillhookCreditNotes stripe:cn_1 BillhookInvoices billhook_invoice_id)]" '[["stripe:cus_b"],["stripe:in_b"]]' \
	"a payment" "[hs('BillhookPayments','stripe:ch_1')].map((c) => [c.billhook_payment_amount, c.billhook_payment_status, c.billhook_payment_disputed].join(' '))[0]" '75.00 succeeded false' \
	"below both, too" "[$(belongs BillhookPayments stripe:ch_1 contacts), $(belongs BillhookPayments stripe:ch_1 BillhookInvoices billhook_invoice_id)]" '[["stripe:cus_b"],["stripe:in_b"]]'

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

# -- LostChurn: contacts, recoveries, their deals in a pipeline of their own --
recovery=$(happens lostchurn '{"do": "recovery.start", "customer": {"email": "first@example.com", "name": "Fay First"}, "payment": {"amount": 4900, "currency": "eur"}}')
seen "a deal of the recovery" "hs('deals').filter((d) => d.dealname.includes('first@example.com')).length" 1
key=$(crm see "hs('deals').find((d) => d.dealname.includes('first@example.com')).billhook_recovery_id")
all_seen "a contact of LostChurn's" "hs('contacts').filter((c) => c.email === 'first@example.com').map((c) => [c.firstname, c.lastname, c.billhook_source].join(' '))" '["Fay First LostChurn"]' \
	"a deal in its pipeline" "[hs('deals','$key')].map((d) => [d.pipeline, d.dealstage, d.billhook_recovery_amount].join(', '))[0]" 'recoveries, r_begun, 49.00' \
	"a recovery with the figures" "[hs('BillhookRecoveries','$key')].map((r) => [r.billhook_recovery_stage, r.billhook_recovery_amount, r.billhook_recovery_currency].join(' '))[0]" 'open_early 49.00 EUR' \
	"that belongs to the deal" "$(belongs BillhookRecoveries "$key" deals billhook_recovery_id)" "[\"$key\"]" \
	"and to the contact, as the deal does" "['BillhookRecoveries', 'deals'].map((name) => hs(name,'$key').links.contacts.length)" '[1,1]'
happens lostchurn "{\"do\": \"recovery.escalate\", \"id\": \"$recovery\"}" >/dev/null
seen "on its way" "hs('deals','$key').dealstage" r_tried
happens lostchurn "{\"do\": \"recovery.succeed\", \"id\": \"$recovery\", \"recovered_amount\": 4900, \"method\": \"retry\"}" >/dev/null
all_seen "won" "[hs('deals','$key')].map((d) => [d.dealstage, d.amount].join(' '))[0]" 'r_won 49.00' \
	"and told so" "[hs('BillhookRecoveries','$key')].map((r) => [r.billhook_recovery_stage, r.billhook_recovery_recovered_amount, r.billhook_recovery_method, r.billhook_recovery_completed_at !== null].join(' '))[0]" 'won 49.00 retry true'
lost=$(happens lostchurn '{"do": "recovery.start", "customer": {"email": "second@example.com", "name": "Sid Second"}, "payment": {"amount": 900, "currency": "eur"}}')
happens lostchurn "{\"do\": \"recovery.fail\", \"id\": \"$lost\"}" >/dev/null
seen "lost" "[...hs('deals'), ...hs('BillhookRecoveries')].filter((r) => (r.dealname ?? r.billhook_recovery_name ?? '').includes('second@example.com')).map((r) => [r.dealstage ?? null, r.billhook_recovery_failure_reason])" '[["r_lost","exhausted"],[null,"exhausted"]]'

# -- a stage that the pipeline has not got --
# stage_is STAGE: of recoveries that are won
stage_is() {
	set_up "" "${recovery_stages/r_won/$1}"
}
third=$(happens lostchurn '{"do": "recovery.start", "customer": {"email": "third@example.com", "name": "Thea Third"}, "payment": {"amount": 900, "currency": "eur"}}')
third_deal="hs('deals').find((d) => d.dealname.includes('third@example.com'))"
seen "another recovery" "${third_deal}?.dealstage" r_begun
status "apply with the stage of another pipeline" 0 stage_is closedwon
happens lostchurn "{\"do\": \"recovery.succeed\", \"id\": \"$third\", \"recovered_amount\": 900, \"method\": \"retry\"}" >/dev/null
third_link="link('deal', $third_deal.billhook_recovery_id.replace('lostchurn:', ''))"
all_seen "such a deal is held" "$third_link.state" held \
	"and it is said which stages there are" "$third_link.cause.includes('closedwon was not one of the allowed options: [r_begun, r_tried, r_won, r_lost]')" true \
	"what else there is to say is written" "hs('BillhookRecoveries').find((r) => r.billhook_recovery_name.includes('third@example.com')).billhook_recovery_stage" won
status "apply with a stage that is nowhere" 0 stage_is nowhere
seen "that is said, too" "$third_link.cause.includes('nowhere was not one of the allowed options: [')" true
status "a person is needed" 4 bh status
status "apply with the right one" 0 set_up
seen "they go on" "$third_deal.dealstage" r_won

# -- Alguna: what it does not tell, looked up --
customer=$(happens alguna '{"do": "customer.create", "customer": {"name": "Nord GmbH", "email": "dee@nord.example", "currency": "EUR"}}')
subscription=$(happens alguna "{\"do\": \"subscription.create\", \"subscription\": {\"customer_id\": \"$customer\", \"name\": \"Growth\", \"currency\": \"EUR\"}}")
invoice=$(happens alguna "{\"do\": \"subscription.activate\", \"id\": \"$subscription\"}" \
	"{\"do\": \"invoice.create\", \"invoice\": {\"customer_id\": \"$customer\", \"subscription_id\": \"$subscription\", \"currency\": \"EUR\", \"total\": \"120.00\"}}")
payment=$(happens alguna "{\"do\": \"invoice.issue\", \"id\": \"$invoice\"}" "{\"do\": \"payment.start\", \"invoice_id\": \"$invoice\", \"amount\": \"120.00\"}")
all_seen "a company of Alguna's, whose sort is not told" "hs('companies','alguna:$customer').name" 'Nord GmbH' \
	"its subscription" "[hs('BillhookSubscriptions','alguna:$subscription').billhook_subscription_name, $(belongs BillhookSubscriptions "alguna:$subscription" companies), $(belongs BillhookSubscriptions "alguna:$subscription" deals billhook_deal_id)]" "[\"Growth\",[\"alguna:$customer\"],[\"alguna:$subscription\"]]" \
	"its invoice" "[hs('BillhookInvoices','alguna:$invoice').billhook_invoice_total, $(belongs BillhookInvoices "alguna:$invoice" companies)]" "[\"120.00\",[\"alguna:$customer\"]]" \
	"its payment" "[hs('BillhookPayments','alguna:$payment').billhook_payment_amount, $(belongs BillhookPayments "alguna:$payment" BillhookInvoices billhook_invoice_id)]" "[\"120.00\",[\"alguna:$invoice\"]]" \
	"nothing waits" "$nothing_waits" '[0,0,0,0]'
status "no person is needed" 0 bh status

# -- the rule switched off --
status "apply with the rule off" 0 set_up ', "by_type": "no"'
tell stripe '{"customer":"cus_e","name":"Eli Moor","individual_name":"Eli Moor","email":"eli@people.example"}'
seen "all are companies" "hs('companies','stripe:cus_e').name" 'Eli Moor'
finish
