/* Lines of an invoice: see line.h. */
#include "base/base.h"

#include "sync/line.h"

#include "model/money.h"

/* Members of a line as drivers make them, and the fields that they fill. */
static const struct {
	const char *member, *field;
} members[] = {
    {"id", "line_id"},
    {"description", "description"},
    {"kind", "type"},
    {"price", "price"},
    {"product", "product"},
    {"subscription", "subscription"},
    {"currency", "currency"},
    {"amount", "amount"},
    {"discount", "discount"},
    {"tax", "tax"},
    {"quantity", "quantity"},
    {"period_start", "period_start"},
    {"period_end", "period_end"},
    {"proration", "proration"},
    {"recurring", "recurring"},
};

/* -- names -- */

static bool
is_name_fit(const char *invoice, const char *name)
{
	return name != NULL && *name != '\0' && strchr(name, '/') == NULL &&
	       strlen(invoice) + 1 + strlen(name) <= LINE_ID_MAX;
}

static void
name_by_place(json_t *names, const char *invoice, size_t place)
{
	struct bh_buf name = BH_BUF_INIT(LINE_ID_MAX);

	bh_buf_addf(&name, "%zu", place + 1);
	while (json_object_get(names, bh_buf_str(&name)) != NULL)
		bh_buf_addc(&name, '.');
	if (is_name_fit(invoice, bh_buf_str(&name)))
		json_object_set_new(names, bh_buf_str(&name), json_integer((json_int_t)place));
	bh_buf_release(&name);
}

json_t *
line_names(const char *invoice, const json_t *lines)
{
	size_t n = json_array_size(lines) < LINES_MAX ? json_array_size(lines) : LINES_MAX;
	bool *is_named = bh_xcalloc(n, sizeof(is_named[0]));
	json_t *names = json_object();

	for (size_t i = 0; i < n; i++) {
		const char *id = bh_json_str(json_array_get(lines, i), "id");

		is_named[i] = is_name_fit(invoice, id) && json_object_get(names, id) == NULL;
		if (is_named[i])
			json_object_set_new(names, id, json_integer((json_int_t)i));
	}
	for (size_t i = 0; i < n; i++)
		if (!is_named[i])
			name_by_place(names, invoice, i);
	free(is_named);
	return names;
}

const char *
line_name(const char *id)
{
	const char *slash = strrchr(id, '/');

	return slash != NULL ? slash + 1 : NULL;
}

/* -- fields -- */

static void
put_if_known(json_t *fields, const char *name, const json_t *object, const char *member)
{
	json_t *value = json_object_get(object, member);

	if (value != NULL)
		json_object_set(fields, name, value);
}

/* Lines come as the source, or a table of the user's, tells them: what has another type is left out. */
static void
put_member(json_t *fields, const struct object_field *field, json_t *value)
{
	if (field->type == FIELD_DECIMAL && json_is_integer(value))
		json_object_set_new(fields, field->name,
		    json_sprintf("%lld", (long long)json_integer_value(value)));
	else if (value != NULL && is_object_value(value, field->type))
		json_object_set(fields, field->name, value);
}

/* Prices of units are told in minor units, with decimals. */
static void
put_unit_amount(json_t *fields, const json_t *line)
{
	const char *text = bh_json_str(line, "unit_amount");
	const char *currency = bh_json_str(fields, "currency");
	struct money_decimal price, shift = {.digits = 1};
	char whole[MONEY_TEXT];

	if (text == NULL || currency == NULL || !is_money_decimal(text, &price))
		return;
	shift.scale = money_exponent(currency);
	if (!is_money_multiplied(&price, &shift, &price))
		return;
	money_decimal_text(whole, &price);
	json_object_set_new(fields, "unit_amount", json_string(whole));
}

static void
put_line(json_t *fields, const json_t *line, size_t place)
{
	for (size_t i = 0; i < BH_LEN(members); i++)
		put_member(fields, object_field(OBJECT_INVOICE_LINE, members[i].field),
		    json_object_get(line, members[i].member));
	put_unit_amount(fields, line);
	json_object_set_new(fields, "position", json_integer((json_int_t)place + 1));
}

/* Sums over the lines of an invoice stay right. */
static void
put_nothing(json_t *fields)
{
	static const char *const amounts[] = {"amount", "discount", "tax"};

	for (size_t i = 0; i < BH_LEN(amounts); i++)
		json_object_set_new(fields, amounts[i], json_integer(0));
}

static bool
is_told_whole(const struct object_state *state)
{
	return json_is_array(json_object_get(state->fields, "lines")) &&
	       !json_is_false(json_object_get(state->fields, "lines_complete"));
}

json_t *
line_fields(const char *invoice, const struct object_state *state, const json_t *names,
    const char *name)
{
	const json_t *place = json_object_get(names, name);
	const json_t *line = NULL;
	json_t *fields;

	if (place != NULL)
		line = json_array_get(json_object_get(state->fields, "lines"),
		    (size_t)json_integer_value(place));
	if (line == NULL && !state->deleted && !is_told_whole(state))
		return NULL;
	fields = json_pack("{s:s}", "invoice", invoice);
	put_if_known(fields, "customer", state->fields, "customer");
	put_if_known(fields, "subscription", state->fields, "subscription");
	put_if_known(fields, "currency", state->fields, "currency");
	put_if_known(fields, "invoice_number", state->fields, "number");
	put_if_known(fields, "invoice_status", state->fields, "status");
	if (line != NULL)
		put_line(fields, line, (size_t)json_integer_value(place));
	if (line == NULL || state->deleted)
		put_nothing(fields);
	json_object_set_new(fields, "deleted", json_boolean(line == NULL || state->deleted));
	return fields;
}
