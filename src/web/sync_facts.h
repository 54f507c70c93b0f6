/*
 * What is known of a sync: its ends, its state in words, its counts, how far
 * its re-sync is.  For the list, its page, and the script that keeps them fresh.
 */
#ifndef WEB_SYNC_FACTS_H
#define WEB_SYNC_FACTS_H

#include "dest/dest.h"
#include "web/page.h"

/* A sync with its connections as stored, without secrets. */
struct sync_facts {
	struct exchange *exchange;
	struct account_sync sync;           /* owned */
	struct account_connection from, to; /* owned; driver "" where there is none */
	int64_t now_ms;
	int ranks;         /* of its mapped objects; 0 nothing is mapped, or it does not work */
	char trouble[240]; /* why it does not work; "" */
	json_t *view;      /* for templates; owned */
};

/*
 * The sync of this code.  Live texts are put into live under "sync.<code>.<name>".
 * 1; 0 there is none; -1.  To be released after 1 and -1.
 */
int sync_facts_get(struct sync_facts *facts, struct exchange *exchange, const char *code,
    json_t *live, struct bh_err *err);
void sync_facts_release(struct sync_facts *facts);

/* "Stripe → HubSpot", as its page and others call it (new reference). */
json_t *sync_facts_name(const struct sync_facts *facts);
/* Its re-sync, put into the view as "resync" and live under "resync.<name>". */
int sync_facts_resync(struct sync_facts *facts, json_t *live, struct bh_err *err);

/* May it be started now?  why: what a person has to do first; "" when it may. */
int sync_facts_may_start(const struct sync_facts *facts, char why[160], struct bh_err *err);

#endif
