// The five calls on components (Salesforce: Metadata, Wire): one type a call, at
// most ten components, a verdict for each in the order of the request.

import { SetupError } from '../errors.mjs';
import { clientFault, ComponentError, element, faultOf, METADATA, misplaced, saveResult, soapAnswer, XSI } from '../soap-answers.mjs';
import { businessProcess, recordType } from './record-type.mjs';
import { customField } from './custom-field.mjs';
import { customObject } from './custom-object.mjs';
import { permissionSet } from './permission-set.mjs';
import { checkRequired, readComponent, textOf, writeComponent } from './read.mjs';
import { COMPONENTS } from './types.mjs';

const MOST = 10;
const KINDS = { CustomObject: customObject, CustomField: customField, BusinessProcess: businessProcess, RecordType: recordType, PermissionSet: permissionSet };
const ROLLED_BACK = new ComponentError('ALL_OR_NONE_OPERATION_ROLLED_BACK',
  'Record rolled back because not all records were valid and the request was using AllOrNone header');

function checkCount(list) {
  if (list.length > MOST) throw faultOf('EXCEEDED_ID_LIMIT', `record limit reached. cannot submit more than ${MOST} records in this operation`);
}

function checkType(name) {
  if (!COMPONENTS.includes(name)) throw faultOf('INVALID_TYPE', `Unknown type:${name}`);
}

// The type that xsi:type names, which may carry a prefix of the namespace.
function typeOf(node) {
  const written = node.attribute(XSI, 'type')?.trim();
  if (!written) throw clientFault(`Must specify a {${XSI}}type attribute value for the {${METADATA}}metadata element`);
  const { namespace, name } = node.resolve(written);
  if (namespace !== METADATA) throw clientFault(`'${written}' is not a type of {${METADATA}}`);
  checkType(name);
  return name;
}

// The components of a create, update or upsert.
function componentsIn(node) {
  for (const child of node.children) if (child.namespace !== METADATA || child.name !== 'metadata') throw misplaced(child, node.name);
  checkCount(node.children);
  const types = node.children.map(typeOf);
  if (new Set(types).size > 1) throw faultOf('INVALID_TYPE', 'All components in a call must be of the same type');
  return { type: types[0], components: node.children.map((child) => readComponent(child, types[0])) };
}

// The names of a read or delete: type, then fullNames.
function namesIn(node) {
  const [first, ...rest] = node.children;
  if (!first || first.namespace !== METADATA || first.name !== 'type') throw clientFault(`Required field is missing: type in ${node.name}`);
  for (const child of rest) if (child.namespace !== METADATA || child.name !== 'fullNames') throw misplaced(child, node.name);
  const type = textOf(first, node.name).trim();
  checkType(type);
  checkCount(rest);
  return { type, names: rest.map((child) => textOf(child, node.name).trim()) };
}

// What the user may not do at all with this type.
function checkRights({ org }, type) {
  const { customize_application: customize, manage_permission_sets: manage } = org.settings.values;
  if (type === 'PermissionSet' ? manage : customize) return;
  throw new ComponentError('INSUFFICIENT_ACCESS', `insufficient access rights on entity: ${type}`);
}

const componentError = (error) => (error instanceof SetupError ? new ComponentError(error.code, error.message) : error);

// Runs one change; what it did is undone when it fails.
function attempt(context, work) {
  const undo = [context.org.schema.snapshot(), context.state.snapshot()];
  let error = null;
  context.org.store.transaction(() => {
    try {
      work();
    } catch (thrown) {
      error = componentError(thrown);
      if (!(error instanceof ComponentError)) throw error;
    }
    return error === null;
  });
  if (error) for (const back of undo) back();
  return error;
}

const missing = (kind) => new ComponentError('INVALID_CROSS_REFERENCE_KEY', `This ${kind.noun} does not exist or is not accessible`);

// What stands before any change of a component: rights, and faults on order.
function checkMay(context, operation, type, fullName) {
  checkRights(context, type);
  const failure = context.org.faults.forComponent(operation, fullName);
  if (failure) throw new ComponentError(failure.statusCode, failure.message ?? failure.statusCode, failure.fields);
}

// True when the component was created.
function save(context, operation, type, component) {
  const kind = KINDS[type];
  const { fullName } = component;
  checkMay(context, operation, type, fullName);
  if (!fullName) throw new ComponentError('REQUIRED_FIELD_MISSING', 'Required field is missing: fullName', ['fullName']);
  checkRequired(component, type);
  const exists = kind.exists(context, fullName);
  if (operation === 'createMetadata' && exists) throw new ComponentError('DUPLICATE_DEVELOPER_NAME', `There is already a ${kind.noun} named ${fullName}`);
  if (operation === 'updateMetadata' && !exists) throw missing(kind);
  if (exists) kind.update(context, component);
  else kind.create(context, component);
  return !exists;
}

function remove(context, type, fullName) {
  const kind = KINDS[type];
  checkMay(context, 'deleteMetadata', type, fullName);
  if (!kind.exists(context, fullName)) throw missing(kind);
  const use = context.org.settings.values.components_in_use.find((entry) => entry.component.toLowerCase() === fullName.toLowerCase());
  if (use) throw new ComponentError('DEPENDENCY_EXISTS', `This ${kind.noun} is referenced elsewhere in salesforce.com. : ${use.by}`);
  kind.remove(context, fullName);
}

// A name may come once in a call.
const repeated = (names, name) => names.filter((other) => other?.toLowerCase() === name?.toLowerCase()).length > 1;

// Results of all components; with allOrNone one failure takes back the rest.
function runAll(context, names, one) {
  const results = [];
  const all = () => {
    names.forEach((fullName, i) => {
      const result = { fullName: fullName ?? '' };
      result.error = attempt(context, () => {
        if (fullName && repeated(names, fullName)) throw new ComponentError('DUPLICATE_VALUE', `Duplicate fullName specified: ${fullName}`);
        result.created = one(i);
      });
      results.push(result);
    });
    return !(context.allOrNone && results.some((result) => result.error));
  };
  const undo = [context.org.schema.snapshot(), context.state.snapshot()];
  if (context.org.store.transaction(all)) return results;
  for (const back of undo) back();
  return results.map((result) => ({ ...result, error: result.error ?? ROLLED_BACK }));
}

function saveAll(context, node) {
  const { type, components } = componentsIn(node);
  const results = runAll(context, components.map((component) => component.fullName), (i) => save(context, node.name, type, components[i]));
  const told = node.name === 'upsertMetadata';
  note(context, node.name, type, results);
  return results.map((result) => saveResult({ ...result, created: told ? !result.error && result.created === true : undefined }));
}

function deleteAll(context, node) {
  const { type, names } = namesIn(node);
  const results = runAll(context, names, (i) => remove(context, type, names[i]));
  note(context, node.name, type, results);
  return results.map(({ fullName, error }) => saveResult({ fullName, error }));
}

function readAll(context, node) {
  const { type, names } = namesIn(node);
  const found = names.map((name) => KINDS[type].read(context, name));
  note(context, node.name, type, names.map((fullName) => ({ fullName })));
  const records = found.map((component) => (component
    ? `<records xsi:type="${type}">${writeComponent(component, type)}</records>` : '<records xsi:nil="true"/>'));
  return [element('result', records.join(''))];
}

// For the log of calls.
function note(context, operation, type, results) {
  for (const { fullName, error } of results) context.log.push({ operation, type, fullName, status: error?.code ?? 'ok' });
}

const OPERATIONS = { createMetadata: saveAll, updateMetadata: saveAll, upsertMetadata: saveAll, deleteMetadata: deleteAll, readMetadata: readAll };

export function runOperation(context, node) {
  const operation = node.namespace === METADATA && Object.hasOwn(OPERATIONS, node.name) ? OPERATIONS[node.name] : undefined;
  if (!operation) throw clientFault(`No operation available for request {${node.namespace}}${node.name}`);
  const answer = soapAnswer(node.name, operation(context, node));
  context.org.applyVisibility();
  return answer;
}
