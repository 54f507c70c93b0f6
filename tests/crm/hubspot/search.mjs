// Search (section 13): narrow limits and an index that lags behind writes.
// The five calls a second are counted in limits.mjs.

import { validation } from './errors.mjs';
import { linksOf } from './links.mjs';
import { array, integer, object, oneOf, string } from './shape.mjs';
import { readProperties, recordAnswer, valueOf } from './view.mjs';

const OPERATORS = ['EQ', 'NEQ', 'LT', 'LTE', 'GT', 'GTE', 'BETWEEN', 'IN', 'NOT_IN', 'HAS_PROPERTY',
  'NOT_HAS_PROPERTY', 'CONTAINS_TOKEN', 'NOT_CONTAINS_TOKEN'];

const FILTER = object({
  propertyName: string, operator: oneOf(...OPERATORS), value: string, highValue: string, values: array(string),
}, ['propertyName', 'operator']);

function sortShape(value, name, doc) {
  if (typeof value === 'string') return;
  object({ propertyName: string, direction: oneOf('ASCENDING', 'DESCENDING') }, ['propertyName'])(value, name, doc);
}

// "after" is a string in the documents; numbers are common and taken too.
function cursor(value, name, doc) {
  if (typeof value !== 'number') string(value, name, doc);
}

// Section 15: only what you use is demanded.
const REQUEST = object({
  filterGroups: array(object({ filters: array(FILTER) }, ['filters'])), properties: array(string),
  sorts: array(sortShape), limit: integer, after: cursor, query: string,
});

export function search(call) {
  const { portal, type } = call;
  if (call.raw.length > 3000) throw validation('The request body is too long: at most 3000 characters.');
  const body = call.json(REQUEST);
  const groups = body.filterGroups ?? [];
  const filters = groups.flatMap((group) => group.filters);
  if (groups.length > 5) throw validation(`There are too many filter groups: ${groups.length}. The maximum is 5.`);
  if (groups.some((group) => group.filters.length > 6)) throw validation('There are too many filters in a group. The maximum is 6.');
  if (filters.length > 18) throw validation(`There are too many filters: ${filters.length}. The maximum is 18.`);
  const limit = body.limit ?? 10;
  if (limit < 0 || limit > 200) throw validation('limit must be between 0 and 200');
  const after = Number(body.after ?? 0);
  if (!Number.isInteger(after) || after < 0) throw validation(`Invalid value for after: ${body.after}`);
  if (after + limit > 10000) throw validation('Searching beyond 10000 results is not supported.');
  for (const filter of filters) checkFilter(portal, type, filter);

  const found = [];
  const now = Date.now();
  for (const record of type.records.values()) {
    if (record.archivedAt !== 0) continue;
    const seen = indexed(portal, record, now);
    if (seen === undefined) continue;
    const match = groups.length === 0 || groups.some((group) => group.filters.every((f) => holds(portal, type, seen, f)));
    if (match && mentions(seen, body.query)) found.push(seen);
  }
  sort(type, found, body.sorts ?? []);
  const page = found.slice(after, after + limit);
  const answer = {
    total: found.length,
    results: page.map((seen) => recordAnswer(portal, type, seen, readProperties(type, seen, body.properties ?? []))),
  };
  if (after + page.length < found.length && after + page.length < 10000 && page.length > 0)
    answer.paging = { next: { after: String(after + page.length) } };
  return { status: 200, body: answer };
}

// The record as the index knows it: itself, its former values, or not at all.
function indexed(portal, record, now) {
  if (now - record.writtenAt >= portal.settings.search_lag_ms) return record;
  return record.indexed === null ? undefined : { ...record, props: record.indexed };
}

function checkFilter(portal, type, filter) {
  const association = /^associations\.(.+)$/.exec(filter.propertyName);
  if (association !== null) {
    const other = portal.types.resolve(association[1]);
    if (type.schema !== null || other.schema !== null)
      throw validation('Filtering by associations of custom objects is not supported.');
    return;
  }
  if (!type.properties.has(filter.propertyName))
    throw validation(`There was a problem with the request. Property "${filter.propertyName}" does not exist`);
  const needs = { BETWEEN: ['value', 'highValue'], IN: ['values'], NOT_IN: ['values'], HAS_PROPERTY: [], NOT_HAS_PROPERTY: [] }[filter.operator] ?? ['value'];
  const absent = needs.filter((name) => filter[name] === undefined);
  if (absent.length > 0)
    throw validation(`operator ${filter.operator} requires ${absent.join(' and ')} for property ${filter.propertyName}`);
}

function holds(portal, type, record, filter) {
  const association = /^associations\.(.+)$/.exec(filter.propertyName);
  if (association !== null) {
    const ids = linksOf(record, portal.types.resolve(association[1])).map(([id]) => id);
    const among = filter.values ?? [filter.value];
    return filter.operator === 'EQ' || filter.operator === 'IN' ? ids.some((id) => among.includes(id)) : ids.length === 0;
  }
  const kind = type.properties.get(filter.propertyName).type;
  const value = valueOf(type, record, filter.propertyName);
  if (filter.operator === 'HAS_PROPERTY') return value !== null;
  if (filter.operator === 'NOT_HAS_PROPERTY') return value === null;
  if (value === null) return filter.operator === 'NEQ' || filter.operator === 'NOT_IN' || filter.operator === 'NOT_CONTAINS_TOKEN';
  const here = comparable(kind, value);
  const to = (text) => comparable(kind, text);
  switch (filter.operator) {
  case 'EQ': return here === to(filter.value);
  case 'NEQ': return here !== to(filter.value);
  case 'LT': return here < to(filter.value);
  case 'LTE': return here <= to(filter.value);
  case 'GT': return here > to(filter.value);
  case 'GTE': return here >= to(filter.value);
  case 'BETWEEN': return here >= to(filter.value) && here <= to(filter.highValue);
  case 'IN': return filter.values.some((v) => here === to(v));
  case 'NOT_IN': return !filter.values.some((v) => here === to(v));
  case 'CONTAINS_TOKEN': return hasToken(value, filter.value);
  default: return !hasToken(value, filter.value);
  }
}

function comparable(kind, text) {
  if (kind === 'number') return Number(text);
  if (kind === 'date' || kind === 'datetime') return /^-?\d+$/.test(text) ? Number(text) : Date.parse(text);
  return text.toLowerCase();
}

function hasToken(value, wanted) {
  const pattern = wanted.toLowerCase().split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*');
  return new RegExp(`(^|[^a-z0-9])${pattern}($|[^a-z0-9])`).test(value.toLowerCase());
}

function mentions(record, query) {
  if (query === undefined || query === '') return true;
  const words = query.toLowerCase();
  return Object.values(record.props).some((value) => value.toLowerCase().includes(words));
}

function sort(type, found, sorts) {
  const by = sorts[0];
  if (by === undefined) return;
  const name = typeof by === 'string' ? by.replace(/^-/, '') : by.propertyName;
  const sign = (typeof by === 'string' ? by.startsWith('-') : by.direction === 'DESCENDING') ? -1 : 1;
  const def = type.properties.get(name);
  if (def === undefined) throw validation(`Property "${name}" does not exist`);
  const key = (record) => comparable(def.type, valueOf(type, record, name) ?? '');
  found.sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    return x < y ? -sign : x > y ? sign : 0;
  });
}
