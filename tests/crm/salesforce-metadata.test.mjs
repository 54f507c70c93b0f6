// The Metadata API: its line, its rules for each component, and its results.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { request, TestOrg } from './salesforce/testing.mjs';
import {
  ALL_OR_NONE, component, create, envelope, event, field, key, lookup, object, PATH, permissions, picklist, read, remove, rights, soap, text,
  update, upsert,
} from './salesforce/testing-metadata.mjs';

let org;
before(async () => { org = await TestOrg.start({ schema: [] }); });
after(() => org.stop());
beforeEach(async () => {
  await org.control('POST', 'reset', { settings: true, schema: true });
  await org.login();
});

const settings = (changes) => org.control('POST', 'settings', changes);
const fieldCall = (fields) => upsert(org, 'CustomField', fields);

async function made(type, ...components) {
  const answer = await upsert(org, type, components);
  for (const result of answer.results) assert.equal(result.success, true, JSON.stringify(result));
}

async function refused(type, one, code, message) {
  const [result] = (await upsert(org, type, [one])).results;
  assert.equal(result.success, false, JSON.stringify(one));
  assert.equal(result.code, code, JSON.stringify(result));
  if (message) (message instanceof RegExp ? assert.match : assert.equal)(result.message, message);
}

function isFault(answer, code, message) {
  assert.equal(answer.status, 500, answer.text);
  assert.equal(answer.fault, code);
  if (message) (message instanceof RegExp ? assert.match : assert.equal)(answer.message, message);
}

const stage = (fullName, isDefault = false) => ({ fullName, default: isDefault });
const process = (values, more = {}) => ({ fullName: 'Opportunity.Renewal', ...more, isActive: true, values });

// -- The line --

test('line: a component is made, changed, and told by created; keys of a result in order', async () => {
  const first = await fieldCall([key('Account.Customer_Id__c')]);
  assert.equal(first.status, 200);
  assert.match(first.headers['content-type'], /^text\/xml/);
  assert.match(first.text, /<upsertMetadataResponse><result><created>true<\/created><fullName>Account\.Customer_Id__c<\/fullName><success>true<\/success><\/result>/);
  const second = await fieldCall([key('Account.Customer_Id__c', { label: 'Other' })]);
  assert.deepEqual(second.results, [{ fullName: 'Account.Customer_Id__c', success: true, created: 'false' }]);
});

test('line: the org id may follow the version, another org\'s may not', async () => {
  const { orgId } = org.sim.org;
  assert.equal((await soap(org, '<readMetadata><type>CustomField</type></readMetadata>', { path: `${PATH}/${orgId.slice(0, 15)}` })).status, 200);
  isFault(await soap(org, '<readMetadata><type>CustomField</type></readMetadata>', { path: `${PATH}/00D000000000001` }), 'sf:INVALID_SESSION_ID');
  isFault(await soap(org, '<readMetadata><type>CustomField</type></readMetadata>', { path: '/services/Soap/m/25.0' }), 'sf:UNSUPPORTED_API_VERSION');
  isFault(await soap(org, '<readMetadata><type>CustomField</type></readMetadata>', { path: '/services/Soap/m/99.0' }), 'sf:UNSUPPORTED_API_VERSION');
});

test('line: method, content type and SOAPAction', async () => {
  assert.equal((await request(org.port, 'GET', PATH)).status, 405);
  assert.equal((await soap(org, '<x/>', { headers: { 'Content-Type': 'application/json' } })).status, 415);
  const bare = await request(org.port, 'POST', PATH, { headers: { 'Content-Type': 'text/xml' }, body: envelope(org.access, '<x/>') });
  assert.equal(bare.status, 500);
  assert.match(bare.text, /<faultcode>soapenv:Client<\/faultcode><faultstring>SOAPAction HTTP header missing</);
});

test('session: dead tokens and JWT-based tokens are a fault, though REST takes the latter', async () => {
  const dead = await soap(org, '<readMetadata><type>CustomField</type></readMetadata>', { token: 'nonsense' });
  isFault(dead, 'sf:INVALID_SESSION_ID', /^INVALID_SESSION_ID: Invalid Session ID found in SessionHeader/);
  assert.match(dead.text, /<sf:exceptionCode>INVALID_SESSION_ID<\/sf:exceptionCode><sf:exceptionMessage>Invalid Session ID/);
  await org.control('POST', 'expire', {});
  isFault(await fieldCall([]), 'sf:INVALID_SESSION_ID');
  await settings({ jwt_access_tokens: true });
  await org.login();
  assert.equal((await org.call('GET', 'limits')).status, 200);
  isFault(await fieldCall([]), 'sf:INVALID_SESSION_ID');
});

test('quota: a call counts; a spent or closed API is a fault; rights to metadata are asked for', async () => {
  await settings({ daily_used: 7, daily_limit: 8 });
  assert.equal((await fieldCall([])).status, 200);
  isFault(await fieldCall([]), 'sf:REQUEST_LIMIT_EXCEEDED', 'REQUEST_LIMIT_EXCEEDED: TotalRequests Limit exceeded.');
  await settings({ daily_used: 0, api_disabled: true });
  isFault(await fieldCall([]), 'sf:API_DISABLED_FOR_ORG');
  await settings({ api_disabled: false, modify_metadata: false });
  isFault(await fieldCall([]), 'sf:INSUFFICIENT_ACCESS');
});

test('XML: what is not well-formed, or has a DTD, is a client fault', async () => {
  const good = envelope(org.access, '<readMetadata><type>CustomField</type></readMetadata>');
  assert.equal((await soap(org, good)).status, 200);
  const bad = [
    good.replace('</readMetadata>', '</readMeta>'), good.replace('<type>', '<type a="1" a="2">'), good.replace('<type>', '<type a=1>'),
    good.replace('CustomField', 'Custom&nbsp;Field'), good.replace('CustomField', 'Custom & Field'), good.replace('CustomField', 'a\u0001b'),
    good.replace('CustomField', '&#1;'), good.replace('CustomField', ']]>'), `${good}<more/>`, good.slice(0, -3),
    good.replace('<type>', '<m:type>').replace('</type>', '</m:type>'), good.replace('?>', '?><!DOCTYPE x [<!ENTITY y "z">]>'),
    good.replace('<type>', '<?php x?><type>'), good.replace('encoding="UTF-8"', 'encoding="ISO-8859-1"'),
  ];
  for (const text of bad) isFault(await soap(org, text), 'soapenv:Client');
});

test('XML: references, CDATA, comments and prefixes mean what they say', async () => {
  const body = `<m:upsertMetadata xmlns:m="http://soap.sforce.com/2006/04/metadata"><m:metadata xsi:type="m:CustomField"><!-- - --><m:fullName>Account.Note__c</m:fullName>`
    + '<m:label>A &amp; B &#233;&#x20AC;<![CDATA[<c>]]></m:label><m:length>20</m:length><m:type>Text</m:type></m:metadata></m:upsertMetadata>';
  const answer = await soap(org, body);
  assert.equal(answer.results[0].success, true, answer.text);
  const state = (await org.control('GET', 'metadata')).json;
  assert.equal(state.fields['Account.Note__c'].definition.label, 'A & B é€<c>');
  assert.match((await read(org, 'CustomField', ['Account.Note__c'])).text, /<label>A &amp; B é€&lt;c&gt;<\/label>/);
});

test('envelope: wrong root, wrong namespaces, unknown headers and calls', async () => {
  const good = envelope(org.access, '<readMetadata><type>CustomField</type></readMetadata>');
  for (const text of [
    good.replaceAll('http://schemas.xmlsoap.org/soap/envelope/', 'http://www.w3.org/2003/05/soap-envelope'),
    good.replaceAll('http://soap.sforce.com/2006/04/metadata', 'urn:partner.soap.sforce.com'),
    good.replace('<CallOptions>', '<CallOption/><CallOptions>'), good.replace('<client>', '<clientName/><client>'),
    good.replaceAll('readMetadata', 'listMetadata'), good.replace('<soapenv:Body>', '<soapenv:Body><x/>'),
  ]) isFault(await soap(org, text), 'soapenv:Client');
});

test('components: at most ten, of one type, each with xsi:type', async () => {
  const eleven = Array.from({ length: 11 }, (_, i) => text(`Account.F${i}__c`));
  isFault(await fieldCall(eleven), 'sf:EXCEEDED_ID_LIMIT', 'EXCEEDED_ID_LIMIT: record limit reached. cannot submit more than 10 records in this operation');
  isFault(await remove(org, 'CustomField', eleven.map(({ fullName }) => fullName)), 'sf:EXCEEDED_ID_LIMIT');
  isFault(await soap(org, '<upsertMetadata><metadata><fullName>A</fullName></metadata></upsertMetadata>'), 'soapenv:Client',
    'Must specify a {http://www.w3.org/2001/XMLSchema-instance}type attribute value for the {http://soap.sforce.com/2006/04/metadata}metadata element');
  isFault(await soap(org, `<upsertMetadata>${component('CustomField', text('Account.A__c'))}${component('CustomObject', object('B__c'))}</upsertMetadata>`), 'sf:INVALID_TYPE');
  isFault(await upsert(org, 'Workflow', [{ fullName: 'x' }]), 'sf:INVALID_TYPE');
});

test('components: unknown, misplaced and wrongly typed elements are faults, and nothing is done', async () => {
  const misplaced = (name) => `Element {http://soap.sforce.com/2006/04/metadata}${name} invalid at this location in type CustomField`;
  const fine = { fullName: 'Account.A__c', label: 'A', length: 10, type: 'Text' };
  isFault(await fieldCall([fine, { ...fine, fullName: 'Account.B__c', visible: true }]), 'soapenv:Client', misplaced('visible'));
  isFault(await fieldCall([{ fullName: 'Account.A__c', length: 10, label: 'A', type: 'Text' }]), 'soapenv:Client', misplaced('label'));
  isFault(await fieldCall([{ label: 'A', fullName: 'Account.A__c', length: 10, type: 'Text' }]), 'soapenv:Client', misplaced('fullName'));
  isFault(await fieldCall([{ ...fine, length: [10, 11] }]), 'soapenv:Client', misplaced('length'));
  isFault(await fieldCall([{ ...fine, type: 'Txt' }]), 'soapenv:Client', "'Txt' is not a valid value for the enum 'FieldType'");
  isFault(await fieldCall([{ ...fine, length: 'ten' }]), 'soapenv:Client', "'ten' is not a valid value for the type xsd:int");
  isFault(await fieldCall([{ fullName: 'Account.A__c', externalId: 'yes', label: 'A', length: 10, type: 'Text' }]), 'soapenv:Client', "'yes' is not a valid value for the type xsd:boolean");
  assert.deepEqual((await org.control('GET', 'metadata')).json.fields, {});
});

test('results: in the order of the request, one failure does not stop the others', async () => {
  const { results } = await fieldCall([text('Account.A__c'), field('Account.B__c', 'Checkbox', { defaultValue: 'false', required: false }), text('Account.C__c')]);
  assert.deepEqual(results, [
    { fullName: 'Account.A__c', success: true, created: 'true' },
    { fullName: 'Account.B__c', success: false, created: 'false', code: 'FIELD_INTEGRITY_EXCEPTION', message: "Can not specify 'required' for a CustomField of type Checkbox" },
    { fullName: 'Account.C__c', success: true, created: 'true' }]);
});

test('results: with allOrNone one failure takes back all', async () => {
  const { results } = await upsert(org, 'CustomField', [text('Account.A__c'), text('Account.B__c', { length: 256 })], { header: ALL_OR_NONE });
  assert.deepEqual(results.map(({ code }) => code), ['ALL_OR_NONE_OPERATION_ROLLED_BACK', 'FIELD_INTEGRITY_EXCEPTION']);
  assert.deepEqual((await org.control('GET', 'metadata')).json.fields, {});
});

test('create and update: existing and missing components, no created in the answer', async () => {
  const [first] = (await create(org, 'CustomField', [text('Account.A__c')])).results;
  assert.deepEqual(first, { fullName: 'Account.A__c', success: true, created: undefined });
  assert.equal((await create(org, 'CustomField', [text('Account.A__c')])).results[0].code, 'DUPLICATE_DEVELOPER_NAME');
  assert.equal((await update(org, 'CustomField', [text('Account.A__c', { label: 'New' })])).results[0].success, true);
  assert.equal((await update(org, 'CustomField', [text('Account.B__c')])).results[0].code, 'INVALID_CROSS_REFERENCE_KEY');
  const twice = await create(org, 'CustomField', [text('Account.D__c'), text('Account.d__c')]);
  assert.deepEqual(twice.results.map(({ code }) => code), ['DUPLICATE_VALUE', 'DUPLICATE_VALUE']);
});

// -- Names --

test('names: at most 40 characters, single underscores, the right ending; labels and descriptions', async () => {
  await made('CustomField', text(`Account.${'A'.repeat(40)}__c`));
  for (const name of [`${'A'.repeat(41)}__c`, 'A__B__c', 'A_', 'A___c', '1A__c', 'Ä__c', 'A', 'A__e']) {
    await refused('CustomField', text(`Account.${name}`), 'INVALID_FULL_NAME');
  }
  await refused('CustomField', text('Customer__c'), 'INVALID_FULL_NAME');
  await refused('CustomField', text('Account.L__c', { label: 'x'.repeat(41) }), 'STRING_TOO_LONG', 'Value too long for field: MasterLabel maximum length is:40');
  await refused('CustomField', text('Account.L__c', { label: ' ' }), 'REQUIRED_FIELD_MISSING');
  await refused('CustomField', text('Account.L__c', { description: 'x'.repeat(1001) }), 'STRING_TOO_LONG');
  await refused('CustomObject', object('Bad__Name__c'), 'INVALID_FULL_NAME');
  await refused('CustomObject', object('Invoice__c', { pluralLabel: 'x'.repeat(41) }), 'STRING_TOO_LONG');
  await refused('PermissionSet', permissions('Bad-Name', {}), 'INVALID_FULL_NAME');
});

// -- Fields --

const FIELDS = [
  text('Account.T__c'), key('Account.K__c'), field('Account.C__c', 'Currency', { precision: 18, required: false, scale: 2 }),
  field('Account.N__c', 'Number', { externalId: false, precision: 18, required: false, scale: 0, unique: false }),
  field('Account.P__c', 'Percent', { precision: 5, required: false, scale: 2 }), field('Account.D__c', 'Date', { required: false }),
  field('Account.M__c', 'DateTime', { externalId: false, required: false }), field('Account.B__c', 'Checkbox', { defaultValue: 'false' }),
  field('Account.U__c', 'Url', { required: false }), field('Account.E__c', 'Email', { required: false }),
];
const MORE_FIELDS = [
  field('Account.H__c', 'Phone', { required: false }), field('Account.L__c', 'LongTextArea', { length: 32768, visibleLines: 5 }),
  picklist('Account.S__c', ['open', 'paid']), lookup('Account.R__c', 'Contact', 'Billed'),
];

test('fields: every type that is used is taken, and read back as it was given', async () => {
  await made('CustomField', ...FIELDS);
  await made('CustomField', ...MORE_FIELDS);
  const answer = await read(org, 'CustomField', ['Account.K__c', 'Account.S__c']);
  assert.match(answer.text, /<records xsi:type="CustomField"><fullName>Account\.K__c<\/fullName><caseSensitive>true<\/caseSensitive><externalId>true<\/externalId><label>Label<\/label><length>255<\/length><required>false<\/required><type>Text<\/type><unique>true<\/unique><\/records>/);
  assert.match(answer.text, /<value><fullName>open<\/fullName><default>false<\/default><label>open<\/label><\/value>/);
});

const BAD_FIELDS = [
  ['a text without length', field('Account.X__c', 'Text'), "Must specify 'length' for a CustomField of type Text"],
  ['a text too long', text('Account.X__c', { length: 256 }), 'Invalid length, maximum is: 255'],
  ['a checkbox without default', field('Account.X__c', 'Checkbox'), "Must specify 'defaultValue' for a CustomField of type Checkbox"],
  ['a checkbox with another default', field('Account.X__c', 'Checkbox', { defaultValue: 'no' }), /must be true or false/],
  ['a long text too short', field('Account.X__c', 'LongTextArea', { length: 255, visibleLines: 3 }), 'Invalid length, minimum is: 256'],
  ['a long text too long', field('Account.X__c', 'LongTextArea', { length: 131073, visibleLines: 3 }), 'Invalid length, maximum is: 131072'],
  ['a long text without lines', field('Account.X__c', 'LongTextArea', { length: 256 }), "Must specify 'visibleLines' for a CustomField of type LongTextArea"],
  ['a long text that says required', field('Account.X__c', 'LongTextArea', { length: 256, required: false, visibleLines: 3 }), "Can not specify 'required' for a CustomField of type LongTextArea"],
  ['a URL with length', field('Account.X__c', 'Url', { length: 255 }), "Can not specify 'length' for a CustomField of type Url"],
  ['a number of 19 digits', field('Account.X__c', 'Number', { precision: 19, scale: 0 }), /precision/],
  ['a number without scale', field('Account.X__c', 'Number', { precision: 18 }), "Must specify 'scale' for a CustomField of type Number"],
  ['a date as external id', field('Account.X__c', 'Date', { externalId: true }), "Can not specify 'externalId' for a CustomField of type Date"],
  ['a master-detail that says required', field('Account.X__c', 'MasterDetail', { referenceTo: 'Account', relationshipName: 'Xs', required: true }), "Can not specify 'required' for a CustomField of type MasterDetail"],
  ['a picklist without values', field('Account.X__c', 'Picklist'), "Must specify 'valueSet' for a CustomField of type Picklist"],
  ['a picklist with a value twice', picklist('Account.X__c', ['a', 'a']), 'Duplicate value in the picklist'],
  ['a lookup to nothing', lookup('Account.X__c', 'Missing__c', 'Xs'), "referenceTo value of 'Missing__c' does not resolve to a valid sObject type"],
  ['a required lookup that is emptied', lookup('Account.X__c', 'Contact', 'Xs', { required: true }), /deleteConstraint/],
  ['a field without type', { fullName: 'Account.X__c', label: 'X' }, /'type'/],
];
for (const [what, one, message] of BAD_FIELDS) {
  test(`fields: ${what} is refused`, () => refused('CustomField', one, 'FIELD_INTEGRITY_EXCEPTION', message));
}

test('fields: each picklist value must say default; objects must exist; Task is not the place', async () => {
  const one = picklist('Account.X__c', ['a']);
  delete one.valueSet.valueSetDefinition.value[0].default;
  await refused('CustomField', one, 'REQUIRED_FIELD_MISSING', 'Required field is missing: default');
  await refused('CustomField', text('Missing__c.X__c'), 'INVALID_CROSS_REFERENCE_KEY');
  await refused('CustomField', text('Task.X__c'), 'INVALID_CROSS_REFERENCE_KEY');
  await refused('CustomField', text('PermissionSet.X__c'), 'INVALID_CROSS_REFERENCE_KEY');
});

test('fields: relationship names of one parent differ', async () => {
  await made('CustomObject', object('Invoice__c'), object('Line__c'));
  await made('CustomField', lookup('Invoice__c.Account__c', 'Account', 'Bills'));
  await refused('CustomField', lookup('Line__c.Account__c', 'Account', 'Bills'), 'DUPLICATE_DEVELOPER_NAME');
  await made('CustomField', lookup('Line__c.Account__c', 'Account', 'Lines'));
});

test('fields: at most 25 external ids on an object, and no more fields than the edition allows', async () => {
  for (const from of [0, 10, 20]) {
    await made('CustomField', ...Array.from({ length: from === 20 ? 5 : 10 }, (_, i) => key(`Account.K${from + i}__c`)));
  }
  await refused('CustomField', key('Account.K25__c'), 'LIMIT_EXCEEDED');
  await settings({ custom_field_limit: 25 });
  await refused('CustomField', text('Account.T__c'), 'CUSTOM_ENTITY_OR_FIELD_LIMIT');
});

test('fields: label, length and keys may change, type and target may not', async () => {
  await made('CustomField', text('Account.A__c'), lookup('Account.R__c', 'Contact', 'Rs'));
  await made('CustomField', text('Account.A__c', { length: 120, externalId: true }));
  await refused('CustomField', field('Account.A__c', 'Number', { precision: 18, scale: 0 }), 'CANNOT_CHANGE_FIELD_TYPE');
  await refused('CustomField', lookup('Account.R__c', 'Account', 'Rs'), 'CANNOT_CHANGE_FIELD_TYPE');
});

test('fields: a field cannot become unique over values that clash', async () => {
  await made('CustomField', text('Account.A__c', { length: 20 }));
  await org.control('POST', 'records', { Account: [{ Name: 'a', A__c: 'x' }, { Name: 'b', A__c: 'X' }] });
  await refused('CustomField', text('Account.A__c', { length: 20, unique: true }), 'DUPLICATE_VALUE');
  await made('CustomField', text('Account.A__c', { caseSensitive: true, length: 20, unique: true }));
});

// -- Objects and events --

test('objects: all required parts each time, and switches that go together', async () => {
  for (const name of ['label', 'pluralLabel', 'nameField', 'deploymentStatus', 'sharingModel']) {
    const { [name]: left, ...rest } = object('Invoice__c');
    assert.ok(left);
    await refused('CustomObject', rest, 'REQUIRED_FIELD_MISSING');
  }
  await refused('CustomObject', object('Invoice__c', { enableSharing: false }), 'FIELD_INTEGRITY_EXCEPTION', /must be all true or all false/);
  await refused('CustomObject', object('Invoice__c', { nameField: { label: 'No', type: 'Number' } }), 'FIELD_INTEGRITY_EXCEPTION');
  await refused('CustomObject', object('Invoice__c', { nameField: { label: 'No', type: 'AutoNumber' } }), 'FIELD_INTEGRITY_EXCEPTION', /displayFormat/);
  await refused('CustomObject', object('Invoice'), 'INVALID_FULL_NAME');
  await made('CustomObject', object('Invoice__c', { nameField: { displayFormat: 'INV-{00000}', label: 'No', type: 'AutoNumber' } }));
  await settings({ custom_object_limit: 1 });
  await refused('CustomObject', object('Other__c'), 'CUSTOM_ENTITY_OR_FIELD_LIMIT');
  await made('CustomObject', object('Invoice__c', { label: 'Bill', nameField: { displayFormat: 'INV-{00000}', label: 'No', type: 'AutoNumber' } }));
  await refused('CustomObject', object('Invoice__c'), 'CANNOT_CHANGE_FIELD_TYPE');
});

test('objects: a sharing model of the parent needs its master-detail in the same call', async () => {
  await made('CustomObject', object('Invoice__c'));
  await refused('CustomObject', object('Line__c', { sharingModel: 'ControlledByParent' }), 'FIELD_INTEGRITY_EXCEPTION', /ControlledByParent/);
  const link = field('Invoice__c', 'MasterDetail', { referenceTo: 'Invoice__c', relationshipName: 'Lines' });
  const { fullName, deploymentStatus, ...rest } = object('Line__c', { sharingModel: 'ControlledByParent' });
  const { label, nameField, pluralLabel, sharingModel, ...switches } = rest;
  await made('CustomObject', { fullName, deploymentStatus, ...switches, fields: [link], label, nameField, pluralLabel, sharingModel });
  assert.equal((await org.control('GET', 'metadata')).json.fields['Line__c.Invoice__c'].type, 'MasterDetail');
});

test('objects: a component whose field fails leaves nothing behind', async () => {
  await refused('CustomObject', event('Signal__e', [text('Good__c', { required: true }), field('Bad__c', 'Email')]), 'FIELD_INTEGRITY_EXCEPTION');
  assert.deepEqual((await org.control('GET', 'metadata')).json.objects, {});
});

test('events: fields come inline, a few types, no keys; the edition has a limit', async () => {
  await made('CustomObject', event('Signal__e', [
    text('Source__c', { externalId: false, required: true, unique: false }), field('Amount__c', 'Number', { externalId: false, precision: 18, required: false, scale: 2, unique: false }),
    field('At__c', 'DateTime', { externalId: false, required: false }), field('Note__c', 'LongTextArea', { length: 300, visibleLines: 3 }), field('Live__c', 'Checkbox', { defaultValue: 'true' })]));
  await refused('CustomObject', event('Other__e', [picklist('P__c', ['a'])]), 'FIELD_INTEGRITY_EXCEPTION');
  await refused('CustomObject', event('Other__e', [key('K__c')]), 'FIELD_INTEGRITY_EXCEPTION');
  await refused('CustomObject', { ...event('Other__e'), sharingModel: 'ReadWrite' }, 'FIELD_INTEGRITY_EXCEPTION');
  await refused('CustomObject', { ...event('Other__e'), eventType: 'StandardVolume' }, 'FIELD_INTEGRITY_EXCEPTION');
  await settings({ event_limit: 1 });
  await refused('CustomObject', event('Other__e'), 'LIMIT_EXCEEDED');
});

// -- Processes, record types --

test('processes: stages must exist, "/" is encoded, default is obligatory', async () => {
  await made('BusinessProcess', process([stage('Prospecting', true), stage('Negotiation%2FReview'), stage('Closed Won')]));
  await refused('BusinessProcess', process([stage('Negotiation/Review')]), 'INVALID_CROSS_REFERENCE_KEY', 'Picklist value: Negotiation/Review in picklist: StageName not found');
  await refused('BusinessProcess', process([stage('Dreaming')]), 'INVALID_CROSS_REFERENCE_KEY');
  await refused('BusinessProcess', process([{ fullName: 'Prospecting' }]), 'REQUIRED_FIELD_MISSING', 'Required field is missing: default');
  await refused('BusinessProcess', process([stage('Prospecting', true), stage('Closed Won', true)]), 'FIELD_INTEGRITY_EXCEPTION');
  await refused('BusinessProcess', process([]), 'FIELD_INTEGRITY_EXCEPTION');
  await refused('BusinessProcess', { ...process([stage('Prospecting')]), fullName: 'Account.Renewal' }, 'INVALID_CROSS_REFERENCE_KEY');
  await settings({ stages: ['Start', { name: 'Won', probability: 100, category: 'Closed', closed: true, won: true }] });
  await refused('BusinessProcess', process([stage('Prospecting')]), 'INVALID_CROSS_REFERENCE_KEY');
  await made('BusinessProcess', process([stage('Start', true), stage('Won')]));
});

test('record types: those of Opportunity need a process; they are not deleted', async () => {
  const type = { fullName: 'Opportunity.Renewal', active: true, businessProcess: 'Renewal', label: 'Renewal' };
  await refused('RecordType', type, 'INVALID_CROSS_REFERENCE_KEY');
  await made('BusinessProcess', process([stage('Prospecting', true)]));
  const { businessProcess, ...bare } = type;
  await refused('RecordType', bare, 'REQUIRED_FIELD_MISSING', /businessProcess/);
  await refused('RecordType', { ...type, fullName: 'Account.Renewal', businessProcess }, 'FIELD_INTEGRITY_EXCEPTION');
  await made('RecordType', type);
  const [gone] = (await remove(org, 'RecordType', ['Opportunity.Renewal'])).results;
  assert.equal(gone.message, 'Cannot delete record type through API');
  assert.equal((await remove(org, 'BusinessProcess', ['Opportunity.Renewal'])).results[0].code, 'DEPENDENCY_EXISTS');
  await made('RecordType', { ...type, active: false });
  const rows = await org.query("SELECT DeveloperName, IsActive FROM RecordType WHERE SobjectType = 'Opportunity'");
  assert.deepEqual(rows.json.records.map(({ DeveloperName, IsActive }) => [DeveloperName, IsActive]), [['Renewal', false]]);
});

// -- Permission sets --

test('permission sets: what may be granted', async () => {
  await made('CustomObject', object('Invoice__c'), event('Signal__e', [text('Source__c')]));
  await made('CustomField', text('Invoice__c.A__c'), text('Invoice__c.Must__c', { required: true }), text('Activity.Key__c'),
    field('Invoice__c.Parent__c', 'MasterDetail', { referenceTo: 'Account', relationshipName: 'Parts' }));
  const set = (fields, objects) => permissions('Sync', { fields, objects });
  const required = (name) => `You cannot deploy to a required field: ${name}`;
  await refused('PermissionSet', set(['Invoice__c.Must__c'], []), 'FIELD_INTEGRITY_EXCEPTION', required('Invoice__c.Must__c'));
  await refused('PermissionSet', set(['Invoice__c.Parent__c'], []), 'FIELD_INTEGRITY_EXCEPTION', required('Invoice__c.Parent__c'));
  await refused('PermissionSet', set(['Account.Name'], []), 'FIELD_INTEGRITY_EXCEPTION', required('Account.Name'));
  await refused('PermissionSet', set(['Signal__e.Source__c'], []), 'FIELD_INTEGRITY_EXCEPTION', required('Signal__e.Source__c'));
  await refused('PermissionSet', set(['Invoice__c.Gone__c'], []), 'INVALID_CROSS_REFERENCE_KEY', 'In field: field - no CustomField named Invoice__c.Gone__c found');
  await refused('PermissionSet', set(['Activity.Key__c'], []), 'INVALID_CROSS_REFERENCE_KEY');
  await refused('PermissionSet', set([{ editable: true, field: 'Invoice__c.A__c', readable: false }], []), 'FIELD_INTEGRITY_EXCEPTION', /depends on permission\(s\): Read/);
  await refused('PermissionSet', set(['Invoice__c.A__c', 'Invoice__c.A__c'], []), 'DUPLICATE_VALUE');
  await refused('PermissionSet', set([], [rights('Gone__c')]), 'INVALID_CROSS_REFERENCE_KEY');
  await refused('PermissionSet', set([], [rights('Task')]), 'INVALID_CROSS_REFERENCE_KEY');
  await refused('PermissionSet', set([], [rights('Signal__e', 'cru')]), 'FIELD_INTEGRITY_EXCEPTION');
  await refused('PermissionSet', set([], [rights('Contact', 'r')]), 'FIELD_INTEGRITY_EXCEPTION', 'Permission Read Contact depends on permission(s): Read Account');
  await refused('PermissionSet', set([], [rights('Invoice__c', 'r')]), 'FIELD_INTEGRITY_EXCEPTION', 'Permission Read Invoice__c depends on permission(s): Read Account');
  await made('CustomField', field('Invoice__c.No__c', 'AutoNumber', { displayFormat: 'N-{000}' }));
  await refused('PermissionSet', set(['Invoice__c.No__c'], []), 'FIELD_INTEGRITY_EXCEPTION', 'Field Invoice__c.No__c is not editable');
  await refused('PermissionSet', { ...set([], []), tabSettings: [{ tab: 'Invoice__c', visibility: 'Visible' }] }, 'INVALID_CROSS_REFERENCE_KEY');
  await made('PermissionSet', set(['Invoice__c.A__c', 'Task.Key__c'], [rights('Account', 'cru'), rights('Invoice__c'), rights('Signal__e', 'cr')]));
});

const DEPENDENCIES = [
  ['c', {}, 'Permission Create Invoice__c depends on permission(s): Read Invoice__c'],
  ['u', {}, 'Permission Edit Invoice__c depends on permission(s): Read Invoice__c'],
  ['rd', {}, 'Permission Delete Invoice__c depends on permission(s): Edit Invoice__c'],
  ['', { viewAllRecords: true }, 'Permission Read All Invoice__c depends on permission(s): Read Invoice__c'],
  ['cru', { modifyAllRecords: true }, 'Permission Modify All Invoice__c depends on permission(s): Delete Invoice__c'],
];
for (const [letters, more, message] of DEPENDENCIES) {
  test(`permission sets: ${message}`, async () => {
    await made('CustomObject', object('Invoice__c'));
    await refused('PermissionSet', permissions('Sync', { objects: [{ ...rights('Invoice__c', letters), ...more }] }), 'FIELD_INTEGRITY_EXCEPTION', message);
  });
}

test('permission sets: an upsert replaces the set, and what is deleted leaves it', async () => {
  await made('CustomObject', object('Invoice__c'));
  await made('CustomField', text('Account.A__c'), text('Account.B__c'));
  await made('PermissionSet', permissions('Sync', { fields: ['Account.A__c'], objects: ['Invoice__c'] }));
  await made('PermissionSet', permissions('Sync', { fields: ['Account.B__c'], objects: ['Invoice__c'] }));
  let { text: xml } = await read(org, 'PermissionSet', ['Sync']);
  assert.ok(xml.includes('Account.B__c') && !xml.includes('Account.A__c'));
  await remove(org, 'CustomField', ['Account.B__c']);
  await remove(org, 'CustomObject', ['Invoice__c']);
  ({ text: xml } = await read(org, 'PermissionSet', ['Sync']));
  assert.ok(!xml.includes('fieldPermissions') && !xml.includes('objectPermissions'), xml);
});

test('rights: without "Manage Permission Sets" or "Customize Application" each component is refused', async () => {
  await settings({ manage_permission_sets: false });
  await refused('PermissionSet', permissions('Sync', {}), 'INSUFFICIENT_ACCESS');
  await made('CustomField', text('Account.A__c'));
  await settings({ manage_permission_sets: true, customize_application: false });
  await refused('CustomField', text('Account.B__c'), 'INSUFFICIENT_ACCESS');
  assert.equal((await remove(org, 'CustomField', ['Account.A__c'])).results[0].code, 'INSUFFICIENT_ACCESS');
  await made('PermissionSet', permissions('Sync', {}));
});

// -- Reading and deleting --

test('read: in the order asked for, what is missing is nil', async () => {
  await made('CustomField', text('Account.A__c'));
  const { root } = await read(org, 'CustomField', ['Account.B__c', 'Account.A__c']);
  const records = root.children[0].children;
  const xsi = 'http://www.w3.org/2001/XMLSchema-instance';
  assert.deepEqual(records.map((one) => [one.attribute(xsi, 'nil'), one.attribute(xsi, 'type')]), [['true', undefined], [undefined, 'CustomField']]);
});

test('read: an object tells its fields, and can be sent back as it came', async () => {
  await made('CustomObject', object('Invoice__c'));
  await made('CustomField', ...FIELDS.map((one) => ({ ...one, fullName: one.fullName.replace('Account', 'Invoice__c') })));
  const { text: xml } = await read(org, 'CustomObject', ['Invoice__c']);
  const inner = /<records xsi:type="CustomObject">(.*)<\/records>/s.exec(xml)[1];
  const again = await soap(org, `<updateMetadata><metadata xsi:type="CustomObject">${inner}</metadata></updateMetadata>`);
  assert.equal(again.results[0].success, true, again.text);
});

test('delete: missing ones say so, used ones are kept', async () => {
  const [missing] = (await remove(org, 'CustomField', ['Account.A__c'])).results;
  assert.deepEqual(missing, { fullName: 'Account.A__c', success: false, created: undefined, code: 'INVALID_CROSS_REFERENCE_KEY', message: 'This custom field does not exist or is not accessible' });
  await made('CustomObject', object('Invoice__c'), object('Line__c'));
  await made('CustomField', text('Account.A__c'), lookup('Line__c.Invoice__c', 'Invoice__c', 'Lines'));
  await settings({ components_in_use: [{ component: 'Account.A__c', by: 'Flow - Reminder' }] });
  const [used] = (await remove(org, 'CustomField', ['Account.A__c'])).results;
  assert.equal(used.code, 'DEPENDENCY_EXISTS');
  assert.match(used.message, /Flow - Reminder/);
  assert.equal((await remove(org, 'CustomObject', ['Invoice__c'])).results[0].code, 'DEPENDENCY_EXISTS');
  const both = await remove(org, 'CustomObject', ['Line__c', 'Invoice__c']);
  assert.deepEqual(both.results.map(({ success }) => success), [true, true]);
});

// -- Trouble on order --

test('faults: one component fails n times with the error ordered', async () => {
  await org.control('POST', 'faults', { faults: [{ match: { component: 'Account.B__c', operation: 'upsertMetadata' }, times: 2, do: { component_error: { statusCode: 'UNABLE_TO_LOCK_ROW', message: 'another deploy runs' } } }] });
  const call = () => fieldCall([text('Account.A__c'), text('Account.B__c')]);
  const results = [];
  for (let i = 0; i < 3; i++) results.push((await call()).results.map(({ code }) => code));
  assert.deepEqual(results, [[undefined, 'UNABLE_TO_LOCK_ROW'], [undefined, 'UNABLE_TO_LOCK_ROW'], [undefined, undefined]]);
});

test('faults: the connection is dropped after the call took effect', async () => {
  await org.control('POST', 'faults', { faults: [{ match: { path: '/services/Soap/m/', component: 'Account.A__c' }, do: { drop: 'after' } }] });
  await assert.rejects(fieldCall([text('Account.A__c')]));
  assert.deepEqual(Object.keys((await org.control('GET', 'metadata')).json.fields), ['Account.A__c']);
  assert.equal((await fieldCall([text('Account.A__c')])).results[0].created, 'false');
});

test('faults: slow SOAP leaves REST as fast as it was; calls are logged with their components', async () => {
  await settings({ soap_latency_ms: 600 });
  const began = Date.now();
  await org.call('GET', 'limits');
  const fast = Date.now();
  await fieldCall([text('Account.A__c'), text('Account.B__c', { length: 0 })]);
  assert.ok(Date.now() - fast >= 600 && fast - began < 600);
  const last = (await org.control('GET', 'calls')).json.at(-1);
  assert.equal(last.kind, 'metadata');
  assert.deepEqual(last.subrequests, [
    { operation: 'upsertMetadata', type: 'CustomField', fullName: 'Account.A__c', status: 'ok' },
    { operation: 'upsertMetadata', type: 'CustomField', fullName: 'Account.B__c', status: 'FIELD_INTEGRITY_EXCEPTION' }]);
});
