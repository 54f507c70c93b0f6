// Webhooks of the Stripe simulator: endpoints, signatures, what is delivered,
// again, in disorder, and not at all.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { customer, receiver, start } from './stripe/driver.mjs';

let st;
let hook;
before(async () => {
  st = await start();
  hook = await receiver();
});
after(async () => {
  await st.stop();
  await hook.stop();
});
beforeEach(async () => {
  await st.control('reset');
  await st.control('settings', { deliver_to: hook.origin, strict_urls: true });
  await st.control('load', { objects: [customer('cus_1')] });
  hook.got.length = 0;
  hook.state.status = () => 200;
});

const URL = 'https://hooks.example.com/stripe';
const register = (more = {}) => st.post('/v1/webhook_endpoints', { url: URL, 'enabled_events[]': 'customer.updated', ...more });
const happen = async (n, type = 'customer.updated') => {
  const changes = Array.from({ length: n }, (_, at) => ({ type, id: 'cus_1', set: { description: `${type} ${at}` } }));
  return (await st.control('change', { changes })).events;
};
const gotIds = () => hook.got.map((one) => JSON.parse(one.body).id);

// As the fact sheet tells it, without the simulator's own code.
function verify({ headers, body }, secret) {
  const items = headers['stripe-signature'].split(',').map((item) => item.split('='));
  const t = items.find(([key]) => key === 't')[1];
  const expected = createHmac('sha256', secret).update(`${t}.${body}`).digest('hex');
  return { t: Number(t), good: items.some(([key, value]) => key === 'v1' && value === expected), keys: items.map(([key]) => key) };
}

describe('endpoints', () => {
  it('tells the secret once', async () => {
    const { status, body } = await register({ api_version: '2026-10-28.endive', description: 'Billhook', 'metadata[a]': 'b' });
    assert.equal(status, 200);
    assert.match(body.secret, /^whsec_\w{20,}$/);
    const { secret, ...rest } = body;
    assert.deepEqual((await st.get(`/v1/webhook_endpoints/${body.id}`)).body, rest);
    assert.deepEqual((await st.get('/v1/webhook_endpoints')).body.data, [rest]);
    assert.deepEqual([rest.status, rest.enabled_events, rest.description, rest.metadata], ['enabled', ['customer.updated'], 'Billhook', { a: 'b' }]);
  });
  it('changes what can be changed, and nothing else', async () => {
    const { id } = (await register()).body;
    const { body } = await st.post(`/v1/webhook_endpoints/${id}`, { 'enabled_events[0]': 'invoice.paid', 'enabled_events[1]': 'customer.created', disabled: 'true', url: `${URL}/2` });
    assert.deepEqual([body.status, body.enabled_events, body.url, body.secret], ['disabled', ['invoice.paid', 'customer.created'], `${URL}/2`, undefined]);
    for (const name of ['api_version', 'connect']) {
      const refused = await st.post(`/v1/webhook_endpoints/${id}`, { [name]: 'true' });
      assert.deepEqual([refused.status, refused.body.error.param], [400, name]);
    }
    const gone = await st.call('DELETE', `/v1/webhook_endpoints/${id}`);
    assert.deepEqual(gone.body, { id, object: 'webhook_endpoint', deleted: true });
    assert.equal((await st.get(`/v1/webhook_endpoints/${id}`)).status, 404);
    assert.deepEqual((await st.get('/v1/webhook_endpoints')).body.data, []);
  });
  it('refuses bad addresses and events', async () => {
    const refused = async (form, pattern) => {
      const { status, body } = await st.post('/v1/webhook_endpoints', form);
      assert.equal(status, 400);
      assert.match(body.error.message, pattern);
    };
    const event = { 'enabled_events[]': '*' };
    await refused({ url: 'http://hooks.example.com', ...event }, /begin with https/);
    await refused({ url: 'https://127.0.0.1/hook', ...event }, /publicly accessible/);
    await refused({ url: 'https://localhost/hook', ...event }, /publicly accessible/);
    await refused({ url: 'nowhere', ...event }, /Not a valid URL/);
    await refused({ url: URL, 'enabled_events[]': 'customer.exploded' }, /must be one of/);
    await refused({ url: URL }, /Missing required param: enabled_events/);
    await refused(event, /Missing required param: url/);
    await refused({ url: URL, ...event, secret: 'whsec_mine' }, /unknown parameter: secret/);
  });
  it('has room for sixteen', async () => {
    for (let n = 0; n < 16; n++) assert.equal((await register({ url: `${URL}/${n}` })).status, 200);
    assert.match((await register()).body.error.message, /maximum of 16 webhook endpoints/);
    assert.equal((await st.get('/v1/webhook_endpoints?limit=100')).body.data.length, 16);
  });
  it('needs the permission to write', async () => {
    const { status, body } = await st.post('/v1/webhook_endpoints', { url: URL, 'enabled_events[]': '*' }, { key: 'rk_live_sim' });
    assert.equal(status, 403);
    assert.match(body.error.message, /rak_webhook_write/);
  });
});

describe('delivery', () => {
  it('signs each event with the secret of the endpoint', async () => {
    const { secret } = (await register()).body;
    const [event] = await happen(1);
    assert.deepEqual((await st.get('/v1/events')).body.data[0].pending_webhooks, 1);
    const result = await st.control('deliver');
    assert.deepEqual([result.sent, result.delivered, result.failed, result.statuses], [1, 1, 0, { 200: 1 }]);
    const [got] = hook.got;
    const { t, good, keys } = verify(got, secret);
    assert.ok(good);
    assert.deepEqual(keys, ['t', 'v1']);
    assert.ok(Math.abs(Date.now() / 1000 - t) < 3);
    assert.equal(verify(got, 'whsec_other').good, false);
    assert.deepEqual([got.path, got.headers.host, got.headers['content-type']], ['/stripe', 'hooks.example.com', 'application/json; charset=utf-8']);
    assert.deepEqual({ ...JSON.parse(got.body), pending_webhooks: 0 }, event);
    assert.ok(got.body.startsWith('{\n  "id"'));
    assert.equal((await st.control('deliver')).sent, 0);
  });
  it('signs with both secrets while one is rolled, and events of test mode with a fake too', async () => {
    const { id, secret } = await st.control('endpoints', { url: hook.url, secret: 'whsec_old' });
    await st.control(`endpoints/${id}/roll`, { secret: 'whsec_new' });
    assert.equal(secret, 'whsec_old');
    await happen(1);
    await st.control('deliver');
    assert.ok(verify(hook.got[0], 'whsec_old').good && verify(hook.got[0], 'whsec_new').good);
    await st.control('load', { objects: [customer('cus_t', { livemode: false })] });
    await st.control('change', { livemode: false, type: 'customer.updated', id: 'cus_t', set: { name: 'x' } });
    await st.control('deliver', { livemode: false, url: hook.url, secret: 'whsec_t' });
    assert.deepEqual(verify(hook.got[1], 'whsec_t').keys, ['t', 'v1', 'v0']);
  });
  it('sends what an endpoint subscribed to, since it is there', async () => {
    await happen(1);
    await register();
    await st.control('endpoints', { url: `${hook.url}2`, enabled_events: ['customer.*'] });
    await happen(1);
    await st.control('change', { type: 'customer.deleted', id: 'cus_1' });
    const { sent } = await st.control('deliver');
    assert.equal(sent, 3);
    assert.deepEqual(hook.got.map((one) => [one.path, JSON.parse(one.body).type]), [
      ['/hook2', 'customer.updated'], ['/hook2', 'customer.deleted'], ['/stripe', 'customer.updated'],
    ]);
  });
  it('counts any answer but 2xx as a failure, follows no redirect, and signs each attempt anew', async () => {
    const { secret } = (await register()).body;
    const [event] = await happen(1);
    hook.state.status = (n) => [307, 400, 500, 200][n - 1];
    const result = await st.control('deliver', { attempts: 4, retry_delay_ms: 1100 });
    assert.deepEqual(result.statuses, { 200: 1, 307: 1, 400: 1, 500: 1 });
    assert.deepEqual([result.delivered, result.failed], [1, 0]);
    const times = hook.got.map((got) => verify(got, secret));
    assert.ok(times.every(({ good }) => good));
    assert.equal(new Set(times.map(({ t }) => t)).size, 4);
    assert.deepEqual((await st.look('events')).events.find((one) => one.id === event.id).deliveries[(await st.look('endpoints')).endpoints[0].id], { state: 'ok', attempts: 4, status: 200 });
  });
  it('tells by delivery_success what is failed or pending', async () => {
    await register();
    const events = await happen(3);
    hook.state.status = (n) => (n === 2 ? 503 : 200);
    const result = await st.control('deliver');
    assert.deepEqual([result.delivered, result.failed, result.failures[0].status], [2, 1, 503]);
    assert.deepEqual((await st.get('/v1/events?delivery_success=false')).body.data.map((one) => one.id), [events[1].id]);
    assert.deepEqual((await st.get('/v1/events?delivery_success=true')).body.data.length, 2);
    hook.state.status = () => 200;
    assert.equal((await st.control('deliver')).sent, 1);
    assert.equal((await st.get('/v1/events?delivery_success=false')).body.data.length, 0);
  });
  it('shuffles, repeats and loses, the same way for the same seed', async () => {
    await register();
    const events = (await happen(40)).map((event) => event.id);
    const result = await st.control('deliver', { shuffle: 5, duplicate: 0.25, fail: 0.2 });
    const first = gotIds();
    assert.notDeepEqual([...new Set(first)], events.filter((id) => first.includes(id)));
    assert.ok(result.lost > 0 && first.length === result.sent);
    assert.ok(first.length > new Set(first).size);
    assert.equal(new Set(first).size + (await st.get('/v1/events?delivery_success=false&limit=100')).body.data.length, 40);
    hook.got.length = 0;
    await st.control('deliver', { all: true, shuffle: 5, duplicate: 0.25, fail: 0.2 });
    assert.deepEqual(gotIds(), first);
    hook.got.length = 0;
    await st.control('deliver', { all: true });
    assert.deepEqual(gotIds(), events);
  });
  it('sends to a given address, some events, or any body', async () => {
    const events = (await happen(3)).map((event) => event.id);
    await st.control('deliver', { url: hook.url, secret: 'whsec_given', ids: [events[2], events[0]] });
    assert.deepEqual(gotIds(), [events[2], events[0]]);
    await st.control('deliver', { url: hook.url, secret: 'whsec_given' });
    assert.deepEqual(gotIds(), [events[2], events[0], events[1]]);
    await st.control('deliver', { url: hook.url, secret: 'whsec_given', payloads: [{ id: 'evt_thin', object: 'v2.core.event' }, '{"a":1}'] });
    assert.deepEqual(hook.got.slice(3).map((one) => [JSON.parse(one.body).object, verify(one, 'whsec_given').good]), [['v2.core.event', true], [undefined, true]]);
    await st.control('deliver', { url: hook.url, secret: 'whsec_given', ids: [events[0]], age_s: 1000 });
    assert.ok(Date.now() / 1000 - verify(hook.got.at(-1), 'whsec_given').t > 900);
  });
  it('sends what happens in a connected account to endpoints with connect', async () => {
    await register({ connect: 'true', url: `${URL}/connect` });
    await register();
    const account = 'acct_1QcOnNeCtEdAcct0';
    await st.control('load', { account, objects: [customer('cus_c')] });
    await st.control('change', { account, type: 'customer.updated', id: 'cus_c', set: { name: 'x' } });
    await happen(1);
    await st.control('deliver', { account });
    await st.control('deliver');
    assert.deepEqual(hook.got.map((one) => [one.path, JSON.parse(one.body).account]), [['/stripe/connect', account], ['/stripe', undefined]]);
  });
  it('sends nothing to a disabled endpoint, and never leaves the machine', async () => {
    const { id } = (await register()).body;
    await happen(1);
    await st.post(`/v1/webhook_endpoints/${id}`, { disabled: 'true' });
    await happen(1);
    assert.equal((await st.control('deliver')).sent, 0);
    await st.post(`/v1/webhook_endpoints/${id}`, { disabled: 'false' });
    assert.equal((await st.control('deliver')).sent, 1);
    await st.control('settings', { deliver_to: '' });
    await assert.rejects(st.control('deliver'), /not on this machine/);
  });
});
