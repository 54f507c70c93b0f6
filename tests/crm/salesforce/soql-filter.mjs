// WHERE conditions: type checks as the server makes them, then a test function
// over rows.

import { badRequest } from './errors.mjs';
import { framed } from './soql-parse.mjs';
import { parseId } from './ids.mjs';
import { spanOf } from './soql-dates.mjs';

const TEXT = ['string', 'textarea', 'phone', 'url', 'email', 'picklist', 'multipicklist', 'combobox', 'id', 'reference'];
const NUMBERS = ['double', 'currency', 'percent', 'int'];
const MAX_FILTERED_TEXT = 255;

export function wantedLiteral(field) {
  if (TEXT.includes(field.type)) return 'string';
  return NUMBERS.includes(field.type) ? 'number' : field.type;
}

// The value a literal stands for when compared with this field. Dates become
// [from, to) spans so that all operators treat TODAY and a plain day alike.
function valueOf(context, field, literal) {
  if (literal.type === 'null') return null;
  const wanted = wantedLiteral(field);
  if (literal.type === 'span') {
    const span = spanOf(literal.value, literal.n, context.now);
    if (!span) throw badRequest('MALFORMED_QUERY', `unexpected token: ${literal.token.text}`);
    if (wanted === 'date' || wanted === 'datetime') return span;
  }
  if (literal.type !== wanted) {
    const quoted = literal.type === 'string' ? 'should not be enclosed in quotes' : 'should be enclosed in quotes';
    throw framed('INVALID_FIELD', context.soql, literal.at,
      `value of filter criterion for field '${field.name}' must be of type ${field.type}${literal.type === 'string' || wanted === 'string' ? ` and ${quoted}` : ''}`);
  }
  if (field.type === 'id' || field.type === 'reference') return idValue(context, field, literal);
  if (wanted === 'date' || wanted === 'datetime') return spanOfText(context, literal);
  return wanted === 'string' ? fold(field, literal.value) : literal.value;
}

function idValue(context, field, literal) {
  const id = parseId(literal.value);
  if (id || literal.value === '') return id;
  throw framed('INVALID_QUERY_FILTER_OPERATOR', context.soql, literal.at, `invalid ID field: ${literal.value}`);
}

function spanOfText(context, literal) {
  const from = Date.parse(literal.type === 'date' ? `${literal.value}T00:00:00Z` : literal.value.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));
  if (Number.isNaN(from)) throw framed('MALFORMED_QUERY', context.soql, literal.at, `Invalid date: ${literal.value}`);
  return [from, from + (literal.type === 'date' ? 24 * 3600 * 1000 : 1000)];
}

const fold = (field, text) => (field.caseSensitive || field.type === 'id' || field.type === 'reference' ? text : text.toLowerCase());

// A row's value in the form the comparisons use.
function comparable(field, value) {
  if (value === null || value === undefined) return null;
  if (field.type === 'date') return Date.parse(`${value}T00:00:00Z`);
  if (field.type === 'datetime') return Date.parse(value.replace('+0000', 'Z'));
  return typeof value === 'string' ? fold(field, value) : value;
}

function equals(have, want) {
  if (have === null || want === null) return have === want;
  return Array.isArray(want) ? have >= want[0] && have < want[1] : have === want;
}

function compare(operator, have, want) {
  if (operator === '=') return equals(have, want);
  if (operator === '!=') return !equals(have, want);
  if (have === null || want === null) return false;
  const [from, to] = Array.isArray(want) ? want : [want, want];
  switch (operator) {
    case '<': return have < from;
    case '>=': return have >= from;
    case '<=': return Array.isArray(want) ? have < to : have <= to;
    default: return Array.isArray(want) ? have >= to : have > to;
  }
}

function likePattern(text) {
  const escaped = text.replace(/\\([%_])|[\\^$.*+?()[\]{}|%_]/g, (whole, literal) => {
    if (literal) return literal;
    if (whole === '%') return '[\\s\\S]*';
    return whole === '_' ? '[\\s\\S]' : `\\${whole}`;
  });
  return new RegExp(`^${escaped}$`, 'i');
}

// `bind(path)` gives {field, read(row)}; `subquery(query)` a Set of values.
export function makeFilter(context, where, bind, subquery) {
  if (!where) return () => true;
  const make = (node) => {
    if (node.kind === 'and' || node.kind === 'or') {
      const tests = node.terms.map(make);
      return node.kind === 'and' ? (row) => tests.every((test) => test(row)) : (row) => tests.some((test) => test(row));
    }
    if (node.kind === 'not') {
      const test = make(node.term);
      return (row) => !test(row);
    }
    return makeTest(context, node, bind(node.field), subquery);
  };
  return make(where);
}

function makeTest(context, node, { field, read }, subquery) {
  if (field.type === 'textarea' && field.length > MAX_FILTERED_TEXT) {
    throw framed('INVALID_FIELD', context.soql, node.field.at, `field '${field.name}' can not be filtered in a query call`);
  }
  switch (node.kind) {
    case 'like': {
      if (wantedLiteral(field) !== 'string' || node.value.type !== 'string' || field.type === 'id' || field.type === 'reference') {
        throw framed('INVALID_QUERY_FILTER_OPERATOR', context.soql, node.field.at, 'invalid operator on id or non-text field');
      }
      const pattern = likePattern(node.value.value);
      return (row) => pattern.test(read(row) ?? '');
    }
    case 'in': {
      const has = membership(context, node, field, subquery);
      return (row) => has(comparable(field, read(row))) !== node.not;
    }
    case 'includes':
    case 'excludes': {
      if (field.type !== 'multipicklist') {
        throw framed('INVALID_QUERY_FILTER_OPERATOR', context.soql, node.field.at, `${node.kind} operator only valid on multipicklist field`);
      }
      const sets = node.values.map((literal) => valueOf(context, field, literal).split(';'));
      const includes = (row) => {
        const have = (read(row) ?? '').toLowerCase().split(';');
        return sets.some((wanted) => wanted.every((value) => have.includes(value)));
      };
      return node.kind === 'includes' ? includes : (row) => !includes(row);
    }
    default: {
      const want = valueOf(context, field, node.value);
      if (field.type === 'boolean' && !['=', '!='].includes(node.operator)) {
        throw framed('INVALID_QUERY_FILTER_OPERATOR', context.soql, node.field.at, `invalid operator on boolean field`);
      }
      return (row) => compare(node.operator, comparable(field, read(row)), want);
    }
  }
}

function membership(context, node, field, subquery) {
  if (node.query) {
    const ids = subquery(node.query);
    return (have) => ids.has(have);
  }
  const wanted = node.values.map((literal) => valueOf(context, field, literal));
  if (wanted.some(Array.isArray)) return (have) => wanted.some((want) => equals(have, want));
  const set = new Set(wanted);
  return (have) => set.has(have);
}

// Literals of a top-level `field = x` or `field IN (...)`, for an index.
export function indexableTerms(where) {
  if (!where) return [];
  const terms = where.kind === 'and' ? where.terms : [where];
  return terms
    .filter((term) => (term.kind === 'compare' && term.operator === '=') || (term.kind === 'in' && !term.not && term.values))
    .map((term) => ({ path: term.field, literals: term.values ?? [term.value] }))
    .filter((term) => term.path.path.length === 1 && term.literals.every((literal) => literal.type === 'string'));
}
