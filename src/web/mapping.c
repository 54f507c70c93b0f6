/* See mapping.h. */
#include "base/base.h"

#include "web/mapping.h"

#include "base/clock.h"
#include "base/text.h"
#include "map/shape.h"
#include "sync/configure.h"

/* -- loading -- */

static int
load_ends(struct store_txn *txn, struct mapping *m, struct bh_err *err)
{
	if (account_connection_load(txn, NULL, m->sync.from, &m->from, err) < 0 ||
	    account_connection_load(txn, NULL, m->sync.to, &m->to, err) < 0)
		return -1;
	m->source = source_driver(m->from.driver);
	m->dest = dest_driver(m->to.driver);
	return 0;
}

static int
load_draft(struct store_txn *txn, struct mapping *m, struct bh_err *err)
{
	const char *of;

	if (draft_load(txn, m->sync.code, &m->draft, err) < 0)
		return -1;
	draft_version(&m->sync, m->version);
	of = bh_json_str(m->draft, "of");
	m->is_stale = m->draft != NULL && (of == NULL || strcmp(of, m->version) != 0);
	m->shown = json_incref(json_object_get(m->draft, "mapping"));
	if (m->shown == NULL)
		m->shown = m->sync.mapping != NULL ? json_incref(m->sync.mapping) : json_object();
	return 0;
}

int
mapping_load(struct store_txn *txn, const char *sync, struct mapping *m, struct bh_err *err)
{
	int rc;

	memset(m, 0, sizeof(*m));
	rc = account_sync_load(txn, sync, &m->sync, err);
	if (rc <= 0)
		return rc;
	return load_ends(txn, m, err) < 0 || load_draft(txn, m, err) < 0 ? -1 : 1;
}

void
mapping_release(struct mapping *m)
{
	account_sync_release(&m->sync);
	account_connection_release(&m->from);
	account_connection_release(&m->to);
	json_decref(m->draft);
	json_decref(m->shown);
	memset(m, 0, sizeof(*m));
}

/* -- objects -- */

char *
mapping_segment(const json_t *object, size_t index)
{
	const char *name = bh_json_str(object, "name");

	return name != NULL && bh_is_code(name) ? bh_xstrdup(name) : bh_xasprintf("@%zu", index);
}

json_t *
mapping_object(const json_t *mapping, const char *segment, size_t *index_r)
{
	json_t *object, *found = NULL;
	size_t i;

	json_array_foreach (json_object_get(mapping, "objects"), i, object) {
		char *its = mapping_segment(object, i);

		if (found == NULL && strcmp(its, segment) == 0) {
			found = object;
			*index_r = i;
		}
		free(its);
	}
	return found;
}

json_t *
mapping_object_named(const json_t *mapping, const char *name)
{
	json_t *object;
	size_t i;

	json_array_foreach (json_object_get(mapping, "objects"), i, object) {
		const char *its = bh_json_str(object, "name");

		if (its != NULL && strcmp(its, name) == 0)
			return object;
	}
	return NULL;
}

enum object_kind
mapping_kind(const json_t *object)
{
	const char *from = bh_json_str(object, "from");

	return from != NULL ? object_kind_of(from) : OBJECT_NONE;
}

json_t *
mapping_url(const struct exchange *exchange, const struct mapping *m, const char *rest)
{
	return json_sprintf("%s/syncs/%s/mapping%s", exchange->request->base, m->sync.code, rest);
}

json_t *
mapping_settings(const struct mapping *m)
{
	json_t *settings = json_copy(json_object_get(m->shown, "settings"));

	if (settings == NULL)
		settings = json_object();
	if (m->sync.settings != NULL)
		json_object_update(settings, m->sync.settings);
	return settings;
}

/* A mapping of one object. */
static json_t *
alone(const struct mapping *m, json_t *object_take)
{
	return json_pack("{s:O*, s:[o]}", "settings", json_object_get(m->shown, "settings"),
	    "objects", object_take);
}

int
mapping_shape(const struct mapping *m, const json_t *object, const json_t *rows, json_t **shaped_r,
    struct bh_err *err)
{
	const char *own = bh_json_str(m->to.settings, "prefix");
	json_t *copy = json_copy((json_t *)(uintptr_t)object), *mapping, *shaped = NULL;
	int rc;

	json_object_del(copy, "on");
	json_object_del(copy, "if");
	json_object_del(copy, "create");  /* its setting is no matter of the rows */
	json_object_del(copy, "parents"); /* they name other objects */
	json_object_set(copy, "fields", (json_t *)(uintptr_t)rows);
	mapping = alone(m, copy);
	rc = map_shape(mapping, m->sync.settings, m->dest != NULL ? m->dest->prefix : NULL,
	    own != NULL && *own != '\0' ? own : NULL, &shaped, err);
	*shaped_r = json_incref(json_array_get(json_object_get(shaped, "objects"), 0));
	json_decref(shaped);
	json_decref(mapping);
	return rc;
}

int
mapping_to(const struct mapping *m, const json_t *object, struct bh_buf *out, struct bh_err *err)
{
	json_t *none = json_array(), *shaped = NULL, *mapping;
	struct map *map = NULL;
	int rc = mapping_shape(m, object, none, &shaped, err);

	json_decref(none);
	if (rc < 0)
		return -1;
	mapping =
	    alone(m, json_pack("{s:s, s:s, s:O?, s:s, s:[]}", "name", "object", "from", "customer",
			 "to", json_object_get(shaped, "to"), "key", "key", "fields"));
	rc = map_new(mapping, &map, err);
	if (rc == 0)
		rc = map_object_to(map, 0, m->sync.settings, out, err);
	map_free(&map);
	json_decref(mapping);
	json_decref(shaped);
	return rc;
}

int
mapping_filter(const struct mapping *m, const json_t *object, json_t **filter_r)
{
	json_t *mapping = alone(m,
	    json_pack("{s:s, s:O*}", "name", "object", "if", json_object_get(object, "if")));
	json_t *shaped = NULL, *its;
	int rc = map_shape(mapping, m->sync.settings, NULL, NULL, &shaped, NULL);

	its = json_array_get(json_object_get(shaped, "objects"), 0);
	*filter_r = json_incref(json_object_get(its, "if"));
	if (rc == 0)
		rc = its != NULL;
	json_decref(shaped);
	json_decref(mapping);
	return rc;
}

json_t *
mapping_switched_on(const struct mapping *m)
{
	json_t *shaped, *names, *object;
	size_t i;

	if (map_shape(m->shown, m->sync.settings, NULL, NULL, &shaped, NULL) < 0)
		return NULL;
	names = json_object();
	json_array_foreach (json_object_get(shaped, "objects"), i, object) {
		const char *name = bh_json_str(object, "name");

		if (name != NULL)
			json_object_set_new(names, name, json_true());
	}
	json_decref(shaped);
	return names;
}

/* -- checking: what billhook apply checks -- */

int
mapping_check(const struct mapping *m, const json_t *mapping, struct bh_err *err)
{
	json_t *document = json_pack("{s:i, s:[{s:s, s:s, s:s, s:O, s:O*}]}", "billhook", 1,
	    "syncs", "code", m->sync.code, "from", m->sync.from, "to", m->sync.to, "mapping",
	    mapping, "settings", m->sync.settings);
	struct bh_err why = BH_ERR_INIT;
	int rc = configure_check(document, "", &why);

	json_decref(document);
	return rc < 0 ? bh_fail(err, why.code, "%s", configure_reason(why.text)) : 0;
}

/* The same as if the object were switched on. */
static int
check_on(const struct mapping *m, const json_t *mapping, const char *name, struct bh_err *err)
{
	json_t *copy = json_deep_copy(mapping);
	int rc;

	json_object_del(mapping_object_named(copy, name), "on");
	rc = mapping_check(m, copy, err);
	json_decref(copy);
	return rc;
}

/* What was wrong with a switched-off object before may stay so: a setting may be missing that it needs. */
static int
check_change(const struct mapping *m, const json_t *mapping, const char *object, struct bh_err *err)
{
	const json_t *its = object != NULL ? mapping_object_named(mapping, object) : NULL;

	if (mapping_check(m, mapping, err) < 0)
		return -1;
	if (json_object_get(its, "on") == NULL || check_on(m, mapping, object, err) == 0)
		return 0;
	return check_on(m, m->shown, object, NULL) < 0 ? 0 : -1;
}

/* -- changing -- */

struct edit {
	const char *sync, *object, *by;
	mapping_change *change;
	void *arg;
};

static void
keep(struct store_txn *txn, const struct mapping *m, const json_t *mapping, const char *by)
{
	const char *of = bh_json_str(m->draft, "of");

	if (m->sync.mapping != NULL && json_equal(mapping, m->sync.mapping))
		draft_drop(txn, m->sync.code);
	else
		draft_save(txn, m->sync.code, mapping, of != NULL ? of : m->version, by,
		    bh_now_ms());
}

static int
edit_in(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct edit *edit = arg;
	struct mapping m;
	json_t *copy = NULL;
	int rc = mapping_load(txn, edit->sync, &m, err);

	if (rc == 0)
		rc = bh_fail(err, BH_INVALID, "There is no such sync any more.");
	if (rc > 0) {
		copy = json_deep_copy(m.shown);
		rc = edit->change(&m, copy, edit->arg, err);
	}
	if (rc == 0)
		rc = check_change(&m, copy, edit->object, err);
	if (rc == 0)
		keep(txn, &m, copy, edit->by);
	json_decref(copy);
	mapping_release(&m);
	return rc;
}

int
mapping_edit(struct exchange *exchange, const char *sync, const char *object,
    mapping_change *change, void *arg, struct bh_err *err)
{
	struct edit edit = {sync, object, exchange->session.user, change, arg};

	return store_run(exchange->site->store, edit_in, &edit, NULL, err) < 0 ? -1 : 0;
}
