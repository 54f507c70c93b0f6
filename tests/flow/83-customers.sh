#!/usr/bin/env bash
# Customers in the browser, with Salesforce's simulator as the CRM: the list
# with its search and orders, one customer, why a field has its value, and
# sending it once more.  With script off, then with script on; axe finds nothing
# to complain in light and in dark.  FLOW_SHOTS as for 85-pages.sh.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
leave_root
# shellcheck source=org.sh
. "$flow/org.sh"
# shellcheck source=people.sh
. "$flow/people.sh"

people customers
bill customer cus_ada '"name":"Ada & <script>alert(1)</script>","email":"ada@example.com","description":"\"><img src=x onerror=alert(2)>"'
bill customer cus_big '"name":"Big Holding Ltd","email":"big@example.com"'
bill customer cus_small '"name":"small shop","email":"shop@example.com"'
bill subscription sub_ada '"customer":"cus_ada","quantity":2,"unit_amount":1250'
bill subscription sub_big '"customer":"cus_big","quantity":10,"unit_amount":99900'
bill invoice in_ada '"customer":"cus_ada","subscription":"sub_ada","total":2500,"number":"EX-1","status":"paid"'
many 70 '{"customer":"cus_more%n","name":"More %n"}'
settled "all customers are in the CRM" 20
in_chromium customers.mjs
unlike "nothing to complain in the log" "$(log)" ' error | killed | ended with status'
finish
