/*
 * Inside state/: the stored forms of the journal, for the files that share
 * them: journal.c writes and reads events, retain.c removes and blanks them.
 */
#ifndef STATE_JOURNAL_INTERNAL_H
#define STATE_JOURNAL_INTERNAL_H

#include "state/journal.h"
#include "store/key.h"

/* What stands in the place of a body that was erased. */
#define JOURNAL_ERASED "{\"erased\":true}"

/* The cursor and what stands beside it. */
struct journal_cursor {
	uint64_t stamp; /* of the last event handled; 0: none yet */
	struct journal_pace pace;
	int64_t bytes; /* of all events handled so far, whether or not they are kept */
};
/* 1, 0 nothing was handled yet (zeroed), -1. */
int journal_cursor_read(struct store_txn *txn, bool checked, struct journal_cursor *cursor,
    struct bh_err *err);
void journal_cursor_put(struct store_txn *txn, const struct journal_cursor *cursor);

/* An event's value; entry->headers NULL: none. */
void journal_encode(struct bh_buf *out, const struct journal_entry *entry);
/* Fields borrowed from value; headers stay text. */
int journal_decode(const char *value, size_t len, struct journal_entry *entry,
    const char **headers_r, struct bh_err *err);
bool journal_is_erased(const struct journal_entry *entry);

void journal_key_index(struct key *key, const char *connection, const char *id);
void journal_key_stamp(struct key *key, const char *family, uint64_t stamp);
/* The stamp in a key of a family of two letters. */
uint64_t journal_stamp_of(const char *key, size_t len);

#endif
