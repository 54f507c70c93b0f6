/* Alguna: looking one thing up by REST. */
#include "base/base.h"

#include "base/text.h"
#include "source/alguna.h"

#define PAGES_MAX 50 /* of one customer's credit notes */

/* Kinds whose single form stands at a path of its own. */
static const struct {
	const char *what, *second, *first;
	int (*handle)(struct source_news *news, const json_t *object, struct bh_err *err);
} singles[] = {
    {"customer", "/customers", "/accounts", alguna_customer},
    {"subscription", "/subscriptions", "/subscriptions", alguna_subscription},
    {"invoice", "/invoices", "/invoices", alguna_invoice},
    {"payment", "/payments", "/payments", alguna_payment},
    {"refund", "/refunds", "/refunds", alguna_refund},
    {"credit_note", "/credit-notes", "/credit-notes", alguna_credit_note},
};

/* 1 and the object handled, 0 it is not there, -1.  *object_r: new reference, may be NULL. */
static int
read_single(const struct source_api *api, size_t single, const char *id, struct source_news *news,
    json_t **object_r, struct bh_err *err)
{
	bool first = is_alguna_first(api->config);
	struct bh_buf path = BH_BUF_INIT(2048);
	struct source_answer answer;
	int rc;

	bh_buf_adds(&path, first ? singles[single].first : singles[single].second);
	alguna_add_id(&path, id);
	rc = alguna_get(api, bh_buf_str(&path), &answer, err);
	if (rc > 0 && singles[single].handle(news, answer.json, err) < 0)
		rc = -1;
	if (rc > 0 && object_r != NULL)
		*object_r = json_incref(answer.json);
	source_answer_release(&answer);
	bh_buf_release(&path);
	return rc;
}

static int
read_version(const struct source_api *api, const char *subscription, const char *version,
    json_t **version_r, struct bh_err *err)
{
	struct bh_buf path = BH_BUF_INIT(4096);
	struct bh_err why = BH_ERR_INIT;
	struct source_answer answer;
	int rc;

	bh_buf_adds(&path, "/subscriptions");
	alguna_add_id(&path, subscription);
	bh_buf_adds(&path, "/versions");
	alguna_add_id(&path, version);
	rc = alguna_get(api, bh_buf_str(&path), &answer, &why);
	/* The first generation may not have them at all. */
	if (rc < 0 && why.code == BH_INVALID && answer.status > 0 && is_alguna_first(api->config))
		rc = 0;
	if (rc < 0 && err != NULL)
		*err = why;
	*version_r = rc > 0 ? json_incref(answer.json) : NULL;
	source_answer_release(&answer);
	bh_buf_release(&path);
	return rc;
}

/* The prices of this version into the subscription's items; one that is not there tells nothing. */
static int
add_version(const struct source_api *api, struct source_news *news, const char *subscription,
    const char *version, struct bh_err *err)
{
	json_t *object;
	int rc = read_version(api, subscription, version, &object, err);

	if (rc > 0)
		rc = alguna_items(news, subscription, object, err);
	else if (rc == 0)
		snprintf(news->result->note, sizeof(news->result->note),
		    "the API does not show its prices");
	json_decref(object);
	return rc < 0 ? -1 : 0;
}

static int
fetch_subscription(const struct source_api *api, const char *id, struct source_news *news,
    struct bh_err *err)
{
	json_t *subscription = NULL;
	int rc = read_single(api, 1, id, news, &subscription, err);
	const char *own = bh_json_str(subscription, "id");
	const char *current = alguna_text(subscription, "current_version_id");

	if (rc > 0 && current != NULL && *current != '\0')
		rc = add_version(api, news, own, current, err);
	json_decref(subscription);
	return rc < 0 ? -1 : 0;
}

/*
 * A version of whose subscription is known which one is in force.  Only that
 * one's prices are the subscription's items; another (ordered for later, or a draft)
 * shows among the subscription's pending changes.
 */
static int
fetch_version(const struct source_api *api, const struct source_want *want,
    struct source_news *news, struct bh_err *err)
{
	const char *id = bh_json_str(want->hint, "subscription");
	json_t *subscription = NULL, *version = NULL;
	const char *current;
	int rc;

	if (id == NULL)
		return bh_fail(err, BH_INVALID, "a version can only be read with its subscription");
	if (bh_is_json_true(want->hint, "current"))
		return add_version(api, news, id, want->id, err);
	if (read_version(api, id, want->id, &version, err) < 0)
		return -1;
	rc = read_single(api, 1, id, news, &subscription, err);
	current = alguna_text(subscription, "current_version_id");
	if (rc > 0 && current != NULL && version != NULL && strcmp(current, want->id) == 0)
		rc = alguna_items(news, id, version, err);
	else if (rc > 0 && current != NULL && *current != '\0')
		rc = add_version(api, news, id, current, err);
	json_decref(version);
	json_decref(subscription);
	return rc < 0 ? -1 : 0;
}

/* All credit notes of one customer, where no list shows those of everybody. */
static int
fetch_credit_notes(const struct source_api *api, const char *id, struct source_news *news,
    struct bh_err *err)
{
	bool first = is_alguna_first(api->config), more = true;
	int rc = 1;

	for (int page = 0; rc > 0 && more && page < PAGES_MAX; page++) {
		struct bh_buf path = BH_BUF_INIT(2048);
		struct source_answer answer;
		const json_t *rows;
		json_t *row;
		size_t i;

		bh_buf_adds(&path, first ? "/account" : "/credit-notes?customer_id=");
		if (first)
			alguna_add_id(&path, id);
		else
			bh_percent_add(&path, id, strlen(id));
		if (first)
			bh_buf_addf(&path, "/credit-notes?page=%d&limit=100", page + 1);
		else
			bh_buf_addf(&path, "&limit=100&offset=%d", page * 100);
		rc = alguna_get(api, bh_buf_str(&path), &answer, err);
		rows = json_object_get(answer.json, first ? "items" : "data");
		json_array_foreach (rows, i, row)
			if (rc > 0 && alguna_credit_note(news, row, err) < 0)
				rc = -1;
		more = json_array_size(rows) >= 100;
		source_answer_release(&answer);
		bh_buf_release(&path);
	}
	return rc < 0 ? -1 : 0;
}

static int
fetch_one(const struct source_api *api, const struct source_want *want, struct source_news *news,
    struct bh_err *err)
{
	if (strcmp(want->what, "subscription") == 0)
		return fetch_subscription(api, want->id, news, err);
	if (strcmp(want->what, "subscription_version") == 0)
		return fetch_version(api, want, news, err);
	if (strcmp(want->what, "credit_notes") == 0)
		return fetch_credit_notes(api, want->id, news, err);
	for (size_t i = 0; i < BH_LEN(singles); i++)
		if (strcmp(want->what, singles[i].what) == 0)
			return read_single(api, i, want->id, news, NULL, err) < 0 ? -1 : 0;
	return bh_fail(err, BH_INVALID, "Alguna has no %.31s that could be looked up", want->what);
}

int
alguna_fetch(const struct source_api *api, const struct source_want *want,
    struct source_result *result, struct bh_err *err)
{
	struct source_news news = alguna_rest(api->config, result);

	if (*want->id == '\0')
		return bh_fail(err, BH_INVALID, "nothing to look up");
	if (fetch_one(api, want, &news, err) < 0) {
		source_result_release(result);
		return -1;
	}
	if (result->changes.n == 0) {
		result->outcome = SOURCE_IGNORED;
		if (result->note[0] == '\0')
			snprintf(result->note, sizeof(result->note), "Alguna does not have it");
	}
	return 0;
}
