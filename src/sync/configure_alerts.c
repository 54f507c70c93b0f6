/* See configure_alerts.h. */
#include "base/base.h"

#include "sync/configure_alerts.h"

#include "base/text.h"
#include "sync/alert_target.h"
#include "sync/configure_diff.h"

/* Members of "alerts" that hold for all targets. */
static const char *const hours[] = {"remind_hours", "silent_hours"};

/* -- into the store -- */

static int
apply_settings(struct store_txn *txn, struct configure_run *run, const json_t *alerts,
    struct bh_err *err)
{
	json_t *old, *fresh, *quiet = json_object_get(alerts, "quiet");

	if (alert_settings_get(txn, &old, err) < 0)
		return -1;
	fresh = json_copy(old);
	for (size_t i = 0; i < BH_LEN(hours); i++)
		if (json_object_get(alerts, hours[i]) != NULL)
			json_object_set(fresh, hours[i], json_object_get(alerts, hours[i]));
	if (json_is_null(quiet))
		json_object_del(fresh, "quiet");
	else if (quiet != NULL)
		json_object_set(fresh, "quiet", quiet);
	if (!json_equal(old, fresh)) {
		configure_say(run, "alerts", "all", "changed");
		configure_diff(run->said, old, fresh);
		alert_settings_put(txn, fresh);
	}
	json_decref(old);
	json_decref(fresh);
	return 0;
}

/* What the document does not name stays as it is: as in old, which is empty where there is none. */
static void
take_target(const json_t *item, const struct alert_target *old, bool found,
    struct alert_target *target)
{
	const json_t *quiet = json_object_get(item, "quiet"),
		     *paused = json_object_get(item, "paused");
	json_t *settings = json_object_get(item, "settings");
	const char *least = bh_json_str(item, "least");

	bh_json_copy(target->code, sizeof(target->code), item, "code");
	if (found && json_object_get(item, "name") == NULL)
		snprintf(target->name, sizeof(target->name), "%s", old->name);
	else
		bh_json_copy(target->name, sizeof(target->name), item,
		    bh_json_str(item, "name") != NULL ? "name" : "code");
	target->kind = alert_kind_of(bh_json_str(item, "kind"));
	target->paused = paused != NULL ? json_is_true(paused) : old->paused;
	target->least = least != NULL ? alert_priority_of(least) : old->least;
	if (settings == NULL && found && old->kind == target->kind)
		settings = old->settings;
	target->settings = settings != NULL ? json_incref(settings) : json_object();
	if (quiet == NULL)
		quiet = old->quiet;
	if (!json_is_null(quiet))
		target->quiet = json_incref((json_t *)(uintptr_t)quiet);
}

static bool
is_same_json(const json_t *a, const json_t *b)
{
	return a == b || (a != NULL && b != NULL && json_equal(a, b));
}

static bool
is_same_target(const struct alert_target *a, const struct alert_target *b)
{
	return strcmp(a->name, b->name) == 0 && a->kind == b->kind && a->paused == b->paused &&
	       a->least == b->least && is_same_json(a->settings, b->settings) &&
	       is_same_json(a->quiet, b->quiet) && is_same_json(a->secrets, b->secrets);
}

/* As it stands in the document, without its secrets (new reference). */
static json_t *
target_json(const struct alert_target *target)
{
	json_t *out = json_pack("{s:s, s:s, s:o, s:s}", "code", target->code, "kind",
	    alert_kind_name(target->kind), "name", bh_json_string(target->name), "least",
	    alert_priority_name(target->least));

	json_object_set_new(out, "settings",
	    target->settings != NULL ? json_incref(target->settings) : json_object());
	json_object_set_new(out, "quiet",
	    target->quiet != NULL ? json_incref(target->quiet) : json_null());
	json_object_set_new(out, "paused", json_boolean(target->paused));
	return out;
}

static void
say_target(struct configure_run *run, const json_t *item, const struct alert_target *old,
    const struct alert_target *fresh, bool found)
{
	json_t *was = found ? target_json(old) : NULL, *is = target_json(fresh);

	configure_say(run, "alert target", fresh->code, found ? "changed" : "added");
	configure_diff(run->said, was, is);
	configure_diff_secrets(run->said, json_object_get(item, "secrets"), old->secrets,
	    fresh->secrets);
	json_decref(was);
	json_decref(is);
}

static int
apply_target(struct store_txn *txn, struct configure_run *run, const json_t *item,
    const char *place, struct bh_err *err)
{
	struct alert_target old, fresh = {0};
	int found = alert_target_load(txn, run->key, bh_json_str(item, "code"), &old, err), rc;

	take_target(item, &old, found > 0, &fresh);
	fresh.secrets = json_incref(old.secrets);
	rc = found < 0
		 ? -1
		 : configure_secrets(json_object_get(item, "secrets"), &fresh.secrets, place, err);
	if (rc == 0 && alert_target_check(&fresh, err) < 0)
		rc = bh_during(err, "%s", place);
	if (rc == 0 && (found == 0 || !is_same_target(&old, &fresh))) {
		say_target(run, item, &old, &fresh, found > 0);
		rc = alert_target_save(txn, run->key, &fresh, err);
	}
	alert_target_release(&old);
	alert_target_release(&fresh);
	return rc;
}

int
configure_alerts_apply(struct store_txn *txn, struct configure_run *run, struct bh_err *err)
{
	const json_t *alerts = json_object_get(run->document, "alerts");
	char place[48];
	json_t *item;
	size_t i;

	if (alerts == NULL)
		return 0;
	if (apply_settings(txn, run, alerts, err) < 0)
		return -1;
	json_array_foreach (json_object_get(alerts, "targets"), i, item) {
		snprintf(place, sizeof(place), "/alerts/targets/%zu", i);
		if (apply_target(txn, run, item, place, err) < 0)
			return -1;
	}
	return 0;
}

/* -- out of the store -- */

static int
export_target(struct store_txn *txn, const char *code, json_t *list, struct bh_err *err)
{
	struct alert_target target;

	if (alert_target_load(txn, NULL, code, &target, err) <= 0)
		return -1;
	json_array_append_new(list, target_json(&target));
	alert_target_release(&target);
	return 0;
}

/* Is there anything to say beside what holds where nothing was said? */
static bool
is_said(const json_t *settings)
{
	return bh_json_int(settings, "remind_hours", ALERT_REMIND_HOURS) != ALERT_REMIND_HOURS ||
	       bh_json_int(settings, "silent_hours", 0) != 0 ||
	       json_is_object(json_object_get(settings, "quiet"));
}

int
configure_alerts_export(struct store_txn *txn, json_t **alerts_r, struct bh_err *err)
{
	json_t *codes, *code, *targets = json_array(), *alerts = NULL;
	size_t i;
	int rc = alert_targets(txn, &codes, err);

	*alerts_r = NULL;
	json_array_foreach (codes, i, code)
		if (rc == 0)
			rc = export_target(txn, json_string_value(code), targets, err);
	if (rc == 0)
		rc = alert_settings_get(txn, &alerts, err);
	if (rc == 0 && (json_array_size(targets) > 0 || is_said(alerts))) {
		if (json_object_get(alerts, "quiet") == NULL)
			json_object_set_new(alerts, "quiet", json_null());
		json_object_set(alerts, "targets", targets);
		*alerts_r = json_incref(alerts);
	}
	json_decref(codes);
	json_decref(targets);
	json_decref(alerts);
	return rc;
}
