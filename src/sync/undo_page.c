/* A page of what is put back: what its records hold, what can be done, and what is told of it. */
#include "base/base.h"

#include "base/clock.h"
#include "sync/held.h"
#include "sync/undo_internal.h"

/* -- asking -- */

/* All fields that were written; of a record that was made, and may go, all that it was given. */
static void
ask_for(struct undo_page *page, struct undo_record *record)
{
	struct lane *lane = page->work->lane;
	const struct dest_object *described = NULL;

	record->is_made = is_undo_made(record->entries);
	if (!record->is_made) {
		record->names = undo_names(record->entries);
		return;
	}
	lane_describe(lane, record->to, &described, NULL);
	record->names = undo_made_names(record->entries, described);
}

static const char **
names_array(const json_t *names, size_t *n_r)
{
	const char **array = bh_xcalloc(json_object_size(names) + 1, sizeof(array[0]));
	const char *name;
	json_t *unused;

	*n_r = 0;
	json_object_foreach ((json_t *)(uintptr_t)names, name, unused)
		array[(*n_r)++] = name;
	return array;
}

/* What was made and stays need not be asked for. */
static bool
is_askable(const struct undo_page *page, const struct undo_record *record)
{
	return record->remote_id[0] != '\0' && (!record->is_made || page->revert->what.removes);
}

static const char *
key_of(const struct undo_record *record)
{
	const char *key = bh_json_str(json_array_get(record->entries, 0), "k");

	return key != NULL ? key : "";
}

static int
read_records(struct undo_page *page, struct bh_err *err)
{
	struct dest_reading *readings = bh_xcalloc(page->n + 1, sizeof(readings[0]));
	const char **keys = bh_xcalloc(page->n + 1, sizeof(keys[0]));
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < page->n; i++) {
		struct undo_record *record = &page->records[i];

		ask_for(page, record);
		if (!is_askable(page, record))
			continue;
		readings[n].object = record->to;
		readings[n].remote_id = record->remote_id;
		readings[n].fields = names_array(record->names, &readings[n].fields_n);
		keys[n++] = key_of(record);
	}
	if (n > 0)
		rc = held_read(page->work->lane, readings, keys, n, err);
	n = 0;
	for (size_t i = 0; i < page->n; i++) {
		if (!is_askable(page, &page->records[i]))
			continue;
		page->records[i].now = readings[n].values;
		free((void *)(uintptr_t)readings[n++].fields);
	}
	free((void *)(uintptr_t)keys);
	free(readings);
	return rc;
}

/* -- judging -- */

static size_t
count_fields(const struct undo_record *record, enum undo_verdict verdict)
{
	size_t n = 0;

	for (size_t i = 0; i < record->fields_n; i++)
		n += record->fields[i].verdict == verdict;
	return n;
}

bool
is_undo_back(const struct undo_record *record)
{
	return record->now != NULL && !record->is_made && count_fields(record, UNDO_BACK) > 0;
}

bool
is_undo_removal(const struct undo_page *page, const struct undo_record *record)
{
	return page->revert->what.removes && record->is_made && record->is_untouched &&
	       record->now != NULL;
}

/* A sandbox shows all that it was given; elsewhere it is known which fields to ask for, or not. */
static void
judge_made(const struct undo_page *page, struct undo_record *record)
{
	bool is_kept = (page->work->lane->driver->caps & DEST_CAP_KEEP) != 0;
	const json_t *names = is_kept ? record->now : record->names;

	record->is_untouched =
	    names != NULL && is_undo_untouched(record->entries, names, record->now);
	if (!page->revert->what.removes)
		record->verdict = "made";
	else if (record->now == NULL)
		record->verdict = "gone";
	else
		record->verdict = record->is_untouched ? "removed" : "made";
}

static void
judge(struct undo_page *page, struct undo_record *record)
{
	if (record->is_made) {
		judge_made(page, record);
		return;
	}
	record->fields_n = json_object_size(record->names);
	record->fields = undo_judge(record->entries, record->names, record->now);
	record->is_again = page->revert->run != 0 && is_link_undone(&record->link) &&
			   record->link.undone == page->revert->run;
	if (record->now == NULL)
		record->verdict = "gone";
	else if (is_undo_back(record) || (record->is_again && count_fields(record, UNDO_SAME) > 0))
		record->verdict = "back";
	else if (record->fields_n > 0 && count_fields(record, UNDO_SAME) == record->fields_n)
		record->verdict = "same";
	else
		record->verdict = "left";
	if (record->now != NULL && record->fields_n == 0)
		snprintf(record->cause, sizeof(record->cause),
		    "What stood there before is not known");
}

int
undo_look_at(struct undo_page *page, struct bh_err *err)
{
	if (read_records(page, err) < 0)
		return -1;
	for (size_t i = 0; i < page->n; i++)
		judge(page, &page->records[i]);
	return 0;
}

/* -- telling -- */

static void
count_record(struct revert_counts *counts, const struct undo_record *record)
{
	const struct {
		const char *verdict;
		int64_t *n;
	} places[] = {{"back", &counts->back}, {"same", &counts->same}, {"left", &counts->left},
	    {"gone", &counts->gone}, {"made", &counts->made}, {"removed", &counts->removed},
	    {"refused", &counts->refused}};

	counts->records++;
	for (size_t i = 0; i < BH_LEN(places); i++)
		*places[i].n += strcmp(places[i].verdict, record->verdict) == 0;
	if (record->now == NULL)
		return;
	if (strcmp(record->verdict, "back") == 0)
		counts->fields += (int64_t)count_fields(record, UNDO_BACK);
	if (record->is_again)
		counts->fields += (int64_t)count_fields(record, UNDO_SAME);
	counts->changed += (int64_t)count_fields(record, UNDO_CHANGED);
	counts->unknown += (int64_t)count_fields(record, UNDO_UNKNOWN);
	counts->unseen += (int64_t)count_fields(record, UNDO_UNSEEN);
}

static json_t *
row_of(const struct undo_record *record)
{
	json_t *fields = json_array();

	for (size_t i = 0; i < record->fields_n; i++) {
		const struct undo_field *field = &record->fields[i];

		json_array_append_new(fields,
		    json_pack("{s:o, s:o, s:o, s:s}", "name", bh_json_string(field->name), "now",
			held_shown(field->now), "back", held_shown(field->back), "verdict",
			undo_verdict_name(field->verdict)));
	}
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:s, s:o, s:o}", "object", record->id.object,
	    "account", record->id.account, "id", record->id.id, "to", bh_json_string(record->to),
	    "remote_id", bh_json_string(record->remote_id), "verdict", record->verdict, "cause",
	    bh_json_string(record->cause), "fields", fields);
}

static void
save_rows(struct store_txn *txn, const struct undo_page *page)
{
	struct revert *revert = page->revert;

	for (size_t i = 0; i < page->n; i++) {
		json_t *row;

		count_record(revert->is_doing ? &revert->done : &revert->look, &page->records[i]);
		if (revert->kept >= REVERT_ROWS)
			continue;
		row = row_of(&page->records[i]);
		revert_row_save(txn, page->work->code, revert->kept++, row);
		json_decref(row);
	}
}

static void
step(const struct undo_page *page)
{
	struct revert *revert = page->revert;

	revert->calls += page->calls;
	revert->seen += (int64_t)page->read;
	revert->waits_until_ms = revert->failing_ms = 0;
	revert->note[0] = '\0';
	bh_buf_reset(&revert->after);
	if (page->more) {
		bh_buf_add(&revert->after, page->after.data, page->after.len);
		return;
	}
	revert->state = revert->is_doing ? REVERT_DONE : REVERT_LOOKED;
	revert->total = revert->seen;
	*(revert->is_doing ? &revert->ended_ms : &revert->looked_ms) = bh_now_ms();
}

/* 1: somebody stopped it, or began it anew. */
static int
save_page(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct undo_page *page = arg;
	struct revert *revert = page->revert;

	if (revert_load(txn, page->work->code, revert, err) < 0)
		return -1;
	if (revert->turn != page->turn || revert->state != page->state)
		return 1;
	if (revert->is_doing && undo_count_run(txn, page, err) < 0)
		return -1;
	save_rows(txn, page);
	step(page);
	revert_save(txn, page->work->code, revert);
	return 0;
}

/* -- a page -- */

static void
release_record(struct undo_record *record)
{
	free((char *)(uintptr_t)record->id.object);
	free((char *)(uintptr_t)record->id.account);
	free((char *)(uintptr_t)record->id.id);
	free(record->fields);
	json_decref(record->names);
	json_decref(record->now);
	json_decref(record->entries);
}

int
undo_page(struct undo_work *work, struct revert *revert, bool *is_over_r, struct bh_err *err)
{
	struct undo_page page = {.work = work,
	    .revert = revert,
	    .state = revert->state,
	    .turn = revert->turn,
	    .after = BH_BUF_INIT(STORE_KEY_MAX + 1)};
	int rc;

	bh_buf_add(&page.after, bh_buf_str(&revert->after), revert->after.len);
	rc = undo_gather(&page, err);
	if (rc == 0)
		rc = undo_look_at(&page, err);
	if (rc == 0 && revert->is_doing)
		rc = undo_write_back(&page, err);
	page.calls = work->lane->config.calls - work->calls;
	if (rc == 0)
		rc = store_run(work->context->store, save_page, &page, NULL, err);
	if (rc == 0)
		work->calls = work->lane->config.calls;
	*is_over_r = rc != 0 || (revert->state != REVERT_LOOKING && revert->state != REVERT_DOING);
	for (size_t i = 0; i < page.n; i++)
		release_record(&page.records[i]);
	free(page.records);
	bh_buf_release(&page.after);
	return rc < 0 ? -1 : 0;
}
