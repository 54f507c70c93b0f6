// CustomField: which attributes go with which type, and what a field may become
// (Salesforce: Metadata, Components).

import { ComponentError } from '../soap-answers.mjs';
import { changeField } from '../custom-fields.mjs';
import { checkEventField } from '../event-types.mjs';
import { checkDeveloperName, checkFilled, checkLength, decodeValue, encodeValue, splitName } from './names.mjs';

const LONGEST_DESCRIPTION = 1000;
const LONGEST_LABEL = 40;
const LONGEST_HELP = 510;

// Attributes that belong to some types only: [must be there, may be there].
const KEY = 'externalId unique required';
const LINK = 'relationshipLabel relationshipName';
const BY_TYPE = {
  Text: ['length', `${KEY} caseSensitive defaultValue`],
  TextArea: ['', 'required defaultValue'],
  LongTextArea: ['length visibleLines', 'defaultValue'],
  Html: ['length visibleLines', ''],
  Number: ['precision scale', `${KEY} defaultValue`],
  Currency: ['precision scale', 'required defaultValue'],
  Percent: ['precision scale', 'required defaultValue'],
  Date: ['', 'required defaultValue'],
  DateTime: ['', 'required defaultValue'],
  Checkbox: ['defaultValue', ''],
  Email: ['', `${KEY} defaultValue`],
  Phone: ['', 'required defaultValue'],
  Url: ['', 'required defaultValue'],
  Picklist: ['valueSet', 'required'],
  MultiselectPicklist: ['valueSet visibleLines', 'required'],
  Lookup: ['referenceTo', `${LINK} deleteConstraint required`],
  MasterDetail: ['referenceTo relationshipName', 'relationshipLabel relationshipOrder reparentableMasterDetail writeRequiresMasterRead'],
  AutoNumber: ['displayFormat', 'externalId startingNumber'],
};
const BOUND = ['length', 'visibleLines', 'precision', 'scale', 'defaultValue', 'valueSet', 'referenceTo', 'relationshipLabel',
  'relationshipName', 'relationshipOrder', 'reparentableMasterDetail', 'writeRequiresMasterRead', 'deleteConstraint', 'displayFormat',
  'startingNumber', 'externalId', 'unique', 'required', 'caseSensitive', 'formula', 'maskChar', 'maskType', 'summarizedField',
  'summaryForeignKey', 'summaryOperation'];

const integrity = (message) => new ComponentError('FIELD_INTEGRITY_EXCEPTION', message);

function checkAttributes(definition) {
  const { type } = definition;
  if (!BY_TYPE[type]) throw integrity(type ? `Fields of type ${type} are not available in this organization` : "Must specify 'type' for a CustomField");
  const [needed, allowed] = BY_TYPE[type].map((words) => words.split(' ').filter(Boolean));
  for (const name of needed) {
    if (definition[name] === undefined) throw integrity(`Must specify '${name}' for a CustomField of type ${type}`);
  }
  for (const name of BOUND) {
    // A key attribute that is said to be absent says nothing.
    const harmless = ['externalId', 'caseSensitive'].includes(name) && definition[name] === false;
    if (definition[name] !== undefined && !harmless && !needed.includes(name) && !allowed.includes(name)) {
      throw integrity(`Can not specify '${name}' for a CustomField of type ${type}`);
    }
  }
}

function checkCheckbox({ type, defaultValue }) {
  if (type === 'Checkbox' && !['true', 'false'].includes(defaultValue)) {
    throw integrity(`The default value of a Checkbox must be true or false, not ${defaultValue}`);
  }
}

function checkLink(definition, context) {
  const { type, referenceTo, deleteConstraint, required } = definition;
  if (referenceTo === undefined) return;
  const target = context.org.schema.object(referenceTo, true);
  if (!target || target.event || target.setup) throw integrity(`referenceTo value of '${referenceTo}' does not resolve to a valid sObject type`);
  if (type === 'Lookup' && required && (deleteConstraint ?? 'SetNull') === 'SetNull') {
    throw integrity('Can not specify a deleteConstraint of SetNull for a required Lookup');
  }
  if (definition.relationshipName !== undefined) checkDeveloperName(definition.relationshipName);
}

function valuesOf({ valueSet }) {
  if (valueSet === undefined) return {};
  const values = valueSet.valueSetDefinition?.value ?? [];
  for (const value of values) if (!value.fullName) throw integrity('A picklist value needs a fullName');
  if (new Set(values.map((value) => value.fullName)).size < values.length) throw integrity('Duplicate value in the picklist');
  return { values: values.map((value) => ({ value: decodeValue(value.fullName), default: value.default })), restricted: valueSet.restricted === true };
}

// What the schema's own builder takes.
function specOf(name, definition) {
  const { defaultValue, description, inlineHelpText, valueSet, ...rest } = definition;
  return { ...rest, ...valuesOf(definition), name, help: inlineHelpText,
    defaultValue: definition.type === 'Checkbox' ? defaultValue : undefined };
}

function fieldSpec(context, name, definition) {
  checkDeveloperName(name, '__c');
  checkFilled(definition, 'label', 'CustomField');
  checkLength(definition, 'label', LONGEST_LABEL, 'MasterLabel');
  checkLength(definition, 'description', LONGEST_DESCRIPTION, 'Description');
  checkLength(definition, 'inlineHelpText', LONGEST_HELP, 'InlineHelpText');
  checkAttributes(definition);
  checkCheckbox(definition);
  checkLink(definition, context);
  return specOf(name, definition);
}

// Activity holds the fields of tasks; Task itself is not a place for them.
function ownerOf(context, objectName) {
  const type = objectName === 'Task' ? undefined : context.org.schema.setupObject(objectName);
  if (!type || type.setup) throw new ComponentError('INVALID_CROSS_REFERENCE_KEY', `In field: CustomField - no CustomObject named ${objectName} found`);
  return type;
}

function checkLimit(context, type) {
  const most = context.org.settings.values.custom_field_limit;
  const held = [...type.fields.values()].filter((field) => field.custom).length;
  if (held >= most) throw new ComponentError('CUSTOM_ENTITY_OR_FIELD_LIMIT', `You have reached the maximum number of custom fields on ${type.name}: ${most}`);
}

// Existing rows must not clash once a field becomes unique.
function checkUniqueData(context, type, field, spec) {
  if (!spec.unique || field.unique) return;
  const seen = new Set();
  for (const row of context.org.store.table(type).rows.values()) {
    const value = row[field.name];
    if (value === null || value === undefined) continue;
    const key = spec.caseSensitive ? String(value) : String(value).toLowerCase();
    if (seen.has(key)) throw new ComponentError('DUPLICATE_VALUE', `duplicate value found: ${field.name} holds ${value} more than once`);
    seen.add(key);
  }
}

export function addField(context, type, name, definition) {
  const spec = fieldSpec(context, name, definition);
  checkLimit(context, type);
  context.org.schema.addField(type, spec);
  const field = type.fields.get(name.toLowerCase());
  Object.assign(field, { needsGrant: !type.event, definition });
}

export function changeExisting(context, type, field, definition) {
  const spec = fieldSpec(context, field.name, definition);
  if (type.event) checkEventField(type, spec);
  checkUniqueData(context, type, field, spec);
  if (field.referenceTo && spec.referenceTo !== field.referenceTo[0]) {
    throw new ComponentError('CANNOT_CHANGE_FIELD_TYPE', `${type.name}.${field.name} refers to ${field.referenceTo[0]}, not to ${spec.referenceTo}`);
  }
  changeField(type, field, spec);
  field.definition = definition;
}

function fieldAt(context, fullName) {
  const [objectName, name] = splitName(fullName);
  const type = objectName === 'Task' ? undefined : context.org.schema.setupObject(objectName);
  const field = type?.fields.get(name.toLowerCase());
  return { type, name, field: field?.custom ? field : undefined };
}

export const customField = {
  noun: 'custom field',

  exists: (context, fullName) => fieldAt(context, fullName).field !== undefined,

  create(context, { fullName, ...definition }) {
    const [objectName, name] = splitName(fullName);
    addField(context, ownerOf(context, objectName), name, definition);
  },

  update(context, { fullName, ...definition }) {
    const { type, field } = fieldAt(context, fullName);
    changeExisting(context, type, field, definition);
  },

  remove(context, fullName) {
    const { type, field } = fieldAt(context, fullName);
    context.org.store.forget(type, field);
    context.org.schema.removeField(type, field);
    context.state.fieldGone(type.name, field.name);
  },

  read(context, fullName) {
    const { field } = fieldAt(context, fullName);
    return field ? { fullName, ...definitionOf(field) } : null;
  },
};

const KEPT = ['label', 'length', 'precision', 'scale'];

// A field that did not come by this interface is told from what it is.
export function definitionOf(field) {
  if (field.definition) return field.definition;
  const type = field.metadataType;
  const words = (BY_TYPE[type] ?? ['', '']).join(' ').split(' ');
  const out = { type, label: field.label, ...(field.help ? { inlineHelpText: field.help } : {}) };
  for (const name of KEPT) if (words.includes(name)) out[name] = field[name];
  if (words.includes('required')) out.required = !field.nillable;
  if (words.includes('externalId')) out.externalId = field.externalId;
  if (words.includes('unique')) Object.assign(out, { unique: field.unique, ...(type === 'Text' ? { caseSensitive: field.caseSensitive } : {}) });
  if (words.includes('visibleLines')) out.visibleLines = 3;
  if (type === 'Checkbox') out.defaultValue = String(field.defaultValue);
  if (field.referenceTo) Object.assign(out, { referenceTo: field.referenceTo[0], relationshipName: field.childRelationshipName ?? undefined });
  if (field.values) out.valueSet = { restricted: field.restricted, valueSetDefinition: { sorted: false, value: field.values.map(valueOf(field)) } };
  return out;
}

const valueOf = (field) => (value) => ({ fullName: encodeValue(value), default: field.defaultValue === value, label: value });
