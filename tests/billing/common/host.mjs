// HTTP: reads a request, leads it through faults and the billing system's own
// rules, answers, and keeps the log of calls.  What the systems have in common
// and nothing of what makes them different.

import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { CallLog } from '../../sim/call-log.mjs';
import { faultAnswer as gatewayPage, Faults } from '../../crm/hubspot/faults.mjs';
import { Call } from './call.mjs';
import { control } from './control.mjs';
import { Refusal } from './refusal.mjs';

const PAGES = [502, 503, 504]; // a gateway answers these, in HTML

export class Host {
  constructor(system) {
    this.system = system;
    this.faults = new Faults();
    this.log = new CallLog();
    this.server = createServer({ maxHeaderSize: 65536, keepAliveTimeout: 120000 }, (req, res) => this.#receive(req, res));
  }

  listen(port) {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, '127.0.0.1', () => resolve(this.server.address().port));
    });
  }

  close() {
    return new Promise((resolve) => {
      this.system.close();
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  #receive(req, res) {
    const chunks = [];
    req.on('data', (chunk) => chunks.push(chunk));
    req.on('error', () => res.destroy());
    req.on('end', () => {
      const raw = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
      const work = req.url.startsWith('/_sim/') ? this.#control(req, res, raw) : this.#serve(req, res, raw);
      work.catch((err) => {
        // A mistake of the simulator must not look like an answer of the service.
        process.stderr.write(`${this.system.name} simulator: ${req.method} ${req.url}: ${err.stack}\n`);
        send(res, { status: 599, text: String(err.stack), headers: { 'Content-Type': 'text/plain' } });
      });
    });
  }

  async #control(req, res, raw) {
    send(res, this.#encoded(await control(this, req.method, req.url, raw), JSON.stringify));
  }

  async #serve(req, res, raw) {
    const entry = this.log.begin(req.method, req.url);
    const call = new Call(req, raw);
    if (raw.length > 0) entry.body = raw.toString('utf8');
    if (this.system.settings.latency_ms > 0) await sleep(this.system.settings.latency_ms);
    const fault = this.faults.list.length > 0 ? this.faults.ofCall(call) : null;
    if (fault?.delay_ms) await sleep(fault.delay_ms);
    const answer = await this.#answer(call, fault);
    this.log.end(entry, call, answer === null ? 0 : answer.status);
    if (answer === null) {
      req.socket.destroy();
      return;
    }
    const ready = this.#encoded(answer, (body) => this.system.encode(body));
    if (fault?.truncate) truncate(req, res, ready);
    else send(res, ready);
  }

  // null: close the connection.
  async #answer(call, fault) {
    if (fault?.drop === 'before') return null;
    if (fault?.status !== undefined && fault.after !== true) return this.#faultAnswer(call, fault);
    const answer = await this.#handled(call);
    if (fault?.drop === 'after') return null;
    return fault?.status !== undefined ? this.#faultAnswer(call, fault) : answer;
  }

  async #handled(call) {
    try {
      return await this.system.handle(call);
    } catch (err) {
      if (err instanceof Refusal) return err.answer();
      throw err;
    }
  }

  // What the service sends with a status when the fault gives no body.
  #faultAnswer(call, fault) {
    if (fault.body !== undefined || PAGES.includes(fault.status)) return gatewayPage(fault);
    const answer = this.system.refusal(fault.status, call);
    return { ...answer, headers: { ...answer.headers, ...fault.headers } };
  }

  #encoded(answer, encode) {
    if (answer.body === undefined) return answer;
    return { ...answer, text: encode(answer.body), headers: { 'Content-Type': 'application/json; charset=utf-8', ...answer.headers } };
  }
}

function payloadOf({ status, text = '', headers }) {
  const payload = Buffer.from(text, 'utf8');
  return { payload, headers: status === 204 ? { ...headers } : { ...headers, 'Content-Length': String(payload.length) } };
}

function send(res, answer) {
  const { payload, headers } = payloadOf(answer);
  res.writeHead(answer.status, headers);
  res.end(payload);
}

// The length promises more than is sent.
function truncate(req, res, answer) {
  const { payload, headers } = payloadOf(answer);
  headers['Content-Length'] = String(Math.max(payload.length, 2));
  res.writeHead(answer.status, headers);
  res.write(payload.subarray(0, Math.floor(payload.length / 2)), () => req.socket.destroy());
}
