#!/usr/bin/env bash
# An org's API calls are counted: how many are used and will be, what goes on
# above the throttle and the reserve, what happens when none is left, and that
# waiting costs no calls.  Old records of the event log are removed.
# shellcheck disable=SC2016,SC2317 # JavaScript; called by wait_for
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
leave_root
# shellcheck source=mass.sh
. "$flow/mass.sh"

mass_org '{"daily_limit": 1000}'
crm post sf schema '{"objects": [{"name": "Told__c", "label": "Told", "plural": "Told", "nameField": {"type": "Text", "label": "Told"}, "fields": [
	{"name": "Key__c", "label": "Key", "type": "Text", "length": 255, "externalId": true, "unique": true, "caseSensitive": true},
	{"name": "At__c", "label": "At", "type": "DateTime"}]}]}' >/dev/null
behind_lighttpd data
serve_web
mass_source
objects='{"name": "account", "from": "customer", "to": "Account", "key": "Billhook_Id__c", "urgent": true,
	"match": [{"by": "value", "fields": [{"to": "Billhook_Email__c", "from": "email"}]}],
	"fields": [{"to": "Name", "from": "name"}, {"to": "Billhook_Email__c", "from": "email"}]},
	{"name": "invoice", "from": "invoice", "to": "Billhook_Invoice__c", "key": "Billhook_Id__c",
	"parents": [{"object": "account", "id": "customer", "to": "Account__c"}],
	"fields": [{"to": "Name", "from": "number"}, {"to": "Total__c", "from": "total"}]}'
# What is written over is not kept: this is about the calls of the rest.
mass_sync '"throttle": 80, "reserve": 95' "$objects" '{"undo_days": 0}'

customer() {
	many 1 "{\"customer\":\"$1\",\"name\":\"$2\",\"email\":\"$1@example.com\",\"created\":1790000000}"
}
invoice() {
	many 1 "{\"invoice\":\"$1\",\"customer\":\"cus_1\",\"total\":$2,\"created\":1790000000}"
}
used() {
	org_is "{\"daily_used\": $1}"
}
lane='lane("salesforce")'
name="sf('Account', 'stripe:cus_1').Name"
total="sf('Billhook_Invoice__c', 'stripe:in_1').Total__c"
all_calls='everyCall.map((c) => c.path.replace(/^.*v[0-9.]+\//, "").replace(/\?.*/, "")).join()'

# -- how many are used --
customer cus_1 "Acme"
invoice in_1 1000
mass_settled "what comes arrives"
is "status knows how many calls were made of how many" "$(crm see "[$lane.day_used, $lane.day_limit]")" "[$(crm get sf settings | node -p 'JSON.parse(require("fs").readFileSync(0)).daily_used'),1000]"
is "a forecast needs a while" "$(crm see "$lane.forecast === $lane.day_used")" true
used 100
later 3600
customer cus_1 "Acme Two"
seen "others use the org as well" "$lane.day_used" 101
is "in an hour 100 more: that makes so many in a day" "$(crm see "$lane.forecast > 2000 && $lane.forecast < 2500")" true

# -- above the throttle --
used 850
customer cus_1 "Acme Three"
seen "85 of 100 are used" "$lane.day_used" 851
forget_calls
invoice in_1 2000
invoice in_1 3000
customer cus_1 "Acme Four"
seen "what is urgent goes on" "$name" "Acme Four"
seen "the rest keeps its mark" "[$lane.dirty, $total]" "[1,10]"
is "status says so" "$(crm see "$lane.reason")" "852 of 1000 API calls of the day are used: only urgent changes are sent"
is "which is nothing that needs a person" "$(bh status >/dev/null; echo $?)" 0
invoice in_1 4000
seen "all is handled" "status.backlog" 0
is "what waits costs no calls" "$(crm see "$all_calls")" "composite/sobjects"
used 300
later 601
seen_slow "ten minutes later it is looked, and with fewer used all goes on" 20 "[$total, $lane.dirty]" "[40,0]"
is "nothing is said any more" "$(crm see "$lane.reason")" ""
is "one call to look, one to write" "$(crm see "$all_calls.replace(/^[^,]*,/, '')")" "limits,composite/sobjects/Billhook_Invoice__c/Billhook_Id__c"

# -- above the reserve --
used 960
customer cus_1 "Acme Five"
seen "96 of 100 are used" "$lane.day_used" 961
forget_calls
customer cus_1 "Acme Six"
customer cus_2 "Beta"
invoice in_1 5000
seen "nothing is sent, not what is urgent either" "[status.backlog, $lane.dirty]" "[0,3]"
like "status says so" "$(bh status)" '961 of 1000 API calls of the day are used: nothing is sent until the limit resets'
is "nobody calls" "$(crm see everyCall.length)" 0
crm post sf expire '{}' >/dev/null
later 601
seen_slow "after ten minutes the limits are asked, though the token is dead" 20 "$lane.day_used" 962
is "nothing else" "$(crm see "[$all_calls, $lane.dirty]")" '["limits,/services/oauth2/token,limits",3]'
used 5
later 601
seen_slow "the next day all of it arrives" 20 "[$name, $total, $lane.dirty]" '["Acme Six",50,0]'

# -- none is left --
used 1000
forget_calls
customer cus_3 "Gamma"
seen "refused, the lane sleeps" "$lane.pause_until_ms > Date.now() + ${BILLHOOK_CLOCK_OFFSET_S}000" true
customer cus_4 "Delta"
customer cus_1 "Acme Seven"
invoice in_1 6000
seen "what comes is kept" "[status.backlog, $lane.dirty]" "[0,4]"
later 600
wake_web
customer cus_1 "Acme Eight"
seen "ten minutes later, too" "[status.backlog, $lane.dirty]" "[0,4]"
is "all that while for one call" "$(crm see everyCall.length)" 1
used 0
later 301
seen_slow "then all of it arrives" 20 "[$name, $total, sf('Account').length, $lane.dirty, $lane.held]" '["Acme Eight",60,4,0,0]'

# -- too many at the same time --
org_is '{"concurrent_limit": 0}'
forget_calls
customer cus_5 "Epsilon"
seen "too many long calls of others: the lane waits" "$lane.pause_until_ms > Date.now() + ${BILLHOOK_CLOCK_OFFSET_S}000" true
is "half a minute at most" "$(crm see "$lane.pause_until_ms <= Date.now() + ${BILLHOOK_CLOCK_OFFSET_S}000 + 30000")" true
customer cus_6 "Zeta"
seen "what comes is kept" "[status.backlog, $lane.dirty]" "[0,2]"
is "for one call" "$(crm see everyCall.length)" 1
org_is '{"concurrent_limit": 25}'
later 31
seen_slow "then it goes on" 20 "[sf('Account').length, $lane.dirty]" "[6,0]"

# -- the event log is kept to its age --
crm post sf records '{"Told__c": [{"Name": "Old", "Key__c": "old:1", "At__c": "2026-01-01T00:00:00.000+0000"}, {"Name": "Older", "Key__c": "old:2", "At__c": "2025-01-01T00:00:00.000+0000"},
	{"Name": "Of nobody knows when", "Key__c": "old:3"}]}' >/dev/null
mass_sync '"throttle": 80' "$objects, {\"name\": \"told\", \"from\": \"event\", \"to\": \"Told__c\", \"key\": \"Key__c\", \"fields\": [{\"to\": \"Name\", \"from\": \"type\"}, {\"to\": \"At__c\", \"from\": \"received_at\"}]}" '{"event_log_days": 30}'
customer cus_1 "Acme Told"
seen_slow "what is older than its days goes" 20 "sf('Told__c').map((t) => t.Name).sort().join()" "Of nobody knows when,customer.updated"
later 86400
customer cus_1 "Acme Told Again"
seen_slow "it is told on" 20 "sf('Told__c').filter((t) => t.Name === 'customer.updated').length" 2
later $((30 * 86400))
seen_slow "and a month later it has gone by itself" 20 "sf('Told__c').map((t) => t.Name).join()" "Of nobody knows when"
is "the accounts stay" "$(crm see "sf('Account').length")" 6
is "no error in the log" "$(log | grep '^[^ ]* error ')" ""
finish
