/*
 * HubSpot: associations of records with their parents, in the largest batches
 * by batch/associate/default, which needs no type ids and may be repeated
 * ("Associations").  The record itself is written by then: when its link
 * fails, its result keeps the HubSpot id and becomes DEST_LATER or
 * DEST_REJECTED with the code ASSOCIATION, so that the caller keeps the id
 * and leaves the parent marked as new.
 *
 * How many pairs a call may hold is not documented: a batch that is refused
 * is halved, at first without counting.
 */
#include "base/base.h"

#include "dest/driver.h"
#include "dest/hubspot.h"

struct pair {
	size_t record;
	const struct record_parent *parent;
};

struct link {
	struct hubspot_work work; /* first: the engine's callbacks get this */
	struct record *const *records;
	struct dest_result *results;
	struct pair *pairs;
	size_t pairs_n, pairs_cap;
};

static const char *
from_id(const struct link *link, size_t at)
{
	return link->results[link->pairs[at].record].remote_id;
}

static const char *
to_id(const struct link *link, size_t at)
{
	return link->pairs[at].parent->remote_id;
}

static json_t *
link_input(struct hubspot_work *work, size_t at)
{
	const struct link *link = (const struct link *)work;

	return json_pack("{s:{s:s}, s:{s:s}}", "from", "id", from_id(link, at), "to", "id",
	    to_id(link, at));
}

/* The caller must know three things: it is written, under which id, and that it is not linked. */
static void
fail_pair(struct link *link, size_t at, const struct hubspot_fault *fault)
{
	const struct record_parent *parent = link->pairs[at].parent;
	struct dest_result *result = &link->results[link->pairs[at].record];
	struct dest_result failed;
	enum dest_outcome outcome = fault->result.outcome;
	char cause[320]; /* cut to its room by dest_result_set() */

	if (result->outcome != DEST_APPLIED && outcome != DEST_REJECTED)
		return;
	if (outcome != DEST_REJECTED && outcome != DEST_AUTH)
		outcome = DEST_LATER;
	snprintf(cause, sizeof(cause), "Written, but not associated with %.40s %.60s: %.120s",
	    parent->object, parent->remote_id, fault->result.cause);
	dest_result_set(&failed, outcome, outcome == DEST_AUTH ? fault->result.code : "ASSOCIATION",
	    cause, fault->result.remedy);
	failed.created = result->created;
	failed.retry_after_s = fault->result.retry_after_s;
	failed.doubtful = fault->result.doubtful;
	memcpy(failed.remote_id, result->remote_id, sizeof(failed.remote_id));
	*result = failed;
}

static void
fail_all(struct link *link, const struct hubspot_batch *batch, const struct hubspot_fault *fault)
{
	for (size_t i = 0; i < batch->n; i++)
		fail_pair(link, batch->at[i], fault);
}

/* The pairs of results[] as members "from>to"; HubSpot lists both directions. */
static json_t *
linked_pairs(const json_t *body)
{
	const json_t *results = json_object_get(body, "results");
	json_t *pairs = json_object();

	for (size_t i = 0; i < json_array_size(results); i++) {
		const json_t *result = json_array_get(results, i);
		char from[32], to[32], pair[64];
		const char *from_text = hubspot_id_text(bh_json_at(result, "from.id"), from);
		const char *to_text = hubspot_id_text(bh_json_at(result, "to.id"), to);

		if (from_text == NULL || to_text == NULL ||
		    strlen(from_text) + strlen(to_text) > 60)
			continue;
		snprintf(pair, sizeof(pair), "%.30s>%.30s", from_text, to_text);
		json_object_set_new(pairs, pair, json_true());
	}
	return pairs;
}

static bool
is_linked(const struct link *link, const json_t *pairs, size_t at)
{
	char pair[160];

	snprintf(pair, sizeof(pair), "%.63s>%.63s", from_id(link, at), to_id(link, at));
	return json_object_get(pairs, pair) != NULL;
}

/* Does the context of an error name one of the two ids? */
static bool
is_named(const struct link *link, const json_t *error, size_t at)
{
	static const char *const members[] = {"id", "ids", "fromObjectId", "toObjectId",
	    "objectId"};
	const json_t *context = json_object_get(error, "context");

	for (size_t i = 0; i < BH_LEN(members); i++) {
		const json_t *names = json_object_get(context, members[i]);

		for (size_t j = 0; j < json_array_size(names); j++) {
			char number[32];
			const char *name = hubspot_id_text(json_array_get(names, j), number);

			if (name != NULL && (strcmp(name, from_id(link, at)) == 0 ||
						strcmp(name, to_id(link, at)) == 0))
				return true;
		}
	}
	return false;
}

static void
fail_missing(struct link *link, const json_t *errors, size_t at)
{
	struct hubspot_fault fault = {0};
	const json_t *error = NULL;

	for (size_t i = 0; i < json_array_size(errors) && error == NULL; i++)
		if (is_named(link, json_array_get(errors, i), at))
			error = json_array_get(errors, i);
	if (error != NULL)
		hubspot_fault_item(&fault, error);
	else
		dest_result_set(&fault.result, DEST_LATER, "",
		    "HubSpot's answer does not mention the pair", "Billhook associates them again");
	fault.result.doubtful = fault.result.outcome == DEST_LATER;
	fail_pair(link, at, &fault);
	hubspot_fault_release(&fault);
}

static void
settle_good(struct link *link, const struct hubspot_batch *batch, const json_t *body)
{
	const json_t *errors = json_object_get(body, "errors");
	json_t *pairs = linked_pairs(body);

	for (size_t i = 0; i < batch->n; i++)
		if (!is_linked(link, pairs, batch->at[i]))
			fail_missing(link, errors, batch->at[i]);
	json_decref(pairs);
}

/* Up to 100 pairs are known to be few enough, so the fault is in a pair: that search is bounded. */
static bool
can_halve(struct link *link, const struct hubspot_batch *batch)
{
	if (batch->n > HUBSPOT_INPUTS)
		return true;
	if (batch->n == 1 || link->work.spare < 2)
		return false;
	link->work.spare -= 2;
	return true;
}

static void
link_settle(struct hubspot_work *work, const struct hubspot_batch *batch,
    const struct hubspot_answer *answer)
{
	struct link *link = (struct link *)work;
	struct hubspot_fault fault;

	if (hubspot_is_good(answer)) {
		settle_good(link, batch, answer->body);
		return;
	}
	hubspot_fault_answer(&fault, answer);
	if (fault.result.outcome == DEST_REJECTED && (fault.flags & FAULT_COMMON) == 0 &&
	    batch->n > 1) {
		if (can_halve(link, batch)) {
			hubspot_work_halve(work, batch);
			hubspot_fault_release(&fault);
			return;
		}
		fault.result.outcome = DEST_LATER;
		fault.result.doubtful = true;
	}
	fail_all(link, batch, &fault);
	hubspot_fault_release(&fault);
}

/* The same pair twice in a record (two mapping rows) is one link. */
static bool
is_repeated(const struct record *record, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(record->parents[i].object, record->parents[at].object) == 0 &&
		    strcmp(record->parents[i].remote_id, record->parents[at].remote_id) == 0)
			return true;
	return false;
}

static void
add_pair(struct link *link, size_t at, const struct record_parent *parent)
{
	char *path = hubspot_path(link->work.talk->config,
	    "/crm/associations/{v}/{a}/{b}/batch/associate/default", link->records[at]->object,
	    parent->object);

	if (link->pairs_n == link->pairs_cap) {
		link->pairs_cap = link->pairs_cap != 0 ? link->pairs_cap * 2 : 64;
		link->pairs = bh_xrealloc(link->pairs, link->pairs_cap * sizeof(link->pairs[0]));
	}
	link->pairs[link->pairs_n] = (struct pair){.record = at, .parent = parent};
	hubspot_work_add(&link->work, path, "", link->pairs_n++);
	free(path);
}

/* A task is made at them. */
static bool
is_linked_already(const struct record *record, const struct dest_result *result,
    const struct record_parent *parent)
{
	return result->created && hubspot_is_task(record->object) && hubspot_is_place(parent);
}

static void
add_parents(struct link *link, size_t at)
{
	const struct record *record = link->records[at];

	for (size_t i = 0; i < record->parents_n; i++) {
		const struct record_parent *parent = &record->parents[i];

		if ((link->results[at].created || parent->is_new) && !is_repeated(record, i) &&
		    !is_linked_already(record, &link->results[at], parent))
			add_pair(link, at, parent);
	}
}

void
hubspot_link(struct hubspot_talk *talk, struct record *const *records, size_t n,
    struct dest_result *results)
{
	struct link link = {
	    .work = {.talk = talk,
		.limit =
		    hubspot_count(talk->config, "assoc_batch", HUBSPOT_LINKS_MAX, HUBSPOT_LINKS),
		.spare = HUBSPOT_SPARE,
		.input = link_input,
		.settle = link_settle},
	    .records = records,
	    .results = results,
	};

	for (size_t i = 0; i < n; i++)
		if (results[i].outcome == DEST_APPLIED && !hubspot_is_event(records[i]->object))
			add_parents(&link, i);
	hubspot_work_run(&link.work);
	free(link.pairs);
}
