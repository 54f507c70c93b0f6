/* One object on the page of a preview: see preview_facts.h. */
#include "base/base.h"

#include "base/json.h"
#include "base/text.h"
#include "state/mirror.h"
#include "web/preview_facts.h"
#include "web/words.h"

#define FIRST 8 /* objects of the kind, proposed */
#define PARTS_MAX 20

/* What the query names; "" where it does not. */
struct named {
	const char *object, *kind, *account, *id;
};

static const char *
query(const struct preview_facts *facts, const char *name)
{
	const char *text = request_query(facts->sync->exchange->request, name);

	return text != NULL ? text : "";
}

/* -- the form -- */

static json_t *
kinds_view(const struct preview_facts *facts, const char *chosen)
{
	json_t *list = json_array(), *seen = json_object(), *object;
	size_t i;

	json_array_foreach (json_object_get(facts->mapping, "objects"), i, object) {
		const char *from = bh_json_str(object, "from");
		enum object_kind kind = object_kind_of(from != NULL ? from : "");

		if (kind == OBJECT_NONE || is_object_virtual(kind) ||
		    json_object_get(seen, from) != NULL)
			continue;
		json_object_set_new(seen, from, json_true());
		json_array_append_new(list,
		    json_pack("{s:s, s:o, s:b}", "value", from, "label", preview_kind_words(from),
			"is_chosen", strcmp(from, chosen) == 0));
	}
	json_decref(seen);
	return list;
}

struct firsts {
	const struct preview_facts *facts;
	json_t *list;
};

static const char *
title_of(const json_t *fields, const char *id)
{
	static const char *const names[] = {"name", "number", "email"};

	for (size_t i = 0; i < BH_LEN(names); i++) {
		const char *text = bh_json_str(fields, names[i]);

		if (text != NULL && *text != '\0')
			return text;
	}
	return id;
}

static int
add_first(void *arg, const struct mirror_id *id, const struct object_state *object,
    struct bh_err *err BH_UNUSED)
{
	struct firsts *firsts = arg;
	struct bh_buf url = BH_BUF_INIT(8192);

	bh_buf_addf(&url,
	    "%s/syncs/%s/preview?kind=%s&account=", firsts->facts->sync->exchange->request->base,
	    firsts->facts->sync->sync.code, object_kind_name(id->kind));
	bh_percent_add(&url, id->account, strlen(id->account));
	bh_buf_adds(&url, "&id=");
	bh_percent_add(&url, id->id, strlen(id->id));
	bh_buf_adds(&url, "#record");
	json_array_append_new(firsts->list,
	    json_pack("{s:o, s:o}", "url", words_json(bh_buf_str(&url)), "title",
		words_json(title_of(object->fields, id->id))));
	bh_buf_release(&url);
	return 0;
}

/* The first objects of a kind, so that nobody has to know an id. */
static int
add_firsts(const struct preview_facts *facts, enum object_kind kind, struct bh_err *err)
{
	struct firsts firsts = {facts, json_array()};
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	bool more;
	int rc = mirror_walk(exchange_read(facts->sync->exchange), facts->sync->sync.from, kind,
	    FIRST, &after, add_first, &firsts, &more, err);

	bh_buf_release(&after);
	json_object_set_new(facts->model, "has_firsts",
	    json_boolean(json_array_size(firsts.list) > 0));
	json_object_set_new(facts->model, "firsts", firsts.list);
	return rc;
}

/* -- a document -- */

static const struct {
	const char *verdict, *sentence, *state;
} sentences[] = {
    {"create", "A new record would be made.", "good"},
    {"adopt", "This record would be linked and written.", "good"},
    {"update", "Its record would be changed.", "good"},
    {"unchanged", "Nothing would be written: it is in step.", "good"},
    {"refused", "Nothing would be written: it cannot be.", "bad"},
    {"choice", "Nothing would be written before a person has chosen.", "bad"},
    {"unmatched", "Nothing would be written: there is no record for it.", "idle"},
    {"waiting", "Nothing would be written yet: it waits.", "busy"},
    {"excluded", "Nothing would be written: it is left out.", "idle"},
};

static const struct {
	const char *state, *word, *sign;
} changes[] = {
    {"set", "is set", "busy"},
    {"change", "changes", "busy"},
    {"clear", "is emptied", "busy"},
    {"same", "same", "good"},
    {"stays", "stays", "idle"},
    {"none", "left alone", "idle"},
    {"link", "is linked", "busy"},
};

static json_t *
field_view(const json_t *field)
{
	const char *state = bh_json_str(field, "state"), *value = bh_json_str(field, "value");
	const char *then = bh_json_str(field, "then"), *as = bh_json_str(field, "as");
	size_t i = 0;

	while (i + 1 < BH_LEN(changes) && strcmp(changes[i].state, state) != 0)
		i++;
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:o, s:o}", "to",
	    words_json(bh_json_str(field, "to")), "label", words_json(bh_json_str(field, "label")),
	    "from", words_json(bh_json_str(field, "from")), "as", words_json(as), "now",
	    words_json(bh_json_str(field, "now")), "then", words_json(then), "word",
	    changes[i].word, "state", changes[i].sign, "why", words_json(bh_json_str(field, "why")),
	    "value",
	    strcmp(state, "stays") == 0 && strcmp(value, then) != 0 && *value != '\0'
		? words_json(value)
		: json_string(""));
}

static json_t *
candidates_view(const json_t *list)
{
	json_t *view = json_array(), *one;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)list, i, one)
		json_array_append_new(view,
		    json_pack("{s:o, s:o}", "remote_id", words_json(bh_json_str(one, "remote_id")),
			"name", words_json(bh_json_str(one, "name"))));
	return view;
}

static json_t *
part_view(const json_t *doc, bool is_sample)
{
	const char *verdict = bh_json_str(doc, "verdict"), *text = "There is nothing to write.";
	const char *state = "idle";
	json_t *fields = json_array(), *field, *view;
	json_t *candidates = candidates_view(json_object_get(doc, "candidates"));
	size_t i;

	for (i = 0; i < BH_LEN(sentences); i++)
		if (strcmp(sentences[i].verdict, verdict) == 0) {
			text = sentences[i].sentence;
			state = sentences[i].state;
		}
	json_array_foreach (json_object_get(doc, "fields"), i, field)
		json_array_append_new(fields, field_view(field));
	view = json_pack("{s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b}",
	    "name", words_json(bh_json_str(doc, "object")), "to",
	    words_json(bh_json_str(doc, "to")), "title", words_json(bh_json_str(doc, "title")),
	    "state", state, "sentence", text, "remote_id",
	    words_json(bh_json_str(doc, "remote_id")), "why", words_json(bh_json_str(doc, "why")),
	    "remedy", words_json(bh_json_str(doc, "remedy")), "unread",
	    words_json(bh_json_str(doc, "unread")), "key", words_json(bh_json_str(doc, "key")),
	    "key_field", words_json(bh_json_str(doc, "key_field")), "has_fields",
	    json_array_size(fields) > 0, "is_sample", is_sample);
	json_object_set_new(view, "fields", fields);
	json_object_set_new(view, "has_candidates", json_boolean(json_array_size(candidates) > 0));
	json_object_set_new(view, "candidates", candidates);
	return view;
}

/* -- which one is shown -- */

static bool
is_text(const json_t *json, const char *name, const char *text)
{
	const char *have = bh_json_str(json, name);

	return have != NULL && strcmp(have, text) == 0;
}

static bool
is_asked(const struct preview_facts *facts, const struct named *named)
{
	return facts->ask != NULL && is_text(facts->ask, "kind", named->kind) &&
	       is_text(facts->ask, "account", named->account) &&
	       is_text(facts->ask, "id", named->id);
}

static void
show_asked(struct preview_facts *facts, json_t *view)
{
	bool is_open = bh_is_json_true(facts->ask, "open");
	json_t *parts = json_array(), *part;
	const char *error = bh_json_str(facts->ask, "error");
	size_t i;

	json_array_foreach (json_object_get(facts->ask, "parts"), i, part)
		if (i < PARTS_MAX)
			json_array_append_new(parts, part_view(part, false));
	json_object_set_new(view, "is_open", json_boolean(is_open));
	json_object_set_new(view, "error", words_json(error != NULL ? error : ""));
	json_object_set_new(view, "parts", parts);
	json_object_set_new(view, "asked",
	    words_time_json(bh_json_int(facts->ask, "done", 0), facts->sync->now_ms));
}

/* 1 shown, 0 none is kept, -1 */
static int
show_sample(struct preview_facts *facts, const struct named *named, json_t *view,
    struct bh_err *err)
{
	struct preview_object of = {named->object, named->account, named->id};
	json_t *doc = NULL, *parts = json_array();
	int rc = 0;

	if (*named->object != '\0' && facts->preview.state != PREVIEW_NONE)
		rc = preview_detail(exchange_read(facts->sync->exchange), facts->sync->sync.code,
		    &of, &doc, err);
	if (rc > 0)
		json_array_append_new(parts, part_view(doc, true));
	json_object_set_new(view, "parts", parts);
	json_decref(doc);
	return rc;
}

static void
init_view(const struct named *named, json_t *view)
{
	json_object_set_new(view, "kind", words_json(named->kind));
	json_object_set_new(view, "kind_words", preview_kind_words(named->kind));
	json_object_set_new(view, "account", words_json(named->account));
	json_object_set_new(view, "id", words_json(named->id));
	json_object_set_new(view, "is_open", json_false());
	json_object_set_new(view, "error", json_string(""));
	json_object_set_new(view, "asked", json_null());
}

static int
show_named(struct preview_facts *facts, const struct named *named, struct bh_err *err)
{
	json_t *view = json_object();
	int rc = 1;

	init_view(named, view);
	if (is_asked(facts, named))
		show_asked(facts, view);
	else
		rc = show_sample(facts, named, view, err);
	json_object_set_new(view, "is_new", json_boolean(rc == 0));
	json_object_set_new(facts->model, "record", view);
	return rc < 0 ? -1 : 0;
}

int
preview_facts_record(struct preview_facts *facts, struct bh_err *err)
{
	struct named named = {query(facts, "object"), query(facts, "kind"), query(facts, "account"),
	    query(facts, "id")};
	enum object_kind kind = object_kind_of(named.kind);
	json_t *kinds = kinds_view(facts, named.kind);
	const char *first = bh_json_str(kinds, "0.value");

	json_object_set_new(facts->model, "has_kinds", json_boolean(json_array_size(kinds) > 0));
	json_object_set_new(facts->model, "kinds", kinds);
	json_object_set_new(facts->model, "wanted_account", words_json(named.account));
	json_object_set_new(facts->model, "wanted_id", words_json(named.id));
	json_object_set_new(facts->model, "record", json_false());
	if (kind == OBJECT_NONE || is_object_virtual(kind))
		kind = object_kind_of(first != NULL ? first : "");
	json_object_set_new(facts->model, "has_firsts", json_false());
	json_object_set_new(facts->model, "firsts", json_array());
	if (kind != OBJECT_NONE && add_firsts(facts, kind, err) < 0)
		return -1;
	return *named.id != '\0' ? show_named(facts, &named, err) : 0;
}
