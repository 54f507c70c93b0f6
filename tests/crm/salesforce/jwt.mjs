// The assertion of the JWT bearer flow (Salesforce: OAuth, other flows).

import { createPublicKey, randomBytes, verify } from 'node:crypto';

const LONGEST_S = 300;
const LEEWAY_S = 180;

const grant = (description) => ({ error: 'invalid_grant', description });

function decode(part) {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
}

// Null when the assertion is good, otherwise {error, description}.
export function checkAssertion(assertion, { certificate, clientId, username, audiences, preauthorized }) {
  const parts = (assertion ?? '').split('.');
  const header = parts.length === 3 ? decode(parts[0]) : null;
  const claims = header && decode(parts[1]);
  if (!claims) return grant('invalid assertion');
  if (claims.iss !== clientId) return { error: 'invalid_client_id', description: 'client identifier invalid' };
  if (header.alg !== 'RS256' || !certificate || !signed(parts, certificate)) return grant('invalid assertion');
  if (!audiences.includes(claims.aud)) return grant('audience is invalid');
  const now = Date.now() / 1000;
  if (typeof claims.exp !== 'number' || claims.exp < now - LEEWAY_S || claims.exp > now + LONGEST_S) return grant('assertion expired or lives too long');
  if (claims.sub !== username || !preauthorized) return grant("user hasn't approved this consumer");
  return null;
}

function signed([header, claims, signature], certificate) {
  try {
    return verify('RSA-SHA256', Buffer.from(`${header}.${claims}`), createPublicKey(certificate), Buffer.from(signature, 'base64url'));
  } catch {
    return false;
  }
}

// An access token in the form of a JWT: long, and good for REST only.
export function jwtToken(orgId, userId) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { scp: 'api refresh_token', sub: `uid:${userId}`, iss: orgId, sfdc: randomBytes(600).toString('hex') };
  return `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}.${randomBytes(256).toString('base64url')}`;
}
