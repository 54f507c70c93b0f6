// The forms in which the two generations and the webhooks show a row.

import { camel, snake } from './names.mjs';

function only(row, names) {
  return Object.fromEntries(names.map((name) => [name, row[name]]));
}

function without(row, names) {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith('$') && !names.includes(name)));
}

const TAX = ['tax_country', 'tax_id', 'tax_rate', 'taxability_reason', 'tax_status', 'tax_type'];
const INVOICE_DETAILS = ['subtotal', 'tax', 'amount_paid', 'amount_remaining', 'invoicing_date', 'issue_date', 'due_date', 'paid_date',
  'invoice_number', 'external_id', 'external_url', 'external_reference', 'purchase_order_number', 'autopay', 'line_items'];

// What only the single form of a kind shows.
const DETAILS = { customers: TAX, invoices: INVOICE_DETAILS };

export function listed(kind, row) {
  return without(row, DETAILS[kind] ?? []);
}

export function shown(kind, row) {
  return without(row, []);
}

// Generation 1: camelCase, accounts instead of customers; no tax, no country.
export function listedFirst(kind, row) {
  const view = camel(listed(kind, row));
  if (kind === 'customers' && view.billingAddress !== null) delete view.billingAddress.country;
  return view;
}

const IN_EVENTS = {
  subscriptions: ['id', 'customer_id', 'name', 'status', 'currency'],
  invoices: ['id', 'customer_id', 'currency', 'description', 'billing_period_start', 'billing_period_end', 'status', 'total', 'created_at', 'updated_at'],
  payments: ['id', 'customer_id', 'invoice_id', 'amount', 'currency', 'status', 'created_at', 'updated_at'],
  refunds: ['id', 'amount', 'status', 'currency', 'customer_id', 'payment_id', 'reason', 'failure_reason', 'processor_id', 'external_id',
    'external_url', 'created_at', 'updated_at'],
};
const EXTRAS = {
  subscriptions: ['plan_id'],
  invoices: ['due_date', 'issue_date', 'subtotal', 'tax', 'amount_paid', 'amount_remaining', 'line_items', 'external_url'],
  payments: ['external_id'],
  refunds: [],
};

// The data of a webhook: camelCase whatever the generation, and far from all.
export function inEvent(system, kind, row, more = {}) {
  const names = system.settings.webhook_extras ? [...IN_EVENTS[kind], ...EXTRAS[kind]] : IN_EVENTS[kind];
  return { ...camel({ ...only(row, names), ...MORE[kind]?.(row) }), ...more };
}

const MORE = {
  subscriptions: (row) => ({
    contract_start_date: row.contract.start_date, contract_end_date: row.contract.end_date, activated_at: row.activated_at,
    created_at: row.created_at, updated_at: row.updated_at, ...row.$end,
  }),
  // What REST calls succeeded, the webhook calls completed.
  payments: (row) => ({
    status: row.status === 'succeeded' ? 'completed' : row.status,
    ...(row.paid_at === null ? {} : { paid_at: row.paid_at }),
    ...(row.failed_at === null ? {} : { failed_at: row.failed_at, failure_reason: row.$failure ?? null }),
  }),
};

export function envelope(system, type, at, data) {
  return { type, timestamp: at, data: system.settings.webhook_case === 'snake' ? snake(data) : data };
}
