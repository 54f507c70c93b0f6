// The control interface below /_sim/: what a test sets, adds and looks at.
// None of it counts as an API call.  An unknown path is 404; a request that
// makes no sense is 400 {"error"}.
//
//   GET  health
//   GET|POST settings            POST: {name: value}
//   POST load                    rows as the API shows them, by kind (see the entry)
//   POST generate                {"customers":N,"seed":S}: made rows, from their index
//   POST change                  {"do":VERB,...} or {"changes":[...]}: see the entry
//   GET  events[?state=&bodies=1]  webhooks made so far
//   POST deliver                 sends pending webhooks: see outbox.mjs
//   GET  calls[?count=1]  DELETE calls
//   GET|POST|DELETE faults       {"faults":[{"match":{method,path,key},"times":1,"skip":0,"do":{...}}]}
//   GET  state                   how many rows of each kind, and what else there is
//   GET  state/KIND[?id=|offset=&limit=]  rows as the API shows them
//   POST reset                   empty world, no events, faults, calls; {"settings":true}: those too

import { Refusal } from './refusal.mjs';

export async function control(host, method, url, raw) {
  const at = new URL(url, 'http://127.0.0.1');
  const [name, ...rest] = at.pathname.slice('/_sim/'.length).split('/');
  const handler = HANDLERS[`${method} ${name}`];
  if (handler === undefined) return { status: 404, body: { error: `no control ${method} ${at.pathname}` } };
  try {
    const body = raw.length === 0 ? {} : JSON.parse(raw.toString('utf8'));
    const answer = await handler({ host, system: host.system, rest: rest.map(decodeURIComponent), query: at.searchParams, body });
    return { status: 200, body: answer ?? { ok: true } };
  } catch (err) {
    // A member that is missing shows as a TypeError: the stack tells which.
    const plain = err instanceof Refusal || err.name === 'Error' || err.name === 'SyntaxError';
    return { status: 400, body: { error: plain ? err.message : err.stack } };
  }
}

const HANDLERS = {
  'GET health': () => ({ ok: true }),

  'GET settings': ({ system }) => system.settings,
  'POST settings': ({ system, body }) => {
    system.set(body);
    return system.settings;
  },

  'POST load': ({ system, body }) => system.load(body),
  'POST generate': ({ system, body }) => generate(system, body),

  'POST change': ({ system, body }) => {
    const list = body.changes ?? [body];
    const before = system.outbox.events.length;
    const results = list.map((change) => system.change(change));
    const events = system.outbox.events.slice(before).map((event) => system.outbox.shown(event));
    return { result: results[0] ?? null, results, events };
  },

  'GET events': ({ system, query }) => ({ events: system.outbox.list(query.get('state'), query.get('bodies') === '1') }),
  'POST deliver': ({ system, body }) => system.deliver(body),

  'GET calls': ({ host, query }) => (query.get('count') === '1' ? host.log.counts() : host.log.entries),
  'DELETE calls': ({ host }) => host.log.clear(),

  'GET faults': ({ host }) => host.faults.shown(),
  'POST faults': ({ host, body }) => {
    host.faults.add(body.faults ?? []);
    return { ok: true, faults: host.faults.shown() };
  },
  'DELETE faults': ({ host }) => host.faults.clear(),

  'GET state': ({ system, rest, query }) => (rest.length === 0 || rest[0] === '' ? summary(system) : rows(system, rest[0], query)),

  'POST reset': ({ host, system, body }) => {
    host.faults.clear();
    host.log.clear();
    system.outbox.clear();
    system.reset();
    if (body.settings === true) system.set(system.constructor.defaults());
  },
};

function generate(system, { customers, seed = 1, ...rest }) {
  for (const name of Object.keys(rest)) throw new Error(`unknown member ${name}`);
  if (!Number.isInteger(customers) || customers < 0 || customers > 10000000) throw new Error('customers must be a whole number');
  if (!Number.isInteger(seed)) throw new Error('seed must be a whole number');
  system.generate(customers, seed);
  return counts(system);
}

function counts(system) {
  return Object.fromEntries(Object.entries(system.tables).map(([kind, table]) => [kind, table.count]));
}

function summary(system) {
  return { counts: counts(system), events: system.outbox.counts(), ...system.more() };
}

function rows(system, kind, query) {
  const table = system.tables[kind];
  if (table === undefined) throw new Error(`no such kind: ${kind}`);
  const id = query.get('id');
  if (id !== null) {
    const row = table.get(id);
    return { count: row === undefined ? 0 : 1, rows: row === undefined ? [] : [system.show(kind, row)] };
  }
  const limit = Number(query.get('limit') ?? 100);
  return { count: table.count, rows: table.slice(Number(query.get('offset') ?? 0), limit).map((row) => system.show(kind, row)) };
}
