// The control interface below /_sim/: what a test sets, adds and looks at.
// None of it counts as an API call. tests/billing/stripe.mjs describes it.

import { change } from './changes.mjs';
import { deliver } from './deliver.mjs';
import { add } from './endpoints.mjs';
import { StripeError } from './errors.mjs';
import { generate, known, load } from './load.mjs';
import { applySettings } from './settings.mjs';
import { newId } from './world.mjs';

export async function control(sim, method, url, raw) {
  const at = new URL(url, 'http://127.0.0.1');
  const [name, ...rest] = at.pathname.slice('/_sim/'.length).split('/').map(decodeURIComponent);
  const handler = HANDLERS[`${method} ${name}`];
  if (handler === undefined) return { status: 404, body: { error: `no control ${method} ${at.pathname}` } };
  try {
    const body = raw.length === 0 ? {} : JSON.parse(raw.toString('utf8'));
    return { status: 200, body: (await handler({ sim, body, rest, query: at.searchParams })) ?? { ok: true } };
  } catch (err) {
    return { status: 400, body: { error: err instanceof StripeError ? err.body.error.message : err.message } };
  }
}

// ?account=&livemode=false
function worldOf(sim, query) {
  return sim.worlds.named({ account: query.get('account') ?? undefined, livemode: query.get('livemode') !== 'false' });
}

const HANDLERS = {
  'GET health': () => ({ ok: true }),
  'GET settings': ({ sim }) => sim.settings,
  'POST settings': ({ sim, body }) => {
    applySettings(sim.settings, body, true);
    return sim.settings;
  },

  'POST load': ({ sim, body }) => load(sim, body),
  'POST generate': ({ sim, body }) => generate(sim, body),
  'POST change': ({ sim, body }) => {
    const { changes, ...common } = body;
    const made = (changes ?? [common]).map((one) => change(sim, sim.worlds.named(one), one));
    return changes === undefined ? { event: made[0] } : { events: made };
  },

  'GET events': ({ sim, query }) => {
    const world = worldOf(sim, query);
    const events = [...world.collection('event').walk()];
    return { events: events.map((event) => ({ ...event, deliveries: Object.fromEntries(world.deliveries.get(event.id) ?? []) })) };
  },
  'POST deliver': ({ sim, body }) => deliver(sim, body),

  // Endpoints as the dashboard makes them: any url, a secret that the test knows.
  'GET endpoints': ({ sim, query }) => {
    const world = worldOf(sim, query);
    return {
      endpoints: world.all('webhook_endpoint').map((one) => ({ ...one, secrets: world.secrets.get(one.id), connect: world.connect.has(one.id) })),
    };
  },
  'POST endpoints': ({ sim, body, rest: [id, verb] }) => (id === undefined ? addEndpoint(sim, body) : rollSecret(sim, body, id, verb)),

  'GET state': ({ sim, query, rest: [type, id] }) => {
    const world = worldOf(sim, query);
    if (type === undefined) return world.counts();
    if (!world.collections.has(type)) throw new Error(`no such type: ${type}`);
    if (id === undefined) return { rows: [...world.collection(type).walk()] };
    const obj = world.get(type, id);
    if (obj === undefined) throw new Error(`no such ${type}: ${id}`);
    return obj;
  },

  'GET calls': ({ sim, query }) => (query.get('count') === '1' ? { ...sim.log.counts(), refused: sim.limits.refused, busiest_second: busiest(sim.log.entries) } : sim.log.entries),
  'DELETE calls': ({ sim }) => {
    sim.log.clear();
    sim.limits.refused = 0;
  },
  'GET faults': ({ sim }) => sim.faults.shown(),
  'POST faults': ({ sim, body }) => {
    known(body, ['faults']);
    sim.faults.add(body.faults ?? []);
    return { ok: true, faults: sim.faults.shown() };
  },
  'DELETE faults': ({ sim }) => sim.faults.clear(),
  'POST reset': ({ sim }) => sim.reset(),
};

function addEndpoint(sim, body) {
  known(body, ['url', 'secret', 'enabled_events', 'connect', 'account', 'livemode']);
  if (typeof body.url !== 'string') throw new Error('url is missing');
  const world = sim.worlds.named(body);
  const endpoint = add(sim, world, body);
  // What happened before it was there is sent to it too when the test asks so by all or ids.
  return { ...endpoint, secret: world.secrets.get(endpoint.id)[0] };
}

// For a day both secrets sign (section 1.1).
function rollSecret(sim, body, id, verb) {
  const world = sim.worlds.named(body);
  const secrets = world.secrets.get(id);
  if (verb !== 'roll' || secrets === undefined) throw new Error(`no endpoint ${id}, or not roll`);
  secrets.unshift(body.secret ?? `whsec_${newId('', 30)}`);
  if (body.expire === true) secrets.length = 1;
  return { secrets };
}

// Most calls in any one second, as they came in.
function busiest(entries) {
  const times = entries.map((entry) => Date.parse(entry.at)).sort((a, b) => a - b);
  let most = 0;
  let first = 0;
  for (let n = 0; n < times.length; n++) {
    while (times[n] - times[first] >= 1000) first++;
    most = Math.max(most, n - first + 1);
  }
  return most;
}
