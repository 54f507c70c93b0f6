# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # what lib.sh, billing.sh and org.sh set; what is set for the scripts
# What the flows about customers and problems share; sourced behind lib.sh,
# billing.sh and org.sh: Chromium, an org that refuses a name, and a mapping.

need_chromium
mkdir -p "$work/home"

# people NAME: a data directory with a site in front, and the sync
people() {
	org '{"validation_rules": [{"object": "Account", "field": "Name", "equals": "Forbidden", "message": "No <b>such</b> names here"}]}'
	behind_lighttpd "$1"
	option public_url "$url"
	serve_web
	map_to '{"name": "account", "from": "customer", "to": "Account", "key": "Billhook_Id__c", "fields": [
		{"to": "Name", "from": "name"}, {"to": "Billhook_Email__c", "from": "email", "when": "if_unchanged"},
		{"to": "Billhook_Note__c", "from": "description", "default": "nothing said"}, {"to": "Billhook_Balance__c", "from": "mrr"} ]},
		{"name": "invoice", "from": "invoice", "to": "Billhook_Invoice__c", "key": "Billhook_Id__c",
		"parents": [{"object": "account", "id": "customer", "to": "Account__c"}], "fields": [
		{"to": "Name", "from": "number"}, {"to": "Total__c", "from": "total"}, {"to": "Status__c", "from": "status"} ]}'
}
# in_chromium SCRIPT
in_chromium() {
	export SF_URL
	HOME=$work/home adopt node "$flow/$1" "$url"
}
