// TLS in front of a port of ours.
//
//   node tls.mjs KEY CERTIFICATE PORT PORT-FILE

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createServer } from 'node:tls';

const [key, cert, port, file] = process.argv.slice(2);
const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (socket) => {
  const behind = connect(Number(port), '127.0.0.1');
  for (const [one, other] of [[socket, behind], [behind, socket]]) {
    one.pipe(other);
    one.on('error', () => other.destroy());
  }
});
server.on('tlsClientError', () => {});
server.listen(0, '127.0.0.1', () => {
  writeFileSync(`${file}.new`, `${server.address().port}`);
  renameSync(`${file}.new`, file);
});
