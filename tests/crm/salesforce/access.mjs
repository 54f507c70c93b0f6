// What the permission sets assigned to a user give (Salesforce: Metadata,
// Assignment; the simulator, FLS). Only what came by the Metadata API needs a
// grant; everything else the user's profile allows.

import { SalesforceError } from './errors.mjs';

export const ALL_RIGHTS = { read: true, create: true, edit: true, remove: true };
const NONE = { read: false, create: false, edit: false, remove: false };

// Fields without field-level security: nobody could do without them.
export function alwaysShown(field) {
  return field.masterDetail || (field.createable && !field.nillable && !field.defaultedOnCreate && field.type !== 'boolean');
}

export class Access {
  // `sets` are the definitions of the assigned permission sets.
  constructor(sets) {
    this.fields = new Map();
    this.objects = new Map();
    this.recordTypes = new Set();
    for (const set of sets) this.add(set);
  }

  add({ fieldPermissions = [], objectPermissions = [], recordTypeVisibilities = [] }) {
    for (const { field, readable = false, editable } of fieldPermissions) {
      merge(this.fields, field, { read: readable, edit: editable });
    }
    for (const entry of objectPermissions) {
      merge(this.objects, entry.object, { read: entry.allowRead, create: entry.allowCreate, edit: entry.allowEdit, remove: entry.allowDelete });
    }
    for (const { recordType, visible } of recordTypeVisibilities) if (visible) this.recordTypes.add(recordType.toLowerCase());
  }

  // {read, edit} for a field of an object.
  field(type, field) {
    if (!field.needsGrant || alwaysShown(field)) return ALL_RIGHTS;
    return this.fields.get(`${type.name}.${field.name}`.toLowerCase()) ?? NONE;
  }

  object(type) {
    if (!type.needsGrant) return ALL_RIGHTS;
    return this.objects.get(type.name.toLowerCase()) ?? NONE;
  }

  // A grant by its full name.
  recordType(fullName) {
    return this.recordTypes.has(fullName.toLowerCase());
  }
}

// Tasks and events share the fields of activities, and what is granted on them.
export const activityName = (name) => name.toLowerCase().replace(/^event\./, 'task.');

// Several sets add up.
function merge(map, name, rights) {
  const key = activityName(name);
  const held = map.get(key) ?? {};
  map.set(key, Object.fromEntries(Object.entries(rights).map(([right, given]) => [right, given || held[right] === true])));
}

// Refuses a write that the object's rights do not cover.
export function checkRight(call, type, right) {
  if (call.admin || type.rights[right]) return;
  throw new SalesforceError(403, 'INSUFFICIENT_ACCESS_OR_READONLY', 'insufficient access rights on object id', []);
}
