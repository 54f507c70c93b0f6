// Customers under any of their names, and the writes.

import { invalid, notFound } from './errors.mjs';
import { newCustomer } from './rows.mjs';
import { shown } from './views.mjs';

const WRITABLE = ['name', 'currency', 'aliases', 'contacts', 'billing_address', 'tax_id', 'tax_country'];

// By id, alias or the id of a connected system.
export function customerNamed(system, name) {
  const { customers } = system.tables;
  const byId = customers.get(name) ?? customers.get(system.maker?.customerNamed(name) ?? '');
  if (byId !== undefined && (byId.id === name || namesOf(byId).includes(name))) return byId;
  for (const row of customers.given.values()) if (namesOf(row).includes(name)) return row;
  return undefined;
}

const namesOf = (row) => [...row.aliases, ...row.$external_ids];

export function showCustomer(system, { params }) {
  const row = customerNamed(system, params.id);
  if (row === undefined) throw notFound('customer');
  return { status: 200, body: shown('customers', row) };
}

function checked(system, fields, id) {
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) throw invalid('the body must be an object');
  for (const name of Object.keys(fields)) if (!WRITABLE.includes(name)) throw invalid(`unknown field: ${name}`);
  const { aliases, contacts } = fields;
  if (aliases !== undefined && !(Array.isArray(aliases) && aliases.every((one) => typeof one === 'string' && one !== '')))
    throw invalid('aliases must be a list of texts');
  for (const alias of aliases ?? []) {
    const owner = customerNamed(system, alias);
    if (owner !== undefined && owner.id !== id) throw invalid(`alias is in use: ${alias}`);
  }
  if (contacts !== undefined && !(Array.isArray(contacts) && contacts.every((one) => typeof one?.email === 'string')))
    throw invalid('contacts must be a list of objects with an email');
  return fields;
}

function contactRow(system, { id, ...fields }) {
  return { id: id ?? system.newId('cont'), is_primary: false, email_preferences: [], first_name: null, last_name: null, ...fields };
}

function withContacts(system, fields) {
  return fields.contacts === undefined ? fields : { ...fields, contacts: fields.contacts.map((one) => contactRow(system, one)) };
}

export function createCustomer(system, call) {
  const fields = checked(system, call.json(), undefined);
  for (const name of ['name', 'currency']) if (typeof fields[name] !== 'string') throw invalid(`${name} is required`);
  const row = system.tables.customers.put(newCustomer({ id: system.newId('cust'), ...withContacts(system, fields) }, system.now()));
  return { status: 201, body: shown('customers', row) };
}

// A list that is given replaces the whole of what was there.
export function patchCustomer(system, call) {
  const was = customerNamed(system, call.params.id);
  if (was === undefined) throw notFound('customer');
  const fields = checked(system, call.json(), was.id);
  const row = system.tables.customers.put({ ...was, ...withContacts(system, fields), updated_at: system.nowText() });
  return { status: 200, body: shown('customers', row) };
}
