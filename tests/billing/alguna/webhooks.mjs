// Standard Webhooks, as Svix delivers them.

import { createHmac } from 'node:crypto';

function signature(secret, id, time, body) {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  return `v1,${createHmac('sha256', key).update(`${id}.${time}.${body}`, 'utf8').digest('base64')}`;
}

// One item for each secret, parted by spaces; empty ones are left out.
export function signatures(secrets, id, time, body) {
  return secrets.filter((secret) => secret !== '').map((secret) => signature(secret, id, time, body)).join(' ');
}

export function webhookService(system) {
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
    options: ['family', 'secret'],
    accepted: (status) => status >= 200 && status < 300,
    stops: (headers) => headers['webhook-delivery'] === 'abort-message',
    endpoints: ({ url }) => {
      if (url === undefined) throw new Error('url is missing');
      return [{ url, wants: () => true, id: (event) => event.id }];
    },
    headers: (event, endpoint, body, time, { family = system.settings.family, secret = system.settings.webhook_secret }) => ({
      [`${family}-id`]: event.id, [`${family}-timestamp`]: String(time),
      [`${family}-signature`]: signatures([secret, system.settings.previous_secret], event.id, time, body),
    }),
    spoil(headers) {
      const name = Object.keys(headers).find((one) => one.endsWith('-signature'));
      headers[name] = headers[name].replace(/v1,(.)/g, (all, c) => `v1,${c === 'A' ? 'B' : 'A'}`);
    },
  };
}
