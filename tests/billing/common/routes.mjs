// A table of paths.  "{name}" stands for one segment.

export class Routes {
  // rows: [method, pattern, handler, more?]
  constructor(rows) {
    this.rows = rows.map(([method, pattern, handler, more = {}]) => ({
      method, pattern, handler, segments: pattern.split('/'), ...more,
    }));
  }

  // Answers { route, params }, or null when nothing fits.
  find(method, path) {
    const segments = path.split('/');
    for (const route of this.rows) {
      if (route.method !== method || route.segments.length !== segments.length) continue;
      const params = match(route.segments, segments);
      if (params !== null) return { route, params };
    }
    return null;
  }
}

function match(pattern, segments) {
  const params = {};
  for (let i = 0; i < pattern.length; i++) {
    if (!pattern[i].startsWith('{')) {
      if (pattern[i] !== segments[i]) return null;
      continue;
    }
    if (segments[i] === '') return null;
    try {
      params[pattern[i].slice(1, -1)] = decodeURIComponent(segments[i]);
    } catch {
      return null;
    }
  }
  return params;
}
