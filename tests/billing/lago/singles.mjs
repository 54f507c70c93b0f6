// Single objects, and the few writes that a CRM link makes.

import { deleteCustomer, readCustomer, upsertCustomer } from './customers.mjs';
import { badRequest, notAllowed, notFound } from './errors.mjs';
import { paymentBase } from './lists.mjs';
import * as views from './views.mjs';
import { touch } from './invoice-steps.mjs';

const ok = (name, object) => ({ status: 200, body: { [name]: object } });

export function organization(system) {
  const urls = system.tables.webhook_endpoints.all().map((row) => row.webhook_url);
  return ok('organization', { ...system.organization, webhook_url: urls[0] ?? null, webhook_urls: urls });
}

function customerOf(system, call) {
  const row = system.customerByExternalId(call.params.external_id);
  if (row === undefined) throw notFound('customer');
  return row;
}

export const customer = (system, call) => ok('customer', customerOf(system, call));

export const postCustomer = (system, call) => ok('customer', upsertCustomer(system, readCustomer(call)));

export function putCustomer(system, call) {
  const { external_id: id } = customerOf(system, call);
  return ok('customer', upsertCustomer(system, { ...readCustomer(call), external_id: id }));
}

export const removeCustomer = (system, call) => ok('customer', deleteCustomer(system, call.params.external_id));

// By external id and one status: it cannot name a lago_id.
export function subscription(system, call) {
  const status = call.query.get('status') ?? 'active';
  const row = system.subscriptionsNamed(call.params.external_id).find((one) => one.status === status);
  if (row === undefined) throw notFound('subscription');
  return ok('subscription', { ...views.subscriptionBase(row), plan: views.planInEvent(system.planFor(row)) });
}

function invoiceOf(system, call) {
  const row = system.tables.invoices.get(call.params.id);
  if (row === undefined || !views.isVisible(row)) throw notFound('invoice');
  return row;
}

export const invoice = (system, call) => ok('invoice', views.invoiceShown(system, invoiceOf(system, call)));

export function putInvoice(system, call) {
  const row = invoiceOf(system, call);
  const params = call.json()?.invoice;
  if (typeof params !== 'object' || params === null) throw badRequest('param is missing or the value is empty: invoice');
  if (row.status === 'voided') throw notAllowed('is_voided');
  const fields = {};
  if (params.metadata !== undefined)
    fields.metadata = params.metadata.map(({ id, key, value }) => {
      const before = row.metadata.find((entry) => entry.lago_id === id);
      return { lago_id: before?.lago_id ?? system.uuid(), key, value, created_at: before?.created_at ?? system.nowText() };
    });
  return ok('invoice', views.invoiceShown(system, touch(system, row.lago_id, fields)));
}

// Where Lago's own package reports the record that it made.
export function syncSalesforceId(system, call) {
  const row = invoiceOf(system, call);
  const { external_id: externalId, integration_code: code } = call.json() ?? {};
  if (!system.settings.integration_codes.includes(code)) throw notFound('integration');
  system.salesforceIds.set(row.lago_id, externalId);
  return ok('invoice', views.invoiceShown(system, row));
}

// kind: table; name: member of the answer; show(system, row).
export function single(kind, name, show = (system, row) => row) {
  return (system, call) => {
    const row = system.tables[kind].get(call.params.id);
    if (row === undefined) throw notFound(name);
    return ok(name, show(system, row));
  };
}

export const creditNote = single('credit_notes', 'credit_note', views.creditNoteShown);
export const payment = single('payments', 'payment', (system, row) => paymentBase(row));

export function plan(system, call) {
  const row = system.tables.plans.all((one) => one.code === call.params.code)[0];
  if (row === undefined) throw notFound('plan');
  return ok('plan', row);
}

export const publicKeyJson = (system) => ok('webhook', { public_key: system.jwt().publicKeyText() });

export const publicKeyText = (system) => ({ status: 200, text: system.jwt().publicKeyText(), headers: { 'Content-Type': 'text/plain' } });

export const health = () => ({ status: 200, body: { version: 'v1.40.0', github_url: 'https://github.com/getlago/lago-api', message: 'Success' } });
