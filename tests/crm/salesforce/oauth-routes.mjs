// /services/oauth2/* and the identity URL (Salesforce: OAuth 2.0; Who is it).

import { hostOf } from './moved.mjs';
import { OAuthError } from './oauth-error.mjs';

const FORM = 'application/x-www-form-urlencoded';

export function isOAuthPath(path) {
  return path.startsWith('/services/oauth2/') || path.startsWith('/id/');
}

function formOf(request) {
  const type = (request.headers['content-type'] ?? '').split(';')[0].trim().toLowerCase();
  if (type !== FORM) throw new OAuthError('invalid_request', `Content-Type must be ${FORM}`);
  return new URLSearchParams(request.raw);
}

function identityOf(org) {
  const { username, organization_type } = org.settings.values;
  const versioned = (path) => `${org.oauth.instanceUrl()}${path}`;
  return {
    user_id: org.userId, organization_id: org.orgId, preferred_username: username, nickname: 'sync', name: 'Billhook Sync',
    email: username, email_verified: true, active: true, user_type: 'STANDARD', language: 'en_US', locale: 'en_US', utcOffset: 0,
    is_salesforce_integration_user: false, organization_type,
    urls: {
      metadata: versioned(`/services/Soap/m/{version}/${org.orgId.slice(0, 15)}`), rest: versioned('/services/data/v{version}/'),
      sobjects: versioned('/services/data/v{version}/sobjects/'), query: versioned('/services/data/v{version}/query/'),
    },
  };
}

// The session of an identity call. These endpoints answer a bad token with
// plain text and 403, not with the REST error array.
function scoped(org, request) {
  const token = /^(?:Bearer|OAuth)\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (!token) return { status: 403, text: 'Missing_OAuth_Token' };
  const session = org.oauth.session(token);
  if (!session) return { status: 403, text: 'Bad_OAuth_Token' };
  return /\b(?:id|openid|full|profile)\b/.test(session.scope) ? null : { status: 403, text: 'Missing_Scope' };
}

function identity(org, request, path) {
  const refusal = scoped(org, request);
  if (refusal) return refusal;
  const { preferred_username: username, name, urls, ...rest } = identityOf(org);
  if (path !== `/id/${org.orgId}/${org.userId}`) return { status: 404, text: 'Not Found' };
  return { status: 200, body: { id: org.oauth.identityUrl(), ...rest, username, display_name: name, urls } };
}

const authorizeAnswer = ({ location, page }) => (page === undefined
  ? { status: 302, headers: { Location: location } } : { status: 200, text: page });

function route(org, request, path, query) {
  switch (path) {
    case '/services/oauth2/authorize':
      return authorizeAnswer(org.oauth.authorization.begin(query));
    case '/services/oauth2/approve':
      return authorizeAnswer({ location: org.oauth.authorization.answer(formOf(request)) });
    case '/services/oauth2/token':
      if (request.method !== 'POST') throw new OAuthError('invalid_request', 'must use HTTP POST');
      return { status: 200, body: org.oauth.token(formOf(request), { authorization: request.headers.authorization, host: hostOf(request.headers) }) };
    case '/services/oauth2/revoke':
      org.oauth.revoke(request.method === 'POST' ? formOf(request).get('token') : query.get('token'));
      return { status: 200 };
    case '/services/oauth2/userinfo': {
      const refusal = scoped(org, request);
      return refusal ?? { status: 200, body: { sub: org.oauth.identityUrl(), ...identityOf(org) } };
    }
    default:
      return path.startsWith('/id/') ? identity(org, request, path) : { status: 404, text: 'Not Found' };
  }
}

export function answerOAuth(org, request, path, query) {
  try {
    return { ...route(org, request, path, query), kind: 'oauth' };
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    return { status: error.status, body: error.body, kind: 'oauth' };
  }
}
