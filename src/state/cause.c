/*
 * Held links by what holds them; see cause.h.  A link is in one cause while
 * it is held, in none else.
 *
 * Keys: Lg <dest> <code> <sync> <object> the count, with the last one's words;
 * Lc <dest> <code> <sync> <object> <account> <id> the link, with its rank.
 */
#include "base/base.h"

#include "state/cause.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "state/link_internal.h"

#define TAKEN_IN 2000 /* links of an older store in one commit */

static void
key_cause(struct key *key, const char *family, const char *dest, const char *code, const char *sync,
    const char *object)
{
	key_begin(key, family);
	key_text(key, dest);
	key_text(key, code);
	key_text(key, sync);
	key_text(key, object);
}

/* -- reading -- */

static void
decode(const struct store_item *item, struct cause *cause)
{
	json_t *doc = json_loadb(item->value, item->value_len, 0, NULL);

	cause->n = bh_json_int(doc, "n", 0);
	cause->last_ms = bh_json_int(doc, "t", 0);
	bh_json_copy(cause->cause, sizeof(cause->cause), doc, "c");
	bh_json_copy(cause->remedy, sizeof(cause->remedy), doc, "m");
	json_decref(doc);
}

static void
name_cause(struct cause *cause, const char *code, const char *sync, const char *object)
{
	memset(cause, 0, sizeof(*cause));
	snprintf(cause->code, sizeof(cause->code), "%s", code);
	snprintf(cause->sync, sizeof(cause->sync), "%s", sync);
	snprintf(cause->object, sizeof(cause->object), "%s", object);
}

int
cause_list(struct store_txn *txn, const char *dest, size_t max, struct cause *causes, size_t *n_r,
    struct bh_err *err)
{
	struct store_scan scan = {.max = max};
	const struct store_entry *entries;
	struct key prefix;
	size_t n;
	bool more;

	*n_r = 0;
	link_key_lane(&prefix, "Lg", dest);
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct key_reader reader;
		const char *lane, *code, *sync, *object;

		key_read(&reader, entries[i].key, entries[i].key_len, "Lg");
		if (!is_key_text(&reader, &lane) || !is_key_text(&reader, &code) ||
		    !is_key_text(&reader, &sync) || !is_key_text(&reader, &object))
			return bh_fail(err, BH_STORAGE, "a count of held links has a broken key");
		name_cause(&causes[i], code, sync, object);
		decode(&(struct store_item){.value = entries[i].value,
			   .value_len = entries[i].value_len},
		    &causes[i]);
		*n_r = i + 1;
	}
	return 0;
}

int
cause_get(struct store_txn *txn, const char *dest, const char *code, const char *sync,
    const char *object, struct cause *cause, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(4096);
	struct key key;
	int rc;

	name_cause(cause, code, sync, object);
	key_cause(&key, "Lg", dest, code, sync, object);
	rc = store_get(txn, key.data, key.len, &value, err);
	if (rc > 0)
		decode(&(struct store_item){.value = value.data, .value_len = value.len}, cause);
	bh_buf_release(&value);
	return rc;
}

/* What an entry of the index names; strings are borrowed from it. */
static bool
is_entry(const struct store_entry *entry, struct link_id *id)
{
	struct key_reader reader;
	const char *code;
	uint64_t rank = 0;

	*id = (struct link_id){0};
	key_read(&reader, entry->key, entry->key_len, "Lc");
	if (!is_key_text(&reader, &id->dest) || !is_key_text(&reader, &code) ||
	    !is_key_text(&reader, &id->sync) || !is_key_text(&reader, &id->object) ||
	    !is_key_text(&reader, &id->account) || !is_key_text(&reader, &id->id))
		return false;
	if (bh_is_uint(entry->value, entry->value_len, 99, &rank))
		id->rank = (int)rank;
	return true;
}

int
cause_links(struct store_txn *txn, const char *dest, const struct cause *cause, size_t max,
    struct bh_buf *after,
    int (*each)(void *arg, const struct link_id *id, const struct link *link, struct bh_err *err),
    void *arg, bool *more_r, struct bh_err *err)
{
	struct store_scan scan = {.max = max};
	const struct store_entry *entries;
	struct link_id *ids;
	struct link *links;
	struct key prefix;
	size_t n;
	int rc = 0;

	key_cause(&prefix, "Lc", dest, cause->code, cause->sync, cause->object);
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	/* It comes from an address, where people may change it. */
	if (after->len >= prefix.len && memcmp(after->data, prefix.data, prefix.len) == 0) {
		bh_buf_addc(after, '\0'); /* the least key behind the last one */
		scan.from = after->data;
		scan.from_len = after->len;
	}
	if (store_scan(txn, &scan, &entries, &n, more_r, err) < 0)
		return -1;
	ids = bh_xcalloc(n, sizeof(ids[0]));
	links = bh_xcalloc(n, sizeof(links[0]));
	for (size_t i = 0; i < n && rc == 0; i++)
		if (!is_entry(&entries[i], &ids[i]))
			rc = bh_fail(err, BH_STORAGE, "an index of links has a broken key");
	if (rc == 0 && n != 0)
		rc = link_get_many(txn, ids, n, links, err);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = each(arg, &ids[i], &links[i], err);
	if (n != 0) {
		bh_buf_reset(after);
		bh_buf_add(after, entries[n - 1].key, entries[n - 1].key_len);
	}
	free(links);
	free(ids);
	return rc;
}

/* -- keeping -- */

static void
put(struct store_txn *txn, const struct key *key, const struct cause *cause)
{
	json_t *doc;
	char *text;

	if (cause->n <= 0) {
		store_delete(txn, key->data, key->len);
		return;
	}
	doc = json_pack("{s:I, s:I, s:o, s:o}", "n", (json_int_t)cause->n, "t",
	    (json_int_t)cause->last_ms, "c", bh_json_string(cause->cause), "m",
	    bh_json_string(cause->remedy));
	text = bh_json_text(doc);
	store_put(txn, key->data, key->len, text, strlen(text));
	free(text);
	json_decref(doc);
}

static int
count(struct store_txn *txn, const struct link_id *id, const struct link *link, int by,
    struct bh_err *err)
{
	struct cause cause;
	struct key key;

	if (cause_get(txn, id->dest, link->code, id->sync, id->object, &cause, err) < 0)
		return -1;
	cause.n += by;
	if (by > 0) {
		cause.last_ms = bh_now_ms();
		memcpy(cause.cause, link->cause, sizeof(cause.cause));
		memcpy(cause.remedy, link->remedy, sizeof(cause.remedy));
	}
	key_cause(&key, "Lg", id->dest, link->code, id->sync, id->object);
	put(txn, &key, &cause);
	return 0;
}

static void
key_entry(struct key *key, const struct link_id *id, const char *code)
{
	key_cause(key, "Lc", id->dest, code, id->sync, id->object);
	key_text(key, id->account);
	key_text(key, id->id);
}

static int
enter(struct store_txn *txn, const struct link_id *id, const struct link *link, struct bh_err *err)
{
	char rank[12];
	struct key key;

	key_entry(&key, id, link->code);
	snprintf(rank, sizeof(rank), "%d", id->rank);
	store_put(txn, key.data, key.len, rank, strlen(rank));
	return count(txn, id, link, 1, err);
}

static int
leave(struct store_txn *txn, const struct link_id *id, const struct link *was, struct bh_err *err)
{
	struct key key;

	key_entry(&key, id, was->code);
	store_delete(txn, key.data, key.len);
	return count(txn, id, was, -1, err);
}

/* The words of another link that is held so, where there is one. */
static int
find_words(struct store_txn *txn, const struct link_id *id, struct cause *cause, struct bh_err *err)
{
	struct store_scan scan = {.max = 2};
	const struct store_entry *entries;
	struct link_id other;
	struct link link;
	struct key prefix;
	size_t n;
	bool more;

	cause->cause[0] = cause->remedy[0] = '\0';
	key_cause(&prefix, "Lc", id->dest, cause->code, id->sync, id->object);
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!is_entry(&entries[i], &other) ||
		    (strcmp(other.id, id->id) == 0 && strcmp(other.account, id->account) == 0))
			continue;
		if (link_get(txn, &other, &link, err) < 0)
			return -1;
		memcpy(cause->cause, link.cause, sizeof(cause->cause));
		memcpy(cause->remedy, link.remedy, sizeof(cause->remedy));
		return 0;
	}
	return 0;
}

/* Words may hold a person's value: none of a link that is forgotten stay. */
static int
forget_words(struct store_txn *txn, const struct link_id *id, const struct link *was,
    struct bh_err *err)
{
	struct cause cause;
	struct key key;
	int rc = cause_get(txn, id->dest, was->code, id->sync, id->object, &cause, err);

	if (rc <= 0 || strcmp(cause.cause, was->cause) != 0)
		return rc < 0 ? -1 : 0;
	if (find_words(txn, id, &cause, err) < 0)
		return -1;
	key_cause(&key, "Lg", id->dest, was->code, id->sync, id->object);
	put(txn, &key, &cause);
	return 0;
}

int
cause_move(struct store_txn *txn, const struct link_id *id, const struct link *was,
    const struct link *link, struct bh_err *err)
{
	bool was_in = was != NULL && was->state == LINK_HELD;
	bool is_in = link != NULL && link->state == LINK_HELD;

	if (was_in && is_in && strcmp(was->code, link->code) == 0)
		return 0;
	if (was_in && leave(txn, id, was, err) < 0)
		return -1;
	if (was_in && link == NULL && forget_words(txn, id, was, err) < 0)
		return -1;
	return is_in ? enter(txn, id, link, err) : 0;
}

/* -- an older store -- */

/* What an entry of the index of all held links names; strings are borrowed from it. */
static bool
is_held_entry(const struct store_entry *entry, struct link_id *id)
{
	struct key_reader reader;
	uint64_t rank = 0;

	*id = (struct link_id){0};
	key_read(&reader, entry->key, entry->key_len, "Lh");
	if (!is_key_text(&reader, &id->dest) || !is_key_text(&reader, &id->sync) ||
	    !is_key_text(&reader, &id->object) || !is_key_text(&reader, &id->account) ||
	    !is_key_text(&reader, &id->id))
		return false;
	if (bh_is_uint(entry->value, entry->value_len, 99, &rank))
		id->rank = (int)rank;
	return true;
}

int
cause_take_in(struct store_txn *txn, struct bh_buf *after, struct bh_err *err)
{
	struct store_scan scan = {.prefix = "Lh", .prefix_len = 2, .max = TAKEN_IN};
	const struct store_entry *entries;
	bool more;
	size_t n;

	if (after->len != 0) {
		bh_buf_addc(after, '\0');
		scan.from = after->data;
		scan.from_len = after->len;
	}
	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct link_id id;
		struct link link;

		if (!is_held_entry(&entries[i], &id))
			return bh_fail(err, BH_STORAGE, "an index of links has a broken key");
		if (link_get(txn, &id, &link, err) < 0 ||
		    cause_move(txn, &id, NULL, &link, err) < 0)
			return -1;
	}
	if (n != 0) {
		bh_buf_reset(after);
		bh_buf_add(after, entries[n - 1].key, entries[n - 1].key_len);
	}
	return more;
}
