// What people do to records while nobody syncs: delete, undelete, empty the bin,
// merge (Salesforce: Standard objects, merges and deletes by people).

import { SetupError } from './errors.mjs';
import { parseId, prefixOf } from './ids.mjs';
import { serverTime } from './values.mjs';
import { checkUnique, deleteRecord, derivedOf } from './writer.mjs';

const MERGED = ['Account', 'Contact'];
const MOST_LOSERS = 2;

function typeAt(org, text) {
  const id = parseId(text);
  const type = id && org.schema.byPrefix.get(prefixOf(id));
  if (!type) throw new SetupError('MALFORMED_ID', `no record ${text}`);
  return { id, type };
}

function binnedAt(org, text) {
  const { id, type } = typeAt(org, text);
  const row = org.store.table(type).bin.get(id);
  if (!row) throw new SetupError('NOT_FOUND', `no deleted record ${text}`);
  return { type, row };
}

export function deleteAll(org, { ids }) {
  org.store.transaction(() => {
    for (const text of ids) {
      const { id, type } = typeAt(org, text);
      deleteRecord(org.adminCall(), type, id);
    }
  });
  return { deleted: ids.length };
}

// Out of the recycle bin again, with the children that went along. A key that
// somebody else holds by now is in the way.
export function undeleteAll(org, { ids }) {
  org.store.transaction(() => {
    for (const text of ids) {
      const { type, row } = binnedAt(org, text);
      undelete(org, type, row);
    }
  });
  return { undeleted: ids.length };
}

function undelete(org, type, row) {
  const call = org.adminCall();
  checkUnique(call, type, row, row.Id);
  const changes = { IsDeleted: false, LastModifiedDate: serverTime(call.now), SystemModstamp: serverTime(call.now) };
  if (row.MasterRecordId) changes.MasterRecordId = null;
  org.store.restore(type, row, changes);
  for (const { child, cascadeDelete } of org.schema.children.get(type.name)) {
    if (!cascadeDelete) continue;
    const childType = org.schema.object(child, true);
    for (const other of [...org.store.table(childType).bin.values()]) {
      if (org.store.removedWith.get(other) === row.Id) undelete(org, childType, other);
    }
  }
}

// What the bin has lost is unknown even by its id.
export function purge(org, { ids }) {
  for (const text of ids) {
    const { type, row } = binnedAt(org, text);
    org.store.table(type).bin.delete(row.Id);
  }
  return { purged: ids.length };
}

// Children move to the winner; the loser is deleted with its key and names the
// winner in MasterRecordId.
export function merge(org, { object, winner, loser, losers = [loser] }) {
  const type = org.schema.object(object, true);
  if (!type || !MERGED.includes(type.name)) throw new SetupError('INVALID_REQUEST', `${object} cannot be merged`);
  if (losers.length > MOST_LOSERS) throw new SetupError('INVALID_REQUEST', `at most ${MOST_LOSERS} losers`);
  const winnerId = parseId(winner);
  const row = org.store.table(type).rows.get(winnerId);
  if (!row || losers.some((text) => parseId(text) === winnerId)) throw new SetupError('NOT_FOUND', `no winner ${winner}`);
  org.store.transaction(() => {
    for (const text of losers) mergeOne(org, type, row, parseId(text));
  });
  return { merged: losers.length };
}

function mergeOne(org, type, winner, loser) {
  const call = org.adminCall();
  const stamp = { LastModifiedDate: serverTime(call.now), SystemModstamp: serverTime(call.now) };
  for (const { child, field } of org.schema.children.get(type.name)) moveChildren(call, child, field, loser, winner.Id, stamp);
  deleteRecord(call, type, loser, { MasterRecordId: winner.Id });
  org.store.update(type, winner, stamp);
}

function moveChildren(call, child, fieldName, from, to, stamp) {
  const type = call.org.schema.object(child, true);
  const table = call.org.store.table(type);
  for (const id of table.find(type.field(fieldName, true), from)) {
    const row = table.rows.get(id);
    const changes = { [fieldName]: to };
    call.org.store.update(type, row, { ...changes, ...derivedOf(call, type, row, changes), ...stamp });
  }
}
