// The billing simulators' side of a flow.  BILL (the driver, and the code of
// the connection) and BILL_URL in the environment.
//
//   node billing.mjs sim METHOD CONTROL [JSON]
//       a control call; prints the answer
//   node billing.mjs compare
//       the mirror against the simulator, object by object: prints how many
//       of each kind agree, or what differs; status 1
//   node billing.mjs reread [PER_PATH]
//       pages that were answered 200 more than once, beyond so many
//   node billing.mjs story FILE...
//       loads events of tests/hooks into the simulator, for deliver by ids

import { readFileSync } from 'node:fs';
import { readMirror } from './mirror.mjs';

const { BILL, BILL_URL } = process.env;
const SHOWN = 10;

async function sim(method, path, body) {
  const answer = await fetch(`${BILL_URL}/_sim/${path}`, { method, body });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

async function rowsOf(kind) {
  if (BILL === 'stripe') return (await sim('GET', `state/${kind}`)).rows;
  return (await sim('GET', `state/${kind}?limit=1000000`)).rows;
}

const capitals = (currency) => currency?.toUpperCase() ?? null;

// -- What should be held, written from the vendors' words; null: not held, or held as deleted. --

const STRIPE_STATUS = { incomplete_expired: 'expired' };

const STRIPE = {
  customer: ['customer', ({ deleted, name, email, currency }) => (deleted ? null : { name, email, currency: capitals(currency) })],
  subscription: ['subscription', ({ customer, status, currency, items, cancel_at_period_end: leaving, discounts }) => ({
    customer, status: STRIPE_STATUS[status] ?? status, currency: capitals(currency), cancel_at_period_end: leaving,
    items: items.data.length, discounts: discounts.length,
  }), (held) => ({ ...held, items: held.items?.length, discounts: held.discounts?.length })],
  invoice: ['invoice', (row) => ({
    customer: row.customer, status: row.status, currency: capitals(row.currency), total: row.total, amount_due: row.amount_due,
    amount_paid: row.amount_paid, amount_remaining: row.amount_remaining, number: row.number, lines: row.lines.data.length,
    subscription: row.parent?.subscription_details?.subscription ?? null,
  }), (held) => ({ ...held, lines: held.lines?.length })],
  price: ['plan', ({ product, currency }) => ({ product, currency: capitals(currency) })],
  product: ['product', ({ name, deleted }) => (deleted ? null : { name })],
};

// One that was canceled before it began never was a subscription.
function lagoSubscriptionStatus({ status, started_at: started }) {
  return { terminated: 'canceled', canceled: started === null ? 'expired' : 'canceled' }[status] ?? status;
}

function lagoInvoiceStatus({ status, payment_status: payment }) {
  if (status === 'finalized') return payment === 'succeeded' ? 'paid' : 'open';
  return { voided: 'void', closed: 'paid', generating: 'draft' }[status] ?? status;
}

// Lago counts some currencies in whole units that have hundredths by ISO 4217.
const LAGO_WHOLE = ['HUF', 'ISK', 'UGX'];
const lagoAmount = (cents, currency) => (LAGO_WHOLE.includes(currency) ? cents * 100 : cents);

const LAGO = {
  customers: ['customer', ({ name, email, external_id: external, currency, firstname }) => ({
    email, external_id: external, currency, ...(firstname === null ? { name } : {}),
  })],
  subscriptions: ['subscription', (row) => ({
    customer: row.lago_customer_id, plan_code: row.plan_code, external_id: row.external_id, source_status: row.status, status: lagoSubscriptionStatus(row),
  })],
  invoices: ['invoice', (row) => ({
    status: lagoInvoiceStatus(row), payment_status: row.payment_status, currency: row.currency, total: lagoAmount(row.total_amount_cents, row.currency),
    amount_paid: lagoAmount(row.total_paid_amount_cents, row.currency), amount_remaining: lagoAmount(row.total_due_amount_cents, row.currency),
    overdue: row.payment_overdue, number: row.status === 'draft' ? null : row.number,
  })],
  credit_notes: ['credit_note', (row) => ({
    total: lagoAmount(row.total_amount_cents, row.currency), balance: lagoAmount(row.balance_amount_cents, row.currency), number: row.number,
  })],
  payments: ['payment', (row) => ({ amount: lagoAmount(row.amount_cents, row.amount_currency), currency: row.amount_currency })],
  plans: ['plan', ({ code, name }) => ({ code, name })],
};

const RECOVERY_STAGE = { recovered: 'won', terminal: 'lost', pending: 'open_early' };

const LOSTCHURN = {
  customers: ['customer', ({ name, email, status, recovered_payments: recovered }) => ({ name, email, source_status: status, source_recovery_count: recovered })],
  payments: ['recovery', (row) => ({
    customer: row.customer_id, status: row.status, stage: RECOVERY_STAGE[row.status] ?? 'open_late', amount: row.amount, currency: capitals(row.currency),
    decline_code: row.decline_code, retry_count: row.retry_count,
  })],
};

// Amounts in words: "253.00".
const algunaAmount = (text, currency) => (text === null ? null : Math.round(Number(text) * (currency === 'JPY' ? 1 : 100)));

const ALGUNA = {
  customers: ['customer', ({ name, currency, contacts }) => ({ name, currency, email: contacts.find(({ is_primary: primary }) => primary)?.email ?? null })],
  subscriptions: ['subscription', ({ customer_id: customer, status, name }) => ({ customer, source_status: status, name })],
  invoices: ['invoice', (row) => ({
    customer: row.customer_id, source_status: row.status, currency: row.currency, total: algunaAmount(row.total, row.currency),
    amount_paid: algunaAmount(row.amount_paid, row.currency), amount_remaining: algunaAmount(row.amount_remaining, row.currency), number: row.invoice_number,
  })],
  payments: ['payment', (row) => ({ customer: row.customer_id, invoice: row.invoice_id, amount: algunaAmount(row.amount, row.currency), source_status: row.status })],
  refunds: ['refund', (row) => ({ amount: algunaAmount(row.amount, row.currency), source_status: row.status })],
};

const EXPECTED = { stripe: STRIPE, lago: LAGO, lostchurn: LOSTCHURN, alguna: ALGUNA }[BILL];

// -- Comparing --

function differences(kind, id, want, held) {
  if (want === null) return held === undefined || held.deleted ? [] : [`${kind} ${id}: is held, and is gone at the source`];
  if (held === undefined) return [`${kind} ${id}: is not held`];
  if (held.deleted) return [`${kind} ${id}: is held as deleted`];
  return Object.entries(want).filter(([name, value]) => value !== undefined && JSON.stringify(held.fields[name] ?? null) !== JSON.stringify(value ?? null))
    .map(([name, value]) => `${kind} ${id}: ${name} is ${JSON.stringify(held.fields[name])}, should be ${JSON.stringify(value)}`);
}

async function compare() {
  const { kinds } = readMirror(BILL), counts = [], problems = [];
  for (const [theirs, [kind, expect, view = (fields) => fields]] of Object.entries(EXPECTED)) {
    const held = new Map([...kinds.get(kind) ?? []].map(([id, one]) => [(kind === 'recovery' && one.fields.payment) || id, { ...one, fields: view(one.fields) }]));
    const rows = await rowsOf(theirs);
    let live = 0;
    for (const row of rows) {
      // Lago's subscriptions name their plan by its code.
      const id = kind === 'plan' ? row.code ?? row.id : row.lago_id ?? row.id, want = expect(row);
      problems.push(...differences(kind, id, want, held.get(id)));
      if (want !== null) live++;
      held.delete(id);
    }
    for (const [id, one] of held) if (!one.deleted) problems.push(`${kind} ${id}: is held, and the source has no such`);
    counts.push(`${live} ${kind}s`);
  }
  if (problems.length === 0) {
    console.log(counts.join(', '));
    return 0;
  }
  console.log(problems.slice(0, SHOWN).join('\n'));
  console.log(`${problems.length} differences`);
  return 1;
}

// Pages of lists that were read again.  Left out: what looking up reads (Lago's newest customers), probes, events.
const NO_WALK = /events|activity|limit=1(&|$)|api\/v1\/customers\?page=[1-5]&/;

async function reread(words) {
  const seen = new Map();
  for (const { method, path, status } of await sim('GET', 'calls'))
    if (method === 'GET' && status === 200 && /[?&](limit|per_page|page)=/.test(path) && !NO_WALK.test(path)) seen.set(path, (seen.get(path) ?? 0) + 1);
  const again = [...seen].filter(([, times]) => times > Number(words[0] ?? 1)).map(([path, times]) => `${times} times ${path}`);
  console.log(again.length === 0 ? 'none' : again.join('\n'));
  return 0;
}

async function story(files) {
  const events = files.map((file) => JSON.parse(readFileSync(file, 'utf8')));
  await sim('POST', 'load', JSON.stringify({ events }));
  console.log(JSON.stringify(events.map(({ id }) => id)));
  return 0;
}

const VERBS = {
  sim: async ([method, path, body]) => {
    console.log(JSON.stringify(await sim(method, path, body)));
    return 0;
  },
  compare, reread, story,
};

const [verb, ...words] = process.argv.slice(2);
process.exitCode = await VERBS[verb](words);
