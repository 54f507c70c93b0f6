// Looking into the store from tests and benches: whole objects, counts, and rows
// by a value, which stay cheap with a hundred thousand rows.

import { SetupError } from './errors.mjs';
import { parseId } from './ids.mjs';

export function typeOf(org, name) {
  const type = org.schema.object(name, true);
  if (!type) throw new SetupError('NOT_FOUND', `no object ${name}`);
  return type;
}

function projection(type, names) {
  if (!names) return (row) => row;
  const fields = names.map((name) => {
    const field = type.field(name, true);
    if (!field) throw new SetupError('INVALID_FIELD', `no field ${type.name}.${name}`);
    return field.name;
  });
  return (row) => Object.fromEntries(fields.map((name) => [name, row[name] ?? null]));
}

const list = (text) => (text ? text.split(',') : null);

function recordsOf(org, type, query) {
  const { rows, bin } = org.store.table(type);
  const deleted = query.get('deleted') === '1';
  if (query.get('count') === '1') return rows.size + (deleted ? bin.size : 0);
  const all = deleted ? [...rows.values(), ...bin.values()] : [...rows.values()];
  return all.map(projection(type, list(query.get('fields'))));
}

// GET state[/OBJECT]?deleted=1&count=1&fields=A,B
export function readState(org, name, query) {
  if (name) return recordsOf(org, typeOf(org, name), query);
  const objects = {};
  for (const type of org.schema.objects.values()) objects[type.name] = recordsOf(org, type, query);
  return { objects };
}

// GET count: rows of every object, deleted ones apart.
export function countAll(org) {
  const counts = {};
  for (const type of org.schema.objects.values()) {
    const { rows, bin } = org.store.table(type);
    counts[type.name] = { live: rows.size, deleted: bin.size };
  }
  return counts;
}

// POST find {object, by, values, fields}: for each value the rows that hold it.
export function findRows(org, { object, by = 'Id', values = [], fields }) {
  const type = typeOf(org, object);
  const field = type.field(by, true);
  if (!field) throw new SetupError('INVALID_FIELD', `no field ${type.name}.${by}`);
  const show = projection(type, fields);
  const table = org.store.table(type);
  const keyOf = (value) => (['id', 'reference'].includes(field.type) ? parseId(value) : value);
  return { found: values.map((value) => table.find(field, keyOf(value)).map((id) => show(table.rows.get(id)))) };
}

// GET find/OBJECT?by=F&value=V&value=W&fields=A,B
export const findByQuery = (org, object, query) =>
  findRows(org, { object, by: query.get('by') ?? 'Id', values: query.getAll('value'), fields: list(query.get('fields')) ?? undefined });
