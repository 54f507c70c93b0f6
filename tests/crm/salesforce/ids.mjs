// Record ids: 15 case-sensitive characters and the 18-character form whose last
// three characters repeat the letter case (Salesforce: Data formats).

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SUFFIX = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345';
const FORM = /^[0-9A-Za-z]+$/;

export function suffixOf(id15) {
  let out = '';
  for (let group = 0; group < 3; group++) {
    let bits = 0;
    for (let i = 0; i < 5; i++) {
      const code = id15.charCodeAt(group * 5 + i);
      if (code >= 65 && code <= 90) bits |= 1 << i;
    }
    out += SUFFIX[bits];
  }
  return out;
}

export function toId18(id15) {
  return id15 + suffixOf(id15);
}

// The 18-character form of a well-formed id, or null. A wrong suffix is a
// malformed id, not another record (Salesforce: Data formats).
export function parseId(text) {
  if (typeof text !== 'string' || !FORM.test(text)) return null;
  if (text.length === 15) return toId18(text);
  if (text.length !== 18) return null;
  const id15 = text.slice(0, 15);
  return suffixOf(id15) === text.slice(15).toUpperCase() ? toId18(id15) : null;
}

export function prefixOf(id) {
  return id.slice(0, 3);
}

// Ids of one object differ from each other in letter case only now and then;
// the counter runs over all 62 digits so that a client that folds case fails.
export class IdFactory {
  constructor() {
    this.counters = new Map();
  }

  next(prefix) {
    const n = (this.counters.get(prefix) ?? 62 * 62 * 3) + 1;
    this.counters.set(prefix, n);
    let tail = '';
    for (let rest = n; tail.length < 7; rest = Math.floor(rest / 62)) tail = DIGITS[rest % 62] + tail;
    return toId18(`${prefix}xx000${tail}`);
  }
}
