/*
 * A row that was refused for one of its values is better written without it
 * than not at all: texts that are too long are cut, fields that the org has
 * not or does not let us write are left out, and so is an address that does
 * not fit the org's lists of states and countries.  All such rows of a push
 * travel once more, in one call.  Keys and parents are never touched.
 *
 * For an address there are two tries, in collections of the same call: without
 * its state, and, behind that, without all of it.  Where the first goes
 * through, the second writes the same values and says nothing of the address.
 */
#include "base/base.h"

#include "base/text.h"
#include "dest/salesforce_push.h"

#define CUT_MARK "max length="

static const char *const address_kinds[] = {"Billing", "Mailing", "Shipping", "Other"};
static const char *const address_parts[] = {"Street", "City", "State", "StateCode", "PostalCode",
    "Country", "CountryCode", "Latitude", "Longitude", "GeocodeAccuracy"};

/* --- what could be done ------------------------------------------------- */

static const struct record_field *
find_field(const struct record *record, const char *name)
{
	for (size_t i = 0; i < record->fields_n; i++) {
		if (strcmp(record->fields[i].name, name) == 0)
			return &record->fields[i];
	}
	return NULL;
}

/* A field of the mapping; the key is ours to keep. */
static bool
can_drop(const struct record *record, const char *name)
{
	return strcmp(name, record->key_field) != 0 && find_field(record, name) != NULL;
}

static bool
has_dropped(json_t *cuts, const struct record *record, const char *name)
{
	if (!can_drop(record, name))
		return false;
	json_object_set_new(cuts, name, json_integer(0));
	return true;
}

/* "Billing City: data value too large: V (max length=40)"; 0 when it is not said. */
static size_t
length_of(const char *message)
{
	const char *at = strstr(message, CUT_MARK);
	uint64_t length;

	if (at == NULL)
		return 0;
	at += strlen(CUT_MARK);
	return bh_is_uint(at, strspn(at, "0123456789"), 1000000, &length) ? (size_t)length : 0;
}

static bool
has_cut(json_t *cuts, const struct record *record, const char *name, size_t length)
{
	const struct record_field *field = find_field(record, name);
	const char *text = field != NULL ? json_string_value(field->value) : NULL;

	if (length == 0 || text == NULL || field->type != RECORD_TEXT || !can_drop(record, name) ||
	    bh_utf8_units(text, strlen(text)) <= length)
		return false;
	json_object_set_new(cuts, name, json_integer((json_int_t)length));
	return true;
}

/* The kind of address that a field belongs to ("Billing"), NULL when to none. */
static const char *
address_of(const char *name)
{
	for (size_t i = 0; i < BH_LEN(address_kinds); i++) {
		if (!bh_has_prefix(name, address_kinds[i]))
			continue;
		for (size_t k = 0; k < BH_LEN(address_parts); k++) {
			if (strcmp(name + strlen(address_kinds[i]), address_parts[k]) == 0)
				return address_kinds[i];
		}
	}
	return NULL;
}

/* Drop those parts of an address that the record has; only the state when whole is false. */
static bool
has_dropped_address(json_t *cuts, const struct record *record, const char *kind, bool whole)
{
	bool dropped = false;

	for (size_t i = 0; i < BH_LEN(address_parts); i++) {
		char name[64];

		if (!whole && !bh_has_prefix(address_parts[i], "State"))
			continue;
		snprintf(name, sizeof(name), "%s%s", kind, address_parts[i]);
		if (has_dropped(cuts, record, name))
			dropped = true;
	}
	return dropped;
}

/* A bad state: without it, else without the address; anything else of it: without the address. */
static bool
has_address_mended(struct mend *mend, const struct record *record, const char *name)
{
	const char *kind = address_of(name);

	/* What is inserted would be there twice after two tries. */
	if (kind == NULL || salesforce_way(record) == SALESFORCE_INSERT)
		return false;
	if (strstr(name + strlen(kind), "State") == NULL)
		return has_dropped_address(mend->cuts, record, kind, true);
	if (mend->retreat == NULL)
		mend->retreat = json_object();
	has_dropped_address(mend->retreat, record, kind, true);
	return has_dropped_address(mend->cuts, record, kind, false);
}

/* Every field that one error names can be cut or left out. */
static bool
has_error_mended(struct mend *mend, const struct record *record, const json_t *error)
{
	const char *code = dest_text(error, "statusCode", dest_text(error, "errorCode", ""));
	size_t length = length_of(dest_text(error, "message", ""));
	json_t *names = salesforce_named_fields(error);
	bool good = json_array_size(names) > 0;

	for (size_t i = 0; good && i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));

		if (strcmp(code, "STRING_TOO_LONG") == 0)
			good = has_cut(mend->cuts, record, name, length);
		else if (strcmp(code, "FIELD_INTEGRITY_EXCEPTION") == 0)
			good = has_address_mended(mend, record, name);
		else if (strcmp(code, "INVALID_FIELD") == 0 ||
			 strcmp(code, "INVALID_FIELD_FOR_INSERT_UPDATE") == 0)
			good = has_dropped(mend->cuts, record, name);
		else
			good = false;
	}
	json_decref(names);
	return good;
}

static void
forget(struct mend *mend)
{
	json_decref(mend->cuts);
	json_decref(mend->retreat);
	*mend = (struct mend){NULL, NULL};
}

void
salesforce_mend_note(struct mend *mend, const struct record *record, const json_t *error)
{
	size_t n = json_is_array(error) ? json_array_size(error) : 1;
	bool good = n > 0;

	forget(mend);
	mend->cuts = json_object();
	for (size_t i = 0; good && i < n; i++)
		good = has_error_mended(mend, record,
		    json_is_array(error) ? json_array_get(error, i) : error);
	if (!good)
		forget(mend);
}

/* --- doing it ----------------------------------------------------------- */

/* What stays of a field; NULL: nothing.  A new reference. */
static json_t *
kept_value(const struct record_field *field, const struct mend *mend, bool retreats)
{
	const json_t *cut = json_object_get(mend->cuts, field->name);
	const char *text = json_string_value(field->value);
	size_t units = (size_t)json_integer_value(cut);

	if (retreats && json_object_get(mend->retreat, field->name) != NULL)
		return NULL;
	if (cut == NULL)
		return json_incref(field->value);
	return units > 0 ? json_stringn(text, bh_utf8_cut(text, strlen(text), units)) : NULL;
}

static struct record *
mended(const struct record *record, const struct mend *mend, bool retreats)
{
	struct record *copy = record_new(record->object, record->key_field, record->key);

	copy->matched = record->matched;
	if (record->remote_id != NULL)
		copy->remote_id = bh_xstrdup(record->remote_id);
	for (size_t i = 0; i < record->fields_n; i++) {
		const struct record_field *field = &record->fields[i];
		json_t *value = kept_value(field, mend, retreats);

		if (value != NULL)
			record_take_field(copy, field->name, field->type, value);
	}
	for (size_t i = 0; i < record->parents_n; i++) {
		const struct record_parent *from = &record->parents[i];
		struct record_parent *to =
		    record_add_parent(copy, from->field, from->object, from->key_field, from->key);

		if (from->remote_id != NULL)
			to->remote_id = bh_xstrdup(from->remote_id);
	}
	return copy;
}

/* "Written, but City was cut to 40 characters, State was left out" */
static void
add_losses(struct bh_buf *out, const struct mend *mend, bool retreated)
{
	json_t *fields = json_copy(mend->cuts), *units;
	const char *name;

	if (retreated)
		json_object_update(fields, mend->retreat);
	json_object_foreach (fields, name, units) {
		bh_buf_adds(out, out->len == 0 ? "Written, but " : ", ");
		if (json_integer_value(units) > 0)
			bh_buf_addf(out, "%.80s was cut to %d characters", name,
			    (int)json_integer_value(units));
		else
			bh_buf_addf(out, "%.80s was left out", name);
	}
	json_decref(fields);
}

/* What was written takes the place of the refusal, whose words stay. */
static void
settle_written(struct dest_result *result, const struct dest_result *written,
    const struct mend *mend, bool retreated)
{
	struct bh_buf cause = BH_BUF_INIT(100000);
	const struct dest_result refusal = *result;

	add_losses(&cause, mend, retreated);
	bh_buf_addf(&cause, ". %s", refusal.cause);
	dest_result_set(result, DEST_APPLIED, refusal.code, bh_buf_str(&cause), refusal.remedy);
	snprintf(result->remote_id, sizeof(result->remote_id), "%s", written->remote_id);
	result->created = written->created;
	bh_buf_release(&cause);
}

/* Did leaving something out make it fail?  Then the first refusal says more. */
static bool
is_own_fault(const struct dest_result *result)
{
	return strcmp(result->code, "REQUIRED_FIELD_MISSING") == 0;
}

/* first: without what was named; second: NULL, or without the whole address. */
static void
settle(struct dest_result *result, const struct mend *mend, const struct dest_result *first,
    const struct dest_result *second)
{
	const struct dest_result *last = second != NULL ? second : first;

	if (first->outcome == DEST_APPLIED)
		settle_written(result, first, mend, false);
	else if (last->outcome == DEST_APPLIED)
		settle_written(result, last, mend, true);
	else if (last->outcome == DEST_UNKNOWN)
		result->outcome = DEST_LATER; /* no room in the call: the next push comes to it */
	else if (last->outcome != DEST_REJECTED || !is_own_fault(last))
		*result = *last;
}

/* Which records are mended, in the sequence of the plan. */
struct patients {
	size_t *indexes;
	size_t n;
	size_t retreats; /* so many of them have a second try */
};

static void
list_patients(const struct plan *plan, struct patients *patients)
{
	patients->indexes = bh_xcalloc(plan->n + 1, sizeof(patients->indexes[0]));
	for (size_t i = 0; i < plan->n; i++) {
		size_t index = plan->order[i];

		if (plan->mends[index].cuts == NULL)
			continue;
		patients->indexes[patients->n++] = index;
		patients->retreats += plan->mends[index].retreat != NULL;
	}
}

static void
send_patients(struct plan *plan, const struct patients *patients)
{
	size_t n = patients->n + patients->retreats, second = patients->n;
	struct record **records = bh_xcalloc(n, sizeof(records[0]));
	struct dest_result *results = bh_xcalloc(n, sizeof(results[0]));
	struct plan again = {.config = plan->config,
	    .records = records,
	    .n = n,
	    .second = patients->n,
	    .results = results,
	    .slice = plan->slice};
	struct dest_result stop;

	for (size_t i = 0; i < patients->n; i++) {
		size_t index = patients->indexes[i];
		const struct mend *mend = &plan->mends[index];

		records[i] = mended(plan->records[index], mend, false);
		if (mend->retreat != NULL)
			records[second++] = mended(plan->records[index], mend, true);
	}
	salesforce_plan(&again);
	if (again.slots_n > 0)
		salesforce_send(&again, 0, salesforce_plan_count(&again, 0), &stop);
	second = patients->n;
	for (size_t i = 0; i < patients->n; i++) {
		size_t index = patients->indexes[i];
		const struct mend *mend = &plan->mends[index];

		settle(&plan->results[index], mend, &results[i],
		    mend->retreat != NULL ? &results[second++] : NULL);
	}
	for (size_t i = 0; i < n; i++)
		record_free(&records[i]);
	salesforce_plan_release(&again);
	free(records);
	free(results);
}

void
salesforce_mend_send(struct plan *plan, bool may_call)
{
	struct patients patients = {NULL, 0, 0};

	list_patients(plan, &patients);
	if (patients.n > 0 && may_call)
		send_patients(plan, &patients);
	for (size_t i = 0; !may_call && i < patients.n; i++)
		plan->results[patients.indexes[i]].outcome = DEST_LATER;
	free(patients.indexes);
}

void
salesforce_mend_release(struct mend *mends, size_t n)
{
	for (size_t i = 0; i < n; i++)
		forget(&mends[i]);
	free(mends);
}
