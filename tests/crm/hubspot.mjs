// A strict HubSpot portal for tests, without any dependency.
//
//   node tests/crm/hubspot.mjs --port 0 [--port-file FILE] [--schema FILE]
//                              [--latency-ms N] [--settings JSON]
//
// Listens on 127.0.0.1. Answers as the fact sheet says the service does, and
// refuses what it refuses. Tests steer it below /_sim/ (hubspot/control.mjs);
// the settings stand in hubspot/settings.mjs, faults in hubspot/faults.mjs.
// Known from the start: token pat-sim-token; OAuth client sim-client with
// sim-secret and refresh token sim-refresh; portal 4711000.

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { applySchema } from './hubspot/control.mjs';
import { Simulator } from './hubspot/server.mjs';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    'port-file': { type: 'string' },
    schema: { type: 'string' },
    'latency-ms': { type: 'string' },
    settings: { type: 'string', default: '{}' },
  },
});

const settings = JSON.parse(values.settings);
if (values['latency-ms'] !== undefined) settings.latency_ms = Number(values['latency-ms']);
const simulator = new Simulator(settings);
if (values.schema !== undefined) applySchema(simulator.portal, JSON.parse(readFileSync(values.schema, 'utf8')));

const port = await simulator.listen(Number(values.port));
if (values['port-file'] !== undefined) {
  // Readers wait for the file: it must appear with the number in it.
  const temporary = `${values['port-file']}.${process.pid}`;
  writeFileSync(temporary, `${port}\n`);
  renameSync(temporary, values['port-file']);
}
process.stdout.write(`hubspot simulator listening on http://127.0.0.1:${port}\n`);

for (const signal of ['SIGTERM', 'SIGINT'])
  process.on(signal, () => simulator.close().then(() => process.exit(0)));
