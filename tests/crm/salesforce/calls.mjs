// What clients asked for, for tests to look at.

// The log is a memory of the last calls, not of all calls of a long run.
const KEPT = 100000;

export class CallLog {
  constructor() {
    this.clear();
  }

  clear() {
    this.entries = [];
    this.total = 0;
    this.records = 0;
    this.byKind = {};
  }

  add(entry, kind) {
    this.total++;
    this.records += entry.records;
    this.byKind[kind] = (this.byKind[kind] ?? 0) + 1;
    if (this.entries.length >= KEPT) this.entries.splice(0, KEPT / 10);
    this.entries.push({ n: this.total, ...entry, kind });
  }

  counts() {
    return { total: this.total, records: this.records, byKind: { ...this.byKind } };
  }
}
