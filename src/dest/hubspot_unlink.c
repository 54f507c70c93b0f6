/*
 * HubSpot: associations that no longer hold are taken away, behind those that
 * took their place: all between two records, whatever labels they bear.
 * Batch/archive may be repeated, and does nothing about what is not there; its
 * answer names no pairs.
 */
#include "base/base.h"

#include "dest/driver.h"
#include "dest/hubspot.h"

struct pair {
	size_t record;
	const struct record_former *former;
};

struct unlink {
	struct hubspot_work work; /* first: the engine's callbacks get this */
	struct record *const *records;
	struct dest_result *results;
	struct pair *pairs;
	size_t pairs_n;
};

static json_t *
unlink_input(struct hubspot_work *work, size_t at)
{
	const struct unlink *unlink = (const struct unlink *)work;
	const struct pair *pair = &unlink->pairs[at];

	return json_pack("{s:{s:s}, s:[{s:s}]}", "from", "id",
	    unlink->results[pair->record].remote_id, "to", "id", pair->former->remote_id);
}

/* It is written and associated as it should be; what else it still belongs to, a person can see. */
static void
fail_pair(struct unlink *unlink, size_t at, const struct hubspot_fault *fault)
{
	const struct record_former *former = unlink->pairs[at].former;
	struct dest_result *result = &unlink->results[unlink->pairs[at].record];
	enum dest_outcome outcome = fault->result.outcome;
	char remote_id[sizeof(result->remote_id)], cause[320]; /* cut to its room */
	bool created = result->created;

	if (result->outcome != DEST_APPLIED)
		return;
	memcpy(remote_id, result->remote_id, sizeof(remote_id));
	snprintf(cause, sizeof(cause), "Written, but still associated with %.40s %.60s: %.120s",
	    former->object, former->remote_id, fault->result.cause);
	if (outcome == DEST_REJECTED)
		outcome = DEST_APPLIED;
	else if (outcome != DEST_AUTH)
		outcome = DEST_LATER;
	dest_result_set(result, outcome, outcome == DEST_AUTH ? fault->result.code : "ASSOCIATION",
	    cause, fault->result.remedy);
	result->retry_after_s = fault->result.retry_after_s;
	result->created = created;
	memcpy(result->remote_id, remote_id, sizeof(remote_id));
}

static void
unlink_settle(struct hubspot_work *work, const struct hubspot_batch *batch,
    const struct hubspot_answer *answer)
{
	struct hubspot_fault fault;

	if (hubspot_is_good(answer))
		return;
	hubspot_fault_answer(&fault, answer);
	for (size_t i = 0; i < batch->n; i++)
		fail_pair((struct unlink *)work, batch->at[i], &fault);
	hubspot_fault_release(&fault);
}

static void
add_formers(struct unlink *unlink, size_t at)
{
	const struct record *record = unlink->records[at];

	for (size_t i = 0; i < record->formers_n; i++) {
		const struct record_former *former = &record->formers[i];
		char *path = hubspot_path(unlink->work.talk->config,
		    "/crm/associations/{v}/{a}/{b}/batch/archive", record->object, former->object);

		unlink->pairs[unlink->pairs_n] = (struct pair){at, former};
		hubspot_work_add(&unlink->work, path, "", unlink->pairs_n++);
		free(path);
	}
}

void
hubspot_unlink(struct hubspot_talk *talk, struct record *const *records, size_t n,
    struct dest_result *results)
{
	struct unlink unlink = {
	    .work = {.talk = talk,
		.limit =
		    hubspot_count(talk->config, "assoc_batch", HUBSPOT_LINKS_MAX, HUBSPOT_LINKS),
		.input = unlink_input,
		.settle = unlink_settle},
	    .records = records,
	    .results = results,
	};
	size_t most = 0;

	for (size_t i = 0; i < n; i++)
		most += records[i]->formers_n;
	unlink.pairs = bh_xcalloc(most, sizeof(unlink.pairs[0]));
	for (size_t i = 0; i < n; i++)
		if (results[i].outcome == DEST_APPLIED && !hubspot_is_event(records[i]->object))
			add_formers(&unlink, i);
	hubspot_work_run(&unlink.work);
	free(unlink.pairs);
}
