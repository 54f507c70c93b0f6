/* Rules: from JSON.  See rule.h. */
#include "base/base.h"

#include "auto/rule_internal.h"
#include "base/text.h"
#include "base/zone.h"
#include "model/money.h"

#define TITLE_BYTES 200
#define DAYS_MOST 1100
#define MONTHS_MOST 36

static const char *const type_names[RULE__MAX] = {"task", "opportunity", "alert"};

const char *
rule_type_name(enum rule_type type)
{
	return type < RULE__MAX ? type_names[type] : type_names[RULE_TASK];
}

const char *
rule_code(const struct rule *rule)
{
	return bh_json_str(rule->json, "code");
}

const char *
rule_title(const struct rule *rule)
{
	return bh_json_str(rule->json, "title");
}

const char *
rule_from(const struct rule *rule)
{
	return bh_json_str(rule->json, "from");
}

enum object_kind
rule_on(const struct rule *rule)
{
	return rule->on;
}

enum rule_type
rule_makes(const struct rule *rule)
{
	return rule->type;
}

bool
is_rule_timed(const struct rule *rule)
{
	return rule->dates_n > 0;
}

const json_t *
rule_owners(const struct rule *rule, size_t *from_r, size_t *n_r)
{
	size_t n = json_array_size(rule->owners);

	*from_r = rule->owners_from;
	*n_r = n > rule->owners_from ? n - rule->owners_from : 0;
	return *n_r > 0 ? rule->owners : NULL;
}

bool
is_rule_once(const struct rule *rule)
{
	return rule->is_once;
}

/* -- parts -- */

static int
check_members(const json_t *json, const char *const *members, struct bh_err *err)
{
	const char *name;
	json_t *value;

	if (!json_is_object(json))
		return bh_fail(err, BH_INVALID, "an object is wanted");
	json_object_foreach ((json_t *)(uintptr_t)json, name, value) {
		size_t i = 0;

		while (members[i] != NULL && strcmp(members[i], name) != 0)
			i++;
		if (members[i] == NULL)
			return bh_fail(err, BH_INVALID, "unknown member '%.60s'", name);
	}
	return 0;
}

/* A number between -most and most; fallback where it is not said. */
static int
parse_number(const json_t *json, const char *member, int most, int *value_r, struct bh_err *err)
{
	int64_t value;

	if (json_object_get(json, member) == NULL)
		return 0;
	if (!bh_is_json_int(json, member, &value) || value < -most || value > most)
		return bh_fail(err, BH_INVALID, "%s is a whole number between %d and %d", member,
		    -most, most);
	*value_r = (int)value;
	return 0;
}

static int
parse_reference(const json_t *json, enum object_kind on, struct reference *ref, struct bh_err *err)
{
	const char *name = json_string_value(json);

	if (name == NULL)
		return bh_fail(err, BH_INVALID, "the name of a field is wanted");
	return reference_parse(name, strlen(name), on, ref, err);
}

static int
parse_amount(const json_t *json, struct rule *rule, struct bh_err *err)
{
	static const char *const members[] = {"of", "at_least", NULL};
	struct money_decimal decimal;
	const char *currency;
	json_t *value;

	if (json == NULL)
		return 0;
	if (check_members(json, members, err) < 0 ||
	    parse_reference(json_object_get(json, "of"), rule->on, &rule->amount_of, err) < 0)
		return bh_during(err, "amount");
	if (reference_type(&rule->amount_of) != FIELD_MONEY)
		return bh_fail(err, BH_INVALID, "amount: %s is no amount of money",
		    bh_json_str(json, "of"));
	rule->at_least = json_object_get(json, "at_least");
	if (json_object_size(rule->at_least) == 0)
		return bh_fail(err, BH_INVALID,
		    "amount: at_least has the least amount of each currency, \"*\" of any other");
	json_object_foreach ((json_t *)(uintptr_t)rule->at_least, currency, value) {
		if (!json_is_string(value) ||
		    !is_money_decimal(json_string_value(value), &decimal) || decimal.digits < 0)
			return bh_fail(err, BH_INVALID,
			    "amount: at_least %.10s is a text such as \"1000.00\"", currency);
	}
	rule->has_amount = true;
	return 0;
}

static int
parse_zone(const json_t *json, struct rule *rule, struct bh_err *err)
{
	rule->zone = bh_json_str(json, "zone");
	if (rule->zone == NULL && json_object_get(json, "zone") != NULL)
		return bh_fail(err, BH_INVALID, "zone is a text");
	return bh_zone_check(rule->zone, err);
}

static int
parse_dates(const json_t *json, struct rule *rule, struct bh_err *err)
{
	const json_t *of = json_object_get(json, "of");
	size_t n = json_is_array(of) ? json_array_size(of) : 1;

	if (n == 0 || n > RULE_DATES)
		return bh_fail(err, BH_INVALID, "of names 1 to %d fields", RULE_DATES);
	for (size_t i = 0; i < n; i++) {
		struct reference *ref = &rule->dates[i];
		const json_t *name = json_is_array(of) ? json_array_get(of, i) : of;
		enum field_type type;

		if (parse_reference(name, rule->on, ref, err) < 0)
			return -1;
		type = reference_type(ref);
		if (type != FIELD_DATE && type != FIELD_TIME)
			return bh_fail(err, BH_INVALID, "%s is no date", json_string_value(name));
	}
	rule->dates_n = n;
	return 0;
}

static int
parse_date(const json_t *json, struct rule *rule, struct bh_err *err)
{
	static const char *const members[] = {"of", "days", "months", "zone", NULL};

	if (json == NULL)
		return 0;
	if (check_members(json, members, err) < 0 || parse_dates(json, rule, err) < 0 ||
	    parse_number(json, "days", DAYS_MOST, &rule->days, err) < 0 ||
	    parse_number(json, "months", MONTHS_MOST, &rule->months, err) < 0 ||
	    parse_zone(json, rule, err) < 0)
		return bh_during(err, "date");
	if (rule->days != 0 && rule->months != 0)
		return bh_fail(err, BH_INVALID, "date: either days or months");
	return 0;
}

static int
parse_end(const json_t *json, struct rule *rule, struct bh_err *err)
{
	static const char *const members[] = {"if", "as", NULL};
	static const char *const outcomes[] = {"won", "lost", "done", "dropped"};
	struct rule_end *end = &rule->ends[rule->ends_n];
	size_t i = 0;

	if (check_members(json, members, err) < 0)
		return -1;
	end->outcome = bh_json_str(json, "as");
	while (
	    end->outcome != NULL && i < BH_LEN(outcomes) && strcmp(outcomes[i], end->outcome) != 0)
		i++;
	if (end->outcome == NULL || i == BH_LEN(outcomes))
		return bh_fail(err, BH_INVALID, "as is won, lost, done or dropped");
	rule->ends_n++;
	if (json_object_get(json, "if") == NULL)
		return 0;
	return filter_new(json_object_get(json, "if"), rule->on, &end->filter, err);
}

static int
parse_ends(const json_t *list, struct rule *rule, struct bh_err *err)
{
	if (list != NULL && (!json_is_array(list) || json_array_size(list) > RULE_ENDS))
		return bh_fail(err, BH_INVALID, "ends is a list of at most %d", RULE_ENDS);
	for (size_t i = 0; i < json_array_size(list); i++)
		if (parse_end(json_array_get(list, i), rule, err) < 0)
			return bh_during(err, "ends %zu", i + 1);
	return 0;
}

/* -- what is made -- */

static int
parse_template(const json_t *json, const char *member, enum object_kind on,
    struct template **template_r, struct bh_err *err)
{
	const char *text = bh_json_str(json, member);

	if (json_object_get(json, member) == NULL)
		return 0;
	if (text == NULL)
		return bh_fail(err, BH_INVALID, "%s is a text", member);
	return template_new(text, on, template_r, err) < 0 ? bh_during(err, "%s", member) : 0;
}

static int
parse_type(const json_t *json, struct rule *rule, struct bh_err *err)
{
	const char *name = bh_json_str(json, "type");
	size_t i = 0;

	while (name != NULL && i < RULE__MAX && strcmp(type_names[i], name) != 0)
		i++;
	if (name == NULL || i == RULE__MAX)
		return bh_fail(err, BH_INVALID, "type is task, opportunity or alert");
	rule->type = (enum rule_type)i;
	return 0;
}

static int
parse_priority(const json_t *json, struct rule *rule, struct bh_err *err)
{
	rule->priority = "normal";
	if (json_object_get(json, "priority") == NULL)
		return 0;
	rule->priority = bh_json_str(json, "priority");
	if (rule->priority == NULL ||
	    (strcmp(rule->priority, "high") != 0 && strcmp(rule->priority, "normal") != 0 &&
		strcmp(rule->priority, "low") != 0))
		return bh_fail(err, BH_INVALID, "priority is high, normal or low");
	return 0;
}

static bool
is_record(const json_t *owner)
{
	const char *text = json_string_value(owner);

	return text != NULL && strcmp(text, "record") == 0;
}

static int
parse_owners(const json_t *list, struct rule *rule, struct bh_err *err)
{
	const json_t *owner;
	size_t i;

	if (list == NULL)
		return 0;
	if (!json_is_array(list) || json_array_size(list) > RULE_OWNERS)
		return bh_fail(err, BH_INVALID,
		    "owner is a list of \"record\" and at most %d user ids of the CRM",
		    RULE_OWNERS);
	json_array_foreach ((json_t *)(uintptr_t)list, i, owner)
		if (json_string_length(owner) == 0 || json_string_length(owner) > 64)
			return bh_fail(err, BH_INVALID, "owner %zu is no user id", i + 1);
	rule->is_owner_record = is_record(json_array_get(list, 0));
	rule->owners_from = rule->is_owner_record ? 1 : 0;
	for (i = 1; i < json_array_size(list); i++)
		if (is_record(json_array_get(list, i)))
			return bh_fail(err, BH_INVALID, "owner: \"record\" stands in front");
	rule->owners = json_array_size(list) > rule->owners_from ? list : NULL;
	return 0;
}

static int
parse_due(const json_t *json, struct rule *rule, struct bh_err *err)
{
	static const char *const members[] = {"days", NULL};

	if (json == NULL)
		return 0;
	rule->has_due = true;
	return check_members(json, members, err) < 0 ||
		       parse_number(json, "days", DAYS_MOST, &rule->due_days, err) < 0
		   ? bh_during(err, "due")
		   : 0;
}

static int
parse_make(const json_t *json, struct rule *rule, struct bh_err *err)
{
	static const char *const members[] = {"type", "title", "text", "due", "priority", "amount",
	    "link", "owner", NULL};
	const json_t *worth = json_object_get(json, "amount");

	if (check_members(json, members, err) < 0 || parse_type(json, rule, err) < 0 ||
	    parse_template(json, "title", rule->on, &rule->title, err) < 0 ||
	    parse_template(json, "text", rule->on, &rule->text, err) < 0 ||
	    parse_template(json, "link", rule->on, &rule->link, err) < 0 ||
	    parse_due(json_object_get(json, "due"), rule, err) < 0 ||
	    parse_priority(json, rule, err) < 0 ||
	    parse_owners(json_object_get(json, "owner"), rule, err) < 0)
		return -1;
	if (rule->title == NULL)
		return bh_fail(err, BH_INVALID, "it needs a title");
	if (worth == NULL)
		return 0;
	if (parse_reference(worth, rule->on, &rule->worth, err) < 0)
		return bh_during(err, "amount");
	rule->has_worth = true;
	return reference_type(&rule->worth) == FIELD_MONEY
		   ? 0
		   : bh_fail(err, BH_INVALID, "amount: %s is no amount of money",
			 json_string_value(worth));
}

/* -- the whole -- */

static int
parse_names(struct rule *rule, struct bh_err *err)
{
	const char *code = rule_code(rule), *title = rule_title(rule), *from = rule_from(rule);
	const char *on = bh_json_str(rule->json, "on");

	if (code == NULL || !bh_is_code(code))
		return bh_fail(err, BH_INVALID, "code has 1 to 64 of a-z, 0-9, - and _");
	if (title == NULL || *title == '\0' || strlen(title) > TITLE_BYTES)
		return bh_fail(err, BH_INVALID, "title is a text of 1 to %d bytes", TITLE_BYTES);
	if (from == NULL || !bh_is_code(from))
		return bh_fail(err, BH_INVALID, "from is the code of a connection to a source");
	rule->on = on != NULL ? object_kind_of(on) : OBJECT_NONE;
	if (rule->on == OBJECT_NONE || !is_object_told(rule->on))
		return bh_fail(err, BH_INVALID, "on is a kind such as subscription or invoice");
	return 0;
}

static int
parse_each(struct rule *rule, struct bh_err *err)
{
	const json_t *each = json_object_get(rule->json, "each");
	const char *name = json_string_value(each);

	rule->is_once = bh_is_json_true(rule->json, "once");
	if (each == NULL)
		return 0;
	if (name == NULL || strcmp(name, "movement") != 0 || rule->on != OBJECT_CUSTOMER ||
	    !rule->is_once || rule->dates_n > 0)
		return bh_fail(err, BH_INVALID,
		    "each is \"movement\", of a customer, once, without a date");
	rule->is_each_movement = true;
	return 0;
}

static int
parse(struct rule *rule, struct bh_err *err)
{
	static const char *const members[] = {"code", "title", "from", "on", "each", "if", "amount",
	    "date", "once", "ends", "make", "enabled", "since", NULL};
	const json_t *filter = json_object_get(rule->json, "if");

	if (check_members(rule->json, members, err) < 0 || parse_names(rule, err) < 0 ||
	    (filter != NULL && filter_new(filter, rule->on, &rule->filter, err) < 0) ||
	    parse_amount(json_object_get(rule->json, "amount"), rule, err) < 0 ||
	    parse_date(json_object_get(rule->json, "date"), rule, err) < 0 ||
	    parse_each(rule, err) < 0 ||
	    parse_ends(json_object_get(rule->json, "ends"), rule, err) < 0)
		return -1;
	return parse_make(json_object_get(rule->json, "make"), rule, err) < 0
		   ? bh_during(err, "make")
		   : 0;
}

int
rule_new(const json_t *json, struct rule **rule_r, struct bh_err *err)
{
	struct rule *rule = bh_xcalloc(1, sizeof(*rule));

	*rule_r = NULL;
	rule->json = json_deep_copy(json);
	if (parse(rule, err) < 0) {
		rule_free(&rule);
		return -1;
	}
	*rule_r = rule;
	return 0;
}

void
rule_free(struct rule **rule)
{
	struct rule *r = *rule;

	if (r == NULL)
		return;
	filter_free(&r->filter);
	for (size_t i = 0; i < r->ends_n; i++)
		filter_free(&r->ends[i].filter);
	template_free(&r->title);
	template_free(&r->text);
	template_free(&r->link);
	json_decref(r->json);
	free(r);
	*rule = NULL;
}
