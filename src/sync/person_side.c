/*
 * One person: what Billhook says of them elsewhere.  Alerts that an automation's action raised, and
 * what was worked out for somebody to look at, which is simply forgotten.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "state/walk.h"
#include "sync/audit.h"
#include "sync/automate.h"
#include "sync/inquiry.h"
#include "sync/person_internal.h"
#include "sync/preview.h"
#include "sync/undo.h"

/* -- alerts -- */

static json_t *
incident_json(const struct alert_incident *incident)
{
	char since[BH_CLOCK_TEXT];

	bh_rfc3339(since, incident->since_ms);
	return json_pack("{s:s, s:s, s:s, s:s, s:b}", "title", incident->title, "text",
	    incident->text, "link", incident->link, "since", since, "open",
	    incident->cured_ms == 0);
}

/* The alert of one action. */
struct alert_of {
	char key[ALERT_KEY_MAX];
	bool is_gone;
};

static int
drop_alert(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct alert_of *of = arg;
	struct alert_incident incident;
	int rc = alert_incident_load(txn, of->key, &incident, err);

	of->is_gone = rc > 0;
	if (rc > 0)
		alert_incident_drop(txn, &incident);
	alert_incident_release(&incident);
	return rc < 0 ? -1 : rc == 0;
}

static int
show_alert(struct person_sweep *sweep, const struct alert_of *of, struct bh_err *err)
{
	struct store_txn *txn = store_begin(sweep->person->context->store);
	struct alert_incident incident;
	int rc = alert_incident_load(txn, of->key, &incident, err);

	if (rc > 0) {
		json_t *item = incident_json(&incident);

		rc = sweep->each(sweep->arg, PERSON_ALERT, item, err);
		json_decref(item);
	}
	alert_incident_release(&incident);
	store_free(&txn);
	return rc;
}

int
person_alerts(struct person_sweep *sweep, struct bh_err *err)
{
	const struct person *person = sweep->person;
	int rc = 0;

	for (size_t i = 0; i < person->objects_n && rc == 0; i++) {
		struct alert_of of = {.is_gone = false};

		if (person->objects[i].kind != OBJECT_ACTION)
			continue;
		automate_alert_key(of.key, &person->objects[i], person->objects[i].id);
		if (sweep->done == NULL) {
			rc = show_alert(sweep, &of, err);
		} else {
			rc = store_run(person->context->store, drop_alert, &of, NULL, err) < 0 ? -1
											       : 0;
			sweep->done->n[PERSON_ALERT] += of.is_gone;
		}
		if (rc == 0)
			rc = person_tick(person, err);
	}
	return rc;
}

/* -- what was looked at -- */

/* Names of people stand there; what is still open has none, and is left to its job. */
static int
forget_answers(struct store_txn *txn, void *arg, struct bh_err *err)
{
	static const char *const names[] = {ERRAND_IMPORT, ERRAND_CREATE};

	for (size_t i = 0; i < BH_LEN(names); i++)
		if (errand_forget(txn, arg, names[i], err) < 0)
			return -1;
	return 0;
}

static int
forget_errands(struct store *store, struct bh_err *err)
{
	struct store_txn *txn = store_begin(store);
	json_t *codes = NULL, *code;
	size_t i;
	int rc = account_connections(txn, &codes, err);

	store_free(&txn);
	json_array_foreach (codes, i, code)
		if (rc >= 0)
			rc = store_run(store, forget_answers,
			    (void *)(uintptr_t)json_string_value(code), NULL, err);
	json_decref(codes);
	return rc < 0 ? -1 : 0;
}

static int
forget_trials(struct store_txn *txn, void *arg BH_UNUSED, struct bh_err *err)
{
	return automation_trials_forget(txn, err);
}

int
person_forget_looks(const struct sync_context *context, struct bh_err *err)
{
	int rc = preview_forget(context->store, err);

	if (rc == 0)
		rc = undo_forget_looks(context->store, err);
	if (rc == 0)
		rc = audit_forget(context->store, err);
	if (rc == 0)
		rc = store_run(context->store, forget_trials, NULL, NULL, err) < 0 ? -1 : 0;
	if (rc == 0)
		rc = forget_errands(context->store, err);
	return rc == 0 ? inquiry_forget(context, err) : rc;
}
