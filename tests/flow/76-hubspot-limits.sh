#!/usr/bin/env bash
# One portal, two connections, several workers and errands: all keep one pace.  In
# the steady case HubSpot refuses nothing; where another app is quicker, or the
# day's calls are used up, everybody waits, knows why, and goes on by itself.
# shellcheck disable=SC2016,SC2119,SC2317 # JavaScript; arguments that may be left out; called by wait_for
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
leave_root
# shellcheck source=org.sh
. "$flow/org.sh"

# It is about noon in the portal.
hour=$(date -u +%-H)
zone=Etc/GMT$(printf '%+d' $((hour - 12)))
start hubspot node "$BH_SRCDIR/tests/crm/hubspot.mjs" --port 0 --port-file "$work/hs.port" \
	--settings "{\"search_lag_ms\": 0, \"time_zone\": \"$zone\"}" --witness
wait_for 10 test -f "$work/hs.port" || not_ok "the portal starts" "$(cat "$work/hubspot.log")"
export HS_URL
HS_URL=http://127.0.0.1:$(cat "$work/hs.port")
crm post hs schema "$(cat "$BH_SRCDIR/presets/schema/hubspot.json")" >/dev/null
behind_lighttpd data
option workers 5
serve_web

portal_is() {
	crm post hs settings "$1" >/dev/null || not_ok "settings of the portal" "$1"
}
forget_calls() {
	crm delete hs calls >/dev/null
}
refused='hsEvery.filter((c) => c.status === 429).length'
searches='hsEvery.filter((c) => /search$/.test(c.path)).length'
both='["one", "two"].map((code) => lane(code))'

# Two ways into one portal: companies with what belongs to them, and contacts.
cat >"$work/set-up.json" <<END
{ "billhook": 1,
  "connections": [
    { "code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
    { "code": "one", "driver": "hubspot", "settings": {"flow": "token", "base_url": "$HS_URL"}, "secrets": {"access_token": "env:FLOW_HS_TOKEN"} },
    { "code": "two", "driver": "hubspot", "settings": {"flow": "token", "base_url": "$HS_URL"}, "secrets": {"access_token": "env:FLOW_HS_TOKEN"} } ],
  "syncs": [
    { "code": "one", "from": "stripe", "to": "one", "mapping": { "name": "one", "objects": [
      { "name": "company", "from": "customer", "to": "companies", "key": "billhook_customer_id",
        "match": [{"by": "domain", "to": "domain", "from": "{email|company_domain}"}], "fields": [{"to": "name", "from": "name"}] },
      { "name": "subscription", "from": "subscription", "to": "BillhookSubscriptions", "key": "billhook_subscription_id",
        "parents": [{"object": "company", "id": "customer", "to": "companies"}], "fields": [{"to": "billhook_subscription_name", "from": "id"}] } ] } },
    { "code": "two", "from": "stripe", "to": "two", "mapping": { "name": "two", "objects": [
      { "name": "person", "from": "customer", "to": "contacts", "key": "billhook_customer_id",
        "match": [{"by": "value", "fields": [{"to": "lastname", "from": "name"}, {"to": "email", "from": "email"}]}],
        "fields": [{"to": "lastname", "from": "name"}, {"to": "email", "from": "email"}] } ] } } ] }
END
apply() { # [paused]
	sed 's/"driver": "hubspot"/&, "paused": '"${1:-false}"'/' "$work/set-up.json" | bh apply --quiet - || not_ok "apply"
}

# -- whose portal it is --
apply
bill customer cus_a '"name":"Alpha","email":"a@alpha.example"'
bill subscription sub_a '"customer":"cus_a"'
seen "a custom object goes in under its bare name, with the first push" "hs('BillhookSubscriptions', 'stripe:sub_a').links?.companies[0].id === hs('companies', 'stripe:cus_a').id" true
settled
is "each connection has asked once whose portal it is" "$(crm see 'hsEvery.filter((c) => /account-info.*details/.test(c.path)).length')" 2
forget_calls
restart
bill subscription sub_a '"customer":"cus_a","status":"past_due"'
settled
status "check" 0 bh check
is "it is kept, also over a restart" "$(crm see "hsEvery.filter((c) => /account-info.*details/.test(c.path)).length")" "2"
like "check tells it" "$out" 'one \(HubSpot\): Portal 4711000'

# -- many searches, of both at the same time --
apply true
many 60 '{"customer":"cus_s%n","name":"Searched %n","email":"x@search%n.example"}'
seen_slow "sixty customers wait in both lanes" 20 "status.backlog === 0 && $both.every((l) => l.dirty >= 60)" true
forget_calls
apply
for code in one two; do
	bh crm $code count >"$work/count.$code" 2>&1 &
done
seen_slow "all are looked for and written" 60 "[hs('companies').length, hs('contacts').length]" '[61,61]'
settled "and nothing is left" 30
wait_for 60 grep -q Subscriptions "$work/count.one" || not_ok "the count ends" "$(cat "$work/count.one")"
wait_for 60 grep -q Subscriptions "$work/count.two" || not_ok "the count ends" "$(cat "$work/count.two")"
is "by many searches" "$(crm see "$searches >= 40")" true
is "of which HubSpot refuses none" "$(crm see "$refused")" 0

# -- a narrow window: pushes, tests and plans side by side --
portal_is '{"ten_second_limit": 40, "window_ms": 4000}'
bh crm one test >"$work/test" 2>&1
forget_calls
for i in 1 2 3 4 5 6; do
	bh crm one test >"$work/test.$i" 2>&1 &
	bh crm two plan >"$work/plan.$i" 2>&1 &
	bill customer "cus_s$i" "\"name\":\"Searched again $i\",\"email\":\"x@search$i.example\""
done
settled "more calls than the window holds are made" 60
for i in 1 2 3 4 5 6; do
	wait_for 30 grep -q . "$work/test.$i" || not_ok "test $i ends" "$(cat "$work/test.$i")"
	wait_for 30 grep -q . "$work/plan.$i" || not_ok "plan $i ends" "$(cat "$work/plan.$i")"
done
is "and HubSpot refuses none" "$(crm see "$refused")" 0
portal_is '{"ten_second_limit": 190, "window_ms": 10000}'

# -- another app eats the searches, then the window --
search() { # the other app's
	curl -s -o "$work/other" -X POST "$HS_URL/crm/objects/2026-09/contacts/search" -H "Authorization: Bearer $FLOW_HS_TOKEN" \
		-H 'Content-Type: application/json' -d '{"filterGroups": [], "limit": 1}'
}
eat() {
	local end=$((SECONDS + $1))
	while [ $SECONDS -lt $end ]; do
		"$2"
	done
}
eat 4 search &
eater=$!
many 20 '{"customer":"cus_t%n","name":"Thwarted %n","email":"x@thwart%n.example"}'
seen_slow "searches that another app thwarts are made again" 40 "[hs('companies').length, hs('contacts').length]" '[81,81]'
wait "$eater"
settled
portal_is '{"ten_second_limit": 30, "window_ms": 3000, "retry_after": true}'
list() {
	curl -s -o "$work/other" "$HS_URL/crm/objects/2026-09/companies?limit=1" -H "Authorization: Bearer $FLOW_HS_TOKEN"
}
eat 5 list &
eater=$!
forget_calls
for i in 1 2 3 4 5; do
	bill customer "cus_t$i" "\"name\":\"Late $i\",\"email\":\"x@thwart$i.example\""
done
seen_slow "a window that another app fills is waited for" 40 "hs('companies').filter((c) => /^Late/.test(c.name)).length + hs('contacts').filter((c) => /^Late/.test(c.lastname)).length" 10
wait "$eater"
settled
# Whoever lists is the other app; each refusal of ours is followed by the second that HubSpot asks for.
ours=$(crm see 'hsEvery.filter((c) => c.status === 429 && !/companies\?limit=1$/.test(c.path)).length')
is "without hammering: $ours calls are refused" "$((ours <= 20))" 1
portal_is '{"ten_second_limit": 190, "window_ms": 10000, "retry_after": false}'
restart 20

# -- out of order, locked, on the move --
fault() {
	crm post hs faults "{\"faults\": [{\"match\": {\"path\": \"$1\"}, \"do\": $2}]}" >/dev/null
}
n=0
for status in 502 503 504 423; do
	fault companies/batch "{\"status\": $status}"
	n=$((n + 1))
	bill customer cus_a "\"name\":\"After $status\",\"email\":\"a@alpha.example\""
	seen "$status is sat out" "hs('companies', 'stripe:cus_a').name" "After $status"
	settled
done
forget_calls
fault companies/batch '{"status": 477, "headers": {"Retry-After": "600"}}'
bill customer cus_a '"name":"Moved","email":"a@alpha.example"'
seen "a portal that moves is left alone" "lane('one').pause_until_ms > Date.now() + ${BILLHOOK_CLOCK_OFFSET_S:-0}000 + 500000" true
seen "by all who call it" "lane('two').pause_until_ms > Date.now() + ${BILLHOOK_CLOCK_OFFSET_S:-0}000 + 500000 || hs('contacts', 'stripe:cus_a').lastname === 'Moved'" true
bill customer cus_b '"name":"Beta","email":"b@beta.example"'
seen "what comes is kept" "status.backlog === 0 && $both.every((l) => l.dirty > 0 && l.pause_until_ms > 0)" true
forget_calls
status "an errand says why it does not call" 1 bh crm two test
like "in HubSpot's words" "$out$err" 'moving this portal to another data centre'
is "nobody calls" "$(crm see hsEvery.length)" 0
restart 601
seen_slow "then all of it arrives" 20 "[hs('companies', 'stripe:cus_a').name, hs('companies', 'stripe:cus_b').name, hs('contacts', 'stripe:cus_b').lastname]" '["Moved","Beta","Beta"]'
settled

# -- the day's calls --
portal_is '{"daily_used": 850000, "daily_limit": 1000000}'
bill customer cus_a '"name":"Alpha of the evening","email":"a@alpha.example"'
seen "what a lane is told of the day" "$both.some((l) => /of 1000000 API calls/.test(l.reason ?? ''))" true
bill customer cus_b '"name":"Beta of the evening","email":"b@beta.example"'
seen "both know" "$both.every((l) => /85[0-9]* of 1000000 API calls of the day are used: only urgent changes are sent/.test(l.reason ?? ''))" true
portal_is '{"daily_used": 1000000}'
forget_calls
restart 700
bill customer cus_c '"name":"Gamma","email":"c@gamma.example"'
offset=${BILLHOOK_CLOCK_OFFSET_S}000
seen_slow "when none is left both sleep" 20 "$both.every((l) => l.pause_until_ms > Date.now() + $offset)" true
is "until midnight of the portal" "$(crm see "$both.every((l) => [l.pause_until_ms + (12 - $hour) * 3600000].every((at) => (at % 86400000) < 120000))")" true
is "for a call or two" "$(crm see 'hsEvery.length <= 2')" true
portal_is '{"daily_used": 0}'
restart $((13 * 3600))
seen_slow "the next day all of it arrives" 20 "[hs('companies', 'stripe:cus_a').name, hs('contacts', 'stripe:cus_b').lastname, hs('companies', 'stripe:cus_c').name]" '["Alpha of the evening","Beta of the evening","Gamma"]'
settled
status "no person is needed" 0 bh status
unlike "no secret in the log" "$(log)" "$FLOW_HS_TOKEN"
finish
