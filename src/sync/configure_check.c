/*
 * What is wrong with a configuration document, as far as it tells by itself: the schema's
 * faults (configure_schema.c), then what a schema cannot say.  Faults that need the store,
 * secrets or a driver are found while it is applied.
 */
#include "base/base.h"

#include "sync/configure_check.h"

#include "base/jsonschema.h"
#include "base/text.h"
#include "state/alert.h"
#include "sync/configure.h"
#include "sync/configure_rules.h"
#include "sync/configure_schema.h"

#define PLACE_MAX 128 /* bytes of a place in the document */

struct judge {
	const char *preset_dir;
	json_t *faults; /* texts, those of the schema first */
	bool is_each;   /* of a mapping, too; else the first, with the names of object and row */
};

/* Adds the faults of the item at place. */
typedef void judge_item(const struct judge *judge, const json_t *item, const char *place);

/* -- items -- */

static void
add_fault(const struct judge *judge, const char *place, const char *member, const char *why)
{
	if (json_array_size(judge->faults) < JSONSCHEMA_FAULTS)
		json_array_append_new(judge->faults, json_sprintf("%s%s: %s", place, member, why));
}

/* Of a mapping of its own all that is wrong is told, of a preset that it does not go. */
static void
judge_sync(const struct judge *judge, const json_t *sync, const char *place)
{
	struct bh_err why = BH_ERR_INIT;
	const json_t *settings = json_object_get(sync, "settings");
	char below[PLACE_MAX + 16];
	const char *member;
	json_t *mapping, *faults, *fault;
	size_t i;

	if (configure_mapping(sync, judge->preset_dir, &member, &mapping, &why) < 0) {
		add_fault(judge, place, member, why.text);
		return;
	}
	snprintf(below, sizeof(below), "%s%s", place, member);
	if (configure_mapping_check(mapping, settings, &why) < 0) {
		faults = judge->is_each && json_object_get(sync, "mapping") != NULL
			     ? configure_mapping_faults(mapping, settings, below)
			     : json_array();
		if (json_array_size(faults) == 0)
			add_fault(judge, place, member, why.text);
		json_array_foreach (faults, i, fault)
			if (json_array_size(judge->faults) < JSONSCHEMA_FAULTS)
				json_array_append(judge->faults, fault);
		json_decref(faults);
	}
	json_decref(mapping);
}

static void
judge_rule(const struct judge *judge, const json_t *item, const char *place)
{
	struct bh_err why = BH_ERR_INIT;
	const char *member = "";

	if (configure_rule_check(item, judge->preset_dir, &member, &why) < 0)
		add_fault(judge, place, member, why.text);
}

/* Of a target, and of what holds for all of them. */
static void
judge_quiet(const struct judge *judge, const json_t *item, const char *place)
{
	struct bh_err why = BH_ERR_INIT;

	if (alert_quiet_check(json_object_get(item, "quiet"), &why) < 0)
		add_fault(judge, place, "/quiet", why.text);
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
			judge_it(judge, item, place);
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
		judge_quiet(judge, alerts, "/alerts");
}

json_t *
configure_faults(const json_t *document, const char *preset_dir)
{
	json_t *schema = configure_schema();
	struct judge judge = {preset_dir, bh_jsonschema_faults(schema, document), true};

	json_decref(schema);
	judge_document(&judge, document);
	return judge.faults;
}

int
configure_check(const json_t *document, const char *preset_dir, struct bh_err *err)
{
	struct judge judge = {preset_dir, json_array(), false};
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
