/* See decide.h. */
#include "base/base.h"

#include "auto/decide.h"

#include "auto/rule_internal.h"
#include "base/clock.h"
#include "base/crypt.h"
#include "base/text.h"
#include "base/zone.h"
#include "model/money.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))
#define ID_MAX 200 /* a key with the prefix of its source fits into 255 */
#define STANDING_MAX 60
#define NO_DAY INT64_MIN
/* A source that tells nothing of a renewal, so many days after its date, has renewed. */
#define GRACE_DAYS 7

/* One look at one object. */
struct look {
	const struct rule *rule;
	const struct rule_subject *subject;
	struct rule_decision *decision;
	struct reference_view view;
};

/* -- conditions -- */

/* As large as the rule wants, a fall as much as a rise?  Exact. */
static bool
is_amount_enough(const struct look *look)
{
	const struct rule *rule = look->rule;
	struct map_value value = MAP_VALUE_ABSENT;
	const char *currency, *least;
	int64_t minor, least_minor;
	bool is_enough = false;

	reference_read(&rule->amount_of, &look->view, &value);
	if (json_is_integer(value.json)) {
		currency = reference_currency(&rule->amount_of, &look->view);
		least = currency != NULL
			    ? json_string_value(json_object_get(rule->at_least, currency))
			    : NULL;
		if (least == NULL)
			least = json_string_value(json_object_get(rule->at_least, "*"));
		minor = json_integer_value(value.json);
		is_enough = least != NULL && is_money_read(least, value.exponent, &least_minor) &&
			    (minor < 0 ? minor <= -least_minor : minor >= least_minor);
	}
	map_value_release(&value);
	return is_enough;
}

static bool
is_met(const struct look *look)
{
	const struct rule *rule = look->rule;

	return look->view.object != NULL &&
	       (rule->filter == NULL || is_filter_passed(rule->filter, &look->view)) &&
	       (!rule->has_amount || is_amount_enough(look));
}

/* -- days -- */

static int64_t
floor_day(int64_t at_ms)
{
	return at_ms >= 0 ? at_ms / DAY_MS : -((-at_ms + DAY_MS - 1) / DAY_MS);
}

/* The day that a rule's clocks show at that moment. */
static int64_t
day_at(const struct rule *rule, int64_t at_ms)
{
	int64_t east_ms;

	bh_is_zone(rule->zone, at_ms, &east_ms);
	return floor_day(at_ms + east_ms);
}

/* The day of the first date that is there, counted from 1970; NO_DAY. */
static int64_t
date_of(const struct look *look)
{
	const struct rule *rule = look->rule;
	int64_t day = NO_DAY, at_ms;

	for (size_t i = 0; i < rule->dates_n && day == NO_DAY && look->view.object != NULL; i++) {
		struct map_value value = MAP_VALUE_ABSENT;
		const char *text;

		reference_read(&rule->dates[i], &look->view, &value);
		text = json_string_value(value.json);
		if (text != NULL && bh_is_time(text, &at_ms))
			day = reference_type(&rule->dates[i]) == FIELD_TIME ? day_at(rule, at_ms)
									    : floor_day(at_ms);
		map_value_release(&value);
	}
	return day;
}

/* A month before the 31st of March is the last day of February. */
static int64_t
months_later(int64_t day, int months)
{
	int year, month, of_month, most;

	bh_civil_from_days(day, &year, &month, &of_month);
	month += months + 12 * 100 - 1;
	year += month / 12 - 100;
	month = month % 12 + 1;
	most = bh_days_in_month(year, month);
	return bh_days_from_civil(year, month, of_month < most ? of_month : most);
}

static int64_t
start_of(const struct rule *rule, int64_t date)
{
	return rule->months != 0 ? months_later(date, rule->months) : date + rule->days;
}

static int64_t
today(const struct look *look)
{
	return day_at(look->rule, look->decision->now_ms);
}

static bool
is_ahead_of_date(const struct rule *rule)
{
	return rule->days < 0 || rule->months < 0;
}

/* When that day begins, where the rule is at home. */
static int64_t
day_ms(const struct rule *rule, int64_t day)
{
	return bh_zone_moment(rule->zone, day * DAY_MS);
}

static void
look_again(const struct look *look, int64_t day)
{
	int64_t at_ms = day_ms(look->rule, day);

	if (at_ms > look->decision->now_ms && at_ms < look->decision->next_ms)
		look->decision->next_ms = at_ms;
}

static json_t *
day_text(int64_t day)
{
	char text[BH_CLOCK_TEXT];

	bh_date(text, day * DAY_MS);
	return json_string(text);
}

static json_t *
time_text(int64_t at_ms)
{
	char text[BH_CLOCK_TEXT];

	bh_rfc3339(text, at_ms);
	return json_string(text);
}

/* The day of a time of the object's; NO_DAY. */
static int64_t
own_day(const struct look *look, const char *name)
{
	const char *text = bh_json_str(look->view.object, name);
	int64_t at_ms;

	return text != NULL && bh_is_time(text, &at_ms) ? day_at(look->rule, at_ms) : NO_DAY;
}

/* The day that a member of an entry names; NO_DAY. */
static int64_t
entry_day(const json_t *entry, const char *name)
{
	const char *text = bh_json_str(entry, name);
	int64_t at_ms;

	return text != NULL && bh_is_time(text, &at_ms) ? floor_day(at_ms) : NO_DAY;
}

/* -- actions -- */

static json_t *
rendered(const struct look *look, const struct template *template, const char *fallback)
{
	struct map_value value = MAP_VALUE_ABSENT;
	struct bh_err err = BH_ERR_INIT;
	json_t *text = NULL;

	if (template != NULL && template_render(template, &look->view, &value, &err) == 0 &&
	    !is_map_value_empty(&value))
		text = json_incref(value.json);
	map_value_release(&value);
	if (text == NULL && fallback != NULL)
		text = bh_json_string(fallback);
	return text != NULL ? text : json_null();
}

/* "renewals/subscription/sub_1/2027-03-01"; a digest stands for an id that is too long for that. */
static char *
action_id(const struct look *look, const char *key)
{
	const char *object = look->subject->id;
	unsigned char digest[BH_SHA256_LEN];
	char hex[2 * BH_SHA256_LEN + 1];
	char *id = bh_xasprintf("%s/%s/%s%s%s", rule_code(look->rule),
	    object_kind_name(look->subject->kind), object, *key != '\0' ? "/" : "", key);

	if (strlen(id) <= ID_MAX)
		return id;
	free(id);
	bh_sha256(digest, object, strlen(object));
	bh_hex(hex, digest, sizeof(digest));
	return bh_xasprintf("%s/%s/%s%s%s", rule_code(look->rule),
	    object_kind_name(look->subject->kind), hex, *key != '\0' ? "/" : "", key);
}

static void
add_action(const struct look *look, const char *key, json_t *fields_take, bool is_whole)
{
	char *id = action_id(look, key);

	json_array_append_new(look->decision->actions,
	    json_pack("{s:s, s:o, s:b}", "id", id, "fields", fields_take, "is_whole", is_whole));
	free(id);
}

/* Whose it is: the object itself, and what it names. */
static void
add_links(const struct look *look, json_t *fields)
{
	static const char *const names[] = {"customer", "subscription", "invoice"};

	for (size_t i = 0; i < BH_LEN(names); i++) {
		json_t *value = json_object_get(look->view.object, names[i]);

		if (object_field(look->subject->kind, names[i]) != NULL && json_is_string(value))
			json_object_set(fields, names[i], value);
	}
	if (object_field(OBJECT_ACTION, object_kind_name(look->subject->kind)) != NULL)
		json_object_set_new(fields, object_kind_name(look->subject->kind),
		    json_string(look->subject->id));
}

static void
add_worth(const struct look *look, json_t *fields)
{
	const struct rule *rule = look->rule;
	struct map_value value = MAP_VALUE_ABSENT;
	const char *currency;

	if (!rule->has_worth)
		return;
	currency = reference_currency(&rule->worth, &look->view);
	reference_read(&rule->worth, &look->view, &value);
	json_object_set(fields, "amount", json_is_integer(value.json) ? value.json : json_null());
	json_object_set_new(fields, "currency",
	    currency != NULL ? json_string(currency) : json_null());
	map_value_release(&value);
}

/* date: NO_DAY where the rule has none. */
static json_t *
action_fields(const struct look *look, const json_t *entry, int64_t date)
{
	const struct rule *rule = look->rule;
	int64_t opened_ms = bh_json_int(entry, "opened", 0);
	int64_t due = date != NO_DAY ? date : day_at(rule, opened_ms);
	const char *owner = bh_json_str(entry, "owner");
	json_t *fields = json_pack("{s:s, s:s, s:s, s:s, s:n, s:n, s:s}", "rule", rule_code(rule),
	    "rule_title", rule_title(rule), "type", rule_type_name(rule->type), "state", "open",
	    "outcome", "closed_at", "priority", rule->priority);

	json_object_set_new(fields, "title", rendered(look, rule->title, rule_title(rule)));
	json_object_set_new(fields, "text", rendered(look, rule->text, NULL));
	json_object_set_new(fields, "link", rendered(look, rule->link, NULL));
	json_object_set_new(fields, "owner", owner != NULL ? json_string(owner) : json_null());
	if (rule->is_owner_record)
		json_object_set_new(fields, "owner_of", json_string("record"));
	json_object_set_new(fields, "opened_at", time_text(opened_ms));
	json_object_set_new(fields, "due_on",
	    rule->has_due || date != NO_DAY ? day_text(due + rule->due_days) : json_null());
	add_links(look, fields);
	add_worth(look, fields);
	return fields;
}

/* -- entries -- */

static bool
is_open(const json_t *entry)
{
	const char *state = bh_json_str(entry, "state");

	return state != NULL && strcmp(state, "open") == 0;
}

/* The key of the open one; NULL none. */
static const char *
open_key(const struct look *look)
{
	const char *key;
	json_t *entry;

	json_object_foreach (look->decision->standing, key, entry)
		if (is_open(entry))
			return key;
	return NULL;
}

/* Room for one more: the oldest that is closed, or was made once, is forgotten. */
static void
make_room(json_t *standing, bool is_once)
{
	while (json_object_size(standing) >= STANDING_MAX) {
		const char *key, *oldest = NULL;
		int64_t oldest_ms = INT64_MAX;
		json_t *entry;

		json_object_foreach (standing, key, entry) {
			int64_t opened_ms = bh_json_int(entry, "opened", 0);

			if ((is_once || !is_open(entry)) && opened_ms < oldest_ms) {
				oldest_ms = opened_ms;
				oldest = key;
			}
		}
		if (oldest == NULL)
			return;
		json_object_del(standing, oldest);
	}
}

static const char *
next_owner(const struct look *look)
{
	const json_t *owners = look->rule->owners;
	size_t from;

	if (owners == NULL)
		return NULL;
	from = look->rule->owners_from;
	return json_string_value(json_array_get(owners,
	    from + look->decision->turn++ % (json_array_size(owners) - from)));
}

static void
open_action(const struct look *look, const char *key, int64_t opened_ms, int64_t date)
{
	json_t *standing = look->decision->standing, *entry = json_object_get(standing, key);
	const char *owner = entry != NULL ? NULL : next_owner(look);

	if (entry == NULL) {
		make_room(standing, look->rule->is_once);
		entry = json_pack("{s:I}", "opened", (json_int_t)opened_ms);
		if (owner != NULL)
			json_object_set_new(entry, "owner", json_string(owner));
		json_object_set_new(standing, key, entry);
	} else if (!is_open(entry) && opened_ms > bh_json_int(entry, "opened", 0))
		json_object_set_new(entry, "opened", json_integer((json_int_t)opened_ms));
	json_object_set_new(entry, "state", json_string("open"));
	if (date != NO_DAY)
		json_object_set_new(entry, "on", day_text(date));
	add_action(look, key, action_fields(look, entry, date), true);
}

static void
close_action(const struct look *look, const char *key, bool is_reached)
{
	const struct rule *rule = look->rule;
	const char *outcome = is_reached ? "won" : rule->type == RULE_OPPORTUNITY ? "lost" : "done";
	json_t *entry = json_object_get(look->decision->standing, key);

	if (is_reached && rule->type != RULE_OPPORTUNITY)
		outcome = "done";
	for (size_t i = 0; i < rule->ends_n; i++) {
		const struct rule_end *end = &rule->ends[i];

		if (end->filter == NULL ||
		    (look->view.object != NULL && is_filter_passed(end->filter, &look->view))) {
			outcome = end->outcome;
			break;
		}
	}
	json_object_set_new(entry, "state", json_string("closed"));
	json_object_set_new(entry, "outcome", json_string(outcome));
	add_action(look, key,
	    json_pack("{s:s, s:s, s:o}", "state", "closed", "outcome", outcome, "closed_at",
		time_text(look->decision->now_ms)),
	    false);
}

/* -- deciding -- */

/*
 * When what is done once was caused: money that moved has a date of its own,
 * however late it is heard of; else when the news were made.
 */
static int64_t
caused_ms(const struct look *look)
{
	static const char *const names[] = {"paid_at", "created_at"};
	enum object_kind kind = look->subject->kind;
	int64_t at_ms = INT64_MIN, own_ms;

	if (kind != OBJECT_PAYMENT && kind != OBJECT_REFUND && kind != OBJECT_CREDIT_NOTE)
		return look->subject->at_ms;
	for (size_t i = 0; i < BH_LEN(names); i++) {
		const char *text = bh_json_str(look->view.object, names[i]);

		if (text != NULL && bh_is_time(text, &own_ms) && own_ms > at_ms)
			at_ms = own_ms;
	}
	return at_ms != INT64_MIN ? at_ms : look->subject->at_ms;
}

static void
decide_once(const struct look *look, const char *key, int64_t at_ms)
{
	if (at_ms >= look->decision->since_ms && is_met(look) &&
	    json_object_get(look->decision->standing, key) == NULL)
		open_action(look, key, at_ms, NO_DAY);
}

/* Movements of one moment differ in their currency: the first has the moment alone for its key. */
static void
movement_key(char key[48], const struct look *look, int64_t at_ms, const char *currency)
{
	const char *had;

	snprintf(key, 48, "%lld", (long long)at_ms);
	had = bh_json_str(json_object_get(look->decision->standing, key), "currency");
	if (had != NULL && currency != NULL && strcmp(had, currency) != 0)
		snprintf(key, 48, "%lld/%.8s", (long long)at_ms, currency);
}

static void
decide_movements(struct look *look)
{
	const json_t *movements = json_object_get(look->subject->object, "movements"), *one;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)movements, i, one) {
		static const char *const names[][2] = {{"movement", "kind"},
		    {"movement_amount", "amount"}, {"figures_currency", "currency"}};
		int64_t at_ms = bh_json_int(one, "at_ms", 0);
		json_t *as_last = json_copy((json_t *)(uintptr_t)look->subject->object), *entry;
		const char *currency = bh_json_str(one, "currency");
		char key[48];

		for (size_t k = 0; k < BH_LEN(names); k++)
			json_object_set(as_last, names[k][0], json_object_get(one, names[k][1]));
		json_object_set_new(as_last, "movement_at", time_text(at_ms));
		movement_key(key, look, at_ms, currency);
		entry = json_object_get(look->decision->standing, key);
		look->view.object = as_last;
		decide_once(look, key, at_ms);
		look->view.object = look->subject->object;
		if (entry == NULL && currency != NULL)
			json_object_set_new(json_object_get(look->decision->standing, key),
			    "currency", json_string(currency));
		json_decref(as_last);
	}
}

/*
 * Since when it applies.  What is so of customers follows from their invoices and
 * subscriptions, whatever the newest news about themselves: since it is looked.
 */
static int64_t
applies_ms(const struct look *look)
{
	return look->subject->kind == OBJECT_CUSTOMER ? look->decision->now_ms
						      : look->subject->at_ms;
}

/*
 * The key of what is opened: customers and subscriptions may come to it more
 * than once, each time for a cause of its own, by its day; of others it is one
 * for life.
 */
static char *
key_while(const struct look *look)
{
	const json_t *first = json_object_get(look->decision->standing, "");
	bool is_lasting =
	    look->subject->kind == OBJECT_CUSTOMER || look->subject->kind == OBJECT_SUBSCRIPTION;
	int64_t day = day_at(look->rule, applies_ms(look));
	char text[BH_CLOCK_TEXT] = "";

	if (is_lasting && first != NULL &&
	    day_at(look->rule, bh_json_int(first, "opened", 0)) != day)
		bh_date(text, day * DAY_MS);
	return bh_xstrdup(text);
}

static void
decide_while(const struct look *look)
{
	const char *open = open_key(look);
	char *key = open != NULL ? bh_xstrdup(open) : key_while(look);

	if (is_met(look))
		open_action(look, key, applies_ms(look), NO_DAY);
	else if (open != NULL)
		close_action(look, key, false);
	free(key);
}

/* Has a term begun since it was opened?  One that is only put off has not.  Not known: otherwise. */
static bool
is_next_term(const struct look *look, const json_t *entry, bool otherwise)
{
	int64_t term = own_day(look, "period_start"), had = entry_day(entry, "term");

	if (term == NO_DAY || had == NO_DAY)
		return otherwise;
	return term > had && term >= day_at(look->rule, bh_json_int(entry, "opened", 0));
}

/*
 * Was the date of what is open reached?  A task is too late then.  An
 * opportunity is won when what it is about went on: its date is a later one,
 * be it before its time, or nothing else was told for a while.
 */
static bool
is_reached(const struct look *look, const json_t *entry, int64_t date)
{
	int64_t on = entry_day(entry, "on"), day = today(look);

	if (on == NO_DAY)
		return false;
	if (look->rule->type != RULE_OPPORTUNITY)
		return day >= on;
	if (date > on) {
		bool is_far = day < start_of(look->rule, date);

		return day >= on ? is_far || is_next_term(look, entry, true)
				 : is_far && is_next_term(look, entry, false);
	}
	return day >= date + GRACE_DAYS;
}

/* Is what is open to be closed?  Before a date: when that was reached; else when it lies ahead again. */
static bool
is_over(const struct look *look, const json_t *entry, int64_t date)
{
	return is_ahead_of_date(look->rule) ? is_reached(look, entry, date)
					    : today(look) < start_of(look->rule, date);
}

/* The key of what is opened for that date: of what was closed for it, if there is such. */
static char *
key_of_date(const struct look *look, int64_t date)
{
	char text[BH_CLOCK_TEXT];
	const char *key;
	json_t *entry;

	json_object_foreach (look->decision->standing, key, entry)
		if (entry_day(entry, "on") == date)
			return bh_xstrdup(key);
	bh_date(text, date * DAY_MS);
	return bh_xstrdup(text);
}

/* With the term that it is about. */
static void
open_by_date(const struct look *look, const char *key, int64_t opened_ms, int64_t date)
{
	int64_t term = own_day(look, "period_start");
	json_t *entry;

	open_action(look, key, opened_ms, date);
	entry = json_object_get(look->decision->standing, key);
	if (term != NO_DAY && entry_day(entry, "term") == NO_DAY)
		json_object_set_new(entry, "term", day_text(term));
}

/* A date that was reached before the rule was made is no cause, where it is to be done once. */
static bool
is_due(const struct look *look, int64_t date, int64_t start)
{
	const struct rule *rule = look->rule;

	if (rule->is_once && (json_object_size(look->decision->standing) > 0 ||
				 day_ms(rule, start + 1) <= look->decision->since_ms))
		return false;
	return today(look) >= start && (!is_ahead_of_date(rule) || today(look) < date);
}

static void
decide_by_date(const struct look *look)
{
	const struct rule *rule = look->rule;
	int64_t date = date_of(look), start = date != NO_DAY ? start_of(rule, date) : NO_DAY;
	char *key = bh_xstrdup(open_key(look) != NULL ? open_key(look) : "");
	const json_t *entry = json_object_get(look->decision->standing, key);
	bool is_wanted = date != NO_DAY && is_met(look);
	bool is_running = entry != NULL && !rule->is_once;

	if (is_running && (!is_wanted || is_over(look, entry, date))) {
		close_action(look, key, is_ahead_of_date(rule) && is_wanted);
		is_running = false;
	}
	if (is_running) {
		open_by_date(look, key, 0, date);
	} else if (is_wanted && is_due(look, date, start)) {
		char *fresh = key_of_date(look, date);

		open_by_date(look, fresh, day_ms(rule, start), date);
		free(fresh);
	}
	if (is_wanted) {
		look_again(look, start);
		if (is_ahead_of_date(rule)) {
			look_again(look, date);
			if (rule->type == RULE_OPPORTUNITY)
				look_again(look, date + GRACE_DAYS);
		}
	}
	free(key);
}

void
rule_decide(const struct rule *rule, const struct rule_subject *subject,
    struct rule_decision *decision)
{
	struct look look = {rule, subject, decision,
	    {subject->object, subject->customer, subject->id, NULL, subject->account}};

	if (rule->is_each_movement)
		decide_movements(&look);
	else if (rule->dates_n > 0)
		decide_by_date(&look);
	else if (rule->is_once)
		decide_once(&look, "", caused_ms(&look));
	else
		decide_while(&look);
}
