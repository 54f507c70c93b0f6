/* The verb status: sources, lanes, what is kept, and what needs a person. */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "conf/mode.h"
#include "state/bulk.h"
#include "state/environment.h"
#include "state/journal.h"
#include "state/link.h"
#include "state/retain.h"
#include "state/walk.h"
#include "sync/health.h"

#define EVENTS_LOOKED_AT 200 /* for the last event of each source */
#define BACKLOG_COUNTED 100000
#define EVENTS_COUNTED 1000000
#define MB (1024 * (int64_t)1024)

void
cli_age(char out[64], int64_t at_ms)
{
	int64_t age = (bh_now_ms() - at_ms) / 1000;

	if (at_ms == 0)
		snprintf(out, 64, "never");
	else if (age < 120)
		snprintf(out, 64, "%lld s ago", (long long)age);
	else if (age < 7200)
		snprintf(out, 64, "%lld min ago", (long long)age / 60);
	else
		bh_rfc3339(out, at_ms / 1000 * 1000);
}

static json_t *
lane_json(const struct account_connection *c, const struct link_lane *lane)
{
	return json_pack(
	    "{s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:I, s:I, s:I, s:I}", "code",
	    c->code, "driver", c->driver, "broken", c->broken, "paused", c->paused, "in_step",
	    (json_int_t)lane->in_step, "dirty", (json_int_t)lane->dirty, "held",
	    (json_int_t)lane->held, "waiting_parent", (json_int_t)lane->waiting_parent, "excluded",
	    (json_int_t)lane->excluded, "pause_until_ms", (json_int_t)lane->pause_until_ms,
	    "reason", lane->reason, "last_push_ms", (json_int_t)lane->last_push_ms, "calls",
	    (json_int_t)lane->calls, "day_used", (json_int_t)lane->day_used, "day_limit",
	    (json_int_t)lane->day_limit);
}

/* A bulk job on its way, or why there is none for a while. */
static int
add_bulk(struct store_txn *txn, const char *code, json_t *lane, struct bh_err *err)
{
	struct bulk_job job;

	if (bulk_load(txn, code, &job, err) < 0)
		return -1;
	if (job.phase != BULK_NONE)
		json_object_set_new(lane, "bulk",
		    json_pack("{s:s, s:i, s:I, s:I, s:I, s:I}", "object", job.crm_object, "phase",
			(int)job.phase, "rows", (json_int_t)job.rows, "processed",
			(json_int_t)job.processed, "failed", (json_int_t)job.failed, "started_ms",
			(json_int_t)job.started_ms));
	else if (job.note[0] != '\0' && job.off_until_ms > bh_now_ms())
		json_object_set_new(lane, "bulk_failed", bh_json_string(job.note));
	return 0;
}

static int
add_lane(struct store_txn *txn, const struct account_connection *c, json_t *lanes,
    struct bh_err *err)
{
	struct link_lane lane;
	json_t *shown;

	if (link_lane_get(txn, c->code, &lane, err) < 0)
		return -1;
	shown = lane_json(c, &lane);
	json_object_set_new(shown, "forecast", json_integer((json_int_t)link_lane_forecast(&lane)));
	json_array_append_new(lanes, shown);
	return add_bulk(txn, c->code, shown, err);
}

/* -- sources -- */

static int
add_source(struct store_txn *txn, const struct account_connection *c, json_t *sources,
    struct bh_err *err)
{
	json_t *source;
	int64_t duplicates;

	if (cli_source_state(txn, c->code, &source, err) < 0)
		return -1;
	if (journal_duplicates(txn, c->code, &duplicates, err) < 0) {
		json_decref(source);
		return -1;
	}
	json_object_set_new(source, "duplicates", json_integer(duplicates));
	json_object_set_new(source, "driver", json_string(c->driver));
	json_object_set_new(source, "paused", json_boolean(c->paused));
	json_object_set_new(source, "broken", bh_json_string(c->broken));
	json_object_set_new(source, "last_event_ms", json_integer(0));
	json_array_append_new(sources, source);
	return 0;
}

/* When the newest event of each came: among the last ones. */
static int
find_last_events(struct store_txn *txn, json_t *sources, struct bh_err *err)
{
	struct journal_event *events = bh_xcalloc(EVENTS_LOOKED_AT, sizeof(events[0]));
	json_t *source;
	size_t n = 0, i;
	int rc = journal_list(txn, 0, EVENTS_LOOKED_AT, events, &n, err);

	for (size_t k = 0; k < n; k++) {
		json_array_foreach (sources, i, source) {
			if (strcmp(bh_json_str(source, "code"), events[k].connection) == 0 &&
			    bh_json_int(source, "last_event_ms", 0) < events[k].received_ms)
				json_object_set_new(source, "last_event_ms",
				    json_integer(events[k].received_ms));
		}
		journal_event_release(&events[k]);
	}
	free(events);
	return rc;
}

/* Of the walks: the one that runs or was refused, else the one that ended last. */
static const json_t *
telling_walk(const json_t *source)
{
	const json_t *walk, *telling = NULL;
	size_t i;

	json_array_foreach (json_object_get(source, "walks"), i, walk) {
		const char *state = bh_json_str(walk, "state");

		if (strcmp(state, "done") != 0 && strcmp(state, "idle") != 0)
			return walk;
		if (telling == NULL ||
		    bh_json_int(walk, "ended_ms", 0) > bh_json_int(telling, "ended_ms", 0))
			telling = walk;
	}
	return telling;
}

static void
print_walk(const char *code, const json_t *walk)
{
	const char *state = bh_json_str(walk, "state"), *note = bh_json_str(walk, "note");
	char age[64];

	printf("%-20s %s %s", code, bh_json_str(walk, "walk"), state);
	if (strcmp(state, "done") == 0) {
		cli_age(age, bh_json_int(walk, "ended_ms", 0));
		printf(" %s", age);
	} else if (bh_json_int(walk, "phases", 0) > 0) {
		printf(", %s (%lld of %lld)", bh_json_str(walk, "phase"),
		    (long long)bh_json_int(walk, "phase_number", 0),
		    (long long)bh_json_int(walk, "phases", 0));
	}
	printf(": %lld read, %lld changed%s%s\n", (long long)bh_json_int(walk, "read", 0),
	    (long long)bh_json_int(walk, "changed", 0), *note != '\0' ? "; " : "", note);
}

static void
print_source(const json_t *source)
{
	const char *code = bh_json_str(source, "code"), *broken = bh_json_str(source, "broken");
	const json_t *walk = telling_walk(source);
	long long lookups = (long long)bh_json_int(source, "lookups", 0);
	int64_t last_ms = bh_json_int(source, "last_event_ms", 0);
	char age[64];

	cli_age(age, last_ms);
	printf("%-20s %s, last event %s", code, bh_json_str(source, "driver"),
	    last_ms != 0 ? age : "not among the newest");
	if (lookups != 0)
		printf(", %lld look-ups wait", lookups);
	if (bh_json_int(source, "duplicates", 0) != 0)
		printf(", %lld came twice", (long long)bh_json_int(source, "duplicates", 0));
	printf("%s\n", bh_is_json_true(source, "paused") ? ", paused" : "");
	if (walk != NULL)
		print_walk("", walk);
	if (*broken != '\0')
		printf("%-20s stopped: %s\n", "", broken);
}

static int
collect_lanes(struct store_txn *txn, json_t *lanes, json_t *sources, struct bh_err *err)
{
	json_t *codes = NULL, *code;
	size_t i;
	int rc = account_connections(txn, &codes, err);

	json_array_foreach (codes, i, code) {
		struct account_connection c;

		if (rc < 0 || (rc = account_connection_load(txn, NULL, json_string_value(code), &c,
				   err)) <= 0)
			continue;
		if (c.is_source)
			rc = add_source(txn, &c, sources, err);
		else
			rc = add_lane(txn, &c, lanes, err);
		account_connection_release(&c);
	}
	json_decref(codes);
	return rc < 0 ? -1 : 0;
}

/* -- syncs -- */

static int
add_clash(struct store_txn *txn, const char *code, json_t *clashes, struct bh_err *err)
{
	struct account_connection from = {0}, to = {0};
	char text[ENVIRONMENT_TEXT];
	struct account_sync sync;
	int rc = account_sync_load(txn, code, &sync, err);

	if (rc > 0)
		rc = account_connection_load(txn, NULL, sync.from, &from, err);
	if (rc > 0)
		rc = account_connection_load(txn, NULL, sync.to, &to, err);
	if (rc > 0)
		rc = environment_clash(txn, &from, &to, text, err);
	if (rc > 0)
		json_array_append_new(clashes,
		    json_pack("{s:s, s:o}", "sync", code, "text", bh_json_string(text)));
	account_connection_release(&from);
	account_connection_release(&to);
	account_sync_release(&sync);
	return rc < 0 ? -1 : 0;
}

/* Test data on its way into production, or the other way round. */
static int
collect_clashes(struct store_txn *txn, json_t *clashes, struct bh_err *err)
{
	json_t *codes = NULL, *code;
	size_t i;
	int rc = account_syncs(txn, &codes, err);

	json_array_foreach (codes, i, code)
		if (rc == 0)
			rc = add_clash(txn, json_string_value(code), clashes, err);
	json_decref(codes);
	return rc;
}

static void
print_lane(const json_t *lane)
{
	const char *broken = bh_json_str(lane, "broken");
	const json_t *bulk = json_object_get(lane, "bulk");
	char age[64];

	cli_age(age, bh_json_int(lane, "last_push_ms", 0));
	printf(
	    "%-20s %8lld in step %8lld waiting %6lld need you %6lld excluded   last push %s, %lld calls\n",
	    bh_json_str(lane, "code"), (long long)bh_json_int(lane, "in_step", 0),
	    (long long)(bh_json_int(lane, "dirty", 0) + bh_json_int(lane, "waiting_parent", 0)),
	    (long long)bh_json_int(lane, "held", 0), (long long)bh_json_int(lane, "excluded", 0),
	    age, (long long)bh_json_int(lane, "calls", 0));
	if (*broken != '\0')
		printf("%-20s stopped: %s\n", "", broken);
	if (bh_json_int(lane, "pause_until_ms", 0) > bh_now_ms())
		printf("%-20s pauses: %s\n", "", bh_json_str(lane, "reason"));
	else if (*bh_json_str(lane, "reason") != '\0')
		printf("%-20s %s\n", "", bh_json_str(lane, "reason"));
	if (bulk != NULL)
		printf("%-20s bulk job: %lld of %lld rows of %s\n", "",
		    (long long)bh_json_int(bulk, "processed", 0),
		    (long long)bh_json_int(bulk, "rows", 0), bh_json_str(bulk, "object"));
}

static int
collect(struct store_txn *txn, json_t *doc, struct bh_err *err)
{
	json_t *lanes = json_array(), *sources = json_array(), *clashes = json_array();
	size_t backlog = 0, events = 0;
	int64_t bytes = 0;
	int rc = collect_lanes(txn, lanes, sources, err);

	json_object_set_new(doc, "lanes", lanes);
	json_object_set_new(doc, "sources", sources);
	json_object_set_new(doc, "clashes", clashes);
	if (rc == 0)
		rc = collect_clashes(txn, clashes, err);
	if (rc == 0)
		rc = find_last_events(txn, sources, err);
	if (rc == 0)
		rc = journal_backlog(txn, BACKLOG_COUNTED, &backlog, err);
	if (rc == 0)
		rc = journal_kept(txn, EVENTS_COUNTED, &events, err);
	if (rc == 0)
		rc = retain_bytes(txn, &bytes, err);
	json_object_set_new(doc, "backlog", json_integer((json_int_t)backlog));
	json_object_set_new(doc, "journal",
	    json_pack("{s:I, s:o}", "events", (json_int_t)events, "bytes",
		rc > 0 ? json_integer(bytes) : json_null()));
	return rc < 0 ? -1 : 0;
}

/* How the work gets done, and when cron did it last. */
static void
add_mode(const struct cli *cli, json_t *doc)
{
	struct mode_report report;

	mode_report(&cli->conf, bh_now_ms(), &report);
	json_object_set_new(doc, "mode",
	    json_pack("{s:s, s:I, s:b, s:s}", "name", mode_name(report.mode), "drained_ms",
		(json_int_t)report.drained_ms, "is_overdue", report.is_overdue, "text",
		report.text));
}

static void
print_status(const json_t *doc)
{
	const json_t *bytes = bh_json_at(doc, "journal.bytes"), *one;
	size_t i;

	if (bh_json_str(doc, "refuses.reason") != NULL)
		printf("NOT WELL: %s\n", bh_json_str(doc, "refuses.reason"));
	printf("%s\n", bh_json_str(json_object_get(doc, "mode"), "text"));
	printf("%lld events wait to be handled, %lld are kept",
	    (long long)bh_json_int(doc, "backlog", 0),
	    (long long)bh_json_int(json_object_get(doc, "journal"), "events", 0));
	if (json_is_integer(bytes))
		printf(" (%lld.%lld MB)", (long long)(json_integer_value(bytes) / MB),
		    (long long)(json_integer_value(bytes) % MB * 10 / MB));
	putchar('\n');
	json_array_foreach (json_object_get(doc, "sources"), i, one)
		print_source(one);
	json_array_foreach (json_object_get(doc, "lanes"), i, one)
		print_lane(one);
	json_array_foreach (json_object_get(doc, "clashes"), i, one)
		printf("%-20s %s\n", bh_json_str(one, "sync"), bh_json_str(one, "text"));
}

/* True when webhooks are refused: why stands in doc. */
static bool
add_refusal(struct cli *cli, json_t *doc)
{
	struct store_txn *txn = store_begin(cli->store);
	const char *reason = "", *word = NULL;
	struct health health;

	if (health_read(cli->store, txn, &cli->key, bh_now_ms(), &health, NULL) == 0)
		word = health_refusal(&health, &reason);
	store_free(&txn);
	json_object_set_new(doc, "refuses",
	    word != NULL ? json_pack("{s:s, s:s}", "status", word, "reason", reason) : json_null());
	return word != NULL;
}

int
cli_status(struct cli *cli)
{
	json_t *doc = json_object(), *stats = NULL, *lane;
	struct bh_err err = BH_ERR_INIT;
	struct store_txn *txn;
	bool attention = false;
	int status = cli_store(cli), rc = 0;
	size_t i;

	if (status == 0) {
		txn = store_begin(cli->store);
		rc = collect(txn, doc, &err);
		store_free(&txn);
		if (rc == 0)
			rc = store_stats(cli->store, &stats, &err);
	}
	if (status == 0 && rc == 0)
		attention = add_refusal(cli, doc);
	if (rc < 0)
		status = cli_error("%s", err.text);
	json_array_foreach (json_object_get(doc, "lanes"), i, lane) {
		attention = attention || bh_json_int(lane, "held", 0) != 0 ||
			    *bh_json_str(lane, "broken") != '\0';
	}
	add_mode(cli, doc);
	attention = attention || bh_is_json_true(json_object_get(doc, "mode"), "is_overdue");
	json_object_set_new(doc, "store", stats != NULL ? stats : json_null());
	if (status == 0 && cli->json)
		cli_print_json(doc);
	else if (status == 0)
		print_status(doc);
	json_decref(doc);
	return status != 0 ? status : attention ? CLI_ATTENTION : 0;
}
