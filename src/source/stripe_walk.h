/*
 * Walks over what Stripe holds, for stripe_api_walk.c and
 * stripe_api_events.c: where a walk stands, and its page.
 *
 *	start -> products -> prices ... -> disputes -> events -> end    (backfill)
 *	                                      start -> events -> end    (catch-up)
 *
 * With settings.connect the end leads to the start for the next connected
 * account, the platform's own being the first.
 */
#ifndef SOURCE_STRIPE_WALK_H
#define SOURCE_STRIPE_WALK_H

#include "source/stripe_api.h"

#define WALK_AFTER_MAX 3 /* ids kept to step back to when the last one is gone */
#define WALK_EVENT_DAYS 30
#define WALK_PAGE 100

enum {
	WALK_START = -2,
	WALK_EVENTS = -1 /* 0 and more: a phase of stripe_api_walk.c's table */
};

/*
 * In the cursor (version 1): {"v", "walk", "phase", "account", "after",
 * "created_s", "dropped", "event", "from_s", "since_s"}; members that say nothing are left out.
 */
struct walk {
	struct stripe_session session;
	struct source_page *page;
	bool is_backfill;
	int phase;
	char account[128];
	char after[WALK_AFTER_MAX][256]; /* last rows read, the last one first */
	size_t after_n;
	int64_t created_s; /* of the last row; -1 not known */
	unsigned dropped;  /* expansions that were refused in this phase */
	char event[256];   /* events behind this one are still to be read; "" none is known */
	int64_t
	    from_s; /* where no event is known: events from this time on; -1 they cannot be read */
	int64_t since_s; /* where the catch-up began */
	bool is_over;    /* nothing is left to be read */
	unsigned flaws;  /* rows that could not be read, on this page */
};

/* A sentence for the page's note, behind those that stand there. */
void walk_note(struct walk *walk, const char *fmt, ...) BH_PRINTF(2, 3);
/* Keep the last ids of a page of rows, and the last one's time. */
void walk_keep_place(struct walk *walk, const json_t *rows);
/* The account is done: on to the next one, or the walk is over. */
int walk_account_done(struct walk *walk, struct bh_err *err);

/* stripe_api_events.c */

/* Find the newest event at all (before_s 0), or before a time: event and from_s are set. */
int walk_find_event(struct walk *walk, int64_t before_s, struct bh_err *err);
/* A page of events behind walk->event. */
int walk_events(struct walk *walk, struct bh_err *err);

#endif
