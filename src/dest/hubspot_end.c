/*
 * End: what became of records that are gone, and how they go.  A merged record answers, read by
 * itself, with the one that it was merged into; batches do not know it.  Records in the
 * recycle bin, where they stay 90 days, are read by asking for archived ones.
 */
#include "base/base.h"

#include "dest/driver.h"
#include "dest/hubspot_look.h"
#include "dest/hubspot_schema.h"

struct pursuit {
	struct dest_config *config;
	struct dest_end *ends;
	size_t n;
	const char *object;  /* whose rows come in */
	enum dest_fate told; /* by a row of the batch */
};

static void
take_row(void *arg, const json_t *row)
{
	struct pursuit *pursuit = arg;
	const char *id = dest_text(row, "id", "");

	for (size_t i = 0; i < pursuit->n; i++) {
		struct dest_end *end = &pursuit->ends[i];

		if (end->fate == DEST_FATE_UNKNOWN && strcmp(end->remote_id, id) == 0 &&
		    strcmp(end->object, pursuit->object) == 0)
			end->fate = pursuit->told;
	}
}

/* Ask for those of an object that are not known yet: rows that come are told's. */
static int
read_batch(struct pursuit *pursuit, const char *object, enum dest_fate told, struct bh_err *err)
{
	json_t *names = json_array(), *ids = json_object();
	const struct hubspot_rows rows = {.object = object,
	    .properties = names,
	    .is_archived = told == DEST_FATE_DELETED,
	    .ids = ids};
	int rc = 0;

	pursuit->object = object;
	pursuit->told = told;
	for (size_t i = 0; i < pursuit->n; i++) {
		const struct dest_end *end = &pursuit->ends[i];

		if (end->fate == DEST_FATE_UNKNOWN && strcmp(end->object, object) == 0)
			json_object_set_new(ids, end->remote_id, json_true());
	}
	if (json_object_size(ids) > 0)
		rc = hubspot_read_rows(pursuit->config, &rows, take_row, pursuit, NULL, err);
	json_decref(names);
	json_decref(ids);
	return rc;
}

/* Each object once. */
static int
read_batches(struct pursuit *pursuit, enum dest_fate told, struct bh_err *err)
{
	for (size_t i = 0; i < pursuit->n; i++) {
		size_t k = 0;

		while (strcmp(pursuit->ends[k].object, pursuit->ends[i].object) != 0)
			k++;
		if (k == i && read_batch(pursuit, pursuit->ends[i].object, told, err) < 0)
			return -1;
	}
	return 0;
}

/* --- one by one --------------------------------------------------------- */

static int
take_answer(struct dest_end *end, const struct http_response *response, struct bh_err *err)
{
	struct hubspot_answer answer;
	const char *id;
	int rc = 0;

	hubspot_answer_read(&answer, response);
	id = dest_text(answer.body, "id", "");
	if (response->status == 404)
		;
	else if (!hubspot_is_good(&answer))
		rc = hubspot_fail(&answer, err);
	else if (!hubspot_is_id(id))
		rc = bh_fail(err, BH_UNAVAILABLE, "HubSpot's answer has no record");
	else if (strcmp(id, end->remote_id) == 0)
		end->fate = DEST_FATE_THERE;
	else {
		end->fate = DEST_FATE_MERGED;
		snprintf(end->survivor_id, sizeof(end->survivor_id), "%s", id);
	}
	hubspot_answer_release(&answer);
	return rc;
}

static int
read_each(struct pursuit *pursuit, struct bh_err *err)
{
	struct hubspot_talk talk = {.config = pursuit->config};
	struct http_request *requests = bh_xcalloc(pursuit->n, sizeof(requests[0]));
	struct http_response *responses = bh_xcalloc(pursuit->n, sizeof(responses[0]));
	size_t *places = bh_xcalloc(pursuit->n, sizeof(places[0])), n = 0;
	int rc = 0;

	for (size_t i = 0; i < pursuit->n; i++) {
		char *path;

		if (pursuit->ends[i].fate != DEST_FATE_UNKNOWN)
			continue;
		path = hubspot_path(pursuit->config, "/crm/objects/{v}/{a}/{b}",
		    pursuit->ends[i].object, pursuit->ends[i].remote_id);
		hubspot_request_init(&requests[n], pursuit->config, "GET", path);
		http_response_init(&responses[n]);
		places[n++] = i;
		free(path);
	}
	hubspot_perform(&talk, requests, responses, n);
	for (size_t i = 0; i < n; i++) {
		if (rc == 0)
			rc = take_answer(&pursuit->ends[places[i]], &responses[i], err);
		http_request_release(&requests[i]);
		http_response_release(&responses[i]);
	}
	free(places);
	free(responses);
	free(requests);
	return rc;
}

int
hubspot_end(struct dest_config *config, struct dest_end *ends, size_t n, struct bh_err *err)
{
	struct pursuit pursuit = {.config = config, .ends = ends, .n = n};
	int rc;

	config->usage.pause_s = 0;
	for (size_t i = 0; i < n; i++) {
		ends[i].fate =
		    hubspot_is_id(ends[i].remote_id) ? DEST_FATE_UNKNOWN : DEST_FATE_GONE;
		ends[i].survivor_id[0] = '\0';
	}
	rc = read_batches(&pursuit, DEST_FATE_THERE, err);
	if (rc == 0)
		rc = read_each(&pursuit, err);
	if (rc == 0)
		rc = read_batches(&pursuit, DEST_FATE_DELETED, err);
	for (size_t i = 0; i < n && rc == 0; i++)
		if (ends[i].fate == DEST_FATE_UNKNOWN)
			ends[i].fate = DEST_FATE_GONE;
	return hubspot_repeatable(rc, err);
}

/* --- removing ----------------------------------------------------------- */

/* At most 100 of one object.  HubSpot answers the same for those that are not there. */
static int
archive_some(struct dest_config *config, struct dest_removal *const *removals, size_t n,
    struct bh_err *err)
{
	json_t *inputs = json_array(), *body;
	char *path =
	    hubspot_path(config, "/crm/objects/{v}/{a}/batch/archive", removals[0]->object, NULL);
	struct hubspot_reply reply;
	int rc;

	for (size_t i = 0; i < n; i++)
		json_array_append_new(inputs, json_pack("{s:s}", "id", removals[i]->remote_id));
	body = json_pack("{s:o}", "inputs", inputs);
	rc = hubspot_try(config, "POST", path, body, &reply, err);
	for (size_t i = 0; i < n && rc == 0; i++) {
		removals[i]->is_gone = reply.refusal.code[0] == '\0';
		snprintf(removals[i]->cause, sizeof(removals[i]->cause), "%.239s",
		    reply.refusal.cause);
	}
	hubspot_reply_release(&reply);
	json_decref(body);
	free(path);
	return rc;
}

/* They go to the recycle bin. */
int
hubspot_remove(struct dest_config *config, struct dest_removal *removals, size_t n,
    struct bh_err *err)
{
	struct dest_removal *some[HUBSPOT_INPUTS];
	bool *is_taken = bh_xcalloc(n + 1, sizeof(is_taken[0]));
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		removals[i].is_gone = is_taken[i] = !hubspot_is_id(removals[i].remote_id);
		removals[i].cause[0] = '\0';
	}
	for (size_t i = 0; i < n && rc == 0;) {
		size_t count = 0;

		for (size_t k = i; k < n && count < HUBSPOT_INPUTS; k++) {
			if (is_taken[k] || strcmp(removals[k].object, removals[i].object) != 0)
				continue;
			is_taken[k] = true;
			some[count++] = &removals[k];
		}
		if (count > 0)
			rc = archive_some(config, some, count, err);
		else
			i++;
	}
	free(is_taken);
	return hubspot_repeatable(rc, err);
}
