// What a platform event's definition may hold (Salesforce: Metadata, Platform
// event): a few field types, no keys, and fields of its own.

import { SetupError } from './errors.mjs';

const READ_ONLY = { createable: false, updateable: false, nillable: false, defaultedOnCreate: true };

export const EVENT_FIELDS = [
  { name: 'ReplayId', label: 'Replay ID', type: 'string', length: 1000, ...READ_ONLY },
  { name: 'CreatedDate', label: 'Created Date', type: 'datetime', ...READ_ONLY },
  { name: 'CreatedById', label: 'Created By ID', type: 'reference', referenceTo: ['User'], relationshipName: 'CreatedBy', ...READ_ONLY },
  { name: 'EventUuid', label: 'Event UUID', type: 'string', length: 36, ...READ_ONLY },
];

const TYPES = ['Checkbox', 'Date', 'DateTime', 'LongTextArea', 'Number', 'Text'];

export function checkEventField(type, spec) {
  if (!TYPES.includes(spec.type)) throw new SetupError('FIELD_INTEGRITY_EXCEPTION', `${type.name}.${spec.name}: a platform event has no fields of type ${spec.type}`);
  for (const name of ['externalId', 'unique']) {
    if (spec[name] === true) throw new SetupError('FIELD_INTEGRITY_EXCEPTION', `${type.name}.${spec.name}: a field of a platform event can not be ${name}`);
  }
}
