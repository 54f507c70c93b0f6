// Idempotency-Key: the same write once, its answer again for a day.

import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Refusal } from '../common/refusal.mjs';
import { badRequest, conflict, invalid } from './errors.mjs';

const DAY_MS = 86400000;
const WRITES = ['POST', 'PATCH', 'DELETE'];

export class Idempotency {
  constructor(system) {
    this.system = system;
    this.clear();
  }

  clear() {
    this.known = new Map();
  }

  async around(call, work) {
    const key = call.headers['idempotency-key'];
    if (!WRITES.includes(call.method)) return work();
    if (key === undefined) return this.#slowly(work);
    if (key === '' || key.length > 255) throw badRequest('Idempotency-Key must have 1 to 255 characters');
    const content = createHash('sha256').update(`${call.method} ${call.path}\n`).update(call.raw).digest('hex');
    const before = this.known.get(key);
    if (before !== undefined && Date.now() - before.at < DAY_MS) return replayed(before, content);
    const entry = { at: Date.now(), content, answer: null };
    this.known.set(key, entry);
    entry.answer = await this.#settled(work);
    return entry.answer;
  }

  async #slowly(work) {
    if (this.system.settings.write_ms > 0) await sleep(this.system.settings.write_ms);
    return work();
  }

  async #settled(work) {
    try {
      return await this.#slowly(work);
    } catch (err) {
      if (err instanceof Refusal) return err.answer();
      throw err;
    }
  }
}

function replayed({ content: was, answer }, content) {
  if (was !== content) throw invalid('Idempotency-Key was used with other content');
  if (answer === null) throw conflict('a request with this Idempotency-Key is under way');
  return { ...answer, headers: { ...answer.headers, 'Idempotent-Replayed': 'true' } };
}
