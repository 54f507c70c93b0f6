// What kind of org this is (Salesforce: the simulator, org variants): features
// that an admin switched on, which add fields and rules to standard objects.

import { applyAddressFields, fitAddresses } from './address-picklists.mjs';
import { applyPersonFields, fitPerson, refusePersonContact } from './person-accounts.mjs';
import { insertRecord } from './writer.mjs';

const UNKNOWN = { probability: 0, category: 'Pipeline', closed: false, won: false };

// The org's own names of the stages, with what they stand for.
function applyStages(org) {
  const { stages } = org.settings.values;
  const field = org.schema.object('Opportunity', true).fields.get('stagename');
  if (stages) {
    const list = stages.map((stage) => (typeof stage === 'string' ? { name: stage } : stage));
    field.usualValues = field.usualValues ?? field.values;
    field.values = list.map(({ name }) => name);
    field.stages = new Map(list.map(({ name, ...facts }) => [name, { ...UNKNOWN, ...facts }]));
  } else if (field.stages) {
    Object.assign(field, { values: field.usualValues, stages: null, usualValues: null });
  }
}

function applyRequired(org) {
  const wanted = new Set(org.settings.values.required_fields.map((name) => name.toLowerCase()));
  for (const type of org.schema.objects.values()) {
    for (const field of type.fields.values()) field.adminRequired = wanted.has(`${type.name}.${field.name}`.toLowerCase());
  }
}

// Fields and values that the switches bring or take away.
export function applyKind(org) {
  applyPersonFields(org);
  applyAddressFields(org);
  applyStages(org);
  applyRequired(org);
}

// The rows of a set-up object become exactly these, told apart by one field.
function keepRows(org, name, key, wanted, isOurs = () => true) {
  const type = org.schema.object(name, true);
  const held = [...org.store.table(type).rows.values()].filter(isOurs);
  for (const row of held) if (!wanted.some((one) => one[key] === row[key])) org.store.erase(type, row.Id);
  for (const one of wanted) {
    if (!held.some((row) => row[key] === one[key])) insertRecord(org.adminCall(), type, one);
  }
}

const PERSON_TYPE = { Name: 'Person Account', DeveloperName: 'PersonAccount', SobjectType: 'Account', IsActive: true, IsPersonType: true };

// Records that belong to a kind of org.
export function seedKind(org) {
  const { currencies, person_accounts: persons } = org.settings.values;
  keepRows(org, 'CurrencyType', 'IsoCode', (currencies ?? []).map((IsoCode, i) =>
    ({ IsoCode, IsActive: true, IsCorporate: i === 0, ConversionRate: 1, DecimalPlaces: 2 })));
  keepRows(org, 'RecordType', 'DeveloperName', persons ? [PERSON_TYPE] : [], (row) => row.IsPersonType);
}

// Fits a write to the org's kind; changes what is stored, or throws.
export function fitKind(call, type, changes, row) {
  const { person_accounts: persons, state_country_picklists: picklists } = call.org.settings.values;
  refusePersonContact(call, type, row);
  if (persons && type.name === 'Account') fitPerson(call, changes, row);
  if (picklists) fitAddresses(call, type, changes, row);
}
