/*
 * HubSpot: searches.  Five a second are allowed for a portal, over all its
 * apps, and their answers say nothing about it: so they go out one behind the other
 * with a pause between.
 */
#include "base/base.h"

#include "base/clock.h"
#include "dest/driver.h"
#include "dest/hubspot_look.h"

#define PAUSE_MS 220

static void
wait_turn(struct hubspot_search *search)
{
	int64_t left = search->last_ms + PAUSE_MS - bh_mono_ms();

	if (search->last_ms != 0 && left > 0)
		bh_sleep_ms((int)left);
	search->last_ms = bh_mono_ms();
}

int
hubspot_search(struct hubspot_search *search, const char *object, json_t *body, size_t limit,
    const char *after, json_t **body_r, struct bh_err *err)
{
	char *path = hubspot_path(search->config, "/crm/objects/{v}/{a}/search", object, NULL);
	const struct hubspot_ask ask = {.method = "POST", .path = path, .body = body};
	int rc;

	json_object_set_new(body, "limit", json_integer((json_int_t)limit));
	if (after != NULL)
		json_object_set_new(body, "after", json_string(after));
	wait_turn(search);
	rc = hubspot_ask(search->config, &ask, body_r, err);
	free(path);
	if (rc == 0 && !json_is_array(json_object_get(*body_r, "results"))) {
		json_decref(*body_r);
		*body_r = NULL;
		return bh_fail(err, BH_UNAVAILABLE, "HubSpot's answer has no records");
	}
	return rc;
}
