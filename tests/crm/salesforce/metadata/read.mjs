// From the XML of a component to a plain object, and back. The order of the
// schema is insisted on; what the schema does not know is refused as a fault.

import { clientFault, ComponentError, element, METADATA, misplaced, textElement } from '../soap-answers.mjs';
import { ENUMS, TYPES } from './types.mjs';

const BOOLEANS = { true: true, 1: true, false: false, 0: false };

// A scalar's text; an element in it does not belong there.
export function textOf(node, typeName) {
  if (node.children.length) throw misplaced(node.children[0], typeName);
  return node.text;
}

function scalar(node, type) {
  const text = textOf(node, type);
  const trimmed = text.trim();
  if (type === 'boolean') {
    if (!(trimmed in BOOLEANS)) throw clientFault(`'${text}' is not a valid value for the type xsd:boolean`);
    return BOOLEANS[trimmed];
  }
  if (type === 'int') {
    if (!/^[+-]?\d{1,9}$/.test(trimmed)) throw clientFault(`'${text}' is not a valid value for the type xsd:int`);
    return Number(trimmed);
  }
  if (type in ENUMS && !ENUMS[type].includes(trimmed)) throw clientFault(`'${text}' is not a valid value for the enum '${type}'`);
  return type in ENUMS ? trimmed : text;
}

export function readComponent(node, typeName) {
  if (node.text.trim() !== '') throw clientFault(`unexpected text in type ${typeName}`);
  const out = {};
  let last = -1;
  for (const child of node.children) {
    const known = child.namespace === METADATA ? TYPES[typeName].get(child.name) : undefined;
    const again = known && known.order === last && !known.list;
    if (!known || known.order < last || again) throw misplaced(child, typeName);
    last = known.order;
    const value = known.type in TYPES ? readComponent(child, known.type) : scalar(child, known.type);
    if (known.list) out[known.name] = [...(out[known.name] ?? []), value];
    else out[known.name] = value;
  }
  return out;
}

// Elements that the schema calls for, at any depth.
export function checkRequired(component, typeName) {
  for (const known of TYPES[typeName].values()) {
    const value = component[known.name];
    if (value === undefined) {
      if (known.required) throw new ComponentError('REQUIRED_FIELD_MISSING', `Required field is missing: ${known.name}`, [known.name]);
      continue;
    }
    if (known.type in TYPES) for (const inner of [].concat(value)) checkRequired(inner, known.type);
  }
}

// The elements of a component in the schema's order.
export function writeComponent(component, typeName) {
  let out = '';
  for (const known of TYPES[typeName].values()) {
    const value = component[known.name];
    if (value === undefined || value === null) continue;
    for (const one of [].concat(value)) {
      out += known.type in TYPES ? element(known.name, writeComponent(one, known.type)) : textElement(known.name, one);
    }
  }
  return out;
}
