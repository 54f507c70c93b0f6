#!/usr/bin/env bash
# A full disk: what cannot be kept is not acknowledged, and nothing breaks.
# On a small tmpfs of our own, in a mount namespace that ends with us.
if [ -z "${FLOW_NAMESPACE:-}" ]; then
	for way in -m -Urm; do
		if unshare $way mount -t tmpfs tmpfs /mnt 2>/dev/null; then
			FLOW_NAMESPACE=1 exec unshare $way bash "$0"
		fi
	done
fi
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
if [ -z "${FLOW_NAMESPACE:-}" ]; then
	echo "# SKIPPED $(basename "$0"): this host lets nobody mount a tmpfs (unshare -Urm)"
	finish
fi

disk=$work/disk
mkdir "$disk"
mount -t tmpfs -o size=128m,mode=700 tmpfs "$disk" || not_ok "a small disk"
export BILLHOOK_DIR=$disk/data
dirs+=("$BILLHOOK_DIR")
status "init on a small disk" 0 bh init --quiet
option ballast_mb 8
printf '{"billhook": 1, "connections": [
	{"code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"}},
	{"code": "sandbox", "driver": "sandbox"}],
	"syncs": [{"code": "s", "from": "stripe", "to": "sandbox", "preset": "stripe-salesforce"}]}' | bh apply --quiet - || not_ok "apply"
serve
is "a webhook before" "$(send stripe '{"customer":"cus_1","name":"Before"}')" '200 {"status":"accepted"}'
seen "arrives" "status.backlog === 0 && lane('sandbox').in_step" 1

# fill LEFT: the disk but for so many MiB
fill() {
	local free
	free=$(df --output=avail -k "$disk" | tail -1)
	head -c $(((free - $1 * 1024) * 1024)) /dev/zero >>"$disk/filler"
}
refused='503 {"error":"storage is not available"} retry-after=30'

fill 12
sleep 0.3
is "with little room left it is refused, and told when to come again" "$(send stripe '{"customer":"cus_2"}')" "$refused"
like "the log says why" "$(log)" 'webhook refused connection=stripe: the disk is nearly full: [0-9]+ MiB are free'
fill 0
is "with none left, too" "$(send stripe '{"customer":"cus_3"}' '{"customer":"cus_4"}' | sort -u)" "$refused"
status "status can be read" 4 bh status
like "with what there is" "$out" '^sandbox +1 in step'
like "and that webhooks are refused" "$out" '^NOT WELL: the disk of the data directory has no room'
status "check says it, too" 1 bh check
like "of the disk" "$out" '^FAILED disk: it has no room'
status "so can a dump" 0 bh dump
status "a change of the set-up is refused" 1 bash -c "bh() { '$BILLHOOK' \"\$@\"; }; bh export | sed 's/\"name\": \"stripe\"/\"name\": \"Other\"/' | bh apply --yes -"
like "with the reason" "$err" 'disk is nearly full'
kill -9 "$(child keeper)"
status "the keeper is killed on the full disk: the next recovers" 4 bh status
is "and refuses as before" "$(send stripe '{"customer":"cus_5"}')" "$refused"
kill -9 "$(child keeper)"
node "$flow/send.mjs" --many 20 --parallel 4 "$(hook stripe)" stripe '{"customer":"cus_6_%n"}' >"$work/sent"
is "between two keepers nothing is acknowledged either" "$(cat "$work/sent")" "503=20"
check "nothing is in the spool" test -z "$(find "$BILLHOOK_DIR/spool" -type f 2>/dev/null)"

# The relay, where nobody answers: it may not promise what it cannot keep.
bh stop --quiet
printf 'dir = %s\nbin = /bin/false\n' "$BILLHOOK_DIR" >"$work/billhook.relay"
cp "$relay" "$work/billhook.cgi"
node "$flow/send.mjs" --prepare "$work" x stripe '{"customer":"cus_7"}' >/dev/null
run env GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=POST REQUEST_URI=/hook/stripe CONTENT_LENGTH="$(wc -c <"$work/body")" "$work/billhook.cgi" <"$work/body"
like "the relay refuses, too" "$out" '^Status: 503'
like "and says when to come again" "$out" '^Retry-After: [0-9]+'
serve
is "started on the full disk it refuses as before" "$(send stripe '{"customer":"cus_8"}')" "$refused"

rm "$disk/filler"
sleep 0.5
is "with room again it is taken" "$(send stripe '{"customer":"cus_9","name":"After"}')" '200 {"status":"accepted"}'
seen "and arrives" "status.backlog === 0 && lane('sandbox').in_step" 2
is "exactly what was acknowledged is there" "$(bh dump | grep -o 'cus_[0-9]_*[0-9]*' | sort -u | tr '\n' ' ')" "cus_1 cus_9 "
like "the ballast is back" "$(sleep 1; stat -c %s "$BILLHOOK_DIR/db/ballast")" '^8388608$'
finish
