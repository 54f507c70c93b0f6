/* What goes wrong, as the store tells it: each check raises incidents, and cures those that are over. */
#ifndef SYNC_ALERT_WATCH_H
#define SYNC_ALERT_WATCH_H

#include "state/alert.h"

/* All checks, in txn.  settings: see alert_settings_get(). */
int alert_watch(struct store_txn *txn, const json_t *settings, int64_t now_ms, struct bh_err *err);

#endif
