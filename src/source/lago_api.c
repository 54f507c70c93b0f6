/* Lago's REST API: one call, one page of a list, one customer; errors in plain words. */
#include "base/base.h"

#include "base/text.h"
#include "source/lago.h"

#define PATH_MAX_LEN 4096
#define RESET_MAX_S 60
#define SELF_HOSTED_MS 100 /* no limiter there: at most ten calls a second */
#define PAGES_MAX 1000000

char *
lago_base(const char *url)
{
	size_t len;

	if (url == NULL || *url == '\0')
		url = LAGO_CLOUD;
	len = strlen(url);
	while (len > 0 && url[len - 1] == '/')
		len--;
	if (len > 7 && memcmp(url + len - 7, "/api/v1", 7) == 0)
		len -= 7;
	while (len > 0 && url[len - 1] == '/')
		len--;
	return bh_xstrndup(url, len);
}

void
lago_query(struct bh_buf *path, const char *name, const char *text)
{
	bh_buf_addc(path, memchr(bh_buf_str(path), '?', path->len) != NULL ? '&' : '?');
	bh_percent_add(path, name, strlen(name));
	bh_buf_addc(path, '=');
	bh_percent_add(path, text, strlen(text));
}

/* -- errors -- */

/* "read_action_not_allowed_for_credit_note" as "read for credit note". */
static void
add_permission(struct bh_buf *out, const char *code)
{
	const char *at = strstr(code, "_action_not_allowed_for_");

	bh_buf_addf(out, "%.*s for ", (int)(at - code), code);
	for (at += strlen("_action_not_allowed_for_"); *at != '\0'; at++)
		bh_buf_addc(out, *at == '_' ? ' ' : *at);
}

/* {"webhook_url": ["value_already_exist"]} as "webhook_url: value_already_exist". */
static void
add_details(struct bh_buf *out, const json_t *details)
{
	const char *name;
	json_t *codes, *code;
	size_t i;

	json_object_foreach ((json_t *)(uintptr_t)details, name, codes) {
		json_array_foreach (codes, i, code) {
			if (json_is_string(code))
				bh_buf_addf(out, "%s%.60s: %.60s", out->len > 0 ? ", " : "", name,
				    json_string_value(code));
		}
	}
}

static void
describe(struct bh_buf *out, const struct source_answer *answer)
{
	const char *code = bh_json_str(answer->json, "code");
	const char *error = bh_json_str(answer->json, "error");

	if (answer->status == 401)
		bh_buf_adds(out, "the API key is refused");
	else if (code != NULL && strlen(code) < 100 && strstr(code, "_action_not_allowed_for_"))
		bh_buf_adds(out, "the API key lacks ");
	if (out->len == 0)
		add_details(out, json_object_get(answer->json, "error_details"));
	else if (answer->status != 401)
		add_permission(out, code);
	if (out->len == 0 && (code != NULL || error != NULL))
		bh_buf_addf(out, "%.100s", code != NULL ? code : error);
}

static long
header_number(const struct source_answer *answer, const char *name)
{
	const char *text = http_response_header(&answer->response, name);
	uint64_t number;

	return text != NULL && bh_is_uint(text, strlen(text), 1000000, &number) ? (long)number : -1;
}

/* Seconds until the limit is reset: a span, not a time. */
static int
reset_s(const struct source_answer *answer)
{
	long reset = header_number(answer, "X-RateLimit-Reset");

	if (reset > RESET_MAX_S)
		return RESET_MAX_S;
	return reset > 0 ? (int)reset : 1;
}

static int
fail_call(const struct source_answer *answer, struct bh_err *err)
{
	struct bh_buf words = BH_BUF_INIT(1024);

	describe(&words, answer);
	source_answer_error(answer, "Lago", bh_buf_str(&words), err);
	bh_buf_release(&words);
	if (answer->status == 429 && err != NULL && err->retry_after_s == 0)
		err->retry_after_s = reset_s(answer);
	return -1;
}

/* -- calls -- */

static int
api_key(const struct source_config *config, struct bh_buf *header, struct bh_err *err)
{
	const char *key = bh_json_str(config->secrets, "api_key");
	size_t len;

	if (key == NULL)
		key = "";
	key += strspn(key, " \t\r\n");
	len = strcspn(key, " \t\r\n");
	if (len == 0 || len > 512 || key[len + strspn(key + len, " \t\r\n")] != '\0')
		return bh_fail(err, BH_INVALID, "the connection has no API key of Lago");
	bh_buf_adds(header, "Authorization: Bearer ");
	bh_buf_add(header, key, len);
	return 0;
}

int
lago_call(const struct source_api *api, const char *method, const char *path, const json_t *body,
    struct source_answer *answer, struct bh_err *err)
{
	struct bh_buf header = BH_BUF_INIT(1024);
	char *base = lago_base(bh_json_str(api->config->settings, "api_url"));
	char *text = body != NULL ? bh_json_text(body) : NULL;
	char *full = bh_xasprintf("/api/v1/%s", path);
	int rc = api_key(api->config, &header, err);

	*answer = (struct source_answer){0};
	if (rc == 0) {
		const struct source_call call = {
		    .method = method,
		    .base_url = base,
		    .path = full,
		    .headers = (const char *const[]){bh_buf_str(&header), NULL},
		    .content_type = "application/json",
		    .body = text,
		};

		rc = source_call(api, &call, answer, err);
	}
	bh_buf_wipe(&header);
	free(base);
	free(text);
	free(full);
	if (rc < 0)
		return -1;
	if (answer->status == 404)
		return 0;
	if (answer->status < 200 || answer->status > 299)
		return fail_call(answer, err);
	if (!json_is_object(answer->json) && strcmp(method, "DELETE") != 0)
		return bh_fail(err, BH_UNAVAILABLE,
		    "Lago's answer is no JSON object: is api_url right?");
	return 1;
}

/* Half of a limit is left to the merchant's own programs. */
static int64_t
pause_ms(const struct source_answer *answer)
{
	long limit = header_number(answer, "X-RateLimit-Limit");
	long left = header_number(answer, "X-RateLimit-Remaining");

	if (limit <= 0 || left < 0)
		return SELF_HOSTED_MS;
	if (left * 2 < limit)
		return reset_s(answer) * INT64_C(1000);
	return 2000 / limit + 1;
}

int
lago_list(const struct source_api *api, const char *path, const char *plural, int64_t page,
    struct source_answer *answer, struct lago_rows *rows, struct bh_err *err)
{
	struct bh_buf url = BH_BUF_INIT(PATH_MAX_LEN);
	char number[24];
	int rc;

	*rows = (struct lago_rows){.total = -1};
	*answer = (struct source_answer){0};
	bh_buf_adds(&url, path);
	snprintf(number, sizeof(number), "%lld", (long long)page);
	lago_query(&url, "page", number);
	snprintf(number, sizeof(number), "%d", LAGO_PER_PAGE);
	lago_query(&url, "per_page", number);
	rc = bh_buf_check(&url, "a query", err);
	if (rc == 0)
		rc = lago_call(api, "GET", bh_buf_str(&url), NULL, answer, err);
	bh_buf_release(&url);
	if (rc < 0)
		return -1;
	rows->wait_ms = pause_ms(answer);
	rows->rows = json_object_get(answer->json, plural);
	if (rc == 0 || !json_is_array(rows->rows))
		return bh_fail(err, rc == 0 ? BH_INVALID : BH_UNAVAILABLE,
		    "Lago has no list of %s at this address: is api_url right?", plural);
	rows->total = bh_json_int(answer->json, "meta.total_count", -1);
	rows->next = bh_json_int(answer->json, "meta.next_page", 0);
	/* A page that does not come nearer to the end would be read for ever. */
	if (json_array_size(rows->rows) == 0 || rows->next <= page || rows->next > PAGES_MAX)
		rows->next = 0;
	return 0;
}

struct source_news
lago_news(const struct source_api *api, const struct source_answer *answer,
    struct source_result *result)
{
	return (struct source_news){
	    .config = api->config,
	    .event = &lago_rest,
	    .received_ms = api->now_ms,
	    .at_ms = source_answer_ms(api, answer),
	    .account = "",
	    .live = true,
	    .result = result,
	};
}

/* -- a customer by id -- */

static json_t *
row_of(const json_t *rows, const char *id)
{
	size_t i;
	json_t *row;

	json_array_foreach (rows, i, row) {
		const char *lago_id = bh_json_str(row, "lago_id");

		if (lago_id != NULL && strcmp(lago_id, id) == 0)
			return row;
	}
	return NULL;
}

/* Servers that do not know the filter show everybody. */
static bool
is_filtered(const json_t *rows, const char *external_id)
{
	size_t i;
	json_t *row;

	json_array_foreach (rows, i, row) {
		const char *other = bh_json_str(row, "external_id");

		if (other == NULL || strcmp(other, external_id) != 0)
			return false;
	}
	return true;
}

static int
scan_customers(const struct source_api *api, const char *id, int pages, json_t **customer_r,
    int64_t *answer_ms_r, struct bh_err *err)
{
	int64_t page = 1;

	for (int n = 0; n < pages; n++) {
		struct source_answer answer;
		struct lago_rows rows;
		int rc = lago_list(api, "customers", "customers", page, &answer, &rows, err);

		if (rc == 0) {
			*customer_r = json_incref(row_of(rows.rows, id));
			*answer_ms_r = source_answer_ms(api, &answer);
		}
		page = rows.next;
		source_answer_release(&answer);
		if (rc < 0 || *customer_r != NULL)
			return rc < 0 ? -1 : 1;
		if (page == 0)
			return 0;
	}
	return bh_fail(err, BH_INVALID,
	    "Lago cannot be asked for a customer without the external id, and it is not among the newest %d",
	    pages * LAGO_PER_PAGE);
}

int
lago_find_customer(const struct source_api *api, const char *id, const char *external_id, int pages,
    json_t **customer_r, int64_t *answer_ms_r, struct bh_err *err)
{
	struct bh_buf path = BH_BUF_INIT(PATH_MAX_LEN);
	struct source_answer answer;
	struct lago_rows rows;
	bool filtered;
	int rc;

	*customer_r = NULL;
	if (external_id == NULL || *external_id == '\0')
		return scan_customers(api, id, pages, customer_r, answer_ms_r, err);
	bh_buf_adds(&path, "customers");
	lago_query(&path, "external_id", external_id);
	rc = bh_buf_check(&path, "the external id", err);
	if (rc < 0)
		answer = (struct source_answer){0};
	else
		rc = lago_list(api, bh_buf_str(&path), "customers", 1, &answer, &rows, err);
	bh_buf_release(&path);
	if (rc < 0) {
		source_answer_release(&answer);
		return -1;
	}
	*customer_r = json_incref(row_of(rows.rows, id));
	*answer_ms_r = source_answer_ms(api, &answer);
	filtered = is_filtered(rows.rows, external_id);
	source_answer_release(&answer);
	if (*customer_r != NULL)
		return 1;
	return filtered ? 0 : scan_customers(api, id, pages, customer_r, answer_ms_r, err);
}
