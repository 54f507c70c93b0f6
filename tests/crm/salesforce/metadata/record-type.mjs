// BusinessProcess and RecordType (Salesforce: Metadata, Components).

import { ComponentError } from '../soap-answers.mjs';
import { checkDeveloperName, checkFilled, checkLength, decodeValue, splitName } from './names.mjs';

const LONGEST_LABEL = 80;
const LONGEST_DESCRIPTION = 255;
// The field whose values a process of an object is made of.
const PROCESS_FIELDS = { Opportunity: 'StageName' };

const crossReference = (message) => new ComponentError('INVALID_CROSS_REFERENCE_KEY', message);
const integrity = (message) => new ComponentError('FIELD_INTEGRITY_EXCEPTION', message);

// Values as they are stored: "/" must come encoded.
function checkValues(context, typeName, fieldName, values) {
  const held = context.org.schema.object(typeName, true).fields.get(fieldName.toLowerCase())?.values ?? [];
  for (const { fullName } of values) {
    if (!fullName) throw new ComponentError('REQUIRED_FIELD_MISSING', 'Required field is missing: fullName', ['fullName']);
    if (fullName.includes('/') || !held.includes(decodeValue(fullName))) {
      throw crossReference(`Picklist value: ${fullName} in picklist: ${fieldName} not found`);
    }
  }
  if (new Set(values.map((value) => value.fullName)).size < values.length) throw integrity(`Duplicate value in ${fieldName}`);
  if (values.filter((value) => value.default).length > 1) throw integrity(`More than one default value in ${fieldName}`);
}

export const businessProcess = {
  noun: 'business process',

  exists: (context, fullName) => context.state.processes.has(fullName.toLowerCase()),

  create(context, definition) {
    const [objectName, name] = splitName(definition.fullName);
    checkDeveloperName(name);
    const fieldName = PROCESS_FIELDS[objectName];
    if (!fieldName) throw crossReference(`${objectName} has no business processes`);
    checkLength(definition, 'description', LONGEST_DESCRIPTION, 'Description');
    if (!definition.values?.length) throw integrity('Must specify at least one value for a BusinessProcess');
    checkValues(context, objectName, fieldName, definition.values);
    context.state.processes.set(definition.fullName.toLowerCase(), definition);
  },

  update(context, definition) {
    this.create(context, definition);
  },

  remove(context, fullName) {
    const [objectName, name] = splitName(fullName);
    const user = [...context.state.recordTypes.values()].find(({ definition }) =>
      definition.fullName.startsWith(`${objectName}.`) && definition.businessProcess?.toLowerCase() === name.toLowerCase());
    if (user) throw new ComponentError('DEPENDENCY_EXISTS', `This business process is used by the record type ${user.definition.fullName}`);
    context.state.processes.delete(fullName.toLowerCase());
  },

  read: (context, fullName) => context.state.processes.get(fullName.toLowerCase()) ?? null,
};

function checkProcess(context, objectName, { businessProcess: name }) {
  if (!PROCESS_FIELDS[objectName]) {
    if (name !== undefined) throw integrity(`Can not specify 'businessProcess' for a record type of ${objectName}`);
    return;
  }
  if (!name) throw new ComponentError('REQUIRED_FIELD_MISSING', `Must specify businessProcess for a record type of ${objectName}`, ['businessProcess']);
  if (!context.state.processes.has(`${objectName}.${name}`.toLowerCase())) {
    throw crossReference(`In field: businessProcess - no BusinessProcess named ${objectName}.${name} found`);
  }
}

function check(context, definition) {
  const [objectName, name] = splitName(definition.fullName);
  checkDeveloperName(name);
  const type = context.org.schema.object(objectName, true);
  if (!type || type.setup || type.adminOnly || type.event) throw crossReference(`In field: RecordType - no CustomObject named ${objectName} found`);
  checkFilled(definition, 'label', 'RecordType');
  checkLength(definition, 'label', LONGEST_LABEL, 'Name');
  checkLength(definition, 'description', LONGEST_DESCRIPTION, 'Description');
  checkProcess(context, type.name, definition);
  for (const { picklist, values = [] } of definition.picklistValues ?? []) checkValues(context, type.name, picklist, values);
  return { type, name };
}

export const recordType = {
  noun: 'record type',

  exists: (context, fullName) => context.state.recordTypes.has(fullName.toLowerCase()),

  create(context, definition) {
    const { type, name } = check(context, definition);
    context.state.addRecordType(type, name, definition, true);
  },

  update(context, definition) {
    check(context, definition);
    context.state.changeRecordType(definition);
  },

  remove() {
    throw new ComponentError('INSUFFICIENT_ACCESS', 'Cannot delete record type through API');
  },

  read: (context, fullName) => context.state.recordTypes.get(fullName.toLowerCase())?.definition ?? null,
};
