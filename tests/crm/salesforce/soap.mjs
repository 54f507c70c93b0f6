// POST /services/Soap/m/VV.0: the SOAP line of the Metadata API (Salesforce:
// Metadata, Wire; Session errors).

import { checkQuota } from './gate.mjs';
import { SalesforceError } from './errors.mjs';
import { runOperation } from './metadata/operations.mjs';
import { textOf } from './metadata/read.mjs';
import { clientFault, faultOf, METADATA, misplaced, SOAP, SoapFault, soapFault } from './soap-answers.mjs';
import { versionState } from './resources.mjs';
import { parseXml, XmlError } from './xml.mjs';

const PATH = '/services/Soap/m/';
const utf8 = new TextDecoder('utf-8', { fatal: true });
const HEADERS = {
  SessionHeader: ['sessionId'], CallOptions: ['client', 'defaultNamespace'], AllOrNoneHeader: ['allOrNone'], DebuggingHeader: ['categories', 'debugLevel'],
};

export const isSoapPath = (path) => path.startsWith(PATH);

const html = (status, text) => ({ status, text: `<html><head><title>Error ${status}</title></head><body>${text}</body></html>`, kind: 'metadata' });

// What is wrong with the HTTP request itself, or null.
function refusedLine({ method, headers }) {
  if (method !== 'POST') return { ...html(405, 'HTTP method is not supported by this URL'), headers: { Allow: 'POST' } };
  const [type, ...parameters] = (headers['content-type'] ?? '').split(';').map((part) => part.trim().toLowerCase());
  const charset = parameters.find((part) => part.startsWith('charset='))?.slice(8).replace(/"/g, '') ?? 'utf-8';
  if (type !== 'text/xml' || charset !== 'utf-8') return html(415, 'Unsupported Media Type');
  return null;
}

function checkVersion(org, path) {
  const [version, orgId, more] = path.slice(PATH.length).split('/');
  if (versionState(`v${version}`) !== 'known') throw faultOf('UNSUPPORTED_API_VERSION', 'Invalid Api version specified on URL');
  if (more !== undefined || (orgId && ![org.orgId, org.orgId.slice(0, 15)].includes(orgId))) {
    throw faultOf('INVALID_SESSION_ID', 'Invalid Session ID found in SessionHeader: the session belongs to another organization');
  }
}

function parse(bytes) {
  try {
    return parseXml(utf8.decode(bytes));
  } catch (error) {
    if (error instanceof XmlError) throw clientFault(error.message);
    throw clientFault('the request is not valid UTF-8');
  }
}

// The envelope's header blocks and its one call.
function open(root) {
  if (root.name !== 'Envelope' || root.namespace !== SOAP) throw clientFault(`{${root.namespace}}${root.name} is not a {${SOAP}}Envelope`);
  const parts = [...root.children];
  const header = parts[0]?.name === 'Header' && parts[0].namespace === SOAP ? parts.shift() : null;
  const [body, ...rest] = parts;
  if (body?.name !== 'Body' || body.namespace !== SOAP || rest.length) throw clientFault('an Envelope holds an optional Header and one Body');
  if (body.children.length !== 1) throw clientFault('the Body holds one call');
  return { header: readHeader(header), call: body.children[0] };
}

function readHeader(header) {
  const out = {};
  for (const block of header?.children ?? []) {
    const known = block.namespace === METADATA ? HEADERS[block.name] : undefined;
    if (!known) throw misplaced(block, 'Header');
    for (const inner of block.children) {
      if (inner.namespace !== METADATA || !known.includes(inner.name)) throw misplaced(inner, block.name);
      out[inner.name] = textOf(inner, block.name).trim();
    }
  }
  return out;
}

// Tokens in the form of a JWT are good for REST only.
function checkSession(org, token) {
  const session = token && !token.startsWith('eyJ') ? org.oauth.session(token) : null;
  if (!session) throw faultOf('INVALID_SESSION_ID', 'Invalid Session ID found in SessionHeader: Illegal Session');
  if (!/\b(?:api|full)\b/.test(session.scope)) throw faultOf('INVALID_SESSION_ID', 'This session is not valid for use with the API');
}

function spend(org) {
  try {
    checkQuota(org, 0);
  } catch (error) {
    if (error instanceof SalesforceError) throw faultOf(error.code, error.message);
    throw error;
  }
}

function answer(org, request, path, log) {
  if (request.headers.soapaction === undefined) throw clientFault('SOAPAction HTTP header missing');
  checkVersion(org, path);
  const { header, call } = open(parse(request.bytes));
  checkSession(org, header.sessionId);
  spend(org);
  if (!org.settings.values.modify_metadata) {
    throw faultOf('INSUFFICIENT_ACCESS', 'use of the Metadata API requires a user with the ModifyAllData or ModifyMetadata permissions');
  }
  return runOperation({ org, state: org.metadata, allOrNone: ['true', '1'].includes(header.allOrNone), log }, call);
}

// Shaped as what the router gives for data calls.
export function answerSoap(org, request, path) {
  const call = { kind: 'metadata', records: 0, subrequests: [] };
  const refused = refusedLine(request);
  if (refused) return { result: refused, call };
  try {
    return { result: answer(org, request, path, call.subrequests), call };
  } catch (error) {
    if (!(error instanceof SoapFault)) throw error;
    return { result: soapFault(error), call };
  }
}
