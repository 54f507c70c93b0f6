/* See crm_schema.h. */
#include "base/base.h"

#include "web/crm_schema.h"

#include "base/json.h"
#include "web/words.h"

#define ROWS_MAX 2000 /* shown of what a CRM tells: no schema is near it */

static const struct {
	const char *state, *css, *word;
} row_words[] = {
    {"exists", "good", "there"},
    {"missing", "idle", "missing"},
    {"differs", "bad", "differs"},
    {"hidden", "bad", "hidden"},
};

static json_t *
plan_text(const struct crm_facts *facts BH_UNUSED, const struct errand *errand)
{
	struct bh_buf text = BH_BUF_INIT(400);
	const char *separator = "";
	json_t *json;

	for (size_t i = 0; i < BH_LEN(row_words); i++) {
		int64_t n = bh_json_int(errand->answer, row_words[i].state, 0);
		char count[WORDS_MAX];

		words_count(count, n);
		if (n > 0)
			bh_buf_addf(&text, "%s%s %s", separator, count, row_words[i].word);
		if (n > 0)
			separator = ", ";
	}
	if (text.len == 0)
		bh_buf_adds(&text, "Nothing is needed there");
	bh_buf_addc(&text, '.');
	json = json_string(bh_buf_str(&text));
	bh_buf_release(&text);
	return json;
}

static bool
is_all_there(const struct errand *errand)
{
	for (size_t i = 1; i < BH_LEN(row_words); i++)
		if (bh_json_int(errand->answer, row_words[i].state, 0) > 0)
			return false;
	return true;
}

static json_t *
text_of(const json_t *object, const char *name)
{
	const char *text = bh_json_str(object, name);

	return words_json(text != NULL ? text : "");
}

static json_t *
plan_row(const json_t *row, size_t word)
{
	json_t *view =
	    json_pack("{s:s, s:s}", "state", row_words[word].css, "word", row_words[word].word);
	static const char *const names[] = {"name", "label", "type", "detail", "why"};
	const char *kind = bh_json_str(row, "kind");
	char shown[32] = "";

	for (size_t i = 0; i < BH_LEN(names); i++)
		json_object_set_new(view, names[i], text_of(row, names[i]));
	/* "permission_set" */
	snprintf(shown, sizeof(shown), "%s", kind != NULL ? kind : "");
	for (char *at = shown; (at = strchr(at, '_')) != NULL;)
		*at = ' ';
	json_object_set_new(view, "kind", words_json(shown));
	return view;
}

/* What needs a look stands in front; what is there is folded away. */
static void
sort_plan(const json_t *rows, json_t *open, json_t *there)
{
	json_t *row;
	size_t i;

	if (!json_is_array(rows))
		return;
	json_array_foreach ((json_t *)(uintptr_t)rows, i, row) {
		const char *state = bh_json_str(row, "state");

		for (size_t w = 0; i < ROWS_MAX && state != NULL && w < BH_LEN(row_words); w++)
			if (strcmp(state, row_words[w].state) == 0)
				json_array_append_new(w == 0 ? there : open, plan_row(row, w));
	}
}

json_t *
crm_report_text(const struct crm_facts *facts BH_UNUSED, const struct errand *errand)
{
	static const struct {
		const char *name, *word;
	} parts[] = {{"created", "made"}, {"removed", "removed"}, {"failed", "failed"},
	    {"hidden", "hidden"}};
	struct bh_buf text = BH_BUF_INIT(400);
	json_t *json;

	bh_buf_adds(&text, crm_is_complete(errand) ? "Complete" : "Not complete");
	for (size_t i = 0; i < BH_LEN(parts); i++) {
		size_t n = json_array_size(json_object_get(errand->answer, parts[i].name));

		if (n > 0)
			bh_buf_addf(&text, ", %zu %s", n, parts[i].word);
	}
	bh_buf_addc(&text, '.');
	json = json_string(bh_buf_str(&text));
	bh_buf_release(&text);
	return json;
}

bool
crm_is_complete(const struct errand *errand)
{
	return bh_is_json_true(errand->answer, "is_complete");
}

json_t *
crm_failed_view(const json_t *report)
{
	const json_t *failed = json_object_get(report, "failed");
	static const char *const names[] = {"name", "code", "cause", "remedy"};
	json_t *list = json_array(), *one;
	size_t i;

	if (!json_is_array(failed))
		return list;
	json_array_foreach ((json_t *)(uintptr_t)failed, i, one) {
		json_t *view = json_object();

		for (size_t n = 0; n < BH_LEN(names); n++)
			json_object_set_new(view, names[n], text_of(one, names[n]));
		json_array_append_new(list, view);
	}
	return list;
}

static json_t *
names_view(const json_t *names)
{
	json_t *list = json_array(), *one;
	size_t i;

	if (!json_is_array(names))
		return list;
	json_array_foreach ((json_t *)(uintptr_t)names, i, one)
		if (json_is_string(one))
			json_array_append_new(list,
			    json_pack("{s:o}", "name", words_json(json_string_value(one))));
	return list;
}

static void
set_list(json_t *model, const char *name, const char *has, json_t *list)
{
	json_object_set_new(model, has, json_boolean(json_array_size(list) > 0));
	json_object_set_new(model, name, list);
}

static void
show_schema(struct crm_facts *facts, const struct errand *plan, const struct errand *install)
{
	const json_t *report = install->is_open ? NULL : install->answer;
	json_t *open = json_array(), *there = json_array(), *model = facts->model;

	sort_plan(json_object_get(plan->answer, "rows"), open, there);
	json_object_set_new(model, "there_count",
	    words_count_json((int64_t)json_array_size(there)));
	set_list(model, "open_rows", "has_open_rows", open);
	set_list(model, "there_rows", "has_there_rows", there);
	set_list(model, "failed", "has_failed", crm_failed_view(report));
	set_list(model, "unseen", "has_unseen", names_view(json_object_get(report, "hidden")));
	json_object_set_new(model, "is_plan_older",
	    json_boolean(
		plan->answer != NULL && !install->is_open && install->done_ms > plan->done_ms));
	json_object_set_new(model, "can_install",
	    json_boolean(
		dest_check_can(facts->driver, ERRAND_INSTALL, NULL) == 0 && !install->is_open));
}

int
crm_add_schema(struct crm_facts *facts, struct bh_err *err)
{
	static const struct crm_saying plan_says = {ERRAND_PLAN, "Not looked at yet.", "Looking …",
	    plan_text, is_all_there};
	static const struct crm_saying install_says = {ERRAND_INSTALL, "",
	    "Making it:", crm_report_text, crm_is_complete};
	struct errand plan = {0}, install = {0};
	int rc = crm_facts_errand(facts, &plan_says, &plan, err);

	json_object_set_new(facts->model, "can_plan",
	    json_boolean(dest_check_can(facts->driver, ERRAND_PLAN, NULL) == 0));
	if (rc == 0)
		rc = crm_facts_errand(facts, &install_says, &install, err);
	if (rc == 0)
		show_schema(facts, &plan, &install);
	errand_release(&plan);
	errand_release(&install);
	return rc;
}
