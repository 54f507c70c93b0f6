// Copies OpenAPI documents without what no validator reads: descriptions,
// examples, security, tags, extensions.  Nothing else is changed.
//
//   node tests/openapi/trim.mjs TO FILE...

import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const PROSE = ['description', 'summary', 'example', 'examples', 'tags', 'security', 'externalDocs', 'operationId', 'title'];
// Members of these are named by the API: one may well be called "description".
const NAMED = ['properties', 'schemas', 'responses', 'parameters', 'paths'];

function trimmed(value, named = false) {
  if (Array.isArray(value)) return value.map((one) => trimmed(one));
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => named || !(PROSE.includes(name) || name.startsWith('x-')));
  return Object.fromEntries(kept.map(([name, one]) => [name, trimmed(one, !named && NAMED.includes(name))]));
}

const [to, ...files] = process.argv.slice(2);
for (const file of files) {
  const { openapi, info, paths, components: { schemas, responses } } = JSON.parse(readFileSync(file, 'utf8'));
  const document = { openapi, info: { title: info.title, version: info.version }, ...trimmed({ paths, components: { schemas, responses } }) };
  writeFileSync(join(to, basename(file)), `${JSON.stringify(document, null, 1)}\n`);
}
