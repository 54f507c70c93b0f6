// Describe answers (Salesforce: Describe). A field hidden by field-level
// security is absent, as is RecordTypeId where there are no record types.

const SOAP_TYPES = {
  id: 'tns:ID', reference: 'tns:ID', boolean: 'xsd:boolean', int: 'xsd:int', double: 'xsd:double', currency: 'xsd:double',
  percent: 'xsd:double', date: 'xsd:date', datetime: 'xsd:dateTime',
};
const MASTER_RECORD_TYPE = '012000000000000AAA';

function describeField(field) {
  const text = field.length > 0 && field.type !== 'id';
  return {
    aggregatable: true, autoNumber: Boolean(field.autoNumber), byteLength: field.type === 'id' || field.type === 'reference' ? 18 : field.length * 3,
    calculated: field.calculated, calculatedFormula: null, cascadeDelete: field.cascadeDelete, caseSensitive: field.caseSensitive,
    compoundFieldName: null, controllerName: null, createable: field.createable && !field.readOnly, custom: field.custom,
    defaultValue: field.defaultValue, defaultedOnCreate: field.defaultedOnCreate, dependentPicklist: false, deprecatedAndHidden: false,
    digits: field.digits, externalId: field.externalId, filterable: !(field.type === 'textarea' && field.length > 255),
    groupable: text, htmlFormatted: false, idLookup: field.idLookup, inlineHelpText: field.help, label: field.label,
    length: field.type === 'reference' ? 18 : field.length, name: field.name, nameField: field.nameField, nillable: field.nillable && !field.adminRequired,
    permissionable: field.nillable && field.createable, picklistValues: picklistValues(field),
    polymorphicForeignKey: field.polymorphic, precision: field.precision, referenceTo: field.referenceTo ?? [],
    relationshipName: field.relationshipName, relationshipOrder: field.masterDetail ? 0 : null,
    restrictedDelete: Boolean(field.restrictDelete), restrictedPicklist: field.restricted, scale: field.scale,
    soapType: SOAP_TYPES[field.type] ?? 'xsd:string', sortable: true, type: field.type, unique: field.unique,
    updateable: field.updateable && field.reparentable && !field.readOnly, writeRequiresMasterRead: false,
  };
}

function picklistValues(field) {
  return (field.values ?? []).map((value) => ({
    active: true, defaultValue: field.defaultValue === value, label: value, validFor: null, value,
  }));
}

function summary(type, base) {
  const writable = !type.adminOnly;
  // A platform event is published and never seen again.
  const kept = !type.event;
  const changes = writable && kept;
  const { create, edit, remove } = type.rights;
  const self = `${base}/sobjects/${type.name}`;
  return {
    activateable: false, createable: writable && create, custom: type.custom, customSetting: false, deletable: changes && remove,
    deprecatedAndHidden: false, feedEnabled: false, keyPrefix: type.keyPrefix, label: type.label, labelPlural: type.plural,
    layoutable: true, mergeable: ['Account', 'Contact'].includes(type.name), mruEnabled: true, name: type.name, queryable: kept,
    replicateable: kept, retrieveable: kept, searchable: kept, triggerable: true, undeletable: changes && remove, updateable: changes && edit,
    urls: { sobject: self, describe: `${self}/describe`, rowTemplate: `${self}/{ID}` },
  };
}

export function describeGlobal(call) {
  const sobjects = [...call.org.schema.objects.values()].filter((type) => !type.hidden).map((type) => summary(type, call.base));
  return { encoding: 'UTF-8', maxBatchSize: 200, sobjects };
}

export function describeBasic(call, type) {
  return { objectDescribe: summary(type, call.base), recentItems: [] };
}

// Large and asked for often: kept until the schema or its visibility changes.
const cache = new WeakMap();

export function describeObject(call, type) {
  const { version } = call.org.schema;
  const kept = cache.get(type);
  if (kept && kept.version === version && kept.base === call.base) return kept.answer;
  const answer = {
    ...summary(type, call.base),
    childRelationships: childRelationships(call, type),
    fields: type.visibleFields().map(describeField),
    recordTypeInfos: recordTypeInfos(call, type),
    supportedScopes: [{ label: `All ${type.plural}`, name: 'everything' }],
  };
  cache.set(type, { version, base: call.base, answer });
  return answer;
}

function childRelationships(call, type) {
  return call.org.schema.children.get(type.name)
    .filter(({ child, field }) => call.org.schema.object(child)?.field(field))
    .map(({ child, field, relationshipName, cascadeDelete }) => ({
      cascadeDelete, childSObject: child, deprecatedAndHidden: false, field, junctionIdListNames: [],
      junctionReferenceTo: [], relationshipName, restrictedDelete: false,
    }));
}

function recordTypeInfos(call, type) {
  const rows = [...call.org.store.table(call.org.schema.object('RecordType', true)).rows.values()]
    .filter((row) => row.SobjectType === type.name);
  const infos = rows.map((row, i) => ({
    active: row.IsActive, available: row.IsActive && call.org.metadata.showsRecordType(row.Id), defaultRecordTypeMapping: i === 0, developerName: row.DeveloperName,
    master: false, name: row.Name, recordTypeId: row.Id,
  }));
  infos.push({ active: true, available: true, defaultRecordTypeMapping: rows.length === 0, developerName: 'Master', master: true,
    name: 'Master', recordTypeId: MASTER_RECORD_TYPE });
  return infos;
}
