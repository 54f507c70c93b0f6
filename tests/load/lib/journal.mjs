// The journal as `billhook dump` shows it.

// Ids of the events of a connection: keys "Ji" <connection> NUL <id> NUL.
export function journalled(dump, connection = 'stripe') {
  const ids = new Set();
  for (const line of dump.toString().split('\n')) {
    if (line === '') continue;
    const entry = JSON.parse(line);
    const key = entry.k64 === undefined ? entry.k : Buffer.from(entry.k64, 'base64').toString('latin1');
    if (!key?.startsWith('Ji')) continue;
    const [code, id] = key.slice(2).split('\0');
    if (code === connection) ids.add(id);
  }
  return ids;
}
