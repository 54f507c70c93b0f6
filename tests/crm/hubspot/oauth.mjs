// The token calls (section 2.3, 2.4); the page that a person sees: authorize.mjs.

import { createHash } from 'node:crypto';
import { ApiError, notFound } from './errors.mjs';
import { object, string } from './shape.mjs';

const APP_ID = 3154871;
const USER_ID = 9586504;

// OAuth members plus HubSpot's, no category (section 2.3).
function refuse(error, status, text, http = 400) {
  return new ApiError(http, { error, error_description: text, status, message: text });
}

// Token calls take forms only, and nothing in the query string.
export function form(call) {
  if (!/^application\/x-www-form-urlencoded\b/i.test(call.headers['content-type'] ?? ''))
    throw new ApiError(415, { message: 'The content type must be application/x-www-form-urlencoded' });
  const fields = new URLSearchParams(call.raw.toString('utf8'));
  for (const name of new Set(fields.keys()))
    if (fields.getAll(name).length > 1) throw refuse('invalid_request', 'BAD_REQUEST', `duplicate parameter ${name}`);
  return fields;
}

function checkClient(call, fields) {
  const { settings } = call.portal;
  if (fields.get('client_id') !== settings.client_id)
    throw refuse('invalid_client', 'BAD_CLIENT_ID', 'missing or unknown client id');
  if (fields.get('client_secret') !== settings.client_secret)
    throw refuse('invalid_client', 'BAD_CLIENT_SECRET', 'missing or invalid client secret');
}

export function token(call) {
  const fields = form(call);
  const grant = fields.get('grant_type');
  if (grant !== 'authorization_code' && grant !== 'refresh_token')
    throw refuse('unsupported_grant_type', 'BAD_GRANT_TYPE', 'missing or unknown grant type');
  checkClient(call, fields);
  const { tokens, settings, id } = call.portal;
  const refresh = grant === 'refresh_token' ? refreshGrant(tokens, fields) : codeGrant(tokens, fields);
  const accessToken = tokens.issue(refresh);
  const body = {
    token_type: 'bearer', refresh_token: refresh, access_token: accessToken, expires_in: settings.token_ttl_s,
    hub_id: id, user_id: USER_ID, scopes: tokens.scopesOf(tokens.access.get(accessToken)), token_use: 'access_token',
  };
  return { status: 200, body };
}

function refreshGrant(tokens, fields) {
  const refresh = fields.get('refresh_token');
  if (refresh === null || !tokens.grants.has(refresh))
    throw refuse('invalid_grant', 'BAD_REFRESH_TOKEN', 'refresh token is invalid, expired or revoked');
  return tokens.rotate(refresh);
}

function codeGrant(tokens, fields) {
  const redirectUri = fields.get('redirect_uri');
  if (!redirectUri) throw refuse('invalid_request', 'BAD_REDIRECT_URI', 'missing or invalid redirect uri');
  const entry = tokens.takeCode(fields.get('code'), redirectUri);
  if (entry === undefined)
    throw refuse('invalid_grant', 'BAD_AUTH_CODE', 'authorization code is invalid, expired or was used');
  if (entry.challenge !== null) {
    const given = createHash('sha256').update(fields.get('code_verifier') ?? '').digest('base64url');
    if (given !== entry.challenge) throw refuse('invalid_grant', 'BAD_CODE_VERIFIER', 'code verifier does not match');
  }
  return tokens.install(entry.scopes);
}

function accessInfo(call, accessToken) {
  const { tokens, settings, id } = call.portal;
  const entry = tokens.access.get(accessToken);
  if (entry === undefined || entry.expiresAt <= Date.now()) return null;
  return {
    token: accessToken, hub_id: id, user_id: USER_ID, app_id: APP_ID, client_id: settings.client_id,
    user: 'ada.field@example.com', hub_domain: 'example.com', scopes: tokens.scopesOf(entry),
    expires_in: Math.ceil((entry.expiresAt - Date.now()) / 1000), is_private_distribution: false,
    token_type: 'access', signed_access_token: {},
  };
}

function refreshInfo(call, refreshToken) {
  const { tokens, settings, id } = call.portal;
  const grant = tokens.grants.get(refreshToken);
  if (grant === undefined) return null;
  return {
    token: refreshToken, hub_id: id, user_id: USER_ID, app_id: APP_ID, client_id: settings.client_id,
    user: 'ada.field@example.com', hub_domain: 'example.com', scopes: tokens.scopesOf(grant), token_type: 'refresh',
  };
}

// The document names the field "token", the guide names it after the hint (section 2.4).
export function introspect(call) {
  const fields = form(call);
  checkClient(call, fields);
  const hint = fields.get('token_type_hint') ?? 'access_token';
  const given = fields.get('token') ?? fields.get(hint);
  const info = hint === 'refresh_token' ? refreshInfo(call, given) : accessInfo(call, given);
  if (info === null) return { status: 200, body: { active: false } };
  return { status: 200, body: { active: true, ...info, token_use: hint } };
}

// Access tokens already issued keep working until they expire (section 2.4).
export function revoke(call) {
  const fields = form(call);
  checkClient(call, fields);
  const tokens = call.portal.tokens;
  tokens.grants.delete(fields.get('token') ?? fields.get('refresh_token'));
  return { status: 200 };
}

export function accessTokenV1(call) {
  const info = accessInfo(call, call.params.token);
  if (info === null) throw notFound('access token does not exist');
  return { status: 200, body: info };
}

export function refreshTokenV1(call) {
  const info = refreshInfo(call, call.params.token);
  if (info === null) throw notFound('refresh token does not exist');
  return { status: 200, body: info };
}

export function refreshTokenDeleteV1(call) {
  call.portal.tokens.grants.delete(call.params.token);
  return { status: 204 };
}

const TOKEN_KEY = object({ tokenKey: string }, ['tokenKey']);

// Scopes of a pasted token (section 2.1).
export function privateTokenInfo(call) {
  const { tokenKey } = call.json(TOKEN_KEY);
  const { tokens, settings, id } = call.portal;
  if (tokenKey !== settings.private_token || tokenKey === tokens.revokedPrivate) throw notFound('token does not exist');
  return { status: 200, body: { userId: USER_ID, hubId: id, appId: APP_ID, scopes: tokens.grantable(), isUserToken: false } };
}
