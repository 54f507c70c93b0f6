/* The overview of a mapping and the bar of its draft: see mapping_facts.h. */
#include "base/base.h"

#include "web/mapping_facts.h"

#include "base/clock.h"
#include "base/text.h"
#include "state/walk.h"
#include "web/live.h"
#include "web/mapping_diff.h"
#include "web/mapping_words.h"
#include "web/words.h"

#define PRESET_BYTES (1u << 20)
#define CHANGES_SHOWN 100

/* -- where things are -- */

/* Percent-encoded, for a query. */
static char *
encoded(const char *text)
{
	struct bh_buf out = BH_BUF_INIT(4096);

	bh_percent_add(&out, text, strlen(text));
	return bh_buf_steal(&out);
}

char *
mapping_object_rest(const struct exchange *exchange, const json_t *object, size_t index,
    const char *query)
{
	const char *sample = request_query(exchange->request, "sample");
	char *segment = mapping_segment(object, index), *asked, *rest;

	if (sample == NULL)
		sample = request_field(exchange->request, "sample");
	asked = sample != NULL && *sample != '\0' && strlen(sample) < 1000 ? encoded(sample) : NULL;
	rest = bh_xasprintf("/%s%s%s%s%s", segment, asked != NULL ? "?sample=" : "",
	    asked != NULL ? asked : "",
	    *query == '\0' || *query == '#' ? ""
	    : asked != NULL                 ? "&"
					    : "?",
	    query);
	free(asked);
	free(segment);
	return rest;
}

static int
read_preset(const struct exchange *exchange, const char *name, json_t **preset_r)
{
	char *file;
	int rc;

	if (!bh_is_code(name) || exchange->site->conf->preset_dir == NULL)
		return 0;
	file = bh_xasprintf("%s/%s.json", exchange->site->conf->preset_dir, name);
	rc = bh_json_read(file, PRESET_BYTES, preset_r, NULL) == 0;
	free(file);
	return rc;
}

int
mapping_preset(const struct exchange *exchange, const struct mapping *m, json_t **preset_r)
{
	char *usual;
	int rc;

	*preset_r = NULL;
	if (m->sync.preset[0] != '\0')
		return read_preset(exchange, m->sync.preset, preset_r);
	usual = bh_xasprintf("%s-%s", m->from.driver, m->to.driver);
	rc = read_preset(exchange, usual, preset_r);
	free(usual);
	return rc;
}

json_t *
mapping_rest(const json_t *object)
{
	static const char *const shown[] = {"fields", "match", "if", "create"};
	json_t *rest = json_copy((json_t *)(uintptr_t)object);

	for (size_t i = 0; i < BH_LEN(shown); i++)
		json_object_del(rest, shown[i]);
	return rest;
}

/* -- the bar -- */

static json_t *
changes_word(size_t n)
{
	return n == 1 ? json_string("1 change") : json_sprintf("%zu changes", n);
}

static json_t *
draft_facts(const struct exchange *exchange, const struct mapping *m)
{
	json_t *changes = mapping_diff(m->sync.mapping, m->shown);
	size_t n = json_array_size(changes);
	char version[DRAFT_VERSION_LEN + 1];
	json_t *draft;

	while (json_array_size(changes) > CHANGES_SHOWN)
		json_array_remove(changes, CHANGES_SHOWN);
	draft_digest(m->shown, version);
	draft = json_pack("{s:o, s:o, s:b, s:o, s:o, s:o, s:s, s:b}", "changes_word",
	    changes_word(n), "changes", changes, "is_more", n > CHANGES_SHOWN, "by",
	    words_json(bh_json_str(m->draft, "by") != NULL ? bh_json_str(m->draft, "by") : ""),
	    "time", words_time_json(bh_json_int(m->draft, "at", 0), bh_now_ms()), "preview_url",
	    json_sprintf("%s/syncs/%s/preview", exchange->request->base, m->sync.code), "seen",
	    version, "is_stale", m->is_stale);
	json_object_set_new(draft, "now", json_string(m->version));
	return draft;
}

static json_t *
end_name(const struct account_connection *end, const char *code)
{
	return words_json(end->name[0] != '\0' ? end->name : code);
}

void
mapping_facts_common(json_t *model, const struct exchange *exchange, const struct mapping *m,
    const char *problem)
{
	const char *done = request_query(exchange->request, "done");

	json_object_set_new(model, "sync", json_string(m->sync.code));
	json_object_set_new(model, "sync_url",
	    json_sprintf("%s/syncs/%s", exchange->request->base, m->sync.code));
	json_object_set_new(model, "all_url", mapping_url(exchange, m, ""));
	json_object_set_new(model, "source", end_name(&m->from, m->sync.from));
	json_object_set_new(model, "crm", end_name(&m->to, m->sync.to));
	json_object_set_new(model, "crm_url",
	    json_sprintf("%s/connections/%s", exchange->request->base, m->sync.to));
	json_object_set_new(model, "is_admin",
	    json_boolean(exchange->session.role >= ACCOUNT_ADMIN));
	json_object_set_new(model, "problem", words_json(problem != NULL ? problem : ""));
	json_object_set_new(model, "draft",
	    m->draft != NULL ? draft_facts(exchange, m) : json_null());
	json_object_set_new(model, "is_begun", json_boolean(!m->sync.is_new));
	json_object_set_new(model, "is_saved",
	    json_boolean(done != NULL && strcmp(done, "saved") == 0 && m->draft == NULL));
	json_object_set_new(model, "is_resynced",
	    json_boolean(done != NULL && strcmp(done, "resync") == 0 && m->draft == NULL));
	json_object_set_new(model, "is_dropped",
	    json_boolean(done != NULL && strcmp(done, "dropped") == 0 && m->draft == NULL));
	json_object_set_new(model, "is_kept",
	    json_boolean(done != NULL && strcmp(done, "draft") == 0));
}

/* -- objects -- */

static json_t *
rules_view(const json_t *object)
{
	json_t *list = json_array(), *rule;
	size_t i;

	json_array_foreach (json_object_get(object, "match"), i, rule)
		json_array_append_new(list, json_pack("{s:o}", "text", mapping_match_words(rule)));
	return list;
}

static json_t *
parents_words(const json_t *object)
{
	struct bh_buf out = BH_BUF_INIT(16384);
	json_t *parent, *text;
	size_t i;

	json_array_foreach (json_object_get(object, "parents"), i, parent) {
		const char *name = bh_json_str(parent, "object");

		bh_buf_addf(&out, "%s%s", out.len > 0 ? ", " : "", name != NULL ? name : "?");
	}
	text = words_json(bh_buf_str(&out));
	bh_buf_release(&out);
	return text;
}

static json_t *
text_of(const json_t *object, const char *name)
{
	const char *text = bh_json_str(object, name);

	return words_json(text != NULL ? text : "");
}

/* One line of the overview. */
static json_t *
object_view(const struct exchange *exchange, const struct mapping *m, const json_t *object,
    size_t index, const json_t *settings)
{
	char *rest = mapping_object_rest(exchange, object, index, "");
	struct bh_buf to = BH_BUF_INIT(1024);
	json_t *view;
	bool is_on;
	json_t *on = mapping_on_words(object, settings, &is_on);

	mapping_to(m, object, &to, NULL);
	view = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o}", "name",
	    text_of(object, "name"), "url", mapping_url(exchange, m, rest), "from",
	    text_of(object, "from"), "to", words_json(bh_buf_str(&to)), "rows",
	    json_sprintf("%zu", json_array_size(json_object_get(object, "fields"))), "on", on,
	    "is_on", is_on, "filter", mapping_filter_words(json_object_get(object, "if")), "rules",
	    rules_view(object), "create", mapping_create_words(object, settings), "parents",
	    parents_words(object));
	bh_buf_release(&to);
	free(rest);
	return view;
}

static json_t *
objects_view(const struct exchange *exchange, const struct mapping *m)
{
	json_t *list = json_array(), *settings = mapping_settings(m), *on = mapping_switched_on(m);
	json_t *object, *view;
	size_t i;

	json_array_foreach (json_object_get(m->shown, "objects"), i, object) {
		const char *name = bh_json_str(object, "name");

		view = object_view(exchange, m, object, i, settings);
		/* Settings may leave a filter that nobody passes. */
		if (on != NULL && name != NULL)
			json_object_set_new(view, "is_on",
			    json_boolean(json_object_get(on, name) != NULL));
		json_array_append_new(list, view);
	}
	json_decref(on);
	json_decref(settings);
	return list;
}

/* What the preset has and the mapping has not. */
static json_t *
missing_view(const struct mapping *m, const json_t *preset)
{
	json_t *list = json_array(), *object;
	size_t i;

	json_array_foreach (json_object_get(preset, "objects"), i, object) {
		const char *name = bh_json_str(object, "name");

		if (name != NULL && mapping_object_named(m->shown, name) == NULL)
			json_array_append_new(list, json_pack("{s:o}", "name", words_json(name)));
	}
	return list;
}

static json_t *
kinds_view(void)
{
	json_t *list = json_array();

	for (int kind = 1; kind < OBJECT__MAX; kind++)
		json_array_append_new(list,
		    json_pack("{s:s}", "value", object_kind_name((enum object_kind)kind)));
	return list;
}

static void
add_preset(json_t *model, const struct exchange *exchange, const struct mapping *m)
{
	json_t *preset = NULL;
	bool is_there = mapping_preset(exchange, m, &preset) > 0;
	const char *title = bh_json_str(preset, "title");

	json_object_set_new(model, "has_preset", json_boolean(is_there));
	json_object_set_new(model, "preset", words_json(title != NULL ? title : m->sync.preset));
	json_object_set_new(model, "is_preset_other",
	    json_boolean(is_there && !json_equal(preset, m->shown)));
	json_object_set_new(model, "missing", missing_view(m, preset));
	json_decref(preset);
}

int
mapping_facts_all(json_t *model, struct exchange *exchange, const struct mapping *m,
    const char *typed, const char *error, struct bh_err *err)
{
	const char *query = request_query(exchange->request, "id");
	json_t *asked = mapping_asked_facts(exchange, m, err);

	if (asked == NULL)
		return -1;
	json_object_set_new(model, "asked", asked);
	json_object_set_new(model, "objects", objects_view(exchange, m));
	json_object_set_new(model, "has_objects",
	    json_boolean(json_array_size(json_object_get(model, "objects")) > 0));
	json_object_set_new(model, "kinds", kinds_view());
	add_preset(model, exchange, m);
	json_object_set_new(model, "typed", words_json(typed != NULL ? typed : ""));
	json_object_set_new(model, "import_error", words_json(error != NULL ? error : ""));
	json_object_set_new(model, "searched", words_json(query != NULL ? query : ""));
	json_object_set_new(model, "file_url",
	    json_sprintf("%s/syncs/%s/mapping.json", exchange->request->base, m->sync.code));
	json_object_set_new(model, "file_name", json_sprintf("%s.json", m->sync.code));
	return 0;
}

/* -- asking the CRM -- */

json_t *
mapping_asked_facts(struct exchange *exchange, const struct mapping *m, struct bh_err *err)
{
	struct errand errand;
	int found = errand_load(exchange_read(exchange), m->sync.to, ERRAND_DESCRIBE, &errand, err);
	const char *error = errand.error;
	json_t *asked = NULL;

	if (found >= 0)
		asked = json_pack("{s:b, s:b, s:o, s:o, s:o}", "can_ask",
		    m->dest != NULL && dest_check_can(m->dest, ERRAND_DESCRIBE, NULL) == 0,
		    "is_open", found > 0 && errand.is_open, "error",
		    words_json(found > 0 && !errand.is_open ? error : ""), "newest",
		    json_sprintf("%lld", (long long)errand.done_ms), "live_url",
		    mapping_url(exchange, m, "/status.json"));
	errand_release(&errand);
	return asked;
}
