// Step 1 of the web server flow: the request is checked, a person is asked, and
// the browser goes back with a code or a refusal (Salesforce: OAuth 2.0).

import { randomBytes } from 'node:crypto';
import { OAuthError } from './oauth-error.mjs';

const PROMPTS = ['login', 'consent', 'select_account'];
const NOT_INSTALLED = ['OAUTH_APPROVAL_ERROR_GENERIC', 'An unexpected error has occurred during authentication. Please try again.'];

export class Authorization {
  constructor(oauth) {
    this.oauth = oauth;
    this.asked = new Map();
  }

  get settings() {
    return this.oauth.settings;
  }

  // {location} to go back to, or {page} that asks.
  begin(query) {
    const request = this.readClient(query);
    const wrong = this.checkRest(query, request);
    if (wrong) return { location: refused(request, ...wrong) };
    if (this.settings.deny_authorization) return { location: this.decide(request, 'deny') };
    // Who has allowed the app before is not asked again, unless the client
    // wants it so.
    const ask = this.settings.consent_page || request.prompts.includes('consent');
    return ask ? { page: this.ask(request) } : { location: this.decide(request, 'allow') };
  }

  // An unknown client or callback is never redirected to.
  readClient(query) {
    const redirect = query.get('redirect_uri');
    if (query.get('client_id') !== this.settings.client_id) throw new OAuthError('invalid_client_id', 'client identifier invalid');
    if (!this.settings.redirect_uris.includes(redirect)) throw new OAuthError('redirect_uri_mismatch', 'redirect_uri must match configuration');
    return {
      redirect, state: query.get('state'), scope: this.scopeOf(query.get('scope')), challenge: query.get('code_challenge'),
      prompts: (query.get('prompt') ?? '').split(/\s+/).filter(Boolean),
    };
  }

  checkRest(query, { scope, challenge, prompts }) {
    if (query.get('response_type') !== 'code') return ['unsupported_response_type', 'response type not supported'];
    if (scope === null) return ['invalid_scope', 'the requested scope is not allowed'];
    if (challenge === null && this.settings.require_pkce) return ['invalid_request', 'missing required code challenge'];
    if (challenge !== null && !/^[A-Za-z0-9_-]{43}$/.test(challenge)) return ['invalid_request', 'invalid code challenge'];
    if (!['S256', null].includes(query.get('code_challenge_method'))) return ['invalid_request', 'invalid code challenge method'];
    if (!prompts.every((prompt) => PROMPTS.includes(prompt))) return ['invalid_request', 'invalid prompt'];
    return null;
  }

  // The scopes asked for, or null when one is not the app's.
  scopeOf(text) {
    const allowed = this.settings.allowed_scopes.split(/\s+/);
    if (!text) return 'refresh_token api id';
    const wanted = text.split(/\s+/).filter(Boolean);
    return wanted.every((scope) => allowed.includes(scope)) ? wanted.join(' ') : null;
  }

  ask(request) {
    const name = randomBytes(16).toString('hex');
    this.asked.set(name, request);
    return consentPage(name, request, this.settings.username);
  }

  // The click on Allow or Deny. Each page counts once.
  answer(form) {
    const request = this.asked.get(form.get('request'));
    this.asked.delete(form.get('request'));
    const decision = form.get('decision');
    if (!request || !['allow', 'deny'].includes(decision)) throw new OAuthError('invalid_request', 'this page is no longer valid');
    return this.decide(request, decision);
  }

  decide(request, decision) {
    if (decision === 'deny') return refused(request, 'access_denied', 'end-user denied authorization');
    if (!this.settings.app_installed) return refused(request, ...NOT_INSTALLED);
    return back(request, { code: this.oauth.makeCode(request) });
  }
}

function back({ redirect, state }, params) {
  const all = new URLSearchParams(params);
  if (state !== null) all.set('state', state);
  return `${redirect}${redirect.includes('?') ? '&' : '?'}${all}`;
}

const refused = (request, error, description) => back(request, { error, error_description: description });

const escaped = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

const consentPage = (name, { scope }, username) => `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Allow Access?</title></head><body>
<h1>Allow Access?</h1>
<p>An app is asking to use the account of ${escaped(username)}:</p>
<ul>${scope.split(' ').map((one) => `<li>${escaped(one)}</li>`).join('')}</ul>
<form method="post" action="/services/oauth2/approve"><input type="hidden" name="request" value="${name}">
<button name="decision" value="allow">Allow</button> <button name="decision" value="deny">Deny</button></form>
</body></html>
`;
