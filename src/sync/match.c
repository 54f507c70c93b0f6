/* See match.h. */
#include "base/base.h"

#include "sync/match.h"

#include "base/log.h"
#include "base/text.h"

#define KEY_MAX 1024 /* bytes of a record's key */

/* One question put to the CRM, and whose it is. */
struct ask {
	size_t item;
	enum map_by by;
	char *refused; /* why it cannot be asked; owned */
};

struct round {
	struct render_batch_state *batch;
	unsigned *traits;                /* of each item's object */
	struct map_questions *questions; /* of each item; own the values */
	struct dest_wanted *wanted;
	struct ask *asks;
	struct dest_found *found;
	size_t n;
	json_t *taken; /* "object\nid" of what this batch has adopted: for which key */
};

static unsigned
traits_of(const struct lane *lane, const char *object)
{
	return lane->driver->object_traits != NULL ? lane->driver->object_traits(object) : 0;
}

/* A record that has its id is written by it, where rules or the CRM make that the surer way, or it was adopted. */
static bool
is_by_id(const struct render_item *item, const struct map_object *mapped, unsigned traits)
{
	return mapped->has_match || (traits & DEST_OBJECT_LOOK) != 0 || item->link.how[0] != '\0';
}

static bool
is_to_look(const struct lane *lane, const struct render_item *item, const struct map_object *mapped,
    unsigned traits)
{
	if (item->record->remote_id != NULL || (traits & DEST_OBJECT_EVENT) != 0)
		return false;
	/* A person said that it is a new one. */
	if (item->link.state == LINK_NEW && item->link.how[0] != '\0')
		return (traits & DEST_OBJECT_LOOK) != 0;
	/* An upsert by key needs no look, but whoever only looks wants to know what it would find. */
	return mapped->has_match || mapped->has_shared || (traits & DEST_OBJECT_LOOK) != 0 ||
	       lane->preview != NULL;
}

/* -- asking -- */

static void
add_wanted(struct round *r, size_t item, const struct map_question *question)
{
	const struct record *record = r->batch->items[item].record;
	struct dest_wanted *wanted = &r->wanted[r->n];

	*wanted = (struct dest_wanted){.object = record->object,
	    .key_field = record->key_field,
	    .compare = question->by == MAP_BY_DOMAIN ? DEST_DOMAIN : DEST_EQUAL};
	if (question->by == MAP_BY_KEY) {
		wanted->fields[0] = record->key_field;
		wanted->values[0] = record->key;
		wanted->n = 1;
	}
	for (size_t i = 0; i < question->n; i++) {
		wanted->fields[i] = question->fields[i];
		wanted->values[i] = question->values[i];
		wanted->n = i + 1;
	}
	r->asks[r->n++] = (struct ask){.item = item, .by = question->by};
}

/* A record that carries our key is ours whatever the rules say; asked first unless they place it. */
static void
add_questions(struct round *r, size_t item)
{
	const struct map_questions *questions = &r->questions[item];
	static const struct map_question by_key = {.by = MAP_BY_KEY};
	bool has_key = false;

	for (size_t i = 0; i < questions->n; i++)
		has_key = has_key || questions->items[i].by == MAP_BY_KEY;
	if (!has_key)
		add_wanted(r, item, &by_key);
	for (size_t i = 0; i < questions->n; i++)
		add_wanted(r, item, &questions->items[i]);
}

/* Is this id that of another record of the same object, as of its company where it is a person by now? */
static int
is_id_of_other(const struct round *r, size_t item, const char *remote_id, struct bh_err *err)
{
	const struct render_batch_state *b = r->batch;
	const struct map_object *objects, *mapped = render_mapped(b, item);
	size_t n = map_objects(b->syncs[item]->map, &objects);
	struct store_txn *txn = store_begin(b->lane->context->store);
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		struct link_id id = b->entries[item].id;
		struct link link;

		if (objects[i].from != mapped->from || &objects[i] == mapped)
			continue;
		id.rank = objects[i].rank;
		id.object = objects[i].name;
		rc = link_get(txn, &id, &link, err);
		if (rc > 0)
			rc = strcmp(link.remote_id, remote_id) == 0;
	}
	store_free(&txn);
	return rc;
}

/* What the rules ask for an item, but for ids of which it is known that they are of another object of the CRM. */
static int
ask_rules(struct round *r, size_t item, struct bh_err *err)
{
	const struct render_batch_state *b = r->batch;
	struct map_context context = render_context(b, item);
	struct map_questions *questions = &r->questions[item];
	size_t kept = 0;
	int rc = 0;

	map_questions(b->syncs[item]->map, b->mapped[item], render_id(b, item),
	    b->objects[item].fields, &context, questions);
	for (size_t i = 0; i < questions->n; i++) {
		struct map_question question = questions->items[i];

		if (rc == 0 && question.by == MAP_BY_ID)
			rc = is_id_of_other(r, item, question.values[0], err);
		if (rc > 0)
			map_question_release(&question);
		else
			questions->items[kept++] = question;
		rc = rc < 0 ? -1 : 0;
	}
	questions->n = kept;
	return rc;
}

static int
collect(struct round *r, struct bh_err *err)
{
	const struct render_batch_state *b = r->batch;

	for (size_t i = 0; i < b->n; i++) {
		struct render_item *item = &b->items[i];
		const struct map_object *mapped;

		if (!is_render_sending(item))
			continue;
		mapped = render_mapped(b, i);
		r->traits[i] = traits_of(b->lane, item->record->object);
		if (item->record->remote_id != NULL && is_by_id(item, mapped, r->traits[i]))
			item->record->matched = true;
		if (!is_to_look(b->lane, item, mapped, r->traits[i]))
			continue;
		if (mapped->has_match && ask_rules(r, i, err) < 0)
			return -1;
		add_questions(r, i);
	}
	return 0;
}

static int
call_find(struct lane *lane, const struct dest_wanted *wanted, size_t n, struct dest_found *found,
    struct bh_err *err)
{
	int rc = lane->driver->find(&lane->config, wanted, n, found, err);

	if (rc < 0 && err->code == BH_DENIED && lane_authorize(lane, err) == 0)
		rc = lane->driver->find(&lane->config, wanted, n, found, err);
	return rc;
}

/* Do they name the same object and fields? */
static bool
is_form_same(const struct dest_wanted *a, const struct dest_wanted *b)
{
	if (strcmp(a->object, b->object) != 0 || strcmp(a->key_field, b->key_field) != 0 ||
	    a->compare != b->compare || a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->fields[i], b->fields[i]) != 0)
			return false;
	return true;
}

/* Ask the questions of one form, from the first of them on; those that cannot be asked say why. */
static int
ask_form(struct round *r, size_t first, bool *is_asked, struct bh_err *err)
{
	struct dest_wanted *wanted = bh_xcalloc(r->n, sizeof(wanted[0]));
	struct dest_found *found = bh_xcalloc(r->n, sizeof(found[0]));
	size_t *places = bh_xcalloc(r->n, sizeof(places[0])), n = 0;
	int rc;

	for (size_t i = first; i < r->n; i++) {
		if (is_asked[i] || !is_form_same(&r->wanted[first], &r->wanted[i]))
			continue;
		is_asked[i] = true;
		wanted[n] = r->wanted[i];
		places[n++] = i;
	}
	rc = call_find(r->batch->lane, wanted, n, found, err);
	for (size_t i = 0; i < n && rc == 0; i++)
		r->found[places[i]] = found[i];
	for (size_t i = 0; i < n && rc < 0 && err->code == BH_INVALID; i++)
		r->asks[places[i]].refused = bh_xstrdup(err->text);
	free(places);
	free(found);
	free(wanted);
	return rc < 0 && err->code != BH_INVALID ? -1 : 0;
}

/* A field or object that is not there fails the whole call: then each form is asked by itself. */
static int
ask(struct round *r, struct bh_err *err)
{
	bool *is_asked = bh_xcalloc(r->n, sizeof(is_asked[0]));
	int rc = call_find(r->batch->lane, r->wanted, r->n, r->found, err);

	if (rc < 0 && err->code == BH_INVALID) {
		rc = 0;
		for (size_t i = 0; i < r->n && rc == 0; i++)
			if (!is_asked[i])
				rc = ask_form(r, i, is_asked, err);
	}
	free(is_asked);
	return rc;
}

/* -- judging -- */

static void
say_how(char *out, size_t size, const struct dest_wanted *wanted, enum map_by by)
{
	if (by == MAP_BY_KEY)
		snprintf(out, size, "it carries the key %.100s", wanted->values[0]);
	else if (by == MAP_BY_ID)
		snprintf(out, size, "the billing system names its id");
	else if (wanted->n > 1)
		snprintf(out, size, "%.40s is %.45s, %.30s is %.30s", wanted->fields[0],
		    wanted->values[0], wanted->fields[1], wanted->values[1]);
	else
		snprintf(out, size, "%.60s is %.90s", wanted->fields[0], wanted->values[0]);
	bh_utf8_mend(out, strlen(out) + 1 >= size);
}

static void
say_rule(char *out, size_t size, const struct dest_wanted *wanted, enum map_by by)
{
	if (by == MAP_BY_KEY)
		snprintf(out, size, "its key");
	else if (by == MAP_BY_ID)
		snprintf(out, size, "its id in the CRM");
	else if (wanted->n > 1)
		snprintf(out, size, "%.30s and %.30s", wanted->fields[0], wanted->fields[1]);
	else
		snprintf(out, size, "%.60s", wanted->fields[0]);
	bh_utf8_mend(out, strlen(out) + 1 >= size);
}

static char *
taken_name(const char *object, const char *remote_id)
{
	/* The first 15 characters of a Salesforce id are the id; others are shorter. */
	return bh_xasprintf("%s\n%.15s", object, remote_id);
}

/* What earlier batches would have adopted, had they been sent. */
static void
recall_given(const struct round *r, const char *name)
{
	const struct lane_preview *preview = r->batch->lane->preview;
	struct bh_buf key = BH_BUF_INIT(KEY_MAX);

	if (preview != NULL && json_object_get(r->taken, name) == NULL &&
	    preview->is_given(preview->arg, name, &key))
		json_object_set_new(r->taken, name, bh_json_string(bh_buf_str(&key)));
	bh_buf_release(&key);
}

static bool
is_taken(const struct round *r, const struct record *record, const struct dest_candidate *candidate)
{
	char *name = taken_name(record->object, candidate->remote_id);
	const char *by;

	recall_given(r, name);
	by = json_string_value(json_object_get(r->taken, name));
	free(name);
	if (by != NULL)
		return strcmp(by, record->key) != 0;
	return candidate->key[0] != '\0' && strcmp(candidate->key, record->key) != 0;
}

static void
adopt(struct round *r, struct render_item *item, const struct dest_candidate *candidate,
    const struct dest_wanted *wanted, enum map_by by)
{
	char *name = taken_name(item->record->object, candidate->remote_id);

	json_object_set_new(r->taken, name, bh_json_string(item->record->key));
	free(name);
	item->record->remote_id = bh_xstrdup(candidate->remote_id);
	item->record->matched = true;
	item->is_adopted = true;
	snprintf(item->link.remote_id, sizeof(item->link.remote_id), "%s", candidate->remote_id);
	say_how(item->link.how, sizeof(item->link.how), wanted, by);
	say_rule(item->rule, sizeof(item->rule), wanted, by);
	if (r->batch->lane->preview == NULL)
		bh_log(BH_INFO, "%s %s is %s, found by %s", item->record->object, item->record->key,
		    candidate->remote_id, item->rule);
}

struct keeping {
	const struct link_id *id;
	json_t *list;
};

static int
keep_candidates(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	const struct keeping *k = arg;

	link_candidates_put(txn, k->id, k->list);
	return 0;
}

/* Several may be meant: a person chooses. */
static int
hold_ambiguous(const struct round *r, struct render_item *item, const struct dest_found *found,
    const struct dest_wanted *wanted, enum map_by by, struct bh_err *err)
{
	struct keeping k = {&item->entry->id, json_array()};
	char why[160];
	size_t n = 0;
	int rc = 0;

	say_how(why, sizeof(why), wanted, by);
	for (size_t i = 0; i < found->n; i++) {
		if (is_taken(r, item->record, &found->items[i]))
			continue;
		json_array_append_new(k.list,
		    json_pack("{s:s, s:o, s:o, s:o}", "remote_id", found->items[i].remote_id,
			"name", bh_json_string(found->items[i].name), "key",
			bh_json_string(found->items[i].key), "why", bh_json_string(why)));
		n++;
	}
	item->verdict = RENDER_BROKEN;
	snprintf(item->link.code, sizeof(item->link.code), LINK_AMBIGUOUS);
	snprintf(item->link.cause, sizeof(item->link.cause), "%zu%s records match: %s", n,
	    found->more ? " or more" : "", why);
	snprintf(item->link.remedy, sizeof(item->link.remedy),
	    "Choose the right one, or say that a new one is to be made.");
	if (r->batch->lane->preview != NULL)
		item->candidates = json_incref(k.list);
	else
		rc = store_run(r->batch->lane->context->store, keep_candidates, &k, NULL, err);
	json_decref(k.list);
	return rc < 0 ? -1 : 0;
}

/* The id that the billing system holds belongs to the record of another object. */
static void
hold_taken(struct render_item *item, const struct dest_candidate *candidate)
{
	item->verdict = RENDER_BROKEN;
	snprintf(item->link.code, sizeof(item->link.code), "TAKEN");
	snprintf(item->link.cause, sizeof(item->link.cause),
	    "the billing system names the record %s, which belongs to %.100s", candidate->remote_id,
	    candidate->key);
	snprintf(item->link.remedy, sizeof(item->link.remedy),
	    "Correct the id at the billing system, or take the key off the record in the CRM.");
}

/* What would decide cannot be asked. */
static void
hold_refused(struct render_item *item, const char *why)
{
	item->verdict = RENDER_BROKEN;
	snprintf(item->link.code, sizeof(item->link.code), "MATCH");
	snprintf(item->link.cause, sizeof(item->link.cause), "%s", why);
	snprintf(item->link.remedy, sizeof(item->link.remedy),
	    "Install what is missing in the CRM, or change the matching rules; then retry.");
}

/* One answer: 1 it decides, 0 the next rule does, -1. */
static int
judge_answer(struct round *r, size_t at, struct bh_err *err)
{
	struct render_item *item = &r->batch->items[r->asks[at].item];
	const struct dest_found *found = &r->found[at];
	const struct dest_candidate *one = NULL;
	size_t free_n = 0;

	if (r->asks[at].refused != NULL) {
		hold_refused(item, r->asks[at].refused);
		return 1;
	}
	for (size_t i = 0; i < found->n; i++) {
		if (is_taken(r, item->record, &found->items[i]))
			continue;
		one = &found->items[i];
		free_n++;
	}
	if (free_n == 1 && !found->more) {
		adopt(r, item, one, &r->wanted[at], r->asks[at].by);
		return 1;
	}
	if (free_n > 0)
		return hold_ambiguous(r, item, found, &r->wanted[at], r->asks[at].by, err) < 0 ? -1
											       : 1;
	if (found->n > 0 && r->asks[at].by == MAP_BY_ID) {
		hold_taken(item, &found->items[0]);
		return 1;
	}
	return 0;
}

static void
judge_unmatched(struct render_item *item, const struct map_object *mapped)
{
	if (mapped->create == MAP_CREATE)
		return;
	item->verdict = RENDER_UNMATCHED;
	snprintf(item->link.code, sizeof(item->link.code), LINK_NO_MATCH);
	snprintf(item->link.cause, sizeof(item->link.cause),
	    "no %.80s matches, and the sync makes none", item->record->object);
	snprintf(item->link.remedy, sizeof(item->link.remedy), "%s",
	    mapped->create == MAP_WAIT
		? "Make it in the CRM: it is looked for once an hour."
		: "Store the record's id at the billing system, or link it by hand.");
}

static int
judge(struct round *r, struct bh_err *err)
{
	for (size_t at = 0; at < r->n;) {
		size_t item = r->asks[at].item;
		int decided = 0;

		for (; at < r->n && r->asks[at].item == item; at++) {
			if (decided == 0)
				decided = judge_answer(r, at, err);
			if (decided < 0)
				return -1;
		}
		if (decided == 0)
			judge_unmatched(&r->batch->items[item], render_mapped(r->batch, item));
	}
	return 0;
}

/* A CRM where nothing can be looked for: what must not be made is not made there either. */
static void
judge_unasked(const struct render_batch_state *batch)
{
	for (size_t i = 0; i < batch->n; i++)
		if (is_render_sending(&batch->items[i]) &&
		    is_to_look(batch->lane, &batch->items[i], render_mapped(batch, i), 0))
			judge_unmatched(&batch->items[i], render_mapped(batch, i));
}

int
match_items(struct render_batch_state *batch, struct bh_err *err)
{
	size_t most = batch->n * (MAP_RULES + 1);
	struct round r = {.batch = batch};
	struct bh_err why = BH_ERR_INIT;
	int rc = 0;

	if (batch->lane->driver->find == NULL) {
		judge_unasked(batch);
		return 0;
	}
	r.traits = bh_xcalloc(batch->n, sizeof(r.traits[0]));
	r.questions = bh_xcalloc(batch->n, sizeof(r.questions[0]));
	r.wanted = bh_xcalloc(most, sizeof(r.wanted[0]));
	r.asks = bh_xcalloc(most, sizeof(r.asks[0]));
	r.taken = json_object();
	rc = collect(&r, err);
	if (rc == 0 && r.n != 0) {
		r.found = bh_xcalloc(r.n, sizeof(r.found[0]));
		rc = ask(&r, &why);
		if (rc == 0)
			rc = judge(&r, err);
		else if (err != NULL)
			*err = why;
	}
	for (size_t i = 0; i < batch->n; i++)
		map_questions_release(&r.questions[i]);
	for (size_t i = 0; i < r.n; i++)
		free(r.asks[i].refused);
	free(r.found);
	json_decref(r.taken);
	free(r.asks);
	free(r.wanted);
	free(r.questions);
	free(r.traits);
	return rc;
}
