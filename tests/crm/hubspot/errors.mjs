// Refusals, in HubSpot's words.
//
// Every refusal is an ApiError. The server turns it into a whole answer, a
// batch turns it into one entry of errors[]. Section numbers here and in the
// other files are those of the HubSpot fact sheet.

import { randomUUID } from 'node:crypto';

export class ApiError extends Error {
  // body: members of the error envelope (section 3) beside status and correlationId.
  constructor(status, body, headers = {}) {
    super(body?.message ?? `HTTP ${status}`);
    this.status = status;
    this.body = body;
    this.headers = headers;
  }

  envelope() {
    return { status: 'error', correlationId: randomUUID(), ...this.body };
  }

  // One entry of errors[] in a batch answer: no correlationId of its own; the
  // trace id is what the caller matches by (section 6, rule 1).
  item(traceId) {
    const { message, category, subCategory, context } = this.body;
    const entry = { status: 'error', category: category ?? 'VALIDATION_ERROR', message };
    if (subCategory) entry.subCategory = subCategory;
    entry.context = { ...context };
    if (traceId !== undefined) entry.context.objectWriteTraceId = [traceId];
    return entry;
  }
}

// An answer whose body is not the JSON envelope (HTML pages, empty bodies).
export class RawAnswer extends Error {
  constructor(status, contentType, text, headers = {}) {
    super(`HTTP ${status}`);
    this.status = status;
    this.contentType = contentType;
    this.text = text;
    this.headers = headers;
  }
}

export function validation(message, extra = {}) {
  return new ApiError(400, { message, category: 'VALIDATION_ERROR', ...extra });
}

// An unknown path answers an HTML page (correction 6).
export function unknownPath() {
  return new RawAnswer(404, 'text/html;charset=utf-8',
    '<html>\n<head>\n<meta http-equiv="Content-Type" content="text/html;charset=utf-8"/>\n' +
    '<title>Error 404 Not Found</title>\n</head>\n<body><h2>HTTP ERROR 404</h2>\n</body>\n</html>\n');
}

export function methodNotAllowed(allowed) {
  return new ApiError(405, { message: 'method not allowed', category: 'METHOD_NOT_ALLOWED' },
    { Allow: allowed.join(', ') });
}

export function notFound(message = 'resource not found') {
  return new ApiError(404, { message, category: 'OBJECT_NOT_FOUND' });
}

// Section 2.6: the same words for no token and for an unknown one.
export function noCredentials() {
  return new ApiError(401, {
    message: 'Authentication credentials not found. This API supports OAuth 2.0 authentication and you can ' +
      'find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview',
    category: 'INVALID_AUTHENTICATION',
  });
}

export function expiredToken(secondsAgo) {
  return new ApiError(401, {
    message: `The OAuth token used to make this call expired ${secondsAgo} second(s) ago.`,
    category: 'EXPIRED_AUTHENTICATION',
    context: { 'expire time': [new Date(Date.now() - secondsAgo * 1000).toISOString()] },
  });
}

export function missingScopes(scopes) {
  return new ApiError(403, {
    message: "This app hasn't been granted all required scopes to make this call. Read more about required " +
      'scopes here: https://developers.hubspot.com/scopes.',
    category: 'MISSING_SCOPES',
    errors: [{
      message: 'One or more of the following scopes are required.',
      context: { requiredGranularScopes: scopes },
    }],
    links: { scopes: 'https://developers.hubspot.com/scopes' },
  });
}

// Section 17. policy: TEN_SECONDLY_ROLLING, SECONDLY or DAILY.
export function rateLimited(policy, headers = {}) {
  return new ApiError(429, {
    message: `You have reached your ${policy.toLowerCase()} limit.`,
    errorType: 'RATE_LIMIT',
    policyName: policy,
    requestId: randomUUID(),
  }, headers);
}

// Section 7: a JSON array inside the message; errors[] beside it.
// problems: [{name, message, code}]
export function invalidProperties(portalId, problems) {
  const rows = problems.map((p) => ({
    isValid: false, message: p.message, error: p.code, name: p.name,
    localizedErrorMessage: p.message, portalId,
  }));
  return validation(`Property values were not valid: ${JSON.stringify(rows)}`, {
    errors: problems.map((p) => ({
      message: p.message, code: p.code, context: { propertyName: [p.name] },
    })),
  });
}

// Section 5: the second id is the owner of the value (correction 3).
export function valueTaken(portalId, type, name, value, id, ownerId) {
  return validation('Cannot set PropertyValueCoordinates{' +
    `portalId=${portalId}, objectTypeId=ObjectTypeId{${type.coordinates()}}, ` +
    `propertyName=${name}, value=${value}} on ${id}. ${ownerId} already has that value.`);
}

// The forms in which a taken contact e-mail has been seen (section 5,
// correction 3, section 6 rule 10); the setting email_conflict chooses.
export function emailTaken(form, portalId, type, email, id, ownerId) {
  if (form === 'coordinates')
    return valueTaken(portalId, type, 'email', email, id, ownerId);
  if (form === 'legacy')
    return new ApiError(409, {
      message: `Contact already exists. Existing ID: ${ownerId}`, category: 'OBJECT_ALREADY_EXISTS',
      error: 'CONTACT_EXISTS', identityProfile: { vid: Number(ownerId), identity: [{ type: 'EMAIL', value: email }] },
    });
  if (form === 'anonymous')
    return new ApiError(409, { message: 'Contact already exists.', category: 'CONFLICT' });
  return new ApiError(409, {
    message: `Contact already exists. Existing ID: ${ownerId}`, category: 'CONFLICT',
    context: { existingId: [ownerId] },
  });
}

export function notByUniqueProperty(portalId, type, property) {
  return validation(`Unable to perform update/upsert by non-unique ${type.id} property ${property} ` +
    `in portal ID ${portalId}`);
}

export function objectsMissing(type, ids, status = 400) {
  return new ApiError(status, {
    message: `Could not get some ${type.errorName} objects, they may be deleted or not exist. ` +
      'Check that ids are valid.',
    category: 'OBJECT_NOT_FOUND',
    context: { ids },
  });
}

export function requiredMissing(verb, type, properties) {
  return validation(`Error ${verb} ${type.createName}. Some required properties were not set.`,
    { context: { properties } });
}
