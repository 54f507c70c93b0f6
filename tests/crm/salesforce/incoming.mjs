// Reads one record as a client sent it: which columns exist, which may be
// written, what their values mean, and which parents its links name.

import { badRequest, invalidCrossReference, noSuchColumn } from './errors.mjs';
import { isObject, placeOfField } from './json.mjs';
import { parseId, prefixOf } from './ids.mjs';
import { toStored } from './values.mjs';

const POLYMORPHIC_TEXT = 'Nested object for polymorphic foreign key must have an attributes field before any other fields.';

// Returns {changes, parents}: stored values by field name, and the external
// keys the record was linked by (for faults aimed at one parent).
export function readRecord(call, type, body, { inserting, skip }) {
  const changes = {};
  const parents = [];
  const refused = [];
  for (const key of Object.keys(body)) {
    if (key === 'attributes' || key === skip) continue;
    const value = body[key];
    const relation = type.relationship(key, call.admin);
    if (relation && !type.field(key, call.admin)) {
      checkWritable(call, relation, inserting, refused);
      const idGiven = Object.keys(body).some((other) => other.toLowerCase() === relation.name.toLowerCase());
      if (idGiven) {
        throw badRequest('INVALID_FIELD', `Cannot specify both an external ID reference ${key} and a salesforce id, ${relation.name}`);
      }
      changes[relation.name] = parentByKey(call, type, relation, key, value, parents);
      continue;
    }
    const field = type.field(key, call.admin);
    if (!field) throw noSuchColumn(key, type.name);
    if (!checkWritable(call, field, inserting, refused)) continue;
    const stored = toStored(field, value, call.raw);
    changes[field.name] = field.type === 'reference' && stored !== null ? parentById(call, type, field, stored) : stored;
  }
  if (refused.length) {
    throw badRequest('INVALID_FIELD_FOR_INSERT_UPDATE',
      `Unable to create/update fields: ${refused.join(', ')}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.`, refused);
  }
  return { changes, parents };
}

function checkWritable(call, field, inserting, refused) {
  if (call.admin && field.type !== 'id') return true;
  // A master-detail link that is not reparentable can only be set at creation.
  const may = inserting ? field.createable : field.updateable && field.reparentable;
  if (may && !field.readOnly) return true;
  refused.push(field.name);
  return false;
}

function parentById(call, type, field, value) {
  const id = parseId(value);
  const parentType = id && call.org.schema.byPrefix.get(prefixOf(id));
  if (!id || (parentType ? !field.referenceTo.includes(parentType.name) : !isForeign(field, id))) {
    throw badRequest('MALFORMED_ID', `${field.label}: id value of incorrect type: ${value}`, [field.name]);
  }
  if (!call.org.settings.values.check_references) return id;
  if (!parentType) throw invalidCrossReference();
  const table = call.org.store.table(parentType);
  if (table.rows.has(id)) {
    if (field.name === 'RecordTypeId' && !isUsable(call, type, table.rows.get(id))) throw badRecordType(field, value);
    return id;
  }
  if (field.name === 'RecordTypeId') throw badRecordType(field, value);
  if (table.bin.has(id)) throw badRequest('ENTITY_IS_DELETED', 'entity is deleted', []);
  throw invalidCrossReference();
}

// A record type that is active, of this object, and the user's to choose.
const isUsable = (call, type, row) => row.IsActive && row.SobjectType === type.name && (call.admin || call.org.metadata.showsRecordType(row.Id));

const badRecordType = (field, value) => badRequest('INVALID_CROSS_REFERENCE_KEY',
  `${field.label}: this ID value isn't valid for the user: ${value}`, [field.name]);

// Prefixes of objects a link may point to though this org has no such table.
const isForeign = (field, id) => field.referenceTo.includes('Lead') && prefixOf(id) === '00Q';

function parentByKey(call, type, relation, key, value, parents) {
  if (value === null) {
    // A link is cleared through its id field, not through the relationship.
    throw badRequest('INVALID_FIELD', `No such column '${key}' on sobject of type ${type.name}`);
  }
  if (!isObject(value)) {
    throw badRequest('JSON_PARSER_ERROR', `Cannot deserialize instance of ${relation.referenceTo[0]} from ${JSON.stringify(value)} or request may be missing a required field at ${placeOfField(call.raw, key)}`);
  }
  const names = Object.keys(value).filter((name) => name !== 'attributes');
  const parentType = parentTypeOf(call, relation, key, value);
  if (names.length > 1) {
    throw badRequest('INVALID_FIELD', `More than 1 field provided in an external foreign key reference in entity: ${parentType.name}`);
  }
  if (names.length === 0) {
    throw badRequest('INVALID_FIELD', `No field provided in an external foreign key reference in entity: ${parentType.name}`);
  }
  const field = parentType.field(names[0], call.admin);
  if (!field) throw noSuchColumn(names[0], parentType.name);
  if (!field.externalId && !field.idLookup) {
    throw badRequest('INVALID_FIELD', `Field name provided, ${field.name} is not an External ID or indexed field for ${parentType.name}`);
  }
  const stored = field.type === 'id' ? parseId(value[names[0]]) : toStored(field, value[names[0]], call.raw);
  if (stored !== null) parents.push(String(stored));
  const found = call.org.store.table(parentType).find(field, stored);
  if (found.length === 1) return found[0];
  if (found.length > 1) {
    throw badRequest('DUPLICATE_EXTERNAL_ID', `More than one record found for external id field: [${found.join(', ')}]`, [field.name]);
  }
  if (!call.org.settings.values.check_references) return null;
  throw badRequest('INVALID_FIELD', `Foreign key external ID: ${value[names[0]]} not found for field ${field.name} in entity ${parentType.name}`);
}

function parentTypeOf(call, relation, key, value) {
  const named = value.attributes;
  if (relation.polymorphic && (Object.keys(value)[0] !== 'attributes' || !isObject(named) || typeof named.type !== 'string')) {
    throw badRequest('JSON_PARSER_ERROR', `${POLYMORPHIC_TEXT} at ${placeOfField(call.raw, key)}`);
  }
  const name = isObject(named) && typeof named.type === 'string' ? named.type : relation.referenceTo[0];
  const parentType = call.org.schema.object(name, call.admin);
  if (!parentType || !relation.referenceTo.includes(parentType.name)) {
    throw badRequest('INVALID_FIELD', `No such column '${key}' on sobject of type ${name}`);
  }
  return parentType;
}
