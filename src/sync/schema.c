/* See schema.h. */
#include "base/base.h"

#include "sync/schema.h"

#include "base/text.h"
#include "map/shape.h"

#define CATALOGUE_MAX (1u << 20)

/* -- the catalogue with the connection's prefix -- */

struct prefix {
	const char *from, *to;
};

/* Other custom objects that one is tied to. */
static void
rename_objects(const struct prefix *prefix, json_t *names)
{
	json_t *name;
	size_t i;

	json_array_foreach (names, i, name) {
		const char *text = json_string_value(name);
		char *renamed =
		    text != NULL ? map_object_name(text, prefix->from, prefix->to) : NULL;

		if (renamed != NULL)
			json_array_set_new(names, i, json_string(renamed));
		free(renamed);
	}
}

/* Groups have the prefix for a name: "billhook", labelled "Billhook". */
static void
rename_group(const struct prefix *prefix, json_t *holder, const char *member)
{
	size_t from = strcspn(prefix->from, "_"), to = strlen(prefix->to);
	const char *name = bh_json_str(holder, member);

	while (to > 0 && prefix->to[to - 1] == '_')
		to--;
	if (name == NULL || strlen(name) != from || strncmp(name, prefix->from, from) != 0)
		return;
	json_object_set_new(holder, member, json_stringn(prefix->to, to));
	if (json_object_get(holder, "label") != NULL && strcmp(member, "name") == 0) {
		char *stem = map_stem(prefix->to);

		json_object_set_new(holder, "label", json_string(stem));
		free(stem);
	}
}

/* People tell the objects of two prefixes by their labels. */
static void
label_object(const struct prefix *prefix, json_t *object)
{
	json_t *labels = json_object_get(object, "labels"), *label;
	char *stem = map_stem(prefix->to);
	const char *which;
	void *next;

	json_object_foreach_safe (labels, next, which, label)
		json_object_set_new(labels, which,
		    json_sprintf("%s %s", stem, json_string_value(label)));
	free(stem);
}

/* A custom object of HubSpot that is named by our prefix. */
static void
rename_custom(const struct prefix *prefix, json_t *object)
{
	const char *name = bh_json_str(object, "name");
	char *renamed = map_object_name(name, prefix->from, prefix->to);

	if (strcmp(renamed, name) != 0) {
		json_object_set_new(object, "name", json_string(renamed));
		label_object(prefix, object);
	}
	free(renamed);
}

/* Names of properties that a custom object of HubSpot lists. */
static void
rename_list(const struct prefix *prefix, json_t *names)
{
	json_t *name;
	size_t i, len = strlen(prefix->from);

	json_array_foreach (names, i, name) {
		const char *text = json_string_value(name);

		if (text != NULL && strncmp(text, prefix->from, len) == 0)
			json_array_set_new(names, i, json_sprintf("%s%s", prefix->to, text + len));
	}
}

static void
rename_object(const struct prefix *prefix, json_t *object)
{
	json_t *item;
	size_t i;

	rename_custom(prefix, object);
	rename_objects(prefix, json_object_get(object, "associatedObjects"));
	json_array_foreach (json_object_get(object, "groups"), i, item)
		rename_group(prefix, item, "name");
	map_rename(object, "primaryDisplayProperty", prefix->from, prefix->to);
	rename_list(prefix, json_object_get(object, "secondaryDisplayProperties"));
	rename_list(prefix, json_object_get(object, "searchableProperties"));
	rename_list(prefix, json_object_get(object, "requiredProperties"));
	json_array_foreach (json_object_get(object, "fields"), i, item) {
		map_rename(item, "name", prefix->from, prefix->to);
		map_rename(item, "referenceTo", prefix->from, prefix->to);
		rename_group(prefix, item, "groupName");
	}
	json_array_foreach (json_object_get(object, "recordTypes"), i, item) {
		map_rename(item, "name", prefix->from, prefix->to);
		map_rename(item, "process", prefix->from, prefix->to);
	}
}

int
schema_catalogue(const char *preset_dir, const struct setup_connection *connection,
    json_t **schema_r, struct bh_err *err)
{
	const char *own = bh_json_str(connection->account.settings, "prefix");
	const char *from = connection->dest->prefix;
	char *file = bh_xasprintf("%s/schema/%s.json", preset_dir, connection->account.driver);
	int rc = bh_json_read(file, CATALOGUE_MAX, schema_r, err);
	json_t *object;
	size_t i;

	free(file);
	if (rc < 0)
		return bh_during(err, "the catalogue of %s", connection->dest->title);
	if (own != NULL && *own != '\0' && from != NULL) {
		struct prefix prefix = {from, own};

		map_rename(json_object_get(*schema_r, "permissionSet"), "name", from, own);
		json_array_foreach (json_object_get(*schema_r, "objects"), i, object)
			rename_object(&prefix, object);
	}
	return 0;
}

/* -- what mappings name -- */

/* {"Account": {"Billhook_MRR__c": "customer in sync s"}} */
struct needs {
	json_t *objects;
};

static void
need(struct needs *needs, const char *object, const char *field, const char *why)
{
	json_t *fields = json_object_get(needs->objects, object);

	if (fields == NULL) {
		fields = json_object();
		json_object_set_new(needs->objects, object, fields);
	}
	if (field != NULL && json_object_get(fields, field) == NULL)
		json_object_set_new(fields, field, bh_json_string(why));
}

/* row: of a rule, or the rule itself; it may be for another object. */
static void
need_asked(struct needs *needs, const char *object, const json_t *row, const char *why)
{
	const char *to = bh_json_str(row, "to"), *on = bh_json_str(row, "on");

	if (to != NULL && (on == NULL || strcmp(on, object) == 0))
		need(needs, object, to, why);
}

static void
need_rules(struct needs *needs, const char *object, const json_t *rules, const char *why)
{
	json_t *rule, *row;
	size_t i, k;

	json_array_foreach (rules, i, rule) {
		need_asked(needs, object, rule, why);
		json_array_foreach (json_object_get(rule, "fields"), k, row)
			need_asked(needs, object, row, why);
	}
}

/* One mapped object of a sync. */
static int
need_object(struct needs *needs, const struct setup_sync *sync, size_t index, const char *why,
    struct bh_err *err)
{
	const struct map_object *objects;
	struct bh_buf to = BH_BUF_INIT(1024);
	json_t *names = NULL, *lookups = map_lookups(sync->map, index), *item;
	size_t i;
	int rc = map_object_to(sync->map, index, sync->account.settings, &to, err);

	map_objects(sync->map, &objects);
	if (rc == 0) {
		const char *object = bh_buf_str(&to);

		names = map_fields(sync->map, index, object);
		need(needs, object, objects[index].key, why);
		json_array_foreach (names, i, item)
			need(needs, object, json_string_value(item), why);
		json_array_foreach (lookups, i, item)
			need(needs, object, bh_json_str(item, "to"), why);
	}
	json_decref(lookups);
	json_decref(names);
	bh_buf_release(&to);
	return rc;
}

static int
need_sync(struct needs *needs, const struct setup_sync *sync,
    const struct setup_connection *connection, struct bh_err *err)
{
	const struct map_object *objects;
	size_t n = map_objects(sync->map, &objects), i;
	json_t *shaped = NULL, *object;
	char why[200];
	int rc = setup_shape(&sync->account, connection, &shaped, err);

	for (size_t k = 0; k < n && rc == 0; k++) {
		snprintf(why, sizeof(why), "%s of sync %s", objects[k].name, sync->account.code);
		rc = need_object(needs, sync, k, why, err);
	}
	json_array_foreach (json_object_get(shaped, "objects"), i, object) {
		snprintf(why, sizeof(why), "matching of %s in sync %s", bh_json_str(object, "name"),
		    sync->account.code);
		if (rc == 0 && strchr(bh_json_str(object, "to"), '{') == NULL)
			need_rules(needs, bh_json_str(object, "to"),
			    json_object_get(object, "match"), why);
	}
	json_decref(shaped);
	return rc;
}

/* -- cutting down -- */

/* Custom fields of tasks are made on the object behind tasks and events. */
static const char *
written_as(const char *catalogued)
{
	return strcmp(catalogued, "Activity") == 0 ? "Task" : catalogued;
}

/* The fields that somebody needs, or the CRM demands; those get their reason and leave needs. */
static json_t *
cut_fields(const json_t *fields, json_t *wanted)
{
	json_t *kept = json_array(), *field;
	size_t i;

	json_array_foreach (fields, i, field) {
		const char *name = bh_json_str(field, "name");
		json_t *why = name != NULL ? json_object_get(wanted, name) : NULL;

		if (why == NULL && !bh_is_json_true(field, "required"))
			continue;
		field = json_copy(field);
		if (why != NULL)
			json_object_set(field, "why", why);
		json_array_append_new(kept, field);
		json_object_del(wanted, name);
	}
	return kept;
}

/* An object and its record types are needed for what needs the object's first field. */
static void
give_reasons(json_t *object, const json_t *wanted)
{
	json_t *why = json_object_iter_value(json_object_iter((json_t *)(uintptr_t)wanted));
	json_t *types = json_deep_copy(json_object_get(object, "recordTypes")), *type;
	size_t i;

	json_object_set(object, "why", why);
	json_array_foreach (types, i, type)
		json_object_set(type, "why", why);
	if (types != NULL)
		json_object_set_new(object, "recordTypes", types);
}

/* What nobody needs may not be there to be tied to, nor be shown. */
static void
cut_ties(const struct needs *needs, json_t *object)
{
	const json_t *names = json_object_get(object, "associatedObjects");
	json_t *kept = json_array(), *name;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)names, i, name)
		if (json_object_get(needs->objects, json_string_value(name)) != NULL)
			json_array_append(kept, name);
	if (names != NULL)
		json_object_set(object, "associatedObjects", kept);
	json_decref(kept);
}

static json_t *
cut(json_t *catalogue, struct needs *needs)
{
	json_t *objects = json_array(), *object;
	size_t i;

	json_array_foreach (json_object_get(catalogue, "objects"), i, object) {
		const char *name = bh_json_str(object, "name");
		json_t *wanted =
		    name != NULL ? json_object_get(needs->objects, written_as(name)) : NULL;

		if (wanted == NULL)
			continue;
		object = json_copy(object);
		give_reasons(object, wanted);
		json_object_set_new(object, "fields",
		    cut_fields(json_object_get(object, "fields"), wanted));
		cut_ties(needs, object);
		json_array_append_new(objects, object);
	}
	return objects;
}

static json_t *
list_others(const struct needs *needs)
{
	json_t *others = json_array(), *fields, *why;
	const char *object, *field;

	json_object_foreach (needs->objects, object, fields) {
		json_object_foreach (fields, field, why)
			json_array_append_new(others, json_pack("{s:s, s:s, s:O}", "object", object,
							  "field", field, "why", why));
	}
	return others;
}

int
schema_build(const char *preset_dir, const struct setup *setup,
    const struct setup_connection *connection, json_t **schema_r, struct bh_err *err)
{
	struct needs needs = {json_object()};
	json_t *catalogue = NULL;
	size_t syncs = 0;
	int rc = schema_catalogue(preset_dir, connection, &catalogue, err);

	*schema_r = NULL;
	for (size_t i = 0; i < setup->syncs_n && rc == 0; i++) {
		if (setup->syncs[i].to != connection)
			continue;
		syncs++;
		rc = need_sync(&needs, &setup->syncs[i], connection, err);
	}
	if (rc == 0 && syncs == 0)
		rc = bh_fail(err, BH_INVALID,
		    "no sync leads to %s yet: a sync's mapping tells which fields are needed",
		    connection->account.code);
	if (rc == 0) {
		json_t *objects = cut(catalogue, &needs);

		json_object_set_new(json_object_get(catalogue, "permissionSet"), "why",
		    json_string("the rights of the connection's user"));
		*schema_r = json_pack("{s:O?, s:o, s:o}", "permissionSet",
		    json_object_get(catalogue, "permissionSet"), "objects", objects, "others",
		    list_others(&needs));
	}
	json_decref(catalogue);
	json_decref(needs.objects);
	return rc;
}
