// What becomes of things made by the Metadata API: field-level security, record
// types, deletion with records in place, and what the org tells about itself.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { error, request, SCHEMA, TestOrg } from './salesforce/testing.mjs';
import {
  assign, event, field, grant, key, lookup, object, permissions, remove, rights, text, upsert,
} from './salesforce/testing-metadata.mjs';

let org;
before(async () => { org = await TestOrg.start(); });
after(() => org.stop());
beforeEach(async () => {
  await org.control('POST', 'reset', { settings: true, schema: true });
  await org.control('POST', 'schema', { objects: SCHEMA });
  await org.login();
});

async function made(type, ...components) {
  const answer = await upsert(org, type, components);
  for (const result of answer.results) assert.equal(result.success, true, JSON.stringify(result));
}

async function granted(definition) {
  await made('PermissionSet', permissions('Sync', definition));
  assert.equal((await assign(org, 'Sync')).status, 201);
}

async function fieldNames(name) {
  const answer = await org.call('GET', `sobjects/${name}/describe`);
  return answer.status === 200 ? answer.json.fields.map((one) => one.name) : answer.status;
}

const describedField = async (name, fieldName) =>
  (await org.call('GET', `sobjects/${name}/describe`)).json.fields.find((one) => one.name === fieldName);

function isError(answer, status, code, message) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(error(answer).errorCode, code, answer.text);
  if (message) (message instanceof RegExp ? assert.match : assert.equal)(error(answer).message, message);
}

const create = (name, body) => org.call('POST', `sobjects/${name}`, body);

// -- Fields --

test('a field is invisible until its permission set is assigned', async () => {
  await made('CustomField', text('Account.Fresh__c'));
  const look = async () => {
    assert.ok(!(await fieldNames('Account')).includes('Fresh__c'));
    isError(await create('Account', { Name: 'a', Fresh__c: 'x' }), 400, 'INVALID_FIELD', "No such column 'Fresh__c' on sobject of type Account");
    isError(await org.query('SELECT Fresh__c FROM Account'), 400, 'INVALID_FIELD', /No such column 'Fresh__c' on entity 'Account'/);
    isError(await org.query("SELECT Id FROM Account WHERE Fresh__c = 'x'"), 400, 'INVALID_FIELD');
    const { json: [row] } = await org.call('POST', 'composite/sobjects', { records: [{ attributes: { type: 'Account' }, Name: 'a', Fresh__c: 'x' }] });
    assert.equal(row.errors[0].statusCode, 'INVALID_FIELD');
  };
  await look();
  await made('PermissionSet', permissions('Sync', { fields: ['Account.Fresh__c'] }));
  await look();
  assert.equal((await assign(org, 'Sync')).status, 201);
  assert.ok((await fieldNames('Account')).includes('Fresh__c'));
  const id = await org.create('Account', { Name: 'a', Fresh__c: 'x' });
  assert.equal((await org.query("SELECT Id FROM Account WHERE Fresh__c = 'x'")).json.records[0].Id, id);
});

test('a field that the org already had stays visible, also when it is upserted again', async () => {
  assert.ok((await fieldNames('Account')).includes('Billhook_Id__c'));
  await made('CustomField', key('Account.Billhook_Id__c', { label: 'Billhook Id' }));
  assert.ok((await fieldNames('Account')).includes('Billhook_Id__c'));
});

test('an assignment is made once; without the right to assign, not at all', async () => {
  await made('PermissionSet', permissions('Sync', {}));
  await org.control('POST', 'settings', { assign_permission_sets: false });
  isError(await assign(org, 'Sync'), 403, 'INSUFFICIENT_ACCESS_OR_READONLY');
  await org.control('POST', 'settings', { assign_permission_sets: true });
  assert.equal((await assign(org, 'Sync')).status, 201);
  const again = await assign(org, 'Sync');
  const { rows: [row] } = { rows: (await org.query('SELECT Id, AssigneeId, PermissionSetId, PermissionSet.Name FROM PermissionSetAssignment')).json.records };
  isError(again, 400, 'DUPLICATE_VALUE', `Duplicate PermissionSetAssignment.  Assignee: ${row.AssigneeId}; Permission Set: ${row.PermissionSetId}`);
  assert.deepEqual(error(again).fields, ['AssigneeId', 'PermissionSetId']);
  assert.match(row.Id, /^0Pa/);
  assert.match(row.PermissionSetId, /^0PS/);
  assert.equal(row.PermissionSet.Name, 'Sync');
});

test('an assignment that goes takes the fields with it; a set in use is not deleted', async () => {
  await made('CustomField', text('Account.Fresh__c'));
  await granted({ fields: ['Account.Fresh__c'] });
  const [{ code }] = (await remove(org, 'PermissionSet', ['Sync'])).results;
  assert.equal(code, 'DELETE_FAILED');
  const { json: { records: [row] } } = await org.query('SELECT Id FROM PermissionSetAssignment');
  assert.equal((await org.call('DELETE', `sobjects/PermissionSetAssignment/${row.Id}`)).status, 204);
  assert.ok(!(await fieldNames('Account')).includes('Fresh__c'));
  assert.equal((await remove(org, 'PermissionSet', ['Sync'])).results[0].success, true);
  assert.equal((await org.query('SELECT Id FROM PermissionSet')).json.totalSize, 0);
});

test('another user\'s assignment shows nothing to this one', async () => {
  await made('CustomField', text('Account.Fresh__c'));
  await made('PermissionSet', permissions('Sync', { fields: ['Account.Fresh__c'] }));
  const { json: { ids } } = await org.control('POST', 'records', { User: [{ Username: 'other@example.com', LastName: 'Other', Email: 'other@example.com' }] });
  const set = (await org.query('SELECT Id FROM PermissionSet')).json.records[0].Id;
  assert.equal((await create('PermissionSetAssignment', { AssigneeId: ids.User[0], PermissionSetId: set })).status, 201);
  assert.ok(!(await fieldNames('Account')).includes('Fresh__c'));
});

test('a field that may only be read is told so and not written', async () => {
  await made('CustomField', text('Account.Fresh__c'));
  await granted({ fields: [grant('Account.Fresh__c', false)] });
  const { createable, updateable } = await describedField('Account', 'Fresh__c');
  assert.deepEqual([createable, updateable], [false, false]);
  const answer = await create('Account', { Name: 'a', Fresh__c: 'x' });
  isError(answer, 400, 'INVALID_FIELD_FOR_INSERT_UPDATE', /^Unable to create\/update fields: Fresh__c\. Please check/);
  assert.deepEqual(error(answer).fields, ['Fresh__c']);
});

test('an upsert of the set without a field hides the field again', async () => {
  await made('CustomField', text('Account.A__c'), text('Account.B__c'));
  await granted({ fields: ['Account.A__c', 'Account.B__c'] });
  await made('PermissionSet', permissions('Sync', { fields: ['Account.B__c'] }));
  const names = await fieldNames('Account');
  assert.deepEqual([names.includes('A__c'), names.includes('B__c')], [false, true]);
});

test('a required field needs no grant', async () => {
  await made('CustomObject', object('Invoice__c'));
  await made('CustomField', text('Invoice__c.Must__c', { required: true }), text('Invoice__c.May__c'));
  await granted({ objects: ['Invoice__c'] });
  const names = await fieldNames('Invoice__c');
  assert.deepEqual([names.includes('Must__c'), names.includes('May__c')], [true, false]);
  isError(await create('Invoice__c', { Name: 'a' }), 400, 'REQUIRED_FIELD_MISSING', 'Required fields are missing: [Must__c]');
});

test('a field of Activity is one of Task, and its grant names Task', async () => {
  await made('CustomField', key('Activity.Key__c', { inlineHelpText: 'The key' }));
  assert.ok(!(await fieldNames('Task')).includes('Key__c'));
  await granted({ fields: ['Event.Key__c', 'Task.Key__c'] });
  const { externalId, inlineHelpText } = await describedField('Task', 'Key__c');
  assert.deepEqual([externalId, inlineHelpText], [true, 'The key']);
  assert.equal(await fieldNames('Activity'), 404);
  assert.equal((await create('Task', { Subject: 'Call', Key__c: 'k' })).status, 201);
  await remove(org, 'CustomField', ['Activity.Key__c']);
  assert.deepEqual((await org.control('GET', 'metadata')).json.permissionSets[0].definition.fieldPermissions, []);
});

// -- Objects and events --

test('an object without rights is not there', async () => {
  await made('CustomObject', object('Invoice__c'));
  assert.equal(await fieldNames('Invoice__c'), 404);
  isError(await create('Invoice__c', { Name: 'a' }), 404, 'NOT_FOUND');
  isError(await org.query('SELECT Id FROM Invoice__c'), 400, 'INVALID_TYPE');
  const names = (await org.call('GET', 'sobjects')).json.sobjects.map(({ name }) => name);
  assert.ok(!names.includes('Invoice__c'));
});

test('rights to an object decide what may be done, and describe tells them', async () => {
  await made('CustomObject', object('Invoice__c'));
  await made('CustomField', key('Invoice__c.Key__c'));
  await granted({ fields: ['Invoice__c.Key__c'], objects: [rights('Invoice__c', 'ru')] });
  const { json: { createable, updateable, deletable } } = await org.call('GET', 'sobjects/Invoice__c/describe');
  assert.deepEqual([createable, updateable, deletable], [false, true, false]);
  isError(await create('Invoice__c', { Name: 'a' }), 403, 'INSUFFICIENT_ACCESS_OR_READONLY', 'insufficient access rights on object id');
  const { json: { ids } } = await org.control('POST', 'records', { Invoice__c: [{ Name: 'a', Key__c: 'k' }] });
  const { json: rows } = await org.upsertRows('Invoice__c', 'Key__c', [{ Key__c: 'k', Name: 'b' }, { Key__c: 'l', Name: 'c' }]);
  assert.deepEqual(rows.map((row) => row.errors[0]?.statusCode), [undefined, 'INSUFFICIENT_ACCESS_OR_READONLY']);
  isError(await org.call('DELETE', `sobjects/Invoice__c/${ids.Invoice__c[0]}`), 403, 'INSUFFICIENT_ACCESS_OR_READONLY');
});

test('sets add up', async () => {
  await made('CustomObject', object('Invoice__c'));
  await granted({ objects: [rights('Invoice__c', 'r')] });
  await made('PermissionSet', permissions('More', { objects: [rights('Invoice__c', 'cr')] }));
  isError(await create('Invoice__c', { Name: 'a' }), 403, 'INSUFFICIENT_ACCESS_OR_READONLY');
  await assign(org, 'More');
  assert.equal((await create('Invoice__c', { Name: 'a' })).status, 201);
});

test('lookups of a new object can be followed once all is granted', async () => {
  await made('CustomObject', object('Invoice__c'));
  await made('CustomField', key('Invoice__c.Key__c'), lookup('Invoice__c.Account__c', 'Account', 'Invoices'));
  await granted({ fields: ['Invoice__c.Key__c', 'Invoice__c.Account__c'], objects: ['Invoice__c'] });
  await org.create('Account', { Name: 'Acme', Billhook_Id__c: 'acc' });
  const { json: [row] } = await org.upsertRows('Invoice__c', 'Key__c', [{ Key__c: 'in', Name: 'I', Account__r: { Billhook_Id__c: 'acc' } }]);
  assert.equal(row.success, true, JSON.stringify(row));
  const { json } = await org.query('SELECT Account__r.Name FROM Invoice__c');
  assert.equal(json.records[0].Account__r.Name, 'Acme');
  const { json: up } = await org.query('SELECT Id, (SELECT Key__c FROM Invoices__r) FROM Account');
  assert.equal(up.records[0].Invoices__r.records[0].Key__c, 'in');
});

test('tasks can be about an object only while it has activities', async () => {
  await made('CustomObject', object('Invoice__c', { enableActivities: false }));
  await granted({ objects: ['Invoice__c'] });
  const WhatId = await org.create('Invoice__c', { Name: 'a' });
  isError(await create('Task', { Subject: 'Call', WhatId }), 400, 'MALFORMED_ID');
  await made('CustomObject', object('Invoice__c'));
  assert.equal((await create('Task', { Subject: 'Call', WhatId })).status, 201);
});

test('an event is published by who may create it', async () => {
  await made('CustomObject', event('Signal__e', [text('Source__c', { externalId: false, required: true, unique: false })]));
  isError(await create('Signal__e', { Source__c: 'x' }), 404, 'NOT_FOUND');
  await granted({ objects: [rights('Signal__e', 'r')] });
  isError(await create('Signal__e', { Source__c: 'x' }), 403, 'INSUFFICIENT_ACCESS_OR_READONLY');
  await made('PermissionSet', permissions('Sync', { objects: [rights('Signal__e', 'cr')] }));
  const answer = await create('Signal__e', { Source__c: 'x' });
  assert.equal(answer.status, 201, answer.text);
  isError(await create('Signal__e', {}), 400, 'REQUIRED_FIELD_MISSING');
});

// -- Record types --

test('a record type is listed, and the user\'s only by the permission set', async () => {
  assert.ok(!(await fieldNames('Opportunity')).includes('RecordTypeId'));
  await made('BusinessProcess', { fullName: 'Opportunity.Renewal', isActive: true, values: [{ fullName: 'Prospecting', default: true }] });
  await made('RecordType', { fullName: 'Opportunity.Renewal', active: true, businessProcess: 'Renewal', label: 'Renewal' });
  await made('PermissionSet', permissions('Sync', { recordTypes: ['Opportunity.Renewal'] }));
  const { json: { records: [{ Id: id }] } } = await org.query("SELECT Id FROM RecordType WHERE SobjectType = 'Opportunity' AND DeveloperName = 'Renewal'");
  const info = async () => (await org.call('GET', 'sobjects/Opportunity/describe')).json.recordTypeInfos.find((one) => one.developerName === 'Renewal');
  assert.deepEqual((({ recordTypeId, active, available }) => [recordTypeId, active, available])(await info()), [id, true, false]);
  const deal = (more) => create('Opportunity', { Name: 'a', StageName: 'Prospecting', CloseDate: '2026-12-01', ...more });
  const refused = await deal({ RecordTypeId: id });
  isError(refused, 400, 'INVALID_CROSS_REFERENCE_KEY', `Record Type ID: this ID value isn't valid for the user: ${id}`);
  assert.deepEqual(error(refused).fields, ['RecordTypeId']);
  await assign(org, 'Sync');
  assert.equal((await info()).available, true);
  assert.equal((await deal({ RecordTypeId: id })).status, 201);
  isError(await create('Account', { Name: 'a', RecordTypeId: id }), 400, 'INVALID_FIELD');
  await made('RecordType', { fullName: 'Account.Payer', active: true, label: 'Payer' });
  isError(await create('Account', { Name: 'a', RecordTypeId: id }), 400, 'INVALID_CROSS_REFERENCE_KEY');
  await made('RecordType', { fullName: 'Opportunity.Renewal', active: false, businessProcess: 'Renewal', label: 'Renewal' });
  isError(await deal({ RecordTypeId: id }), 400, 'INVALID_CROSS_REFERENCE_KEY');
});

test('record types and processes of the schema option are everybody\'s', async () => {
  await org.control('POST', 'schema', { objects: [{ name: 'Opportunity', recordTypes: [{ name: 'Recovery', label: 'Recovery', process: 'Recovery', stages: ['Negotiation/Review'] }] }] });
  const { json: { records } } = await org.query("SELECT Id, Name FROM RecordType WHERE DeveloperName = 'Recovery'");
  assert.equal((await create('Opportunity', { Name: 'a', StageName: 'Negotiation/Review', CloseDate: '2026-12-01', RecordTypeId: records[0].Id })).status, 201);
  const { businessProcesses } = (await org.control('GET', 'metadata')).json;
  assert.deepEqual(businessProcesses.map(({ fullName, values }) => [fullName, values[0].fullName]), [['Opportunity.Recovery', 'Negotiation%2FReview']]);
});

// -- Deletion --

test('a field goes with its values, and comes back empty', async () => {
  await made('CustomField', key('Account.Key__c'));
  await granted({ fields: ['Account.Key__c'] });
  const id = await org.create('Account', { Name: 'a', Key__c: 'k' });
  assert.equal((await org.query('SELECT COUNT() FROM Account WHERE Key__c != null')).json.totalSize, 1);
  assert.equal((await remove(org, 'CustomField', ['Account.Key__c'])).results[0].success, true);
  isError(await org.query('SELECT COUNT() FROM Account WHERE Key__c != null'), 400, 'INVALID_FIELD');
  await made('CustomField', key('Account.Key__c'));
  await made('PermissionSet', permissions('Sync', { fields: ['Account.Key__c'] }));
  assert.equal((await org.query('SELECT COUNT() FROM Account WHERE Key__c != null')).json.totalSize, 0);
  assert.equal((await org.query(`SELECT Key__c FROM Account WHERE Id = '${id}'`)).json.records[0].Key__c, null);
  const { json: [row] } = await org.upsertRows('Account', 'Key__c', [{ Key__c: 'k', Name: 'b' }]);
  assert.equal(row.created, true);
});

test('an object goes with its records, and comes back empty under another prefix', async () => {
  await made('CustomObject', object('Invoice__c'));
  await granted({ objects: ['Invoice__c'] });
  const id = await org.create('Invoice__c', { Name: 'a' });
  await create('Task', { Subject: 'Call', WhatId: id });
  assert.equal((await remove(org, 'CustomObject', ['Invoice__c'])).results[0].success, true);
  assert.equal(await fieldNames('Invoice__c'), 404);
  isError(await create('Task', { Subject: 'Call', WhatId: id }), 400, 'MALFORMED_ID');
  assert.ok(!(await describedField('Task', 'WhatId')).referenceTo.includes('Invoice__c'));
  await made('CustomObject', object('Invoice__c'));
  await made('PermissionSet', permissions('Sync', { objects: ['Invoice__c'] }));
  assert.equal((await org.query('SELECT COUNT() FROM Invoice__c')).json.totalSize, 0);
  assert.notEqual((await org.create('Invoice__c', { Name: 'b' })).slice(0, 3), id.slice(0, 3));
});

test('an object leaves the lists of its parents, and its relationship can be named again', async () => {
  const make = async () => {
    await made('CustomObject', object('Invoice__c'));
    await made('CustomField', lookup('Invoice__c.Account__c', 'Account', 'Invoices'));
  };
  await make();
  await remove(org, 'CustomObject', ['Invoice__c']);
  await make();
  await remove(org, 'CustomField', ['Invoice__c.Account__c']);
  await made('CustomField', lookup('Invoice__c.Account__c', 'Account', 'Invoices'));
});

test('a deletion that is taken back by allOrNone leaves the values', async () => {
  await made('CustomField', key('Account.Key__c'));
  await granted({ fields: ['Account.Key__c'] });
  await org.create('Account', { Name: 'a', Key__c: 'k' });
  const { results } = await remove(org, 'CustomField', ['Account.Key__c', 'Account.Missing__c'], { header: '<AllOrNoneHeader><allOrNone>true</allOrNone></AllOrNoneHeader>' });
  assert.deepEqual(results.map(({ code }) => code), ['ALL_OR_NONE_OPERATION_ROLLED_BACK', 'INVALID_CROSS_REFERENCE_KEY']);
  assert.equal((await org.query("SELECT COUNT() FROM Account WHERE Key__c = 'k'")).json.totalSize, 1);
});

test('a reset of the records keeps the set-up; one of the schema does not', async () => {
  await made('CustomField', text('Account.Fresh__c'));
  await granted({ fields: ['Account.Fresh__c'] });
  await org.control('POST', 'reset', {});
  assert.ok((await fieldNames('Account')).includes('Fresh__c'));
  assert.equal((await org.query('SELECT Id FROM PermissionSetAssignment')).json.totalSize, 1);
  await org.control('POST', 'reset', { schema: true });
  assert.ok(!(await fieldNames('Account')).includes('Fresh__c'));
  assert.deepEqual((await org.control('GET', 'metadata')).json.permissionSets, []);
  await made('CustomField', field('Account.Fresh__c', 'Checkbox', { defaultValue: 'true' }));
});

test('the control page tells what is made, granted and assigned', async () => {
  await made('CustomObject', object('Invoice__c'));
  await made('CustomField', text('Account.Fresh__c'));
  await granted({ fields: [grant('Account.Fresh__c', false)], objects: [rights('Invoice__c', 'cr')] });
  const state = (await org.control('GET', 'metadata')).json;
  assert.deepEqual(state.objects.Invoice__c.rights, { read: true, create: true, edit: false, remove: false });
  assert.equal(state.objects.Invoice__c.definition.sharingModel, 'ReadWrite');
  const { visible, editable, needsGrant } = state.fields['Account.Fresh__c'];
  assert.deepEqual([visible, editable, needsGrant], [true, false, true]);
  assert.deepEqual(state.permissionSets.map(({ definition }) => definition.fullName), ['Sync']);
  assert.equal(state.assignments[0].AssigneeId, org.sim.org.userId);
});

// -- The org about itself --

test('limits, organization, identity', async () => {
  const limits = (await org.call('GET', 'limits')).json;
  assert.equal(limits.DailyApiRequests.Max, 15000);
  for (const name of ['DailyBulkApiBatches', 'DataStorageMB', 'HourlyPublishedPlatformEvents', 'DailyDeliveredPlatformEvents']) {
    assert.ok(limits[name].Max >= limits[name].Remaining, name);
  }
  assert.equal(typeof limits.PermissionSets.CreateCustom.Remaining, 'number');
  await org.control('POST', 'settings', { is_sandbox: true, organization_type: 'Enterprise Edition', instance_name: 'EU9S' });
  const { json } = await org.query('SELECT Id, Name, IsSandbox, OrganizationType, InstanceName, TrialExpirationDate FROM Organization');
  const { attributes, ...row } = json.records[0];
  assert.equal(attributes.type, 'Organization');
  assert.deepEqual(row, { Id: org.sim.org.orgId, Name: 'Example Org', IsSandbox: true, OrganizationType: 'Enterprise Edition', InstanceName: 'EU9S', TrialExpirationDate: null });
  const headers = { Authorization: `Bearer ${org.access}` };
  const info = (await request(org.port, 'GET', '/services/oauth2/userinfo', { headers })).json;
  assert.equal(info.organization_id, org.sim.org.orgId);
  assert.equal((await request(org.port, 'GET', new URL(info.sub).pathname, { headers })).json.user_id, org.sim.org.userId);
});
