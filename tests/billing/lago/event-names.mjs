// The names that the filter of an endpoint knows.  One differs from the name
// that is sent: credit_note.refund_failure is configured as
// credit_note.provider_refund_failure, and so passes no filter.

const GROUPS = {
  alert: 'triggered',
  billable_metric: 'created updated deleted',
  credit_note: 'created generated provider_refund_failure',
  customer: 'created updated accounting_provider_created accounting_provider_error checkout_url_generated crm_provider_created '
    + 'crm_provider_error payment_provider_created payment_provider_error tax_provider_error vies_check',
  dunning_campaign: 'finished',
  event: 'error',
  events: 'errors',
  feature: 'created updated deleted',
  fee: 'created tax_provider_error',
  integration: 'provider_error',
  invoice: 'created one_off_created paid_credit_added generated drafted voided deleted ready_to_finalize payment_dispute_lost '
    + 'payment_status_updated payment_overdue payment_failure resynced',
  order: 'created executed',
  order_form: 'created signed expired voided',
  payment: 'requires_action succeeded',
  payment_provider: 'error',
  payment_receipt: 'created generated',
  payment_request: 'created payment_failure payment_status_updated',
  plan: 'created updated deleted',
  quote: 'created approved voided',
  subscription: 'started terminated updated canceled incomplete trial_ended termination_alert usage_threshold_reached',
  wallet: 'created updated terminated depleted_ongoing_balance',
  wallet_transaction: 'created updated payment_failure',
};

export const EVENT_NAMES = new Set(Object.entries(GROUPS)
  .flatMap(([group, names]) => names.split(' ').map((name) => `${group}.${name}`)));
