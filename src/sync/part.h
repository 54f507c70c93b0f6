/*
 * Virtual objects (is_object_virtual()): records that are made of a line of a
 * mirrored invoice, or of an event of the journal.  Their links:
 *
 *   kind         | id                              | account      | marked when
 *   invoice_line | "<invoice>/<name>", see line.h  | the invoice's| the invoice changed, was or is
 *   event        | stamp in the journal: event.h   | its subject's| it was handled and made changes
 */
#ifndef SYNC_PART_H
#define SYNC_PART_H

#include "state/journal.h"
#include "state/link.h"
#include "state/mirror.h"
#include "sync/setup.h"

/*
 * Mark the lines that an invoice has and had before (NULL: none), for one
 * sync of its connection; no read.  Returns how many marks.
 */
size_t part_mark_lines(struct store_txn *txn, const struct setup_sync *sync,
    const struct mirror_id *invoice, const json_t *lines, const json_t *lines_before);
/*
 * Mark the lines that have a link: where not all lines were known before, one
 * that is gone stood in none of the two lists.  Reads their keys.
 */
int part_mark_told_lines(struct store_txn *txn, const struct setup_sync *sync,
    const struct mirror_id *invoice, struct bh_err *err);
/* Does a line's record of any sync of this connection show something of the customer? */
bool is_part_reaching_customer(const struct setup *setup, const char *connection);
/*
 * Then a change of the customer marks the lines of the invoices: of n at a
 * time, which are read for it, so that the marks fit into a commit.
 */
#define PART_INVOICES_PAGE 10
int part_mark_lines_of(struct store_txn *txn, const struct setup *setup,
    const struct mirror_id *invoices, size_t n, struct bh_err *err);
/*
 * Mark an event for each sync of its connection that maps events, and wake
 * its lane; no read.  account: of what it is about.  Marked again it is not sent again.
 */
void part_mark_event(struct store_txn *txn, const struct setup *setup,
    const struct journal_event *event, const char *account);

/*
 * What a driver makes of an event's body: 0, -1 BH_INVALID (also when the
 * connection is no source any more).  result is zeroed by the caller.
 */
int part_normalise(const struct setup_connection *connection, const struct journal_event *event,
    struct source_result *result, struct bh_err *err);

/*
 * As derived_view_many(), of virtual objects too: n entries of links, with
 * their connection and kind.  fields NULL: it cannot be made any more.
 */
int part_view_many(struct store_txn *txn, const struct setup *setup, const struct mirror_id *ids,
    size_t n, struct object_state *objects, struct bh_err *err);
/* A line that its invoice has no more, and that never had a record: none is made of it. */
bool is_part_over(enum object_kind kind, const json_t *fields, const struct link *link);
/* The id that a record's key is made of: an event's own, so that it outlives the journal. */
const char *part_key_id(enum object_kind kind, const char *id, const json_t *fields);

#endif
