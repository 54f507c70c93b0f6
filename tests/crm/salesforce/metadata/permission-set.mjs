// PermissionSet: what it may hold, and what depends on what (Salesforce:
// Metadata, Components). A second definition replaces the first one whole.

import { activityName, alwaysShown } from '../access.mjs';
import { ComponentError } from '../soap-answers.mjs';
import { checkDeveloperName, checkFilled, checkLength } from './names.mjs';

const LONGEST_LABEL = 80;
const LONGEST_DESCRIPTION = 255;

const integrity = (message) => new ComponentError('FIELD_INTEGRITY_EXCEPTION', message);
const notFound = (field, type, name) => new ComponentError('INVALID_CROSS_REFERENCE_KEY', `In field: ${field} - no ${type} named ${name} found`);

function checkTwice(list, key, what) {
  const seen = new Set();
  for (const entry of list) {
    const name = entry[key].toLowerCase();
    if (seen.has(name)) throw new ComponentError('DUPLICATE_VALUE', `Duplicate ${what}: ${entry[key]}`);
    seen.add(name);
  }
}

function checkField(context, { field: fullName, editable, readable = false }) {
  const [objectName, name] = activityName(fullName).split('.');
  const type = context.org.schema.object(objectName, true);
  const field = type?.fields.get(String(name).toLowerCase());
  if (!field || type.setup) throw notFound('field', 'CustomField', fullName);
  if (type.event || field.nameField || alwaysShown(field)) throw integrity(`You cannot deploy to a required field: ${fullName}`);
  if (editable && !readable) throw integrity(`Permission Edit ${fullName} depends on permission(s): Read ${fullName}`);
  if (editable && (field.calculated || field.autoNumber)) throw integrity(`Field ${fullName} is not editable`);
}

// Rights that a right cannot be without.
const DEPENDENCIES = [
  ['allowCreate', 'Create', ['allowRead']],
  ['allowEdit', 'Edit', ['allowRead']],
  ['allowDelete', 'Delete', ['allowRead', 'allowEdit']],
  ['viewAllRecords', 'Read All', ['allowRead']],
  ['modifyAllRecords', 'Modify All', ['allowRead', 'allowCreate', 'allowEdit', 'allowDelete', 'viewAllRecords']],
];
const TITLES = { allowRead: 'Read', allowCreate: 'Create', allowEdit: 'Edit', allowDelete: 'Delete', viewAllRecords: 'Read All' };

function checkRights(entry) {
  for (const [right, title, needed] of DEPENDENCIES) {
    const missing = entry[right] ? needed.filter((name) => !entry[name]) : [];
    if (missing.length) {
      throw integrity(`Permission ${title} ${entry.object} depends on permission(s): ${missing.map((name) => `${TITLES[name]} ${entry.object}`).join(', ')}`);
    }
  }
}

// To read a record is to read what it belongs to.
function parentsOf(type) {
  if (['Contact', 'Opportunity'].includes(type.name)) return ['Account'];
  return [...type.fields.values()].filter((field) => field.masterDetail).map((field) => field.referenceTo[0]);
}

function checkObject(context, entry, all) {
  const type = context.org.schema.object(entry.object, true);
  // Rights on tasks are user permissions, not object permissions.
  if (!type || type.setup || type.adminOnly || type.name === 'Task') throw notFound('object', 'CustomObject', entry.object);
  if (type.event && (entry.allowEdit || entry.allowDelete || entry.viewAllRecords || entry.modifyAllRecords)) {
    throw integrity(`Platform event ${entry.object} can be read and created only`);
  }
  checkRights(entry);
  for (const parent of entry.allowRead ? parentsOf(type) : []) {
    const read = all.some((other) => other.object.toLowerCase() === parent.toLowerCase() && other.allowRead);
    if (!read) throw integrity(`Permission Read ${entry.object} depends on permission(s): Read ${parent}`);
  }
}

function check(context, definition) {
  const { fieldPermissions = [], objectPermissions = [], recordTypeVisibilities = [], tabSettings = [] } = definition;
  checkDeveloperName(definition.fullName);
  checkFilled(definition, 'label', 'PermissionSet');
  checkLength(definition, 'label', LONGEST_LABEL, 'MasterLabel');
  checkLength(definition, 'description', LONGEST_DESCRIPTION, 'Description');
  checkTwice(fieldPermissions, 'field', 'fieldPermissions');
  checkTwice(objectPermissions, 'object', 'objectPermissions');
  checkTwice(recordTypeVisibilities, 'recordType', 'recordTypeVisibilities');
  for (const entry of fieldPermissions) checkField(context, entry);
  for (const entry of objectPermissions) checkObject(context, entry, objectPermissions);
  for (const { recordType } of recordTypeVisibilities) {
    if (!context.state.recordTypes.has(recordType.toLowerCase())) throw notFound('recordType', 'RecordType', recordType);
  }
  if (tabSettings.length) throw notFound('tab', 'CustomTab', tabSettings[0].tab);
}

export const permissionSet = {
  noun: 'permission set',

  exists: (context, fullName) => context.state.permissionSets.has(fullName.toLowerCase()),

  create(context, definition) {
    check(context, definition);
    context.state.addPermissionSet(definition);
  },

  update(context, definition) {
    check(context, definition);
    context.state.changePermissionSet(definition);
  },

  remove(context, fullName) {
    if (context.state.isAssigned(fullName)) throw new ComponentError('DELETE_FAILED', `Permission set ${fullName} cannot be deleted while it is assigned to users`);
    context.state.removePermissionSet(fullName);
  },

  read: (context, fullName) => context.state.permissionSets.get(fullName.toLowerCase())?.definition ?? null,
};
