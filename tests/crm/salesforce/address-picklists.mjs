// Orgs with state and country picklists (Salesforce: Standard objects): codes
// beside the texts, and texts that must be on the org's list.

import { badRequest } from './errors.mjs';

// A few countries with the states they have; an org's own list is longer.
const COUNTRIES = {
  US: { name: 'United States', states: { CA: 'California', NY: 'New York', TX: 'Texas', WA: 'Washington' } },
  CA: { name: 'Canada', states: { ON: 'Ontario', QC: 'Quebec' } },
  AU: { name: 'Australia', states: { NSW: 'New South Wales', WA: 'Western Australia' } },
  DE: { name: 'Germany', states: {} }, FR: { name: 'France', states: {} }, GB: { name: 'United Kingdom', states: {} },
  JP: { name: 'Japan', states: {} },
};
const STATES = [...new Set(Object.values(COUNTRIES).flatMap(({ states }) => Object.keys(states)))];
const ADDRESSES = { Account: ['Billing', 'Shipping'], Contact: ['Mailing', 'Other'] };

export function applyAddressFields(org) {
  const on = org.settings.values.state_country_picklists;
  for (const [name, prefixes] of Object.entries(ADDRESSES)) {
    const type = org.schema.object(name, true);
    for (const prefix of prefixes) {
      codeField(type, `${prefix}StateCode`, `${prefix} State/Province Code`, STATES, on);
      codeField(type, `${prefix}CountryCode`, `${prefix} Country Code`, Object.keys(COUNTRIES), on);
    }
  }
}

function codeField(type, name, label, values, on) {
  const field = type.fields.get(name.toLowerCase())
    ?? (on ? type.add({ name, label, type: 'picklist', length: 10, restricted: true, values }) : undefined);
  if (field) field.absent = !on;
}

const integrity = (message, name) => badRequest('FIELD_INTEGRITY_EXCEPTION', message, [name]);

const problem = (type, name, what) => integrity(
  `There's a problem with this ${what}, even though it may appear correct. Please select a ${what} from the list of valid ${what === 'state' ? 'states' : 'countries'}.: ${type.field(name, true).label}`, name);

const codeOf = (list, text, nameOf) => Object.keys(list).find((code) =>
  code.toLowerCase() === text.toLowerCase() || nameOf(list[code]).toLowerCase() === text.toLowerCase());

// The code that a text or a code given now stands for; undefined when neither is.
function chosen(type, changes, name, list, nameOf, what) {
  const text = changes[name];
  const code = changes[`${name}Code`];
  if (text && code) throw integrity(`${type.field(name, true).label}: give the name or the code, not both`, name);
  if (text === undefined && code === undefined) return undefined;
  if (!text && !code) return null;
  const found = codeOf(list, text || code, nameOf);
  if (!found) throw problem(type, name, what);
  return found;
}

function fitOne(type, prefix, changes, row) {
  const countryName = `${prefix}Country`;
  const stateName = `${prefix}State`;
  const country = chosen(type, changes, countryName, COUNTRIES, (entry) => entry.name, 'country');
  if (country !== undefined) Object.assign(changes, { [countryName]: COUNTRIES[country]?.name ?? null, [`${countryName}Code`]: country });
  const current = country === undefined ? row?.[`${countryName}Code`] : country;
  if ((changes[stateName] || changes[`${stateName}Code`]) && !current) {
    throw integrity(`A country/territory must be specified before specifying a state value for field: ${type.field(stateName, true).label}`, stateName);
  }
  const states = COUNTRIES[current]?.states ?? {};
  const state = chosen(type, changes, stateName, states, (text) => text, 'state');
  if (state !== undefined) Object.assign(changes, { [stateName]: states[state] ?? null, [`${stateName}Code`]: state });
}

// Texts and codes made to agree, or refused.
export function fitAddresses(call, type, changes, row) {
  for (const prefix of ADDRESSES[type.name] ?? []) fitOne(type, prefix, changes, row);
}
