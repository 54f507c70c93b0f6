// The strictness of the HubSpot simulator, rule by rule: tokens, bodies,
// values, records, batches, links. Definitions, limits and faults are in
// hubspot-portal.test.mjs.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { company, SCHEMA, start, V } from './hubspot/driver.mjs';

let hs;
let invoices; // object type id of the custom object
let links; // its association rows

before(async () => {
  hs = await start({ ten_second_limit: 100000, association_ten_second_limit: 100000, search_second_limit: 100000 });
});
after(() => hs.stop());
beforeEach(async () => {
  await hs.post('/_sim/reset', { schema: true });
  const { body } = await hs.post('/_sim/schema', SCHEMA);
  invoices = body.objectTypes.LagoInvoices.objectTypeId;
  links = body.objectTypes.LagoInvoices.associations;
});

const problem = (body) => JSON.parse(body.message.slice(body.message.indexOf('[')))[0];

describe('paths and versions', () => {
  it('answers the dated and the older form of a path', async () => {
    for (const path of ['/crm/objects/2026-09/companies', '/crm/objects/2026-03/company', '/crm/v3/objects/0-2'])
      assert.equal((await hs.get(path)).status, 200, path);
    assert.equal((await hs.get(`/crm/v4/associations/contacts/companies/labels`)).status, 200);
  });
  it('answers an HTML 404 to an unknown version or path', async () => {
    for (const path of ['/crm/objects/2024-01/companies', '/crm/v9/objects/companies', '/crm/v4/objects/companies', '/nothing']) {
      const { status, headers, body } = await hs.get(path);
      assert.equal(status, 404, path);
      assert.match(headers.get('content-type'), /^text\/html/);
      assert.equal(typeof body, 'string');
    }
  });
  it('answers 405 to a wrong method', async () => {
    const { status, body } = await hs.call('PUT', `/crm/objects/${V}/companies/batch/upsert`, {});
    assert.equal(status, 405);
    assert.equal(body.category, 'METHOD_NOT_ALLOWED');
  });
  it('lists links of a record by GET in 2026-03 but not in 2026-09', async () => {
    const { body } = await hs.post('/_sim/records', { companies: [{ properties: { name: 'Fernhill' } }] });
    const id = body.companies[0];
    assert.equal((await hs.get(`/crm/objects/2026-03/companies/${id}/associations/contacts`)).status, 200);
    assert.equal((await hs.get(`/crm/objects/2026-09/companies/${id}/associations/contacts`)).status, 404);
  });
  it('refuses the bare name of a custom object', async () => {
    const { status, body } = await hs.get(`/crm/objects/${V}/LagoInvoices`);
    assert.equal(status, 400);
    assert.equal(body.message, 'Unable to infer object type from: LagoInvoices');
    assert.equal((await hs.get(`/crm/objects/${V}/p4711000_LagoInvoices`)).status, 200);
    assert.equal((await hs.get(`/crm/objects/${V}/${invoices}`)).status, 200);
    assert.equal((await hs.get(`/crm/objects/${V}/2-1`)).status, 404);
  });
  it('answers 414 to a URL that is too long', async () => {
    assert.equal((await hs.get(`/crm/objects/${V}/companies?properties=${'x'.repeat(9000)}`)).status, 414);
  });
});

describe('tokens and scopes', () => {
  const refresh = { grant_type: 'refresh_token', client_id: 'sim-client', client_secret: 'sim-secret', refresh_token: 'sim-refresh' };
  const bearer = (token) => ({ Authorization: `Bearer ${token}` });
  const details = (token) => hs.get(`/account-info/${V}/details`, bearer(token));

  it('demands a token that it knows', async () => {
    for (const header of [{ Authorization: '' }, bearer('pat-na1-nobody'), { Authorization: 'Basic eDp5' }]) {
      const { status, body } = await hs.get(`/account-info/${V}/details`, header);
      assert.equal(status, 401);
      assert.equal(body.category, 'INVALID_AUTHENTICATION');
      assert.match(body.correlationId, /^[0-9a-f-]{36}$/);
    }
  });
  it('refreshes, and expires what it gave', async () => {
    const { status, body } = await hs.form(`/oauth/${V}/token`, refresh);
    assert.equal(status, 200);
    assert.equal(body.expires_in, 1800);
    assert.equal(body.hub_id, 4711000);
    assert.equal(body.refresh_token, 'sim-refresh');
    assert.ok(body.access_token.length > 300);
    assert.equal((await details(body.access_token)).status, 200);
    await hs.fault({ match: { path: 'details' }, do: { expire_token: true } });
    const expired = await details(body.access_token);
    assert.equal(expired.status, 401);
    assert.equal(expired.body.category, 'EXPIRED_AUTHENTICATION');
    assert.match(expired.body.message, /expired \d+ second/);
  });
  it('names what is wrong with a token call', async () => {
    const wrong = [[{ client_id: 'x' }, 'BAD_CLIENT_ID'], [{ client_secret: 'x' }, 'BAD_CLIENT_SECRET'],
      [{ grant_type: 'password' }, 'BAD_GRANT_TYPE'], [{ refresh_token: 'x' }, 'BAD_REFRESH_TOKEN'],
      [{ grant_type: 'authorization_code', code: 'x', redirect_uri: 'https://a.example.com/' }, 'BAD_AUTH_CODE']];
    for (const [change, status] of wrong) {
      const answer = await hs.form(`/oauth/${V}/token`, { ...refresh, ...change });
      assert.equal(answer.status, 400);
      assert.equal(answer.body.status, status);
      assert.equal(answer.body.category, undefined);
      assert.equal(answer.body.message, answer.body.error_description);
    }
    assert.equal((await hs.post(`/oauth/${V}/token`, refresh)).status, 415);
  });
  it('leads through the install page and takes a code once', async () => {
    const redirect = 'https://billing.example.com/return';
    const page = (more) => hs.get(`/oauth/authorize?${new URLSearchParams({
      client_id: 'sim-client', redirect_uri: redirect, scope: 'oauth crm.objects.companies.read',
      optional_scope: 'crm.schemas.custom.write', state: 's1', ...more,
    })}`);
    await hs.set({ enterprise: false, authorize: 'grant' });
    const { status, headers } = await page();
    assert.equal(status, 302);
    const back = new URL(headers.get('location'));
    assert.equal(back.searchParams.get('state'), 's1');
    const exchange = {
      grant_type: 'authorization_code', client_id: 'sim-client', client_secret: 'sim-secret',
      redirect_uri: redirect, code: back.searchParams.get('code'),
    };
    const { body } = await hs.form(`/oauth/${V}/token`, exchange);
    assert.deepEqual(body.scopes, ['oauth', 'crm.objects.companies.read']);
    assert.equal((await hs.form(`/oauth/${V}/token`, exchange)).body.status, 'BAD_AUTH_CODE');
    assert.equal((await page({ redirect_uri: 'http://billing.example.com/' })).status, 400);
    assert.equal((await page({ scope: 'oauth crm.schemas.custom.write' })).status, 400);
    assert.equal((await page({ client_id: 'other' })).status, 400);
    await hs.set({ enterprise: true, authorize: 'deny' });
    assert.match((await page()).headers.get('location'), /error=access_denied/);
    await hs.set({ authorize: 'ask' });
  });
  it('asks a person, whose answer counts once', async () => {
    const redirect = 'https://billing.example.com/return?a=b';
    const page = async (more) => hs.get(`/oauth/4711000/authorize?${new URLSearchParams({
      client_id: 'sim-client', redirect_uri: redirect, scope: 'oauth crm.objects.contacts.read', state: 's&2', ...more,
    })}`);
    const asked = await page();
    assert.equal(asked.status, 200);
    assert.match(asked.body, /<li>crm\.objects\.contacts\.read<\/li>/);
    const request = /name="request" value="([0-9a-f]+)"/.exec(asked.body)[1];
    const allowed = await hs.form('/oauth/approve', { request, decision: 'allow' });
    const back = new URL(allowed.headers.get('location'));
    assert.equal(back.searchParams.get('state'), 's&2');
    assert.equal(back.searchParams.get('a'), 'b');
    assert.equal((await hs.form('/oauth/approve', { request, decision: 'allow' })).status, 400);
    const client = { grant_type: 'authorization_code', client_id: 'sim-client', client_secret: 'sim-secret', code: back.searchParams.get('code') };
    const other = await hs.form(`/oauth/${V}/token`, { ...client, redirect_uri: 'https://billing.example.com/return' });
    assert.equal(other.body.status, 'BAD_AUTH_CODE');
    const again = /value="([0-9a-f]+)"/.exec((await page()).body)[1];
    const denied = await hs.form('/oauth/approve', { request: again, decision: 'deny' });
    assert.match(denied.headers.get('location'), /a=b&error=access_denied&.*state=s%262/);
    await hs.set({ app_scopes: ['oauth'] });
    assert.equal((await page()).status, 400);
    await hs.set({ app_scopes: [], redirect_uris: ['https://billing.example.com/other'] });
    assert.equal((await page()).status, 400);
    await hs.set({ redirect_uris: [] });
  });
  it('introspects, revokes, uninstalls', async () => {
    const { access_token: token } = (await hs.form(`/oauth/${V}/token`, refresh)).body;
    const client = { client_id: 'sim-client', client_secret: 'sim-secret' };
    const live = await hs.form(`/oauth/${V}/token/introspect`, { ...client, token, token_type_hint: 'access_token' });
    assert.equal(live.body.active, true);
    assert.equal(live.body.hub_id, 4711000);
    assert.equal((await hs.get(`/oauth/v1/access-tokens/${token}`)).body.token_type, 'access');
    await hs.form(`/oauth/${V}/token/revoke`, { ...client, token: 'sim-refresh' });
    assert.equal((await hs.form(`/oauth/${V}/token`, refresh)).body.status, 'BAD_REFRESH_TOKEN');
    assert.equal((await details(token)).status, 200);
    assert.equal((await hs.call('DELETE', `/appinstalls/${V}/external-install`, undefined, bearer(token))).status, 204);
    assert.equal((await details(token)).status, 401);
    assert.deepEqual((await hs.form(`/oauth/${V}/token/introspect`, { ...client, token })).body, { active: false });
  });
  it('tells the scopes of a pasted token', async () => {
    const { body } = await hs.post('/oauth/v2/private-apps/get/access-token-info', { tokenKey: 'pat-sim-token' }, { Authorization: '' });
    assert.equal(body.hubId, 4711000);
    assert.ok(body.scopes.includes('crm.schemas.custom.write'));
  });
  it('refuses calls whose scope is missing', async () => {
    await hs.set({ withheld_scopes: ['crm.objects.companies.write'] });
    const { status, body } = await hs.batch('companies', 'upsert', [company('c1')]);
    assert.equal(status, 403);
    assert.equal(body.category, 'MISSING_SCOPES');
    assert.deepEqual(body.errors[0].context.requiredGranularScopes, ['crm.objects.companies.write']);
    await hs.set({ withheld_scopes: [], enterprise: false });
    const schema = await hs.post(`/crm-object-schemas/${V}/schemas`, { ...SCHEMA.schemas[0], name: 'Other' });
    assert.equal(schema.status, 403);
    assert.equal(schema.body.category, 'MISSING_SCOPES');
    await hs.set({ enterprise: true });
  });
});

describe('request bodies', () => {
  const path = `/crm/objects/${V}/companies/batch/upsert`;
  const cases = [
    ['bad JSON', '{"inputs":[', /^Invalid input JSON on line 1, column \d+: /],
    ['no body', '', /No content/],
    ['missing members', '{}', /^Invalid input JSON on line 1, column \d+\. Some required fields were not set: \[inputs\]$/],
    ['an unknown member', '{"inputs":[{"id":"a","idProperty":"lago_customer_id","properties":{},"associations":[]}]}', /Unrecognized field "associations"/],
    ['a value that is no text', '{"inputs":[{"id":"a","idProperty":"lago_customer_id","properties":{"name":["x"]}}]}', /java\.lang\.String/],
    ['a null value', '{"inputs":[{"id":"a","idProperty":"lago_customer_id","properties":{"name":null}}]}', /java\.lang\.String/],
    ['an id that is no string', '{"inputs":[{"id":1,"properties":{}}]}', /"id"/],
  ];
  for (const [name, body, message] of cases)
    it(`refuses ${name}`, async () => {
      const answer = await hs.post(path, body);
      assert.equal(answer.status, 400);
      assert.match(answer.body.message, message);
      assert.equal(answer.body.category, undefined);
    });
  it('refuses bytes that are not UTF-8 and other content types', async () => {
    assert.equal((await hs.post(path, Buffer.from([0x7b, 0xff, 0x7d]))).status, 400);
    assert.equal((await hs.post(path, '{}', { 'Content-Type': 'text/plain' })).status, 415);
  });
});

describe('property values', () => {
  const cases = [
    ['nothing_like_it', 'x', 'PROPERTY_DOESNT_EXIST'],
    ['hs_object_id', '1', 'READ_ONLY_VALUE'],
    ['annualrevenue', '1,000', 'INVALID_INTEGER'],
    ['annualrevenue', '1e3', 'INVALID_INTEGER'],
    ['delinquent', 'yes', 'INVALID_OPTION'],
    ['type', 'prospect', 'INVALID_OPTION'],
    ['type', 'PROSPECT;VENDOR', 'INVALID_OPTION'],
    ['plans', 'pro;gold', 'INVALID_OPTION'],
    ['renewal', '1700000000000', 'INVALID_DATE'],
    ['renewal', '2026-02-30', 'INVALID_DATE'],
    ['renewal', '2026-02-03T00:00:00Z', 'INVALID_DATE'],
    ['seen', '2026-02-03', 'INVALID_DATE'],
    ['seen', '2026-02-03T10:00:00+02:00', 'INVALID_DATE'],
    ['name', 'x'.repeat(65537), 'INVALID_LENGTH'],
    ['hubspot_owner_id', '9586504', 'INVALID_OPTION'], // a user id, not an owner id
  ];
  for (const [name, value, code] of cases)
    it(`refuses ${name} = ${value.slice(0, 30)} with ${code}`, async () => {
      const { status, body } = await hs.post(`/crm/objects/${V}/companies`, { properties: { name: 'Fernhill', [name]: value } });
      assert.equal(status, 400);
      assert.equal(body.category, 'VALIDATION_ERROR');
      assert.equal(problem(body).error, code);
      assert.equal(problem(body).name, name);
      assert.equal(body.errors[0].code, code);
    });
  it('keeps good values in their one form', async () => {
    const { status, body } = await hs.post(`/crm/objects/${V}/companies`, {
      properties: {
        name: 'Fernhill', domain: 'fernhill.example.com', annualrevenue: 12.5, delinquent: true, renewal: '1767225600000',
        seen: '1767225600123', plans: 'basic;pro', hubspot_owner_id: '41629779',
      },
    });
    assert.equal(status, 201);
    const { website, renewal, seen, annualrevenue, delinquent, lifecyclestage } = body.properties;
    assert.deepEqual({ website, renewal, seen, annualrevenue, delinquent, lifecyclestage }, {
      website: 'fernhill.example.com', renewal: '2026-01-01', seen: '2026-01-01T00:00:00.123Z',
      annualrevenue: '12.5', delinquent: 'true', lifecyclestage: 'lead',
    });
    assert.match(body.createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    await hs.call('PATCH', `/crm/objects/${V}/companies/${body.id}`, { properties: { plans: ';max', website: '' } });
    const { body: read } = await hs.get(`/crm/objects/${V}/companies/${body.id}?properties=plans,website&properties=bogus`);
    assert.deepEqual(Object.keys(read.properties).sort(),
      ['createdate', 'domain', 'hs_lastmodifieddate', 'hs_object_id', 'name', 'plans', 'website']);
    assert.equal(read.properties.plans, 'basic;pro;max');
    assert.equal(read.properties.website, null);
    assert.equal(read.properties.hs_object_id, read.id);
  });
  it('moves the lifecycle stage forward only', async () => {
    const { body: { id } } = await hs.post(`/crm/objects/${V}/companies`, { properties: { name: 'Fernhill', lifecyclestage: 'customer' } });
    const set = async (stage) => {
      const { status, body } = await hs.call('PATCH', `/crm/objects/${V}/companies/${id}`, { properties: { lifecyclestage: stage, city: 'Ash' } });
      assert.equal(status, 200);
      assert.ok(body.properties.hs_lastmodifieddate);
      return (await hs.state('companies'))[0].properties.lifecyclestage;
    };
    assert.equal(await set('lead'), 'customer');
    assert.equal(await set(''), undefined);
    assert.equal(await set('lead'), 'lead');
  });
  it('demands what a new record needs', async () => {
    const needs = [['companies', { city: 'Ash' }, ['name', 'domain']], ['deals', { dealname: 'x' }, ['dealstage']],
      ['tasks', { hs_task_subject: 'x' }, ['hs_timestamp']], [invoices, { lago_invoice_number: '1' }, ['lago_invoice_id']]];
    for (const [type, properties, missing] of needs) {
      const { status, body } = await hs.post(`/crm/objects/${V}/${type}`, { properties });
      assert.equal(status, 400, type);
      assert.match(body.message, /Some required properties were not set\.$/);
      assert.deepEqual(body.context.properties, missing);
    }
    await hs.set({ required_properties: { companies: ['phone'] } });
    const { body } = await hs.post(`/crm/objects/${V}/companies`, { properties: { name: 'x' } });
    assert.equal(problem(body).error, 'MISSING_REQUIRED_PROPERTY');
    assert.equal((await hs.post('/crm/objects/2026-03/companies', { properties: { name: 'x' } })).status, 201);
    await hs.set({ required_properties: {} });
  });
});

describe('single records', () => {
  it('creates, reads, changes and archives', async () => {
    const { body: made } = await hs.post(`/crm/objects/${V}/companies`, { properties: { name: 'Fernhill', lago_customer_id: 'c1' } });
    assert.match(made.id, /^\d{11}$/);
    assert.equal((await hs.get(`/crm/objects/${V}/companies/c1?idProperty=lago_customer_id`)).body.id, made.id);
    const none = await hs.call('PATCH', `/crm/objects/${V}/companies/${made.id}`, { properties: {} });
    assert.equal(none.body.message, 'No properties found to update, please provide at least one.');
    assert.deepEqual(none.body.context.properties, ['{}']);
    assert.equal((await hs.call('DELETE', `/crm/objects/${V}/companies/${made.id}`)).status, 204);
    const gone = await hs.get(`/crm/objects/${V}/companies/${made.id}`);
    assert.equal(gone.status, 404);
    assert.equal(gone.body.message, 'resource not found');
    const archived = await hs.get(`/crm/objects/${V}/companies/${made.id}?archived=true`);
    assert.equal(archived.body.archived, true);
    assert.ok(archived.body.archivedAt);
    // An archived record gives its unique value free.
    const { body } = await hs.batch('companies', 'upsert', [company('c1')]);
    assert.equal(body.results[0].new, true);
    assert.notEqual(body.results[0].id, made.id);
  });
  it('names the owner of a unique value last', async () => {
    const { body: one } = await hs.post(`/crm/objects/${V}/companies`, { properties: { name: 'A', lago_customer_id: 'c1' } });
    const { status, body } = await hs.post(`/crm/objects/${V}/companies`, { properties: { name: 'B', lago_customer_id: 'c1' } });
    assert.equal(status, 400);
    assert.match(body.message, new RegExp(`^Cannot set PropertyValueCoordinates\\{portalId=4711000, objectTypeId=ObjectTypeId\\{` +
      `legacyObjectType=COMPANY\\}, propertyName=lago_customer_id, value=c1\\} on \\d+\\. ${one.id} already has that value\\.$`));
  });
  it('never makes domains unique', async () => {
    for (let i = 0; i < 2; i++)
      assert.equal((await hs.post(`/crm/objects/${V}/companies`, { properties: { domain: 'same.example.com' } })).status, 201);
  });
  it('keeps contact e-mails unique, lower-case, in all forms of refusal', async () => {
    const make = (properties) => hs.post(`/crm/objects/${V}/contacts`, { properties });
    const { body: one } = await make({ email: ' Ada@Example.com', hs_additional_emails: 'a2@example.com' });
    assert.equal(one.properties.email, 'ada@example.com');
    for (const email of ['ADA@example.com', 'a2@example.com']) {
      const { status, body } = await make({ email });
      assert.equal(status, 409);
      assert.equal(body.category, 'CONFLICT');
      assert.equal(body.message, `Contact already exists. Existing ID: ${one.id}`);
    }
    await hs.set({ email_conflict: 'coordinates' });
    const { status, body } = await make({ email: 'ada@example.com' });
    assert.equal(status, 400);
    assert.match(body.message, new RegExp(`${one.id} already has that value\\.$`));
    await hs.set({ email_conflict: 'conflict' });
    assert.equal(problem((await make({ email: 'nobody@' })).body).error, 'INVALID_EMAIL');
  });
  it('answers the id of a merged record with its survivor, in batches not at all', async () => {
    const { companies: [primary, other, third] } = (await hs.post('/_sim/records', { companies: [
      { properties: { name: 'One' } }, { properties: { name: 'Two', phone: '7', lago_customer_id: 'c2' } }, { properties: { name: 'Three' } }] })).body;
    await hs.post('/_sim/merge', { type: 'companies', primary, other });
    await hs.post('/_sim/merge', { type: 'companies', primary: third, other: primary });
    const { body } = await hs.get(`/crm/objects/${V}/companies/${other}?properties=phone,lago_customer_id,hs_merged_object_ids`);
    assert.equal(body.id, third);
    assert.equal(body.properties.phone, '7');
    assert.equal(body.properties.lago_customer_id, null);
    assert.equal(body.properties.hs_merged_object_ids, `${other};${primary}`);
    const read = await hs.batch('companies', 'read', [{ id: other }]);
    assert.equal(read.status, 207);
    assert.deepEqual(read.body.results, []);
    const update = await hs.batch('companies', 'update', [{ id: other, properties: { name: 'X' }, objectWriteTraceId: 't' }]);
    assert.equal(update.body.errors[0].category, 'OBJECT_NOT_FOUND');
    assert.equal((await hs.post('/_sim/merge', { type: 'companies', primary, other: primary })).status, 400);
  });
  it('pages a list', async () => {
    await hs.post('/_sim/records', { companies: [1, 2, 3].map((n) => ({ properties: { name: `n${n}` } })) });
    const first = (await hs.get(`/crm/objects/${V}/companies?limit=2`)).body;
    assert.equal(first.results.length, 2);
    const second = (await hs.get(`/crm/objects/${V}/companies?limit=2&after=${first.paging.next.after}`)).body;
    assert.equal(second.results.length, 1);
    assert.equal(second.paging, undefined);
    assert.equal((await hs.get(`/crm/objects/${V}/companies?limit=101`)).status, 400);
  });
});

describe('batches', () => {
  it('upserts, echoes trace ids and tells what is new', async () => {
    const first = await hs.batch('companies', 'upsert', [company('c1'), company('c2')]);
    assert.equal(first.status, 200);
    assert.equal(first.body.status, 'COMPLETE');
    assert.deepEqual(first.body.results.map((r) => [r.objectWriteTraceId, r.new]).sort(), [['t-c1', true], ['t-c2', true]]);
    const again = await hs.batch('companies', 'upsert', [company('c1', { city: 'Ash' })]);
    assert.equal(again.body.results[0].new, false);
    assert.equal((await hs.state('companies')).length, 2);
  });
  it('is all-or-nothing without trace ids and partial with them', async () => {
    const inputs = [company('c1'), company('c2', { bogus: 'x' })];
    const bare = inputs.map(({ objectWriteTraceId, ...rest }) => rest);
    const one = await hs.batch('companies', 'upsert', bare);
    assert.equal(one.status, 400);
    assert.equal(problem(one.body).error, 'PROPERTY_DOESNT_EXIST');
    assert.equal((await hs.batch('companies', 'upsert', [inputs[0], bare[1]])).status, 400);
    assert.equal((await hs.state('companies')).length, 0);
    const { status, body } = await hs.batch('companies', 'upsert', inputs);
    assert.equal(status, 207);
    assert.equal(body.numErrors, 1);
    assert.equal(body.results.length, 1);
    assert.equal(body.errors[0].status, 'error');
    assert.equal(body.errors[0].category, 'VALIDATION_ERROR');
    assert.deepEqual(body.errors[0].context.objectWriteTraceId, ['t-c2']);
    assert.equal(problem(body.errors[0]).error, 'PROPERTY_DOESNT_EXIST');
  });
  it('takes 1 to 100 inputs', async () => {
    const many = Array.from({ length: 101 }, (_, i) => company(`c${i}`));
    const { status, body } = await hs.batch('companies', 'upsert', many);
    assert.equal(status, 400);
    assert.equal(body.message, 'The maximum number of inputs supported in a batch is 100. Please reduce the number of items and try again');
    assert.equal((await hs.batch('companies', 'upsert', many.slice(1))).status, 200);
    assert.equal((await hs.batch('companies', 'create', [])).body.message, 'Batch input provided should have at least one object.');
    const ids = (await hs.state('companies')).slice(0, 51).map(({ id }) => ({ id }));
    assert.equal((await hs.batch('companies', 'read', ids, { propertiesWithHistory: ['name'] })).status, 400);
    assert.equal((await hs.batch('companies', 'read', ids, { properties: ['name'] })).status, 200);
  });
  it('rejects a batch with the same id or trace id twice', async () => {
    const { status, body } = await hs.batch('companies', 'upsert', [company('c1'), company('c1', {}, { objectWriteTraceId: 'other' })]);
    assert.equal(status, 400);
    assert.equal(body.message, 'Duplicate IDs found in batch input: [c1]. IDs must be unique');
    assert.deepEqual(body.context.ids, ['c1']);
    assert.equal((await hs.batch('companies', 'upsert', [company('c1'), company('c2', {}, { objectWriteTraceId: 't-c1' })])).status, 400);
  });
  it('upserts by unique properties only', async () => {
    for (const idProperty of ['domain', 'hs_object_id', undefined]) {
      const { status, body } = await hs.batch('companies', 'upsert', [company('c1', {}, { idProperty })]);
      assert.equal(status, 400);
      assert.equal(body.message, `Unable to perform update/upsert by non-unique 0-2 property ${idProperty ?? 'hs_object_id'} in portal ID 4711000`);
    }
    assert.equal((await hs.batch('companies', 'upsert', [company('c1', {}, { idProperty: 'bogus' })])).status, 400);
  });
  it('demands required properties when an upsert creates', async () => {
    const upsert = (properties) => hs.batch(invoices, 'upsert', [{ id: 'i1', idProperty: 'lago_invoice_id', properties, objectWriteTraceId: 't' }]);
    assert.equal((await upsert({ lago_invoice_number: 'N-1' })).status, 200); // the key itself is the required one
    const { body } = await hs.batch('deals', 'upsert', [{ id: 'k', idProperty: 'billhook_deal_key', properties: { amount: '1' }, objectWriteTraceId: 't' }]);
    assert.match(body.errors[0].message, /^Error creating DEAL\./);
  });
  it('fails the second of two inputs with one unique value', async () => {
    const { status, body } = await hs.batch('companies', 'create', [1, 2].map((n) => (
      { properties: { name: `n${n}`, lago_customer_id: 'same' }, objectWriteTraceId: `t${n}` })));
    assert.equal(status, 207);
    assert.deepEqual(body.errors[0].context.objectWriteTraceId, ['t2']);
    assert.match(body.errors[0].message, new RegExp(`${body.results[0].id} already has that value`));
  });
  it('reports a contact whose e-mail is taken, with the id to adopt', async () => {
    const { body: made } = await hs.post('/_sim/records', { contacts: [{ properties: { email: 'ada@example.com' } }] });
    const { status, body } = await hs.batch('contacts', 'upsert', [
      { id: 'c1', idProperty: 'lago_customer_id', properties: { email: 'ada@example.com' }, objectWriteTraceId: 't1' }]);
    assert.equal(status, 207);
    assert.equal(body.errors[0].category, 'CONFLICT');
    assert.deepEqual(body.errors[0].context.existingId, made.contacts);
    const adopt = await hs.batch('contacts', 'update', [{ id: made.contacts[0], properties: { lago_customer_id: 'c1' } }]);
    assert.equal(adopt.status, 200);
  });
  it('has no partial success by e-mail', async () => {
    const { status } = await hs.batch('contacts', 'upsert', [
      { id: 'ok@example.com', idProperty: 'email', properties: {}, objectWriteTraceId: 'a' },
      { id: 'b@example.com', idProperty: 'email', properties: { bogus: '1' }, objectWriteTraceId: 'b' }]);
    assert.equal(status, 400);
    assert.equal((await hs.state('contacts')).length, 0);
  });
  it('reports unknown ids in read and update, and none in archive', async () => {
    const { body: { companies: [id] } } = await hs.post('/_sim/records', { companies: [{ properties: { name: 'Fernhill' } }] });
    const read = await hs.batch('companies', 'read', [{ id }, { id: '5' }]);
    assert.equal(read.status, 207);
    assert.equal(read.body.errors[0].category, 'OBJECT_NOT_FOUND');
    assert.deepEqual(read.body.errors[0].context.ids, ['5']);
    assert.match(read.body.errors[0].message, /^Could not get some COMPANY objects/);
    const update = await hs.batch('companies', 'update', [
      { id: 'zz', idProperty: 'lago_customer_id', properties: { city: 'Ash' }, objectWriteTraceId: 't' }]);
    assert.match(update.body.errors[0].context.missingObjectPropertyValueCoordinates[0], /lago_customer_id:zz$/);
    assert.equal((await hs.batch('companies', 'archive', [{ id }, { id: '5' }])).status, 204);
    assert.equal((await hs.state('companies')).length, 0);
  });
  it('creates with inline associations, checking direction', async () => {
    const { body: { companies: [id] } } = await hs.post('/_sim/records', { companies: [{ properties: { name: 'Fernhill' } }] });
    const task = (typeId, to = id) => ({
      properties: { hs_timestamp: '2026-01-01T00:00:00Z' }, objectWriteTraceId: String(typeId),
      associations: [{ to: { id: to }, types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: typeId }] }],
    });
    const { status, body } = await hs.batch('tasks', 'create', [task(192), task(191), { ...task(192, '5'), objectWriteTraceId: 'x' }]);
    assert.equal(status, 207);
    assert.equal(body.results.length, 1);
    assert.equal(body.errors[1].subCategory, 'crm.associations.INVALID_IDENTIFIER');
    assert.deepEqual((await hs.state('companies'))[0].associations.tasks, [{ id: body.results[0].id, types: [191] }]);
  });
});

describe('associations', () => {
  let ids;
  beforeEach(async () => {
    ids = (await hs.post('/_sim/records', {
      companies: [{ properties: { name: 'Fernhill' } }, { properties: { name: 'Ashdown' } }],
      contacts: [{ properties: { email: 'ada@example.com' } }],
      LagoInvoices: [{ properties: { lago_invoice_id: 'i1' } }],
    })).body;
  });
  const batch = (path, inputs, v = V) => hs.post(`/crm/associations/${v}/${path}`, { inputs });

  it('links by default both ways and again without effect', async () => {
    const pair = [{ from: { id: ids.contacts[0] }, to: { id: ids.companies[0] } }];
    for (let i = 0; i < 2; i++) {
      const { status, body } = await batch('contacts/companies/batch/associate/default', pair);
      assert.equal(status, 200);
      assert.deepEqual(body.results.map((r) => r.associationSpec.associationTypeId), [279, 280]);
    }
    const { body } = await batch('companies/contacts/batch/read', [{ id: ids.companies[0] }, { id: ids.companies[1] }]);
    assert.deepEqual(body.results[0], {
      from: { id: ids.companies[0] },
      to: [{ toObjectId: Number(ids.contacts[0]), associationTypes: [{ category: 'HUBSPOT_DEFINED', typeId: 280, label: null }] }],
    });
    assert.equal(body.errors[0].subCategory, 'crm.associations.NO_ASSOCIATIONS_FOUND');
    assert.equal(body.errors[0].category, 'OBJECT_NOT_FOUND');
  });
  it('refuses type ids of the wrong direction and unknown ids, pair by pair', async () => {
    const spec = (associationTypeId) => [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId }];
    const input = (typeId, to = ids.companies[0]) => ({ from: { id: ids.contacts[0] }, to: { id: to }, types: spec(typeId) });
    const { status, body } = await batch('contacts/companies/batch/create', [input(279), input(280), input(279, '5')]);
    assert.equal(status, 207);
    assert.equal(body.results[0].fromObjectId, Number(ids.contacts[0]));
    assert.equal(body.errors.length, 2);
    assert.equal(body.errors[1].subCategory, 'crm.associations.INVALID_IDENTIFIER');
    assert.equal(body.errors[1].category, 'VALIDATION_ERROR');
  });
  it('numbers the links of custom objects per portal and direction', async () => {
    const there = links.find((row) => row.fromObjectTypeId === invoices && row.toObjectTypeId === '0-2');
    const back = links.find((row) => row.fromObjectTypeId === '0-2');
    assert.equal(there.name, 'lagoinvoices_to_company');
    assert.notEqual(there.id, back.id);
    const { body } = await hs.get(`/crm/associations/${V}/${invoices}/0-2/labels`);
    assert.deepEqual(body.results, [{ category: 'USER_DEFINED', typeId: Number(there.id), label: null }]);
    const made = await batch(`${invoices}/companies/batch/create`, [{
      from: { id: ids.LagoInvoices[0] }, to: { id: ids.companies[0] },
      types: [{ associationCategory: 'USER_DEFINED', associationTypeId: Number(there.id) }],
    }]);
    assert.equal(made.status, 201);
    assert.equal((await batch('companies/companies/batch/associate/default', [{ from: { id: ids.companies[0] }, to: { id: ids.companies[1] } }])).status, 200);
  });
  it('sets the whole label set of a pair by PUT, and removes', async () => {
    const label = await hs.post(`/crm/associations/${V}/contacts/companies/labels`, { label: 'Payer', name: 'payer' });
    const typeId = label.body.results[0].typeId;
    const path = `/crm/objects/${V}/contacts/${ids.contacts[0]}/associations/companies/${ids.companies[0]}`;
    const put = await hs.call('PUT', path, [{ associationCategory: 'USER_DEFINED', associationTypeId: typeId }]);
    assert.equal(put.status, 201);
    assert.deepEqual(put.body.labels, ['Payer']);
    const again = await hs.call('PUT', path, [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 1 }]);
    assert.deepEqual(again.body.labels, ['Primary']);
    assert.equal((await hs.call('DELETE', path)).status, 204);
    assert.deepEqual((await hs.state('companies'))[0].associations, {});
    assert.equal((await hs.call('PUT', path.replace('/associations/', '/associations/default/'))).status, 200);
  });
  it('archives by lists: 200 dated, 204 in v4', async () => {
    const pair = [{ from: { id: ids.contacts[0] }, to: [{ id: ids.companies[0] }] }];
    await batch('contacts/companies/batch/associate/default', [{ from: pair[0].from, to: pair[0].to[0] }]);
    assert.equal((await batch('contacts/companies/batch/archive', [{ from: pair[0].from, to: pair[0].to[0] }])).status, 400);
    assert.equal((await batch('contacts/companies/batch/archive', pair)).status, 200);
    assert.deepEqual((await hs.state('contacts'))[0].associations, {});
    assert.equal((await hs.post('/crm/v4/associations/contacts/companies/batch/archive', { inputs: pair })).status, 204);
  });
  it('limits batches and labels', async () => {
    const pairs = Array.from({ length: 1001 }, () => ({ from: { id: ids.contacts[0] }, to: { id: ids.companies[0] } }));
    assert.equal((await batch('contacts/companies/batch/associate/default', pairs)).status, 400);
    assert.equal((await batch('contacts/companies/batch/read', pairs.map((p) => p.from))).status, 400);
    for (let i = 0; i < 10; i++)
      assert.equal((await hs.post(`/crm/associations/${V}/contacts/companies/labels`, { label: `L${i}`, name: `l${i}` })).status, 200);
    assert.equal((await hs.post(`/crm/associations/${V}/contacts/companies/labels`, { label: 'L', name: 'l' })).status, 437);
  });
  it('loses the links of archived records', async () => {
    await batch('contacts/companies/batch/associate/default', [{ from: { id: ids.contacts[0] }, to: { id: ids.companies[0] } }]);
    await hs.call('DELETE', `/crm/objects/${V}/contacts/${ids.contacts[0]}`);
    assert.deepEqual((await hs.state('companies'))[0].associations, {});
  });
});
