// A rate limit: so many calls in a window of fixed beginning.

export class RateWindow {
  constructor() {
    this.clear();
  }

  clear() {
    this.began = 0;
    this.used = 0;
  }

  // Counts one call: { allowed, remaining, reset_ms }.  A refused call is not
  // counted; reset_ms is the time until the window ends.
  take(limit, length_ms, now = Date.now()) {
    if (now - this.began >= length_ms) {
      this.began = now;
      this.used = 0;
    }
    const allowed = this.used < limit;
    if (allowed) this.used++;
    return { allowed, remaining: limit - this.used, reset_ms: this.began + length_ms - now };
  }
}
