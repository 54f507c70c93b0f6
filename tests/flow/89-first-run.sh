#!/usr/bin/env bash
# The first run in Chromium, behind lighttpd: an empty directory becomes an
# installation in which Stripe's customers are in HubSpot, with nothing but the
# browser (and the file that holds the setup code); then a refused record is
# mended.  Once with script off, once with script on; axe finds nothing to
# complain.  FLOW_SHOTS as for 85-pages.sh.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
leave_root

need_chromium
mkdir -p "$work/home"

# A directory that a person made with a file manager, and the web server's lines for it.
install_empty() {
	export BILLHOOK_DIR=$work/$1
	dirs+=("$BILLHOOK_DIR")
	root=$work/web-$1
	port=$(node "$flow/web.mjs" port)
	mkdir -p "$root"/{www,tmp} "$BILLHOOK_DIR"
	sed -e "s|@ROOT@|$root|g; s|@PORT@|$port|g; s|@BIN@|$BILLHOOK|g; s|@DIR@|$BILLHOOK_DIR|g; /max-request-size/d" \
		"$BH_SRCDIR/etc/lighttpd.conf.example" >"$root/server.conf"
	start "lighttpd-$1" lighttpd -D -f "$root/server.conf"
	server=$pid
}

# shellcheck disable=SC2317 # called by wait_for
answers() {
	[[ $(node "$flow/web.mjs" get "http://127.0.0.1:$port/healthz" 2>/dev/null) == 200* ]]
}

for script in off on; do
	rm -f "$work/hs.port"
	start "hubspot-$script" node "$BH_SRCDIR/tests/crm/hubspot.mjs" --port 0 --port-file "$work/hs.port"
	portal=$pid
	wait_for 10 test -f "$work/hs.port" || not_ok "the simulator starts" "$(cat "$work/hubspot-$script.log")"
	FLOW_HUBSPOT=http://127.0.0.1:$(cat "$work/hs.port")
	export FLOW_HUBSPOT
	install_empty "script-$script"
	wait_for 15 answers || not_ok "the site answers" "$(cat "$work/lighttpd-script-$script.log")"
	HOME=$work/home adopt node "$flow/first-run.mjs" "http://127.0.0.1:$port" "$script"
	unlike "script $script: nothing to complain in the log" "$(log)" ' error | killed | ended with status'
	unlike "script $script: no secret in the log" "$(log)" "$FLOW_STRIPE_SECRET|$FLOW_HS_TOKEN|$BILLHOOK_PASSWORD"
	end "$server"
	bh stop --quiet
	end "$portal"
done
finish
