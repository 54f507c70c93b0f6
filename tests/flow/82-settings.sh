#!/usr/bin/env bash
# Settings in Chromium, behind lighttpd: users and their roles, the own password,
# sessions, the audit trail, the configuration file, the options; the password reset on the
# command line.  With script off, then with script on; axe finds nothing to
# complain in light and in dark.  FLOW_SHOTS as for 85-pages.sh.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
leave_root

need_chromium
port=$(node "$flow/web.mjs" port)
root=$work/web
mkdir -p "$root"/{www,tmp} "$work/home"

new_dir settings
option public_url "http://127.0.0.1:$port"
option template_dir "$BH_SRCDIR/templates"
option static_dir "$BH_SRCDIR/static"
option preset_dir "$BH_SRCDIR/presets"
printf '{"billhook": 1, "connections": [{"code": "sandbox", "driver": "sandbox", "name": "Box <script>alert(1)</script>"}]}' |
	bh apply --quiet - || not_ok "apply"
sed -e "s|@ROOT@|$root|g; s|@PORT@|$port|g; s|@BIN@|$BILLHOOK|g; s|@DIR@|$BILLHOOK_DIR|g; /max-request-size/d" \
	"$BH_SRCDIR/etc/lighttpd.conf.example" >"$root/server.conf"
start lighttpd lighttpd -D -f "$root/server.conf"

# shellcheck disable=SC2317 # called by wait_for
answers() {
	[[ $(node "$flow/web.mjs" get "http://127.0.0.1:$port/healthz" 2>/dev/null) == 200* ]]
}
wait_for 15 answers || not_ok "the site answers" "$(cat "$work/lighttpd.log")"

HOME=$work/home adopt node "$flow/settings.mjs" "http://127.0.0.1:$port"
if BILLHOOK_PASSWORD="set on the server" bh user admin >/dev/null; then
	ok "the command line sets a password anew"
else
	not_ok "the command line sets a password anew"
fi
HOME=$work/home adopt node "$flow/settings.mjs" "http://127.0.0.1:$port" reset
is "the options stand in the file" "$(grep -c '^keep_days = 45$\|^keep_mb = 77$\|^cache_mb = 6$' "$BILLHOOK_DIR/billhook.conf")" 3
like "the keeper was replaced for its cache" "$(log)" 'dispatcher are replaced, and the keeper'
unlike "nothing to complain in the log" "$(log)" ' error | killed | ended with status'
unlike "no password in the log" "$(log)" 'another horse|set on the server'
finish
