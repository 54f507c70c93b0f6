#!/usr/bin/env bash
# The flow of 30-servers.sh below a path: /billing/.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=servers.sh
. "$flow/servers.sh"
leave_root

need_servers
simulators
for one in $servers; do
	prepare "$one" /billing/
	"serve_${one//-/_}"
	is "$name: an event is accepted" "$(node "$flow/send.mjs" "$url/hook/stripe" stripe "{\"customer\":\"cus_$name\",\"name\":\"Below $name\"}")" '200 {"status":"accepted"}'
	all_seen "$name: and arrives" "sf('Account','stripe:cus_$name').Name" "Below $name" "$name: once" "status.lanes.map((l) => [l.code, l.in_step].join(' ')).sort().join(', ')" "hubspot 1, salesforce 1, sandbox 1"
	adopt node "$flow/web.mjs" pages "$name" "$url" /billing 1
	over_the_wire "$one"
	is "$name: nothing of ours stands above" "$(node "$flow/web.mjs" get "http://127.0.0.1:$port/login" | head -1)" 404
	close_server
done
finish
