// Faults on demand: what the real service does on a bad day.
//
// A fault: {"match":{"method","path","object","key"},"times":1,"skip":0,"do":{...}}.
// Every member of match that is given must fit; path is a regular expression
// over the path, object a type name or id, key an id or a property value in
// the request. times -1 is without end; the first skip fits are let through.
// do: see DO below; several may be combined.

import { randomUUID } from 'node:crypto';
import { ApiError } from './errors.mjs';

const MATCH = ['method', 'path', 'object', 'key'];
const DO = [
  'status', 'body', 'headers', // answer this instead
  'after', // true: do the work first, then answer status (a lost answer)
  'record_error', // {category, message, subCategory, context, status}: fail records, not the call
  'drop', // "before" or "after" the work: close the connection without an answer
  'delay_ms', // wait first
  'truncate', // true: half of the answer, then close
  'expire_token', // true: the token of this call is expired from now on
  'short_results', // n: 2xx with the last n results left out (section 6 rule 4)
];

export class Faults {
  constructor() {
    this.list = [];
  }

  add(specs) {
    const fresh = specs.map((spec) => {
      for (const name of Object.keys(spec))
        if (!['match', 'times', 'skip', 'do'].includes(name)) throw new Error(`unknown member ${name} of a fault`);
      for (const name of Object.keys(spec.match ?? {}))
        if (!MATCH.includes(name)) throw new Error(`unknown member ${name} of match`);
      if (!spec.do || Object.keys(spec.do).length === 0) throw new Error('a fault needs something in do');
      for (const name of Object.keys(spec.do))
        if (!DO.includes(name)) throw new Error(`unknown member ${name} of do`);
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

  #fits(fault, call, keys) {
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
      if (fault.do.record_error === undefined && this.#fits(fault, call, () => call.keys())) return fault.do;
    return null;
  }

  // Throws when a record of the call is to fail.
  ofRecord(call, keys) {
    for (const fault of this.list) {
      if (fault.do.record_error === undefined) continue;
      if (!this.#fits(fault, call, () => keys.map(String))) continue;
      const { status = 400, category = 'VALIDATION_ERROR', message = 'The record was refused', subCategory, context } = fault.do.record_error;
      throw new ApiError(status, { message, category, subCategory, context });
    }
  }
}

const PAGES = {
  502: '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n',
  503: '<html><head><title>503 Service Temporarily Unavailable</title></head><body><h1>503 Service Temporarily Unavailable</h1></body></html>\n',
  504: '<html><head><title>504 Gateway Time-out</title></head><body><h1>504 Gateway Time-out</h1></body></html>\n',
};

// What the service sends with a status when the fault gives no body (section 18).
export function faultAnswer({ status, body, headers = {} }) {
  if (body !== undefined) {
    if (typeof body === 'string') return { status, text: body, headers: { 'Content-Type': 'text/html', ...headers } };
    return { status, body, headers };
  }
  if (PAGES[status] !== undefined) return { status, text: PAGES[status], headers: { 'Content-Type': 'text/html', ...headers } };
  const json = (message, more = {}) => ({ status, headers, body: { status: 'error', message, correlationId: randomUUID(), ...more } });
  switch (status) {
  case 404: return { status, text: '', headers };
  case 423: return json('The resource is locked, try again later.', { category: 'LOCKED' });
  case 429: return json('You have reached your ten_secondly_rolling limit.',
    { errorType: 'RATE_LIMIT', policyName: 'TEN_SECONDLY_ROLLING', requestId: randomUUID() });
  case 477: return { ...json('This account is being migrated, try again later.'), headers: { 'Retry-After': '2', ...headers } };
  default: return json(status >= 500 ? 'internal error' : 'refused by a fault');
  }
}
