// query and queryAll with pages (Salesforce: Query).

import { badRequest, methodNotAllowed } from './errors.mjs';
import { runSoql } from './soql-run.mjs';

const SMALLEST_PAGE = 200;
const LARGEST_PAGE = 2000;

function pageSize(call) {
  const hint = /batchSize\s*=\s*(\d+)/i.exec(call.headers['sforce-query-options'] ?? '')?.[1];
  const most = call.org.settings.values.query_page_size;
  if (hint === undefined) return most;
  return Math.min(most, LARGEST_PAGE, Math.max(SMALLEST_PAGE, Number(hint)));
}

export function queryResource(call, all, locator) {
  if (call.method !== 'GET') throw methodNotAllowed(call.method, ['GET', 'HEAD']);
  const resource = all ? 'queryAll' : 'query';
  if (locator !== undefined) {
    const { name, set, start } = call.org.locators.page(locator);
    return page(call, resource, name, set, start);
  }
  const soql = call.query.get('q');
  if (!soql) throw badRequest('MALFORMED_QUERY', 'A query string has to be specified');
  const result = runSoql({ org: call.org, soql, base: call.base, now: call.now, all });
  if (result.count !== undefined) return { status: 200, body: { totalSize: result.count, done: true, records: [] } };
  const size = pageSize(call);
  if (result.rows.length <= size) {
    call.records += result.rows.length;
    return { status: 200, body: { totalSize: result.rows.length, done: true, records: result.rows.map(result.render) } };
  }
  const name = call.org.locators.keep(result.rows, size, result.render);
  return page(call, resource, name, { rows: result.rows, pageSize: size, render: result.render }, 0);
}

function page(call, resource, name, set, start) {
  const end = start + set.pageSize;
  const records = set.rows.slice(start, end).map(set.render);
  call.records += records.length;
  const body = { totalSize: set.rows.length, done: end >= set.rows.length };
  if (!body.done) body.nextRecordsUrl = `${call.base}/${resource}/${name}-${end}`;
  body.records = records;
  return { status: 200, body };
}
