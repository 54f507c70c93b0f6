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

struct link_counts_by_state {
	int64_t by_state[LINK__MAX];
};
int link_counts(struct store_txn *txn, const char *dest, bool checked,
    struct link_counts_by_state *counts, struct bh_err *err);

/* A member of a stored document; zero is left out. */
void link_set_number(json_t *doc, const char *name, int64_t value);

#endif
