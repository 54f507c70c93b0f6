// Lists of both generations: what may be asked, filters, order and paging.

import { badRequest } from './errors.mjs';
import { listed, listedFirst } from './views.mjs';
import { isPositive, minus } from './decimal.mjs';
import * as rows from './rows.mjs';

const FIRST_LIMITS = [5, 10, 25, 50, 100];

// A comma list means any of.
const anyOf = (field) => (text) => {
  const values = text.split(',');
  return (row) => values.includes(String(row[field]));
};
const notBefore = (field) => (text) => (row) => row[field] !== null && Date.parse(row[field]) >= Date.parse(text);
const notAfter = (field) => (text) => (row) => row[field] !== null && Date.parse(row[field]) <= endOf(text);
const tagged = (field) => (text) => (row) => (row[field] ?? []).some((one) => text.split(',').includes(one));

// A bare day means the whole of it.
function endOf(text) {
  return /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) + 86399999 : Date.parse(text);
}

const ranges = (...names) => Object.fromEntries(names.flatMap((name) => [[`${name}_gte`, notBefore(name)], [`${name}_lte`, notAfter(name)]]));

// kind: the parameters of its list, each making a test from its text.
const FILTERS = {
  customers: {
    alias: (text) => (row) => row.aliases.some((one) => text.split(',').includes(one)),
    email: (text) => (row) => row.contacts.some((one) => text.split(',').includes(one.email)),
    csm_id: anyOf('csm_id'), integration_ids: tagged('$integration_ids'), tag_ids: tagged('$tag_ids'),
    has_active_subscriptions: (text, system) => (row) => String(isSubscribed(system, row.id)) === text,
  },
  subscriptions: { customer_id: anyOf('customer_id'), status: anyOf('status'), plan_id: anyOf('plan_id') },
  invoices: {
    customer_id: anyOf('customer_id'), status: anyOf('status'), autopay: anyOf('autopay'), external_reference: anyOf('external_reference'),
    ...ranges('due_date', 'invoicing_date', 'issue_date'),
  },
  payments: { customer_id: anyOf('customer_id'), invoice_id: anyOf('invoice_id') },
  refunds: { currency: anyOf('currency'), customer_id: anyOf('customer_id'), payment_id: anyOf('payment_id'), status: anyOf('status') },
  credit_notes: { customer_id: anyOf('customer_id'), invoice_id: anyOf('invoice_id'), status: anyOf('status') },
};

function isSubscribed(system, customerId) {
  const candidates = system.maker?.of('subscriptions', customerId);
  return system.tables.subscriptions.all((row) => row.customer_id === customerId && row.status === 'active', candidates).length > 0;
}

function whole(query, name, low, high) {
  const text = query.get(name);
  if (text === null || text === '') throw badRequest(`${name} is required`);
  if (!/^\d+$/.test(text) || Number(text) < low || Number(text) > high) throw badRequest(`${name} must be a number from ${low} to ${high}`);
  return Number(text);
}

function refuseUnknown(query, known) {
  for (const name of query.keys()) if (!known.includes(name)) throw badRequest(`unknown parameter: ${name}`);
}

// sort=field:asc|desc.  Answers a comparison, or undefined for the order of the table.
function order(system, kind, text, snakeName) {
  if (text === null) return system.settings.order === 'newest' ? undefined : comparison('created_at', 1);
  const [, name, direction] = /^([A-Za-z_]+):(asc|desc)$/.exec(text) ?? [];
  if (name === undefined) throw badRequest('sort must be field:asc or field:desc');
  const field = snakeName(name);
  if (!(field in SAMPLES[kind]) || field.startsWith('$')) throw badRequest(`cannot sort by ${name}`);
  return field === 'created_at' && direction === 'desc' ? undefined : comparison(field, direction === 'asc' ? 1 : -1);
}

const AMOUNTS = ['amount', 'total', 'subtotal', 'tax'];
const NOTHING = '0'; // before every date and every amount

// Fields that a list can be sorted by: those that its rows have.
const SAMPLES = {
  customers: rows.newCustomer({}, 0), subscriptions: rows.newSubscription({}, 0), invoices: rows.newInvoice({}, 0),
  payments: rows.newPayment({}, 0), refunds: rows.newRefund({}, 0), credit_notes: rows.newCreditNote({}, 0),
};

function comparison(field, sign) {
  const less = AMOUNTS.includes(field) ? (a, b) => isPositive(minus(b, a)) : (a, b) => a < b;
  return (a, b) => {
    const [x, y] = [a[field] ?? NOTHING, b[field] ?? NOTHING];
    if (x === y) return a.id < b.id ? -sign : sign;
    return less(x, y) ? -sign : sign;
  };
}

function selected(system, kind, tests, compare, name, candidates) {
  const table = system.tables[kind];
  if (tests.length === 0 && compare === undefined) return table;
  return table.select(`${system.settings.order} ${name}`, (row) => tests.every((keep) => keep(row)), { candidates, compare });
}

// The made rows that can pass: those of the customers that are asked for.
function candidatesOf(system, kind, customers) {
  if (customers === null || system.maker === null || kind === 'customers') return undefined;
  return customers.split(',').flatMap((id) => system.maker.of(kind, id));
}

// Generation 2: limit and offset, both required.
export function second(kind, { sortRequired = false } = {}) {
  return (system, { query }) => {
    refuseUnknown(query, ['limit', 'offset', 'sort', ...Object.keys(FILTERS[kind])]);
    const limit = whole(query, 'limit', 1, system.settings.max_limit);
    const offset = whole(query, 'offset', 0, Number.MAX_SAFE_INTEGER);
    if (sortRequired && query.get('sort') === null) throw badRequest('sort is required');
    const compare = order(system, kind, query.get('sort'), (name) => name);
    const asked = [...query].filter(([name]) => name in FILTERS[kind]);
    const tests = asked.map(([name, text]) => FILTERS[kind][name](text, system));
    const found = selected(system, kind, tests, compare, JSON.stringify([query.get('sort'), asked]), candidatesOf(system, kind, query.get('customer_id')));
    return {
      status: 200,
      body: {
        data: found.slice(offset, limit).map((row) => listed(kind, row)),
        pagination: { per_page: limit, total_pages: Math.ceil(found.count / limit) },
      },
    };
  };
}

function firstLimit(query, choices, fallback) {
  const text = query.get('limit');
  if (text === null) return fallback;
  if (!/^\d+$/.test(text) || Number(text) < 1) throw badRequest('limit must be a number');
  const n = Math.min(Number(text), 100);
  if (choices !== null && !choices.includes(n)) throw badRequest(`limit must be one of ${choices.join(', ')}`);
  return n;
}

// filters: a JSON array of { field, operator, value }.
function firstFilters(text, snakeName) {
  if (text === null) return [];
  let list;
  try {
    list = JSON.parse(text);
  } catch {
    throw badRequest('filters is not JSON');
  }
  if (!Array.isArray(list)) throw badRequest('filters must be an array');
  return list.map(({ field, operator, value }) => {
    if (typeof field !== 'string' || OPERATORS[operator] === undefined) throw badRequest('filters need field, operator and value');
    return (row) => OPERATORS[operator](row[snakeName(field)], value);
  });
}

const OPERATORS = {
  eq: (a, b) => a === b, neq: (a, b) => a !== b, in: (a, b) => [b].flat().includes(a), gte: (a, b) => a >= b, lte: (a, b) => a <= b,
};

const snakeOf = (name) => (name === 'accountId' ? 'customer_id' : name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));

// Generation 1: page and limit.  member: data or items; ofAccount: below /account/{id}.
export function first(kind, { member = 'items', choices = FIRST_LIMITS, fallback = 10, ofAccount = false } = {}) {
  return (system, { query, params }) => {
    refuseUnknown(query, ['page', 'limit', 'filters', 'sort']);
    const limit = firstLimit(query, choices, fallback);
    const page = query.get('page') === null ? 1 : whole(query, 'page', 1, Number.MAX_SAFE_INTEGER);
    const compare = order(system, kind, query.get('sort'), snakeOf);
    const tests = firstFilters(query.get('filters'), snakeOf);
    if (ofAccount) tests.push((row) => row.customer_id === params.id);
    const name = JSON.stringify(['first', query.get('sort'), query.get('filters'), params.id]);
    const found = selected(system, kind, tests, compare, name, ofAccount ? candidatesOf(system, kind, params.id) : undefined);
    const list = found.slice((page - 1) * limit, limit).map((row) => listedFirst(kind, row));
    const pageCount = Math.ceil(found.count / limit);
    return { status: 200, body: member === 'data' ? { pageCount, data: list } : { items: list, pageCount, limit } };
  };
}
