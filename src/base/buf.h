/*
 * Memory: allocation that cannot fail, growing buffers with a ceiling, and
 * secrets that are wiped.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>

#include "base/err.h"

/* Never return NULL: no memory ends the process (leased work comes back). */
void *bh_xmalloc(size_t size);
void *bh_xcalloc(size_t n, size_t size);
void *bh_xrealloc(void *ptr, size_t size);
char *bh_xstrdup(const char *text);
char *bh_xstrndup(const char *text, size_t len);
char *bh_xasprintf(const char *fmt, ...) BH_PRINTF(1, 2);

/*
 * A growing byte buffer.  data is always NUL-terminated behind len once
 * something was added (NULL before).  Adding beyond max sets full and drops
 * what was added; full stays set until bh_buf_reset(), so that a caller may
 * check once at the end with bh_buf_check().
 */
struct bh_buf {
	char *data;
	size_t len;
	size_t cap;
	size_t max;
	bool full;
};

#define BH_BUF_INIT(ceiling)                                                                       \
	{                                                                                          \
		NULL, 0, 0, (ceiling), false                                                       \
	}

void bh_buf_init(struct bh_buf *buf, size_t max);
/* Frees the contents; the buffer may be used again with the same ceiling. */
void bh_buf_release(struct bh_buf *buf);
/* As bh_buf_release(), wiping the bytes first. */
void bh_buf_wipe(struct bh_buf *buf);
/* Empties the buffer and keeps its memory. */
void bh_buf_reset(struct bh_buf *buf);
void bh_buf_add(struct bh_buf *buf, const void *data, size_t len);
void bh_buf_adds(struct bh_buf *buf, const char *text);
void bh_buf_addc(struct bh_buf *buf, char c);
void bh_buf_addf(struct bh_buf *buf, const char *fmt, ...) BH_PRINTF(2, 3);
void bh_buf_vaddf(struct bh_buf *buf, const char *fmt, va_list ap) BH_PRINTF(2, 0);
/* Room for len more bytes at data+len (the caller then raises len); NULL when beyond the ceiling. */
char *bh_buf_room(struct bh_buf *buf, size_t len);
/* Remove len bytes from the front. */
void bh_buf_shift(struct bh_buf *buf, size_t len);
/* The text, "" when empty; borrowed. */
const char *bh_buf_str(const struct bh_buf *buf);
/* The contents, owned by the caller; the buffer is empty afterwards. */
char *bh_buf_steal(struct bh_buf *buf);
/* -1 with BH_INVALID "<what> is larger than N bytes" when the ceiling was met. */
int bh_buf_check(const struct bh_buf *buf, const char *what, struct bh_err *err);

/* A secret: NUL-terminated, wiped on release, never printed. */
struct bh_secret {
	char *data;
	size_t len;
};

#define BH_SECRET_INIT                                                                             \
	{                                                                                          \
		NULL, 0                                                                            \
	}

void bh_secret_set(struct bh_secret *secret, const void *data, size_t len);
void bh_secret_release(struct bh_secret *secret);
/* The text, "" when unset; borrowed. */
const char *bh_secret_str(const struct bh_secret *secret);
/* Wipe memory in a way that the compiler keeps. */
void bh_wipe(void *data, size_t len);

#endif
