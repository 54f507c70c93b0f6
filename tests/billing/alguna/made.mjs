// The made world: N customers; rows follow from their index.  Every tenth has
// the id of a Salesforce account as an alias, number 3 of ten has two
// subscriptions, number 6 none.

import { mix, padded, pick } from '../common/chance.mjs';
import { Pattern } from '../common/pattern.mjs';
import { DAY_MS, FIRST_MS, seconds, STEP_MS } from '../common/times.mjs';
import { money } from './decimal.mjs';
import * as rows from './rows.mjs';

const CURRENCIES = ['USD', 'EUR', 'JPY', 'GBP'];
const SUBSCRIPTIONS = new Pattern([1, 1, 1, 2, 1, 1, 0, 1, 1, 1]);
const INVOICES = new Pattern([2, 2, 2, 3, 2, 2, 0, 2, 2, 2]);
const ONE_IN_TEN = new Pattern([0, 1, 0, 0, 0, 0, 0, 0, 0, 0]); // refunds and credit notes
const STATUSES = ['active', 'active', 'active', 'draft', 'canceled'];

// kind: [prefix of its ids, children per customer, ms after the customer's creation, ms between two]
const KINDS = {
  customers: ['cust_M', new Pattern([1]), 0, 0],
  subscriptions: ['sub_M', SUBSCRIPTIONS, 1000, 60000],
  versions: ['subv_M', SUBSCRIPTIONS, 1000, 60000],
  invoices: ['inv_M', INVOICES, 5000, 120000],
  payments: ['pay_M', new Pattern([1, 1, 1, 1, 1, 1, 0, 1, 1, 1]), 65000, 0],
  refunds: ['re_M', ONE_IN_TEN, 300000, 0],
  credit_notes: ['cn_M', ONE_IN_TEN, 310000, 0],
};

export class Maker {
  constructor(customers, seed) {
    this.customers = customers;
    this.seed = seed;
  }

  id(kind, j) {
    return KINDS[kind][0] + padded(j, 9);
  }

  index(kind, id, count) {
    const j = Number(/M(\d{9})$/.exec(id)?.[1] ?? -1);
    return j >= 0 && j < count && this.id(kind, j) === id ? j : -1;
  }

  created(kind, j) {
    const [, pattern, after, between] = KINDS[kind];
    const { parent, nth } = pattern.of(j);
    return FIRST_MS + parent * STEP_MS + after + nth * between;
  }

  // Whose row it is, and the fields that all kinds have.
  common(kind, j) {
    const { parent: i, nth } = KINDS[kind][1].of(j);
    return { i, nth, at: this.created(kind, j), fields: { id: this.id(kind, j), customer_id: this.id('customers', i), currency: CURRENCIES[i % 4] } };
  }

  aliases(i) {
    const own = [`own-${padded(i)}`];
    if (i % 10 === 1) own.unshift(`001M${padded(i, 11)}`);
    if (i % 10 === 2) own.push(`owner@c${padded(i)}.example.com`);
    return own;
  }

  externalIds(i) {
    return [`cus_ext_${padded(i)}`];
  }

  // A made customer by alias or external id.
  customerNamed(name) {
    const digits = /\d{6,}/.exec(name);
    const i = digits === null ? -1 : Number(digits[0]);
    const known = i >= 0 && i < this.customers && [...this.aliases(i), ...this.externalIds(i)].includes(name);
    return known ? this.id('customers', i) : undefined;
  }

  customer(i) {
    const at = this.created('customers', i);
    const contact = (n, primary) => ({
      id: `cont_M${padded(i * 2 + n, 9)}`, email: `${primary ? 'billing' : 'ap'}@c${padded(i)}.example.com`, is_primary: primary,
      email_preferences: primary ? ['billing'] : [], first_name: 'Robin', last_name: `Example ${padded(i)}`,
    });
    return rows.newCustomer({
      id: this.id('customers', i), name: `Company ${padded(i)} & Söhne`, currency: CURRENCIES[i % 4], aliases: this.aliases(i),
      billing_address: i % 7 === 6 ? null : { city: 'Springfield', country: 'USA', line1: `${i} Main Street`, postal_code: '10000', state: 'OR', line2: null },
      contacts: i % 9 === 8 ? [] : [contact(0, true), contact(1, false)], $external_ids: this.externalIds(i),
      tax_country: 'US', taxability_reason: 'standard_rated', tax_rate: '0.10', tax_status: 'taxable', tax_type: 'vat',
    }, at);
  }

  amount(kind, i) {
    return 5000 + 100 * (mix(this.seed, kind.length, i) % 900);
  }

  subscriptions(j) {
    const { at, fields } = this.common('subscriptions', j);
    const status = pick(STATUSES, this.seed, 7, j);
    const ended = status === 'canceled' ? { ended_at: seconds(at + 300000), cancelation_reason: 'no_longer_required' } : null;
    return rows.newSubscription({
      ...fields, name: `Plan ${padded(j)}`, status, current_version_id: this.id('versions', j), plan_id: 'pln_growth',
      activated_at: status === 'draft' ? null : seconds(at + 1000), $end: ended,
    }, at);
  }

  versions(j) {
    const { i, at, fields } = this.common('versions', j);
    return rows.newVersion({
      id: fields.id, subscription_id: this.id('subscriptions', j),
      items: [{ id: `item_M${padded(j, 9)}`, product_id: 'prod_seats', price_id: `pri_M${padded(j, 9)}`, quantity: '3' }],
      prices: [{
        id: `pri_M${padded(j, 9)}`, product_id: 'prod_seats', model: 'fixed', currency: fields.currency,
        unit_price: money(this.amount('version', i), fields.currency), billing_interval: i % 2 === 0 ? 'monthly' : 'yearly',
      }],
    }, at);
  }

  // The first is paid, and has a payment.
  invoices(j) {
    const { i, nth, at, fields } = this.common('invoices', j);
    const total = money(this.amount('invoice', i), fields.currency);
    const none = money(0, fields.currency);
    const status = nth === 0 ? 'paid' : pick(['issued', 'overdue', 'draft', 'void', 'canceled', 'issued'], this.seed, 8, j);
    const issued = !['draft', 'canceled'].includes(status);
    return rows.newInvoice({
      ...fields, total, status, description: `Invoice ${padded(j)}`, tax: none, amount_paid: nth === 0 ? total : none,
      amount_remaining: nth === 0 ? none : total, issue_date: issued ? seconds(at) : null, due_date: issued ? seconds(at + 30 * DAY_MS) : null,
      paid_date: nth === 0 ? seconds(at + 60000) : null, invoice_number: issued ? `INV-${padded(j)}` : null,
      line_items: [{ id: `li_M${padded(j, 9)}`, description: 'Seats', quantity: '1', unit_price: total, total_price: total, product_id: 'prod_seats' }],
    }, at);
  }

  payments(j) {
    const { i, at, fields } = this.common('payments', j);
    const amount = money(this.amount('invoice', i), fields.currency);
    return rows.newPayment({
      ...fields, invoice_id: this.id('invoices', INVOICES.first(i)), amount, amount_received: amount, status: 'succeeded',
      external_id: `pi_M${padded(j, 9)}`, paid_at: seconds(at),
    }, at);
  }

  refunds(j) {
    const { i, at, fields } = this.common('refunds', j);
    return rows.newRefund({
      ...fields, payment_id: this.id('payments', KINDS.payments[1].first(i)), amount: money(1000, fields.currency), status: 'succeeded', reason: 'Goodwill',
    }, at);
  }

  credit_notes(j) {
    const { i, at, fields } = this.common('credit_notes', j);
    const status = pick(['draft', 'applied', 'void', 'pending_refund'], this.seed, 9, j);
    return rows.newCreditNote({
      ...fields, status, invoice_id: this.id('invoices', INVOICES.first(i)), total: money(2000, fields.currency), external_reference: `CN-${padded(j)}`,
      apply_date: status === 'draft' ? null : seconds(at), void_date: status === 'void' ? seconds(at) : null,
    }, at);
  }

  // The indexes of made rows of a kind that belong to a customer.
  of(kind, customerId) {
    const i = this.index('customers', customerId, this.customers);
    return i < 0 ? [] : KINDS[kind][1].children(i);
  }
}

export function makeWorld(tables, customers, seed) {
  const maker = new Maker(customers, seed);
  for (const [kind, [, pattern]] of Object.entries(KINDS)) {
    const count = pattern.first(customers);
    tables[kind].make({
      count, id: (j) => maker.id(kind, j), index: (id) => maker.index(kind, id, count), key: (j) => seconds(maker.created(kind, j)),
      row: (j) => (kind === 'customers' ? maker.customer(j) : maker[kind](j)),
    });
  }
  return maker;
}
