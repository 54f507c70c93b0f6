/*
 * What looking for HubSpot's records and reading them share: batch reads,
 * which are current, and searches, whose index lags behind writes by seconds.
 */
#ifndef DEST_HUBSPOT_LOOK_H
#define DEST_HUBSPOT_LOOK_H

#include "dest/hubspot.h"

/* --- hubspot_look.c --- */

/* Rows to be read by batches, in the fewest calls.  Borrowed. */
struct hubspot_rows {
	const char *object;
	const char *id_property;  /* unique; NULL: ids are HubSpot's */
	const json_t *properties; /* array of names */
	bool is_archived;         /* of the recycle bin */
	json_t *ids;              /* object whose members' names they are */
};
typedef void hubspot_each(void *arg, const json_t *row);
/*
 * Hand over the rows that there are, in any order.  -1: as of describe; code
 * (64 bytes, may be NULL) is HubSpot's word then.
 */
int hubspot_read_rows(struct dest_config *config, const struct hubspot_rows *rows,
    hubspot_each *each, void *arg, char *code, struct bh_err *err);
/*
 * Hand over all rows of an object, 100 a page, in a list that is current.  1; 0 when there are
 * more than fit into so many pages: those were handed over; -1 as of describe.
 */
int hubspot_list_rows(struct dest_config *config, const char *object, const json_t *properties,
    size_t pages, hubspot_each *each, void *arg, struct bh_err *err);
/* A read may be repeated: no answer is as good as nobody there.  Returns rc. */
int hubspot_repeatable(int rc, struct bh_err *err);

/* Digits: only such a text may be asked for as HubSpot's id. */
bool hubspot_is_id(const char *text);
/* Is object this standard type ("contact"), by any of its names? */
bool hubspot_is_type(const char *object, const char *type);
/* Append the properties by which people know an object's records to an array of names. */
void hubspot_add_name_properties(json_t *properties, const char *object);
/* How people know a row; "" where that is not known. */
void hubspot_name_of(const char *object, const json_t *row, char *out, size_t size);
/* A property of a row; NULL without a value. */
const char *hubspot_value_of(const json_t *row, const char *name);

/* --- hubspot_search.c --- */

#define HUBSPOT_SEARCH_GROUPS 5   /* filter groups of a search, one of which must hold */
#define HUBSPOT_SEARCH_BYTES 2200 /* of filters: a body may have 3,000 characters */
#define HUBSPOT_SEARCH_VALUES 100 /* of one filter */
#define HUBSPOT_SEARCH_PAGE 200

/* One page: body is what HubSpot takes, without limit and after.  *body_r: new reference. */
int hubspot_search(struct dest_config *config, const char *object, json_t *body, size_t limit,
    const char *after, json_t **body_r, struct bh_err *err);

/* --- see struct dest_driver --- */

int hubspot_find(struct dest_config *config, const struct dest_wanted *wanted, size_t n,
    struct dest_found *found, struct bh_err *err);
int hubspot_read(struct dest_config *config, struct dest_reading *readings, size_t n,
    struct bh_err *err);
int hubspot_end(struct dest_config *config, struct dest_end *ends, size_t n, struct bh_err *err);
int hubspot_remove(struct dest_config *config, struct dest_removal *removals, size_t n,
    struct bh_err *err);
void hubspot_record_url(const struct dest_auth *auth, const char *object, const char *remote_id,
    struct bh_buf *url);
int hubspot_unlinked(struct dest_config *config, const char *object, const char *key_field,
    const char *after, json_t **rows_r, bool *more_r, struct bh_err *err);

#endif
