// Which call a method and path mean, what it counts as, and which permission
// a restricted key needs for it.

import * as customers from './customers.mjs';
import * as endpoints from './endpoints.mjs';
import { NotSimulated } from './errors.mjs';
import { listEvents, retrieveEvent } from './events.mjs';
import * as lists from './lists.mjs';
import { BY_PATH } from './resources.mjs';
import * as search from './search.mjs';
import { READ } from './shapes.mjs';

const ROUTES = [];

function route(method, path, type, permission, handler) {
  const source = path.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)');
  ROUTES.push({ method, kind: `${method} ${path}`, type, permission, handler, pattern: new RegExp(`^${source}$`) });
}

const get = (path, type, handler) => route('GET', path, type, READ[type], handler);

get('/v1/account', 'account', (call) => lists.account(call));
get('/v1/events', 'event', (call) => listEvents(call));
get('/v1/events/{id}', 'event', (call, { id }) => retrieveEvent(call, id));
get('/v1/subscription_items', 'subscription_item', (call) => lists.items(call));
get('/v1/subscription_items/{id}', 'subscription_item', (call, { id }) => lists.retrieve(call, 'subscription_item', id));
get('/v1/invoices/{id}/lines', 'invoice', (call, { id }) => lists.lines(call, 'invoice', 'line_item', id));
get('/v1/credit_notes/{id}/lines', 'credit_note', (call, { id }) => lists.lines(call, 'credit_note', 'credit_note_line_item', id));
get('/v1/customers/search', 'customer', (call) => search.customers(call));
for (const [path, { type }] of BY_PATH) {
  route('GET', `/v1/${path}/search`, type, READ[type], () => { throw new NotSimulated('search is not simulated: list, or read by id'); });
  get(`/v1/${path}`, type, (call) => lists.list(call, path));
  get(`/v1/${path}/{id}`, type, (call, { id }) => lists.retrieve(call, type, id));
}
route('POST', '/v1/invoices/create_preview', 'invoice', 'rak_invoice_read', () => { throw new NotSimulated('previews are not simulated'); });
route('POST', '/v1/customers', 'customer', 'rak_customer_write', (call) => customers.create(call));
route('POST', '/v1/customers/{id}', 'customer', 'rak_customer_write', (call, { id }) => customers.update(call, id));
route('POST', '/v1/webhook_endpoints', 'webhook_endpoint', 'rak_webhook_write', (call) => endpoints.create(call));
route('POST', '/v1/webhook_endpoints/{id}', 'webhook_endpoint', 'rak_webhook_write', (call, { id }) => endpoints.update(call, id));
route('DELETE', '/v1/webhook_endpoints/{id}', 'webhook_endpoint', 'rak_webhook_write', (call, { id }) => endpoints.remove(call, id));

// {route, params}, or null.
export function find(method, path) {
  for (const one of ROUTES) {
    const found = one.method === method ? one.pattern.exec(path) : null;
    if (found !== null) return { route: one, params: mapped(found.groups ?? {}) };
  }
  return null;
}

function mapped(groups) {
  const params = {};
  for (const [name, value] of Object.entries(groups)) {
    try {
      params[name] = decodeURIComponent(value);
    } catch {
      params[name] = value;
    }
  }
  return params;
}
