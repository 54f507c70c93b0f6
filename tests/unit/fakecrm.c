/* The CRM without HTTP: see fakecrm.h. */
#include "base/base.h"

#include "fakecrm.h"

#include "base/text.h"
#include "unit.h"

struct fake fake;

/* The linker turns calls of dest_driver() to the first one, and gives these names. */
const struct dest_driver *fake_driver(const char *name) __asm__("__wrap_dest_driver");
const struct dest_driver *real_driver(const char *name) __asm__("__real_dest_driver");

void
fake_init(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.records = json_object();
	fake.ends = json_object();
}

void
fake_release(void)
{
	json_decref(fake.records);
	json_decref(fake.ends);
	json_decref(fake.job);
	json_decref(fake.schema);
	memset(&fake, 0, sizeof(fake));
}

/* -- records -- */

static json_t *
put_record(const char *id, const char *object)
{
	json_t *record = json_pack("{s:s, s:{}, s:i}", "object", object, "fields", "writes", 0);

	json_object_set_new(fake.records, id, record);
	return record;
}

void
fake_add(const char *id, const char *object, const char *fields)
{
	json_object_set_new(put_record(id, object), "fields", bench_json(fields));
}

const char *
fake_text(const char *id, const char *field)
{
	const json_t *fields = json_object_get(json_object_get(fake.records, id), "fields");

	return json_string_value(json_object_get(fields, field));
}

const char *
fake_find(const char *field, const char *value)
{
	const char *id, *found = NULL;
	json_t *record;

	json_object_foreach (fake.records, id, record) {
		const char *have = fake_text(id, field);

		if (have == NULL || strcmp(have, value) != 0)
			continue;
		if (found != NULL)
			fail_msg("%s and %s have the %s %s", found, id, field, value);
		found = id;
	}
	return found;
}

/* -- failing -- */

/* Is this call to fail?  A dead token fails all but those that bring another one. */
static bool
is_failing(const char *call, struct bh_err *err)
{
	if (fake.is_token_dead) {
		bh_fail(err, BH_DENIED, "the session is over");
		return true;
	}
	if (fake.fault == NULL || fake.fault_times <= 0 || strcmp(fake.fault, call) != 0)
		return false;
	fake.fault_times--;
	bh_fail(err, fake.fault_code, "%s fails", call);
	return true;
}

static int
fake_authorize(struct dest_config *config, struct bh_err *err)
{
	char token[32];

	if (fake.fault != NULL && strcmp(fake.fault, "authorize") == 0)
		return bh_fail(err, fake.fault_code, "authorize fails");
	fake.is_token_dead = false;
	snprintf(token, sizeof(token), "token-%zu", ++fake.tokens);
	bh_secret_set(&config->auth->access_token, token, strlen(token));
	return 0;
}

/* -- pushing -- */

/* As a CRM keeps it: the id of the record, also where it was named by its key. */
static const char *
parent_of(const struct record_parent *parent)
{
	const char *id;
	json_t *record;

	json_object_foreach (fake.records, id, record) {
		const char *key =
		    bh_json_str(json_object_get(record, "fields"), parent->key_field);

		if (key != NULL && strcmp(key, parent->key) == 0)
			return id;
	}
	return parent->remote_id != NULL ? parent->remote_id : parent->key;
}

static void
write_fields(json_t *record, const struct record *from)
{
	json_t *fields = json_object_get(record, "fields");

	json_object_set_new(fields, from->key_field, json_string(from->key));
	for (size_t i = 0; i < from->fields_n; i++)
		json_object_set(fields, from->fields[i].name, from->fields[i].value);
	for (size_t i = 0; i < from->parents_n; i++)
		json_object_set_new(fields, from->parents[i].field,
		    json_string(parent_of(&from->parents[i])));
	json_object_set_new(record, "writes",
	    json_integer(json_integer_value(json_object_get(record, "writes")) + 1));
}

static const char *
record_name(const struct record *record)
{
	for (size_t i = 0; i < record->fields_n; i++) {
		const char *text = json_string_value(record->fields[i].value);

		if (strcmp(record->fields[i].name, "Name") == 0 && text != NULL)
			return text;
	}
	return "";
}

/* By id where it was adopted, else by key. */
static void
write_record(const struct record *from, struct dest_result *result)
{
	const char *id = from->matched ? from->remote_id : fake_find(from->key_field, from->key);
	json_t *record = id != NULL ? json_object_get(fake.records, id) : NULL;
	char made[64];

	if (from->matched && record == NULL) {
		dest_result_set(result, DEST_REJECTED, "GONE", "it is gone", "look");
		return;
	}
	dest_result_set(result, DEST_APPLIED, "", "", "");
	if (record == NULL) {
		result->created = true;
		snprintf(made, sizeof(made), "00%u", ++fake.made);
		id = made;
		record = put_record(id, from->object);
	}
	snprintf(result->remote_id, sizeof(result->remote_id), "%s", id);
	write_fields(record, from);
}

static void
take_record(const struct record *from, struct dest_result *result)
{
	memset(result, 0, sizeof(*result));
	if (strcmp(record_name(from), "refused") == 0)
		dest_result_set(result, DEST_REJECTED, "BAD", "the name is bad", "mend it");
	else if (strcmp(record_name(from), "locked") == 0)
		dest_result_set(result, DEST_LATER, "LOCKED", "not now", "wait");
	else
		write_record(from, result);
}

static void
tell_usage(struct dest_config *config)
{
	config->calls++;
	config->usage.day_used = fake.used;
	config->usage.day_limit = fake.limit;
}

static void
call_meanwhile(void)
{
	void (*meanwhile)(void *arg) = fake.meanwhile;

	fake.meanwhile = NULL;
	if (meanwhile != NULL)
		meanwhile(fake.arg);
}

static void
fake_push(struct dest_config *config, struct record *const *records, size_t n,
    struct dest_result *results)
{
	fake.pushes++;
	for (size_t i = 0; i < n; i++) {
		if (fake.is_token_dead) {
			dest_result_set(&results[i], DEST_AUTH, "", "the session is over", "");
			continue;
		}
		fake.rows++;
		take_record(records[i], &results[i]);
	}
	tell_usage(config);
	call_meanwhile();
}

/* -- looking -- */

static bool
is_answer(const char *id, const json_t *record, const struct dest_wanted *wanted)
{
	if (strcmp(bh_json_str(record, "object"), wanted->object) != 0)
		return false;
	for (size_t i = 0; i < wanted->n; i++) {
		const char *have =
		    strcmp(wanted->fields[i], "Id") == 0 ? id : fake_text(id, wanted->fields[i]);

		if (have == NULL || strcmp(have, wanted->values[i]) != 0)
			return false;
	}
	return true;
}

static void
answer(const struct dest_wanted *wanted, struct dest_found *found)
{
	const char *id;
	json_t *record;

	memset(found, 0, sizeof(*found));
	json_object_foreach (fake.records, id, record) {
		struct dest_candidate *item = &found->items[found->n];
		const char *name = fake_text(id, "Name"), *key = fake_text(id, wanted->key_field);

		if (!is_answer(id, record, wanted))
			continue;
		if (found->n == DEST_CANDIDATES_MAX) {
			found->more = true;
			return;
		}
		snprintf(item->remote_id, sizeof(item->remote_id), "%s", id);
		snprintf(item->name, sizeof(item->name), "%s", name != NULL ? name : "");
		snprintf(item->key, sizeof(item->key), "%s", key != NULL ? key : "");
		found->n++;
	}
}

static int
refuse_field(const char *field, struct bh_err *err)
{
	if (fake.missing == NULL || strcmp(field, fake.missing) != 0)
		return 0;
	return bh_fail(err, BH_INVALID, "there is no field %s", field);
}

static int
fake_find_records(struct dest_config *config, const struct dest_wanted *wanted, size_t n,
    struct dest_found *found, struct bh_err *err)
{
	fake.finds++;
	fake.questions += n;
	config->calls++;
	if (is_failing("find", err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < wanted[i].n; k++)
			if (refuse_field(wanted[i].fields[k], err) < 0)
				return -1;
		answer(&wanted[i], &found[i]);
	}
	return 0;
}

static int
fake_read(struct dest_config *config, struct dest_reading *readings, size_t n, struct bh_err *err)
{
	fake.reads++;
	fake.readings += n;
	config->calls++;
	for (size_t i = 0; i < n; i++)
		readings[i].values = NULL;
	if (is_failing("read", err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		const json_t *record = json_object_get(fake.records, readings[i].remote_id);

		if (record == NULL)
			continue;
		readings[i].values = json_object();
		for (size_t k = 0; k < readings[i].fields_n; k++) {
			const char *name = readings[i].fields[k];
			json_t *value = json_object_get(json_object_get(record, "fields"), name);

			if (refuse_field(name, err) < 0)
				return -1;
			if (fake.hidden == NULL || strcmp(name, fake.hidden) != 0)
				json_object_set(readings[i].values, name,
				    value != NULL ? value : json_null());
		}
	}
	return 0;
}

static void
tell_end(struct dest_end *end)
{
	static const struct {
		const char *word;
		enum dest_fate fate;
	} words[] = {{"there", DEST_FATE_THERE}, {"merged", DEST_FATE_MERGED},
	    {"deleted", DEST_FATE_DELETED}, {"gone", DEST_FATE_GONE}};
	const char *text = json_string_value(json_object_get(fake.ends, end->remote_id));

	end->fate = DEST_FATE_UNKNOWN;
	for (size_t i = 0; i < BH_LEN(words) && text != NULL; i++)
		if (bh_has_prefix(text, words[i].word))
			end->fate = words[i].fate;
	if (end->fate == DEST_FATE_MERGED)
		snprintf(end->survivor_id, sizeof(end->survivor_id), "%s",
		    text + strlen("merged "));
}

static int
fake_end(struct dest_config *config, struct dest_end *ends, size_t n, struct bh_err *err)
{
	config->calls++;
	if (is_failing("end", err))
		return -1;
	for (size_t i = 0; i < n; i++)
		tell_end(&ends[i]);
	return 0;
}

static int
fake_purge(struct dest_config *config, const char *object BH_UNUSED, const char *field BH_UNUSED,
    int64_t before_ms BH_UNUSED, size_t *n_r, bool *more_r, struct bh_err *err)
{
	fake.purges++;
	config->calls++;
	*n_r = 0;
	*more_r = false;
	return is_failing("purge", err) ? -1 : 0;
}

static int
fake_limits(struct dest_config *config, json_t **detail_r, struct bh_err *err)
{
	fake.limits++;
	if (is_failing("limits", err))
		return -1;
	tell_usage(config);
	if (fake.used_by_others != 0)
		config->usage.day_used = fake.used_by_others;
	*detail_r = json_pack("[{s:s, s:I, s:I}]", "name", "DailyApiRequests", "used",
	    (json_int_t)config->usage.day_used, "limit", (json_int_t)fake.limit);
	return 0;
}

static int
fake_remove(struct dest_config *config, struct dest_removal *removals, size_t n, struct bh_err *err)
{
	config->calls++;
	if (is_failing("remove", err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		removals[i].is_gone = json_object_del(fake.records, removals[i].remote_id) == 0;
		snprintf(removals[i].cause, sizeof(removals[i].cause), "it stays");
	}
	return 0;
}

static unsigned
fake_traits(const char *object)
{
	return strcmp(object, "Task") == 0 ? fake.traits : 0;
}

/* -- bulk -- */

/* A line a row: what a record would be made of. */
static json_t *
row_json(const struct record *record, bool by_id)
{
	json_t *fields = json_object();

	for (size_t i = 0; i < record->fields_n; i++)
		json_object_set(fields, record->fields[i].name, record->fields[i].value);
	for (size_t i = 0; i < record->parents_n; i++)
		json_object_set_new(fields, record->parents[i].field,
		    json_string(record->parents[i].key));
	return json_pack("{s:s, s:s, s:s, s:s, s:o}", "object", record->object, "key_field",
	    record->key_field, "key", record->key, "name", by_id ? record->remote_id : record->key,
	    "fields", fields);
}

static void
fake_bulk_head(const struct dest_bulk *bulk BH_UNUSED, const struct dest_column *columns BH_UNUSED,
    size_t n BH_UNUSED, struct bh_buf *rows)
{
	assert_int_equal(rows->len, 0);
	bh_buf_adds(rows, "#head\n");
}

static int
fake_bulk_row(const struct dest_bulk *bulk, const struct record *record,
    const struct dest_column *columns BH_UNUSED, size_t n BH_UNUSED, struct bh_buf *rows,
    struct bh_err *err)
{
	json_t *row;

	assert_int_equal(record->matched, bulk->by_id);
	if (strcmp(record_name(record), "unsendable") == 0)
		return bh_fail(err, BH_INVALID, "the name cannot be sent");
	row = row_json(record, bulk->by_id);
	bh_json_add(rows, row);
	bh_buf_addc(rows, '\n');
	json_decref(row);
	return 0;
}

static json_t *
parse_rows(const struct bh_buf *rows)
{
	char *text = bh_xstrndup(rows->data, rows->len), *rest = text, *line;
	json_t *list = json_array();

	while ((line = strsep(&rest, "\n")) != NULL)
		if (*line != '\0' && *line != '#')
			json_array_append_new(list, json_loads(line, 0, NULL));
	free(text);
	return list;
}

static int64_t
count_failed(void)
{
	int64_t n = 0;

	for (size_t i = 0; i < fake.job_rows; i++) {
		const char *name = bh_json_str(json_array_get(fake.job, i), "fields.Name");

		n += name != NULL && (strcmp(name, "refused") == 0 || strcmp(name, "locked") == 0);
	}
	return n;
}

static void
look_at_job(struct dest_bulk *bulk)
{
	assert_non_null(fake.job);
	bulk->processed = (int64_t)fake.job_rows;
	bulk->failed = count_failed();
	if (fake.bulk_looks-- > 0)
		return;
	bulk->phase = fake.bulk_fails ? DEST_BULK_FAILED : DEST_BULK_DONE;
	if (fake.bulk_fails)
		snprintf(bulk->error, sizeof(bulk->error), "the job was aborted");
}

static int
fake_bulk_step(struct dest_config *config, struct dest_bulk *bulk, const struct bh_buf *rows,
    struct bh_err *err)
{
	static const char *const names[DEST_BULK__MAX] = {"bulk-new", "bulk-open", "bulk-uploaded",
	    "bulk-running", "bulk-done", "bulk-failed"};

	config->calls++;
	if (is_failing(names[bulk->phase], err))
		return -1;
	switch (bulk->phase) {
	case DEST_BULK_NEW:
		snprintf(bulk->id, sizeof(bulk->id), "job-%zu", ++fake.jobs);
		fake.is_by_id = bulk->by_id;
		bulk->phase = DEST_BULK_OPEN;
		break;
	case DEST_BULK_OPEN:
		json_decref(fake.job);
		fake.job = parse_rows(rows);
		fake.job_rows = json_array_size(fake.job);
		bulk->phase = DEST_BULK_UPLOADED;
		break;
	case DEST_BULK_UPLOADED:
		bulk->phase = DEST_BULK_RUNNING;
		call_meanwhile();
		break;
	case DEST_BULK_RUNNING:
		look_at_job(bulk);
		break;
	case DEST_BULK_DONE:
	case DEST_BULK_FAILED:
	case DEST_BULK__MAX:
		fail_msg("there is nothing to be done in phase %d", (int)bulk->phase);
	}
	return 0;
}

static int
give_verdict(const json_t *row, bool by_id, dest_bulk_each *each, void *arg, struct bh_err *err)
{
	const char *name = bh_json_str(row, "name"), *field;
	struct record *record = record_new(bh_json_str(row, "object"),
	    bh_json_str(row, "key_field"), bh_json_str(row, "key"));
	struct dest_result result;
	json_t *value;
	int rc = 0;

	json_object_foreach (json_object_get(row, "fields"), field, value)
		record_take_field(record, field, RECORD_TEXT, json_incref(value));
	record->matched = by_id;
	if (by_id)
		record->remote_id = bh_xstrdup(name);
	take_record(record, &result);
	for (int i = 0; i < (fake.bulk_twice ? 2 : 1) && rc == 0; i++)
		rc = each(arg, name, &result, err);
	record_free(&record);
	return rc;
}

static int
fake_bulk_results(struct dest_config *config, const struct dest_bulk *bulk, dest_bulk_each *each,
    void *arg, struct bh_err *err)
{
	size_t n = json_array_size(fake.job);

	config->calls++;
	assert_true(bulk->phase == DEST_BULK_DONE || bulk->phase == DEST_BULK_FAILED);
	if (is_failing("bulk-results", err))
		return -1;
	for (size_t i = 0; i < (fake.bulk_fails ? fake.bulk_seen : n); i++)
		if (give_verdict(json_array_get(fake.job, fake.bulk_reversed ? n - 1 - i : i),
			bulk->by_id, each, arg, err) < 0)
			return -1;
	/* Half of the rows came, then the line broke. */
	return is_failing("bulk-end", err) ? -1 : 0;
}

static int
fake_bulk_drop(struct dest_config *config, const struct dest_bulk *bulk, struct bh_err *err)
{
	config->calls++;
	assert_int_not_equal(bulk->id[0], '\0');
	fake.drops++;
	return is_failing("bulk-drop", err) ? -1 : 0;
}

/* -- errands -- */

static int
fake_identify(struct dest_config *config, struct bh_err *err)
{
	struct dest_auth *auth = config->auth;

	config->calls++;
	if (is_failing("identify", err))
		return -1;
	snprintf(auth->account_id, sizeof(auth->account_id), "org-1");
	snprintf(auth->account_name, sizeof(auth->account_name), "Acme");
	snprintf(auth->account_kind, sizeof(auth->account_kind), "Enterprise Edition");
	snprintf(auth->missing, sizeof(auth->missing), "a, to do b\nc, to do d\n");
	auth->is_sandbox = true;
	if (fake.while_asked != NULL)
		fake.while_asked(fake.arg);
	return 0;
}

static int
fake_login(const struct dest_config *config BH_UNUSED, const struct dest_login *login,
    struct bh_buf *url, struct bh_err *err BH_UNUSED)
{
	bh_buf_addf(url, "https://login.example.com/?state=%s", login->state);
	return 0;
}

static int
fake_exchange(struct dest_config *config, const struct dest_login *login, const char *code,
    struct bh_err *err)
{
	fake.exchanges++;
	if (strcmp(login->verifier, fake.verifier) != 0 || strcmp(code, "good") != 0)
		return bh_fail(err, BH_DENIED, "the code is not good");
	bh_secret_set(&config->auth->refresh_token, "refresh", strlen("refresh"));
	return fake_authorize(config, err);
}

static int
fake_revoke(struct dest_config *config BH_UNUSED, struct bh_err *err)
{
	fake.revokes++;
	return is_failing("revoke", err) ? -1 : 0;
}

static void
keep_schema(const json_t *schema)
{
	json_decref(fake.schema);
	fake.schema = json_deep_copy(schema);
}

static int
fake_plan(struct dest_config *config, const json_t *schema, json_t **plan_r, struct bh_err *err)
{
	config->calls++;
	if (is_failing("plan", err))
		return -1;
	keep_schema(schema);
	*plan_r = json_pack("{s:[], s:i, s:i, s:i, s:i}", "rows", "exists", 3, "missing", 1,
	    "differs", 0, "hidden", 0);
	return 0;
}

static int
fake_install(struct dest_config *config, const json_t *schema,
    bool (*say)(void *arg, const json_t *progress), void *arg, json_t **report_r,
    struct bh_err *err)
{
	json_t *progress = json_pack("{s:i, s:i, s:s}", "done", 1, "of", 2, "at", "Account");
	bool goes_on;

	config->calls++;
	if (is_failing("install", err)) {
		json_decref(progress);
		return -1;
	}
	keep_schema(schema);
	goes_on = say(arg, progress);
	call_meanwhile();
	json_decref(progress);
	*report_r = json_pack("{s:[s], s:[], s:[], s:b}", "created", "Account.Key__c", "failed",
	    "hidden", "is_complete", goes_on);
	return 0;
}

static int
fake_count(struct dest_config *config, const json_t *schema, json_t **counts_r, struct bh_err *err)
{
	config->calls++;
	if (is_failing("count", err))
		return -1;
	keep_schema(schema);
	*counts_r = json_pack("{s:[{s:s, s:i}], s:[]}", "objects", "name", "Account", "records", 7,
	    "fields");
	return 0;
}

static int
fake_uninstall(struct dest_config *config, const json_t *schema,
    bool (*say)(void *arg, const json_t *progress) BH_UNUSED, void *arg BH_UNUSED,
    json_t **report_r, struct bh_err *err)
{
	config->calls++;
	if (is_failing("uninstall", err))
		return -1;
	keep_schema(schema);
	*report_r =
	    json_pack("{s:[], s:[], s:b}", "removed", "kept", "is_complete", fake.is_removable);
	return 0;
}

static int
fake_unlinked(struct dest_config *config, const char *object, const char *key_field,
    const char *after, json_t **rows_r, bool *more_r, struct bh_err *err)
{
	const char *id;
	json_t *record;

	config->calls++;
	if (is_failing("unlinked", err))
		return -1;
	*rows_r = json_array();
	*more_r = false;
	json_object_foreach (fake.records, id, record) {
		if (strcmp(bh_json_str(record, "object"), object) != 0 ||
		    fake_text(id, key_field) != NULL || strcmp(id, after) <= 0)
			continue;
		*more_r = json_array_size(*rows_r) == 2;
		if (*more_r)
			break;
		json_array_append_new(*rows_r,
		    json_pack("{s:s, s:s?}", "remote_id", id, "name", fake_text(id, "Name")));
	}
	return 0;
}

static void
add_field(struct dest_object *object, const char *name)
{
	object->fields =
	    bh_xrealloc(object->fields, (object->fields_n + 1) * sizeof(object->fields[0]));
	object->fields[object->fields_n++] =
	    (struct dest_field){.name = bh_xstrdup(name), .label = bh_xstrdup(name)};
}

static int
fake_describe(struct dest_config *config, const char *object, struct dest_object **object_r,
    struct bh_err *err)
{
	static const char *const names[] = {"Name", "Website", "Key__c"};

	config->calls++;
	*object_r = NULL;
	if (is_failing("describe", err))
		return -1;
	*object_r = bh_xcalloc(1, sizeof(**object_r));
	(*object_r)->name = bh_xstrdup(object);
	for (size_t i = 0; i < BH_LEN(names); i++)
		add_field(*object_r, names[i]);
	if (fake.extra_field != NULL)
		add_field(*object_r, fake.extra_field);
	return 0;
}

/* -- the table -- */

static const struct setting settings[] = {
    {"prefix", "Prefix", SETTING_TEXT, 0, NULL, 0, 0, "Billhook_", ""},
    {"throttle", "Throttle", SETTING_NUMBER, 0, NULL, 1, 100, "80", ""},
    {"reserve", "Reserve", SETTING_NUMBER, 0, NULL, 1, 100, "95", ""},
    {"bulk_from", "Bulk from", SETTING_NUMBER, 0, NULL, 1, 1000000, "2000", ""},
    {NULL, NULL, SETTING_TEXT, 0, NULL, 0, 0, NULL, NULL},
};

static const struct dest_driver driver = {
    .name = "salesforce",
    .title = "Salesforce",
    .settings = settings,
    .prefix = "Billhook_",
    .caps = DEST_CAP_LINK_BY_KEY | DEST_CAP_REFRESH | DEST_CAP_DESCRIBE,
    .batch = 1000,
    .authorize = fake_authorize,
    .describe = fake_describe,
    .push = fake_push,
    .identify = fake_identify,
    .object_traits = fake_traits,
    .login = fake_login,
    .exchange = fake_exchange,
    .revoke = fake_revoke,
    .limits = fake_limits,
    .find = fake_find_records,
    .read = fake_read,
    .end = fake_end,
    .remove = fake_remove,
    .unlinked = fake_unlinked,
    .purge = fake_purge,
    .plan = fake_plan,
    .install = fake_install,
    .count = fake_count,
    .uninstall = fake_uninstall,
    .bulk_head = fake_bulk_head,
    .bulk_row = fake_bulk_row,
    .bulk_step = fake_bulk_step,
    .bulk_results = fake_bulk_results,
    .bulk_drop = fake_bulk_drop,
    .bulk_rows = 100000,
    .bulk_bytes = 1000000,
};

const struct dest_driver *
fake_driver(const char *name)
{
	return strcmp(name, driver.name) == 0 ? &driver : real_driver(name);
}

/* -- a lane -- */

void
fake_open(struct bench *bench, struct fake_lane *open)
{
	memset(open, 0, sizeof(*open));
	assert_int_equal(setup_load(bench->store, &bench->key, &open->setup, &bench->err), 0);
	if (lane_open(&bench->context, open->setup, setup_connection(open->setup, "crm"),
		&open->lane, &bench->err) < 0)
		fail_msg("%s", bench->err.text);
	open->run = (struct push_run){.context = &bench->context,
	    .lane = &open->lane,
	    .again_ms = INT64_MAX};
}

void
fake_close(struct fake_lane *open)
{
	lane_close(&open->lane);
	setup_free(&open->setup);
}
