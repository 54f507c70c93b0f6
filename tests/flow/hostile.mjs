// Webhooks whose texts are made to break out of a page.
//
//   node hostile.mjs stripe|lago DIR     a file in DIR for each of the events below tests/hooks
//   node hostile.mjs text                the text itself
//
// Names, addresses, descriptions, numbers and metadata carry the text, addresses
// of pages lead to script; ids stay, so that what belongs together does.

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// <bh-evil> is looked for on the pages: an element of that name is made of data.
export const EVIL = '\'"><bh-evil></bh-evil><img src=x onerror=window.hacked=1><script>window.hacked=1</script>{{{token}}}';
export const EVIL_URL = 'javascript:window.hacked=1//';

const TEXTS = /^(name|legal_name|display_name|nickname|description|memo|footer|reason|message|failure_message|seller_message|email|phone|number|line1|line2|city|state|zipcode|postal_code|address_line1|address_line2|customer_name|customer_email|customer_phone|statement_descriptor|account_name|purchase_order_number|invoice_name|invoice_display_name|note|comment|value|title|plan_name|invoice_number|firstname|lastname|tax_identification_number)$/;
const URLS = /url$|^invoice_pdf$/;

function spoil(value, key, isFree) {
  if (Array.isArray(value)) return value.map((one) => spoil(one, key, isFree));
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [isFree ? `${name}${EVIL}`.slice(0, 40) : name, spoil(one, name, isFree || name === 'metadata')]));
  if (typeof value !== 'string') return value;
  if (URLS.test(key)) return `${EVIL_URL}${EVIL}`;
  if (/email$/.test(key)) return `<bh-evil>.${value}`;
  return isFree || TEXTS.test(key) ? `${value.slice(0, 12)}${EVIL}` : value;
}

function write(source, dir) {
  const hooks = fileURLToPath(new URL(`../hooks/${source}/`, import.meta.url));
  const names = readdirSync(hooks).filter((name) => name.endsWith('.json') && !name.endsWith('.want.json') && (source !== 'stripe' || name.startsWith('endive_')));
  for (const name of names) {
    const body = JSON.parse(readFileSync(`${hooks}${name}`));
    writeFileSync(`${dir}/${source}-${name}`, JSON.stringify({ ...spoil(body, ''), ...(source === 'stripe' && { livemode: true }) }));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv[2] === 'text') console.log(EVIL);
  else write(process.argv[2], process.argv[3]);
}
