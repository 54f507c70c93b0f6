// HubSpot's OpenAPI documents, corrected where the service differs, as the calls
// that they describe.  ajv comes from ./check (tests/billing/package.json); it
// is found through BH_NODE_MODULES, else in npm/node_modules of the build
// directory.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SCHEMA_CORRECTIONS, STATUS_CORRECTIONS } from './corrections.mjs';

const FOLDER = fileURLToPath(new URL('hubspot', import.meta.url));
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

function modulesDir() {
  const build = process.env.BH_BUILDDIR ?? fileURLToPath(new URL('../../build', import.meta.url));
  return resolve(process.env.BH_NODE_MODULES ?? join(build, 'npm', 'node_modules'));
}

function load(name) {
  const dir = modulesDir();
  if (!existsSync(join(dir, name, 'package.json'))) throw new Error(`no ${name} in ${dir}: ./check installs it, or set BH_NODE_MODULES`);
  const loaded = createRequire(join(dir, 'from-here.js'))(name);
  return loaded.default ?? loaded;
}

function correct(schemas, file) {
  for (const { schemas: names, documents = /./, fix } of SCHEMA_CORRECTIONS)
    for (const name of names)
      if (schemas[name] !== undefined && documents.test(file)) fix(schemas[name], name);
}

// The documents leave unknown members open; a member that they do not name is
// a mistake here.
function closeObjects(value) {
  if (typeof value !== 'object' || value === null) return;
  if (value.type === 'object' && value.properties !== undefined && Object.keys(value.properties).length > 0)
    value.additionalProperties ??= false;
  for (const one of Object.values(value)) closeObjects(one);
}

function pattern(path) {
  const parts = path.split('/').map((part) => (part.startsWith('{') ? '([^/]+)' : part.replaceAll('.', '\\.')));
  return new RegExp(`^${parts.join('/')}$`);
}

function pointer(...parts) {
  return parts.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

// One call of a document.
class Operation {
  constructor(documents, document, path, method, shared) {
    const operation = document.paths[path][method];
    this.documents = documents;
    this.at = `${document.$id}#${pointer('paths', path, method)}`;
    this.path = path;
    this.method = method.toUpperCase();
    this.matches = pattern(path);
    this.literals = path.split('/').filter((part) => !part.startsWith('{')).length;
    this.parameters = [...(shared ?? []), ...(operation.parameters ?? [])];
    this.requestBody = operation.requestBody ?? null;
    this.responses = operation.responses;
    this.documentId = document.$id;
    this.components = document.components;
  }

  pathNames() {
    return [...this.path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1]);
  }

  // The check of a request body of this type, or undefined when the call takes none.
  body(contentType) {
    if (this.requestBody?.content[contentType] === undefined) return undefined;
    return this.documents.compile(this.at + pointer('requestBody', 'content', contentType, 'schema'));
  }

  parameter(name, where) {
    const index = this.parameters.findIndex((one) => one.name === name && one.in === where);
    return index < 0 ? undefined : this.documents.compileText(this.parameters[index].schema);
  }

  // The check of an answer's body: undefined for a status that there is not,
  // null for one without a body.
  answer(status) {
    const name = this.#answerName(String(status));
    if (name === undefined || name === null) return name;
    if (this.responses[name].content?.['application/json']?.schema === undefined) return null;
    return this.documents.compile(this.at + pointer('responses', name, 'content', 'application/json', 'schema'));
  }

  // The check of a refusal's body; undefined where the document has none.
  refusal() {
    const name = /^#\/components\/responses\/(.+)$/.exec(this.responses.default?.$ref ?? '')?.[1];
    if (this.components.responses?.[name]?.content?.['*/*']?.schema === undefined) return undefined;
    return this.documents.compile(`${this.documentId}#${pointer('components', 'responses', name, 'content', '*/*', 'schema')}`);
  }

  // null: the status is there, its body is unknown.
  #answerName(status) {
    if (this.responses[status] !== undefined) return status;
    const correction = STATUS_CORRECTIONS.find((one) => String(one.status) === status && one.path.test(this.path));
    if (correction === undefined) return undefined;
    return correction.like?.find((name) => this.responses[name] !== undefined) ?? null;
  }
}

export class Documents {
  constructor(folder = FOLDER) {
    const Ajv = load('ajv');
    const addFormats = load('ajv-formats');
    this.ajv = addFormats(new Ajv({ strict: false, allErrors: true }));
    this.textAjv = addFormats(new Ajv({ strict: false, coerceTypes: 'array' }));
    this.compiled = new Map();
    this.schemaNames = [];
    this.operations = readdirSync(folder).filter((name) => name.endsWith('.json')).sort().flatMap((name) => this.#read(join(folder, name), name));
  }

  #read(file, name) {
    const document = JSON.parse(readFileSync(file, 'utf8'));
    this.schemaNames.push(...Object.keys(document.components.schemas));
    correct(document.components.schemas, name);
    closeObjects(document);
    document.$id = `https://example.com/${name}`;
    this.ajv.addSchema(document);
    return Object.entries(document.paths).flatMap(([path, item]) =>
      METHODS.filter((method) => item[method] !== undefined).map((method) => new Operation(this, document, path, method, item.parameters)));
  }

  compile(reference) {
    if (!this.compiled.has(reference)) this.compiled.set(reference, this.ajv.compile({ $ref: encodeURI(reference) }));
    return this.compiled.get(reference);
  }

  // Of text, as it stands in an address: "true" is a boolean.
  compileText(schema) {
    const name = JSON.stringify(schema);
    if (!this.compiled.has(name))
      this.compiled.set(name, this.textAjv.compile({ type: 'object', properties: { value: schema } }));
    return this.compiled.get(name);
  }

  // The call, the one with most literal parts; undefined when there is none.
  find(method, path) {
    const found = this.operations.filter((one) => one.method === method && one.matches.test(path));
    return found.sort((a, b) => b.literals - a.literals)[0];
  }

  describe(check) {
    return check.errors.slice(0, 5).map((one) => `${one.instancePath || 'the whole'} ${one.message}${one.params.additionalProperty ? ` (${one.params.additionalProperty})` : ''}`);
  }
}
