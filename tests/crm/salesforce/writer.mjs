// Writing one record: insert, update, upsert by key, delete. Throws the error a
// row of a collection, or the whole single-record call, would carry.

import { beforeWrite, faultByParent } from './before-write.mjs';
import { badRequest, entityDeleted, invalidCrossReference, SalesforceError } from './errors.mjs';
import { checkRight } from './access.mjs';
import { derivedFields } from './derived-fields.mjs';
import { parseId, prefixOf } from './ids.mjs';
import { readRecord } from './incoming.mjs';
import { checkAssignment } from './metadata/assignment.mjs';
import { fitKind } from './org-kinds.mjs';
import { addPersonContact, refusePersonContact } from './person-accounts.mjs';
import { checkRules } from './org-rules.mjs';
import { indexKey, serverTime, toStored } from './values.mjs';

const AUDIT = ['CreatedDate', 'LastModifiedDate', 'SystemModstamp', 'CreatedById', 'LastModifiedById'];

// Whether this object may be written so at all.
function checkMay(call, type, right) {
  if (type.event) throw badRequest('INVALID_TYPE_FOR_OPERATION', `entity type ${type.name} is published, not written`, []);
  if (type.adminOnly && !call.admin) {
    throw badRequest('CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY', `entity type cannot be inserted: ${type.label}`, []);
  }
  checkRight(call, type, right);
}

function findAny(call) {
  return (id) => {
    const row = call.org.rowById(id);
    return row ? { type: call.org.schema.byPrefix.get(prefixOf(id)).name, row } : undefined;
  };
}

export function checkUnique(call, type, changes, ownId) {
  const table = call.org.store.table(type);
  for (const field of type.fields.values()) {
    if (!field.unique || changes[field.name] === undefined || changes[field.name] === null) continue;
    const other = table.find(field, changes[field.name]).find((id) => id !== ownId);
    if (other) {
      throw badRequest('DUPLICATE_VALUE',
        `duplicate value found: ${field.name} duplicates value on record with id: ${other.slice(0, 15)}`, []);
    }
  }
}

export function checkRequired(type, row, names) {
  const missing = names.filter((name) => row[name] === undefined || row[name] === null);
  if (missing.length) {
    throw badRequest('REQUIRED_FIELD_MISSING', `Required fields are missing: [${missing.join(', ')}]`, missing);
  }
}

// Required on create: createable, not nillable, not defaulted, not a boolean
// (Salesforce: Describe). A field without access is required all the same.
export const requiredNames = (type) => [...type.fields.values()]
  .filter((field) => field.createable && (!field.nillable || field.adminRequired) && !field.defaultedOnCreate && field.type !== 'boolean')
  .map((field) => field.name);

function autoNumber(table, field) {
  const n = (table.autoNumbers.get(field.name) ?? 0) + 1;
  table.autoNumbers.set(field.name, n);
  return field.autoNumber.replace(/\{(0+)\}/, (_, zeros) => String(n).padStart(zeros.length, '0'));
}

function applyDefaults(call, type, row) {
  const table = call.org.store.table(type);
  for (const field of type.fields.values()) {
    if (row[field.name] !== undefined) continue;
    if (field.autoNumber) row[field.name] = autoNumber(table, field);
    else if (field.name === 'OwnerId') row.OwnerId = call.userId;
    else if (field.defaultValue !== null) row[field.name] = field.defaultValue;
  }
}

// What the server works out itself once these changes are made.
export const derivedOf = (call, type, row, changes) => derivedFields(type, row, changes, findAny(call));

export function insertRecord(call, type, body, options = {}) {
  checkMay(call, type, 'create');
  const fault = beforeWrite(call, 'insert', type, body, null);
  const { changes, parents } = readRecord(call, type, body, { inserting: true, skip: options.skip });
  if (options.key) changes[options.key.field.name] = options.key.value;
  faultByParent(call, fault, parents, parentIds(type, changes));
  fitKind(call, type, changes, null);
  checkRequired(type, changes, requiredNames(type));
  checkUnique(call, type, changes, null);
  if (type.name === 'PermissionSetAssignment') checkAssignment(call, changes);
  const limit = call.org.settings.values.storage_limit_records;
  if (limit && call.org.store.size >= limit && !call.admin) {
    throw badRequest('STORAGE_LIMIT_EXCEEDED', 'storage limit exceeded', []);
  }
  const stamp = serverTime(call.now);
  const row = { Id: call.org.store.ids.next(type.keyPrefix) };
  Object.assign(row, changes);
  applyDefaults(call, type, row);
  Object.assign(row, derivedOf(call, type, row, row), { IsDeleted: false });
  for (const name of AUDIT) row[name] = row[name] ?? (name.endsWith('ById') ? call.userId : stamp);
  checkRules(call, type, row, null);
  call.org.store.insert(type, row);
  if (row.IsPersonAccount && type.name === 'Account') addPersonContact(call, row);
  if (type.setup) call.org.applyVisibility();
  call.records++;
  return row.Id;
}

// The live row under this id. `single` tells how a missing one is reported: the
// single-record resource answers 404, a collection row says cross reference.
export function liveRow(call, type, id) {
  const table = call.org.store.table(type);
  const row = table.rows.get(id);
  if (row) return row;
  if (table.bin.has(id)) throw entityDeleted();
  throw invalidCrossReference();
}

export function updateRecord(call, type, id, body, options = {}) {
  const row = liveRow(call, type, id);
  checkMay(call, type, 'edit');
  const fault = beforeWrite(call, 'update', type, body, row);
  const { changes, parents } = readRecord(call, type, body, { inserting: false, skip: options.skip });
  faultByParent(call, fault, parents, [...parentIds(type, row), ...parentIds(type, changes)]);
  fitKind(call, type, changes, row);
  const required = requiredNames(type);
  checkRequired(type, changes, Object.keys(changes).filter((name) => required.includes(name) || isNeverNull(type, name)));
  checkUnique(call, type, changes, id);
  const stamp = serverTime(call.now);
  const all = { ...changes, ...derivedOf(call, type, row, changes) };
  if (!call.admin || changes.LastModifiedDate === undefined) {
    Object.assign(all, { LastModifiedDate: stamp, SystemModstamp: stamp, LastModifiedById: call.userId });
  }
  checkRules(call, type, { ...row, ...all }, row);
  call.org.store.update(type, row, all);
  call.records++;
  return id;
}

const isNeverNull = (type, name) => {
  const field = type.field(name, true);
  return field.updateable && (!field.nillable || field.adminRequired) && field.type !== 'boolean';
};

const parentIds = (type, row) => [...type.relationships.values()].map((field) => row[field.name]).filter(Boolean);

// The field an upsert may use as its key: Id, an external id or an idLookup.
export function keyField(type, name) {
  const field = type?.field(name);
  if (!field || !(field.externalId || field.idLookup)) {
    throw new SalesforceError(404, 'NOT_FOUND', `Provided external ID field does not exist or is not accessible: ${name}`);
  }
  return field;
}

// The stored form of a key value; null when there is none to look for.
export function keyValue(call, field, value) {
  if (value === undefined || value === null || value === '') return null;
  if (field.type !== 'id') return toStored(field, value, call.raw);
  const id = parseId(value);
  if (!id) throw badRequest('MALFORMED_ID', `malformed id ${value}`, []);
  return id;
}

// Returns {id, created}. `ids` of an ambiguous key are left to the caller,
// because the single form answers 300 and a row answers an error.
export function upsertRecord(call, type, field, value, body) {
  if (field.type === 'id') {
    if (value === null) return { id: insertRecord(call, type, body, { skip: keyIn(body, field) }), created: true };
    return { id: updateRecord(call, type, value, body, { skip: keyIn(body, field) }), created: false };
  }
  if (value === null) throw badRequest('MISSING_ARGUMENT', `${field.name} not specified`, []);
  const found = call.org.store.table(type).find(field, value);
  if (found.length > 1) throw ambiguous(field, found);
  if (found.length === 1) return { id: updateRecord(call, type, found[0], body, { skip: keyIn(body, field) }), created: false };
  const id = insertRecord(call, type, body, { skip: keyIn(body, field), key: { field, value } });
  return { id, created: true };
}

const keyIn = (body, field) => Object.keys(body).find((key) => key.toLowerCase() === field.name.toLowerCase());

export function ambiguous(field, ids) {
  const error = badRequest('DUPLICATE_EXTERNAL_ID', `${field.name}: more than one record found for external id field: [${ids.join(', ')}]`, [field.name]);
  error.ids = ids;
  return error;
}

// Two rows of one call share a key when the index would put them together.
export function sameKey(field, value) {
  return value === null ? null : indexKey(field, value);
}

export function deleteRecord(call, type, id, changes = {}) {
  const row = liveRow(call, type, id);
  checkMay(call, type, 'remove');
  refusePersonContact(call, type, row);
  const fault = beforeWrite(call, 'delete', type, null, row);
  faultByParent(call, fault, [], parentIds(type, row));
  const stamp = serverTime(call.now);
  call.org.store.remove(type, row, { IsDeleted: true, LastModifiedDate: stamp, SystemModstamp: stamp, ...changes });
  releaseChildren(call, type, id);
  if (type.setup) call.org.applyVisibility();
  call.records++;
}

// Children of a deleted parent: standard and master-detail ones go with it, a
// lookup is cleared (deleteConstraint SetNull).
function releaseChildren(call, type, id) {
  for (const { child, field, cascadeDelete } of call.org.schema.children.get(type.name)) {
    const childType = call.org.schema.object(child, true);
    const table = call.org.store.table(childType);
    for (const row of table.find(childType.field(field, true), id).map((childId) => table.rows.get(childId))) {
      if (!row) continue;
      if (cascadeDelete) {
        deleteRecord({ ...call, admin: true }, childType, row.Id);
        call.org.store.removedWith.set(row, id);
      }
      else call.org.store.update(childType, row, { [field]: null });
    }
  }
}
