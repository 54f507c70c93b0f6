/*
 * Unlinked: records that carry no key of ours yet, a page at a time, for a
 * person to look at.  Which of the fields that tell who it is an object has (Website is
 * an account's, Email a contact's, PersonEmail that of accounts that are people) differs
 * from org to org, and one that the user does not see fails the query: the object's
 * description is asked first.
 */
#include "base/base.h"

#include "base/text.h"
#include "dest/salesforce_look.h"

#define PAGE 200

/* What is asked for and what it is called in a row; the first that a record fills in counts. */
static const struct {
	const char *field, *member;
} told[] = {
    {"Email", "email"},
    {"PersonEmail", "email"},
    {"Website", "website"},
};

struct listing {
	struct dest_config *config;
	const char *object;
	const struct dest_object *described;
	json_t *rows;
	bool more;
};

static int
check_question(const char *object, const char *key_field, const char *after, struct bh_err *err)
{
	if (!salesforce_is_name(object))
		return bh_fail(err, BH_INVALID, "%.100s is no name of an object", object);
	if (!salesforce_is_name(key_field))
		return bh_fail(err, BH_INVALID, "%.100s is no name of a field", key_field);
	if (after[0] != '\0' && !salesforce_is_id(after))
		return bh_fail(err, BH_INVALID, "%.100s is no Salesforce id", after);
	return 0;
}

/* One row more than is given tells whether others follow. */
static void
add_query(const struct listing *listing, const char *key_field, const char *after,
    struct bh_buf *path)
{
	const char *name = salesforce_name_field(listing->object);
	char limit[24];

	snprintf(limit, sizeof(limit), "%d", PAGE + 1);
	salesforce_soql_begin(listing->config, path, "query");
	salesforce_soql_add(path, "SELECT Id");
	if (dest_object_field(listing->described, name) != NULL) {
		salesforce_soql_add(path, ",");
		salesforce_soql_add(path, name);
	}
	for (size_t i = 0; i < BH_LEN(told); i++) {
		if (dest_object_field(listing->described, told[i].field) == NULL)
			continue;
		salesforce_soql_add(path, ",");
		salesforce_soql_add(path, told[i].field);
	}
	salesforce_soql_add(path, " FROM ");
	salesforce_soql_add(path, listing->object);
	salesforce_soql_add(path, " WHERE ");
	salesforce_soql_add(path, key_field);
	salesforce_soql_add(path, " = null");
	if (after[0] != '\0') {
		salesforce_soql_add(path, " AND Id > ");
		salesforce_soql_quote(path, after, false);
	}
	salesforce_soql_add(path, " ORDER BY Id LIMIT ");
	salesforce_soql_add(path, limit);
}

/* text is outside's; nothing for NULL and "". */
static void
add_text(json_t *row, const char *member, const char *text)
{
	char copy[256];

	dest_copy(copy, sizeof(copy), text);
	if (copy[0] != '\0' && json_object_get(row, member) == NULL)
		json_object_set_new(row, member, json_string(copy));
}

static void
take_row(void *arg, const json_t *answer)
{
	struct listing *listing = arg;
	const char *id = dest_text(answer, "Id", "");
	json_t *row;

	if (json_array_size(listing->rows) == PAGE) {
		listing->more = true;
		return;
	}
	if (!salesforce_is_id(id))
		return;
	row = json_pack("{s:s, s:s++}", "remote_id", id, "link", listing->config->auth->base_url,
	    "/", id);
	add_text(row, "name", bh_json_str(answer, salesforce_name_field(listing->object)));
	for (size_t i = 0; i < BH_LEN(told); i++)
		add_text(row, told[i].member, bh_json_str(answer, told[i].field));
	json_array_append_new(listing->rows, row);
}

static int
list_rows(struct listing *listing, const char *key_field, const char *after, struct bh_err *err)
{
	struct salesforce_part part;
	bool is_whole = true;
	int rc;

	if (dest_object_field(listing->described, key_field) == NULL)
		return bh_fail(err, BH_INVALID,
		    "%.100s has no field %.100s that the connection's user sees", listing->object,
		    key_field);
	salesforce_part_init(&part, "GET", listing->object);
	add_query(listing, key_field, after, &part.path);
	rc = salesforce_call_parts(listing->config, &part, 1, false, err);
	if (rc == 0)
		rc = salesforce_rows(listing->config, &part, take_row, listing, &is_whole, err);
	salesforce_part_release(&part);
	listing->more = listing->more || !is_whole;
	return rc;
}

int
salesforce_unlinked(struct dest_config *config, const char *object, const char *key_field,
    const char *after, json_t **rows_r, bool *more_r, struct bh_err *err)
{
	struct listing listing = {.config = config, .object = object, .rows = json_array()};
	struct dest_object *described = NULL;
	int rc = check_question(object, key_field, after, err);

	if (rc == 0)
		rc = salesforce_describe(config, object, &described, err);
	listing.described = described;
	if (rc == 0)
		rc = list_rows(&listing, key_field, after, err);
	*rows_r = rc == 0 ? json_incref(listing.rows) : NULL;
	*more_r = rc == 0 && listing.more;
	json_decref(listing.rows);
	dest_object_free(&described);
	return salesforce_repeatable(rc, err);
}

void
salesforce_record_url(const struct dest_auth *auth, const char *object BH_UNUSED,
    const char *remote_id, struct bh_buf *url)
{
	if (bh_has_prefix(auth->base_url, "https://") && salesforce_is_id(remote_id))
		bh_buf_addf(url, "%s/%s", auth->base_url, remote_id);
}
