/*
 * Links.  States:
 *
 *   state     | meaning                              | moves to
 *   new       | nothing stored                       | any below, by a push
 *   clean     | the CRM holds what the hash says     | itself (changed again), any below
 *   uncertain | sent, no answer                      | clean, by repeating the upsert
 *   held      | refused for good                     | clean, by a person or a new change
 *   waiting   | its parent is not in the CRM         | clean, when the parent is
 *   excluded  | the mapping's filter leaves it out   | clean, when the object passes
 *
 * Beside the state stands the dirty mark: present means "look at it again".
 * Its version is the stamp of the change that set it last.
 *
 * Keys: Lk <dest> <sync> <object> <account> <id> the link; Ly <dest> <rank>
 * <sync> <object> <account> <id> the mark; Lh as Lk, held ones; Lw <parent as
 * Lk> <rank> <object> <account> <id> a waiting child; Ln <dest> counts; Lp
 * <dest> condition of the lane.
 */
#include "base/base.h"

#include "state/link.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/proc.h"
#include "base/text.h"
#include "state/queue.h"
#include "store/key.h"

#define WAKE_MAX 5000 /* children woken by one settling: a commit holds STORE_OPS_MAX writes */

static const char *const state_names[LINK__MAX] = {"new", "clean", "uncertain", "held", "waiting",
    "excluded"};

const char *
link_state_name(enum link_state state)
{
	return state < LINK__MAX ? state_names[state] : "new";
}

static void
key_link(struct key *key, const char *family, const struct link_id *id)
{
	key_begin(key, family);
	key_text(key, id->dest);
	key_text(key, id->sync);
	key_text(key, id->object);
	key_text(key, id->account);
	key_text(key, id->id);
}

static void
key_rank(struct key *key, int rank)
{
	char text[12];

	snprintf(text, sizeof(text), "%02d", rank);
	key_text(key, text);
}

static void
key_mark(struct key *key, const struct link_id *id)
{
	key_begin(key, "Ly");
	key_text(key, id->dest);
	key_rank(key, id->rank);
	key_text(key, id->sync);
	key_text(key, id->object);
	key_text(key, id->account);
	key_text(key, id->id);
}

static void
key_lane(struct key *key, const char *family, const char *dest)
{
	key_begin(key, family);
	key_text(key, dest);
}

void
link_mark(struct store_txn *txn, const struct link_id *id)
{
	struct key key;

	key_mark(&key, id);
	store_put(txn, key.data, key.len, "", 0);
}

static bool
is_rank(struct key_reader *reader, int *rank_r)
{
	const char *text;

	if (!is_key_text(reader, &text))
		return false;
	*rank_r = atoi(text);
	return true;
}

static bool
is_mark(struct key_reader *reader, struct link_id *id)
{
	return is_key_text(reader, &id->dest) && is_rank(reader, &id->rank) &&
	       is_key_text(reader, &id->sync) && is_key_text(reader, &id->object) &&
	       is_key_text(reader, &id->account) && is_key_text(reader, &id->id);
}

static void
own_id(struct link_id *to, const struct link_id *from)
{
	*to = (struct link_id){bh_xstrdup(from->dest), from->rank, bh_xstrdup(from->sync),
	    bh_xstrdup(from->object), bh_xstrdup(from->account), bh_xstrdup(from->id)};
}

static void
free_id(struct link_id *id)
{
	free((char *)(uintptr_t)id->dest);
	free((char *)(uintptr_t)id->sync);
	free((char *)(uintptr_t)id->object);
	free((char *)(uintptr_t)id->account);
	free((char *)(uintptr_t)id->id);
}

static void
empty_list(struct link_dirty_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free_id(&list->items[i].id);
	free(list->items);
	list->items = NULL;
	list->n = 0;
}

void
link_dirty_release(struct link_dirty_list *list)
{
	empty_list(list);
	free(list->last_key);
	memset(list, 0, sizeof(*list));
}

int
link_dirty(struct store_txn *txn, const char *dest, size_t max, struct link_dirty_list *list,
    struct bh_err *err)
{
	struct store_scan scan = {.max = max, .keys_only = true};
	const struct store_entry *entries;
	struct key prefix;
	size_t n;

	key_lane(&prefix, "Ly", dest);
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	scan.from = list->last_key;
	scan.from_len = list->last_key_len;
	empty_list(list);
	if (store_scan(txn, &scan, &entries, &n, &list->more, err) < 0)
		return -1;
	list->items = bh_xcalloc(n, sizeof(list->items[0]));
	for (size_t i = 0; i < n; i++) {
		struct key_reader reader;
		struct link_id id;

		key_read(&reader, entries[i].key, entries[i].key_len, "Ly");
		if (!is_mark(&reader, &id))
			return bh_fail(err, BH_STORAGE, "a dirty mark has a broken key");
		own_id(&list->items[i].id, &id);
		list->items[i].mark = entries[i].version;
		list->n = i + 1;
	}
	if (n != 0) {
		size_t len = entries[n - 1].key_len;

		/* One NUL more is the least key behind the last one. */
		list->last_key = bh_xrealloc(list->last_key, len + 1);
		memcpy(list->last_key, entries[n - 1].key, len);
		list->last_key[len] = '\0';
		list->last_key_len = len + 1;
	}
	return 0;
}

/* -- the stored link: JSON with short names, absent members are zero -- */

static void
copy_text(char *to, size_t size, const json_t *doc, const char *name)
{
	const char *text = bh_json_str(doc, name);

	snprintf(to, size, "%s", text != NULL ? text : "");
}

static void
decode(const char *value, size_t len, uint64_t version, struct link *link)
{
	json_t *doc = json_loadb(value, len, 0, NULL);
	int64_t state = bh_json_int(doc, "s", 0);

	memset(link, 0, sizeof(*link));
	link->state = state >= 0 && state < LINK__MAX ? (enum link_state)state : LINK_NEW;
	copy_text(link->remote_id, sizeof(link->remote_id), doc, "r");
	copy_text(link->hash, sizeof(link->hash), doc, "h");
	copy_text(link->parents, sizeof(link->parents), doc, "p");
	copy_text(link->code, sizeof(link->code), doc, "e");
	copy_text(link->cause, sizeof(link->cause), doc, "c");
	copy_text(link->remedy, sizeof(link->remedy), doc, "m");
	link->pushed_ms = bh_json_int(doc, "t", 0);
	link->attempts = (int)bh_json_int(doc, "a", 0);
	link->not_before_ms = bh_json_int(doc, "n", 0);
	link->has_waiters = bh_is_json_true(doc, "w");
	link->version = version;
	json_decref(doc);
}

static void
set_text(json_t *doc, const char *name, const char *text)
{
	if (*text != '\0')
		json_object_set_new(doc, name, bh_json_string(text));
}

static void
set_number(json_t *doc, const char *name, int64_t value)
{
	if (value != 0)
		json_object_set_new(doc, name, json_integer((json_int_t)value));
}

static void
put_link(struct store_txn *txn, const struct key *key, const struct link *link)
{
	json_t *doc = json_pack("{s:i}", "s", (int)link->state);
	char *text;

	set_text(doc, "r", link->remote_id);
	set_text(doc, "h", link->hash);
	set_text(doc, "p", link->parents);
	set_text(doc, "e", link->code);
	set_text(doc, "c", link->cause);
	set_text(doc, "m", link->remedy);
	set_number(doc, "t", link->pushed_ms);
	set_number(doc, "a", link->attempts);
	set_number(doc, "n", link->not_before_ms);
	if (link->has_waiters)
		json_object_set_new(doc, "w", json_true());
	text = bh_json_text(doc);
	store_put(txn, key->data, key->len, text, strlen(text));
	free(text);
	json_decref(doc);
}

int
link_get_many(struct store_txn *txn, const struct link_id *ids, size_t n, struct link *links,
    struct bh_err *err)
{
	struct key *keys = bh_xcalloc(n, sizeof(keys[0]));
	struct store_item *items = bh_xcalloc(n, sizeof(items[0]));
	int rc;

	memset(links, 0, n * sizeof(links[0]));
	for (size_t i = 0; i < n; i++) {
		key_link(&keys[i], "Lk", &ids[i]);
		items[i] = (struct store_item){.key = keys[i].data, .key_len = keys[i].len};
	}
	rc = store_get_many(txn, items, n, err);
	for (size_t i = 0; i < n && rc == 0; i++)
		if (items[i].found)
			decode(items[i].value, items[i].value_len, items[i].version, &links[i]);
	free(items);
	free(keys);
	return rc;
}

int
link_get(struct store_txn *txn, const struct link_id *id, struct link *link, struct bh_err *err)
{
	if (link_get_many(txn, id, 1, link, err) < 0)
		return -1;
	return link->version != 0;
}

/* -- counts of a lane -- */

struct counts {
	int64_t by_state[LINK__MAX];
};

static int
read_counts(struct store_txn *txn, const char *dest, bool checked, struct counts *counts,
    struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(4096);
	struct key key;
	int rc;

	memset(counts, 0, sizeof(*counts));
	key_lane(&key, "Ln", dest);
	rc = checked ? store_get(txn, key.data, key.len, &value, err)
		     : store_peek(txn, key.data, key.len, &value, err);
	if (rc > 0) {
		json_t *doc = json_loadb(value.data, value.len, 0, NULL);

		for (int i = 0; i < LINK__MAX; i++)
			counts->by_state[i] = bh_json_int(doc, state_names[i], 0);
		json_decref(doc);
	}
	bh_buf_release(&value);
	return rc < 0 ? -1 : 0;
}

static void
put_counts(struct store_txn *txn, const char *dest, const struct counts *counts)
{
	json_t *doc = json_object();
	struct key key;
	char *text;

	for (int i = 0; i < LINK__MAX; i++)
		json_object_set_new(doc, state_names[i],
		    json_integer((json_int_t)counts->by_state[i]));
	text = bh_json_text(doc);
	key_lane(&key, "Ln", dest);
	store_put(txn, key.data, key.len, text, strlen(text));
	free(text);
	json_decref(doc);
}

/* -- settling -- */

struct settle {
	const struct link_dirty_entry *entries;
	const struct link *links;
	const bool *clear;
	size_t n;
};

/*
 * Children that waited for this record are looked at again; *left: how many
 * one commit may still wake.  1 when some are left over: the parent is marked, its next settling goes on.
 */
static int
wake_waiters(struct store_txn *txn, const struct link_id *parent, size_t *left, struct bh_err *err)
{
	struct store_scan scan = {.max = *left, .keys_only = true};
	const struct store_entry *entries;
	struct key prefix;
	size_t n;
	bool more;

	if (*left == 0) {
		link_mark(txn, parent);
		return 1;
	}
	key_link(&prefix, "Lw", parent);
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct link_id child = {.dest = parent->dest, .sync = parent->sync};
		struct key_reader reader = {entries[i].key + prefix.len,
		    entries[i].key_len - prefix.len};

		if (is_rank(&reader, &child.rank) && is_key_text(&reader, &child.object) &&
		    is_key_text(&reader, &child.account) && is_key_text(&reader, &child.id))
			link_mark(txn, &child);
		store_delete(txn, entries[i].key, entries[i].key_len);
	}
	*left -= n;
	/* The run that settles the parent may be past the children's place in the list of marks. */
	if (n != 0)
		queue_wake(txn, "push", parent->dest, bh_now_ms());
	if (more)
		link_mark(txn, parent); /* its next success wakes the rest */
	return more;
}

/* Marks first: waking a child of the same batch must not be undone by clearing its mark. */
static void
clear_mark(struct store_txn *txn, const struct settle *s, size_t i, const struct store_item *mark)
{
	if (s->clear[i] && mark->found && mark->version == s->entries[i].mark) {
		store_expect(txn, mark->key, mark->key_len, mark->version);
		store_delete(txn, mark->key, mark->key_len);
	}
}

/*
 * An earlier entry for the same link, or i: a mapping that gives an object
 * another rank leaves marks under both.
 */
static size_t
twin_of(const struct settle *s, size_t i)
{
	const struct link_id *id = &s->entries[i].id;

	for (size_t k = 0; k < i; k++) {
		const struct link_id *other = &s->entries[k].id;

		if (other->rank != id->rank && strcmp(other->id, id->id) == 0 &&
		    strcmp(other->object, id->object) == 0 && strcmp(other->sync, id->sync) == 0 &&
		    strcmp(other->account, id->account) == 0)
			return k;
	}
	return i;
}

/* Did the push leave it as it was?  One that was never stored is not stored then. */
static bool
is_same(const struct link *a, const struct link *b)
{
	return a->state == b->state && a->attempts == b->attempts && a->pushed_ms == b->pushed_ms &&
	       a->not_before_ms == b->not_before_ms && a->has_waiters == b->has_waiters &&
	       strcmp(a->remote_id, b->remote_id) == 0 && strcmp(a->hash, b->hash) == 0 &&
	       strcmp(a->parents, b->parents) == 0 && strcmp(a->code, b->code) == 0 &&
	       strcmp(a->cause, b->cause) == 0 && strcmp(a->remedy, b->remedy) == 0;
}

/* *made_r receives the link as it is stored. */
static int
settle_one(struct store_txn *txn, const struct settle *s, size_t i, const struct link *was,
    size_t *left, struct counts *counts, struct link *made_r, struct bh_err *err)
{
	const struct link_id *id = &s->entries[i].id;
	struct link link = s->links[i];
	struct key key;

	link.has_waiters = was->has_waiters || link.has_waiters;
	if (link.state == LINK_CLEAN && link.has_waiters) {
		int more = wake_waiters(txn, id, left, err);

		if (more < 0)
			return -1;
		link.has_waiters = more > 0;
	}
	*made_r = *was;
	if (is_same(&link, was))
		return 0;
	if (was->version != 0)
		counts->by_state[was->state]--;
	counts->by_state[link.state]++;
	key_link(&key, "Lh", id);
	if (link.state == LINK_HELD) {
		char rank[12];

		snprintf(rank, sizeof(rank), "%d", id->rank);
		store_put(txn, key.data, key.len, rank, strlen(rank));
	} else if (was->state == LINK_HELD) {
		store_delete(txn, key.data, key.len);
	}
	key_link(&key, "Lk", id);
	put_link(txn, &key, &link);
	link.version = UINT64_MAX; /* stored, by this commit */
	*made_r = link;
	return 0;
}

static int
settle(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct settle *s = arg;
	struct key *keys = bh_xcalloc(2 * s->n, sizeof(keys[0]));
	struct store_item *items = bh_xcalloc(2 * s->n, sizeof(items[0]));
	struct link *made = bh_xcalloc(s->n, sizeof(made[0]));
	size_t left = WAKE_MAX;
	struct counts counts;
	int rc;

	for (size_t i = 0; i < s->n; i++) {
		key_link(&keys[i], "Lk", &s->entries[i].id);
		key_mark(&keys[s->n + i], &s->entries[i].id);
	}
	for (size_t i = 0; i < 2 * s->n; i++)
		items[i] = (struct store_item){.key = keys[i].data,
		    .key_len = keys[i].len,
		    .checked = i < s->n};
	rc = store_get_many(txn, items, 2 * s->n, err);
	if (rc == 0)
		rc = read_counts(txn, s->entries[0].id.dest, true, &counts, err);
	for (size_t i = 0; i < s->n && rc == 0; i++)
		clear_mark(txn, s, i, &items[s->n + i]);
	for (size_t i = 0; i < s->n && rc == 0; i++) {
		size_t twin = twin_of(s, i);
		struct link was = made[twin];

		if (twin == i && items[i].found)
			decode(items[i].value, items[i].value_len, items[i].version, &was);
		rc = settle_one(txn, s, i, &was, &left, &counts, &made[i], err);
	}
	if (rc == 0)
		put_counts(txn, s->entries[0].id.dest, &counts);
	free(made);
	free(items);
	free(keys);
	return rc;
}

int
link_settle(struct store *store, const struct link_dirty_entry *entries, const struct link *links,
    const bool *clear, size_t n, struct bh_err *err)
{
	struct settle s = {entries, links, clear, n};

	if (n == 0)
		return 0;
	bh_fault("link-settle");
	return store_run(store, settle, &s, NULL, err) < 0 ? -1 : 0;
}

struct wait {
	const struct link_id *parent, *child;
};

static int
wait_for(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct wait *w = arg;
	struct store_item item = {.checked = true};
	struct link parent = {0};
	struct counts counts;
	struct key key;

	key_link(&key, "Lk", w->parent);
	item.key = key.data;
	item.key_len = key.len;
	if (store_get_many(txn, &item, 1, err) < 0)
		return -1;
	if (item.found)
		decode(item.value, item.value_len, item.version, &parent);
	if (parent.state == LINK_CLEAN)
		return 1;
	/* Written even when it says so already: a settling of the parent under way must run again. */
	parent.has_waiters = true;
	put_link(txn, &key, &parent);
	if (!item.found) {
		if (read_counts(txn, w->parent->dest, true, &counts, err) < 0)
			return -1;
		counts.by_state[LINK_NEW]++;
		put_counts(txn, w->parent->dest, &counts);
	}
	key_link(&key, "Lw", w->parent);
	key_rank(&key, w->child->rank);
	key_text(&key, w->child->object);
	key_text(&key, w->child->account);
	key_text(&key, w->child->id);
	store_put(txn, key.data, key.len, "", 0);
	return 0;
}

int
link_wait_for(struct store *store, const struct link_id *parent, const struct link_id *child,
    struct bh_err *err)
{
	struct wait w = {parent, child};

	return store_run(store, wait_for, &w, NULL, err);
}

/* -- lanes -- */

static int
read_condition(struct store_txn *txn, const char *dest, struct link_lane *lane, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(4096);
	struct key key;
	int rc;

	key_lane(&key, "Lp", dest);
	rc = store_peek(txn, key.data, key.len, &value, err);
	if (rc > 0) {
		json_t *doc = json_loadb(value.data, value.len, 0, NULL);

		lane->pause_until_ms = bh_json_int(doc, "pause_until", 0);
		copy_text(lane->reason, sizeof(lane->reason), doc, "reason");
		lane->last_push_ms = bh_json_int(doc, "last_push", 0);
		lane->calls = bh_json_int(doc, "calls", 0);
		lane->day_used = bh_json_int(doc, "day_used", 0);
		lane->day_limit = bh_json_int(doc, "day_limit", 0);
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
	struct counts counts;
	struct key prefix;
	bool more;

	memset(lane, 0, sizeof(*lane));
	if (read_counts(txn, dest, false, &counts, err) < 0 ||
	    read_condition(txn, dest, lane, err) < 0)
		return -1;
	lane->in_step = counts.by_state[LINK_CLEAN];
	lane->held = counts.by_state[LINK_HELD];
	lane->waiting_parent = counts.by_state[LINK_WAITING];
	lane->excluded = counts.by_state[LINK_EXCLUDED];
	key_lane(&prefix, "Ly", dest);
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	return store_scan(txn, &scan, &entries, &lane->dirty, &more, err);
}

void
link_lane_note(struct store_txn *txn, const char *dest, const struct link_lane *lane)
{
	json_t *doc = json_object();
	struct key key;
	char *text;

	set_number(doc, "pause_until", lane->pause_until_ms);
	set_text(doc, "reason", lane->reason);
	set_number(doc, "last_push", lane->last_push_ms);
	set_number(doc, "calls", lane->calls);
	set_number(doc, "day_used", lane->day_used);
	set_number(doc, "day_limit", lane->day_limit);
	text = bh_json_text(doc);
	key_lane(&key, "Lp", dest);
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

	key_lane(&prefix, "Ly", dest);
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	return n != 0;
}

static int
held_rank(const struct store_entry *entry)
{
	uint64_t rank = 0;

	return bh_is_uint(entry->value, entry->value_len, 99, &rank) ? (int)rank : 0;
}

int
link_held(struct store_txn *txn, const char *dest, size_t max, struct bh_buf *after,
    int (*each)(void *arg, const struct link_id *id, const struct link *link, struct bh_err *err),
    void *arg, bool *more_r, struct bh_err *err)
{
	struct store_scan scan = {.max = max};
	const struct store_entry *entries;
	struct key prefix;
	size_t n;

	key_lane(&prefix, "Lh", dest);
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	if (after->len != 0) {
		bh_buf_addc(after, '\0');
		scan.from = after->data;
		scan.from_len = after->len;
	}
	if (store_scan(txn, &scan, &entries, &n, more_r, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct link_id id = {0};
		struct key_reader reader;
		struct link link;

		key_read(&reader, entries[i].key, entries[i].key_len, "Lh");
		if (!is_key_text(&reader, &id.dest) || !is_key_text(&reader, &id.sync) ||
		    !is_key_text(&reader, &id.object) || !is_key_text(&reader, &id.account) ||
		    !is_key_text(&reader, &id.id))
			return bh_fail(err, BH_STORAGE, "a held link has a broken key");
		id.rank = held_rank(&entries[i]);
		if (link_get(txn, &id, &link, err) < 0 || each(arg, &id, &link, err) < 0)
			return -1;
	}
	if (n != 0) {
		bh_buf_reset(after);
		bh_buf_add(after, entries[n - 1].key, entries[n - 1].key_len);
	}
	return 0;
}

int
link_walk(struct store_txn *txn, size_t max, struct bh_buf *after,
    int (*each)(void *arg, const struct link_id *id, const struct link *link, struct bh_err *err),
    void *arg, bool *more_r, struct bh_err *err)
{
	struct store_scan scan = {.prefix = "Lk", .prefix_len = 2, .max = max};
	const struct store_entry *entries;
	size_t n;
	int rc = 0;

	if (after->len != 0) {
		bh_buf_addc(after, '\0');
		scan.from = after->data;
		scan.from_len = after->len;
	}
	if (store_scan(txn, &scan, &entries, &n, more_r, err) < 0)
		return -1;
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct link_id id = {0};
		struct key_reader reader;
		struct link link;

		key_read(&reader, entries[i].key, entries[i].key_len, "Lk");
		if (!is_key_text(&reader, &id.dest) || !is_key_text(&reader, &id.sync) ||
		    !is_key_text(&reader, &id.object) || !is_key_text(&reader, &id.account) ||
		    !is_key_text(&reader, &id.id))
			return bh_fail(err, BH_STORAGE, "a link has a broken key");
		decode(entries[i].value, entries[i].value_len, entries[i].version, &link);
		rc = each(arg, &id, &link, err);
	}
	if (n != 0) {
		bh_buf_reset(after);
		bh_buf_add(after, entries[n - 1].key, entries[n - 1].key_len);
	}
	return rc;
}

int
link_forget(struct store_txn *txn, const struct link_id *id, struct bh_err *err)
{
	struct store_item item = {.checked = true};
	struct counts counts;
	struct link link;
	struct key key;

	key_link(&key, "Lk", id);
	item.key = key.data;
	item.key_len = key.len;
	if (store_get_many(txn, &item, 1, err) < 0)
		return -1;
	if (!item.found)
		return 0;
	decode(item.value, item.value_len, item.version, &link);
	if (read_counts(txn, id->dest, true, &counts, err) < 0)
		return -1;
	counts.by_state[link.state]--;
	put_counts(txn, id->dest, &counts);
	store_delete(txn, key.data, key.len);
	key_link(&key, "Lh", id);
	store_delete(txn, key.data, key.len);
	return 1;
}
