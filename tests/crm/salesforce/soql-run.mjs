// Runs a parsed query: binds its paths to the schema, picks candidate rows by an
// index where one fits, filters, sorts, and renders records.

import { badRequest } from './errors.mjs';
import { indexableTerms, makeFilter } from './soql-filter.mjs';
import { framed, parseSoql } from './soql-parse.mjs';
import { parseId, prefixOf } from './ids.mjs';
import { rowOut } from './render.mjs';

// What can be read through a relationship that may lead to several objects.
const NAME_FIELDS = { id: 'Id', name: 'Name', type: 'Type' };

const noColumn = (context, at, name, entity) => framed('INVALID_FIELD', context.soql, at,
  `No such column '${name}' on entity '${entity}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.`);

const noRelationship = (context, at, name) => framed('INVALID_FIELD', context.soql, at,
  `Didn't understand relationship '${name}' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names.`);

function lookUp(context, id) {
  const type = id && context.org.schema.byPrefix.get(prefixOf(id));
  const row = type && context.org.store.table(type).rows.get(id);
  return row ? { type, row } : null;
}

// A path such as Account.Owner.Name bound to a start object: the links to
// follow, the field at its end and how to read it from a row.
function bindPath(context, type, { path, at }) {
  const names = path[0].toLowerCase() === type.name.toLowerCase() && path.length > 1 ? path.slice(1) : path;
  const links = [];
  let current = type;
  for (let i = 0; i < names.length - 1; i++) {
    const link = current.relationship(names[i]);
    const name = link?.referenceTo.find((target) => context.org.schema.object(target));
    if (!name) throw noRelationship(context, at, names[i]);
    links.push(link);
    if (link.polymorphic && link.name !== 'OwnerId') return namePath(context, links, names, at);
    current = context.org.schema.object(name);
  }
  const last = names[names.length - 1];
  const field = current.field(last);
  if (!field) throw noColumn(context, at, last, current.name);
  return { links, field, read: (row) => follow(context, row, links)?.row[field.name] ?? null };
}

function namePath(context, links, names, at) {
  const last = names[names.length - 1];
  const known = NAME_FIELDS[last.toLowerCase()];
  if (!known || names.length !== links.length + 1) throw noColumn(context, at, last, 'Name');
  const field = { name: known, type: known === 'Id' ? 'id' : 'string', length: 255 };
  const read = (row) => {
    const target = follow(context, row, links);
    if (!target) return null;
    if (known === 'Type') return target.type.name;
    return target.row[known === 'Name' ? target.type.nameField.name : known] ?? null;
  };
  return { links, field, read };
}

function follow(context, row, links) {
  let target = { row };
  for (const link of links) {
    target = lookUp(context, target.row[link.name]);
    if (!target) return null;
  }
  return target;
}

function bindFrom(context, { path, at }) {
  const type = path.length === 1 ? context.org.schema.object(path[0]) : undefined;
  if (type?.event) throw framed('INVALID_TYPE_FOR_OPERATION', context.soql, at, `entity type ${type.name} does not support query`);
  if (type) return type;
  throw framed('INVALID_TYPE', context.soql, at,
    `sObject type '${path.join('.')}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.`);
}

// Rows worth testing, by an index where a top-level condition names one. Deleted
// rows are in no index; they are found by their id or by looking at all.
function candidates(context, type, where) {
  const table = context.org.store.table(type);
  const indexed = indexableTerms(where).find(({ path }) => isIndexed(type.field(path.path[0]), context.all));
  if (indexed) return indexedRows(context, table, type.field(indexed.path.path[0]), indexed.literals);
  return context.all ? [...table.rows.values(), ...table.bin.values()] : [...table.rows.values()];
}

function isIndexed(field, all) {
  if (!field || field.type === 'id' || all) return field?.type === 'id';
  return field.type === 'reference' || field.externalId || field.unique || field.idLookup;
}

function indexedRows(context, table, field, literals) {
  const isId = field.type === 'id' || field.type === 'reference';
  const ids = new Set();
  for (const { value } of literals) {
    const key = isId ? parseId(value) : value;
    if (context.all) ids.add(key);
    else for (const id of table.find(field, key)) ids.add(id);
  }
  return [...ids].map((id) => table.rows.get(id) ?? table.bin.get(id)).filter(Boolean);
}

function sorter(context, type, keys) {
  const bound = keys.map((key) => {
    const path = bindPath(context, type, key);
    if (path.field.type === 'textarea' && path.field.length > 255) {
      throw framed('MALFORMED_QUERY', context.soql, key.at, `field '${path.field.name}' can not be sorted in a query call`);
    }
    return { ...key, read: path.read };
  });
  const plain = (value) => (typeof value === 'string' ? value.toLowerCase() : value);
  return (a, b) => {
    for (const key of bound) {
      const x = plain(key.read(a));
      const y = plain(key.read(b));
      if (x === y) continue;
      if (x === null || y === null) return (x === null) === key.nullsFirst ? -1 : 1;
      return (x < y ? -1 : 1) * (key.descending ? -1 : 1);
    }
    return 0;
  };
}

function select(context, type, query) {
  const subquery = (inner) => {
    const innerType = bindFrom(context, inner.from);
    if (inner.select.length !== 1 || !inner.select[0].path) throw badRequest('MALFORMED_QUERY', 'a semi-join sub-query must select one field');
    const { read } = bindPath(context, innerType, inner.select[0]);
    return new Set(select(context, innerType, inner).map(read));
  };
  const test = makeFilter(context, query.where, (path) => bindPath(context, type, path), subquery);
  let rows = candidates(context, type, query.where).filter(test);
  if (query.orderBy.length) rows.sort(sorter(context, type, query.orderBy));
  if (query.offset || query.limit !== null) {
    rows = rows.slice(query.offset, query.limit === null ? undefined : query.offset + query.limit);
  }
  return rows;
}

// A render function per query: the columns in the order they were asked for,
// parents nested, child sub-queries as query answers of their own.
function renderer(context, type, columns) {
  const tree = [];
  const seen = new Set();
  for (const column of columns) {
    if (column.count) throw badRequest('MALFORMED_QUERY', 'unexpected token: COUNT');
    if (column.query) {
      tree.push(childColumn(context, type, column.query));
      continue;
    }
    const name = column.path.join('.').toLowerCase();
    if (seen.has(name)) throw framed('INVALID_FIELD', context.soql, column.at, `duplicate field selected: ${column.path.join('.')}`);
    seen.add(name);
    const { links, field, read } = bindPath(context, type, column);
    tree.push((row, out) => {
      let at = out;
      let target = { row };
      for (const link of links) {
        target = lookUp(context, target.row[link.name]);
        if (!target) {
          at[link.relationshipName] = at[link.relationshipName] ?? null;
          return;
        }
        at[link.relationshipName] = at[link.relationshipName] ?? rowOut(context.base, target.type, target.row, []);
        at = at[link.relationshipName];
      }
      at[field.name] = read(row);
    });
  }
  return (row) => {
    const out = rowOut(context.base, type, row, []);
    for (const column of tree) column(row, out);
    return out;
  };
}

function childColumn(context, type, query) {
  const name = query.from.path.join('.').toLowerCase();
  const child = context.org.schema.children.get(type.name).find((entry) => entry.relationshipName.toLowerCase() === name);
  const childType = child && context.org.schema.object(child.child);
  if (!childType) throw noRelationship(context, query.from.at, query.from.path.join('.'));
  const link = childType.field(child.field);
  if (!link) throw noRelationship(context, query.from.at, query.from.path.join('.'));
  const render = renderer(context, childType, query.select);
  const table = context.org.store.table(childType);
  const test = makeFilter(context, query.where, (path) => bindPath(context, childType, path), () => new Set());
  const compare = query.orderBy.length ? sorter(context, childType, query.orderBy) : null;
  return (row, out) => {
    let rows = table.find(link, row.Id).map((id) => table.rows.get(id)).filter(test);
    if (compare) rows.sort(compare);
    if (query.limit !== null) rows = rows.slice(0, query.limit);
    out[child.relationshipName] = rows.length ? { totalSize: rows.length, done: true, records: rows.map(render) } : null;
  };
}

// {count} for COUNT(), otherwise {rows, render}.
export function runSoql(context) {
  const query = parseSoql(context.soql);
  const type = bindFrom(context, query.from);
  if (query.select[0].count) {
    if (query.select.length > 1) throw badRequest('MALFORMED_QUERY', 'unexpected token: ,');
    return { count: select(context, type, query).length };
  }
  const render = renderer(context, type, query.select);
  return { rows: select(context, type, query), render };
}
