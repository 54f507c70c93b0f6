// What a test makes happen in Alguna: POST /_sim/change {"do": VERB, ...}.
// The entry lists the verbs with their members.

import { found } from '../common/system.mjs';
import { DAY_MS, seconds } from '../common/times.mjs';
import { isPositive, minus, plus } from './decimal.mjs';
import { LOADERS } from './load.mjs';
import * as rows from './rows.mjs';
import { camel } from './names.mjs';
import { inEvent } from './views.mjs';

const WHAT = {
  customers: 'customer', subscriptions: 'subscription', invoices: 'invoice', payments: 'payment', refunds: 'refund', credit_notes: 'credit note',
};

const named = (system, kind, id) => found(system.tables[kind], id, WHAT[kind] ?? kind);

function touch(system, kind, id, fields) {
  return system.tables[kind].put({ ...named(system, kind, id), ...fields, updated_at: system.nowText() });
}

function tell(system, type, kind, id, more = {}) {
  system.emit(type, id, () => inEvent(system, kind, system.tables[kind].get(id), more));
}

// A step that changes fields and sends an event; without a type it is silent.
const step = (kind, type, fields) => (system, given) => {
  const row = touch(system, kind, given.id, fields(system, given, named(system, kind, given.id)));
  if (type !== null) tell(system, type, kind, row.id);
  return { id: row.id };
};

const silent = (kind, fields) => step(kind, null, fields);

const CUSTOMER_VERBS = {
  'customer.create': (system, { customer }) => (
    { id: system.tables.customers.put(rows.newCustomer({ id: system.newId('cust'), ...customer }, system.now())).id }),
  'customer.update': silent('customers', (system, { set }) => set),
};

const SUBSCRIPTION_VERBS = {
  // A draft; nobody is told.
  'subscription.create': (system, { subscription, version = {} }) => {
    named(system, 'customers', subscription.customer_id);
    const id = system.newId('sub');
    const first = system.tables.versions.put(rows.newVersion({ id: system.newId('subv'), subscription_id: id, ...version }, system.now()));
    system.tables.subscriptions.put(rows.newSubscription({ id, current_version_id: first.id, ...subscription }, system.now()));
    return { id, version_id: first.id };
  },
  'subscription.activate': step('subscriptions', 'subscription.activated', (system) => ({ status: 'active', activated_at: system.nowText() })),
  'subscription.start': step('subscriptions', 'subscription.started', () => ({})),
  'subscription.update': step('subscriptions', 'subscription.updated', (system, { set }) => set),
  'subscription.schedule_cancel': step('subscriptions', 'subscription.cancelation_scheduled', (system, { at = null, reason = 'no_longer_required' }) => (
    { $end: { cancelation_scheduled_for: at, cancelation_reason: reason } })),
  'subscription.cancel': step('subscriptions', 'subscription.canceled', (system, { reason = 'no_longer_required', description = null }) => (
    { status: 'canceled', $end: { ended_at: system.nowText(), cancelation_reason: reason, cancelation_reason_description: description } })),

  // The contract goes on: there is no event for it.
  'subscription.renew': silent('subscriptions', (system, given, row) => ({
    contract: { ...row.contract, end_date: seconds(Date.parse(row.contract.end_date) + (row.contract.duration_months ?? 12) * 30 * DAY_MS) },
  })),

  // A new version; it is the current one at once, or pending when it starts later.
  'subscription.version': (system, { id, version = {}, pending = false }) => {
    const subscription = named(system, 'subscriptions', id);
    const row = system.tables.versions.put(rows.newVersion({ id: system.newId('subv'), subscription_id: id, ...version }, system.now()));
    const change = { status: row.status, version_id: row.id, description: row.description, effective_at: row.start_date };
    touch(system, 'subscriptions', id, pending ? { pending_changes: [...subscription.pending_changes, change] } : { current_version_id: row.id });
    system.emit('subscription.version.updated', row.id, () => camel({
      id: row.id, subscription_id: id, customer_id: subscription.customer_id, status: row.status, start_date: row.start_date,
      end_date: row.end_date, change_description: row.description, created_at: row.created_at,
    }));
    return { id, version_id: row.id };
  },
};

function settle(system, payment) {
  const invoice = system.tables.invoices.get(payment.invoice_id ?? '');
  if (invoice === undefined) return;
  const remaining = minus(invoice.amount_remaining, payment.amount);
  const paid = !isPositive(remaining);
  touch(system, 'invoices', invoice.id, {
    amount_paid: plus(invoice.amount_paid, payment.amount), amount_remaining: remaining,
    ...(paid ? { status: 'paid', paid_date: system.nowText() } : {}),
  });
  if (paid) tell(system, 'invoice.paid', 'invoices', invoice.id);
}

function startPayment(system, { invoice_id: invoiceId, amount, ...more }) {
  const invoice = named(system, 'invoices', invoiceId);
  const row = system.tables.payments.put(rows.newPayment({
    id: system.newId('pay'), customer_id: invoice.customer_id, invoice_id: invoiceId, currency: invoice.currency,
    amount: amount ?? invoice.amount_remaining, ...more,
  }, system.now()));
  tell(system, 'payment.created', 'payments', row.id);
  return { id: row.id };
}

function succeed(system, { id }) {
  const { amount } = named(system, 'payments', id);
  const row = touch(system, 'payments', id, { status: 'succeeded', amount_received: amount, paid_at: system.nowText() });
  tell(system, 'payment.updated', 'payments', id);
  settle(system, row);
  return { id };
}

const MONEY_VERBS = {
  'payment.start': startPayment,
  'payment.succeed': succeed,
  'payment.fail': step('payments', 'payment.updated', (system, { reason = 'card_declined' }) => (
    { status: 'failed', failed_at: system.nowText(), $failure: reason })),

  // Nobody is told of a refund until its status changes.
  'refund.create': (system, { payment_id: paymentId, amount, ...more }) => {
    const payment = named(system, 'payments', paymentId);
    return { id: system.tables.refunds.put(rows.newRefund({
      id: system.newId('re'), customer_id: payment.customer_id, payment_id: paymentId, currency: payment.currency,
      amount: amount ?? payment.amount, ...more,
    }, system.now())).id };
  },
  'refund.update': (system, { id, status = 'succeeded', ...more }) => {
    const refund = touch(system, 'refunds', id, { status, ...more });
    const payment = system.tables.payments.get(refund.payment_id);
    if (status === 'succeeded' && payment !== undefined)
      touch(system, 'payments', payment.id, { amount_refunded: plus(payment.amount_refunded ?? '0', refund.amount) });
    tell(system, 'refund.updated', 'refunds', id);
    return { id };
  },

  // Credit notes are never told of.
  'credit_note.create': (system, { customer_id: owner, ...fields }) => {
    const customer = named(system, 'customers', owner);
    const row = rows.newCreditNote({ id: system.newId('cn'), customer_id: owner, currency: customer.currency, ...fields }, system.now());
    return { id: system.tables.credit_notes.put(row).id };
  },
  'credit_note.update': silent('credit_notes', (system, { set }) => set),
};

const INVOICE_VERBS = {
  // A draft, unless status says otherwise; nobody is told.
  'invoice.create': (system, { invoice }) => {
    named(system, 'customers', invoice.customer_id);
    return { id: system.tables.invoices.put(rows.newInvoice({ id: system.newId('inv'), ...invoice }, system.now())).id };
  },
  'invoice.issue': step('invoices', 'invoice.issued', (system) => {
    const now = system.now();
    return { status: 'issued', issue_date: seconds(now), due_date: seconds(now + 30 * DAY_MS), invoice_number: `INV-${++system.numbers}` };
  }),
  'invoice.pay': (system, { id, amount }) => {
    const payment = startPayment(system, { invoice_id: id, amount });
    succeed(system, payment);
    return { id, payment_id: payment.id };
  },
  // Only polling shows these.
  'invoice.overdue': silent('invoices', () => ({ status: 'overdue' })),
  'invoice.void': silent('invoices', () => ({ status: 'void' })),
  'invoice.cancel': silent('invoices', () => ({ status: 'canceled' })),
  'invoice.update': silent('invoices', (system, { set }) => set),

  'line_item.delete': (system, { invoice_id: id, line_item_id: item }) => {
    const invoice = named(system, 'invoices', id);
    const line = invoice.line_items.find((one) => one.id === item);
    if (line === undefined) throw new Error(`no such line item: ${item}`);
    touch(system, 'invoices', id, { line_items: invoice.line_items.filter((one) => one !== line) });
    const { customer_id: owner, currency } = invoice;
    system.emit('line_item.deleted', item, () => camel({ id: item, invoice_id: id, customer_id: owner, currency, ...line }));
    return { id };
  },
};

const ACCOUNT_VERBS = {
  'credits.grant': (system, { customer_id: owner, type = 'monetary', amount = '100.00', currency = 'USD', expires_at: expires = null }) => {
    system.emit('account.credits.granted', owner, () => ({
      accountId: owner, creditGrantId: system.newId('cg'), creditType: type, amount, currency: type === 'units' ? null : currency, expiresAt: expires,
    }));
    return { id: owner };
  },
  'credits.deplete': (system, { customer_id: owner, type = 'units' }) => {
    const at = system.nowText();
    system.emit('account.credits.balance_depleted', owner, () => ({ accountId: owner, creditType: type, balance: '0', depletedAt: at }));
    return { id: owner };
  },
  checkout: (system, { customer_id: owner, subscription_id: subscription = null, email = null }) => {
    const at = system.nowText();
    system.emit('checkout.session.completed', owner, () => ({
      id: system.newId('cs'), accountId: owner, subscriptionId: subscription, status: 'completed',
      currency: system.tables.customers.get(owner)?.currency ?? null,
      customerEmail: email, createdAt: at, completedAt: at,
    }));
    return { id: owner };
  },
};

const ANY_VERBS = {
  // In silence, and without a new updated_at.
  set: (system, { kind, id, set }) => {
    if (system.tables[kind] === undefined) throw new Error(`no such kind: ${kind}`);
    system.tables[kind].put({ ...named(system, kind, id), ...set });
    return { id };
  },
  add: (system, { kind, row }) => {
    if (LOADERS[kind] === undefined) throw new Error(`cannot add ${kind}`);
    LOADERS[kind](system, row);
    return { id: row.id };
  },
  remove: (system, { kind, id }) => {
    named(system, kind, id);
    system.tables[kind].remove(id);
    return { id };
  },
  // An event of any type and content.
  event: (system, { type, data, timestamp }) => {
    system.emit(type, null, () => data, timestamp);
    return null;
  },
};

export const VERBS = { ...CUSTOMER_VERBS, ...SUBSCRIPTION_VERBS, ...INVOICE_VERBS, ...MONEY_VERBS, ...ACCOUNT_VERBS, ...ANY_VERBS };
