// The rows of one kind, newest first.
//
// Rows are either given (loaded, added, changed) or made: made rows exist as
// a number only, and are built whenever somebody looks.  A made row that is
// changed becomes a given one.
//
//   id(row)   the name of a row
//   key(row)  a string; the greatest is the newest
//   made      { count, id(j), index(id), key(j), row(j) }, key(j) not falling with j

const NONE = { count: 0, index: () => -1 };
const CACHED = 8;

export class Table {
  constructor({ id, key }) {
    this.idOf = id;
    this.keyOf = key;
    this.version = 0;
    this.clear();
  }

  clear() {
    this.given = new Map();
    this.made = NONE;
    this.gone = new Set(); // made rows that were changed or removed
    this.#changed();
  }

  #changed() {
    this.version++;
    this.parts = null;
    this.selections = new Map();
  }

  get count() {
    return this.given.size + this.made.count - this.gone.size;
  }

  make(made) {
    this.made = made;
    this.gone.clear();
    this.#changed();
  }

  get(id) {
    const row = this.given.get(id);
    if (row !== undefined) return row;
    const j = this.made.index(id);
    return j < 0 || this.gone.has(j) ? undefined : this.made.row(j);
  }

  has(id) {
    return this.get(id) !== undefined;
  }

  // Adds or replaces.
  put(row) {
    const id = this.idOf(row);
    const j = this.given.has(id) ? -1 : this.made.index(id);
    if (j >= 0) this.gone.add(j);
    this.given.set(id, row);
    this.#changed();
    return row;
  }

  remove(id) {
    const j = this.made.index(id);
    if (!this.given.delete(id) && j >= 0) this.gone.add(j);
    this.#changed();
  }

  // Runs of made rows and single given ones, newest first.
  #lay() {
    const parts = [];
    let start = 0;
    let top = this.made.count; // made rows from here up are laid
    const run = (from) => {
      if (from < top) {
        parts.push({ start, from, to: top });
        start += top - from;
      }
      top = Math.min(top, from);
    };
    const gone = [...this.gone].sort((a, b) => b - a);
    let g = 0;
    const down = (to) => {
      for (; g < gone.length && gone[g] >= to; g++) {
        run(gone[g] + 1);
        top = Math.min(top, gone[g]);
      }
      run(to);
    };
    for (const { row, key } of this.#sortedGiven()) {
      down(this.#firstAbove(key));
      parts.push({ start: start++, row });
    }
    down(0);
    return parts;
  }

  #sortedGiven() {
    const rows = [...this.given.values()].map((row) => ({ row, key: this.keyOf(row), id: this.idOf(row) }));
    return rows.sort((a, b) => (a.key === b.key ? (a.id < b.id ? -1 : 1) : a.key > b.key ? -1 : 1));
  }

  // The first made row that is newer than the key.
  #firstAbove(key) {
    let low = 0;
    let high = this.made.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.made.key(middle) > key) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  // The rows from position on, n of them.
  slice(position, n) {
    this.parts ??= this.#lay();
    const rows = [];
    for (let p = this.#partAt(position); p < this.parts.length && rows.length < n; p++) {
      const part = this.parts[p];
      if (part.row !== undefined) rows.push(part.row);
      else
        for (let j = part.to - 1 - Math.max(0, position - part.start); j >= part.from && rows.length < n; j--)
          rows.push(this.made.row(j));
    }
    return rows;
  }

  #partAt(position) {
    if (position >= this.count) return this.parts.length;
    let low = 0;
    let high = this.parts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.parts[middle].start <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  *#references(candidates) {
    this.parts ??= this.#lay();
    const wanted = candidates === undefined ? null : new Set(candidates);
    if (wanted !== null && this.given.size === 0) {
      yield* [...wanted].sort((a, b) => b - a).filter((j) => !this.gone.has(j));
      return;
    }
    for (const part of this.parts)
      if (part.row !== undefined) yield part.row;
      else if (wanted === null) for (let j = part.to - 1; j >= part.from; j--) yield j;
      else yield* [...wanted].filter((j) => j >= part.from && j < part.to).sort((a, b) => b - a);
  }

  // The rows that pass a filter, as { count, slice(position, n) }.  name tells
  // filters apart: the same name means the same filter and order.  candidates:
  // the only made rows that can pass.
  select(name, keep, { candidates, compare } = {}) {
    let found = this.selections.get(name);
    if (found === undefined) {
      found = [];
      for (const reference of this.#references(candidates))
        if (keep(this.#rowOf(reference))) found.push(reference);
      if (compare !== undefined) found = this.#ordered(found, compare);
      this.selections.set(name, found);
      if (this.selections.size > CACHED) this.selections.delete(this.selections.keys().next().value);
    }
    return {
      count: found.length,
      slice: (position, n) => found.slice(position, position + n).map((reference) => this.#rowOf(reference)),
    };
  }

  #rowOf(reference) {
    return typeof reference === 'number' ? this.made.row(reference) : reference;
  }

  #ordered(references, compare) {
    const rows = references.map((reference) => ({ reference, row: this.#rowOf(reference) }));
    rows.sort((a, b) => compare(a.row, b.row));
    return rows.map(({ reference }) => reference);
  }

  // Every row that passes, newest first.
  all(keep = () => true, candidates = undefined) {
    const rows = [];
    for (const reference of this.#references(candidates)) {
      const row = this.#rowOf(reference);
      if (keep(row)) rows.push(row);
    }
    return rows;
  }
}
