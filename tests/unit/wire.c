/*
 * The player of wire conversations, as far as it is the same for all drivers.
 * One pass reads the lines of a step (from "do" to the next "do"), then the
 * step runs over a transport that answers from the file, then results are
 * compared.  The first difference ends the play.
 */
#include "base/base.h"

#include "wire.h"

#include <dirent.h>
#include <stdarg.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "unit.h"

#define FILE_MAX (4 * 1024 * 1024)
#define FILES_MAX 512

void
wire_differ(struct wire *wire, int line, const char *fmt, ...)
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

void
wire_texts_add(struct wire *wire, struct wire_texts *texts, const char *text)
{
	if (texts->n == WIRE_LIST_MAX)
		wire_differ(wire, wire->line, "more than %d of these", WIRE_LIST_MAX);
	else
		texts->items[texts->n++] = bh_xstrdup(text);
}

void
wire_texts_release(struct wire_texts *texts)
{
	for (size_t i = 0; i < texts->n; i++)
		free(texts->items[i]);
	texts->n = 0;
}

json_t *
wire_parse(struct wire *wire, int line, const char *text)
{
	struct bh_err err = BH_ERR_INIT;
	json_t *json = NULL;

	if (bh_json_parse(text, strlen(text), &json, &err) < 0)
		wire_differ(wire, line, "%s", err.text);
	return json;
}

bool
wire_is_same(const json_t *a, const json_t *b)
{
	char *text_a = bh_json_text(a), *text_b = bh_json_text(b);
	bool same = strcmp(text_a, text_b) == 0;

	free(text_a);
	free(text_b);
	return same;
}

const char *
wire_member(const json_t *json, const char *name)
{
	const char *text = bh_json_str(json, name);

	return text != NULL ? text : "";
}

void
wire_no_secrets(struct wire *wire, int line, const char *text)
{
	const char *name;
	json_t *value;

	json_object_foreach (wire->secrets, name, value) {
		const char *secret = json_string_value(value);

		if (secret != NULL && strlen(secret) > 3 && strstr(text, secret) != NULL)
			wire_differ(wire, line, "the secret %s is shown", name);
	}
}

void
wire_code(struct wire *wire, int line, const char *words, int rc, const struct bh_err *err)
{
	const char *name = rc == 0 ? "ok" : bh_code_name(err->code);
	size_t len = strcspn(words, " ");
	const char *rest = words + len + strspn(words + len, " ");

	if (strlen(name) != len || strncmp(name, words, len) != 0) {
		wire_differ(wire, line, "gave %s: %s", name, rc == 0 ? "" : err->text);
		return;
	}
	if (rc == 0)
		return;
	if (rest[0] >= '0' && rest[0] <= '9') {
		if (atoi(rest) != err->retry_after_s)
			wire_differ(wire, line, "retry_after_s is %d", err->retry_after_s);
		rest += strspn(rest, "0123456789");
		rest += strspn(rest, " ");
	}
	if (strstr(err->text, rest) == NULL)
		wire_differ(wire, line, "error is: %s", err->text);
	wire_no_secrets(wire, line, err->text);
}

/* --- the transport ----------------------------------------------------- */

/* XML may be laid out: white space between two tags goes.  Anything else stays as it is. */
static char *
squeezed(const char *text)
{
	char *out = bh_xstrdup(text);
	size_t len = 0;

	if (text[0] != '<')
		return out;
	while (*text != '\0') {
		size_t blank = strspn(text, " \t\n");
		bool is_end = text[blank] == '<' || text[blank] == '\0';

		if (len > 0 && out[len - 1] == '>' && is_end)
			text += blank;
		if (*text != '\0')
			out[len++] = *text++;
	}
	out[len] = '\0';
	return out;
}

static void
compare_contents(struct wire *wire, const struct wire_exchange *exchange, const char *body)
{
	char *plain = squeezed(body);

	for (size_t i = 0; i < exchange->contains.n; i++) {
		char *want = squeezed(exchange->contains.items[i]);

		if (strstr(plain, want) == NULL)
			wire_differ(wire, exchange->line, "body lacks %s\n got %s", want, plain);
		free(want);
	}
	free(plain);
}

static void
compare_body(struct wire *wire, const struct wire_exchange *exchange, const char *body)
{
	json_t *want, *got;

	compare_contents(wire, exchange, body);
	if (exchange->body == NULL) {
		if (exchange->contains.n == 0 && body[0] != '\0')
			wire_differ(wire, exchange->line, "no body expected\n got %s", body);
		return;
	}
	if (exchange->body[0] != '{' && exchange->body[0] != '[') {
		if (strcmp(exchange->body, body) != 0)
			wire_differ(wire, exchange->line, "body differs\nwant %s\n got %s",
			    exchange->body, body);
		return;
	}
	want = wire_parse(wire, exchange->line, exchange->body);
	got = wire_parse(wire, exchange->line, body);
	if (want != NULL && got != NULL && !wire_is_same(want, got)) {
		char *text = bh_json_text(want);

		wire_differ(wire, exchange->line, "body differs\nwant %s\n got %s", text, body);
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
compare_request(struct wire *wire, const struct wire_exchange *exchange,
    const struct http_request *request)
{
	const char *target = request->url;
	size_t method_len = strcspn(exchange->head, " ");
	const char *want = exchange->head + method_len + (exchange->head[method_len] == ' ');
	struct bh_err err = BH_ERR_INIT;

	if (http_check_url(request->url, &err) < 0)
		wire_differ(wire, exchange->line, "%s", err.text);
	if (want[0] == '/') {
		target = strstr(request->url, "://");
		target = target != NULL ? target + 3 : request->url;
		target += strcspn(target, "/?");
	}
	if (strlen(request->method) != method_len ||
	    strncmp(request->method, exchange->head, method_len) != 0 || strcmp(target, want) != 0)
		wire_differ(wire, exchange->line, "request differs\nwant %s\n got %s %s",
		    exchange->head, request->method, target);
	for (size_t i = 0; i < exchange->headers.n; i++) {
		if (!has_header(request, exchange->headers.items[i]))
			wire_differ(wire, exchange->line, "request lacks header %s",
			    exchange->headers.items[i]);
	}
	compare_body(wire, exchange, bh_buf_str(&request->body));
}

static void
answer(const struct wire_exchange *exchange, struct http_response *response)
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

static const char *
content_type(const struct http_request *request)
{
	for (size_t i = 0; i < request->headers_n; i++)
		if (strcasecmp(request->headers[i].name, "Content-Type") == 0)
			return request->headers[i].value;
	return "";
}

/* BH_WIRE_SENT names a file for all requests, a line of JSON each: others hold them against documents. */
static void
note_sent(const struct http_request *request)
{
	const char *path = getenv("BH_WIRE_SENT");
	FILE *file = path != NULL ? fopen(path, "a") : NULL;
	json_t *json;
	char *text;

	if (file == NULL)
		return;
	json = json_pack("{s:s, s:s, s:s, s:o}", "method", request->method, "url", request->url,
	    "contentType", content_type(request), "body",
	    bh_json_string(bh_buf_str(&request->body)));
	text = bh_json_text(json);
	fprintf(file, "%s\n", text);
	free(text);
	json_decref(json);
	fclose(file);
}

static void
perform(struct http_transport *transport, const struct http_request *requests,
    struct http_response *responses, size_t n)
{
	struct wire *wire = (struct wire *)(void *)transport;

	for (size_t i = 0; i < n; i++) {
		const struct wire_exchange *exchange;

		if (wire->exchanges_used == wire->exchanges_n) {
			wire_differ(wire, wire->step_line, "unexpected request %s %s\n%s",
			    requests[i].method, requests[i].url, bh_buf_str(&requests[i].body));
			bh_fail(&responses[i].err, BH_INVALID, "not in the play");
			continue;
		}
		exchange = &wire->exchanges[wire->exchanges_used++];
		note_sent(&requests[i]);
		compare_request(wire, exchange, &requests[i]);
		answer(exchange, &responses[i]);
	}
}

/* --- steps -------------------------------------------------------------- */

static void
step_release(struct wire *wire)
{
	for (size_t i = 0; i < wire->exchanges_n; i++) {
		struct wire_exchange *exchange = &wire->exchanges[i];

		wire_texts_release(&exchange->headers);
		wire_texts_release(&exchange->contains);
		wire_texts_release(&exchange->answer_headers);
		free(exchange->head);
		free(exchange->body);
		free(exchange->answer);
		free(exchange->broken_text);
	}
	memset(wire->exchanges, 0, sizeof(wire->exchanges));
	wire->exchanges_n = wire->exchanges_used = 0;
	wire->play->clear(wire);
	free(wire->step);
	wire->step = NULL;
}

/* Run what was read since "do", then forget it. */
static void
step_end(struct wire *wire)
{
	if (wire->step != NULL && !wire->failed) {
		wire->play->run(wire);
		if (wire->exchanges_used < wire->exchanges_n)
			wire_differ(wire, wire->exchanges[wire->exchanges_used].line,
			    "this request did not come");
	}
	step_release(wire);
}

/* --- reading the file -------------------------------------------------- */

/* Lines that set the stage; false when mark is none of them. */
static bool
read_stage(struct wire *wire, const char *mark, const char *text)
{
	json_t **place = strcmp(mark, "settings") == 0  ? &wire->settings
			 : strcmp(mark, "secrets") == 0 ? &wire->secrets
							: NULL;
	int64_t at_ms;

	if (place != NULL) {
		json_decref(*place);
		*place = wire_parse(wire, wire->line, text);
	} else if (strcmp(mark, "clock") == 0) {
		if (!bh_is_time(text, &at_ms))
			wire_differ(wire, wire->line, "no time: %s", text);
		else
			bh_clock_set(at_ms);
	} else {
		return false;
	}
	return true;
}

/* A body that is no JSON comes line by line; each ends with LF. */
static void
add_line(char **body, const char *text)
{
	char *longer = bh_xasprintf("%s%s\n", *body != NULL ? *body : "", text);

	free(*body);
	*body = longer;
}

static void
read_expected(struct wire *wire, const char *mark, const char *text)
{
	struct wire_exchange *exchange;

	if (strcmp(mark, ">") == 0) {
		if (wire->exchanges_n == WIRE_LIST_MAX) {
			wire_differ(wire, wire->line, "too many requests");
			return;
		}
		exchange = &wire->exchanges[wire->exchanges_n++];
		exchange->line = wire->line;
		exchange->head = bh_xstrdup(text);
		return;
	}
	if (wire->exchanges_n == 0) {
		wire_differ(wire, wire->line, "no > line above");
		return;
	}
	exchange = &wire->exchanges[wire->exchanges_n - 1];
	if (strcmp(mark, ">h") == 0)
		wire_texts_add(wire, &exchange->headers, text);
	else if (strcmp(mark, ">~") == 0)
		wire_texts_add(wire, &exchange->contains, text);
	else if (strcmp(mark, ">>") == 0 && exchange->body == NULL)
		exchange->body = bh_xstrdup(text);
	else if (strcmp(mark, ">|") == 0)
		add_line(&exchange->body, text);
	else
		wire_differ(wire, wire->line, "not understood: %s", mark);
}

/* "uncertain it broke": the request gets no answer. */
static void
read_broken(struct wire *wire, struct wire_exchange *exchange, const char *text)
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
	wire_differ(wire, wire->line, "no such code: %s", text);
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

/* The answer's body stands in a file of the source tree. */
static void
read_answer_file(struct wire *wire, struct wire_exchange *exchange, const char *name)
{
	struct bh_buf text = BH_BUF_INIT(FILE_MAX);
	char *path = unit_path(name);

	if (read_file(path, &text) < 0 || text.full)
		wire_differ(wire, wire->line, "cannot read %s", name);
	else
		exchange->answer = bh_buf_steal(&text);
	bh_buf_release(&text);
	free(path);
}

static void
read_answer(struct wire *wire, const char *mark, const char *text)
{
	struct wire_exchange *exchange;

	if (wire->exchanges_n == 0) {
		wire_differ(wire, wire->line, "no > line above");
		return;
	}
	exchange = &wire->exchanges[wire->exchanges_n - 1];
	if (strcmp(mark, "<!") == 0)
		read_broken(wire, exchange, text);
	else if (strcmp(mark, "<<") == 0 && exchange->answer == NULL)
		exchange->answer = bh_xstrdup(text);
	else if (strcmp(mark, "<|") == 0)
		add_line(&exchange->answer, text);
	else if (strcmp(mark, "<@") == 0 && exchange->answer == NULL)
		read_answer_file(wire, exchange, text);
	else if (strcmp(mark, "<") == 0 && exchange->status == 0)
		exchange->status = atoi(text);
	else if (strcmp(mark, "<") == 0)
		wire_texts_add(wire, &exchange->answer_headers, text);
	else
		wire_differ(wire, wire->line, "not understood: %s", mark);
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
	} else if (wire->step == NULL) {
		if (!read_stage(wire, line, text) && !wire->play->read(wire, line, text))
			wire_differ(wire, wire->line, "not understood in front of the first do: %s",
			    line);
	} else if (line[0] == '>') {
		read_expected(wire, line, text);
	} else if (line[0] == '<') {
		read_answer(wire, line, text);
	} else if (!wire->play->read(wire, line, text)) {
		wire_differ(wire, wire->line, "not understood: %s", line);
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

int
wire_file(const struct wire_play *play, const char *path, char *why, size_t why_size)
{
	struct wire *wire = bh_xcalloc(1, play->size);
	struct bh_buf text = BH_BUF_INIT(FILE_MAX);
	int rc;

	wire->transport.perform = perform;
	wire->play = play;
	wire->settings = json_object();
	wire->secrets = json_object();
	wire->why = why;
	wire->why_size = why_size;
	play->start(wire);

	if (read_file(path, &text) < 0)
		wire_differ(wire, 0, "cannot open %s", path);
	else if (!bh_is_utf8(bh_buf_str(&text), text.len))
		wire_differ(wire, 0, "not UTF-8");
	else
		read_lines(wire, bh_buf_str(&text));
	if (!wire->failed && wire->step == NULL)
		wire_differ(wire, 0, "nothing to do");
	step_end(wire);
	rc = wire->failed ? -1 : 0;

	bh_clock_set(0);
	play->end(wire);
	json_decref(wire->settings);
	json_decref(wire->secrets);
	bh_buf_release(&text);
	free(wire);
	return rc;
}

/* --- one test per file -------------------------------------------------- */

static struct CMUnitTest tests[FILES_MAX];
static size_t tests_n;
static const struct wire_play *played;

static void
play(void **state)
{
	static char why[16384];

	if (wire_file(played, *state, why, sizeof(why)) < 0)
		fail_msg("%s: %s", (const char *)*state, why);
}

static bool
is_wanted(const char *path, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strstr(path, argv[i]) != NULL)
			return true;
	}
	return argc < 2;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct CMUnitTest *)a)->name, ((const struct CMUnitTest *)b)->name);
}

/* Add the .wire files of one folder. */
static void
collect(const char *top, const char *folder, int argc, char **argv)
{
	char *path = bh_xasprintf("%s/%s", top, folder);
	DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		size_t len = strlen(entry->d_name);
		char *file;

		if (len < 6 || strcmp(entry->d_name + len - 5, ".wire") != 0)
			continue;
		file = bh_xasprintf("%s/%s", path, entry->d_name);
		if (!is_wanted(file, argc, argv) || tests_n == FILES_MAX) {
			free(file);
			continue;
		}
		tests[tests_n++] = (struct CMUnitTest){.name = file + strlen(top) + 1,
		    .test_func = play,
		    .initial_state = file};
	}
	if (dir != NULL)
		closedir(dir);
	free(path);
}

int
wire_main(const struct wire_play *play_how, bool (*is_mine)(const char *folder), int argc,
    char **argv)
{
	char *top = unit_path("tests/wire");
	DIR *dir = opendir(top);
	const struct dirent *entry;
	int failed;

	played = play_how;
	bh_log_hook(unit_log);
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.' && is_mine(entry->d_name))
			collect(top, entry->d_name, argc, argv);
	}
	if (dir != NULL)
		closedir(dir);
	if (tests_n == 0) {
		fprintf(stderr, "no conversations under %s\n", top);
		free(top);
		return 1;
	}
	qsort(tests, tests_n, sizeof(tests[0]), by_name);
	failed = _cmocka_run_group_tests("wire", tests, tests_n, NULL, NULL);
	for (size_t i = 0; i < tests_n; i++)
		free(tests[i].initial_state);
	free(top);
	return failed;
}
