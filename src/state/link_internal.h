/* Shared by the files about links; nobody else includes it. */
#ifndef STATE_LINK_INTERNAL_H
#define STATE_LINK_INTERNAL_H

#include "state/link.h"
#include "store/key.h"

/* <family> <dest> <sync> <object> <account> <id> */
void link_key(struct key *key, const char *family, const struct link_id *id);
/* <family> <dest> */
void link_key_lane(struct key *key, const char *family, const char *dest);
bool is_link_rank(struct key_reader *reader, int *rank_r);

void link_decode(const char *value, size_t len, uint64_t version, struct link *link);

/* Of a lane, and within it of each mapped object: {"<sync>/<object>": {"clean": n ...}}. */
struct link_tally {
	int64_t by_state[LINK__MAX];
	json_t *objects; /* owned */
};
/* To be released whatever it returns. */
int link_counts(struct store_txn *txn, const char *dest, bool checked, struct link_tally *counts,
    struct bh_err *err);
void link_counts_release(struct link_tally *counts);
/* One link more, or less, in this state. */
void link_count(struct link_tally *counts, const struct link_id *id, enum link_state state, int by);
/* Stored and released. */
void link_counts_put(struct store_txn *txn, const char *dest, struct link_tally *counts);
/* For a step that is counted by itself: a link was (NULL: was not there), and is now (NULL: is not). */
int link_count_one(struct store_txn *txn, const struct link_id *id, const struct link *was,
    const struct link *now, struct bh_err *err);

void link_put(struct store_txn *txn, const struct key *key, const struct link *link);
/* It stands in no list of what needs a person any more: the indexes, its cause, its candidates. */
int link_unlist(struct store_txn *txn, const struct link_id *id, const struct link *was,
    const struct link *link, struct bh_err *err);

/* A member of a stored document; zero is left out. */
void link_set_number(json_t *doc, const char *name, int64_t value);

#endif
