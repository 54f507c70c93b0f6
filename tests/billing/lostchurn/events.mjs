// The data of the webhooks.  Naming 1 is flat; naming 2 nests payment and customer.

import { shownStatus } from './rows.mjs';

function flat(system, payment, customer) {
  return {
    recovery_id: payment.$recovery.id, payment_id: payment.id, customer_id: payment.customer_id, customer_email: customer?.email ?? null,
    customer_name: customer?.name ?? null, subscription_id: payment.subscription_id, amount: payment.amount, currency: payment.currency,
    decline_code: payment.decline_code, decline_category: payment.decline_category, decline_subcategory: payment.decline_subcategory,
    psp: payment.psp, psp_payment_id: payment.psp_payment_id, status: shownStatus(system, payment.status), retry_count: payment.retry_count,
    max_retries: payment.max_retries,
  };
}

function nested(system, payment, customer) {
  return {
    id: payment.$recovery.id,
    payment: {
      id: payment.id, provider_payment_id: payment.psp_payment_id, provider: payment.psp, amount_cents: payment.amount,
      currency: payment.currency, decline_code: payment.decline_code, decline_category: payment.decline_category,
    },
    customer: { id: payment.customer_id, email: customer?.email ?? null, name: customer?.name ?? null },
    subscription_id: payment.subscription_id, status: shownStatus(system, payment.status), retry_count: payment.retry_count,
  };
}

// more(naming): members beyond those of the payment.
export function emitRecovery(system, type, id, more = () => ({})) {
  system.emit(type, id, () => {
    const payment = system.tables.payments.get(id);
    const customer = system.tables.customers.get(payment.customer_id);
    const naming = system.settings.webhook_naming;
    const data = (naming === 1 ? flat : nested)(system, payment, customer);
    const { customer: figures, ...rest } = more(naming, payment, customer);
    const known = figures === undefined ? {} : { customer: { ...data.customer, ...figures } };
    return { ...data, ...rest, started_at: payment.created_at, ...known };
  });
}
