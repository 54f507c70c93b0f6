/* Events of the journal: see event.h. */
#include "base/base.h"

#include "sync/event.h"

#include "base/clock.h"
#include "base/text.h"
#include "model/money.h"

#define SUMMARY_MAX 250
#define TIME_LEAST_MS INT64_C(946684800000) /* the year 2000: what is less is a version, no time */

/* -- names -- */

void
event_name(char out[EVENT_NAME], uint64_t stamp)
{
	snprintf(out, EVENT_NAME, "%020llu", (unsigned long long)stamp);
}

bool
is_event_name(const char *name, uint64_t *stamp_r)
{
	return strlen(name) == EVENT_NAME - 1 &&
	       bh_is_uint(name, EVENT_NAME - 1, UINT64_MAX, stamp_r);
}

/* -- what it is about -- */

const struct object_change *
event_subject(const struct object_changes *changes)
{
	for (size_t i = 0; i < changes->n; i++)
		if (changes->items[i].kind != OBJECT_CUSTOMER)
			return &changes->items[i];
	return changes->n != 0 ? &changes->items[0] : NULL;
}

static bool
is_of(const struct object_change *change, const struct object_change *subject)
{
	return change->kind == subject->kind && strcmp(change->id, subject->id) == 0 &&
	       strcmp(change->account, subject->account) == 0;
}

/* All that is said of the subject. */
static json_t *
merged_fields(const struct object_changes *changes, const struct object_change *subject)
{
	json_t *fields = json_object();

	for (size_t i = 0; i < changes->n; i++)
		if (is_of(&changes->items[i], subject))
			json_object_update(fields, changes->items[i].fields);
	return fields;
}

static int64_t
occurred_ms(const struct object_changes *changes, const struct object_change *subject)
{
	int64_t at_ms = subject->version.at_ms;

	for (size_t i = 0; i < changes->n; i++)
		if (is_of(&changes->items[i], subject) && changes->items[i].effective_ms != 0)
			at_ms = changes->items[i].effective_ms;
	return at_ms;
}

const char *
event_customer(const struct object_changes *changes)
{
	const struct object_change *subject = event_subject(changes);
	const char *told = NULL;

	if (subject == NULL || subject->kind == OBJECT_CUSTOMER)
		return subject != NULL ? subject->id : NULL;
	for (size_t i = 0; i < changes->n && told == NULL; i++)
		if (is_of(&changes->items[i], subject))
			told = bh_json_str(changes->items[i].fields, "customer");
	for (size_t i = 0; i < changes->n && told == NULL; i++)
		if (changes->items[i].kind == OBJECT_CUSTOMER &&
		    strcmp(changes->items[i].account, subject->account) == 0)
			told = changes->items[i].id;
	return told;
}

/* -- fields -- */

static void
put_text(json_t *fields, const char *name, const char *text)
{
	if (text != NULL && *text != '\0')
		json_object_set_new(fields, name, bh_json_string(text));
}

static void
put_time(json_t *fields, const char *name, int64_t at_ms)
{
	char at[BH_CLOCK_TEXT];

	if (at_ms < TIME_LEAST_MS)
		return;
	bh_rfc3339(at, at_ms);
	json_object_set_new(fields, name, json_string(at));
}

/* The first of these members that is told; a table of the user's may give it any type. */
static void
put_first(json_t *fields, const char *name, const json_t *object, const char *const *members)
{
	const struct object_field *field = object_field(OBJECT_EVENT, name);

	for (; *members != NULL; members++) {
		json_t *value = json_object_get(object, *members);

		if (value == NULL || !is_object_value(value, field->type))
			continue;
		json_object_set(fields, name, value);
		return;
	}
}

/* LostChurn: Webhooks, event types; "failed" is its last word and says why. */
static const char *
recovery_word(const char *type, const json_t *object)
{
	static const struct {
		const char *type, *stage, *word;
	} words[] = {
	    {"recovery.started", "open_early", "started"},
	    {"recovery.retry_attempted", "open_late", "retried"},
	    {"recovery.escalated", NULL, "escalated"},
	    {"recovery.succeeded", "won", "succeeded"},
	    {"recovery.failed", "lost", "failed"},
	};
	const char *stage = bh_json_str(object, "stage");
	const char *reason = bh_json_str(object, "failure_reason");
	const char *word = NULL;

	for (size_t i = 0; i < BH_LEN(words) && word == NULL; i++)
		if (strcmp(words[i].type, type) == 0)
			word = words[i].word;
	for (size_t i = 0; i < BH_LEN(words) && word == NULL && stage != NULL; i++)
		if (words[i].stage != NULL && strcmp(words[i].stage, stage) == 0)
			word = words[i].word;
	if (word != NULL && strcmp(word, "failed") == 0 && reason != NULL &&
	    strstr(reason, "exhausted") != NULL)
		word = "exhausted";
	return word;
}

static void
put_recovery(json_t *fields, const char *type, const json_t *object)
{
	put_text(fields, "recovery_event", recovery_word(type, object));
	put_text(fields, "recovery_status", bh_json_str(object, "status"));
	put_first(fields, "recovered_amount", object,
	    (const char *const[]){"recovered_amount", NULL});
	put_first(fields, "decline_code", object, (const char *const[]){"decline_code", NULL});
	put_first(fields, "customer_email", object, (const char *const[]){"customer_email", NULL});
	put_first(fields, "customer_name", object, (const char *const[]){"customer_name", NULL});
}

/* The ids of what it is about and of what that names. */
static void
put_links(json_t *fields, enum object_kind kind, const char *id, const json_t *object)
{
	put_text(fields, "subscription",
	    kind == OBJECT_SUBSCRIPTION ? id : bh_json_str(object, "subscription"));
	put_text(fields, "invoice", kind == OBJECT_INVOICE ? id : bh_json_str(object, "invoice"));
	if (kind == OBJECT_RECOVERY)
		put_text(fields, "recovery", id);
}

static void
add_amount(struct bh_buf *out, const json_t *fields)
{
	const json_t *amount = json_object_get(fields, "amount");
	const char *currency = bh_json_str(fields, "currency");
	char text[MONEY_TEXT];

	if (amount == NULL || currency == NULL)
		return;
	money_text(text, json_integer_value(amount), money_exponent(currency));
	bh_buf_addf(out, "%s%s %.8s", json_object_get(fields, "status") != NULL ? ", " : ": ", text,
	    currency);
}

/* "credit note cn_1 of cus_1: issued, 12.00 EUR" */
static void
put_summary(json_t *fields, enum object_kind kind, const char *id, const char *customer)
{
	struct bh_buf text = BH_BUF_INIT(4096);
	const char *status = bh_json_str(fields, "status");
	char cut[SUMMARY_MAX + 1];

	for (const char *s = object_kind_name(kind); *s != '\0'; s++)
		bh_buf_addc(&text, *s != '_' ? *s : ' ');
	bh_buf_addf(&text, " %s", id);
	if (customer != NULL && kind != OBJECT_CUSTOMER)
		bh_buf_addf(&text, " of %s", customer);
	if (status != NULL)
		bh_buf_addf(&text, ": %s", status);
	add_amount(&text, fields);
	snprintf(cut, sizeof(cut), "%s", bh_buf_str(&text));
	bh_utf8_mend(cut, text.len > SUMMARY_MAX);
	put_text(fields, "summary", cut);
	bh_buf_release(&text);
}

json_t *
event_fields(const struct journal_event *event, const struct object_changes *changes,
    const char *id, const char *customer)
{
	const struct object_change *subject = event_subject(changes);
	json_t *object = merged_fields(changes, subject), *fields = json_object();

	put_text(fields, "event_id", event->id);
	put_text(fields, "type", event->type);
	put_time(fields, "received_at", event->received_ms);
	put_time(fields, "occurred_at", occurred_ms(changes, subject));
	put_text(fields, "connection", event->connection);
	put_text(fields, "outcome", journal_state_name(JOURNAL_APPLIED));
	put_text(fields, "kind", object_kind_name(subject->kind));
	put_text(fields, "object_id", id);
	put_text(fields, "customer", customer);
	put_links(fields, subject->kind, id, object);
	put_first(fields, "status", object,
	    subject->kind == OBJECT_RECOVERY ? (const char *const[]){"stage", "status", NULL}
					     : (const char *const[]){"status", NULL});
	if (subject->deleted)
		put_text(fields, "status", "deleted");
	put_first(fields, "currency", object, (const char *const[]){"currency", NULL});
	put_first(fields, "amount", object, (const char *const[]){"amount", "total", NULL});
	if (subject->kind == OBJECT_RECOVERY)
		put_recovery(fields, event->type, object);
	put_summary(fields, subject->kind, id, customer);
	json_decref(object);
	return fields;
}
