#!/usr/bin/env bash
# A copy of everything, made and downloaded in Chromium behind lighttpd while
# events stream in: with script off, then with script on.  What was downloaded
# is unpacked with tar and restored by the real program: what was acknowledged
# before the copy was asked for is there, as it is in the store that went on.
# Killed in the middle it is made all the same.  FLOW_SHOTS as for 85-pages.sh.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
leave_root

need_chromium
need tar tar
port=$(node "$flow/web.mjs" port)
root=$work/web
mkdir -p "$root"/{www,tmp} "$work/home" "$work/got"

new_dir backup
option public_url "http://127.0.0.1:$port"
option template_dir "$BH_SRCDIR/templates"
option static_dir "$BH_SRCDIR/static"
option preset_dir "$BH_SRCDIR/presets"
printf '{"billhook": 1, "connections": [{"code": "stripe", "driver": "stripe", "name": "Stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"}}, {"code": "box", "driver": "sandbox", "name": "Box"}], "syncs": [{"code": "stripe-box", "from": "stripe", "to": "box", "preset": "stripe-salesforce"}]}' |
	bh apply --quiet - || not_ok "apply"
sed -e "s|@ROOT@|$root|g; s|@PORT@|$port|g; s|@BIN@|$BILLHOOK|g; s|@DIR@|$BILLHOOK_DIR|g; /max-request-size/d" \
	"$BH_SRCDIR/etc/lighttpd.conf.example" >"$root/server.conf"
# The worker that copies dies once in the middle.
export BILLHOOK_FAULT=backup-copied:die BILLHOOK_FAULT_ONCE=$work/died
serve
unset BILLHOOK_FAULT BILLHOOK_FAULT_ONCE
start lighttpd lighttpd -D -f "$root/server.conf"

# shellcheck disable=SC2317 # called by wait_for
answers() {
	[[ $(node "$flow/web.mjs" get "http://127.0.0.1:$port/healthz" 2>/dev/null) == 200* ]]
}
wait_for 15 answers || not_ok "the site answers" "$(cat "$work/lighttpd.log")"

hook="http://127.0.0.1:$port/hook/stripe"
is "what comes before is acknowledged" \
	"$(node "$flow/send.mjs" --many 40 --parallel 4 "$hook" stripe '{"customer":"cus_before_%n","name":"Before %n"}')" "200=40"
# shellcheck disable=SC2016 # for the inner shell
start sending bash -c 'while [ ! -e "$1/enough" ]; do node "$2/send.mjs" --many 200 --parallel 2 "$3" stripe "{\"customer\":\"cus_${SECONDS}_%n\",\"name\":\"While\"}" || exit; done' - "$work" "$flow" "$hook"
sending=$pid
HOME=$work/home adopt node "$flow/backup-download.mjs" "http://127.0.0.1:$port" "$work/got"
touch "$work/enough"
wait "$sending"
is "events streamed in meanwhile, and were acknowledged" "$(sort -u "$work/sending.log")" "200=200"
if [ -e "$work/died" ]; then ok "the worker died in the middle"; else not_ok "the worker died in the middle"; fi
is "what was removed is gone from the disk" "$(find "$BILLHOOK_DIR/backup" -type f 2>/dev/null | wc -l)" 0
unlike "nothing to complain in the log" "$(log)" ' error '
unlike "no password in the log" "$(log)" "$BILLHOOK_PASSWORD"

# Events by the ids that the billing system gave them.
known() {
	bh dump | grep -o 'evt_[A-Za-z0-9_]*' | sort -u
}
bh stop --quiet
known >"$work/live"
customers() {
	bh dump | grep -o 'cus_before_[0-9]*' | sort -u | wc -l
}

for one in plain key; do
	dir=$work/unpacked-$one
	mkdir "$dir"
	status "$one: tar unpacks it" 0 tar xf "$work/got/$one.tar" -C "$dir"
	is "$one: for our eyes" "$(find "$dir" -type f ! -perm 600)" ""
	export BILLHOOK_DIR=$work/restored-$one
	dirs+=("$BILLHOOK_DIR")
	status "$one: billhook restore takes it, and misses a key" "$([ "$one" = key ]; echo $?)" bh restore "$dir/billhook-backup"
done
if [ -e "$work/unpacked-plain/billhook-backup/key" ]; then
	not_ok "the key is not in the plain one"
else
	ok "the key is not in the plain one"
fi
if cmp -s "$work/unpacked-key/billhook-backup/key" "$work/backup/key"; then
	ok "the key is in the other"
else
	not_ok "the key is in the other"
fi

for one in plain key; do
	export BILLHOOK_DIR=$work/restored-$one
	[ "$one" = key ] || cp "$work/backup/key" "$BILLHOOK_DIR/key"
	is "$one: what was acknowledged before is there" "$(customers)" 40
	known >"$work/known-$one"
	is "$one: and nothing that the store does not know" "$(comm -23 "$work/known-$one" "$work/live" | head -n 3)" ""
	check "$one: a part of what came meanwhile" test "$(wc -l <"$work/known-$one")" -lt "$(wc -l <"$work/live")"
	bh stop --quiet
done
serve
seen "the restored one goes on" 'status.backlog' 0
is "it opens its secrets" "$(send stripe '{"customer":"cus_after","name":"After"}')" '200 {"status":"accepted"}'
seen "no copy is made anew there" "dump.includes('\"k\":\"Bk\"')" false
is "and none lies there" "$(find "$BILLHOOK_DIR/backup" -type f 2>/dev/null | wc -l)" 0
bh stop --quiet
finish
