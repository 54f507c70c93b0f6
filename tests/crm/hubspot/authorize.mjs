// The install page (section 2.2): the request is checked, a person is asked, and
// the browser goes back with a code or a refusal.

import { randomBytes } from 'node:crypto';
import { RawAnswer } from './errors.mjs';
import { form } from './oauth.mjs';
import { Tokens } from './tokens.mjs';

function refusalPage(text) {
  return new RawAnswer(400, 'text/html;charset=utf-8', `<!DOCTYPE html>\n<title>Install</title>\n<p>${escaped(text)}</p>\n`);
}

const escaped = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

// https, or http on localhost only; equal to one the app names, where it names any.
function checkRedirect(settings, uri) {
  let url;
  try {
    url = new URL(uri);
  } catch {
    throw refusalPage('The redirect URL is missing or malformed.');
  }
  if (settings.redirect_uris.length > 0) {
    if (!settings.redirect_uris.includes(uri)) throw refusalPage('The redirect URL is not one of the app.');
  } else if (url.protocol !== 'https:' && !(url.protocol === 'http:' && url.hostname === 'localhost'))
    throw refusalPage('The redirect URL must use https.');
}

// The scopes that a yes grants: all in scope, and of optional_scope what the
// portal has.
function checkScopes(query, { settings, tokens }) {
  const names = (parameter) => (query.get(parameter) ?? '').split(' ').filter((scope) => scope !== '');
  const [scopes, optional] = [names('scope'), names('optional_scope')];
  const ofApp = (scope) => Tokens.known(scope) && (settings.app_scopes.length === 0 || settings.app_scopes.includes(scope));
  if (scopes.length === 0 || ![...scopes, ...optional].every(ofApp)) throw refusalPage('The scopes do not agree with those of the app.');
  const grantable = tokens.grantable();
  const lacking = scopes.filter((scope) => !grantable.includes(scope));
  if (lacking.length > 0) throw refusalPage(`This account cannot grant ${lacking.join(', ')}.`);
  return [...new Set([...scopes, ...optional.filter((scope) => grantable.includes(scope))])];
}

export function authorize({ query, portal, params }) {
  const { settings, tokens } = portal;
  if (query.get('client_id') !== settings.client_id) throw refusalPage('The app does not exist.');
  if (params.hub !== undefined && params.hub !== String(portal.id)) throw refusalPage('You have no access to this account.');
  const redirect = query.get('redirect_uri') ?? '';
  checkRedirect(settings, redirect);
  const request = { redirect, scopes: checkScopes(query, portal), state: query.get('state'), challenge: query.get('code_challenge') };
  if (settings.authorize !== 'ask') return decide(tokens, request, settings.authorize === 'grant');
  const name = randomBytes(16).toString('hex');
  tokens.asked.set(name, request);
  return { status: 200, text: consentPage(name, request, portal.id), headers: { 'Content-Type': 'text/html;charset=utf-8' } };
}

// The click on Allow or Deny.  Each page counts once.
export function approve(call) {
  const fields = form(call);
  const { tokens } = call.portal;
  const request = tokens.asked.get(fields.get('request'));
  tokens.asked.delete(fields.get('request'));
  if (request === undefined || !['allow', 'deny'].includes(fields.get('decision'))) throw refusalPage('This page is no longer valid.');
  return decide(tokens, request, fields.get('decision') === 'allow');
}

function decide(tokens, { redirect, scopes, state, challenge }, isAllowed) {
  const url = new URL(redirect);
  if (isAllowed) url.searchParams.set('code', tokens.newCode(redirect, scopes, challenge));
  else {
    url.searchParams.set('error', 'access_denied');
    url.searchParams.set('error_description', 'The user denied access');
  }
  if (state !== null) url.searchParams.set('state', state);
  return { status: 302, headers: { Location: url.toString() } };
}

const consentPage = (name, { scopes }, portalId) => `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Connect app</title></head><body>
<h1>Connect app</h1>
<p>An app is asking to use the account ${portalId}:</p>
<ul>${scopes.map((one) => `<li>${escaped(one)}</li>`).join('')}</ul>
<form method="post" action="/oauth/approve"><input type="hidden" name="request" value="${name}">
<button name="decision" value="allow">Allow</button> <button name="decision" value="deny">Deny</button></form>
</body></html>
`;
