/* Automations: the list, taking a shipped one into use, and one of them. */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "state/automation.h"
#include "state/queue.h"
#include "state/trail.h"
#include "sync/configure.h"
#include "web/automation_form.h"
#include "web/live.h"
#include "web/page.h"
#include "web/words.h"

#define TRIAL_DAYS 90
#define RULE_MAX (64u << 10)

/* -- what pages say -- */

static void
set_url(const struct exchange *exchange, json_t *model, const char *name, const char *path)
{
	char *url = exchange_url(exchange, path);

	json_object_set_new(model, name, words_json(url));
	free(url);
}

/* "Would have fired 14 times in 90 days", as live text. */
static json_t *
trial_words(const json_t *trial, bool *is_open_r)
{
	const char *state = bh_json_str(trial, "state"), *note = bh_json_str(trial, "note");
	int64_t n = bh_json_int(trial, "n", 0);
	char count[WORDS_MAX], seen[WORDS_MAX];

	*is_open_r = state != NULL && strcmp(state, "open") == 0;
	words_count(count, n);
	words_count(seen, bh_json_int(trial, "events", 0) + bh_json_int(trial, "objects", 0));
	if (state == NULL)
		return json_string("not tried yet");
	if (*is_open_r)
		return json_sprintf("is being tried: %s events and objects so far", seen);
	if (strcmp(state, "failed") == 0)
		return json_sprintf("could not be tried: %s", note != NULL ? note : "");
	return json_sprintf("would have fired %s %s in %lld days", count, n == 1 ? "time" : "times",
	    (long long)bh_json_int(trial, "days", 0));
}

/* "3 open", or of what stays as it was made "14 made"; and when it fired last. */
static int
add_tally(struct store_txn *txn, const struct automation *automation, json_t *row,
    struct bh_err *err)
{
	bool is_once = bh_is_json_true(automation->rule, "once");
	struct automation_tally tally;
	char count[WORDS_MAX];

	if (automation_tally_get(txn, automation->code, &tally, err) < 0)
		return -1;
	words_count(count, is_once ? tally.fired : tally.open);
	json_object_set_new(row, "tally", json_sprintf("%s %s", count, is_once ? "made" : "open"));
	json_object_set_new(row, "fired", words_time_json(tally.fired_ms, bh_now_ms()));
	return 0;
}

static int
row_of(struct exchange *exchange, const char *code, json_t *list, struct bh_err *err)
{
	struct store_txn *txn = exchange_read(exchange);
	struct automation automation;
	json_t *trial = NULL, *row;
	bool is_open;
	char path[100];
	int rc = automation_load(txn, code, &automation, err);

	if (rc > 0 && automation_trial_get(txn, code, &trial, err) < 0)
		rc = -1;
	if (rc > 0) {
		const char *type = bh_json_str(automation.rule, "make.type");
		const char *title = bh_json_str(automation.rule, "title");

		snprintf(path, sizeof(path), "/automations/%s", code);
		row = json_pack("{s:s, s:o, s:o, s:o, s:s, s:s, s:o}", "code", code, "title",
		    words_json(title != NULL ? title : code), "from",
		    words_json(bh_json_str(automation.rule, "from")), "makes",
		    words_json(type != NULL ? type : ""), "state",
		    automation.is_enabled ? "good" : "idle", "word",
		    automation.is_enabled ? "on" : "off", "trial", trial_words(trial, &is_open));
		set_url(exchange, row, "url", path);
		json_array_append_new(list, row);
		if (add_tally(txn, &automation, row, err) < 0)
			rc = -1;
	}
	json_decref(trial);
	automation_release(&automation);
	return rc < 0 ? -1 : 0;
}

/* Syncs, and whether one of this source (NULL: any that has rules) writes what they make. */
static int
add_silent(struct exchange *exchange, const char *from, json_t *model, struct bh_err *err)
{
	struct store_txn *txn = exchange_read(exchange);
	json_t *codes = NULL, *code, *silent = json_array();
	bool is_written = false;
	size_t i;
	int rc = account_syncs(txn, &codes, err);

	json_array_foreach (codes, i, code) {
		struct account_sync sync;
		const char *value;
		char path[100];
		json_t *one;

		if (rc < 0 ||
		    (rc = account_sync_load(txn, json_string_value(code), &sync, err)) <= 0)
			break;
		value = bh_json_str(sync.settings, "automations");
		if (strcmp(sync.from, from) == 0) {
			is_written = is_written || (value != NULL && strcmp(value, "yes") == 0);
			one = json_pack("{s:s}", "code", sync.code);
			snprintf(path, sizeof(path), "/syncs/%s", sync.code);
			set_url(exchange, one, "url", path);
			json_array_append_new(silent, one);
		}
		account_sync_release(&sync);
	}
	json_decref(codes);
	json_object_set_new(model, "is_unwritten", json_boolean(!is_written));
	json_object_set_new(model, "silent", silent);
	return rc < 0 ? -1 : 0;
}

static bool
is_admin(const struct exchange *exchange)
{
	return exchange->session.role >= ACCOUNT_ADMIN;
}

/* -- the list -- */

int
page_automations(struct exchange *exchange, struct bh_err *err)
{
	json_t *model = json_object(), *list = json_array(), *presets = NULL, *codes = NULL;
	json_t *offered = json_array(), *one;
	size_t i;
	int rc = automation_codes(exchange_read(exchange), &codes, err);

	if (rc >= 0)
		rc = automation_presets(exchange->site->conf, &presets, err);
	json_array_foreach (codes, i, one)
		if (rc >= 0)
			rc = row_of(exchange, json_string_value(one), list, err);
	json_array_foreach (presets, i, one) {
		json_t *offer = json_pack("{s:O}", "title", json_object_get(one, "title"));
		char path[160];

		snprintf(path, sizeof(path), "/automations/new/%.100s", bh_json_str(one, "code"));
		set_url(exchange, offer, "url", path);
		json_array_append_new(offered, offer);
	}
	json_object_set_new(model, "has_rules", json_boolean(json_array_size(list) > 0));
	json_object_set_new(model, "rules", list);
	json_object_set_new(model, "presets", offered);
	json_object_set_new(model, "is_admin", json_boolean(is_admin(exchange)));
	json_decref(presets);
	json_decref(codes);
	if (rc < 0) {
		json_decref(model);
		return -1;
	}
	return exchange_page(exchange, 200, "automations", "Automations", model, err);
}

/* -- a new one -- */

static int
add_sources(struct exchange *exchange, json_t *model, struct bh_err *err)
{
	const char *chosen = request_field(exchange->request, "from");
	json_t *codes = NULL, *code, *sources = json_array();
	size_t i;
	int rc = account_connections(exchange_read(exchange), &codes, err);

	json_array_foreach (codes, i, code) {
		struct account_connection one = {0};

		rc = account_connection_load(exchange_read(exchange), NULL, json_string_value(code),
		    &one, err);
		if (rc > 0 && one.is_source)
			json_array_append_new(sources,
			    json_pack("{s:s, s:o, s:b}", "value", one.code, "label",
				words_json(one.name[0] != '\0' ? one.name : one.code), "is_chosen",
				chosen != NULL && strcmp(chosen, one.code) == 0));
		account_connection_release(&one);
		if (rc < 0)
			break;
	}
	json_decref(codes);
	json_object_set_new(model, "has_sources", json_boolean(json_array_size(sources) > 0));
	json_object_set_new(model, "sources", sources);
	return rc < 0 ? -1 : 0;
}

static int
show_new(struct exchange *exchange, const json_t *preset, const char *problem, struct bh_err *err)
{
	json_t *model = json_object();

	if (add_sources(exchange, model, err) < 0) {
		json_decref(model);
		return -1;
	}
	json_object_set_new(model, "heading", words_json(bh_json_str(preset, "title")));
	json_object_set_new(model, "problem", words_json(problem != NULL ? problem : ""));
	json_object_set_new(model, "fields",
	    automation_form_view(preset, exchange->request, problem != NULL));
	json_object_set_new(model, "is_admin", json_boolean(is_admin(exchange)));
	set_url(exchange, model, "action", exchange->request->path);
	set_url(exchange, model, "list_url", "/automations");
	set_url(exchange, model, "connections_url", "/connections");
	return exchange_page(exchange, problem != NULL ? 400 : 200, "automation_new",
	    "New automation", model, err);
}

static int
note_saved(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct exchange *exchange = arg;
	const char *code = request_field(exchange->request, "code");
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "automation",
	    .subject = code != NULL ? code : exchange->match.args[0],
	    .text = "saved in the browser",
	    .by = exchange->session.user};

	(void)err;
	trail_add(txn, 0, &entry);
	return 0;
}

/* Through the same door as a configuration document. */
static int
apply_item(struct exchange *exchange, json_t *item_take, struct bh_err *err)
{
	json_t *document = json_pack("{s:i, s:[o]}", "billhook", 1, "automations", item_take);
	struct configure_options options = {.preset_dir = exchange->site->conf->preset_dir,
	    .by = exchange->session.user,
	    .with = note_saved,
	    .arg = exchange};
	size_t changes;
	int rc = configure_apply(exchange->site->store, &exchange->site->key, document, &options,
	    &changes, err);

	json_decref(document);
	return rc;
}

static int
is_taken(struct exchange *exchange, const json_t *item, struct bh_err *err)
{
	const char *code = bh_json_str(item, "code");
	struct automation automation;
	int rc = automation_load(exchange_read(exchange), code, &automation, err);

	automation_release(&automation);
	return rc;
}

static int
with_preset(struct exchange *exchange, bool is_posted, struct bh_err *err)
{
	json_t *presets = NULL, *item = NULL;
	const json_t *preset;
	struct bh_err why = BH_ERR_INIT;
	char path[160];
	int rc = automation_presets(exchange->site->conf, &presets, err);

	if (rc < 0)
		return -1;
	preset = automation_preset(presets, exchange->match.args[0]);
	if (preset == NULL) {
		exchange_error(exchange, 404, "There is no such automation to begin with.");
	} else if (!is_posted) {
		rc = show_new(exchange, preset, NULL, err);
	} else {
		item = automation_form_item(preset, exchange->request, &why);
		if (item != NULL && bh_is_code(bh_json_str(item, "code")) &&
		    (rc = is_taken(exchange, item, err)) > 0)
			bh_fail(&why, BH_INVALID, "There is an automation of this code already.");
		if (rc >= 0 && why.code == BH_OK) {
			snprintf(path, sizeof(path), "/automations/%.70s",
			    bh_json_str(item, "code"));
			rc = apply_item(exchange, json_incref(item), &why);
		}
		if (why.code == BH_INVALID)
			rc = show_new(exchange, preset,
			    configure_within(why.text, "/automations/0"), err);
		else if (why.code != BH_OK)
			rc = bh_fail(err, why.code, "%s", why.text);
		else if (rc >= 0)
			response_redirect(exchange->response, exchange->request->base, path);
	}
	json_decref(item);
	json_decref(presets);
	return rc < 0 ? -1 : 0;
}

int
page_automation_new(struct exchange *exchange, struct bh_err *err)
{
	return with_preset(exchange, false, err);
}

int
page_automation_create(struct exchange *exchange, struct bh_err *err)
{
	return with_preset(exchange, true, err);
}

/* -- one -- */

static json_t *
fired_view(const json_t *trial, int64_t now_ms)
{
	json_t *view = json_array(), *one;
	size_t i;

	json_array_foreach (json_object_get(trial, "fired"), i, one) {
		int64_t at_ms = 0;
		const char *at = bh_json_str(one, "at"), *title = bh_json_str(one, "title");

		if (at != NULL && !bh_is_time(at, &at_ms))
			at_ms = 0;
		json_array_append_new(view,
		    json_pack("{s:o, s:o}", "time", words_time_json(at_ms, now_ms), "title",
			words_json(title != NULL ? title : "")));
	}
	return view;
}

static void
put_trial(const json_t *trial, json_t *model, json_t *live)
{
	char done[32];
	bool is_open;

	live_set(live, model, "trial", "text", trial_words(trial, &is_open));
	live_set_shown(live, model, "trial", "is_open", is_open);
	snprintf(done, sizeof(done), "%lld", (long long)bh_json_int(trial, "done", 0));
	json_object_set_new(live, "newest", json_string(done));
	json_object_set_new(model, "newest", json_string(done));
}

static int
show(struct exchange *exchange, const char *problem, bool is_status, struct bh_err *err)
{
	const char *code = exchange->match.args[0], *title, *posted;
	struct store_txn *txn = exchange_read(exchange);
	json_t *model = json_object(), *live = json_object(), *trial = NULL;
	struct automation automation;
	char path[200], *text;
	int rc = automation_load(txn, code, &automation, err);

	if (rc > 0 &&
	    (automation_trial_get(txn, code, &trial, err) < 0 ||
		add_silent(exchange, bh_json_str(automation.rule, "from"), model, err) < 0))
		rc = -1;
	if (rc == 0)
		exchange_error(exchange, 404, "There is no such automation.");
	if (rc > 0) {
		put_trial(trial, model, live);
		title = bh_json_str(automation.rule, "title");
		posted = problem != NULL ? request_field(exchange->request, "rule") : NULL;
		text = json_dumps(automation.rule, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
		json_object_set_new(model, "heading", words_json(title != NULL ? title : code));
		json_object_set_new(model, "code", json_string(code));
		json_object_set_new(model, "from",
		    words_json(bh_json_str(automation.rule, "from")));
		json_object_set_new(model, "is_on", json_boolean(automation.is_enabled));
		json_object_set_new(model, "rule", words_json(posted != NULL ? posted : text));
		json_object_set_new(model, "problem", words_json(problem != NULL ? problem : ""));
		json_object_set_new(model, "fired", fired_view(trial, bh_now_ms()));
		json_object_set_new(model, "has_fired",
		    json_boolean(json_array_size(json_object_get(trial, "fired")) > 0));
		json_object_set_new(model, "is_admin", json_boolean(is_admin(exchange)));
		json_object_set_new(model, "is_operator",
		    json_boolean(exchange->session.role >= ACCOUNT_OPERATOR));
		snprintf(path, sizeof(path), "/automations/%s", code);
		set_url(exchange, model, "self_url", path);
		snprintf(path, sizeof(path), "/automations/%s/status.json", code);
		set_url(exchange, model, "live_url", path);
		set_url(exchange, model, "list_url", "/automations");
		free(text);
		if (is_status)
			response_json(exchange->response, 200, json_incref(live));
		else
			rc = exchange_page(exchange, problem != NULL ? 400 : 200, "automation",
			    "Automation", json_incref(model), err);
	}
	json_decref(trial);
	json_decref(live);
	json_decref(model);
	automation_release(&automation);
	return rc < 0 ? -1 : 0;
}

int
page_automation(struct exchange *exchange, struct bh_err *err)
{
	return show(exchange, NULL, false, err);
}

int
page_automation_status(struct exchange *exchange, struct bh_err *err)
{
	return show(exchange, NULL, true, err);
}

/* The rule as JSON; it keeps its code. */
int
page_automation_save(struct exchange *exchange, struct bh_err *err)
{
	const char *text = request_field(exchange->request, "rule"), *code;
	struct bh_err why = BH_ERR_INIT;
	struct automation old;
	json_t *item = NULL;
	char path[160];
	int rc = automation_load(exchange_read(exchange), exchange->match.args[0], &old, err);

	if (rc <= 0) {
		if (rc == 0)
			exchange_error(exchange, 404, "There is no such automation.");
		return rc;
	}
	if (text == NULL || strlen(text) > RULE_MAX)
		rc = bh_fail(&why, BH_INVALID, "The rule is too long.");
	else
		rc = bh_json_parse(text, strlen(text), &item, &why);
	code = bh_json_str(item, "code");
	if (rc >= 0 && (code == NULL || strcmp(code, old.code) != 0))
		rc = bh_fail(&why, BH_INVALID,
		    "The code must stay: under another one it would be another automation.");
	if (rc >= 0) {
		if (json_object_get(item, "enabled") == NULL)
			json_object_set_new(item, "enabled", json_boolean(old.is_enabled));
		rc = apply_item(exchange, json_incref(item), &why);
	}
	automation_release(&old);
	json_decref(item);
	if (rc < 0 && why.code == BH_INVALID)
		return show(exchange, configure_within(why.text, "/automations/0"), false, err);
	if (rc < 0)
		return bh_fail(err, why.code, "%s", why.text);
	snprintf(path, sizeof(path), "/automations/%.70s", exchange->match.args[0]);
	response_redirect(exchange->response, exchange->request->base, path);
	return 0;
}

/* -- buttons -- */

static void
switch_it(struct store_txn *txn, struct automation *automation, bool is_on)
{
	automation->is_enabled = automation->is_walking = is_on;
	automation_save(txn, automation);
	automation_walk_put(txn, automation->code, NULL);
	queue_wake(txn, AUTOMATION_JOB, "", bh_now_ms());
}

static int
press(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct exchange *exchange = arg;
	const char *code = exchange->match.args[0], *action = exchange->match.args[1];
	struct automation automation;
	char text[160];
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "automation",
	    .subject = code,
	    .text = text,
	    .by = exchange->session.user};
	int rc = automation_load(txn, code, &automation, err);

	if (rc > 0 && strcmp(action, "remove") == 0)
		automation_drop(txn, code);
	else if (rc > 0 && strcmp(action, "try") == 0)
		automation_trial_ask(txn, code, automation.rule, TRIAL_DAYS, bh_now_ms());
	else if (rc > 0)
		switch_it(txn, &automation, strcmp(action, "on") == 0);
	snprintf(text, sizeof(text), "%.8s, in the browser by %s", action, exchange->session.user);
	if (rc > 0)
		trail_add(txn, 0, &entry);
	automation_release(&automation);
	return rc < 0 ? -1 : rc == 0;
}

int
page_automation_press(struct exchange *exchange, struct bh_err *err)
{
	static const char *const actions[] = {"try", "on", "off", "remove"};
	const char *action = exchange->match.args[1];
	char path[160];
	size_t i = 0;
	int rc;

	while (i < BH_LEN(actions) && strcmp(actions[i], action) != 0)
		i++;
	if (i == BH_LEN(actions)) {
		exchange_error(exchange, 404, "There is no such button.");
		return 0;
	}
	if (i > 0 && !is_admin(exchange)) {
		exchange_error(exchange, 403, "Your role does not include this.");
		return 0;
	}
	rc = store_run(exchange->site->store, press, exchange, NULL, err);
	if (rc < 0)
		return -1;
	snprintf(path, sizeof(path), "/automations/%.70s", exchange->match.args[0]);
	response_redirect(exchange->response, exchange->request->base,
	    rc > 0 || strcmp(action, "remove") == 0 ? "/automations" : path);
	return 0;
}
