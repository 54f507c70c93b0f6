/* One record of a CRM: what the page and its parts share. */
#ifndef WEB_PAGE_RECORD_H
#define WEB_PAGE_RECORD_H

#include "model/object.h"
#include "web/mapped.h"
#include "web/page.h"

struct record_page {
	struct exchange *exchange;
	struct mapped mapped; /* its sync alone */
	const struct mapped_sync *sync;
	const struct map_object *object;
	size_t index;      /* of the mapped object */
	struct link_id id; /* borrowed */
	struct link link;
	bool is_marked;
	struct object_state
	    held; /* the billing object, with what is worked out; fields NULL: not held */
	struct object_state customer;
	int64_t now_ms;
	json_t *model; /* owned */
};

/* Each field that is written: where its value comes from, and who wins. */
int record_add_fields(struct record_page *page, struct bh_err *err);

#endif
