#!/usr/bin/env bash
# As suEXEC and its like start a program: as the owner of the file, with hardly any
# environment, whatever umask the web server has; and what is said when a directory
# cannot be used.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
leave_root

home=$work/site
mkdir -p "$home/cgi"
cp "$BILLHOOK" "$home/cgi/billhook.fcgi"
chmod 755 "$home" "$home/cgi" "$home/cgi/billhook.fcgi"
BILLHOOK=$home/cgi/billhook.fcgi

# site NAME: a new data directory; the file beside the program says where it is
site() {
	new_dir "$1"
	printf '{"billhook": 1, "connections": [
		{"code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"}},
		{"code": "sandbox", "driver": "sandbox"}],
		"syncs": [{"code": "s", "from": "stripe", "to": "sandbox", "preset": "stripe-salesforce"}]}' |
		bh apply --quiet - || not_ok "apply"
	option template_dir "$BH_SRCDIR/templates"
	option static_dir "$BH_SRCDIR/static"
	option preset_dir "$BH_SRCDIR/presets"
	bh stop --quiet
	printf 'data_dir = %s\n' "$BILLHOOK_DIR" >"$home/cgi/billhook.conf"
}

# cgi METHOD PATH [NAME=VALUE...] <BODY: as the wrapper leaves it; sets out, head, body, err
cgi() {
	local method=$1 path=$2
	shift 2
	run env -i GATEWAY_INTERFACE=CGI/1.1 SERVER_PROTOCOL=HTTP/1.1 SERVER_NAME=localhost SERVER_PORT=80 \
		REMOTE_ADDR=127.0.0.1 REQUEST_METHOD="$method" REQUEST_URI="/cgi/billhook.fcgi$path" \
		SCRIPT_NAME=/cgi/billhook.fcgi PATH_INFO="$path" QUERY_STRING= "$@" "$BILLHOOK"
	out=${out//$'\r'/}
	head=${out%%$'\n\n'*}
	body=${out#*$'\n\n'}
}

# hook EVENT: a signed webhook
hook() {
	local headers size
	mapfile -t headers < <(node "$flow/send.mjs" --prepare "$work" x stripe "$1" |
		sed -E 's/^([^:]+): (.*)/\U\1\E=\2/; :a; s/^([^=]*)-/\1_/; ta; /^CONTENT_TYPE/!s/^/HTTP_/')
	size=$(stat -c %s "$work/body")
	cgi POST /hook/stripe "${headers[@]}" CONTENT_LENGTH="$size" <"$work/body"
}

for mask in 077 022 000; do
	site "mask$mask"
	umask "$mask"
	hook '{"customer":"cus_1","name":"Acme","event":"evt_1"}'
	is "umask $mask: a signed webhook is accepted" "$body" '{"status":"accepted"}'
	cgi GET /login
	like "umask $mask: the login page is there" "$body" '<title>Sign in'
	umask 022
	seen "umask $mask: the record arrives" 'dump.includes("Billhook_Customer_Id__c") && dump.includes("Acme")'
	unlike "umask $mask: nothing to complain in the log" "$(log)" ' error | warn '
	is "umask $mask: nobody else may read what is kept" \
		"$(find "$BILLHOOK_DIR" ! -type s \( -perm /077 \) -printf '%P %m\n' | sort)" ""
	bh stop --quiet
done

# -- directories that cannot be used: the answer says it in general, the log says which --
site closed
chmod 500 "$BILLHOOK_DIR" "$BILLHOOK_DIR"/*/
hook '{"customer":"cus_2","event":"evt_2"}'
like "a data directory that cannot be written: try later" "$head" '^Status: 503'
unlike "without telling strangers where it is" "$body" "$BILLHOOK_DIR"
like "the log says what is closed" "$(log)" "refused: cannot make the directory $BILLHOOK_DIR/spool: Permission denied"
chmod 700 "$BILLHOOK_DIR" "$BILLHOOK_DIR"/*/
hook '{"customer":"cus_2","event":"evt_2"}'
is "once it can be, all goes on" "$body" '{"status":"accepted"}'
bh stop --quiet

chmod 000 "$BILLHOOK_DIR/key"
status "a key that cannot be read: check says so" 1 bh check
like "with its place" "$out$err" 'key.*Permission denied'
chmod 600 "$BILLHOOK_DIR/key"
bh stop --quiet
finish
