/*
 * Wire conversations of destinations, one test per file of tests/wire/<name
 * of a destination>/.
 */
#include "base/base.h"

#include "base/text.h"
#include "dest/dest.h"
#include "wire-bulk.h"
#include "wire-look.h"
#include "wire-schema.h"
#include "wire.h"

/* One "=" line with the cause and remedy that follow it. */
struct want {
	int line;
	char *key; /* of a row of a bulk job; else NULL */
	char *words;
	char *cause;
	char *remedy;
};

struct play {
	struct wire wire;
	const struct dest_driver *driver;
	struct dest_config config;
	struct dest_auth auth;
	struct record *records[WIRE_LIST_MAX];
	size_t records_n;
	struct want wants[WIRE_LIST_MAX];
	size_t wants_n;
	struct wire_texts checks; /* "auth JSON", "usage JSON" ... */
	struct dest_object *object;
	json_t *given; /* what a step that looks gave */
	struct wire_bulk bulk;
	size_t rows_seen; /* results of a bulk job that were handed over */
	struct wire_schema schema;
};

static bool
is_secret_shown(const char *secret, const struct dest_result *result)
{
	return secret != NULL && strlen(secret) > 3 &&
	       (strstr(result->cause, secret) != NULL || strstr(result->remedy, secret) != NULL ||
		   strstr(result->code, secret) != NULL);
}

/* No text for people may hold a token or a secret. */
static void
check_secrets(struct play *play, int line, const struct dest_result *result)
{
	const char *name;
	json_t *value;

	json_object_foreach (play->wire.secrets, name, value) {
		if (is_secret_shown(json_string_value(value), result))
			wire_differ(&play->wire, line, "the result shows the secret %s", name);
	}
	if (is_secret_shown(bh_secret_str(&play->auth.access_token), result) ||
	    is_secret_shown(bh_secret_str(&play->auth.refresh_token), result))
		wire_differ(&play->wire, line, "the result shows a token");
}

/* The words behind the outcome: created, permanent, doubtful, id=, code=, seconds. */
static void
compare_words(struct play *play, const struct want *want, const struct dest_result *result)
{
	bool created = false, permanent = false, doubtful = false;
	const char *at = want->words + strcspn(want->words, " ");
	const char *id = "";

	while (at[strspn(at, " ")] != '\0') {
		char word[128];
		size_t len;

		at += strspn(at, " ");
		len = strcspn(at, " ");
		snprintf(word, sizeof(word), "%.*s", (int)len, at);
		at += len;
		if (strcmp(word, "created") == 0)
			created = true;
		else if (strcmp(word, "permanent") == 0)
			permanent = true;
		else if (strcmp(word, "doubtful") == 0)
			doubtful = true;
		else if (bh_has_prefix(word, "id="))
			id = want->words + (at - want->words) - len + 3;
		else if (bh_has_prefix(word, "code=") && strcmp(word + 5, result->code) != 0)
			wire_differ(&play->wire, want->line, "code is %s", result->code);
		else if (word[0] >= '0' && word[0] <= '9' && atoi(word) != result->retry_after_s)
			wire_differ(&play->wire, want->line, "retry_after_s is %d",
			    result->retry_after_s);
	}
	if (created != result->created || permanent != result->permanent_auth ||
	    doubtful != result->doubtful)
		wire_differ(&play->wire, want->line, "created %d, permanent %d, doubtful %d",
		    result->created, result->permanent_auth, result->doubtful);
	if (strlen(result->remote_id) != strcspn(id, " ") ||
	    strncmp(id, result->remote_id, strlen(result->remote_id)) != 0)
		wire_differ(&play->wire, want->line, "remote_id is '%s'", result->remote_id);
}

static void
compare_result(struct play *play, const struct want *want, const struct dest_result *result)
{
	const char *name = dest_outcome_name(result->outcome);
	size_t len = strcspn(want->words, " ");

	if (strlen(name) != len || strncmp(name, want->words, len) != 0)
		wire_differ(&play->wire, want->line, "outcome is %s (code %s, cause %s)", name,
		    result->code, result->cause);
	compare_words(play, want, result);
	if (want->cause != NULL && strstr(result->cause, want->cause) == NULL)
		wire_differ(&play->wire, want->line, "cause is: %s", result->cause);
	if (want->remedy != NULL && strstr(result->remedy, want->remedy) == NULL)
		wire_differ(&play->wire, want->line, "remedy is: %s", result->remedy);
	if (result->outcome == DEST_REJECTED &&
	    (result->cause[0] == '\0' || result->remedy[0] == '\0'))
		wire_differ(&play->wire, want->line, "a rejection needs a cause and a remedy");
	check_secrets(play, want->line, result);
}

/* Calls other than push. */
static void
compare_code(struct play *play, int rc, const struct bh_err *err)
{
	struct dest_result shown;

	if (play->wants_n != 1) {
		wire_differ(&play->wire, play->wire.step_line, "one = line is needed");
		return;
	}
	wire_code(&play->wire, play->wants[0].line, play->wants[0].words, rc, err);
	dest_result_set(&shown, DEST_UNKNOWN, "", rc < 0 ? err->text : "", "");
	check_secrets(play, play->wants[0].line, &shown);
}

static void
run_push(struct play *play)
{
	struct dest_result results[WIRE_LIST_MAX];

	memset(results, 0, sizeof(results));
	if (play->records_n != play->wants_n || play->records_n == 0) {
		wire_differ(&play->wire, play->wire.step_line, "%zu records but %zu results",
		    play->records_n, play->wants_n);
		return;
	}
	play->driver->push(&play->config, play->records, play->records_n, results);
	for (size_t i = 0; i < play->wants_n; i++)
		compare_result(play, &play->wants[i], &results[i]);
}

/* The upload, anew; a record that is refused leaves no trace in it. */
static void
run_bulk_rows(struct play *play)
{
	struct wire_bulk *bulk = &play->bulk;

	bh_buf_reset(&bulk->rows);
	play->driver->bulk_head(&bulk->job, bulk->columns, bulk->columns_n, &bulk->rows);
	if (play->records_n != play->wants_n)
		wire_differ(&play->wire, play->wire.step_line, "%zu records but %zu results",
		    play->records_n, play->wants_n);
	for (size_t i = 0; i < play->records_n && i < play->wants_n; i++) {
		struct bh_err err = BH_ERR_INIT;
		size_t before = bulk->rows.len;
		int rc = play->driver->bulk_row(&bulk->job, play->records[i], bulk->columns,
		    bulk->columns_n, &bulk->rows, &err);

		wire_code(&play->wire, play->wants[i].line, play->wants[i].words, rc, &err);
		if (rc < 0 && bulk->rows.len != before)
			wire_differ(&play->wire, play->wants[i].line, "a part of it was written");
	}
	wire_bulk_compare(&play->wire, bulk);
}

/* A verdict; the first want is the call's own. */
static int
see_row(void *arg, const char *key, const struct dest_result *result, struct bh_err *err BH_UNUSED)
{
	struct play *play = arg;
	const struct want *want;

	if (++play->rows_seen >= play->wants_n) {
		wire_differ(&play->wire, play->wire.step_line, "no =row line for %s", key);
		return 0;
	}
	want = &play->wants[play->rows_seen];
	if (want->key == NULL || strcmp(want->key, key) != 0)
		wire_differ(&play->wire, want->line, "the row is %s", key);
	compare_result(play, want, result);
	return 0;
}

static void
run_bulk(struct play *play)
{
	struct bh_err err = BH_ERR_INIT;
	const char *step = play->wire.step;
	struct wire_bulk *bulk = &play->bulk;
	int rc = -1;

	play->rows_seen = 0;
	if (strcmp(step, "bulk_step") == 0)
		rc = play->driver->bulk_step(&play->config, &bulk->job, &bulk->rows, &err);
	else if (strcmp(step, "bulk_results") == 0)
		rc = play->driver->bulk_results(&play->config, &bulk->job, see_row, play, &err);
	else if (strcmp(step, "bulk_drop") == 0)
		rc = play->driver->bulk_drop(&play->config, &bulk->job, &err);
	else
		wire_differ(&play->wire, play->wire.step_line, "no such step: %s", step);
	if (play->rows_seen + 1 != play->wants_n)
		wire_differ(&play->wire, play->wire.step_line, "%zu rows came", play->rows_seen);
	else
		wire_code(&play->wire, play->wants[0].line, play->wants[0].words, rc, &err);
}

static void
run_call(struct play *play)
{
	struct bh_err err = BH_ERR_INIT;
	int rc = -1;

	if (strcmp(play->wire.step, "check") == 0)
		rc = play->driver->check(&play->config, &err);
	else if (strcmp(play->wire.step, "authorize") == 0)
		rc = play->driver->authorize(&play->config, &err);
	else if (strcmp(play->wire.step, "identify") == 0)
		rc = play->driver->identify(&play->config, &err);
	else if (bh_has_prefix(play->wire.step, "describe "))
		rc =
		    play->driver->describe(&play->config, play->wire.step + 9, &play->object, &err);
	else if (wire_schema_run(&play->wire, &play->schema, play->driver, &play->config, &rc,
		     &err))
		wire_schema_check(&play->wire, &play->schema, rc);
	else if (!wire_look(&play->wire, play->driver, &play->config, &rc, &play->given, &err))
		wire_differ(&play->wire, play->wire.step_line, "no such step: %s", play->wire.step);
	compare_code(play, rc, &err);
}

static json_t *
auth_json(const struct dest_auth *auth)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:I}", "access_token",
	    bh_secret_str(&auth->access_token), "refresh_token",
	    bh_secret_str(&auth->refresh_token), "base_url", auth->base_url, "account_id",
	    auth->account_id, "account_name", auth->account_name, "account_kind",
	    auth->account_kind, "missing", auth->missing, "is_sandbox", auth->is_sandbox,
	    "is_production", auth->is_production, "expires_ms", (json_int_t)auth->expires_ms);
}

static json_t *
usage_json(const struct dest_config *config)
{
	const struct dest_usage *usage = &config->usage;

	return json_pack("{s:I, s:I, s:I, s:I, s:i, s:i, s:I, s:I}", "day_used",
	    (json_int_t)usage->day_used, "day_limit", (json_int_t)usage->day_limit, "burst_left",
	    (json_int_t)usage->burst_left, "burst_limit", (json_int_t)usage->burst_limit,
	    "burst_window_ms", usage->burst_window_ms, "pause_s", usage->pause_s, "calls",
	    (json_int_t)config->calls, "slice", (json_int_t)config->slice);
}

/* Every member that the line names must be the same. */
static void
compare_members(struct play *play, const char *text, json_t *got)
{
	json_t *want = wire_parse(&play->wire, play->wire.step_line, text), *value;
	const char *name;

	json_object_foreach (want, name, value) {
		const json_t *have = json_object_get(got, name);

		if (have == NULL || !wire_is_same(value, have)) {
			char *shown = bh_json_text(have);

			wire_differ(&play->wire, play->wire.step_line, "%s is %s", name, shown);
			free(shown);
		}
	}
	json_decref(want);
	json_decref(got);
}

/* All of it, unlike the members above. */
static void
compare_given(struct play *play, const char *text)
{
	json_t *want = wire_parse(&play->wire, play->wire.step_line, text);

	if (play->given == NULL || !wire_is_same(want, play->given)) {
		char *shown = bh_json_text(play->given);

		wire_differ(&play->wire, play->wire.step_line, "given is %s", shown);
		free(shown);
	}
	json_decref(want);
}

static void
run_checks(struct play *play)
{
	for (size_t i = 0; i < play->checks.n; i++) {
		const char *check = play->checks.items[i];
		const char *text = check + strcspn(check, " ");

		if (bh_has_prefix(check, "auth "))
			compare_members(play, text, auth_json(&play->auth));
		else if (bh_has_prefix(check, "usage "))
			compare_members(play, text, usage_json(&play->config));
		else if (bh_has_prefix(check, "bulk "))
			compare_members(play, text, wire_bulk_json(&play->bulk));
		else if (bh_has_prefix(check, "given "))
			compare_given(play, text);
		else if (play->object != NULL)
			compare_members(play, text, dest_object_json(play->object));
		else
			wire_differ(&play->wire, play->wire.step_line, "there is no description");
	}
}

static enum record_type
record_type_of(struct play *play, const char *name)
{
	static const char *const names[] = {"text", "number", "bool", "date", "time", "enum"};

	for (size_t i = 0; name != NULL && i < BH_LEN(names); i++) {
		if (strcmp(names[i], name) == 0)
			return (enum record_type)i;
	}
	wire_differ(&play->wire, play->wire.line, "no such field type: %s",
	    name != NULL ? name : "(none)");
	return RECORD_TEXT;
}

static void
read_parent(struct record *record, const json_t *json)
{
	struct record_parent *parent = record_add_parent(record, wire_member(json, "field"),
	    wire_member(json, "object"), wire_member(json, "key_field"), wire_member(json, "key"));

	if (bh_json_str(json, "remote_id") != NULL)
		parent->remote_id = bh_xstrdup(bh_json_str(json, "remote_id"));
	parent->is_new = bh_is_json_true(json, "is_new");
}

static void
read_record(struct play *play, const char *text)
{
	json_t *json = wire_parse(&play->wire, play->wire.line, text), *item;
	struct record *record;
	size_t i;

	if (json == NULL || play->records_n == WIRE_LIST_MAX) {
		json_decref(json);
		return;
	}
	record = record_new(wire_member(json, "object"), wire_member(json, "key_field"),
	    wire_member(json, "key"));
	if (bh_json_str(json, "remote_id") != NULL)
		record->remote_id = bh_xstrdup(bh_json_str(json, "remote_id"));
	record->matched = bh_is_json_true(json, "matched");
	json_array_foreach (json_object_get(json, "fields"), i, item) {
		record_take_field(record, wire_member(item, "0"),
		    record_type_of(play, bh_json_str(item, "1")),
		    json_incref(json_array_get(item, 2)));
	}
	json_array_foreach (json_object_get(json, "parents"), i, item) {
		read_parent(record, item);
	}
	json_array_foreach (json_object_get(json, "formers"), i, item) {
		record_add_former(record, wire_member(item, "object"),
		    wire_member(item, "remote_id"));
	}
	play->records[play->records_n++] = record;
	json_decref(json);
}

static void
read_auth(struct play *play, const char *text)
{
	json_t *json = wire_parse(&play->wire, play->wire.line, text);
	const char *token = bh_json_str(json, "access_token");
	const char *refresh = bh_json_str(json, "refresh_token");

	dest_auth_release(&play->auth);
	if (token != NULL)
		bh_secret_set(&play->auth.access_token, token, strlen(token));
	if (refresh != NULL)
		bh_secret_set(&play->auth.refresh_token, refresh, strlen(refresh));
	snprintf(play->auth.base_url, sizeof(play->auth.base_url), "%s",
	    wire_member(json, "base_url"));
	snprintf(play->auth.account_id, sizeof(play->auth.account_id), "%s",
	    wire_member(json, "account_id"));
	play->auth.expires_ms = bh_json_int(json, "expires_ms", 0);
	json_decref(json);
}

static bool
read_want(struct play *play, const char *mark, const char *text)
{
	struct want *want = play->wants_n > 0 ? &play->wants[play->wants_n - 1] : NULL;

	if (strcmp(mark, "=") == 0 && play->wants_n < WIRE_LIST_MAX) {
		want = &play->wants[play->wants_n++];
		want->line = play->wire.line;
		want->words = bh_xstrdup(text);
	} else if (strcmp(mark, "=row") == 0 && play->wants_n < WIRE_LIST_MAX) {
		size_t len = strcspn(text, " ");

		want = &play->wants[play->wants_n++];
		want->line = play->wire.line;
		want->key = bh_xstrndup(text, len);
		want->words = bh_xstrdup(text + len + (text[len] == ' '));
	} else if (strcmp(mark, "=cause") == 0 && want != NULL && want->cause == NULL) {
		want->cause = bh_xstrdup(text);
	} else if (strcmp(mark, "=remedy") == 0 && want != NULL && want->remedy == NULL) {
		want->remedy = bh_xstrdup(text);
	} else if (strcmp(mark, "=auth") == 0 || strcmp(mark, "=usage") == 0 ||
		   strcmp(mark, "=object") == 0 || strcmp(mark, "=given") == 0 ||
		   strcmp(mark, "=bulk") == 0) {
		char *check = bh_xasprintf("%s %s", mark + 1, text);

		wire_texts_add(&play->wire, &play->checks, check);
		free(check);
	} else {
		return false;
	}
	return true;
}

static bool
read_mark(struct wire *wire, const char *mark, const char *text)
{
	struct play *play = (struct play *)(void *)wire;

	if (wire->step != NULL && strcmp(mark, "record") == 0) {
		read_record(play, text);
	} else if (wire_bulk_read(wire, &play->bulk, mark, text)) {
		return true;
	} else if (wire->step != NULL) {
		return read_want(play, mark, text) ||
		       wire_schema_read(wire, &play->schema, mark, text);
	} else if (strcmp(mark, "driver") == 0) {
		play->driver = dest_driver(text);
		if (play->driver == NULL)
			wire_differ(wire, wire->line, "no such driver: %s", text);
	} else if (strcmp(mark, "auth") == 0) {
		read_auth(play, text);
	} else if (strcmp(mark, "slice") == 0) {
		play->config.slice = (size_t)atoi(text);
	} else {
		return false;
	}
	return true;
}

static void
start(struct wire *wire)
{
	struct play *play = (struct play *)(void *)wire;

	play->config = (struct dest_config){.code = "wire",
	    .transport = &wire->transport,
	    .auth = &play->auth};
	wire_bulk_init(&play->bulk);
}

static void
run(struct wire *wire)
{
	struct play *play = (struct play *)(void *)wire;

	play->config.settings = wire->settings;
	play->config.secrets = wire->secrets;
	if (play->driver == NULL)
		wire_differ(wire, wire->step_line, "no driver line above");
	else if (strcmp(wire->step, "push") == 0)
		run_push(play);
	else if (strcmp(wire->step, "bulk_rows") == 0)
		run_bulk_rows(play);
	else if (bh_has_prefix(wire->step, "bulk_"))
		run_bulk(play);
	else
		run_call(play);
	run_checks(play);
}

static void
clear(struct wire *wire)
{
	struct play *play = (struct play *)(void *)wire;

	for (size_t i = 0; i < play->records_n; i++)
		record_free(&play->records[i]);
	for (size_t i = 0; i < play->wants_n; i++) {
		free(play->wants[i].key);
		free(play->wants[i].words);
		free(play->wants[i].cause);
		free(play->wants[i].remedy);
	}
	memset(play->wants, 0, sizeof(play->wants));
	play->records_n = play->wants_n = 0;
	wire_texts_release(&play->checks);
	wire_texts_release(&play->bulk.lines);
	dest_object_free(&play->object);
	json_decref(play->given);
	play->given = NULL;
	wire_schema_clear(&play->schema);
}

static void
end(struct wire *wire)
{
	struct play *play = (struct play *)(void *)wire;

	dest_auth_release(&play->auth);
	wire_bulk_release(&play->bulk);
}

static bool
is_mine(const char *folder)
{
	return dest_driver(folder) != NULL;
}

int
main(int argc, char **argv)
{
	static const struct wire_play play = {.size = sizeof(struct play),
	    .start = start,
	    .read = read_mark,
	    .run = run,
	    .clear = clear,
	    .end = end};

	return wire_main(&play, is_mine, argc, argv);
}
