// Salesforce simulator: a strict stand-in for a real org on 127.0.0.1.
//
//   node tests/crm/salesforce.mjs --port 0 [--port-file FILE] [--schema FILE]
//        [--latency-ms N] [--settings JSON] [--client-id ID]
//        [--client-secret SECRET] [--refresh-token TOKEN]

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { Org } from './salesforce/org.mjs';
import { SimServer } from './salesforce/server.mjs';

const OPTIONS = ['port', 'port-file', 'schema', 'latency-ms', 'settings', 'client-id', 'client-secret', 'refresh-token'];

export async function startSalesforce({ port = 0, settings = {}, schema = [] } = {}) {
  const org = new Org(settings);
  if (schema.length) org.applySchema(schema);
  const server = new SimServer(org);
  await server.listen(port);
  return { org, port: server.port, url: org.baseUrl, close: () => server.close() };
}

function parseArguments(words) {
  const options = {};
  for (let i = 0; i < words.length; i += 2) {
    const name = words[i].replace(/^--/, '');
    if (!words[i].startsWith('--') || !OPTIONS.includes(name)) throw new Error(`unknown option ${words[i]}`);
    if (words[i + 1] === undefined) throw new Error(`option ${words[i]} needs a value`);
    options[name] = words[i + 1];
  }
  return options;
}

function settingsFrom(options) {
  const settings = options.settings ? JSON.parse(options.settings) : {};
  if (options['latency-ms']) settings.latency_ms = Number(options['latency-ms']);
  if (options['client-id']) settings.client_id = options['client-id'];
  if (options['client-secret']) settings.client_secret = options['client-secret'];
  if (options['refresh-token']) settings.refresh_token = options['refresh-token'];
  return settings;
}

// A reader of the file never sees half a number.
function writePort(file, port) {
  writeFileSync(`${file}.tmp`, `${port}\n`);
  renameSync(`${file}.tmp`, file);
}

async function main() {
  const options = parseArguments(process.argv.slice(2));
  const schema = options.schema ? JSON.parse(readFileSync(options.schema, 'utf8')).objects : [];
  const port = Number(options.port ?? 0);
  const sim = await startSalesforce({ port, settings: settingsFrom(options), schema });
  const stop = () => sim.close().then(() => process.exit(0));
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  if (options['port-file']) writePort(options['port-file'], sim.port);
  console.log(`salesforce simulator listening on ${sim.url}`);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  main().catch((error) => {
    console.error(`salesforce simulator: ${error.message}`);
    process.exit(1);
  });
}
