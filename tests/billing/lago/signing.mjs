// The two signatures of a webhook: HMAC in base64, or a JWT that carries the
// whole body as one string.

import { createHmac, createPrivateKey, createPublicKey, createSign, generateKeyPairSync } from 'node:crypto';

export function hmacSignature(key, body) {
  return createHmac('sha256', key).update(body, 'utf8').digest('base64');
}

const urlText = (value) => Buffer.from(value, 'utf8').toString('base64url');

export class JwtSigner {
  constructor(pem) {
    this.key = pem === '' ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey : createPrivateKey(pem);
  }

  sign(issuer, body) {
    const signed = `${urlText('{"alg":"RS256"}')}.${urlText(JSON.stringify({ data: body, iss: issuer }))}`;
    return `${signed}.${createSign('RSA-SHA256').update(signed).sign(this.key).toString('base64url')}`;
  }

  // Base64 of the PEM text, a newline after every 60 characters.
  publicKeyText() {
    const pem = createPublicKey(this.key).export({ type: 'spki', format: 'pem' });
    return Buffer.from(pem).toString('base64').replace(/.{1,60}/g, '$&\n');
  }
}
