/*
 * Whether what stands on a side of a sync is real.  Only what a side told itself counts, or what a
 * person set: the mode of Stripe, the keys of LostChurn and Alguna, Salesforce's IsSandbox,
 * the type of a HubSpot portal.  Lago and generic senders do not tell.
 */
#ifndef STATE_ENVIRONMENT_H
#define STATE_ENVIRONMENT_H

#include "state/account.h"

#define ENVIRONMENT_TEXT 400

enum environment {
	ENVIRONMENT_UNKNOWN = 0, /* nobody told; it fits everything */
	ENVIRONMENT_TEST,
	ENVIRONMENT_LIVE,
};

/* Of a connection: its settings, else what it was found to be when it was tested or logged in. */
int environment_of(struct store_txn *txn, const struct account_connection *connection,
    enum environment *is_r, struct bh_err *err);

/*
 * Test data on its way into a production CRM, or real data into a test account: 1 with a
 * sentence in text; 0 and "" they fit, or one of them does not tell; -1.
 */
int environment_clash(struct store_txn *txn, const struct account_connection *from,
    const struct account_connection *to, char text[ENVIRONMENT_TEXT], struct bh_err *err);

#endif
