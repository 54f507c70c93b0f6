// The log of API calls: what a test counts.  A call has kind(), inputs, and
// may have details: more members of its entry.

const KEEP = 200000; // entries; the counts go on beyond it

export class CallLog {
  constructor() {
    this.clear();
  }

  clear() {
    this.entries = [];
    this.total = 0;
    this.byKind = new Map();
  }

  begin(method, url) {
    return { n: 0, at: new Date().toISOString(), method, path: url, status: 0, inputs: 0, ms: 0, started: performance.now() };
  }

  // Entries are numbered when they end, in the order of their answers.
  end(entry, call, status) {
    const { started, ...row } = entry;
    row.n = ++this.total;
    row.status = status;
    row.inputs = call.inputs;
    Object.assign(row, call.details);
    row.ms = Math.round((performance.now() - started) * 100) / 100;
    const kind = call.kind();
    row.kind = kind;
    this.byKind.set(kind, (this.byKind.get(kind) ?? 0) + 1);
    if (this.entries.length < KEEP) this.entries.push(row);
  }

  counts() {
    return { total: this.total, byKind: Object.fromEntries(this.byKind) };
  }
}
