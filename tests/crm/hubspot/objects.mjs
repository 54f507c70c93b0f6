// Single-record calls (section 5).

import { notFound, validation } from './errors.mjs';
import { archive, Claims, commit, findByProperty, planLinks, planWrite } from './records.mjs';
import { array, integer, map, object, oneOf, propertyValue, string } from './shape.mjs';
import {
  associationsOf, historyOf, listParameter, readProperties, recordAnswer, writtenProperties,
} from './view.mjs';

export const ASSOCIATION_SPEC = object({
  associationCategory: oneOf('HUBSPOT_DEFINED', 'USER_DEFINED', 'INTEGRATOR_DEFINED', 'WORK'),
  associationTypeId: integer,
}, ['associationCategory', 'associationTypeId']);

export const INLINE_ASSOCIATIONS = array(object(
  { to: object({ id: string }, ['id']), types: array(ASSOCIATION_SPEC) }, ['to', 'types']));

export const PROPERTIES = map(propertyValue);

const CREATE = object({ properties: PROPERTIES, associations: INLINE_ASSOCIATIONS }, ['properties']);
const UPDATE = object({ properties: PROPERTIES }, ['properties']);

export function writeContext(call) {
  return { portal: call.portal, type: call.type, claims: new Claims(), version: call.version, admin: false };
}

export function create(call) {
  const { portal, type } = call;
  const body = call.json(CREATE);
  call.recordFault(Object.values(body.properties));
  const context = writeContext(call);
  const plan = planWrite(context, undefined, body.properties);
  planLinks(context, plan, body.associations);
  const record = commit(portal, type, plan, Date.now());
  return { status: 201, body: recordAnswer(portal, type, record, writtenProperties(type, record, plan)) };
}

export function update(call) {
  const { portal, type } = call;
  const body = call.json(UPDATE);
  const record = wanted(call);
  call.recordFault([call.params.id, ...Object.values(body.properties)]);
  refuseNothing(body.properties);
  const plan = planWrite(writeContext(call), record, body.properties);
  commit(portal, type, plan, Date.now());
  return { status: 200, body: recordAnswer(portal, type, record, writtenProperties(type, record, plan)) };
}

// Section 5 and correction 4.
export function refuseNothing(properties) {
  if (Object.keys(properties).length === 0)
    throw validation('No properties found to update, please provide at least one.', { context: { properties: ['{}'] } });
}

// Merges of merges lead to the last.
function survivor(type, id) {
  let at = id;
  while (type.merged.has(at)) at = type.merged.get(at);
  return type.live(at);
}

// The record of a path: by id, also by one that was merged away, or by the unique property of ?idProperty=.
function wanted(call) {
  const { portal, type, params, query } = call;
  const property = query.get('idProperty');
  const record = property === null || property === 'hs_object_id'
    ? survivor(type, params.id) : findByProperty(portal, type, property, params.id);
  if (record === undefined) throw notFound();
  return record;
}

export function read(call) {
  const { type, params, query } = call;
  // ?archived=true answers only archived records.
  const record = query.get('archived') === 'true' ? type.records.get(params.id) : wanted(call);
  if (record === undefined || (query.get('archived') === 'true') !== (record.archivedAt !== 0)) throw notFound();
  return { status: 200, body: shown(call, record) };
}

function shown(call, record) {
  const { portal, type, query } = call;
  const withHistory = listParameter(query, 'propertiesWithHistory');
  const names = [...listParameter(query, 'properties'), ...withHistory];
  const answer = recordAnswer(portal, type, record, readProperties(type, record, names));
  if (withHistory.length > 0) answer.propertiesWithHistory = historyOf(type, record, withHistory);
  const associations = listParameter(query, 'associations');
  if (associations.length > 0) {
    const found = associationsOf(portal, type, record, associations);
    if (Object.keys(found).length > 0) answer.associations = found;
  }
  return answer;
}

// 204 also when there is nothing to archive.
export function remove(call) {
  const record = call.type.live(call.params.id);
  if (record !== undefined) archive(call.portal, call.type, record, Date.now());
  return { status: 204 };
}

// Section 3: default 10, at most 100; no paging on the last page.
export function list(call) {
  const { type, query } = call;
  const limit = query.has('limit') ? Number(query.get('limit')) : 10;
  const top = query.has('propertiesWithHistory') ? 50 : 100;
  if (!Number.isInteger(limit) || limit < 1 || limit > top)
    throw validation(`limit must be between 1 and ${top}`);
  const archived = query.get('archived') === 'true';
  const after = query.get('after');
  if (after !== null && !/^\d+$/.test(after)) throw validation(`Invalid value for after: ${after}`);
  const results = [];
  let more = null;
  // Records stand in the order of their ids: a Map keeps the order of creation.
  for (const record of type.records.values()) {
    if ((record.archivedAt !== 0) !== archived) continue;
    if (after !== null && BigInt(record.id) < BigInt(after)) continue;
    if (results.length === limit) {
      more = record.id;
      break;
    }
    results.push(shown(call, record));
  }
  const body = { results };
  if (more !== null) body.paging = { next: { after: more, link: `${call.baseUrl}${call.path}?limit=${limit}&after=${more}` } };
  return { status: 200, body };
}
