// The portal itself: details, usage, limits, owners (sections 1, 11.5, 17).

import { ApiError, missingScopes, notFound, validation } from './errors.mjs';
import { offsetMs } from './limits.mjs';

export function details(call) {
  const { portal } = call;
  const ms = offsetMs(portal.settings.time_zone, Date.now());
  const minutes = Math.abs(ms) / 60000;
  const two = (n) => String(n).padStart(2, '0');
  return {
    status: 200,
    body: {
      portalId: portal.id, accountType: portal.settings.account_type, timeZone: portal.settings.time_zone,
      companyCurrency: portal.settings.company_currency, additionalCurrencies: portal.settings.additional_currencies,
      utcOffset: `${ms < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`,
      utcOffsetMilliseconds: ms, uiDomain: 'app.hubspot.com', dataHostingLocation: 'na1',
    },
  };
}

// Private apps only: not for OAuth tokens (section 17).
export function dailyUsage(call) {
  if (call.token.kind !== 'private') throw missingScopes(['private-app']);
  const { daily, settings } = call.limits.usage();
  return {
    status: 200,
    body: {
      results: [{
        name: 'private-apps-api-calls-daily', usageLimit: settings.daily_limit, currentUsage: daily,
        collectedAt: new Date().toISOString(), fetchStatus: 'SUCCESS', resetsAt: new Date(call.limits.midnight).toISOString(),
      }],
    },
  };
}

function share(usage, limit) {
  return limit === 0 ? 0 : Math.round((usage / limit) * 10000) / 10000;
}

export function customObjectTypes(call) {
  const { custom_object_limit: most, enterprise } = call.portal.settings;
  const limit = enterprise ? most : 0;
  const usage = call.portal.types.custom().filter((type) => !type.schema.archived).length;
  return { status: 200, body: { limit, usage, percentage: share(usage, limit) } };
}

function rowOf(type, usage, limit) {
  const row = { objectTypeId: type.id, singularLabel: type.label, pluralLabel: type.pluralLabel, usage };
  return limit === undefined ? row : { ...row, limit, percentage: share(usage, limit) };
}

export function customProperties(call) {
  const limit = call.portal.settings.custom_property_limit;
  const byObjectType = [...call.portal.types.byId.values()].map((type) =>
    rowOf(type, [...type.properties.values()].filter((def) => !def.hubspotDefined).length, limit));
  const overallUsage = byObjectType.reduce((sum, row) => sum + row.usage, 0);
  const overallLimit = limit * byObjectType.length;
  return { status: 200, body: { overallLimit, overallUsage, overallPercentage: share(overallUsage, overallLimit), byObjectType } };
}

const RECORD_LIMIT = { standard: 15000000, custom: 500000 };

function liveCount(type) {
  let n = 0;
  for (const record of type.records.values()) if (record.archivedAt === 0) n++;
  return n;
}

export function records(call) {
  const all = [...call.portal.types.byId.values()];
  const custom = all.filter((type) => type.schema !== null).map((type) => rowOf(type, liveCount(type)));
  return grouped(all.filter((type) => type.schema === null).map((type) => rowOf(type, liveCount(type), RECORD_LIMIT.standard)),
    custom, RECORD_LIMIT.custom);
}

export function pipelineLimits(call) {
  const rows = ['deals', 'tickets'].map((name) => {
    const type = call.portal.types.byPath.get(name);
    return rowOf(type, call.portal.livePipelines(type).length, 100);
  });
  return grouped(rows, [], 100);
}

function grouped(standard, custom, limit) {
  const usage = custom.reduce((sum, row) => sum + row.usage, 0);
  return {
    status: 200,
    body: {
      hubspotDefinedObjectTypes: standard,
      customObjectTypes: { overallLimit: limit, overallUsage: usage, overallPercentage: share(usage, limit), byObjectType: custom },
    },
  };
}

const OWNER_DATE = '2021-03-04T09:12:44.291Z';

function owner(row) {
  return {
    id: String(row.id), email: row.email, type: 'PERSON', firstName: row.firstName ?? '', lastName: row.lastName ?? '',
    userId: row.userId, userIdIncludingInactive: row.userId, createdAt: OWNER_DATE, updatedAt: OWNER_DATE,
    archived: row.archived ?? false,
  };
}

export function owners(call) {
  const { query } = call;
  const limit = Number(query.get('limit') ?? 100);
  if (!Number.isInteger(limit) || limit < 1 || limit > 500) throw validation('limit must be between 1 and 500');
  const archived = query.get('archived') === 'true';
  const email = query.get('email')?.toLowerCase();
  const found = call.portal.settings.owners.map(owner)
    .filter((o) => o.archived === archived && (email === undefined || o.email.toLowerCase() === email));
  const start = query.has('after') ? found.findIndex((o) => o.id === query.get('after')) : 0;
  if (start < 0) throw validation(`Invalid value for after: ${query.get('after')}`);
  const body = { results: found.slice(start, start + limit) };
  const next = found[start + limit];
  if (next !== undefined) body.paging = { next: { after: next.id } };
  return { status: 200, body };
}

export function ownerRead(call) {
  const by = call.query.get('idProperty') ?? 'id';
  if (by !== 'id' && by !== 'userId') throw validation(`Invalid idProperty: ${by}`);
  const found = call.portal.settings.owners.map(owner).find((o) => String(o[by]) === call.params.id);
  if (found === undefined) throw notFound();
  return { status: 200, body: found };
}

// A real uninstall by the app itself (section 2.4).
export function uninstall(call) {
  if (call.token.kind !== 'oauth')
    throw new ApiError(403, { message: 'Only an OAuth app can uninstall itself.', category: 'MISSING_SCOPES' });
  call.portal.tokens.uninstall();
  return { status: 204 };
}
