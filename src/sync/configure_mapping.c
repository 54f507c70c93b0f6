/*
 * The mapping of a sync in a configuration document: where it is taken from, and what is wrong
 * with it.
 */
#include "base/base.h"

#include <unistd.h>

#include "map/map.h"
#include "map/shape.h"
#include "sync/configure_check.h"

#define PRESET_MAX (1u << 20)
#define AT "at" /* a member of objects and rows, while they are shaped: their place before */

int
configure_mapping(const json_t *sync, const char *preset_dir, const char **member_r,
    json_t **mapping_r, struct bh_err *err)
{
	const char *preset = bh_json_str(sync, "preset");
	char *file;
	int rc;

	*mapping_r = json_incref(json_object_get(sync, "mapping"));
	*member_r = *mapping_r != NULL ? "/mapping" : "/preset";
	if (*mapping_r != NULL)
		return 0;
	file = bh_xasprintf("%s/%s.json", preset_dir, preset);
	rc = access(file, F_OK) == 0
		 ? bh_json_read(file, PRESET_MAX, mapping_r, err)
		 : bh_fail(err, BH_INVALID, "there is no preset \"%.64s\"", preset);
	free(file);
	return rc;
}

int
configure_mapping_check(const json_t *mapping, const json_t *settings, struct bh_err *err)
{
	struct map *map = NULL;
	json_t *shaped = NULL;
	int rc = map_shape(mapping, settings, NULL, NULL, &shaped, err);

	if (rc == 0)
		rc = map_new(shaped, &map, err);
	map_free(&map);
	json_decref(shaped);
	return rc;
}

/* -- all that is wrong -- */

struct search {
	const char *place; /* of the mapping */
	json_t *places;    /* of what is left of it: [{"at": place, "rows": [place, ...]}] */
	json_t *faults;
};

static void
mark_places(json_t *list)
{
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item) {
		json_object_set_new(item, AT, json_integer((json_int_t)i));
		mark_places(json_object_get(item, "fields"));
	}
}

/* The marks are taken off (new reference). */
static json_t *
take_marks(json_t *list)
{
	json_t *places = json_array(), *item;
	size_t i;

	json_array_foreach (list, i, item) {
		json_array_append_new(places,
		    json_pack("{s:O, s:o}", "at", json_object_get(item, AT), "rows",
			take_marks(json_object_get(item, "fields"))));
		json_object_del(item, AT);
	}
	return places;
}

static long long
place_of(const json_t *place)
{
	return (long long)json_integer_value(json_object_get(place, "at"));
}

static void
take_fault(void *arg, size_t object, size_t row, const char *text)
{
	struct search *search = arg;
	const json_t *of = json_array_get(search->places, object);
	const json_t *at = json_array_get(json_object_get(of, "rows"), row);
	json_t *fault;

	if (of == NULL)
		fault = json_sprintf("%s: %s", search->place, text);
	else if (at == NULL)
		fault = json_sprintf("%s/objects/%lld: %s", search->place, place_of(of), text);
	else
		fault = json_sprintf("%s/objects/%lld/fields/%lld: %s", search->place, place_of(of),
		    place_of(at), text);
	json_array_append_new(search->faults, fault);
}

/* Settings that are not set: each object by itself. */
static void
find_unset(const json_t *mapping, const json_t *settings, const struct search *search)
{
	json_t *object;
	size_t i;

	json_array_foreach (json_object_get(mapping, "objects"), i, object) {
		json_t *alone = json_copy((json_t *)(uintptr_t)mapping), *shaped = NULL;
		struct bh_err why = BH_ERR_INIT;

		json_object_set_new(alone, "objects", json_pack("[O]", object));
		if (map_shape(alone, settings, NULL, NULL, &shaped, &why) < 0)
			json_array_append_new(search->faults,
			    json_sprintf("%s/objects/%zu: %s", search->place, i, why.text));
		json_decref(shaped);
		json_decref(alone);
	}
}

json_t *
configure_mapping_faults(const json_t *mapping, const json_t *settings, const char *place)
{
	struct search search = {place, NULL, json_array()};
	json_t *marked = json_deep_copy(mapping), *shaped = NULL;

	mark_places(json_object_get(marked, "objects"));
	if (map_shape(marked, settings, NULL, NULL, &shaped, NULL) < 0) {
		find_unset(mapping, settings, &search);
	} else {
		search.places = take_marks(json_object_get(shaped, "objects"));
		map_faults(shaped, take_fault, &search);
	}
	json_decref(search.places);
	json_decref(shaped);
	json_decref(marked);
	return search.faults;
}
