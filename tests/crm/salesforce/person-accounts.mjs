// Orgs with person accounts (Salesforce: Standard objects): an Account that is a
// person has a last name instead of a name, and a Contact that the server keeps.

import { badRequest } from './errors.mjs';
import { serverTime } from './values.mjs';

const DERIVED = { nillable: false, defaultedOnCreate: true, createable: false, updateable: false };
const text = (name, label, length) => ({ name, label, type: 'string', length });

// Fields of Account that only persons may fill, by the Contact's name of them.
const COPIED = {
  FirstName: 'FirstName', LastName: 'LastName', PersonEmail: 'Email', PersonMobilePhone: 'MobilePhone', PersonTitle: 'Title',
  PersonMailingStreet: 'MailingStreet', PersonMailingCity: 'MailingCity', PersonMailingState: 'MailingState',
  PersonMailingPostalCode: 'MailingPostalCode', PersonMailingCountry: 'MailingCountry',
};
const ACCOUNT_FIELDS = [
  { name: 'IsPersonAccount', label: 'Is Person Account', type: 'boolean', defaultValue: false, ...DERIVED },
  text('LastName', 'Last Name', 80), text('FirstName', 'First Name', 40),
  { name: 'PersonContactId', label: 'Contact ID', type: 'reference', referenceTo: ['Contact'], relationshipName: 'PersonContact', ...DERIVED, nillable: true },
  { name: 'PersonEmail', label: 'Email', type: 'email', length: 80 }, { name: 'PersonMobilePhone', label: 'Mobile', type: 'phone', length: 40 },
  text('PersonTitle', 'Title', 80), { name: 'PersonMailingStreet', label: 'Mailing Street', type: 'textarea', length: 255 },
  text('PersonMailingCity', 'Mailing City', 40), text('PersonMailingState', 'Mailing State/Province', 80),
  text('PersonMailingPostalCode', 'Mailing Zip/Postal Code', 20), text('PersonMailingCountry', 'Mailing Country', 80),
];
const [CONTACT_FIELD] = ACCOUNT_FIELDS;

// The fields are there, or absent with all that they would do.
export function applyPersonFields(org) {
  const on = org.settings.values.person_accounts;
  const account = org.schema.object('Account', true);
  const wanted = [...ACCOUNT_FIELDS.map((spec) => [account, spec]), [org.schema.object('Contact', true), CONTACT_FIELD]];
  for (const [type, spec] of wanted) {
    const field = type.fields.get(spec.name.toLowerCase()) ?? (on ? type.add(spec) : undefined);
    if (field) field.absent = !on;
  }
  // Only a company must have a name, which describe cannot tell.
  account.fields.get('name').nillable = on;
}

const personTypeOf = (org) => [...org.store.table(org.schema.object('RecordType', true)).rows.values()].find((row) => row.IsPersonType);

const refuse = (names) => badRequest('INVALID_FIELD_FOR_INSERT_UPDATE',
  `Unable to create/update fields: ${names.join(', ')}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.`, names);

const missing = (name) => badRequest('REQUIRED_FIELD_MISSING', `Required fields are missing: [${name}]`, [name]);

function isPerson(org, changes, row) {
  if (row) return row.IsPersonAccount === true;
  const type = personTypeOf(org);
  if (changes.RecordTypeId !== undefined && changes.RecordTypeId !== null) return changes.RecordTypeId === type?.Id;
  return Boolean(changes.LastName);
}

// Completes the changes to an Account, or refuses them.
export function fitPerson(call, changes, row) {
  const { org } = call;
  const person = isPerson(org, changes, row);
  const wrong = person ? ['Name'] : Object.keys(COPIED);
  const given = wrong.filter((name) => changes[name] !== undefined && changes[name] !== null);
  if (given.length) throw refuse(given);
  const now = { ...row, ...changes };
  if (!now[person ? 'LastName' : 'Name']) throw missing(person ? 'LastName' : 'Name');
  if (!person) return;
  changes.Name = [now.FirstName, now.LastName].filter(Boolean).join(' ');
  if (!row) Object.assign(changes, { IsPersonAccount: true, RecordTypeId: personTypeOf(org)?.Id ?? null });
  else copyToContact(call, row, changes);
}

function contactValues(values) {
  const out = {};
  for (const [from, to] of Object.entries(COPIED)) if (values[from] !== undefined) out[to] = values[from];
  return out;
}

function copyToContact(call, row, changes) {
  const type = call.org.schema.object('Contact', true);
  const contact = call.org.store.table(type).rows.get(row.PersonContactId);
  if (contact) call.org.store.update(type, contact, { ...contactValues(changes), Name: changes.Name });
}

// The Contact of a person that has just been written.
export function addPersonContact(call, row) {
  const { org } = call;
  const type = org.schema.object('Contact', true);
  const stamp = serverTime(call.now);
  const contact = { Id: org.store.ids.next(type.keyPrefix), ...contactValues(row), Name: row.Name, AccountId: row.Id, OwnerId: row.OwnerId,
    IsPersonAccount: true, IsDeleted: false, CreatedDate: stamp, LastModifiedDate: stamp, SystemModstamp: stamp,
    CreatedById: call.userId, LastModifiedById: call.userId };
  org.store.insert(type, contact);
  org.store.update(org.schema.object('Account', true), row, { PersonContactId: contact.Id });
}

// Nobody but the server writes the Contact of a person.
export function refusePersonContact(call, type, row) {
  if (call.admin || type.name !== 'Contact' || !row?.IsPersonAccount) return;
  throw badRequest('INVALID_PERSON_ACCOUNT_OPERATION', 'invalid person account operation: the contact of a person account cannot be changed by itself', []);
}
