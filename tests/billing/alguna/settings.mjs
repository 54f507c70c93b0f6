// What a test may set of Alguna, and what it is at the start.

import { commonSettings } from '../common/settings.mjs';

export function defaultSettings() {
  return {
    ...commonSettings(),
    api_key: 'sk_test_sim',
    version: '2026-04-01', // what Alguna-Version must say for generation 2
    base_path: '', // some examples have /beta
    order: 'newest', // or oldest: of lists without a sort
    max_limit: 100,
    rate_limit: 0, // calls per window; none is published
    rate_window_ms: 1000,
    write_ms: 0, // how long a write takes: the same key meanwhile is a conflict
    webhook_secret: 'whsec_BaDWeayEmV04ZatiBA/MQmkXUksNyKHh',
    previous_secret: '', // not empty: a second signature, as while a secret is rotated
    family: 'webhook', // or svix: prefix of the headers
    webhook_case: 'camel', // or snake
    webhook_extras: false, // fields of the REST object that are not documented for webhooks
    webhook_attempts: 8,
    webhook_timeout_ms: 15000,
  };
}

export const CHOICES = { order: ['newest', 'oldest'], family: ['webhook', 'svix'], webhook_case: ['camel', 'snake'] };
