/* A batch on its way from links to records: shared by render.c and the files that it calls. */
#ifndef SYNC_RENDER_INTERNAL_H
#define SYNC_RENDER_INTERNAL_H

#include "state/mirror.h"
#include "sync/render.h"

/* Everything known about one batch before mapping. */
struct render_batch_state {
	struct lane *lane;
	const struct link_dirty_entry *entries;
	struct render_item *items;
	size_t n;
	const struct setup_sync **syncs; /* NULL where it is gone */
	size_t *mapped;                  /* place of the mapped object */
	struct object_state *objects;
	struct object_state *customers; /* where a template reaches them */
	json_t *sending;                /* "sync object account id" of what this batch sends */
};

/* What the mapping needs to see of item i beside the object. */
struct map_context render_context(const struct render_batch_state *b, size_t i);
/* The mapped object of item i, which has a sync. */
const struct map_object *render_mapped(const struct render_batch_state *b, size_t i);
/* The id that its key is made of. */
const char *render_id(const struct render_batch_state *b, size_t i);
/* Is it (still) to be sent? */
bool is_render_sending(const struct render_item *item);

#endif
