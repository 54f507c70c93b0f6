/* Inside store/: what a transaction holds, and committing it under a given id. */
#ifndef STORE_TXN_H
#define STORE_TXN_H

#include "store/engine.h"

struct store {
	const struct store_engine *engine;
	void *handle;
};

struct store_txn {
	struct store *store;
	struct bh_buf checks, ops; /* encoded as the commit carries them */
	uint32_t checks_n, ops_n;
	/* Own writes by key: a hash table of offsets into ops, plus one. */
	uint32_t *writes;
	uint32_t writes_n, writes_cap;
	struct txn_memory *memory; /* answers whose bytes were lent to the caller */
	bool too_large;            /* a key, a value or the whole is over its limit */
	bool has_id;               /* id and first_sent_ms are set: a commit was tried */
	unsigned char id[WIRE_ID_LEN];
	int64_t first_sent_ms;
};

/* Give the next commit this id instead of a random one. */
void txn_set_id(struct store_txn *txn, const unsigned char id[WIRE_ID_LEN]);
/* As store_commit(), with a stamp above floor, and also without writes. */
int txn_commit(struct store_txn *txn, uint64_t floor, uint64_t *stamp_r, struct bh_err *err);

#endif
