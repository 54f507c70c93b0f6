// A rolling window of call times.

export class Window {
  constructor() {
    this.times = [];
    this.first = 0;
  }

  count(now, ms) {
    while (this.first < this.times.length && this.times[this.first] <= now - ms) this.first++;
    if (this.first > 1024 && this.first * 2 > this.times.length) {
      this.times = this.times.slice(this.first);
      this.first = 0;
    }
    return this.times.length - this.first;
  }

  add(now) {
    this.times.push(now);
  }

  // Milliseconds until one call is free again.
  freeIn(now, ms) {
    return this.first < this.times.length ? this.times[this.first] + ms - now : 0;
  }
}
