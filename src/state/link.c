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
 * Lk> <rank> <object> <account> <id> a waiting child; Lu as Lk, without a
 * match.  Ln: link_count.c; Lm and Lp: link_lane.c; Lg and Lc: cause.c.
 * Links whose values were put back: link_undo.c.
 */
#include "base/base.h"

#include "state/link.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/proc.h"
#include "base/text.h"
#include "state/cause.h"
#include "state/link_internal.h"
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

void
link_key(struct key *key, const char *family, const struct link_id *id)
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

void
link_key_lane(struct key *key, const char *family, const char *dest)
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

bool
is_link_rank(struct key_reader *reader, int *rank_r)
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
	return is_key_text(reader, &id->dest) && is_link_rank(reader, &id->rank) &&
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

/* The place where the next page starts: a key and one byte more. */
static void
go_on_from(struct link_dirty_list *list, const void *key, size_t len, char more)
{
	list->last_key = bh_xrealloc(list->last_key, len + 1);
	memcpy(list->last_key, key, len);
	list->last_key[len] = more;
	list->last_key_len = len + 1;
}

int
link_dirty(struct store_txn *txn, const char *dest, size_t max, struct link_dirty_list *list,
    struct bh_err *err)
{
	struct store_scan scan = {.max = max, .keys_only = true};
	const struct store_entry *entries;
	struct key prefix;
	size_t n;

	link_key_lane(&prefix, "Ly", dest);
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
	/* One NUL more is the least key behind the last one. */
	if (n != 0)
		go_on_from(list, entries[n - 1].key, entries[n - 1].key_len, '\0');
	return 0;
}

void
link_dirty_cut(struct link_dirty_list *list, size_t n)
{
	struct key key;

	key_mark(&key, &list->items[n - 1].id);
	go_on_from(list, key.data, key.len, '\0');
	list->more = list->more || n < list->n;
	while (list->n > n)
		free_id(&list->items[--list->n].id);
}

void
link_dirty_skip_sync(struct link_dirty_list *list)
{
	const struct link_id *last = &list->items[list->n - 1].id;
	struct key key;

	key_begin(&key, "Ly");
	key_text(&key, last->dest);
	key_rank(&key, last->rank);
	key_text(&key, last->sync);
	go_on_from(list, key.data, key.len, '\xff');
}

/* -- what became of it -- */

void
link_note(struct link *link, enum link_what what, int64_t at_ms)
{
	bool is_written = what == LINK_CREATED || what == LINK_WRITTEN || what == LINK_CHOSEN;
	struct link_step step = {at_ms, what, ""};

	if (!is_written)
		snprintf(step.code, sizeof(step.code), "%.47s", link->code);
	if (!is_written && link->past[0].what == what && strcmp(link->past[0].code, step.code) == 0)
		return;
	memmove(&link->past[1], &link->past[0], (LINK_PAST_MAX - 1) * sizeof(link->past[0]));
	link->past[0] = step;
}

/* Each "<ms><letter><code>;". */
static void
put_past(json_t *doc, const struct link *link)
{
	struct bh_buf text = BH_BUF_INIT(LINK_PAST_MAX * 80);

	for (size_t i = 0; i < LINK_PAST_MAX && link->past[i].what != LINK_NOTHING; i++)
		bh_buf_addf(&text, "%lld%c%s;", (long long)link->past[i].at_ms,
		    (char)link->past[i].what, link->past[i].code);
	if (text.len != 0)
		json_object_set_new(doc, "z", bh_json_string(bh_buf_str(&text)));
	bh_buf_release(&text);
}

static void
read_past(struct link *link, const json_t *doc)
{
	const char *at = bh_json_str(doc, "z");

	for (size_t i = 0; at != NULL && *at != '\0' && i < LINK_PAST_MAX; i++) {
		size_t digits = strspn(at, "0123456789"), len = strcspn(at, ";");
		int64_t at_ms;

		if (digits == len || !bh_is_int(at, digits, &at_ms))
			return;
		link->past[i].at_ms = at_ms;
		link->past[i].what = (enum link_what)at[digits];
		snprintf(link->past[i].code, sizeof(link->past[i].code), "%.*s",
		    (int)(len - digits - 1), at + digits + 1);
		at += len + (at[len] == ';');
	}
}

/* -- the stored link: JSON with short names, absent members are zero -- */

void
link_decode(const char *value, size_t len, uint64_t version, struct link *link)
{
	json_t *doc = json_loadb(value, len, 0, NULL);
	int64_t state = bh_json_int(doc, "s", 0);

	memset(link, 0, sizeof(*link));
	link->state = state >= 0 && state < LINK__MAX ? (enum link_state)state : LINK_NEW;
	bh_json_copy(link->remote_id, sizeof(link->remote_id), doc, "r");
	bh_json_copy(link->hash, sizeof(link->hash), doc, "h");
	bh_json_copy(link->parents, sizeof(link->parents), doc, "p");
	bh_json_copy(link->tied, sizeof(link->tied), doc, "l");
	bh_json_copy(link->code, sizeof(link->code), doc, "e");
	bh_json_copy(link->cause, sizeof(link->cause), doc, "c");
	bh_json_copy(link->remedy, sizeof(link->remedy), doc, "m");
	bh_json_copy(link->said, sizeof(link->said), doc, "o");
	bh_json_copy(link->how, sizeof(link->how), doc, "x");
	bh_json_copy(link->kept, sizeof(link->kept), doc, "k");
	link->pushed_ms = bh_json_int(doc, "t", 0);
	link->attempts = (int)bh_json_int(doc, "a", 0);
	link->not_before_ms = bh_json_int(doc, "n", 0);
	link->has_waiters = bh_is_json_true(doc, "w");
	link->is_replaced = bh_is_json_true(doc, "b");
	link->undone = bh_json_int(doc, "u", 0);
	read_past(link, doc);
	link->version = version;
	json_decref(doc);
}

static void
set_text(json_t *doc, const char *name, const char *text)
{
	if (*text != '\0')
		json_object_set_new(doc, name, bh_json_string(text));
}

void
link_set_number(json_t *doc, const char *name, int64_t value)
{
	if (value != 0)
		json_object_set_new(doc, name, json_integer((json_int_t)value));
}

void
link_put(struct store_txn *txn, const struct key *key, const struct link *link)
{
	json_t *doc = json_pack("{s:i}", "s", (int)link->state);
	char *text;

	set_text(doc, "r", link->remote_id);
	set_text(doc, "h", link->hash);
	set_text(doc, "p", link->parents);
	set_text(doc, "l", link->tied);
	set_text(doc, "e", link->code);
	set_text(doc, "c", link->cause);
	set_text(doc, "m", link->remedy);
	set_text(doc, "o", link->said);
	set_text(doc, "x", link->how);
	set_text(doc, "k", link->kept);
	put_past(doc, link);
	link_set_number(doc, "t", link->pushed_ms);
	link_set_number(doc, "a", link->attempts);
	link_set_number(doc, "n", link->not_before_ms);
	link_set_number(doc, "u", link->undone);
	if (link->has_waiters)
		json_object_set_new(doc, "w", json_true());
	if (link->is_replaced)
		json_object_set_new(doc, "b", json_true());
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
		link_key(&keys[i], "Lk", &ids[i]);
		items[i] = (struct store_item){.key = keys[i].data, .key_len = keys[i].len};
	}
	rc = store_get_many(txn, items, n, err);
	for (size_t i = 0; i < n && rc == 0; i++)
		if (items[i].found)
			link_decode(items[i].value, items[i].value_len, items[i].version,
			    &links[i]);
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

int
link_marked_many(struct store_txn *txn, const struct link_id *ids, size_t n, bool *marked,
    struct bh_err *err)
{
	struct key *keys = bh_xcalloc(n, sizeof(keys[0]));
	struct store_item *items = bh_xcalloc(n, sizeof(items[0]));
	int rc;

	for (size_t i = 0; i < n; i++) {
		key_mark(&keys[i], &ids[i]);
		items[i] = (struct store_item){.key = keys[i].data, .key_len = keys[i].len};
	}
	rc = store_get_many(txn, items, n, err);
	for (size_t i = 0; i < n; i++)
		marked[i] = rc == 0 && items[i].found;
	free(items);
	free(keys);
	return rc;
}

/* -- settling -- */

struct settle {
	const struct link_dirty_entry *entries;
	const struct link *links; /* NULL: only kept changes, and no mark is cleared */
	const bool *clear;
	size_t n;
	const char *const *kept;
	const struct store_item *marks; /* as they stand now */
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
	link_key(&prefix, "Lw", parent);
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct link_id child = {.dest = parent->dest, .sync = parent->sync};
		struct key_reader reader = {entries[i].key + prefix.len,
		    entries[i].key_len - prefix.len};

		if (is_link_rank(&reader, &child.rank) && is_key_text(&reader, &child.object) &&
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

static bool
is_marked_since(const struct settle *s, size_t i)
{
	return !s->marks[i].found || s->marks[i].version != s->entries[i].mark;
}

/* Marks first: waking a child of the same batch must not be undone by clearing its mark. */
static void
clear_mark(struct store_txn *txn, const struct settle *s, size_t i)
{
	const struct store_item *mark = &s->marks[i];

	if (s->clear != NULL && s->clear[i] && !is_marked_since(s, i)) {
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
	       a->is_replaced == b->is_replaced && a->undone == b->undone &&
	       strcmp(a->remote_id, b->remote_id) == 0 &&
	       strcmp(a->hash, b->hash) == 0 && strcmp(a->parents, b->parents) == 0 &&
	       strcmp(a->code, b->code) == 0 && strcmp(a->cause, b->cause) == 0 &&
	       strcmp(a->remedy, b->remedy) == 0 && strcmp(a->how, b->how) == 0 &&
	       strcmp(a->kept, b->kept) == 0 && strcmp(a->tied, b->tied) == 0 &&
	       strcmp(a->said, b->said) == 0 && a->past[0].at_ms == b->past[0].at_ms &&
	       a->past[0].what == b->past[0].what;
}

static bool
is_unmatched(const struct link *link)
{
	return link->state == LINK_EXCLUDED && strcmp(link->code, LINK_NO_MATCH) == 0;
}

/* The index of links in a state, with their rank. */
static void
index_link(struct store_txn *txn, const char *family, const struct link_id *id, bool is_in,
    bool was_in)
{
	struct key key;
	char rank[12];

	link_key(&key, family, id);
	snprintf(rank, sizeof(rank), "%d", id->rank);
	if (is_in)
		store_put(txn, key.data, key.len, rank, strlen(rank));
	else if (was_in)
		store_delete(txn, key.data, key.len);
}

/* Has a person said which record it is (link_adopt()), and nobody pushed since? */
static bool
is_chosen(const struct link *link)
{
	return link->state == LINK_NEW && link->how[0] != '\0';
}

/*
 * Has anybody beside the push written the link after it was read?  Who does so marks it,
 * too: what the push itself wrote since (link_mean(), link_wait_for()) did not.
 */
static bool
is_touched_since(const struct settle *s, size_t i, const struct link *stored)
{
	return s->links != NULL && stored->version != s->links[i].version &&
	       stored->version != UINT64_MAX && is_marked_since(s, i);
}

/* link_renew() came between: it stays to be sent. */
static bool
is_renewed(const struct link *link)
{
	return link->state == LINK_CLEAN && link->hash[0] == '\0';
}

/* *made_r receives the link as it is stored. */
static int
settle_one(struct store_txn *txn, const struct settle *s, size_t i, const struct link *was,
    size_t *left, struct link_tally *counts, struct link *made_r, struct bh_err *err)
{
	const struct link_id *id = &s->entries[i].id;
	struct link link = s->links != NULL ? s->links[i] : *was;
	struct key key;

	*made_r = *was;
	if (s->links == NULL)
		snprintf(link.kept, sizeof(link.kept), "%s", s->kept[i]);
	if (is_chosen(was) && (s->links == NULL || is_touched_since(s, i, was)))
		return 0;
	link.has_waiters = was->has_waiters || link.has_waiters;
	if (is_renewed(was) && is_touched_since(s, i, was))
		link.hash[0] = link.parents[0] = '\0';
	if (link.state == LINK_CLEAN && link.has_waiters) {
		int more = wake_waiters(txn, id, left, err);

		if (more < 0)
			return -1;
		link.has_waiters = more > 0;
	}
	if (is_same(&link, was))
		return 0;
	if (was->version != 0)
		link_count(counts, id, was->state, -1);
	link_count(counts, id, link.state, 1);
	index_link(txn, "Lh", id, link.state == LINK_HELD, was->state == LINK_HELD);
	index_link(txn, "Lu", id, is_unmatched(&link), is_unmatched(was));
	if (cause_move(txn, id, was, &link, err) < 0)
		return -1;
	if (strcmp(was->code, LINK_AMBIGUOUS) == 0 && strcmp(link.code, LINK_AMBIGUOUS) != 0) {
		link_key(&key, "Lm", id);
		store_delete(txn, key.data, key.len);
	}
	link_key(&key, "Lk", id);
	link_put(txn, &key, &link);
	link.version = UINT64_MAX; /* stored, by this commit */
	*made_r = link;
	return 0;
}

static int
settle(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct settle *s = arg;
	struct key *keys = bh_xcalloc(2 * s->n, sizeof(keys[0]));
	struct store_item *items = bh_xcalloc(2 * s->n, sizeof(items[0]));
	struct link *made = bh_xcalloc(s->n, sizeof(made[0]));
	size_t left = WAKE_MAX;
	struct link_tally counts = {.objects = NULL};
	int rc;

	for (size_t i = 0; i < s->n; i++) {
		link_key(&keys[i], "Lk", &s->entries[i].id);
		key_mark(&keys[s->n + i], &s->entries[i].id);
	}
	for (size_t i = 0; i < 2 * s->n; i++)
		items[i] = (struct store_item){.key = keys[i].data,
		    .key_len = keys[i].len,
		    .checked = i < s->n};
	s->marks = items + s->n;
	rc = store_get_many(txn, items, 2 * s->n, err);
	if (rc == 0)
		rc = link_counts(txn, s->entries[0].id.dest, true, &counts, err);
	for (size_t i = 0; i < s->n && rc == 0; i++)
		clear_mark(txn, s, i);
	for (size_t i = 0; i < s->n && rc == 0; i++) {
		size_t twin = twin_of(s, i);
		struct link was = made[twin];

		if (twin == i && items[i].found)
			link_decode(items[i].value, items[i].value_len, items[i].version, &was);
		rc = settle_one(txn, s, i, &was, &left, &counts, &made[i], err);
	}
	if (rc == 0)
		link_counts_put(txn, s->entries[0].id.dest, &counts);
	link_counts_release(&counts);
	s->marks = NULL;
	free(made);
	free(items);
	free(keys);
	return rc;
}

int
link_settle(struct store *store, const struct link_dirty_entry *entries, const struct link *links,
    const bool *clear, size_t n, struct bh_err *err)
{
	struct settle s = {.entries = entries, .links = links, .clear = clear, .n = n};

	if (n == 0)
		return 0;
	bh_fault("link-settle");
	return store_run(store, settle, &s, NULL, err) < 0 ? -1 : 0;
}

int
link_mean(struct store *store, const struct link_dirty_entry *entries, const char *const *kept,
    size_t n, struct bh_err *err)
{
	struct settle s = {.entries = entries, .kept = kept, .n = n};

	return n == 0 || store_run(store, settle, &s, NULL, err) >= 0 ? 0 : -1;
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
	struct key key;

	link_key(&key, "Lk", w->parent);
	item.key = key.data;
	item.key_len = key.len;
	if (store_get_many(txn, &item, 1, err) < 0)
		return -1;
	if (item.found)
		link_decode(item.value, item.value_len, item.version, &parent);
	if (parent.state == LINK_CLEAN)
		return 1;
	/* Written even when it says so already: a settling of the parent under way must run again. */
	parent.has_waiters = true;
	link_put(txn, &key, &parent);
	if (!item.found && link_count_one(txn, w->parent, NULL, &parent, err) < 0)
		return -1;
	link_key(&key, "Lw", w->parent);
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

/* It stands in no list of what needs a person any more: the indexes, its cause, its candidates. */
int
link_unlist(struct store_txn *txn, const struct link_id *id, const struct link *was,
    const struct link *link, struct bh_err *err)
{
	struct key key;

	index_link(txn, "Lh", id, false, true);
	index_link(txn, "Lu", id, false, true);
	link_key(&key, "Lm", id);
	store_delete(txn, key.data, key.len);
	return cause_move(txn, id, was, link, err);
}

int
link_forget(struct store_txn *txn, const struct link_id *id, struct bh_err *err)
{
	struct store_item item = {.checked = true};
	struct link link;
	struct key key;

	link_key(&key, "Lk", id);
	item.key = key.data;
	item.key_len = key.len;
	if (store_get_many(txn, &item, 1, err) < 0)
		return -1;
	if (!item.found)
		return 0;
	link_decode(item.value, item.value_len, item.version, &link);
	if (link_count_one(txn, id, &link, NULL, err) < 0)
		return -1;
	store_delete(txn, key.data, key.len);
	return link_unlist(txn, id, &link, NULL, err) < 0 ? -1 : 1;
}

int
link_skip(struct store_txn *txn, const struct link_id *id, const char *who, struct bh_err *err)
{
	struct store_item item = {.checked = true};
	struct link link, was;
	struct key key;

	link_key(&key, "Lk", id);
	item.key = key.data;
	item.key_len = key.len;
	if (store_get_many(txn, &item, 1, err) < 0)
		return -1;
	memset(&was, 0, sizeof(was));
	if (item.found)
		link_decode(item.value, item.value_len, item.version, &was);
	if (was.state != LINK_HELD)
		return 1;
	link = was;
	link.state = LINK_EXCLUDED;
	snprintf(link.code, sizeof(link.code), LINK_SKIPPED);
	snprintf(link.cause, sizeof(link.cause), "left out by %.80s until it changes", who);
	link.remedy[0] = link.said[0] = '\0';
	link_note(&link, LINK_LEFT_OUT, bh_now_ms());
	if (link_count_one(txn, id, &was, &link, err) < 0)
		return -1;
	link_put(txn, &key, &link);
	key_mark(&key, id);
	store_delete(txn, key.data, key.len);
	return link_unlist(txn, id, &was, &link, err);
}

int
link_renew(struct store_txn *txn, const struct link_id *id, struct bh_err *err)
{
	struct store_item item = {.checked = true};
	struct link link;
	struct key key;

	link_key(&key, "Lk", id);
	item.key = key.data;
	item.key_len = key.len;
	if (store_get_many(txn, &item, 1, err) < 0)
		return -1;
	if (!item.found)
		return 1;
	link_decode(item.value, item.value_len, item.version, &link);
	if (link.state != LINK_CLEAN)
		return 1;
	link.hash[0] = link.parents[0] = '\0';
	link_put(txn, &key, &link);
	link_mark(txn, id);
	return 0;
}

int
link_adopt(struct store_txn *txn, const struct link_id *id, const char *remote_id, const char *how,
    struct bh_err *err)
{
	struct store_item item = {.checked = true};
	struct link link, was;
	struct key key;

	link_key(&key, "Lk", id);
	item.key = key.data;
	item.key_len = key.len;
	memset(&was, 0, sizeof(was));
	if (store_get_many(txn, &item, 1, err) < 0)
		return -1;
	if (item.found)
		link_decode(item.value, item.value_len, item.version, &was);
	link = (struct link){.state = LINK_NEW,
	    .has_waiters = was.has_waiters,
	    .is_replaced = was.is_replaced ||
			   (was.remote_id[0] != '\0' && strcmp(was.remote_id, remote_id) != 0)};
	snprintf(link.remote_id, sizeof(link.remote_id), "%s", remote_id);
	snprintf(link.how, sizeof(link.how), "%s", how);
	memcpy(link.past, was.past, sizeof(link.past));
	link_note(&link, LINK_CHOSEN, bh_now_ms());
	if (link_count_one(txn, id, item.found ? &was : NULL, &link, err) < 0)
		return -1;
	link_put(txn, &key, &link);
	if (link_unlist(txn, id, &was, &link, err) < 0)
		return -1;
	link_mark(txn, id);
	queue_wake(txn, "push", id->dest, bh_now_ms());
	return 0;
}
