// Records as answers show them.

export function attributesOf(base, type, row) {
  return { type: type.name, url: `${base}/sobjects/${type.name}/${row.Id}` };
}

export function rowOut(base, type, row, fields) {
  const out = { attributes: attributesOf(base, type, row) };
  for (const field of fields) out[field.name] = row[field.name] ?? null;
  return out;
}
