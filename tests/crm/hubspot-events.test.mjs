// The HubSpot simulator's custom events: definitions and what is sent.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { start, V } from './hubspot/driver.mjs';

const DEFINITIONS = `/events/custom/${V}/event-definitions`;
const SEND = `/events/custom/${V}/send`;
const FULL = 'pe4711000_paid';
const EGG = {
  label: 'Paid', name: 'paid', description: 'By a test', primaryObject: 'CONTACT', includeDefaultProperties: false,
  propertyDefinitions: [
    { name: 'amount', label: 'Amount', type: 'number' }, { name: 'at', label: 'At', type: 'datetime' },
    { name: 'note', label: 'Note', type: 'string' }, { name: 'link', label: 'Link', type: 'string' },
    { name: 'kind', label: 'Kind', type: 'enumeration', options: [{ label: 'A', value: 'a', displayOrder: 0, hidden: false }] },
  ],
};
const WIDE = { ten_second_limit: 100000, enterprise: true, withheld_scopes: [] };
let hs;

before(async () => {
  hs = await start(WIDE);
});
after(() => hs.stop());
beforeEach(async () => {
  await hs.set(WIDE);
  await hs.post('/_sim/reset', { schema: true });
});

describe('definitions', () => {
  it('are made, listed, read, changed and deleted', async () => {
    const made = await hs.post(DEFINITIONS, EGG);
    assert.equal(made.status, 201);
    assert.equal(made.body.fullyQualifiedName, FULL);
    assert.deepEqual(made.body.properties.map(({ name, type }) => [name, type]).slice(0, 2), [['amount', 'number'], ['at', 'datetime']]);
    assert.equal((await hs.get(`${DEFINITIONS}/${FULL}`)).body.description, 'By a test');
    assert.equal((await hs.get(`${DEFINITIONS}/paid`)).status, 404);
    assert.equal((await hs.call('PATCH', `${DEFINITIONS}/${FULL}`, { label: 'Payed' })).body.labels.singular, 'Payed');
    assert.equal((await hs.call('DELETE', `${DEFINITIONS}/${FULL}`)).status, 204);
    assert.equal((await hs.get(`${DEFINITIONS}/${FULL}`)).status, 404);
  });
  it('take a name once, for ever', async () => {
    assert.equal((await hs.post(DEFINITIONS, EGG)).status, 201);
    assert.equal((await hs.post(DEFINITIONS, EGG)).status, 409);
    await hs.call('DELETE', `${DEFINITIONS}/${FULL}`);
    assert.equal((await hs.post(DEFINITIONS, EGG)).status, 409);
  });
  it('are listed by pages, with properties only where they are asked for', async () => {
    for (const name of ['one', 'two', 'three']) await hs.post(DEFINITIONS, { ...EGG, name });
    const first = (await hs.get(`${DEFINITIONS}?limit=2&includeProperties=true`)).body;
    assert.deepEqual([first.total, first.results.length, first.results[0].properties.length], [3, 2, 5]);
    const rest = (await hs.get(`${DEFINITIONS}?limit=2&after=${first.paging.next.after}`)).body;
    assert.deepEqual([rest.results.length, rest.results[0].properties, rest.paging], [1, [], undefined]);
    assert.equal((await hs.get(`${DEFINITIONS}?searchString=TW`)).body.total, 1);
    for (const query of ['limit=0', 'limit=101', 'after=x']) assert.equal((await hs.get(`${DEFINITIONS}?${query}`)).status, 400);
  });
  it('get and lose properties', async () => {
    await hs.post(DEFINITIONS, EGG);
    const more = { name: 'more', label: 'More', type: 'string' };
    assert.equal((await hs.post(`${DEFINITIONS}/${FULL}/property`, more)).status, 201);
    assert.equal((await hs.post(`${DEFINITIONS}/${FULL}/property`, more)).status, 409);
    assert.equal((await hs.call('DELETE', `${DEFINITIONS}/${FULL}/property/more`)).status, 204);
    assert.equal((await hs.call('DELETE', `${DEFINITIONS}/${FULL}/property/more`)).status, 404);
    assert.equal((await hs.post(`${DEFINITIONS}/pe1_x/property`, more)).status, 404);
  });
  const wrong = [
    ['a name in capitals', { name: 'Paid' }], ['a long name', { name: 'x'.repeat(51) }], ['no label', { label: undefined }],
    ['an unknown object', { primaryObject: 'THING' }], ['an unknown member', { kind: 'x' }],
    ['a type that events have not', { propertyDefinitions: [{ name: 'a', label: 'A', type: 'date' }] }],
    ['an enumeration without options', { propertyDefinitions: [{ name: 'a', label: 'A', type: 'enumeration' }] }],
    ['a property twice', { propertyDefinitions: [EGG.propertyDefinitions[0], EGG.propertyDefinitions[0]] }],
    ['too many properties', { propertyDefinitions: Array.from({ length: 51 }, (_, i) => ({ name: `p${i}`, label: 'P', type: 'string' })) }],
  ];
  for (const [name, change] of wrong)
    it(`refuse ${name}`, async () => {
      assert.equal((await hs.post(DEFINITIONS, { ...EGG, ...change })).status, 400);
    });
  it('need Enterprise and their scope', async () => {
    await hs.set({ enterprise: false });
    const { status, body } = await hs.get(DEFINITIONS);
    assert.equal(status, 403);
    assert.deepEqual(body.errors[0].context.requiredGranularScopes, ['behavioral_events.event_definitions.read_write']);
  });
});

describe('sending', () => {
  let id;
  beforeEach(async () => {
    await hs.post('/_sim/schema', { events: [EGG] });
    id = (await hs.post('/_sim/records', { contacts: [{ properties: { email: 'ada@example.com' } }] })).body.contacts[0];
  });
  const event = (more = {}) => ({ eventName: FULL, objectId: id, properties: { amount: '5' }, ...more });
  const sent = async () => (await hs.get('/_sim/events')).body.sent;

  it('takes one, and many', async () => {
    assert.equal((await hs.post(SEND, event({ occurredAt: '2026-11-22T04:00:00Z' }))).status, 204);
    const inputs = [event({ objectId: undefined, email: 'ada@example.com' }), event({ objectId: undefined, utk: 'v' })];
    assert.equal((await hs.post(`${SEND}/batch`, { inputs })).status, 204);
    assert.equal((await hs.post('/events/2026-03/send/batch', { inputs })).status, 204);
    assert.equal((await sent()).length, 5);
  });
  it('takes an id once, of each event', async () => {
    await hs.post('/_sim/schema', { events: [{ ...EGG, name: 'late' }] });
    for (const eventName of [FULL, FULL, 'pe4711000_late']) assert.equal((await hs.post(SEND, event({ eventName, uuid: 'u1' }))).status, 204);
    assert.deepEqual((await sent()).map(({ eventName }) => eventName), [FULL, 'pe4711000_late']);
  });
  it('tells nothing of a record that is not there', async () => {
    assert.equal((await hs.post(SEND, event({ objectId: '5' }))).status, 204);
    assert.equal((await sent())[0].lost, true);
  });
  const wrong = [
    ['an unknown event', { eventName: 'pe4711000_other' }, /Event with fully qualified name pe4711000_other does not exist/],
    ['nobody', { objectId: undefined }, /One of objectId, email and utk/],
    ['an e-mail that is none', { objectId: undefined, email: 'ada' }, /invalid/],
    ['a property that is not defined', { properties: { colour: 'red' } }, /colour is not defined/],
    ['a long text', { properties: { note: 'x'.repeat(257) } }, /longer than 256/],
    ['a number that is none', { properties: { amount: 'five' } }, /not a valid number/],
    ['another option', { properties: { kind: 'b' } }, /allowed options/],
    ['a time that is none', { occurredAt: 'now' }, /date time/],
    ['a value that is no text', { properties: { amount: 5 } }, /Cannot deserialize/],
    ['an unknown member', { objectType: 'contacts' }, /Unrecognized field/],
  ];
  for (const [name, change, message] of wrong)
    it(`refuses ${name}, and the batch that it is in`, async () => {
      const answers = [await hs.post(SEND, event(change)), await hs.post(`${SEND}/batch`, { inputs: [event(), event(change)] })];
      for (const { status, body } of answers) {
        assert.equal(status, 400);
        assert.match(body.message, message);
      }
      assert.deepEqual(await sent(), []);
    });
  it('takes longer addresses', async () => {
    assert.equal((await hs.post(SEND, event({ properties: { link: 'x'.repeat(1024) } }))).status, 204);
    assert.equal((await hs.post(SEND, event({ properties: { link: 'x'.repeat(1025) } }))).status, 400);
  });
  it('takes 500 in a call, and not none', async () => {
    for (const [n, status] of [[500, 204], [501, 400], [0, 400]])
      assert.equal((await hs.post(`${SEND}/batch`, { inputs: Array.from({ length: n }, () => event()) })).status, status);
  });
  it('needs its own scope', async () => {
    await hs.set({ withheld_scopes: ['analytics.behavioral_events.send'] });
    assert.equal((await hs.post(SEND, event())).status, 403);
    assert.equal((await hs.get(DEFINITIONS)).status, 200);
  });
});
