// How LostChurn signs: hex over the time of the attempt, a dot, and the body.

import { createHmac } from 'node:crypto';

export function signature(secret, time, body) {
  return createHmac('sha256', secret).update(`${time}.${body}`, 'utf8').digest('hex');
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
    options: ['secret'],
    accepted: (status) => status >= 200 && status < 300,
    endpoints: ({ url }) => {
      if (url === undefined) throw new Error('url is missing');
      return [{ url, wants: () => true, id: (event) => event.id }];
    },
    headers: (event, endpoint, body, time, { secret = system.settings.signing_secret }) => ({
      'X-LostChurn-Signature': signature(secret, time, body), 'X-LostChurn-Timestamp': String(time), 'X-LostChurn-Event-Id': event.id,
    }),
    spoil(headers) {
      const text = headers['X-LostChurn-Signature'];
      headers['X-LostChurn-Signature'] = (text[0] === '0' ? '1' : '0') + text.slice(1);
    },
  };
}
