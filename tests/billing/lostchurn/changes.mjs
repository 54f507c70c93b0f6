// What a test makes happen in LostChurn: POST /_sim/change {"do": VERB, ...}.
// The entry lists the verbs with their members.

import { found } from '../common/system.mjs';
import { emitRecovery } from './events.mjs';
import { LOADERS } from './load.mjs';
import { isOpen } from './lists.mjs';
import { newCustomer, newPayment } from './rows.mjs';

const paymentNamed = (system, id) => found(system.tables.payments, id, 'payment');
const customerNamed = (system, id) => found(system.tables.customers, id, 'customer');

// Changes a payment, leaves a line in its timeline, counts its customer anew.
function step(system, payment, type, fields) {
  const at = system.nowText();
  const timeline = [...payment.$recovery.timeline, { type, at }];
  const row = system.tables.payments.put({ ...payment, ...fields, updated_at: at, $recovery: { ...payment.$recovery, timeline } });
  recount(system, row.customer_id);
  return row;
}

function recount(system, customerId) {
  const customer = system.tables.customers.get(customerId);
  if (customer === undefined) return;
  const payments = system.tables.payments.all((row) => row.customer_id === customerId, system.maker?.paymentsOf(customerId));
  const recovered = payments.filter((row) => row.status === 'recovered');
  const status = payments.some(isOpen) ? 'active' : payments.length === recovered.length ? 'recovered' : customer.status;
  system.tables.customers.put({
    ...customer, failed_payments: payments.length - recovered.length, recovered_payments: recovered.length,
    total_recovered_amount: recovered.reduce((sum, row) => sum + (row.$recovery.recovered_amount ?? row.amount), 0),
    status, updated_at: system.nowText(),
  });
}

function figures(customer) {
  return { mrr: customer?.$mrr ?? 0, recovery_count: customer?.recovered_payments ?? 0, churn_risk_score: customer?.$risk ?? 0 };
}

const amountName = (naming) => (naming === 2 ? 'recovered_amount_cents' : 'recovered_amount');

function ended(system, payment, type, status, { recovered, ...more }) {
  const at = system.nowText();
  const known = { ...payment.$recovery, recovered_amount: recovered, completed_at: at };
  const { id, $recovery: recovery } = step(system, { ...payment, $recovery: known }, type, { status });
  emitRecovery(system, type, id, (naming, now, customer) => ({
    [amountName(naming)]: recovered, ...more, completed_at: at, ...(status === 'recovered' ? { customer: figures(customer) } : {}),
  }));
  return { id, recovery_id: recovery.id };
}

const RECOVERY_VERBS = {
  // A failed payment of a customer who is known (customer_id) or not (customer).
  'recovery.start': (system, { customer_id: known, customer = {}, payment = {} }) => {
    const owner = known === undefined ? system.tables.customers.put(newCustomer({ id: system.newId('cus'), ...customer }, system.now()))
      : customerNamed(system, known);
    const prefix = system.settings.edition === 2 ? 'pe' : 'pay';
    const row = system.tables.payments.put(newPayment({
      id: system.newId(prefix), customer_id: owner.id, subscription_id: system.newId('sub'), amount: 1000, psp_payment_id: system.newId('pi'), ...payment,
    }, system.now()));
    system.tables.customers.put({ ...owner, total_payments: owner.total_payments + 1 });
    recount(system, owner.id);
    emitRecovery(system, 'recovery.started', row.id);
    return { id: row.id, recovery_id: row.$recovery.id, customer_id: owner.id };
  },

  'recovery.retry': (system, { id, result = 'declined', next_retry_at: next = null }) => {
    const payment = paymentNamed(system, id);
    const at = system.nowText();
    const row = step(system, payment, 'recovery.retry_attempted', { status: 'retrying', retry_count: payment.retry_count + 1 });
    const attempt = { number: row.retry_count, result, decline_code: row.decline_code, attempted_at: at };
    emitRecovery(system, 'recovery.retry_attempted', id, () => ({ attempt, next_retry_at: next }));
    return { id };
  },

  'recovery.escalate': (system, { id, reason = 'silent_retries_exhausted' }) => {
    step(system, paymentNamed(system, id), 'recovery.escalated', { status: 'communication_pending' });
    emitRecovery(system, 'recovery.escalated', id, () => ({ escalation_reason: reason }));
    return { id };
  },

  'recovery.succeed': (system, { id, recovered_amount: amount, method = 'retry' }) => {
    const payment = paymentNamed(system, id);
    return ended(system, payment, 'recovery.succeeded', 'recovered', { recovered: amount ?? payment.amount, recovery_method: method });
  },

  'recovery.fail': (system, { id, reason = 'exhausted' }) => (
    ended(system, paymentNamed(system, id), 'recovery.failed', 'terminal', { recovered: 0, failure_reason: reason })),
};

const CUSTOMER_VERBS = {
  // kind: sent, opened, clicked, bounced, unsubscribed.
  campaign: (system, { id, kind, ...more }) => {
    const payment = paymentNamed(system, id);
    const at = system.nowText();
    system.emit(`campaign.${kind}`, id, () => ({
      campaign_id: 'cmp_sim', campaign_name: 'Card update, 3 steps', step: 1, channel: 'email', message_id: `msg_${payment.$recovery.id}`,
      recovery_id: payment.$recovery.id, customer_id: payment.customer_id,
      customer_email: system.tables.customers.get(payment.customer_id)?.email ?? null, ...more, [`${kind}_at`]: at,
    }));
    return { id };
  },

  'customer.payment_method': (system, { customer_id: id, recovery_id: recovery = null, payment_method: method }) => {
    const customer = customerNamed(system, id);
    const at = system.nowText();
    system.emit('customer.payment_method_updated', id, () => ({
      customer_id: id, customer_email: customer.email, recovery_id: recovery,
      payment_method: method ?? { brand: 'visa', last4: '4242', exp_month: 11, exp_year: 2029 }, source: 'dunning_link', updated_at: at,
    }));
    return { customer_id: id };
  },

  'customer.cancel': (system, { customer_id: id, ...more }) => {
    const at = system.nowText();
    const customer = system.tables.customers.put({ ...customerNamed(system, id), status: 'churned', updated_at: at });
    system.emit('customer.subscription_canceled', id, () => ({
      customer_id: id, customer_email: customer.email, customer_name: customer.name, subscription_id: null, reason: 'too_expensive',
      feedback: null, canceled_at: at, mrr_lost: 0, currency: 'usd', ...more,
    }));
    return { customer_id: id };
  },

  'customer.retain': (system, { customer_id: id, subscription_id: subscription = null, offer, reason = 'missing_features' }) => {
    const customer = customerNamed(system, id);
    const at = system.nowText();
    system.emit('customer.retained', id, () => ({
      customer_id: id, customer_email: customer.email, subscription_id: subscription,
      offer: offer ?? { type: 'discount', percent_off: 20, duration_months: 3 }, reason, retained_at: at,
    }));
    return { customer_id: id };
  },
};

const ANY_VERBS = {
  // In silence.
  set: (system, { kind, id, set }) => {
    if (system.tables[kind] === undefined) throw new Error(`no such kind: ${kind}`);
    system.tables[kind].put({ ...found(system.tables[kind], id, kind), ...set });
    return { id };
  },

  add: (system, { kind, row }) => {
    if (LOADERS[kind] === undefined) throw new Error(`cannot add ${kind}`);
    LOADERS[kind](system, row);
    return { id: row.id };
  },

  remove: (system, { kind, id }) => {
    found(system.tables[kind], id, kind);
    system.tables[kind].remove(id);
    return { id };
  },

  // An event of any type and content.
  event: (system, { type, data, id, created_at: at }) => {
    system.emit(type, null, () => data, { id, at });
    return null;
  },
};

export const VERBS = { ...RECOVERY_VERBS, ...CUSTOMER_VERBS, ...ANY_VERBS };
