/* The job of destinations' conversations about bulk jobs; it lives on from step to step. */
#ifndef TESTS_UNIT_WIRE_BULK_H
#define TESTS_UNIT_WIRE_BULK_H

#include "dest/dest.h"
#include "wire.h"

struct wire_bulk {
	struct dest_bulk job;
	struct dest_column columns[WIRE_LIST_MAX]; /* borrow from names */
	size_t columns_n;
	json_t *names;
	struct bh_buf rows;      /* the upload */
	struct wire_texts lines; /* that it must have after the step */
};

void wire_bulk_init(struct wire_bulk *bulk);
void wire_bulk_release(struct wire_bulk *bulk);
/* Lines of the stage ("bulk", "columns") and of steps ("=line"); false when it is none of them. */
bool wire_bulk_read(struct wire *wire, struct wire_bulk *bulk, const char *mark, const char *text);
/* The upload has these lines and no more. */
void wire_bulk_compare(struct wire *wire, const struct wire_bulk *bulk);
/* The job, for "=bulk". */
json_t *wire_bulk_json(const struct wire_bulk *bulk);

#endif
