/*
 * Why a CRM field has its value: the row of the mapping, what it reads and
 * what that holds now, how it is turned, and who wins where people write there, too.
 */
#include "base/base.h"

#include "base/crypt.h"
#include "base/json.h"
#include "base/text.h"
#include "map/reference.h"
#include "state/target.h"
#include "web/page_record.h"
#include "web/words.h"

#define VALUE_SHOWN 300 /* bytes */
#define SOURCES_SHOWN 8

/* -- values as people read them -- */

static json_t *
cut_text(const char *text)
{
	char shown[VALUE_SHOWN + 8];
	size_t len = strlen(text);

	if (len <= VALUE_SHOWN)
		return words_json(text);
	snprintf(shown, sizeof(shown), "%.*s", VALUE_SHOWN, text);
	bh_utf8_mend(shown, true);
	snprintf(shown + strlen(shown), sizeof(shown) - strlen(shown), " …");
	return words_json(shown);
}

static json_t *
value_text(const json_t *value)
{
	char *text;
	json_t *json;

	if (json_is_string(value))
		return cut_text(json_string_value(value));
	if (value == NULL || json_is_null(value))
		return json_string("");
	if (json_is_true(value) || json_is_false(value))
		return json_string(json_is_true(value) ? "yes" : "no");
	text = bh_json_text(value);
	json = cut_text(text);
	free(text);
	return json;
}

/* -- what a row reads -- */

struct sources {
	const struct record_page *page;
	json_t *list; /* of {name, value, is_empty} */
	bool is_any;  /* one of them holds something */
};

static void
add_source(struct sources *sources, const char *name, size_t len)
{
	const struct record_page *page = sources->page;
	struct reference_view view = {page->held.fields, page->customer.fields, page->id.id, NULL,
	    page->id.account};
	struct map_value value = MAP_VALUE_ABSENT;
	struct reference ref;
	char text[REFERENCE_BYTES + 1];
	json_t *shown;

	if (json_array_size(sources->list) == SOURCES_SHOWN || len > REFERENCE_BYTES ||
	    reference_parse(name, len, page->object->from, &ref, NULL) < 0)
		return;
	reference_read(&ref, &view, &value);
	snprintf(text, sizeof(text), "%.*s", (int)len, name);
	shown = value.type == FIELD_MONEY && !is_map_value_empty(&value) ? map_value_text(&value)
									 : value_text(value.json);
	sources->is_any = sources->is_any || !is_map_value_empty(&value);
	json_array_append_new(sources->list,
	    json_pack("{s:o, s:o, s:b}", "name", words_json(text), "value", shown, "is_empty",
		is_map_value_empty(&value)));
	map_value_release(&value);
}

/* A field's name, or a template: what stands in its braces, up to the first transform. */
static void
add_sources(struct sources *sources, const char *from)
{
	const char *at = from;

	if (strpbrk(from, "{}") == NULL) {
		add_source(sources, from, strlen(from));
		return;
	}
	while ((at = strchr(at, '{')) != NULL) {
		size_t len = strcspn(++at, "|}");

		if (*at == '{') {
			at++;
			continue;
		}
		add_source(sources, at, len);
		at += len;
	}
}

static void
read_sources(struct sources *sources, const json_t *from)
{
	const json_t *one;
	size_t i;

	if (json_is_string(from))
		add_sources(sources, json_string_value(from));
	json_array_foreach ((json_t *)(uintptr_t)from, i, one)
		if (json_is_string(one))
			add_sources(sources, json_string_value(one));
}

/* -- who wins -- */

/* What the link knows of our last write into this field (link.kept): none, one, or more while it is open. */
static size_t
count_kept(const struct link *link, const char *field)
{
	unsigned char digest[BH_SHA256_LEN];
	char hex[2 * BH_SHA256_LEN + 1];
	size_t n = 0;

	bh_sha256(digest, field, strlen(field));
	bh_hex(hex, digest, sizeof(digest));
	for (const char *at = link->kept; strlen(at) >= 16; at += 16)
		n += memcmp(at, hex, 8) == 0;
	return n;
}

static const char *
rule_text(const char *when)
{
	static const struct {
		const char *when, *text;
	} rules[] = {{"always", "Billing wins: it is written each time its value changes."},
	    {"if_unchanged", "Whoever wrote last: it is written until a person changes it."},
	    {"if_empty", "The CRM wins: it is written while nobody else wrote something there."},
	    {"on_create", "The CRM wins: it is written only when the record is made."},
	    {"never", "It is not written."}};

	for (size_t i = 0; i < BH_LEN(rules); i++)
		if (strcmp(rules[i].when, when) == 0)
			return rules[i].text;
	return "";
}

static const char *
writer_text(const struct link *link, const char *when, const char *field)
{
	if (link->pushed_ms == 0 ||
	    (strcmp(when, "if_unchanged") != 0 && strcmp(when, "if_empty") != 0))
		return "";
	switch (count_kept(link, field)) {
	case 0:
		return "Billhook has not written here: what is there is the CRM's.";
	case 1:
		return "Billhook has written here; another value than its own is a person's and stays.";
	default:
		return "Whether Billhook's last value arrived is not known: it is looked at next time.";
	}
}

/* -- rows -- */

static const struct record_field *
find_field(const struct record *record, const char *name)
{
	for (size_t i = 0; record != NULL && i < record->fields_n; i++)
		if (strcmp(record->fields[i].name, name) == 0)
			return &record->fields[i];
	return NULL;
}

/* Text of a member that is a text or a list of texts. */
static json_t *
joined(const json_t *value)
{
	struct bh_buf text = BH_BUF_INIT(8192);
	const json_t *one;
	json_t *json;
	size_t i;

	if (json_is_string(value))
		return words_json(json_string_value(value));
	json_array_foreach ((json_t *)(uintptr_t)value, i, one)
		if (json_is_string(one) && text.len + json_string_length(one) < 4096)
			bh_buf_addf(&text, "%s%s", text.len != 0 ? " + " : "",
			    json_string_value(one));
	json = words_json(bh_buf_str(&text));
	bh_buf_release(&text);
	return json;
}

static json_t *
row_view(const struct record_page *page, const json_t *row, const struct record *record)
{
	struct sources sources = {page, json_array(), false};
	const char *to = bh_json_str(row, "to"), *as = bh_json_str(row, "as");
	const char *when = bh_json_str(row, "when");
	const struct record_field *field = find_field(record, to);
	const json_t *otherwise = json_object_get(row, "default");
	json_t *view = json_object();

	when = when != NULL ? when : "always";
	read_sources(&sources, json_object_get(row, "from"));
	json_object_set_new(view, "to", words_json(to));
	json_object_set_new(view, "from", joined(json_object_get(row, "from")));
	json_object_set_new(view, "constant", value_text(json_object_get(row, "value")));
	json_object_set_new(view, "as", words_json(as != NULL ? as : ""));
	json_object_set_new(view, "has_value", json_boolean(field != NULL));
	json_object_set_new(view, "value", value_text(field != NULL ? field->value : NULL));
	json_object_set_new(view, "is_cleared",
	    json_boolean(field != NULL && json_is_null(field->value)));
	json_object_set_new(view, "default", joined(otherwise));
	json_object_set_new(view, "is_default",
	    json_boolean(otherwise != NULL && !sources.is_any && field != NULL &&
			 !json_is_null(field->value)));
	json_object_set_new(view, "has_sources", json_boolean(json_array_size(sources.list) > 0));
	json_object_set_new(view, "sources", sources.list);
	json_object_set_new(view, "rule", json_string(rule_text(when)));
	json_object_set_new(view, "writer", json_string(writer_text(&page->link, when, to)));
	return view;
}

/* -- the record as it would be sent now -- */

static bool
is_described(void *arg, const char *object, const char *field, struct map_limit *limit_r)
{
	const struct dest_object *described = arg;
	const struct dest_field *f = NULL;

	if (described != NULL && strcmp(described->name, object) == 0)
		f = dest_object_field(described, field);
	if (f == NULL)
		return false;
	*limit_r = (struct map_limit){.type = f->type,
	    .length = f->length,
	    .digits = f->digits,
	    .scale = f->digits == 0 && f->scale == 0 ? -1 : f->scale,
	    .options = f->options,
	    .aliases = f->aliases};
	return true;
}

/* As the CRM described it last; NULL in *described_r where it did not. */
static int
read_description(const struct record_page *page, struct dest_object **described_r,
    struct bh_err *err)
{
	struct bh_buf to = BH_BUF_INIT(1024);
	json_t *json = NULL;
	int64_t fetched_ms;
	int rc = 0;

	*described_r = NULL;
	if (map_object_to(page->sync->map, page->index, page->sync->account.settings, &to, NULL) ==
	    0)
		rc = target_get(exchange_read(page->exchange), page->sync->to.code, bh_buf_str(&to),
		    &json, &fetched_ms, err);
	if (rc > 0)
		*described_r = dest_object_from_json(json);
	json_decref(json);
	bh_buf_release(&to);
	return rc < 0 ? -1 : 0;
}

static int
render(const struct record_page *page, struct record **record_r, json_t **trouble_r,
    struct bh_err *err)
{
	struct dest_object *described;
	struct map_context context = {.key_prefix = page->sync->source != NULL
							? page->sync->source->key_prefix
							: "",
	    .account = page->id.account,
	    .settings = page->sync->account.settings,
	    .customer = page->customer.fields,
	    .is_described = is_described};
	struct bh_err why = BH_ERR_INIT;
	enum map_verdict verdict = MAP_RENDERED;

	*record_r = NULL;
	*trouble_r = json_string("");
	if (read_description(page, &described, err) < 0)
		return -1;
	context.arg = described;
	if (map_render(page->sync->map, page->index, page->id.id, page->held.fields, &context,
		&verdict, record_r, &why) < 0)
		json_string_set(*trouble_r, why.text);
	else if (verdict == MAP_FILTERED)
		json_string_set(*trouble_r, "The filter of the mapping leaves it out.");
	dest_object_free(&described);
	return 0;
}

/* As they are written: the map has its objects in another order. */
static const json_t *
rows_of(const struct record_page *page)
{
	const json_t *objects = json_object_get(page->sync->shaped, "objects"), *object;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)objects, i, object) {
		const char *name = bh_json_str(object, "name");

		if (name != NULL && strcmp(name, page->object->name) == 0)
			return json_object_get(object, "fields");
	}
	return NULL;
}

int
record_add_fields(struct record_page *page, struct bh_err *err)
{
	const json_t *rows = rows_of(page);
	const char *only = request_query(page->exchange->request, "field");
	json_t *list = json_array(), *trouble = NULL, *row;
	struct record *record = NULL;
	size_t i;
	int rc = 0;

	if (page->held.fields != NULL)
		rc = render(page, &record, &trouble, err);
	json_array_foreach (rows, i, row) {
		const char *to = bh_json_str(row, "to");

		if (to != NULL && page->held.fields != NULL && rc == 0 &&
		    (only == NULL || strcmp(only, to) == 0))
			json_array_append_new(list, row_view(page, row, record));
	}
	json_object_set_new(page->model, "trouble", trouble != NULL ? trouble : json_string(""));
	json_object_set_new(page->model, "key", words_json(record != NULL ? record->key : ""));
	json_object_set_new(page->model, "has_fields", json_boolean(json_array_size(list) > 0));
	json_object_set_new(page->model, "is_one_field", json_boolean(only != NULL));
	json_object_set_new(page->model, "fields", list);
	record_free(&record);
	return rc;
}
