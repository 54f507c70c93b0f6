/* Lago: what its objects have in common: units, links, versions, look-ups. */
#include "base/base.h"

#include <strings.h>

#include "base/clock.h"
#include "base/text.h"
#include "source/lago.h"

#define SETTLED_RANK 1000 /* what REST tells of a second that is over */
#define DELETED_RANK 2000
#define SETTLED_AFTER_MS 2000
#define WANTS_MAX 50 /* of one event */
#define METADATA_MAX 200

const struct source_event lago_rest = {.id = "rest", .type = "rest"};

bool
is_lago_rest(const struct source_news *news)
{
	return news->event == &lago_rest;
}

/* The smallest unit as the Ruby gem "money" 7.0.2 has it, which Lago counts in. */
struct read_unit
lago_unit(const char *currency)
{
	static const char *const whole[] = {"HUF", "ISK", "UGX"};

	if (currency == NULL)
		currency = "";
	for (size_t i = 0; i < BH_LEN(whole); i++)
		if (strcasecmp(currency, whole[i]) == 0)
			return read_unit(currency, 0);
	/* Five khoums are an ouguiya. */
	if (strcasecmp(currency, "MRO") == 0)
		return (struct read_unit){20, 1};
	return read_unit(currency, money_exponent(currency));
}

/*
 * Where the front end is.  The cloud's is known; of a self-hosted one only what
 * the settings tell.  The slug is part of the path since 2026-05.
 */
static const char *
front_of(const struct source_config *config)
{
	const char *app = bh_json_str(config->settings, "app_url");
	const char *api = bh_json_str(config->settings, "api_url");
	const char *slug = bh_json_str(config->settings, "slug");

	if (app != NULL && *app != '\0')
		return app;
	if (slug != NULL && *slug != '\0' &&
	    (api == NULL || *api == '\0' || bh_has_prefix(api, LAGO_CLOUD)))
		return LAGO_CLOUD_APP;
	return "";
}

/* The path with an id for each '@'; false when one is no text. */
static bool
is_path_added(struct bh_buf *url, const char *format, const json_t *const ids[2])
{
	size_t n = 0;

	for (const char *at = format; *at != '\0'; at++) {
		const char *id;

		if (*at != '@') {
			bh_buf_addc(url, *at);
			continue;
		}
		id = n < 2 ? json_string_value(ids[n++]) : NULL;
		if (id == NULL)
			return false;
		bh_percent_add(url, id, strlen(id));
	}
	return true;
}

void
lago_link(const struct source_news *news, struct object_change *change, const char *format,
    const json_t *first_id, const json_t *second_id)
{
	const json_t *ids[2] = {first_id, second_id};
	const char *app = front_of(news->config);
	const char *slug = bh_json_str(news->config->settings, "slug");
	struct bh_buf url = BH_BUF_INIT(4096);
	size_t len = strlen(app);

	while (len > 0 && app[len - 1] == '/')
		len--;
	if (len == 0)
		return;
	bh_buf_add(&url, app, len);
	if (slug != NULL && *slug != '\0') {
		bh_buf_addc(&url, '/');
		bh_percent_add(&url, slug, strlen(slug));
	}
	if (is_path_added(&url, format, ids) && !url.full)
		json_object_set_new(change->fields, "link", json_string(bh_buf_str(&url)));
	bh_buf_release(&url);
}

void
lago_metadata(json_t *fields, const json_t *list)
{
	json_t *texts = json_object(), *one;
	const char *name;
	size_t i;

	json_array_foreach (list, i, one) {
		const char *key = bh_json_str(one, "key");

		if (key != NULL && bh_json_str(one, "value") != NULL && i < METADATA_MAX)
			json_object_set(texts, key, json_object_get(one, "value"));
	}
	if (json_is_object(list))
		json_object_foreach ((json_t *)(uintptr_t)list, name, one)
			if (json_is_string(one) && json_object_size(texts) < METADATA_MAX)
				json_object_set(texts, name, one);
	if (json_is_array(list) || json_is_object(list))
		json_object_set(fields, "metadata", texts);
	json_decref(texts);
}

bool
is_lago_partner(const json_t *customer)
{
	const char *type = bh_json_str(customer, "account_type");

	return type != NULL && strcmp(type, "partner") == 0;
}

int64_t
lago_ms(const json_t *object, const char *name)
{
	const char *text = bh_json_str(object, name);
	int64_t at_ms;

	return text != NULL && bh_is_time(text, &at_ms) ? at_ms : 0;
}

void
lago_version(const struct source_news *news, const json_t *object, int rank,
    struct object_change *change)
{
	struct object_version *version = &change->version;
	char digest[64];

	version->at_ms = lago_ms(object, "updated_at");
	version->rank = rank;
	source_tie_fields(version->tie, change->fields);
	if (!is_lago_rest(news) || version->at_ms == 0 ||
	    news->at_ms < version->at_ms + SETTLED_AFTER_MS)
		return;
	memcpy(digest, version->tie, sizeof(digest));
	version->rank = SETTLED_RANK;
	snprintf(version->tie, sizeof(version->tie), "%011llx%.40s",
	    (unsigned long long)news->at_ms & 0xfffffffffff, digest);
}

int
lago_delete(struct source_news *news, enum object_kind kind, const json_t *id, int64_t at_ms,
    struct bh_err *err)
{
	struct object_change *change = source_change(news, kind, id, err);

	if (change == NULL)
		return -1;
	change->partial = true;
	change->deleted = true;
	change->version.at_ms = at_ms;
	change->version.rank = DELETED_RANK;
	source_tie(change->version.tie, "", "deleted");
	return 0;
}

void
lago_arrival_tie(const struct source_news *news, const char *prefix, struct object_change *change)
{
	char order[24], digest[64];

	snprintf(order, sizeof(order), "%.12s%011llx", prefix,
	    (unsigned long long)news->received_ms & 0xfffffffffff);
	source_tie_fields(digest, change->fields);
	source_tie(change->version.tie, order, is_lago_rest(news) ? digest : news->event->id);
}

void
lago_want_all(struct source_news *news, const char *what, const json_t *ids)
{
	size_t i;
	json_t *id;

	if (json_is_string(ids) && json_string_length(ids) > 0 && json_string_length(ids) < 256)
		source_want(news, what, json_string_value(ids), NULL);
	json_array_foreach (ids, i, id)
		if (i < WANTS_MAX && json_is_string(id))
			lago_want_all(news, what, id);
}

void
lago_settle(struct source_news *news)
{
	struct source_result *result = news->result;

	if (result->changes.n > 0) {
		result->outcome = SOURCE_APPLIED;
	} else if (result->wants.n > 0) {
		result->outcome = SOURCE_ASKED;
	} else if (result->outcome == SOURCE_APPLIED) {
		source_leave(news, SOURCE_IGNORED, "nothing in it is kept here");
	}
}
