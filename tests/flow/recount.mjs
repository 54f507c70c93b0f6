// Lists and counts that are kept beside what they are about, held against a
// recount of a dump on standard input: links by state and mapped object, held
// ones by cause, failed events, customers by name.  Prints what differs, a
// line each; "as a recount" when nothing does.

import { readFileSync } from 'node:fs';

const bytes = (row, name) => (row[name] === undefined ? Buffer.from(row[`${name}64`] ?? '', 'base64') : Buffer.from(row[name], 'utf8'));
const STATES = ['new', 'clean', 'uncertain', 'held', 'waiting', 'excluded'];
const FAILED = 5;
const DELETED = 13; // where an object's value says that it is

const rows = readFileSync(0, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line))
  .filter((row) => row.k !== undefined || row.k64 !== undefined)
  .map((row) => ({ key: bytes(row, 'k').toString('latin1'), value: bytes(row, 'v') }));
const family = (name) => rows.filter(({ key }) => key.startsWith(name));
const parts = ({ key }) => key.slice(2).split('\0');
const json = ({ value }) => JSON.parse(value.toString('utf8'));

function add(counts, name) {
  counts[name] = (counts[name] ?? 0) + 1;
}

const kept = {}, counted = {};
for (const row of family('Lk')) {
  const [lane, sync, object, account, id] = parts(row), { s, e } = json(row);
  add(counted, `${lane} ${STATES[s]}`);
  add(counted, `${lane} ${sync}/${object} ${STATES[s]}`);
  if (STATES[s] !== 'held') continue;
  add(counted, `cause ${lane} ${e} ${sync} ${object}`);
  add(counted, `held ${lane} ${e} ${sync} ${object} ${account} ${id}`);
}
for (const row of family('Ln')) {
  const [lane] = parts(row), { objects = {}, ...states } = json(row);
  for (const [state, n] of Object.entries(states)) kept[`${lane} ${state}`] = n;
  for (const [object, of] of Object.entries(objects)) for (const [state, n] of Object.entries(of)) kept[`${lane} ${object} ${state}`] = n;
}
for (const row of family('Lg')) kept[`cause ${parts(row).slice(0, 4).join(' ')}`] = json(row).n;
for (const row of family('Lc')) add(kept, `held ${parts(row).slice(0, 6).join(' ')}`);

for (const row of family('Jo')) if (json(row).s === FAILED) add(counted, `failed ${Buffer.from(row.key.slice(2), 'latin1').toString('hex')}`);
for (const { key } of family('Jf')) add(kept, `failed ${Buffer.from(key.slice(2), 'latin1').toString('hex')}`);

for (const row of family('Mo')) {
  const [connection, kind, account, id] = parts(row);
  if (kind === 'customer' && row.value[DELETED] === 0) add(counted, `customer ${connection} ${account} ${id}`);
}
for (const row of family('Cn')) add(kept, `customer ${parts(row).slice(1, 4).join(' ')}`);

const names = [...new Set([...Object.keys(kept), ...Object.keys(counted)])].sort();
const differing = names.filter((name) => (kept[name] ?? 0) !== (counted[name] ?? 0));
console.log(differing.map((name) => `${name}: ${kept[name] ?? 0} kept, ${counted[name] ?? 0} counted`).join('\n') || 'as a recount');
