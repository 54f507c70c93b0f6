// The error bodies of the API (concern ApiErrors).

import { Refusal } from '../common/refusal.mjs';

export const badRequest = (text) => new Refusal(400, { status: 400, error: `BadRequest: ${text}` });
export const unauthorized = () => new Refusal(401, { status: 401, error: 'Unauthorized' });
export const forbidden = (code) => new Refusal(403, { status: 403, error: 'Forbidden', code });
export const notFound = (what) => new Refusal(404, { status: 404, error: 'Not Found', code: `${what}_not_found` });
export const notAllowed = (code) => new Refusal(405, { status: 405, error: 'Method Not Allowed', code });
export const invalid = (details) => new Refusal(422, {
  status: 422, error: 'Unprocessable Entity', code: 'validation_errors', error_details: details,
});

// The body of the cloud's 429 is not documented: it must not matter.
export const tooMany = (headers) => new Refusal(429, 'Too Many Requests\n', headers);

// What comes with a status that a test asks for.
export function refusalOf(status) {
  switch (status) {
  case 400: return badRequest('param is missing or the value is empty').answer();
  case 401: return unauthorized().answer();
  case 403: return forbidden('read_action_not_allowed_for_customer').answer();
  case 404: return notFound('resource').answer();
  case 405: return notAllowed('is_not_allowed').answer();
  case 422: return invalid({ base: ['value_is_invalid'] }).answer();
  case 429: return tooMany({ 'X-RateLimit-Limit': '50', 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': '1' }).answer();
  default: return { status, body: { status, error: status >= 500 ? 'Internal Server Error' : 'Refused' }, headers: {} };
  }
}
