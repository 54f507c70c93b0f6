// The strictness of the LostChurn simulator: both editions of its API, and
// what it sends.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, beforeEach, describe, it } from 'node:test';
import { rowsMade, start, startReceiver } from './common/driver.mjs';
import { signature } from './lostchurn/webhooks.mjs';
import { LostChurn } from './lostchurn/world.mjs';

const KEY = { Authorization: 'Bearer lc_test_sim' };
const data = (name) => JSON.parse(readFileSync(new URL(`lostchurn/data/${name}.json`, import.meta.url), 'utf8'));

let lc;
let receiver;
before(async () => {
  lc = await start(new LostChurn(), KEY);
  receiver = await startReceiver();
});
after(async () => {
  await lc.stop();
  await receiver.stop();
});
beforeEach(async () => {
  await lc.reset();
  await lc.set({ retry_wait_ms: 1 });
  receiver.taken.length = 0;
  receiver.answer = () => 200;
});

async function list(path, headers) {
  const { status, body } = await lc.get(path, headers);
  assert.equal(status, 200, path);
  return body;
}

async function refused(path, headers, method = 'GET') {
  const { status, body } = await lc.call(method, path, undefined, headers);
  return [status, body.error.code];
}

const recorded = () => [1, 2, 3].flatMap((n) => data(`payments-page-${n}`).data);
const byId = (rows) => Object.fromEntries(rows.map((row) => [row.id, row]));

describe('the first edition', () => {
  it('shows rows as they were recorded', async () => {
    await lc.load({ payments: recorded() });
    await lc.load({ customers: data('customers-page-1').data });
    const { data: customers, pagination } = await list('/v1/customers?per_page=100');
    assert.deepEqual(byId(customers), byId(data('customers-page-1').data));
    assert.deepEqual(pagination, data('customers-page-1').pagination);
    const pages = [];
    for (const page of [1, 2, 3]) {
      const { data: rows, pagination: at } = await list(`/v1/payments?per_page=2&page=${page}`);
      assert.deepEqual(at, data(`payments-page-${page}`).pagination);
      pages.push(...rows);
    }
    assert.deepEqual(byId(pages), byId(recorded()));
    assert.deepEqual((await list('/v1/payments/pay_5Tn8wRc30Zd')).data, byId(recorded()).pay_5Tn8wRc30Zd);
    assert.deepEqual(await list('/v1/payments?status=pending'), {
      data: [byId(recorded()).pay_0Ld5gUx87Wc], pagination: { total: 1, page: 1, per_page: 20, total_pages: 1 },
    });
  });
  it('checks parameters', async () => {
    const { status, body } = await lc.get('/v1/payments?per_page=101');
    const { request_id: id, ...error } = body.error;
    assert.deepEqual([status, error], [422, { code: 'validation_error', message: 'per_page is above 100', param: 'per_page' }]);
    assert.match(id, /^req_/);
    for (const wrong of ['page=0', 'status=paused', 'sort=email', 'order=up', 'created_after=yesterday', 'amount_min=x'])
      assert.deepEqual(await refused(`/v1/payments?${wrong}`), [422, 'validation_error'], wrong);
    assert.equal((await lc.get('/v1/payments?no_such=1')).status, 200);
  });
  it('checks keys, scopes and addresses', async () => {
    const bearer = (key) => ({ Authorization: `Bearer ${key}` });
    assert.deepEqual(await refused('/v1/payments', bearer('lc_test_none')), [401, 'invalid_api_key']);
    assert.deepEqual(await refused('/v1/payments?api_key=lc_test_sim', { Authorization: '' }), [401, 'invalid_api_key']);
    assert.deepEqual(await refused('/v1/payments', { Authorization: '', 'X-API-Key': 'lc_test_sim' }), [401, 'invalid_api_key']);
    assert.deepEqual(await refused('/v1/payments', bearer('lc_test_elsewhere')), [403, 'ip_not_allowed']);
    assert.deepEqual(await refused('/v1/payments', bearer('lc_test_writeonly')), [403, 'insufficient_scope']);
    await lc.generate(3, 1);
    assert.equal((await lc.get('/v1/customers/cus_M000000001', bearer('lc_pub_sim'))).status, 200);
    assert.deepEqual(await refused('/v1/customers', bearer('lc_pub_sim')), [403, 'insufficient_scope']);
    assert.deepEqual(await refused('/v1/customers/cus_M000000001', bearer('lc_test_readonly'), 'DELETE'), [403, 'insufficient_scope']);
    await lc.set({ trial_expired: true });
    assert.deepEqual(await refused('/v1/customers/cus_M000000001', KEY, 'DELETE'), [403, 'trial_expired']);
    assert.equal((await lc.get('/v1/customers/cus_M000000001')).status, 200);
  });
  it('status needs no scope, and tells more to a key', async () => {
    assert.equal((await list('/v1/status', { Authorization: 'Bearer lc_test_writeonly' })).data.merchant_id, 'merch_7Kd0pQ');
    assert.deepEqual((await list('/v1/status')).data, data('status').data);
    assert.ok(!('merchant_id' in (await list('/v1/status', { Authorization: '' })).data));
  });
  it('limits without a word about it', async () => {
    await lc.set({ read_limit: 1, rate_window_ms: 200 });
    assert.equal((await lc.get('/v1/payments')).headers.get('x-ratelimit-limit'), null);
    const { status, headers, body } = await lc.get('/v1/payments');
    assert.deepEqual([status, body.error.code, headers.get('retry-after'), headers.get('x-ratelimit-reset')], [429, 'rate_limit_exceeded', null, null]);
    assert.equal((await lc.get('/v1/payments', { Authorization: 'Bearer lc_test_readonly' })).status, 200, 'a limit is for one key');
    await new Promise((resolve) => setTimeout(resolve, 220));
    assert.equal((await lc.get('/v1/payments')).status, 200);
  });
  it('knows no path of the second', async () => {
    for (const path of ['/api/v1/payments', '/v1/customers/by-email/a@example.com', '/v1/payments/x/timeline'])
      assert.deepEqual(await refused(path), [404, 'resource_not_found']);
  });
});

describe('the second edition', () => {
  beforeEach(() => lc.set({ edition: 2 }));

  it('has other names, spellings and headers', async () => {
    await lc.load({ payments: [...recorded(), { id: 'pe_1', customer_id: 'cus_x', status: 'paused', amount: 5, currency: 'usd', provider_payment_id: 'pi_1' }] });
    const { body, headers } = await lc.get('/api/v1/payments/pe_1', { Authorization: '', 'X-API-Key': 'lc_test_sim' });
    assert.deepEqual([body.data.status, body.data.provider_payment_id, 'psp_payment_id' in body.data], ['paused', 'pi_1', false]);
    assert.ok('merchant_id' in body.meta && 'timestamp' in body.meta);
    assert.equal(headers.get('x-ratelimit-limit'), '200');
    assert.ok(Number(headers.get('x-ratelimit-reset')) > Date.now() / 1000);
    const error = (await lc.get('/api/v1/payments?status=communication_pending')).body.error;
    assert.deepEqual(error, { code: 'VALIDATION_ERROR', message: 'status is not one of the allowed values' });
    assert.equal((await list('/api/v1/payments?status=paused')).data.length, 1);
  });
  it('pages by cursor, which nothing shifts', async () => {
    await lc.generate(30, 1);
    const first = await list('/api/v1/payments?per_page=10');
    assert.ok(!('pagination' in first));
    await lc.change('recovery.start', { customer: { email: 'new@example.com' } });
    const seen = first.data.map((row) => row.id);
    for (let { next } = first.cursor; next !== null;) {
      const page = await list(`/api/v1/payments?per_page=10&cursor=${next}`);
      seen.push(...page.data.map((row) => row.id));
      ({ next } = page.cursor);
    }
    assert.deepEqual([seen.length, new Set(seen).size], [42, 42]);
    assert.deepEqual(await refused('/api/v1/payments?cursor=junk'), [422, 'VALIDATION_ERROR']);
    assert.equal((await list('/api/v1/customers')).pagination.per_page, 25);
  });
  it('finds by e-mail, tells a timeline, forgets a person', async () => {
    const { result } = await lc.change('recovery.start', { customer: { email: 'Ann@Example.com' } });
    await lc.change('recovery.retry', { id: result.id });
    assert.equal((await list('/api/v1/customers/by-email/ann%40example.com')).data.id, result.customer_id);
    assert.deepEqual((await list(`/api/v1/payments/${result.id}/timeline`)).data.map((entry) => entry.type), ['recovery.started', 'recovery.retry_attempted']);
    assert.equal((await lc.remove(`/api/v1/customers/${result.customer_id}`)).status, 200);
    assert.equal((await lc.get(`/api/v1/customers/${result.customer_id}`)).status, 404);
    assert.deepEqual((await lc.sim('GET', 'state')).erased, [result.customer_id]);
  });
});

describe('a made world', () => {
  it('walks in both orders, by any page size, without doubles', async () => {
    await lc.generate(41, 9);
    for (const order of ['asc', 'desc']) {
      const seen = [];
      for (let page = 1, pages = 1; page <= pages; page++) {
        const body = await list(`/v1/payments?per_page=7&page=${page}&sort=created_at&order=${order}`);
        pages = body.pagination.total_pages;
        seen.push(...body.data.map((row) => row.created_at));
      }
      assert.equal(seen.length, 57);
      assert.deepEqual(seen, order === 'asc' ? [...seen].sort() : [...seen].sort().reverse());
    }
    const newest = (await list('/v1/payments?per_page=1')).data[0];
    assert.equal((await list(`/v1/payments?created_after=${newest.created_at}&sort=created_at&order=asc`)).data.length, 0);
  });
  it('counts of a customer agree with the payments', async () => {
    await lc.generate(40, 2);
    for (const customer of (await list('/v1/customers?per_page=100')).data) {
      const { data: payments } = await list(`/v1/customers/${customer.id}/payments`);
      const recovered = payments.filter((row) => row.status === 'recovered');
      assert.equal(customer.recovered_payments, recovered.length);
      assert.equal(customer.total_recovered_amount, recovered.reduce((sum, row) => sum + row.amount, 0));
    }
  });
  it('a hundred thousand are a number', async () => {
    await lc.generate(100000, 2);
    await lc.set({ read_limit: 0 });
    const made = rowsMade(lc.system.tables.payments);
    for (const page of [1, 700, 1400]) assert.equal((await list(`/v1/payments?per_page=100&page=${page}`)).data.length, 100);
    assert.equal((await list('/v1/payments?customer_id=cus_M000077774')).pagination.total, 3);
    assert.ok(made() < 400);
  });
});

describe('webhooks', () => {
  const last = async () => JSON.parse((await lc.sim('GET', 'events?bodies=1')).events.at(-1).body);
  const begin = async () => (await lc.change('recovery.start', { customer: { email: 'a@example.com', name: 'Ann' }, payment: { amount: 12900 } })).result;

  it('tell the life of a recovery', async () => {
    const { id, recovery_id: recovery, customer_id: customer } = await begin();
    assert.deepEqual(Object.keys(await last()), ['id', 'type', 'created_at', 'data']);
    assert.deepEqual(await lc.changed('recovery.retry', { id }), ['recovery.retry_attempted']);
    assert.equal((await last()).data.attempt.number, 1);
    assert.deepEqual(await lc.changed('recovery.escalate', { id }), ['recovery.escalated']);
    assert.equal((await last()).data.status, 'communication_pending');
    assert.deepEqual(await lc.changed('campaign', { id, kind: 'opened' }), ['campaign.opened']);
    assert.deepEqual(await lc.changed('recovery.succeed', { id, recovered_amount: 9000 }), ['recovery.succeeded']);
    const { data: done } = await last();
    assert.deepEqual([done.recovery_id, done.payment_id, done.recovered_amount, done.amount, done.customer.recovery_count], [recovery, id, 9000, 12900, 1]);
    const shown = (await list(`/v1/customers/${customer}`)).data;
    assert.deepEqual([shown.status, shown.total_recovered_amount], ['recovered', 9000]);
    assert.deepEqual(await lc.changed('customer.cancel', { customer_id: customer }), ['customer.subscription_canceled']);
    assert.equal((await list(`/v1/customers/${customer}`)).data.status, 'churned');
    const other = await begin();
    assert.deepEqual(await lc.changed('recovery.fail', { id: other.id }), ['recovery.failed']);
    assert.deepEqual(await lc.changed('customer.retain', { customer_id: other.customer_id }), ['customer.retained']);
    assert.deepEqual(await lc.changed('customer.payment_method', { customer_id: other.customer_id }), ['customer.payment_method_updated']);
    assert.deepEqual(await lc.changed('set', { kind: 'payments', id: other.id, set: { status: 'recovered' } }), []);
  });
  it('may name things the second way', async () => {
    await lc.set({ webhook_naming: 2 });
    const { id, recovery_id: recovery } = await begin();
    await lc.change('recovery.succeed', { id });
    const { data: done } = await last();
    assert.deepEqual([done.id, done.payment.id, done.payment.amount_cents, done.recovered_amount_cents, done.customer.email], [recovery, id, 12900, 12900, 'a@example.com']);
  });
  it('are signed as recorded ones are', () => {
    for (const { secret, body, headers } of data('signatures'))
      assert.equal(signature(secret, headers['X-LostChurn-Timestamp'], body), headers['X-LostChurn-Signature']);
  });
  it('keep their id over attempts, with a new time and signature', async () => {
    await begin();
    receiver.answer = (delivery, n) => (n < 3 ? 500 : 204);
    const { results } = await lc.deliver({ url: receiver.url, wait_ms: [1100, 0] });
    assert.deepEqual(results[0].statuses, [500, 500, 204]);
    const [first, second] = receiver.taken;
    assert.equal(first.headers['x-lostchurn-event-id'], JSON.parse(first.raw).id);
    assert.equal(first.headers['x-lostchurn-event-id'], second.headers['x-lostchurn-event-id']);
    assert.notEqual(first.headers['x-lostchurn-timestamp'], second.headers['x-lostchurn-timestamp']);
    for (const { headers, raw } of receiver.taken)
      assert.equal(headers['x-lostchurn-signature'], signature(lc.system.settings.signing_secret, headers['x-lostchurn-timestamp'], raw));
  });
  it('can be old, spoilt or signed with another secret', async () => {
    await begin();
    await lc.deliver({ url: receiver.url, age_s: 600 });
    assert.ok(Date.now() / 1000 - Number(receiver.taken[0].headers['x-lostchurn-timestamp']) > 590);
    const honest = ({ headers, raw }, secret) => headers['x-lostchurn-signature'] === signature(secret, headers['x-lostchurn-timestamp'], raw);
    await lc.deliver({ url: receiver.url, again: true, tamper: 'signature' });
    assert.ok(!honest(receiver.taken[1], lc.system.settings.signing_secret));
    await lc.deliver({ url: receiver.url, again: true, secret: 'other' });
    assert.ok(honest(receiver.taken[2], 'other'));
  });
});
