// Rows as the API shows them become rows of the world.  Parents come first:
// a customer or a subscription that is only nested is taken from there.

import { newCreditNote, newCustomer, newInvoice, newPayment, newPlan, newSubscription } from './rows.mjs';

function need(row, ...names) {
  for (const name of names)
    if (typeof row[name] !== 'string') throw new Error(`a row without ${name}: ${JSON.stringify(row).slice(0, 120)}`);
}

function loadCustomer(system, row) {
  need(row, 'lago_id', 'external_id');
  system.sequence = Math.max(system.sequence, row.sequential_id ?? 0);
  system.tables.customers.put(newCustomer(row, system.now()));
}

function loadPlan(system, row) {
  need(row, 'lago_id', 'code');
  const { entitlements, ...plan } = row;
  system.tables.plans.put(newPlan(plan, system.now()));
}

function loadSubscription(system, row) {
  need(row, 'lago_id', 'external_id', 'lago_customer_id', 'external_customer_id', 'plan_code');
  const { customer, plan, entitlements, ...base } = row;
  if (customer !== undefined && system.customerOf(customer.lago_id) === undefined) loadCustomer(system, customer);
  if (plan !== undefined && !system.tables.plans.has(plan.lago_id)) loadPlan(system, plan);
  const owner = { lago_id: row.lago_customer_id, external_id: row.external_customer_id };
  const own = { code: row.plan_code, amount_cents: row.plan_amount_cents, amount_currency: row.plan_amount_currency };
  const made = newSubscription(base, owner, own, system.now());
  system.tables.subscriptions.put(entitlements === undefined ? made : { ...made, $entitlements: entitlements });
}

function loadInvoice(system, row) {
  need(row, 'lago_id', 'number');
  const { customer, subscriptions = [], web_url: url, lago_customer_id: ownerId, ...fields } = row;
  if (customer !== undefined && system.customerOf(customer.lago_id) === undefined) loadCustomer(system, customer);
  for (const one of subscriptions) if (!system.tables.subscriptions.has(one.lago_id)) loadSubscription(system, one);
  const owner = system.customerOf(customer?.lago_id ?? ownerId);
  if (owner === undefined) throw new Error(`invoice ${row.lago_id} without a customer`);
  system.tables.invoices.put(newInvoice({ ...fields, $subscriptions: subscriptions.map((one) => one.lago_id) }, owner, system.now()));
}

function loadCreditNote(system, row) {
  need(row, 'lago_id', 'lago_invoice_id');
  const { customer, ...fields } = row;
  const invoice = system.tables.invoices.get(row.lago_invoice_id)
    ?? { lago_id: row.lago_invoice_id, number: row.invoice_number, billing_entity_code: row.billing_entity_code, $customer: customer?.lago_id };
  if (customer !== undefined && system.customerOf(customer.lago_id) === undefined) loadCustomer(system, customer);
  system.tables.credit_notes.put(newCreditNote({ ...fields, $customer: customer?.lago_id ?? invoice.$customer }, invoice, system.now()));
}

function loadPayment(system, row) {
  need(row, 'lago_id', 'lago_customer_id');
  system.tables.payments.put(newPayment(row, [], { lago_id: row.lago_customer_id, external_id: row.external_customer_id }, system.now()));
}

function loadPaymentRequest(system, row) {
  need(row, 'lago_id');
  const { customer, invoices = [], ...fields } = row;
  for (const one of invoices) if (!system.tables.invoices.has(one.lago_id)) loadInvoice(system, { customer, ...one });
  system.tables.payment_requests.put({ ...fields, $customer: customer.lago_id, $invoices: invoices.map((one) => one.lago_id) });
}

const plain = (kind, ...names) => (system, row) => {
  need(row, ...names);
  system.tables[kind].put({ created_at: system.nowText(), ...row });
};

export const LOADERS = {
  organization: (system, row) => {
    system.organization = { ...system.organization, ...row };
    if (row.lago_id !== undefined) system.settings.organization_id = row.lago_id;
  },
  customers: loadCustomer,
  customer: loadCustomer,
  plans: loadPlan,
  plan: loadPlan,
  subscriptions: loadSubscription,
  subscription: loadSubscription,
  invoices: loadInvoice,
  invoice: loadInvoice,
  credit_notes: loadCreditNote,
  payments: loadPayment,
  payment_requests: loadPaymentRequest,
  payment_receipts: (system, { payment, ...row }) => system.tables.payment_receipts.put({ ...row, $payment: payment.lago_id }),
  wallets: plain('wallets', 'lago_id'),
  webhook_endpoints: plain('webhook_endpoints', 'lago_id', 'webhook_url'),
  activity_logs: plain('activity_logs', 'activity_id', 'logged_at'),
};
