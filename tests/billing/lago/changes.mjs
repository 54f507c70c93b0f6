// What a test makes happen in Lago: POST /_sim/change {"do": VERB, ...}.
// The entry lists the verbs with their members.

import { deleteCustomer, upsertCustomer } from './customers.mjs';
import { emitCustomer, emitPlan } from './events.mjs';
import { CREDIT_NOTE_VERBS } from './changes-credit-notes.mjs';
import { INVOICE_VERBS } from './changes-invoices.mjs';
import { SUBSCRIPTION_VERBS } from './changes-subscriptions.mjs';
import { newPlan } from './rows.mjs';
import { LOADERS } from './load.mjs';
import { found } from '../common/system.mjs';

const CUSTOMER_VERBS = {
  'customer.upsert': (system, { customer }) => ({ lago_id: upsertCustomer(system, customer).lago_id }),

  'customer.delete': (system, { external_id: id }) => ({ lago_id: deleteCustomer(system, id).lago_id }),

  'customer.event': (system, { external_id: externalId, type }) => {
    const row = system.customerByExternalId(externalId);
    if (row === undefined) throw new Error(`no such customer: ${externalId}`);
    emitCustomer(system, type, row.lago_id);
    return { lago_id: row.lago_id };
  },
};

const PLAN_VERBS = {
  'plan.create': (system, { plan }) => {
    const row = system.tables.plans.put(newPlan({ lago_id: system.uuid(), ...plan }, system.now()));
    emitPlan(system, 'plan.created', row);
    system.log('plan.created', 'Plan', row);
    return { lago_id: row.lago_id };
  },

  // Subscriptions on the plan tell nothing, although their amount changes.
  'plan.update': (system, { code, set }) => {
    const plan = system.planOf(code);
    const row = system.edit('plans', plan.lago_id, set);
    for (const one of system.tables.subscriptions.all((each) => each.plan_code === code))
      system.edit('subscriptions', one.lago_id, { plan_code: row.code, plan_amount_cents: row.amount_cents, plan_amount_currency: row.amount_currency });
    emitPlan(system, 'plan.updated', row);
    system.log('plan.updated', 'Plan', row);
    return { lago_id: row.lago_id };
  },

  'plan.delete': (system, { code }) => {
    const row = system.planOf(code);
    system.tables.plans.remove(row.lago_id);
    emitPlan(system, 'plan.deleted', row);
    system.log('plan.deleted', 'Plan', row);
    return { lago_id: row.lago_id };
  },
};

const ANY_VERBS = {
  // Without an event and without a trace in the activity log.
  set: (system, { kind, lago_id: id, set }) => {
    if (system.tables[kind] === undefined) throw new Error(`no such kind: ${kind}`);
    found(system.tables[kind], id, kind);
    system.edit(kind, id, set);
    return { lago_id: id };
  },

  add: (system, { kind, row }) => {
    if (LOADERS[kind] === undefined) throw new Error(`cannot add ${kind}`);
    LOADERS[kind](system, row);
    return { lago_id: row.lago_id };
  },

  remove: (system, { kind, lago_id: id }) => {
    found(system.tables[kind], id, kind);
    system.tables[kind].remove(id);
    return { lago_id: id };
  },

  // An event of any name and content.
  event: (system, { webhook_type: type, object_type: key, object }) => {
    system.emit(type, key, object?.lago_id ?? null, () => object);
    return null;
  },
};

export const VERBS = { ...CUSTOMER_VERBS, ...SUBSCRIPTION_VERBS, ...INVOICE_VERBS, ...CREDIT_NOTE_VERBS, ...PLAN_VERBS, ...ANY_VERBS };
