/*
 * HubSpot: writing records.  Unmatched records go by batch/upsert on the
 * unique property that holds Billhook's key, matched ones by batch/update on
 * their HubSpot id, which also writes the key; new tasks by batch/create.  Every input carries an
 * objectWriteTraceId: with it HubSpot writes the good records of a batch and
 * names the bad ones; without it one bad record fails all ("Using object
 * APIs", batch actions).  Answers come in no particular order.
 *
 * An input is the number of its record in the push, its trace id "r<number>".
 */
#include "base/base.h"

#include <strings.h>

#include "base/text.h"
#include "dest/driver.h"
#include "dest/hubspot.h"

struct item {
	json_t *left_out; /* names of properties not to be sent; NULL: none */
	/* The batch whose answer is being read, until it has named this record. */
	const struct hubspot_batch *open;
};

struct write {
	struct hubspot_work work; /* first: the engine's callbacks get this */
	struct record *const *records;
	struct dest_result *results;
	size_t n;
	struct item *items;
};

static bool
is_update(const struct record *record)
{
	return record->matched && record->remote_id != NULL && *record->remote_id != '\0';
}

/* Tasks cannot be upserted: whether one is there was looked for before. */
static bool
is_create(const struct record *record)
{
	return hubspot_is_task(record->object) && !is_update(record);
}

/* Property values are strings, "" clears. */
static json_t *
value_text(json_t *value)
{
	char *text;
	json_t *json;

	if (json_is_string(value))
		return json_incref(value);
	if (value == NULL || json_is_null(value))
		return json_string("");
	text = bh_json_text(value); /* true, false, numbers */
	json = json_string(text);
	free(text);
	return json;
}

static bool
is_listed(const json_t *names, const char *name)
{
	for (size_t i = 0; i < json_array_size(names); i++)
		if (strcmp(json_string_value(json_array_get(names, i)), name) == 0)
			return true;
	return false;
}

/* A body that is not sent stays as it is, with the key in it. */
static void
add_key_to_body(json_t *properties, const struct record *record)
{
	const json_t *text = json_object_get(properties, "hs_task_body");

	if (text != NULL || is_create(record))
		json_object_set_new(properties, "hs_task_body",
		    hubspot_body_with_key(json_string_value(text), record->key));
}

/*
 * The key is sent among the properties too: an update by id needs it, an
 * upsert does not mind, and HubSpot returns what was sent, so an answer can
 * be told by its key where the trace id is missing.
 */
static json_t *
properties_of(const struct record *record, const json_t *left_out)
{
	json_t *properties = json_object();

	for (size_t i = 0; i < record->fields_n; i++) {
		const struct record_field *field = &record->fields[i];

		if (!is_listed(left_out, field->name))
			json_object_set_new(properties, field->name, value_text(field->value));
	}
	if (hubspot_is_in_body(record->object, record->key_field))
		add_key_to_body(properties, record);
	else
		json_object_set_new(properties, record->key_field, json_string(record->key));
	return properties;
}

static json_t *
write_input(struct hubspot_work *work, size_t at)
{
	struct write *write = (struct write *)work;
	const struct record *record = write->records[at];
	json_t *input = json_object();

	if (is_update(record)) {
		json_object_set_new(input, "id", json_string(record->remote_id));
	} else if (is_create(record)) {
		json_object_set_new(input, "associations", hubspot_task_places(record));
	} else {
		json_object_set_new(input, "id", json_string(record->key));
		json_object_set_new(input, "idProperty", json_string(record->key_field));
	}
	json_object_set_new(input, "objectWriteTraceId", json_sprintf("r%zu", at));
	json_object_set_new(input, "properties", properties_of(record, write->items[at].left_out));
	return input;
}

/* The open record of this trace id, or n. */
static size_t
find_trace(const struct write *write, const struct hubspot_batch *batch, const char *trace)
{
	uint64_t at;

	if (trace == NULL || trace[0] != 'r' || write->n == 0 ||
	    !bh_is_uint(trace + 1, strlen(trace + 1), write->n - 1, &at) ||
	    write->items[at].open != batch)
		return write->n;
	return (size_t)at;
}

/* The open record with this HubSpot id (updates) or key, or n.  HubSpot stores e-mail keys in lower case. */
static size_t
find_name(const struct write *write, const struct hubspot_batch *batch, const char *id,
    const char *key)
{
	for (size_t i = 0; i < batch->n; i++) {
		size_t at = batch->at[i];
		const struct record *record = write->records[at];

		if (write->items[at].open != batch)
			continue;
		if (is_update(record) && id != NULL && strcmp(record->remote_id, id) == 0)
			return at;
		if (key != NULL && strcasecmp(record->key, key) == 0)
			return at;
	}
	return write->n;
}

/* Any id that HubSpot gives is digits, up to 64 bits, as a string; a number is read too. */
static bool
read_id(const json_t *json, char *out, size_t size)
{
	const char *text = json_string_value(json);
	size_t len;

	if (json_is_integer(json) && json_integer_value(json) > 0)
		return snprintf(out, size, "%lld", (long long)json_integer_value(json)) > 0;
	len = text != NULL ? strlen(text) : 0;
	if (len == 0 || len > 20 || len >= size || strspn(text, "0123456789") != len)
		return false;
	memcpy(out, text, len + 1);
	return true;
}

static void
set_applied(struct write *write, size_t at, const char *id, bool created)
{
	struct dest_result *result = &write->results[at];
	const json_t *left_out = write->items[at].left_out;
	char cause[sizeof(result->cause)];

	if (left_out != NULL) {
		snprintf(cause, sizeof(cause),
		    "Written without %.80s: HubSpot does not accept the e-mail address",
		    json_string_value(json_array_get(left_out, 0)));
		dest_result_set(result, DEST_APPLIED, "INVALID_EMAIL", cause,
		    "Correct the address in the billing system");
	} else {
		dest_result_set(result, DEST_APPLIED, "", "", "");
	}
	result->created = created;
	snprintf(result->remote_id, sizeof(result->remote_id), "%s", id);
	write->items[at].open = NULL;
}

/* Only an upsert tells. */
static bool
is_new(const struct record *record, const json_t *result)
{
	return is_create(record) ||
	       (!is_update(record) && json_is_true(json_object_get(result, "new")));
}

static void
take_result(struct write *write, const struct hubspot_batch *batch, const json_t *json)
{
	size_t at = find_trace(write, batch, bh_json_str(json, "objectWriteTraceId"));
	const json_t *properties = json_object_get(json, "properties");
	char id[sizeof(write->results[0].remote_id)];

	if (!read_id(json_object_get(json, "id"), id, sizeof(id)))
		return;
	if (at == write->n) {
		const char *key_field = write->records[batch->at[0]]->key_field;

		at = find_name(write, batch, id,
		    json_string_value(json_object_get(properties, key_field)));
	}
	if (at < write->n)
		set_applied(write, at, id, is_new(write->records[at], json));
}

/* Leave out the refused addresses; false when that was tried, or one is the key. */
static bool
leave_out(struct write *write, size_t at, const struct hubspot_fault *fault)
{
	struct item *item = &write->items[at];

	for (size_t i = 0; i < json_array_size(fault->emails); i++) {
		const char *name = json_string_value(json_array_get(fault->emails, i));

		if (is_listed(item->left_out, name) ||
		    strcmp(name, write->records[at]->key_field) == 0)
			return false;
	}
	if (item->left_out == NULL)
		item->left_out = json_array();
	json_array_extend(item->left_out, fault->emails);
	return true;
}

static void
set_fault(struct write *write, const struct hubspot_batch *batch, size_t at,
    const struct hubspot_fault *fault)
{
	write->items[at].open = NULL;
	if ((fault->flags & FAULT_EMAIL) != 0 && leave_out(write, at, fault))
		hubspot_work_add(&write->work, batch->path, batch->group, at);
	else
		write->results[at] = fault->result;
}

/* context values: an array of texts, each a HubSpot id or key; "...:property:key" as well. */
static size_t
take_named(struct write *write, const struct hubspot_batch *batch, const json_t *names,
    const struct hubspot_fault *fault)
{
	size_t taken = 0;

	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));
		size_t at;

		if (name == NULL)
			continue;
		at = find_trace(write, batch, name);
		if (at == write->n)
			at = find_name(write, batch, name, name);
		if (at == write->n) {
			const char *marker = strstr(name, batch->group);

			if (marker != NULL && marker[strlen(batch->group)] == ':')
				at = find_name(write, batch, NULL,
				    marker + strlen(batch->group) + 1);
		}
		if (at < write->n) {
			set_fault(write, batch, at, fault);
			taken++;
		}
	}
	return taken;
}

/* Give the fault to the records that an error names; how many there were. */
static size_t
take_error(struct write *write, const struct hubspot_batch *batch, const json_t *error,
    const struct hubspot_fault *fault)
{
	static const char *const members[] = {"objectWriteTraceId", "ids", "id",
	    "missingObjectPropertyValueCoordinates"};
	const json_t *context = json_object_get(error, "context");
	size_t taken = 0;

	for (size_t i = 0; i < BH_LEN(members) && taken == 0; i++)
		taken = take_named(write, batch, json_object_get(context, members[i]), fault);
	return taken;
}

static bool
has_property(const struct record *record, const char *name)
{
	if (strcmp(record->key_field, name) == 0)
		return true;
	for (size_t i = 0; i < record->fields_n; i++)
		if (strcmp(record->fields[i].name, name) == 0)
			return true;
	return false;
}

/* Give the fault to the records that have a property which cannot be written at all. */
static size_t
take_property(struct write *write, const struct hubspot_batch *batch,
    const struct hubspot_fault *fault)
{
	size_t taken = 0;

	for (size_t i = 0; i < batch->n; i++) {
		if (!has_property(write->records[batch->at[i]], fault->property))
			continue;
		set_fault(write, batch, batch->at[i], fault);
		taken++;
	}
	return taken;
}

static size_t
count_open(const struct write *write, const struct hubspot_batch *batch)
{
	size_t open = 0;

	for (size_t i = 0; i < batch->n; i++)
		open += write->items[batch->at[i]].open == batch;
	return open;
}

static void
fault_open(struct write *write, const struct hubspot_batch *batch,
    const struct hubspot_fault *fault)
{
	for (size_t i = 0; i < batch->n; i++)
		if (write->items[batch->at[i]].open == batch)
			set_fault(write, batch, batch->at[i], fault);
}

/*
 * Records that a good answer does not mention have been seen: they may be
 * written.  A single error that names nobody must be about a single such record.
 */
static void
settle_unnamed(struct write *write, const struct hubspot_batch *batch, const json_t *orphan,
    size_t orphans)
{
	struct hubspot_fault fault = {0};

	if (orphan != NULL)
		hubspot_fault_item(&fault, orphan);
	if (orphans != 1 || count_open(write, batch) != 1) {
		char cause[sizeof(fault.result.cause)];

		snprintf(cause, sizeof(cause),
		    "HubSpot's answer does not mention this record%s%.160s",
		    orphan != NULL ? "; it may be the one of: " : "", fault.result.cause);
		dest_result_set(&fault.result, DEST_UNCERTAIN, "NOT_MENTIONED", cause,
		    "Billhook writes it again; no second record can come of it");
		fault.flags = 0;
	}
	fault_open(write, batch, &fault);
	hubspot_fault_release(&fault);
}

/* Any 2xx can hold errors beside results: 207 says so, 200 may. */
static void
settle_good(struct write *write, const struct hubspot_batch *batch, const json_t *body)
{
	const json_t *results = json_object_get(body, "results");
	const json_t *errors = json_object_get(body, "errors");
	const json_t *orphan = NULL;
	size_t orphans = 0;

	for (size_t i = 0; i < json_array_size(results); i++)
		take_result(write, batch, json_array_get(results, i));
	for (size_t i = 0; i < json_array_size(errors); i++) {
		const json_t *error = json_array_get(errors, i);
		struct hubspot_fault fault;

		hubspot_fault_item(&fault, error);
		if (take_error(write, batch, error, &fault) == 0 && orphans++ == 0)
			orphan = error;
		hubspot_fault_release(&fault);
	}
	if (count_open(write, batch) > 0)
		settle_unnamed(write, batch, orphan, orphans);
}

/* Send the records again that nobody blamed. */
static void
send_open(struct write *write, const struct hubspot_batch *batch)
{
	size_t *at = bh_xcalloc(batch->n, sizeof(at[0]));
	size_t n = 0;

	for (size_t i = 0; i < batch->n; i++)
		if (write->items[batch->at[i]].open == batch)
			at[n++] = batch->at[i];
	hubspot_work_again(&write->work, batch, at, n);
	free(at);
}

/* Nobody can be blamed and there are no calls left for looking: later, in another batch. */
static void
postpone(struct write *write, const struct hubspot_batch *batch, struct hubspot_fault *fault)
{
	char cause[sizeof(fault->result.cause)], code[sizeof(fault->result.code)];

	snprintf(code, sizeof(code), "%s", fault->result.code);
	snprintf(cause, sizeof(cause), "HubSpot refused a batch without naming the record: %.180s",
	    fault->result.cause);
	dest_result_set(&fault->result, DEST_LATER, code, cause,
	    "Billhook looks for the record at fault when it tries again");
	fault->result.doubtful = true;
	fault->flags = 0;
	fault_open(write, batch, fault);
}

/*
 * The whole batch was refused although one record is at fault (the service
 * does not promise partial success for upserts): take out whom the error
 * names, else halve.
 */
static void
isolate(struct write *write, const struct hubspot_batch *batch, const json_t *body,
    struct hubspot_fault *fault)
{
	size_t taken = 0, calls;

	if ((fault->flags & FAULT_PROPERTY) != 0)
		taken = take_property(write, batch, fault);
	if (taken == 0 && (fault->flags & FAULT_SPLIT) == 0)
		taken = take_error(write, batch, body, fault);
	if (count_open(write, batch) == 0)
		return;
	calls = taken > 0 ? 1 : 2;
	if (write->work.spare < calls) {
		postpone(write, batch, fault);
		return;
	}
	write->work.spare -= calls;
	if (calls == 1)
		send_open(write, batch);
	else
		hubspot_work_halve(&write->work, batch);
}

static void
write_settle(struct hubspot_work *work, const struct hubspot_batch *batch,
    const struct hubspot_answer *answer)
{
	struct write *write = (struct write *)work;
	struct hubspot_fault fault;

	for (size_t i = 0; i < batch->n; i++)
		write->items[batch->at[i]].open = batch;
	if (hubspot_is_good(answer)) {
		settle_good(write, batch, answer->body);
		return;
	}
	hubspot_fault_answer(&fault, answer);
	if (batch->n > 1 && fault.result.outcome == DEST_REJECTED &&
	    (fault.flags & FAULT_COMMON) == 0)
		isolate(write, batch, answer->body, &fault);
	else
		fault_open(write, batch, &fault);
	hubspot_fault_release(&fault);
}

/* A task that is there already, of whose properties none is to be written. */
static bool
is_nothing(const struct record *record)
{
	return is_update(record) && record->fields_n == 0 &&
	       hubspot_is_in_body(record->object, record->key_field);
}

static void
add_record(struct write *write, size_t at)
{
	const struct record *record = write->records[at];
	char *path;

	if (is_nothing(record)) {
		set_applied(write, at, record->remote_id, false);
		return;
	}
	path = hubspot_path(write->work.talk->config,
	    is_update(record)   ? "/crm/objects/{v}/{a}/batch/update"
	    : is_create(record) ? "/crm/objects/{v}/{a}/batch/create"
				: "/crm/objects/{v}/{a}/batch/upsert",
	    record->object, NULL);
	hubspot_work_add(&write->work, path, record->key_field, at);
	free(path);
}

void
hubspot_write(struct hubspot_talk *talk, struct record *const *records, size_t n,
    struct dest_result *results)
{
	struct write write = {
	    .work = {.talk = talk,
		.limit = HUBSPOT_INPUTS,
		.spare = HUBSPOT_SPARE,
		.input = write_input,
		.settle = write_settle},
	    .records = records,
	    .results = results,
	    .n = n,
	    .items = bh_xcalloc(n + 1, sizeof(write.items[0])),
	};

	for (size_t i = 0; i < n; i++)
		if (results[i].outcome == DEST_UNKNOWN)
			add_record(&write, i);
	hubspot_work_run(&write.work);
	for (size_t i = 0; i < n; i++)
		json_decref(write.items[i].left_out);
	free(write.items);
}
