/*
 * See multipart.h.
 *
 *   --boundary CRLF
 *   Content-Disposition: form-data; name="document"; filename="a.json" CRLF
 *   Content-Type: application/json CRLF
 *   CRLF
 *   the contents CRLF
 *   --boundary-- CRLF
 *
 * In names a browser writes %22, %0D and %0A for a quote and a line's end, and
 * nothing else is escaped (HTML, "Multipart form data").
 */
#include "base/base.h"

#include "web/multipart.h"

#include <strings.h>

#include "base/text.h"

static const char type_wanted[] = "multipart/form-data";

/* What is left of the body. */
struct reader {
	const char *at, *end;
	char delimiter[MULTIPART_BOUNDARY_MAX + 5]; /* "\r\n--boundary" */
	size_t delimiter_len;
	struct request_fields *fields;
};

struct part {
	char name[MULTIPART_NAME_MAX + 1]; /* "" before it is known */
	bool is_file;
};

bool
multipart_is(const char *content_type)
{
	size_t len = strlen(type_wanted);

	return strncasecmp(content_type, type_wanted, len) == 0 &&
	       strchr("; ", content_type[len]) != NULL;
}

/* -- the boundary -- */

static bool
is_boundary(const char *text, size_t len)
{
	static const char others[] = "'()+_,-./:=? ";

	for (size_t i = 0; i < len; i++) {
		bool is_word = (text[i] >= '0' && text[i] <= '9') ||
			       (text[i] >= 'A' && text[i] <= 'Z') ||
			       (text[i] >= 'a' && text[i] <= 'z');

		if (!is_word && (text[i] == '\0' || strchr(others, text[i]) == NULL))
			return false;
	}
	return len > 0 && len <= MULTIPART_BOUNDARY_MAX && text[len - 1] != ' ';
}

static bool
is_boundary_taken(struct reader *reader, const char *content_type)
{
	const char *at = strchr(content_type, ';');
	size_t len;

	while (at != NULL) {
		at += 1 + strspn(at + 1, " \t");
		if (strncasecmp(at, "boundary=", 9) == 0)
			break;
		at = strchr(at, ';');
	}
	if (at == NULL)
		return false;
	at += 9;
	len = *at == '"' ? strcspn(++at, "\"") : strcspn(at, "; \t");
	if (!is_boundary(at, len))
		return false;
	reader->delimiter_len = (size_t)snprintf(reader->delimiter, sizeof(reader->delimiter),
	    "\r\n--%.*s", (int)len, at);
	return true;
}

/* -- the head of a part -- */

/* The next parameter of a header, name="value"; false: there is none, or it is written otherwise. */
static bool
is_parameter(const char **at, const char *end, const char *name, const char **value_r,
    size_t *len_r)
{
	size_t len = strlen(name);
	const char *from = *at, *quote;

	if ((size_t)(end - from) < len + 5 || memcmp(from, "; ", 2) != 0 ||
	    memcmp(from + 2, name, len) != 0 || memcmp(from + 2 + len, "=\"", 2) != 0)
		return false;
	from += len + 4;
	quote = memchr(from, '"', (size_t)(end - from));
	if (quote == NULL)
		return false;
	*value_r = from;
	*len_r = (size_t)(quote - from);
	*at = quote + 1;
	return true;
}

static bool
is_disposition(struct part *part, const char *line, const char *end)
{
	static const char wanted[] = "form-data";
	const char *value;
	struct bh_buf name = BH_BUF_INIT(MULTIPART_NAME_MAX);
	size_t len;
	bool is_good;

	if (part->name[0] != '\0' || (size_t)(end - line) < sizeof(wanted) - 1 ||
	    memcmp(line, wanted, sizeof(wanted) - 1) != 0)
		return false;
	line += sizeof(wanted) - 1;
	if (!is_parameter(&line, end, "name", &value, &len) || len == 0 || len > MULTIPART_NAME_MAX)
		return false;
	bh_percent_decode(&name, value, len, false);
	is_good = bh_is_utf8(bh_buf_str(&name), name.len) &&
		  strlen(bh_buf_str(&name)) == name.len && name.len > 0;
	if (is_good)
		memcpy(part->name, bh_buf_str(&name), name.len + 1);
	bh_buf_release(&name);
	part->is_file = is_good && is_parameter(&line, end, "filename", &value, &len);
	return is_good && line == end;
}

/* One header: where the file names its type counts for nothing, another encoding is not taken. */
static bool
is_header(struct part *part, const char *line, const char *end)
{
	static const char disposition[] = "Content-Disposition: ";
	static const char type[] = "Content-Type: ";
	size_t len = (size_t)(end - line);

	if (len >= sizeof(disposition) - 1 &&
	    strncasecmp(line, disposition, sizeof(disposition) - 1) == 0)
		return is_disposition(part, line + sizeof(disposition) - 1, end);
	return len >= sizeof(type) - 1 && strncasecmp(line, type, sizeof(type) - 1) == 0;
}

/* The lines up to the empty one. */
static bool
is_head(struct reader *reader, struct part *part)
{
	*part = (struct part){.is_file = false};
	for (int n = 0; n <= MULTIPART_HEADERS_MAX; n++) {
		const char *end = memmem(reader->at, (size_t)(reader->end - reader->at), "\r\n", 2);
		const char *line = reader->at;

		if (end == NULL || end - line > MULTIPART_LINE_MAX)
			return false;
		reader->at = end + 2;
		if (end == line)
			return part->name[0] != '\0';
		if (!is_header(part, line, end))
			return false;
	}
	return false;
}

/* -- its contents -- */

static bool
is_taken(struct reader *reader, const struct part *part, const char *value, size_t len)
{
	static const char mark[] = "\xef\xbb\xbf";

	if (part->is_file && len >= 3 && memcmp(value, mark, 3) == 0) {
		value += 3;
		len -= 3;
	}
	if (!bh_is_utf8(value, len) || memchr(value, '\0', len) != NULL)
		return false;
	request_field_add(reader->fields, bh_xstrdup(part->name), bh_xstrndup(value, len));
	return true;
}

static int
read_part(struct reader *reader, struct bh_err *err)
{
	struct part part;
	const char *value, *end;

	if (reader->fields->n == REQUEST_FIELDS_MAX)
		return bh_fail(err, BH_INVALID, "more than %d fields", REQUEST_FIELDS_MAX);
	if (!is_head(reader, &part))
		return bh_fail(err, BH_INVALID,
		    "a part of the form has no head that is understood");
	value = reader->at;
	end =
	    memmem(value, (size_t)(reader->end - value), reader->delimiter, reader->delimiter_len);
	if (end == NULL)
		return bh_fail(err, BH_INVALID, "a part of the form has no end");
	if (!is_taken(reader, &part, value, (size_t)(end - value)))
		return bh_fail(err, BH_INVALID, "a field is not UTF-8 text");
	reader->at = end + reader->delimiter_len;
	return 0;
}

/* Behind a delimiter: 1 a part follows, 0 it was the last, -1. */
static int
go_on(struct reader *reader, struct bh_err *err)
{
	size_t left = (size_t)(reader->end - reader->at);

	if (left >= 2 && memcmp(reader->at, "\r\n", 2) == 0) {
		reader->at += 2;
		return 1;
	}
	if ((left == 2 && memcmp(reader->at, "--", 2) == 0) ||
	    (left == 4 && memcmp(reader->at, "--\r\n", 4) == 0))
		return 0;
	return bh_fail(err, BH_INVALID, "the form does not end as it should");
}

int
multipart_parse(struct request_fields *fields, const char *content_type, const char *body,
    size_t len, struct bh_err *err)
{
	struct reader reader = {.at = body, .end = body + len, .fields = fields};
	int rc;

	*fields = (struct request_fields){NULL, 0};
	if (!is_boundary_taken(&reader, content_type))
		return bh_fail(err, BH_INVALID, "the form names no boundary that can be used");
	/* The first one has no line before it. */
	if (len < reader.delimiter_len - 2 ||
	    memcmp(body, reader.delimiter + 2, reader.delimiter_len - 2) != 0)
		return bh_fail(err, BH_INVALID, "the form does not begin with its boundary");
	reader.at += reader.delimiter_len - 2;
	while ((rc = go_on(&reader, err)) > 0 && (rc = read_part(&reader, err)) == 0)
		continue;
	if (rc < 0)
		request_fields_release(fields);
	return rc;
}
