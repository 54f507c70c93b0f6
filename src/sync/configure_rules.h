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

/* "env:NAME", "file:PATH" or "keep", or an array of them: 0, or -1 BH_INVALID with path and name. */
int configure_check_secret(const json_t *value, const char *path, const char *name,
    struct bh_err *err);
/* Puts what the references name over the stored secrets (NULL none); whose stands in errors. */
int configure_secrets(const json_t *references, json_t **secrets, const char *whose,
    struct bh_err *err);

/* 0, or -1 BH_INVALID with the path of the member and the reason. */
int configure_rules_check(const json_t *document, const char *preset_dir, struct bh_err *err);
int configure_rules_apply(struct store_txn *txn, struct configure_run *run, struct bh_err *err);
/* New reference. */
int configure_rules_export(struct store_txn *txn, json_t **list_r, struct bh_err *err);

#endif
