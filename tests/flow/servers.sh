# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # work, flow and others are those of lib.sh; servers is for the scripts
# Billhook behind each web server, with the configurations of etc/ as they
# stand; sourced behind lib.sh by the scripts that go through all of them.
#
#   prepare NAME PATH   data directory, directory of the server, port; PATH: / or /billing/
#   serve_NAME          the web server; each of those in $servers (FLOW_SERVERS: others)
#   close_server        everything ends, nothing to complain

modules=${APACHE_MODULES:-/usr/lib/apache2/modules}
PATH=$PATH:/usr/sbin
servers=${FLOW_SERVERS:-lighttpd-fastcgi lighttpd-cgi lighttpd-relay nginx}

need_servers() {
	need lighttpd lighttpd
	need nginx nginx
	need apache2 apache2-bin
	need "$modules/mod_fcgid.so" libapache2-mod-fcgid
	need "$modules/mod_proxy_fcgi.so" apache2-bin
	need "$modules/mod_cgid.so" apache2-bin
}

# The user of a sender that knows nothing but a name and a password.
export FLOW_BASIC=sender:example-password

# All of document(), and a sender that logs in with a password.
with_basic() {
	node -e '
	const all = JSON.parse(require("fs").readFileSync(0));
	all.connections.push({ code: "basic", driver: "generic", secrets: { webhook: "env:FLOW_BASIC" },
	  settings: { scheme: "basic", event_id: "/id", reader: { objects: [{ kind: "customer", id: "/customer/id", fields: { name: "/customer/name" } }] } } });
	console.log(JSON.stringify(all));'
}

prepare() {
	name=$1 path=$2
	new_dir "$name"
	document | with_basic | bh apply --quiet - || not_ok "$name: apply"
	# A web server may keep the environment from us: all places stand in the options.
	option template_dir "$BH_SRCDIR/templates"
	option static_dir "$BH_SRCDIR/static"
	option preset_dir "$BH_SRCDIR/presets"
	root=$work/$name-web
	port=$(node "$flow/web.mjs" port)
	mkdir -p "$root"/{tmp,cgi,fcgi} "$root/www$path"
	base=${path%/}
	url=http://127.0.0.1:$port$base
}

# fill EXAMPLE FILE [SED COMMAND...]: the example with its placeholders replaced
fill() {
	local example=$1 file=$2
	shift 2
	sed -e "s|@ROOT@|$root|g; s|@PORT@|$port|g; s|@BIN@|$BILLHOOK|g; s|@DIR@|$BILLHOOK_DIR|g" \
		-e "s|@MODULES@|$modules|g; s|@USER@|#$(id -u)|g; s|@GROUP@|#$(id -g)|g" \
		"$@" -e "s|@PATH@|$path|g" "$BH_SRCDIR/etc/$example" >"$file"
	unlike "$name: no placeholder is left" "$(grep -v '^[[:space:]]*#' "$file")" '@[A-Z]+@'
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

close_server() {
	end "$server"
	bh stop --quiet
	unlike "$name: nothing to complain in the log" "$(log)" ' error | killed | ended with status'
}

by_lighttpd() {
	serve_by lighttpd -D -f "$root/server.conf"
}
by_apache() {
	serve_by apache2 -DFOREGROUND -f "$root/server.conf"
}

serve_lighttpd_fastcgi() {
	fill lighttpd.conf.example "$root/server.conf" -e "s|fastcgi.server = ( \"/\" |fastcgi.server = ( \"${base:-/}\" |"
	by_lighttpd
}

# The program itself as CGI: a file beside it says where the data is.
serve_lighttpd_cgi() {
	fill lighttpd-cgi.conf.example "$root/server.conf"
	cp "$BILLHOOK" "$root/www${path}billhook.cgi"
	echo "data_dir = $BILLHOOK_DIR" >"$root/www${path}billhook.conf"
	by_lighttpd
	unlike "$name: the file beside the program stays inside" "$(node "$flow/web.mjs" get "$url/billhook.conf")$(node "$flow/web.mjs" get "$url/billhook.cgi/../billhook.conf")" '^200|data_dir'
}

serve_lighttpd_relay() {
	fill lighttpd-cgi.conf.example "$root/server.conf"
	with_relay "$root/www$path"
	by_lighttpd
}

serve_apache_proxy_fcgi() {
	fill apache-proxy_fcgi.conf.example "$root/server.conf"
	serve
	by_apache
}

serve_apache_fcgid() {
	fill apache-fcgid.conf.example "$root/server.conf"
	ln -s "$BILLHOOK" "$root/fcgi/billhook.fcgi"
	by_apache
}

serve_apache_cgid() {
	fill apache-cgid.conf.example "$root/server.conf"
	with_relay "$root/cgi"
	by_apache
}

# A host of web spaces: what it lets its customers have stands here, what they do in .htaccess.
host_conf() {
	cat <<-END
	ServerRoot "$root"
	ServerName localhost
	Listen 127.0.0.1:$port
	PidFile "$root/apache.pid"
	ErrorLog "$root/apache.log"
	DefaultRuntimeDir "$root"
	LoadModule mpm_event_module "$modules/mod_mpm_event.so"
	LoadModule authz_core_module "$modules/mod_authz_core.so"
	LoadModule mime_module "$modules/mod_mime.so"
	LoadModule rewrite_module "$modules/mod_rewrite.so"
	$1
	TypesConfig /dev/null
	DocumentRoot "$root/www"
	<Directory "$root/www">
		Require all granted
		AllowOverride FileInfo Options Limit AuthConfig
		Options FollowSymLinks
	</Directory>
	END
}

serve_htaccess_fcgid() {
	host_conf "LoadModule fcgid_module \"$modules/mod_fcgid.so\"
	FcgidIPCDir \"$root/fcgidsock\"
	FcgidProcessTableFile \"$root/fcgid_shm\"" >"$root/server.conf"
	fill htaccess.example "$root/www$path.htaccess" -e 's|@PROGRAM@|billhook.fcgi|g'
	cp "$BILLHOOK" "$root/www${path}billhook.fcgi"
	echo "data_dir = $BILLHOOK_DIR" >"$root/www${path}billhook.conf"
	by_apache
	unlike "$name: the file beside the program stays inside" "$(node "$flow/web.mjs" get "$url/billhook.conf")" '^200|data_dir'
}

serve_htaccess_cgi() {
	host_conf "LoadModule cgid_module \"$modules/mod_cgid.so\"
	ScriptSock \"$root/cgisock\"" >"$root/server.conf"
	fill htaccess.example "$root/www$path.htaccess" -e 's|@PROGRAM@|billhook.cgi|g'
	with_relay "$root/www$path"
	by_apache
	unlike "$name: the file beside the program stays inside" "$(node "$flow/web.mjs" get "$url/billhook.relay")" '^200|dir ='
}

serve_nginx() {
	fill nginx.conf.example "$root/server.conf"
	serve
	serve_by nginx -e "$root/nginx.log" -c "$root/server.conf" -g 'daemon off;'
}

# What goes over the wire: bodies small and large, with and without a length, headers, methods.
over_the_wire() {
	adopt node "$flow/web.mjs" wire "$name" "$url" "$base" "$1"
}
