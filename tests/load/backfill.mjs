// Reading everything of a large Stripe account: how fast, and in how much
// memory.  Run by hand, not by run.sh.
//
//   node tests/load/backfill.mjs [--customers 100000] [--seed 5] [--most-mb 60] [--json]

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { main, makeDir, now, round, sleep, until } from './lib/base.mjs';
import { Billhook } from './lib/billhook.mjs';
import { startBilling } from './lib/simulators.mjs';

const { values } = parseArgs({
  options: {
    customers: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '5' },
    'most-mb': { type: 'string', default: '60' },
    json: { type: 'boolean', default: false },
  },
});
const LOOK_MS = 500;
const PACE_MS = 50; // the driver's own: 20 calls a second

// Most memory that each kind of process has had: VmHWM, kB.
function notePeaks(billhook, peaks) {
  for (const { pid, role } of billhook.processes()) {
    let text = '';
    try {
      text = readFileSync(`/proc/${pid}/status`, 'utf8');
    } catch {
      // It ended.
    }
    const kb = Number(/VmHWM:\s*(\d+)/.exec(text)?.[1] ?? 0);
    peaks[role] = Math.max(peaks[role] ?? 0, kb);
  }
}

await main(async (cleanup) => {
  const dir = makeDir(cleanup), stripe = await startBilling('stripe', cleanup, dir);
  const made = await stripe.control('POST', 'generate', { customers: Number(values.customers), seed: Number(values.seed) });
  const data = join(dir, 'data');
  mkdirSync(data, { mode: 0o700 });
  const billhook = new Billhook(data), keyFile = join(dir, 'api-key');
  writeFileSync(keyFile, 'sk_live_sim');
  await billhook.setUp({
    billhook: 1,
    connections: [{ code: 'stripe', driver: 'stripe', name: 'Stripe', settings: { mode: 'live', api_url: stripe.url, catchup_s: 0, fetch_per_s: 1000 }, secrets: { api_key: `file:${keyFile}` } }],
    syncs: [],
  });
  billhook.serve(cleanup);
  await until('the front', () => billhook.processes().some(({ role }) => role === 'worker'));

  const startedAt = now(), peaks = {};
  await billhook.good(['source', 'stripe', 'backfill']);
  let state;
  do {
    await sleep(LOOK_MS);
    notePeaks(billhook, peaks);
    state = JSON.parse(await billhook.good(['source', 'stripe', '--json']));
  } while (state.walks.find(({ walk }) => walk === 'backfill').state === 'running');
  const walk = state.walks.find(({ walk: name }) => name === 'backfill'), walkMs = now() - startedAt;
  await until('the look-ups', async () => {
    notePeaks(billhook, peaks);
    return JSON.parse(await billhook.good(['source', 'stripe', '--json'])).lookups === 0;
  }, 600000, LOOK_MS);
  const allMs = now() - startedAt;
  const calls = await stripe.control('GET', 'calls?count=1');
  const verifiedAt = now(), verify = await billhook.verb(['verify'], { timeoutMs: 600000 });
  const result = {
    ...made, state: walk.state, read: walk.read, calls: calls.total, refused: calls.refused, walk_s: round(walkMs / 1000), all_s: round(allMs / 1000),
    read_per_s: round((walk.read * 1000) / walkMs, 0), pace_s: round((calls.total * PACE_MS) / 1000), verify_s: round((now() - verifiedAt) / 1000),
    worker_mb: round((peaks.worker ?? 0) / 1024), keeper_mb: round((peaks.keeper ?? 0) / 1024),
  };
  console.log(values.json ? JSON.stringify(result) : result);

  let passed = 0, failed = 0;
  const check = (isGood, text) => {
    console.log(`${isGood ? 'ok' : 'not ok'} - ${text}`);
    if (isGood) passed++;
    else failed++;
  };
  check(walk.state === 'done', `everything was read: ${walk.read} rows ${walk.note}`);
  check(verify.status === 0, `verify: ${verify.out.toString().trim().split('\n').pop()}${verify.err}`);
  check(result.worker_mb > 0 && result.worker_mb <= Number(values['most-mb']), `no worker took more than ${values['most-mb']} MB: ${result.worker_mb} MB`);
  if (failed > 0) console.log(billhook.log().split('\n').slice(-20).join('\n'));
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
});
