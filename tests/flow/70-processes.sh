#!/usr/bin/env bash
# Processes come, go, and are killed; nothing acknowledged is lost, nothing hangs.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

sandbox_only() {
	new_dir "$1"
	printf '{"billhook": 1, "connections": [
		{"code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"}},
		{"code": "sandbox", "driver": "sandbox"}],
		"syncs": [{"code": "s", "from": "stripe", "to": "sandbox", "preset": "stripe-salesforce"}]}' | bh apply --quiet - || not_ok "apply"
}
# One request as CGI: what a web server does where nothing of ours runs.
by_cgi() {
	local headers
	mapfile -t headers < <(node "$flow/send.mjs" --prepare "$work" x stripe "$1" |
		sed -nE 's/^Stripe-Signature: (.*)/HTTP_STRIPE_SIGNATURE=\1/p; s/^Content-Type: (.*)/CONTENT_TYPE=\1/p')
	env GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=POST REQUEST_URI=/hook/stripe SCRIPT_NAME= PATH_INFO=/hook/stripe \
		REMOTE_ADDR=127.0.0.1 CONTENT_LENGTH="$(wc -c <"$work/body")" "${headers[@]}" "$BILLHOOK" <"$work/body" | head -1 | tr -d '\r'
}
# many N: N new customers, four at a time, in the background; sent: waits; sets
# answers to the counts by status, and adds what was accepted to total
first=0
total=0
many() {
	node "$flow/send.mjs" --many "$1" --parallel 4 "$(hook stripe)" stripe "{\"customer\":\"cus_${first}_%n\",\"name\":\"N\"}" >"$work/sent" &
	sending=$!
	first=$((first + 1))
}
sent() {
	local accepted
	wait "$sending"
	answers=$(cat "$work/sent")
	accepted=$(grep -o '200=[0-9]*' <<<"$answers")
	total=$((total + ${accepted#200=}))
}
holds() {
	seen "$1" "status.backlog === 0 && lane('sandbox').dirty === 0 && lane('sandbox').in_step" "$2"
}
# children_of PID: the pids below it
children_of() {
	local entry
	for entry in /proc/[0-9]*/stat; do
		awk -v parent="$1" '{ sub(/^.*\) /, "") } $2 == parent { exit 0 } { exit 1 }' "$entry" 2>/dev/null && basename "$(dirname "$entry")"
	done
}

# -- by need, and by itself --
sandbox_only data
option idle_exit_s 1
is "a request starts the processes" "$(by_cgi '{"customer":"cus_a","name":"A"}')" "Status: 200 OK"
check "they run" supervisor
check "with nothing to do they end" wait_for 10 none_left
like "and say so" "$(log)" 'stopped: idle'
is "the next request starts them again" "$(by_cgi '{"customer":"cus_b","name":"B"}')" "Status: 200 OK"
holds "both events have arrived" 2
wait_for 10 none_left
sed -i '/^idle_exit_s/d' "$BILLHOOK_DIR/billhook.conf"

# -- serve, stop --
status "serve --detach" 0 bh serve --detach
check "they run" supervisor
status "a second serve" 1 bh serve
like "is refused with the pid" "$err" "runs already in $BILLHOOK_DIR \(pid $(supervisor)\)"
status "a second serve --detach" 1 bh serve --detach
status "stop" 0 bh stop
check "all have ended" wait_for 5 none_left
status "stop again" 3 bh stop
like "says that nothing runs" "$err" 'nothing runs'
serve
for _ in 1 2 3 4 5 6; do
	bh status >/dev/null
done
check "verbs beside serve leave it alone" kill -0 "$serve_pid"
kill -TERM "$serve_pid"
run wait "$serve_pid"
is "SIGTERM ends serve with status 0" "$rc" 0
check "and all its children" wait_for 5 none_left
"$BILLHOOK" serve >/dev/null 2>&1 &
serve_pid=$!
pids+=("$serve_pid")
for _ in 1 2 3; do
	bh status >/dev/null
done
check "verbs that come while serve starts do not end it" kill -0 $serve_pid
wait_for 10 test "$(supervisor)" = $serve_pid || true
is "it is the one that runs" "$(supervisor)" $serve_pid
end $serve_pid

# A signal that comes while a child is being made is not lost: nothing waits for it.
began=$SECONDS
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
	"$BILLHOOK" serve >/dev/null 2>&1 &
	serve_pid=$!
	pids+=("$serve_pid")
	wait_for 10 supervisor
	kill -TERM "$serve_pid"
	wait "$serve_pid"
done
check "stopped while it starts it stops at once" test $((SECONDS - began)) -lt 10

# -- reload under traffic --
option body_max 2048
serve
many 400
sleep 0.3
sed -i 's/^body_max.*/body_max = 65536/' "$BILLHOOK_DIR/billhook.conf"
status "reload" 0 bh reload
bh reload
kill -USR1 "$serve_pid"
sent
is "reload under traffic refuses nothing" "$answers" "200=400"
holds "and loses nothing" $((total + 2))
head -c 5000 /dev/zero | tr '\0' x >"$work/large"
# shellcheck disable=SC2317 # called by wait_for
is_let_in() {
	[[ $(send stripe "@$work/large") = '400 {"error":"the body is no Stripe event"}' ]]
}
check "new options hold as soon as all fronts are replaced" wait_for 10 is_let_in
echo "workers = none" >>"$BILLHOOK_DIR/billhook.conf"
kill -USR1 "$serve_pid"
like "options that are wrong: the old ones stay, and the log says why" "$(wait_for 5 grep -q 'the old options stay' "$BILLHOOK_DIR/log/billhook.log"; log)" 'old options stay: .*line [0-9]+: workers must be'
is "and work goes on" "$(send stripe '{"customer":"cus_c"}')" '200 {"status":"accepted"}'
sed -i '/^workers/d' "$BILLHOOK_DIR/billhook.conf"

# -- kill -9 --
total=$((total + 3))
for role in keeper dispatcher; do
	before=$(child $role)
	many 200
	sleep 0.1
	kill -9 "$before"
	sent
	is "the $role is killed under traffic: everything is accepted" "$answers" "200=200"
	holds "and arrives" $total
	after=$(child $role)
	check "another $role is there" test -n "$after" -a "$after" != "$before"
done
before=$(child dispatcher)
many 200
for pid in $(children_of "$before"); do
	kill -9 "$pid"
done
sent
is "all workers are killed under traffic: everything is accepted" "$answers" "200=200"
holds "and arrives" $total
is "their dispatcher lives" "$(child dispatcher)" "$before"
# A killed front takes with it what it has not answered: the sender sends that again.
before=$(child front)
many 200
for pid in $(children_of "$before") "$before"; do
	kill -9 "$pid"
	sleep 0.05
done
sent
like "fronts are killed under traffic: their requests break off, no other answer is given" "$answers" '^(0=[0-9]+ 200=[0-9]+|200=[0-9]+ 0=[0-9]+|200=200)$'
seen "what was accepted arrives" "lane('sandbox').in_step >= $total" true
{
	kill -9 "$serve_pid"
	wait "$serve_pid"
} 2>/dev/null
check "the supervisor is killed: all its children end" wait_for 10 none_left
is "the next request starts new ones" "$(by_cgi '{"customer":"cus_d"}')" "Status: 200 OK"
check "which run" supervisor
seen "with all that was there" "lane('sandbox').in_step > $total" true
before=$(child keeper)
kill -9 "$before"
status "a verb finds the keeper killed: it waits for the next" 0 bh status
bh stop --quiet
rm -rf "$BILLHOOK_DIR/run"
status "run/ may be deleted" 0 bh status
check "nothing is left" wait_for 5 none_left

# -- cron: drain --
sandbox_only cron
option front_processes 0
option idle_exit_s 1
is "a request where nothing runs" "$(by_cgi '{"customer":"cus_1"}')" "Status: 200 OK"
wait_for 10 none_left
status "drain with nothing to do" 0 bh drain
bh replay --all >/dev/null
status "drain works what is due" 0 bh drain --quiet
check "and leaves nothing running" none_left
holds "it is done" 1
bh serve --detach
bh replay --all >/dev/null
status "drain beside running processes waits for them" 0 bh drain --for 20
is "until nothing is due" "$(crm see status.backlog)" 0
bh stop --quiet
unlike "no error in the log but those provoked" "$(log)" ' error '
finish
