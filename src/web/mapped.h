/*
 * Syncs as pages about records need them: their mapping as it is used, both
 * ends, and where a record stands in the CRM.  For GET pages: nothing is called.
 */
#ifndef WEB_MAPPED_H
#define WEB_MAPPED_H

#include "dest/dest.h"
#include "map/map.h"
#include "source/source.h"
#include "state/account.h"
#include "state/link.h"
#include "web/site.h"

struct mapped_sync {
	struct account_sync account;
	struct account_connection from, to;
	const struct source_driver *source; /* NULL: it is not known */
	const struct dest_driver *dest;
	json_t *shaped; /* the mapping as map_shape() makes it; owned */
	struct map *map;
	struct dest_auth place; /* base_url and account_id as far as they are known; no tokens */
};
struct mapped {
	struct mapped_sync *items;
	size_t n;
};
/*
 * The syncs that can be used; from, to: codes of connections, code: of a sync; NULL: any.  A sync
 * whose mapping does not compile, or one of whose ends is missing, is left out.
 */
int mapped_load(struct exchange *exchange, const char *from, const char *to, const char *code,
    struct mapped *mapped, struct bh_err *err);
void mapped_release(struct mapped *mapped);

/* NULL when there is none. */
const struct mapped_sync *mapped_find(const struct mapped *mapped, const char *code);
/* Its mapped object of this name, NULL; *index_r (may be NULL): its place. */
const struct map_object *mapped_object(const struct mapped_sync *sync, const char *name,
    size_t *index_r);
/* The link of an object; account and id are borrowed. */
struct link_id mapped_link(const struct mapped_sync *sync, const struct map_object *object,
    const char *account, const char *id);
/* The record's page in the CRM: JSON text, "" where it is not known. */
json_t *mapped_record_url(const struct mapped_sync *sync, const struct map_object *object,
    const char *remote_id);
/* Where the mapping of this object is edited: "<base>/syncs/<sync>/mapping/<object>". */
json_t *mapped_mapping_url(const struct exchange *exchange, const struct mapped_sync *sync,
    const char *object);
/* Our page about it: "<base>/records/<sync>/<object>?id=...". */
json_t *mapped_url(const struct exchange *exchange, const struct link_id *id);
/* "/records/...": the same without base; appended. */
void mapped_path_add(struct bh_buf *out, const struct link_id *id);

#endif
