/*
 * Is all well?  Two questions: can webhooks be stored (what a load balancer
 * asks), and does what was stored reach the CRMs (what a person wants to be
 * woken for).  Holds no name: it may be told to anybody.
 */
#ifndef SYNC_HEALTH_H
#define SYNC_HEALTH_H

#include "state/account.h"
#include "store/store.h"

#define HEALTH_BACKLOG_MAX 10000       /* events are counted up to here */
#define HEALTH_BACKLOG_AGE_S (15 * 60) /* older than this the oldest event is late */

struct health {
	bool has_room;  /* the store takes commits: there is space on its disk */
	bool can_write; /* its last write worked */
	bool key_opens; /* the key opens what is sealed */
	bool
	    is_newer; /* a newer Billhook wrote the store: nothing else is known here, nothing is taken */
	size_t backlog;
	int64_t backlog_age_s; /* of the oldest event that nobody has looked at; 0 none */
	size_t lanes, paused;  /* CRMs; those that a person paused */
	size_t stopped;        /* that cannot go on before a person acts */
};

/* key NULL: there is none.  0; -1 BH_UNAVAILABLE when the keeper cannot be reached. */
int health_read(struct store *store, struct store_txn *txn, const struct account_key *key,
    int64_t now_ms, struct health *health, struct bh_err *err);
/* Why webhooks are answered 503: a word, and *reason_r a sentence; NULL: they are taken. */
const char *health_refusal(const struct health *health, const char **reason_r);
/* {"status": "ok" | "late" | "full" | "broken" | "key" | "newer", "reason", ...}; *is_ready_r, *is_well_r: the two questions.  New reference. */
json_t *health_json(const struct health *health, bool *is_ready_r, bool *is_well_r);

#endif
