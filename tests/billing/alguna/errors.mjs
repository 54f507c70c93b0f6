// Errors are {status, detail}; what may pass carries Transient-Error.

import { Refusal } from '../common/refusal.mjs';

const TRANSIENT = { 'Transient-Error': 'true' };

const refused = (status, detail, headers = {}) => new Refusal(status, { status, detail }, headers);

export const badRequest = (detail) => refused(400, detail);
export const unauthorized = () => refused(401, 'API key missing or not valid');
export const notFound = (what) => refused(404, `${what} not found`);
export const conflict = (detail) => refused(409, detail);
export const invalid = (detail) => refused(422, detail);
export const tooMany = () => refused(429, 'too many requests', TRANSIENT);

// What comes with a status that a test asks for.
export function refusalOf(status) {
  const headers = status === 429 || status >= 500 ? TRANSIENT : {};
  const details = { 401: 'API key missing or not valid', 404: 'customer not found', 429: 'too many requests' };
  return { status, body: { status, detail: details[status] ?? (status >= 500 ? 'try again' : 'refused') }, headers };
}
