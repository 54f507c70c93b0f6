// Parameters of calls: what is not known is refused, what is known has a type.
//
// A kind is a function (value, name) that returns the value or throws.

import { invalid, StripeError } from './errors.mjs';

function scalar(value, name, what) {
  if (typeof value !== 'string') throw invalid(`Invalid ${what}: ${JSON.stringify(value)}`, name);
  return value;
}

function notEmpty(value, name) {
  if (value === '')
    throw invalid(`You passed an empty string for '${name}'. We assume empty values are an attempt to unset a parameter; however '${name}' cannot be unset. You should remove '${name}' from your request or supply a non-empty value.`, name, 'parameter_invalid_empty');
  return value;
}

export const string = (value, name) => notEmpty(scalar(value, name, 'string'), name);
export const unsettable = (value, name) => scalar(value, name, 'string');

export function integer(min = 0, max = Number.MAX_SAFE_INTEGER) {
  return (value, name) => {
    const text = string(value, name);
    if (!/^-?\d{1,15}$/.test(text)) throw invalid(`Invalid integer: ${text}`, name, 'parameter_invalid_integer');
    const number = Number(text);
    if (number < min) throw invalid(`This value must be greater than or equal to ${min}.`, name, 'parameter_invalid_integer');
    if (number > max) throw invalid(`This value must be less than or equal to ${max}.`, name, 'parameter_invalid_integer');
    return number;
  };
}

export function boolean(value, name) {
  const text = string(value, name);
  if (text !== 'true' && text !== 'false') throw invalid(`Invalid boolean: ${text}`, name);
  return text === 'true';
}

export function oneOf(...allowed) {
  return (value, name) => {
    const text = string(value, name);
    if (!allowed.includes(text)) {
      const last = allowed.length > 1 ? `${allowed.slice(0, -1).join(', ')} or ${allowed.at(-1)}` : allowed[0];
      throw invalid(`Invalid ${name}: must be one of ${last}`, name);
    }
    return text;
  };
}

export function list(kind, max = Infinity) {
  return (value, name) => {
    if (typeof value !== 'object' || !Object.keys(value).every((key) => /^\d+$/.test(key))) throw invalid('Invalid array', name);
    const given = Object.values(value);
    if (given.length > max) throw invalid(`Array ${name} exceeded maximum ${max} allowed elements.`, name);
    return given.map((one, n) => kind(one, `${name}[${n}]`));
  };
}

export function hash(members) {
  return (value, name) => {
    if (typeof value !== 'object') throw invalid('Invalid hash', name);
    return read(members, value, name);
  };
}

// created=1 or created[gte]=1&created[lt]=2, as the least and greatest time that fit.
const bounds = hash({ gt: integer(), gte: integer(), lt: integer(), lte: integer() });
export function range(value, name) {
  if (typeof value === 'string') {
    const at = integer()(value, name);
    return { min: at, max: at };
  }
  const { gt, gte, lt, lte } = bounds(value, name);
  return {
    min: Math.max(gte ?? -Infinity, gt === undefined ? -Infinity : gt + 1),
    max: Math.min(lte ?? Infinity, lt === undefined ? Infinity : lt - 1),
  };
}

const KEYS = 50;
const KEY_LENGTH = 40;
const VALUE_LENGTH = 500;

// metadata= clears all; an empty value takes its key away (section 4).
export function metadata(value, name) {
  if (value === '') return null;
  if (typeof value !== 'object') throw invalid('Invalid hash', name);
  for (const [key, text] of Object.entries(value)) {
    scalar(text, `${name}[${key}]`, 'string');
    if (key.length > KEY_LENGTH)
      throw invalid(`Metadata keys must be ${KEY_LENGTH} characters or less; you passed a key with ${key.length} characters.`, name);
    if (text.length > VALUE_LENGTH)
      throw invalid(`Metadata values must be ${VALUE_LENGTH} characters or less; you passed a value with ${text.length} characters for '${key}'.`, `${name}[${key}]`);
  }
  return value;
}

export function mergeMetadata(old, given) {
  if (given === null) return {};
  const merged = { ...old };
  for (const [key, text] of Object.entries(given))
    if (text === '') delete merged[key];
    else merged[key] = text;
  if (Object.keys(merged).length > KEYS)
    throw invalid(`You can only have ${KEYS} metadata keys; this would make ${Object.keys(merged).length}.`, 'metadata');
  return merged;
}

// What was given, read; inside is the name of the hash around it.
export function read(kinds, given, inside = '') {
  const named = (name) => (inside === '' ? name : `${inside}[${name}]`);
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(kinds, name)).map(named);
  if (unknown.length > 0)
    throw invalid(`Received unknown parameter${unknown.length > 1 ? 's' : ''}: ${unknown.join(', ')}`, unknown[0], 'parameter_unknown');
  const values = {};
  for (const [name, value] of Object.entries(given)) values[name] = kinds[name](value, named(name));
  return values;
}

export function require(values, ...names) {
  for (const name of names)
    if (values[name] === undefined)
      throw new StripeError(400, { message: `Missing required param: ${name}.`, param: name, code: 'parameter_missing' });
}

export const EXPAND = { expand: list(string) };
export const PAGE = { ...EXPAND, limit: integer(1, 100), starting_after: string, ending_before: string };
