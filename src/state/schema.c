/*
 * Stored formats.  States of a store: empty -> stamped with SCHEMA_VERSION;
 * older -> each step of `steps` in turn, in one transaction or more a step;
 * newer -> refused.
 *
 *   1  mirror, journal, links
 *   2  beside them what is worked out of the mirror (derived.h)
 *   3  and lists: of customers (roster.h), of what is held by cause (cause.h),
 *      of events that failed; links counted by mapped object (link_count.c)
 *
 * Keys: Vs; Vn how far a step has come that takes more than one transaction.
 */
#include "base/base.h"

#include "state/schema.h"

#include "base/log.h"
#include "base/proc.h"
#include "base/text.h"
#include "state/account.h"
#include "state/cause.h"
#include "state/derived.h"
#include "state/journal.h"
#include "state/link.h"

/*
 * Nothing was worked out by then: all customers of all sources are put off to
 * the job that does.  Histories of subscriptions begin with their present state.
 */
static int
from_1(struct store_txn *txn, struct bh_err *err)
{
	json_t *codes = NULL, *code;
	size_t i;
	int rc = account_connections(txn, &codes, err);

	json_array_foreach (codes, i, code) {
		struct account_connection connection;

		if (rc < 0)
			break;
		rc = account_connection_load(txn, NULL, json_string_value(code), &connection, err);
		if (rc <= 0)
			continue;
		if (connection.is_source)
			derived_defer(txn,
			    &(struct mirror_id){connection.code, "", OBJECT_CUSTOMER, ""}, NULL);
		account_connection_release(&connection);
	}
	json_decref(codes);
	return rc < 0 ? -1 : 0;
}

#define EVENTS_PAGE 5000

/* Where a step is: the letter of its part, and what that part goes on from. */
static void
stand(struct bh_buf *at, char part, const void *from, size_t len)
{
	bh_buf_reset(at);
	bh_buf_addc(at, part);
	bh_buf_add(at, from, len);
}

/* A page of the links: they are counted by mapped object. */
static int
count_links(struct store_txn *txn, struct bh_buf *at, struct bh_err *err)
{
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	static const unsigned char first[8] = {0};
	int rc;

	bh_buf_add(&after, at->data + 1, at->len - 1);
	rc = link_take_in(txn, &after, err);
	if (rc > 0)
		stand(at, 'K', after.data, after.len);
	else if (rc == 0)
		stand(at, 'J', first, sizeof(first));
	bh_buf_release(&after);
	return rc;
}

/* A page of events: those that failed are listed.  1 there are more, 0, -1. */
static int
find_failed(struct store_txn *txn, struct bh_buf *at, struct bh_err *err)
{
	uint64_t after = bh_get_be64((unsigned char *)at->data + 1);
	unsigned char stamp[8];
	int rc = journal_find_failed(txn, &after, EVENTS_PAGE, err);

	bh_put_be64(stamp, after);
	stand(at, 'J', stamp, sizeof(stamp));
	return rc;
}

/*
 * What is held, then all links, then what failed, page by page; where it is
 * stands in Vn: a key of held links ("Lh..."), "K" and a key of links, or "J" and a
 * stamp.  The list of customers is made where they are derived anew, as from_1() has it done.
 */
static int
from_2(struct store_txn *txn, struct bh_err *err)
{
	struct bh_buf at = BH_BUF_INIT(STORE_KEY_MAX + 2);
	int rc = store_get(txn, "Vn", 2, &at, err);
	char part = at.len != 0 ? at.data[0] : 'L';

	if (rc >= 0 && part == 'L') {
		rc = cause_take_in(txn, &at, err);
		if (rc == 0)
			stand(&at, 'K', "", 0);
	} else if (rc >= 0 && part == 'K') {
		rc = count_links(txn, &at, err);
	} else if (rc >= 0) {
		rc = find_failed(txn, &at, err);
		if (rc == 0) {
			store_delete(txn, "Vn", 2);
			bh_buf_release(&at);
			return from_1(txn, err);
		}
	}
	if (rc >= 0)
		store_put(txn, "Vn", 2, at.data, at.len);
	bh_buf_release(&at);
	return rc < 0 ? -1 : 1;
}

/* steps[n] makes n + 1 of n: 0 done, 1 there is more to do, -1. */
static int (*const steps[SCHEMA_VERSION])(struct store_txn *txn, struct bh_err *err) = {
    [1] = from_1,
    [2] = from_2,
};

static int
read_version(struct store_txn *txn, bool checked, uint64_t *version_r, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(64);
	int rc =
	    checked ? store_get(txn, "Vs", 2, &value, err) : store_peek(txn, "Vs", 2, &value, err);

	*version_r = 0;
	if (rc > 0 &&
	    (!bh_is_uint(bh_buf_str(&value), value.len, UINT32_MAX, version_r) || *version_r == 0))
		rc = bh_fail(err, BH_STORAGE, "the store's format version cannot be read");
	bh_buf_release(&value);
	return rc;
}

static int
refuse_newer(uint64_t version, struct bh_err *err)
{
	return bh_fail(err, BH_INVALID,
	    "the store has format %llu, this Billhook reads %d: install the newer Billhook again",
	    (unsigned long long)version, SCHEMA_VERSION);
}

int
schema_look(struct store_txn *txn, struct bh_err *err)
{
	uint64_t version;

	if (read_version(txn, false, &version, err) < 0)
		return -1;
	if (version > SCHEMA_VERSION)
		return refuse_newer(version, err);
	return version == SCHEMA_VERSION;
}

int
schema_import(struct store_txn *txn, const void *content, size_t len, struct bh_err *err)
{
	if (schema_look(txn, err) < 0) {
		if (err->code == BH_INVALID)
			err->code = BH_UNAVAILABLE;
		return -1;
	}
	return journal_import(txn, content, len, err);
}

/* One step: 0 to be committed, 1 there is nothing to do, -1. */
static int
step(struct store_txn *txn, void *arg BH_UNUSED, struct bh_err *err)
{
	uint64_t version;
	char text[24];
	int rc = read_version(txn, true, &version, err);

	if (rc < 0)
		return -1;
	if (version == SCHEMA_VERSION)
		return 1;
	if (version > SCHEMA_VERSION)
		return refuse_newer(version, err);
	if (rc > 0) {
		int more = steps[version](txn, err);

		if (more != 0)
			return more < 0 ? -1 : 0;
	}
	/* An empty store has nothing to be brought up. */
	snprintf(text, sizeof(text), "%d", rc > 0 ? (int)version + 1 : SCHEMA_VERSION);
	store_put(txn, "Vs", 2, text, strlen(text));
	if (rc > 0)
		bh_log(BH_INFO, "the store's format %d is brought up to %s", (int)version, text);
	return 0;
}

int
schema_check(struct store *store, struct bh_err *err)
{
	int rc;

	do {
		rc = store_run(store, step, NULL, NULL, err);
		if (rc == 0 && bh_fault("schema-step"))
			rc = bh_fail(err, BH_UNAVAILABLE, "stopped while the store is brought up");
	} while (rc == 0);
	return rc < 0 ? -1 : 0;
}

int
schema_is_set(struct store_txn *txn, struct bh_err *err)
{
	return store_peek(txn, "Vs", 2, NULL, err);
}
