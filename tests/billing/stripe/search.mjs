// GET /v1/customers/search (section 6): by metadata alone, ignoring case, and
// search_lag_s behind: what was made since is not found.

import { invalid, NotSimulated } from './errors.mjs';
import { EXPAND, integer, require, string } from './params.mjs';
import { checkExpand } from './view.mjs';

const PARAMS = { ...EXPAND, query: string, limit: integer(1, 100), page: string };
const TERM = /^metadata\[(?<key>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]:(?<value>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")$/;
const DEFAULT_LIMIT = 10;

const unquoted = (text) => text.slice(1, -1).replace(/\\(.)/g, '$1');

export function customers(call) {
  const { settings, world } = call;
  const { query, limit = DEFAULT_LIMIT, page, expand = [] } = call.read(PARAMS);
  call.allow(checkExpand(expand, 'customer', true));
  if (query === undefined) require({ query }, 'query');
  if (!settings.search) throw invalid('Search is not available for your account.');
  const term = TERM.exec(query);
  if (term === null || page !== undefined) throw new NotSimulated('search is simulated for one page of metadata[\'key\']:\'value\'');
  const [key, value] = [unquoted(term.groups.key), unquoted(term.groups.value).toLowerCase()];
  const found = [];
  for (const one of world.collection('customer').walk())
    if (one.created <= call.now() - settings.search_lag_s && one.metadata?.[key]?.toLowerCase() === value) found.push(one);
  const { data, has_more: more } = world.view.page('customer', { data: found.slice(0, limit), has_more: found.length > limit }, '', expand);
  return { status: 200, body: { object: 'search_result', data, has_more: more, next_page: more ? 'WyJzaW0iXQ==' : null, url: '/v1/customers/search' } };
}
