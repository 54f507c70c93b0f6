/* The automations of a configuration document: shared by configure.c and configure_rules.c. */
#ifndef SYNC_CONFIGURE_RULES_H
#define SYNC_CONFIGURE_RULES_H

#include "sync/configure.h"

/* A document on its way into the store. */
struct configure_run {
	const struct account_key *key;
	const json_t *document;
	const struct configure_options *options;
	size_t changes;
	json_t *said; /* lines of this try: a repeated transaction says them once */
};
void configure_say(struct configure_run *run, const char *what, const char *code, const char *verb);

/*
 * Puts what the references name over the stored secrets (NULL none).  of is the place of
 * whoever has them ("/connections/0"); errors begin with that of the secret.
 */
int configure_secrets(const json_t *references, json_t **secrets, const char *of,
    struct bh_err *err);

/* What the schema cannot say of an item: 0, or -1 with the reason and its member ("/since", or "") in *member_r. */
int configure_rule_check(const json_t *item, const char *preset_dir, const char **member_r,
    struct bh_err *err);
int configure_rules_apply(struct store_txn *txn, struct configure_run *run, struct bh_err *err);
/* New reference. */
int configure_rules_export(struct store_txn *txn, json_t **list_r, struct bh_err *err);

#endif
