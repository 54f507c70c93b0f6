/*
 * What is kept about one person: a customer of a billing system and
 * everything that hangs on it, found, handed out, or erased.
 */
#ifndef SYNC_PERSON_H
#define SYNC_PERSON_H

#include "state/mirror.h"
#include "sync/sync.h"

/* One customer, by id or e-mail address; several, where the same address stands at several of them. */
struct person;

/*
 * Look for who in the mirror: a customer's id at the source, its external id,
 * or one of its billing e-mail addresses (in any case of letters).
 * connection: only there; NULL: everywhere.  Nobody found is no failure: events may name who all the same.
 */
int person_find(const struct sync_context *context, const char *who, const char *connection,
    struct person **person_r, struct bh_err *err);
void person_free(struct person **person);

/* The mirrored customers found, and all objects that are theirs (customers first). */
size_t person_customers(const struct person *person);
size_t person_objects(const struct person *person);
/* An object of them; borrowed. */
struct mirror_id person_object(const struct person *person, size_t i);

/*
 * From now on tick is called after each page of whatever is done with them, with the number of
 * entries read so far: 0, or -1 to stop there.  What stops it is err.
 */
void person_watch(struct person *person, int (*tick)(void *arg, size_t read, struct bh_err *err),
    void *arg);

/* Where something is kept. */
enum person_part {
	PERSON_OBJECT = 0, /* of the mirror */
	PERSON_LINK,       /* which CRM record it has */
	PERSON_RECORD,     /* given to a sandbox */
	PERSON_DERIVED, /* worked out by Billhook: histories, figures and what they are made of */
	PERSON_ALERT,   /* raised by an automation */
	PERSON_WANT,    /* to be looked up at the source */
	PERSON_EVENT,   /* of the journal */
	PERSON_TRAIL,
	PERSON_SPOOL, /* an event that is not taken in yet, or could not be */
	PERSON__MAX
};
/* "objects", "links" ... */
const char *person_part_name(enum person_part part);

/*
 * Hand out everything, part after part in this order, an item at a time
 * (a JSON object, borrowed for the call); memory does not grow with their number.
 * each returns 0, or -1 to stop.
 */
int person_visit(struct person *person,
    int (*each)(void *arg, enum person_part part, const json_t *item, struct bh_err *err),
    void *arg, struct bh_err *err);

/*
 * Erase everything.  Objects become tombstones of id and version (the next
 * newer piece of news begins them anew); the bodies of events are replaced, their ids stay; the
 * rest goes.  In many commits: when it is killed in the
 * middle, the same again goes on and ends in the same state.  What was erased already is not counted.
 *
 * gone gets each link to a record in a CRM, which is not in our reach; of a sandbox the record itself goes.
 */
struct person_done {
	size_t n[PERSON__MAX];
};
int person_erase(struct person *person, int (*gone)(void *arg, const json_t *link), void *arg,
    struct person_done *done, struct bh_err *err);

/*
 * What lies in the data directory and may still hold them, out of the reach of person_erase(): stores
 * that were set aside, copies.  Array of {"path": below the data directory, "what": what to do with it}.
 */
json_t *person_rest(const struct conf *conf);

/* For the trail, naming nobody: "a person was erased: 3 objects, 1 link, ...". */
void person_done_text(const struct person_done *done, struct bh_buf *text);

#endif
