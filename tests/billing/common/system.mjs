// What a simulated billing system is made of.  A subclass gives: name,
// tables {kind: Table}, handle(call), refusal(status), show(kind, row),
// generate(customers, seed), loaders, verbs, service() for its webhooks.

import { applySettings, COMMON_CHOICES } from './settings.mjs';
import { Outbox } from './outbox.mjs';
import { closeSenders } from './sender.mjs';

export class System {
  constructor(settings = {}) {
    this.settings = this.constructor.defaults();
    this.set(settings);
    this.outbox = new Outbox(this.service());
  }

  set(changes) {
    applySettings(this.settings, changes, { ...COMMON_CHOICES, ...this.constructor.choices });
  }

  close() {
    closeSenders();
  }

  encode(body) {
    return JSON.stringify(body);
  }

  now() {
    return this.settings.now === '' ? Date.now() : Date.parse(this.settings.now);
  }

  deliver(options) {
    return this.outbox.deliver(options);
  }

  // What GET /_sim/state tells besides counts.
  more() {
    return {};
  }

  clearTables() {
    for (const table of Object.values(this.tables)) table.clear();
  }

  reset() {
    this.clearTables();
  }

  // {kind: [rows]}; every kind has a loader that takes one row.
  load(document) {
    const loaded = {};
    const kinds = Object.keys(this.loaders).filter((kind) => kind in document); // in the loaders' order: parents first
    for (const kind of Object.keys(document))
      if (!kinds.includes(kind) && !IGNORED.includes(kind)) throw new Error(`cannot load ${kind}`);
    for (const kind of kinds) {
      const rows = [document[kind]].flat();
      for (const row of rows) this.loaders[kind](this, row);
      loaded[kind] = rows.length;
    }
    return { loaded };
  }

  change({ do: verb, ...given }) {
    const work = this.verbs[verb];
    if (work === undefined) throw new Error(`no such change: ${verb}`);
    return work(this, given) ?? null;
  }
}

// Members of a list answer that are not rows.
const IGNORED = ['meta', 'pagination', 'cursor'];

// The row of a name, or an error that says what is missing.
export function found(table, id, what) {
  const row = table.get(id);
  if (row === undefined) throw new Error(`no such ${what}: ${id}`);
  return row;
}
