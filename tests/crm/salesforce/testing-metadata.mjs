// What the tests of the Metadata API share: envelopes, components in the order
// of the schema, and a reader of the answers.

import { request } from './testing.mjs';
import { escapeXml, parseXml } from './xml.mjs';

export const PATH = '/services/Soap/m/67.0';
const NAMESPACE = 'http://soap.sforce.com/2006/04/metadata';

// An object's keys as elements in the order given; arrays repeat.
export function xmlOf(value) {
  if (value === null || typeof value !== 'object') return escapeXml(String(value));
  return Object.entries(value).flatMap(([name, inner]) => [].concat(inner).map((one) => `<${name}>${xmlOf(one)}</${name}>`)).join('');
}

export const component = (type, value) => `<metadata xsi:type="${type}">${xmlOf(value)}</metadata>`;

export const envelope = (token, body, more = '') => `<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="${NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<soapenv:Header><CallOptions><client>test</client></CallOptions><SessionHeader><sessionId>${escapeXml(token)}</sessionId></SessionHeader>${more}</soapenv:Header>
<soapenv:Body>${body}</soapenv:Body></soapenv:Envelope>`;

export const ALL_OR_NONE = '<AllOrNoneHeader><allOrNone>true</allOrNone></AllOrNoneHeader>';

const child = (node, name) => node?.children.find((one) => one.name === name);
const textIn = (node, name) => child(node, name)?.text;

function errorOf(node) {
  return { code: textIn(node, 'statusCode'), message: textIn(node, 'message'), fields: node.children.filter((one) => one.name === 'fields').map((one) => one.text) };
}

// A result as a test wants to look at it.
function resultOf(node) {
  const errors = node.children.filter((one) => one.name === 'errors').map(errorOf);
  return { fullName: textIn(node, 'fullName'), success: textIn(node, 'success') === 'true', created: textIn(node, 'created'),
    ...(errors.length ? { code: errors[0].code, message: errors[0].message } : {}) };
}

export function readAnswer(answer) {
  const root = parseXml(answer.text);
  const [body] = root.children;
  const [first] = body.children;
  if (first.name === 'Fault') return { ...answer, fault: textIn(first, 'faultcode'), message: textIn(first, 'faultstring') };
  const results = first.children.filter((one) => one.name === 'result');
  return { ...answer, root: first, results: results.map(resultOf) };
}

export async function soap(org, body, { path = PATH, headers = {}, token = org.access, header = '' } = {}) {
  const answer = await request(org.port, 'POST', path, {
    headers: { 'Content-Type': 'text/xml; charset=UTF-8', SOAPAction: '""', ...headers }, body: body.startsWith('<?xml') ? body : envelope(token, body, header) });
  return answer.headers['content-type']?.startsWith('text/xml') ? readAnswer(answer) : answer;
}

const call = (operation) => (org, type, components, options) =>
  soap(org, `<${operation}>${components.map((one) => component(type, one)).join('')}</${operation}>`, options);

export const upsert = call('upsertMetadata');
export const create = call('createMetadata');
export const update = call('updateMetadata');

const byName = (operation) => (org, type, names, options) =>
  soap(org, `<${operation}><type>${type}</type>${names.map((name) => `<fullNames>${escapeXml(name)}</fullNames>`).join('')}</${operation}>`, options);

export const remove = byName('deleteMetadata');
export const read = byName('readMetadata');

// -- Components --

export const object = (fullName, more = {}) => ({
  fullName, deploymentStatus: 'Deployed', enableActivities: true, enableBulkApi: true, enableReports: true, enableSharing: true,
  enableStreamingApi: true, label: 'Invoice', nameField: { label: 'Invoice No.', type: 'Text' }, pluralLabel: 'Invoices',
  sharingModel: 'ReadWrite', ...more });

const ordered = (fields) => Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));

export const field = (fullName, type, more = {}) => ({ fullName, ...ordered({ label: 'Label', type, ...more }) });
export const text = (fullName, more = {}) => field(fullName, 'Text', { length: 80, required: false, ...more });
export const key = (fullName, more = {}) => text(fullName, { caseSensitive: true, externalId: true, length: 255, unique: true, ...more });
export const lookup = (fullName, referenceTo, relationshipName, more = {}) =>
  field(fullName, 'Lookup', { deleteConstraint: 'SetNull', referenceTo, relationshipLabel: 'Children', relationshipName, required: false, ...more });
export const picklist = (fullName, values, more = {}) => field(fullName, 'Picklist', { required: false, valueSet: { restricted: false, valueSetDefinition: {
  sorted: false, value: values.map((value) => ({ fullName: value, default: false, label: value })) } }, ...more });

export const event = (fullName, fields = []) => ({
  fullName, deploymentStatus: 'Deployed', eventType: 'HighVolume', fields, label: 'Event', pluralLabel: 'Events', publishBehavior: 'PublishImmediately' });

export const grant = (name, editable = true) => ({ editable, field: name, readable: true });

export const rights = (name, letters = 'crud') => ({
  allowCreate: letters.includes('c'), allowDelete: letters.includes('d'), allowEdit: letters.includes('u'), allowRead: letters.includes('r'),
  modifyAllRecords: false, object: name, viewAllRecords: letters.includes('r') && !name.endsWith('__e') });

export const permissions = (fullName, { fields = [], objects = [], recordTypes = [] }) => ({
  fullName, fieldPermissions: fields.map((one) => (typeof one === 'string' ? grant(one) : one)), hasActivationRequired: false, label: 'Sync',
  objectPermissions: objects.map((one) => (typeof one === 'string' ? rights(one) : one)),
  recordTypeVisibilities: recordTypes.map((recordType) => ({ recordType, visible: true })) });

// Assigns a permission set to the running user over the data API.
export async function assign(org, name) {
  const set = await org.query(`SELECT Id FROM PermissionSet WHERE Name = '${name}' AND NamespacePrefix = null`);
  return org.call('POST', 'sobjects/PermissionSetAssignment', { AssigneeId: org.sim.org.userId, PermissionSetId: set.json.records[0].Id });
}
