/* See setup_facts.h. */
#include "base/base.h"

#include "web/setup_facts.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/proc.h"
#include "base/text.h"
#include "conf/mode.h"
#include "conf/place.h"
#include "dest/dest.h"
#include "source/source.h"
#include "state/first.h"
#include "state/journal.h"
#include "state/walk.h"
#include "sync/preview.h"
#include "web/page_connection.h"
#include "web/words.h"

#define EVENTS_LOOKED_AT 1
#define PROBE "probe.txt" /* in the data directory */

/* What is gathered once for all steps; the first of each that serves. */
struct survey {
	struct exchange *exchange;
	struct setup_steps *steps;
	struct account_connection source, crm; /* code "": none */
	struct account_sync sync;              /* code "": none; else one that runs, if any does */
};

/* -- one step -- */

enum step_state {
	STEP_OPEN = 0, /* to be done */
	STEP_BAD,      /* done, and does not work */
	STEP_LOOK,     /* done, with a remark */
	STEP_DONE
};

static void
add(struct survey *survey, enum step_state state, const char *title, json_t *text, const char *path,
    const char *link)
{
	static const struct {
		const char *state, *word;
	} words[] = {{"idle", "to do"}, {"bad", "needs you"}, {"busy", "look at it"},
	    {"good", "done"}};

	survey->steps->done += state >= STEP_LOOK;
	json_array_append_new(survey->steps->steps,
	    json_pack("{s:s, s:s, s:s, s:o, s:o, s:s, s:s, s:s}", "title", title, "state",
		words[state].state, "word", words[state].word, "text", text, "url",
		path != NULL ? json_sprintf("%s%s", survey->exchange->request->base, path)
			     : json_string(""),
		"link", link, "code", "", "probe", ""));
}

/* The one added last; borrowed. */
static json_t *
last_step(const struct survey *survey)
{
	const json_t *steps = survey->steps->steps;

	return json_array_get(steps, json_array_size(steps) - 1);
}

/* Something to copy, below the text of the step added last. */
static void
add_code(const struct survey *survey, const char *code)
{
	json_object_set_new(last_step(survey), "code", words_json(code));
}

/* -- the installation -- */

/* As it is seen now: "https://example.com/billing". */
static json_t *
seen_address(const struct exchange *exchange)
{
	const struct request *request = exchange->request;
	char *url = bh_xasprintf("%s://%s%s", request->is_https ? "https" : "http",
	    request->host, request->base);
	json_t *json = words_json(url);

	free(url);
	return json;
}

static void
look_at_address(struct survey *survey)
{
	static const char title[] = "Public address";
	const char *configured = survey->exchange->site->conf->public_url;
	json_t *seen = seen_address(survey->exchange);
	const char *now = json_string_value(seen);

	if (*configured == '\0')
		add(survey, STEP_LOOK, title,
		    json_sprintf(
			"You came by %s, and webhooks will be asked to come the same way. Where "
			"others reach Billhook by another address, say so in the options.",
			now),
		    "/settings/options", "Options");
	else if (strcmp(configured, now) != 0)
		add(survey, STEP_LOOK, title,
		    json_sprintf(
			"billhook.conf says %s, but you came by %s. If webhooks cannot come by the "
			"first, change it.",
			configured, now),
		    "/settings/options", "Options");
	else if (!bh_has_prefix(configured, "https://"))
		add(survey, STEP_LOOK, title,
		    json_sprintf(
			"%s is not encrypted: billing systems want https, and so should you.",
			configured),
		    "/settings/options", "Options");
	else
		add(survey, STEP_DONE, title, json_string(configured), NULL, "");
	json_decref(seen);
}

/* Is the data directory below what the web server hands out? */
static bool
is_in_web_root(const struct exchange *exchange)
{
	const char *root = request_param(exchange->request, "DOCUMENT_ROOT");
	char *dir = realpath(exchange->site->conf->data_dir, NULL);
	char *top = root != NULL && *root != '\0' ? realpath(root, NULL) : NULL;
	size_t len = top != NULL ? strlen(top) : 0;
	bool is_within;

	while (len > 1 && top[len - 1] == '/')
		len--;
	is_within = dir != NULL && len > 1 && strncmp(dir, top, len) == 0 &&
		    (dir[len] == '/' || dir[len] == '\0');
	free(dir);
	free(top);
	return is_within;
}

/* A file that a web server would hand out if it handed out any of these; false when it cannot be made. */
static bool
is_probe_made(const struct conf *conf)
{
	static const char text[] = "If a browser shows this text, the data directory is open.\n";
	char *path = conf_path(conf, PROBE);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool is_made = fd >= 0 && bh_write_full(fd, text, sizeof(text) - 1, NULL) == 0;

	/* As open as a careless upload would be: what is tried is the web server. */
	is_made = is_made && fchmod(fd, 0644) == 0;
	if (fd >= 0)
		close(fd);
	free(path);
	return is_made;
}

/* An archive's own folder, for want of a better place: the web server has to keep it closed. */
static void
look_at_closed_directory(struct survey *survey, const char *path)
{
	char *probe = bh_xasprintf("%s/" PROBE, path);
	json_t *step;

	add(survey, STEP_LOOK, "Data directory",
	    json_string(
		"It lies below the web space, as there is no other place, and the web server is told to "
		"hand nothing of it out. See that it does not: the file behind this link must not be "
		"shown."),
	    probe, "The file");
	step = last_step(survey);
	if (is_probe_made(survey->exchange->site->conf))
		json_object_set(step, "probe", json_object_get(step, "url"));
	free(probe);
}

static void
look_at_directory(struct survey *survey)
{
	static const char title[] = "Data directory";
	const char *dir = survey->exchange->site->conf->data_dir;
	struct stat st;

	if (stat(dir, &st) < 0)
		add(survey, STEP_BAD, title, json_string("It cannot be looked at."), NULL, "");
	else if ((st.st_mode & 077) != 0)
		add(survey, STEP_BAD, title,
		    json_sprintf(
			"Others on this machine may read it: its mode is %03o, make it 700.",
			(unsigned)(st.st_mode & 0777)),
		    NULL, "");
	else if (place_inside(dir) != NULL)
		look_at_closed_directory(survey, place_inside(dir));
	else if (is_in_web_root(survey->exchange))
		add(survey, STEP_BAD, title,
		    json_string("It lies where the web server hands out files. Move it elsewhere."),
		    NULL, "");
	else
		add(survey, STEP_DONE, title,
		    json_string(
			"Only Billhook may read it, and the web server does not hand it out."),
		    NULL, "");
}

/* Whoever holds this lock is the supervisor. */
static bool
is_supervised(const char *data_dir)
{
	char *path = bh_xasprintf("%s/run/supervisor.lock", data_dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is_held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;

	if (fd >= 0)
		close(fd);
	free(path);
	return is_held;
}

static void
look_at_processes(struct survey *survey)
{
	static const char title[] = "Work in the background";

	const struct conf *conf = survey->exchange->site->conf;
	struct mode_report report;
	char *line;

	mode_report(conf, bh_now_ms(), &report);
	if (report.mode != MODE_CRON && is_supervised(conf->data_dir)) {
		add(survey, STEP_DONE, title, json_string(report.text), NULL, "");
		return;
	}
	if (report.mode == MODE_CRON)
		add(survey, report.is_overdue ? STEP_OPEN : STEP_DONE, title,
		    json_sprintf("%s The line for cron:", report.text), NULL, "");
	else
		add(survey, STEP_LOOK, title,
		    json_string(
			"Nothing runs at the moment: what comes is stored, and handled with the "
			"next request. Where the host ends processes, let cron see to it as well, "
			"by this line; where it allows none, say so in the options (daemons = 0):"),
		    "/settings/options", "Options");
	line = mode_cron_line(conf);
	add_code(survey, line);
	free(line);
}

/* -- what is set up -- */

static int
find_connections(struct survey *survey, struct bh_err *err)
{
	struct store_txn *txn = exchange_read(survey->exchange);
	json_t *codes = NULL, *code;
	size_t i;
	int rc = account_connections(txn, &codes, err);

	json_array_foreach (codes, i, code) {
		struct account_connection connection = {0}, *into;

		rc = account_connection_load(txn, NULL, json_string_value(code), &connection, err);
		if (rc < 0)
			break;
		into = connection.is_source ? &survey->source : &survey->crm;
		/* One that works is preferred. */
		if (rc > 0 && (into->code[0] == '\0' ||
				  (into->broken[0] != '\0' && connection.broken[0] == '\0'))) {
			account_connection_release(into);
			*into = connection;
		} else {
			account_connection_release(&connection);
		}
	}
	json_decref(codes);
	return rc < 0 ? -1 : 0;
}

static int
find_sync(struct survey *survey, struct bh_err *err)
{
	struct store_txn *txn = exchange_read(survey->exchange);
	json_t *codes = NULL, *code;
	size_t i;
	int rc = account_syncs(txn, &codes, err);

	json_array_foreach (codes, i, code) {
		struct account_sync sync = {0};

		rc = account_sync_load(txn, json_string_value(code), &sync, err);
		if (rc < 0)
			break;
		if (rc > 0 &&
		    (survey->sync.code[0] == '\0' || (survey->sync.is_new && !sync.is_new))) {
			account_sync_release(&survey->sync);
			survey->sync = sync;
		} else {
			account_sync_release(&sync);
		}
	}
	json_decref(codes);
	return rc < 0 ? -1 : 0;
}

/* A connection that there is: who answers, or why nobody does. */
static int
look_at_connection(struct survey *survey, const struct account_connection *connection,
    const char *title, const char *what, struct bh_err *err)
{
	char path[100];
	struct errand probe;
	const char *name;

	if (connection->code[0] == '\0') {
		add(survey, STEP_OPEN, title, json_sprintf("Connect your %s.", what),
		    "/connections", "Connections");
		return 0;
	}
	snprintf(path, sizeof(path), "/connections/%s", connection->code);
	if (errand_load(exchange_read(survey->exchange), connection->code, ERRAND_PROBE, &probe,
		err) < 0)
		return -1;
	name = bh_json_str(probe.answer, "name");
	if (connection->broken[0] != '\0' || probe.error[0] != '\0')
		add(survey, STEP_BAD, title,
		    words_json(connection->broken[0] != '\0' ? connection->broken : probe.error),
		    path, connection_name(connection));
	else
		add(survey, STEP_DONE, title,
		    name != NULL && *name != '\0' ? json_sprintf("%s answers.", name)
						  : json_string("It is connected."),
		    path, connection_name(connection));
	errand_release(&probe);
	return 0;
}

static int
look_for_events(struct survey *survey, struct bh_err *err)
{
	static const char title[] = "First webhook";
	struct journal_event event;
	char path[100], age[WORDS_MAX];
	size_t n = 0;

	if (journal_list(exchange_read(survey->exchange), 0, EVENTS_LOOKED_AT, &event, &n, err) < 0)
		return -1;
	if (n > 0) {
		words_age(age, event.received_ms, bh_now_ms());
		add(survey, STEP_DONE, title, json_sprintf("The last event came %s.", age),
		    "/activity", "Activity");
		journal_event_release(&event);
	} else if (survey->source.code[0] == '\0') {
		add(survey, STEP_OPEN, title,
		    json_string("It comes when a billing system is connected."), NULL, "");
	} else {
		snprintf(path, sizeof(path), "/connections/%s", survey->source.code);
		add(survey, STEP_OPEN, title,
		    json_string(
			"None has come yet. The connection's page tells the address, and makes the "
			"webhook where it can."),
		    path, connection_name(&survey->source));
	}
	return 0;
}

/* What a sync needs in the CRM: is all of it there, by the newer of both errands? */
static int
look_at_schema(struct survey *survey, struct bh_err *err)
{
	static const char title[] = "Fields in the CRM";
	const struct dest_driver *driver = dest_driver(survey->crm.driver);
	struct store_txn *txn = exchange_read(survey->exchange);
	struct errand plan = {0}, install = {0};
	char path[100];
	bool is_there;
	int rc;

	if (survey->sync.code[0] == '\0') {
		add(survey, STEP_OPEN, title,
		    json_string("Which ones are needed is known when there is a sync."), NULL, "");
		return 0;
	}
	if (driver == NULL || dest_check_can(driver, ERRAND_INSTALL, NULL) < 0) {
		add(survey, STEP_DONE, title, json_string("This CRM needs none."), NULL, "");
		return 0;
	}
	rc = errand_load(txn, survey->crm.code, ERRAND_PLAN, &plan, err);
	if (rc >= 0)
		rc = errand_load(txn, survey->crm.code, ERRAND_INSTALL, &install, err);
	is_there = install.done_ms > plan.done_ms
		       ? bh_is_json_true(install.answer, "is_complete")
		       : plan.answer != NULL && bh_json_int(plan.answer, "missing", 1) == 0;
	snprintf(path, sizeof(path), "/connections/%s#schema", survey->crm.code);
	if (rc >= 0)
		add(survey, is_there ? STEP_DONE : STEP_OPEN, title,
		    json_string(is_there ? "All that is needed is there."
					 : "Look what is there, and make what is missing."),
		    path, connection_name(&survey->crm));
	errand_release(&plan);
	errand_release(&install);
	return rc < 0 ? -1 : 0;
}

static void
look_at_sync(struct survey *survey)
{
	const struct account_sync *sync = &survey->sync;
	char path[100];

	snprintf(path, sizeof(path), "/syncs/%s", sync->code);
	if (sync->code[0] != '\0')
		add(survey, STEP_DONE, "Sync", json_string("It says what goes where."), path,
		    sync->code);
	else if (survey->source.code[0] == '\0' || survey->crm.code[0] == '\0')
		add(survey, STEP_OPEN, "Sync",
		    json_string("It leads from a billing system to a CRM; connect both first."),
		    NULL, "");
	else
		add(survey, STEP_OPEN, "Sync", json_string("Choose from where to where, and how."),
		    "/syncs/new", "New sync");
}

/* One that runs was looked at before it was started. */
static int
look_at_preview(struct survey *survey, struct bh_err *err)
{
	const struct account_sync *sync = &survey->sync;
	char path[100];
	int is_seen = sync->code[0] == '\0' ? 0
		      : !sync->is_new
			  ? 1
			  : preview_is_seen(exchange_read(survey->exchange), sync->code, NULL, err);

	snprintf(path, sizeof(path), "/syncs/%s/preview", sync->code);
	if (sync->code[0] == '\0')
		add(survey, STEP_OPEN, "Preview",
		    json_string("It shows what a sync would write, before anything is written."),
		    NULL, "");
	else if (is_seen == 0)
		add(survey, STEP_OPEN, "Preview",
		    json_string("Look at what would be made and changed in the CRM."), path,
		    sync->code);
	else if (is_seen > 0)
		add(survey, STEP_DONE, "Preview", json_string("Somebody has seen it."), path,
		    sync->code);
	return is_seen < 0 ? -1 : 0;
}

static void
look_at_start(struct survey *survey)
{
	const struct account_sync *sync = &survey->sync;
	char path[100];

	snprintf(path, sizeof(path), "/syncs/%s", sync->code);
	if (sync->code[0] == '\0')
		add(survey, STEP_OPEN, "Start", json_string("Nothing is written before that."),
		    NULL, "");
	else if (sync->is_new)
		add(survey, STEP_OPEN, "Start", json_string("Nothing is written before that."),
		    path, sync->code);
	else
		add(survey, STEP_DONE, "Start", json_string("It runs."), path, sync->code);
}

static int
look(struct survey *survey, struct bh_err *err)
{
	if (find_connections(survey, err) < 0 || find_sync(survey, err) < 0)
		return -1;
	add(survey, STEP_DONE, "Administrator", json_string("Somebody may do everything."), NULL,
	    "");
	look_at_address(survey);
	look_at_directory(survey);
	look_at_processes(survey);
	if (look_at_connection(survey, &survey->source, "Billing system", "billing system", err) <
		0 ||
	    look_for_events(survey, err) < 0 ||
	    look_at_connection(survey, &survey->crm, "CRM", "CRM", err) < 0)
		return -1;
	look_at_sync(survey);
	if (look_at_schema(survey, err) < 0 || look_at_preview(survey, err) < 0)
		return -1;
	look_at_start(survey);
	return 0;
}

int
setup_steps_get(struct setup_steps *steps, struct exchange *exchange, struct bh_err *err)
{
	struct survey survey = {.exchange = exchange, .steps = steps};
	int rc;

	*steps = (struct setup_steps){.steps = json_array()};
	rc = look(&survey, err);
	account_connection_release(&survey.source);
	account_connection_release(&survey.crm);
	account_sync_release(&survey.sync);
	if (rc < 0) {
		json_decref(steps->steps);
		steps->steps = NULL;
	}
	return rc;
}

int
setup_hint(struct exchange *exchange, json_t *model, struct bh_err *err)
{
	struct setup_steps steps = {0};
	int is_away = first_is_away(exchange_read(exchange), err);
	size_t n;

	json_object_set_new(model, "setup_url", json_string(""));
	json_object_set_new(model, "setup_text", json_string(""));
	if (is_away != 0)
		return is_away < 0 ? -1 : 0;
	if (setup_steps_get(&steps, exchange, err) < 0)
		return -1;
	n = json_array_size(steps.steps);
	if (steps.done < n) {
		json_object_set_new(model, "setup_url",
		    json_sprintf("%s/setup", exchange->request->base));
		json_object_set_new(model, "setup_text",
		    json_sprintf("%zu of %zu first steps are done.", steps.done, n));
	}
	json_decref(steps.steps);
	return 0;
}
