// Errors as the REST API words them (Salesforce: REST basics, Error body).
// The same error is told in two shapes: a REST error array uses `errorCode`,
// a result row of a collection uses `statusCode` and always has `fields`.

export class SalesforceError extends Error {
  constructor(status, code, message, fields, extra) {
    super(message);
    this.status = status;
    this.code = code;
    this.fields = fields;
    this.extra = extra;
    this.headers = undefined;
  }

  toRest() {
    const out = { message: this.message, errorCode: this.code };
    if (this.fields !== undefined) out.fields = this.fields;
    return this.extra ? { ...out, ...this.extra } : out;
  }

  toRow() {
    const out = { statusCode: this.code, message: this.message, fields: this.fields ?? [] };
    return this.extra ? { ...out, ...this.extra } : out;
  }
}

export const notFound = (message = 'The requested resource does not exist') =>
  new SalesforceError(404, 'NOT_FOUND', message);

export const badRequest = (code, message, fields) => new SalesforceError(400, code, message, fields);

export const noSuchColumn = (column, object) =>
  badRequest('INVALID_FIELD', `No such column '${column}' on sobject of type ${object}`);

export const entityDeleted = () => new SalesforceError(404, 'ENTITY_IS_DELETED', 'entity is deleted', []);

export const invalidCrossReference = () =>
  badRequest('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id', []);

export const methodNotAllowed = (method, allowed) => {
  const error = new SalesforceError(405, 'METHOD_NOT_ALLOWED',
    `HTTP Method '${method}' not allowed. Allowed are ${allowed.join(',')}`);
  error.headers = { Allow: allowed.join(',') };
  return error;
};

export const recordLimit = (limit) =>
  badRequest('EXCEEDED_ID_LIMIT', `record limit reached. cannot submit more than ${limit} records into this call`);

// A request for schema changes that an admin's set-up page would refuse.
export class SetupError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}
