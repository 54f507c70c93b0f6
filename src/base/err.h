/*
 * Errors belong to the caller: a code that says what the program may do about
 * it, and a sentence that says what happened, for the operator.  No
 * allocation, no global.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/base.h"

enum bh_code {
	BH_OK = 0,
	BH_INVALID,     /* the same input will fail again */
	BH_DENIED,      /* signature, token or permission refused */
	BH_CONFLICT,    /* somebody else changed it first */
	BH_LIMITED,     /* slow down; retry_after_s says how long */
	BH_UNAVAILABLE, /* the other side is down; try later */
	BH_UNCERTAIN,   /* it may have been done; look before redoing */
	BH_STORAGE,     /* our own disk or database failed */
	BH__MAX
};

struct bh_err {
	enum bh_code code;
	int retry_after_s; /* 0 when unknown */
	char text[240];    /* a sentence without secrets and without a full stop */
	/*
	 * How much of text is ours, when another's words follow that may quote a person's data;
	 * 0: all of it.  The log holds no more (bh_log_err()).
	 */
	size_t own_len;
	char word[40]; /* the other side's code, which may be logged; "" none */
};

#define BH_ERR_INIT                                                                                \
	{                                                                                          \
		BH_OK, 0, "", 0, ""                                                                \
	}

/*
 * Record a failure; err may be NULL.  A text longer than err->text is cut at
 * a UTF-8 character; bytes that are no UTF-8 become '?'.  Always returns -1, so that `return bh_fail(...)` reads well.
 */
int bh_fail(struct bh_err *err, enum bh_code code, const char *fmt, ...) BH_PRINTF(3, 4);

/* As bh_fail() for the last failed system call: appends strerror(errno). */
int bh_fail_errno(struct bh_err *err, enum bh_code code, const char *fmt, ...) BH_PRINTF(3, 4);

/*
 * Put what the caller was doing in front of err's text ("pushing invoice x:
 * ..."); the text itself is never replaced.  err may be NULL.  Returns -1.
 */
int bh_during(struct bh_err *err, const char *fmt, ...) BH_PRINTF(2, 3);

/*
 * The first own_len bytes of err's text are ours, what follows another said, whose code word is
 * (NULL: none).  own_len 0: all is ours.  err may be NULL.  Returns -1.
 */
int bh_quotes(struct bh_err *err, size_t own_len, const char *word);

/* A lower-case word for the code, for logs and JSON; never NULL. */
const char *bh_code_name(enum bh_code code);

#endif
