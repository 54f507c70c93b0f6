#!/usr/bin/env bash
# What watches Billhook: /healthz and /metrics behind lighttpd, the figures
# read strictly, with events, a killed process and a CRM that refuses.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
BILL=stripe
# shellcheck source-path=SCRIPTDIR source=billing.sh
. "$flow/billing.sh"
leave_root

# figures: as Prometheus would read them, into $work/figures
figures() {
	node -e 'fetch(process.argv[1] + "/metrics", { headers: { authorization: "Bearer " + process.argv[2] } }).then(async (answer) => {
		process.stderr.write(answer.status + " " + answer.headers.get("content-type")); process.stdout.write(await answer.text()); })' "$url" "$token" >"$work/figures" 2>"$work/answer"
}
value() {
	node "$flow/prometheus.mjs" value "$work/figures" "$1"
}
# shellcheck disable=SC2317 # called by wait_for
is_handled() {
	figures
	[ "$(value 'billhook_events_handled_total{source="stripe",outcome="applied"}')" = 2 ]
}
health() {
	node "$flow/web.mjs" get "$url/healthz$1" | sed -n '1p;$p' | tr '\n' ' '
}
# get HEADER VALUE: status of /metrics
get() {
	node -e 'fetch(process.argv[1] + "/metrics", { headers: { [process.argv[2]]: process.argv[3] } }).then((answer) => console.log(answer.status))' "$url" "$1" "$2"
}

simulators
behind_lighttpd data
document >"$work/set-up.json"
bh apply --quiet "$work/set-up.json" || not_ok "apply"
serve_web

# -- health --
is "health" "$(health '')" '200 {"backlog":{"age_s":0,"events":0},"lanes":{"all":3,"paused":0,"stopped":0},"reason":"","status":"ok"} '
like "and strictly asked" "$(health '?strict')" '^200 '

# -- the token --
is "without a token there are no figures" "$(get X-Billhook-Token x)" 404
token=$(bh metrics token --quiet)
like "a token is made" "$token" '^[a-z2-7]{48}$'
is "another one is refused" "$(get Authorization "Bearer ${token%?}")" 401
is "the right one is let in" "$(get Authorization "Bearer $token")" 200
is "in a header of our own, too" "$(get X-Billhook-Token "$token")" 200
unlike "it is in no file" "$(grep -rlF "$token" "$BILLHOOK_DIR" "$root"; bh dump | grep -F "$token")" '.'

# -- figures --
figures
is "they come as text of version 0.0.4" "$(cat "$work/answer")" '200 text/plain; version=0.0.4; charset=utf-8'
like "and are well formed" "$(node "$flow/prometheus.mjs" check "$work/figures")" '^[0-9]+ samples of [0-9]+ names$'
bh metrics >"$work/printed"
like "as the verb prints them" "$(node "$flow/prometheus.mjs" check "$work/printed")" '^[0-9]+ samples'
is "of the same names" "$(grep '^# TYPE' "$work/printed")" "$(grep '^# TYPE' "$work/figures")"
node "$flow/send.mjs" "$url/hook/stripe" stripe '{"customer":"cus_1","name":"Ada Person","email":"ada@person.example","event":"evt_1"}' \
	'{"subscription":"sub_1","customer":"cus_1"}' '{"customer":"cus_1","name":"Ada Person","email":"ada@person.example","event":"evt_1"}' >/dev/null
node "$flow/web.mjs" get "$url/hook/nobody" >/dev/null
check "two events are applied" wait_for 10 is_handled
is "webhooks by answer" "$(value 'billhook_webhooks_total{result="accepted"}') $(value 'billhook_webhooks_total{result="duplicate"}')" "2 1"
is "and how long they took" "$(value billhook_webhook_duration_seconds_count)" 3
seen "all is in step" "lane('salesforce').in_step" 2
figures
is "lanes" "$(value 'billhook_lane_records{lane="salesforce",state="in_step"}') $(value 'billhook_lane_records{lane="salesforce",state="dirty"}')" "2 0"
is "that wrote just now" "$(($(date +%s) - $(value 'billhook_lane_last_push_timestamp_seconds{lane="salesforce"}' | cut -d. -f1) < 60))" 1
is "still well formed" "$(node "$flow/prometheus.mjs" check "$work/figures" | cut -d' ' -f2)" samples
unlike "no person is in them" "$(cat "$work/figures")" 'Ada|person\.example|cus_1|evt_1'
starts=$(value 'billhook_process_starts_total{process="keeper"}')
kill -9 "$(child keeper)"
# shellcheck disable=SC2317 # called by wait_for
has_restarted() {
	figures && [ "$(value 'billhook_process_starts_total{process="keeper"}')" = "$((starts + 1))" ]
}
check "a killed process is counted when it is started again" wait_for 10 has_restarted
is "and nothing is lost" "$(value 'billhook_events_handled_total{source="stripe",outcome="applied"}')" 2
is "the example of rules uses names that there are" "$(node "$flow/prometheus.mjs" rules "$work/figures" "$BH_SRCDIR/etc/prometheus-rules.yml.example")" "all known"

bh metrics no-token
is "the token is taken back" "$(get Authorization "Bearer $token")" 404
stop_web
finish
