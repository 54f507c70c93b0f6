// Holds calls and answers against HubSpot's documents.  Each function gives a
// list of complaints; an empty one means that nothing is wrong.

import { OTHER_CALLS, PLAIN_REFUSALS } from './corrections.mjs';
import { Documents } from './documents.mjs';

// {method, url, contentType, body}: url with its query, body as text.
// {status, contentType, body}: the answer.
export class Validator {
  constructor(documents = new Documents()) {
    this.documents = documents;
  }

  request(call) {
    const url = new URL(call.url, 'https://example.com');
    if (isOther(url)) return [];
    const operation = this.documents.find(call.method, url.pathname);
    if (operation === undefined) return ['no such call in the documents'];
    return [...this.#pathOf(operation, url), ...this.#queryOf(operation, url), ...this.#bodyOf(operation, call)];
  }

  // What is refused may be a call that there is not; its refusal has the form of all others.
  answer(call, { status, body }) {
    const url = new URL(call.url, 'https://example.com');
    if (isOther(url)) return [];
    const operation = this.documents.find(call.method, url.pathname);
    if (status >= 400) return this.#refusal(operation ?? this.documents.operations[0], status, body);
    return operation === undefined ? ['no such call in the documents'] : this.#success(operation, status, body);
  }

  #success(operation, status, body) {
    const check = operation.answer(status);
    if (check === undefined) return [`${status} is no answer to this call`];
    if (status === 204) return body === '' ? [] : ['204 with a body'];
    return check === null ? [] : this.#json(check, body, 'answer');
  }

  #refusal(operation, status, body) {
    const check = operation.refusal();
    if (check === undefined) return ['the documents know no refusal of this call'];
    if (PLAIN_REFUSALS.some(({ statuses, form }) => statuses.includes(status) && form.test(body))) return [];
    return this.#json(check, body, 'refusal');
  }

  #pathOf(operation, url) {
    const values = operation.matches.exec(url.pathname).slice(1);
    return operation.pathNames().flatMap((name, i) => this.#text(operation, name, 'path', decodeURIComponent(values[i])));
  }

  #queryOf(operation, url) {
    const names = [...new Set(url.searchParams.keys())];
    const missing = operation.parameters.filter((one) => one.in === 'query' && one.required && !names.includes(one.name));
    return [
      ...missing.map((one) => `parameter ${one.name} is missing`),
      ...names.flatMap((name) => this.#text(operation, name, 'query', listOf(url.searchParams.getAll(name)))),
    ];
  }

  #text(operation, name, where, value) {
    const check = operation.parameter(name, where);
    if (check === undefined) return [`no ${where} parameter ${name}`];
    return check({ value }) ? [] : [`${where} parameter ${name}: ${this.documents.describe(check).join(', ')}`];
  }

  #bodyOf(operation, { contentType, body }) {
    if (operation.requestBody === null) return body === '' ? [] : ['a body where the call takes none'];
    if (body === '') return operation.requestBody.required ? ['no body'] : [];
    const type = contentType.split(';')[0].trim().toLowerCase();
    const check = operation.body(type);
    if (check === undefined) return [`no ${type || 'body without a type'} is taken`];
    return type === 'application/x-www-form-urlencoded' ? this.#form(check, body) : this.#json(check, body, 'request');
  }

  #form(check, body) {
    const fields = Object.fromEntries(new URLSearchParams(body));
    return check(fields) ? [] : this.documents.describe(check);
  }

  #json(check, body, what) {
    let value;
    try {
      value = JSON.parse(body);
    } catch {
      return [`the ${what} is no JSON`];
    }
    return check(value) ? [] : this.documents.describe(check).map((one) => `${what}: ${one}`);
  }
}

const isOther = (url) => OTHER_CALLS.some(({ path }) => path.test(url.pathname));

const listOf = (values) => (values.length === 1 ? values[0] : values);
