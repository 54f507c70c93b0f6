/*
 * HubSpot: who may own records.  The list of owners that are not archived is small
 * and read whole ("Owners"); a token without the right to it cannot tell, and so
 * nobody is taken for absent.
 */
#include "base/base.h"

#include "base/text.h"
#include "dest/driver.h"
#include "dest/hubspot.h"

#define PAGE 500
#define PAGES_MAX 20

static void
take_page(const json_t *body, const char *const *ids, size_t n, bool *is_active_r)
{
	const json_t *results = json_object_get(body, "results");

	for (size_t i = 0; i < json_array_size(results); i++) {
		char number[32];
		const char *id =
		    hubspot_id_text(json_object_get(json_array_get(results, i), "id"), number);

		for (size_t k = 0; k < n && id != NULL; k++)
			is_active_r[k] = is_active_r[k] || strcmp(ids[k], id) == 0;
	}
}

/* "": the first page.  next: NULL where there is no other; owned by the caller. */
static int
read_page(struct dest_config *config, const char *after, const char *const *ids, size_t n,
    bool *is_active_r, char **next_r, struct bh_err *err)
{
	char *path = hubspot_path(config, "/crm/owners/{v}", NULL, NULL);
	struct bh_buf full = BH_BUF_INIT(4096);
	json_t *body = NULL;
	const char *next;
	int rc;

	*next_r = NULL;
	bh_buf_addf(&full, "%s?limit=%d&archived=false", path, PAGE);
	if (*after != '\0') {
		bh_buf_adds(&full, "&after=");
		bh_percent_add(&full, after, strlen(after));
	}
	rc = bh_buf_check(&full, "the address of HubSpot's owners", err);
	if (rc == 0)
		rc = hubspot_get(config, bh_buf_str(&full), &body, err);
	if (rc == 0) {
		take_page(body, ids, n, is_active_r);
		next = json_string_value(bh_json_at(body, "paging.next.after"));
		*next_r = next != NULL ? bh_xstrdup(next) : NULL;
	}
	json_decref(body);
	bh_buf_release(&full);
	free(path);
	return rc;
}

int
hubspot_active(struct dest_config *config, const char *const *ids, size_t n, bool *is_active_r,
    struct bh_err *err)
{
	struct bh_err why = BH_ERR_INIT;
	char *after = bh_xstrdup(""), *next = NULL;
	int rc = 0;

	memset(is_active_r, 0, n * sizeof(is_active_r[0]));
	for (int page = 0; page < PAGES_MAX && rc == 0 && after != NULL; page++) {
		rc = read_page(config, after, ids, n, is_active_r, &next, &why);
		free(after);
		after = next;
	}
	free(after);
	if (rc == 0)
		return 0;
	if (why.code != BH_INVALID) {
		if (err != NULL)
			*err = why;
		return -1;
	}
	for (size_t i = 0; i < n; i++)
		is_active_r[i] = true;
	return 0;
}
