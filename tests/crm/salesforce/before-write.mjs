// What stops a write that is in order by itself: faults on order, and a Bulk job
// that works on the same object.

import { badRequest } from './errors.mjs';

// The record's own locked row, as the API words it.
const locked = () => badRequest('UNABLE_TO_LOCK_ROW', 'unable to obtain exclusive access to this record', []);

// Throws, or returns the fault that waits for the record's parents to be known.
export function beforeWrite(call, operation, type, body, row) {
  if (call.admin) return null;
  if (call.org.ingest.collides(call, type)) throw locked();
  const fault = call.org.faults.forRecord(operation, type.name, body, row);
  if (fault && !fault.parents) throw fault.error;
  return fault;
}

const holds = (row, value) => Object.keys(row).some((name) => row[name] === value);

// Parents are named by their id, by the key a link used, or by any value of
// theirs, so that a test need not know how the client links its records.
function isChildOf(call, parent, keys, ids) {
  return keys.includes(parent) || ids.some((id) => {
    const row = id !== parent && call.org.rowById(id);
    return id === parent || (row && holds(row, parent));
  });
}

export function faultByParent(call, fault, keys, ids) {
  if (fault?.parents?.some((parent) => isChildOf(call, parent, keys, ids))) {
    fault.use();
    throw fault.error;
  }
}
