#!/usr/bin/env bash
# The main path under valgrind: every process of `billhook serve`, from signed
# webhooks through ingest to pushes into both simulated CRMs.  No error, no
# byte definitely lost.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

need valgrind valgrind
simulators
set_up data
option front_processes 1
option workers 2

start serve valgrind --quiet --trace-children=yes --child-silent-after-fork=no --leak-check=full \
	--errors-for-leak-kinds=definite --suppressions="$flow/valgrind.supp" --log-file="$work/valgrind.%p" "$BILLHOOK" serve
serve_pid=$pid
is_answering() {
	send stripe '{"customer":"c_0","name":"Acme"}' | grep -q '^200'
}
check "the processes start" wait_for 90 is_answering
for i in 1 2 3; do
	for source in stripe lago; do
		said=$(send "$source" "{\"customer\":\"c_$i\",\"name\":\"Acme $i\"}" "{\"customer\":\"c_$i\",\"name\":\"Acme $i\"}")
		like "$source: an event of customer $i is accepted, twice" "$(tr '\n' ' ' <<<"$said")" '200.*200'
	done
done
in_step() {
	[ "$(bh status --json | grep -c '"in_step": 0')" = 0 ]
}
check "the records reach every CRM" wait_for 60 in_step
end "$serve_pid"
check "the processes stop" is_gone "$serve_pid"
reports=$(cat "$work"/valgrind.*)
is "no process had an error or a leak" "$reports" ""
is "valgrind watched them" "$(find "$work" -name 'valgrind.*' | wc -l | awk '{ print ($1 >= 5) ? "yes" : "only " $1 }')" yes
finish
