// What the Lago simulator sends, what it keeps to itself, and how it signs.

import assert from 'node:assert/strict';
import { createPublicKey, createVerify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, beforeEach, describe, it } from 'node:test';
import { start, startReceiver } from './common/driver.mjs';
import { hmacSignature } from './lago/signing.mjs';
import { Lago } from './lago/world.mjs';

const KEY = { Authorization: 'Bearer lago-sim-key' };

let lago;
let receiver;
before(async () => {
  lago = await start(new Lago(), KEY);
  receiver = await startReceiver();
});
after(async () => {
  await lago.stop();
  await receiver.stop();
});
beforeEach(async () => {
  await lago.reset();
  await lago.set({ rate_limit: 0, retry_wait_ms: 1 });
  receiver.taken.length = 0;
  receiver.answer = () => 200;
  await lago.load({ plans: ['small', 'large'].map((code, i) => ({ lago_id: `00000000-0000-4000-8000-00000000000${i}`, code, amount_cents: 1000 * (i + 1), amount_currency: 'EUR' })) });
  await lago.change('customer.upsert', { customer: { external_id: 'c1', name: 'A & B <C>', currency: 'EUR', email: 'a@example.com' } });
});

const newInvoice = async (more = {}) => (await lago.change('invoice.create', { external_customer_id: 'c1', ...more })).result.lago_id;
const newSubscription = (more = {}) => lago.changed('subscription.create', { subscription: { external_id: 's1', external_customer_id: 'c1', plan_code: 'small', ...more } });
const bodies = async () => (await lago.sim('GET', 'events?bodies=1')).events.map((event) => JSON.parse(event.body));
const last = async () => (await bodies()).at(-1);

describe('which change sends what', () => {
  it('customers: always on upsert, never on delete', async () => {
    assert.deepEqual(await lago.changed('customer.upsert', { customer: { external_id: 'c1' } }), ['customer.updated']);
    assert.ok('integration_customers' in (await last()).customer);
    const link = { integration_type: 'hubspot', integration_code: 'hubspot_main', external_customer_id: '1' };
    assert.deepEqual(await lago.changed('customer.upsert', { customer: { external_id: 'c1', integration_customers: [link] } }), ['customer.updated', 'customer.crm_provider_created']);
    await newSubscription();
    await newSubscription({ external_id: 's2', status: 'pending' });
    await newInvoice({ invoice: { status: 'draft' } });
    assert.deepEqual(await lago.changed('customer.delete', { external_id: 'c1' }), ['subscription.terminated', 'invoice.created', 'invoice.generated']);
    assert.equal((await lago.get('/api/v1/activity_logs?resource_types[]=Customer')).body.activity_logs[0].activity_type, 'customer.deleted');
    assert.equal((await lago.get('/api/v1/customers')).body.meta.total_count, 0);
    assert.equal((await lago.get('/api/v1/invoices')).body.invoices[0].customer.external_id, 'c1');
  });
  it('subscriptions: nothing before they start; upgrades are two records', async () => {
    assert.deepEqual(await newSubscription({ status: 'pending' }), []);
    assert.deepEqual(await lago.changed('subscription.start', { external_id: 's1' }), ['subscription.started']);
    assert.ok('entitlements' in (await last()).subscription);
    const { result, events } = await lago.change('subscription.upgrade', { external_id: 's1', plan_code: 'large' });
    assert.deepEqual(events.map((event) => event.type), ['subscription.terminated', 'subscription.started']);
    const [old, next] = (await bodies()).slice(-2).map((body) => body.subscription);
    assert.equal(old.external_id, next.external_id);
    assert.notEqual(old.lago_id, next.lago_id);
    assert.deepEqual([old.next_plan_code, next.previous_plan_code, next.lago_id], ['large', 'small', result.lago_id]);
    assert.deepEqual(await lago.changed('subscription.downgrade', { external_id: 's1', plan_code: 'small' }), ['subscription.updated']);
    assert.equal((await last()).subscription.next_plan_code, 'small');
    assert.deepEqual(await lago.changed('subscription.advance', { external_id: 's1' }), ['subscription.terminated', 'subscription.started']);
    assert.deepEqual(await lago.changed('subscription.terminate', { external_id: 's1' }), ['subscription.terminated']);
    const { lago_id: id } = (await last()).subscription;
    assert.deepEqual(await lago.changed('subscription.terminate', { lago_id: id }), ['subscription.terminated'], 'and once more');
  });
  it('subscriptions: a pending one is terminated with status canceled, an incomplete one canceled', async () => {
    await newSubscription({ status: 'pending' });
    assert.deepEqual(await lago.changed('subscription.terminate', { external_id: 's1' }), ['subscription.terminated']);
    const { subscription } = await last();
    assert.deepEqual([subscription.status, subscription.terminated_at], ['canceled', null]);
    assert.deepEqual(await newSubscription({ external_id: 's2', status: 'incomplete' }), ['subscription.incomplete']);
    assert.deepEqual(await lago.changed('subscription.cancel', { external_id: 's2', reason: 'timeout' }), ['subscription.canceled']);
    assert.equal((await last()).subscription.cancellation_reason, 'timeout');
  });
  it('invoices: drafted, created, generated', async () => {
    const { result, events } = await lago.change('invoice.create', { external_customer_id: 'c1', invoice: { status: 'draft' } });
    assert.deepEqual(events.map((event) => event.type), ['invoice.drafted']);
    assert.deepEqual([(await last()).invoice.number, (await last()).invoice.sequential_id], ['NWM-6C10-DRAFT', null]);
    assert.deepEqual(await lago.changed('invoice.refresh', { lago_id: result.lago_id, fees: [{ amount_cents: 5000, taxes_rate: 20 }] }), []);
    assert.deepEqual(await lago.changed('invoice.finalize', { lago_id: result.lago_id }), ['invoice.created', 'invoice.generated']);
    const [created, generated] = (await bodies()).slice(-2).map((body) => body.invoice);
    assert.deepEqual([created.lago_id, created.number, created.file_url, created.total_amount_cents], [result.lago_id, 'NWM-6C10-001-001', null, 6000]);
    assert.ok(generated.file_url.endsWith('.pdf') && !('fees' in generated));
    assert.ok(!('integration_customers' in created.customer));
    await lago.set({ pdf_generation: false });
    assert.deepEqual((await lago.change('invoice.create', { external_customer_id: 'c1', invoice: { invoice_type: 'one_off' } })).events.map((event) => event.type), ['invoice.one_off_created']);
    assert.deepEqual((await lago.change('invoice.create', { external_customer_id: 'c1', invoice: { status: 'closed' } })).events, []);
  });
  it('payments: a manual one sends no payment event, a partial one nothing at all', async () => {
    const id = await newInvoice();
    assert.deepEqual(await lago.changed('invoice.pay', { lago_id: id, type: 'manual', amount_cents: 400, reference: 'WIRE-1' }), []);
    const half = (await lago.get(`/api/v1/invoices/${id}`)).body.invoice;
    assert.deepEqual([half.total_paid_amount_cents, half.total_due_amount_cents, half.payment_status], [400, 600, 'pending']);
    assert.equal((await lago.get('/api/v1/activity_logs?resource_types[]=Invoice')).body.activity_logs[0].activity_type, 'payment.recorded');
    assert.equal((await lago.get('/api/v1/invoices?partially_paid=true')).body.meta.total_count, 1);
    assert.deepEqual(await lago.changed('invoice.pay', { lago_id: id, type: 'manual' }), ['invoice.payment_status_updated']);
    assert.deepEqual(await lago.changed('invoice.pay', { lago_id: await newInvoice() }), ['invoice.payment_status_updated', 'payment.succeeded']);
    await lago.set({ payment_receipts: true });
    assert.deepEqual(await lago.changed('invoice.pay', { lago_id: await newInvoice(), type: 'manual', amount_cents: 1 }), ['payment_receipt.created']);
  });
  it('payments: the first failure is a thin event, a later one is not', async () => {
    const id = await newInvoice();
    assert.deepEqual(await lago.changed('invoice.pay_fail', { lago_id: id }), ['invoice.payment_failure']);
    const thin = await last();
    assert.equal(thin.object_type, 'payment_provider_invoice_payment_error');
    assert.equal(thin[thin.object_type].lago_invoice_id, id);
    assert.equal((await lago.get(`/api/v1/invoices/${id}`)).body.invoice.payment_status, 'failed');
    assert.deepEqual(await lago.changed('invoice.pay_fail', { lago_id: id, first: false }), ['invoice.payment_status_updated']);
    assert.deepEqual(await lago.changed('invoice.overdue', { lago_id: id }), ['invoice.payment_overdue']);
    await lago.changed('invoice.pay', { lago_id: id });
    assert.equal((await lago.get(`/api/v1/invoices/${id}`)).body.invoice.payment_overdue, false);
    assert.deepEqual(await lago.changed('invoice.dispute_lost', { lago_id: id }), ['invoice.payment_dispute_lost']);
    assert.equal((await last()).payment_dispute_lost.invoice.lago_id, id);
    assert.deepEqual(await lago.changed('invoice.metadata', { lago_id: id, metadata: [{ key: 'a', value: 'b' }] }), []);
    assert.deepEqual(await lago.changed('invoice.void', { lago_id: id }), ['invoice.voided']);
    assert.equal((await last()).invoice.total_due_amount_cents, 0);
    assert.deepEqual(await lago.changed('invoice.fail', { lago_id: await newInvoice({ invoice: { status: 'draft' } }) }), ['customer.tax_provider_error']);
  });
  it('payment requests pay their invoices', async () => {
    const { result } = await lago.change('payment_request.create', { lago_invoice_ids: [await newInvoice(), await newInvoice()] });
    assert.deepEqual(await lago.changed('payment_request.fail', { lago_id: result.lago_id }), ['payment_request.payment_failure']);
    assert.deepEqual(await lago.changed('payment_request.pay', { lago_id: result.lago_id }),
      ['payment_request.payment_status_updated', 'invoice.payment_status_updated', 'invoice.payment_status_updated', 'payment.succeeded']);
    assert.equal((await last()).payment.payable_type, 'PaymentRequest');
  });
  it('credit notes: created and generated; the rest is silence', async () => {
    const invoice = await newInvoice();
    const { result, events } = await lago.change('credit_note.create', { lago_invoice_id: invoice, credit: 100, refund: 50 });
    assert.deepEqual(events.map((event) => event.type), ['credit_note.created', 'credit_note.generated']);
    for (const verb of ['refund_succeed', 'consume', 'void']) assert.deepEqual(await lago.changed(`credit_note.${verb}`, result), [], verb);
    assert.deepEqual(await lago.changed('credit_note.refund_fail', result), ['credit_note.refund_failure']);
    assert.deepEqual(await lago.changed('credit_note.create', { lago_invoice_id: invoice, offset: 1000 }),
      ['credit_note.created', 'invoice.payment_status_updated', 'credit_note.generated']);
    const shown = (await lago.get('/api/v1/credit_notes')).body.credit_notes;
    assert.deepEqual(shown.map((note) => note.number).sort(), ['NWM-6C10-001-001-CN001', 'NWM-6C10-001-001-CN002']);
  });
  it('plans: an edit changes subscriptions in silence', async () => {
    await newSubscription();
    assert.deepEqual(await lago.changed('plan.update', { code: 'small', set: { amount_cents: 7777 } }), ['plan.updated']);
    assert.equal((await lago.get('/api/v1/subscriptions')).body.subscriptions[0].plan_amount_cents, 7777);
  });
  it('any event, any silent change', async () => {
    assert.deepEqual(await lago.changed('event', { webhook_type: 'quote.created', object_type: 'quote', object: { x: 1 } }), ['quote.created']);
    const id = await newInvoice();
    assert.deepEqual(await lago.changed('set', { kind: 'invoices', lago_id: id, set: { payment_status: 'failed' } }), []);
  });
});

describe('delivery', () => {
  const key = (delivery) => delivery.headers['x-lago-unique-key'];

  it('signs what it sends, as Rails writes it', async () => {
    const { accepted } = await lago.deliver({ url: receiver.url });
    assert.equal(accepted, 1);
    const [{ headers, raw }] = receiver.taken;
    assert.equal(headers['x-lago-signature'], hmacSignature(lago.system.settings.hmac_key, raw));
    assert.equal(headers['x-lago-signature-algorithm'], 'hmac');
    assert.match(raw, /"A \\u0026 B \\u003cC\\u003e"/);
    assert.equal(JSON.parse(raw).organization_id, lago.system.settings.organization_id);
  });
  it('agrees with the recorded signatures', () => {
    const vectors = JSON.parse(readFileSync(new URL('../hooks/lago-signatures.json', import.meta.url), 'utf8'));
    const hmac = vectors.vectors.filter((one) => one.expect === 'accept' && one.headers?.['X-Lago-Signature-Algorithm'] === 'hmac');
    assert.ok(hmac.length > 0);
    for (const one of hmac) assert.equal(hmacSignature(vectors.hmac_key, one.body), one.headers['X-Lago-Signature']);
  });
  it('a JWT carries the body and is checked with the public key', async () => {
    await lago.deliver({ url: receiver.url, algo: 'jwt' });
    const [{ headers, raw }] = receiver.taken;
    const [head, claims, signature] = headers['x-lago-signature'].split('.');
    assert.equal(Buffer.from(head, 'base64url').toString(), '{"alg":"RS256"}');
    assert.deepEqual(JSON.parse(Buffer.from(claims, 'base64url')), { data: raw, iss: lago.system.settings.api_url });
    const text = (await lago.get('/api/v1/webhooks/json_public_key')).body.webhook.public_key;
    assert.ok(text.split('\n').slice(0, -2).every((line) => line.length === 60));
    const pem = Buffer.from(text, 'base64').toString();
    assert.ok(createVerify('RSA-SHA256').update(`${head}.${claims}`).verify(createPublicKey(pem), signature, 'base64url'));
  });
  it('tries three times with one key, and then never again', async () => {
    receiver.answer = () => 203;
    const { lost, attempts, results } = await lago.deliver({ url: receiver.url });
    assert.deepEqual([lost, attempts, results[0].statuses], [1, 3, [203, 203, 203]]);
    assert.equal(new Set(receiver.taken.map(key)).size, 1);
    assert.equal((await lago.deliver({ url: receiver.url })).deliveries, 0);
    assert.equal((await lago.sim('GET', 'state')).events.lost, 1);
    receiver.answer = () => 200;
    assert.equal((await lago.deliver({ url: receiver.url, again: true })).accepted, 1);
    assert.equal(new Set(receiver.taken.map(key)).size, 1);
  });
  it('goes to every endpoint that wants it, under another key', async () => {
    const make = (name, types) => lago.post('/api/v1/webhook_endpoints', { webhook_endpoint: { webhook_url: `${receiver.url}/${name}`, signature_algo: 'hmac', event_types: types } });
    await make('all', null);
    await make('plans', ['plan.created']);
    await make('none', []);
    await lago.change('plan.create', { plan: { code: 'third', amount_cents: 1, amount_currency: 'EUR' } });
    const { deliveries } = await lago.deliver({});
    assert.equal(deliveries, 3);
    assert.equal(new Set(receiver.taken.map(key)).size, 3);
    assert.deepEqual(receiver.taken.filter((one) => one.path.endsWith('plans')).map((one) => JSON.parse(one.raw).webhook_type), ['plan.created']);
  });
  it('shuffles and doubles as asked, the same way each time', async () => {
    const order = async (options) => {
      receiver.taken.length = 0;
      await lago.deliver({ url: receiver.url, again: true, ...options });
      return receiver.taken.map(key);
    };
    for (let i = 0; i < 9; i++) await lago.change('customer.upsert', { customer: { external_id: `c${i}` } });
    await lago.deliver({ url: receiver.url });
    const straight = await order({});
    const mixed = await order({ shuffle: 3 });
    assert.notDeepEqual(mixed, straight);
    assert.deepEqual(mixed, await order({ shuffle: 3 }));
    assert.deepEqual([...mixed].sort(), [...straight].sort());
    const doubled = await order({ shuffle: 3, duplicate: 0.5 });
    assert.ok(doubled.length > straight.length && new Set(doubled).size === straight.length);
  });
  it('spoils a signature or a body', async () => {
    for (const tamper of ['signature', 'body']) {
      await lago.deliver({ url: receiver.url, tamper, ids: [1], again: tamper === 'body' });
      const { headers, raw } = receiver.taken.at(-1);
      assert.notEqual(headers['x-lago-signature'], hmacSignature(lago.system.settings.hmac_key, raw), tamper);
    }
  });
  it('may write the body late: two events with one state', async () => {
    await lago.set({ serialize: 'delivery' });
    const id = await newInvoice();
    await lago.change('invoice.pay', { lago_id: id });
    await lago.deliver({ url: receiver.url, only: ['invoice.created'] });
    const { invoice } = JSON.parse(receiver.taken[0].raw);
    assert.deepEqual([invoice.payment_status, invoice.total_due_amount_cents], ['succeeded', 0]);
    assert.ok(invoice.file_url !== null);
  });
});
