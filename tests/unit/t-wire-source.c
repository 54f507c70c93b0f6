/*
 * Wire conversations of sources, one test per file of tests/wire/<name of a
 * source>/: looking up, walking, endpoints, writing back.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/text.h"
#include "source/source.h"
#include "wire.h"

#define CURSOR_MAX 2048 /* it is stored after every page */

/* What a call gave, as one JSON object: the members are read by the "=" lines. */
struct play {
	struct wire wire;
	const struct source_driver *driver;
	struct source_config config;
	struct source_page page; /* of pull; of fetch only its result */
	json_t *answer;          /* of probe, endpoints, endpoint_put */
	json_t *cursor;          /* where the last pull of this file ended */
	int rc;
	struct bh_err err;
	int wanted_line;
	char *wanted; /* the "=" line */
	struct wire_texts checks;
	int lines[WIRE_LIST_MAX]; /* of checks */
};

/* Every member of want stands in got with the same value; objects inside likewise. */
static bool
is_within(const json_t *want, const json_t *got)
{
	const char *name;
	json_t *value;

	if (!json_is_object(want) || !json_is_object(got))
		return want != NULL && got != NULL && wire_is_same(want, got);
	json_object_foreach ((json_t *)(uintptr_t)want, name, value)
		if (!is_within(value, json_object_get(got, name)))
			return false;
	return true;
}

static json_t *
change_json(const struct object_change *change)
{
	json_t *json = json_pack("{s:s, s:s, s:s, s:{s:I, s:i, s:s}, s:O}", "kind",
	    object_kind_name(change->kind), "id", change->id, "account", change->account, "version",
	    "at_ms", (json_int_t)change->version.at_ms, "rank", change->version.rank, "tie",
	    change->version.tie, "fields", change->fields);

	json_object_set_new(json, "partial", json_boolean(change->partial));
	json_object_set_new(json, "deleted", json_boolean(change->deleted));
	json_object_set_new(json, "effective_ms", json_integer(change->effective_ms));
	return json;
}

static json_t *
changes_json(const struct object_changes *changes)
{
	json_t *list = json_array();

	for (size_t i = 0; i < changes->n; i++)
		json_array_append_new(list, change_json(&changes->items[i]));
	return list;
}

static json_t *
wants_json(const struct source_wants *wants)
{
	json_t *list = json_array();

	for (size_t i = 0; i < wants->n; i++) {
		const struct source_want *want = &wants->items[i];
		json_t *one = json_pack("{s:s, s:s, s:s}", "what", want->what, "account",
		    want->account, "id", want->id);

		if (want->hint != NULL)
			json_object_set(one, "hint", want->hint);
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *
page_json(const struct source_page *page)
{
	static const char *const outcomes[] = {"applied", "ignored", "unknown", "foreign", "asked"};

	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:i, s:i, s:I}", "outcome",
	    outcomes[page->result.outcome], "note", page->result.note, "phase", page->phase, "read",
	    (json_int_t)page->read, "total", (json_int_t)page->total, "phase_number",
	    page->phase_number, "phases", page->phases, "wait_ms", (json_int_t)page->wait_ms);
}

/* --- comparing --------------------------------------------------------- */

/* The list in short, for the text of a difference. */
static char *
shown(const json_t *list)
{
	char *text = bh_json_text(list);

	if (strlen(text) > 6000)
		text[6000] = '\0';
	return text;
}

/* "evt_1 evt_2": the ids of the list, in this order. */
static char *
ids_of(const json_t *list)
{
	struct bh_buf ids = BH_BUF_INIT(65536);
	size_t i;
	json_t *one;

	json_array_foreach (list, i, one)
		bh_buf_addf(&ids, "%s%s", i > 0 ? " " : "", wire_member(one, "id"));
	return ids.len > 0 ? bh_buf_steal(&ids) : bh_xstrdup("");
}

/* wanted: a number, "any", ids in their order, or NULL: as many as lines. */
static void
compare_number(struct play *play, const char *mark, const json_t *list, const char *wanted,
    size_t lines, const char *text)
{
	size_t n = json_array_size(list);
	char *ids = ids_of(list);

	if (wanted != NULL && wanted[0] >= '0' && wanted[0] <= '9')
		lines = strtoul(wanted, NULL, 10);
	else if (wanted != NULL && strcmp(wanted, "any") != 0 && strcmp(wanted, ids) != 0)
		wire_differ(&play->wire, play->wire.step_line, "%ss are %s", mark, ids);
	else if (wanted != NULL)
		lines = n;
	if (lines != n)
		wire_differ(&play->wire, play->wire.step_line, "%zu %ss, not %zu\n got %s", n, mark,
		    lines, text);
	free(ids);
}

/* Each line "=MARK JSON" takes one of the list; "=MARKs" tells their number. */
static void
compare_list(struct play *play, const char *mark, json_t *list)
{
	struct wire *wire = &play->wire;
	size_t lines = 0, mark_len = strlen(mark);
	const char *wanted = NULL;
	char *text = shown(list);

	for (size_t i = 0; i < play->checks.n; i++) {
		const char *check = play->checks.items[i];
		bool found = false;
		json_t *want, *one;
		size_t k;

		if (strncmp(check, mark, mark_len) != 0)
			continue;
		if (bh_has_prefix(check + mark_len, "s ")) {
			wanted = check + mark_len + 2;
			continue;
		}
		if (check[mark_len] != ' ')
			continue;
		lines++;
		want = wire_parse(wire, play->lines[i], check + mark_len + 1);
		json_array_foreach (list, k, one)
			found = found || (want != NULL && is_within(want, one));
		if (!found)
			wire_differ(wire, play->lines[i], "no such %s\n got %s", mark, text);
		json_decref(want);
	}
	compare_number(play, mark, list, wanted, lines, text);
	free(text);
	json_decref(list);
}

/* Lines "=page", "=answer", "=cursor": one object. */
static void
compare_one(struct play *play, const char *mark, const json_t *got, bool whole)
{
	char *text = got != NULL ? shown(got) : NULL;

	for (size_t i = 0; i < play->checks.n; i++) {
		const char *check = play->checks.items[i];
		size_t len = strlen(mark);
		json_t *want;

		if (!bh_has_prefix(check, mark) || check[len] != ' ')
			continue;
		if (strcmp(check + len + 1, "none") == 0) {
			if (got != NULL)
				wire_differ(&play->wire, play->lines[i], "there is a %s: %s", mark,
				    text);
			continue;
		}
		want = wire_parse(&play->wire, play->lines[i], check + len + 1);
		if (want != NULL &&
		    (got == NULL || !(whole ? wire_is_same(want, got) : is_within(want, got))))
			wire_differ(&play->wire, play->lines[i], "%s is %s", mark,
			    text != NULL ? text : "not there");
		json_decref(want);
	}
	free(text);
}

/* Lists of a probe and the like: an answer is an object, or an array of "=answer" lines. */
static void
compare_answer(struct play *play)
{
	if (json_is_array(play->answer))
		compare_list(play, "answer", json_incref(play->answer));
	else
		compare_one(play, "answer", play->answer, false);
}

/* --- what holds for every result ----------------------------------------- */

static void
check_change(struct wire *wire, const struct object_change *change)
{
	struct bh_err err = BH_ERR_INIT;

	if (object_check(change->kind, change->fields, &err) < 0)
		wire_differ(wire, wire->step_line, "%s: %s", change->id, err.text);
	if (*change->id == '\0' || *change->version.tie == '\0')
		wire_differ(wire, wire->step_line, "a %s without id or tie",
		    object_kind_name(change->kind));
}

static void
check_shown(struct play *play, const json_t *json)
{
	char *text = bh_json_text(json);

	wire_no_secrets(&play->wire, play->wire.step_line, text);
	free(text);
}

static void
check_result(struct play *play)
{
	const struct source_result *result = &play->page.result;
	json_t *wants = wants_json(&result->wants);

	for (size_t i = 0; i < result->changes.n; i++)
		check_change(&play->wire, &result->changes.items[i]);
	if (result->outcome == SOURCE_ASKED && result->wants.n == 0)
		wire_differ(&play->wire, play->wire.step_line, "asked, and wants nothing");
	wire_no_secrets(&play->wire, play->wire.step_line, result->note);
	check_shown(play, wants);
	json_decref(wants);
	if (play->page.cursor != NULL) {
		char *text = bh_json_text(play->page.cursor);

		if (strlen(text) > CURSOR_MAX)
			wire_differ(&play->wire, play->wire.step_line, "the cursor has %zu bytes",
			    strlen(text));
		free(text);
		check_shown(play, play->page.cursor);
	}
	if (play->rc < 0 && (result->changes.n > 0 || result->wants.n > 0))
		wire_differ(&play->wire, play->wire.step_line, "an error and a result");
}

/* --- the steps --------------------------------------------------------- */

/* JSON behind the word of a step; NULL when there is none. */
static json_t *
step_json(struct play *play, const char *word)
{
	const char *text = play->wire.step + strlen(word);

	text += strspn(text, " ");
	return *text != '\0' ? wire_parse(&play->wire, play->wire.step_line, text) : NULL;
}

static int
do_fetch(struct play *play, const struct source_api *api, const json_t *args)
{
	struct source_wants wants = {0};
	struct source_want *want =
	    source_wants_add(&wants, wire_member(args, "what"), wire_member(args, "account"),
		wire_member(args, "id"), json_incref(json_object_get(args, "hint")));
	int rc = play->driver->fetch(api, want, &play->page.result, &play->err);

	source_wants_release(&wants);
	return rc;
}

/* Without an argument: where the last pull ended. */
static int
do_pull(struct play *play, const struct source_api *api, json_t *args)
{
	int rc;

	if (args != NULL) {
		json_decref(play->cursor);
		play->cursor = json_incref(args);
	}
	if (play->cursor == NULL) {
		wire_differ(&play->wire, play->wire.step_line, "there is no cursor");
		return -1;
	}
	rc = play->driver->pull(api, play->cursor, &play->page, &play->err);
	if (rc == 0) {
		json_decref(play->cursor);
		play->cursor = json_incref(play->page.cursor);
	}
	return rc;
}

static int
do_endpoint_put(struct play *play, const struct source_api *api, const json_t *args)
{
	struct source_endpoint endpoint = {.id = bh_json_str(args, "id"),
	    .url = wire_member(args, "url"),
	    .events = json_object_get(args, "events")};

	return play->driver->endpoint_put(api, &endpoint, &play->answer, &play->err);
}

/* What it gave is an answer: {"id"}. */
static int
do_create_customer(struct play *play, const struct source_api *api, const json_t *args)
{
	char id[256] = "";
	int rc = play->driver->create_customer(api, args, id, &play->err);

	if (rc == 0)
		play->answer = json_pack("{s:s}", "id", id);
	return rc;
}

static bool
is_step(const struct play *play, const char *word, bool has_it)
{
	size_t len = strlen(word);

	return has_it && strncmp(play->wire.step, word, len) == 0 &&
	       (play->wire.step[len] == '\0' || play->wire.step[len] == ' ' ||
		   play->wire.step[len] == '\n');
}

static int
call(struct play *play, const struct source_api *api)
{
	const struct source_driver *driver = play->driver;
	json_t *args = NULL;
	int rc = -1;

	if (is_step(play, "check", true)) {
		rc = source_check(driver, &play->config, &play->err);
	} else if (is_step(play, "probe", driver->probe != NULL)) {
		rc = driver->probe(api, &play->answer, &play->err);
	} else if (is_step(play, "fetch", driver->fetch != NULL)) {
		args = step_json(play, "fetch");
		rc = do_fetch(play, api, args);
	} else if (is_step(play, "pull", driver->pull != NULL)) {
		args = step_json(play, "pull");
		rc = do_pull(play, api, args);
	} else if (is_step(play, "endpoints", driver->endpoints != NULL)) {
		rc = driver->endpoints(api, &play->answer, &play->err);
	} else if (is_step(play, "endpoint_put", driver->endpoint_put != NULL)) {
		args = step_json(play, "endpoint_put");
		rc = do_endpoint_put(play, api, args);
	} else if (is_step(play, "endpoint_remove", driver->endpoint_remove != NULL)) {
		rc = driver->endpoint_remove(api, play->wire.step + strlen("endpoint_remove "),
		    &play->err);
	} else if (is_step(play, "write_back", driver->write_back != NULL)) {
		args = step_json(play, "write_back");
		rc = driver->write_back(api, wire_member(args, "account"),
		    wire_member(args, "customer"), wire_member(args, "crm"),
		    wire_member(args, "remote_id"), &play->err);
	} else if (is_step(play, "create_customer", driver->create_customer != NULL)) {
		args = step_json(play, "create_customer");
		rc = do_create_customer(play, api, args);
	} else {
		wire_differ(&play->wire, play->wire.step_line, "no such step: %s", play->wire.step);
	}
	json_decref(args);
	return rc;
}

static void
compare(struct play *play)
{
	json_t *page = page_json(&play->page);
	json_t *events = play->page.events;

	wire_code(&play->wire, play->wanted_line, play->wanted, play->rc, &play->err);
	check_result(play);
	compare_list(play, "change", changes_json(&play->page.result.changes));
	compare_list(play, "want", wants_json(&play->page.result.wants));
	compare_list(play, "event", events != NULL ? json_incref(events) : json_array());
	compare_one(play, "page", page, false);
	compare_one(play, "cursor", play->page.cursor, true);
	compare_answer(play);
	json_decref(page);
}

static void
run(struct wire *wire)
{
	struct play *play = (struct play *)(void *)wire;
	struct source_api api = {.config = &play->config,
	    .transport = &wire->transport,
	    .now_ms = bh_now_ms()};

	play->config = (struct source_config){.code = "wire",
	    .settings = wire->settings,
	    .secrets = wire->secrets};
	if (play->driver == NULL || play->wanted == NULL) {
		wire_differ(wire, wire->step_line, "a driver line and one = line are needed");
		return;
	}
	play->rc = call(play, &api);
	compare(play);
}

/* --- reading ----------------------------------------------------------- */

static bool
read_check(struct play *play, const char *mark, const char *text)
{
	static const char *const marks[] = {"change", "changes", "want", "wants", "event", "events",
	    "page", "cursor", "answer", "answers"};

	for (size_t i = 0; i < BH_LEN(marks); i++) {
		char *check;

		if (strcmp(mark + 1, marks[i]) != 0)
			continue;
		check = bh_xasprintf("%s %s", marks[i], text);
		if (play->checks.n < WIRE_LIST_MAX)
			play->lines[play->checks.n] = play->wire.line;
		wire_texts_add(&play->wire, &play->checks, check);
		free(check);
		return true;
	}
	return false;
}

static bool
read_mark(struct wire *wire, const char *mark, const char *text)
{
	struct play *play = (struct play *)(void *)wire;

	if (wire->step == NULL && strcmp(mark, "driver") == 0) {
		play->driver = source_driver(text);
		if (play->driver == NULL)
			wire_differ(wire, wire->line, "no such driver: %s", text);
	} else if (wire->step != NULL && strcmp(mark, "=") == 0 && play->wanted == NULL) {
		play->wanted = bh_xstrdup(text);
		play->wanted_line = wire->line;
	} else {
		return wire->step != NULL && mark[0] == '=' && read_check(play, mark, text);
	}
	return true;
}

static void
start(struct wire *wire BH_UNUSED)
{
}

static void
clear(struct wire *wire)
{
	struct play *play = (struct play *)(void *)wire;

	source_page_release(&play->page);
	json_decref(play->answer);
	play->answer = NULL;
	free(play->wanted);
	play->wanted = NULL;
	wire_texts_release(&play->checks);
	play->err = (struct bh_err)BH_ERR_INIT;
}

static void
end(struct wire *wire)
{
	struct play *play = (struct play *)(void *)wire;

	json_decref(play->cursor);
}

static bool
is_mine(const char *folder)
{
	return source_driver(folder) != NULL;
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
