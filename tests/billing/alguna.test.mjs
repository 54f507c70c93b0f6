// The strictness of the Alguna simulator: both generations of its API, and
// what it sends.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, beforeEach, describe, it } from 'node:test';
import { minus, plus } from './alguna/decimal.mjs';
import { signatures } from './alguna/webhooks.mjs';
import { Alguna } from './alguna/world.mjs';
import { rowsMade, start, startReceiver } from './common/driver.mjs';

const FIRST = { Authorization: 'Bearer sk_test_sim' };
const SECOND = { ...FIRST, 'Alguna-Version': '2026-04-01' };
const data = (name) => JSON.parse(readFileSync(new URL(`alguna/data/${name}.json`, import.meta.url), 'utf8'));

let al;
let receiver;
before(async () => {
  al = await start(new Alguna());
  receiver = await startReceiver();
});
after(async () => {
  await al.stop();
  await receiver.stop();
});
beforeEach(async () => {
  await al.reset();
  await al.set({ retry_wait_ms: 1 });
  receiver.taken.length = 0;
  receiver.answer = () => 200;
});

async function list(path, headers = SECOND) {
  const { status, body } = await al.get(path, headers);
  assert.equal(status, 200, `${path}: ${JSON.stringify(body)}`);
  return body;
}

async function detail(path, headers = SECOND) {
  const { status, body } = await al.get(path, headers);
  assert.equal(body.status, status);
  return `${status} ${body.detail}`;
}

const byId = (rows) => Object.fromEntries(rows.map((row) => [row.id, row]));
const rowsOf = (name) => data(name).data;

async function loadAll() {
  await al.load({ customers: [data('customer-get-with-tax'), ...rowsOf('customers-offset-0').slice(1), ...rowsOf('customers-offset-2')] });
  await al.load({
    subscriptions: rowsOf('subscriptions-offset-0'), invoices: rowsOf('invoices-offset-0'), payments: rowsOf('payments-offset-0'),
    refunds: rowsOf('refunds-offset-0'), credit_notes: rowsOf('credit-notes-offset-0'),
  });
}

describe('generation 2', () => {
  beforeEach(loadAll);

  it('shows rows as they were recorded', async () => {
    const page = 'limit=20&offset=0';
    for (const [path, name] of [['/invoices', 'invoices-offset-0'], ['/payments', 'payments-offset-0'], ['/subscriptions', 'subscriptions-offset-0'],
      ['/refunds?sort=created_at:asc', 'refunds-offset-0'], ['/credit-notes', 'credit-notes-offset-0']]) {
      const body = await list(`${path}${path.includes('?') ? '&' : '?'}${page}`);
      assert.deepEqual(byId(body.data), byId(rowsOf(name)), path);
      assert.deepEqual(body.pagination, data(name).pagination, path);
    }
    const { data: customers, pagination } = await list('/customers?limit=2&offset=0');
    assert.deepEqual([customers.length, pagination], [2, data('customers-offset-0').pagination]);
    assert.deepEqual(byId((await list('/customers?limit=10&offset=0')).data), byId([...rowsOf('customers-offset-0'), ...rowsOf('customers-offset-2')]));
    assert.deepEqual(await list('/customers/aKd93LmQ'), data('customer-get-with-tax'));
  });
  it('needs limit and offset, and refuses what it does not know', async () => {
    assert.equal(await detail('/customers'), '400 limit is required');
    assert.equal(await detail('/customers?limit=10'), '400 offset is required');
    assert.equal(await detail('/customers?limit=10&offset=0&page=1'), '400 unknown parameter: page');
    assert.match(await detail('/customers?limit=1000&offset=0'), /^400 limit/);
    assert.equal(await detail('/refunds?limit=10&offset=0'), '400 sort is required');
    assert.match(await detail('/invoices?limit=10&offset=0&sort=created_at'), /^400 sort/);
    assert.match(await detail('/invoices?limit=10&offset=0&sort=nothing:asc'), /^400 cannot sort/);
    assert.equal(await detail('/customers/nobody'), '404 customer not found');
    assert.equal(await detail('/accounts?page=1'), '404 path not found');
    assert.equal(await detail('/customers?limit=1&offset=0', { ...SECOND, Authorization: 'Bearer no' }), '401 API key missing or not valid');
    assert.match(await detail('/customers?limit=1&offset=0', { ...SECOND, 'Alguna-Version': '2020-01-01' }), /^400 Alguna-Version/);
    assert.equal(await detail('/customers?limit=1&offset=0', FIRST), '400 Alguna-Version is required');
  });
  it('finds a customer by id, alias or connected id', async () => {
    await al.load({ customers: [{ id: 'c1', name: 'X', aliases: ['a/b', 'ann@example.com'], external_ids: ['cus_stripe_1'] }] });
    for (const name of ['c1', 'a/b', 'ann@example.com', 'cus_stripe_1']) assert.equal((await list(`/customers/${encodeURIComponent(name)}`)).id, 'c1', name);
    assert.ok(!('$external_ids' in (await list('/customers/c1'))));
  });
  it('filters: a comma list means any of', async () => {
    const count = async (query, kind = 'invoices') => (await list(`/${kind}?limit=100&offset=0&${query}`)).data.length;
    assert.equal(await count('status=issued,overdue'), 2);
    assert.equal(await count('status=paid&customer_id=sAkUrA01'), 1);
    assert.equal(await count('alias=bp-internal-118', 'customers'), 1);
    assert.equal(await count('email=ap@brightpath.example,founder@klein-team.example', 'customers'), 2);
    assert.equal(await count('has_active_subscriptions=true', 'customers'), 2);
    assert.equal(await count('payment_id=pay_01JA0Q9V5C2Y&sort=created_at:desc', 'refunds'), 1);
  });
  it('dates of invoices bound a window', async () => {
    await al.load({ invoices: ['2026-03-01', '2026-03-31', '2026-04-01'].map((day, i) => ({ id: `i${i}`, customer_id: 'aKd93LmQ', issue_date: `${day}T12:00:00Z` })) });
    const found = (await list('/invoices?limit=100&offset=0&issue_date_gte=2026-03-01&issue_date_lte=2026-03-31&sort=issue_date:asc')).data;
    assert.deepEqual(found.map((row) => row.id), ['i0', 'i1']);
  });
  it('a single invoice has more', async () => {
    const { result } = await al.change('invoice.create', { invoice: { customer_id: 'aKd93LmQ', total: '12.50' } });
    await al.change('invoice.issue', result);
    const row = await list(`/invoices/${result.id}`);
    assert.deepEqual([row.amount_remaining, row.status], ['12.50', 'issued']);
    assert.ok(row.due_date !== null && !('due_date' in (await list('/invoices?limit=1&offset=0')).data[0]));
  });
  it('a version belongs to its subscription', async () => {
    const { result } = await al.change('subscription.create', { subscription: { customer_id: 'aKd93LmQ' }, version: { prices: [{ model: 'fixed', unit_price: '26.6667' }] } });
    assert.equal((await list(`/subscriptions/${result.id}/versions/${result.version_id}`)).prices[0].unit_price, '26.6667');
    assert.equal(await detail(`/subscriptions/sub_01J9ZK4M7XQ2/versions/${result.version_id}`), '404 subscription version not found');
  });
  it('PATCH replaces the whole list', async () => {
    const patch = (body, headers = {}) => al.patch('/customers/aKd93LmQ', body, { ...SECOND, ...headers });
    assert.deepEqual((await patch({ aliases: ['only'] })).body.aliases, ['only']);
    assert.equal(await detail('/customers/bp-internal-118'), '404 customer not found');
    assert.equal((await patch({ aliases: ['founder@klein-team.example'] })).status, 422);
    assert.equal((await patch({ nothing: 1 })).status, 422);
    const { body } = await patch({ contacts: [{ email: 'new@example.com' }] });
    assert.deepEqual([body.contacts.length, body.aliases], [1, ['only']]);
  });
  it('a customer needs a name and a currency', async () => {
    const post = (body) => al.post('/customers', body, SECOND);
    assert.equal((await post({ name: 'New' })).body.detail, 'currency is required');
    assert.equal((await post({ currency: 'EUR' })).body.detail, 'name is required');
    const { status, body } = await post({ name: 'New', currency: 'EUR', aliases: ['0018b00002aBcDfAAK'] });
    assert.deepEqual([status, (await list('/customers/0018b00002aBcDfAAK')).id], [201, body.id]);
  });
  it('a write with a key happens once', async () => {
    const post = (name, key = 'k1') => al.post('/customers', { name, currency: 'EUR' }, { ...SECOND, 'Idempotency-Key': key });
    const first = await post('New');
    const again = await post('New');
    assert.deepEqual([again.status, again.body.id, again.headers.get('idempotent-replayed')], [201, first.body.id, 'true']);
    assert.equal(first.headers.get('idempotent-replayed'), null);
    assert.equal((await post('Other')).status, 422);
    assert.equal((await post('x', 'k'.repeat(256))).status, 400);
    await al.set({ write_ms: 100 });
    const both = await Promise.all([post('Slow', 'k2'), post('Slow', 'k2')]);
    assert.deepEqual(both.map((one) => one.status).sort(), [201, 409]);
  });
  it('what may pass is called transient', async () => {
    await al.set({ rate_limit: 1, rate_window_ms: 60000 });
    await al.get('/customers?limit=1&offset=0', SECOND);
    const limited = await al.get('/customers?limit=1&offset=0', SECOND);
    assert.deepEqual([limited.status, limited.headers.get('transient-error')], [429, 'true']);
    await al.set({ rate_limit: 0 });
    await al.fault({ do: { status: 500 } });
    const { status, body, headers } = await al.get('/customers?limit=1&offset=0', SECOND);
    assert.deepEqual([status, body, headers.get('transient-error')], [500, { status: 500, detail: 'try again' }, 'true']);
  });
});

describe('generation 1', () => {
  beforeEach(loadAll);

  it('has accounts, and names in camelCase', async () => {
    const { pageCount, data: accounts } = await list('/accounts?page=1&limit=5', FIRST);
    assert.equal(pageCount, 1);
    const recorded = data('first-accounts-page-1').data[0];
    const account = accounts.find((row) => row.id === recorded.id);
    assert.deepEqual(Object.keys(account).sort(), Object.keys(recorded).sort());
    assert.deepEqual(Object.keys(account.contacts[0]).sort(), Object.keys(recorded.contacts[0]).sort());
    assert.deepEqual(Object.keys(account.billingAddress).sort(), Object.keys(recorded.billingAddress).sort());
    const { items, limit } = await list('/invoices?page=1&limit=25', FIRST);
    assert.equal(limit, 25);
    assert.deepEqual(Object.keys(items[0]).sort(), Object.keys(data('first-invoices-page-1').items[0]).sort());
    assert.equal((await list('/accounts/bp-internal-118', FIRST)).id, 'aKd93LmQ');
    assert.equal((await list('/account/aKd93LmQ/credit-notes', FIRST)).items.length, 4);
  });
  it('limits pages to certain sizes', async () => {
    assert.match(await detail('/accounts?limit=20', FIRST), /^400 limit must be one of 5, 10/);
    assert.equal((await list('/invoices?limit=1000', FIRST)).limit, 100);
    assert.equal((await list('/account/aKd93LmQ/credit-notes?limit=3', FIRST)).items.length, 3);
    assert.equal((await list('/invoices', FIRST)).limit, 10);
  });
  it('filters by JSON', async () => {
    const filters = encodeURIComponent(JSON.stringify([{ field: 'accountId', operator: 'eq', value: 'sAkUrA01' }]));
    assert.equal((await list(`/invoices?filters=${filters}`, FIRST)).items.length, 1);
    assert.match(await detail('/invoices?filters=x', FIRST), /^400 filters/);
  });
});

describe('a made world', () => {
  it('is walked by offset; new rows shift it', async () => {
    await al.generate(30, 3);
    const walk = async (kind, between = () => {}) => {
      const seen = [];
      for (let offset = 0, more = true; more; offset += 7) {
        const { data: rows } = await list(`/${kind}?limit=7&offset=${offset}`);
        seen.push(...rows.map((row) => row.id));
        more = rows.length === 7;
        if (offset === 0) await between();
      }
      return seen;
    };
    const ids = await walk('invoices');
    assert.deepEqual([ids.length, new Set(ids).size], [57, 57]);
    const shifted = await walk('customers', () => al.change('customer.create', { customer: { name: 'New' } }));
    assert.deepEqual([shifted.length, new Set(shifted).size], [31, 30], 'one twice, the new one not at all');
    await al.set({ order: 'oldest' });
    assert.equal((await list('/customers?limit=1&offset=0')).data[0].id, 'cust_M000000000');
  });
  it('parts fit together', async () => {
    await al.generate(40, 1);
    const all = async (path) => (await list(`/${path}limit=100&offset=0`)).data;
    for (const row of await all('subscriptions?')) assert.equal((await list(`/subscriptions/${row.id}/versions/${row.current_version_id}`)).subscription_id, row.id);
    for (const row of await all('payments?')) {
      const invoice = await list(`/invoices/${row.invoice_id}`);
      assert.deepEqual([invoice.customer_id, invoice.total, invoice.status], [row.customer_id, row.amount, 'paid']);
    }
    for (const row of await all('refunds?sort=created_at:asc&')) assert.equal((await list(`/payments/${row.payment_id}`)).customer_id, row.customer_id);
    assert.equal((await list('/customers/001M00000000011')).id, 'cust_M000000011');
    assert.equal((await list('/customers/cus_ext_000012')).id, 'cust_M000000012');
  });
  it('a hundred thousand are a number', async () => {
    await al.generate(100000, 1);
    const made = [rowsMade(al.system.tables.invoices), rowsMade(al.system.tables.customers)];
    for (const offset of [0, 90000, 189900]) assert.equal((await list(`/invoices?limit=100&offset=${offset}`)).data.length, 100);
    assert.equal((await list('/invoices?limit=100&offset=0&customer_id=cust_M000077773')).data.length, 3);
    assert.equal((await list('/customers/own-054321')).id, 'cust_M000054321');
    assert.ok(made.every((count) => count() < 400));
  });
});

describe('webhooks', () => {
  const last = async () => JSON.parse((await al.sim('GET', 'events?bodies=1')).events.at(-1).body);
  const fields = (event) => Object.keys(event.data).sort();
  const recorded = (name) => data('events')[name];

  beforeEach(() => al.load({ customers: [{ id: 'c1', name: 'X' }] }));

  it('subscriptions', async () => {
    const { result: { id } } = await al.change('subscription.create', { subscription: { customer_id: 'c1' } });
    assert.deepEqual(await al.changed('subscription.activate', { id }), ['subscription.activated']);
    assert.deepEqual(Object.keys(await last()), ['type', 'timestamp', 'data']);
    assert.deepEqual(fields(await last()), fields(recorded('subscription.activated')));
    assert.deepEqual(await al.changed('subscription.start', { id }), ['subscription.started']);
    assert.deepEqual(await al.changed('subscription.update', { id, set: { name: 'Renamed' } }), ['subscription.updated']);
    assert.deepEqual(await al.changed('subscription.version', { id, version: { description: '12 more seats' }, pending: true }), ['subscription.version.updated']);
    assert.deepEqual(fields(await last()), fields(recorded('subscription.version.updated')));
    assert.equal((await list(`/subscriptions/${id}`)).pending_changes[0].description, '12 more seats');
    assert.deepEqual(await al.changed('subscription.renew', { id }), []);
    assert.deepEqual(await al.changed('subscription.schedule_cancel', { id, at: '2027-01-01T00:00:00Z' }), ['subscription.cancelation_scheduled']);
    assert.deepEqual(fields(await last()), fields(recorded('subscription.cancelation_scheduled')));
    assert.deepEqual(await al.changed('subscription.cancel', { id }), ['subscription.canceled']);
    assert.deepEqual(fields(await last()), fields(recorded('subscription.canceled')));
  });
  it('invoices and payments; what polling alone shows', async () => {
    const create = async () => (await al.change('invoice.create', { invoice: { customer_id: 'c1', total: '100.00' } })).result.id;
    const id = await create();
    assert.deepEqual(await al.changed('invoice.issue', { id }), ['invoice.issued']);
    assert.deepEqual(fields(await last()), fields(recorded('invoice.issued')));
    const { result: payment } = await al.change('payment.start', { invoice_id: id, amount: '40.5' });
    assert.deepEqual(await al.changed('payment.fail', payment), ['payment.updated']);
    assert.deepEqual(fields(await last()), fields(recorded('payment.updated.failed')));
    assert.deepEqual(await al.changed('invoice.pay', { id, amount: '40.5' }), ['payment.created', 'payment.updated']);
    assert.equal((await last()).data.status, 'completed');
    assert.deepEqual(fields(await last()), fields(recorded('payment.updated.completed')));
    assert.equal((await list(`/invoices/${id}`)).amount_remaining, '59.50');
    assert.deepEqual(await al.changed('invoice.pay', { id }), ['payment.created', 'payment.updated', 'invoice.paid']);
    const paid = (await list(`/payments?limit=10&offset=0&invoice_id=${id}`)).data.map((row) => row.status);
    assert.deepEqual(paid.sort(), ['failed', 'succeeded', 'succeeded']);
    for (const verb of ['overdue', 'void', 'cancel']) assert.deepEqual(await al.changed(`invoice.${verb}`, { id: await create() }), []);
    assert.deepEqual((await list('/invoices?limit=10&offset=0&status=overdue,void,canceled')).data.length, 3);
  });
  it('refunds and the rest', async () => {
    const { result: { id } } = await al.change('invoice.create', { invoice: { customer_id: 'c1', total: '10', line_items: [{ id: 'li1', total_price: '10' }] } });
    const { result: { payment_id: payment } } = await al.change('invoice.pay', { id });
    const { result: refund, events } = await al.change('refund.create', { payment_id: payment, amount: '3' });
    assert.deepEqual(events, []);
    assert.deepEqual(await al.changed('refund.update', refund), ['refund.updated']);
    assert.deepEqual(fields(await last()), fields(recorded('refund.updated')));
    assert.equal((await list(`/payments/${payment}`)).amount_refunded, '3');
    assert.deepEqual(await al.changed('credit_note.create', { customer_id: 'c1', total: '5.00' }), []);
    assert.deepEqual(await al.changed('customer.update', { id: 'c1', set: { name: 'Y' } }), []);
    assert.deepEqual(await al.changed('line_item.delete', { invoice_id: id, line_item_id: 'li1' }), ['line_item.deleted']);
    assert.deepEqual(await al.changed('credits.grant', { customer_id: 'c1', type: 'units' }), ['account.credits.granted']);
    assert.equal((await last()).data.currency, null);
    assert.deepEqual(await al.changed('checkout', { customer_id: 'c1' }), ['checkout.session.completed']);
    await al.set({ webhook_case: 'snake' });
    await al.change('credits.deplete', { customer_id: 'c1' });
    assert.ok('account_id' in (await last()).data);
  });
  it('are signed as published and recorded ones are', () => {
    for (const { secret, id, timestamp, body, signature } of data('signatures')) assert.equal(signatures([secret], id, timestamp, body), signature);
  });
  it('come in either family, twice signed while a secret is rotated', async () => {
    await al.change('checkout', { customer_id: 'c1' });
    const { webhook_secret: now } = al.system.settings;
    const before = 'whsec_r9XyAthLdy3UquCaUhC2MXcu3HQ8hLon';
    await al.set({ previous_secret: before });
    await al.deliver({ url: receiver.url });
    await al.deliver({ url: receiver.url, again: true, family: 'svix' });
    const [first, second] = receiver.taken;
    assert.equal(first.headers['webhook-signature'], signatures([now, before], first.headers['webhook-id'], first.headers['webhook-timestamp'], first.raw));
    assert.equal(second.headers['svix-id'], first.headers['webhook-id']);
    assert.ok(!('webhook-id' in second.headers));
    await al.deliver({ url: receiver.url, again: true, tamper: 'signature' });
    const { headers, raw } = receiver.taken[2];
    assert.notEqual(headers['webhook-signature'], signatures([now, before], headers['webhook-id'], headers['webhook-timestamp'], raw));
  });
  it('are tried eight times, unless told to stop', async () => {
    await al.change('checkout', { customer_id: 'c1' });
    receiver.answer = () => 302;
    assert.equal((await al.deliver({ url: receiver.url })).attempts, 8);
    receiver.answer = () => ({ status: 500, headers: { 'webhook-delivery': 'abort-message' } });
    assert.equal((await al.deliver({ url: receiver.url, again: true })).attempts, 1);
  });
});

describe('amounts', () => {
  it('are exact decimal text', () => {
    for (const [a, b, sum, difference] of [['0.1', '0.20', '0.30', '-0.10'], ['498000', '1', '498001', '497999'], ['26.6667', '0', '26.6667', '26.6667'],
      ['9007199254740993', '0.01', '9007199254740993.01', '9007199254740992.99']])
      assert.deepEqual([plus(a, b), minus(a, b)], [sum, difference]);
  });
});
