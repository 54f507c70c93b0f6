// Webhooks that are made but not sent, and their sending.
//
// POST /_sim/deliver {
//   "url"         where to; left out: the endpoints that the service knows
//   "shuffle"     a seed: send in another order
//   "duplicate"   0..1: this part of the deliveries is sent twice ("seed" chooses which)
//   "only"        [types]: others stay pending
//   "limit"       at most so many events, oldest first; the rest stays pending
//   "again"       true: what was sent or lost before, once more, with the same ids
//   "ids"         [event numbers]: only these
//   "concurrency" 1: how many at a time
//   "attempts"    how often each is tried (default: as the service does)
//   "wait_ms"     [..] before the second, third .. attempt (default: retry_wait_ms each)
//   "timeout_ms"  of one attempt
//   "age_s"       the signature claims to be so old
//   "tamper"      "signature" or "body": what is sent does not fit what was signed
//   "quiet"       true: no list of deliveries in the answer
//   ... and what the service adds, see its entry
// }
// answers {"events","deliveries","accepted","lost","attempts","results":[
//   {"n","type","id","url","statuses":[..],"accepted"}]}; status 0: no answer.

import { post } from './sender.mjs';
import { shuffled, stream } from './chance.mjs';
import { setTimeout as sleep } from 'node:timers/promises';

const OPTIONS = ['url', 'shuffle', 'duplicate', 'seed', 'only', 'limit', 'again', 'ids', 'concurrency', 'attempts', 'wait_ms',
  'timeout_ms', 'age_s', 'tamper', 'quiet'];

export class Outbox {
  // service: { settings, attempts, timeoutMs, options: [names], accepted(status),
  //   endpoints(options), headers(event, endpoint, body, time_s, options) }
  // An endpoint: { url, wants(event), id(event) }.
  constructor(service) {
    this.service = service;
    this.clear();
  }

  clear() {
    this.events = [];
  }

  // body: a function that writes it; called now or at the first attempt.
  add(type, subject, body, more = {}) {
    const event = { n: this.events.length + 1, type, subject, at: new Date().toISOString(), state: 'pending', ...more };
    event.write = body;
    event.body = this.service.settings.serialize === 'change' ? body() : null;
    this.events.push(event);
    return event;
  }

  shown({ write, body, ...rest }, withBody = false) {
    return withBody ? { ...rest, body } : rest;
  }

  list(state, withBodies) {
    return this.events.filter((event) => state === null || event.state === state).map((event) => this.shown(event, withBodies));
  }

  counts() {
    const counts = { made: this.events.length, pending: 0, sent: 0, lost: 0 };
    for (const { state } of this.events) counts[state]++;
    return counts;
  }

  async deliver(options) {
    for (const name of Object.keys(options))
      if (!OPTIONS.includes(name) && !this.service.options.includes(name)) throw new Error(`unknown member ${name}`);
    const events = this.#chosen(options);
    let deliveries = this.#planned(events, options);
    if (options.shuffle !== undefined) deliveries = shuffled(deliveries, options.shuffle);
    const queue = [...deliveries];
    const worker = async () => {
      while (queue.length > 0) await this.#deliverOne(queue.shift(), options);
    };
    await Promise.all(Array.from({ length: options.concurrency ?? 1 }, worker));
    const lost = new Set(deliveries.filter(({ accepted }) => !accepted).map(({ event }) => event));
    for (const event of events) event.state = lost.has(event) ? 'lost' : 'sent';
    return report(events, deliveries, options);
  }

  #chosen({ only, limit = Infinity, again = false, ids }) {
    const fits = (event) => (again ? event.state !== 'pending' : event.state === 'pending')
      && (only === undefined || only.includes(event.type)) && (ids === undefined || ids.includes(event.n));
    return this.events.filter(fits).slice(0, limit);
  }

  #planned(events, options) {
    const endpoints = this.service.endpoints(options);
    const chance = stream(options.seed ?? 1);
    const once = [];
    const twice = [];
    for (const event of events) {
      event.body ??= event.write();
      for (const endpoint of endpoints) {
        if (!endpoint.wants(event)) continue;
        once.push({ event, endpoint, statuses: [], accepted: false });
        if (chance() < (options.duplicate ?? 0)) twice.push({ event, endpoint, statuses: [], accepted: false });
      }
    }
    return once.concat(twice);
  }

  async #deliverOne(delivery, options) {
    const { settings, attempts, accepted, timeoutMs } = this.service;
    const times = options.attempts ?? attempts;
    for (let n = 1; n <= times; n++) {
      if (n > 1) await sleep(options.wait_ms?.[n - 2] ?? settings.retry_wait_ms);
      const { status, headers } = await this.#attempt(delivery, options, timeoutMs);
      delivery.statuses.push(status);
      delivery.accepted = accepted(status);
      if (delivery.accepted || this.service.stops?.(headers)) return;
    }
  }

  #attempt({ event, endpoint }, options, timeoutMs) {
    const time = Math.floor(Date.now() / 1000) - (options.age_s ?? 0);
    const headers = this.service.headers(event, endpoint, event.body, time, options);
    let body = event.body;
    if (options.tamper === 'body') body = `${body} `;
    else if (options.tamper === 'signature') this.service.spoil(headers);
    else if (options.tamper !== undefined) throw new Error(`nothing known to tamper with: ${options.tamper}`);
    return post(endpoint.url, { 'Content-Type': 'application/json', ...headers }, body, options.timeout_ms ?? timeoutMs);
  }
}

function report(events, deliveries, { quiet = false }) {
  const results = deliveries.map(({ event, endpoint, statuses, accepted }) => ({
    n: event.n, type: event.type, id: endpoint.id(event), url: endpoint.url, statuses, accepted,
  }));
  const accepted = results.filter((result) => result.accepted).length;
  return {
    events: events.length, deliveries: results.length, accepted, lost: results.length - accepted,
    attempts: results.reduce((sum, { statuses }) => sum + statuses.length, 0),
    ...(quiet ? {} : { results }),
  };
}
