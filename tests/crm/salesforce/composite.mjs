// POST /composite: up to 25 sub-requests in one counted call, run in order, each
// with its own status inside an outer 200 (Salesforce: Composite).

import { badRequest, methodNotAllowed, SalesforceError } from './errors.mjs';
import { booleanOf, envelope, isObject, placeOfField } from './json.mjs';
import { fillBody, fillUrl, referencesIn } from './references.mjs';
import { answer, errorAnswer, isDataPath, makeCall } from './router.mjs';

const MAX_SUBREQUESTS = 25;
const MAX_COLLECTIONS_AND_QUERIES = 5;
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
const FORBIDDEN_HEADERS = ['accept', 'authorization', 'content-type'];
const REFERENCE_ID = /^[A-Za-z0-9][A-Za-z0-9_]*$/;
const HEAVY = /^\/services\/data\/v[\d.]+\/(?:composite\/sobjects|query|queryAll)(?:[/?]|$)/;
const COLLATE_BY_DEFAULT_SINCE = 49;
const ROLLED_BACK = 'The transaction was rolled back since another operation in the same transaction failed.';

const malformed = (message) => badRequest('INVALID_INPUT', message);

// Too many sub-requests are told inside a 200 (correction 2).
const refusal = (message) => ({ status: 200, body: { compositeResponse: [{
  body: [{ errorCode: 'LIMIT_EXCEEDED', message }], httpHeaders: {}, httpStatusCode: 400, referenceId: null,
}] } });

function checkSubrequest(request, raw, seen) {
  envelope(request, ['method', 'url', 'referenceId', 'body', 'httpHeaders'], raw);
  const { method, url, referenceId, httpHeaders } = request;
  if (typeof referenceId !== 'string' || !REFERENCE_ID.test(referenceId)) {
    throw malformed(`Provided referenceId '${referenceId ?? ''}' is invalid. It has to start with a letter or a number, and may hold only letters, numbers and underscores.`);
  }
  if (seen.has(referenceId)) throw malformed(`Reference ids have to be unique within a request: ${referenceId} is used more than once.`);
  seen.add(referenceId);
  if (!METHODS.includes(method)) throw malformed(`Invalid method '${method ?? ''}' in subrequest ${referenceId}.`);
  if (typeof url !== 'string' || !isDataPath(url)) {
    throw malformed(`The url of subrequest ${referenceId} has to start with /services/data/vXX.X/`);
  }
  if (httpHeaders === undefined || httpHeaders === null) return;
  if (!isObject(httpHeaders)) throw malformed(`httpHeaders of subrequest ${referenceId} has to be an object.`);
  for (const name of Object.keys(httpHeaders)) {
    if (FORBIDDEN_HEADERS.includes(name.toLowerCase())) throw malformed(`The header ${name} is not allowed in subrequest ${referenceId}.`);
  }
}

function readEnvelope(call) {
  const body = envelope(call.body, ['allOrNone', 'collateSubrequests', 'compositeRequest'], call.raw);
  const requests = body.compositeRequest;
  if (!Array.isArray(requests)) {
    throw badRequest('JSON_PARSER_ERROR', `Cannot deserialize instance of array for compositeRequest at ${placeOfField(call.raw, 'compositeRequest')}`);
  }
  const allOrNone = booleanOf(body.allOrNone, 'allOrNone', false, call.raw);
  const collate = booleanOf(body.collateSubrequests, 'collateSubrequests', call.version >= COLLATE_BY_DEFAULT_SINCE, call.raw);
  return { requests, allOrNone, collate };
}

// With collateSubrequests the server may run unrelated sub-requests in any
// order. This one runs them last to first, after what they refer to, so that a
// client that counts on the order of its requests fails at once.
function executionOrder(requests, collate) {
  const all = requests.map((_, i) => i);
  if (!collate) return all;
  const byName = new Map(requests.map((request, i) => [request.referenceId, i]));
  const order = [];
  const placed = new Set();
  const place = (i) => {
    if (placed.has(i)) return;
    placed.add(i);
    for (const name of referencesIn(requests[i])) {
      const other = byName.get(name);
      if (other !== undefined && other < i) place(other);
    }
    order.push(i);
  };
  for (const i of all.reverse()) place(i);
  return order;
}

export function compositeResource(call) {
  if (call.method !== 'POST') throw methodNotAllowed(call.method, ['POST']);
  const { requests, allOrNone, collate } = readEnvelope(call);
  if (requests.length === 0) throw badRequest('REQUIRED_FIELD_MISSING', 'At least 1 subrequest is required');
  if (requests.length > MAX_SUBREQUESTS) return refusal(`The request can't contain more than ${MAX_SUBREQUESTS} operations.`);
  const seen = new Set();
  for (const request of requests) checkSubrequest(request, call.raw, seen);
  if (requests.filter((request) => HEAVY.test(request.url)).length > MAX_COLLECTIONS_AND_QUERIES) {
    return refusal(`The request can't contain more than ${MAX_COLLECTIONS_AND_QUERIES} sObject Collections and query operations.`);
  }
  const results = new Array(requests.length);
  const answers = new Map();
  const usesReferences = call.raw.includes('@{');
  let failed = false;
  const attempt = () => {
    for (const i of executionOrder(requests, collate)) {
      const request = requests[i];
      const result = failed && allOrNone ? null : runOne(call, request, answers, usesReferences, allOrNone);
      results[i] = result;
      if (!result) continue;
      answers.set(request.referenceId, result);
      if (result.status >= 400 || result.failedRows) failed = true;
    }
    return !(allOrNone && failed);
  };
  if (allOrNone) call.org.store.transaction(attempt);
  else attempt();
  const compositeResponse = requests.map((request, i) => element(request, results[i], allOrNone && failed));
  return { status: 200, body: { compositeResponse } };
}

function runOne(call, request, answers, usesReferences, allOrNone) {
  const entry = { method: request.method, url: request.url, records: 0, status: 0 };
  call.subrequests.push(entry);
  let result;
  try {
    const url = usesReferences ? fillUrl(answers, request.url) : request.url;
    const body = usesReferences ? fillBody(answers, request.body) : request.body;
    result = injected(call, request) ?? runInner(call, request, url, body, allOrNone, entry);
  } catch (error) {
    if (!(error instanceof SalesforceError)) throw error;
    result = errorAnswer(error);
  }
  entry.status = result.status;
  return result;
}

function runInner(call, request, url, body, allOrNone, entry) {
  const headers = Object.fromEntries(Object.entries(request.httpHeaders ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]));
  const inner = makeCall(call, { method: request.method, url, body, raw: call.raw, headers });
  inner.forceAllOrNone = allOrNone;
  const result = answer(inner, true);
  entry.records = inner.records;
  call.records += inner.records;
  return { ...result, failedRows: inner.failedRows };
}

// A fault aimed at this sub-request rather than at the whole call.
function injected(call, request) {
  const fault = call.org.faults.forSubrequest(request.method, request.url, request.body);
  return fault ? { status: fault.status, body: fault.body ?? null, headers: fault.headers ?? {} } : null;
}

// Where the whole call was rolled back, all but the culprit say so.
function element(request, result, undone) {
  const isCulprit = result && (result.status >= 400 || result.failedRows);
  if (undone && !isCulprit) {
    return { body: [{ errorCode: 'PROCESSING_HALTED', message: ROLLED_BACK }], httpHeaders: {}, httpStatusCode: 400, referenceId: request.referenceId };
  }
  return { body: result.body ?? null, httpHeaders: result.headers ?? {}, httpStatusCode: result.status, referenceId: request.referenceId };
}
