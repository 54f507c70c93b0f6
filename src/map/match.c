/* See match.h. */
#include "base/base.h"

#include "map/match.h"

#include "map/domain.h"
#include "map/filter.h"
#include "map/row.h"

struct rule {
	enum map_by by;
	json_t *made[MAP_PAIRS]; /* rows of our making; the rows borrow from them */
	struct row *rows[MAP_PAIRS];
	size_t n;
	json_t *condition;     /* the filter borrows from it */
	struct filter *filter; /* NULL: it asks for every object */
};

struct match {
	struct rule rules[MAP_RULES];
	size_t n;
};

static const char *const by_names[MAP_BY__MAX] = {"id", "key", "value", "domain"};

static int
parse_by(const json_t *json, enum map_by *by_r, struct bh_err *err)
{
	const char *name = bh_json_str(json, "by");

	for (int i = 0; name != NULL && i < MAP_BY__MAX; i++) {
		if (strcmp(by_names[i], name) == 0) {
			*by_r = (enum map_by)i;
			return 0;
		}
	}
	return bh_fail(err, BH_INVALID, "by is id, key, value or domain");
}

static int
check_rule_members(const json_t *json, enum map_by by, struct bh_err *err)
{
	static const char *const allowed[MAP_BY__MAX] = {" by from on if ", " by if ",
	    " by fields if ", " by to from on if "};
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)json, name, value) {
		char *word = bh_xasprintf(" %s ", name);
		bool is_known = strchr(name, ' ') == NULL && strstr(allowed[by], word) != NULL;

		free(word);
		if (!is_known)
			return bh_fail(err, BH_INVALID, "unknown member '%.60s'", name);
	}
	return 0;
}

static int
parse_condition(struct rule *rule, const json_t *json, enum object_kind kind, struct bh_err *err)
{
	if (json == NULL)
		return 0;
	rule->condition = json_deep_copy(json);
	return filter_new(rule->condition, kind, &rule->filter, err);
}

/* Takes the row's JSON. */
static int
add_row(struct rule *rule, json_t *row_take, enum object_kind kind, struct bh_err *err)
{
	rule->made[rule->n] = row_take;
	if (row_new(row_take, kind, &rule->rows[rule->n], err) < 0) {
		json_decref(row_take);
		return -1;
	}
	rule->n++;
	return 0;
}

static int
parse_values(struct rule *rule, const json_t *list, enum object_kind kind, struct bh_err *err)
{
	size_t n = json_array_size(list);

	if (n == 0 || n > MAP_PAIRS)
		return bh_fail(err, BH_INVALID, "fields lists 1 to %d rows", MAP_PAIRS);
	for (size_t i = 0; i < n; i++)
		if (add_row(rule, json_deep_copy(json_array_get(list, i)), kind, err) < 0)
			return bh_during(err, "field %zu", i + 1);
	return 0;
}

static int
parse_rule(struct rule *rule, const json_t *json, enum object_kind kind, struct bh_err *err)
{
	const char *to = bh_json_str(json, "to");
	json_t *from = json_object_get(json, "from"), *on = json_object_get(json, "on");

	if (!json_is_object(json))
		return bh_fail(err, BH_INVALID, "it is not an object");
	if (parse_by(json, &rule->by, err) < 0 || check_rule_members(json, rule->by, err) < 0 ||
	    parse_condition(rule, json_object_get(json, "if"), kind, err) < 0)
		return -1;
	if (rule->by == MAP_BY_KEY)
		return 0;
	if (rule->by == MAP_BY_VALUE)
		return parse_values(rule, json_object_get(json, "fields"), kind, err);
	if (rule->by == MAP_BY_ID)
		to = "Id"; /* only a name for the row: drivers know their own */
	if (to == NULL)
		return bh_fail(err, BH_INVALID, "to is the CRM's field of the web address");
	return add_row(rule, json_pack("{s:s, s:O?, s:O*}", "to", to, "from", from, "on", on), kind,
	    err);
}

int
match_new(const json_t *json, enum object_kind kind, struct match **match_r, struct bh_err *err)
{
	size_t n = json_array_size(json);

	*match_r = NULL;
	if (json == NULL)
		return 0;
	if (!json_is_array(json) || n > MAP_RULES)
		return bh_fail(err, BH_INVALID, "match is a list of at most %d rules", MAP_RULES);
	*match_r = bh_xcalloc(1, sizeof(**match_r));
	for (size_t i = 0; i < n; i++) {
		struct rule *rule = &(*match_r)->rules[i];
		int rc;

		(*match_r)->n = i + 1;
		rc = parse_rule(rule, json_array_get(json, i), kind, err);
		if (rc < 0) {
			match_free(match_r);
			return bh_during(err, "match rule %zu", i + 1);
		}
	}
	return 0;
}

void
match_free(struct match **match)
{
	if (*match == NULL)
		return;
	for (size_t i = 0; i < (*match)->n; i++) {
		struct rule *rule = &(*match)->rules[i];

		filter_free(&rule->filter);
		json_decref(rule->condition);
		for (size_t k = 0; k < rule->n; k++) {
			row_free(&rule->rows[k]);
			json_decref(rule->made[k]);
		}
	}
	free(*match);
	*match = NULL;
}

bool
has_match_rules(const struct match *match)
{
	return match != NULL && match->n != 0;
}

/* The value as it is compared: text; empty where the rule cannot be asked. */
static char *
asked_value(const struct rule *rule, const json_t *value)
{
	struct bh_buf host = BH_BUF_INIT(1024);
	const char *text = json_string_value(value);
	bool is_good = text != NULL && *text != '\0';

	if (is_good && rule->by == MAP_BY_DOMAIN) {
		is_good = is_domain_company(text, &host);
		text = bh_buf_str(&host);
	}
	text = is_good ? bh_xstrdup(text) : NULL;
	bh_buf_release(&host);
	return (char *)(uintptr_t)text;
}

/* A value that cannot be turned asks nothing either: the record itself will say so. */
static bool
has_asked(const struct rule *rule, const char *crm_object, const struct reference_view *view,
    const struct map_context *context, struct map_question *question)
{
	struct map_context bare = *context;

	bare.is_described = NULL;
	for (size_t i = 0; i < rule->n; i++) {
		struct record *record = record_new(crm_object, "", "");
		char *value = NULL;

		if (row_render(rule->rows[i], view, &bare, record, NULL) == 0 &&
		    record->fields_n == 1)
			value = asked_value(rule, record->fields[0].value);
		record_free(&record);
		if (value == NULL)
			return false;
		question->fields[question->n] = row_to(rule->rows[i]);
		question->values[question->n++] = value;
	}
	return true;
}

static bool
is_concerned(const struct rule *rule, const struct reference_view *view)
{
	return rule->filter == NULL || is_filter_passed(rule->filter, view);
}

void
map_question_release(struct map_question *question)
{
	for (size_t i = 0; i < question->n; i++)
		free(question->values[i]);
	memset(question, 0, sizeof(*question));
}

void
match_questions(const struct match *match, const char *crm_object,
    const struct reference_view *view, const struct map_context *context,
    struct map_questions *questions)
{
	memset(questions, 0, sizeof(*questions));
	for (size_t i = 0; match != NULL && i < match->n; i++) {
		struct map_question *question = &questions->items[questions->n];

		question->by = match->rules[i].by;
		if (is_concerned(&match->rules[i], view) &&
		    has_asked(&match->rules[i], crm_object, view, context, question))
			questions->n++;
		else
			map_question_release(question);
	}
}

void
map_questions_release(struct map_questions *questions)
{
	for (size_t i = 0; i < questions->n; i++)
		map_question_release(&questions->items[i]);
	questions->n = 0;
}
