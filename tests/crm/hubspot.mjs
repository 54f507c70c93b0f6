// A strict HubSpot portal for tests, without any dependency.
//
//   node tests/crm/hubspot.mjs --port 0 [--port-file FILE] [--schema FILE]
//                              [--latency-ms N] [--settings JSON] [--witness]
//
// Listens on 127.0.0.1. Answers as the fact sheet says the service does, and
// refuses what it refuses. Tests steer it below /_sim/ (hubspot/control.mjs);
// the settings stand in hubspot/settings.mjs, faults in hubspot/faults.mjs.
// Known from the start: token pat-sim-token; OAuth client sim-client with
// sim-secret and refresh token sim-refresh; portal 4711000.  With --witness each
// call and answer is held against HubSpot's own documents (tests/openapi).

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { serve } from '../sim/serve.mjs';
import { applySchema } from './hubspot/control.mjs';
import { Simulator } from './hubspot/server.mjs';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    'port-file': { type: 'string' },
    schema: { type: 'string' },
    'latency-ms': { type: 'string' },
    settings: { type: 'string', default: '{}' },
    witness: { type: 'boolean', default: false },
  },
});

const settings = JSON.parse(values.settings);
if (values['latency-ms'] !== undefined) settings.latency_ms = Number(values['latency-ms']);
const simulator = new Simulator(settings);
if (values.schema !== undefined) applySchema(simulator.portal, JSON.parse(readFileSync(values.schema, 'utf8')));
if (values.witness) simulator.witness = new (await import('../openapi/witness.mjs')).Witness();

await serve('hubspot', simulator, values.port, values['port-file']);
