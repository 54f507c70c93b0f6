/*
 * Bringing news into the mirror: merge, work out what follows (derive.h),
 * mark what has to be pushed, keep what has to be looked up.  Used by
 * everything that hears from a source: events, pages, look-ups.
 */
#ifndef SYNC_APPLY_H
#define SYNC_APPLY_H

#include "sync/setup.h"
#include "sync/working.h"

struct apply;
/* setup is borrowed until apply_free(); its account_version() is checked by whoever loads it. */
struct apply *apply_new(struct store_txn *txn, const struct setup *setup);
void apply_free(struct apply **apply);

/* News of a connection; result is taken (left empty).  Returns a number for apply_news(). */
size_t apply_add(struct apply *apply, const char *connection, struct source_result *result);
/* Work a customer's figures out anew, or a subscription's (and its customer's); is_whole: from all objects. */
void apply_again(struct apply *apply, const struct mirror_id *id, bool is_whole);
/* Do it, into the transaction.  Once. */
int apply_run(struct apply *apply, struct bh_err *err);
/* "kind id" of each object for which these news were newer than what was held; NULL none.  Borrowed. */
json_t *apply_news(struct apply *apply, size_t number);
/* Whom these news are about: {account: {customer: true}}, added to customers. */
void apply_customers(const struct apply *apply, size_t number, json_t *customers);
/* How many of its news' objects changed in all. */
size_t apply_changed(const struct apply *apply);

/*
 * For checking: what it found to differ from what is stored, array (new
 * reference) of {"kind", "id", "is", "should_be", "facts": of what is kept to know them}.
 */
json_t *apply_differences(const struct apply *apply);

/*
 * A page of work put off (mark children, derive again what refers to
 * something that changed): 1 done into txn, 0 there is none, -1.
 */
int apply_deferred(struct store_txn *txn, const struct setup *setup, struct bh_err *err);
/* Is there any?  1, 0, -1. */
int apply_is_deferred(struct store_txn *txn, struct bh_err *err);
/* Customers whose figures change by themselves by now: *n_r were done into txn. */
int apply_due(struct store_txn *txn, const struct setup *setup, int64_t now_ms, size_t max,
    size_t *n_r, struct bh_err *err);

#endif
