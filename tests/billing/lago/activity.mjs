// The activity log: the only feed of changes, and not everybody has it.

import { padded } from '../common/chance.mjs';
import * as views from './views.mjs';

const FORMS = {
  Customer: (system, row) => views.customerBase(row),
  Subscription: (system, row) => views.subscriptionBase(row),
  Invoice: (system, row) => views.invoiceBase(system, row),
  CreditNote: (system, row) => views.creditNoteInEvent(system, row, false),
};

// An entry.  more: { customer, subscription, changes, source, user, object }.
export function logged(system, type, resource, row, more) {
  const now = system.nowText();
  const customer = more.customer ?? (row.$customer === undefined ? undefined : system.customerOf(row.$customer));
  return {
    activity_id: system.uuid(), activity_type: type, activity_source: more.source ?? 'api',
    activity_object: more.object ?? FORMS[resource]?.(system, row) ?? row, activity_object_changes: more.changes ?? {},
    user_email: more.user ?? null, resource_id: row.lago_id, resource_type: resource,
    external_customer_id: customer?.external_id ?? row.external_customer_id ?? null,
    external_subscription_id: resource === 'Subscription' ? row.external_id : null,
    logged_at: now, created_at: now, $serial: padded(system.logs, 9), $seen_from: system.now() + system.settings.activity_lag_ms,
  };
}

export function shownActivity({ $seen_from, $serial, ...entry }) {
  return entry;
}
