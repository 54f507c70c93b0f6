/*
 * Figures for a monitoring system, as text in the format of Prometheus
 * (text/plain; version=0.0.4).  Nothing is walked: all of it is kept or counted
 * to a limit.  Labels are codes of connections and words of ours; no person's
 * data, no secret, no text from outside.
 */
#ifndef SYNC_METRICS_H
#define SYNC_METRICS_H

#include "store/store.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define METRICS_MAX (4u << 20)

/* Append them to out (a buffer of METRICS_MAX); data_dir: whose store it is. */
int metrics_add(struct store *store, const char *data_dir, int64_t now_ms, struct bh_buf *out,
    struct bh_err *err);

#endif
