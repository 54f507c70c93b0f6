/*
 * Events a second through ingest (journal, mirror, figures), as JSON, one line
 * for each number of mirrored objects: bench-ingest EVENTS OBJECTS...
 *
 * A model customer with its subscription and invoice is ingested and copied,
 * with all that was worked out of it, until there are so many objects.  Then
 * events on random ones are accepted, and ingested against the clock.
 */
#include "base/base.h"

#include "sync/ingest.h"

#include <sys/wait.h>

#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/proc.h"
#include "state/account.h"
#include "state/journal.h"
#include "store/keeper.h"
#include "sync/configure.h"

#define MODEL "9999999"
#define DIGITS 7
#define COPIES 200 /* customers in one commit */
#define OBJECTS_EACH 3

struct bench {
	char dir[64];
	pid_t keeper;
	struct store *store;
	struct conf conf;
	struct account_key key;
	struct sync_context context;
	uint32_t seed;
	unsigned events;
	int64_t created_s;
};

static _Noreturn void
give_up(const char *what)
{
	fprintf(stderr, "bench-ingest: %s\n", what);
	exit(1);
}

static void
start(struct bench *bench)
{
	struct store_options options = {.engine = "bdb", .data_dir = bench->dir};
	struct bh_err err = BH_ERR_INIT;
	struct keeper_options keeper = {.data_dir = bench->dir,
	    .cache_bytes = 12u << 20,
	    .ballast_bytes = 1u << 20,
	    .checkpoint_bytes = 8u << 20};

	snprintf(bench->dir, sizeof(bench->dir), "/tmp/bench-ingest-XXXXXX");
	if (mkdtemp(bench->dir) == NULL)
		give_up("no directory");
	bench->keeper = fork();
	if (bench->keeper == 0) {
		bh_log_level(BH_ERROR);
		_exit(keeper_run(&keeper));
	}
	for (int i = 0; i < 100; i++) {
		if (store_open(&options, &bench->store, &err) == 0 &&
		    store_ping(bench->store, &err) == 0)
			break;
		store_close(&bench->store);
		bh_sleep_ms(50);
	}
	if (bench->store == NULL || conf_load(bench->dir, &bench->conf, &err) < 0)
		give_up(err.text);
	memset(&bench->key, 7, sizeof(bench->key));
	bench->context =
	    (struct sync_context){.conf = &bench->conf, .store = bench->store, .key = &bench->key};
	bench->created_s = 1795000000;
}

static void
end(struct bench *bench)
{
	char rm[] = "rm", flags[] = "-rf", *command[] = {rm, flags, bench->dir, NULL};
	pid_t pid;

	store_close(&bench->store);
	kill(bench->keeper, SIGTERM);
	waitpid(bench->keeper, NULL, 0);
	conf_release(&bench->conf);
	pid = fork();
	if (pid == 0)
		execvp("rm", command);
	waitpid(pid, NULL, 0);
}

static void
configure(struct bench *bench)
{
	static const char text[] =
	    "{\"billhook\":1,\"connections\":["
	    "{\"code\":\"stripe\",\"driver\":\"stripe\",\"secrets\":{\"webhook\":\"env:BENCH_SECRET\"}},"
	    "{\"code\":\"crm\",\"driver\":\"sandbox\"}],\"syncs\":[{\"code\":\"s\",\"from\":\"stripe\","
	    "\"to\":\"crm\",\"mapping\":{\"name\":\"m\",\"objects\":[{\"name\":\"account\","
	    "\"from\":\"customer\",\"to\":\"Account\",\"key\":\"K\",\"fields\":[{\"to\":\"N\",\"from\":\"name\"}]}]}}]}";
	struct configure_options options = {.preset_dir = "/nonexistent"};
	struct bh_err err = BH_ERR_INIT;
	json_t *document = json_loads(text, 0, NULL);
	size_t changes;

	setenv("BENCH_SECRET", "secret", 1);
	if (configure_apply(bench->store, &bench->key, document, &options, &changes, &err) < 0)
		give_up(err.text);
	json_decref(document);
}

/* -- events -- */

static void
accept(struct bench *bench, const char *type, const char *object)
{
	char id[32];
	struct bh_err err = BH_ERR_INIT;
	json_t *headers = json_object();
	char *body;
	struct journal_entry entry = {.connection = "stripe",
	    .id = id,
	    .type = type,
	    .received_ms = bh_now_ms(),
	    .headers = headers};

	snprintf(id, sizeof(id), "evt_%u", bench->events++);
	body = bh_xasprintf("{\"id\":\"%s\",\"object\":\"event\",\"type\":\"%s\",\"created\":%lld,"
			    "\"livemode\":true,\"data\":{\"object\":%s}}",
	    id, type, (long long)bench->created_s++, object);
	entry.body = body;
	entry.body_len = strlen(body);
	if (journal_accept(bench->store, &entry, &err) != 1)
		give_up(err.text);
	free(body);
	json_decref(headers);
}

/* A text of about 2 KiB, as metadata and addresses make it. */
static const char *
padding(void)
{
	static char text[2400];

	if (text[0] == '\0')
		for (int i = 0; i < 30; i++)
			snprintf(text + strlen(text), sizeof(text) - strlen(text),
			    "%s\"note_%02d\":\"%060d\"", i > 0 ? "," : "", i, i);
	return text;
}

static void
send(struct bench *bench, unsigned number, unsigned which, unsigned turn)
{
	char *object = NULL;
	const char *type = NULL;

	switch (which) {
	case 0:
		type = "customer.updated";
		object = bh_xasprintf(
		    "{\"id\":\"cus_%07u\",\"object\":\"customer\",\"name\":\"Firm %u %u\","
		    "\"email\":\"a@example.com\",\"currency\":\"usd\",\"metadata\":{%s}}",
		    number, number, turn, padding());
		break;
	case 1:
		type = "customer.subscription.updated";
		object = bh_xasprintf(
		    "{\"id\":\"sub_%07u\",\"object\":\"subscription\",\"customer\":\"cus_%07u\",\"status\":\"active\","
		    "\"currency\":\"usd\",\"start_date\":1790000000,\"created\":1790000000,\"metadata\":{%s},\"items\":"
		    "{\"object\":\"list\",\"has_more\":false,\"data\":[{\"id\":\"si_%07u\",\"object\":\"subscription_item\","
		    "\"quantity\":%u,\"current_period_start\":1793000000,\"current_period_end\":1796000000,\"price\":"
		    "{\"id\":\"price_1\",\"object\":\"price\",\"currency\":\"usd\",\"unit_amount\":1500,"
		    "\"unit_amount_decimal\":\"1500\",\"billing_scheme\":\"per_unit\",\"type\":\"recurring\",\"recurring\":"
		    "{\"interval\":\"month\",\"interval_count\":1,\"usage_type\":\"licensed\"}}}]}}",
		    number, number, padding(), number, turn % 50 + 1);
		break;
	default:
		type = "invoice.updated";
		object = bh_xasprintf(
		    "{\"id\":\"in_%07u\",\"object\":\"invoice\",\"customer\":\"cus_%07u\",\"subscription\":\"sub_%07u\","
		    "\"status\":\"%s\",\"currency\":\"usd\",\"total\":%u,\"amount_due\":%u,\"amount_remaining\":%u,"
		    "\"number\":\"N-%07u\",\"created\":1793000000,\"due_date\":1797000000,\"metadata\":{%s}}",
		    number, number, number, turn % 2 ? "paid" : "open", turn * 100, turn * 100,
		    turn % 2 ? 0 : turn * 100, number, padding());
		break;
	}
	accept(bench, type, object);
	free(object);
}

static void
ingest(struct bench *bench)
{
	struct sync_outcome outcome;
	struct bh_err err = BH_ERR_INIT;

	if (ingest_run(&bench->context, 0, &outcome, &err) < 0)
		give_up(err.text);
}

/* -- many objects -- */

static void
renumber(struct bh_buf *out, const char *text, size_t len, unsigned number)
{
	char digits[DIGITS + 1];
	const char *at = text, *last = text + len, *found;

	snprintf(digits, sizeof(digits), "%07u", number);
	bh_buf_reset(out);
	while ((found = memmem(at, (size_t)(last - at), MODEL, DIGITS)) != NULL) {
		bh_buf_add(out, at, (size_t)(found - at));
		bh_buf_add(out, digits, DIGITS);
		at = found + DIGITS;
	}
	bh_buf_add(out, at, (size_t)(last - at));
}

/* Copy what the mirror, its figures and the list of customers hold of the model. */
static void
multiply(struct bench *bench, size_t objects)
{
	static const char *const families[] = {"M", "F", "C"};
	struct bh_buf key = BH_BUF_INIT(STORE_KEY_MAX), value = BH_BUF_INIT(STORE_VALUE_MAX);
	struct store_txn *reading = store_begin(bench->store);
	const struct store_entry *entries[BH_LEN(families)];
	struct bh_err err = BH_ERR_INIT;
	size_t n[BH_LEN(families)];
	bool more;

	for (size_t f = 0; f < BH_LEN(families); f++) {
		struct store_scan scan = {.prefix = families[f], .prefix_len = 1, .max = 1000};

		if (store_scan(reading, &scan, &entries[f], &n[f], &more, &err) < 0)
			give_up(err.text);
	}
	for (unsigned from = 0; from < objects / OBJECTS_EACH; from += COPIES) {
		struct store_txn *txn = store_begin(bench->store);

		for (unsigned i = from; i < from + COPIES; i++)
			for (size_t f = 0; f < BH_LEN(families); f++)
				for (size_t e = 0; e < n[f]; e++) {
					renumber(&key, entries[f][e].key, entries[f][e].key_len, i);
					renumber(&value, entries[f][e].value,
					    entries[f][e].value_len, i);
					store_put(txn, key.data, key.len, bh_buf_str(&value),
					    value.len);
				}
		if (store_commit(txn, NULL, &err) < 0)
			give_up(err.text);
		store_free(&txn);
	}
	store_free(&reading);
	bh_buf_release(&key);
	bh_buf_release(&value);
}

static unsigned
dice(struct bench *bench, size_t n)
{
	bench->seed = bench->seed * 1664525 + 1013904223;
	return (unsigned)((bench->seed >> 4) % n);
}

static int64_t
cpu_us(pid_t pid)
{
	char *path = bh_xasprintf("/proc/%d/schedstat", (int)pid);
	FILE *file = fopen(path, "r");
	long long ns = 0;

	if (file != NULL && fscanf(file, "%lld", &ns) != 1)
		ns = 0;
	if (file != NULL)
		fclose(file);
	free(path);
	return ns / 1000;
}

static void
measure(unsigned events, size_t objects)
{
	struct bench bench = {.seed = 1};
	int64_t began_us, took_us, cpu;
	size_t customers = objects / OBJECTS_EACH;

	start(&bench);
	configure(&bench);
	for (unsigned which = 0; which < OBJECTS_EACH; which++)
		send(&bench, 9999999, which, 1);
	ingest(&bench);
	multiply(&bench, objects);
	for (unsigned i = 0; i < events; i++)
		send(&bench, dice(&bench, customers), dice(&bench, 3), i);
	cpu = cpu_us(getpid()) + cpu_us(bench.keeper);
	began_us = bh_mono_us();
	ingest(&bench);
	took_us = bh_mono_us() - began_us;
	cpu = cpu_us(getpid()) + cpu_us(bench.keeper) - cpu;
	printf("{\"objects\": %zu, \"events\": %u, \"per_s\": %lld, \"cpu_us\": %lld}\n", objects,
	    events, (long long)events * 1000000 / took_us, (long long)cpu / events);
	fflush(stdout);
	end(&bench);
}

int
main(int argc, char **argv)
{
	unsigned events = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;

	if (events == 0 || argc < 3) {
		fputs("usage: bench-ingest EVENTS OBJECTS...\n", stderr);
		return 2;
	}
	bh_log_level(BH_ERROR);
	for (int i = 2; i < argc; i++)
		measure(events, strtoul(argv[i], NULL, 10));
	return 0;
}
