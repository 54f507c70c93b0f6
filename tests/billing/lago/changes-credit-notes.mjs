// Changes of credit notes.  Most of what happens to them later is told to nobody.

import { padded } from '../common/chance.mjs';
import { found } from '../common/system.mjs';
import { emitCreditNote, emitInvoice, emitRefundFailure } from './events.mjs';
import { fileUrl, settle } from './invoice-steps.mjs';
import { newCreditNote } from './rows.mjs';

const named = (system, { lago_id: id }) => found(system.tables.credit_notes, id, 'credit note');
const told = ({ lago_id: id }) => ({ lago_id: id });
const REFUNDED = { message: 'Charge is already refunded.', error_code: 'charge_already_refunded' };

function touch(system, id, fields) {
  return system.edit('credit_notes', id, { ...fields, updated_at: system.nowText() });
}

function numbered(system, invoice) {
  const n = system.tables.credit_notes.all((row) => row.lago_invoice_id === invoice.lago_id,
    system.candidates('credit_notes', system.customerOf(invoice.$customer).external_id)).length + 1;
  return { sequential_id: n, number: `${invoice.number}-CN${padded(n, 3)}` };
}

function item(system, { currency, fees }, amount) {
  return { lago_id: system.uuid(), amount_cents: amount, precise_amount_cents: `${amount}.0`, amount_currency: currency, fee: fees[0] ?? null };
}

const silent = (fields) => (system, given) => {
  const note = named(system, given);
  return told(touch(system, note.lago_id, fields(given, note)));
};

export const CREDIT_NOTE_VERBS = {
  // total = credit + refund + offset; the invoice tells only when the offset settles it.
  'credit_note.create': (system, { lago_invoice_id: id, credit = 0, refund = 0, offset = 0, reason = 'other', ...more }) => {
    const invoice = found(system.tables.invoices, id, 'invoice');
    const total = credit + refund + offset;
    const row = system.tables.credit_notes.put(newCreditNote({
      lago_id: system.uuid(), ...numbered(system, invoice), reason, total_amount_cents: total, precise_total_amount_cents: `${total}.0`,
      sub_total_excluding_taxes_amount_cents: total, balance_amount_cents: credit, credit_amount_cents: credit,
      refund_amount_cents: refund, offset_amount_cents: offset, credit_status: credit > 0 ? 'available' : null,
      refund_status: refund > 0 ? 'pending' : null,
      items: [item(system, invoice, total)], ...more,
    }, invoice, system.now()));
    emitCreditNote(system, 'credit_note.created', row.lago_id);
    system.log('credit_note.created', 'CreditNote', row);
    if (offset > 0 && settle(system, invoice, { offset }).settled) emitInvoice(system, 'invoice.payment_status_updated', id);
    if (!system.settings.pdf_generation) return told(row);
    touch(system, row.lago_id, { file_url: fileUrl(system, row) });
    emitCreditNote(system, 'credit_note.generated', row.lago_id);
    return told(row);
  },

  'credit_note.void': silent(() => ({ credit_status: 'voided', balance_amount_cents: 0 })),

  'credit_note.consume': silent(({ amount_cents: amount }, note) => {
    const balance = Math.max(0, note.balance_amount_cents - (amount ?? note.balance_amount_cents));
    return { balance_amount_cents: balance, credit_status: balance === 0 ? 'consumed' : 'available' };
  }),

  'credit_note.refund_succeed': silent(() => ({ refund_status: 'succeeded' })),

  'credit_note.refund_fail': (system, { provider_error: error = REFUNDED, ...which }) => {
    const row = touch(system, named(system, which).lago_id, { refund_status: 'failed' });
    emitRefundFailure(system, row, error);
    return told(row);
  },
};
