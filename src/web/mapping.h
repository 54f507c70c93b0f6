/*
 * The mapping of a sync as the browser edits it: what is stored, with the
 * draft over it.  Pages show the draft where there is one; nothing but
 * page_mapping_save.c puts it to use.
 */
#ifndef WEB_MAPPING_H
#define WEB_MAPPING_H

#include "dest/dest.h"
#include "map/map.h"
#include "source/source.h"
#include "state/draft.h"
#include "web/site.h"

struct mapping {
	struct account_sync sync; /* as stored */
	struct account_connection from, to;
	const struct source_driver *source; /* NULL: no such driver */
	const struct dest_driver *dest;
	json_t *draft; /* as draft_load() tells it; NULL there is none */
	json_t *shown; /* the mapping of the draft, else the stored one; owned */
	bool is_stale; /* the sync was changed since the draft began */
	char version[DRAFT_VERSION_LEN + 1]; /* of the sync as it is stored */
};

/* 1; 0 there is no such sync; -1.  To be released after each. */
int mapping_load(struct store_txn *txn, const char *sync, struct mapping *m, struct bh_err *err);
void mapping_release(struct mapping *m);

/* -- its objects -- */

/*
 * How an object is named in a path: by its name where that is a code, else
 * "@" and its place.  To be freed.
 */
char *mapping_segment(const json_t *object, size_t index);
/* The object that such a segment names: borrowed, NULL when there is none. */
json_t *mapping_object(const json_t *mapping, const char *segment, size_t *index_r);
json_t *mapping_object_named(const json_t *mapping, const char *name);
/* OBJECT_NONE when it names no kind. */
enum object_kind mapping_kind(const json_t *object);
/* A page of ours: "/syncs/<sync>/mapping<rest>" below the base, as JSON text. */
json_t *mapping_url(const struct exchange *exchange, const struct mapping *m, const char *rest);

/* The sync's settings over the mapping's own; new reference. */
json_t *mapping_settings(const struct mapping *m);
/*
 * The object as the sync uses it, with these rows in place of its own, whether it is
 * switched on or not: settings filled in, names with the connection's prefix; without what says
 * when it is written.  New reference, -1 BH_INVALID.
 */
int mapping_shape(const struct mapping *m, const json_t *object, const json_t *rows,
    json_t **shaped_r, struct bh_err *err);
/* The CRM's name of what an object is written to, appended to out.  -1: a setting is missing. */
int mapping_to(const struct mapping *m, const json_t *object, struct bh_buf *out,
    struct bh_err *err);
/*
 * Its filter as settings make it: 1 and a new reference, NULL all pass; 0 nobody
 * can; -1 it is none.
 */
int mapping_filter(const struct mapping *m, const json_t *object, json_t **filter_r);
/* Names of the objects that settings leave switched on: {"customer": true}; NULL: they do not fit. */
json_t *mapping_switched_on(const struct mapping *m);

/* -- changing -- */

/*
 * Change mapping, a copy of what is shown.  -1 BH_INVALID with a sentence for the person.
 * It may be called again after a conflict.
 */
typedef int mapping_change(const struct mapping *m, json_t *mapping, void *arg, struct bh_err *err);
/*
 * Change the draft, which is begun where there is none and ends where nothing
 * differs any more.  What it becomes is valid as billhook apply sees it; object
 * (NULL: none) is looked at even if it is switched off.  0, or -1: BH_INVALID
 * has a sentence for the person.
 */
int mapping_edit(struct exchange *exchange, const char *sync, const char *object,
    mapping_change *change, void *arg, struct bh_err *err);
/* Is mapping one that the sync can use?  The error begins with the object. */
int mapping_check(const struct mapping *m, const json_t *mapping, struct bh_err *err);

#endif
