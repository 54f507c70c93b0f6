// The errors of the API (section 6), in the words of the recorded ones.

const DOCS = 'https://stripe.com/docs/error-codes/';

export class StripeError extends Error {
  // error: {message, type?, code?, param?}
  constructor(status, error, headers = {}) {
    super(error.message);
    this.status = status;
    this.headers = headers;
    const { type = 'invalid_request_error', code, message, param } = error;
    this.body = {
      error: {
        ...(code === undefined ? {} : { code, doc_url: DOCS + code.replaceAll('_', '-') }),
        message,
        ...(param === undefined ? {} : { param }),
        type,
      },
    };
    if (status >= 400 && status < 500 && status !== 409 && status !== 429) this.headers = { 'Stripe-Should-Retry': 'false', ...headers };
  }
}

// Something that Stripe does and the simulator does not: never taken for an answer of Stripe.
export class NotSimulated extends Error {}

export function invalid(message, param, code) {
  return new StripeError(400, { message, param, code });
}

export function noSuch(type, id, param, status = 400, hint = '') {
  return new StripeError(status, { code: 'resource_missing', message: `No such ${type}: '${id}'${hint}`, param });
}

export function unauthorized(message, code) {
  return new StripeError(401, { message, code }, { 'WWW-Authenticate': 'Bearer realm="Stripe"' });
}

export function forbidden(message, code) {
  return new StripeError(403, { message, code });
}

export function unknownPath(method, path) {
  return new StripeError(404, {
    message: `Unrecognized request URL (${method}: ${path}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.`,
  });
}

export function rateLimited(reason, shouldRetry = '') {
  return new StripeError(429, {
    code: 'rate_limit',
    message: 'Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.',
  }, { 'Stripe-Rate-Limited-Reason': reason, ...(shouldRetry === '' ? {} : { 'Stripe-Should-Retry': shouldRetry }) });
}

export function lockTimeout() {
  return new StripeError(429, {
    code: 'lock_timeout',
    message: 'This object cannot be accessed right now because another API request or Stripe process is currently accessing it. If you see this error intermittently, retry the request.',
  }, { 'Stripe-Should-Retry': 'true' });
}

export function keyInUse() {
  return new StripeError(409, {
    code: 'idempotency_key_in_use', type: 'idempotency_error',
    message: 'There is currently another in-progress request using this Idempotent Key. Please try again later.',
  }, { 'Stripe-Should-Retry': 'true' });
}

export function otherParameters() {
  return new StripeError(400, {
    type: 'idempotency_error',
    message: 'Keys for idempotent requests can only be used with the same parameters they were first used with.',
  });
}

export function serverError(status = 500) {
  return new StripeError(status, { type: 'api_error', message: 'An unknown error occurred' });
}
