// The quickstart's helper: prepares the simulated CRMs, writes the
// configuration file, sends signed sample events, shows what arrived.
import { createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../..', import.meta.url));
const json = (path) => JSON.parse(readFileSync(top + path, 'utf8'));

async function call(url, options) {
  const answer = await fetch(url, options);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${text.slice(0, 300)}`);
  return text === '' ? null : JSON.parse(text);
}

const post = (url, body) =>
  call(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

// What an administrator does once in each CRM: the custom fields and objects.
async function install(salesforce, hubspot, stripe, file) {
  await post(`${salesforce}/_sim/schema`, json('presets/schema/salesforce.json'));
  await post(`${hubspot}/_sim/schema`, json('presets/schema/hubspot.json'));
  const schemas = await call(`${hubspot}/crm-object-schemas/2026-09/schemas`, {
    headers: { authorization: `Bearer ${process.env.HUBSPOT_TOKEN}` },
  });
  const types = Object.fromEntries(schemas.results.map((s) => [s.name, s.objectTypeId]));
  const objects = (whose) => ({
    subscription_object: types[`${whose}Subscriptions`],
    invoice_object: types[`${whose}Invoices`],
    credit_note_object: types.BillhookCreditNotes,
    payment_object: types.BillhookPayments,
  });
  const document = {
    billhook: 1,
    connections: [
      {
        code: 'stripe',
        driver: 'stripe',
        name: 'Stripe (simulated)',
        settings: { api_url: stripe },
        secrets: { webhook: 'env:STRIPE_WEBHOOK_SECRET', api_key: 'env:STRIPE_API_KEY' },
      },
      { code: 'lago', driver: 'lago', name: 'Lago', secrets: { webhook: 'env:LAGO_HMAC_KEY' } },
      {
        code: 'salesforce',
        driver: 'salesforce',
        name: 'Salesforce (simulated)',
        settings: { login_url: salesforce, flow: 'client_credentials', client_id: 'sim-client' },
        secrets: { client_secret: 'env:SALESFORCE_CLIENT_SECRET' },
      },
      {
        code: 'hubspot',
        driver: 'hubspot',
        name: 'HubSpot (simulated)',
        settings: { base_url: hubspot, flow: 'token' },
        secrets: { access_token: 'env:HUBSPOT_TOKEN' },
      },
    ],
    syncs: [
      { code: 'stripe-salesforce', from: 'stripe', to: 'salesforce', preset: 'stripe-salesforce' },
      { code: 'lago-salesforce', from: 'lago', to: 'salesforce', preset: 'lago-salesforce', settings: { create_accounts: 'yes' } },
      { code: 'stripe-hubspot', from: 'stripe', to: 'hubspot', preset: 'stripe-hubspot', settings: objects('Billhook') },
      { code: 'lago-hubspot', from: 'lago', to: 'hubspot', preset: 'lago-hubspot', settings: objects('Lago') },
    ],
  };
  writeFileSync(file, JSON.stringify(document, null, 2) + '\n');
}

const events = {
  stripe: [
    'endive_01_customer.created_acme',
    'endive_02_customer.subscription.created_acme_incomplete_two_items',
    'endive_04_invoice.finalized_acme',
    'endive_08_invoice.paid_acme',
    'endive_10_customer.subscription.updated_acme_incomplete_to_active',
    'endive_13_customer.subscription.updated_acme_seats_12_to_20',
    'endive_41_customer.created_nihon_unicode',
    'endive_42_customer.subscription.created_nihon_jpy_annual_send_invoice',
    'endive_43_invoice.sent_nihon_jpy',
    'endive_47_invoice.paid_nihon_out_of_band',
  ],
  lago: [
    'customer.created.company_eur',
    'subscription.started.eur',
    'invoice.created.eur',
    'invoice.payment_status_updated.eur',
    'customer.created.company_jpy',
    'subscription.started.jpy',
    'invoice.created.jpy',
  ],
};

function signed(source, body) {
  if (source === 'stripe') {
    const t = Math.floor(Date.now() / 1000);
    const v1 = createHmac('sha256', process.env.STRIPE_WEBHOOK_SECRET).update(`${t}.`).update(body).digest('hex');
    return { 'stripe-signature': `t=${t},v1=${v1}` };
  }
  const signature = createHmac('sha256', process.env.LAGO_HMAC_KEY).update(body).digest('base64');
  return {
    'x-lago-signature': signature,
    'x-lago-signature-algorithm': 'hmac',
    'x-lago-unique-key': createHmac('sha256', 'demo').update(body).digest('hex').slice(0, 32),
  };
}

async function send(url) {
  for (const [source, names] of Object.entries(events)) {
    for (const name of names) {
      const body = readFileSync(`${top}tests/hooks/${source}/${name}.json`);
      const headers = { 'content-type': 'application/json', ...signed(source, body) };
      const answer = await fetch(`${url}/hook/${source}`, { method: 'POST', headers, body });
      console.log(`${answer.status}  ${source.padEnd(7)} ${name.replace(/^endive_\d+_/, '')}`);
      if (answer.status !== 200) throw new Error(await answer.text());
    }
  }
  const forged = await fetch(`${url}/hook/stripe`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'stripe-signature': 't=1,v1=00' },
    body: '{}',
  });
  console.log(`${forged.status}  stripe  a forged one, refused`);
  if (forged.status !== 400) throw new Error('a forged event was not refused');
}

function table(title, rows) {
  console.log(`\n${title}`);
  if (rows.length === 0) console.log('  nothing');
  for (const row of rows) console.log('  ' + row.map((v) => String(v ?? '-')).join('  '));
}

async function show(salesforce, hubspot) {
  const sf = (await call(`${salesforce}/_sim/state`)).objects;
  const account = Object.fromEntries(sf.Account.map((r) => [r.Id, r.Name]));
  table('Salesforce: accounts', sf.Account.map((r) => [r.Name, r.BillingCountry, r.Billhook_Id__c]));
  table(
    'Salesforce: subscriptions',
    sf.Billhook_Subscription__c.map((r) => [r.Name, r.Status__c, r.Amount__c, r.Currency__c, '→', account[r.Account__c]]),
  );
  table(
    'Salesforce: invoices',
    sf.Billhook_Invoice__c.map((r) => [r.Name, r.Status__c, r.Total__c, r.Currency__c, '→', account[r.Account__c]]),
  );
  const hs = (await call(`${hubspot}/_sim/state`)).objects;
  for (const [type, records] of Object.entries(hs)) {
    if (records.length === 0) continue;
    table(
      `HubSpot: ${type}`,
      records.map((r) => {
        const p = r.properties;
        const pick = Object.entries(p).filter(([k]) => /name$|_number$|_status$|_amount$|_currency$/.test(k));
        const links = Object.entries(r.associations ?? {}).map(([to, list]) => `→ ${to} ${list.map((l) => l.id).join(',')}`);
        return [r.id, ...pick.slice(0, 5).map(([, v]) => v), ...links];
      }),
    );
  }
  for (const [name, url] of [['Salesforce', salesforce], ['HubSpot', hubspot]]) {
    const calls = await call(`${url}/_sim/calls?count=1`);
    console.log(`\n${name}: ${calls.total} calls`, calls.byKind);
  }
  const sfCount = sf.Account.length + sf.Billhook_Subscription__c.length + sf.Billhook_Invoice__c.length;
  const hsCount = Object.values(hs).reduce((n, list) => n + list.length, 0);
  if (sfCount === 0 || hsCount === 0) throw new Error('nothing arrived');
}

function port() {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const chosen = server.address().port;
      server.close(() => done(chosen));
    });
  });
}

const [verb, ...args] = process.argv.slice(2);
const verbs = { install, send, show, port: async () => console.log(await port()) };
if (!(verb in verbs)) {
  console.error('usage: demo.mjs install|port|send|show ...');
  process.exit(2);
}
await verbs[verb](...args);
