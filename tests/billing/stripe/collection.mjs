// The objects of one type, newest first.
//
// Some are stored, one by one; many more may stand in segments, which make
// their objects when asked: a segment has count, id(n), created(n) (never
// falling with n), at(n) -> object, index(id) -> n or -1, and related(filters)
// -> the few n that can fit, or null.  What happens to an object of a segment
// is kept beside it.

const NEWEST = Infinity;

export class Collection {
  constructor(type) {
    this.type = type;
    this.rows = new Map(); // id -> {id, created, seq, obj, deleted, segment?, n?}
    this.segments = [];
    this.order = null; // stored rows, oldest first
    this.seq = 0;
  }

  #fromSegment(id) {
    for (const [at, segment] of this.segments.entries()) {
      const n = segment.index(id);
      if (n >= 0) return { id, created: segment.created(n), seq: n, segment: at, obj: null, deleted: false };
    }
    return undefined;
  }

  #row(id) {
    return this.rows.get(id) ?? this.#fromSegment(id);
  }

  // The object, {id, object, deleted: true}, or undefined.
  get(id) {
    const row = this.#row(id);
    if (row === undefined) return undefined;
    if (row.deleted) return { id, object: this.type, deleted: true };
    return row.obj ?? this.segments[row.segment].at(row.seq);
  }

  put(obj) {
    const was = this.#row(obj.id);
    const created = obj.created ?? 0;
    if (was !== undefined && was.created === created) {
      was.obj = obj;
      was.deleted = false;
      this.rows.set(obj.id, was);
      return;
    }
    if (was?.segment !== undefined) throw new Error(`created of ${obj.id} cannot change`);
    this.rows.set(obj.id, { id: obj.id, created, seq: ++this.seq, obj, deleted: false });
    this.order = null;
  }

  // Its place stays, so that pages can go on from it.
  remove(id) {
    const row = this.#row(id);
    if (row === undefined) return;
    row.deleted = true;
    row.obj = null;
    this.rows.set(id, row);
  }

  count() {
    let count = this.segments.reduce((sum, segment) => sum + segment.count, 0);
    for (const row of this.rows.values())
      if (row.segment === undefined) count += row.deleted ? 0 : 1;
      else if (row.deleted) count--;
    return count;
  }

  // Objects that fit, from the newest or, backwards, from the oldest.
  // from: an id, not itself included; range: {min, max} of created; filters:
  // what segments may narrow themselves by.
  * walk({ from, backwards = false, range = { min: -Infinity, max: Infinity }, filters = {} } = {}) {
    const start = from === undefined ? null : this.#key(from);
    const sources = this.#sources(filters);
    for (const source of sources) {
      source.low = firstAt(source, [range.min, -1, -1]);
      source.high = firstAt(source, [range.max + 1, -1, -1]);
      if (start !== null && backwards) source.low = Math.max(source.low, firstAt(source, [start[0], start[1], start[2] + 1]));
      if (start !== null && !backwards) source.high = Math.min(source.high, firstAt(source, start));
    }
    for (;;) {
      const next = pick(sources, backwards);
      if (next === null) return;
      const obj = next.object(backwards ? next.low++ : --next.high);
      if (obj !== null) yield obj;
    }
  }

  // Where an object stands; null when it is not known.
  #key(id) {
    const row = this.#row(id);
    return row === undefined ? null : [row.created, row.segment ?? NEWEST, row.seq];
  }

  place(id) {
    const row = this.#row(id);
    return row === undefined ? 'unknown' : row.deleted ? 'deleted' : 'there';
  }

  #sources(filters) {
    this.order ??= [...this.rows.values()].filter((row) => row.segment === undefined)
      .sort((a, b) => a.created - b.created || a.seq - b.seq);
    const order = this.order;
    const sources = [{
      count: order.length,
      key: (n) => [order[n].created, NEWEST, order[n].seq],
      object: (n) => (order[n].deleted ? null : order[n].obj),
    }];
    this.segments.forEach((segment, at) => {
      const few = segment.related(filters);
      const ordinal = few === null ? (n) => n : (n) => few[n];
      sources.push({
        count: few === null ? segment.count : few.length,
        key: (n) => [segment.created(ordinal(n)), at, ordinal(n)],
        object: (n) => this.#segmentObject(segment, ordinal(n)),
      });
    });
    return sources;
  }

  #segmentObject(segment, n) {
    const row = this.rows.size === 0 ? undefined : this.rows.get(segment.id(n));
    if (row === undefined) return segment.at(n);
    return row.deleted ? null : row.obj;
  }
}

function compare(a, b) {
  for (let n = 0; n < 3; n++)
    if (a[n] !== b[n]) return a[n] < b[n] ? -1 : 1;
  return 0;
}

// The first place of a source whose key is not below the given one.
function firstAt(source, key) {
  let low = 0;
  let high = source.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(source.key(middle), key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function pick(sources, backwards) {
  let best = null;
  let bestKey = null;
  for (const source of sources) {
    if (source.low >= source.high) continue;
    const key = source.key(backwards ? source.low : source.high - 1);
    if (best !== null && (backwards ? compare(key, bestKey) > 0 : compare(key, bestKey) < 0)) continue;
    best = source;
    bestKey = key;
  }
  return best;
}
