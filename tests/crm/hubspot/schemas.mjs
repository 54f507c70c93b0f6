// Custom object definitions (section 11).

import { ApiError, notFound, validation } from './errors.mjs';
import { customObjectProperties } from './factory.mjs';
import { addGroup, addProperty, checkDefinition, OPTION, shown as shownProperty } from './properties.mjs';
import { array, boolean, integer, object, string } from './shape.mjs';
import { ObjectType } from './types.mjs';

const LABELS = object({ singular: string, plural: string });
const LISTS = {
  labels: LABELS, primaryDisplayProperty: string, secondaryDisplayProperties: array(string),
  searchableProperties: array(string), requiredProperties: array(string),
  description: string, allowsSensitiveProperties: boolean,
};
const PROPERTY = object({
  name: string, label: string, type: string, fieldType: string, groupName: string, description: string,
  hasUniqueValue: boolean, options: array(OPTION), displayOrder: integer, formField: boolean, hidden: boolean,
  externalOptionsReferenceType: string, numberDisplayHint: string, optionSortStrategy: string,
  referencedObjectType: string, searchableInGlobalSearch: boolean, showCurrencySymbol: boolean, textDisplayHint: string,
}, ['name', 'label', 'type', 'fieldType']);

const EGG = { name: string, ...LISTS, associatedObjects: array(string), properties: array(PROPERTY) };
// Section 15: the live minimum is less than the documents demand.
const NEEDED = ['name', 'labels', 'properties'];
const CREATE = object(EGG, NEEDED);
const CREATE_OLDER = object({ ...EGG, shouldCreateSameObjectAssociation: boolean }, NEEDED);
const PATCH = object({ ...LISTS, clearDescription: boolean, restorable: boolean });
const ASSOCIATION = object({ fromObjectTypeId: string, toObjectTypeId: string, name: string },
  ['fromObjectTypeId', 'toObjectTypeId']);
const BATCH_READ = object({
  inputs: array(string), includeAssociationDefinitions: boolean, includeAuditMetadata: boolean,
  includePropertyDefinitions: boolean,
}, ['inputs']);

export function createShape(version) {
  return version === '2026-09' ? CREATE : CREATE_OLDER;
}

function refuse(subCategory, message, status = 400) {
  return new ApiError(status, { message, category: 'VALIDATION_ERROR', subCategory });
}

function checkLists(lists, names) {
  const unknown = (list) => list.filter((name) => !names.has(name));
  if (!lists.primaryDisplayProperty)
    throw refuse('ObjectSchemaError.PRIMARY_DISPLAY_PROPERTY_REQUIRED', 'A primary display property is required.');
  if (!names.has(lists.primaryDisplayProperty))
    throw refuse('ObjectSchemasSandboxesSyncErrorType.INVALID_PRIMARY_DISPLAY_PROPERTY',
      `Primary display property ${lists.primaryDisplayProperty} does not exist.`);
  if (lists.secondaryDisplayProperties.length > 2 || unknown(lists.secondaryDisplayProperties).length > 0)
    throw refuse('ObjectSchemasSandboxesSyncErrorType.INVALID_SECONDARY_DISPLAY_PROPERTY',
      'Secondary display properties must exist and be two at most.');
  if (lists.searchableProperties.length > 20 || unknown(lists.searchableProperties).length > 0)
    throw refuse('ObjectSchemasSandboxesSyncErrorType.INVALID_SEARCHABLE_PROPERTIES',
      'Searchable properties must exist and be twenty at most.');
  if (unknown(lists.requiredProperties).length > 0)
    throw refuse('InvalidPropertiesError.INVALID_REQUIRED_PROPERTIES',
      `Required properties do not exist: ${unknown(lists.requiredProperties).join(', ')}.`);
}

// COMPANY, CONTACT or a type id; names as paths take them are no type.
function associated(portal, name) {
  const type = /^(\d+-\d+|[A-Z_]+)$/.test(name) ? portal.types.byPath.get(name.toLowerCase()) : undefined;
  if (type === undefined || type.schema?.archived) throw validation(`Unable to infer object type from: ${name}`, { category: undefined });
  return type.id;
}

export function createSchema(portal, egg) {
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(egg.name) || egg.name.length > 50)
    throw refuse('InboundDbObjectTypeError.OBJECT_TYPE_NAME_FORMAT',
      `Object type name ${egg.name} must start with a letter and hold only letters, digits and underscores.`);
  // The names of HubSpot's own types are taken (the refusal itself is an assumption).
  if (portal.types.byPath.get(egg.name)?.schema === null)
    throw refuse('InboundDbObjectTypeError.OBJECT_TYPE_ALREADY_EXIST', `Object type ${egg.name} already exists.`, 409);
  const same = portal.types.custom().find((t) => t.schema.name.toLowerCase() === egg.name.toLowerCase());
  if (same !== undefined && !same.schema.archived)
    throw refuse('InboundDbObjectTypeError.OBJECT_TYPE_ALREADY_EXIST', `Object type ${egg.name} already exists.`, 409);
  const lists = {
    primaryDisplayProperty: egg.primaryDisplayProperty, secondaryDisplayProperties: egg.secondaryDisplayProperties ?? [],
    searchableProperties: egg.searchableProperties ?? [], requiredProperties: egg.requiredProperties ?? [],
  };
  checkLists(lists, new Set(egg.properties.map((p) => p.name)));
  for (const property of egg.properties) checkDefinition(property);
  if (new Set(egg.properties.map((p) => p.name)).size !== egg.properties.length)
    throw validation('Property names must be unique.');
  const associatedIds = [...new Set((egg.associatedObjects ?? []).map((name) => associated(portal, name)))];
  const live = portal.types.custom().filter((t) => !t.schema.archived).length;
  if (live >= portal.settings.custom_object_limit)
    throw validation(`The limit of ${portal.settings.custom_object_limit} custom object types is reached.`);
  if (same !== undefined) purge(portal, same); // an archived schema of the name is replaced (section 11.3)
  return hatch(portal, egg, lists, associatedIds);
}

function hatch(portal, egg, lists, associatedIds) {
  const id = portal.nextSchemaId();
  const objectTypeId = `2-${id}`;
  const now = new Date().toISOString();
  const schema = {
    id, objectTypeId, fullyQualifiedName: `p${portal.id}_${egg.name}`, name: egg.name, labels: egg.labels, ...lists,
    description: egg.description, allowsSensitiveProperties: egg.allowsSensitiveProperties ?? false,
    archived: false, createdAt: now, updatedAt: now, changedAt: Date.now(),
  };
  const type = new ObjectType({
    id: objectTypeId, plural: egg.name, singular: egg.name, label: egg.labels.singular ?? egg.name,
    pluralLabel: egg.labels.plural ?? egg.name, errorName: objectTypeId, createName: egg.name,
    coordinates: `objectTypeId=${objectTypeId}`, schema,
  });
  const group = `${egg.name.toLowerCase()}_information`;
  addGroup(type, { name: group, label: `${type.label} Information` });
  for (const def of customObjectProperties(group)) type.properties.set(def.name, def);
  for (const property of egg.properties) {
    if (property.groupName !== undefined && !type.groups.has(property.groupName))
      addGroup(type, { name: property.groupName, label: property.groupName });
    addProperty(portal, type, { groupName: group, ...property });
  }
  portal.types.add(type, [objectTypeId, schema.fullyQualifiedName]);
  portal.associationTypes.addCustomObject(type, associatedIds, (other) => portal.types.byId.get(other).singular);
  return type;
}

function purge(portal, type) {
  for (const def of portal.associationTypes.ofType(type.id)) {
    const other = portal.types.byId.get(def.from === type.id ? def.to : def.from);
    for (const record of other.records.values()) record.links?.delete(type.id);
  }
  portal.associationTypes.removeType(type.id);
  portal.types.remove(type);
}

export function associationRows(portal, type) {
  return portal.associationTypes.ofType(type.id).filter((def) => def.label === null).map((def) => ({
    id: String(def.typeId), fromObjectTypeId: def.from, toObjectTypeId: def.to, name: def.name,
    createdAt: type.schema.createdAt, updatedAt: type.schema.createdAt,
  }));
}

function shown(portal, type, include = { properties: true, associations: true, audit: true }) {
  const { changedAt, ...schema } = type.schema;
  const answer = { ...schema, properties: [], associations: [] };
  if (answer.description === undefined) delete answer.description;
  if (include.properties) answer.properties = [...type.properties.values()].map(shownProperty);
  if (include.associations) answer.associations = associationRows(portal, type);
  if (include.audit) Object.assign(answer, { createdByUserId: 9586504, updatedByUserId: 9586504 });
  return answer;
}

function includeOf(query) {
  const on = (name) => query.get(name) !== 'false'; // the documents' default is true
  return {
    properties: on('includePropertyDefinitions'), associations: on('includeAssociationDefinitions'),
    audit: on('includeAuditMetadata'),
  };
}

export function list(call) {
  const archived = call.query.get('archived') === 'true';
  const types = call.portal.types.custom().filter((type) => type.schema.archived === archived);
  return { status: 200, body: { results: types.map((type) => shown(call.portal, type, includeOf(call.query))) } };
}

export function create(call) {
  const type = createSchema(call.portal, call.json(createShape(call.version)));
  return { status: 201, body: shown(call.portal, type) };
}

function custom(call) {
  const type = call.portal.types.resolve(call.params.type);
  if (type.schema === null) throw validation(`Object type ${type.id} is not a custom object`);
  return type;
}

export function read(call) {
  const type = custom(call);
  // The read may lag behind writes (section 11.4).
  if (Date.now() - type.schema.changedAt < call.portal.settings.schema_lag_ms) throw notFound();
  return { status: 200, body: shown(call.portal, type, includeOf(call.query)) };
}

export function batchRead(call) {
  const body = call.json(BATCH_READ);
  const types = body.inputs.map((name) => call.portal.types.resolve(name)).filter((type) => type.schema !== null);
  const include = {
    properties: body.includePropertyDefinitions ?? true, associations: body.includeAssociationDefinitions ?? true,
    audit: body.includeAuditMetadata ?? true,
  };
  return { status: 200, body: { results: types.map((type) => shown(call.portal, type, include)) } };
}

export function update(call) {
  const changes = call.json(PATCH);
  const type = custom(call);
  const { clearDescription, restorable, ...rest } = changes;
  const next = { ...type.schema, ...rest };
  if (clearDescription === true) next.description = undefined;
  checkLists(next, new Set(type.properties.keys()));
  next.updatedAt = new Date().toISOString();
  next.changedAt = Date.now();
  type.schema = next;
  const { changedAt, ...answer } = next;
  return { status: 200, body: { ...answer, portalId: call.portal.id } };
}

// Section 11.4: archive the records, delete, delete once more with ?archived=true.
export function remove(call) {
  const { portal, params, query } = call;
  if (query.get('archived') === 'true') {
    const wanted = params.type.toLowerCase();
    const type = portal.types.byPath.get(wanted);
    if (type === undefined || type.schema === null || !type.schema.archived)
      throw notFound(`No archived object type ${params.type} exists`);
    purge(portal, type);
    return { status: 204 };
  }
  const type = custom(call);
  for (const record of type.records.values())
    if (record.archivedAt === 0)
      throw refuse('ObjectSchemaError.EXISTING_OBJECT_RECORDS',
        `Object type ${type.schema.name} has records and cannot be deleted.`);
  type.schema.archived = true;
  return { status: 204 };
}

export function associationCreate(call) {
  const body = call.json(ASSOCIATION);
  const type = custom(call);
  if (associated(call.portal, body.fromObjectTypeId) !== type.id)
    throw validation(`fromObjectTypeId must be ${type.id}`);
  const to = associated(call.portal, body.toObjectTypeId);
  const other = call.portal.types.byId.get(to);
  if (call.portal.associationTypes.plain(type, other) !== undefined)
    throw new ApiError(409, { message: `An association from ${type.id} to ${to} already exists.`, category: 'OBJECT_ALREADY_EXISTS' });
  const def = call.portal.associationTypes.addUserDefined(type.id, to, body.name ?? `${type.schema.name}_to_${other.singular}`.toLowerCase());
  return { status: 201, body: associationRows(call.portal, type).find((row) => row.id === String(def.typeId)) };
}

export function associationRemove(call) {
  const type = custom(call);
  const def = call.portal.associationTypes.find('USER_DEFINED', call.params.association);
  if (def === undefined || (def.from !== type.id && def.to !== type.id)) throw notFound();
  call.portal.associationTypes.remove(def);
  return { status: 204 };
}
