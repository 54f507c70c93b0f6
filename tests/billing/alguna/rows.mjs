// New rows with every field of generation 2.  Members with a $ are hidden.

import { DAY_MS, seconds } from '../common/times.mjs';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

export function newCustomer(fields, now) {
  return {
    id: null, name: null, currency: 'USD', aliases: [], billing_address: null, contacts: [], created_at: seconds(now), updated_at: seconds(now),
    tax_country: null, tax_id: null, tax_rate: null, taxability_reason: null, tax_status: null, tax_type: null, $external_ids: [],
    ...fields,
  };
}

export function newSubscription(fields, now) {
  return {
    id: null, customer_id: null, name: 'Subscription', status: 'draft', currency: 'USD',
    billing: { auto_issue_invoices: true, auto_pay_invoices: true, first_billing_date: seconds(now), payment_terms: 'net_30' },
    contract: { period_type: 'fixed', duration_months: 12, start_date: seconds(now), end_date: seconds(now + 365 * DAY_MS) },
    renewal: { auto_renew: true, duration_months: 12, period_type: 'fixed' }, pending_changes: [], current_version_id: null, plan_id: null,
    discount: null, minimum_spend: null, maximum_spend: null, price_escalation: null, trial_period_days: null, metadata: {},
    activated_at: null, created_at: seconds(now), updated_at: seconds(now), $end: null,
    ...fields,
  };
}

export function newVersion(fields, now) {
  return {
    id: null, subscription_id: null, status: 'published', start_date: seconds(now), end_date: null, description: null, items: [], prices: [],
    entitlements: [], created_at: seconds(now), updated_at: seconds(now),
    ...fields,
  };
}

function periodText(from, to) {
  const text = (at) => {
    const date = new Date(at);
    return `${MONTHS[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2, '0')}, ${String(date.getUTCFullYear()).slice(2)}`;
  };
  return `${text(from)} - ${text(to)}`;
}

export function newInvoice(fields, now) {
  const from = fields.billing_period_start ?? seconds(now);
  const to = fields.billing_period_end ?? seconds(now + 30 * DAY_MS);
  const total = fields.total ?? '0.00';
  return {
    id: null, customer_id: null, status: 'draft', currency: 'USD', total, description: null, billing_period: periodText(from, to),
    billing_period_start: from, billing_period_end: to, created_at: seconds(now), updated_at: seconds(now),
    subtotal: total, tax: '0.00', amount_paid: '0.00', amount_remaining: total, invoicing_date: seconds(now), issue_date: null, due_date: null,
    paid_date: null, invoice_number: null, external_id: null, external_url: null, external_reference: null, purchase_order_number: null,
    autopay: true, line_items: [],
    ...fields,
  };
}

export function newPayment(fields, now) {
  return {
    id: null, customer_id: null, invoice_id: null, amount: '0.00', amount_received: null, amount_refunded: null, currency: 'USD',
    status: 'processing', external_id: null, external_url: null, paid_at: null, failed_at: null, created_at: seconds(now), updated_at: seconds(now),
    ...fields,
  };
}

export function newRefund(fields, now) {
  return {
    id: null, customer_id: null, payment_id: null, amount: '0.00', currency: 'USD', status: 'pending', reason: null, failure_reason: null,
    external_id: null, external_url: null, processor_id: null, created_at: seconds(now), updated_at: seconds(now),
    ...fields,
  };
}

export function newCreditNote(fields, now) {
  return {
    id: null, customer_id: null, invoice_id: null, status: 'draft', currency: 'USD', subtotal: fields.total ?? '0.00', tax: '0.00',
    total: '0.00', description: null, external_reference: null, line_items: [], attachments: [], is_pdf_available: false, sync_enabled: true,
    credit_date: seconds(now), apply_date: null, void_date: null, last_refund_id: null, last_refund_date: null, legal_entity_id: null,
    purchase_order_number: null, created_at: seconds(now), updated_at: seconds(now),
    ...fields,
  };
}
