// One request to the service.

export class Call {
  constructor(req, raw) {
    this.method = req.method;
    this.url = req.url;
    this.headers = req.headers;
    this.raw = raw;
    this.address = req.socket.remoteAddress;
    const mark = req.url.indexOf('?');
    this.path = mark < 0 ? req.url : req.url.slice(0, mark);
    this.query = new URLSearchParams(mark < 0 ? '' : req.url.slice(mark + 1));
    this.route = null; // { pattern, ... } once it is found
    this.params = {};
    this.inputs = req.method === 'GET' ? 0 : 1;
  }

  // The body as JSON; undefined when it is none.
  json() {
    try {
      return JSON.parse(this.raw.toString('utf8'));
    } catch {
      return undefined;
    }
  }

  // The rest serves the log and the faults.

  kind() {
    return `${this.method} ${this.route === null ? this.path : this.route.pattern}`;
  }

  typeNames() {
    return [];
  }

  // Values of the path, the query and the body: a fault may name one as "key".
  keys() {
    const keys = [...Object.values(this.params), ...this.query.values(), ...this.path.split('/').map(decoded)];
    collect(this.json(), keys);
    return keys.map(String);
  }
}

function decoded(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function collect(value, into) {
  if (value === null || value === undefined) return;
  if (typeof value === 'object') Object.values(value).forEach((member) => collect(member, into));
  else into.push(value);
}
