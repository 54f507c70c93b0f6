// Query locators: the rest of a long query answer. Their form differs between
// releases and they die after two days; a user has about ten open at a time
// (Salesforce: Query).

import { randomBytes } from 'node:crypto';
import { badRequest } from './errors.mjs';

const LIFE_MS = 2 * 24 * 3600 * 1000;
const OPEN = 10;

export class QueryLocators {
  constructor() {
    this.clear();
  }

  clear() {
    this.open = new Map();
  }

  keep(rows, pageSize, render) {
    const name = `0r8${randomBytes(9).toString('hex').slice(0, 15)}`;
    if (this.open.size >= OPEN) this.open.delete(this.open.keys().next().value);
    this.open.set(name, { rows, pageSize, render, born: Date.now() });
    return name;
  }

  // The page a locator such as 0r8...-2000 stands for.
  page(text) {
    const [, name, from] = /^(\w+)-(\d+)$/.exec(text) ?? [];
    const set = this.open.get(name);
    const start = Number(from);
    if (!set || Date.now() - set.born > LIFE_MS || start >= set.rows.length) {
      throw badRequest('INVALID_QUERY_LOCATOR', 'invalid query locator');
    }
    return { name, set, start };
  }
}
