// Sends signed webhooks, one after the other, and prints a line for each:
// the status and the body of the answer.
//
//   node send.mjs [options] WHERE stripe|lago EVENT...
//
// WHERE: http://127.0.0.1:PORT/... (the connection's hook address) or
// unix:SOCKET:/hook/... (FastCGI).  EVENT: words of events.mjs, @FILE, or - for
// standard input.
//
//   --secret S     sign with this one, not the one in FLOW_STRIPE_SECRET ...
//   --age N        the signature is N seconds old
//   --header H     "Name: value" in addition; an empty value takes the header out
//   --method M     not POST
//   --many N       the events again and again, N in all, %n in a word counts up
//   --parallel N   so many at a time; prints counts by status
//   --prepare DIR  send nothing: write DIR/body, print the headers
//   --pause MS     FastCGI: half of the body, a pause, the rest
//   --break        FastCGI: half of the body, then the end of the connection

import { createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { parseArgs } from 'node:util';
import { makeEvent } from './events.mjs';
import { fcgi, metaVariables } from './fcgi.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    secret: { type: 'string' }, age: { type: 'string', default: '0' }, header: { type: 'string', multiple: true, default: [] },
    method: { type: 'string', default: 'POST' }, many: { type: 'string' }, parallel: { type: 'string' }, prepare: { type: 'string' },
    pause: { type: 'string' }, break: { type: 'boolean', default: false },
  },
});
const [where, source, ...words] = positionals;
const SECRETS = { stripe: process.env.FLOW_STRIPE_SECRET, lago: process.env.FLOW_LAGO_SECRET };
const agent = new Agent({ keepAlive: true });

/* Stripe: t and v1 over "t.body"; Lago: base64 over the body. */
function sign(body, key) {
  const secret = options.secret ?? SECRETS[source];
  const headers = { 'Content-Type': 'application/json', 'User-Agent': 'flow test' };
  if (source === 'stripe') {
    const t = Math.floor(Date.now() / 1000) - Number(options.age);
    const v1 = createHmac('sha256', secret).update(`${t}.`).update(body).digest('hex');
    headers['Stripe-Signature'] = `t=${t},v1=${v1}`;
  } else {
    headers['X-Lago-Signature'] = createHmac('sha256', secret).update(body).digest('base64');
    headers['X-Lago-Signature-Algorithm'] = 'hmac';
    if (key !== null) headers['X-Lago-Unique-Key'] = key;
  }
  for (const line of options.header) {
    const at = line.indexOf(':');
    const name = line.slice(0, at), value = line.slice(at + 1).trim();
    if (value === '') delete headers[name];
    else headers[name] = value;
  }
  return headers;
}

function read(word) {
  if (word === '-') return { body: readFileSync(0), key: null };
  if (word.startsWith('@')) return { body: readFileSync(word.slice(1)), key: null };
  const { body, key } = makeEvent(source, JSON.parse(word));
  return { body: Buffer.from(body), key };
}

function post(body, headers) {
  return new Promise((done, fail) => {
    const req = request(where, { method: options.method, agent, headers: { ...headers, 'Content-Length': body.length } }, (res) => {
      const chunks = [];
      res.on('data', (chunk) => chunks.push(chunk));
      res.on('end', () => done({ status: res.statusCode, headers: res.headers, body: Buffer.concat(chunks).toString() }));
    });
    req.on('error', fail);
    req.end(body);
  });
}

function overSocket(body, headers) {
  const [, socketPath, path] = where.split(':');
  const half = body.length >> 1;
  let pieces = [body];
  if (options.break) pieces = [body.subarray(0, half)];
  if (options.pause !== undefined) pieces = [body.subarray(0, half), Number(options.pause), body.subarray(half)];
  return fcgi(socketPath, metaVariables(options.method, path, headers, body.length), pieces, { breakOff: options.break });
}

async function send(word) {
  const { body, key } = read(word);
  const headers = sign(body, key);
  try {
    const answer = where.startsWith('unix:') ? await overSocket(body, headers) : await post(body, headers);
    const extra = ['allow', 'retry-after'].filter((name) => answer.headers[name] !== undefined).map((name) => ` ${name}=${answer.headers[name]}`);
    return { status: answer.status, text: `${answer.status} ${answer.body.trim()}${extra.join('')}` };
  } catch (error) {
    return { status: 0, text: `0 ${error.message}` };
  }
}

async function sendMany(total, parallel) {
  const counts = {};
  let next = 0;
  const worker = async () => {
    while (next < total) {
      const n = next++;
      const { status } = await send(words[n % words.length].replaceAll('%n', String(n)));
      counts[status] = (counts[status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  console.log(Object.entries(counts).map(([status, n]) => `${status}=${n}`).join(' '));
}

if (options.prepare !== undefined) {
  const { body, key } = read(words[0]);
  writeFileSync(`${options.prepare}/body`, body);
  for (const [name, value] of Object.entries(sign(body, key))) console.log(`${name}: ${value}`);
} else if (options.many !== undefined) {
  await sendMany(Number(options.many), Number(options.parallel ?? 1));
} else {
  for (const word of words) console.log((await send(word)).text);
}
agent.destroy();
