// New rows with every field that the serializers write.

import { day, seconds } from '../common/times.mjs';

const ADDRESS = { address_line1: null, address_line2: null, city: null, zipcode: null, state: null, country: null };

export const PREFIX = 'NWM-6C10';

export function newCustomer(fields, now) {
  const { billing_configuration: billing, shipping_address: shipping, ...rest } = fields;
  return {
    lago_id: null, billing_entity_code: 'northwind_eu', external_id: null, account_type: 'customer', name: null,
    firstname: null, lastname: null, customer_type: null, sequential_id: null, slug: null,
    created_at: seconds(now), updated_at: seconds(now),
    country: null, address_line1: null, address_line2: null, state: null, zipcode: null, email: null, city: null,
    url: null, phone: null, logo_url: null, legal_name: null, legal_number: null, currency: null,
    tax_identification_number: null, timezone: null, applicable_timezone: fields.timezone ?? 'UTC', net_payment_term: null,
    external_salesforce_id: null, finalize_zero_amount_invoice: 'inherit',
    billing_configuration: {
      invoice_grace_period: null, payment_provider: null, payment_provider_code: null, document_locale: null,
      subscription_invoice_issuing_date_anchor: null, subscription_invoice_issuing_date_adjustment: null, ...billing,
    },
    shipping_address: { ...ADDRESS, ...shipping },
    skip_invoice_custom_sections: false, metadata: [], taxes: [], integration_customers: [],
    ...rest,
  };
}

export function newPlan(fields, now) {
  return {
    lago_id: null, name: null, invoice_display_name: null, created_at: seconds(now), code: null, interval: 'monthly',
    description: null, amount_cents: 0, amount_currency: 'EUR', trial_period: 0, pay_in_advance: false,
    bill_charges_monthly: null, bill_fixed_charges_monthly: false, customers_count: 0, active_subscriptions_count: 0,
    draft_invoices_count: 0, parent_id: null, pending_deletion: false, charges: [], usage_thresholds: [], taxes: [],
    ...fields,
  };
}

export function newSubscription(fields, customer, plan, now) {
  const active = fields.status === 'active';
  return {
    lago_id: null, external_id: null, lago_customer_id: customer.lago_id, external_customer_id: customer.external_id,
    name: null, plan_code: plan.code, plan_amount_cents: plan.amount_cents, plan_amount_currency: plan.amount_currency,
    status: 'pending', billing_time: 'calendar', subscription_at: seconds(now),
    started_at: active ? new Date(now).toISOString() : null, trial_ended_at: null, ending_at: null, terminated_at: null,
    canceled_at: null, created_at: seconds(now), previous_plan_code: null, next_plan_code: null, downgrade_plan_date: null,
    current_billing_period_started_at: active ? seconds(now) : null,
    current_billing_period_ending_at: active ? seconds(now + PERIOD_MS) : null,
    on_termination_credit_note: null, on_termination_invoice: 'generate', progressive_billing_disabled: false,
    consolidate_invoice: true, purchase_order_number: null, cancellation_reason: null,
    activated_at: active ? seconds(now) : null,
    payment_method: { payment_method_id: null, payment_method_type: 'provider' }, activation_rules: [],
    ...fields,
  };
}

const PERIOD_MS = 30 * 86400000;

// Amounts are whole cents; the tax is rounded half up as Lago does.
export function newFee(fields) {
  const amount = fields.amount_cents;
  const rate = fields.taxes_rate ?? 0;
  const tax = Math.floor((amount * rate) / 100 + 0.5);
  const { item, ...rest } = fields;
  return {
    lago_id: null, lago_charge_id: null, lago_charge_filter_id: null, lago_fixed_charge_id: null, lago_invoice_id: null,
    lago_true_up_fee_id: null, lago_true_up_parent_fee_id: null, lago_original_fee_id: null, lago_subscription_id: null,
    external_subscription_id: null, lago_customer_id: null, external_customer_id: null,
    item: {
      type: 'subscription', code: null, name: null, description: null, invoice_display_name: null, filters: null,
      filter_invoice_display_name: null, lago_item_id: null, item_type: 'Subscription', grouped_by: {}, ...item,
    },
    pay_in_advance: false, invoiceable: true, amount_cents: amount, amount_currency: 'EUR',
    precise_amount: '0.0', precise_total_amount: '0.0', taxes_amount_cents: tax, taxes_precise_amount: '0.0', taxes_rate: rate,
    total_aggregated_units: null, total_amount_cents: amount + tax, total_amount_currency: fields.amount_currency ?? 'EUR',
    units: '1.0', description: null, precise_unit_amount: '0.0', precise_coupons_amount_cents: '0.0',
    sub_total_excluding_taxes_amount_cents: amount, sub_total_excluding_taxes_precise_amount_cents: `${amount}.0`,
    events_count: null, payment_status: 'pending', created_at: null, succeeded_at: null, failed_at: null, refunded_at: null,
    amount_details: {}, self_billed: false, pricing_unit_details: null, presentation_breakdowns: [], from_date: null, to_date: null,
    ...rest,
  };
}

// $customer and $subscriptions hold lago_ids; the answers show the objects.
export function newInvoice(fields, customer, now) {
  const fees = fields.fees ?? [];
  const sum = (name) => fees.reduce((total, fee) => total + fee[name], 0);
  const coupons = fields.coupons_amount_cents ?? 0;
  const excluding = sum('amount_cents') - (fields.progressive_billing_credit_amount_cents ?? 0) - coupons;
  const including = excluding + sum('taxes_amount_cents');
  const total = including - (fields.credit_notes_amount_cents ?? 0) - (fields.prepaid_credit_amount_cents ?? 0);
  return {
    lago_id: null, billing_entity_code: customer.billing_entity_code, sequential_id: null, number: `${PREFIX}-DRAFT`,
    purchase_order_number: null, issuing_date: day(now), payment_due_date: day(now), net_payment_term: customer.net_payment_term ?? 0,
    invoice_type: 'subscription', status: 'draft', payment_status: 'pending', payment_dispute_lost_at: null, payment_overdue: false,
    currency: customer.currency ?? 'EUR', fees_amount_cents: sum('amount_cents'), taxes_amount_cents: sum('taxes_amount_cents'),
    progressive_billing_credit_amount_cents: 0, coupons_amount_cents: coupons, credit_notes_amount_cents: 0,
    sub_total_excluding_taxes_amount_cents: excluding, sub_total_including_taxes_amount_cents: including,
    total_amount_cents: total, total_due_amount_cents: total, total_paid_amount_cents: 0,
    total_offsetted_credit_note_amount_cents: 0, prepaid_credit_amount_cents: 0, prepaid_granted_credit_amount_cents: null,
    prepaid_purchased_credit_amount_cents: null, file_url: null, xml_url: null, version_number: 4,
    self_billed: customer.account_type === 'partner', created_at: seconds(now), updated_at: seconds(now), voided_at: null,
    $customer: customer.lago_id, $subscriptions: [], billing_periods: [], fees, credits: [], metadata: [], applied_taxes: [],
    error_details: [], applied_invoice_custom_sections: [],
    ...fields,
  };
}

export function newPayment(fields, invoices, customer, now) {
  return {
    lago_id: null, lago_customer_id: customer.lago_id, external_customer_id: customer.external_id,
    invoice_ids: invoices.map((invoice) => invoice.lago_id), invoice_numbers: invoices.map((invoice) => invoice.number),
    lago_payable_id: invoices[0]?.lago_id ?? null, payable_type: 'Invoice', amount_cents: 0,
    amount_currency: invoices[0]?.currency ?? customer.currency, status: 'succeeded', payment_status: 'succeeded', type: 'provider',
    reference: null, payment_provider_code: null, payment_provider_type: null, external_payment_id: null,
    provider_payment_id: null, provider_customer_id: null, next_action: {}, created_at: seconds(now),
    ...fields,
  };
}

export function newCreditNote(fields, invoice, now) {
  return {
    lago_id: null, billing_entity_code: invoice.billing_entity_code, sequential_id: 1, number: `${invoice.number}-CN001`,
    lago_invoice_id: invoice.lago_id, invoice_number: invoice.number, purchase_order_number: invoice.purchase_order_number,
    issuing_date: day(now), credit_status: null, refund_status: null, reason: 'other', description: null,
    currency: invoice.currency, total_amount_cents: 0, precise_total_amount_cents: null, taxes_amount_cents: 0,
    precise_taxes_amount_cents: null, sub_total_excluding_taxes_amount_cents: 0, balance_amount_cents: 0, credit_amount_cents: 0,
    refund_amount_cents: 0, offset_amount_cents: 0, coupons_adjustment_amount_cents: 0, taxes_rate: 0,
    created_at: seconds(now), updated_at: seconds(now), file_url: null, xml_url: null, self_billed: invoice.self_billed,
    $customer: invoice.$customer, items: [], applied_taxes: [], metadata: {}, error_details: [],
    ...fields,
  };
}
