// The webhook endpoints: configuration only, with its validation.

import { EVENT_NAMES } from './event-names.mjs';
import { badRequest, invalid, notFound } from './errors.mjs';

const ALGORITHMS = ['jwt', 'hmac'];

function isUrl(text) {
  try {
    return ['http:', 'https:'].includes(new URL(text).protocol);
  } catch {
    return false;
  }
}

function readEndpoint(call) {
  const params = call.json()?.webhook_endpoint;
  if (typeof params !== 'object' || params === null) throw badRequest('param is missing or the value is empty: webhook_endpoint');
  return params;
}

// Names are trimmed, lower-cased and made unique; null and ["*"] mean all.
function eventTypes(list) {
  if (list === null || list === undefined) return null;
  return [...new Set(list.map((name) => String(name).trim().toLowerCase()))];
}

function problems(system, { webhook_url: url, signature_algo: algorithm, event_types: types }, id) {
  const details = {};
  const taken = system.tables.webhook_endpoints.all((row) => row.webhook_url === url && row.lago_id !== id).length > 0;
  if (typeof url !== 'string' || url === '') details.webhook_url = ['value_is_mandatory'];
  else if (!isUrl(url)) details.webhook_url = ['url_invalid'];
  else if (taken) details.webhook_url = ['value_already_exist'];
  if (!ALGORITHMS.includes(algorithm)) details.signature_algo = ['value_is_invalid'];
  if (types !== null && types.some((name) => name !== '*' && !EVENT_NAMES.has(name))) details.event_types = ['value_is_invalid'];
  return details;
}

function checked(system, row, id) {
  const details = problems(system, row, id);
  const full = id === undefined && system.tables.webhook_endpoints.count >= system.settings.endpoint_limit;
  if (full) details.base = ['exceeded_limit'];
  if (Object.keys(details).length > 0) throw invalid(details);
  return row;
}

// An older server knows neither name nor event_types.
function shown(system, row) {
  if (system.settings.endpoint_event_filter) return row;
  const { name, event_types: types, ...older } = row;
  return older;
}

const told = (system, row) => ({ status: 200, body: { webhook_endpoint: shown(system, row) } });

export function createEndpoint(system, call) {
  const params = readEndpoint(call);
  const filters = system.settings.endpoint_event_filter;
  const row = checked(system, {
    lago_id: system.uuid(), lago_organization_id: system.settings.organization_id, webhook_url: params.webhook_url,
    signature_algo: params.signature_algo ?? 'jwt', name: filters ? params.name ?? null : null,
    event_types: filters ? eventTypes(params.event_types) : null, created_at: system.nowText(),
  });
  return told(system, system.tables.webhook_endpoints.put(row));
}

export function updateEndpoint(system, call) {
  const was = endpointOf(system, call);
  const params = readEndpoint(call);
  const row = { ...was };
  for (const name of ['webhook_url', 'signature_algo', 'name']) if (params[name] !== undefined) row[name] = params[name];
  if (params.event_types !== undefined && system.settings.endpoint_event_filter) row.event_types = eventTypes(params.event_types);
  return told(system, system.tables.webhook_endpoints.put(checked(system, row, was.lago_id)));
}

export function showEndpoint(system, call) {
  return told(system, endpointOf(system, call));
}

export function removeEndpoint(system, call) {
  const row = endpointOf(system, call);
  system.tables.webhook_endpoints.remove(row.lago_id);
  return told(system, row);
}

function endpointOf(system, call) {
  const row = system.tables.webhook_endpoints.get(call.params.id);
  if (row === undefined) throw notFound('webhook_endpoint');
  return row;
}

export function listedEndpoint(system, row) {
  return shown(system, row);
}
