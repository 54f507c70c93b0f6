// Kinds of orgs: features that an admin switched on, and the rules they bring.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { error, request, TestOrg } from './salesforce/testing.mjs';
import { soap } from './salesforce/testing-metadata.mjs';

let org;
before(async () => { org = await TestOrg.start(); });
after(() => org.stop());
beforeEach(async () => {
  await org.control('POST', 'reset', { settings: true });
  await org.login();
});

const settings = (changes) => org.control('POST', 'settings', changes);
const create = (name, body, headers) => org.call('POST', `sobjects/${name}`, body, headers);
const describe = async (name) => (await org.call('GET', `sobjects/${name}/describe`)).json.fields;
const named = async (name, fieldName) => (await describe(name)).find((one) => one.name === fieldName);

function isError(answer, status, code, message, fields) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(error(answer).errorCode, code, answer.text);
  if (message) (message instanceof RegExp ? assert.match : assert.equal)(error(answer).message, message);
  if (fields) assert.deepEqual(error(answer).fields, fields);
}

// -- Person accounts --

async function persons() {
  await settings({ person_accounts: true });
  const { json } = await org.query("SELECT Id FROM RecordType WHERE SobjectType = 'Account' AND IsPersonType = true AND IsActive = true");
  return json.records[0].Id;
}

test('persons: describe shows the kind of org, and no trace of it elsewhere', async () => {
  assert.equal(await named('Account', 'IsPersonAccount'), undefined);
  isError(await create('Account', { Name: 'a', LastName: 'b' }), 400, 'INVALID_FIELD', "No such column 'LastName' on sobject of type Account");
  await persons();
  assert.equal((await named('Account', 'IsPersonAccount')).createable, false);
  assert.equal((await named('Account', 'Name')).nillable, true);
  await settings({ person_accounts: false });
  assert.equal(await named('Account', 'IsPersonAccount'), undefined);
  assert.equal((await named('Account', 'Name')).nillable, false);
  assert.equal((await org.query('SELECT Id FROM RecordType WHERE IsPersonType = true')).json.totalSize, 0);
});

test('persons: a company has a name, a person a last name, never the other\'s', async () => {
  const RecordTypeId = await persons();
  assert.equal((await create('Account', { Name: 'Acme' })).status, 201);
  isError(await create('Account', { Phone: '1' }), 400, 'REQUIRED_FIELD_MISSING', 'Required fields are missing: [Name]');
  isError(await create('Account', { FirstName: 'Ada', RecordTypeId }), 400, 'REQUIRED_FIELD_MISSING', 'Required fields are missing: [LastName]');
  isError(await create('Account', { Name: 'Ada', LastName: 'Byron', RecordTypeId }), 400, 'INVALID_FIELD_FOR_INSERT_UPDATE', /^Unable to create\/update fields: Name\./, ['Name']);
  isError(await create('Account', { Name: 'Acme', PersonEmail: 'a@example.com' }), 400, 'INVALID_FIELD_FOR_INSERT_UPDATE', undefined, ['PersonEmail']);
});

test('persons: the contact of a person is the server\'s own', async () => {
  await persons();
  const id = await org.create('Account', { FirstName: 'Ada', LastName: 'Byron', PersonEmail: 'ada@example.com' });
  const { json } = await org.query(`SELECT Name, IsPersonAccount, PersonContactId FROM Account WHERE Id = '${id}'`);
  const [{ Name, IsPersonAccount, PersonContactId }] = json.records;
  assert.deepEqual([Name, IsPersonAccount], ['Ada Byron', true]);
  isError(await org.call('PATCH', `sobjects/Contact/${PersonContactId}`, { Phone: '1' }), 400, 'INVALID_PERSON_ACCOUNT_OPERATION');
  isError(await org.call('DELETE', `sobjects/Contact/${PersonContactId}`), 400, 'INVALID_PERSON_ACCOUNT_OPERATION');
  isError(await org.call('PATCH', `sobjects/Account/${id}`, { Name: 'Other' }), 400, 'INVALID_FIELD_FOR_INSERT_UPDATE');
  assert.equal((await org.call('PATCH', `sobjects/Account/${id}`, { LastName: 'Lovelace', PersonMobilePhone: '5' })).status, 204);
  const contact = (await org.query(`SELECT Name, Email, MobilePhone FROM Contact WHERE Id = '${PersonContactId}'`)).json.records[0];
  assert.deepEqual([contact.Name, contact.Email, contact.MobilePhone], ['Ada Lovelace', 'ada@example.com', '5']);
});

// -- Currencies --

test('currencies: the field, the list of codes, and codes that are not active', async () => {
  isError(await org.query('SELECT IsoCode FROM CurrencyType WHERE IsActive = true'), 400, 'INVALID_TYPE');
  isError(await create('Account', { Name: 'a', CurrencyIsoCode: 'EUR' }), 400, 'INVALID_FIELD');
  await settings({ currencies: ['EUR', 'USD'] });
  const { json } = await org.query('SELECT IsoCode FROM CurrencyType WHERE IsActive = true ORDER BY IsoCode');
  assert.deepEqual(json.records.map(({ IsoCode }) => IsoCode), ['EUR', 'USD']);
  assert.equal((await create('Account', { Name: 'a', CurrencyIsoCode: 'USD' })).status, 201);
  isError(await create('Account', { Name: 'a', CurrencyIsoCode: 'JPY' }), 400, 'INVALID_CURRENCY_ISO');
});

// -- Addresses --

test('addresses: codes are fields, and texts must be on the list', async () => {
  assert.equal(await named('Account', 'BillingCountryCode'), undefined);
  assert.equal((await create('Account', { Name: 'a', BillingState: 'Nowhere' })).status, 201);
  await settings({ state_country_picklists: true });
  const code = await named('Account', 'BillingStateCode');
  assert.deepEqual([code.length, code.restrictedPicklist], [10, true]);
  isError(await create('Account', { Name: 'a', BillingCountry: 'United States', BillingState: 'Nowhere' }), 400, 'FIELD_INTEGRITY_EXCEPTION',
    "There's a problem with this state, even though it may appear correct. Please select a state from the list of valid states.: Billing State/Province", ['BillingState']);
  isError(await create('Account', { Name: 'a', BillingCountry: 'Atlantis' }), 400, 'FIELD_INTEGRITY_EXCEPTION', /problem with this country/, ['BillingCountry']);
  isError(await create('Account', { Name: 'a', BillingState: 'Texas' }), 400, 'FIELD_INTEGRITY_EXCEPTION', /must be specified before/);
  isError(await create('Account', { Name: 'a', BillingCountry: 'Germany', BillingState: 'Texas' }), 400, 'FIELD_INTEGRITY_EXCEPTION');
  isError(await create('Account', { Name: 'a', BillingCountry: 'Germany', BillingCountryCode: 'DE' }), 400, 'FIELD_INTEGRITY_EXCEPTION', /not both/);
  isError(await create('Account', { Name: 'a', BillingCountryCode: 'XX' }), 400, 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST');
});

test('addresses: code and text follow each other', async () => {
  await settings({ state_country_picklists: true });
  const id = await org.create('Account', { Name: 'a', BillingCountryCode: 'US', BillingStateCode: 'CA' });
  const address = async () => {
    const { attributes, ...row } = (await org.query(`SELECT BillingState, BillingStateCode, BillingCountry, BillingCountryCode FROM Account WHERE Id = '${id}'`)).json.records[0];
    assert.equal(attributes.type, 'Account');
    return Object.values(row);
  };
  assert.deepEqual(await address(), ['California', 'CA', 'United States', 'US']);
  assert.equal((await org.call('PATCH', `sobjects/Account/${id}`, { BillingState: 'new york' })).status, 204);
  assert.deepEqual(await address(), ['New York', 'NY', 'United States', 'US']);
  assert.equal((await org.call('PATCH', `sobjects/Account/${id}`, { BillingState: null, BillingCountry: 'Germany' })).status, 204);
  assert.deepEqual(await address(), [null, null, 'Germany', 'DE']);
  assert.equal((await create('Contact', { LastName: 'b', MailingCountryCode: 'CA', MailingStateCode: 'QC' })).status, 201);
});

// -- Stages, required fields, rules --

test('stages: an org\'s own names decide what is open, won and lost', async () => {
  await settings({ stages: ['Neu', { name: 'Gewonnen', probability: 100, category: 'Closed', closed: true, won: true }] });
  assert.deepEqual((await named('Opportunity', 'StageName')).picklistValues.map(({ value }) => value), ['Neu', 'Gewonnen']);
  const id = await org.create('Opportunity', { Name: 'a', StageName: 'Gewonnen', CloseDate: '2026-12-01', Amount: 10 });
  const row = (await org.query(`SELECT IsClosed, IsWon, Probability FROM Opportunity WHERE Id = '${id}'`)).json.records[0];
  assert.deepEqual([row.IsClosed, row.IsWon, row.Probability], [true, true, 100]);
  await settings({ stages: null });
  assert.ok((await named('Opportunity', 'StageName')).picklistValues.some(({ value }) => value === 'Closed Won'));
});

test('an admin\'s required field is told by describe, and missed on create and on clearing', async () => {
  await settings({ required_fields: ['Account.Phone'] });
  assert.equal((await named('Account', 'Phone')).nillable, false);
  isError(await create('Account', { Name: 'a' }), 400, 'REQUIRED_FIELD_MISSING', 'Required fields are missing: [Phone]', ['Phone']);
  const id = await org.create('Account', { Name: 'a', Phone: '1' });
  isError(await org.call('PATCH', `sobjects/Account/${id}`, { Phone: null }), 400, 'REQUIRED_FIELD_MISSING');
  assert.equal((await org.call('PATCH', `sobjects/Account/${id}`, { Name: 'b' })).status, 204);
});

test('a validation rule speaks with the admin\'s text', async () => {
  await settings({ validation_rules: [{ object: 'Account', field: 'Phone', is_null: true, message: 'Call us first', on_field: true }] });
  isError(await create('Account', { Name: 'a' }), 400, 'FIELD_CUSTOM_VALIDATION_EXCEPTION', 'Call us first', ['Phone']);
});

test('duplicate rules: an alert lets pass who asks for it, a block does not', async () => {
  const save = { 'Sforce-Duplicate-Rule-Header': 'allowSave=true' };
  await org.create('Account', { Name: 'Acme' });
  for (const [action, status] of [['alert', 201], ['block', 400]]) {
    await settings({ duplicate_rules: [{ object: 'Account', fields: ['Name'], action }] });
    isError(await create('Account', { Name: 'Acme' }), 400, 'DUPLICATES_DETECTED', 'Use one of these records?');
    assert.equal((await create('Account', { Name: 'Acme' }, save)).status, status);
  }
});

test('an org without the API refuses REST and SOAP', async () => {
  await settings({ api_disabled: true });
  isError(await org.call('GET', 'limits'), 403, 'API_DISABLED_FOR_ORG');
  assert.equal((await soap(org, '<readMetadata><type>CustomField</type></readMetadata>')).fault, 'sf:API_DISABLED_FOR_ORG');
});

test('a full org takes no more records', async () => {
  await settings({ storage_limit_records: 1 });
  isError(await create('Account', { Name: 'a' }), 400, 'STORAGE_LIMIT_EXCEEDED');
});

test('settings: unknown names and wrong types are refused', async () => {
  for (const changes of [{ person_account: true }, { person_accounts: 1 }, { stages: 'Won' }, { required_fields: 'Account.Phone' }]) {
    assert.equal((await request(org.port, 'POST', '/_sim/settings', { body: JSON.stringify(changes) })).status, 400);
  }
});
