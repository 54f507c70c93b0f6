// Resources about the org itself: versions, resource list, limits, describe,
// deleted rows (Salesforce: Hosts and API versions; Describe; Limits; Query).

import { badRequest, methodNotAllowed, notFound } from './errors.mjs';
import { describeBasic, describeGlobal, describeObject } from './describe.mjs';
import { serverTime } from './values.mjs';

const SEASONS = ['Spring', 'Summer', 'Winter'];
const OLDEST = 31;
const CURRENT = 68;
const DELETED_SPAN_MS = 30 * 24 * 3600 * 1000;

// v66 is Spring '26, three releases a year.
function label(version) {
  const steps = version - 66;
  const season = SEASONS[((steps % 3) + 3) % 3];
  const year = 26 + Math.floor(steps / 3) + (season === 'Winter' ? 1 : 0);
  return `${season} '${String(year).padStart(2, '0')}`;
}

export function versionList() {
  const list = [];
  for (let v = OLDEST; v <= CURRENT; v++) list.push({ label: label(v), url: `/services/data/v${v}.0`, version: `${v}.0` });
  return list;
}

// 'known', 'retired' or 'unknown'.
export function versionState(text) {
  const number = /^v(\d+)\.0$/.exec(text)?.[1];
  if (number === undefined) return 'unknown';
  if (number >= OLDEST && number <= CURRENT) return 'known';
  return number >= 21 && number < OLDEST ? 'retired' : 'unknown';
}

export function onlyGet(call) {
  if (call.method !== 'GET') throw methodNotAllowed(call.method, ['GET', 'HEAD']);
}

export function resourceList(call) {
  onlyGet(call);
  const body = {};
  for (const name of ['composite', 'jobs', 'limits', 'query', 'queryAll', 'sobjects']) body[name] = `${call.base}/${name}`;
  body.identity = `${call.org.oauth.identityUrl()}`;
  return { status: 200, body };
}

export function limits(call) {
  onlyGet(call);
  const { values } = call.org.settings;
  const used = Math.min(values.daily_used, values.daily_limit);
  const full = (max) => ({ Max: max, Remaining: max });
  return {
    status: 200,
    body: {
      ConcurrentAsyncGetReportInstances: full(200), DailyApiRequests: { Max: values.daily_limit, Remaining: values.daily_limit - used },
      DailyAsyncApexExecutions: full(250000), DailyBulkApiBatches: { Max: values.bulk_daily_batches, Remaining: Math.max(0, values.bulk_daily_batches - values.bulk_batches_used) }, DailyBulkV2QueryJobs: full(10000),
      DailyDeliveredPlatformEvents: full(10000), DataStorageMB: { Max: 5, Remaining: Math.max(0, Math.floor(5 - (call.org.store.size * 2) / 1024)) },
      FileStorageMB: full(20), HourlyPublishedPlatformEvents: { Max: values.hourly_event_limit, Remaining: call.org.events.left },
      PermissionSets: { Max: 1500, Remaining: 1499, CreateCustom: { Max: 1000, Remaining: 999 } },
    },
  };
}

export function objectOf(call, name) {
  const type = call.org.schema.object(name);
  if (!type) throw notFound();
  return type;
}

function notModified(call) {
  const since = Date.parse(call.headers['if-modified-since'] ?? '');
  const modified = call.org.schema.modified.getTime();
  if (since >= modified || call.headers['if-none-match'] === `"${modified}"`) return { status: 304 };
  return null;
}

function dated(call, body) {
  return notModified(call) ?? {
    status: 200, body,
    headers: { 'Last-Modified': call.org.schema.modified.toUTCString(), ETag: `"${call.org.schema.modified.getTime()}"` },
  };
}

export function globalDescribe(call) {
  onlyGet(call);
  return dated(call, describeGlobal(call));
}

export function describe(call, name) {
  onlyGet(call);
  return dated(call, describeObject(call, objectOf(call, name)));
}

export function basicDescribe(call, type) {
  return { status: 200, body: describeBasic(call, type) };
}

function timeParam(call, name) {
  const ms = Date.parse(call.query.get(name)?.replace(/ (\d\d:?\d\d)$/, '+$1') ?? '');
  if (Number.isNaN(ms)) throw badRequest('INVALID_REPLICATION_DATE', `${name} is missing or is not a date-time`);
  return ms;
}

// Deleted rows of up to 30 days, at least a minute.
export function deletedRows(call, name) {
  onlyGet(call);
  const type = objectOf(call, name);
  const start = timeParam(call, 'start');
  const end = timeParam(call, 'end');
  if (end - start < 60000) throw badRequest('INVALID_REPLICATION_DATE', 'endDate must be at least one minute greater than startDate');
  if (call.now - start > DELETED_SPAN_MS) throw badRequest('INVALID_REPLICATION_DATE', 'startDate cannot be more than 30 days ago');
  const deletedRecords = [];
  for (const row of call.org.store.table(type).bin.values()) {
    const at = Date.parse(row.SystemModstamp.replace('+0000', 'Z'));
    if (at >= start && at < end) deletedRecords.push({ deletedDate: row.SystemModstamp, id: row.Id });
  }
  return { status: 200, body: {
    deletedRecords, earliestDateAvailable: serverTime(call.now - DELETED_SPAN_MS), latestDateCovered: serverTime(Math.min(end, call.now)) } };
}
