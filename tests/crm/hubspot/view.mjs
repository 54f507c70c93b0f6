// A record as an answer shows it (section 3).

import { linksOf } from './links.mjs';

export function valueOf(type, record, name) {
  switch (name) {
  case 'hs_object_id': return record.id;
  case type.createdName: return new Date(record.createdAt).toISOString();
  case type.modifiedName: return new Date(record.updatedAt).toISOString();
  case 'hs_object_source': return 'INTEGRATION';
  default: return type.properties.has(name) ? record.props[name] ?? null : undefined;
  }
}

// After a read: the defaults and those named; unset ones are null, unknown names left out.
export function readProperties(type, record, names) {
  const shown = {};
  for (const name of [...type.readDefaults, ...names]) {
    const value = valueOf(type, record, name);
    if (value !== undefined) shown[name] = value;
  }
  return shown;
}

// After a write: what was sent, what followed from it, and the system ones.
export function writtenProperties(type, record, plan) {
  const shown = {};
  for (const name of plan.echoed) shown[name] = record.props[name] ?? '';
  for (const name of Object.keys(plan.changes)) shown[name] = record.props[name] ?? '';
  for (const name of [type.createdName, type.modifiedName, 'hs_object_id', 'hs_object_source'])
    shown[name] = valueOf(type, record, name);
  return shown;
}

export function recordAnswer(portal, type, record, properties) {
  const answer = {
    id: record.id,
    properties,
    createdAt: new Date(record.createdAt).toISOString(),
    updatedAt: new Date(record.updatedAt).toISOString(),
    archived: record.archivedAt !== 0,
    url: portal.recordUrl(type, record.id),
  };
  if (record.archivedAt !== 0) answer.archivedAt = new Date(record.archivedAt).toISOString();
  return answer;
}

export function historyOf(type, record, names) {
  const shown = {};
  for (const name of names) {
    const value = valueOf(type, record, name);
    if (value === undefined) continue;
    const past = record.past?.get(name) ?? (value === null ? [] : [{ value, at: record.createdAt }]);
    shown[name] = past.map((p) => ({
      value: p.value, timestamp: new Date(p.at).toISOString(), sourceType: 'INTEGRATION',
    })).reverse();
  }
  return shown;
}

// ?associations=companies: {"companies":{"results":[{"id","type"}]}}
export function associationsOf(portal, type, record, names) {
  const shown = {};
  for (const name of names) {
    const other = portal.types.resolve(name);
    const results = linksOf(record, other).flatMap(([id, defs]) =>
      [...defs].map((def) => ({ id, type: linkName(type, other, def) })));
    if (results.length > 0) shown[pathName(portal, other)] = { results };
  }
  return shown;
}

function linkName(from, to, def) {
  if (def.name !== null) return def.name;
  const base = `${from.singular}_to_${to.singular}`;
  return def.label === null ? base : `${base}_${def.label.toLowerCase().replace(/ /g, '_')}`;
}

function pathName(portal, type) {
  return type.schema === null ? type.plural : type.schema.fullyQualifiedName.toLowerCase();
}

// ?properties=a,b&properties=c: repeated or comma-separated (correction 6).
export function listParameter(query, name) {
  return query.getAll(name).flatMap((v) => v.split(',')).map((v) => v.trim()).filter((v) => v !== '');
}
