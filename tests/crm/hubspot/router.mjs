// Which call a method and path mean, in which API version (section 1), what
// it counts as, and which scopes it needs (section 2.5).

import * as account from './account.mjs';
import * as associations from './associations.mjs';
import { approve, authorize } from './authorize.mjs';
import * as batches from './batches.mjs';
import * as events from './events.mjs';
import * as labels from './labels.mjs';
import * as oauth from './oauth.mjs';
import * as objects from './objects.mjs';
import * as pipelines from './pipelines.mjs';
import * as properties from './properties.mjs';
import * as schemas from './schemas.mjs';
import { search } from './search.mjs';

// Scopes: a list of groups; of each group the token needs one.

function objectScope(type, verb) {
  if (type.schema !== null) return [`crm.objects.custom.${verb}`];
  // Tasks, notes and the like are covered by contacts (section 2.5).
  if (type.isActivity()) return [`crm.objects.contacts.${verb}`];
  if (type.plural === 'tickets') return ['tickets'];
  if (type.plural === 'payments') return ['e-commerce'];
  return [`crm.objects.${type.plural}.${verb}`];
}

function schemaScope(type, verb) {
  const object = objectScope(type, 'read')[0];
  if (!object.startsWith('crm.objects.')) return [object];
  const schema = object.replace('crm.objects.', 'crm.schemas.').replace('.read', `.${verb}`);
  // Definitions can be read with the record scopes too; written with the schema scope alone.
  return verb === 'write' ? [schema] : [schema, object, object.replace('.read', '.write')];
}

const SCOPES = {
  none: () => [],
  oauth: () => [['oauth']],
  read: (call) => [objectScope(call.type, 'read')],
  write: (call) => [objectScope(call.type, 'write')],
  readBoth: (call) => [objectScope(call.type, 'read'), objectScope(call.toType, 'read')],
  writeBoth: (call) => [objectScope(call.type, 'write'), objectScope(call.toType, 'write')],
  schemaRead: (call) => [schemaScope(call.type, 'read')],
  schemaWrite: (call) => [schemaScope(call.type, 'write')],
  customRead: () => [['crm.schemas.custom.read', 'crm.objects.custom.read']],
  customWrite: () => [['crm.schemas.custom.write']],
  owners: () => [['crm.objects.owners.read']],
  eventDefine: () => [['behavioral_events.event_definitions.read_write']],
  eventSend: () => [['analytics.behavioral_events.send']],
};

const OBJECTS = [
  ['POST', '{type}/batch/create', batches.create, 'write'],
  ['POST', '{type}/batch/update', batches.update, 'write'],
  ['POST', '{type}/batch/upsert', batches.upsert, 'write'],
  ['POST', '{type}/batch/read', batches.read, 'read'],
  ['POST', '{type}/batch/archive', batches.archive, 'write'],
  ['POST', '{type}/search', search, 'read', 'search'],
  ['GET', '{type}', objects.list, 'read'],
  ['POST', '{type}', objects.create, 'write'],
  ['GET', '{type}/{id}', objects.read, 'read'],
  ['PATCH', '{type}/{id}', objects.update, 'write'],
  ['DELETE', '{type}/{id}', objects.remove, 'write'],
];

const PAIRS = [
  ['PUT', '{type}/{id}/associations/default/{toType}/{toId}', associations.putDefault, 'writeBoth', 'association'],
  ['PUT', '{type}/{id}/associations/{toType}/{toId}', associations.putLabelled, 'writeBoth', 'association'],
  ['DELETE', '{type}/{id}/associations/{toType}/{toId}', associations.remove, 'writeBoth', 'association'],
];
const PAIR_LIST = [['GET', '{type}/{id}/associations/{toType}', associations.list, 'readBoth', 'association']];

const LABELS = [
  ['GET', '{type}/{toType}/labels', labels.list, 'readBoth', 'association'],
  ['POST', '{type}/{toType}/labels', labels.create, 'writeBoth', 'association'],
  ['PUT', '{type}/{toType}/labels', labels.update, 'writeBoth', 'association'],
  ['DELETE', '{type}/{toType}/labels/{typeId}', labels.remove, 'writeBoth', 'association'],
];
const ASSOCIATIONS = [
  ['POST', '{type}/{toType}/batch/associate/default', associations.batchDefault, 'writeBoth', 'association'],
  ['POST', '{type}/{toType}/batch/create', associations.batchCreate, 'writeBoth', 'association'],
  ['POST', '{type}/{toType}/batch/read', associations.batchRead, 'readBoth', 'association'],
  ['POST', '{type}/{toType}/batch/archive', associations.batchArchive, 'writeBoth', 'association'],
  ['POST', '{type}/{toType}/batch/labels/archive', associations.batchLabelsArchive, 'writeBoth', 'association'],
];

const PROPERTIES = [
  ['GET', '{type}', properties.list, 'schemaRead'],
  ['POST', '{type}', properties.create, 'schemaWrite'],
  ['POST', '{type}/batch/create', properties.batchCreate, 'schemaWrite'],
  ['POST', '{type}/batch/read', properties.batchRead, 'schemaRead'],
  ['POST', '{type}/batch/archive', properties.batchArchive, 'schemaWrite'],
  ['GET', '{type}/groups', properties.groupList, 'schemaRead'],
  ['POST', '{type}/groups', properties.groupCreate, 'schemaWrite'],
  ['GET', '{type}/groups/{group}', properties.groupRead, 'schemaRead'],
  ['PATCH', '{type}/groups/{group}', properties.groupUpdate, 'schemaWrite'],
  ['DELETE', '{type}/groups/{group}', properties.groupRemove, 'schemaWrite'],
  ['GET', '{type}/{name}', properties.read, 'schemaRead'],
  ['PATCH', '{type}/{name}', properties.update, 'schemaWrite'],
  ['DELETE', '{type}/{name}', properties.remove, 'schemaWrite'],
];

// {type} is looked up by the handler here: an archived schema must be found to be purged.
const SCHEMAS = [
  ['GET', '', schemas.list, 'customRead'],
  ['POST', '', schemas.create, 'customWrite'],
  ['POST', 'batch/read', schemas.batchRead, 'customRead'],
  ['GET', '{type}', schemas.read, 'customRead'],
  ['PATCH', '{type}', schemas.update, 'customWrite'],
  ['DELETE', '{type}', schemas.remove, 'customWrite'],
  ['POST', '{type}/associations', schemas.associationCreate, 'customWrite'],
  ['DELETE', '{type}/associations/{association}', schemas.associationRemove, 'customWrite'],
];

const PIPELINES = [
  ['GET', '{type}', pipelines.list, 'schemaRead'],
  ['POST', '{type}', pipelines.create, 'schemaWrite'],
  ['GET', '{type}/{pipeline}', pipelines.read, 'schemaRead'],
  ['PUT', '{type}/{pipeline}', pipelines.replace, 'schemaWrite'],
  ['PATCH', '{type}/{pipeline}', pipelines.update, 'schemaWrite'],
  ['DELETE', '{type}/{pipeline}', pipelines.remove, 'schemaWrite'],
  ['GET', '{type}/{pipeline}/stages', pipelines.stageList, 'schemaRead'],
  ['POST', '{type}/{pipeline}/stages', pipelines.stageCreate, 'schemaWrite'],
  ['GET', '{type}/{pipeline}/stages/{stage}', pipelines.stageRead, 'schemaRead'],
  ['PUT', '{type}/{pipeline}/stages/{stage}', pipelines.stageReplace, 'schemaWrite'],
  ['PATCH', '{type}/{pipeline}/stages/{stage}', pipelines.stageUpdate, 'schemaWrite'],
  ['DELETE', '{type}/{pipeline}/stages/{stage}', pipelines.stageRemove, 'schemaWrite'],
];

const ACCOUNT = [
  ['GET', 'details', account.details, 'oauth'],
  ['GET', 'api-usage/daily/private-apps', account.dailyUsage, 'oauth'],
];
const LIMITS = [
  ['GET', 'custom-object-types', account.customObjectTypes, 'customRead'],
  ['GET', 'custom-properties', account.customProperties, 'none'],
  ['GET', 'records', account.records, 'none'],
  ['GET', 'pipelines', account.pipelineLimits, 'none'],
];
const OWNERS = [
  ['GET', '', account.owners, 'owners'],
  ['GET', '{id}', account.ownerRead, 'owners'],
];

const EVENTS = [
  ['GET', 'event-definitions', events.list, 'eventDefine'],
  ['POST', 'event-definitions', events.create, 'eventDefine'],
  ['GET', 'event-definitions/{event}', events.read, 'eventDefine'],
  ['PATCH', 'event-definitions/{event}', events.update, 'eventDefine'],
  ['DELETE', 'event-definitions/{event}', events.remove, 'eventDefine'],
  ['POST', 'event-definitions/{event}/property', events.propertyCreate, 'eventDefine'],
  ['DELETE', 'event-definitions/{event}/property/{property}', events.propertyRemove, 'eventDefine'],
];
const EVENTS_SENT = [
  ['POST', 'send', events.send, 'eventSend'],
  ['POST', 'send/batch', events.sendBatch, 'eventSend'],
];

const TOKEN = [['POST', 'token', oauth.token, 'public']];
const TOKEN_STATE = [
  ['POST', 'token/introspect', oauth.introspect, 'public'],
  ['POST', 'token/revoke', oauth.revoke, 'public'],
];
const OAUTH_V1 = [
  ['GET', 'access-tokens/{token}', oauth.accessTokenV1, 'public'],
  ['GET', 'refresh-tokens/{token}', oauth.refreshTokenV1, 'public'],
  ['DELETE', 'refresh-tokens/{token}', oauth.refreshTokenDeleteV1, 'public'],
];
const OAUTH_PAGES = [
  ['GET', 'authorize', authorize, 'public'],
  ['GET', '{hub}/authorize', authorize, 'public'],
  ['POST', 'approve', approve, 'public'],
];

// version, prefix, rows, how the calls are named in the log. Only the versions
// that the sheet names: an unknown one is an unknown path.
const TABLE = [];
function family(name, rows, prefixes) {
  for (const [version, prefix] of prefixes) TABLE.push({ version, prefix, rows, name });
}
const dated = (before, after = '') => [['2026-09', `${before}2026-09${after}`], ['2026-03', `${before}2026-03${after}`]];

family('', OBJECTS, [...dated('crm/objects/'), ['v3', 'crm/v3/objects']]);
family('', PAIRS, [...dated('crm/objects/'), ['v4', 'crm/v4/objects']]);
family('', PAIR_LIST, [['2026-03', 'crm/objects/2026-03'], ['v4', 'crm/v4/objects']]);
family('associations', ASSOCIATIONS, [...dated('crm/associations/'), ['v4', 'crm/v4/associations']]);
family('associations', LABELS, [...dated('crm/associations/'), ['v4', 'crm/v4/associations'], ['v4', 'crm/associations/v4']]);
family('properties', PROPERTIES, [...dated('crm/properties/'), ['v3', 'crm/v3/properties']]);
family('schemas', SCHEMAS, [...dated('crm-object-schemas/', '/schemas'), ['v3', 'crm-object-schemas/v3/schemas']]);
family('pipelines', PIPELINES, [...dated('crm/pipelines/'), ['v3', 'crm/v3/pipelines']]);
family('account-info', ACCOUNT, [...dated('account-info/'), ['v3', 'account-info/v3']]);
family('limits', LIMITS, dated('crm/limits/'));
family('owners', OWNERS, dated('crm/owners/'));
family('events', EVENTS, [['2026-09', 'events/custom/2026-09'], ['v3', 'events/v3']]);
family('events', EVENTS_SENT, [['2026-09', 'events/custom/2026-09'], ['2026-03', 'events/2026-03'], ['v3', 'events/v3']]);
family('oauth', TOKEN, [...dated('oauth/'), ['v1', 'oauth/v1']]);
family('oauth', TOKEN_STATE, dated('oauth/'));
family('oauth', OAUTH_V1, [['v1', 'oauth/v1']]);
family('oauth', OAUTH_PAGES, [['', 'oauth']]);
family('oauth', [['POST', 'get/access-token-info', oauth.privateTokenInfo, 'public']], [['v2', 'oauth/v2/private-apps']]);
family('appinstalls', [['DELETE', 'external-install', account.uninstall, 'oauth']], dated('appinstalls/'));

class Node {
  constructor() {
    this.fixed = new Map();
    this.any = null;
    this.methods = null;
  }
}

const root = new Node();
for (const { version, prefix, rows, name } of TABLE)
  for (const [method, pattern, handler, scope, callClass = 'plain'] of rows) {
    const names = [];
    let node = root;
    for (const part of [...prefix.split('/'), ...pattern.split('/')].filter((p) => p !== '')) {
      if (part.startsWith('{')) {
        names.push(part.slice(1, -1));
        node = node.any ??= new Node();
      } else {
        if (!node.fixed.has(part)) node.fixed.set(part, new Node());
        node = node.fixed.get(part);
      }
    }
    node.methods ??= new Map();
    node.methods.set(method, {
      version, handler, names, callClass, public: scope === 'public',
      scopes: SCOPES[scope], lateType: name === 'schemas',
      kind: [name, pattern].filter((p) => p !== '').join('/'),
    });
  }

function find(node, parts, at, values) {
  if (at === parts.length) return node.methods === null ? null : node;
  const fixed = node.fixed.get(parts[at]);
  if (fixed !== undefined) {
    const found = find(fixed, parts, at + 1, values);
    if (found !== null) return found;
  }
  if (node.any === null || parts[at] === '') return null;
  values.push(parts[at]);
  const found = find(node.any, parts, at + 1, values);
  if (found === null) values.pop();
  return found;
}

// {route, params}, or {allowed: methods} for a wrong method, or null for an unknown path.
export function route(method, path) {
  const values = [];
  const node = find(root, path.split('/').slice(1), 0, values);
  if (node === null) return null;
  const found = node.methods.get(method);
  if (found === undefined) return { allowed: [...node.methods.keys()] };
  const params = {};
  found.names.forEach((name, i) => {
    params[name] = decode(values[i]);
  });
  return { route: found, params };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
