// Keys, addresses, scopes and rates.

import { RateWindow } from '../common/window.mjs';
import { refused } from './errors.mjs';

export class Gate {
  constructor(system) {
    this.system = system;
    this.clear();
  }

  clear() {
    this.windows = new Map();
  }

  // The key of a call as it is set up, or null when none was sent.
  key(call) {
    const text = this.#text(call);
    if (text === '') return null;
    const key = this.system.settings.keys.find((one) => one.key === text);
    if (key === undefined) throw refused(this.system, 'invalid_api_key', 'Key unknown or withdrawn.');
    if (key.address !== undefined && key.address !== call.address)
      throw refused(this.system, 'ip_not_allowed', 'This key may not be used from this address.');
    return key;
  }

  #text(call) {
    const bearer = /^Bearer (.+)$/i.exec(call.headers.authorization ?? '');
    if (bearer !== null) return bearer[1];
    return this.system.settings.edition === 2 ? call.headers['x-api-key'] ?? '' : '';
  }

  // Answers the headers of the call.
  count(key, call) {
    const { read_limit: reads, write_limit: writes, rate_window_ms: length, edition } = this.system.settings;
    const [kind, limit] = call.method === 'GET' ? ['read', reads] : ['write', writes];
    if (limit === 0) return {};
    const name = `${kind} ${key.key}`;
    if (!this.windows.has(name)) this.windows.set(name, new RateWindow());
    const { allowed, remaining, reset_ms: reset } = this.windows.get(name).take(limit, length);
    const headers = edition === 1 ? {} : {
      'X-RateLimit-Limit': String(limit), 'X-RateLimit-Remaining': String(remaining),
      'X-RateLimit-Reset': String(Math.ceil((Date.now() + reset) / 1000)),
    };
    if (allowed) return headers;
    const wait = this.system.settings.retry_after ? { 'Retry-After': String(Math.max(1, Math.ceil(reset / 1000))) } : {};
    throw refused(this.system, 'rate_limit_exceeded', 'Slow down.', undefined, { ...headers, ...wait });
  }

  // A publishable key reads single customers and nothing else.
  permit(key, route, call) {
    if (key.key.startsWith('lc_pub_')) {
      if (route.publishable !== true) throw refused(this.system, 'insufficient_scope', 'A publishable key may read single customers only.');
      return;
    }
    const scope = call.method === 'GET' ? 'read' : 'write';
    if (!key.scopes.includes(scope)) throw refused(this.system, 'insufficient_scope', `This key may not ${scope} ${route.resource}.`);
    if (scope === 'write' && this.system.settings.trial_expired) throw refused(this.system, 'trial_expired', 'The trial has ended.');
  }
}
