// Steps in the life of a subscription that more than one change takes.

import { seconds } from '../common/times.mjs';
import { emitSubscription } from './events.mjs';
import { newSubscription } from './rows.mjs';

export function startSubscription(system, row) {
  const now = system.now();
  const next = system.edit('subscriptions', row.lago_id, {
    status: 'active', started_at: new Date(now).toISOString(), activated_at: seconds(now), cancellation_reason: null,
    current_billing_period_started_at: seconds(now), current_billing_period_ending_at: seconds(now + 30 * 86400000),
  });
  emitSubscription(system, 'subscription.started', row.lago_id);
  system.log('subscription.started', 'Subscription', next);
  return next;
}

// Terminated when it was active; a pending one becomes canceled, under the
// same event name; an incomplete one has an event of its own.
export function endSubscription(system, row, { reason = null, silentWhenPending = false } = {}) {
  const now = system.nowText();
  if (row.status === 'pending') {
    const next = system.edit('subscriptions', row.lago_id, { status: 'canceled', canceled_at: now });
    if (silentWhenPending) return next;
    emitSubscription(system, 'subscription.terminated', row.lago_id);
    system.log('subscription.terminated', 'Subscription', next);
    return next;
  }
  if (row.status === 'incomplete') {
    const next = system.edit('subscriptions', row.lago_id, { status: 'canceled', canceled_at: now, cancellation_reason: reason ?? 'timeout' });
    emitSubscription(system, 'subscription.canceled', row.lago_id);
    return next;
  }
  if (row.status === 'canceled') return row;
  if (row.status === 'terminated' && silentWhenPending) return row;
  // Ending an ended one once more sends the event once more.
  const next = row.status === 'terminated' ? row
    : system.edit('subscriptions', row.lago_id, { status: 'terminated', terminated_at: now });
  emitSubscription(system, 'subscription.terminated', row.lago_id);
  system.log('subscription.terminated', 'Subscription', next);
  return next;
}

// The successor on another plan, under the same external id.
export function successorOf(system, row, plan, fields) {
  const next = newSubscription({
    lago_id: system.uuid(), external_id: row.external_id, name: row.name, billing_time: row.billing_time, ending_at: row.ending_at,
    subscription_at: row.subscription_at, previous_plan_code: row.plan_code, purchase_order_number: row.purchase_order_number, ...fields,
  }, system.customerOf(row.lago_customer_id), plan, system.now());
  return system.tables.subscriptions.put(next);
}
