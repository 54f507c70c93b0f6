/*
 * Custom events.  A mapping names one by its name and EVENT_MARK ("billhook_paid__e"),
 * or as HubSpot does, with the portal's number ("pe123_paid").  An event is about one
 * record: that of its first parent, or else whom a row names (members below);
 * all other rows are its properties.
 *
 * HubSpot takes a batch as a whole and answers before it looks closer.  Each event
 * has a UUID that its key makes, and HubSpot takes each only once in a year, so that it can be
 * sent again whenever it is not certain that it arrived ("Send custom event completions").
 */
#include "base/base.h"

#include "base/crypt.h"
#include "base/text.h"
#include "dest/driver.h"
#include "dest/hubspot.h"

#define EVENT_MARK "__e"
#define UUID_LEN 36
#define VALUE_MAX 256
#define ADDRESS_MAX 1024 /* of properties whose name says that they hold an address */

/* Rows that are no properties. */
static const struct {
	const char *name, *label;
	enum record_type type;
	bool is_person; /* says whom the event is about */
} members[] = {
    {"occurredAt", "When it happened", RECORD_TIME, false},
    {"objectId", "Id of the record that it is about", RECORD_TEXT, true},
    {"email", "E-mail of the contact that it is about", RECORD_TEXT, true},
    {"utk", "Token of the visitor that it is about", RECORD_TEXT, true},
};

/* --- names ---------------------------------------------------------------- */

/* "pe123_" in front; 0: not so. */
static size_t
full_length(const char *name)
{
	size_t digits = strncmp(name, "pe", 2) == 0 ? strspn(name + 2, "0123456789") : 0;

	return digits > 0 && name[2 + digits] == '_' ? digits + 3 : 0;
}

bool
hubspot_is_event(const char *object)
{
	return bh_has_suffix(object, EVENT_MARK) || full_length(object) > 0;
}

char *
hubspot_event_name(const char *object)
{
	size_t len = strlen(object), skip = full_length(object);

	if (bh_has_suffix(object, EVENT_MARK))
		len -= strlen(EVENT_MARK);
	return bh_xstrndup(object + skip, len > skip ? len - skip : 0);
}

char *
hubspot_event_full_name(const struct dest_config *config, const char *object)
{
	char *name, *full;

	if (full_length(object) > 0)
		return bh_xstrdup(object);
	name = hubspot_event_name(object);
	full = bh_xasprintf("pe%s_%s", config->auth->account_id, name);
	free(name);
	return full;
}

/* 2026-03 has the calls that send elsewhere, and none for definitions: those are the older version's. */
char *
hubspot_event_path(const struct dest_config *config, const char *rest, const char *name)
{
	bool is_old =
	    strcmp(dest_text(config->settings, "api_version", HUBSPOT_VERSION), "2026-03") == 0;
	const char *base = !is_old                         ? "/events/custom/{v}/"
			   : strncmp(rest, "send", 4) == 0 ? "/events/{v}/"
							   : "/events/v3/";
	char *pattern = bh_xasprintf("%s%s", base, rest);
	char *path = hubspot_path(config, pattern, NULL, name);

	free(pattern);
	return path;
}

/* --- describe --------------------------------------------------------------- */

size_t
hubspot_event_length(const char *property)
{
	static const char *const words[] = {"url", "referrer", "link"};

	for (size_t i = 0; i < BH_LEN(words); i++)
		if (strstr(property, words[i]) != NULL)
			return ADDRESS_MAX;
	return VALUE_MAX;
}

void
hubspot_event_members(struct dest_object *object)
{
	object->fields = bh_xrealloc(object->fields,
	    (object->fields_n + BH_LEN(members)) * sizeof(object->fields[0]));
	for (size_t i = 0; i < BH_LEN(members); i++)
		object->fields[object->fields_n++] = (struct dest_field){
		    .name = bh_xstrdup(members[i].name),
		    .label = bh_xstrdup(members[i].label),
		    .type = members[i].type,
		    .length = members[i].type == RECORD_TEXT ? VALUE_MAX : 0,
		    .writable = true,
		};
}

/* --- send --------------------------------------------------------------------- */

struct sending {
	struct hubspot_work work; /* first: the engine's callbacks get this */
	struct record *const *records;
	struct dest_result *results;
};

/* BH_LEN(members): a property. */
static size_t
member_of(const char *name)
{
	size_t at = 0;

	while (at < BH_LEN(members) && strcmp(members[at].name, name) != 0)
		at++;
	return at;
}

/* The same for the same event, whenever it is sent (RFC 9562, version 8). */
static void
uuid_of(const struct record *record, char out[UUID_LEN + 1])
{
	unsigned char sum[BH_SHA256_LEN];
	char *text = bh_xasprintf("%s\n%s", record->object, record->key), hex[33];

	bh_sha256(sum, text, strlen(text));
	free(text);
	sum[6] = (unsigned char)(0x80 | (sum[6] & 0x0f));
	sum[8] = (unsigned char)(0x80 | (sum[8] & 0x3f));
	bh_hex(hex, sum, 16);
	snprintf(out, UUID_LEN + 1, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
	    hex + 20);
}

/* NULL: nothing, which events have no form for. */
static json_t *
value_of(const struct record_field *field)
{
	const char *text = json_string_value(field->value);
	char *made;
	json_t *json;

	if (field->value == NULL || json_is_null(field->value) || (text != NULL && *text == '\0'))
		return NULL;
	if (text != NULL)
		return json_incref(field->value);
	made = bh_json_text(field->value);
	json = json_string(made);
	free(made);
	return json;
}

/* A parent is surer than what a row says: an e-mail address can be refused. */
static void
add_row(const struct record *record, const struct record_field *field, json_t *input,
    json_t *properties)
{
	size_t at = member_of(field->name);
	bool is_member = at < BH_LEN(members);
	json_t *value = value_of(field);

	if (value == NULL || (is_member && members[at].is_person && record->parents_n > 0))
		json_decref(value);
	else
		json_object_set_new(is_member ? input : properties, field->name, value);
}

static json_t *
send_input(struct hubspot_work *work, size_t at)
{
	const struct record *record = ((const struct sending *)work)->records[at];
	char *name = hubspot_event_full_name(work->talk->config, record->object);
	char uuid[UUID_LEN + 1];
	json_t *properties = json_object(), *input;

	uuid_of(record, uuid);
	input = json_pack("{s:o, s:s}", "eventName", bh_json_string(name), "uuid", uuid);
	for (size_t i = 0; i < record->fields_n; i++)
		add_row(record, &record->fields[i], input, properties);
	if (record->parents_n > 0)
		json_object_set_new(input, "objectId", json_string(record->parents[0].remote_id));
	json_object_set_new(properties, record->key_field, bh_json_string(record->key));
	json_object_set_new(input, "properties", properties);
	free(name);
	return input;
}

static void
settle_good(struct sending *sending, const struct hubspot_batch *batch)
{
	for (size_t i = 0; i < batch->n; i++) {
		struct dest_result *result = &sending->results[batch->at[i]];

		dest_result_set(result, DEST_APPLIED, "", "", "");
		result->created = true;
		uuid_of(sending->records[batch->at[i]], result->remote_id);
	}
}

static void
send_settle(struct hubspot_work *work, const struct hubspot_batch *batch,
    const struct hubspot_answer *answer)
{
	struct sending *sending = (struct sending *)work;
	struct hubspot_fault fault;

	if (hubspot_is_good(answer)) {
		settle_good(sending, batch);
		return;
	}
	hubspot_fault_answer(&fault, answer);
	if (fault.result.outcome == DEST_REJECTED && (fault.flags & FAULT_COMMON) == 0 &&
	    batch->n > 1) {
		/* One of them is at fault, and the answer does not say which. */
		if (work->spare >= 2) {
			work->spare -= 2;
			hubspot_work_halve(work, batch);
			hubspot_fault_release(&fault);
			return;
		}
		fault.result.outcome = DEST_LATER;
		fault.result.doubtful = true;
	}
	for (size_t i = 0; i < batch->n; i++)
		sending->results[batch->at[i]] = fault.result;
	hubspot_fault_release(&fault);
}

/* Does the event say what it is about? */
static bool
has_object(const struct record *record)
{
	for (size_t i = 0; i < record->fields_n; i++) {
		const char *text = json_string_value(record->fields[i].value);
		size_t at = member_of(record->fields[i].name);

		if (at < BH_LEN(members) && members[at].is_person && text != NULL && *text != '\0')
			return true;
	}
	return record->parents_n > 0;
}

/* The names of events need the portal's number. */
static bool
is_ready(struct dest_config *config, struct dest_result *result)
{
	struct bh_err why = BH_ERR_INIT;

	if (hubspot_know_portal(config, &why) == 0)
		return true;
	dest_result_set(result, why.code == BH_DENIED ? DEST_AUTH : DEST_LATER, "NO_PORTAL",
	    why.text, "Billhook asks again by itself which portal it is");
	result->retry_after_s = why.retry_after_s;
	return false;
}

static void
add_event(struct sending *sending, size_t at)
{
	struct dest_config *config = sending->work.talk->config;
	const struct record *record = sending->records[at];
	struct dest_result *result = &sending->results[at];
	char *path;

	if (!has_object(record)) {
		dest_result_set(result, DEST_REJECTED, "NO_OBJECT",
		    "The event does not say which record it is about",
		    "Give it a parent in the mapping, or a row to email, objectId or utk");
		return;
	}
	if (!is_ready(config, result))
		return;
	path = hubspot_event_path(config, "send/batch", NULL);
	hubspot_work_add(&sending->work, path, record->object, at);
	free(path);
}

void
hubspot_send(struct hubspot_talk *talk, struct record *const *records, size_t n,
    struct dest_result *results)
{
	struct sending sending = {
	    .work = {.talk = talk,
		.limit = HUBSPOT_EVENTS,
		.spare = HUBSPOT_SPARE,
		.input = send_input,
		.settle = send_settle},
	    .records = records,
	    .results = results,
	};

	for (size_t i = 0; i < n; i++)
		if (results[i].outcome == DEST_UNKNOWN && hubspot_is_event(records[i]->object))
			add_event(&sending, i);
	hubspot_work_run(&sending.work);
}
