/*
 * The options of billhook.conf in the browser, for who has no other way to the file.  Left out are
 * places on the server's disk, what only tests need, and what decides whether anything may start
 * (set wrongly it would take this page away, too): those stay with whoever has the file.  The
 * page names them at its end.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "conf/change.h"
#include "state/trail.h"
#include "web/page.h"
#include "web/page_user.h"
#include "web/words.h"

#define OPTIONS_MOST 32

struct shown {
	const char *group; /* the heading; NULL: as the one before */
	const char *name;  /* of the option */
	const char *label;
};

static const struct shown shown[] = {
    {"Address", "public_url", "Public address"},
    {NULL, "trusted_proxies", "Proxies that are believed"},
    {"What is kept", "keep_days", "Days"},
    {NULL, "keep_mb", "MiB of events"},
    {NULL, "session_hours", "Hours until a session ends"},
    {"Pace", "push_rate", "Events a second"},
    {NULL, "ingest_rate", "Events read a second"},
    {NULL, "push_wait_ms", "Longest wait, milliseconds"},
    {"Processes", "front_processes", "For web requests"},
    {NULL, "workers", "Workers"},
    {NULL, "daemons", "May stay (1), or cron only (0)"},
    {NULL, "idle_exit_s", "End when idle, seconds"},
    {"Limits", "body_max", "Largest body, bytes"},
    {NULL, "body_timeout_s", "Longest wait for a body, seconds"},
    {"Database", "cache_mb", "Cache, MiB"},
    {NULL, "ballast_mb", "Kept free, MiB"},
    {NULL, "checkpoint_s", "Seconds between checkpoints"},
    {NULL, "checkpoint_mb", "MiB between checkpoints"},
    {"Log", "log_level", "Least level"},
};
_Static_assert(BH_LEN(shown) <= OPTIONS_MOST, "all fit into one change");

static const struct conf_option *
option_of(const struct shown *row)
{
	size_t n;
	const struct conf_option *options = conf_options(&n);

	while (n > 0 && strcmp(options[n - 1].name, row->name) != 0)
		n--;
	return n > 0 ? &options[n - 1] : NULL;
}

/* -- showing -- */

/* values: posted ones; NULL those in force. */
static json_t *
field(const struct exchange *exchange, const struct shown *row, const json_t *values,
    const json_t *errors)
{
	const struct conf_option *option = option_of(row);
	const char *error = bh_json_str(errors, row->name),
		   *posted = bh_json_str(values, row->name);
	char *now = conf_value(exchange->site->conf, row->name);
	json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:I, s:I}", "name",
	    row->name, "label", row->label, "error", error != NULL ? error : "", "meaning",
	    option->meaning, "fallback", *option->fallback != '\0' ? option->fallback : "empty",
	    "value", posted != NULL ? posted : "", "is_number", option->is_number, "is_plain",
	    strcmp(row->name, "log_level") != 0, "least", (json_int_t)option->least, "most",
	    (json_int_t)option->most);

	if (posted == NULL)
		json_object_set_new(json, "value", words_json(now));
	free(now);
	return json;
}

static json_t *
levels(const char *chosen)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};
	json_t *list = json_array();

	for (size_t i = 0; i < BH_LEN(names); i++)
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:b}", "value", names[i], "label", names[i], "is_chosen",
			strcmp(names[i], chosen) == 0));
	return list;
}

static json_t *
groups(const struct exchange *exchange, const json_t *values, const json_t *errors)
{
	json_t *list = json_array(), *fields = NULL;

	for (size_t i = 0; i < BH_LEN(shown); i++) {
		json_t *one = field(exchange, &shown[i], values, errors);

		if (shown[i].group != NULL) {
			fields = json_array();
			json_array_append_new(list,
			    json_pack("{s:s, s:o}", "group", shown[i].group, "fields", fields));
		}
		if (strcmp(shown[i].name, "log_level") == 0)
			json_object_set_new(one, "levels", levels(bh_json_str(one, "value")));
		json_array_append_new(fields, one);
	}
	return list;
}

static int
show(struct exchange *exchange, int status, const json_t *values, const json_t *errors,
    struct bh_err *err)
{
	const char *base = exchange->request->base,
		   *done = request_query(exchange->request, "done");

	return exchange_page(exchange, status, "options", "Options",
	    json_pack("{s:o, s:o, s:o, s:s, s:o, s:s, s:b}", "settings_url",
		json_sprintf("%s/settings", base), "action",
		json_sprintf("%s/settings/options", base), "groups",
		groups(exchange, values, errors), "done",
		done != NULL && strcmp(exchange->request->method, "GET") == 0
		    ? "The options are changed. They are in force within a few seconds."
		    : "",
		"file", json_sprintf("%s/billhook.conf", exchange->site->conf->data_dir), "error",
		errors != NULL ? "Nothing is changed yet: see below." : "", "has_proxy_note",
		!exchange->request->is_https),
	    err);
}

int
page_options(struct exchange *exchange, struct bh_err *err)
{
	return user_is_admin(exchange) ? show(exchange, 200, NULL, NULL, err) : 0;
}

/* -- changing -- */

/* What was posted and differs from what is in force. */
struct edit {
	json_t *values, *errors; /* by name; errors NULL: none */
	struct conf_change changes[OPTIONS_MOST];
	size_t n;
};

static void
read_edit(const struct exchange *exchange, struct edit *edit)
{
	edit->values = json_object();
	for (size_t i = 0; i < BH_LEN(shown); i++) {
		const char *name = shown[i].name, *posted = request_field(exchange->request, name);
		char *now = conf_value(exchange->site->conf, name);
		struct bh_err err = BH_ERR_INIT;

		if (posted != NULL)
			json_object_set_new(edit->values, name, words_json(posted));
		if (posted != NULL && conf_check_option(name, posted, &err) < 0) {
			if (edit->errors == NULL)
				edit->errors = json_object();
			json_object_set_new(edit->errors, name, words_json(err.text));
		} else if (posted != NULL && strcmp(posted, now) != 0) {
			edit->changes[edit->n++] = (struct conf_change){name, posted};
		}
		free(now);
	}
}

static int
note(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	struct trail_entry *entry = arg;

	trail_add(txn, 0, entry);
	return 0;
}

static int
change(struct exchange *exchange, const struct edit *edit, struct bh_err *err)
{
	struct bh_buf text = BH_BUF_INIT(2000);
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "config",
	    .subject = "options",
	    .by = exchange->session.user};
	int rc;

	if (edit->n == 0)
		return 0;
	rc = conf_change(exchange->site->conf->data_dir, edit->changes, edit->n, err);
	for (size_t i = 0; i < edit->n; i++)
		bh_buf_addf(&text, "%s%s = %s", i > 0 ? ", " : "options: ", edit->changes[i].name,
		    edit->changes[i].value);
	entry.text = text.data;
	if (rc == 0)
		rc = store_run(exchange->site->store, note, &entry, NULL, err);
	bh_buf_release(&text);
	return rc;
}

int
page_options_change(struct exchange *exchange, struct bh_err *err)
{
	struct edit edit = {.n = 0};
	int rc;

	read_edit(exchange, &edit);
	rc = edit.errors != NULL ? show(exchange, 400, edit.values, edit.errors, err)
				 : change(exchange, &edit, err);
	if (rc == 0 && edit.errors == NULL)
		response_redirect(exchange->response, exchange->request->base,
		    "/settings/options?done=changed");
	json_decref(edit.values);
	json_decref(edit.errors);
	return rc;
}
