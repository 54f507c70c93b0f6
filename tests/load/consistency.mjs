// Out of a heap of shuffled, partly repeated events, both CRMs must end up
// with exactly the newest state of each object, in few calls.
//
//   node tests/load/consistency.mjs [--events 10000] [--customers 1000] [--invoices 340]
//                                   [--seed 1] [--connections 64] [--latency-ms 50] [--json]

import { parseArgs } from 'node:util';
import { main, now, quantile, round } from './lib/base.mjs';
import { makeLoad } from './lib/events.mjs';
import { Site } from './lib/site.mjs';

// What is needed is 30 and 6; a machine that makes a pause within the stream sends what has come by then.
const MOST_CALLS = { hubspot: 45, salesforce: 14 };
// However slow the machine, the events are one stream.
const STREAM_MS = 60000;

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '10000' },
    customers: { type: 'string', default: '1000' },
    invoices: { type: 'string', default: '340' },
    seed: { type: 'string', default: '1' },
    connections: { type: 'string', default: '64' },
    'latency-ms': { type: 'string', default: '50' },
    json: { type: 'boolean', default: false },
  },
});

function show(summary) {
  for (const [name, { calls, kinds }] of Object.entries(summary)) {
    console.log(`${name}: ${calls} calls`);
    for (const [kind, count] of Object.entries(kinds)) console.log(`  ${String(count).padStart(4)}  ${kind}`);
  }
}

await main(async (cleanup) => {
  const load = makeLoad({
    customers: Number(values.customers), invoices: Number(values.invoices), events: Number(values.events), seed: Number(values.seed),
  });
  const site = new Site(cleanup);
  await site.startCrms({ latency_ms: Number(values['latency-ms']) });
  await site.startBillhook({ push_wait_ms: STREAM_MS });
  await site.clearCalls();
  const sender = site.sender({ connections: Number(values.connections) });
  sender.prepare(load.deliveries);

  const startedAt = Date.now(), startedMono = now();
  await sender.run(load.deliveries);
  const acknowledgedMs = now() - startedMono;
  const findings = await site.settled(load.objects);
  const summary = await site.callSummary();
  const consistentMs = Math.max(...Object.values(summary).map(({ last }) => last)) - startedAt;

  const result = {
    events: load.events.length, deliveries: load.deliveries.length, objects: load.objects.length,
    acknowledged_per_s: round(sender.perSecondAcknowledged, 0), acknowledged_ms: round(acknowledgedMs, 0),
    p50_ms: round(quantile(sender.latencies, 0.5)), p99_ms: round(quantile(sender.latencies, 0.99)), retries: sender.retries,
    hubspot_calls: summary.hubspot.calls, salesforce_calls: summary.salesforce.calls,
    salesforce_looks: summary.salesforce.looks, consistent_ms: round(consistentMs, 0),
    problems: findings.count,
  };
  show(summary);
  console.log(values.json ? JSON.stringify(result) : result);

  let failed = 0;
  const check = (isGood, text) => {
    console.log(`${isGood ? 'ok' : 'not ok'} - ${text}`);
    if (!isGood) failed++;
  };
  check(sender.acknowledged.length === load.deliveries.length, 'every delivery is acknowledged');
  check(findings.count === 0, `both CRMs hold the newest state of ${load.objects.length} objects, each once`);
  for (const [name, most] of Object.entries(MOST_CALLS))
    check(summary[name].calls <= most, `${name}: ${summary[name].calls} calls, at most ${most}`);
  if (failed > 0) await site.showFailure(findings);
  console.log(`${4 - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
});
