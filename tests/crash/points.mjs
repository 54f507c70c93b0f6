// Every fault point of the program once with each thing that can happen there:
// the process dies, a write fails, the disk is full.  Afterwards the end must
// be the same as without it: each acknowledged event in the journal, each
// record in the CRMs as it should be, and once.
//
//   node tests/crash/points.mjs [--only REGEX] [--verbose]
//
// The program must be built with --enable-faults; the points are those that
// stand in the source as bh_fault("name").

import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { main, now, round, sleep, SOURCE_DIR, until } from '../load/lib/base.mjs';
import { Billhook, Lighttpd, servedBeside, setupDocument } from '../load/lib/billhook.mjs';
import { makeLoad } from '../load/lib/events.mjs';
import { journalled } from '../load/lib/journal.mjs';
import { Site } from '../load/lib/site.mjs';

const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, verbose: { type: 'boolean', default: false } },
});

// Points that no process of an installation passes, each with the reason.
const NOT_REACHABLE = {
  'disk-network': 'no failure: tests/flow/79-cron-only.sh',
  'mem-put': 'the engine in memory is for unit tests',
  'retain-step': 'once an hour: tests/flow/65-keep.sh', 'person-event': 'tests/flow/65-keep.sh', 'person-part': 'tests/flow/65-keep.sh', 'person-object': 'tests/flow/65-keep.sh',
  'load-schema': 'tests/flow/66-upgrade.sh', 'schema-step': 'tests/flow/68-migration.sh', 'backup-copied': 'tests/flow/78-backup-download.sh', 'bulk-step': 'tests/flow/63-bulk.sh', 'alert-sent': 'tests/flow/96-alerts.sh', 'crm-forgetting': 'tests/flow/62-salesforce-leave.sh', 'pull-page': 'tests/crash/pull.mjs', 'undo-send': 'tests/flow/88-undo.sh', 'undo-sent': 'tests/flow/88-undo.sh', 'person-family': 'tests/flow/65-keep.sh', 'person-file': 'for a spool that is not taken in',
};

// What the test has to bring about so that a point is passed; "run" for the rest.
const SCENES = { 'spool-written': 'spool', 'spool-renamed': 'spool', 'spool-imported': 'spool', 'raw-imported': 'raw' };

// The work of some points is done long before the load is through: a later pass is the harder case.
const PASSES = { 'keeper-batch-applied': [1, 9], 'keeper-flushed': [1, 9], 'keeper-replied': [1, 9], 'bdb-flush': [2], 'bdb-put': [1, 40], 'push-settled': [1, 2] };

const WRITES = ['die', 'fail', 'full'];

function sourceFiles(dir) {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return sourceFiles(path);
    return entry.name.endsWith('.c') ? [path] : [];
  });
}

// Where nobody looks at the answer of bh_fault(), only dying makes a difference.
function findPoints() {
  const points = new Map();
  for (const file of sourceFiles(join(SOURCE_DIR, 'src')))
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      const found = /bh_fault\("([^"]+)"\)/.exec(line);
      if (found) points.set(found[1], /^\s*(\(void\))?\s*bh_fault\("[^"]+"\);/.test(line) ? ['die'] : WRITES);
    }
  return points;
}

function listCases(points) {
  const cases = [];
  for (const [point, actions] of points) {
    if (point in NOT_REACHABLE) continue;
    for (const action of actions)
      for (const pass of PASSES[point] ?? [1]) cases.push({ point, action, pass, scene: SCENES[point] ?? 'run' });
  }
  return cases.filter(({ point, action, pass }) => new RegExp(values.only).test(`${point}:${action}:${pass}`));
}

/*
 * While it is held no keeper can serve this data directory.  With a living
 * one the caller makes way for us by killing it.
 */
class KeeperLock {
  constructor(dataDir) {
    mkdirSync(join(dataDir, 'run'), { recursive: true });
    // Says something when it has the lock, keeps it until its input ends.
    this.child = spawn('flock', [join(dataDir, 'run/keeper.lock'), 'sh', '-c', 'echo held; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.ended = new Promise((done) => this.child.on('exit', done));
    this.held = new Promise((done) => this.child.stdout.once('data', done));
  }

  async release() {
    this.child.stdin.end();
    await this.ended;
  }
}

class Crashes {
  constructor(cleanup, site) {
    this.cleanup = cleanup;
    this.site = site;
    this.dataDir = join(site.dir, 'data');
    this.template = join(site.dir, 'template');
    this.load = makeLoad({ customers: 8, invoices: 5, events: 60, seed: 7 });
  }

  // One data directory is set up, each case gets a copy; one web server leads to all of them.
  async prepare() {
    // Checkpoints must come within the second or two that a case takes; one front knows the connection for sure.
    this.site.billhook = new Billhook(this.dataDir, { checkpoint_s: 1, front_processes: 1, ballast_mb: 1 });
    mkdirSync(this.dataDir, { mode: 0o700 });
    await this.site.billhook.setUp(setupDocument(this.site.crms));
    cpSync(this.dataDir, this.template, { recursive: true, filter: (path) => !path.endsWith('.sock') });
    const backend = { ...servedBeside(this.site.billhook), 'disable-time': 0 };
    this.site.web = await new Lighttpd(this.site.dir, { '/': backend }).start(this.cleanup);
  }

  async #start(environment, scene) {
    const { billhook, crms } = this.site;
    rmSync(this.dataDir, { recursive: true, force: true });
    cpSync(this.template, this.dataDir, { recursive: true });
    await Promise.all(Object.values(crms).map((crm) => crm.clear()));
    await crms.salesforce.control('POST', 'expire', {}); // the set-up may have asked for a token already
    if (scene === 'raw') {
      this.lock = new KeeperLock(this.dataDir);
      await this.lock.held;
    }
    billhook.serve(this.cleanup, environment);
    await until('the front', () => existsSync(join(this.dataDir, 'run/front.sock')));
  }

  // The front has seen the connection; then there is no keeper any more.
  async #takeKeeper(first) {
    const { site } = this, before = site.sender({ connections: 1, retryMs: 20 });
    await before.run([first]);
    this.lock = new KeeperLock(this.dataDir);
    // The next keeper may be faster than we are.
    const isHeld = () => {
      const keeper = site.billhook.processes().find(({ role }) => role === 'keeper');
      if (keeper !== undefined) process.kill(keeper.pid, 'SIGKILL');
      return Promise.race([this.lock.held.then(() => true), sleep(100).then(() => false)]);
    };
    await until('the lock of the keeper', isHeld);
    return before.acknowledged;
  }

  async #send({ scene }) {
    let acknowledged = [], rest = this.load.deliveries;
    if (scene === 'spool') {
      acknowledged = await this.#takeKeeper(rest[0]);
      rest = rest.slice(1);
    }
    const sender = this.site.sender({ connections: 8, retryMs: 20 });
    await sender.run(rest);
    if (this.lock !== undefined) await this.lock.release();
    this.lock = undefined;
    return [...acknowledged, ...sender.acknowledged];
  }

  // What is wrong after one case; empty when nothing is.
  async run(one) {
    const { site } = this, once = join(site.dir, 'fired'), problems = [];
    rmSync(once, { force: true });
    await this.#start({ BILLHOOK_FAULT: `${one.point}:${one.action}:${one.pass}`, BILLHOOK_FAULT_ONCE: once }, one.scene);
    const acknowledged = await this.#send(one);
    await until('the fault', () => existsSync(once), 4000, 10).catch(() => problems.push('the point was never passed'));
    const findings = await site.settled(this.load.objects, { timeoutMs: 20000, quietMs: 120 });
    problems.push(...findings.problems.slice(0, 5));
    const ids = journalled(await site.billhook.good(['dump']));
    const lost = acknowledged.filter(({ id }) => !ids.has(id));
    if (lost.length > 0) problems.push(`${lost.length} acknowledged events are not in the journal: ${lost[0].id}`);
    if (acknowledged.length !== this.load.deliveries.length) problems.push('not every event was acknowledged');
    if (await site.billhook.stop() !== 0) problems.push('it does not stop');
    const left = await site.billhook.end();
    if (left.length > 0) problems.push(`left running: ${left.map(({ role }) => role).join(' ')}`);
    return problems;
  }
}

await main(async (cleanup) => {
  const points = findPoints(), cases = listCases(points), site = new Site(cleanup);
  await site.startCrms({ latency_ms: 5 });
  await site.crms.hubspot.set({ ten_second_limit: 100000, association_ten_second_limit: 100000 });
  const crashes = new Crashes(cleanup, site);
  await crashes.prepare();
  let passed = 0, failed = 0;
  for (const [point, reason] of Object.entries(NOT_REACHABLE)) if (points.has(point)) console.log(`skipped ${point}: ${reason}`);
  for (const one of cases) {
    const name = `${one.point}:${one.action}:${one.pass}`, startedAt = now();
    const problems = await crashes.run(one).catch((error) => [error.stack]);
    console.log(`${problems.length === 0 ? 'ok' : 'not ok'} - ${name} (${round((now() - startedAt) / 1000)} s)`);
    if (problems.length === 0) {
      passed++;
    } else {
      failed++;
      for (const problem of problems) console.log(`  ${problem}`);
      console.log(site.billhook.log().split('\n').slice(-15).map((line) => `  | ${line}`).join('\n'));
      await crashes.lock?.release();
      crashes.lock = undefined;
      await site.billhook.end();
    }
    if (values.verbose) console.log(site.billhook.log());
    await sleep(0);
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
});
