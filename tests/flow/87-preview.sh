#!/usr/bin/env bash
# What a preview says is what the push then does: of a first sync into a
# Salesforce org, a HubSpot portal and a sandbox, and after a change of the
# mapping; counted in the simulators.  Meanwhile nothing is written.  Then the page
# in Chromium, behind lighttpd.  FLOW_SHOTS as for 85-pages.sh.
# shellcheck disable=SC2016,SC2317 # JavaScript; called by wait_for
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
leave_root

need_chromium
port=$(node "$flow/web.mjs" port)
root=$work/web
mkdir -p "$root"/{www,tmp} "$work/home"
hs_settings='{"search_lag_ms": 0, "search_second_limit": 1000}'
simulators

new_dir preview
option public_url "http://127.0.0.1:$port"
option template_dir "$BH_SRCDIR/templates"
option static_dir "$BH_SRCDIR/static"
option preset_dir "$BH_SRCDIR/presets"
# account FIELDS: the mapped objects of the sync to Salesforce
account() {
	cat <<-END
	{ "name": "account", "from": "customer", "to": "Account", "key": "Billhook_Id__c", "create": "yes",
	  "if": {"field": "name", "not_in": ["Left Out"]},
	  "match": [ {"by": "key"}, {"by": "domain", "to": "Website", "from": "{email|company_domain}"} ],
	  "fields": [ $1 ] },
	{ "name": "invoice", "from": "invoice", "to": "Billhook_Invoice__c", "key": "Billhook_Id__c",
	  "parents": [ {"object": "account", "id": "customer", "to": "Account__c"} ],
	  "fields": [ {"to": "Name", "from": "number"}, {"to": "Total__c", "from": "total"} ] }
	END
}
first='{"to": "Name", "from": "name"}, {"to": "Billhook_Email__c", "from": "email"}, {"to": "BillingCity", "from": "address_city", "when": "if_empty"}, {"to": "Billhook_Latest_Invoice_Date__c", "from": "phone", "as": "date"}'
second=${first/'"from": "name"'/'"from": "{name|upper}"'}
# set_up PAUSED FIELDS
set_up() {
	bh apply --quiet - <<-END || not_ok "apply"
	{ "billhook": 1,
	  "connections": [
	    { "code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
	    { "code": "box", "driver": "sandbox" },
	    { "code": "salesforce", "driver": "salesforce", "name": "Our org",
	      "settings": {"flow": "client_credentials", "login_url": "$SF_URL", "client_id": "sim-client"}, "secrets": {"client_secret": "env:FLOW_SF_SECRET"} },
	    { "code": "hubspot", "driver": "hubspot", "settings": {"flow": "token", "base_url": "$HS_URL"}, "secrets": {"access_token": "env:FLOW_HS_TOKEN"} } ],
	  "syncs": [
	    { "code": "sf", "from": "stripe", "to": "salesforce", "paused": $1, "mapping": {"name": "sf", "objects": [ $(account "$2") ]} },
	    { "code": "hs", "from": "stripe", "to": "hubspot", "paused": $1, "preset": "stripe-hubspot", "settings": {"deals": "yes"} },
	    { "code": "box", "from": "stripe", "to": "box", "paused": $1, "preset": "stripe-salesforce" } ] }
	END
}
set_up true "$first"
sed -e "s|@ROOT@|$root|g; s|@PORT@|$port|g; s|@BIN@|$BILLHOOK|g; s|@DIR@|$BILLHOOK_DIR|g; /max-request-size/d" \
	"$BH_SRCDIR/etc/lighttpd.conf.example" >"$root/server.conf"
start lighttpd lighttpd -D -f "$root/server.conf"
answers() {
	[[ $(node "$flow/web.mjs" get "http://127.0.0.1:$port/healthz" 2>/dev/null) == 200* ]]
}
wait_for 15 answers || not_ok "the site answers" "$(cat "$work/lighttpd.log")"

# -- what stands on both sides --
crm post sf records '{"Account": [
	{"Name": "Web Corp", "Website": "https://webcorp.example", "BillingCity": "Ulm"},
	{"Name": "Keyed", "Billhook_Id__c": "stripe:cus_key"},
	{"Name": "Many One", "Website": "many.example"}, {"Name": "Many Two", "Website": "www.many.example"}]}' >/dev/null
curl -sf "$HS_URL/crm/objects/2026-09/companies" -H "Authorization: Bearer $FLOW_HS_TOKEN" -H 'Content-Type: application/json' \
	-d '{"properties": {"name": "Web Corp", "domain": "webcorp.example"}}' >/dev/null || not_ok "a company of people's"
clock=$(date +%s)
tell() {
	local one
	for one in "$@"; do
		clock=$((clock + 1))
		node "$flow/send.mjs" "http://127.0.0.1:$port/hook/stripe" stripe "${one%\}},\"at\":$clock}" | grep -q '^200' || not_ok "a webhook is accepted" "$one"
	done
}
for one in new:New:a@newcorp.example web:Web:kim@webcorp.example key:Keyed:k@gmail.com many:Many:m@many.example out:Left_Out:o@gmail.com '<b>:<script>alert(1)</script>:x@gmail.com'; do
	IFS=: read -r id name email <<<"$one"
	tell "{\"customer\":\"cus_$id\",\"name\":\"${name/_/ }\",\"email\":\"$email\",\"address\":{\"city\":\"Bonn\",\"country\":\"DE\"}}" \
		"{\"subscription\":\"sub_$id\",\"customer\":\"cus_$id\",\"quantity\":3,\"unit_amount\":2500}" \
		"{\"invoice\":\"in_$id\",\"customer\":\"cus_$id\",\"subscription\":\"sub_$id\",\"total\":7500}"
done
tell '{"customer":"cus_bad","name":"Bad","email":"bad@gmail.com","phone":"many people"}' '{"invoice":"in_bad","customer":"cus_bad","total":100}'
seen "all is taken in" 'status.backlog' 0

# said SYNC: what a preview says, "account create 2 adopt 2, invoice ..."; sets rc
said() {
	run bh preview "$1" --json
	node -e 'const doc = JSON.parse(require("fs").readFileSync(0, "utf8"));
		console.log(doc.objects.map((o) => [o.name, ...Object.entries(o.counts).sort().flat()].join(" ")).filter((t) => t.includes(" ")).sort().join(", "))' <<<"$out"
}
# everything in the CRMs that is no call
state_of_crms() {
	crm see '[sf("Account"), sf("Billhook_Invoice__c"), ...["companies", "contacts", "deals", "BillhookSubscriptions", "BillhookInvoices"].map((n) => hs(n))].map((l) => JSON.stringify(l)).join()'
}
before=$(state_of_crms)
accounts=$(crm see 'sf("Account").length')

# -- before the first push --
sf_said=$(said sf)
is "Salesforce: the preview" "$sf_said" 'account adopt 2 choice 1 create 2 excluded 1 refused 1, invoice create 5 waiting 2'
status "some need a person" 4 bh preview sf
like "and it is said how" "$out" 'by its key: 1'
like "by each rule" "$out" 'by Website: 1'
hs_said=$(said hs)
is "HubSpot: the preview" "$hs_said" 'customer adopt 1 create 6, deal create 6, invoice create 7, person excluded 7, subscription create 6'
box_said=$(said box)
is "a sandbox: the preview" "$box_said" 'account create 7, invoice create 7, subscription create 6'
is "nothing was written to the CRMs" "$(state_of_crms)" "$before"
is "nor to links" "$(crm see '["salesforce","hubspot","box"].map((c) => [lane(c).in_step, lane(c).held, lane(c).waiting_parent, lane(c).excluded].join("/"))')" '["0/0/0/0","0/0/0/0","0/0/0/0"]'

# -- one record --
status "one record" 0 bh preview sf customer cus_web
like "which one, and why" "$out" 'account Account: adopt .*Website is webcorp.example'
like "what a person wrote stays" "$out" 'BillingCity: "Ulm" -> "Ulm"; not empty: stays \(billing: "Bonn"\)'
like "what billing decides" "$out" 'Name: "Web Corp" -> "Web"; billing decides'
status "one that nobody knows" 1 bh preview sf customer cus_none
status "a kind that nobody knows" 1 bh preview sf customers cus_web
status "a sync that nobody knows" 1 bh preview none
status "an id is missing" 2 bh preview sf customer

# -- the page, before anything was sent --
HOME=$work/home adopt node "$flow/preview.mjs" "http://127.0.0.1:$port"
is "still nothing was written" "$(state_of_crms)" "$before"

# -- the push does what was said --
in_step='status.backlog === 0 && status.lanes.every((l) => l.dirty === 0)'
set_up false "$first"
check "all is pushed" crm see --wait 30 "$in_step && lane('box').in_step === 20" true
is "Salesforce: made" "$(crm see 'sf("Account").length - '"$accounts")" 2
is "adopted" "$(crm see 'sf("Account").filter((a) => ["Web", "Keyed"].includes(a.Name) && a.Billhook_Id__c).length')" 2
is "invoices" "$(crm see 'sf("Billhook_Invoice__c").length')" 5
is "refused or to be chosen, waiting, excluded" "$(crm see '[lane("salesforce").held, lane("salesforce").waiting_parent, lane("salesforce").excluded]')" '[2,2,1]'
is "a person's city stayed" "$(crm see 'sf("Account", "stripe:cus_web").BillingCity')" Ulm
is "HubSpot: made and adopted" "$(crm see '[hs("companies").length, hs("companies").filter((c) => c.billhook_customer_id).length, hs("deals").length, hs("BillhookSubscriptions").length, hs("BillhookInvoices").length]')" '[7,7,6,6,7]'
is "afterwards all is as it is" "$(said sf)" 'account choice 1 excluded 1 refused 1 unchanged 4, invoice unchanged 5 waiting 2'
is "in HubSpot, too" "$(said hs)" 'customer unchanged 7, deal unchanged 6, invoice unchanged 7, person excluded 7, subscription unchanged 6'
is "and in the sandbox" "$(said box)" 'account unchanged 7, invoice unchanged 7, subscription unchanged 6'

status "a record of the sandbox" 0 bh preview box customer cus_web
like "what it holds is what was sent" "$out" 'Name: "Web" -> "Web"'

# -- after a change of the mapping --
set_up true "$second"
is "a change: the preview" "$(said sf)" 'account choice 1 excluded 1 refused 1 update 4, invoice unchanged 5 waiting 2'
is "nothing is written by it" "$(crm see 'sf("Account").filter((a) => /^(NEW|WEB|KEYED)$/.test(a.Name)).length')" 0
crm delete sf calls >/dev/null
set_up false "$second"
check "a change is pushed" crm see --wait 20 "$in_step && sf('Account').filter((a) => ['NEW', 'WEB', 'KEYED', '<SCRIPT>ALERT(1)</SCRIPT>'].includes(a.Name)).length === 4" true
is "so many records were written" "$(crm see 'sfWrites.reduce((sum, call) => sum + call.records, 0)')" 4

# -- a CRM that is away, a dead token --
crm post sf faults '{"faults": [{"match": {"path": "composite|query"}, "times": 1, "do": {"status": 503, "body": []}}]}' >/dev/null
is "a CRM that is away for a moment is asked again" "$(said sf)" 'account choice 1 excluded 1 refused 1 unchanged 4, invoice unchanged 5 waiting 2'
crm post sf expire '{"access": true, "refresh": true}' >/dev/null || not_ok "the session ends"
is "a session that is over is begun anew" "$(said sf)" 'account choice 1 excluded 1 refused 1 unchanged 4, invoice unchanged 5 waiting 2'

unlike "nothing to complain in the log" "$(log)" ' error | killed | ended with status'

# -- a worker that dies in the middle --
workers() {
	local one
	for one in $(left_over); do
		[ "$(cat "/proc/$one/comm" 2>/dev/null)" != bh-worker ] || echo "$one"
	done
}
crm post sf faults '{"faults": [{"match": {"path": "composite|query"}, "times": 1, "do": {"delay_ms": 3000}}]}' >/dev/null
said sf >"$work/said" &
asking=$!
check "it runs" wait_for 5 crm see 'sfCalls.length > 0' true
sleep 0.5
mapfile -t pids_of_workers < <(workers)
check "there are workers" test "${#pids_of_workers[@]}" -gt 0
kill -9 "${pids_of_workers[@]}"
wait "$asking"
is "the next worker goes on" "$(cat "$work/said")" 'account choice 1 excluded 1 refused 1 unchanged 4, invoice unchanged 5 waiting 2'
finish
