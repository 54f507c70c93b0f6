/* See automation_form.h. */
#include "base/base.h"

#include "web/automation_form.h"

#include "base/json.h"
#include "base/text.h"
#include "web/words.h"

#define PRESETS_MAX (1u << 20)
#define DAYS_MAX 3650

int
automation_presets(const struct conf *conf, json_t **presets_r, struct bh_err *err)
{
	char *path = bh_xasprintf("%s/automations/rules.json", conf->preset_dir);
	int rc = bh_json_read(path, PRESETS_MAX, presets_r, err);

	free(path);
	return rc;
}

json_t *
automation_preset(const json_t *presets, const char *code)
{
	json_t *preset;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)presets, i, preset)
		if (strcmp(bh_json_str(preset, "code"), code) == 0)
			return preset;
	return NULL;
}

/* -- what the preset says -- */

/* "EUR 500, * 600". */
static json_t *
amounts_text(const json_t *preset)
{
	struct bh_buf text = BH_BUF_INIT(4096);
	const char *currency;
	json_t *amount, *json;

	json_object_foreach (bh_json_at(preset, "amount.at_least"), currency, amount)
		bh_buf_addf(&text, "%s%s %s", text.len > 0 ? ", " : "", currency,
		    json_string_value(amount));
	json = json_string(bh_buf_str(&text));
	bh_buf_release(&text);
	return json;
}

static bool
has_days(const json_t *preset)
{
	return json_is_integer(bh_json_at(preset, "date.days"));
}

static void
add_field(json_t *fields, const struct request *request, bool is_posted, const char *name,
    const char *label, const char *help, json_t *value)
{
	const char *posted = is_posted ? request_field(request, name) : NULL;

	if (posted != NULL) {
		json_decref(value);
		value = words_json(posted);
	}
	json_array_append_new(fields, json_pack("{s:s, s:s, s:s, s:o}", "name", name, "label",
					  label, "help", help, "value", value));
}

json_t *
automation_form_view(const json_t *preset, const struct request *request, bool is_posted)
{
	json_t *fields = json_array();

	add_field(fields, request, is_posted, "code", "Code",
	    "Its name in the configuration; what it makes belongs to this name.",
	    words_json(bh_json_str(preset, "code")));
	add_field(fields, request, is_posted, "title", "Title", "",
	    words_json(bh_json_str(preset, "title")));
	if (json_object_get(preset, "amount") != NULL)
		add_field(fields, request, is_posted, "amounts", "From which amounts on",
		    "A currency and an amount each, such as EUR 500, USD 600; * stands for any other currency.",
		    amounts_text(preset));
	if (has_days(preset))
		add_field(fields, request, is_posted, "days", "Days",
		    "Before the date with a minus, such as -90; after it without.",
		    json_sprintf("%lld",
			(long long)bh_json_int(bh_json_at(preset, "date"), "days", 0)));
	add_field(fields, request, is_posted, "owners", "Owners",
	    "Ids of users of the CRM, who take turns, with commas between; record in front: whoever owns the account or company, if he is active. Empty: as the CRM does.",
	    json_string(""));
	return fields;
}

/* -- what was posted -- */

static const char *
posted(const struct request *request, const char *name)
{
	const char *text = request_field(request, name);

	return text != NULL ? text + strspn(text, " \t") : "";
}

/* "EUR 500, * 600" as {"EUR": "500", "*": "600"}; whether they are amounts is the rule's to say. */
static json_t *
read_amounts(const char *text, struct bh_err *err)
{
	json_t *amounts = json_object();

	while (*(text += strspn(text, " ,")) != '\0') {
		size_t name = strcspn(text, " ,"), gap = strspn(text + name, " "), n;

		n = strcspn(text + name + gap, " ,");
		if (name > 3 || n == 0 || n > 20) {
			json_decref(amounts);
			bh_fail(err, BH_INVALID,
			    "Amounts are a currency and a number each, such as EUR 500, * 600.");
			return NULL;
		}
		json_object_setn_new(amounts, text, name, json_stringn(text + name + gap, n));
		text += name + gap + n;
	}
	return amounts;
}

static json_t *
read_owners(const char *text)
{
	json_t *owners = json_array();

	while (*(text += strspn(text, " ,")) != '\0') {
		size_t n = strcspn(text, " ,");

		json_array_append_new(owners, json_stringn(text, n));
		text += n;
	}
	return owners;
}

static int
put_amounts(json_t *item, const json_t *preset, const struct request *request, struct bh_err *err)
{
	json_t *amounts, *amount;

	if (json_object_get(preset, "amount") == NULL)
		return 0;
	amounts = read_amounts(posted(request, "amounts"), err);
	if (amounts == NULL)
		return -1;
	amount = json_copy(json_object_get(preset, "amount"));
	json_object_set_new(amount, "at_least", amounts);
	json_object_set_new(item, "amount", amount);
	return 0;
}

static int
put_days(json_t *item, const json_t *preset, const struct request *request, struct bh_err *err)
{
	const char *text = posted(request, "days");
	json_t *date;
	int64_t days;

	if (!has_days(preset))
		return 0;
	if (!bh_is_int(text, strlen(text), &days) || days < -DAYS_MAX || days > DAYS_MAX)
		return bh_fail(err, BH_INVALID, "Days are a whole number, such as -90 or 3.");
	date = json_copy(json_object_get(preset, "date"));
	json_object_set_new(date, "days", json_integer((json_int_t)days));
	json_object_set_new(item, "date", date);
	return 0;
}

json_t *
automation_form_item(const json_t *preset, const struct request *request, struct bh_err *err)
{
	json_t *item = json_pack("{s:O, s:o, s:o, s:o}", "preset", json_object_get(preset, "code"),
	    "code", words_json(posted(request, "code")), "from",
	    words_json(posted(request, "from")), "title", words_json(posted(request, "title")));
	json_t *owners = read_owners(posted(request, "owners"));

	if (json_array_size(owners) > 0)
		json_object_set_new(item, "make", json_pack("{s:O}", "owner", owners));
	json_decref(owners);
	if (strcmp(posted(request, "code"), "new") == 0) {
		json_decref(item);
		bh_fail(err, BH_INVALID, "Choose another code than \"new\".");
		return NULL;
	}
	if (put_amounts(item, preset, request, err) < 0 ||
	    put_days(item, preset, request, err) < 0) {
		json_decref(item);
		return NULL;
	}
	return item;
}
