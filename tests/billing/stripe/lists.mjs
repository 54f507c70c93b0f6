// Listing and reading (section 6): GET /v1/customers, GET /v1/customers/{id}
// and their like, items and lines.

import { invalid, noSuch } from './errors.mjs';
import { EXPAND, PAGE, require, string } from './params.mjs';
import { BY_PATH, filterOf, NAMES } from './resources.mjs';
import { checkExpand } from './view.mjs';

const DEFAULT_LIMIT = 10;

export function list(call, path) {
  const { type, params } = BY_PATH.get(path);
  const { limit, starting_after: after, ending_before: before, expand = [], created, ...filters } = call.read({ ...PAGE, ...params });
  call.allow(checkExpand(expand, type, true));
  checkNames(call.world, filters);
  const page = pageOf(call, type, { limit, after, before, range: created, filters, fits: filterOf(type, renamed(type, filters)) });
  return { status: 200, body: call.world.view.page(type, page, `/v1/${path}`, expand) };
}

// The older name of price.
function renamed(type, { plan, ...filters }) {
  return type === 'subscription' && plan !== undefined ? { ...filters, price: plan } : filters;
}

function checkNames(world, filters) {
  for (const [name, type] of Object.entries(NAMES))
    if (filters[name] !== undefined && world.get(type, filters[name]) === undefined) throw noSuch(type, filters[name], name);
}

// One page: {data, has_more}, newest first whichever way it was asked for.
export function pageOf(call, type, { limit = DEFAULT_LIMIT, after, before, range, filters = {}, fits = () => true }) {
  oneWay(after, before);
  const collection = call.world.collection(type);
  for (const [name, id] of [['starting_after', after], ['ending_before', before]]) checkCursor(call, collection, name, id);
  const found = [];
  const from = after ?? before;
  const backwards = before !== undefined;
  for (const obj of collection.walk({ from, backwards, range, filters })) {
    if (!fits(obj)) continue;
    if (found.length === limit) return { data: backwards ? found.reverse() : found, has_more: true };
    found.push(obj);
  }
  return { data: backwards ? found.reverse() : found, has_more: false };
}

function oneWay(after, before) {
  if (after !== undefined && before !== undefined)
    throw invalid('Received both starting_after and ending_before parameters. Please pass in only one.');
}

function checkCursor(call, collection, name, id) {
  if (id === undefined) return;
  const place = collection.place(id);
  if (place === 'unknown' || (place === 'deleted' && !call.settings.deleted_cursor)) throw noSuch(collection.type, id, name);
}

export function retrieve(call, type, id) {
  const { expand = [] } = call.read(EXPAND);
  call.allow(checkExpand(expand, type, false));
  return { status: 200, body: call.world.view.show(type, existing(call, type, id), expand) };
}

// A deleted customer can still be read; of others nothing is left.
export function existing(call, type, id) {
  const obj = call.world.get(type, id);
  if (obj !== undefined && (obj.deleted !== true || type === 'customer')) return obj;
  throw noSuch(type.replace('webhook_endpoint', 'webhook endpoint'), id, 'id', 404, call.inOtherMode(type, id));
}

// -- Embedded lists by themselves --

function rowsOf(call, type, rows, url) {
  const { limit = DEFAULT_LIMIT, starting_after: after, ending_before: before, expand = [] } = call.values;
  oneWay(after, before);
  call.allow(checkExpand(expand, type, true));
  const at = (id, name) => {
    const n = rows.findIndex((row) => row.id === id);
    if (n < 0) throw noSuch(type, id, name);
    return n;
  };
  let first = 0;
  let end = rows.length;
  if (after !== undefined) first = at(after, 'starting_after') + 1;
  else if (before !== undefined) end = at(before, 'ending_before');
  const start = before === undefined ? first : Math.max(0, end - limit);
  const stop = Math.min(end, start + limit);
  const page = { data: rows.slice(start, stop), has_more: before === undefined ? stop < rows.length : start > 0 };
  return { status: 200, body: call.world.view.page(type, page, url, expand) };
}

export function lines(call, owner, type, id) {
  call.values = call.read(PAGE);
  const obj = existing(call, owner, id);
  return rowsOf(call, type, obj.lines?.data ?? [], call.path);
}

export function items(call) {
  call.values = call.read({ ...PAGE, subscription: string });
  require(call.values, 'subscription');
  const { subscription } = call.values;
  const owner = call.world.get('subscription', subscription);
  if (owner === undefined) throw noSuch('subscription', subscription, 'subscription');
  return rowsOf(call, 'subscription_item', owner.items.data, '/v1/subscription_items');
}

export function account(call) {
  call.read(EXPAND);
  const { settings } = call;
  return {
    status: 200,
    body: {
      id: call.world.account, object: 'account',
      business_profile: { mcc: null, name: settings.account_name, product_description: null, support_email: null, url: null },
      business_type: 'company', charges_enabled: true, controller: { type: 'account' }, country: 'DE', created: 1735689600,
      default_currency: 'usd', details_submitted: true, email: 'owner@example.com', metadata: {}, payouts_enabled: true,
      settings: { dashboard: { display_name: settings.account_name, timezone: 'Europe/Berlin' } }, type: 'standard',
    },
  };
}
