// POST /composite/batch: independent sub-requests without references
// (Salesforce: Composite, composite/batch).

import { badRequest, methodNotAllowed } from './errors.mjs';
import { booleanOf, envelope } from './json.mjs';
import { answer, makeCall } from './router.mjs';

const MAX_SUBREQUESTS = 25;
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
const URL = /^\/?v\d+\.\d\//;

export function batchResource(call) {
  if (call.method !== 'POST') throw methodNotAllowed(call.method, ['POST']);
  const body = envelope(call.body, ['haltOnError', 'batchRequests'], call.raw);
  const haltOnError = booleanOf(body.haltOnError, 'haltOnError', false, call.raw);
  const requests = body.batchRequests;
  if (!Array.isArray(requests) || requests.length === 0) {
    throw badRequest('REQUIRED_FIELD_MISSING', 'At least 1 subrequest is required');
  }
  if (requests.length > MAX_SUBREQUESTS) {
    throw badRequest('LIMIT_EXCEEDED', `The request can't contain more than ${MAX_SUBREQUESTS} operations.`);
  }
  requests.forEach((request) => check(call, request));
  let hasErrors = false;
  const results = requests.map((request) => {
    if (hasErrors && haltOnError) {
      return { statusCode: 412, result: [{ errorCode: 'BATCH_PROCESSING_HALTED', message: 'Batch processing halted per request' }] };
    }
    const inner = makeCall(call, { method: request.method, url: `/services/data/${request.url.replace(/^\//, '')}`, body: request.richInput, raw: call.raw });
    const result = answer(inner, true);
    call.records += inner.records;
    call.subrequests.push({ method: request.method, url: request.url, records: inner.records, status: result.status });
    if (result.status >= 400) hasErrors = true;
    return { statusCode: result.status, result: result.body ?? null };
  });
  return { status: 200, body: { hasErrors, results } };
}

// The url goes WITHOUT /services/data/.
function check(call, request) {
  envelope(request, ['method', 'url', 'richInput', 'binaryPartName', 'binaryPartNameAlias'], call.raw);
  if (!METHODS.includes(request.method)) throw badRequest('INVALID_INPUT', `Invalid method '${request.method ?? ''}' in a batch request.`);
  if (typeof request.url !== 'string' || !URL.test(request.url)) {
    throw badRequest('INVALID_INPUT', 'The url of a batch request has to start with vXX.X/');
  }
}
