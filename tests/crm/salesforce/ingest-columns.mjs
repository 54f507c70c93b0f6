// From the columns of a Bulk CSV to the records that the writer takes
// (Salesforce: Bulk API 2.0 ingest, CSV rules).

import { badRequest, SalesforceError } from './errors.mjs';
import { JobFailure } from './ingest-csv.mjs';
import { toStored } from './values.mjs';

const NULL = '#N/A';
const BY_KEY = /^(?:(\w+):)?(\w+)\.(\w+)$/;

const unknownColumn = (name) => new JobFailure(`InvalidBatch : Field name not found : ${name}`);

const wrongType = (field, value) => badRequest('INVALID_TYPE_ON_FIELD_IN_RECORD',
  `${field.name}: value not of required type: ${value}`, [field.name]);

// A column of the object itself.
function ownColumn(field, i) {
  return { field, i, put: (record, value) => { record[field.name] = value === NULL ? null : typed(field, value); } };
}

// CSV knows only text; the JSON that the writer reads has booleans.
function typed(field, value) {
  if (field.type !== 'boolean') return value;
  const text = value.toLowerCase();
  if (text !== 'true' && text !== 'false') throw wrongType(field, value);
  return text === 'true';
}

// A link by a key of the parent: Account__r.Key__c, or Account:What.Key__c
// where the link may lead to several objects.
function linkColumn(call, type, name, [, target, relationName, keyName], i) {
  const relation = type.relationship(relationName);
  if (!relation || (relation.polymorphic && !target)) throw unknownColumn(name);
  const parent = call.org.schema.object(target ?? relation.referenceTo[0]);
  const key = parent && relation.referenceTo.includes(parent.name) ? parent.field(keyName) : undefined;
  if (!key || !(key.externalId || key.idLookup)) throw unknownColumn(name);
  return { field: key, i, put: (record, value) => {
    if (value === NULL) record[relation.name] = null;
    else record[relation.relationshipName] = { attributes: { type: parent.name }, [key.name]: value };
  } };
}

function bindColumn(call, type, name, i) {
  const link = BY_KEY.exec(name);
  if (link) return linkColumn(call, type, name, link, i);
  const field = type.field(name);
  if (!field) throw unknownColumn(name);
  return ownColumn(field, i);
}

// The columns of a header, or a JobFailure naming the first that is wrong.
export function bindColumns(call, type, { operation, externalIdFieldName }, header) {
  const columns = header.map((name, i) => bindColumn(call, type, name, i));
  const lower = header.map((name) => name.toLowerCase());
  const twice = header.find((_, i) => lower.indexOf(lower[i]) !== i);
  if (twice !== undefined) throw new JobFailure(`InvalidBatch : Duplicate field name : ${twice}`);
  const key = operation === 'upsert' ? externalIdFieldName : 'Id';
  if (operation !== 'insert' && !lower.includes(key.toLowerCase())) throw new JobFailure(`InvalidBatch : Field name not found : ${key}`);
  if (operation === 'delete' && header.length > 1) throw new JobFailure('InvalidBatch : A delete job takes the Id column only');
  return columns;
}

// A record as a collection would hold it. An empty value leaves the field alone.
export function recordOf(type, columns, values) {
  const record = { attributes: { type: type.name } };
  for (const { i, put } of columns) if (values[i] !== '') put(record, values[i]);
  return record;
}

// The writer words a wrong type for JSON; a CSV row names field and value.
export function inCsvWords(error, columns, values) {
  if (!(error instanceof SalesforceError) || error.code !== 'JSON_PARSER_ERROR') return error;
  for (const { field, i } of columns) {
    if (values[i] === '' || values[i] === NULL || field.type === 'boolean') continue;
    try {
      toStored(field, values[i], '');
    } catch {
      return wrongType(field, values[i]);
    }
  }
  return error;
}
