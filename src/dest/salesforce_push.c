/*
 * Push: records become collections of up to 200 rows of one object, and up to
 * five collections travel in one composite call, which counts as one call of
 * the org's allowance.  What the org's triggers cannot do in time for so many
 * rows is sent in smaller collections (config->slice).
 *
 * Everything but a lost answer gives each record its own verdict: HTTP 200
 * means nothing here.
 */
#include "base/base.h"

#include "dest/salesforce_push.h"

#include "base/text.h"

#define BODY_BYTES_MAX ((size_t)8 * 1000 * 1000)
#define SILENT_S 10  /* pause when nobody can be reached */
#define GOOD_CALLS 3 /* so many full ones in a row, and collections may grow */

/* --- requests ----------------------------------------------------------- */

/* Inserts and events are posted; the rest is patched. */
static const char *
method_of(const struct slot *slot)
{
	return slot->way == SALESFORCE_INSERT ? "POST" : "PATCH";
}

static void
add_path(struct bh_buf *out, const struct plan *plan, const struct slot *slot)
{
	bh_buf_addf(out, "/services/data/v%s/composite/sobjects", salesforce_version(plan->config));
	if (slot->way != SALESFORCE_UPSERT)
		return;
	bh_buf_addc(out, '/');
	bh_percent_add(out, slot->object, strlen(slot->object));
	bh_buf_addc(out, '/');
	bh_percent_add(out, slot->key_field, strlen(slot->key_field));
}

/* allOrNone false: one bad row must not take the others with it. */
static void
add_collection(struct bh_buf *out, const struct plan *plan, const struct slot *slot)
{
	bh_buf_adds(out, "{\"allOrNone\":false,\"records\":[");
	for (size_t i = 0; i < slot->rows_n; i++) {
		const struct bh_buf *row = &plan->bodies[slot->rows[i]];

		if (i > 0)
			bh_buf_addc(out, ',');
		bh_buf_add(out, row->data, row->len);
	}
	bh_buf_adds(out, "]}");
}

/* collateSubrequests false: else the server may reorder, and children would come before parents. */
static void
add_composite(struct bh_buf *out, const struct plan *plan, size_t first, size_t count)
{
	bh_buf_adds(out,
	    "{\"allOrNone\":false,\"collateSubrequests\":false,\"compositeRequest\":[");
	for (size_t i = 0; i < count; i++) {
		const struct slot *slot = &plan->slots[first + i];

		bh_buf_addf(out, "%s{\"method\":\"%s\",\"url\":\"", i > 0 ? "," : "",
		    method_of(slot));
		add_path(out, plan, slot);
		bh_buf_addf(out, "\",\"referenceId\":\"c%zu\",\"body\":", i);
		add_collection(out, plan, slot);
		bh_buf_addc(out, '}');
	}
	bh_buf_adds(out, "]}");
}

/* --- verdicts ----------------------------------------------------------- */

/* An event is a success although its errors hold OPERATION_ENQUEUED (platform events guide). */
static bool
is_written(const json_t *row)
{
	const char *id = bh_json_str(row, "id");

	return bh_is_json_true(row, "success") && id != NULL && id[0] != '\0' &&
	       strlen(id) < sizeof(((struct dest_result *)NULL)->remote_id);
}

/* A refusal, of one row or of the whole collection that it stood in. */
static void
note_refusal(struct plan *plan, const struct slot *slot, size_t index, int status,
    const json_t *error)
{
	struct dest_result *result = &plan->results[index];
	unsigned hints = salesforce_hints(status, error);

	if ((hints & SALESFORCE_SLOW) != 0) {
		plan->is_slow = true;
		/* In smaller collections it may well succeed: what fails alone is in doubt. */
		if (slot->rows_n > 1)
			result->doubtful = false;
	}
	if (result->outcome != DEST_REJECTED)
		return;
	if (slot->way == SALESFORCE_UPDATE && (hints & SALESFORCE_GONE) != 0)
		dest_copy(result->code, sizeof(result->code), "GONE");
	else if (plan->mends != NULL)
		salesforce_mend_note(&plan->mends[index], plan->records[index], error);
}

static void
settle_row(struct plan *plan, const struct slot *slot, size_t index, int status, const json_t *row)
{
	struct dest_result *result = &plan->results[index];
	const json_t *error = json_object_get(row, "errors");
	int pause_s;

	if (is_written(row)) {
		dest_result_set(result, DEST_APPLIED, "", "", "");
		dest_copy(result->remote_id, sizeof(result->remote_id), bh_json_str(row, "id"));
		/* Only upserts say so. */
		result->created = slot->way == SALESFORCE_INSERT || bh_is_json_true(row, "created");
		return;
	}
	if (!json_is_false(json_object_get(row, "success"))) {
		dest_result_set(result, DEST_UNCERTAIN, "NO_RESULT",
		    "Salesforce's answer holds no result for this record",
		    "Billhook sends it again.");
		return;
	}
	pause_s = salesforce_explain(result, status, error, plan->records[index]->object);
	if (pause_s > plan->config->usage.pause_s)
		plan->config->usage.pause_s = pause_s;
	note_refusal(plan, slot, index, status, error);
}

/* The same verdict for all rows of a collection. */
static void
settle_all(struct plan *plan, const struct slot *slot, const struct dest_result *result)
{
	for (size_t i = 0; i < slot->rows_n; i++)
		plan->results[slot->rows[i]] = *result;
}

/* One collection's answer: an array of results in the order of the rows, or an error. */
static void
settle_slot(struct plan *plan, const struct slot *slot, const struct salesforce_answer *answer)
{
	struct dest_result result;
	int status = answer->response.status;

	if (status >= 200 && status < 300) {
		for (size_t i = 0; i < slot->rows_n; i++)
			settle_row(plan, slot, slot->rows[i], status,
			    json_array_get(answer->json, i));
		return;
	}
	salesforce_explain_call(plan->config, answer, slot->object, &result);
	settle_all(plan, slot, &result);
	for (size_t i = 0; i < slot->rows_n; i++)
		note_refusal(plan, slot, slot->rows[i], status, answer->json);
}

/* The sub-answer with this referenceId; the answer's order may differ from the request's. */
static const json_t *
find_part(const json_t *parts, size_t number)
{
	char wanted[24];

	snprintf(wanted, sizeof(wanted), "c%zu", number);
	for (size_t i = 0; i < json_array_size(parts); i++) {
		const json_t *part = json_array_get(parts, i);
		const char *id = bh_json_str(part, "referenceId");

		if (id != NULL && strcmp(id, wanted) == 0)
			return part;
	}
	return NULL;
}

/* A part without referenceId speaks for the whole call ("can't contain more than 25 operations"). */
static const json_t *
find_refusal(const json_t *parts)
{
	const json_t *part = json_array_get(parts, 0);

	if (json_array_size(parts) == 1 && json_is_null(json_object_get(part, "referenceId")))
		return part;
	return NULL;
}

static void
settle_composite(struct plan *plan, size_t first, size_t count,
    const struct salesforce_answer *answer)
{
	const json_t *parts = json_object_get(answer->json, "compositeResponse");

	for (size_t i = 0; i < count; i++) {
		const json_t *part = find_part(parts, i);
		struct salesforce_answer inner = {.json = NULL};

		if (part == NULL)
			part = find_refusal(parts);
		/* Borrowed; with no part at all every row is "no result". */
		inner.json = json_object_get(part, "body");
		inner.response.status =
		    part != NULL ? (int)bh_json_int(part, "httpStatusCode", 0) : 200;
		settle_slot(plan, &plan->slots[first + i], &inner);
	}
}

/* No answer at all. */
static void
explain_silence(struct dest_config *config, const struct bh_err *err, struct dest_result *result)
{
	if (err->code == BH_DENIED)
		dest_result_set(result, DEST_AUTH, "NO_TOKEN", err->text,
		    "Nothing is to be done: Billhook asks for a token.");
	else if (err->code == BH_UNAVAILABLE) {
		dest_result_set(result, DEST_LATER, "NO_CONNECTION", err->text,
		    "Nothing is to be done: Billhook tries again.");
		result->retry_after_s = config->usage.pause_s = SILENT_S;
	} else
		dest_result_set(result, DEST_UNCERTAIN, "NO_ANSWER", err->text,
		    "Nothing is to be done: Billhook sends the same again.");
}

/*
 * Would a further call fail as well?  It would when the token is dead or all
 * calls must pause.  Then *stop_r tells why.
 */
static bool
must_stop(const struct plan *plan, size_t first, size_t count, struct dest_result *stop_r)
{
	for (size_t i = first; i < first + count; i++) {
		const struct slot *slot = &plan->slots[i];

		for (size_t k = 0; k < slot->rows_n; k++) {
			*stop_r = plan->results[slot->rows[k]];
			if (stop_r->outcome == DEST_AUTH)
				return true;
			if (plan->config->usage.pause_s > 0 &&
			    stop_r->retry_after_s == plan->config->usage.pause_s)
				return true;
		}
	}
	return false;
}

static void
add_call(struct bh_buf *path, struct bh_buf *body, const struct plan *plan, size_t first,
    size_t count)
{
	if (count == 1) {
		add_path(path, plan, &plan->slots[first]);
		add_collection(body, plan, &plan->slots[first]);
	} else {
		bh_buf_addf(path, "/services/data/v%s/composite", salesforce_version(plan->config));
		add_composite(body, plan, first, count);
	}
}

bool
salesforce_send(struct plan *plan, size_t first, size_t count, struct dest_result *stop_r)
{
	struct bh_buf path = BH_BUF_INIT(8192), body = BH_BUF_INIT(BODY_BYTES_MAX);
	struct salesforce_answer answer;
	struct bh_err err = BH_ERR_INIT;
	bool goes_on = false;

	plan->is_slow = false;
	add_call(&path, &body, plan, first, count);
	if (salesforce_call(plan->config, count == 1 ? method_of(&plan->slots[first]) : "POST",
		bh_buf_str(&path), &body, &answer, &err) < 0) {
		explain_silence(plan->config, &err, stop_r);
		plan->is_slow = stop_r->outcome == DEST_UNCERTAIN;
		for (size_t i = first; i < first + count; i++)
			settle_all(plan, &plan->slots[i], stop_r);
	} else {
		if (count > 1 && answer.response.status == 200)
			settle_composite(plan, first, count, &answer);
		else
			for (size_t i = first; i < first + count; i++)
				settle_slot(plan, &plan->slots[i], &answer);
		goes_on = !must_stop(plan, first, count, stop_r);
	}
	salesforce_answer_release(&answer);
	bh_buf_release(&path);
	bh_buf_release(&body);
	return goes_on;
}

/* Collections that were not sent: nothing of them is written. */
static void
hold_back(struct plan *plan, size_t first, const struct dest_result *stop)
{
	struct dest_result result = *stop;

	if (result.outcome != DEST_AUTH)
		result.outcome = DEST_LATER;
	for (size_t i = first; i < plan->slots_n; i++)
		settle_all(plan, &plan->slots[i], &result);
}

/* --- how large collections are ------------------------------------------ */

/* Rows of the largest collection of a call. */
static size_t
largest(const struct plan *plan, size_t first, size_t count)
{
	size_t rows = 0;

	for (size_t i = first; i < first + count; i++) {
		if (plan->slots[i].rows_n > rows)
			rows = plan->slots[i].rows_n;
	}
	return rows;
}

static size_t
grown(size_t slice, size_t part)
{
	size_t more = slice / part > 0 ? slice / part : 1;

	return slice + more < SALESFORCE_ROWS_MAX ? slice + more : SALESFORCE_ROWS_MAX;
}

/* The slice after a call: half of it where that took too long, half as much again after good ones. */
static size_t
next_slice(struct plan *plan, size_t rows)
{
	if (plan->is_slow) {
		plan->good_calls = 0;
		/* Single rows cannot be divided: their number is not to blame. */
		return rows > 1 && plan->slice > 1 ? plan->slice / 2 : plan->slice;
	}
	if (rows < plan->slice || ++plan->good_calls < GOOD_CALLS)
		return plan->slice;
	plan->good_calls = 0;
	return grown(plan->slice, 2);
}

static void
adapt(struct plan *plan, size_t first, size_t count)
{
	size_t slice = next_slice(plan, largest(plan, first, count));

	if (slice == plan->slice)
		return;
	plan->slice = plan->config->slice = slice;
	salesforce_plan_again(plan, first + count);
}

/* Send everything; false when a call told to stop. */
static bool
has_sent_all(struct plan *plan)
{
	size_t start = plan->slice, next = 0;
	struct dest_result stop;
	bool goes_on = true;

	while (goes_on && next < plan->slots_n) {
		size_t count = salesforce_plan_count(plan, next);

		goes_on = salesforce_send(plan, next, count, &stop);
		if (goes_on || plan->is_slow)
			adapt(plan, next, count);
		next += count;
	}
	if (!goes_on)
		hold_back(plan, next, &stop);
	/* Most pushes make fewer calls than it takes to grow above: they grow more slowly. */
	else if (plan->good_calls > 0 && plan->slice == start && start < SALESFORCE_ROWS_MAX)
		plan->config->slice = grown(start, 4);
	return goes_on;
}

void
salesforce_push(struct dest_config *config, struct record *const *records, size_t n,
    struct dest_result *results)
{
	struct plan plan = {.config = config,
	    .records = records,
	    .n = n,
	    .second = n,
	    .results = results,
	    .slice = SALESFORCE_ROWS_MAX,
	    .mends = bh_xcalloc(n + 1, sizeof(struct mend))};
	bool goes_on;

	if (config->slice > 0 && config->slice < SALESFORCE_ROWS_MAX)
		plan.slice = config->slice;
	dest_results_set(results, n, DEST_UNKNOWN, "", "", "");
	salesforce_plan(&plan);
	goes_on = has_sent_all(&plan);
	salesforce_mend_send(&plan, goes_on);
	salesforce_mend_release(plan.mends, n);
	salesforce_plan_release(&plan);
}
