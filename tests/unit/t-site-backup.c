/* web/page_backup.c: who may have a copy made, who may fetch it, and what is told of it. */
#include "base/base.h"

#include <sys/stat.h>

#include <unistd.h>

#include "crm-unit.h"
#include "state/queue.h"

static struct backup
stored(struct world *world)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct backup backup;

	assert_int_equal(backup_get(txn, &backup, NULL), 0);
	store_free(&txn);
	return backup;
}

/* The newest entry of what people did. */
static void
assert_noted(struct world *world, const char *text)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	struct trail_query all = {.by = NULL};
	json_t *entries;
	bool more;

	assert_int_equal(trail_audit(txn, &all, 10, 1, &after, &entries, &more, NULL), 0);
	assert_string_equal(bh_json_str(json_array_get(entries, 0), "by"), "ada");
	assert_string_equal(bh_json_str(json_array_get(entries, 0), "text"), text);
	json_decref(entries);
	bh_buf_release(&after);
	store_free(&txn);
}

static void
test_only_administrators(void **state)
{
	static const char *const buttons[] = {"/settings/backup/make", "/settings/backup/fetch",
	    "/settings/backup/remove"};
	struct world *world = *state;
	struct browser browser = open_at(world, "oda", "/settings");
	char dir[32];

	lacks(&browser, "/settings/backup");
	put_backup(world, dir, false);
	ask(&browser, "GET", "/settings", NULL);
	for (size_t i = 0; i < BH_LEN(buttons); i++) {
		post(&browser, buttons[i], "password=correct+horse");
		assert_int_equal(browser.status, 403);
		assert_string_equal(browser.download, "");
		ask(&browser, "GET", "/settings", NULL);
	}
	ask(&browser, "GET", "/settings/backup", NULL);
	assert_int_equal(browser.status, 403);
	ask(&browser, "GET", "/settings/backup/status.json", NULL);
	assert_int_equal(browser.status, 403);
	lacks(&browser, "ready");
	assert_int_equal(stored(world).state, BACKUP_READY);
	drop_backup(dir);
	close_browser(&browser);
}

static void
test_asked(void **state)
{
	struct world *world = *state;
	struct browser browser = open_at(world, "ada", "/settings/backup");

	assert_page(&browser, "There is no copy at the moment.");
	lacks(&browser, "Download it");
	post(&browser, "/settings/backup/make", "x=1");
	assert_int_equal(browser.status, 303);
	assert_string_equal(browser.location, "/settings/backup");
	assert_int_equal(stored(world).state, BACKUP_ASKED);
	assert_false(stored(world).has_key);
	assert_noted(world, "a copy was asked for, in the browser by ada");
	look(&browser, "/settings/backup", 200);
	assert_page(&browser, "A copy is asked for");
	lacks(&browser, "Make a copy</button>");
	ask(&browser, "GET", "/settings/backup/status.json", NULL);
	assert_page(&browser, "\"backup.state\":\"busy\"");
	/* A second press changes nothing, and is not noted. */
	look(&browser, "/settings", 200);
	post(&browser, "/settings/backup/make", "key=yes");
	assert_int_equal(browser.status, 303);
	assert_false(stored(world).has_key);
	assert_noted(world, "a copy was asked for, in the browser by ada");
	look(&browser, "/settings", 200);
	post(&browser, "/settings/backup/what", "x=1");
	assert_int_equal(browser.status, 404);
	close_browser(&browser);
}

static void
put_bytes(const char *dir, const char *name, size_t n)
{
	char *path = bh_xasprintf("%s/%s", dir, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	while (n-- > 0)
		assert_int_equal(fputc('x', file), 'x');
	assert_int_equal(fclose(file), 0);
	free(path);
}

static void
remove_file(const char *dir, const char *name)
{
	char *path = bh_xasprintf("%s/%s", dir, name);

	assert_int_equal(unlink(path), 0);
	free(path);
}

/* How much of it stands on the disk: copy and archive; never more than all. */
static void
test_progress(void **state)
{
	struct world *world = *state;
	struct backup backup = {.state = BACKUP_COPYING, .asked_ms = 1, .bytes = 4 * 1048576};
	struct store_txn *txn = store_begin(world->site.store);
	struct browser browser;
	char dir[] = "/tmp/t-site.XXXXXX", *copy, *archive;

	assert_non_null(mkdtemp(dir));
	free(world->conf.data_dir);
	world->conf.data_dir = bh_xstrdup(dir);
	backup_put(txn, &backup);
	crm_commit(&txn);
	browser = open_at(world, "ada", "/settings/backup");
	assert_page(&browser, "0.0 of about 4.0 MiB are written");
	assert_page(&browser, "<progress max=\"100\" value=\"0\"");
	copy = bh_xasprintf("%s/" BACKUP_DIR "/" BACKUP_COPY, dir);
	archive = bh_xasprintf("%s/" BACKUP_DIR, dir);
	assert_int_equal(mkdir(archive, 0700), 0);
	assert_int_equal(mkdir(copy, 0700), 0);
	put_bytes(copy, "store", 1048576);
	put_bytes(archive, "x.tar.part", 524288);
	look(&browser, "/settings/backup", 200);
	assert_page(&browser, "1.5 of about 4.0 MiB are written");
	assert_page(&browser, "<progress max=\"100\" value=\"37\"");
	put_bytes(copy, "more", 4 * 1048576);
	ask(&browser, "GET", "/settings/backup/status.json", NULL);
	assert_page(&browser, "\"backup.percent\":\"100\"");
	assert_page(&browser, "4.0 of about 4.0 MiB");
	remove_file(copy, "store");
	remove_file(copy, "more");
	remove_file(archive, "x.tar.part");
	assert_int_equal(rmdir(copy) + rmdir(archive) + rmdir(dir), 0);
	free(copy);
	free(archive);
	close_browser(&browser);
}

static void
test_fetched(void **state)
{
	struct world *world = *state;
	struct browser browser;
	int64_t now_ms = bh_now_ms();
	char dir[32];

	put_backup(world, dir, true);
	browser = open_at(world, "ada", "/settings/backup");
	assert_page(&browser, BACKUP_FILE);
	assert_page(&browser, "whoever has the file can use every system");
	post(&browser, "/settings/backup/fetch", "password=");
	check_answer(&browser, "no password", 400);
	assert_page(&browser, "Please fill in: Your password.");
	unit_log_expected(true);
	post(&browser, "/settings/backup/fetch", "password=wrong");
	unit_log_expected(false);
	check_answer(&browser, "wrong", 400);
	assert_page(&browser, "That is not your password.");
	assert_string_equal(browser.download, "");
	post(&browser, "/settings/backup/fetch", "password=correct+horse");
	assert_int_equal(browser.status, 200);
	assert_string_equal(browser.download, BACKUP_FILE);
	assert_string_equal(browser.body, "the archive\n");
	assert_noted(world, "the copy with the key was fetched, in the browser by ada");
	assert_true(stored(world).until_ms <= bh_now_ms() + BACKUP_FETCHED_MS);
	assert_true(stored(world).until_ms >= now_ms + BACKUP_FETCHED_MS);
	look(&browser, "/settings/backup", 200);
	post(&browser, "/settings/backup/remove", "x=1");
	assert_string_equal(browser.location, "/settings/backup?done=removed");
	assert_true(stored(world).until_ms <= bh_now_ms());
	assert_noted(world, "the copy was removed, in the browser by ada");
	drop_backup(dir);
	/* What the store tells of a file that is gone counts for nothing. */
	look(&browser, "/settings/backup", 200);
	assert_page(&browser, "There is no copy at the moment.");
	post(&browser, "/settings/backup/fetch", "password=correct+horse");
	assert_int_equal(browser.status, 404);
	close_browser(&browser);
}

/* Guessing is stopped as at the login. */
static void
test_guessing(void **state)
{
	struct world *world = *state;
	struct browser browser;
	char dir[32];

	put_backup(world, dir, false);
	browser = open_at(world, "ada", "/settings/backup");
	unit_log_expected(true);
	for (int i = 0; i < SESSION_FAILURES; i++)
		post(&browser, "/settings/backup/fetch", "password=wrong");
	post(&browser, "/settings/backup/fetch", "password=correct+horse");
	unit_log_expected(false);
	assert_int_equal(browser.status, 429);
	assert_string_equal(browser.download, "");
	drop_backup(dir);
	close_browser(&browser);
}

/* A link instead of the file leads nowhere. */
static void
test_no_link(void **state)
{
	struct world *world = *state;
	struct browser browser;
	char dir[32], path[80];

	put_backup(world, dir, false);
	snprintf(path, sizeof(path), "%s/" BACKUP_DIR "/" BACKUP_FILE, dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	browser = open_at(world, "ada", "/settings/backup");
	assert_page(&browser, "There is no copy at the moment.");
	post(&browser, "/settings/backup/fetch", "password=correct+horse");
	assert_int_equal(browser.status, 404);
	assert_string_equal(browser.download, "");
	drop_backup(dir);
	close_browser(&browser);
}

static void
test_failed(void **state)
{
	struct world *world = *state;
	struct backup backup = {.state = BACKUP_FAILED, .asked_ms = 1, .note = "No <room>."};
	struct store_txn *txn = store_begin(world->site.store);
	struct browser browser;

	backup_put(txn, &backup);
	crm_commit(&txn);
	browser = open_at(world, "ada", "/settings/backup");
	assert_page(&browser, "The copy could not be made. No &lt;room&gt;.");
	assert_page(&browser, "data-state=\"bad\"");
	assert_page(&browser, "Make a copy</button>");
	close_browser(&browser);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_only_administrators),
	    TEST(test_asked),
	    TEST(test_progress),
	    TEST(test_fetched),
	    TEST(test_guessing),
	    TEST(test_no_link),
	    TEST(test_failed),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
