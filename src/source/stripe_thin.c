/*
 * Stripe: thin events, which name an object and do not carry it (Stripe:
 * Migrate from snapshot to thin events), and events in a cloud's wrapper.
 *
 * Where the same happening also comes as a snapshot event nothing has to be
 * told apart: what is read is a state of the object with a version, and the newer one stands.
 */
#include "base/base.h"

#include "base/text.h"
#include "source/stripe.h"

/* What related_object.type is called when it is looked up. */
static const struct {
	const char *type, *what;
} related[] = {
    {"customer", "customer"},
    {"subscription", "subscription"},
    {"invoice", "invoice"},
    {"credit_note", "credit_note"},
    {"charge", "payment"},
    {"payment_intent", "payment"},
    {"invoice_payment", STRIPE_INVOICE_PAYMENT},
    {"refund", "refund"},
    {"dispute", "dispute"},
    {"product", "product"},
    {"price", "plan"},
    {"plan", "plan"},
    {"coupon", "coupon"},
    {"subscription_schedule", "schedule"},
};

/* A thin twin of a type that is knowingly not used as a snapshot either. */
static bool
is_unused(const char *type)
{
	const char *plain = bh_has_prefix(type, "v1.") ? type + strlen("v1.") : type;

	for (const struct source_type *t = stripe_types; t->type != NULL; t++)
		if (strcmp(t->type, plain) == 0)
			return t->handle == NULL;
	return false;
}

bool
is_stripe_thin(const json_t *body)
{
	const char *object = bh_json_str(body, "object");

	return object != NULL && strcmp(object, "v2.core.event") == 0;
}

int
stripe_thin(struct source_news *news, struct bh_err *err)
{
	const json_t *object = json_object_get(news->body, "related_object");
	const char *type = bh_json_str(object, "type"), *what = NULL;
	const char *id = bh_json_str(object, "id");

	if (type == NULL || is_unused(news->event->type))
		return source_leave(news, SOURCE_IGNORED,
		    "a thin event about nothing that is used");
	for (size_t i = 0; i < BH_LEN(related); i++)
		if (strcmp(related[i].type, type) == 0)
			what = related[i].what;
	if (what == NULL)
		return source_leave(news, SOURCE_IGNORED,
		    "a thin event about a %.60s, which is not used", type);
	if (id == NULL || *id == '\0' || strlen(id) >= sizeof(((struct source_want *)0)->id))
		return bh_fail(err, BH_INVALID, "a thin event without a usable id of its %.60s",
		    type);
	source_want(news, what, id, NULL);
	return source_leave(news, SOURCE_ASKED, "%s", "");
}

bool
is_stripe_event(const json_t *body)
{
	const char *object = bh_json_str(body, "object");

	return object != NULL && (strcmp(object, "event") == 0 || is_stripe_thin(body));
}

const json_t *
stripe_unwrapped(const struct source_config *config, const json_t *body)
{
	static const char *const places[] = {"detail", "data"}; /* EventBridge, CloudEvents */

	if (!bh_is_json_true(config->settings, "unwrap") || is_stripe_event(body))
		return body;
	for (size_t i = 0; i < BH_LEN(places); i++)
		if (is_stripe_event(json_object_get(body, places[i])))
			return json_object_get(body, places[i]);
	return body;
}
