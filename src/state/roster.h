/*
 * The list of customers, of whatever connection: by name, by MRR, by the words
 * that people search for; and the last events of each.  Kept in the commits
 * that change the customers.
 */
#ifndef STATE_ROSTER_H
#define STATE_ROSTER_H

#include "state/mirror.h"

/* A customer as the list shows it.  NULL fields: it is not listed (unknown, deleted, erased). */
struct roster_view {
	const json_t *fields;  /* canonical */
	const json_t *derived; /* FIELD_DERIVED ones; may be NULL */
};
/* It was listed as `was` and is now listed as `now`; is_again: entries of now are put though they stand. */
void roster_move(struct store_txn *txn, const struct mirror_id *customer,
    const struct roster_view *was, const struct roster_view *now, bool is_again);
/* The same where the customer itself is as it was, and only what is worked out may differ. */
void roster_move_derived(struct store_txn *txn, const struct mirror_id *customer, const json_t *was,
    const json_t *now);

/* As people know a customer: its name, else what comes next to it, else id.  Borrowed from the arguments. */
const char *roster_title(const json_t *fields, const char *id);

#define ROSTER_SEARCH_MAX 64 /* bytes of a search that count */
struct roster_query {
	const char *currency; /* by MRR in it, the largest first; NULL: by name */
	/*
	 * Only those of whom a name, a word of the name, an e-mail address, an external id (in
	 * any case of letters) or the id begins so: in this order; then currency is NULL.  "" or NULL: all.
	 */
	const char *search;
};
/*
 * At most max customers behind *after (empty at first).  One that fits in two ways may be told
 * twice; one found by its id may be deleted.  *more_r: others may follow.
 */
int roster_list(struct store_txn *txn, const struct roster_query *query, size_t max,
    struct bh_buf *after,
    int (*each)(void *arg, const struct mirror_id *customer, struct bh_err *err), void *arg,
    bool *more_r, struct bh_err *err);
/* Currencies of which there is MRR, at most max: array of texts (new reference). */
int roster_currencies(struct store_txn *txn, size_t max, json_t **list_r, struct bh_err *err);

/* -- events -- */

#define ROSTER_EVENTS_MAX 32
struct roster_event {
	struct mirror_id customer; /* strings are borrowed */
	uint64_t stamp;            /* of the journal */
};
/* These events, in order of time, changed something of these customers: the last ones of each are kept. */
int roster_note_events(struct store_txn *txn, const struct roster_event *events, size_t n,
    struct bh_err *err);
/* Newest first; some may be gone from the journal. */
int roster_events(struct store_txn *txn, const struct mirror_id *customer,
    uint64_t stamps[ROSTER_EVENTS_MAX], size_t *n_r, struct bh_err *err);

/* Leave nothing of a customer, listed as was. */
void roster_erase(struct store_txn *txn, const struct mirror_id *customer,
    const struct roster_view *was);

#endif
