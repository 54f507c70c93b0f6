// What happens in an account: an object changes, and an event tells of it
// (sections 1.2 and 2).

import { typeFits } from './events.mjs';
import { EVENT_TYPES } from './event-types.mjs';
import { newId } from './world.mjs';

const KNOWN = new Set(EVENT_TYPES);

// The object of an event, by how its type begins: the longest first.
const OBJECTS = [
  ['customer.subscription.', 'subscription'], ['customer.discount.', 'discount'], ['customer.', 'customer'],
  ['invoice_payment.', 'invoice_payment'], ['invoice.', 'invoice'], ['credit_note.', 'credit_note'],
  ['charge.dispute.', 'dispute'], ['charge.refund.', 'refund'], ['charge.', 'charge'], ['refund.', 'refund'],
  ['payment_intent.', 'payment_intent'], ['product.', 'product'], ['price.', 'price'], ['coupon.', 'coupon'],
  ['subscription_schedule.', 'subscription_schedule'],
];

export function objectOf(eventType) {
  return OBJECTS.find(([start]) => eventType.startsWith(start))?.[1];
}

// Types after which the object is gone: a deleted subscription stays, as canceled.
const GONE = new Set(['customer.deleted', 'invoice.deleted', 'product.deleted', 'price.deleted', 'coupon.deleted', 'customer.discount.deleted']);
const WITH_PREVIOUS = /\.updated$|^charge\.refunded$|^subscription_schedule\.(released|canceled|completed|aborted)$/;

// One change as a test asks for it:
// {type, id, set, unset, object, created, request, apply}; answers the event.
export function change(sim, world, spec) {
  const { type, id, set = {}, unset = [], object, created, request, apply = true } = spec;
  for (const name of Object.keys(spec))
    if (!['type', 'id', 'set', 'unset', 'object', 'created', 'request', 'apply', 'account', 'livemode'].includes(name)) throw new Error(`unknown member ${name} of a change`);
  if (!KNOWN.has(type)) throw new Error(`no such event type: ${type}`);
  const kind = objectOf(type);
  const stored = id === undefined ? undefined : world.get(kind ?? '', id);
  if (id !== undefined && (stored === undefined || stored.deleted === true) && object === undefined) throw new Error(`no such ${kind}: ${id}`);
  if (id === undefined && object === undefined) throw new Error('a change needs id or object');
  const next = structuredClone(object ?? stored);
  if (kind !== undefined && next.object !== kind) throw new Error(`${type} is about a ${kind}, not a ${next.object}`);
  if (object !== undefined) fill(sim, world, next, created);
  if (type === 'customer.subscription.deleted') end(sim, next, set);
  for (const [path, value] of Object.entries(set)) assign(next, path, value);
  for (const path of unset) assign(next, path, undefined);
  const before = stored?.deleted === true ? undefined : stored;
  return record(sim, world, type, before, next, { created, request, apply: apply && next.id !== undefined && kind !== undefined });
}

// What every object has.
function fill(sim, world, obj, created) {
  obj.livemode ??= obj.object === 'refund' ? undefined : world.live;
  if (obj.livemode === undefined) delete obj.livemode;
  if (obj.object !== 'discount') obj.created ??= created ?? sim.worlds.now();
  if (obj.object !== 'discount' && obj.object !== 'invoice_payment') obj.metadata ??= {};
}

function end(sim, subscription, set) {
  const now = sim.worlds.now();
  subscription.status = 'canceled';
  subscription.ended_at = set.ended_at ?? now;
  subscription.canceled_at ??= now;
}

// A path with dots goes into hashes and, by number, into lists.
function assign(obj, path, value) {
  const names = path.split('.');
  const last = names.pop();
  let at = obj;
  for (const name of names) {
    at[name] ??= {};
    at = at[name];
    if (typeof at !== 'object') throw new Error(`${path}: ${name} is no hash`);
  }
  if (value === undefined) delete at[last];
  else at[last] = value;
}

// Keeps the new state and records the event. before: undefined for a new object.
export function record(sim, world, type, before, next, { created = sim.worlds.now(), request, apply = true } = {}) {
  const kind = next.object;
  let state = next;
  if (apply && GONE.has(type)) world.collection(kind).remove(next.id);
  else if (apply) state = world.put(next);
  const view = (obj) => (world.collections.has(kind) ? world.view.show(kind, obj) : obj);
  const data = { object: view(state) };
  if (before !== undefined && WITH_PREVIOUS.test(type)) data.previous_attributes = previous(view(before), data.object) ?? {};
  return keep(sim, world, {
    id: newId('evt_'), object: 'event',
    ...(world.account === sim.settings.account ? {} : { account: world.account }),
    api_version: sim.settings.api_versions[0], created, data, livemode: world.live, pending_webhooks: 0,
    request: { id: request?.id ?? null, idempotency_key: request?.idempotency_key ?? null }, type,
  });
}

// An event, and who is to get it: the endpoints of now. Those with connect
// stand in the main account and get what happens in the others.
export function keep(sim, world, event) {
  world.collection('event').put(event);
  const wanted = new Map();
  for (const endpoint of endpointsOf(sim, world))
    if (endpoint.status === 'enabled' && wants(endpoint, event)) wanted.set(endpoint.id, { state: 'pending', attempts: 0, status: 0 });
  world.deliveries.set(event.id, wanted);
  return event;
}

// Endpoints that what happens in a world is sent to.
export function endpointsOf(sim, world) {
  const main = sim.worlds.of(sim.settings.account, world.live);
  const own = world.all('webhook_endpoint').filter((one) => !world.connect.has(one.id));
  if (world === main) return own;
  return [...own, ...main.all('webhook_endpoint').filter((one) => main.connect.has(one.id))];
}

export function wants(endpoint, event) {
  return endpoint.enabled_events.some((pattern) => typeFits(pattern, event.type));
}

// Old values of what changed: in hashes only what changed in them, lists whole,
// null for what was not there (section 1.2). undefined: nothing changed.
export function previous(before, after) {
  const old = {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [was, is] = [before[name], after[name]];
    if (JSON.stringify(was) === JSON.stringify(is)) continue;
    if (isHash(was) && isHash(is)) {
      const inner = previous(was, is);
      if (inner !== undefined) old[name] = inner;
    } else old[name] = was ?? null;
  }
  return Object.keys(old).length > 0 ? old : undefined;
}

function isHash(value) {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
