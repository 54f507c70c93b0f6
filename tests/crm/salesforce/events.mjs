// Publishing platform events (Salesforce: Platform events). What was published
// is kept in order for tests to look at; nothing takes it back.

import { randomUUID } from 'node:crypto';
import { checkRight } from './access.mjs';
import { beforeWrite } from './before-write.mjs';
import { badRequest } from './errors.mjs';
import { readRecord } from './incoming.mjs';
import { serverTime } from './values.mjs';
import { checkRequired, requiredNames } from './writer.mjs';

const HOUR_MS = 3600 * 1000;

export class PublishedEvents {
  constructor(settings) {
    this.settings = settings;
    this.clear();
  }

  clear() {
    this.list = [];
    this.hour = { from: Date.now(), used: 0 };
  }

  get left() {
    if (Date.now() - this.hour.from >= HOUR_MS) this.hour = { from: Date.now(), used: 0 };
    return Math.max(0, this.settings.values.hourly_event_limit - this.hour.used);
  }

  add(event) {
    this.hour.used++;
    this.list.push({ n: this.list.length + 1, ...event });
  }

  of(name) {
    return name ? this.list.filter(({ object }) => object.toLowerCase() === name.toLowerCase()) : this.list;
  }
}

function withDefaults(type, changes) {
  const fields = { ...changes };
  for (const field of type.fields.values()) {
    if (field.custom && fields[field.name] === undefined) fields[field.name] = field.defaultValue;
  }
  return fields;
}

// The answer says success and has an "error" all the same: the event is only
// enqueued, and the message is its uuid.
export function publishEvent(call, type, body) {
  checkRight(call, type, 'create');
  beforeWrite(call, 'insert', type, body, null);
  const { changes } = readRecord(call, type, body, { inserting: true });
  checkRequired(type, changes, requiredNames(type));
  const { events, store } = call.org;
  if (events.left === 0) throw badRequest('LIMIT_EXCEEDED', 'The hourly limit of published platform events is exceeded', []);
  const id = store.ids.next(type.keyPrefix);
  const uuid = randomUUID();
  events.add({ object: type.name, id, uuid, at: serverTime(call.now), fields: withDefaults(type, changes) });
  call.records++;
  return { id, errors: [{ statusCode: 'OPERATION_ENQUEUED', message: uuid, fields: [] }] };
}
