/*
 * The first run: before there is a user, who makes the first administrator has
 * to know a code that stands in a file of the data directory.  And whether
 * people have put the list of first steps away.
 *
 *   state of the code | moves to
 *   none              | there, when somebody wants to make the first user
 *   there             | none, when the user is made
 */
#ifndef STATE_FIRST_H
#define STATE_FIRST_H

#include "store/store.h"

#define FIRST_CODE_FILE "setup-code"
#define FIRST_CODE_LEN 20  /* letters and digits that count */
#define FIRST_CODE_TEXT 24 /* as it is written: four groups, and a NUL */

/* Is there no user yet?  1, 0, -1. */
int first_is_open(struct store_txn *txn, struct bh_err *err);

/*
 * The code in data_dir/setup-code (mode 0600), made when it is absent: 1 made, 0 it was
 * there, -1.  code may be NULL.
 */
int first_code(const char *data_dir, char code[FIRST_CODE_TEXT], struct bh_err *err);
/* Is this the code, whatever its case and the characters between? */
bool first_is_code(const char *data_dir, const char *given);
void first_code_drop(const char *data_dir);

/* The list of first steps is not offered any more. */
void first_put_away(struct store_txn *txn);
/* 1, 0, -1 */
int first_is_away(struct store_txn *txn, struct bh_err *err);

/*
 * Where the store holds no more than what `billhook init` and waiting for a first connection
 * leave there (users, their sessions, the trail, jobs), it is emptied: 1.  0: it holds more, or nothing; -1.
 */
int first_clear(struct store_txn *txn, struct bh_err *err);

#endif
