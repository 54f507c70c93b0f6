/* See configure_alerts.h. */
#include "base/base.h"

#include "sync/configure_alerts.h"

#include "base/text.h"
#include "sync/alert_target.h"
#include "sync/configure_diff.h"

#define HOURS_MAX 8760

/* Members of "alerts" that hold for all targets. */
static const char *const hours[] = {"remind_hours", "silent_hours"};

/* -- the form -- */

static bool
is_one_of(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static int
check_names(const json_t *object, const char *const *names, size_t n, struct bh_err *err)
{
	const char *name;
	json_t *value;

	if (!json_is_object(object))
		return bh_fail(err, BH_INVALID, "it must be an object");
	json_object_foreach ((json_t *)(uintptr_t)object, name, value)
		if (!is_one_of(name, names, n))
			return bh_fail(err, BH_INVALID, "there is no member \"%.60s\"", name);
	return 0;
}

static int
check_mail_settings(const json_t *settings, struct bh_err *err)
{
	static const char *const names[] = {"server", "user", "from", "to"};
	const char *name;
	json_t *value, *one;
	size_t i;

	if (check_names(settings, names, BH_LEN(names), err) < 0)
		return -1;
	json_object_foreach ((json_t *)(uintptr_t)settings, name, value)
		if (strcmp(name, "to") == 0 ? !json_is_array(value) : !json_is_string(value))
			return bh_fail(err, BH_INVALID, "%s has the wrong type", name);
	json_array_foreach (json_object_get(settings, "to"), i, one)
		if (!json_is_string(one))
			return bh_fail(err, BH_INVALID, "to is a list of addresses");
	return 0;
}

static int
check_settings(enum alert_kind kind, const json_t *settings, struct bh_err *err)
{
	if (kind == ALERT_MAIL)
		return check_mail_settings(settings, err);
	return settings == NULL ? 0 : check_names(settings, NULL, 0, err);
}

static int
check_target(const json_t *item, struct bh_err *err)
{
	static const char *const names[] = {"code", "kind", "name", "paused", "least", "settings",
	    "secrets", "quiet"};
	const char *code = bh_json_str(item, "code"), *name;
	enum alert_kind kind = alert_kind_of(bh_json_str(item, "kind"));
	json_t *value;

	if (check_names(item, names, BH_LEN(names), err) < 0)
		return -1;
	if (code == NULL || !bh_is_code(code))
		return bh_fail(err, BH_INVALID, "code is 1 to 64 characters of a-z, 0-9, - and _");
	if (kind == ALERT_KIND__MAX)
		return bh_fail(err, BH_INVALID, "kind is slack or mail");
	if (json_object_get(item, "name") != NULL && bh_json_str(item, "name") == NULL)
		return bh_fail(err, BH_INVALID, "name is a text");
	value = json_object_get(item, "paused");
	if (value != NULL && !json_is_boolean(value))
		return bh_fail(err, BH_INVALID, "paused is true or false");
	if (json_object_get(item, "least") != NULL &&
	    alert_priority_of(bh_json_str(item, "least")) == ALERT__MAX)
		return bh_fail(err, BH_INVALID, "least is low, normal or high");
	json_object_foreach (json_object_get(item, "secrets"), name, value)
		if (configure_check_secret(value, "target", name, err) < 0)
			return -1;
	return check_settings(kind, json_object_get(item, "settings"), err);
}

static int
check_targets(const json_t *list, struct bh_err *err)
{
	json_t *item;
	size_t i;

	if (list != NULL && !json_is_array(list))
		return bh_fail(err, BH_INVALID, "alerts.targets must be an array");
	json_array_foreach ((json_t *)(uintptr_t)list, i, item) {
		if (check_target(item, err) < 0 ||
		    alert_quiet_check(json_object_get(item, "quiet"), err) < 0)
			return bh_during(err, "alerts.targets[%zu]", i);
		for (size_t k = 0; k < i; k++)
			if (strcmp(bh_json_str(json_array_get(list, k), "code"),
				bh_json_str(item, "code")) == 0)
				return bh_fail(err, BH_INVALID,
				    "alerts.targets[%zu].code stands here twice", i);
	}
	return 0;
}

int
configure_alerts_check(const json_t *document, struct bh_err *err)
{
	static const char *const names[] = {"targets", "quiet", "remind_hours", "silent_hours"};
	const json_t *alerts = json_object_get(document, "alerts");

	if (alerts == NULL)
		return 0;
	if (check_names(alerts, names, BH_LEN(names), err) < 0 ||
	    alert_quiet_check(json_object_get(alerts, "quiet"), err) < 0)
		return bh_during(err, "alerts");
	for (size_t i = 0; i < BH_LEN(hours); i++) {
		const json_t *value = json_object_get(alerts, hours[i]);

		if (value != NULL && (!json_is_integer(value) || json_integer_value(value) < 0 ||
					 json_integer_value(value) > HOURS_MAX))
			return bh_fail(err, BH_INVALID, "alerts.%s is a number from 0 to %d",
			    hours[i], HOURS_MAX);
	}
	return check_targets(json_object_get(alerts, "targets"), err);
}

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

static void
take_target(const json_t *item, struct alert_target *target)
{
	const json_t *quiet = json_object_get(item, "quiet");
	const char *name = bh_json_str(item, "name");

	bh_json_copy(target->code, sizeof(target->code), item, "code");
	bh_json_copy(target->name, sizeof(target->name), item, name != NULL ? "name" : "code");
	target->kind = alert_kind_of(bh_json_str(item, "kind"));
	target->paused = bh_is_json_true(item, "paused");
	target->least = alert_priority_of(bh_json_str(item, "least"));
	if (target->least == ALERT__MAX)
		target->least = ALERT_LOW;
	target->settings = json_incref(json_object_get(item, "settings"));
	if (target->settings == NULL)
		target->settings = json_object();
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

	if (json_object_size(target->settings) > 0)
		json_object_set(out, "settings", target->settings);
	if (target->quiet != NULL)
		json_object_set(out, "quiet", target->quiet);
	if (target->paused)
		json_object_set_new(out, "paused", json_true());
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
    struct bh_err *err)
{
	struct alert_target old, fresh = {0};
	char whose[96];
	int found, rc;

	take_target(item, &fresh);
	found = alert_target_load(txn, run->key, fresh.code, &old, err);
	fresh.secrets = json_incref(old.secrets);
	snprintf(whose, sizeof(whose), "alert target %s", fresh.code);
	rc = found < 0
		 ? -1
		 : configure_secrets(json_object_get(item, "secrets"), &fresh.secrets, whose, err);
	if (rc == 0 && alert_target_check(&fresh, err) < 0)
		rc = bh_during(err, "alert target %s", fresh.code);
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
	json_t *item;
	size_t i;

	if (alerts == NULL)
		return 0;
	if (apply_settings(txn, run, alerts, err) < 0)
		return -1;
	json_array_foreach (json_object_get(alerts, "targets"), i, item)
		if (apply_target(txn, run, item, err) < 0)
			return -1;
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

int
configure_alerts_export(struct store_txn *txn, json_t **alerts_r, struct bh_err *err)
{
	json_t *codes, *code, *targets = json_array();
	size_t i;
	int rc = alert_targets(txn, &codes, err);

	*alerts_r = NULL;
	json_array_foreach (codes, i, code)
		if (rc == 0)
			rc = export_target(txn, json_string_value(code), targets, err);
	if (rc == 0 && json_array_size(targets) > 0 &&
	    (rc = alert_settings_get(txn, alerts_r, err)) == 0)
		json_object_set(*alerts_r, "targets", targets);
	json_decref(codes);
	json_decref(targets);
	return rc;
}
