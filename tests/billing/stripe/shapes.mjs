// How objects hang together: which members are references that can be
// expanded, which are lists of at most ten, which are sent on request only
// (section 4; checked against the type definitions of the SDK).

const ref = (type) => ({ ref: type });
const refs = (type) => ({ refs: type });
const list = (type) => ({ list: type });
const hash = (members) => ({ hash: members });
const hashes = (members) => ({ hashes: members });
const whole = (type) => ({ whole: type }); // always a whole object
const onRequest = { onRequest: true };
const foreign = { foreign: true }; // can be expanded, but the simulator holds no such objects

const DISCOUNT_AMOUNTS = hashes({ discount: ref('discount') });

export const SHAPES = {
  customer: {
    default_source: foreign, test_clock: foreign, discount: whole('discount'),
    invoice_settings: hash({ default_payment_method: foreign }),
    subscriptions: onRequest, tax_ids: foreign, sources: foreign,
  },
  subscription: {
    customer: ref('customer'), latest_invoice: ref('invoice'), schedule: ref('subscription_schedule'),
    discounts: refs('discount'), items: list('subscription_item'), default_payment_method: foreign,
    default_source: foreign, pending_setup_intent: foreign, test_clock: foreign, application: foreign,
    on_behalf_of: foreign,
  },
  subscription_item: { price: whole('price'), discounts: refs('discount') },
  subscription_schedule: {
    customer: ref('customer'), subscription: ref('subscription'), test_clock: foreign, application: foreign,
    phases: hashes({
      items: hashes({ price: ref('price'), discounts: hashes({ coupon: ref('coupon'), discount: ref('discount') }) }),
      discounts: hashes({ coupon: ref('coupon'), discount: ref('discount') }),
    }),
  },
  discount: { customer: ref('customer'), promotion_code: foreign, source: hash({ coupon: ref('coupon') }) },
  coupon: { applies_to: onRequest, currency_options: onRequest },
  price: { product: ref('product'), tiers: onRequest, currency_options: onRequest },
  product: { default_price: ref('price'), tax_code: foreign },
  invoice: {
    customer: ref('customer'), discounts: refs('discount'), lines: list('line_item'), payments: onRequest,
    parent: hash({ subscription_details: hash({ subscription: ref('subscription') }) }),
    total_discount_amounts: DISCOUNT_AMOUNTS, from_invoice: hash({ invoice: ref('invoice') }),
    latest_revision: ref('invoice'), default_payment_method: foreign, default_source: foreign, test_clock: foreign,
    application: foreign, on_behalf_of: foreign,
  },
  line_item: {
    discounts: refs('discount'), subscription: ref('subscription'), discount_amounts: DISCOUNT_AMOUNTS,
    pricing: hash({ price_details: hash({ price: ref('price') }) }),
  },
  invoice_payment: {
    invoice: ref('invoice'),
    payment: hash({ payment_intent: ref('payment_intent'), charge: ref('charge'), payment_record: foreign }),
  },
  credit_note: {
    customer: ref('customer'), invoice: ref('invoice'), customer_balance_transaction: foreign,
    lines: list('credit_note_line_item'), refunds: hashes({ refund: ref('refund') }), discount_amounts: DISCOUNT_AMOUNTS,
  },
  credit_note_line_item: { discount_amounts: DISCOUNT_AMOUNTS },
  charge: {
    customer: ref('customer'), payment_intent: ref('payment_intent'), balance_transaction: foreign, review: foreign,
    application: foreign, application_fee: foreign, failure_balance_transaction: foreign, on_behalf_of: foreign,
    source_transfer: foreign, transfer: foreign,
  },
  refund: {
    charge: ref('charge'), payment_intent: ref('payment_intent'), customer: ref('customer'), balance_transaction: foreign,
    failure_balance_transaction: foreign, payment_method: foreign, source_transfer_reversal: foreign, transfer_reversal: foreign,
  },
  dispute: { charge: ref('charge'), payment_intent: ref('payment_intent') },
  payment_intent: {
    customer: ref('customer'), latest_charge: ref('charge'), payment_method: foreign, review: foreign,
    application: foreign, on_behalf_of: foreign, payment_record: foreign,
  },
  event: {},
  webhook_endpoint: {},
  account: {},
};

// What the world keeps by id.
export const TYPES = [
  'customer', 'subscription', 'subscription_schedule', 'discount', 'coupon', 'price', 'product', 'invoice',
  'invoice_payment', 'credit_note', 'charge', 'refund', 'dispute', 'payment_intent', 'event', 'webhook_endpoint',
];

// The slug of a permission to read a type (section 6; those of disputes and of the account are guesses).
export const READ = {
  customer: 'rak_customer_read', subscription: 'rak_subscription_read', subscription_item: 'rak_subscription_read',
  subscription_schedule: 'rak_subscription_schedule_read', coupon: 'rak_coupon_read',
  price: 'rak_plan_read', product: 'rak_product_read', invoice: 'rak_invoice_read', line_item: 'rak_invoice_read',
  invoice_payment: 'rak_invoice_read', credit_note: 'rak_credit_note_read', credit_note_line_item: 'rak_credit_note_read',
  charge: 'rak_charge_read', refund: 'rak_charge_read', dispute: 'rak_dispute_read',
  payment_intent: 'rak_payment_intent_read', event: 'rak_event_read', webhook_endpoint: 'rak_webhook_read',
  account: 'rak_accounts_kyc_basic_read',
};
