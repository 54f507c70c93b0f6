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

const ANSWERS = [
  ['a batch', { status: 200, body: batch() }, null],
  ['a part of it failed', { status: 207, body: batch({ numErrors: 1, errors: [{ status: 'error', category: 'CONFLICT', message: 'taken', context: { ids: ['1'] } }] }) }, null],
  ['a status that there is not', { status: 202, body: batch() }, /202 is no answer/],
  ['another state', { status: 200, body: batch({ status: 'DONE' }) }, /allowed values/],
  ['an id that is a number', { status: 200, body: batch({ results: [{ ...RECORD, id: 1 }] }) }, /id must be string/],
  ['a time that is none', { status: 200, body: batch({ startedAt: 'now' }) }, /format "date-time"/],
  ['a refusal is not looked at', { status: 400, body: 'x' }, null],
  ['no JSON', { status: 200, body: '<html>' }, /no JSON/],
];

for (const [name, answer, want] of ANSWERS) test(`answer: ${name}`, () => says(validator.answer(upsert(GOOD), answer), want));

test('each correction names schemas that there are, and says why', () => {
  const names = new Set(new Documents().schemaNames);
  for (const { why, schemas } of SCHEMA_CORRECTIONS) {
    assert.ok(why.length > 10);
    for (const name of schemas) assert.ok(names.has(name), name);
  }
});
