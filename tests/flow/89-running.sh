#!/usr/bin/env bash
# Work that takes its time, seen in Chromium while it runs: a re-sync, a preview and an audit count,
# are stopped, go on, and outlive the browser.  Each flush of the disk takes long meanwhile.
# With script off, then with script on.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
leave_root
# shellcheck source=org.sh
. "$flow/org.sh"
# shellcheck source=people.sh
. "$flow/people.sh"

people running
option push_wait_ms 200
many 9000 '{"customer":"cus_%n","name":"Firm %n"}'
settled "all is in the CRM" 60
in_chromium running.mjs
unlike "nothing to complain in the log" "$(log)" ' error | killed | ended with status'
finish
