/* The table of transforms: see transform.h.  A new one is a line below and its function. */
#include "base/base.h"

#include "map/transform.h"

#include <assert.h>
#include <strings.h>

#include "base/clock.h"
#include "base/text.h"
#include "map/country.h"
#include "map/domain.h"

#define TEXT_BYTES (64u << 20) /* of what one transform makes; above any payload */
#define DAYS_30_MS ((int64_t)30 * 24 * 60 * 60 * 1000)

#define T TRANSFORM_TAKES(FIELD_TEXT)
#define N TRANSFORM_TAKES(FIELD_ENUM)
#define U TRANSFORM_TAKES(FIELD_URL)
#define E TRANSFORM_TAKES(FIELD_EMAIL)
#define D TRANSFORM_TAKES(FIELD_DATE)
#define C TRANSFORM_TAKES(FIELD_TIME)
#define M TRANSFORM_TAKES(FIELD_MONEY)
#define R TRANSFORM_TAKES(FIELD_DECIMAL)
#define I TRANSFORM_TAKES(FIELD_INT)
#define B TRANSFORM_TAKES(FIELD_BOOL)
#define J TRANSFORM_TAKES(FIELD_JSON)
#define WORDS (T | N | U | E)
#define ANYTHING (WORDS | D | C | M | R | I | B | J)

static int
apply_text(struct map_value *value, const json_t *row BH_UNUSED, struct bh_err *err BH_UNUSED)
{
	map_value_take(value, map_value_text(value), FIELD_TEXT);
	return 0;
}

static int
apply_number(struct map_value *value, const json_t *row BH_UNUSED, struct bh_err *err)
{
	json_t *json;

	if (map_value_decimal(value, &json, err) < 0)
		return -1;
	map_value_take(value, json, FIELD_DECIMAL);
	return 0;
}

static int
apply_date(struct map_value *value, const json_t *row BH_UNUSED, struct bh_err *err)
{
	json_t *json;

	if (map_value_date(value, &json, err) < 0)
		return -1;
	map_value_take(value, json, FIELD_DATE);
	return 0;
}

/* For a day that a CRM asks for and nobody knows: when what has begun will be over. */
static int
apply_in_30_days(struct map_value *value, const json_t *row BH_UNUSED, struct bh_err *err)
{
	char text[BH_CLOCK_TEXT];
	int64_t at_ms;
	json_t *json;
	bool good;

	if (map_value_date(value, &json, err) < 0)
		return -1;
	good = bh_is_time(json_string_value(json), &at_ms);
	json_decref(json);
	assert(good);
	bh_date(text, at_ms + DAYS_30_MS);
	if (strlen(text) != strlen("2026-11-22"))
		return bh_fail(err, BH_INVALID, "30 days later lies beyond the year 9999");
	map_value_take(value, json_string(text), FIELD_DATE);
	return 0;
}

static int
apply_time(struct map_value *value, const json_t *row BH_UNUSED, struct bh_err *err)
{
	json_t *json;

	if (map_value_time(value, &json, err) < 0)
		return -1;
	map_value_take(value, json, FIELD_TIME);
	return 0;
}

static int
apply_bool(struct map_value *value, const json_t *row BH_UNUSED, struct bh_err *err)
{
	json_t *json;

	if (map_value_bool(value, &json, err) < 0)
		return -1;
	map_value_take(value, json, FIELD_BOOL);
	return 0;
}

/* The table's entry: exact, then in any case, then "*"; NULL when the table does not say. */
static json_t *
find_choice(const json_t *table, const char *text)
{
	json_t *exact = json_object_get(table, text), *entry;
	const char *name;

	if (exact != NULL)
		return exact;
	json_object_foreach ((json_t *)(uintptr_t)table, name, entry) {
		if (strcasecmp(name, text) == 0)
			return entry;
	}
	return json_object_get(table, "*");
}

static int
apply_enum(struct map_value *value, const json_t *row, struct bh_err *err BH_UNUSED)
{
	json_t *text = map_value_text(value);
	json_t *choice = find_choice(json_object_get(row, "enum"), json_string_value(text));

	if (choice == NULL)
		map_value_take(value, json_incref(text), FIELD_ENUM);
	else
		map_value_take(value, json_incref(choice),
		    json_is_boolean(choice)   ? FIELD_BOOL
		    : json_is_integer(choice) ? FIELD_INT
					      : FIELD_ENUM);
	json_decref(text);
	return 0;
}

/* The cases of A to Z; other letters stay, as no table of theirs is at hand. */
static char
turn_case(char c, bool upper)
{
	if (upper && c >= 'a' && c <= 'z')
		return (char)(c - ('a' - 'A'));
	if (!upper && c >= 'A' && c <= 'Z')
		return (char)(c + ('a' - 'A'));
	return c;
}

static int
apply_case(struct map_value *value, bool upper)
{
	struct bh_buf out = BH_BUF_INIT(TEXT_BYTES);
	json_t *text = map_value_text(value);

	for (const char *s = json_string_value(text); *s != '\0'; s++)
		bh_buf_addc(&out, turn_case(*s, upper));
	map_value_take_text(value, &out);
	json_decref(text);
	bh_buf_release(&out);
	return 0;
}

static int
apply_upper(struct map_value *value, const json_t *row BH_UNUSED, struct bh_err *err BH_UNUSED)
{
	return apply_case(value, true);
}

static int
apply_lower(struct map_value *value, const json_t *row BH_UNUSED, struct bh_err *err BH_UNUSED)
{
	return apply_case(value, false);
}

/* "past_due" becomes "Past due". */
static int
apply_words(struct map_value *value, const json_t *row BH_UNUSED, struct bh_err *err BH_UNUSED)
{
	struct bh_buf out = BH_BUF_INIT(TEXT_BYTES);
	json_t *text = map_value_text(value);
	const char *s = json_string_value(text);

	for (; *s != '\0'; s++) {
		if (out.len == 0)
			bh_buf_addc(&out, turn_case(*s, true));
		else
			bh_buf_addc(&out, *s == '_' ? ' ' : *s);
	}
	map_value_take_text(value, &out);
	json_decref(text);
	bh_buf_release(&out);
	return 0;
}

/* What reader does not take becomes null: a bad address must not cost the record. */
static int
apply_address(struct map_value *value, bool (*reader)(const char *text, struct bh_buf *out),
    enum field_type type)
{
	struct bh_buf out = BH_BUF_INIT(TEXT_BYTES);
	json_t *text = map_value_text(value);

	if (!reader(json_string_value(text), &out))
		bh_buf_reset(&out);
	map_value_take_text(value, &out);
	value->type = type;
	json_decref(text);
	bh_buf_release(&out);
	return 0;
}

static int
apply_url(struct map_value *value, const json_t *row BH_UNUSED, struct bh_err *err BH_UNUSED)
{
	return apply_address(value, is_domain_url, FIELD_URL);
}

static int
apply_website(struct map_value *value, const json_t *row BH_UNUSED, struct bh_err *err BH_UNUSED)
{
	return apply_address(value, is_domain_website, FIELD_URL);
}

static int
apply_host(struct map_value *value, const json_t *row BH_UNUSED, struct bh_err *err BH_UNUSED)
{
	return apply_address(value, is_domain_host, FIELD_URL);
}

static int
apply_company_domain(struct map_value *value, const json_t *row BH_UNUSED,
    struct bh_err *err BH_UNUSED)
{
	return apply_address(value, is_domain_company, FIELD_URL);
}

static int
apply_email(struct map_value *value, const json_t *row BH_UNUSED, struct bh_err *err BH_UNUSED)
{
	return apply_address(value, is_domain_email, FIELD_EMAIL);
}

static int
apply_country(struct map_value *value, const json_t *row BH_UNUSED, struct bh_err *err BH_UNUSED)
{
	const char *name = country_name(json_string_value(value->json));

	if (name != NULL)
		map_value_take(value, json_string(name), FIELD_TEXT);
	value->type = FIELD_TEXT;
	return 0;
}

/* The last word, and what stands before it; a single word is a last name. */
static int
apply_name_part(struct map_value *value, bool last)
{
	struct bh_buf out = BH_BUF_INIT(TEXT_BYTES);
	const char *text = json_string_value(value->json);
	size_t end, cut;

	text += strspn(text, " \t");
	end = strlen(text);
	while (end > 0 && strchr(" \t", text[end - 1]) != NULL)
		end--;
	cut = end;
	while (cut > 0 && strchr(" \t", text[cut - 1]) == NULL)
		cut--;
	if (last) {
		bh_buf_add(&out, text + cut, end - cut);
	} else {
		while (cut > 0 && strchr(" \t", text[cut - 1]) != NULL)
			cut--;
		bh_buf_add(&out, text, cut);
	}
	map_value_take_text(value, &out);
	bh_buf_release(&out);
	return 0;
}

static int
apply_first_name(struct map_value *value, const json_t *row BH_UNUSED, struct bh_err *err BH_UNUSED)
{
	return apply_name_part(value, false);
}

static int
apply_last_name(struct map_value *value, const json_t *row BH_UNUSED, struct bh_err *err BH_UNUSED)
{
	return apply_name_part(value, true);
}

static int
apply_join(struct map_value *value, const json_t *row, struct bh_err *err)
{
	const char *with = json_string_value(json_object_get(row, "with"));
	struct bh_buf out = BH_BUF_INIT(TEXT_BYTES);
	json_t *item, *text;
	size_t i;

	if (!json_is_array(value->json))
		return bh_fail(err, BH_INVALID, "only lists can be joined");
	json_array_foreach (value->json, i, item) {
		struct map_value part = {item, FIELD_JSON, 2};

		if (is_map_value_empty(&part))
			continue;
		text = map_value_text(&part);
		if (out.len > 0)
			bh_buf_adds(&out, with != NULL ? with : ", ");
		bh_buf_adds(&out, json_string_value(text));
		json_decref(text);
	}
	map_value_take_text(value, &out);
	bh_buf_release(&out);
	return 0;
}

static const struct transform transforms[] = {
    {"text", ANYTHING, FIELD_TEXT, "The value as text; cut to the length of the CRM's field",
	apply_text},
    {"const", 0, FIELD_NONE, "The row's value, whatever the source says; no from", NULL},
    {"money", M, FIELD_DECIMAL, "An amount in major units, exact: 12.50; decimals by the currency",
	apply_number},
    {"number", M | R | I | T | N, FIELD_DECIMAL,
	"A decimal number; rounded half away from zero to the decimals of the CRM's field",
	apply_number},
    {"date", D | C | T, FIELD_DATE, "The day, in UTC", apply_date},
    {"in_30_days", D | C | T, FIELD_DATE, "The day 30 days later, in UTC", apply_in_30_days},
    {"time", D | C | T, FIELD_TIME, "The instant, in UTC; midnight for a date", apply_time},
    {"datetime", D | C | T, FIELD_TIME, "Another name for time", apply_time},
    {"bool", B | I | T | N, FIELD_BOOL, "True for true, yes, 1; false for false, no, 0",
	apply_bool},
    {"enum", T | N | B | I | R, FIELD_ENUM,
	"By the row's table enum; letters of either case; * for all others; else as it is",
	apply_enum},
    {"upper", WORDS, FIELD_TEXT, "A to Z in capitals", apply_upper},
    {"lower", WORDS, FIELD_TEXT, "A to Z in small letters", apply_lower},
    {"words", WORDS, FIELD_TEXT, "past_due becomes Past due", apply_words},
    {"url", U | T, FIELD_URL, "An http or https address; anything else becomes empty", apply_url},
    {"website", U | T, FIELD_URL, "As url; a bare host gets https:// in front", apply_website},
    {"email", E | T, FIELD_EMAIL,
	"The first e-mail address, in small letters; empty when it is none", apply_email},
    {"host", U | E | T, FIELD_URL, "The host of a URL or e-mail address", apply_host},
    {"company_domain", U | E | T, FIELD_URL,
	"The host without www.; empty for providers of free mail", apply_company_domain},
    {"country", T | N, FIELD_TEXT, "The English name of an ISO 3166 code; anything else as it is",
	apply_country},
    {"first_name", T, FIELD_TEXT, "A person's name without its last word", apply_first_name},
    {"last_name", T, FIELD_TEXT, "The last word of a person's name", apply_last_name},
    {"join", J, FIELD_TEXT,
	"The parts that are not empty, with the row's text with (\", \") between", apply_join},
};

const struct transform *
transform_find(const char *name, size_t len)
{
	for (size_t i = 0; i < BH_LEN(transforms); i++) {
		if (strlen(transforms[i].name) == len && memcmp(transforms[i].name, name, len) == 0)
			return &transforms[i];
	}
	return NULL;
}

const struct transform *
transform_list(size_t *n_r)
{
	*n_r = BH_LEN(transforms);
	return transforms;
}

const struct transform *
transform_for(enum field_type type)
{
	static const char *const names[FIELD__MAX] = {
	    [FIELD_ENUM] = "enum",
	    [FIELD_URL] = "url",
	    [FIELD_EMAIL] = "email",
	    [FIELD_DATE] = "date",
	    [FIELD_TIME] = "time",
	    [FIELD_MONEY] = "money",
	    [FIELD_DECIMAL] = "number",
	    [FIELD_INT] = "number",
	    [FIELD_BOOL] = "bool",
	};
	const char *name = type < FIELD__MAX && names[type] != NULL ? names[type] : "text";

	return transform_find(name, strlen(name));
}

bool
can_transform(const struct transform *transform, enum field_type type)
{
	return type == FIELD_JSON || (transform->takes & TRANSFORM_TAKES(type)) != 0;
}

int
transform_apply(const struct transform *transform, struct map_value *value, const json_t *row,
    struct bh_err *err)
{
	if (value->json == NULL)
		return 0;
	if (is_map_value_empty(value)) {
		map_value_take(value, json_null(), transform->gives);
		return 0;
	}
	if ((transform->takes & TRANSFORM_TAKES(value->type)) == 0)
		return bh_fail(err, BH_INVALID, "%s does not take %s", transform->name,
		    map_type_name(value->type));
	return transform->apply(value, row, err);
}
