/*
 * One object of a mapping: its rows, its filter, its matching rules.  What is
 * changed goes into the draft.  Each form says what it began from: where
 * somebody else has changed that meanwhile nothing is stored, and both are shown.
 */
#include "base/base.h"

#include "base/json.h"
#include "base/text.h"
#include "map/row.h"
#include "web/mapping_facts.h"
#include "web/mapping_form.h"
#include "web/mapping_words.h"
#include "web/page.h"

/* -- showing -- */

static int
no_such(struct exchange *exchange)
{
	exchange_error(exchange, 404, "There is no such sync, or its mapping has no such object.");
	return 0;
}

static const char *
sample_of(const struct exchange *exchange)
{
	const char *asked = request_query(exchange->request, "sample");

	if (asked == NULL)
		asked = request_field(exchange->request, "sample");
	return asked != NULL ? asked : "";
}

static int
show_object(struct exchange *exchange, const struct mapping *m, const json_t *object, size_t index,
    const struct mapping_open *open, int status, const char *problem, struct bh_err *err)
{
	struct mapping_bench bench;
	json_t *model = json_object();
	const char *name = bh_json_str(object, "name");
	int rc = mapping_bench_open(&bench, exchange, m, object, sample_of(exchange), err);

	if (rc == 0)
		rc = mapping_facts_object(model, exchange, &bench, index, open, err);
	if (rc == 0) {
		mapping_facts_common(model, exchange, m, problem);
		rc = exchange_page(exchange, status, "mapping_object", name != NULL ? name : "?",
		    json_incref(model), err);
	}
	json_decref(model);
	mapping_bench_close(&bench);
	return rc;
}

/* The page with a form open; 404 where the object is not there (any more). */
static int
show(struct exchange *exchange, const struct mapping_open *open, int status, const char *problem,
    struct bh_err *err)
{
	struct mapping m;
	const json_t *object;
	size_t index;
	int rc = mapping_load(exchange_read(exchange), exchange->match.args[0], &m, err);

	object = rc > 0 ? mapping_object(m.shown, exchange->match.args[1], &index) : NULL;
	if (rc >= 0)
		rc = object == NULL
			 ? no_such(exchange)
			 : show_object(exchange, &m, object, index, open, status, problem, err);
	mapping_release(&m);
	return rc;
}

int
page_mapping_object(struct exchange *exchange, struct bh_err *err)
{
	const char *edit = request_query(exchange->request, "edit");
	struct mapping_open open;

	mapping_open_read(&open, edit != NULL ? edit : "");
	return show(exchange, &open, 200, NULL, err);
}

/* -- what a form asks for -- */

struct form {
	struct exchange *exchange;
	const struct action *action;
	struct mapping_open open;
	json_t *posted;   /* view of what was typed; owned */
	size_t asked;     /* place of the row or rule as the form knew it */
	size_t place;     /* where it is found */
	const char *seen; /* digest of what the form began from */
	bool is_other;    /* somebody changed that meanwhile */
	char then[64];    /* query of the page that is shown when it is done */
};

typedef int form_do(struct form *form, const struct mapping *m, json_t *object, struct bh_err *err);

static const char *
field(const struct form *form, const char *name)
{
	const char *text = request_field(form->exchange->request, name);

	return text != NULL ? text : "";
}

static bool
is_seen(const struct form *form, const json_t *json)
{
	char digest[DRAFT_VERSION_LEN + 1];

	draft_digest(json, digest);
	return strcmp(digest, form->seen) == 0;
}

static int
refuse_other(struct form *form, const struct mapping *m, json_t *words_take, struct bh_err *err)
{
	const char *by = bh_json_str(m->draft, "by");
	const char *words = json_string_value(words_take);

	form->is_other = true;
	bh_fail(err, BH_INVALID, "%.60s changed it meanwhile. Now it is: %.120s",
	    by != NULL ? by : "Somebody", words != NULL && *words != '\0' ? words : "gone");
	json_decref(words_take);
	return -1;
}

/* Where the entry stands that the form was about: its own place first. */
static bool
is_found(struct form *form, const json_t *list)
{
	if (form->place < json_array_size(list) && is_seen(form, json_array_get(list, form->place)))
		return true;
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (!is_seen(form, json_array_get(list, i)))
			continue;
		form->place = i;
		return true;
	}
	return false;
}

static json_t *
list_of(json_t *object, const char *name)
{
	json_t *list = json_object_get(object, name);

	if (!json_is_array(list)) {
		list = json_array();
		json_object_set_new(object, name, list);
	}
	return list;
}

/* Puts made in place of the entry, or behind all; takes it. */
static void
put(struct form *form, json_t *list, json_t *made_take)
{
	if (form->open.is_new) {
		form->place = json_array_size(list);
		json_array_append_new(list, made_take);
	} else {
		json_array_set_new(list, form->place, made_take);
	}
}

static void
go_to(struct form *form, const char *what)
{
	snprintf(form->then, sizeof(form->then), "done=draft#%s-%zu", what, form->place);
}

/* One place up or down; at the ends it stays. */
static void
move(struct form *form, json_t *list, bool is_up)
{
	size_t n = json_array_size(list), to = form->place;
	json_t *entry;

	if (is_up ? to == 0 : to + 1 >= n)
		return;
	to = is_up ? to - 1 : to + 1;
	entry = json_incref(json_array_get(list, form->place));
	json_array_remove(list, form->place);
	json_array_insert_new(list, to, entry);
	form->place = to;
}

/* -- rows -- */

/* The row by itself, as it would be with its setting set: the whole is looked at afterwards. */
static int
check_row(const json_t *object, const json_t *row, struct bh_err *err)
{
	json_t *bare = json_copy((json_t *)(uintptr_t)row);
	struct row *made = NULL;
	int rc;

	if (json_object_get(bare, "setting") != NULL) {
		json_object_del(bare, "setting");
		json_object_set_new(bare, "value", json_string("x"));
	}
	if (bh_json_str(bare, "default.setting") != NULL)
		json_object_set_new(bare, "default", json_string("x"));
	rc = row_new(bare, mapping_kind(object), &made, err);
	row_free(&made);
	json_decref(bare);
	return rc;
}

/* What was typed is shown beside the row of that field as it is now, or as a new one. */
static int
refuse_row(struct form *form, const struct mapping *m, const json_t *rows, struct bh_err *err)
{
	size_t n = json_array_size(rows);

	for (form->place = 0; form->place < n; form->place++) {
		const char *to = bh_json_str(json_array_get(rows, form->place), "to");

		if (to != NULL && strcmp(to, field(form, "was")) == 0)
			break;
	}
	return refuse_other(form, m,
	    form->place < n ? mapping_row_words(json_array_get(rows, form->place)) : NULL, err);
}

static int
save_row(struct form *form, const struct mapping *m, json_t *object, struct bh_err *err)
{
	json_t *rows = list_of(object, "fields"), *row;
	const json_t *before;

	if (!form->open.is_new && !is_found(form, rows))
		return refuse_row(form, m, rows, err);
	before = form->open.is_new ? NULL : json_array_get(rows, form->place);
	if (mapping_row_read(form->posted, before, &row, err) < 0)
		return -1;
	if (check_row(object, row, err) < 0) {
		json_decref(row);
		return -1;
	}
	put(form, rows, row);
	go_to(form, "row");
	return 0;
}

/* What was typed is shown as a new one: nothing else tells which of them it was. */
static int
find_entry(struct form *form, const struct mapping *m, const json_t *list, struct bh_err *err)
{
	if (is_found(form, list))
		return 0;
	form->place = json_array_size(list);
	return refuse_other(form, m, NULL, err);
}

static int
drop_row(struct form *form, const struct mapping *m, json_t *object, struct bh_err *err)
{
	json_t *rows = list_of(object, "fields");

	if (!is_found(form, rows))
		return refuse_row(form, m, rows, err);
	json_array_remove(rows, form->place);
	go_to(form, "row");
	return 0;
}

static int
move_entry(struct form *form, const struct mapping *m, json_t *object, const char *member,
    const char *what, bool is_up, struct bh_err *err)
{
	json_t *list = list_of(object, member);

	if (find_entry(form, m, list, err) < 0)
		return -1;
	move(form, list, is_up);
	snprintf(form->then, sizeof(form->then), "edit=%s-%zu#%s-%zu", what, form->place, what,
	    form->place);
	return 0;
}

static int
raise_row(struct form *form, const struct mapping *m, json_t *object, struct bh_err *err)
{
	return move_entry(form, m, object, "fields", "row", true, err);
}

static int
lower_row(struct form *form, const struct mapping *m, json_t *object, struct bh_err *err)
{
	return move_entry(form, m, object, "fields", "row", false, err);
}

/* -- the filter -- */

static int
check_filter_seen(struct form *form, const struct mapping *m, const json_t *object,
    struct bh_err *err)
{
	json_t *filter = json_object_get(object, "if"), *none = json_null();

	if (is_seen(form, filter != NULL ? filter : none))
		return 0;
	return refuse_other(form, m,
	    filter != NULL ? mapping_filter_words(filter) : json_string("no filter"), err);
}

static void
set_filter(struct form *form, json_t *object, json_t *filter_take)
{
	if (filter_take != NULL && json_object_size(filter_take) > 0) {
		json_object_set_new(object, "if", filter_take);
	} else {
		json_decref(filter_take);
		json_object_del(object, "if");
	}
	snprintf(form->then, sizeof(form->then), "done=draft#filter");
}

static int
save_filter(struct form *form, const struct mapping *m, json_t *object, struct bh_err *err)
{
	json_t *filter;

	if (check_filter_seen(form, m, object, err) < 0 ||
	    mapping_filter_read(form->posted, mapping_kind(object), &filter, err) < 0)
		return -1;
	set_filter(form, object, filter);
	return 0;
}

static int
save_filter_json(struct form *form, const struct mapping *m, json_t *object, struct bh_err *err)
{
	const char *text = json_string_value(json_object_get(form->posted, "json"));
	json_t *filter = NULL;

	if (check_filter_seen(form, m, object, err) < 0 ||
	    (*text != '\0' && mapping_json_read(text, "Filter", &filter, err) < 0))
		return -1;
	if (json_is_array(filter)) {
		json_decref(filter);
		return bh_fail(err, BH_INVALID, "A filter is an object: {\"all\": [ … ]}.");
	}
	set_filter(form, object, filter);
	return 0;
}

static int
drop_filter(struct form *form, const struct mapping *m, json_t *object, struct bh_err *err)
{
	if (check_filter_seen(form, m, object, err) < 0)
		return -1;
	set_filter(form, object, NULL);
	return 0;
}

/* -- matching rules -- */

static int
put_rule(struct form *form, const struct mapping *m, json_t *object, json_t *rule_take,
    struct bh_err *err)
{
	json_t *rules = list_of(object, "match");

	if (!form->open.is_new && find_entry(form, m, rules, err) < 0) {
		json_decref(rule_take);
		return -1;
	}
	put(form, rules, rule_take);
	go_to(form, "rule");
	return 0;
}

static int
save_rule(struct form *form, const struct mapping *m, json_t *object, struct bh_err *err)
{
	json_t *rule;

	if (mapping_rule_read(form->posted, &rule, err) < 0)
		return -1;
	return put_rule(form, m, object, rule, err);
}

static int
save_rule_json(struct form *form, const struct mapping *m, json_t *object, struct bh_err *err)
{
	json_t *rule;

	if (mapping_json_read(json_string_value(json_object_get(form->posted, "json")), "Rule",
		&rule, err) < 0)
		return -1;
	return put_rule(form, m, object, rule, err);
}

static int
drop_rule(struct form *form, const struct mapping *m, json_t *object, struct bh_err *err)
{
	json_t *rules = list_of(object, "match");

	if (find_entry(form, m, rules, err) < 0)
		return -1;
	json_array_remove(rules, form->place);
	if (json_array_size(rules) == 0)
		json_object_del(object, "match");
	snprintf(form->then, sizeof(form->then), "done=draft#rules");
	return 0;
}

static int
raise_rule(struct form *form, const struct mapping *m, json_t *object, struct bh_err *err)
{
	return move_entry(form, m, object, "match", "rule", true, err);
}

static int
lower_rule(struct form *form, const struct mapping *m, json_t *object, struct bh_err *err)
{
	return move_entry(form, m, object, "match", "rule", false, err);
}

static int
save_create(struct form *form, const struct mapping *m, json_t *object, struct bh_err *err)
{
	const char *word = field(form, "create");

	(void)m;
	if (*word == '\0')
		return bh_fail(err, BH_INVALID, "Choose what is done where nothing matches.");
	if (strcmp(word, "yes") == 0 && json_object_get(object, "create") == NULL)
		return 0;
	json_object_set_new(object, "create", json_string(word));
	snprintf(form->then, sizeof(form->then), "done=draft#create");
	return 0;
}

/* -- the object itself -- */

static int
save_rest(struct form *form, const struct mapping *m, json_t *object, struct bh_err *err)
{
	static const char *const kept[] = {"fields", "match", "if", "create"};
	const char *text = json_string_value(json_object_get(form->posted, "json"));
	json_t *rest = mapping_rest(object), *typed = NULL;
	bool is_same = is_seen(form, rest);
	size_t i;

	json_decref(rest);
	if (!is_same)
		return refuse_other(form, m, json_string("shown below"), err);
	if (mapping_json_read(text, "Settings of the object", &typed, err) < 0)
		return -1;
	for (i = 0; i < BH_LEN(kept); i++) {
		if (json_object_get(typed, kept[i]) != NULL) {
			json_decref(typed);
			return bh_fail(err, BH_INVALID,
			    "\"%s\" has a form of its own on this page.", kept[i]);
		}
		json_object_set(typed, kept[i], json_object_get(object, kept[i]));
	}
	if (!json_is_object(typed)) {
		json_decref(typed);
		return bh_fail(err, BH_INVALID, "Settings of the object: it is no JSON object.");
	}
	json_object_clear(object);
	json_object_update(object, typed);
	json_decref(typed);
	snprintf(form->then, sizeof(form->then), "done=draft#rest");
	return 0;
}

static int
restore_object(struct form *form, const struct mapping *m, json_t *object, struct bh_err *err)
{
	const char *name = bh_json_str(object, "name");
	json_t *preset = NULL, *its = NULL, *copy;

	if (mapping_preset(form->exchange, m, &preset) > 0 && name != NULL)
		its = mapping_object_named(preset, name);
	copy = its != NULL ? json_deep_copy(its) : NULL;
	json_decref(preset);
	if (copy == NULL)
		return bh_fail(err, BH_INVALID, "The preset has no such object.");
	json_object_clear(object);
	json_object_update(object, copy);
	json_decref(copy);
	return 0;
}

/* -- any form -- */

static const struct action {
	const char *name; /* of the button */
	const char *what; /* form that is open again when it is refused */
	json_t *(*posted)(const struct request *request);
	form_do *act; /* NULL: what was typed is only tried */
} actions[] = {
    {"row", "row", mapping_row_posted, save_row},
    {"row-try", "row", mapping_row_posted, NULL},
    {"row-drop", "row", mapping_row_posted, drop_row},
    {"row-up", "row", mapping_row_posted, raise_row},
    {"row-down", "row", mapping_row_posted, lower_row},
    {"filter", "filter", mapping_filter_posted, save_filter},
    {"filter-json", "filter-json", NULL, save_filter_json},
    {"filter-drop", "filter", mapping_filter_posted, drop_filter},
    {"rule", "rule", mapping_rule_posted, save_rule},
    {"rule-json", "rule", NULL, save_rule_json},
    {"rule-drop", "rule", mapping_rule_posted, drop_rule},
    {"rule-up", "rule", mapping_rule_posted, raise_rule},
    {"rule-down", "rule", mapping_rule_posted, lower_rule},
    {"create", "create", NULL, save_create},
    {"rest", "rest", NULL, save_rest},
    {"restore", "", NULL, restore_object},
};

/* What is typed as JSON is the only field of its form. */
static json_t *
posted_json(const struct request *request)
{
	return json_pack("{s:o}", "json", mapping_posted(request, "json"));
}

static int
change_object(const struct mapping *m, json_t *mapping, void *arg, struct bh_err *err)
{
	struct form *form = arg;
	size_t index;
	json_t *object = mapping_object(mapping, form->exchange->match.args[1], &index);

	form->is_other = false;
	form->place = form->asked;
	if (object == NULL)
		return bh_fail(err, BH_INVALID, "The object is not in the mapping any more.");
	return form->action->act(form, m, object, err);
}

/* Its name may have been changed by the form itself. */
static int
done(struct form *form, struct bh_err *err)
{
	struct exchange *exchange = form->exchange;
	struct mapping m;
	size_t index = 0;
	char *rest = NULL;
	json_t *path;
	int rc;

	store_reset(exchange_read(exchange));
	rc = mapping_load(exchange_read(exchange), exchange->match.args[0], &m, err);
	if (rc >= 0) {
		const json_t *object =
		    rc > 0 ? mapping_object(m.shown, exchange->match.args[1], &index) : NULL;

		rest = object != NULL ? mapping_object_rest(exchange, object, index, form->then)
				      : bh_xstrdup("?done=draft");
		path = json_sprintf("/syncs/%s/mapping%s", exchange->match.args[0], rest);
		response_redirect(exchange->response, exchange->request->base,
		    json_string_value(path));
		json_decref(path);
	}
	free(rest);
	mapping_release(&m);
	return rc < 0 ? -1 : 0;
}

/* Errors of the whole begin with the object and the row, which are plain here. */
static const char *
plain_error(const char *text, const char *object)
{
	size_t len = strlen(object);
	const char *rest = text;

	if (strncmp(rest, object, len) == 0 && rest[len] == ':' && rest[len + 1] == ' ')
		rest += len + 2;
	if (strncmp(rest, "field ", 6) == 0 && strstr(rest, "): ") != NULL)
		rest = strstr(rest, "): ") + 3;
	return rest;
}

static int
refused(struct form *form, const char *text, const char *object, struct bh_err *err)
{
	struct bh_err sentence = BH_ERR_INIT;

	bh_fail(&sentence, BH_INVALID, "%s", plain_error(text, object));
	form->open.n = form->place;
	form->open.posted = form->posted;
	form->open.error = sentence.text;
	store_reset(exchange_read(form->exchange));
	return show(form->exchange, &form->open, form->is_other ? 409 : 400,
	    *form->open.what == '\0' ? sentence.text : NULL, err);
}

/* The name that the path means, for errors and checks; NULL when there is none. */
static int
find_name(struct exchange *exchange, char *name, size_t size, struct bh_err *err)
{
	struct mapping m;
	size_t index;
	int rc = mapping_load(exchange_read(exchange), exchange->match.args[0], &m, err);
	const json_t *object =
	    rc > 0 ? mapping_object(m.shown, exchange->match.args[1], &index) : NULL;

	if (rc > 0)
		rc = object != NULL;
	if (rc > 0)
		bh_json_copy(name, size, object, "name");
	mapping_release(&m);
	return rc;
}

static int
act(struct form *form, struct bh_err *err)
{
	struct exchange *exchange = form->exchange;
	struct bh_err why = BH_ERR_INIT;
	char name[256] = "";
	int rc = find_name(exchange, name, sizeof(name), err);

	if (rc <= 0)
		return rc < 0 ? -1 : no_such(exchange);
	rc = mapping_edit(exchange, exchange->match.args[0],
	    strcmp(form->action->name, "rest") != 0 ? name : NULL, change_object, form, &why);
	if (rc == 0)
		return done(form, err);
	if (why.code != BH_INVALID)
		return bh_fail(err, why.code, "%s", why.text);
	return refused(form, why.text, name, err);
}

/* What every form of a row or rule says of where it began. */
static void
read_place(struct form *form)
{
	const char *n = field(form, "place");
	uint64_t place;

	form->open.is_new = *field(form, "new") != '\0';
	form->seen = field(form, "seen");
	if (bh_is_uint(n, strlen(n), 10000, &place))
		form->asked = (size_t)place;
	form->place = form->asked;
}

/* -- trying a row on the sample -- */

static int
answer_tried(struct form *form, const struct mapping *m, const json_t *object, struct bh_err *err)
{
	const json_t *rows = json_object_get(object, "fields");
	bool is_known = !form->open.is_new && is_found(form, rows);
	struct mapping_bench bench;
	int rc =
	    mapping_bench_open(&bench, form->exchange, m, object, sample_of(form->exchange), err);

	if (rc == 0)
		response_json(form->exchange->response, 200,
		    mapping_bench_tried(&bench, form->posted,
			is_known ? json_array_get(rows, form->place) : NULL));
	mapping_bench_close(&bench);
	return rc;
}

int
page_mapping_try(struct exchange *exchange, struct bh_err *err)
{
	struct form form = {.exchange = exchange, .posted = mapping_row_posted(exchange->request)};
	struct mapping m;
	size_t index;
	int rc = mapping_load(exchange_read(exchange), exchange->match.args[0], &m, err);
	const json_t *object =
	    rc > 0 ? mapping_object(m.shown, exchange->match.args[1], &index) : NULL;

	read_place(&form);
	if (rc >= 0)
		rc = object != NULL ? answer_tried(&form, &m, object, err) : no_such(exchange);
	mapping_release(&m);
	json_decref(form.posted);
	return rc;
}

/* The same without script: the page again, with what was typed.  Where the row is another by now, that is told. */
static int
show_tried(struct form *form, struct bh_err *err)
{
	struct bh_err why = BH_ERR_INIT;
	struct mapping m;
	size_t index;
	int rc =
	    mapping_load(exchange_read(form->exchange), form->exchange->match.args[0], &m, err);
	json_t *object =
	    rc > 0 ? mapping_object(m.shown, form->exchange->match.args[1], &index) : NULL;
	const json_t *rows = json_object_get(object, "fields");

	if (object != NULL && !form->open.is_new && !is_found(form, rows))
		(void)refuse_row(form, &m, rows, &why);
	mapping_release(&m);
	if (rc < 0)
		return -1;
	form->open.n = form->place;
	form->open.posted = form->posted;
	form->open.error = form->is_other ? why.text : NULL;
	return show(form->exchange, &form->open, form->is_other ? 409 : 200, NULL, err);
}

/* -- the buttons -- */

int
page_mapping_object_edit(struct exchange *exchange, struct bh_err *err)
{
	const char *button = request_field(exchange->request, "do");
	struct form form = {.exchange = exchange};
	int rc;

	for (size_t i = 0; i < BH_LEN(actions) && button != NULL; i++)
		if (strcmp(actions[i].name, button) == 0)
			form.action = &actions[i];
	if (form.action == NULL) {
		exchange_error(exchange, 404, "There is no such button.");
		return 0;
	}
	snprintf(form.open.what, sizeof(form.open.what), "%s", form.action->what);
	read_place(&form);
	form.posted = form.action->posted != NULL ? form.action->posted(exchange->request)
						  : posted_json(exchange->request);
	rc = form.action->act != NULL ? act(&form, err) : show_tried(&form, err);
	json_decref(form.posted);
	return rc;
}
