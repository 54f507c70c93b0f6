/*
 * Figures: what Billhook itself works out of a customer's objects and shows
 * on the customer (fields.def, FIELD_DERIVED).  Pure.
 *
 * Facts are what is kept of a customer's objects to know its figures without
 * reading them all: a JSON object, stored as it is, with one part for each
 * object that matters:
 *
 *   { "subscriptions": { "<id>": { "steps": [...], "status", "renewal_at", "name", ... , "planned" } },
 *     "invoices": { "<id>": { open ones only: "remaining", "currency", "due_on", "status", "total", "overdue" } },
 *     "latest_invoice": { "id", "number", "status", "on", "at_ms" },
 *     "recoveries": { "<id>": "won" | "lost" | "open" } }
 *
 * Parts that hold nothing are not there: {} at first.
 */
#ifndef MODEL_FIGURES_H
#define MODEL_FIGURES_H

#include "model/revenue.h"

/*
 * Put what matters of an object into its customer's facts; object NULL, which the
 * caller gives for one that is deleted or of another customer now: take its
 * part out.  steps: of a subscription, as revenue_steps() gave them, else NULL;
 * with object NULL they are kept, so that a deleted one has its place in the
 * movements.  A subscription that carries its derived fields (mrr,
 * committed_mrr) tells by them what its plans change.  False when the facts
 * cannot be kept up this way (the latest invoice is gone or went back): make them
 * anew from all of the customer's objects.
 */
bool is_figures_put(json_t *facts, enum object_kind kind, const char *id, const json_t *object,
    const json_t *steps);

/*
 * The derived fields of a customer (new reference), every one of them (null where there is
 * nothing to tell).  customer: its canonical fields, NULL when not held.
 * *changes_ms_r: when they will change by themselves (an invoice falls overdue, new rates hold); INT64_MAX
 * never.  What changes the steps of a subscription is revenue_steps()' to tell.
 */
json_t *figures_customer(const json_t *facts, const json_t *customer,
    const struct revenue_switches *switches, int64_t now_ms, int64_t *changes_ms_r);

/*
 * The derived fields of a subscription (new reference), resolved as for revenue_figure().
 * schedule: as for revenue_committed(), may be NULL.
 */
json_t *figures_subscription(const json_t *subscription, const json_t *schedule,
    const struct revenue_switches *switches, int64_t now_ms, int64_t *changes_ms_r);

/*
 * Movements of one customer from the steps of all its subscriptions: array
 * (new reference), oldest first, of {"at_ms", "kind": "new" | "expansion" | "contraction" | "churn" |
 * "reactivation" | "fx", "currency", "amount": minor units of MRR, signed, "mrr": after it}.
 * A group of changes is dated by its first.  converted: in switches->currency instead of each currency for itself, with
 * movements "fx" where only the rates moved.
 */
json_t *figures_movements(const json_t *facts, const struct revenue_switches *switches,
    bool converted, int64_t now_ms);

#endif
