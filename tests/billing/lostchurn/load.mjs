// Rows as the API of either edition shows them become rows of the world.

import { newCustomer, newPayment, storedStatus } from './rows.mjs';

function need(row) {
  if (typeof row.id !== 'string') throw new Error(`a row without id: ${JSON.stringify(row).slice(0, 120)}`);
}

export const LOADERS = {
  customers: (system, { mrr, churn_risk_score: risk, ...row }) => {
    need(row);
    system.tables.customers.put({ ...newCustomer(row, system.now()), $mrr: mrr ?? 0, $risk: risk ?? 0 });
  },

  payments: (system, { provider_payment_id: provider, recovery_id: recovery, ...row }) => {
    need(row);
    const fields = { ...row, status: storedStatus(system, row.status) };
    if (provider !== undefined) fields.psp_payment_id = provider;
    if (recovery !== undefined) fields.$recovery = { id: recovery };
    system.tables.payments.put(newPayment(fields, system.now()));
  },
};
