// The strictness of the Stripe simulator, rule by rule: keys, parameters,
// lists, expansion, events. Webhooks and their endpoints are in
// stripe-webhooks.test.mjs.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { customer, encode, price, start, subscription } from './stripe/driver.mjs';

let st;
let keys;
before(async () => {
  st = await start();
  ({ keys } = await st.look('settings'));
});
after(() => st.stop());
beforeEach(async () => {
  await st.control('reset');
  await st.control('settings', { keys });
});

const load = (...objects) => st.control('load', { objects });
const refused = async (path, status, pattern, param, options) => {
  const answer = await st.get(path, options);
  assert.equal(answer.status, status, `${path}: ${JSON.stringify(answer.body)}`);
  assert.match(answer.body.error.message, pattern);
  if (param !== undefined) assert.equal(answer.body.error.param, param);
  return answer;
};
const ids = (answer) => answer.body.data.map((one) => one.id);

describe('keys, modes and accounts', () => {
  it('takes bearer, and basic with an empty password', async () => {
    const basic = (text) => ({ headers: { Authorization: `Basic ${Buffer.from(text).toString('base64')}` } });
    assert.equal((await st.get('/v1/customers')).status, 200);
    assert.equal((await st.get('/v1/customers', basic('sk_live_sim:'))).status, 200);
    await refused('/v1/customers', 401, /did not provide an API key/, undefined, basic('sk_live_sim:x'));
    await refused('/v1/customers', 401, /did not provide an API key/, undefined, { headers: { Authorization: '' } });
  });
  it('refuses unknown, expired and publishable keys without showing them', async () => {
    const { headers } = await refused('/v1/customers', 401, /^Invalid API Key provided: sk_live_\*+5678$/, undefined, { key: 'sk_live_12345678' });
    assert.match(headers.get('www-authenticate'), /Stripe/);
    await refused('/v1/customers', 403, /publishable/, undefined, { key: 'pk_live_1' });
    await st.control('settings', { keys: { sk_live_sim: { permissions: '*' }, sk_live_old: { permissions: '*', expired: true } } });
    const { body } = await refused('/v1/customers', 401, /Expired API Key/, undefined, { key: 'sk_live_old' });
    assert.equal(body.error.code, 'api_key_expired');
  });
  it('names the permission that a restricted key lacks', async () => {
    await st.control('settings', { keys: { sk_live_sim: { permissions: '*' }, rk_live_few: { permissions: ['rak_customer_write', 'rak_credit_note_read'] } } });
    const few = { key: 'rk_live_few' };
    assert.equal((await st.get('/v1/customers', few)).status, 200);
    assert.equal((await st.get('/v1/invoices', few)).status, 200);
    await refused('/v1/prices', 403, /Having the 'rak_plan_read' permission/, undefined, few);
    await refused('/v1/account', 403, /required permissions/, undefined, few);
    await refused('/v1/invoices?expand[]=data.discounts.source.coupon', 403, /'rak_coupon_read'/, undefined, few);
    await refused('/v1/customers', 403, /any Connect permissions/, undefined, { ...few, headers: { 'Stripe-Account': 'acct_1QcOnNeCtEdAcct0' } });
  });
  it('keeps live and test mode apart', async () => {
    await load(customer('cus_live'), customer('cus_test', { livemode: false }));
    assert.deepEqual(ids(await st.get('/v1/customers')), ['cus_live']);
    assert.deepEqual(ids(await st.get('/v1/customers', { key: 'sk_test_sim' })), ['cus_test']);
    await refused('/v1/customers/cus_test', 404, /a similar object exists in test mode/, 'id');
  });
  it('shows a connected account its own objects', async () => {
    await st.control('load', { account: 'acct_1QcOnNeCtEdAcct0', objects: [customer('cus_theirs')] });
    const as = (account) => ({ headers: { 'Stripe-Account': account } });
    assert.deepEqual(ids(await st.get('/v1/customers', as('acct_1QcOnNeCtEdAcct0'))), ['cus_theirs']);
    assert.deepEqual(ids(await st.get('/v1/customers', as('acct_1QbHkDemoAccount'))), []);
    assert.equal((await st.get('/v1/account', as('acct_1QcOnNeCtEdAcct0'))).body.id, 'acct_1QcOnNeCtEdAcct0');
    const { body } = await refused('/v1/customers', 403, /does not have access to account 'acct_other'/, undefined, as('acct_other'));
    assert.equal(body.error.code, 'account_invalid');
  });
  it('wants a version that it knows, and answers with it', async () => {
    const answer = await st.get('/v1/account');
    assert.equal(answer.headers.get('stripe-version'), '2026-10-28.endive');
    assert.match(answer.headers.get('request-id'), /^req_\w+$/);
    assert.ok(answer.headers.get('date'));
    assert.equal(answer.body.livemode, undefined);
    assert.equal(answer.body.settings.dashboard.display_name, answer.body.business_profile.name);
    await refused('/v1/account', 400, /Invalid Stripe API version: 2031-01-01.new/, undefined, { headers: { 'Stripe-Version': '2031-01-01.new' } });
    const bare = await fetch(`${st.base}/v1/account`, { headers: { Authorization: 'Bearer sk_live_sim' } });
    assert.equal(bare.status, 400);
  });
  it('answers 404 to paths that are not there', async () => {
    await refused('/v1/nothing', 404, /Unrecognized request URL \(GET: \/v1\/nothing\)/);
    assert.equal((await st.call('DELETE', '/v1/customers/cus_1')).status, 404);
  });
});

describe('parameters', () => {
  it('refuses what it does not know, naming it', async () => {
    const { body } = await refused('/v1/customers?colour=red', 400, /Received unknown parameter: colour/, 'colour');
    assert.equal(body.error.code, 'parameter_unknown');
    await refused('/v1/customers?created[since]=1', 400, /Received unknown parameter: created\[since\]/, 'created[since]');
    await refused('/v1/invoices?updated[gte]=1', 400, /unknown parameter/, 'updated');
    await refused('/v1/customers/cus_1?limit=1', 400, /unknown parameter/, 'limit');
  });
  it('checks limits, numbers, words and empty values', async () => {
    for (const limit of ['0', '101', 'ten', '-1']) await refused(`/v1/customers?limit=${limit}`, 400, /./, 'limit');
    await refused('/v1/customers?limit=', 400, /empty string for 'limit'/, 'limit');
    await refused('/v1/invoices?status=late', 400, /must be one of draft, open, paid, uncollectible or void/, 'status');
    await refused('/v1/products?active=yes', 400, /Invalid boolean/, 'active');
    await refused('/v1/customers?created=soon', 400, /Invalid integer/, 'created');
    await refused('/v1/customers?email[a]=b', 400, /Invalid string/, 'email');
    await refused('/v1/prices?lookup_keys=a', 400, /Invalid array/, 'lookup_keys');
    const many = Array.from({ length: 11 }, (_, n) => `lookup_keys[]=${n}`).join('&');
    await refused(`/v1/prices?${many}`, 400, /maximum 10/, 'lookup_keys');
    await refused('/v1/customers?email=%zz', 400, /Invalid encoding/);
  });
  it('takes a body as a form only', async () => {
    await load(customer('cus_1'));
    const { status, body } = await st.call('POST', '/v1/customers/cus_1', { headers: { 'Content-Type': 'application/json' }, body: '{"metadata":{"a":"b"}}' });
    assert.equal(status, 400);
    assert.match(body.error.message, /application\/x-www-form-urlencoded/);
  });
  it('refuses filters that name what is not there', async () => {
    const { body } = await refused('/v1/subscriptions?customer=cus_none', 400, /No such customer: 'cus_none'/, 'customer');
    assert.equal(body.error.code, 'resource_missing');
  });
  it('says of itself what it cannot do', async () => {
    await load(customer('cus_1'));
    const { status, body } = await st.post('/v1/customers/cus_1', { balance: '5' });
    assert.equal(status, 598);
    assert.match(body, /does not change balance/);
    assert.equal((await st.get('/v1/customers/search?query=x')).status, 598);
  });
});

describe('lists', () => {
  const five = () => load(...[1, 2, 3, 4, 5].map((n) => customer(`cus_${n}`, { created: 1790000000 + 10 * n })));

  it('pages from the newest to the oldest', async () => {
    await five();
    const first = await st.get('/v1/customers?limit=2');
    assert.deepEqual([ids(first), first.body.has_more, first.body.url], [['cus_5', 'cus_4'], true, '/v1/customers']);
    const second = await st.get('/v1/customers?limit=3&starting_after=cus_4');
    assert.deepEqual([ids(second), second.body.has_more], [['cus_3', 'cus_2', 'cus_1'], false]);
    assert.deepEqual(ids(await st.get('/v1/customers?starting_after=cus_1')), []);
  });
  it('pages the other way with ending_before: the nearest newer ones, newest first', async () => {
    await five();
    const page = await st.get('/v1/customers?limit=2&ending_before=cus_2');
    assert.deepEqual([ids(page), page.body.has_more], [['cus_4', 'cus_3'], true]);
    assert.deepEqual(ids(await st.get('/v1/customers?limit=2&ending_before=cus_4')), ['cus_5']);
  });
  it('refuses both ways at once, and cursors it never saw', async () => {
    await five();
    await refused('/v1/customers?starting_after=cus_1&ending_before=cus_5', 400, /Please pass in only one/);
    await refused('/v1/customers?starting_after=cus_none', 400, /No such customer: 'cus_none'/, 'starting_after');
  });
  it('goes on after a customer that was deleted between pages', async () => {
    await five();
    await st.control('change', { type: 'customer.deleted', id: 'cus_4' });
    assert.deepEqual(ids(await st.get('/v1/customers?limit=2&starting_after=cus_4')), ['cus_3', 'cus_2']);
    await st.control('settings', { deleted_cursor: false });
    await refused('/v1/customers?starting_after=cus_4', 400, /No such customer/, 'starting_after');
    await st.control('settings', { deleted_cursor: true });
  });
  it('does not lose its place when rows appear between pages', async () => {
    await five();
    assert.deepEqual(ids(await st.get('/v1/customers?limit=2')), ['cus_5', 'cus_4']);
    await load(customer('cus_6', { created: 1790000099 }));
    assert.deepEqual(ids(await st.get('/v1/customers?limit=2&starting_after=cus_4')), ['cus_3', 'cus_2']);
  });
  it('keeps the order of equal seconds', async () => {
    await load(...['a', 'b', 'c'].map((n) => customer(`cus_${n}`)));
    assert.deepEqual(ids(await st.get('/v1/customers')), ['cus_c', 'cus_b', 'cus_a']);
    assert.deepEqual(ids(await st.get('/v1/customers?starting_after=cus_b')), ['cus_a']);
  });
  it('filters by created', async () => {
    await five();
    assert.deepEqual(ids(await st.get('/v1/customers?created[gt]=1790000020&created[lte]=1790000040')), ['cus_4', 'cus_3']);
    assert.deepEqual(ids(await st.get('/v1/customers?created[gte]=1790000040')), ['cus_5', 'cus_4']);
    assert.deepEqual(ids(await st.get('/v1/customers?created[lt]=1790000020')), ['cus_1']);
    assert.deepEqual(ids(await st.get('/v1/customers?created=1790000030')), ['cus_3']);
  });
  it('leaves canceled subscriptions out unless asked', async () => {
    await load(customer('cus_1'), ...['active', 'canceled', 'incomplete_expired', 'past_due'].map((status) => subscription(`sub_${status}`, 'cus_1', 1, { status })));
    const of = async (query) => ids(await st.get(`/v1/subscriptions${query}`)).map((id) => id.slice(4)).sort();
    assert.deepEqual(await of(''), ['active', 'incomplete_expired', 'past_due']);
    assert.deepEqual(await of('?status=all'), ['active', 'canceled', 'incomplete_expired', 'past_due']);
    assert.deepEqual(await of('?status=ended'), ['canceled', 'incomplete_expired']);
    assert.deepEqual(await of('?status=past_due'), ['past_due']);
    assert.deepEqual(await of('?customer=cus_1&current_period_end[lt]=1792600100'), []);
    assert.deepEqual(await of('?price=price_0'), ['active', 'incomplete_expired', 'past_due']);
  });
  it('hides what lives on a test clock', async () => {
    await load(customer('cus_1'), customer('cus_clock', { test_clock: 'clock_1' }));
    assert.deepEqual(ids(await st.get('/v1/customers')), ['cus_1']);
    assert.deepEqual(ids(await st.get('/v1/customers?test_clock=clock_1')), ['cus_clock']);
  });
  it('compares emails exactly', async () => {
    await load(customer('cus_1', { email: 'Ada@example.com' }));
    assert.deepEqual(ids(await st.get(`/v1/customers?${encode({ email: 'Ada@example.com' })}`)), ['cus_1']);
    assert.deepEqual(ids(await st.get(`/v1/customers?${encode({ email: 'ada@example.com' })}`)), []);
  });
  it('reads a deleted customer as such, and nothing of a deleted product', async () => {
    await load(customer('cus_1'), { id: 'prod_1', object: 'product', created: 1, livemode: true, name: 'Team' });
    await st.control('change', { changes: [{ type: 'customer.deleted', id: 'cus_1' }, { type: 'product.deleted', id: 'prod_1' }] });
    assert.deepEqual((await st.get('/v1/customers/cus_1')).body, { id: 'cus_1', object: 'customer', deleted: true });
    assert.deepEqual(ids(await st.get('/v1/customers')), []);
    const { body } = await refused('/v1/products/prod_1', 404, /No such product: 'prod_1'/, 'id');
    assert.deepEqual([body.error.code, body.error.type], ['resource_missing', 'invalid_request_error']);
  });
});

describe('embedded lists and expansion', () => {
  const TIERS = [{ up_to: 10, unit_amount: 100, flat_amount: null }, { up_to: null, unit_amount: 50, flat_amount: null }];
  const world = () => load(
    customer('cus_1'), { id: 'prod_1', object: 'product', created: 1, livemode: true, name: 'Team' },
    { id: 'HALF', object: 'coupon', created: 1, livemode: true, percent_off: 50, duration: 'forever', applies_to: { products: ['prod_1'] } },
    { id: 'di_1', object: 'discount', customer: 'cus_1', subscription: 'sub_1', source: { type: 'coupon', coupon: 'HALF' }, start: 1, end: null },
    price('price_0', { billing_scheme: 'tiered', tiers_mode: 'graduated', tiers: TIERS }),
    subscription('sub_1', 'cus_1', 14, { discounts: ['di_1'], latest_invoice: 'in_gone' }),
  );
  const sub = async (query = '') => (await st.get(`/v1/subscriptions/sub_1${query}`)).body;

  it('cuts items to ten, and lists the rest', async () => {
    await world();
    const { items } = await sub();
    assert.deepEqual([items.data.length, items.has_more, items.total_count], [10, true, 14]);
    const rest = await st.get(`/v1/subscription_items?subscription=sub_1&starting_after=${items.data[9].id}`);
    assert.deepEqual([ids(rest), rest.body.has_more], [['si_sub_1_10', 'si_sub_1_11', 'si_sub_1_12', 'si_sub_1_13'], false]);
    const { body } = await refused('/v1/subscription_items', 400, /Missing required param: subscription/, 'subscription');
    assert.equal(body.error.code, 'parameter_missing');
    assert.equal((await st.get('/v1/subscription_items/si_sub_1_12')).body.quantity, 13);
  });
  it('cuts lines to ten, and pages through the rest', async () => {
    const lines = Array.from({ length: 23 }, (_, n) => ({ id: `il_${n}`, object: 'line_item', amount: n }));
    await load(customer('cus_1'), { id: 'in_1', object: 'invoice', created: 1, livemode: true, customer: 'cus_1', status: 'open', lines: { object: 'list', data: lines, url: '/v1/invoices/in_1/lines' } });
    const { body } = await st.get('/v1/invoices/in_1');
    assert.deepEqual([body.lines.data.length, body.lines.has_more], [10, true]);
    const page = await st.get('/v1/invoices/in_1/lines?limit=10&starting_after=il_9');
    assert.deepEqual([ids(page)[0], ids(page).length, page.body.has_more, page.body.url], ['il_10', 10, true, '/v1/invoices/in_1/lines']);
    assert.deepEqual(ids(await st.get('/v1/invoices/in_1/lines?starting_after=il_19')), ['il_20', 'il_21', 'il_22']);
  });
  it('sends tiers only when asked, and not deeper than four names', async () => {
    await world();
    assert.equal((await sub()).items.data[0].price.tiers, undefined);
    assert.deepEqual((await sub('?expand[]=items.data.price.tiers')).items.data[0].price.tiers, TIERS);
    assert.equal((await st.get('/v1/prices/price_0')).body.tiers, undefined);
    assert.deepEqual((await st.get('/v1/prices?limit=100&expand[]=data.tiers')).body.data.find((one) => one.id === 'price_0').tiers, TIERS);
    await refused('/v1/subscriptions?expand[]=data.items.data.price.tiers', 400, /more than 4 levels/, 'expand');
  });
  it('expands references, and only references', async () => {
    await world();
    const plain = await sub();
    assert.deepEqual([plain.customer, plain.discounts], ['cus_1', ['di_1']]);
    const { customer: whole, discounts, latest_invoice: gone, items } = await sub('?expand[]=customer&expand[]=discounts.source.coupon&expand[]=latest_invoice&expand[]=items.data.price.product');
    assert.deepEqual([whole.name, discounts[0].source.coupon.percent_off, gone, items.data[0].price.product.name], ['Fernhill cus_1', 50, 'in_gone', 'Team']);
    assert.equal(discounts[0].source.coupon.applies_to, undefined);
    await refused('/v1/subscriptions/sub_1?expand[]=metadata', 400, /This property cannot be expanded \(metadata\)/, 'expand');
    await refused('/v1/subscriptions/sub_1?expand[]=items', 400, /cannot be expanded/);
    await refused('/v1/subscriptions?expand[]=customer', 400, /try expanding 'data.customer' instead/);
    await refused('/v1/subscriptions/sub_1?expand[]=data.customer', 400, /cannot be expanded/);
    assert.deepEqual((await st.get('/v1/coupons/HALF?expand[]=applies_to')).body.applies_to, { products: ['prod_1'] });
    assert.equal((await st.get('/v1/coupons/HALF')).body.applies_to, undefined);
  });
  it('expands on lists with data in front', async () => {
    await world();
    const { body } = await st.get('/v1/subscriptions?expand[]=data.discounts.source.coupon&expand[]=data.customer');
    assert.deepEqual([body.data[0].discounts[0].source.coupon.id, body.data[0].customer.id], ['HALF', 'cus_1']);
  });
});

describe('the recorded account', () => {
  it('is loaded, and answers what was recorded', async () => {
    await st.control('load', { recorded: true });
    const invoice = (await st.get('/v1/invoices/in_1Q8pz2OV79LYpITKounibMba')).body;
    assert.equal(invoice.payments, undefined);
    const payments = (await st.get('/v1/invoices/in_1Q8pz2OV79LYpITKounibMba?expand[]=payments')).body.payments;
    assert.equal(payments.data[0].payment.payment_intent, 'pi_3QPAQqOyvSF4Y3YASvL3Ezyw');
    const by = await st.get(`/v1/invoice_payments?${encode({ 'payment[type]': 'payment_intent', 'payment[payment_intent]': 'pi_3QPAQqOyvSF4Y3YASvL3Ezyw' })}`);
    assert.deepEqual(ids(by), ['inpay_1QchxR8FawWMpfJ8zXQB6VRx']);
    assert.deepEqual(ids(await st.get('/v1/invoice_payments?invoice=in_1Q8pz2OV79LYpITKounibMba')), ['inpay_1QchxR8FawWMpfJ8zXQB6VRx']);
    const orbit = (await st.get('/v1/invoices/in_1QjUu2FSbbtvDYHq6EtR20m4')).body;
    assert.deepEqual([orbit.lines.data.length, orbit.lines.has_more], [10, true]);
    assert.equal((await st.get('/v1/invoices/in_1QjUu2FSbbtvDYHq6EtR20m4/lines?limit=100')).body.data.length, 14);
    assert.deepEqual(ids(await st.get('/v1/customers?limit=3')).length, 3);
    assert.equal((await st.get('/v1/refunds?charge=ch_3QubOz3VeZhsAD67AJRnrsCM')).body.data[0].amount, 10603);
  });
});

describe('changes and events', () => {
  it('records the old values of what changed only', async () => {
    await load(customer('cus_1'), subscription('sub_1', 'cus_1', 2));
    const { event } = await st.control('change', {
      type: 'customer.subscription.updated', id: 'sub_1',
      set: { 'items.data.1.quantity': 9, 'metadata.crm': 'x', 'cancellation_details.reason': 'cancellation_requested', cancel_at: 1799999999 },
    });
    assert.equal(event.data.object.items.data[1].quantity, 9);
    const { items, ...old } = event.data.previous_attributes;
    assert.deepEqual(old, { metadata: { crm: null }, cancellation_details: { reason: null }, cancel_at: null });
    assert.deepEqual(items.data.map((item) => item.quantity), [1, 2]);
    assert.deepEqual([event.api_version, event.livemode, event.account], ['2026-10-28.endive', true, undefined]);
    assert.equal((await st.get('/v1/subscriptions/sub_1')).body.items.data[1].quantity, 9);
  });
  it('sends events with at most ten items, never with tiers', async () => {
    await load(customer('cus_1'), price('price_0', { tiers: [{ up_to: null }] }), subscription('sub_1', 'cus_1', 12));
    const { event } = await st.control('change', { type: 'customer.subscription.updated', id: 'sub_1', set: { status: 'past_due' } });
    assert.deepEqual([event.data.object.items.data.length, event.data.object.items.has_more], [10, true]);
    assert.equal(JSON.stringify(event).includes('tiers"'), false);
  });
  it('ends a subscription, creates objects, and lets happen what leaves no object', async () => {
    await load(customer('cus_1'), subscription('sub_1', 'cus_1'));
    const { events } = await st.control('change', { changes: [
      { type: 'customer.subscription.deleted', id: 'sub_1' },
      { type: 'customer.created', object: { id: 'cus_2', object: 'customer', email: 'a@example.com' } },
      { type: 'invoice.upcoming', object: { object: 'invoice', customer: 'cus_1', lines: { object: 'list', data: [] } } },
    ] });
    assert.deepEqual([events[0].data.object.status, events[0].data.previous_attributes], ['canceled', undefined]);
    assert.equal((await st.get('/v1/subscriptions/sub_1')).body.status, 'canceled');
    assert.equal((await st.get('/v1/customers/cus_2')).body.livemode, true);
    assert.equal(events[2].data.object.id, undefined);
    assert.deepEqual(ids(await st.get('/v1/invoices')), []);
    await assert.rejects(st.control('change', { type: 'customer.exploded', id: 'cus_1' }), /no such event type/);
    await assert.rejects(st.control('change', { type: 'invoice.paid', id: 'cus_1' }), /no such invoice/);
  });
  it('lists events by type, by words with *, and forward with ending_before', async () => {
    await load(customer('cus_1'), subscription('sub_1', 'cus_1'));
    const make = async (type, id, name) => (await st.control('change', { type, id, set: { description: name } })).event.id;
    const first = await make('customer.updated', 'cus_1', 'a');
    const second = await make('customer.subscription.updated', 'sub_1', 'b');
    const third = await make('customer.updated', 'cus_1', 'c');
    assert.deepEqual(ids(await st.get('/v1/events')), [third, second, first]);
    assert.deepEqual(ids(await st.get('/v1/events?type=customer.updated')), [third, first]);
    assert.deepEqual(ids(await st.get('/v1/events?type=customer.subscription.*')), [second]);
    assert.deepEqual(ids(await st.get('/v1/events?types[]=customer.subscription.updated&types[]=invoice.paid')), [second]);
    const page = await st.get(`/v1/events?limit=1&ending_before=${first}`);
    assert.deepEqual([ids(page), page.body.has_more], [[second], true]);
    const last = await st.get(`/v1/events?limit=1&ending_before=${second}`);
    assert.deepEqual([ids(last), last.body.has_more], [[third], false]);
    await refused(`/v1/events?${Array.from({ length: 21 }, (_, n) => `types[]=x${n}`).join('&')}`, 400, /maximum 20/, 'types');
    await refused('/v1/events?type=a&types[]=b', 400, /only specify one/);
    assert.equal((await st.get(`/v1/events/${second}`)).body.data.object.id, 'sub_1');
  });
  it('forgets events after thirty days', async () => {
    const now = Math.floor(Date.now() / 1000);
    const event = (id, created) => ({ id, object: 'event', type: 'customer.updated', created, livemode: true, api_version: null, data: { object: customer('cus_1') }, request: null });
    await st.control('load', { events: [event('evt_old', now - 31 * 86400), event('evt_new', now - 29 * 86400)] });
    assert.deepEqual(ids(await st.get('/v1/events')), ['evt_new']);
    await refused('/v1/events/evt_old', 404, /No such event/);
    await st.control('settings', { event_days: 60 });
    assert.deepEqual(ids(await st.get('/v1/events')), ['evt_new', 'evt_old']);
    await st.control('settings', { event_days: 30 });
  });
});

describe('writing back', () => {
  const write = (form, key) => st.post('/v1/customers/cus_1', form, key === undefined ? {} : { headers: { 'Idempotency-Key': key } });

  it('merges metadata, takes keys away, and tells of it', async () => {
    await load(customer('cus_1', { metadata: { a: '1', b: '2' } }));
    const { body } = await write({ 'metadata[b]': '', 'metadata[salesforce_account_id]': '001A' });
    assert.deepEqual(body.metadata, { a: '1', salesforce_account_id: '001A' });
    const event = (await st.get('/v1/events')).body.data[0];
    assert.equal(event.type, 'customer.updated');
    assert.deepEqual(event.data.previous_attributes, { metadata: { b: '2', salesforce_account_id: null } });
    assert.match(event.request.id, /^req_/);
    assert.deepEqual((await write({ metadata: '' })).body.metadata, {});
  });
  it('holds to the limits of metadata', async () => {
    await load(customer('cus_1'));
    assert.equal((await write({ [`metadata[${'k'.repeat(41)}]`]: 'x' })).status, 400);
    assert.equal((await write({ 'metadata[k]': 'v'.repeat(501) })).status, 400);
    const many = Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`metadata[k${n}]`, 'v']));
    assert.equal((await write(many)).status, 400);
    assert.equal((await write({ 'metadata[k]': 'v'.repeat(500) })).status, 200);
  });
  it('does the same work once for one key', async () => {
    await load(customer('cus_1'));
    const first = await write({ 'metadata[a]': '1' }, 'key-1');
    const again = await write({ 'metadata[a]': '1' }, 'key-1');
    assert.deepEqual(again.body, first.body);
    assert.deepEqual([again.headers.get('idempotent-replayed'), again.headers.get('original-request')], ['true', first.headers.get('request-id')]);
    assert.equal((await st.get('/v1/events')).body.data.length, 1);
    const other = await write({ 'metadata[a]': '2' }, 'key-1');
    assert.deepEqual([other.status, other.body.error.type], [400, 'idempotency_error']);
    assert.equal((await write({ 'metadata[a]': '2' }, 'k'.repeat(256))).status, 400);
  });
  it('answers a lost answer again', async () => {
    await load(customer('cus_1'));
    await st.fault({ drop: 'after' }, { method: 'POST' });
    await assert.rejects(write({ 'metadata[a]': '1' }, 'key-2'));
    const again = await write({ 'metadata[a]': '1' }, 'key-2');
    assert.deepEqual([again.status, again.headers.get('idempotent-replayed')], [200, 'true']);
    assert.equal((await st.get('/v1/events')).body.data.length, 1);
  });
});

describe('making customers', () => {
  const make = (form, key) => st.post('/v1/customers', form, key === undefined ? {} : { headers: { 'Idempotency-Key': key } });
  const search = (query) => st.get(`/v1/customers/search?query=${encodeURIComponent(query)}`);

  it('makes one, and tells of it', async () => {
    const { status, body } = await make({ name: 'Acme', email: 'ada@example.com', 'metadata[crm]': '001A' });
    assert.deepEqual([status, body.name, body.email, body.metadata, body.livemode], [200, 'Acme', 'ada@example.com', { crm: '001A' }, true]);
    assert.match(body.id, /^cus_/);
    assert.deepEqual((await st.get(`/v1/customers/${body.id}`)).body, body);
    const [event] = (await st.get('/v1/events')).body.data;
    assert.deepEqual([event.type, event.data.object.id, event.data.previous_attributes], ['customer.created', body.id, undefined]);
  });
  it('once for one key, whatever is sent with it', async () => {
    const first = await make({ name: 'Acme' }, 'key-3');
    const again = await make({ name: 'Acme' }, 'key-3');
    assert.deepEqual([again.body.id, again.headers.get('idempotent-replayed')], [first.body.id, 'true']);
    assert.equal((await make({ name: 'Other' }, 'key-3')).body.error.type, 'idempotency_error');
    assert.equal((await st.get('/v1/customers')).body.data.length, 1);
  });
  it('refuses what is none, and keys that may not', async () => {
    const bad = await make({ email: 'nobody' });
    assert.deepEqual([bad.status, bad.body.error.code], [400, 'email_invalid']);
    assert.equal((await make({ nick: 'x' })).body.error.code, 'parameter_unknown');
    const few = await st.post('/v1/customers', { name: 'Acme' }, { key: 'rk_live_sim' });
    assert.deepEqual([few.status, /rak_customer_write/.test(few.body.error.message)], [403, true]);
    assert.equal((await st.get('/v1/customers')).body.data.length, 0);
  });
  it('is found by metadata, a minute later', async () => {
    await load(customer('cus_1', { created: 1790000000, metadata: { "it's": '001A' } }), customer('cus_2', { created: 1790000000, metadata: { crm: '001a' } }));
    await make({ name: 'Acme', 'metadata[crm]': '001A' });
    const { body } = await search("metadata['crm']:'001A'");
    assert.deepEqual([body.object, body.data.map(({ id }) => id), body.has_more, body.next_page], ['search_result', ['cus_2'], false, null]);
    assert.deepEqual(ids(await search("metadata['it\\'s']:'001A'")), ['cus_1']);
    assert.deepEqual(ids(await search('metadata["it\'s"]:"001A"')), ['cus_1']);
    await st.control('settings', { search_lag_s: 0 });
    assert.equal((await search("metadata['crm']:'001A'")).body.data.length, 2);
    await st.control('settings', { search: false });
    assert.equal((await search("metadata['crm']:'001A'")).status, 400);
    await st.control('settings', { search: true, search_lag_s: 60 });
    await refused('/v1/customers/search', 400, /Missing required param: query/, 'query');
  });
});

describe('limits, faults and the log', () => {
  it('holds an account to its calls a second, and each endpoint to its own', async () => {
    const slow = await start({ rate_live: 100, rate_sandbox: 25, rate_endpoint: 25 });
    try {
      const tries = async (key, n, path) => {
        const answers = await Promise.all(Array.from({ length: n }, (_, at) => slow.get(path(at), { key })));
        return answers.filter((one) => one.status === 429);
      };
      const [paths] = [['customers', 'invoices', 'charges', 'refunds', 'products', 'prices']];
      const one = await tries('sk_live_sim', 30, () => '/v1/customers');
      assert.equal(one.length, 5);
      assert.equal(one[0].headers.get('stripe-rate-limited-reason'), 'endpoint-rate');
      assert.deepEqual([one[0].headers.get('retry-after'), one[0].body.error.code], [null, 'rate_limit']);
      const sandbox = await tries('sk_test_sim', 30, (n) => `/v1/${paths[n % 6]}`);
      assert.equal(sandbox.length, 5);
      assert.equal(sandbox[0].headers.get('stripe-rate-limited-reason'), 'global-rate');
      await new Promise((resolve) => { setTimeout(resolve, 1050); });
      assert.equal((await slow.get('/v1/customers')).status, 200);
      assert.equal((await slow.look('calls?count=1')).refused, 10);
    } finally {
      await slow.stop();
    }
  });
  it('says of client errors that they need no retry', async () => {
    assert.equal((await st.get('/v1/customers/cus_x')).headers.get('stripe-should-retry'), 'false');
  });
  it('makes faults on order', async () => {
    await st.fault({ status: 500 }, { path: '^/v1/customers$' }, 2);
    await st.fault({ status: 429, code: 'lock_timeout' }, { object: 'invoice' });
    await st.fault({ status: 429, code: 'endpoint-concurrency' }, { object: 'charge' });
    await st.fault({ status: 503 }, { object: 'price' });
    const { status, body, headers } = await st.get('/v1/customers');
    assert.deepEqual([status, body.error.type], [500, 'api_error']);
    assert.match(headers.get('request-id'), /^req_/);
    assert.equal((await st.get('/v1/customers')).status, 500);
    assert.equal((await st.get('/v1/customers')).status, 200);
    const locked = await st.get('/v1/invoices');
    assert.deepEqual([locked.status, locked.body.error.code, locked.headers.get('stripe-should-retry')], [429, 'lock_timeout', 'true']);
    assert.equal((await st.get('/v1/charges')).headers.get('stripe-rate-limited-reason'), 'endpoint-concurrency');
    assert.match((await st.get('/v1/prices')).body, /503 Service/);
    await st.fault({ drop: 'before' });
    await assert.rejects(st.get('/v1/customers'));
    await st.fault({ truncate: true });
    await assert.rejects(st.get('/v1/customers'));
    await assert.rejects(st.fault({ explode: true }), /unknown member explode/);
  });
  it('logs each call with its version, account, key and request', async () => {
    await st.get('/v1/customers?limit=1');
    await st.get('/v1/customers/cus_x', { headers: { 'Stripe-Account': 'acct_1QcOnNeCtEdAcct0' } });
    const calls = await st.look('calls');
    assert.deepEqual(calls.map((one) => [one.kind, one.status]), [['GET /v1/customers', 200], ['GET /v1/customers/{id}', 404]]);
    assert.deepEqual([calls[0].version, calls[0].path, calls[1].account], ['2026-10-28.endive', '/v1/customers?limit=1', 'acct_1QcOnNeCtEdAcct0']);
    assert.equal(JSON.stringify(calls).includes('sk_live_sim'), false);
    const { total, byKind, busiest_second: busiest } = await st.look('calls?count=1');
    assert.deepEqual([total, byKind['GET /v1/customers'], busiest], [2, 1, 2]);
  });
});

describe('a generated world', () => {
  const walk = async (path) => {
    const seen = [];
    for (let after = ''; ;) {
      const { status, body } = await st.get(`/v1/${path}${path.includes('?') ? '&' : '?'}limit=100${after}`);
      assert.equal(status, 200, JSON.stringify(body));
      seen.push(...body.data);
      if (!body.has_more) return seen;
      after = `&starting_after=${seen.at(-1).id}`;
    }
  };

  it('is whole, and its parts fit', async () => {
    const said = await st.control('generate', { customers: 1001, seed: 3 });
    const [customers, subs, invoices] = [await walk('customers'), await walk('subscriptions?status=all&expand[]=data.discounts.source.coupon'), await walk('invoices')];
    assert.deepEqual([customers.length, subs.length, invoices.length], [1001, said.subscriptions, said.invoices]);
    for (const list of [customers, subs, invoices]) {
      assert.equal(new Set(list.map((one) => one.id)).size, list.length);
      assert.ok(list.every((one, n) => n === 0 || one.created <= list[n - 1].created));
    }
    const known = new Set(customers.map((one) => one.id));
    const byId = new Map(subs.map((one) => [one.id, one]));
    assert.ok(subs.every((one) => known.has(one.customer)));
    for (const invoice of invoices) {
      assert.equal(byId.get(invoice.parent.subscription_details.subscription).customer, invoice.customer);
      if (!invoice.lines.has_more) assert.equal(invoice.lines.data.reduce((sum, line) => sum + line.amount, 0), invoice.subtotal);
    }
    assert.ok(subs.some((one) => one.status === 'canceled') && subs.some((one) => one.items.has_more));
    assert.ok(subs.some((one) => one.discounts[0]?.source.coupon.percent_off === 25.5));
    assert.ok(subs.some((one) => one.items.data[0].price.tiers_mode === 'volume'));
    assert.equal(subs.filter((one) => one.status !== 'canceled').length, (await walk('subscriptions')).length);
  });
  it('finds the same again by id, by customer and for the same seed', async () => {
    await st.control('generate', { customers: 50, seed: 3, until: 1795000000 });
    const subs = await walk('subscriptions?status=all');
    const one = subs.find((sub) => sub.id.endsWith('y1'));
    assert.deepEqual((await st.get(`/v1/subscriptions/${one.id}`)).body, one);
    assert.deepEqual((await walk(`subscriptions?status=all&customer=${one.customer}`)).map((sub) => sub.id), [one.id, one.id.replace(/1$/, '0')]);
    assert.equal((await walk(`invoices?subscription=${one.id}`)).every((inv) => inv.parent.subscription_details.subscription === one.id), true);
    assert.equal((await st.get(`/v1/subscription_items/${one.items.data[0].id}`)).body.subscription, one.id);
    await refused('/v1/customers/cus_G3x000zzz', 404, /No such customer/);
    await st.control('reset');
    await st.control('generate', { customers: 50, seed: 3, until: 1795000000 });
    assert.deepEqual(await walk('subscriptions?status=all'), subs);
    await st.control('reset');
    await st.control('generate', { customers: 50, seed: 4, until: 1795000000 });
    assert.notDeepEqual((await walk('customers')).map((cus) => cus.name), (await walk('customers')).map((cus) => cus.id));
  });
  it('keeps what happens to its objects', async () => {
    await st.control('generate', { customers: 20, seed: 1 });
    const [first, second] = (await walk('customers')).map((one) => one.id);
    await st.post(`/v1/customers/${first}`, { 'metadata[crm]': 'x' });
    await st.control('change', { type: 'customer.deleted', id: second });
    const customers = await walk('customers');
    assert.deepEqual([customers.length, customers[0].id, customers[0].metadata.crm], [19, first, 'x']);
    assert.equal((await st.look('state')).customer, 19);
  });
  it('pages through a hundred thousand customers in little memory', async () => {
    await st.control('generate', { customers: 100000, seed: 9 });
    const before = process.memoryUsage().heapUsed;
    let seen = 0;
    for (let after = ''; ;) {
      const { body } = await st.get(`/v1/customers?limit=100${after}`);
      seen += body.data.length;
      if (!body.has_more) break;
      after = `&starting_after=${body.data.at(-1).id}`;
    }
    assert.equal(seen, 100000);
    assert.ok(process.memoryUsage().heapUsed - before < 200e6);
  });
});
