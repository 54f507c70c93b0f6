// Trouble on order: each fault waits for calls, sub-requests or records that
// match it and fires a given number of times (the simulator: locks and failures).

import { SalesforceError } from './errors.mjs';

const ACTIONS = ['status', 'record_error', 'component_error', 'drop', 'delay_ms', 'truncate', 'expire_token'];
const COMPANIONS = ['body', 'headers', 'applied'];
const MATCHES = ['method', 'path', 'object', 'key', 'parent', 'component', 'operation'];

class Fault {
  constructor(spec) {
    const { match = {}, times = 1, skip = 0 } = spec;
    const action = spec.do;
    for (const key of Object.keys(spec)) {
      if (!['match', 'times', 'skip', 'do'].includes(key)) throw new Error(`unknown fault key ${key}`);
    }
    for (const key of Object.keys(match)) {
      if (!MATCHES.includes(key)) throw new Error(`unknown fault match ${key}`);
    }
    if (!action || typeof action !== 'object' || !ACTIONS.some((key) => key in action)) {
      throw new Error(`a fault needs "do" with one of ${ACTIONS.join(', ')}`);
    }
    for (const key of Object.keys(action)) {
      if (![...ACTIONS, ...COMPANIONS].includes(key)) throw new Error(`unknown fault action ${key}`);
    }
    if ('drop' in action && !['before', 'after'].includes(action.drop)) throw new Error('drop must be "before" or "after"');
    this.match = match;
    this.path = match.path === undefined ? null : new RegExp(match.path);
    this.do = action;
    this.left = times < 0 ? Infinity : times;
    this.skip = skip;
    this.fired = 0;
  }

  get perRecord() {
    return 'record_error' in this.do;
  }

  // One component of a metadata call, not the call.
  get perComponent() {
    return 'component_error' in this.do;
  }

  // True when the fault fires now; it is used up by that.
  use() {
    if (this.left <= 0) return false;
    if (this.skip > 0) {
      this.skip--;
      return false;
    }
    this.left--;
    this.fired++;
    return true;
  }

  fitsCall(method, url, body) {
    const { match } = this;
    if (match.method && match.method !== method) return false;
    if (this.path && !this.path.test(url)) return false;
    if (match.component && !body.includes(`>${match.component}<`)) return false;
    if (match.operation && !body.includes(`<${match.operation}`)) return false;
    if (match.object && !namesObject(match.object, url, body)) return false;
    for (const key of [match.key, match.parent]) {
      if (key !== undefined && !url.includes(encodeURIComponent(key)) && !body.includes(JSON.stringify(key))) return false;
    }
    return true;
  }

  describe() {
    return { match: this.match, do: this.do, fired: this.fired, left: this.left === Infinity ? -1 : this.left };
  }
}

function namesObject(name, url, body) {
  return new RegExp(`/sobjects/${name}(?:[/?]|$)`).test(url) || body.includes(`/sobjects/${name}/`)
    || new RegExp(`"type"\\s*:\\s*"${name}"`).test(body);
}

const OPERATION_METHODS = { insert: ['POST', 'PATCH'], update: ['PATCH'], delete: ['DELETE'] };

export class Faults {
  constructor() {
    this.clear();
  }

  clear() {
    this.list = [];
    this.records = [];
  }

  add(specs) {
    if (!Array.isArray(specs)) throw new Error('"faults" must be an array');
    const made = specs.map((spec) => new Fault(spec));
    this.list.push(...made);
    this.records = this.list.filter((fault) => fault.perRecord);
  }

  forCall(method, url, body) {
    for (const fault of this.list) {
      if (!fault.perRecord && !fault.perComponent && fault.left > 0 && fault.fitsCall(method, url, body) && fault.use()) return fault.do;
    }
    return null;
  }

  // Inside a composite call only a whole answer can be put in a sub-request's
  // place; what happens to the connection belongs to the outer call.
  forSubrequest(method, url, body) {
    if (this.list.length === this.records.length) return null;
    const text = JSON.stringify(body ?? null);
    for (const fault of this.list) {
      if (fault.path && 'status' in fault.do && fault.left > 0 && fault.fitsCall(method, url, text) && fault.use()) return fault.do;
    }
    return null;
  }

  // The fault for a record about to be written, or null. One that waits for a
  // parent comes back unused, with the parents' keys: the writer knows the
  // parents only after it has read the record.
  forRecord(operation, object, body, row) {
    if (this.records.length === 0) return null;
    for (const fault of this.records) {
      const { match } = fault;
      if (fault.left <= 0 || fault.path) continue;
      if (match.object && match.object !== object) continue;
      if (match.method && !OPERATION_METHODS[operation].includes(match.method)) continue;
      if (match.key !== undefined && !holds(body, match.key) && !holds(row, match.key)) continue;
      const { statusCode, message = statusCode, fields = [], ...extra } = fault.do.record_error;
      const error = new SalesforceError(400, statusCode, message, fields, Object.keys(extra).length ? extra : undefined);
      if (match.parent !== undefined) return { error, parents: [match.parent], use: () => fault.use() };
      if (fault.use()) return { error };
    }
    return null;
  }

  // The error ordered for one component of a metadata call, or null.
  forComponent(operation, fullName) {
    for (const fault of this.list) {
      if (!fault.perComponent || fault.left <= 0) continue;
      const { match } = fault;
      if ((match.component ?? fullName) !== fullName || (match.operation ?? operation) !== operation) continue;
      if (fault.use()) return fault.do.component_error;
    }
    return null;
  }

  describe() {
    return this.list.map((fault) => fault.describe());
  }
}

function holds(record, key) {
  if (!record) return false;
  for (const name of Object.keys(record)) if (record[name] === key) return true;
  return false;
}
