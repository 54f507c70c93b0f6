#!/usr/bin/env bash
# Home: counts lead to their reasons.  Revenue in the browser: what is said adds up, by currency and month, and is
# made anew while one looks.  Automations: added, tried, switched, changed.  With script off, then with script on; axe finds
# nothing to complain in light and in dark.  FLOW_SHOTS as for 85-pages.sh.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
leave_root
# shellcheck source=org.sh
. "$flow/org.sh"
# shellcheck source=people.sh
. "$flow/people.sh"

people revenue
# began DAYS: so long ago
began() {
	local at=$(($(date +%s) - $1 * 86400))
	echo "\"created\":$at,\"start_date\":$at"
}
bill customer cus_ada '"name":"Ada & <script>alert(1)</script>","email":"ada@example.com"'
bill customer cus_big '"name":"Big Holding Ltd"'
bill customer cus_eu '"name":"Gross GmbH","currency":"eur"'
bill subscription sub_ada "\"customer\":\"cus_ada\",\"quantity\":2,\"unit_amount\":1250,$(began 300)"
bill subscription sub_big "\"customer\":\"cus_big\",\"quantity\":3,\"unit_amount\":9900,$(began 200)"
bill subscription sub_big "\"customer\":\"cus_big\",\"quantity\":5,\"unit_amount\":9900,$(began 200)"
bill subscription sub_eu "\"customer\":\"cus_eu\",\"unit_amount\":5000,\"currency\":\"eur\",$(began 100)"
settled "all customers are in the CRM" 20
in_chromium home-revenue.mjs
unlike "nothing to complain in the log" "$(log)" ' error | killed | ended with status'
finish
