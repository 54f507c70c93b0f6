/* The job that forgets: see retain.h.  What may go is decided in state/retain.c. */
#include "base/base.h"

#include "sync/retain.h"

#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "state/account.h"
#include "state/journal.h"
#include "state/link.h"
#include "state/retain.h"
#include "state/trail.h"
#include "state/undo.h"
#include "sync/event.h"
#include "sync/undo.h"

#define DAY_MS (86400 * (int64_t)1000)
#define MORE_MS (600 * (int64_t)1000)
#define IDLE_MS (3600 * (int64_t)1000)
#define SLICE_MS 20000 /* then the worker is free for other work */
#define PAGE 1000

/* One run of the job. */
struct run {
	const struct sync_context *context;
	struct retain_limits limits;
	int64_t end_ms;               /* monotonic */
	uint64_t from, next;          /* events: where a commit begins, where the next one will */
	struct bh_buf after, passing; /* sessions: the same */
	size_t n;                     /* removed by the last commit */
	bool more;
};

static bool
is_over(void *arg)
{
	const struct run *run = arg;

	return bh_mono_ms() > run->end_ms || sync_is_stopping(run->context);
}

static int
remove_events(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct run *run = arg;

	return retain_events(txn, &run->limits, run->from, &run->next, &run->n, &run->more, err);
}

static int
remove_ids(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct run *run = arg;

	return retain_ids(txn, run->limits.now_ms, &run->n, &run->more, err);
}

/* The mapped objects of a sync that are made of events, also those that its settings switch off. */
static int
remove_links_of(struct store_txn *txn, struct run *run, const struct account_sync *sync,
    const char *before, struct bh_err *err)
{
	json_t *object;
	size_t i;

	json_array_foreach (json_object_get(sync->mapping, "objects"), i, object) {
		const char *name = bh_json_str(object, "name"), *from = bh_json_str(object, "from");
		struct link_id of = {.dest = sync->to, .sync = sync->code, .object = name};
		size_t n = 0;

		if (name == NULL || from == NULL || object_kind_of(from) != OBJECT_EVENT ||
		    run->n >= PAGE)
			continue;
		if (link_forget_before(txn, &of, before, PAGE - run->n, &n, err) < 0)
			return -1;
		run->n += n;
	}
	return 0;
}

/* The oldest event that is kept: 1, 0 none is (one may come at any moment), -1. */
static int
find_oldest(struct store_txn *txn, char name[EVENT_NAME], struct bh_err *err)
{
	struct journal_event oldest;
	size_t n;

	if (journal_walk(txn, 0, 1, &oldest, &n, err) < 0)
		return -1;
	if (n == 0)
		return 0;
	event_name(name, oldest.stamp);
	journal_event_release(&oldest);
	return 1;
}

/* What became of an event in a CRM is known as long as the event itself. */
static int
remove_links(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct run *run = arg;
	char before[EVENT_NAME];
	json_t *codes = NULL, *code;
	int rc = find_oldest(txn, before, err);
	size_t i;

	run->n = 0;
	if (rc > 0)
		rc = account_syncs(txn, &codes, err);
	json_array_foreach (codes, i, code) {
		struct account_sync sync;

		if (rc < 0)
			break;
		rc = account_sync_load(txn, json_string_value(code), &sync, err);
		if (rc > 0) {
			rc = remove_links_of(txn, run, &sync, before, err);
			account_sync_release(&sync);
		}
	}
	json_decref(codes);
	run->more = run->n >= PAGE;
	return rc < 0 ? -1 : run->n == 0;
}

static int
remove_trail(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct run *run = arg;

	return trail_prune(txn, run->limits.before_ms, PAGE, &run->n, &run->more, err);
}

/* What was written over, of each sync as long as its setting says. */
static int
remove_undo(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct run *run = arg;
	json_t *codes = NULL, *code;
	int rc = account_syncs(txn, &codes, err);
	size_t i;

	run->n = 0;
	json_array_foreach (codes, i, code) {
		struct account_sync sync;
		size_t n = 0;

		if (rc < 0 || run->n > 0)
			break;
		rc = account_sync_load(txn, json_string_value(code), &sync, err);
		if (rc > 0) {
			rc = undo_prune(txn, sync.code,
			    run->limits.now_ms - undo_days(&sync) * DAY_MS, PAGE, &n, err);
			account_sync_release(&sync);
		}
		run->n += n;
	}
	json_decref(codes);
	run->more = run->n > 0;
	return rc < 0 ? -1 : run->n == 0;
}

static int
remove_sessions(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct run *run = arg;

	return account_prune(txn, PAGE, &run->after, &run->passing, &run->n, &run->more, err);
}

/* A commit is through: the next one begins behind it. */
static void
move_on(struct run *run)
{
	run->from = run->next;
	bh_buf_reset(&run->after);
	bh_buf_add(&run->after, bh_buf_str(&run->passing), run->passing.len);
}

/* One commit after the other; 1 when time was over before the end, 0, -1. */
static int
repeat(struct run *run, int (*step)(struct store_txn *txn, void *arg, struct bh_err *err),
    size_t *sum_r, struct bh_err *err)
{
	do {
		if (is_over(run))
			return 1;
		(void)bh_fault("retain-step");
		if (store_run(run->context->store, step, run, NULL, err) < 0)
			return -1;
		*sum_r += run->n;
		move_on(run);
	} while (run->more);
	return 0;
}

/* What is kept is known from here on, so that a limit of bytes can be held: 0; 1 no time; -1. */
static int
prepare(struct run *run, struct bh_err *err)
{
	struct store_txn *txn;
	int64_t bytes;
	int rc;

	if (run->limits.bytes < 0)
		return 0;
	txn = store_begin(run->context->store);
	rc = retain_bytes(txn, &bytes, err);
	store_free(&txn);
	if (rc == 0) {
		rc = retain_count(run->context->store, is_over, run, err);
		return rc < 0 ? -1 : rc == 0;
	}
	return rc < 0 ? -1 : 0;
}

/* Requests that could not be taken in, kept for a person to look at. */
static void
remove_bad_files(const struct run *run)
{
	char *dir = bh_xasprintf("%s/spool/bad", run->context->conf->data_dir);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	while (list != NULL && (entry = readdir(list)) != NULL) {
		struct stat st;

		if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && st.st_mtime * (int64_t)1000 < run->limits.before_ms)
			unlinkat(fd, entry->d_name, 0);
	}
	if (list != NULL)
		closedir(list);
	else if (fd >= 0)
		close(fd);
	free(dir);
}

static int
forget(struct run *run, struct sync_outcome *outcome, bool *more_r, struct bh_err *err)
{
	size_t events = 0, ids = 0, links = 0, trail = 0, sessions = 0, undo = 0;
	int rc = prepare(run, err);

	if (rc == 0)
		rc = repeat(run, remove_events, &events, err);
	if (rc == 0)
		rc = repeat(run, remove_ids, &ids, err);
	if (rc == 0)
		rc = repeat(run, remove_links, &links, err);
	if (rc == 0 && run->limits.before_ms != INT64_MIN)
		rc = repeat(run, remove_trail, &trail, err);
	if (rc == 0)
		rc = repeat(run, remove_undo, &undo, err);
	if (rc == 0)
		rc = repeat(run, remove_sessions, &sessions, err);
	if (rc == 0 && run->limits.before_ms != INT64_MIN)
		remove_bad_files(run);
	*more_r = rc > 0;
	outcome->handled = events + ids + links + trail + sessions + undo;
	if (outcome->handled != 0)
		bh_log(BH_INFO,
		    "removed what is not kept any longer: %zu events, %zu ids, %zu links, %zu lines of the trail, %zu sessions, %zu values that were written over",
		    events, ids, links, trail, sessions, undo);
	return rc < 0 ? -1 : 0;
}

/* The last run under these options is not long ago: 1 and the time that it set, 0, -1. */
static int
is_early(const struct sync_context *context, const struct retain_run *now, int64_t *next_r,
    struct bh_err *err)
{
	struct store_txn *txn = store_begin(context->store);
	struct retain_run last;
	int rc = retain_last(txn, &last, err);

	store_free(&txn);
	*next_r = last.next_ms;
	if (rc > 0)
		rc = sync_is_ahead(last.next_ms) && last.days == now->days && last.mb == now->mb;
	return rc;
}

static int
note(const struct sync_context *context, const struct retain_run *run, struct bh_err *err)
{
	struct store_txn *txn = store_begin(context->store);
	int rc;

	retain_note(txn, run);
	rc = store_commit(txn, NULL, err);
	store_free(&txn);
	return rc;
}

int
retain_run(const struct sync_context *context, struct sync_outcome *outcome, struct bh_err *err)
{
	const struct conf *conf = context->conf;
	struct retain_run this = {.days = conf->keep_days, .mb = conf->keep_mb};
	struct run run = {.context = context,
	    .limits = {.now_ms = bh_now_ms(),
		.before_ms =
		    conf->keep_days > 0 ? bh_now_ms() - conf->keep_days * DAY_MS : INT64_MIN,
		.bytes = conf->keep_mb > 0 ? conf->keep_mb << 20 : -1},
	    .end_ms = bh_mono_ms() + SLICE_MS,
	    .after = BH_BUF_INIT(STORE_KEY_MAX + 1),
	    .passing = BH_BUF_INIT(STORE_KEY_MAX + 1)};
	bool more = false;
	int rc;

	*outcome = (struct sync_outcome){.again_ms = -1};
	/* The same time again is the same wake-up: however often it is woken, there is one. */
	rc = is_early(context, &this, &outcome->again_ms, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	rc = forget(&run, outcome, &more, err);
	bh_buf_release(&run.after);
	bh_buf_release(&run.passing);
	if (rc < 0)
		return -1;
	/* Processes that end when they are idle must find an hour in which nothing is due. */
	this.next_ms = bh_now_ms() + (more ? MORE_MS : IDLE_MS + conf->idle_exit_s * 1000);
	if (note(context, &this, err) < 0)
		return -1;
	outcome->again_ms = this.next_ms;
	return 0;
}
