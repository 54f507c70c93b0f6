/*
 * The token with which a monitoring system reads figures.  It is shown once,
 * when it is made; the store holds only its SHA-256.
 */
#ifndef STATE_MONITOR_H
#define STATE_MONITOR_H

#include "base/crypt.h"
#include "store/store.h"

#define MONITOR_TOKEN_LEN (2 * BH_ID_LEN)

/* Make a token; the one before it is of no use any more. */
void monitor_token_new(struct store_txn *txn, int64_t now_ms, char token[MONITOR_TOKEN_LEN + 1]);
void monitor_token_drop(struct store_txn *txn);
/* Is there one?  1 with when it was made, 0, -1. */
int monitor_token_made(struct store_txn *txn, int64_t *made_ms_r, struct bh_err *err);
/* Is it this one?  In a time that tells nothing of where it differs.  1, 0, -1. */
int monitor_is_token(struct store_txn *txn, const char *given, struct bh_err *err);

#endif
