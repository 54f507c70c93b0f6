// Form encoding with brackets: items[0][price]=x, expand[]=y, created[gte]=1.

import { invalid } from './errors.mjs';

const KEY = /^([^[\]]+)((?:\[[^[\]]*\])*)$/;
const MAX_DEPTH = 8;

// Nested objects without a prototype; a list is an object with numbers for keys.
export function decode(text) {
  const root = Object.create(null);
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const mark = pair.indexOf('=');
    const key = percent(mark < 0 ? pair : pair.slice(0, mark));
    put(root, names(key), mark < 0 ? '' : percent(pair.slice(mark + 1)), key);
  }
  return root;
}

function percent(text) {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw invalid(`Invalid encoding: ${text.slice(0, 100)}`);
  }
}

function names(key) {
  const found = KEY.exec(key);
  if (found === null) throw invalid(`Invalid parameter name: ${key.slice(0, 100)}`, key);
  const rest = found[2] === '' ? [] : found[2].slice(1, -1).split('][');
  if (rest.length > MAX_DEPTH) throw invalid(`Invalid parameter name: ${key.slice(0, 100)}`, key);
  return [found[1], ...rest];
}

function put(root, path, value, key) {
  let at = root;
  path.forEach((given, depth) => {
    const name = given === '' ? String(Object.keys(at).length) : given;
    if (depth === path.length - 1) {
      if (typeof at[name] === 'object') throw invalid(`Invalid hash: ${key}`, path[0]);
      at[name] = value;
      return;
    }
    at[name] ??= Object.create(null);
    if (typeof at[name] !== 'object') throw invalid(`Invalid string: ${key}`, path[0]);
    at = at[name];
  });
}
