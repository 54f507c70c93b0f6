// The resources that are listed and read: parameters of the lists (from the
// type definitions of the SDK) and what they mean.

import { boolean, hash, integer, list, oneOf, range, string } from './params.mjs';

const COLLECTION = oneOf('charge_automatically', 'send_invoice');
const SUBSCRIPTION_STATES = ['incomplete', 'incomplete_expired', 'trialing', 'active', 'past_due', 'canceled', 'unpaid', 'paused'];
const within = (range, at) => at !== null && at !== undefined && at >= range.min && at <= range.max;
const periods = (sub, name) => (sub[name] !== undefined ? [sub[name]] : sub.items.data.map((item) => item[name]));

export function invoiceSubscription(invoice) {
  return invoice.parent?.subscription_details?.subscription ?? invoice.subscription ?? null;
}

// How each filter is tested; those that are not here compare the member of the same name.
const TESTS = {
  subscription: {
    status: (sub, value) => {
      if (value === 'all') return true;
      if (value === 'ended') return sub.status === 'canceled' || sub.status === 'incomplete_expired';
      return sub.status === value;
    },
    price: (sub, value) => sub.items.data.some((item) => item.price.id === value),
    current_period_start: (sub, value) => periods(sub, 'current_period_start').some((at) => within(value, at)),
    current_period_end: (sub, value) => periods(sub, 'current_period_end').some((at) => within(value, at)),
    automatic_tax: (sub, value) => value.enabled === undefined || sub.automatic_tax?.enabled === value.enabled,
  },
  invoice: {
    subscription: (invoice, value) => invoiceSubscription(invoice) === value,
    due_date: (invoice, value) => within(value, invoice.due_date),
  },
  invoice_payment: {
    payment: (one, value) => one.payment.type === value.type
      && (value.payment_intent === undefined || one.payment.payment_intent === value.payment_intent),
  },
  product: { ids: (product, value) => value.includes(product.id) },
  price: {
    lookup_keys: (price, value) => value.includes(price.lookup_key),
    recurring: (price, value) => price.recurring !== null && Object.entries(value).every(([name, one]) => price.recurring[name] === one),
  },
  subscription_schedule: {
    scheduled: (schedule, value) => (schedule.status === 'not_started') === value,
    canceled_at: (schedule, value) => within(value, schedule.canceled_at),
    completed_at: (schedule, value) => within(value, schedule.completed_at),
    released_at: (schedule, value) => within(value, schedule.released_at),
  },
};

// Filters that name an object: one that is not there is refused.
export const NAMES = {
  customer: 'customer', subscription: 'subscription', invoice: 'invoice', price: 'price', product: 'product',
  charge: 'charge', payment_intent: 'payment_intent',
};

const created = { created: range };
const RESOURCES = [
  ['customers', 'customer', { ...created, email: string, test_clock: string }],
  ['subscriptions', 'subscription', {
    ...created, customer: string, price: string, plan: string, status: oneOf(...SUBSCRIPTION_STATES, 'all', 'ended'),
    collection_method: COLLECTION, current_period_start: range, current_period_end: range, test_clock: string,
    automatic_tax: hash({ enabled: boolean }),
  }],
  ['invoices', 'invoice', {
    ...created, customer: string, subscription: string, status: oneOf('draft', 'open', 'paid', 'uncollectible', 'void'),
    collection_method: COLLECTION, due_date: range,
  }],
  ['invoice_payments', 'invoice_payment', {
    ...created, invoice: string, status: oneOf('open', 'paid', 'canceled'),
    payment: hash({ type: oneOf('payment_intent', 'payment_record'), payment_intent: string, payment_record: string }),
  }],
  ['credit_notes', 'credit_note', { ...created, customer: string, invoice: string }],
  ['charges', 'charge', { ...created, customer: string, payment_intent: string, transfer_group: string }],
  ['refunds', 'refund', { ...created, charge: string, payment_intent: string }],
  ['disputes', 'dispute', { ...created, charge: string, payment_intent: string }],
  ['payment_intents', 'payment_intent', { ...created, customer: string }],
  ['products', 'product', {
    ...created, active: boolean, ids: list(string), shippable: boolean, type: oneOf('good', 'service'), url: string,
  }],
  ['prices', 'price', {
    ...created, active: boolean, currency: string, product: string, lookup_keys: list(string, 10), type: oneOf('one_time', 'recurring'),
    recurring: hash({ interval: oneOf('day', 'week', 'month', 'year'), meter: string, usage_type: oneOf('licensed', 'metered') }),
  }],
  ['coupons', 'coupon', created],
  ['subscription_schedules', 'subscription_schedule', {
    ...created, customer: string, scheduled: boolean, canceled_at: range, completed_at: range, released_at: range,
  }],
  ['webhook_endpoints', 'webhook_endpoint', {}],
];

export const BY_PATH = new Map(RESOURCES.map(([path, type, params]) => [path, { path, type, params }]));

// The test that a list makes of each object: given are the filters without created.
export function filterOf(type, given) {
  const tests = Object.entries(given).map(([name, value]) => {
    const test = TESTS[type]?.[name] ?? ((obj, wanted) => obj[name] === wanted);
    return (obj) => test(obj, value);
  });
  // By default the canceled are left out, and what lives on a test clock.
  if (type === 'subscription' && given.status === undefined) tests.push((sub) => sub.status !== 'canceled');
  if ((type === 'customer' || type === 'subscription') && given.test_clock === undefined) tests.push((obj) => (obj.test_clock ?? null) === null);
  return (obj) => tests.every((test) => test(obj));
}
