/* A preview while it is worked out: shared by the files that do it. */
#ifndef SYNC_PREVIEW_INTERNAL_H
#define SYNC_PREVIEW_INTERNAL_H

#include "sync/preview.h"
#include "sync/render.h"

/* What a preview of one sync works with. */
struct preview_work {
	const struct sync_context *context;
	const char *code; /* of the sync */
	struct setup *setup;
	const struct setup_sync *sync; /* with the draft, where there is one */
	bool is_draft;
	char digest[DRAFT_VERSION_LEN + 1];
	json_t *mapping; /* as settings and prefix make it; owned */
	bool has_shared_keys;
	struct lane lane;
	bool is_open;
	struct lane_preview hooks;
	int64_t calls; /* of the lane, that are counted in the stored state */
	json_t *
	    pending; /* marks that are not stored yet: "kind\nobject\naccount\nid" to value; NULL */
	int depth;   /* of parents that are looked at for a single object */
	struct bh_err failure; /* of a hook, which cannot say so */
};

/* -- preview_page.c -- */

enum preview_verdict preview_verdict_of(const struct render_item *item, bool *is_none_r);
/* Why, for people. */
json_t *preview_why(const struct render_item *item, enum preview_verdict verdict);
/* The next page of all: works it out and stores it.  *is_over_r: it is not to go on (done, stopped, begun anew). */
int preview_page(struct preview_work *work, struct preview *preview, bool *is_over_r,
    struct bh_err *err);
/* How many objects there are to look at. */
int preview_count(struct preview_work *work, int64_t *total_r, struct bh_err *err);
/* An object as people know it: one of its fields.  New reference. */
json_t *preview_title(const json_t *fields, const char *id);

/* Is this record marked as given, or the parent as absent?  For the hooks. */
bool is_preview_given(struct preview_work *work, const char *record, struct bh_buf *out);
bool is_preview_absent(struct preview_work *work, const struct link_id *parent);

/* -- preview_fields.c -- */

/*
 * Documents of n items of this mapped object (place among the mapping's), titles are theirs: settles who wins
 * in shared fields, reads what the CRM holds.  docs_r: n new references.  -1: the CRM cannot be asked now.
 */
int preview_documents(struct preview_work *work, size_t place, struct render_item *items, size_t n,
    json_t *const *titles, json_t **docs_r, struct bh_err *err);

#endif
