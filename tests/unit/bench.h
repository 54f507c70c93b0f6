/*
 * For tests of sync/: a store in memory, a source "stripe", a destination
 * "crm" that is the CRM of crm.h, and a sync "s" between them; events go in
 * through the journal, the clock stands still but where it is moved.
 */
#ifndef TESTS_UNIT_BENCH_H
#define TESTS_UNIT_BENCH_H

#include "base/base.h"

#include "crm.h"
#include "model/object.h"
#include "state/journal.h"
#include "state/link.h"
#include "sync/sync.h"

struct bench {
	struct crm crm;
	struct conf conf;
	struct account_key key;
	char dir[64]; /* the name of the store: another connection to it sees the same */
	struct store *store;
	struct sync_context context;
	unsigned events; /* put into the journal so far */
	struct bh_err err;
};

/* driver: "salesforce", "hubspot" or "sandbox" for the destination; NULL: nothing is set up. */
struct bench *bench_new(const char *driver);
void bench_free(struct bench *bench);
/* Apply a configuration; the document is JSON with ' for ", and must be good. */
void bench_apply(struct bench *bench, const char *document);
/* The same with presets/ for presets; -1 as configure_apply(), err in bench->err. */
int bench_configure(struct bench *bench, const json_t *document, size_t *changes_r);
/* JSON with ' for "; new reference. */
json_t *bench_json(const char *text);

/* Move the clock. */
void bench_pass(struct bench *bench, int64_t ms);

/* Put an event in the journal; its id comes back.  body is taken. */
void bench_journal(struct bench *bench, const char *connection, const char *id, const char *type,
    const char *body, size_t body_len);
void bench_event(struct bench *bench, const char *type, json_t *object);
/* News of an object, a second after the one before. */
void bench_customer(struct bench *bench, const char *id, const char *name);
void bench_subscription(struct bench *bench, const char *id, const char *customer,
    const char *status);
void bench_invoice(struct bench *bench, const char *id, const char *customer,
    const char *subscription, int total);

/* Ingest all; how many events were handled. */
size_t bench_ingest(struct bench *bench);
/* One run of the lane "crm". */
struct sync_outcome bench_push(struct bench *bench);
/*
 * What the dispatcher would do: ingest, then run the jobs that are due until
 * none is.  Fails when something stays dirty that nothing will wake.
 */
void bench_work(struct bench *bench);
/* When the next job falls due; INT64_MAX. */
int64_t bench_next_due(struct bench *bench);

/* The link of an object of sync "s"; LINK_NEW when there is none. */
struct link bench_link(struct bench *bench, const char *object, const char *id);
bool bench_is_dirty(struct bench *bench, const char *object, int rank, const char *id);
struct link_lane bench_lane(struct bench *bench);
/* The lane's counts are those of its links. */
void bench_recount(struct bench *bench);
/* Every object of the mirror stands in the CRM as the mapping renders it, once. */
void bench_compare(struct bench *bench);
/* 1 held, 0 not; release object. */
int bench_mirror(struct bench *bench, enum object_kind kind, const char *id,
    struct object_state *object);

#endif
