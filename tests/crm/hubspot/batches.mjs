// Object batches (section 6).

import { ApiError, notByUniqueProperty, objectsMissing, validation } from './errors.mjs';
import { INLINE_ASSOCIATIONS, PROPERTIES, refuseNothing, writeContext } from './objects.mjs';
import { archive as archiveRecord, commit, findByProperty, planLinks, planWrite } from './records.mjs';
import { array, object, string } from './shape.mjs';
import { historyOf, readProperties, recordAnswer, writtenProperties } from './view.mjs';

const TRACE = { objectWriteTraceId: string };
const KEYED = object({ id: string, idProperty: string, properties: PROPERTIES, ...TRACE }, ['id', 'properties']);

const CREATE = batchOf(object({ properties: PROPERTIES, associations: INLINE_ASSOCIATIONS, ...TRACE }, ['properties']));
const UPDATE = batchOf(KEYED);
const ARCHIVE = batchOf(object({ id: string }, ['id']));
const READ = object({
  inputs: array(object({ id: string }, ['id'])), properties: array(string),
  propertiesWithHistory: array(string), idProperty: string,
}, ['inputs']);

export function batchOf(item) {
  return object({ inputs: array(item) }, ['inputs']);
}

export function checkSize(call, inputs, max) {
  call.inputs = inputs.length;
  if (inputs.length === 0) throw validation('Batch input provided should have at least one object.');
  if (inputs.length > max)
    throw validation(`The maximum number of inputs supported in a batch is ${max}. ` +
      'Please reduce the number of items and try again'); // correction 1
}

export function batchAnswer(status, startedAt, results, errors) {
  const body = { status: 'COMPLETE', results, startedAt, completedAt: new Date().toISOString() };
  if (errors.length > 0) {
    body.numErrors = errors.length;
    body.errors = errors;
  }
  return { status: errors.length > 0 ? 207 : status, body };
}

// Rule 5 and correction 5: the same id twice rejects the whole batch.
function refuseDuplicates(inputs) {
  const seen = new Set();
  const twice = new Set();
  for (const { id, idProperty } of inputs) {
    const key = idProperty === 'email' ? id.trim().toLowerCase() : id;
    if (seen.has(key)) twice.add(id);
    seen.add(key);
  }
  if (twice.size > 0) {
    const ids = [...twice];
    throw validation(`Duplicate IDs found in batch input: [${ids.join(', ')}]. IDs must be unique`, { context: { ids } });
  }
}

// Rule 1: partial success needs a trace id on every input, unique in the batch.
function partialSuccess(inputs) {
  const traces = inputs.map((input) => input.objectWriteTraceId).filter((trace) => trace !== undefined);
  const twice = [...new Set(traces.filter((trace, i) => traces.indexOf(trace) !== i))];
  if (twice.length > 0)
    throw validation(`Duplicate objectWriteTraceIds found in batch input: [${twice.join(', ')}]. They must be unique`,
      { context: { objectWriteTraceId: twice } });
  return traces.length === inputs.length;
}

// Plans every input, then writes: all, or with trace ids those that are good.
function writeBatch(call, inputs, { status, partial, plan, finish }) {
  const { portal, type } = call;
  const startedAt = new Date().toISOString();
  const context = writeContext(call);
  const planned = [];
  const errors = [];
  for (const input of inputs) {
    try {
      call.recordFault([input.id, ...Object.values(input.properties)]);
      planned.push({ input, plan: plan(context, input) });
    } catch (err) {
      if (!(err instanceof ApiError)) throw err;
      if (!partial) throw err;
      errors.push(err.item(input.objectWriteTraceId));
    }
  }
  const now = Date.now();
  const results = planned.map(({ input, plan: one }) => {
    const isNew = one.record === undefined;
    const record = commit(portal, type, one, now);
    const answer = recordAnswer(portal, type, record, writtenProperties(type, record, one));
    if (input.objectWriteTraceId !== undefined) answer.objectWriteTraceId = input.objectWriteTraceId;
    finish?.(answer, isNew);
    return answer;
  });
  return batchAnswer(status, startedAt, portal.shuffled(results), errors);
}

export function create(call) {
  const { inputs } = call.json(CREATE);
  checkSize(call, inputs, 100);
  return writeBatch(call, inputs, {
    status: 201,
    partial: partialSuccess(inputs),
    plan(context, input) {
      const plan = planWrite(context, undefined, input.properties);
      planLinks(context, plan, input.associations);
      return plan;
    },
  });
}

export function update(call) {
  const { inputs } = call.json(UPDATE);
  checkSize(call, inputs, 100);
  refuseDuplicates(inputs);
  return writeBatch(call, inputs, {
    status: 200,
    partial: partialSuccess(inputs),
    plan(context, input) {
      const record = known(context, input);
      refuseNothing(input.properties);
      return planWrite(context, record, input.properties);
    },
  });
}

function known({ portal, type }, { id, idProperty }) {
  if (idProperty === undefined || idProperty === 'hs_object_id') {
    const record = type.live(id);
    if (record === undefined) throw objectsMissing(type, [id]);
    return record;
  }
  const record = findByProperty(portal, type, idProperty, id);
  if (record !== undefined) return record;
  // Rule 11 and correction 4: strings ending in "property:value".
  throw new ApiError(400, {
    ...objectsMissing(type, []).body,
    context: { missingObjectPropertyValueCoordinates: [`${portal.id}:${type.id}:${idProperty}:${id}`] },
  });
}

export function upsert(call) {
  const { portal, type } = call;
  const { inputs } = call.json(UPDATE);
  checkSize(call, inputs, 100);
  refuseDuplicates(inputs);
  // Rule 7: a property that is not unique is refused before any record is looked at.
  for (const property of new Set(inputs.map((input) => input.idProperty ?? 'hs_object_id')))
    if (property === 'hs_object_id') throw notByUniqueProperty(portal.id, type, property);
    else findByProperty(portal, type, property, '');
  // Rule 10 and correction 6: by e-mail there is no partial success.
  const byEmail = type.plural === 'contacts' && inputs.some((input) => input.idProperty === 'email');
  return writeBatch(call, inputs, {
    status: 200,
    partial: partialSuccess(inputs) && !byEmail,
    plan(context, input) {
      if (input.id.trim() === '') throw validation('An upsert needs a value in id.', { context: { ids: [input.id] } });
      const record = findByProperty(portal, type, input.idProperty, input.id);
      return planWrite(context, record, input.properties, { property: input.idProperty, value: input.id });
    },
    finish(answer, isNew) {
      answer.new = isNew;
    },
  });
}

export function read(call) {
  const { portal, type, query } = call;
  const body = call.json(READ);
  const withHistory = body.propertiesWithHistory ?? [];
  checkSize(call, body.inputs, withHistory.length > 0 ? 50 : 100); // correction 1
  const startedAt = new Date().toISOString();
  const archived = query.get('archived') === 'true';
  const byProperty = body.idProperty !== undefined && body.idProperty !== 'hs_object_id';
  const names = [...(body.properties ?? []), ...withHistory];
  const results = [];
  const missing = [];
  for (const id of new Set(body.inputs.map((input) => input.id))) {
    const record = byProperty ? findByProperty(portal, type, body.idProperty, id) : type.records.get(id);
    if (record === undefined || (record.archivedAt !== 0) !== archived) {
      missing.push(id);
      continue;
    }
    const answer = recordAnswer(portal, type, record, readProperties(type, record, names));
    if (withHistory.length > 0) answer.propertiesWithHistory = historyOf(type, record, withHistory);
    results.push(answer);
  }
  const errors = missing.length > 0 ? [objectsMissing(type, missing).item()] : [];
  return batchAnswer(200, startedAt, portal.shuffled(results), errors);
}

// Rule 12: 204 even for unknown ids.
export function archive(call) {
  const { portal, type } = call;
  const { inputs } = call.json(ARCHIVE);
  checkSize(call, inputs, 100);
  const now = Date.now();
  for (const { id } of inputs) {
    const record = type.live(id);
    if (record !== undefined) archiveRecord(portal, type, record, now);
  }
  return { status: 204 };
}
