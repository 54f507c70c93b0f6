// While events stream in, processes of Billhook die by SIGKILL, one every 200
// ms: nothing acknowledged may be lost, nothing be in a CRM twice, nothing
// hang, and nobody has to help.
//
//   node tests/load/kill.mjs [--kills 100] [--every-ms 200] [--rate 500] [--seed 1] [--roles keeper,worker]
//                           [--verbose]

import { parseArgs } from 'node:util';
import { main, median, now, Random, round, sleep } from './lib/base.mjs';
import { makeLoad } from './lib/events.mjs';
import { journalled } from './lib/journal.mjs';
import { Site } from './lib/site.mjs';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    'every-ms': { type: 'string', default: '200' },
    rate: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
    roles: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});
const kills = Number(values.kills), everyMs = Number(values['every-ms']), rate = Number(values.rate);

// A role first, then one of its processes: else the many fronts would die most of the time.
function victim(random, processes, roles) {
  const byRole = new Map();
  for (const process of processes)
    if (process.role !== 'verb' && (roles.length === 0 || roles.includes(process.role)))
      byRole.set(process.role, [...byRole.get(process.role) ?? [], process]);
  if (byRole.size === 0) return null;
  return random.pick(byRole.get(random.pick([...byRole.keys()].sort())));
}

async function killAll(billhook, random, sender) {
  const done = [], roles = values.roles.split(',').filter((role) => role !== '');
  while (done.length < kills && sender.endedAt === undefined) {
    const nextAt = now() + everyMs, process_ = victim(random, billhook.processes(), roles);
    if (process_ !== null) {
      try {
        process.kill(process_.pid, 'SIGKILL');
        done.push({ role: process_.role, at: now() });
        if (values.verbose) console.log(`${new Date().toISOString()} ${process_.role} ${process_.pid}`);
      } catch (error) {
        if (error.code !== 'ESRCH') throw error;
      }
    }
    await sleep(Math.max(0, nextAt - now()));
  }
  return done;
}

// The longest time without an acknowledgement that began or went on between a kill and the next.
function gaps(done, acknowledged, endedAt) {
  const times = acknowledged.map(({ at }) => at);
  return done.map(({ at }, i) => {
    const end = done[i + 1]?.at ?? endedAt;
    let before = -Infinity, longest = 0;
    for (const time of times) {
      if (time >= at && Math.max(before, at) < end) longest = Math.max(longest, time - Math.max(before, at));
      before = time;
      if (time > end + 5000) break;
    }
    return longest;
  });
}

await main(async (cleanup) => {
  const random = new Random(Number(values.seed)), wanted = Math.ceil((rate * kills * everyMs) / 1000) + rate;
  const customers = Math.max(20, Math.round(wanted / 10)), invoices = Math.round(customers / 3);
  const load = makeLoad({ customers, invoices, events: wanted, seed: Number(values.seed) });
  const site = new Site(cleanup);
  // Calls repeated after a death must not run into a CRM's limits: not what is tested here.
  await site.startCrms({ latency_ms: 50 });
  await site.crms.hubspot.set({ ten_second_limit: 100000, association_ten_second_limit: 100000 });
  await site.startBillhook();
  const sender = site.sender({ connections: 32, perSecond: rate });

  const sending = sender.run(load.deliveries);
  sending.catch(() => {});
  await sleep(500);
  const done = await killAll(site.billhook, random, sender);
  await sending;
  const sentAt = now();
  const findings = await site.settled(load.objects, { timeoutMs: 60000 });
  const settledMs = now() - sentAt;
  const ids = journalled(await site.billhook.good(['dump'], { timeoutMs: 60000 }));
  const lost = sender.acknowledged.filter(({ id }) => !ids.has(id));
  const status = await site.billhook.status();
  await site.web.stop();
  const stopStatus = await site.billhook.stop();
  const left = await site.billhook.end();

  const perRole = {}, waits = gaps(done, sender.acknowledged, sender.endedAt);
  done.forEach(({ role }, i) => {
    perRole[role] ??= { kills: 0, waits: [] };
    perRole[role].kills++;
    perRole[role].waits.push(waits[i]);
  });
  for (const [role, { kills: count, waits: list }] of Object.entries(perRole))
    console.log(`${role.padEnd(11)} ${String(count).padStart(3)} kills, without service median ${round(median(list), 0)} ms, longest ${round(Math.max(...list), 0)} ms`);
  const result = {
    kills: done.length, deliveries: load.deliveries.length, acknowledged: sender.acknowledged.length, retries: sender.retries,
    answers: Object.fromEntries(sender.statuses), journalled: ids.size, lost: lost.length, problems: findings.count,
    median_ms: round(median(waits), 0), longest_ms: round(Math.max(...waits), 0), settled_ms: round(settledMs, 0), spooled: status.store.spool_imported,
  };
  console.log(values.json ? JSON.stringify(result) : result);

  let passed = 0, failed = 0;
  const check = (isGood, text) => {
    console.log(`${isGood ? 'ok' : 'not ok'} - ${text}`);
    if (isGood) passed++;
    else failed++;
  };
  check(done.length >= kills * 0.9, `${done.length} of ${kills} processes were killed while events streamed in`);
  check(sender.acknowledged.length === load.deliveries.length, 'every delivery is acknowledged in the end');
  check(lost.length === 0, `all ${sender.acknowledged.length} acknowledgements stand in the journal${lost.length ? `, but ${lost.slice(0, 5).map(({ id }) => id)}` : ''}`);
  check(findings.count === 0, `both CRMs hold the newest state of ${load.objects.length} objects, each once`);
  check(stopStatus === 0 && left.length === 0, `everything stops when told so (status ${stopStatus}, left: ${left.map(({ role }) => role).join(' ') || 'nothing'})`);
  if (failed > 0) await site.showFailure(findings);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
});
