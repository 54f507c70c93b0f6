// JSON bodies. A parse failure must name line and column as the server does
// (Salesforce: One record, JSON_PARSER_ERROR), which JSON.parse does not tell
// reliably, so the place is looked for only after JSON.parse has failed.

import { badRequest } from './errors.mjs';

const TOKEN = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[{}[\]:,]/y;

export function placeOf(text, offset) {
  let line = 1;
  let start = 0;
  for (let i = text.indexOf('\n'); i >= 0 && i < offset; i = text.indexOf('\n', i + 1)) {
    line++;
    start = i + 1;
  }
  return `[line:${line}, column:${offset - start + 1}]`;
}

// Place of a field's first mention, for errors about its value.
export function placeOfField(text, name) {
  const at = text ? text.indexOf(`"${name}"`) : -1;
  return at < 0 ? '[line:1, column:1]' : placeOf(text, at);
}

function failureOffset(text) {
  const stack = [];
  let expect = 'value';
  let at = 0;
  for (;;) {
    while (at < text.length && ' \t\r\n'.includes(text[at])) at++;
    if (at >= text.length) return at;
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (!found) return at;
    const token = found[0];
    const top = stack[stack.length - 1];
    const closes = token === '}' || token === ']';
    if (closes) {
      const fits = (token === '}' ? '{' : '[') === top;
      if (!fits || !(expect === 'comma' || expect === 'first')) return at;
      stack.pop();
      expect = stack.length ? 'comma' : 'end';
    } else if (expect === 'comma') {
      if (token !== ',') return at;
      expect = top === '{' ? 'key' : 'value';
    } else if (expect === 'colon') {
      if (token !== ':') return at;
      expect = 'value';
    } else if (expect === 'key' || (expect === 'first' && top === '{')) {
      if (token[0] !== '"') return at;
      expect = 'colon';
    } else if (expect === 'end' || token === ',' || token === ':') {
      return at;
    } else if (token === '{' || token === '[') {
      stack.push(token);
      expect = 'first';
    } else {
      expect = stack.length ? 'comma' : 'end';
    }
    at = TOKEN.lastIndex;
  }
}

export function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    const at = failureOffset(text);
    const place = placeOf(text, at);
    const what = at >= text.length
      ? 'Unexpected end-of-input'
      : `Unexpected character ('${text[at]}' (code ${text.charCodeAt(at)}))`;
    throw badRequest('JSON_PARSER_ERROR', `${what} at ${place}`);
  }
}

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

// The body as an object holding only the keys given; the server's parser
// refuses others by name.
export function envelope(body, allowed, raw) {
  if (!isObject(body)) {
    throw badRequest('JSON_PARSER_ERROR', 'Cannot deserialize request body: an object is expected at [line:1, column:1]');
  }
  for (const key of Object.keys(body)) {
    if (!allowed.includes(key)) {
      throw badRequest('JSON_PARSER_ERROR', `Unrecognized field "${key}" at ${placeOfField(raw, key)}`);
    }
  }
  return body;
}

export function booleanOf(value, name, fallback, raw) {
  if (value === undefined) return fallback;
  if (typeof value === 'boolean') return value;
  throw badRequest('JSON_PARSER_ERROR',
    `Cannot deserialize instance of boolean from ${tokenOf(value)} value ${scalarText(value)} or request may be missing a required field at ${placeOfField(raw, name)}`);
}

export function tokenOf(value) {
  if (value === null) return 'VALUE_NULL';
  if (Array.isArray(value)) return 'START_ARRAY';
  switch (typeof value) {
    case 'string': return 'VALUE_STRING';
    case 'boolean': return value ? 'VALUE_TRUE' : 'VALUE_FALSE';
    case 'number': return Number.isInteger(value) ? 'VALUE_NUMBER_INT' : 'VALUE_NUMBER_FLOAT';
    default: return 'START_OBJECT';
  }
}

export function scalarText(value) {
  if (Array.isArray(value)) return '[';
  return value !== null && typeof value === 'object' ? '{' : String(value);
}

export { isObject };
