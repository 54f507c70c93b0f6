// The HubSpot simulator's definitions, search, limits, faults, control
// interface and process. Records and links are in hubspot.test.mjs.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { company, rawRequest, SCHEMA, start, V } from './hubspot/driver.mjs';
import { nextMidnight } from './hubspot/limits.mjs';

const WIDE = {
  ten_second_limit: 100000, association_ten_second_limit: 100000, search_second_limit: 100000, daily_limit: 1000000,
  window_ms: 10000, retry_after: false, search_lag_ms: 0, latency_ms: 0,
};
let hs;
let invoices;

before(async () => {
  hs = await start(WIDE);
});
after(() => hs.stop());
beforeEach(async () => {
  await hs.set(WIDE);
  await hs.post('/_sim/reset', { schema: true });
  invoices = (await hs.post('/_sim/schema', SCHEMA)).body.objectTypes.LagoInvoices.objectTypeId;
});

describe('properties', () => {
  const base = `/crm/properties/${V}/companies`;
  const text = (name, more = {}) => ({ name, label: name, type: 'string', fieldType: 'text', groupName: 'companyinformation', ...more });

  it('creates once', async () => {
    const { status, body } = await hs.post(base, text('x', { hasUniqueValue: true }));
    assert.equal(status, 201);
    assert.equal(body.hasUniqueValue, true);
    assert.equal(body.displayOrder, -1);
    assert.equal(body.modificationMetadata.readOnlyValue, false);
    const again = await hs.post(base, text('x'));
    assert.equal(again.status, 409);
    assert.equal(again.body.category, 'OBJECT_ALREADY_EXISTS');
    assert.equal(again.body.subCategory, 'Properties.PROPERTY_WITH_NAME_EXISTS');
    assert.equal(again.body.message, "A property named 'x' already exists.");
  });
  const wrong = [
    ['a name with a dash', { name: 'a-b' }], ['an unknown type', { type: 'money' }],
    ['a field type of another type', { fieldType: 'number' }], ['an unknown group', { groupName: 'nowhere' }],
    ['a bool without its two options', { type: 'bool', fieldType: 'booleancheckbox' }],
    ['an unknown member', { numberDisplayHint: 'currency' }], ['no label', { label: undefined }],
  ];
  for (const [name, change] of wrong)
    it(`refuses ${name}`, async () => {
      assert.equal((await hs.post(base, text('x', change))).status, 400);
      assert.equal((await hs.get(`${base}/x`)).status, 404);
    });
  it('takes display hints in the older versions', async () => {
    assert.equal((await hs.post('/crm/v3/properties/companies', text('x', { textDisplayHint: 'email' }))).status, 201);
  });
  it('allows ten unique properties for an object', async () => {
    for (let i = 1; i < 10; i++)
      assert.equal((await hs.post(base, text(`u${i}`, { hasUniqueValue: true }))).status, 201);
    assert.equal((await hs.post(base, text('u10', { hasUniqueValue: true }))).status, 400);
  });
  it('changes a definition but never its uniqueness', async () => {
    const { status, body } = await hs.call('PATCH', `${base}/lago_link`, { label: 'Link', hasUniqueValue: true });
    assert.equal(status, 200);
    assert.equal(body.label, 'Link');
    assert.equal(body.hasUniqueValue, false);
    assert.equal((await hs.call('PATCH', `${base}/name`, { label: 'x' })).status, 400);
    assert.equal((await hs.call('PATCH', `${base}/nothing`, { label: 'x' })).status, 404);
  });
  it('archives, hides and revives with the old values', async () => {
    await hs.batch('companies', 'upsert', [company('c1', { lago_link: 'https://a.example.com' })]);
    assert.equal((await hs.call('DELETE', `${base}/lago_link`)).status, 204);
    assert.equal((await hs.call('DELETE', `${base}/lago_link`)).status, 404);
    assert.equal((await hs.get(`${base}/lago_link?archived=true`)).body.archived, true);
    assert.equal((await hs.batch('companies', 'upsert', [company('c1', { lago_link: 'x' })])).status, 207);
    assert.equal((await hs.post(base, text('lago_link'))).status, 201);
    assert.equal((await hs.state('companies'))[0].properties.lago_link, 'https://a.example.com');
  });
  it('does not delete what HubSpot or a schema uses', async () => {
    for (const path of [`${base}/name`, `/crm/properties/${V}/${invoices}/lago_invoice_id`]) {
      const { status, body } = await hs.call('DELETE', path);
      assert.equal(status, 400);
      assert.equal(body.subCategory, 'PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE');
    }
  });
  it('creates, reads and archives in batches', async () => {
    const { status, body } = await hs.post(`${base}/batch/create`, { inputs: [text('a'), text('lago_link'), text('b')] });
    assert.equal(status, 207);
    assert.deepEqual(body.results.map((p) => p.name), ['a', 'b']);
    assert.equal(body.errors[0].category, 'OBJECT_ALREADY_EXISTS');
    assert.deepEqual(body.errors[0].context.name, ['lago_link']);
    const read = await hs.post(`${base}/batch/read`, { inputs: [{ name: 'a' }, { name: 'zz' }] });
    assert.equal(read.status, 207);
    assert.equal(read.body.errors[0].category, 'OBJECT_NOT_FOUND');
    assert.equal((await hs.post(`${base}/batch/archive`, { inputs: [{ name: 'a' }, { name: 'zz' }] })).status, 204);
    assert.equal((await hs.get(`${base}/a`)).status, 404);
  });
  it('has groups', async () => {
    assert.equal((await hs.post(`${base}/groups`, { name: 'billing', label: 'Billing' })).status, 201);
    assert.equal((await hs.post(`${base}/groups`, { name: 'billing', label: 'Billing' })).status, 409);
    assert.equal((await hs.post(base, text('x', { groupName: 'billing' }))).status, 201);
    assert.equal((await hs.call('DELETE', `${base}/groups/billing`)).status, 400);
    assert.equal((await hs.get(`${base}/groups/nothing`)).status, 404);
    assert.ok((await hs.get(`${base}/groups`)).body.results.some((g) => g.name === 'companyinformation'));
  });
  it('has no custom properties on activities', async () => {
    assert.equal((await hs.post(`/crm/properties/${V}/tasks`, text('key', { groupName: 'task' }))).status, 400);
  });
});

describe('custom object schemas', () => {
  const base = `/crm-object-schemas/${V}/schemas`;
  const egg = (more) => ({ ...SCHEMA.schemas[0], name: 'LagoSubscriptions', ...more });

  it('answers a create with ids of the type and its links', async () => {
    const { status, body } = await hs.post(base, egg());
    assert.equal(status, 201);
    assert.match(body.objectTypeId, /^2-\d+$/);
    assert.equal(body.fullyQualifiedName, 'p4711000_LagoSubscriptions');
    assert.equal(body.objectTypeId, `2-${body.id}`);
    assert.ok(body.properties.length > 20);
    const own = body.properties.find((p) => p.name === 'lago_invoice_id');
    assert.equal(own.groupName, 'lagosubscriptions_information');
    const pair = body.associations.filter((a) => [a.fromObjectTypeId, a.toObjectTypeId].includes('0-1'));
    assert.equal(pair.length, 2);
    assert.ok(body.associations.some((a) => a.toObjectTypeId === '0-27'), 'activities are added');
  });
  const wrong = [
    [{ name: '1x' }, 400, 'InboundDbObjectTypeError.OBJECT_TYPE_NAME_FORMAT'],
    [{ name: 'lagoINVOICES' }, 409, 'InboundDbObjectTypeError.OBJECT_TYPE_ALREADY_EXIST'],
    [{ primaryDisplayProperty: undefined }, 400, 'ObjectSchemaError.PRIMARY_DISPLAY_PROPERTY_REQUIRED'],
    [{ primaryDisplayProperty: 'zz' }, 400, 'ObjectSchemasSandboxesSyncErrorType.INVALID_PRIMARY_DISPLAY_PROPERTY'],
    [{ secondaryDisplayProperties: ['zz'] }, 400, 'ObjectSchemasSandboxesSyncErrorType.INVALID_SECONDARY_DISPLAY_PROPERTY'],
    [{ searchableProperties: ['zz'] }, 400, 'ObjectSchemasSandboxesSyncErrorType.INVALID_SEARCHABLE_PROPERTIES'],
    [{ requiredProperties: ['zz'] }, 400, 'InvalidPropertiesError.INVALID_REQUIRED_PROPERTIES'],
  ];
  for (const [change, status, subCategory] of wrong)
    it(`refuses ${JSON.stringify(change)}`, async () => {
      const answer = await hs.post(base, egg(change));
      assert.equal(answer.status, status);
      assert.equal(answer.body.category, 'VALIDATION_ERROR');
      assert.equal(answer.body.subCategory, subCategory);
    });
  it('ties to type ids and COMPANY, not to names as paths take them', async () => {
    assert.equal((await hs.post(base, egg({ associatedObjects: ['companies'] }))).status, 400);
    assert.equal((await hs.post(base, egg({ associatedObjects: ['LagoInvoices'] }))).status, 400);
    assert.equal((await hs.post(base, egg({ name: 'Tied', associatedObjects: ['COMPANY', '0-1'] }))).status, 201);
  });
  it('refuses members that this version does not know', async () => {
    assert.equal((await hs.post(base, egg({ shouldCreateSameObjectAssociation: true }))).status, 400);
    assert.equal((await hs.post('/crm-object-schemas/2026-03/schemas', egg({ shouldCreateSameObjectAssociation: true }))).status, 201);
  });
  it('lists, reads and changes', async () => {
    const { body } = await hs.get(`${base}?includePropertyDefinitions=false`);
    assert.deepEqual(body.results.map((s) => s.name), ['LagoInvoices']);
    assert.deepEqual(body.results[0].properties, []);
    assert.equal((await hs.get(`${base}/${invoices}`)).body.requiredProperties[0], 'lago_invoice_id');
    const patch = await hs.call('PATCH', `${base}/${invoices}`, { searchableProperties: ['lago_invoice_number'], clearDescription: false });
    assert.deepEqual(patch.body.searchableProperties, ['lago_invoice_number']);
    assert.equal((await hs.call('PATCH', `${base}/${invoices}`, { name: 'Other' })).status, 400);
    const link = await hs.post(`${base}/${invoices}/associations`, { fromObjectTypeId: invoices, toObjectTypeId: '0-3', name: 'invoice_deal' });
    assert.equal(link.status, 201);
    assert.match(link.body.id, /^\d+$/);
  });
  it('is deleted after its records, and purged after that', async () => {
    const { body: made } = await hs.post('/_sim/records', { LagoInvoices: [{ properties: { lago_invoice_id: 'i1' } }] });
    const refused = await hs.call('DELETE', `${base}/${invoices}`);
    assert.equal(refused.status, 400);
    assert.equal(refused.body.subCategory, 'ObjectSchemaError.EXISTING_OBJECT_RECORDS');
    assert.equal((await hs.call('DELETE', `${base}/${invoices}?archived=true`)).status, 404);
    await hs.batch(invoices, 'archive', [{ id: made.LagoInvoices[0] }]);
    assert.equal((await hs.call('DELETE', `${base}/${invoices}`)).status, 204);
    assert.equal((await hs.batch(invoices, 'read', [{ id: '1' }])).status, 404);
    assert.equal((await hs.get(`${base}?archived=true`)).body.results.length, 1);
    assert.equal((await hs.call('DELETE', `${base}/${invoices}?archived=true`)).status, 204);
    assert.equal((await hs.get(`${base}?archived=true`)).body.results.length, 0);
  });
  it('replaces an archived schema of the name', async () => {
    await hs.call('DELETE', `${base}/${invoices}`);
    const { status, body } = await hs.post(base, SCHEMA.schemas[0]);
    assert.equal(status, 201);
    assert.notEqual(body.objectTypeId, invoices);
  });
  it('limits the number of types', async () => {
    assert.deepEqual((await hs.get(`/crm/limits/${V}/custom-object-types`)).body, { limit: 10, usage: 1, percentage: 0.1 });
    await hs.set({ custom_object_limit: 1 });
    assert.equal((await hs.post(base, egg())).status, 400);
    await hs.set({ custom_object_limit: 10 });
  });
});

describe('search', () => {
  const find = (body) => hs.post(`/crm/objects/${V}/companies/search`, body);
  const eq = (propertyName, value) => ({ filterGroups: [{ filters: [{ propertyName, operator: 'EQ', value }] }] });

  it('finds by value', async () => {
    await hs.post('/_sim/records', { companies: [{ properties: { domain: 'a.example.com' } }, { properties: { domain: 'b.example.com', annualrevenue: '20' } }] });
    const { body } = await find({ ...eq('domain', 'A.example.com'), properties: ['website'] });
    assert.equal(body.total, 1);
    assert.equal(body.results[0].properties.website, 'a.example.com');
    assert.equal((await find({ filterGroups: [{ filters: [{ propertyName: 'annualrevenue', operator: 'GT', value: '3' }] }] })).body.total, 1);
    assert.equal((await find({ limit: 1 })).body.paging.next.after, '1');
  });
  it('keeps its narrow limits', async () => {
    const filter = { propertyName: 'name', operator: 'HAS_PROPERTY' };
    const groups = (n, each) => ({ filterGroups: Array.from({ length: n }, () => ({ filters: Array(each).fill(filter) })) });
    assert.equal((await find(groups(5, 3))).status, 200);
    for (const body of [groups(6, 1), groups(1, 7), groups(4, 5), { limit: 201 }, { limit: 100, after: '9950' },
      eq('bogus', 'x'), eq('name', 'x'.repeat(3000)), { bogus: 1 }])
      assert.equal((await find(body)).status, 400);
  });
  it('lags behind writes', async () => {
    await hs.set({ search_lag_ms: 80 });
    await hs.batch('companies', 'upsert', [company('c1')]);
    assert.equal((await find(eq('lago_customer_id', 'c1'))).body.total, 0);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal((await find(eq('lago_customer_id', 'c1'))).body.total, 1);
  });
  it('takes five calls a second and tells no rates', async () => {
    await hs.set({ search_second_limit: 5 });
    const answers = [];
    for (let i = 0; i < 6; i++) answers.push(await find({}));
    assert.equal(answers[4].status, 200);
    assert.equal(answers[4].headers.get('x-hubspot-ratelimit-max'), null);
    assert.equal(answers[5].status, 429);
    assert.equal(answers[5].body.policyName, 'SECONDLY');
  });
});

describe('limits', () => {
  const read = () => hs.get(`/crm/objects/${V}/companies`);

  it('tells and enforces the rolling ten seconds', async () => {
    await hs.set({ ten_second_limit: 3, window_ms: 200 });
    const first = await read();
    assert.equal(first.headers.get('x-hubspot-ratelimit-max'), '3');
    assert.equal(first.headers.get('x-hubspot-ratelimit-remaining'), '2');
    assert.equal(first.headers.get('x-hubspot-ratelimit-interval-milliseconds'), '200');
    await read();
    await read();
    const { status, body, headers } = await read();
    assert.equal(status, 429);
    assert.equal(body.errorType, 'RATE_LIMIT');
    assert.equal(body.policyName, 'TEN_SECONDLY_ROLLING');
    assert.equal(body.message, 'You have reached your ten_secondly_rolling limit.');
    assert.equal(headers.get('retry-after'), null);
    await new Promise((resolve) => setTimeout(resolve, 220));
    assert.equal((await read()).status, 200);
  });
  it('tells and enforces the day, for pasted tokens only', async () => {
    await hs.set({ daily_limit: 10, daily_used: 9, retry_after: true });
    const last = await read();
    assert.equal(last.headers.get('x-hubspot-ratelimit-daily'), '10');
    assert.equal(last.headers.get('x-hubspot-ratelimit-daily-remaining'), '0');
    const { status, body, headers } = await read();
    assert.equal(status, 429);
    assert.equal(body.policyName, 'DAILY');
    assert.ok(Number(headers.get('retry-after')) > 0);
    const { body: grant } = await hs.form(`/oauth/${V}/token`, {
      grant_type: 'refresh_token', client_id: 'sim-client', client_secret: 'sim-secret', refresh_token: 'sim-refresh' });
    const oauth = await hs.get(`/crm/objects/${V}/companies`, { Authorization: `Bearer ${grant.access_token}` });
    assert.equal(oauth.status, 200);
    assert.equal(oauth.headers.get('x-hubspot-ratelimit-daily'), null);
  });
  it('has a window of its own for associations', async () => {
    await hs.set({ association_ten_second_limit: 1 });
    assert.equal((await hs.get(`/crm/associations/${V}/0-1/0-2/labels`)).status, 200);
    assert.equal((await hs.get(`/crm/associations/${V}/0-1/0-2/labels`)).status, 429);
    assert.equal((await read()).status, 200);
  });
  it('reports usage and resets at midnight of the portal', async () => {
    await hs.set({ daily_used: 41 });
    const { body } = await hs.get(`/account-info/${V}/api-usage/daily/private-apps`);
    const [row] = body.results;
    assert.equal(row.name, 'private-apps-api-calls-daily');
    assert.equal(row.currentUsage, 42);
    assert.equal(row.usageLimit, 1000000);
    assert.equal(nextMidnight('US/Eastern', Date.parse('2026-07-01T12:00:00Z')), Date.parse('2026-07-02T04:00:00Z'));
    assert.equal(nextMidnight('US/Eastern', Date.parse('2026-11-01T05:00:00Z')), Date.parse('2026-11-02T05:00:00Z'));
    assert.equal(nextMidnight('UTC', Date.parse('2026-07-01T12:00:00Z')), Date.parse('2026-07-02T00:00:00Z'));
  });
});

describe('portal, owners, pipelines', () => {
  it('tells of itself', async () => {
    const { body } = await hs.get(`/account-info/${V}/details`);
    assert.equal(body.portalId, 4711000);
    assert.equal(body.companyCurrency, 'USD');
    assert.match(body.utcOffset, /^-0[45]:00$/);
    for (const name of ['custom-properties', 'records', 'pipelines'])
      assert.equal((await hs.get(`/crm/limits/${V}/${name}`)).status, 200, name);
  });
  it('lists owners', async () => {
    assert.equal((await hs.get(`/crm/owners/${V}`)).body.results.length, 2);
    const { body } = await hs.get(`/crm/owners/${V}?email=ada.field@example.com`);
    assert.equal(body.results[0].id, '41629779');
    assert.equal((await hs.get(`/crm/owners/${V}/9586504?idProperty=userId`)).body.id, '41629779');
    assert.equal((await hs.get(`/crm/owners/${V}/1`)).status, 404);
  });
  it('holds deals to their pipeline and currencies', async () => {
    const deal = (properties) => hs.post(`/crm/objects/${V}/deals`, { properties: { dealname: 'Renewal', ...properties } });
    const { body } = await deal({ dealstage: 'qualifiedtobuy', deal_currency_code: 'EUR' });
    assert.equal(body.properties.pipeline, 'default');
    assert.equal((await deal({ dealstage: 'nowhere' })).status, 400);
    assert.equal((await deal({ dealstage: 'closedwon', deal_currency_code: 'JPY' })).status, 400);
    const made = await hs.post(`/crm/pipelines/${V}/deals`, {
      label: 'Renewals', displayOrder: 1, pipelineId: 'renewals',
      stages: [{ label: 'Open', displayOrder: 0, stageId: 'r_open', metadata: { probability: '0.5' } }],
    });
    assert.equal(made.status, 201);
    assert.deepEqual((await deal({ dealstage: 'r_open' })).body.context.properties, ['pipeline']);
    assert.equal((await deal({ dealstage: 'closedwon', pipeline: 'renewals' })).status, 400);
    assert.equal((await deal({ dealstage: 'r_open', pipeline: 'renewals' })).status, 201);
    const used = await hs.call('DELETE', `/crm/pipelines/${V}/deals/renewals`);
    assert.equal(used.body.subCategory, 'PipelineError.STAGE_ID_IN_USE');
    const twice = await hs.post(`/crm/pipelines/${V}/deals/default/stages`, {
      label: 'Open', displayOrder: 9, stageId: 'r_open', metadata: { probability: '0.5' } });
    assert.equal(twice.status, 409);
    assert.equal(twice.body.subCategory, 'STAGE_ID_EXISTS_IN_ANOTHER_PIPELINE');
    assert.equal((await hs.post(`/crm/pipelines/${V}/deals/default/stages`, { label: 'x', displayOrder: 9, metadata: {} })).status, 400);
  });
});

describe('faults', () => {
  const upsert = (...keys) => hs.batch('companies', 'upsert', keys.map((key) => company(key)));
  const path = `/crm/objects/${V}/companies/batch/upsert`;
  const body = { inputs: [company('c1')] };

  it('answers a status instead, as the service words it', async () => {
    for (const [status, check] of [[423, (a) => a.body.category], [477, (a) => a.headers.get('retry-after')],
      [502, (a) => /Bad Gateway/.test(a.body)], [503, (a) => typeof a.body === 'string'], [504, (a) => typeof a.body === 'string'],
      [429, (a) => a.body.policyName], [404, (a) => a.body === '']]) {
      await hs.fault({ match: { method: 'POST', path: 'batch/upsert$', object: 'companies' }, do: { status } });
      const answer = await upsert('c1');
      assert.equal(answer.status, status);
      assert.ok(check(answer), `body of ${status}`);
    }
    assert.equal((await hs.state('companies')).length, 0);
    assert.equal((await upsert('c1')).status, 200);
  });
  it('answers a given body, so many times, after so many calls', async () => {
    await hs.fault({ match: {}, times: 2, skip: 1, do: { status: 500, body: { message: 'x' }, headers: { 'X-A': '1' } } });
    const answers = [];
    for (let i = 0; i < 4; i++) answers.push(await upsert('c1'));
    assert.deepEqual(answers.map((a) => a.status), [200, 500, 500, 200]);
    assert.equal(answers[1].headers.get('x-a'), '1');
    assert.deepEqual(answers[1].body, { message: 'x' });
  });
  it('fails chosen records', async () => {
    await hs.fault({ match: { object: 'companies', key: 'c2' }, do: { record_error: { category: 'VALIDATION_ERROR', message: 'no', subCategory: 's' } } });
    const { status, body: answer } = await upsert('c1', 'c2', 'c3');
    assert.equal(status, 207);
    assert.deepEqual(answer.errors, [{
      status: 'error', category: 'VALIDATION_ERROR', message: 'no', subCategory: 's', context: { objectWriteTraceId: ['t-c2'] } }]);
    assert.equal((await upsert('c2')).status, 200);
  });
  it('closes the connection before or after the work', async () => {
    for (const [drop, count] of [['before', 0], ['after', 1]]) {
      await hs.fault({ match: { path: 'upsert' }, do: { drop } });
      assert.deepEqual(await rawRequest(hs.base, path, body), { status: 0, cut: true });
      assert.equal((await hs.state('companies')).length, count);
    }
    await hs.fault({ match: { path: 'upsert' }, do: { truncate: true } });
    const cut = await rawRequest(hs.base, path, body);
    assert.equal(cut.status, 200);
    assert.equal(cut.cut, true);
    assert.deepEqual((await hs.get('/_sim/calls')).body.map((c) => c.status), [0, 0, 200]);
  });
  it('loses an answer, delays it, shortens it', async () => {
    await hs.fault({ match: {}, do: { status: 504, after: true } });
    assert.equal((await upsert('c1')).status, 504);
    assert.equal((await hs.state('companies')).length, 1);
    await hs.fault({ match: {}, do: { delay_ms: 60 } });
    const began = Date.now();
    await upsert('c1');
    assert.ok(Date.now() - began >= 55);
    await hs.fault({ match: {}, do: { short_results: 1 } });
    const { body: answer } = await upsert('c1', 'c2');
    assert.equal(answer.results.length, 1);
    assert.equal(answer.errors, undefined);
  });
  it('refuses faults that it does not understand', async () => {
    for (const fault of [{ do: {} }, { do: { explode: true } }, { match: { host: 'x' }, do: { status: 1 } }])
      assert.equal((await hs.fault(fault)).status, 400);
  });
});

describe('control interface', () => {
  it('counts calls by kind, and itself not at all', async () => {
    await hs.batch('companies', 'upsert', [company('c1'), company('c2')]);
    await hs.batch(invoices, 'read', [{ id: '1' }]);
    await hs.get(`/crm/objects/${V}/companies/5`);
    assert.deepEqual((await hs.get('/_sim/calls?count=1')).body, {
      total: 3,
      byKind: { 'POST companies/batch/upsert': 1, 'POST LagoInvoices/batch/read': 1, 'GET companies/{id}': 1 },
    });
    const [first] = (await hs.get('/_sim/calls')).body;
    assert.equal(first.n, 1);
    assert.equal(first.inputs, 2);
    assert.equal(first.status, 200);
    assert.equal(first.path, `/crm/objects/${V}/companies/batch/upsert`);
    await hs.call('DELETE', '/_sim/calls');
    assert.equal((await hs.get('/_sim/calls?count=1')).body.total, 0);
  });
  it('shows state and counts', async () => {
    await hs.batch('companies', 'upsert', [company('c1')]);
    const { body } = await hs.get('/_sim/state?count=1');
    assert.equal(body.objects.companies, 1);
    assert.equal(body.objects.LagoInvoices, 0);
    assert.equal((await hs.get('/_sim/state')).body.objects.companies[0].properties.lago_customer_id, 'c1');
    assert.equal((await hs.get('/_sim/state/nothing')).status, 400);
  });
  it('adds a schema again without harm, and what is new in it', async () => {
    const more = structuredClone(SCHEMA);
    more.schemas[0].properties.push({ name: 'extra', label: 'x', type: 'string', fieldType: 'text' });
    more.groups = { companies: [{ name: 'billing', label: 'Billing' }] };
    const { status, body } = await hs.post('/_sim/schema', more);
    assert.equal(status, 200);
    assert.equal(body.objectTypes.LagoInvoices.objectTypeId, invoices);
    assert.equal((await hs.get(`/crm/properties/${V}/${invoices}/extra`)).status, 200);
    assert.equal((await hs.post('/_sim/schema', { properties: { companies: [{ name: 'x' }] } })).status, 400);
  });
  it('refuses settings that it does not know and values of the wrong type', async () => {
    for (const change of [{ nothing: 1 }, { latency_ms: '5' }, { scopes: 'oauth' }, { authorize: 'maybe' }, { time_zone: 'Nowhere' }])
      assert.equal((await hs.set(change)).status, 400, JSON.stringify(change));
    await hs.set({ latency_ms: 60 });
    const began = Date.now();
    await hs.get(`/account-info/${V}/details`);
    assert.ok(Date.now() - began >= 55);
  });
  it('resets records but keeps the schema unless asked', async () => {
    await hs.batch('companies', 'upsert', [company('c1')]);
    await hs.post('/_sim/reset', {});
    assert.equal((await hs.state('companies')).length, 0);
    assert.equal((await hs.get(`/crm/properties/${V}/companies/lago_link`)).status, 200);
    await hs.post('/_sim/reset', { schema: true });
    assert.equal((await hs.get(`/crm/properties/${V}/companies/lago_link`)).status, 404);
  });
});

describe('the program', () => {
  it('starts with files and settings, and ends at a signal', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'hubspot-'));
    writeFileSync(join(dir, 'schema.json'), JSON.stringify(SCHEMA));
    const child = spawn(process.execPath, [fileURLToPath(new URL('hubspot.mjs', import.meta.url)), '--port', '0',
      '--port-file', join(dir, 'port'), '--schema', join(dir, 'schema.json'), '--latency-ms', '1', '--settings', '{"portal_id":77}']);
    try {
      const line = await new Promise((resolve) => child.stdout.once('data', (data) => resolve(data.toString())));
      const port = readFileSync(join(dir, 'port'), 'utf8').trim();
      assert.equal(line, `hubspot simulator listening on http://127.0.0.1:${port}\n`);
      assert.deepEqual(readdirSync(dir).sort(), ['port', 'schema.json']);
      const { objects } = await (await fetch(`http://127.0.0.1:${port}/_sim/state?count=1`)).json();
      assert.equal(objects.LagoInvoices, 0);
      const details = await fetch(`http://127.0.0.1:${port}/account-info/${V}/details`, { headers: { Authorization: 'Bearer pat-sim-token' } });
      assert.equal((await details.json()).portalId, 77);
      child.kill('SIGTERM');
      assert.equal(await new Promise((resolve) => child.once('exit', resolve)), 0);
    } finally {
      child.kill('SIGKILL');
      rmSync(dir, { recursive: true });
    }
  });
});
