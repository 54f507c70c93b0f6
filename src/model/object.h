/*
 * Canonical billing objects: what every source is turned into.  Kinds and
 * fields stand in fields.def; an object is a JSON object of canonical fields.
 * Pure: no I/O, no clock.
 *
 * Values by type: TEXT, ENUM, URL, EMAIL string; DATE "YYYY-MM-DD"; TIME RFC
 * 3339 in UTC; MONEY integer in minor units of the object's "currency";
 * DECIMAL string ("0.0015"); INT integer; BOOL; JSON (items, lines, metadata,
 * address).  null = the source says empty; absent = not known.
 */
#ifndef MODEL_OBJECT_H
#define MODEL_OBJECT_H

#include "base/json.h"

enum object_kind {
	OBJECT_NONE = 0,
	OBJECT_CUSTOMER,
	OBJECT_SUBSCRIPTION,
	OBJECT_INVOICE,
	OBJECT_CREDIT_NOTE,
	OBJECT_PAYMENT,
	OBJECT_REFUND,
	OBJECT_DISPUTE,
	OBJECT_RECOVERY,
	OBJECT_PLAN,
	OBJECT_COUPON,
	OBJECT_DISCOUNT,
	OBJECT_PRODUCT,
	OBJECT_SCHEDULE,
	OBJECT_ACTION,	     /* what rules want to be done: made by Billhook */
	OBJECT_INVOICE_LINE, /* the last two are virtual */
	OBJECT_EVENT,
	OBJECT__MAX
};

enum field_type {
	FIELD_NONE = 0,
	FIELD_TEXT,
	FIELD_ENUM,
	FIELD_URL,
	FIELD_EMAIL,
	FIELD_DATE,
	FIELD_TIME,
	FIELD_MONEY,
	FIELD_DECIMAL,
	FIELD_INT,
	FIELD_BOOL,
	FIELD_JSON,
	FIELD__MAX
};

#define FIELD_DERIVED 1u /* worked out by Billhook, not sent by a source */
#define FIELD_LINK 2u    /* the id of another object of the same source (customer, subscription) */

struct object_field {
	enum object_kind kind;
	const char *name;
	enum field_type type;
	unsigned flags;
	const char *meaning; /* one phrase for the mapping page and the manual */
};

/* "customer", "subscription" ...; "none". */
const char *object_kind_name(enum object_kind kind);
/* OBJECT_NONE when the name is not known. */
enum object_kind object_kind_of(const char *name);
/*
 * A kind that only mappings know: made of something else when a record is
 * made (a line of its invoice, an event of the journal).  No source tells such
 * an object, and none is in the mirror.
 */
bool is_object_virtual(enum object_kind kind);
/* A kind that sources tell. */
bool is_object_told(enum object_kind kind);
/* All fields of all kinds, in the order of fields.def; *n_r receives their number. */
const struct object_field *object_fields(size_t *n_r);
/* NULL when the kind has no such field. */
const struct object_field *object_field(enum object_kind kind, const char *name);
/* Is it what a field of this type holds?  null is not asked about here. */
bool is_object_value(const json_t *value, enum field_type type);
/* 0, or -1 BH_INVALID naming the first field that is unknown or of a wrong type. */
int object_check(enum object_kind kind, const json_t *object, struct bh_err *err);
/* Depth in the parent order: customer and plan 0, subscription 1, invoice 2, lines, credit notes, payments 3, actions, events 4. */
int object_rank(enum object_kind kind);

/*
 * Which of two states of one object is newer: the provider's update time (or
 * the event's), then rank (terminal states win inside one instant), then tie
 * (any text that is the same for the same delivery: makes order not matter).
 */
struct object_version {
	int64_t at_ms;
	int rank;
	char tie[64];
};
int object_version_compare(const struct object_version *a, const struct object_version *b);
/* A version as text that sorts as object_version_compare() does. */
#define OBJECT_VERSION_TEXT (16 + 8 + 64 + 1)
void object_version_text(char out[OBJECT_VERSION_TEXT], const struct object_version *version);

/*
 * One piece of news about one object, as a source driver makes it.  With
 * partial, fields not present keep their value; else the object is replaced.
 */
struct object_change {
	enum object_kind kind;
	char id[256];      /* the provider's id, unique with account */
	char account[128]; /* account or mode inside the connection; "" when there is one */
	/*
	 * Another id under which the source names the same object elsewhere (LostChurn:
	 * a recovery's payment, which is all that its lists tell); equal to id where
	 * this piece of news tells no other; "" where objects have one id only.
	 * Whoever stores changes keeps both together under the id that came first.
	 */
	char alias[256];
	struct object_version version;
	bool partial;
	bool deleted; /* leaves a tombstone; fields may be the last known */
	/*
	 * When it took effect at the source, where version.at_ms is no time (0:
	 * version.at_ms is); dates the movements of revenue.
	 */
	int64_t effective_ms;
	json_t *fields; /* owned */
};
struct object_changes {
	struct object_change *items;
	size_t n, cap;
};
/* A new zeroed change at the end, borrowed until the next call; kind is not virtual. */
struct object_change *object_changes_add(struct object_changes *changes, enum object_kind kind,
    const char *id);
void object_changes_release(struct object_changes *changes);

/* What is held of one object. */
struct object_state {
	struct object_version version; /* of the newest change that it holds */
	bool deleted;
	json_t *fields; /* NULL: nothing is held */
};

/*
 * Member of an object's fields that is no field: the versions of those that
 * are older than the object's (a newer partial change left them as they
 * were), so that a change that arrives late still finds its place.  Stored
 * with the fields, never shown, mapped or pushed.
 */
#define OBJECT_OLDER "_older"

/*
 * The tie of a tombstone that a person asked for (it has no fields): unlike a
 * deletion at the source it ends with the next newer change, be it a partial one.
 */
#define OBJECT_TIE_ERASED "erased"

/*
 * Merge a change into what is held.  1 and *after (fields owned by the
 * caller) when the change is news; 0 when everything it says is older than
 * or equal to what is held (*after zeroed).
 *
 * The result depends on which changes were merged, not on their order or
 * number: each field comes from the newest change that has it, a change that
 * is not partial clears what is older and it does not have.  An object is
 * deleted when a deletion is newer than every change that is not partial.
 */
int object_merge(const struct object_state *before, const struct object_change *change,
    struct object_state *after);

#endif
