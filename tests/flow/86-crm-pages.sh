#!/usr/bin/env bash
# A CRM in the browser, behind lighttpd, with Salesforce's simulator as the
# CRM on another site (localhost): connected, logged in to, looked at, fitted
# out, a match chosen, left. With script off, then with script on; axe finds
# nothing to complain in light and in dark. FLOW_SHOTS as for 85-pages.sh.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
leave_root

need_chromium
port=$(node "$flow/web.mjs" port)
root=$work/web
mkdir -p "$root"/{www,tmp} "$work/home"

start salesforce node "$BH_SRCDIR/tests/crm/salesforce.mjs" --port 0 --port-file "$work/sf.port" \
	--settings '{"is_sandbox": true, "redirect_uris": ["http://127.0.0.1:'"$port"'/oauth/callback"]}'
wait_for 10 test -f "$work/sf.port" || not_ok "the simulator starts" "$(cat "$work/salesforce.log")"
SF_URL=http://127.0.0.1:$(cat "$work/sf.port")
SF_LOGIN=http://localhost:$(cat "$work/sf.port")
export SF_URL SF_LOGIN

new_dir crm-pages
option public_url "http://127.0.0.1:$port"
option template_dir "$BH_SRCDIR/templates"
option static_dir "$BH_SRCDIR/static"
option preset_dir "$BH_SRCDIR/presets"
printf '{"billhook": 1, "connections": [{"code": "stripe", "driver": "stripe", "name": "Stripe",
	"settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"}}]}' |
	bh apply --quiet - || not_ok "apply"
sed -e "s|@ROOT@|$root|g; s|@PORT@|$port|g; s|@BIN@|$BILLHOOK|g; s|@DIR@|$BILLHOOK_DIR|g; /max-request-size/d" \
	"$BH_SRCDIR/etc/lighttpd.conf.example" >"$root/server.conf"
start lighttpd lighttpd -D -f "$root/server.conf"

# shellcheck disable=SC2317 # called by wait_for
answers() {
	[[ $(node "$flow/web.mjs" get "http://127.0.0.1:$port/healthz" 2>/dev/null) == 200* ]]
}
wait_for 15 answers || not_ok "the site answers" "$(cat "$work/lighttpd.log")"

HOME=$work/home adopt node "$flow/crm-pages.mjs" "http://127.0.0.1:$port"
unlike "nothing to complain in the log" "$(log)" ' error | killed | ended with status'
unlike "neither secret, code nor state in the log" "$(log)" "$FLOW_SF_SECRET|[?&](code|state)=|aPrx"
finish
