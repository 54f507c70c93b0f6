/*
 * A new sync: from which billing system, to which CRM, with which preset; then
 * the preset's settings as a form.  What is there only once is chosen already.
 */
#include "base/base.h"

#include <dirent.h>

#include "base/json.h"
#include "base/text.h"
#include "dest/dest.h"
#include "sync/configure.h"
#include "web/page_connection.h"
#include "web/page_sync.h"
#include "web/sync_form.h"
#include "web/words.h"

#define PRESETS_MAX 200
#define PRESET_MAX (1u << 20)
#define EMPTY "empty" /* no preset: nothing is mapped */

struct choice {
	struct exchange *exchange;
	json_t *sources, *crms;         /* arrays of {value, label, driver, is_chosen} */
	json_t *presets;                /* of {value, label, meaning, is_chosen} */
	const char *from, *to, *preset; /* NULL: not chosen; borrowed of those */
	const char *from_driver, *to_driver;
	json_t *mapping; /* of the preset; NULL none is chosen */
};

static void
release(struct choice *choice)
{
	json_decref(choice->sources);
	json_decref(choice->crms);
	json_decref(choice->presets);
	json_decref(choice->mapping);
}

/* What was asked for, by link or by form. */
static const char *
asked(const struct exchange *exchange, const char *name)
{
	const char *posted = request_field(exchange->request, name);

	return posted != NULL ? posted : request_query(exchange->request, name);
}

/* -- what there is to choose from -- */

static int
list_connections(struct choice *choice, struct bh_err *err)
{
	struct store_txn *txn = exchange_read(choice->exchange);
	json_t *codes = NULL, *code;
	size_t i;
	int rc = account_connections(txn, &codes, err);

	choice->sources = json_array();
	choice->crms = json_array();
	json_array_foreach (codes, i, code) {
		struct account_connection connection = {0};

		rc = account_connection_load(txn, NULL, json_string_value(code), &connection, err);
		if (rc > 0)
			json_array_append_new(connection.is_source ? choice->sources : choice->crms,
			    json_pack("{s:s, s:o, s:s, s:b}", "value", connection.code, "label",
				words_json(connection_name(&connection)), "driver",
				connection.driver, "is_chosen", 0));
		account_connection_release(&connection);
		if (rc < 0)
			break;
	}
	json_decref(codes);
	return rc < 0 ? -1 : 0;
}

/* The one that was asked for; the only one there is; NULL.  Marks it. */
static const json_t *
choose(json_t *list, const char *wanted)
{
	json_t *one, *chosen = NULL;
	size_t i;

	json_array_foreach (list, i, one)
		if (wanted != NULL && strcmp(bh_json_str(one, "value"), wanted) == 0)
			chosen = one;
	if (chosen == NULL && json_array_size(list) == 1)
		chosen = json_array_get(list, 0);
	if (chosen != NULL)
		json_object_set_new(chosen, "is_chosen", json_true());
	return chosen;
}

/* -- presets -- */

static int
read_preset(const struct exchange *exchange, const char *name, json_t **preset_r)
{
	char *path = bh_xasprintf("%s/%s.json", exchange->site->conf->preset_dir, name);
	int rc = bh_json_read(path, PRESET_MAX, preset_r, NULL);

	free(path);
	return rc;
}

/* A CRM that keeps what it is given takes every preset. */
static bool
is_fitting(const struct choice *choice, const json_t *preset)
{
	const char *source = bh_json_str(preset, "source"), *dest = bh_json_str(preset, "dest");
	const struct dest_driver *driver = dest_driver(choice->to_driver);

	return source != NULL && dest != NULL && strcmp(source, choice->from_driver) == 0 &&
	       (strcmp(dest, choice->to_driver) == 0 ||
		   (driver != NULL && (driver->caps & DEST_CAP_KEEP) != 0));
}

static void
add_preset(struct choice *choice, const char *name)
{
	const char *title, *meaning;
	json_t *preset = NULL;

	if (read_preset(choice->exchange, name, &preset) == 0 && is_fitting(choice, preset)) {
		title = bh_json_str(preset, "title");
		meaning = bh_json_str(preset, "description");
		json_array_append_new(choice->presets,
		    json_pack("{s:s, s:s, s:s, s:b}", "value", name, "label",
			title != NULL ? title : name, "meaning", meaning != NULL ? meaning : "",
			"is_chosen", 0));
	}
	json_decref(preset);
}

static int
is_preset_file(const struct dirent *entry)
{
	return bh_has_suffix(entry->d_name, ".json");
}

static void
list_presets(struct choice *choice)
{
	struct dirent **files = NULL;
	int n =
	    scandir(choice->exchange->site->conf->preset_dir, &files, is_preset_file, alphasort);

	choice->presets = json_array();
	for (int i = 0; i < n; i++) {
		size_t len = strlen(files[i]->d_name) - strlen(".json");

		files[i]->d_name[len] = '\0';
		if (i < PRESETS_MAX && bh_is_code(files[i]->d_name))
			add_preset(choice, files[i]->d_name);
		free(files[i]);
	}
	free(files);
	json_array_append_new(choice->presets,
	    json_pack("{s:s, s:s, s:s, s:b}", "value", EMPTY, "label", "Nothing yet", "meaning",
		"An empty mapping, for you to fill.", "is_chosen", 0));
}

/* The first that fits, where none was asked for. */
static void
choose_preset(struct choice *choice)
{
	const json_t *chosen;

	list_presets(choice);
	chosen = choose(choice->presets, asked(choice->exchange, "preset"));
	if (chosen == NULL)
		chosen = choose(choice->presets,
		    bh_json_str(json_array_get(choice->presets, 0), "value"));
	choice->preset = bh_json_str(chosen, "value");
	if (strcmp(choice->preset, EMPTY) == 0 ||
	    read_preset(choice->exchange, choice->preset, &choice->mapping) < 0)
		choice->mapping = json_pack("{s:s, s:s, s:[]}", "source", choice->from_driver,
		    "dest", choice->to_driver, "objects");
}

static int
gather(struct choice *choice, struct exchange *exchange, struct bh_err *err)
{
	const json_t *from, *to;

	*choice = (struct choice){.exchange = exchange};
	if (list_connections(choice, err) < 0)
		return -1;
	from = choose(choice->sources, asked(exchange, "from"));
	to = choose(choice->crms, asked(exchange, "to"));
	choice->from = bh_json_str(from, "value");
	choice->from_driver = bh_json_str(from, "driver");
	choice->to = bh_json_str(to, "value");
	choice->to_driver = bh_json_str(to, "driver");
	choice->presets = json_array();
	if (from != NULL && to != NULL) {
		json_decref(choice->presets);
		choose_preset(choice);
	}
	return 0;
}

/* -- showing -- */

/* "stripe-hubspot", or with a number. */
static json_t *
free_code(const struct choice *choice)
{
	char code[72];

	for (int i = 1; i < 100; i++) {
		struct account_sync known = {0};
		int rc;

		snprintf(code, sizeof(code), "%.28s-%.28s", choice->from, choice->to);
		if (i > 1)
			snprintf(code + strlen(code), sizeof(code) - strlen(code), "-%d", i);
		rc = account_sync_load(exchange_read(choice->exchange), code, &known, NULL);
		account_sync_release(&known);
		if (rc == 0)
			break;
	}
	return json_string(code);
}

static void
add_form(const struct choice *choice, json_t *model, const char *error)
{
	struct exchange *exchange = choice->exchange;
	const struct request *posted = error != NULL ? exchange->request : NULL;
	const char *code = posted != NULL ? request_field(posted, "code") : NULL;
	json_t *fields = sync_form_fields(exchange->site->conf->preset_dir, choice->mapping,
	    choice->from_driver);

	json_object_set_new(model, "code", code != NULL ? words_json(code) : free_code(choice));
	json_object_set_new(model, "from", json_string(choice->from));
	json_object_set_new(model, "to", json_string(choice->to));
	json_object_set_new(model, "preset", json_string(choice->preset));
	json_object_set_new(model, "settings", sync_form_view(fields, NULL, posted, error));
	json_object_set_new(model, "has_more", json_boolean(sync_form_has_more(fields)));
	json_decref(fields);
}

static int
show(const struct choice *choice, const char *error, struct bh_err *err)
{
	struct exchange *exchange = choice->exchange;
	const char *base = exchange->request->base;
	bool is_chosen = choice->mapping != NULL;
	json_t *model = json_pack("{s:s, s:o, s:o, s:o, s:b, s:b, s:b, s:b, s:b, s:O, s:O, s:O}",
	    "error", error != NULL ? error : "", "list_url", json_sprintf("%s/syncs", base),
	    "action", json_sprintf("%s/syncs/new", base), "connections_url",
	    json_sprintf("%s/connections", base), "can_save",
	    exchange->session.role >= ACCOUNT_ADMIN, "lacks_ends",
	    json_array_size(choice->sources) == 0 || json_array_size(choice->crms) == 0,
	    "is_chosen", is_chosen, "is_open", !is_chosen, "has_presets",
	    json_array_size(choice->presets) > 0, "sources", choice->sources, "crms", choice->crms,
	    "presets", choice->presets);

	if (is_chosen)
		add_form(choice, model, error);
	return exchange_page(exchange, error != NULL ? 400 : 200, "sync_new", "New sync", model,
	    err);
}

int
page_sync_new(struct exchange *exchange, struct bh_err *err)
{
	struct choice choice;
	int rc = gather(&choice, exchange, err);

	if (rc == 0)
		rc = show(&choice, NULL, err);
	release(&choice);
	return rc;
}

/* -- making it -- */

/* As a document; NULL with why: the settings are not right. */
static json_t *
document_of(const struct choice *choice, const char *code, struct bh_err *why)
{
	const struct exchange *exchange = choice->exchange;
	json_t *fields = sync_form_fields(exchange->site->conf->preset_dir, choice->mapping,
	    choice->from_driver);
	json_t *settings = NULL, *sync = NULL;

	if (sync_form_read(fields, NULL, exchange->request, &settings, why) == 0) {
		sync = json_pack("{s:s, s:s, s:s, s:o, s:b}", "code", code, "from", choice->from,
		    "to", choice->to, "settings", settings, "started", 0);
		if (strcmp(choice->preset, EMPTY) == 0)
			json_object_set(sync, "mapping", choice->mapping);
		else
			json_object_set_new(sync, "preset", json_string(choice->preset));
	}
	json_decref(fields);
	return sync != NULL ? json_pack("{s:i, s:[o]}", "billhook", 1, "syncs", sync) : NULL;
}

/* 0; 1 a person has to look at it again, why tells; -1. */
static int
create(const struct choice *choice, const char *code, struct bh_err *why, struct bh_err *err)
{
	struct exchange *exchange = choice->exchange;
	struct configure_options options = {.preset_dir = exchange->site->conf->preset_dir,
	    .no_resync = true,
	    .only_new = true,
	    .by = exchange->session.user};
	json_t *document = document_of(choice, code, why);
	size_t changes;
	int rc;

	if (document == NULL)
		return 1;
	rc = configure_apply(exchange->site->store, &exchange->site->key, document, &options,
	    &changes, why);
	json_decref(document);
	if (rc == 0 || why->code == BH_INVALID)
		return rc == 0 ? 0 : 1;
	return bh_fail(err, why->code, "%s", why->text);
}

static bool
is_code_free(const char *code, struct bh_err *why)
{
	if (code != NULL && bh_is_code(code) && strcmp(code, "new") != 0)
		return true;
	bh_fail(why, BH_INVALID,
	    "The code must be of lower-case letters, digits, - and _, and not \"new\".");
	return false;
}

int
page_sync_create(struct exchange *exchange, struct bh_err *err)
{
	const char *code = request_field(exchange->request, "code");
	struct bh_err why = BH_ERR_INIT;
	struct choice choice;
	int rc = gather(&choice, exchange, err);

	if (rc == 0 && choice.mapping == NULL)
		bh_fail(&why, BH_INVALID, "Choose a billing system and a CRM.");
	if (rc == 0)
		rc = why.code == BH_OK && is_code_free(code, &why)
			 ? create(&choice, code, &why, err)
			 : 1;
	if (rc > 0)
		rc = show(&choice, configure_reason(why.text), err);
	else if (rc == 0)
		sync_go(exchange, code, "?created=1");
	release(&choice);
	return rc;
}
