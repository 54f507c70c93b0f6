# shellcheck shell=bash
# shellcheck disable=SC2154 # what lib.sh and billing.sh set
# What the flows about very many records and about limits share; sourced
# behind lib.sh and billing.sh.  Stripe's webhooks come through lighttpd, one
# sync leads into a Salesforce org that has the fields of the catalogue.

# mass_org [SETTINGS]: a fresh one
mass_org() {
	rm -f "$work/sf.port"
	start salesforce node "$BH_SRCDIR/tests/crm/salesforce.mjs" --port 0 --port-file "$work/sf.port" \
		--schema "$BH_SRCDIR/presets/schema/salesforce.json" --settings "${1:-{\}}"
	wait_for 10 test -f "$work/sf.port" || not_ok "the org starts" "$(cat "$work/salesforce.log")"
	export SF_URL
	SF_URL=http://127.0.0.1:$(cat "$work/sf.port")
}

# mass_source: the source alone
mass_source() {
	bh apply --quiet - <<-END || not_ok "apply"
	{ "billhook": 1, "connections": [
	    { "code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} } ] }
	END
}

# mass_sync SETTINGS OBJECTS [SYNC]: Salesforce, and a sync to it; settings of the connection
# beside those of its login, objects of the mapping, settings of the sync.  With mass_paused=true
# the connection keeps what comes.
mass_paused=false
mass_sync() {
	bh apply --quiet - <<-END || not_ok "apply"
	{ "billhook": 1,
	  "connections": [ { "code": "salesforce", "driver": "salesforce", "paused": $mass_paused, "secrets": {"client_secret": "env:FLOW_SF_SECRET"},
	    "settings": {$1, "flow": "client_credentials", "login_url": "$SF_URL", "client_id": "sim-client"} } ],
	  "syncs": [ { "code": "crm", "from": "stripe", "to": "salesforce", "settings": ${3:-{\}}, "mapping": { "name": "crm", "objects": [ $2 ] } } ] }
	END
}

# shellcheck disable=SC2120 # as lib.sh's
hook() {
	echo "$url/hook/$1"
}

# Each a second after the one before: changes within one second have no order.
mass_clock=$(($(date +%s) + 1000))

# many N TEMPLATE: so many webhooks of one form, %n counts up
many() {
	mass_clock=$((mass_clock + 1))
	node "$flow/send.mjs" --age="-${BILLHOOK_CLOCK_OFFSET_S:-0}" --many "$1" --parallel 8 "$(hook stripe)" stripe "${2%\}},\"at\":$mass_clock}" >"$work/.sent"
	[ "$(cat "$work/.sent")" = "200=$1" ] || not_ok "Stripe's webhooks are accepted" "$(cat "$work/.sent")"
}

# mass_settled [NAME [SECONDS]]: nothing to be handled, nothing to be sent, no job left
mass_settled() {
	seen_slow "${1:-all is settled}" "${2:-20}" 'status.backlog === 0 && status.lanes.every((l) => l.dirty === 0 && !l.bulk?.phase)' true
}

# What bad days and people do to the org.
faults() {
	crm post sf faults "{\"faults\": [$1]}" >/dev/null || not_ok "faults" "$1"
}
org_is() {
	crm post sf settings "$1" >/dev/null || not_ok "settings of the org" "$1"
}
forget_calls() {
	crm delete sf calls >/dev/null
}

# admin METHOD PATH [JSON]: what a person does over the API, who may do everything
# shellcheck disable=SC2016 # JavaScript
admin() {
	node -e '
		const [url, method, path, body] = process.argv.slice(1), app = new URLSearchParams({ grant_type: "client_credentials", client_id: "sim-client", client_secret: "sim-secret" });
		fetch(`${url}/services/oauth2/token`, { method: "POST", body: app }).then((answer) => answer.json()).then(({ access_token: token }) =>
			fetch(`${url}/services/data/v67.0/${path}`, { method, body, headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" } }))
			.then((answer) => { if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status}`); });' "$SF_URL" "$@"
}

# is_called N: the faults were met N times in all, so a call that one of them delays is under way
# shellcheck disable=SC2317 # called by wait_for
is_called() {
	[ "$(crm get sf faults | node -p 'JSON.parse(require("fs").readFileSync(0)).faults.reduce((sum, { fired }) => sum + fired, 0)')" -ge "$1" ]
}

# later SECONDS: all of Billhook anew, that much later
later() {
	stop_web
	export BILLHOOK_CLOCK_OFFSET_S=$((${BILLHOOK_CLOCK_OFFSET_S:-0} + $1))
	serve_web
}

# kill_role worker|keeper|supervisor: with signal 9
kill_role() {
	local one
	case $1 in
	worker) one=$(workers) ;;
	supervisor) one=$(supervisor) ;;
	*) one=$(child "$1") ;;
	esac
	# shellcheck disable=SC2086 # several words
	kill -9 ${one:-none} 2>/dev/null || not_ok "there is a $1 to be killed"
}
