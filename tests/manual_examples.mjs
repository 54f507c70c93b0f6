// The JSON of docs/.  The word behind "json" in a fence says what it is:
//
//   configuration              a document of `billhook apply`
//   mapping                    a whole mapping
//   rule                       an automation of the source "stripe"
//   alerts                     the member "alerts" of a configuration
//   KIND of PRESET OBJECT      a part of a preset: row, match, if, parents, member (several), of that object
//   object of PRESET           one more object of a preset
//
// Without a word it has only to be JSON.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

// The fenced blocks: the language, the words behind it, the text, and the line where it begins.
export function fencesOf(text) {
  return [...text.matchAll(/^```(\w*)(.*)\n([^]*?)^```$/gm)].map(({ 1: language, 2: words, 3: body, index }) => ({
    language, words: words.trim(), body, line: text.slice(0, index).split('\n').length,
  }));
}

function presetOf(tree, name) {
  return JSON.parse(readFileSync(join(tree, 'presets', `${name}.json`), 'utf8'));
}

// The document whose one sync has this mapping, from and to what the mapping is for.
function around(mapping, settings) {
  return {
    billhook: 1,
    connections: [connection(mapping.source ?? 'stripe'), { code: 'crm', driver: 'sandbox' }],
    syncs: [{ code: 'sync', from: mapping.source ?? 'stripe', to: 'crm', mapping, settings }],
  };
}

const connection = (driver) => ({ code: driver, driver, secrets: { webhook: 'env:EXAMPLE_SECRET' } });

function putInto(object, kind, part) {
  if (kind === 'row') object.fields = [...object.fields.filter(({ to }) => to !== part.to), part];
  else if (kind === 'member') Object.assign(object, part);
  else object[kind] = part;
}

function withPart(tree, words, part) {
  const [kind, , preset, name] = words.split(/\s+/);
  const mapping = presetOf(tree, preset);
  if (kind === 'object') mapping.objects.push(part);
  else {
    const object = mapping.objects.find((one) => one.name === name);
    if (object === undefined) throw new Error(`${preset} has no object ${name}`);
    putInto(object, kind, part);
  }
  return around(mapping, undefined);
}

function documentOf(tree, words, part) {
  if (words === 'configuration') return part;
  if (words === 'mapping') return around(part, undefined);
  const base = { billhook: 1, connections: [connection('stripe')] };
  if (words === 'rule') return { ...base, automations: [{ from: 'stripe', ...part }] };
  if (words === 'alerts') return { ...base, alerts: part };
  return withPart(tree, words, part);
}

// Writes NNN.json for each, and prints "NNN.json where it stands".
export function examplesOf(tree, documents, folder) {
  mkdirSync(folder, { recursive: true });
  let n = 0;
  for (const { path, text } of documents) {
    for (const { language, words, body, line } of fencesOf(text)) {
      if (language !== 'json' || words === '') continue;
      n += 1;
      const name = `${String(n).padStart(3, '0')}.json`;
      writeFileSync(join(folder, name), JSON.stringify(documentOf(tree, words, JSON.parse(body))));
      console.log(`${name} ${path}:${line}`);
    }
  }
}
