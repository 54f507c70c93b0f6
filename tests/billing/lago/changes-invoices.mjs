// Changes of invoices and payments, and what each sends or keeps to itself.

import { found } from '../common/system.mjs';
import { emitDisputeLost, emitInvoice, emitPayment, emitPaymentFailure, emitPaymentRequest, emitTaxError } from './events.mjs';
import { finalizeDraft, generatePdf, paymentSucceeded, recordPayment, settle, touch } from './invoice-steps.mjs';
import { newFee, newInvoice } from './rows.mjs';

const named = (system, { lago_id: id }) => found(system.tables.invoices, id, 'invoice');
const told = ({ lago_id: id }) => ({ lago_id: id });
const DECLINED = { message: 'Your card was declined.', error_code: 'card_declined' };

// Changes the row, sends an event of the given type.
function step(type, fields) {
  return (system, given) => {
    const row = touch(system, named(system, given).lago_id, fields(system, given));
    emitInvoice(system, type, row.lago_id);
    system.log(type, 'Invoice', row);
    return told(row);
  };
}

function feesOf(system, invoiceId, customer, subscriptions, amounts) {
  return amounts.map(({ amount_cents: amount, taxes_rate: rate = 0, ...more }) => newFee({
    lago_id: system.uuid(), lago_invoice_id: invoiceId, lago_customer_id: customer.lago_id, external_customer_id: customer.external_id,
    lago_subscription_id: subscriptions[0]?.lago_id ?? null, external_subscription_id: subscriptions[0]?.external_id ?? null,
    amount_cents: amount, amount_currency: customer.currency ?? 'EUR', taxes_rate: rate, created_at: system.nowText(), ...more,
  }));
}

// By lago_id or external_id.
function subscriptionNamed(system, name) {
  const row = system.tables.subscriptions.get(name) ?? system.subscriptionsNamed(name)[0];
  if (row === undefined) throw new Error(`no such subscription: ${name}`);
  return row;
}

function pay(system, { amount_cents: amount, type = 'provider', reference = null, ...which }) {
  const invoice = named(system, which);
  const paid = amount ?? invoice.total_due_amount_cents;
  const payment = recordPayment(system, [invoice], system.customerOf(invoice.$customer), { amount_cents: paid, type, reference });
  const { row, settled } = settle(system, invoice, { paid });
  if (settled) {
    emitInvoice(system, 'invoice.payment_status_updated', row.lago_id);
    system.log('invoice.payment_status_updated', 'Invoice', row);
  }
  if (type === 'manual') system.log('payment.recorded', 'Invoice', row, { object: payment });
  paymentSucceeded(system, payment);
  return { lago_id: row.lago_id, payment: payment.lago_id };
}

export const INVOICE_VERBS = {
  // status draft: invoice.drafted; closed: nothing, and REST hides it; else finalized at once.
  'invoice.create': (system, { external_customer_id: owner, subscriptions: names = [], fees = [{ amount_cents: 1000 }], invoice = {} }) => {
    const customer = system.customerByExternalId(owner);
    if (customer === undefined) throw new Error(`no such customer: ${owner}`);
    const subscriptions = names.map((name) => subscriptionNamed(system, name));
    const id = system.uuid();
    const status = invoice.status ?? 'finalized';
    const row = system.tables.invoices.put(newInvoice({
      lago_id: id, $subscriptions: subscriptions.map((one) => one.lago_id), fees: feesOf(system, id, customer, subscriptions, fees),
      ...invoice, status: status === 'finalized' ? 'draft' : status,
    }, customer, system.now()));
    if (status === 'finalized') return told(finalizeDraft(system, row));
    if (status === 'draft') {
      emitInvoice(system, 'invoice.drafted', id);
      system.log('invoice.drafted', 'Invoice', row);
    }
    return told(row);
  },

  'invoice.finalize': (system, which) => told(finalizeDraft(system, named(system, which))),
  'invoice.generate': (system, which) => told(generatePdf(system, named(system, which))),
  'invoice.ready': step('invoice.ready_to_finalize', () => ({})),
  'invoice.resync': step('invoice.resynced', () => ({})),
  'invoice.overdue': step('invoice.payment_overdue', () => ({ payment_overdue: true })),
  'invoice.delete': step('invoice.deleted', () => ({ status: 'deleted' })),
  'invoice.void': step('invoice.voided', (system) => ({ status: 'voided', voided_at: system.nowText(), total_due_amount_cents: 0 })),

  // A draft with new usage: nothing is sent.
  'invoice.refresh': (system, { fees, ...which }) => {
    const invoice = named(system, which);
    const customer = system.customerOf(invoice.$customer);
    const subscriptions = invoice.$subscriptions.map((id) => system.tables.subscriptions.get(id));
    const fresh = newInvoice({ fees: feesOf(system, invoice.lago_id, customer, subscriptions, fees) }, customer, system.now());
    const amounts = Object.fromEntries(Object.entries(fresh).filter(([name]) => name.endsWith('_amount_cents')));
    return told(touch(system, invoice.lago_id, { fees: fresh.fees, ...amounts }));
  },

  // The tax provider fails: only the customer's error tells.
  'invoice.fail': (system, which) => {
    const row = touch(system, named(system, which).lago_id, { status: 'failed' });
    emitTaxError(system, system.customerOf(row.$customer), { message: 'Service failure', error_code: 'service_failure' });
    system.log('invoice.failed', 'Invoice', row);
    return told(row);
  },

  // type provider or manual; a manual payment of a part sends no invoice event.
  'invoice.pay': pay,

  // first: the automatic attempt; later: the provider reports it afterwards.
  'invoice.pay_fail': (system, { first = true, provider_error: error = DECLINED, ...which }) => {
    const row = touch(system, named(system, which).lago_id, { payment_status: 'failed' });
    if (first) emitPaymentFailure(system, row, error);
    else emitInvoice(system, 'invoice.payment_status_updated', row.lago_id);
    system.log(first ? 'invoice.payment_failure' : 'invoice.payment_status_updated', 'Invoice', row);
    return told(row);
  },

  'invoice.dispute_lost': (system, { reason = 'fraudulent', ...which }) => {
    const row = touch(system, named(system, which).lago_id, {
      payment_dispute_lost_at: new Date(system.now()).toISOString(), payment_overdue: false,
    });
    emitDisputeLost(system, row.lago_id, reason);
    return told(row);
  },

  // In no webhook at all.
  'invoice.metadata': (system, { metadata, ...which }) => told(touch(system, named(system, which).lago_id, {
    metadata: metadata.map(({ key, value }) => ({ lago_id: system.uuid(), key, value, created_at: system.nowText() })),
  })),

  'payment.requires_action': (system, which) => {
    const invoice = named(system, which);
    const payment = recordPayment(system, [invoice], system.customerOf(invoice.$customer), {
      amount_cents: invoice.total_due_amount_cents, status: 'requires_action', payment_status: 'processing',
      next_action: { type: 'redirect_to_url', redirect_to_url: { url: 'https://hooks.example.com/3ds', return_url: null } },
    });
    emitPayment(system, 'payment.requires_action', payment.lago_id);
    return { lago_id: invoice.lago_id, payment: payment.lago_id };
  },

  'payment_request.create': (system, { lago_invoice_ids: ids }) => {
    const invoices = ids.map((id) => found(system.tables.invoices, id, 'invoice'));
    const customer = system.customerOf(invoices[0].$customer);
    const row = system.tables.payment_requests.put({
      lago_id: system.uuid(), amount_cents: invoices.reduce((sum, one) => sum + one.total_due_amount_cents, 0),
      amount_currency: invoices[0].currency, email: customer.email, payment_status: 'pending', created_at: system.nowText(),
      $customer: customer.lago_id, $invoices: ids,
    });
    emitPaymentRequest(system, 'payment_request.created', row.lago_id);
    system.log('payment_request.created', 'PaymentRequest', row);
    return told(row);
  },

  'payment_request.pay': (system, { lago_id: id }) => {
    const request = system.edit('payment_requests', found(system.tables.payment_requests, id, 'payment request').lago_id, { payment_status: 'succeeded' });
    const invoices = request.$invoices.map((one) => system.tables.invoices.get(one));
    const payment = recordPayment(system, invoices, system.customerOf(request.$customer), {
      lago_payable_id: id, payable_type: 'PaymentRequest', amount_cents: request.amount_cents, amount_currency: request.amount_currency,
    });
    emitPaymentRequest(system, 'payment_request.payment_status_updated', id);
    for (const invoice of invoices) {
      settle(system, invoice, { paid: invoice.total_due_amount_cents });
      emitInvoice(system, 'invoice.payment_status_updated', invoice.lago_id);
    }
    paymentSucceeded(system, payment);
    return { lago_id: id, payment: payment.lago_id };
  },

  'payment_request.fail': (system, { lago_id: id, provider_error: error = DECLINED }) => {
    const request = system.edit('payment_requests', found(system.tables.payment_requests, id, 'payment request').lago_id, { payment_status: 'failed' });
    const customer = system.customerOf(request.$customer);
    system.emit('payment_request.payment_failure', 'payment_provider_payment_request_payment_error', id, () => ({
      lago_payment_request_id: id, lago_invoice_ids: request.$invoices, lago_customer_id: customer.lago_id,
      external_customer_id: customer.external_id, provider_customer_id: customer.billing_configuration.provider_customer_id ?? null,
      payment_provider: 'stripe', payment_provider_code: 'stripe_eu', provider_error: error,
    }));
    return told(request);
  },
};
