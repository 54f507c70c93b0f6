// Who may call, how often, and what.

import { RateWindow } from '../common/window.mjs';
import { forbidden, tooMany, unauthorized } from './errors.mjs';

export class Gate {
  constructor(system) {
    this.system = system;
    this.window = new RateWindow();
  }

  clear() {
    this.window.clear();
  }

  // The server takes the second word of the header, whatever the first is.
  authenticate(call) {
    const key = (call.headers.authorization ?? '').split(' ')[1];
    if (key !== this.system.settings.api_key) throw unauthorized();
  }

  // Answers the headers of the call; self-hosted there are none, and no limit.
  count() {
    const { rate_limit: limit, rate_window_ms: length } = this.system.settings;
    if (limit === 0) return {};
    const { allowed, remaining, reset_ms: reset } = this.window.take(limit, length);
    const headers = {
      'X-RateLimit-Limit': String(limit), 'X-RateLimit-Remaining': String(remaining),
      'X-RateLimit-Reset': String(Math.max(1, Math.ceil(reset / 1000))),
    };
    if (!allowed) throw tooMany(headers);
    return headers;
  }

  permit(route) {
    const action = route.method === 'GET' ? 'read' : 'write';
    if (this.system.settings.denied.includes(`${action}:${route.resource}`))
      throw forbidden(`${action}_action_not_allowed_for_${route.resource}`);
  }
}
