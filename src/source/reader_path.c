/* The reader: paths, and conditions over what they lead to.  See reader.h. */
#include "base/base.h"

#include "base/clock.h"
#include "base/text.h"
#include "source/read.h"
#include "source/reader_internal.h"

#define SECONDS_MAX INT64_C(100000000000) /* above it a number of a time is milliseconds */

/* One step of a pointer, "~1" for "/" and "~0" for "~", into out; false when an escape is wrong. */
static bool
is_step_read(char out[READER_PATH_MAX], const char *step, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n + 1 < READER_PATH_MAX; i++) {
		char c = step[i];

		if (c == '~') {
			i++;
			if (i == len || (step[i] != '0' && step[i] != '1'))
				return false;
			c = step[i] == '0' ? '~' : '/';
		}
		out[n++] = c;
	}
	out[n] = '\0';
	return true;
}

static const json_t *
take_step(const json_t *at, const char *step)
{
	uint64_t index;

	if (json_is_object(at))
		return json_object_get(at, step);
	if (!json_is_array(at) || !bh_is_uint(step, strlen(step), UINT32_MAX, &index))
		return NULL;
	return json_array_get(at, (size_t)index);
}

/* RFC 6901; pointer starts with "/". */
static const json_t *
walk_pointer(const json_t *at, const char *pointer)
{
	char step[READER_PATH_MAX];

	while (at != NULL && *pointer == '/') {
		size_t len = strcspn(++pointer, "/");

		if (!is_step_read(step, pointer, len))
			return NULL;
		at = take_step(at, step);
		pointer += len;
	}
	return at;
}

const json_t *
reader_at(const json_t *body, const json_t *hand, const char *path)
{
	if (path[0] == '/')
		return walk_pointer(body, path);
	if (path[0] == '.' && path[1] == '/')
		return walk_pointer(hand, path + 1);
	return bh_json_at(hand, path);
}

bool
is_reader_path(const char *path)
{
	char step[READER_PATH_MAX];

	if (*path == '\0' || strlen(path) >= READER_PATH_MAX)
		return false;
	if (path[0] == '/' || bh_has_prefix(path, "./"))
		return is_step_read(step, path, strlen(path));
	return path[0] != '.' && !bh_has_suffix(path, ".") && strstr(path, "..") == NULL;
}

static bool
has_prefix_of(const json_t *value, const json_t *prefixes)
{
	const char *text = json_string_value(value);
	size_t i;
	json_t *prefix;

	if (prefixes == NULL)
		return true;
	if (text == NULL)
		return false;
	if (json_is_string(prefixes))
		return bh_has_prefix(text, json_string_value(prefixes));
	json_array_foreach ((json_t *)(uintptr_t)prefixes, i, prefix)
		if (json_is_string(prefix) && bh_has_prefix(text, json_string_value(prefix)))
			return true;
	return false;
}

static const json_t *
find_one(const struct reading *reading, const json_t *path)
{
	const char *text =
	    json_is_object(path) ? bh_json_str(path, "path") : json_string_value(path);
	const json_t *value;

	if (text == NULL || !is_reader_met(reading, json_object_get(path, "when")))
		return NULL;
	value = reader_at(reading->news->body, reading->hand, text);
	if (!json_is_null(value) && !has_prefix_of(value, json_object_get(path, "prefix")))
		return NULL;
	return value;
}

const json_t *
reader_find(const struct reading *reading, const json_t *paths, bool *null_r)
{
	size_t n = json_is_array(paths) ? json_array_size(paths) : 1;

	*null_r = false;
	for (size_t i = 0; paths != NULL && i < n && i < READER_PATHS_MAX; i++) {
		const json_t *value =
		    find_one(reading, json_is_array(paths) ? json_array_get(paths, i) : paths);

		if (value != NULL && !json_is_null(value))
			return value;
		*null_r = *null_r || value != NULL;
	}
	return NULL;
}

bool
is_reader_pattern(const char *pattern, const char *word)
{
	size_t len = strlen(pattern);

	if (len > 0 && pattern[len - 1] == '*')
		return strncmp(pattern, word, len - 1) == 0;
	return strcmp(pattern, word) == 0;
}

/* value is one of wanted, or is it. */
static bool
is_among(const json_t *value, const json_t *wanted)
{
	size_t i;
	json_t *one;

	if (value == NULL)
		value = json_null();
	if (!json_is_array(wanted))
		return json_equal(value, wanted);
	json_array_foreach ((json_t *)(uintptr_t)wanted, i, one)
		if (json_equal(value, one))
			return true;
	return false;
}

static bool
is_type_met(const struct reading *reading, const json_t *patterns)
{
	const char *type = reading->news->event->type;
	size_t i;
	json_t *pattern;

	if (json_is_string(patterns))
		return is_reader_pattern(json_string_value(patterns), type);
	json_array_foreach ((json_t *)(uintptr_t)patterns, i, pattern)
		if (json_is_string(pattern) && is_reader_pattern(json_string_value(pattern), type))
			return true;
	return false;
}

/* "present" and "where" take no conditions of their own: nothing here calls itself without end. */
bool
is_reader_met(const struct reading *reading, const json_t *condition)
{
	const json_t *type = json_object_get(condition, "type");
	const json_t *present = json_object_get(condition, "present");
	const char *path;
	json_t *wanted;
	size_t n = json_is_array(present) ? json_array_size(present) : 1;
	bool found = present == NULL;

	if (type != NULL && !is_type_met(reading, type))
		return false;
	for (size_t i = 0; !found && i < n && i < READER_PATHS_MAX; i++) {
		const char *text = json_string_value(
		    json_is_array(present) ? json_array_get(present, i) : present);
		const json_t *value =
		    text != NULL ? reader_at(reading->news->body, reading->hand, text) : NULL;

		found = value != NULL && !json_is_null(value);
	}
	json_object_foreach (json_object_get(condition, "where"), path, wanted)
		found =
		    found && is_among(reader_at(reading->news->body, reading->hand, path), wanted);
	return found;
}

bool
is_reader_time(const json_t *value, int64_t *at_ms_r)
{
	static const struct money_decimal thousand = {1000, 0};
	struct money_decimal number;
	int64_t at_ms;
	char text[BH_CLOCK_TEXT];

	if (json_is_string(value) && bh_is_time(json_string_value(value), at_ms_r))
		return true;
	if (value == NULL || !is_source_decimal(value, &number))
		return false;
	if (!is_money_rounded(&number, &at_ms))
		return false;
	if (at_ms < SECONDS_MAX && at_ms > -SECONDS_MAX &&
	    (!is_money_multiplied(&number, &thousand, &number) ||
		!is_money_rounded(&number, &at_ms)))
		return false;
	/* Only what can be written again: the years 1 to 9999. */
	bh_rfc3339(text, at_ms);
	return bh_is_time(text, at_ms_r);
}

json_t *
reader_id(const json_t *value)
{
	char text[32];

	if (json_is_string(value))
		return json_string_length(value) > 0 && json_string_length(value) < 256
			   ? json_incref((json_t *)(uintptr_t)value)
			   : NULL;
	if (!json_is_integer(value))
		return NULL;
	snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(value));
	return json_string(text);
}

bool
is_reader_whole(const char *text, size_t len)
{
	size_t depth = 0;
	bool quoted = false;

	while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL && text[len - 1] != '\0')
		len--;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '{' || c == '['))
			depth++;
		else if (!quoted && (c == '}' || c == ']') && (depth == 0 || --depth == 0))
			return i > 0 && i + 1 == len;
	}
	return false;
}
