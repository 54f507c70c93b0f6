/*
 * The player of wire conversations.  One pass reads the lines of a step
 * (from "do" to the next "do"), then the step runs over a transport that
 * answers from the file, then results are compared.  The first difference
 * ends the play.
 */
#include "base/base.h"

#include "wire.h"

#include <stdarg.h>

#include "base/clock.h"
#include "base/text.h"
#include "dest/dest.h"

#define FILE_MAX (4 * 1024 * 1024)
#define LIST_MAX 64

struct texts {
	char *items[LIST_MAX];
	size_t n;
};

/* One request that must come, and its answer. */
struct exchange {
	int line;
	char *head; /* "METHOD target" */
	struct texts headers;
	struct texts contains;
	char *body; /* NULL: none expected */
	int status;
	struct texts answer_headers;
	char *answer;
	enum bh_code broken;
	char *broken_text;
};

/* One "=" line with the cause and remedy that follow it. */
struct want {
	int line;
	char *words;
	char *cause;
	char *remedy;
};

struct wire {
	struct http_transport transport; /* first: perform() gets its address */
	const struct dest_driver *driver;
	struct dest_config config;
	struct dest_auth auth;
	json_t *settings, *secrets;

	int step_line;
	char *step;
	struct record *records[LIST_MAX];
	size_t records_n;
	struct exchange exchanges[LIST_MAX];
	size_t exchanges_n, exchanges_used;
	struct want wants[LIST_MAX];
	size_t wants_n;
	struct texts checks; /* "auth JSON", "usage JSON" ... */
	struct dest_object *object;

	bool failed;
	int line;
	char *why;
	size_t why_size;
};

static void differ(struct wire *wire, int line, const char *fmt, ...) BH_PRINTF(3, 4);

static void
differ(struct wire *wire, int line, const char *fmt, ...)
{
	va_list ap;
	int used;

	if (wire->failed)
		return;
	wire->failed = true;
	used = snprintf(wire->why, wire->why_size, "line %d: ", line);
	va_start(ap, fmt);
	vsnprintf(wire->why + used, wire->why_size - (size_t)used, fmt, ap);
	va_end(ap);
}

static void
texts_add(struct wire *wire, struct texts *texts, const char *text)
{
	if (texts->n == LIST_MAX)
		differ(wire, wire->line, "more than %d of these", LIST_MAX);
	else
		texts->items[texts->n++] = bh_xstrdup(text);
}

static void
texts_release(struct texts *texts)
{
	for (size_t i = 0; i < texts->n; i++)
		free(texts->items[i]);
	texts->n = 0;
}

/* NULL, and a difference, when text is no JSON. */
static json_t *
parse(struct wire *wire, int line, const char *text)
{
	struct bh_err err = BH_ERR_INIT;
	json_t *json = NULL;

	if (bh_json_parse(text, strlen(text), &json, &err) < 0)
		differ(wire, line, "%s", err.text);
	return json;
}

static bool
is_same_json(const json_t *a, const json_t *b)
{
	char *text_a = bh_json_text(a), *text_b = bh_json_text(b);
	bool same = strcmp(text_a, text_b) == 0;

	free(text_a);
	free(text_b);
	return same;
}

/* --- the transport ----------------------------------------------------- */

static void
compare_body(struct wire *wire, const struct exchange *exchange, const char *body)
{
	json_t *want, *got;

	for (size_t i = 0; i < exchange->contains.n; i++) {
		if (strstr(body, exchange->contains.items[i]) == NULL)
			differ(wire, exchange->line, "body lacks %s\n got %s",
			    exchange->contains.items[i], body);
	}
	if (exchange->body == NULL) {
		if (exchange->contains.n == 0 && body[0] != '\0')
			differ(wire, exchange->line, "no body expected\n got %s", body);
		return;
	}
	if (exchange->body[0] != '{' && exchange->body[0] != '[') {
		if (strcmp(exchange->body, body) != 0)
			differ(wire, exchange->line, "body differs\nwant %s\n got %s",
			    exchange->body, body);
		return;
	}
	want = parse(wire, exchange->line, exchange->body);
	got = parse(wire, exchange->line, body);
	if (want != NULL && got != NULL && !is_same_json(want, got)) {
		char *text = bh_json_text(want);

		differ(wire, exchange->line, "body differs\nwant %s\n got %s", text, body);
		free(text);
	}
	json_decref(want);
	json_decref(got);
}

/* "Name: value" is among the headers. */
static bool
has_header(const struct http_request *request, const char *line)
{
	size_t name_len = strcspn(line, ":");
	const char *value = line + name_len + (line[name_len] == ':');

	value += strspn(value, " ");
	for (size_t i = 0; i < request->headers_n; i++) {
		const struct http_header *header = &request->headers[i];

		if (strlen(header->name) == name_len &&
		    strncasecmp(header->name, line, name_len) == 0 &&
		    strcmp(header->value, value) == 0)
			return true;
	}
	return false;
}

static void
compare_request(struct wire *wire, const struct exchange *exchange,
    const struct http_request *request)
{
	const char *target = request->url;
	size_t method_len = strcspn(exchange->head, " ");
	const char *want = exchange->head + method_len + (exchange->head[method_len] == ' ');
	struct bh_err err = BH_ERR_INIT;

	if (http_check_url(request->url, &err) < 0)
		differ(wire, exchange->line, "%s", err.text);
	if (want[0] == '/') {
		target = strstr(request->url, "://");
		target = target != NULL ? target + 3 : request->url;
		target += strcspn(target, "/?");
	}
	if (strlen(request->method) != method_len ||
	    strncmp(request->method, exchange->head, method_len) != 0 || strcmp(target, want) != 0)
		differ(wire, exchange->line, "request differs\nwant %s\n got %s %s", exchange->head,
		    request->method, target);
	for (size_t i = 0; i < exchange->headers.n; i++) {
		if (!has_header(request, exchange->headers.items[i]))
			differ(wire, exchange->line, "request lacks header %s",
			    exchange->headers.items[i]);
	}
	compare_body(wire, exchange, bh_buf_str(&request->body));
}

static void
answer(const struct exchange *exchange, struct http_response *response)
{
	if (exchange->broken != BH_OK) {
		bh_fail(&response->err, exchange->broken, "%s", exchange->broken_text);
		return;
	}
	response->status = exchange->status;
	response->headers_n = exchange->answer_headers.n;
	response->headers = bh_xcalloc(response->headers_n + 1, sizeof(response->headers[0]));
	for (size_t i = 0; i < response->headers_n; i++) {
		const char *line = exchange->answer_headers.items[i];
		size_t len = strcspn(line, ":");
		const char *value = line + len + (line[len] == ':');

		response->headers[i].name = bh_xstrndup(line, len);
		response->headers[i].value = bh_xstrdup(value + strspn(value, " "));
	}
	if (exchange->answer != NULL)
		bh_buf_adds(&response->body, exchange->answer);
}

static void
perform(struct http_transport *transport, const struct http_request *requests,
    struct http_response *responses, size_t n)
{
	struct wire *wire = (struct wire *)(void *)transport;

	for (size_t i = 0; i < n; i++) {
		const struct exchange *exchange;

		if (wire->exchanges_used == wire->exchanges_n) {
			differ(wire, wire->step_line, "unexpected request %s %s\n%s",
			    requests[i].method, requests[i].url, bh_buf_str(&requests[i].body));
			bh_fail(&responses[i].err, BH_INVALID, "not in the play");
			continue;
		}
		exchange = &wire->exchanges[wire->exchanges_used++];
		compare_request(wire, exchange, &requests[i]);
		answer(exchange, &responses[i]);
	}
}

/* --- results ----------------------------------------------------------- */

static bool
is_secret_shown(const char *secret, const struct dest_result *result)
{
	return secret != NULL && strlen(secret) > 3 &&
	       (strstr(result->cause, secret) != NULL || strstr(result->remedy, secret) != NULL ||
		   strstr(result->code, secret) != NULL);
}

/* No text for people may hold a token or a secret. */
static void
check_secrets(struct wire *wire, int line, const struct dest_result *result)
{
	const char *name;
	json_t *value;

	json_object_foreach (wire->secrets, name, value) {
		if (is_secret_shown(json_string_value(value), result))
			differ(wire, line, "the result shows the secret %s", name);
	}
	if (is_secret_shown(bh_secret_str(&wire->auth.access_token), result) ||
	    is_secret_shown(bh_secret_str(&wire->auth.refresh_token), result))
		differ(wire, line, "the result shows a token");
}

/* The words behind the outcome: created, permanent, doubtful, id=, code=, seconds. */
static void
compare_words(struct wire *wire, const struct want *want, const struct dest_result *result)
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
			differ(wire, want->line, "code is %s", result->code);
		else if (word[0] >= '0' && word[0] <= '9' && atoi(word) != result->retry_after_s)
			differ(wire, want->line, "retry_after_s is %d", result->retry_after_s);
	}
	if (created != result->created || permanent != result->permanent_auth ||
	    doubtful != result->doubtful)
		differ(wire, want->line, "created %d, permanent %d, doubtful %d", result->created,
		    result->permanent_auth, result->doubtful);
	if (strlen(result->remote_id) != strcspn(id, " ") ||
	    strncmp(id, result->remote_id, strlen(result->remote_id)) != 0)
		differ(wire, want->line, "remote_id is '%s'", result->remote_id);
}

static void
compare_result(struct wire *wire, const struct want *want, const struct dest_result *result)
{
	const char *name = dest_outcome_name(result->outcome);
	size_t len = strcspn(want->words, " ");

	if (strlen(name) != len || strncmp(name, want->words, len) != 0)
		differ(wire, want->line, "outcome is %s (code %s, cause %s)", name, result->code,
		    result->cause);
	compare_words(wire, want, result);
	if (want->cause != NULL && strstr(result->cause, want->cause) == NULL)
		differ(wire, want->line, "cause is: %s", result->cause);
	if (want->remedy != NULL && strstr(result->remedy, want->remedy) == NULL)
		differ(wire, want->line, "remedy is: %s", result->remedy);
	if (result->outcome == DEST_REJECTED &&
	    (result->cause[0] == '\0' || result->remedy[0] == '\0'))
		differ(wire, want->line, "a rejection needs a cause and a remedy");
	check_secrets(wire, want->line, result);
}

/* Calls other than push: "ok", or the code's name, seconds, and a text that the error holds. */
static void
compare_code(struct wire *wire, int rc, const struct bh_err *err)
{
	const struct want *want = &wire->wants[0];
	struct dest_result shown;
	const char *name = rc == 0 ? "ok" : bh_code_name(err->code);
	const char *rest;
	size_t len;

	if (wire->wants_n != 1) {
		differ(wire, wire->step_line, "one = line is needed");
		return;
	}
	len = strcspn(want->words, " ");
	if (strlen(name) != len || strncmp(name, want->words, len) != 0) {
		differ(wire, want->line, "gave %s: %s", name, rc == 0 ? "" : err->text);
		return;
	}
	rest = want->words + len;
	rest += strspn(rest, " ");
	if (rc < 0 && rest[0] >= '0' && rest[0] <= '9') {
		if (atoi(rest) != err->retry_after_s)
			differ(wire, want->line, "retry_after_s is %d", err->retry_after_s);
		rest += strspn(rest, "0123456789");
		rest += strspn(rest, " ");
	}
	if (rc < 0 && strstr(err->text, rest) == NULL)
		differ(wire, want->line, "error is: %s", err->text);
	dest_result_set(&shown, DEST_UNKNOWN, "", rc < 0 ? err->text : "", "");
	check_secrets(wire, want->line, &shown);
}

static void
run_push(struct wire *wire)
{
	struct dest_result results[LIST_MAX];

	memset(results, 0, sizeof(results));
	if (wire->records_n != wire->wants_n || wire->records_n == 0) {
		differ(wire, wire->step_line, "%zu records but %zu results", wire->records_n,
		    wire->wants_n);
		return;
	}
	wire->driver->push(&wire->config, wire->records, wire->records_n, results);
	for (size_t i = 0; i < wire->wants_n; i++)
		compare_result(wire, &wire->wants[i], &results[i]);
}

static void
run_call(struct wire *wire)
{
	struct bh_err err = BH_ERR_INIT;
	int rc = -1;

	if (strcmp(wire->step, "check") == 0)
		rc = wire->driver->check(&wire->config, &err);
	else if (strcmp(wire->step, "authorize") == 0)
		rc = wire->driver->authorize(&wire->config, &err);
	else if (strcmp(wire->step, "identify") == 0)
		rc = wire->driver->identify(&wire->config, &err);
	else if (bh_has_prefix(wire->step, "describe "))
		rc = wire->driver->describe(&wire->config, wire->step + 9, &wire->object, &err);
	else
		differ(wire, wire->step_line, "no such step: %s", wire->step);
	compare_code(wire, rc, &err);
}

static json_t *
auth_json(const struct dest_auth *auth)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "access_token",
	    bh_secret_str(&auth->access_token), "refresh_token",
	    bh_secret_str(&auth->refresh_token), "base_url", auth->base_url, "account_id",
	    auth->account_id, "account_name", auth->account_name, "expires_ms",
	    (json_int_t)auth->expires_ms);
}

static json_t *
usage_json(const struct dest_config *config)
{
	const struct dest_usage *usage = &config->usage;

	return json_pack("{s:I, s:I, s:I, s:I, s:i, s:i, s:I}", "day_used",
	    (json_int_t)usage->day_used, "day_limit", (json_int_t)usage->day_limit, "burst_left",
	    (json_int_t)usage->burst_left, "burst_limit", (json_int_t)usage->burst_limit,
	    "burst_window_ms", usage->burst_window_ms, "pause_s", usage->pause_s, "calls",
	    (json_int_t)config->calls);
}

/* Every member that the line names must be the same. */
static void
compare_members(struct wire *wire, const char *text, json_t *got)
{
	json_t *want = parse(wire, wire->step_line, text), *value;
	const char *name;

	json_object_foreach (want, name, value) {
		const json_t *have = json_object_get(got, name);

		if (have == NULL || !is_same_json(value, have)) {
			char *shown = bh_json_text(have);

			differ(wire, wire->step_line, "%s is %s", name, shown);
			free(shown);
		}
	}
	json_decref(want);
	json_decref(got);
}

static void
run_checks(struct wire *wire)
{
	for (size_t i = 0; i < wire->checks.n; i++) {
		const char *check = wire->checks.items[i];
		const char *text = check + strcspn(check, " ");

		if (bh_has_prefix(check, "auth "))
			compare_members(wire, text, auth_json(&wire->auth));
		else if (bh_has_prefix(check, "usage "))
			compare_members(wire, text, usage_json(&wire->config));
		else if (wire->object != NULL)
			compare_members(wire, text, dest_object_json(wire->object));
		else
			differ(wire, wire->step_line, "there is no description");
	}
}

static void
step_release(struct wire *wire)
{
	for (size_t i = 0; i < wire->records_n; i++)
		record_free(&wire->records[i]);
	for (size_t i = 0; i < wire->exchanges_n; i++) {
		struct exchange *exchange = &wire->exchanges[i];

		texts_release(&exchange->headers);
		texts_release(&exchange->contains);
		texts_release(&exchange->answer_headers);
		free(exchange->head);
		free(exchange->body);
		free(exchange->answer);
		free(exchange->broken_text);
	}
	for (size_t i = 0; i < wire->wants_n; i++) {
		free(wire->wants[i].words);
		free(wire->wants[i].cause);
		free(wire->wants[i].remedy);
	}
	memset(wire->exchanges, 0, sizeof(wire->exchanges));
	memset(wire->wants, 0, sizeof(wire->wants));
	wire->records_n = wire->exchanges_n = wire->exchanges_used = wire->wants_n = 0;
	texts_release(&wire->checks);
	dest_object_free(&wire->object);
	free(wire->step);
	wire->step = NULL;
}

/* Run what was read since "do", then forget it. */
static void
step_end(struct wire *wire)
{
	if (wire->step != NULL && !wire->failed) {
		if (wire->driver == NULL)
			differ(wire, wire->step_line, "no driver line above");
		else if (strcmp(wire->step, "push") == 0)
			run_push(wire);
		else
			run_call(wire);
		if (wire->exchanges_used < wire->exchanges_n)
			differ(wire, wire->exchanges[wire->exchanges_used].line,
			    "this request did not come");
		run_checks(wire);
	}
	step_release(wire);
}

/* --- reading the file -------------------------------------------------- */

static enum record_type
record_type_of(struct wire *wire, const char *name)
{
	static const char *const names[] = {"text", "number", "bool", "date", "time", "enum"};

	for (size_t i = 0; name != NULL && i < BH_LEN(names); i++) {
		if (strcmp(names[i], name) == 0)
			return (enum record_type)i;
	}
	differ(wire, wire->line, "no such field type: %s", name != NULL ? name : "(none)");
	return RECORD_TEXT;
}

static const char *
member(const json_t *json, const char *name)
{
	const char *text = bh_json_str(json, name);

	return text != NULL ? text : "";
}

static void
read_parent(struct record *record, const json_t *json)
{
	struct record_parent *parent = record_add_parent(record, member(json, "field"),
	    member(json, "object"), member(json, "key_field"), member(json, "key"));

	if (bh_json_str(json, "remote_id") != NULL)
		parent->remote_id = bh_xstrdup(bh_json_str(json, "remote_id"));
	parent->is_new = bh_is_json_true(json, "is_new");
}

static void
read_record(struct wire *wire, const char *text)
{
	json_t *json = parse(wire, wire->line, text), *item;
	struct record *record;
	size_t i;

	if (json == NULL || wire->records_n == LIST_MAX) {
		json_decref(json);
		return;
	}
	record = record_new(member(json, "object"), member(json, "key_field"), member(json, "key"));
	if (bh_json_str(json, "remote_id") != NULL)
		record->remote_id = bh_xstrdup(bh_json_str(json, "remote_id"));
	record->matched = bh_is_json_true(json, "matched");
	json_array_foreach (json_object_get(json, "fields"), i, item) {
		record_take_field(record, member(item, "0"),
		    record_type_of(wire, bh_json_str(item, "1")),
		    json_incref(json_array_get(item, 2)));
	}
	json_array_foreach (json_object_get(json, "parents"), i, item) {
		read_parent(record, item);
	}
	wire->records[wire->records_n++] = record;
	json_decref(json);
}

static void
read_auth(struct wire *wire, const char *text)
{
	json_t *json = parse(wire, wire->line, text);
	const char *token = bh_json_str(json, "access_token");
	const char *refresh = bh_json_str(json, "refresh_token");

	dest_auth_release(&wire->auth);
	if (token != NULL)
		bh_secret_set(&wire->auth.access_token, token, strlen(token));
	if (refresh != NULL)
		bh_secret_set(&wire->auth.refresh_token, refresh, strlen(refresh));
	snprintf(wire->auth.base_url, sizeof(wire->auth.base_url), "%s", member(json, "base_url"));
	snprintf(wire->auth.account_id, sizeof(wire->auth.account_id), "%s",
	    member(json, "account_id"));
	wire->auth.expires_ms = bh_json_int(json, "expires_ms", 0);
	json_decref(json);
}

/* Lines that set the stage; false when mark is none of them. */
static bool
read_stage(struct wire *wire, const char *mark, const char *text)
{
	int64_t at_ms;

	if (strcmp(mark, "driver") == 0) {
		wire->driver = dest_driver(text);
		if (wire->driver == NULL)
			differ(wire, wire->line, "no such driver: %s", text);
	} else if (strcmp(mark, "settings") == 0) {
		json_decref(wire->settings);
		wire->config.settings = wire->settings = parse(wire, wire->line, text);
	} else if (strcmp(mark, "secrets") == 0) {
		json_decref(wire->secrets);
		wire->config.secrets = wire->secrets = parse(wire, wire->line, text);
	} else if (strcmp(mark, "auth") == 0) {
		read_auth(wire, text);
	} else if (strcmp(mark, "clock") == 0) {
		if (!bh_is_time(text, &at_ms))
			differ(wire, wire->line, "no time: %s", text);
		else
			bh_clock_set(at_ms);
	} else {
		return false;
	}
	return true;
}

static void
read_expected(struct wire *wire, const char *mark, const char *text)
{
	struct exchange *exchange;

	if (strcmp(mark, ">") == 0) {
		if (wire->exchanges_n == LIST_MAX) {
			differ(wire, wire->line, "too many requests");
			return;
		}
		exchange = &wire->exchanges[wire->exchanges_n++];
		exchange->line = wire->line;
		exchange->head = bh_xstrdup(text);
		return;
	}
	if (wire->exchanges_n == 0) {
		differ(wire, wire->line, "no > line above");
		return;
	}
	exchange = &wire->exchanges[wire->exchanges_n - 1];
	if (strcmp(mark, ">h") == 0)
		texts_add(wire, &exchange->headers, text);
	else if (strcmp(mark, ">~") == 0)
		texts_add(wire, &exchange->contains, text);
	else if (strcmp(mark, ">>") == 0 && exchange->body == NULL)
		exchange->body = bh_xstrdup(text);
	else
		differ(wire, wire->line, "not understood: %s", mark);
}

/* "uncertain it broke": the request gets no answer. */
static void
read_broken(struct wire *wire, struct exchange *exchange, const char *text)
{
	size_t len = strcspn(text, " ");

	for (int code = BH_INVALID; code < BH__MAX; code++) {
		const char *name = bh_code_name((enum bh_code)code);

		if (strlen(name) == len && strncmp(name, text, len) == 0) {
			exchange->broken = (enum bh_code)code;
			exchange->broken_text = bh_xstrdup(text + len);
			return;
		}
	}
	differ(wire, wire->line, "no such code: %s", text);
}

static void
read_answer(struct wire *wire, const char *mark, const char *text)
{
	struct exchange *exchange;

	if (wire->exchanges_n == 0) {
		differ(wire, wire->line, "no > line above");
		return;
	}
	exchange = &wire->exchanges[wire->exchanges_n - 1];
	if (strcmp(mark, "<!") == 0)
		read_broken(wire, exchange, text);
	else if (strcmp(mark, "<<") == 0 && exchange->answer == NULL)
		exchange->answer = bh_xstrdup(text);
	else if (strcmp(mark, "<") == 0 && exchange->status == 0)
		exchange->status = atoi(text);
	else if (strcmp(mark, "<") == 0)
		texts_add(wire, &exchange->answer_headers, text);
	else
		differ(wire, wire->line, "not understood: %s", mark);
}

static void
read_want(struct wire *wire, const char *mark, const char *text)
{
	struct want *want;

	if (strcmp(mark, "=") == 0) {
		if (wire->wants_n == LIST_MAX) {
			differ(wire, wire->line, "too many results");
			return;
		}
		want = &wire->wants[wire->wants_n++];
		want->line = wire->line;
		want->words = bh_xstrdup(text);
		return;
	}
	want = wire->wants_n > 0 ? &wire->wants[wire->wants_n - 1] : NULL;
	if (strcmp(mark, "=cause") == 0 && want != NULL && want->cause == NULL) {
		want->cause = bh_xstrdup(text);
	} else if (strcmp(mark, "=remedy") == 0 && want != NULL && want->remedy == NULL) {
		want->remedy = bh_xstrdup(text);
	} else if (strcmp(mark, "=auth") == 0 || strcmp(mark, "=usage") == 0 ||
		   strcmp(mark, "=object") == 0) {
		char *check = bh_xasprintf("%s %s", mark + 1, text);

		texts_add(wire, &wire->checks, check);
		free(check);
	} else {
		differ(wire, wire->line, "not understood: %s", mark);
	}
}

static void
read_line(struct wire *wire, char *line)
{
	size_t len = strcspn(line, " \n");
	const char *text = line[len] != '\0' ? line + len + 1 : line + len;

	line[len] = '\0';
	if (strcmp(line, "do") == 0) {
		step_end(wire);
		wire->step = bh_xstrdup(text);
		wire->step_line = wire->line;
	} else if (read_stage(wire, line, text)) {
		if (wire->step != NULL)
			differ(wire, wire->line, "%s must stand in front of the first do", line);
	} else if (wire->step == NULL) {
		differ(wire, wire->line, "not understood in front of the first do: %s", line);
	} else if (strcmp(line, "record") == 0) {
		read_record(wire, text);
	} else if (line[0] == '>') {
		read_expected(wire, line, text);
	} else if (line[0] == '<') {
		read_answer(wire, line, text);
	} else if (line[0] == '=') {
		read_want(wire, line, text);
	} else {
		differ(wire, wire->line, "not understood: %s", line);
	}
}

/* Join a line with the continuation lines below it (they start with a blank or tab). */
static void
read_lines(struct wire *wire, const char *at)
{
	struct bh_buf line = BH_BUF_INIT(FILE_MAX);
	int next = 1;

	while (*at != '\0' && !wire->failed) {
		size_t len = strcspn(at, "\n");
		bool last = at[len] == '\0';
		bool blank = at[0] == ' ' || at[0] == '\t';

		if (!blank && line.len > 0) {
			read_line(wire, line.data);
			bh_buf_reset(&line);
		}
		if (blank && line.len > 0) {
			bh_buf_addc(&line, '\n');
			bh_buf_add(&line, at, len);
		} else if (len > 0 && at[0] != '#') {
			wire->line = next;
			bh_buf_add(&line, at, len);
		}
		next++;
		at += len + (last ? 0 : 1);
	}
	if (line.len > 0 && !wire->failed)
		read_line(wire, line.data);
	bh_buf_release(&line);
}

static int
read_file(const char *path, struct bh_buf *text)
{
	FILE *file = fopen(path, "re");
	char chunk[8192];
	size_t n;

	if (file == NULL)
		return -1;
	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		bh_buf_add(text, chunk, n);
	fclose(file);
	return 0;
}

int
wire_play(const char *path, char *why, size_t why_size)
{
	struct wire *wire = bh_xcalloc(1, sizeof(*wire));
	struct bh_buf text = BH_BUF_INIT(FILE_MAX);
	int rc;

	wire->transport.perform = perform;
	wire->config = (struct dest_config){.code = "wire",
	    .transport = &wire->transport,
	    .auth = &wire->auth};
	wire->config.settings = wire->settings = json_object();
	wire->config.secrets = wire->secrets = json_object();
	wire->why = why;
	wire->why_size = why_size;

	if (read_file(path, &text) < 0)
		differ(wire, 0, "cannot open %s", path);
	else if (!bh_is_utf8(bh_buf_str(&text), text.len))
		differ(wire, 0, "not UTF-8");
	else
		read_lines(wire, bh_buf_str(&text));
	if (!wire->failed && wire->step == NULL)
		differ(wire, 0, "nothing to do");
	step_end(wire);
	rc = wire->failed ? -1 : 0;

	bh_clock_set(0);
	dest_auth_release(&wire->auth);
	json_decref(wire->settings);
	json_decref(wire->secrets);
	bh_buf_release(&text);
	free(wire);
	return rc;
}
