/* The syncs that lead to a CRM, as far as its page shows them. */
#ifndef WEB_CRM_SYNC_H
#define WEB_CRM_SYNC_H

#include "base/json.h"
#include "model/object.h"
#include "state/account.h"
#include "state/link.h"

/* {code: {"from", "mapping"}}: new reference in *syncs_r, also after -1. */
int crm_syncs_load(struct store_txn *txn, const char *dest, json_t **syncs_r, struct bh_err *err);
/* The mapped object of this name in one of them, as it is written; NULL.  Borrowed. */
const json_t *crm_sync_object(const json_t *sync, const char *name);
/* Of which kind; object may be NULL. */
enum object_kind crm_object_kind(const json_t *object);
/*
 * A billing object as people know it: its name, or another field that tells
 * it; its id where there is none.  New reference; NULL with err.
 */
json_t *crm_title(struct store_txn *txn, const json_t *syncs, const struct link_id *id,
    struct bh_err *err);

/* A mapped object of a sync that leads to a CRM. */
struct crm_object {
	struct account_sync sync; /* owned */
	char name[72];
	int rank;
};
void crm_object_release(struct crm_object *object);
/* 1; 0 there is no such sync to this CRM, or no such object in it; -1. */
int crm_object_find(struct store_txn *txn, const char *dest, const char *sync, const char *name,
    struct crm_object *object, struct bh_err *err);
/* The object of a sync that customers become, and that is matched with what is there. */
int crm_customers_find(struct store_txn *txn, const char *dest, const char *sync,
    struct crm_object *object, struct bh_err *err);

#endif
