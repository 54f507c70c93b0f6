// Rate limits (section 6): per account and second, and one for each endpoint.
// A refused call does not count: where the service counts it is not known, and
// this way a waiting client recovers.

import { Window } from '../../sim/window.mjs';
import { rateLimited } from './errors.mjs';

export class Limits {
  constructor(settings) {
    this.settings = settings;
    this.clear();
  }

  clear() {
    this.windows = new Map();
    this.refused = 0;
  }

  #used(name, now) {
    if (!this.windows.has(name)) this.windows.set(name, new Window());
    return this.windows.get(name).count(now, this.settings.window_ms);
  }

  take({ account, live }, endpoint) {
    const now = Date.now();
    const { settings } = this;
    const all = `${account} ${live}`;
    const one = `${all} ${endpoint}`;
    const reason = this.#used(all, now) >= (live ? settings.rate_live : settings.rate_sandbox) ? 'global-rate'
      : this.#used(one, now) >= settings.rate_endpoint ? 'endpoint-rate' : null;
    if (reason !== null) {
      this.refused++;
      throw rateLimited(reason, settings.should_retry_429);
    }
    this.windows.get(all).add(now);
    this.windows.get(one).add(now);
  }
}
