/* The alerts of a configuration document: where they are told, and when. */
#ifndef SYNC_CONFIGURE_ALERTS_H
#define SYNC_CONFIGURE_ALERTS_H

#include "sync/configure_rules.h"

int configure_alerts_apply(struct store_txn *txn, struct configure_run *run, struct bh_err *err);
/* New reference; NULL when nothing was ever said about alerts. */
int configure_alerts_export(struct store_txn *txn, json_t **alerts_r, struct bh_err *err);

#endif
