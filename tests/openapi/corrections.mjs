// Where HubSpot's documents and its service differ, and which of the two the
// validator follows: the service.  Each entry says why; all else is held
// against the documents as they stand.

// documents: of which documents alone, by their names; all where it is left out.
const optional = (why, members, documents) => ({
  why, documents, schemas: Object.keys(members),
  fix: (schema, name) => {
    schema.required = (schema.required ?? []).filter((member) => !members[name].includes(member));
  },
});

// Each pair: a schema's name, and the member that may have this form, too.
const also = (why, form, members) => ({
  why, schemas: Object.keys(members),
  fix: (schema, name) => {
    for (const member of members[name])
      if (schema.properties[member] !== undefined) schema.properties[member] = { anyOf: [schema.properties[member], form] };
  },
});

const more = (why, members, documents) => ({
  why, documents, schemas: Object.keys(members),
  fix: (schema, name) => Object.assign(schema.properties, members[name]),
});
const text = { type: 'string' };
const OAUTH = /^oauth\./, OTHERS = /^(?!oauth\.)/;

export const SCHEMA_CORRECTIONS = [
  optional('a create needs no associations', {
    SimplePublicObjectInputForCreate: ['associations'], SimplePublicObjectBatchInputForCreate: ['associations'],
  }),
  optional('a search needs only what it uses', {
    PublicObjectSearchRequest: ['after', 'filterGroups', 'limit', 'properties', 'sorts'],
  }),
  optional('a batch read needs only its inputs', {
    BatchReadInputSimplePublicObjectId: ['properties', 'propertiesWithHistory'], BatchReadInputPropertyName: ['archived', 'dataSensitivity'],
  }),
  optional('a custom object needs its name, labels, first property and that one', {
    ObjectSchemaEgg: ['allowsSensitiveProperties', 'associatedObjects', 'requiredProperties', 'searchableProperties', 'secondaryDisplayProperties'],
  }),
  optional('an option needs its label and value', { OptionInput: ['displayOrder', 'hidden'] }),
  optional('a row of errors[] has what applies to it', { StandardError: ['category', 'context', 'errors', 'links', 'message', 'status'] }),
  also('the service sends text where the documents have an object', { type: 'string' }, { StandardError: ['subCategory'] }),
  more('an e-mail that is taken was seen with these, too', {
    StandardError: { error: text, identityProfile: { type: 'object' } }, Error: { error: text, identityProfile: { type: 'object' } },
  }, OTHERS),
  more('every refusal says "error" once more', { Error: { status: { enum: ['error'] } } }, OTHERS),
  optional('each of them is missing at times, the message never', { Error: ['correlationId', 'category'] }, OTHERS),
  more('a limit that is reached is told by these in place of a category', {
    Error: { errorType: { enum: ['RATE_LIMIT'] }, policyName: text, requestId: text, groupName: text },
  }, OTHERS),
  {
    why: 'tokens are refused in the form of OAuth (RFC 6749), in that of older versions or in both', documents: OAUTH, schemas: ['Error'],
    fix: (schema) => {
      Object.assign(schema.properties, { status: text, error: text, error_description: text });
      schema.required = [];
      schema.anyOf = ['error', 'message', 'status'].map((member) => ({ required: [member] }));
    },
  },
  {
    why: 'the documents name one member of what the service tells about a token', schemas: ['TokenInfoResponseBaseIF'],
    fix: (schema) => Object.assign(schema, { additionalProperties: true }),
  },
  also('ids of associations come as numbers', { type: 'integer' }, {
    LabelsBetweenObjectPair: ['fromObjectId', 'toObjectId'], MultiAssociatedObjectWithLabel: ['toObjectId'], PublicObjectId: ['id'],
  }),
  {
    why: 'a property without a value reads as null', schemas: ['SimplePublicObject', 'SimplePublicUpsertObject', 'SimplePublicObjectWithAssociations'],
    fix: (schema) => Object.assign(schema.properties.properties.additionalProperties, { nullable: true }),
  },
  also('a plain link has no label', { type: 'null' }, { AssociationSpecWithLabel: ['label'] }),
];

// Batches answer 207 when a part of them failed, with errors[] beside results[].
const BATCH = /\/batch\/(create|read|update|upsert|associate\/default)$/;

// Each: does it apply to this call, and which answer of the call has the same
// form (null: the documents say nothing of the body).
export const STATUS_CORRECTIONS = [
  { why: 'documents of 2026-09 and of default associations leave 207 out', status: 207, path: BATCH, like: ['200', '201'] },
  { why: 'what is made in a batch answers 201; documents of 2026-09 say 200', status: 201, path: /\/batch\/create$/, like: ['200'] },
  { why: 'the documents of tokens leave the 200 out', status: 200, path: /^\/oauth\/.*\/token(\/revoke)?$/, like: null },
  { why: 'links taken away answer 204 as in v4, or 200', status: 204, path: /^\/crm\/associations\/.*\/batch\/(labels\/)?archive$/, like: null },
];

// Refusals without the documents' JSON: what stands in front of the API answers with a page or with nothing.
export const PLAIN_REFUSALS = [
  { why: 'gateways and proxies know pages alone', statuses: [408, 500, 502, 503, 504, 521, 522, 523, 524, 525, 526], form: /^($|<)/ },
  { why: 'an address that is none answers with a page, a fault of the network with nothing', statuses: [404], form: /^($|<)/ },
  { why: 'what is larger or of another type than is taken never reaches the API', statuses: [413, 414, 415], form: /^($|<)/ },
  { why: 'a portal that is locked or moves says so by the status and Retry-After', statuses: [423, 477], form: /^$/ },
  { why: 'a limit or a right may be refused in front of the API, without a word', statuses: [403, 429], form: /^$/ },
];

// Calls that stand in no document of the versions here, and where they come from.
export const OTHER_CALLS = [
  { why: 'the page of consent is no API', path: /^\/oauth(\/\d+)?\/(authorize|approve)$/ },
  { why: 'scopes of a pasted token: known from the service alone', path: /^\/oauth\/v2\/private-apps\/get\/access-token-info$/ },
];

// Of these the simulator answers the older forms as well: its own tests look there, the program must not call them.
export const OLDER_CALLS = [
  { why: 'versions 3 and 4 of what has dates now; documents of the dated versions stand here', path: /^\/crm\/v[34]\// },
  { why: 'tokens were told about so before the dated versions', path: /^\/oauth\/v1\// },
];
