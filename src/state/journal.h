/*
 * The journal: every event received, raw, in order of arrival; idempotent by
 * (connection, provider's event id).
 */
#ifndef STATE_JOURNAL_H
#define STATE_JOURNAL_H

#include "store/store.h"

#define JOURNAL_BODY_MAX (16u << 20)

/* An event as received.  Strings are borrowed; headers: JSON object name -> value of the kept ones. */
struct journal_entry {
	const char *connection;
	const char *id;   /* the provider's, or made from a digest; 1 to 255 bytes */
	const char *type; /* the provider's word; may be "" */
	int64_t received_ms;
	const json_t *headers;
	const char *body;
	size_t body_len;
};

/*
 * Accept one event in a transaction of its own, in one round trip.
 *
 * Returns 1 when stored (durable); 0 when this connection already holds an
 * event of this id (a redelivery: acknowledge it, do nothing more); -1
 * BH_UNAVAILABLE, BH_STORAGE or BH_INVALID (id or body too long).
 */
int journal_accept(struct store *store, const struct journal_entry *entry, struct bh_err *err);

/* The same as a spool file, for when no keeper answers; 0 or -1 BH_STORAGE. */
int journal_spool(const char *data_dir, const struct journal_entry *entry, struct bh_err *err);
/* The keeper's import function for such a file: see struct keeper_options. */
int journal_import(struct store_txn *txn, const void *content, size_t len, struct bh_err *err);

/* What became of an event. */
enum journal_state {
	JOURNAL_RECEIVED = 0, /* not yet looked at */
	JOURNAL_APPLIED,      /* changed the mirror */
	JOURNAL_STALE,        /* older than or equal to what the mirror held */
	JOURNAL_IGNORED,      /* carries nothing for us, or is of another mode or account */
	JOURNAL_UNKNOWN,      /* a type that the driver does not know */
	JOURNAL_FAILED,       /* the body cannot be read; replay after a fix */
	JOURNAL_ASKED,        /* it only names its object, which is looked up at the source */
	JOURNAL__MAX
};
const char *journal_state_name(enum journal_state state);

/* A stored event with everything; release it. */
struct journal_event {
	uint64_t stamp;
	char connection[72];
	char id[256];
	char type[128];
	int64_t received_ms;
	json_t *headers;
	char *body; /* NUL-terminated; NULL when not asked for */
	size_t body_len;
	size_t stored_len; /* bytes that it takes, headers included */
	bool erased;       /* its body was erased on request; what is left says so */
	enum journal_state state;
	int64_t handled_ms;
	char note[200];  /* why ignored, what failed */
	json_t *objects; /* array of "kind id" that it changed; NULL when none */
};
void journal_event_release(struct journal_event *event);

/* 1, 0 no such stamp, -1. */
int journal_read(struct store_txn *txn, uint64_t stamp, struct journal_event *event,
    struct bh_err *err);
/* The stamp under which a connection's event stands: 1, 0, -1. */
int journal_find(struct store_txn *txn, const char *connection, const char *id, uint64_t *stamp_r,
    struct bh_err *err);
/*
 * Newest first from before (exclusive; 0: the end), at most max (<= 200) and
 * about 4 MiB stored, without bodies.  events has room for max; *n_r is set, 0
 * at the end only; release each.
 */
int journal_list(struct store_txn *txn, uint64_t before, size_t max, struct journal_event *events,
    size_t *n_r, struct bh_err *err);
/* Stamps of events that failed, newest first, before as for journal_list(); at most max. */
int journal_failed(struct store_txn *txn, uint64_t before, size_t max, uint64_t *stamps,
    size_t *n_r, struct bh_err *err);
/* For a store that was written before: list them, at most max events behind *after.  1 there are more, 0, -1. */
int journal_find_failed(struct store_txn *txn, uint64_t *after, size_t max, struct bh_err *err);
/*
 * As journal_read() of n events, without bodies; those that are not there (any more) have
 * stamp 0.  Release each.
 */
int journal_read_many(struct store_txn *txn, const uint64_t *stamps, size_t n,
    struct journal_event *events, struct bh_err *err);
/* The same in order of arrival from behind after (0: the start), with bodies. */
int journal_walk(struct store_txn *txn, uint64_t after, size_t max, struct journal_event *events,
    size_t *n_r, struct bh_err *err);

/*
 * The next events to be handled, in order: replays first, then those behind
 * the cursor; at most max and about 4 MiB of bodies, with bodies.  n 0: nothing to do.
 * One without a body was removed or erased: there is nothing to settle, only to pass.
 * The cursor is checked at commit, so two readers cannot both apply a batch.
 */
struct journal_batch {
	struct journal_event *events;
	size_t n;
	size_t replays;  /* the first so many are replays */
	uint64_t cursor; /* stamp of the last event behind us, before this batch */
	int64_t bytes;   /* of all events handled before this batch */
	bool more;
};
int journal_next(struct store_txn *txn, size_t max, struct journal_batch *batch,
    struct bh_err *err);
void journal_batch_release(struct journal_batch *batch);
/* Note what became of event (state, handled_ms, note, objects). */
void journal_settle(struct store_txn *txn, const struct journal_event *event);
/*
 * Move past the batch: the cursor to its last event, its replays off the
 * queue.  pace is kept beside the cursor for journal_pace().
 */
struct journal_pace {
	int64_t last_event_ms; /* arrival of the newest event handled */
	int64_t rate;          /* events a second around it */
};
void journal_advance(struct store_txn *txn, const struct journal_batch *batch,
    const struct journal_pace *pace);
/* 1, 0 nothing was handled yet, -1. */
int journal_pace(struct store_txn *txn, struct journal_pace *pace, struct bh_err *err);

/* Count redeliveries of a connection that were acknowledged and dropped; read and written. */
int journal_count_duplicates(struct store_txn *txn, const char *connection, int64_t n,
    struct bh_err *err);
/* How many there were so far: 1 or 0 with *n_r, -1. */
int journal_duplicates(struct store_txn *txn, const char *connection, int64_t *n_r,
    struct bh_err *err);

/*
 * How many events of a connection were handled so far, by what became of them; a replay counts
 * again.  journal_count() adds: read and written.
 */
int journal_count(struct store_txn *txn, const char *connection, const int64_t more[JOURNAL__MAX],
    struct bh_err *err);
int journal_counts(struct store_txn *txn, const char *connection, int64_t counts[JOURNAL__MAX],
    struct bh_err *err);
/* When the first event arrived that nobody has looked at yet: 1, 0 there is none, -1. */
int journal_oldest(struct store_txn *txn, int64_t *received_ms_r, struct bh_err *err);

/* Queue an event for another handling. */
void journal_replay(struct store_txn *txn, uint64_t stamp);
/* Events not handled yet, replays included, counted up to max. */
int journal_backlog(struct store_txn *txn, size_t max, size_t *n_r, struct bh_err *err);
/* Events that are kept, handled or not, counted up to max. */
int journal_kept(struct store_txn *txn, size_t max, size_t *n_r, struct bh_err *err);

/* Prefixes to store_watch() for new work. */
/*
 * The family of the events.  It sorts behind all others: what is appended then
 * goes to the right edge of the tree, where the store fills whole pages
 * instead of splitting them in halves.
 */
#define JOURNAL_EVENTS "Ze"
#define JOURNAL_WATCH_NEW JOURNAL_EVENTS
#define JOURNAL_WATCH_REPLAY "Jr"

#endif
