// Writing records: a write is planned, which checks everything, and then
// committed, which cannot fail. A batch plans all its inputs first, so it can
// be all-or-nothing (section 6 rule 1).

import {
  emailTaken, invalidProperties, notByUniqueProperty, requiredMissing, validation, valueTaken,
} from './errors.mjs';
import { LIFECYCLE, REQUIRED_ON_CREATE } from './factory.mjs';
import { link, unlinkAll } from './links.mjs';
import { email as checkEmail, normalise } from './values.mjs';

// Values claimed by inputs of the same batch that are not committed yet.
export class Claims {
  constructor() {
    this.owners = new Map();
  }

  owner(property, value) {
    return this.owners.get(`${property}\n${value}`);
  }

  take(property, value, id) {
    this.owners.set(`${property}\n${value}`, id);
  }
}

// context: {portal, type, claims, version, admin}. record is undefined for a create.
export function planWrite(context, record, properties, key) {
  const { portal, type } = context;
  const given = key && record === undefined && !(key.property in properties)
    ? { ...properties, [key.property]: key.value } : properties;
  const changes = checkValues(portal, type, record, given);
  const plan = { record, id: record?.id ?? null, changes, links: [], echoed: Object.keys(properties) };
  settleLifecycle(type, record, changes);
  settlePipeline(portal, type, record, changes);
  if (type.plural === 'companies' && record === undefined && changes.domain && changes.website === undefined)
    changes.website = changes.domain; // section 8
  if (record === undefined) {
    checkRequired(context, changes);
    plan.id = type.nextId();
  }
  claimUniqueValues(context, plan);
  return plan;
}

function checkValues(portal, type, record, properties) {
  const changes = {};
  const problems = [];
  for (const [name, given] of Object.entries(properties)) {
    const def = type.properties.get(name);
    if (def === undefined) {
      problems.push({ name, message: `Property "${name}" does not exist`, code: 'PROPERTY_DOESNT_EXIST' });
      continue;
    }
    if (def.modificationMetadata.readOnlyValue || def.calculated) {
      problems.push({ name, message: `"${name}" is a read only property; its value cannot be set.`, code: 'READ_ONLY_VALUE' });
      continue;
    }
    let answer = normalise(portal, def, given, record?.props[name]);
    if (answer.value && type.plural === 'contacts') answer = contactEmails(name, answer);
    if (answer.code) problems.push({ name, ...answer });
    else changes[name] = answer.value;
  }
  if (problems.length > 0) throw invalidProperties(portal.id, problems);
  return changes;
}

function contactEmails(name, answer) {
  if (name === 'email') return checkEmail(answer.value);
  if (name !== 'hs_additional_emails') return answer;
  const list = [];
  for (const one of answer.value.split(';').filter((part) => part.trim() !== '')) {
    const checked = checkEmail(one);
    if (checked.code) return checked;
    list.push(checked.value);
  }
  return { value: list.join(';') };
}

// Section 8: forward only; a backward write is ignored without error; new records get "lead".
function settleLifecycle(type, record, changes) {
  if (type.plural !== 'contacts' && type.plural !== 'companies') return;
  if (record === undefined) {
    changes.lifecyclestage ??= 'lead';
    return;
  }
  const from = LIFECYCLE.indexOf(record.props.lifecyclestage);
  const to = LIFECYCLE.indexOf(changes.lifecyclestage);
  if (from >= 0 && to >= 0 && to < from) delete changes.lifecyclestage;
}

// Section 14: stage and pipeline must match; without a pipeline the only one there is.
function settlePipeline(portal, type, record, changes) {
  const names = { deals: ['pipeline', 'dealstage'], tickets: ['hs_pipeline', 'hs_pipeline_stage'] }[type.plural];
  if (names === undefined) return;
  const [pipelineName, stageName] = names;
  if (changes[pipelineName] === undefined && changes[stageName] === undefined) return;
  const live = portal.livePipelines(type);
  const pipelineId = changes[pipelineName] ?? record?.props[pipelineName] ?? (live.length === 1 ? live[0].id : undefined);
  if (pipelineId === undefined) return; // reported as missing by checkRequired
  const stage = changes[stageName] ?? record?.props[stageName];
  const pipeline = portal.pipelineOf(type, pipelineId);
  if (record === undefined) changes[pipelineName] = pipelineId;
  const stages = pipeline?.stages.filter((s) => !s.archived).map((s) => s.id) ?? [];
  if (stage !== undefined && stage !== null && !stages.includes(stage))
    throw invalidProperties(portal.id, [{
      name: stageName, code: 'INVALID_OPTION',
      message: `${stage} was not one of the allowed options: [${stages.join(', ')}]`,
    }]);
}

function checkRequired({ portal, type, version, admin }, changes) {
  const absent = (name) => changes[name] === undefined || changes[name] === null;
  const missing = (REQUIRED_ON_CREATE[type.plural] ?? []).filter((names) => names.every(absent)).flat();
  // Section 7: deal pipeline if several.
  if (type.plural === 'deals' && portal.livePipelines(type).length > 1 && absent('pipeline')) missing.push('pipeline');
  if (type.schema !== null) missing.push(...type.schema.requiredProperties.filter(absent));
  if (missing.length > 0) throw requiredMissing('creating', type, missing);
  if (admin || version !== '2026-09') return;
  // Section 7: properties made required by the portal's admin count from 2026-09 on.
  const byAdmin = (portal.settings.required_properties[type.plural] ?? []).filter(absent);
  if (byAdmin.length > 0)
    throw invalidProperties(portal.id, byAdmin.map((name) => ({
      name, message: `Property "${name}" is required`, code: 'MISSING_REQUIRED_PROPERTY',
    })));
}

function claimUniqueValues({ portal, type, claims }, plan) {
  const claimed = [];
  for (const [name, value] of Object.entries(plan.changes)) {
    if (value === null) continue;
    if (type.plural === 'contacts' && (name === 'email' || name === 'hs_additional_emails')) {
      for (const address of value.split(';')) {
        const owner = type.uniqueIndex('email').get(address) ?? claims.owner('email', address);
        if (owner !== undefined && owner !== plan.id)
          throw emailTaken(portal.settings.email_conflict, portal.id, type, address, plan.id, owner);
        claimed.push(['email', address]);
      }
    } else if (type.properties.get(name).hasUniqueValue) {
      const owner = type.uniqueIndex(name).get(value) ?? claims.owner(name, value);
      if (owner !== undefined && owner !== plan.id)
        throw valueTaken(portal.id, type, name, value, plan.id, owner);
      claimed.push([name, value]);
    }
  }
  for (const [name, value] of claimed) claims.take(name, value, plan.id);
}

// Inline associations of a create (section 5). The object type on the other
// side follows from the type id; its direction must start at this type.
export function planLinks({ portal, type }, plan, associations = []) {
  for (const { to, types } of associations) {
    if (types.length === 0) throw validation('At least one association type is required.');
    for (const spec of types) {
      const def = portal.associationTypes.find(spec.associationCategory, spec.associationTypeId);
      if (def === undefined || def.from !== type.id)
        throw wrongAssociationType(type, null, spec);
      const toType = portal.types.byId.get(def.to);
      const toRecord = toType.live(to.id);
      if (toRecord === undefined) throw unknownIdentifier(toType, to.id);
      plan.links.push({ def, toType, toRecord });
    }
  }
}

export function wrongAssociationType(from, to, spec) {
  const pair = to === null ? `starting at object type ${from.id}` : `from object type ${from.id} to ${to.id}`;
  return validation(`Association type ${spec.associationTypeId} of category ${spec.associationCategory} ` +
    `is not valid for an association ${pair}`, { subCategory: 'crm.associations.INVALID_ASSOCIATION_TYPE' });
}

// Correction 2: INVALID_IDENTIFIER is a subCategory of VALIDATION_ERROR.
export function unknownIdentifier(type, id) {
  return validation(`Object of type ${type.id} with id ${id} does not exist`, {
    subCategory: 'crm.associations.INVALID_IDENTIFIER', context: { id: [id], objectType: [type.id] },
  });
}

// Returns the record. now: epoch ms.
export function commit(portal, type, plan, now, settled = false) {
  const created = plan.record === undefined;
  const record = created
    ? { id: plan.id, props: {}, createdAt: now, updatedAt: now, archivedAt: 0, links: null, past: null, indexed: null, writtenAt: 0 }
    : plan.record;
  keepIndexed(portal, record, created, now, settled);
  for (const [name, value] of Object.entries(plan.changes)) {
    const before = record.props[name];
    if (value === (before ?? null)) continue;
    reindex(type, record, name, before, value);
    if (!created) remember(record, name, before, value, now);
    if (value === null) delete record.props[name];
    else record.props[name] = value;
  }
  record.updatedAt = Math.max(now, record.updatedAt);
  if (created) type.records.set(record.id, record);
  for (const { def, toType, toRecord } of plan.links) link(portal, type, record, def, toType, toRecord);
  return record;
}

// Search sees a record as it was before the lag (section 13).
function keepIndexed(portal, record, created, now, settled) {
  const lag = portal.settings.search_lag_ms;
  if (settled || lag === 0) return;
  if (!created && now - record.writtenAt >= lag) record.indexed = { ...record.props };
  record.writtenAt = now;
}

function reindex(type, record, name, before, value) {
  if (type.plural === 'contacts' && (name === 'email' || name === 'hs_additional_emails')) {
    const index = type.uniqueIndex('email');
    for (const address of before?.split(';') ?? []) index.delete(address);
    for (const address of value?.split(';') ?? []) index.set(address, record.id);
  } else if (type.properties.get(name).hasUniqueValue) {
    const index = type.uniqueIndex(name);
    if (before !== undefined) index.delete(before);
    if (value !== null) index.set(value, record.id);
  }
}

function remember(record, name, before, value, now) {
  record.past ??= new Map();
  let list = record.past.get(name);
  if (list === undefined)
    record.past.set(name, list = before === undefined ? [] : [{ value: before, at: record.createdAt }]);
  list.push({ value: value ?? '', at: now });
}

// Archived records give their unique values free: an upsert of the value
// makes a new record (end of section 24: assumed).
export function archive(portal, type, record, now) {
  record.archivedAt = now;
  record.updatedAt = now;
  for (const [name, value] of Object.entries(record.props)) {
    const emails = type.plural === 'contacts' && (name === 'email' || name === 'hs_additional_emails');
    const index = type.uniqueIndex(emails ? 'email' : name);
    for (const one of emails ? value.split(';') : [value])
      if (index.get(one) === record.id) index.delete(one);
  }
  unlinkAll(portal, type, record);
}

// The live record that a unique property names, or undefined. Throws when the
// property does not exist or is not unique (section 6 rule 7).
export function findByProperty(portal, type, property, value) {
  const def = type.properties.get(property);
  if (def === undefined)
    throw invalidProperties(portal.id, [{
      name: property, message: `Property "${property}" does not exist`, code: 'PROPERTY_DOESNT_EXIST',
    }]);
  if (!def.hasUniqueValue) throw notByUniqueProperty(portal.id, type, property);
  const wanted = property === 'email' ? value.trim().toLowerCase() : value;
  const id = type.uniqueIndex(property).get(wanted);
  return id === undefined ? undefined : type.live(id);
}

// The uniqueness of a property that is revived: its old values count again.
export function rebuildIndex(type, property) {
  const index = type.uniqueIndex(property);
  index.clear();
  for (const record of type.records.values())
    if (record.archivedAt === 0 && record.props[property] !== undefined) index.set(record.props[property], record.id);
}
