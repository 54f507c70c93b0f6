/*
 * Stripe: looking up one object, or the part of one that an event left out.
 * Lists inside what is looked up are read to their end.
 */
#include "base/base.h"

#include "base/text.h"
#include "source/stripe_api.h"

/* How an object of a kind is asked for. */
static const struct kind {
	const char *what;   /* the canonical kind's name */
	const char *prefix; /* of ids, where ids of one kind are of several objects */
	const char *path;
	const char *expand[5];
	/*
	 * The "object" word of what Stripe forgets when it is deleted: a 404 is then a
	 * deletion.  A deleted customer is still told ({deleted: true}), so a 404
	 * there means that the id never was one of this account; the rest cannot be deleted.
	 */
	const char *deleted;
} kinds[] = {
    {"customer", "", "/v1/customers/", {"tax_ids", "discount.source.coupon"}, NULL},
    /* Until 2025-09-30 a discount has its coupon inside: expanding the discount alone is enough. */
    {"subscription", "", "/v1/subscriptions/",
	{"discounts.source.coupon", "discounts", "items.data.price.tiers", "items.data.discounts"},
	NULL},
    {"invoice", "", "/v1/invoices/", {"payments"}, "invoice"},
    {"credit_note", "", "/v1/credit_notes/", {NULL}, NULL},
    {"payment", "pi_", "/v1/payment_intents/", {"latest_charge"}, NULL},
    {"payment", "ch_", "/v1/charges/", {"payment_intent"}, NULL},
    {"payment", "py_", "/v1/charges/", {"payment_intent"}, NULL},
    {STRIPE_INVOICE_PAYMENT, "", "/v1/invoice_payments/", {NULL}, NULL},
    {"refund", "", "/v1/refunds/", {NULL}, NULL},
    {"dispute", "", "/v1/disputes/", {NULL}, NULL},
    {"plan", "", "/v1/prices/", {"tiers"}, NULL},
    {"coupon", "", "/v1/coupons/", {"applies_to"}, "coupon"},
    {"product", "", "/v1/products/", {NULL}, "product"},
    {"schedule", "", "/v1/subscription_schedules/", {NULL}, NULL},
};
/* The older twin of a price: those made before 2020 are sometimes only this. */
static const struct kind plan = {"plan", "", "/v1/plans/", {"tiers"}, "price"};

static const char *const item_names[] = {"data.price.tiers", "data.discounts", NULL};

static const struct kind *
kind_of(const char *what, const char *id)
{
	for (size_t i = 0; i < BH_LEN(kinds); i++)
		if (strcmp(kinds[i].what, what) == 0 && bh_has_prefix(id, kinds[i].prefix))
			return &kinds[i];
	return NULL;
}

static int
get(struct stripe_session *session, const struct kind *kind, const char *id,
    struct source_answer *answer, struct bh_err *err)
{
	struct bh_buf path = BH_BUF_INIT(2048);
	unsigned dropped = 0;
	int rc;

	stripe_path(&path, kind->path, id, "");
	rc = stripe_get(session, bh_buf_str(&path), kind->expand, &dropped, answer, err);
	bh_buf_release(&path);
	return rc;
}

/* -- lists inside an object -- */

static void
items_path(struct bh_buf *path, const char *subscription)
{
	bh_buf_adds(path, "/v1/subscription_items");
	stripe_param(path, "subscription", subscription);
}

/* Where the rest of an object's embedded list is read, and under which member it stands. */
static const char *
list_of(const json_t *object, struct bh_buf *path)
{
	const char *word = bh_json_str(object, "object");
	const char *id = bh_json_str(object, "id");

	if (word == NULL || id == NULL)
		return NULL;
	if (strcmp(word, "subscription") == 0) {
		items_path(path, id);
		return "items";
	}
	if (strcmp(word, "invoice") == 0)
		stripe_path(path, "/v1/invoices/", id, "/lines");
	else if (strcmp(word, "credit_note") == 0)
		stripe_path(path, "/v1/credit_notes/", id, "/lines");
	else
		return NULL;
	return "lines";
}

/* Read an embedded list to its end where it was cut. */
static int
complete(struct stripe_session *session, json_t *object, struct source_result *result,
    struct bh_err *err)
{
	struct bh_buf path = BH_BUF_INIT(2048);
	const char *member = list_of(object, &path);
	json_t *list = member != NULL ? json_object_get(object, member) : NULL;
	json_t *rows = json_object_get(list, "data");
	bool is_items = member != NULL && strcmp(member, "items") == 0, whole;
	int rc = 0;

	if (json_is_array(rows) && bh_is_json_true(list, "has_more")) {
		rc = stripe_rows(session, bh_buf_str(&path), is_items ? item_names : NULL, rows,
		    &whole, err);
		if (rc > 0)
			json_object_set_new(list, "has_more", json_boolean(!whole));
		if (rc > 0 && !whole)
			snprintf(result->note, sizeof(result->note),
			    "it has more than %d %s: the rest is left out", STRIPE_ROWS_MAX,
			    member);
	}
	bh_buf_release(&path);
	return rc < 0 ? -1 : 0;
}

/* -- whole objects -- */

static int
read_one(struct stripe_session *session, const struct source_answer *answer,
    struct source_result *result, struct bh_err *err)
{
	struct stripe_reading reading;

	if (complete(session, answer->json, result, err) < 0)
		return -1;
	stripe_reading_start(&reading, session, answer, result);
	return stripe_read(&reading, answer->json, err);
}

/* Stripe no longer has it, and would not forget it otherwise. */
static int
read_gone(struct stripe_session *session, const struct source_answer *answer, const char *word,
    const char *id, struct source_result *result, struct bh_err *err)
{
	json_t *stub = json_pack("{s:s, s:s, s:b}", "id", id, "object", word, "deleted", 1);
	struct stripe_reading reading;
	int rc;

	stripe_reading_start(&reading, session, answer, result);
	rc = stripe_read(&reading, stub, err);
	json_decref(stub);
	return rc;
}

static int
note_missing(const struct source_want *want, struct source_result *result)
{
	snprintf(result->note, sizeof(result->note), "Stripe has no %s %.80s", want->what,
	    want->id);
	return 0;
}

/* Since 2025-03-31 only these tell which invoice a payment is for; older versions have no such call. */
static int
fetch_invoices(struct stripe_session *session, const char *intent, struct source_result *result,
    struct bh_err *err)
{
	struct bh_buf path = BH_BUF_INIT(2048);
	struct source_answer answer;
	struct stripe_reading reading;
	unsigned dropped = 0;
	size_t i;
	json_t *row;
	int rc;

	bh_buf_adds(&path, "/v1/invoice_payments?limit=100&payment[type]=payment_intent");
	stripe_param(&path, "payment[payment_intent]", intent);
	rc = stripe_get(session, bh_buf_str(&path), NULL, &dropped, &answer, err);
	if (rc == 0) {
		stripe_reading_start(&reading, session, &answer, result);
		json_array_foreach (json_object_get(answer.json, "data"), i, row)
			stripe_read(&reading, row, NULL);
	} else if (answer.status >= 400 && answer.status < 404) {
		rc = 0; /* not with this key */
	} else if (is_stripe_unknown_call(&answer)) {
		rc = 0;
	}
	source_answer_release(&answer);
	bh_buf_release(&path);
	return rc;
}

static int
fetch_kind(struct stripe_session *session, const struct kind *kind, const struct source_want *want,
    struct source_result *result, struct bh_err *err)
{
	struct source_answer answer;
	int rc = get(session, kind, want->id, &answer, err);

	if (rc < 0 && strcmp(kind->what, "plan") == 0 && is_stripe_missing(&answer)) {
		source_answer_release(&answer);
		kind = &plan;
		rc = get(session, kind, want->id, &answer, err);
	}
	if (rc == 0)
		rc = read_one(session, &answer, result, err);
	else if (is_stripe_missing(&answer))
		rc = kind->deleted != NULL
			 ? read_gone(session, &answer, kind->deleted, want->id, result, err)
			 : note_missing(want, result);
	if (rc == 0 && strcmp(kind->prefix, "pi_") == 0 && result->changes.n > 0)
		rc = fetch_invoices(session, want->id, result, err);
	source_answer_release(&answer);
	return rc;
}

/* -- discounts: Stripe tells them with their owner only -- */

static bool
is_among(const json_t *discounts, const char *id)
{
	size_t i;
	json_t *one;

	json_array_foreach (discounts, i, one) {
		const char *is = json_string_value(read_id_of(one));

		if (is != NULL && strcmp(is, id) == 0)
			return true;
	}
	return false;
}

/* The owner has the discount, itself or in one of its items, or may have it where the items were cut. */
static bool
has_discount(const json_t *owner, const char *id)
{
	const char *single = json_string_value(read_id_of(json_object_get(owner, "discount")));
	size_t i;
	json_t *item;

	if (is_among(json_object_get(owner, "discounts"), id) ||
	    (single != NULL && strcmp(single, id) == 0) || bh_is_json_true(owner, "items.has_more"))
		return true;
	json_array_foreach (bh_json_at(owner, "items.data"), i, item)
		if (is_among(json_object_get(item, "discounts"), id))
			return true;
	return false;
}

static int
fetch_discount(struct stripe_session *session, const struct source_want *want,
    struct source_result *result, struct bh_err *err)
{
	const char *what = bh_json_str(want->hint, "owner_kind");
	const char *owner = bh_json_str(want->hint, "owner");
	const struct kind *kind = what != NULL && owner != NULL ? kind_of(what, owner) : NULL;
	struct source_answer answer;
	int rc;

	if (kind == NULL || *owner == '\0' ||
	    (strcmp(what, "customer") != 0 && strcmp(what, "subscription") != 0))
		return bh_fail(err, BH_INVALID,
		    "a discount cannot be looked up at Stripe without its customer or subscription");
	rc = get(session, kind, owner, &answer, err);
	if (rc == 0) {
		rc = read_one(session, &answer, result, err);
		/* It ended: Stripe forgets it then. */
		if (rc == 0 && !has_discount(answer.json, want->id))
			rc = read_gone(session, &answer, "discount", want->id, result, err);
	} else if (is_stripe_missing(&answer)) {
		rc = note_missing(want, result);
	}
	source_answer_release(&answer);
	return rc;
}

/* -- parts -- */

static int
fetch_part(struct stripe_session *session, const struct source_want *want, bool is_items,
    struct source_result *result, struct bh_err *err)
{
	struct bh_buf path = BH_BUF_INIT(2048);
	struct source_answer none = {.response = {0}};
	struct stripe_reading reading;
	json_t *rows = json_array();
	bool whole;
	int rc;

	if (is_items)
		items_path(&path, want->id);
	else
		stripe_path(&path, "/v1/invoices/", want->id, "/lines");
	rc = stripe_rows(session, bh_buf_str(&path), is_items ? item_names : NULL, rows, &whole,
	    err);
	if (rc == 0)
		rc = note_missing(want, result);
	else if (rc > 0) {
		stripe_reading_start(&reading, session, &none, result);
		rc = stripe_part(&reading.news, want, rows, whole, err);
		if (rc == 0 && !whole)
			snprintf(result->note, sizeof(result->note),
			    "it has more than %d %s: the rest is left out", STRIPE_ROWS_MAX,
			    is_items ? "items" : "lines");
	}
	json_decref(rows);
	bh_buf_release(&path);
	return rc;
}

int
stripe_fetch(const struct source_api *api, const struct source_want *want,
    struct source_result *result, struct bh_err *err)
{
	struct stripe_session session = {.api = api, .account = want->account};
	bool is_items = strcmp(want->what, STRIPE_ITEMS) == 0;
	const struct kind *kind = kind_of(want->what, want->id);
	int rc;

	if (!is_source_word(want->id) && *want->id == '\0')
		return bh_fail(err, BH_INVALID, "nothing can be looked up without an id");
	if (is_items || strcmp(want->what, STRIPE_LINES) == 0)
		rc = fetch_part(&session, want, is_items, result, err);
	else if (strcmp(want->what, "discount") == 0)
		rc = fetch_discount(&session, want, result, err);
	else if (kind != NULL)
		rc = fetch_kind(&session, kind, want, result, err);
	else
		return bh_fail(err, BH_INVALID, "Stripe has no %s %.80s that could be looked up",
		    want->what, want->id);
	if (rc < 0)
		source_result_release(result);
	else
		stripe_reading_end(result);
	return rc;
}
