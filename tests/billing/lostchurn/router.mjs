// Paths of both editions, and the way of a call: path, key, rate, scope, work.

import { Refusal } from '../common/refusal.mjs';
import { Routes } from '../common/routes.mjs';
import { seconds } from '../common/times.mjs';
import { refused } from './errors.mjs';
import * as lists from './lists.mjs';
import { shownCustomer, shownPayment } from './rows.mjs';

function need(system, table, id, what) {
  const row = system.tables[table].get(id);
  if (row === undefined) throw refused(system, 'resource_not_found', `No such ${what}.`);
  return row;
}

function customersPayments(system, call) {
  need(system, 'customers', call.params.id, 'customer');
  return lists.payments(system, call);
}

const payment = (system, { params }) => lists.single(system, shownPayment(system, need(system, 'payments', params.id, 'payment')));
const customer = (system, { params }) => lists.single(system, shownCustomer(system, need(system, 'customers', params.id, 'customer')));

function timeline(system, { params }) {
  const { $recovery: recovery, created_at: at } = need(system, 'payments', params.id, 'payment');
  return lists.single(system, [{ type: 'recovery.started', at }, ...recovery.timeline]);
}

function byEmail(system, { params }) {
  const wanted = params.email.toLowerCase();
  const row = system.tables.customers.all((one) => one.email !== null && one.email.toLowerCase() === wanted)[0];
  if (row === undefined) throw refused(system, 'resource_not_found', 'No such customer.');
  return lists.single(system, shownCustomer(system, row));
}

// The erasure of a person.
function erase(system, { params }) {
  const { id } = need(system, 'customers', params.id, 'customer');
  system.tables.customers.remove(id);
  system.erased.push(id);
  return lists.single(system, { id, deleted: true });
}

const BOTH = [
  ['GET', '/payments', lists.payments, { resource: 'payments' }],
  ['GET', '/payments/{id}', payment, { resource: 'payments' }],
  ['GET', '/customers', lists.customers, { resource: 'customers' }],
  ['GET', '/customers/{id}', customer, { resource: 'customers', publishable: true }],
  ['GET', '/customers/{id}/payments', customersPayments, { resource: 'payments' }],
  ['DELETE', '/customers/{id}', erase, { resource: 'customers' }],
];
const SECOND = [
  ['GET', '/payments/{id}/timeline', timeline, { resource: 'payments' }],
  ['GET', '/customers/by-email/{email}', byEmail, { resource: 'customers' }],
];

const below = (base, rows) => new Routes(rows.map(([method, path, ...rest]) => [method, base + path, ...rest]));
const EDITIONS = {
  1: { base: '/v1', routes: below('/v1', BOTH) },
  2: { base: '/api/v1', routes: below('/api/v1', [...SECOND, ...BOTH]) },
};

// No scope is needed, and without a key it only tells that it is there.
function status(system, key) {
  const { merchant_id: id, merchant_name: name } = system.settings;
  const data = key === null ? { connected: false }
    : { connected: true, merchant_id: id, merchant_name: name, plan_tier: 'revenue_recovery', auth_strategy: 'api_key' };
  return { status: 200, body: { data, meta: { timestamp: seconds(Date.now()) } } };
}

export function answer(system, call) {
  const { base, routes } = EDITIONS[system.settings.edition];
  const key = system.gate.key(call);
  if (call.method === 'GET' && call.path === `${base}/status`)
    return { ...status(system, key), headers: key === null ? {} : system.gate.count(key, call) };
  if (key === null) throw refused(system, 'invalid_api_key', 'No API key was sent.');
  const headers = system.gate.count(key, call);
  try {
    return { ...dispatch(system, routes, key, call), headers };
  } catch (err) {
    if (err instanceof Refusal) Object.assign(err.headers, headers);
    throw err;
  }
}

function dispatch(system, routes, key, call) {
  const found = routes.find(call.method, call.path);
  if (found === null) throw refused(system, 'resource_not_found', 'No such path.');
  call.route = found.route;
  call.params = found.params;
  system.gate.permit(key, found.route, call);
  return found.route.handler(system, call);
}
