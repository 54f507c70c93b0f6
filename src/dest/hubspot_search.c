/*
 * HubSpot: searches.  Five a second are allowed for a portal, over all its
 * apps, and their answers say nothing about it: they go out at the pace that all
 * processes share (hubspot_pace.c), and where another app was quicker, once more.
 */
#include "base/base.h"

#include "dest/driver.h"
#include "dest/hubspot_look.h"

#define TRIES 6

/* A refusal for the pace puts off everybody's next search: the next try waits for its turn. */
static int
ask(struct dest_config *config, const struct hubspot_ask *question, json_t **body_r,
    struct bh_err *err)
{
	struct bh_err why = BH_ERR_INIT;
	int rc = -1;

	for (int i = 0; i < TRIES; i++) {
		rc = hubspot_ask(config, question, body_r, &why);
		if (rc == 0 || why.code != BH_LIMITED || why.retry_after_s > 1)
			break;
	}
	if (rc < 0 && err != NULL)
		*err = why;
	return rc;
}

int
hubspot_search(struct dest_config *config, const char *object, json_t *body, size_t limit,
    const char *after, json_t **body_r, struct bh_err *err)
{
	char *path = hubspot_path(config, "/crm/objects/{v}/{a}/search", object, NULL);
	const struct hubspot_ask question = {.method = "POST", .path = path, .body = body};
	int rc;

	json_object_set_new(body, "limit", json_integer((json_int_t)limit));
	if (after != NULL)
		json_object_set_new(body, "after", json_string(after));
	rc = ask(config, &question, body_r, err);
	free(path);
	if (rc == 0 && !json_is_array(json_object_get(*body_r, "results"))) {
		json_decref(*body_r);
		*body_r = NULL;
		return bh_fail(err, BH_UNAVAILABLE, "HubSpot's answer has no records");
	}
	return rc;
}
