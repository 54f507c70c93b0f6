/* Steps that look: see wire-look.h; the format of the lines stands in tests/wire/README.md. */
#include "base/base.h"

#include "wire-look.h"

#include "base/clock.h"

#define FIELDS_MAX 100

struct look {
	struct wire *wire;
	const struct dest_driver *driver;
	struct dest_config *config;
	json_t *args;
	json_t *given;
};

static struct dest_login
login_of(const json_t *args)
{
	return (struct dest_login){.redirect_uri = wire_member(args, "redirect_uri"),
	    .state = wire_member(args, "state"),
	    .verifier = wire_member(args, "verifier")};
}

static int
look_login(struct look *look, struct bh_err *err)
{
	struct dest_login login = login_of(look->args);
	struct bh_buf url = BH_BUF_INIT(65536);
	int rc = look->driver->login(look->config, &login, &url, err);

	look->given = json_string(bh_buf_str(&url));
	bh_buf_release(&url);
	return rc;
}

static int
look_exchange(struct look *look, struct bh_err *err)
{
	struct dest_login login = login_of(look->args);

	return look->driver->exchange(look->config, &login, wire_member(look->args, "code"), err);
}

static int
look_revoke(struct look *look, struct bh_err *err)
{
	return look->driver->revoke(look->config, err);
}

static int
look_limits(struct look *look, struct bh_err *err)
{
	int rc = look->driver->limits(look->config, &look->given, err);

	if (rc == 0 && look->given == NULL)
		wire_differ(look->wire, look->wire->step_line, "no limits were given");
	return rc;
}

/* --- find --------------------------------------------------------------- */

static void
read_wanted(struct dest_wanted *wanted, const json_t *json)
{
	const json_t *fields = json_object_get(json, "fields");
	const char *compare = wire_member(json, "compare");

	*wanted = (struct dest_wanted){.object = wire_member(json, "object"),
	    .key_field = bh_json_str(json, "key_field"),
	    .compare = strcmp(compare, "domain") == 0 ? DEST_DOMAIN : DEST_EQUAL,
	    .n = json_array_size(fields)};
	for (size_t i = 0; i < wanted->n && i < DEST_WANTED_MAX; i++) {
		wanted->fields[i] = wire_member(json_array_get(fields, i), "0");
		wanted->values[i] = wire_member(json_array_get(fields, i), "1");
	}
}

static json_t *
found_json(const struct dest_found *found)
{
	json_t *list = json_array();

	for (size_t i = 0; i < found->n; i++)
		json_array_append_new(list, json_pack("[s, s, s]", found->items[i].remote_id,
						found->items[i].name, found->items[i].key));
	if (found->more)
		json_array_append_new(list, json_string("more"));
	return list;
}

static int
look_find(struct look *look, struct bh_err *err)
{
	size_t n = json_array_size(look->args);
	struct dest_wanted *wanted = bh_xcalloc(n + 1, sizeof(*wanted));
	struct dest_found *found = bh_xcalloc(n + 1, sizeof(*found));
	int rc;

	for (size_t i = 0; i < n; i++)
		read_wanted(&wanted[i], json_array_get(look->args, i));
	rc = look->driver->find(look->config, wanted, n, found, err);
	look->given = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(look->given, found_json(&found[i]));
	free(wanted);
	free(found);
	return rc;
}

/* --- read --------------------------------------------------------------- */

static void
read_reading(struct dest_reading *reading, const json_t *json, const char **fields)
{
	const json_t *names = json_object_get(json, "fields");

	*reading = (struct dest_reading){.object = wire_member(json, "object"),
	    .remote_id = wire_member(json, "id"),
	    .fields = fields,
	    .fields_n = json_array_size(names)};
	for (size_t i = 0; i < reading->fields_n && i < FIELDS_MAX; i++)
		fields[i] = json_string_value(json_array_get(names, i));
}

static int
look_read(struct look *look, struct bh_err *err)
{
	size_t n = json_array_size(look->args);
	struct dest_reading *readings = bh_xcalloc(n + 1, sizeof(*readings));
	const char **fields = bh_xcalloc(n * FIELDS_MAX + 1, sizeof(*fields));
	int rc;

	for (size_t i = 0; i < n; i++)
		read_reading(&readings[i], json_array_get(look->args, i), fields + i * FIELDS_MAX);
	rc = look->driver->read(look->config, readings, n, err);
	look->given = json_array();
	for (size_t i = 0; i < n; i++) {
		json_t *values = readings[i].values;

		json_array_append_new(look->given, values != NULL ? values : json_null());
	}
	free(fields);
	free(readings);
	return rc;
}

/* --- end and purge ------------------------------------------------------ */

static int
look_end(struct look *look, struct bh_err *err)
{
	static const char *const fates[] = {"unknown", "there", "merged", "deleted", "gone"};
	size_t n = json_array_size(look->args);
	struct dest_end *ends = bh_xcalloc(n + 1, sizeof(*ends));
	int rc;

	for (size_t i = 0; i < n; i++) {
		ends[i].object = wire_member(json_array_get(look->args, i), "object");
		ends[i].remote_id = wire_member(json_array_get(look->args, i), "id");
	}
	rc = look->driver->end(look->config, ends, n, err);
	look->given = json_array();
	for (size_t i = 0; i < n; i++) {
		const char *blank = ends[i].survivor_id[0] != '\0' ? " " : "";
		char *text =
		    bh_xasprintf("%s%s%s", fates[ends[i].fate], blank, ends[i].survivor_id);

		json_array_append_new(look->given, json_string(text));
		free(text);
	}
	free(ends);
	return rc;
}

static int
look_purge(struct look *look, struct bh_err *err)
{
	int64_t before_ms = 0;
	bool more = false;
	size_t n = 0;
	int rc;

	if (!bh_is_time(wire_member(look->args, "before"), &before_ms))
		wire_differ(look->wire, look->wire->step_line, "before is no time");
	rc = look->driver->purge(look->config, wire_member(look->args, "object"),
	    wire_member(look->args, "field"), before_ms, &n, &more, err);
	look->given = json_pack("{s:I, s:b}", "gone", (json_int_t)n, "more", more);
	return rc;
}

/* "gone", or why it is not. */
static int
look_remove(struct look *look, struct bh_err *err)
{
	size_t n = json_array_size(look->args);
	struct dest_removal *removals = bh_xcalloc(n + 1, sizeof(*removals));
	int rc;

	for (size_t i = 0; i < n; i++) {
		removals[i].object = wire_member(json_array_get(look->args, i), "object");
		removals[i].remote_id = wire_member(json_array_get(look->args, i), "id");
	}
	rc = look->driver->remove(look->config, removals, n, err);
	look->given = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(look->given,
		    json_string(removals[i].is_gone ? "gone" : removals[i].cause));
	free(removals);
	return rc;
}

static int
look_unlinked(struct look *look, struct bh_err *err)
{
	json_t *rows = NULL;
	bool more = false;
	int rc = look->driver->unlinked(look->config, wire_member(look->args, "object"),
	    wire_member(look->args, "key_field"), wire_member(look->args, "after"), &rows, &more,
	    err);

	if ((rc == 0) != (rows != NULL) || (rc < 0 && more))
		wire_differ(look->wire, look->wire->step_line, "rows come with success alone");
	if (rc == 0)
		look->given = json_pack("{s:O, s:b}", "rows", rows, "more", more);
	json_decref(rows);
	return rc;
}

/* How many fields each has; null: it cannot be described. */
static int
look_describe_many(struct look *look, struct bh_err *err)
{
	size_t n = json_array_size(look->args);
	const char *names[10];
	struct dest_object *objects[10];
	bool is_asked[10];
	int rc;

	for (size_t i = 0; i < n && i < BH_LEN(names); i++)
		names[i] = json_string_value(json_array_get(look->args, i));
	rc = look->driver->describe_many(look->config, names, n, objects, is_asked, err);
	look->given = json_array();
	for (size_t i = 0; i < n && rc == 0; i++) {
		json_array_append_new(look->given,
		    objects[i] != NULL
			? json_pack("[s, I]", objects[i]->name, (json_int_t)objects[i]->fields_n)
		    : is_asked[i] ? json_null()
				  : json_string("not asked"));
		dest_object_free(&objects[i]);
	}
	return rc;
}

/* --- owners and ties ----------------------------------------------------- */

static int
look_active(struct look *look, struct bh_err *err)
{
	size_t n = json_array_size(look->args);
	const char **ids = bh_xcalloc(n + 1, sizeof(*ids));
	bool *is_active = bh_xcalloc(n + 1, sizeof(*is_active));
	int rc;

	for (size_t i = 0; i < n; i++)
		ids[i] = json_string_value(json_array_get(look->args, i));
	rc = look->driver->active(look->config, ids, n, is_active, err);
	look->given = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(look->given, json_boolean(is_active[i]));
	free(is_active);
	free(ids);
	return rc;
}

/* The state of each, and what it has in place of what is asked for. */
static json_t *
tie_json(const struct dest_tie *tie)
{
	static const char *const states[] = {"unknown", "holds", "other"};

	return json_sprintf("%s%s%s", states[tie->state], tie->has[0] != '\0' ? " " : "", tie->has);
}

static int
look_ties(struct look *look, struct bh_err *err)
{
	size_t n = json_array_size(look->args);
	struct dest_tie *ties = bh_xcalloc(n + 1, sizeof(*ties));
	int rc;

	for (size_t i = 0; i < n; i++) {
		const json_t *json = json_array_get(look->args, i);

		ties[i] = (struct dest_tie){.object = wire_member(json, "object"),
		    .remote_id = wire_member(json, "id"),
		    .field = "",
		    .to_object = wire_member(json, "to_object"),
		    .to_id = wire_member(json, "to_id")};
	}
	rc = look->driver->ties(look->config, ties, n, err);
	look->given = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(look->given, tie_json(&ties[i]));
	free(ties);
	return rc;
}

/* --- which step --------------------------------------------------------- */

static const struct {
	const char *name;
	int (*run)(struct look *look, struct bh_err *err);
} looks[] = {
    {"login", look_login},
    {"exchange", look_exchange},
    {"revoke", look_revoke},
    {"limits", look_limits},
    {"find", look_find},
    {"read", look_read},
    {"end", look_end},
    {"purge", look_purge},
    {"remove", look_remove},
    {"unlinked", look_unlinked},
    {"describe_many", look_describe_many},
    {"active", look_active},
    {"ties", look_ties},
};

/* Arguments that stand behind the step's name. */
static json_t *
args_of(struct wire *wire, const char *text)
{
	text += strspn(text, " \t\n");
	return text[0] != '\0' ? wire_parse(wire, wire->step_line, text) : NULL;
}

static int
run(struct look *look, int (*call)(struct look *look, struct bh_err *err), struct bh_err *err)
{
	int rc = call(look, err);

	if (rc < 0) {
		json_decref(look->given);
		look->given = NULL;
	}
	return rc;
}

bool
wire_look(struct wire *wire, const struct dest_driver *driver, struct dest_config *config,
    int *rc_r, json_t **given_r, struct bh_err *err)
{
	size_t len = strcspn(wire->step, " \n");
	struct look look = {.wire = wire, .driver = driver, .config = config};

	for (size_t i = 0; i < BH_LEN(looks); i++) {
		if (strlen(looks[i].name) != len || strncmp(looks[i].name, wire->step, len) != 0)
			continue;
		look.args = args_of(wire, wire->step + len);
		*rc_r = run(&look, looks[i].run, err);
		*given_r = look.given;
		json_decref(look.args);
		return true;
	}
	return false;
}
