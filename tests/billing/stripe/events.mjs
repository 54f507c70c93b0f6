// The list of events: 30 days of them, by type and by how they were delivered
// (section 6).

import { invalid, noSuch } from './errors.mjs';
import { existing, pageOf } from './lists.mjs';
import { boolean, EXPAND, list, PAGE, range, string } from './params.mjs';
import { checkExpand } from './view.mjs';

const DAY_S = 86400;
const MAX_TYPES = 20;
const PARAMS = { ...PAGE, created: range, type: string, types: list(string, MAX_TYPES), delivery_success: boolean };

// A type with * stands for all that begin, and end, so.
export function typeFits(pattern, type) {
  const star = pattern.indexOf('*');
  if (star < 0) return pattern === type;
  return type.length >= pattern.length - 1 && type.startsWith(pattern.slice(0, star)) && type.endsWith(pattern.slice(star + 1));
}

// Nothing is pending or failed any more.
export function isDelivered(world, id) {
  return [...world.deliveries.get(id)?.values() ?? []].every((one) => one.state === 'ok');
}

function shown(call, event) {
  const pending = [...call.world.deliveries.get(event.id)?.values() ?? []].filter((one) => one.state !== 'ok').length;
  return { ...event, pending_webhooks: pending };
}

function oldest(call) {
  return call.now() - call.settings.event_days * DAY_S;
}

export function listEvents(call) {
  const values = call.read(PARAMS);
  const { limit, starting_after: after, ending_before: before, expand = [], type, types, delivery_success: success } = values;
  if (type !== undefined && types !== undefined) throw invalid('You may only specify one of these parameters: type, types.', 'type');
  for (const one of types ?? []) if (one.includes('*')) throw invalid(`Invalid types: ${one} must not contain *`, 'types');
  checkExpand(expand, 'event', true);
  const given = values.created ?? { min: -Infinity, max: Infinity };
  const page = pageOf(call, 'event', {
    limit, after, before, range: { min: Math.max(given.min, oldest(call)), max: given.max },
    fits: (event) => (type === undefined || typeFits(type, event.type))
      && (types === undefined || types.includes(event.type))
      && (success === undefined || isDelivered(call.world, event.id) === success),
  });
  page.data = page.data.map((event) => shown(call, event));
  return { status: 200, body: call.world.view.page('event', page, '/v1/events') };
}

export function retrieveEvent(call, id) {
  const { expand = [] } = call.read(EXPAND);
  checkExpand(expand, 'event', false);
  const event = existing(call, 'event', id);
  if (event.created < oldest(call)) throw noSuch('event', id, 'id', 404);
  return { status: 200, body: shown(call, event) };
}
