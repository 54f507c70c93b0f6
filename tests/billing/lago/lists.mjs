// The lists and their filters.  A parameter that is not known is ignored, as
// is a scalar where an array is expected.

import { shownActivity } from './activity.mjs';
import { forbidden } from './errors.mjs';
import { pageOf } from './pages.mjs';
import * as views from './views.mjs';

const STATUSES = ['pending', 'active', 'terminated', 'canceled', 'incomplete'];

const array = (query, name) => query.getAll(`${name}[]`);
const given = (query, name) => (query.get(name) ?? '') !== '';

// Builds a filter: tests that all must pass, and a name that tells it apart.
class Filter {
  constructor(query) {
    this.query = query;
    this.tests = [];
  }

  equal(parameter, field = parameter) {
    const wantedText = this.query.get(parameter);
    if (given(this.query, parameter)) this.tests.push((row) => String(row[field]) === wantedText);
    return this;
  }

  oneOf(parameter, field) {
    const list = array(this.query, parameter);
    if (list.length > 0) this.tests.push((row) => list.includes(row[field]));
    return this;
  }

  from(parameter, field) {
    const bound = this.query.get(parameter);
    if (given(this.query, parameter)) this.tests.push((row) => row[field] >= typed(bound, row[field]));
    return this;
  }

  to(parameter, field) {
    const bound = this.query.get(parameter);
    if (given(this.query, parameter)) this.tests.push((row) => row[field] <= typed(bound, row[field]));
    return this;
  }

  test(keep) {
    this.tests.push(keep);
    return this;
  }

  metadata() {
    for (const [name, value] of this.query)
      if (/^metadata\[.+\]$/.test(name))
        this.tests.push((row) => row.metadata.some((entry) => entry.key === name.slice(9, -1) && entry.value === value));
    return this;
  }

  on(table, name, candidates = undefined) {
    if (this.tests.length === 0) return table;
    const query = [...this.query].filter(([key]) => key !== 'page' && key !== 'per_page').sort();
    return table.select(JSON.stringify([name, query]), (row) => this.tests.every((keep) => keep(row)), { candidates });
  }
}

function typed(bound, like) {
  return typeof like === 'number' ? Number(bound) : bound;
}

// The external id of the customer that a list is about, from path or query.
function owner(call) {
  return call.params.external_id ?? (given(call.query, 'external_customer_id') ? call.query.get('external_customer_id') : undefined);
}

function ownedBy(filter, externalId) {
  if (externalId !== undefined) filter.test((row) => row.external_customer_id === externalId);
  return filter;
}

const ofOwner = (system, kind, externalId) => (externalId === undefined ? undefined : system.candidates(kind, externalId));

export function customers(system, { query }) {
  const externalId = system.settings.customer_external_id_filter && given(query, 'external_id') ? query.get('external_id') : undefined;
  if (externalId !== undefined) {
    const row = system.customerByExternalId(externalId);
    return pageOf('customers', listed(row === undefined ? [] : [row]), query, (one) => one);
  }
  const filter = new Filter(query).equal('customer_type').oneOf('account_type', 'account_type').oneOf('currencies', 'currency')
    .oneOf('countries', 'country').oneOf('billing_entity_codes', 'billing_entity_code').metadata();
  if (given(query, 'has_customer_type')) filter.test((row) => String(row.customer_type !== null) === query.get('has_customer_type'));
  if (given(query, 'search_term')) filter.test((row) => searched(row, query.get('search_term').toLowerCase()));
  return pageOf('customers', filter.on(system.tables.customers, 'customers'), query, (one) => one);
}

function searched(row, term) {
  return [row.name, row.firstname, row.lastname, row.legal_name, row.external_id, row.email]
    .some((text) => text !== null && text.toLowerCase().includes(term));
}

function listed(rows) {
  return { count: rows.length, slice: (position, n) => rows.slice(position, position + n) };
}

// Only active ones unless asked; one value that is no status makes the whole filter vanish.
function statusesOf(query) {
  const asked = array(query, 'status');
  if (asked.length === 0) return ['active'];
  return asked.every((status) => STATUSES.includes(status)) ? asked : STATUSES;
}

export function subscriptions(system, call) {
  const { query } = call;
  const externalId = owner(call);
  const statuses = statusesOf(query);
  const filter = ownedBy(new Filter(query).equal('external_id').equal('plan_code').equal('currency', 'plan_amount_currency'), externalId);
  if (given(query, 'overridden')) filter.test((row) => String(system.planFor(row).parent_id !== null) === query.get('overridden'));
  if (!STATUSES.every((status) => statuses.includes(status))) filter.test((row) => statuses.includes(row.status));
  const selection = filter.on(system.tables.subscriptions, `subscriptions of ${externalId}`, candidatesOf(system, query, externalId));
  return pageOf('subscriptions', selection, query, views.subscriptionBase);
}

function candidatesOf(system, query, externalId) {
  if (externalId !== undefined || !given(query, 'external_id')) return ofOwner(system, 'subscriptions', externalId);
  return system.maker === null ? undefined : system.maker.subscriptionsNamed(query.get('external_id'));
}

export function invoices(system, call) {
  const { query } = call;
  const externalId = owner(call);
  const filter = new Filter(query).from('issuing_date_from', 'issuing_date').to('issuing_date_to', 'issuing_date')
    .oneOf('statuses', 'status').oneOf('payment_statuses', 'payment_status')
    .equal('payment_overdue').equal('invoice_type').equal('currency').equal('self_billed').metadata()
    .from('amount_from', 'total_amount_cents').to('amount_to', 'total_amount_cents');
  if (query.get('partially_paid') === 'true')
    filter.test((row) => row.total_paid_amount_cents > 0 && row.total_paid_amount_cents < row.total_amount_cents);
  if (externalId !== undefined) filter.test((row) => system.customerOf(row.$customer)?.external_id === externalId);
  if (system.tables.invoices.given.size > 0) filter.test(views.isVisible);
  const selection = filter.on(system.tables.invoices, `invoices of ${externalId}`, ofOwner(system, 'invoices', externalId));
  return pageOf('invoices', selection, query, (row) => views.invoiceInList(system, row), (at) => countOf(system, call, selection, at));
}

// The total is cached, and counted again on what seems to be the last page.
function countOf(system, call, selection, { page, perPage }) {
  const query = [...call.query].filter(([name]) => name !== 'page').sort();
  const name = JSON.stringify([call.path, query]);
  const cached = system.counted.get(name);
  const fresh = cached !== undefined && Date.now() < cached.until && page < Math.ceil(cached.count / perPage);
  if (fresh) return cached.count;
  system.counted.set(name, { count: selection.count, until: Date.now() + system.settings.count_cache_ms });
  return selection.count;
}

export function creditNotes(system, call) {
  const { query } = call;
  const externalId = owner(call);
  const filter = new Filter(query).from('issuing_date_from', 'issuing_date').to('issuing_date_to', 'issuing_date')
    .equal('credit_status').equal('refund_status').equal('reason').equal('invoice_number');
  const types = array(query, 'types');
  if (types.length > 0) filter.test((row) => types.some((type) => row[`${type}_amount_cents`] > 0));
  if (externalId !== undefined) filter.test((row) => system.customerOf(row.$customer)?.external_id === externalId);
  const selection = filter.on(system.tables.credit_notes, `credit notes of ${externalId}`, ofOwner(system, 'credit_notes', externalId));
  return pageOf('credit_notes', selection, query, (row) => views.creditNoteShown(system, row));
}

export function payments(system, call) {
  const { query } = call;
  const externalId = owner(call);
  const filter = ownedBy(new Filter(query), externalId);
  if (given(query, 'invoice_id')) filter.test((row) => row.invoice_ids.includes(query.get('invoice_id')));
  const selection = filter.on(system.tables.payments, `payments of ${externalId}`, ofOwner(system, 'payments', externalId));
  return pageOf('payments', selection, query, paymentBase);
}

export function paymentBase({ payment_method: method, ...base }) {
  return base;
}

export function activityLogs(system, { query }) {
  if (system.settings.activity_log !== 'available') throw forbidden('feature_unavailable');
  const now = system.now();
  const types = array(query, 'resource_types');
  const inside = (row) => row.$seen_from === undefined || row.$seen_from <= now;
  const from = given(query, 'from_date') ? Date.parse(query.get('from_date')) : -Infinity;
  const to = given(query, 'to_date') ? lastMoment(query.get('to_date')) : Infinity;
  const rows = system.tables.activity_logs.all((row) => inside(row) && (types.length === 0 || types.includes(row.resource_type))
    && Date.parse(row.logged_at) >= from && Date.parse(row.logged_at) <= to);
  return pageOf('activity_logs', listed(rows), query, shownActivity);
}

// Bounds are inclusive: a bare date means the whole day.
function lastMoment(text) {
  return /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) + 86399999 : Date.parse(text);
}

// Lists without filters.
export function plain(name, show = (system, row) => row) {
  return (system, { query }) => pageOf(name, system.tables[name], query, (row) => show(system, row));
}

