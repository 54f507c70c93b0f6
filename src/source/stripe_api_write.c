/* Stripe: Billhook's own webhook endpoint there, and the keys of what is to be done once. */
#include "base/base.h"

#include <strings.h>

#include "base/crypt.h"
#include "base/text.h"
#include "source/stripe_api.h"

#define FORM_MAX 65536
#define ENDPOINTS_MAX 16 /* an account has no more */

char *
stripe_once_key(const char *const *parts, size_t n)
{
	struct bh_buf text = BH_BUF_INIT(FORM_MAX * 2);
	unsigned char digest[BH_SHA256_LEN];
	char hex[2 * BH_SHA256_LEN + 1];

	for (size_t i = 0; i < n; i++)
		bh_buf_addf(&text, "%zu:%s", strlen(parts[i]), parts[i]);
	bh_sha256(digest, bh_buf_str(&text), text.len);
	bh_hex(hex, digest, sizeof(digest));
	bh_buf_release(&text);
	return bh_xasprintf("billhook-%.32s", hex);
}

/* --- endpoints --------------------------------------------------------------- */

/* Both URLs lead to the same place: the case of scheme and host and a slash at the end do not count. */
static bool
is_same_url(const char *a, const char *b)
{
	const char *host = strstr(a, "://");
	size_t a_len = strlen(a), b_len = strlen(b), head;

	while (a_len > 0 && a[a_len - 1] == '/')
		a_len--;
	while (b_len > 0 && b[b_len - 1] == '/')
		b_len--;
	head = host != NULL ? (size_t)(host + 3 - a) + strcspn(host + 3, "/?#") : 0;
	head = head < a_len ? head : a_len;
	return a_len == b_len && strncasecmp(a, b, head) == 0 &&
	       memcmp(a + head, b + head, a_len - head) == 0;
}

static bool
is_listed(const json_t *texts, const char *text)
{
	size_t i;
	json_t *one;

	json_array_foreach (texts, i, one)
		if (json_is_string(one) && strcmp(json_string_value(one), text) == 0)
			return true;
	return false;
}

/* Types that should be sent, by choice or by default, and are not; owned. */
static char *
events_missing(const struct source_api *api, const json_t *enabled)
{
	json_t *wanted = source_events(&source_stripe, api->config->settings), *type;
	struct bh_buf text = BH_BUF_INIT(4096);
	unsigned n = 0;
	size_t i;

	json_array_foreach (wanted, i, type) {
		if (!json_is_string(type) || is_listed(enabled, json_string_value(type)))
			continue;
		if (n++ < 3)
			bh_buf_addf(&text, "%s%s", text.len > 0 ? ", " : "",
			    json_string_value(type));
	}
	json_decref(wanted);
	if (n > 3)
		bh_buf_addf(&text, " and %u more", n - 3);
	return n > 0 ? bh_buf_steal(&text) : NULL;
}

/* The first thing that is wrong with an endpoint, for people; "" when nothing is. */
static json_t *
problem_of(const struct source_api *api, const json_t *endpoint)
{
	const char *version = bh_json_str(endpoint, "api_version");
	const char *wanted = bh_json_str(api->config->settings, "api_version");
	const char *status = bh_json_str(endpoint, "status");
	const json_t *enabled = json_object_get(endpoint, "enabled_events");
	bool all = is_listed(enabled, "*");
	char *missing = all ? NULL : events_missing(api, enabled), *text;
	json_t *problem;

	wanted = wanted != NULL && *wanted != '\0' ? wanted : STRIPE_API_VERSION;
	if (status != NULL && strcmp(status, "enabled") != 0)
		text = bh_xasprintf("it is disabled at Stripe: nothing is sent");
	else if (missing != NULL)
		text = bh_xasprintf("it does not send %s", missing);
	else if (all || is_listed(enabled, "invoice.created"))
		text =
		    bh_xasprintf("it sends invoice.created: Stripe holds invoices back for up to "
				 "three days while that one is not received");
	else if (version == NULL || strcmp(version, wanted) != 0)
		text = bh_xasprintf("it sends API version %.64s, not %.64s: only a new endpoint "
				    "changes that",
		    version != NULL ? version : "of the account's default", wanted);
	else
		text = bh_xstrdup("");
	problem = bh_json_string(text);
	free(text);
	free(missing);
	return problem;
}

static json_t *
endpoint_json(const struct source_api *api, const json_t *endpoint)
{
	const char *status = bh_json_str(endpoint, "status");
	const char *secret = bh_json_str(endpoint, "secret");
	const json_t *events = json_object_get(endpoint, "enabled_events");
	json_t *one = json_object();

	json_object_set_new(one, "id",
	    bh_json_string(bh_json_str(endpoint, "id") != NULL ? bh_json_str(endpoint, "id") : ""));
	json_object_set_new(one, "url",
	    bh_json_string(
		bh_json_str(endpoint, "url") != NULL ? bh_json_str(endpoint, "url") : ""));
	json_object_set_new(one, "enabled",
	    json_boolean(status != NULL && strcmp(status, "enabled") == 0));
	json_object_set_new(one, "events",
	    json_is_array(events) ? json_incref((json_t *)(uintptr_t)events) : json_array());
	json_object_set_new(one, "version",
	    bh_json_string(bh_json_str(endpoint, "api_version") != NULL
			       ? bh_json_str(endpoint, "api_version")
			       : ""));
	json_object_set_new(one, "problem", problem_of(api, endpoint));
	if (secret != NULL && *secret != '\0')
		json_object_set_new(one, "secret", json_string(secret));
	return one;
}

/* All endpoints as Stripe tells them: one page, there are at most sixteen. */
static int
list_all(struct stripe_session *session, json_t **rows_r, struct bh_err *err)
{
	struct source_answer answer;
	unsigned dropped = 0;
	int rc =
	    stripe_get(session, "/v1/webhook_endpoints?limit=100", NULL, &dropped, &answer, err);

	*rows_r = rc == 0 && json_is_array(json_object_get(answer.json, "data"))
		      ? json_incref(json_object_get(answer.json, "data"))
		      : json_array();
	source_answer_release(&answer);
	return rc;
}

int
stripe_endpoints(const struct source_api *api, json_t **list_r, struct bh_err *err)
{
	struct stripe_session session = {.api = api, .account = ""};
	json_t *rows, *row;
	size_t i;

	*list_r = NULL;
	if (list_all(&session, &rows, err) < 0) {
		json_decref(rows);
		return -1;
	}
	*list_r = json_array();
	json_array_foreach (rows, i, row)
		json_array_append_new(*list_r, endpoint_json(api, row));
	json_decref(rows);
	return 0;
}

/* The chosen types, or those that are chosen at first. */
static int
add_events(struct bh_buf *form, const json_t *events, struct bh_err *err)
{
	size_t i;
	json_t *one;

	json_array_foreach (events, i, one) {
		if (!json_is_string(one) || !is_source_word(json_string_value(one)))
			return bh_fail(err, BH_INVALID, "the events must be names of types");
		stripe_param(form, "enabled_events[]", json_string_value(one));
	}
	if (json_array_size(events) > 0)
		return 0;
	for (const struct source_type *type = source_stripe.types; type->type != NULL; type++)
		if (type->choice == SOURCE_BY_DEFAULT)
			stripe_param(form, "enabled_events[]", type->type);
	return 0;
}

static int
form_make(struct bh_buf *form, const struct source_api *api, const struct source_endpoint *endpoint,
    struct bh_err *err)
{
	const json_t *settings = api->config->settings;
	const char *version = bh_json_str(settings, "api_version");

	stripe_param(form, "url", endpoint->url);
	if (add_events(form, endpoint->events, err) < 0)
		return -1;
	stripe_param(form, "description", "Billhook");
	stripe_param(form, "metadata[billhook]", api->config->code);
	if (endpoint->id != NULL) {
		stripe_param(form, "disabled", "false");
	} else {
		stripe_param(form, "api_version",
		    version != NULL && *version != '\0' ? version : STRIPE_API_VERSION);
		if (bh_is_json_true(settings, "connect"))
			stripe_param(form, "connect", "true");
	}
	return bh_buf_check(form, "the request", err);
}

static void
endpoint_path(struct bh_buf *path, const char *id)
{
	stripe_path(path, "/v1/webhook_endpoints/", id, "");
}

/* The endpoint is there: Stripe repeats the answer to a creation even when it was removed since. */
static int
is_there(struct stripe_session *session, const char *id, struct bh_err *err)
{
	struct bh_buf path = BH_BUF_INIT(2048);
	struct source_answer answer;
	unsigned dropped = 0;
	int rc;

	endpoint_path(&path, id != NULL ? id : "");
	rc = stripe_get(session, bh_buf_str(&path), NULL, &dropped, &answer, err);
	rc = rc == 0 ? 1 : is_stripe_missing(&answer) ? 0 : -1;
	source_answer_release(&answer);
	bh_buf_release(&path);
	return rc;
}

/*
 * Create, so that a lost answer, and with it the secret, comes again when
 * this is repeated; but not the answer about an endpoint that is gone.
 */
static int
create(struct stripe_session *session, const char *form, struct source_answer *answer,
    struct bh_err *err)
{
	const struct source_config *config = session->api->config;
	struct stripe_call call = {.method = "POST", .path = "/v1/webhook_endpoints", .form = form};
	char now[24], *once = stripe_once_key((const char *const[]){config->code, form}, 2);
	const char *replayed;
	int rc, there = 1;

	call.once = once;
	rc = stripe_call(session, &call, answer, err);
	replayed = http_response_header(&answer->response, "Idempotent-Replayed");
	if (rc == 0 && replayed != NULL && strcmp(replayed, "true") == 0)
		there = is_there(session, bh_json_str(answer->json, "id"), err);
	if (there <= 0) {
		source_answer_release(answer);
		rc = there;
	}
	if (there == 0) {
		free(once);
		snprintf(now, sizeof(now), "%lld", (long long)session->api->now_ms);
		call.once = once =
		    stripe_once_key((const char *const[]){config->code, form, now}, 3);
		rc = stripe_call(session, &call, answer, err);
	}
	free(once);
	return rc;
}

/*
 * Endpoints of this connection at the same address, other than id: nobody has
 * their secrets, and every event would come twice.
 */
static int
remove_older(struct stripe_session *session, const json_t *rows, const char *url, const char *id,
    struct bh_err *err)
{
	size_t i;
	json_t *row;

	json_array_foreach (rows, i, row) {
		const char *other = bh_json_str(row, "id");
		const char *other_url = bh_json_str(row, "url");
		const char *code = bh_json_str(row, "metadata.billhook");

		if (other == NULL || other_url == NULL || code == NULL ||
		    (id != NULL && strcmp(other, id) == 0) || !is_same_url(url, other_url) ||
		    strcmp(code, session->api->config->code) != 0)
			continue;
		if (stripe_endpoint_remove(session->api, other, err) < 0)
			return -1;
	}
	return 0;
}

/* Stripe's own words for it differ by mode. */
static bool
is_limit_met(const struct source_answer *answer)
{
	const char *message = bh_json_str(answer->json, "error.message");

	return answer->status == 400 && message != NULL && strstr(message, "maximum") != NULL &&
	       strstr(message, "endpoint") != NULL;
}

static int
endpoint_create(struct stripe_session *session, const char *form, const char *url,
    struct source_answer *answer, struct bh_err *err)
{
	json_t *rows;
	int rc = list_all(session, &rows, err);

	*answer = (struct source_answer){0};
	if (rc == 0) {
		rc = create(session, form, answer, err);
		if (rc < 0 && is_limit_met(answer))
			rc = bh_fail(err, BH_INVALID,
			    "Stripe allows at most %d webhook endpoints an account, and all are "
			    "taken: remove one there that is not used",
			    ENDPOINTS_MAX);
		/* It stands and its secret must not be lost: what is left of older ones does no harm. */
		if (rc == 0)
			remove_older(session, rows, url, bh_json_str(answer->json, "id"), NULL);
	}
	json_decref(rows);
	return rc;
}

static int
endpoint_update(struct stripe_session *session, const char *form, const char *id,
    struct source_answer *answer, struct bh_err *err)
{
	struct bh_buf path = BH_BUF_INIT(2048);
	int rc;

	endpoint_path(&path, id);
	rc = stripe_call(session,
	    &(struct stripe_call){.method = "POST", .path = bh_buf_str(&path), .form = form},
	    answer, err);
	if (rc < 0 && is_stripe_missing(answer))
		rc = bh_fail(err, BH_INVALID,
		    "the webhook endpoint is gone at Stripe: a new one has to be made");
	bh_buf_release(&path);
	return rc;
}

int
stripe_endpoint_put(const struct source_api *api, const struct source_endpoint *endpoint,
    json_t **endpoint_r, struct bh_err *err)
{
	struct stripe_session session = {.api = api, .account = ""};
	struct bh_buf form = BH_BUF_INIT(FORM_MAX);
	struct source_answer answer = {0};
	int rc = form_make(&form, api, endpoint, err);

	*endpoint_r = NULL;
	if (rc == 0 && endpoint->id != NULL)
		rc = endpoint_update(&session, bh_buf_str(&form), endpoint->id, &answer, err);
	else if (rc == 0)
		rc = endpoint_create(&session, bh_buf_str(&form), endpoint->url, &answer, err);
	if (rc == 0)
		*endpoint_r = endpoint_json(api, answer.json);
	source_answer_release(&answer);
	bh_buf_release(&form);
	return rc;
}

int
stripe_endpoint_remove(const struct source_api *api, const char *id, struct bh_err *err)
{
	struct stripe_session session = {.api = api, .account = ""};
	struct bh_buf path = BH_BUF_INIT(2048);
	struct source_answer answer = {0};
	int rc = 0;

	if (*id == '\0')
		return bh_fail(err, BH_INVALID, "no webhook endpoint is named");
	endpoint_path(&path, id);
	rc = stripe_call(&session,
	    &(struct stripe_call){.method = "DELETE", .path = bh_buf_str(&path)}, &answer, err);
	if (rc < 0 && (is_stripe_missing(&answer) || answer.status == 404))
		rc = 0;
	source_answer_release(&answer);
	bh_buf_release(&path);
	return rc;
}
