// What a test may set, with the type of each setting and what it is at the start.

import { changeSettings } from '../../sim/settings.mjs';

// What a restricted key for reading needs (the slugs that are known); it
// cannot read the account, and does not register webhook endpoints.
const READING = [
  'rak_customer_read', 'rak_subscription_read', 'rak_subscription_schedule_read', 'rak_invoice_read',
  'rak_credit_note_read', 'rak_charge_read', 'rak_dispute_read', 'rak_payment_intent_read', 'rak_product_read',
  'rak_plan_read', 'rak_coupon_read', 'rak_event_read',
];

export function defaultSettings() {
  return {
    account: 'acct_1QbHkDemoAccount',
    account_name: 'Billhook Demo GmbH',
    connected_accounts: ['acct_1QcOnNeCtEdAcct0'], // reached with the header Stripe-Account
    // key -> {permissions: "*" or a list of slugs, account?, expired?}; the mode follows its prefix
    keys: {
      sk_live_sim: { permissions: '*' },
      sk_test_sim: { permissions: '*' },
      rk_live_sim: { permissions: READING },
      rk_test_sim: { permissions: READING },
    },
    api_versions: ['2026-10-28.endive', '2026-09-30.endive'], // what the simulator can render
    require_version: true, // false: a call without Stripe-Version gets the account's default
    latency_ms: 0, // added to every API call
    // Limits, per account and second
    rate_live: 100,
    rate_sandbox: 25,
    rate_endpoint: 25,
    window_ms: 1000,
    should_retry_429: '', // Stripe-Should-Retry of a rate limit: "", "true" or "false"
    // Events and webhooks
    event_days: 30,
    clock_offset_s: 0, // of all times: created, signatures, what 30 days ago means
    endpoint_limit: 16,
    strict_urls: true, // false: endpoints may be plain http and local
    deliver_to: '', // an origin on loopback that stands in for those of all endpoints
    search: true, // false: an account without it
    search_lag_s: 60, // what was made since is not found
    deleted_cursor: true, // false: starting_after with a deleted object is refused
  };
}

const CHOICES = { should_retry_429: ['', 'true', 'false'] };
const AT_START = ['account', 'window_ms'];

export function applySettings(settings, changes, running = false) {
  for (const name of AT_START)
    if (running && changes[name] !== undefined) throw new Error(`${name} can be set at the start only`);
  for (const [key, { permissions }] of Object.entries(changes.keys ?? {})) {
    if (!/^[sr]k_(live|test)_\w+$/.test(key)) throw new Error(`key ${key} must begin with sk_live_, sk_test_, rk_live_ or rk_test_`);
    if (permissions !== '*' && !Array.isArray(permissions)) throw new Error(`key ${key} needs permissions: "*" or a list`);
  }
  changeSettings(settings, changes, CHOICES);
}
