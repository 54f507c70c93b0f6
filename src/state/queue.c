/*
 * Jobs.  States:
 *
 *   state  | meaning                      | moves to
 *   idle   | not running; may be due      | leased
 *   leased | runs until lease_until       | idle (finished, or reclaimed), leased (over), buried
 *   buried | refused or failed too often  | idle, by a kick
 *
 * A wake-up is an entry of its own, so that waking needs no read and a job
 * woken while it runs runs once more.
 *
 * Keys: Qj <kind> <arg> the job; Qd <due> <kind> <arg> a wake-up.
 */
#include "base/base.h"

#include "state/queue.h"

#include "base/json.h"
#include "store/key.h"

#define LOOK_MAX 500   /* wake-ups read at a time */
#define SWEEP_MIN 100  /* so many useless ones are worth a commit of their own */
#define SWEEP_MAX 5000 /* not more in one commit */

static void
key_job(struct key *key, const char *kind, const char *arg)
{
	key_begin(key, "Qj");
	key_text(key, kind);
	key_text(key, arg);
}

void
queue_wake(struct store_txn *txn, const char *kind, const char *arg, int64_t due_ms)
{
	struct key key;

	key_begin(&key, "Qd");
	key_u64(&key, (uint64_t)due_ms);
	key_text(&key, kind);
	key_text(&key, arg);
	store_put(txn, key.data, key.len, "", 0);
}

static void
decode(const char *value, size_t len, struct queue_job *job)
{
	json_t *doc = json_loadb(value, len, 0, NULL);
	const char *owner = bh_json_str(doc, "owner"), *reason = bh_json_str(doc, "reason");
	int64_t state = bh_json_int(doc, "state", 0);

	job->state = state >= 0 && state <= QUEUE_BURIED ? (enum queue_state)state : QUEUE_IDLE;
	snprintf(job->owner, sizeof(job->owner), "%s", owner != NULL ? owner : "");
	snprintf(job->reason, sizeof(job->reason), "%s", reason != NULL ? reason : "");
	job->lease_until_ms = bh_json_int(doc, "until", 0);
	job->attempts = (int)bh_json_int(doc, "attempts", 0);
	json_decref(doc);
}

static void
put_job(struct store_txn *txn, const struct queue_job *job)
{
	json_t *doc = json_pack("{s:i, s:s, s:I, s:i, s:o}", "state", (int)job->state, "owner",
	    job->owner, "until", (json_int_t)job->lease_until_ms, "attempts", job->attempts,
	    "reason", bh_json_string(job->reason));
	char *text = bh_json_text(doc);
	struct key key;

	key_job(&key, job->kind, job->arg);
	store_put(txn, key.data, key.len, text, strlen(text));
	free(text);
	json_decref(doc);
}

static int
read_job(struct store_txn *txn, const char *kind, const char *arg, struct queue_job *job,
    struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(1 << 16);
	struct key key;
	int rc;

	memset(job, 0, sizeof(*job));
	snprintf(job->kind, sizeof(job->kind), "%s", kind);
	snprintf(job->arg, sizeof(job->arg), "%s", arg);
	snprintf(job->id, sizeof(job->id), "%s/%s", kind, arg);
	key_job(&key, kind, arg);
	rc = store_get(txn, key.data, key.len, &value, err);
	if (rc > 0)
		decode(value.data, value.len, job);
	bh_buf_release(&value);
	return rc < 0 ? -1 : 0;
}

struct lease {
	const char *owner;
	int64_t now_ms, lease_ms;
	size_t max, n;
	struct queue_job *jobs;
	int64_t next_due_ms;
	/* Decided already: a job's later wake-ups are of no use.  Names are borrowed from the scan. */
	struct seen {
		const char *kind, *arg;
	} * seen;
	size_t seen_n;
	size_t swept;  /* wake-ups used up without a lease */
	bool is_swept; /* those of buried jobs among them */
};

static bool
is_seen(struct lease *l, const char *kind, const char *arg)
{
	for (size_t i = 0; i < l->seen_n; i++)
		if (strcmp(l->seen[i].kind, kind) == 0 && strcmp(l->seen[i].arg, arg) == 0)
			return true;
	l->seen = bh_xrealloc(l->seen, (l->seen_n + 1) * sizeof(l->seen[0]));
	l->seen[l->seen_n++] = (struct seen){kind, arg};
	return false;
}

/*
 * Decide on one wake-up; 1 when it was used up.  The first one of a job that
 * cannot run now stays; the others go, or a job that is woken often while it
 * runs would hide all behind them.
 */
static int
lease_one(struct store_txn *txn, struct lease *l, const char *kind, const char *arg, int64_t due_ms,
    struct bh_err *err)
{
	struct queue_job job;

	l->swept++;
	if (is_seen(l, kind, arg))
		return 1;
	if (read_job(txn, kind, arg, &job, err) < 0)
		return -1;
	if (job.state == QUEUE_BURIED) {
		/* None of its wake-ups stays: one would keep queue_is_due() true for ever. */
		l->seen_n--;
		l->is_swept = true;
		return 1;
	}
	l->swept--;
	if (job.state == QUEUE_LEASED &&
	    (job.lease_until_ms > l->now_ms || strcmp(job.owner, l->owner) == 0))
		return 0;
	if (l->n == l->max)
		return 0;
	job.state = QUEUE_LEASED;
	job.lease_until_ms = l->now_ms + l->lease_ms;
	job.due_ms = due_ms;
	snprintf(job.owner, sizeof(job.owner), "%s", l->owner);
	put_job(txn, &job);
	l->jobs[l->n++] = job;
	return 1;
}

/* The least key behind an entry's. */
static void
key_behind(struct key *key, const struct store_entry *entry)
{
	key_begin(key, "");
	key_raw(key, entry->key, entry->key_len);
	key_raw(key, "", 1);
}

/* Decide on the wake-ups from *from on; 1 when there may be more that are due, *from is moved on. */
static int
lease_page(struct store_txn *txn, struct lease *l, struct key *from, struct bh_err *err)
{
	struct store_scan scan = {.prefix = "Qd",
	    .prefix_len = 2,
	    .from = from->data,
	    .from_len = from->len,
	    .max = LOOK_MAX,
	    .keys_only = true};
	const struct store_entry *entries;
	size_t n;
	bool more;

	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct key_reader reader;
		const char *kind, *arg;
		uint64_t due;
		int used;

		key_read(&reader, entries[i].key, entries[i].key_len, "Qd");
		if (!is_key_u64(&reader, &due) || !is_key_text(&reader, &kind) ||
		    !is_key_text(&reader, &arg))
			return bh_fail(err, BH_STORAGE, "a wake-up has a broken key");
		if ((int64_t)due > l->now_ms) {
			l->next_due_ms = (int64_t)due;
			return 0;
		}
		used = lease_one(txn, l, kind, arg, (int64_t)due, err);
		if (used < 0)
			return -1;
		if (used > 0)
			store_delete(txn, entries[i].key, entries[i].key_len);
	}
	if (!more || n == 0)
		return 0;
	key_behind(from, &entries[n - 1]);
	return 1;
}

static int
lease(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct lease *l = arg;
	struct key from;
	int rc;

	l->n = l->seen_n = l->swept = 0;
	l->is_swept = false;
	l->next_due_ms = INT64_MAX;
	key_begin(&from, "Qd");
	do
		rc = lease_page(txn, l, &from, err);
	while (rc > 0 && l->swept < SWEEP_MAX);
	if (rc < 0)
		return -1;
	if (rc > 0)
		l->next_due_ms = l->now_ms;
	return l->n == 0 && !l->is_swept && l->swept < SWEEP_MIN ? 1 : 0;
}

int
queue_lease(struct store *store, const char *owner, int64_t now_ms, int64_t lease_ms, size_t max,
    struct queue_job *jobs, size_t *n_r, int64_t *next_due_r, struct bh_err *err)
{
	struct lease l = {.owner = owner,
	    .now_ms = now_ms,
	    .lease_ms = lease_ms,
	    .max = max,
	    .jobs = jobs,
	    .next_due_ms = INT64_MAX};
	int rc = store_run(store, lease, &l, NULL, err);

	free(l.seen);
	*n_r = rc < 0 ? 0 : l.n;
	*next_due_r = l.next_due_ms;
	return rc < 0 ? -1 : 0;
}

struct reclaim {
	const char *owner;
	const struct queue_job *mine;
	size_t mine_n;
	int64_t now_ms;
	size_t n; /* ended in this transaction */
};

static bool
is_mine(const struct reclaim *r, const struct queue_job *job)
{
	if (strcmp(job->owner, r->owner) != 0)
		return false;
	for (size_t i = 0; i < r->mine_n; i++)
		if (strcmp(r->mine[i].id, job->id) == 0)
			return true;
	return false;
}

static int
reclaim_one(struct store_txn *txn, struct reclaim *r, const struct store_entry *entry,
    struct bh_err *err)
{
	struct key_reader reader;
	const char *kind, *arg;
	struct queue_job job = {0};

	decode(entry->value, entry->value_len, &job);
	key_read(&reader, entry->key, entry->key_len, "Qj");
	if (job.state != QUEUE_LEASED || !is_key_text(&reader, &kind) ||
	    !is_key_text(&reader, &arg))
		return 0;
	if (read_job(txn, kind, arg, &job, err) < 0)
		return -1;
	if (job.state != QUEUE_LEASED || is_mine(r, &job))
		return 0;
	job.state = QUEUE_IDLE;
	job.owner[0] = '\0';
	job.lease_until_ms = 0;
	put_job(txn, &job);
	queue_wake(txn, kind, arg, r->now_ms);
	r->n++;
	return 0;
}

static int
reclaim(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct store_scan scan = {.prefix = "Qj", .prefix_len = 2, .max = LOOK_MAX};
	struct reclaim *r = arg;
	const struct store_entry *entries;
	bool more = true;
	struct key from;
	size_t n;

	for (r->n = 0; more; scan.from_len = from.len) {
		if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
			return -1;
		for (size_t i = 0; i < n; i++)
			if (reclaim_one(txn, r, &entries[i], err) < 0)
				return -1;
		if (n == 0)
			break;
		key_behind(&from, &entries[n - 1]);
		scan.from = from.data;
	}
	return r->n == 0 ? 1 : 0;
}

int
queue_reclaim(struct store *store, const char *owner, const struct queue_job *mine, size_t n,
    int64_t now_ms, struct bh_err *err)
{
	struct reclaim r = {owner, mine, n, now_ms, 0};

	return store_run(store, reclaim, &r, NULL, err) < 0 ? -1 : 0;
}

struct finish {
	const struct queue_job *job;
	enum queue_state state;
	bool failed;
	const char *reason;
	int64_t again_ms;
};

static int
finish(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct finish *f = arg;
	struct queue_job job;

	if (read_job(txn, f->job->kind, f->job->arg, &job, err) < 0)
		return -1;
	if (job.state != QUEUE_LEASED || strcmp(job.owner, f->job->owner) != 0)
		return bh_fail(err, BH_DENIED, "job %s was leased to another", f->job->id);
	job.state = f->state;
	job.owner[0] = '\0';
	job.lease_until_ms = 0;
	job.attempts = f->failed ? job.attempts + 1 : 0;
	snprintf(job.reason, sizeof(job.reason), "%s", f->reason != NULL ? f->reason : "");
	put_job(txn, &job);
	if (f->again_ms >= 0)
		queue_wake(txn, job.kind, job.arg, f->again_ms);
	return 0;
}

int
queue_finish(struct store *store, const struct queue_job *job, bool failed, const char *reason,
    int64_t again_ms, struct bh_err *err)
{
	struct finish f = {job, QUEUE_IDLE, failed, reason, again_ms};

	return store_run(store, finish, &f, NULL, err) < 0 ? -1 : 0;
}

int
queue_bury(struct store *store, const struct queue_job *job, const char *reason, struct bh_err *err)
{
	struct finish f = {job, QUEUE_BURIED, true, reason, -1};

	return store_run(store, finish, &f, NULL, err) < 0 ? -1 : 0;
}

int
queue_kick(struct store_txn *txn, const char *kind, const char *arg, int64_t now_ms,
    struct bh_err *err)
{
	struct queue_job job;

	if (read_job(txn, kind, arg, &job, err) < 0)
		return -1;
	if (job.state == QUEUE_BURIED) {
		job.state = QUEUE_IDLE;
		job.attempts = 0;
		put_job(txn, &job);
	}
	queue_wake(txn, kind, arg, now_ms);
	return 0;
}

int
queue_is_due(struct store_txn *txn, int64_t now_ms, struct bh_err *err)
{
	struct store_scan scan = {.prefix = "Qd", .prefix_len = 2, .max = 1, .keys_only = true};
	const struct store_entry *entries;
	struct key_reader reader;
	uint64_t due;
	size_t n;
	bool more;

	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	if (n == 0)
		return 0;
	key_read(&reader, entries[0].key, entries[0].key_len, "Qd");
	return is_key_u64(&reader, &due) && (int64_t)due <= now_ms;
}

int
queue_list(struct store_txn *txn, json_t **jobs_r, struct bh_err *err)
{
	static const char *const names[] = {"idle", "leased", "buried"};
	struct store_scan scan = {.prefix = "Qj", .prefix_len = 2, .max = LOOK_MAX};
	const struct store_entry *entries;
	size_t n;
	bool more;

	*jobs_r = NULL;
	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	*jobs_r = json_array();
	for (size_t i = 0; i < n; i++) {
		struct queue_job job = {0};
		struct key_reader reader;
		const char *kind, *arg;

		key_read(&reader, entries[i].key, entries[i].key_len, "Qj");
		if (!is_key_text(&reader, &kind) || !is_key_text(&reader, &arg))
			continue;
		decode(entries[i].value, entries[i].value_len, &job);
		json_array_append_new(*jobs_r,
		    json_pack("{s:s, s:s, s:s, s:i, s:s}", "kind", kind, "arg", arg, "state",
			names[job.state], "attempts", job.attempts, "reason", job.reason));
	}
	return 0;
}
