// For the tests of the simulator: one simulator, short calls to it, and a
// receiver of webhooks.

import { createServer } from 'node:http';
import { Simulator } from './server.mjs';

export const VERSION = '2026-10-28.endive';

// Plenty, for tests that are not about limits.
export const FAST = { rate_live: 100000, rate_sandbox: 100000, rate_endpoint: 100000 };

export async function start(settings = {}) {
  const simulator = new Simulator({ ...FAST, ...settings });
  const port = await simulator.listen(0);
  const base = `http://127.0.0.1:${port}`;

  // Answers {status, headers, body}; body is parsed when it is JSON.
  async function call(method, path, { key = 'sk_live_sim', headers = {}, form, body } = {}) {
    const response = await fetch(base + path, {
      method,
      redirect: 'manual',
      headers: {
        Authorization: `Bearer ${key}`, 'Stripe-Version': VERSION,
        ...(form === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' }), ...headers,
      },
      body: form === undefined ? body : encode(form),
    });
    const text = await response.text();
    const isJson = (response.headers.get('content-type') ?? '').startsWith('application/json');
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  }

  async function sim(method, path, body) {
    const response = await fetch(`${base}/_sim/${path}`, { method, body: body === undefined ? undefined : JSON.stringify(body) });
    const answer = await response.json();
    if (response.status !== 200) throw new Error(answer.error);
    return answer;
  }

  return {
    port,
    base,
    call,
    get: (path, options) => call('GET', path, options),
    post: (path, form, options = {}) => call('POST', path, { form, ...options }),
    control: (path, body = {}) => sim('POST', path, body),
    look: (path) => sim('GET', path),
    fault: (what, match = {}, times = 1) => sim('POST', 'faults', { faults: [{ match, times, do: what }] }),
    stop: () => simulator.close(),
  };
}

// Pairs or a plain object.
export function encode(form) {
  return new URLSearchParams(form).toString();
}

// Takes webhooks: answers what status() says, keeps {headers, body}.
export async function receiver() {
  const got = [];
  const state = { status: () => 200 };
  const server = createServer((req, res) => {
    const chunks = [];
    req.on('data', (chunk) => chunks.push(chunk));
    req.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      got.push({ headers: req.headers, body, path: req.url });
      const status = state.status(got.length);
      res.writeHead(status, status >= 300 && status < 400 ? { Location: '/elsewhere' } : {});
      res.end();
    });
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const url = `http://127.0.0.1:${server.address().port}/hook`;
  const stop = () => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  return { url, origin: url.slice(0, -'/hook'.length), got, state, stop };
}

export function customer(id, more = {}) {
  return {
    id, object: 'customer', created: 1790000000, livemode: true, email: `${id}@example.com`, name: `Fernhill ${id}`, metadata: {},
    address: { city: 'Berlin', country: 'DE', line1: null }, test_clock: null, ...more,
  };
}

export function price(id, more = {}) {
  return {
    id, object: 'price', active: true, billing_scheme: 'per_unit', created: 1780000000, currency: 'usd', livemode: true, lookup_key: null,
    product: 'prod_1', recurring: { interval: 'month', interval_count: 1, usage_type: 'licensed' }, type: 'recurring', unit_amount: 1000,
    unit_amount_decimal: '1000', metadata: {}, ...more,
  };
}

export function subscription(id, owner, items = 1, more = {}) {
  return {
    id, object: 'subscription', created: 1790000100, livemode: true, customer: owner, status: 'active', currency: 'usd', discounts: [],
    latest_invoice: null, metadata: {}, test_clock: null, cancellation_details: { comment: null, reason: null },
    items: {
      object: 'list', has_more: false, url: `/v1/subscription_items?subscription=${id}`,
      data: Array.from({ length: items }, (_, n) => ({
        id: `si_${id}_${n}`, object: 'subscription_item', price: price(`price_${n}`), quantity: n + 1, subscription: id, discounts: [],
        current_period_start: 1790000100, current_period_end: 1792600100, created: 1790000100, metadata: {},
      })),
    },
    ...more,
  };
}
