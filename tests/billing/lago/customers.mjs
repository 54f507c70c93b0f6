// POST /customers: create or update by external id; and what deleting does.

import { PREFIX, newCustomer } from './rows.mjs';
import { padded } from '../common/chance.mjs';
import { badRequest, invalid, notFound } from './errors.mjs';
import { finalizeDraft } from './invoice-steps.mjs';
import { emitCustomer } from './events.mjs';
import { endSubscription } from './subscription-steps.mjs';

// Attributes that a caller may set and that are copied as they are.
const PLAIN = ['name', 'firstname', 'lastname', 'customer_type', 'country', 'address_line1', 'address_line2', 'state', 'zipcode', 'email', 'city',
  'url', 'phone', 'logo_url', 'legal_name', 'legal_number', 'currency', 'tax_identification_number', 'timezone', 'net_payment_term',
  'external_salesforce_id', 'finalize_zero_amount_invoice', 'skip_invoice_custom_sections', 'billing_entity_code', 'account_type'];

function problems({ external_id: externalId, currency, country, customer_type: type, email, name }) {
  const details = {};
  if (typeof externalId !== 'string' || externalId === '') details.external_id = ['value_is_mandatory'];
  if (currency !== undefined && currency !== null && !/^[A-Z]{3}$/.test(currency)) details.currency = ['value_is_invalid'];
  if (country !== undefined && country !== null && !/^[A-Za-z]{2}$/.test(country)) details.country = ['not_a_valid_country_code'];
  if (type !== undefined && type !== null && !['company', 'individual'].includes(type)) details.customer_type = ['value_is_invalid'];
  if (typeof email === 'string' && !email.split(',').every((one) => /^[^@\s]+@[^@\s]+$/.test(one.trim()))) details.email = ['invalid_email_format'];
  if (typeof name === 'string' && name.length > 255) details.name = ['value_is_too_long'];
  return details;
}

export function readCustomer(call) {
  const params = call.json()?.customer;
  if (typeof params !== 'object' || params === null || Array.isArray(params))
    throw badRequest('param is missing or the value is empty: customer');
  return params;
}

// Answers the row.  The event is sent even when nothing changed.
export function upsertCustomer(system, params) {
  const details = problems(params);
  if (Object.keys(details).length > 0) throw invalid(details);
  const was = system.customerByExternalId(params.external_id);
  const row = was === undefined ? created(system, params) : updated(system, was, params);
  emitCustomer(system, was === undefined ? 'customer.created' : 'customer.updated', row.lago_id);
  system.log(was === undefined ? 'customer.created' : 'customer.updated', 'Customer', row, { changes: differences(was, row) });
  if (newCrmLinks(was, row).length > 0) emitCustomer(system, 'customer.crm_provider_created', row.lago_id);
  return row;
}

function created(system, params) {
  const sequence = ++system.sequence;
  const fields = { lago_id: system.uuid(), external_id: params.external_id, sequential_id: sequence, slug: `${PREFIX}-${padded(sequence, 3)}` };
  const row = newCustomer({ ...fields, ...given(system, params, {}) }, system.now());
  return system.tables.customers.put(row);
}

function updated(system, was, params) {
  return system.edit('customers', was.lago_id, { ...given(system, params, was), updated_at: system.nowText() });
}

function given(system, params, was) {
  const fields = {};
  for (const name of PLAIN) if (name in params) fields[name] = params[name];
  if (typeof fields.country === 'string') fields.country = fields.country.toUpperCase();
  if ('timezone' in params) fields.applicable_timezone = params.timezone ?? 'UTC';
  for (const name of ['billing_configuration', 'shipping_address'])
    if (params[name] !== undefined) fields[name] = { ...was[name], ...params[name] };
  if (params.metadata !== undefined) fields.metadata = params.metadata.map((entry) => metadataEntry(system, was, entry));
  if (params.integration_customers !== undefined) fields.integration_customers = links(system, was, params.integration_customers);
  return fields;
}

function metadataEntry(system, was, { id, key, value, display_in_invoice: shown = false }) {
  const before = was.metadata?.find((entry) => entry.lago_id === id);
  return { lago_id: before?.lago_id ?? system.uuid(), key, value, display_in_invoice: shown, created_at: before?.created_at ?? system.nowText() };
}

// An element without its id deletes the link of that type and makes a new one;
// with it the link is kept, and a Salesforce link is not touched at all.
function links(system, was, list) {
  const kept = (was.integration_customers ?? []).filter((link) => !list.some((one) => typeOf(one) === link.type));
  const next = list.map((one) => {
    const before = (was.integration_customers ?? []).find((link) => link.lago_id === one.id);
    if (before !== undefined && before.type === 'salesforce') return before;
    const hubspot = typeOf(one) === 'hubspot' ? { targeted_object: one.targeted_object ?? 'companies', email: one.email ?? null } : {};
    return {
      lago_id: before?.lago_id ?? system.uuid(), external_customer_id: one.external_customer_id ?? before?.external_customer_id ?? null,
      type: typeOf(one), integration_code: one.integration_code, code: one.integration_code, is_default: true, category: 'crm',
      sync_with_provider: one.sync_with_provider ?? true, ...hubspot,
    };
  });
  return [...kept, ...next];
}

const typeOf = (link) => link.integration_type ?? link.type;

function newCrmLinks(was, row) {
  const before = new Set((was?.integration_customers ?? []).map((link) => link.lago_id));
  return row.integration_customers.filter((link) => link.category === 'crm' && !before.has(link.lago_id));
}

function differences(was, row) {
  const changes = {};
  if (was === undefined) return changes;
  for (const [name, value] of Object.entries(row))
    if (name !== 'updated_at' && JSON.stringify(value) !== JSON.stringify(was[name])) changes[name] = [was[name], value];
  return changes;
}

// Nothing tells of the customer itself; what hangs on it ends.
export function deleteCustomer(system, externalId) {
  const row = system.customerByExternalId(externalId);
  if (row === undefined) throw notFound('customer');
  system.tables.customers.remove(row.lago_id);
  system.deletedCustomers.set(row.lago_id, row);
  system.log('customer.deleted', 'Customer', row, { source: 'front', user: 'ops@northwind.example.com' });
  const candidates = (kind) => system.candidates(kind, externalId);
  const mine = (one) => one.lago_customer_id === row.lago_id;
  for (const subscription of system.tables.subscriptions.all(mine, candidates('subscriptions')))
    endSubscription(system, subscription, { silentWhenPending: true });
  for (const invoice of system.tables.invoices.all((one) => one.$customer === row.lago_id && one.status === 'draft', candidates('invoices')))
    finalizeDraft(system, invoice);
  return row;
}
