/*
 * Stripe: discounts and coupons, as events of their own and inside what they
 * lower.  Only discount events, old shapes and expanded reads have a discount's terms: whoever brings
 * them, they are told, so that those who see no more than an id can find them.
 */
#include "base/base.h"

#include "base/text.h"
#include "source/stripe.h"

/* Ranks inside one second; what stands inside another object comes first. */
enum {
	RANK_EMBEDDED = 0,
	RANK_CREATED,
	RANK_UPDATED,
	RANK_DELETED
};

static int
rank_of(const char *type)
{
	if (bh_has_suffix(type, ".created"))
		return RANK_CREATED;
	return bh_has_suffix(type, ".deleted") ? RANK_DELETED : RANK_UPDATED;
}

/* The coupon behind a discount: source.coupon since 2025-09-30, coupon before. */
static const json_t *
coupon_of(const json_t *discount)
{
	return READ_FIRST(bh_json_at(discount, "source.coupon"),
	    json_object_get(discount, "coupon"));
}

/* The terms are the same words in a coupon and in a discount that has them. */
static void
add_terms(const struct source_news *news, json_t *one, const json_t *coupon)
{
	const char *currency = bh_json_str(coupon, "currency");
	json_t *products = bh_json_at(coupon, "applies_to.products");

	read_text(one, "name", json_object_get(coupon, "name"));
	read_decimal(one, "percent_off", json_object_get(coupon, "percent_off"));
	read_currency(one, "currency", json_object_get(coupon, "currency"));
	read_money(one, "amount_off", json_object_get(coupon, "amount_off"),
	    stripe_unit(news, currency != NULL ? currency : ""));
	read_text(one, "duration", json_object_get(coupon, "duration"));
	read_int(one, "duration_in_months", json_object_get(coupon, "duration_in_months"));
	if (json_is_array(products))
		json_object_set(one, "products", products);
}

json_t *
stripe_discount(const struct source_news *news, const json_t *discount)
{
	json_t *one = json_object();

	read_id(one, "id", discount);
	if (json_is_object(discount)) {
		read_id(one, "coupon", coupon_of(discount));
		add_terms(news, one, coupon_of(discount));
		read_unix(one, "start", json_object_get(discount, "start"));
		read_unix(one, "end", json_object_get(discount, "end"));
		read_id(one, "subscription_item", json_object_get(discount, "subscription_item"));
	}
	read_prune(one);
	return one;
}

json_t *
stripe_discounts(const struct source_news *news, const json_t *owner)
{
	const json_t *single = json_object_get(owner, "discount");
	const json_t *single_id = read_id_of(single);
	const json_t *ids = json_object_get(owner, "discounts");
	json_t *list = json_array();
	size_t i;
	json_t *one;

	/* Until 2025-03-31 the single object stood beside the list of ids: it has the terms. */
	json_array_foreach (ids, i, one) {
		bool is_single =
		    single_id != NULL && json_is_string(one) && json_equal(one, single_id);

		json_array_append_new(list, stripe_discount(news, is_single ? single : one));
	}
	/* Before 2020 it had no id. */
	if (json_array_size(list) == 0 && (single_id != NULL || json_is_object(single)))
		json_array_append_new(list, stripe_discount(news, single));
	return list;
}

/* True when the event or page has told this one already. */
static bool
is_told(const struct source_news *news, enum object_kind kind, const json_t *id)
{
	const struct object_changes *changes = &news->result->changes;

	for (size_t i = 0; i < changes->n; i++)
		if (changes->items[i].kind == kind &&
		    strcmp(changes->items[i].id, json_string_value(id)) == 0)
			return true;
	return false;
}

/*
 * A coupon's products are only sent when asked for: without applies_to it is
 * not known which they are.
 */
static void
put_coupon(const struct source_news *news, json_t *fields, const json_t *coupon)
{
	static const char *const owned[] = {"name", "percent_off", "amount_off", "currency",
	    "duration", "duration_in_months", "valid", NULL};

	add_terms(news, fields, coupon);
	read_bool(fields, "valid", json_object_get(coupon, "valid"));
	stripe_own(fields, owned);
}

/*
 * Its terms hold as long as it lives, so they are as old as the coupon: one
 * that was deleted and made again under its id is not overwritten by the old one inside an old discount.
 */
static void
tell_coupon(struct source_news *news, const json_t *coupon)
{
	const json_t *id = read_id_of(coupon);
	struct object_change *change;
	int64_t created_ms;

	if (!json_is_object(coupon) || id == NULL || is_told(news, OBJECT_COUPON, id) ||
	    bh_is_json_true(coupon, "deleted"))
		return;
	change = source_change(news, OBJECT_COUPON, id, NULL);
	if (change == NULL)
		return;
	change->partial = true;
	put_coupon(news, change->fields, coupon);
	json_object_del(change->fields, "valid");
	stripe_version(news, change, RANK_EMBEDDED);
	if (is_unix_read(json_object_get(coupon, "created"), &created_ms)) {
		change->version.at_ms = created_ms;
		source_tie_fields(change->version.tie, change->fields);
	}
}

/* Everything of a discount but its terms, which not every discount has with it. */
static void
put_discount(const struct source_news *news, json_t *fields, const json_t *discount)
{
	static const char *const owned[] = {"customer", "subscription", "subscription_item",
	    "coupon", "start", "end", "promotion_code", NULL};
	json_t *terms;

	read_id(fields, "customer",
	    READ_FIRST(json_object_get(discount, "customer"),
		json_object_get(discount, "customer_account")));
	read_id(fields, "subscription", json_object_get(discount, "subscription"));
	read_id(fields, "subscription_item", json_object_get(discount, "subscription_item"));
	read_id(fields, "coupon", coupon_of(discount));
	read_unix(fields, "start", json_object_get(discount, "start"));
	read_unix(fields, "end", json_object_get(discount, "end"));
	read_id(fields, "promotion_code", json_object_get(discount, "promotion_code"));
	stripe_own(fields, owned);
	if (!json_is_object(coupon_of(discount)))
		return;
	terms = json_object();
	add_terms(news, terms, coupon_of(discount));
	read_prune(terms);
	json_object_set_new(fields, "terms", terms);
}

static struct object_change *
add_discount(struct source_news *news, const json_t *discount, int rank, struct bh_err *err)
{
	struct object_change *change =
	    source_change(news, OBJECT_DISCOUNT, json_object_get(discount, "id"), err);

	if (change == NULL)
		return NULL;
	change->partial = true;
	change->deleted = rank == RANK_DELETED;
	put_discount(news, change->fields, discount);
	stripe_version(news, change, rank);
	return change;
}

static void
tell_discount(struct source_news *news, const json_t *discount)
{
	const json_t *id = read_id_of(discount);

	if (!json_is_object(discount) || bh_is_json_true(discount, "deleted"))
		return;
	if (id != NULL && !is_told(news, OBJECT_DISCOUNT, id))
		add_discount(news, discount, RANK_EMBEDDED, NULL);
	tell_coupon(news, coupon_of(discount));
}

static void
tell_discounts(struct source_news *news, const json_t *owner)
{
	size_t i;
	json_t *one;

	tell_discount(news, json_object_get(owner, "discount"));
	json_array_foreach (json_object_get(owner, "discounts"), i, one)
		tell_discount(news, one);
}

void
stripe_tell_discounts(struct source_news *news, const json_t *owner)
{
	size_t i;
	json_t *item;

	tell_discounts(news, owner);
	json_array_foreach (bh_json_at(owner, "items.data"), i, item)
		tell_discounts(news, item);
}

int
stripe_discount_event(struct source_news *news, const json_t *object, struct bh_err *err)
{
	if (stripe_expect(object, "discount", err) < 0)
		return -1;
	if (json_object_get(object, "id") != NULL &&
	    add_discount(news, object,
		is_stripe_rest(news) ? RANK_EMBEDDED : rank_of(news->event->type), err) == NULL)
		return -1;
	tell_coupon(news, coupon_of(object));
	/* Before 2020 discounts had no id: their owners carry them whole. */
	if (news->result->changes.n == 0)
		return source_leave(news, SOURCE_IGNORED, "a discount without an id");
	return 0;
}

int
stripe_coupon(struct source_news *news, const json_t *object, struct bh_err *err)
{
	const char *type = news->event->type;
	struct object_change *change;

	if (stripe_expect(object, "coupon", err) < 0)
		return -1;
	change = source_change(news, OBJECT_COUPON, json_object_get(object, "id"), err);
	if (change == NULL)
		return -1;
	put_coupon(news, change->fields, object);
	/* Who reads a coupon by itself asks for its products, too: none means all. */
	if (is_stripe_rest(news) && json_object_get(change->fields, "products") == NULL)
		json_object_set_new(change->fields, "products", json_null());
	change->partial = !is_stripe_rest(news);
	change->deleted = bh_has_suffix(type, ".deleted");
	stripe_version(news, change, rank_of(type));
	stripe_born(news, change);
	return 0;
}
