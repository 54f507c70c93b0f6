/*
 * See metrics.h.  All samples of one name stand together: so a name and what
 * is its label come from tables, and what is read of each connection is read
 * before anything is written.
 */
#include "base/base.h"

#include "sync/metrics.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <dirent.h>
#include <fcntl.h>

#include "base/json.h"
#include "state/account.h"
#include "state/journal.h"
#include "state/link.h"
#include "state/queue.h"
#include "state/tally.h"
#include "sync/health.h"

struct lane {
	char code[72];
	bool paused, stopped;
	struct link_lane counts;
};
struct source {
	char code[72];
	bool paused, stopped;
	int64_t handled[JOURNAL__MAX], duplicates;
};

struct metrics {
	struct bh_buf *out;
	int64_t now_ms;
	struct lane *lanes;
	struct source *sources;
	size_t lanes_n, sources_n;
	struct health health;
	json_t *stats, *jobs;
	uint64_t counters[TALLY__MAX];
};

/* -- writing -- */

/* What stands above the samples of a name. */
static void
head(struct metrics *m, const char *name, const char *type, const char *help)
{
	bh_buf_addf(m->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
add_value(struct bh_buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\\' || *text == '"')
			bh_buf_addc(out, '\\');
		if (*text == '\n')
			bh_buf_adds(out, "\\n");
		else
			bh_buf_addc(out, *text);
	}
}

/* One sample with up to two labels; a NULL name is none. */
static void
sample(struct metrics *m, const char *name, const char *label, const char *value,
    const char *second, const char *word, double number)
{
	bh_buf_adds(m->out, name);
	if (label != NULL) {
		bh_buf_addf(m->out, "{%s=\"", label);
		add_value(m->out, value);
		bh_buf_addc(m->out, '"');
		if (second != NULL) {
			bh_buf_addf(m->out, ",%s=\"", second);
			add_value(m->out, word);
			bh_buf_addc(m->out, '"');
		}
		bh_buf_addc(m->out, '}');
	}
	bh_buf_addf(m->out, " %.15g\n", number);
}

static void
single(struct metrics *m, const char *name, const char *type, const char *help, double number)
{
	head(m, name, type, help);
	sample(m, name, NULL, NULL, NULL, NULL, number);
}

/* -- webhooks and events -- */

static void
add_acks(struct metrics *m)
{
	static const char name[] = "billhook_webhook_duration_seconds";
	uint64_t sum = 0;
	char bound[32];

	head(m, name, "histogram",
	    "Time from a webhook's last byte to its answer 200, by the program's own clock.");
	for (int i = 0; i <= TALLY_BUCKETS; i++) {
		sum += m->counters[TALLY_ACK + i];
		snprintf(bound, sizeof(bound), "%g",
		    i < TALLY_BUCKETS ? (double)tally_bounds_us[i] / 1e6 : 0);
		sample(m, "billhook_webhook_duration_seconds_bucket", "le",
		    i < TALLY_BUCKETS ? bound : "+Inf", NULL, NULL, (double)sum);
	}
	sample(m, "billhook_webhook_duration_seconds_sum", NULL, NULL, NULL, NULL,
	    (double)m->counters[TALLY_ACK_US] / 1e6);
	sample(m, "billhook_webhook_duration_seconds_count", NULL, NULL, NULL, NULL, (double)sum);
}

static void
add_webhooks(struct metrics *m)
{
	static const struct {
		const char *result;
		enum tally_slot slot;
	} results[] = {{"accepted", TALLY_ACCEPTED}, {"duplicate", TALLY_DUPLICATE},
	    {"refused", TALLY_REFUSED}, {"unavailable", TALLY_UNAVAILABLE},
	    {"unknown", TALLY_UNKNOWN}};

	head(m, "billhook_webhooks_total", "counter", "Webhooks that were answered, by answer.");
	for (size_t i = 0; i < BH_LEN(results); i++)
		sample(m, "billhook_webhooks_total", "result", results[i].result, NULL, NULL,
		    (double)m->counters[results[i].slot]);
	add_acks(m);
}

static void
add_events(struct metrics *m)
{
	head(m, "billhook_events_handled_total", "counter",
	    "Events that were handled, by source and outcome; a replay counts again.");
	for (size_t i = 0; i < m->sources_n; i++)
		for (int state = JOURNAL_RECEIVED + 1; state < JOURNAL__MAX; state++)
			sample(m, "billhook_events_handled_total", "source", m->sources[i].code,
			    "outcome", journal_state_name((enum journal_state)state),
			    (double)m->sources[i].handled[state]);
	head(m, "billhook_events_duplicate_total", "counter",
	    "Events that were delivered again and dropped, by source.");
	for (size_t i = 0; i < m->sources_n; i++)
		sample(m, "billhook_events_duplicate_total", "source", m->sources[i].code, NULL,
		    NULL, (double)m->sources[i].duplicates);
	head(m, "billhook_source_paused", "gauge", "1: a person paused the source.");
	for (size_t i = 0; i < m->sources_n; i++)
		sample(m, "billhook_source_paused", "source", m->sources[i].code, NULL, NULL,
		    m->sources[i].paused);
	head(m, "billhook_source_stopped", "gauge",
	    "1: the source cannot be asked before a person acts.");
	for (size_t i = 0; i < m->sources_n; i++)
		sample(m, "billhook_source_stopped", "source", m->sources[i].code, NULL, NULL,
		    m->sources[i].stopped);
	single(m, "billhook_events_backlog", "gauge",
	    "Events that wait to be handled, counted up to 10000.", (double)m->health.backlog);
	single(m, "billhook_events_backlog_age_seconds", "gauge",
	    "How long the oldest of them has waited.", (double)m->health.backlog_age_s);
}

/* -- lanes -- */

static double
of_paused(const struct lane *lane)
{
	return lane->paused;
}

static double
of_stopped(const struct lane *lane)
{
	return lane->stopped;
}

static double
of_calls(const struct lane *lane)
{
	return (double)lane->counts.calls;
}

static double
of_day_used(const struct lane *lane)
{
	return (double)lane->counts.day_used;
}

static double
of_day_limit(const struct lane *lane)
{
	return (double)lane->counts.day_limit;
}

static double
of_last_push(const struct lane *lane)
{
	return (double)lane->counts.last_push_ms / 1000;
}

static double
of_pause_until(const struct lane *lane)
{
	return (double)lane->counts.pause_until_ms / 1000;
}

static const struct {
	const char *name, *type, *help;
	double (*of)(const struct lane *lane);
} lane_figures[] = {
    {"billhook_lane_paused", "gauge", "1: a person paused the CRM.", of_paused},
    {"billhook_lane_stopped", "gauge", "1: the CRM cannot be written before a person acts.",
	of_stopped},
    {"billhook_lane_calls_total", "counter", "HTTP calls to the CRM.", of_calls},
    {"billhook_lane_day_calls", "gauge",
	"Calls of the CRM's daily window, as it told last, whoever made them; 0: not told.",
	of_day_used},
    {"billhook_lane_day_calls_limit", "gauge", "Its daily limit; 0: not told.", of_day_limit},
    {"billhook_lane_last_push_timestamp_seconds", "gauge",
	"When records were written last; 0: never.", of_last_push},
    {"billhook_lane_pause_until_timestamp_seconds", "gauge",
	"Until when the lane waits by itself; in the past: it does not.", of_pause_until},
};

static void
add_lanes(struct metrics *m)
{
	static const char records[] = "billhook_lane_records";

	head(m, records, "gauge",
	    "Records of a CRM, by state; dirty ones, counted up to 1000, stand in another state, too.");
	for (size_t i = 0; i < m->lanes_n; i++) {
		const struct link_lane *c = &m->lanes[i].counts;
		const struct {
			const char *state;
			int64_t n;
		} states[] = {{"in_step", c->in_step}, {"dirty", (int64_t)c->dirty},
		    {"held", c->held}, {"waiting", c->waiting_parent}, {"excluded", c->excluded}};

		for (size_t k = 0; k < BH_LEN(states); k++)
			sample(m, records, "lane", m->lanes[i].code, "state", states[k].state,
			    (double)states[k].n);
	}
	for (size_t k = 0; k < BH_LEN(lane_figures); k++) {
		head(m, lane_figures[k].name, lane_figures[k].type, lane_figures[k].help);
		for (size_t i = 0; i < m->lanes_n; i++)
			sample(m, lane_figures[k].name, "lane", m->lanes[i].code, NULL, NULL,
			    lane_figures[k].of(&m->lanes[i]));
	}
}

/* -- processes and store -- */

static void
add_jobs(struct metrics *m)
{
	static const char *const states[] = {"idle", "leased", "buried"};
	json_t *job;
	size_t i;

	head(m, "billhook_jobs", "gauge",
	    "Jobs by state: idle ones wait for work, buried ones for a person.");
	for (size_t k = 0; k < BH_LEN(states); k++) {
		int n = 0;

		json_array_foreach (m->jobs, i, job)
			n += strcmp(bh_json_str(job, "state"), states[k]) == 0;
		sample(m, "billhook_jobs", "state", states[k], NULL, NULL, n);
	}
}

static void
add_processes(struct metrics *m)
{
	static const struct {
		const char *name;
		enum tally_slot slot;
	} processes[] = {{"keeper", TALLY_START_KEEPER}, {"dispatcher", TALLY_START_DISPATCHER},
	    {"front", TALLY_START_FRONT}};

	head(m, "billhook_process_starts_total", "counter",
	    "Processes that were started, by role.");
	for (size_t i = 0; i < BH_LEN(processes); i++)
		sample(m, "billhook_process_starts_total", "process", processes[i].name, NULL, NULL,
		    (double)m->counters[processes[i].slot]);
	head(m, "billhook_build_info", "gauge", "1; the version stands in the label.");
	sample(m, "billhook_build_info", "version", VERSION, NULL, NULL, 1);
}

static void
add_stats(struct metrics *m)
{
	static const struct {
		const char *member, *name, *type, *help;
	} figures[] = {
	    {"uptime_s", "billhook_keeper_uptime_seconds", "gauge",
		"How long the database process has run."},
	    {"keys", "billhook_store_keys", "gauge", "Entries of the store."},
	    {"commits", "billhook_store_commits_total", "counter",
		"Commits since the database process began, as the next three."},
	    {"conflicts", "billhook_store_conflicts_total", "counter",
		"Commits that somebody else was faster than; they are repeated."},
	    {"refused", "billhook_store_refused_total", "counter", "Commits that were refused."},
	    {"flushes", "billhook_store_flushes_total", "counter", "Flushes of the log to disk."},
	    {"spool_waiting", "billhook_spool_files", "gauge",
		"Webhooks kept as files because no database process could be reached."},
	    {"spool_set_aside", "billhook_spool_set_aside_total", "counter",
		"Such files that could not be taken in."},
	};

	for (size_t i = 0; i < BH_LEN(figures); i++)
		if (json_object_get(m->stats, figures[i].member) != NULL)
			single(m, figures[i].name, figures[i].type, figures[i].help,
			    (double)bh_json_int(m->stats, figures[i].member, 0));
	single(m, "billhook_store_writable", "gauge",
	    "0: its disk is full or its last write failed, webhooks are refused.",
	    m->health.has_room && m->health.can_write);
	single(m, "billhook_key_opens", "gauge",
	    "0: the key file does not open the stored secrets, webhooks are refused.",
	    m->health.key_opens);
}

/* Bytes of the files in data_dir/db: a handful. */
static double
directory_bytes(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	struct stat st;
	double bytes = 0;

	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL)
		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			bytes += (double)st.st_size;
	closedir(dir);
	return bytes;
}

static void
add_disk(struct metrics *m, const char *data_dir)
{
	char *path = bh_xasprintf("%s/db", data_dir);
	struct statvfs fs;

	single(m, "billhook_store_bytes", "gauge", "Size of the database's files.",
	    directory_bytes(path));
	if (statvfs(path, &fs) == 0)
		single(m, "billhook_store_free_bytes", "gauge",
		    "What is free on their disk for this user.",
		    (double)fs.f_bavail * (double)fs.f_frsize);
	free(path);
}

/* -- reading -- */

static int
take_source(struct metrics *m, struct store_txn *txn, const struct account_connection *c,
    struct bh_err *err)
{
	struct source *source = &m->sources[m->sources_n++];

	snprintf(source->code, sizeof(source->code), "%s", c->code);
	source->paused = c->paused;
	source->stopped = c->broken[0] != '\0';
	if (journal_counts(txn, c->code, source->handled, err) < 0)
		return -1;
	return journal_duplicates(txn, c->code, &source->duplicates, err);
}

static int
take_lane(struct metrics *m, struct store_txn *txn, const struct account_connection *c,
    struct bh_err *err)
{
	struct lane *lane = &m->lanes[m->lanes_n++];

	snprintf(lane->code, sizeof(lane->code), "%s", c->code);
	lane->paused = c->paused;
	lane->stopped = c->broken[0] != '\0';
	return link_lane_get(txn, c->code, &lane->counts, err);
}

static int
take_connections(struct metrics *m, struct store_txn *txn, struct bh_err *err)
{
	json_t *codes = NULL, *code;
	size_t i;
	int rc = account_connections(txn, &codes, err);

	m->lanes = bh_xcalloc(json_array_size(codes) + 1, sizeof(m->lanes[0]));
	m->sources = bh_xcalloc(json_array_size(codes) + 1, sizeof(m->sources[0]));
	json_array_foreach (codes, i, code) {
		struct account_connection c;

		if (rc < 0)
			break;
		rc = account_connection_load(txn, NULL, json_string_value(code), &c, err);
		if (rc > 0)
			rc =
			    c.is_source ? take_source(m, txn, &c, err) : take_lane(m, txn, &c, err);
		account_connection_release(&c);
	}
	json_decref(codes);
	return rc < 0 ? -1 : 0;
}

static int
take(struct metrics *m, struct store *store, const char *data_dir, struct bh_err *err)
{
	struct store_txn *txn = store_begin(store);
	struct account_key key;
	bool has_key = account_key_load(data_dir, &key, NULL) == 0;
	int rc = take_connections(m, txn, err);

	if (rc == 0)
		rc = health_read(store, txn, has_key ? &key : NULL, m->now_ms, &m->health, err);
	bh_wipe(&key, sizeof(key));
	if (rc == 0)
		rc = store_stats(store, &m->stats, err);
	if (rc == 0)
		rc = queue_list(txn, &m->jobs, err);
	tally_read(data_dir, m->counters);
	store_free(&txn);
	return rc;
}

int
metrics_add(struct store *store, const char *data_dir, int64_t now_ms, struct bh_buf *out,
    struct bh_err *err)
{
	struct metrics m = {.out = out, .now_ms = now_ms};
	int rc = take(&m, store, data_dir, err);

	if (rc == 0) {
		add_processes(&m);
		add_webhooks(&m);
		add_events(&m);
		add_lanes(&m);
		add_jobs(&m);
		add_stats(&m);
		add_disk(&m, data_dir);
		rc = bh_buf_check(out, "the figures", err);
	}
	free(m.lanes);
	free(m.sources);
	json_decref(m.stats);
	json_decref(m.jobs);
	return rc;
}
