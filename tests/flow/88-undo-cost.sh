#!/usr/bin/env bash
# What undo costs: how many calls it takes to know what is written over, of records that
# are made and of records that change, and that without it nothing is asked.
# shellcheck disable=SC2016 # JavaScript
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

sf_settings='{"daily_limit": 100000}' hs_settings='{"search_lag_ms": 0}'
simulators
new_dir cost
serve

# set_up DAYS PAUSED: for how long it is kept; while they are paused the CRMs take nothing
set_up() {
	bh apply --quiet - <<-END || not_ok "apply"
	{ "billhook": 1,
	  "connections": [
	    { "code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
	    { "code": "salesforce", "driver": "salesforce", "paused": $2, "secrets": {"client_secret": "env:FLOW_SF_SECRET"},
	      "settings": {"flow": "client_credentials", "login_url": "$SF_URL", "client_id": "sim-client"} },
	    { "code": "hubspot", "driver": "hubspot", "paused": $2, "settings": {"flow": "token", "base_url": "$HS_URL"}, "secrets": {"access_token": "env:FLOW_HS_TOKEN"} } ],
	  "syncs": [
	    { "code": "sf", "from": "stripe", "to": "salesforce", "settings": {"undo_days": $1}, "mapping": { "name": "sf", "objects": [
	      { "name": "account", "from": "customer", "to": "Account", "key": "Billhook_Id__c", "fields": [{"to": "Name", "from": "name"}] } ] } },
	    { "code": "hs", "from": "stripe", "to": "hubspot", "settings": {"undo_days": $1}, "mapping": { "name": "hs", "objects": [
	      { "name": "company", "from": "customer", "to": "companies", "key": "billhook_customer_id", "fields": [{"to": "name", "from": "name"}] } ] } } ] }
	END
}
clock=$(($(date +%s) + 1000))
# customers NAME [ONLY]: 400 of them have it, or only the first
customers() {
	clock=$((clock + 1))
	node "$flow/send.mjs" --many "${2:-400}" --parallel 8 "$(hook stripe)" stripe "{\"customer\":\"cus_%n\",\"name\":\"$1 %n\",\"email\":\"a@example.com\",\"at\":$clock}" >"$work/sent"
	grep -q '^200=' "$work/sent" || not_ok "webhooks are accepted" "$(cat "$work/sent")"
}
# costs NAME DAYS PREFIX COUNT SALESFORCE HUBSPOT: so many of them, sent at once, take these calls
costs() {
	set_up "$2" true
	customers "$3" "$4"
	check "$1: they wait" crm see --wait 20 "status.backlog === 0 && ['salesforce', 'hubspot'].every((code) => lane(code).dirty === $4)" true
	crm delete sf calls >/dev/null
	crm delete hs calls >/dev/null
	set_up "$2" false
	check "$1: they are sent" crm see --wait 30 "status.lanes.every((l) => l.dirty === 0) && sf('Account').filter((a) => a.Name.startsWith('$3 ')).length === $4 && hs('companies').filter((c) => c.name.startsWith('$3 ')).length === $4" true
	is "$1: Salesforce" "$(crm see "sfCalls.map((c) => c.method).sort().join()")" "$5"
	is "$1: HubSpot" "$(crm see "hsCalls.map((c) => c.path.replace(/^.*batch./, '')).sort().join()")" "$6"
}
costs "what is made" 30 Made 400 POST upsert,upsert,upsert,upsert
# What follows is a run of its own.
status "all is compared" 0 bh resync sf
status "in both" 0 bh resync hs
check "nothing is left to be sent" crm see --wait 15 'status.lanes.every((l) => l.dirty === 0)' true
costs "what changes" 30 Changed 400 POST,POST read,read,read,read,upsert,upsert,upsert,upsert
costs "a single change" 30 Single 1 PATCH,POST read,upsert
costs "without undo" 0 Bare 400 POST upsert,upsert,upsert,upsert
finish
