// What a test may set of LostChurn, and what it is at the start.

import { commonSettings } from '../common/settings.mjs';

export function defaultSettings() {
  return {
    ...commonSettings(),
    edition: 1, // of the API: base path, paging, spelling of errors, names of fields
    keys: [ // address: the only one that the key works from
      { key: 'lc_test_sim', scopes: ['read', 'write'] },
      { key: 'lc_test_readonly', scopes: ['read'] },
      { key: 'lc_test_writeonly', scopes: ['write'] },
      { key: 'lc_test_elsewhere', scopes: ['read', 'write'], address: '192.0.2.1' },
      { key: 'lc_pub_sim', scopes: [] },
    ],
    trial_expired: false, // refuses writes
    read_limit: 200, // calls per window and key; 0: no limit
    write_limit: 50,
    rate_window_ms: 60000,
    retry_after: false, // whether a 429 says when to come back
    cursor_lists: ['payments'], // lists of edition 2 that use a cursor: payments, customers
    merchant_id: 'merch_7Kd0pQ',
    merchant_name: 'Nordlicht Software',
    signing_secret: 'lc_whsec_test_7f3c1a9e5b2d48c6a0e1f4b8',
    webhook_naming: 1, // 2: payment{} and customer{} nested, amount_cents
    webhook_attempts: 3, // the true number is not known
    webhook_timeout_ms: 10000,
  };
}

export const CHOICES = { edition: [1, 2], webhook_naming: [1, 2] };
