#!/usr/bin/env bash
# As a service of systemd: the units of etc/ are good, and Billhook works in the
# sandbox that they make, on the socket that it was given.  There is no systemd
# to start them here: its sandbox is built of the same parts (a read-only system,
# a bounded /proc, no rights), and the calls that Billhook makes are held
# against the filter.  Then its log is rotated under it.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
need systemd-analyze systemd
need systemd-socket-activate systemd
need strace strace
need logrotate logrotate

# As root the service is somebody else, as it will be; that one must be able to read our tree.
user=$(id -un) group=$(id -gn) drop=()
if [ "$(id -u)" = 0 ] && setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$BILLHOOK" -a -r "$BH_SRCDIR/templates/layout.mustache"; then
	user=nobody group=nogroup
	drop=(setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs)
fi
bh() {
	"${drop[@]}" "$BILLHOOK" "$@"
}
chmod 755 "$work"
install -d -m 700 -o "$user" -g "$group" "$work/place"
new_dir place/data
printf '{"billhook": 1, "connections": [
	{"code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"}},
	{"code": "sandbox", "driver": "sandbox"}],
	"syncs": [{"code": "s", "from": "stripe", "to": "sandbox", "preset": "stripe-salesforce"}]}' | bh apply --yes --quiet - || not_ok "apply"

rm -f "$BILLHOOK_DIR/run/front.sock" # of what apply needed

mkdir "$work/units"
for example in "$BH_SRCDIR"/etc/billhook*.example; do
	unit=$work/units/$(basename "$example" .example)
	sed -e "s|@BIN@|$BILLHOOK|g; s|@DIR@|$BILLHOOK_DIR|g; s|@USER@ @USER@|$user $group|g; s|Group=@USER@|Group=$group|; s|@USER@|$user|g; s|@WEB_GROUP@|$group|g" "$example" >"$unit"
	unlike "$(basename "$unit"): no placeholder is left" "$(grep -v '^#' "$unit")" '@[A-Z_]+@'
done
for unit in billhook.service billhook.socket billhook-backup.service billhook-backup.timer; do
	is "systemd-analyze verify $unit" "$(SYSTEMD_UNIT_PATH=$work/units: systemd-analyze verify --man=no --recursive-errors=no "$work/units/$unit" 2>&1 | grep -F "${unit%.*}" | grep -v "Special user nobody")" ""
done
exposure=$(systemd-analyze security --offline=yes --no-pager "$work/units/billhook.service" | sed -n 's/.*Overall exposure level[^0-9]*\([0-9.]*\).*/\1/p')
echo "# systemd-analyze security: exposure $exposure of 10"
like "little is exposed" "$exposure" '^[01]\.[0-9]$'

# -- the sandbox --

command=$(sed -n 's/^ExecStart=//p' "$work/units/billhook.service")
cat >"$work/sandbox" <<END
#!/bin/sh
# The service's ExecStart as systemd would run it, traced by one that is not its parent.
if [ "\$1" = full ]; then
	mount --bind "$work/place" "$work/place" && mount --bind "$work/told" "$work/told" && mount -o remount,bind,ro / &&
		mount -t proc -o subset=pid,hidepid=invisible proc /proc || exit 99
fi
exec strace -D -f -qq -o "$work/told/calls" ${drop[*]} $command
END
chmod 755 "$work/sandbox"
install -d -m 755 -o "$user" -g "$group" "$work/told"
mode=full
unshare -m sh -c 'mount --make-rprivate / && mount --bind /mnt /mnt && mount -o remount,bind,ro /' 2>/dev/null || mode=plain
if [ $mode = plain ]; then
	echo "# SKIPPED: no mounts may be made here: the service runs with the whole system writable"
fi

socket=$work/front.sock
perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_DGRAM, 0); bind($s, pack_sockaddr_un($ARGV[0])) or die $!; chmod 0777, $ARGV[0]; recv($s, my $text, 100, 0); print "$text\n";' "$work/notify" >"$work/ready" &
listener=$!
start service systemd-socket-activate -l "$socket" -E "NOTIFY_SOCKET=$work/notify" -E "BILLHOOK_SOURCE=$BILLHOOK_SOURCE" -E HOME=/ \
	unshare -m --propagation private "$work/sandbox" $mode
service=$pid
wait_for 10 test -S "$socket"
hook() {
	echo "unix:$socket:/hook/$1"
}
is "the first webhook starts it" "$(send stripe '{"customer":"cus_1","name":"First"}')" '200 {"status":"accepted"}'
wait_for 10 is_gone "$listener"
is "it says when it is ready" "$(cat "$work/ready")" READY=1
seen "the event arrives" "lane('sandbox').in_step" 1
check "the socket is the one that it was given" test ! -e "$BILLHOOK_DIR/run/front.sock"
is "reload is taken" "$(bh reload && echo yes)" yes
is "webhooks go on meanwhile" "$(node "$flow/send.mjs" --many 60 --parallel 4 "$(hook stripe)" stripe '{"customer":"cus_%n","name":"Number %n"}')" "200=60"
wait_for 10 grep -q 'fronts and dispatcher are replaced' "$BILLHOOK_DIR/log/billhook.log"
status "a copy is made" 0 bh backup --quiet "$work/place/copy"

# The line for cron, as cron takes it, and the unit's: in the second week they replace the copies of the first.
install -d -m 700 -o "$user" -g "$group" "$work/place/copies"
{
	sed -n 's/^#   17 3 \* \* \* //p' "$work/units/billhook-backup.service" | sed 's/\\%/%/g'
	sed -n "s/^ExecStart=.bin.sh -c '\(.*\)'\$/\1/p" "$work/units/billhook-backup.service" | sed 's/%%/%/g; s/\$\$/$/g'
} | sed "s|/var/backups/billhook|$work/place/copies|" >"$work/lines"
is "there are both" "$(grep -c "$BILLHOOK backup" "$work/lines")" 2
touch -d '1 day ago' "$work/yesterday"
while read -r line; do
	for week in 1 2; do
		status "a copy each night, week $week: ${line%% *}" 0 "${drop[@]}" sh -c "date() { echo Mon; }; $line" </dev/null
		is "tells nobody anything" "$out$err" ""
		is "one is kept, which is new" "$(ls "$work/place/copies") $(test "$work/place/copies/Mon/key" -nt "$work/yesterday" && echo new)" "Mon new"
		touch -d '1 week ago' "$work/place/copies/Mon/key"
	done
done <"$work/lines"

# -- the log --

node "$flow/send.mjs" --many 400 --parallel 4 "$(hook a%00b)" stripe '{"customer":"cus_%n"}' >"$work/refused" &
sender=$!
wait_for 10 grep -q 'request refused' "$BILLHOOK_DIR/log/billhook.log"
chmod go-w "$work/units/billhook.logrotate"
run logrotate --force --state "$work/told/state" "$work/units/billhook.logrotate"
is "logrotate takes the log away" "$rc $err" "0 "
wait "$sender"
is "all are answered" "$(cat "$work/refused")" "400=400"
old=$(cat "$BILLHOOK_DIR/log/billhook.log.1") new=$(log)
is "no line is lost, none is there twice" "$(grep -c 'request refused' <<<"$old"$'\n'"$new")" 400
send stripe '{"customer":"cus_late","name":"Late"}' >/dev/null
seen "an event after it arrives" "lane('sandbox').in_step" 61
like "fronts write into the new file" "$(log)" ' front\[.*request refused'
like "workers, too" "$(log)" ' worker\[.*lane sandbox'
bh reload
wait_for 10 grep -q ' supervisor\[.*replaced' "$BILLHOOK_DIR/log/billhook.log"
like "the supervisor, too" "$(log)" ' supervisor\[.*replaced'
status "stop" 0 bh stop
like "and the keeper" "$(log)" ' keeper\[.*keeper ends'
is "the new file is for our eyes alone" "$(stat -c %a "$BILLHOOK_DIR/log/billhook.log")" 600
wait "$service" 2>/dev/null
unlike "nothing to complain in the log" "$(log) $old" ' error | killed by| ended with status'

# -- what it did --

# allowed GROUP: the calls of a group and of those in it
allowed() {
	local word
	for word in $(systemd-analyze syscall-filter "$1" | sed -n 's/^    \([@a-z0-9_-]*\)$/\1/p'); do
		case $word in
		@*) allowed "$word" ;;
		*) echo "$word" ;;
		esac
	done
}
comm -23 <(allowed @system-service | sort -u) <(allowed @privileged | sort -u) >"$work/allowed"
# From our program on; setpriv before it is not the service's.
awk -v program="\"$BILLHOOK\"" 'index($0, "execve(" program) { on = 1 } on' "$work/told/calls" >"$work/traced"
check "it was traced" test "$(wc -l <"$work/traced")" -gt 5000
sed -nE 's/^[0-9]+ +([a-z][a-z0-9_]*)\(.*/\1/p' "$work/traced" | sort -u >"$work/called"
is "no call is outside the filter" "$(comm -23 "$work/called" "$work/allowed" | tr '\n' ' ')" ""
is "no other kind of socket" "$(sed -nE 's/.* socket\((AF_[A-Z0-9]+).*/\1/p' "$work/traced" | sort -u | grep -vxE 'AF_UNIX|AF_INET|AF_INET6|AF_NETLINK')" ""
is "no memory that is written and run" "$(grep -E '(mmap|mprotect)\(.*PROT_WRITE\|PROT_EXEC' "$work/traced")" ""
is "no namespaces" "$(grep -E ' (unshare|setns)\(|CLONE_NEW' "$work/traced")" ""
if [ $mode = full ]; then
	is "nothing else was to be written" "$(grep EROFS "$work/traced" | head -n 3)" ""
fi
finish
