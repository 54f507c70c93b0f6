/*
 * Deriving: keeps histories, facts and derived fields in step with the
 * working set.  Incremental: reads what changed and what that refers to.
 */
#ifndef SYNC_DERIVE_H
#define SYNC_DERIVE_H

#include "source/source.h"
#include "sync/setup.h"
#include "sync/working.h"

struct derive {
	struct store_txn *txn;
	const struct setup *setup;
	struct working *work;
	int64_t now_ms;
	/* What is referred to and not held: "what" as in a source's wants. */
	struct source_wants wants;
	/* Connection of each want; owned. */
	char **want_connections;
};

/* Read the documents of the subscriptions and customers placed so far: histories, before merging. */
int derive_read(struct derive *derive, struct bh_err *err);
/*
 * After merging: subscriptions whose history or fields changed are due, as
 * are the customers of what changed.  Reads what is needed (into the working
 * set), makes steps, facts and derived fields there.
 */
int derive_run(struct derive *derive, struct bh_err *err);
/* Put what was made into the transaction. */
void derive_store(struct derive *derive);
void derive_release(struct derive *derive);

#endif
