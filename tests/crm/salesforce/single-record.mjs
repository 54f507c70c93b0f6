// One record at a time: create, read, update, delete, by id and by external id
// (Salesforce: One record).

import { badRequest, entityDeleted, methodNotAllowed, noSuchColumn, notFound, SalesforceError } from './errors.mjs';
import { publishEvent } from './events.mjs';
import { isObject } from './json.mjs';
import { parseId, prefixOf } from './ids.mjs';
import { rowOut } from './render.mjs';
import { basicDescribe, objectOf } from './resources.mjs';
import { deleteRecord, insertRecord, keyField, keyValue, updateRecord, upsertRecord } from './writer.mjs';

// Up to v45 a successful upsert of an existing row answers 204.
const UPSERT_BODY_SINCE = 46;
const READ_AS_FORMAT = /\.(?:json|xml|html?|csv|js|css|txt)$/i;

function bodyOf(call, type) {
  if (!isObject(call.body)) {
    throw badRequest('JSON_PARSER_ERROR', 'The HTTP entity body is required, but this request has no entity body.');
  }
  const { attributes } = call.body;
  if (attributes !== undefined && (!isObject(attributes) || (attributes.type !== undefined && attributes.type.toLowerCase?.() !== type.name.toLowerCase()))) {
    throw badRequest('INVALID_FIELD', `No such column 'attributes' on sobject of type ${type.name}`);
  }
  return call.body;
}

const created = (call, type, id, extra) => ({
  status: 201, headers: { Location: `${call.base}/sobjects/${type.name}/${id}` }, body: { id, success: true, errors: [], ...extra },
});

export function objectResource(call, name) {
  const type = objectOf(call, name);
  if (call.method === 'GET') return basicDescribe(call, type);
  if (call.method !== 'POST') throw methodNotAllowed(call.method, ['GET', 'HEAD', 'POST']);
  const body = bodyOf(call, type);
  const idKey = Object.keys(body).find((key) => key.toLowerCase() === 'id');
  if (idKey) throw badRequest('INVALID_FIELD_FOR_INSERT_UPDATE', 'cannot specify Id in an insert call', ['Id']);
  if (type.event) {
    const { id, errors } = publishEvent(call, type, body);
    return created(call, type, id, { errors });
  }
  return created(call, type, insertRecord(call, type, body));
}

function idInPath(type, text) {
  const id = parseId(text);
  if (!id || prefixOf(id) !== type.keyPrefix) {
    throw badRequest('MALFORMED_ID', `${type.field('Id').label}: id value of incorrect type: ${text}`, ['Id']);
  }
  return id;
}

function rowAt(call, type, id) {
  const table = call.org.store.table(type);
  const row = table.rows.get(id);
  if (row) return row;
  throw table.bin.has(id) ? entityDeleted() : notFound();
}

function read(call, type, row) {
  const names = call.query.get('fields');
  const fields = names === null ? type.visibleFields() : names.split(',').map((name) => {
    const field = type.field(name.trim());
    if (!field) throw noSuchColumn(name.trim(), type.name);
    return field;
  });
  call.records++;
  return { status: 200, body: rowOut(call.base, type, row, fields) };
}

// The record must not be newer than the client's copy.
function checkPrecondition(call, row) {
  const since = Date.parse(call.headers['if-unmodified-since'] ?? '');
  if (Date.parse(row.LastModifiedDate.replace('+0000', 'Z')) > since) {
    throw new SalesforceError(412, 'PRECONDITION_FAILED', 'The record has been modified since the specified date');
  }
}

export function recordResource(call, name, idText) {
  const type = objectOf(call, name);
  if (type.event) throw notFound();
  if (!['GET', 'PATCH', 'DELETE'].includes(call.method)) throw methodNotAllowed(call.method, ['GET', 'HEAD', 'PATCH', 'DELETE']);
  const id = idInPath(type, idText);
  const row = rowAt(call, type, id);
  if (call.method === 'GET') return read(call, type, row);
  checkPrecondition(call, row);
  if (call.method === 'DELETE') {
    deleteRecord(call, type, id);
    return { status: 204 };
  }
  const body = bodyOf(call, type);
  refuseKey(body, 'Id');
  updateRecord(call, type, id, body);
  return { status: 204 };
}

function refuseKey(body, name) {
  if (Object.keys(body).some((key) => key.toLowerCase() === name.toLowerCase())) {
    throw badRequest('INVALID_FIELD', `The ${name} field should not be specified in the sobject data.`, [name]);
  }
}

export function externalIdResource(call, name, fieldName, valueText) {
  const type = objectOf(call, name);
  if (!['GET', 'PATCH', 'DELETE'].includes(call.method)) throw methodNotAllowed(call.method, ['GET', 'HEAD', 'PATCH', 'DELETE']);
  const field = keyField(type, fieldName);
  // A key that ends like a file name is taken for a format suffix.
  if (READ_AS_FORMAT.test(valueText)) throw notFound();
  // Text out of a path: a number field takes its numeric form.
  const value = keyValue(call, field, valueText);
  const found = value === null ? [] : call.org.store.table(type).find(field, value);
  if (found.length > 1) {
    return { status: 300, body: found.map((id) => `${call.base}/sobjects/${type.name}/${id}`) };
  }
  if (call.method === 'PATCH') return upsert(call, type, field, value, found);
  if (found.length === 0) throw notFound();
  if (call.method === 'GET') return read(call, type, call.org.store.table(type).rows.get(found[0]));
  deleteRecord(call, type, found[0]);
  return { status: 204 };
}

function upsert(call, type, field, value, found) {
  const body = bodyOf(call, type);
  refuseKey(body, field.name);
  if (field.type === 'id' && found.length === 0) rowAt(call, type, value);
  if (found.length === 0 && call.query.get('updateOnly') === 'true') throw notFound();
  const done = upsertRecord(call, type, field, value, body);
  if (done.created) return created(call, type, done.id, { created: true });
  if (call.version < UPSERT_BODY_SINCE) return { status: 204 };
  return { status: 200, body: { id: done.id, success: true, errors: [], created: false } };
}
