// POST /v1/customers, and POST /v1/customers/{id}: writing back ids of the CRM.

import { record } from './changes.mjs';
import { invalid, NotSimulated, noSuch } from './errors.mjs';
import { existing } from './lists.mjs';
import { EXPAND, list, mergeMetadata, metadata, oneOf, string, unsettable } from './params.mjs';
import { checkExpand } from './view.mjs';
import { newId } from './world.mjs';

const later = (value, name) => {
  throw new NotSimulated(`the simulator does not change ${name} of a customer`);
};

const PARAMS = {
  ...EXPAND, metadata, name: unsettable, email: unsettable, phone: unsettable, description: unsettable,
  business_name: unsettable, individual_name: unsettable, tax_exempt: oneOf('none', 'exempt', 'reverse'),
  preferred_locales: list(string),
  address: later, balance: later, cash_balance: later, default_source: later, invoice_prefix: later, invoice_settings: later,
  next_invoice_sequence: later, shipping: later, source: later, tax: later, validate: later,
};

function checkEmail(email) {
  if (email !== undefined && email !== '' && !/^[^@\s]+@[^@\s]+$/.test(email)) throw invalid(`Invalid email address: ${email}`, 'email', 'email_invalid');
}

export function create(call) {
  const { expand = [], metadata: given = {}, ...fields } = call.read(PARAMS);
  call.allow(checkExpand(expand, 'customer', false));
  checkEmail(fields.email);
  const customer = {
    id: newId('cus_', 12), object: 'customer', address: null, balance: 0, business_name: null, created: call.now(), currency: null, customer_account: null,
    default_source: null, delinquent: false, description: null, discount: null, email: null, invoice_prefix: newId('', 6).toUpperCase(),
    invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null }, livemode: call.world.live,
    metadata: mergeMetadata({}, given), name: null, next_invoice_sequence: 1, phone: null, preferred_locales: [], shipping: null, tax_exempt: 'none', test_clock: null,
  };
  for (const [name, value] of Object.entries(fields)) customer[name] = value === '' ? null : value;
  record(call.sim, call.world, 'customer.created', undefined, customer, { request: call.request() });
  return { status: 200, body: call.world.view.show('customer', customer, expand) };
}

export function update(call, id) {
  const { expand = [], metadata: given, ...fields } = call.read(PARAMS);
  checkEmail(fields.email);
  call.allow(checkExpand(expand, 'customer', false));
  const stored = existing(call, 'customer', id);
  if (stored.deleted === true) throw noSuch('customer', id, 'id', 404);
  const next = structuredClone(stored);
  for (const [name, value] of Object.entries(fields)) next[name] = value === '' ? null : value;
  if (given !== undefined) next.metadata = mergeMetadata(stored.metadata ?? {}, given);
  record(call.sim, call.world, 'customer.updated', stored, next, { request: call.request() });
  return { status: 200, body: call.world.view.show('customer', next, expand) };
}
