// What the CRMs have to hold in the end: worked out here from the newest
// payload of each object, by the presets' documented meaning and without
// looking at how Billhook does it; then compared with what they do hold.

const EXPONENTS = { usd: 2, eur: 2, jpy: 0 };

const money = (minor, currency) => minor / 10 ** EXPONENTS[currency];
const ms = (seconds) => (seconds === null || seconds === undefined ? null : seconds * 1000);
const day = (seconds) => (seconds === null || seconds === undefined ? null : Math.floor(seconds / 86400) * 86400000);
const key = (id) => `stripe:${id}`;

const COUNTRIES = { DE: 'Germany', NL: 'Netherlands', GB: 'United Kingdom', US: 'United States', FR: 'France', JP: 'Japan' };

/* -- the plain facts of a payload, before any CRM -- */

const FACTS = {
  customer: (o) => ({
    id: o.id, name: o.name, email: o.email, phone: o.phone, street: o.address.line1, city: o.address.city, state: o.address.state,
    postalCode: o.address.postal_code, country: o.address.country, currency: o.currency.toUpperCase(), balance: money(o.balance, o.currency),
    delinquent: o.delinquent, created: o.created,
  }),
  subscription: (o) => {
    const [item] = o.items.data, isOver = o.status === 'canceled', endsAt = o.cancel_at ?? (o.cancel_at_period_end && !isOver ? item.current_period_end : null);
    return {
      id: o.id, customer: o.customer, status: o.status, planCode: item.price.id, planName: item.price.nickname, quantity: item.quantity,
      currency: o.currency.toUpperCase(), amount: money(item.price.unit_amount * item.quantity, o.currency), interval: item.price.recurring.interval,
      intervalCount: 1, collection: o.collection_method, started: o.start_date, periodStart: item.current_period_start, periodEnd: item.current_period_end,
      renewal: isOver || endsAt !== null ? null : item.current_period_end, cancelAt: endsAt, canceled: o.canceled_at, ended: o.ended_at,
      reason: o.cancellation_details.reason, created: o.created,
    };
  },
  invoice: (o) => ({
    id: o.id, customer: o.customer, subscription: o.parent.subscription_details.subscription, number: o.number, status: o.status,
    reason: o.billing_reason, currency: o.currency.toUpperCase(), subtotal: money(o.subtotal, o.currency), tax: money(o.total_taxes[0].amount, o.currency),
    total: money(o.total, o.currency), due: money(o.amount_due, o.currency), paid: money(o.amount_paid, o.currency), remaining: money(o.amount_remaining, o.currency),
    issued: o.effective_at, paidAt: o.status_transitions.paid_at, attempts: o.attempt_count, hostedUrl: o.hosted_invoice_url, fileUrl: o.invoice_pdf,
    periodStart: o.lines.data[0].period.start, periodEnd: o.lines.data[0].period.end, created: o.created,
  }),
};

/* -- the same in each CRM's words -- */

const SALESFORCE = {
  customer: ['Account', (f) => ({
    Name: f.name, Phone: f.phone, BillingStreet: f.street, BillingCity: f.city, BillingState: f.state ?? undefined, BillingPostalCode: f.postalCode,
    BillingCountry: COUNTRIES[f.country], Billhook_Source__c: 'Stripe', Billhook_Customer_Id__c: f.id, Billhook_Email__c: f.email,
    Billhook_Currency__c: f.currency, Billhook_Balance__c: f.balance, Billhook_Delinquent__c: f.delinquent, Billhook_Customer_Since__c: { time: ms(f.created) },
  })],
  subscription: ['Billhook_Subscription__c', (f) => ({
    Name: f.planName, Source__c: 'Stripe', Subscription_Id__c: f.id, Status__c: f.status, Source_Status__c: f.status, Plan_Code__c: f.planCode,
    Plan_Name__c: f.planName, Quantity__c: f.quantity, Currency__c: f.currency, Amount__c: f.amount, Interval__c: f.interval,
    Interval_Count__c: f.intervalCount, Collection_Method__c: f.collection, Started_At__c: { time: ms(f.started) }, Period_Start__c: { time: ms(f.periodStart) },
    Period_End__c: { time: ms(f.periodEnd) }, Renewal_Date__c: { time: day(f.renewal) }, Cancel_At__c: { time: ms(f.cancelAt) },
    Canceled_At__c: { time: ms(f.canceled) }, Ended_At__c: { time: ms(f.ended) }, Cancel_Reason__c: f.reason, Created_At__c: { time: ms(f.created) },
    Account__c: { parent: 'customer', id: f.customer },
  })],
  invoice: ['Billhook_Invoice__c', (f) => ({
    Name: f.number ?? f.id, Source__c: 'Stripe', Invoice_Id__c: f.id, Number__c: f.number, Status__c: f.status, Source_Status__c: f.status,
    Billing_Reason__c: f.reason, Currency__c: f.currency, Subtotal__c: f.subtotal, Tax__c: f.tax, Total__c: f.total, Amount_Due__c: f.due,
    Amount_Paid__c: f.paid, Amount_Remaining__c: f.remaining, Issuing_Date__c: { time: day(f.issued) }, Paid_At__c: { time: ms(f.paidAt) },
    Attempt_Count__c: f.attempts, Period_Start__c: { time: ms(f.periodStart) }, Period_End__c: { time: ms(f.periodEnd) },
    Hosted_Url__c: f.hostedUrl, File_Url__c: f.fileUrl, Created_At__c: { time: ms(f.created) },
    Account__c: { parent: 'customer', id: f.customer }, Subscription__c: { parent: 'subscription', id: f.subscription },
  })],
};

const HUBSPOT = {
  customer: ['companies', 'billhook_customer_id', (f) => ({
    name: f.name, phone: f.phone, address: f.street, city: f.city, state: f.state ?? undefined, zip: f.postalCode, country: COUNTRIES[f.country],
    domain: `customer${/@customer(\d+)\./.exec(f.email)[1]}.example.com`, billhook_source: 'Stripe', billhook_source_customer_id: f.id,
    billhook_billing_email: f.email, billhook_currency: f.currency, billhook_balance: f.balance, billhook_delinquent: f.delinquent,
    billhook_customer_since: { time: [ms(f.created), day(f.created)] },
  })],
  subscription: ['BillhookSubscriptions', 'billhook_subscription_id', (f) => ({
    billhook_subscription_name: f.planName, billhook_source_subscription_id: f.id, billhook_subscription_status: f.status,
    billhook_subscription_source_status: f.status, billhook_subscription_plan_code: f.planCode, billhook_subscription_plan_name: f.planName,
    billhook_subscription_quantity: f.quantity, billhook_subscription_currency: f.currency, billhook_subscription_amount: f.amount,
    billhook_subscription_interval: f.interval, billhook_subscription_interval_count: f.intervalCount, billhook_subscription_collection_method: f.collection,
    billhook_subscription_started_at: { time: day(f.started) }, billhook_subscription_period_start: { time: day(f.periodStart) },
    billhook_subscription_period_end: { time: day(f.periodEnd) }, billhook_subscription_renewal_date: { time: day(f.renewal) },
    billhook_subscription_cancel_at: { time: day(f.cancelAt) }, billhook_subscription_canceled_at: { time: day(f.canceled) },
    billhook_subscription_ended_at: { time: day(f.ended) }, billhook_subscription_cancel_reason: f.reason,
    billhook_subscription_created_at: { time: day(f.created) },
  })],
  invoice: ['BillhookInvoices', 'billhook_invoice_id', (f) => ({
    billhook_invoice_number: f.number ?? f.id, billhook_source_invoice_id: f.id, billhook_invoice_status: f.status, billhook_invoice_billing_reason: f.reason,
    billhook_invoice_currency: f.currency, billhook_invoice_subtotal: f.subtotal, billhook_invoice_tax: f.tax, billhook_invoice_total: f.total,
    billhook_invoice_amount_due: f.due, billhook_invoice_amount_paid: f.paid, billhook_invoice_amount_remaining: f.remaining,
    billhook_invoice_issuing_date: { time: day(f.issued) }, billhook_invoice_paid_at: { time: day(f.paidAt) }, billhook_invoice_attempt_count: f.attempts,
    billhook_invoice_period_start: { time: day(f.periodStart) }, billhook_invoice_period_end: { time: day(f.periodEnd) },
    billhook_invoice_hosted_url: f.hostedUrl, billhook_invoice_file_url: f.fileUrl, billhook_invoice_created_at: { time: day(f.created) },
  })],
};

/* -- comparing -- */

const isEmpty = (value) => value === null || value === undefined || value === '';

function timeOf(value) {
  if (isEmpty(value)) return null;
  if (/^-?\d{9,}$/.test(value)) return Number(value);
  return Date.parse(String(value).replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));
}

// Both sides may write a value in their own way; its meaning must be the same.
function isEqual(want, have) {
  if (want === undefined) return true;
  if (isEmpty(want)) return isEmpty(have);
  if (typeof want === 'number') return !isEmpty(have) && Math.abs(Number(have) - want) < 1e-6;
  if (typeof want === 'boolean') return String(have) === String(want);
  return have === want;
}

const isTime = (want, have) => [want.time].flat().some((time) => timeOf(have) === time);

const MOST_PROBLEMS = 20;

class Findings {
  constructor() {
    this.problems = [];
    this.count = 0;
  }

  add(text) {
    if (this.count++ < MOST_PROBLEMS) this.problems.push(text);
  }

  // Records by key; what has no key of ours, or one twice, has no business there.
  index(crm, type, records, keyOf) {
    const found = new Map();
    for (const record of records ?? []) {
      const name = keyOf(record);
      if (isEmpty(name)) this.add(`${crm} ${type}: a record without a key of ours`);
      else if (found.has(name)) this.add(`${crm} ${type} ${name}: more than one record`);
      found.set(name, record);
    }
    return found;
  }

  fields(label, want, record, parents) {
    for (const [field, value] of Object.entries(want)) {
      const have = record[field];
      if (value !== null && typeof value === 'object') {
        if ('time' in value && !isTime(value, have)) this.add(`${label}: ${field} is ${have}, expected ${new Date([value.time].flat()[0]).toISOString()}`);
        if ('parent' in value && have !== parents(value)) this.add(`${label}: ${field} is ${have}, expected that of ${value.id}`);
      } else if (!isEqual(value, have)) {
        this.add(`${label}: ${field} is ${JSON.stringify(have)}, expected ${JSON.stringify(value)}`);
      }
    }
  }
}

const newestFacts = (object) => {
  object.facts ??= FACTS[object.kind](object.newest.payload().data.object);
  return object.facts;
};

function compareCounts(findings, crm, tables, objects) {
  for (const [kind, table] of Object.entries(tables)) {
    const wanted = objects.filter((o) => o.kind === kind).length;
    if (table.size !== wanted) findings.add(`${crm}: ${table.size} records of kind ${kind}, expected ${wanted}`);
  }
}

export function compareSalesforce(state, objects, findings) {
  const tables = {};
  for (const [kind, [type]] of Object.entries(SALESFORCE)) tables[kind] = findings.index('Salesforce', type, state[type], (r) => r.Billhook_Id__c);
  compareCounts(findings, 'Salesforce', tables, objects);
  for (const object of objects) {
    const [type, fields] = SALESFORCE[object.kind], record = tables[object.kind].get(key(object.id));
    if (record) findings.fields(`Salesforce ${type} ${object.id}`, fields(newestFacts(object)), record, (p) => tables[p.parent].get(key(p.id))?.Id);
    else findings.add(`Salesforce ${type} ${object.id}: missing`);
  }
}

export function compareHubspot(state, objects, findings) {
  const tables = {};
  for (const [kind, [type, keyName]] of Object.entries(HUBSPOT)) {
    const name = Object.keys(state).find((plural) => plural === type || plural.endsWith(type) || plural.endsWith(type.toLowerCase()));
    tables[kind] = findings.index('HubSpot', type, state[name], (r) => r.properties[keyName]);
  }
  compareCounts(findings, 'HubSpot', tables, objects);
  for (const object of objects) {
    const [type, , fields] = HUBSPOT[object.kind], record = tables[object.kind].get(key(object.id)), facts = newestFacts(object);
    const label = `HubSpot ${type} ${object.id}`;
    if (!record) {
      findings.add(`${label}: missing`);
      continue;
    }
    findings.fields(label, fields(facts), record.properties);
    if (object.kind === 'customer') continue;
    const linked = (record.associations.companies ?? []).map((one) => one.id), owner = tables.customer.get(key(facts.customer))?.id;
    if (linked.length !== 1 || linked[0] !== owner) findings.add(`${label}: linked to companies ${JSON.stringify(linked)}, expected ${owner}`);
  }
}

// The problems of both CRMs (one may be left out): { problems, count }.
export async function compare({ salesforce, hubspot }, objects) {
  const findings = new Findings();
  if (salesforce) compareSalesforce(await salesforce.state(), objects, findings);
  if (hubspot) compareHubspot(await hubspot.state(), objects, findings);
  return findings;
}
