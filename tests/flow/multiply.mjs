// A dump on standard input, larger on standard output: so many times N what
// format 3 of the store lists and counts page by page, made of what is there.
//
//   node multiply.mjs LINKS OUTCOMES
//
// LINKS more held records of the CRM lane "salesforce"; OUTCOMES more of
// events whose bodies are gone, every hundredth failed, all behind the cursor.

import { readFileSync } from 'node:fs';

const [links, outcomes] = process.argv.slice(2).map(Number);
const bytes = (row, name) => (row[name] === undefined ? Buffer.from(row[`${name}64`] ?? '', 'base64') : Buffer.from(row[name], 'utf8'));
const rows = readFileSync(0, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line));
const head = rows.shift(), end = rows.pop();
const entries = new Map(rows.map((row) => [bytes(row, 'k').toString('latin1'), bytes(row, 'v')]));
const MODEL = 'cus_trigger';
const stampOf = (n) => { const key = Buffer.alloc(8); key.writeBigUInt64BE(BigInt(n)); return key; };

for (const family of ['Lk', 'Lh']) {
  const [key] = [...entries.keys()].filter((one) => one.startsWith(`${family}salesforce\0`) && one.includes(MODEL));
  for (let n = 0; n < links; n++) entries.set(key.replace(MODEL, `cus_more_${String(n).padStart(6, '0')}`), entries.get(key));
}
const lane = 'Lnsalesforce\0', counts = JSON.parse(entries.get(lane));
counts.held += links;
entries.set(lane, Buffer.from(JSON.stringify(counts)));

const last = end.stamp + outcomes;
for (let n = 1; n <= outcomes; n++) {
  const outcome = n % 100 === 0 ? { n: 'it cannot be read', s: 5, t: 1790000000000 } : { s: 1, t: 1790000000000 };
  entries.set(`Jo${stampOf(end.stamp + n).toString('latin1')}`, Buffer.from(JSON.stringify(outcome)));
}
const cursor = Buffer.from(entries.get('Jc'));
stampOf(last).copy(cursor);
entries.set('Jc', cursor);

const sorted = [...entries].map(([key, value]) => [Buffer.from(key, 'latin1'), value]).sort(([a], [b]) => Buffer.compare(a, b));
const lines = sorted.map(([k, v]) => JSON.stringify({ k64: k.toString('base64'), v64: v.toString('base64') }));
console.log([JSON.stringify(head), ...lines, JSON.stringify({ count: sorted.length, stamp: last })].join('\n'));
