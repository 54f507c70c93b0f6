/*
 * What is known of a CRM: who answers, its schema, its limits.  For its page,
 * and for the script that keeps the page fresh.  What waits for a person is
 * in crm_people.h.
 */
#ifndef WEB_CRM_FACTS_H
#define WEB_CRM_FACTS_H

#include "dest/dest.h"
#include "state/walk.h"
#include "web/page.h"

struct crm_facts {
	struct exchange *exchange;
	const struct account_connection *connection; /* as stored, with its secrets */
	const struct dest_driver *driver;
	bool is_live; /* only live texts are wanted: lists of records are left out */
	int64_t now_ms;
	json_t *model;        /* for the template; owned */
	json_t *live;         /* {"key": "text"}: status.json; owned */
	struct bh_buf newest; /* changes when there is more to be seen than live texts */
};

/* Gather.  0, or -1 with facts to be released all the same. */
int crm_facts_get(struct crm_facts *facts, struct exchange *exchange,
    const struct account_connection *connection, const struct dest_driver *driver, bool is_live,
    struct bh_err *err);
void crm_facts_release(struct crm_facts *facts);

/* What is said of an errand in each of its states; answered makes the text of an answer. */
struct crm_saying {
	const char *name; /* ERRAND_...; and under which its texts stand in the model */
	const char *never;
	const char *busy;
	json_t *(*answered)(const struct crm_facts *facts, const struct errand *errand);
	/* Is the answer as it should be, or is there something left to be done?  NULL: it is. */
	bool (*is_good)(const struct errand *errand);
};
/* Its state, text and progress, live; the errand is released by the caller, also after -1. */
int crm_facts_errand(struct crm_facts *facts, const struct crm_saying *saying,
    struct errand *errand, struct bh_err *err);

/* For the list: name, url, state, badge, organisation, calls; new reference. */
int crm_card(struct exchange *exchange, const struct account_connection *connection,
    json_t **view_r, struct bh_err *err);

/*
 * "live", "sandbox", or what else a person calls it; "" not known.  The newer
 * of both errands that has an answer counts.  Borrowed.
 */
const char *crm_badge(const struct account_connection *connection, const struct errand *probe,
    const struct errand *login);

/* Can it be connected in the browser: has it a form, or needs none? */
bool crm_is_offered(const struct dest_driver *driver);
/* Does a person let Billhook in, in the browser? */
bool crm_is_by_login(const struct dest_driver *driver, const struct account_connection *connection);
/* Are there tokens of it? */
int crm_has_tokens(struct store_txn *txn, const struct account_key *key, const char *code,
    bool *has_r, struct bh_err *err);

/* How sure the counts are that were asked for: newer than this. */
#define CRM_COUNT_AGE_MS (INT64_C(3600) * 1000)
/* Were the counts asked for and told, within CRM_COUNT_AGE_MS? */
int crm_is_counted(struct store_txn *txn, const char *code, int64_t now_ms, bool *is_r,
    struct bh_err *err);

#endif
