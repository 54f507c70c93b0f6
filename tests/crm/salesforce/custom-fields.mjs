// Custom fields from their metadata form (Salesforce: Metadata, Components):
// the rules that an admin's set-up page or the Metadata API enforces.

import { SetupError } from './errors.mjs';

const fault = (message) => new SetupError('FIELD_INTEGRITY_EXCEPTION', message);

// Limits of names (Salesforce: Metadata, Limits of names).
export function checkName(name) {
  const base = String(name).replace(/__[ce]$/, '');
  if (base.length > 40 || !/^[A-Za-z](?:_?[A-Za-z0-9])*$/.test(base)) {
    throw new SetupError('INVALID_FULL_NAME', `The name ${name} may hold letters, digits and single underscores, at most 40 characters`);
  }
}

function number(spec, type) {
  const precision = spec.precision ?? 18;
  const scale = spec.scale ?? (type === 'double' ? 0 : 2);
  if (!(precision >= 1 && precision <= 18) || !(scale >= 0 && scale < precision + 1)) {
    throw fault(`precision of ${spec.name} must be 1 to 18 and not below its scale`);
  }
  return { type, precision, scale };
}

function between(spec, name, low, high, fallback) {
  const value = spec[name] ?? fallback;
  if (!Number.isInteger(value)) throw fault(`${name} of ${spec.name} is missing`);
  if (value < low) throw fault(`Invalid length, minimum is: ${low}`);
  if (value > high) throw fault(`Invalid length, maximum is: ${high}`);
  return value;
}

function picklist(spec, type) {
  const values = (spec.values ?? []).map((value) => (typeof value === 'string' ? value : value.value ?? value.fullName));
  if (values.length === 0) throw fault(`picklist ${spec.name} has no values`);
  const chosen = (spec.values ?? []).find((value) => typeof value === 'object' && value.default);
  return { type, length: type === 'picklist' ? 255 : 4099, values, restricted: spec.restricted === true,
    defaultValue: chosen ? chosen.value ?? chosen.fullName : null };
}

function reference(spec, masterDetail) {
  if (!spec.referenceTo) throw fault(`referenceTo of ${spec.name} is missing`);
  const constraint = spec.deleteConstraint ?? 'SetNull';
  return {
    type: 'reference', referenceTo: [].concat(spec.referenceTo), relationshipName: spec.name.replace(/__c$/, '__r'),
    childRelationshipName: spec.relationshipName ?? null, masterDetail, cascadeDelete: masterDetail || constraint === 'Cascade',
    restrictDelete: constraint === 'Restrict', reparentable: !masterDetail || spec.reparentableMasterDetail === true,
  };
}

const BUILDERS = {
  Text: (spec) => ({ type: 'string', length: between(spec, 'length', 1, 255) }),
  TextArea: () => ({ type: 'textarea', length: 255 }),
  LongTextArea: (spec) => ({ type: 'textarea', length: between(spec, 'length', 256, 131072) }),
  Html: (spec) => ({ type: 'textarea', length: between(spec, 'length', 256, 131072) }),
  Currency: (spec) => number(spec, 'currency'),
  Number: (spec) => number(spec, 'double'),
  Percent: (spec) => number(spec, 'percent'),
  Date: () => ({ type: 'date' }),
  DateTime: () => ({ type: 'datetime' }),
  Checkbox: (spec) => ({ type: 'boolean', nillable: false, defaultValue: spec.defaultValue === true || spec.defaultValue === 'true' }),
  // No length, always 255.
  Url: () => ({ type: 'url', length: 255 }),
  Email: () => ({ type: 'email', length: 80 }),
  Phone: () => ({ type: 'phone', length: 40 }),
  Picklist: (spec) => picklist(spec, 'picklist'),
  MultiselectPicklist: (spec) => picklist(spec, 'multipicklist'),
  Lookup: (spec) => reference(spec, false),
  MasterDetail: (spec) => ({ ...reference(spec, true), nillable: false }),
  AutoNumber: (spec) => ({ type: 'string', length: 30, createable: false, updateable: false, defaultedOnCreate: true,
    nillable: false, autoNumber: spec.displayFormat ?? spec.format ?? '{00000}' }),
};

const MAY_BE_EXTERNAL = ['Text', 'Number', 'Email', 'AutoNumber'];
const MAY_BE_UNIQUE = ['Text', 'Number', 'Email'];
const NEVER_REQUIRED = ['Checkbox', 'LongTextArea', 'Html', 'MasterDetail', 'AutoNumber'];

export function customField(type, spec) {
  if (typeof spec.name !== 'string' || !spec.name.endsWith('__c')) {
    throw new SetupError('INVALID_FULL_NAME', `custom field name ${spec.name} must end in __c`);
  }
  checkName(spec.name);
  const build = BUILDERS[spec.type];
  if (!build) throw fault(`unknown type ${spec.type} of ${type.name}.${spec.name}`);
  if (spec.externalId && !MAY_BE_EXTERNAL.includes(spec.type)) throw fault(`Can not specify 'externalId' for a CustomField of type ${spec.type}`);
  if (spec.unique && !MAY_BE_UNIQUE.includes(spec.type)) throw fault(`Can not specify 'unique' for a CustomField of type ${spec.type}`);
  if (spec.required && NEVER_REQUIRED.includes(spec.type)) throw fault(`Can not specify 'required' for a CustomField of type ${spec.type}`);
  const label = spec.label ?? spec.name.replace(/__c$/, '').replace(/_/g, ' ');
  if (label.length > 40) throw fault(`label of ${spec.name} is longer than 40 characters`);
  const shape = build(spec);
  return {
    ...shape, name: spec.name, label, custom: true, metadataType: spec.type, help: spec.help ?? null,
    nillable: spec.required ? false : shape.nillable ?? true,
    externalId: spec.externalId === true, idLookup: spec.externalId === true, unique: spec.unique === true,
    // Only a unique text field can tell letter case apart.
    caseSensitive: spec.unique === true && spec.caseSensitive === true,
  };
}

// A repeated definition: picklist values, label and width may change, the type
// may not. On a standard picklist it renames the values (an org's own stages).
export function changeField(type, field, spec) {
  if (field.custom && spec.type !== field.metadataType) {
    throw new SetupError('CANNOT_CHANGE_FIELD_TYPE', `${type.name}.${field.name} is of type ${field.metadataType}, not ${spec.type}`);
  }
  if (!field.custom) {
    if (Array.isArray(spec.values) && field.values) field.values = spec.values.map((value) => value.value ?? value);
    if (typeof spec.restricted === 'boolean') field.restricted = spec.restricted;
    // An admin may make a standard field required on the page layout only; a
    // field that is required everywhere is modelled by this switch.
    if (typeof spec.required === 'boolean' && field.createable && !field.nameField) field.nillable = !spec.required;
    return;
  }
  const next = customField(type, spec);
  for (const key of ['label', 'length', 'precision', 'scale', 'values', 'restricted', 'nillable', 'externalId', 'idLookup', 'unique',
    'caseSensitive', 'defaultValue', 'help']) {
    if (next[key] !== undefined) field[key] = next[key];
  }
}
