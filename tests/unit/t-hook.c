/* web/hook and web/import: what becomes of a webhook, in every case. */
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/proc.h"
#include "base/text.h"
#include "state/journal.h"
#include "unit.h"
#include "web/hook.h"
#include "web/raw.h"

#define SECRET "whsec_test"
#define NEXT_SECRET "whsec_next"
#define BODY "{\"id\":\"evt_%s\",\"object\":\"event\",\"type\":\"customer.created\"}"

static const char *const words[] = {"hook", NULL};

struct world {
	char dir[64];
	struct conf conf;
	struct site site;
	struct store *dead; /* nobody answers */
};

/* -- set-up -- */

struct setting {
	struct world *world;
	const char *code, *driver, *secret;
	bool is_source;
};

static int
put_connection(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct setting *setting = arg;
	struct account_connection connection = {.is_source = setting->is_source,
	    .settings = json_object(),
	    .secrets = json_object()};
	int rc;

	snprintf(connection.code, sizeof(connection.code), "%s", setting->code);
	snprintf(connection.driver, sizeof(connection.driver), "%s", setting->driver);
	if (setting->secret != NULL)
		json_object_set_new(connection.secrets, "webhook", json_string(setting->secret));
	rc = account_connection_save(txn, &setting->world->site.key, &connection, err);
	account_connection_release(&connection);
	return rc;
}

static void
connect(struct world *world, const char *code, const char *driver, const char *secret,
    bool is_source)
{
	struct setting setting = {world, code, driver, secret, is_source};
	struct bh_err err = BH_ERR_INIT;

	if (store_run(world->site.store, put_connection, &setting, NULL, &err) != 0)
		fail_msg("%s", err.text);
}

static int
make_world(void **state)
{
	struct world *world = bh_xcalloc(1, sizeof(*world));
	struct store_options mem = {.engine = "mem"},
			     dead = {.engine = "bdb", .deadline_ms = 50, .no_start = true};
	struct bh_err err = BH_ERR_INIT;
	char path[96];

	*state = world;
	snprintf(world->dir, sizeof(world->dir), "/tmp/t-hook.XXXXXX");
	if (mkdtemp(world->dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/run", world->dir);
	mkdir(path, 0700);
	dead.data_dir = world->dir;
	world->conf.data_dir = world->dir;
	world->site.conf = &world->conf;
	world->site.has_key = true;
	world->site.place.base = "";
	world->site.place.words = words;
	bh_random(world->site.key.bytes, sizeof(world->site.key.bytes));
	if (store_open(&mem, &world->site.store, &err) < 0 ||
	    store_open(&dead, &world->dead, &err) < 0)
		return -1;
	world->site.hook = hook_new(&world->site);
	connect(world, "stripe", "stripe", SECRET, true);
	connect(world, "bare", "stripe", NULL, true);
	connect(world, "crm", "hubspot", "x", false);
	connect(world, "odd", "no-such-driver", "x", true);
	return 0;
}

static void
remove_under(const char *path)
{
	DIR *list = opendir(path);
	struct dirent *entry;

	while (list != NULL && (entry = readdir(list)) != NULL) {
		char *below = bh_xasprintf("%s/%s", path, entry->d_name);

		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    unlink(below) < 0)
			remove_under(below);
		free(below);
	}
	if (list != NULL)
		closedir(list);
	rmdir(path);
}

static int
drop_world(void **state)
{
	struct world *world = *state;

	hook_free(&world->site.hook);
	store_close(&world->site.store);
	store_close(&world->dead);
	remove_under(world->dir);
	free(world);
	return 0;
}

/* Files in dir/spool/below whose name begins with prefix. */
static size_t
count_files(const struct world *world, const char *below, const char *prefix)
{
	char *path = bh_xasprintf("%s/spool/%s", world->dir, below);
	struct dirent *entry;
	size_t n = 0;
	DIR *list = opendir(path);

	while (list != NULL && (entry = readdir(list)) != NULL)
		n += entry->d_name[0] != '.' && bh_has_prefix(entry->d_name, prefix);
	if (list != NULL)
		closedir(list);
	free(path);
	return n;
}

static bool
is_journalled(struct world *world, const char *id)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct bh_err err = BH_ERR_INIT;
	uint64_t stamp;
	int rc = journal_find(txn, "stripe", id, &stamp, &err);

	store_free(&txn);
	assert_true(rc >= 0);
	return rc == 1;
}

/* -- a request -- */

struct post {
	struct request request;
	char signature[160], uri[64];
	const char *params[7];
};

/* As Stripe signs it: HMAC over "time.body". */
static void
make_post(struct post *post, const char *code, const char *secret, const char *body, int64_t at_ms)
{
	static const struct request_place place = {"", words, NULL};
	unsigned char mac[BH_SHA256_LEN];
	char time_text[32], hex[65];
	struct bh_part parts[] = {{time_text, 0}, {body, strlen(body)}};

	snprintf(time_text, sizeof(time_text), "%lld.", (long long)(at_ms / 1000));
	parts[0].len = strlen(time_text);
	bh_hmac_sha256(mac, secret, strlen(secret), parts, 2);
	bh_hex(hex, mac, sizeof(mac));
	snprintf(post->signature, sizeof(post->signature), "HTTP_STRIPE_SIGNATURE=t=%lld,v1=%s",
	    (long long)(at_ms / 1000), hex);
	snprintf(post->uri, sizeof(post->uri), "REQUEST_URI=/hook/%s", code);
	post->params[0] = "REQUEST_METHOD=POST";
	post->params[1] = post->uri;
	post->params[2] = post->signature;
	post->params[3] = "CONTENT_TYPE=application/json";
	post->params[4] = "REMOTE_ADDR=192.0.2.1";
	post->params[5] = "HTTP_AUTHORIZATION=Basic dXNlcjpwYXNzd29yZA==";
	post->params[6] = NULL;
	request_init(&post->request, 1 << 20);
	request_begin(&post->request, post->params, &place);
	post->request.received_ms = at_ms;
	bh_buf_adds(&post->request.body, body);
}

static enum hook_result
accept_post(struct world *world, const char *code, const char *secret, const char *id)
{
	struct bh_err err = BH_ERR_INIT;
	struct post post;
	char body[200];
	enum hook_result result;

	snprintf(body, sizeof(body), BODY, id);
	make_post(&post, code, secret, body, bh_now_ms());
	result = hook_accept(world->site.hook, code, &post.request, true, &err);
	if (result != HOOK_STORED && result != HOOK_DUPLICATE)
		assert_string_not_equal(err.text, "");
	assert_null(strstr(err.text, SECRET));
	request_release(&post.request);
	return result;
}

/* -- tests -- */

static void
test_results(void **state)
{
	struct world *world = *state;

	assert_int_equal(accept_post(world, "stripe", SECRET, "1"), HOOK_STORED);
	assert_true(is_journalled(world, "evt_1"));
	assert_int_equal(accept_post(world, "stripe", SECRET, "1"), HOOK_DUPLICATE);
	assert_int_equal(accept_post(world, "stripe", "wrong", "2"), HOOK_REFUSED);
	assert_false(is_journalled(world, "evt_2"));
	assert_int_equal(accept_post(world, "nobody", SECRET, "3"), HOOK_UNKNOWN);
	assert_int_equal(accept_post(world, "crm", SECRET, "3"), HOOK_UNKNOWN);
	assert_int_equal(accept_post(world, "bare", SECRET, "3"), HOOK_UNREADY);
	assert_int_equal(accept_post(world, "odd", SECRET, "3"), HOOK_UNREADY);
}

static void
test_signed_nonsense(void **state)
{
	struct world *world = *state;
	struct bh_err err = BH_ERR_INIT;
	struct post post;

	make_post(&post, "stripe", SECRET, "no json at all", bh_now_ms());
	assert_int_equal(hook_accept(world->site.hook, "stripe", &post.request, true, &err),
	    HOOK_REFUSED);
	request_release(&post.request);
	make_post(&post, "stripe", SECRET,
	    "{\"id\":\"evt_old\",\"object\":\"event\",\"type\":\"x\"}", bh_now_ms());
	post.request.received_ms += 3600 * 1000;
	assert_int_equal(hook_accept(world->site.hook, "stripe", &post.request, true, &err),
	    HOOK_REFUSED);
	assert_false(is_journalled(world, "evt_old"));
	request_release(&post.request);
}

/* The connection is remembered, and still a new secret works with the next request. */
static void
test_rolled_secret(void **state)
{
	struct world *world = *state;

	assert_int_equal(accept_post(world, "stripe", SECRET, "a"), HOOK_STORED);
	connect(world, "stripe", "stripe", NEXT_SECRET, true);
	assert_int_equal(accept_post(world, "stripe", NEXT_SECRET, "b"), HOOK_STORED);
	assert_int_equal(accept_post(world, "stripe", SECRET, "c"), HOOK_REFUSED);
}

static void
test_without_key(void **state)
{
	struct world *world = *state;

	world->site.has_key = false;
	assert_int_equal(accept_post(world, "stripe", SECRET, "a"), HOOK_UNREADY);
}

/* The keeper is gone: what can be verified is spooled for it, at once. */
static void
test_store_down(void **state)
{
	struct world *world = *state;
	struct store *alive = world->site.store;
	int64_t begin_ms;

	assert_int_equal(accept_post(world, "stripe", SECRET, "a"), HOOK_STORED);
	world->site.store = world->dead;
	unit_log_expected(true);
	assert_int_equal(accept_post(world, "stripe", SECRET, "b"), HOOK_STORED);
	unit_log_expected(false);
	assert_int_equal(count_files(world, "", "new."), 1);
	/* Within the next second nobody waits for it again. */
	begin_ms = bh_mono_ms();
	for (int i = 0; i < 5; i++) {
		char id[16];

		snprintf(id, sizeof(id), "c%d", i);
		assert_int_equal(accept_post(world, "stripe", SECRET, id), HOOK_STORED);
	}
	assert_in_range(bh_mono_ms() - begin_ms, 0, 200);
	assert_int_equal(count_files(world, "", "new."), 6);
	assert_int_equal(accept_post(world, "stripe", "wrong", "d"), HOOK_REFUSED);
	assert_int_equal(count_files(world, "", "new."), 6);
	/* A connection never seen cannot be verified here. */
	assert_int_equal(accept_post(world, "other", SECRET, "e"), HOOK_LATER);
	world->site.store = alive;
}

static void
receive(struct world *world, const char *code, const char *secret, const char *id, int status,
    const char *text)
{
	struct response response;
	struct exchange exchange = {.site = &world->site, .response = &response};
	struct bh_err err = BH_ERR_INIT;
	struct post post;
	char body[200];

	snprintf(body, sizeof(body), BODY, id);
	make_post(&post, code, secret, body, bh_now_ms());
	exchange.request = &post.request;
	snprintf(exchange.match.args[0], sizeof(exchange.match.args[0]), "%s", code);
	response_init(&response);
	assert_int_equal(hook_receive(&exchange, &err), 0);
	assert_int_equal(response.status, status);
	assert_string_equal(bh_buf_str(&response.body), text);
	assert_int_equal(response.retry_after_s, status == 503 ? 30 : 0);
	response_release(&response);
	request_release(&post.request);
}

static void
test_answers(void **state)
{
	struct world *world = *state;
	struct store *alive = world->site.store;

	receive(world, "stripe", SECRET, "1", 200, "{\"status\":\"accepted\"}\n");
	receive(world, "stripe", SECRET, "1", 200, "{\"status\":\"duplicate\"}\n");
	receive(world, "nobody", SECRET, "1", 404, "{\"error\":\"there is no such connection\"}\n");
	receive(world, "No/Code", SECRET, "1", 404,
	    "{\"error\":\"there is no such connection\"}\n");
	unit_log_expected(true);
	receive(world, "bare", SECRET, "1", 503,
	    "{\"error\":\"the connection is not ready to receive\"}\n");
	world->site.store = world->dead;
	receive(world, "other", SECRET, "1", 200, "{\"status\":\"accepted\"}\n");
	assert_int_equal(count_files(world, "raw", ""), 1);
	/* Nothing is acknowledged that is not on disk. */
	world->conf.data_dir = bh_xstrdup("/dev/null/none");
	receive(world, "other", SECRET, "2", 503, "{\"error\":\"storage is not available\"}\n");
	receive(world, "stripe", SECRET, "2", 503, "{\"error\":\"storage is not available\"}\n");
	unit_log_expected(false);
	free(world->conf.data_dir);
	world->conf.data_dir = world->dir;
	world->site.store = alive;
}

static void
write_raw(struct world *world, const char *code, const char *secret, const char *id, int64_t at_ms)
{
	struct bh_err err = BH_ERR_INIT;
	struct post post;
	char body[200];

	snprintf(body, sizeof(body), BODY, id);
	make_post(&post, code, secret, body, at_ms);
	if (raw_write(world->dir, post.params, body, strlen(body), at_ms, &err) < 0)
		fail_msg("%s", err.text);
	request_release(&post.request);
}

static int
import(struct world *world, size_t max)
{
	struct bh_err err = BH_ERR_INIT;

	return hook_import_raw(world->site.hook, world->dir, max, &err);
}

static void
test_import(void **state)
{
	struct world *world = *state;
	int64_t now_ms = bh_now_ms();

	assert_int_equal(import(world, 10), 0);
	/* Verified as of the time when it came. */
	write_raw(world, "stripe", SECRET, "r1", now_ms - 86400 * 1000);
	write_raw(world, "stripe", SECRET, "r2", now_ms);
	write_raw(world, "stripe", SECRET, "r2", now_ms + 1);
	write_raw(world, "stripe", "wrong", "r3", now_ms);
	write_raw(world, "nobody", SECRET, "r4", now_ms);
	write_raw(world, "bare", SECRET, "r5", now_ms);
	unit_log_expected(true);
	assert_int_equal(import(world, 10), 5);
	assert_true(is_journalled(world, "evt_r1"));
	assert_true(is_journalled(world, "evt_r2"));
	assert_false(is_journalled(world, "evt_r3"));
	assert_int_equal(count_files(world, "bad", ""), 2);
	/* What waits for a person stays, and is taken when it can be. */
	assert_int_equal(count_files(world, "raw", ""), 1);
	assert_int_equal(import(world, 10), 0);
	unit_log_expected(false);
	connect(world, "bare", "stripe", SECRET, true);
	assert_int_equal(import(world, 10), 1);
	assert_int_equal(count_files(world, "raw", ""), 0);
}

/* Files that must wait do not stand in the way of those behind them. */
static void
test_import_in_turns(void **state)
{
	struct world *world = *state;
	int64_t now_ms = bh_now_ms();
	int taken = 0;

	for (int i = 0; i < 6; i++)
		write_raw(world, "bare", SECRET, "w", now_ms - 1000 + i);
	for (int i = 0; i < 3; i++) {
		char id[16];

		snprintf(id, sizeof(id), "t%d", i);
		write_raw(world, "stripe", SECRET, id, now_ms + i);
	}
	unit_log_expected(true);
	for (int i = 0; i < 8; i++)
		taken += import(world, 2);
	unit_log_expected(false);
	assert_int_equal(taken, 3);
	assert_true(is_journalled(world, "evt_t2"));
	assert_int_equal(count_files(world, "raw", ""), 6);
}

static void
test_import_store_down(void **state)
{
	struct world *world = *state;
	struct store *alive = world->site.store;

	write_raw(world, "stripe", SECRET, "d", bh_now_ms());
	world->site.store = world->dead;
	assert_int_equal(import(world, 10), -1);
	assert_int_equal(count_files(world, "raw", ""), 1);
	world->site.store = alive;
	bh_sleep_ms(1050); /* the store is left alone for a second */
	assert_int_equal(import(world, 10), 1);
	assert_true(is_journalled(world, "evt_d"));
}

/* A file that is none of ours, and one that a killed writer left. */
static void
test_import_rubbish(void **state)
{
	struct world *world = *state;
	struct bh_err err = BH_ERR_INIT;
	char path[160], *dir;
	FILE *file;

	assert_int_equal(raw_dir(world->dir, &dir, &err), 0);
	snprintf(path, sizeof(path), "%s/0-rubbish", dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("rubbish", file);
	fclose(file);
	snprintf(path, sizeof(path), "%s/.1000000000000-0011223344556677", dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	unit_log_expected(true);
	assert_int_equal(import(world, 10), 1);
	unit_log_expected(false);
	assert_int_equal(count_files(world, "bad", "0-rubbish"), 1);
	assert_int_equal(access(path, F_OK), -1);
	free(dir);
}

/* The signature that is kept of an event, and nothing else that could prove something. */
static void
assert_masked(struct world *world, const char *id)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct bh_err err = BH_ERR_INIT;
	struct journal_event event;
	const char *signature;
	uint64_t stamp;

	assert_int_equal(journal_find(txn, "stripe", id, &stamp, &err), 1);
	assert_int_equal(journal_read(txn, stamp, &event, &err), 1);
	signature = json_string_value(json_object_get(event.headers, "stripe-signature"));
	assert_non_null(signature);
	assert_true(bh_has_prefix(signature, "t=1"));
	assert_non_null(strstr(signature, ",v1="));
	assert_int_equal(strlen(strstr(signature, ",v1=")), 4 + 8 + 3);
	assert_true(bh_has_suffix(signature, "\xe2\x80\xa6"));
	assert_null(json_object_get(event.headers, "authorization"));
	assert_null(json_object_get(event.headers, "cookie"));
	journal_event_release(&event);
	store_free(&txn);
}

static char *
read_spooled(const struct world *world)
{
	char *dir = bh_xasprintf("%s/spool", world->dir), *content = bh_xcalloc(1, 4096);
	struct dirent *entry;
	DIR *list = opendir(dir);

	while ((entry = readdir(list)) != NULL) {
		char *path = bh_xasprintf("%s/%s", dir, entry->d_name);
		FILE *file = bh_has_prefix(entry->d_name, "new.") ? fopen(path, "r") : NULL;

		if (file != NULL) {
			for (size_t i = fread(content, 1, 4095, file); i-- > 0;)
				if (content[i] == '\0')
					content[i] = ' ';
			fclose(file);
		}
		free(path);
	}
	closedir(list);
	free(dir);
	return content;
}

/* Stored, spooled and imported: what is kept is masked. */
static void
test_masked(void **state)
{
	struct world *world = *state;
	struct store *alive = world->site.store;
	char *spooled;

	assert_int_equal(accept_post(world, "stripe", SECRET, "1"), HOOK_STORED);
	assert_masked(world, "evt_1");
	/* A raw file must hold everything, or it could not be verified when it is imported. */
	write_raw(world, "stripe", SECRET, "2", bh_now_ms());
	assert_int_equal(import(world, 10), 1);
	assert_masked(world, "evt_2");
	world->site.store = world->dead;
	unit_log_expected(true);
	assert_int_equal(accept_post(world, "stripe", SECRET, "3"), HOOK_STORED);
	unit_log_expected(false);
	world->site.store = alive;
	spooled = read_spooled(world);
	assert_non_null(strstr(spooled, "evt_3"));
	assert_non_null(strstr(spooled, ",v1="));
	assert_memory_equal(strstr(spooled, ",v1=") + 12, "\xe2\x80\xa6", 3);
	free(spooled);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_world, drop_world)

int
main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_results), TEST(test_signed_nonsense),
	    TEST(test_rolled_secret), TEST(test_without_key), TEST(test_store_down),
	    TEST(test_answers), TEST(test_import), TEST(test_import_in_turns),
	    TEST(test_import_store_down), TEST(test_import_rubbish), TEST(test_masked)};

	bh_proc_init();
	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
