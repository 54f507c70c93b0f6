/*
 * Webhook bodies of all drivers: whatever comes, the changes are canonical,
 * have ids and versions, and merge.
 */
#include "base/base.h"

#include "source/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_changes(const struct object_changes *changes, enum source_outcome outcome)
{
	struct object_state held = {0}, after;
	struct bh_err err = BH_ERR_INIT;

	if ((changes->n > 0) != (outcome == SOURCE_APPLIED))
		abort();
	for (size_t i = 0; i < changes->n; i++) {
		const struct object_change *change = &changes->items[i];

		if (object_check(change->kind, change->fields, &err) < 0 || change->id[0] == '\0' ||
		    change->version.tie[0] == '\0')
			abort();
		if (object_merge(&held, change, &after) == 1) {
			json_decref(held.fields);
			held = after;
		}
		/* The same again is never news. */
		if (object_merge(&held, change, &after) != 0)
			abort();
	}
	json_decref(held.fields);
}

static void
normalise(const struct source_driver *driver, const char *body, size_t len)
{
	struct source_config config = {
	    .code = "fuzz",
	    .settings = json_pack("{s:b, s:b, s:s, s:s}", "connect", 1, "unwrap", 1, "app_url",
		"https://app.example.com", "slug", "one"),
	};
	struct source_request request = {.body = body, .body_len = len, .received_ms = 1};
	struct source_event event = {0};
	struct source_result result = {0};
	struct bh_err err = BH_ERR_INIT;
	json_t *json = NULL;

	if (driver->identify(&config, &request, &event, &err) == 0 &&
	    bh_json_parse(body, len, &json, &err) == 0) {
		if (event.id[0] == '\0' || event.type[0] == '\0')
			abort();
		if (driver->normalise(&config, &event, json, 1, &result, &err) == 0)
			check_changes(&result.changes, result.outcome);
		else if (err.code != BH_INVALID)
			abort();
	}
	source_result_release(&result);
	json_decref(json);
	json_decref((json_t *)(uintptr_t)config.settings);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct source_driver *const *drivers = source_drivers();

	for (size_t i = 0; drivers[i] != NULL; i++)
		normalise(drivers[i], size > 0 ? (const char *)data : "", size);
	return 0;
}
