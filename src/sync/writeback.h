/*
 * Writing back: the id that a CRM gave a customer's record is stored on the
 * customer at the source, so that both sides share a key.  Where the sync's
 * setting "write_back" is true, and the source can keep it.
 */
#ifndef SYNC_WRITEBACK_H
#define SYNC_WRITEBACK_H

#include "sync/lane.h"

/* A want of this kind (state/want.h) is not looked up but written: hint {"crm", "remote_id"}. */
#define WRITEBACK_WANT "write_back"

/* After links of a lane were settled: ask for what the sources do not know yet. */
int writeback_note(struct lane *lane, const struct link_dirty_entry *entries,
    const struct link *links, size_t n, struct bh_err *err);

#endif
