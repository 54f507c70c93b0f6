// What stands before every data call: version, session, quota, and the form of
// the body (Salesforce: REST basics; Session errors; Limits).

import { badRequest, SalesforceError } from './errors.mjs';
import { isUpload, readUpload } from './ingest-routes.mjs';
import { parseJson } from './json.mjs';
import { checkVersion } from './router.mjs';

const MAX_URL = 16384;
const WITH_BODY = ['POST', 'PATCH', 'PUT'];
const utf8 = new TextDecoder('utf-8', { fatal: true });

export function checkSize(request) {
  if (Buffer.byteLength(request.url) > MAX_URL) throw new SalesforceError(414, 'URI_TOO_LONG', 'The requested URI is too long');
  const headers = request.rawHeaders.reduce((sum, part) => sum + part.length + 2, 0);
  if (Buffer.byteLength(request.url) + headers > MAX_URL) {
    throw new SalesforceError(431, 'REQUEST_HEADER_FIELDS_TOO_LARGE', 'The request headers are too large');
  }
}

const unauthorized = (message, code = 'INVALID_SESSION_ID') => {
  const error = new SalesforceError(401, code, message);
  error.headers = { 'WWW-Authenticate': 'Token' };
  return error;
};

export function tokenIn(headers) {
  return /^(?:Bearer|OAuth)\s+(\S+)\s*$/i.exec(headers.authorization ?? '')?.[1] ?? null;
}

function checkSession(org, headers) {
  const { authorization } = headers;
  const token = tokenIn(headers);
  if (authorization !== undefined && token === null) throw unauthorized('INVALID_HEADER_TYPE', 'INVALID_AUTH_HEADER');
  const session = token && org.oauth.session(token);
  if (!session) throw unauthorized('Session expired or invalid');
  if (!/\b(?:api|full)\b/.test(session.scope)) throw unauthorized('This session is not valid for use with the REST API');
}

export function checkQuota(org, longCalls) {
  const { values } = org.settings;
  if (values.api_disabled) {
    throw new SalesforceError(403, 'API_DISABLED_FOR_ORG', 'API is not enabled for this Organization or Partner');
  }
  if (values.daily_used >= values.daily_limit) {
    throw new SalesforceError(403, 'REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.');
  }
  if (longCalls >= values.concurrent_limit) {
    throw new SalesforceError(403, 'REQUEST_LIMIT_EXCEEDED', 'ConcurrentRequests (Concurrent API Requests) Limit exceeded.');
  }
  values.daily_used++;
}

function readBody(request, call) {
  if (!WITH_BODY.includes(request.method)) return;
  const bytes = request.bytes;
  if (bytes.length === 0) {
    throw badRequest('JSON_PARSER_ERROR', 'The HTTP entity body is required, but this request has no entity body.');
  }
  if (isUpload(call)) {
    readUpload(request, call);
    return;
  }
  const type = (request.headers['content-type'] ?? '').split(';').map((part) => part.trim().toLowerCase());
  const charset = type.find((part) => part.startsWith('charset='))?.slice(8).replace(/"/g, '');
  if (type[0] !== 'application/json' || (charset !== undefined && charset !== 'utf-8')) {
    throw new SalesforceError(415, 'UNSUPPORTED_MEDIA_TYPE',
      `Content-Type header specified in HTTP request is not supported: ${request.headers['content-type'] ?? ''}`);
  }
  try {
    call.raw = utf8.decode(bytes);
  } catch {
    throw badRequest('JSON_PARSER_ERROR', 'Invalid UTF-8 in the request body at [line:1, column:1]');
  }
  call.body = parseJson(call.raw);
}

// Throws what the call is refused for. `call.limitInfo` is set once the answer
// is to carry Sforce-Limit-Info: 401 and unknown-version answers do not.
export function admit(org, request, call, longCalls) {
  checkSize(request);
  checkVersion(call);
  checkSession(org, request.headers);
  call.limitInfo = true;
  checkQuota(org, longCalls);
  readBody(request, call);
}
