/*
 * Kill the keeper again and again while clients commit, and clients too.
 * At the end every acknowledged record is there once, none is there twice,
 * every counter has counted each acknowledged step once, and nobody waited
 * for long.  BH_CRASH_S in the environment sets the seconds (default 10);
 * with fault points compiled in, half of the keepers die at one of them.
 */
#include "base/base.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypt.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/text.h"
#include "store/keeper.h"

#define CLIENTS 8
#define STEPS_MAX 400000
#define KILL_MIN_MS 40
#define KILL_MAX_MS 360
#define SERVICE_GAP_MS 50 /* a pause longer than this counts as time without service */
#define LONGEST_GAP_MS 5000
#define VALUE_LEN 600

/* What a step of a client did: one append and one count, together. */
enum step {
	STEP_UNKNOWN = 0, /* not acknowledged: it may be there, once */
	STEP_DONE,
	STEP_REFUSED, /* the store said that nothing was applied */
};

struct client_state {
	atomic_uint steps; /* begun */
	atomic_uint failed;
	unsigned char step[STEPS_MAX];
};

struct shared {
	atomic_int_fast64_t last_ms; /* of the last acknowledgement */
	atomic_bool stop;
	atomic_uint keepers;
	struct client_state client[CLIENTS];
};

static struct shared *shared;
static char dir[64];
static pid_t main_pid;

static unsigned
chance(unsigned n)
{
	uint32_t value;

	bh_random(&value, sizeof(value));
	return value % n;
}

/* -- the keeper -- */

static bool
is_wanted(void *arg)
{
	(void)arg;
	return kill(main_pid, 0) == 0;
}

static void
set_fault(void)
{
	static const char *const faults[] = {"keeper-batch-applied:die", "keeper-flushed:die",
	    "keeper-replied:die", "bdb-checkpoint:die", "bdb-checkpoint:fail", "bdb-flush:fail",
	    "bdb-flush:full", "bdb-flush:die", "bdb-put:die", "bdb-put:full"};
	char fault[64];

	if (chance(2) == 0)
		return;
	/* Checkpoints are rare, puts are many. */
	snprintf(fault, sizeof(fault), "%s:%u", faults[chance(BH_LEN(faults))], 1 + chance(150));
	if (strstr(fault, "checkpoint") != NULL)
		snprintf(strrchr(fault, ':'), 8, ":%u", 1 + chance(3));
	setenv("BILLHOOK_FAULT", fault, 1);
}

static _Noreturn void
be_keeper(void)
{
	const struct keeper_options options = {.data_dir = dir,
	    .cache_bytes = 8u << 20,
	    .ballast_bytes = 1u << 20,
	    .checkpoint_bytes = 512u << 10,
	    .is_wanted = is_wanted};
	char path[128];

	close_range(3, ~0U, 0);
	snprintf(path, sizeof(path), "%s/keeper.log", dir);
	bh_log_fd(open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
	bh_log_role("keeper");
	set_fault();
	atomic_fetch_add(&shared->keepers, 1);
	_exit(keeper_run(&options));
}

static int
start_keeper(const char *data_dir, struct bh_err *err)
{
	pid_t pid = fork();

	(void)data_dir;
	if (pid < 0)
		return bh_fail_errno(err, BH_UNAVAILABLE, "cannot fork");
	if (pid == 0) {
		if (fork() == 0)
			be_keeper();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	return 0;
}

/* Of the process that listens on the socket; 0 when there is none. */
static pid_t
keeper_pid(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct ucred peer = {.pid = 0};
	socklen_t len = sizeof(peer);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	keeper_socket_path(dir, address.sun_path, sizeof(address.sun_path), NULL);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		peer.pid = 0;
	close(fd);
	return peer.pid;
}

/* -- clients -- */

struct work {
	unsigned client, step;
	char value[VALUE_LEN];
};

/* An append that says whose step it is, and a count of the client's steps. */
static int
do_step(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct work *work = arg;
	struct bh_buf count = BH_BUF_INIT(100);
	char key[16], text[16];
	int rc;

	snprintf(key, sizeof(key), "count%u", work->client);
	rc = store_get(txn, key, strlen(key), &count, err);
	snprintf(text, sizeof(text), "%d", atoi(bh_buf_str(&count)) + 1);
	bh_buf_release(&count);
	if (rc < 0)
		return -1;
	store_put(txn, key, strlen(key), text, strlen(text));
	store_append(txn, "J", 1, "", 0, work->value, sizeof(work->value));
	return 0;
}

static _Noreturn void
be_client(unsigned number)
{
	const struct store_options options = {.engine = "bdb",
	    .data_dir = dir,
	    .start = start_keeper};
	struct client_state *mine = &shared->client[number];
	struct work work = {.client = number};
	struct store *store;
	struct bh_err err;

	bh_log_level(BH_ERROR);
	if (store_open(&options, &store, &err) < 0)
		_exit(1);
	while (!atomic_load(&shared->stop)) {
		int rc;

		work.step = atomic_fetch_add(&mine->steps, 1);
		if (work.step >= STEPS_MAX)
			break;
		snprintf(work.value, sizeof(work.value), "%u %u", number, work.step);
		err.code = BH_OK;
		rc = store_run(store, do_step, &work, NULL, &err);
		if (rc == 0)
			atomic_store(&shared->last_ms, bh_mono_ms());
		else
			atomic_fetch_add(&mine->failed, 1);
		mine->step[work.step] = rc == 0 ? STEP_DONE
					: err.code == BH_STORAGE || err.code == BH_CONFLICT
					    ? STEP_REFUSED
					    : STEP_UNKNOWN;
	}
	store_close(&store);
	_exit(0);
}

static pid_t
start_client(unsigned number)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		be_client(number);
	}
	return pid;
}

/* -- the run -- */

struct run {
	pid_t clients[CLIENTS];
	unsigned keeper_kills, client_kills;
	int64_t without_ms, longest_ms;
};

/* Sample the time since the last acknowledgement until until_ms. */
static void
watch_service(struct run *run, int64_t until_ms)
{
	static int64_t gap_of; /* the acknowledgement that the current gap follows */
	static int64_t counted_ms;

	while (bh_mono_ms() < until_ms) {
		int64_t last_ms = atomic_load(&shared->last_ms);
		int64_t gap_ms = bh_mono_ms() - last_ms;

		if (last_ms != gap_of) {
			gap_of = last_ms;
			counted_ms = 0;
		}
		if (gap_ms > run->longest_ms)
			run->longest_ms = gap_ms;
		if (gap_ms > SERVICE_GAP_MS) {
			run->without_ms += gap_ms - counted_ms;
			counted_ms = gap_ms;
		}
		bh_sleep_ms(1);
	}
}

static void
kill_client(struct run *run)
{
	unsigned number = chance(CLIENTS);

	kill(run->clients[number], SIGKILL);
	waitpid(run->clients[number], NULL, 0);
	run->clients[number] = start_client(number);
	run->client_kills++;
}

static void
kill_keeper(struct run *run)
{
	pid_t pid = keeper_pid();

	if (pid > 1 && kill(pid, SIGKILL) == 0)
		run->keeper_kills++;
}

/* Keepers, and starters whose parents were killed, end as our children. */
static void
reap(const struct run *run)
{
	siginfo_t info;

	for (;;) {
		bool is_client = false;

		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
			return;
		for (unsigned i = 0; i < CLIENTS; i++)
			is_client = is_client || run->clients[i] == info.si_pid;
		if (is_client)
			return; /* it is waited for where it is killed, and at the end */
		waitpid(info.si_pid, NULL, 0);
	}
}

static void
run_for(struct run *run, int seconds)
{
	int64_t end_ms = bh_mono_ms() + (int64_t)seconds * 1000;

	atomic_store(&shared->last_ms, bh_mono_ms());
	for (unsigned i = 0; i < CLIENTS; i++)
		run->clients[i] = start_client(i);
	while (bh_mono_ms() < end_ms) {
		watch_service(run,
		    bh_mono_ms() + KILL_MIN_MS + (int64_t)chance(KILL_MAX_MS - KILL_MIN_MS));
		if (chance(4) == 0)
			kill_client(run);
		else
			kill_keeper(run);
		reap(run);
	}
	atomic_store(&shared->stop, true);
	for (unsigned i = 0; i < CLIENTS; i++)
		waitpid(run->clients[i], NULL, 0);
}

/* -- the verdict -- */

struct found {
	unsigned char *times[CLIENTS];
	uint64_t records;
};

static int
read_records(struct store_txn *txn, struct found *found, struct bh_err *err)
{
	struct store_scan scan = {.prefix = "J", .prefix_len = 1, .max = 1000};
	const struct store_entry *entries;
	unsigned char from[STORE_KEY_MAX];
	unsigned client, step;
	size_t n;
	bool more = true;

	while (more) {
		if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
			return -1;
		for (size_t i = 0; i < n; i++) {
			if (sscanf(entries[i].value, "%u %u", &client, &step) != 2 ||
			    client >= CLIENTS || step >= STEPS_MAX ||
			    entries[i].value_len != VALUE_LEN)
				return bh_fail(err, BH_INVALID, "a record is damaged");
			found->times[client][step]++;
			found->records++;
		}
		if (n == 0)
			break;
		/* The first key behind the last one. */
		memcpy(from, entries[n - 1].key, entries[n - 1].key_len);
		from[entries[n - 1].key_len] = 0;
		scan.from = from;
		scan.from_len = entries[n - 1].key_len + 1;
		store_reset(txn);
	}
	return 0;
}

/* Errors found for one client. */
static unsigned
judge(struct store_txn *txn, unsigned number, const struct found *found)
{
	const struct client_state *state = &shared->client[number];
	unsigned lost = 0, twice = 0, ghosts = 0, there = 0, counted = 0;
	struct bh_buf count = BH_BUF_INIT(100);
	unsigned steps = atomic_load(&state->steps);
	char key[16];

	for (unsigned i = 0; i < steps && i < STEPS_MAX; i++) {
		unsigned times = found->times[number][i];

		there += times;
		lost += state->step[i] == STEP_DONE && times == 0;
		ghosts += state->step[i] == STEP_REFUSED && times != 0;
		twice += times > 1;
	}
	snprintf(key, sizeof(key), "count%u", number);
	if (store_peek(txn, key, strlen(key), &count, NULL) == 1)
		counted = (unsigned)atoi(bh_buf_str(&count));
	bh_buf_release(&count);
	if (lost + twice + ghosts != 0 || counted != there)
		printf("client %u: %u lost, %u twice, %u refused but there, counted %u of %u\n",
		    number, lost, twice, ghosts, counted, there);
	return lost + twice + ghosts + (counted != there);
}

static unsigned
verify(uint64_t *records_r)
{
	const struct store_options options = {.engine = "bdb",
	    .data_dir = dir,
	    .start = start_keeper};
	struct found found = {.records = 0};
	struct store *store;
	struct store_txn *txn;
	struct bh_err err = BH_ERR_INIT;
	unsigned errors = 0;
	pid_t pid;

	for (unsigned i = 0; i < CLIENTS; i++)
		found.times[i] = bh_xcalloc(STEPS_MAX, 1);
	if (store_open(&options, &store, &err) < 0)
		return 1;
	txn = store_begin(store);
	if (read_records(txn, &found, &err) < 0) {
		printf("reading back: %s\n", err.text);
		errors++;
	}
	for (unsigned i = 0; i < CLIENTS; i++) {
		errors += judge(txn, i, &found);
		free(found.times[i]);
	}
	store_free(&txn);
	store_close(&store);
	pid = keeper_pid();
	if (pid > 1)
		kill(pid, SIGTERM);
	*records_r = found.records;
	return errors;
}

static void
remove_tree(const char *path)
{
	const char *const argv[] = {"/bin/rm", "-rf", path, NULL};
	pid_t pid = fork();

	if (pid == 0) {
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

int
main(void)
{
	const char *text = getenv("BH_CRASH_S");
	int seconds = text != NULL ? atoi(text) : 10;
	struct run run = {.keeper_kills = 0};
	unsigned errors, failed = 0;
	uint64_t records = 0;

	bh_proc_init();
	main_pid = getpid();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	snprintf(dir, sizeof(dir), "./keeper-kill.XXXXXX");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mkdtemp(dir) == NULL || shared == MAP_FAILED)
		return 99;
	run_for(&run, seconds);
	unsetenv("BILLHOOK_FAULT");
	errors = verify(&records);
	for (unsigned i = 0; i < CLIENTS; i++)
		failed += atomic_load(&shared->client[i].failed);
	printf("%llu records in %d s, %u keepers killed, %u started, %u clients killed, "
	       "%u steps refused or unknown, %lld ms without service, longest %lld ms: %s\n",
	    (unsigned long long)records, seconds, run.keeper_kills, atomic_load(&shared->keepers),
	    run.client_kills, failed, (long long)run.without_ms, (long long)run.longest_ms,
	    errors == 0 ? "nothing lost, nothing twice" : "FAILED");
	while (wait(NULL) > 0)
		continue;
	if (errors == 0)
		remove_tree(dir);
	return errors != 0 || records == 0 || run.longest_ms > LONGEST_GAP_MS;
}
