/* Stripe: objects that the REST API gave, and parts that were asked for.  See stripe.h. */
#include "base/base.h"

#include "source/stripe.h"

static const struct word {
	const char *word; /* of an object's "object" */
	enum object_kind kind;
	int (*handle)(struct source_news *news, const json_t *object, struct bh_err *err);
} words[] = {
    {"customer", OBJECT_CUSTOMER, stripe_customer},
    {"subscription", OBJECT_SUBSCRIPTION, stripe_subscription},
    {"invoice", OBJECT_INVOICE, stripe_invoice},
    {"credit_note", OBJECT_CREDIT_NOTE, stripe_credit_note},
    {"charge", OBJECT_PAYMENT, stripe_charge},
    {"payment_intent", OBJECT_PAYMENT, stripe_payment_intent},
    {"invoice_payment", OBJECT_NONE, stripe_invoice_payment},
    {"refund", OBJECT_REFUND, stripe_refund},
    {"dispute", OBJECT_DISPUTE, stripe_dispute},
    {"product", OBJECT_PRODUCT, stripe_product},
    {"price", OBJECT_PLAN, stripe_plan},
    {"plan", OBJECT_PLAN, stripe_plan},
    {"coupon", OBJECT_COUPON, stripe_coupon},
    {"discount", OBJECT_DISCOUNT, stripe_discount_event},
    {"subscription_schedule", OBJECT_SCHEDULE, stripe_schedule},
    {"tax_id", OBJECT_NONE, stripe_tax_id},
};

/* What is gone is told by its id alone. */
static int
gone(struct source_news *news, enum object_kind kind, const json_t *object, struct bh_err *err)
{
	struct object_change *change =
	    source_change(news, kind, json_object_get(object, "id"), err);

	if (change == NULL)
		return -1;
	change->deleted = true;
	change->partial = true;
	stripe_version(news, change, 0);
	return 0;
}

int
stripe_object(struct source_news *news, const json_t *object, struct bh_err *err)
{
	const char *is = bh_json_str(object, "object");
	const json_t *live = json_object_get(object, "livemode");
	int rc;

	if (json_is_boolean(live))
		news->live = json_is_true(live);
	for (size_t i = 0; is != NULL && i < BH_LEN(words); i++) {
		if (strcmp(words[i].word, is) != 0)
			continue;
		if (bh_is_json_true(object, "deleted") && words[i].kind != OBJECT_NONE)
			return gone(news, words[i].kind, object, err);
		rc = words[i].handle(news, object, err);
		/* A page holds many: one that tells nothing does not speak for the others. */
		if (news->result->changes.n > 0) {
			news->result->outcome = SOURCE_APPLIED;
			news->result->note[0] = '\0';
		}
		return rc;
	}
	return bh_fail(err, BH_INVALID, "Stripe gave %.40s, which is not used",
	    is != NULL ? is : "something that does not say what it is");
}

void
stripe_want_part(struct source_news *news, const struct object_change *change, const char *what,
    const json_t *owner, const char *const *members)
{
	json_t *of = json_object();

	for (const char *const *name = members; *name != NULL; name++)
		if (json_object_get(owner, *name) != NULL)
			json_object_set(of, *name, json_object_get(owner, *name));
	source_want(news, what, change->id,
	    json_pack("{s:I, s:i, s:s, s:o}", "at_ms", (json_int_t)change->version.at_ms, "rank",
		change->version.rank, "tie", change->version.tie, "of", of));
}

/*
 * Just above the change that it completes, so that any order of the two ends
 * the same, and whatever is newer than that one is newer than the part, too.
 */
static bool
is_part_version(const json_t *hint, struct object_version *version)
{
	const char *tie = bh_json_str(hint, "tie");
	int64_t rank;

	if (!bh_is_json_int(hint, "at_ms", &version->at_ms) ||
	    !bh_is_json_int(hint, "rank", &rank) || rank < INT32_MIN || rank > INT32_MAX ||
	    tie == NULL || strlen(tie) + 1 >= sizeof(version->tie))
		return false;
	version->rank = (int)rank;
	snprintf(version->tie, sizeof(version->tie), "%s+", tie);
	return true;
}

int
stripe_part(struct source_news *news, const struct source_want *want, const json_t *rows,
    bool complete, struct bh_err *err)
{
	bool is_items = strcmp(want->what, STRIPE_ITEMS) == 0;
	json_t *owner = json_copy(bh_json_at(want->hint, "of"));
	const char *currency = bh_json_str(owner, "currency");
	json_t *id = json_string(want->id);
	struct object_change *change;
	struct object_version version;
	int rc = -1;

	if (!json_is_object(owner) || !json_is_array(rows) ||
	    !is_part_version(want->hint, &version)) {
		bh_fail(err, BH_INVALID, "the want of %s does not say of what", want->what);
		goto out;
	}
	change = source_change(news, is_items ? OBJECT_SUBSCRIPTION : OBJECT_INVOICE, id, err);
	if (change == NULL)
		goto out;
	json_object_set_new(owner, is_items ? "items" : "lines",
	    json_pack("{s:O, s:b}", "data", rows, "has_more", !complete));
	if (is_items)
		stripe_subscription_items(news, change->fields, owner);
	else
		stripe_lines(change->fields, owner,
		    stripe_unit(news, currency != NULL ? currency : ""));
	change->partial = true;
	change->version = version;
	rc = 0;
out:
	json_decref(id);
	json_decref(owner);
	return rc;
}
