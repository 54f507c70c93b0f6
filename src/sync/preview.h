/*
 * A preview: what a push would do, worked out with the code of a push and
 * without its writes.  Nothing goes to the CRM, to links or to candidates; the CRM is
 * asked for its records where a push would ask.
 *
 * Of all records: a job in pages, parents first, which counts and keeps samples
 * (state/preview.h).  Fields of the CRM's records are read for the first samples only.
 * Of one: every field with its value now, the value that it would have, and why.
 */
#ifndef SYNC_PREVIEW_H
#define SYNC_PREVIEW_H

#include "state/preview.h"
#include "sync/sync.h"

enum preview_verdict {
	PREVIEW_CREATE = 0,
	PREVIEW_ADOPT,     /* a record that is there becomes the object's */
	PREVIEW_UPDATE,    /* its record is known, and would be written */
	PREVIEW_UNCHANGED, /* the same was written last */
	PREVIEW_REFUSED,   /* it cannot be mapped or matched */
	PREVIEW_CHOICE,    /* several match: a person chooses */
	PREVIEW_UNMATCHED, /* none matches, and none may be made */
	PREVIEW_WAITING,   /* its parent would not be there */
	PREVIEW_EXCLUDED,  /* the filter leaves it out */
	PREVIEW_VERDICT__MAX
};
/* "create", "adopt" ... */
const char *preview_verdict_name(enum preview_verdict verdict);

#define PREVIEW_SAMPLES 200 /* kept of each mapped object and verdict */
#define PREVIEW_DETAILS 20  /* of them with their fields */

/*
 * A sample: {"account", "id", "title", "remote_id", "why", "has_detail": bool}.
 *
 * A document: {"object", "kind", "to", "account", "id", "title", "verdict", "remote_id", "why",
 *   "remedy", "key_field", "key", "is_there": bool (there is a record), "unread": why its fields cannot be
 *   told ("" they can), "candidates": [as link_candidates_put()],
 *   "fields": [{"to", "label", "from", "as", "now", "then", "value", "state", "why"}]}
 * state: "set", "change", "clear", "same", "stays", "none" (the billing system has no value), "link".
 */

/* One run of the job. */
int preview_run(const struct sync_context *context, const char *sync, struct sync_outcome *outcome,
    struct bh_err *err);

/*
 * A digest of what a preview shows: the sync's ends, mapping (NULL: the stored one) and settings, and
 * the prefix of the connection.  1; 0 there is no such sync; -1.  Checked at commit.
 */
int preview_digest(struct store_txn *txn, const char *sync, const json_t *mapping,
    char digest[DRAFT_VERSION_LEN + 1], struct bh_err *err);
/* The same of what a preview would show now: the draft where there is one. */
int preview_digest_now(struct store_txn *txn, const char *sync, char digest[DRAFT_VERSION_LEN + 1],
    struct bh_err *err);
/*
 * Has a person seen the whole preview of exactly this: the sync as it is stored, with
 * mapping in place of its own where that is not NULL?  1, 0, -1.
 */
int preview_is_seen(struct store_txn *txn, const char *sync, const json_t *mapping,
    struct bh_err *err);

/* Forget all previews there are: they show people, one of whom is erased. */
int preview_forget(struct store *store, struct bh_err *err);

#endif
