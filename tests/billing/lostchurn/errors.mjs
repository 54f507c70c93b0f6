// Errors: edition 1 has a request id and may name the parameter, edition 2
// spells the code in capitals and has neither.

import { randomUUID } from 'node:crypto';
import { Refusal } from '../common/refusal.mjs';

const STATUS = {
  invalid_request: 400, invalid_api_key: 401, insufficient_scope: 403, trial_expired: 403, ip_not_allowed: 403,
  resource_not_found: 404, state_conflict: 409, validation_error: 422, rate_limit_exceeded: 429, internal_error: 500,
};

function body(edition, code, message, param) {
  if (edition === 2) return { error: { code: code.toUpperCase(), message } };
  return { error: { code, message, ...(param === undefined ? {} : { param }), request_id: `req_${randomUUID().slice(0, 6)}` } };
}

export function refused(system, code, message, param = undefined, headers = {}) {
  return new Refusal(STATUS[code], body(system.settings.edition, code, message, param), headers);
}

// What comes with a status that a test asks for.
export function refusalOf(system, status) {
  const code = Object.keys(STATUS).find((name) => STATUS[name] === status) ?? 'internal_error';
  return { status, body: body(system.settings.edition, code, 'Refused by a fault.'), headers: {} };
}
