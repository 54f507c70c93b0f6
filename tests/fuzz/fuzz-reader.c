/*
 * A table of the reader (up to the first newline) and a body (behind it):
 * whatever they are, the changes are canonical objects with ids and versions
 * that merge; a table that is refused says at which place.
 */
#include "base/base.h"

#include "source/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_changes(const struct object_changes *changes)
{
	struct bh_err err = BH_ERR_INIT;

	for (size_t i = 0; i < changes->n; i++) {
		const struct object_change *change = &changes->items[i];
		struct object_state held = {0}, after;

		if (object_check(change->kind, change->fields, &err) < 0 || change->id[0] == '\0' ||
		    change->version.tie[0] == '\0')
			abort();
		if (object_merge(&held, change, &after) == 1)
			held = after;
		/* The same again is never news. */
		if (object_merge(&held, change, &after) != 0)
			abort();
		json_decref(held.fields);
	}
}

static void
read_body(const json_t *table, const json_t *body)
{
	struct source_result result = {0};
	struct source_config config = {.code = "fuzz",
	    .settings = json_pack("{s:s, s:s, s:{s:i}}", "currency", "eur", "mrr_unit", "major",
		"exponents", "ISK", 2)};
	struct source_event event = {.id = "e-1", .type = "invoice.paid"};
	struct source_news news = {.config = &config,
	    .event = &event,
	    .body = body,
	    .received_ms = 1,
	    .account = "",
	    .result = &result};
	struct bh_err err = BH_ERR_INIT;

	is_reader_for(table, event.type, false);
	if (reader_read(&news, table, &err) < 0 && err.code != BH_INVALID)
		abort();
	check_changes(&result.changes);
	source_result_release(&result);
	json_decref((json_t *)(uintptr_t)config.settings);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
	size_t len = end != NULL ? (size_t)(end - data) : size;
	json_t *table = NULL, *body = NULL;
	struct bh_err err = BH_ERR_INIT;

	if (size > 0)
		is_reader_whole((const char *)data, size);
	if (end != NULL && bh_json_parse((const char *)data, len, &table, NULL) == 0 &&
	    bh_json_parse((const char *)end + 1, size - len - 1, &body, NULL) == 0) {
		if (reader_check(table, &err) < 0 &&
		    (err.code != BH_INVALID || strncmp(err.text, "reader", 6) != 0))
			abort();
		read_body(table, body);
	}
	json_decref(table);
	json_decref(body);
	return 0;
}
