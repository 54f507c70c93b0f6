// Bringing objects and events into a world: from a test, or the recorded ones.

import { readdirSync, readFileSync } from 'node:fs';
import { keep } from './changes.mjs';
import { Generated } from './generate.mjs';

const RECORDED = new URL('recorded/', import.meta.url);
const DAY_S = 86400;

// body: {objects, events, recorded, account, livemode}. Objects are objects or
// pages of them; each goes to the world of its own livemode.
export function load(sim, body) {
  known(body, ['objects', 'events', 'recorded', 'account', 'livemode']);
  const objects = [...(body.recorded === true ? recorded() : []), ...body.objects ?? []];
  const sorted = flat(objects);
  for (const obj of sorted.objects) {
    const world = worldOf(sim, obj.object === 'event' ? { ...body, account: obj.account ?? body.account } : body, obj);
    if (obj.object === 'event') keep(sim, world, obj);
    else world.put(obj);
  }
  for (const page of sorted.lines) addLines(sim, body, page);
  // The oldest first: of one second, what comes first here is older.
  for (const event of body.events ?? []) keep(sim, worldOf(sim, { ...body, account: event.account ?? body.account }, event), event);
  return { ok: true, objects: sorted.objects.length, events: (body.events ?? []).length };
}

function worldOf(sim, { account, livemode }, obj) {
  return sim.worlds.named({ account, livemode: obj.livemode ?? livemode });
}

export function known(body, names) {
  for (const name of Object.keys(body)) if (!names.includes(name)) throw new Error(`unknown member ${name}`);
}

// Pages are newest first: the oldest goes in first, so that equal seconds keep their order.
function flat(given) {
  const objects = [];
  const lines = [];
  for (const one of given) {
    if (one.object !== 'list') objects.push(one);
    else if (/\/(lines|payments)$/.test(one.url)) lines.push(one);
    else objects.push(...[...one.data].reverse());
  }
  return { objects, lines };
}

// More lines of an invoice or a credit note.
function addLines(sim, body, page) {
  const [, path, id] = /^\/v1\/(invoices|credit_notes)\/([^/]+)\/lines$/.exec(page.url) ?? [];
  const type = path === 'invoices' ? 'invoice' : 'credit_note';
  const world = [true, false].map((livemode) => sim.worlds.named({ ...body, livemode })).find((one) => one.get(type, id) !== undefined);
  if (world === undefined) throw new Error(`no ${type} for ${page.url}`);
  const owner = world.get(type, id);
  const have = new Set(owner.lines.data.map((line) => line.id));
  owner.lines.data.push(...page.data.filter((line) => !have.has(line.id)));
  world.put(owner);
}

// What was recorded of the demonstration account.
function recorded() {
  const names = readdirSync(RECORDED).sort();
  // Reads with more in them after the pages, pages that go on before those that begin.
  const rank = (name) => (name.includes('_retrieve_') ? 2 : name.includes('page1') ? 1 : 0);
  return names.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1)).map((name) => JSON.parse(readFileSync(new URL(name, RECORDED), 'utf8')));
}

export function generate(sim, body) {
  known(body, ['customers', 'seed', 'until', 'account', 'livemode']);
  const world = sim.worlds.named(body);
  if (world.collection('customer').segments.length > 0) throw new Error('this world is generated already: reset first');
  const until = body.until ?? Math.floor(sim.worlds.now() / DAY_S) * DAY_S;
  return new Generated(world, { customers: body.customers, seed: body.seed, until }).install();
}
