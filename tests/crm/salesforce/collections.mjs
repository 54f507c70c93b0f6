// sObject Collections: up to 200 records in one call, one verdict per record in
// the order of the request (Salesforce: sObject Collections).

import { badRequest, invalidCrossReference, methodNotAllowed, noSuchColumn, notFound, recordLimit, SalesforceError } from './errors.mjs';
import { publishEvent } from './events.mjs';
import { booleanOf, envelope, isObject, placeOfField } from './json.mjs';
import { parseId, prefixOf } from './ids.mjs';
import { checkRunningTime, triggerError } from './org-load.mjs';
import { rowOut } from './render.mjs';
import { objectOf } from './resources.mjs';
import { deleteRecord, insertRecord, keyField, keyValue, sameKey, updateRecord, upsertRecord } from './writer.mjs';

const MAX_WRITE = 200;
const MAX_READ = 2000;
const MAX_TYPE_CHUNKS = 10;
const UPSERT_SINCE = 46;

const NO_ATTRIBUTES = 'Nested object for polymorphic foreign key must have an attributes field before any other fields.';
const ROLLED_BACK = {
  statusCode: 'ALL_OR_NONE_OPERATION_ROLLED_BACK',
  message: 'Record rolled back because not all records were valid and the request was using AllOrNone header',
  fields: [],
};

export function collectionsResource(call) {
  switch (call.method) {
    case 'POST': return writeRows(call, insertRow);
    case 'PATCH': return writeRows(call, updateRow, refuseRepeatedIds);
    case 'DELETE': return deleteRows(call);
    case 'GET':
    default: throw methodNotAllowed(call.method, ['DELETE', 'PATCH', 'POST']);
  }
}

export function collectionUpsert(call, name, fieldName) {
  if (call.version < UPSERT_SINCE) throw notFound();
  const type = objectOf(call, name);
  if (call.method !== 'PATCH') throw methodNotAllowed(call.method, ['PATCH']);
  const field = keyField(type, fieldName);
  return writeRows(call, (row) => upsertRow(call, type, field, row), (records) => repeatedKeys(call, field, records), true);
}

function readEnvelope(call) {
  const body = envelope(call.body, ['allOrNone', 'records'], call.raw);
  const allOrNone = booleanOf(body.allOrNone, 'allOrNone', false, call.raw);
  if (body.records !== undefined && !Array.isArray(body.records)) {
    throw badRequest('JSON_PARSER_ERROR', `Cannot deserialize instance of array for records at ${placeOfField(call.raw, 'records')}`);
  }
  if (!body.records?.length) throw badRequest('REQUIRED_FIELD_MISSING', 'At least 1 record is required');
  if (body.records.length > MAX_WRITE) throw recordLimit(MAX_WRITE);
  checkChunks(body.records);
  return { allOrNone: call.forceAllOrNone || allOrNone, records: body.records };
}

function checkChunks(records) {
  let chunks = 0;
  let last;
  for (const record of records) {
    const name = record?.attributes?.type;
    if (name !== last) chunks++;
    last = name;
  }
  if (chunks > MAX_TYPE_CHUNKS) {
    throw badRequest('LIMIT_EXCEEDED', `Cannot have more than ${MAX_TYPE_CHUNKS} chunks in a single operation. Please rearrange the data to reduce chunking.`);
  }
}

// `findRepeated` names rows that fail because they repeat a key of the call.
function writeRows(call, writeRow, findRepeated, isUpsert = false) {
  const { allOrNone, records } = readEnvelope(call);
  checkRunningTime(call, records.length);
  const broken = triggerError(call, records.length);
  const repeated = findRepeated ? findRepeated(records) : new Map();
  let failed = false;
  const results = [];
  const attempt = () => {
    records.forEach((record, i) => {
      try {
        if (broken) throw broken;
        if (repeated.has(i)) throw repeated.get(i);
        results.push({ success: true, ...writeRow(record, call) });
      } catch (error) {
        if (!(error instanceof SalesforceError)) throw error;
        failed = true;
        results.push({ success: false, error });
      }
    });
    return !(allOrNone && failed);
  };
  if (allOrNone) call.org.store.transaction(attempt);
  else attempt();
  call.failedRows = failed;
  return { status: 200, body: results.map((result) => answerRow(result, isUpsert, allOrNone && failed)) };
}

function answerRow(result, isUpsert, undone) {
  const created = isUpsert ? { created: Boolean(result.created) && !undone } : {};
  if (!result.success) return { success: false, errors: [result.error.toRow()], ...created };
  // A published event stays published.
  if (undone && !result.errors) return { success: false, errors: [ROLLED_BACK], ...created };
  return { id: result.id, success: true, errors: result.errors ?? [], ...created };
}

// The record's own type, told by `attributes` as its first key.
function typeOfRow(call, record) {
  const { attributes } = isObject(record) ? record : {};
  const first = call.org.settings.values.attributes_first ? Object.keys(record ?? {})[0] === 'attributes' : true;
  if (!isObject(attributes) || typeof attributes.type !== 'string' || !first) {
    throw badRequest('JSON_PARSER_ERROR', NO_ATTRIBUTES, []);
  }
  const type = call.org.schema.object(attributes.type);
  if (!type) throw badRequest('INVALID_TYPE', `sObject type '${attributes.type}' is not supported.`, []);
  return type;
}

const idKeyOf = (record) => Object.keys(record).find((key) => key.toLowerCase() === 'id');

export function insertRow(record, call) {
  const type = typeOfRow(call, record);
  if (idKeyOf(record)) throw badRequest('INVALID_FIELD_FOR_INSERT_UPDATE', 'cannot specify Id in an insert call', ['Id']);
  if (type.event) return publishEvent(call, type, record);
  return { id: insertRecord(call, type, record) };
}

export function updateRow(record, call) {
  const type = typeOfRow(call, record);
  const idKey = idKeyOf(record);
  if (!idKey || record[idKey] === null || record[idKey] === '') {
    throw badRequest('MISSING_ARGUMENT', 'Id not specified in an update call', []);
  }
  const id = parseId(record[idKey]);
  if (!id || prefixOf(id) !== type.keyPrefix) throw badRequest('MALFORMED_ID', `malformed id ${record[idKey]}`, []);
  return { id: updateRecord(call, type, id, record, { skip: idKey }) };
}

export function upsertRow(call, type, field, record) {
  const own = typeOfRow(call, record);
  if (own !== type) throw badRequest('INVALID_TYPE', `sObject type '${own.name}' does not match the type ${type.name} of the request`, []);
  const key = Object.keys(record).find((name) => name.toLowerCase() === field.name.toLowerCase());
  const value = keyValue(call, field, key === undefined ? null : record[key]);
  if (field.type === 'id' && value !== null && prefixOf(value) !== type.keyPrefix) throw badRequest('MALFORMED_ID', `malformed id ${record[key]}`, []);
  const idKey = idKeyOf(record);
  if (field.type !== 'id' && idKey) {
    throw badRequest('INVALID_FIELD_FOR_INSERT_UPDATE', 'cannot specify Id in an insert call', ['Id']);
  }
  return upsertRecord(call, type, field, value, record);
}

// The same key twice in one call: every row of that key fails.
export function repeatedKeys(call, field, records) {
  const rowsByKey = new Map();
  records.forEach((record, i) => {
    const name = isObject(record) ? Object.keys(record).find((key) => key.toLowerCase() === field.name.toLowerCase()) : undefined;
    let key = null;
    try {
      key = name === undefined ? null : sameKey(field, keyValue(call, field, record[name]));
    } catch (error) {
      // A value that is no key at all gets its own error when its turn comes.
      if (!(error instanceof SalesforceError)) throw error;
    }
    if (key !== null) rowsByKey.set(key, [...(rowsByKey.get(key) ?? []), { i, value: record[name] }]);
  });
  return errorsForRepeats(rowsByKey, (value) => badRequest('DUPLICATE_VALUE', `Duplicate external id specified: ${value}`, [field.name]));
}

export function refuseRepeatedIds(records) {
  const rowsById = new Map();
  records.forEach((record, i) => {
    const idKey = isObject(record) ? idKeyOf(record) : undefined;
    const id = idKey && parseId(record[idKey]);
    if (id) rowsById.set(id, [...(rowsById.get(id) ?? []), { i, value: id }]);
  });
  return errorsForRepeats(rowsById, (value) => badRequest('DUPLICATE_VALUE', `Duplicate id specified: ${value}`, ['Id']));
}

function errorsForRepeats(rowsByKey, makeError) {
  const errors = new Map();
  for (const rows of rowsByKey.values()) {
    if (rows.length > 1) for (const { i, value } of rows) errors.set(i, makeError(value));
  }
  return errors;
}

function deleteRows(call) {
  const ids = (call.query.get('ids') ?? '').split(',').map((id) => id.trim()).filter(Boolean);
  const flag = call.query.get('allOrNone');
  if (ids.length === 0) throw badRequest('REQUIRED_FIELD_MISSING', 'At least 1 record is required');
  if (ids.length > MAX_WRITE) throw recordLimit(MAX_WRITE);
  const allOrNone = call.forceAllOrNone || flag === 'true';
  let failed = false;
  const results = [];
  const attempt = () => {
    for (const text of ids) {
      try {
        results.push({ success: true, id: deleteRow(call, text) });
      } catch (error) {
        if (!(error instanceof SalesforceError)) throw error;
        failed = true;
        results.push({ success: false, error });
      }
    }
    return !(allOrNone && failed);
  };
  if (allOrNone) call.org.store.transaction(attempt);
  else attempt();
  call.failedRows = failed;
  return { status: 200, body: results.map((result) => answerRow(result, false, allOrNone && failed)) };
}

export function deleteRow(call, text) {
  const id = parseId(text);
  if (!id) throw badRequest('MALFORMED_ID', `malformed id ${text}`, []);
  const type = call.org.schema.byPrefix.get(prefixOf(id));
  if (!type || type.hidden) throw invalidCrossReference();
  deleteRecord(call, type, id);
  return id;
}

// Reads by id; a row that is missing comes as null in its place.
export function collectionRead(call, name) {
  const type = objectOf(call, name);
  if (!['POST', 'GET'].includes(call.method)) throw methodNotAllowed(call.method, ['GET', 'POST']);
  const { ids, names } = call.method === 'GET' ? wantedInQuery(call) : wantedInBody(call);
  if (ids.length === 0) throw badRequest('REQUIRED_FIELD_MISSING', 'At least 1 record is required');
  if (ids.length > MAX_READ) throw recordLimit(MAX_READ);
  const fields = names.map((fieldName) => {
    const field = type.field(fieldName);
    if (!field) throw noSuchColumn(fieldName, type.name);
    return field;
  });
  const table = call.org.store.table(type);
  const body = ids.map((text) => {
    const id = parseId(text);
    if (!id) throw badRequest('MALFORMED_ID', `malformed id ${text}`);
    const row = table.rows.get(id);
    return row ? rowOut(call.base, type, row, fields) : null;
  });
  call.records += ids.length;
  return { status: 200, body };
}

function wantedInQuery(call) {
  const list = (param) => (call.query.get(param) ?? '').split(',').filter(Boolean);
  return { ids: list('ids'), names: list('fields') };
}

function wantedInBody(call) {
  const body = envelope(call.body, ['ids', 'fields'], call.raw);
  const { ids = [], fields = [] } = body;
  for (const [key, list] of [['ids', ids], ['fields', fields]]) {
    if (!Array.isArray(list) || list.some((item) => typeof item !== 'string')) {
      throw badRequest('JSON_PARSER_ERROR', `Cannot deserialize instance of array for ${key} at ${placeOfField(call.raw, key)}`);
    }
  }
  return { ids, names: fields };
}
