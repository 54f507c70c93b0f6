/* Alerts: who is told and how that goes, what is open and what is over, quiet hours, and the buttons. */
#include "base/base.h"

#include <ctype.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "state/alert.h"
#include "state/trail.h"
#include "web/page.h"
#include "web/site.h"
#include "web/words.h"

#define OPEN_SHOWN 100
#define CURED_SHOWN 50
#define HOURS_MAX 8760

/* -- a word of it on the home page -- */

/* Does the last message to this target fail?  A target that is paused has nobody who waits for it. */
static int
is_failing(struct store_txn *txn, const char *code, char name[128], bool *is_r, struct bh_err *err)
{
	struct alert_target target;
	json_t *delivery = NULL;
	int rc = alert_target_load(txn, NULL, code, &target, err);

	*is_r = false;
	if (rc <= 0)
		return rc;
	rc = alert_delivery_get(txn, code, &delivery, err);
	if (rc == 0) {
		const char *error = bh_json_str(delivery, "error");

		*is_r = !target.paused && error != NULL && *error != '\0';
		snprintf(name, 128, "%s", target.name[0] != '\0' ? target.name : target.code);
	}
	json_decref(delivery);
	alert_target_release(&target);
	return rc;
}

int
alerts_hint(struct exchange *exchange, json_t *model, struct bh_err *err)
{
	struct store_txn *txn = exchange_read(exchange);
	struct bh_buf names = BH_BUF_INIT(SIZE_MAX / 2);
	json_t *codes, *code;
	size_t i;
	int rc = alert_targets(txn, &codes, err);

	json_array_foreach (codes, i, code) {
		char name[128];
		bool is_bad = false;

		if (rc == 0)
			rc = is_failing(txn, json_string_value(code), name, &is_bad, err);
		if (rc == 0 && is_bad)
			bh_buf_addf(&names, "%s%s", names.len > 0 ? ", " : "", name);
	}
	json_object_set_new(model, "alerts_failing", words_json(bh_buf_str(&names)));
	json_object_set_new(model, "alerts_url",
	    json_sprintf("%s/alerts", exchange->request->base));
	bh_buf_release(&names);
	json_decref(codes);
	return rc;
}

/* -- what is shown -- */

struct listing {
	json_t *list;
	int64_t now_ms;
};

static int
add_incident(void *arg, const struct alert_incident *incident, struct bh_err *err BH_UNUSED)
{
	struct listing *listing = arg;
	int64_t now = listing->now_ms;
	bool is_link = bh_has_prefix(incident->link, "https://");

	if (incident->due_ms > now)
		return 0;
	json_array_append_new(listing->list,
	    json_pack("{s:o, s:o, s:o, s:b, s:s, s:b, s:o, s:o}", "title",
		words_json(incident->title), "text", words_json(incident->text), "link",
		is_link ? words_json(incident->link) : json_string(""), "has_link", is_link,
		"priority", alert_priority_name(incident->priority), "is_high",
		incident->priority == ALERT_HIGH, "since", words_time_json(incident->since_ms, now),
		"cured", words_time_json(incident->cured_ms, now)));
	return 0;
}

/* A word for CSS, and the sentence. */
static void
add_state(json_t *view, const json_t *delivery, bool is_paused)
{
	const char *error = bh_json_str(delivery, "error"), *test = bh_json_str(delivery, "test");
	bool is_bad = error != NULL && *error != '\0';

	json_object_set_new(view, "state",
	    json_string(is_paused                             ? "idle"
			: is_bad                              ? "bad"
			: bh_json_int(delivery, "ok", 0) != 0 ? "good"
							      : "idle"));
	json_object_set_new(view, "word",
	    json_string(is_paused                             ? "paused"
			: is_bad                              ? "fails"
			: bh_json_int(delivery, "ok", 0) != 0 ? "works"
							      : "not tried yet"));
	json_object_set_new(view, "error", words_json(is_bad ? error : ""));
	json_object_set_new(view, "is_asked",
	    json_boolean(test != NULL && strcmp(test, "asked") == 0));
}

static int
add_target(struct exchange *exchange, const char *code, json_t *list, struct bh_err *err)
{
	struct store_txn *txn = exchange_read(exchange);
	const char *base = exchange->request->base;
	struct alert_target target;
	json_t *view, *delivery;
	int rc = alert_target_load(txn, NULL, code, &target, err);

	if (rc <= 0)
		return rc;
	if (alert_delivery_get(txn, code, &delivery, err) < 0) {
		alert_target_release(&target);
		return -1;
	}
	view = json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:o}", "name",
	    words_json(target.name[0] != '\0' ? target.name : code), "kind",
	    target.kind == ALERT_SLACK ? "Slack" : "E-mail", "least",
	    target.least == ALERT_LOW      ? "everything"
	    : target.least == ALERT_NORMAL ? "from normal on"
					   : "only high",
	    "url", json_sprintf("%s/alerts/%s", base, code), "test_url",
	    json_sprintf("%s/alerts/%s/test", base, code), "last",
	    words_time_json(bh_json_int(delivery, "ok", 0), bh_now_ms()), "failed",
	    words_time_json(bh_json_int(delivery, "failed", 0), bh_now_ms()));
	add_state(view, delivery, target.paused);
	json_array_append_new(list, view);
	json_decref(delivery);
	alert_target_release(&target);
	return 0;
}

static int
list_targets(struct exchange *exchange, json_t *list, struct bh_err *err)
{
	json_t *codes, *code;
	size_t i;
	int rc = alert_targets(exchange_read(exchange), &codes, err);

	json_array_foreach (codes, i, code)
		if (rc >= 0)
			rc = add_target(exchange, json_string_value(code), list, err);
	json_decref(codes);
	return rc < 0 ? -1 : 0;
}

/* What was typed, where it was refused, else what is stored. */
static void
add_text(json_t *model, const struct request *request, const char *name, const char *stored)
{
	const char *typed = request_field(request, name);

	json_object_set_new(model, name,
	    words_json(typed != NULL    ? typed
		       : stored != NULL ? stored
					: ""));
}

static void
add_settings(const struct request *request, json_t *model, const json_t *settings)
{
	static const char *const times[] = {"from", "to", "zone"};
	static const char *const hours[] = {"remind_hours", "silent_hours"};
	const json_t *quiet = json_object_get(settings, "quiet");
	char name[16], text[32];

	for (size_t i = 0; i < BH_LEN(times); i++) {
		snprintf(name, sizeof(name), "quiet_%s", times[i]);
		add_text(model, request, name, bh_json_str(quiet, times[i]));
	}
	for (size_t i = 0; i < BH_LEN(hours); i++) {
		snprintf(text, sizeof(text), "%lld", (long long)bh_json_int(settings, hours[i], 0));
		add_text(model, request, hours[i], text);
	}
}

static int
add_lists(struct exchange *exchange, json_t *model, struct bh_err *err)
{
	struct store_txn *txn = exchange_read(exchange);
	json_t *targets = json_array(), *open = json_array(), *cured = json_array();
	struct listing is_open = {open, bh_now_ms()}, is_cured = {cured, is_open.now_ms};
	bool more_open = false, more_cured = false;
	int rc = list_targets(exchange, targets, err);

	if (rc == 0)
		rc = alert_newest(txn, false, OPEN_SHOWN, add_incident, &is_open, &more_open, err);
	if (rc == 0)
		rc =
		    alert_newest(txn, true, CURED_SHOWN, add_incident, &is_cured, &more_cured, err);
	json_object_set_new(model, "has_targets", json_boolean(json_array_size(targets) > 0));
	json_object_set_new(model, "has_open", json_boolean(json_array_size(open) > 0));
	json_object_set_new(model, "has_cured", json_boolean(json_array_size(cured) > 0));
	json_object_set_new(model, "is_more_open", json_boolean(more_open));
	json_object_set_new(model, "sentence",
	    json_array_size(open) == 0   ? json_string("No alert is open.")
	    : json_array_size(open) == 1 ? json_string("One alert is open.")
					 : json_sprintf("%zu%s alerts are open.",
					       json_array_size(open), more_open ? "+" : ""));
	json_object_set_new(model, "state",
	    json_string(json_array_size(open) == 0 ? "good" : "bad"));
	json_object_set_new(model, "targets", targets);
	json_object_set_new(model, "open", open);
	json_object_set_new(model, "over", cured);
	return rc;
}

static const char *
done_sentence(const struct request *request)
{
	if (request_query(request, "saved") != NULL)
		return "Saved.";
	if (request_query(request, "removed") != NULL)
		return "Removed. Nothing is told there any more.";
	if (request_query(request, "asked") != NULL)
		return "A message on trial is on its way; what came of it shows below.";
	return "";
}

/* error: what was wrong with the settings; NULL nothing. */
static int
show(struct exchange *exchange, const char *error, struct bh_err *err)
{
	const char *base = exchange->request->base;
	json_t *settings, *model;

	if (alert_settings_get(exchange_read(exchange), &settings, err) < 0)
		return -1;
	model = json_pack("{s:s, s:s, s:b, s:b, s:o, s:o, s:o}", "done",
	    done_sentence(exchange->request), "wrong", error != NULL ? error : "", "is_admin",
	    exchange->session.role >= ACCOUNT_ADMIN, "is_operator",
	    exchange->session.role >= ACCOUNT_OPERATOR, "action", json_sprintf("%s/alerts", base),
	    "slack_url", json_sprintf("%s/alerts/new/slack", base), "mail_url",
	    json_sprintf("%s/alerts/new/mail", base));
	add_settings(exchange->request, model, settings);
	json_decref(settings);
	if (add_lists(exchange, model, err) < 0) {
		json_decref(model);
		return -1;
	}
	return exchange_page(exchange, error != NULL ? 400 : 200, "alerts", "Alerts", model, err);
}

int
page_alerts(struct exchange *exchange, struct bh_err *err)
{
	return show(exchange, NULL, err);
}

/* -- what holds for all -- */

static int
take_hours(const struct request *request, const char *name, json_t *settings, struct bh_err *err)
{
	const char *text = request_field(request, name);
	uint64_t hours = 0;

	if (text == NULL || !bh_is_uint(text, strlen(text), HOURS_MAX, &hours))
		return bh_fail(err, BH_INVALID, "Hours are a number from 0 to %d.", HOURS_MAX);
	json_object_set_new(settings, name, json_integer((json_int_t)hours));
	return 0;
}

static int
take_quiet(const struct request *request, json_t *settings, struct bh_err *err)
{
	const char *from = request_field(request, "quiet_from");
	const char *to = request_field(request, "quiet_to");
	const char *zone = request_field(request, "quiet_zone");
	struct bh_err why = BH_ERR_INIT;
	json_t *quiet;
	int rc;

	json_object_del(settings, "quiet");
	if (from == NULL || to == NULL || (*from == '\0' && *to == '\0'))
		return 0;
	quiet = json_pack("{s:o, s:o}", "from", words_json(from), "to", words_json(to));
	if (zone != NULL && *zone != '\0')
		json_object_set_new(quiet, "zone", words_json(zone));
	rc = alert_quiet_check(quiet, &why);
	if (rc == 0)
		json_object_set(settings, "quiet", quiet);
	json_decref(quiet);
	if (rc == 0)
		return 0;
	why.text[0] = (char)toupper((unsigned char)why.text[0]);
	return bh_fail(err, BH_INVALID, "%s.", why.text);
}

static int
save_settings(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct exchange *exchange = arg;
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "config",
	    .subject = "alerts",
	    .text = "changed in the browser",
	    .by = exchange->session.user};
	json_t *settings;
	int rc = alert_settings_get(txn, &settings, err);

	if (rc == 0)
		rc = take_hours(exchange->request, "remind_hours", settings, err);
	if (rc == 0)
		rc = take_hours(exchange->request, "silent_hours", settings, err);
	if (rc == 0)
		rc = take_quiet(exchange->request, settings, err);
	if (rc == 0) {
		alert_settings_put(txn, settings);
		trail_add(txn, 0, &entry);
	}
	json_decref(settings);
	return rc;
}

int
page_alerts_save(struct exchange *exchange, struct bh_err *err)
{
	struct bh_err why = BH_ERR_INIT;

	if (store_run(exchange->site->store, save_settings, exchange, NULL, &why) == 0) {
		response_redirect(exchange->response, exchange->request->base, "/alerts?saved=1");
		return 0;
	}
	if (why.code == BH_INVALID)
		return show(exchange, why.text, err);
	return bh_fail(err, why.code, "%s", why.text);
}

/* -- buttons of a target -- */

static int
ask_test(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct exchange *exchange = arg;
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "alert",
	    .subject = exchange->match.args[0],
	    .text = "a test was asked for in the browser",
	    .by = exchange->session.user};
	int rc = alert_test_ask(txn, entry.subject, entry.at_ms, err);

	if (rc > 0)
		trail_add(txn, 0, &entry);
	return rc < 0 ? -1 : rc == 0;
}

int
page_alert_test(struct exchange *exchange, struct bh_err *err)
{
	int rc = store_run(exchange->site->store, ask_test, exchange, NULL, err);

	if (rc > 0)
		exchange_error(exchange, 404, "There is no such target of alerts.");
	else if (rc == 0)
		response_redirect(exchange->response, exchange->request->base, "/alerts?asked=1");
	return rc < 0 ? -1 : 0;
}

static int
drop(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	const struct exchange *exchange = arg;
	const char *code = exchange->match.args[0];
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "config",
	    .subject = code,
	    .text = "target of alerts removed in the browser",
	    .by = exchange->session.user};

	alert_target_drop(txn, code);
	trail_add(txn, 0, &entry);
	return 0;
}

int
page_alert_remove(struct exchange *exchange, struct bh_err *err)
{
	if (store_run(exchange->site->store, drop, exchange, NULL, err) < 0)
		return -1;
	response_redirect(exchange->response, exchange->request->base, "/alerts?removed=1");
	return 0;
}
