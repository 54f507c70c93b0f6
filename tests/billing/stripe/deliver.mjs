// Sending webhooks (section 1): signed anew at each attempt, redirects not
// followed, any 2xx a success.  Only to this machine.

import { createHmac, randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { endpointsOf, wants } from './changes.mjs';
import { known } from './load.mjs';

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;
const OPTIONS = [
  'url', 'secret', 'ids', 'types', 'all', 'payloads', 'shuffle', 'duplicate', 'fail', 'attempts', 'retry_delay_ms', 'timeout_ms',
  'concurrency', 'age_s', 'account', 'livemode',
];
const SHOWN = 100; // failures told one by one

// t=...,v1=... for each secret; events of test mode carry the fake scheme v0 too.
export function signature(body, secrets, t, live = true) {
  const schemes = secrets.map((secret) => `v1=${createHmac('sha256', secret).update(`${t}.`).update(body).digest('hex')}`);
  if (!live) schemes.push(`v0=${randomBytes(32).toString('hex')}`);
  return [`t=${t}`, ...schemes].join(',');
}

// Numbers in [0, 1) from a seed.
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let h = Math.imul(state ^ (state >>> 15), state | 1);
    h ^= h + Math.imul(h ^ (h >>> 7), h | 61);
    return ((h ^ (h >>> 14)) >>> 0) / 4294967296;
  };
}

function shuffled(list, next) {
  const copy = [...list];
  for (let n = copy.length - 1; n > 0; n--) {
    const other = Math.floor(next() * (n + 1));
    [copy[n], copy[other]] = [copy[other], copy[n]];
  }
  return copy;
}

// -- What goes where --

// {id, url, secrets, wants(event)}
function targetsOf(sim, world, { url, secret }) {
  if (url !== undefined) {
    const found = endpointsOf(sim, world).find((one) => one.url === url);
    const secrets = secret !== undefined ? [secret] : secretsOf(sim, world, found?.id);
    if (secrets === undefined) throw new Error(`no secret for ${url}: give one, or register the endpoint`);
    return [{ id: found?.id ?? url, url, secrets, registered: found !== undefined, wants: () => true }];
  }
  return endpointsOf(sim, world).filter((one) => one.status === 'enabled').map((one) => ({
    id: one.id, url: one.url, secrets: secretsOf(sim, world, one.id), registered: true, wants: (event) => wants(one, event),
  }));
}

function secretsOf(sim, world, id) {
  return world.secrets.get(id) ?? sim.worlds.of(sim.settings.account, world.live).secrets.get(id);
}

// What a target has still to get, oldest first; ids and all ask for it again.
function eventsFor(world, target, { ids, types, all }) {
  const chosen = ids === undefined ? [...world.collection('event').walk({ backwards: true })] : ids.map((id) => {
    const event = world.get('event', id);
    if (event === undefined) throw new Error(`no such event: ${id}`);
    return event;
  });
  return chosen.filter((event) => {
    if (types !== undefined && !types.includes(event.type)) return false;
    if (ids !== undefined) return true;
    const state = world.deliveries.get(event.id)?.get(target.id)?.state;
    if (!target.wants(event)) return false;
    return all === true || (target.registered && state === undefined ? false : state !== 'ok');
  });
}

// -- Sending --

// Answers the status, or an error as text.
function post(url, headers, body, timeout) {
  return new Promise((resolve) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const req = send(url, { method: 'POST', headers, timeout, rejectUnauthorized: false, agent: false }, (res) => {
      res.resume();
      res.on('end', () => resolve(res.statusCode));
      res.on('error', (err) => resolve(err.code ?? err.message));
    });
    req.on('timeout', () => req.destroy(new Error('timeout')));
    req.on('error', (err) => resolve(err.code ?? err.message));
    req.end(body);
  });
}

function destination(settings, url) {
  const at = new URL(url);
  const real = settings.deliver_to === '' ? at : new URL(at.pathname + at.search, settings.deliver_to);
  if (!LOOPBACK.test(real.hostname)) throw new Error(`${url} is not on this machine: set deliver_to`);
  return { real, host: at.host };
}

class Run {
  constructor(sim, world, options) {
    this.sim = sim;
    this.world = world;
    this.options = { attempts: 1, retry_delay_ms: 0, timeout_ms: 10000, age_s: 0, duplicate: 0, fail: 0, concurrency: 1, ...options };
    this.next = random(options.shuffle ?? 1);
    this.result = { events: 0, sent: 0, delivered: 0, failed: 0, lost: 0, statuses: {}, failures: [] };
  }

  // The jobs of one target in the order in which they are sent.
  #jobs(target, events) {
    const { shuffle, duplicate, fail } = this.options;
    const jobs = (shuffle === undefined ? events : shuffled(events, this.next)).map((event) => ({ target, event, lost: this.next() < fail }));
    for (const job of [...jobs])
      if (this.next() < duplicate) {
        const after = jobs.indexOf(job) + 1;
        jobs.splice(shuffle === undefined ? after : after + Math.floor(this.next() * (jobs.length - after + 1)), 0, { ...job, again: true });
      }
    return jobs;
  }

  async all() {
    const jobs = [];
    for (const target of targetsOf(this.sim, this.world, this.options)) {
      const { real, host } = destination(this.sim.settings, target.url);
      Object.assign(target, { real, host });
      const events = this.options.payloads === undefined ? eventsFor(this.world, target, this.options)
        : this.options.payloads.map((payload) => ({ payload }));
      this.result.events += events.length;
      jobs.push(...this.#jobs(target, events));
    }
    const started = performance.now();
    const workers = Array.from({ length: Math.max(1, this.options.concurrency) }, async () => {
      for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) await this.#deliver(job);
    });
    await Promise.all(workers);
    this.result.ms = Math.round(performance.now() - started);
    return this.result;
  }

  async #deliver(job) {
    const { result } = this;
    if (job.lost) {
      result.lost++;
      this.#note(job, 'failed', 0);
      return;
    }
    for (let attempt = 1; attempt <= this.options.attempts; attempt++) {
      if (attempt > 1 && this.options.retry_delay_ms > 0) await sleep(this.options.retry_delay_ms);
      const status = await this.#attempt(job);
      result.sent++;
      result.statuses[status] = (result.statuses[status] ?? 0) + 1;
      const good = status >= 200 && status < 300;
      this.#note(job, good ? 'ok' : 'failed', status);
      if (good) {
        result.delivered++;
        return;
      }
      if (attempt === this.options.attempts) this.#failed(job, status, attempt);
    }
  }

  #attempt({ target, event }) {
    const text = event.payload === undefined ? JSON.stringify(this.#shown(event), null, 2)
      : typeof event.payload === 'string' ? event.payload : JSON.stringify(event.payload, null, 2);
    const body = Buffer.from(text, 'utf8');
    const t = this.sim.worlds.now() - this.options.age_s;
    return post(target.real, {
      Host: target.host, 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': String(body.length), Accept: '*/*; q=0.5, application/xml',
      'Cache-Control': 'no-cache', 'User-Agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
      'Stripe-Signature': signature(body, target.secrets, t, this.world.live),
    }, body, this.options.timeout_ms);
  }

  #shown(event) {
    const pending = [...this.world.deliveries.get(event.id)?.values() ?? []].filter((one) => one.state !== 'ok').length;
    return { ...event, pending_webhooks: Math.max(1, pending) };
  }

  // A delivery that was made once stays made.
  #note({ target, event }, state, status) {
    if (event.payload !== undefined) return;
    const wanted = this.world.deliveries.get(event.id);
    const was = wanted.get(target.id) ?? { state: 'pending', attempts: 0, status: 0 };
    wanted.set(target.id, { state: was.state === 'ok' ? 'ok' : state, attempts: was.attempts + 1, status });
  }

  #failed({ target, event }, status, attempts) {
    this.result.failed++;
    if (this.result.failures.length < SHOWN) this.result.failures.push({ event: event.id, type: event.type, url: target.url, status, attempts });
  }
}

export function deliver(sim, options) {
  known(options, OPTIONS);
  return new Run(sim, sim.worlds.named(options), options).all();
}
