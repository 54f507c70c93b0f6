/* See alerts.h. */
#include "base/base.h"

#include "sync/alerts.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "state/automation.h"
#include "sync/alert_tell.h"
#include "sync/alert_watch.h"
#include "sync/automate.h"

#define HOUR_MS (3600 * INT64_C(1000))
#define DAY_MS (24 * HOUR_MS)
#define LOOK_MS (60 * INT64_C(1000)) /* so often what is wrong is looked for */
#define CURED_KEPT_MS (30 * DAY_MS)
#define OPEN_KEPT_MS (90 * DAY_MS) /* of what never ends by itself */
#define PAGE 500
#define TOLD_MAX 500 /* incidents in one message */
#define PAUSE_FIRST_MS (30 * INT64_C(1000))
#define PAUSE_LONGEST_MS HOUR_MS

/* -- looking -- */

struct look {
	int64_t now_ms;
	json_t *settings; /* owned */
	json_t *codes;    /* of the targets; owned */
};

static int
look(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct look *look = arg;

	json_decref(look->settings);
	json_decref(look->codes);
	look->codes = NULL;
	if (alert_settings_get(txn, &look->settings, err) < 0 ||
	    alert_targets(txn, &look->codes, err) < 0)
		return -1;
	return alert_watch(txn, look->settings, look->now_ms, err);
}

/* -- one target -- */

/* What one message tells. */
struct telling {
	struct alert_target target;
	json_t *delivery; /* owned */
	const char *url;
	int64_t now_ms, remind_ms, quiet_end_ms;
	int64_t *next_ms;
	struct alert_message message;
	json_t *told; /* key of an incident -> which news */
	bool is_full;
};

static int
collect_one(void *arg, const struct alert_incident *incident, struct bh_err *err BH_UNUSED)
{
	struct telling *t = arg;
	enum alert_news news =
	    alert_news(incident, &t->target, t->remind_ms, t->quiet_end_ms, t->now_ms, t->next_ms);

	if (news == ALERT_NO_NEWS)
		return 0;
	if (json_object_size(t->told) == TOLD_MAX) {
		t->is_full = true;
		return 0;
	}
	alert_message_add(&t->message, news, incident);
	json_object_set_new(t->told, incident->key, json_integer(news));
	return 0;
}

static int
collect(struct store_txn *txn, struct telling *t, struct bh_err *err)
{
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	bool more = true;
	int rc = 0;

	while (rc == 0 && more)
		rc = alert_incidents(txn, PAGE, &after, collect_one, t, &more, err);
	bh_buf_release(&after);
	if (rc == 0 && json_object_size(t->told) > 0)
		alert_message_end(&t->message, t->url);
	return rc;
}

/* It may have been cured, or have come again, while the message was on its way. */
static int
note_told(struct store_txn *txn, const struct telling *t, const char *key, enum alert_news news,
    struct bh_err *err)
{
	struct alert_incident was, fresh;
	int rc = alert_incident_load(txn, key, &was, err);

	if (rc <= 0)
		return rc;
	fresh = was;
	fresh.told = json_copy(was.told);
	if (news == ALERT_CURED)
		json_object_del(fresh.told, t->target.code);
	else
		json_object_set_new(fresh.told, t->target.code,
		    json_integer((json_int_t)t->now_ms));
	alert_incident_save(txn, &was, &fresh);
	json_decref(fresh.told);
	alert_incident_release(&was);
	return 0;
}

struct result {
	struct telling *telling;
	const struct bh_err *why; /* code BH_OK: it was taken */
	bool is_test;
	int64_t retry_ms; /* out */
};

static void
note_delivery(struct result *result, json_t *doc)
{
	bool is_ok = result->why->code == BH_OK;
	int64_t now = bh_now_ms(), pause = PAUSE_FIRST_MS, failures;

	if (result->is_test) {
		json_object_set_new(doc, "test", json_string(is_ok ? "ok" : "failed"));
		json_object_set_new(doc, "tested", json_integer((json_int_t)now));
		json_object_set_new(doc, "test_error", bh_json_string(result->why->text));
	}
	json_object_set_new(doc, is_ok ? "ok" : "failed", json_integer((json_int_t)now));
	json_object_set_new(doc, "error", bh_json_string(is_ok ? "" : result->why->text));
	failures = is_ok ? 0 : bh_json_int(doc, "failures", 0) + 1;
	for (int64_t i = 1; i < failures && pause < PAUSE_LONGEST_MS; i++)
		pause *= 2;
	pause = pause < PAUSE_LONGEST_MS ? pause : PAUSE_LONGEST_MS;
	result->retry_ms = is_ok ? 0 : now + pause;
	json_object_set_new(doc, "failures", json_integer((json_int_t)failures));
	json_object_set_new(doc, "retry", json_integer((json_int_t)result->retry_ms));
}

static int
store_result(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct result *result = arg;
	const struct telling *t = result->telling;
	const char *key;
	json_t *doc, *news;

	if (alert_delivery_get(txn, t->target.code, &doc, err) < 0)
		return -1;
	note_delivery(result, doc);
	alert_delivery_put(txn, t->target.code, doc);
	json_decref(doc);
	if (result->why->code != BH_OK || result->is_test)
		return 0;
	json_object_foreach (t->told, key, news)
		if (note_told(txn, t, key, (enum alert_news)json_integer_value(news), err) < 0)
			return -1;
	return 0;
}

static int
send_one(const struct sync_context *context, struct telling *t, bool is_test, struct bh_err *err)
{
	struct bh_err why = BH_ERR_INIT;
	struct result result = {t, &why, is_test, 0};

	if (alert_tell(context->transport, &t->target, &t->message, &why) < 0)
		bh_log_err(BH_WARN, &why, "alert target %s", t->target.code);
	(void)bh_fault("alert-sent");
	if (store_run(context->store, store_result, &result, NULL, err) < 0)
		return -1;
	if (result.retry_ms != 0 && result.retry_ms < *t->next_ms)
		*t->next_ms = result.retry_ms;
	return 0;
}

static bool
is_test_asked(const struct telling *t)
{
	const char *test = bh_json_str(t->delivery, "test");

	return test != NULL && strcmp(test, "asked") == 0;
}

/* A message on trial is sent at any hour, and shows at once that a receiver is there again. */
static int
tell_target(const struct sync_context *context, struct store_txn *txn, struct telling *t,
    struct bh_err *err)
{
	int64_t retry_ms = bh_json_int(t->delivery, "retry", 0);

	if (is_test_asked(t)) {
		*t->next_ms = t->now_ms;
		alert_message_test(&t->message, &t->target, t->url);
		return send_one(context, t, true, err);
	}
	if (t->target.paused)
		return 0;
	if (sync_is_ahead(retry_ms)) {
		if (retry_ms < *t->next_ms)
			*t->next_ms = retry_ms;
		return 0;
	}
	if (collect(txn, t, err) < 0)
		return -1;
	if (t->is_full)
		*t->next_ms = t->now_ms;
	return json_object_size(t->told) > 0 ? send_one(context, t, false, err) : 0;
}

static int
run_target(const struct sync_context *context, const struct look *looked, const char *code,
    int64_t *next_ms, struct bh_err *err)
{
	struct store_txn *txn = store_begin(context->store);
	struct telling t = {.url = context->conf->public_url,
	    .now_ms = looked->now_ms,
	    .remind_ms = bh_json_int(looked->settings, "remind_hours", 0) * HOUR_MS,
	    .next_ms = next_ms,
	    .told = json_object()};
	int rc = alert_target_load(txn, context->key, code, &t.target, err);

	alert_message_begin(&t.message);
	if (rc > 0)
		rc = alert_delivery_get(txn, code, &t.delivery, err) < 0 ? -1 : 1;
	if (rc > 0) {
		t.quiet_end_ms = alert_quiet_end(t.target.quiet != NULL
						     ? t.target.quiet
						     : json_object_get(looked->settings, "quiet"),
		    looked->now_ms);
		rc = tell_target(context, txn, &t, err);
	}
	alert_message_release(&t.message);
	alert_target_release(&t.target);
	json_decref(t.delivery);
	json_decref(t.told);
	store_free(&txn);
	return rc < 0 ? -1 : 0;
}

/* -- what is old -- */

struct tidy {
	struct store_txn *txn;
	const struct look *looked;
	json_t *enabled; /* code of an automation -> is it in use? */
};

/* Does a target that is still there wait to hear that it is over? */
static bool
is_awaited(const struct look *looked, const struct alert_incident *incident)
{
	json_t *code;
	size_t i;

	json_array_foreach (looked->codes, i, code)
		if (json_object_get(incident->told, json_string_value(code)) != NULL)
			return true;
	return false;
}

/* 1 nobody looks any more whether it is over: its automation was switched off or removed; 0; -1. */
static int
is_left_alone(const struct tidy *tidy, const struct alert_incident *incident, struct bh_err *err)
{
	struct automation automation = {0};
	char code[ALERT_KEY_MAX];
	const json_t *known;
	int rc;

	if (!is_automate_alert(incident->key, code))
		return 0;
	known = json_object_get(tidy->enabled, code);
	if (known != NULL)
		return json_is_false(known);
	rc = automation_load(tidy->txn, code, &automation, err);
	if (rc < 0)
		return -1;
	known = json_boolean(rc > 0 && automation.is_enabled);
	json_object_set(tidy->enabled, code, (json_t *)(uintptr_t)known);
	if (rc > 0)
		automation_release(&automation);
	return json_is_false(known);
}

static int
tidy_one(void *arg, const struct alert_incident *incident, struct bh_err *err)
{
	const struct tidy *tidy = arg;
	int64_t now = tidy->looked->now_ms;
	bool is_old;
	int rc = incident->cured_ms == 0 ? is_left_alone(tidy, incident, err) : 0;

	if (rc != 0)
		return rc > 0 && alert_cure(tidy->txn, incident->key, now, err) >= 0 ? 0 : -1;

	if (incident->cured_ms != 0)
		is_old =
		    now - incident->cured_ms > CURED_KEPT_MS && !is_awaited(tidy->looked, incident);
	else
		is_old = !incident->is_reminded && now - incident->since_ms > OPEN_KEPT_MS;
	if (is_old)
		alert_incident_drop(tidy->txn, incident);
	return 0;
}

/* A page of them in one commit; what came meanwhile under the same key is newer than old. */
static int
tidy(const struct sync_context *context, const struct look *looked, struct bh_err *err)
{
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	bool more = true;
	int rc = 0;

	while (rc == 0 && more) {
		struct tidy tidy = {store_begin(context->store), looked, json_object()};

		rc = alert_incidents(tidy.txn, PAGE, &after, tidy_one, &tidy, &more, err);
		if (rc == 0)
			rc = store_commit(tidy.txn, NULL, err);
		store_free(&tidy.txn);
		json_decref(tidy.enabled);
	}
	bh_buf_release(&after);
	return rc;
}

int
alerts_run(const struct sync_context *context, struct sync_outcome *outcome, struct bh_err *err)
{
	struct look looked = {.now_ms = bh_now_ms()};
	int64_t next_ms = INT64_MAX, idle_ms = context->conf->idle_exit_s * 2000;
	int64_t look_ms = idle_ms > LOOK_MS ? idle_ms : LOOK_MS;
	json_t *code;
	size_t i;
	int rc = store_run(context->store, look, &looked, NULL, err) < 0 ? -1 : 0;

	*outcome = (struct sync_outcome){.again_ms = -1};
	json_array_foreach (looked.codes, i, code)
		if (rc == 0 && !sync_is_stopping(context))
			rc = run_target(context, &looked, json_string_value(code), &next_ms, err);
	if (rc == 0)
		rc = tidy(context, &looked, err);
	/*
	 * Nobody to tell: when somebody comes to be told, the job is woken.  Processes that are to
	 * end when they are idle are not kept by this.
	 */
	if (json_array_size(looked.codes) > 0 && looked.now_ms + look_ms < next_ms)
		next_ms = looked.now_ms + look_ms;
	if (rc == 0 && next_ms != INT64_MAX)
		outcome->again_ms = next_ms;
	json_decref(looked.settings);
	json_decref(looked.codes);
	return rc;
}
