// A world of any size, the same for the same seed: nothing is stored, each
// object is made from its number when it is asked for.
//
// Customer n has a second subscription when n % 4 is 3, and 1 + n % 3
// invoices, 30 days apart.  Ids carry the number: cus_G7x00000a.

import { Catalogue, charges } from './catalogue.mjs';

const DAY_S = 86400;
const SPAN_DAYS = 730;
const YOUNGEST_DAYS = 62; // so that the third invoice lies in the past
const MAX = 1000000;
const WIDTH = 6;

// A number of 32 bits from a seed and three others.
function mix(seed, a, b, c = 0) {
  let h = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(a + 0x165667b1, 0xc2b2ae35) ^ Math.imul(b + 0x27d4eb2f, 0x9e3779b1) ^ c;
  for (let n = 0; n < 2; n++) {
    h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
    h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
    h ^= h >>> 15;
  }
  return h >>> 0;
}

const WORDS = ['Alder', 'Birch', 'Cedar', 'Dogwood', 'Elm', 'Fern', 'Ginkgo', 'Hazel', 'Ivy', 'Juniper', 'Küste', 'Larch', 'Maple', 'Nørre', 'Oak', 'Pine'];
const KINDS = ['Foods', 'Freight', 'Labs', 'Media', 'Robotics', 'Tools', 'Water', '工業'];
const FORMS = ['GmbH', 'Inc.', 'Ltd', 'ApS', 'SARL'];

const PLANS = [ // below which of 100, the items
  [40, [['team_month', 60]]], [52, [['team_year', 40]]], [60, [['team_quarter', 30]]], [72, [['team_graduated', 90]]],
  [84, [['team_volume', 150]]], [93, [['team_month', 60], ['support_month', 1]]],
  [100, [['team_volume', 150], ['support_month', 1], ['usage_month', 0]]],
];
const STATES = [ // below which of 100
  [10, 'canceled'], [14, 'past_due'], [17, 'trialing'], [18, 'unpaid'], [19, 'incomplete_expired'], [20, 'paused'], [100, 'active'],
];
const INVOICE_STATES = [[84, 'paid'], [90, 'open'], [93, 'void'], [96, 'uncollectible'], [100, 'draft']];
const below = (table, n) => table.find(([limit]) => n < limit)[1];

export class Generated {
  constructor(world, { customers, seed = 1, until }) {
    if (!Number.isInteger(customers) || customers < 1 || customers > MAX) throw new Error(`customers must be between 1 and ${MAX}`);
    if (!Number.isInteger(seed) || seed < 0 || seed > 9999) throw new Error('seed must be between 0 and 9999');
    this.world = world;
    this.total = customers;
    this.seed = seed;
    this.until = until;
    this.first = until - SPAN_DAYS * DAY_S;
    this.step = Math.max(4, Math.floor(((SPAN_DAYS - YOUNGEST_DAYS) * DAY_S) / customers));
    this.catalogue = new Catalogue(seed, world.live);
    this.idPattern = new RegExp(`^(cus|sub|in|di)_G${seed}x([0-9a-z]{${WIDTH}})(?:y(\\d))?$`);
  }

  // Adds it to the world.
  install() {
    const { products, prices, coupons } = this.catalogue;
    for (const obj of [...products, ...prices.values(), ...coupons]) this.world.put(obj);
    this.#add('customer', 'cus', (n) => n, this.total, undefined, (n) => this.customer(n));
    const secondSubs = Math.floor(this.total / 4);
    this.#add('subscription', 'sub', (n) => n, this.total, 0, (n) => this.subscription(n, 0));
    this.#add('subscription', 'sub', (n) => 4 * n + 3, secondSubs, 1, (n) => this.subscription(n, 1));
    this.#add('discount', 'di', (n) => n, this.total, 0, (n) => this.discount(n, 0));
    this.#add('discount', 'di', (n) => 4 * n + 3, secondSubs, 1, (n) => this.discount(n, 1));
    const [all, rest] = [Math.floor(this.total / 3), this.total % 3];
    this.#add('invoice', 'in', (n) => n, this.total, 0, (n) => this.invoice(n, 0));
    this.#add('invoice', 'in', (n) => 3 * Math.floor(n / 2) + 1 + (n % 2), 2 * all + Math.max(0, rest - 1), 1, (n) => this.invoice(n, 1));
    this.#add('invoice', 'in', (n) => 3 * n + 2, all, 2, (n) => this.invoice(n, 2));
    return { customers: this.total, subscriptions: this.total + secondSubs, invoices: this.total + 2 * all + Math.max(0, rest - 1) + all };
  }

  // customerOf: the number of a row -> the number of its customer, never falling.
  #add(type, prefix, customerOf, count, part, make) {
    const numberOf = (id) => {
      const [, kind, n, which] = this.idPattern.exec(id) ?? [];
      if (kind !== prefix || which !== (part === undefined ? undefined : String(part))) return -1;
      return search(customerOf, count, parseInt(n, 36));
    };
    const index = type === 'discount' ? (id) => (numberOf(id) >= 0 && this.#isDiscounted(customerOf(numberOf(id)), part) ? numberOf(id) : -1) : numberOf;
    const segment = {
      count, index,
      id: (n) => this.id(prefix, customerOf(n), part),
      created: (n) => this.created(type, customerOf(n), part),
      at: (n) => make(customerOf(n)),
      related: (filters) => this.#related(filters, customerOf, count),
    };
    this.world.collection(type).segments.push(segment);
  }

  #related({ customer, subscription }, customerOf, count) {
    const id = customer ?? subscription;
    if (id === undefined) return null;
    const [, kind, n] = this.idPattern.exec(id) ?? [];
    if (kind !== (customer === undefined ? 'sub' : 'cus')) return [];
    const at = search(customerOf, count, parseInt(n, 36));
    return at < 0 ? [] : [at];
  }

  id(prefix, n, part) {
    return `${prefix}_G${this.seed}x${n.toString(36).padStart(WIDTH, '0')}${part === undefined ? '' : `y${part}`}`;
  }

  created(type, n, part) {
    const at = this.first + n * this.step;
    if (type === 'subscription') return at + 1 + part;
    return type === 'invoice' ? at + 3 + part * 30 * DAY_S : at;
  }

  #mix(n, b, c) {
    return mix(this.seed, n, b, c);
  }

  #currency(n) {
    const at = this.#mix(n, 1) % 100;
    return at < 8 ? 'jpy' : at < 12 ? 'kwd' : 'usd';
  }

  customer(n) {
    const name = `${WORDS[this.#mix(n, 2) % WORDS.length]} ${KINDS[this.#mix(n, 3) % KINDS.length]} ${n} ${FORMS[this.#mix(n, 4) % FORMS.length]}`;
    const bare = this.#mix(n, 5) % 50 === 0; // one in fifty has an email and nothing more
    return {
      id: this.id('cus', n), object: 'customer',
      address: bare ? null : { city: 'Berlin', country: 'DE', line1: `Ahornweg ${(n % 200) + 1}`, line2: null, postal_code: String(10000 + (n % 4000)), state: null },
      balance: 0, created: this.created('customer', n), currency: this.#currency(n), customer_account: null, default_source: null,
      delinquent: false, description: null, discount: null, email: `billing@customer-${this.seed}-${n}.example.com`, invoice_prefix: `G${n.toString(36).toUpperCase()}`,
      invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null }, livemode: this.world.live,
      metadata: n % 5 === 0 ? { crm_key: `crm-${n}` } : {}, name: bare ? null : name, next_invoice_sequence: 1 + (n % 3), phone: null,
      preferred_locales: [], shipping: null, tax_exempt: 'none', test_clock: null,
    };
  }

  // [[price, quantity]]
  #plan(n, j) {
    const currency = this.#currency(n);
    const quantity = (most, at) => (most === 0 ? undefined : 1 + (this.#mix(n, 20 + j, at) % most));
    if (currency === 'jpy') return [['platform_jpy', quantity(5, 0)]];
    if (currency === 'kwd') return [['platform_kwd', quantity(12, 0)]];
    if (this.#mix(n, 6 + j) % 500 === 0) return Array.from({ length: 12 }, (_, at) => [`addon_${at}`, 1]);
    return below(PLANS, this.#mix(n, 8 + j) % 100).map(([name, most], at) => [name, quantity(most, at)]);
  }

  #isDiscounted(n, j) {
    return this.#currency(n) === 'usd' && this.#mix(n, 10 + j) % 8 === 0;
  }

  #coupon(n, j) {
    return this.catalogue.coupons[this.#mix(n, 12 + j) % this.catalogue.coupons.length];
  }

  discount(n, j) {
    const start = this.created('subscription', n, j);
    const coupon = this.#coupon(n, j);
    return {
      id: this.id('di', n, j), object: 'discount', checkout_session: null, customer: this.id('cus', n), customer_account: null,
      end: coupon.duration === 'repeating' ? start + coupon.duration_in_months * 30 * DAY_S : null, invoice: null, invoice_item: null,
      promotion_code: null, source: { coupon: coupon.id, type: 'coupon' }, start, subscription: this.id('sub', n, j), subscription_item: null,
    };
  }

  subscription(n, j) {
    const start = this.created('subscription', n, j);
    const status = below(STATES, this.#mix(n, 14 + j) % 100);
    const id = this.id('sub', n, j);
    const ended = status === 'canceled' ? start + 45 * DAY_S : status === 'incomplete_expired' ? start + DAY_S : null;
    const items = this.#plan(n, j).map(([name, quantity], at) => this.#item(id, name, quantity, at, start));
    const leaving = status === 'active' && this.#mix(n, 16 + j) % 25 === 0;
    const end = Math.max(...items.map((item) => item.current_period_end));
    const trial = status === 'trialing' ? [start, this.until + 5 * DAY_S] : [null, null];
    return {
      id, object: 'subscription', application: null, application_fee_percent: null,
      automatic_tax: { disabled_reason: null, enabled: false, liability: null }, billing_cycle_anchor: start,
      billing_cycle_anchor_config: null, billing_mode: { flexible: { proration_discounts: 'included' }, type: 'flexible', updated_at: start },
      billing_schedules: [], billing_thresholds: null, cancel_at: leaving ? end : null, cancel_at_period_end: leaving,
      canceled_at: leaving ? start + DAY_S : ended,
      cancellation_details: { comment: null, feedback: null, feedback_option: null, reason: leaving || ended !== null ? 'cancellation_requested' : null },
      collection_method: 'charge_automatically', created: start, currency: this.#currency(n), customer: this.id('cus', n), customer_account: null,
      days_until_due: null, default_payment_method: null, default_source: null, default_tax_rates: [], description: null,
      discounts: this.#isDiscounted(n, j) && (this.discount(n, j).end ?? Infinity) > this.until ? [this.id('di', n, j)] : [], ended_at: ended,
      invoice_settings: { account_tax_ids: null, custom_fields: null, description: null, footer: null, issuer: { type: 'self' } },
      items: { object: 'list', data: items, has_more: false, total_count: items.length, url: `/v1/subscription_items?subscription=${id}` },
      latest_invoice: this.#latest(n, j), livemode: this.world.live, managed_payments: null, metadata: {},
      next_pending_invoice_item_invoice: null, on_behalf_of: null, pause_collection: null,
      payment_settings: { payment_method_options: null, payment_method_types: null, save_default_payment_method: 'off' },
      pending_invoice_item_interval: null, pending_setup_intent: null, pending_update: null, schedule: null, start_date: start, status,
      test_clock: null, transfer_data: null, trial_end: trial[1],
      trial_settings: { end_behavior: { billing_cycle_anchor: null, missing_payment_method: 'create_invoice' } }, trial_start: trial[0],
    };
  }

  #item(sub, name, quantity, at, start) {
    const price = this.catalogue.inside(name);
    const days = { month: 30, year: 365 }[price.recurring.interval] * price.recurring.interval_count;
    const periods = Math.max(0, Math.floor((this.until - start) / (days * DAY_S)));
    const from = start + periods * days * DAY_S;
    return {
      id: `si_${sub.slice('sub_'.length)}n${at}`, object: 'subscription_item', billing_thresholds: null, created: start,
      current_period_end: from + days * DAY_S, current_period_start: from, current_trial: null, discounts: [], metadata: {},
      price, ...(quantity === undefined ? {} : { quantity }), subscription: sub, tax_rates: [],
    };
  }

  // Invoices go to the subscriptions in turn.
  #subOf(n, m) {
    return n % 4 === 3 ? m % 2 : 0;
  }

  #latest(n, j) {
    for (let m = n % 3; m >= 0; m--) if (this.#subOf(n, m) === j) return this.id('in', n, m);
    return null;
  }

  invoice(n, m) {
    const j = this.#subOf(n, m);
    const id = this.id('in', n, m);
    const created = this.created('invoice', n, m);
    const status = below(INVOICE_STATES, this.#mix(n, 30 + m) % 100);
    const lines = this.#lines(n, j, id, created);
    const subtotal = lines.reduce((sum, line) => sum + line.amount, 0);
    const coupon = this.#isDiscounted(n, j) && (this.discount(n, j).end ?? Infinity) > created ? this.#coupon(n, j) : null;
    const off = coupon === null ? 0 : Math.min(subtotal, coupon.amount_off ?? Math.round((subtotal * coupon.percent_off) / 100));
    const total = subtotal - off;
    const final = status !== 'draft';
    const paid = status === 'paid';
    const at = (wanted) => (status === wanted ? created + 7200 : null);
    const discounts = coupon === null ? [] : [this.id('di', n, j)];
    const buyer = this.customer(n);
    return {
      id, object: 'invoice', account_country: 'DE', account_name: 'Billhook Demo GmbH', account_tax_ids: null, amount_due: total,
      amount_overpaid: 0, amount_paid: paid ? total : 0, amount_remaining: paid ? 0 : total, amount_shipping: 0, application: null,
      attempt_count: final ? 1 : 0, attempted: final, auto_advance: status === 'draft' || status === 'open',
      automatic_tax: { disabled_reason: null, enabled: false, liability: null, provider: null, status: null }, automatically_finalizes_at: null,
      billing_reason: m === 0 ? 'subscription_create' : 'subscription_cycle', collection_method: 'charge_automatically', created,
      currency: this.#currency(n), custom_fields: null, customer: buyer.id, customer_account: null, customer_address: buyer.address,
      customer_email: buyer.email, customer_name: buyer.name, customer_phone: null, customer_shipping: null, customer_tax_exempt: 'none',
      customer_tax_ids: [], default_payment_method: null, default_source: null, default_tax_rates: [], description: null, discounts,
      due_date: null, effective_at: final ? created + 3600 : null, ending_balance: final ? 0 : null, footer: null, from_invoice: null,
      hosted_invoice_url: final ? `https://invoice.example.com/i/${id}` : null, invoice_pdf: final ? `https://invoice.example.com/i/${id}/pdf` : null,
      issuer: { type: 'self' }, last_finalization_error: null, latest_revision: null,
      lines: { object: 'list', data: lines, has_more: false, total_count: lines.length, url: `/v1/invoices/${id}/lines` },
      livemode: this.world.live, metadata: {}, next_payment_attempt: status === 'open' ? this.until + DAY_S : null,
      number: final ? `${buyer.invoice_prefix}-${String(m + 1).padStart(4, '0')}` : null, on_behalf_of: null,
      parent: { quote_details: null, subscription_details: { metadata: {}, subscription: this.id('sub', n, j) }, type: 'subscription_details' },
      payment_settings: { default_mandate: null, payment_method_options: null, payment_method_types: null },
      period_end: created, period_start: m === 0 ? created : created - 30 * DAY_S, post_payment_credit_notes_amount: 0, pre_payment_credit_notes_amount: 0,
      receipt_number: null, rendering: null, shipping_cost: null, shipping_details: null, starting_balance: 0, statement_descriptor: null, status,
      status_transitions: { finalized_at: final ? created + 3600 : null, marked_uncollectible_at: at('uncollectible'), paid_at: at('paid'), voided_at: at('void') },
      subtotal, subtotal_excluding_tax: subtotal, test_clock: null, total,
      total_discount_amounts: discounts.map((discount) => ({ amount: off, discount })), total_excluding_tax: total,
      total_pretax_credit_amounts: [], total_taxes: [], webhooks_delivered_at: created,
    };
  }

  #lines(n, j, invoice, created) {
    const sub = this.id('sub', n, j);
    return this.#plan(n, j).flatMap(([name, quantity], at) => {
      const price = this.catalogue.prices.get(name);
      return charges(price, quantity).map((charge, part) => ({
        id: `il_${invoice.slice('in_'.length)}n${at}p${part}`, object: 'line_item', amount: charge.amount, currency: price.currency,
        description: `${charge.quantity} × ${price.nickname}`, discount_amounts: [], discountable: true, discounts: [], invoice,
        livemode: this.world.live, metadata: {},
        parent: {
          invoice_item_details: null,
          subscription_item_details: {
            invoice_item: null, proration: false, proration_details: { credited_items: null }, subscription: sub,
            subscription_item: `si_${sub.slice('sub_'.length)}n${at}`,
          },
          type: 'subscription_item_details',
        },
        period: { end: created + 30 * DAY_S, start: created }, pretax_credit_amounts: [],
        pricing: { price_details: { price: price.id, product: price.product }, type: 'price_details', unit_amount_decimal: charge.unit },
        quantity: charge.quantity, quantity_decimal: String(charge.quantity), subscription: sub, subtotal: charge.amount, taxes: [],
      }));
    });
  }
}

// The row of a customer, or -1.
function search(customerOf, count, customer) {
  let low = 0;
  let high = count - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const at = customerOf(middle);
    if (at === customer) return middle;
    if (at < customer) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
