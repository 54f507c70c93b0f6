// What a test may set, with the type of each setting and what it is at the start.

import { changeSettings } from '../../sim/settings.mjs';
import { ALL_SCOPES, OWNERS } from './factory.mjs';

export function defaultSettings() {
  return {
    portal_id: 4711000,
    account_type: 'STANDARD',
    latency_ms: 0, // added to every API call
    enterprise: true, // false: no custom objects and events, their scopes cannot be granted (section 11.5)
    // Tokens (section 2)
    private_token: 'pat-sim-token',
    client_id: 'sim-client',
    client_secret: 'sim-secret',
    refresh_token: 'sim-refresh',
    redirect_uris: [], // empty: any that the rules allow (https, or http on localhost)
    app_scopes: [], // what the app may ask for; empty: any
    scopes: ALL_SCOPES,
    withheld_scopes: [], // of those, what no token has any more: calls that need one are refused
    token_ttl_s: 1800,
    rotate_refresh_token: false, // section 2.3: normally they come back unchanged
    authorize: 'ask', // a person on the page; 'grant' and 'deny' go back at once
    // Limits (section 17)
    ten_second_limit: 190, // pasted tokens
    oauth_ten_second_limit: 110,
    association_ten_second_limit: 150,
    search_second_limit: 5,
    window_ms: 10000, // length of the "ten second" window, so that tests need not wait
    daily_limit: 1000000,
    association_daily_limit: 500000,
    daily_used: 0,
    retry_after: false, // section 17: not promised on 429
    default_association_limit: 1000, // inputs of associate/default; the real figure is not known (section 12.2)
    association_page: 500,
    custom_object_limit: 10,
    unique_property_limit: 10,
    custom_property_limit: 1000,
    // Behaviour
    shuffle: true, // batch results come in no particular order (section 6 rule 2)
    search_lag_ms: 10000, // the index lags behind writes (section 13)
    schema_lag_ms: 0, // a schema read may lag behind writes (section 11.4)
    email_conflict: 'conflict', // conflict, coordinates, legacy, anonymous: see errors.mjs
    activity_properties: false, // custom properties on tasks and the like are not documented (section 14)
    required_properties: {}, // type -> names an admin made required (section 7, from 2026-09)
    time_zone: 'US/Eastern',
    company_currency: 'USD',
    additional_currencies: ['EUR'],
    owners: OWNERS,
  };
}

const CHOICES = {
  account_type: ['STANDARD', 'SANDBOX', 'DEVELOPER_TEST', 'APP_DEVELOPER'],
  authorize: ['ask', 'grant', 'deny'],
  email_conflict: ['conflict', 'coordinates', 'legacy', 'anonymous'],
};

export function applySettings(settings, changes) {
  changeSettings(settings, changes, CHOICES);
  // One knob is enough for a test that does not care about the kind of token.
  if ('ten_second_limit' in changes && !('oauth_ten_second_limit' in changes))
    settings.oauth_ten_second_limit = changes.ten_second_limit;
}
