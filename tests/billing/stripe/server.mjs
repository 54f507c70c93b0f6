// HTTP: reads a request, leads it through faults, key, limits, version,
// permission and handler, answers, and keeps the log of calls.

import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { CallLog } from '../../sim/call-log.mjs';
import { close, listen, receive, send, truncate } from '../../sim/http.mjs';
import { control } from './control.mjs';
import { invalid, NotSimulated, StripeError, unknownPath } from './errors.mjs';
import { faultAnswer, makeFaults } from './faults.mjs';
import { decode } from './form.mjs';
import { echoed, once } from './idempotency.mjs';
import { authenticate, checkPermission, checkVersion, redacted } from './keys.mjs';
import { Limits } from './limits.mjs';
import { read } from './params.mjs';
import { find } from './router.mjs';
import { applySettings, defaultSettings } from './settings.mjs';
import { READ } from './shapes.mjs';
import { newId, Worlds } from './world.mjs';

const FORM = /^application\/x-www-form-urlencoded\b/i;

class Call {
  constructor(sim, req, raw) {
    const mark = req.url.indexOf('?');
    this.sim = sim;
    this.settings = sim.settings;
    this.method = req.method;
    this.headers = req.headers;
    this.raw = raw;
    this.path = mark < 0 ? req.url : req.url.slice(0, mark);
    this.query = mark < 0 ? '' : req.url.slice(mark + 1);
    this.requestId = newId('req_', 12);
    this.found = find(this.method, this.path);
    this.inputs = this.method === 'GET' ? 0 : 1;
    this.details = { request: this.requestId, version: req.headers['stripe-version'], account: req.headers['stripe-account'], idempotency_key: req.headers['idempotency-key'] };
  }

  now() {
    return this.sim.worlds.now();
  }

  // The parameters, of the query or of the body.
  read(kinds) {
    const query = decode(this.query);
    if (this.method === 'GET') return read(kinds, query);
    if (this.raw.length > 0 && !FORM.test(this.headers['content-type'] ?? ''))
      throw invalid('Invalid request (check that your POST content type is application/x-www-form-urlencoded). If you have any questions, we can help at https://support.stripe.com/.');
    return read(kinds, { ...query, ...decode(this.raw.toString('utf8')) });
  }

  // Refuses when the key may not read one of these types.
  allow(types) {
    for (const type of types) checkPermission(this.caller, READ[type]);
  }

  request() {
    return { id: this.requestId, idempotency_key: this.headers['idempotency-key'] ?? null };
  }

  // The end of a message, where the key is of the wrong mode.
  inOtherMode(type, id) {
    const other = this.sim.worlds.of(this.caller.account, !this.caller.live);
    if (other.get(type, id) === undefined) return '';
    const [has, used] = this.caller.live ? ['test', 'live'] : ['live', 'test'];
    return `; a similar object exists in ${has} mode, but a ${used} mode key was used to make this request.`;
  }

  // For the log and for faults.

  kind() {
    return this.found === null ? `${this.method} ${this.path}` : this.found.route.kind;
  }

  typeNames() {
    return this.found === null ? [] : [this.found.route.type];
  }

  keys() {
    return [...Object.values(this.found?.params ?? {}), ...new URLSearchParams(this.query).values(), ...new URLSearchParams(this.raw.toString('utf8')).values()];
  }
}

export class Simulator {
  constructor(settings = {}) {
    this.settings = defaultSettings();
    applySettings(this.settings, settings);
    this.worlds = new Worlds(this.settings);
    this.limits = new Limits(this.settings);
    this.faults = makeFaults();
    this.log = new CallLog();
    this.server = createServer({ maxHeaderSize: 65536, keepAliveTimeout: 120000 }, (req, res) => this.#receive(req, res));
  }

  listen(port) {
    return listen(this.server, port);
  }

  close() {
    return close(this.server);
  }

  reset() {
    this.worlds.clear();
    this.limits.clear();
    this.faults.clear();
    this.log.clear();
  }

  #receive(req, res) {
    receive('stripe', req, res, async (raw) => {
      if (req.url.startsWith('/_sim/')) send(res, await control(this, req.method, req.url, raw));
      else await this.#serve(req, res, raw);
    });
  }

  async #serve(req, res, raw) {
    const entry = this.log.begin(req.method, req.url);
    const call = new Call(this, req, raw);
    if (this.settings.latency_ms > 0) await sleep(this.settings.latency_ms);
    const fault = this.faults.list.length > 0 ? this.faults.ofCall(call) : null;
    if (fault?.delay_ms) await sleep(fault.delay_ms);
    const answer = this.#answer(call, fault);
    this.log.end(entry, call, answer === null ? 0 : answer.status);
    if (answer === null) req.socket.destroy();
    else if (fault?.truncate) truncate(req, res, answer);
    else send(res, answer);
  }

  // null: close the connection.
  #answer(call, fault) {
    if (fault?.drop === 'before') return null;
    if (fault?.status !== undefined && fault.after !== true) return this.#dressed(call, faultAnswer(fault));
    const answer = this.#guarded(call);
    if (fault?.drop === 'after') return null;
    return this.#dressed(call, fault?.status === undefined ? answer : faultAnswer(fault));
  }

  #guarded(call) {
    try {
      return this.#handle(call);
    } catch (err) {
      if (err instanceof StripeError) return { status: err.status, body: err.body, headers: err.headers };
      // Nothing that Stripe would say: a status of our own.
      if (err instanceof NotSimulated) return { status: 598, text: `${err.message}\n`, headers: { 'Content-Type': 'text/plain' } };
      throw err;
    }
  }

  #handle(call) {
    call.caller = authenticate(this.settings, call.headers);
    call.details.key = redacted(call.caller.key);
    call.world = this.worlds.of(call.caller.account, call.caller.live);
    this.limits.take(call.caller, call.kind());
    call.version = checkVersion(this.settings, call.headers['stripe-version']);
    if (call.found === null) throw unknownPath(call.method, call.path);
    checkPermission(call.caller, call.found.route.permission);
    return once(call, () => call.found.route.handler(call, call.found.params));
  }

  // What every answer carries; JSON is indented.
  #dressed(call, answer) {
    const headers = {
      'Request-Id': call.requestId, ...(call.version === undefined ? {} : { 'Stripe-Version': call.version }),
      ...(call.headers['stripe-account'] === undefined ? {} : { 'Stripe-Account': call.headers['stripe-account'] }),
      ...echoed(call.headers), ...(answer.body === undefined ? {} : { 'Content-Type': 'application/json' }), ...answer.headers,
    };
    const log = `https://dashboard.stripe.com/${call.caller?.live === false ? 'test/' : ''}logs/${call.requestId}`;
    const body = answer.body?.error === undefined ? answer.body : { error: { request_log_url: log, ...answer.body.error } };
    const text = answer.text ?? `${JSON.stringify(body, null, 2)}\n`;
    const date = new Date(Date.now() + this.settings.clock_offset_s * 1000).toUTCString();
    return { status: answer.status, text, headers: { Date: date, ...headers } };
  }
}
