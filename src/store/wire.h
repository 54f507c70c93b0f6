/*
 * What client and keeper say to each other, and the form in which every
 * engine takes a request and gives a result.
 *
 * A frame is a 32-bit big-endian length and a payload: protocol version, type,
 * body.  A connection carries one request at a time and its reply; a
 * connection that asked for watches carries only wake-ups from then on.
 * Numbers are big-endian; "text" below is a length (16 bits for keys, 32 for
 * values) and the bytes.
 *
 *   get     n(32) { key }                     -> n(32) { found(8) version(64) value NUL }
 *   scan    flags(8) max(32) prefix from      -> more(8) n(32) { key version(64) value NUL }
 *   commit  id(16 bytes) first_sent(64) floor(64) checks_n(32) ops_n(32) checks_len(32)
 *           { key version(64) } { kind(8) key suffix value }   -> stamp(64)
 *   watch   prefix                            -> no reply; wake-ups follow, the first at once
 *   ping                                      -> nothing
 *   stats                                     -> JSON text
 *   backup  path                              -> nothing
 *
 * A get may be answered for fewer keys than were asked (never none): the
 * answer is bounded; the rest is asked again.
 */
#ifndef STORE_WIRE_H
#define STORE_WIRE_H

#include "store/store.h"

#define WIRE_VERSION 1
#define WIRE_FRAME_MAX (STORE_COMMIT_MAX + (1u << 20)) /* bytes in a payload */
#define WIRE_ANSWER_STOP (24u << 20) /* an answer of this size takes no further value */
#define WIRE_PAGE_STOP (4u << 20)    /* the same for a scan */
#define WIRE_KEYS_MAX 100000         /* keys in one get, entries in one scan */
#define WIRE_CHECKS_MAX 100000       /* in one commit */
#define WIRE_ID_LEN 16
#define WIRE_PATH_MAX 4096
#define WIRE_HEAD_LEN 2 /* version and type */
#define WIRE_COMMIT_HEAD_LEN (WIRE_HEAD_LEN + WIRE_ID_LEN + 8 + 8 + 4 + 4 + 4)
#define WIRE_FIRST_SENT_AT (WIRE_HEAD_LEN + WIRE_ID_LEN) /* offset in a commit's payload */

/* Keys that begin with this byte are the store's own: no caller sees or writes them. */
#define WIRE_OWN_KEYS '\0'

enum wire_type {
	WIRE_NONE = 0,
	WIRE_GET = 'g',
	WIRE_SCAN = 's',
	WIRE_COMMIT = 'c',
	WIRE_WATCH = 'w',
	WIRE_PING = 'p',
	WIRE_STATS = 't',
	WIRE_BACKUP = 'b',
	/* from the keeper */
	WIRE_OK = 'o',
	WIRE_ERROR = 'e',
	WIRE_WAKE = '!',
};

/* Bytes borrowed from a message. */
struct wire_slice {
	const char *data;
	size_t len;
};

struct wire_get {
	uint32_t n;
	struct wire_slice keys; /* for wire_next_key() */
};

struct wire_scan {
	struct wire_slice prefix;
	struct wire_slice from;
	bool has_from;
	bool reverse;
	bool keys_only;
	uint32_t max;
};

enum wire_op_kind {
	WIRE_PUT = 1,
	WIRE_DELETE,
	WIRE_APPEND,
	WIRE_PUT_STAMPED,
	WIRE_OP__MAX
};

struct wire_op {
	enum wire_op_kind kind;
	struct wire_slice key;
	struct wire_slice suffix; /* of an append */
	struct wire_slice value;
};

struct wire_check {
	struct wire_slice key;
	uint64_t version; /* 0: must be absent */
};

struct wire_commit {
	unsigned char id[WIRE_ID_LEN];
	/* bh_mono_ms() of the first attempt when this is a further one; else 0.  One host: one such clock. */
	int64_t first_sent_ms;
	uint64_t floor; /* this commit's stamp must be above it; 0 but for store_load() */
	uint32_t checks_n;
	uint32_t ops_n;
	struct wire_slice checks; /* for wire_next_check() */
	struct wire_slice ops;    /* for wire_next_op() */
};

struct wire_request {
	enum wire_type type;
	union {
		struct wire_get get;
		struct wire_scan scan;
		struct wire_commit commit;
		struct wire_slice prefix; /* watch */
		struct wire_slice path;   /* backup */
	};
};

struct wire_value {
	bool is_found;
	uint64_t version;
	struct wire_slice value; /* a NUL stands behind it */
};

struct wire_entry {
	struct wire_slice key;
	uint64_t version;
	struct wire_slice value; /* a NUL stands behind it */
};

/* A key that a caller may use: 1 to STORE_KEY_MAX bytes, not one of the store's own. */
bool is_wire_key(const void *key, size_t len);

/*
 * Read one payload of any origin.  0: every list in it was walked, so the
 * wire_next_ functions below cannot meet broken bytes.  -1 BH_INVALID.
 * The request borrows from data.
 */
int wire_decode(struct wire_request *request, const void *data, size_t len, struct bh_err *err);

/* Take the next element off the front of *left; false when it is empty (or broken: see wire_decode). */
bool is_wire_next_key(struct wire_slice *left, struct wire_slice *key_r);
bool is_wire_next_check(struct wire_slice *left, struct wire_check *check_r);
bool is_wire_next_op(struct wire_slice *left, struct wire_op *op_r);

/* -- making requests -- */

void wire_add_head(struct bh_buf *out, enum wire_type type);
void wire_add_u32(struct bh_buf *out, uint32_t value);
void wire_add_u64(struct bh_buf *out, uint64_t value);
void wire_add_key(struct bh_buf *out, const void *key, size_t len);
void wire_add_check(struct bh_buf *out, const void *key, size_t len, uint64_t version);
void wire_add_op(struct bh_buf *out, const struct wire_op *op);
void wire_add_scan(struct bh_buf *out, const struct wire_scan *scan);
/* Everything of a commit's payload that stands before its checks. */
void wire_add_commit_head(struct bh_buf *out, const struct wire_commit *commit);

/* -- making answers -- */

void wire_add_value(struct bh_buf *out, const struct wire_value *value);
void wire_add_entry(struct bh_buf *out, const struct wire_entry *entry);
void wire_add_error(struct bh_buf *out, const struct bh_err *err);

/* -- reading answers: our own keeper's, but checked all the same -- */

/* The body of an answer.  0 and what follows version and type in *body_r; -1 with the error the keeper sent, or BH_UNAVAILABLE. */
int wire_decode_answer(const void *data, size_t len, struct wire_slice *body_r, struct bh_err *err);
/* Take one number off the front; false when it is too short. */
bool is_wire_u8(struct wire_slice *left, uint8_t *value_r);
bool is_wire_u32(struct wire_slice *left, uint32_t *value_r);
bool is_wire_u64(struct wire_slice *left, uint64_t *value_r);
bool is_wire_value(struct wire_slice *left, struct wire_value *value_r);
bool is_wire_entry(struct wire_slice *left, struct wire_entry *entry_r);

#endif
