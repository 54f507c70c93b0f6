#!/usr/bin/env bash
# Tokens of Salesforce, by all flows but the one with a browser: they end while
# much is going on, are rotated, lost, revoked; the org is another, or moves.
# What a person has to do is said, no work is lost, and the others go on.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
# shellcheck source=salesforce.sh
. "$flow/salesforce.sh"
leave_root

# keys NAME: a pair, $work/NAME.key and $work/NAME.public
keys() {
	node -e '
	const { privateKey, publicKey } = require("crypto").generateKeyPairSync("rsa", { modulusLength: 2048 });
	require("fs").writeFileSync(process.argv[1] + ".key", privateKey.export({ type: "pkcs8", format: "pem" }));
	require("fs").writeFileSync(process.argv[1] + ".public", publicKey.export({ type: "spki", format: "pem" }));' "$work/$1"
}
# certificate NAME: that member of the org's settings
certificate() {
	node -p '"\"jwt_certificate\": " + JSON.stringify(require("fs").readFileSync(process.argv[1], "utf8"))' "$work/$1.public"
}
keys ours
keys other
fields=(--schema "$BH_SRCDIR/presets/schema/salesforce.json")
new_org other '{"org_id": "00Dxx0000099999EAA"}' "${fields[@]}"
other_url=$SF_URL
new_org salesforce "{\"rotate_refresh_tokens\": true, $(certificate ours)}" "${fields[@]}"

behind_lighttpd data
option workers 6
serve_web
hook() {
	echo "$url/hook/$1"
}
export FLOW_REFRESH=sim-refresh
mapping='{"name": "accounts", "objects": [{"name": "account", "from": "customer", "to": "Account", "key": "Billhook_Id__c", "fields": [{"to": "Name", "from": "name"}]}]}'
resting= # one of the connections that is paused
# salesforce CODE SETTINGS SECRETS
salesforce() {
	local paused=false
	[[ " $resting " != *" $1 "* ]] || paused=true
	echo "{\"code\": \"$1\", \"driver\": \"salesforce\", \"paused\": $paused, \"settings\": {\"flow\": \"$1\", \"client_id\": \"sim-client\", $2}, \"secrets\": {$3}}"
}
# set_up_flows: a connection for each flow, of that code; they write the same accounts
set_up_flows() {
	local login="\"login_url\": \"$SF_URL\"" secret='"client_secret": "env:FLOW_SF_SECRET"'
	bh apply --quiet - <<-END
	{ "billhook": 1,
	  "connections": [
	    { "code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"} },
	    $(salesforce refresh_token "$login" "$secret, \"refresh_token\": \"env:FLOW_REFRESH\""),
	    $(salesforce client_credentials "\"login_url\": \"${credentials_url:-$SF_URL}\"" "$secret"),
	    $(salesforce jwt "$login, \"username\": \"sync@billhook.example.com\"" "\"private_key\": \"file:$work/ours.key\"") ],
	  "syncs": [
	    { "code": "a", "from": "stripe", "to": "refresh_token", "mapping": $mapping },
	    { "code": "b", "from": "stripe", "to": "client_credentials", "mapping": $mapping },
	    { "code": "c", "from": "stripe", "to": "jwt", "mapping": $mapping } ] }
	END
}
status "apply" 0 set_up_flows
expire() {
	crm post sf expire "${1:-{\}}" >/dev/null
}
faults() {
	crm post sf faults "{\"faults\": [$1]}" >/dev/null
}
org_other() {
	SF_URL=$other_url crm "$@"
}
number=1000
# customer: the next one; sets number
customer() {
	number=$((number + 1))
	send stripe "{\"customer\":\"cus_$number\",\"name\":\"Customer $number\"}" >/dev/null
}
# arrived NAME: the last one, by all lanes
arrived() {
	all_seen "$1" "[sf('Account','stripe:cus_$number').Name, status.lanes.every((l) => l.dirty === 0 && l.held === 0)]" "[\"Customer $number\",true]"
}

# -- all of them, while tokens end again and again --
for code in refresh_token client_credentials jwt; do
	status "test by $code" 0 bh crm "$code" test
done
org_settings '{"latency_ms": 40}'
node "$flow/send.mjs" --many 240 --parallel 4 "$(hook stripe)" stripe '{"customer":"cus_%n","name":"Customer %n"}' >"$work/sent" &
sending=$!
asked=()
for i in 1 2 3 4 5 6; do
	expire
	for code in refresh_token client_credentials jwt; do
		bh crm "$code" test >"$work/test-$i-$code" 2>&1 &
		asked+=("$!")
	done
	bh crm refresh_token plan >"$work/plan-$i" 2>&1 &
	sleep 0.5
done
wait "$sending"
for one in "${asked[@]}"; do
	wait "$one" || not_ok "every question is answered" "$(tail -n 1 "$work"/test-*)"
done
wait_for 20 crm see "sf('Account').length === 240 && status.lanes.every((l) => l.dirty === 0)"
is "everything arrives" "$(crm see "[sf('Account').length, status.lanes.map((l) => l.held + l.dirty + l.broken)]")" '[240,["0","0","0"]]'
like "no token that was rotated is used again: all requests for tokens are granted" "$(crm see '[...new Set(sfTokens)]')" '^\[200\]$'
like "and each end costs one a connection, not one a process" "$(crm see 'sfTokens.length')" '^([6-9]|1[0-9]|2[01])$'
org_settings '{"latency_ms": 0}'

# -- rotation --
resting="client_credentials jwt"
set_up_flows || not_ok "apply with two that rest"
expire
faults '{"match": {"path": "oauth2/token"}, "do": {"drop": "before"}}'
customer
seen "a request for a token that is lost is made again" "sf('Account','stripe:cus_$number').Name" "Customer $number"
expire
faults '{"match": {"path": "oauth2/token"}, "do": {"drop": "after"}}'
customer
seen "an answer that is lost takes the rotated token with it: the lane stops" "lane('refresh_token').broken !== ''" true
run bh status
is "status says that it needs a person" "$rc" 4
like "and what to do" "$out" '^ +stopped: .*used up or revoked: authorise the connection again'
seen "what is to be sent is kept" "lane('refresh_token').dirty" 1
crm delete sf calls >/dev/null
customer
seen "what comes meanwhile, too" "lane('refresh_token').dirty" 2
is "Salesforce is left in peace" "$(crm see 'sfTokens.length + sfCalls.length')" 0
status "test says what is wrong, too" 1 bh crm refresh_token test
like "in the same words" "$err" 'authorise the connection again'
org_settings '{"refresh_token": "sim-refresh-2"}'
FLOW_REFRESH=sim-refresh-2
set_up_flows || not_ok "apply with another refresh token"
seen "with a new refresh token all of it arrives" "[sf('Account').length, lane('refresh_token').dirty, lane('refresh_token').broken]" '[243,0,""]'

# -- revoked --
expire '{"access": true, "refresh": true}'
customer
seen "an authorisation that is revoked stops the lane" "lane('refresh_token').broken !== ''" true
like "with what to do" "$(bh status)" '^ +stopped: .*used up or revoked: authorise the connection again'
seen "the work is kept" "lane('refresh_token').dirty" 1
set_up_flows || not_ok "apply again"
seen "the same token again does not help" "lane('refresh_token').broken !== ''" true
org_settings '{"refresh_token": "sim-refresh-3"}'
FLOW_REFRESH=sim-refresh-3
resting=
set_up_flows || not_ok "apply with a third refresh token"
arrived "a new one does, and those that rested come after"
status "no person is needed any more" 0 bh status

# -- client credentials and JWT --
org_settings '{"client_credentials_user": false, "jwt_preauthorized": false}'
expire
customer
all_seen "an app without its user stops that lane" "/run-as user: choose one/.test(lane('client_credentials').broken)" true \
	"a user who may not use the app stops the other" "/not approved for the app: pre-authorise/.test(lane('jwt').broken)" true \
	"the third goes on" "[sf('Account','stripe:cus_$number').Name, lane('refresh_token').dirty]" "[\"Customer $number\",0]" \
	"their work is kept" "[lane('client_credentials').dirty, lane('jwt').dirty]" '[1,1]'
org_settings '{"client_credentials_user": true, "jwt_preauthorized": true}'
status "once the administrator has mended it, test" 0 bh crm client_credentials test
status "of each" 0 bh crm jwt test
seen "lets them go on" "status.lanes.every((l) => l.dirty === 0 && l.broken === '')" true
org_settings "{$(certificate other)}"
expire
status "another certificate" 1 bh crm jwt test
like "is said" "$err" 'invalid assertion'
org_settings "{$(certificate ours)}"
status "the right one again" 0 bh crm jwt test

# -- the org moves --
here=$SF_URL there=${SF_URL/127.0.0.1/localhost}
org_settings "{\"instance_url\": \"$there\", \"moved_from\": \"127.0.0.1\", \"moved_status\": 301}"
customer
arrived "an org that has moved is followed"
org_settings "{\"instance_url\": \"$here\", \"moved_from\": \"localhost\", \"moved_status\": 404}"
customer
arrived "also where the old address knows nothing any more"
org_settings '{"instance_url": "", "moved_from": ""}'

# -- another org --
credentials_url=$other_url
set_up_flows || not_ok "apply with another org's address"
customer
seen "another org is refused" "/org 00Dxx0000099999EAA, but the connection was made for 00Dxx/.test(lane('client_credentials').broken)" true
like "with what to do" "$(bh status)" 'disconnect it first, or make another connection'
seen "what is to be sent is kept" "lane('client_credentials').dirty" 1
is "the other org gets nothing" "$(org_other see "sf('Account').length")" 0
credentials_url=
set_up_flows || not_ok "apply with the right address"
arrived "with the right one it goes on"

# -- what is real, and what is not --
like "production is said to be live" "$(bh crm jwt test)" ', live$'
bh user admin >/dev/null || not_ok "a user"
unlike "without a badge" "$(node "$flow/web.mjs" page "$url" /connections/jwt)" 'class="badge">sandbox<'
org_settings '{"is_sandbox": true}'
like "a sandbox is said to be one" "$(bh crm jwt test)" ', test$'
like "and has its badge" "$(node "$flow/web.mjs" page "$url" /connections/jwt)" '<h1>.*class="badge">sandbox<'
status "no person is needed" 0 bh status
everything=$(log && bh dump && bh status --json && bh crm jwt --json)
is "no token, secret or key is shown anywhere" "$(grep -oE "sim-refresh|$FLOW_SF_SECRET|PRIVATE KEY|5Aep861|!AR8AQ" <<<"$everything" | sort -u)" ""
finish
