/*
 * Ordered keys: a key is a family letter, then parts, each text ended by a
 * NUL byte (so that "a","bc" and "ab","c" differ and sort by part) or a
 * number of 8 big-endian bytes.  Text parts hold no NUL.
 */
#ifndef STORE_KEY_H
#define STORE_KEY_H

#include "store/store.h"

struct key {
	size_t len;
	unsigned char data[STORE_KEY_MAX];
	bool too_long; /* a part did not fit: see key_check() */
};

void key_begin(struct key *key, const char *family);
void key_text(struct key *key, const char *text);
void key_u64(struct key *key, uint64_t value);
/* Bytes as they are; only as the last part. */
void key_raw(struct key *key, const void *data, size_t len);
int key_check(const struct key *key, struct bh_err *err);

/*
 * Delete a page of the entries of a family whose first part is text: 0 something
 * went, 1 there was nothing (any more), -1.
 */
int key_drop_page(struct store_txn *txn, const char *family, const char *text, struct bh_err *err);

/* Read back: start behind the family's bytes; each call takes one part, false when the key ends. */
struct key_reader {
	const char *at;
	size_t left;
};
void key_read(struct key_reader *reader, const void *key, size_t key_len, const char *family);
/* Borrowed from the key; NUL-terminated there. */
bool is_key_text(struct key_reader *reader, const char **text_r);
bool is_key_u64(struct key_reader *reader, uint64_t *value_r);

#endif
