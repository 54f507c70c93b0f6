#!/usr/bin/env bash
# A store that a newer Billhook has worked on is left alone by this one:
# verbs, pages and the log say so in words, webhooks are refused so that they
# are sent again, what lies in the spool stays there.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

old=$BH_SRCDIR/tests/data/store/version-2
now=$(sed -n 's/^#define SCHEMA_VERSION //p' "$BH_SRCDIR/src/state/schema.h")
words="format 9, this Billhook reads $now: install the newer Billhook again"
# without_store NAME: a data directory without a store, with the key that the dump's secrets are sealed under
without_store() {
	new_dir "$1"
	bh stop --quiet
	rm -rf "$BILLHOOK_DIR/db"
	cp "$old.key" "$BILLHOOK_DIR/key"
}
sed 's/^{"k":"Vs","v":"2"}$/{"k":"Vs","v":"9"}/' "$old.dump" >"$work/newer.dump"

without_store newer
status "load of a newer format" 1 bh load "$work/newer.dump"
like "says what to do" "$err" "$words"
bh stop --quiet

# -- verbs --
for verb in status "status --json" check "export" "replay --all" retry "resync stripe-sf" verify "person export cus_1" metrics alert "source stripe" \
	"crm salesforce" "preview stripe-sf" "audit stripe-sf" "undo stripe-sf" automation "user anna --password-file /dev/null" init; do
	# shellcheck disable=SC2086 # a verb with its words
	run bh $verb
	if [ "$rc" -eq 0 ] || ! grep -qF "$words" <<<"$out$err"; then
		not_ok "$verb is refused with words" "status $rc" "$out" "$err"
	fi
done
ok "verbs are refused with words"
status "what is there can be taken away as text" 0 bh dump "$work/taken"
is "as it is" "$(grep -c '"k":"Vs","v":"9"' "$work/taken")" 1
status "and as a copy" 0 bh backup "$work/copy"
bh stop --quiet
bh dump | grep -v '^{"count"\|^{"k64":"U' >"$work/before"
bh stop --quiet

# -- processes --
: >"$BILLHOOK_DIR/log/billhook.log"
serve
ask() {
	node "$flow/send.mjs" --method GET "unix:$BILLHOOK_DIR/run/front.sock:$1" stripe '{"customer":"cus_1"}' | tr '\n' ' '
}
# shellcheck disable=SC2317 # called by wait_for
refused() {
	log | grep -qF "$words"
}
wait_for 10 refused || not_ok "the log says it" "$(log)"
front=$(child front) dispatcher=$(child dispatcher) keeper=$(child keeper)
is "a webhook is to be sent again" "$(send stripe '{"customer":"cus_1","name":"News"}')" '503 {"error":"the connection is not ready to receive"} retry-after=30'
like "a page says it" "$(ask /login)" '^503 .*newer version of Billhook has worked on this data: install that version again'
like "as does one that needs a session" "$(ask /customers)" '^503 .*newer version of Billhook'
like "/healthz, too" "$(ask /healthz)" '^503 .*"status": ?"newer".* retry-after='
like "the style of pages is served" "$(ask /static/style.css)" '^200 '
# One that another process kept on disk while nothing answered.
mkdir -p "$BILLHOOK_DIR/spool"
cp "$work/newer.dump" "$BILLHOOK_DIR/spool/.for-later" && mv "$BILLHOOK_DIR/spool/.for-later" "$BILLHOOK_DIR/spool/new.later"
# shellcheck disable=SC2317 # called by wait_for
waits() {
	log | grep -q 'spool file new.later waits'
}
wait_for 10 waits || not_ok "what is in the spool waits" "$(log)"
sleep 2
check "it lies there still" test -f "$BILLHOOK_DIR/spool/new.later"
rm "$BILLHOOK_DIR/spool/new.later"
is "no process ends and is started again" "$(child front) $(child dispatcher) $(child keeper)" "$front $dispatcher $keeper"
is "each says why once" "$(log | grep -cF "nothing is handled: the store has $words") $(log | grep -c 'spool file new.later waits')" "1 1"
ticks() {
	awk '{ print $14 + $15 }' "/proc/$dispatcher/stat"
}
spent=$(ticks)
sleep 1
check "and the processor is left in peace" test $(($(ticks) - spent)) -lt 20
end "$serve_pid"
bh dump | grep -v '^{"count"\|^{"k64":"U' >"$work/after"
is "nothing was changed" "$(diff "$work/before" "$work/after" | cut -c1-200)" ""
bh stop --quiet

# -- the newer one is back --
new_dir back
bh stop --quiet
status "a copy is put in place" 0 bh restore "$work/copy"
status "and refused as the store was" 1 bh status
like "in the same words" "$err" "$words"
bh stop --quiet
finish
