/*
 * What of the writes of one record can be put back: pure.
 *
 *   the CRM holds now              | verdict
 *   what we wrote last             | back: what stood there before
 *   what stood there before        | same
 *   anything else                  | changed: it is a person's
 *
 * Before the writes stood what the oldest of them met; where one met something else than the one
 * before it had left, a person had changed it in between: then that is it.
 */
#ifndef SYNC_UNDO_JUDGE_H
#define SYNC_UNDO_JUDGE_H

#include "base/json.h"
#include "dest/dest.h"
#include "model/record.h"

enum undo_verdict {
	UNDO_BACK = 0,
	UNDO_SAME,
	UNDO_CHANGED,
	UNDO_UNKNOWN, /* what stood there before, or what was written, is not known */
	UNDO_UNSEEN   /* what it holds cannot be read */
};
const char *undo_verdict_name(enum undo_verdict verdict);

struct undo_field {
	const char *name; /* borrowed from the entries */
	enum record_type type;
	enum undo_verdict verdict;
	json_t *now, *back; /* borrowed; NULL not known */
};

/* The fields of a record's entries (array, oldest first; state/undo.h), each once: object by name, new reference. */
json_t *undo_names(const json_t *entries);
/*
 * One for each name, in the same order; now: what the record holds.  The caller frees the array,
 * which borrows from all of them.
 */
struct undo_field *undo_judge(const json_t *entries, const json_t *names, const json_t *now);

/* Did one of these writes make the record, for sure? */
bool is_undo_made(const json_t *entries);
/*
 * Of a record that was made: the names of its fields among those that the CRM describes, as
 * undo_names(); NULL where not all are known.
 */
json_t *undo_made_names(const json_t *entries, const struct dest_object *described);
/* Does it hold what it was given, in all of these? */
bool is_undo_untouched(const json_t *entries, const json_t *names, const json_t *now);

#endif
