/* See mapping_words.h. */
#include "base/base.h"

#include "web/mapping_words.h"

#include "web/words.h"

#define WORDS_BYTES (64u << 10)
#define DEPTH 8

const struct mapping_choice mapping_whens[] = {
    {"always", "billing wins, always"},
    {"if_unchanged", "billing, until a person changes it"},
    {"if_empty", "the CRM; written only while it is empty"},
    {"on_create", "the CRM; written only when the record is made"},
    {"never", "nobody: the row is left out"},
    {NULL, NULL},
};

/* Cleaned, and never without text: what is too long is cut by the buffer. */
static json_t *
done(struct bh_buf *out)
{
	json_t *text = words_json(bh_buf_str(out));

	bh_buf_release(out);
	return text;
}

/* A value as people write it: texts bare, others as JSON. */
static void
add_value(struct bh_buf *out, const json_t *value)
{
	if (json_is_string(value))
		bh_buf_adds(out, json_string_value(value));
	else if (json_is_null(value))
		bh_buf_adds(out, "(empty)");
	else if (json_is_boolean(value))
		bh_buf_adds(out, json_is_true(value) ? "yes" : "no");
	else if (value != NULL)
		bh_json_add(out, value);
}

/* Of a list, or of one value. */
static void
add_list(struct bh_buf *out, const json_t *list, const char *between)
{
	json_t *one;
	size_t i;

	if (!json_is_array(list)) {
		add_value(out, list);
		return;
	}
	json_array_foreach ((json_t *)(uintptr_t)list, i, one) {
		if (i > 0)
			bh_buf_adds(out, between);
		add_value(out, one);
	}
}

/* -- rows -- */

static void
add_source(struct bh_buf *out, const json_t *row)
{
	const json_t *value = json_object_get(row, "value");
	const char *setting = bh_json_str(row, "setting");

	if (setting != NULL) {
		bh_buf_addf(out, "the setting %s", setting);
	} else if (value != NULL) {
		bh_buf_adds(out, json_is_string(value) ? "the text " : "the value ");
		add_value(out, value);
	} else {
		add_list(out, json_object_get(row, "from"), " and ");
	}
}

static void
add_table(struct bh_buf *out, const json_t *table)
{
	const char *from;
	json_t *to;
	bool is_first = true;

	json_object_foreach ((json_t *)(uintptr_t)table, from, to) {
		bh_buf_addf(out, "%s%s = ", is_first ? " (" : ", ", from);
		add_value(out, to);
		is_first = false;
	}
	if (!is_first)
		bh_buf_adds(out, ")");
}

static void
begin_part(struct bh_buf *out)
{
	if (out->len > 0)
		bh_buf_adds(out, "; ");
}

static void
add_way(struct bh_buf *out, const json_t *row)
{
	const char *as = bh_json_str(row, "as"), *with = bh_json_str(row, "with");
	const json_t *other = json_object_get(row, "default");
	const json_t *table = json_object_get(row, "enum");

	if (as != NULL || table != NULL) {
		begin_part(out);
		bh_buf_addf(out, "as %s", as != NULL ? as : "enum");
		add_table(out, table);
	}
	if (with != NULL) {
		begin_part(out);
		bh_buf_addf(out, "joined with \"%s\"", with);
	}
	if (other != NULL) {
		begin_part(out);
		bh_buf_adds(out, "else ");
		if (bh_json_str(other, "setting") != NULL)
			bh_buf_addf(out, "the setting %s", bh_json_str(other, "setting"));
		else
			add_list(out, other, ", else ");
	}
}

static const char *
when_label(const char *when)
{
	for (const struct mapping_choice *w = mapping_whens; w->value != NULL; w++)
		if (strcmp(w->value, when) == 0)
			return w->label;
	return when;
}

static void
add_rule_of_row(struct bh_buf *out, const json_t *row)
{
	const json_t *on = json_object_get(row, "on");
	const char *when = bh_json_str(row, "when"), *empty = bh_json_str(row, "empty");

	if (when != NULL && strcmp(when, "always") != 0) {
		begin_part(out);
		bh_buf_adds(out, when_label(when));
	}
	if (on != NULL) {
		begin_part(out);
		bh_buf_adds(out, "only in ");
		add_list(out, on, ", ");
	}
	if (empty != NULL && strcmp(empty, "keep") == 0) {
		begin_part(out);
		bh_buf_adds(out, "an empty value leaves it alone");
	}
}

json_t *
mapping_source_words(const json_t *row)
{
	struct bh_buf out = BH_BUF_INIT(WORDS_BYTES);

	add_source(&out, row);
	return done(&out);
}

json_t *
mapping_way_words(const json_t *row)
{
	struct bh_buf out = BH_BUF_INIT(WORDS_BYTES);

	add_way(&out, row);
	return done(&out);
}

json_t *
mapping_rule_of_row_words(const json_t *row)
{
	struct bh_buf out = BH_BUF_INIT(WORDS_BYTES);

	add_rule_of_row(&out, row);
	return done(&out);
}

json_t *
mapping_row_words(const json_t *row)
{
	struct bh_buf out = BH_BUF_INIT(WORDS_BYTES);

	add_source(&out, row);
	add_way(&out, row);
	add_rule_of_row(&out, row);
	return done(&out);
}

/* -- filters -- */

static void add_filter(struct bh_buf *out, const json_t *filter, int depth);

static void
add_group(struct bh_buf *out, const json_t *list, const char *between, int depth)
{
	json_t *one;
	size_t i;
	bool is_inner = depth > 0 && json_array_size(list) > 1;

	if (is_inner)
		bh_buf_adds(out, "(");
	json_array_foreach ((json_t *)(uintptr_t)list, i, one) {
		if (i > 0)
			bh_buf_adds(out, between);
		add_filter(out, one, depth + 1);
	}
	if (is_inner)
		bh_buf_adds(out, ")");
}

static void
add_condition(struct bh_buf *out, const json_t *filter)
{
	static const struct {
		const char *member, *one, *many;
	} words[] = {{"is", " is ", " is "}, {"in", " is ", " is one of "},
	    {"not_in", " is not ", " is none of "}};
	const char *field = bh_json_str(filter, "field"), *setting = bh_json_str(filter, "setting");

	bh_buf_addf(out, "%s%s", setting != NULL ? "the setting " : "",
	    setting != NULL ? setting
	    : field != NULL ? field
			    : "?");
	for (size_t i = 0; i < BH_LEN(words); i++) {
		const json_t *value = json_object_get(filter, words[i].member);

		if (value == NULL)
			continue;
		bh_buf_adds(out, json_array_size(value) > 1 ? words[i].many : words[i].one);
		add_list(out, value, ", ");
	}
}

static void
add_filter(struct bh_buf *out, const json_t *filter, int depth)
{
	const json_t *all = json_object_get(filter, "all"), *any = json_object_get(filter, "any");

	if (depth > DEPTH)
		return;
	if (all != NULL)
		add_group(out, all, " and ", depth);
	else if (any != NULL)
		add_group(out, any, " or ", depth);
	else
		add_condition(out, filter);
}

json_t *
mapping_filter_words(const json_t *filter)
{
	struct bh_buf out = BH_BUF_INIT(WORDS_BYTES);

	if (filter == NULL)
		return json_null();
	add_filter(&out, filter, 0);
	return done(&out);
}

/* -- which record it is -- */

static void
add_pairs(struct bh_buf *out, const json_t *rows)
{
	json_t *row;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)rows, i, row) {
		const char *to = bh_json_str(row, "to");

		bh_buf_addf(out, "%s%s is ", i > 0 ? " and " : "", to != NULL ? to : "?");
		add_source(out, row);
		if (bh_json_str(row, "as") != NULL)
			bh_buf_addf(out, " as %s", bh_json_str(row, "as"));
		if (json_object_get(row, "on") != NULL) {
			bh_buf_adds(out, " (only in ");
			add_list(out, json_object_get(row, "on"), ", ");
			bh_buf_adds(out, ")");
		}
	}
}

json_t *
mapping_match_words(const json_t *rule)
{
	const char *by = bh_json_str(rule, "by"), *to = bh_json_str(rule, "to");
	struct bh_buf out = BH_BUF_INIT(WORDS_BYTES);

	if (by == NULL)
		by = "?";
	if (strcmp(by, "id") == 0) {
		bh_buf_adds(&out, "the CRM's own id is ");
		add_source(&out, rule);
	} else if (strcmp(by, "key") == 0) {
		bh_buf_adds(&out, "it carries the key that Billhook wrote");
	} else if (strcmp(by, "domain") == 0) {
		bh_buf_addf(&out, "the web address in %s is at the host of ",
		    to != NULL ? to : "?");
		add_source(&out, rule);
	} else {
		add_pairs(&out, json_object_get(rule, "fields"));
	}
	if (json_object_get(rule, "on") != NULL) {
		bh_buf_adds(&out, " (only in ");
		add_list(&out, json_object_get(rule, "on"), ", ");
		bh_buf_adds(&out, ")");
	}
	if (json_object_get(rule, "if") != NULL) {
		bh_buf_adds(&out, ", where ");
		add_filter(&out, json_object_get(rule, "if"), 0);
	}
	return done(&out);
}

/* The name in "{name}", copied; false for other texts. */
static bool
is_setting_name(const char *text, char *name, size_t size)
{
	size_t len = strlen(text);

	if (len < 3 || text[0] != '{' || text[len - 1] != '}' || len - 2 >= size)
		return false;
	memcpy(name, text + 1, len - 2);
	name[len - 2] = '\0';
	return true;
}

static const char *
create_label(const json_t *value)
{
	const char *word = json_string_value(value);

	if (json_is_true(value) || (word != NULL && strcmp(word, "yes") == 0))
		return "a new record is made";
	if (word != NULL && strcmp(word, "wait") == 0)
		return "nothing is written, and it is looked for again once an hour";
	if (json_is_false(value) || (word != NULL && strcmp(word, "no") == 0))
		return "nothing is written";
	return "is not decided";
}

json_t *
mapping_create_words(const json_t *object, const json_t *settings)
{
	const json_t *create = json_object_get(object, "create");
	const char *text = json_string_value(create);
	struct bh_buf out = BH_BUF_INIT(WORDS_BYTES);
	char name[256];

	if (create == NULL)
		return json_string("a new record is made");
	if (text == NULL || !is_setting_name(text, name, sizeof(name)))
		return json_string(create_label(create));
	bh_buf_addf(&out, "%s (by the setting %s)", create_label(json_object_get(settings, name)),
	    name);
	return done(&out);
}

/* -- on and off -- */

/* As map/shape.c sees it: a switch of a form may be stored as a text. */
static bool
is_yes(const json_t *value)
{
	const char *text = json_string_value(value);

	return json_is_true(value) ||
	       (text != NULL && (strcmp(text, "yes") == 0 || strcmp(text, "true") == 0));
}

static bool
add_switch(struct bh_buf *out, const json_t *name, const json_t *settings)
{
	const char *text = json_string_value(name);
	bool is_on = text != NULL && is_yes(json_object_get(settings, text));

	if (text != NULL)
		bh_buf_addf(out, "%s%s is %s", out->len > 0 ? ", " : "", text,
		    is_on ? "on" : "off");
	return is_on;
}

json_t *
mapping_on_words(const json_t *object, const json_t *settings, bool *is_on_r)
{
	const json_t *on = json_object_get(object, "on");
	struct bh_buf out = BH_BUF_INIT(WORDS_BYTES);

	*is_on_r = true;
	if (on == NULL)
		return json_null();
	if (!json_is_array(on))
		*is_on_r = add_switch(&out, on, settings);
	for (size_t i = 0; i < json_array_size(on); i++)
		*is_on_r = add_switch(&out, json_array_get(on, i), settings) && *is_on_r;
	return done(&out);
}
