// The HTTP line: reads requests, lets faults act on it, sends answers with the
// headers of the REST API, and logs each call.

import http from 'node:http';
import { randomBytes } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { answerControl } from './control.mjs';
import { SalesforceError } from './errors.mjs';
import { admit, tokenIn } from './gate.mjs';
import { answerOAuth, isOAuthPath } from './oauth-routes.mjs';
import { movedAnswer } from './moved.mjs';
import { answer, errorAnswer, isDataPath, makeCall } from './router.mjs';
import { versionList } from './resources.mjs';
import { answerSoap, isSoapPath } from './soap.mjs';

// Room for more than an upload of Bulk may hold, so that its own limit answers.
const MAX_BODY = 128 * 1024 * 1024;
const GZIP_FROM = 1024;
const HTML = 'text/html;charset=UTF-8';
const JSON_TYPE = 'application/json;charset=UTF-8';

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function readBytes(req) {
  return new Promise((resolve, reject) => {
    const parts = [];
    let size = 0;
    req.on('data', (part) => {
      size += part.length;
      if (size <= MAX_BODY) parts.push(part);
    });
    req.on('end', () => (size > MAX_BODY ? reject(new SalesforceError(413, 'REQUEST_ENTITY_TOO_LARGE', 'The request body is too large')) : resolve(Buffer.concat(parts, size))));
    req.on('error', reject);
    req.on('aborted', () => reject(new Error('client went away')));
  });
}

function unpack(req, bytes) {
  const coding = req.headers['content-encoding'];
  if (coding === undefined || coding === 'identity') return bytes;
  if (coding.toLowerCase() !== 'gzip') throw new SalesforceError(415, 'UNSUPPORTED_MEDIA_TYPE', `Content-Encoding is not supported: ${coding}`);
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_BODY });
  } catch {
    throw new SalesforceError(400, 'JSON_PARSER_ERROR', 'The request body is not valid gzip');
  }
}

export class SimServer {
  constructor(org) {
    this.org = org;
    this.running = new Set();
    // Above the 16 KB the API itself allows, so that the 431 is ours to send.
    this.http = http.createServer({ maxHeaderSize: 128 * 1024, keepAliveTimeout: 120000 }, (req, res) => {
      this.handle(req, res).catch((error) => this.broken(req, res, error));
    });
    this.http.keepAliveTimeout = 120000;
  }

  listen(port) {
    return new Promise((resolve, reject) => {
      this.http.once('error', reject);
      this.http.listen(port, '127.0.0.1', () => {
        this.port = this.http.address().port;
        this.org.baseUrl = `http://127.0.0.1:${this.port}`;
        resolve(this.port);
      });
    });
  }

  close() {
    return new Promise((resolve) => {
      this.http.close(() => resolve());
      this.http.closeAllConnections?.();
    });
  }

  broken(req, res, error) {
    if (req.aborted || res.destroyed) return;
    if (error instanceof SalesforceError) {
      this.send(req, res, errorAnswer(error));
      return;
    }
    console.error(error);
    this.send(req, res, { status: 500, body: [{ errorCode: 'UNKNOWN_EXCEPTION', message: `An unexpected error occurred: ${error.message}` }] });
  }

  async handle(req, res) {
    const startedAt = Date.now();
    const started = process.hrtime.bigint();
    const bytes = unpack(req, await readBytes(req));
    this.org.ingest.step();
    if (req.url.startsWith('/_sim/')) {
      this.send(req, res, answerControl(this.org, req, bytes.toString('utf8')), true);
      return;
    }
    const request = { method: req.method, url: req.url, headers: req.headers, rawHeaders: req.rawHeaders, bytes };
    const { faults, settings: { values } } = this.org;
    const fault = faults.list.length ? faults.forCall(req.method, req.url, bytes.toString('utf8')) : null;
    const mark = { startedAt };
    this.running.add(mark);
    try {
      const wait = values.latency_ms + (fault?.delay_ms ?? 0) + (isSoapPath(request.url) ? values.soap_latency_ms : 0);
      if (wait > 0) await sleep(wait);
      const { result, call } = fault && this.preempted(fault) ? { result: this.preempted(fault), call: null } : this.process(request, fault);
      if (values.latency_per_record_ms && call?.records) await sleep(values.latency_per_record_ms * call.records);
      this.org.calls.add({
        at: new Date(startedAt).toISOString(), method: req.method, path: req.url, status: result.drop ? 0 : result.status,
        subrequests: call?.subrequests ?? [], records: call?.records ?? 0,
        ms: Number((process.hrtime.bigint() - started) / 1000n) / 1000, ...(fault ? { fault } : {}),
      }, call?.kind ?? result.kind ?? 'other');
      if (result.drop || fault?.drop) req.socket.destroy();
      else this.send(req, res, result, false, fault?.truncate);
    } finally {
      this.running.delete(mark);
    }
  }

  // The answer of a fault that acts before anything is applied.
  preempted(fault) {
    if (fault.drop === 'before') return { drop: true, status: 0 };
    return 'status' in fault && !fault.applied ? injected(fault) : null;
  }

  // Applies the request. A fault with `applied` hides the true answer.
  process(request, fault) {
    if (fault?.expire_token) this.org.oauth.expire(tokenIn(request.headers));
    const done = this.dispatch(request);
    return fault && 'status' in fault ? { ...done, result: injected(fault) } : done;
  }

  dispatch(request) {
    const at = request.url.indexOf('?');
    const path = at < 0 ? request.url : request.url.slice(0, at);
    if (isOAuthPath(path)) {
      const query = new URLSearchParams(at < 0 ? '' : request.url.slice(at + 1));
      return { result: answerOAuth(this.org, { ...request, raw: request.bytes.toString('utf8') }, path, query), call: null };
    }
    const moved = movedAnswer(this.org, request);
    if (moved) return { result: moved, call: null };
    if (isSoapPath(path)) return answerSoap(this.org, request, path);
    if (path === '/services/data' || path === '/services/data/') {
      return { result: { status: 200, body: versionList(), kind: 'versions' }, call: null };
    }
    if (!isDataPath(path)) {
      return { result: { status: 404, text: '<html><head><title>Not Found</title></head><body>URL No Longer Exists</body></html>' }, call: null };
    }
    const context = {
      org: this.org, userId: this.org.userId, now: Date.now(),
      allowSave: /allowSave\s*=\s*true/i.test(request.headers['sforce-duplicate-rule-header'] ?? ''),
    };
    const call = makeCall(context, request);
    try {
      admit(this.org, request, call, this.longCalls());
    } catch (error) {
      if (!(error instanceof SalesforceError)) throw error;
      return { result: this.withLimits(call, errorAnswer(error)), call };
    }
    return { result: this.withLimits(call, answer(call)), call };
  }

  withLimits(call, result) {
    if (!call.limitInfo) return result;
    const { daily_used: used, daily_limit: limit } = this.org.settings.values;
    return { ...result, headers: { ...result.headers, 'Sforce-Limit-Info': `api-usage=${used}/${limit}` } };
  }

  // Calls that count against the concurrent limit: only those that have run
  // for long (Salesforce: Limits). The call that asks is one of the running.
  longCalls() {
    const before = Date.now() - this.org.settings.values.long_call_ms;
    let n = 0;
    for (const { startedAt } of this.running) if (startedAt <= before) n++;
    return this.org.settings.values.long_call_ms === 0 ? n - 1 : n;
  }

  send(req, res, result, control = false, truncate = false) {
    const { values } = this.org.settings;
    const headers = { ...result.headers };
    if (!control) headers['x-sfdc-request-id'] = randomBytes(16).toString('hex');
    let payload = null;
    if (result.text !== undefined) {
      payload = Buffer.from(result.text);
      headers['Content-Type'] = headers['Content-Type'] ?? HTML;
    } else if (result.body !== undefined && result.status !== 204) {
      const body = values.extra_keys && !control && result.status < 400 ? withExtraKeys(result.body) : result.body;
      payload = Buffer.from(result.rewrite ? result.rewrite(JSON.stringify(body)) : JSON.stringify(body));
      headers['Content-Type'] = headers['Content-Type'] ?? JSON_TYPE;
    }
    if (payload && values.gzip && !control && payload.length > GZIP_FROM && /\bgzip\b/.test(req.headers['accept-encoding'] ?? '')) {
      payload = gzipSync(payload, { level: 1 });
      headers['Content-Encoding'] = 'gzip';
    }
    for (const [name, value] of Object.entries(headers)) {
      res.setHeader(control ? name : inCase(name, values), value);
    }
    res.statusCode = result.status;
    if (truncate && payload) {
      res.setHeader('Content-Length', payload.length);
      res.write(payload.subarray(0, payload.length >> 1), () => req.socket.destroy());
      return;
    }
    if (values.chunked_answers && payload && !control) {
      res.write(payload.subarray(0, payload.length >> 1));
      res.end(payload.subarray(payload.length >> 1));
      return;
    }
    if (result.status !== 204 && result.status !== 304) res.setHeader('Content-Length', payload?.length ?? 0);
    res.end(payload ?? undefined);
  }
}

// Header names come in any case.
function inCase(name, { lowercase_headers: lower, uppercase_headers: upper }) {
  if (upper) return name.toUpperCase();
  return lower ? name.toLowerCase() : name;
}

// Text bodies stand for the HTML pages that edge servers send.
function injected(fault) {
  const { status, body, headers = {} } = fault;
  if (body === undefined) return { status, headers };
  return typeof body === 'string' ? { status, text: body, headers } : { status, body, headers };
}

// Keys no client knows, in every object but records.
function withExtraKeys(value) {
  if (Array.isArray(value)) return value.map(withExtraKeys);
  if (value === null || typeof value !== 'object' || 'attributes' in value) return value;
  const out = { simulatorExtra: { note: 'unknown keys are to be ignored' } };
  for (const [key, inner] of Object.entries(value)) out[key] = withExtraKeys(inner);
  return out;
}
