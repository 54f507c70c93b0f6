#!/usr/bin/env bash
# The same flow behind every way to connect Billhook to a web server, with the
# configurations of etc/.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
leave_root

modules=${APACHE_MODULES:-/usr/lib/apache2/modules}
PATH=$PATH:/usr/sbin
need lighttpd lighttpd
need apache2 apache2-bin
need "$modules/mod_fcgid.so" libapache2-mod-fcgid
need "$modules/mod_proxy_fcgi.so" apache2-bin
need "$modules/mod_cgid.so" apache2-bin
simulators

# prepare NAME: data directory, directory of the server, port
prepare() {
	name=$1
	set_up "$name"
	# A web server may keep the environment from us: all places stand in the options.
	option template_dir "$BH_SRCDIR/templates"
	option static_dir "$BH_SRCDIR/static"
	option preset_dir "$BH_SRCDIR/presets"
	root=$work/$name-web
	port=$(node "$flow/web.mjs" port)
	mkdir -p "$root"/{www,tmp,cgi,fcgi}
	url=http://127.0.0.1:$port
}

# fill EXAMPLE [SED COMMAND...]: the configuration in $root/server.conf
fill() {
	local example=$1
	shift
	sed -e "s|@ROOT@|$root|g; s|@PORT@|$port|g; s|@BIN@|$BILLHOOK|g; s|@DIR@|$BILLHOOK_DIR|g" \
		-e "s|@MODULES@|$modules|g; s|@USER@|#$(id -u)|g; s|@GROUP@|#$(id -g)|g; s|@SOURCE@|$BH_SRCDIR|g" \
		"$@" "$BH_SRCDIR/etc/$example" >"$root/server.conf"
	unlike "$name: no placeholder is left" "$(grep -v '^ *#' "$root/server.conf")" '@[A-Z]+@'
}

with_relay() {
	cp "$relay" "$1/billhook.cgi"
	printf 'dir = %s\nbin = %s\n' "$BILLHOOK_DIR" "$BILLHOOK" >"$1/billhook.relay"
}

# shellcheck disable=SC2317 # called by wait_for
answers() {
	[[ $(node "$flow/web.mjs" get "$url/healthz" 2>/dev/null) == 200* ]]
}

# serve_by COMMAND...: start the web server and wait for the first answer
serve_by() {
	start "$name-web" env -u BILLHOOK_SOURCE -u BILLHOOK_DIR "$@"
	server=$pid
	wait_for 15 answers
	like "$name: the first request is answered" "$(node "$flow/web.mjs" get "$url/healthz" | sed -n '1p;$p' | tr '\n' ' ')" '^200 .*"status":"ok"'
}

webhooks() {
	local n=$1
	is "$name: Stripe's events are accepted" "$(node "$flow/send.mjs" "$url/hook/stripe" stripe \
		"{\"customer\":\"cus_$n\",\"name\":\"Müller & Søn <$n>\",\"email\":\"rechnung@$n.example.com\"}" \
		"{\"subscription\":\"sub_$n\",\"customer\":\"cus_$n\",\"quantity\":3,\"unit_amount\":2500}" \
		"{\"invoice\":\"in_$n\",\"customer\":\"cus_$n\",\"subscription\":\"sub_$n\",\"total\":7500,\"status\":\"paid\",\"event\":\"evt_$n\",\"at\":1790000000}" |
		sort | uniq -c | tr -s ' ')" ' 3 200 {"status":"accepted"}'
	is "$name: Lago's events are accepted" "$(node "$flow/send.mjs" "$url/hook/lago" lago \
		"{\"customer\":\"lc_$n\",\"name\":\"Lago $n\",\"email\":\"office@lago-$n.example.com\"}" "{\"subscription\":\"ls_$n\",\"customer\":\"lc_$n\",\"amount_cents\":9900}" \
		"{\"invoice\":\"li_$n\",\"customer\":\"lc_$n\",\"total_amount_cents\":9900,\"payment_status\":\"succeeded\"}" |
		sort | uniq -c | tr -s ' ')" ' 3 200 {"status":"accepted"}'
}

records() {
	local n=$1
	all_seen "$name: Salesforce has the customer" "sf('Account','stripe:cus_$n').Name" "Müller & Søn <$n>" \
		"$name: the subscription, below the account" "[sf('Billhook_Subscription__c','stripe:sub_$n')].map((s) => [s.Amount__c, s.Quantity__c, s.Status__c, s.Account__c === sf('Account','stripe:cus_$n').Id])[0]" '[75,3,"active",true]' \
		"$name: the invoice, below both" "[sf('Billhook_Invoice__c','stripe:in_$n')].map((i) => [i.Total__c, i.Status__c, i.Account__c === sf('Account','stripe:cus_$n').Id, i.Subscription__c === sf('Billhook_Subscription__c','stripe:sub_$n').Id])[0]" '[75,"paid",true,true]' \
		"$name: Lago's invoice in Salesforce" "[sf('Billhook_Invoice__c','lago:li_$n')].map((i) => [i.Total__c, i.Currency__c, i.Account__c === sf('Account','lago:lc_$n').Id])[0]" '[99,"EUR",true]' \
		"$name: HubSpot has the customer" "hs('companies','stripe:cus_$n').name" "Müller & Søn <$n>" \
		"$name: the subscription, with its company" "[hs('BillhookSubscriptions','stripe:sub_$n')].map((s) => [Number(s.billhook_subscription_amount), s.links.companies[0].id === hs('companies','stripe:cus_$n').id])[0]" '[75,true]' \
		"$name: the invoice, with its company" "[hs('BillhookInvoices','stripe:in_$n')].map((i) => [Number(i.billhook_invoice_total), i.billhook_invoice_status, i.links.companies[0].id === hs('companies','stripe:cus_$n').id])[0]" '[75,"paid",true]' \
		"$name: Lago's invoice in HubSpot" "[hs('LagoInvoices','li_$n')].map((i) => i.links.companies[0].id === hs('companies','lc_$n').id)[0]" true \
		"$name: all lanes are in step" "status.lanes.map((l) => [l.code, l.in_step, l.dirty, l.held, l.waiting_parent].join(' ')).sort().join(', ')" \
		"hubspot 6 0 0 0, salesforce 6 0 0 0, sandbox 3 0 0 0"
}

duplicates() {
	local n=$1 before
	before=$(crm see "sfCalls.length + hsCalls.length")
	is "$name: a duplicate is acknowledged" "$(node "$flow/send.mjs" "$url/hook/stripe" stripe \
		"{\"invoice\":\"in_$n\",\"customer\":\"cus_$n\",\"total\":1,\"status\":\"open\",\"event\":\"evt_$n\"}")" '200 {"status":"duplicate"}'
	is "$name: a wrong signature is refused" "$(node "$flow/send.mjs" --secret wrong "$url/hook/stripe" stripe "{\"customer\":\"cus_$n\",\"name\":\"Forged\"}" | cut -c1-3)" 400
	bh drain --for 10
	is "$name: an unknown connection is none" "$(node "$flow/send.mjs" "$url/hook/nobody" stripe '{"customer":"cus_x"}' | cut -c1-3)" 404
	is "$name: none of it calls a CRM" "$(crm see "sfCalls.length + hsCalls.length")" "$before"
}

# flow_through [BASE]: the whole of it below that path, then everything ends
flow_through() {
	url+=${1:-}
	webhooks "$name"
	records "$name"
	duplicates "$name"
	adopt node "$flow/web.mjs" pages "$name" "$url" "${1:-}"
	end "$server"
	bh stop --quiet
	unlike "$name: nothing to complain in the log" "$(log)" ' error | killed | ended with status'
}

prepare lighttpd-fastcgi
fill lighttpd.conf.example
serve_by lighttpd -D -f "$root/server.conf"
flow_through

prepare lighttpd-sub-path
fill lighttpd.conf.example -e 's|fastcgi.server = ( "/" =>|fastcgi.server = ( "/billing" =>|'
url+=/billing serve_by lighttpd -D -f "$root/server.conf"
flow_through /billing

# The program itself as CGI: a file beside it says where the data is.
prepare lighttpd-cgi
fill lighttpd-cgi.conf.example
cp "$BILLHOOK" "$root/www/billhook.cgi"
echo "data_dir = $BILLHOOK_DIR" >"$root/www/billhook.conf"
serve_by lighttpd -D -f "$root/server.conf"
unlike "lighttpd-cgi: the file beside the program stays inside" "$(node "$flow/web.mjs" get "$url/billhook.conf")$(node "$flow/web.mjs" get "$url/billhook.cgi/../billhook.conf")" '^200|data_dir'

flow_through

prepare lighttpd-relay
fill lighttpd-cgi.conf.example
with_relay "$root/www"
serve_by lighttpd -D -f "$root/server.conf"
flow_through

prepare apache-proxy-fcgi
fill apache-proxy_fcgi.conf.example
serve
serve_by apache2 -DFOREGROUND -f "$root/server.conf"
flow_through

prepare apache-fcgid
fill apache-fcgid.conf.example
ln -s "$BILLHOOK" "$root/fcgi/billhook.fcgi"
serve_by apache2 -DFOREGROUND -f "$root/server.conf"
flow_through

prepare apache-cgid
fill apache-cgid.conf.example
with_relay "$root/cgi"
serve_by apache2 -DFOREGROUND -f "$root/server.conf"
flow_through
finish
