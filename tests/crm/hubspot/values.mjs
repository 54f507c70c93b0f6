// One property value: does the portal take it, and how is it stored (section 7).

const DAY_MS = 86400000;
const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const DATETIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?Z$/;
const EMAIL = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+$/;

// Everything is a string on the wire; JSON numbers and booleans become one.
// Returns {value} with value null for "" (stored as null), or {message, code}.
export function normalise(portal, def, given, previous) {
  const text = typeof given === 'string' ? given : String(given);
  if (text === '') return { value: null };
  switch (def.type) {
  case 'number': return number(text);
  case 'bool': return option(text, ['true', 'false']);
  case 'enumeration': return enumeration(portal, def, text, previous);
  case 'date': return date(text);
  case 'datetime': return datetime(text);
  default: return string(text);
  }
}

function string(text) {
  // The code for an overlong text is in no source; the length is (section 7).
  if (text.length > 65536)
    return { message: `Property value is too long: ${text.length} characters, the maximum is 65536.`, code: 'INVALID_LENGTH' };
  return { value: text };
}

function number(text) {
  if (!/^-?(\d+(\.\d*)?|\.\d+)$/.test(text))
    return { message: `${text} was not a valid number.`, code: 'INVALID_INTEGER' };
  return { value: text };
}

function option(text, allowed) {
  if (!allowed.includes(text))
    return { message: `${text} was not one of the allowed options: [${allowed.join(', ')}]`, code: 'INVALID_OPTION' };
  return { value: text };
}

function enumeration(portal, def, text, previous) {
  const allowed = portal.optionsOf(def);
  if (def.fieldType !== 'checkbox') return option(text, allowed);
  // Several values are joined by ";"; a leading ";" appends to what is set.
  const append = text.startsWith(';');
  const values = text.split(';').filter((v) => v !== '');
  for (const one of values) {
    const answer = option(one, allowed);
    if (answer.code) return answer;
  }
  const set = new Set(append && previous ? previous.split(';') : []);
  for (const one of values) set.add(one);
  return { value: [...set].join(';') || null };
}

// Epoch milliseconds, or NaN. Date.UTC rolls 31 February over: compared back.
function calendar(y, m, d) {
  const ms = Date.UTC(y, m - 1, d);
  const back = new Date(ms);
  return back.getUTCMonth() === m - 1 && back.getUTCDate() === d ? ms : NaN;
}

function date(text) {
  const parts = DATE.exec(text);
  if (parts !== null) {
    if (Number.isNaN(calendar(+parts[1], +parts[2], +parts[3])))
      return { message: `${text} was not a valid date.`, code: 'INVALID_DATE' };
    return { value: text };
  }
  if (/^-?\d{1,15}$/.test(text)) {
    const ms = Number(text);
    const at = new Date(ms);
    if (ms % DAY_MS !== 0)
      return {
        message: `${text} is at ${at.getUTCHours()}:${at.getUTCMinutes()}:${at.getUTCSeconds()} UTC, not midnight!`,
        code: 'INVALID_DATE',
      };
    return { value: at.toISOString().slice(0, 10) };
  }
  return { message: `${text} was not a valid date.`, code: 'INVALID_DATE' };
}

function datetime(text) {
  const parts = DATETIME.exec(text);
  if (parts !== null && !Number.isNaN(calendar(+parts[1], +parts[2], +parts[3])) &&
      +parts[4] < 24 && +parts[5] < 60 && +(parts[6] ?? 0) < 60)
    return { value: new Date(text.replace(/(\.\d{3})\d+Z$/, '$1Z')).toISOString() };
  if (/^-?\d{1,15}$/.test(text))
    return { value: new Date(Number(text)).toISOString() };
  return { message: `${text} was not a valid date time.`, code: 'INVALID_DATE' };
}

// Contacts are keyed by e-mail, stored lower-case and trimmed (section 8).
export function email(text) {
  const value = text.trim().toLowerCase();
  if (value.length > 254 || !EMAIL.test(value))
    return { message: `Email address ${text} is invalid`, code: 'INVALID_EMAIL' };
  return { value };
}
