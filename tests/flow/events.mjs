// Events as the billing systems send them, from a few words:
//
//   {"customer":"cus_1","name":"Acme"}           the first member is the kind and its id
//   {"subscription":"sub_1","customer":"cus_1","quantity":3,"unit_amount":2500}
//   {"invoice":"in_1","customer":"cus_1","subscription":"sub_1","total":7500,"status":"paid"}
//
// "at" is the time of the event (seconds, now without it), "event" its id,
// "type" its type.  All that is not named gets a plain value.  Everything is made up.

import { randomBytes, randomUUID } from 'node:crypto';

const now = () => Math.floor(Date.now() / 1000);
const iso = (seconds) => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');

const DAY = 86400;

const STRIPE = {
  customer: (id, { at, name = 'Example Ltd', email = 'billing@example.com', deleted, ...more }) => ({
    type: deleted ? 'customer.deleted' : 'customer.updated',
    object: {
      id, object: 'customer', name, email, created: at, currency: 'usd', delinquent: false, balance: 0, livemode: true, phone: null, metadata: {},
      address: { city: 'Berlin', country: 'DE', line1: 'Hauptstr. 1', line2: null, postal_code: '10115', state: null },
      ...more,
    },
  }),
  subscription: (id, { at, customer, quantity = 1, unit_amount: unit = 1000, currency = 'usd', status = 'active', ...more }) => ({
    type: 'customer.subscription.updated',
    object: {
      id, object: 'subscription', customer, status, currency, created: at, start_date: at, livemode: true, collection_method: 'charge_automatically',
      cancel_at: null, cancel_at_period_end: false, canceled_at: null, ended_at: null, trial_start: null, trial_end: null,
      discounts: [], metadata: {}, pause_collection: null, description: null,
      items: {
        object: 'list', has_more: false, total_count: 1,
        data: [{
          id: `si_${id}`, object: 'subscription_item', quantity, created: at, current_period_start: at, current_period_end: at + 30 * DAY, discounts: [],
          price: {
            id: 'price_team', object: 'price', nickname: 'Team', product: 'prod_team', currency, unit_amount: unit, unit_amount_decimal: String(unit),
            billing_scheme: 'per_unit', type: 'recurring', recurring: { interval: 'month', interval_count: 1, usage_type: 'licensed' },
          },
        }],
      },
      ...more,
    },
  }),
  invoice: (id, { at, customer, subscription = null, total = 1000, status = 'open', currency = 'usd', number = `EX-${id}`, ...more }) => ({
    type: status === 'paid' ? 'invoice.paid' : 'invoice.updated',
    object: {
      id, object: 'invoice', customer, status, currency, number, created: at, livemode: true, billing_reason: 'subscription_cycle', total, subtotal: total,
      amount_due: total, amount_paid: status === 'paid' ? total : 0, amount_remaining: status === 'paid' ? 0 : total, attempt_count: 1,
      due_date: null, period_start: at - 30 * DAY, period_end: at, hosted_invoice_url: `https://invoice.example.com/${id}`, metadata: {},
      status_transitions: { finalized_at: at, paid_at: status === 'paid' ? at : null, voided_at: null, marked_uncollectible_at: null },
      parent: subscription && { type: 'subscription_details', subscription_details: { subscription, metadata: {} } },
      lines: { object: 'list', data: [], has_more: false, total_count: 0 },
      ...more,
    },
  }),
  charge: (id, { at, customer, amount = 1000, currency = 'usd', status = 'succeeded', ...more }) => ({
    type: `charge.${status}`,
    object: {
      id, object: 'charge', customer, amount, amount_captured: amount, amount_refunded: 0, currency, status, captured: true, paid: status === 'succeeded',
      created: at, livemode: true, disputed: false, refunded: false, payment_intent: `pi_${id}`, failure_code: null, failure_message: null, metadata: {},
      receipt_url: null, ...more,
    },
  }),
  refund: (id, { at, customer, charge, amount = 1000, currency = 'usd', status = 'succeeded', ...more }) => ({
    type: 'refund.created',
    object: {
      id, object: 'refund', customer, charge, payment_intent: `pi_${charge}`, amount, currency, status, created: at, reason: 'duplicate', metadata: {}, ...more,
    },
  }),
  dispute: (id, { at, charge, amount = 1000, currency = 'usd', status = 'needs_response', ...more }) => ({
    type: status === 'needs_response' ? 'charge.dispute.created' : 'charge.dispute.updated',
    object: {
      id, object: 'dispute', charge, payment_intent: `pi_${charge}`, amount, currency, status, created: at, livemode: true, reason: 'fraudulent', metadata: {},
      evidence_details: { due_by: at + 9 * DAY, has_evidence: false, past_due: false, submission_count: 0 }, ...more,
    },
  }),
};

function stripeEvent({ event, at, type, livemode = true, ...spec }) {
  const [kind] = Object.keys(spec);
  const { [kind]: id, ...fields } = spec;
  const made = STRIPE[kind](id, { at, ...fields });
  const body = {
    id: event ?? `evt_${randomBytes(8).toString('hex')}`, object: 'event', api_version: '2026-10-28.endive', created: at, livemode,
    pending_webhooks: 1, request: { id: null, idempotency_key: null }, type: type ?? made.type, data: { object: made.object },
  };
  return { body: JSON.stringify(body), key: body.id };
}

const lagoCustomer = (id, { at, name = 'Example Ltd', email = 'billing@example.com', external_id: external = `ext_${id}`, ...more }) => ({
  lago_id: id, external_id: external, name, email, legal_name: null, currency: 'EUR', country: 'DE', city: 'Berlin', address_line1: 'Hauptstr. 1',
  address_line2: null, state: null, zipcode: '10115', url: null, phone: null, created_at: iso(at), updated_at: iso(at), metadata: [], ...more,
});

const LAGO = {
  customer: (id, fields) => ({ type: 'customer.updated', object: lagoCustomer(id, fields) }),
  subscription: (id, { at, customer, amount_cents: amount = 5000, status = 'active', ...more }) => ({
    type: status === 'terminated' ? 'subscription.terminated' : 'subscription.started',
    object: {
      lago_id: id, external_id: `ext_${id}`, lago_customer_id: customer, external_customer_id: `ext_${customer}`, name: 'Team', plan_code: 'team',
      plan_amount_cents: amount, plan_amount_currency: 'EUR', status, billing_time: 'calendar', subscription_at: iso(at), started_at: iso(at),
      created_at: iso(at), ending_at: null, terminated_at: status === 'terminated' ? iso(at) : null, canceled_at: null, trial_ended_at: null,
      plan: {
        lago_id: `plan_${id}`, name: 'Team', code: 'team', interval: 'monthly', amount_cents: amount, amount_currency: 'EUR', charges: [], pay_in_advance: false,
      },
      ...more,
    },
  }),
  invoice: (id, { at, customer, total_amount_cents: total = 5000, payment_status: payment = 'pending', number = `EX-${id}`, ...more }) => ({
    type: 'invoice.created',
    object: {
      lago_id: id, number, sequential_id: 1, issuing_date: iso(at).slice(0, 10), payment_due_date: iso(at + 14 * DAY).slice(0, 10), invoice_type: 'subscription',
      status: 'finalized', payment_status: payment, payment_overdue: false, currency: 'EUR', fees_amount_cents: total, taxes_amount_cents: 0,
      sub_total_excluding_taxes_amount_cents: total, sub_total_including_taxes_amount_cents: total, total_amount_cents: total,
      total_due_amount_cents: payment === 'succeeded' ? 0 : total, total_paid_amount_cents: payment === 'succeeded' ? total : 0,
      created_at: iso(at), updated_at: iso(at), file_url: null, version_number: 4, customer: lagoCustomer(customer, { at }), ...more,
    },
  }),
};

function lagoEvent({ event, at, type, ...spec }) {
  const [kind] = Object.keys(spec);
  const { [kind]: id, ...fields } = spec;
  const made = LAGO[kind](id, { at, ...fields });
  const body = { webhook_type: type ?? made.type, object_type: kind, organization_id: 'org_example', [kind]: made.object };
  return { body: JSON.stringify(body), key: event ?? randomUUID() };
}

/* The body of an event and the provider's id of its delivery. */
export function makeEvent(source, spec) {
  const maker = { stripe: stripeEvent, lago: lagoEvent }[source];
  if (maker === undefined) throw new Error(`there is no source ${source}`);
  return maker({ at: now(), ...spec });
}
