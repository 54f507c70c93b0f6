// Field values: from the JSON a client sends to what the server stores, or the
// error for it (Salesforce: Data formats; One record, Recorded errors).

import { badRequest } from './errors.mjs';
import { placeOfField, scalarText, tokenOf } from './json.mjs';

const EMAIL = /^[^\s@"(),:;<>[\\\]]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+$/;
const NUMBER = /^-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d{1,6})?(?:Z|([+-])(\d\d):?(\d\d))$/;
const MULTI_PICKLIST_VALUES = 100;

function cannotDeserialize(field, value, raw) {
  return badRequest('JSON_PARSER_ERROR',
    `Cannot deserialize instance of ${field.type === 'picklist' || field.type === 'combobox' ? 'string' : field.type} from ${tokenOf(value)} value ${scalarText(value)} or request may be missing a required field at ${placeOfField(raw, field.name)}`);
}

function validDay(year, month, day) {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

function checkYear(field, year) {
  if (year < 1700 || year > 4000) {
    throw badRequest('DATE_OUT_OF_RANGE', `${field.label}: date out of range`, [field.name]);
  }
}

function toDate(field, value, raw) {
  const parts = typeof value === 'string' ? DATE.exec(value) : null;
  if (!parts || !validDay(+parts[1], +parts[2], +parts[3])) throw cannotDeserialize(field, value, raw);
  checkYear(field, +parts[1]);
  return value;
}

export function serverTime(ms) {
  return `${new Date(ms).toISOString().slice(0, 19)}.000+0000`;
}

function toDateTime(field, value, raw) {
  const p = typeof value === 'string' ? DATE_TIME.exec(value) : null;
  if (!p || !validDay(+p[1], +p[2], +p[3]) || +p[4] > 23 || +p[5] > 59 || +p[6] > 59 || +(p[8] ?? 0) > 14 || +(p[9] ?? 0) > 59) {
    throw cannotDeserialize(field, value, raw);
  }
  checkYear(field, +p[1]);
  const offset = p[7] ? (p[7] === '-' ? -1 : 1) * (+p[8] * 60 + +p[9]) : 0;
  return serverTime(Date.UTC(+p[1], +p[2] - 1, +p[3], +p[4], +p[5], +p[6]) - offset * 60000);
}

// Half away from zero, done on the decimal text: binary multiplication would
// turn 1.005 into 1.00.
export function roundTo(number, scale) {
  const [digits, exponent] = String(Math.abs(number)).split('e');
  const shifted = Math.round(Number(`${digits}e${Number(exponent ?? 0) + scale}`));
  const [d2, e2] = String(shifted).split('e');
  const rounded = Number(`${d2}e${Number(e2 ?? 0) - scale}`);
  return number < 0 && rounded !== 0 ? -rounded : rounded;
}

function toNumber(field, value, raw) {
  let number = value;
  // A numeric string is accepted for many types (Salesforce: Data formats).
  if (typeof value === 'string' && NUMBER.test(value)) number = Number(value);
  if (typeof number !== 'number' || !Number.isFinite(number)) throw cannotDeserialize(field, value, raw);
  if (field.type === 'int') {
    if (!Number.isInteger(number)) throw cannotDeserialize(field, value, raw);
    if (Math.abs(number) >= 10 ** field.digits) throw outOfRange(field, number);
    return number;
  }
  number = roundTo(number, field.scale);
  if (Math.abs(number) >= 10 ** (field.precision - field.scale)) throw outOfRange(field, number);
  return number;
}

function outOfRange(field, number) {
  return badRequest('NUMBER_OUTSIDE_VALID_RANGE',
    `${field.label}: value outside of valid range on numeric field: ${number}`, [field.name]);
}

function tooLong(field, value) {
  return badRequest('STRING_TOO_LONG',
    `${field.label}: data value too large: ${value} (max length=${field.length})`, [field.name]);
}

function badPicklist(field, value) {
  return badRequest('INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
    `${field.label}: bad value for restricted picklist field: ${value}`, [field.name]);
}

// Leading and trailing blanks are cut; what is left empty is null. Length is
// counted in UTF-16 units.
function toText(field, value, raw) {
  if (typeof value !== 'string') throw cannotDeserialize(field, value, raw);
  const text = value.trim();
  if (text === '') return null;
  if (field.type === 'email' && field.length >= text.length && !EMAIL.test(text)) {
    throw badRequest('INVALID_EMAIL_ADDRESS', `${field.label}: invalid email address: ${text}`, [field.name]);
  }
  if (field.type === 'multipicklist') return toMulti(field, text);
  if (field.restricted && field.values && !field.values.includes(text)) throw badPicklist(field, text);
  if (text.length > field.length) throw tooLong(field, text);
  return field.lowerCased ? text.toLowerCase() : text;
}

function toMulti(field, text) {
  const parts = text.split(';').map((part) => part.trim()).filter(Boolean);
  if (parts.length > MULTI_PICKLIST_VALUES) throw tooLong(field, text);
  for (const part of parts) {
    if (field.restricted && !field.values.includes(part)) throw badPicklist(field, part);
  }
  return parts.join(';');
}

// References are checked against the records by the writer; here only their
// JSON form.
function toReference(field, value, raw) {
  if (typeof value !== 'string') throw cannotDeserialize(field, value, raw);
  return value.trim() === '' ? null : value.trim();
}

const CONVERT = {
  string: toText, textarea: toText, url: toText, phone: toText, email: toText, picklist: toText, multipicklist: toText,
  combobox: toText, double: toNumber, currency: toNumber, percent: toNumber, int: toNumber, date: toDate,
  datetime: toDateTime, reference: toReference, id: toReference,
};

export function toStored(field, value, raw) {
  if (field.type === 'boolean') {
    if (typeof value !== 'boolean') throw cannotDeserialize(field, value, raw);
    return value;
  }
  if (value === null) return null;
  return CONVERT[field.type](field, value, raw);
}

// The key under which a value is found: text keys differ by letter case only
// where the field is unique and case sensitive.
export function indexKey(field, value) {
  if (typeof value !== 'string') return String(value);
  return field.caseSensitive || field.type === 'id' || field.type === 'reference' ? value : value.toLowerCase();
}
