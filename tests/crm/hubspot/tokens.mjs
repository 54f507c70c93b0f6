// Tokens and grants of the one portal and the one app (section 2).

import { randomBytes } from 'node:crypto';
import { expiredToken, noCredentials } from './errors.mjs';
import { ALL_SCOPES } from './factory.mjs';

const CODE_TTL_MS = 60000;

export class Tokens {
  constructor(settings) {
    this.settings = settings;
    this.clear();
  }

  // grants: refresh token -> {scopes or null for all that the portal grants}
  clear() {
    this.grants = new Map([[this.settings.refresh_token, { scopes: null }]]);
    this.access = new Map(); // access token -> {refresh, scopes, expiresAt}
    this.codes = new Map(); // code -> {redirectUri, scopes, expiresAt, challenge}
    this.asked = new Map(); // page that asks -> what it asks for
    this.revokedPrivate = null;
  }

  // What the portal can grant: without Enterprise the scopes of custom objects and events do not exist (section 2.5).
  grantable() {
    const { scopes, withheld_scopes: withheld, enterprise } = this.settings;
    return scopes.filter((scope) => !withheld.includes(scope) && (enterprise || !/\.custom\.|behavioral_events/.test(scope)));
  }

  static known(scope) {
    return ALL_SCOPES.includes(scope);
  }

  newCode(redirectUri, scopes, challenge = null) {
    const code = `na1-${randomBytes(18).toString('hex')}`;
    this.codes.set(code, { redirectUri, scopes, challenge, expiresAt: Date.now() + CODE_TTL_MS });
    return code;
  }

  // Single-use, short-lived, for one redirect only (section 2.2). Returns the
  // code's entry or undefined.
  takeCode(code, redirectUri) {
    const entry = this.codes.get(code);
    this.codes.delete(code);
    return entry !== undefined && entry.redirectUri === redirectUri && entry.expiresAt > Date.now() ? entry : undefined;
  }

  install(scopes) {
    const refresh = `na1-${randomBytes(16).toString('hex')}`;
    this.grants.set(refresh, { scopes });
    return refresh;
  }

  // Access tokens are long (up to 512 characters, section 2.3): clients must not cut them.
  issue(refresh) {
    const grant = this.grants.get(refresh);
    const token = `C${randomBytes(240).toString('base64url')}`;
    this.access.set(token, { refresh, scopes: grant.scopes, expiresAt: Date.now() + this.settings.token_ttl_s * 1000 });
    return token;
  }

  rotate(refresh) {
    if (!this.settings.rotate_refresh_token) return refresh;
    const next = `na1-${randomBytes(16).toString('hex')}`;
    this.grants.set(next, this.grants.get(refresh));
    this.grants.delete(refresh);
    return next;
  }

  uninstall() {
    this.grants.clear();
    this.access.clear();
    this.codes.clear();
  }

  expire(token) {
    const entry = this.access.get(token);
    if (entry !== undefined) entry.expiresAt = Date.now() - 1000;
    // A pasted token never expires; rotated away it is simply unknown.
    else if (token === this.settings.private_token) this.revokedPrivate = token;
  }

  expireAll() {
    for (const token of this.access.keys()) this.expire(token);
  }

  scopesOf(entry) {
    const grantable = this.grantable();
    return entry.scopes === null ? grantable : entry.scopes.filter((scope) => grantable.includes(scope));
  }

  // The bearer of a call: {kind, token, scopes}. Throws 401.
  check(header) {
    const match = /^Bearer ([^\s]+)$/i.exec(header ?? '');
    if (match === null) throw noCredentials();
    const token = match[1];
    if (token === this.settings.private_token && token !== this.revokedPrivate)
      return { kind: 'private', token, scopes: this.grantable() };
    const entry = this.access.get(token);
    if (entry === undefined) throw noCredentials();
    if (entry.expiresAt <= Date.now())
      throw expiredToken(Math.max(1, Math.round((Date.now() - entry.expiresAt) / 1000)));
    return { kind: 'oauth', token, scopes: this.scopesOf(entry) };
  }
}
