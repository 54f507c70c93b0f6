// What Billhook holds, read from a dump: the objects of a source, the figures
// that it works out itself, and which CRM records it knows.

import { execFileSync } from 'node:child_process';

const bytes = (row, name) => (row[name] === undefined ? Buffer.from(row[`${name}64`] ?? '', 'base64') : Buffer.from(row[name], 'utf8'));

// An object's value: a head of version, times and flags, the tie ended by a zero byte, then JSON.
const HEAD = 14, DELETED = 13;

function readObject(value) {
  const json = value.indexOf(0, HEAD) + 1;
  const { _older, ...fields } = JSON.parse(value.subarray(json).toString('utf8'));
  return { deleted: value[DELETED] !== 0, fields };
}

// LostChurn's lists know a recovery by its payment, its events by an id of its own: held under the one that came first.
const byPayment = (objects, id) => [...objects?.values() ?? []].find(({ fields }) => fields.payment === id);

// What each row of a dump of the store says: its key's parts, and its value.
function* rows() {
  const dump = execFileSync(process.env.BILLHOOK, ['dump'], { maxBuffer: 1 << 30 });
  for (let at = 0, end; at < dump.length; at = end + 1) {
    end = dump.indexOf(10, at);
    if (end < 0) end = dump.length;
    const row = JSON.parse(dump.subarray(at, end).toString('utf8') || '{}');
    yield { parts: bytes(row, 'k').toString('utf8').split('\0'), value: bytes(row, 'v') };
  }
}

const STATES = ['new', 'clean', 'uncertain', 'held', 'waiting', 'excluded'];

// -> Map of "object id" to a link, of whatever lane
export function readLinks() {
  const links = new Map();
  for (const { parts: [family, , object, , id], value } of rows()) {
    if (!family.startsWith('Lk')) continue;
    const { s, r = '', x = '', e = '', c = '', m = '', a = 0 } = JSON.parse(value.toString('utf8'));
    links.set(`${object} ${id}`, { state: STATES[s], remote_id: r, how: x, code: e, cause: c, remedy: m, attempts: a });
  }
  return links;
}

// -> { kinds: Map of kind to Map of id to {deleted, fields}, object(kind, id), figures(kind, id) }
export function readMirror(connection) {
  const kinds = new Map(), derived = new Map();
  for (const { parts: [family, kind, , id], value } of rows()) {
    if (family === `Mo${connection}`) {
      if (!kinds.has(kind)) kinds.set(kind, new Map());
      kinds.get(kind).set(id, readObject(value));
    } else if (family === `Fd${connection}`) {
      derived.set(`${kind} ${id}`, JSON.parse(value.toString('utf8')));
    }
  }
  return { kinds, object: (kind, id) => kinds.get(kind)?.get(id) ?? (kind === 'recovery' ? byPayment(kinds.get(kind), id) : undefined), figures: (kind, id) => derived.get(`${kind} ${id}`), derived };
}
