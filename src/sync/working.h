/*
 * The working set of a transaction: objects of the mirror that it reads and
 * changes, each once, so that what a batch changes is seen by the rest of it.
 */
#ifndef SYNC_WORKING_H
#define SYNC_WORKING_H

#include "state/mirror.h"

struct working_object {
	struct mirror_id id; /* strings are owned */
	struct object_state object;
	bool is_loaded;
	bool is_brief;            /* a customer of whom only what its facts keep is here */
	bool is_changed;          /* has to be stored */
	bool was_erased;          /* nothing but a tombstone when it was loaded */
	bool is_different;        /* and says something else than before, not only of when */
	char *customer_before;    /* the customer it named when it was loaded; NULL; owned */
	bool was_deleted;         /* a tombstone when it was loaded */
	json_t *told_before;      /* the fields of a customer when it was loaded; owned */
	json_t *discounts_before; /* of a customer, likewise */
	json_t *lines_before;     /* of an invoice, likewise */
	bool was_partial;         /* an invoice of which not all lines were known */

	/* Of what is worked out: see derive.c. */
	bool is_due;   /* a subscription whose steps, a customer whose figures are to be made */
	bool is_whole; /* a customer whose facts are to be made anew */
	bool is_read;  /* the documents below are read */
	bool is_history_changed;
	json_t *history, *facts, *fields; /* owned; fields: the derived ones */
	bool is_facts_changed, is_fields_changed;
	json_t *facts_before, *fields_before; /* what a change replaced; owned; NULL */
	int64_t due_before_ms;                /* of a customer's timer */
};

struct working {
	struct working_object *items;
	size_t n, cap;
	json_t *index; /* name -> place */
};

void working_init(struct working *work);
void working_release(struct working *work);
/* Its place; a new one is not loaded.  Strings are copied.  Items may move. */
size_t working_place(struct working *work, const struct mirror_id *id);
/* Its place, or SIZE_MAX. */
size_t working_find(const struct working *work, const struct mirror_id *id);
/* Read those that are not loaded, checked at commit. */
int working_load(struct working *work, struct store_txn *txn, struct bh_err *err);
/* Newest wins; true when the change is news. */
bool is_working_changed(struct working_object *object, const struct object_change *change);

#endif
