// CustomObject: own objects and platform events, with the fields that come in
// the same component (Salesforce: Metadata, Components).

import { ComponentError } from '../soap-answers.mjs';
import { addField, changeExisting, definitionOf } from './custom-field.mjs';
import { checkDeveloperName, checkFilled, checkLength } from './names.mjs';

const LONGEST_DESCRIPTION = 1000;
const LONGEST_LABEL = 40;
const NEEDED = { object: ['nameField', 'deploymentStatus', 'sharingModel'], event: ['deploymentStatus', 'eventType', 'publishBehavior'] };
const NOT_FOR_EVENTS = ['nameField', 'sharingModel', 'enableActivities', 'enableBulkApi', 'enableHistory', 'enableReports', 'enableSearch',
  'enableSharing', 'enableStreamingApi'];
const NOT_FOR_OBJECTS = ['eventType', 'publishBehavior'];
const ALL_OR_NONE = ['enableBulkApi', 'enableSharing', 'enableStreamingApi'];

const integrity = (message) => new ComponentError('FIELD_INTEGRITY_EXCEPTION', message);

const isEvent = (fullName) => fullName.endsWith('__e');

function checkParts(fullName, definition) {
  const kind = isEvent(fullName) ? 'event' : 'object';
  checkDeveloperName(fullName, isEvent(fullName) ? '__e' : '__c');
  for (const name of ['label', 'pluralLabel']) {
    checkFilled(definition, name, 'CustomObject');
    checkLength(definition, name, LONGEST_LABEL, name === 'label' ? 'MasterLabel' : 'PluralLabel');
  }
  checkLength(definition, 'description', LONGEST_DESCRIPTION, 'Description');
  for (const name of NEEDED[kind]) {
    if (definition[name] === undefined) throw new ComponentError('REQUIRED_FIELD_MISSING', `Must specify ${name} for a CustomObject`, [name]);
  }
  for (const name of kind === 'event' ? NOT_FOR_EVENTS : NOT_FOR_OBJECTS) {
    if (definition[name] !== undefined) throw integrity(`Can not specify '${name}' for ${kind === 'event' ? 'a platform event' : 'a custom object'}`);
  }
  if (kind === 'event' && definition.eventType !== 'HighVolume') throw integrity('Standard-volume platform events can no longer be defined');
}

function checkSwitches(definition) {
  const given = new Set(ALL_OR_NONE.map((name) => definition[name] ?? false));
  if (given.size > 1) throw integrity('enableSharing, enableBulkApi and enableStreamingApi must be all true or all false');
}

function checkNameField({ nameField }) {
  checkFilled(nameField, 'label', 'nameField');
  if (!['Text', 'AutoNumber'].includes(nameField.type)) throw integrity('nameField must be of type Text or AutoNumber');
  if (nameField.type === 'AutoNumber' && !/\{0+\}/.test(nameField.displayFormat ?? '')) throw integrity("Must specify 'displayFormat' for a CustomField of type AutoNumber");
}

// An object that its parent controls comes together with its link to it.
function checkSharing(type, { sharingModel, fields = [] }) {
  const held = type ? [...type.fields.values()].some((field) => field.masterDetail) : false;
  const linked = held || fields.some((field) => field.type === 'MasterDetail');
  if (sharingModel === 'ControlledByParent' && !linked) {
    throw integrity('A sharing model of ControlledByParent needs a master-detail field in the same component');
  }
}

function check(type, fullName, definition) {
  checkParts(fullName, definition);
  if (isEvent(fullName)) return;
  checkSwitches(definition);
  checkNameField(definition);
  checkSharing(type, definition);
}

function checkLimit(context, fullName) {
  const { custom_object_limit: objects, event_limit: events } = context.org.settings.values;
  const same = [...context.org.schema.objects.values()].filter((type) => type.custom && type.event === isEvent(fullName)).length;
  const most = isEvent(fullName) ? events : objects;
  if (same >= most) {
    throw new ComponentError(isEvent(fullName) ? 'LIMIT_EXCEEDED' : 'CUSTOM_ENTITY_OR_FIELD_LIMIT',
      `You have reached the maximum number of ${isEvent(fullName) ? 'platform events' : 'custom objects'}: ${most}`);
  }
}

function writeFields(context, type, fields = []) {
  for (const { fullName, ...definition } of fields) {
    if (!fullName) throw new ComponentError('REQUIRED_FIELD_MISSING', 'Required field is missing: fullName', ['fullName']);
    const field = type.fields.get(fullName.toLowerCase());
    if (field) changeExisting(context, type, field, definition);
    else addField(context, type, fullName, definition);
  }
}

const typeAt = (context, fullName) => {
  const type = context.org.schema.object(fullName, true);
  return type?.custom ? type : undefined;
};

// What hangs on the object would be left without a target.
function checkUnused(context, type) {
  for (const other of context.org.schema.objects.values()) {
    if (other === type) continue;
    const link = [...other.fields.values()].find((field) => field.custom && field.referenceTo?.includes(type.name));
    if (link) throw new ComponentError('DEPENDENCY_EXISTS', `This custom object is referenced by the field ${other.name}.${link.name}`);
  }
}

export const customObject = {
  noun: 'custom object',

  exists: (context, fullName) => typeAt(context, fullName) !== undefined,

  create(context, { fullName, fields, ...definition }) {
    check(undefined, fullName, { ...definition, fields });
    checkLimit(context, fullName);
    const spec = { name: fullName, label: definition.label, plural: definition.pluralLabel, nameField: definition.nameField,
      activities: definition.enableActivities === true };
    const type = isEvent(fullName) ? context.org.schema.addEvent(spec) : context.org.schema.addObject(spec);
    Object.assign(type, { needsGrant: true, definition });
    writeFields(context, type, fields);
  },

  // What is left out falls back to its default; fields stay.
  update(context, { fullName, fields, ...definition }) {
    const type = typeAt(context, fullName);
    check(type, fullName, { ...definition, fields });
    if (type.nameField && Boolean(type.nameField.autoNumber) !== (definition.nameField.type === 'AutoNumber')) {
      throw new ComponentError('CANNOT_CHANGE_FIELD_TYPE', `The name field of ${fullName} is of another type`);
    }
    Object.assign(type, { label: definition.label, plural: definition.pluralLabel, definition });
    if (type.nameField) type.nameField.label = definition.nameField.label;
    context.org.schema.setActivities(type, definition.enableActivities === true);
    writeFields(context, type, fields);
  },

  remove(context, fullName) {
    const type = typeAt(context, fullName);
    checkUnused(context, type);
    context.org.store.drop(type);
    context.org.schema.removeObject(type);
    context.state.objectGone(type.name);
  },

  read(context, fullName) {
    const type = context.org.schema.object(fullName, true);
    if (!type || type.setup) return null;
    const fields = [...type.fields.values()].filter((field) => field.custom).map((field) => ({ fullName: field.name, ...definitionOf(field) }));
    const own = type.definition ?? { label: type.label, pluralLabel: type.plural };
    return { fullName: type.name, ...own, fields };
  },
};
