// Small things that every script here needs: waiting, numbers, clean-up.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export { sleep };
export const now = () => performance.now();

export const SOURCE_DIR = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');

// Programs under test: from BH_BUILDDIR, else from build/, where ./check builds.
export const binary = (name = 'billhook') => resolve(process.env.BH_BUILDDIR ?? join(SOURCE_DIR, 'build'), name);

// Poll until ask() gives something true; what it gave, or an error that says what was waited for.
export async function until(what, ask, timeoutMs = 10000, everyMs = 5) {
  const end = now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (now() > end) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await sleep(everyMs);
  }
}

// Numbers that are the same in every run with the same seed (mulberry32).
export class Random {
  constructor(seed) {
    this.state = seed >>> 0;
  }

  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  below(n) {
    return Math.floor(this.next() * n);
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  shuffle(list) {
    for (let i = list.length - 1; i > 0; i--) {
      const k = this.below(i + 1);
      [list[i], list[k]] = [list[k], list[i]];
    }
    return list;
  }
}

export function quantile(numbers, q) {
  if (numbers.length === 0) return NaN;
  const sorted = Float64Array.from(numbers).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

export const median = (numbers) => quantile(numbers, 0.5);
export const round = (value, digits = 1) => Number(value.toFixed(digits));

// What was started is stopped in reverse order, whatever happens in between.
export class Cleanup {
  #steps = [];

  add(step) {
    this.#steps.push(step);
  }

  async run() {
    for (const step of this.#steps.splice(0).reverse()) {
      try {
        await step();
      } catch (error) {
        console.error(`clean-up: ${error.message}`);
      }
    }
  }
}

export function makeDir(cleanup) {
  const dir = mkdtempSync(join(process.env.BH_TMPDIR ?? tmpdir(), 'billhook-test-'));
  if (process.env.BH_KEEP) console.error(`kept: ${dir}`);
  else cleanup.add(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }));
  return dir;
}

export function freePort() {
  return new Promise((done, fail) => {
    const server = createServer();
    server.on('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

// Run a program to its end: { status, out, err }.
export function run(program, words, { env = {}, input, timeoutMs = 60000 } = {}) {
  return new Promise((done, fail) => {
    const child = spawn(program, words, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
    const out = [], err = [];
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    child.stdout.on('data', (chunk) => out.push(chunk));
    child.stderr.on('data', (chunk) => err.push(chunk));
    child.on('error', fail);
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      done({ status: status ?? -1, signal, out: Buffer.concat(out), err: Buffer.concat(err).toString() });
    });
  });
}

// A script's frame: run it, clean up in every case (also on Ctrl-C), leave with its status.
export async function main(body) {
  const cleanup = new Cleanup();
  let status = 1;
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, () => cleanup.run().then(() => process.exit(1)));
  try {
    status = await body(cleanup);
  } catch (error) {
    console.error(`FAILED: ${error.stack}`);
  }
  await cleanup.run();
  process.exit(status);
}
