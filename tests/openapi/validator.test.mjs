// The validator itself: what it lets pass, and what not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Documents } from './documents.mjs';
import { SCHEMA_CORRECTIONS } from './corrections.mjs';
import { Validator } from './validator.mjs';

const validator = new Validator();
const json = (method, url, body) => ({ method, url, contentType: 'application/json', body: JSON.stringify(body) });
const upsert = (input) => json('POST', '/crm/objects/2026-09/companies/batch/upsert', { inputs: [input] });
const GOOD = { id: 'c1', idProperty: 'billhook_customer_id', properties: { name: 'Fernhill' }, objectWriteTraceId: 'r0' };

const REQUESTS = [
  ['an upsert', upsert(GOOD), null],
  ['a custom object in 2026-03', json('POST', '/crm/objects/2026-03/2-77/batch/read', { inputs: [{ id: '1' }] }), null],
  ['a member that the documents do not know', upsert({ ...GOOD, traceId: 'r0' }), /additional properties \(traceId\)/],
  ['a member left out', upsert({ id: 'c1' }), /required property 'properties'/],
  ['a number as a property', upsert({ ...GOOD, properties: { mrr: 5 } }), /must be string/],
  ['an address that is none', json('POST', '/crm/objects/2026-09/companies/batch/put', { inputs: [] }), /no such call/],
  ['another version', json('POST', '/crm/objects/2020-01/companies/batch/read', { inputs: [] }), /no such call/],
  ['another method', json('PUT', '/crm/objects/2026-09/companies/batch/read', { inputs: [] }), /no such call/],
  ['a parameter', { method: 'GET', url: '/crm-object-schemas/2026-09/schemas?archived=false', contentType: '', body: '' }, null],
  ['a parameter that there is not', { method: 'GET', url: '/crm-object-schemas/2026-09/schemas?deleted=1', contentType: '', body: '' }, /no query parameter deleted/],
  ['a parameter of another type', { method: 'GET', url: '/crm-object-schemas/2026-09/schemas?archived=maybe', contentType: '', body: '' }, /must be boolean/],
  ['a body where there is none', json('GET', '/account-info/2026-09/details', {}), /a body where/],
  ['no body where there is one', { ...upsert(GOOD), body: '' }, /no body/],
  ['a form where JSON is taken', { ...upsert(GOOD), contentType: 'application/x-www-form-urlencoded' }, /is taken/],
  ['a form', { method: 'POST', url: '/oauth/2026-09/token', contentType: 'application/x-www-form-urlencoded', body: 'grant_type=refresh_token&refresh_token=r' }, null],
  ['a grant that there is not', { method: 'POST', url: '/oauth/2026-09/token', contentType: 'application/x-www-form-urlencoded', body: 'grant_type=password' }, /grant_type/],
];

const says = (said, want) => (want === null ? assert.deepEqual(said, []) : assert.match(said.join('\n'), want));

for (const [name, call, want] of REQUESTS) test(`request: ${name}`, () => says(validator.request(call), want));

const TIMES = { startedAt: '2026-11-22T04:00:00.000Z', completedAt: '2026-11-22T04:00:00.100Z' };
const RECORD = { id: '1', properties: { name: 'Fernhill', phone: null }, createdAt: TIMES.startedAt, updatedAt: TIMES.startedAt, archived: false, new: true };
const batch = (more) => JSON.stringify({ status: 'COMPLETE', results: [RECORD], ...TIMES, ...more });

const refusal = (more) => JSON.stringify({ status: 'error', message: 'It cannot be so.', ...more });

const ANSWERS = [
  ['a batch', { status: 200, body: batch() }, null],
  ['a part of it failed', { status: 207, body: batch({ numErrors: 1, errors: [{ status: 'error', category: 'CONFLICT', message: 'taken', context: { ids: ['1'] } }] }) }, null],
  ['a status that there is not', { status: 202, body: batch() }, /202 is no answer/],
  ['another state', { status: 200, body: batch({ status: 'DONE' }) }, /allowed values/],
  ['an id that is a number', { status: 200, body: batch({ results: [{ ...RECORD, id: 1 }] }) }, /id must be string/],
  ['a time that is none', { status: 200, body: batch({ startedAt: 'now' }) }, /format "date-time"/],
  ['a success without a member', { status: 200, body: batch({ results: [{ ...RECORD, archived: undefined }] }) }, /required property 'archived'/],
  ['a success with a member that the documents do not know', { status: 200, body: batch({ results: [{ ...RECORD, label: 'x' }] }) }, /additional properties \(label\)/],
  ['a refusal', { status: 400, body: refusal({ category: 'VALIDATION_ERROR', correlationId: '0aa0e5fb-7c5e-4e0f-9a3a-3f1d6b6f3a10' }) }, null],
  ['a refusal that knows its message alone', { status: 423, body: refusal({}) }, null],
  ['a refusal without a message', { status: 400, body: '{"status":"error","category":"VALIDATION_ERROR"}' }, /required property 'message'/],
  ['a refusal with a number for a text', { status: 400, body: refusal({ category: 5 }) }, /category must be string/],
  ['a refusal with a context of texts', { status: 400, body: refusal({ context: { id: '1' } }) }, /context\/id must be array/],
  ['a refusal with an id that is none', { status: 400, body: refusal({ correlationId: 'x' }) }, /format "uuid"/],
  ['a refusal with a member that nobody knows', { status: 400, body: refusal({ reason: 'x' }) }, /additional properties \(reason\)/],
  ['a refusal that is no JSON', { status: 400, body: '<html>' }, /no JSON/],
  ['a limit', { status: 429, body: refusal({ errorType: 'RATE_LIMIT', policyName: 'DAILY' }) }, null],
  ['a gateway\'s page', { status: 502, body: '<html></html>' }, null],
  ['a gateway\'s word that is no page', { status: 502, body: 'bad gateway' }, /no JSON/],
  ['no JSON', { status: 200, body: '<html>' }, /no JSON/],
];

for (const [name, answer, want] of ANSWERS) test(`answer: ${name}`, () => says(validator.answer(upsert(GOOD), answer), want));

const nowhere = { method: 'GET', url: '/crm/objects/2026-09/companies/batch/nothing/more', contentType: '', body: '' };

test('what there is not can be refused, and cannot be answered', () => {
  says(validator.answer(nowhere, { status: 404, body: '<html></html>' }), null);
  says(validator.answer(nowhere, { status: 200, body: '{}' }), /no such call/);
  says(validator.answer(nowhere, { status: 404, body: '{"status":"error","text":"x"}' }), /additional properties \(text\)/);
});

test('tokens are refused in words of their own', () => {
  const call = { method: 'POST', url: '/oauth/2026-09/token', contentType: 'application/x-www-form-urlencoded', body: 'grant_type=refresh_token&refresh_token=r' };
  says(validator.answer(call, { status: 400, body: '{"error":"invalid_grant","error_description":"x"}' }), null);
  says(validator.answer(call, { status: 400, body: '{}' }), /required property 'error'/);
  says(validator.answer(upsert(GOOD), { status: 400, body: '{"message":"x","error_description":"x"}' }), /error_description/);
});

test('every call of the documents has its answers and its refusal', () => {
  for (const operation of validator.documents.operations) {
    const at = `${operation.method} ${operation.path}`, claims = Object.keys(operation.responses).filter((status) => status !== 'default');
    assert.notEqual(operation.refusal(), undefined, at);
    for (const status of claims.filter((one) => one !== '204')) assert.equal(typeof operation.answer(Number(status)), 'function', `${at}: ${status}`);
  }
});

test('each correction names schemas that there are, and says why', () => {
  const names = new Set(new Documents().schemaNames);
  for (const { why, schemas } of SCHEMA_CORRECTIONS) {
    assert.ok(why.length > 10);
    for (const name of schemas) assert.ok(names.has(name), name);
  }
});
