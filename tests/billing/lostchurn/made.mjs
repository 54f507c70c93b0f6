// The made world: N customers with one to three failed payments each; rows
// follow from their index.

import { mix, padded, pick } from '../common/chance.mjs';
import { Pattern } from '../common/pattern.mjs';
import { FIRST_MS, seconds, STEP_MS } from '../common/times.mjs';
import { newCustomer, newPayment, OPEN } from './rows.mjs';

const PAYMENTS = new Pattern([1, 1, 2, 1, 3, 1, 1, 2, 1, 1]);
const CURRENCIES = ['usd', 'eur', 'jpy', 'gbp', 'kwd'];
const STATUSES = ['recovered', 'recovered', 'recovered', 'terminal', 'pending', 'retrying', 'communication_pending'];
const DECLINES = [
  ['insufficient_funds', 'soft_retry', 'balance', 4], ['do_not_honor', 'soft_retry', 'generic', 3], ['expired_card', 'hard_customer', null, 0],
  ['stolen_card', 'terminal', null, 0], ['issuer_not_available', 'soft_retry', 'issuer_temporary', 3],
];

export class Maker {
  constructor(customers, seed, edition) {
    this.customers = customers;
    this.seed = seed;
    this.prefix = edition === 2 ? 'pe_' : 'pay_';
  }

  customerId(i) {
    return `cus_M${padded(i, 9)}`;
  }

  paymentId(j) {
    return `${this.prefix}M${padded(j, 9)}`;
  }

  index(id, count, name) {
    const j = Number(/M(\d{9})$/.exec(id)?.[1] ?? -1);
    return j >= 0 && j < count && name(j) === id ? j : -1;
  }

  created(j) {
    const { parent, nth } = PAYMENTS.of(j);
    return FIRST_MS + parent * STEP_MS + nth * 60000;
  }

  payment(j) {
    const { parent: i } = PAYMENTS.of(j);
    const status = pick(STATUSES, this.seed, 1, j);
    const [code, category, subcategory, retries] = pick(DECLINES, this.seed, 2, j);
    const currency = CURRENCIES[i % CURRENCIES.length];
    const at = this.created(j);
    return newPayment({
      id: this.paymentId(j), customer_id: this.customerId(i), subscription_id: `sub_M${padded(i, 9)}`,
      amount: 1000 + (mix(this.seed, 3, j) % 90000), currency, status, decline_code: code, decline_category: category,
      decline_subcategory: subcategory, psp_payment_id: `pi_M${padded(j, 9)}`, retry_count: status === 'pending' ? 0 : 1,
      max_retries: retries, updated_at: seconds(at + (status === 'pending' ? 0 : 30000)),
    }, at);
  }

  customer(i) {
    const payments = PAYMENTS.children(i).map((j) => this.payment(j));
    const recovered = payments.filter((one) => one.status === 'recovered');
    const open = payments.some((one) => OPEN.includes(one.status));
    const at = this.created(PAYMENTS.first(i));
    return newCustomer({
      id: this.customerId(i), email: i % 25 === 24 ? null : `payer@c${padded(i)}.example.com`, name: i % 25 === 24 ? null : `Payer ${padded(i)}`,
      psp_customer_id: `cus_ext_${padded(i)}`, status: open ? 'active' : recovered.length === payments.length ? 'recovered' : 'churned',
      total_payments: payments.length + 3, failed_payments: payments.length - recovered.length, recovered_payments: recovered.length,
      total_recovered_amount: recovered.reduce((sum, one) => sum + one.amount, 0), total_recovered_currency: CURRENCIES[i % CURRENCIES.length],
      updated_at: seconds(at + 180000),
    }, at);
  }

  paymentsOf(customerId) {
    const i = this.index(customerId, this.customers, (n) => this.customerId(n));
    return i < 0 ? [] : PAYMENTS.children(i);
  }
}

export function makeWorld(tables, customers, seed, edition) {
  const maker = new Maker(customers, seed, edition);
  const payments = PAYMENTS.first(customers);
  tables.customers.make({
    count: customers, id: (i) => maker.customerId(i), index: (id) => maker.index(id, customers, (i) => maker.customerId(i)),
    key: (i) => seconds(maker.created(PAYMENTS.first(i))), row: (i) => maker.customer(i),
  });
  tables.payments.make({
    count: payments, id: (j) => maker.paymentId(j), index: (id) => maker.index(id, payments, (j) => maker.paymentId(j)),
    key: (j) => seconds(maker.created(j)), row: (j) => maker.payment(j),
  });
  return maker;
}
