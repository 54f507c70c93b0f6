/*
 * Alguna's REST API: calls of both generations, whose key it is, a CRM's
 * id among a customer's aliases, and new customers.
 */
#include "base/base.h"

#include "base/crypt.h"
#include "base/text.h"
#include "source/alguna.h"

#define API_VERSION "Alguna-Version: 2026-04-01"

bool
is_alguna_first(const struct source_config *config)
{
	const char *generation = bh_json_str(config->settings, "generation");

	return generation != NULL && strcmp(generation, "1") == 0;
}

struct source_news
alguna_rest(const struct source_config *config, struct source_result *result)
{
	static const struct source_event rest = {.id = "rest", .type = "rest"};

	return (struct source_news){.config = config,
	    .event = &rest,
	    .account = "",
	    .live = true,
	    .result = result};
}

void
alguna_add_id(struct bh_buf *path, const char *id)
{
	bh_buf_addc(path, '/');
	bh_percent_add(path, id, strlen(id));
}

/* -- calls -- */

static int
add_key(const struct source_config *config, struct bh_buf *header, struct bh_err *err)
{
	const char *key = bh_json_str(config->secrets, "api_key");
	size_t len;

	if (key == NULL)
		key = "";
	key += strspn(key, " \t\r\n");
	len = strcspn(key, " \t\r\n");
	if (len == 0 || len > 512 || key[len + strspn(key + len, " \t\r\n")] != '\0')
		return bh_fail(err, BH_INVALID, "the connection has no API key of Alguna");
	bh_buf_adds(header, "Authorization: Bearer ");
	bh_buf_add(header, key, len);
	return 0;
}

static char *
base_url(const struct source_config *config)
{
	const char *url = bh_json_str(config->settings, "api_url");
	size_t len;

	if (url == NULL || *url == '\0')
		url = ALGUNA_API;
	len = strlen(url);
	while (len > 0 && url[len - 1] == '/')
		len--;
	return bh_xstrndup(url, len);
}

/* Alguna says itself which of its failures pass (API reference, Errors). */
static int
fail_call(const struct source_answer *answer, struct bh_err *err)
{
	const char *transient = http_response_header(&answer->response, "Transient-Error");
	const char *words = bh_json_str(answer->json, "detail");

	if (answer->status == 401)
		words = "the API key is refused";
	else if (words == NULL)
		words = bh_json_str(answer->json, "message");
	source_answer_error(answer, "Alguna", words, err);
	if (err != NULL && err->code == BH_INVALID && transient != NULL &&
	    strcmp(transient, "true") == 0)
		err->code = BH_UNAVAILABLE;
	return -1;
}

int
alguna_call(const struct source_api *api, const struct alguna_call *call,
    struct source_answer *answer, struct bh_err *err)
{
	struct bh_buf key = BH_BUF_INIT(1024), idempotency = BH_BUF_INIT(512);
	char *base = base_url(api->config), *text = NULL;
	const char *headers[4];
	size_t n = 0;
	int rc = add_key(api->config, &key, err);

	*answer = (struct source_answer){0};
	headers[n++] = bh_buf_str(&key);
	if (call->is_second || !is_alguna_first(api->config))
		headers[n++] = API_VERSION;
	if (call->idempotency_key != NULL) {
		bh_buf_addf(&idempotency, "Idempotency-Key: %s", call->idempotency_key);
		headers[n++] = bh_buf_str(&idempotency);
	}
	headers[n] = NULL;
	if (rc == 0) {
		text = call->body != NULL ? bh_json_text(call->body) : NULL;
		rc = source_call(api,
		    &(struct source_call){.method = call->method,
			.base_url = base,
			.path = call->path,
			.headers = headers,
			.content_type = "application/json",
			.body = text},
		    answer, err);
	}
	if (rc == 0 && answer->status >= 200 && answer->status < 300 && answer->json == NULL)
		rc = bh_fail(err, BH_UNAVAILABLE, "Alguna's answer is no JSON");
	else if (rc == 0 && answer->status >= 200 && answer->status < 300)
		rc = 1;
	else if (rc == 0 && answer->status != 404)
		rc = fail_call(answer, err);
	free(text);
	free(base);
	bh_buf_wipe(&key);
	bh_buf_release(&idempotency);
	return rc;
}

int
alguna_get(const struct source_api *api, const char *path, struct source_answer *answer,
    struct bh_err *err)
{
	return alguna_call(api, &(struct alguna_call){.method = "GET", .path = path}, answer, err);
}

/* -- probe -- */

/* No address tells whose key it is: the number of its customers is what people can check. */
static json_t *
who_json(const struct source_api *api, const json_t *page)
{
	const char *key = bh_json_str(api->config->secrets, "api_key");
	int64_t n = bh_json_int(page, "pagination.total_pages", -1);
	json_t *who = json_pack("{s:s, s:s}", "name", "Alguna", "id", "");
	const char *mode = "";

	if (strstr(key, "sk_live_") != NULL)
		mode = "live";
	else if (strstr(key, "sk_test_") != NULL)
		mode = "test";
	json_object_set_new(who, "mode", json_string(mode));
	json_object_set_new(who, "detail",
	    n >= 0 ? json_sprintf("%lld customers", (long long)n) : json_string("the key works"));
	json_object_set_new(who, "settings", json_object());
	json_object_set_new(who, "missing", json_array());
	return who;
}

int
alguna_probe(const struct source_api *api, json_t **who_r, struct bh_err *err)
{
	bool first = is_alguna_first(api->config);
	struct source_answer answer;
	int rc = alguna_get(api, first ? "/accounts?page=1&limit=5" : "/customers?limit=1&offset=0",
	    &answer, err);

	*who_r = NULL;
	if (rc == 0 || (rc > 0 && !json_is_array(json_object_get(answer.json, "data"))))
		rc = bh_fail(err, BH_INVALID,
		    "no Alguna answers at this address: are api_url and generation right?");
	if (rc > 0)
		*who_r = who_json(api, answer.json);
	source_answer_release(&answer);
	return rc > 0 ? 0 : -1;
}

/* -- writing back -- */

static bool
is_listed(const json_t *list, const char *text)
{
	json_t *one;
	size_t i;

	json_array_foreach (list, i, one)
		if (json_is_string(one) && strcmp(json_string_value(one), text) == 0)
			return true;
	return false;
}

/*
 * A list in a PATCH replaces the whole of what is there: both are sent as they were
 * read, with the one alias more.
 */
static json_t *
patch_json(const json_t *customer, const char *alias)
{
	const json_t *contacts = json_object_get(customer, "contacts");
	json_t *aliases = json_copy(json_object_get(customer, "aliases"));
	json_t *patch = json_object();

	if (!json_is_array(aliases)) {
		json_decref(aliases);
		aliases = json_array();
	}
	json_array_append_new(aliases, json_string(alias));
	json_object_set_new(patch, "aliases", aliases);
	if (json_is_array(contacts))
		json_object_set_new(patch, "contacts", json_deep_copy(contacts));
	return patch;
}

/* The same write has the same key, and no other has it. */
#define WRITE_KEY_LEN (2 * BH_SHA256_LEN + 16)
static void
write_key(char key[WRITE_KEY_LEN], const char *purpose, const char *path, const json_t *body)
{
	char *text = bh_json_text(body);
	const struct bh_part parts[] = {{path, strlen(path)}, {text, strlen(text)}};
	unsigned char digest[BH_SHA256_LEN];

	bh_hmac_sha256(digest, purpose, strlen(purpose), parts, BH_LEN(parts));
	snprintf(key, WRITE_KEY_LEN, "billhook-");
	bh_hex(key + strlen(key), digest, sizeof(digest));
	free(text);
}

static int
patch_customer(const struct source_api *api, const char *path, const json_t *customer,
    const char *alias, struct bh_err *err)
{
	json_t *patch = patch_json(customer, alias);
	char key[WRITE_KEY_LEN];
	struct source_answer answer;
	int rc;

	write_key(key, "alias", path, patch);
	rc = alguna_call(api,
	    &(struct alguna_call){.method = "PATCH",
		.path = path,
		.body = patch,
		.idempotency_key = key,
		.is_second = true},
	    &answer, err);
	if (rc == 0)
		rc = bh_fail(err, BH_INVALID, "Alguna has no such customer");
	source_answer_release(&answer);
	json_decref(patch);
	return rc > 0 ? 0 : -1;
}

/* Only the second generation's customers can be written; they are the first one's accounts. */
int
alguna_write_back(const struct source_api *api, const char *account BH_UNUSED, const char *customer,
    const char *crm BH_UNUSED, const char *remote_id, struct bh_err *err)
{
	struct bh_buf path = BH_BUF_INIT(2048);
	struct source_answer answer;
	int rc;

	bh_buf_adds(&path, "/customers");
	alguna_add_id(&path, customer);
	rc = alguna_call(api,
	    &(struct alguna_call){.method = "GET", .path = bh_buf_str(&path), .is_second = true},
	    &answer, err);
	if (rc == 0)
		rc = bh_fail(err, BH_INVALID, "Alguna has no such customer");
	else if (rc > 0 && is_listed(json_object_get(answer.json, "aliases"), remote_id))
		rc = 0;
	else if (rc > 0)
		rc = patch_customer(api, bh_buf_str(&path), answer.json, remote_id, err);
	source_answer_release(&answer);
	bh_buf_release(&path);
	return rc;
}

/* -- a new customer -- */

/* As alguna_call(); the answer's customer is in id_r after 1. */
static int
call_customer(const struct source_api *api, const struct alguna_call *call, char id_r[256],
    struct bh_err *err)
{
	struct source_answer answer;
	int rc = alguna_call(api, call, &answer, err);

	if (rc > 0)
		rc = source_customer_id(answer.json, "id", id_r, err) < 0 ? -1 : 1;
	source_answer_release(&answer);
	return rc;
}

static int
make_customer(const struct source_api *api, const struct source_who *who, char id_r[256],
    struct bh_err *err)
{
	const char *currency = bh_json_str(api->config->settings, "currency");
	struct alguna_call call = {.method = "POST", .path = "/customers", .is_second = true};
	char key[WRITE_KEY_LEN];
	json_t *body;
	int rc;

	if (currency == NULL || *currency == '\0')
		return bh_fail(err, BH_INVALID,
		    "Alguna's customers have a currency: say in the connection's currency which one new ones get");
	body = json_pack("{s:s, s:s, s:[s]}", "name", who->name, "currency", currency, "aliases",
	    who->remote_id);
	if (who->email != NULL)
		json_object_set_new(body, "contacts",
		    json_pack("[{s:s, s:b, s:[]}]", "email", who->email, "is_primary", true,
			"email_preferences"));
	write_key(key, "customer", call.path, body);
	call.body = body;
	call.idempotency_key = key;
	rc = call_customer(api, &call, id_r, err);
	json_decref(body);
	return rc == 0 ? bh_fail(err, BH_INVALID, "no Alguna answers at this address") : rc;
}

/* A customer is found under its aliases, one of which is the CRM's id. */
int
alguna_create_customer(const struct source_api *api, const json_t *json, char id_r[256],
    struct bh_err *err)
{
	struct bh_buf path = BH_BUF_INIT(2048);
	struct alguna_call find = {.method = "GET", .is_second = true};
	struct source_who who;
	int rc = source_who(json, &who, err);

	if (rc < 0)
		return -1;
	bh_buf_adds(&path, "/customers");
	alguna_add_id(&path, who.remote_id);
	find.path = bh_buf_str(&path);
	rc = call_customer(api, &find, id_r, err);
	if (rc == 0)
		rc = make_customer(api, &who, id_r, err);
	bh_buf_release(&path);
	return rc < 0 ? -1 : 0;
}
