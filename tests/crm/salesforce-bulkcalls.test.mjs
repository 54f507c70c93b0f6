// Collections, composite and batch.

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
const account = (n, more) => ({ [KEY]: `cus_${n}`, Name: `Account ${n}`, ...more });
const many = (n, make = account) => Array.from({ length: n }, (_, i) => make(i));
const codes = (rows) => rows.map((row) => (row.success ? 'ok' : row.errors[0].statusCode));
const count = async (name) => (await org.control('GET', `state/${name}?count=1`)).json;

test('collection upsert: rows in order, created told, one bad row does not stop others', async () => {
  await org.upsertRows('Account', KEY, [account(1)]);
  const answer = await org.upsertRows('Account', KEY, [account(1), account(2), { [KEY]: 'cus_3' }, account(4, { Nope__c: 1 }), account(5)]);
  assert.equal(answer.status, 200);
  assert.deepEqual(codes(answer.json), ['ok', 'ok', 'REQUIRED_FIELD_MISSING', 'INVALID_FIELD', 'ok']);
  assert.deepEqual(answer.json.map((row) => row.created), [false, true, false, false, true]);
  assert.deepEqual(answer.json[2], { success: false, errors: [{ statusCode: 'REQUIRED_FIELD_MISSING', message: 'Required fields are missing: [Name]', fields: ['Name'] }], created: false });
  assert.deepEqual(answer.json[3].errors[0], { statusCode: 'INVALID_FIELD', message: "No such column 'Nope__c' on sobject of type Account", fields: [] });
  assert.deepEqual(Object.keys(answer.json[0]), ['id', 'success', 'errors', 'created']);
  assert.equal(await count('Account'), 3);
});

test('collection upsert: bad keys', async () => {
  const answer = await org.upsertRows('Account', KEY, [account('a'), account('b'), account('a', { Name: 'again' }), { Name: 'x' }, account('c', { [KEY]: null }), account('d', { [KEY]: '' }), account('e', { [KEY]: 5 }), account('A')]);
  assert.deepEqual(codes(answer.json), ['DUPLICATE_VALUE', 'ok', 'DUPLICATE_VALUE', 'MISSING_ARGUMENT', 'MISSING_ARGUMENT', 'MISSING_ARGUMENT', 'JSON_PARSER_ERROR', 'ok']);
  assert.deepEqual(answer.json[0].errors[0], { statusCode: 'DUPLICATE_VALUE', message: 'Duplicate external id specified: cus_a', fields: [KEY] });
  assert.equal(await count('Account'), 2);
  const contacts = await org.upsertRows('Contact', KEY, [{ [KEY]: 'x', LastName: 'a' }, { [KEY]: 'X', LastName: 'b' }]);
  assert.deepEqual(codes(contacts.json), ['DUPLICATE_VALUE', 'DUPLICATE_VALUE'], 'a key without case sensitivity');
  for (const name of ['a', 'b']) await org.create('Account', { Name: name, Legacy_Id__c: 'L' });
  assert.deepEqual(codes((await org.upsertRows('Account', 'Legacy_Id__c', [{ Legacy_Id__c: 'L', Name: 'c' }])).json), ['DUPLICATE_EXTERNAL_ID']);
});

test('collection upsert: by Id and by idLookup, wrong fields and objects refused whole', async () => {
  const id = await org.create('Account', account(1));
  const byId = await org.upsertRows('Account', 'Id', [{ Id: id, Name: 'by id' }, { Name: 'new' }, { Id: null, Name: 'newer' }]);
  assert.deepEqual(byId.json.map((row) => row.created), [false, true, true]);
  const byMail = await org.upsertRows('Contact', 'Email', [{ Email: 'Ida@Example.com', LastName: 'Rook' }]);
  assert.equal(byMail.json[0].created, true);
  assert.equal((await org.upsertRows('Contact', 'Email', [{ Email: 'ida@example.com', LastName: 'Rook' }])).json[0].created, false);
  for (const [object, key] of [['Account', 'Phone'], ['Account', 'Nope__c'], ['Nope__c', KEY]]) {
    const answer = await org.upsertRows(object, key, [account(1)]);
    assert.equal(answer.status, 404);
    assert.equal(error(answer).errorCode, 'NOT_FOUND');
  }
  assert.deepEqual(codes((await org.call('PATCH', `composite/sobjects/Account/${KEY}`, { records: [{ attributes: { type: 'Contact' }, [KEY]: '1', LastName: 'x' }] })).json), ['INVALID_TYPE']);
});

test('collections: empty, over 200, envelope, attributes', async () => {
  const empty = await org.upsertRows('Account', KEY, []);
  assert.equal(empty.status, 400);
  assert.deepEqual(empty.json, [{ message: 'At least 1 record is required', errorCode: 'REQUIRED_FIELD_MISSING' }]);
  const over = await org.upsertRows('Account', KEY, many(201));
  assert.equal(over.status, 400);
  assert.deepEqual(over.json, [{ message: 'record limit reached. cannot submit more than 200 records into this call', errorCode: 'EXCEEDED_ID_LIMIT' }]);
  assert.equal((await org.upsertRows('Account', KEY, many(200))).json.length, 200);
  for (const body of [{ records: [account(1)], other: 1 }, { records: {} }, { allOrNone: 'no', records: [account(1)] }]) {
    assert.equal(error(await org.call('POST', 'composite/sobjects', body)).errorCode, 'JSON_PARSER_ERROR');
  }
  const rows = (await org.call('POST', 'composite/sobjects', { records: [{ Name: 'x' }, { Name: 'x', attributes: { type: 'Account' } }, { attributes: { type: 'Nope__c' } }, { attributes: { type: 'Account' }, Name: 'y' }] })).json;
  assert.deepEqual(codes(rows), ['JSON_PARSER_ERROR', 'JSON_PARSER_ERROR', 'INVALID_TYPE', 'ok']);
  assert.equal(rows[0].errors[0].message, 'Nested object for polymorphic foreign key must have an attributes field before any other fields.');
  assert.equal('created' in rows[3], false);
  const mixed = Array.from({ length: 11 }, (_, i) => ({ attributes: { type: i % 2 ? 'Contact' : 'Account' }, Name: 'x' }));
  assert.equal((await org.call('POST', 'composite/sobjects', { records: mixed })).status, 400);
});

test('collection update: ids', async () => {
  const id = await org.create('Account', account(1));
  const gone = await org.create('Account', account(2));
  await org.call('DELETE', `sobjects/Account/${gone}`);
  const contact = await org.create('Contact', { LastName: 'x' });
  const row = (more) => ({ attributes: { type: 'Account' }, ...more });
  const answer = await org.call('PATCH', 'composite/sobjects', { records: [row({ id, Name: 'n' }), row({ Name: 'n' }), row({ id: 'abc' }), row({ id: contact }), row({ id: gone }), row({ id: '001xx0000000000' })] });
  assert.deepEqual(codes(answer.json), ['ok', 'MISSING_ARGUMENT', 'MALFORMED_ID', 'MALFORMED_ID', 'ENTITY_IS_DELETED', 'INVALID_CROSS_REFERENCE_KEY']);
  assert.deepEqual(answer.json[1].errors[0], { statusCode: 'MISSING_ARGUMENT', message: 'Id not specified in an update call', fields: [] });
  assert.equal(answer.json[2].errors[0].message, 'malformed id abc');
  const twice = await org.call('PATCH', 'composite/sobjects', { records: [row({ id, Name: 'a' }), row({ id: id.slice(0, 15), Name: 'b' })] });
  assert.deepEqual(codes(twice.json), ['DUPLICATE_VALUE', 'DUPLICATE_VALUE']);
});

test('collection allOrNone: the culprit tells its error, the rest are rolled back', async () => {
  await org.upsertRows('Account', KEY, [account(1)]);
  const answer = await org.upsertRows('Account', KEY, [account(1, { Name: 'changed' }), account(2), { [KEY]: 'cus_3' }], true);
  assert.deepEqual(codes(answer.json), ['ALL_OR_NONE_OPERATION_ROLLED_BACK', 'ALL_OR_NONE_OPERATION_ROLLED_BACK', 'REQUIRED_FIELD_MISSING']);
  assert.equal(answer.json[0].errors[0].message, 'Record rolled back because not all records were valid and the request was using AllOrNone header');
  const [row] = (await org.control('GET', 'state/Account')).json;
  assert.equal(row.Name, 'Account 1');
  assert.equal(await count('Account'), 1);
  assert.equal((await org.upsertRows('Account', KEY, [account(2)])).json[0].created, true, 'the index was rolled back too');
});

test('collection delete and read', async () => {
  const ids = (await org.upsertRows('Account', KEY, many(3))).json.map((row) => row.id);
  const read = await org.call('POST', 'composite/sobjects/Account', { ids: [ids[1], '001xx0000000000', ids[0]], fields: ['Id', 'Name'] });
  assert.deepEqual(read.json.map((row) => row?.Name ?? null), ['Account 1', null, 'Account 0']);
  const inUrl = await org.call('GET', `composite/sobjects/Account?ids=${ids[0]}&fields=Name`);
  assert.deepEqual(Object.keys(inUrl.json[0]), ['attributes', 'Name']);
  assert.equal((await org.call('POST', 'composite/sobjects/Account', { ids, fields: ['Nope__c'] })).status, 400);
  assert.equal((await org.call('POST', 'composite/sobjects/Account', { ids: many(2001, () => ids[0]), fields: ['Id'] })).status, 400);
  const gone = await org.call('DELETE', `composite/sobjects?ids=${ids[0]},abc,${ids[0]},001xx0000000000&allOrNone=false`);
  assert.deepEqual(codes(gone.json), ['ok', 'MALFORMED_ID', 'ENTITY_IS_DELETED', 'INVALID_CROSS_REFERENCE_KEY']);
  assert.deepEqual(gone.json[0], { id: ids[0], success: true, errors: [] });
  const kept = await org.call('DELETE', `composite/sobjects?ids=${ids[1]},abc&allOrNone=true`);
  assert.deepEqual(codes(kept.json), ['ALL_OR_NONE_OPERATION_ROLLED_BACK', 'MALFORMED_ID']);
  assert.equal(await count('Account'), 2);
  assert.equal((await org.call('DELETE', 'composite/sobjects?ids=')).status, 400);
});

const rowsOf = (object, records) => ({ allOrNone: false, records: records.map((record) => ({ attributes: { type: object }, ...record })) });
const upserts = (referenceId, object, records) => ({ method: 'PATCH', url: `${BASE}/composite/sobjects/${object}/${KEY}`, referenceId, body: rowsOf(object, records) });

test('composite: parents and children in one counted call', async () => {
  await org.control('POST', 'settings', { daily_used: 0 });
  const answer = await org.composite([
    upserts('accounts', 'Account', many(200)),
    upserts('subscriptions', 'Billhook_Subscription__c', many(200, (i) => ({ [KEY]: `sub_${i}`, Name: `S-${i}`, Account__r: { [KEY]: `cus_${i}` } }))),
    { method: 'GET', url: `${BASE}/query?q=SELECT+Id+FROM+Organization`, referenceId: 'org' },
  ]);
  assert.equal(answer.status, 200);
  const [first, second, third] = answer.json.compositeResponse;
  assert.deepEqual(Object.keys(first), ['body', 'httpHeaders', 'httpStatusCode', 'referenceId']);
  assert.deepEqual([first.httpStatusCode, first.referenceId, first.body.length], [200, 'accounts', 200]);
  assert.ok(second.body.every((row) => row.success && row.created));
  assert.equal(third.body.totalSize, 1);
  assert.equal(answer.headers['sforce-limit-info'], 'api-usage=1/15000');
  const log = (await org.control('GET', 'calls')).json.at(-1);
  assert.deepEqual([log.status, log.records, log.kind], [200, 401, 'composite']);
  assert.deepEqual(log.subrequests[0], { method: 'PATCH', url: `${BASE}/composite/sobjects/Account/${KEY}`, records: 200, status: 200 });
});

test('composite: a child before its parent fails, and collating may reorder', async () => {
  const parent = upserts('accounts', 'Account', [account(1)]);
  const child = upserts('subscriptions', 'Billhook_Subscription__c', [{ [KEY]: 'sub_1', Name: 'S', Account__r: { [KEY]: 'cus_1' } }]);
  const reversed = await org.composite([child, parent]);
  assert.equal(reversed.json.compositeResponse[0].body[0].errors[0].message, `Foreign key external ID: cus_1 not found for field ${KEY} in entity Account`);
  await org.control('POST', 'reset', {});
  const collated = await org.composite([parent, child], { collateSubrequests: undefined });
  assert.deepEqual(collated.json.compositeResponse.map((one) => one.referenceId), ['accounts', 'subscriptions']);
  assert.equal(collated.json.compositeResponse[1].body[0].success, false);
});

test('composite: limits are told inside a 200', async () => {
  const limit = (n) => ({ method: 'GET', url: `${BASE}/limits`, referenceId: `r${n}` });
  const over = await org.composite(many(26, limit));
  assert.equal(over.status, 200);
  assert.deepEqual(over.json.compositeResponse, [{ body: [{ errorCode: 'LIMIT_EXCEEDED', message: "The request can't contain more than 25 operations." }], httpHeaders: {}, httpStatusCode: 400, referenceId: null }]);
  assert.equal((await org.composite(many(25, limit))).json.compositeResponse.length, 25);
  const six = await org.composite([...many(5, (n) => upserts(`c${n}`, 'Account', [account(n)])), { method: 'GET', url: `${BASE}/query?q=SELECT+Id+FROM+Account`, referenceId: 'q' }]);
  assert.equal(six.json.compositeResponse.length, 1);
  assert.equal(six.json.compositeResponse[0].body[0].errorCode, 'LIMIT_EXCEEDED');
  assert.equal(await count('Account'), 0);
});

test('composite: malformed envelopes are 400', async () => {
  const good = { method: 'GET', url: `${BASE}/limits`, referenceId: 'a' };
  const bad = [
    [{ ...good, url: '/limits' }], [{ ...good, url: 'services/data/v67.0/limits' }], [good, good], [{ ...good, referenceId: '_a' }],
    [{ ...good, referenceId: 'a-b' }], [{ ...good, referenceId: undefined }], [{ ...good, method: 'FETCH' }], [{ ...good, other: 1 }], [],
    ...['Accept', 'authorization', 'Content-Type'].map((name) => [{ ...good, httpHeaders: { [name]: 'x' } }]),
  ];
  for (const requests of bad) assert.equal((await org.composite(requests)).status, 400, JSON.stringify(requests));
  assert.equal((await org.call('POST', 'composite', { requests: [] })).status, 400);
  assert.equal((await org.composite([good], { allOrNone: 'yes' })).status, 400);
});

test('composite: sub-request statuses, null bodies, headers, forbidden resources', async () => {
  const id = await org.create('Account', account(1));
  const { json } = await org.composite([
    { method: 'PATCH', url: `${BASE}/sobjects/Account/${id}`, referenceId: 'a', body: { Name: 'n' } },
    { method: 'POST', url: `${BASE}/sobjects/Account`, referenceId: 'b', body: { Name: 'm' } },
    { method: 'GET', url: `${BASE}/sobjects/Account/${KEY}/none`, referenceId: 'c' },
    { method: 'POST', url: `${BASE}/composite`, referenceId: 'd', body: { compositeRequest: [] } },
    { method: 'GET', url: '/services/data/v99.0/limits', referenceId: 'e' },
    { method: 'POST', url: `${BASE}/limits`, referenceId: 'f' },
    { method: 'POST', url: `${BASE}/sobjects/Contact`, referenceId: 'g', body: {} },
    { method: 'DELETE', url: `${BASE}/sobjects/Account/${id}`, referenceId: 'h' },
  ]);
  const all = json.compositeResponse;
  assert.deepEqual(all.map((one) => one.httpStatusCode), [204, 201, 404, 404, 404, 405, 400, 204]);
  assert.equal(all[0].body, null);
  assert.match(all[1].httpHeaders.Location, /^\/services\/data\/v67\.0\/sobjects\/Account\/001/);
  assert.equal(all[6].body[0].errorCode, 'REQUIRED_FIELD_MISSING');
});

test('composite: references in url and body', async () => {
  const { json } = await org.composite([
    { method: 'POST', url: `${BASE}/sobjects/Account`, referenceId: 'acc', body: account(1) },
    { method: 'POST', url: `${BASE}/sobjects/Contact`, referenceId: 'con', body: { LastName: 'x', AccountId: '@{acc.id}' } },
    { method: 'GET', url: `${BASE}/query?q=SELECT+Id+FROM+Account+WHERE+Id='@{acc.id}'`, referenceId: 'q' },
    { method: 'GET', url: `${BASE}/sobjects/Account/@{q.records[0].Id}?fields=Name`, referenceId: 'r' },
    { method: 'GET', url: `${BASE}/sobjects/Account/@{acc.nothing}`, referenceId: 's' },
    { method: 'POST', url: `${BASE}/sobjects/Contact`, referenceId: 't', body: {} },
    { method: 'GET', url: `${BASE}/sobjects/Contact/@{t.id}`, referenceId: 'u' },
    { method: 'GET', url: `${BASE}/sobjects/Contact/@{ACC.id}`, referenceId: 'v' },
  ]);
  const all = json.compositeResponse;
  assert.deepEqual(all.map((one) => one.httpStatusCode), [201, 201, 200, 200, 400, 400, 400, 400]);
  assert.equal(all[3].body.Name, 'Account 1');
  assert.match(all[4].body[0].message, /^Invalid reference specified\. No value for acc\.nothing found in acc/);
  assert.equal(all[6].body[0].message, 'Execution halted as previous operation (t) was not successful.');
  assert.equal(all[7].body[0].errorCode, 'PROCESSING_HALTED');
});

test('composite allOrNone: everything is rolled back', async () => {
  const { json } = await org.composite([
    upserts('a', 'Account', [account(1)]),
    { method: 'POST', url: `${BASE}/sobjects/Contact`, referenceId: 'b', body: {} },
    upserts('c', 'Account', [account(2)]),
  ], { allOrNone: true });
  const [a, b, c] = json.compositeResponse;
  assert.deepEqual([a.httpStatusCode, b.httpStatusCode, c.httpStatusCode], [400, 400, 400]);
  assert.deepEqual(a.body, [{ errorCode: 'PROCESSING_HALTED', message: 'The transaction was rolled back since another operation in the same transaction failed.' }]);
  assert.equal(b.body[0].errorCode, 'REQUIRED_FIELD_MISSING');
  assert.equal(c.body[0].errorCode, 'PROCESSING_HALTED');
  assert.equal(await count('Account'), 0);
  const rows = await org.composite([upserts('a', 'Account', [account(1)]), upserts('b', 'Account', [account(2), { [KEY]: 'x' }])], { allOrNone: true });
  assert.deepEqual(codes(rows.json.compositeResponse[1].body), ['ALL_OR_NONE_OPERATION_ROLLED_BACK', 'REQUIRED_FIELD_MISSING']);
  assert.equal(await count('Account'), 0);
});

test('batch: independent requests, haltOnError, url form', async () => {
  const good = { method: 'GET', url: 'v67.0/limits' };
  const wrong = { method: 'GET', url: 'v67.0/sobjects/Nope/describe' };
  const answer = await org.call('POST', 'composite/batch', { batchRequests: [good, wrong, { method: 'POST', url: 'v67.0/sobjects/Account', richInput: { Name: 'x' } }] });
  assert.deepEqual(answer.json.results.map((one) => one.statusCode), [200, 404, 201]);
  assert.equal(answer.json.hasErrors, true);
  const halted = await org.call('POST', 'composite/batch', { haltOnError: true, batchRequests: [wrong, good] });
  assert.deepEqual(halted.json.results.map((one) => one.statusCode), [404, 412]);
  assert.equal((await org.call('POST', 'composite/batch', { batchRequests: [{ method: 'GET', url: '/services/data/v67.0/limits' }] })).status, 400);
  assert.equal((await org.call('POST', 'composite/batch', { batchRequests: many(26, () => good) })).status, 400);
});
