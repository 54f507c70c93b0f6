// Changes of subscriptions, and what each sends or keeps to itself.

import { day, DAY_MS } from '../common/times.mjs';
import { found } from '../common/system.mjs';
import { emitSubscription } from './events.mjs';
import { newSubscription } from './rows.mjs';
import { endSubscription, startSubscription, successorOf } from './subscription-steps.mjs';

// By lago_id, or by external_id: the one that is not over yet, else the newest.
function named(system, { lago_id: id, external_id: externalId }) {
  if (id !== undefined) return found(system.tables.subscriptions, id, 'subscription');
  const rows = system.subscriptionsNamed(externalId);
  const row = rows.find(({ status }) => status === 'active') ?? rows.find(({ status }) => status !== 'terminated' && status !== 'canceled') ?? rows[0];
  if (row === undefined) throw new Error(`no such subscription: ${externalId}`);
  return row;
}

const told = ({ lago_id: id }) => ({ lago_id: id });

function updated(system, row, fields) {
  const changes = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, [row[name], value]]));
  const next = system.edit('subscriptions', row.lago_id, fields);
  emitSubscription(system, 'subscription.updated', row.lago_id);
  system.log('subscription.updated', 'Subscription', next, { changes });
  return next;
}

function periodEndOf(system, row) {
  return row.current_billing_period_ending_at ?? new Date(system.now() + 30 * DAY_MS).toISOString();
}

export const SUBSCRIPTION_VERBS = {
  // A start in the future sends nothing; one that waits for a payment is incomplete.
  'subscription.create': (system, { subscription }) => {
    const { external_customer_id: owner, plan_code: code, status = 'active', ...fields } = subscription;
    const customer = system.customerByExternalId(owner);
    if (customer === undefined) throw new Error(`no such customer: ${owner}`);
    const row = system.tables.subscriptions.put(newSubscription({ lago_id: system.uuid(), ...fields, status },
      customer, system.planOf(code), system.now()));
    if (status === 'active') {
      emitSubscription(system, 'subscription.started', row.lago_id);
      system.log('subscription.started', 'Subscription', row);
    } else if (status === 'incomplete') emitSubscription(system, 'subscription.incomplete', row.lago_id);
    return told(row);
  },

  'subscription.start': (system, which) => told(startSubscription(system, named(system, which))),

  'subscription.update': (system, { set, ...which }) => told(updated(system, named(system, which), set)),

  'subscription.upgrade': (system, { plan_code: code, ...which }) => {
    const row = named(system, which);
    const now = system.now();
    system.edit('subscriptions', row.lago_id, { next_plan_code: code });
    endSubscription(system, system.tables.subscriptions.get(row.lago_id));
    const next = successorOf(system, row, system.planOf(code), {
      status: 'active', started_at: new Date(now).toISOString(), activated_at: system.nowText(),
      current_billing_period_started_at: system.nowText(), current_billing_period_ending_at: periodEndOf(system, row),
    });
    emitSubscription(system, 'subscription.started', next.lago_id);
    system.log('subscription.started', 'Subscription', next);
    return { lago_id: next.lago_id, previous: row.lago_id };
  },

  // The successor waits until the period ends, and tells nothing of itself.
  'subscription.downgrade': (system, { plan_code: code, ...which }) => {
    const row = named(system, which);
    const at = day(Date.parse(periodEndOf(system, row)) + 1000);
    const next = successorOf(system, row, system.planOf(code), { status: 'pending' });
    updated(system, row, { next_plan_code: code, downgrade_plan_date: at });
    return { lago_id: next.lago_id, previous: row.lago_id };
  },

  // The period ends: the pending successor takes over.
  'subscription.advance': (system, which) => {
    const row = named(system, which);
    const next = system.subscriptionsNamed(row.external_id).find(({ status }) => status === 'pending');
    if (next === undefined) throw new Error(`no successor waits for ${row.external_id}`);
    endSubscription(system, row);
    startSubscription(system, next);
    return { lago_id: next.lago_id, previous: row.lago_id };
  },

  'subscription.terminate': (system, which) => {
    const row = named(system, which);
    const ended = endSubscription(system, row);
    const before = row.status === 'pending' ? system.subscriptionsNamed(row.external_id).find(({ status }) => status === 'active') : undefined;
    if (before !== undefined) updated(system, before, { next_plan_code: null, downgrade_plan_date: null });
    return told(ended);
  },

  // An incomplete one whose payment did not come: reason payment_failed or timeout.
  'subscription.cancel': (system, { reason, ...which }) => {
    const row = named(system, which);
    if (row.status !== 'incomplete') throw new Error('only an incomplete subscription is canceled so; use subscription.terminate');
    return told(endSubscription(system, row, { reason }));
  },

  'subscription.trial_end': (system, which) => {
    const row = system.edit('subscriptions', named(system, which).lago_id, { trial_ended_at: system.nowText() });
    emitSubscription(system, 'subscription.trial_ended', row.lago_id);
    return told(row);
  },

  'subscription.termination_alert': (system, which) => {
    const row = named(system, which);
    emitSubscription(system, 'subscription.termination_alert', row.lago_id);
    return told(row);
  },
};
