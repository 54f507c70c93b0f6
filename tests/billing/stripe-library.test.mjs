// Stripe's own library against the simulator: what it asks for is answered,
// what the simulator signs it accepts, and what it signs a plain verifier
// accepts.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { receiver, start } from './stripe/driver.mjs';
import { client, sign, Stripe, verify } from './stripe-library.mjs';

let st;
let hook;
let stripe;
before(async () => {
  st = await start();
  hook = await receiver();
  stripe = client(st.port);
  await st.control('settings', { deliver_to: hook.origin });
});
after(async () => {
  await st.stop();
  await hook.stop();
});
beforeEach(async () => {
  await st.control('reset');
  await st.control('load', { recorded: true });
  hook.got.length = 0;
});

const fails = async (work) => {
  try {
    await work;
  } catch (err) {
    return err;
  }
  return assert.fail('this had to be refused');
};

describe('the library calls the simulator', () => {
  it('lists and reads', async () => {
    assert.equal(Stripe.API_VERSION ?? stripe.getApiField('version'), '2026-10-28.endive');
    const page = await stripe.customers.list({ limit: 3 });
    assert.deepEqual([page.object, page.data.length, page.has_more], ['list', 3, true]);
    const customer = await stripe.customers.retrieve(page.data[0].id);
    assert.deepEqual(customer.metadata, page.data[0].metadata);
    assert.match(customer.lastResponse.requestId, /^req_/);
    const sub = await stripe.subscriptions.retrieve('sub_1QsEoceUHlWANq2yML9b7xBQ', { expand: ['items.data.price.tiers', 'items.data.discounts', 'customer'] });
    assert.deepEqual([sub.items.data[1].price.tiers.length, sub.items.data[1].discounts[0].source.coupon, sub.customer.object], [3, 'RAMP25', 'customer']);
    const prices = await stripe.prices.list({ active: true, expand: ['data.tiers'], limit: 100 });
    assert.equal(prices.data.length, 11);
    assert.equal((await stripe.accounts.retrieve()).object, 'account');
  });
  it('pages by itself, both ways', async () => {
    await st.control('generate', { customers: 250, seed: 2 });
    const seen = [];
    for await (const customer of stripe.customers.list({ limit: 100 })) seen.push(customer.id);
    assert.deepEqual([seen.length, new Set(seen).size], [255, 255]);
    const back = [];
    for await (const customer of stripe.customers.list({ limit: 100, ending_before: seen.at(-1) })) back.push(customer.id);
    assert.deepEqual(back, seen.slice(0, -1).reverse());
    const subs = await stripe.subscriptions.list({ status: 'all', created: { gte: 1 }, limit: 50 }).autoPagingToArray({ limit: 1000 });
    assert.equal(subs.length, (await st.look('state')).subscription);
    const lines = await stripe.invoices.listLineItems('in_1QjUu2FSbbtvDYHq6EtR20m4', { limit: 5 }).autoPagingToArray({ limit: 100 });
    assert.equal(lines.length, 14);
  });
  it('writes metadata once, whatever it sends again', async () => {
    const id = 'cus_HrUs2VWJtENfgq';
    const retrying = client(st.port, 'sk_live_sim', { maxNetworkRetries: 2 });
    await st.fault({ drop: 'after' }, { method: 'POST' });
    const customer = await retrying.customers.update(id, { metadata: { salesforce_account_id: '001X', signup_source: '' } });
    assert.deepEqual([customer.metadata.salesforce_account_id, customer.metadata.signup_source], ['001X', undefined]);
    const posts = (await st.look('calls')).filter((one) => one.method === 'POST');
    assert.deepEqual([posts.length, posts[0].idempotency_key === posts[1].idempotency_key], [2, true]);
    assert.equal((await stripe.events.list({ type: 'customer.updated', created: { gte: Math.floor(Date.now() / 1000) - 60 } })).data.length, 1);
  });
  it('keeps webhook endpoints', async () => {
    const made = await stripe.webhookEndpoints.create({ url: 'https://hooks.example.com/s', enabled_events: ['invoice.paid', 'customer.updated'], api_version: '2026-10-28.endive' });
    assert.match(made.secret, /^whsec_/);
    assert.equal((await stripe.webhookEndpoints.retrieve(made.id)).secret, undefined);
    assert.equal((await stripe.webhookEndpoints.update(made.id, { disabled: true })).status, 'disabled');
    assert.deepEqual((await stripe.webhookEndpoints.list()).data.map((one) => one.id), [made.id]);
    assert.equal((await stripe.webhookEndpoints.del(made.id)).deleted, true);
  });
  it('gets errors of the classes it knows', async () => {
    const missing = await fails(stripe.customers.retrieve('cus_none'));
    assert.deepEqual([missing.type, missing.code, missing.param, missing.statusCode], ['StripeInvalidRequestError', 'resource_missing', 'id', 404]);
    assert.equal((await fails(client(st.port, 'sk_live_wrong').customers.list())).type, 'StripeAuthenticationError');
    assert.equal((await fails(client(st.port, 'rk_live_sim').accounts.retrieve())).type, 'StripePermissionError');
    await st.fault({ status: 429 });
    assert.equal((await fails(stripe.customers.list())).type, 'StripeRateLimitError');
    await st.fault({ status: 500 });
    assert.equal((await fails(stripe.customers.list())).type, 'StripeAPIError');
    const old = client(st.port, 'sk_live_sim', { apiVersion: '2020-08-27' });
    assert.match((await fails(old.customers.list())).message, /Invalid Stripe API version/);
  });
  it('tries again where it is told to', async () => {
    const retrying = client(st.port, 'sk_live_sim', { maxNetworkRetries: 1 });
    await st.fault({ status: 429, code: 'lock_timeout' });
    assert.equal((await retrying.coupons.list()).data.length, 5);
    assert.deepEqual((await st.look('calls')).map((one) => one.status), [429, 200]);
  });
});

describe('webhooks', () => {
  it('from the simulator are accepted by the library', async () => {
    const { secret } = await stripe.webhookEndpoints.create({ url: 'https://hooks.example.com/s', enabled_events: ['*'] });
    await st.control('change', { changes: [
      { type: 'customer.updated', id: 'cus_HrUs2VWJtENfgq', set: { name: 'Ærø & "Sønner" 🚀' } },
      { type: 'customer.subscription.updated', id: 'sub_1QOczUqrx6CubM95zbLSFuAP', set: { 'items.data.0.quantity': 21 } },
    ] });
    assert.equal((await st.control('deliver', { shuffle: 1 })).delivered, 2);
    const types = hook.got.map(({ body, headers }) => verify(body, headers['stripe-signature'], secret).type);
    assert.deepEqual(types.sort(), ['customer.subscription.updated', 'customer.updated']);
    const [{ body, headers }] = hook.got;
    assert.throws(() => verify(body, headers['stripe-signature'], 'whsec_other'), /No signatures found matching/);
    assert.throws(() => verify(`${body} `, headers['stripe-signature'], secret), /No signatures found matching/);
  });
  it('that lie too far back are refused by it', async () => {
    const [event] = (await st.look('events')).events;
    await st.control('deliver', { url: hook.url, secret: 'whsec_a', ids: [event.id], age_s: 400 });
    const [{ body, headers }] = hook.got;
    assert.throws(() => verify(body, headers['stripe-signature'], 'whsec_a'), /Timestamp outside the tolerance zone/);
    assert.equal(verify(body, headers['stripe-signature'], 'whsec_a', 500).id, event.id);
  });
  it('that it signs are accepted by a plain verifier', () => {
    const body = JSON.stringify({ id: 'evt_1', object: 'event', name: 'Ærø 🚀' }, null, 2);
    for (const timestamp of [undefined, 1790000000]) {
      const header = sign(body, 'whsec_plain', timestamp);
      const [, t, v1] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(header);
      assert.equal(v1, createHmac('sha256', 'whsec_plain').update(`${t}.${body}`).digest('hex'));
      assert.ok(timestamp === undefined ? Math.abs(Number(t) - Date.now() / 1000) < 3 : Number(t) === timestamp);
    }
  });
  it('can be signed and verified from a shell', () => {
    const run = (args, input) => spawnSync(process.execPath, [fileURLToPath(new URL('stripe-library.mjs', import.meta.url)), ...args], { input, encoding: 'utf8' });
    const body = '{"id":"evt_shell","object":"event"}';
    const header = run(['sign', 'whsec_s'], body).stdout.trim();
    assert.equal(run(['verify', 'whsec_s', header], body).stdout, 'evt_shell\n');
    assert.deepEqual([run(['verify', 'whsec_other', header], body).status, run([], '').status], [1, 1]);
  });
});
