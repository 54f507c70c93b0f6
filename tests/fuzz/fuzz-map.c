/* Mappings, templates and values from anywhere must be refused or rendered. */
#include "base/base.h"

#include "base/json.h"
#include "map/map.h"
#include "map/shape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char object_text[] =
    "{\"name\":\"Ada King\",\"email\":\"Ada@example.com\",\"website\":\"www.example.com\",\"balance\":-1255,"
    "\"currency\":\"KWD\",\"delinquent\":true,\"created_at\":\"2026-11-22T10:00:00Z\",\"customer\":\"c1\","
    "\"subscription\":\"s1\",\"quantity\":\"2.5\",\"total\":100,\"status\":\"active\",\"address_country\":\"CH\","
    "\"metadata\":{\"a\":[1,2.5,null,\"x\"],\"b.c\":{\"d\":true}}}";

/* Tight limits on everything, by the length of the field's name. */
static bool
is_described(void *arg BH_UNUSED, const char *object BH_UNUSED, const char *field,
    struct map_limit *limit_r)
{
	size_t len = strlen(field);

	limit_r->type = (enum record_type)(len % 6);
	limit_r->length = len % 7;
	limit_r->digits = (int)(len % 4);
	limit_r->scale = (int)(len % 3) - 1;
	return len % 5 != 0;
}

static void
render_all(const json_t *mapping, const json_t *object)
{
	struct map_context context = {.key_prefix = "src",
	    .account = "a",
	    .customer = object,
	    .is_described = is_described};
	const struct map_object *objects;
	struct bh_err err = BH_ERR_INIT;
	struct record *record;
	struct map_questions questions;
	enum map_verdict verdict;
	json_t *shaped = NULL;
	struct map *map;
	char hash[65];
	size_t n;

	if (map_shape(mapping, object, "B", "Other_", &shaped, &err) < 0 ||
	    map_new(shaped, &map, &err) < 0) {
		if (err.code != BH_INVALID || err.text[0] == '\0')
			abort();
		json_decref(shaped);
		return;
	}
	json_decref(shaped);
	n = map_objects(map, &objects);
	for (size_t i = 0; i < n; i++) {
		if (map_render(map, i, "x", object, &context, &verdict, &record, &err) == 0 &&
		    record != NULL)
			record_hash(record, hash);
		record_free(&record);
		map_questions(map, i, "x", object, &context, &questions);
		map_questions_release(&questions);
	}
	map_free(&map);
}

/* The text as a template, as a reference and as a value. */
static void
render_text(const char *text, size_t len, const json_t *object)
{
	static const char *const names[] = {"email", "website", "host", "company_domain", "country",
	    "first_name", "last_name", "words", "upper", "number", "date", "bool"};
	json_t *string = json_stringn(text, len), *rows = json_array(), *sample, *mapping;

	if (string == NULL) {
		json_decref(rows);
		return;
	}
	json_array_append_new(rows, json_pack("{s:s, s:O}", "to", "t", "from", string));
	mapping = json_pack("{s:[{s:s, s:s, s:s, s:s, s:O}]}", "objects", "name", "o", "from",
	    "customer", "to", "O", "key", "k", "fields", rows);
	render_all(mapping, object);
	sample = json_pack("{s:O}", "name", string);
	for (size_t i = 0; i < BH_LEN(names); i++) {
		json_array_clear(rows);
		json_array_append_new(rows,
		    json_pack("{s:s, s:s, s:s}", "to", names[i], "from", "name", "as", names[i]));
		render_all(mapping, sample);
	}
	json_decref(sample);
	json_decref(mapping);
	json_decref(rows);
	json_decref(string);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *object = json_loads(object_text, 0, NULL), *mapping;

	if (bh_json_parse((const char *)data, size, &mapping, NULL) == 0) {
		render_all(mapping, object);
		/* The same JSON as an object: fields of any type. */
		if (json_is_object(mapping))
			render_text("{name} {metadata.a}", 19, mapping);
		json_decref(mapping);
	}
	render_text((const char *)data, size, object);
	json_decref(object);
	return 0;
}
