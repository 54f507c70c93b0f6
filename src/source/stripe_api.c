/*
 * Stripe: calls of the REST API, refusals in words, objects in answers.
 * Source: API reference (authentication, versioning, errors, expanding,
 * pagination), and Rate limits.
 */
#include "base/base.h"

#include "source/stripe_api.h"

#include <strings.h>

#include "base/text.h"

#define BASE_URL "https://api.stripe.com"
#define PATH_MAX_LEN 8192
#define WORDS_MAX 120     /* of Stripe's message in an error */
#define REST_BACK_MS 2000 /* REST is believed from two seconds before its answer */
#define NAMES_MAX 8

/* --- the connection ------------------------------------------------------ */

/* The key without white space around it; length 0: there is none. */
static size_t
key_of(const struct source_config *config, const char **key_r)
{
	const char *key = bh_json_str(config->secrets, "api_key");
	size_t len;

	*key_r = key != NULL ? key + strspn(key, " \t\r\n") : "";
	len = strlen(*key_r);
	while (len > 0 && strchr(" \t\r\n", (*key_r)[len - 1]) != NULL)
		len--;
	return len;
}

const char *
stripe_key_mode(const struct source_config *config)
{
	const char *key;

	if (key_of(config, &key) == 0)
		return NULL;
	if (strncmp(key + 1, "k_live_", 7) == 0)
		return "live";
	return strncmp(key + 1, "k_test_", 7) == 0 ? "test" : "";
}

bool
is_stripe_live(const struct source_config *config)
{
	const char *mode = stripe_key_mode(config);

	if (mode == NULL || *mode == '\0')
		mode = bh_json_str(config->settings, "mode");
	return mode == NULL || strcmp(mode, "test") != 0;
}

static const char *
setting(const struct source_config *config, const char *name, const char *fallback)
{
	const char *text = bh_json_str(config->settings, name);

	return text != NULL && *text != '\0' ? text : fallback;
}

/*
 * The account that the call is for; "" when it is the key's own.  With one
 * fixed account in settings every call is for that one.
 */
static const char *
account_of(const struct stripe_session *session)
{
	const json_t *settings = session->api->config->settings;
	const char *account = bh_json_str(settings, "account");
	const char *own = bh_json_str(settings, "own_account");

	if (*session->account != '\0')
		return session->account;
	if (account == NULL || bh_is_json_true(settings, "connect") ||
	    (own != NULL && strcmp(own, account) == 0))
		return "";
	return account;
}

/* --- refusals -------------------------------------------------------------- */

static const char *
refusal(const struct source_answer *answer, const char *member)
{
	const char *text = bh_json_str(json_object_get(answer->json, "error"), member);

	return text != NULL ? text : "";
}

bool
is_stripe_missing(const struct source_answer *answer)
{
	return (answer->status == 404 || answer->status == 400) &&
	       strcmp(refusal(answer, "code"), "resource_missing") == 0 &&
	       strstr(refusal(answer, "message"), "similar object exists") == NULL;
}

bool
is_stripe_unknown_call(const struct source_answer *answer)
{
	return (answer->status == 404 || answer->status == 400) &&
	       strncmp(refusal(answer, "message"), "Unrecognized request URL", 24) == 0;
}

bool
is_stripe_slug(const struct source_answer *answer, char slug[64])
{
	const char *at = strstr(refusal(answer, "message"), "rak_");
	size_t len = at != NULL ? strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789_") : 0;

	if (answer->status != 403 || len < 5 || len > 63)
		return false;
	snprintf(slug, 64, "%.*s", (int)len, at);
	return true;
}

/* Length of a key or secret that begins here, as it stands or masked; 0 when none does. */
static size_t
secret_len(const char *at)
{
	static const char *const prefixes[] = {"sk_", "rk_", "pk_", "whsec_"};

	for (size_t i = 0; i < BH_LEN(prefixes); i++)
		if (strncmp(at, prefixes[i], strlen(prefixes[i])) == 0)
			return strcspn(at, " '\".,;:)\t\r\n");
	return 0;
}

/* Stripe's message, bounded, on one line, without keys. */
static void
add_words(struct bh_buf *out, const char *message)
{
	size_t end = out->len + WORDS_MAX;

	for (const char *at = message; *at != '\0' && out->len < end;) {
		bool is_start = at == message || strchr(" '\"(:=", at[-1]) != NULL;
		size_t len = is_start ? secret_len(at) : 0;

		if (len > 0)
			bh_buf_adds(out, "***");
		else
			bh_buf_addc(out, (unsigned char)*at < ' ' ? ' ' : *at);
		at += len > 0 ? len : 1;
	}
}

/* " (code, param, request)". */
static void
add_details(struct bh_buf *out, const struct source_answer *answer)
{
	const char *request = http_response_header(&answer->response, "Request-Id");
	const char *parts[] = {refusal(answer, "code"), refusal(answer, "param"),
	    request != NULL ? request : ""};
	const char *between = " (";

	for (size_t i = 0; i < BH_LEN(parts); i++) {
		if (!is_source_word(parts[i]) || secret_len(parts[i]) > 0)
			continue;
		bh_buf_addf(out, "%s%.40s", between, parts[i]);
		between = ", ";
	}
	if (*between == ',')
		bh_buf_addc(out, ')');
}

/*
 * Stripe-Should-Retry is obeyed where it says more than the status.  Under a
 * POST's Idempotency-Key a stored 5xx comes again and again: "false" ends it.
 */
static enum bh_code
code_of(const struct source_answer *answer, bool is_read)
{
	const char *retry = http_response_header(&answer->response, "Stripe-Should-Retry");
	bool passes = answer->status >= 500 || answer->status == 409 || answer->status == 408;

	if (answer->status == 429)
		return BH_LIMITED;
	if (answer->status == 401 || answer->status == 403)
		return BH_DENIED;
	if (retry != NULL && strcmp(retry, "true") == 0)
		return BH_UNAVAILABLE;
	if (retry != NULL && strcmp(retry, "false") == 0 && (!is_read || answer->status < 500))
		return BH_INVALID;
	return passes ? BH_UNAVAILABLE : BH_INVALID;
}

/* Stripe sends no Retry-After: by the reason it gives (Rate limits, "Handling limiting"). */
static int
pause_of(const struct source_answer *answer)
{
	const char *reason = http_response_header(&answer->response, "Stripe-Rate-Limited-Reason");
	const char *after = http_response_header(&answer->response, "Retry-After");
	uint64_t seconds;

	if (after != NULL && bh_is_uint(after, strlen(after), 86400, &seconds) && seconds > 0)
		return (int)seconds;
	if (strcmp(refusal(answer, "code"), "lock_timeout") == 0)
		return 1;
	return reason != NULL && strcmp(reason, "resource-specific") == 0 ? 30 : 2;
}

static int
refuse(const struct source_answer *answer, bool is_read, struct bh_err *err)
{
	struct bh_buf words = BH_BUF_INIT(1024);
	char slug[64];
	size_t own_len;

	if (answer->status == 401 && strcmp(refusal(answer, "code"), "api_key_expired") == 0)
		bh_buf_adds(&words, "the key has expired");
	else if (answer->status == 401)
		bh_buf_adds(&words, "the key is not accepted");
	else if (is_stripe_slug(answer, slug))
		bh_buf_addf(&words, "the key lacks the permission %s", slug);
	else if (answer->status >= 200 && answer->status < 300)
		bh_buf_adds(&words, "Stripe's answer is no JSON object");
	else
		bh_buf_addf(&words, "Stripe answered %d", answer->status);
	own_len = words.len;
	if (answer->status != 401 && !is_stripe_slug(answer, slug) &&
	    *refusal(answer, "message") != '\0') {
		bh_buf_adds(&words, ": ");
		add_words(&words, refusal(answer, "message"));
	}
	add_details(&words, answer);
	bh_fail(err,
	    answer->status >= 200 && answer->status < 300 ? BH_UNAVAILABLE
							  : code_of(answer, is_read),
	    "%s", bh_buf_str(&words));
	bh_quotes(err, own_len, NULL);
	if (err != NULL && answer->status == 429)
		err->retry_after_s = pause_of(answer);
	bh_buf_release(&words);
	return -1;
}

/* --- calls ----------------------------------------------------------------- */

void
stripe_param(struct bh_buf *out, const char *name, const char *value)
{
	const char *text = bh_buf_str(out);

	if (*text == '/' && strchr(text, '?') == NULL)
		bh_buf_addc(out, '?');
	else if (*text != '\0')
		bh_buf_addc(out, '&');
	bh_buf_addf(out, "%s=", name);
	bh_percent_add(out, value, strlen(value));
}

void
stripe_param_int(struct bh_buf *out, const char *name, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	stripe_param(out, name, text);
}

void
stripe_path(struct bh_buf *out, const char *before, const char *id, const char *behind)
{
	bh_buf_adds(out, before);
	bh_percent_add(out, id, strlen(id));
	bh_buf_adds(out, behind);
}

struct headers {
	struct bh_buf key, version, account, once;
	const char *list[5];
};

static int
headers_make(struct headers *headers, const struct stripe_session *session, const char *once,
    struct bh_err *err)
{
	const struct source_config *config = session->api->config;
	const char *version = setting(config, "api_version", STRIPE_API_VERSION);
	const char *account = account_of(session);
	const char *key;
	size_t len = key_of(config, &key);
	size_t n = 0;

	*headers = (struct headers){.key = BH_BUF_INIT(1024),
	    .version = BH_BUF_INIT(1024),
	    .account = BH_BUF_INIT(1024),
	    .once = BH_BUF_INIT(1024)};
	if (len == 0)
		return bh_fail(err, BH_INVALID, "the connection has no API key");
	if (len > 500 || memchr(key, '\n', len) != NULL || memchr(key, '\r', len) != NULL)
		return bh_fail(err, BH_INVALID,
		    "the API key is none: it is too long or has a line break");
	if (!is_source_word(version) || (*account != '\0' && !is_source_word(account)))
		return bh_fail(err, BH_INVALID,
		    "api_version or account holds blanks or is too long");
	bh_buf_addf(&headers->key, "Authorization: Bearer %.*s", (int)len, key);
	headers->list[n++] = bh_buf_str(&headers->key);
	bh_buf_addf(&headers->version, "Stripe-Version: %s", version);
	headers->list[n++] = bh_buf_str(&headers->version);
	if (*account != '\0') {
		bh_buf_addf(&headers->account, "Stripe-Account: %s", account);
		headers->list[n++] = bh_buf_str(&headers->account);
	}
	if (once != NULL) {
		bh_buf_addf(&headers->once, "Idempotency-Key: %s", once);
		headers->list[n++] = bh_buf_str(&headers->once);
	}
	return 0;
}

static void
headers_release(struct headers *headers)
{
	bh_buf_wipe(&headers->key);
	bh_buf_release(&headers->version);
	bh_buf_release(&headers->account);
	bh_buf_release(&headers->once);
}

int
stripe_call(struct stripe_session *session, const struct stripe_call *call,
    struct source_answer *answer, struct bh_err *err)
{
	const char *base = setting(session->api->config, "api_url", BASE_URL);
	size_t base_len = strlen(base);
	struct headers headers;
	char *base_url;
	int rc = headers_make(&headers, session, call->once, err);

	*answer = (struct source_answer){0};
	while (base_len > 0 && base[base_len - 1] == '/')
		base_len--;
	base_url = bh_xstrndup(base, base_len);
	if (rc == 0) {
		session->calls++;
		rc = source_call(session->api,
		    &(struct source_call){.method = call->method,
			.base_url = base_url,
			.path = call->path,
			.headers = headers.list,
			.content_type = "application/x-www-form-urlencoded",
			.body = call->form},
		    answer, err);
		/* Whatever is asked here may be asked again. */
		if (rc < 0 && err != NULL && err->code == BH_UNCERTAIN)
			err->code = BH_UNAVAILABLE;
		else if (rc == 0 && (answer->status < 200 || answer->status >= 300 ||
					!json_is_object(answer->json)))
			rc = refuse(answer, strcmp(call->method, "GET") == 0, err);
	}
	headers_release(&headers);
	free(base_url);
	return rc;
}

/* --- expanding --------------------------------------------------------------- */

static bool
is_expand_refused(const struct source_answer *answer)
{
	const char *message = refusal(answer, "message");

	return answer->status == 400 && (strncmp(refusal(answer, "param"), "expand", 6) == 0 ||
					    strstr(message, "cannot be expanded") != NULL ||
					    strstr(message, "cannot expand") != NULL);
}

/* The name that the message gives in brackets, whole or in part; else the longest. */
static unsigned
refused_name(const struct source_answer *answer, const char *const *names, unsigned dropped)
{
	const char *open = strchr(refusal(answer, "message"), '(');
	char part[128] = "";
	size_t longest = 0;
	unsigned found = 0;

	if (open != NULL)
		snprintf(part, sizeof(part), "%.*s", (int)strcspn(open + 1, ")"), open + 1);
	for (unsigned i = 0; names[i] != NULL; i++) {
		size_t len = strlen(names[i]);
		bool named = *part != '\0' && strstr(names[i], part) != NULL;

		if (dropped & (1u << i))
			continue;
		if (strcmp(names[i], part) == 0)
			return 1u << i;
		/* One that is named goes before any that is not. */
		len += named ? 1000 : 0;
		if (len > longest) {
			longest = len;
			found = 1u << i;
		}
	}
	return found;
}

static unsigned
all_of(const char *const *names)
{
	unsigned all = 0;

	for (unsigned i = 0; names != NULL && names[i] != NULL; i++)
		all |= 1u << i;
	return all;
}

int
stripe_get(struct stripe_session *session, const char *path, const char *const *names,
    unsigned *dropped, struct source_answer *answer, struct bh_err *err)
{
	unsigned all = all_of(names);

	for (;;) {
		struct bh_buf whole = BH_BUF_INIT(PATH_MAX_LEN);
		int rc;

		bh_buf_adds(&whole, path);
		for (unsigned i = 0; names != NULL && names[i] != NULL; i++)
			if ((*dropped & (1u << i)) == 0)
				stripe_param(&whole, "expand[]", names[i]);
		*answer = (struct source_answer){0};
		rc = bh_buf_check(&whole, "the request", err);
		if (rc == 0)
			rc = stripe_call(session,
			    &(struct stripe_call){.method = "GET", .path = bh_buf_str(&whole)},
			    answer, err);
		bh_buf_release(&whole);
		if (rc == 0 || (*dropped & all) == all)
			return rc;
		/* What is expanded needs its own permission. */
		if (answer->status == 403)
			*dropped |= all;
		else if (is_expand_refused(answer))
			*dropped |= refused_name(answer, names, *dropped);
		else
			return rc;
		source_answer_release(answer);
	}
}

/* The next page of a list, from behind the last of rows.  As stripe_rows(). */
static int
rows_page(struct stripe_session *session, const char *path, const char *const *names,
    unsigned *dropped, json_t *rows, bool *complete_r, struct bh_err *err)
{
	size_t n = json_array_size(rows), left = STRIPE_ROWS_MAX - n;
	const char *last = n > 0 ? bh_json_str(json_array_get(rows, n - 1), "id") : NULL;
	struct bh_buf page = BH_BUF_INIT(PATH_MAX_LEN);
	struct source_answer answer;
	json_t *data;
	int rc;

	bh_buf_adds(&page, path);
	stripe_param_int(&page, "limit", left < 100 ? (int64_t)left : 100);
	if (last != NULL)
		stripe_param(&page, "starting_after", last);
	rc = stripe_get(session, bh_buf_str(&page), names, dropped, &answer, err);
	data = json_object_get(answer.json, "data");
	if (rc == 0) {
		json_array_extend(rows, data);
		*complete_r =
		    !bh_is_json_true(answer.json, "has_more") || json_array_size(data) == 0;
		rc = 1;
	} else if (is_stripe_missing(&answer)) {
		rc = 0;
		if (strcmp(refusal(&answer, "param"), "starting_after") == 0)
			rc = bh_fail(err, BH_UNAVAILABLE, "the list changed while it was read");
	}
	source_answer_release(&answer);
	bh_buf_release(&page);
	return rc;
}

int
stripe_rows(struct stripe_session *session, const char *path, const char *const *names,
    json_t *rows, bool *complete_r, struct bh_err *err)
{
	unsigned dropped = 0;
	int rc = 1;

	*complete_r = false;
	while (rc > 0 && !*complete_r && json_array_size(rows) < STRIPE_ROWS_MAX)
		rc = rows_page(session, path, names, &dropped, rows, complete_r, err);
	return rc;
}

/* --- objects in answers ------------------------------------------------------ */

void
stripe_reading_start(struct stripe_reading *reading, const struct stripe_session *session,
    const struct source_answer *answer, struct source_result *result)
{
	int64_t at_ms = source_answer_ms(session->api, answer);

	*reading = (struct stripe_reading){.event = {.id = "rest", .type = "rest"}};
	reading->news = (struct source_news){.config = session->api->config,
	    .event = &reading->event,
	    .body = answer->json,
	    .received_ms = session->api->now_ms,
	    .at_ms = at_ms - at_ms % 1000 - REST_BACK_MS,
	    .account = session->account,
	    .live = is_stripe_live(session->api->config),
	    .result = result};
}

int
stripe_read(struct stripe_reading *reading, const json_t *object, struct bh_err *err)
{
	struct source_result *result = reading->news.result;
	size_t changes_n = result->changes.n, wants_n = result->wants.n;
	char note[sizeof(result->note)];
	int rc;

	snprintf(note, sizeof(note), "%s", result->note);
	reading->news.live = is_stripe_live(reading->news.config);
	rc = stripe_object(&reading->news, object, err);
	/* What is said of the whole stays; why one of several objects was left is no news. */
	if (rc < 0 || *note != '\0' || changes_n + wants_n > 0 || reading->is_list)
		snprintf(result->note, sizeof(result->note), "%s", note);
	if (rc == 0)
		return 0;
	while (result->changes.n > changes_n)
		json_decref(result->changes.items[--result->changes.n].fields);
	while (result->wants.n > wants_n)
		json_decref(result->wants.items[--result->wants.n].hint);
	return -1;
}

void
stripe_reading_end(struct source_result *result)
{
	result->outcome = result->changes.n > 0 ? SOURCE_APPLIED
			  : result->wants.n > 0 ? SOURCE_ASKED
						: SOURCE_IGNORED;
}
