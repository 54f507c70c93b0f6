/*
 * The dispatcher and its workers on a real keeper: jobs run, killed processes
 * cost no work, a stop leaves nothing leased, and idleness ends it.
 */
#include "base/base.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/proc.h"
#include "run/dispatcher.h"
#include "state/account.h"
#include "state/journal.h"
#include "state/link.h"
#include "state/queue.h"
#include "state/schema.h"
#include "state/target.h"
#include "store/keeper.h"
#include "sync/configure.h"
#include "unit.h"

#define PATIENCE_MS 20000
#define WORKERS 2

struct place {
	char dir[64];
	struct conf conf;
	struct account_key key;
	struct store *store;
	struct bh_err err;
	pid_t keeper, dispatcher;
	unsigned events;
};

/* -- processes -- */

/* In a child: nothing of the test is left, and it ends with the test. */
static void
settle_in(const struct place *place, pid_t parent, const char *role)
{
	char path[128];

	bh_die_with_parent(parent);
	snprintf(path, sizeof(path), "%s/%s.log", place->dir, role);
	bh_log_fd(open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
	bh_log_hook(NULL);
	bh_log_role(role);
}

static void
start_keeper(struct place *place)
{
	const struct keeper_options options = {.data_dir = place->dir,
	    .cache_bytes = 8u << 20,
	    .checkpoint_bytes = 1u << 20,
	    .import = journal_import};
	pid_t parent = getpid();

	fflush(NULL);
	place->keeper = fork();
	assert_true(place->keeper >= 0);
	if (place->keeper == 0) {
		settle_in(place, parent, "keeper");
		_exit(keeper_run(&options));
	}
}

static void
start_dispatcher(struct place *place, int64_t idle_exit_ms)
{
	const struct dispatcher_options options = {.conf = &place->conf,
	    .idle_exit_ms = idle_exit_ms};
	pid_t parent = getpid();

	fflush(NULL);
	place->dispatcher = fork();
	assert_true(place->dispatcher >= 0);
	if (place->dispatcher == 0) {
		settle_in(place, parent, "dispatcher");
		_exit(dispatcher_run(&options));
	}
}

/* The exit status of a child; its end must come in time. */
static int
end_of(pid_t *pid)
{
	int64_t end_ms = bh_mono_ms() + PATIENCE_MS;
	int status;

	while (waitpid(*pid, &status, WNOHANG) == 0) {
		assert_true(bh_mono_ms() < end_ms);
		bh_sleep_ms(2);
	}
	*pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* The dispatcher's workers; how many. */
static size_t
workers_of(pid_t dispatcher, pid_t pids[WORKERS])
{
	char path[64], text[256] = "", *at = text;
	size_t n = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children", (long)dispatcher,
	    (long)dispatcher);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	if (fgets(text, sizeof(text), file) == NULL)
		text[0] = '\0';
	fclose(file);
	while (n < WORKERS) {
		long pid = strtol(at, &at, 10);

		if (pid <= 0)
			break;
		pids[n++] = (pid_t)pid;
	}
	return n;
}

static void
await_workers(const struct place *place, pid_t pids[WORKERS])
{
	int64_t end_ms = bh_mono_ms() + PATIENCE_MS;

	while (workers_of(place->dispatcher, pids) < WORKERS) {
		assert_true(bh_mono_ms() < end_ms);
		bh_sleep_ms(2);
	}
}

/* -- the place -- */

static void
write_conf(const struct place *place)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/billhook.conf", place->dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "workers = %d\n", WORKERS);
	assert_int_equal(fclose(file), 0);
}

static void
set_up_sync(struct place *place)
{
	static const char document[] =
	    "{\"billhook\":1,\"connections\":[{\"code\":\"stripe\",\"driver\":\"stripe\","
	    "\"secrets\":{\"webhook\":\"env:BENCH_SECRET\"}},{\"code\":\"crm\",\"driver\":\"sandbox\"}],"
	    "\"syncs\":[{\"code\":\"s\",\"from\":\"stripe\",\"to\":\"crm\",\"mapping\":{\"objects\":["
	    "{\"name\":\"a\",\"from\":\"customer\",\"to\":\"A\",\"key\":\"K\",\"fields\":["
	    "{\"to\":\"Name\",\"from\":\"name\"}]}]}}]}";
	struct configure_options options = {.preset_dir = "/nonexistent"};
	size_t changes;
	json_t *json;

	setenv("BENCH_SECRET", "secret", 1);
	assert_int_equal(bh_json_parse(document, strlen(document), &json, &place->err), 0);
	if (configure_apply(place->store, &place->key, json, &options, &changes, &place->err) < 0)
		fail_msg("%s", place->err.text);
	json_decref(json);
}

static int
setup(void **state)
{
	struct place *place = bh_xcalloc(1, sizeof(*place));
	struct store_options options = {.engine = "bdb", .data_dir = place->dir, .no_start = true};
	int64_t end_ms = bh_mono_ms() + PATIENCE_MS;

	snprintf(place->dir, sizeof(place->dir), "/tmp/t-dispatch-XXXXXX");
	assert_non_null(mkdtemp(place->dir));
	write_conf(place);
	assert_int_equal(conf_load(place->dir, &place->conf, &place->err), 0);
	assert_int_equal(account_key_make(place->dir, &place->err), 1);
	assert_int_equal(account_key_load(place->dir, &place->key, &place->err), 0);
	start_keeper(place);
	assert_int_equal(store_open(&options, &place->store, &place->err), 0);
	while (store_ping(place->store, &place->err) < 0) {
		assert_true(bh_mono_ms() < end_ms);
		bh_sleep_ms(5);
	}
	if (schema_check(place->store, &place->err) < 0)
		fail_msg("%s", place->err.text);
	set_up_sync(place);
	*state = place;
	return 0;
}

static int
remove_one(const char *path, const struct stat *is BH_UNUSED, int kind BH_UNUSED,
    struct FTW *at BH_UNUSED)
{
	return remove(path);
}

static int
teardown(void **state)
{
	struct place *place = *state;

	unit_log_expected(false);
	unsetenv("BILLHOOK_FAULT");
	unsetenv("BILLHOOK_FAULT_ONCE");
	store_close(&place->store);
	if (place->dispatcher != 0) {
		kill(place->dispatcher, SIGKILL);
		end_of(&place->dispatcher);
	}
	kill(place->keeper, SIGTERM);
	end_of(&place->keeper);
	conf_release(&place->conf);
	nftw(place->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(place);
	return 0;
}

/* -- work -- */

static void
customer(struct place *place)
{
	char id[32], body[300];
	json_t *headers = json_object();
	struct journal_entry entry = {.connection = "stripe",
	    .id = id,
	    .type = "customer.updated",
	    .received_ms = bh_now_ms(),
	    .headers = headers,
	    .body = body};

	snprintf(id, sizeof(id), "evt_%u", place->events);
	entry.body_len = (size_t)snprintf(body, sizeof(body),
	    "{\"id\":\"%s\",\"type\":\"customer.updated\",\"created\":1790000000,"
	    "\"data\":{\"object\":{\"id\":\"cus_%u\",\"object\":\"customer\",\"name\":\"Ada\"}}}",
	    id, place->events);
	if (journal_accept(place->store, &entry, &place->err) != 1)
		fail_msg("%s", place->err.text);
	place->events++;
	json_decref(headers);
}

static size_t
records(struct place *place)
{
	struct store_txn *txn = store_begin(place->store);
	json_t *kept;
	size_t n;

	if (target_kept(txn, "crm", 10000, &kept, &place->err) < 0)
		fail_msg("%s", place->err.text);
	n = json_array_size(kept);
	json_decref(kept);
	store_free(&txn);
	return n;
}

static bool
is_all_clean(struct place *place)
{
	struct store_txn *txn = store_begin(place->store);
	struct link_lane lane;

	assert_int_equal(link_lane_get(txn, "crm", &lane, &place->err), 0);
	store_free(&txn);
	return lane.dirty == 0 && (unsigned)lane.in_step == place->events;
}

/* Every customer is in the sandbox, and nothing is left to do. */
static void
await_all(struct place *place)
{
	int64_t end_ms = bh_mono_ms() + PATIENCE_MS;

	while (!is_all_clean(place) || records(place) != place->events) {
		if (bh_mono_ms() > end_ms)
			fail_msg("%zu records of %u", records(place), place->events);
		bh_sleep_ms(5);
	}
}

/* -- tests -- */

static void
event_becomes_a_record(void **state)
{
	struct place *place = *state;

	start_dispatcher(place, 0);
	for (int i = 0; i < 5; i++) {
		customer(place);
		await_all(place);
	}
	for (int i = 0; i < 500; i++)
		customer(place);
	await_all(place);
}

/* What came while nobody ran is done by the next one. */
static void
backlog_is_done_at_the_start(void **state)
{
	struct place *place = *state;

	for (int i = 0; i < 50; i++)
		customer(place);
	start_dispatcher(place, 0);
	await_all(place);
}

static void
killed_workers_cost_nothing(void **state)
{
	struct place *place = *state;
	pid_t pids[WORKERS];

	start_dispatcher(place, 0);
	/* A worker's place is filled once a second, so this takes a few. */
	for (unsigned i = 0; i < 6; i++) {
		for (int k = 0; k < 50; k++)
			customer(place);
		await_workers(place, pids);
		bh_sleep_ms((int)i);
		kill(pids[i % WORKERS], SIGKILL);
	}
	await_all(place);
}

static void
killed_dispatcher_costs_nothing(void **state)
{
	struct place *place = *state;

	for (unsigned i = 0; i < 8; i++) {
		start_dispatcher(place, 0);
		for (int k = 0; k < 50; k++)
			customer(place);
		bh_sleep_ms((int)(i * 15));
		kill(place->dispatcher, SIGKILL);
		assert_int_equal(end_of(&place->dispatcher), -SIGKILL);
	}
	start_dispatcher(place, 0);
	await_all(place);
}

#ifdef BH_FAULTS
/* A worker dies where it hurts most; the job comes back and ends well. */
static void
worker_dies_at(struct place *place, const char *point)
{
	char once[128], fault[64];

	snprintf(once, sizeof(once), "%s/%s.once", place->dir, point);
	snprintf(fault, sizeof(fault), "%s:die", point);
	setenv("BILLHOOK_FAULT", fault, 1);
	setenv("BILLHOOK_FAULT_ONCE", once, 1);
	start_dispatcher(place, 0);
	for (int i = 0; i < 20; i++)
		customer(place);
	await_all(place);
	if (access(once, F_OK) < 0)
		fail_msg("nobody came to %s", point);
	kill(place->dispatcher, SIGTERM);
	assert_int_equal(end_of(&place->dispatcher), 0);
}

static void
worker_dies_at_each_point(void **state)
{
	static const char *const points[] = {"ingest-collected", "ingest-committed", "push-send",
	    "push-sent", "link-settle", "push-settled"};

	for (size_t i = 0; i < BH_LEN(points); i++)
		worker_dies_at(*state, points[i]);
}
#endif

static void
assert_nothing_leased(struct place *place)
{
	struct store_txn *txn = store_begin(place->store);
	json_t *jobs, *job;
	size_t i;

	assert_int_equal(queue_list(txn, &jobs, &place->err), 0);
	assert_true(json_array_size(jobs) > 0);
	json_array_foreach (jobs, i, job)
		assert_string_equal(bh_json_str(job, "state"), "idle");
	json_decref(jobs);
	store_free(&txn);
}

/* Whoever its parent is by now reaps it soon. */
static void
await_end(pid_t pid)
{
	for (int i = 0; i < 500 && kill(pid, 0) == 0; i++)
		bh_sleep_ms(10);
	assert_int_equal(kill(pid, 0), -1);
}

static void
told_to_stop(void **state)
{
	struct place *place = *state;
	pid_t pids[WORKERS];

	start_dispatcher(place, 0);
	await_workers(place, pids);
	for (int i = 0; i < 600; i++)
		customer(place);
	kill(place->dispatcher, SIGTERM);
	assert_int_equal(end_of(&place->dispatcher), 0);
	for (int i = 0; i < WORKERS; i++)
		await_end(pids[i]);
	/* It was in the middle of work: the next one has something to go on with. */
	assert_nothing_leased(place);
	start_dispatcher(place, 0);
	await_all(place);
}

static void
idle_ends_it(void **state)
{
	struct place *place = *state;
	int64_t start_ms;

	customer(place);
	start_ms = bh_mono_ms();
	start_dispatcher(place, 300);
	assert_int_equal(end_of(&place->dispatcher), DISPATCHER_EXIT_IDLE);
	assert_true(bh_mono_ms() - start_ms >= 300);
	assert_true(is_all_clean(place));
	assert_nothing_leased(place);
}

/* -- no worker is free -- */

static void
wake(struct place *place, const char *lane, int64_t due_ms)
{
	struct store_txn *txn = store_begin(place->store);

	queue_wake(txn, "push", lane, due_ms);
	assert_int_equal(store_commit(txn, NULL, &place->err), 0);
	store_free(&txn);
}

/* How often a process went to sleep. */
static long
sleeps_of(pid_t pid)
{
	char path[64], line[256];
	long n = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, "voluntary_ctxt_switches:", 24) == 0)
			n = strtol(line + 24, NULL, 10);
	fclose(file);
	assert_true(n >= 0);
	return n;
}

/* A job falls due while all workers are busy: it waits for one of them, asleep. */
static void
busy_workers_are_awaited_in_peace(void **state)
{
	struct place *place = *state;
	pid_t pids[WORKERS];
	long before;

	start_dispatcher(place, 0);
	customer(place);
	await_all(place);
	bh_sleep_ms(1200); /* ingest has gone to rest */
	await_workers(place, pids);
	for (int i = 0; i < WORKERS; i++)
		kill(pids[i], SIGSTOP);
	wake(place, "later", bh_now_ms() + 400);
	bh_sleep_ms(100);
	customer(place);
	wake(place, "crm", bh_now_ms());
	bh_sleep_ms(600);
	before = sleeps_of(place->dispatcher);
	bh_sleep_ms(500);
	assert_in_range(sleeps_of(place->dispatcher) - before, 0, 50);
	for (int i = 0; i < WORKERS; i++)
		kill(pids[i], SIGCONT);
	await_all(place);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(event_becomes_a_record, setup, teardown),
	    cmocka_unit_test_setup_teardown(backlog_is_done_at_the_start, setup, teardown),
	    cmocka_unit_test_setup_teardown(killed_workers_cost_nothing, setup, teardown),
	    cmocka_unit_test_setup_teardown(killed_dispatcher_costs_nothing, setup, teardown),
#ifdef BH_FAULTS
	    cmocka_unit_test_setup_teardown(worker_dies_at_each_point, setup, teardown),
#endif
	    cmocka_unit_test_setup_teardown(told_to_stop, setup, teardown),
	    cmocka_unit_test_setup_teardown(idle_ends_it, setup, teardown),
	    cmocka_unit_test_setup_teardown(busy_workers_are_awaited_in_peace, setup, teardown),
	};

	bh_proc_init();
	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
