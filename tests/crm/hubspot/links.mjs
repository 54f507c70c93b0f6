// Links between records. Each record holds its side:
// record.links: to type id -> to record id -> set of definitions.
// Both sides are always written together, so they cannot disagree.

export function link(portal, fromType, fromRecord, def, toType, toRecord) {
  // A labelled link is a plain link as well (section 12.1); one primary company at most.
  const plain = def.label === null ? def : portal.associationTypes.plain(fromType, toType);
  if (def.primary) dropPrimary(portal, fromRecord, def);
  for (const one of plain && plain !== def ? [plain, def] : [def]) {
    add(fromRecord, toType.id, toRecord.id, one);
    add(toRecord, fromType.id, fromRecord.id, one.inverse);
  }
}

function add(record, typeId, id, def) {
  record.links ??= new Map();
  let perType = record.links.get(typeId);
  if (perType === undefined) record.links.set(typeId, perType = new Map());
  let defs = perType.get(id);
  if (defs === undefined) perType.set(id, defs = new Set());
  defs.add(def);
}

function drop(record, typeId, id, def) {
  const perType = record.links?.get(typeId);
  const defs = perType?.get(id);
  if (defs === undefined) return;
  if (def === undefined) defs.clear();
  else defs.delete(def);
  if (defs.size === 0) perType.delete(id);
}

function dropPrimary(portal, record, def) {
  const companies = portal.types.byId.get(def.to);
  for (const [id, defs] of record.links?.get(def.to) ?? [])
    if (defs.has(def)) {
      drop(record, def.to, id, def);
      drop(companies.records.get(id), def.from, record.id, def.inverse);
    }
}

// Without def the whole link of the pair goes.
export function unlink(fromType, fromRecord, toType, toRecord, def) {
  drop(fromRecord, toType.id, toRecord.id, def);
  drop(toRecord, fromType.id, fromRecord.id, def?.inverse);
}

export function unlinkAll(portal, type, record) {
  for (const [typeId, perType] of record.links ?? []) {
    const other = portal.types.byId.get(typeId);
    for (const id of perType.keys()) {
      const there = other?.records.get(id);
      if (there !== undefined) drop(there, type.id, record.id);
    }
  }
  record.links = null;
}

// [[to record id, set of definitions]], oldest first.
export function linksOf(record, toType) {
  return [...(record.links?.get(toType.id) ?? [])];
}
