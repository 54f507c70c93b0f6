// Steps in the life of an invoice that more than one change takes.

import { padded } from '../common/chance.mjs';
import { day, DAY_MS } from '../common/times.mjs';
import { emitInvoice, emitPayment, emitReceipt } from './events.mjs';
import { newPayment } from './rows.mjs';

const CREATED = { one_off: 'invoice.one_off_created', credit: 'invoice.paid_credit_added' };

export function touch(system, id, fields) {
  return system.edit('invoices', id, { ...fields, updated_at: system.nowText() });
}

function numbered(system, invoice) {
  const customer = system.customerOf(invoice.$customer);
  const mine = (row) => row.$customer === customer.lago_id && row.sequential_id !== null;
  const rows = system.tables.invoices.all(mine, system.candidates('invoices', customer.external_id));
  const sequence = Math.max(0, ...rows.map((row) => row.sequential_id)) + 1;
  return { sequential_id: sequence, number: `${customer.slug}-${padded(sequence, 3)}` };
}

// A number, a date, the event of its type, and the PDF some time after.
export function finalizeDraft(system, invoice) {
  const now = system.now();
  const row = touch(system, invoice.lago_id, {
    ...(invoice.sequential_id === null ? numbered(system, invoice) : {}), status: 'finalized', issuing_date: day(now),
    payment_due_date: day(now + invoice.net_payment_term * DAY_MS),
  });
  const type = CREATED[row.invoice_type] ?? 'invoice.created';
  emitInvoice(system, type, row.lago_id);
  system.log(type, 'Invoice', row);
  return system.settings.pdf_generation ? generatePdf(system, row) : row;
}

export function fileUrl({ settings }, { lago_id: id, number }) {
  return `${settings.api_url}/rails/active_storage/blobs/redirect/${id}/${number}.pdf`;
}

export function generatePdf(system, invoice) {
  const row = touch(system, invoice.lago_id, { file_url: fileUrl(system, invoice) });
  emitInvoice(system, 'invoice.generated', row.lago_id);
  system.log('invoice.generated', 'Invoice', row);
  return row;
}

// The amounts after money came in, or a credit note was set off.
export function settle(system, invoice, { paid = 0, offset = 0 }) {
  const total_paid_amount_cents = invoice.total_paid_amount_cents + paid;
  const total_offsetted_credit_note_amount_cents = invoice.total_offsetted_credit_note_amount_cents + offset;
  const due = invoice.total_amount_cents - total_paid_amount_cents - total_offsetted_credit_note_amount_cents;
  const fields = { total_paid_amount_cents, total_offsetted_credit_note_amount_cents, total_due_amount_cents: Math.max(0, due) };
  const settled = due <= 0 && invoice.payment_status !== 'succeeded';
  if (settled) {
    fields.payment_status = 'succeeded';
    fields.payment_overdue = false;
    fields.fees = invoice.fees.map((fee) => ({ ...fee, payment_status: 'succeeded', succeeded_at: system.nowText() }));
  }
  return { row: touch(system, invoice.lago_id, fields), settled };
}

export function recordPayment(system, invoices, customer, fields) {
  const manual = fields.type === 'manual';
  const id = system.uuid();
  const provider = manual ? {} : {
    payment_provider_code: 'stripe_eu', payment_provider_type: 'PaymentProviders::StripeProvider', external_payment_id: `pi_${id.slice(0, 8)}`,
    provider_payment_id: `pi_${id.slice(0, 8)}`, provider_customer_id: customer.billing_configuration.provider_customer_id ?? null,
  };
  const row = newPayment({ lago_id: id, ...provider, ...fields }, invoices, customer, system.now());
  return system.tables.payments.put(row);
}

export function paymentSucceeded(system, payment) {
  if (payment.type === 'provider') emitPayment(system, 'payment.succeeded', payment.lago_id);
  if (!system.settings.payment_receipts) return;
  const receipt = {
    lago_id: system.uuid(), number: `${payment.invoice_numbers[0]}-RCPT`, file_url: null, xml_url: null, $payment: payment.lago_id,
    created_at: system.nowText(),
  };
  system.tables.payment_receipts.put(receipt);
  emitReceipt(system, 'payment_receipt.created', receipt.lago_id);
}
