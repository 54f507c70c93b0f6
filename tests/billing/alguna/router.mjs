// Paths of both generations.  The header Alguna-Version makes it generation 2.

import { RateWindow } from '../common/window.mjs';
import { Routes } from '../common/routes.mjs';
import { createCustomer, customerNamed, patchCustomer, showCustomer } from './customers.mjs';
import { badRequest, notFound, tooMany, unauthorized } from './errors.mjs';
import * as lists from './lists.mjs';
import { camel } from './names.mjs';
import { shown } from './views.mjs';

const single = (kind, what) => (system, { params }) => {
  const row = system.tables[kind].get(params.id);
  if (row === undefined) throw notFound(what);
  return { status: 200, body: shown(kind, row) };
};

function version(system, { params }) {
  const row = system.tables.versions.get(params.vid);
  if (row === undefined || row.subscription_id !== params.id) throw notFound('subscription version');
  return { status: 200, body: shown('versions', row) };
}

const SECOND = new Routes([
  ['GET', '/customers', lists.second('customers')],
  ['POST', '/customers', createCustomer],
  ['GET', '/customers/{id}', showCustomer],
  ['PATCH', '/customers/{id}', patchCustomer],
  ['GET', '/subscriptions', lists.second('subscriptions')],
  ['GET', '/subscriptions/{id}', single('subscriptions', 'subscription')],
  ['GET', '/subscriptions/{id}/versions/{vid}', version],
  ['GET', '/invoices', lists.second('invoices')],
  ['GET', '/invoices/{id}', single('invoices', 'invoice')],
  ['GET', '/payments', lists.second('payments')],
  ['GET', '/payments/{id}', single('payments', 'payment')],
  ['GET', '/refunds', lists.second('refunds', { sortRequired: true })],
  ['GET', '/refunds/{id}', single('refunds', 'refund')],
  ['GET', '/credit-notes', lists.second('credit_notes')],
  ['GET', '/credit-notes/{id}', single('credit_notes', 'credit note')],
]);

const camelled = (handler) => (system, call) => {
  const { status, body } = handler(system, call);
  return { status, body: camel(body) };
};

function account(system, call) {
  if (customerNamed(system, call.params.id) === undefined) throw notFound('account');
  return showCustomer(system, call);
}

const FIRST = new Routes([
  ['GET', '/accounts', lists.first('customers', { member: 'data' })],
  ['GET', '/accounts/{id}', camelled(account)],
  ['GET', '/account/{id}/credit-notes', lists.first('credit_notes', { choices: null, fallback: 20, ofAccount: true })],
  ['GET', '/subscriptions', lists.first('subscriptions')],
  ['GET', '/subscriptions/{id}', camelled(single('subscriptions', 'subscription'))],
  ['GET', '/invoices', lists.first('invoices')],
  ['GET', '/invoices/{id}', camelled(single('invoices', 'invoice'))],
  ['GET', '/refunds', lists.first('refunds')],
]);

export class Gate {
  constructor(system) {
    this.system = system;
    this.window = new RateWindow();
  }

  clear() {
    this.window.clear();
  }

  pass(call) {
    const { api_key: key, rate_limit: limit, rate_window_ms: length } = this.system.settings;
    if ((/^Bearer (.+)$/i.exec(call.headers.authorization ?? '') ?? [])[1] !== key) throw unauthorized();
    if (limit > 0 && !this.window.take(limit, length).allowed) throw tooMany();
  }
}

// The routes of the call's generation; a wrong version, or none where one is needed, is refused.
function routesOf(system, call, path) {
  const asked = call.headers['alguna-version'];
  if (asked === system.settings.version) return SECOND;
  if (asked !== undefined) throw badRequest(`Alguna-Version is not known: ${asked}`);
  if (FIRST.find(call.method, path) === null && SECOND.find(call.method, path) !== null) throw badRequest('Alguna-Version is required');
  return FIRST;
}

export function answer(system, call) {
  system.gate.pass(call);
  const { base_path: base } = system.settings;
  if (!call.path.startsWith(`${base}/`)) throw notFound('path');
  const path = call.path.slice(base.length);
  const found = routesOf(system, call, path).find(call.method, path);
  if (found === null) throw notFound('path');
  call.route = found.route;
  call.params = found.params;
  return system.idempotency.around(call, () => found.route.handler(system, call));
}
