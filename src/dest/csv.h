/*
 * CSV (RFC 4180) as bulk APIs speak it: written value by value, read row by
 * row.  What a value means ("", "#N/A") is the driver's business.
 */
#ifndef DEST_CSV_H
#define DEST_CSV_H

#include "base/buf.h"

#define CSV_COLUMNS_MAX 5000
#define CSV_ROW_MAX ((size_t)4 * 1024 * 1024) /* bytes of a row's values */

/* Add one value, between quotes where it needs them; commas and line ends are the caller's. */
void csv_add(struct bh_buf *out, const char *text);

/*
 * Reads text that stays the caller's.  Lines end with LF or CRLF, any value
 * may stand between quotes, a byte order mark in front and empty lines are
 * skipped.  Refused: a quote inside a bare value, anything between a closing
 * quote and the comma, a value or quote that does not end, CR without LF, a
 * NUL, and a row with more or fewer values than the first.
 */
struct csv_reader {
	const char *at, *end;
	size_t line;        /* where the row began, counted from 1 */
	size_t next_line;   /* where the next one begins */
	size_t columns;     /* of the first row; 0: none was read */
	struct bh_buf text; /* the row's values, each with its NUL */
	size_t *starts;     /* where they begin in text */
	size_t n, cap;
};

void csv_open(struct csv_reader *reader, const char *text, size_t len);
void csv_release(struct csv_reader *reader);
/* 1 and the row's values, 0 at the end, -1 BH_INVALID naming the line. */
int csv_next(struct csv_reader *reader, struct bh_err *err);
/* The value of a column (0 to n - 1) of the row last read.  Borrowed until the next one. */
const char *csv_value(const struct csv_reader *reader, size_t column);
/* The column of the row last read (the heads) that has this name, case ignored; -1. */
int csv_column(const struct csv_reader *reader, const char *name);

#endif
