// Platform events, and custom fields of Activity.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { BASE, error, SCHEMA, TestOrg } from './salesforce/testing.mjs';

const EVENT = { name: 'Billhook_Recovery_Event__e', label: 'Recovery Event', event: true, fields: [
  { name: 'Source_Event_Id__c', label: 'Source Event Id', type: 'Text', length: 20, required: true },
  { name: 'Amount__c', label: 'Amount', type: 'Number', precision: 18, scale: 2 },
  { name: 'Occurred_At__c', label: 'Occurred At', type: 'DateTime' },
  { name: 'Final__c', label: 'Final', type: 'Checkbox' },
] };
const ACTIVITY = { name: 'Activity', fields: [{ name: 'Billhook_Id__c', label: 'Billhook Id', type: 'Text', length: 100 }] };
const NAME = EVENT.name;

let org;
before(async () => { org = await TestOrg.start({ schema: [...SCHEMA, EVENT, ACTIVITY] }); });
after(() => org.stop());
beforeEach(async () => {
  await org.control('POST', 'reset', { settings: true });
  await org.login();
});

const published = async () => (await org.control('GET', `events/${NAME}`)).json.events;
const publish = (fields) => org.call('POST', `sobjects/${NAME}`, fields);
const row = (type, fields) => ({ attributes: { type }, ...fields });

function isEnqueued({ id, success, errors }) {
  assert.match(id, /^e01\w{15}$/);
  assert.equal(success, true);
  assert.deepEqual([errors.length, errors[0].statusCode, errors[0].fields], [1, 'OPERATION_ENQUEUED', []]);
  assert.match(errors[0].message, /^[0-9a-f]{8}-[0-9a-f-]{27}$/);
}

test('one event: enqueued, kept for tests in order', async () => {
  const answer = await publish({ Source_Event_Id__c: 'evt_1', Amount__c: 1.005, Occurred_At__c: '2026-11-22T10:00:00Z' });
  assert.equal(answer.status, 201);
  isEnqueued(answer.json);
  await publish({ Source_Event_Id__c: 'evt_1' });
  const events = await published();
  assert.deepEqual(events.map(({ n, fields }) => [n, fields.Source_Event_Id__c]), [[1, 'evt_1'], [2, 'evt_1']], 'repeating publishes twice');
  assert.deepEqual([events[0].id, events[0].uuid, events[0].object], [answer.json.id, answer.json.errors[0].message, NAME]);
  assert.deepEqual(events[0].fields, { Source_Event_Id__c: 'evt_1', Amount__c: 1.01, Occurred_At__c: '2026-11-22T10:00:00.000+0000', Final__c: false });
  assert.equal((await org.control('GET', 'events')).json.events.length, 2);
  await org.control('DELETE', 'events');
  assert.deepEqual(await published(), []);
});

test('in collections, also beside records, and inside composite', async () => {
  const { json } = await org.call('POST', 'composite/sobjects', { records: [row(NAME, { Source_Event_Id__c: 'a' }), row('Account', { Name: 'x' }), row(NAME, {})] });
  isEnqueued(json[0]);
  assert.deepEqual([json[1].success, json[1].errors], [true, []]);
  assert.deepEqual([json[2].success, json[2].errors[0].statusCode], [false, 'REQUIRED_FIELD_MISSING']);
  const composite = await org.composite([
    { method: 'POST', url: `${BASE}/sobjects/${NAME}`, referenceId: 'one', body: { Source_Event_Id__c: 'b' } },
    { method: 'POST', url: `${BASE}/composite/sobjects`, referenceId: 'many', body: { records: [row(NAME, { Source_Event_Id__c: 'c' })] } }]);
  const [one, many] = composite.json.compositeResponse;
  assert.deepEqual([one.httpStatusCode, many.httpStatusCode], [201, 200]);
  isEnqueued(one.body);
  isEnqueued(many.body[0]);
  assert.deepEqual((await published()).map((event) => event.fields.Source_Event_Id__c), ['a', 'b', 'c']);
});

test('nothing takes a published event back', async () => {
  const all = await org.call('POST', 'composite/sobjects', { allOrNone: true, records: [row(NAME, { Source_Event_Id__c: 'a' }), row('Account', {}), row('Account', { Name: 'x' })] });
  isEnqueued(all.json[0]);
  assert.deepEqual(all.json.slice(1).map((one) => one.errors[0].statusCode), ['REQUIRED_FIELD_MISSING', 'ALL_OR_NONE_OPERATION_ROLLED_BACK']);
  assert.equal((await published()).length, 1);
});

test('required fields, lengths, types, unknown fields', async () => {
  for (const [fields, code] of [[{}, 'REQUIRED_FIELD_MISSING'], [{ Source_Event_Id__c: 'x'.repeat(21) }, 'STRING_TOO_LONG'],
    [{ Source_Event_Id__c: 'x', Amount__c: 'much' }, 'JSON_PARSER_ERROR'], [{ Source_Event_Id__c: 'x', Nope__c: 1 }, 'INVALID_FIELD'],
    [{ Source_Event_Id__c: 'x', EventUuid: '1' }, 'INVALID_FIELD_FOR_INSERT_UPDATE'], [{ Id: 'x', Source_Event_Id__c: 'x' }, 'INVALID_FIELD_FOR_INSERT_UPDATE']]) {
    const answer = await publish(fields);
    assert.deepEqual([answer.status, error(answer).errorCode], [400, code]);
  }
  assert.deepEqual(await published(), []);
});

test('no query, no read, no update, no upsert, no delete, no Bulk', async () => {
  const { id } = (await publish({ Source_Event_Id__c: 'x' })).json;
  assert.equal(error(await org.query(`SELECT Source_Event_Id__c FROM ${NAME}`)).errorCode, 'INVALID_TYPE_FOR_OPERATION');
  for (const method of ['GET', 'PATCH', 'DELETE']) {
    assert.equal((await org.call(method, `sobjects/${NAME}/${id}`, method === 'PATCH' ? { Amount__c: 1 } : undefined)).status, 404);
  }
  assert.equal((await org.call('PATCH', `sobjects/${NAME}/Source_Event_Id__c/x`, { Amount__c: 1 })).status, 404);
  assert.equal((await org.upsertRows(NAME, 'Source_Event_Id__c', [{ Source_Event_Id__c: 'x' }])).status, 404);
  assert.equal((await org.upsertRows(NAME, 'Id', [{ Id: id }])).status, 404);
  const update = await org.call('PATCH', 'composite/sobjects', { records: [row(NAME, { Id: id, Amount__c: 1 })] });
  assert.equal(update.json[0].success, false);
  assert.equal((await org.call('DELETE', `composite/sobjects?ids=${id}`)).json[0].success, false);
  const bulk = await org.call('POST', 'jobs/ingest', { object: NAME, operation: 'insert' });
  assert.equal(error(bulk).errorCode, 'INVALIDENTITY');
  assert.equal((await org.control('POST', 'records', { [NAME]: [{ Source_Event_Id__c: 'x' }] })).status, 400);
  assert.equal((await published()).length, 1);
});

test('hourly limit, faults, hidden objects', async () => {
  await org.control('POST', 'settings', { hourly_event_limit: 1 });
  await publish({ Source_Event_Id__c: 'a' });
  const over = await publish({ Source_Event_Id__c: 'b' });
  assert.deepEqual([over.status, error(over).errorCode], [400, 'LIMIT_EXCEEDED']);
  assert.deepEqual((await org.call('GET', 'limits')).json.HourlyPublishedPlatformEvents, { Max: 1, Remaining: 0 });
  await org.control('POST', 'settings', { hourly_event_limit: 10 });
  await org.control('POST', 'faults', { faults: [{ match: { object: NAME }, do: { record_error: { statusCode: 'PLATFORM_EVENT_PUBLISH_FAILED' } } }] });
  const { json } = await org.call('POST', 'composite/sobjects', { records: [row(NAME, { Source_Event_Id__c: 'c' }), row(NAME, { Source_Event_Id__c: 'd' })] });
  assert.equal(json[0].errors[0].statusCode, 'PLATFORM_EVENT_PUBLISH_FAILED');
  isEnqueued(json[1]);
  await org.control('POST', 'settings', { hidden_objects: [NAME] });
  assert.equal((await publish({ Source_Event_Id__c: 'e' })).status, 404);
});

test('describe and definition', async () => {
  const { json } = await org.call('GET', `sobjects/${NAME}/describe`);
  assert.deepEqual([json.createable, json.queryable, json.updateable, json.deletable, json.keyPrefix], [true, false, false, false, 'e01']);
  const names = json.fields.map((field) => field.name);
  assert.ok(names.includes('EventUuid') && names.includes('Source_Event_Id__c') && !names.includes('Id') && !names.includes('OwnerId'));
  const refused = async (object) => assert.equal((await org.control('POST', 'schema', { objects: [object] })).status, 400);
  await refused({ name: 'Other__e', fields: [] });
  await refused({ name: 'Other__c', event: true, fields: [] });
  await refused({ name: NAME, event: true, fields: [{ name: 'U__c', type: 'Url' }] });
  await refused({ name: NAME, event: true, fields: [{ name: 'K__c', type: 'Text', length: 10, externalId: true }] });
  await refused({ name: NAME, event: true, fields: [{ name: 'K__c', type: 'Text', length: 10, unique: true }] });
});

test('custom fields of Activity stand on Task, and are no key unless they say so', async () => {
  assert.equal((await org.call('GET', 'sobjects/Activity/describe')).status, 404);
  const fields = (await org.call('GET', 'sobjects/Task/describe')).json.fields.map((field) => field.name);
  assert.ok(fields.includes('Billhook_Id__c'));
  const id = await org.create('Task', { Subject: 'Call', Billhook_Id__c: 'tsk_1' });
  assert.equal((await org.query("SELECT Id FROM Task WHERE Billhook_Id__c = 'tsk_1'")).json.records[0].Id, id);
  const single = await org.call('PATCH', 'sobjects/Task/Billhook_Id__c/tsk_1', { Subject: 'x' });
  const rows = await org.upsertRows('Task', 'Billhook_Id__c', [{ Billhook_Id__c: 'tsk_1' }]);
  for (const answer of [single, rows]) {
    assert.deepEqual([answer.status, error(answer).errorCode, error(answer).message], [404, 'NOT_FOUND', 'Provided external ID field does not exist or is not accessible: Billhook_Id__c']);
  }
});

test('Task: links by id and by polymorphic key, owner, several tasks of one account', async () => {
  const account = await org.create('Account', { Name: 'A', Billhook_Id__c: 'cus_1' });
  const contact = await org.create('Contact', { LastName: 'C', Billhook_Id__c: 'per_1' });
  const user = (await org.query('SELECT Id FROM User')).json.records[0].Id;
  const byId = await org.create('Task', { Subject: 'a', WhatId: account, WhoId: contact, OwnerId: user });
  const byKey = await org.create('Task', { Subject: 'b',
    What: { attributes: { type: 'Account' }, Billhook_Id__c: 'cus_1' }, Who: { attributes: { type: 'Contact' }, Billhook_Id__c: 'per_1' } });
  const { json } = await org.query(`SELECT Id, WhatId, WhoId, OwnerId, AccountId FROM Task WHERE WhatId = '${account}'`);
  assert.deepEqual(json.records.map((task) => task.Id).sort(), [byId, byKey].sort());
  for (const task of json.records) assert.deepEqual([task.WhoId, task.OwnerId, task.AccountId], [contact, user, account]);
  const wrong = async (fields, code) => assert.equal(error(await org.call('POST', 'sobjects/Task', { Subject: 'x', ...fields })).errorCode, code);
  await wrong({ What: { Billhook_Id__c: 'cus_1' } }, 'JSON_PARSER_ERROR');
  await wrong({ What: { attributes: { type: 'Account' }, Billhook_Id__c: 'nobody' } }, 'INVALID_FIELD');
  await wrong({ WhatId: contact }, 'MALFORMED_ID');
  await wrong({ OwnerId: account }, 'MALFORMED_ID');
});
