/*
 * A page of a preview of all: objects of one mapped object, rendered and matched
 * as a push would, counted, and stored with the place where the next page begins.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/text.h"
#include "state/mirror.h"
#include "sync/line.h"
#include "sync/preview_internal.h"

#define PAGE 200
#define PAGE_INVOICES 10 /* with their lines */
#define PAGE_MARKS 1000  /* of events */
#define COUNT_MAX 10000000 /* objects of a kind, for the progress */

#define MARK_ABSENT "a" /* a parent that would not be there */
#define MARK_GIVEN "g"  /* a record of the CRM that would have been adopted: the key it gets */
#define MARK_MADE "m"   /* a record that would have been made, where several objects share one */

static const char *const verdict_names[PREVIEW_VERDICT__MAX] = {"create", "adopt", "update",
    "unchanged", "refused", "choice", "unmatched", "waiting", "excluded"};

const char *
preview_verdict_name(enum preview_verdict verdict)
{
	return verdict < PREVIEW_VERDICT__MAX ? verdict_names[verdict] : "none";
}

/* *is_none_r: nothing would be done, and nothing was left out. */
enum preview_verdict
preview_verdict_of(const struct render_item *item, bool *is_none_r)
{
	*is_none_r = false;
	switch (item->verdict) {
	case RENDER_SEND:
		if (item->record == NULL)
			break;
		if (item->is_adopted)
			return PREVIEW_ADOPT;
		return item->record->remote_id != NULL ? PREVIEW_UPDATE : PREVIEW_CREATE;
	case RENDER_SAME:
		return PREVIEW_UNCHANGED;
	case RENDER_EXCLUDED:
		return PREVIEW_EXCLUDED;
	case RENDER_BROKEN:
		return strcmp(item->link.code, LINK_AMBIGUOUS) == 0 ? PREVIEW_CHOICE
								    : PREVIEW_REFUSED;
	case RENDER_UNMATCHED:
		return PREVIEW_UNMATCHED;
	case RENDER_WAITING:
		return PREVIEW_WAITING;
	case RENDER_GONE:
	case RENDER_PAUSED:
	case RENDER_LATER:
	case RENDER_MOVED:
	case RENDER_UNDONE:
		break;
	}
	*is_none_r = true;
	return PREVIEW_EXCLUDED;
}

static json_t *
why_linked(const struct render_item *item)
{
	const struct link *link = &item->link;

	if (link->state == LINK_HELD && link->cause[0] != '\0')
		return json_sprintf("refused last time (%s); it is tried again", link->cause);
	if (link->how[0] != '\0')
		return json_sprintf("linked before: %s", link->how);
	return json_string("linked before");
}

json_t *
preview_why(const struct render_item *item, enum preview_verdict verdict)
{
	json_t *text = NULL;

	switch (verdict) {
	case PREVIEW_CREATE:
		text = item->link.state == LINK_HELD
			   ? why_linked(item)
			   : json_string("no record matches: one is made");
		break;
	case PREVIEW_ADOPT:
		text = json_sprintf("found by the matching rules: %s", item->link.how);
		break;
	case PREVIEW_UPDATE:
	case PREVIEW_UNCHANGED:
		text = why_linked(item);
		break;
	case PREVIEW_WAITING:
		text = json_sprintf("its %s %s would not be in the CRM", item->parent.object,
		    item->parent.id);
		break;
	case PREVIEW_EXCLUDED:
		text = json_string("the filter of the mapping leaves it out");
		break;
	case PREVIEW_REFUSED:
	case PREVIEW_CHOICE:
	case PREVIEW_UNMATCHED:
	case PREVIEW_VERDICT__MAX:
		text = bh_json_string(item->link.cause);
		break;
	}
	return text != NULL ? text : json_string("");
}

json_t *
preview_title(const json_t *fields, const char *id)
{
	static const char *const names[] = {"name", "number", "email", "code", "description"};

	for (size_t i = 0; i < BH_LEN(names); i++) {
		const char *text = bh_json_str(fields, names[i]);

		if (text != NULL && *text != '\0')
			return json_string(text);
	}
	return bh_json_string(id);
}

/* -- marks -- */

static char *
mark_name(const char *kind, const struct preview_object *of)
{
	return bh_xasprintf("%s\n%s\n%s\n%s", kind, of->object, of->account, of->id);
}

/* Is it marked, in this page or before?  Appends its value to out (may be NULL). */
static bool
is_marked(struct preview_work *work, const char *kind, const struct preview_object *of,
    struct bh_buf *out)
{
	char *name = mark_name(kind, of);
	const json_t *value = json_object_get(work->pending, name);
	struct store_txn *txn;
	int rc;

	free(name);
	if (value != NULL) {
		if (out != NULL)
			bh_buf_adds(out, json_string_value(value));
		return true;
	}
	txn = store_begin(work->context->store);
	rc = preview_marked(txn, work->code, kind, of, out, &work->failure);
	store_free(&txn);
	return rc > 0;
}

bool
is_preview_given(struct preview_work *work, const char *record, struct bh_buf *out)
{
	return is_marked(work, MARK_GIVEN, &(struct preview_object){"", "", record}, out);
}

bool
is_preview_absent(struct preview_work *work, const struct link_id *parent)
{
	return is_marked(work, MARK_ABSENT,
	    &(struct preview_object){parent->object, parent->account, parent->id}, NULL);
}

/* -- one page -- */

/* What is on the page; texts are owned by list. */
struct page {
	struct preview_work *work;
	size_t place; /* of the mapped object */
	const struct map_object *mapped;
	bool is_parent; /* others hang below its records */
	struct link_dirty_entry *entries;
	json_t **titles;
	size_t n, room, read; /* read: of the mirror or of marks */
	json_t *texts;        /* array: keeps accounts and ids */
	struct bh_buf after;
	bool more;
	int64_t before[PREVIEW_VERDICT__MAX]; /* counts as they were */
	int64_t counts[PREVIEW_VERDICT__MAX];
	json_t *rules;                         /* rule -> how many */
	json_t *samples[PREVIEW_VERDICT__MAX]; /* arrays */
	json_t *details;                       /* array of documents */
};

static const char *
keep_text(struct page *page, const char *text)
{
	json_t *kept = json_string(text);

	json_array_append_new(page->texts, kept);
	return json_string_value(kept);
}

static void
add_entry(struct page *page, const char *account, const char *id, json_t *title_take)
{
	const struct account_sync *sync = &page->work->sync->account;

	if (page->n == page->room) {
		page->room = page->room * 2 + PAGE;
		page->entries = bh_xrealloc(page->entries, page->room * sizeof(page->entries[0]));
		page->titles = bh_xrealloc(page->titles, page->room * sizeof(page->titles[0]));
	}
	page->titles[page->n] = title_take;
	page->entries[page->n++] =
	    (struct link_dirty_entry){.id = {.dest = sync->to,
					  .rank = page->mapped->rank,
					  .sync = sync->code,
					  .object = page->mapped->name,
					  .account = keep_text(page, account),
					  .id = keep_text(page, id)}};
}

static int
add_object(void *arg, const struct mirror_id *id, const struct object_state *object,
    struct bh_err *err BH_UNUSED)
{
	struct page *page = arg;
	json_t *names, *place;
	const char *name;

	page->read++;
	if (page->mapped->from != OBJECT_INVOICE_LINE) {
		add_entry(page, id->account, id->id, preview_title(object->fields, id->id));
		return 0;
	}
	names = line_names(id->id, json_object_get(object->fields, "lines"));
	json_object_foreach (names, name, place) {
		char *line = bh_xasprintf("%s/%s", id->id, name);

		add_entry(page, id->account, line, bh_json_string(line));
		free(line);
	}
	json_decref(names);
	return 0;
}

/* Events that wait to be sent: they have marks, and no place in the mirror. */
static int
read_events(struct page *page, struct store_txn *txn, struct bh_err *err)
{
	const struct account_sync *sync = &page->work->sync->account;
	struct link_dirty_list list = {0};
	int rc;

	if (page->after.len != 0) {
		list.last_key = bh_xmalloc(page->after.len);
		memcpy(list.last_key, page->after.data, page->after.len);
		list.last_key_len = page->after.len;
	}
	rc = link_dirty(txn, sync->to, PAGE_MARKS, &list, err);
	for (size_t i = 0; i < list.n && rc == 0; i++) {
		const struct link_id *id = &list.items[i].id;

		if (strcmp(id->sync, sync->code) == 0 &&
		    strcmp(id->object, page->mapped->name) == 0)
			add_entry(page, id->account, id->id, bh_json_string(id->id));
	}
	page->more = list.n != 0;
	bh_buf_reset(&page->after);
	if (list.n != 0)
		bh_buf_add(&page->after, list.last_key, list.last_key_len);
	link_dirty_release(&list);
	return rc;
}

static int
read_page(struct page *page, struct bh_err *err)
{
	struct store_txn *txn = store_begin(page->work->context->store);
	bool is_line = page->mapped->from == OBJECT_INVOICE_LINE;
	int rc;

	if (page->mapped->from == OBJECT_EVENT)
		rc = read_events(page, txn, err);
	else
		rc = mirror_walk(txn, page->work->sync->account.from,
		    is_line ? OBJECT_INVOICE : page->mapped->from, is_line ? PAGE_INVOICES : PAGE,
		    &page->after, add_object, page, &page->more, err);
	store_free(&txn);
	return rc;
}

/* -- judging -- */

static void
mark(struct page *page, const char *kind, const struct preview_object *of, const char *value)
{
	char *name = mark_name(kind, of);

	json_object_set_new(page->work->pending, name, bh_json_string(value));
	free(name);
}

/* A record that several objects share is made once: the others find it by its key. */
static bool
is_made_already(struct page *page, const struct render_item *item)
{
	unsigned char digest[BH_SHA256_LEN];
	char hex[2 * BH_SHA256_LEN + 1];
	struct preview_object of = {item->record->object, "", hex};

	if (!page->work->has_shared_keys)
		return false;
	bh_sha256(digest, item->record->key, strlen(item->record->key));
	bh_hex(hex, digest, sizeof(digest));
	if (is_marked(page->work, MARK_MADE, &of, NULL))
		return true;
	mark(page, MARK_MADE, &of, "");
	return false;
}

static void
remember(struct page *page, const struct render_item *item, enum preview_verdict verdict)
{
	const struct link_id *id = &item->entry->id;

	if (verdict == PREVIEW_ADOPT) {
		char *given =
		    bh_xasprintf("%s\n%.15s", item->record->object, item->record->remote_id);

		mark(page, MARK_GIVEN, &(struct preview_object){"", "", given}, item->record->key);
		free(given);
	} else if (verdict >= PREVIEW_REFUSED && page->is_parent &&
		   item->link.remote_id[0] == '\0') {
		mark(page, MARK_ABSENT, &(struct preview_object){id->object, id->account, id->id},
		    "");
	}
}

static void
count_rule(struct page *page, const char *rule)
{
	json_int_t n = json_integer_value(json_object_get(page->rules, rule));

	json_object_set_new(page->rules, rule, json_integer(n + 1));
}

/* Its place among the mapped object's of this verdict. */
static int64_t
place_of(const struct page *page, enum preview_verdict verdict)
{
	return page->before[verdict] + page->counts[verdict];
}

static bool
has_detail(const struct page *page, enum preview_verdict verdict)
{
	return verdict <= PREVIEW_UNCHANGED && place_of(page, verdict) < PREVIEW_DETAILS;
}

static void
add_sample(struct page *page, const struct render_item *item, json_t *title,
    enum preview_verdict verdict, bool is_shared)
{
	const struct link_id *id = &item->entry->id;
	const char *remote_id = item->record != NULL && item->record->remote_id != NULL
				    ? item->record->remote_id
				    : item->link.remote_id;

	if (place_of(page, verdict) >= PREVIEW_SAMPLES)
		return;
	json_array_append_new(page->samples[verdict],
	    json_pack("{s:o, s:o, s:O, s:o, s:o, s:b}", "account", bh_json_string(id->account),
		"id", bh_json_string(id->id), "title", title, "remote_id",
		bh_json_string(remote_id), "why",
		is_shared ? json_string("it shares the record of another one, which is made first")
			  : preview_why(item, verdict),
		"has_detail", has_detail(page, verdict)));
}

/* A batch that was rendered: counted; is_chosen says which are to be shown with their fields. */
static void
judge_items(struct page *page, const struct render_item *items, json_t *const *titles, size_t n,
    bool *is_chosen)
{
	for (size_t i = 0; i < n; i++) {
		bool is_none, is_shared = false;
		enum preview_verdict verdict = preview_verdict_of(&items[i], &is_none);

		if (is_none)
			continue;
		if (verdict == PREVIEW_CREATE && is_made_already(page, &items[i])) {
			verdict = PREVIEW_ADOPT;
			is_shared = true;
		} else {
			remember(page, &items[i], verdict);
		}
		if (verdict == PREVIEW_ADOPT)
			count_rule(page, is_shared ? "a record that it shares" : items[i].rule);
		is_chosen[i] = !is_shared && has_detail(page, verdict);
		add_sample(page, &items[i], titles[i], verdict, is_shared);
		page->counts[verdict]++;
	}
}

/* Those of a batch that are shown with their fields. */
static int
detail_items(struct page *page, const struct render_item *items, json_t *const *titles, size_t n,
    const bool *is_chosen, struct bh_err *err)
{
	struct render_item *some = bh_xcalloc(n, sizeof(some[0]));
	json_t **docs = bh_xcalloc(n, sizeof(docs[0])), **names = bh_xcalloc(n, sizeof(names[0]));
	size_t count = 0;
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_chosen[i])
			continue;
		names[count] = titles[i];
		some[count++] = items[i]; /* what it points to stays with items, but for left and before */
	}
	if (count > 0)
		rc = preview_documents(page->work, page->place, some, count, names, docs, err);
	for (size_t i = 0; i < count; i++) {
		if (rc == 0)
			json_array_append_new(page->details, docs[i]);
		json_decref(some[i].left);
		json_decref(some[i].before);
	}
	free(names);
	free(docs);
	free(some);
	return rc;
}

static int
judge_batch(struct page *page, size_t from, size_t n, struct bh_err *err)
{
	struct render_item *items = bh_xcalloc(n, sizeof(items[0]));
	bool *is_chosen = bh_xcalloc(n, sizeof(is_chosen[0]));
	int rc = render_batch(&page->work->lane, page->entries + from, n, items, err);

	if (rc == 0)
		judge_items(page, items, page->titles + from, n, is_chosen);
	if (rc == 0)
		rc = detail_items(page, items, page->titles + from, n, is_chosen, err);
	if (rc == 0 && page->work->failure.code != BH_OK)
		rc = bh_fail(err, page->work->failure.code, "%s", page->work->failure.text);
	render_release(items, n);
	free(is_chosen);
	free(items);
	return rc;
}

static int
judge_page(struct page *page, struct bh_err *err)
{
	size_t batch = page->work->lane.driver->batch;
	int rc = 0;

	if (batch == 0 || batch > PAGE)
		batch = PAGE;
	for (size_t at = 0; at < page->n && rc == 0; at += batch)
		rc = judge_batch(page, at, page->n - at < batch ? page->n - at : batch, err);
	return rc;
}

/* -- storing -- */

static json_t *
counts_of(const struct preview *preview, size_t place)
{
	return json_object_get(json_array_get(preview->objects, place), "counts");
}

static void
add_numbers(json_t *to, const char *name, int64_t n)
{
	if (n != 0)
		json_object_set_new(to, name,
		    json_integer(json_integer_value(json_object_get(to, name)) + (json_int_t)n));
}

static void
add_counts(const struct page *page, struct preview *preview)
{
	json_t *object = json_array_get(preview->objects, page->place), *n;
	const char *rule;

	for (int i = 0; i < PREVIEW_VERDICT__MAX; i++)
		add_numbers(json_object_get(object, "counts"), verdict_names[i], page->counts[i]);
	json_object_foreach (page->rules, rule, n)
		add_numbers(json_object_get(object, "rules"), rule, json_integer_value(n));
}

static int
put_samples(const struct page *page, struct store_txn *txn, struct bh_err *err)
{
	const char *sync = page->work->code;

	for (int i = 0; i < PREVIEW_VERDICT__MAX; i++) {
		json_t *list;
		int rc;

		if (json_array_size(page->samples[i]) == 0)
			continue;
		rc = preview_samples(txn, sync, page->mapped->name, verdict_names[i], &list, err);
		if (rc < 0)
			return -1;
		if (rc == 0)
			list = json_array();
		json_array_extend(list, page->samples[i]);
		preview_samples_save(txn, sync, page->mapped->name, verdict_names[i], list);
		json_decref(list);
	}
	return 0;
}

static void
put_details(const struct page *page, struct store_txn *txn)
{
	json_t *doc;
	size_t i;

	json_array_foreach (page->details, i, doc) {
		struct preview_object of = {page->mapped->name, bh_json_str(doc, "account"),
		    bh_json_str(doc, "id")};

		preview_detail_save(txn, page->work->code, &of, doc);
	}
}

/* "kind\nobject\naccount\nid": the last part may hold anything. */
static void
put_marks(const struct page *page, struct store_txn *txn)
{
	const char *name;
	json_t *value;

	json_object_foreach (page->work->pending, name, value) {
		char *parts = bh_xstrdup(name), *at = parts, *each[4];

		for (int i = 0; i < 4; i++) {
			each[i] = at;
			at = i < 3 ? strchr(at, '\n') : NULL;
			if (at != NULL)
				*at++ = '\0';
		}
		preview_mark(txn, page->work->code, each[0],
		    &(struct preview_object){each[1], each[2], each[3]}, json_string_value(value));
		free(parts);
	}
}

/* On to the next page, to the next mapped object, or to the end. */
static void
step(const struct page *page, struct preview *preview)
{
	const struct map_object *objects;
	size_t n = map_objects(page->work->sync->map, &objects);

	preview->done += (int64_t)page->read;
	preview->waits_until_ms = preview->failing_ms = 0;
	preview->note[0] = '\0';
	bh_buf_reset(&preview->after);
	if (page->more) {
		bh_buf_add(&preview->after, page->after.data, page->after.len);
		return;
	}
	if (++preview->place < n)
		return;
	preview->state = PREVIEW_DONE;
	preview->ended_ms = bh_now_ms();
	preview->total = preview->done;
}

struct commit {
	struct page *page;
	struct preview *preview; /* as it was read; on success as it is stored */
	int64_t calls;
	bool is_over;
};

/* What it shows has changed, so what is counted already is no part of what would be counted now. */
static int
check_same(struct store_txn *txn, const struct preview_work *work, struct preview *preview,
    struct bh_err *err)
{
	char digest[DRAFT_VERSION_LEN + 1];

	if (preview_digest_now(txn, work->code, digest, err) < 0)
		return -1;
	if (strcmp(digest, preview->digest) == 0)
		return 0;
	preview->state = PREVIEW_FAILED;
	snprintf(preview->note, sizeof(preview->note),
	    "The mapping or the settings were changed meanwhile: begin again.");
	return 1;
}

static int
save_page(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct commit *c = arg;
	const char *sync = c->page->work->code;
	int64_t run = c->preview->run;
	int rc;

	c->is_over = false;
	if (preview_load(txn, sync, c->preview, err) < 0)
		return -1;
	if (c->preview->run != run || c->preview->state != PREVIEW_RUNNING) {
		c->is_over = true;
		return 1;
	}
	c->preview->calls += c->calls;
	rc = check_same(txn, c->page->work, c->preview, err);
	if (rc < 0)
		return -1;
	if (rc == 0) {
		add_counts(c->page, c->preview);
		put_details(c->page, txn);
		put_marks(c->page, txn);
		if (put_samples(c->page, txn, err) < 0)
			return -1;
		step(c->page, c->preview);
	}
	c->is_over = c->preview->state != PREVIEW_RUNNING;
	preview_save(txn, sync, c->preview);
	return 0;
}

static void
open_page(struct page *page, struct preview_work *work, const struct preview *preview)
{
	const struct map_object *objects;
	size_t n = map_objects(work->sync->map, &objects);

	*page = (struct page){.work = work,
	    .place = preview->place,
	    .mapped = &objects[preview->place],
	    .texts = json_array(),
	    .after = BH_BUF_INIT(STORE_KEY_MAX + 1),
	    .rules = json_object(),
	    .details = json_array()};
	bh_buf_add(&page->after, bh_buf_str(&preview->after), preview->after.len);
	for (size_t i = 0; i < n; i++)
		page->is_parent = page->is_parent || is_map_below(work->sync->map, i, page->place);
	for (int i = 0; i < PREVIEW_VERDICT__MAX; i++) {
		page->before[i] = bh_json_int(counts_of(preview, page->place), verdict_names[i], 0);
		page->samples[i] = json_array();
	}
}

static void
close_page(struct page *page)
{
	for (size_t i = 0; i < page->n; i++)
		json_decref(page->titles[i]);
	for (int i = 0; i < PREVIEW_VERDICT__MAX; i++)
		json_decref(page->samples[i]);
	json_decref(page->details);
	json_decref(page->rules);
	json_decref(page->texts);
	bh_buf_release(&page->after);
	free(page->titles);
	free(page->entries);
}

int
preview_page(struct preview_work *work, struct preview *preview, bool *is_over_r,
    struct bh_err *err)
{
	struct commit commit = {.preview = preview};
	struct page page;
	int rc;

	open_page(&page, work, preview);
	work->pending = json_object();
	rc = read_page(&page, err);
	if (rc == 0)
		rc = judge_page(&page, err);
	commit.page = &page;
	commit.calls = work->lane.config.calls - work->calls;
	if (rc == 0)
		rc = store_run(work->context->store, save_page, &commit, NULL, err) < 0 ? -1 : 0;
	if (rc == 0)
		work->calls = work->lane.config.calls;
	*is_over_r = commit.is_over;
	json_decref(work->pending);
	work->pending = NULL;
	close_page(&page);
	return rc;
}

/* -- how many there are -- */

int
preview_count(struct preview_work *work, int64_t *total_r, struct bh_err *err)
{
	struct store_txn *txn = store_begin(work->context->store);
	const struct map_object *objects;
	size_t n = map_objects(work->sync->map, &objects), found;
	int rc = 0;

	*total_r = 0;
	for (size_t i = 0; i < n && rc == 0; i++) {
		enum object_kind kind =
		    objects[i].from == OBJECT_INVOICE_LINE ? OBJECT_INVOICE : objects[i].from;

		if (kind == OBJECT_EVENT)
			continue;
		rc = mirror_count(txn, work->sync->account.from, kind, COUNT_MAX, &found, err);
		*total_r += rc == 0 ? (int64_t)found : 0;
	}
	store_free(&txn);
	return rc;
}
