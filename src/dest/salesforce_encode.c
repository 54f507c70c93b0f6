/*
 * A record as a row of a collection.  Written straight into text: jansson
 * keeps numbers as doubles, and an amount such as 90071992547409.93 must
 * arrive with the digits that the mapping gave.
 */
#include "base/base.h"

#include <ctype.h>

#include "base/clock.h"
#include "base/text.h"
#include "dest/salesforce.h"

/*
 * Platform events are published, never written again.  Whether a custom
 * field of Activity works as a key of Task and Event is not known, so that
 * those are inserted (Object Reference; platform events guide).
 */
unsigned
salesforce_object_traits(const char *object)
{
	if (bh_has_suffix(object, "__e"))
		return DEST_OBJECT_EVENT;
	if (strcmp(object, "Task") == 0 || strcmp(object, "Event") == 0)
		return DEST_OBJECT_LOOK;
	return 0;
}

enum salesforce_way
salesforce_way(const struct record *record)
{
	unsigned traits = salesforce_object_traits(record->object);
	bool has_id = record->remote_id != NULL && record->remote_id[0] != '\0';

	if ((traits & DEST_OBJECT_EVENT) != 0)
		return SALESFORCE_INSERT;
	if ((traits & DEST_OBJECT_LOOK) != 0)
		return has_id ? SALESFORCE_UPDATE : SALESFORCE_INSERT;
	if (has_id && (record->matched || record->key[0] == '\0' || record->key_field[0] == '\0'))
		return SALESFORCE_UPDATE;
	return SALESFORCE_UPSERT;
}

/* A JSON string; text is valid UTF-8 (it came out of JSON) or becomes so. */
static void
add_string(struct bh_buf *out, const char *text)
{
	struct bh_buf clean = BH_BUF_INIT(SIZE_MAX / 2);
	json_t *string = json_string(text);

	if (string == NULL) {
		bh_utf8_clean_add(&clean, text, strlen(text));
		string = json_string(bh_buf_str(&clean));
		bh_buf_release(&clean);
	}
	bh_json_add(out, string);
	json_decref(string);
}

static void
add_name(struct bh_buf *out, const char *name)
{
	bh_buf_addc(out, ',');
	add_string(out, name);
	bh_buf_addc(out, ':');
}

/* "{"attributes":{"type":X}": must come first in each object (seen in recordings). */
static void
add_type(struct bh_buf *out, const char *object)
{
	bh_buf_adds(out, "{\"attributes\":{\"type\":");
	add_string(out, object);
	bh_buf_addc(out, '}');
}

/*
 * A decimal text as a JSON number, digit by digit.  Takes an optional sign,
 * digits, and a fraction; leading zeros are dropped because JSON has none.
 */
static bool
has_added_decimal(struct bh_buf *out, const char *text)
{
	size_t whole, fraction = 0;

	if (strlen(text) > 64)
		return false;
	if (*text == '-')
		bh_buf_addc(out, '-');
	if (*text == '-' || *text == '+')
		text++;
	while (text[0] == '0' && isdigit((unsigned char)text[1]))
		text++;
	whole = strspn(text, "0123456789");
	if (text[whole] == '.')
		fraction = strspn(text + whole + 1, "0123456789") + 1;
	if (whole + fraction != strlen(text) || fraction == 1 || whole + fraction == 0)
		return false;
	if (whole == 0)
		bh_buf_addc(out, '0');
	bh_buf_adds(out, text);
	return true;
}

static bool
has_added_number(struct bh_buf *out, const json_t *value)
{
	if (json_is_integer(value)) {
		bh_json_add(out, value);
		return true;
	}
	return json_is_string(value) && has_added_decimal(out, json_string_value(value));
}

static bool
is_date(const char *text)
{
	int64_t at_ms;

	return text != NULL && strlen(text) == 10 && bh_is_time(text, &at_ms);
}

static bool
has_added_time(struct bh_buf *out, const char *text)
{
	char at[BH_CLOCK_TEXT];
	int64_t at_ms;

	if (text == NULL || !bh_is_time(text, &at_ms))
		return false;
	bh_rfc3339(at, at_ms);
	bh_buf_adds(out, at);
	return true;
}

static bool
has_added_text(struct bh_buf *out, const char *text)
{
	if (text != NULL)
		bh_buf_adds(out, text);
	return text != NULL;
}

bool
salesforce_has_value(struct bh_buf *out, enum record_type type, const json_t *value)
{
	const char *text = json_string_value(value);

	switch (type) {
	case RECORD_NUMBER:
		return has_added_number(out, value);
	case RECORD_TIME:
		return has_added_time(out, text);
	case RECORD_BOOL:
		/* A checkbox has no empty state: to clear it is to untick it. */
		bh_buf_adds(out, json_is_true(value) ? "true" : "false");
		return json_is_null(value) || json_is_boolean(value);
	case RECORD_DATE:
		return is_date(text) && has_added_text(out, text);
	case RECORD_TEXT:
	case RECORD_ENUM:
	default:
		return has_added_text(out, text);
	}
}

/* False when the value has not the form of its type. */
static bool
has_added_json(struct bh_buf *out, enum record_type type, const json_t *value)
{
	bool good;

	if (json_is_null(value) && type != RECORD_BOOL) {
		bh_buf_adds(out, "null");
		return true;
	}
	if (type == RECORD_NUMBER || type == RECORD_BOOL)
		return salesforce_has_value(out, type, value);
	if (type == RECORD_TIME) {
		bh_buf_addc(out, '"');
		good = salesforce_has_value(out, type, value);
		bh_buf_addc(out, '"');
		return good;
	}
	if (!json_is_string(value) || (type == RECORD_DATE && !is_date(json_string_value(value))))
		return false;
	bh_json_add(out, value);
	return true;
}

/*
 * The relationship's name: Account__c gives Account__r, AccountId gives
 * Account (Object Reference; custom and standard lookups).
 */
char *
salesforce_relationship(const char *field)
{
	size_t len = strlen(field);

	if (bh_has_suffix(field, "__c"))
		return bh_xasprintf("%.*s__r", (int)(len - 3), field);
	if (len > 2 && bh_has_suffix(field, "Id"))
		return bh_xstrndup(field, len - 2);
	return bh_xstrdup(field);
}

bool
salesforce_is_polymorphic(const char *field)
{
	return strcmp(field, "WhatId") == 0 || strcmp(field, "WhoId") == 0 ||
	       strcmp(field, "OwnerId") == 0;
}

static void
add_key_link(struct bh_buf *out, const struct record_parent *parent)
{
	char *name = salesforce_relationship(parent->field);

	add_name(out, name);
	if (salesforce_is_polymorphic(parent->field)) {
		add_type(out, parent->object);
		add_name(out, parent->key_field);
	} else {
		bh_buf_addc(out, '{');
		add_string(out, parent->key_field);
		bh_buf_addc(out, ':');
	}
	add_string(out, parent->key);
	bh_buf_addc(out, '}');
	free(name);
}

/* By key where there is one, else by id; no parent clears the id field. */
static void
add_parent(struct bh_buf *out, const struct record_parent *parent)
{
	if (parent->field[0] == '\0')
		return;
	if (parent->key[0] != '\0' && parent->key_field[0] != '\0') {
		add_key_link(out, parent);
		return;
	}
	add_name(out, parent->field);
	if (parent->remote_id != NULL && parent->remote_id[0] != '\0')
		add_string(out, parent->remote_id);
	else
		bh_buf_adds(out, "null");
}

/* Written by the driver itself: a mapping must not give them a second time. */
static bool
is_own_member(const struct record *record, const char *name)
{
	return strcmp(name, record->key_field) == 0 || strcasecmp(name, "id") == 0 ||
	       strcmp(name, "attributes") == 0;
}

/* Without a key nothing can be found again; an event need not be. */
static bool
can_be_sent(const struct record *record, enum salesforce_way way)
{
	if (way == SALESFORCE_UPDATE)
		return true;
	if ((salesforce_object_traits(record->object) & DEST_OBJECT_EVENT) != 0)
		return true;
	return record->key[0] != '\0' && record->key_field[0] != '\0';
}

int
salesforce_encode(struct bh_buf *out, const struct record *record, struct bh_err *err)
{
	enum salesforce_way way = salesforce_way(record);

	if (!can_be_sent(record, way))
		return bh_fail(err, BH_INVALID, "the record has neither a key nor a Salesforce id");
	add_type(out, record->object);
	if (way == SALESFORCE_UPDATE) {
		bh_buf_adds(out, ",\"id\":");
		add_string(out, record->remote_id);
	}
	if (record->key[0] != '\0' && record->key_field[0] != '\0') {
		add_name(out, record->key_field);
		add_string(out, record->key);
	}
	for (size_t i = 0; i < record->fields_n; i++) {
		const struct record_field *field = &record->fields[i];

		if (is_own_member(record, field->name))
			continue;
		add_name(out, field->name);
		if (!has_added_json(out, field->type, field->value))
			return bh_fail(err, BH_INVALID,
			    "the value of %s has not the form of its type", field->name);
	}
	for (size_t i = 0; i < record->parents_n; i++)
		add_parent(out, &record->parents[i]);
	bh_buf_addc(out, '}');
	return bh_buf_check(out, "the record", err);
}
