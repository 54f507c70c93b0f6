/*
 * How many links of a lane are in which state, and within it of each mapped
 * object: kept in the commits that change links.
 *
 * Key: Ln <dest> {"clean": n, ..., "objects": {"<sync>/<object>": {"clean": n ...}}}.
 */
#include "base/base.h"

#include "base/json.h"
#include "state/link.h"
#include "state/link_internal.h"

#define COUNTS_MAX (1u << 20)
#define OBJECT_NAME_MAX 160 /* of "<sync>/<object>" */
#define DEST_MAX 80         /* of the code of a connection */
#define TAKEN_IN 2000       /* links of an older store in one commit */

void
link_counts_release(struct link_tally *counts)
{
	json_decref(counts->objects);
	counts->objects = NULL;
}

int
link_counts(struct store_txn *txn, const char *dest, bool checked, struct link_tally *counts,
    struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(COUNTS_MAX);
	struct key key;
	int rc;

	memset(counts, 0, sizeof(*counts));
	link_key_lane(&key, "Ln", dest);
	rc = checked ? store_get(txn, key.data, key.len, &value, err)
		     : store_peek(txn, key.data, key.len, &value, err);
	if (rc > 0) {
		json_t *doc = json_loadb(value.data, value.len, 0, NULL);

		for (int i = 0; i < LINK__MAX; i++)
			counts->by_state[i] =
			    bh_json_int(doc, link_state_name((enum link_state)i), 0);
		counts->objects = json_incref(json_object_get(doc, "objects"));
		json_decref(doc);
	}
	if (counts->objects == NULL)
		counts->objects = json_object();
	bh_buf_release(&value);
	return rc < 0 ? -1 : 0;
}

static void
object_name(char *out, size_t size, const char *sync, const char *object)
{
	snprintf(out, size, "%s/%s", sync, object);
}

void
link_count(struct link_tally *counts, const struct link_id *id, enum link_state state, int by)
{
	char name[OBJECT_NAME_MAX];
	json_t *of;
	int64_t n;

	object_name(name, sizeof(name), id->sync, id->object);
	of = json_object_get(counts->objects, name);
	if (of == NULL) {
		of = json_object();
		json_object_set_new(counts->objects, name, of);
	}
	counts->by_state[state] += by;
	n = bh_json_int(of, link_state_name(state), 0) + by;
	if (n != 0)
		json_object_set_new(of, link_state_name(state), json_integer((json_int_t)n));
	else
		json_object_del(of, link_state_name(state));
	if (json_object_size(of) == 0)
		json_object_del(counts->objects, name);
}

int
link_object_counts(struct store_txn *txn, const char *dest, const char *sync, const char *object,
    int64_t by_state[LINK__MAX], struct bh_err *err)
{
	char name[OBJECT_NAME_MAX];
	struct link_tally counts;
	const json_t *of;
	int rc = link_counts(txn, dest, false, &counts, err);

	object_name(name, sizeof(name), sync, object);
	of = json_object_get(counts.objects, name);
	for (int i = 0; i < LINK__MAX; i++)
		by_state[i] = bh_json_int(of, link_state_name((enum link_state)i), 0);
	link_counts_release(&counts);
	return rc;
}

int
link_held_total(struct store_txn *txn, int64_t *n_r, struct bh_err *err)
{
	struct store_scan scan = {.prefix = "Ln", .prefix_len = 2, .max = 1000};
	const struct store_entry *entries;
	size_t n;
	bool more;

	*n_r = 0;
	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		json_t *doc = json_loadb(entries[i].value, entries[i].value_len, 0, NULL);

		*n_r += bh_json_int(doc, link_state_name(LINK_HELD), 0);
		json_decref(doc);
	}
	return 0;
}

void
link_counts_put(struct store_txn *txn, const char *dest, struct link_tally *counts)
{
	json_t *doc = json_object();
	struct key key;
	char *text;

	for (int i = 0; i < LINK__MAX; i++)
		json_object_set_new(doc, link_state_name((enum link_state)i),
		    json_integer((json_int_t)counts->by_state[i]));
	json_object_set(doc, "objects", counts->objects);
	text = bh_json_text(doc);
	link_key_lane(&key, "Ln", dest);
	store_put(txn, key.data, key.len, text, strlen(text));
	free(text);
	json_decref(doc);
	link_counts_release(counts);
}

int
link_count_one(struct store_txn *txn, const struct link_id *id, const struct link *was,
    const struct link *now, struct bh_err *err)
{
	struct link_tally counts;

	if (link_counts(txn, id->dest, true, &counts, err) < 0) {
		link_counts_release(&counts);
		return -1;
	}
	if (was != NULL)
		link_count(&counts, id, was->state, -1);
	if (now != NULL)
		link_count(&counts, id, now->state, 1);
	link_counts_put(txn, id->dest, &counts);
	return 0;
}

/* The links of an older store, lane by lane. */
struct taking {
	struct store_txn *txn;
	struct link_tally *counts; /* of the lane at hand */
	char *dest;                /* DEST_MAX; "" before the first */
};

static int
take_in(void *arg, const struct link_id *id, const struct link *link, struct bh_err *err)
{
	struct taking *t = arg;

	if (strcmp(t->dest, id->dest) != 0) {
		if (*t->dest != '\0')
			link_counts_put(t->txn, t->dest, t->counts);
		snprintf(t->dest, DEST_MAX, "%s", id->dest);
		if (link_counts(t->txn, id->dest, true, t->counts, err) < 0)
			return -1;
	}
	/* The lane's own counts are right already. */
	link_count(t->counts, id, link->state, 1);
	t->counts->by_state[link->state]--;
	return 0;
}

int
link_take_in(struct store_txn *txn, struct bh_buf *after, struct bh_err *err)
{
	struct link_tally counts = {.objects = NULL};
	char dest[DEST_MAX] = "";
	struct taking taking = {txn, &counts, dest};
	bool more;
	int rc = link_walk(txn, TAKEN_IN, after, take_in, &taking, &more, err);

	if (rc == 0 && *dest != '\0')
		link_counts_put(txn, dest, &counts);
	link_counts_release(&counts);
	return rc < 0 ? -1 : more;
}
