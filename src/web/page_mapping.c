/*
 * The mapping of a sync: its overview, the draft put to use or thrown away,
 * presets, files.  Putting to use goes through sync/configure.c, as billhook
 * apply does, in the transaction that ends the draft.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "state/trail.h"
#include "state/walk.h"
#include "sync/configure.h"
#include "web/mapping_diff.h"
#include "web/mapping_facts.h"
#include "web/mapping_file.h"
#include "web/mapping_form.h"
#include "web/page.h"
#include "web/words.h"

#define TRIES 5 /* of a save while the settings are being changed elsewhere */
#define TRAIL_CHANGES 50

static int
no_sync(struct exchange *exchange)
{
	exchange_error(exchange, 404, "There is no such sync.");
	return 0;
}

static int
load(struct exchange *exchange, struct mapping *m, struct bh_err *err)
{
	return mapping_load(exchange_read(exchange), exchange->match.args[0], m, err);
}

static const char *
field(const struct exchange *exchange, const char *name)
{
	const char *text = request_field(exchange->request, name);

	return text != NULL ? text : "";
}

static void
go(struct exchange *exchange, const char *rest)
{
	json_t *path = json_sprintf("/syncs/%s/mapping%s", exchange->match.args[0], rest);

	response_redirect(exchange->response, exchange->request->base, json_string_value(path));
	json_decref(path);
}

/* -- showing -- */

/* typed, error: of an import; problem: of another button. */
static int
show_all(struct exchange *exchange, const struct mapping *m, int status, const char *typed,
    const char *error, const char *problem, struct bh_err *err)
{
	json_t *model = json_object();
	char title[128];
	int rc = mapping_facts_all(model, exchange, m, typed, error, err);

	if (rc == 0) {
		mapping_facts_common(model, exchange, m, problem);
		snprintf(title, sizeof(title), "Mapping of %s", m->sync.code);
		rc = exchange_page(exchange, status, "mapping", title, json_incref(model), err);
	}
	json_decref(model);
	return rc;
}

static int
show(struct exchange *exchange, int status, const char *typed, const char *error,
    const char *problem, struct bh_err *err)
{
	struct mapping m;
	int rc;

	store_reset(exchange_read(exchange));
	rc = load(exchange, &m, err);
	if (rc > 0)
		rc = show_all(exchange, &m, status, typed, error, problem, err);
	else if (rc == 0)
		rc = no_sync(exchange);
	mapping_release(&m);
	return rc;
}

/* The page of the first object that is made of what has this id: 1 went there, 0 nothing has it. */
static int
go_to_record(struct exchange *exchange, const struct mapping *m, const char *id, struct bh_err *err)
{
	json_t *object;
	size_t i;
	int rc = 0;

	json_array_foreach (json_object_get(m->shown, "objects"), i, object) {
		struct mapping_sample sample;

		rc = mapping_sample_find(exchange, m, mapping_kind(object), id, &sample, err);
		mapping_sample_release(&sample);
		if (rc > 0) {
			struct bh_buf rest = BH_BUF_INIT(4096);
			char *segment = mapping_segment(object, i);

			bh_buf_addf(&rest, "/%s?sample=", segment);
			bh_percent_add(&rest, id, strlen(id));
			go(exchange, bh_buf_str(&rest));
			free(segment);
			bh_buf_release(&rest);
		}
		if (rc != 0)
			break;
	}
	return rc;
}

int
page_mapping(struct exchange *exchange, struct bh_err *err)
{
	const char *id = request_query(exchange->request, "id");
	struct mapping m;
	int rc = load(exchange, &m, err);

	if (rc == 0) {
		rc = no_sync(exchange);
	} else if (rc > 0) {
		bool is_asked = id != NULL && *id != '\0';

		rc = is_asked ? go_to_record(exchange, &m, id, err) : 0;
		if (rc == 0)
			rc = show_all(exchange, &m, 200, NULL, NULL,
			    is_asked ? "Nothing that this mapping uses has this id." : NULL, err);
	}
	mapping_release(&m);
	return rc < 0 ? -1 : 0;
}

int
page_mapping_status(struct exchange *exchange, struct bh_err *err)
{
	struct mapping m;
	int rc = load(exchange, &m, err);
	json_t *asked = rc > 0 ? mapping_asked_facts(exchange, &m, err) : NULL;

	if (asked != NULL) {
		response_json(exchange->response, 200,
		    json_pack("{s:O}", "newest", json_object_get(asked, "newest")));
		json_decref(asked);
	} else if (rc == 0) {
		rc = no_sync(exchange);
	} else {
		rc = -1;
	}
	mapping_release(&m);
	return rc < 0 ? -1 : 0;
}

/* The file: what is in use, or with "?draft=1" what is not yet. */
int
page_mapping_file(struct exchange *exchange, struct bh_err *err)
{
	const char *draft = request_query(exchange->request, "draft");
	struct response *response = exchange->response;
	struct mapping m;
	int rc = load(exchange, &m, err);

	if (rc == 0) {
		rc = no_sync(exchange);
	} else if (rc > 0) {
		response->status = 200;
		response->type = "application/json";
		bh_buf_reset(&response->body);
		mapping_file_add(&response->body, draft != NULL ? m.shown : m.sync.mapping);
		rc = 0;
	}
	mapping_release(&m);
	return rc;
}

/* -- putting the draft to use -- */

struct save {
	struct exchange *exchange;
	bool is_resync;
	uint64_t version; /* of the settings that the document was made of */
	json_t *document;
	json_t *changes;
	char refused[200]; /* a sentence for the person */
};

static int
refuse(struct save *save, struct bh_err *err, const char *text)
{
	snprintf(save->refused, sizeof(save->refused), "%s", text);
	return bh_fail(err, BH_INVALID, "%s", text);
}

/* Is the draft the one that was looked at, and of the sync as it is? */
static int
check_draft(struct save *save, const struct mapping *m, struct bh_err *err)
{
	char seen[DRAFT_VERSION_LEN + 1];

	draft_digest(m->shown, seen);
	if (m->draft == NULL)
		return refuse(save, err,
		    "There is no draft any more: somebody saved it or threw it away.");
	if (m->is_stale)
		return refuse(save, err,
		    "The sync was changed since the draft began. Look at the differences below first.");
	if (strcmp(seen, field(save->exchange, "seen")) != 0)
		return refuse(save, err,
		    "Somebody changed the draft since you looked at it. Look at the changes below, then save.");
	return 0;
}

/* The configuration with the draft's mapping in the sync's place: nothing else of it is known here. */
static int
make_document(struct save *save, const struct mapping *m, struct bh_err *err)
{
	json_t *all = NULL, *sync, *syncs = json_array();
	size_t i;

	if (configure_export(save->exchange->site->store, &all, err) < 0) {
		json_decref(syncs);
		return -1;
	}
	json_array_foreach (json_object_get(all, "syncs"), i, sync) {
		if (strcmp(bh_json_str(sync, "code"), m->sync.code) != 0)
			continue;
		json_object_set(sync, "mapping", m->shown);
		json_array_append(syncs, sync);
	}
	json_decref(all);
	save->document = json_pack("{s:i, s:o}", "billhook", 1, "syncs", syncs);
	save->changes = mapping_diff(m->sync.mapping, m->shown);
	while (json_array_size(save->changes) > TRAIL_CHANGES)
		json_array_remove(save->changes, TRAIL_CHANGES);
	return 0;
}

/* The draft ends with the save, which is noted; both only if nothing was changed meanwhile. */
static int
end_draft(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct save *save = arg;
	const char *code = save->exchange->match.args[0];
	char text[200];
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "config",
	    .subject = code,
	    .text = text,
	    .by = save->exchange->session.user,
	    .facts = save->changes};
	struct mapping m;
	uint64_t version;
	int rc = account_version(txn, &version, err);

	if (rc == 0 && version != save->version)
		return bh_fail(err, BH_LIMITED, "the settings were changed meanwhile");
	if (rc == 0)
		rc = mapping_load(txn, code, &m, err);
	if (rc <= 0)
		return rc < 0 ? -1 : refuse(save, err, "There is no such sync any more.");
	rc = check_draft(save, &m, err);
	mapping_release(&m);
	if (rc < 0)
		return -1;
	draft_drop(txn, code);
	snprintf(text, sizeof(text), "mapping changed in the browser by %s, %s",
	    save->exchange->session.user,
	    save->is_resync ? "also for what is synced already" : "from now on");
	trail_add(txn, 1, &entry);
	return 0;
}

static int
save_once(struct save *save, const struct mapping *m, struct bh_err *err)
{
	struct configure_options options = {
	    .preset_dir = save->exchange->site->conf->preset_dir,
	    .no_resync = !save->is_resync,
	    .with = end_draft,
	    .arg = save,
	};
	size_t changes;

	if (check_draft(save, m, err) < 0 || make_document(save, m, err) < 0)
		return -1;
	return configure_apply(save->exchange->site->store, &save->exchange->site->key,
	    save->document, &options, &changes, err);
}

/* One try with what is stored now. */
static int
try_save(struct save *save, struct bh_err *err)
{
	struct store_txn *txn = store_begin(save->exchange->site->store);
	struct mapping m = {0};
	int rc = account_version(txn, &save->version, err);

	if (rc == 0)
		rc = mapping_load(txn, save->exchange->match.args[0], &m, err);
	if (rc == 0)
		rc = refuse(save, err, "There is no such sync any more.");
	else if (rc > 0)
		rc = save_once(save, &m, err);
	mapping_release(&m);
	store_free(&txn);
	json_decref(save->document);
	json_decref(save->changes);
	save->document = save->changes = NULL;
	return rc;
}

static int
save_draft(struct exchange *exchange, struct bh_err *err)
{
	struct save save = {.exchange = exchange};
	const char *apply = field(exchange, "apply");
	struct bh_err why = BH_ERR_INIT;
	int rc = -1;

	save.is_resync = strcmp(apply, "all") == 0;
	if (!save.is_resync && strcmp(apply, "new") != 0)
		return show(exchange, 400, NULL, NULL,
		    "Choose whether the change is for what is synced already, too.", err);
	for (int i = 0; i < TRIES && rc < 0; i++) {
		rc = try_save(&save, &why);
		if (rc < 0 && why.code != BH_LIMITED)
			break;
	}
	if (rc == 0) {
		go(exchange, save.is_resync ? "?done=resync" : "?done=saved");
		return 0;
	}
	if (why.code != BH_INVALID && why.code != BH_LIMITED)
		return bh_fail(err, why.code, "%s", why.text);
	return show(exchange, save.refused[0] != '\0' ? 409 : 400, NULL, NULL,
	    save.refused[0] != '\0' ? save.refused : configure_within(why.text, "/syncs/0/mapping"),
	    err);
}

/* -- the draft as a whole -- */

struct ending {
	const struct exchange *exchange;
	bool is_refresh; /* keep it, as begun from the sync as it is now */
	bool is_other;   /* it is another one than the person looked at: nothing is done */
};

/* What was shown must be what is stored, or the person has seen something else. */
static bool
is_looked_at(const struct ending *ending, const struct mapping *m)
{
	char seen[DRAFT_VERSION_LEN + 1];

	draft_digest(m->shown, seen);
	return strcmp(m->version, field(ending->exchange, "now")) == 0 &&
	       strcmp(seen, field(ending->exchange, "seen")) == 0;
}

static int
end_in(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct ending *ending = arg;
	const char *code = ending->exchange->match.args[0], *user = ending->exchange->session.user;
	char text[160];
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "config",
	    .subject = code,
	    .text = text,
	    .by = user};
	struct mapping m;
	int rc = mapping_load(txn, code, &m, err);

	ending->is_other = rc > 0 && m.draft != NULL && !is_looked_at(ending, &m);
	if (rc > 0 && (m.draft == NULL || ending->is_other))
		rc = 0;
	if (rc > 0 && ending->is_refresh) {
		draft_save(txn, code, m.shown, m.version, user, bh_now_ms());
	} else if (rc > 0) {
		draft_drop(txn, code);
		snprintf(text, sizeof(text),
		    "draft of the mapping thrown away in the browser by %s", user);
		trail_add(txn, 0, &entry);
	}
	mapping_release(&m);
	return rc > 0 ? 0 : rc == 0 ? 1 : -1;
}

static int
end(struct exchange *exchange, bool is_refresh, const char *then, struct bh_err *err)
{
	struct ending ending = {exchange, is_refresh, false};

	if (store_run(exchange->site->store, end_in, &ending, NULL, err) < 0)
		return -1;
	if (ending.is_other)
		return show(exchange, 409, NULL, NULL,
		    "Somebody changed the draft or the sync since you looked at it. Look at the changes below first.",
		    err);
	go(exchange, then);
	return 0;
}

static int
drop_draft(struct exchange *exchange, struct bh_err *err)
{
	return end(exchange, false, "?done=dropped", err);
}

static int
refresh_draft(struct exchange *exchange, struct bh_err *err)
{
	return end(exchange, true, "?done=draft", err);
}

/* -- changes of the whole mapping -- */

/* Takes what fresh has in place of what mapping has. */
static void
replace(json_t *mapping, json_t *fresh)
{
	json_t *copy = json_deep_copy(fresh);

	json_object_clear(mapping);
	json_object_update(mapping, copy);
	json_decref(copy);
}

static int
change_all(const struct mapping *m BH_UNUSED, json_t *mapping, void *arg,
    struct bh_err *err BH_UNUSED)
{
	replace(mapping, arg);
	return 0;
}

static int
restore_all(const struct mapping *m, json_t *mapping, void *arg, struct bh_err *err)
{
	json_t *preset;

	if (mapping_preset(arg, m, &preset) <= 0)
		return bh_fail(err, BH_INVALID, "There is no preset for this sync.");
	replace(mapping, preset);
	json_decref(preset);
	return 0;
}

/* An object that the mapping lacks, of the preset. */
static int
put_back(const struct mapping *m, json_t *mapping, void *arg, struct bh_err *err)
{
	const struct exchange *exchange = arg;
	const char *name = field(exchange, "object");
	json_t *preset = NULL, *object = NULL;

	if (mapping_preset(exchange, m, &preset) > 0)
		object = mapping_object_named(preset, name);
	if (object == NULL || mapping_object_named(mapping, name) != NULL) {
		json_decref(preset);
		return bh_fail(err, BH_INVALID, "There is nothing of this name to be put back.");
	}
	json_array_append_new(json_object_get(mapping, "objects"), json_deep_copy(object));
	json_decref(preset);
	return 0;
}

static int
add_object(const struct mapping *m BH_UNUSED, json_t *mapping, void *arg, struct bh_err *err)
{
	static const char *const names[] = {"name", "from", "to", "key"};
	static const char *const labels[] = {"a name", "a kind of billing object",
	    "the CRM's object", "the field of the key"};
	const struct exchange *exchange = arg;
	json_t *object = json_object();

	for (size_t i = 0; i < BH_LEN(names); i++) {
		json_t *text = mapping_posted(exchange->request, names[i]);

		if (json_string_length(text) == 0) {
			json_decref(text);
			json_decref(object);
			return bh_fail(err, BH_INVALID, "A new object needs %s.", labels[i]);
		}
		json_object_set_new(object, names[i], text);
	}
	json_object_set_new(object, "fields", json_array());
	if (!json_is_array(json_object_get(mapping, "objects")))
		json_object_set_new(mapping, "objects", json_array());
	json_array_append_new(json_object_get(mapping, "objects"), object);
	return 0;
}

static int
drop_object(const struct mapping *m BH_UNUSED, json_t *mapping, void *arg, struct bh_err *err)
{
	const struct exchange *exchange = arg;
	size_t index;
	char place[32];

	if (mapping_object(mapping, field(exchange, "segment"), &index) == NULL)
		return bh_fail(err, BH_INVALID, "The object is not in the mapping any more.");
	snprintf(place, sizeof(place), "%zu", index);
	json_array_remove(json_object_get(mapping, "objects"), index);
	return 0;
}

static int
edit(struct exchange *exchange, mapping_change *change, const char *then, struct bh_err *err)
{
	struct bh_err why = BH_ERR_INIT;

	if (mapping_edit(exchange, exchange->match.args[0], NULL, change, exchange, &why) == 0) {
		go(exchange, then);
		return 0;
	}
	if (why.code != BH_INVALID)
		return bh_fail(err, why.code, "%s", why.text);
	return show(exchange, 400, NULL, NULL, why.text, err);
}

static int
press_restore(struct exchange *exchange, struct bh_err *err)
{
	return edit(exchange, restore_all, "?done=draft", err);
}

static int
press_put_back(struct exchange *exchange, struct bh_err *err)
{
	return edit(exchange, put_back, "?done=draft", err);
}

static int
press_add(struct exchange *exchange, struct bh_err *err)
{
	return edit(exchange, add_object, "?done=draft", err);
}

static int
press_drop(struct exchange *exchange, struct bh_err *err)
{
	return edit(exchange, drop_object, "?done=draft", err);
}

/* -- a file -- */

static int
press_import(struct exchange *exchange, struct bh_err *err)
{
	bool is_file = *field(exchange, "upload") != '\0';
	json_t *typed = mapping_posted(exchange->request, is_file ? "upload" : "file");
	const char *text = json_string_value(typed);
	json_t *mapping = NULL;
	struct bh_err why = BH_ERR_INIT;
	int rc;

	if (*text == '\0')
		rc = bh_fail(&why, BH_INVALID, "Choose a file, or paste its contents.");
	else
		rc = mapping_file_read(text, exchange->match.args[0], &mapping, &why);
	if (rc == 0)
		rc = mapping_edit(exchange, exchange->match.args[0], NULL, change_all, mapping,
		    &why);
	json_decref(mapping);
	if (rc == 0)
		go(exchange, "?done=draft");
	else if (why.code != BH_INVALID)
		rc = bh_fail(err, why.code, "%s", why.text);
	else
		rc = show(exchange, 400, text, why.text, NULL, err);
	json_decref(typed);
	return rc;
}

/* -- the CRM's fields -- */

struct asking {
	const struct mapping *m;
	json_t *objects; /* owned */
};

static int
ask_in(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct asking *asking = arg;
	struct errand errand;
	int rc = errand_load(txn, asking->m->sync.to, ERRAND_DESCRIBE, &errand, err);

	if (rc >= 0)
		errand_ask(txn, asking->m->sync.to, ERRAND_DESCRIBE,
		    json_pack("{s:O}", "objects", asking->objects), bh_now_ms());
	errand_release(&errand);
	return rc < 0 ? -1 : 0;
}

/* What the mapping writes to, each name once. */
static json_t *
written_objects(const struct mapping *m)
{
	json_t *names = json_object(), *list = json_array(), *object, *value;
	const char *name;
	size_t i;

	json_array_foreach (json_object_get(m->shown, "objects"), i, object) {
		struct bh_buf to = BH_BUF_INIT(1024);

		if (mapping_to(m, object, &to, NULL) == 0)
			json_object_set_new(names, bh_buf_str(&to), json_true());
		bh_buf_release(&to);
	}
	json_object_foreach (names, name, value)
		json_array_append_new(list, json_string(name));
	json_decref(names);
	return list;
}

static int
press_describe(struct exchange *exchange, struct bh_err *err)
{
	struct mapping m;
	struct asking asking = {&m, NULL};
	const char *segment = field(exchange, "segment");
	char *rest = *segment != '\0' && strpbrk(segment, "/?#%\r\n") == NULL
			 ? bh_xasprintf("/%s", segment)
			 : bh_xstrdup("");
	int rc = load(exchange, &m, err);

	if (rc > 0 && m.dest != NULL && dest_check_can(m.dest, ERRAND_DESCRIBE, NULL) == 0) {
		asking.objects = written_objects(&m);
		rc = store_run(exchange->site->store, ask_in, &asking, NULL, err);
		json_decref(asking.objects);
	}
	if (rc >= 0)
		go(exchange, rest);
	free(rest);
	mapping_release(&m);
	return rc < 0 ? -1 : 0;
}

/* -- any button -- */

int
page_mapping_edit(struct exchange *exchange, struct bh_err *err)
{
	static const struct {
		const char *name;
		int (*press)(struct exchange *exchange, struct bh_err *err);
	} buttons[] = {{"save", save_draft}, {"drop", drop_draft}, {"refresh", refresh_draft},
	    {"restore", press_restore}, {"put-back", press_put_back}, {"add-object", press_add},
	    {"drop-object", press_drop}, {"import", press_import}, {"describe", press_describe}};
	const char *name = field(exchange, "do");
	struct mapping m;
	int rc = load(exchange, &m, err);

	mapping_release(&m);
	if (rc <= 0)
		return rc < 0 ? -1 : no_sync(exchange);
	for (size_t i = 0; i < BH_LEN(buttons); i++)
		if (strcmp(buttons[i].name, name) == 0)
			return buttons[i].press(exchange, err);
	exchange_error(exchange, 404, "There is no such button.");
	return 0;
}
