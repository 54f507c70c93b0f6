/* Stripe: facts, the envelope, and what all its objects have in common. */
#include "base/base.h"

#include "source/stripe.h"

#include <strings.h>

#include "base/text.h"
#include "source/stripe_api.h"

#define REST_RANK (-1)
#define BORN_MS 3000 /* more than a REST answer is dated back */

/* A look at the envelope's members without parsing the body. */
static int
read_envelope(const char *body, size_t len, struct source_event *event, struct bh_err *err)
{
	char object[32];

	if (!bh_is_json_scanned(body, len, "object", object, sizeof(object)) ||
	    (strcmp(object, "event") != 0 && strcmp(object, "v2.core.event") != 0))
		return bh_fail(err, BH_INVALID, "the body is no Stripe event");
	if (!bh_is_json_scanned(body, len, "id", event->id, sizeof(event->id)) ||
	    !is_source_word(event->id))
		return bh_fail(err, BH_INVALID, "the event has no usable id");
	if (!bh_is_json_scanned(body, len, "type", event->type, sizeof(event->type)) ||
	    !is_source_word(event->type))
		return bh_fail(err, BH_INVALID, "the event has no usable type");
	return 0;
}

/* The wrapper has an id and a type of its own, so the event has to be taken out to be seen. */
static int
read_wrapped(const struct source_config *config, const struct source_request *request,
    struct source_event *event, struct bh_err *err)
{
	json_t *body = NULL;
	char *text;
	int rc;

	if (bh_json_parse(request->body, request->body_len, &body, err) < 0)
		return -1;
	text = bh_json_text(stripe_unwrapped(config, body));
	rc = read_envelope(text, strlen(text), event, err);
	free(text);
	json_decref(body);
	return rc;
}

static int
identify(const struct source_config *config, const struct source_request *request,
    struct source_event *event, struct bh_err *err)
{
	char object[32];

	if (bh_is_json_true(config->settings, "unwrap") &&
	    !bh_is_json_scanned(request->body, request->body_len, "object", object, sizeof(object)))
		return read_wrapped(config, request, event, err);
	return read_envelope(request->body, request->body_len, event, err);
}

/* The account that a Connect event is about; NULL: our own. */
static const char *
event_account(const json_t *body)
{
	return json_string_value(
	    READ_FIRST(json_object_get(body, "account"), json_object_get(body, "context")));
}

/* 1 when the event is for this connection; else 0, with the outcome set. */
static int
is_ours(struct source_news *news)
{
	const json_t *settings = news->config->settings;
	const char *mode = bh_json_str(settings, "mode");
	const char *account = event_account(news->body);
	const char *expected = bh_json_str(settings, "account");

	if (mode != NULL && strcmp(mode, news->live ? "live" : "test") != 0)
		return source_leave(news, SOURCE_FOREIGN,
		    "a %s event, and this connection takes %s ones",
		    news->live ? "live" : "test-mode", mode);
	if (account == NULL)
		return 1;
	if (bh_is_json_true(settings, "connect")) {
		news->account = account;
		return 1;
	}
	if (expected == NULL || strcmp(expected, account) != 0)
		return source_leave(news, SOURCE_FOREIGN, "an event of another account, %.64s",
		    account);
	return 1;
}

static int
normalise(const struct source_config *config, const struct source_event *event, const json_t *body,
    int64_t received_ms, struct source_result *result, struct bh_err *err)
{
	struct source_news news = {
	    .config = config,
	    .event = event,
	    .body = stripe_unwrapped(config, body),
	    .received_ms = received_ms,
	    .account = "",
	    .result = result,
	};
	const json_t *object = bh_json_at(news.body, "data.object");

	news.live = bh_is_json_true(news.body, "livemode");
	if (is_ours(&news) == 0)
		return 0;
	if (strlen(news.account) >= sizeof(((struct object_change *)0)->account))
		return bh_fail(err, BH_INVALID, "the event's account is too long");
	if (object == NULL && is_stripe_thin(news.body))
		return stripe_thin(&news, err);
	if (!json_is_object(object))
		return bh_fail(err, BH_INVALID, "the event carries no object");
	if (!is_unix_read(bh_json_at(news.body, "created"), &news.at_ms))
		return bh_fail(err, BH_INVALID, "the event has no time");
	return source_handle(&news, stripe_types, object, err);
}

int
stripe_expect(const json_t *object, const char *type, struct bh_err *err)
{
	const char *is = bh_json_str(object, "object");

	if (is == NULL || strcmp(is, type) == 0)
		return 0;
	bh_fail(err, BH_INVALID, "the event carries no %s, but a %.40s", type, is);
	return bh_quotes(err, strlen("the event carries no ") + strlen(type), NULL);
}

bool
is_stripe_rest(const struct source_news *news)
{
	return strcmp(news->event->type, "rest") == 0;
}

void
stripe_version(const struct source_news *news, struct object_change *change, int rank)
{
	change->version.at_ms = news->at_ms;
	change->version.rank = rank;
	source_tie(change->version.tie, "", news->event->id);
	if (is_stripe_rest(news)) {
		change->version.rank = REST_RANK;
		source_tie_fields(change->version.tie, change->fields);
	}
}

void
stripe_born(struct source_news *news, struct object_change *change)
{
	const char *type = news->event->type;
	struct object_version version = change->version;
	struct object_change *born;
	json_t *id;

	if (is_stripe_rest(news) || !bh_has_suffix(type, ".created"))
		return;
	id = json_string(change->id);
	born = source_change(news, change->kind, id, NULL);
	born->version = version;
	born->version.at_ms -= BORN_MS;
	json_decref(id);
}

void
stripe_own(json_t *fields, const char *const *names)
{
	for (; *names != NULL; names++)
		if (json_object_get(fields, *names) == NULL)
			json_object_set_new(fields, *names, json_null());
}

void
stripe_link(const struct source_news *news, json_t *fields, const char *what, const char *id)
{
	struct bh_buf url = BH_BUF_INIT(2048);

	bh_buf_adds(&url, "https://dashboard.stripe.com/");
	if (*news->account != '\0') {
		bh_percent_add(&url, news->account, strlen(news->account));
		bh_buf_addc(&url, '/');
	}
	bh_buf_addf(&url, "%s%s/", news->live ? "" : "test/", what);
	bh_percent_add(&url, id, strlen(id));
	json_object_set_new(fields, "link", json_string(bh_buf_str(&url)));
	bh_buf_release(&url);
}

/*
 * Stripe's own exponents are ours but for UGX: the list of zero-decimal
 * currencies has it, an older note says two decimals.  settings.exponents
 * ({"UGX": 2}) is for accounts where it proves otherwise.
 */
struct read_unit
stripe_unit(const struct source_news *news, const char *currency)
{
	const json_t *exponents = bh_json_at(news->config->settings, "exponents");
	int exponent = strcasecmp(currency, "UGX") == 0 ? 0 : money_exponent(currency);
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)exponents, name, value) {
		int64_t number = bh_json_int(value, "", -1);

		if (strcasecmp(name, currency) == 0 && number >= 0 && number <= 4)
			exponent = (int)number;
	}
	return read_unit(currency, exponent);
}

const struct source_driver source_stripe = {
    .name = "stripe",
    .title = "Stripe",
    .key_prefix = "stripe",
    .kept_headers = (const char *const[]){"stripe-signature", "user-agent", NULL},
    .types = stripe_types,
    .verify = stripe_verify,
    .identify = identify,
    .normalise = normalise,
    .settings = stripe_settings,
    .check = stripe_check,
    .steps = stripe_steps,
    .gives_secret = true,
    .fetch_per_s = 10,
    .catchup_s = 900,
    .probe = stripe_probe,
    .fetch = stripe_fetch,
    .pull = stripe_pull,
    .endpoints = stripe_endpoints,
    .endpoint_put = stripe_endpoint_put,
    .endpoint_remove = stripe_endpoint_remove,
    .write_back = stripe_write_back,
    .create_customer = stripe_create_customer,
};
