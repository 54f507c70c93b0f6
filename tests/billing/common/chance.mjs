// Numbers that look random and are the same each time: rows are made from
// their index whenever somebody asks for them.

// A 32 bit mix of some integers.
export function mix(...numbers) {
  let h = 0x9e3779b9;
  for (const n of numbers) {
    h = Math.imul(h ^ (n >>> 0), 0x85ebca6b);
    h ^= h >>> 13;
    h = Math.imul(h, 0xc2b2ae35);
    h ^= h >>> 16;
  }
  return h >>> 0;
}

export function pick(list, ...numbers) {
  return list[mix(...numbers) % list.length];
}

// A stream of numbers in [0, 1).
export function stream(seed) {
  let n = 0;
  return () => mix(seed, n++) / 4294967296;
}

export function shuffled(list, seed) {
  const next = stream(seed);
  const out = [...list];
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [out[i], out[j]] = [out[j], out[i]];
  }
  return out;
}

export function padded(n, width = 6) {
  return String(n).padStart(width, '0');
}
