/* The first thing that home says: how many customers are in step, and what needs a person. */
#ifndef WEB_HOME_SENTENCE_H
#define WEB_HOME_SENTENCE_H

#include "state/account.h"

#define HOME_CRMS 3 /* that the sentence can name */

/* What is counted for it. */
struct home_counts {
	size_t sources, crms;
	int64_t in_step, on_their_way; /* records of all CRMs */
	int64_t held;                  /* records that need a person, and ... */
	int64_t stopped;               /* ... connections that do */
	/*
	 * Customers: those whose own record is in step, of each CRM that gets any; and whose own
	 * record needs a person.
	 */
	struct home_crm {
		char code[72], name[128];
		int64_t in_step;
	} customers[HOME_CRMS];
	size_t customers_n; /* HOME_CRMS + 1: more than fit */
	int64_t customers_held;
};

/*
 * Add the customers that a sync brings to its CRM.  A customer may become two kinds of records:
 * the kind that most became counts.  Names of CRMs are left to the caller.
 */
int home_count_customers(struct store_txn *txn, const struct account_sync *sync,
    struct home_counts *counts, struct bh_err *err);
/* The sentence (new reference), and for CSS "idle", "bad", "busy", "good". */
json_t *home_sentence(const struct home_counts *counts, const char **state_r);

#endif
