/* The page of one mapped object: see mapping_facts.h. */
#include "base/base.h"

#include "base/clock.h"
#include "base/text.h"
#include "map/transform.h"
#include "web/mapping_facts.h"
#include "web/mapping_form.h"
#include "web/mapping_words.h"
#include "web/words.h"

#define VALUE_SHOWN 200 /* characters of a sample value in the table */

/* One page on its way. */
struct facts {
	json_t *model;
	struct exchange *exchange;
	const struct mapping_bench *bench;
	const json_t *object;
	size_t index;
	const struct mapping_open *open;
	json_t *settings; /* owned */
};

void
mapping_open_read(struct mapping_open *open, const char *text)
{
	static const char *const whats[] = {"filter", "filter-json", "create", "rest", "row",
	    "rule"};
	uint64_t n = 0;

	memset(open, 0, sizeof(*open));
	for (size_t i = 0; i < BH_LEN(whats); i++) {
		size_t len = strlen(whats[i]);

		if (strncmp(text, whats[i], len) != 0)
			continue;
		if (text[len] == '\0' && i < 4) {
			snprintf(open->what, sizeof(open->what), "%s", whats[i]);
		} else if (text[len] == '-' && i >= 4) {
			const char *rest = text + len + 1;

			open->is_new = strcmp(rest, "new") == 0;
			if (open->is_new || bh_is_uint(rest, strlen(rest), 10000, &n))
				snprintf(open->what, sizeof(open->what), "%s", whats[i]);
			open->n = (size_t)n;
		}
	}
}

static bool
is_open(const struct facts *f, const char *what)
{
	return f->exchange->session.role >= ACCOUNT_ADMIN && strcmp(f->open->what, what) == 0;
}

/* A page of this object: query as "edit=row-3#row-3". */
static json_t *
url_of(const struct facts *f, const char *query)
{
	char *rest = mapping_object_rest(f->exchange, f->object, f->index, query);
	json_t *url = mapping_url(f->exchange, f->bench->m, rest);

	free(rest);
	return url;
}

static json_t *
edit_url(const struct facts *f, const char *what, size_t n)
{
	char query[64];

	snprintf(query, sizeof(query), "edit=%s-%zu#%s-%zu", what, n, what, n);
	return url_of(f, query);
}

/* -- what can be chosen -- */

/* For <select>: {value, label, is_chosen}; what is chosen and not among them comes last. */
static void
add_choice(json_t *list, const char *value, const char *label, const char *chosen, bool *is_seen)
{
	bool is_it = strcmp(value, chosen) == 0;

	*is_seen = *is_seen || is_it;
	json_array_append_new(list, json_pack("{s:o, s:o, s:b}", "value", words_json(value),
					"label", words_json(label), "is_chosen", is_it));
}

static json_t *
choices(const struct mapping_choice *table, const char *chosen)
{
	json_t *list = json_array();
	bool is_seen = false;

	for (; table->value != NULL; table++)
		add_choice(list, table->value, table->label, chosen, &is_seen);
	if (!is_seen)
		add_choice(list, chosen, chosen, chosen, &is_seen);
	return list;
}

static json_t *
transforms_view(const char *chosen, const char *none)
{
	size_t n;
	const struct transform *transforms = transform_list(&n);
	json_t *list = json_array();
	bool is_seen = false;

	add_choice(list, "", none, chosen, &is_seen);
	for (size_t i = 0; i < n; i++) {
		char *label = bh_xasprintf("%s: %s", transforms[i].name, transforms[i].meaning);

		add_choice(list, transforms[i].name, label, chosen, &is_seen);
		free(label);
	}
	if (!is_seen)
		add_choice(list, chosen, chosen, chosen, &is_seen);
	return list;
}

/* The canonical fields of a kind, with what they mean. */
static void
add_sources(json_t *list, enum object_kind kind, const char *before, const char *whose)
{
	size_t n;
	const struct object_field *fields = object_fields(&n);

	for (size_t i = 0; i < n; i++)
		if (fields[i].kind == kind)
			json_array_append_new(list,
			    json_pack("{s:o, s:o}", "value",
				json_sprintf("%s%s", before, fields[i].name), "label",
				json_sprintf("%s%s", whose, fields[i].meaning)));
}

static json_t *
sources_view(enum object_kind kind)
{
	json_t *list = json_array();

	add_sources(list, kind, "", "");
	json_array_append_new(list,
	    json_pack("{s:s, s:s}", "value", "id", "label", "Id in the billing system"));
	json_array_append_new(list,
	    json_pack("{s:s, s:s}", "value", "key", "label", "Key of the record"));
	json_array_append_new(list, json_pack("{s:s, s:s}", "value", "account", "label",
					"Account or mode inside the connection"));
	if (kind != OBJECT_CUSTOMER && object_field(kind, "customer") != NULL)
		add_sources(list, OBJECT_CUSTOMER, "customer.", "Customer: ");
	return list;
}

/* Names that the CRM has with the connection's prefix stand in the mapping with ours. */
static json_t *
own_name(const struct mapping *m, const char *name)
{
	const char *own = bh_json_str(m->to.settings, "prefix");
	const char *ours = m->dest != NULL ? m->dest->prefix : NULL;

	if (own != NULL && *own != '\0' && ours != NULL && bh_has_prefix(name, own))
		return json_sprintf("%s%s", ours, name + strlen(own));
	return words_json(name);
}

static json_t *
crm_fields_view(const struct mapping_bench *bench)
{
	json_t *list = json_array();

	for (size_t i = 0; bench->described != NULL && i < bench->described->fields_n; i++) {
		const struct dest_field *field = &bench->described->fields[i];
		json_t *type = mapping_field_type(field), *label;

		label = json_sprintf("%s · %s%s", field->label != NULL ? field->label : field->name,
		    json_string_value(type), field->required ? " · required" : "");
		if (label == NULL)
			label = words_json(field->name);
		if (field->writable)
			json_array_append_new(list,
			    json_pack("{s:o, s:o}", "value", own_name(bench->m, field->name),
				"label", label));
		else
			json_decref(label);
		json_decref(type);
	}
	return list;
}

/* -- rows -- */

static json_t *
form_text(const json_t *view, const char *name)
{
	const char *text = bh_json_str(view, name);

	return words_json(text != NULL ? text : "");
}

static const char *
form_word(const json_t *view, const char *name)
{
	const char *text = bh_json_str(view, name);

	return text != NULL ? text : "";
}

static json_t *
row_form(const struct facts *f, const json_t *row, size_t n)
{
	static const struct mapping_choice kinds[] = {{"from", "a field, or a text with fields"},
	    {"value", "this text, always"}, {"json", "this number, true, false or null"},
	    {"setting", "a setting of the sync"}, {NULL, NULL}};
	static const struct mapping_choice empties[] = {{"clear", "empties the CRM field"},
	    {"keep", "leaves the CRM field alone"}, {NULL, NULL}};
	json_t *view = f->open->posted != NULL ? json_incref((json_t *)(uintptr_t)f->open->posted)
					       : mapping_row_view(row);
	char seen[DRAFT_VERSION_LEN + 1] = "";
	json_t *form;

	if (row != NULL)
		draft_digest(row, seen);
	form = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "f_to", form_text(view, "to"),
	    "f_source", form_text(view, "source"), "f_default", form_text(view, "default"), "f_on",
	    form_text(view, "on"), "f_with", form_text(view, "with"), "f_enum",
	    form_text(view, "enum"), "kinds", choices(kinds, form_word(view, "kind")));
	json_object_set_new(form, "transforms",
	    transforms_view(form_word(view, "as"), "by the type of the field"));
	json_object_set_new(form, "empties", choices(empties, form_word(view, "empty")));
	json_object_set_new(form, "whens", choices(mapping_whens, form_word(view, "when")));
	json_object_set_new(form, "error",
	    words_json(f->open->error != NULL ? f->open->error : ""));
	json_object_set_new(form, "tried", mapping_bench_tried(f->bench, view, row));
	json_object_set_new(form, "seen", json_string(seen));
	json_object_set_new(form, "place", json_sprintf("%zu", n));
	json_object_set_new(form, "is_new", json_boolean(row == NULL));
	json_object_set_new(form, "was", form_text(row, "to"));
	json_object_set_new(form, "has_more",
	    json_boolean(*form_word(view, "enum") != '\0' || *form_word(view, "with") != '\0' ||
			 *form_word(view, "on") != '\0' ||
			 strcmp(form_word(view, "empty"), "keep") == 0));
	json_decref(view);
	return form;
}

/* What the field means that a row takes as it is; "" where it takes more than that. */
static json_t *
meaning_of(enum object_kind kind, const json_t *row)
{
	const char *from = bh_json_str(row, "from");
	const struct object_field *field;
	const char *whose = "";

	if (from == NULL)
		return json_string("");
	if (kind != OBJECT_CUSTOMER && bh_has_prefix(from, "customer.")) {
		from += strlen("customer.");
		kind = OBJECT_CUSTOMER;
		whose = "Customer: ";
	}
	field = object_field(kind, from);
	return field != NULL ? json_sprintf("%s%s", whose, field->meaning) : json_string("");
}

/* Long values are cut for the table. */
static json_t *
shorter(json_t *text_take)
{
	const char *text = json_string_value(text_take);
	size_t cut = bh_utf8_cut(text, strlen(text), VALUE_SHOWN);
	json_t *shown;

	if (text[cut] == '\0')
		return text_take;
	shown = json_sprintf("%.*s…", (int)cut, text);
	json_decref(text_take);
	return shown;
}

static json_t *
row_view(const struct facts *f, const json_t *row, size_t n)
{
	json_t *view = mapping_bench_row(f->bench, row);
	bool opened = is_open(f, "row") && !f->open->is_new && f->open->n == n;
	const char *to = bh_json_str(row, "to"), *value;

	value = bh_json_str(view, "value");
	json_object_set_new(view, "value", shorter(json_string(value != NULL ? value : "")));
	json_object_set_new(view, "number", json_sprintf("%zu", n));
	json_object_set_new(view, "to", words_json(to != NULL ? to : "?"));
	json_object_set_new(view, "source", mapping_source_words(row));
	json_object_set_new(view, "meaning", meaning_of(f->bench->kind, row));
	json_object_set_new(view, "way", mapping_way_words(row));
	json_object_set_new(view, "rule", mapping_rule_of_row_words(row));
	json_object_set_new(view, "edit_url", edit_url(f, "row", n));
	json_object_set_new(view, "form", opened ? row_form(f, row, n) : json_null());
	return view;
}

static bool
is_written(const json_t *rows, const char *to)
{
	json_t *row;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)rows, i, row) {
		const char *its = bh_json_str(row, "to");

		if (its != NULL && strcmp(its, to) == 0)
			return true;
	}
	return false;
}

/* What the CRM demands of a new record and no row fills: "LastName, Company"; "" nothing. */
static json_t *
lacking_view(const struct facts *f)
{
	const struct dest_object *described = f->bench->described;
	struct bh_buf out = BH_BUF_INIT(16384);
	json_t *text;

	for (size_t i = 0; described != NULL && i < described->fields_n; i++) {
		const struct dest_field *field = &described->fields[i];
		json_t *name = own_name(f->bench->m, field->name);

		if (field->required && field->writable &&
		    !is_written(json_object_get(f->object, "fields"), json_string_value(name)))
			bh_buf_addf(&out, "%s%s", out.len > 0 ? ", " : "", json_string_value(name));
		json_decref(name);
	}
	text = words_json(bh_buf_str(&out));
	bh_buf_release(&out);
	return text;
}

static void
add_rows(struct facts *f)
{
	json_t *list = json_array(), *row;
	size_t i;

	json_array_foreach (json_object_get(f->object, "fields"), i, row)
		json_array_append_new(list, row_view(f, row, i));
	json_object_set_new(f->model, "has_rows", json_boolean(json_array_size(list) > 0));
	json_object_set_new(f->model, "rows", list);
	json_object_set_new(f->model, "lacking", lacking_view(f));
	json_object_set_new(f->model, "new_row",
	    is_open(f, "row") &&
		    (f->open->is_new ||
			f->open->n >= json_array_size(json_object_get(f->object, "fields")))
		? row_form(f, NULL, 0)
		: json_null());
	json_object_set_new(f->model, "new_row_url", url_of(f, "edit=row-new#row-new"));
}

/* -- the filter -- */

static json_t *
condition_form(const json_t *condition, size_t n)
{
	static const struct mapping_choice ops[] = {{"is", "is"}, {"in", "is one of"},
	    {"not_in", "is none of"}, {NULL, NULL}};
	const char *op = form_word(condition, "op");

	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "number", json_sprintf("%zu", n), "place",
	    json_sprintf("%zu", n + 1), "field", form_text(condition, "field"), "value",
	    form_text(condition, "value"), "ops", choices(ops, *op != '\0' ? op : "in"));
}

static json_t *
filter_form(const struct facts *f, const json_t *view)
{
	static const struct mapping_choice modes[] = {{"all", "all of these hold"},
	    {"any", "one of these holds"}, {NULL, NULL}};
	const json_t *given = json_object_get(view, "conditions");
	json_t *conditions = json_array();
	size_t n = json_array_size(given) + 2;

	for (size_t i = 0; i < n && i < MAPPING_CONDITIONS; i++)
		json_array_append_new(conditions, condition_form(json_array_get(given, i), i));
	return json_pack("{s:o, s:o, s:o}", "conditions", conditions, "modes",
	    choices(modes, *form_word(view, "mode") != '\0' ? form_word(view, "mode") : "all"),
	    "json_url", url_of(f, "edit=filter-json#filter"));
}

/* As a form where it fits into one, else as JSON. */
static json_t *
open_filter(const struct facts *f, const json_t *filter)
{
	bool is_json = is_open(f, "filter-json");
	json_t *view = NULL, *form;
	char seen[DRAFT_VERSION_LEN + 1];

	if (!is_json && !is_open(f, "filter"))
		return json_null();
	if (f->open->posted != NULL)
		view = json_incref((json_t *)(uintptr_t)f->open->posted);
	else if (!is_json)
		view = mapping_filter_view(filter, f->bench->kind);
	is_json = is_json || view == NULL;
	draft_digest(filter != NULL ? filter : json_null(), seen);
	form = is_json ? json_pack("{s:o}", "json",
			     view != NULL     ? form_text(view, "json")
			     : filter == NULL ? json_string("")
					      : mapping_json_view(filter))
		       : filter_form(f, view);
	json_object_set_new(form, "is_json", json_boolean(is_json));
	json_object_set_new(form, "seen", json_string(seen));
	json_object_set_new(form, "error",
	    words_json(f->open->error != NULL ? f->open->error : ""));
	json_decref(view);
	return form;
}

static void
add_filter(struct facts *f)
{
	const json_t *filter = json_object_get(f->object, "if");
	int passes = mapping_bench_passes(f->bench);

	json_object_set_new(f->model, "filter", mapping_filter_words(filter));
	json_object_set_new(f->model, "filter_passes", json_boolean(passes == 1));
	json_object_set_new(f->model, "filter_stops", json_boolean(passes == 0));
	json_object_set_new(f->model, "filter_url", url_of(f, "edit=filter#filter"));
	json_object_set_new(f->model, "filter_form", open_filter(f, filter));
}

/* -- matching rules -- */

static json_t *
rule_form(const struct facts *f, const json_t *rule, size_t n)
{
	static const struct mapping_choice bys[] = {{"key", "the key that Billhook wrote"},
	    {"id", "the CRM's own id"}, {"value", "equal values"},
	    {"domain", "the host of a web address"}, {NULL, NULL}};
	static const char *const texts[] = {"to", "from", "to2", "from2", "to3", "from3", "on",
	    "if"};
	json_t *view = f->open->posted != NULL ? json_incref((json_t *)(uintptr_t)f->open->posted)
					       : mapping_rule_view(rule);
	json_t *form = json_object();
	char seen[DRAFT_VERSION_LEN + 1] = "", name[16];
	bool is_json = view == NULL || json_object_get(view, "json") != NULL;

	if (rule != NULL)
		draft_digest(rule, seen);
	for (size_t i = 0; i < BH_LEN(texts); i++) {
		snprintf(name, sizeof(name), "f_%s", texts[i]);
		json_object_set_new(form, name, form_text(view, texts[i]));
	}
	json_object_set_new(form, "bys",
	    choices(bys, *form_word(view, "by") != '\0' ? form_word(view, "by") : "value"));
	json_object_set_new(form, "as1", transforms_view(form_word(view, "as"), "as it is"));
	json_object_set_new(form, "as2", transforms_view(form_word(view, "as2"), "as it is"));
	json_object_set_new(form, "as3", transforms_view(form_word(view, "as3"), "as it is"));
	json_object_set_new(form, "has_more",
	    json_boolean(*form_word(view, "to2") != '\0' || *form_word(view, "from2") != '\0'));
	json_object_set_new(form, "is_json", json_boolean(is_json));
	json_object_set_new(form, "json",
	    !is_json       ? json_string("")
	    : view != NULL ? form_text(view, "json")
			   : mapping_json_view(rule));
	json_object_set_new(form, "seen", json_string(seen));
	json_object_set_new(form, "place", json_sprintf("%zu", n));
	json_object_set_new(form, "is_new", json_boolean(rule == NULL));
	json_object_set_new(form, "error",
	    words_json(f->open->error != NULL ? f->open->error : ""));
	json_decref(view);
	return form;
}

static void
add_rules(struct facts *f)
{
	json_t *list = json_array(), *rule;
	const json_t *rules = json_object_get(f->object, "match");
	size_t i, n = json_array_size(rules);

	json_array_foreach ((json_t *)(uintptr_t)rules, i, rule) {
		bool opened = is_open(f, "rule") && !f->open->is_new && f->open->n == i;

		json_array_append_new(list,
		    json_pack("{s:o, s:o, s:o, s:o, s:o}", "number", json_sprintf("%zu", i), "text",
			mapping_match_words(rule), "asks", mapping_bench_rule(f->bench, rule),
			"edit_url", edit_url(f, "rule", i), "form",
			opened ? rule_form(f, rule, i) : json_null()));
	}
	json_object_set_new(f->model, "has_rules", json_boolean(n > 0));
	json_object_set_new(f->model, "rules", list);
	json_object_set_new(f->model, "new_rule_url", url_of(f, "edit=rule-new#rule-new"));
	json_object_set_new(f->model, "new_rule",
	    is_open(f, "rule") && (f->open->is_new || f->open->n >= n) ? rule_form(f, NULL, 0)
								       : json_null());
}

/* yes, no, wait, and each setting that could say so. */
static json_t *
creates_view(const struct facts *f)
{
	static const struct mapping_choice words[] = {{"yes", "a new record is made"},
	    {"no", "nothing is written"},
	    {"wait", "nothing is written, and it is looked for again once an hour"}, {NULL, NULL}};
	const char *now = bh_json_str(f->object, "create"), *name;
	const char *chosen = now != NULL ? now : "yes";
	json_t *list = json_array(), *value;
	bool is_seen = false;

	for (size_t i = 0; words[i].value != NULL; i++)
		add_choice(list, words[i].value, words[i].label, chosen, &is_seen);
	json_object_foreach (f->settings, name, value) {
		char *setting = bh_xasprintf("{%s}", name);
		char *label = bh_xasprintf("as the setting %s says", name);

		if (strncmp(name, "create", 6) == 0 || strcmp(setting, chosen) == 0)
			add_choice(list, setting, label, chosen, &is_seen);
		free(label);
		free(setting);
	}
	if (!is_seen)
		add_choice(list, chosen, chosen, chosen, &is_seen);
	return list;
}

static void
add_create(struct facts *f)
{
	bool opened = is_open(f, "create");

	json_object_set_new(f->model, "create", mapping_create_words(f->object, f->settings));
	json_object_set_new(f->model, "create_url", url_of(f, "edit=create#create"));
	json_object_set_new(f->model, "create_form",
	    opened ? json_pack("{s:o, s:o}", "creates", creates_view(f), "error",
			 words_json(f->open->error != NULL ? f->open->error : ""))
		   : json_null());
}

/* -- the rest -- */

static void
add_rest(struct facts *f)
{
	json_t *rest = mapping_rest(f->object), *form = json_null(), *shown;
	char seen[DRAFT_VERSION_LEN + 1];

	draft_digest(rest, seen);
	shown = f->open->posted != NULL && is_open(f, "rest") ? form_text(f->open->posted, "json")
							      : mapping_json_view(rest);
	if (is_open(f, "rest"))
		form = json_pack("{s:O, s:s, s:o}", "json", shown, "seen", seen, "error",
		    words_json(f->open->error != NULL ? f->open->error : ""));
	json_object_set_new(f->model, "rest", shown);
	json_object_set_new(f->model, "rest_url", url_of(f, "edit=rest#rest"));
	json_object_set_new(f->model, "rest_form", form);
	json_decref(rest);
}

/* -- the head -- */

static void
add_sample(struct facts *f)
{
	const struct mapping_sample *sample = &f->bench->sample;
	const char *asked = request_query(f->exchange->request, "sample");
	bool has = sample->id[0] != '\0';

	if (asked == NULL)
		asked = request_field(f->exchange->request, "sample");
	json_object_set_new(f->model, "has_sample", json_boolean(has));
	json_object_set_new(f->model, "sample_title",
	    has ? mapping_sample_title(sample) : json_string(""));
	json_object_set_new(f->model, "sample_id",
	    has ? mapping_sample_asked(sample) : json_string(""));
	json_object_set_new(f->model, "sample_asked", words_json(asked != NULL ? asked : ""));
	json_object_set_new(f->model, "is_sample_missing",
	    json_boolean(!has && asked != NULL && *asked != '\0'));
}

static int
add_head(struct facts *f, struct bh_err *err)
{
	const char *name = bh_json_str(f->object, "name");
	json_t *asked = mapping_asked_facts(f->exchange, f->bench->m, err), *preset = NULL, *on;
	char *segment, *try;
	bool is_on, is_there;

	if (asked == NULL)
		return -1;
	segment = mapping_segment(f->object, f->index);
	is_there = mapping_preset(f->exchange, f->bench->m, &preset) > 0 && name != NULL &&
		   mapping_object_named(preset, name) != NULL;
	json_object_set_new(f->model, "asked", asked);
	json_object_set(f->model, "can_describe", json_object_get(asked, "can_ask"));
	json_object_set_new(f->model, "object", words_json(name != NULL ? name : "?"));
	json_object_set_new(f->model, "kind", json_string(object_kind_name(f->bench->kind)));
	json_object_set_new(f->model, "to", words_json(f->bench->to));
	json_object_set_new(f->model, "to_error", words_json(f->bench->why));
	json_object_set_new(f->model, "url", url_of(f, ""));
	json_object_set_new(f->model, "segment", json_string(segment));
	try = bh_xasprintf("/%s/try.json", segment);
	json_object_set_new(f->model, "try_url", mapping_url(f->exchange, f->bench->m, try));
	free(try);
	json_object_set_new(f->model, "on", mapping_on_words(f->object, f->settings, &is_on));
	on = mapping_switched_on(f->bench->m);
	if (on != NULL && name != NULL)
		is_on = json_object_get(on, name) != NULL;
	json_decref(on);
	json_object_set_new(f->model, "is_on", json_boolean(is_on));
	json_object_set_new(f->model, "is_described", json_boolean(f->bench->described != NULL));
	json_object_set_new(f->model, "described",
	    words_time_json(f->bench->described != NULL ? f->bench->described_ms : 0, bh_now_ms()));
	json_object_set_new(f->model, "is_restorable",
	    json_boolean(is_there && !json_equal(mapping_object_named(preset, name), f->object)));
	json_decref(preset);
	free(segment);
	return 0;
}

/* Long lists only where a form is open that offers them. */
static void
add_lists(struct facts *f)
{
	bool opened = *f->open->what != '\0' && f->exchange->session.role >= ACCOUNT_ADMIN;

	json_object_set_new(f->model, "has_lists", json_boolean(opened));
	json_object_set_new(f->model, "sources",
	    opened ? sources_view(f->bench->kind) : json_array());
	json_object_set_new(f->model, "crm_fields",
	    opened ? crm_fields_view(f->bench) : json_array());
}

int
mapping_facts_object(json_t *model, struct exchange *exchange, const struct mapping_bench *bench,
    size_t index, const struct mapping_open *open, struct bh_err *err)
{
	struct facts f = {model, exchange, bench, bench->object, index, open,
	    mapping_settings(bench->m)};
	int rc = add_head(&f, err);

	if (rc == 0) {
		add_sample(&f);
		add_rows(&f);
		add_filter(&f);
		add_rules(&f);
		add_create(&f);
		add_rest(&f);
		add_lists(&f);
	}
	json_decref(f.settings);
	return rc;
}
