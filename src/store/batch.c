/*
 * Commits made durable: gather, apply each in its own transaction, one flush
 * for all, then the answers.  See turn.h.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "store/turn.h"

#define GATHER_SHARE 0.3 /* of the average flush */
#define GATHER_MAX_US 5000

/* Peers of the last two batches that have not sent a commit for this one. */
static size_t
missing(const struct keeper *k)
{
	size_t n = 0;

	for (const struct peer *peer = k->peers; peer != NULL; peer = peer->next)
		n += peer->fd >= 0 && !peer->is_busy && peer->batch != 0 &&
		     peer->batch + 1 >= k->batches;
	return n;
}

/*
 * Without this, batches alternate between one commit and all others: the
 * first to be answered comes back alone and makes the rest wait for its
 * flush.  So while fewer than in the last two batches have come (each peer
 * counted once), wait for a part of what a flush takes.
 */
void
batch_gather(struct keeper *k)
{
	double share_us = k->flush_us * GATHER_SHARE;
	int64_t now_us = bh_mono_us();
	int64_t until_us = now_us + (share_us < GATHER_MAX_US ? (int64_t)share_us : GATHER_MAX_US);

	while (now_us < until_us && k->batch_n < BATCH_MAX && missing(k) > 0) {
		desk_take_events(k, until_us - now_us);
		now_us = bh_mono_us();
	}
}

static size_t
commit_bytes(const struct wire_commit *commit)
{
	return commit->ops.len + commit->checks.len;
}

/* Commits in order of arrival; each sees those before it.  The bytes applied. */
static size_t
apply_batch(struct keeper *k)
{
	size_t bytes = 0;

	for (size_t i = 0; i < k->batch_n && !is_bdb_broken(k->bdb); i++) {
		struct waiting *w = &k->batch[i];

		w->rc = serve_commit(&k->serve, &w->commit, &w->stamp, &w->err);
		if (w->rc != 1)
			continue;
		bytes += commit_bytes(&w->commit) + 1;
		desk_note_wakes(k, &w->commit);
	}
	return bytes;
}

int
batch_flush(void *arg)
{
	struct keeper *k = arg;
	struct bh_err err = BH_ERR_INIT;
	int64_t from_us = bh_mono_us();
	double took_us;

	if (is_bdb_broken(k->bdb))
		return -1;
	if (bdb_flush(k->bdb, &err) < 0) {
		bh_log(BH_ERROR, "%s", err.text);
		return -1;
	}
	took_us = (double)(bh_mono_us() - from_us);
	k->flush_us += (took_us - k->flush_us) / 8;
	return 0;
}

static void
answer_commit(struct keeper *k, struct waiting *w)
{
	struct bh_buf body = BH_BUF_INIT(16);
	struct wire_slice stamp, request;

	w->peer->is_busy = false;
	if (w->peer->fd < 0)
		return;
	if (peer_payload(w->peer, &request) == 1)
		peer_took(w->peer, &request);
	wire_add_u64(&body, w->stamp);
	stamp = (struct wire_slice){body.data, body.len};
	desk_answer(k, w->peer, w->rc >= 0 ? &stamp : NULL, &w->err);
	bh_buf_release(&body);
}

/* -1: nobody was answered, the process must end. */
int
batch_run(struct keeper *k)
{
	struct peer *peers[BATCH_MAX];
	size_t n = k->batch_n, bytes;

	bytes = apply_batch(k);
	if (bh_fault("keeper-batch-applied") || is_bdb_broken(k->bdb) ||
	    (bytes > 0 && batch_flush(k) < 0))
		return -1;
	if (bh_fault("keeper-flushed"))
		return -1;
	k->batches++;
	k->batch_n = 0;
	for (size_t i = 0; i < n; i++) {
		peers[i] = k->batch[i].peer;
		answer_commit(k, &k->batch[i]);
	}
	if (bytes > 0)
		upkeep_note(k->upkeep, bytes);
	if (bh_fault("keeper-replied"))
		return -1;
	/* What they sent meanwhile no event announces. */
	for (size_t i = 0; i < n; i++)
		desk_handle(k, peers[i]);
	return 0;
}
