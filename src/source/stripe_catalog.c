/* Stripe: products and prices.  A plan is the old twin of a price, with the same id. */
#include "base/base.h"

#include "base/text.h"
#include "source/stripe_items.h"

/* created, updated, deleted inside one second. */
static int
rank_of(const char *type)
{
	if (bh_has_suffix(type, ".created"))
		return 0;
	return bh_has_suffix(type, ".deleted") ? 2 : 1;
}

int
stripe_product(struct source_news *news, const json_t *object, struct bh_err *err)
{
	const char *type = news->event->type;
	struct object_change *change;
	int64_t updated_ms;

	if (stripe_expect(object, "product", err) < 0)
		return -1;
	change = source_change(news, OBJECT_PRODUCT, json_object_get(object, "id"), err);
	if (change == NULL)
		return -1;
	read_filled(change->fields, "name", json_object_get(object, "name"));
	read_filled(change->fields, "description", json_object_get(object, "description"));
	read_bool(change->fields, "active", json_object_get(object, "active"));
	read_filled(change->fields, "unit_label", json_object_get(object, "unit_label"));
	stripe_metadata(change->fields, json_object_get(object, "metadata"));
	change->deleted = bh_has_suffix(type, ".deleted");
	stripe_version(news, change, rank_of(type));
	/* The only object here that says when it was changed. */
	if (is_stripe_rest(news) && is_unix_read(json_object_get(object, "updated"), &updated_ms))
		change->version.at_ms = updated_ms;
	return 0;
}

/* What both twins say; what only a price says is not a plan's to empty. */
static void
put_price(const struct source_news *news, json_t *fields, const json_t *price, bool is_plan)
{
	static const char *const owned[] = {"product", "name", "active", "currency", "unit_amount",
	    "interval", "interval_count", "usage_type", "billing_scheme", "tiers_mode", "divide_by",
	    "round", "trial_days", "created_at", "metadata", NULL};
	static const char *const owned_by_price[] = {"code", "tax_behavior", NULL};
	const char *currency = bh_json_str(price, "currency");

	stripe_price(fields, price, stripe_unit(news, currency != NULL ? currency : ""));
	read_filled(fields, "name",
	    READ_FIRST(json_object_get(price, "nickname"), json_object_get(price, "name")));
	read_bool(fields, "active", json_object_get(price, "active"));
	read_decimal(fields, "trial_days", stripe_recurring(price, "trial_period_days"));
	read_unix(fields, "created_at", json_object_get(price, "created"));
	stripe_metadata(fields, json_object_get(price, "metadata"));
	stripe_own(fields, owned);
	if (!is_plan)
		stripe_own(fields, owned_by_price);
}

int
stripe_plan(struct source_news *news, const json_t *object, struct bh_err *err)
{
	const char *type = news->event->type, *is = bh_json_str(object, "object");
	bool is_plan = is != NULL ? strcmp(is, "plan") == 0 : bh_has_prefix(type, "plan.");
	struct object_change *change;

	if (!is_plan && stripe_expect(object, "price", err) < 0)
		return -1;
	change = source_change(news, OBJECT_PLAN, json_object_get(object, "id"), err);
	if (change == NULL)
		return -1;
	put_price(news, change->fields, object, is_plan);
	/* Tiers never come in events: what was looked up stays.  A price never changes its money. */
	change->partial = is_plan || !is_stripe_rest(news);
	change->deleted = bh_has_suffix(type, ".deleted");
	stripe_version(news, change, 2 * rank_of(type) + !is_plan);
	if (!is_plan)
		stripe_born(news, change);
	return 0;
}
