/*
 * Links: the condition of lanes, walks over links, and what ambiguous ones may be.
 *
 * Keys: Lp <dest> condition of the lane; Lm as Lk, the candidates.  The others: link.c.
 */
#include "base/base.h"

#include "base/text.h"
#include "state/link.h"
#include "state/link_internal.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))

/* -- lanes -- */

static int
read_condition(struct store_txn *txn, const char *dest, struct link_lane *lane, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(4096);
	struct key key;
	int rc;

	link_key_lane(&key, "Lp", dest);
	rc = store_peek(txn, key.data, key.len, &value, err);
	if (rc > 0) {
		json_t *doc = json_loadb(value.data, value.len, 0, NULL);
		const char *reason = bh_json_str(doc, "reason");

		lane->pause_until_ms = bh_json_int(doc, "pause_until", 0);
		snprintf(lane->reason, sizeof(lane->reason), "%s", reason != NULL ? reason : "");
		lane->last_push_ms = bh_json_int(doc, "last_push", 0);
		lane->taken_ms = bh_json_int(doc, "taken", 0);
		lane->calls = bh_json_int(doc, "calls", 0);
		lane->day_used = bh_json_int(doc, "day_used", 0);
		lane->day_limit = bh_json_int(doc, "day_limit", 0);
		lane->day_at_ms = bh_json_int(doc, "day_at", 0);
		lane->first_used = bh_json_int(doc, "first_used", 0);
		lane->first_at_ms = bh_json_int(doc, "first_at", 0);
		lane->slice = bh_json_int(doc, "slice", 0);
		lane->looked_ms = bh_json_int(doc, "looked", 0);
		lane->tidied_ms = bh_json_int(doc, "tidied", 0);
		json_decref(doc);
	}
	bh_buf_release(&value);
	return rc < 0 ? -1 : 0;
}

int
link_lane_get(struct store_txn *txn, const char *dest, struct link_lane *lane, struct bh_err *err)
{
	struct store_scan scan = {.max = 1000, .keys_only = true};
	const struct store_entry *entries;
	struct link_tally counts;
	struct key prefix;
	bool more;
	int rc = link_counts(txn, dest, false, &counts, err);

	memset(lane, 0, sizeof(*lane));
	link_counts_release(&counts);
	if (rc < 0 || read_condition(txn, dest, lane, err) < 0)
		return -1;
	lane->in_step = counts.by_state[LINK_CLEAN];
	lane->held = counts.by_state[LINK_HELD];
	lane->waiting_parent = counts.by_state[LINK_WAITING];
	lane->excluded = counts.by_state[LINK_EXCLUDED];
	link_key_lane(&prefix, "Ly", dest);
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	return store_scan(txn, &scan, &entries, &lane->dirty, &more, err);
}

static int
count_keys(struct store_txn *txn, const struct key *prefix, size_t max, size_t *n_r,
    struct bh_err *err)
{
	struct store_scan scan = {.prefix = prefix->data,
	    .prefix_len = prefix->len,
	    .max = max,
	    .keys_only = true};
	const struct store_entry *entries;
	bool more;

	return store_scan(txn, &scan, &entries, n_r, &more, err);
}

int
link_sync_counts(struct store_txn *txn, const char *dest, const char *sync, int ranks, size_t max,
    size_t *dirty_r, size_t *held_r, struct bh_err *err)
{
	struct key prefix;
	size_t n;

	link_key_lane(&prefix, "Lh", dest);
	key_text(&prefix, sync);
	if (count_keys(txn, &prefix, max, held_r, err) < 0)
		return -1;
	*dirty_r = 0;
	for (int rank = 0; rank < ranks && *dirty_r < max; rank++) {
		char text[12];

		snprintf(text, sizeof(text), "%02d", rank);
		link_key_lane(&prefix, "Ly", dest);
		key_text(&prefix, text);
		key_text(&prefix, sync);
		if (count_keys(txn, &prefix, max - *dirty_r, &n, err) < 0)
			return -1;
		*dirty_r += n;
	}
	return 0;
}

void
link_lane_note(struct store_txn *txn, const char *dest, const struct link_lane *lane)
{
	json_t *doc = json_object();
	struct key key;
	char *text;

	link_set_number(doc, "pause_until", lane->pause_until_ms);
	if (lane->reason[0] != '\0')
		json_object_set_new(doc, "reason", bh_json_string(lane->reason));
	link_set_number(doc, "last_push", lane->last_push_ms);
	link_set_number(doc, "taken", lane->taken_ms);
	link_set_number(doc, "calls", lane->calls);
	link_set_number(doc, "day_used", lane->day_used);
	link_set_number(doc, "day_limit", lane->day_limit);
	link_set_number(doc, "day_at", lane->day_at_ms);
	link_set_number(doc, "first_used", lane->first_used);
	link_set_number(doc, "first_at", lane->first_at_ms);
	link_set_number(doc, "slice", lane->slice);
	link_set_number(doc, "looked", lane->looked_ms);
	link_set_number(doc, "tidied", lane->tidied_ms);
	text = bh_json_text(doc);
	link_key_lane(&key, "Lp", dest);
	store_put(txn, key.data, key.len, text, strlen(text));
	free(text);
	json_decref(doc);
}

int
link_lane_is_dirty(struct store_txn *txn, const char *dest, struct bh_err *err)
{
	struct store_scan scan = {.max = 1, .keys_only = true};
	const struct store_entry *entries;
	struct key prefix;
	size_t n;
	bool more;

	link_key_lane(&prefix, "Ly", dest);
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	return n != 0;
}

int64_t
link_lane_forecast(const struct link_lane *lane)
{
	int64_t passed = lane->day_at_ms - lane->first_at_ms,
		grown = lane->day_used - lane->first_used;

	if (passed < 60000 || passed > DAY_MS || grown <= 0)
		return lane->day_used;
	return lane->day_used +
	       (int64_t)((double)grown / (double)passed * (double)(DAY_MS - passed));
}

/* -- walks -- */

static bool
is_identity(struct key_reader *reader, struct link_id *id)
{
	return is_key_text(reader, &id->dest) && is_key_text(reader, &id->sync) &&
	       is_key_text(reader, &id->object) && is_key_text(reader, &id->account) &&
	       is_key_text(reader, &id->id);
}

static void
start_behind(struct store_scan *scan, struct bh_buf *after)
{
	if (after->len == 0)
		return;
	bh_buf_addc(after, '\0'); /* one NUL more is the least key behind the last one */
	scan->from = after->data;
	scan->from_len = after->len;
}

static void
remember(struct bh_buf *after, const struct store_entry *last)
{
	bh_buf_reset(after);
	bh_buf_add(after, last->key, last->key_len);
}

typedef int link_each(void *arg, const struct link_id *id, const struct link *link,
    struct bh_err *err);

/* The links that an index of a lane names. */
static int
walk_index(struct store_txn *txn, const char *family, const char *dest, size_t max,
    struct bh_buf *after, link_each *each, void *arg, bool *more_r, struct bh_err *err)
{
	struct store_scan scan = {.max = max};
	const struct store_entry *entries;
	struct key prefix;
	size_t n;

	link_key_lane(&prefix, family, dest);
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	start_behind(&scan, after);
	if (store_scan(txn, &scan, &entries, &n, more_r, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct link_id id = {0};
		struct key_reader reader;
		struct link link;
		uint64_t rank = 0;

		key_read(&reader, entries[i].key, entries[i].key_len, family);
		if (!is_identity(&reader, &id))
			return bh_fail(err, BH_STORAGE, "an index of links has a broken key");
		if (bh_is_uint(entries[i].value, entries[i].value_len, 99, &rank))
			id.rank = (int)rank;
		if (link_get(txn, &id, &link, err) < 0 || each(arg, &id, &link, err) < 0)
			return -1;
	}
	if (n != 0)
		remember(after, &entries[n - 1]);
	return 0;
}

int
link_held(struct store_txn *txn, const char *dest, size_t max, struct bh_buf *after,
    link_each *each, void *arg, bool *more_r, struct bh_err *err)
{
	return walk_index(txn, "Lh", dest, max, after, each, arg, more_r, err);
}

void
link_held_behind(struct bh_buf *after, const struct link_id *id)
{
	struct key key;

	link_key(&key, "Lh", id);
	bh_buf_reset(after);
	bh_buf_add(after, key.data, key.len);
}

int
link_unmatched(struct store_txn *txn, const char *dest, size_t max, struct bh_buf *after,
    link_each *each, void *arg, bool *more_r, struct bh_err *err)
{
	return walk_index(txn, "Lu", dest, max, after, each, arg, more_r, err);
}

int
link_waiters(struct store_txn *txn, const char *dest, size_t max, struct bh_buf *after,
    int (*each)(void *arg, const struct link_id *parent, const struct link_id *child,
	struct bh_err *err),
    void *arg, bool *more_r, struct bh_err *err)
{
	struct store_scan scan = {.max = max, .keys_only = true};
	const struct store_entry *entries;
	struct key prefix;
	size_t n;
	int rc = 0;

	link_key_lane(&prefix, "Lw", dest);
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	start_behind(&scan, after);
	if (store_scan(txn, &scan, &entries, &n, more_r, err) < 0)
		return -1;
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct link_id parent = {0}, child = {.dest = dest};
		struct key_reader reader;

		key_read(&reader, entries[i].key, entries[i].key_len, "Lw");
		if (!is_identity(&reader, &parent) || !is_link_rank(&reader, &child.rank) ||
		    !is_key_text(&reader, &child.object) || !is_key_text(&reader, &child.account) ||
		    !is_key_text(&reader, &child.id))
			return bh_fail(err, BH_STORAGE, "a waiting link has a broken key");
		child.sync = parent.sync;
		rc = each(arg, &parent, &child, err);
	}
	if (n != 0)
		remember(after, &entries[n - 1]);
	return rc;
}

static int
walk_below(struct store_txn *txn, const struct key *prefix, size_t max, struct bh_buf *after,
    link_each *each, void *arg, bool *more_r, struct bh_err *err)
{
	struct store_scan scan = {.prefix = prefix->data, .prefix_len = prefix->len, .max = max};
	const struct store_entry *entries;
	size_t n;
	int rc = 0;

	start_behind(&scan, after);
	if (store_scan(txn, &scan, &entries, &n, more_r, err) < 0)
		return -1;
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct link_id id = {0};
		struct key_reader reader;
		struct link link;

		key_read(&reader, entries[i].key, entries[i].key_len, "Lk");
		if (!is_identity(&reader, &id))
			return bh_fail(err, BH_STORAGE, "a link has a broken key");
		link_decode(entries[i].value, entries[i].value_len, entries[i].version, &link);
		rc = each(arg, &id, &link, err);
	}
	if (n != 0)
		remember(after, &entries[n - 1]);
	return rc;
}

int
link_walk(struct store_txn *txn, size_t max, struct bh_buf *after, link_each *each, void *arg,
    bool *more_r, struct bh_err *err)
{
	struct key prefix;

	key_begin(&prefix, "Lk");
	return walk_below(txn, &prefix, max, after, each, arg, more_r, err);
}

int
link_walk_sync(struct store_txn *txn, const char *dest, const char *sync, size_t max,
    struct bh_buf *after, link_each *each, void *arg, bool *more_r, struct bh_err *err)
{
	struct key prefix;

	link_key_lane(&prefix, "Lk", dest);
	key_text(&prefix, sync);
	return walk_below(txn, &prefix, max, after, each, arg, more_r, err);
}

/* -- those of one mapped object -- */

static void
key_object(struct key *key, const struct link_id *of)
{
	key_begin(key, "Lk");
	key_text(key, of->dest);
	key_text(key, of->sync);
	key_text(key, of->object);
}

int
link_mark_below(struct store_txn *txn, const struct link_id *of, size_t max, struct bh_err *err)
{
	struct store_scan scan = {.max = max, .keys_only = true};
	const struct store_entry *entries;
	struct key prefix;
	size_t n;
	bool more;

	key_object(&prefix, of);
	key_text(&prefix, of->account);
	key_raw(&prefix, of->id, strlen(of->id));
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct link_id id = {0};
		struct key_reader reader;

		key_read(&reader, entries[i].key, entries[i].key_len, "Lk");
		if (!is_identity(&reader, &id))
			return bh_fail(err, BH_STORAGE, "a link has a broken key");
		id.rank = of->rank;
		link_mark(txn, &id);
	}
	return 0;
}

/* Behind all ids of this account. */
static void
skip_account(struct key *from, const struct link_id *id)
{
	key_object(from, id);
	key_text(from, id->account);
	key_raw(from, "\xff", 1);
}

/* A page from from on; *from is where to go on.  1: there is more to look at, 0, -1. */
static int
forget_page(struct store_txn *txn, struct store_scan *scan, struct key *from, const char *before,
    size_t *n_r, struct bh_err *err)
{
	const struct store_entry *entries;
	size_t n;
	bool more;

	if (store_scan(txn, scan, &entries, &n, &more, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct link_id id = {0};
		struct key_reader reader;

		key_read(&reader, entries[i].key, entries[i].key_len, "Lk");
		if (!is_identity(&reader, &id))
			return bh_fail(err, BH_STORAGE, "a link has a broken key");
		if (strcmp(id.id, before) >= 0) {
			skip_account(from, &id);
			return 1;
		}
		if (link_forget(txn, &id, err) < 0)
			return -1;
		++*n_r;
	}
	return 0;
}

int
link_forget_before(struct store_txn *txn, const struct link_id *of, const char *before, size_t max,
    size_t *n_r, struct bh_err *err)
{
	struct store_scan scan = {.keys_only = true};
	struct key prefix, from;
	int rc = 1;

	key_object(&prefix, of);
	from = prefix;
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	for (*n_r = 0; rc > 0 && *n_r < max;) {
		scan.from = from.data;
		scan.from_len = from.len;
		scan.max = max - *n_r;
		rc = forget_page(txn, &scan, &from, before, n_r, err);
	}
	return rc < 0 ? -1 : *n_r == 0;
}

/* -- candidates -- */

void
link_candidates_put(struct store_txn *txn, const struct link_id *id, const json_t *list)
{
	char *text = bh_json_text(list);
	struct key key;

	link_key(&key, "Lm", id);
	store_put(txn, key.data, key.len, text, strlen(text));
	free(text);
}

int
link_candidates_get(struct store_txn *txn, const struct link_id *id, json_t **list_r,
    struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(1 << 20);
	struct key key;
	int rc;

	*list_r = NULL;
	link_key(&key, "Lm", id);
	rc = store_peek(txn, key.data, key.len, &value, err);
	if (rc > 0) {
		*list_r = json_loadb(value.data, value.len, 0, NULL);
		rc = *list_r != NULL;
	}
	bh_buf_release(&value);
	return rc;
}

/* -- the end of a lane -- */

int
link_drop_lane(struct store_txn *txn, const char *dest, struct bh_err *err)
{
	static const char *const families[] = {"Ly", "Lw", "Lm", "Lr", "Lb", "Lh", "Lc", "Lu", "Lk",
	    "Lg", "Ln", "Lp"};

	for (size_t i = 0; i < BH_LEN(families); i++) {
		int rc = key_drop_page(txn, families[i], dest, err);

		if (rc <= 0)
			return rc;
	}
	return 1;
}

/* Who waits for one of its records goes with it. */
static int
drop_waiting(struct store_txn *txn, const char *dest, const char *sync, size_t max, size_t *n_r,
    struct bh_err *err)
{
	struct store_scan scan = {.max = max, .keys_only = true};
	const struct store_entry *entries;
	struct key prefix;
	bool more;

	link_key_lane(&prefix, "Lw", dest);
	key_text(&prefix, sync);
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	if (store_scan(txn, &scan, &entries, n_r, &more, err) < 0)
		return -1;
	for (size_t i = 0; i < *n_r; i++)
		store_delete(txn, entries[i].key, entries[i].key_len);
	return 0;
}

int
link_drop_sync(struct store_txn *txn, const char *dest, const char *sync, size_t max,
    struct bh_err *err)
{
	struct store_scan scan = {.max = max, .keys_only = true};
	const struct store_entry *entries;
	struct key prefix;
	size_t n, waiting;
	bool more;

	link_key_lane(&prefix, "Lk", dest);
	key_text(&prefix, sync);
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	if (drop_waiting(txn, dest, sync, max, &waiting, err) < 0 ||
	    store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct link_id id = {0};
		struct key_reader reader;

		key_read(&reader, entries[i].key, entries[i].key_len, "Lk");
		if (!is_identity(&reader, &id))
			return bh_fail(err, BH_STORAGE, "a link has a broken key");
		if (link_forget(txn, &id, err) < 0)
			return -1;
	}
	return n + waiting == 0;
}
