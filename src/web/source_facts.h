/*
 * What is known of a source: who answers to its key, how far its walks are,
 * its webhook.  For its page, and for the script that keeps the page fresh.
 */
#ifndef WEB_SOURCE_FACTS_H
#define WEB_SOURCE_FACTS_H

#include "source/source.h"
#include "web/page.h"

struct source_facts {
	struct exchange *exchange;
	const struct account_connection *connection; /* as stored, with its secrets */
	const struct source_driver *driver;
	int64_t now_ms;
	json_t *model; /* for the template; owned */
	json_t *live;  /* {"key": "text"}: status.json; owned */
};

/* Gather.  0, or -1 with facts to be released all the same. */
int source_facts_get(struct source_facts *facts, struct exchange *exchange,
    const struct account_connection *connection, const struct source_driver *driver,
    struct bh_err *err);
void source_facts_release(struct source_facts *facts);

/* "live", "test" or what else a person calls it; "" where it is not known.  Borrowed. */
const char *source_mode(const struct account_connection *connection);
/* For the list: name, url, state, progress; new reference. */
int source_card(struct exchange *exchange, const struct account_connection *connection,
    json_t **view_r, struct bh_err *err);

#endif
