// /v1/webhook_endpoints (section 6), and the same from the dashboard.

import { isIP } from 'node:net';
import { EVENT_TYPES } from './event-types.mjs';
import { invalid, NotSimulated } from './errors.mjs';
import { existing } from './lists.mjs';
import { boolean, EXPAND, list, mergeMetadata, metadata, require, string, unsettable } from './params.mjs';
import { newId } from './world.mjs';

const KNOWN = new Set([...EVENT_TYPES, '*']);
const eventName = (value, name) => {
  const text = string(value, name);
  if (!KNOWN.has(text)) throw invalid(`Invalid ${name}: must be one of *, ${EVENT_TYPES.slice(0, 5).join(', ')}, or another event type; you passed ${text}`, name);
  return text;
};

const CHANGED = { ...EXPAND, url: string, enabled_events: list(eventName), description: unsettable, metadata };
const CREATED = { ...CHANGED, api_version: string, connect: boolean };
const MAX_DESCRIPTION = 5000;

function checkUrl(call, url) {
  let at;
  try {
    at = new URL(url);
  } catch {
    throw invalid('Invalid URL: Not a valid URL', 'url', 'url_invalid');
  }
  if (at.protocol !== 'https:' && (call.world.live || at.protocol !== 'http:') && call.settings.strict_urls)
    throw invalid('Invalid URL: URL must begin with https', 'url', 'url_invalid');
  const host = at.hostname.replace(/^\[|\]$/g, '');
  if (call.settings.strict_urls && (host === 'localhost' || isIP(host) !== 0 || !host.includes('.')))
    throw invalid('Invalid URL: URL must be publicly accessible. Consider using a tool like the Stripe CLI to test webhooks locally: https://github.com/stripe/stripe-cli', 'url', 'url_invalid');
}

function check(call, values) {
  const { url, enabled_events: events, description = '' } = values;
  if (url !== undefined) checkUrl(call, url);
  if (events !== undefined && events.length === 0) throw invalid('Invalid enabled_events: must name at least one event', 'enabled_events');
  if (events?.includes('*') && events.length > 1) throw invalid('You cannot use * together with other event types.', 'enabled_events');
  if (description.length > MAX_DESCRIPTION) throw invalid(`Invalid string: description must be at most ${MAX_DESCRIPTION} characters`, 'description');
}

export function create(call) {
  const values = call.read(CREATED);
  require(values, 'url', 'enabled_events');
  check(call, values);
  const { settings, world } = call;
  if (world.all('webhook_endpoint').length >= settings.endpoint_limit)
    throw invalid(`You have reached the maximum of ${settings.endpoint_limit} ${world.live ? '' : 'test '}webhook endpoints.`);
  if (values.api_version !== undefined && !settings.api_versions.includes(values.api_version)) {
    if (/^20\d\d-\d\d-\d\d(\.[a-z]+)?$/.test(values.api_version)) throw new NotSimulated(`events are rendered as ${settings.api_versions.join(', ')} only`);
    throw invalid(`Invalid api_version: ${values.api_version}`, 'api_version');
  }
  const endpoint = add(call.sim, world, values);
  return { status: 200, body: { ...endpoint, secret: world.secrets.get(endpoint.id)[0] } };
}

// Keeps a new endpoint and its secret.
export function add(sim, world, { url, enabled_events = ['*'], description, metadata: given, api_version: version = null, connect = false, secret }) {
  const endpoint = world.put({
    id: newId('we_'), object: 'webhook_endpoint', api_version: version, application: null, created: sim.worlds.now(),
    description: description || null, enabled_events, livemode: world.live, metadata: mergeMetadata({}, given ?? {}), status: 'enabled', url,
  });
  world.secrets.set(endpoint.id, [secret ?? `whsec_${newId('', 30)}`]);
  if (connect) world.connect.add(endpoint.id);
  return endpoint;
}

export function update(call, id) {
  const values = call.read({ ...CHANGED, disabled: boolean });
  check(call, values);
  const next = structuredClone(existing(call, 'webhook_endpoint', id));
  for (const name of ['url', 'enabled_events']) if (values[name] !== undefined) next[name] = values[name];
  if (values.description !== undefined) next.description = values.description || null;
  if (values.metadata !== undefined) next.metadata = mergeMetadata(next.metadata, values.metadata);
  if (values.disabled !== undefined) next.status = values.disabled ? 'disabled' : 'enabled';
  call.world.put(next);
  return { status: 200, body: call.world.view.show('webhook_endpoint', next) };
}

export function remove(call, id) {
  call.read({});
  existing(call, 'webhook_endpoint', id);
  forget(call.world, id);
  return { status: 200, body: { id, object: 'webhook_endpoint', deleted: true } };
}

// What it was still to get, nobody waits for any more.
function forget(world, id) {
  world.collection('webhook_endpoint').remove(id);
  world.secrets.delete(id);
  world.connect.delete(id);
  for (const wanted of world.deliveries.values()) wanted.delete(id);
}
