// What the Metadata API has defined besides objects and fields: processes,
// record types and permission sets, the last two also as records that queries
// find (Salesforce: Metadata, Assignment).

import { Access, activityName } from '../access.mjs';
import { encodeValue } from './names.mjs';
import { insertRecord } from '../writer.mjs';

const processOf = (fullName, stages) => ({ fullName, isActive: true, values: stages.map((stage, i) => ({ fullName: encodeValue(stage), default: i === 0 })) });

const SET_UP = ['RecordType', 'PermissionSet', 'PermissionSetAssignment'];

const describeObject = ({ name, label, event, needsGrant, rights, definition }) => [name, { label, event, needsGrant, rights, definition }];

const describeFields = (type) => [...type.fields.values()].filter((field) => field.custom)
  .map(({ name, metadataType, needsGrant, hidden, readOnly, definition }) =>
    [`${type.name}.${name}`, { type: metadataType, needsGrant, visible: !hidden, editable: !hidden && !readOnly, definition }]);

export class MetadataState {
  constructor(org) {
    this.org = org;
    this.clear();
  }

  clear() {
    this.processes = new Map();
    this.recordTypes = new Map();
    this.permissionSets = new Map();
  }

  // Record types that the org already had: everybody may use them.
  addKnown(objects) {
    for (const { name: objectName, recordTypes = [] } of objects) {
      for (const { name, label, process, stages = [] } of recordTypes) {
        const fullName = `${objectName}.${name}`;
        if (this.recordTypes.has(fullName.toLowerCase())) continue;
        if (process) this.processes.set(`${objectName}.${process}`.toLowerCase(), processOf(`${objectName}.${process}`, stages));
        this.addRecordType(this.org.schema.object(objectName, true), name,
          { fullName, active: true, ...(process ? { businessProcess: process } : {}), label }, false);
      }
    }
  }

  table(name) {
    return this.org.store.table(this.org.schema.object(name, true));
  }

  insert(name, row) {
    return insertRecord(this.org.adminCall(), this.org.schema.object(name, true), row);
  }

  change(name, id, changes) {
    this.org.store.update(this.org.schema.object(name, true), this.table(name).rows.get(id), changes);
  }

  // `needsGrant`: only a permission set lets the user choose it.
  addRecordType(type, name, definition, needsGrant) {
    const id = this.insert('RecordType', { Name: definition.label, DeveloperName: name, SobjectType: type.name,
      Description: definition.description ?? null, IsActive: definition.active });
    this.recordTypes.set(definition.fullName.toLowerCase(), { id, definition, needsGrant });
  }

  changeRecordType(definition) {
    const key = definition.fullName.toLowerCase();
    const held = this.recordTypes.get(key);
    this.recordTypes.set(key, { ...held, definition });
    this.change('RecordType', held.id, { Name: definition.label, Description: definition.description ?? null, IsActive: definition.active });
  }

  // Record types from elsewhere are everybody's.
  showsRecordType(id) {
    const held = [...this.recordTypes.values()].find((one) => one.id === id);
    return !held?.needsGrant || this.access().recordType(held.definition.fullName);
  }

  addPermissionSet(definition) {
    const id = this.insert('PermissionSet', { Name: definition.fullName, Label: definition.label, Description: definition.description ?? null });
    this.permissionSets.set(definition.fullName.toLowerCase(), { id, definition });
  }

  changePermissionSet(definition) {
    const key = definition.fullName.toLowerCase();
    const { id } = this.permissionSets.get(key);
    this.permissionSets.set(key, { id, definition });
    this.change('PermissionSet', id, { Label: definition.label, Description: definition.description ?? null });
  }

  removePermissionSet(fullName) {
    const { id } = this.permissionSets.get(fullName.toLowerCase());
    this.permissionSets.delete(fullName.toLowerCase());
    this.org.store.erase(this.org.schema.object('PermissionSet', true), id);
  }

  assignments() {
    return [...this.table('PermissionSetAssignment').rows.values()];
  }

  isAssigned(fullName) {
    const { id } = this.permissionSets.get(fullName.toLowerCase());
    return this.assignments().some((row) => row.PermissionSetId === id);
  }

  // What this user's permission sets give together.
  access(userId = this.org.userId) {
    const assigned = new Set(this.assignments().filter((row) => row.AssigneeId === userId).map((row) => row.PermissionSetId));
    return new Access([...this.permissionSets.values()].filter(({ id }) => assigned.has(id)).map(({ definition }) => definition));
  }

  // A permission set holds nothing of what is gone.
  prune(keep) {
    for (const [key, { id, definition }] of this.permissionSets) {
      const { fieldPermissions = [], objectPermissions = [] } = definition;
      this.permissionSets.set(key, { id, definition: { ...definition,
        fieldPermissions: fieldPermissions.filter(({ field }) => keep(activityName(field))),
        objectPermissions: objectPermissions.filter(({ object }) => keep(object.toLowerCase())) } });
    }
  }

  fieldGone(typeName, fieldName) {
    const gone = `${typeName}.${fieldName}`.toLowerCase();
    this.prune((name) => name !== gone);
  }

  objectGone(typeName) {
    const gone = typeName.toLowerCase();
    this.prune((name) => name !== gone && !name.startsWith(`${gone}.`));
    for (const [key, { id }] of this.recordTypes) {
      if (!key.startsWith(`${gone}.`)) continue;
      this.recordTypes.delete(key);
      this.org.store.erase(this.org.schema.object('RecordType', true), id);
    }
  }

  // A way back to what is now.
  snapshot() {
    const kept = [new Map(this.processes), new Map(this.recordTypes), new Map(this.permissionSets)];
    return () => {
      [this.processes, this.recordTypes, this.permissionSets] = kept;
    };
  }

  // Set-up outlives the records of an org.
  keepRows() {
    const own = new Set([...this.recordTypes.values(), ...this.permissionSets.values()].map(({ id }) => id));
    const rows = SET_UP.map((name) => [name, [...this.table(name).rows.values()].filter((row) => own.has(row.Id) || own.has(row.PermissionSetId))]);
    return () => {
      for (const [name, list] of rows) for (const row of list) this.org.store.insert(this.org.schema.object(name, true), row);
    };
  }

  describe() {
    const types = [...this.org.schema.objects.values()].filter((type) => !type.setup);
    return {
      objects: Object.fromEntries(types.filter((type) => type.custom).map(describeObject)),
      fields: Object.fromEntries(types.flatMap(describeFields)),
      businessProcesses: [...this.processes.values()],
      recordTypes: [...this.recordTypes.values()],
      permissionSets: [...this.permissionSets.values()],
      assignments: this.assignments().map(({ Id, AssigneeId, PermissionSetId }) => ({ Id, AssigneeId, PermissionSetId })),
    };
  }
}
