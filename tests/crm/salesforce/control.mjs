// The control interface below /_sim/: what an admin, a test or a bad day would
// do to the org. Not counted as API calls and not logged.

import { SalesforceError, SetupError } from './errors.mjs';
import { parseId, prefixOf } from './ids.mjs';
import { deleteRecord, insertRecord, updateRecord } from './writer.mjs';

const ok = (body) => ({ status: 200, body });

function recordsOf(org, type, withDeleted) {
  const table = org.store.table(type);
  const rows = [...table.rows.values()];
  return withDeleted ? [...rows, ...table.bin.values()] : rows;
}

function typeOf(org, name) {
  const type = org.schema.object(name, true);
  if (!type) throw new SetupError('NOT_FOUND', `no object ${name}`);
  return type;
}

function state(org, name, query) {
  const all = name ? [typeOf(org, name)] : [...org.schema.objects.values()];
  const deleted = query.get('deleted') === '1';
  const objects = {};
  for (const type of all) {
    const rows = recordsOf(org, type, deleted);
    objects[type.name] = query.get('count') === '1' ? rows.length : rows;
  }
  return { objects };
}

// Everything is inserted, or nothing.
function insertAll(org, body) {
  const ids = {};
  org.store.transaction(() => {
    for (const [name, records] of Object.entries(body)) {
      const type = typeOf(org, name);
      ids[type.name] = records.map((record) => insertRecord(org.adminCall(), type, record));
    }
  });
  return { ids };
}

function updateAll(org, body) {
  let updated = 0;
  org.store.transaction(() => {
    for (const [name, records] of Object.entries(body)) {
      const type = typeOf(org, name);
      for (const { Id, ...changes } of records) {
        updateRecord(org.adminCall(), type, parseId(Id), changes);
        updated++;
      }
    }
  });
  return { updated };
}

function deleteAll(org, { ids }) {
  org.store.transaction(() => {
    for (const text of ids) {
      const id = parseId(text);
      const type = id && org.schema.byPrefix.get(prefixOf(id));
      if (!type) throw new SetupError('MALFORMED_ID', `no record ${text}`);
      deleteRecord(org.adminCall(), type, id);
    }
  });
  return { deleted: ids.length };
}

// Merge as an admin does it: children move to the winner, the loser is deleted
// and names the winner in MasterRecordId (Salesforce: Standard objects, merges).
function merge(org, { object, winner, losers }) {
  const type = typeOf(org, object);
  const winnerId = parseId(winner);
  org.store.transaction(() => {
    if (!org.store.table(type).rows.has(winnerId)) throw new SetupError('NOT_FOUND', `no record ${winner}`);
    for (const loser of losers.map(parseId)) {
      for (const { child, field } of org.schema.children.get(type.name)) {
        const childType = org.schema.object(child, true);
        for (const row of org.store.table(childType).rows.values()) {
          if (row[field] === loser) org.store.update(childType, row, { [field]: winnerId });
        }
      }
      deleteRecord(org.adminCall(), type, loser, { MasterRecordId: winnerId });
    }
  });
  return { merged: losers.length };
}

function expireTokens(org, { access = true, refresh = false }) {
  if (access) org.oauth.expireAll();
  if (refresh) for (const family of org.oauth.families) org.oauth.kill(family);
  return { ok: true };
}

const ROUTES = {
  'GET health': () => ({ ok: true }),
  'POST schema': (org, { body }) => ({ ok: true, added: org.applySchema(body.objects ?? []) }),
  'GET state': (org, { rest, query }) => {
    const answer = state(org, rest, query);
    return rest ? Object.values(answer.objects)[0] : answer;
  },
  'GET calls': (org, { query }) => (query.get('count') === '1'
    ? { ...org.calls.counts(), daily_used: org.settings.values.daily_used } : org.calls.entries),
  'DELETE calls': (org) => {
    org.calls.clear();
    return { ok: true };
  },
  'GET faults': (org) => ({ faults: org.faults.describe() }),
  'POST faults': (org, { body }) => {
    org.faults.add(body.faults);
    return { ok: true, faults: org.faults.describe() };
  },
  'DELETE faults': (org) => {
    org.faults.clear();
    return { ok: true };
  },
  'GET settings': (org) => org.settings.values,
  'POST settings': (org, { body }) => {
    org.changeSettings(body);
    return org.settings.values;
  },
  'POST records': (org, { body }) => insertAll(org, body),
  'PATCH records': (org, { body }) => updateAll(org, body),
  'DELETE records': (org, { body }) => deleteAll(org, body),
  'GET events': (org, { rest }) => ({ events: org.events.of(rest) }),
  'DELETE events': (org) => {
    org.events.clear();
    return { ok: true };
  },
  'GET ingest': (org) => ({ jobs: [...org.ingest.jobs.values()].map((job) => job.view()) }),
  'POST ingest': (org, { body }) => {
    org.ingest.failNext(body);
    return { ok: true };
  },
  'POST merge': (org, { body }) => merge(org, body),
  'POST expire': (org, { body }) => expireTokens(org, body),
  'POST reset': (org, { body }) => {
    org.reset(body);
    return { ok: true };
  },
};

export function answerControl(org, req, text) {
  const url = new URL(req.url, 'http://sim.example.com');
  const [, , name, rest = ''] = url.pathname.split('/');
  const handler = ROUTES[`${req.method} ${name}`];
  if (!handler) return { status: 404, body: { error: `no control ${req.method} ${url.pathname}` } };
  try {
    const body = text.trim() ? JSON.parse(text) : {};
    return ok(handler(org, { body, rest: decodeURIComponent(rest), query: url.searchParams }));
  } catch (error) {
    // A test's own mistake: told in plain words, never swallowed.
    const code = error instanceof SetupError || error instanceof SalesforceError ? error.code : 'INVALID_REQUEST';
    return { status: 400, body: { error: error.message, code } };
  }
}
