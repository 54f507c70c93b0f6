// Who calls: the key, its mode and permissions, the account, the version
// (section 6).

import { forbidden, invalid, unauthorized } from './errors.mjs';

const NO_KEY = 'You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. \'Authorization: Bearer YOUR_SECRET_KEY\'). See https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/.';

// sk_test_****abcd: as keys stand in messages.
export function redacted(key) {
  const start = /^[a-z]k_(?:live|test)_/.exec(key)?.[0] ?? '';
  const rest = key.slice(start.length);
  const shown = rest.length > 7 ? 4 : 0;
  return start + '*'.repeat(rest.length - shown) + rest.slice(rest.length - shown);
}

function keyOf(header = '') {
  const [, scheme, value] = /^(\S+)\s+(\S+)\s*$/.exec(header) ?? [];
  if (scheme === undefined) throw unauthorized(NO_KEY);
  if (/^bearer$/i.test(scheme)) return value;
  if (!/^basic$/i.test(scheme)) throw unauthorized(NO_KEY);
  const [user, password] = Buffer.from(value, 'base64').toString('utf8').split(':');
  if (user === '' || (password ?? '') !== '') throw unauthorized(NO_KEY);
  return user;
}

// {key, live, permissions, account}; throws 401 and 403.
export function authenticate(settings, headers) {
  const key = keyOf(headers.authorization);
  if (key.startsWith('pk_'))
    throw forbidden('This API call cannot be made with a publishable API key. Please use a secret API key. You can find a list of your API keys at https://dashboard.stripe.com/account/apikeys.', 'secret_key_required');
  const known = Object.hasOwn(settings.keys, key) ? settings.keys[key] : undefined;
  if (known === undefined) throw unauthorized(`Invalid API Key provided: ${redacted(key)}`);
  if (known.expired === true) throw unauthorized(`Expired API Key provided: ${redacted(key)}`, 'api_key_expired');
  const own = known.account ?? settings.account;
  const account = headers['stripe-account'] ?? own;
  if (account !== own) checkConnected(settings, key, account);
  return { key, live: /^.k_live_/.test(key), permissions: known.permissions, account };
}

function checkConnected(settings, key, account) {
  if (key.startsWith('rk_'))
    throw forbidden('You passed a restricted API key with the Stripe-Account header, but the restricted API key does not have any Connect permissions.');
  if (!settings.connected_accounts.includes(account))
    throw forbidden(`The provided key '${redacted(key)}' does not have access to account '${account}' (or that account does not exist). Application access may have been revoked.`, 'account_invalid');
}

export function checkPermission({ key, permissions, account }, slug) {
  if (slug === undefined || permissions === '*' || permissions.includes(slug)) return;
  // What may be written may be read; credit notes bring their invoices.
  if (slug.endsWith('_read') && permissions.includes(slug.replace(/_read$/, '_write'))) return;
  if (slug === 'rak_invoice_read' && permissions.includes('rak_credit_note_read')) return;
  throw forbidden(`The provided key '${redacted(key)}' does not have the required permissions for this endpoint on account '${account}'. Having the '${slug}' permission would allow this request to continue.`);
}

export function checkVersion(settings, version) {
  if (version === undefined) {
    if (settings.require_version) throw invalid('The simulator wants the header Stripe-Version: without it the default of the account would apply.');
    return settings.api_versions[0];
  }
  if (!settings.api_versions.includes(version)) throw invalid(`Invalid Stripe API version: ${version}`);
  return version;
}
