// Lago as tests see it: its rows, its webhooks and its API.

import { randomUUID } from 'node:crypto';
import { seconds } from '../common/times.mjs';
import { System } from '../common/system.mjs';
import { Table } from '../common/table.mjs';
import { logged, shownActivity } from './activity.mjs';
import { VERBS } from './changes.mjs';
import { refusalOf } from './errors.mjs';
import { encode } from './json.mjs';
import { LOADERS } from './load.mjs';
import { childrenOf, makeWorld } from './made.mjs';
import { Gate } from './gate.mjs';
import { newPlan, PREFIX } from './rows.mjs';
import { answer } from './router.mjs';
import { CHOICES, defaultSettings } from './settings.mjs';
import { webhookService } from './webhooks.mjs';
import * as views from './views.mjs';

const byId = (row) => row.lago_id;
const byCreation = { id: byId, key: (row) => row.created_at };

function newTables() {
  return {
    customers: new Table(byCreation),
    plans: new Table(byCreation),
    subscriptions: new Table({ id: byId, key: (row) => `${row.subscription_at} ${row.created_at}` }),
    invoices: new Table({ id: byId, key: (row) => `${row.issuing_date} ${row.created_at}` }),
    credit_notes: new Table(byCreation),
    payments: new Table(byCreation),
    payment_requests: new Table(byCreation),
    payment_receipts: new Table(byCreation),
    wallets: new Table(byCreation),
    webhook_endpoints: new Table(byCreation),
    activity_logs: new Table({ id: (row) => row.activity_id, key: (row) => `${row.logged_at} ${row.$serial ?? ''}` }),
  };
}

export class Lago extends System {
  static defaults = defaultSettings;
  static choices = CHOICES;
  name = 'lago';
  tables = newTables();
  gate = new Gate(this);
  loaders = LOADERS;
  verbs = VERBS;

  constructor(settings) {
    super(settings);
    this.reset();
  }

  reset() {
    this.clearTables();
    this.maker = null;
    this.deletedCustomers = new Map(); // still shown in their invoices
    this.salesforceIds = new Map(); // what PUT sync_salesforce_id told
    this.counted = new Map(); // cached totals of invoice lists
    this.sequence = 0;
    this.logs = 0;
    this.gate.clear();
    this.organization = organization(this.settings);
  }

  handle(call) {
    return answer(this, call);
  }

  refusal(status) {
    return refusalOf(status);
  }

  encode(body) {
    return encode(body);
  }

  service() {
    return webhookService(this);
  }

  generate(customers, seed) {
    this.maker = makeWorld(this.tables, customers, seed);
    this.sequence = customers;
  }

  more() {
    return { salesforce_ids: Object.fromEntries(this.salesforceIds), organization: this.organization };
  }

  show(kind, row) {
    return SHOWN[kind]?.(this, row) ?? row;
  }

  nowText() {
    return seconds(this.now());
  }

  uuid() {
    return randomUUID();
  }

  customerOf(id) {
    return this.tables.customers.get(id) ?? this.deletedCustomers.get(id);
  }

  customerByExternalId(externalId) {
    const i = this.maker?.customerIndex(externalId) ?? -1;
    if (i >= 0) {
      const row = this.tables.customers.get(this.maker.customer(i).lago_id);
      if (row?.external_id === externalId) return row;
    }
    for (const row of this.tables.customers.given.values())
      if (row.external_id === externalId) return row;
    return undefined;
  }

  // All subscriptions under an external id, newest first.
  subscriptionsNamed(externalId) {
    const candidates = this.maker === null ? undefined : this.maker.subscriptionsNamed(externalId);
    return this.tables.subscriptions.all((row) => row.external_id === externalId, candidates);
  }

  planOf(code) {
    const row = this.tables.plans.all((plan) => plan.code === code)[0];
    if (row === undefined) throw new Error(`no such plan: ${code}`);
    return row;
  }

  // The plan of a subscription; when it is gone, what the subscription still tells of it.
  planFor({ plan_code: code, plan_amount_cents: amount, plan_amount_currency: currency, created_at: created }) {
    const row = this.tables.plans.all((plan) => plan.code === code)[0];
    return row ?? newPlan({ lago_id: this.uuid(), code, name: code, amount_cents: amount, amount_currency: currency }, Date.parse(created));
  }

  // Indexes of made rows of one kind that belong to a customer; undefined when any may.
  candidates(kind, externalId) {
    if (this.maker === null) return undefined;
    const i = this.maker.customerIndex(externalId);
    return i < 0 ? [] : childrenOf(i)[kind];
  }

  // Replaces a row by one that differs in some fields.
  edit(kind, id, fields) {
    const table = this.tables[kind];
    return table.put({ ...table.get(id), ...fields });
  }

  emit(type, objectKey, subject, write) {
    const body = () => encode({
      webhook_type: type, object_type: objectKey, organization_id: this.settings.organization_id, [objectKey]: write(),
    });
    return this.outbox.add(type, subject, body, { keys: {} });
  }

  log(type, resource, row, more = {}) {
    this.logs++;
    this.tables.activity_logs.put(logged(this, type, resource, row, more));
  }
}

const SHOWN = {
  invoices: views.invoiceShown,
  credit_notes: views.creditNoteShown,
  payment_requests: views.paymentRequestShown,
  payment_receipts: views.receiptShown,
  subscriptions: (system, row) => views.subscriptionBase(row),
  activity_logs: (system, row) => shownActivity(row),
};

function organization(settings) {
  return {
    lago_id: settings.organization_id, name: 'Northwind Metering', slug: 'northwind-metering', default_currency: 'EUR',
    created_at: '2023-12-01T09:00:00Z', webhook_url: null, webhook_urls: [], country: 'DE', address_line1: null, address_line2: null,
    state: null, zipcode: null, email: 'billing@northwind.example.com', city: null, legal_name: null, legal_number: null, timezone: 'UTC',
    net_payment_term: 0, email_settings: [], document_numbering: 'per_customer', document_number_prefix: PREFIX,
    tax_identification_number: null, finalize_zero_amount_invoice: true,
    billing_configuration: { invoice_footer: null, invoice_grace_period: 0, document_locale: 'en' }, events_store: 'postgres', taxes: [],
  };
}
