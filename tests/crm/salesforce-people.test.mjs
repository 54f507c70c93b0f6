// What people do to records meanwhile, what the org's own rules do to writes,
// and looking into the store.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { BASE, error, TestOrg } from './salesforce/testing.mjs';

let org;
before(async () => { org = await TestOrg.start(); });
after(() => org.stop());
beforeEach(async () => {
  await org.control('POST', 'reset', { settings: true });
  await org.login();
});

const KEY = 'Billhook_Id__c';
const settings = (values) => org.control('POST', 'settings', values);
const row = (type, fields) => ({ attributes: { type }, ...fields });
const queryAll = async (soql) => (await org.call('GET', `queryAll?q=${encodeURIComponent(soql)}`)).json.records;
const codes = (rows) => rows.map((one) => (one.success ? 'ok' : one.errors[0].statusCode));
const isRefused = async (answer, status, code) => {
  const { status: got, json } = await answer;
  assert.deepEqual([got, json[0].errorCode], [status, code]);
};

test('merge: children and tasks move, the loser names the winner, its key is free', async () => {
  const [winner, loser] = [await org.create('Account', { Name: 'Winner', [KEY]: 'cus_w' }), await org.create('Account', { Name: 'Loser', [KEY]: 'cus_l' })];
  const contact = await org.create('Contact', { LastName: 'C', AccountId: loser });
  const sub = await org.create('Billhook_Subscription__c', { Name: 'S', Account__c: loser });
  const task = await org.create('Task', { Subject: 'T', WhatId: loser });
  assert.equal((await org.control('POST', 'merge', { object: 'Account', winner, loser })).json.merged, 1);
  const field = async (object, id, name) => (await org.call('GET', `sobjects/${object}/${id}?fields=${name}`)).json[name];
  assert.equal(await field('Contact', contact, 'AccountId'), winner);
  assert.equal(await field('Billhook_Subscription__c', sub, 'Account__c'), winner);
  assert.deepEqual([await field('Task', task, 'WhatId'), await field('Task', task, 'AccountId')], [winner, winner]);
  const [gone] = await queryAll(`SELECT Id, IsDeleted, MasterRecordId, ${KEY} FROM Account WHERE Id = '${loser}'`);
  assert.deepEqual([gone.IsDeleted, gone.MasterRecordId, gone[KEY]], [true, winner, 'cus_l']);
  assert.deepEqual((await queryAll(`SELECT Id FROM Account WHERE MasterRecordId = '${winner}'`)).map((one) => one.Id), [loser]);
  await isRefused(org.call('PATCH', `sobjects/Account/${loser}`, { Name: 'x' }), 404, 'ENTITY_IS_DELETED');
  assert.deepEqual(codes((await org.call('PATCH', 'composite/sobjects', { records: [row('Account', { id: loser, Name: 'x' })] })).json), ['ENTITY_IS_DELETED']);
  const again = (await org.upsertRows('Account', KEY, [{ [KEY]: 'cus_l', Name: 'Twin' }])).json[0];
  assert.equal(again.created, true);
  assert.notEqual(again.id, loser);
});

test('merge: contacts too, and what is refused', async () => {
  const [winner, loser] = [await org.create('Contact', { LastName: 'W' }), await org.create('Contact', { LastName: 'L', [KEY]: 'per_l' })];
  const task = await org.create('Task', { Subject: 'T', WhoId: loser });
  const merge = (body) => org.control('POST', 'merge', { object: 'Contact', winner, ...body });
  assert.equal((await merge({ loser: winner })).status, 400);
  assert.equal((await merge({ losers: [loser, '003xx0000000001AAA'] })).status, 400);
  assert.equal((await merge({ object: 'Opportunity', loser })).status, 400);
  assert.equal((await org.call('GET', `sobjects/Contact/${loser}`)).status, 200, 'all or nothing');
  assert.equal((await merge({ loser })).status, 200);
  assert.equal((await org.call('GET', `sobjects/Task/${task}`)).json.WhoId, winner);
});

test('delete, undelete with children, purge', async () => {
  const account = await org.create('Account', { Name: 'A', [KEY]: 'cus_1' });
  const [early, late] = [await org.create('Contact', { LastName: 'Early', AccountId: account }), await org.create('Contact', { LastName: 'Late', AccountId: account })];
  await org.control('DELETE', 'records', { ids: [early] });
  await org.control('DELETE', 'records', { ids: [account] });
  await isRefused(org.call('GET', `sobjects/Contact/${late}`), 404, 'ENTITY_IS_DELETED');
  await isRefused(org.call('GET', `sobjects/Account/${KEY}/cus_1`), 404, 'NOT_FOUND');
  const time = (shift) => encodeURIComponent(new Date(Date.now() + shift).toISOString());
  const deleted = async () => (await org.call('GET', `sobjects/Account/deleted/?start=${time(-3600e3)}&end=${time(60e3)}`)).json.deletedRecords.map((one) => one.id);
  assert.deepEqual(await deleted(), [account]);
  await org.control('POST', 'undelete', { ids: [account] });
  assert.deepEqual(await deleted(), []);
  assert.equal((await org.call('GET', `sobjects/Account/${KEY}/cus_1`)).json.Id, account);
  assert.equal((await org.call('GET', `sobjects/Contact/${late}`)).status, 200);
  await isRefused(org.call('GET', `sobjects/Contact/${early}`), 404, 'ENTITY_IS_DELETED');
  await org.control('DELETE', 'records', { ids: [account] });
  await org.upsertRows('Account', KEY, [{ [KEY]: 'cus_1', Name: 'B' }]);
  assert.equal((await org.control('POST', 'undelete', { ids: [account] })).json.code, 'DUPLICATE_VALUE');
  await org.control('POST', 'purge', { ids: [account] });
  await isRefused(org.call('PATCH', `sobjects/Account/${account}`, { Name: 'x' }), 404, 'NOT_FOUND');
  assert.deepEqual(codes((await org.call('PATCH', 'composite/sobjects', { records: [row('Account', { id: account, Name: 'x' })] })).json), ['INVALID_CROSS_REFERENCE_KEY']);
  assert.equal((await org.control('POST', 'undelete', { ids: [account] })).status, 400);
});

test('control reads: counts, rows by a value, chosen fields', async () => {
  await org.upsertRows('Account', KEY, [1, 2, 3].map((n) => ({ [KEY]: `cus_${n}`, Name: n < 3 ? 'same' : 'other' })));
  const [id] = (await org.control('GET', `find/Account?by=${KEY}&value=cus_3&fields=Id`)).json.found[0].map((one) => one.Id);
  await org.control('DELETE', 'records', { ids: [id] });
  assert.deepEqual((await org.control('GET', 'count')).json.Account, { live: 2, deleted: 1 });
  const { found } = (await org.control('POST', 'find', { object: 'Account', by: KEY, values: ['cus_2', 'cus_3', 'cus_1'], fields: [KEY, 'Name'] })).json;
  assert.deepEqual(found, [[{ [KEY]: 'cus_2', Name: 'same' }], [], [{ [KEY]: 'cus_1', Name: 'same' }]]);
  assert.equal((await org.control('GET', 'find/Account?by=Name&value=same')).json.found[0].length, 2);
  assert.deepEqual((await org.control('GET', `state/Account?fields=${KEY}`)).json, [{ [KEY]: 'cus_1' }, { [KEY]: 'cus_2' }]);
  assert.equal((await org.control('GET', 'state/Account?count=1&deleted=1')).json, 3);
  assert.equal((await org.control('GET', 'find/Account?by=Nope__c&value=1')).status, 400);
});

test('collections inside composite count towards the five, reads and deletes too', async () => {
  const ids = (await org.upsertRows('Account', KEY, [1, 2].map((n) => ({ [KEY]: `cus_${n}`, Name: 'x' })))).json.map((one) => one.id);
  const read = (referenceId) => ({ method: 'POST', url: `${BASE}/composite/sobjects/Account`, referenceId, body: { ids: [ids[1], '001xx0000000001AAA', ids[0]], fields: ['Id'] } });
  const insert = { method: 'POST', url: `${BASE}/composite/sobjects`, referenceId: 'insert', body: { records: [row('Account', { Name: 'n' }), row('Contact', { LastName: 'n' })] } };
  const remove = { method: 'DELETE', url: `${BASE}/composite/sobjects?ids=${ids[0]}`, referenceId: 'remove' };
  const query = { method: 'GET', url: `${BASE}/query?q=SELECT+Id+FROM+Account`, referenceId: 'query' };
  const done = (await org.composite([read('r1'), insert, remove, query, read('r2')])).json.compositeResponse;
  assert.deepEqual(done.map((one) => one.httpStatusCode), [200, 200, 200, 200, 200]);
  assert.deepEqual(done[0].body.map((one) => one && one.Id), [ids[1], null, ids[0]]);
  assert.deepEqual(done[4].body.map((one) => one && one.Id), [ids[1], null, null]);
  assert.deepEqual([codes(done[1].body), codes(done[2].body), done[3].body.totalSize], [['ok', 'ok'], ['ok'], 2]);
  const over = (await org.composite([read('r1'), insert, remove, query, read('r2'), read('r3')])).json.compositeResponse;
  assert.deepEqual([over.length, over[0].httpStatusCode, over[0].body[0].errorCode], [1, 400, 'LIMIT_EXCEEDED']);
});

test('reads by id up to 2,000', async () => {
  const id = await org.create('Account', { Name: 'x' });
  const ids = Array.from({ length: 2000 }, (_, i) => (i === 1999 ? id : '001xx0000000001AAA'));
  const { json } = await org.call('POST', 'composite/sobjects/Account', { ids, fields: ['Id'] });
  assert.deepEqual([json.length, json[0], json[1999].Id], [2000, null, id]);
});

test('locks on the children of one account, however they are linked', async () => {
  const account = await org.create('Account', { [KEY]: 'cus_1', Name: 'A' });
  const lock = { statusCode: 'UNABLE_TO_LOCK_ROW', message: `unable to obtain exclusive access to this record or 1 records: ${account}` };
  const rows = [{ [KEY]: 'p1', LastName: 'x', AccountId: account }, { [KEY]: 'p2', LastName: 'x', Account: { [KEY]: 'cus_1' } }, { [KEY]: 'p3', LastName: 'x' }];
  for (const parent of [account, 'cus_1']) {
    await org.control('POST', 'faults', { faults: [{ match: { object: 'Contact', parent }, times: 4, do: { record_error: lock } }] });
    const { json } = await org.upsertRows('Contact', KEY, rows);
    assert.deepEqual(codes(json), ['UNABLE_TO_LOCK_ROW', 'UNABLE_TO_LOCK_ROW', 'ok']);
    assert.equal(json[0].errors[0].message, lock.message);
    await org.control('DELETE', 'faults');
  }
  await org.upsertRows('Contact', KEY, rows);
  await org.control('POST', 'faults', { faults: [{ match: { object: 'Contact', parent: 'cus_1' }, do: { record_error: lock } }] });
  assert.deepEqual(codes((await org.upsertRows('Contact', KEY, [{ [KEY]: 'p3', LastName: 'y' }, { [KEY]: 'p1', LastName: 'y' }])).json), ['ok', 'UNABLE_TO_LOCK_ROW'], 'a row that names no parent has one');
});

test('too many rows for the org: the call runs too long, or its triggers break', async () => {
  const rows = (n) => Array.from({ length: n }, (_, i) => ({ [KEY]: `cus_${i}`, Name: 'x' }));
  await settings({ running_time_rows: 3 });
  await isRefused(org.upsertRows('Account', KEY, rows(4)), 400, 'REQUEST_RUNNING_TOO_LONG');
  assert.deepEqual(codes((await org.upsertRows('Account', KEY, rows(3))).json), ['ok', 'ok', 'ok']);
  await settings({ running_time_rows: 0, apex_cpu_rows: 2 });
  const { json } = await org.upsertRows('Account', KEY, rows(3));
  assert.deepEqual(codes(json), Array(3).fill('CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY'));
  assert.match(json[0].errors[0].message, /Apex CPU time limit exceeded/);
  assert.deepEqual(codes((await org.upsertRows('Account', KEY, rows(2))).json), ['ok', 'ok']);
  await settings({ apex_cpu_rows: 0, apex_query_rows: 1 });
  assert.match((await org.upsertRows('Account', KEY, rows(2))).json[0].errors[0].message, /Too many SOQL queries/);
});

test('duplicate rules tell their candidates, in rows as in single calls, under either name', async () => {
  const twins = [await org.create('Account', { Name: 'Twin' }), await org.create('Account', { Name: 'twin' })];
  await settings({ duplicate_rules: [{ object: 'Account', name: 'Accounts_By_Name', fields: ['Name'], action: 'block' }] });
  const candidates = (result) => result.matchResults[0].matchRecords.map((match) => match.record.Id).sort();
  const single = error(await org.call('POST', 'sobjects/Account', { Name: 'TWIN' }));
  assert.deepEqual([single.errorCode, candidates(single.duplicateResult)], ['DUPLICATES_DETECTED', [...twins].sort()]);
  assert.deepEqual([single.duplicateResult.allowSave, single.duplicateResult.duplicateRule], [false, 'Accounts_By_Name']);
  await settings({ duplicate_result_misspelt: true });
  const [first] = (await org.upsertRows('Account', KEY, [{ [KEY]: 'cus_1', Name: 'Twin' }])).json;
  assert.deepEqual([first.errors[0].statusCode, candidates(first.errors[0].duplicateResut)], ['DUPLICATES_DETECTED', [...twins].sort()]);
});

test('header names in any case', async () => {
  await settings({ uppercase_headers: true });
  const { rawHeaders } = await org.call('GET', 'limits');
  assert.ok(rawHeaders.includes('SFORCE-LIMIT-INFO') && rawHeaders.includes('CONTENT-TYPE'));
});

test('deleting many parents does not look at every child each time', async () => {
  const [busy, ...others] = (await org.control('POST', 'records', { Account: Array.from({ length: 2000 }, (_, i) => ({ Name: `A${i}` })) })).json.ids.Account;
  await org.control('POST', 'records', { Billhook_Subscription__c: Array.from({ length: 100000 }, (_, i) => ({ Name: `S${i}`, Account__c: i ? busy : others[0] })) });
  const started = Date.now();
  await org.control('DELETE', 'records', { ids: others });
  assert.ok(Date.now() - started < 5000);
  const { found } = (await org.control('POST', 'find', { object: 'Billhook_Subscription__c', by: 'Account__c', values: [busy, others[0]], fields: ['Id'] })).json;
  assert.deepEqual(found.map((rows) => rows.length), [99999, 0]);
});
