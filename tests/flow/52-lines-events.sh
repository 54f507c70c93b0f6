#!/usr/bin/env bash
# A record for each line of an invoice, and one for each event: lines come,
# change and go, events are told once, whatever is sent twice, late, or while workers are killed.
# shellcheck disable=SC2016,SC2317 # JavaScript; called by wait_for
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
leave_root

export FLOW_HOOK=lc_whsec_test_7f3c1a9e5b2d48c6a0e1f4b8
billing_simulator lostchurn '{"read_limit": 0}'
simulators
text() {
	echo "{\"name\": \"$1\", \"label\": \"$1\", \"type\": \"Text\", \"length\": 255}"
}
key='{"name": "Key__c", "label": "Key", "type": "Text", "length": 255, "externalId": true, "unique": true, "caseSensitive": true}'
amount='{"name": "Amount__c", "label": "Amount", "type": "Currency", "precision": 18, "scale": 2}'
crm post sf schema "{\"objects\": [
	{\"name\": \"Line__c\", \"label\": \"Line\", \"plural\": \"Lines\", \"nameField\": {\"type\": \"Text\", \"label\": \"Line\"}, \"fields\": [$key, $amount, $(text Status__c),
	  {\"name\": \"Gone__c\", \"label\": \"Gone\", \"type\": \"Checkbox\"},
	  {\"name\": \"Invoice__c\", \"label\": \"Invoice\", \"type\": \"Lookup\", \"referenceTo\": \"Billhook_Invoice__c\"}]},
	{\"name\": \"Told__c\", \"label\": \"Told\", \"plural\": \"Told\", \"nameField\": {\"type\": \"Text\", \"label\": \"Told\"}, \"fields\": [$key, $amount, $(text What__c), $(text Recovery__c), $(text Email__c), $(text Summary__c)]}]}" >/dev/null

behind_lighttpd data
serve_web
# shellcheck disable=SC2120 # as lib.sh's
hook() {
	echo "$url/hook/$1"
}
accounts='{"name": "account", "from": "customer", "to": "Account", "key": "Billhook_Id__c", "fields": [{"to": "Name", "from": "name", "default": "{email|lower}"}]}'
bh apply --quiet - <<-END || not_ok "apply"
{ "billhook": 1,
  "connections": [
    { "code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
    { "code": "lostchurn", "driver": "lostchurn", "settings": {}, "secrets": {"webhook": "env:FLOW_HOOK"} },
    { "code": "salesforce", "driver": "salesforce",
      "settings": {"flow": "client_credentials", "login_url": "$SF_URL", "client_id": "sim-client"}, "secrets": {"client_secret": "env:FLOW_SF_SECRET"} } ],
  "syncs": [
    { "code": "lines", "from": "stripe", "to": "salesforce", "mapping": { "name": "lines", "objects": [ $accounts,
      { "name": "invoice", "from": "invoice", "to": "Billhook_Invoice__c", "key": "Billhook_Id__c",
        "parents": [{"object": "account", "id": "customer", "to": "Account__c"}], "fields": [{"to": "Name", "from": "number"}] },
      { "name": "line", "from": "invoice_line", "to": "Line__c", "key": "Key__c",
        "parents": [{"object": "invoice", "id": "invoice", "to": "Invoice__c"}],
        "fields": [{"to": "Amount__c", "from": "amount"}, {"to": "Name", "from": "description"}, {"to": "Status__c", "from": "invoice_status"},
          {"to": "Gone__c", "from": "deleted"}] } ] } },
    { "code": "told", "from": "lostchurn", "to": "salesforce", "mapping": { "name": "told", "objects": [
      { "name": "told", "from": "event", "to": "Told__c", "key": "Key__c", "if": {"field": "kind", "is": "recovery"},
        "fields": [{"to": "Name", "from": "type"}, {"to": "What__c", "from": "recovery_event"}, {"to": "Recovery__c", "from": "recovery"}, {"to": "Email__c", "from": "customer_email"},
          {"to": "Amount__c", "from": "amount"}, {"to": "Summary__c", "from": "summary"}] } ] } } ] }
END

line() {
	echo "{\"id\":\"$1\",\"object\":\"line_item\",\"amount\":$2,\"description\":\"$3\",\"quantity\":1,\"currency\":\"usd\",\"period\":{\"start\":1790000000,\"end\":1792000000},\"discount_amounts\":[],\"metadata\":{}}"
}
clock=$(($(date +%s) + 1000))
# invoice STATUS LINE...: of cus_1, each a second after the one before
invoice() {
	local status=$1 IFS=,
	shift
	clock=$((clock + 1))
	send stripe "{\"invoice\":\"in_1\",\"customer\":\"cus_1\",\"status\":\"$status\",\"total\":3000,\"at\":$clock,\"lines\":{\"object\":\"list\",\"has_more\":false,\"data\":[$*]}}" >/dev/null
}
shown='sf("Line__c").map((l) => [l.Key__c.split("/")[1], l.Amount__c, l.Gone__c, l.Status__c].join(" ")).sort()'

# -- lines --
send stripe '{"customer":"cus_1","name":"Acme","created":1790000000}' >/dev/null
invoice draft "$(line il_1 1000 Seats)" "$(line il_2 2000 Support)"
all_seen "each line has a record" "$shown" '["il_1 10 false draft","il_2 20 false draft"]' \
	"below its invoice" 'sf("Line__c").every((l) => l.Invoice__c === sf("Billhook_Invoice__c", "stripe:in_1").Id)' true
invoice draft "$(line il_1 1500 Seats)" "$(line il_3 500 Setup)"
seen "one changes, one goes, one comes" "$shown" '["il_1 15 false draft","il_2 0 true draft","il_3 5 false draft"]'
seen "all is settled" 'status.backlog === 0 && status.lanes.every((l) => l.dirty === 0)' true
crm delete sf calls >/dev/null
invoice paid "$(line il_1 1500 Seats)" "$(line il_3 500 Setup)"
seen "the invoice's status shows in its lines" "$shown" '["il_1 15 false paid","il_2 0 true draft","il_3 5 false paid"]'
status "resync" 0 bh resync lines
seen "all is settled again" 'status.backlog === 0 && status.lanes.every((l) => l.dirty === 0)' true
is "it finds nothing to do" "$(crm see 'sfCalls.reduce((n, c) => n + (c.records ?? 0), 0)')" 2

# -- events --
change() {
	sim POST change "$1" >"$work/changed"
}
deliver() {
	sim POST deliver "{\"url\": \"$url/hook/lostchurn\", \"quiet\": true$1}"
}
change '{"do": "recovery.start", "customer": {"email": "first@example.com", "name": "First GmbH"}, "payment": {"amount": 4900, "currency": "eur"}}'
first=$(node -p 'JSON.parse(require("fs").readFileSync(process.argv[1])).result.id' "$work/changed")
change "{\"changes\": [{\"do\": \"recovery.retry\", \"id\": \"$first\"}, {\"do\": \"recovery.escalate\", \"id\": \"$first\"}, {\"do\": \"recovery.fail\", \"id\": \"$first\"}]}"
like "what LostChurn sends is accepted" "$(deliver ', "shuffle": 3, "duplicate": 1')" '"lost":0'
told="sf('Told__c').filter((t) => t.Email__c === 'first@example.com').map((t) => t.What__c).sort()"
all_seen "each event is told, once, in whatever order they come" "$told" '["escalated","exhausted","retried","started"]' \
	"with what it says" "new Set(sf('Told__c').map((t) => t.Amount__c)).size + ' ' + sf('Told__c')[0].Amount__c" "1 49" \
	"in a line, too" "/^recovery \\S+ of \\S+: lost, 49.00 EUR\$/.test(sf('Told__c').find((t) => t.What__c === 'exhausted').Summary__c)" true \
	"and of which recovery" "new Set(sf('Told__c').map((t) => t.Recovery__c)).size" 1

# -- under trouble --
for i in 1 2 3 4 5 6 7 8; do
	change "{\"do\": \"recovery.start\", \"customer\": {\"email\": \"c$i@example.com\", \"name\": \"C $i\"}, \"payment\": {\"amount\": 1000, \"currency\": \"eur\"}}"
	id=$(node -p 'JSON.parse(require("fs").readFileSync(process.argv[1])).result.id' "$work/changed")
	change "{\"changes\": [{\"do\": \"recovery.retry\", \"id\": \"$id\"}, {\"do\": \"recovery.succeed\", \"id\": \"$id\"}]}"
done
(deliver ', "shuffle": 5, "duplicate": 0.5, "concurrency": 4' >"$work/delivered") &
delivering=$!
for i in 1 2 3 4 5 6; do
	invoice draft "$(line il_1 $((1000 + i)) Seats)" "$(line "il_x$i" 100 Setup)"
	for one in $(workers); do
		kill -9 "$one" 2>/dev/null
	done
	sleep 0.2
done
wait "$delivering"
like "workers die, what is sent is accepted" "$(cat "$work/delivered")" '"lost":0'
seen_slow "all is settled" 30 'status.backlog === 0 && status.lanes.every((l) => l.dirty === 0)' true
all_seen "one record for each event" "sf('Told__c').length + ' ' + new Set(sf('Told__c').map((t) => t.Key__c)).size" "28 28" \
	"each with its own end" "sf('Told__c').filter((t) => t.What__c === 'succeeded').length" 8 \
	"the last line is there" "sf('Line__c').filter((l) => l.Key__c === 'stripe:in_1/il_x6').length" 1 \
	"and what the lines amount to is what the invoice has" "sf('Line__c').reduce((sum, l) => sum + l.Amount__c, 0)" 11.06
crm delete sf calls >/dev/null
status "a resync" 0 bh resync told
status "a replay of everything" 0 bh replay --connection lostchurn --all
like "has events to handle" "$out" '[1-9]'
seen "all is settled in the end" 'status.backlog === 0 && status.lanes.every((l) => l.dirty === 0)' true
is "nothing is told again" "$(crm see 'sfCalls.length')" 0
is "nothing to complain in the log" "$(log | grep '^[^ ]* error ')" ""
finish
