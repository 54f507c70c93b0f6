/*
 * Recurring revenue of one subscription: what it is worth a year, now and in
 * the course of its history.  Pure and exact; the rules are those of
 * man/billhook-mapping.5, "Recurring revenue".
 *
 * A subscription is a canonical object (fields.def) whose references are
 * resolved: each item has its price's terms (unit_amount, tiers,
 * tiers_mode, interval, interval_count, usage_type, divide_by, round,
 * product), each discount its terms (percent_off or amount_off, duration,
 * start, end, products).  What is still a bare id makes the figure unknown; a
 * tax rate without terms is left out.  An item without an "interval" has the
 * subscription's; one whose interval is null does not recur and is worth
 * nothing.  "customer_discounts" holds the customer's own, which count only
 * while none of the subscription's own is in force.
 */
#ifndef MODEL_REVENUE_H
#define MODEL_REVENUE_H

#include "model/fraction.h"
#include "model/object.h"

/* Which discounts lower revenue. */
enum revenue_discounts {
	REVENUE_RECURRING = 0, /* for ever, and repeating ones while they last */
	REVENUE_FOREVER,       /* only those without an end */
	REVENUE_ALL,           /* those for one invoice too */
	REVENUE_NONE
};

/* A source connection's choices: settings.revenue. */
struct revenue_switches {
	enum revenue_discounts discounts;
	bool at_request;   /* a cancellation counts from when it is asked for, not from the end */
	bool count_paused; /* subscriptions whose collection is paused count */
	int grace_days;    /* past_due counts so long after the period's begin; -1 without limit */
	bool count_trials; /* only in pipeline figures; never in MRR */
	int window_min; /* movements of one customer closer than this are one; 0: none are joined */
	int committed_days; /* horizon of committed revenue */
	char currency[4];   /* totals are also given in this one; "" none */
	const json_t *
	    rates; /* [{"on":"2026-01-01","rates":{"EUR":"1.08"}}]: units of currency for one; borrowed */
};
/*
 * From a connection's settings ({"revenue": {"discounts": "recurring" | "forever" | "all" |
 * "none", "cancellation": "at_end" | "at_request", "paused": "zero" | "count", "grace_days": 30,
 * "window_min": 60, "committed_days": 90, "currency": "USD", "rates": [...]}}); what is left out
 * has the default above, window_min 60, committed_days 90.  -1 BH_INVALID naming the member.
 */
int revenue_switches_read(const json_t *settings, struct revenue_switches *switches,
    struct bh_err *err);

struct revenue_figure {
	bool is_known;
	char why[96];        /* when not: what is missing, for people */
	struct fraction arr; /* a year's worth, in minor units of currency */
	char currency[4];    /* "" when nothing names one */
	int64_t
	    changes_ms; /* when it will change by itself (a discount ends, a grace is over); INT64_MAX never */
};
/* What the subscription is worth at a time.  Statuses that do not count give a known zero. */
void revenue_figure(const json_t *subscription, const struct revenue_switches *switches,
    int64_t at_ms, struct revenue_figure *figure);
/*
 * The same with what is agreed and not in force yet: the items of
 * "pending_changes" (where that is an object with canonical, resolved "items"), the schedule's last phase that
 * begins inside the horizon (schedule: canonical, resolved; may be NULL; a phase
 * without "discounts" leaves the subscription's), and a planned end inside it.
 */
void revenue_committed(const json_t *subscription, const json_t *schedule,
    const struct revenue_switches *switches, int64_t at_ms, struct revenue_figure *figure);

/*
 * A history: the states of one subscription that differ in what revenue
 * depends on, and since when each held.  A JSON object that is stored as it
 * is; made from the changes in any order and number, it comes out the same.
 * Changes that are older than what the mirror holds belong in it too.
 *
 *   { "states": { "<digest>": { status, items, ... } },      only the fields revenue reads
 *     "points": [ [effective_ms, "<version>", "<digest>", flags, grace_from_ms], ... ] }
 *
 * Points are sorted by version; flags: 1 partial, 2 deleted; grace_from_ms (the period's begin) only of
 * a past_due state that tells it.  At most 200 points and about 2 MB of
 * states: beyond, points between two of the same state go, oldest first,
 * and where there are none the oldest change after the first.
 */
/* True when the history has changed.  history: an object, {} at first. */
bool is_revenue_history_added(json_t *history, const struct object_change *change);

/*
 * The steps of its yearly worth: [[at_ms, "ARR as a fraction", "USD"], ...] (new reference), each
 * with another value than the one before, the first from 0; discounts that begin or end
 * make steps of their own up to now_ms.  An ended subscription stops at its ended_at.  *changes_ms_r as in
 * revenue_figure().
 *
 * A state that is not known counts as the one before: its step repeats that
 * value and has a fourth member, what is missing; the next step that is known
 * follows even with the same value.  *why_r is what the newest such state lacks, "" when all is known.
 *
 * The first point of a history is often a reading long after the beginning:
 * what it is worth it was worth since it was created, started and beyond its trial,
 * and one that has ended was until then.  Points later than now_ms count as if they were now: news is
 * never of the future.
 *
 * resolve (may be NULL) fills the references of a state in, in place.
 */
json_t *revenue_steps(const json_t *history, void (*resolve)(void *arg, json_t *state), void *arg,
    const struct revenue_switches *switches, int64_t now_ms, int64_t *changes_ms_r, char why_r[96]);

#endif
