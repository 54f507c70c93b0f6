/*
 * LostChurn's REST API (LostChurn: API, both editions): calls, their errors in
 * plain words, whose key it is, single look-ups.
 */
#include "base/base.h"

#include <strings.h>

#include "base/text.h"
#include "source/lostchurn.h"

#define TITLE "LostChurn"
#define PAUSE_MS 500 /* where no header tells the rate: 120 a minute */
#define PAUSE_MAX_MS 60000
#define RETRY_S 2                /* a 429 that does not say how long */
#define RESET_IS_TIME 1000000000 /* above it X-RateLimit-Reset is a time, not a span */

static const char *
base_of(const struct source_config *config, const char *edition)
{
	const char *url = bh_json_str(config->settings, "api_url");
	const char *chosen = bh_json_str(config->settings, "edition");

	if (url != NULL && *url != '\0')
		return url;
	if (*edition == '\0' && chosen != NULL)
		edition = chosen;
	return strcmp(edition, "2") == 0 ? LOSTCHURN_BASE_2 : LOSTCHURN_BASE_1;
}

/* Seconds until the rate window ends; -1 not told. */
static int64_t
reset_s(const struct source_api *api, const struct source_answer *answer)
{
	const char *text = http_response_header(&answer->response, "X-RateLimit-Reset");
	uint64_t value;

	if (text == NULL || !bh_is_uint(text, strlen(text), INT64_MAX / 1000, &value))
		return -1;
	if (value < RESET_IS_TIME)
		return (int64_t)value;
	value *= 1000;
	if ((int64_t)value < source_answer_ms(api, answer))
		return 0;
	return ((int64_t)value - source_answer_ms(api, answer) + 999) / 1000;
}

int64_t
lostchurn_pause_ms(const struct source_api *api, const struct source_answer *answer)
{
	const char *limit = http_response_header(&answer->response, "X-RateLimit-Limit");
	const char *left = http_response_header(&answer->response, "X-RateLimit-Remaining");
	uint64_t limit_n, left_n;
	int64_t wait_s;

	if (limit == NULL || left == NULL ||
	    !bh_is_uint(limit, strlen(limit), UINT32_MAX, &limit_n) ||
	    !bh_is_uint(left, strlen(left), UINT32_MAX, &left_n))
		return PAUSE_MS;
	if (left_n > limit_n / 2)
		return 0;
	wait_s = reset_s(api, answer);
	if (wait_s < 0)
		return PAUSE_MS;
	return wait_s * 1000 < PAUSE_MAX_MS ? wait_s * 1000 : PAUSE_MAX_MS;
}

/* What an error code means for a person; codes come in either case. */
static const struct {
	const char *code, *text;
} reasons[] = {
    {"invalid_api_key", "LostChurn does not know the API key, or it was withdrawn"},
    {"insufficient_scope", "the API key lacks the scope read"},
    {"ip_not_allowed",
	"the API key may be used from certain addresses only, and this server's is not among them: add it to the key's list at LostChurn"},
    {"trial_expired", "the LostChurn trial has ended"},
};

static int
fail(const struct source_api *api, const struct source_answer *answer, struct bh_err *err)
{
	const char *code = bh_json_str(answer->json, "error.code");
	const char *message = bh_json_str(answer->json, "error.message");
	const char *key = bh_json_str(api->config->secrets, "api_key");
	int64_t wait_s = reset_s(api, answer);

	for (size_t i = 0; code != NULL && i < BH_LEN(reasons); i++)
		if (strcasecmp(code, reasons[i].code) == 0)
			return bh_fail(err, BH_DENIED, "%s", reasons[i].text);
	/* Nobody promises that a message does not repeat the key. */
	if (message == NULL || strstr(message, key) != NULL)
		message = code;
	source_answer_error(answer, TITLE, message, err);
	if (answer->status == 429 && err != NULL && err->retry_after_s == 0)
		err->retry_after_s = wait_s > 0 && wait_s <= 3600 ? (int)wait_s : RETRY_S;
	return -1;
}

int
lostchurn_get(const struct source_api *api, const char *edition, const char *path,
    struct source_answer *answer, int *status_r, struct bh_err *err)
{
	const char *key = bh_json_str(api->config->secrets, "api_key");
	size_t base_len = strlen(base_of(api->config, edition));
	char *base = bh_xstrdup(base_of(api->config, edition)), *bearer;
	struct source_call call = {.method = "GET", .base_url = base, .path = path};
	int rc;

	*answer = (struct source_answer){0};
	http_response_init(&answer->response);
	if (status_r != NULL)
		*status_r = 0;
	if (key == NULL || *key == '\0') {
		free(base);
		return bh_fail(err, BH_INVALID, "the connection has no API key (api_key)");
	}
	while (base_len > 0 && base[base_len - 1] == '/')
		base[--base_len] = '\0';
	bearer = bh_xasprintf("Authorization: Bearer %s", key);
	call.headers = (const char *const[]){bearer, NULL};
	rc = source_call(api, &call, answer, err);
	if (rc == 0 && status_r != NULL)
		*status_r = answer->status;
	if (rc == 0 && (answer->status < 200 || answer->status > 299))
		rc = fail(api, answer, err);
	else if (rc == 0 && !json_is_object(answer->json))
		rc = bh_fail(err, BH_INVALID, "%s answered no JSON: is the address right?", TITLE);
	bh_wipe(bearer, strlen(bearer));
	free(bearer);
	free(base);
	return rc;
}

/* The answer to GET /status, from the edition that has it. */
static int
ask_status(const struct source_api *api, char edition[2], struct source_answer *answer,
    struct bh_err *err)
{
	const char *chosen = bh_json_str(api->config->settings, "edition");
	const char *url = bh_json_str(api->config->settings, "api_url");
	bool fixed = (url != NULL && *url != '\0') ||
		     (chosen != NULL && (strcmp(chosen, "1") == 0 || strcmp(chosen, "2") == 0));
	int status, rc;

	snprintf(edition, 2, "%s", chosen != NULL && strcmp(chosen, "2") == 0 ? "2" : "1");
	rc = lostchurn_get(api, edition, "/status", answer, &status, err);
	if (fixed || rc == 0 || (status != 404 && status != 200))
		return rc;
	/* Nobody there: the second edition stands at another path. */
	source_answer_release(answer);
	snprintf(edition, 2, "2");
	return lostchurn_get(api, edition, "/status", answer, NULL, err);
}

int
lostchurn_edition(const struct source_api *api, char edition[2], struct bh_err *err)
{
	const char *chosen = bh_json_str(api->config->settings, "edition");
	const char *url = bh_json_str(api->config->settings, "api_url");
	struct source_answer answer;
	int rc;

	snprintf(edition, 2, "%s", chosen != NULL && strcmp(chosen, "2") == 0 ? "2" : "1");
	if ((url != NULL && *url != '\0') ||
	    (chosen != NULL && *chosen != '\0' && strcmp(chosen, "auto") != 0))
		return 0;
	rc = ask_status(api, edition, &answer, err);
	source_answer_release(&answer);
	return rc;
}

/* What a walk will read can be read; a lacking scope goes to missing, anything else is an error. */
static int
try_list(const struct source_api *api, const char *edition, const char *what, json_t *missing,
    struct bh_err *err)
{
	char *path = bh_xasprintf("/%s?page=1&per_page=1", what);
	struct source_answer answer;
	const char *code;
	int rc = lostchurn_get(api, edition, path, &answer, NULL, err);

	code = bh_json_str(answer.json, "error.code");
	if (rc < 0 && code != NULL && strcasecmp(code, "insufficient_scope") == 0) {
		json_array_append_new(missing, json_sprintf("read %s", what));
		rc = 0;
	}
	source_answer_release(&answer);
	free(path);
	return rc;
}

static const char *
mode_of(const struct source_config *config)
{
	const char *key = bh_json_str(config->secrets, "api_key");

	if (key != NULL && bh_has_prefix(key, "lc_live_"))
		return "live";
	return key != NULL && bh_has_prefix(key, "lc_test_") ? "test" : "";
}

int
lostchurn_probe(const struct source_api *api, json_t **who_r, struct bh_err *err)
{
	json_t *missing = json_array();
	struct source_answer answer;
	const char *name, *id, *plan;
	char edition[2];
	int rc = ask_status(api, edition, &answer, err);

	id = bh_json_str(answer.json, "data.merchant_id");
	name = bh_json_str(answer.json, "data.merchant_name");
	plan = bh_json_str(answer.json, "data.plan_tier");
	/* Without a key that it knows the status tells no merchant. */
	if (rc == 0 && id == NULL)
		rc = bh_fail(err, BH_DENIED, "%s answered, but not for this API key", TITLE);
	if (rc == 0)
		rc = try_list(api, edition, "customers", missing, err);
	if (rc == 0)
		rc = try_list(api, edition, "payments", missing, err);
	if (rc == 0)
		*who_r = json_pack("{s:s, s:s, s:s, s:s, s:{s:s}, s:O}", "name",
		    name != NULL ? name : id, "id", id, "mode", mode_of(api->config), "detail",
		    plan != NULL ? plan : "", "settings", "edition", edition, "missing", missing);
	source_answer_release(&answer);
	json_decref(missing);
	return rc;
}

/* data{} of a single answer; some copies show the object bare. */
static const json_t *
single(const struct source_answer *answer)
{
	const json_t *data = json_object_get(answer->json, "data");

	return json_is_object(data) ? data : answer->json;
}

/*
 * A recovery is looked up by its payment: the mirror's id where that is one,
 * else the hint's "payment".
 */
static int
fetch_one(const struct source_api *api, const char *folder, const char *type,
    const struct source_want *want, struct source_result *result, struct bh_err *err)
{
	const char *payment = bh_json_str(want->hint, "payment");
	const char *id =
	    strcmp(type, LOSTCHURN_PAYMENT) == 0 && payment != NULL ? payment : want->id;
	struct bh_buf path = BH_BUF_INIT(1024);
	struct source_answer answer;
	char edition[2];
	int status = 0, rc = lostchurn_edition(api, edition, err);

	if (rc < 0)
		return -1;
	bh_buf_addf(&path, "/%s/", folder);
	bh_percent_add(&path, id, strlen(id));
	rc = lostchurn_get(api, edition, bh_buf_str(&path), &answer, &status, err);
	if (rc == 0)
		rc = lostchurn_row(api->config, type, single(&answer),
		    strcmp(type, LOSTCHURN_PAYMENT) == 0 ? want->id : NULL,
		    source_answer_ms(api, &answer), result, err);
	else if (status == 404) {
		rc = 0;
		snprintf(result->note, sizeof(result->note), "%s does not know it", TITLE);
	}
	if (rc == 0)
		result->outcome = result->changes.n > 0 ? SOURCE_APPLIED : SOURCE_IGNORED;
	source_answer_release(&answer);
	bh_buf_release(&path);
	return rc;
}

/* What a customer counts changes with the end of a recovery, and no list tells it. */
static void
want_customer(struct source_result *result)
{
	const char *customer = NULL, *stage = "", *text;

	for (size_t i = 0; i < result->changes.n; i++) {
		const json_t *fields = result->changes.items[i].fields;

		if ((text = bh_json_str(fields, "customer")) != NULL)
			customer = text;
		if ((text = bh_json_str(fields, "stage")) != NULL)
			stage = text;
	}
	if (customer != NULL && (strcmp(stage, "won") == 0 || strcmp(stage, "lost") == 0))
		source_wants_add(&result->wants, "customer", "", customer, NULL);
}

int
lostchurn_fetch(const struct source_api *api, const struct source_want *want,
    struct source_result *result, struct bh_err *err)
{
	if (strcmp(want->what, "customer") == 0)
		return fetch_one(api, "customers", LOSTCHURN_CUSTOMER, want, result, err);
	if (strcmp(want->what, "recovery") == 0 || strcmp(want->what, "payment") == 0) {
		int rc = fetch_one(api, "payments", LOSTCHURN_PAYMENT, want, result, err);

		if (rc == 0)
			want_customer(result);
		return rc;
	}
	return bh_fail(err, BH_INVALID, "%s cannot be asked for a %s", TITLE, want->what);
}
