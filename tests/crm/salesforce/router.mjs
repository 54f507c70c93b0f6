// From a path below /services/data/vNN.N/ to the resource that answers it. Used
// for whole HTTP calls and for the sub-requests of composite and batch alike.

import { batchResource } from './batch.mjs';
import { collectionRead, collectionsResource, collectionUpsert } from './collections.mjs';
import { compositeResource } from './composite.mjs';
import { badRequest, notFound, SalesforceError } from './errors.mjs';
import { ingestResource } from './ingest-routes.mjs';
import { queryResource } from './query.mjs';
import { deletedRows, describe, globalDescribe, limits, resourceList, versionState } from './resources.mjs';
import { externalIdResource, objectResource, recordResource } from './single-record.mjs';

const DATA = '/services/data/';

// Keys in a path are percent-encoded and are decoded exactly once (correction 9).
function decodeSegments(path) {
  try {
    return path.split('/').map(decodeURIComponent);
  } catch {
    throw notFound();
  }
}

// Everything a resource needs to know about the request it answers.
export function makeCall(context, { method, url, body, raw = '', headers = {} }) {
  const at = url.indexOf('?');
  const path = at < 0 ? url : url.slice(0, at);
  const [versionText, ...rest] = path.slice(DATA.length).split('/');
  return {
    org: context.org, userId: context.userId, now: context.now, allowSave: context.allowSave, admin: false,
    method: method === 'HEAD' ? 'GET' : method, path, versionText, version: Number(versionText.slice(1)),
    base: `${DATA}${versionText}`, rest: rest.join('/'), query: new URLSearchParams(at < 0 ? '' : url.slice(at + 1)),
    body, raw, headers, records: 0, subrequests: [], kind: 'other', forceAllOrNone: false, failedRows: false,
  };
}

export function isDataPath(path) {
  return path.startsWith(DATA) && path.length > DATA.length;
}

export function checkVersion(call) {
  const state = versionState(call.versionText);
  if (state === 'known') return;
  if (state === 'retired' && call.rest.startsWith('jobs/')) throw badRequest('InvalidVersion', 'The requested API version has been retired');
  if (state === 'retired') throw new SalesforceError(410, 'UNSUPPORTED_API_VERSION', 'The requested API version has been retired');
  throw notFound();
}

function sobjects(call, [name, second, third, fourth]) {
  call.kind = 'sobjects';
  if (name === undefined) {
    call.kind = 'describe';
    return globalDescribe(call);
  }
  if (second === undefined) return objectResource(call, name);
  if (third === undefined) {
    if (second === 'describe') {
      call.kind = 'describe';
      return describe(call, name);
    }
    if (second === 'deleted') return deletedRows(call, name);
    return recordResource(call, name, second);
  }
  if (fourth === undefined) return externalIdResource(call, name, second, third);
  throw notFound();
}

function composite(call, [what, name, fieldName, more], inner) {
  if (what === 'sobjects' && more === undefined) {
    call.kind = 'collections';
    if (name === undefined) return collectionsResource(call);
    return fieldName === undefined ? collectionRead(call, name) : collectionUpsert(call, name, fieldName);
  }
  // Composite calls do not nest.
  if (inner) throw notFound();
  if (what === undefined) {
    call.kind = 'composite';
    return compositeResource(call);
  }
  if (what === 'batch' && name === undefined) {
    call.kind = 'batch';
    return batchResource(call);
  }
  throw notFound();
}

export function route(call, inner = false) {
  checkVersion(call);
  const segments = decodeSegments(call.rest);
  if (segments[segments.length - 1] === '') segments.pop();
  const [resource, ...more] = segments;
  switch (resource) {
    case undefined: return resourceList(call);
    case 'sobjects': return sobjects(call, more);
    case 'composite': return composite(call, more, inner);
    case 'query':
    case 'queryAll':
      if (more.length > 1) throw notFound();
      call.kind = 'query';
      return queryResource(call, resource === 'queryAll', more[0]);
    case 'jobs': return ingestResource(call, more, inner);
    case 'limits':
      if (more.length) throw notFound();
      call.kind = 'limits';
      return limits(call);
    default: throw notFound();
  }
}

export const errorAnswer = (error) => ({ status: error.status, body: [error.toRest()], headers: error.headers ?? {} });

// Answers a call, errors included.
export function answer(call, inner = false) {
  try {
    return route(call, inner);
  } catch (error) {
    if (!(error instanceof SalesforceError)) throw error;
    return errorAnswer(error);
  }
}
