/*
 * The reader: a table is checked when it is saved, so that a person learns
 * at which place what is wrong.  See reader.h.
 */
#include "base/base.h"

#include <stdarg.h>

#include "base/text.h"
#include "source/reader_internal.h"

#define PLACE_MAX 160
#define TYPES_MAX 50
#define WORDS_MAX 100
#define LINK_MAX 1000

/* Where in the table; the first error stands in err with its place in front. */
struct check {
	char place[PLACE_MAX];
	size_t fields; /* so far */
	struct bh_err *err;
};

static int bad(struct check *check, const char *fmt, ...) BH_PRINTF(2, 3);

static int
bad(struct check *check, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return bh_fail(check->err, BH_INVALID, "reader%s%s: %s",
	    check->place[0] != '\0' ? ", " : "", check->place, text);
}

/* Enter a member or element; returns the length to be given to leave(). */
static size_t enter(struct check *check, const char *fmt, ...) BH_PRINTF(2, 3);

static size_t
enter(struct check *check, const char *fmt, ...)
{
	size_t before = strlen(check->place);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(check->place + before, PLACE_MAX - before, fmt, ap);
	va_end(ap);
	bh_utf8_mend(check->place, true);
	return before;
}

static void
leave(struct check *check, size_t before)
{
	check->place[before] = '\0';
}

/* Only these members, separated by spaces: a misspelt one must not be silently without effect. */
static int
check_members(struct check *check, const json_t *object, const char *known)
{
	const char *name;
	json_t *value;

	if (!json_is_object(object))
		return bad(check, "must be an object");
	json_object_foreach ((json_t *)(uintptr_t)object, name, value) {
		size_t len = strlen(name);
		const char *at = known;
		bool found = false;

		for (; *at != '\0' && !found; at += strspn(at, " ")) {
			size_t word = strcspn(at, " ");

			found = word == len && strncmp(at, name, len) == 0;
			at += word;
		}
		if (!found)
			return bad(check, "has no member %.40s; it may have: %s", name, known);
	}
	return 0;
}

static int
check_path_text(struct check *check, const json_t *path)
{
	if (!json_is_string(path) || !is_reader_path(json_string_value(path)))
		return bad(check, "is no path: use a.b, /a/b or ./a/b of at most %d bytes",
		    READER_PATH_MAX - 1);
	return 0;
}

/* One text or an array of 1 to max of them. */
static int
check_texts(struct check *check, const json_t *texts, size_t max)
{
	size_t i;
	json_t *text;

	if (json_is_string(texts) && json_string_length(texts) > 0)
		return 0;
	if (json_array_size(texts) == 0 || json_array_size(texts) > max)
		return bad(check, "must be a text or an array of 1 to %zu texts", max);
	json_array_foreach ((json_t *)(uintptr_t)texts, i, text)
		if (json_string_length(text) == 0)
			return bad(check, "element %zu must be a text", i);
	return 0;
}

static int
check_where(struct check *check, const json_t *where)
{
	const char *path;
	json_t *wanted;
	int rc = json_is_object(where) && json_object_size(where) > 0
		     ? 0
		     : bad(check, "must be an object of paths and values");

	json_object_foreach ((json_t *)(uintptr_t)where, path, wanted) {
		if (rc == 0 && !is_reader_path(path))
			rc = bad(check, "%.60s is no path", path);
		if (rc == 0 && json_is_object(wanted))
			rc = bad(check, "%.60s must be a value or an array of values", path);
	}
	return rc;
}

static int
check_present(struct check *check, const json_t *present)
{
	size_t i;
	json_t *path;

	if (check_texts(check, present, READER_PATHS_MAX) < 0)
		return -1;
	if (json_is_string(present))
		return check_path_text(check, present);
	json_array_foreach ((json_t *)(uintptr_t)present, i, path)
		if (check_path_text(check, path) < 0)
			return -1;
	return 0;
}

/* condition may be NULL; name is the member in which it stands. */
static int
check_condition(struct check *check, const json_t *object, const char *name)
{
	static const struct {
		const char *name;
		int (*check)(struct check *check, const json_t *part);
	} parts[] = {{"present", check_present}, {"where", check_where}};
	const json_t *condition = json_object_get(object, name);
	size_t before = enter(check, ".%s", name), inner;
	int rc = 0;

	if (condition != NULL)
		rc = check_members(check, condition, "type present where");
	if (rc == 0 && json_object_get(condition, "type") != NULL) {
		inner = enter(check, ".type");
		rc = check_texts(check, json_object_get(condition, "type"), TYPES_MAX);
		leave(check, inner);
	}
	for (size_t i = 0; i < BH_LEN(parts) && rc == 0; i++) {
		const json_t *part = json_object_get(condition, parts[i].name);

		inner = enter(check, ".%s", parts[i].name);
		rc = part != NULL ? parts[i].check(check, part) : 0;
		leave(check, inner);
	}
	leave(check, before);
	return rc;
}

static int
check_path(struct check *check, const json_t *path)
{
	const json_t *prefix = json_object_get(path, "prefix");
	size_t before;
	int rc;

	if (!json_is_object(path))
		return check_path_text(check, path);
	if (check_members(check, path, "path prefix when") < 0 ||
	    check_path_text(check, json_object_get(path, "path")) < 0 ||
	    check_condition(check, path, "when") < 0)
		return -1;
	before = enter(check, ".prefix");
	rc = prefix != NULL ? check_texts(check, prefix, READER_PATHS_MAX) : 0;
	leave(check, before);
	return rc;
}

/* name is only for the place. */
static int
check_paths(struct check *check, const json_t *paths, const char *name)
{
	size_t before = enter(check, "%s", name), i, inner;
	json_t *path;
	int rc = 0;

	if (!json_is_array(paths)) {
		rc = check_path(check, paths);
	} else if (json_array_size(paths) == 0 || json_array_size(paths) > READER_PATHS_MAX) {
		rc = bad(check, "must be 1 to %d paths", READER_PATHS_MAX);
	} else {
		json_array_foreach ((json_t *)(uintptr_t)paths, i, path) {
			inner = enter(check, "[%zu]", i);
			rc = rc == 0 ? check_path(check, path) : rc;
			leave(check, inner);
		}
	}
	leave(check, before);
	return rc;
}

/* The field can hold this value. */
static int
check_value(struct check *check, const struct object_field *field, const json_t *value)
{
	json_t *one = json_pack("{s:O}", field->name, value);
	int rc = object_check(field->kind, one, NULL);

	json_decref(one);
	return rc < 0 ? bad(check, "the field cannot hold this value") : 0;
}

static int
check_map(struct check *check, const struct object_field *field, const json_t *map)
{
	size_t before = enter(check, ".map");
	const char *word;
	json_t *value;
	int rc = 0;

	if (!json_is_object(map) || json_object_size(map) == 0 || json_object_size(map) > WORDS_MAX)
		rc = bad(check, "must be an object of 1 to %d words", WORDS_MAX);
	json_object_foreach ((json_t *)(uintptr_t)map, word, value) {
		size_t inner = enter(check, ".%.40s", word);

		rc = rc == 0 ? check_value(check, field, value) : rc;
		leave(check, inner);
	}
	leave(check, before);
	return rc;
}

/* Which field a conversion makes sense for; the "rank" of an object counts as a whole number. */
static int
check_conversion(struct check *check, const struct object_field *field, const json_t *spec)
{
	const json_t *as = json_object_get(spec, "as");
	const struct reader_conversion *conversion;
	size_t before;
	int rc = 0;

	if (as == NULL && field->type == FIELD_MONEY)
		return bad(check, "an amount must say \"as\": \"minor\" or \"major\"");
	if (as == NULL)
		return 0;
	before = enter(check, ".as");
	conversion = json_is_string(as) ? reader_conversion(json_string_value(as), NULL) : NULL;
	if (conversion == NULL)
		rc = bad(check, "is no conversion");
	else if ((conversion->fits & 1u << field->type) == 0)
		rc = bad(check, "%s does not fit the field", conversion->name);
	leave(check, before);
	if (rc == 0 && strcmp(conversion->name, "map") == 0)
		rc = check_map(check, field, json_object_get(spec, "map"));
	return rc;
}

static int
check_null(struct check *check, const json_t *object)
{
	const json_t *null = json_object_get(object, "null");
	const char *word = json_string_value(null);

	if (null != NULL &&
	    (word == NULL || (strcmp(word, "empty") != 0 && strcmp(word, "unknown") != 0)))
		return bad(check, "null must be \"empty\" or \"unknown\"");
	return 0;
}

static int
check_field(struct check *check, const struct object_field *field, const json_t *spec, int depth)
{
	const json_t *value = json_object_get(spec, "const");
	const json_t *currency = json_object_get(spec, "currency");
	size_t before;
	int rc;

	if (!json_is_object(spec))
		return field->type == FIELD_MONEY ? check_conversion(check, field, spec)
						  : check_paths(check, spec, "");
	if (check_members(check, spec, "from as currency map const when null else") < 0 ||
	    check_condition(check, spec, "when") < 0 || check_null(check, spec) < 0)
		return -1;
	if ((value == NULL) == (json_object_get(spec, "from") == NULL))
		return bad(check, "needs either from or const");
	if (value != NULL)
		rc = check_value(check, field, value);
	else
		rc = check_paths(check, json_object_get(spec, "from"), ".from") < 0
			 ? -1
			 : check_conversion(check, field, spec);
	if (rc == 0 && currency != NULL)
		rc = check_paths(check, currency, ".currency");
	if (rc < 0 || json_object_get(spec, "else") == NULL)
		return rc;
	before = enter(check, ".else");
	rc = depth < READER_ELSE_MAX
		 ? check_field(check, field, json_object_get(spec, "else"), depth + 1)
		 : bad(check, "more than %d of them inside one another", READER_ELSE_MAX);
	leave(check, before);
	return rc;
}

static int
check_fields(struct check *check, enum object_kind kind, const json_t *fields)
{
	size_t before = enter(check, ".fields");
	const char *name;
	json_t *spec;
	int rc = json_is_object(fields) ? 0 : bad(check, "must be an object");

	json_object_foreach ((json_t *)(uintptr_t)fields, name, spec) {
		const struct object_field *field = object_field(kind, name);
		size_t inner = enter(check, ".%.40s", name);

		if (rc == 0 && (field == NULL || field->flags & FIELD_DERIVED))
			rc = bad(check, "a %s has no such field that a source can tell",
			    object_kind_name(kind));
		if (rc == 0 && ++check->fields > READER_FIELDS_MAX)
			rc = bad(check, "the table has more than %d fields", READER_FIELDS_MAX);
		if (rc == 0)
			rc = check_field(check, field, spec, 0);
		leave(check, inner);
	}
	leave(check, before);
	return rc;
}

static int
check_order(struct check *check, const json_t *object)
{
	static const struct object_field whole = {OBJECT_RECOVERY, "retry_count", FIELD_INT, 0, ""};
	const json_t *rank = json_object_get(object, "rank"),
		     *lead = json_object_get(object, "lead");
	const char *word = json_string_value(lead);
	size_t before;
	int rc = 0;

	if (lead != NULL &&
	    (word == NULL || (strcmp(word, "time") != 0 && strcmp(word, "rank") != 0)))
		return bad(check, "lead must be \"time\" or \"rank\"");
	if (word != NULL && strcmp(word, "rank") == 0 && rank == NULL)
		return bad(check, "where the rank leads there must be a rank");
	if (rank != NULL) {
		before = enter(check, ".rank");
		rc = check_field(check, &whole, rank, 0);
		leave(check, before);
	}
	if (rc == 0 && json_object_get(object, "version") != NULL)
		rc = check_paths(check, json_object_get(object, "version"), ".version");
	return rc;
}

static int
check_link(struct check *check, const json_t *object)
{
	const char *link = bh_json_str(object, "link");

	if (json_object_get(object, "link") == NULL)
		return 0;
	if (link == NULL || strlen(link) > LINK_MAX || strstr(link, "{id}") == NULL ||
	    (!bh_has_prefix(link, "https://") && !bh_has_prefix(link, "http://")))
		return bad(check, "link must be a web address with {id} in it");
	return 0;
}

static int
check_flags(struct check *check, const json_t *object)
{
	static const char *const flags[] = {"partial", "optional"};

	for (size_t i = 0; i < BH_LEN(flags); i++)
		if (json_object_get(object, flags[i]) != NULL &&
		    !json_is_boolean(json_object_get(object, flags[i])))
			return bad(check, "%s must be true or false", flags[i]);
	return 0;
}

static int
check_object(struct check *check, const json_t *object)
{
	const json_t *each = json_object_get(object, "each");
	const char *name;
	enum object_kind kind;

	if (check_members(check, object,
		"kind id fields when each version rank lead partial optional deleted alias link") <
	    0)
		return -1;
	name = bh_json_str(object, "kind");
	kind = name != NULL ? object_kind_of(name) : OBJECT_NONE;
	if (!is_object_told(kind))
		return bad(check, "kind must be customer, subscription, invoice, recovery ...");
	if (each != NULL && !(json_is_string(each) && json_string_length(each) == 0) &&
	    check_path_text(check, each) < 0)
		return -1;
	if (check_paths(check, json_object_get(object, "id"), ".id") < 0 ||
	    (json_object_get(object, "alias") != NULL &&
		check_paths(check, json_object_get(object, "alias"), ".alias") < 0) ||
	    check_condition(check, object, "when") < 0 ||
	    check_condition(check, object, "deleted") < 0 || check_flags(check, object) < 0 ||
	    check_order(check, object) < 0 || check_link(check, object) < 0)
		return -1;
	return check_fields(check, kind, json_object_get(object, "fields"));
}

int
reader_check(const json_t *table, struct bh_err *err)
{
	struct check check = {.err = err};
	const json_t *objects = json_object_get(table, "objects");
	const json_t *base = json_object_get(table, "base");
	size_t i, before;
	json_t *object;
	int rc = 0;

	if (check_members(&check, table, "base null objects") < 0 || check_null(&check, table) < 0)
		return -1;
	if (base != NULL && !(json_is_string(base) && json_string_length(base) == 0) &&
	    (!json_is_string(base) || json_string_value(base)[0] != '/' ||
		!is_reader_path(json_string_value(base))))
		return bad(&check, "base must be a JSON Pointer like /data");
	if (json_array_size(objects) == 0 || json_array_size(objects) > READER_OBJECTS_MAX)
		return bad(&check, "objects must be an array of 1 to %d", READER_OBJECTS_MAX);
	json_array_foreach ((json_t *)(uintptr_t)objects, i, object) {
		before = enter(&check, "objects[%zu]", i);
		rc = rc == 0 ? check_object(&check, object) : rc;
		leave(&check, before);
	}
	return rc;
}
