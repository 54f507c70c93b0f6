// Faults on demand: what a real service does on a bad day.
//
// A fault: {"match":{"method","path","object","key"},"times":1,"skip":0,"do":{...}}.
// Every member of match that is given must fit; path is a regular expression
// over the path, object a type name or id, key an id or a property value in
// the request. times -1 is without end; the first skip fits are let through.
// do: see DO below and what the simulator adds; several may be combined.
//
// A call has method, path, typeNames() and keys().

const MATCH = ['method', 'path', 'object', 'key'];
const DO = [
  'status', 'body', 'headers', // answer this instead
  'after', // true: do the work first, then answer status (a lost answer)
  'drop', // "before" or "after" the work: close the connection without an answer
  'delay_ms', // wait first
  'truncate', // true: half of the answer, then close
];

export class Faults {
  constructor(more = []) {
    this.list = [];
    this.actions = [...DO, ...more];
  }

  add(specs) {
    const fresh = specs.map((spec) => {
      for (const name of Object.keys(spec))
        if (!['match', 'times', 'skip', 'do'].includes(name)) throw new Error(`unknown member ${name} of a fault`);
      for (const name of Object.keys(spec.match ?? {}))
        if (!MATCH.includes(name)) throw new Error(`unknown member ${name} of match`);
      if (!spec.do || Object.keys(spec.do).length === 0) throw new Error('a fault needs something in do');
      for (const name of Object.keys(spec.do))
        if (!this.actions.includes(name)) throw new Error(`unknown member ${name} of do`);
      return {
        match: spec.match ?? {}, path: spec.match?.path === undefined ? null : new RegExp(spec.match.path),
        left: spec.times ?? 1, skip: spec.skip ?? 0, do: spec.do, hits: 0,
      };
    });
    this.list.push(...fresh);
  }

  clear() {
    this.list = [];
  }

  shown() {
    return this.list.map(({ match, left, skip, do: what, hits }) => ({ match, left, skip, hits, do: what }));
  }

  fits(fault, call, keys) {
    const { method, object, key } = fault.match;
    if (fault.left === 0) return false;
    if (method !== undefined && method !== call.method) return false;
    if (fault.path !== null && !fault.path.test(call.path)) return false;
    if (object !== undefined && !call.typeNames().includes(object)) return false;
    if (key !== undefined && !keys().includes(key)) return false;
    if (fault.skip > 0) {
      fault.skip--;
      return false;
    }
    if (fault.left > 0) fault.left--;
    fault.hits++;
    return true;
  }

  // The fault of a whole call, or null.
  ofCall(call) {
    for (const fault of this.list)
      if (this.fits(fault, call, () => call.keys())) return fault.do;
    return null;
  }
}
