// Reading and writing links (section 12.2).

import { ApiError, notFound, validation } from './errors.mjs';
import { batchAnswer, batchOf, checkSize } from './batches.mjs';
import { link, linksOf, unlink } from './links.mjs';
import { ASSOCIATION_SPEC } from './objects.mjs';
import { unknownIdentifier, wrongAssociationType } from './records.mjs';
import { array, object, string } from './shape.mjs';

const REF = object({ id: string }, ['id']);
const PAIR = batchOf(object({ from: REF, to: REF }, ['from', 'to']));
const TYPED = batchOf(object({ from: REF, to: REF, types: array(ASSOCIATION_SPEC) }, ['from', 'to', 'types']));
// In archive "to" is an array.
const ARCHIVE = batchOf(object({ from: REF, to: array(REF) }, ['from', 'to']));
const READ = batchOf(object({ id: string, after: string }, ['id']));

function ends(call, fromId, toId) {
  const from = call.type.live(fromId);
  if (from === undefined) throw unknownIdentifier(call.type, fromId);
  const to = call.toType.live(toId);
  if (to === undefined) throw unknownIdentifier(call.toType, toId);
  return { from, to };
}

function plainType(call) {
  const def = call.portal.associationTypes.plain(call.type, call.toType);
  if (def === undefined)
    throw validation(`No default association exists between object types ${call.type.id} and ${call.toType.id}`);
  return def;
}

// The definitions that a request names; each must lead from the one type to the other.
function namedTypes(call, specs) {
  if (specs.length === 0) throw validation('At least one association type is required.');
  return specs.map((spec) => {
    const def = call.portal.associationTypes.find(spec.associationCategory, spec.associationTypeId);
    if (def === undefined || def.from !== call.type.id || def.to !== call.toType.id)
      throw wrongAssociationType(call.type, call.toType, spec);
    return def;
  });
}

// Links are not all-or-nothing: each pair succeeds or is an entry of errors[].
function eachInput(call, inputs, work) {
  const results = [];
  const errors = [];
  for (const input of inputs) {
    try {
      call.recordFault([input.from.id, ...[input.to].flat().map((to) => to.id)]);
      results.push(...work(input));
    } catch (err) {
      if (!(err instanceof ApiError)) throw err;
      errors.push(err.item());
    }
  }
  return { results, errors };
}

function linkPlain(call, def, fromId, toId) {
  const { from, to } = ends(call, fromId, toId);
  link(call.portal, call.type, from, def, call.toType, to);
  return [
    { from: { id: fromId }, to: { id: toId }, associationSpec: spec(def) },
    { from: { id: toId }, to: { id: fromId }, associationSpec: spec(def.inverse) },
  ];
}

function spec(def) {
  return { associationCategory: def.category, associationTypeId: def.typeId };
}

export function batchDefault(call) {
  const { inputs } = call.json(PAIR);
  checkSize(call, inputs, call.portal.settings.default_association_limit);
  const startedAt = new Date().toISOString();
  const def = plainType(call);
  const { results, errors } = eachInput(call, inputs, ({ from, to }) => linkPlain(call, def, from.id, to.id));
  return batchAnswer(200, startedAt, results, errors);
}

// Object ids in these answers are JSON numbers (section 15).
function labelsBetween(call, from, to) {
  const defs = [...(from.links?.get(call.toType.id)?.get(to.id) ?? [])];
  return {
    fromObjectTypeId: call.type.id, fromObjectId: Number(from.id),
    toObjectTypeId: call.toType.id, toObjectId: Number(to.id),
    labels: defs.map((def) => def.label).filter((label) => label !== null),
  };
}

export function batchCreate(call) {
  const { inputs } = call.json(TYPED);
  checkSize(call, inputs, 2000);
  const startedAt = new Date().toISOString();
  const { results, errors } = eachInput(call, inputs, (input) => {
    const defs = namedTypes(call, input.types);
    const { from, to } = ends(call, input.from.id, input.to.id);
    for (const def of defs) link(call.portal, call.type, from, def, call.toType, to);
    return [labelsBetween(call, from, to)];
  });
  return batchAnswer(201, startedAt, results, errors);
}

export function batchRead(call) {
  const { inputs } = call.json(READ);
  checkSize(call, inputs, 1000);
  const startedAt = new Date().toISOString();
  const results = [];
  const errors = [];
  for (const { id, after } of inputs) {
    const record = call.type.live(id);
    const links = record === undefined ? [] : linksOf(record, call.toType);
    if (links.length === 0) {
      errors.push(noLinks(call, id)); // correction 2
      continue;
    }
    const { to, paging } = pageOf(call, links, after, call.portal.settings.association_page);
    const result = { from: { id }, to };
    if (paging !== undefined) result.paging = paging;
    results.push(result);
  }
  return batchAnswer(200, startedAt, call.portal.shuffled(results), errors);
}

function noLinks(call, id) {
  return {
    status: 'error', category: 'OBJECT_NOT_FOUND', subCategory: 'crm.associations.NO_ASSOCIATIONS_FOUND',
    message: `No associations were found from object ${id} of type ${call.type.id} to type ${call.toType.id}`,
    context: { fromObjectId: [id], fromObjectType: [call.type.id], toObjectType: [call.toType.id] },
  };
}

function pageOf(call, links, after, limit) {
  const start = after === undefined || after === null ? 0 : links.findIndex(([id]) => id === after);
  if (start < 0) throw validation(`Invalid value for after: ${after}`);
  const to = links.slice(start, start + limit).map(([id, defs]) => ({
    toObjectId: Number(id),
    associationTypes: [...defs].map((def) => ({ category: def.category, typeId: def.typeId, label: def.label })),
  }));
  const next = links[start + limit];
  return { to, paging: next === undefined ? undefined : { next: { after: next[0] } } };
}

// Dated versions answer 200 with a body, v4 answers 204 (section 15).
function removed(call, startedAt) {
  if (call.version === 'v4') return { status: 204 };
  return { status: 200, body: { status: 'COMPLETE', results: [], startedAt, completedAt: new Date().toISOString() } };
}

export function batchArchive(call) {
  const { inputs } = call.json(ARCHIVE);
  checkSize(call, inputs, 2000);
  const startedAt = new Date().toISOString();
  for (const input of inputs)
    for (const to of input.to) unlinkPair(call, input.from.id, to.id);
  return removed(call, startedAt);
}

export function batchLabelsArchive(call) {
  const { inputs } = call.json(TYPED);
  checkSize(call, inputs, 2000);
  const startedAt = new Date().toISOString();
  const wanted = inputs.map((input) => ({ input, defs: namedTypes(call, input.types) }));
  for (const { input, defs } of wanted)
    for (const def of defs) unlinkPair(call, input.from.id, input.to.id, def);
  return removed(call, startedAt);
}

function unlinkPair(call, fromId, toId, def) {
  const from = call.type.live(fromId);
  const to = call.toType.live(toId);
  if (from !== undefined && to !== undefined) unlink(call.type, from, call.toType, to, def);
}

function endsOr404(call) {
  const from = call.type.live(call.params.id);
  const to = call.toType.live(call.params.toId);
  if (from === undefined || to === undefined) throw notFound();
  return { from, to };
}

export function putDefault(call) {
  const startedAt = new Date().toISOString();
  const def = plainType(call);
  endsOr404(call);
  return batchAnswer(200, startedAt, linkPlain(call, def, call.params.id, call.params.toId), []);
}

// Sets the complete label set of the pair.
export function putLabelled(call) {
  const specs = call.json(array(ASSOCIATION_SPEC));
  const defs = namedTypes(call, specs);
  const { from, to } = endsOr404(call);
  unlink(call.type, from, call.toType, to);
  for (const def of defs) link(call.portal, call.type, from, def, call.toType, to);
  return { status: 201, body: labelsBetween(call, from, to) };
}

export function remove(call) {
  unlinkPair(call, call.params.id, call.params.toId);
  return { status: 204 };
}

// In 2026-03 and v4 only; absent from 2026-09 (section 1).
export function list(call) {
  const record = call.type.live(call.params.id);
  if (record === undefined) throw notFound();
  const limit = Number(call.query.get('limit') ?? 500);
  if (!Number.isInteger(limit) || limit < 1 || limit > 500) throw validation('limit must be between 1 and 500');
  const { to, paging } = pageOf(call, linksOf(record, call.toType), call.query.get('after'), limit);
  return { status: 200, body: paging === undefined ? { results: to } : { results: to, paging } };
}
