/*
 * Tasks.  HubSpot documents no properties of one's own on them, so nothing says
 * that a task can be upserted by a key.  Where a mapping names HUBSPOT_BODY_KEY
 * as the key, it stands in the last line of the task's body:
 *
 *   <br>[Billhook stripe:in_1]
 *
 * and a task is made together with its associations.  Before one is made, those
 * that stand at the same company, contact or deal are read: whoever lost the answer
 * finds it there.  These reads are current; a search would lag behind by seconds,
 * and make the task a second time.
 */
#include "base/base.h"

#include "base/text.h"
#include "dest/driver.h"
#include "dest/hubspot_look.h"

#define BODY "hs_task_body"
#define MARK "[Billhook "
#define BREAK "<br>"
#define PAGES_MAX 200 /* of 500 tasks each, that one record may have */

/* Where tasks may stand, and the type of the association ("Associations", HubSpot's own types). */
static const struct {
	const char *type;
	int association;
} places[] = {{"company", 192}, {"contact", 204}, {"deal", 216}};

bool
hubspot_is_task(const char *object)
{
	return hubspot_is_type(object, "task");
}

bool
hubspot_is_in_body(const char *object, const char *key_field)
{
	return key_field != NULL && strcmp(key_field, HUBSPOT_BODY_KEY) == 0 &&
	       hubspot_is_task(object);
}

/* --- the body ----------------------------------------------------------- */

/* Nothing in it ends the mark, and nothing in it is HTML. */
static void
add_mark(struct bh_buf *out, const char *key)
{
	bh_buf_adds(out, MARK);
	for (const char *s = key; *s != '\0'; s++) {
		if (strchr(":/", *s) != NULL)
			bh_buf_addc(out, *s);
		else
			bh_percent_add(out, s, 1);
	}
	bh_buf_addc(out, ']');
}

json_t *
hubspot_body_with_key(const char *text, const char *key)
{
	struct bh_buf body = BH_BUF_INIT((size_t)4 << 20);
	json_t *json;

	if (text != NULL && *text != '\0')
		bh_buf_addf(&body, "%s" BREAK, text);
	add_mark(&body, key);
	json = bh_json_string(bh_buf_str(&body));
	bh_buf_release(&body);
	return json;
}

/* The last mark; NULL. */
static const char *
find_mark(const char *text)
{
	const char *mark = NULL;

	for (const char *s = strstr(text, MARK); s != NULL; s = strstr(s + 1, MARK))
		if (strchr(s, ']') != NULL)
			mark = s;
	return mark;
}

void
hubspot_key_in_body(const char *text, char *out, size_t size)
{
	const char *mark = text != NULL ? find_mark(text) : NULL;
	struct bh_buf key = BH_BUF_INIT((size_t)4 << 20);

	if (mark != NULL) {
		mark += strlen(MARK);
		bh_percent_decode(&key, mark, strcspn(mark, "]"), false);
	}
	dest_copy(out, size, bh_buf_str(&key));
	bh_buf_release(&key);
}

json_t *
hubspot_body_without_key(const char *text)
{
	static const char *const breaks[] = {BREAK, "<br/>", "<br />"};
	const char *mark = find_mark(text);
	size_t len = mark != NULL ? (size_t)(mark - text) : strlen(text);

	for (size_t i = 0; mark != NULL && i < BH_LEN(breaks); i++) {
		size_t cut = strlen(breaks[i]);

		if (len >= cut && strncmp(text + len - cut, breaks[i], cut) == 0) {
			len -= cut;
			break;
		}
	}
	return len > 0 ? json_stringn(text, len) : json_null();
}

/* --- where it stands ---------------------------------------------------- */

/* The row of places for a parent; BH_LEN(places) for none. */
static size_t
place_of(const struct record_parent *parent)
{
	size_t at = 0;

	while (at < BH_LEN(places) && !hubspot_is_type(parent->object, places[at].type))
		at++;
	return at;
}

bool
hubspot_is_place(const struct record_parent *parent)
{
	return place_of(parent) < BH_LEN(places);
}

json_t *
hubspot_task_places(const struct record *record)
{
	json_t *list = json_array();

	for (size_t i = 0; i < record->parents_n; i++) {
		const struct record_parent *parent = &record->parents[i];

		if (hubspot_is_place(parent))
			json_array_append_new(list,
			    json_pack("{s:{s:s}, s:[{s:s, s:i}]}", "to", "id", parent->remote_id,
				"types", "associationCategory", "HUBSPOT_DEFINED",
				"associationTypeId", places[place_of(parent)].association));
	}
	return list;
}

/* Any of them will do: a task is made at all of them at once. */
static const struct record_parent *
first_place(const struct record *record)
{
	for (size_t i = 0; i < record->parents_n; i++)
		if (hubspot_is_place(&record->parents[i]))
			return &record->parents[i];
	return NULL;
}

/* --- looking ------------------------------------------------------------ */

/* A page of the tasks that stand at a record. */
struct page {
	char id[32], after[32]; /* "": the first page */
	int number;
};

struct hunt {
	struct hubspot_work work; /* first: the engine's callbacks get this */
	struct record *const *records;
	struct dest_result *results;
	json_t *asked; /* "path id" of the records whose tasks are asked for */
	json_t *keys;  /* of the tasks looked for: the number of the record */
	json_t *tasks; /* ids of those that are there */
	struct page *pages;
	size_t pages_n, pages_cap;
	struct bh_err err; /* the first failure */
};

static json_t *
hunt_input(struct hubspot_work *work, size_t at)
{
	const struct page *page = &((const struct hunt *)work)->pages[at];

	if (page->after[0] == '\0')
		return json_pack("{s:s}", "id", page->id);
	return json_pack("{s:s, s:s}", "id", page->id, "after", page->after);
}

static void
add_page(struct hunt *hunt, const char *path, const char *id, const char *after, int number)
{
	struct page *page;

	if (strlen(id) >= sizeof(page->id) || strlen(after) >= sizeof(page->after) ||
	    number > PAGES_MAX) {
		bh_fail(&hunt->err, BH_INVALID,
		    "the tasks that stand at HubSpot's record %.30s cannot be looked through", id);
		return;
	}
	if (hunt->pages_n == hunt->pages_cap) {
		hunt->pages_cap = hunt->pages_cap != 0 ? hunt->pages_cap * 2 : 64;
		hunt->pages = bh_xrealloc(hunt->pages, hunt->pages_cap * sizeof(hunt->pages[0]));
	}
	page = &hunt->pages[hunt->pages_n];
	page->number = number;
	snprintf(page->id, sizeof(page->id), "%s", id);
	snprintf(page->after, sizeof(page->after), "%s", after);
	hubspot_work_add(&hunt->work, path, "", hunt->pages_n++);
}

/* The page that a result continues. */
static int
number_of(const struct hunt *hunt, const struct hubspot_batch *batch, const char *id)
{
	for (size_t i = 0; i < batch->n; i++)
		if (strcmp(hunt->pages[batch->at[i]].id, id) == 0)
			return hunt->pages[batch->at[i]].number;
	return PAGES_MAX;
}

static void
take_tasks(struct hunt *hunt, const struct hubspot_batch *batch, const json_t *result)
{
	const json_t *to = json_object_get(result, "to");
	const char *after = bh_json_str(result, "paging.next.after"), *id;
	char number[32];

	for (size_t i = 0; i < json_array_size(to); i++) {
		id = hubspot_id_text(json_object_get(json_array_get(to, i), "toObjectId"), number);
		if (id != NULL && hubspot_is_id(id))
			json_object_set_new(hunt->tasks, id, json_true());
	}
	id = hubspot_id_text(bh_json_at(result, "from.id"), number);
	if (after != NULL && id != NULL)
		add_page(hunt, batch->path, id, after, number_of(hunt, batch, id) + 1);
}

/* A record at which no task stands is told as an error that is none. */
static void
take_errors(struct hunt *hunt, const json_t *errors)
{
	for (size_t i = 0; i < json_array_size(errors) && hunt->err.code == BH_OK; i++) {
		const json_t *error = json_array_get(errors, i);
		struct hubspot_fault fault;

		if (strcmp(dest_text(error, "category", ""), "OBJECT_NOT_FOUND") == 0)
			continue;
		hubspot_fault_item(&fault, error);
		dest_result_fail(&fault.result,
		    fault.result.outcome == DEST_LATER ? BH_UNAVAILABLE : BH_INVALID, &hunt->err);
		hubspot_fault_release(&fault);
	}
}

static void
hunt_settle(struct hubspot_work *work, const struct hubspot_batch *batch,
    const struct hubspot_answer *answer)
{
	struct hunt *hunt = (struct hunt *)work;
	const json_t *results = json_object_get(answer->body, "results");

	if (hunt->err.code != BH_OK)
		return;
	if (!hubspot_is_good(answer)) {
		hubspot_fail(answer, &hunt->err);
		return;
	}
	if (!json_is_array(results))
		bh_fail(&hunt->err, BH_UNAVAILABLE, "HubSpot's answer tells no associations");
	for (size_t i = 0; i < json_array_size(results); i++)
		take_tasks(hunt, batch, json_array_get(results, i));
	take_errors(hunt, json_object_get(answer->body, "errors"));
}

/* Written by its id from now on, as if a match had said so. */
static void
take_row(void *arg, const json_t *row)
{
	struct hunt *hunt = arg;
	const char *id = dest_text(row, "id", "");
	const json_t *at;
	struct record *record;
	char key[512];

	hubspot_key_in_body(hubspot_value_of(row, BODY), key, sizeof(key));
	at = json_object_get(hunt->keys, key);
	if (at == NULL || !hubspot_is_id(id))
		return;
	record = hunt->records[json_integer_value(at)];
	if (record->remote_id != NULL)
		return;
	record->remote_id = bh_xstrdup(id);
	record->matched = true;
}

static void
read_tasks(struct hunt *hunt)
{
	json_t *properties = json_pack("[s]", BODY);
	const struct hubspot_rows rows = {.object = "tasks",
	    .properties = properties,
	    .ids = hunt->tasks};

	if (hunt->err.code == BH_OK && json_object_size(hunt->tasks) > 0)
		hubspot_read_rows(hunt->work.talk->config, &rows, take_row, hunt, NULL, &hunt->err);
	json_decref(properties);
}

/* Nobody can tell whether it is there: it is not made. */
static void
fail_hunt(struct hunt *hunt)
{
	enum bh_code code = hunt->err.code;
	enum dest_outcome outcome = code == BH_INVALID  ? DEST_REJECTED
				    : code == BH_DENIED ? DEST_AUTH
							: DEST_LATER;
	const char *key;
	json_t *at;

	json_object_foreach (hunt->keys, key, at) {
		struct dest_result *result = &hunt->results[json_integer_value(at)];

		dest_result_set(result, outcome, "TASKS_UNSEEN", hunt->err.text,
		    outcome == DEST_REJECTED
			? "Correct what the text says in HubSpot, then retry"
			: "Billhook looks again by itself whether the task is there");
		result->retry_after_s = hunt->err.retry_after_s;
	}
	if (outcome != DEST_REJECTED && hunt->work.talk->stop.code == BH_OK)
		hunt->work.talk->stop = hunt->err;
}

static void
ask_for(struct hunt *hunt, size_t at)
{
	const struct record *record = hunt->records[at];
	const struct record_parent *place = first_place(record);
	char *path, *name;

	json_object_set_new(hunt->keys, record->key, json_integer((json_int_t)at));
	path = hubspot_path(hunt->work.talk->config, "/crm/associations/{v}/{a}/{b}/batch/read",
	    place->object, "tasks");
	name = bh_xasprintf("%s %s", path, place->remote_id);
	if (json_object_get(hunt->asked, name) == NULL) {
		json_object_set_new(hunt->asked, name, json_true());
		add_page(hunt, path, place->remote_id, "", 1);
	}
	free(name);
	free(path);
}

static bool
is_to_look(const struct record *record, const struct dest_result *result)
{
	return result->outcome == DEST_UNKNOWN && record->remote_id == NULL &&
	       hubspot_is_in_body(record->object, record->key_field);
}

/* A task that stands nowhere could not be found again. */
static bool
has_place(const struct record *record, struct dest_result *result)
{
	if (first_place(record) != NULL)
		return true;
	dest_result_set(result, DEST_REJECTED, "NO_PLACE",
	    "The task stands at no company, contact or deal, so that it could not be found again",
	    "Name one of them as the task's parent in the mapping");
	return false;
}

void
hubspot_look_for_tasks(struct hubspot_talk *talk, struct record *const *records, size_t n,
    struct dest_result *results)
{
	struct hunt hunt = {
	    .work = {.talk = talk,
		.limit = hubspot_count(talk->config, "assoc_batch", HUBSPOT_LINKS, HUBSPOT_LINKS),
		.input = hunt_input,
		.settle = hunt_settle},
	    .records = records,
	    .results = results,
	    .asked = json_object(),
	    .keys = json_object(),
	    .tasks = json_object(),
	};

	for (size_t i = 0; i < n; i++)
		if (is_to_look(records[i], &results[i]) && has_place(records[i], &results[i]))
			ask_for(&hunt, i);
	hubspot_work_run(&hunt.work);
	read_tasks(&hunt);
	if (hunt.err.code != BH_OK)
		fail_hunt(&hunt);
	json_decref(hunt.asked);
	json_decref(hunt.keys);
	json_decref(hunt.tasks);
	free(hunt.pages);
}
