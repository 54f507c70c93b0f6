/* The steps of wire conversations about a CRM's schema. */
#include "base/base.h"

#include "wire-schema.h"

#include "base/text.h"

bool
wire_schema_read(struct wire *wire, struct wire_schema *schema, const char *mark, const char *text)
{
	static const char *const marks[] = {"=answer", "=part", "=failed", "=said"};

	for (size_t i = 0; i < BH_LEN(marks); i++) {
		if (strcmp(mark, marks[i]) == 0) {
			char *check = bh_xasprintf("%s %s", mark + 1, text);

			wire_texts_add(wire, &schema->checks, check);
			free(check);
			return true;
		}
	}
	if (strcmp(mark, "stop") != 0)
		return false;
	schema->stop_after = (size_t)atoi(text);
	return true;
}

static bool
say(void *arg, const json_t *progress)
{
	struct wire_schema *schema = arg;

	json_array_append(schema->said, json_object_get(progress, "at"));
	return schema->stop_after == 0 || json_array_size(schema->said) < schema->stop_after;
}

bool
wire_schema_run(struct wire *wire, struct wire_schema *schema, const struct dest_driver *driver,
    struct dest_config *config, int *rc_r, struct bh_err *err)
{
	size_t len = strcspn(wire->step, " ");
	char *verb = bh_xstrndup(wire->step, len);
	json_t *wanted = NULL;
	bool is_mine = true;

	schema->said = json_array();
	if (wire->step[len] != '\0')
		wanted = wire_parse(wire, wire->step_line, wire->step + len);
	if (strcmp(verb, "plan") == 0)
		*rc_r = driver->plan(config, wanted, &schema->answer, err);
	else if (strcmp(verb, "count") == 0)
		*rc_r = driver->count(config, wanted, &schema->answer, err);
	else if (strcmp(verb, "install") == 0)
		*rc_r = driver->install(config, wanted, say, schema, &schema->answer, err);
	else if (strcmp(verb, "uninstall") == 0)
		*rc_r = driver->uninstall(config, wanted, say, schema, &schema->answer, err);
	else
		is_mine = false;
	json_decref(wanted);
	free(verb);
	return is_mine;
}

/* "~text" is held by the text that came; anything else is the same. */
static bool
is_value(const json_t *want, const json_t *have)
{
	const char *text = json_string_value(want), *got = json_string_value(have);

	if (text != NULL && text[0] == '~' && got != NULL)
		return strstr(got, text + 1) != NULL;
	return have != NULL && wire_is_same(want, have);
}

static bool
has_members(const json_t *want, const json_t *have)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)want, name, value) {
		if (!is_value(value, json_object_get(have, name)))
			return false;
	}
	return true;
}

static void
check_one_of(struct wire *wire, const json_t *want, const json_t *list)
{
	char *shown;

	for (size_t i = 0; i < json_array_size(list); i++) {
		if (has_members(want, json_array_get(list, i)))
			return;
	}
	shown = bh_json_text(list);
	wire_differ(wire, wire->step_line, "none of these is so: %s", shown);
	free(shown);
}

static void
check_whole(struct wire *wire, bool is_same, const json_t *have)
{
	char *shown = bh_json_text(have);

	if (!is_same)
		wire_differ(wire, wire->step_line, "it is %s", shown);
	free(shown);
}

static void
check_line(struct wire *wire, const struct wire_schema *schema, const char *check)
{
	json_t *want = wire_parse(wire, wire->step_line, check + strcspn(check, " "));

	if (bh_has_prefix(check, "part "))
		check_one_of(wire, want, json_object_get(schema->answer, "rows"));
	else if (bh_has_prefix(check, "failed "))
		check_one_of(wire, want, json_object_get(schema->answer, "failed"));
	else if (bh_has_prefix(check, "said "))
		check_whole(wire, wire_is_same(want, schema->said), schema->said);
	else
		check_whole(wire, has_members(want, schema->answer), schema->answer);
	json_decref(want);
}

void
wire_schema_check(struct wire *wire, struct wire_schema *schema, int rc)
{
	char *shown = schema->answer != NULL ? bh_json_text(schema->answer) : bh_xstrdup("");

	if ((rc == 0) != (schema->answer != NULL))
		wire_differ(wire, wire->step_line, "a result and an error, or neither");
	wire_no_secrets(wire, wire->step_line, shown);
	for (size_t i = 0; i < schema->checks.n; i++)
		check_line(wire, schema, schema->checks.items[i]);
	free(shown);
}

void
wire_schema_clear(struct wire_schema *schema)
{
	wire_texts_release(&schema->checks);
	json_decref(schema->answer);
	json_decref(schema->said);
	memset(schema, 0, sizeof(*schema));
}
