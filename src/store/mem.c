/*
 * The engine "mem": a store in this process, for tests.  Connections with the
 * same data_dir share one store, which lives until the last of them is
 * closed; a connection without data_dir has its own.  One lock over all of it.
 */
#include "base/base.h"

#include <sys/eventfd.h>

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "base/proc.h"
#include "store/engine.h"
#include "store/serve.h"

#define MEM_RING 64

/* -- the table: an array of entries in key order -- */

struct mem_entry {
	uint64_t version;
	size_t key_len;
	size_t value_len;
	char bytes[]; /* key, value, NUL */
};

/* How to undo one write: put old back at key, or take key away. */
struct mem_undo {
	struct mem_undo *before;
	struct mem_entry *old; /* NULL: the key was new */
	size_t key_len;
	char key[];
};

struct mem_table {
	struct mem_entry **entries;
	size_t n, cap;
	struct mem_undo *undo;
};

static int
key_compare(const struct mem_entry *entry, const struct wire_slice *key)
{
	size_t len = entry->key_len < key->len ? entry->key_len : key->len;
	int rc = memcmp(entry->bytes, key->data, len);

	return rc != 0 ? rc : (entry->key_len > key->len) - (entry->key_len < key->len);
}

/* The place of key, or where it would stand. */
static size_t
find(const struct mem_table *table, const struct wire_slice *key, bool *found_r)
{
	size_t low = 0, high = table->n;

	*found_r = false;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int rc = key_compare(table->entries[middle], key);

		if (rc == 0) {
			*found_r = true;
			return middle;
		}
		if (rc < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
insert(struct mem_table *table, size_t at, struct mem_entry *entry)
{
	if (table->n == table->cap) {
		table->cap = table->cap != 0 ? 2 * table->cap : 64;
		table->entries =
		    bh_xrealloc(table->entries, table->cap * sizeof(struct mem_entry *));
	}
	memmove(table->entries + at + 1, table->entries + at,
	    (table->n - at) * sizeof(struct mem_entry *));
	table->entries[at] = entry;
	table->n++;
}

static void
take_out(struct mem_table *table, size_t at)
{
	table->n--;
	memmove(table->entries + at, table->entries + at + 1,
	    (table->n - at) * sizeof(struct mem_entry *));
}

static void
note_take_undo(struct mem_table *table, const struct wire_slice *key, struct mem_entry *old)
{
	struct mem_undo *undo = bh_xmalloc(sizeof(*undo) + key->len);

	*undo = (struct mem_undo){.before = table->undo, .old = old, .key_len = key->len};
	memcpy(undo->key, key->data, key->len);
	table->undo = undo;
}

static int
mem_read(void *arg, const struct wire_slice *key, uint64_t *version_r, struct bh_buf *value,
    struct bh_err *err)
{
	const struct mem_table *table = arg;
	const struct mem_entry *entry;
	bool is_found;
	size_t at = find(table, key, &is_found);

	(void)err;
	if (!is_found)
		return 0;
	entry = table->entries[at];
	*version_r = entry->version;
	if (value != NULL)
		bh_buf_add(value, entry->bytes + entry->key_len, entry->value_len);
	return 1;
}

static bool
is_visited(const struct table_walk *walk, const struct mem_entry *entry)
{
	struct wire_entry as = {.key = {entry->bytes, entry->key_len},
	    .version = entry->version,
	    .value = {entry->bytes + entry->key_len, walk->keys_only ? 0 : entry->value_len}};
	enum walk_step step = walk_step(walk, &as.key);

	return step == WALK_SKIP || (step == WALK_VISIT && walk->each(walk->arg, &as));
}

static int
mem_walk(void *arg, const struct table_walk *walk, struct bh_err *err)
{
	const struct mem_table *table = arg;
	bool is_found = false;
	size_t at = walk->has_from ? find(table, &walk->from, &is_found) : table->n;

	(void)err;
	if (!walk->reverse) {
		while (at < table->n && is_visited(walk, table->entries[at]))
			at++;
		return 0;
	}
	at += is_found; /* downwards at is one above the next entry */
	while (at > 0 && is_visited(walk, table->entries[at - 1]))
		at--;
	return 0;
}

static int
mem_begin(void *arg, struct bh_err *err)
{
	(void)arg;
	(void)err;
	return 0;
}

static struct mem_entry *
entry_new(const struct wire_slice *key, uint64_t version, const struct wire_slice *value)
{
	struct mem_entry *entry = bh_xmalloc(sizeof(*entry) + key->len + value->len + 1);

	*entry =
	    (struct mem_entry){.version = version, .key_len = key->len, .value_len = value->len};
	memcpy(entry->bytes, key->data, key->len);
	if (value->len != 0)
		memcpy(entry->bytes + key->len, value->data, value->len);
	entry->bytes[key->len + value->len] = '\0';
	return entry;
}

static int
mem_put(void *arg, const struct wire_slice *key, uint64_t version, const struct wire_slice *value,
    bool must_be_new, struct bh_err *err)
{
	struct mem_table *table = arg;
	bool is_found;
	size_t at = find(table, key, &is_found);

	if (bh_fault("mem-put"))
		return bh_fail_errno(err, BH_STORAGE, "cannot write to the store");
	if (is_found && must_be_new)
		return bh_fail(err, BH_INVALID, "two appends of one commit have the same key");
	note_take_undo(table, key, is_found ? table->entries[at] : NULL);
	if (is_found)
		table->entries[at] = entry_new(key, version, value);
	else
		insert(table, at, entry_new(key, version, value));
	return !is_found;
}

static int
mem_remove(void *arg, const struct wire_slice *key, struct bh_err *err)
{
	struct mem_table *table = arg;
	bool is_found;
	size_t at = find(table, key, &is_found);

	(void)err;
	if (!is_found)
		return 0;
	note_take_undo(table, key, table->entries[at]);
	take_out(table, at);
	return 1;
}

static int
mem_commit(void *arg, struct bh_err *err)
{
	struct mem_table *table = arg;

	(void)err;
	while (table->undo != NULL) {
		struct mem_undo *undo = table->undo;

		table->undo = undo->before;
		free(undo->old);
		free(undo);
	}
	return 0;
}

static void
undo_one(struct mem_table *table, const struct mem_undo *undo)
{
	const struct wire_slice key = {undo->key, undo->key_len};
	bool is_found;
	size_t at = find(table, &key, &is_found);

	if (is_found)
		free(table->entries[at]);
	if (is_found && undo->old != NULL)
		table->entries[at] = undo->old;
	else if (is_found)
		take_out(table, at);
	else if (undo->old != NULL)
		insert(table, at, undo->old);
}

static void
mem_abort(void *arg)
{
	struct mem_table *table = arg;

	while (table->undo != NULL) {
		struct mem_undo *undo = table->undo;

		table->undo = undo->before;
		undo_one(table, undo);
		free(undo);
	}
}

static const struct table_ops mem_ops = {
    .read = mem_read,
    .walk = mem_walk,
    .begin = mem_begin,
    .put = mem_put,
    .remove = mem_remove,
    .commit = mem_commit,
    .abort = mem_abort,
};

/* -- the stores of this process, and the connections to them -- */

struct mem_store {
	struct mem_store *next;
	char *name; /* NULL: private */
	struct mem_table table;
	struct serve serve;
	struct mem_link *links;
};

struct mem_link {
	struct mem_link *next;
	struct mem_store *store;
	struct watch_set watches;
	int fd; /* an eventfd once something is watched, else -1 */
};

static pthread_mutex_t mem_lock = PTHREAD_MUTEX_INITIALIZER;
static struct mem_store *mem_stores;

static struct mem_store *
mem_store_find(const char *name)
{
	struct mem_store *store = mem_stores;

	while (store != NULL &&
	       (name == NULL || store->name == NULL || strcmp(store->name, name) != 0))
		store = store->next;
	return store;
}

static struct mem_store *
mem_store_new(const char *name)
{
	struct mem_store *store = bh_xcalloc(1, sizeof(*store));

	if (serve_open(&store->serve, &mem_ops, &store->table, MEM_RING, NULL) < 0)
		abort(); /* an empty table in memory is always readable */
	store->name = name != NULL ? bh_xstrdup(name) : NULL;
	store->next = mem_stores;
	mem_stores = store;
	return store;
}

static void
mem_store_free(struct mem_store *store)
{
	struct mem_store **at = &mem_stores;

	while (*at != store)
		at = &(*at)->next;
	*at = store->next;
	for (size_t i = 0; i < store->table.n; i++)
		free(store->table.entries[i]);
	free(store->table.entries);
	serve_close(&store->serve);
	free(store->name);
	free(store);
}

static int
mem_open(const struct store_options *options, void **handle_r, struct bh_err *err)
{
	struct mem_link *link = bh_xcalloc(1, sizeof(*link));

	(void)err;
	pthread_mutex_lock(&mem_lock);
	link->store = mem_store_find(options->data_dir);
	if (link->store == NULL)
		link->store = mem_store_new(options->data_dir);
	link->next = link->store->links;
	link->store->links = link;
	link->fd = -1;
	pthread_mutex_unlock(&mem_lock);
	*handle_r = link;
	return 0;
}

static void
mem_close(void *handle)
{
	struct mem_link *link = handle, **at;

	pthread_mutex_lock(&mem_lock);
	for (at = &link->store->links; *at != link; at = &(*at)->next)
		continue;
	*at = link->next;
	if (link->store->links == NULL)
		mem_store_free(link->store);
	pthread_mutex_unlock(&mem_lock);
	if (link->fd >= 0)
		close(link->fd);
	watch_set_release(&link->watches);
	free(link);
}

static int
mem_get(void *handle, const struct wire_get *get, struct bh_buf *mem, struct wire_slice *body_r,
    struct bh_err *err)
{
	const struct mem_link *link = handle;
	int rc;

	bh_buf_reset(mem);
	pthread_mutex_lock(&mem_lock);
	rc = serve_get(&link->store->serve, get, mem, err);
	pthread_mutex_unlock(&mem_lock);
	*body_r = (struct wire_slice){mem->data, mem->len};
	return rc;
}

static int
mem_scan(void *handle, const struct wire_scan *scan, struct bh_buf *mem, struct wire_slice *body_r,
    struct bh_err *err)
{
	const struct mem_link *link = handle;
	int rc;

	bh_buf_reset(mem);
	pthread_mutex_lock(&mem_lock);
	rc = serve_scan(&link->store->serve, scan, mem, err);
	pthread_mutex_unlock(&mem_lock);
	*body_r = (struct wire_slice){mem->data, mem->len};
	return rc;
}

static void
wake(const struct mem_link *link)
{
	uint64_t one = 1;

	/* A counter that is full wakes as well. */
	if (link->fd >= 0 && write(link->fd, &one, sizeof(one)) < 0)
		return;
}

static int
mem_engine_commit(void *handle, struct wire_commit *commit, uint64_t *stamp_r, struct bh_err *err)
{
	const struct mem_link *link = handle;
	int rc;

	pthread_mutex_lock(&mem_lock);
	rc = serve_commit(&link->store->serve, commit, stamp_r, err);
	for (const struct mem_link *other = link->store->links; rc == 1 && other != NULL;
	     other = other->next)
		if (is_watch_touched(&other->watches, commit))
			wake(other);
	pthread_mutex_unlock(&mem_lock);
	return rc < 0 ? -1 : 0;
}

static int
mem_watch(void *handle, const struct wire_slice *prefix, struct bh_err *err)
{
	struct mem_link *link = handle;
	int rc;

	pthread_mutex_lock(&mem_lock);
	rc = watch_set_add(&link->watches, prefix, err);
	if (rc == 0 && link->fd < 0)
		link->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (rc == 0 && link->fd < 0)
		rc = bh_fail_errno(err, BH_UNAVAILABLE, "cannot make an event descriptor");
	if (rc == 0)
		wake(link);
	pthread_mutex_unlock(&mem_lock);
	return rc;
}

static int
mem_watch_fd(void *handle)
{
	const struct mem_link *link = handle;

	return link->fd;
}

static bool
mem_is_woken(void *handle)
{
	const struct mem_link *link = handle;
	uint64_t count;

	return link->fd >= 0 && read(link->fd, &count, sizeof(count)) == sizeof(count);
}

static int
mem_ping(void *handle, struct bh_err *err)
{
	(void)handle;
	(void)err;
	return 0;
}

static int
mem_stats(void *handle, json_t **stats_r, struct bh_err *err)
{
	const struct mem_link *link = handle;

	(void)err;
	pthread_mutex_lock(&mem_lock);
	*stats_r = serve_stats(&link->store->serve);
	pthread_mutex_unlock(&mem_lock);
	json_object_set_new(*stats_r, "engine", json_string("mem"));
	return 0;
}

const struct store_engine store_engine_mem = {
    .name = "mem",
    .open = mem_open,
    .close = mem_close,
    .get = mem_get,
    .scan = mem_scan,
    .commit = mem_engine_commit,
    .watch = mem_watch,
    .watch_fd = mem_watch_fd,
    .is_woken = mem_is_woken,
    .ping = mem_ping,
    .stats = mem_stats,
};
