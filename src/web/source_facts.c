/* See source_facts.h. */
#include "base/base.h"

#include "web/source_facts.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "state/journal.h"
#include "state/walk.h"
#include "state/want.h"
#include "web/live.h"
#include "web/walk_view.h"
#include "web/words.h"

#define WANTS_MAX 10000

static void
set_live(struct source_facts *facts, json_t *object, const char *scope, const char *name,
    json_t *text)
{
	live_set(facts->live, object, scope, name, text);
}

static void
set_shown(struct source_facts *facts, json_t *object, const char *scope, const char *name,
    bool is_shown)
{
	live_set_shown(facts->live, object, scope, name, is_shown);
}

static bool
has_key(const struct source_facts *facts)
{
	return json_object_get(facts->connection->secrets, "api_key") != NULL;
}

static bool
can(const struct source_facts *facts, const char *what)
{
	return source_check_can(facts->driver, what, NULL) == 0;
}

const char *
source_mode(const struct account_connection *connection)
{
	const char *const said[] = {bh_json_str(connection->settings, "mode"),
	    bh_json_str(connection->settings, "environment"),
	    bh_json_str(connection->learnt, "mode")};

	for (size_t i = 0; i < BH_LEN(said); i++)
		if (said[i] != NULL && *said[i] != '\0')
			return said[i];
	return "";
}

/* -- walks -- */

static const struct {
	const char *state, *word;
} walk_words[WALK__MAX] = {{"idle", "not begun"}, {"busy", "reading"}, {"idle", "paused"},
    {"bad", "stopped"}, {"good", "done"}};

static json_t *
walk_progress(const struct walk *walk, int64_t now_ms)
{
	char all[WORDS_MAX], changed[WORDS_MAX], until[WORDS_MAX];
	struct bh_buf text = BH_BUF_INIT(600);
	json_t *json;

	words_count(all, walk->read);
	words_count(changed, walk->changed);
	if (walk->state == WALK_RUNNING && walk->phases > 0)
		walk_view_step(&text, walk, walk->phase, now_ms);
	if (walk->state != WALK_IDLE)
		bh_buf_addf(&text, "%s read in all, %s changed.", all, changed);
	if (walk->state == WALK_RUNNING && walk->waits_until_ms > now_ms + 1000) {
		words_age(until, walk->waits_until_ms, now_ms);
		bh_buf_addf(&text, " The other side asks for a pause; it goes on %s.", until);
	}
	json = words_json(bh_buf_str(&text));
	bh_buf_release(&text);
	return json;
}

/* What is to be said of its state: for CSS, and for people. */
static json_t *
walk_word(const struct source_facts *facts, const struct walk *walk, const char **state_r)
{
	char ended[WORDS_MAX];

	*state_r = walk_words[walk->state].state;
	if (walk->state == WALK_RUNNING && facts->connection->paused) {
		*state_r = "idle";
		return json_string("waits, as the connection is paused");
	}
	if (walk->state != WALK_DONE)
		return json_string(walk_words[walk->state].word);
	words_age(ended, walk->ended_ms, facts->now_ms);
	return json_sprintf("done %s", ended);
}

static const char *
start_label(const struct walk *walk)
{
	return walk->state == WALK_IDLE   ? "Start"
	       : walk->state == WALK_DONE ? "Read again"
					  : "Start over";
}

static int
add_walk(struct source_facts *facts, const char *name, const char *title, const char *meaning,
    struct bh_err *err)
{
	json_t *json =
	    json_pack("{s:s, s:s, s:s}", "walk", name, "title", title, "meaning", meaning);
	const char *state;
	json_t *word;
	struct walk walk;

	json_array_append_new(json_object_get(facts->model, "walks"), json);
	if (walk_load(exchange_read(facts->exchange), facts->connection->code, name, &walk, err) <
	    0)
		return -1;
	word = walk_word(facts, &walk, &state);
	set_live(facts, json, name, "state", json_string(state));
	set_live(facts, json, name, "word", word);
	set_live(facts, json, name, "progress", walk_progress(&walk, facts->now_ms));
	set_live(facts, json, name, "note", words_json(walk.note));
	set_live(facts, json, name, "percent", json_sprintf("%d", walk_view_percent(&walk)));
	set_live(facts, json, name, "start_label", json_string(start_label(&walk)));
	set_shown(facts, json, name, "has_bar",
	    walk.state == WALK_RUNNING || walk.state == WALK_PAUSED);
	set_shown(facts, json, name, "can_start", walk.state != WALK_RUNNING);
	set_shown(facts, json, name, "can_pause", walk.state == WALK_RUNNING);
	set_shown(facts, json, name, "can_resume",
	    walk.state == WALK_PAUSED || walk.state == WALK_FAILED);
	walk_release(&walk);
	return 0;
}

/* How often the catch-up comes by itself. */
static json_t *
catchup_meaning(const struct source_facts *facts)
{
	int64_t period_s =
	    bh_json_int(facts->connection->settings, "catchup_s", facts->driver->catchup_s);
	char period[WORDS_MAX];

	words_age(period, period_s * 1000, 0);
	return period_s <= 0 ? json_string("Only when asked for.")
			     : json_sprintf("By itself every %s.", period + strlen("in "));
}

static int
add_lookups(struct source_facts *facts, struct bh_err *err)
{
	char count[WORDS_MAX];
	size_t wants = 0;

	if (want_count(exchange_read(facts->exchange), facts->connection->code, WANTS_MAX, &wants,
		err) < 0)
		return -1;
	words_count(count, (int64_t)wants);
	json_object_set_new(facts->model, "lookups",
	    wants == 0
		? json_string("No single object waits to be looked up.")
		: json_sprintf("%s%s single %s to be looked up.", count,
		      wants >= WANTS_MAX ? "+" : "", wants == 1 ? "object waits" : "objects wait"));
	json_object_set(facts->live, "lookups", json_object_get(facts->model, "lookups"));
	return 0;
}

/* Redeliveries do no harm; many of them tell that answers come too late, or that two endpoints lead here. */
static int
add_duplicates(struct source_facts *facts, struct bh_err *err)
{
	char count[WORDS_MAX];
	int64_t n;

	if (journal_duplicates(exchange_read(facts->exchange), facts->connection->code, &n, err) <
	    0)
		return -1;
	words_count(count, n);
	json_object_set_new(facts->model, "duplicates",
	    n == 0 ? json_string("No event came twice.")
		   : json_sprintf("%s %s acknowledged and dropped.", count,
			 n == 1 ? "repeated event was" : "repeated events were"));
	json_object_set(facts->live, "duplicates", json_object_get(facts->model, "duplicates"));
	return 0;
}

static int
add_walks(struct source_facts *facts, struct bh_err *err)
{
	bool is_able = can(facts, WALK_BACKFILL);
	json_t *meaning;
	int rc;

	json_object_set_new(facts->model, "can_read", json_boolean(is_able && has_key(facts)));
	json_object_set_new(facts->model, "needs_key", json_boolean(is_able && !has_key(facts)));
	json_object_set_new(facts->model, "walks", json_array());
	if (add_duplicates(facts, err) < 0)
		return -1;
	if (!is_able || !has_key(facts))
		return 0;
	meaning = catchup_meaning(facts);
	rc = add_walk(facts, WALK_BACKFILL, "Everything",
	    "Backfill: all that is there is read once. Events go on being received meanwhile.",
	    err);
	if (rc == 0)
		rc = add_walk(facts, WALK_CATCHUP, "What was missed", json_string_value(meaning),
		    err);
	if (rc == 0)
		rc = add_lookups(facts, err);
	json_decref(meaning);
	return rc;
}

/* -- errands -- */

/* ", <part>" or "" behind it; part may be NULL. */
static void
add_part(struct bh_buf *text, const char *before, const char *part, const char *behind)
{
	if (part != NULL && *part != '\0')
		bh_buf_addf(text, "%s%s%s", before, part, behind);
}

static json_t *
probe_text(const struct errand *errand, int found, bool is_key)
{
	const char *name = bh_json_str(errand->answer, "name");
	struct bh_buf text = BH_BUF_INIT(4096);
	json_t *json;

	if (found == 0)
		return json_string(is_key ? "Not asked yet."
					  : "No API key is stored: only webhooks are received.");
	if (errand->is_open)
		return json_string("Asking …");
	if (errand->error[0] != '\0')
		return words_json(errand->error);
	bh_buf_adds(&text, name != NULL && *name != '\0' ? name : "It answers");
	add_part(&text, " (", bh_json_str(errand->answer, "id"), ")");
	add_part(&text, ", ", bh_json_str(errand->answer, "detail"), "");
	json = words_json(bh_buf_str(&text));
	bh_buf_release(&text);
	return json;
}

static void
show_probe(struct source_facts *facts, const struct errand *errand, int found)
{
	json_t *missing = json_array(), *one, *probe = json_object();
	size_t i;

	json_array_foreach (json_object_get(errand->answer, "missing"), i, one)
		if (json_is_string(one))
			json_array_append_new(missing, json_pack("{s:O}", "text", one));
	json_object_set_new(facts->model, "has_missing",
	    json_boolean(json_array_size(missing) > 0));
	json_object_set_new(facts->model, "missing", missing);
	json_object_set_new(facts->model, "can_probe",
	    json_boolean(has_key(facts) && can(facts, ERRAND_PROBE)));
	set_live(facts, probe, "probe", "text", probe_text(errand, found, has_key(facts)));
	set_live(facts, probe, "probe", "state", json_string(live_errand_state(errand, found)));
	set_live(facts, probe, "probe", "done", live_errand_done(errand, found, facts->now_ms));
	json_object_set_new(facts->model, "probe", probe);
}

/* -- the webhook there: making it, looking at it, taking it away; the last of them counts -- */

enum {
	MADE,
	SEEN,
	GONE,
	HOOKS
};

static const json_t *
find_ours(const json_t *list)
{
	json_t *one;
	size_t i;

	json_array_foreach (list, i, one)
		if (bh_is_json_true(one, "ours"))
			return one;
	return NULL;
}

static json_t *
seen_text(const struct errand *seen, const char **state_r)
{
	const json_t *ours = find_ours(seen->answer);
	const char *problem = bh_json_str(ours, "problem");

	*state_r = "bad";
	if (ours == NULL)
		return json_string("There is no webhook with this address.");
	if (problem != NULL && *problem != '\0')
		return words_json(problem);
	*state_r = "good";
	return json_string("The webhook is in order.");
}

/* last: HOOKS when nothing was asked for so far. */
static json_t *
hook_text(const struct errand *last, int which, bool is_able, const char **state_r)
{
	*state_r = "idle";
	if (which == HOOKS)
		return json_string(
		    is_able ? "Not looked at yet." : "It is made by hand, as said below.");
	*state_r = live_errand_state(last, 1);
	if (last->is_open)
		return json_string("Asking …");
	if (last->error[0] != '\0')
		return words_json(last->error);
	if (which == SEEN)
		return seen_text(last, state_r);
	if (which == MADE)
		return json_string("The webhook is made.");
	*state_r = "idle";
	return json_string(bh_is_json_true(last->answer, "removed")
			       ? "The webhook was taken away."
			       : "There was no webhook to be taken away.");
}

/* The webhooks to elsewhere, as they were seen. */
static json_t *
others_view(const struct errand *seen)
{
	json_t *list = json_array(), *one;
	size_t i;

	if (!json_is_array(seen->answer))
		return list;
	json_array_foreach (seen->answer, i, one) {
		const char *url = bh_json_str(one, "url");

		if (url != NULL && !bh_is_json_true(one, "ours"))
			json_array_append_new(list, json_pack("{s:o}", "url", words_json(url)));
	}
	return list;
}

static void
show_hook(struct source_facts *facts, const struct errand hooks[HOOKS], const int found[HOOKS])
{
	bool is_addressed = facts->exchange->site->conf->public_url[0] != '\0';
	bool is_able = can(facts, ERRAND_REGISTER) && has_key(facts);
	json_t *hook = json_object(), *others = others_view(&hooks[SEEN]);
	int last = HOOKS;
	bool is_there;
	const char *state;

	for (int i = 0; i < HOOKS; i++)
		if (found[i] > 0 && (last == HOOKS || hooks[i].asked_ms >= hooks[last].asked_ms))
			last = i;
	set_live(facts, hook, "endpoint", "text",
	    hook_text(last == HOOKS ? &hooks[SEEN] : &hooks[last], last, is_able, &state));
	set_live(facts, hook, "endpoint", "state", json_string(state));
	json_object_set_new(facts->model, "endpoint", hook);
	json_object_set_new(facts->model, "can_register", json_boolean(is_able && is_addressed));
	json_object_set_new(facts->model, "needs_address", json_boolean(!is_addressed));
	is_there = last != HOOKS && last != GONE && hooks[last].error[0] == '\0' &&
		   (last == MADE || find_ours(hooks[SEEN].answer) != NULL);
	json_object_set_new(facts->model, "register_label",
	    json_string(is_there ? "Save the choice there" : "Make the webhook"));
	json_object_set_new(facts->model, "has_others", json_boolean(json_array_size(others) > 0));
	json_object_set_new(facts->model, "others", others);
}

/* A text that changes when an errand was done: there is more to be seen then than the live texts. */
static void
add_newest(struct source_facts *facts, const struct errand *probe, const struct errand hooks[HOOKS])
{
	json_t *newest = json_sprintf("%lld-%lld-%lld-%lld", (long long)probe->done_ms,
	    (long long)hooks[MADE].done_ms, (long long)hooks[SEEN].done_ms,
	    (long long)hooks[GONE].done_ms);

	json_object_set(facts->model, "newest", newest);
	json_object_set_new(facts->live, "newest", newest);
}

static int
add_errands(struct source_facts *facts, struct bh_err *err)
{
	static const char *const names[HOOKS] = {ERRAND_REGISTER, ERRAND_ENDPOINTS, ERRAND_REMOVE};
	struct store_txn *txn = exchange_read(facts->exchange);
	const char *code = facts->connection->code;
	struct errand probe, hooks[HOOKS];
	int found[HOOKS] = {0}, rc = errand_load(txn, code, ERRAND_PROBE, &probe, err);
	bool is_read = rc >= 0;

	for (int i = 0; i < HOOKS; i++) {
		found[i] = errand_load(txn, code, names[i], &hooks[i], err);
		is_read = is_read && found[i] >= 0;
	}
	if (is_read) {
		show_probe(facts, &probe, rc);
		show_hook(facts, hooks, found);
		add_newest(facts, &probe, hooks);
	}
	errand_release(&probe);
	for (int i = 0; i < HOOKS; i++)
		errand_release(&hooks[i]);
	return is_read ? 0 : -1;
}

/* -- all of it -- */

int
source_facts_get(struct source_facts *facts, struct exchange *exchange,
    const struct account_connection *connection, const struct source_driver *driver,
    struct bh_err *err)
{
	*facts = (struct source_facts){exchange, connection, driver, bh_now_ms(), json_object(),
	    json_object()};
	return add_errands(facts, err) < 0 || add_walks(facts, err) < 0 ? -1 : 0;
}

void
source_facts_release(struct source_facts *facts)
{
	json_decref(facts->model);
	json_decref(facts->live);
}

/* The worst first: a word for CSS, and what people read. */
static const char *
card_state(const struct account_connection *connection, const struct errand *probe,
    const struct walk walks[2], const char **state_r)
{
	if (connection->broken[0] != '\0' || probe->error[0] != '\0' ||
	    walks[0].state == WALK_FAILED || walks[1].state == WALK_FAILED) {
		*state_r = "bad";
		return "needs you";
	}
	*state_r = "idle";
	if (connection->paused)
		return "paused";
	*state_r = "busy";
	if (walks[0].state == WALK_RUNNING)
		return "reading";
	*state_r = "good";
	return "connected";
}

int
source_card(struct exchange *exchange, const struct account_connection *connection, json_t **view_r,
    struct bh_err *err)
{
	const struct source_driver *driver = source_driver(connection->driver);
	struct store_txn *txn = exchange_read(exchange);
	struct errand probe = {0};
	struct walk walks[2] = {{0}};
	const char *state, *word;
	int rc = errand_load(txn, connection->code, ERRAND_PROBE, &probe, err);

	*view_r = NULL;
	if (rc >= 0)
		rc = walk_load(txn, connection->code, WALK_BACKFILL, &walks[0], err);
	if (rc >= 0)
		rc = walk_load(txn, connection->code, WALK_CATCHUP, &walks[1], err);
	if (rc >= 0) {
		word = card_state(connection, &probe, walks, &state);
		*view_r = json_pack("{s:o, s:s, s:s, s:o, s:s, s:s, s:o, s:o}", "name",
		    words_json(connection->name[0] != '\0' ? connection->name : connection->code),
		    "code", connection->code, "driver",
		    driver != NULL ? driver->title : connection->driver, "url",
		    json_sprintf("%s/connections/%s", exchange->request->base, connection->code),
		    "state", state, "word", word, "badge", words_json(source_mode(connection)),
		    "progress", walk_progress(&walks[0], bh_now_ms()));
	}
	for (size_t i = 0; i < BH_LEN(walks); i++)
		walk_release(&walks[i]);
	errand_release(&probe);
	return rc < 0 ? -1 : 0;
}
