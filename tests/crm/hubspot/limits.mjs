// Rate limits (section 17): a rolling ten seconds, five searches a second, a
// day that ends at midnight in the portal's time zone.

import { Window } from '../../sim/window.mjs';
import { rateLimited } from './errors.mjs';

// Offset of a time zone from UTC at a moment.
export function offsetMs(zone, at) {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric',
    hour: 'numeric', minute: 'numeric', second: 'numeric',
  }).formatToParts(at);
  const get = (type) => Number(parts.find((p) => p.type === type).value);
  const local = Date.UTC(get('year'), get('month') - 1, get('day'), get('hour'), get('minute'), get('second'));
  return local - Math.floor(at / 1000) * 1000;
}

const DAY_MS = 86400000;

export function nextMidnight(zone, now) {
  const offset = offsetMs(zone, now);
  const local = now + offset;
  const guess = local - (local % DAY_MS) + DAY_MS - offset;
  // The offset may change during the day.
  return guess + offset - offsetMs(zone, guess);
}

export class Limits {
  constructor(settings) {
    this.settings = settings;
    this.clear();
  }

  clear() {
    this.private = new Window();
    this.oauth = new Window();
    this.associations = new Window();
    this.searches = new Window();
    this.associationsToday = 0;
    this.midnight = nextMidnight(this.settings.time_zone, Date.now());
  }

  #day(now) {
    if (now < this.midnight) return;
    this.midnight = nextMidnight(this.settings.time_zone, now);
    this.settings.daily_used = 0;
    this.associationsToday = 0;
  }

  usage() {
    this.#day(Date.now());
    return { daily: this.settings.daily_used, settings: this.settings };
  }

  #retryAfter(ms) {
    return this.settings.retry_after ? { 'Retry-After': String(Math.max(1, Math.ceil(ms / 1000))) } : {};
  }

  // Counts a call and returns the headers of its answer; throws 429.
  // A refused call counts for the day, but not for the rolling window: where
  // HubSpot counts it is not known, and this way a waiting client recovers.
  take(kind, callClass) {
    const now = Date.now();
    const s = this.settings;
    this.#day(now);
    const daily = kind === 'private';
    if (daily && s.daily_used >= s.daily_limit) throw rateLimited('DAILY', this.#retryAfter(this.midnight - now));
    if (daily) s.daily_used++;
    if (callClass === 'search') {
      this.#window(this.searches, now, 1000, s.search_second_limit, 'SECONDLY');
      return {}; // no rate headers on search
    }
    if (callClass === 'association') {
      if (this.associationsToday >= s.association_daily_limit)
        throw rateLimited('DAILY', this.#retryAfter(this.midnight - now));
      this.#window(this.associations, now, s.window_ms, s.association_ten_second_limit, 'TEN_SECONDLY_ROLLING');
      this.associationsToday++;
    }
    const limit = daily ? s.ten_second_limit : s.oauth_ten_second_limit;
    const used = this.#window(daily ? this.private : this.oauth, now, s.window_ms, limit, 'TEN_SECONDLY_ROLLING');
    const headers = {
      'X-HubSpot-RateLimit-Max': String(limit),
      'X-HubSpot-RateLimit-Remaining': String(limit - used),
      'X-HubSpot-RateLimit-Interval-Milliseconds': String(s.window_ms),
    };
    if (daily) {
      headers['X-HubSpot-RateLimit-Daily'] = String(s.daily_limit);
      headers['X-HubSpot-RateLimit-Daily-Remaining'] = String(Math.max(0, s.daily_limit - s.daily_used));
    }
    return headers;
  }

  #window(window, now, ms, limit, policy) {
    const used = window.count(now, ms);
    if (used >= limit) throw rateLimited(policy, this.#retryAfter(window.freeIn(now, ms)));
    window.add(now);
    return used + 1;
  }
}
