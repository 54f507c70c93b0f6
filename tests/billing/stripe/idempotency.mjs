// Idempotency-Key on POST (section 6): the same key with the same parameters
// gets the first answer again, with others an error. What was refused before
// it was carried out is not kept, so that it can be sent again corrected.

import { invalid, otherParameters } from './errors.mjs';

const MAX_LENGTH = 255;

export function once(call, work) {
  const key = call.headers['idempotency-key'];
  if (key === undefined || call.method !== 'POST') return work();
  if (key.length === 0 || key.length > MAX_LENGTH) throw invalid(`Idempotency-Key must be between 1 and ${MAX_LENGTH} characters.`);
  const kept = call.world.idempotent.get(key);
  const fingerprint = `${call.path}\n${call.raw.toString('utf8')}`;
  if (kept !== undefined) {
    if (kept.fingerprint !== fingerprint) throw otherParameters();
    return { ...kept.answer, headers: { ...kept.answer.headers, 'Idempotent-Replayed': 'true', 'Original-Request': kept.request } };
  }
  const answer = work();
  call.world.idempotent.set(key, { fingerprint, answer: { ...answer, body: structuredClone(answer.body) }, request: call.requestId });
  return answer;
}

export function echoed(headers) {
  return headers['idempotency-key'] === undefined ? {} : { 'Idempotency-Key': headers['idempotency-key'] };
}
