#!/usr/bin/env bash
# The archive in one installation; run.sh says more.
#
#   tests/hosting/archive.sh CODENAME
suite=$1
# shellcheck source-path=SCRIPTDIR/../flow source=lib.sh
. "$(dirname "$0")/../flow/lib.sh"
# shellcheck source-path=SCRIPTDIR source=host.sh
. "$(dirname "$0")/host.sh"
hosting=$(dirname "$0")

# Stripe into HubSpot, whose simulator stands outside, on our loopback.
set_up_host() {
	document | node -e '
		const all = JSON.parse(require("fs").readFileSync(0));
		all.connections = all.connections.filter(({ code }) => ["stripe", "hubspot", "sandbox"].includes(code));
		all.syncs = all.syncs.filter(({ code }) => ["stripe-hs", "stripe-box"].includes(code));
		console.log(JSON.stringify(all));' >"$root/tmp/set-up.json"
	check "$name: the set-up is taken" bh apply --quiet /tmp/set-up.json
}

# What a person does: opens the address, reads the code in the file manager.
first_run() {
	like "$name: the first page asks for the setup code" "$(get /setup)" 'Setup code'
	check "$name: data is kept outside the web space" test -s "$data/setup-code"
	like "$name: its place is written down" "$(cat "$site/billhook.conf")" '^data_dir = /home/alice/billhook-data/public_html-billing$'
	is "$name: who has the code is the administrator" "$(node "$hosting/first.mjs" "$url" "$(cat "$data/setup-code")")" 'done'
}

webhook() {
	node "$flow/send.mjs" "$url/hook/stripe" stripe "{\"customer\":\"cus_$1\",\"name\":\"Müller <$1>\"}"
}
arrives() {
	seen "$name: the record is in the CRM" "hs('companies','stripe:cus_$1').name" "Müller <$1>"
}

# Nothing of the archive but its pages is handed out.
closed() {
	local path
	for path in /billhook.conf /.htaccess /README.txt /LICENSE /app/lib/billhook /app/bin/billhook /app/share/presets/stripe-hubspot.json \
		/app/data/key /app/.htaccess /docs/CHANGES.md /app/ /app/lib/; do
		like "$name: $path is not handed out" "$(get $path | head -n 1)" '^(403|404|303)'
	done
	like "$name: a style sheet is" "$(get "/static/style.css" | head -n 1)" '^200'
}

# HubSpot by a name that stands in the host's own file, with a certificate of an authority of ours.
tls_begin() {
	local key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
	openssl req -x509 "${key[@]}" -keyout "$work/ca.key" -out "$work/ca.pem" -days 2 -subj "/CN=Example authority" 2>/dev/null
	openssl req "${key[@]}" -keyout "$work/crm.key" -out "$work/crm.csr" -subj "/CN=crm.example.com" 2>/dev/null
	openssl x509 -req -in "$work/crm.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial -days 2 -out "$work/crm.pem" \
		-extfile <(echo "subjectAltName = DNS:crm.example.com") 2>/dev/null
	cp "$root/etc/hosts" "$work/hosts" 2>/dev/null || : >"$work/hosts"
	echo "127.0.0.1 crm.example.com" >>"$root/etc/hosts"
	rm -f "$work/tls.port"
	start tls node "$hosting/tls.mjs" "$work/crm.key" "$work/crm.pem" "${HS_URL##*:}" "$work/tls.port"
	wait_for 10 test -f "$work/tls.port" || not_ok "TLS starts" "$(cat "$work/tls.log")"
	tls_port=$(cat "$work/tls.port")
}
tls_end() {
	end "$pid"
	cp "$work/hosts" "$root/etc/hosts"
	check "$name: nothing is left running" wait_for 10 is_empty
}

# Processes of Billhook in there, whatever they call themselves.
billhooks() {
	local one n=0
	for one in $(inmates); do
		! tr '\0' ' ' 2>/dev/null <"/proc/$one/cmdline" | grep -q 'app/lib/billhook' || n=$((n + 1))
	done
	echo $n
}
# shellcheck disable=SC2317 # called by wait_for
no_billhook() {
	[ "$(billhooks)" = 0 ]
}

leave() {
	end "$server"
	bh stop --quiet
	check "$name: nothing is left running" wait_for 10 is_empty
	unlike "$name: nothing to complain in the log" "$(log)" ' error | killed | ended with status'
}

start hubspot node "$BH_SRCDIR/tests/crm/hubspot.mjs" --port 0 --port-file "$work/hs.port" --witness
wait_for 10 test -f "$work/hs.port" || not_ok "the simulator starts" "$(cat "$work/hubspot.log")"
HS_URL=http://127.0.0.1:$(cat "$work/hs.port")
SF_URL=$HS_URL
export HS_URL SF_URL
crm post hs schema "$(cat "$BH_SRCDIR/presets/schema/hubspot.json")" >/dev/null

name="$suite, FastCGI"
move_in
web_server fcgid cgid
first_run
set_up_host
is "$name: a webhook is accepted" "$(webhook 1)" '200 {"status":"accepted"}'
arrives 1
closed
leave

name="$suite, CGI"
move_in
web_server cgid
first_run
set_up_host
is "$name: a webhook is accepted" "$(webhook 2)" '200 {"status":"accepted"}'
arrives 2
closed
leave

# Nobody may stay; what a package for shared hosting usually allows: 20 processes (beside the ten of Apache), 1 GB of memory.
name="$suite, CGI and cron"
move_in
web_server cgid
first_run
set_up_host
echo "daemons = 0" >>"$data/billhook.conf"
check "$name: who runs when it is forbidden ends" wait_for 15 no_billhook
is "$name: a webhook is accepted" "$(webhook 3)" '200 {"status":"accepted"}'
check "$name: it waits in the spool, and nobody runs" test "$(find "$data/spool/raw" -type f | wc -l) $(billhooks)" = "1 0"
like "$name: a page is shown" "$(get /login)" '<form'
check "$name: what it started is gone" wait_for 5 no_billhook
status "$name: cron's call ends well" 0 prlimit --nproc=30 --as=1073741824 "$BILLHOOK" drain --for 30
seen "$name: the record is in the CRM" "hs('companies','stripe:cus_3').name" "Müller <3>"
run bh status
like "$name: the status tells when cron ran" "$out" 'It ran last [0-9]+ s ago\.$'
leave

# The names of the host, the certificates and the TLS of the archive.
name="$suite, TLS by name"
move_in
inside /home/alice/public_html/billing/app/bin/billhook init --quiet --no-user || not_ok "$name: init"
tls_begin
document | node -e '
	const all = JSON.parse(require("fs").readFileSync(0));
	all.connections = all.connections.filter(({ code }) => code === "hubspot");
	all.connections[0].settings.base_url = process.argv[1];
	console.log(JSON.stringify({ ...all, syncs: [] }));' "https://crm.example.com:$tls_port" >"$root/tmp/set-up.json"
check "$name: the set-up is taken" bh apply --quiet /tmp/set-up.json
run bh check
like "$name: the archive's own certificates know nobody here" "$out" 'FAILED hubspot.*certificate'
cp "$work/ca.pem" "$root/tmp/ca.pem"
chmod 644 "$root/tmp/ca.pem"
run bh_trusting /tmp/ca.pem check
like "$name: a name of the host's own is found, and its certificate is good" "$out" '^ok +hubspot .*4711000'
bh stop --quiet
tls_end

name="$suite, no programs"
move_in
web_server
like "$name: a page says what is missing" "$(get /setup)" 'neither'
unlike "$name: no program is handed out" "$(get /billhook.cgi | head -c 2000 | tr -d '\0')" 'ELF'
end "$server"
finish
