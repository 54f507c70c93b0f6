/* Inside sync/: what is searched for (person.c), and the places where it is looked for (person_parts.c). */
#ifndef SYNC_PERSON_INTERNAL_H
#define SYNC_PERSON_INTERNAL_H

#include "sync/mention.h"
#include "sync/person.h"
#include "sync/setup.h"

/* A connection that is searched. */
struct person_scope {
	char *connection;
	struct mention *mention; /* ids that mean them there */
};

struct person {
	const struct sync_context *context;
	char *who;
	char *email; /* the same, folded (bh_fold_add()) */
	bool is_email;
	bool is_everywhere; /* not one connection only */
	struct person_scope *scopes;
	size_t scopes_n;
	struct mirror_id *objects; /* strings owned; customers first */
	size_t objects_n, objects_cap, customers_n;
	json_t *index;        /* "connection account kind id" of each, separated by newlines */
	struct setup *setup;  /* which sync maps which kind */
	uint64_t events_seen; /* stamp: events up to here are erased */
	int (*tick)(void *arg, size_t read, struct bh_err *err); /* NULL none */
	void *tick_arg;
	size_t read; /* entries that were looked at */
};

/* One way through all parts: handing out (each) or erasing (done). */
struct person_sweep {
	struct person *person;
	int (*each)(void *arg, enum person_part part, const json_t *item, struct bh_err *err);
	int (*gone)(void *arg, const json_t *link);
	void *arg;
	struct person_done *done; /* NULL: nothing is erased */
};

/* NULL when it is not searched. */
const struct person_scope *person_scope(const struct person *person, const char *connection);
/* The same for an event of a connection that is set up no more and left nothing in the mirror. */
const struct person_scope *person_scope_of_event(struct person *person, const char *connection);
bool is_person_object(const struct person *person, const struct mirror_id *id);

/* A page is done: 0 go on, -1. */
int person_tick(const struct person *person, struct bh_err *err);

/* Each part in turn; PERSON_OBJECT last when erasing, the customers last of all: by them the rest is found. */
int person_events(struct person_sweep *sweep, struct bh_err *err);
int person_trail(struct person_sweep *sweep, struct bh_err *err);
int person_records(struct person_sweep *sweep, struct bh_err *err);
int person_wants(struct person_sweep *sweep, struct bh_err *err);
int person_links(struct person_sweep *sweep, struct bh_err *err);
int person_spool(struct person_sweep *sweep, struct bh_err *err);
int person_alerts(struct person_sweep *sweep, struct bh_err *err);
/* What was looked at (previews, audits, dry runs and so on) shows people: all of it goes. */
int person_forget_looks(const struct sync_context *context, struct bh_err *err);

#endif
