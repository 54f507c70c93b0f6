/* Shared by the files that push records to Salesforce; nobody else includes it. */
#ifndef DEST_SALESFORCE_PUSH_H
#define DEST_SALESFORCE_PUSH_H

#include "dest/salesforce.h"

/* One collection: which records, and what they share. */
struct slot {
	enum salesforce_way way;
	const char *object;    /* of the last row; all have it, but for updates */
	const char *key_field; /* of upserts */
	size_t rows[SALESFORCE_ROWS_MAX];
	size_t rows_n;
	size_t bytes;
	size_t chunks;
};

/* How a row that was refused could be written after all; see salesforce_mend.c. */
struct mend {
	json_t *cuts; /* field to the units that it may keep, 0: it is left out; NULL: not at all */
	json_t *retreat; /* what goes as well when that is refused, too; NULL: nothing */
};

struct plan {
	struct dest_config *config;
	struct record *const *records;
	size_t n;
	size_t second; /* records from here on stand in collections behind all others; n: none */
	struct dest_result *results;
	struct bh_buf *bodies; /* one per record; empty: it cannot be sent */
	size_t *order;         /* the sequence in which records are placed */
	size_t slice;          /* rows of a full collection */
	struct slot *slots;
	size_t slots_n;
	size_t closed;      /* so many slots take no more rows */
	json_t *placed;     /* "object\nkey" to the number of its slot */
	struct mend *mends; /* one per record; NULL: nothing is mended */
	bool is_slow;       /* the last call took too long for its rows */
	int good_calls;     /* so many full ones in a row did not */
};

/* Encode all records and put them into collections; what cannot be encoded is rejected here. */
void salesforce_plan(struct plan *plan);
/* Put what was to be sent by slot first and those behind it into collections of plan->slice. */
void salesforce_plan_again(struct plan *plan, size_t first);
/* How many collections the next call takes from slot first on. */
size_t salesforce_plan_count(const struct plan *plan, size_t first);
void salesforce_plan_release(struct plan *plan);

/*
 * Send count collections from first on in one call, and settle their
 * records.  False with the reason in *stop_r when no further call should follow.
 */
bool salesforce_send(struct plan *plan, size_t first, size_t count, struct dest_result *stop_r);

/* Keep how a refused row (error: its error objects) could be written after all, if it could. */
void salesforce_mend_note(struct mend *mend, const struct record *record, const json_t *error);
/*
 * Send what was noted once more, in one call; when none may be made these
 * records are "later" instead of refused.
 */
void salesforce_mend_send(struct plan *plan, bool may_call);
void salesforce_mend_release(struct mend *mends, size_t n);

#endif
