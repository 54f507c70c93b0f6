#!/usr/bin/env bash
# The pages in Chromium, behind lighttpd, with Stripe's simulator as the
# billing system: everything with script off, then with script on; axe finds
# nothing to complain in light and in dark.  FLOW_SHOTS names a directory for
# pictures of every page.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
leave_root

need_chromium
port=$(node "$flow/web.mjs" port)
root=$work/web
mkdir -p "$root"/{www,tmp} "$work/home"

reading='"rak_customer_read", "rak_subscription_read", "rak_product_read", "rak_plan_read"'
more='"rak_subscription_schedule_read", "rak_invoice_read", "rak_credit_note_read", "rak_charge_read", "rak_dispute_read",
	"rak_payment_intent_read", "rak_coupon_read", "rak_event_read"'
start stripe node "$BH_SRCDIR/tests/billing/stripe.mjs" --port 0 --port-file "$work/stripe.port" \
	--settings '{"strict_urls": false, "keys": {"sk_test_sim": {"permissions": "*"}, "rk_test_sim": {"permissions": ['"$reading, $more"']},
		"rk_test_few": {"permissions": ['"$reading"']}}}'
wait_for 10 test -f "$work/stripe.port" || not_ok "the simulator starts" "$(cat "$work/stripe.log")"
STRIPE_URL=http://127.0.0.1:$(cat "$work/stripe.port")
export STRIPE_URL

new_dir pages
option public_url "http://127.0.0.1:$port"
option template_dir "$BH_SRCDIR/templates"
option static_dir "$BH_SRCDIR/static"
option preset_dir "$BH_SRCDIR/presets"
printf '{"billhook": 1, "connections": [{"code": "sandbox", "driver": "sandbox", "name": "Sandbox"}]}' |
	bh apply --quiet - || not_ok "apply"
sed -e "s|@ROOT@|$root|g; s|@PORT@|$port|g; s|@BIN@|$BILLHOOK|g; s|@DIR@|$BILLHOOK_DIR|g; /max-request-size/d" \
	"$BH_SRCDIR/etc/lighttpd.conf.example" >"$root/server.conf"
start lighttpd lighttpd -D -f "$root/server.conf"

# shellcheck disable=SC2317 # called by wait_for
answers() {
	[[ $(node "$flow/web.mjs" get "http://127.0.0.1:$port/healthz" 2>/dev/null) == 200* ]]
}
wait_for 15 answers || not_ok "the site answers" "$(cat "$work/lighttpd.log")"

HOME=$work/home adopt node "$flow/pages.mjs" "http://127.0.0.1:$port"
unlike "nothing to complain in the log" "$(log)" ' error | killed | ended with status'
unlike "no secret in the log" "$(log)" 'k_test_(sim|few)|whsec_'
finish
