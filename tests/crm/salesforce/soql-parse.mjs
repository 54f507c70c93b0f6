// SOQL text to a syntax tree. Covers SELECT of fields, parent paths, COUNT() and
// child sub-queries; WHERE; ORDER BY; LIMIT; OFFSET (Salesforce: Query).

import { badRequest } from './errors.mjs';

const TOKEN = /\s+|(?<datetime>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d))|(?<date>\d{4}-\d\d-\d\d)|(?<number>[+-]?\d+(?:\.\d+)?)|(?<word>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)|(?<string>'(?:[^'\\]|\\.)*')|(?<mark><=|>=|!=|<>|[=<>(),:])/ys;
const ESCAPES = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };
const COMPARISONS = ['=', '!=', '<>', '<', '<=', '>', '>='];
const MAX_TEXT = 100000;
const MAX_OFFSET = 2000;

// The frame that every error about a place in the text is told in.
export function framed(code, soql, at, message) {
  const before = soql.slice(0, at);
  const row = before.split('\n').length;
  const column = at - (before.lastIndexOf('\n') + 1) + 1;
  return badRequest(code, `\n${soql}\n${' '.repeat(Math.max(column - 1, 0))}^\nERROR at Row:${row}:Column:${column}\n${message}`);
}

function tokenize(soql) {
  const tokens = [];
  let at = 0;
  while (at < soql.length) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(soql);
    if (!found) {
      const kind = soql[at] === "'" ? 'string literal is not closed' : `unexpected token: '${soql[at]}'`;
      throw framed('MALFORMED_QUERY', soql, at, kind);
    }
    for (const kind of ['datetime', 'date', 'number', 'word', 'string', 'mark']) {
      if (found.groups[kind] !== undefined) tokens.push({ kind, text: found[0], at });
    }
    at = TOKEN.lastIndex;
  }
  tokens.push({ kind: 'end', text: '<EOF>', at: soql.length });
  return tokens;
}

function unescape(text, soql, at) {
  return text.slice(1, -1).replace(/\\(u[0-9a-fA-F]{4}|.)/gs, (whole, escape) => {
    if (escape.length === 5) return String.fromCharCode(parseInt(escape.slice(1), 16));
    if (escape in ESCAPES) return ESCAPES[escape];
    if (`\\'"%_`.includes(escape)) return escape === '%' || escape === '_' ? whole : escape;
    throw framed('MALFORMED_QUERY', soql, at, `Invalid string literal '${text.slice(1, -1)}'. Illegal character sequence '${whole}' in string literal`);
  });
}

class Parser {
  constructor(soql) {
    this.soql = soql;
    this.tokens = tokenize(soql);
    this.next = 0;
  }

  get token() {
    return this.tokens[this.next];
  }

  unexpected(token = this.token) {
    return badRequest('MALFORMED_QUERY', token.kind === 'end'
      ? 'unexpected token: <EOF>' : `unexpected token: ${token.text.replace(/^'|'$/g, '')}`);
  }

  isWord(word) {
    return this.token.kind === 'word' && this.token.text.toUpperCase() === word;
  }

  takeWord(word) {
    if (!this.isWord(word)) return false;
    this.next++;
    return true;
  }

  needWord(word) {
    if (!this.takeWord(word)) throw this.unexpected();
  }

  takeMark(mark) {
    if (this.token.kind !== 'mark' || this.token.text !== mark) return false;
    this.next++;
    return true;
  }

  needMark(mark) {
    if (!this.takeMark(mark)) throw this.unexpected();
  }

  path() {
    const { token } = this;
    if (token.kind !== 'word') throw this.unexpected();
    this.next++;
    return { path: token.text.split('.'), at: token.at };
  }

  query() {
    const startsAt = this.token.at;
    this.needWord('SELECT');
    const select = [this.column()];
    while (this.takeMark(',')) select.push(this.column());
    this.needWord('FROM');
    const from = this.path();
    const where = this.takeWord('WHERE') ? this.condition() : null;
    const orderBy = this.orderBy();
    const limit = this.takeWord('LIMIT') ? this.count() : null;
    const offset = this.takeWord('OFFSET') ? this.count() : 0;
    if (offset > MAX_OFFSET) throw badRequest('NUMBER_OUTSIDE_VALID_RANGE', `Maximum SOQL offset allowed is ${MAX_OFFSET}`);
    return { select, from, where, orderBy, limit, offset, startsAt };
  }

  column() {
    if (this.takeMark('(')) {
      const query = this.query();
      this.needMark(')');
      return { query, at: query.startsAt };
    }
    if (this.isWord('COUNT') && this.tokens[this.next + 1].text === '(' && this.tokens[this.next + 2].text === ')') {
      this.next += 3;
      return { count: true };
    }
    return this.path();
  }

  count() {
    const { token } = this;
    if (token.kind !== 'number' || !/^\d+$/.test(token.text)) throw this.unexpected();
    this.next++;
    return Number(token.text);
  }

  orderBy() {
    if (!this.takeWord('ORDER')) return [];
    this.needWord('BY');
    const keys = [];
    do {
      const key = this.path();
      key.descending = this.takeWord('DESC') || (this.takeWord('ASC') && false);
      key.nullsFirst = !key.descending;
      if (this.takeWord('NULLS')) {
        key.nullsFirst = this.takeWord('FIRST');
        if (!key.nullsFirst) this.needWord('LAST');
      }
      keys.push(key);
    } while (this.takeMark(','));
    return keys;
  }

  // AND and OR may not be mixed without parentheses.
  condition() {
    const first = this.term();
    for (const word of ['AND', 'OR']) {
      if (!this.isWord(word)) continue;
      const terms = [first];
      while (this.takeWord(word)) terms.push(this.term());
      if (this.isWord('AND') || this.isWord('OR')) throw this.unexpected();
      return { kind: word.toLowerCase(), terms };
    }
    return first;
  }

  term() {
    if (this.takeWord('NOT')) return { kind: 'not', term: this.term() };
    if (this.takeMark('(')) {
      const inner = this.condition();
      this.needMark(')');
      return inner;
    }
    const field = this.path();
    if (this.takeWord('LIKE')) return { kind: 'like', field, value: this.literal() };
    const not = this.takeWord('NOT');
    if (this.takeWord('IN')) return { kind: 'in', not, field, ...this.list() };
    if (this.takeWord('INCLUDES')) return { kind: 'includes', field, ...this.list() };
    if (this.takeWord('EXCLUDES')) return { kind: 'excludes', field, ...this.list() };
    const operator = this.token.text;
    if (not || this.token.kind !== 'mark' || !COMPARISONS.includes(operator)) throw this.unexpected();
    this.next++;
    return { kind: 'compare', operator: operator === '<>' ? '!=' : operator, field, value: this.literal() };
  }

  list() {
    this.needMark('(');
    if (this.isWord('SELECT')) {
      const query = this.query();
      this.needMark(')');
      return { query };
    }
    const values = [this.literal()];
    while (this.takeMark(',')) values.push(this.literal());
    this.needMark(')');
    return { values };
  }

  literal() {
    const { token } = this;
    this.next++;
    switch (token.kind) {
      case 'string': return { type: 'string', value: unescape(token.text, this.soql, token.at), at: token.at };
      case 'number': return { type: 'number', value: Number(token.text), at: token.at };
      case 'date': return { type: 'date', value: token.text, at: token.at };
      case 'datetime': return { type: 'datetime', value: token.text, at: token.at };
      case 'word': return this.named(token);
      default: throw this.unexpected(token);
    }
  }

  named(token) {
    const word = token.text.toUpperCase();
    if (word === 'NULL') return { type: 'null', value: null, at: token.at };
    if (word === 'TRUE' || word === 'FALSE') return { type: 'boolean', value: word === 'TRUE', at: token.at };
    const n = this.takeMark(':') ? this.count() : null;
    return { type: 'span', value: word, n, at: token.at, token };
  }
}

export function parseSoql(soql) {
  if (soql.length > MAX_TEXT) throw badRequest('QUERY_TOO_COMPLICATED', 'SOQL statements cannot be longer than 100000 characters.');
  const parser = new Parser(soql);
  const query = parser.query();
  if (parser.token.kind !== 'end') throw parser.unexpected();
  return query;
}
