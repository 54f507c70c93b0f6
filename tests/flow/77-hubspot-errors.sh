#!/usr/bin/env bash
# What HubSpot refuses: two hundred good records always arrive; seventeen bad ones
# among them, each bad in its own way, say what is wrong and what cures it.
# shellcheck disable=SC2016,SC2119,SC2317 # JavaScript; arguments that may be left out; called by wait_for
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
leave_root
# shellcheck source=org.sh
. "$flow/org.sh"

text() { # NAME [MORE]: a property
	echo "{\"name\": \"$1\", \"label\": \"$1\", \"type\": \"string\", \"fieldType\": \"text\", \"groupName\": \"companyinformation\"${2:+, $2}}"
}
cat >"$work/portal.json" <<END
{"properties": {"companies": [ $(text billhook_id '"hasUniqueValue": true'), $(text billhook_number '"hasUniqueValue": true'), $(text billhook_email), $(text billhook_round) ]}}
END
start hubspot node "$BH_SRCDIR/tests/crm/hubspot.mjs" --port 0 --port-file "$work/hs.port" --schema "$work/portal.json" \
	--settings '{"required_properties": {"companies": ["phone"]}}' --witness
wait_for 10 test -f "$work/hs.port" || not_ok "the portal starts" "$(cat "$work/hubspot.log")"
export HS_URL
HS_URL=http://127.0.0.1:$(cat "$work/hs.port")
behind_lighttpd data
serve_web

# set_up ROUND [paused]: companies are written with this round
set_up_round() {
	bh apply --quiet - <<-END || not_ok "apply"
	{ "billhook": 1,
	  "connections": [
	    { "code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
	    { "code": "hubspot", "driver": "hubspot", "paused": ${2:-false}, "settings": {"flow": "token", "base_url": "$HS_URL"}, "secrets": {"access_token": "env:FLOW_HS_TOKEN"} } ],
	  "syncs": [ { "code": "crm", "from": "stripe", "to": "hubspot", "mapping": { "name": "crm", "objects": [
	    { "name": "company", "from": "customer", "to": "companies", "key": "billhook_id", "fields": [
	      {"to": "name", "from": "name"}, {"to": "phone", "from": "phone"}, {"to": "billhook_email", "from": "email"},
	      {"to": "billhook_number", "from": "metadata.number"}, {"to": "billhook_round", "value": "$1"} ] } ] } } ] }
	END
}
good() {
	echo "hs('companies').filter((c) => /cus_good/.test(c.billhook_id) && c.billhook_round === '$1').length"
}
# fault ID TIMES ERROR: what becomes of this customer's record
fault() {
	echo "{\"match\": {\"key\": \"stripe:cus_$1\"}, \"times\": $2, \"do\": {\"record_error\": $3}}"
}
# value CODE PROPERTY SENTENCE: a value is refused
value() {
	local found
	found="[{\\\"isValid\\\":false,\\\"message\\\":\\\"$3\\\",\\\"error\\\":\\\"$1\\\",\\\"name\\\":\\\"$2\\\",\\\"localizedErrorMessage\\\":\\\"$3\\\",\\\"portalId\\\":4711000}]"
	echo "{\"category\": \"VALIDATION_ERROR\", \"message\": \"Property values were not valid: $found\"}"
}
plain() { # CATEGORY SENTENCE
	echo "{\"category\": \"$1\", \"message\": \"$2\"}"
}

# -- two hundred good ones, seventeen bad ones --
crm post hs records '{"companies": [{"properties": {"name": "Holder", "phone": "+1", "billhook_id": "stripe:cus_else", "billhook_number": "n1"}}]}' >/dev/null
set_up_round one true
many 200 '{"customer":"cus_good%n","name":"Good %n","phone":"+49 %n","email":"good%n@example.com"}'
bad="option date integer long readonly conditional alpha gone nobody scope odd unknown email busy soon"
for id in $bad; do
	bill customer "cus_$id" "\"name\":\"Bad $id\",\"phone\":\"+1\",\"email\":\"$id@example.com\""
done
bill customer cus_required '"name":"Bad required","phone":null'
bill customer cus_number '"name":"Bad number","phone":"+1","metadata":{"number":"n1"}'
crm post hs faults "{\"faults\": [
	$(fault option -1 "$(value INVALID_OPTION billhook_round 'one was not one of the allowed options: [two]')"),
	$(fault date -1 "$(value INVALID_DATE billhook_round 'one is at 5:23:45 UTC, not midnight!')"),
	$(fault integer -1 "$(value INVALID_INTEGER billhook_round 'one was not a valid integer')"),
	$(fault long -1 "$(value INVALID_LONG billhook_round 'one was not a valid long')"),
	$(fault readonly -1 "$(value READ_ONLY_VALUE billhook_round 'billhook_round is a read only property')"),
	$(fault conditional -1 "$(value MISSING_CONDITIONAL_REQUIRED_PROPERTY vat 'vat is required where phone is known')"),
	$(fault alpha -1 "$(value INVALID_ALPHANUMERIC name 'name holds more than letters and digits')"),
	$(fault gone -1 "$(value PROPERTY_DOESNT_EXIST billhook_round 'Property billhook_round does not exist')"),
	$(fault nobody -1 '{"category": "VALIDATION_ERROR", "subCategory": "CONFLICTING_UNIQUE_VALUE", "message": "The value is taken"}'),
	$(fault scope -1 "$(plain MISSING_SCOPES 'This app lacks a scope')"),
	$(fault odd -1 "$(plain ODD 'Nobody has ever seen this')"),
	$(fault unknown -1 "$(plain VALIDATION_ERROR 'Error creating companies. Some required properties were not set.')"),
	$(fault email 1 "$(value INVALID_EMAIL billhook_email 'Email address email@example.com is invalid')"),
	$(fault busy 1 "$(plain INTERNAL_ERROR 'There was a problem with the request.')"),
	$(fault soon 1 "$(plain RATE_LIMITS 'Too many writes of this record')") ]}" >/dev/null || not_ok "faults"
seen_slow "two hundred good ones and the bad ones wait" 20 'status.backlog === 0 && lane("hubspot").dirty === 217' true
crm delete hs calls >/dev/null
set_up_round one
seen_slow "the good ones arrive" 20 "$(good one)" 200
settled "and the lane comes to rest" 30
is "by as few calls as hold them, and those tried again" "$(crm see 'hsCalls.filter((c) => /batch/.test(c.path)).length <= 9')" true

# told ID CAUSE REMEDY: a regular expression each; held
told() {
	like "$1: the cause is told" "$(crm see "['state','code','cause'].map((m) => link('company','cus_$1')[m]).join(' ')")" "^held [A-Z_]+ .*$2"
	like "$1: and the cure" "$(crm see "link('company','cus_$1').remedy")" "$3"
}
told option "not one of the property's options \\(billhook_round\\).*allowed options: \\[two\\]" 'Add the option in HubSpot'
told date 'take the value for a date \(billhook_round\).*not midnight' 'Map a date to a date property'
told integer 'take the value for a number \(billhook_round\)' 'Map a number'
told long 'take the value for a number \(billhook_round\)' 'make it a text property'
told readonly 'anybody write this property \(billhook_round\)' 'out of the mapping'
told conditional 'requires a property when another has this value \(vat\)' 'lift the rule in HubSpot'
told alpha 'does not accept a value \(name\)' 'change the rule or type'
told gone 'no such property \(billhook_round\)' 'Create the property in HubSpot'
told nobody 'another record has this unique value' 'merge them in HubSpot'
told scope 'not granted the scopes' 'Grant these scopes'
told odd 'refuses this record: Nobody has ever seen this' "Read HubSpot's message"
told unknown 'requires a property that has no value' 'Map a value to the property'
told required 'requires a property that has no value \(phone\)' 'Map a value to the property'
told number "another record has this unique value" 'Match the two in Billhook'
all_seen "without its e-mail address a record is written all the same" "[hs('companies','stripe:cus_email')].map((c) => [c.name, c.billhook_email ?? 'none'].join(' '))[0]" "Bad email none" \
	"which is told" "link('company','cus_email').cause" "Written without billhook_email: HubSpot does not accept the e-mail address" \
	"what HubSpot could not write is tried again" "hs('companies','stripe:cus_busy').name" "Bad busy" \
	"so is what came too fast" "hs('companies','stripe:cus_soon').name" "Bad soon"
is "status counts what needs a person" "$(crm see 'lane("hubspot").held')" 14
is "nobody else's record was touched" "$(crm see "hs('companies','stripe:cus_else').name")" Holder

# -- a person mends it --
crm delete hs faults >/dev/null
bill customer cus_required '"name":"Bad required","phone":"+1"'
bill customer cus_number '"name":"Bad number","phone":"+1","metadata":{"number":"n2"}'
all_seen "what billing corrects goes through by itself" "['required','number'].map((id) => link('company','cus_' + id).state)" '["clean","clean"]'
is "the others are retried" "$(bh retry hubspot)" "12 records will be tried again"
all_seen "all go through" "[hs('companies').length, lane('hubspot').held]" '[218,0]'
set_up_round two
seen_slow "and stay in step" 20 "$(good two)" 200
settled "with nothing left" 30
status "no person is needed" 0 bh status
unlike "no secret in the log" "$(log)" "$FLOW_HS_TOKEN"
finish
