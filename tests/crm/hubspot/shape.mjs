// The JSON of a request: parsing it, and refusing what the service's parser
// refuses (section 3): bad JSON, missing members, members of the wrong type,
// unknown members (section 21).
//
// A shape is a function (value, name, doc) that throws an ApiError.

import { ApiError } from './errors.mjs';

const utf8 = new TextDecoder('utf-8', { fatal: true });

export class Doc {
  constructor(raw) {
    try {
      this.text = utf8.decode(raw);
    } catch {
      throw inputError(1, 1, ': Invalid UTF-8');
    }
    if (this.text.trim() === '')
      throw inputError(1, 0, ': No content to map due to end-of-input');
    try {
      this.value = JSON.parse(this.text);
    } catch (err) {
      const at = /position (\d+)/.exec(err.message);
      const { line, column } = this.where(at ? Number(at[1]) : 0);
      throw inputError(line, column, ': Unexpected character');
    }
  }

  where(offset) {
    const before = this.text.slice(0, offset);
    return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') + 1 };
  }

  // The place of a member, found by its name: near enough for a person to read.
  refuse(name, what) {
    const offset = this.text.indexOf(`"${name}"`);
    const { line, column } = this.where(offset < 0 ? 0 : offset);
    throw inputError(line, column, what);
  }
}

// Body errors of the parser carry no category (section 3).
function inputError(line, column, what) {
  return new ApiError(400, { message: `Invalid input JSON on line ${line}, column ${column}${what}` });
}

const JAVA = { string: 'java.lang.String', boolean: 'boolean', number: 'int' };

function typed(kind) {
  return (value, name, doc) => {
    if (typeof value !== kind)
      doc.refuse(name, `: Cannot deserialize value of type \`${JAVA[kind]}\` for "${name}"`);
  };
}

export const string = typed('string');
export const boolean = typed('boolean');

export function integer(value, name, doc) {
  if (!Number.isInteger(value))
    doc.refuse(name, `: Cannot deserialize value of type \`int\` for "${name}"`);
}

export function oneOf(...allowed) {
  return (value, name, doc) => {
    if (!allowed.includes(value))
      doc.refuse(name, `: Cannot deserialize value "${value}": not one of the values accepted: [${allowed.join(', ')}]`);
  };
}

// Property values: strings; JSON numbers and booleans are tolerated (section 7).
export function propertyValue(value, name, doc) {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')
    doc.refuse(name, `: Cannot deserialize value of type \`java.lang.String\` for "${name}"`);
}

export function array(item) {
  return (value, name, doc) => {
    if (!Array.isArray(value))
      doc.refuse(name, `: Cannot deserialize value of type \`java.util.List\` for "${name}"`);
    for (const one of value)
      item(one, name, doc);
  };
}

export function map(item) {
  return (value, name, doc) => {
    if (value === null || typeof value !== 'object' || Array.isArray(value))
      doc.refuse(name, `: Cannot deserialize value of type \`java.util.LinkedHashMap\` for "${name}"`);
    for (const key of Object.keys(value))
      item(value[key], key, doc);
  };
}

// members: name -> shape; those named in required must be there.
export function object(members, required = []) {
  const known = new Map(Object.entries(members));
  return (value, name, doc) => {
    if (value === null || typeof value !== 'object' || Array.isArray(value))
      doc.refuse(name, `: Cannot deserialize object "${name}"`);
    for (const key of Object.keys(value)) {
      const shape = known.get(key);
      if (shape === undefined)
        doc.refuse(key, `: Unrecognized field "${key}", not marked as ignorable`);
      shape(value[key], key, doc);
    }
    const missing = required.filter((key) => value[key] === undefined);
    if (missing.length > 0)
      // Correction 4: a full stop here, not a colon.
      doc.refuse(name, `. Some required fields were not set: [${missing.join(', ')}]`);
  };
}

export function parse(raw, shape) {
  const doc = new Doc(raw);
  shape(doc.value, '', doc);
  return doc.value;
}
