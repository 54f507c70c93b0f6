// One FastCGI request over a Unix socket, as a web server makes it (FastCGI
// 1.0).  The body may come in pieces with pauses, or break off.

import { connect } from 'node:net';

const BEGIN = 1, PARAMS = 4, STDIN = 5, STDOUT = 6, END = 3;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function record(type, content) {
  const head = Buffer.from([1, type, 0, 1, content.length >> 8, content.length & 255, 0, 0]);
  return Buffer.concat([head, content]);
}

function length(n) {
  return n < 128 ? Buffer.from([n]) : Buffer.from([(n >>> 24) | 128, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]);
}

function stream(type, bytes) {
  const records = [];
  for (let at = 0; at < bytes.length; at += 65528) records.push(record(type, bytes.subarray(at, at + 65528)));
  return Buffer.concat(records);
}

function encodeParams(params) {
  const parts = Object.entries(params).flatMap(([name, text]) => {
    const value = Buffer.from(text);
    return [length(Buffer.byteLength(name)), length(value.length), Buffer.from(name), value];
  });
  return Buffer.concat(parts);
}

/* The text of a CGI answer as { status, headers, body }. */
export function parseAnswer(bytes) {
  const text = bytes.toString('latin1');
  const split = /\r?\n\r?\n/.exec(text);
  if (split === null) return { status: 0, headers: {}, body: text };
  const headers = {};
  for (const line of text.slice(0, split.index).split(/\r?\n/)) {
    const at = line.indexOf(':');
    headers[line.slice(0, at).toLowerCase()] = line.slice(at + 1).trim();
  }
  const body = bytes.subarray(split.index + split[0].length).toString('utf8');
  return { status: Number.parseInt(headers.status ?? '200', 10), headers, body };
}

/*
 * pieces: parts of the body, each a Buffer or a number of milliseconds to wait.
 * breakOff: close behind them, without the end of the body.
 */
export function fcgi(socketPath, params, pieces, { breakOff = false } = {}) {
  return new Promise((done, fail) => {
    const socket = connect(socketPath);
    let input = Buffer.alloc(0);
    const out = [];
    const finish = () => done(parseAnswer(Buffer.concat(out)));
    socket.on('error', (error) => (out.length > 0 ? finish() : fail(error)));
    socket.on('close', finish);
    socket.on('data', (data) => {
      input = Buffer.concat([input, data]);
      while (input.length >= 8 && input.length >= 8 + input.readUInt16BE(4) + input[6]) {
        const size = input.readUInt16BE(4);
        if (input[1] === STDOUT) out.push(input.subarray(8, 8 + size));
        const isEnd = input[1] === END;
        input = input.subarray(8 + size + input[6]);
        if (isEnd) socket.destroy();
      }
    });
    socket.on('connect', async () => {
      socket.write(Buffer.concat([record(BEGIN, Buffer.from([0, 1, 0, 0, 0, 0, 0, 0])), stream(PARAMS, encodeParams(params)), record(PARAMS, Buffer.alloc(0))]));
      for (const piece of pieces) {
        if (typeof piece === 'number') await sleep(piece);
        else if (!socket.destroyed) socket.write(stream(STDIN, piece));
      }
      if (breakOff) socket.end();
      else if (!socket.destroyed) socket.write(record(STDIN, Buffer.alloc(0)));
    });
  });
}

/* The meta-variables of a request (RFC 3875), as a web server sets them. */
export function metaVariables(method, path, headers, bodyLength) {
  const [pathInfo, query = ''] = path.split('?');
  const params = {
    GATEWAY_INTERFACE: 'CGI/1.1', SERVER_SOFTWARE: 'flow', SERVER_PROTOCOL: 'HTTP/1.1', SERVER_NAME: 'localhost', SERVER_PORT: '80',
    REQUEST_METHOD: method, REQUEST_URI: path, SCRIPT_NAME: '', PATH_INFO: pathInfo, QUERY_STRING: query, REMOTE_ADDR: '127.0.0.1',
  };
  if (bodyLength > 0 || method === 'POST') params.CONTENT_LENGTH = String(bodyLength);
  for (const [name, value] of Object.entries(headers)) {
    const upper = name.toUpperCase().replaceAll('-', '_');
    params[upper === 'CONTENT_TYPE' || upper === 'CONTENT_LENGTH' ? upper : `HTTP_${upper}`] = value;
  }
  return params;
}
