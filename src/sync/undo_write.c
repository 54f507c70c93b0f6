/*
 * Putting back a page of records.  First it is stored what is about to be written over, and that pushes
 * leave the records alone from now on; then they are written, by id, with what stood there before.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "state/target.h"
#include "state/undo.h"
#include "sync/throttle.h"
#include "sync/undo_internal.h"

static const char *
text_of(const json_t *entry, const char *name)
{
	const char *text = bh_json_str(entry, name);

	return text != NULL ? text : "";
}

/* -- before -- */

/*
 * What is there now is kept as well: what was put back can be put back.  Without a field it says that
 * the record is left alone by this run, so that the run can let it go.
 */
static json_t *
entry_of(const struct undo_record *record, int64_t run)
{
	const json_t *oldest = json_array_get(record->entries, 0);
	json_t *fields = json_object();

	for (size_t i = 0; i < record->fields_n; i++) {
		const struct undo_field *field = &record->fields[i];

		if (field->verdict == UNDO_BACK)
			json_object_set_new(fields, field->name,
			    json_pack("{s:i, s:O, s:O}", "t", (int)field->type, "b", field->now,
				"a", field->back));
	}
	return json_pack("{s:I, s:s, s:b, s:o, s:o, s:o, s:o, s:o}", "run", (json_int_t)run, "is",
	    "old", "sure", 1, "to", bh_json_string(record->to), "rid",
	    bh_json_string(record->remote_id), "kf", bh_json_string(text_of(oldest, "kf")), "k",
	    bh_json_string(text_of(oldest, "k")), "f", fields);
}

/* Its values are as before, by us or by a person: news must not change them again. */
static bool
is_left_alone(const struct undo_page *page, const struct undo_record *record)
{
	return is_undo_back(record) || is_undo_removal(page, record) ||
	       strcmp(record->verdict, "same") == 0 || strcmp(record->verdict, "back") == 0;
}

static int
open_run(struct store_txn *txn, const struct undo_page *page, struct undo_run *run,
    struct bh_err *err)
{
	struct revert *revert = page->revert;
	const char *sync = page->work->code;

	if (revert->run != 0) {
		int rc = undo_run_load(txn, sync, revert->run, run, err);

		return rc == 0 ? bh_fail(err, BH_INVALID, "What was put back is kept no more.")
			       : rc;
	}
	if (undo_run_begin(txn, sync, bh_now_ms(), run, err) < 0)
		return -1;
	run->of = revert->what.run;
	snprintf(run->by, sizeof(run->by), "%s", revert->by);
	revert->run = run->number;
	return 0;
}

static int
mean_record(struct store_txn *txn, const struct undo_page *page, struct undo_record *record,
    int64_t at_ms, struct bh_err *err)
{
	bool is_removed = is_undo_removal(page, record);
	json_t *entry;

	if (!is_left_alone(page, record))
		return 0;
	record->undo_ms = is_undo_back(record) ? at_ms : 0;
	if (!record->is_again || is_undo_back(record)) {
		entry = entry_of(record, page->revert->run);
		undo_put(txn, &record->id, at_ms, entry);
		json_decref(entry);
	}
	return link_undo(txn, &record->id, page->revert->by, page->revert->run, is_removed, err) < 0
		   ? -1
		   : 0;
}

/* 1: it was stopped, or begun anew. */
static int
mean(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct undo_page *page = arg;
	struct revert *revert = page->revert;
	struct undo_run run;
	int64_t at_ms;
	int rc = 0;

	if (revert_load(txn, page->work->code, revert, err) < 0)
		return -1;
	if (revert->turn != page->turn || revert->state != page->state)
		return 1;
	if (open_run(txn, page, &run, err) < 0 ||
	    undo_tick(txn, page->work->code, &run, bh_now_ms(), &at_ms, err) < 0)
		return -1;
	for (size_t i = 0; i < page->n && rc == 0; i++)
		rc = mean_record(txn, page, &page->records[i], at_ms, err);
	undo_run_save(txn, page->work->code, &run);
	revert_save(txn, page->work->code, revert);
	return rc;
}

/* -- writing -- */

static struct record *
record_of(const struct undo_record *from)
{
	const json_t *oldest = json_array_get(from->entries, 0);
	struct record *record = record_new(from->to, text_of(oldest, "kf"), text_of(oldest, "k"));

	record->remote_id = bh_xstrdup(from->remote_id);
	record->matched = true;
	for (size_t i = 0; i < from->fields_n; i++)
		if (from->fields[i].verdict == UNDO_BACK)
			record_take_field(record, from->fields[i].name, from->fields[i].type,
			    json_incref(from->fields[i].back));
	return record;
}

/* The first verdict of this outcome; NULL. */
static const struct dest_result *
find_outcome(const struct dest_result *results, size_t n, enum dest_outcome outcome)
{
	for (size_t i = 0; i < n; i++)
		if (results[i].outcome == outcome)
			return &results[i];
	return NULL;
}

/* Did the CRM take any of the page?  What holds its value of before by now was taken when the page came before. */
static bool
has_taken(const struct undo_page *page, const struct dest_result *results, size_t n)
{
	for (size_t i = 0; i < page->n; i++)
		if (page->records[i].is_again && !is_undo_back(&page->records[i]))
			return true;
	return find_outcome(results, n, DEST_APPLIED) != NULL;
}

/* Some of them were put off for so long that it counts as a refusal. */
static bool
is_patience_over(const struct undo_page *page, const struct dest_result *results, size_t n)
{
	int64_t since_ms = page->revert->failing_ms;

	return since_ms != 0 && bh_now_ms() - since_ms >= UNDO_PATIENCE_MS / 2 &&
	       has_taken(page, results, n);
}

/*
 * What does not settle a batch.  All of its page comes again then: what was written by now is found
 * to be so.  A pause that the CRM asks for stays told: what follows in the lane keeps it, too.
 */
static int
check_results(const struct undo_page *page, const struct dest_result *results, size_t n,
    struct bh_err *err)
{
	const struct dest_usage *usage = &page->work->lane->config.usage;
	const struct dest_result *auth = find_outcome(results, n, DEST_AUTH),
				 *lost = find_outcome(results, n, DEST_UNCERTAIN),
				 *later = find_outcome(results, n, DEST_LATER);

	if (auth != NULL)
		return bh_fail(err, BH_UNAVAILABLE, "a fresh token is refused: %s", auth->cause);
	if (lost != NULL)
		return bh_fail(err, BH_UNCERTAIN, "%s", lost->cause);
	if (usage->pause_s > 0) {
		bh_fail(err, BH_LIMITED, "%s",
		    later != NULL ? later->cause : "the CRM asks for a pause");
		err->retry_after_s = usage->pause_s;
		return -1;
	}
	if (later == NULL || is_patience_over(page, results, n))
		return 0;
	bh_fail(err, BH_UNAVAILABLE, "%s", later->cause);
	err->retry_after_s = later->retry_after_s;
	return -1;
}

/* With a fresh token where the old one was dead: what was written is written again, which does no harm. */
static int
push(const struct undo_page *page, struct record *const *records, size_t n,
    struct dest_result *results, struct bh_err *err)
{
	struct lane *lane = page->work->lane;

	if (throttle_check(lane, err) < 0)
		return -1;
	lane->driver->push(&lane->config, records, n, results);
	if (find_outcome(results, n, DEST_AUTH) != NULL) {
		if (lane_authorize(lane, err) < 0)
			return -1;
		lane->driver->push(&lane->config, records, n, results);
	}
	return check_results(page, results, n, err);
}

/* A sandbox's records stand here: the fields alone change. */
struct patch {
	const struct lane *lane;
	const struct undo_record *record;
	bool is_removed;
};

static int
patch_kept(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct patch *p = arg;
	const char *dest = p->lane->connection->account.code;
	const char *key = text_of(json_array_get(p->record->entries, 0), "k");
	json_t *kept = NULL;
	int rc;

	if (p->is_removed) {
		target_forget(txn, dest, p->record->to, key);
		return 0;
	}
	rc = target_kept_get(txn, dest, p->record->to, key, &kept, err);
	for (size_t i = 0; i < p->record->fields_n && rc > 0; i++)
		if (p->record->fields[i].verdict == UNDO_BACK)
			json_object_set(json_object_get(kept, "fields"), p->record->fields[i].name,
			    p->record->fields[i].back);
	if (rc > 0)
		target_keep(txn, dest, p->record->to, key, kept);
	json_decref(kept);
	return rc < 0 ? -1 : rc == 0;
}

static int
write_kept(struct undo_page *page, struct bh_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < page->n && rc >= 0; i++) {
		struct patch p = {page->work->lane, &page->records[i],
		    is_undo_removal(page, &page->records[i])};

		if (p.is_removed || is_undo_back(p.record))
			rc = store_run(page->work->context->store, patch_kept, &p, NULL, err);
	}
	return rc < 0 ? -1 : 0;
}

static void
refuse(struct undo_record *record, const char *cause)
{
	record->verdict = "refused";
	snprintf(record->cause, sizeof(record->cause), "%s", cause);
}

static void
take_result(struct undo_record *record, const struct dest_result *result)
{
	if (result->outcome != DEST_APPLIED && result->outcome != DEST_UNCHANGED)
		refuse(record, result->cause);
	else
		snprintf(record->cause, sizeof(record->cause), "%s", result->cause);
}

/* Those at these places, in one push. */
static int
write_some(struct undo_page *page, const size_t *places, size_t n, struct bh_err *err)
{
	struct record **records = bh_xcalloc(n, sizeof(records[0]));
	struct dest_result *results = bh_xcalloc(n, sizeof(results[0]));
	int rc;

	for (size_t i = 0; i < n; i++)
		records[i] = record_of(&page->records[places[i]]);
	rc = push(page, records, n, results, err);
	for (size_t i = 0; i < n; i++) {
		if (rc == 0)
			take_result(&page->records[places[i]], &results[i]);
		record_free(&records[i]);
	}
	free(results);
	free(records);
	return rc;
}

/*
 * Two objects may share one record (the account of several contacts): a push takes each record
 * once, so the second of them waits for the next push.
 */
static bool
is_in(const struct undo_page *page, const size_t *places, size_t n, size_t at)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(page->records[places[i]].remote_id, page->records[at].remote_id) == 0)
			return true;
	return false;
}

static int
write_records(struct undo_page *page, struct bh_err *err)
{
	size_t batch = page->work->lane->driver->batch, n;
	size_t *places = bh_xcalloc(page->n + 1, sizeof(places[0]));
	bool *is_done = bh_xcalloc(page->n + 1, sizeof(is_done[0]));
	int rc = 0;

	do {
		n = 0;
		for (size_t i = 0; i < page->n && (batch == 0 || n < batch); i++) {
			if (is_done[i] || !is_undo_back(&page->records[i]) ||
			    is_in(page, places, n, i))
				continue;
			is_done[i] = true;
			places[n++] = i;
		}
		if (n > 0)
			rc = write_some(page, places, n, err);
	} while (rc == 0 && n > 0);
	free(is_done);
	free(places);
	return rc;
}

static int
call_remove(struct lane *lane, struct dest_removal *removals, size_t n, struct bh_err *err)
{
	struct bh_err why = BH_ERR_INIT;
	int rc = lane->driver->remove(&lane->config, removals, n, &why);

	if (rc < 0 && why.code == BH_DENIED && lane_authorize(lane, &why) == 0)
		rc = lane->driver->remove(&lane->config, removals, n, &why);
	if (rc < 0 && err != NULL)
		*err = why;
	return rc;
}

static int
remove_records(struct undo_page *page, struct bh_err *err)
{
	struct dest_removal *removals = bh_xcalloc(page->n + 1, sizeof(removals[0]));
	size_t *places = bh_xcalloc(page->n + 1, sizeof(places[0])), n = 0;
	int rc = 0;

	for (size_t i = 0; i < page->n; i++) {
		struct undo_record *record = &page->records[i];

		if (!is_undo_removal(page, record))
			continue;
		removals[n] =
		    (struct dest_removal){.object = record->to, .remote_id = record->remote_id};
		places[n++] = i;
	}
	if (n > 0 && page->work->lane->driver->remove != NULL) {
		rc = throttle_check(page->work->lane, err);
		if (rc == 0)
			rc = call_remove(page->work->lane, removals, n, err);
	}
	for (size_t i = 0; i < n && rc == 0; i++)
		if (!removals[i].is_gone)
			refuse(&page->records[places[i]], removals[i].cause);
	free(places);
	free(removals);
	return rc;
}

/* -- after -- */

/* Fields of a record that have their values of before, by this page or as it came before. */
static int64_t
fields_back(const struct undo_record *record)
{
	int64_t n = 0;

	for (size_t i = 0; i < record->fields_n; i++)
		n += record->fields[i].verdict == UNDO_BACK ||
		     (record->is_again && record->fields[i].verdict == UNDO_SAME);
	return n;
}

int
undo_count_run(struct store_txn *txn, const struct undo_page *page, struct bh_err *err)
{
	struct undo_run run;
	int rc = undo_run_load(txn, page->work->code, page->revert->run, &run, err);

	for (size_t i = 0; i < page->n && rc > 0; i++) {
		const struct undo_record *record = &page->records[i];

		if (strcmp(record->verdict, "back") == 0) {
			run.records++;
			run.fields += fields_back(record);
		} else if (record->undo_ms != 0) {
			undo_delete(txn, &record->id, record->undo_ms);
		}
	}
	if (rc > 0)
		undo_run_save(txn, page->work->code, &run);
	return rc < 0 ? -1 : 0;
}

int
undo_write_back(struct undo_page *page, struct bh_err *err)
{
	struct store *store = page->work->context->store;
	bool is_kept = (page->work->lane->driver->caps & DEST_CAP_KEEP) != 0;
	int rc = store_run(store, mean, page, NULL, err);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	bh_fault("undo-send");
	rc = is_kept ? write_kept(page, err) : write_records(page, err);
	if (rc == 0 && !is_kept)
		rc = remove_records(page, err);
	bh_fault("undo-sent");
	return rc < 0 ? -1 : 0;
}
