/*
 * Push: records become collections of up to 200 rows of one object, and up to
 * five collections travel in one composite call, which counts as one call of
 * the org's allowance.  Links go by external id, so that parents and children
 * can be written by the same call; a parent only has to stand in an earlier
 * collection than its child.
 *
 * Everything but a lost answer gives each record its own verdict: HTTP 200
 * means nothing here.
 */
#include "base/base.h"

#include "base/text.h"
#include "dest/salesforce.h"

/* Keep a call under the 5 MB that are known to be good; a lone huge row travels by itself. */
#define ROW_BYTES_MAX ((size_t)4 * 1000 * 1000)
#define SLOT_BYTES_MAX ((size_t)900 * 1000)
#define CALL_BYTES_MAX ((size_t)4500 * 1000)
#define BODY_BYTES_MAX ((size_t)8 * 1000 * 1000)
/* Rows written by id may mix objects, but the object may change only this often (REST guide). */
#define SLOT_CHUNKS_MAX 10
#define SILENT_S 10 /* pause when nobody can be reached */

/* One collection: which records, and what they share. */
struct slot {
	bool by_id;
	const char *object;    /* of the last row; by key: of all */
	const char *key_field; /* by key */
	size_t rows[SALESFORCE_ROWS_MAX];
	size_t rows_n;
	size_t bytes;
	size_t chunks;
};

struct plan {
	struct dest_config *config;
	struct record *const *records;
	size_t n;
	struct dest_result *results;
	struct bh_buf *bodies; /* one per record; empty: it cannot be sent */
	struct slot *slots;
	size_t slots_n;
	json_t *placed; /* "object\nkey" to the number of its slot */
};

/* --- which record goes into which collection ---------------------------- */

static char *
place_name(const char *object, const char *key)
{
	return bh_xasprintf("%s\n%s", object, key);
}

/* The first slot behind those of the record's parents. */
static size_t
first_slot(const struct plan *plan, const struct record *record)
{
	size_t first = 0;

	for (size_t i = 0; i < record->parents_n; i++) {
		char *name = place_name(record->parents[i].object, record->parents[i].key);
		const json_t *slot = json_object_get(plan->placed, name);

		if (slot != NULL && (size_t)json_integer_value(slot) + 1 > first)
			first = (size_t)json_integer_value(slot) + 1;
		free(name);
	}
	return first;
}

static bool
has_room(const struct slot *slot, const struct record *record, bool by_id, size_t bytes)
{
	bool same = strcmp(slot->object, record->object) == 0;

	if (slot->by_id != by_id || slot->rows_n == SALESFORCE_ROWS_MAX ||
	    slot->bytes + bytes > SLOT_BYTES_MAX)
		return false;
	if (by_id)
		return same || slot->chunks < SLOT_CHUNKS_MAX;
	return same && strcmp(slot->key_field, record->key_field) == 0;
}

static struct slot *
find_slot(struct plan *plan, const struct record *record, bool by_id, size_t bytes)
{
	struct slot *slot;

	for (size_t i = first_slot(plan, record); i < plan->slots_n; i++) {
		if (has_room(&plan->slots[i], record, by_id, bytes))
			return &plan->slots[i];
	}
	plan->slots = bh_xrealloc(plan->slots, (plan->slots_n + 1) * sizeof(plan->slots[0]));
	slot = &plan->slots[plan->slots_n++];
	*slot =
	    (struct slot){.by_id = by_id, .object = record->object, .key_field = record->key_field};
	slot->chunks = 1;
	return slot;
}

static void
place(struct plan *plan, size_t index)
{
	const struct record *record = plan->records[index];
	size_t bytes = plan->bodies[index].len + 1;
	struct slot *slot = find_slot(plan, record, salesforce_is_by_id(record), bytes);
	char *name = place_name(record->object, record->key);

	if (strcmp(slot->object, record->object) != 0) {
		slot->object = record->object;
		slot->chunks++;
	}
	slot->rows[slot->rows_n++] = index;
	slot->bytes += bytes;
	json_object_set_new(plan->placed, name, json_integer(slot - plan->slots));
	free(name);
}

/* Encode and place all records; one that cannot be encoded is rejected here and does not travel. */
static void
make_plan(struct plan *plan)
{
	plan->bodies = bh_xcalloc(plan->n + 1, sizeof(plan->bodies[0]));
	plan->placed = json_object();
	for (size_t i = 0; i < plan->n; i++) {
		struct bh_err err = BH_ERR_INIT;

		bh_buf_init(&plan->bodies[i], ROW_BYTES_MAX);
		if (salesforce_encode(&plan->bodies[i], plan->records[i], &err) < 0)
			dest_result_set(&plan->results[i], DEST_REJECTED, "NOT_SENT", err.text,
			    "Correct the value at the billing system or in the mapping, then retry.");
		else
			place(plan, i);
	}
}

static void
plan_release(struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++)
		bh_buf_release(&plan->bodies[i]);
	free(plan->bodies);
	free(plan->slots);
	json_decref(plan->placed);
}

/* --- requests ----------------------------------------------------------- */

static void
add_path(struct bh_buf *out, const struct plan *plan, const struct slot *slot)
{
	bh_buf_addf(out, "/services/data/v%s/composite/sobjects", salesforce_version(plan->config));
	if (slot->by_id)
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

		bh_buf_addf(out, "%s{\"method\":\"PATCH\",\"url\":\"", i > 0 ? "," : "");
		add_path(out, plan, slot);
		bh_buf_addf(out, "\",\"referenceId\":\"c%zu\",\"body\":", i);
		add_collection(out, plan, slot);
		bh_buf_addc(out, '}');
	}
	bh_buf_adds(out, "]}");
}

/* --- verdicts ----------------------------------------------------------- */

static void
settle_row(struct plan *plan, size_t index, int status, const json_t *row)
{
	struct dest_result *result = &plan->results[index];
	const struct record *record = plan->records[index];
	const char *id = bh_json_str(row, "id");
	int pause_s;

	if (bh_is_json_true(row, "success") && id != NULL && id[0] != '\0' &&
	    strlen(id) < sizeof(result->remote_id)) {
		dest_result_set(result, DEST_APPLIED, "", "", "");
		snprintf(result->remote_id, sizeof(result->remote_id), "%s", id);
		result->created = bh_is_json_true(row, "created");
		return;
	}
	if (!json_is_false(json_object_get(row, "success"))) {
		dest_result_set(result, DEST_UNCERTAIN, "NO_RESULT",
		    "Salesforce's answer holds no result for this record",
		    "Billhook sends it again.");
		return;
	}
	pause_s =
	    salesforce_explain(result, status, json_object_get(row, "errors"), record->object);
	if (pause_s > plan->config->usage.pause_s)
		plan->config->usage.pause_s = pause_s;
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
			settle_row(plan, slot->rows[i], status, json_array_get(answer->json, i));
		return;
	}
	salesforce_explain_call(plan->config, answer, slot->object, &result);
	settle_all(plan, slot, &result);
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

/*
 * Send count collections from first on, and settle their records.  False with
 * the reason in *stop_r when no further call should follow.
 */
static bool
has_sent(struct plan *plan, size_t first, size_t count, struct dest_result *stop_r)
{
	struct bh_buf path = BH_BUF_INIT(8192), body = BH_BUF_INIT(BODY_BYTES_MAX);
	struct salesforce_answer answer;
	struct bh_err err = BH_ERR_INIT;
	bool goes_on = false;

	add_call(&path, &body, plan, first, count);
	if (salesforce_call(plan->config, count == 1 ? "PATCH" : "POST", bh_buf_str(&path), &body,
		&answer, &err) < 0) {
		explain_silence(plan->config, &err, stop_r);
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

/* How many collections the next call takes: five, fewer when they are large. */
static size_t
count_next(const struct plan *plan, size_t first)
{
	size_t count = 0, bytes = 0;

	while (first + count < plan->slots_n && count < SALESFORCE_COLLECTIONS) {
		bytes += plan->slots[first + count].bytes;
		if (count > 0 && bytes > CALL_BYTES_MAX)
			break;
		count++;
	}
	return count;
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

void
salesforce_push(struct dest_config *config, struct record *const *records, size_t n,
    struct dest_result *results)
{
	struct plan plan = {.config = config, .records = records, .n = n, .results = results};
	struct dest_result stop;
	size_t next = 0;

	dest_results_set(results, n, DEST_UNKNOWN, "", "", "");
	make_plan(&plan);
	while (next < plan.slots_n) {
		size_t count = count_next(&plan, next);

		if (!has_sent(&plan, next, count, &stop)) {
			hold_back(&plan, next + count, &stop);
			break;
		}
		next += count;
	}
	plan_release(&plan);
}
