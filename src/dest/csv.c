/* CSV: see csv.h. */
#include "base/base.h"

#include "dest/csv.h"

#include <assert.h>

#define MARK "\xef\xbb\xbf" /* byte order mark */

static bool
needs_quotes(const char *text)
{
	size_t len = strlen(text);

	if (len > 0 && (text[0] == ' ' || text[len - 1] == ' '))
		return true;
	return strpbrk(text, ",\"\r\n") != NULL;
}

void
csv_add(struct bh_buf *out, const char *text)
{
	if (!needs_quotes(text)) {
		bh_buf_adds(out, text);
		return;
	}
	bh_buf_addc(out, '"');
	for (;;) {
		size_t len = strcspn(text, "\"");

		bh_buf_add(out, text, len);
		if (text[len] == '\0')
			break;
		bh_buf_adds(out, "\"\"");
		text += len + 1;
	}
	bh_buf_addc(out, '"');
}

/* --- reading ------------------------------------------------------------ */

void
csv_open(struct csv_reader *reader, const char *text, size_t len)
{
	memset(reader, 0, sizeof(*reader));
	bh_buf_init(&reader->text, CSV_ROW_MAX);
	reader->next_line = 1;
	reader->at = text;
	reader->end = text + len;
	if (len >= strlen(MARK) && memcmp(text, MARK, strlen(MARK)) == 0)
		reader->at += strlen(MARK);
}

void
csv_release(struct csv_reader *reader)
{
	bh_buf_release(&reader->text);
	free(reader->starts);
	reader->starts = NULL;
	reader->n = reader->cap = 0;
}

static int
broken(const struct csv_reader *reader, const char *what, struct bh_err *err)
{
	return bh_fail(err, BH_INVALID, "line %zu of the CSV: %s", reader->line, what);
}

/* Length of the line end at the reader's place; 0 where there is none. */
static size_t
line_end(const struct csv_reader *reader)
{
	if (reader->at < reader->end && reader->at[0] == '\n')
		return 1;
	if (reader->end - reader->at >= 2 && memcmp(reader->at, "\r\n", 2) == 0)
		return 2;
	return 0;
}

/* Up to the comma or line end. */
static int
read_bare(struct csv_reader *reader, struct bh_err *err)
{
	const char *from = reader->at;

	while (reader->at < reader->end && *reader->at != ',' && line_end(reader) == 0) {
		if (*reader->at == '"')
			return broken(reader, "a quote stands inside a bare value", err);
		if (*reader->at == '\r' || *reader->at == '\0')
			return broken(reader, "a control character stands in a bare value", err);
		reader->at++;
	}
	bh_buf_add(&reader->text, from, (size_t)(reader->at - from));
	return 0;
}

/* The end of a run without quotes; counts the lines in it.  False at a NUL. */
static bool
has_run(struct csv_reader *reader)
{
	const char *from = reader->at;

	while (reader->at < reader->end && *reader->at != '"') {
		if (*reader->at == '\0')
			return false;
		reader->next_line += *reader->at == '\n';
		reader->at++;
	}
	bh_buf_add(&reader->text, from, (size_t)(reader->at - from));
	return true;
}

/* Behind the opening quote, up to the closing one. */
static int
read_quoted(struct csv_reader *reader, struct bh_err *err)
{
	for (;;) {
		if (!has_run(reader))
			return broken(reader, "a NUL stands in a value", err);
		if (reader->at == reader->end)
			return broken(reader, "a quote is not closed", err);
		reader->at++;
		if (reader->at == reader->end || *reader->at != '"')
			break;
		bh_buf_addc(&reader->text, '"');
		reader->at++;
	}
	if (reader->at < reader->end && *reader->at != ',' && line_end(reader) == 0)
		return broken(reader, "text stands behind a closing quote", err);
	return 0;
}

static int
read_value(struct csv_reader *reader, struct bh_err *err)
{
	bool quoted = reader->at < reader->end && *reader->at == '"';

	if (reader->n == CSV_COLUMNS_MAX)
		return broken(reader, "there are too many columns", err);
	if (reader->n == reader->cap) {
		reader->cap = reader->cap * 2 + 16;
		reader->starts =
		    bh_xrealloc(reader->starts, reader->cap * sizeof(reader->starts[0]));
	}
	reader->starts[reader->n++] = reader->text.len;
	reader->at += quoted;
	if ((quoted ? read_quoted(reader, err) : read_bare(reader, err)) < 0)
		return -1;
	bh_buf_addc(&reader->text, '\0');
	return reader->text.full ? broken(reader, "the row is too large", err) : 0;
}

static void
skip_empty_lines(struct csv_reader *reader)
{
	size_t len;

	while ((len = line_end(reader)) > 0) {
		reader->at += len;
		reader->next_line++;
	}
}

int
csv_next(struct csv_reader *reader, struct bh_err *err)
{
	bh_buf_reset(&reader->text);
	reader->n = 0;
	skip_empty_lines(reader);
	reader->line = reader->next_line;
	if (reader->at == reader->end)
		return 0;
	for (;;) {
		if (read_value(reader, err) < 0)
			return -1;
		if (reader->at == reader->end || *reader->at != ',')
			break;
		reader->at++;
	}
	if (reader->at < reader->end)
		reader->next_line++;
	reader->at += line_end(reader);
	if (reader->columns == 0)
		reader->columns = reader->n;
	if (reader->n != reader->columns)
		return broken(reader, "it has not as many values as the first", err);
	return 1;
}

const char *
csv_value(const struct csv_reader *reader, size_t column)
{
	assert(column < reader->n);
	return reader->text.data + reader->starts[column];
}

int
csv_column(const struct csv_reader *reader, const char *name)
{
	for (size_t i = 0; i < reader->n; i++) {
		if (strcasecmp(csv_value(reader, i), name) == 0)
			return (int)i;
	}
	return -1;
}
