// One attempt at a webhook: a POST whose redirects are not followed.

import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

// Test servers sign their certificates themselves.
const AGENTS = {
  'http:': new HttpAgent({ keepAlive: true }),
  'https:': new HttpsAgent({ keepAlive: true, rejectUnauthorized: false }),
};

// Answers { status, headers }; status 0 when no whole answer came.
export function post(url, headers, body, timeoutMs) {
  return new Promise((resolve) => {
    const target = new URL(url);
    const request = target.protocol === 'https:' ? httpsRequest : httpRequest;
    const payload = Buffer.from(body, 'utf8');
    const failed = () => resolve({ status: 0, headers: {} });
    const req = request(target, {
      method: 'POST', agent: AGENTS[target.protocol], timeout: timeoutMs,
      headers: { ...headers, 'Content-Length': String(payload.length) },
    }, (res) => {
      res.on('error', failed);
      res.on('end', () => resolve({ status: res.statusCode, headers: res.headers }));
      res.resume();
    });
    req.on('timeout', () => req.destroy(new Error('timeout')));
    req.on('error', (err) => {
      // An idle connection that the receiver closed is no failed attempt.
      if (req.reusedSocket && err.code === 'ECONNRESET') post(url, headers, body, timeoutMs).then(resolve);
      else failed();
    });
    req.end(payload);
  });
}

export function closeSenders() {
  for (const agent of Object.values(AGENTS)) agent.destroy();
}
