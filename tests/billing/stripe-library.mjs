// Stripe's own library, as a witness: it signs and verifies webhooks, and
// calls the simulator.  ./check installs it (package-lock.json); it is found
// through BH_NODE_MODULES, else in npm/node_modules of the build directory.
//
//   node tests/billing/stripe-library.mjs sign SECRET [FILE]
//          prints the Stripe-Signature of a body (standard input)
//   node tests/billing/stripe-library.mjs verify SECRET HEADER [FILE]
//          prints the event's id; status 1 when the library refuses it

import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

function modulesDir() {
  const build = process.env.BH_BUILDDIR ?? fileURLToPath(new URL('../../build', import.meta.url));
  return resolve(process.env.BH_NODE_MODULES ?? join(build, 'npm', 'node_modules'));
}

function load() {
  const dir = modulesDir();
  if (!existsSync(join(dir, 'stripe', 'package.json')))
    throw new Error(`no stripe in ${dir}: ./check installs it, or set BH_NODE_MODULES`);
  const loaded = createRequire(join(dir, 'from-here.js'))('stripe');
  return loaded.default ?? loaded;
}

export const Stripe = load();

// A client of the library that calls the simulator on that port.
export function client(port, key = 'sk_live_sim', options = {}) {
  return new Stripe(key, { host: '127.0.0.1', port, protocol: 'http', maxNetworkRetries: 0, telemetry: false, ...options });
}

const { webhooks } = new Stripe('sk_test_unused', { telemetry: false });

// The header of a body, text or bytes; timestamp in Unix seconds (default: now).
export function sign(body, secret, timestamp) {
  return webhooks.generateTestHeaderString({ payload: String(body), secret, ...(timestamp === undefined ? {} : { timestamp }) });
}

// The event; throws when the signature is not good.
export function verify(body, header, secret, toleranceS) {
  return webhooks.constructEvent(body, header, secret, toleranceS);
}

function main([verb, secret, ...rest]) {
  const header = verb === 'verify' ? rest.shift() : undefined;
  const body = readFileSync(rest[0] ?? 0);
  if (verb === 'sign' && secret !== undefined) process.stdout.write(`${sign(body, secret)}\n`);
  else if (verb === 'verify' && header !== undefined) process.stdout.write(`${verify(body, header, secret).id}\n`);
  else throw new Error('usage: stripe-library.mjs sign SECRET [FILE] | verify SECRET HEADER [FILE]');
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    main(process.argv.slice(2));
  } catch (err) {
    process.stderr.write(`${err.message.split('\n')[0]}\n`);
    process.exitCode = 1;
  }
}
