// What Billhook holds of a source, read from a dump: the objects, and the
// figures that it works out itself.

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

// -> { kinds: Map of kind to Map of id to {deleted, fields}, object(kind, id), figures(kind, id) }
export function readMirror(connection) {
  const dump = execFileSync(process.env.BILLHOOK, ['dump'], { maxBuffer: 1 << 30 });
  const kinds = new Map(), derived = new Map();
  for (let at = 0, end; at < dump.length; at = end + 1) {
    end = dump.indexOf(10, at);
    if (end < 0) end = dump.length;
    const row = JSON.parse(dump.subarray(at, end).toString('utf8') || '{}');
    const [family, kind, , id] = bytes(row, 'k').toString('utf8').split('\0');
    if (family === `Mo${connection}`) {
      if (!kinds.has(kind)) kinds.set(kind, new Map());
      kinds.get(kind).set(id, readObject(bytes(row, 'v')));
    } else if (family === `Fd${connection}`) {
      derived.set(`${kind} ${id}`, JSON.parse(bytes(row, 'v').toString('utf8')));
    }
  }
  return { kinds, object: (kind, id) => kinds.get(kind)?.get(id) ?? (kind === 'recovery' ? byPayment(kinds.get(kind), id) : undefined), figures: (kind, id) => derived.get(`${kind} ${id}`), derived };
}
