// Lists: filters, order, and the two ways of paging.  A parameter that is not
// known is ignored; one that is known must make sense.

import { seconds } from '../common/times.mjs';
import { refused } from './errors.mjs';
import { OPEN, shownCustomer, shownPayment, statuses, storedStatus } from './rows.mjs';

const CUSTOMER_STATUSES = ['active', 'recovered', 'churned'];
const MAX_PER_PAGE = 100;

class Question {
  constructor(system, call) {
    this.system = system;
    this.query = call.query;
    this.tests = [];
  }

  bad(param, message) {
    return refused(this.system, 'validation_error', message, param);
  }

  has(param) {
    return (this.query.get(param) ?? '') !== '';
  }

  whole(param, fallback, low, high) {
    if (!this.has(param)) return fallback;
    const text = this.query.get(param);
    const n = /^-?\d+$/.test(text) ? Number(text) : NaN;
    if (Number.isNaN(n)) throw this.bad(param, `${param} is not a whole number`);
    if (n < low) throw this.bad(param, `${param} is below ${low}`);
    if (n > high) throw this.bad(param, `${param} is above ${high}`);
    return n;
  }

  choice(param, values) {
    if (!this.has(param)) return undefined;
    const value = this.query.get(param);
    if (!values.includes(value)) throw this.bad(param, `${param} is not one of the allowed values`);
    return value;
  }

  time(param) {
    const ms = Date.parse(this.query.get(param));
    if (Number.isNaN(ms)) throw this.bad(param, `${param} is not an ISO 8601 time`);
    return ms;
  }

  equal(...params) {
    for (const param of params)
      if (this.has(param)) {
        const value = this.query.get(param);
        this.tests.push((row) => row[param] === value);
      }
    return this;
  }

  created() {
    for (const [param, sign] of [['created_after', 1], ['created_before', -1]])
      if (this.has(param)) {
        const bound = this.time(param);
        this.tests.push((row) => sign * (Date.parse(row.created_at) - bound) > 0);
      }
    return this;
  }

  test(keep) {
    this.tests.push(keep);
    return this;
  }

  // fields: sort name -> field; newest first unless asked.
  on(table, name, fields, candidates) {
    const sort = this.choice('sort', Object.keys(fields)) ?? 'created_at';
    const order = this.choice('order', ['asc', 'desc']) ?? 'desc';
    const natural = sort === 'created_at' && order === 'desc';
    if (this.tests.length === 0 && natural) return table;
    const paging = ['page', 'per_page', 'cursor'];
    const asked = [...this.query].filter(([key]) => !paging.includes(key)).sort();
    const compare = natural ? undefined : comparison(fields[sort], order === 'asc' ? 1 : -1);
    return table.select(JSON.stringify([name, asked]), (row) => this.tests.every((keep) => keep(row)), { candidates, compare });
  }
}

// Rows without a value come last; ties by id.
function comparison(field, sign) {
  return (a, b) => {
    const [x, y] = [a[field], b[field]];
    if (x === y) return a.id < b.id ? -sign : sign;
    if (x === null) return 1;
    if (y === null) return -1;
    return x < y ? -sign : sign;
  };
}

function meta(system) {
  return system.settings.edition === 2 ? { meta: { merchant_id: system.settings.merchant_id, timestamp: seconds(Date.now()) } } : {};
}

function answered(system, question, list, selection, show) {
  const { edition, cursor_lists: cursors } = system.settings;
  const perPage = question.whole('per_page', edition === 2 ? 25 : 20, 1, MAX_PER_PAGE);
  if (edition === 2 && cursors.includes(list)) return cursorPage(system, question, selection, perPage, show);
  const page = question.whole('page', 1, 1, Infinity);
  const rows = selection.slice((page - 1) * perPage, perPage);
  const pagination = { total: selection.count, page, per_page: perPage, total_pages: Math.ceil(selection.count / perPage) };
  return { status: 200, body: { data: rows.map((row) => show(system, row)), pagination, ...meta(system) } };
}

// The cursor names the last row that was shown: nothing shifts.
function cursorPage(system, question, selection, perPage, show) {
  const from = question.has('cursor') ? positionAfter(question, selection) : 0;
  const rows = selection.slice(from, perPage);
  const more = from + rows.length < selection.count;
  const next = more ? Buffer.from(JSON.stringify([from + rows.length - 1, rows.at(-1).id])).toString('base64url') : null;
  return { status: 200, body: { data: rows.map((row) => show(system, row)), ...meta(system), cursor: { next } } };
}

function positionAfter(question, selection) {
  let last;
  try {
    last = JSON.parse(Buffer.from(question.query.get('cursor'), 'base64url').toString('utf8'));
  } catch {
    throw question.bad('cursor', 'cursor is not valid');
  }
  const [position, id] = last;
  if (selection.slice(position, 1)[0]?.id === id) return position + 1;
  const found = selection.slice(0, selection.count).findIndex((row) => row.id === id);
  return found < 0 ? position : found + 1;
}

const PAYMENT_SORTS = { created_at: 'created_at', amount: 'amount', status: 'status' };
const CUSTOMER_SORTS = { created_at: 'created_at', name: 'name', email: 'email', total_recovered: 'total_recovered_amount' };

export function payments(system, call) {
  const question = new Question(system, call);
  const status = question.choice('status', statuses(system));
  if (status !== undefined) question.test((row) => row.status === storedStatus(system, status));
  question.equal('decline_category', 'psp', 'currency').created();
  const low = question.whole('amount_min', undefined, 0, Infinity);
  const high = question.whole('amount_max', undefined, 0, Infinity);
  if (low !== undefined) question.test((row) => row.amount >= low);
  if (high !== undefined) question.test((row) => row.amount <= high);
  const owner = call.params.id ?? (question.has('customer_id') ? call.query.get('customer_id') : undefined);
  if (owner !== undefined) question.test((row) => row.customer_id === owner);
  const candidates = owner === undefined ? undefined : system.maker?.paymentsOf(owner);
  const selection = question.on(system.tables.payments, `payments of ${owner}`, PAYMENT_SORTS, candidates);
  return answered(system, question, 'payments', selection, shownPayment);
}

export function customers(system, call) {
  const question = new Question(system, call);
  question.choice('status', CUSTOMER_STATUSES);
  question.equal('status', 'psp').created();
  if (question.has('query')) {
    const text = call.query.get('query').toLowerCase();
    question.test((row) => [row.email, row.name, row.id].some((value) => value !== null && value.toLowerCase().includes(text)));
  }
  const failed = question.choice('has_failed_payment', ['true', 'false']);
  if (failed !== undefined) question.test((row) => String(row.failed_payments > 0) === failed);
  return answered(system, question, 'customers', question.on(system.tables.customers, 'customers', CUSTOMER_SORTS), shownCustomer);
}

export function single(system, object) {
  return { status: 200, body: { data: object, ...meta(system) } };
}

export const isOpen = (row) => OPEN.includes(row.status);
