// What it costs to bring a CRM in step with a billing system that was there
// long before it: the first sync, and one of so many records that they go by
// the Bulk API.

import { now, round, sleep, until } from '../load/lib/base.mjs';
import { setupDocument } from '../load/lib/billhook.mjs';
import { makeLoad } from '../load/lib/events.mjs';
import { compare } from '../load/lib/expected.mjs';
import { memory } from '../load/lib/processes.mjs';
import { hubspot, salesforce } from '../load/lib/simulators.mjs';
import { idle, Site } from '../load/lib/site.mjs';

const LATENCY_MS = 50;
const MOST_CALLS = { hubspot: 135, salesforce: 35 };
const LONGEST_MS = 1200000;

// An installation whose mirror holds all objects, and which knows no CRM yet.
async function startFull(cleanup, load) {
  const site = new Site(cleanup);
  site.crms = {};
  await site.startBillhook({ push_wait_ms: LONGEST_MS / 2 }); // however slow the machine, what comes together is one heap
  await site.sender({ connections: 32 }).run(load.deliveries);
  await idle(site.billhook, LONGEST_MS);
  return site;
}

const newest = (sizes) => {
  const { objects, events } = makeLoad({ ...sizes, events: 2 * sizes.customers + sizes.invoices, twice: 0 });
  return { objects, deliveries: events };
};

// The most memory (PSS, KiB) of each role while work() goes on; of workers the largest one.
async function withPeaks(billhook, work) {
  const peaks = {};
  let isOver = false;
  const working = work().finally(() => (isOver = true));
  while (!isOver) {
    for (const { role, pid } of billhook.processes()) peaks[role] = Math.max(peaks[role] ?? 0, memory([pid]));
    await sleep(100);
  }
  return { value: await working, peaks };
}

// Seconds and calls until everything that work() marks is in step.
async function cost(site, name, work) {
  await site.crms[name].control('DELETE', 'calls');
  const startedAt = now();
  await work();
  await idle(site.billhook, LONGEST_MS);
  return { seconds: round((now() - startedAt) / 1000), calls: await site.crms[name].callCount() };
}

// The sync to the one CRM; a job marks everything.
async function apply(site, settings = {}) {
  const document = setupDocument(site.crms);
  Object.assign(document.syncs[0].settings ??= {}, settings);
  await site.billhook.good(['apply', '-', '--yes', '--quiet'], { input: JSON.stringify(document) });
  await until('the marks', () => site.billhook.log().includes(' records are looked at again'), LONGEST_MS, 50);
}

// What happens to those objects later: deliveries are what comes before, changes the newest of some.
function withChanges(sizes, changes) {
  const { objects, events } = makeLoad({ ...sizes, events: 2 * sizes.customers + sizes.invoices + changes, twice: 0 });
  const isLater = ({ object, version }) => version > 0 && version === object.versions - 1;
  return { objects, deliveries: events.filter((event) => !isLater(event)), changes: events.filter(isLater) };
}

// The objects as they are before they change.
function before({ objects, deliveries }) {
  const newest = new Map();
  for (const event of deliveries)
    if ((newest.get(event.object.id)?.version ?? -1) < event.version) newest.set(event.object.id, event);
  return objects.map((object) => ({ ...object, newest: newest.get(object.id) }));
}

const inputs = (calls, path) => calls.filter((call) => path.test(call.url ?? call.path)).reduce((sum, call) => sum + (call.inputs ?? 0), 0);

// Records that were there change: full calls, and none that links.
async function benchSteady(report, site, load) {
  const crm = site.crms.hubspot;
  await cost(site, 'hubspot', () => site.sender({ connections: 32 }).run(load.changes));
  const calls = await crm.calls(), { kinds } = (await site.callSummary()).hubspot;
  const changed = inputs(calls, /\/batch\/(upsert|update)$/), links = inputs(calls, /\/associations\//);
  const { count, problems } = await compare(site.crms, load.objects);
  if (count > 0) console.log(problems.join('\n'));
  const most = Math.ceil(changed / 100) + Object.keys(kinds).length; // each kind of call ends with one that is not full
  report(`${changed} records change: problems`, count, '', 0, count === 0);
  report('... calls', calls.length, '');
  const writes = calls.filter(({ url, path }) => /\/batch\/(upsert|update)$/.test(url ?? path)).length;
  report('... that write', writes, '', most, writes <= most);
  report('... that link', links, '', 0, links === 0);
  for (const [kind, n] of Object.entries(kinds)) report(`... ${kind}`, n, '');
}

export async function benchFirst(cleanup, report) {
  const load = withChanges({ customers: 1000, invoices: 10000 }, 3000);
  for (const [name, make] of Object.entries({ salesforce, hubspot })) {
    const site = await startFull(cleanup, load), crm = await make({ latency_ms: LATENCY_MS }).start(cleanup, site.dir);
    site.crms = { [name]: crm };
    const { seconds, calls } = await cost(site, name, () => apply(site));
    const { kinds } = (await site.callSummary())[name];
    const { count, problems } = await compare(site.crms, before(load));
    if (count > 0) console.log(problems.join('\n'));
    report(`first sync, ${crm.name}: problems`, count, '', 0, count === 0);
    report(`first sync, ${crm.name}: calls`, calls, '', MOST_CALLS[name], calls <= MOST_CALLS[name]);
    for (const [kind, n] of Object.entries(kinds)) report(`... ${kind}`, n, '');
    report(`first sync, ${crm.name}`, seconds, 's');
    if (name === 'hubspot') await benchSteady(report, site, load);
    await site.web.stop();
    await site.billhook.end();
  }
}

export async function benchResync(cleanup, report, rows) {
  const load = newest({ customers: 1000, invoices: rows }), site = await startFull(cleanup, load);
  site.crms = { salesforce: await salesforce({ latency_ms: LATENCY_MS }).start(cleanup, site.dir) };
  const text = rows.toLocaleString('en');
  const { value: first, peaks } = await withPeaks(site.billhook, () => cost(site, 'salesforce', () => apply(site, { invoice_lines: 'no' })));
  const again = await cost(site, 'salesforce', () => site.billhook.good(['resync', 'to-sf']));
  const { live } = (await site.crms.salesforce.control('GET', 'count')).Billhook_Invoice__c;
  report(`${text} rows by bulk: missing`, rows - live, '', 0, live === rows);
  report(`${text} rows by bulk: calls`, first.calls, '');
  report(`${text} rows by bulk`, first.seconds, 's');
  report('... memory of the worker, peak (PSS)', round(peaks.worker / 1024), 'MB');
  report('... memory of the keeper, peak (PSS)', round(peaks.keeper / 1024), 'MB');
  report(`resync of ${text}, nothing new: calls`, again.calls, '', 0, again.calls === 0);
  report(`resync of ${text}, nothing new`, again.seconds, 's');
}
