// Paths of the API, and the way of a call: path, key, limit, permission, work.

import { Refusal } from '../common/refusal.mjs';
import { Routes } from '../common/routes.mjs';
import { createEndpoint, listedEndpoint, removeEndpoint, showEndpoint, updateEndpoint } from './endpoints.mjs';
import { notFound } from './errors.mjs';
import * as lists from './lists.mjs';
import * as singles from './singles.mjs';
import { paymentRequestShown, receiptShown } from './views.mjs';

// [method, path, handler, resource of the permission]
const ROWS = [
  ['GET', '/organizations', singles.organization, 'organization'],
  ['GET', '/customers', lists.customers, 'customer'],
  ['POST', '/customers', singles.postCustomer, 'customer'],
  ['GET', '/customers/{external_id}', singles.customer, 'customer'],
  ['PUT', '/customers/{external_id}', singles.putCustomer, 'customer'],
  ['DELETE', '/customers/{external_id}', singles.removeCustomer, 'customer'],
  ['GET', '/customers/{external_id}/subscriptions', lists.subscriptions, 'subscription'],
  ['GET', '/customers/{external_id}/invoices', lists.invoices, 'invoice'],
  ['GET', '/customers/{external_id}/credit_notes', lists.creditNotes, 'credit_note'],
  ['GET', '/customers/{external_id}/payments', lists.payments, 'payment'],
  ['GET', '/subscriptions', lists.subscriptions, 'subscription'],
  ['GET', '/subscriptions/{external_id}', singles.subscription, 'subscription'],
  ['GET', '/invoices', lists.invoices, 'invoice'],
  ['GET', '/invoices/{id}', singles.invoice, 'invoice'],
  ['PUT', '/invoices/{id}', singles.putInvoice, 'invoice'],
  ['PUT', '/invoices/{id}/sync_salesforce_id', singles.syncSalesforceId, 'invoice'],
  ['GET', '/credit_notes', lists.creditNotes, 'credit_note'],
  ['GET', '/credit_notes/{id}', singles.creditNote, 'credit_note'],
  ['GET', '/payments', lists.payments, 'payment'],
  ['GET', '/payments/{id}', singles.payment, 'payment'],
  ['GET', '/plans', lists.plain('plans'), 'plan'],
  ['GET', '/plans/{code}', singles.plan, 'plan'],
  ['GET', '/payment_requests', lists.plain('payment_requests', paymentRequestShown), 'payment_request'],
  ['GET', '/payment_requests/{id}', singles.single('payment_requests', 'payment_request', paymentRequestShown), 'payment_request'],
  ['GET', '/payment_receipts', lists.plain('payment_receipts', receiptShown), 'payment_receipt'],
  ['GET', '/payment_receipts/{id}', singles.single('payment_receipts', 'payment_receipt', receiptShown), 'payment_receipt'],
  ['GET', '/wallets', lists.plain('wallets'), 'wallet'],
  ['GET', '/activity_logs', lists.activityLogs, 'activity_log'],
  ['GET', '/webhook_endpoints', lists.plain('webhook_endpoints', listedEndpoint), 'webhook_endpoint'],
  ['POST', '/webhook_endpoints', createEndpoint, 'webhook_endpoint'],
  ['GET', '/webhook_endpoints/{id}', showEndpoint, 'webhook_endpoint'],
  ['PUT', '/webhook_endpoints/{id}', updateEndpoint, 'webhook_endpoint'],
  ['DELETE', '/webhook_endpoints/{id}', removeEndpoint, 'webhook_endpoint'],
  ['GET', '/webhooks/json_public_key', singles.publicKeyJson, 'webhook_jwt_public_key'],
  ['GET', '/webhooks/public_key', singles.publicKeyText, 'webhook_jwt_public_key'],
];

const ROUTES = new Routes(ROWS.map(([method, path, handler, resource]) => [method, `/api/v1${path}`, handler, { resource }]));

export function answer(system, call) {
  if (call.method === 'GET' && call.path === '/health') return singles.health();
  system.gate.authenticate(call);
  const headers = system.gate.count();
  try {
    const result = dispatch(system, call);
    return { ...result, headers: { ...headers, ...result.headers } };
  } catch (err) {
    if (err instanceof Refusal) Object.assign(err.headers, headers);
    throw err;
  }
}

function dispatch(system, call) {
  const found = ROUTES.find(call.method, call.path);
  if (found === null) throw notFound('resource');
  call.route = found.route;
  call.params = railsParams(found);
  system.gate.permit(found.route);
  return found.route.handler(system, call);
}

// Rails ends a segment at a dot: the rest is the format of the answer, and only
// the last segment may have one.  An escaped slash breaks the path.
function railsParams({ route, params }) {
  const last = route.segments.at(-1);
  const cut = {};
  for (const [name, value] of Object.entries(params)) {
    const dot = value.indexOf('.');
    if (value.includes('/') || (dot >= 0 && last !== `{${name}}`)) throw notFound('resource');
    cut[name] = dot < 0 ? value : value.slice(0, dot);
  }
  return cut;
}
