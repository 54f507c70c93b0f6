# shellcheck shell=bash
# shellcheck disable=SC2154 # what lib.sh sets
# What the flows of the billing sources share; sourced by them behind lib.sh.
#
# One source at a time: BILL is its driver, and also the code of its
# connection; BILL_URL the address of its simulator.  Billhook stands behind
# lighttpd, which starts it; expressions of crm.mjs know the simulator's calls
# and the mirror, billing.mjs compares whole worlds.

# billing_simulator DRIVER [SETTINGS]: a fresh one
billing_simulator() {
	export BILL=$1 BILL_URL
	rm -f "$work/$1.port"
	start "sim-$1" node "$BH_SRCDIR/tests/billing/$1.mjs" --port 0 --port-file "$work/$1.port" --settings "${2:-{\}}"
	wait_for 10 test -f "$work/$1.port" || not_ok "simulator $1 starts" "$(cat "$work/sim-$1.log")"
	BILL_URL=http://127.0.0.1:$(cat "$work/$1.port")
}

# sim METHOD CONTROL [JSON]: prints the answer
sim() {
	node "$flow/billing.mjs" sim "$@"
}

# behind_lighttpd NAME: a data directory with lighttpd in front; sets url, server
behind_lighttpd() {
	new_dir "$1"
	root=$work/$1-web
	port=$(node "$flow/web.mjs" port)
	url=http://127.0.0.1:$port
	mkdir -p "$root"/{www,tmp}
	sed -e "s|@ROOT@|$root|g; s|@PORT@|$port|g; s|@BIN@|$BILLHOOK|g; s|@DIR@|$BILLHOOK_DIR|g" "$BH_SRCDIR/etc/lighttpd.conf.example" >"$root/server.conf"
	option template_dir "$BH_SRCDIR/templates"
	option static_dir "$BH_SRCDIR/static"
	option preset_dir "$BH_SRCDIR/presets"
}

# shellcheck disable=SC2317 # called by wait_for
answers() {
	[[ $(node "$flow/web.mjs" get "$url/healthz" 2>/dev/null) == 200* ]]
}

# serve_web: start lighttpd, wait for the first answer
serve_web() {
	start lighttpd env -u BILLHOOK_SOURCE -u BILLHOOK_DIR PATH="$PATH:/usr/sbin" lighttpd -D -f "$root/server.conf"
	server=$pid
	wake_web
}

# wake_web: a page brings up all processes
wake_web() {
	wait_for 15 answers || not_ok "lighttpd answers" "$(cat "$root/lighttpd.log" "$work/lighttpd.log")"
	node "$flow/web.mjs" get "$url/" >/dev/null
	wait_for 10 workers || not_ok "workers come up" "$(log)"
}

stop_web() {
	end "$server"
	bh stop --quiet
}

# connect SETTINGS SECRETS [SYNCS]: the source's connection and the sandbox.
# Values of secrets may name the environment (env:NAME).
connect() {
	bh apply --quiet - <<-END
	{ "billhook": 1,
	  "connections": [
	    { "code": "$BILL", "driver": "$BILL", "name": "Billing", "settings": $1, "secrets": $2 },
	    { "code": "sandbox", "driver": "sandbox", "name": "Sandbox" } ],
	  "syncs": [${3:-}] }
	END
}

# source_verb WORD...: of the source
source_verb() {
	bh source "$BILL" "$@"
}

# kill_all: every process of Billhook at once, as a power cut would; lighttpd stays
kill_all() {
	local one
	for one in $(left_over); do
		if [ "$(readlink "/proc/$one/exe")" = "$(readlink -f "$BILLHOOK")" ]; then
			kill -9 "$one"
		fi
	done
}

# workers: their pids; fails when there are none
workers() {
	local one
	for one in $(left_over); do
		[ "$(cat "/proc/$one/comm" 2>/dev/null)" != bh-worker ] || echo "$one"
	done | grep .
}

# worker_peak: the most memory that any worker has had so far, kB
worker_peak() {
	local one
	for one in $(workers); do
		awk '/VmHWM/ { print $2 }' "/proc/$one/status"
	done | sort -n | tail -1
}

# are_gone PID...
# shellcheck disable=SC2317 # called by wait_for
are_gone() {
	local one
	for one; do
		is_gone "$one" || return 1
	done
}

# seen_slow NAME SECONDS EXPRESSION WANT: seen, with more time
seen_slow() {
	local got
	if got=$(crm see --wait "$2" "$3" "$4" 2>&1); then
		ok "$1"
	else
		not_ok "$1" "$3" "got:  $got" "want: $4"
	fi
}

# asks_no_more: the billing system is asked nothing for a second; what was under way may end before
# shellcheck disable=SC2317 # called by check
asks_no_more() {
	local before after round
	for round in 1 2 3 4 5; do
		before=$(crm see "billCalls.length")
		sleep 1
		after=$(crm see "billCalls.length")
		[ "$before" != "$after" ] || return 0
	done
	echo "asked $after times by now, after $round seconds"
	return 1
}

# same_as_simulator NAME: the whole mirror, object by object
same_as_simulator() {
	run node "$flow/billing.mjs" compare
	if [ "$rc" = 0 ]; then
		ok "$1: $out"
	else
		not_ok "$1" "$out" "$err"
	fi
}
