// The made world: N customers whose rows follow from their index.
//
// Of ten customers, number 4 has an upgrade chain (two subscriptions under one
// external id), 6 is now and then incomplete, 7 is pending, 8 has terminated,
// 9 was canceled before it began.  Each customer that is billed has three
// invoices: two paid, the third pending, overdue, a draft or void.

import { mix, padded, pick } from '../common/chance.mjs';
import { Pattern } from '../common/pattern.mjs';
import { FIRST_MS, millis, seconds, STEP_MS } from '../common/times.mjs';
import { newCreditNote, newCustomer, newFee, newInvoice, newPayment, newPlan, newSubscription, PREFIX } from './rows.mjs';

const KIND = { customer: 1, plan: 2, subscription: 3, invoice: 4, payment: 5, credit_note: 6, fee: 7, item: 8, link: 9 };
const CURRENCIES = ['EUR', 'USD', 'JPY', 'HUF', 'KWD'];
const INTERVALS = ['monthly', 'yearly', 'quarterly'];
const TAX_RATE = 20;

const SUBSCRIPTIONS = new Pattern([1, 1, 1, 1, 2, 1, 1, 1, 1, 1]);
const INVOICES = new Pattern([3, 3, 3, 3, 3, 3, 3, 0, 3, 0]);
const PAYMENTS = new Pattern([2, 2, 2, 2, 2, 2, 2, 0, 2, 0]);
const CREDIT_NOTES = new Pattern([0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);

const hex = (n, width) => n.toString(16).padStart(width, '0');

export class Maker {
  constructor(customers, seed) {
    this.customers = customers;
    this.seed = seed;
  }

  // A UUID that tells the index of its row.
  uuid(kind, j) {
    const h = mix(this.seed, kind, j);
    return `${hex(h, 8)}-${hex(kind, 4)}-4${hex(this.seed & 0xfff, 3)}-8${hex(h & 0xfff, 3)}-${hex(j, 12)}`;
  }

  index(kind, id, count) {
    const j = parseInt(id.slice(24), 16);
    return j < count && this.uuid(kind, j) === id ? j : -1;
  }

  created(i) {
    return FIRST_MS + i * STEP_MS;
  }

  currency(i) {
    return CURRENCIES[i % CURRENCIES.length];
  }

  externalId(i) {
    if (i % 10 === 1) return `acct.eu.${padded(i)}`;
    if (i % 10 === 2) return `org/${padded(i)}`;
    return `cust_${padded(i)}`;
  }

  customerIndex(externalId) {
    const digits = /(\d{6,})$/.exec(externalId);
    const i = digits === null ? -1 : Number(digits[1]);
    return i >= 0 && i < this.customers && this.externalId(i) === externalId ? i : -1;
  }

  // The made subscriptions under an external id.
  subscriptionsNamed(externalId) {
    const digits = /^sub_(\d{6,})$/.exec(externalId);
    const i = digits === null ? -1 : Number(digits[1]);
    return i >= 0 && i < this.customers ? SUBSCRIPTIONS.children(i) : [];
  }

  customer(i) {
    const person = i % 8 === 5;
    const fields = {
      lago_id: this.uuid(KIND.customer, i), external_id: this.externalId(i), sequential_id: i + 1,
      slug: `${PREFIX}-${padded(i + 1, 3)}`, currency: this.currency(i), country: pick(['DE', 'US', 'JP', 'HU', 'KW'], this.seed, i),
      city: 'Springfield', email: `billing@c${padded(i)}.example.com`, net_payment_term: 14,
      customer_type: i % 3 === 0 ? null : person ? 'individual' : 'company',
      integration_customers: i % 20 === 19 ? [this.link(i)] : [],
    };
    if (person) Object.assign(fields, { firstname: 'Robin', lastname: `Example ${padded(i)}` });
    else Object.assign(fields, { name: `Company ${padded(i)} <&> Ünion`, url: `c${padded(i)}.example.com` });
    return newCustomer(fields, this.created(i));
  }

  link(i) {
    return {
      lago_id: this.uuid(KIND.link, i), external_customer_id: String(700000000 + i), type: 'hubspot', integration_code: 'hubspot_main',
      code: 'hubspot_main', is_default: true, category: 'crm', sync_with_provider: true, targeted_object: 'companies', email: null,
    };
  }

  plans() {
    return CURRENCIES.flatMap((currency, c) => INTERVALS.flatMap((interval, n) => ['scale', 'enterprise'].map((name, size) => newPlan({
      lago_id: this.uuid(KIND.plan, c * 6 + n * 2 + size), name: `${name} ${currency}`, code: `${name}_${currency.toLowerCase()}_${interval}`,
      interval, amount_cents: (4900 + 1000 * c) * [1, 10, 3][n] * (size === 0 ? 1 : 4), amount_currency: currency,
    }, FIRST_MS - 86400000 + c * 1000 + n * 100 + size))));
  }

  plan(i, size) {
    const c = i % CURRENCIES.length;
    const n = Math.floor(i / CURRENCIES.length) % INTERVALS.length;
    this.planRows ??= this.plans();
    return this.planRows[c * 6 + n * 2 + size];
  }

  subscription(j) {
    const { parent: i, nth } = SUBSCRIPTIONS.of(j);
    const customer = { lago_id: this.uuid(KIND.customer, i), external_id: this.externalId(i) };
    const ordered = this.created(i) + 1000;
    const at = ordered + nth * 60000;
    const chain = SUBSCRIPTIONS.count(i) === 2;
    const plan = this.plan(i, chain && nth === 1 ? 1 : 0);
    const fields = {
      lago_id: this.uuid(KIND.subscription, j), external_id: `sub_${padded(i)}`, name: `Subscription ${padded(i)}`,
      subscription_at: seconds(ordered), created_at: seconds(at), ...subscriptionState(i, nth, chain, at),
    };
    if (chain && nth === 0) fields.next_plan_code = this.plan(i, 1).code;
    if (chain && nth === 1) fields.previous_plan_code = this.plan(i, 0).code;
    return newSubscription(fields, customer, plan, at);
  }

  fee(j, subscription, plan, at) {
    return newFee({
      lago_id: this.uuid(KIND.fee, j), lago_invoice_id: this.uuid(KIND.invoice, j), lago_subscription_id: subscription.lago_id,
      external_subscription_id: subscription.external_id, lago_customer_id: subscription.lago_customer_id,
      external_customer_id: subscription.external_customer_id, amount_cents: plan.amount_cents, amount_currency: plan.amount_currency,
      taxes_rate: TAX_RATE, created_at: seconds(at),
      item: { code: plan.code, name: plan.name, invoice_display_name: plan.name, lago_item_id: subscription.lago_id },
    });
  }

  invoice(j) {
    const { parent: i, nth } = INVOICES.of(j);
    const customer = this.customer(i);
    const at = this.created(i) + 5000 + nth * 120000;
    const subscription = this.subscription(SUBSCRIPTIONS.first(i));
    const state = nth < 2 ? 'paid' : pick(['pending', 'overdue', 'draft', 'voided'], this.seed, KIND.invoice, i);
    const draft = state === 'draft';
    const number = draft ? `${PREFIX}-DRAFT` : `${customer.slug}-${padded(nth + 1, 3)}`;
    const fees = [this.fee(j, subscription, this.plan(i, 0), at)];
    const row = newInvoice({
      lago_id: this.uuid(KIND.invoice, j), sequential_id: draft ? null : nth + 1, number, status: draft ? 'draft' : 'finalized',
      fees, $subscriptions: [subscription.lago_id],
      billing_periods: [{
        lago_subscription_id: subscription.lago_id, external_subscription_id: subscription.external_id,
        lago_plan_id: this.plan(i, 0).lago_id, subscription_from_datetime: seconds(at), subscription_to_datetime: seconds(at + 30 * 86400000),
        charges_from_datetime: null, charges_to_datetime: null, fixed_charges_from_datetime: null, fixed_charges_to_datetime: null,
        invoicing_reason: nth === 0 ? 'subscription_starting' : 'subscription_periodic',
      }],
      file_url: draft ? null : `https://api.billing.example.com/files/${number}.pdf`,
    }, customer, at);
    return { ...row, ...invoiceState(state, row, at) };
  }

  payment(j) {
    const { parent: i, nth } = PAYMENTS.of(j);
    const invoice = this.invoice(INVOICES.first(i) + nth);
    return newPayment({
      lago_id: this.uuid(KIND.payment, j), amount_cents: invoice.total_amount_cents, payment_provider_code: 'stripe_eu',
      payment_provider_type: 'PaymentProviders::StripeProvider', external_payment_id: `pi_made${padded(j)}`,
      provider_payment_id: `pi_made${padded(j)}`, provider_customer_id: `cus_made${padded(i)}`,
    }, [invoice], this.customer(i), this.created(i) + 60000 + nth * 120000);
  }

  creditNote(j) {
    const { parent: i } = CREDIT_NOTES.of(j);
    const invoice = this.invoice(INVOICES.first(i));
    const part = Math.floor(invoice.total_amount_cents / 4);
    return newCreditNote({
      lago_id: this.uuid(KIND.credit_note, j), credit_status: 'available', total_amount_cents: part, credit_amount_cents: part,
      balance_amount_cents: part, sub_total_excluding_taxes_amount_cents: part, reason: 'order_change',
      items: [{ lago_id: this.uuid(KIND.item, j), amount_cents: part, precise_amount_cents: `${part}.0`, amount_currency: invoice.currency, fee: invoice.fees[0] }],
    }, invoice, this.created(i) + 500000);
  }
}

function subscriptionState(i, nth, chain, at) {
  if (chain && nth === 0) return { status: 'terminated', ...started(at), terminated_at: seconds(at + 60000) };
  switch (i % 10) {
  case 6: return i % 50 === 6 ? { status: 'incomplete' } : { status: 'active' };
  case 7: return { status: 'pending' };
  case 8: return { status: 'terminated', ...started(at), terminated_at: seconds(at + 300000) };
  case 9: return { status: 'canceled', canceled_at: seconds(at + 300000) };
  default: return { status: 'active' };
  }
}

function started(at) {
  return { started_at: millis(at), activated_at: seconds(at) };
}

function invoiceState(state, row, at) {
  const total = row.total_amount_cents;
  const fees = row.fees.map((fee) => ({ ...fee, payment_status: 'succeeded', succeeded_at: seconds(at + 60000) }));
  switch (state) {
  case 'paid': return { payment_status: 'succeeded', total_paid_amount_cents: total, total_due_amount_cents: 0, updated_at: seconds(at + 60000), fees };
  case 'overdue': return { payment_overdue: true, payment_status: 'failed', updated_at: seconds(at + 60000) };
  case 'voided': return { status: 'voided', voided_at: seconds(at + 60000), total_due_amount_cents: 0, updated_at: seconds(at + 60000) };
  default: return {};
  }
}

// Fills the tables of a world.
export function makeWorld(tables, customers, seed) {
  const maker = new Maker(customers, seed);
  const kinds = [
    ['customers', customers, KIND.customer, 'customer', (i) => seconds(maker.created(i))],
    ['subscriptions', SUBSCRIPTIONS.first(customers), KIND.subscription, 'subscription', (j) => orderKey(maker, SUBSCRIPTIONS, j)],
    ['invoices', INVOICES.first(customers), KIND.invoice, 'invoice', (j) => invoiceKey(maker, j)],
    ['payments', PAYMENTS.first(customers), KIND.payment, 'payment', (j) => paymentKey(maker, j)],
    ['credit_notes', CREDIT_NOTES.first(customers), KIND.credit_note, 'creditNote', (j) => seconds(maker.created(CREDIT_NOTES.of(j).parent) + 500000)],
  ];
  for (const [name, count, kind, method, key] of kinds)
    tables[name].make({ count, id: (j) => maker.uuid(kind, j), index: (id) => maker.index(kind, id, count), key, row: (j) => maker[method](j) });
  for (const plan of maker.plans()) tables.plans.put(plan);
  return maker;
}

function orderKey(maker, pattern, j) {
  const { parent, nth } = pattern.of(j);
  const ordered = maker.created(parent) + 1000;
  return `${seconds(ordered)} ${seconds(ordered + nth * 60000)}`;
}

function invoiceKey(maker, j) {
  const { parent, nth } = INVOICES.of(j);
  const at = seconds(maker.created(parent) + 5000 + nth * 120000);
  return `${at.slice(0, 10)} ${at}`;
}

function paymentKey(maker, j) {
  const { parent, nth } = PAYMENTS.of(j);
  return seconds(maker.created(parent) + 60000 + nth * 120000);
}

// The made rows that belong to a made customer, by kind.
export function childrenOf(i) {
  return {
    subscriptions: SUBSCRIPTIONS.children(i), invoices: INVOICES.children(i), payments: PAYMENTS.children(i),
    credit_notes: CREDIT_NOTES.children(i),
  };
}
