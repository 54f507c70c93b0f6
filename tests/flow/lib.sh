# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is for the scripts
# What the flow scripts share; sourced by each of them.
#
# A script prints one line for each case, "ok - name" or "not ok - name" with
# the reason below it behind "#", and ends with finish.  Everything that it
# starts runs on loopback, below one temporary directory, and ends with it.

set -u
flow=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BH_SRCDIR=${BH_SRCDIR:-$(cd "$flow/../.." && pwd)}
BH_BUILDDIR=${BH_BUILDDIR:-$BH_SRCDIR/build}
export BILLHOOK=$BH_BUILDDIR/billhook
export BILLHOOK_SOURCE=$BH_SRCDIR
relay=$BH_BUILDDIR/billhook.cgi
# Made up; the simulators know the last two.
export FLOW_STRIPE_SECRET=whsec_flow_0123456789 FLOW_LAGO_SECRET=lago-flow-0123456789
export FLOW_SF_SECRET=sim-secret FLOW_HS_TOKEN=pat-sim-token
export BILLHOOK_PASSWORD='correct horse battery'
export LC_ALL=C.UTF-8
unset GATEWAY_INTERFACE BILLHOOK_DIR BILLHOOK_BIN

failed=0
pids=() # processes that the script itself started
dirs=() # data directories it made
work=$(mktemp -d "${TMPDIR:-/tmp}/bh-flow.XXXXXX")

# -- cases --

ok() {
	echo "ok - $1"
}

# not_ok NAME REASON...
not_ok() {
	echo "not ok - $1"
	shift
	printf '%s\n' "$@" | head -n 20 | cut -c1-400 | sed 's/^/#   /'
	failed=$((failed + 1))
}

# is NAME GOT WANT
is() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1" "got:  $2" "want: $3"
	fi
}

# like NAME TEXT REGEX; unlike
like() {
	if grep -Eq -- "$3" <<<"$2"; then
		ok "$1"
	else
		not_ok "$1" "got:  $2" "want: /$3/"
	fi
}
unlike() {
	if grep -Eq -- "$3" <<<"$2"; then
		not_ok "$1" "got:      $2" "not want: /$3/"
	else
		ok "$1"
	fi
}

# check NAME COMMAND...: it succeeds
check() {
	local name=$1 said
	shift
	if said=$("$@" 2>&1); then
		ok "$name"
	else
		not_ok "$name" "failed: $*" "$said"
	fi
}

# adopt COMMAND...: its lines are cases; one that it does not finish counts, too
adopt() {
	local said rc=0 bad
	said=$("$@" 2>&1) || rc=$?
	printf '%s\n' "$said"
	bad=$(grep -c '^not ok' <<<"$said")
	failed=$((failed + bad))
	if [ "$rc" -ne 0 ] && [ "$bad" -eq 0 ]; then
		not_ok "$1 $2 ends well" "status $rc"
	fi
}

# run COMMAND...: sets out, err, rc
run() {
	rc=0
	"$@" >"$work/.out" 2>"$work/.err" || rc=$?
	out=$(cat "$work/.out")
	err=$(cat "$work/.err")
}

# status NAME WANT COMMAND...: it ends with that status; sets out, err, rc
status() {
	local name=$1 want=$2
	shift 2
	run "$@"
	if [ "$rc" = "$want" ]; then
		ok "$name"
	else
		not_ok "$name" "status $rc, want $want: $*" "$out" "$err"
	fi
}

# wait_for SECONDS COMMAND...: until it succeeds
wait_for() {
	local end=$((SECONDS + $1 + 1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.03
	done
}

# -- processes --

# start NAME COMMAND...: in the background; its output goes to $work/NAME.log; sets pid
start() {
	local log=$work/$1.log
	shift
	"$@" >"$log" 2>&1 </dev/null &
	pid=$!
	pids+=("$pid")
}

is_gone() {
	! kill -0 "$1" 2>/dev/null
}

# end PID: ask it to, wait, insist
end() {
	kill "$1" 2>/dev/null || return 0
	wait_for 12 is_gone "$1" || kill -9 "$1"
	wait "$1" 2>/dev/null
}

# Whatever names our directory in its arguments or environment.
left_over() {
	local entry
	for entry in /proc/[0-9]*; do
		[ "${entry#/proc/}" != $$ ] || continue
		if tr '\0' '\n' 2>/dev/null <"$entry/cmdline" | grep -qF "$work" ||
			tr '\0' '\n' 2>/dev/null <"$entry/environ" | grep -qF "BILLHOOK_DIR=$work"; then
			[ "$(awk '{print $3}' "$entry/stat" 2>/dev/null)" = Z ] || echo "${entry#/proc/}"
		fi
	done
}

none_left() {
	[ -z "$(left_over)" ]
}

cleanup() {
	local one
	trap - EXIT INT TERM
	for one in "${pids[@]}"; do
		end "$one"
	done
	for one in "${dirs[@]}"; do
		"$BILLHOOK" stop --quiet --dir "$one" >/dev/null 2>&1
	done
	if ! wait_for 5 none_left; then
		for one in $(left_over); do
			not_ok "nothing is left running" "$(tr '\0' ' ' <"/proc/$one/cmdline")"
			kill -9 "$one"
		done
	fi
	if [ -n "${FLOW_NAMESPACE:-}" ]; then
		umount "$work"/* 2>/dev/null
	fi
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The end of every script.
finish() {
	if [ -n "${HS_URL:-}" ]; then
		adopt node "$flow/crm.mjs" witness
	fi
	if [ $failed -ne 0 ] && [ -n "${BILLHOOK_DIR:-}" ] && [ -f "$BILLHOOK_DIR/log/billhook.log" ]; then
		tail -n 25 "$BILLHOOK_DIR/log/billhook.log" | sed 's/^/# log: /'
	fi
	cleanup
	[ $failed -eq 0 ]
	exit
}

# need PROGRAM PACKAGE: a missing one is a failure, never a silent skip
need() {
	if [ ! -e "$1" ] && ! command -v "$1" >/dev/null; then
		not_ok "$1 is here" "install it: apt-get install $2"
		finish
	fi
}

# need_chromium: what looks at pages; they are served by lighttpd
need_chromium() {
	local modules=${BH_NODE_MODULES:-$BH_BUILDDIR/npm/node_modules} package
	PATH=$PATH:/usr/sbin
	need lighttpd lighttpd
	need chromium chromium
	for package in playwright-core axe-core; do
		if [ ! -d "$modules/$package" ]; then
			not_ok "$package is here" "install tests/billing/package.json into $modules (./check does)"
			finish
		fi
	done
	export BH_NODE_MODULES=$modules
}

for program in "$BILLHOOK" "$relay"; do
	if [ ! -x "$program" ]; then
		not_ok "$(basename "$program") is built" "there is no $program: build first, or set BH_BUILDDIR"
		exit 1
	fi
done
need node nodejs

# leave_root: go on as nobody where we are root.  A web server started by root
# gives its rights away, and the data directory belongs to who it becomes.
leave_root() {
	local drop=(setpriv --reuid 65534 --regid 65534 --clear-groups env TMPDIR=/tmp) copy modules
	[ "$(id -u)" -eq 0 ] || return 0
	need setpriv util-linux
	rm -rf "$work"
	export BH_SRCDIR BH_BUILDDIR
	if "${drop[@]}" test -r "$flow/lib.sh" -a -x "$BILLHOOK" -a -x "$relay"; then
		exec "${drop[@]}" bash "$flow/$(basename "$0")"
	fi
	# Our tree is closed to nobody: a copy of what is needed.
	copy=$(mktemp -d /tmp/bh-flow.XXXXXX)
	mkdir "$copy/tests"
	cp -r "$BH_SRCDIR"/{etc,templates,static,presets} "$BILLHOOK" "$relay" "$copy"
	cp -r "$BH_SRCDIR"/tests/{flow,crm,sim,billing,hooks} "$copy/tests"
	(cd "$BH_SRCDIR" && cp --parents src/web/routes.c "$copy")
	modules=${BH_NODE_MODULES:-$BH_BUILDDIR/npm/node_modules}
	if [ -d "$modules" ]; then
		mkdir "$copy/npm"
		cp -r "$modules" "$copy/npm/node_modules"
		export BH_NODE_MODULES=$copy/npm/node_modules
	fi
	chmod -R a+rX "$copy"
	BH_SRCDIR=$copy BH_BUILDDIR=$copy "${drop[@]}" bash "$copy/tests/flow/$(basename "$0")"
	failed=$?
	trap - EXIT
	rm -rf "$copy"
	exit $failed
}

# -- Billhook --

# Nobody is there to be asked: what is applied is meant.
bh() {
	if [ "${1:-}" = apply ]; then
		shift
		set -- apply --yes "$@"
	fi
	"$BILLHOOK" "$@"
}

# new_dir NAME: a data directory of that name, made and set as ours
new_dir() {
	export BILLHOOK_DIR=$work/$1
	dirs+=("$BILLHOOK_DIR")
	bh init --quiet || not_ok "$1: init"
}

# option NAME VALUE: into billhook.conf
option() {
	echo "$1 = $2" >>"$BILLHOOK_DIR/billhook.conf"
}

log() {
	cat "$BILLHOOK_DIR/log/billhook.log"
}

# serve: all processes, until the front answers; sets serve_pid
serve() {
	rm -f "$BILLHOOK_DIR/run/front.sock" # of the last run
	start serve "$BILLHOOK" serve
	serve_pid=$pid
	wait_for 10 test -S "$BILLHOOK_DIR/run/front.sock" || not_ok "serve: the front answers" "$(cat "$work/serve.log")"
}

# Where webhooks go without a web server: FastCGI to the front pool.
hook() {
	echo "unix:$BILLHOOK_DIR/run/front.sock:/hook/$1"
}

# send SOURCE EVENT...: to the connection of that name; prints a line for each
send() {
	local source=$1
	shift
	node "$flow/send.mjs" "$(hook "$source")" "$source" "$@"
}

# supervisor: its pid, nothing when none runs
supervisor() {
	local lock=$BILLHOOK_DIR/run/supervisor.lock
	[ -f "$lock" ] && ! flock -s -n "$lock" true && cut -d' ' -f1 "$lock"
}

# child ROLE: pid of the supervisor's child bh-ROLE
child() {
	local parent entry
	parent=$(supervisor) || return
	for entry in /proc/[0-9]*/stat; do
		awk -v parent="$parent" -v name="(bh-$1)" '$2 == name && $4 == parent { print $1 }' "$entry" 2>/dev/null
	done
}

# What the store holds but for jobs and their wake-ups, which come and go by themselves.
facts() {
	bh dump | grep -v '^{"k64":"U[WX]\|^{"k":"\(Q\|Jy\)\|^{"count"'
}

# -- CRMs --

# Fresh ones with our fields in them; settings in sf_settings and hs_settings.
sf_settings={} hs_settings={}
simulators() {
	local one
	start salesforce node "$BH_SRCDIR/tests/crm/salesforce.mjs" --port 0 --port-file "$work/sf.port" \
		--schema "$BH_SRCDIR/presets/schema/salesforce.json" --settings "$sf_settings"
	start hubspot node "$BH_SRCDIR/tests/crm/hubspot.mjs" --port 0 --port-file "$work/hs.port" --settings "$hs_settings" \
		--witness
	for one in sf hs; do
		wait_for 10 test -f "$work/$one.port" || not_ok "simulator $one starts" "$(cat "$work"/salesforce.log "$work"/hubspot.log)"
	done
	SF_URL=http://127.0.0.1:$(cat "$work/sf.port")
	HS_URL=http://127.0.0.1:$(cat "$work/hs.port")
	export SF_URL HS_URL
	crm post hs schema "$(cat "$BH_SRCDIR/presets/schema/hubspot.json")" >/dev/null
}

crm() {
	node "$flow/crm.mjs" "$@"
}

# seen NAME EXPRESSION [WANT]: within 10 seconds; see crm.mjs
seen() {
	local name=$1 got
	shift
	if got=$(crm see --wait 10 "$@" 2>&1); then
		ok "$name"
	else
		not_ok "$name" "$1" "got:  $got" "want: ${2:-something}"
	fi
}

# all_seen {NAME EXPRESSION WANT}...: the same for several at once
all_seen() {
	adopt crm cases --wait 10 "$@"
}

# The whole set-up: both sources into both CRMs, everything into the sandbox.
document() {
	cat <<-END
	{ "billhook": 1,
	  "connections": [
	    { "code": "stripe", "driver": "stripe", "name": "Stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
	    { "code": "lago", "driver": "lago", "name": "Lago", "settings": {}, "secrets": {"webhook": "env:FLOW_LAGO_SECRET"} },
	    { "code": "salesforce", "driver": "salesforce", "name": "Salesforce",
	      "settings": {"flow": "client_credentials", "login_url": "$SF_URL", "client_id": "sim-client"}, "secrets": {"client_secret": "env:FLOW_SF_SECRET"} },
	    { "code": "hubspot", "driver": "hubspot", "name": "HubSpot",
	      "settings": {"flow": "token", "base_url": "$HS_URL"}, "secrets": {"access_token": "env:FLOW_HS_TOKEN"} },
	    { "code": "sandbox", "driver": "sandbox", "name": "Sandbox" } ],
	  "syncs": [
	    { "code": "stripe-sf", "from": "stripe", "to": "salesforce", "preset": "stripe-salesforce" },
	    { "code": "lago-sf", "from": "lago", "to": "salesforce", "preset": "lago-salesforce", "settings": {"create_accounts": "yes"} },
	    { "code": "stripe-hs", "from": "stripe", "to": "hubspot", "preset": "stripe-hubspot", "settings": $hs_objects },
	    { "code": "lago-hs", "from": "lago", "to": "hubspot", "preset": "lago-hubspot", "settings": $hs_lago },
	    { "code": "stripe-box", "from": "stripe", "to": "sandbox", "preset": "stripe-salesforce" } ] }
	END
}
# By full name, as the portal makes it.
hs_objects='{"customer_object": "companies", "subscription_object": "p4711000_BillhookSubscriptions", "invoice_object": "p4711000_BillhookInvoices"}'
hs_lago='{"customer_object": "companies", "subscription_object": "p4711000_LagoSubscriptions", "invoice_object": "p4711000_LagoInvoices"}'

# set_up NAME: data directory and the whole set-up
set_up() {
	new_dir "$1"
	document >"$work/set-up.json"
	bh apply --quiet "$work/set-up.json" || not_ok "$1: apply"
}
