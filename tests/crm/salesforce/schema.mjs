// The org's objects and fields. Names are matched without regard to case, as
// the API does; answers use the defined spelling.

import { ALL_RIGHTS } from './access.mjs';
import { SetupError } from './errors.mjs';
import { customField, changeField, checkName } from './custom-fields.mjs';
import { checkEventField, EVENT_FIELDS } from './event-types.mjs';
import { CUSTOM_OBJECT_OWNER, CUSTOM_OBJECT_RECORD_TYPE, STANDARD_OBJECTS, SYSTEM_FIELDS } from './standard-objects.mjs';

const EXTERNAL_IDS_PER_OBJECT = 25;

const FIELD_DEFAULTS = {
  length: 0, precision: 0, scale: 0, digits: 0, nillable: true, createable: true, updateable: true,
  defaultedOnCreate: false, externalId: false, idLookup: false, unique: false, caseSensitive: false,
  custom: false, calculated: false, autoNumber: null, restricted: false, values: null, referenceTo: null,
  relationshipName: null, polymorphic: false, nameField: false, defaultValue: null, lowerCased: false,
  masterDetail: false, reparentable: true, cascadeDelete: false, childRelationshipName: null,
  onlyWithRecordTypes: false, takesActivities: false, needsGrant: false, help: null, adminRequired: false, definition: null,
};

export function makeField(spec) {
  const field = { ...FIELD_DEFAULTS, ...spec, hidden: false, readOnly: false };
  // Definitions are shared between orgs; what an org may change is its own.
  if (field.referenceTo) field.referenceTo = [...field.referenceTo];
  if (field.values) field.values = [...field.values];
  if (field.type === 'boolean' && field.defaultValue !== null) field.defaultedOnCreate = true;
  return field;
}

class SObjectType {
  constructor(spec) {
    this.name = spec.name;
    this.label = spec.label;
    this.plural = spec.plural;
    this.keyPrefix = spec.keyPrefix;
    this.custom = Boolean(spec.custom);
    this.adminOnly = Boolean(spec.adminOnly);
    this.activities = spec.activities ?? false;
    this.event = Boolean(spec.event);
    this.setup = Boolean(spec.setup);
    this.needsGrant = false;
    this.definition = null;
    this.rights = ALL_RIGHTS;
    this.hidden = false;
    this.hasRecordTypes = false;
    this.fields = new Map();
    this.relationships = new Map();
    if (!this.event) this.addId(spec);
  }

  addId(spec) {
    this.add({ name: 'Id', label: this.custom ? 'Record ID' : `${spec.label} ID`, type: 'id', length: 18,
      nillable: false, defaultedOnCreate: true, createable: false, updateable: false, idLookup: true });
  }

  add(spec) {
    const field = makeField(spec);
    this.fields.set(field.name.toLowerCase(), field);
    if (field.relationshipName) this.relationships.set(field.relationshipName.toLowerCase(), field);
    if (field.nameField) this.nameField = field;
    return field;
  }

  // The field under this name, or undefined when it is missing or the session
  // may not see it: both look the same from outside (Salesforce: One record).
  field(name, admin = false) {
    const field = this.fields.get(String(name).toLowerCase());
    return field && this.shows(field, admin) ? field : undefined;
  }

  relationship(name, admin = false) {
    const field = this.relationships.get(String(name).toLowerCase());
    return field && this.shows(field, admin) ? field : undefined;
  }

  // RecordTypeId is absent where there are no record types (correction 8).
  shows(field, admin) {
    if (field.onlyWithRecordTypes && !this.hasRecordTypes) return false;
    return admin || !field.hidden;
  }

  visibleFields() {
    return [...this.fields.values()].filter((field) => this.shows(field, false));
  }
}

export class Schema {
  constructor() {
    this.reset();
  }

  reset() {
    this.objects = new Map();
    this.byPrefix = new Map();
    this.children = new Map();
    this.version = 0;
    this.prefixes = { a: 0, e: 0 };
    // Whole seconds: HTTP dates have no finer grain.
    this.modified = new Date(Math.floor(Date.now() / 1000) * 1000);
    for (const spec of STANDARD_OBJECTS) {
      const type = this.register(new SObjectType({ ...spec, activities: ['Account', 'Opportunity'].includes(spec.name) }));
      for (const field of [...spec.fields, ...SYSTEM_FIELDS]) type.add(field);
    }
    for (const spec of STANDARD_OBJECTS) {
      for (const [child, field, relationship, cascade] of spec.children) {
        this.addChild(spec.name, child, field, relationship, cascade);
      }
    }
  }

  register(type) {
    this.objects.set(type.name.toLowerCase(), type);
    this.byPrefix.set(type.keyPrefix, type);
    this.children.set(type.name, []);
    return type;
  }

  addChild(parent, child, field, relationshipName, cascadeDelete) {
    this.children.get(parent)?.push({ child, field, relationshipName, cascadeDelete });
  }

  // An object the session may use; one without any right looks missing.
  object(name, admin = false) {
    const type = this.objects.get(String(name).toLowerCase());
    return type && (admin || !type.hidden) ? type : undefined;
  }

  touch() {
    this.version++;
    this.modified = new Date(Math.max(Math.floor(Date.now() / 1000) * 1000, this.modified.getTime() + 1000));
  }

  // Adds objects and fields as an admin would; repeating it changes nothing.
  apply(specs) {
    const added = { objects: [], fields: [] };
    if (!Array.isArray(specs)) throw new SetupError('INVALID_REQUEST', '"objects" must be an array');
    for (const spec of specs) {
      if (!this.setupObject(spec.name)) {
        if (spec.event) this.addEvent(spec);
        else this.addObject(spec);
        added.objects.push(spec.name);
      }
    }
    for (const spec of specs) {
      const type = this.setupObject(spec.name);
      for (const field of spec.fields ?? []) {
        if (this.addField(type, field)) added.fields.push(`${type.name}.${field.name}`);
      }
    }
    this.touch();
    return added;
  }

  // Custom fields of Task are made on Activity, which is no object otherwise.
  setupObject(name) {
    return this.object(name === 'Activity' ? 'Task' : name, true);
  }

  addEvent(spec) {
    if (typeof spec.name !== 'string' || !spec.name.endsWith('__e')) {
      throw new SetupError('INVALID_FULL_NAME', `platform event name ${spec.name} must end in __e`);
    }
    checkName(spec.name);
    const label = spec.label ?? spec.name.replace(/__e$/, '').replace(/_/g, ' ');
    const keyPrefix = this.nextPrefix('e');
    const type = this.register(new SObjectType({ name: spec.name, label, plural: spec.plural ?? `${label}s`, keyPrefix, custom: true, event: true }));
    for (const field of EVENT_FIELDS) type.add(field);
    return type;
  }

  addObject(spec) {
    if (typeof spec.name !== 'string' || !spec.name.endsWith('__c')) {
      throw new SetupError('INVALID_CROSS_REFERENCE_KEY', `object ${spec.name} does not exist and is not a custom object name`);
    }
    checkName(spec.name);
    const keyPrefix = this.nextPrefix('a');
    const label = spec.label ?? spec.name.replace(/__c$/, '').replace(/_/g, ' ');
    const type = this.register(new SObjectType({
      name: spec.name, label, plural: spec.plural ?? `${label}s`, keyPrefix, custom: true, activities: spec.activities !== false,
    }));
    type.add(nameFieldOf(spec.nameField ?? { type: 'Text' }, label));
    for (const field of [CUSTOM_OBJECT_OWNER, CUSTOM_OBJECT_RECORD_TYPE, ...SYSTEM_FIELDS]) type.add(field);
    if (type.activities) this.linkTasks(type);
    return type;
  }

  // A prefix is not given out again when its object is gone.
  nextPrefix(letter) {
    return `${letter}${(++this.prefixes[letter]).toString(36).toUpperCase().padStart(2, '0')}`;
  }

  linkTasks(type) {
    const what = this.object('Task', true).field('WhatId', true);
    what.referenceTo = [...what.referenceTo, type.name];
    this.addChild(type.name, 'Task', 'WhatId', 'Tasks', true);
  }

  unlinkTasks(type) {
    const what = this.object('Task', true).field('WhatId', true);
    what.referenceTo = what.referenceTo.filter((name) => name !== type.name);
    this.removeChildren(type.name, (entry) => entry.child === 'Task' && entry.field === 'WhatId');
  }

  setActivities(type, wanted) {
    if (type.activities === wanted) return;
    type.activities = wanted;
    if (wanted) this.linkTasks(type);
    else this.unlinkTasks(type);
  }

  removeChildren(parent, test) {
    this.children.set(parent, this.children.get(parent).filter((entry) => !test(entry)));
  }

  removeField(type, field) {
    type.fields.delete(field.name.toLowerCase());
    if (field.relationshipName) type.relationships.delete(field.relationshipName.toLowerCase());
    for (const parent of field.referenceTo ?? []) {
      this.removeChildren(parent, (entry) => entry.child === type.name && entry.field === field.name);
    }
  }

  removeObject(type) {
    if (type.activities) this.unlinkTasks(type);
    this.objects.delete(type.name.toLowerCase());
    this.byPrefix.delete(type.keyPrefix);
    this.children.delete(type.name);
    for (const parent of this.children.keys()) this.removeChildren(parent, (entry) => entry.child === type.name);
  }

  // A way back to the objects and fields of now.
  snapshot() {
    const { objects, byPrefix, children } = this;
    const kept = { objects: new Map(objects), byPrefix: new Map(byPrefix), children: new Map([...children].map(([name, list]) => [name, [...list]])) };
    const types = [...objects.values()].map((type) => [type, { ...type, fields: new Map(type.fields), relationships: new Map(type.relationships) }]);
    const fields = types.flatMap(([type]) => [...type.fields.values()].map((field) => [field, { ...field }]));
    return () => {
      Object.assign(this, kept);
      for (const [held, copy] of [...types, ...fields]) Object.assign(held, copy);
    };
  }

  addField(type, spec) {
    if (type.event) checkEventField(type, spec);
    const existing = type.fields.get(String(spec.name).toLowerCase());
    if (existing) {
      changeField(type, existing, spec);
      return false;
    }
    const field = customField(type, spec);
    if (field.externalId && [...type.fields.values()].filter((other) => other.externalId).length >= EXTERNAL_IDS_PER_OBJECT) {
      throw new SetupError('LIMIT_EXCEEDED', `${type.name} already has ${EXTERNAL_IDS_PER_OBJECT} external ids`);
    }
    if (field.referenceTo) this.linkParents(type, field);
    type.add(field);
    return true;
  }

  linkParents(type, field) {
    for (const target of field.referenceTo) {
      const parent = this.object(target, true);
      if (!parent) throw new SetupError('INVALID_CROSS_REFERENCE_KEY', `referenceTo ${target} of ${type.name}.${field.name} does not exist`);
      const name = field.childRelationshipName ?? `${type.name.replace(/__c$/, '')}s_${field.name.replace(/__c$/, '')}`;
      if (this.children.get(parent.name).some((other) => other.relationshipName === `${name}__r`)) {
        throw new SetupError('DUPLICATE_DEVELOPER_NAME', `relationshipName ${name} is already used by a child of ${parent.name}`);
      }
      this.addChild(parent.name, type.name, field.name, `${name}__r`, field.masterDetail);
    }
  }
}

function nameFieldOf(spec, label) {
  const shared = { name: 'Name', label: spec.label ?? `${label} Name`, type: 'string', length: 80, nameField: true, idLookup: true };
  if (spec.type === 'AutoNumber') {
    return { ...shared, nillable: false, defaultedOnCreate: true, createable: false, updateable: false,
      autoNumber: spec.displayFormat ?? spec.format ?? '{00000}' };
  }
  if (spec.type !== undefined && spec.type !== 'Text') {
    throw new SetupError('FIELD_INTEGRITY_EXCEPTION', 'nameField must be of type Text or AutoNumber');
  }
  return { ...shared, nillable: false };
}
