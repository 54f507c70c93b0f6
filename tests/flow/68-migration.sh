#!/usr/bin/env bash
# A store of an older format is brought up in several commits.  Whoever does
# that is killed between any two of them, then the keeper while webhooks come
# in: it goes on where it stood, the end is the same, no webhook is lost.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

if ! grep -q '^#define BH_FAULTS 1' "$BH_BUILDDIR/config.h"; then
	not_ok "fault points are compiled in" "configure with --enable-faults"
	finish
fi
old=$BH_SRCDIR/tests/data/store/version-2
node "$flow/multiply.mjs" 4500 5200 <"$old.dump" >"$work/large.dump"

# place NAME: a data directory with the older store, as it was found
place() {
	new_dir "$1"
	bh stop --quiet
	rm -rf "$BILLHOOK_DIR/db"
	cp "$old.key" "$BILLHOOK_DIR/key"
	[ ! -d "$work/older" ] || cp -r "$work/older" "$BILLHOOK_DIR/db"
}
# Verbs start the keeper and nobody else, so that it is they who bring a store up.
export BILLHOOK_ROLES=keeper
place older-store
BILLHOOK_FAULT=load-schema:die bh load "$work/large.dump" >"$work/killed" 2>&1
bh stop --quiet
cp -r "$BILLHOOK_DIR/db" "$work/older"
# What stands there when it is brought up, but for the time of that; nothing is worked out yet.
brought() {
	facts | grep -v '^{"k64":"SmY\|^{"k":"\(Lg\|F\)'
}
version() {
	bh dump | grep -o '^{"k":"Vs","v":"[0-9]*"}' | grep -o '[0-9]*'
}

place undisturbed
is "it is of format 2" "$(version)" 2
run bh status
is "a verb brings it up" "$(version)" 3
brought >"$work/brought"
is "lists and counts, but for customers, who are listed when their figures are worked out" \
	"$(bh dump | node "$flow/recount.mjs" | grep -v '^customer')" ""
bh stop --quiet

killed=0
for nth in $(seq 20); do
	place "killed-$nth"
	BILLHOOK_FAULT=schema-step:die:$nth bh status >"$work/.out" 2>&1
	rc=$?
	[ $rc -eq 137 ] || break
	killed=$((killed + 1))
	run bh status
	brought >"$work/again"
	if [ "$rc" -ne 4 ] || ! cmp -s "$work/again" "$work/brought"; then
		not_ok "killed at commit $nth: the end is the same" "status $rc" "$err" "$(diff "$work/again" "$work/brought" | cut -c1-200)"
	fi
	bh stop --quiet
done
is "killed at each of its commits, it ends the same" "$killed" 8

unset BILLHOOK_ROLES

# -- at work: the keeper is killed, webhooks come in --
place at-work
option flush_delay_ms 300
serve
start sending node "$flow/send.mjs" --many 60 --parallel 2 "$(hook stripe)" stripe '{"customer":"cus_new_%n","name":"New","event":"evt_new_%n"}'
sending=$pid
wait_for 10 test -n "$(child keeper)"
for _ in 1 2; do
	sleep 0.7
	kill -9 "$(child keeper)" 2>/dev/null
done
wait "$sending"
is "webhooks are taken meanwhile" "$(cat "$work/sending.log")" "200=60"
# shellcheck disable=SC2317 # called by wait_for
up() {
	[ "$(version)" = 3 ] && bh dump | grep -q '"k":"Cn' && ! bh dump | grep -q '"k":"F[qr]'
}
sed -i '/flush_delay_ms/d' "$BILLHOOK_DIR/billhook.conf"
wait_for 20 up || not_ok "it is brought up" "$(version)"
seen "all of them are handled" 'status.backlog' 0
is "none is lost" "$(bh dump | grep -o 'evt_new_[0-9]*' | sort -u | wc -l)" 60
is "lists and counts" "$(bh dump | node "$flow/recount.mjs")" "as a recount"
status "verify" 0 bh verify
like "finds no difference" "$out" ', 0 differences$'
finish
