// Reading everything of a source, with a fault where a page is stored: the
// process dies, or the store refuses.  What is held in the end must be the
// same as without it, and what was stored is not read again.
//
//   node tests/crash/pull.mjs [--only REGEX]
//
// The program must be built with --enable-faults.

import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readMirror } from '../flow/mirror.mjs';
import { main, makeDir, now, round, until } from '../load/lib/base.mjs';
import { Billhook } from '../load/lib/billhook.mjs';
import { startBilling } from '../load/lib/simulators.mjs';

const { values } = parseArgs({ options: { only: { type: 'string', default: '' } } });
const PASSES = [1, 2, 6, 14];
const CASES = ['die', 'fail', 'full'].flatMap((action) => PASSES.map((pass) => `pull-page:${action}:${pass}`)).filter((name) => new RegExp(values.only).test(name));

class Pulls {
  constructor(cleanup, dir, stripe) {
    this.cleanup = cleanup;
    this.stripe = stripe;
    this.dir = dir;
    this.dataDir = join(dir, 'data');
    this.template = join(dir, 'template');
    this.billhook = new Billhook(this.dataDir);
  }

  async prepare() {
    const keyFile = join(this.dir, 'api-key');
    writeFileSync(keyFile, 'sk_live_sim');
    mkdirSync(this.dataDir, { mode: 0o700 });
    await this.billhook.setUp({
      billhook: 1, syncs: [],
      connections: [{ code: 'stripe', driver: 'stripe', name: 'Stripe', settings: { mode: 'live', api_url: this.stripe.url, catchup_s: 0, fetch_per_s: 1000 }, secrets: { api_key: `file:${keyFile}` } }],
    });
    cpSync(this.dataDir, this.template, { recursive: true, filter: (path) => !path.endsWith('.sock') });
    Object.assign(process.env, { BILLHOOK: this.billhook.binary, BILLHOOK_DIR: this.dataDir });
  }

  async #source() {
    const state = JSON.parse(await this.billhook.good(['source', 'stripe', '--json']));
    return { ...state.walks.find(({ walk }) => walk === 'backfill'), lookups: state.lookups };
  }

  // What is held in the end, as text, and how much was read.
  async run(fault) {
    const once = join(this.dir, 'fired');
    rmSync(once, { force: true });
    rmSync(this.dataDir, { recursive: true, force: true });
    cpSync(this.template, this.dataDir, { recursive: true });
    await this.stripe.control('DELETE', 'calls');
    this.billhook.serve(this.cleanup, fault === undefined ? {} : { BILLHOOK_FAULT: fault, BILLHOOK_FAULT_ONCE: once });
    await until('the front', () => existsSync(join(this.dataDir, 'run/front.sock')));
    await this.billhook.good(['source', 'stripe', 'backfill']);
    const walk = await until('the end of the walk', async () => {
      const state = await this.#source();
      return state.state !== 'running' && state.lookups === 0 ? state : null;
    }, 40000, 100);
    const { kinds, derived } = readMirror('stripe');
    const verified = await this.billhook.verb(['verify', '--quiet']);
    await this.billhook.stop();
    await this.billhook.end();
    const held = JSON.stringify([[...kinds].map(([kind, objects]) => [kind, [...objects]]), [...derived]]);
    const pages = (await this.stripe.control('GET', 'calls')).filter(({ path }) => /limit=100/.test(path) && !/events/.test(path)).length;
    return { held, read: walk.read, state: walk.state, hasFired: existsSync(once), verified: verified.status === 0, pages };
  }
}

function problemsOf(result, want) {
  const problems = [];
  if (!result.hasFired) problems.push('the point was never passed');
  if (result.state !== 'done') problems.push(`the walk is ${result.state}`);
  if (result.read !== want.read) problems.push(`${result.read} rows were counted, ${want.read} without the fault`);
  if (result.held !== want.held) problems.push('what is held differs');
  if (!result.verified) problems.push('verify finds differences');
  // The page at work, once more.
  if (result.pages > want.pages + 1) problems.push(`${result.pages} pages were read, ${want.pages} without the fault`);
  return problems;
}

await main(async (cleanup) => {
  const dir = makeDir(cleanup), stripe = await startBilling('stripe', cleanup, dir);
  await stripe.control('POST', 'generate', { customers: 300, seed: 7 });
  const pulls = new Pulls(cleanup, dir, stripe);
  await pulls.prepare();
  const want = await pulls.run();
  let passed = 0, failed = 0;
  for (const name of CASES) {
    const startedAt = now();
    const problems = await pulls.run(name).then((result) => problemsOf(result, want), (error) => [error.stack]);
    console.log(`${problems.length === 0 ? 'ok' : 'not ok'} - ${name} (${round((now() - startedAt) / 1000)} s)`);
    for (const problem of problems) console.log(`  ${problem}`);
    if (problems.length === 0) {
      passed++;
    } else {
      failed++;
      console.log(pulls.billhook.log().split('\n').slice(-10).map((line) => `  | ${line}`).join('\n'));
      await pulls.billhook.end();
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 && want.state === 'done' ? 0 : 1;
});
