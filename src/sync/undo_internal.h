/* Putting back while it runs: shared by the files that do it. */
#ifndef SYNC_UNDO_INTERNAL_H
#define SYNC_UNDO_INTERNAL_H

#include "sync/settle.h"
#include "sync/undo.h"
#include "sync/undo_judge.h"

#define UNDO_PATIENCE_MS 120000 /* so long the CRM may not answer */

struct undo_work {
	const struct sync_context *context;
	const char *code, *dest; /* of the sync; of its lane */
	struct lane *lane;
	int64_t calls; /* of the lane, that are counted in the stored state */
};

/* One record on the page. */
struct undo_record {
	struct link_id id;   /* texts owned */
	json_t *entries;     /* of the selection, oldest first; owned */
	struct link link;    /* as it stands now */
	char remote_id[64];  /* of the record that was written */
	const char *to;      /* borrowed from the entries */
	json_t *names, *now; /* what was asked for, what it holds; owned; now NULL: it is gone */
	struct undo_field *fields; /* owned; one for each name */
	size_t fields_n;
	bool is_made;      /* by one of these writes */
	bool is_untouched; /* and nobody changed it since */
	bool is_again;     /* a run before this one has put it back already */
	const char *verdict;
	char cause[240]; /* of a refusal */
	int64_t undo_ms; /* under which it is kept what is put back */
};
struct undo_page {
	struct undo_work *work;
	struct revert *revert;
	struct undo_record *records;
	size_t n, cap;
	size_t read; /* entries, of whatever record */
	struct bh_buf after;
	bool more;
	int64_t calls;
	enum revert_state state; /* as the page began */
	int64_t turn;
};

/* The next records of the selection. */
int undo_gather(struct undo_page *page, struct bh_err *err);
/* Ask the CRM what they hold, and judge. */
int undo_look_at(struct undo_page *page, struct bh_err *err);
/* Put back what can be; verdicts become what came of it. */
int undo_write_back(struct undo_page *page, struct bh_err *err);
/* Add them to the run that they are put back as, where the page is stored: each once, however often the page came. */
int undo_count_run(struct store_txn *txn, const struct undo_page *page, struct bh_err *err);

/* The next page, stored.  *is_over_r: it is not to go on (ended, stopped, begun anew). */
int undo_page(struct undo_work *work, struct revert *revert, bool *is_over_r, struct bh_err *err);

/* Of a record: is this to be put back, or to be removed? */
bool is_undo_back(const struct undo_record *record);
bool is_undo_removal(const struct undo_page *page, const struct undo_record *record);

#endif
