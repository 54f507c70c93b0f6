// Rows as generation 2 shows them become rows of the world.

import * as rows from './rows.mjs';

const loader = (kind, make) => (system, row) => {
  if (typeof row.id !== 'string') throw new Error(`a row without id: ${JSON.stringify(row).slice(0, 120)}`);
  system.tables[kind].put(make(row, system.now()));
};

export const LOADERS = {
  // external_ids, integration_ids and tag_ids are known by, but not shown.
  customers: (system, { external_ids: external = [], integration_ids: integrations = [], tag_ids: tags = [], ...row }) => (
    loader('customers', rows.newCustomer)(system, { ...row, $external_ids: external, $integration_ids: integrations, $tag_ids: tags })),
  subscriptions: loader('subscriptions', rows.newSubscription),
  versions: loader('versions', rows.newVersion),
  invoices: loader('invoices', rows.newInvoice),
  payments: loader('payments', rows.newPayment),
  refunds: loader('refunds', rows.newRefund),
  credit_notes: loader('credit_notes', rows.newCreditNote),
};
