#!/usr/bin/env bash
# Data goes out while events come in and records are pushed, and comes back
# elsewhere: a dump, a backup.  What billing systems send again brings it
# level: nothing is missing, nothing is twice in a CRM, every figure and count fits.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

simulators
set_up data
serve
many=300
templates=('{"customer":"cus_%n","name":"Load %n","event":"evt_c%n","at":1790000000}'
	'{"subscription":"sub_%n","customer":"cus_%n","event":"evt_s%n","at":1790000001,"quantity":2}'
	'{"invoice":"in_%n","customer":"cus_%n","subscription":"sub_%n","event":"evt_i%n","at":1790000002}')
# stream: what the billing system has to say, each event once or again
stream() {
	local one
	for one in "${templates[@]}"; do
		node "$flow/send.mjs" --many $many --parallel 4 "$(hook stripe)" stripe "$one"
	done
}
# level NAME: everything that was sent is there, once, and fits
level() {
	seen "$1: everything is pushed" "status.backlog === 0 && lane('salesforce').dirty + lane('hubspot').dirty === 0 && lane('salesforce').in_step" $((3 * many))
	is "$1: each record is there once" "$(crm see "[sf('Account'), hs('companies')].map((all) => [all.length, new Set(all.map((a) => a.Name ?? a.name)).size])")" "[[$many,$many],[$many,$many]]"
	fits "$1"
}
# fits NAME: nothing that is worked out or counted differs
fits() {
	bh dump --quiet "$work/fits" && is "$1: lists and counts" "$(node "$flow/recount.mjs" <"$work/fits")" "as a recount"
	rm -f "$work/fits"
	status "$1: verify" 0 bh verify
	like "$1: finds no difference" "$out" ', 0 differences$'
}
# elsewhere NAME: a directory without a store, with our key
elsewhere() {
	new_dir "$1"
	bh stop --quiet
	rm -rf "$BILLHOOK_DIR/db"
	cp "$work/data/key" "$BILLHOOK_DIR/key"
}

# All of it, then news of one customer until it is enough.
{
	stream >"$work/sent"
	while [ ! -e "$work/enough" ]; do
		node "$flow/send.mjs" --many 20 --parallel 2 "$(hook stripe)" stripe '{"customer":"cus_0","name":"Load 0"}'
	done >"$work/more"
} &
sending=$!
wait_for 20 crm see "sf('Account').length > 20" || not_ok "records are pushed"
status "dump while events come in and records are pushed" 0 bh dump "$work/dump"
status "backup" 0 bh backup "$work/copy"
status "load while Billhook runs" 1 bh load "$work/dump"
like "is refused with words" "$err" "stop it first"
# Killed at any time a backup is whole, or refused with words.
for pause in 0.01 0.03 0.06 0.1 0.2; do
	"$BILLHOOK" backup "$work/killed-$pause" >/dev/null 2>&1 &
	sleep "$pause"
	kill -9 $! 2>/dev/null
	wait $! 2>/dev/null
done
wait_for 20 grep -q = "$work/more" || not_ok "more is sent"
touch "$work/enough"
wait "$sending"
is "all of them were accepted" "$(sort -u "$work/sent" "$work/more" | tr '\n' ' ')" "200=20 200=$many "
level "the one that went on"
all=$(bh dump --quiet | grep -c '"k":"Ji')
bh stop --quiet

elsewhere loaded
status "load elsewhere" 0 bh load "$work/dump"
serve
check "it holds a part" test "$(grep -c '"k":"Ji' "$work/dump")" -lt "$all"
seen "loaded: what it knew is handled" 'status.backlog' 0
fits "loaded"
stream >"$work/sent"
is "loaded: what is sent again is accepted" "$(sort -u "$work/sent")" "200=$many"
level "loaded"
bh stop --quiet

export BILLHOOK_DIR=$work/restored
dirs+=("$BILLHOOK_DIR")
status "restore elsewhere" 0 bh restore "$work/copy"
serve
seen "restored: what it knew is handled" 'status.backlog' 0
fits "restored"
stream >"$work/sent"
level "restored"
bh stop --quiet

whole=0 refused=0
for pause in 0.01 0.03 0.06 0.1 0.2; do
	export BILLHOOK_DIR=$work/of-$pause
	dirs+=("$BILLHOOK_DIR")
	run bh restore "$work/killed-$pause"
	if [ "$rc" -ne 0 ] && [ -n "$err" ]; then
		refused=$((refused + 1))
	elif [ "$rc" -eq 0 ] && bh verify >"$work/.out" 2>&1 && bh dump --quiet "$work/k.dump" && [ "$(node "$flow/recount.mjs" <"$work/k.dump")" = "as a recount" ]; then
		whole=$((whole + 1))
	else
		not_ok "a backup that was killed after $pause s" "status $rc" "$out" "$err" "$(cat "$work/.out")"
	fi
	rm -f "$work/k.dump"
	bh stop --quiet
done
is "a backup that was killed is whole ($whole), or refused with words ($refused)" $((whole + refused)) 5
finish
