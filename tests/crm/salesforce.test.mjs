// Single records, values, links and the gate before them.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { gzipSync, gunzipSync } from 'node:zlib';
import { BASE, error, request, TestOrg } from './salesforce/testing.mjs';
import { parseId, suffixOf } from './salesforce/ids.mjs';

let org;
before(async () => { org = await TestOrg.start(); });
after(() => org.stop());
beforeEach(async () => {
  await org.control('POST', 'reset', { settings: true });
  await org.login();
});

function isError(answer, status, code, message, fields) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(error(answer).errorCode, code, answer.text);
  if (message instanceof RegExp) assert.match(error(answer).message, message);
  else if (message) assert.equal(error(answer).message, message);
  if (fields !== undefined) assert.deepEqual(error(answer).fields, fields);
}

const subscription = (more) => org.call('POST', 'sobjects/Billhook_Subscription__c', { Name: 'S-1', ...more });

test('ids: suffix of the reference example, wrong suffix refused', () => {
  assert.equal(suffixOf('a0AbC00000Zz9Qx'), 'UAJ');
  assert.equal(parseId('a0AbC00000Zz9QxUAJ'), 'a0AbC00000Zz9QxUAJ');
  assert.equal(parseId('a0AbC00000Zz9QxUAK'), null);
  assert.equal(parseId('a0AbC00000Zz9Qx'), 'a0AbC00000Zz9QxUAJ');
});

test('versions: listed without token, uncounted, unknown 404, retired 410', async () => {
  const list = await request(org.port, 'GET', '/services/data');
  assert.equal(list.status, 200);
  assert.deepEqual(list.json.find((entry) => entry.version === '66.0'), { label: "Spring '26", url: '/services/data/v66.0', version: '66.0' });
  assert.equal(list.json[0].version, '31.0');
  assert.equal(list.headers['sforce-limit-info'], undefined);
  const unknown = await org.call('GET', '/services/data/v99.0/limits');
  isError(unknown, 404, 'NOT_FOUND', 'The requested resource does not exist');
  assert.equal(unknown.headers['sforce-limit-info'], undefined);
  assert.equal((await org.call('GET', '/services/data/v25.0/limits')).status, 410);
});

test('session: missing, unknown and malformed tokens are 401 without limit header', async () => {
  for (const headers of [{}, { Authorization: 'Bearer nonsense' }]) {
    const answer = await request(org.port, 'GET', `${BASE}/limits`, { headers });
    assert.equal(answer.status, 401);
    assert.deepEqual(answer.json, [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }]);
    assert.equal(answer.headers['www-authenticate'], 'Token');
    assert.equal(answer.headers['sforce-limit-info'], undefined);
  }
  isError(await request(org.port, 'GET', `${BASE}/limits`, { headers: { Authorization: 'Basic abc' } }), 401, 'INVALID_AUTH_HEADER');
  assert.equal((await request(org.port, 'GET', `${BASE}/limits`, { headers: { Authorization: `OAuth ${org.access}` } })).status, 200);
});

test('limit header counts HTTP calls, limits reports them', async () => {
  await org.control('POST', 'settings', { daily_used: 24 });
  const answer = await org.call('GET', 'limits');
  assert.equal(answer.headers['sforce-limit-info'], 'api-usage=25/15000');
  assert.deepEqual(answer.json.DailyApiRequests, { Max: 15000, Remaining: 14975 });
  assert.match(answer.headers['x-sfdc-request-id'], /^[0-9a-f]+$/);
});

test('daily limit: 403 TotalRequests', async () => {
  await org.control('POST', 'settings', { daily_limit: 10, daily_used: 10 });
  const answer = await org.call('GET', 'limits');
  assert.equal(answer.status, 403);
  assert.deepEqual(answer.json, [{ message: 'TotalRequests Limit exceeded.', errorCode: 'REQUEST_LIMIT_EXCEEDED' }]);
  assert.equal(answer.headers['sforce-limit-info'], 'api-usage=10/10');
});

test('concurrent limit: only long calls count', async () => {
  await org.control('POST', 'settings', { concurrent_limit: 2, long_call_ms: 0, latency_ms: 80 });
  const answers = await Promise.all([1, 2, 3, 4].map(() => org.call('GET', 'limits')));
  const refused = answers.filter((answer) => answer.status === 403);
  assert.ok(refused.length >= 1 && refused.length < 4);
  isError(refused[0], 403, 'REQUEST_LIMIT_EXCEEDED', 'ConcurrentRequests (Concurrent API Requests) Limit exceeded.');
});

test('org without API: API_DISABLED_FOR_ORG', async () => {
  await org.control('POST', 'settings', { api_disabled: true });
  isError(await org.call('GET', 'limits'), 403, 'API_DISABLED_FOR_ORG');
});

test('bodies: content type, JSON place, UTF-8, gzip, empty', async () => {
  isError(await org.call('POST', 'sobjects/Account', '{"Name":"x"}', { 'Content-Type': 'text/plain' }), 415, 'UNSUPPORTED_MEDIA_TYPE');
  isError(await org.call('POST', 'sobjects/Account', '{"Name":\n  x}'), 400, 'JSON_PARSER_ERROR', "Unexpected character ('x' (code 120)) at [line:2, column:3]");
  assert.equal('fields' in error(await org.call('POST', 'sobjects/Account', '{')), false);
  isError(await org.call('POST', 'sobjects/Account', Buffer.from([0x7b, 0xff, 0x7d])), 400, 'JSON_PARSER_ERROR');
  isError(await org.call('POST', 'sobjects/Account', ''), 400, 'JSON_PARSER_ERROR');
  isError(await org.call('POST', 'sobjects/Account', '[]'), 400, 'JSON_PARSER_ERROR');
  const packed = await org.call('POST', 'sobjects/Account', gzipSync('{"Name":"Gzip Ltd"}'), { 'Content-Encoding': 'gzip' });
  assert.equal(packed.status, 201);
  const answer = await org.call('GET', 'sobjects/Account/describe', undefined, { 'Accept-Encoding': 'gzip' });
  assert.equal(answer.headers['content-encoding'], 'gzip');
  assert.equal(JSON.parse(gunzipSync(answer.bytes)).name, 'Account');
});

test('paths: unknown 404, wrong method 405, long URL 414, long headers 431, other paths HTML', async () => {
  isError(await org.call('GET', 'nothing'), 404, 'NOT_FOUND', 'The requested resource does not exist');
  isError(await org.call('GET', 'sobjects/Nope__c/describe'), 404, 'NOT_FOUND');
  isError(await org.call('POST', 'limits', {}), 405, 'METHOD_NOT_ALLOWED', /^HTTP Method 'POST' not allowed\. Allowed are GET/);
  isError(await org.call('PUT', 'sobjects/Account', {}), 405, 'METHOD_NOT_ALLOWED');
  assert.equal((await org.call('GET', `query?q=${'x'.repeat(16400)}`)).status, 414);
  assert.equal((await org.call('GET', 'limits', undefined, { 'X-Long': 'x'.repeat(16400) })).status, 431);
  const html = await org.call('GET', '/services/other');
  assert.equal(html.status, 404);
  assert.match(html.headers['content-type'], /^text\/html/);
});

test('create, read, update, delete; id forms; recycle bin', async () => {
  const made = await org.call('POST', 'sobjects/Account', { Name: 'Harbour Mills', BillingCity: '  Kiel ', Phone: '' });
  assert.equal(made.status, 201);
  assert.equal(made.headers['content-type'], 'application/json;charset=UTF-8');
  const { id } = made.json;
  assert.deepEqual(made.json, { id, success: true, errors: [] });
  assert.match(id, /^001[0-9A-Za-z]{15}$/);
  assert.equal(made.headers.location, `${BASE}/sobjects/Account/${id}`);
  const row = (await org.call('GET', `sobjects/Account/${id.slice(0, 15)}`)).json;
  assert.deepEqual(row.attributes, { type: 'Account', url: `${BASE}/sobjects/Account/${id}` });
  assert.equal(row.BillingCity, 'Kiel');
  assert.equal(row.Phone, null);
  assert.equal(row.IsDeleted, false);
  assert.match(row.CreatedDate, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000\+0000$/);
  assert.match(row.OwnerId, /^005/);
  const short = (await org.call('GET', `sobjects/Account/${id}?fields=Id,Name`)).json;
  assert.deepEqual(Object.keys(short), ['attributes', 'Id', 'Name']);
  const patched = await org.call('PATCH', `sobjects/Account/${id}`, { Name: 'Harbour Mills Ltd', BillingCity: null });
  assert.equal(patched.status, 204);
  assert.equal(patched.text, '');
  assert.equal((await org.call('GET', `sobjects/Account/${id}`)).json.BillingCity, null);
  assert.equal((await org.call('DELETE', `sobjects/Account/${id}`)).status, 204);
  for (const method of ['GET', 'PATCH', 'DELETE']) {
    isError(await org.call(method, `sobjects/Account/${id}`, method === 'PATCH' ? {} : undefined), 404, 'ENTITY_IS_DELETED', 'entity is deleted', []);
  }
  isError(await org.call('GET', 'sobjects/Account/001xx0000000000AAB'), 400, 'MALFORMED_ID');
  isError(await org.call('GET', `sobjects/Account/001xx0000000000${suffixOf('001xx0000000000')}`), 404, 'NOT_FOUND');
  isError(await org.call('PATCH', 'sobjects/Account/nonsense', {}), 400, 'MALFORMED_ID', 'Account ID: id value of incorrect type: nonsense', ['Id']);
  isError(await org.call('GET', `sobjects/Account/${id}?fields=Nope__c`), 404, 'ENTITY_IS_DELETED');
});

test('writes: required, unknown, read-only, Id in body', async () => {
  isError(await org.call('POST', 'sobjects/Contact', { FirstName: 'A' }), 400, 'REQUIRED_FIELD_MISSING', 'Required fields are missing: [LastName]', ['LastName']);
  isError(await org.call('POST', 'sobjects/Opportunity', { Name: 'x' }), 400, 'REQUIRED_FIELD_MISSING', 'Required fields are missing: [StageName, CloseDate]', ['StageName', 'CloseDate']);
  const unknown = await org.call('POST', 'sobjects/Account', { Name: 'x', X__c: 1 });
  assert.deepEqual(unknown.json, [{ message: "No such column 'X__c' on sobject of type Account", errorCode: 'INVALID_FIELD' }]);
  isError(await org.call('POST', 'sobjects/Contact', { LastName: 'B', Name: 'A B' }), 400, 'INVALID_FIELD_FOR_INSERT_UPDATE', /^Unable to create\/update fields: Name\. Please check/, ['Name']);
  isError(await org.call('POST', 'sobjects/Account', { Name: 'x', CreatedDate: '2026-01-01T00:00:00Z' }), 400, 'INVALID_FIELD_FOR_INSERT_UPDATE');
  isError(await org.call('POST', 'sobjects/Account', { Name: 'x', Id: '001xx000000abcd' }), 400, 'INVALID_FIELD_FOR_INSERT_UPDATE', 'cannot specify Id in an insert call');
  const id = await org.create('Account', { Name: 'x' });
  isError(await org.call('PATCH', `sobjects/Account/${id}`, { Id: id }), 400, 'INVALID_FIELD', 'The Id field should not be specified in the sobject data.', ['Id']);
  isError(await org.call('PATCH', `sobjects/Account/${id}`, { Name: null }), 400, 'REQUIRED_FIELD_MISSING');
  isError(await org.call('POST', 'sobjects/User', { LastName: 'x' }), 400, 'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY');
});

test('field-level security: hidden is unknown, read-only is refused, hidden object is 404', async () => {
  await org.control('POST', 'settings', { hidden_fields: ['Account.Secret__c'], readonly_fields: ['Account.Plan__c'], hidden_objects: ['Billhook_Line__c'] });
  isError(await org.call('POST', 'sobjects/Account', { Name: 'x', Secret__c: 'y' }), 400, 'INVALID_FIELD', "No such column 'Secret__c' on sobject of type Account");
  isError(await org.query('SELECT Secret__c FROM Account'), 400, 'INVALID_FIELD');
  const fields = (await org.call('GET', 'sobjects/Account/describe')).json.fields;
  assert.equal(fields.find((field) => field.name === 'Secret__c'), undefined);
  assert.equal(fields.find((field) => field.name === 'Plan__c').updateable, false);
  isError(await org.call('POST', 'sobjects/Account', { Name: 'x', Plan__c: 'pro' }), 400, 'INVALID_FIELD_FOR_INSERT_UPDATE');
  isError(await org.call('GET', 'sobjects/Billhook_Line__c/describe'), 404, 'NOT_FOUND');
  isError(await org.query('SELECT Id FROM Billhook_Line__c'), 400, 'INVALID_TYPE');
});

test('values: text length, e-mail, picklists, numbers, dates, booleans', async () => {
  isError(await org.call('POST', 'sobjects/Account', { Name: 'x', BillingCity: 'c'.repeat(41) }), 400, 'STRING_TOO_LONG', `Billing City: data value too large: ${'c'.repeat(41)} (max length=40)`, ['BillingCity']);
  isError(await subscription({ Mail__c: 'nobody' }), 400, 'INVALID_EMAIL_ADDRESS', 'Mail: invalid email address: nobody', ['Mail__c']);
  isError(await org.call('POST', 'sobjects/Account', { Name: 'x', Plan__c: 'huge' }), 400, 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST', 'Plan: bad value for restricted picklist field: huge', ['Plan__c']);
  assert.equal((await org.call('POST', 'sobjects/Account', { Name: 'x', Tier__c: 'bronze' })).status, 201);
  isError(await subscription({ Tags__c: 'a;z' }), 400, 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST');
  const body = '{"Name":"S-1","Amount__c":"abc"}';
  isError(await org.call('POST', 'sobjects/Billhook_Subscription__c', body), 400, 'JSON_PARSER_ERROR',
    'Cannot deserialize instance of currency from VALUE_STRING value abc or request may be missing a required field at [line:1, column:15]');
  isError(await subscription({ Amount__c: true }), 400, 'JSON_PARSER_ERROR', /currency from VALUE_TRUE/);
  isError(await subscription({ Name: 5 }), 400, 'JSON_PARSER_ERROR', /string from VALUE_NUMBER_INT value 5/);
  isError(await subscription({ Seats__c: 100000 }), 400, 'NUMBER_OUTSIDE_VALID_RANGE', /^Seats: /, ['Seats__c']);
  for (const day of ['2026-02-30', '2026-11-22T10:00:00Z', '22.11.2026', 20261122]) {
    isError(await subscription({ Start__c: day }), 400, 'JSON_PARSER_ERROR', /instance of date/);
  }
  for (const moment of ['2026-11-22', '2026-11-22T10:00:00', '2026-11-22 10:00:00Z', '2026-11-22T25:00:00Z']) {
    isError(await subscription({ Renewed_At__c: moment }), 400, 'JSON_PARSER_ERROR', /instance of datetime/);
  }
  isError(await subscription({ Start__c: '1492-01-01' }), 400, 'DATE_OUT_OF_RANGE');
  isError(await subscription({ Overdue__c: null }), 400, 'JSON_PARSER_ERROR', /boolean from VALUE_NULL/);
  isError(await subscription({ Overdue__c: 'true' }), 400, 'JSON_PARSER_ERROR');
  isError(await subscription({ Raw__c: 'x'.repeat(301) }), 400, 'STRING_TOO_LONG');
});

test('values: what is stored', async () => {
  const { json } = await subscription({ Amount__c: '12.345', Discount__c: 1.005, Renewed_At__c: '2026-11-22T10:00:00.250+01:00', Start__c: '2026-11-22', Tags__c: 'a; c', Link__c: 'not checked' });
  const row = (await org.call('GET', `sobjects/Billhook_Subscription__c/${json.id}`)).json;
  assert.equal(row.Amount__c, 12.35);
  assert.equal(row.Discount__c, 1.01);
  assert.equal(row.Renewed_At__c, '2026-11-22T09:00:00.000+0000');
  assert.equal(row.Tags__c, 'a;c');
  assert.equal(row.Overdue__c, false);
  const contact = await org.create('Contact', { LastName: 'Rook', FirstName: 'Ida', Email: 'Ida.Rook@Example.com' });
  const read = (await org.call('GET', `sobjects/Contact/${contact}?fields=Email,Name`)).json;
  assert.equal(read.Email, 'ida.rook@example.com');
  assert.equal(read.Name, 'Ida Rook');
});

test('opportunity and task fields the server computes', async () => {
  const account = await org.create('Account', { Name: 'Harbour Mills' });
  const id = await org.create('Opportunity', { Name: 'o', StageName: 'Closed Won', CloseDate: '2026-11-22', Amount: 100, AccountId: account });
  let row = (await org.call('GET', `sobjects/Opportunity/${id}`)).json;
  assert.deepEqual([row.IsClosed, row.IsWon, row.Probability, row.ForecastCategory, row.ExpectedRevenue], [true, true, 100, 'Closed', 100]);
  await org.call('PATCH', `sobjects/Opportunity/${id}`, { StageName: 'Our own stage' });
  row = (await org.call('GET', `sobjects/Opportunity/${id}`)).json;
  assert.deepEqual([row.IsClosed, row.Probability], [false, 0]);
  isError(await org.call('PATCH', `sobjects/Opportunity/${id}`, { IsWon: true }), 400, 'INVALID_FIELD_FOR_INSERT_UPDATE');
  const task = await org.create('Task', { Subject: 'Call', WhatId: id });
  const read = (await org.call('GET', `sobjects/Task/${task}`)).json;
  assert.deepEqual([read.AccountId, read.Status, read.Priority, read.IsClosed], [account, 'Not Started', 'Normal', false]);
});

test('unique fields: with and without letter case', async () => {
  const first = await org.create('Account', { Name: 'a', Billhook_Id__c: 'cus_a', Code__c: 'x1' });
  isError(await org.call('POST', 'sobjects/Account', { Name: 'b', Billhook_Id__c: 'cus_a' }), 400, 'DUPLICATE_VALUE',
    `duplicate value found: Billhook_Id__c duplicates value on record with id: ${first.slice(0, 15)}`, []);
  assert.equal((await org.call('POST', 'sobjects/Account', { Name: 'b', Billhook_Id__c: 'CUS_A' })).status, 201);
  isError(await org.call('POST', 'sobjects/Account', { Name: 'b', Code__c: 'X1' }), 400, 'DUPLICATE_VALUE');
  assert.equal((await org.call('PATCH', `sobjects/Account/${first}`, { Code__c: 'X1' })).status, 204);
  await org.call('DELETE', `sobjects/Account/${first}`);
  assert.equal((await org.call('POST', 'sobjects/Account', { Name: 'c', Billhook_Id__c: 'cus_a' })).status, 201);
});

test('upsert by external id: 201, 200, 204 up to v45, 300, 404, updateOnly', async () => {
  const path = 'sobjects/Account/Billhook_Id__c/';
  const made = await org.call('PATCH', `${path}cus_1`, { Name: 'One' });
  assert.equal(made.status, 201);
  assert.deepEqual(made.json, { id: made.json.id, success: true, errors: [], created: true });
  assert.equal(made.headers.location, `${BASE}/sobjects/Account/${made.json.id}`);
  const again = await org.call('PATCH', `${path}cus_1`, { Name: 'Two' });
  assert.equal(again.status, 200);
  assert.deepEqual(again.json, { id: made.json.id, success: true, errors: [], created: false });
  assert.equal((await org.call('PATCH', `/services/data/v45.0/${path}cus_1`, { Name: 'Three' })).status, 204);
  assert.equal((await org.call('PATCH', `${path}cus_1?updateOnly=true`, { Name: 'Two' })).status, 200);
  isError(await org.call('PATCH', `${path}cus_9?updateOnly=true`, { Name: 'Two' }), 404, 'NOT_FOUND');
  isError(await org.call('PATCH', `${path}cus_1`, { Billhook_Id__c: 'cus_1' }), 400, 'INVALID_FIELD', 'The Billhook_Id__c field should not be specified in the sobject data.');
  isError(await org.call('PATCH', 'sobjects/Account/Nope__c/x', {}), 404, 'NOT_FOUND', 'Provided external ID field does not exist or is not accessible: Nope__c');
  isError(await org.call('PATCH', 'sobjects/Account/Phone/1', {}), 404, 'NOT_FOUND');
  assert.equal((await org.call('GET', `${path}cus_1`)).json.Name, 'Two');
  isError(await org.call('GET', `${path}cus_9`), 404, 'NOT_FOUND');
  const twins = [await org.create('Account', { Name: 'a', Legacy_Id__c: 'L1' }), await org.create('Account', { Name: 'b', Legacy_Id__c: 'l1' })];
  for (const method of ['GET', 'PATCH', 'DELETE']) {
    const both = await org.call(method, 'sobjects/Account/Legacy_Id__c/L1', method === 'PATCH' ? { Name: 'z' } : undefined);
    assert.equal(both.status, 300);
    assert.deepEqual(both.json, twins.map((id) => `${BASE}/sobjects/Account/${id}`));
  }
  assert.equal((await org.call('DELETE', `${path}cus_1`)).status, 204);
  assert.equal((await org.call('PATCH', `${path}cus_1`, { Name: 'New' })).status, 201);
});

test('keys in a path are decoded exactly once', async () => {
  for (const key of ['a/b', 'a%2Fb', '50%', 'a+b', 'a b', 'stripe:cus_1', 'grün-€', 'a?b&c=d#e']) {
    const made = await org.call('PATCH', `sobjects/Account/Billhook_Id__c/${encodeURIComponent(key)}`, { Name: 'x' });
    assert.equal(made.status, 201, key);
    assert.equal((await org.call('GET', `sobjects/Account/${made.json.id}`)).json.Billhook_Id__c, key);
  }
  assert.equal((await org.call('PATCH', 'sobjects/Account/Billhook_Id__c/a/b', {})).status, 404);
  assert.equal((await org.call('PATCH', 'sobjects/Account/Billhook_Id__c/data.json', { Name: 'x' })).status, 404);
});

test('links by id: form, type, existence', async () => {
  const account = await org.create('Account', { Name: 'a' });
  const contact = await org.create('Contact', { LastName: 'c', AccountId: account });
  isError(await org.call('POST', 'sobjects/Contact', { LastName: 'c', AccountId: contact }), 400, 'MALFORMED_ID', `Account ID: id value of incorrect type: ${contact}`, ['AccountId']);
  isError(await org.call('POST', 'sobjects/Contact', { LastName: 'c', AccountId: 'abc' }), 400, 'MALFORMED_ID');
  const nowhere = `001xx0000000000${suffixOf('001xx0000000000')}`;
  isError(await org.call('POST', 'sobjects/Contact', { LastName: 'c', AccountId: nowhere }), 400, 'INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id', []);
  await org.control('POST', 'settings', { check_references: false });
  assert.equal((await org.call('POST', 'sobjects/Contact', { LastName: 'c', AccountId: nowhere })).status, 201);
  await org.control('POST', 'settings', { check_references: true });
  await org.call('DELETE', `sobjects/Account/${account}`);
  isError(await org.call('POST', 'sobjects/Contact', { LastName: 'c', AccountId: account }), 400, 'ENTITY_IS_DELETED');
});

test('links by external id', async () => {
  const account = await org.create('Account', { Name: 'a', Billhook_Id__c: 'cus_1' });
  const link = { Billhook_Id__c: 'cus_1' };
  const made = await subscription({ Account__r: link });
  assert.equal(made.status, 201);
  const { id } = made.json;
  assert.equal((await org.call('GET', `sobjects/Billhook_Subscription__c/${id}`)).json.Account__c, account);
  assert.equal((await org.call('POST', 'sobjects/Contact', { LastName: 'c', Account: link })).status, 201);
  isError(await subscription({ Account__r: { Billhook_Id__c: 'cus_2' } }), 400, 'INVALID_FIELD', 'Foreign key external ID: cus_2 not found for field Billhook_Id__c in entity Account');
  isError(await subscription({ Account__r: { Billhook_Id__c: 'cus_1', Name: 'a' } }), 400, 'INVALID_FIELD', 'More than 1 field provided in an external foreign key reference in entity: Account');
  isError(await subscription({ Customer__r: link }), 400, 'INVALID_FIELD', "No such column 'Customer__r' on sobject of type Billhook_Subscription__c");
  isError(await subscription({ Account__r: { Phone: '1' } }), 400, 'INVALID_FIELD');
  isError(await subscription({ Account__r: { Nope__c: '1' } }), 400, 'INVALID_FIELD');
  isError(await subscription({ Account__r: null }), 400, 'INVALID_FIELD');
  isError(await subscription({ Account__r: 'cus_1' }), 400, 'JSON_PARSER_ERROR');
  isError(await subscription({ Account__c: link }), 400, 'JSON_PARSER_ERROR');
  isError(await subscription({ Account__r: link, Account__c: account }), 400, 'INVALID_FIELD', /^Cannot specify both/);
  assert.equal((await org.call('PATCH', `sobjects/Billhook_Subscription__c/${id}`, { Account__c: null })).status, 204);
  await org.create('Account', { Name: 'a', Legacy_Id__c: 'L1' });
  await org.create('Account', { Name: 'b', Legacy_Id__c: 'L1' });
  isError(await subscription({ Account__r: { Legacy_Id__c: 'L1' } }), 400, 'DUPLICATE_EXTERNAL_ID');
});

test('polymorphic links need attributes first', async () => {
  const account = await org.create('Account', { Name: 'a', Billhook_Id__c: 'cus_1' });
  const made = await org.call('POST', 'sobjects/Task', { Subject: 'Call', What: { attributes: { type: 'Account' }, Billhook_Id__c: 'cus_1' } });
  assert.equal((await org.call('GET', `sobjects/Task/${made.json.id}`)).json.WhatId, account);
  isError(await org.call('POST', 'sobjects/Task', { Subject: 'Call', What: { Billhook_Id__c: 'cus_1' } }), 400, 'JSON_PARSER_ERROR', /^Nested object for polymorphic foreign key must have an attributes field before any other fields/);
  isError(await org.call('POST', 'sobjects/Task', { Subject: 'Call', What: { attributes: { type: 'Contact' }, Email: 'x@example.com' } }), 400, 'INVALID_FIELD');
});

test('master-detail: required, not reparentable, deleted with its parent; auto number names', async () => {
  isError(await org.call('POST', 'sobjects/Billhook_Line__c', { Kind__c: 'fee' }), 400, 'REQUIRED_FIELD_MISSING', 'Required fields are missing: [Subscription__c]');
  await subscription({ Billhook_Id__c: 'sub_1' });
  const parent = { Subscription__r: { Billhook_Id__c: 'sub_1' } };
  isError(await org.call('POST', 'sobjects/Billhook_Line__c', parent), 400, 'REQUIRED_FIELD_MISSING', 'Required fields are missing: [Kind__c]');
  const line = await org.create('Billhook_Line__c', { ...parent, Kind__c: 'fee' });
  assert.equal((await org.call('GET', `sobjects/Billhook_Line__c/${line}`)).json.Name, 'L-0001');
  isError(await org.call('PATCH', `sobjects/Billhook_Line__c/${line}`, parent), 400, 'INVALID_FIELD_FOR_INSERT_UPDATE');
  isError(await org.call('POST', 'sobjects/Billhook_Line__c', { ...parent, Kind__c: 'fee', Name: 'x' }), 400, 'INVALID_FIELD_FOR_INSERT_UPDATE');
  assert.equal((await org.call('DELETE', 'sobjects/Billhook_Subscription__c/Billhook_Id__c/sub_1')).status, 204);
  isError(await org.call('GET', `sobjects/Billhook_Line__c/${line}`), 404, 'ENTITY_IS_DELETED');
});

test('describe: keys, required flags, conditional requests', async () => {
  const answer = await org.call('GET', 'sobjects/Account/describe');
  const field = (name) => answer.json.fields.find((one) => one.name === name);
  const key = field('Billhook_Id__c');
  assert.deepEqual([key.type, key.length, key.byteLength, key.externalId, key.idLookup, key.unique, key.caseSensitive, key.custom, key.nillable],
    ['string', 255, 765, true, true, true, true, true, true]);
  assert.deepEqual([field('Name').nillable, field('Name').length, field('BillingCity').length, field('Description').length], [false, 255, 40, 32000]);
  assert.equal(field('Plan__c').restrictedPicklist, true);
  assert.deepEqual(field('Plan__c').picklistValues[0], { active: true, defaultValue: false, label: 'basic', validFor: null, value: 'basic' });
  assert.equal(field('RecordTypeId'), undefined);
  assert.equal(answer.json.keyPrefix, '001');
  assert.ok(answer.json.childRelationships.some((child) => child.childSObject === 'Billhook_Subscription__c'));
  const again = await org.call('GET', 'sobjects/Account/describe', undefined, { 'If-Modified-Since': answer.headers['last-modified'] });
  assert.equal(again.status, 304);
  await org.control('POST', 'records', { RecordType: [{ Name: 'Renewal', DeveloperName: 'Renewal', SobjectType: 'Account' }] });
  const later = await org.call('GET', 'sobjects/Account/describe', undefined, { 'If-Modified-Since': answer.headers['last-modified'] });
  assert.equal(later.status, 200);
  assert.ok(later.json.fields.some((one) => one.name === 'RecordTypeId'));
  const sub = (await org.call('GET', 'sobjects/Billhook_Subscription__c/describe')).json;
  assert.match(sub.keyPrefix, /^a/);
  assert.equal(sub.fields.find((one) => one.name === 'Account__c').relationshipName, 'Account__r');
  assert.ok((await org.call('GET', 'sobjects')).json.sobjects.some((one) => one.name === 'Contact'));
  assert.equal((await org.call('GET', 'sobjects/Account')).json.objectDescribe.name, 'Account');
});

test('record types: unknown one is refused by label', async () => {
  const { json } = await org.control('POST', 'records', { RecordType: [{ Name: 'Renewal', DeveloperName: 'Renewal', SobjectType: 'Account' }] });
  const [recordType] = json.ids.RecordType;
  assert.equal((await org.call('POST', 'sobjects/Account', { Name: 'x', RecordTypeId: recordType })).status, 201);
  const other = `012xx0000000000${suffixOf('012xx0000000000')}`;
  isError(await org.call('POST', 'sobjects/Account', { Name: 'x', RecordTypeId: other }), 400, 'INVALID_CROSS_REFERENCE_KEY', `Record Type ID: this ID value isn't valid for the user: ${other}`, ['RecordTypeId']);
});

test('preconditions: If-Unmodified-Since', async () => {
  const id = await org.create('Account', { Name: 'x' });
  assert.equal((await org.call('PATCH', `sobjects/Account/${id}`, { Name: 'y' }, { 'If-Unmodified-Since': 'Thu, 01 Jan 2015 00:00:00 GMT' })).status, 412);
  assert.equal((await org.call('PATCH', `sobjects/Account/${id}`, { Name: 'y' }, { 'If-Unmodified-Since': 'Thu, 01 Jan 2099 00:00:00 GMT' })).status, 204);
});

test('org rules: validation, duplicates (alert and block), currencies, storage', async () => {
  await org.control('POST', 'settings', { validation_rules: [{ object: 'Account', field: 'Phone', is_null: true, message: 'Phone is needed', on_field: true }] });
  isError(await org.call('POST', 'sobjects/Account', { Name: 'x' }), 400, 'FIELD_CUSTOM_VALIDATION_EXCEPTION', 'Phone is needed', ['Phone']);
  await org.control('POST', 'settings', { validation_rules: [], duplicate_rules: [{ object: 'Account', fields: ['Name'], action: 'alert' }] });
  const first = await org.create('Account', { Name: 'Twin' });
  const twin = await org.call('POST', 'sobjects/Account', { Name: 'twin' });
  isError(twin, 400, 'DUPLICATES_DETECTED', 'Use one of these records?', []);
  assert.equal(error(twin).duplicateResult.matchResults[0].matchRecords[0].record.Id, first);
  const allow = { 'Sforce-Duplicate-Rule-Header': 'allowSave=true; includeRecordDetails=false; runAsCurrentUser=true' };
  assert.equal((await org.call('POST', 'sobjects/Account', { Name: 'twin' }, allow)).status, 201);
  await org.control('POST', 'settings', { duplicate_rules: [{ object: 'Account', fields: ['Name'], action: 'block' }] });
  isError(await org.call('POST', 'sobjects/Account', { Name: 'twin' }, allow), 400, 'DUPLICATES_DETECTED');
  await org.control('POST', 'settings', { duplicate_rules: [] });
  isError(await org.call('POST', 'sobjects/Account', { Name: 'x', CurrencyIsoCode: 'EUR' }), 400, 'INVALID_FIELD');
  await org.control('POST', 'settings', { currencies: ['EUR', 'USD'] });
  assert.equal((await org.call('POST', 'sobjects/Account', { Name: 'x', CurrencyIsoCode: 'USD' })).status, 201);
  isError(await org.call('POST', 'sobjects/Account', { Name: 'x', CurrencyIsoCode: 'XXX' }), 400, 'INVALID_CURRENCY_ISO');
  await org.control('POST', 'settings', { storage_limit_records: 1 });
  isError(await org.call('POST', 'sobjects/Account', { Name: 'x' }), 400, 'STORAGE_LIMIT_EXCEEDED');
});
