// The forms in which the API and the webhooks show a row.

const HIDDEN = ['generating', 'open', 'closed', 'deleted']; // invoice statuses that REST does not know

export function isVisible(invoice) {
  return !HIDDEN.includes(invoice.status);
}

function without(row, ...names) {
  const copy = { ...row };
  for (const name of names) delete copy[name];
  return copy;
}

export function customerBase(customer) {
  return without(customer, 'taxes', 'integration_customers');
}

// In lists of invoices and credit notes: with the links, without the taxes.
function customerLinked(customer) {
  return without(customer, 'taxes');
}

export function planInEvent(plan) {
  return { ...plan, applicable_usage_thresholds: plan.applicable_usage_thresholds ?? [] };
}

export function subscriptionBase(subscription) {
  return without(subscription, '$entitlements');
}

const INVOICE_PARTS = ['$customer', '$subscriptions', 'billing_periods', 'fees', 'credits', 'metadata', 'applied_taxes', 'error_details',
  'applied_invoice_custom_sections'];

export function invoiceBase(system, invoice) {
  const base = without(invoice, ...INVOICE_PARTS);
  if (system.settings.web_urls) base.web_url = isVisible(invoice) ? webUrl(system, invoice) : null;
  else delete base.web_url;
  return base;
}

function webUrl({ settings, organization }, invoice) {
  return `${settings.front_url}/${organization.slug}/customer/${invoice.$customer}/invoice/${invoice.lago_id}/overview`;
}

// parts: names of what an event or an answer shows besides the base fields.
export function invoiceWith(system, invoice, parts) {
  const view = invoiceBase(system, invoice);
  for (const part of parts) view[part] = INVOICE_VIEWS[part]?.(system, invoice) ?? invoice[part];
  return view;
}

const INVOICE_VIEWS = {
  customer: (system, invoice) => customerBase(system.customerOf(invoice.$customer)),
  subscriptions: (system, invoice) => invoice.$subscriptions.map((id) => subscriptionBase(system.tables.subscriptions.get(id))),
};

export function invoiceInList(system, invoice) {
  return {
    ...invoiceBase(system, invoice), customer: customerLinked(system.customerOf(invoice.$customer)),
    metadata: invoice.metadata, applied_taxes: invoice.applied_taxes,
  };
}

export function invoiceShown(system, invoice) {
  const parts = ['subscriptions', 'billing_periods', 'fees', 'credits', 'metadata', 'applied_taxes', 'error_details',
    'applied_invoice_custom_sections'];
  const view = invoiceWith(system, invoice, parts);
  view.customer = customerLinked(system.customerOf(invoice.$customer));
  return view;
}

export function invoiceResynced(system, invoice) {
  const view = invoiceWith(system, invoice, ['customer', 'billing_periods', 'subscriptions', 'fees', 'credits', 'applied_taxes']);
  view.customer = customerLinked(system.customerOf(invoice.$customer));
  return view;
}

function creditNoteBase(note) {
  const base = without(note, '$customer', 'items', 'applied_taxes', 'metadata', 'error_details');
  return Object.keys(note.metadata).length > 0 ? { ...base, metadata: note.metadata } : base;
}

export function creditNoteInEvent(system, note, withItems) {
  const view = { ...creditNoteBase(note), customer: customerBase(system.customerOf(note.$customer)) };
  return withItems ? { ...view, items: note.items, applied_taxes: note.applied_taxes } : view;
}

export function creditNoteShown(system, note) {
  return {
    ...creditNoteBase(note), customer: customerLinked(system.customerOf(note.$customer)), items: note.items,
    applied_taxes: note.applied_taxes, error_details: note.error_details,
  };
}

export function paymentRequestShown(system, request) {
  return {
    ...without(request, '$customer', '$invoices'), customer: customerBase(system.customerOf(request.$customer)),
    invoices: request.$invoices.map((id) => invoiceBase(system, system.tables.invoices.get(id))),
  };
}

export function receiptShown(system, receipt) {
  return { ...without(receipt, '$payment'), payment: without(system.tables.payments.get(receipt.$payment), 'payment_method') };
}
