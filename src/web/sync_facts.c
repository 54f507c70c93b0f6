/* See sync_facts.h. */
#include "base/base.h"

#include "web/sync_facts.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "map/map.h"
#include "map/shape.h"
#include "source/source.h"
#include "state/draft.h"
#include "state/environment.h"
#include "state/link.h"
#include "state/walk.h"
#include "sync/preview.h"
#include "web/live.h"
#include "web/source_facts.h"
#include "web/walk_view.h"
#include "web/words.h"

#define COUNT_MAX 1000

struct counts {
	struct link_lane lane;
	size_t dirty, held;
	bool is_alone; /* no other sync leads to the lane: its counts are this sync's */
};

static const char *
name_of(const struct account_connection *connection, const char *code)
{
	return connection->name[0] != '\0' ? connection->name : code;
}

json_t *
sync_facts_name(const struct sync_facts *facts)
{
	char *name = bh_xasprintf("%s → %s", name_of(&facts->from, facts->sync.from),
	    name_of(&facts->to, facts->sync.to));
	json_t *json = words_json(name);

	free(name);
	return json;
}

/* -- does it work? -- */

static void
look_at_map(struct sync_facts *facts, const struct dest_driver *driver)
{
	const char *prefix = bh_json_str(facts->to.settings, "prefix");
	const struct account_sync *sync = &facts->sync;
	const struct map_object *objects;
	struct bh_err why = BH_ERR_INIT;
	struct map *map = NULL;
	json_t *shaped = NULL;
	size_t n;

	if (map_shape(sync->mapping, sync->settings, driver->prefix,
		prefix != NULL && *prefix != '\0' ? prefix : NULL, &shaped, &why) < 0 ||
	    map_new(shaped, &map, &why) < 0) {
		snprintf(facts->trouble, sizeof(facts->trouble), "The mapping: %.220s", why.text);
	} else {
		n = map_objects(map, &objects);
		for (size_t i = 0; i < n; i++)
			if (objects[i].rank >= facts->ranks)
				facts->ranks = objects[i].rank + 1;
	}
	map_free(&map);
	json_decref(shaped);
}

static void
look_for_trouble(struct sync_facts *facts)
{
	const struct dest_driver *driver = dest_driver(facts->to.driver);

	if (!facts->from.is_source || source_driver(facts->from.driver) == NULL)
		snprintf(facts->trouble, sizeof(facts->trouble),
		    "Its billing system %s is not connected.", facts->sync.from);
	else if (facts->to.is_source || driver == NULL)
		snprintf(facts->trouble, sizeof(facts->trouble), "Its CRM %s is not connected.",
		    facts->sync.to);
	else
		look_at_map(facts, driver);
}

/* -- its state -- */

static int
count_syncs_to(struct store_txn *txn, const char *dest, size_t *n_r, struct bh_err *err)
{
	json_t *codes = NULL, *code;
	size_t i;
	int rc = account_syncs(txn, &codes, err);

	*n_r = 0;
	json_array_foreach (codes, i, code) {
		struct account_sync sync = {0};

		rc = account_sync_load(txn, json_string_value(code), &sync, err);
		*n_r += rc > 0 && strcmp(sync.to, dest) == 0;
		account_sync_release(&sync);
		if (rc < 0)
			break;
	}
	json_decref(codes);
	return rc < 0 ? -1 : 0;
}

static int
count(const struct sync_facts *facts, struct counts *counts, struct bh_err *err)
{
	struct store_txn *txn = exchange_read(facts->exchange);
	const struct account_sync *sync = &facts->sync;
	size_t syncs;

	if (link_lane_get(txn, sync->to, &counts->lane, err) < 0 ||
	    link_sync_counts(txn, sync->to, sync->code, facts->ranks, COUNT_MAX, &counts->dirty,
		&counts->held, err) < 0 ||
	    count_syncs_to(txn, sync->to, &syncs, err) < 0)
		return -1;
	counts->is_alone = syncs <= 1;
	return 0;
}

/* "1,204"; "1,000+" where it is not counted any further. */
static json_t *
capped(size_t n)
{
	return n >= COUNT_MAX ? json_string("1,000+") : words_count_json((int64_t)n);
}

static json_t *
sentence(const char *text)
{
	size_t len = strlen(text);

	return len == 0 || strchr(".!?", text[len - 1]) != NULL ? words_json(text)
								: json_sprintf("%s.", text);
}

/* Of one that runs. */
static json_t *
running_reason(const struct counts *counts, int64_t now_ms, const char **state_r)
{
	char until[WORDS_MAX], n[WORDS_MAX];

	if (counts->held > 0) {
		*state_r = "bad";
		words_count(n, (int64_t)counts->held);
		return json_sprintf("%s%s %s refused or %s for a choice.", n,
		    counts->held >= COUNT_MAX ? "+" : "",
		    counts->held == 1 ? "record is" : "records are",
		    counts->held == 1 ? "waits" : "wait");
	}
	*state_r = "busy";
	if (counts->lane.pause_until_ms > now_ms) {
		words_age(until, counts->lane.pause_until_ms, now_ms);
		return json_sprintf("The CRM asks for a pause; it goes on %s.", until);
	}
	if (counts->lane.reason[0] != '\0')
		return sentence(counts->lane.reason);
	if (counts->dirty > 0)
		return json_string("Records are on their way.");
	*state_r = counts->lane.in_step > 0 ? "good" : "idle";
	return json_string(counts->lane.in_step > 0 ? "All is in step." : "Nothing has come yet.");
}

/* A word for CSS, one for people, and why. */
static json_t *
reason_of(const struct sync_facts *facts, const struct counts *counts, const char **state_r,
    const char **word_r)
{
	const struct account_connection *from = &facts->from, *to = &facts->to;
	json_t *reason;

	*state_r = "bad";
	*word_r = "does not work";
	if (facts->trouble[0] != '\0')
		return sentence(facts->trouble);
	*word_r = "needs you";
	if (to->broken[0] != '\0' || from->broken[0] != '\0')
		return sentence(to->broken[0] != '\0' ? to->broken : from->broken);
	*state_r = "idle";
	*word_r = "not started";
	if (facts->sync.is_new)
		return json_string("Nothing is written before you start it.");
	*word_r = "paused";
	if (facts->sync.paused)
		return json_string("Paused by a person. What changes meanwhile is sent later.");
	if (to->paused || from->paused)
		return json_sprintf("The connection %s is paused.",
		    to->paused ? facts->sync.to : facts->sync.from);
	reason = running_reason(counts, facts->now_ms, state_r);
	*word_r = strcmp(*state_r, "bad") == 0 ? "needs you" : "running";
	return reason;
}

static json_t *
badge_of(const struct account_connection *connection)
{
	return words_json(source_mode(connection));
}

static void
add_ends(struct sync_facts *facts)
{
	const char *base = facts->exchange->request->base;
	const struct account_sync *sync = &facts->sync;
	json_t *view = facts->view;

	json_object_set_new(view, "code", json_string(sync->code));
	json_object_set_new(view, "url", json_sprintf("%s/syncs/%s", base, sync->code));
	json_object_set_new(view, "name", sync_facts_name(facts));
	json_object_set_new(view, "preset", words_json(sync->preset));
	json_object_set_new(view, "from", words_json(name_of(&facts->from, sync->from)));
	json_object_set_new(view, "from_url", json_sprintf("%s/connections/%s", base, sync->from));
	json_object_set_new(view, "from_badge", badge_of(&facts->from));
	json_object_set_new(view, "to", words_json(name_of(&facts->to, sync->to)));
	json_object_set_new(view, "to_url", json_sprintf("%s/connections/%s", base, sync->to));
	json_object_set_new(view, "to_badge", badge_of(&facts->to));
}

static void
add_counts(struct sync_facts *facts, const struct counts *counts, json_t *live)
{
	const struct link_lane *lane = &counts->lane;
	size_t waiting =
	    counts->dirty + (counts->is_alone ? (size_t)lane->waiting_parent : (size_t)0);
	char scope[96];

	snprintf(scope, sizeof(scope), "sync.%s", facts->sync.code);
	live_set(live, facts->view, scope, "in_step", words_count_json(lane->in_step));
	live_set(live, facts->view, scope, "excluded", words_count_json(lane->excluded));
	live_set(live, facts->view, scope, "waiting", capped(waiting));
	live_set(live, facts->view, scope, "held", capped(counts->held));
	json_object_set_new(facts->view, "is_shared", json_boolean(!counts->is_alone));
	json_object_set_new(facts->view, "last_push",
	    words_time_json(lane->last_push_ms, facts->now_ms));
}

/* Whether test data would go into production, or the other way round. */
static int
add_clash(struct sync_facts *facts, struct bh_err *err)
{
	char text[ENVIRONMENT_TEXT];
	int rc =
	    environment_clash(exchange_read(facts->exchange), &facts->from, &facts->to, text, err);

	json_object_set_new(facts->view, "clash", words_json(text));
	return rc < 0 ? -1 : 0;
}

static int
add_state(struct sync_facts *facts, json_t *live, struct bh_err *err)
{
	struct counts counts;
	const char *state, *word;
	json_t *reason;
	char scope[96];

	if (count(facts, &counts, err) < 0)
		return -1;
	snprintf(scope, sizeof(scope), "sync.%s", facts->sync.code);
	reason = reason_of(facts, &counts, &state, &word);
	live_set(live, facts->view, scope, "state", json_string(state));
	live_set(live, facts->view, scope, "word", json_string(word));
	live_set(live, facts->view, scope, "reason", reason);
	add_counts(facts, &counts, live);
	return 0;
}

int
sync_facts_get(struct sync_facts *facts, struct exchange *exchange, const char *code, json_t *live,
    struct bh_err *err)
{
	struct store_txn *txn = exchange_read(exchange);
	int rc;

	*facts =
	    (struct sync_facts){.exchange = exchange, .now_ms = bh_now_ms(), .view = json_object()};
	rc = account_sync_load(txn, code, &facts->sync, err);
	if (rc == 0) {
		sync_facts_release(facts);
		return 0;
	}
	if (rc < 0 || account_connection_load(txn, NULL, facts->sync.from, &facts->from, err) < 0 ||
	    account_connection_load(txn, NULL, facts->sync.to, &facts->to, err) < 0)
		return -1;
	look_for_trouble(facts);
	add_ends(facts);
	return add_clash(facts, err) < 0 || add_state(facts, live, err) < 0 ? -1 : 1;
}

void
sync_facts_release(struct sync_facts *facts)
{
	account_sync_release(&facts->sync);
	account_connection_release(&facts->from);
	account_connection_release(&facts->to);
	json_decref(facts->view);
	facts->view = NULL;
}

/* -- its re-sync -- */

static const struct {
	const char *state, *word;
} resync_words[WALK__MAX] = {{"idle", "not asked for"}, {"busy", "looking at all records"},
    {"idle", "paused"}, {"bad", "stopped"}, {"good", "done"}};

/* "credit_note" as people say it of many: "credit notes". */
static void
plural(char out[64], const char *kind)
{
	size_t len = strlen(kind);
	bool is_y = len > 0 && kind[len - 1] == 'y';

	snprintf(out, 64, "%.*s%s", (int)(is_y ? len - 1 : len), kind, is_y ? "ies" : "s");
	for (char *c = out; *c != '\0'; c++)
		if (*c == '_')
			*c = ' ';
}

static json_t *
resync_text(const struct walk *walk, int64_t now_ms)
{
	char n[WORDS_MAX], ended[WORDS_MAX], what[64];
	struct bh_buf text = BH_BUF_INIT(600);
	json_t *json;

	words_count(n, walk->changed);
	plural(what, walk->phase);
	if (walk->state == WALK_RUNNING && walk->phases > 0)
		walk_view_step(&text, walk, what, now_ms);
	if (walk->state == WALK_DONE) {
		words_age(ended, walk->ended_ms, now_ms);
		bh_buf_addf(&text, "%s, ", ended);
	}
	if (walk->state != WALK_IDLE)
		bh_buf_addf(&text, "%s %s compared with what was sent last.%s", n,
		    walk->changed == 1 ? "record is" : "records are",
		    walk->note[0] != '\0' ? " " : "");
	bh_buf_adds(&text, walk->note);
	json = words_json(bh_buf_str(&text));
	bh_buf_release(&text);
	return json;
}

int
sync_facts_resync(struct sync_facts *facts, json_t *live, struct bh_err *err)
{
	json_t *json = json_object();
	struct walk walk;

	json_object_set_new(facts->view, "resync", json);
	if (walk_load(exchange_read(facts->exchange), facts->sync.code, WALK_RESYNC, &walk, err) <
	    0)
		return -1;
	live_set(live, json, "resync", "state", json_string(resync_words[walk.state].state));
	live_set(live, json, "resync", "word", json_string(resync_words[walk.state].word));
	live_set(live, json, "resync", "text", resync_text(&walk, facts->now_ms));
	live_set(live, json, "resync", "percent", json_sprintf("%d", walk_view_percent(&walk)));
	live_set_shown(live, json, "resync", "has_bar",
	    walk.state == WALK_RUNNING || walk.state == WALK_PAUSED);
	live_set_shown(live, json, "resync", "can_begin", walk.state != WALK_RUNNING);
	live_set_shown(live, json, "resync", "can_pause", walk.state == WALK_RUNNING);
	live_set_shown(live, json, "resync", "can_resume",
	    walk.state == WALK_PAUSED || walk.state == WALK_FAILED);
	live_set_shown(live, json, "resync", "can_cancel",
	    walk.state == WALK_RUNNING || walk.state == WALK_PAUSED);
	walk_release(&walk);
	return 0;
}

int
sync_facts_may_start(const struct sync_facts *facts, char why[160], struct bh_err *err)
{
	struct store_txn *txn = exchange_read(facts->exchange);
	int is_seen = preview_is_seen(txn, facts->sync.code, NULL, err);
	json_t *draft = NULL;
	int has_draft = is_seen == 0 ? draft_load(txn, facts->sync.code, &draft, err) : 0;

	json_decref(draft);
	why[0] = '\0';
	if (facts->trouble[0] != '\0')
		snprintf(why, 160, "It does not work as it is; see above.");
	else if (facts->ranks == 0)
		snprintf(why, 160, "Nothing is mapped yet.");
	else if (has_draft > 0)
		snprintf(why, 160,
		    "The mapping is being changed: put the draft to use or throw it away, then look at the preview.");
	else if (is_seen == 0)
		snprintf(why, 160, "Look at the whole preview first.");
	return is_seen < 0 || has_draft < 0 ? -1 : 0;
}
