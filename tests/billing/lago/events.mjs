// The webhooks about each kind of object, with the parts that each carries.
// An object is written from its row at the time, which may be later.

import * as views from './views.mjs';

export function emitCustomer(system, type, id) {
  system.emit(type, 'customer', id, () => {
    const row = system.customerOf(id);
    const view = views.customerBase(row);
    return type === 'customer.payment_provider_created' ? view : { ...view, integration_customers: row.integration_customers };
  });
}

const WITH_ENTITLEMENTS = ['subscription.started', 'subscription.updated'];

export function emitSubscription(system, type, id) {
  system.emit(type, 'subscription', id, () => {
    const row = system.tables.subscriptions.get(id);
    const view = {
      ...views.subscriptionBase(row), customer: views.customerBase(system.customerOf(row.lago_customer_id)),
      plan: views.planInEvent(system.planFor(row)),
    };
    return WITH_ENTITLEMENTS.includes(type) ? { ...view, entitlements: row.$entitlements ?? [] } : view;
  });
}

const INVOICE_PARTS = {
  'invoice.created': ['customer', 'subscriptions', 'billing_periods', 'fees', 'credits', 'applied_taxes', 'applied_invoice_custom_sections'],
  'invoice.drafted': ['customer', 'subscriptions', 'billing_periods', 'fees', 'credits', 'applied_taxes', 'error_details'],
  'invoice.one_off_created': ['customer', 'fees', 'applied_taxes', 'applied_invoice_custom_sections'],
  'invoice.voided': ['customer', 'billing_periods', 'subscriptions', 'fees', 'credits', 'applied_taxes'],
  'invoice.payment_overdue': ['customer', 'fees', 'applied_taxes'],
  'invoice.payment_status_updated': ['customer', 'fees'],
  'invoice.generated': ['customer'],
};
INVOICE_PARTS['invoice.ready_to_finalize'] = INVOICE_PARTS['invoice.drafted'];
INVOICE_PARTS['invoice.paid_credit_added'] = INVOICE_PARTS['invoice.one_off_created'];
INVOICE_PARTS['invoice.deleted'] = INVOICE_PARTS['invoice.voided'];

export function emitInvoice(system, type, id) {
  system.emit(type, 'invoice', id, () => {
    const row = system.tables.invoices.get(id);
    return type === 'invoice.resynced' ? views.invoiceResynced(system, row) : views.invoiceWith(system, row, INVOICE_PARTS[type]);
  });
}

// The invoice stands one level deeper.
export function emitDisputeLost(system, id, reason) {
  system.emit('invoice.payment_dispute_lost', 'payment_dispute_lost', id, () => ({
    invoice: views.invoiceWith(system, system.tables.invoices.get(id), ['customer']), provider_error: reason,
  }));
}

export function emitPaymentFailure(system, invoice, error) {
  const customer = system.customerOf(invoice.$customer);
  const billing = customer.billing_configuration;
  system.emit('invoice.payment_failure', 'payment_provider_invoice_payment_error', invoice.lago_id, () => ({
    lago_invoice_id: invoice.lago_id, lago_customer_id: customer.lago_id, external_customer_id: customer.external_id,
    provider_customer_id: billing.provider_customer_id ?? null, payment_provider: billing.payment_provider ?? 'stripe',
    payment_provider_code: billing.payment_provider_code ?? 'stripe_eu', provider_error: error, error_details: null,
  }));
}

export function emitTaxError(system, customer, error) {
  system.emit('customer.tax_provider_error', 'tax_provider_customer_error', customer.lago_id, () => ({
    lago_customer_id: customer.lago_id, external_customer_id: customer.external_id, tax_provider: 'anrok', tax_provider_code: 'anrok_main',
    provider_error: error,
  }));
}

export function emitPayment(system, type, id) {
  system.emit(type, 'payment', id, () => {
    const { payment_method: method, ...base } = system.tables.payments.get(id);
    return type === 'payment.succeeded' && method !== undefined ? { ...base, payment_method: method } : base;
  });
}

export function emitReceipt(system, type, id) {
  system.emit(type, 'payment_receipt', id, () => views.receiptShown(system, system.tables.payment_receipts.get(id)));
}

export function emitCreditNote(system, type, id) {
  system.emit(type, 'credit_note', id, () => (
    views.creditNoteInEvent(system, system.tables.credit_notes.get(id), type === 'credit_note.created')));
}

export function emitRefundFailure(system, note, error) {
  const customer = system.customerOf(note.$customer);
  system.emit('credit_note.refund_failure', 'credit_note_payment_provider_refund_error', note.lago_id, () => ({
    lago_credit_note_id: note.lago_id, lago_customer_id: customer.lago_id, external_customer_id: customer.external_id,
    provider_customer_id: customer.billing_configuration.provider_customer_id ?? null, payment_provider: 'stripe',
    payment_provider_code: 'stripe_eu', provider_error: error,
  }));
}

export function emitPaymentRequest(system, type, id) {
  system.emit(type, 'payment_request', id, () => views.paymentRequestShown(system, system.tables.payment_requests.get(id)));
}

export function emitPlan(system, type, row) {
  system.emit(type, 'plan', row.lago_id, () => {
    const view = views.planInEvent(system.tables.plans.get(row.lago_id) ?? row);
    return type === 'plan.deleted' ? view : { ...view, entitlements: [] };
  });
}
