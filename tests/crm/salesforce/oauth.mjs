// Tokens and the OAuth endpoints' rules (Salesforce: OAuth 2.0).

import { createHash, createHmac, randomBytes } from 'node:crypto';
import { Authorization } from './authorize.mjs';
import { checkAssertion, jwtToken } from './jwt.mjs';
import { OAuthError } from './oauth-error.mjs';

const LOGIN_HOSTS = /^(?:login|test)\./i;
const VERIFIER = /^[A-Za-z0-9._~-]{43,171}$/;

const random = (bytes) => randomBytes(bytes).toString('base64url').replace(/[-_]/g, '.');

export class OAuth {
  constructor(org) {
    this.org = org;
    this.reset();
  }

  get settings() {
    return this.org.settings.values;
  }

  reset() {
    this.access = new Map();
    this.refresh = new Map();
    this.codes = new Map();
    this.families = [];
    this.authorization = new Authorization(this);
    this.seed();
  }

  // The refresh token a test can start with, as an approval of its own.
  seed() {
    const { refresh_token: token } = this.settings;
    if (!token || this.refresh.get(token)?.current) return;
    this.approve('refresh_token api id', token);
  }

  // A user holds a few approvals per app; one more silently revokes the oldest.
  approve(scope, token = `5Aep861${random(32)}`) {
    const family = { scope, current: token, access: new Set(), alive: true };
    this.families.push(family);
    this.refresh.set(token, { family, current: true });
    const alive = this.families.filter((one) => one.alive);
    while (alive.length > this.settings.approval_limit) this.kill(alive.shift());
    this.families = this.families.filter((one) => one.alive);
    return family;
  }

  kill(family) {
    family.alive = false;
    for (const token of family.access) this.access.delete(token);
    family.access.clear();
    const entry = this.refresh.get(family.current);
    if (entry) entry.current = false;
  }

  identityUrl() {
    return `${this.org.baseUrl}/id/${this.org.orgId}/${this.org.userId}`;
  }

  instanceUrl() {
    return this.settings.instance_url || this.org.baseUrl;
  }

  // A token answer. issued_at is a string and there is no expires_in.
  issue(scope, family, refreshToken) {
    const token = this.settings.jwt_access_tokens
      ? jwtToken(this.org.orgId, this.org.userId) : `${this.org.orgId.slice(0, 15)}!AR8AQ${random(66)}`;
    this.access.set(token, { scope, family, used: Date.now(), issued: Date.now() });
    family?.access.add(token);
    const id = this.identityUrl();
    const issued_at = String(Date.now());
    const signature = createHmac('sha256', this.settings.client_secret).update(id + issued_at).digest('base64');
    const body = { access_token: token, signature, scope, instance_url: this.instanceUrl(), id, token_type: 'Bearer', issued_at };
    if (refreshToken) body.refresh_token = refreshToken;
    if (this.settings.extra_keys) body.api_instance_url = `${this.org.baseUrl}/api`;
    return body;
  }

  // The session under an access token, or null. Its life is the session
  // timeout, which starts anew with each use.
  session(token) {
    const session = this.access.get(token);
    if (!session) return null;
    const now = Date.now();
    const since = this.settings.token_sliding ? session.used : session.issued;
    if (now - since >= this.settings.token_ttl_s * 1000) {
      this.access.delete(token);
      return null;
    }
    session.used = now;
    return session;
  }

  expire(token) {
    this.access.delete(token);
  }

  expireAll() {
    this.access.clear();
  }

  checkClient(form, authorization, secretNeeded = this.settings.require_secret) {
    let id = form.get('client_id');
    let secret = form.get('client_secret');
    const basic = /^Basic\s+(\S+)$/i.exec(authorization ?? '')?.[1];
    if (basic) {
      const [user, ...rest] = Buffer.from(basic, 'base64').toString('utf8').split(':');
      id = decodeURIComponent(user);
      secret = decodeURIComponent(rest.join(':'));
    }
    if (id !== this.settings.client_id) throw new OAuthError('invalid_client_id', 'client identifier invalid');
    // A secret that is sent must be right even where none is asked for.
    if (secret === null ? secretNeeded : secret !== this.settings.client_secret) {
      throw new OAuthError('invalid_client', 'invalid client credentials');
    }
  }

  // A code stands for what was allowed; it is used once.
  makeCode({ redirect, scope, challenge }) {
    const code = `aPrx${random(40)}==`;
    this.codes.set(code, { redirect, scope, challenge, born: Date.now() });
    return code;
  }

  token(form, { authorization, host }) {
    switch (form.get('grant_type')) {
      case 'authorization_code': return this.byCode(form, authorization);
      case 'refresh_token': return this.byRefreshToken(form, authorization);
      case 'client_credentials': return this.byClient(form, authorization, host);
      case 'urn:ietf:params:oauth:grant-type:jwt-bearer': return this.byAssertion(form);
      default: throw new OAuthError('unsupported_grant_type', 'grant type not supported');
    }
  }

  byCode(form, authorization) {
    this.checkClient(form, authorization);
    const code = this.codes.get(form.get('code'));
    // Single use: gone whatever comes of this request.
    this.codes.delete(form.get('code'));
    if (!code) throw new OAuthError('invalid_grant', 'invalid authorization code');
    if (Date.now() - code.born > this.settings.code_ttl_s * 1000) throw new OAuthError('invalid_grant', 'expired authorization code');
    if (form.get('redirect_uri') !== code.redirect) throw new OAuthError('redirect_uri_mismatch', 'redirect_uri must match configuration');
    this.checkVerifier(code, form.get('code_verifier'));
    const lasting = /\b(?:refresh_token|offline_access)\b/.test(code.scope);
    if (!lasting) return this.issue(code.scope, null);
    const family = this.approve(code.scope);
    return this.issue(code.scope, family, family.current);
  }

  checkVerifier({ challenge }, verifier) {
    if (challenge === null) return;
    if (verifier === null) throw new OAuthError('invalid_request', 'missing required code verifier');
    const right = VERIFIER.test(verifier) && createHash('sha256').update(verifier).digest('base64url') === challenge;
    if (!right) throw new OAuthError('invalid_grant', 'invalid code verifier');
  }

  byRefreshToken(form, authorization) {
    this.checkClient(form, authorization);
    const entry = this.refresh.get(form.get('refresh_token'));
    if (!entry || !entry.current) {
      // A dead token of a rotating family revokes what is left of the family.
      if (entry?.family.alive) this.kill(entry.family);
      throw new OAuthError('invalid_grant', 'expired access/refresh token');
    }
    const { family } = entry;
    if (!this.settings.rotate_refresh_tokens) return this.issue(family.scope, family);
    entry.current = false;
    family.current = `5Aep861${random(32)}`;
    this.refresh.set(family.current, { family, current: true });
    return this.issue(family.scope, family, family.current);
  }

  // The org's own host, not a login host for all orgs.
  isMyDomain(host) {
    const { my_domain_host: own } = this.settings;
    return own ? host === own.toLowerCase() : !LOGIN_HOSTS.test(host);
  }

  byClient(form, authorization, host) {
    if (!this.isMyDomain(host)) throw new OAuthError('invalid_grant', 'request not supported on this domain');
    this.checkClient(form, authorization, true);
    if (!this.settings.client_credentials_user) throw new OAuthError('invalid_grant', 'no client credentials user enabled');
    return this.issue('api id', null);
  }

  byAssertion(form) {
    const problem = checkAssertion(form.get('assertion'), {
      certificate: this.settings.jwt_certificate, clientId: this.settings.client_id, username: this.settings.username,
      audiences: ['https://login.salesforce.com', 'https://test.salesforce.com', this.org.baseUrl, this.instanceUrl()],
      preauthorized: this.settings.jwt_preauthorized,
    });
    if (problem) throw new OAuthError(problem.error, problem.description);
    return this.issue('api id', null);
  }

  revoke(token) {
    if (!token) throw new OAuthError('unsupported_token_type', 'this token type is not supported');
    const entry = this.refresh.get(token);
    if (entry?.current) {
      this.kill(entry.family);
      return;
    }
    if (!this.access.delete(token)) throw new OAuthError('invalid_token', 'invalid token');
  }
}
