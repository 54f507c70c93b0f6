// Association labels (section 12.2): what kinds of link a pair of types has.

import { ApiError, notFound, validation } from './errors.mjs';
import { unlink } from './links.mjs';
import { integer, object, string } from './shape.mjs';

const MAX_LABELS = 10; // per pair, by the guide

const CREATE = object({ label: string, name: string, inverseLabel: string }, ['label', 'name']);
const UPDATE = object({ associationTypeId: integer, label: string, inverseLabel: string }, ['associationTypeId', 'label']);

function shown(def) {
  return { category: def.category, typeId: def.typeId, label: def.label };
}

export function list(call) {
  return { status: 200, body: { results: call.portal.associationTypes.between(call.type, call.toType).map(shown) } };
}

export function create(call) {
  const { portal, type, toType } = call;
  const body = call.json(CREATE);
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(body.name)) throw validation(`Invalid association name: ${body.name}`);
  const own = portal.associationTypes.between(type, toType).filter((def) => def.label !== null && def.category === 'USER_DEFINED');
  if (own.some((def) => def.name === body.name || def.label === body.label))
    throw new ApiError(409, { message: `An association label ${body.label} already exists.`, category: 'OBJECT_ALREADY_EXISTS' });
  // Beyond the cap: HTTP 437.
  if (own.length >= MAX_LABELS)
    throw new ApiError(437, { message: `The limit of ${MAX_LABELS} association labels is reached.`, category: 'VALIDATION_ERROR' });
  const there = portal.associationTypes.nextUserDefined();
  // One label on one type reads the same both ways and has one number.
  const back = type === toType && body.inverseLabel === undefined ? there : portal.associationTypes.nextUserDefined();
  const def = portal.associationTypes.addPair(type.id, toType.id, {
    category: 'USER_DEFINED', there, back, labelThere: body.label, labelBack: body.inverseLabel ?? body.label, name: body.name,
  });
  return { status: 200, body: { results: [...new Set([def, def.inverse])].map(shown) } };
}

function owned(call, typeId) {
  const def = call.portal.associationTypes.find('USER_DEFINED', typeId);
  if (def === undefined || def.from !== call.type.id || def.to !== call.toType.id || def.label === null)
    throw notFound(`No association label with id ${typeId} exists`);
  return def;
}

export function update(call) {
  const body = call.json(UPDATE);
  const def = owned(call, body.associationTypeId);
  def.label = body.label;
  if (def.inverse !== def) def.inverse.label = body.inverseLabel ?? body.label;
  return { status: 204 };
}

export function remove(call) {
  const def = owned(call, Number(call.params.typeId));
  for (const record of call.type.records.values())
    for (const [id, defs] of record.links?.get(call.toType.id) ?? [])
      if (defs.has(def)) unlink(call.type, record, call.toType, call.toType.records.get(id), def);
  call.portal.associationTypes.remove(def);
  return { status: 204 };
}
