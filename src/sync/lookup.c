/* See lookup.h. */
#include "base/base.h"

#include "sync/lookup.h"

#include "base/clock.h"
#include "base/log.h"
#include "state/trail.h"
#include "state/want.h"
#include "sync/apply.h"
#include "sync/writeback.h"

#define SLICE_MS 20000
#define PAGE 20
#define REFUSALS_MAX 5 /* then it is the key itself */
#define TRIES 20       /* commits of an answer, when live events are faster */
#define PER_S 10       /* calls a second, where the driver does not say */
#define ATTEMPTS_MAX 8
#define PAUSE_MS 2000     /* after the first failure; doubled with each */
#define REFUSED_MS 600000 /* the key is refused: a person has to act */

struct lookup {
	const struct sync_context *context;
	struct setup *setup;
	const struct setup_connection *connection;
	int64_t last_ms; /* monotonic: of the last call */
	int refusals;    /* of the key, one after the other */
};

static bool
is_askable(const struct setup_connection *connection)
{
	return setup_is_askable(connection) && !connection->account.paused;
}

/* What somebody missed may have come by itself meanwhile: 1 it is held, 0, -1. */
static int
is_held(struct lookup *lookup, const struct want_entry *want, struct bh_err *err)
{
	enum object_kind kind = object_kind_of(want->what);
	struct mirror_id id = {want->connection, want->account, kind, want->id};
	struct object_state object;
	struct store_txn *txn;
	int rc;

	if (kind == OBJECT_NONE || !bh_is_json_true(want->hint, "missing"))
		return 0;
	txn = store_begin(lookup->context->store);
	rc = mirror_get(txn, &id, false, &object, err);
	mirror_object_release(&object);
	store_free(&txn);
	return rc;
}

/* Its answer into the mirror and the want away, in one commit; result is taken. */
static int
settle_once(struct lookup *lookup, const struct want_entry *want, struct source_result *result,
    struct bh_err *err)
{
	struct store_txn *txn = store_begin(lookup->context->store);
	struct apply *apply = NULL;
	int rc = setup_refresh(lookup->context, txn, &lookup->setup, err);

	lookup->connection = rc == 0 ? setup_connection(lookup->setup, want->connection) : NULL;
	if (rc == 0) {
		apply = apply_new(txn, lookup->setup);
		apply_add(apply, want->connection, result);
		rc = apply_run(apply, err);
	}
	if (rc == 0) {
		want_done(txn, want);
		rc = store_commit(txn, NULL, err);
	}
	apply_free(&apply);
	store_free(&txn);
	return rc;
}

/*
 * Live events may be faster: then the same answer is tried again.  When it was
 * asked for anew meanwhile it stays a conflict, and is looked up again.
 */
static int
settle(struct lookup *lookup, const struct want_entry *want, const struct source_result *result,
    struct bh_err *err)
{
	int rc = -1;

	for (int i = 0; i < TRIES; i++) {
		struct source_result copy = source_result_copy(result);

		*err = (struct bh_err)BH_ERR_INIT;
		rc = settle_once(lookup, want, &copy, err);
		source_result_release(&copy);
		if (rc == 0 || err->code != BH_CONFLICT)
			break;
		bh_sleep_ms(i);
	}
	return rc;
}

/* The source's limit is for others too: not faster than so many a second. */
static void
keep_pace(struct lookup *lookup)
{
	int own = lookup->connection->source->fetch_per_s;
	int64_t per_s =
	    bh_json_int(lookup->connection->account.settings, "fetch_per_s", own > 0 ? own : PER_S);
	int64_t next_ms = lookup->last_ms + 1000 / (per_s > 0 ? per_s : PER_S);

	while (bh_mono_ms() < next_ms && !sync_is_stopping(lookup->context))
		bh_sleep_ms(next_ms - bh_mono_ms() < 50 ? (int)(next_ms - bh_mono_ms()) : 50);
	lookup->last_ms = bh_mono_ms();
}

/* Asked for again meanwhile: then it is due at once, and nothing is put off. */
static int
put_off(struct lookup *lookup, const struct want_entry *want, int64_t wait_ms, struct bh_err *err)
{
	struct store_txn *txn = store_begin(lookup->context->store);
	struct bh_err why = BH_ERR_INIT;
	int rc;

	want_later(txn, want, bh_now_ms() + wait_ms);
	rc = store_commit(txn, NULL, &why);
	store_free(&txn);
	if (rc < 0 && why.code != BH_CONFLICT) {
		if (err != NULL)
			*err = why;
		return -1;
	}
	return 0;
}

/* Refused for good: away with it, and the trail tells. */
static int
give_up(struct lookup *lookup, const struct want_entry *want, const struct bh_err *why,
    struct bh_err *err)
{
	struct store_txn *txn = store_begin(lookup->context->store);
	char *subject = bh_xasprintf("%s: %s %.200s", want->connection, want->what, want->id);
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "lookup",
	    .subject = subject,
	    .text = why->text};
	int rc;

	bh_log_err(BH_INFO, why, "%s cannot be looked up", subject);
	trail_add(txn, 0, &entry);
	want_done(txn, want);
	rc = store_commit(txn, NULL, err);
	store_free(&txn);
	free(subject);
	return rc;
}

/* 1 the next one, 0 stop for now, -1 (also: the source says later) */
static int
note_failure(struct lookup *lookup, const struct want_entry *want, const struct bh_err *why,
    struct sync_outcome *outcome, struct bh_err *err)
{
	int64_t wait_ms = PAUSE_MS << (want->attempts < ATTEMPTS_MAX ? want->attempts : 8);

	if (why->code == BH_LIMITED) {
		wait_ms = why->retry_after_s > 0 ? why->retry_after_s * INT64_C(1000) : PAUSE_MS;
		outcome->again_ms = bh_now_ms() + wait_ms;
		return 0;
	}
	if (why->code == BH_DENIED) {
		/* It may lack the right to this kind alone: the others are still asked for.
		 * That is the key's fault, so it does not count towards giving up. */
		struct want_entry uncounted = *want;

		uncounted.attempts--;
		if (lookup->refusals++ == 0)
			bh_log_err(BH_WARN, why, "look-ups of %s", want->connection);
		outcome->again_ms = bh_now_ms() + REFUSED_MS;
		if (put_off(lookup, &uncounted, REFUSED_MS, err) < 0)
			return -1;
		return lookup->refusals < REFUSALS_MAX;
	}
	if (why->code == BH_INVALID || want->attempts >= ATTEMPTS_MAX)
		return give_up(lookup, want, why, err) < 0 ? -1 : 1;
	return put_off(lookup, want, wait_ms, err) < 0 ? -1 : 1;
}

/* A look-up, or the other way round: an id that a CRM gave goes to the source. */
static int
fetch(const struct lookup *lookup, const struct source_api *api, const struct source_want *want,
    struct source_result *result, struct bh_err *err)
{
	const struct source_driver *driver = lookup->connection->source;
	const char *crm = bh_json_str(want->hint, "crm"),
		   *id = bh_json_str(want->hint, "remote_id");

	if (strcmp(want->what, WRITEBACK_WANT) != 0)
		return driver->fetch(api, want, result, err);
	if (driver->write_back == NULL || crm == NULL || id == NULL)
		return bh_fail(err, BH_INVALID, "%s keeps no id of a CRM", driver->title);
	return driver->write_back(api, want->account, want->id, crm, id, err);
}

/* 1 the next one, 0 stop for now, -1 */
static int
look_up(struct lookup *lookup, const struct want_entry *entry, struct sync_outcome *outcome,
    struct bh_err *err)
{
	struct source_config config = setup_source_config(lookup->connection);
	struct source_api api = {&config, lookup->context->transport, bh_now_ms()};
	struct source_want want = {.hint = entry->hint};
	struct source_result result = {0};
	struct bh_err why = BH_ERR_INIT;
	int rc = is_held(lookup, entry, err);

	if (rc < 0)
		return -1;
	if (rc > 0) {
		rc = settle(lookup, entry, &result, &why);
	} else {
		snprintf(want.what, sizeof(want.what), "%s", entry->what);
		snprintf(want.account, sizeof(want.account), "%s", entry->account);
		snprintf(want.id, sizeof(want.id), "%s", entry->id);
		keep_pace(lookup);
		if (fetch(lookup, &api, &want, &result, &why) < 0) {
			source_result_release(&result);
			return note_failure(lookup, entry, &why, outcome, err);
		}
		lookup->refusals = 0;
		rc = settle(lookup, entry, &result, &why);
	}
	source_result_release(&result);
	outcome->handled++;
	if (rc < 0 && why.code != BH_CONFLICT) {
		if (err != NULL)
			*err = why;
		return -1;
	}
	return 1;
}

/* 1 there may be more, 0 nothing more now, -1 */
static int
run_page(struct lookup *lookup, const char *code, struct sync_outcome *outcome, struct bh_err *err)
{
	struct want_entry entries[PAGE];
	struct store_txn *txn = store_begin(lookup->context->store);
	int64_t next_ms;
	size_t n = 0;
	int rc = setup_refresh(lookup->context, txn, &lookup->setup, err);

	lookup->connection = rc == 0 ? setup_connection(lookup->setup, code) : NULL;
	if (rc == 0 && is_askable(lookup->connection))
		rc = want_due(txn, code, bh_now_ms(), PAGE, entries, &n, &next_ms, err);
	else
		next_ms = INT64_MAX;
	store_free(&txn);
	if (rc < 0)
		return -1;
	rc = n != 0;
	for (size_t i = 0; i < n && rc > 0; i++) {
		if (sync_is_stopping(lookup->context) || !is_askable(lookup->connection))
			break;
		rc = look_up(lookup, &entries[i], outcome, err);
	}
	want_release(entries, n);
	if (n == 0 && next_ms != INT64_MAX)
		outcome->again_ms = next_ms;
	return rc;
}

int
lookup_run(const struct sync_context *context, const char *connection, struct sync_outcome *outcome,
    struct bh_err *err)
{
	struct lookup lookup = {.context = context};
	int64_t end_ms = bh_mono_ms() + SLICE_MS;
	int rc;

	*outcome = (struct sync_outcome){.again_ms = -1};
	do {
		rc = run_page(&lookup, connection, outcome, err);
	} while (rc > 0 && !sync_is_stopping(context) && bh_mono_ms() < end_ms);
	if (rc > 0)
		outcome->again_ms = bh_now_ms();
	setup_free(&lookup.setup);
	return rc < 0 ? -1 : 0;
}
