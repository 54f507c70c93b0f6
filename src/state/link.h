/*
 * Links: which CRM record an object has through a sync, what was last pushed,
 * and whether it has changed since.
 *
 * The dirty mark is an entry of its own whose version is the stamp of the
 * last change: ingest sets it without reading, and a push that began before
 * the last change finds another version and leaves it alone.
 */
#ifndef STATE_LINK_H
#define STATE_LINK_H

#include "base/json.h"
#include "store/store.h"

/* Identity of a link.  Strings are borrowed. */
struct link_id {
	const char *dest; /* code of the destination connection: its lane */
	int rank;         /* parents have a lower one; 0 to 99 */
	const char *sync;
	const char *object;  /* name of the mapped object inside the sync's mapping */
	const char *account; /* of the source's object; "" when there is one */
	const char *id;      /* of the source's object */
};

enum link_state {
	LINK_NEW = 0,   /* never pushed */
	LINK_CLEAN,     /* pushed; dirty only when a mark stands */
	LINK_UNCERTAIN, /* pushed without an answer: the upsert is repeated */
	LINK_HELD,      /* refused: needs a person, or a new change */
	LINK_WAITING,   /* its parent is not in the CRM */
	LINK_EXCLUDED,  /* the mapping's filter leaves it out */
	LINK__MAX
};
const char *link_state_name(enum link_state state);

#define LINK_KEPT_MAX 32
#define LINK_TIED_MAX 512
#define LINK_NO_MATCH                                                                              \
	"NO_MATCH" /* code of an excluded link: nothing matches, and none may be made */
#define LINK_AMBIGUOUS "AMBIGUOUS" /* code of a held link: several match, a person chooses */
#define LINK_SKIPPED "SKIPPED" /* code of an excluded link: a person left it out until it changes */
#define LINK_UNDONE                                                                                \
	"UNDONE" /* code of an excluded link: its values were put back, until a person lets it be written */
#define LINK_PAST_MAX 8        /* steps of the past that a link keeps */

/* What a push, or a person, made of a link at some time.  These letters are stored. */
enum link_what {
	LINK_NOTHING = 0, /* behind the last step */
	LINK_CREATED = 'c',
	LINK_WRITTEN = 'u',
	LINK_REFUSED = 'r',
	LINK_LATER = 'l', /* to be tried again by itself */
	LINK_UNANSWERED = 'q',
	LINK_WAITED = 'w',
	LINK_LEFT_OUT = 'x',
	LINK_CHOSEN = 'p', /* a person said which record it is */
	LINK_PUT_BACK = 'b', /* what was there before was put back, or the record removed */
	LINK_LET_GO = 'g'    /* a person lets it be written again */
};
struct link_step {
	int64_t at_ms;
	enum link_what what;
	char code[48]; /* of a refusal and the like, cut; "" */
};

struct link {
	enum link_state state;
	char remote_id[64];
	char hash[65];    /* of the record last pushed; "" */
	char parents[65]; /* hash of the parents last linked; "" */
	int64_t pushed_ms;
	int attempts; /* failed tries since it was pushed, or held, last */
	int64_t not_before_ms;
	char tied[LINK_TIED_MAX]; /* what the CRM has tied it to: see sync/tie.h; "" nothing is known */
	char code[64], cause[240], remedy[240]; /* while held or waiting */
	char said[480]; /* the CRM's own error, as it came, cut: beside the cause; "" */
	char how[160];  /* why it is this CRM record: "e-mail ada@example.com"; "" we made it */
	struct link_step past[LINK_PAST_MAX]; /* what became of it lately, newest first */
	/*
	 * What we wrote last into fields that are not always ours: 16 characters
	 * each, 8 of a digest of the field's name, 8 of the value's; more than one of a
	 * field while it is open which of them the CRM got (sync/conflict.h).
	 */
	char kept[LINK_KEPT_MAX * 16 + 1];
	int64_t undone;   /* the run (state/undo.h) that put its values back; 0 none */
	bool has_waiters; /* children wait for this record */
	bool
	    is_replaced; /* it was another record before: its children hang below that one, or none */
	uint64_t version;
};

/*
 * Remember in the link what became of it now.  The same as last time, where nothing was written:
 * the step stands as it is.
 */
void link_note(struct link *link, enum link_what what, int64_t at_ms);

/* Set the dirty mark; no read. */
void link_mark(struct store_txn *txn, const struct link_id *id);

/* Mark the links of a mapped object and account whose ids begin with that of `of`, at most max.  Not checked at commit. */
int link_mark_below(struct store_txn *txn, const struct link_id *of, size_t max,
    struct bh_err *err);

/*
 * The CRM may hold something else than what was pushed: mark a clean link, to be sent whole.
 * A push under way does not undo it.
 * 0 so, 1 it is not clean (nothing is done), -1.
 */
int link_renew(struct store_txn *txn, const struct link_id *id, struct bh_err *err);

/* A dirty link as found by link_dirty(); strings are owned by the list. */
struct link_dirty_entry {
	struct link_id id;
	uint64_t mark; /* version of the mark, to be cleared by link_settle() */
};
struct link_dirty_list {
	struct link_dirty_entry *items;
	size_t n;
	bool more;
	char *last_key; /* where the next page starts; internal */
	size_t last_key_len;
};
/*
 * Dirty links of a lane, parents first, at most max.  To go on behind the
 * last page hand the same list in again; begin with a zeroed one.
 */
int link_dirty(struct store_txn *txn, const char *dest, size_t max, struct link_dirty_list *list,
    struct bh_err *err);
/* Of the page only the first n entries (at least one) are taken: the next one begins behind them. */
void link_dirty_cut(struct link_dirty_list *list, size_t n);
/* The next page begins behind all marks of the last one's rank and sync. */
void link_dirty_skip_sync(struct link_dirty_list *list);
void link_dirty_release(struct link_dirty_list *list);

/* Are they marked?  n at once, unchecked. */
int link_marked_many(struct store_txn *txn, const struct link_id *ids, size_t n, bool *marked,
    struct bh_err *err);

/* n links at once; LINK_NEW where there is none.  Unchecked. */
int link_get_many(struct store_txn *txn, const struct link_id *ids, size_t n, struct link *links,
    struct bh_err *err);
/* 1, 0, -1. */
int link_get(struct store_txn *txn, const struct link_id *id, struct link *link,
    struct bh_err *err);

/*
 * Store what a push made of n links.  Marks whose version is still the one
 * that was read are cleared where clear[i]; a link that becomes clean and had
 * waiters marks them dirty; counts of the lane follow.  A link that a person chose (link_adopt())
 * after it was read stays as chosen.  All entries are of one lane.  A transaction of its own,
 * run again on conflict.
 */
int link_settle(struct store *store, const struct link_dirty_entry *entries,
    const struct link *links, const bool *clear, size_t n, struct bh_err *err);
/*
 * Before a push: what it is about to write into fields that are not always
 * ours becomes kept of n links; nothing else of them changes.  All entries are of one lane.
 */
int link_mean(struct store *store, const struct link_dirty_entry *entries, const char *const *kept,
    size_t n, struct bh_err *err);
/*
 * Register that child waits for parent, which is not in the CRM: 0 registered;
 * 1 the parent is there by now (do not wait).  A transaction of its own.
 */
int link_wait_for(struct store *store, const struct link_id *parent, const struct link_id *child,
    struct bh_err *err);

/* Counts and condition of a lane, for status and pages. */
struct link_lane {
	int64_t in_step; /* links that are clean */
	int64_t held;    /* need a person */
	int64_t waiting_parent;
	int64_t excluded;
	size_t dirty; /* counted up to 1,000 */
	int64_t pause_until_ms;
	char reason[240]; /* why it pauses or stopped; "" */
	int64_t last_push_ms;
	int64_t taken_ms; /* when the CRM last took something */
	int64_t calls; /* HTTP calls since the start of time */
	int64_t day_used, day_limit;
	int64_t day_at_ms;               /* when day_used was told */
	int64_t first_used, first_at_ms; /* an older reading of the same day, for the forecast */
	int64_t looked_ms;               /* when what waits for a match was looked for last */
	int64_t tidied_ms;               /* when the event log was kept to its age last */
	int64_t slice;                   /* rows that the CRM takes at once, learnt; 0 all */
};
/*
 * Calls of the day as they will be in a day from the older reading on, if
 * everybody goes on as since then; day_used where nothing can be said.
 */
int64_t link_lane_forecast(const struct link_lane *lane);
int link_lane_get(struct store_txn *txn, const char *dest, struct link_lane *lane,
    struct bh_err *err);
/* Links of one mapped object of a sync, by state; kept in the same commits. */
int link_object_counts(struct store_txn *txn, const char *dest, const char *sync,
    const char *object, int64_t by_state[LINK__MAX], struct bh_err *err);
/*
 * For a store that was written before: take a page of links behind *after (empty at first) into
 * the counts of their mapped objects.  1 there are more, 0 the end, -1.
 */
int link_take_in(struct store_txn *txn, struct bh_buf *after, struct bh_err *err);
/* Held links of all lanes, in one read. */
int link_held_total(struct store_txn *txn, int64_t *n_r, struct bh_err *err);
/* Only pause, reason, last_push, taken, calls and usage; counts are kept by link_settle(). */
void link_lane_note(struct store_txn *txn, const char *dest, const struct link_lane *lane);
/*
 * Of one sync of a lane, each counted up to max: marks of the ranks below ranks, and links that
 * need a person.
 */
int link_sync_counts(struct store_txn *txn, const char *dest, const char *sync, int ranks,
    size_t max, size_t *dirty_r, size_t *held_r, struct bh_err *err);
/* Is anything dirty in this lane?  1, 0, -1. */
int link_lane_is_dirty(struct store_txn *txn, const char *dest, struct bh_err *err);

/*
 * Held links of a lane, at most max, in key order behind *after (empty at
 * first): each gets identity and link.
 */
int link_held(struct store_txn *txn, const char *dest, size_t max, struct bh_buf *after,
    int (*each)(void *arg, const struct link_id *id, const struct link *link, struct bh_err *err),
    void *arg, bool *more_r, struct bh_err *err);

/* As if link_held() had ended with this link, so that it goes on behind it; rank is not needed. */
void link_held_behind(struct bh_buf *after, const struct link_id *id);

/* All links, of whatever lane, as link_held() walks those of one that are held; rank is not known. */
int link_walk(struct store_txn *txn, size_t max, struct bh_buf *after,
    int (*each)(void *arg, const struct link_id *id, const struct link *link, struct bh_err *err),
    void *arg, bool *more_r, struct bh_err *err);
/* The same of one sync to a destination, by mapped object. */
int link_walk_sync(struct store_txn *txn, const char *dest, const char *sync, size_t max,
    struct bh_buf *after,
    int (*each)(void *arg, const struct link_id *id, const struct link *link, struct bh_err *err),
    void *arg, bool *more_r, struct bh_err *err);
/*
 * Forget what is known of a link; the counts of its lane follow.  Its mark may
 * stay: a push that finds no object clears it.  1 forgotten, 0 there was none, -1.
 */
int link_forget(struct store_txn *txn, const struct link_id *id, struct bh_err *err);

/*
 * Forget the links of one mapped object (dest, sync and object of `of`) whose
 * ids sort before `before`, whatever their account; at most max.  0 with *n_r, 1 there are none, -1.
 */
int link_forget_before(struct store_txn *txn, const struct link_id *of, const char *before,
    size_t max, size_t *n_r, struct bh_err *err);

/*
 * A person leaves a held link out until it changes: its mark goes.  0 so, 1 it
 * is not held (nothing is done), -1.  who: for the cause.
 */
int link_skip(struct store_txn *txn, const struct link_id *id, const char *who, struct bh_err *err);

/*
 * What was there before its last writes is about to be put back, by a run (state/undo.h): it is left alone from now
 * on.  is_removed: its record goes.  0 so, 1 there is no such link, -1.
 */
int link_undo(struct store_txn *txn, const struct link_id *id, const char *who, int64_t run,
    bool is_removed, struct bh_err *err);
bool is_link_undone(const struct link *link);
/* It may be written again, whole: marks it.  0 so, 1 it was not left alone (nothing is done), -1. */
int link_redo(struct store_txn *txn, const struct link_id *id, struct bh_err *err);

/* Links that wait for a parent, of a destination, as link_held() walks the held ones; rank of parent is not known. */
int link_waiters(struct store_txn *txn, const char *dest, size_t max, struct bh_buf *after,
    int (*each)(void *arg, const struct link_id *parent, const struct link_id *child,
	struct bh_err *err),
    void *arg, bool *more_r, struct bh_err *err);

/* Links that are excluded as LINK_NO_MATCH, of a destination, as link_held() walks the held ones. */
int link_unmatched(struct store_txn *txn, const char *dest, size_t max, struct bh_buf *after,
    int (*each)(void *arg, const struct link_id *id, const struct link *link, struct bh_err *err),
    void *arg, bool *more_r, struct bh_err *err);

/*
 * Records that an ambiguous link may be: array of {"remote_id", "name", "key", "why"}.
 * get: 1 and a new reference, 0 none, -1.
 */
void link_candidates_put(struct store_txn *txn, const struct link_id *id, const json_t *list);
int link_candidates_get(struct store_txn *txn, const struct link_id *id, json_t **list_r,
    struct bh_err *err);
/*
 * A person says which CRM record it is; remote_id "": none of them, a new one
 * is to be made.  The object may be one that was never pushed.  Marks it and wakes the lane.
 */
int link_adopt(struct store_txn *txn, const struct link_id *id, const char *remote_id,
    const char *how, struct bh_err *err);

/*
 * Forget a page of what is known of a destination: links, marks, indexes, condition.
 * 0 something went, 1 there was nothing (any more), -1.
 */
int link_drop_lane(struct store_txn *txn, const char *dest, struct bh_err *err);

/*
 * Forget a page of what is known of a sync to a destination; its marks stay, a push clears them.
 * 0 something went, 1 there was nothing (any more), -1.
 */
int link_drop_sync(struct store_txn *txn, const char *dest, const char *sync, size_t max,
    struct bh_err *err);

#define LINK_WATCH "Ly"

#endif
