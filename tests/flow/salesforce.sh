# shellcheck shell=bash
# shellcheck disable=SC2154 # what lib.sh sets
# What the flows of Salesforce's setup share; sourced by them behind lib.sh and
# billing.sh: orgs, and what administrators do in them.

# new_org NAME SETTINGS [OPTION...]: a fresh one, in which nothing of ours is but for the options; sets SF_URL
new_org() {
	local name=$1 settings=$2
	shift 2
	start "$name" node "$BH_SRCDIR/tests/crm/salesforce.mjs" --port 0 --port-file "$work/$name.port" --settings "$settings" "$@"
	wait_for 10 test -f "$work/$name.port" || not_ok "the simulator starts" "$(cat "$work/$name.log")"
	SF_URL=http://127.0.0.1:$(cat "$work/$name.port")
	export SF_URL
}

# org_connection CODE [SETTINGS]: of the document, with client credentials
org_connection() {
	printf '{"code": "%s", "driver": "salesforce", "settings": {"flow": "client_credentials", "login_url": "%s", "client_id": "sim-client"%s}, "secrets": {"client_secret": "env:FLOW_SF_SECRET"}}' "$1" "$SF_URL" "${2:+, $2}"
}

# org_settings JSON: switches of the org
org_settings() {
	crm post sf settings "$1" >/dev/null
}

# admin VERB TYPE COMPONENT: what an administrator does in the org's setup
admin() {
	node "$flow/metadata.mjs" "$@" || not_ok "the administrator's $1 of $2"
}
