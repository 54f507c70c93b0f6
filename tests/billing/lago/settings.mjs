// What a test may set of Lago, and what it is at the start.

import { commonSettings } from '../common/settings.mjs';

export function defaultSettings() {
  return {
    ...commonSettings(),
    api_key: 'lago-sim-key',
    hmac_key: '5d2f6a0e-8c1b-4f7e-9a53-0b7c6e1d2f48',
    private_key: '', // PEM, RSA; empty: one is made at need
    api_url: 'https://api.billing.example.com', // iss of the JWT, host of file URLs
    front_url: 'https://app.billing.example.com',
    organization_id: 'f74aacd0-1ea4-4e17-bf59-f7f0c21fa6a5',
    denied: [], // "read:payment": what the key may not do
    rate_limit: 50, // calls per window; 0: a self-hosted Lago, without limit and headers
    rate_window_ms: 1000,
    activity_log: 'available', // or feature_unavailable
    activity_lag_ms: 0, // entries are seen so much later
    count_cache_ms: 1800000, // total_count of invoices lags behind
    pdf_generation: true,
    payment_receipts: false,
    web_urls: true, // false: a Lago before 2026-07-24
    customer_external_id_filter: true, // false: an older Lago ignores it
    endpoint_event_filter: true, // false: a Lago before 2026-03
    endpoint_limit: 10,
    integration_codes: ['hubspot_main', 'sf_prod'],
    webhook_attempts: 3,
    webhook_timeout_ms: 30000,
    signature_algo: 'hmac', // of deliveries to a URL that is no endpoint
  };
}

export const CHOICES = {
  activity_log: ['available', 'feature_unavailable'],
  signature_algo: ['hmac', 'jwt'],
};
