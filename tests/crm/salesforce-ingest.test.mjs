// Bulk API 2.0 ingest: states, CSV rules, result files, quotas.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { BASE, error, request, TestOrg } from './salesforce/testing.mjs';

let org;
before(async () => { org = await TestOrg.start(); });
after(() => org.stop());
beforeEach(async () => {
  await org.control('POST', 'reset', { settings: true });
  await org.login();
});

const KEY = 'Billhook_Id__c';
const settings = (values) => org.control('POST', 'settings', values);
const UPSERT = { object: 'Account', operation: 'upsert', externalIdFieldName: KEY, contentType: 'CSV', lineEnding: 'LF', columnDelimiter: 'COMMA' };
const makeJob = async (spec = {}) => (await org.call('POST', 'jobs/ingest', { ...UPSERT, ...spec })).json;
const put = (job, csv, headers = { 'Content-Type': 'text/csv' }) => org.call('PUT', `/${job.contentUrl}`, csv, headers);
const patch = (job, state) => org.call('PATCH', `jobs/ingest/${job.id}`, { state });
const poll = async (job) => (await org.call('GET', `jobs/ingest/${job.id}`)).json;
const part = (job, name) => org.call('GET', `jobs/ingest/${job.id}/${name}`);
const accounts = async () => (await org.control('GET', 'state/Account')).json;
const keys = async () => (await accounts()).map((row) => row[KEY]).sort();

async function finish(job) {
  for (let i = 0; i < 400; i++) {
    const now = await poll(job);
    if (!['UploadComplete', 'InProgress'].includes(now.state)) return now;
    await new Promise((done) => setTimeout(done, 5));
  }
  throw new Error('the job does not end');
}

async function load(csv, spec = {}) {
  const job = await makeJob(spec);
  assert.equal((await put(job, csv)).status, 201);
  assert.equal((await patch(job, 'UploadComplete')).status, 200);
  return finish(job);
}

// A CSV reader apart from the simulator's own.
function readCsv(text) {
  const rows = [[]];
  text.replace(/("(?:[^"]|"")*"|[^",\n]*)(,|\n|$)/g, (_, value, end) => {
    rows.at(-1).push(value.startsWith('"') ? value.slice(1, -1).replaceAll('""', '"') : value);
    if (end === '\n') rows.push([]);
    return '';
  });
  return rows.filter((row) => row.length > 1 || (row[0] ?? '') !== '');
}

const errorsOf = async (job) => readCsv((await part(job, 'failedResults')).text).slice(1).map((row) => row[1]);

test('a job from create to results, each call counted', async () => {
  const used = (await org.control('GET', 'settings')).json.daily_used;
  const answer = await org.call('POST', 'jobs/ingest', UPSERT);
  assert.equal(answer.status, 200);
  assert.match(answer.text, /"apiVersion":67\.0[,}]/);
  const { id, createdDate, systemModstamp, createdById, ...job } = answer.json;
  assert.match(id, /^750\w{15}$/);
  assert.match(createdById, /^005/);
  assert.match(createdDate, /\+0000$/);
  assert.ok(systemModstamp);
  assert.deepEqual(job, { operation: 'upsert', object: 'Account', state: 'Open', externalIdFieldName: KEY, concurrencyMode: 'Parallel', contentType: 'CSV',
    apiVersion: 67, contentUrl: `services/data/v67.0/jobs/ingest/${id}/batches`, lineEnding: 'LF', columnDelimiter: 'COMMA' });
  assert.ok(answer.headers['sforce-limit-info']);
  const uploaded = await put(answer.json, `${KEY},Name\ncus_1,One\ncus_2,Two\n`);
  assert.deepEqual([uploaded.status, uploaded.text], [201, '']);
  const closed = (await patch({ id }, 'UploadComplete')).json;
  assert.equal(closed.state, 'UploadComplete');
  assert.equal('contentUrl' in closed, false);
  assert.equal((await poll({ id })).state, 'InProgress');
  const done = await poll({ id });
  assert.deepEqual([done.state, done.jobType, done.numberRecordsProcessed, done.numberRecordsFailed, done.retries], ['JobComplete', 'V2Ingest', 2, 0, 0]);
  const good = await part({ id }, 'successfulResults');
  assert.match(good.headers['content-type'], /^text\/csv/);
  assert.deepEqual(readCsv(good.text)[0], ['sf__Id', 'sf__Created', KEY, 'Name']);
  assert.ok(good.text.startsWith(`"sf__Id","sf__Created",${KEY},Name\n`), 'only the own heads are quoted');
  const rows = readCsv(good.text).slice(1).sort((a, b) => (a[2] < b[2] ? -1 : 1));
  assert.deepEqual(rows.map((row) => row.slice(1)), [['true', 'cus_1', 'One'], ['true', 'cus_2', 'Two']]);
  assert.match(rows[0][0], /^001\w{15}$/);
  assert.deepEqual(readCsv((await part({ id }, 'failedResults')).text), [['sf__Id', 'sf__Error', KEY, 'Name']]);
  assert.deepEqual(readCsv((await part({ id }, 'unprocessedrecords')).text), [[KEY, 'Name']]);
  assert.equal((await org.control('GET', 'settings')).json.daily_used - used, 8);
  assert.equal((await org.control('GET', 'calls?count=1')).json.byKind.bulk, 8);
});

test('states last as long as the settings say, in polls and in time', async () => {
  await settings({ bulk_queued_polls: 2, bulk_running_polls: 1 });
  const job = await makeJob();
  await put(job, `${KEY},Name\na,A\n`);
  await patch(job, 'UploadComplete');
  const seen = [];
  for (let i = 0; i < 5; i++) seen.push((await poll(job)).state);
  assert.deepEqual(seen, ['UploadComplete', 'UploadComplete', 'InProgress', 'JobComplete', 'JobComplete']);
  await settings({ bulk_queued_polls: 0, bulk_running_polls: 0, bulk_queued_ms: 60, bulk_running_ms: 60 });
  const timed = await makeJob();
  await put(timed, `${KEY},Name\nb,B\n`);
  await patch(timed, 'UploadComplete');
  assert.equal((await poll(timed)).state, 'UploadComplete');
  await new Promise((done) => setTimeout(done, 70));
  assert.equal((await poll(timed)).state, 'InProgress');
  await new Promise((done) => setTimeout(done, 70));
  assert.deepEqual(await keys(), ['a', 'b'], 'time passes without polls');
  assert.equal((await poll(timed)).state, 'JobComplete');
});

test('empty leaves alone, #N/A clears, values by type', async () => {
  await org.create('Account', { [KEY]: 'cus_1', Name: 'Old', Phone: '1', Website: 'w.example.com', Description: 'd' });
  await load(`${KEY},Name,Phone,Website,Description\ncus_1,New,,#N/A,""\n`);
  const [row] = await accounts();
  assert.deepEqual([row.Name, row.Phone, row.Website, row.Description], ['New', '1', null, 'd']);
  const done = await load(`${KEY},Name,Amount__c,Start__c,Renewed_At__c,Overdue__c,Raw__c\n`
    + 's1,"a ""b"", c",12.5,2026-11-22,2026-11-22T10:00:00.000Z,true,"two\nlines"\n'
    + 's2,x,abc,2026-11-22,,FALSE,\ns3,x,1,22.11.2026,,,\ns4,x,1,,,yes,\n', { object: 'Billhook_Subscription__c' });
  assert.deepEqual([done.numberRecordsProcessed, done.numberRecordsFailed], [4, 3]);
  const [sub] = (await org.control('GET', 'state/Billhook_Subscription__c')).json;
  assert.deepEqual([sub.Name, sub.Amount__c, sub.Start__c, sub.Renewed_At__c, sub.Overdue__c, sub.Raw__c],
    ['a "b", c', 12.5, '2026-11-22', '2026-11-22T10:00:00.000+0000', true, 'two\nlines']);
  assert.deepEqual((await errorsOf(done)).sort(), [
    'INVALID_TYPE_ON_FIELD_IN_RECORD:Amount__c: value not of required type: abc:Amount__c --',
    'INVALID_TYPE_ON_FIELD_IN_RECORD:Overdue__c: value not of required type: yes:Overdue__c --',
    'INVALID_TYPE_ON_FIELD_IN_RECORD:Start__c: value not of required type: 22.11.2026:Start__c --']);
  const good = readCsv((await part(done, 'successfulResults')).text.replace('two\nlines', 'two lines'))[1];
  assert.deepEqual(good.slice(2), ['s1', 'a "b", c', '12.5', '2026-11-22', '2026-11-22T10:00:00.000Z', 'true', 'two lines'], 'columns come back as they were sent');
});

test('rows fail one by one, worded as REST does', async () => {
  await org.create('Account', { Name: 'taken', Code__c: 'T' });
  await settings({ readonly_fields: ['Account.Tier__c'] });
  const long = 'x'.repeat(41);
  const done = await load(`${KEY},Name,Phone,Plan__c,Code__c\na,A,${long},,\nb,B,,gold,\nc,C,,,T\nd,,,,\n,E,,,\nf,F,,,\nsame,1,,,\nsame,2,,,\n`);
  assert.deepEqual([done.state, done.numberRecordsFailed], ['JobComplete', 7]);
  const errors = (await errorsOf(done)).sort();
  assert.match(errors.splice(2, 1)[0], /^DUPLICATE_VALUE:duplicate value found: Code__c duplicates value on record with id: 001\w{12}:--$/);
  assert.deepEqual(errors, [
    `DUPLICATE_VALUE:Duplicate external id specified: same:${KEY} --`, `DUPLICATE_VALUE:Duplicate external id specified: same:${KEY} --`,
    'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST:Plan: bad value for restricted picklist field: gold:Plan__c --',
    `MISSING_ARGUMENT:${KEY} not specified:--`, 'REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --',
    `STRING_TOO_LONG:Account Phone: data value too large: ${long} (max length=40):Phone --`]);
  const refused = await load(`${KEY},Name,Tier__c\ng,G,gold\n`);
  assert.match((await errorsOf(refused))[0], /^INVALID_FIELD_FOR_INSERT_UPDATE:Unable to create\/update fields: Tier__c\..*:Tier__c --$/);
});

test('links by a key of the parent, also where several objects may stand', async () => {
  const account = await org.create('Account', { [KEY]: 'cus_1', Name: 'One' });
  const done = await load(`${KEY},LastName,Account.${KEY}\np1,Rook,cus_1\np2,Wren,nobody\n`, { object: 'Contact' });
  assert.equal(done.numberRecordsFailed, 1);
  assert.deepEqual(await errorsOf(done), [`INVALID_FIELD:Foreign key external ID: nobody not found for field ${KEY} in entity Account:--`]);
  assert.equal((await org.control('GET', 'state/Contact')).json[0].AccountId, account);
  await load(`${KEY},Name,Account__r.${KEY}\ns1,S,cus_1\n`, { object: 'Billhook_Subscription__c' });
  const linked = async () => (await org.control('GET', 'state/Billhook_Subscription__c')).json[0].Account__c;
  assert.equal(await linked(), account);
  await load(`${KEY},Account__r.${KEY}\ns1,#N/A\n`, { object: 'Billhook_Subscription__c' });
  assert.equal(await linked(), null);
  await load(`Subject,Account:What.${KEY}\nCall them,cus_1\n`, { object: 'Task', operation: 'insert', externalIdFieldName: undefined });
  assert.equal((await org.control('GET', 'state/Task')).json[0].WhatId, account);
});

test('the whole job fails: BOM, line ending, unknown heads, bad quotes', async () => {
  const fails = async (csv, message, spec) => {
    const job = await load(csv, spec);
    assert.deepEqual([job.state, job.errorMessage], ['Failed', message]);
    assert.deepEqual(await accounts(), []);
  };
  const unescaped = 'InvalidBatch : Failed to parse CSV. Found unescaped quote. A value with quote should be within a quote';
  await fails(`\uFEFF${KEY},Name\na,A\n`, `InvalidBatch : Field name not found : \uFEFF${KEY}`);
  await fails(`\uFEFF"${KEY}",Name\na,A\n`, unescaped);
  const ending = (name) => `ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is ${name}`;
  await fails(`${KEY},Name\r\na,A\r\n`, ending('LF'));
  await fails(`${KEY},Name\na,A\n`, ending('CRLF'), { lineEnding: 'CRLF' });
  await fails(`${KEY},Name\na,A\nb,B\r\n`, ending('LF'));
  await fails(`${KEY},Name,Nope__c\na,A,1\n`, 'InvalidBatch : Field name not found : Nope__c');
  await fails(`${KEY},Name,Account__r.Nope__c\na,A,1\n`, 'InvalidBatch : Field name not found : Account__r.Nope__c');
  await fails(`${KEY},Name,Parent.Phone\na,A,1\n`, 'InvalidBatch : Field name not found : Parent.Phone');
  await fails('Name\nA\n', `InvalidBatch : Field name not found : ${KEY}`);
  await fails(`${KEY},Name\na, "A"\n`, unescaped);
  await fails(`${KEY},Name\na,"A" \n`, unescaped);
  await fails(`${KEY},Name\na,"A\n`, 'InvalidBatch : Failed to parse CSV. Found an unclosed quote');
  await fails(`${KEY},Name\na,A,more\n`, 'InvalidBatch : Row 1 has 3 fields, the header has 2');
  await fails(`${KEY},Name,name\na,A,B\n`, 'InvalidBatch : Duplicate field name : name');
  await settings({ hidden_fields: ['Account.Secret__c'] });
  await fails(`${KEY},Name,Secret__c\na,A,1\n`, 'InvalidBatch : Field name not found : Secret__c');
  await settings({ bulk_newlines_counted: true });
  await fails(`${KEY},Name\na,"A\r\nB"\n`, ending('LF'));
});

test('CRLF, other delimiters, no final line end', async () => {
  assert.equal((await load(`${KEY};Name\r\na;"A;\nB"\r\nb;B`, { lineEnding: 'CRLF', columnDelimiter: 'SEMICOLON' })).state, 'JobComplete');
  assert.deepEqual((await accounts()).map((row) => row.Name), ['A;\nB', 'B']);
});

test('insert, update by Id, delete; an empty Id column in an upsert', async () => {
  const plain = (operation) => ({ operation, externalIdFieldName: undefined });
  await load(`Id,${KEY},Name\n,a,A\n,b,B\n`);
  assert.deepEqual(await keys(), ['a', 'b']);
  await load(`${KEY},Name\nc,C\n`, plain('insert'));
  const ids = Object.fromEntries((await accounts()).map((row) => [row[KEY], row.Id]));
  const update = await load(`Id,Name\n${ids.a},A2\n${ids.b.slice(0, 15)},B2\n001000000000001AAA,X\nbad,X\n,X\n`, plain('update'));
  assert.deepEqual((await errorsOf(update)).map((text) => text.split(':')[0]).sort(), ['INVALID_CROSS_REFERENCE_KEY', 'MALFORMED_ID', 'MISSING_ARGUMENT']);
  assert.deepEqual((await accounts()).map((row) => row.Name).sort(), ['A2', 'B2', 'C']);
  const removed = await load(`Id\n${ids.a}\n${ids.c}\n${ids.c}\n`, plain('delete'));
  assert.deepEqual([removed.numberRecordsProcessed, removed.numberRecordsFailed], [3, 2], 'an id twice in a chunk');
  assert.deepEqual(await keys(), ['b', 'c']);
  assert.equal((await load(`Id,Name\n${ids.c},x\n`, plain('delete'))).state, 'Failed');
  assert.deepEqual(await errorsOf(await load(`Id,Name\n${ids.a},x\n`, plain('update'))), ['ENTITY_IS_DELETED:entity is deleted:--']);
  const created = await load(`${KEY},Name\na,again\n`);
  assert.equal(readCsv((await part(created, 'successfulResults')).text)[1][1], 'true', 'the key of a deleted row makes a new one');
});

test('one upload a job; states that forbid', async () => {
  const job = await makeJob();
  await put(job, `${KEY},Name\na,A\n`);
  const again = await put(job, 'x');
  assert.equal(again.status, 400);
  assert.equal(error(again).errorCode, 'INVALIDJOBSTATE');
  assert.match(error(again).message, /^Found multiple contents for job: <750/);
  const state = async (answer) => error(await answer).errorCode;
  assert.equal(await state(part(job, 'successfulResults')), 'INVALIDJOBSTATE');
  assert.equal(await state(org.call('DELETE', `jobs/ingest/${job.id}`)), 'INVALIDJOBSTATE');
  await patch(job, 'UploadComplete');
  assert.equal(await state(put(job, 'x')), 'INVALIDJOBSTATE');
  assert.equal(await state(patch(job, 'UploadComplete')), 'INVALIDJOBSTATE');
  await finish(job);
  assert.deepEqual((await patch(job, 'Aborted')).json, [{ message: 'Aborting already Completed Job not allowed', errorCode: 'INVALIDJOBSTATE' }]);
  assert.equal((await org.call('DELETE', `jobs/ingest/${job.id}`)).status, 204);
  assert.equal((await org.call('GET', `jobs/ingest/${job.id}`)).status, 404);
  const empty = await makeJob();
  await patch(empty, 'UploadComplete');
  assert.equal((await finish(empty)).state, 'Failed');
});

test('an abort half way leaves rows of both kinds', async () => {
  await settings({ bulk_running_polls: 3 });
  const job = await makeJob();
  await put(job, `${KEY},Name\n${[1, 2, 3, 4].map((n) => `k${n},N\n`).join('')}`);
  await patch(job, 'UploadComplete');
  assert.deepEqual([(await poll(job)).state, (await poll(job)).numberRecordsProcessed], ['InProgress', 2]);
  assert.equal(error(await org.call('DELETE', `jobs/ingest/${job.id}`)).errorCode, 'INVALIDJOBSTATE');
  assert.equal((await patch(job, 'Aborted')).json.state, 'Aborted');
  assert.equal(readCsv((await part(job, 'successfulResults')).text).length, 3);
  assert.deepEqual(readCsv((await part(job, 'unprocessedrecords')).text).slice(1).map((row) => row[0]).sort(), ['k3', 'k4']);
  const open = await makeJob();
  assert.equal((await patch(open, 'Aborted')).status, 200);
  assert.equal((await part(open, 'successfulResults')).text, '"sf__Id","sf__Created"\n');
});

test('Failed with some rows written, by order', async () => {
  await org.control('POST', 'ingest', { after_rows: 2, message: 'InternalServerError : try again' });
  const job = await load(`${KEY},Name\na,A\n,B\nc,C\n`);
  assert.deepEqual([job.state, job.errorMessage, job.numberRecordsProcessed, job.numberRecordsFailed], ['Failed', 'InternalServerError : try again', 2, 1]);
  assert.deepEqual(await keys(), ['a']);
  assert.equal((await errorsOf(job)).length, 1);
  assert.deepEqual(readCsv((await part(job, 'unprocessedrecords')).text).slice(1), [['c', 'C']]);
  assert.equal((await load(`${KEY},Name\nd,D\n`)).state, 'JobComplete');
  assert.equal((await org.control('POST', 'ingest', { after_rows: 'x' })).status, 400);
});

test('quotas and sizes', async () => {
  await settings({ bulk_max_bytes: 50 });
  const job = await makeJob();
  assert.equal((await put(job, `${KEY},Name\n${'x'.repeat(60)},A\n`)).status, 413);
  assert.equal((await put(job, `${KEY},Name\na,A\n`)).status, 201);
  await settings({ bulk_daily_batches: 1 });
  await patch(job, 'UploadComplete');
  await finish(job);
  assert.equal((await org.call('GET', 'limits')).json.DailyBulkApiBatches.Remaining, 0);
  const refused = await org.call('POST', 'jobs/ingest', UPSERT);
  assert.deepEqual([refused.status, error(refused).errorCode], [400, 'EXCEEDEDQUOTA']);
  await settings({ daily_limit: 1, daily_used: 1 });
  assert.equal((await org.call('GET', `jobs/ingest/${job.id}`)).status, 403);
});

test('what cannot become a job, and what does not go to one', async () => {
  const refused = async (spec, code) => {
    const answer = await org.call('POST', 'jobs/ingest', { ...UPSERT, ...spec });
    assert.deepEqual([answer.status, error(answer).errorCode], [400, code], JSON.stringify(spec));
  };
  await refused({ object: 'Nope__c' }, 'INVALIDENTITY');
  await refused({ object: 'User' }, 'INVALIDENTITY');
  await refused({ operation: 'merge' }, 'INVALIDJOB');
  await refused({ externalIdFieldName: undefined }, 'INVALIDJOB');
  await refused({ externalIdFieldName: 'Phone' }, 'INVALIDJOB');
  await refused({ operation: 'insert' }, 'INVALIDJOB');
  await refused({ contentType: 'XML' }, 'INVALIDJOB');
  await refused({ lineEnding: 'CR' }, 'INVALIDJOB');
  await refused({ nonsense: 1 }, 'JSON_PARSER_ERROR');
  const job = await makeJob();
  assert.equal((await put(job, 'x', { 'Content-Type': 'application/json' })).status, 415);
  assert.equal((await org.call('GET', `jobs/ingest/${job.id}/batches`)).status, 405);
  assert.equal((await org.call('GET', `jobs/ingest/${job.id}/unprocessedRecords`)).status, 404);
  assert.equal((await org.call('GET', 'jobs/ingest/750xx0000000000AAA')).status, 404);
  assert.equal((await patch(job, 'Closed')).status, 400);
  const inside = await org.composite([{ method: 'GET', url: `${BASE}/jobs/ingest`, referenceId: 'a' }]);
  assert.equal(inside.json.compositeResponse[0].httpStatusCode, 404);
  const retired = await org.call('GET', '/services/data/v30.0/jobs/ingest');
  assert.deepEqual([retired.status, error(retired).errorCode], [400, 'InvalidVersion']);
  assert.equal((await request(org.port, 'GET', `${BASE}/jobs/ingest`)).status, 401);
});

test('limits of a row, and of the header', async () => {
  const fails = async (csv, pattern) => {
    const job = await load(csv);
    assert.equal(job.state, 'Failed');
    assert.match(job.errorMessage, pattern);
  };
  await fails(`${KEY},Name,Description\na,A,${'x'.repeat(131073)}\n`, /^InvalidBatch : A field of row 1 is longer than 131072 characters$/);
  const wide = 'x'.repeat(131000);
  await fails(`${KEY},Name,Description,Site,Fax\na,${wide},${wide},${wide},${wide}\n`, /A row is longer than 400000 characters$/);
  await fails(`${KEY},${'n'.repeat(32000)}\na,b\n`, /^InvalidBatch : The header is longer than 32000 characters$/);
  await fails(`${KEY}${',N'.repeat(5000)}\n`, /^InvalidBatch : There are more than 5000 fields$/);
});

test('rules of the org hold for Bulk, and no header passes a duplicate rule', async () => {
  await settings({ duplicate_rules: [{ object: 'Account', fields: ['Name'], action: 'alert' }] });
  await org.create('Account', { Name: 'Twin' });
  const job = (await org.call('POST', 'jobs/ingest', UPSERT, { 'Sforce-Duplicate-Rule-Header': 'allowSave=true' })).json;
  await org.call('PUT', `/${job.contentUrl}`, `${KEY},Name\na,Twin\n`, { 'Content-Type': 'text/csv; charset=UTF-8', 'Sforce-Duplicate-Rule-Header': 'allowSave=true' });
  await patch(job, 'UploadComplete');
  await finish(job);
  assert.deepEqual(await errorsOf(job), ['DUPLICATES_DETECTED:Use one of these records?:--']);
});

test('faults of the line reach Bulk calls', async () => {
  const job = await makeJob();
  await org.control('POST', 'faults', { faults: [{ match: { method: 'PUT', path: '/batches' }, do: { drop: 'after' } }] });
  await assert.rejects(put(job, `${KEY},Name\na,A\n`));
  assert.equal(error(await put(job, `${KEY},Name\na,A\n`)).errorCode, 'INVALIDJOBSTATE', 'the first upload took effect');
  await org.control('POST', 'faults', { faults: [{ match: { path: 'jobs/ingest' }, do: { status: 503, body: '<html>busy</html>' } }] });
  assert.equal((await patch(job, 'UploadComplete')).status, 503);
  assert.equal((await patch(job, 'UploadComplete')).status, 200);
  assert.equal((await finish(job)).state, 'JobComplete');
});

test('the list of jobs, and control', async () => {
  const first = await load(`${KEY},Name\na,A\n`);
  const second = await makeJob();
  const answer = await org.call('GET', 'jobs/ingest');
  assert.match(answer.text, /"apiVersion":67\.0/);
  assert.deepEqual([answer.json.done, answer.json.nextRecordsUrl], [true, null]);
  assert.deepEqual(answer.json.records.map((job) => [job.id, job.state]), [[first.id, 'JobComplete'], [second.id, 'Open']]);
  assert.equal((await org.control('GET', 'ingest')).json.jobs.length, 2);
});

test('locks: by order, and between a running job and live writes', async () => {
  await org.control('POST', 'faults', { faults: [{ match: { object: 'Account', key: 'b' }, do: { record_error: { statusCode: 'UNABLE_TO_LOCK_ROW' } } }] });
  assert.deepEqual(await errorsOf(await load(`${KEY},Name\na,A\nb,B\n`)), ['UNABLE_TO_LOCK_ROW']);
  await settings({ bulk_live_locks: true, bulk_running_polls: 2 });
  const job = await makeJob();
  await put(job, `${KEY},Name\na,A\nb,B\nc,C\nd,D\n`);
  await patch(job, 'UploadComplete');
  await poll(job);
  const live = await org.upsertRows('Account', KEY, [{ [KEY]: 'live', Name: 'L' }]);
  assert.equal(live.json[0].errors[0].statusCode, 'UNABLE_TO_LOCK_ROW');
  assert.equal((await org.upsertRows('Contact', KEY, [{ [KEY]: 'live', LastName: 'L' }])).json[0].success, true);
  const done = await finish(job);
  assert.equal(done.numberRecordsFailed, 1);
  assert.match((await errorsOf(done))[0], /^UNABLE_TO_LOCK_ROW:/);
  assert.equal((await org.upsertRows('Account', KEY, [{ [KEY]: 'live', Name: 'L' }])).json[0].success, true);
});

test('a hundred thousand rows: in disorder, and with others getting their turn', async () => {
  const n = 100000;
  const rows = Array.from({ length: n }, (_, i) => `k${i},Account ${i},${i % 100}`);
  const job = await makeJob();
  assert.equal((await put(job, `${KEY},Name,NumberOfEmployees\n${rows.join('\n')}\n`)).status, 201);
  const started = Date.now();
  await patch(job, 'UploadComplete');
  await poll(job);
  assert.equal((await org.call('GET', 'limits')).status, 200);
  const done = await finish(job);
  assert.ok(Date.now() - started < 20000);
  assert.deepEqual([done.state, done.numberRecordsProcessed, done.numberRecordsFailed], ['JobComplete', n, 0]);
  assert.equal((await org.control('GET', 'state/Account?count=1')).json, n);
  assert.equal((await org.control('GET', 'settings')).json.bulk_batches_used, 10);
  const order = (await part(job, 'successfulResults')).text.split('\n').slice(1, -1).map((line) => line.split(',')[2]);
  assert.equal(new Set(order).size, n);
  assert.notDeepEqual(order.slice(0, 5), ['"k0"', '"k1"', '"k2"', '"k3"', '"k4"']);
});
