// jobs/ingest: the resources of Bulk API 2.0 (Salesforce: Bulk API 2.0 ingest).

import { badRequest, methodNotAllowed, notFound, SalesforceError } from './errors.mjs';
import { DELIMITERS, LINE_ENDINGS } from './ingest-csv.mjs';
import { envelope } from './json.mjs';

const OPERATIONS = ['insert', 'update', 'upsert', 'delete'];
const PAGE = 1000;
const FIRST_VERSION = 41;
const KEYS = ['object', 'operation', 'externalIdFieldName', 'contentType', 'lineEnding', 'columnDelimiter'];
const DEFAULTS = { contentType: 'CSV', lineEnding: 'LF', columnDelimiter: 'COMMA' };
// A byte order mark is part of the data here.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const badJob = (message) => badRequest('INVALIDJOB', `InvalidJob : ${message}`);

// apiVersion is a number with a decimal on the wire.
const withDecimal = (text) => text.replace(/"apiVersion":(\d+)(?=[,}])/g, '"apiVersion":$1.0');
const json = (body) => ({ status: 200, body, rewrite: withDecimal });
const csv = (text) => ({ status: 200, text, headers: { 'Content-Type': 'text/csv;charset=UTF-8' } });

export const isUpload = (call) => call.method === 'PUT' && /^jobs\/ingest\/[^/]+\/batches\/?$/.test(call.rest);

// The body of an upload, which is no JSON.
export function readUpload(request, call) {
  const type = (request.headers['content-type'] ?? '').split(';')[0].trim().toLowerCase();
  if (type !== 'text/csv') {
    throw new SalesforceError(415, 'UNSUPPORTED_MEDIA_TYPE', `Content-Type header specified in HTTP request is not supported: ${request.headers['content-type'] ?? ''}`);
  }
  if (request.bytes.length > call.org.settings.values.bulk_max_bytes) {
    throw new SalesforceError(413, 'REQUEST_ENTITY_TOO_LARGE', 'The uploaded data is larger than a job may hold');
  }
  try {
    call.raw = utf8.decode(request.bytes);
  } catch {
    throw badRequest('INVALIDBATCH', 'InvalidBatch : The data is not UTF-8');
  }
}

function pick(body, name, allowed) {
  const value = body[name] ?? DEFAULTS[name];
  if (!allowed.includes(value)) throw badJob(`${name} ${value === undefined ? 'is missing' : `${value} is not supported`}`);
  return value;
}

function readSpec(call) {
  const body = envelope(call.body, KEYS, call.raw);
  const type = typeof body.object === 'string' ? call.org.schema.object(body.object) : undefined;
  if (!type || type.adminOnly || type.event) {
    throw badRequest('INVALIDENTITY', `InvalidEntity : Entity '${body.object ?? ''}' is not supported by the Bulk API.`);
  }
  const spec = {
    object: type.name, operation: pick(body, 'operation', OPERATIONS), contentType: pick(body, 'contentType', ['CSV']),
    lineEnding: pick(body, 'lineEnding', Object.keys(LINE_ENDINGS)), columnDelimiter: pick(body, 'columnDelimiter', Object.keys(DELIMITERS)),
  };
  const keyName = body.externalIdFieldName;
  if (spec.operation !== 'upsert') {
    if (keyName !== undefined) throw badJob(`externalIdFieldName is not for operation ${spec.operation}`);
    return { type, spec };
  }
  const key = typeof keyName === 'string' ? type.field(keyName) : undefined;
  if (keyName === undefined) throw badJob('externalIdFieldName is required for upsert');
  if (!key || !(key.externalId || key.idLookup)) throw badJob(`Field name provided, ${keyName} does not match an External ID, Salesforce Id, or indexed field for ${type.name}`);
  return { type, spec: { ...spec, externalIdFieldName: key.name } };
}

function checkQuota({ settings: { values } }) {
  if (values.bulk_batches_used >= values.bulk_daily_batches) throw badRequest('EXCEEDEDQUOTA', 'ExceededQuota : ApiBatchItems Limit exceeded.');
}

function create(call) {
  checkQuota(call.org);
  const { type, spec } = readSpec(call);
  return json(call.org.ingest.create(type, spec, { version: call.version, now: call.now }).head());
}

function list(call) {
  const from = Number(call.query.get('queryLocator') ?? 0);
  const jobs = [...call.org.ingest.jobs.values()];
  if (!Number.isInteger(from) || from < 0 || from > jobs.length) throw badRequest('INVALID_QUERY_LOCATOR', 'invalid query locator');
  const done = from + PAGE >= jobs.length;
  const records = jobs.slice(from, from + PAGE).map((job) => ({ ...job.head(), jobType: 'V2Ingest' }));
  return json({ done, records, nextRecordsUrl: done ? null : `${call.base}/jobs/ingest?queryLocator=${from + PAGE}` });
}

function changeState(call, job) {
  const { state } = envelope(call.body, ['state'], call.raw);
  if (state === 'Aborted') job.abort();
  else if (state === 'UploadComplete') {
    checkQuota(call.org);
    job.close();
  } else throw badJob(`state ${state ?? ''} cannot be set`);
  return json(job.head());
}

function oneJob(call, job) {
  switch (call.method) {
    case 'GET':
      job.step(true);
      return json(job.view());
    case 'PATCH': return changeState(call, job);
    case 'DELETE':
      job.checkDeletable();
      call.org.ingest.jobs.delete(job.id);
      return { status: 204 };
    default: throw methodNotAllowed(call.method, ['DELETE', 'GET', 'HEAD', 'PATCH']);
  }
}

const RESULTS = {
  successfulResults: (job) => job.successfulResults(),
  failedResults: (job) => job.failedResults(),
  unprocessedrecords: (job) => job.unprocessedRecords(),
};

function partOf(call, job, part) {
  if (part === 'batches') {
    if (call.method !== 'PUT') throw methodNotAllowed(call.method, ['PUT']);
    job.upload(call.raw);
    return { status: 201 };
  }
  if (!(part in RESULTS)) throw notFound();
  if (call.method !== 'GET') throw methodNotAllowed(call.method, ['GET', 'HEAD']);
  return csv(RESULTS[part](job));
}

export function ingestResource(call, [kind, id, part, more], inner) {
  call.kind = 'bulk';
  // Bulk does not go inside composite or batch.
  if (kind !== 'ingest' || more !== undefined || inner || call.version < FIRST_VERSION) throw notFound();
  if (id === undefined) {
    if (call.method === 'POST') return create(call);
    if (call.method === 'GET') return list(call);
    throw methodNotAllowed(call.method, ['GET', 'HEAD', 'POST']);
  }
  const job = call.org.ingest.find(id);
  return part === undefined ? oneJob(call, job) : partOf(call, job, part);
}
