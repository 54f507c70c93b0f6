// New rows, and the forms in which the API shows them.

import { seconds } from '../common/times.mjs';

// $recovery: what only the webhooks tell.
export function newPayment(fields, now) {
  const { $recovery: more, ...rest } = fields;
  return {
    id: null, customer_id: null, subscription_id: null, amount: 0, currency: 'usd', status: 'pending', decline_code: 'insufficient_funds',
    decline_category: 'soft_retry', decline_subcategory: 'balance', psp: 'stripe', psp_payment_id: null, retry_count: 0, max_retries: 4,
    created_at: seconds(now), updated_at: seconds(now),
    ...rest,
    $recovery: { id: `rec_${String(fields.id).replace(/^[a-z]+_/, '')}`, timeline: [], ...more },
  };
}

export function newCustomer(fields, now) {
  return {
    id: null, email: null, name: null, psp: 'stripe', psp_customer_id: null, status: 'active', total_payments: 0, failed_payments: 0,
    recovered_payments: 0, total_recovered_amount: 0, total_recovered_currency: 'usd', created_at: seconds(now), updated_at: seconds(now),
    ...fields,
  };
}

export function shownPayment(system, { $recovery, ...row }) {
  if (system.settings.edition === 1) return row;
  const { psp_payment_id: provider, ...rest } = row;
  return { ...rest, status: shownStatus(system, row.status), provider_payment_id: provider };
}

export const shownCustomer = (system, { $mrr, $risk, ...row }) => row;

// What the first edition calls communication_pending, the second calls paused.
export function shownStatus(system, status) {
  return system.settings.edition === 2 && status === 'communication_pending' ? 'paused' : status;
}

export function storedStatus(system, status) {
  return system.settings.edition === 2 && status === 'paused' ? 'communication_pending' : status;
}

export function statuses(system) {
  return ['pending', 'retrying', 'recovered', 'terminal', system.settings.edition === 2 ? 'paused' : 'communication_pending'];
}

export const OPEN = ['pending', 'retrying', 'communication_pending'];
