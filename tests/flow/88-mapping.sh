#!/usr/bin/env bash
# The mapping of a sync in Chromium, behind lighttpd, with HubSpot's simulator
# as the CRM: rows with the values of a real record, errors in the row, the
# draft put to use with and without what is synced, presets, files, filters,
# matching rules, two people at once. With script off, then with script on;
# axe finds nothing to complain in light and in dark. FLOW_SHOTS as for 85-pages.sh.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
leave_root

need_chromium
port=$(node "$flow/web.mjs" port)
root=$work/web
mkdir -p "$root"/{www,tmp} "$work/home"

start hubspot node "$BH_SRCDIR/tests/crm/hubspot.mjs" --port 0 --port-file "$work/hs.port" --witness
wait_for 10 test -f "$work/hs.port" || not_ok "the simulator starts" "$(cat "$work/hubspot.log")"
HS_URL=http://127.0.0.1:$(cat "$work/hs.port")
export HS_URL
crm post hs schema "$(cat "$BH_SRCDIR/presets/schema/hubspot.json")" >/dev/null

new_dir mapping
option public_url "http://127.0.0.1:$port"
option template_dir "$BH_SRCDIR/templates"
option static_dir "$BH_SRCDIR/static"
option preset_dir "$BH_SRCDIR/presets"
bh apply --quiet - <<-END || not_ok "apply"
	{ "billhook": 1,
	  "connections": [
	    { "code": "stripe", "driver": "stripe", "name": "Stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
	    { "code": "hubspot", "driver": "hubspot", "name": "HubSpot", "settings": {"flow": "token", "base_url": "$HS_URL"}, "secrets": {"access_token": "env:FLOW_HS_TOKEN"} } ],
	  "syncs": [ { "code": "main", "from": "stripe", "to": "hubspot", "preset": "stripe-hubspot", "settings": $hs_objects } ] }
END
sed -e "s|@ROOT@|$root|g; s|@PORT@|$port|g; s|@BIN@|$BILLHOOK|g; s|@DIR@|$BILLHOOK_DIR|g; /max-request-size/d" \
	"$BH_SRCDIR/etc/lighttpd.conf.example" >"$root/server.conf"
start lighttpd lighttpd -D -f "$root/server.conf"

# shellcheck disable=SC2317 # called by wait_for
answers() {
	[[ $(node "$flow/web.mjs" get "http://127.0.0.1:$port/healthz" 2>/dev/null) == 200* ]]
}
wait_for 15 answers || not_ok "the site answers" "$(cat "$work/lighttpd.log")"

HOME=$work/home adopt node "$flow/mapping.mjs" "http://127.0.0.1:$port"
like "who saved the mapping is in the trail" "$(bh dump)" 'mapping changed in the browser by admin, also for what is synced already'
unlike "nothing to complain in the log" "$(log)" ' error | killed | ended with status'
unlike "no secret in the log" "$(log)" "$FLOW_HS_TOKEN|$FLOW_STRIPE_SECRET"
finish
