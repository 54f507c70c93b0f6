// Looks on while the simulator of HubSpot is called, and notes what HubSpot's
// documents do not know: in requests, and in answers of the simulator.

import { OLDER_CALLS } from './corrections.mjs';
import { Validator } from './validator.mjs';

const KEEP = 100; // notes; the same one is kept once

export class Witness {
  // ofAnswers: the caller sends odd requests on purpose; what is looked at are the answers.
  constructor({ ofAnswers = false } = {}) {
    this.validator = new Validator();
    this.ofAnswers = ofAnswers;
    this.calls = 0;
    this.notes = new Set();
  }

  // answer: {status, body | text}, or null when it is none of the service's.
  see({ method, url, headers, raw }, answer) {
    if (this.ofAnswers && OLDER_CALLS.some(({ path }) => path.test(url))) return;
    this.calls++;
    const call = { method, url, contentType: headers['content-type'] ?? '', body: raw.toString('utf8') };
    if (!this.ofAnswers) this.#note(call, 'request', this.validator.request(call));
    if (answer !== null) this.#note(call, `answer ${answer.status}`, this.validator.answer(call, { status: answer.status, body: textOf(answer) }));
  }

  #note({ method, url }, what, complaints) {
    const path = url.split('?')[0];
    for (const text of complaints)
      if (this.notes.size < KEEP) this.notes.add(`${method} ${path}: ${what}: ${text.replace(/\/\d+(?=\/|$| )/g, '/N')}`);
  }

  report() {
    return { calls: this.calls, notes: [...this.notes] };
  }
}

const textOf = ({ text, body }) => text ?? (body === undefined ? '' : JSON.stringify(body));
