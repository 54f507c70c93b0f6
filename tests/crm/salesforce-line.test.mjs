// Faults, settings of the line, the control interface and the program itself.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BASE, error, request, SCHEMA, TestOrg } from './salesforce/testing.mjs';

let org;
before(async () => { org = await TestOrg.start(); });
after(() => org.stop());
beforeEach(async () => {
  await org.control('POST', 'reset', { settings: true });
  await org.login();
});

const KEY = 'Billhook_Id__c';
const faults = (...list) => org.control('POST', 'faults', { faults: list });
const upsert = (key, body = { Name: 'x' }) => org.call('PATCH', `sobjects/Account/${KEY}/${key}`, body);
const accounts = async () => (await org.control('GET', 'state/Account?count=1')).json;

test('fault: status with array, object and HTML bodies, a number of times', async () => {
  await faults({ match: { method: 'PATCH', path: 'sobjects/Account' }, times: 2, do: { status: 503, body: { message: 'busy', errorCode: 'SERVER_UNAVAILABLE' }, headers: { 'Retry-After': '1' } } });
  const first = await upsert('cus_1');
  assert.deepEqual([first.status, first.json.errorCode, first.headers['retry-after']], [503, 'SERVER_UNAVAILABLE', '1']);
  assert.equal((await upsert('cus_1')).status, 503);
  assert.equal(await accounts(), 0);
  assert.equal((await upsert('cus_1')).status, 201);
  await faults({ do: { status: 502, body: '<html>bad gateway</html>' } }, { skip: 1, do: { status: 500 } });
  const html = await upsert('cus_1');
  assert.match(html.headers['content-type'], /^text\/html/);
  assert.equal((await upsert('cus_1')).status, 200);
  assert.equal((await upsert('cus_1')).status, 500);
});

test('fault: status after the write took effect', async () => {
  await faults({ do: { status: 500, applied: true } });
  assert.equal((await upsert('cus_1')).status, 500);
  assert.equal(await accounts(), 1);
});

test('fault: connection dropped before and after, answer cut', async () => {
  await faults({ do: { drop: 'before' } });
  await assert.rejects(upsert('cus_1'));
  assert.equal(await accounts(), 0);
  await faults({ do: { drop: 'after' } });
  await assert.rejects(upsert('cus_1'));
  assert.equal(await accounts(), 1);
  await faults({ do: { truncate: true } });
  await assert.rejects(upsert('cus_2'));
  assert.equal(await accounts(), 2);
});

test('fault: delay and expired token', async () => {
  await faults({ do: { delay_ms: 60 } });
  const started = Date.now();
  await upsert('cus_1');
  assert.ok(Date.now() - started >= 55);
  await faults({ do: { expire_token: true } });
  assert.equal(error(await upsert('cus_1')).errorCode, 'INVALID_SESSION_ID');
  assert.equal((await upsert('cus_1')).status, 401, 'the token stays dead');
  await org.login();
  assert.equal((await upsert('cus_1')).status, 200);
});

test('fault: one record of a collection, by key, by parent, by object', async () => {
  const lock = { statusCode: 'UNABLE_TO_LOCK_ROW', message: 'unable to obtain exclusive access to this record' };
  await faults({ match: { object: 'Account', key: 'cus_2' }, do: { record_error: lock } });
  const rows = () => org.upsertRows('Account', KEY, [1, 2, 3].map((n) => ({ [KEY]: `cus_${n}`, Name: 'x' })));
  const first = await rows();
  assert.deepEqual(first.json.map((row) => row.success), [true, false, true]);
  assert.deepEqual(first.json[1].errors, [{ ...lock, fields: [] }]);
  assert.ok((await rows()).json.every((row) => row.success));
  await faults({ match: { object: 'Contact', parent: 'cus_1' }, times: 1, do: { record_error: lock } });
  const contacts = await org.upsertRows('Contact', KEY, [1, 2, 1].map((n, i) => ({ [KEY]: `p_${i}`, LastName: 'x', Account: { [KEY]: `cus_${n}` } })));
  assert.deepEqual(contacts.json.map((row) => row.success), [false, true, true]);
  await faults({ match: { object: 'Account', method: 'DELETE' }, do: { record_error: lock } });
  const single = await org.call('DELETE', `sobjects/Account/${KEY}/cus_1`);
  assert.deepEqual([single.status, error(single).errorCode], [400, 'UNABLE_TO_LOCK_ROW']);
});

test('fault: one sub-request of a composite call', async () => {
  await faults({ match: { method: 'PATCH', path: 'composite/sobjects/Contact' }, do: { status: 503, body: [{ errorCode: 'SERVER_UNAVAILABLE', message: 'busy' }] } });
  const part = (object, referenceId, record) => ({ method: 'PATCH', url: `${BASE}/composite/sobjects/${object}/${KEY}`, referenceId, body: { records: [{ attributes: { type: object }, [KEY]: 'k', ...record }] } });
  const { json } = await org.composite([part('Account', 'a', { Name: 'x' }), part('Contact', 'b', { LastName: 'x' })]);
  assert.deepEqual(json.compositeResponse.map((one) => one.httpStatusCode), [200, 503]);
});

test('faults: listed, cleared, mistakes refused', async () => {
  await faults({ match: { path: 'never' }, times: -1, do: { status: 500 } });
  assert.deepEqual((await org.control('GET', 'faults')).json.faults, [{ match: { path: 'never' }, do: { status: 500 }, fired: 0, left: -1 }]);
  await org.control('DELETE', 'faults');
  assert.deepEqual((await org.control('GET', 'faults')).json.faults, []);
  for (const wrong of [{ do: {} }, { do: { stauts: 500 } }, { match: { url: 'x' }, do: { status: 500 } }, { do: { drop: 'now' } }, { match: { path: '(' }, do: { status: 500 } }]) {
    assert.equal((await faults(wrong)).status, 400);
  }
});

test('settings of the line: latency, header case, chunks, extra keys', async () => {
  await org.control('POST', 'settings', { latency_ms: 40 });
  const started = Date.now();
  await upsert('cus_1');
  assert.ok(Date.now() - started >= 35);
  await org.control('POST', 'settings', { latency_ms: 0, lowercase_headers: true, chunked_answers: true, extra_keys: true });
  const answer = await upsert('cus_1');
  assert.ok(answer.rawHeaders.includes('sforce-limit-info'));
  assert.equal(answer.headers['transfer-encoding'], 'chunked');
  assert.ok(answer.json.simulatorExtra);
  assert.equal(answer.json.success, true);
  assert.equal((await org.control('POST', 'settings', { latncy_ms: 1 })).status, 400);
  assert.equal((await org.control('POST', 'settings', { latency_ms: '1' })).status, 400);
});

test('control: health, state, records, calls, reset', async () => {
  assert.deepEqual((await org.control('GET', 'health')).json, { ok: true });
  await org.control('DELETE', 'calls');
  const { json } = await org.control('POST', 'records', { Account: [{ Name: 'a', [KEY]: 'cus_1' }], Contact: [{ LastName: 'c', Account: { [KEY]: 'cus_1' } }] });
  const [account] = json.ids.Account;
  assert.match(account, /^001/);
  const state = (await org.control('GET', 'state')).json.objects;
  assert.deepEqual([state.Account[0].Name, state.Contact[0].AccountId], ['a', account]);
  assert.equal((await org.control('GET', 'state?count=1')).json.objects.Contact, 1);
  assert.equal((await org.control('POST', 'records', { Account: [{ Name: 'ok' }, { Nope__c: 1 }] })).status, 400);
  assert.equal(await accounts(), 1, 'all or nothing');
  await org.control('PATCH', 'records', { Account: [{ Id: account, Name: 'changed' }] });
  await org.query('SELECT Id FROM Account');
  const calls = (await org.control('GET', 'calls')).json;
  assert.equal(calls.length, 1);
  assert.deepEqual([calls[0].method, calls[0].status, calls[0].records, calls[0].subrequests, calls[0].kind], ['GET', 200, 1, [], 'query']);
  assert.ok(calls[0].path.startsWith(`${BASE}/query?q=`) && typeof calls[0].ms === 'number' && calls[0].n === 1 && calls[0].at);
  const counts = (await org.control('GET', 'calls?count=1')).json;
  assert.deepEqual([counts.total, counts.byKind], [1, { query: 1 }]);
  await org.control('DELETE', 'records', { ids: [account] });
  assert.equal((await org.control('GET', 'state/Account?deleted=1')).json[0].IsDeleted, true);
  await org.control('POST', 'reset', {});
  assert.equal(await accounts(), 0);
  assert.equal((await org.call('GET', 'sobjects/Billhook_Line__c/describe')).status, 200, 'the schema stays');
  await org.control('POST', 'reset', { schema: true });
  assert.equal((await org.call('GET', 'sobjects/Billhook_Line__c/describe')).status, 404);
  assert.deepEqual((await org.control('POST', 'schema', { objects: SCHEMA })).json.added.objects, ['Billhook_Subscription__c', 'Billhook_Line__c']);
  assert.deepEqual((await org.control('POST', 'schema', { objects: SCHEMA })).json.added, { objects: [], fields: [] });
  assert.equal((await org.control('GET', 'nothing')).status, 404);
});

test('schema: rules of an admin', async () => {
  const refused = async (field, object = 'Account') => {
    const answer = await org.control('POST', 'schema', { objects: [{ name: object, fields: [field] }] });
    assert.equal(answer.status, 400, JSON.stringify(field));
  };
  await refused({ name: 'NoSuffix', type: 'Text', length: 10 });
  await refused({ name: 'Bad__Name__c', type: 'Text', length: 10 });
  await refused({ name: `${'x'.repeat(41)}__c`, type: 'Text', length: 10 });
  await refused({ name: 'T__c', type: 'Text', length: 256 });
  await refused({ name: 'T__c', type: 'LongTextArea', length: 100 });
  await refused({ name: 'T__c', type: 'Number', precision: 19 });
  await refused({ name: 'T__c', type: 'Checkbox', required: true });
  await refused({ name: 'T__c', type: 'Date', externalId: true });
  await refused({ name: 'T__c', type: 'Lookup', referenceTo: 'Nope__c' });
  await refused({ name: 'T__c', type: 'Blob' });
  await refused({ name: KEY, type: 'Number', precision: 5, scale: 0 });
  await refused({ name: 'T__c', type: 'Date' }, 'NotCustom');
  const stages = { name: 'Opportunity', fields: [{ name: 'StageName', type: 'Picklist', values: ['Angebot', 'Gewonnen'] }] };
  assert.equal((await org.control('POST', 'schema', { objects: [stages] })).status, 200);
  const field = (await org.call('GET', 'sobjects/Opportunity/describe')).json.fields.find((one) => one.name === 'StageName');
  assert.deepEqual(field.picklistValues.map((value) => value.value), ['Angebot', 'Gewonnen']);
});

test('the program: port file, schema file, settings, SIGTERM', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'salesforce-sim-'));
  const schemaFile = join(folder, 'schema.json');
  const portFile = join(folder, 'port');
  writeFileSync(schemaFile, JSON.stringify({ objects: SCHEMA }));
  const child = spawn(process.execPath, [fileURLToPath(new URL('salesforce.mjs', import.meta.url)), '--port', '0', '--port-file', portFile,
    '--schema', schemaFile, '--latency-ms', '1', '--settings', '{"daily_limit":7}', '--client-id', 'other']);
  try {
    const line = await new Promise((resolve) => child.stdout.once('data', (data) => resolve(String(data))));
    const port = Number(readFileSync(portFile, 'utf8'));
    assert.equal(line, `salesforce simulator listening on http://127.0.0.1:${port}\n`);
    const settings = (await request(port, 'GET', '/_sim/settings')).json;
    assert.deepEqual([settings.daily_limit, settings.latency_ms, settings.client_id], [7, 1, 'other']);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    assert.equal(await ended, 0);
  } finally {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
});

test('the program: wrong options end it with a message', async () => {
  const child = spawn(process.execPath, [fileURLToPath(new URL('salesforce.mjs', import.meta.url)), '--prot', '0']);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  assert.equal(await ended, 1);
});
