// The control interface below /_sim/: what a test sets, adds and looks at.
// None of it counts as an API call.

import { ApiError } from './errors.mjs';
import { addDefinition } from './events.mjs';
import { archive, commit, Claims, planLinks, planWrite } from './records.mjs';
import { INLINE_ASSOCIATIONS, PROPERTIES } from './objects.mjs';
import { addGroup, addProperty, createShape as propertyShape } from './properties.mjs';
import { associationRows, createSchema, createShape as schemaShape } from './schemas.mjs';
import { applySettings } from './settings.mjs';
import { array, map, object, parse } from './shape.mjs';
import { nextMidnight } from './limits.mjs';

const RECORDS = map(array(object({ properties: PROPERTIES, associations: INLINE_ASSOCIATIONS }, ['properties'])));

export function control(sim, method, url, raw) {
  const at = new URL(url, 'http://127.0.0.1');
  const [name, rest] = at.pathname.slice('/_sim/'.length).split('/');
  const handler = HANDLERS[`${method} ${name}`];
  if (handler === undefined) return { status: 404, body: { error: `no control ${method} ${at.pathname}` } };
  try {
    return { status: 200, body: handler({ sim, portal: sim.portal, rest, query: at.searchParams, raw }) ?? { ok: true } };
  } catch (err) {
    if (err instanceof ApiError) return { status: 400, body: { error: err.body.message } };
    return { status: 400, body: { error: err.message } };
  }
}

function json(raw) {
  return raw.length === 0 ? {} : JSON.parse(raw.toString('utf8'));
}

const HANDLERS = {
  'GET health': () => ({ ok: true }),

  'GET settings': ({ portal }) => portal.settings,
  'POST settings': ({ sim, portal, raw }) => {
    const changes = json(raw);
    if (changes.time_zone !== undefined) nextMidnight(changes.time_zone, Date.now()); // throws for an unknown zone
    if (changes.portal_id !== undefined) throw new Error('portal_id can be set at the start only');
    applySettings(portal.settings, changes);
    if (changes.time_zone !== undefined) sim.limits.midnight = nextMidnight(changes.time_zone, Date.now());
    if (changes.private_token !== undefined) portal.tokens.revokedPrivate = null;
    if (changes.refresh_token !== undefined) portal.tokens.grants.set(changes.refresh_token, { scopes: null });
    return portal.settings;
  },

  'GET calls': ({ sim, query }) => (query.get('count') === '1' ? sim.log.counts() : sim.log.entries),
  'DELETE calls': ({ sim }) => sim.log.clear(),

  // What HubSpot's documents do not know of the calls so far; null: nobody looks on.
  'GET witness': ({ sim }) => sim.witness?.report() ?? { calls: null },

  'GET faults': ({ sim }) => sim.faults.shown(),
  'POST faults': ({ sim, raw }) => {
    const body = json(raw);
    sim.faults.add(body.faults ?? []);
    return { ok: true, faults: sim.faults.shown() };
  },
  'DELETE faults': ({ sim }) => sim.faults.clear(),

  'POST schema': ({ portal, raw }) => applySchema(portal, json(raw)),
  'GET state': ({ portal, rest, query }) => state(portal, rest, query),
  'GET events': ({ portal }) => ({ definitions: [...portal.events.definitions.keys()], sent: portal.events.sent }),
  'POST records': ({ portal, raw }) => insertRecords(portal, raw),
  'POST merge': ({ portal, raw }) => mergeRecords(portal, json(raw)),

  'POST reset': ({ sim, portal, raw }) => {
    const body = json(raw);
    portal.clearRecords();
    if (body.schema === true) portal.resetSchema();
    portal.tokens.clear();
    portal.settings.daily_used = 0;
    sim.limits.clear();
    sim.faults.clear();
    sim.log.clear();
  },

  // An authorization code, as if a person had gone through the install page.
  'POST authorize': ({ portal, raw }) => {
    const { redirect_uri: redirectUri, scopes = null } = json(raw);
    if (typeof redirectUri !== 'string') throw new Error('redirect_uri is missing');
    return { code: portal.tokens.newCode(redirectUri, scopes) };
  },
  // The portal's admin throws the app out (section 2.4: no notice of it).
  'POST uninstall': ({ portal }) => portal.tokens.uninstall(),
  'POST expire-tokens': ({ portal }) => portal.tokens.expireAll(),
};

// presets/schema/hubspot.json, in the words of the API: what is only Billhook's is left out.
function fromCatalogue(portal, objects) {
  const own = new Set(objects.filter((one) => one.primaryDisplayProperty !== undefined).map((one) => one.name));
  const body = { properties: {}, groups: {}, schemas: [], events: [] };
  for (const { fields, groups, label, why: _why, ...object } of objects) {
    const properties = fields.map(({ required: _required, why: _reason, ...property }) => property);
    if (object.event === true) {
      const { event: _event, name, ...definition } = object;
      body.events.push({ ...definition, name: name.replace(/__e$/, ''), label, includeDefaultProperties: false, propertyDefinitions: properties });
    } else if (object.primaryDisplayProperty !== undefined) {
      const associatedObjects = object.associatedObjects.map((name) => (own.has(name) ? name : portal.types.byPath.get(name).id));
      body.schemas.push({ ...object, properties, associatedObjects });
    } else if (portal.settings.activity_properties || !portal.types.byPath.get(object.name).isActivity()) {
      body.properties[object.name] = properties;
      body.groups[object.name] = groups;
    }
  }
  return body;
}

// Adds as an admin would; what is there already stays as it is.
export function applySchema(portal, given) {
  const body = given.objects === undefined ? given : fromCatalogue(portal, given.objects);
  for (const name of Object.keys(body))
    if (!['properties', 'groups', 'schemas', 'events'].includes(name)) throw new Error(`unknown member ${name}`);
  for (const egg of body.schemas ?? []) addSchema(portal, egg);
  for (const [typeName, groups] of Object.entries(body.groups ?? {}))
    for (const group of groups) {
      const type = named(portal, typeName);
      if (!type.groups.has(group.name)) addGroup(type, group);
    }
  for (const [typeName, list] of Object.entries(body.properties ?? {}))
    for (const given of list) {
      const type = named(portal, typeName);
      parse(Buffer.from(JSON.stringify(given)), propertyShape('v3'));
      if (!type.properties.has(given.name)) addProperty(portal, type, given);
    }
  for (const egg of body.events ?? [])
    if (!portal.events.definitions.has(`pe${portal.id}_${egg.name}`)) addDefinition(portal, egg);
  const objectTypes = {};
  for (const type of portal.types.custom().filter((t) => !t.schema.archived))
    objectTypes[type.schema.name] = {
      objectTypeId: type.id, fullyQualifiedName: type.schema.fullyQualifiedName, associations: associationRows(portal, type),
    };
  return { objectTypes };
}

// Custom objects are tied to by the type ids that they got a moment ago.
function tied(portal, name) {
  return portal.types.custom().find((type) => type.schema.name === name)?.id ?? name;
}

function addSchema(portal, given) {
  const egg = { ...given, associatedObjects: (given.associatedObjects ?? []).map((name) => tied(portal, name)) };
  parse(Buffer.from(JSON.stringify(egg)), schemaShape('v3'));
  const type = portal.types.custom().find((t) => t.schema.name.toLowerCase() === egg.name.toLowerCase());
  if (type === undefined || type.schema.archived) {
    createSchema(portal, egg);
    return;
  }
  const [group] = type.groups.keys();
  for (const given of egg.properties)
    if (!type.properties.has(given.name)) addProperty(portal, type, { groupName: group, ...given });
}

function named(portal, name) {
  const type = portal.types.byAnyName(name);
  if (type === undefined) throw new Error(`no such object type: ${name}`);
  return type;
}

// Records of an admin: all the rules of values and uniqueness, and search knows them at once.
function insertRecords(portal, raw) {
  const body = parse(raw, RECORDS);
  const ids = {};
  for (const [typeName, rows] of Object.entries(body)) {
    const type = named(portal, typeName);
    const context = { portal, type, claims: new Claims(), version: 'v3', admin: true };
    const plans = rows.map((row) => {
      const plan = planWrite(context, undefined, row.properties);
      planLinks(context, plan, row.associations);
      return plan;
    });
    const now = Date.now();
    ids[typeName] = plans.map((plan) => commit(portal, type, plan, now, true).id);
  }
  return ids;
}

// As people do it: the primary's values win, what it lacks comes from the
// other, whose unique values are given up (section 8) and whose id goes on to answer (section 5).
function mergeRecords(portal, { type: typeName, primary: primaryId, other: otherId }) {
  const type = named(portal, typeName);
  const [primary, other] = [type.live(primaryId), type.live(otherId)];
  if (primary === undefined || other === undefined || primary === other) throw new Error('two records are merged');
  const lacking = Object.fromEntries(Object.entries(other.props).filter(([name]) => {
    const def = type.properties.get(name);
    return primary.props[name] === undefined && !def.hasUniqueValue && !def.modificationMetadata.readOnlyValue;
  }));
  const now = Date.now();
  archive(portal, type, other, now);
  type.records.delete(other.id);
  type.merged.set(other.id, primary.id);
  commit(portal, type, planWrite({ portal, type, claims: new Claims(), version: 'v3', admin: true }, primary, lacking), now);
  primary.props.hs_merged_object_ids = [primary.props.hs_merged_object_ids, other.props.hs_merged_object_ids, other.id]
    .filter((ids) => ids !== undefined).join(';');
}

function state(portal, typeName, query) {
  if (query.get('count') === '1') return { objects: Object.fromEntries(shownTypes(portal, typeName).map(([name, type]) => [name, liveRecords(type).length])) };
  const archived = query.get('archived') === '1';
  const objects = {};
  for (const [name, type] of shownTypes(portal, typeName))
    objects[name] = liveRecords(type, archived).map((record) => recordState(portal, type, record));
  return { objects };
}

// All custom objects, and the standard ones that hold records, unless one is asked for.
function shownTypes(portal, typeName) {
  if (typeName !== undefined && typeName !== '') {
    const type = named(portal, decodeURIComponent(typeName));
    return [[type.plural, type]];
  }
  const always = ['companies', 'contacts', 'deals', 'tasks', 'line_items'];
  return [...portal.types.byId.values()]
    .filter((type) => type.schema !== null || type.records.size > 0 || always.includes(type.plural))
    .map((type) => [type.plural, type]);
}

function liveRecords(type, archived = false) {
  return [...type.records.values()].filter((record) => (record.archivedAt !== 0) === archived);
}

function recordState(portal, type, record) {
  const properties = {};
  for (const [name, value] of Object.entries(record.props))
    if (type.properties.has(name)) properties[name] = value;
  const associations = {};
  for (const [typeId, perType] of record.links ?? []) {
    const other = portal.types.byId.get(typeId);
    const list = [...perType].map(([id, defs]) => ({ id, types: [...defs].map((def) => def.typeId) }));
    if (other !== undefined && list.length > 0) associations[other.plural] = list;
  }
  return {
    id: record.id, properties, associations,
    createdAt: new Date(record.createdAt).toISOString(), updatedAt: new Date(record.updatedAt).toISOString(),
  };
}
