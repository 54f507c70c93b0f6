#!/usr/bin/env bash
# The log of events in Chromium, with Salesforce's simulator as the CRM: found by id, customer, type, state and time;
# one event with its verification, its body and what it changed; handled again alone, as shown, all that fit, a span of
# time; new events come by themselves.  With script off, then with script on.  FLOW_SHOTS as for 85-pages.sh.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
leave_root
# shellcheck source=org.sh
. "$flow/org.sh"
# shellcheck source=people.sh
. "$flow/people.sh"

people activity
bill customer cus_ada '"name":"Ada & <script>alert(1)</script>","event":"evt_ada","metadata":{"note":"  two  blanks "}'
bill invoice in_ada '"customer":"cus_ada","total":2500,"number":"EX-1","status":"paid","event":"evt_ada_paid"'
many 120 '{"customer":"cus_more%n","name":"More %n"}'
settled "all customers are in the CRM" 30
in_chromium activity.mjs
unlike "nothing to complain in the log" "$(log)" ' error | killed | ended with status'
finish
