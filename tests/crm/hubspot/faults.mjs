// Faults on demand (tests/sim/faults.mjs), and what HubSpot adds to them.

import { randomUUID } from 'node:crypto';
import * as sim from '../../sim/faults.mjs';
import { ApiError } from './errors.mjs';

const MORE = [
  'record_error', // {category, message, subCategory, context, status}: fail records, not the call
  'expire_token', // true: the token of this call is expired from now on
  'short_results', // n: 2xx with the last n results left out (section 6 rule 4)
];

export class Faults extends sim.Faults {
  constructor() {
    super(MORE);
  }

  // The fault of a whole call, or null.
  ofCall(call) {
    for (const fault of this.list)
      if (fault.do.record_error === undefined && this.fits(fault, call, () => call.keys())) return fault.do;
    return null;
  }

  // Throws when a record of the call is to fail.
  ofRecord(call, keys) {
    for (const fault of this.list) {
      if (fault.do.record_error === undefined) continue;
      if (!this.fits(fault, call, () => keys.map(String))) continue;
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
