/*
 * Previews: what a sync would do, as far as it has been worked out.  One for
 * each sync; beside it the last single object that somebody looked at.
 *
 *   state   | meaning                              | moves to
 *   none    | never begun                          | running
 *   running | pages are looked at, or about to be  | done, stopped, failed
 *   stopped | a person stopped it                  | running, from where it stood or anew
 *   failed  | it could not go on; says why         | running, from where it stood or anew
 *   done    | ended                                | running, anew
 *
 * What is kept is bounded: totals, and for each mapped object and verdict a
 * list of samples.  What a run has to remember on its way (marks) grows with the
 * number of parents that are missing and of records that would be adopted; it goes when the run ends.
 */
#ifndef STATE_PREVIEW_H
#define STATE_PREVIEW_H

#include "state/draft.h"

enum preview_state {
	PREVIEW_NONE = 0,
	PREVIEW_RUNNING,
	PREVIEW_STOPPED,
	PREVIEW_FAILED,
	PREVIEW_DONE,
	PREVIEW__MAX
};
const char *preview_state_name(enum preview_state state);

struct preview {
	enum preview_state state;
	int64_t run;      /* which one it is: each beginning has a number of its own */
	bool is_clearing; /* what is there of an older one goes first */
	bool is_draft;    /* it shows a mapping that is not in use */
	char digest[DRAFT_VERSION_LEN + 1]; /* of what it shows; "" not known yet */
	int64_t started_ms, ended_ms;
	int64_t turned_ms,
	    turned_done;        /* when it was last set going, and done by then: for the rate */
	int64_t done, total;    /* objects; total 0: not counted yet */
	int64_t calls;          /* of the CRM's API */
	int64_t waits_until_ms; /* the CRM's limits ask for a pause; 0 */
	int64_t failing_ms;     /* since when the CRM does not answer; 0: it does */
	int64_t seen_ms;        /* when somebody saw it whole; 0 */
	size_t place;           /* of the mapped object that is looked at */
	struct bh_buf after;    /* behind which key of it to go on */
	char note[240];         /* why it failed or waits */
	/* Array of {"name", "from", "to", "counts": {verdict: n}, "rules": {rule: n}}; NULL: none yet. */
	json_t *objects;
};
#define PREVIEW_INIT                                                                               \
	{                                                                                          \
		.after = BH_BUF_INIT(STORE_KEY_MAX + 1)                                            \
	}
void preview_release(struct preview *preview);

/* 1, 0 none (all zero), -1.  Checked at commit.  preview is initialised; what it held goes. */
int preview_load(struct store_txn *txn, const char *sync, struct preview *preview,
    struct bh_err *err);
void preview_save(struct store_txn *txn, const char *sync, const struct preview *preview);

/* A person's buttons; each wakes the job.  -1 BH_INVALID where the state does not fit. */
int preview_begin(struct store_txn *txn, const char *sync, int64_t now_ms, struct bh_err *err);
int preview_stop(struct store_txn *txn, const char *sync, struct bh_err *err);
int preview_go_on(struct store_txn *txn, const char *sync, int64_t now_ms, struct bh_err *err);
/* A finished one was looked at by a person.  1: nothing to commit. */
int preview_see(struct store_txn *txn, const char *sync, int64_t now_ms, struct bh_err *err);

/* A document about one object, as sync/preview.h makes it. */
struct preview_object {
	const char *object; /* name of the mapped object */
	const char *account, *id;
};
/* Samples of one mapped object and verdict: array (new reference): 1, 0, -1. */
int preview_samples(struct store_txn *txn, const char *sync, const char *object,
    const char *verdict, json_t **list_r, struct bh_err *err);
void preview_samples_save(struct store_txn *txn, const char *sync, const char *object,
    const char *verdict, const json_t *list);
/* A sample's document (new reference): 1, 0, -1. */
int preview_detail(struct store_txn *txn, const char *sync, const struct preview_object *of,
    json_t **doc_r, struct bh_err *err);
void preview_detail_save(struct store_txn *txn, const char *sync, const struct preview_object *of,
    const json_t *doc);

/* Marks: what a run remembers on its way.  kind is a letter; value "" for a bare mark. */
void preview_mark(struct store_txn *txn, const char *sync, const char *kind,
    const struct preview_object *of, const char *value);
/* 1 with value appended to out (may be NULL), 0, -1.  Unchecked. */
int preview_marked(struct store_txn *txn, const char *sync, const char *kind,
    const struct preview_object *of, struct bh_buf *out, struct bh_err *err);

/*
 * The single object that somebody asked for last: {"open": bool, "kind", "account", "id",
 * "asked": ms, "done": ms, "error": text, "parts": [documents]} (new reference): 1, 0, -1.
 */
int preview_asked(struct store_txn *txn, const char *sync, json_t **ask_r, struct bh_err *err);
void preview_asked_save(struct store_txn *txn, const char *sync, const json_t *ask);
/* Ask for it; wakes the job. */
void preview_ask(struct store_txn *txn, const char *sync, const char *kind, const char *account,
    const char *id, int64_t now_ms);

/* Forget a page: marks; all that is kept beside the state and the object asked for; all.  As key_drop_page(). */
int preview_drop_marks(struct store_txn *txn, const char *sync, struct bh_err *err);
int preview_drop_results(struct store_txn *txn, const char *sync, struct bh_err *err);
int preview_drop(struct store_txn *txn, const char *sync, struct bh_err *err);
/* Codes of syncs of which something is kept: array of texts (new reference). */
int preview_syncs(struct store_txn *txn, json_t **codes_r, struct bh_err *err);

/* The job; its arg is the sync. */
#define PREVIEW_JOB "preview"

#endif
