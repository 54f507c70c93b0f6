/*
 * What is wrong with a configuration document, as far as it tells by itself: the schema's
 * faults (configure_schema.c), then what a schema cannot say.  Faults that need the store,
 * secrets or a driver are found while it is applied.
 */
#include "base/base.h"

#include "sync/configure_check.h"

#include <unistd.h>

#include "base/jsonschema.h"
#include "base/text.h"
#include "map/map.h"
#include "map/shape.h"
#include "state/alert.h"
#include "sync/configure.h"
#include "sync/configure_rules.h"
#include "sync/configure_schema.h"

#define PRESET_MAX (1u << 20)
#define PLACE_MAX 128 /* bytes of a place in the document */

struct judge {
	const char *preset_dir;
	json_t *faults; /* texts, those of the schema first */
};

/* 0, or -1 with the reason and the member of the item ("" the item itself). */
typedef int judge_item(const struct judge *judge, const json_t *item, const char **member_r,
    struct bh_err *err);

/* -- items -- */

int
configure_mapping(const json_t *sync, const char *preset_dir, const char **member_r,
    json_t **mapping_r, struct bh_err *err)
{
	const char *preset = bh_json_str(sync, "preset");
	char *file;
	int rc;

	*mapping_r = json_incref(json_object_get(sync, "mapping"));
	*member_r = *mapping_r != NULL ? "/mapping" : "/preset";
	if (*mapping_r != NULL)
		return 0;
	file = bh_xasprintf("%s/%s.json", preset_dir, preset);
	rc = access(file, F_OK) == 0
		 ? bh_json_read(file, PRESET_MAX, mapping_r, err)
		 : bh_fail(err, BH_INVALID, "there is no preset \"%.64s\"", preset);
	free(file);
	return rc;
}

int
configure_mapping_check(const json_t *mapping, const json_t *settings, struct bh_err *err)
{
	struct map *map = NULL;
	json_t *shaped = NULL;
	int rc = map_shape(mapping, settings, NULL, NULL, &shaped, err);

	if (rc == 0)
		rc = map_new(shaped, &map, err);
	map_free(&map);
	json_decref(shaped);
	return rc;
}

static int
judge_sync(const struct judge *judge, const json_t *sync, const char **member_r, struct bh_err *err)
{
	json_t *mapping;
	int rc;

	if (configure_mapping(sync, judge->preset_dir, member_r, &mapping, err) < 0)
		return -1;
	rc = configure_mapping_check(mapping, json_object_get(sync, "settings"), err);
	json_decref(mapping);
	return rc;
}

static int
judge_rule(const struct judge *judge, const json_t *item, const char **member_r, struct bh_err *err)
{
	return configure_rule_check(item, judge->preset_dir, member_r, err);
}

/* Of a target, and of what holds for all of them. */
static int
judge_quiet(const struct judge *judge BH_UNUSED, const json_t *item, const char **member_r,
    struct bh_err *err)
{
	*member_r = "/quiet";
	return alert_quiet_check(json_object_get(item, "quiet"), err);
}

/* -- the document -- */

/* Has the place, or something below it, a fault already? */
static bool
is_named(const json_t *faults, const char *place)
{
	size_t len = strlen(place), i;
	json_t *fault;

	json_array_foreach ((json_t *)(uintptr_t)faults, i, fault) {
		const char *text = json_string_value(fault);

		if (strncmp(text, place, len) == 0 && (text[len] == '/' || text[len] == ':'))
			return true;
	}
	return false;
}

static void
judge_one(const struct judge *judge, const json_t *item, const char *place, judge_item *judge_it)
{
	struct bh_err why = BH_ERR_INIT;
	const char *member = "";

	if (judge_it(judge, item, &member, &why) < 0)
		json_array_append_new(judge->faults,
		    json_sprintf("%s%s: %s", place, member, why.text));
}

/* A code twice would make the document change the store each time it is applied. */
static bool
is_twice(const json_t *list, size_t i)
{
	const char *code = bh_json_str(json_array_get(list, i), "code");

	for (size_t k = 0; k < i && code != NULL; k++) {
		const char *other = bh_json_str(json_array_get(list, k), "code");

		if (other != NULL && strcmp(other, code) == 0)
			return true;
	}
	return false;
}

/* Each item by itself: the fault of one does not hide another's.  judge_it may be NULL. */
static void
judge_list(const struct judge *judge, const json_t *list, const char *name, judge_item *judge_it)
{
	char place[PLACE_MAX];
	json_t *item;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)list, i, item) {
		snprintf(place, sizeof(place), "%s/%zu", name, i);
		if (json_array_size(judge->faults) >= JSONSCHEMA_FAULTS ||
		    is_named(judge->faults, place))
			continue;
		if (is_twice(list, i))
			json_array_append_new(judge->faults,
			    json_sprintf("%s/code: \"%s\" stands here twice", place,
				bh_json_str(item, "code")));
		else if (judge_it != NULL)
			judge_one(judge, item, place, judge_it);
	}
}

static void
judge_document(const struct judge *judge, const json_t *document)
{
	const json_t *alerts = json_object_get(document, "alerts");

	judge_list(judge, json_object_get(document, "connections"), "/connections", NULL);
	judge_list(judge, json_object_get(document, "syncs"), "/syncs", judge_sync);
	judge_list(judge, json_object_get(document, "automations"), "/automations", judge_rule);
	judge_list(judge, json_object_get(alerts, "targets"), "/alerts/targets", judge_quiet);
	if (json_array_size(judge->faults) < JSONSCHEMA_FAULTS &&
	    !is_named(judge->faults, "/alerts/quiet"))
		judge_one(judge, alerts, "/alerts", judge_quiet);
}

json_t *
configure_faults(const json_t *document, const char *preset_dir)
{
	json_t *schema = configure_schema();
	struct judge judge = {preset_dir, bh_jsonschema_faults(schema, document)};

	json_decref(schema);
	judge_document(&judge, document);
	return judge.faults;
}

int
configure_check(const json_t *document, const char *preset_dir, struct bh_err *err)
{
	struct judge judge = {preset_dir, json_array()};
	int rc;

	judge_document(&judge, document);
	rc = json_array_size(judge.faults) == 0
		 ? 0
		 : bh_fail(err, BH_INVALID, "%s",
		       json_string_value(json_array_get(judge.faults, 0)));
	json_decref(judge.faults);
	return rc;
}

/* -- places -- */

const char *
configure_within(const char *text, const char *place)
{
	if (!bh_has_prefix(text, place))
		return text;
	text += strlen(place);
	return bh_has_prefix(text, ": ") ? text + 2 : text;
}

const char *
configure_reason(const char *text)
{
	const char *colon = *text == '/' ? strstr(text, ": ") : NULL;

	return colon != NULL ? colon + 2 : text;
}
