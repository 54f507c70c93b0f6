// Made-up Stripe events in the shape of API version 2026-10-28: customers,
// their subscriptions and invoices, each living through a number of versions.
//
// Every version of an object is one event with a `created` of its own, so that
// its newest state is beyond doubt, in whatever order the events arrive.

import { Random } from './base.mjs';

const API_VERSION = '2026-10-28.endive';
const START = 1790000000; // Unix seconds
const STEP = 997; // between two versions of an object, at least

const FIRST = ['Acorn', 'Birch', 'Cobalt', 'Delta', 'Ember', 'Fjord', 'Garnet', 'Harbor', 'Indigo', 'Juniper', 'Köln', 'Lumen', 'Mistral', 'Nordlys', 'Orchard', 'Pixel'];
const LAST = ['Analytics', 'Bakery', 'Clinics', 'Dynamics', 'Energy', 'Foods', 'Gardens', 'Hotels', 'Instruments', 'Labs', 'Media', 'Networks', 'Optics', 'Press', 'Robotics', 'Systems'];
const FORMS = ['GmbH', 'Ltd', 'Inc', 'BV', 'AB', 'SAS'];
const TOWNS = [['München', 'DE', 'Bayern', '80802'], ['Utrecht', 'NL', null, '3511 LX'], ['Leeds', 'GB', 'West Yorkshire', 'LS1 4DY'], ['Austin', 'US', 'TX', '78701'], ['Lyon', 'FR', null, '69002'], ['Kyoto', 'JP', 'Kyoto', '604-8005']];
const PLANS = [
  { id: 'price_loadTeamMonth01', product: 'prod_loadTeam01', nickname: 'Team monthly', interval: 'month', months: 1, amount: { usd: 1500, eur: 1400, jpy: 2200 } },
  { id: 'price_loadTeamYear001', product: 'prod_loadTeam01', nickname: 'Team yearly', interval: 'year', months: 12, amount: { usd: 15000, eur: 14000, jpy: 22000 } },
  { id: 'price_loadProMonth001', product: 'prod_loadPro001', nickname: 'Pro monthly', interval: 'month', months: 1, amount: { usd: 4950, eur: 4590, jpy: 7300 } },
];
const CURRENCIES = ['usd', 'usd', 'eur', 'eur', 'jpy'];
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

function token(random, length) {
  let text = '';
  for (let i = 0; i < length; i++) text += ALPHABET[random.below(ALPHABET.length)];
  return text;
}

/* -- the objects: what stays the same over the versions -- */

function newCustomer(random, n) {
  const [city, country, state, postalCode] = random.pick(TOWNS);
  return {
    kind: 'customer', id: `cus_${token(random, 14)}`, n, createdAt: START + n * 60, currency: random.pick(CURRENCIES),
    name: `${random.pick(FIRST)} ${random.pick(LAST)} ${n} ${random.pick(FORMS)}`, address: { city, country, state, postalCode },
  };
}

const newSubscription = (random, n, customer) => ({
  kind: 'subscription', id: `sub_1Q${token(random, 22)}`, itemId: `si_${token(random, 14)}`, n, customer,
  currency: customer.currency, createdAt: customer.createdAt + 30,
});

const newInvoice = (random, n, subscription) => ({
  kind: 'invoice', id: `in_1Q${token(random, 22)}`, lineId: `il_1Q${token(random, 22)}`, n, subscription, customer: subscription.customer,
  currency: subscription.currency, createdAt: subscription.createdAt + 40, urlToken: token(random, 90),
});

/* -- the versions: what the object is like at each -- */

function customerAt(random, object, version) {
  return {
    email: `billing+${version}@customer${object.n}.example.com`,
    phone: `+49 89 ${String(1000000 + object.n * 7 + version)}`,
    name: version > 0 && random.next() < 0.2 ? `${object.name} (${version})` : object.name,
    line1: `${object.address.city}weg ${1 + random.below(200)}`,
    balance: random.next() < 0.3 ? -random.below(50000) : 0,
    delinquent: random.next() < 0.1,
  };
}

const STATUSES = ['active', 'active', 'active', 'past_due', 'trialing', 'unpaid'];

function subscriptionAt(random, object, version, isLast) {
  const plan = random.pick(PLANS);
  const start = object.createdAt + version * STEP * 3;
  const isCanceled = isLast && random.next() < 0.1;
  return {
    plan, quantity: 1 + random.below(80), status: isCanceled ? 'canceled' : version === 0 ? 'incomplete' : random.pick(STATUSES),
    periodStart: start, periodEnd: start + plan.months * 30 * 86400, atPeriodEnd: !isCanceled && random.next() < 0.1,
  };
}

function invoiceAt(random, object, version, isLast, before) {
  const quantity = before?.quantity ?? 1 + random.below(80), plan = before?.plan ?? random.pick(PLANS);
  const subtotal = plan.amount[object.currency] * quantity, tax = Math.round(subtotal * 0.19);
  const end = random.next();
  const status = version === 0 ? 'draft' : !isLast ? 'open' : end < 0.7 ? 'paid' : end < 0.8 ? 'void' : end < 0.9 ? 'uncollectible' : 'open';
  return {
    plan, quantity, subtotal, tax, total: subtotal + tax, status, attempts: version === 0 ? 0 : version - 1,
    number: version === 0 ? null : `LOAD${String(object.customer.n).padStart(4, '0')}-${String(object.n).padStart(4, '0')}`,
    finalizedAt: version === 0 ? null : object.createdAt + STEP, endedAt: object.createdAt + version * STEP,
  };
}

/* -- payloads -- */

function customerPayload(object, at) {
  return {
    id: object.id, object: 'customer',
    address: { city: object.address.city, country: object.address.country, line1: at.line1, line2: null, postal_code: object.address.postalCode, state: object.address.state },
    balance: at.balance, business_name: null, created: object.createdAt, currency: object.currency, customer_account: null, default_source: null,
    delinquent: at.delinquent, description: null, discount: null, email: at.email, invoice_prefix: `LOAD${object.n}`,
    invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null },
    livemode: true, metadata: { signup_source: 'sales' }, name: at.name, next_invoice_sequence: 1, phone: at.phone,
    preferred_locales: ['de', 'en'], shipping: null, tax_exempt: 'none', test_clock: null,
  };
}

function pricePayload(object, plan) {
  const amount = plan.amount[object.currency];
  return {
    id: plan.id, object: 'price', active: true, billing_scheme: 'per_unit', created: START - 86400, currency: object.currency, custom_unit_amount: null,
    livemode: true, lookup_key: null, metadata: {}, nickname: plan.nickname, product: plan.product,
    recurring: { interval: plan.interval, interval_count: 1, meter: null, trial_period_days: null, usage_type: 'licensed' },
    tax_behavior: 'exclusive', tiers_mode: null, transform_quantity: null, type: 'recurring', unit_amount: amount, unit_amount_decimal: String(amount),
  };
}

function planPayload(object, plan) {
  const amount = plan.amount[object.currency];
  return {
    id: plan.id, object: 'plan', active: true, amount, amount_decimal: String(amount), billing_scheme: 'per_unit', created: START - 86400,
    currency: object.currency, interval: plan.interval, interval_count: 1, livemode: true, metadata: {}, meter: null, nickname: plan.nickname,
    product: plan.product, tiers_mode: null, transform_usage: null, trial_period_days: null, usage_type: 'licensed',
  };
}

function subscriptionPayload(object, at) {
  const ended = at.status === 'canceled' ? at.periodStart + 60 : null;
  return {
    id: object.id, object: 'subscription', application: null, application_fee_percent: null,
    automatic_tax: { disabled_reason: null, enabled: false, liability: null }, billing_cycle_anchor: object.createdAt, billing_cycle_anchor_config: null,
    billing_mode: { flexible: { proration_discounts: 'included' }, type: 'flexible', updated_at: object.createdAt }, billing_schedules: [],
    billing_thresholds: null, cancel_at: at.atPeriodEnd ? at.periodEnd : null, cancel_at_period_end: at.atPeriodEnd, canceled_at: ended,
    cancellation_details: { comment: null, feedback: null, feedback_option: null, reason: ended === null ? null : 'cancellation_requested' },
    collection_method: 'charge_automatically', created: object.createdAt, currency: object.currency, customer: object.customer.id, customer_account: null,
    days_until_due: null, default_payment_method: null, default_source: null, default_tax_rates: [], description: null, discounts: [], ended_at: ended,
    invoice_settings: { account_tax_ids: null, custom_fields: null, description: null, footer: null, issuer: { type: 'self' } },
    items: {
      object: 'list',
      data: [{
        id: object.itemId, object: 'subscription_item', billing_thresholds: null, created: object.createdAt, current_period_end: at.periodEnd,
        current_period_start: at.periodStart, current_trial: null, discounts: [], metadata: {}, plan: planPayload(object, at.plan),
        price: pricePayload(object, at.plan), quantity: at.quantity, subscription: object.id, tax_rates: [],
      }],
      has_more: false, total_count: 1, url: `/v1/subscription_items?subscription=${object.id}`,
    },
    latest_invoice: null, livemode: true, managed_payments: null, metadata: {}, next_pending_invoice_item_invoice: null, on_behalf_of: null,
    pause_collection: null, payment_settings: { payment_method_options: null, payment_method_types: null, save_default_payment_method: 'off' },
    pending_invoice_item_interval: null, pending_setup_intent: null, pending_update: null, schedule: null, start_date: object.createdAt,
    status: at.status, test_clock: null, transfer_data: null, trial_end: null,
    trial_settings: { end_behavior: { billing_cycle_anchor: null, missing_payment_method: 'create_invoice' } }, trial_start: null,
  };
}

function invoiceLine(object, at) {
  const unit = at.plan.amount[object.currency];
  return {
    id: object.lineId, object: 'line_item', amount: at.subtotal, currency: object.currency, description: `${at.quantity} × Kestrel Cloud`,
    discount_amounts: [], discountable: true, discounts: [], invoice: object.id, livemode: true, metadata: {},
    parent: {
      invoice_item_details: null,
      subscription_item_details: { invoice_item: null, proration: false, proration_details: { credited_items: null }, subscription: object.subscription.id, subscription_item: object.subscription.itemId },
      type: 'subscription_item_details',
    },
    period: { end: object.createdAt + 30 * 86400, start: object.createdAt }, pretax_credit_amounts: [],
    pricing: { price_details: { price: at.plan.id, product: at.plan.product }, type: 'price_details', unit_amount_decimal: String(unit) },
    quantity: at.quantity, quantity_decimal: String(at.quantity), subscription: object.subscription.id, subtotal: at.subtotal,
    taxes: [{ amount: at.tax, tax_behavior: 'exclusive', tax_rate_details: { tax_rate: 'txr_loadGermany01' }, taxability_reason: 'standard_rated', taxable_amount: at.subtotal, type: 'tax_rate_details' }],
  };
}

function invoicePayload(object, at) {
  const isPaid = at.status === 'paid';
  return {
    id: object.id, object: 'invoice', account_country: 'DE', account_name: 'Kestrel Cloud', account_tax_ids: null, amount_due: at.total, amount_overpaid: 0,
    amount_paid: isPaid ? at.total : 0, amount_remaining: isPaid ? 0 : at.total, amount_shipping: 0, application: null, attempt_count: at.attempts,
    attempted: at.attempts > 0, auto_advance: at.status === 'open', automatic_tax: { disabled_reason: null, enabled: false, liability: null, provider: null, status: null },
    automatically_finalizes_at: null, billing_reason: 'subscription_cycle', collection_method: 'charge_automatically', created: object.createdAt,
    currency: object.currency, custom_fields: null, customer: object.customer.id, customer_account: null, customer_email: `billing@customer${object.customer.n}.example.com`,
    customer_name: object.customer.name, default_tax_rates: [], description: null, discounts: [], due_date: null, effective_at: at.finalizedAt, ending_balance: 0,
    footer: null, from_invoice: null,
    hosted_invoice_url: at.finalizedAt === null ? null : `https://invoice.example.com/i/acct_1QbHkLoad/live_${object.urlToken}?s=ap`,
    invoice_pdf: at.finalizedAt === null ? null : `https://pay.example.com/invoice/acct_1QbHkLoad/live_${object.urlToken}/pdf?s=ap`,
    issuer: { type: 'self' }, last_finalization_error: null, latest_revision: null,
    lines: { object: 'list', data: [invoiceLine(object, at)], has_more: false, total_count: 1, url: `/v1/invoices/${object.id}/lines` },
    livemode: true, metadata: {}, next_payment_attempt: null, number: at.number, on_behalf_of: null,
    parent: { quote_details: null, subscription_details: { metadata: {}, subscription: object.subscription.id }, type: 'subscription_details' },
    payment_settings: { default_mandate: null, payment_method_options: null, payment_method_types: null }, period_end: object.createdAt, period_start: object.createdAt - 30 * 86400,
    post_payment_credit_notes_amount: 0, pre_payment_credit_notes_amount: 0, receipt_number: null, rendering: null, shipping_cost: null, shipping_details: null,
    starting_balance: 0, statement_descriptor: null, status: at.status,
    status_transitions: {
      finalized_at: at.finalizedAt, marked_uncollectible_at: at.status === 'uncollectible' ? at.endedAt : null,
      paid_at: isPaid ? at.endedAt : null, voided_at: at.status === 'void' ? at.endedAt : null,
    },
    subtotal: at.subtotal, subtotal_excluding_tax: at.subtotal, test_clock: null, total: at.total, total_discount_amounts: [], total_excluding_tax: at.subtotal,
    total_pretax_credit_amounts: [],
    total_taxes: [{ amount: at.tax, tax_behavior: 'exclusive', tax_rate_details: { tax_rate: 'txr_loadGermany01' }, taxability_reason: 'standard_rated', taxable_amount: at.subtotal, type: 'tax_rate_details' }],
    webhooks_delivered_at: object.createdAt,
  };
}

const PAYLOADS = { customer: customerPayload, subscription: subscriptionPayload, invoice: invoicePayload };
const STATES = { customer: customerAt, subscription: subscriptionAt, invoice: invoiceAt };

function eventType(kind, version, at) {
  if (kind === 'customer') return version === 0 ? 'customer.created' : 'customer.updated';
  if (kind === 'subscription')
    return version === 0 ? 'customer.subscription.created' : at.status === 'canceled' ? 'customer.subscription.deleted' : 'customer.subscription.updated';
  const ends = { paid: 'invoice.paid', void: 'invoice.voided', uncollectible: 'invoice.marked_uncollectible' };
  return version === 0 ? 'invoice.created' : ends[at.status] ?? (version === 1 ? 'invoice.finalized' : 'invoice.payment_failed');
}

// A delivery: id, the object it tells about, and its body, made when it is asked for.
function newEvent(random, object, version, at) {
  const id = `evt_1Q${token(random, 22)}`, requestId = `req_${token(random, 14)}`;
  const event = { id, object, version, at, created: object.createdAt + version * STEP + random.below(STEP) };
  event.payload = () => ({
    id, object: 'event', api_version: API_VERSION, created: event.created, data: { object: PAYLOADS[object.kind](object, at) }, livemode: true,
    pending_webhooks: 1, request: { id: requestId, idempotency_key: null }, type: eventType(object.kind, version, at),
  });
  event.body = () => Buffer.from(JSON.stringify(event.payload(), null, 2));
  return event;
}

/*
 * So many customers, one subscription each, invoices for them one after the other,
 * and `events` events over all of these, spread as evenly as a subscription's
 * livelier life allows (6 : 3 : 3).  -> { objects, events, deliveries }:
 * deliveries are the events in a random order with a share of them twice.
 */
export function makeLoad({ customers, invoices, events: wanted, twice = 0.05, seed = 1 }) {
  const random = new Random(seed), objects = [], events = [];
  for (let n = 0; n < customers; n++) objects.push(newCustomer(random, n));
  for (let n = 0; n < customers; n++) objects.push(newSubscription(random, n, objects[n]));
  for (let n = 0; n < invoices; n++) objects.push(newInvoice(random, n, objects[customers + (n % customers)]));
  for (const object of objects) object.versions = 1;
  const turns = ['subscription', 'subscription', 'customer', 'invoice'];
  const byKind = Object.fromEntries(['customer', 'subscription', 'invoice'].map((kind) => [kind, random.shuffle(objects.filter((o) => o.kind === kind))]));
  const at = { customer: 0, subscription: 0, invoice: 0 };
  for (let count = objects.length, turn = 0; count < wanted; turn++) {
    const kind = turns[turn % turns.length], list = byKind[kind];
    if (list.length === 0 || (kind === 'invoice' && turn % (turns.length * Math.ceil(customers / invoices)) > turns.length)) continue;
    list[at[kind]++ % list.length].versions++;
    count++;
  }
  for (const object of objects) {
    let state;
    for (let version = 0; version < object.versions; version++) {
      state = STATES[object.kind](random, object, version, version === object.versions - 1, state);
      object.newest = newEvent(random, object, version, state);
      events.push(object.newest);
    }
  }
  const again = events.filter(() => random.next() < twice);
  const deliveries = random.shuffle([...events, ...again]);
  return { objects, events, deliveries };
}
