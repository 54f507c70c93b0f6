/*
 * Unlinked: records that carry no key of ours yet, a page at a time, for a
 * person to look at.  A search: that its index lags by seconds does no harm here.
 */
#include "base/base.h"

#include "base/text.h"
#include "dest/driver.h"
#include "dest/hubspot_look.h"
#include "dest/hubspot_schema.h"

#define PAGE 100

static json_t *
query_of(const char *object, const char *key_field, const char *after)
{
	json_t *filters =
	    json_pack("[{s:s, s:s}]", "propertyName", key_field, "operator", "NOT_HAS_PROPERTY");
	json_t *names = json_array();

	if (after[0] != '\0')
		json_array_append_new(filters,
		    json_pack("{s:s, s:s, s:s}", "propertyName", "hs_object_id", "operator", "GT",
			"value", after));
	hubspot_add_name_properties(names, object);
	if (hubspot_is_type(object, "company"))
		json_array_append_new(names, json_string("domain"));
	json_array_append_new(names, json_string("website"));
	return json_pack("{s:[{s:o}], s:o, s:[s]}", "filterGroups", "filters", filters,
	    "properties", names, "sorts", "hs_object_id");
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

static json_t *
row_of(const char *object, const json_t *answer)
{
	json_t *row = json_pack("{s:s}", "remote_id", dest_text(answer, "id", ""));
	const char *link = dest_text(answer, "url", "");
	char name[128];

	hubspot_name_of(object, answer, name, sizeof(name));
	add_text(row, "name", name);
	add_text(row, "email", hubspot_value_of(answer, "email"));
	add_text(row, "website", hubspot_value_of(answer, "domain"));
	add_text(row, "website", hubspot_value_of(answer, "website"));
	if (bh_has_prefix(link, "https://"))
		add_text(row, "link", link);
	return row;
}

static json_t *
rows_of(const char *object, const json_t *results)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < json_array_size(results); i++) {
		const json_t *result = json_array_get(results, i);

		if (hubspot_is_id(dest_text(result, "id", "")))
			json_array_append_new(rows, row_of(object, result));
	}
	return rows;
}

int
hubspot_unlinked(struct dest_config *config, const char *object, const char *key_field,
    const char *after, json_t **rows_r, bool *more_r, struct bh_err *err)
{
	json_t *query, *answer;
	int rc;

	*rows_r = NULL;
	*more_r = false;
	if (after[0] != '\0' && !hubspot_is_id(after))
		return bh_fail(err, BH_INVALID, "%.100s is no HubSpot id", after);
	query = query_of(object, key_field, after);
	rc = hubspot_search(config, object, query, PAGE, NULL, &answer, err);
	json_decref(query);
	if (rc < 0)
		return hubspot_repeatable(rc, err);
	*rows_r = rows_of(object, json_object_get(answer, "results"));
	*more_r = bh_json_str(answer, "paging.next.after") != NULL;
	json_decref(answer);
	return 0;
}

/* A type of the portal's own is told where it goes by its id. */
static const char *
type_id(const char *object)
{
	static const struct hubspot_schema none;

	return bh_has_prefix(object, "2-") && strspn(object, "0123456789-") == strlen(object)
		   ? object
		   : hubspot_type_of(&none, object);
}

void
hubspot_record_url(const struct dest_auth *auth, const char *object, const char *remote_id,
    struct bh_buf *url)
{
	const char *type = type_id(object), *portal = auth->account_id;

	if (type != NULL && *portal != '\0' && strspn(portal, "0123456789") == strlen(portal) &&
	    hubspot_is_id(remote_id))
		bh_buf_addf(url, "https://app.hubspot.com/contacts/%s/record/%s/%s", portal, type,
		    remote_id);
}
