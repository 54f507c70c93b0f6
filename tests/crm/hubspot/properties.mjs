// Property definitions and their groups (section 9).

import { ApiError, notFound, validation } from './errors.mjs';
import { batchAnswer, batchOf, checkSize } from './batches.mjs';
import { rebuildIndex } from './records.mjs';
import { array, boolean, integer, object, oneOf, string } from './shape.mjs';

// type -> fieldTypes that go with it (section 9).
const FIELD_TYPES = {
  string: ['text', 'textarea', 'html', 'file', 'phonenumber'],
  phone_number: ['phonenumber'],
  number: ['number'],
  bool: ['booleancheckbox'],
  enumeration: ['select', 'radio', 'checkbox', 'booleancheckbox'],
  date: ['date'],
  datetime: ['date'],
};

export const OPTION = object(
  { label: string, value: string, displayOrder: integer, hidden: boolean, description: string }, ['label', 'value']);

const UPDATABLE = {
  label: string, description: string, groupName: string, type: string, fieldType: string, options: array(OPTION),
  displayOrder: integer, formField: boolean, hidden: boolean, calculationFormula: string,
};

// Display hints are members of the older documents only.
const HINTS = {
  numberDisplayHint: string, textDisplayHint: string, showCurrencySymbol: boolean, currencyPropertyName: string,
};

const CREATABLE = {
  ...UPDATABLE, name: string, hasUniqueValue: boolean, externalOptions: boolean, referencedObjectType: string,
  dataSensitivity: oneOf('non_sensitive', 'sensitive', 'highly_sensitive'),
};

const REQUIRED = ['name', 'label', 'type', 'fieldType', 'groupName'];
const CREATE = { dated: object(CREATABLE, REQUIRED), older: object({ ...CREATABLE, ...HINTS }, REQUIRED) };
// hasUniqueValue in a PATCH is taken and ignored (section 9).
const UPDATE = {
  dated: object({ ...UPDATABLE, hasUniqueValue: boolean }),
  older: object({ ...UPDATABLE, ...HINTS, hasUniqueValue: boolean }),
};
const NAMES = batchOf(object({ name: string }, ['name']));
const READ = object({
  inputs: array(object({ name: string }, ['name'])), archived: boolean,
  dataSensitivity: oneOf('non_sensitive', 'sensitive', 'highly_sensitive'),
}, ['inputs']);

export function createShape(version) {
  return version === '2026-09' ? CREATE.dated : CREATE.older;
}

export function shown(def) {
  const { optionSource, ...rest } = def;
  return rest;
}

export function checkDefinition(def) {
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(def.name) || def.name.length > 100)
    throw validation(`Property name "${def.name}" is not valid: it must start with a letter and hold only ` +
      'letters, digits and underscores', { subCategory: 'PropertyValidationError.INVALID_NAME' });
  const fieldTypes = FIELD_TYPES[def.type];
  if (fieldTypes === undefined) throw validation(`Property type "${def.type}" is not valid`);
  if (!fieldTypes.includes(def.fieldType))
    throw validation(`Field type "${def.fieldType}" is not valid for a property of type "${def.type}"`,
      { subCategory: 'PropertyValidationError.INVALID_FIELD_TYPE' });
  const values = (def.options ?? []).map((option) => option.value);
  if (def.type === 'bool' && !(values.length === 2 && values.includes('true') && values.includes('false')))
    throw validation('Boolean properties must have exactly two options, with values true and false',
      { subCategory: 'PropertyValidationError.INVALID_BOOLEAN_OPTION', errors: [{
        message: 'Boolean properties must have exactly two options, with values true and false', code: 'INVALID_BOOLEAN_OPTION',
      }] });
  if (new Set(values).size !== values.length) throw validation('Option values must be unique');
}

// Adds a definition to a type, as the API and the control interface both do.
export function addProperty(portal, type, given) {
  if (type.isActivity() && !portal.settings.activity_properties)
    throw validation(`Properties cannot be created for object type ${type.id}`);
  if (type.properties.has(given.name)) throw exists(given.name);
  checkDefinition(given);
  if (!type.groups.has(given.groupName)) throw validation(`Property group "${given.groupName}" does not exist`);
  const former = type.archivedProperties.get(given.name);
  const own = [...type.properties.values()].filter((def) => !def.hubspotDefined);
  const unique = former?.hasUniqueValue ?? given.hasUniqueValue ?? false;
  if (unique && own.filter((def) => def.hasUniqueValue).length >= portal.settings.unique_property_limit)
    throw validation(`The limit of ${portal.settings.unique_property_limit} unique properties is reached`);
  if (own.length >= portal.settings.custom_property_limit)
    throw validation(`The limit of ${portal.settings.custom_property_limit} custom properties is reached`);
  const now = new Date().toISOString();
  const def = {
    name: given.name, label: given.label, type: given.type, fieldType: given.fieldType, groupName: given.groupName,
    description: given.description ?? '', options: normalOptions(given.options),
    displayOrder: given.displayOrder ?? -1,
    // Uniqueness cannot be changed, so a revived property keeps what it had.
    hasUniqueValue: unique, hidden: given.hidden ?? false, formField: given.formField ?? false,
    calculated: false, externalOptions: given.externalOptions ?? false, hubspotDefined: false, archived: false,
    createdAt: former?.createdAt ?? now, updatedAt: now, createdUserId: '9586504', updatedUserId: '9586504',
    dataSensitivity: given.dataSensitivity ?? 'non_sensitive',
    modificationMetadata: { archivable: true, readOnlyDefinition: false, readOnlyValue: false },
  };
  type.properties.set(def.name, def);
  // A name that was archived is revived with its old values (section 9).
  type.archivedProperties.delete(def.name);
  if (unique) rebuildIndex(type, def.name);
  return def;
}

function normalOptions(options = []) {
  return options.map((o, i) => ({
    label: o.label, value: o.value, displayOrder: o.displayOrder ?? i, hidden: o.hidden ?? false,
    ...(o.description === undefined ? {} : { description: o.description }),
  }));
}

function exists(name) {
  return new ApiError(409, {
    message: `A property named '${name}' already exists.`, category: 'OBJECT_ALREADY_EXISTS',
    subCategory: 'Properties.PROPERTY_WITH_NAME_EXISTS', context: { name: [name] },
  });
}

function missing(name) {
  return new ApiError(404, {
    message: `Property "${name}" does not exist`, category: 'OBJECT_NOT_FOUND',
    subCategory: 'Properties.PROPERTY_NOT_FOUND', context: { name: [name] },
  });
}

export function list(call) {
  const from = call.query.get('archived') === 'true' ? call.type.archivedProperties : call.type.properties;
  return { status: 200, body: { results: [...from.values()].map(shown) } };
}

export function create(call) {
  return { status: 201, body: shown(addProperty(call.portal, call.type, call.json(createShape(call.version)))) };
}

export function read(call) {
  const from = call.query.get('archived') === 'true' ? call.type.archivedProperties : call.type.properties;
  const def = from.get(call.params.name);
  if (def === undefined) throw missing(call.params.name);
  return { status: 200, body: shown(def) };
}

export function update(call) {
  const def = call.type.properties.get(call.params.name);
  const changes = call.json(call.version === '2026-09' ? UPDATE.dated : UPDATE.older);
  if (def === undefined) throw missing(call.params.name);
  if (def.modificationMetadata.readOnlyDefinition)
    throw validation(`Property "${def.name}" is defined by HubSpot and cannot be changed`);
  const { hasUniqueValue, ...rest } = changes;
  const next = { ...def, ...rest };
  checkDefinition(next);
  if (!call.type.groups.has(next.groupName)) throw validation(`Property group "${next.groupName}" does not exist`);
  if (changes.options !== undefined) next.options = normalOptions(changes.options);
  next.updatedAt = new Date().toISOString();
  call.type.properties.set(def.name, next);
  return { status: 200, body: shown(next) };
}

function usedBySchema(type, name) {
  const schema = type.schema;
  return schema !== null && (schema.primaryDisplayProperty === name || schema.requiredProperties.includes(name) ||
    schema.secondaryDisplayProperties.includes(name) || schema.searchableProperties.includes(name));
}

function archiveProperty(type, name) {
  const def = type.properties.get(name);
  if (def === undefined) throw missing(name);
  if (!def.modificationMetadata.archivable || usedBySchema(type, name))
    throw validation(`Property "${name}" is in use and cannot be deleted`,
      { subCategory: 'PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE' });
  type.properties.delete(name);
  type.archivedProperties.set(name, { ...def, archived: true, archivedAt: new Date().toISOString() });
}

export function remove(call) {
  archiveProperty(call.type, call.params.name);
  return { status: 204 };
}

// Existing ones are errors, the rest are made.
export function batchCreate(call) {
  const { inputs } = call.json(batchOf(createShape(call.version)));
  checkSize(call, inputs, 100);
  const startedAt = new Date().toISOString();
  const results = [];
  const errors = [];
  for (const given of inputs) {
    try {
      results.push(shown(addProperty(call.portal, call.type, given)));
    } catch (err) {
      if (!(err instanceof ApiError)) throw err;
      const item = err.item();
      item.context.name ??= [given.name];
      errors.push(item);
    }
  }
  return batchAnswer(201, startedAt, results, errors);
}

export function batchRead(call) {
  const body = call.json(READ);
  checkSize(call, body.inputs, 100);
  const startedAt = new Date().toISOString();
  const from = body.archived ? call.type.archivedProperties : call.type.properties;
  const results = [];
  const errors = [];
  for (const { name } of body.inputs) {
    const def = from.get(name);
    if (def === undefined) errors.push(missing(name).item());
    else results.push(shown(def));
  }
  return batchAnswer(200, startedAt, results, errors);
}

// 204 whatever happens.
export function batchArchive(call) {
  const { inputs } = call.json(NAMES);
  checkSize(call, inputs, 100);
  for (const { name } of inputs) {
    try {
      archiveProperty(call.type, name);
    } catch (err) {
      if (!(err instanceof ApiError)) throw err;
    }
  }
  return { status: 204 };
}

// Groups

const GROUP = object({ name: string, label: string, displayOrder: integer }, ['name', 'label']);
const GROUP_UPDATE = object({ label: string, displayOrder: integer });

export function addGroup(type, given) {
  if (type.groups.has(given.name))
    throw new ApiError(409, {
      message: `A property group named '${given.name}' already exists.`, category: 'OBJECT_ALREADY_EXISTS',
      subCategory: 'Properties.PROPERTY_GROUP_WITH_NAME_EXISTS',
    });
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(given.name)) throw validation(`Property group name "${given.name}" is not valid`);
  const group = { name: given.name, label: given.label, displayOrder: given.displayOrder ?? -1, archived: false };
  type.groups.set(group.name, group);
  return group;
}

function group(call) {
  const found = call.type.groups.get(call.params.group);
  if (found === undefined) throw notFound(`Property group "${call.params.group}" does not exist`);
  return found;
}

export function groupList(call) {
  return { status: 200, body: { results: [...call.type.groups.values()] } };
}

export function groupCreate(call) {
  return { status: 201, body: addGroup(call.type, call.json(GROUP)) };
}

export function groupRead(call) {
  return { status: 200, body: group(call) };
}

export function groupUpdate(call) {
  const changes = call.json(GROUP_UPDATE);
  return { status: 200, body: Object.assign(group(call), changes) };
}

export function groupRemove(call) {
  const { name } = group(call);
  if ([...call.type.properties.values()].some((def) => def.groupName === name))
    throw validation(`Property group "${name}" has properties and cannot be deleted`);
  call.type.groups.delete(name);
  return { status: 204 };
}
