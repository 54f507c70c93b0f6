/* One row of a mapping: where a CRM field's value comes from, and how it is turned. */
#ifndef MAP_ROW_H
#define MAP_ROW_H

#include "map/map.h"
#include "map/reference.h"

struct row;

/* json is borrowed for the life of the row.  -1 BH_INVALID; the error does not name the row. */
int row_new(const json_t *json, enum object_kind kind, struct row **row_r, struct bh_err *err);
void row_free(struct row **row);

/* The words of "when", by number; NULL behind the last. */
const char *row_when_name(unsigned i);

const char *row_to(const struct row *row);
/* What its transform gives; NONE: only the value tells. */
enum field_type row_gives(const struct row *row);
/* False for "when": "never", and where "on" does not name the CRM's object (NULL: whatever it names). */
bool is_row_written(const struct row *row, const char *object);
/* Is the field not always ours ("if_empty", "if_unchanged", "on_create")? */
bool is_row_shared(const struct row *row);
/* Both rows may write the same field of the same CRM object. */
bool is_row_clash(const struct row *a, const struct row *b);

/* Add the row's field to record, or nothing where the row does not apply.  -1 BH_INVALID. */
int row_render(const struct row *row, const struct reference_view *view,
    const struct map_context *context, struct record *record, struct bh_err *err);

#endif
