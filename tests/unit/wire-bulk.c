/* Bulk jobs: see wire-bulk.h; the format of the lines stands in tests/wire/README.md. */
#include "base/base.h"

#include "wire-bulk.h"

static const char *const phase_names[DEST_BULK__MAX] = {
    [DEST_BULK_NEW] = "new",
    [DEST_BULK_OPEN] = "open",
    [DEST_BULK_UPLOADED] = "uploaded",
    [DEST_BULK_RUNNING] = "running",
    [DEST_BULK_DONE] = "done",
    [DEST_BULK_FAILED] = "failed",
};

void
wire_bulk_init(struct wire_bulk *bulk)
{
	bh_buf_init(&bulk->rows, SIZE_MAX / 2);
}

void
wire_bulk_release(struct wire_bulk *bulk)
{
	json_decref(bulk->names);
	bh_buf_release(&bulk->rows);
	wire_texts_release(&bulk->lines);
}

static void
read_job(struct wire *wire, struct wire_bulk *bulk, const char *text)
{
	json_t *json = wire_parse(wire, wire->line, text);
	struct dest_bulk *job = &bulk->job;

	*job = (struct dest_bulk){.by_id = bh_is_json_true(json, "by_id")};
	snprintf(job->object, sizeof(job->object), "%s", wire_member(json, "object"));
	snprintf(job->key_field, sizeof(job->key_field), "%s", wire_member(json, "key_field"));
	snprintf(job->id, sizeof(job->id), "%s", wire_member(json, "id"));
	snprintf(job->error, sizeof(job->error), "%s", wire_member(json, "error"));
	for (int i = 0; i < DEST_BULK__MAX; i++) {
		if (strcmp(phase_names[i], wire_member(json, "phase")) == 0)
			job->phase = (enum dest_bulk_phase)i;
	}
	json_decref(json);
}

static void
read_columns(struct wire *wire, struct wire_bulk *bulk, const char *text)
{
	json_decref(bulk->names);
	bulk->names = wire_parse(wire, wire->line, text);
	bulk->columns_n = json_array_size(bulk->names);
	if (bulk->columns_n > WIRE_LIST_MAX)
		wire_differ(wire, wire->line, "too many columns");
	for (size_t i = 0; i < bulk->columns_n && i < WIRE_LIST_MAX; i++) {
		const json_t *column = json_array_get(bulk->names, i);
		const char *name = json_string_value(column);

		bulk->columns[i] =
		    (struct dest_column){.name = name != NULL ? name : wire_member(column, "0"),
			.parent_object = bh_json_str(column, "1"),
			.parent_key = bh_json_str(column, "2")};
	}
}

bool
wire_bulk_read(struct wire *wire, struct wire_bulk *bulk, const char *mark, const char *text)
{
	if (wire->step != NULL && strcmp(mark, "=line") == 0)
		wire_texts_add(wire, &bulk->lines, text);
	else if (wire->step == NULL && strcmp(mark, "bulk") == 0)
		read_job(wire, bulk, text);
	else if (wire->step == NULL && strcmp(mark, "columns") == 0)
		read_columns(wire, bulk, text);
	else
		return false;
	return true;
}

void
wire_bulk_compare(struct wire *wire, const struct wire_bulk *bulk)
{
	const char *at = bh_buf_str(&bulk->rows);

	for (size_t i = 0; i < bulk->lines.n; i++) {
		const char *want = bulk->lines.items[i];
		size_t len = strcspn(at, "\n");

		if (strlen(want) != len || strncmp(want, at, len) != 0)
			wire_differ(wire, wire->step_line,
			    "line %zu of the upload differs\nwant %s\n got %.*s", i + 1, want,
			    (int)len, at);
		at += len + (at[len] == '\n');
	}
	if (at[0] != '\0')
		wire_differ(wire, wire->step_line, "the upload has more: %s", at);
}

json_t *
wire_bulk_json(const struct wire_bulk *bulk)
{
	const struct dest_bulk *job = &bulk->job;

	return json_pack("{s:s, s:s, s:I, s:I, s:s}", "id", job->id, "phase",
	    phase_names[job->phase], "processed", (json_int_t)job->processed, "failed",
	    (json_int_t)job->failed, "error", job->error);
}
