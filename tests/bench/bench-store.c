/*
 * Durable commits a second through the keeper, as JSON, one line for each
 * disk: bench-store [clients [seconds [value bytes]]].  Each client is a
 * process that appends one value a commit and waits for the answer; afterwards
 * one process reads what was written, by key and by scan.
 */
#include "base/base.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypt.h"
#include "base/log.h"
#include "base/proc.h"
#include "store/keeper.h"

#define BUCKETS 2000 /* of 50 microseconds */
#define BUCKET_US 50

struct client_result {
	uint64_t commits;
	uint64_t failures;
	uint32_t latency[BUCKETS];
};

struct bench {
	int clients, seconds;
	size_t value_len;
	int flush_delay_ms;
	char dir[64];
	struct client_result *results; /* shared */
};

static pid_t
start_keeper(const struct bench *bench)
{
	const struct keeper_options options = {.data_dir = bench->dir,
	    .cache_bytes = 32u << 20,
	    .ballast_bytes = 64u << 20,
	    .flush_delay_ms = bench->flush_delay_ms};
	pid_t pid = fork();

	if (pid == 0) {
		bh_log_level(BH_ERROR);
		_exit(keeper_run(&options));
	}
	return pid;
}

static struct store *
connect_store(const struct bench *bench)
{
	const struct store_options options = {.engine = "bdb", .data_dir = bench->dir};
	struct store *store;
	struct bh_err err;

	if (store_open(&options, &store, &err) < 0 || store_ping(store, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	return store;
}

static void
run_client(const struct bench *bench, struct client_result *result, int64_t end_us)
{
	struct store *store = connect_store(bench);
	struct store_txn *txn = store_begin(store);
	char *value = bh_xmalloc(bench->value_len);
	int64_t now_us = bh_mono_us();

	bh_random(value, bench->value_len);
	while (now_us < end_us) {
		int64_t from_us = now_us;
		size_t bucket;

		store_append(txn, "J", 1, "", 0, value, bench->value_len);
		if (store_commit(txn, NULL, NULL) < 0)
			result->failures++;
		else
			result->commits++;
		now_us = bh_mono_us();
		bucket = (size_t)((now_us - from_us) / BUCKET_US);
		result->latency[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
	}
	store_free(&txn);
	store_close(&store);
	free(value);
}

static double
percentile_ms(const struct bench *bench, double share)
{
	uint64_t total = 0, seen = 0;

	for (int i = 0; i < bench->clients; i++)
		for (int b = 0; b < BUCKETS; b++)
			total += bench->results[i].latency[b];
	for (int b = 0; b < BUCKETS; b++) {
		for (int i = 0; i < bench->clients; i++)
			seen += bench->results[i].latency[b];
		if ((double)seen >= share * (double)total)
			return (b + 1) * BUCKET_US / 1000.0;
	}
	return 0;
}

/* Values a second, by pages of scan and by get_many of 100 keys. */
static void
read_back(const struct bench *bench, json_t *out)
{
	struct store *store = connect_store(bench);
	struct store_txn *txn = store_begin(store);
	struct store_scan scan = {.prefix = "J", .prefix_len = 1, .max = 1000};
	struct store_item items[100];
	const struct store_entry *entries;
	char from[STORE_KEY_MAX];
	size_t n = 0, scanned = 0, got = 0;
	int64_t scan_us = 0, get_us = 0, at_us;
	bool more = true;

	while (more && scan_us < 1000000) {
		at_us = bh_mono_us();
		if (store_scan(txn, &scan, &entries, &n, &more, NULL) < 0 || n == 0)
			break;
		scan_us += bh_mono_us() - at_us;
		scanned += n;
		for (size_t i = 0; i < 100 && i < n; i++)
			items[i] = (struct store_item){.key = entries[i].key,
			    .key_len = entries[i].key_len};
		at_us = bh_mono_us();
		if (store_get_many(txn, items, n < 100 ? n : 100, NULL) < 0)
			break;
		get_us += bh_mono_us() - at_us;
		got += n < 100 ? n : 100;
		memcpy(from, entries[n - 1].key, entries[n - 1].key_len);
		scan.from = from;
		scan.from_len = entries[n - 1].key_len;
		store_reset(txn);
	}
	json_object_set_new(out, "scanned_per_s",
	    json_integer(scanned * 1000000 / (uint64_t)(scan_us + 1)));
	json_object_set_new(out, "got_per_s", json_integer(got * 1000000 / (uint64_t)(get_us + 1)));
	store_free(&txn);
	store_close(&store);
}

static void
report(const struct bench *bench, int64_t took_us)
{
	uint64_t commits = 0, failures = 0;
	struct store *store = connect_store(bench);
	json_t *stats = NULL, *out;

	for (int i = 0; i < bench->clients; i++) {
		commits += bench->results[i].commits;
		failures += bench->results[i].failures;
	}
	store_stats(store, &stats, NULL);
	store_close(&store);
	out = json_pack("{s:i, s:i, s:I, s:I, s:I, s:f, s:f, s:f, s:f}", "clients", bench->clients,
	    "flush_delay_ms", bench->flush_delay_ms, "value_bytes", (json_int_t)bench->value_len,
	    "commits_per_s", (json_int_t)(commits * 1000000 / (uint64_t)took_us), "failures",
	    (json_int_t)failures, "p50_ms", percentile_ms(bench, 0.5), "p99_ms",
	    percentile_ms(bench, 0.99), "commits_per_flush",
	    (double)commits / ((double)json_integer_value(json_object_get(stats, "flushes")) + 1),
	    "flush_us", (double)json_integer_value(json_object_get(stats, "flush_us")));
	read_back(bench, out);
	json_dumpf(out, stdout, JSON_REAL_PRECISION(5));
	printf("\n");
	fflush(stdout);
	json_decref(out);
	json_decref(stats);
}

static void
remove_tree(const char *dir)
{
	const char *const argv[] = {"/bin/rm", "-rf", dir, NULL};
	pid_t pid = fork();

	if (pid == 0) {
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

static void
run_bench(struct bench *bench)
{
	size_t size = (size_t)bench->clients * sizeof(bench->results[0]);
	int64_t from_us;
	pid_t keeper;

	snprintf(bench->dir, sizeof(bench->dir), "./bench-store.XXXXXX");
	if (mkdtemp(bench->dir) == NULL)
		exit(1);
	bench->results =
	    mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (bench->results == MAP_FAILED)
		exit(1);
	keeper = start_keeper(bench);
	from_us = bh_mono_us() + 500000; /* everybody is connected by then */
	for (int i = 0; i < bench->clients; i++) {
		if (fork() == 0) {
			bh_sleep_ms((int)((from_us - bh_mono_us()) / 1000));
			run_client(bench, &bench->results[i],
			    from_us + (int64_t)bench->seconds * 1000000);
			_exit(0);
		}
	}
	for (int i = 0; i < bench->clients; i++)
		while (wait(NULL) == keeper)
			exit(1);
	report(bench, bh_mono_us() - from_us);
	kill(keeper, SIGTERM);
	waitpid(keeper, NULL, 0);
	munmap(bench->results, size);
	remove_tree(bench->dir);
}

int
main(int argc, char **argv)
{
	static const int delays_ms[] = {0, 5};
	struct bench bench = {.clients = argc > 1 ? atoi(argv[1]) : 16,
	    .seconds = argc > 2 ? atoi(argv[2]) : 4,
	    .value_len = argc > 3 ? (size_t)atoi(argv[3]) : 2500};

	if (bench.clients < 1 || bench.clients > 500 || bench.seconds < 1 || bench.value_len < 1)
		return 2;
	bh_proc_init();
	for (size_t i = 0; i < BH_LEN(delays_ms); i++) {
		bench.flush_delay_ms = delays_ms[i];
		run_bench(&bench);
	}
	return 0;
}
