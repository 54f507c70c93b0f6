/* Stripe: what Billhook writes to customers: a CRM's id into the metadata, and new ones. */
#include "base/base.h"

#include "base/text.h"
#include "source/stripe_api.h"

#define FORM_MAX 65536
#define KEY_MAX 40 /* of a name in metadata */

/* --- writing a CRM's id back -------------------------------------------------- */

/* The name in metadata under which the id is read, too; NULL for an unknown CRM. */
static const char *
metadata_key(const struct source_config *config, const char *crm)
{
	bool is_hubspot = strcmp(crm, "hubspot") == 0;
	const char *chosen =
	    bh_json_str(config->settings, is_hubspot ? "hubspot_id_key" : "salesforce_id_key");

	if (!is_hubspot && strcmp(crm, "salesforce") != 0)
		return NULL;
	if (chosen != NULL && *chosen != '\0')
		return chosen;
	return is_hubspot ? "hubspot_company_id" : "salesforce_account_id";
}

/* What the customer holds now; NULL and rc 0: there is none.  Owned. */
static int
read_back(struct stripe_session *session, const char *path, const char *key, char **held_r,
    struct bh_err *err)
{
	struct source_answer answer;
	unsigned dropped = 0;
	int rc = stripe_get(session, path, NULL, &dropped, &answer, err);
	const char *held =
	    json_string_value(json_object_get(json_object_get(answer.json, "metadata"), key));

	*held_r = bh_xstrdup(rc == 0 && held != NULL ? held : "");
	if (rc < 0 && is_stripe_missing(&answer))
		rc = bh_fail(err, BH_INVALID, "the customer is not at Stripe");
	else if (rc == 0 && bh_is_json_true(answer.json, "deleted"))
		rc = bh_fail(err, BH_INVALID, "the customer was deleted at Stripe");
	source_answer_release(&answer);
	return rc;
}

/* The name of a parameter: its brackets are Stripe's, what is in them is not. */
static void
add_metadata_name(struct bh_buf *out, const char *key)
{
	bh_buf_adds(out, "metadata[");
	bh_percent_add(out, key, strlen(key));
	bh_buf_addc(out, ']');
}

static int
write_metadata(struct stripe_session *session, const char *path, const char *key, const char *held,
    const char *id, struct bh_err *err)
{
	struct bh_buf name = BH_BUF_INIT(1024), form = BH_BUF_INIT(4096);
	struct source_answer answer;
	char now[24], *once;
	int rc;

	add_metadata_name(&name, key);
	stripe_param(&form, bh_buf_str(&name), id);
	/* The time is in the key: a later writing of the same value is another one. */
	snprintf(now, sizeof(now), "%lld", (long long)session->api->now_ms);
	once = stripe_once_key((const char *const[]){path, bh_buf_str(&form), held, now}, 4);
	rc = stripe_call(session,
	    &(struct stripe_call){.method = "POST",
		.path = path,
		.form = bh_buf_str(&form),
		.once = once},
	    &answer, err);
	source_answer_release(&answer);
	free(once);
	bh_buf_release(&name);
	bh_buf_release(&form);
	return rc;
}

int
stripe_write_back(const struct source_api *api, const char *account, const char *customer,
    const char *crm, const char *remote_id, struct bh_err *err)
{
	struct stripe_session session = {.api = api, .account = account};
	const char *key = metadata_key(api->config, crm);
	struct bh_buf path = BH_BUF_INIT(2048);
	char *held = NULL;
	int rc;

	if (key == NULL)
		return bh_fail(err, BH_INVALID, "no name in metadata is known for %.40s", crm);
	if (strlen(key) > KEY_MAX || *customer == '\0' || strlen(remote_id) > 500)
		return bh_fail(err, BH_INVALID,
		    "the name in metadata has more than %d characters, or an id does not fit",
		    KEY_MAX);
	stripe_path(&path, "/v1/customers/", customer, "");
	rc = read_back(&session, bh_buf_str(&path), key, &held, err);
	if (rc == 0 && strcmp(held, remote_id) != 0)
		rc = write_metadata(&session, bh_buf_str(&path), key, held, remote_id, err);
	free(held);
	bh_buf_release(&path);
	return rc;
}

/* --- making a customer ----------------------------------------------------------- */

/* A text in single quotes, as the query language of search has them. */
static void
add_quoted(struct bh_buf *out, const char *text)
{
	bh_buf_addc(out, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'' || *text == '\\')
			bh_buf_addc(out, '\\');
		bh_buf_addc(out, *text);
	}
	bh_buf_addc(out, '\'');
}

/* Search ignores case, which ids of 15 characters do not. */
static const json_t *
holder_of(const json_t *rows, const char *key, const char *remote_id)
{
	json_t *row;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)rows, i, row) {
		const char *held =
		    json_string_value(json_object_get(json_object_get(row, "metadata"), key));

		if (held != NULL && strcmp(held, remote_id) == 0)
			return row;
	}
	return NULL;
}

/*
 * The customer that holds the CRM's id: 1, 0, -1.  Search is a minute behind, and
 * some accounts have none: then the key of the creation is what makes it once.
 */
static int
find_made(struct stripe_session *session, const char *key, const char *remote_id, char id_r[256],
    struct bh_err *err)
{
	struct bh_buf query = BH_BUF_INIT(4096), path = BH_BUF_INIT(8192);
	struct source_answer answer;
	const json_t *row;
	unsigned dropped = 0;
	int rc;

	bh_buf_adds(&query, "metadata[");
	add_quoted(&query, key);
	bh_buf_adds(&query, "]:");
	add_quoted(&query, remote_id);
	bh_buf_adds(&path, "/v1/customers/search");
	stripe_param(&path, "query", bh_buf_str(&query));
	rc = stripe_get(session, bh_buf_str(&path), NULL, &dropped, &answer, err);
	row = holder_of(json_object_get(answer.json, "data"), key, remote_id);
	if (rc < 0 && (answer.status == 400 || answer.status == 404))
		rc = 0;
	else if (rc == 0 && row != NULL)
		rc = source_customer_id(row, "id", id_r, err) < 0 ? -1 : 1;
	source_answer_release(&answer);
	bh_buf_release(&query);
	bh_buf_release(&path);
	return rc;
}

/* The customer of an answer that Stripe repeated may have been deleted since. */
static int
is_replayed_gone(struct stripe_session *session, const struct source_answer *made,
    struct bh_err *err)
{
	const char *replayed = http_response_header(&made->response, "Idempotent-Replayed");
	const char *id = bh_json_str(made->json, "id");
	struct bh_buf path = BH_BUF_INIT(2048);
	struct source_answer answer;
	unsigned dropped = 0;
	int rc;

	if (replayed == NULL || strcmp(replayed, "true") != 0 || id == NULL)
		return 0;
	stripe_path(&path, "/v1/customers/", id, "");
	rc = stripe_get(session, bh_buf_str(&path), NULL, &dropped, &answer, err);
	if (rc == 0)
		rc = bh_is_json_true(answer.json, "deleted");
	else if (is_stripe_missing(&answer))
		rc = 1;
	source_answer_release(&answer);
	bh_buf_release(&path);
	return rc;
}

/* The key names the CRM's record alone, so that another name in between makes no second customer. */
static int
post_customer(struct stripe_session *session, const char *form, const struct source_who *who,
    const char *salt, struct source_answer *answer, struct bh_err *err)
{
	const struct source_config *config = session->api->config;
	char *once = stripe_once_key((const char *const[]){config->code, "customer", who->crm,
					 who->remote_id, salt},
	    5);
	const char *type;
	int rc = stripe_call(session,
	    &(struct stripe_call){.method = "POST",
		.path = "/v1/customers",
		.form = form,
		.once = once},
	    answer, err);

	type = bh_json_str(answer->json, "error.type");
	if (rc < 0 && type != NULL && strcmp(type, "idempotency_error") == 0) {
		rc = bh_fail(err, BH_UNAVAILABLE,
		    "a customer was just made for this record, with other data; Stripe will show it in a minute");
	}
	free(once);
	return rc;
}

static int
make_customer(struct stripe_session *session, const struct source_who *who, const char *key,
    char id_r[256], struct bh_err *err)
{
	struct bh_buf name = BH_BUF_INIT(1024), form = BH_BUF_INIT(FORM_MAX);
	struct source_answer answer = {0};
	char now[24];
	int rc, gone = 0;

	stripe_param(&form, "name", who->name);
	if (who->email != NULL)
		stripe_param(&form, "email", who->email);
	add_metadata_name(&name, key);
	stripe_param(&form, bh_buf_str(&name), who->remote_id);
	rc = bh_buf_check(&form, "the customer", err);
	if (rc == 0)
		rc = post_customer(session, bh_buf_str(&form), who, "", &answer, err);
	if (rc == 0)
		gone = is_replayed_gone(session, &answer, err);
	if (gone > 0) {
		source_answer_release(&answer);
		snprintf(now, sizeof(now), "%lld", (long long)session->api->now_ms);
		rc = post_customer(session, bh_buf_str(&form), who, now, &answer, err);
	}
	if (rc == 0 && gone >= 0)
		rc = source_customer_id(answer.json, "id", id_r, err);
	source_answer_release(&answer);
	bh_buf_release(&name);
	bh_buf_release(&form);
	return gone < 0 ? -1 : rc;
}

int
stripe_create_customer(const struct source_api *api, const json_t *json, char id_r[256],
    struct bh_err *err)
{
	struct stripe_session session = {.api = api, .account = ""};
	struct source_who who;
	const char *key;
	int rc = source_who(json, &who, err);

	if (rc < 0)
		return -1;
	key = metadata_key(api->config, who.crm);
	if (key == NULL || strlen(key) > KEY_MAX)
		return bh_fail(err, BH_INVALID, "the name in metadata has more than %d characters",
		    KEY_MAX);
	rc = find_made(&session, key, who.remote_id, id_r, err);
	if (rc == 0)
		rc = make_customer(&session, &who, key, id_r, err);
	return rc < 0 ? -1 : 0;
}
