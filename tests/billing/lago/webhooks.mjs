// How Lago sends: to each of its endpoints, three attempts, then never again.

import { randomUUID } from 'node:crypto';
import { hmacSignature, JwtSigner } from './signing.mjs';

const ACCEPTED = [200, 201, 202, 204];

// Deliver options of Lago: "algo" hmac or jwt, for a URL that is no endpoint.
export function webhookService(system) {
  let signer = null;
  let pem = null;
  const jwt = () => {
    if (signer === null || pem !== system.settings.private_key) {
      pem = system.settings.private_key;
      signer = new JwtSigner(pem);
    }
    return signer;
  };
  system.jwt = jwt;
  return {
    get settings() {
      return system.settings;
    },
    get attempts() {
      return system.settings.webhook_attempts;
    },
    get timeoutMs() {
      return system.settings.webhook_timeout_ms;
    },
    options: ['algo'],
    accepted: (status) => ACCEPTED.includes(status),
    endpoints: (options) => endpointsFor(system, options),
    headers: (event, endpoint, body) => ({
      'X-Lago-Signature': endpoint.algo === 'jwt' ? jwt().sign(system.settings.api_url, body) : hmacSignature(system.settings.hmac_key, body),
      'X-Lago-Signature-Algorithm': endpoint.algo,
      'X-Lago-Unique-Key': endpoint.id(event),
      'User-Agent': 'Ruby',
    }),
    spoil(headers) {
      const text = headers['X-Lago-Signature'];
      const at = Math.floor(text.length / 2);
      headers['X-Lago-Signature'] = text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
    },
  };
}

function endpointsFor(system, { url, algo }) {
  const registered = system.tables.webhook_endpoints.all();
  if (url === undefined) {
    if (registered.length === 0) throw new Error('no webhook endpoint is registered, and no url given');
    return registered.map((row) => endpoint(row.lago_id, row.webhook_url, row.signature_algo, row.event_types));
  }
  const row = registered.find((one) => one.webhook_url === url);
  if (row !== undefined) return [endpoint(row.lago_id, url, algo ?? row.signature_algo, row.event_types)];
  return [endpoint(url, url, algo ?? system.settings.signature_algo, null)];
}

// The unique key belongs to the pair of event and endpoint, and stays.
function endpoint(name, url, algo, types) {
  const all = types === null || types.includes('*');
  return {
    url, algo,
    wants: (event) => all || types.includes(event.type),
    id: (event) => (event.keys[name] ??= randomUUID()),
  };
}
