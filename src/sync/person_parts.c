/*
 * Where one person is looked for beside the mirror: see person.h.  Each part
 * is walked from its begin to its end, a page at a time.
 */
#include "base/base.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/text.h"
#include "state/journal.h"
#include "state/link.h"
#include "state/retain.h"
#include "state/target.h"
#include "state/trail.h"
#include "state/undo.h"
#include "state/want.h"
#include "sync/event.h"
#include "sync/line.h"
#include "sync/person_internal.h"
#include "sync/undo.h"
#include "sync/writeback.h"

#define EVENTS_PAGE 200
#define PAGE 1000
#define FILE_MAX (25u << 20) /* larger is no spool file of ours */

static void
set_time(json_t *item, const char *name, int64_t at_ms)
{
	char at[BH_CLOCK_TEXT];

	if (at_ms == 0)
		return;
	bh_rfc3339(at, at_ms);
	json_object_set_new(item, name, json_string(at));
}

/* A body as it came: JSON where it is, else text. */
static json_t *
body_json(const char *body, size_t len)
{
	json_t *json = NULL;
	char *text;

	if (bh_json_parse(body, len, &json, NULL) == 0)
		return json;
	text = bh_xstrndup(body, len);
	json = bh_json_string(text);
	free(text);
	return json;
}

/* -- events -- */

static bool
is_event_theirs(struct person *person, const struct journal_event *event)
{
	const struct person_scope *scope = person_scope_of_event(person, event->connection);

	return scope != NULL && !event->erased &&
	       is_mentioned_in_json(scope->mention, event->body, event->body_len);
}

static json_t *
event_json(const struct journal_event *event)
{
	json_t *item = json_pack("{s:s, s:o, s:o, s:s, s:o, s:O?, s:o}", "connection",
	    event->connection, "id", bh_json_string(event->id), "type", bh_json_string(event->type),
	    "state", journal_state_name(event->state), "note", bh_json_string(event->note),
	    "headers", event->headers, "body", body_json(event->body, event->body_len));

	set_time(item, "received", event->received_ms);
	set_time(item, "handled", event->handled_ms);
	return item;
}

struct blanking {
	uint64_t stamps[EVENTS_PAGE];
	size_t n;
};

static int
blank(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct blanking *blanking = arg;

	return retain_erase(txn, blanking->stamps, blanking->n, bh_now_ms(), err);
}

static int
take_event(struct person_sweep *sweep, const struct journal_event *event, struct blanking *blanking,
    struct bh_err *err)
{
	json_t *item;
	int rc;

	if (!is_event_theirs(sweep->person, event))
		return 0;
	if (sweep->done != NULL) {
		blanking->stamps[blanking->n++] = event->stamp;
		return 0;
	}
	item = event_json(event);
	rc = sweep->each(sweep->arg, PERSON_EVENT, item, err);
	json_decref(item);
	return rc;
}

/* 1 there may be more, 0 the end, -1. */
static int
sweep_events(struct person_sweep *sweep, uint64_t *after, struct bh_err *err)
{
	struct store *store = sweep->person->context->store;
	struct journal_event *events = bh_xcalloc(EVENTS_PAGE, sizeof(events[0]));
	struct store_txn *txn = store_begin(store);
	struct blanking blanking = {.n = 0};
	size_t n = 0;
	int rc = journal_walk(txn, *after, EVENTS_PAGE, events, &n, err);

	for (size_t i = 0; i < n; i++) {
		if (rc == 0)
			rc = take_event(sweep, &events[i], &blanking, err);
		if (rc == 0)
			*after = events[i].stamp;
		journal_event_release(&events[i]);
	}
	store_free(&txn);
	free(events);
	if (rc == 0 && blanking.n != 0) {
		(void)bh_fault("person-event");
		rc = store_run(store, blank, &blanking, NULL, err) < 0 ? -1 : 0;
		sweep->done->n[PERSON_EVENT] += rc == 0 ? blanking.n : 0;
	}
	sweep->person->read += n;
	if (rc >= 0)
		rc = person_tick(sweep->person, err);
	return rc < 0 ? -1 : n != 0;
}

int
person_events(struct person_sweep *sweep, struct bh_err *err)
{
	int rc;

	do
		rc = sweep_events(sweep, &sweep->person->events_seen, err);
	while (rc > 0);
	return rc;
}

/* -- what is walked with a key kept by the caller -- */

struct walk {
	struct person_sweep *sweep;
	struct store_txn *txn;
	size_t erased; /* in this transaction */
	json_t *gone;  /* links that it forgets, of records that stay */
};

static int
tell_gone(const struct person_sweep *sweep, const json_t *links)
{
	const json_t *link;
	int rc = 0;
	size_t i;

	json_array_foreach (links, i, link)
		if (rc == 0 && sweep->gone != NULL)
			rc = sweep->gone(sweep->arg, link);
	return rc;
}

/* Page after page of one part, each a transaction of its own that is committed when it erases. */
static int
walk_part(struct person_sweep *sweep, enum person_part part,
    int (*page)(struct walk *walk, struct bh_buf *after, bool *more_r, struct bh_err *err),
    struct bh_err *err)
{
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1),
		      start = BH_BUF_INIT(STORE_KEY_MAX + 1);
	bool more = true;
	int rc = 0;

	while (rc == 0 && more) {
		struct walk walk = {.sweep = sweep,
		    .txn = store_begin(sweep->person->context->store),
		    .gone = json_array()};
		struct bh_err why = BH_ERR_INIT;

		bh_buf_reset(&start);
		bh_buf_add(&start, bh_buf_str(&after), after.len);
		rc = page(&walk, &after, &more, &why);
		if (rc == 0 && walk.erased != 0) {
			(void)bh_fault("person-part");
			rc = store_commit(walk.txn, NULL, &why);
			sweep->done->n[part] += rc == 0 ? walk.erased : 0;
			if (rc == 0)
				rc = tell_gone(sweep, walk.gone);
		}
		if (rc < 0 && why.code == BH_CONFLICT) {
			/* Somebody changed it meanwhile: this page again. */
			bh_buf_reset(&after);
			bh_buf_add(&after, bh_buf_str(&start), start.len);
			more = true;
			rc = 0;
		} else if (rc < 0 && err != NULL) {
			*err = why;
		}
		json_decref(walk.gone);
		store_free(&walk.txn);
		if (rc == 0)
			rc = person_tick(sweep->person, err);
	}
	bh_buf_release(&after);
	bh_buf_release(&start);
	return rc;
}

/* -- trail -- */

static bool
is_text_theirs(const struct person *person, const char *text, size_t len)
{
	for (size_t i = 0; i < person->scopes_n; i++)
		if (is_mentioned_in_text(person->scopes[i].mention, text, len))
			return true;
	return false;
}

static int
take_trail(void *arg, const struct store_entry *entry, struct bh_err *err)
{
	struct walk *walk = arg;
	json_t *item;
	int rc = 0;

	walk->sweep->person->read++;
	if (!is_text_theirs(walk->sweep->person, entry->value, entry->value_len))
		return 0;
	if (walk->sweep->done != NULL) {
		trail_erase(walk->txn, entry);
		walk->erased++;
		return 0;
	}
	item = json_loadb(entry->value, entry->value_len, 0, NULL);
	if (item != NULL) {
		set_time(item, "at", bh_json_int(item, "at", 0));
		rc = walk->sweep->each(walk->sweep->arg, PERSON_TRAIL, item, err);
	}
	json_decref(item);
	return rc;
}

static int
trail_page(struct walk *walk, struct bh_buf *after, bool *more_r, struct bh_err *err)
{
	return trail_walk(walk->txn, PAGE, after, take_trail, walk, more_r, err);
}

int
person_trail(struct person_sweep *sweep, struct bh_err *err)
{
	return walk_part(sweep, PERSON_TRAIL, trail_page, err);
}

/* -- links -- */

/* Does the event name them?  When they are erased, its own erasure has gone before: 1, 0, -1. */
static int
is_stamp_theirs(struct walk *walk, uint64_t stamp, struct bh_err *err)
{
	struct journal_event event;
	int rc = journal_read(walk->txn, stamp, &event, err);

	if (rc > 0)
		rc = (event.erased && walk->sweep->done != NULL) ||
		     is_event_theirs(walk->sweep->person, &event);
	journal_event_release(&event);
	return rc;
}

/* Is the invoice of this line one of theirs? */
static bool
is_line_theirs(const struct person *person, const char *connection, const char *account,
    const char *id)
{
	const char *name = line_name(id);
	char *invoice = bh_xstrndup(id, name != NULL ? (size_t)(name - 1 - id) : 0);
	struct mirror_id mirrored = {connection, account, OBJECT_INVOICE, invoice};
	bool is_theirs = is_person_object(person, &mirrored);

	free(invoice);
	return is_theirs;
}

/* The sync is gone, or names it no more: nobody can say of what kind it was.  1, 0, -1. */
static int
is_orphan_theirs(struct walk *walk, const struct link_id *id, struct bh_err *err)
{
	const struct person *person = walk->sweep->person;
	const char *name = line_name(id->id);
	char *invoice = bh_xstrndup(id->id, name != NULL ? (size_t)(name - 1 - id->id) : 0);
	bool is_theirs = false;
	uint64_t stamp;

	for (size_t i = 0; i < person->scopes_n; i++)
		is_theirs = is_theirs || is_mentioned_surely(person->scopes[i].mention, id->id) ||
			    is_mentioned_surely(person->scopes[i].mention, invoice);
	free(invoice);
	if (!is_theirs && is_event_name(id->id, &stamp))
		return is_stamp_theirs(walk, stamp, err);
	return is_theirs;
}

/* Is this an object of theirs, of the kind that the sync maps under this name?  1, 0, -1. */
static int
is_link_theirs(struct walk *walk, const struct link_id *id, struct bh_err *err)
{
	const struct person *person = walk->sweep->person;
	const struct setup_sync *sync = setup_sync(person->setup, id->sync);
	struct mirror_id mirrored = {"", id->account, OBJECT_NONE, id->id};
	const struct map_object *object = NULL;
	uint64_t stamp;
	size_t index;

	if (sync != NULL)
		object = setup_object(sync, id->object, &index);
	if (object == NULL)
		return is_orphan_theirs(walk, id, err);
	if (object->from == OBJECT_EVENT)
		return is_event_name(id->id, &stamp) ? is_stamp_theirs(walk, stamp, err) : 0;
	if (object->from == OBJECT_INVOICE_LINE)
		return is_line_theirs(person, sync->account.from, id->account, id->id);
	mirrored.connection = sync->account.from;
	mirrored.kind = object->from;
	return is_person_object(person, &mirrored);
}

/* What was written over in its record, and with what. */
static int
add_written(struct store_txn *txn, const struct link_id *id, json_t *item, struct bh_err *err)
{
	json_t *entries;
	int rc = undo_of_record(txn, id, 0, INT64_MAX, &entries, err);

	if (rc == 0 && json_array_size(entries) > 0)
		json_object_set(item, "written_over", entries);
	json_decref(entries);
	return rc;
}

/* Its record is one of a sandbox: it is in our reach. */
static bool
is_kept_here(const struct person *person, const struct link_id *id)
{
	const struct setup_sync *sync = setup_sync(person->setup, id->sync);

	return sync != NULL && (sync->to->dest->caps & DEST_CAP_KEEP) != 0;
}

static json_t *
link_json(const struct link_id *id, const struct link *link, bool is_here)
{
	json_t *item = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "destination", id->dest,
	    "sync", id->sync, "object", id->object, "account", id->account, "id", id->id, "state",
	    link_state_name(link->state), "record", bh_json_string(link->remote_id));

	if (is_here)
		json_object_set_new(item, "in_sandbox", json_true());
	set_time(item, "pushed", link->pushed_ms);
	if (link->cause[0] != '\0')
		json_object_set_new(item, "cause", bh_json_string(link->cause));
	return item;
}

static int
take_link(void *arg, const struct link_id *id, const struct link *link, struct bh_err *err)
{
	struct walk *walk = arg;
	struct person_sweep *sweep = walk->sweep;
	json_t *item;
	int rc = is_link_theirs(walk, id, err);
	bool is_here;

	sweep->person->read++;
	if (rc <= 0)
		return rc;
	rc = 0;
	is_here = is_kept_here(sweep->person, id);
	item = link_json(id, link, is_here);
	if (sweep->done == NULL) {
		rc = add_written(walk->txn, id, item, err);
		if (rc == 0)
			rc = sweep->each(sweep->arg, PERSON_LINK, item, err);
	} else {
		rc = undo_erase(sweep->person->context->store, id, err);
		if (rc == 0)
			rc = link_forget(walk->txn, id, err);
		walk->erased += rc > 0;
		if (rc > 0 && link->remote_id[0] != '\0' && !is_here)
			json_array_append(walk->gone, item);
	}
	json_decref(item);
	return rc < 0 ? -1 : 0;
}

static int
links_page(struct walk *walk, struct bh_buf *after, bool *more_r, struct bh_err *err)
{
	return link_walk(walk->txn, PAGE, after, take_link, walk, more_r, err);
}

int
person_links(struct person_sweep *sweep, struct bh_err *err)
{
	return walk_part(sweep, PERSON_LINK, links_page, err);
}

/* -- records of a sandbox -- */

/* Is what stands here in a record's key, "id" or "account/id", an object of theirs, of one of these kinds? */
static bool
is_named(const struct person *person, const char *connection, unsigned kinds, const char *name)
{
	const char *slash = strrchr(name, '/');
	char *account = bh_xstrndup(name, slash != NULL ? (size_t)(slash - name) : 0);
	bool found = false;

	for (int kind = 1;
	     kind < OBJECT__MAX && !found && !is_object_virtual((enum object_kind)kind); kind++) {
		struct mirror_id whole = {connection, "", (enum object_kind)kind, name};
		struct mirror_id split = {connection, account, (enum object_kind)kind,
		    slash != NULL ? slash + 1 : name};

		found = (kinds & 1u << kind) != 0 &&
			(is_person_object(person, &whole) || is_person_object(person, &split));
	}
	free(account);
	return found;
}

/* The same for what is no object of the mirror.  1, 0, -1. */
static int
is_part_named(struct walk *walk, const char *connection, unsigned kinds, const char *name,
    struct bh_err *err)
{
	const struct person *person = walk->sweep->person;
	const char *slash = strrchr(name, '/');
	char *invoice = bh_xstrndup(name, slash != NULL ? (size_t)(slash - name) : 0);
	uint64_t stamp;
	int rc = (kinds & 1u << OBJECT_INVOICE_LINE) != 0 && slash != NULL &&
		 is_named(person, connection, 1u << OBJECT_INVOICE, invoice);

	free(invoice);
	if (rc != 0 || (kinds & 1u << OBJECT_EVENT) == 0)
		return rc;
	rc = journal_find(walk->txn, connection, name, &stamp, err);
	if (rc == 0 && slash != NULL)
		rc = journal_find(walk->txn, connection, slash + 1, &stamp, err);
	return rc > 0 ? is_stamp_theirs(walk, stamp, err) : rc;
}

/* The kind that a sync writes to an object of this name, as a bit for each. */
static unsigned
kinds_written(const struct setup_sync *sync, const char *object)
{
	const struct map_object *objects;
	size_t n = map_objects(sync->map, &objects);
	unsigned kinds = 0;

	for (size_t i = 0; i < n; i++) {
		struct bh_buf to = BH_BUF_INIT(4096);

		if (map_object_to(sync->map, i, sync->account.settings, &to, NULL) == 0 &&
		    strcmp(bh_buf_str(&to), object) == 0)
			kinds |= 1u << objects[i].from;
		bh_buf_release(&to);
	}
	return kinds;
}

/* Keys are "prefix:id" or "prefix:account/id"; a mapping may choose the prefix, or none. */
static int
is_record_theirs(struct walk *walk, const char *dest, const char *object, const char *key,
    struct bh_err *err)
{
	const struct person *person = walk->sweep->person;
	const char *colon = strrchr(key, ':');
	int rc = 0;

	for (size_t i = 0; i < person->setup->syncs_n; i++) {
		const struct setup_sync *sync = &person->setup->syncs[i];
		unsigned kinds =
		    strcmp(sync->account.to, dest) == 0 ? kinds_written(sync, object) : 0;

		for (const char *name = key; kinds != 0 && name != NULL && rc == 0;
		     name = strchr(name, ':'), name += name != NULL) {
			rc = is_named(person, sync->account.from, kinds, name);
			if (rc == 0)
				rc = is_part_named(walk, sync->account.from, kinds, name, err);
		}
		if (rc != 0)
			return rc;
	}
	for (size_t i = 0; i < person->scopes_n; i++)
		if (is_mentioned_surely(person->scopes[i].mention, colon != NULL ? colon + 1 : key))
			return 1;
	return 0;
}

static int
take_record(void *arg, const char *dest, const char *object, const char *key, const char *record,
    size_t record_len, struct bh_err *err)
{
	struct walk *walk = arg;
	json_t *item;
	int rc = is_record_theirs(walk, dest, object, key, err);

	walk->sweep->person->read++;
	if (rc <= 0)
		return rc;
	if (walk->sweep->done != NULL) {
		target_forget(walk->txn, dest, object, key);
		walk->erased++;
		return 0;
	}
	item = json_pack("{s:s, s:s, s:s, s:o}", "destination", dest, "object", object, "key", key,
	    "record", body_json(record, record_len));
	rc = walk->sweep->each(walk->sweep->arg, PERSON_RECORD, item, err);
	json_decref(item);
	return rc;
}

static int
records_page(struct walk *walk, struct bh_buf *after, bool *more_r, struct bh_err *err)
{
	return target_walk_kept(walk->txn, PAGE, after, take_record, walk, more_r, err);
}

int
person_records(struct person_sweep *sweep, struct bh_err *err)
{
	return walk_part(sweep, PERSON_RECORD, records_page, err);
}

/* -- what is to be looked up -- */

/* Whoever has what is looked up: {"owner_kind": "customer", "owner": id}. */
static bool
is_owner_theirs(const struct person *person, const struct want_entry *entry)
{
	const char *kind = bh_json_str(entry->hint, "owner_kind");
	const char *owner = bh_json_str(entry->hint, "owner");
	struct mirror_id id = {entry->connection, entry->account,
	    kind != NULL ? object_kind_of(kind) : OBJECT_NONE, owner};

	return owner != NULL && is_person_object(person, &id);
}

/* "what" is a kind, or begins with one: "invoice_lines". */
static bool
is_want_about(const struct want_entry *entry, enum object_kind kind)
{
	return bh_has_prefix(entry->what, object_kind_name(kind)) ||
	       (kind == OBJECT_CUSTOMER && strcmp(entry->what, WRITEBACK_WANT) == 0);
}

static bool
is_want_theirs(const struct person *person, const struct want_entry *entry)
{
	const struct person_scope *scope = person_scope(person, entry->connection);
	char *hint = entry->hint != NULL ? bh_json_text(entry->hint) : NULL;
	bool is_theirs =
	    scope != NULL &&
	    (is_owner_theirs(person, entry) || is_mentioned_surely(scope->mention, entry->id) ||
		(hint != NULL && is_mentioned_in_json(scope->mention, hint, strlen(hint))));

	free(hint);
	for (int kind = 1; scope != NULL && kind < OBJECT__MAX && !is_theirs; kind++) {
		struct mirror_id id = {entry->connection, entry->account, (enum object_kind)kind,
		    entry->id};

		is_theirs = is_want_about(entry, id.kind) &&
			    (is_person_object(person, &id) ||
				(id.kind == OBJECT_CUSTOMER && strcmp(id.id, person->who) == 0));
	}
	return is_theirs;
}

static int
take_want(void *arg, const struct want_entry *entry, struct bh_err *err)
{
	struct walk *walk = arg;
	json_t *item;
	int rc;

	walk->sweep->person->read++;
	if (!is_want_theirs(walk->sweep->person, entry))
		return 0;
	if (walk->sweep->done != NULL) {
		want_done(walk->txn, entry);
		walk->erased++;
		return 0;
	}
	item = json_pack("{s:s, s:s, s:s, s:o, s:O?}", "connection", entry->connection, "account",
	    entry->account, "what", entry->what, "id", bh_json_string(entry->id), "hint",
	    entry->hint);
	rc = walk->sweep->each(walk->sweep->arg, PERSON_WANT, item, err);
	json_decref(item);
	return rc;
}

static int
wants_page(struct walk *walk, struct bh_buf *after, bool *more_r, struct bh_err *err)
{
	return want_walk(walk->txn, PAGE, after, take_want, walk, more_r, err);
}

int
person_wants(struct person_sweep *sweep, struct bh_err *err)
{
	return walk_part(sweep, PERSON_WANT, wants_page, err);
}

/* -- the spool -- */

/* The whole file; 0 when it is gone or no file of ours, 1, -1. */
static int
read_file(int dir_fd, const char *name, struct bh_buf *content, struct bh_err *err)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char chunk[65536];
	struct stat st;
	ssize_t n = 0;

	if (fd < 0)
		return errno == ENOENT || errno == ELOOP
			   ? 0
			   : bh_fail_errno(err, BH_STORAGE, "cannot open the spool file %s", name);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		while ((n = read(fd, chunk, sizeof(chunk))) > 0 || (n < 0 && errno == EINTR))
			if (n > 0)
				bh_buf_add(content, chunk, (size_t)n);
	close(fd);
	if (n < 0)
		return bh_fail_errno(err, BH_STORAGE, "cannot read the spool file %s", name);
	return content->len != 0 && !content->full;
}

/* The body stands behind the last NUL of both forms of spool files. */
static const char *
find_body(const struct bh_buf *content, size_t *len_r)
{
	size_t at = content->len;

	while (at > 0 && content->data[at - 1] != '\0')
		at--;
	*len_r = content->len - at;
	return content->data + at;
}

static int
take_file(struct person_sweep *sweep, int dir_fd, const char *name, struct bh_err *err)
{
	struct bh_buf content = BH_BUF_INIT(FILE_MAX);
	const struct person *person = sweep->person;
	int rc = read_file(dir_fd, name, &content, err);
	bool is_theirs = false;
	const char *body;
	json_t *item;
	size_t len;

	if (rc > 0) {
		body = find_body(&content, &len);
		for (size_t i = 0; i < person->scopes_n; i++)
			is_theirs =
			    is_theirs || is_mentioned_in_json(person->scopes[i].mention, body, len);
		rc = 0;
	}
	if (rc == 0 && is_theirs && sweep->done != NULL) {
		(void)bh_fault("person-file");
		sweep->done->n[PERSON_SPOOL] += unlinkat(dir_fd, name, 0) == 0;
	} else if (rc == 0 && is_theirs) {
		item = json_pack("{s:o, s:o}", "file", bh_json_string(name), "body",
		    body_json(body, len));
		rc = sweep->each(sweep->arg, PERSON_SPOOL, item, err);
		json_decref(item);
	}
	bh_buf_release(&content);
	return rc;
}

static int
sweep_dir(struct person_sweep *sweep, const char *below, struct bh_err *err)
{
	char *path = bh_xasprintf("%s/spool%s", sweep->person->context->conf->data_dir, below);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	while (rc == 0 && list != NULL && (entry = readdir(list)) != NULL)
		if (entry->d_name[0] != '.')
			rc = take_file(sweep, fd, entry->d_name, err);
	if (list != NULL)
		closedir(list);
	else if (fd >= 0)
		close(fd);
	free(path);
	return rc;
}

int
person_spool(struct person_sweep *sweep, struct bh_err *err)
{
	static const char *const dirs[] = {"", "/raw", "/bad"};
	int rc = 0;

	for (size_t i = 0; i < BH_LEN(dirs) && rc == 0; i++)
		rc = sweep_dir(sweep, dirs[i], err);
	return rc == 0 ? person_tick(sweep->person, err) : rc;
}
