#!/usr/bin/env bash
# A key that may read some kinds only: one refused kind of look-up stands back
# and the others go on.
# shellcheck disable=SC2016,SC2317 # JavaScript; called by check
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
leave_root

export FLOW_KEY=rk_live_few FLOW_HOOK=whsec_few
billing_simulator stripe '{"keys": {"rk_live_few": {"permissions": ["rak_subscription_read", "rak_plan_read", "rak_invoice_read", "rak_product_read", "rak_coupon_read"]}},
	"rate_live": 1000, "rate_endpoint": 1000}'
behind_lighttpd data
sim POST load '{"recorded": true}' >/dev/null
connect "{\"mode\": \"live\", \"fetch_per_s\": 1000, \"api_url\": \"$BILL_URL\", \"catchup_s\": 0}" '{"api_key": "env:FLOW_KEY", "webhook": "env:FLOW_HOOK"}'
serve_web
sim DELETE calls >/dev/null
# Kuwait's events lack the customer's tax ids, and the tiers of a price.
mapfile -t files < <(find "$BH_SRCDIR/tests/hooks/stripe" -name "endive_*kuwait*.json" ! -name '*.want.json' | sort)
sim POST deliver "{\"url\": \"$url/hook/stripe\", \"secret\": \"whsec_few\", \"ids\": $(node "$flow/billing.mjs" story "${files[@]}")}" >/dev/null
seen "all events are handled" status.backlog 0
seen "a customer is asked for and refused" "billCalls.some((c) => c.path.startsWith('/v1/customers/') && c.status === 403)" true
seen "a price is looked up nonetheless" "billCalls.some((c) => c.path.startsWith('/v1/prices/') && c.status === 200)" true
seen "and Kuwait's recurring revenue is known" "[figures('customer', 'cus_3f09Bc8QsrRWQl')].map((f) => [f.mrr, f.mrr_known])[0]" '[60000,true]'
check "what was refused is kept" test "$(crm see source.lookups)" -ge 1
like "the log says what the key lacks" "$(log)" 'look-ups of stripe: .*rak_customer_read'
unlike "and not the key" "$(log)" live_few
is "nothing is given up" "$(log | grep -c 'cannot be looked up')" 0
finish
