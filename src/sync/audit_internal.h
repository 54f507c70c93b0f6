/* An audit while it runs: shared by the files that do it. */
#ifndef SYNC_AUDIT_INTERNAL_H
#define SYNC_AUDIT_INTERNAL_H

#include "sync/audit.h"
#include "sync/render.h"

struct audit_work {
	const struct sync_context *context;
	const char *code; /* of the sync */
	struct setup *setup;
	const struct setup_sync *sync;
	json_t *mapping; /* as settings and prefix make it; owned */
	struct lane lane;
	bool is_open;
	struct lane_preview hooks; /* it only looks */
	int64_t calls;             /* of the lane, that are counted in the stored state */
};

/* The next page: compares it and stores it.  *is_over_r: it is not to go on (done, stopped, begun anew). */
int audit_page(struct audit_work *work, struct audit *audit, bool *is_over_r, struct bh_err *err);

#endif
