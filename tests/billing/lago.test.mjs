// The strictness of the Lago simulator: API, lists, endpoints, faults.
// What it sends is in lago-webhooks.test.mjs.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, beforeEach, describe, it } from 'node:test';
import { rawGet, rowsMade, start } from './common/driver.mjs';
import { Lago } from './lago/world.mjs';

const KEY = { Authorization: 'Bearer lago-sim-key' };
const data = (name) => JSON.parse(readFileSync(new URL(`lago/data/${name}.json`, import.meta.url), 'utf8'));
const CALM = { rate_limit: 0 };

let lago;
before(async () => {
  lago = await start(new Lago(), KEY);
});
after(() => lago.stop());
beforeEach(async () => {
  await lago.reset();
  await lago.set(CALM);
});

async function loadAll() {
  for (const name of ['customers.page1', 'customers.page2', 'plans.page1', 'subscriptions.all_statuses', 'invoices.page1', 'invoices.page2',
    'credit_notes.page1', 'payments.page1', 'activity_logs.page1'])
    await lago.load(data(name));
  await lago.load(data('invoice.show'));
}

const list = async (path) => {
  const { status, body } = await lago.get(`/api/v1${path}`);
  assert.equal(status, 200, path);
  return body;
};

// The words of an id tell which row of a list is meant.
const ids = (rows) => rows.map((row) => row.lago_id);

describe('what the API shows', () => {
  beforeEach(loadAll);

  it('pages of lists are as recorded', async () => {
    for (const [path, name] of [
      ['/customers?per_page=2', 'customers.page1'], ['/customers?per_page=2&page=2', 'customers.page2'],
      ['/plans', 'plans.page1'], ['/payments', 'payments.page1'], ['/credit_notes', 'credit_notes.page1'],
      ['/invoices?per_page=2', 'invoices.page1'], ['/invoices?per_page=2&page=2', 'invoices.page2'],
      ['/subscriptions', 'subscriptions.default_active_only'],
      ['/activity_logs', 'activity_logs.page1'], ['/customers?external_id=nobody', 'customers.empty'],
    ])
      assert.deepEqual(await list(path), data(name), path);
  });
  it('subscriptions of all statuses come by their ordered start', async () => {
    const { subscriptions } = await list('/subscriptions?status[]=pending&status[]=active&status[]=terminated&status[]=canceled&status[]=incomplete');
    const order = (row) => `${row.subscription_at} ${row.created_at}`;
    const sorted = data('subscriptions.all_statuses').subscriptions.sort((a, b) => (order(a) > order(b) ? -1 : 1));
    assert.deepEqual(subscriptions, sorted);
  });
  it('a single invoice has its parts', async () => {
    const shown = data('invoice.show');
    assert.deepEqual(await list(`/invoices/${shown.invoice.lago_id}`), shown);
  });
  it('writes as Rails does', async () => {
    const { text } = await lago.get('/api/v1/credit_notes');
    assert.match(text, /"taxes_rate":19\.0[,}]/);
    assert.match(text, /M\u00fcller \\u0026 /);
    assert.doesNotMatch(text, /[<>&]/);
    assert.match((await lago.get('/api/v1/plans')).text, /"trial_period":14\.0,/);
  });
  it('one status that is none makes the filter vanish, and a scalar is no filter', async () => {
    const all = (await list('/subscriptions?status[]=active&status[]=cancelled')).meta.total_count;
    assert.equal(all, data('subscriptions.all_statuses').meta.total_count);
    assert.equal((await list('/subscriptions?status=terminated')).meta.total_count, 2);
  });
  it('filters', async () => {
    const count = async (path) => (await list(path)).meta.total_count;
    assert.equal(await count('/invoices?issuing_date_from=2026-06-02&issuing_date_to=2026-06-10'), 2);
    assert.equal(await count('/invoices?statuses[]=voided'), 1);
    assert.equal(await count('/invoices?status=voided'), 4, 'not a filter');
    assert.equal(await count('/subscriptions?overridden=true'), 0);
    assert.equal(await count('/invoices?metadata[opportunity_id]=006Qy00000AbCdEIAV'), 1);
    assert.equal(await count('/invoices?amount_from=70000&amount_to=70000'), 1);
    assert.equal(await count('/invoices?external_customer_id=user:7731'), 2);
    assert.equal(await count('/customers/acct_2041/subscriptions'), 1);
    assert.equal(await count('/customers?has_customer_type=false&no_such_filter=1'), 1);
    assert.equal(await count('/credit_notes?types[]=offset'), 0);
    assert.equal(await count('/payments?invoice_id=215523fa-4c33-40db-8ee3-78208ae2fd8a'), 1);
    assert.equal(await count('/activity_logs?resource_types[]=Customer&resource_types[]=Subscription'), 2);
    assert.equal(await count('/activity_logs?from_date=2026-06-22T07:30:00Z&to_date=2026-06-22'), 1);
  });
  it('a dot cuts an id in a path, a slash breaks it', async () => {
    await lago.change('customer.upsert', { customer: { external_id: 'a.b' } });
    await lago.change('customer.upsert', { customer: { external_id: 'org/1' } });
    assert.equal((await lago.get('/api/v1/customers/a.b')).body.code, 'customer_not_found');
    assert.equal((await lago.get('/api/v1/customers/a.b/invoices')).body.code, 'resource_not_found');
    assert.equal((await lago.get('/api/v1/customers/org%2F1')).body.code, 'resource_not_found');
    for (const id of ['a.b', 'org/1']) assert.equal((await list(`/customers?external_id=${encodeURIComponent(id)}`)).customers[0].external_id, id);
    await lago.set({ customer_external_id_filter: false });
    assert.equal((await list('/customers?external_id=a.b')).meta.total_count, 6);
  });
  it('a subscription is shown by external id and one status', async () => {
    assert.equal((await list('/subscriptions/sub_brulerie_main')).subscription.plan_code, 'scale_yearly');
    assert.equal((await list('/subscriptions/sub_brulerie_main?status=terminated')).subscription.plan_code, 'scale_monthly');
    assert.equal((await lago.get('/api/v1/subscriptions/sub_brulerie_main?status=pending')).status, 404);
  });
  it('hidden invoices are not there', async () => {
    const { result } = await lago.change('invoice.create', { external_customer_id: 'acct_2041', invoice: { status: 'closed' } });
    assert.equal((await lago.get(`/api/v1/invoices/${result.lago_id}`)).body.code, 'invoice_not_found');
    assert.equal((await list('/invoices')).meta.total_count, 4);
  });
});

describe('keys, permissions, limits', () => {
  it('refuses an unknown key, and takes any first word', async () => {
    const { status, body } = await lago.get('/api/v1/organizations', { Authorization: 'Bearer wrong' });
    assert.deepEqual([status, body], [401, { status: 401, error: 'Unauthorized' }]);
    assert.equal((await lago.get('/api/v1/organizations', { Authorization: 'Token lago-sim-key' })).status, 200);
    assert.equal((await lago.get('/health', { Authorization: '' })).status, 200);
  });
  it('403 names the action and the resource', async () => {
    await lago.set({ denied: ['read:payment', 'write:webhook_endpoint'] });
    assert.deepEqual((await lago.get('/api/v1/payments')).body, { status: 403, error: 'Forbidden', code: 'read_action_not_allowed_for_payment' });
    assert.equal((await lago.post('/api/v1/webhook_endpoints', {})).body.code, 'write_action_not_allowed_for_webhook_endpoint');
    await lago.set({ activity_log: 'feature_unavailable' });
    assert.deepEqual((await lago.get('/api/v1/activity_logs')).body, { status: 403, error: 'Forbidden', code: 'feature_unavailable' });
  });
  it('counts calls in the cloud and not at home', async () => {
    assert.equal((await lago.get('/api/v1/customers')).headers.get('x-ratelimit-limit'), null);
    await lago.set({ rate_limit: 2, rate_window_ms: 60000 });
    assert.equal((await lago.get('/api/v1/customers')).headers.get('x-ratelimit-remaining'), '1');
    assert.equal((await lago.get('/api/v1/nothing')).headers.get('x-ratelimit-remaining'), '0');
    const { status, headers } = await lago.get('/api/v1/customers');
    assert.equal(status, 429);
    assert.ok(Number(headers.get('x-ratelimit-reset')) <= 60);
  });
  it('the organization names its webhook URLs', async () => {
    await lago.post('/api/v1/webhook_endpoints', { webhook_endpoint: { webhook_url: 'https://hooks.example.com/a' } });
    const { organization } = await list('/organizations');
    assert.deepEqual(organization.webhook_urls, ['https://hooks.example.com/a']);
    assert.equal(organization.lago_id, lago.system.settings.organization_id);
  });
});

describe('webhook endpoints', () => {
  const create = (fields) => lago.post('/api/v1/webhook_endpoints', { webhook_endpoint: fields });

  it('are created, changed, listed and removed', async () => {
    const { body } = await create({ webhook_url: 'https://hooks.example.com/1', event_types: [' Customer.Created', 'customer.created'] });
    const endpoint = body.webhook_endpoint;
    assert.equal(endpoint.signature_algo, 'jwt');
    assert.deepEqual(endpoint.event_types, ['customer.created']);
    const path = `/api/v1/webhook_endpoints/${endpoint.lago_id}`;
    assert.equal((await lago.put(path, { webhook_endpoint: { signature_algo: 'hmac' } })).body.webhook_endpoint.signature_algo, 'hmac');
    assert.equal((await list('/webhook_endpoints')).meta.total_count, 1);
    assert.equal((await lago.remove(path)).status, 200);
    assert.equal((await lago.get(path)).body.code, 'webhook_endpoint_not_found');
  });
  it('are validated', async () => {
    const problem = async (fields) => {
      const { status, body } = await create(fields);
      assert.equal(status, 422);
      assert.equal(body.code, 'validation_errors');
      return body.error_details;
    };
    assert.equal((await lago.post('/api/v1/webhook_endpoints', {})).status, 400);
    await create({ webhook_url: 'https://hooks.example.com/0' });
    assert.deepEqual(await problem({ webhook_url: 'https://hooks.example.com/0' }), { webhook_url: ['value_already_exist'] });
    assert.ok('webhook_url' in await problem({ webhook_url: 'not a url' }));
    assert.ok('event_types' in await problem({ webhook_url: 'https://hooks.example.com/x', event_types: ['credit_note.refund_failure'] }));
    for (let i = 1; i < 10; i++) assert.equal((await create({ webhook_url: `https://hooks.example.com/${i}`, event_types: null })).status, 200);
    assert.deepEqual(await problem({ webhook_url: 'https://hooks.example.com/10' }), { base: ['exceeded_limit'] });
  });
  it('of an older server know no filter', async () => {
    await lago.set({ endpoint_event_filter: false });
    const { body } = await create({ webhook_url: 'https://hooks.example.com/1', name: 'x', event_types: ['no.such'] });
    assert.ok(!('event_types' in body.webhook_endpoint) && !('name' in body.webhook_endpoint));
  });
});

describe('writes', () => {
  const upsert = (customer) => lago.post('/api/v1/customers', { customer });

  it('a customer is upserted by external id', async () => {
    const first = (await upsert({ external_id: 'c.1', name: 'Fernhill', external_salesforce_id: '001AA' })).body.customer;
    const second = (await upsert({ external_id: 'c.1', external_salesforce_id: '001BB' })).body.customer;
    assert.equal(second.lago_id, first.lago_id);
    assert.deepEqual([second.name, second.external_salesforce_id], ['Fernhill', '001BB']);
    assert.equal((await lago.post('/api/v1/customers', {})).status, 400);
    assert.deepEqual((await upsert({ name: 'x' })).body.error_details, { external_id: ['value_is_mandatory'] });
    assert.equal((await lago.put('/api/v1/customers/nobody', { customer: { name: 'x' } })).status, 404);
  });
  it('a link without its id is made anew; a Salesforce link stays', async () => {
    const link = { integration_type: 'salesforce', integration_code: 'sf_prod', external_customer_id: '001AA' };
    const [made] = (await upsert({ external_id: 'c1', integration_customers: [link] })).body.customer.integration_customers;
    const [kept] = (await upsert({ external_id: 'c1', integration_customers: [{ ...link, id: made.lago_id, external_customer_id: '001CC' }] })).body.customer.integration_customers;
    assert.deepEqual(kept, made);
    const [anew] = (await upsert({ external_id: 'c1', integration_customers: [{ ...link, external_customer_id: '001CC' }] })).body.customer.integration_customers;
    assert.notEqual(anew.lago_id, made.lago_id);
    assert.equal(anew.external_customer_id, '001CC');
  });
  it('an invoice takes metadata and a Salesforce id, unless it is void', async () => {
    await upsert({ external_id: 'c1', currency: 'EUR' });
    const { result: { lago_id: id } } = await lago.change('invoice.create', { external_customer_id: 'c1' });
    const sync = (body) => lago.put(`/api/v1/invoices/${id}/sync_salesforce_id`, body);
    assert.equal((await sync({ external_id: 'a0B1', integration_code: 'none' })).body.code, 'integration_not_found');
    assert.equal((await sync({ external_id: 'a0B1', integration_code: 'sf_prod' })).status, 200);
    assert.equal((await lago.sim('GET', 'state')).salesforce_ids[id], 'a0B1');
    const metadata = { invoice: { metadata: [{ key: 'k', value: 'v' }] } };
    assert.equal((await lago.put(`/api/v1/invoices/${id}`, metadata)).body.invoice.metadata[0].value, 'v');
    await lago.change('invoice.void', { lago_id: id });
    assert.equal((await lago.put(`/api/v1/invoices/${id}`, metadata)).status, 405);
  });
});

describe('a made world', () => {
  it('is the same for the same seed, whole and without doubles', async () => {
    await lago.generate(57, 7);
    const seen = new Set();
    let page = 1;
    let before = '9999';
    for (; page !== null;) {
      const { customers, meta } = await list(`/customers?per_page=10&page=${page}`);
      for (const { lago_id: id, created_at: at } of customers) {
        assert.ok(at <= before);
        before = at;
        seen.add(id);
      }
      page = meta.next_page;
    }
    assert.equal(seen.size, 57);
    const first = (await list('/invoices?per_page=3')).invoices;
    await lago.reset();
    await lago.set(CALM);
    await lago.generate(57, 7);
    assert.deepEqual((await list('/invoices?per_page=3')).invoices, first);
  });
  it('has all statuses, chains, and ids with dots and slashes', async () => {
    await lago.generate(100, 1);
    const { subscriptions } = await list('/subscriptions?per_page=1000&status[]=all');
    for (const status of ['pending', 'active', 'terminated', 'canceled', 'incomplete']) assert.ok(subscriptions.some((row) => row.status === status), status);
    const chain = subscriptions.filter((row) => row.external_id === 'sub_000004');
    assert.deepEqual(chain.map((row) => row.status), ['active', 'terminated']);
    assert.equal((await list('/customers?external_id=org/000002')).meta.total_count, 1);
    const { invoices } = await list('/invoices?per_page=1000');
    for (const row of invoices) {
      const parts = row.fees_amount_cents - row.coupons_amount_cents + row.taxes_amount_cents;
      assert.equal(row.total_amount_cents, parts);
      assert.equal((await lago.sim('GET', `state/customers?id=${row.customer.lago_id}`)).count, 1);
    }
    assert.equal((await list('/payments?per_page=1000')).payments.filter((row) => row.amount_cents > 0).length, 160);
  });
  it('rows shift to later pages while others are added', async () => {
    await lago.generate(20, 1);
    const one = await list('/customers?per_page=5&page=1');
    await lago.change('customer.upsert', { customer: { external_id: 'new' } });
    const two = await list('/customers?per_page=5&page=2');
    assert.equal(two.customers[0].lago_id, one.customers[4].lago_id);
    assert.equal((await list('/customers?per_page=1')).customers[0].external_id, 'new');
  });
  it('a changed made row keeps its place, a removed one is gone', async () => {
    await lago.generate(30, 1);
    const before = (await list('/customers')).customers;
    await lago.change('customer.upsert', { customer: { external_id: before[3].external_id, name: 'Renamed' } });
    const then = (await list('/customers')).customers;
    assert.deepEqual(ids(then), ids(before));
    assert.equal(then[3].name, 'Renamed');
    await lago.change('customer.delete', { external_id: before[3].external_id });
    assert.deepEqual(ids((await list('/customers')).customers), ids(before).filter((id, i) => i !== 3));
    assert.equal((await list('/invoices?per_page=1000')).meta.total_count, 72);
  });
  it('the total of invoices is cached until what seems the last page', async () => {
    await lago.generate(10, 1);
    assert.equal((await list('/invoices?per_page=10')).meta.total_count, 24);
    await lago.change('invoice.create', { external_customer_id: 'cust_000000' });
    assert.equal((await list('/invoices?per_page=10')).meta.total_count, 24);
    assert.equal((await list('/invoices?per_page=10&page=3')).meta.total_count, 25);
  });
  it('a hundred thousand customers are a number', async () => {
    await lago.generate(100000, 5);
    const made = [rowsMade(lago.system.tables.customers), rowsMade(lago.system.tables.subscriptions)];
    for (const page of [1, 500, 1000]) assert.equal((await list(`/customers?page=${page}`)).customers.length, 100);
    assert.equal((await list('/customers?external_id=cust_054320')).customers.length, 1);
    assert.equal((await list('/subscriptions?external_id=sub_054324&status[]=active&status[]=terminated&status[]=pending&status[]=canceled&status[]=incomplete')).meta.total_count, 2);
    assert.ok(made.every((count) => count() < 400));
  });
});

describe('faults and the log', () => {
  it('a status, a lost answer, half an answer', async () => {
    await lago.fault({ match: { path: '/customers', method: 'GET' }, times: 2, do: { status: 500 } }, { match: { path: '/plans' }, do: { status: 429 } });
    assert.deepEqual([(await lago.get('/api/v1/customers')).status, (await lago.get('/api/v1/customers')).status, (await lago.get('/api/v1/customers')).status], [500, 500, 200]);
    const { status, headers } = await lago.get('/api/v1/plans');
    assert.deepEqual([status, headers.get('x-ratelimit-reset')], [429, '1']);
    await lago.fault({ match: { path: '/customers', method: 'POST' }, do: { drop: 'after' } });
    await assert.rejects(lago.post('/api/v1/customers', { customer: { external_id: 'x' } }));
    assert.equal((await list('/customers?external_id=x')).meta.total_count, 1);
    await lago.fault({ do: { truncate: true } });
    assert.equal((await rawGet(`${lago.base}/api/v1/customers`, KEY)).cut, true);
  });
  it('counts calls by kind, and control calls not', async () => {
    await lago.sim('DELETE', 'calls');
    await lago.get('/api/v1/customers/x');
    await lago.get('/api/v1/customers?page=2');
    const { total, byKind } = await lago.sim('GET', 'calls?count=1');
    assert.deepEqual([total, byKind], [2, { 'GET /api/v1/customers/{external_id}': 1, 'GET /api/v1/customers': 1 }]);
  });
  it('control refuses what it does not know', async () => {
    for (const [path, body] of [['change', { do: 'nothing' }], ['settings', { nothing: 1 }], ['load', { nothing: [] }], ['deliver', { nothing: 1 }], ['generate', { customers: -1 }]])
      assert.equal((await lago.post(`/_sim/${path}`, body)).status, 400, path);
    assert.equal((await lago.get('/_sim/nothing')).status, 404);
  });
});
