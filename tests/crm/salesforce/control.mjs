// The control interface below /_sim/: what an admin, a test or a bad day would
// do to the org. Not counted as API calls and not logged.

import { countAll, findByQuery, findRows, readState, typeOf } from './control-read.mjs';
import { SalesforceError, SetupError } from './errors.mjs';
import { parseId } from './ids.mjs';
import { deleteAll, merge, purge, undeleteAll } from './people.mjs';
import { insertRecord, updateRecord } from './writer.mjs';

const ok = (body) => ({ status: 200, body });

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

function expireTokens(org, { access = true, refresh = false }) {
  if (access) org.oauth.expireAll();
  if (refresh) for (const family of org.oauth.families) org.oauth.kill(family);
  return { ok: true };
}

const ROUTES = {
  'GET health': () => ({ ok: true }),
  'POST schema': (org, { body }) => ({ ok: true, added: org.applySchema(body.objects ?? []) }),
  'GET state': (org, { rest, query }) => readState(org, rest, query),
  'GET count': (org) => countAll(org),
  'GET find': (org, { rest, query }) => findByQuery(org, rest, query),
  'POST find': (org, { body }) => findRows(org, body),
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
  'GET metadata': (org) => org.metadata.describe(),
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
  'POST undelete': (org, { body }) => undeleteAll(org, body),
  'POST purge': (org, { body }) => purge(org, body),
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
