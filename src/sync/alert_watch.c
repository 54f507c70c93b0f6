/*
 * The checks, once each in the table below.  An incident's key begins with the
 * check's name: what is open and is not found again is cured.
 */
#include "base/base.h"

#include "sync/alert_watch.h"

#include "base/clock.h"
#include "dest/dest.h"
#include "state/journal.h"
#include "state/link.h"
#include "state/queue.h"
#include "sync/sync.h"

#define MINUTE_MS (60 * INT64_C(1000))
#define HOUR_MS (60 * MINUTE_MS)
#define FAILED_COUNTED 100
#define EVENTS_PAGE 200
#define EVENTS_LOOKED_AT 4000
#define OPEN_PAGE 500

struct watch {
	struct store_txn *txn;
	const json_t *settings;
	int64_t now_ms;
	const char *check;                           /* whose turn it is */
	const struct account_connection *connection; /* NULL for checks of the whole */
	json_t *found;                               /* set of keys */
};

static const char *
name_of(const struct account_connection *connection)
{
	return connection->name[0] != '\0' ? connection->name : connection->code;
}

static void
key_of(const struct watch *watch, char key[ALERT_KEY_MAX])
{
	snprintf(key, ALERT_KEY_MAX, "%s/%s", watch->check,
	    watch->connection != NULL ? watch->connection->code : "");
}

/* It is there.  title_take is freed. */
static int
found(struct watch *watch, enum alert_priority priority, int64_t grace_ms, char *title_take,
    const char *text, struct bh_err *err)
{
	char key[ALERT_KEY_MAX];
	struct alert_cause cause = {.key = key,
	    .title = title_take,
	    .text = text,
	    .priority = priority,
	    .grace_ms = grace_ms,
	    .is_reminded = true};
	int rc;

	key_of(watch, key);
	json_object_set_new(watch->found, key, json_true());
	rc = alert_raise(watch->txn, &cause, watch->now_ms, err);
	free(title_take);
	return rc;
}

/* -- of a connection -- */

static int
check_broken(struct watch *watch, struct bh_err *err)
{
	const struct account_connection *c = watch->connection;

	if (c->broken[0] == '\0')
		return 0;
	return found(watch, ALERT_HIGH, 0, bh_xasprintf("%s is disconnected", name_of(c)),
	    c->broken, err);
}

static int
check_held(struct watch *watch, struct bh_err *err)
{
	const struct account_connection *c = watch->connection;
	struct link_lane lane;

	if (c->is_source)
		return 0;
	if (link_lane_get(watch->txn, c->code, &lane, err) < 0)
		return -1;
	if (lane.held == 0)
		return 0;
	return found(watch, ALERT_NORMAL, 0,
	    bh_xasprintf("%s: %lld %s a person", name_of(c), (long long)lane.held,
		lane.held == 1 ? "record needs" : "records need"),
	    NULL, err);
}

/* Are so many calls of the day used that only what is urgent is sent? */
static bool
is_limited(const struct watch *watch, const struct link_lane *lane)
{
	const struct account_connection *c = watch->connection;
	const struct dest_driver *driver = dest_driver(c->driver);
	int64_t percent =
	    driver != NULL ? setting_number(driver->settings, c->settings, "throttle") : 0;

	return percent != 0 && lane->day_limit > 0 &&
	       watch->now_ms - lane->day_at_ms <= 24 * HOUR_MS &&
	       lane->day_used * 100 >= lane->day_limit * percent;
}

/* Did the job of its lane fail as a whole (no token, no answer)?  Why, into reason. */
static int
read_failure(struct watch *watch, char reason[240], bool *has_failed_r, struct bh_err *err)
{
	json_t *jobs, *job;
	size_t i;

	*has_failed_r = false;
	if (queue_list(watch->txn, &jobs, err) < 0)
		return -1;
	json_array_foreach (jobs, i, job)
		if (strcmp(bh_json_str(job, "kind"), "push") == 0 &&
		    strcmp(bh_json_str(job, "arg"), watch->connection->code) == 0 &&
		    bh_json_int(job, "attempts", 0) > 0) {
			*has_failed_r = true;
			bh_json_copy(reason, 240, job, "reason");
		}
	json_decref(jobs);
	return 0;
}

/*
 * Something is to be sent, and the last try brought nothing; between two tries, too.  What waits
 * for calls is told by check_limit().
 */
static int
check_waiting(struct watch *watch, struct bh_err *err)
{
	const struct account_connection *c = watch->connection;
	struct link_lane lane;
	bool has_failed;

	if (c->is_source || c->paused || c->broken[0] != '\0')
		return 0;
	if (link_lane_get(watch->txn, c->code, &lane, err) < 0)
		return -1;
	if (lane.dirty == 0 || is_limited(watch, &lane))
		return 0;
	if (read_failure(watch, lane.reason, &has_failed, err) < 0)
		return -1;
	if (!has_failed && !sync_is_ahead(lane.pause_until_ms) &&
	    lane.last_push_ms <= lane.taken_ms)
		return 0;
	return found(watch, ALERT_NORMAL, HOUR_MS,
	    bh_xasprintf("%s has taken nothing for an hour", name_of(c)), lane.reason, err);
}

static int
check_paused(struct watch *watch, struct bh_err *err)
{
	const struct account_connection *c = watch->connection;

	if (!c->paused)
		return 0;
	return found(watch, ALERT_LOW, 24 * HOUR_MS,
	    bh_xasprintf("%s has been paused for a day", name_of(c)), NULL, err);
}

static int
check_limit(struct watch *watch, struct bh_err *err)
{
	const struct account_connection *c = watch->connection;
	struct link_lane lane;

	if (c->is_source)
		return 0;
	if (link_lane_get(watch->txn, c->code, &lane, err) < 0)
		return -1;
	if (!is_limited(watch, &lane))
		return 0;
	return found(watch, ALERT_NORMAL, 0,
	    bh_xasprintf("%s: the calls of the day are nearly used up", name_of(c)),
	    "Only what is urgent is sent until there are calls again.", err);
}

/* When a source sent its last event; 0: none among the newest, as many as are looked at. */
static int
last_event(struct watch *watch, int64_t *last_ms_r, struct bh_err *err)
{
	struct journal_event *events = bh_xcalloc(EVENTS_PAGE, sizeof(*events));
	uint64_t before = 0;
	size_t looked = 0, n = 1;
	int rc = 0;

	*last_ms_r = 0;
	while (rc == 0 && n > 0 && *last_ms_r == 0 && looked < EVENTS_LOOKED_AT) {
		rc = journal_list(watch->txn, before, EVENTS_PAGE, events, &n, err);
		for (size_t i = 0; i < n; i++) {
			if (*last_ms_r == 0 &&
			    strcmp(events[i].connection, watch->connection->code) == 0)
				*last_ms_r = events[i].received_ms;
			before = events[i].stamp;
			journal_event_release(&events[i]);
		}
		looked += n;
	}
	free(events);
	return rc;
}

/* Is this check's incident open? 1, 0, -1. */
static int
is_open(struct watch *watch, struct bh_err *err)
{
	struct alert_incident incident;
	char key[ALERT_KEY_MAX];
	int rc;

	key_of(watch, key);
	rc = alert_incident_load(watch->txn, key, &incident, err);
	if (rc <= 0)
		return rc;
	rc = incident.cured_ms == 0;
	alert_incident_release(&incident);
	return rc;
}

static int
check_silent(struct watch *watch, struct bh_err *err)
{
	const struct account_connection *c = watch->connection;
	int64_t hours = bh_json_int(watch->settings, "silent_hours", 0), last_ms;
	bool is_silent;
	int rc;

	if (hours <= 0 || !c->is_source || c->paused)
		return 0;
	if (last_event(watch, &last_ms, err) < 0)
		return -1;
	is_silent = last_ms != 0 && watch->now_ms - last_ms >= hours * HOUR_MS;
	/* Its last event was removed with age, or others sent very many since: it is as silent as before. */
	if (last_ms == 0) {
		rc = is_open(watch, err);
		if (rc < 0)
			return -1;
		is_silent = rc > 0;
	}
	if (!is_silent)
		return 0;
	return found(watch, ALERT_NORMAL, 0,
	    bh_xasprintf("%s has sent nothing for %lld hours", name_of(c), (long long)hours), NULL,
	    err);
}

/* -- of the whole -- */

static int
check_failed(struct watch *watch, struct bh_err *err)
{
	uint64_t stamps[FAILED_COUNTED];
	size_t n;

	if (journal_failed(watch->txn, 0, FAILED_COUNTED, stamps, &n, err) < 0)
		return -1;
	if (n == 0)
		return 0;
	return found(watch, ALERT_NORMAL, 0,
	    bh_xasprintf("%zu%s %s not be read", n, n == FAILED_COUNTED ? " or more" : "",
		n == 1 ? "event could" : "events could"),
	    NULL, err);
}

static int
check_backlog(struct watch *watch, struct bh_err *err)
{
	struct journal_batch batch;
	int64_t oldest_ms = watch->now_ms;

	if (journal_next(watch->txn, 1, &batch, err) < 0)
		return -1;
	/* Replays are old by their nature. */
	if (batch.n > 0 && batch.replays == 0)
		oldest_ms = batch.events[0].received_ms;
	journal_batch_release(&batch);
	if (watch->now_ms - oldest_ms < 15 * MINUTE_MS)
		return 0;
	return found(watch, ALERT_HIGH, 0,
	    bh_xasprintf("Events have waited to be handled for 15 minutes"), NULL, err);
}

/* -- all -- */

static const struct check {
	const char *name;
	int (*of_connection)(struct watch *watch, struct bh_err *err);
	int (*of_whole)(struct watch *watch, struct bh_err *err);
} checks[] = {
    {"broken", check_broken, NULL},
    {"held", check_held, NULL},
    {"waiting", check_waiting, NULL},
    {"paused", check_paused, NULL},
    {"limit", check_limit, NULL},
    {"silent", check_silent, NULL},
    {"failed", NULL, check_failed},
    {"backlog", NULL, check_backlog},
};

static int
check_connection(struct watch *watch, const char *code, struct bh_err *err)
{
	struct account_connection connection;
	int rc = account_connection_load(watch->txn, NULL, code, &connection, err);

	watch->connection = &connection;
	for (size_t i = 0; i < BH_LEN(checks) && rc > 0; i++) {
		watch->check = checks[i].name;
		if (checks[i].of_connection != NULL && checks[i].of_connection(watch, err) < 0)
			rc = -1;
	}
	watch->connection = NULL;
	account_connection_release(&connection);
	return rc < 0 ? -1 : 0;
}

static int
check_all(struct watch *watch, struct bh_err *err)
{
	json_t *codes, *code;
	size_t i;
	int rc = account_connections(watch->txn, &codes, err);

	json_array_foreach (codes, i, code)
		if (rc >= 0)
			rc = check_connection(watch, json_string_value(code), err);
	json_decref(codes);
	for (i = 0; i < BH_LEN(checks) && rc >= 0; i++) {
		watch->check = checks[i].name;
		if (checks[i].of_whole != NULL)
			rc = checks[i].of_whole(watch, err);
	}
	return rc < 0 ? -1 : 0;
}

static bool
is_of_check(const char *key)
{
	for (size_t i = 0; i < BH_LEN(checks); i++) {
		size_t len = strlen(checks[i].name);

		if (strncmp(key, checks[i].name, len) == 0 && key[len] == '/')
			return true;
	}
	return false;
}

static int
cure_others(void *arg, const struct alert_incident *incident, struct bh_err *err)
{
	struct watch *watch = arg;

	if (incident->cured_ms != 0 || !is_of_check(incident->key) ||
	    json_object_get(watch->found, incident->key) != NULL)
		return 0;
	return alert_cure(watch->txn, incident->key, watch->now_ms, err) < 0 ? -1 : 0;
}

int
alert_watch(struct store_txn *txn, const json_t *settings, int64_t now_ms, struct bh_err *err)
{
	struct watch watch = {.txn = txn,
	    .settings = settings,
	    .now_ms = now_ms,
	    .found = json_object()};
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	bool more = true;
	int rc = check_all(&watch, err);

	while (rc == 0 && more)
		rc = alert_incidents(txn, OPEN_PAGE, &after, cure_others, &watch, &more, err);
	bh_buf_release(&after);
	json_decref(watch.found);
	return rc;
}
