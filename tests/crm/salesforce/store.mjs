// Records in memory: one table per object with hash indexes, a recycle bin, and
// an undo journal for calls that are all or none.

import { IdFactory } from './ids.mjs';
import { indexKey } from './values.mjs';

class Table {
  constructor(type) {
    this.type = type;
    this.rows = new Map();
    this.bin = new Map();
    this.indexes = new Map();
    this.autoNumbers = new Map();
  }

  // Built at first use, so that a field that becomes an external id later is
  // indexed over the rows that are already there.
  index(field) {
    const name = `${field.name}|${field.caseSensitive}`;
    let index = this.indexes.get(name);
    if (!index) {
      index = { field, map: new Map() };
      this.indexes.set(name, index);
      for (const row of this.rows.values()) addTo(index, row);
    }
    return index.map;
  }

  find(field, value) {
    if (value === null || value === undefined || value === '') return [];
    if (field.type === 'id') return this.rows.has(value) ? [value] : [];
    const hit = this.index(field).get(indexKey(field, value));
    if (hit === undefined) return [];
    return typeof hit === 'string' ? [hit] : [...hit];
  }

  link(row) {
    for (const index of this.indexes.values()) addTo(index, row);
  }

  unlink(row) {
    for (const index of this.indexes.values()) removeFrom(index, row);
  }
}

function addTo({ field, map }, row) {
  const value = row[field.name];
  if (value === null || value === undefined) return;
  const key = indexKey(field, value);
  const hit = map.get(key);
  if (hit === undefined) map.set(key, row.Id);
  else if (typeof hit === 'string') map.set(key, new Set([hit, row.Id]));
  else hit.add(row.Id);
}

function removeFrom({ field, map }, row) {
  const value = row[field.name];
  if (value === null || value === undefined) return;
  const key = indexKey(field, value);
  const hit = map.get(key);
  if (typeof hit === 'string') map.delete(key);
  else if (hit) {
    hit.delete(row.Id);
    if (hit.size === 0) map.delete(key);
  }
}

export class Store {
  constructor() {
    this.reset();
  }

  reset() {
    this.tables = new Map();
    this.ids = this.ids ?? new IdFactory();
    this.journal = null;
    this.size = 0;
    // Deleted row -> id of the parent it went with.
    this.removedWith = new WeakMap();
  }

  table(type) {
    let table = this.tables.get(type.name);
    if (!table) {
      table = new Table(type);
      this.tables.set(type.name, table);
    }
    return table;
  }

  insert(type, row) {
    const table = this.table(type);
    table.rows.set(row.Id, row);
    table.link(row);
    this.size++;
    this.journal?.push(() => {
      table.unlink(row);
      table.rows.delete(row.Id);
      this.size--;
    });
  }

  update(type, row, changes) {
    const table = this.table(type);
    const before = {};
    table.unlink(row);
    for (const name of Object.keys(changes)) {
      before[name] = row[name];
      row[name] = changes[name];
    }
    table.link(row);
    this.journal?.push(() => {
      table.unlink(row);
      Object.assign(row, before);
      table.link(row);
    });
  }

  // A deleted row leaves the indexes: its key is free again.
  remove(type, row, changes) {
    const table = this.table(type);
    const before = {};
    for (const name of Object.keys(changes)) before[name] = row[name];
    table.unlink(row);
    this.removedWith.delete(row);
    Object.assign(row, changes);
    table.rows.delete(row.Id);
    table.bin.set(row.Id, row);
    this.size--;
    this.journal?.push(() => {
      Object.assign(row, before);
      table.bin.delete(row.Id);
      table.rows.set(row.Id, row);
      table.link(row);
      this.size++;
    });
  }

  restore(type, row, changes) {
    const table = this.table(type);
    const before = {};
    for (const name of Object.keys(changes)) before[name] = row[name];
    Object.assign(row, changes);
    table.bin.delete(row.Id);
    table.rows.set(row.Id, row);
    table.link(row);
    this.size++;
    this.journal?.push(() => {
      table.unlink(row);
      Object.assign(row, before);
      table.rows.delete(row.Id);
      table.bin.set(row.Id, row);
      this.size--;
    });
  }

  // As remove(), but nothing is left to find: set-up has no recycle bin.
  erase(type, id) {
    const table = this.table(type);
    const row = table.rows.get(id);
    table.unlink(row);
    table.rows.delete(id);
    this.size--;
    this.journal?.push(() => {
      table.rows.set(id, row);
      table.link(row);
      this.size++;
    });
  }

  // The values of a field that is gone, in live and in deleted rows.
  forget(type, field) {
    const table = this.table(type);
    const rows = [...table.rows.values(), ...table.bin.values()].filter((row) => field.name in row);
    const before = rows.map((row) => [row, row[field.name]]);
    const indexes = table.indexes;
    table.indexes = new Map([...indexes].filter(([, index]) => index.field !== field));
    for (const row of rows) delete row[field.name];
    this.journal?.push(() => {
      table.indexes = indexes;
      for (const [row, value] of before) row[field.name] = value;
    });
  }

  // The records of an object that is gone.
  drop(type) {
    const table = this.table(type);
    this.tables.delete(type.name);
    this.size -= table.rows.size;
    this.journal?.push(() => {
      this.tables.set(type.name, table);
      this.size += table.rows.size;
    });
  }

  // Runs `work`; when it answers false, or throws, everything it wrote is taken
  // back. Nests: an inner success can still be undone by the outer run.
  transaction(work) {
    const outer = this.journal;
    this.journal = [];
    let keep = false;
    try {
      keep = work() !== false;
    } finally {
      const own = this.journal;
      this.journal = outer;
      if (!keep) for (let i = own.length - 1; i >= 0; i--) own[i]();
      else if (outer) for (const step of own) outer.push(step);
    }
    return keep;
  }
}
