/* JSON: see json.h. */
#include "base/base.h"

#include "base/json.h"

#include <errno.h>
#include <math.h>

#include "base/text.h"

#define DUMP_FLAGS (JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15))

/* Deepest nesting of brackets outside strings; jansson's own limit is a constant of its build. */
static size_t
nesting(const char *text, size_t len)
{
	size_t depth = 0, deepest = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > deepest)
				deepest = depth;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return deepest;
}

static int
parse(const char *text, size_t len, size_t flags, json_t **json_r, struct bh_err *err)
{
	json_error_t why;

	*json_r = NULL;
	if (nesting(text, len) > BH_JSON_DEPTH)
		return bh_fail(err, BH_INVALID, "JSON is nested deeper than %d levels",
		    BH_JSON_DEPTH);
	*json_r = json_loadb(text, len, JSON_DECODE_ANY | flags, &why);
	if (*json_r == NULL && json_error_code(&why) == json_error_duplicate_key)
		return bh_fail(err, BH_INVALID,
		    "at line %d, column %d a member stands a second time in its object", why.line,
		    why.column);
	if (*json_r == NULL)
		return bh_fail(err, BH_INVALID, "JSON breaks at line %d, column %d: %s", why.line,
		    why.column, why.text);
	return 0;
}

int
bh_json_parse(const char *text, size_t len, json_t **json_r, struct bh_err *err)
{
	return parse(text, len, 0, json_r, err);
}

int
bh_json_parse_once(const char *text, size_t len, json_t **json_r, struct bh_err *err)
{
	return parse(text, len, JSON_REJECT_DUPLICATES, json_r, err);
}

int
bh_json_read(const char *path, size_t max, json_t **json_r, struct bh_err *err)
{
	struct bh_buf text = BH_BUF_INIT(max);
	FILE *file = fopen(path, "re");
	char chunk[8192];
	size_t n;
	int rc = -1;

	*json_r = NULL;
	if (file == NULL)
		return bh_fail_errno(err, BH_INVALID, "cannot open %s", path);
	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		bh_buf_add(&text, chunk, n);
	if (ferror(file))
		bh_fail_errno(err, BH_STORAGE, "cannot read %s", path);
	else if (bh_buf_check(&text, path, err) == 0)
		rc = bh_json_parse(bh_buf_str(&text), text.len, json_r, err);
	if (rc < 0 && *json_r == NULL && !text.full)
		bh_during(err, "%s", path);
	fclose(file);
	bh_buf_release(&text);
	return rc;
}

char *
bh_json_text(const json_t *json)
{
	char *text = json_dumps(json, DUMP_FLAGS);

	return text != NULL ? text : bh_xstrdup("null");
}

static int
add_piece(const char *piece, size_t len, void *arg)
{
	bh_buf_add(arg, piece, len);
	return 0;
}

void
bh_json_add(struct bh_buf *out, const json_t *json)
{
	json_dump_callback(json, add_piece, out, DUMP_FLAGS);
}

json_t *
bh_json_string(const char *text)
{
	json_t *json = json_string(text);
	char *copy;

	if (json != NULL)
		return json;
	copy = bh_xstrdup(text);
	bh_utf8_mend(copy, true);
	json = json_string(copy);
	free(copy);
	return json;
}

json_t *
bh_json_at(const json_t *json, const char *path)
{
	const json_t *at = json;

	while (at != NULL && *path != '\0') {
		size_t len = strcspn(path, ".");
		uint64_t index;

		if (json_is_object(at)) {
			char name[256];

			if (len >= sizeof(name))
				return NULL;
			memcpy(name, path, len);
			name[len] = '\0';
			at = json_object_get(at, name);
		} else if (json_is_array(at) && bh_is_uint(path, len, UINT32_MAX, &index)) {
			at = json_array_get(at, (size_t)index);
		} else {
			return NULL;
		}
		path += len;
		if (*path == '.')
			path++;
	}
	/* jansson's own getters take const and give non-const in the same way. */
	return (json_t *)(uintptr_t)at;
}

const char *
bh_json_str(const json_t *json, const char *path)
{
	return json_string_value(bh_json_at(json, path));
}

bool
bh_is_json_int(const json_t *json, const char *path, int64_t *value_r)
{
	const json_t *at = bh_json_at(json, path);
	double real;

	if (json_is_integer(at)) {
		*value_r = json_integer_value(at);
		return true;
	}
	if (!json_is_real(at))
		return false;
	real = json_real_value(at);
	if (!(fabs(real) < 9007199254740992.0) || floor(real) < real)
		return false;
	*value_r = (int64_t)real;
	return true;
}

int64_t
bh_json_int(const json_t *json, const char *path, int64_t fallback)
{
	int64_t value;

	return bh_is_json_int(json, path, &value) ? value : fallback;
}

bool
bh_is_json_true(const json_t *json, const char *path)
{
	return json_is_true(bh_json_at(json, path));
}

/* The end of the string that starts behind text[i] == '"', or len. */
static size_t
string_end(const char *text, size_t len, size_t i, bool *escaped_r)
{
	*escaped_r = false;
	for (i++; i < len && text[i] != '"'; i++) {
		if (text[i] == '\\') {
			*escaped_r = true;
			i++;
		}
	}
	return i;
}

static size_t
skip_space(const char *text, size_t len, size_t i)
{
	while (i < len && (text[i] == ' ' || text[i] == '\t' || text[i] == '\n' || text[i] == '\r'))
		i++;
	return i;
}

/* What a JSON string may hold without escapes. */
static bool
is_plain(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20)
			return false;
	return bh_is_utf8(text, len);
}

bool
bh_is_json_scanned(const char *text, size_t len, const char *member, char *out, size_t size)
{
	size_t member_len = strlen(member), depth = 0;
	size_t start = skip_space(text, len, 0);

	if (start >= len || text[start] != '{')
		return false;
	for (size_t i = start; i < len; i++) {
		bool escaped;
		size_t end, value;

		if (text[i] == '{' || text[i] == '[') {
			depth++;
			continue;
		}
		if (text[i] == '}' || text[i] == ']') {
			if (depth-- <= 1)
				return false;
			continue;
		}
		if (text[i] != '"')
			continue;
		end = string_end(text, len, i, &escaped);
		value = skip_space(text, len, end + 1);
		if (depth != 1 || value >= len || text[value] != ':' || end - i - 1 != member_len ||
		    memcmp(text + i + 1, member, member_len) != 0) {
			i = end;
			continue;
		}
		value = skip_space(text, len, value + 1);
		if (value >= len || text[value] != '"')
			return false;
		end = string_end(text, len, value, &escaped);
		if (end >= len || escaped || end - value - 1 >= size ||
		    !is_plain(text + value + 1, end - value - 1))
			return false;
		memcpy(out, text + value + 1, end - value - 1);
		out[end - value - 1] = '\0';
		return true;
	}
	return false;
}

void
bh_json_copy(char *to, size_t size, const json_t *json, const char *path)
{
	const char *text = bh_json_str(json, path);

	snprintf(to, size, "%s", text != NULL ? text : "");
}

void
bh_json_below(char *out, size_t size, const char *path, const char *name)
{
	struct bh_buf text = BH_BUF_INIT(size - 1);

	bh_buf_adds(&text, path);
	bh_buf_addc(&text, '/');
	for (; *name != '\0'; name++)
		if (*name == '~' || *name == '/')
			bh_buf_adds(&text, *name == '~' ? "~0" : "~1");
		else
			bh_buf_addc(&text, *name);
	snprintf(out, size, "%s", bh_buf_str(&text));
	bh_utf8_mend(out, text.full);
	bh_buf_release(&text);
}
