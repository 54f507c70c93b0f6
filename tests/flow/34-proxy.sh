#!/usr/bin/env bash
# Behind a proxy that ends TLS: who it is believed of, and that nobody else is.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
leave_root

behind_lighttpd data
printf '{"billhook": 1, "connections": [
	{"code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"}}]}' | bh apply --quiet - || not_ok "apply"
option trusted_proxies 127.0.0.9
serve_web
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=bill.example.com -days 2 -keyout "$work/proxy.key" -out "$work/proxy.pem" 2>"$work/openssl.log"
start proxy node "$flow/proxy.mjs" serve "$work/proxy.key" "$work/proxy.pem" "$url" "$work/proxy.port"
wait_for 10 test -s "$work/proxy.port"
adopt node "$flow/proxy.mjs" cases "https://127.0.0.1:$(cat "$work/proxy.port")" "$url"
is "the log names the clients" "$(log | grep -oE 'login user=admin peer=.*' | sort | uniq -c | tr -s ' ')" " 1 login user=admin peer=127.0.0.2
 2 login user=admin peer=127.0.0.5
 1 login user=admin peer=127.0.0.6"
unlike "never those that somebody made up" "$(log)" '203\.0\.113'

# -- cookies --
adopt node "$flow/proxy.mjs" session "https://127.0.0.1:$(cat "$work/proxy.port")" https
adopt node "$flow/proxy.mjs" session "$url" http
stop_web
echo "# public_url by https: those of who went around the proxy, too"
option public_url https://bill.example.com
serve_web
adopt node "$flow/proxy.mjs" session "$url" https
stop_web
echo 'trusted_proxies = 127.0.0.9, localhost' >>"$BILLHOOK_DIR/billhook.conf"
status "a name is no address" 1 bh check
like "and it is said which" "$err$out" 'trusted_proxies: "localhost" is neither an address'
finish
