// Faults on demand (tests/sim/faults.mjs), with answers of this service.
// object is a type such as "customer"; key an id in the path or a value among
// the parameters. do.code names another error of the same status.

import { Faults } from '../../sim/faults.mjs';
import { forbidden, invalid, keyInUse, lockTimeout, noSuch, rateLimited, serverError, StripeError, unauthorized } from './errors.mjs';

export const MORE = [
  'code', // lock_timeout (429); or a Stripe-Rate-Limited-Reason (429): endpoint-concurrency ...
];

export function makeFaults() {
  return new Faults(MORE);
}

const PAGES = {
  502: '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n',
  503: '<html><head><title>503 Service Temporarily Unavailable</title></head><body><h1>503 Service Temporarily Unavailable</h1></body></html>\n',
  504: '<html><head><title>504 Gateway Time-out</title></head><body><h1>504 Gateway Time-out</h1></body></html>\n',
};

// The answer that a fault asks for.
export function faultAnswer({ status, body, headers = {}, code }) {
  if (typeof body === 'string') return { status, text: body, headers: { 'Content-Type': 'text/html', ...headers } };
  if (body !== undefined) return { status, body, headers };
  if (PAGES[status] !== undefined) return { status, text: PAGES[status], headers: { 'Content-Type': 'text/html', ...headers } };
  const err = errorOf(status, code);
  return { status, body: err.body, headers: { ...err.headers, ...headers } };
}

function errorOf(status, code) {
  switch (status) {
  case 400: return invalid('Refused by a fault', undefined, code);
  case 401: return unauthorized('Invalid API Key provided: sk_live_****', code);
  case 403: return forbidden('Refused by a fault', code);
  case 404: return noSuch('object', 'x', 'id', 404);
  case 409: return keyInUse();
  case 429: return code === 'lock_timeout' ? lockTimeout() : rateLimited(code ?? 'global-rate');
  default: return status >= 500 ? serverError(status) : new StripeError(status, { message: 'Refused by a fault', code });
  }
}
