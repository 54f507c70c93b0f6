// The JSON Schema of the configuration as two readers see it: ours and ajv.
//
//   node schema.mjs SCHEMA GOOD...
//
// SCHEMA is a valid draft 2020-12; each file GOOD fits; each of the bad
// documents below does not, and both say so of the same place.

import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const modules = createRequire(`${process.env.BH_NODE_MODULES}/`);
const Ajv = modules('ajv/dist/2020').default;
const [schemaFile, ...good] = process.argv.slice(2);
const read = (file) => JSON.parse(readFileSync(file, 'utf8'));

const stripe = { code: 'stripe', driver: 'stripe', secrets: { webhook: 'env:X' } };
const row = { to: 'Name', from: 'name' };
const object = (more) => ({ name: 'a', from: 'customer', to: 'A', key: 'K', fields: [row], ...more });
const sync = (more) => ({ code: 's', from: 'stripe', to: 'crm', mapping: { objects: [object({})] }, ...more });
const mapped = (more) => ({ billhook: 1, syncs: [sync({ mapping: { objects: [object(more)] } })] });
const rule = (more) => ({ billhook: 1, automations: [{ preset: 'renewals', from: 'stripe', ...more }] });
const target = (more) => ({ billhook: 1, alerts: { targets: [{ code: 't', kind: 'slack', ...more }] } });
const connected = (more) => ({ billhook: 1, connections: [{ ...stripe, ...more }] });
const where = '/syncs/0/mapping/objects/0';

// Each: the place, the document.
const bad = [
  ['', []], ['', {}], ['/billhook', { billhook: 2 }], ['/billhook', { billhook: '1' }],
  ['/connections', { billhook: 1, connections: {} }], ['/connections/0', { billhook: 1, connections: [7] }],
  ['/connections/0/code', connected({ code: 'A b' })], ['/connections/0/code', connected({ code: 'x'.repeat(65) })],
  ['/connections/0/code', connected({ code: 'ä' })], ['/connections/0/driver', connected({ driver: 'sap' })],
  ['/connections/0/paused', connected({ paused: 'yes' })], ['/connections/0/settings', connected({ settings: [] })],
  ['/connections/0/settings/mode', connected({ settings: { mode: 'both' } })],
  ['/connections/0/settings/tolerance_s', connected({ settings: { tolerance_s: 1 } })],
  ['/connections/0/settings/tolerance_s', connected({ settings: { tolerance_s: 1e9 } })],
  ['/connections/0/secrets/webhook', connected({ secrets: { webhook: 'whsec_1' } })],
  ['/connections/0/secrets/webhook', connected({ secrets: { webhook: [] } })],
  ['/connections/0/secrets/webhook/1', connected({ secrets: { webhook: ['env:A', 'open'] } })],
  ['/syncs/0', { billhook: 1, syncs: [{ code: 's', from: 'a' }] }], ['/syncs/0/started', { billhook: 1, syncs: [sync({ started: 0 })] }],
  ['/syncs/0/mapping/objects', { billhook: 1, syncs: [sync({ mapping: { objects: {} } })] }],
  [`${where}/from`, mapped({ from: 'nothing' })], [`${where}/to`, mapped({ to: '' })], [`${where}/urgent`, mapped({ urgent: 1 })],
  [`${where}/fields/1/as`, mapped({ fields: [row, { ...row, as: 5 }] })], [`${where}/fields/0`, mapped({ fields: [{ from: 'name' }] })],
  [`${where}/fields/0/as`, mapped({ fields: [{ ...row, as: 'shout' }] })], [`${where}/fields/0/when`, mapped({ fields: [{ ...row, when: 'late' }] })],
  [`${where}/fields/0/empty`, mapped({ fields: [{ ...row, empty: 'no' }] })], [`${where}/fields/0/default`, mapped({ fields: [{ ...row, default: 5 }] })],
  [`${where}/fields/0`, mapped({ fields: [{ to: 'Name' }] })], [`${where}/fields/0/value`, mapped({ fields: [{ to: 'Name', value: [] }] })],
  [`${where}/fields/0/enum/a`, mapped({ fields: [{ ...row, enum: { a: {} } }] })],
  [`${where}/match/0/fields/0`, mapped({ match: [{ by: 'value', fields: [{ to: 'Name' }] }] })],
  [`${where}/match/0/fields/0/as`, mapped({ match: [{ by: 'value', fields: [{ ...row, as: 'shout' }] }] })],
  [`${where}/match/0/by`, mapped({ match: [{ by: 'luck' }] })], [`${where}/if/all/0/in`, mapped({ if: { all: [{ field: 'id', in: 'x' }] } })],
  ['/automations/0/on', rule({ on: 'weekday' })], ['/automations/0/make/type', rule({ make: { type: 'poem' } })],
  ['/automations/0/enabled', rule({ enabled: 1 })], ['/automations/0/ends/0/as', rule({ ends: [{ as: 'drawn' }] })],
  ['/alerts/remind_hours', { billhook: 1, alerts: { remind_hours: -1 } }], ['/alerts/targets/0/kind', target({ kind: 'fax' })],
  ['/alerts/targets/0/least', target({ least: 'none' })], ['/alerts/quiet/from', { billhook: 1, alerts: { quiet: { from: 20 } } }],
];
// Ours names the member that should not be there, ajv its object.
const unknown = [
  ['', '/frob', { billhook: 1, frob: 1 }], ['/connections/0', '/connections/0/a~1b', connected({ 'a/b': 1 })],
  [`${where}/fields/0`, `${where}/fields/0/form`, mapped({ fields: [{ ...row, form: 1 }] })],
  ['/automations/0/make', '/automations/0/make/colour', rule({ make: { colour: 'red' } })],
];

let faults = 0;
function report(name, isGood, detail) {
  console.log(`${isGood ? 'ok' : 'not ok'} - ${name}`);
  if (!isGood) console.log(`#   ${JSON.stringify(detail).slice(0, 600)}`);
  faults += isGood ? 0 : 1;
}

const schema = read(schemaFile);
const ajv = new Ajv({ allErrors: true, strict: true, strictTypes: false, strictRequired: false });
report('the schema is a valid draft 2020-12', ajv.validateSchema(schema) === true, ajv.errors);
const validate = ajv.compile(schema);
report('it is what the program prints', execFileSync(process.env.BILLHOOK, ['export', '--schema'], { encoding: 'utf8' }) === readFileSync(schemaFile, 'utf8'), '');

// What ours says: paths of the lines on standard error.
function ours(document) {
  const said = spawnSync(process.env.BILLHOOK, ['apply', '--dry-run', '-'], { input: JSON.stringify(document), encoding: 'utf8' });
  return { status: said.status, text: said.stderr, paths: [...said.stderr.matchAll(/^billhook: (\/[^ :]*): /gm)].map(([, path]) => (path === '/' ? '' : path)) };
}

for (const file of good) {
  const document = read(file);
  report(`${file.replace(/.*\//, '')} fits, says ajv`, validate(document), validate.errors);
  const said = ours(document);
  report(`${file.replace(/.*\//, '')} fits, says ours`, said.paths.length === 0, said);
}
for (const [path, document] of bad) {
  const isRefused = !validate(document);
  const theirs = (validate.errors ?? []).map((one) => one.instancePath);
  const said = ours(document);
  report(`refused by both at ${path || '/'}: ${JSON.stringify(document).slice(0, 60)}`, isRefused && theirs.includes(path) && said.status === 1 && said.paths.includes(path), { theirs, said });
}
for (const [theirPath, path, document] of unknown) {
  const isRefused = !validate(document);
  const said = ours(document);
  report(`a member that there is not, ${path}`, isRefused && validate.errors.some((one) => one.instancePath === theirPath) && said.paths.includes(path), { errors: validate.errors, said });
}
process.exit(faults === 0 ? 0 : 1);
