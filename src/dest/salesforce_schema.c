/*
 * The parts of a catalogue: made from it, looked up, and everything that can be
 * said of them without asking the org.
 */
#include "base/base.h"

#include "dest/salesforce_schema.h"

#include "base/text.h"

#define PARTS_MAX 5000
#define NAME_MAX_LEN 80
#define RELATION_MAX 40

const char *
part_kind_name(enum part_kind kind)
{
	static const char *const names[PART__MAX] = {
	    [PART_OBJECT] = "object",
	    [PART_EVENT] = "event",
	    [PART_FIELD] = "field",
	    [PART_PROCESS] = "process",
	    [PART_RECORD_TYPE] = "record_type",
	    [PART_RIGHTS] = "permission_set",
	    [PART_ASSIGNMENT] = "assignment",
	};

	return names[kind];
}

bool
schema_is_custom(const char *name)
{
	return bh_has_suffix(name, "__c") || bh_has_suffix(name, "__e");
}

const char *
schema_rest_name(const char *object)
{
	return strcmp(object, "Activity") == 0 ? "Task" : object;
}

bool
part_is_there(const struct part *part)
{
	return part->state != PART_MISSING;
}

bool
part_is_on_standard(const struct part *part)
{
	return part->object != NULL && !schema_is_custom(bh_json_str(part->object, "name"));
}

bool
part_is_lookup(const struct part *part)
{
	return part->kind == PART_FIELD &&
	       strcmp(component_type(part->object, part->entry), "Lookup") == 0;
}

bool
part_is_of_event(const struct part *part)
{
	return part->object != NULL && bh_is_json_true(part->object, "event");
}

struct part *
schema_part(const struct schema *schema, enum part_kind kind, const char *name)
{
	for (size_t i = 0; i < schema->parts_n; i++) {
		if (schema->parts[i].kind == kind && strcmp(schema->parts[i].name, name) == 0)
			return &schema->parts[i];
	}
	return NULL;
}

static json_t *
found_of_kind(const struct schema *schema, enum part_kind kind)
{
	return json_object_get(schema->found, part_kind_name(kind));
}

json_t *
schema_found(const struct schema *schema, const struct part *part)
{
	return json_object_get(found_of_kind(schema, part->kind), part->name);
}

const json_t *
schema_described(const struct schema *schema, const struct part *part)
{
	const json_t *described = NULL;

	if (part->object != NULL)
		described = json_object_get(schema->described,
		    schema_rest_name(bh_json_str(part->object, "name")));
	return json_is_object(described) ? described : NULL;
}

/* --- from the catalogue --------------------------------------------------- */

/* Names become parts of paths, queries and XML: letters, digits, underscores. */
static bool
is_name(const char *name)
{
	size_t len =
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

	return name[len] == '\0' && len <= NAME_MAX_LEN && name[0] != '_' &&
	       strchr("0123456789", name[0]) == NULL;
}

static int
check_name(const json_t *entry, const char *name, struct bh_err *err)
{
	if (!json_is_object(entry) || name == NULL || name[0] == '\0')
		return bh_fail(err, BH_INVALID, "the schema holds a part without a name");
	if (!is_name(name))
		return bh_fail(err, BH_INVALID, "Salesforce takes no name like %.80s", name);
	return 0;
}

/* Takes name. */
static struct part *
add_part(struct schema *schema, enum part_kind kind, char *name, const json_t *object,
    const json_t *entry)
{
	struct part *part;

	schema->parts =
	    bh_xrealloc(schema->parts, (schema->parts_n + 1) * sizeof(schema->parts[0]));
	part = &schema->parts[schema->parts_n++];
	*part = (struct part){.kind = kind, .object = object, .entry = entry, .name = name};
	part->is_custom = kind >= PART_PROCESS || schema_is_custom(name);
	part->type = kind == PART_FIELD ? shape_wanted(object, entry) : bh_xstrdup("");
	return part;
}

static int
add_fields(struct schema *schema, const json_t *object, struct bh_err *err)
{
	const json_t *fields = json_object_get(object, "fields");
	const char *owner = bh_json_str(object, "name");

	for (size_t i = 0; i < json_array_size(fields); i++) {
		const json_t *field = json_array_get(fields, i);
		const char *name = bh_json_str(field, "name");
		const char *target = dest_text(field, "referenceTo", "Account");

		if (check_name(field, name, err) < 0 || check_name(field, target, err) < 0)
			return -1;
		add_part(schema, PART_FIELD, bh_xasprintf("%s.%s", owner, name), object, field);
	}
	return 0;
}

/* A record type needs its process, which therefore comes first. */
static int
add_record_types(struct schema *schema, const json_t *object, struct bh_err *err)
{
	const json_t *list = json_object_get(object, "recordTypes");
	const char *owner = bh_json_str(object, "name");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *entry = json_array_get(list, i);
		const char *name = bh_json_str(entry, "name");
		const char *process = dest_text(entry, "process", name);
		char *full;

		if (check_name(entry, name, err) < 0 || check_name(entry, process, err) < 0)
			return -1;
		full = bh_xasprintf("%s.%s", owner, process);
		if (dest_text(entry, "process", NULL) != NULL &&
		    schema_part(schema, PART_PROCESS, full) == NULL)
			add_part(schema, PART_PROCESS, bh_xstrdup(full), object, entry);
		free(full);
		add_part(schema, PART_RECORD_TYPE, bh_xasprintf("%s.%s", owner, name), object,
		    entry);
	}
	return 0;
}

static int
add_object(struct schema *schema, const json_t *object, struct bh_err *err)
{
	const char *name = bh_json_str(object, "name");
	bool is_event = bh_is_json_true(object, "event");

	if (check_name(object, name, err) < 0)
		return -1;
	add_part(schema, is_event ? PART_EVENT : PART_OBJECT, bh_xstrdup(name), object, object);
	if (add_fields(schema, object, err) < 0 || add_record_types(schema, object, err) < 0)
		return -1;
	if (schema->parts_n > PARTS_MAX)
		return bh_fail(err, BH_INVALID, "the schema has more than %d parts", PARTS_MAX);
	return 0;
}

static int
add_rights(struct schema *schema, struct bh_err *err)
{
	const json_t *entry = json_object_get(schema->catalogue, "permissionSet");
	const char *name = bh_json_str(entry, "name");

	if (entry == NULL)
		return 0;
	if (check_name(entry, name, err) < 0)
		return -1;
	add_part(schema, PART_RIGHTS, bh_xstrdup(name), NULL, entry);
	add_part(schema, PART_ASSIGNMENT, bh_xasprintf("%s: assignment", name), NULL, entry);
	return 0;
}

int
schema_open(struct schema *schema, struct dest_config *config, const json_t *catalogue,
    struct bh_err *err)
{
	const json_t *objects = json_object_get(catalogue, "objects");
	int rc = 0;

	*schema = (struct schema){.config = config, .catalogue = catalogue};
	schema->described = json_object();
	schema->found = json_object();
	for (int kind = 0; kind < PART__MAX; kind++)
		json_object_set_new(schema->found, part_kind_name((enum part_kind)kind),
		    json_object());
	for (size_t i = 0; rc == 0 && i < json_array_size(objects); i++)
		rc = add_object(schema, json_array_get(objects, i), err);
	return rc == 0 ? add_rights(schema, err) : rc;
}

void
schema_close(struct schema *schema)
{
	for (size_t i = 0; i < schema->parts_n; i++) {
		free(schema->parts[i].name);
		free(schema->parts[i].type);
	}
	free(schema->parts);
	json_decref(schema->described);
	json_decref(schema->found);
	memset(schema, 0, sizeof(*schema));
}

/* --- stages --------------------------------------------------------------- */

/* The active values of the org's StageName. */
static json_t *
org_stages(const struct schema *schema, const struct part *part)
{
	const json_t *fields = json_object_get(schema_described(schema, part), "fields"), *values;
	json_t *stages = json_array();

	for (size_t i = 0; i < json_array_size(fields); i++) {
		const json_t *field = json_array_get(fields, i);

		if (strcmp(dest_text(field, "name", ""), "StageName") != 0)
			continue;
		values = json_object_get(field, "picklistValues");
		for (size_t k = 0; k < json_array_size(values); k++) {
			const json_t *value = json_array_get(values, k);

			if (bh_is_json_true(value, "active") && bh_json_str(value, "value") != NULL)
				json_array_append(stages, json_object_get(value, "value"));
		}
	}
	return stages;
}

static bool
has_text(const json_t *list, const char *text)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *item = json_string_value(json_array_get(list, i));

		if (item != NULL && strcmp(item, text) == 0)
			return true;
	}
	return false;
}

json_t *
schema_stages(const struct schema *schema, const struct part *part)
{
	const json_t *wanted = json_object_get(part->entry, "stages");
	json_t *org = org_stages(schema, part), *stages = json_array();

	for (size_t i = 0; i < json_array_size(wanted); i++) {
		const char *stage = json_string_value(json_array_get(wanted, i));

		if (stage != NULL && (json_array_size(org) == 0 || has_text(org, stage)))
			json_array_append_new(stages, json_string(stage));
	}
	if (json_array_size(stages) > 0) {
		json_decref(org);
		return stages;
	}
	json_decref(stages);
	return org;
}

/* --- names of relations ---------------------------------------------------- */

/* Letters and digits of a text, single underscores between; "" when there are none. */
static void
plain_name(char *out, size_t size, const char *text)
{
	size_t len = 0;

	for (; *text != '\0' && len + 1 < size; text++) {
		bool is_letter = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z');

		if (is_letter || (len > 0 && *text >= '0' && *text <= '9'))
			out[len++] = *text;
		else if (len > 0 && out[len - 1] != '_')
			out[len++] = '_';
	}
	while (len > 0 && out[len - 1] == '_')
		len--;
	out[len] = '\0';
}

/* Take a name at a target; false when another list of its children has it. */
static bool
has_claimed(json_t *taken, const char *target, const char *name)
{
	char *key = bh_xasprintf("%s\n%s", target, name);
	bool is_free = json_object_get(taken, key) == NULL;

	if (is_free)
		json_object_set_new(taken, key, json_true());
	free(key);
	return is_free;
}

/* The lists of children that visible objects have already: "Invoices__r". */
static json_t *
taken_relations(const struct schema *schema)
{
	json_t *taken = json_object(), *described;
	const char *object;

	json_object_foreach (schema->described, object, described) {
		const json_t *list = json_object_get(described, "childRelationships");

		for (size_t i = 0; i < json_array_size(list); i++) {
			const char *name = bh_json_str(json_array_get(list, i), "relationshipName");

			if (name != NULL && bh_has_suffix(name, "__r")) {
				char *plain = bh_xstrndup(name, strlen(name) - 3);

				has_claimed(taken, object, plain);
				free(plain);
			}
		}
	}
	return taken;
}

/* "Invoices_Payer", then "Invoices_Payer_2" ... */
static void
longer_name(char *out, size_t size, const char *plural, const char *field, int number)
{
	char longer[NAME_MAX_LEN], digits[16] = "";
	size_t len = strlen(field) - (bh_has_suffix(field, "__c") ? 3 : 0);

	if (number > 1)
		snprintf(digits, sizeof(digits), "_%d", number);
	snprintf(longer, sizeof(longer), "%.18s_%.*s%s", plural, len > 18 ? 18 : (int)len, field,
	    digits);
	plain_name(out, size, longer);
}

/* The children's plural; with the field's name behind it where a parent has such a list already. */
static json_t *
relation_of(json_t *taken, const struct part *part)
{
	const char *target = dest_text(part->entry, "referenceTo", "Account");
	const char *child = bh_json_str(part->object, "name");
	const char *field = bh_json_str(part->entry, "name");
	char plural[RELATION_MAX + 1], name[RELATION_MAX + 1];

	plain_name(plural, sizeof(plural), dest_text(part->object, "plural", child));
	if (plural[0] == '\0')
		plain_name(plural, sizeof(plural), child);
	snprintf(name, sizeof(name), "%s", plural);
	for (int number = 1; !has_claimed(taken, target, name) && number < 100; number++)
		longer_name(name, sizeof(name), plural, field, number);
	return json_string(name);
}

json_t *
schema_relations(const struct schema *schema)
{
	json_t *taken = taken_relations(schema), *relations = json_array();

	for (size_t i = 0; i < schema->parts_n; i++) {
		const struct part *part = &schema->parts[i];
		bool is_wanted = part_is_lookup(part) && !part_is_there(part);

		json_array_append_new(relations,
		    is_wanted ? relation_of(taken, part) : json_null());
	}
	json_decref(taken);
	return relations;
}
