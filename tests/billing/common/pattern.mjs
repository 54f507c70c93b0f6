// How many children each parent has, as a pattern that repeats: the index of
// a child and that of its parent follow from each other by arithmetic.

export class Pattern {
  constructor(counts) {
    this.counts = counts;
    this.before = [0]; // children of the parents before, within one round
    for (const n of counts) this.before.push(this.before.at(-1) + n);
    this.sum = this.before.at(-1);
  }

  // Children of the first n parents; also the index of the next one's first child.
  first(n) {
    const rounds = Math.floor(n / this.counts.length);
    return rounds * this.sum + this.before[n % this.counts.length];
  }

  count(parent) {
    return this.counts[parent % this.counts.length];
  }

  // Child j: { parent, nth }, nth from 0.
  of(j) {
    const rounds = Math.floor(j / this.sum);
    const rest = j % this.sum;
    let at = 0;
    while (this.before[at + 1] <= rest) at++;
    return { parent: rounds * this.counts.length + at, nth: rest - this.before[at] };
  }

  // The indexes of a parent's children.
  children(parent) {
    const from = this.first(parent);
    return Array.from({ length: this.count(parent) }, (_, i) => from + i);
  }
}
