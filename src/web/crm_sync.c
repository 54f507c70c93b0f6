/* See crm_sync.h. */
#include "base/base.h"

#include "web/crm_sync.h"

#include "map/map.h"
#include "state/mirror.h"
#include "web/words.h"

int
crm_syncs_load(struct store_txn *txn, const char *dest, json_t **syncs_r, struct bh_err *err)
{
	json_t *codes = NULL, *code;
	size_t i;
	int rc = account_syncs(txn, &codes, err);

	*syncs_r = json_object();
	json_array_foreach (codes, i, code) {
		struct account_sync sync = {0};

		rc = account_sync_load(txn, json_string_value(code), &sync, err);
		if (rc > 0 && strcmp(sync.to, dest) == 0)
			json_object_set_new(*syncs_r, sync.code,
			    json_pack("{s:s, s:O*}", "from", sync.from, "mapping", sync.mapping));
		account_sync_release(&sync);
		if (rc < 0)
			break;
	}
	json_decref(codes);
	return rc < 0 ? -1 : 0;
}

const json_t *
crm_sync_object(const json_t *sync, const char *name)
{
	json_t *object;
	size_t i;

	json_array_foreach (bh_json_at(sync, "mapping.objects"), i, object) {
		const char *its = bh_json_str(object, "name");

		if (its != NULL && strcmp(its, name) == 0)
			return object;
	}
	return NULL;
}

enum object_kind
crm_object_kind(const json_t *object)
{
	const char *from = bh_json_str(object, "from");

	return from != NULL ? object_kind_of(from) : OBJECT_NONE;
}

void
crm_object_release(struct crm_object *object)
{
	account_sync_release(&object->sync);
}

/* The first that fits: by its name, or (NULL) customers that are matched. */
static int
find_object(struct store_txn *txn, const char *dest, const char *sync, const char *name,
    struct crm_object *object, struct bh_err *err)
{
	const struct map_object *objects;
	struct map *map = NULL;
	int rc = account_sync_load(txn, sync, &object->sync, err), found = 0;
	size_t n = 0;

	if (rc > 0 && strcmp(object->sync.to, dest) == 0 &&
	    map_new(object->sync.mapping, &map, NULL) == 0)
		n = map_objects(map, &objects);
	for (size_t i = 0; i < n && found == 0; i++) {
		bool fits = name != NULL
				? strcmp(objects[i].name, name) == 0
				: objects[i].from == OBJECT_CUSTOMER && objects[i].has_match;

		if (!fits || strlen(objects[i].name) >= sizeof(object->name))
			continue;
		snprintf(object->name, sizeof(object->name), "%s", objects[i].name);
		object->rank = objects[i].rank;
		found = 1;
	}
	map_free(&map);
	if (found == 0)
		crm_object_release(object);
	return rc < 0 ? -1 : found;
}

int
crm_object_find(struct store_txn *txn, const char *dest, const char *sync, const char *name,
    struct crm_object *object, struct bh_err *err)
{
	return find_object(txn, dest, sync, name, object, err);
}

int
crm_customers_find(struct store_txn *txn, const char *dest, const char *sync,
    struct crm_object *object, struct bh_err *err)
{
	return find_object(txn, dest, sync, NULL, object, err);
}

json_t *
crm_title(struct store_txn *txn, const json_t *syncs, const struct link_id *id, struct bh_err *err)
{
	static const char *const names[] = {"name", "legal_name", "email", "number"};
	const json_t *sync = json_object_get(syncs, id->sync);
	const char *source = bh_json_str(sync, "from"), *title = id->id;
	struct mirror_id held = {source, id->account,
	    crm_object_kind(crm_sync_object(sync, id->object)), id->id};
	struct object_state object = {0};
	json_t *json;

	if (held.kind == OBJECT_NONE || source == NULL)
		return words_json(title);
	if (mirror_get(txn, &held, false, &object, err) < 0)
		return NULL;
	for (size_t i = 0; i < BH_LEN(names); i++) {
		const char *text = bh_json_str(object.fields, names[i]);

		if (text != NULL && *text != '\0') {
			title = text;
			break;
		}
	}
	json = words_json(title);
	mirror_object_release(&object);
	return json;
}
