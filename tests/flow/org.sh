# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # what lib.sh and billing.sh set; what is set for the scripts
# What the flows about one Salesforce org share; sourced behind lib.sh and
# billing.sh.  Webhooks of Stripe come through lighttpd; the org has the fields
# of org.json and nothing else of ours, whatever the presets say.

# org [SETTINGS]: a fresh one
org() {
	start salesforce node "$BH_SRCDIR/tests/crm/salesforce.mjs" --port 0 --port-file "$work/sf.port" \
		--schema "$flow/org.json" --settings "${1:-{\}}"
	wait_for 10 test -f "$work/sf.port" || not_ok "the org starts" "$(cat "$work/salesforce.log")"
	export SF_URL
	SF_URL=http://127.0.0.1:$(cat "$work/sf.port")
}

# Settings of the connection and of the sync, and the secrets, as JSON.
sf_flow="\"flow\": \"client_credentials\"" sync_settings={}
sf_secrets='"client_secret": "env:FLOW_SF_SECRET"'

in_step='status.backlog === 0 && status.lanes.every((l) => l.dirty === 0)'

looked_again() {
	log 2>/dev/null | grep -c 'resync of crm'
}
# shellcheck disable=SC2317 # called by wait_for
has_looked_again() {
	[ "$(looked_again)" -gt "$1" ]
}

# map_to OBJECTS [MORE]: the set-up with these mapped objects, applied and
# everything pushed by it; MORE: members of the mapping; with a third word it does not wait for that
map_to() {
	local before
	before=$(looked_again)
	cat >"$work/set-up.json" <<-END
	{ "billhook": 1,
	  "connections": [
	    { "code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
	    { "code": "salesforce", "driver": "salesforce", "settings": {$sf_flow, "login_url": "$SF_URL", "client_id": "sim-client"}, "secrets": {$sf_secrets} } ],
	  "syncs": [ { "code": "crm", "from": "stripe", "to": "salesforce", "settings": $sync_settings,
	    "mapping": { "name": "crm", ${2:+$2,} "objects": [ $1 ] } } ] }
	END
	bh apply --quiet "$work/set-up.json" || not_ok "apply" "$(cat "$work/set-up.json")"
	wait_for 15 has_looked_again "$before" || not_ok "a new mapping is put to use"
	[ -n "${3:-}" ] || crm see --wait 15 "$in_step" >/dev/null || not_ok "a new mapping comes to rest"
}

# shellcheck disable=SC2120 # as lib.sh's
hook() {
	echo "$url/hook/$1"
}

# Each a second after the one before: changes within one second have no order.
clock=$(($(date +%s) + 1000))

# restart [SECONDS]: all of Billhook, as if so many seconds had gone by
restart() {
	stop_web
	export BILLHOOK_CLOCK_OFFSET_S=$((${BILLHOOK_CLOCK_OFFSET_S:-0} + ${1:-0}))
	serve_web
}
# at_noon: before it is served: by its clock it is noon (tomorrow), so that no day ends in the middle of a flow
at_noon() {
	export BILLHOOK_CLOCK_OFFSET_S=$((86400 + 43200 - $(date +%s) % 86400))
	clock=$((clock + BILLHOOK_CLOCK_OFFSET_S))
}
# signed [OPTION...] stripe EVENT...: by the clock that Billhook goes by
signed() {
	node "$flow/send.mjs" "--age=-${BILLHOOK_CLOCK_OFFSET_S:-0}" "$@"
}

# bill KIND ID [MEMBERS]: Stripe tells of it; MEMBERS as in events.mjs
bill() {
	clock=$((clock + 1))
	signed "$(hook stripe)" stripe "{\"$1\":\"$2\",\"created\":1790000000,\"at\":$clock${3:+,$3}}" >"$work/.sent"
	grep -q '^200' "$work/.sent" || not_ok "Stripe's webhook is accepted" "$(cat "$work/.sent")"
}

# many N TEMPLATE: so many events of one form, %n counts up
many() {
	signed --many "$1" --parallel 4 "$(hook stripe)" stripe "$2" >"$work/.sent"
	[ "$(cat "$work/.sent")" = "200=$1" ] || not_ok "Stripe's webhooks are accepted" "$(cat "$work/.sent")"
}

settled() {
	seen_slow "${1:-all is settled}" "${2:-10}" "$in_step" true
}

# What people, and bad days, do to the org.
faults() {
	crm post sf faults "{\"faults\": [$1]}" >/dev/null || not_ok "faults" "$1"
}
org_is() {
	crm post sf settings "$1" >/dev/null || not_ok "settings of the org" "$1"
}
people_make() {
	crm post sf records "$1" >/dev/null || not_ok "people make records" "$1"
}
people_change() {
	crm patch sf records "$1" >/dev/null || not_ok "people change records" "$1"
}
people_delete() {
	crm delete sf records "{\"ids\": [\"$1\"]}" >/dev/null || not_ok "people delete $1"
}
forget_calls() {
	crm delete sf calls >/dev/null
}
# id_of OBJECT FIELD VALUE: of the first record with it
id_of() {
	crm see "(sf('$1').find((r) => r.$2 === '$3') ?? {}).Id"
}
# Calls that asked or wrote, by kind: "3 query, 1 update"
calls_made() {
	crm see 'sfCalls.map((c) => c.method + " " + c.path.replace(/\?.*/, "").replace(/^.*v[0-9.]+\//, "")).join(", ")'
}
