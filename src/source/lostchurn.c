/*
 * LostChurn: facts, the table of event types, the envelope.  Which member is
 * which stands in the reader's table: its documents do not name them all, and
 * their two editions differ.
 */
#include "base/base.h"

#include "source/lostchurn.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

/* What the table makes of an event; nothing: it belongs to the timeline alone. */
static int
read_event(struct source_news *news, const json_t *object BH_UNUSED, struct bh_err *err)
{
	if (reader_read(news, lostchurn_table(news->config, news->event->type), err) < 0)
		return -1;
	if (news->result->changes.n == 0)
		return source_leave(news, SOURCE_IGNORED, "timeline only: %.100s",
		    news->event->type);
	return 0;
}

/* LostChurn: Webhooks, event types. */
static const struct source_type types[] = {
    {"recovery.started", SOURCE_BY_DEFAULT, read_event},
    {"recovery.retry_attempted", SOURCE_BY_DEFAULT, read_event},
    {"recovery.succeeded", SOURCE_BY_DEFAULT, read_event},
    {"recovery.failed", SOURCE_BY_DEFAULT, read_event},
    {"recovery.escalated", SOURCE_BY_DEFAULT, read_event},
    {"campaign.sent", SOURCE_OPTIONAL, read_event},
    {"campaign.opened", SOURCE_OPTIONAL, read_event},
    {"campaign.clicked", SOURCE_OPTIONAL, read_event},
    {"campaign.bounced", SOURCE_OPTIONAL, read_event},
    {"campaign.unsubscribed", SOURCE_OPTIONAL, read_event},
    {"customer.payment_method_updated", SOURCE_BY_DEFAULT, read_event},
    {"customer.subscription_canceled", SOURCE_BY_DEFAULT, read_event},
    {"customer.retained", SOURCE_BY_DEFAULT, read_event},
    {NULL, SOURCE_NOT_WANTED, NULL},
};

static int
identify(const struct source_config *config BH_UNUSED, const struct source_request *request,
    struct source_event *event, struct bh_err *err)
{
	const char *told = source_header(request, "x-lostchurn-event-id");

	if (!is_reader_whole(request->body, request->body_len) ||
	    !bh_is_json_scanned(request->body, request->body_len, "id", event->id,
		sizeof(event->id)) ||
	    !bh_is_json_scanned(request->body, request->body_len, "type", event->type,
		sizeof(event->type)) ||
	    !is_source_word(event->id) || !is_source_word(event->type))
		return bh_fail(err, BH_INVALID, "the body is no LostChurn event");
	/* The header is not signed: what the body says counts. */
	if (told != NULL && strcmp(told, event->id) != 0)
		bh_log(BH_INFO, "LostChurn event %s came under another id in its header",
		    event->id);
	return 0;
}

static int
normalise(const struct source_config *config, const struct source_event *event, const json_t *body,
    int64_t received_ms, struct source_result *result, struct bh_err *err)
{
	struct source_news news = {
	    .config = config,
	    .event = event,
	    .body = body,
	    .received_ms = received_ms,
	    .account = "",
	    .live = true,
	    .result = result,
	};
	const char *created = bh_json_str(body, "created_at");

	if (created == NULL || !bh_is_time(created, &news.at_ms))
		return bh_fail(err, BH_INVALID, "the event has no time (created_at)");
	/* A type that only the user's own table names is known by that. */
	if (is_reader_for(json_object_get(config->settings, "reader"), event->type, true))
		return read_event(&news, body, err);
	return source_handle(&news, types, body, err);
}

int
lostchurn_row(const struct source_config *config, const char *type, const json_t *row,
    const char *id, int64_t now_ms, struct source_result *result, struct bh_err *err)
{
	struct source_event event = {.id = READER_REST};
	json_t *body = json_pack("{s:O}", "data", row);
	struct source_news news = {
	    .config = config,
	    .event = &event,
	    .body = body,
	    .received_ms = now_ms,
	    .at_ms = now_ms,
	    .account = "",
	    .live = true,
	    .result = result,
	};
	size_t before = result->changes.n;
	int rc;

	snprintf(event.type, sizeof(event.type), "%s", type);
	rc = reader_read(&news, lostchurn_table(config, type), err);
	for (size_t i = before; id != NULL && i < result->changes.n; i++) {
		struct object_change *change = &result->changes.items[i];

		if (change->kind == OBJECT_RECOVERY && strcmp(change->id, id) != 0) {
			snprintf(change->alias, sizeof(change->alias), "%s", change->id);
			snprintf(change->id, sizeof(change->id), "%s", id);
		}
	}
	json_decref(body);
	return rc;
}

static int
check(const struct source_config *config, struct bh_err *err)
{
	const char *currency = bh_json_str(config->settings, "currency");
	const char *key = bh_json_str(config->secrets, "api_key");
	struct source_secret secrets[SOURCE_SECRETS_MAX];
	const json_t *reader = json_object_get(config->settings, "reader");

	if (source_secrets(config, secrets, err) < 0)
		return -1;
	if (currency != NULL && *currency != '\0' && strlen(currency) != 3)
		return bh_fail(err, BH_INVALID, "currency must be three letters, for instance USD");
	if (key != NULL && bh_has_prefix(key, "lc_pub_"))
		return bh_fail(err, BH_INVALID,
		    "api_key is a publishable key (lc_pub_...), which reads single customers only: make a secret one with the scope read");
	return json_object_size(reader) > 0 ? reader_check(reader, err) : 0;
}

/* Neither edition lists what has changed: open recoveries are asked for one by one. */
static bool
is_reread(enum object_kind kind, const json_t *fields)
{
	const char *stage = bh_json_str(fields, "stage");

	if (kind != OBJECT_RECOVERY || fields == NULL)
		return kind == OBJECT_RECOVERY;
	return stage == NULL || bh_has_prefix(stage, "open_");
}

static const struct setting settings[] = {
    {"webhook", "Signing secret", SETTING_TEXT,
	SETTING_SECRET | SETTING_NEEDED, NULL, 0, 0, "",
	"the signing secret of the webhook endpoint at LostChurn"},
    {"webhook_previous", "Previous signing secret", SETTING_TEXT,
	SETTING_SECRET | SETTING_ADVANCED, NULL, 0, 0, "",
	"still accepted, while the secret is being changed"},
    {"api_key", "API key", SETTING_TEXT, SETTING_SECRET, NULL, 0, 0, "",
	"key with the scope read (lc_live_... or lc_test_...), for filling up and catching up"},
    {"edition", "Edition of the API", SETTING_CHOICE, SETTING_ADVANCED, "auto 1 2", 0,
	0, "auto", "1: /v1, 2: /api/v1, auto: tried out"},
    {"api_url", "Address of the API", SETTING_URL, SETTING_ADVANCED, NULL, 0, 0, "",
	"where the API is elsewhere, with its path, for instance https://app.lostchurn.com/api/v1"},
    {"currency", "Currency", SETTING_TEXT, 0, NULL, 0, 0, "",
	"ISO 4217, for amounts that come without one"},
    {"mrr_unit", "Unit of MRR", SETTING_CHOICE, 0, "minor major", 0, 0, "minor",
	"LostChurn does not say in which unit it tells MRR: minor is cents, major is whole units"},
    {"tolerance_s", "Age of a signature", SETTING_NUMBER, SETTING_ADVANCED, NULL, 10,
	86400, "300", "seconds by which the time of a signature may be off"},
    {"reader", "Reader", SETTING_JSON, SETTING_ADVANCED, NULL, 0, 0, "",
	"table of which member is which field, in place of the one that comes with Billhook"},
    {"exponents", "Decimals of currencies", SETTING_JSON, SETTING_ADVANCED, NULL, 0,
	0, "", "where they are not those of ISO 4217: {\"ISK\": 2}"},
    {"revenue", "MRR rules", SETTING_JSON, SETTING_ADVANCED, NULL, 0, 0, "",
	"Which discounts, cancellations, pauses count in MRR"},
    {NULL, NULL, SETTING_TEXT, 0, NULL, 0, 0, NULL, NULL},
};

const struct source_driver source_lostchurn = {
    .name = "lostchurn",
    .title = "LostChurn",
    .key_prefix = "lostchurn",
    .kept_headers =
	(const char *const[]){"x-lostchurn-event-id", "x-lostchurn-timestamp", "user-agent", NULL},
    .types = types,
    .verify = lostchurn_verify,
    .identify = identify,
    .normalise = normalise,
    .settings = settings,
    .check = check,
    .steps =
	"In LostChurn open Settings, then Webhooks, and add an endpoint.\n"
	"Enter the address %s\n"
	"Choose all recovery and customer events (campaign events only if you want to see them).\n"
	"Save, and copy the endpoint's signing secret into the field Signing secret here.\n"
	"For filling up: Settings, API keys, make a key with the scope read, copy it into API key.",
    .tells_mrr = true,
    .is_reread = is_reread,
    .fetch_per_s = 3,
    .catchup_s = 4 * 3600,
    .probe = lostchurn_probe,
    .fetch = lostchurn_fetch,
    .pull = lostchurn_pull,
};
