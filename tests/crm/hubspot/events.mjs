// Custom events (section 16): their definitions, and what is sent.
//
// What no source tells and is assumed here: a batch with one bad event is
// refused as a whole; a property that is not defined, or says whom the event is about
// by nothing, is refused; a name that is deleted answers as one that is taken.

import { ApiError, notFound, validation } from './errors.mjs';
import { batchOf, checkSize } from './batches.mjs';
import { OPTION } from './properties.mjs';
import { array, boolean, map, object, string } from './shape.mjs';
import { email, normalise } from './values.mjs';

const NAME = /^[a-z][a-z0-9_-]{0,49}$/;
const TYPES = ['string', 'number', 'enumeration', 'datetime'];
const PRIMARY = { CONTACT: '0-1', COMPANY: '0-2', DEAL: '0-3', TICKET: '0-5' };
const DEFINITIONS_MAX = 500;
const PROPERTIES_MAX = 50;
const BATCH_MAX = 500;

const PROPERTY = object({ name: string, label: string, type: string, description: string, options: array(OPTION) }, ['label', 'type']);
const RULE = object({ eventPropertyName: string, targetObjectPropertyName: string }, ['eventPropertyName', 'targetObjectPropertyName']);
const EGG = object({
  label: string, name: string, description: string, primaryObject: string, includeDefaultProperties: boolean,
  propertyDefinitions: array(PROPERTY), customMatchingId: object({ primaryObjectRule: RULE }, ['primaryObjectRule']),
}, ['includeDefaultProperties', 'label', 'propertyDefinitions']);
const PATCH = object({ label: string, description: string });
const EVENT = object({
  eventName: string, objectId: string, email: string, utk: string, occurredAt: string, uuid: string, properties: map(string),
}, ['eventName', 'properties']);
const BATCH = batchOf(EVENT);

// What a portal knows of events.
export class Events {
  constructor() {
    this.definitions = new Map(); // by full name
    this.spent = new Set(); // names that were deleted: for ever (section 16)
    this.sent = []; // in the order they came; lost: HubSpot found nobody that they are about
    this.lastId = 7100;
  }

  clearSent() {
    this.sent = [];
  }
}

const fullName = (portal, name) => `pe${portal.id}_${name}`;

function taken(name) {
  return new ApiError(409, { message: `An event definition with the name ${name} already exists.`, category: 'CONFLICT' });
}

function propertyOf(given, now) {
  const name = given.name ?? given.label.toLowerCase().replace(/[^a-z0-9]+/g, '_');
  if (!NAME.test(name)) throw validation(`Property name ${name} is not valid`);
  if (!TYPES.includes(given.type)) throw validation(`Property type ${given.type} is not one of [${TYPES.join(', ')}]`);
  if ((given.type === 'enumeration') !== ((given.options ?? []).length > 0)) throw validation('Options belong to enumerations, which need them.');
  return {
    name, label: given.label, type: given.type, description: given.description ?? '', groupName: 'event_properties',
    fieldType: { number: 'number', enumeration: 'select', datetime: 'date' }[given.type] ?? 'text',
    options: (given.options ?? []).map((o, i) => ({ label: o.label, value: o.value, displayOrder: o.displayOrder ?? i, hidden: o.hidden ?? false })),
    hasUniqueValue: false, hidden: false, archived: false, createdAt: now, updatedAt: now,
    modificationMetadata: { archivable: true, readOnlyDefinition: false, readOnlyValue: false },
  };
}

export function addDefinition(portal, egg) {
  const { events } = portal;
  const name = egg.name ?? egg.label.toLowerCase().replace(/[^a-z0-9]+/g, '_');
  const now = new Date().toISOString();
  if (!NAME.test(name)) throw validation(`Event name ${name} must begin with a letter and hold up to 50 lower-case letters, digits, _ and -.`);
  if (events.definitions.has(fullName(portal, name)) || events.spent.has(name)) throw taken(name);
  if (events.definitions.size >= DEFINITIONS_MAX) throw validation(`The limit of ${DEFINITIONS_MAX} event definitions is reached.`);
  if (egg.propertyDefinitions.length > PROPERTIES_MAX) throw validation(`An event has at most ${PROPERTIES_MAX} properties.`);
  const primaryObject = egg.primaryObject ?? 'CONTACT';
  if (PRIMARY[primaryObject] === undefined) throw validation(`${primaryObject} is no primary object of events`);
  const properties = new Map();
  for (const given of egg.propertyDefinitions) {
    const property = propertyOf(given, now);
    if (properties.has(property.name)) throw validation(`Property ${property.name} is defined twice`);
    properties.set(property.name, property);
  }
  const definition = {
    id: String(++events.lastId), name, fullyQualifiedName: fullName(portal, name), objectTypeId: `6-${events.lastId}`,
    labels: { singular: egg.label, plural: egg.label }, description: egg.description ?? '', primaryObject,
    primaryObjectId: PRIMARY[primaryObject], trackingType: 'MANUAL', archived: false, createdAt: now, updatedAt: now,
    ...(egg.customMatchingId === undefined ? {} : { customMatchingId: egg.customMatchingId }), properties,
  };
  events.definitions.set(definition.fullyQualifiedName, definition);
  return definition;
}

const shown = (definition, withProperties = true) =>
  ({ ...definition, associations: [], properties: withProperties ? [...definition.properties.values()] : [] });

function wanted({ portal, params }) {
  const definition = portal.events.definitions.get(params.event);
  if (definition === undefined) throw notFound(`No event definition ${params.event} exists`);
  return definition;
}

export function list({ portal, query, baseUrl, path }) {
  const limit = query.has('limit') ? Number(query.get('limit')) : 10;
  if (!Number.isInteger(limit) || limit < 1 || limit > 100) throw validation('limit must be between 1 and 100');
  const search = (query.get('searchString') ?? '').toLowerCase();
  const all = [...portal.events.definitions.values()].filter(({ name, labels }) => `${name} ${labels.singular}`.toLowerCase().includes(search));
  const start = query.has('after') ? Number(query.get('after')) : 0;
  if (!Number.isInteger(start) || start < 0) throw validation(`Invalid value for after: ${query.get('after')}`);
  const withProperties = query.get('includeProperties') === 'true';
  const body = { total: all.length, results: all.slice(start, start + limit).map((one) => shown(one, withProperties)) };
  if (start + limit < all.length) {
    const after = String(start + limit);
    body.paging = { next: { after, link: `${baseUrl}${path}?limit=${limit}&after=${after}` } };
  }
  return { status: 200, body };
}

export function create(call) {
  return { status: 201, body: shown(addDefinition(call.portal, call.json(EGG))) };
}

export function read(call) {
  return { status: 200, body: shown(wanted(call)) };
}

export function update(call) {
  const definition = wanted(call);
  const { label, description } = call.json(PATCH);
  if (label !== undefined) definition.labels = { singular: label, plural: label };
  if (description !== undefined) definition.description = description;
  definition.updatedAt = new Date().toISOString();
  return { status: 201, body: shown(definition) };
}

export function remove(call) {
  const definition = wanted(call);
  call.portal.events.definitions.delete(definition.fullyQualifiedName);
  call.portal.events.spent.add(definition.name);
  return { status: 204 };
}

export function propertyCreate(call) {
  const definition = wanted(call);
  const property = propertyOf(call.json(PROPERTY), new Date().toISOString());
  if (definition.properties.has(property.name)) throw taken(property.name);
  if (definition.properties.size >= PROPERTIES_MAX) throw validation(`An event has at most ${PROPERTIES_MAX} properties.`);
  definition.properties.set(property.name, property);
  return { status: 201, body: property };
}

export function propertyRemove(call) {
  if (!wanted(call).properties.delete(call.params.property)) throw notFound(`No property ${call.params.property} exists`);
  return { status: 204 };
}

// --- sending ---

const lengthOf = (name) => (/url|referrer|link/.test(name) ? 1024 : 256);

function checkProperties(portal, definition, properties) {
  for (const [name, value] of Object.entries(properties)) {
    const def = definition.properties.get(name);
    if (def === undefined) throw validation(`Property ${name} is not defined on event ${definition.fullyQualifiedName}`);
    if (value.length > lengthOf(name)) throw validation(`Property ${name} is longer than ${lengthOf(name)} characters`);
    const { message } = normalise(portal, def, value);
    if (message !== undefined) throw validation(`Property ${name}: ${message}`);
  }
}

// Whom it is about: the matching property, the id, the e-mail, the visitor, in that order.
function checkPerson(definition, event) {
  const matching = definition.customMatchingId?.primaryObjectRule.eventPropertyName;
  if (event.properties[matching] === undefined && event.objectId === undefined && event.email === undefined && event.utk === undefined)
    throw validation('One of objectId, email and utk must be set.');
  if (event.email !== undefined && email(event.email).code) throw validation(email(event.email).message);
}

function check(portal, event) {
  const definition = portal.events.definitions.get(event.eventName);
  if (definition === undefined) throw validation(`Event with fully qualified name ${event.eventName} does not exist.`);
  const at = { type: 'datetime' };
  if (event.occurredAt !== undefined && normalise(portal, at, event.occurredAt).code) throw validation(`${event.occurredAt} was not a valid date time.`);
  checkPerson(definition, event);
  checkProperties(portal, definition, event.properties);
}

// HubSpot looks for the record later: by then the answer is on its way.
function keep(portal, event) {
  const definition = portal.events.definitions.get(event.eventName);
  const again = event.uuid !== undefined && portal.events.sent.some((one) => one.uuid === event.uuid && one.eventName === event.eventName);
  const type = portal.types.byId.get(definition.primaryObjectId);
  if (!again) portal.events.sent.push({ ...event, lost: event.objectId !== undefined && type.live(event.objectId) === undefined });
}

export function send(call) {
  const event = call.json(EVENT);
  call.recordFault([event.uuid, event.objectId, ...Object.values(event.properties)]);
  check(call.portal, event);
  keep(call.portal, event);
  return { status: 204 };
}

export function sendBatch(call) {
  const { inputs } = call.json(BATCH);
  checkSize(call, inputs, BATCH_MAX);
  for (const event of inputs) {
    call.recordFault([event.uuid, event.objectId, ...Object.values(event.properties)]);
    check(call.portal, event);
  }
  for (const event of inputs) keep(call.portal, event);
  return { status: 204 };
}
