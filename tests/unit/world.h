/* For tests of order: all objects that changes end in. */
#ifndef TESTS_UNIT_WORLD_H
#define TESTS_UNIT_WORLD_H

#include "model/object.h"
#include "unit.h"

/* What is held, by "kind account id". */
struct world {
	json_t *places; /* key -> index */
	struct object_state *states;
	size_t n, news;
};

static inline void
world_apply(struct world *world, const struct object_change *change)
{
	char *key =
	    bh_xasprintf("%s %s %s", object_kind_name(change->kind), change->account, change->id);
	json_t *place = json_object_get(world->places, key);
	size_t at = place != NULL ? (size_t)json_integer_value(place) : world->n;
	struct object_state after;

	if (place == NULL) {
		world->states = bh_xrealloc(world->states, (at + 1) * sizeof(world->states[0]));
		world->states[world->n++] = (struct object_state){0};
		json_object_set_new(world->places, key, json_integer((json_int_t)at));
	}
	if (object_merge(&world->states[at], change, &after) == 1) {
		json_decref(world->states[at].fields);
		world->states[at] = after;
		world->news++;
	}
	free(key);
}

static inline void
world_release(struct world *world)
{
	for (size_t i = 0; i < world->n; i++)
		json_decref(world->states[i].fields);
	free(world->states);
	json_decref(world->places);
	*world = (struct world){0};
}

/* Everything held, without the versions, which may name the arrival. */
static inline json_t *
world_json(const struct world *world)
{
	json_t *json = json_object(), *place;
	const char *key;

	json_object_foreach (world->places, key, place) {
		const struct object_state *held = &world->states[json_integer_value(place)];
		json_t *fields = json_copy(held->fields);

		json_object_del(fields, OBJECT_OLDER);
		json_object_set_new(json, key,
		    json_pack("{s:b, s:o}", "deleted", held->deleted, "fields", fields));
	}
	return json;
}

#endif
