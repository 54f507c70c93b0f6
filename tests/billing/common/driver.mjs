// For the tests of the simulators: one simulator, short calls to it, and a
// receiver of webhooks.

import { createServer, request } from 'node:http';
import { Host } from './host.mjs';

export async function start(system, headers = {}) {
  const host = new Host(system);
  const base = `http://127.0.0.1:${await host.listen(0)}`;

  // Answers {status, headers, body, text}; body is parsed when it is JSON.
  async function call(method, path, body, more = {}) {
    const raw = typeof body === 'string' || Buffer.isBuffer(body);
    const response = await fetch(base + path, {
      method,
      redirect: 'manual',
      headers: { ...headers, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...more },
      body: body === undefined ? undefined : raw ? body : JSON.stringify(body),
    });
    const text = await response.text();
    const isJson = (response.headers.get('content-type') ?? '').startsWith('application/json');
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : text };
  }

  // A control call that must succeed.
  async function sim(method, path, body) {
    const answer = await call(method, `/_sim/${path}`, body);
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.text}`);
    return answer.body;
  }

  return {
    base, host, system, call, sim,
    get: (path, more) => call('GET', path, undefined, more),
    post: (path, body, more) => call('POST', path, body, more),
    put: (path, body, more) => call('PUT', path, body, more),
    patch: (path, body, more) => call('PATCH', path, body, more),
    remove: (path, more) => call('DELETE', path, undefined, more),
    set: (settings) => sim('POST', 'settings', settings),
    load: (rows) => sim('POST', 'load', rows),
    generate: (customers, seed) => sim('POST', 'generate', { customers, seed }),
    change: (verb, given) => sim('POST', 'change', { do: verb, ...given }),
    changed: async (verb, given) => (await sim('POST', 'change', { do: verb, ...given })).events.map((event) => event.type),
    fault: (...faults) => sim('POST', 'faults', { faults }),
    deliver: (options) => sim('POST', 'deliver', options),
    reset: () => sim('POST', 'reset', { settings: true }),
    stop: () => host.close(),
  };
}

// Takes webhooks; answer(delivery) may give a status, or {status, headers}.
export async function startReceiver(answer = () => 200) {
  const taken = [];
  const receiver = { taken, answer };
  const server = createServer((req, res) => {
    const chunks = [];
    req.on('data', (chunk) => chunks.push(chunk));
    req.on('end', () => {
      const delivery = { method: req.method, path: req.url, headers: req.headers, raw: Buffer.concat(chunks).toString('utf8') };
      taken.push(delivery);
      const given = receiver.answer(delivery, taken.length);
      const { status, headers = {} } = typeof given === 'number' ? { status: given } : given;
      res.writeHead(status, headers);
      res.end();
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  receiver.url = `http://127.0.0.1:${server.address().port}/hooks`;
  receiver.stop = () => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  return receiver;
}

// A bare request that tells how the connection ended: fetch() hides it.
export function rawGet(url, headers) {
  return new Promise((resolve) => {
    const req = request(url, { headers, agent: false }, (res) => {
      const chunks = [];
      res.on('data', (chunk) => chunks.push(chunk));
      res.on('error', () => resolve({ status: res.statusCode, cut: true }));
      res.on('end', () => resolve({ status: res.statusCode, cut: !res.complete, text: Buffer.concat(chunks).toString('utf8') }));
    });
    req.on('error', () => resolve({ status: 0, cut: true }));
    req.end();
  });
}

// Counts the rows that are made from here on.
export function rowsMade(table) {
  const { row } = table.made;
  let count = 0;
  table.made.row = (j) => {
    count++;
    return row(j);
  };
  return () => count;
}
