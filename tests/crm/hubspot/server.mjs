// HTTP: reads a request, leads it through faults, token, limits, scopes and
// handler, answers, and keeps the log of calls.

import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { CallLog } from '../../sim/call-log.mjs';
import { close, listen, receive, send, truncate } from '../../sim/http.mjs';
import { control } from './control.mjs';
import { ApiError, methodNotAllowed, missingScopes, RawAnswer, unknownPath } from './errors.mjs';
import { faultAnswer, Faults } from './faults.mjs';
import { Limits } from './limits.mjs';
import { Portal } from './portal.mjs';
import { route } from './router.mjs';
import { parse } from './shape.mjs';

const MAX_URL = 8192;

class Call {
  constructor(sim, req, raw) {
    this.sim = sim;
    this.portal = sim.portal;
    this.limits = sim.limits;
    this.method = req.method;
    this.headers = req.headers;
    this.raw = raw;
    this.url = req.url;
    const mark = req.url.indexOf('?');
    this.path = mark < 0 ? req.url : req.url.slice(0, mark);
    this.query = new URLSearchParams(mark < 0 ? '' : req.url.slice(mark + 1));
    this.baseUrl = `http://${req.headers.host ?? '127.0.0.1'}`;
    this.route = null;
    this.params = {};
    this.type = null;
    this.toType = null;
    this.version = '';
    this.token = null;
    this.inputs = req.method === 'GET' ? 0 : 1;
  }

  json(shape) {
    const type = this.headers['content-type'] ?? '';
    if (!/^application\/json\b/i.test(type))
      throw new ApiError(415, { message: `Unsupported content type: ${type === '' ? 'none' : type}` });
    return parse(this.raw, shape);
  }

  recordFault(keys) {
    if (this.sim.faults.list.length > 0)
      this.sim.faults.ofRecord(this, keys.filter((key) => key !== undefined));
  }

  // Names under which a fault may name the object types of the call.
  typeNames() {
    return [this.params.type, this.params.toType].filter((name) => name !== undefined).flatMap((name) => {
      const type = this.portal.types.byPath.get(name.toLowerCase());
      return type === undefined ? [name] : [type.id, type.plural, type.singular];
    });
  }

  // Every id and property value of the request, for faults that name a record.
  keys() {
    const keys = [this.params.id, this.params.toId];
    try {
      const body = JSON.parse(this.raw.toString('utf8'));
      for (const input of [body, ...(body.inputs ?? [])])
        keys.push(input.id, input.from?.id, ...[input.to ?? []].flat().map((to) => to.id), ...Object.values(input.properties ?? {}));
    } catch {
      // Not JSON: the ids of the path are all there is.
    }
    return keys.map(String);
  }

  kind() {
    if (this.route === null) return `${this.method} ${this.path}`;
    const named = (name) => {
      const type = this.portal.types.byPath.get((this.params[name] ?? '').toLowerCase());
      return type === undefined ? this.params[name] : type.plural;
    };
    return `${this.method} ${this.route.kind.replace('{type}', named('type')).replace('{toType}', named('toType'))}`;
  }
}

export class Simulator {
  constructor(settings = {}) {
    this.portal = new Portal(settings);
    this.limits = new Limits(this.portal.settings);
    this.faults = new Faults();
    this.log = new CallLog();
    this.witness = null; // see Witness
    this.server = createServer({ maxHeaderSize: 65536, keepAliveTimeout: 120000 }, (req, res) => this.#receive(req, res));
  }

  listen(port) {
    return listen(this.server, port);
  }

  close() {
    return close(this.server);
  }

  #receive(req, res) {
    receive('hubspot', req, res, (raw) => (req.url.startsWith('/_sim/') ? this.#control(req, res, raw) : this.#serve(req, res, raw)));
  }

  async #control(req, res, raw) {
    send(res, control(this, req.method, req.url, raw));
  }

  async #serve(req, res, raw) {
    const entry = this.log.begin(req.method, req.url);
    const call = new Call(this, req, raw);
    const found = route(call.method, call.path);
    if (found?.route !== undefined) {
      call.route = found.route;
      call.params = found.params;
      call.version = found.route.version;
    }
    if (this.portal.settings.latency_ms > 0) await sleep(this.portal.settings.latency_ms);
    const fault = this.faults.list.length > 0 ? this.faults.ofCall(call) : null;
    if (fault?.delay_ms) await sleep(fault.delay_ms);
    const answer = this.#answer(call, found, fault);
    this.log.end(entry, call, answer === null ? 0 : answer.status);
    this.witness?.see(call, fault === null ? answer : null);
    if (answer === null) req.socket.destroy();
    else if (fault?.truncate) truncate(req, res, answer);
    else send(res, answer);
  }

  // null: close the connection.
  #answer(call, found, fault) {
    if (fault?.drop === 'before') return null;
    if (fault?.status !== undefined && fault.after !== true) return faultAnswer(fault);
    const answer = answerOf(() => this.#handle(call, found, fault));
    if (fault?.drop === 'after') return null;
    if (fault?.status !== undefined) return faultAnswer(fault);
    if (fault?.short_results !== undefined && Array.isArray(answer.body?.results))
      answer.body.results.splice(Math.max(0, answer.body.results.length - fault.short_results));
    return answer;
  }

  #handle(call, found, fault) {
    if (call.url.length > MAX_URL) throw new RawAnswer(414, 'text/html', '<html><body>414 URI Too Long</body></html>\n');
    if (found === null) throw unknownPath();
    if (found.route === undefined) throw methodNotAllowed(found.allowed);
    if (call.route.public) return call.route.handler(call);
    if (fault?.expire_token) this.portal.tokens.expire((call.headers.authorization ?? '').replace(/^Bearer /i, ''));
    call.token = this.portal.tokens.check(call.headers.authorization);
    const headers = this.limits.take(call.token.kind, call.route.callClass);
    const answer = answerOf(() => this.#authorized(call));
    return { ...answer, headers: { ...headers, ...answer.headers } };
  }

  #authorized(call) {
    if (!call.route.lateType) {
      if (call.params.type !== undefined) call.type = this.portal.types.resolve(call.params.type);
      if (call.params.toType !== undefined) call.toType = this.portal.types.resolve(call.params.toType);
    }
    for (const group of call.route.scopes(call))
      if (!group.some((scope) => call.token.scopes.includes(scope))) throw missingScopes(group);
    return call.route.handler(call);
  }
}

function answerOf(work) {
  try {
    return work();
  } catch (err) {
    if (err instanceof ApiError) return { status: err.status, body: err.envelope(), headers: err.headers };
    if (err instanceof RawAnswer)
      return { status: err.status, text: err.text, headers: { 'Content-Type': err.contentType, ...err.headers } };
    throw err;
  }
}
