# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # what is set for the script, and what lib.sh sets
# A host: another Debian below $root, entered by chroot, its network ours.  One
# customer, alice, whose web space her Apache serves.  Sourced behind lib.sh.

uid=47110
root=$BH_BUILDDIR/hosting/$suite
home=$root/home/alice
site=$home/public_html/billing

# inside COMMAND...: as alice, with an environment as poor as suEXEC's
inside() {
	chroot --userspec=$uid:$uid "$root" /usr/bin/env -i PATH=/usr/bin:/bin "$@"
}

# The processes in there are those whose root it is.
inmates() {
	local entry
	for entry in /proc/[0-9]*; do
		[ "$(readlink "$entry/root" 2>/dev/null)" != "$root" ] || echo "${entry#/proc/}"
	done
}
is_empty() {
	[ -z "$(inmates)" ]
}
evict() {
	local one
	for one in $(inmates); do
		kill "$one" 2>/dev/null
	done
	wait_for 12 is_empty || for one in $(inmates); do
		kill -9 "$one" 2>/dev/null
	done
}

leave_host() {
	evict
	rm -rf "$home" "$root/srv/web" "$root/tmp/"*
	cleanup
}
trap leave_host EXIT

# move_in: a fresh home with the archive unpacked in its web space
move_in() {
	evict
	rm -rf "$home" "$root/srv/web"
	install -d -o $uid -g $uid "$home" "$home/public_html" "$site" "$root/srv/web"
	install -d -m 1777 "$root/dev/shm"
	cp "$BH_BUILDDIR"/billhook-*-hosting-linux-amd64.tar.gz "$root/tmp/archive.tar.gz"
	inside tar -xzf /tmp/archive.tar.gz -C /home/alice/public_html/billing --strip-components=1
	port=$(node "$flow/web.mjs" port)
	url=http://127.0.0.1:$port/billing
	data=$home/billhook-data/public_html-billing
	export BILLHOOK_DIR=/home/alice/billhook-data/public_html-billing
}

# What the host switched on: web_server MODULE...
web_server() {
	local module
	{
		cat <<-END
		ServerRoot /srv/web
		ServerName localhost
		Listen 127.0.0.1:$port
		PidFile /srv/web/pid
		ErrorLog /srv/web/error.log
		END
		for module in mpm_event authz_core dir mime setenvif rewrite "$@"; do
			echo "LoadModule ${module}_module /usr/lib/apache2/modules/mod_$module.so"
		done
		cat <<-END
		StartServers 1
		ServerLimit 1
		ThreadLimit 5
		ThreadsPerChild 5
		MinSpareThreads 5
		MaxSpareThreads 5
		MaxRequestWorkers 5
		TypesConfig /dev/null
		AddType text/html .html
		DocumentRoot /home/alice/public_html
		DirectoryIndex index.html
		<Directory /home/alice/public_html>
			Options FollowSymLinks
			AllowOverride All
			Require all granted
		</Directory>
		<IfModule mod_cgid.c>
			ScriptSock /srv/web/cgisock
		</IfModule>
		<IfModule mod_fcgid.c>
			FcgidIPCDir /srv/web/fcgid
			FcgidProcessTableFile /srv/web/fcgid_shm
		</IfModule>
		END
	} >"$root/srv/web/server.conf"
	start "apache-$suite" chroot --userspec=$uid:$uid "$root" /usr/bin/env -i PATH=/usr/bin:/bin \
		/usr/sbin/apache2 -DFOREGROUND -f /srv/web/server.conf
	server=$pid
	wait_for 15 answers || not_ok "$name: the web server answers" "$(cat "$work/apache-$suite.log" "$root/srv/web/error.log")"
}
# shellcheck disable=SC2317 # called by wait_for
answers() {
	[[ $(get "/no-such-page") != 0* ]]
}
# get PATH: status, headers, body
get() {
	node "$flow/web.mjs" get "$url$1" 2>/dev/null
}

# The program for cron and for a shell, as alice.
printf '#!/bin/sh\nexec chroot --userspec=%s:%s %s /usr/bin/env -i PATH=/usr/bin:/bin %s "$@"\n' $uid $uid "$root" \
	"FLOW_STRIPE_SECRET=$FLOW_STRIPE_SECRET FLOW_HS_TOKEN=$FLOW_HS_TOKEN /home/alice/public_html/billing/app/bin/billhook" >"$work/billhook"
chmod 755 "$work/billhook"
BILLHOOK=$work/billhook
unset BILLHOOK_SOURCE
# bh_trusting FILE ARGUMENT...: with these authorities
bh_trusting() {
	local file=$1
	shift
	inside "CURL_CA_BUNDLE=$file" /home/alice/public_html/billing/app/bin/billhook "$@"
}

log() {
	cat "$data/log/billhook.log"
}
