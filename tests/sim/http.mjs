// HTTP of the simulators: starting and stopping a server, and writing answers
// {status, body | text, headers}.

export function listen(server, port) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server.address().port));
  });
}

export function close(server) {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

// Calls work with the body when it has come; a mistake of the simulator must
// not look like an answer of the service: 599.
export function receive(name, req, res, work) {
  const chunks = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('error', () => res.destroy());
  req.on('end', () => {
    const raw = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    Promise.resolve().then(() => work(raw)).catch((err) => {
      process.stderr.write(`${name} simulator: ${req.method} ${req.url}: ${err.stack}\n`);
      send(res, { status: 599, text: String(err.stack), headers: { 'Content-Type': 'text/plain' } });
    });
  });
}

function encode(answer) {
  const text = answer.text ?? (answer.body === undefined ? '' : JSON.stringify(answer.body));
  const payload = Buffer.from(text, 'utf8');
  const headers = { ...answer.headers };
  if (answer.body !== undefined && answer.text === undefined) headers['Content-Type'] ??= 'application/json;charset=utf-8';
  if (answer.status !== 204) headers['Content-Length'] = String(payload.length);
  return { payload, headers };
}

export function send(res, answer) {
  const { payload, headers } = encode(answer);
  res.writeHead(answer.status, headers);
  res.end(payload);
}

// The length promises more than is sent.
export function truncate(req, res, answer) {
  const { payload, headers } = encode(answer);
  headers['Content-Length'] = String(Math.max(payload.length, 2));
  res.writeHead(answer.status, headers);
  res.write(payload.subarray(0, Math.floor(payload.length / 2)), () => req.socket.destroy());
}
