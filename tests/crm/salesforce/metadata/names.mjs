// Names, labels and descriptions of components (Salesforce: Metadata, Limits of
// names).

import { ComponentError } from '../soap-answers.mjs';

const LONGEST_NAME = 40;
const NAME = /^[A-Za-z](?:_?[A-Za-z0-9])*$/;

// `suffix` is what the name must end in, such as __c; '' for none.
export function checkDeveloperName(name, suffix = '') {
  const base = suffix && name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
  if ((suffix && base === name) || base.length > LONGEST_NAME || !NAME.test(base)) {
    throw new ComponentError('INVALID_FULL_NAME',
      `The name ${name} may hold letters, digits and single underscores, at most ${LONGEST_NAME} characters${suffix && `, and must end in ${suffix}`}`, ['fullName']);
  }
}

export function checkLength(component, name, longest, what = name) {
  if ((component[name] ?? '').length > longest) {
    throw new ComponentError('STRING_TOO_LONG', `Value too long for field: ${what} maximum length is:${longest}`, [name]);
  }
}

export function checkFilled(component, name, typeName) {
  if (!component[name]?.trim()) throw new ComponentError('REQUIRED_FIELD_MISSING', `Must specify a non-empty ${name} for the ${typeName}`, [name]);
}

// "Parent.Child" as its two parts.
export function splitName(fullName) {
  const parts = fullName.split('.');
  if (parts.length !== 2 || parts.includes('')) throw new ComponentError('INVALID_FULL_NAME', `${fullName} is not of the form Parent.Name`, ['fullName']);
  return parts;
}

// Picklist values carry "/" and "%" encoded in metadata, plain in data.
export function decodeValue(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ComponentError('FIELD_INTEGRITY_EXCEPTION', `The value ${text} is not encoded rightly`);
  }
}

export const encodeValue = (text) => text.replace(/[%/]/g, encodeURIComponent);
