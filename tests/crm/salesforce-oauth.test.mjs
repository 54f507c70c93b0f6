// Tokens, flows and identity.

import assert from 'node:assert/strict';
import { createHash, createSign, generateKeyPairSync } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { BASE, request, TestOrg } from './salesforce/testing.mjs';

let org;
before(async () => { org = await TestOrg.start(); });
after(() => org.stop());
beforeEach(async () => {
  await org.control('POST', 'reset', { settings: true, tokens: true });
  await org.login();
});

const CLIENT = { client_id: 'sim-client', client_secret: 'sim-secret' };
const REDIRECT = 'http://localhost:8080/oauth/salesforce/callback';
const VERIFIER = 'a-verifier-of-the-unreserved-set_0123456789.~abcdef';
const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url');
const refresh = (token = 'sim-refresh', more = {}) => org.token({ grant_type: 'refresh_token', refresh_token: token, ...CLIENT, ...more });
const works = async (token) => (await request(org.port, 'GET', `${BASE}/limits`, { headers: { Authorization: `Bearer ${token}` } })).status === 200;

function isRefused(answer, error, description) {
  assert.equal(answer.status, 400, answer.text);
  assert.equal(answer.json.error, error);
  if (description) assert.equal(answer.json.error_description, description);
}

async function ask(params = {}) {
  const all = { response_type: 'code', client_id: 'sim-client', redirect_uri: REDIRECT, scope: 'api refresh_token', state: 'st=1&x', code_challenge: CHALLENGE, code_challenge_method: 'S256', ...params };
  for (const key of Object.keys(all)) if (all[key] === undefined) delete all[key];
  return request(org.port, 'GET', `/services/oauth2/authorize?${new URLSearchParams(all)}`);
}

// What a browser does with the page when a button is clicked.
function click(page, decision) {
  const [, action] = /<form method="post" action="([^"]+)">/.exec(page);
  const [, name, value] = /<input type="hidden" name="([^"]+)" value="([^"]+)">/.exec(page);
  assert.match(page, new RegExp(`<button name="decision" value="${decision}">`));
  return request(org.port, 'POST', action, { headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: String(new URLSearchParams({ [name]: value, decision })) });
}

async function authorize(params, decision = 'allow') {
  const answer = await ask(params);
  return answer.status === 200 ? click(answer.text, decision) : answer;
}

const backParams = (answer) => new URL(answer.headers.location).searchParams;
const exchange = (code, more = {}) => org.token({ grant_type: 'authorization_code', code, redirect_uri: REDIRECT, code_verifier: VERIFIER, ...CLIENT, ...more });
const approve = async () => (await exchange(backParams(await authorize()).get('code'))).json;

test('refresh: shape of the answer', async () => {
  const answer = await refresh();
  assert.equal(answer.status, 200);
  const { access_token, id, instance_url, issued_at, scope, signature, token_type } = answer.json;
  assert.match(access_token, /^00D\w{12}!/);
  assert.equal(typeof issued_at, 'string');
  assert.deepEqual([token_type, scope], ['Bearer', 'refresh_token api id']);
  assert.equal(instance_url, `http://127.0.0.1:${org.port}`);
  assert.match(id, /\/id\/00D\w{15}\/005\w{15}$/);
  assert.ok(signature);
  assert.equal('expires_in' in answer.json, false);
  assert.equal('refresh_token' in answer.json, false);
  assert.equal(answer.headers['sforce-limit-info'], undefined);
});

test('token endpoint: errors of the client and the request', async () => {
  isRefused(await refresh('unknown'), 'invalid_grant', 'expired access/refresh token');
  isRefused(await refresh('sim-refresh', { client_id: 'x' }), 'invalid_client_id', 'client identifier invalid');
  isRefused(await refresh('sim-refresh', { client_secret: 'x' }), 'invalid_client', 'invalid client credentials');
  isRefused(await org.token({ grant_type: 'refresh_token', refresh_token: 'sim-refresh', client_id: 'sim-client' }), 'invalid_client');
  isRefused(await org.token({ grant_type: 'password', ...CLIENT }), 'unsupported_grant_type');
  isRefused(await org.token({ grant_type: 'refresh_token' }, { 'Content-Type': 'application/json' }), 'invalid_request');
  isRefused(await request(org.port, 'GET', '/services/oauth2/token'), 'invalid_request');
  await org.control('POST', 'settings', { require_secret: false });
  assert.equal((await org.token({ grant_type: 'refresh_token', refresh_token: 'sim-refresh', client_id: 'sim-client' })).status, 200);
});

test('access tokens expire, slide on use, and on order', async () => {
  await org.control('POST', 'settings', { token_ttl_s: 0.15 });
  const token = (await refresh()).json.access_token;
  for (let i = 0; i < 3; i++) {
    await new Promise((done) => setTimeout(done, 80));
    assert.ok(await works(token));
  }
  await new Promise((done) => setTimeout(done, 200));
  assert.equal(await works(token), false);
  await org.control('POST', 'settings', { token_ttl_s: 7200 });
  const other = (await refresh()).json.access_token;
  await org.control('POST', 'expire', {});
  assert.equal(await works(other), false);
  await org.control('POST', 'expire', { refresh: true });
  isRefused(await refresh(), 'invalid_grant');
});

test('rotation: a dead refresh token kills the family', async () => {
  await org.control('POST', 'settings', { rotate_refresh_tokens: true });
  const first = (await refresh()).json;
  assert.ok(first.refresh_token && first.refresh_token !== 'sim-refresh');
  const second = (await refresh(first.refresh_token)).json;
  assert.ok(await works(second.access_token));
  isRefused(await refresh(first.refresh_token), 'invalid_grant', 'expired access/refresh token');
  assert.equal(await works(second.access_token), false);
  isRefused(await refresh(second.refresh_token), 'invalid_grant');
});

test('web server flow with PKCE', async () => {
  const back = await authorize();
  assert.equal(back.status, 302);
  const code = backParams(back).get('code');
  assert.equal(backParams(back).get('state'), 'st=1&x');
  assert.match(back.headers.location, /code=[^&]+%3D%3D/);
  const answer = await exchange(code);
  assert.equal(answer.status, 200);
  assert.ok(answer.json.refresh_token);
  assert.equal(answer.json.scope, 'api refresh_token');
  assert.ok(await works(answer.json.access_token));
  isRefused(await exchange(code), 'invalid_grant', 'invalid authorization code');
  assert.equal((await refresh(answer.json.refresh_token)).status, 200);
});

test('web server flow: what is refused', async () => {
  const code = async (params) => backParams(await authorize(params)).get('code');
  isRefused(await exchange(await code(), { code_verifier: `${VERIFIER}x` }), 'invalid_grant');
  isRefused(await org.token({ grant_type: 'authorization_code', code: await code(), redirect_uri: REDIRECT, ...CLIENT }), 'invalid_request', 'missing required code verifier');
  isRefused(await exchange(await code(), { redirect_uri: `${REDIRECT}/` }), 'redirect_uri_mismatch');
  isRefused(await exchange(await code(), { client_secret: 'x' }), 'invalid_client');
  isRefused(await authorize({ client_id: 'x' }), 'invalid_client_id');
  isRefused(await authorize({ redirect_uri: 'https://other.example.com/' }), 'redirect_uri_mismatch', 'redirect_uri must match configuration');
  assert.equal(backParams(await authorize({ response_type: 'token' })).get('error'), 'unsupported_response_type');
  assert.equal(backParams(await authorize({ scope: 'api everything' })).get('error'), 'invalid_scope');
  assert.equal(backParams(await authorize({ code_challenge: undefined })).get('error'), 'invalid_request');
  assert.equal(backParams(await authorize({ code_challenge_method: 'plain' })).get('error'), 'invalid_request');
  assert.ok(await code({ code_challenge_method: undefined }), 'the method may be left out');
  const old = await code();
  await org.control('POST', 'settings', { code_ttl_s: -1 });
  isRefused(await exchange(old), 'invalid_grant', 'expired authorization code');
  await org.control('POST', 'settings', { deny_authorization: true });
  const denied = backParams(await authorize());
  assert.deepEqual([denied.get('error'), denied.get('error_description'), denied.get('state')], ['access_denied', 'end-user denied authorization', 'st=1&x']);
});

test('the page that asks: allow, deny, once only', async () => {
  const page = await ask({ scope: 'api id' });
  assert.match(page.headers['content-type'], /^text\/html/);
  assert.match(page.text, /<li>api<\/li><li>id<\/li>/);
  const allowed = await click(page.text, 'allow');
  assert.equal(allowed.status, 302);
  assert.ok(allowed.headers.location.startsWith(`${REDIRECT}?code=`));
  isRefused(await click(page.text, 'allow'), 'invalid_request');
  const denied = backParams(await authorize({}, 'deny'));
  assert.deepEqual([denied.get('error'), denied.get('error_description'), denied.get('state'), denied.has('code')], ['access_denied', 'end-user denied authorization', 'st=1&x', false]);
  await org.control('POST', 'settings', { app_installed: false });
  assert.equal(backParams(await authorize()).get('error'), 'OAUTH_APPROVAL_ERROR_GENERIC');
  assert.equal(backParams(await authorize({}, 'deny')).get('error'), 'access_denied');
});

test('who has allowed the app before is asked again only when the client wants it', async () => {
  await org.control('POST', 'settings', { consent_page: false });
  assert.equal((await ask()).status, 302);
  assert.equal((await ask({ prompt: 'login' })).status, 302);
  assert.equal((await ask({ prompt: 'login consent' })).status, 200);
  assert.equal(backParams(await ask({ prompt: 'nonsense' })).get('error'), 'invalid_request');
  assert.equal(backParams(await ask({ state: undefined })).has('state'), false);
});

test('My Domain by its host', async () => {
  await org.control('POST', 'settings', { my_domain_host: 'localhost' });
  const form = { grant_type: 'client_credentials', ...CLIENT };
  isRefused(await org.token(form), 'invalid_grant', 'request not supported on this domain');
  assert.equal((await org.token(form, { Host: `LOCALHOST:${org.port}` })).status, 200);
});

test('an org that moves: its old host sends on or forgets, a refresh tells the new one', async () => {
  const old = () => org.call('GET', 'limits');
  await org.control('POST', 'settings', { instance_url: `http://localhost:${org.port}`, moved_from: '127.0.0.1' });
  const answer = await old();
  assert.deepEqual([answer.status, answer.headers.location], [301, `http://localhost:${org.port}${BASE}/limits`]);
  assert.equal((await refresh()).json.instance_url, `http://localhost:${org.port}`);
  assert.equal((await org.call('GET', 'limits', undefined, { Host: `localhost:${org.port}` })).status, 200);
  await org.control('POST', 'settings', { moved_status: 404 });
  const gone = await old();
  assert.equal(gone.status, 404);
  assert.match(gone.headers['content-type'], /^text\/html/);
});

test('a sixth approval revokes the oldest', async () => {
  const tokens = [];
  for (let i = 0; i < 5; i++) tokens.push((await approve()).refresh_token);
  isRefused(await refresh(), 'invalid_grant');
  for (const token of tokens) assert.equal((await refresh(token)).status, 200);
});

test('a session without the api scope is refused', async () => {
  const code = backParams(await authorize({ scope: 'id refresh_token' })).get('code');
  const { access_token } = (await exchange(code)).json;
  const answer = await request(org.port, 'GET', `${BASE}/limits`, { headers: { Authorization: `Bearer ${access_token}` } });
  assert.equal(answer.status, 401);
  assert.equal(answer.json[0].message, 'This session is not valid for use with the REST API');
});

test('client credentials: body or Basic, My Domain only, run-as user', async () => {
  const inBody = await org.token({ grant_type: 'client_credentials', ...CLIENT });
  assert.ok(await works(inBody.json.access_token));
  assert.equal('refresh_token' in inBody.json, false);
  const basic = { Authorization: `Basic ${Buffer.from('sim-client:sim-secret').toString('base64')}` };
  assert.equal((await org.token({ grant_type: 'client_credentials' }, basic)).status, 200);
  isRefused(await org.token({ grant_type: 'client_credentials', ...CLIENT }, { Host: 'login.example.com' }), 'invalid_grant');
  isRefused(await org.token({ grant_type: 'client_credentials', client_id: 'sim-client' }), 'invalid_client');
  await org.control('POST', 'settings', { client_credentials_user: false });
  isRefused(await org.token({ grant_type: 'client_credentials', ...CLIENT }), 'invalid_grant', 'no client credentials user enabled');
});

test('JWT bearer', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await org.control('POST', 'settings', { jwt_certificate: publicKey.export({ type: 'spki', format: 'pem' }) });
  const now = Math.floor(Date.now() / 1000);
  const good = { iss: 'sim-client', sub: 'sync@billhook.example.com', aud: 'https://login.salesforce.com', exp: now + 180 };
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const send = (claims, header = { alg: 'RS256' }) => {
    const text = `${part(header)}.${part(claims)}`;
    const assertion = `${text}.${createSign('RSA-SHA256').update(text).sign(privateKey).toString('base64url')}`;
    return org.token({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion });
  };
  const answer = await send(good);
  assert.equal(answer.status, 200, answer.text);
  assert.ok(await works(answer.json.access_token));
  assert.equal('refresh_token' in answer.json, false);
  isRefused(await send({ ...good, aud: 'https://other.example.com' }), 'invalid_grant', 'audience is invalid');
  isRefused(await send({ ...good, sub: 'other@example.com' }), 'invalid_grant', "user hasn't approved this consumer");
  isRefused(await send({ ...good, iss: 'x' }), 'invalid_client_id');
  isRefused(await send({ ...good, exp: now - 400 }), 'invalid_grant');
  isRefused(await send({ ...good, exp: now + 3600 }), 'invalid_grant');
  isRefused(await send(good, { alg: 'HS256' }), 'invalid_grant');
  isRefused(await org.token({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: 'a.b.c' }), 'invalid_grant');
});

test('revoke', async () => {
  const revoke = (form) => request(org.port, 'POST', '/services/oauth2/revoke', { headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: form });
  const { access_token, refresh_token } = await approve();
  const done = await revoke(`token=${encodeURIComponent(refresh_token)}`);
  assert.deepEqual([done.status, done.text], [200, '']);
  assert.equal(await works(access_token), false);
  isRefused(await revoke('token=unknown'), 'invalid_token');
  isRefused(await revoke(''), 'unsupported_token_type');
  const other = (await refresh()).json.access_token;
  assert.equal((await revoke(`token=${encodeURIComponent(other)}`)).status, 200);
  assert.equal(await works(other), false);
  assert.equal((await refresh()).status, 200);
});

test('identity and userinfo', async () => {
  const { json: token } = await refresh();
  const headers = { Authorization: `Bearer ${token.access_token}` };
  const identity = await request(org.port, 'GET', new URL(token.id).pathname, { headers });
  assert.equal(identity.json.organization_id.length, 18);
  assert.equal(identity.json.username, 'sync@billhook.example.com');
  const info = await request(org.port, 'GET', '/services/oauth2/userinfo', { headers });
  assert.equal(info.json.sub, token.id);
  assert.match(info.json.urls.metadata, /\/services\/Soap\/m\/\{version\}\/00D\w{12}$/);
  assert.equal((await request(org.port, 'GET', '/services/oauth2/userinfo', { headers: { Authorization: 'Bearer x' } })).status, 403);
  assert.equal((await request(org.port, 'GET', '/services/oauth2/userinfo')).status, 403);
  const row = (await org.query('SELECT Id, IsSandbox, OrganizationType FROM Organization')).json.records[0];
  assert.equal(row.Id, identity.json.organization_id);
});
