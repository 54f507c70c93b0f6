// Where Billhook stands, always as ratios within one run: machines differ.
//
//   tests/bench/run [--seconds 3] [--rounds 3] [--connections 64] [--fronts 8]
//                   [--only acks,slow,crm,lone,start] [--only size,ingest --mirrored 1000000]
//                   [--only pages --customers 100000 --events 1000000]
//                   [--only first] [--only resync --rows 100000]

import { once } from 'node:events';
import { copyFileSync, createWriteStream, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { binary, main, makeDir, median, now, round, run, sleep, SOURCE_DIR, until } from '../load/lib/base.mjs';
import { fcgi } from '../flow/fcgi.mjs';
import { Billhook, Lighttpd, setupDocument, SIGNING_SECRET, startedByWebServer } from '../load/lib/billhook.mjs';
import { makeLoad } from '../load/lib/events.mjs';
import { all, cpu, memory } from '../load/lib/processes.mjs';
import { signature } from '../load/lib/sender.mjs';
import { HOOK, idle, Site } from '../load/lib/site.mjs';
import { benchFirst, benchResync } from './first.mjs';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '64' },
    fronts: { type: 'string', default: '' },
    only: { type: 'string', default: 'acks,slow,crm,lone,start' },
    mirrored: { type: 'string', default: '1000000' },
    rows: { type: 'string', default: '100000' },
    customers: { type: 'string', default: '100000' },
    events: { type: 'string', default: '1000000' },
  },
});
const wanted = values.only.split(',');
const result = {};

// A line of the report; higher or lower than the budget is better.
function report(name, value, unit, budget, isGood) {
  result[name] = value;
  const verdict = budget === undefined ? '' : `${isGood ? 'PASS' : 'MISS'}  budget ${budget}`;
  console.log(`${name.padEnd(34)} ${String(value).padStart(9)} ${unit.padEnd(6)} ${verdict}`);
}

const atLeast = (name, value, unit, least) => report(name, value, unit, `>= ${least}`, value >= least);
const atMost = (name, value, unit, most) => report(name, value, unit, `<= ${most}`, value <= most);

// 3 KiB, as a customer with some metadata is; the hammer fills in the numbers.
function hammerBody() {
  const { events } = makeLoad({ customers: 1, invoices: 0, events: 2 });
  const payload = events[0].payload(), customer = payload.data.object;
  payload.id = 'evt_bench_@EVENT@';
  customer.id = 'cus_bench_@OBJECT@';
  customer.metadata = {};
  for (let i = 0; JSON.stringify(payload, null, 2).length < 3040; i++) customer.metadata[`note_${i}`] = 'x'.repeat(60);
  return JSON.stringify(payload, null, 2);
}

class Hammer {
  constructor(dir, port) {
    this.file = join(dir, 'body.json');
    writeFileSync(this.file, hammerBody());
    this.port = port;
    this.next = 1;
  }

  async hit(path, seconds, { connections = values.connections, objects = 1000 } = {}) {
    const words = [this.port, path, SIGNING_SECRET, this.file, connections, seconds, this.next, objects].map(String);
    const { status, out, err } = await run(binary('bench-hammer'), words);
    if (status !== 0) throw new Error(`bench-hammer: ${err}`);
    const answer = JSON.parse(out.toString());
    this.next = answer.next;
    return answer;
  }
}

function diskUsage(dir) {
  return readdirSync(dir, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(dir, entry.name);
    return sum + (entry.isDirectory() ? diskUsage(path) : statSync(path).blocks * 512);
  }, 0);
}

function written(pid) {
  return Number(/^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))[1]);
}

// Processor time of a process and all below it, ms.
function treeCpu(root) {
  const processes = all(), below = [root];
  for (const pid of below) below.push(...processes.filter(({ parent }) => parent === pid).map(({ pid: child }) => child));
  return below.reduce((sum, pid) => sum + cpu(pid), 0);
}

// Microseconds a request by role of what used them; on a busy machine this says more than rates do.
async function costs(hit, usedBy) {
  const before = usedBy(), answer = await hit(), after = usedBy(), cost = {};
  for (const [name, ms] of Object.entries(after)) cost[name] = round(((ms - (before[name] ?? 0)) * 1000) / answer.requests);
  answer.cost = cost;
  return answer;
}

function costOf(billhook, web) {
  const used = {}, processes = billhook.processes();
  for (const { role, pid } of processes) used[role] = (used[role] ?? 0) + cpu(pid);
  used.lighttpd = cpu(web.pid);
  return used;
}

const pids = (billhook) => billhook.processes().map(({ pid }) => pid);
const roleOf = (billhook, role) => billhook.processes().find((p) => p.role === role)?.pid;

// An installation with a source and no CRM, beside the empty responder behind the same web server.
async function startPair(cleanup, dir, options) {
  const dataDir = join(dir, 'data');
  mkdirSync(dataDir, { mode: 0o700 });
  const billhook = new Billhook(dataDir, options);
  await billhook.setUp(setupDocument({}));
  cleanup.add(() => billhook.end());
  const empty = { 'bin-path': `${binary('bench-empty')} ${options.front_processes ?? 8}`, socket: join(dir, 'empty.sock'), 'max-procs': 1 };
  const web = await new Lighttpd(dir, { '/empty': empty, '/': startedByWebServer(billhook) }).start(cleanup);
  return { billhook, web };
}

const numbers = (list) => ({ per_s: median(list.map((r) => r.per_s)), p50: median(list.map((r) => r.p50_ms)), p99: median(list.map((r) => r.p99_ms)) });

async function benchAcks(cleanup) {
  const dir = makeDir(cleanup), fronts = values.fronts === '' ? {} : { front_processes: values.fronts };
  const { billhook, web } = await startPair(cleanup, dir, fronts);
  const hammer = new Hammer(dir, web.port), seconds = Number(values.seconds);
  await hammer.hit(HOOK, 0.05, { connections: 1 });
  await until('the keeper', () => roleOf(billhook, 'keeper'));
  await sleep(500);
  const idleMemory = memory(pids(billhook)), keeper = roleOf(billhook, 'keeper');
  await hammer.hit('/empty', 0.3);
  await hammer.hit(HOOK, 0.3);
  await idle(billhook);
  const diskBefore = diskUsage(join(billhook.dir, 'db')), writtenBefore = written(keeper);
  const empty = [], ours = [], manager = roleOf(billhook, 'manager');
  let busyMemory = 0, events = 0;
  for (let i = 0; i < Number(values.rounds); i++) {
    empty.push(await costs(() => hammer.hit('/empty', seconds), () => ({ all: treeCpu(web.pid) - treeCpu(manager) })));
    const hitting = costs(() => hammer.hit(HOOK, seconds), () => costOf(billhook, web));
    await sleep(seconds * 700);
    busyMemory = Math.max(busyMemory, memory(pids(billhook)));
    ours.push(await hitting);
    events += ours.at(-1).requests;
    await idle(billhook, 60000);
  }
  const a = numbers(empty), b = numbers(ours), failed = ours.reduce((sum, { failed: n }) => sum + n, 0);
  report('empty responder', a.per_s, '/s');
  report('empty responder p99', a.p99, 'ms');
  report('acknowledgements', b.per_s, '/s');
  report('acknowledgements p50', b.p50, 'ms');
  report('acknowledgements p99', b.p99, 'ms');
  if (failed > 0) report('acknowledgements failed', failed, '');
  atLeast('acks / empty', round(b.per_s / a.per_s, 2), 'x', 0.4);
  atMost('p99 / p99 of empty', round(b.p99 / a.p99, 2), 'x', 3);
  const sum = (cost) => Object.values(cost).reduce((total, us) => total + us, 0);
  const cheapest = ours.reduce((best, one) => (sum(one.cost) < sum(best.cost) ? one : best)).cost;
  report('processor time of empty', round(Math.min(...empty.map(({ cost }) => cost.all))), 'us');
  report('processor time of one webhook', round(sum(cheapest)), 'us');
  for (const [role, us] of Object.entries(cheapest)) if (us >= 1) report(`... ${role}`, us, 'us');
  atMost('memory idle (PSS)', round(idleMemory / 1024), 'MB', 25);
  atMost('memory under load (PSS)', round(busyMemory / 1024), 'MB', 60);
  report('memory idle after load (PSS)', round(memory(pids(billhook)) / 1024), 'MB');
  report('database growth per event', round((diskUsage(join(billhook.dir, 'db')) - diskBefore) / events, 0), 'bytes');
  report('written per event', round((written(keeper) - writtenBefore) / events, 0), 'bytes');
}

async function benchSlowDisk(cleanup) {
  for (const fronts of [8, 32]) {
    const dir = makeDir(cleanup), { billhook, web } = await startPair(cleanup, dir, { flush_delay_ms: 5, front_processes: fronts });
    const hammer = new Hammer(dir, web.port);
    await hammer.hit(HOOK, 0.5);
    const { per_s: rate, p99_ms: p99 } = await hammer.hit(HOOK, Number(values.seconds));
    atLeast(`flush +5 ms, ${fronts} fronts`, rate, '/s', 1500);
    report(`flush +5 ms, ${fronts} fronts, p99`, p99, 'ms');
    await web.stop();
    await billhook.end();
  }
}

async function benchCrm() {
  const { status, out, err } = await run(process.execPath, [join(SOURCE_DIR, 'tests/load/consistency.mjs'), '--json'], { timeoutMs: 120000 });
  const line = out.toString().split('\n').find((text) => text.startsWith('{'));
  if (line === undefined) throw new Error(`consistency: status ${status}: ${out}${err}`);
  const one = JSON.parse(line);
  report('consistency: problems', one.problems, '', 0, one.problems === 0);
  report('consistency: acknowledgements', one.acknowledged_per_s, '/s');
  atMost('consistency: HubSpot calls', one.hubspot_calls, '', 40);
  atMost('consistency: Salesforce calls', one.salesforce_calls, '', 10);
  report('... that look and read', one.salesforce_looks, '');
  report('consistency: calls per event', round((one.hubspot_calls + one.salesforce_calls) / one.events, 4), '');
  atMost('consistency: first event to end', one.consistent_ms, 'ms', 2500);
  report('consistency: last ack to end', one.consistent_ms - one.acknowledged_ms, 'ms');
}

// From the moment a webhook is sent until the CRM has received the call that it brings about.
async function benchLone(cleanup) {
  const site = new Site(cleanup), load = makeLoad({ customers: 21, invoices: 0, events: 42, seed: 3 });
  await site.startCrms({});
  await site.startBillhook();
  const delays = { salesforce: [], hubspot: [] }, customers = load.objects.filter(({ kind }) => kind === 'customer');
  for (const [i, customer] of customers.entries()) {
    await site.clearCalls();
    const sentAt = Date.now();
    await site.sender({ connections: 1 }).run([customer.newest]);
    for (const [name, crm] of Object.entries(site.crms)) {
      const isWrite = (call) => (call.inputs ?? call.records) > 0;
      const call = await until(`${name}: the call`, async () => (await crm.calls()).find(isWrite), 10000, 10);
      if (i > 0) delays[name].push(Date.parse(call.at) - sentAt); // the first one starts all processes
    }
    await sleep(250);
  }
  for (const [name, list] of Object.entries(delays)) atMost(`lone change to ${name}, median`, round(median(list)), 'ms', 100);
}

// Straight to the pool's socket: what a web server adds is not ours.
async function benchStart(cleanup) {
  const dir = makeDir(cleanup), dataDir = join(dir, 'data'), times = [];
  mkdirSync(dataDir, { mode: 0o700 });
  const billhook = new Billhook(dataDir), socket = join(dataDir, 'run/front.sock');
  await billhook.setUp(setupDocument({}));
  for (let i = 0; i < 9; i++) {
    const body = Buffer.from(hammerBody().replace('@EVENT@', `start_${i}`).replace('@OBJECT@', '0000001'));
    const params = {
      REQUEST_METHOD: 'POST', REQUEST_URI: HOOK, SCRIPT_NAME: '', PATH_INFO: HOOK, CONTENT_TYPE: 'application/json',
      CONTENT_LENGTH: String(body.length), HTTP_STRIPE_SIGNATURE: signature(SIGNING_SECRET, body), SERVER_PROTOCOL: 'HTTP/1.1',
    };
    const startedAt = now();
    billhook.serve(cleanup);
    const ask = () => fcgi(socket, params, [body]).then(({ status }) => status === 200, () => false);
    await until('the first answer', ask, 10000, 2);
    times.push(now() - startedAt);
    await billhook.stop();
  }
  atMost('start: exec to first answer', round(median(times)), 'ms', 150);
}

// A store that holds so many customers: one mirrored object of a real dump, copied under other ids.
async function fillStore(from, to, count) {
  const dump = (await from.good(['dump'])).toString().trimEnd().split('\n');
  const decode = ({ k, k64 }) => (k64 === undefined ? k : Buffer.from(k64, 'base64').toString('latin1'));
  const model = dump.find((line) => decode(JSON.parse(line))?.startsWith('Mostripe\0customer'));
  const { k, k64, ...value } = JSON.parse(model), key = decode({ k, k64 });
  const end = JSON.parse(dump.pop()), out = createWriteStream(join(to.dir, 'dump'));
  for (const line of dump) out.write(`${line}\n`);
  for (let i = 0; i < count; i++) {
    const copy = key.replace(/cus_bench_\d+/, `cus_bench_${String(i).padStart(7, '0')}`);
    if (copy !== key && !out.write(`${JSON.stringify({ k: copy, ...value })}\n`)) await once(out, 'drain');
  }
  out.end(`${JSON.stringify({ ...end, count: end.count + count - 1 })}\n`);
  await once(out, 'close');
  await to.good(['load', join(to.dir, 'dump')], { timeoutMs: 1200000 });
  rmSync(join(to.dir, 'dump'));
}

// Processor time of keeper and workers for each event, with so many objects in the mirror.
async function costWith(cleanup, model, count) {
  const dir = makeDir(cleanup), billhook = new Billhook(join(dir, 'data'));
  mkdirSync(billhook.dir, { mode: 0o700 });
  for (const name of ['key', 'billhook.conf']) copyFileSync(join(model.dir, name), join(billhook.dir, name));
  await fillStore(model, billhook, count);
  cleanup.add(() => billhook.end());
  const web = await new Lighttpd(dir, { '/': startedByWebServer(billhook) }).start(cleanup), hammer = new Hammer(dir, web.port);
  hammer.next = 1000000;
  await hammer.hit(HOOK, 1, { objects: count });
  await idle(billhook, 60000);
  const used = () => billhook.processes().filter(({ role }) => role === 'keeper' || role === 'worker').reduce((sum, { pid }) => sum + cpu(pid), 0);
  const before = used(), { requests } = await hammer.hit(HOOK, 2 * Number(values.seconds), { objects: count });
  await idle(billhook, 60000);
  const cost = ((used() - before) * 1000) / requests;
  await web.stop();
  await billhook.end();
  return cost;
}

async function benchSize(cleanup) {
  const dir = makeDir(cleanup), { billhook, web } = await startPair(cleanup, dir, {});
  await new Hammer(dir, web.port).hit(HOOK, 0.05, { connections: 1, objects: 1 });
  await idle(billhook);
  const few = await costWith(cleanup, billhook, 10000), many = await costWith(cleanup, billhook, Number(values.mirrored));
  report('cost of an event, 10,000 objects', round(few), 'us');
  report(`... ${Number(values.mirrored).toLocaleString('en')} objects`, round(many), 'us');
  atMost('cost with many / with few', round(many / few, 2), 'x', 1.3);
}

// Events a second through ingest: journal, mirror, figures; and what one costs beside a large mirror.
async function benchIngest() {
  const few = 10000, many = Number(values.mirrored);
  const { status, out, err } = await run(join(process.env.BH_BUILDDIR ?? join(SOURCE_DIR, 'build'), 'bench-ingest'), ['20000', String(few), String(many)], { timeoutMs: 3600000 });
  if (status !== 0) throw new Error(`bench-ingest: status ${status}: ${err}`);
  const [a, b] = out.toString().trim().split('\n').map((line) => JSON.parse(line));
  for (const one of [a, b]) {
    report(`ingest, ${one.objects.toLocaleString('en')} objects`, one.per_s, '/s');
    report('... processor time of an event', one.cpu_us, 'us');
  }
  atMost('ingest: cost with many / with few', round(b.cpu_us / a.cpu_us, 2), 'x', 1.3);
}

// Each page over a store with many customers and events.
async function benchPages() {
  const words = [values.customers, values.events], env = { ...process.env, BH_SRCDIR: SOURCE_DIR };
  const { status, out, err } = await run(join(process.env.BH_BUILDDIR ?? join(SOURCE_DIR, 'build'), 'bench-pages'), words, { timeoutMs: 3600000, env });
  if (status !== 0) throw new Error(`bench-pages: status ${status}: ${err}`);
  for (const one of out.toString().trim().split('\n').map((line) => JSON.parse(line))) {
    const want = /^\/oauth/.test(one.path) ? 400 : 200; // a login that nobody began
    if (one.status !== want) throw new Error(`bench-pages: ${one.path}: status ${one.status}`);
    atMost(one.path, one.ms, 'ms', 50);
  }
}

const PARTS = {
  acks: benchAcks, slow: benchSlowDisk, crm: benchCrm, lone: benchLone, start: benchStart, size: benchSize, ingest: benchIngest, pages: benchPages,
  first: (cleanup) => benchFirst(cleanup, report), resync: (cleanup) => benchResync(cleanup, report, Number(values.rows)),
};

await main(async (cleanup) => {
  for (const name of wanted) await PARTS[name](cleanup);
  console.log(JSON.stringify(result));
  return 0;
});
