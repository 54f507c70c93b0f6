/* state/backup.c, sync/backup.c: the copy that is asked for in the browser.  The keeper's part is played here. */
#include "base/base.h"

#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/proc.h"
#include "state.h"
#include "state/backup.h"
#include "state/queue.h"
#include "sync/backup.h"

static bool is_copy_refused, is_stopping;
static int copies;
static struct backup while_copied; /* what the page is told */

int __wrap_store_backup(struct store *store, const char *dir, struct bh_err *err);

int
__wrap_store_backup(struct store *store, const char *dir, struct bh_err *err)
{
	struct store_txn *txn = store_begin(store);
	char path[200];
	int fd;

	copies++;
	assert_int_equal(backup_get(txn, &while_copied, err), 0);
	store_free(&txn);
	if (is_copy_refused)
		return bh_fail(err, BH_STORAGE, "the disk is full");
	assert_int_equal(bh_make_dir(dir, err), 0);
	snprintf(path, sizeof(path), "%s/billhook.db", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "the store", 9), 9);
	close(fd);
	return 0;
}

static bool
is_told(void *arg BH_UNUSED)
{
	return is_stopping;
}

/* -- a data directory -- */

struct place {
	struct fixture *f;
	char dir[32];
	struct conf conf;
	struct sync_context context;
	struct sync_outcome outcome;
};

static void
put_file(const struct place *place, const char *name, const char *text)
{
	char path[200];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", place->dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
open_place(struct place *place, void **state)
{
	char db[48];

	*place = (struct place){.f = *state};
	snprintf(place->dir, sizeof(place->dir), "/tmp/t-backup.XXXXXX");
	assert_non_null(mkdtemp(place->dir));
	place->conf.data_dir = place->dir;
	place->context = (struct sync_context){.conf = &place->conf,
	    .store = place->f->store,
	    .is_stopping = is_told};
	snprintf(db, sizeof(db), "%s/db", place->dir);
	assert_int_equal(mkdir(db, 0700), 0);
	put_file(place, "key", "the secret key");
	put_file(place, "billhook.conf", "log_level = info\n");
	put_file(place, "db/store", "0123456789");
	is_copy_refused = is_stopping = false;
	copies = 0;
}

/* Names below the directory that is left, "" when it is gone. */
static void
names_left(const struct place *place, char *out, size_t size)
{
	char path[200];
	const struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/backup", place->dir);
	dir = opendir(path);
	out[0] = '\0';
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' && strncmp(entry->d_name, "begun-", 6) != 0)
			snprintf(out + strlen(out), size - strlen(out), "%s ", entry->d_name);
	if (dir != NULL)
		closedir(dir);
}

static void
close_place(struct place *place)
{
	char command[100];
	pid_t pid = fork();

	if (pid == 0) {
		snprintf(command, sizeof(command), "%s", place->dir);
		execlp("rm", "rm", "-rf", command, (char *)NULL);
		_exit(127);
	}
	assert_true(pid > 0);
}

static struct backup
stored(const struct place *place)
{
	struct store_txn *txn = store_begin(place->f->store);
	struct backup backup;

	assert_int_equal(backup_get(txn, &backup, NULL), 0);
	store_free(&txn);
	return backup;
}

static void
ask(const struct place *place, bool has_key, int expected)
{
	struct fixture *f = place->f;

	assert_int_equal(MUST(backup_ask(f->txn, has_key, bh_now_ms(), &f->err)), expected);
	state_commit(f);
}

static void
run(struct place *place)
{
	struct fixture *f = place->f;

	place->outcome = (struct sync_outcome){.again_ms = -1};
	MUST(backup_run(&place->context, &place->outcome, &f->err));
}

static char *
archive_text(const struct place *place, size_t *len_r)
{
	struct backup backup = stored(place);
	char *path = backup_path(place->dir, &backup), *text = bh_xcalloc(1 << 16, 1);
	int fd = open(path, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, text, 1 << 16);
	assert_int_equal(n, backup.bytes);
	*len_r = (size_t)n;
	close(fd);
	free(path);
	return text;
}

static bool
has_text(const char *archive, size_t len, const char *text)
{
	return memmem(archive, len, text, strlen(text)) != NULL;
}

/* -- tests -- */

static void
test_made(void **state)
{
	struct place place;
	struct backup backup;
	char left[300], *archive;
	size_t len;

	open_place(&place, state);
	ask(&place, false, 0);
	assert_int_equal(stored(&place).state, BACKUP_ASKED);
	ask(&place, true, 1); /* one at a time */
	run(&place);
	/* The database's ten bytes are written twice: as a copy, and into the archive. */
	assert_int_equal(while_copied.state, BACKUP_COPYING);
	assert_int_equal(while_copied.bytes, 20);
	backup = stored(&place);
	assert_int_equal(backup.state, BACKUP_READY);
	assert_int_equal(place.outcome.again_ms, backup.until_ms);
	assert_int_equal(backup.until_ms, backup.made_ms + BACKUP_KEPT_MS);
	names_left(&place, left, sizeof(left));
	assert_int_equal(strncmp(left, backup.name, strlen(backup.name)), 0);
	assert_int_equal(strlen(left), strlen(backup.name) + 1);
	assert_int_equal(strlen(backup.name), strlen("billhook-20261122-175900.tar"));
	archive = archive_text(&place, &len);
	assert_true(has_text(archive, len, "billhook-backup/db/billhook.db"));
	assert_true(has_text(archive, len, "the store"));
	assert_true(has_text(archive, len, "log_level = info"));
	assert_true(has_text(archive, len, "billhook restore"));
	assert_false(has_text(archive, len, "the secret key"));
	free(archive);
	close_place(&place);
}

static void
test_with_key(void **state)
{
	struct place place;
	char *archive;
	size_t len;

	open_place(&place, state);
	ask(&place, true, 0);
	run(&place);
	assert_true(stored(&place).has_key);
	archive = archive_text(&place, &len);
	assert_true(has_text(archive, len, "billhook-backup/key"));
	assert_true(has_text(archive, len, "the secret key"));
	free(archive);
	close_place(&place);
}

/* Fetched it stays an hour, asked for anew it makes place, old it goes. */
static void
test_goes(void **state)
{
	struct place place;
	struct fixture *f = *state;
	char left[300];
	int64_t now_ms = bh_now_ms();

	open_place(&place, state);
	ask(&place, false, 0);
	run(&place);
	MUST(backup_end(f->txn, now_ms + BACKUP_FETCHED_MS, &f->err));
	state_commit(f);
	assert_int_equal(stored(&place).until_ms, now_ms + BACKUP_FETCHED_MS);
	/* Fetched again it does not stay longer. */
	MUST(backup_end(f->txn, now_ms + 2 * BACKUP_FETCHED_MS, &f->err));
	state_commit(f);
	run(&place);
	assert_int_equal(stored(&place).state, BACKUP_READY);
	assert_int_equal(place.outcome.again_ms, now_ms + BACKUP_FETCHED_MS);
	MUST(backup_end(f->txn, now_ms - 1, &f->err));
	state_commit(f);
	run(&place);
	assert_int_equal(stored(&place).state, BACKUP_NONE);
	assert_int_equal(place.outcome.again_ms, -1);
	names_left(&place, left, sizeof(left));
	assert_string_equal(left, "");
	assert_int_equal(MUST(backup_end(f->txn, now_ms, &f->err)), 1);
	close_place(&place);
}

static void
test_refused(void **state)
{
	struct place place;
	char left[300];

	open_place(&place, state);
	is_copy_refused = true;
	ask(&place, false, 0);
	unit_log_expected(true);
	run(&place);
	unit_log_expected(false);
	assert_int_equal(stored(&place).state, BACKUP_FAILED);
	assert_string_equal(stored(&place).note, "the disk is full");
	names_left(&place, left, sizeof(left));
	assert_string_equal(left, "");
	is_copy_refused = false;
	ask(&place, false, 0);
	run(&place);
	assert_int_equal(stored(&place).state, BACKUP_READY);
	close_place(&place);
}

/* Told to stop it begins anew; so it does when it died, but not in the store that was copied. */
static void
test_interrupted(void **state)
{
	struct place place;
	struct fixture *f = *state;
	struct backup backup;
	char marker[200];

	open_place(&place, state);
	ask(&place, false, 0);
	is_stopping = is_copy_refused = true;
	run(&place);
	assert_int_equal(stored(&place).state, BACKUP_COPYING);
	assert_true(place.outcome.again_ms >= 0);
	is_stopping = is_copy_refused = false;
	run(&place);
	assert_int_equal(stored(&place).state, BACKUP_READY);
	assert_int_equal(copies, 2);
	/* The store as the keeper copied it. */
	backup = stored(&place);
	backup.state = BACKUP_COPYING;
	backup_put(f->txn, &backup);
	state_commit(f);
	snprintf(marker, sizeof(marker), "%s/backup/begun-%lld", place.dir,
	    (long long)backup.asked_ms);
	assert_int_equal(unlink(marker), 0);
	run(&place);
	assert_int_equal(stored(&place).state, BACKUP_NONE);
	assert_int_equal(copies, 2);
	close_place(&place);
}

/* Whatever stands in the store, no path leads out of the directory. */
static void
test_name(void **state)
{
	static const char doc[] = "{\"state\": \"ready\", \"name\": \"../key\", \"until\": 1}";
	struct fixture *f = *state;
	struct backup backup;

	store_put(f->txn, "Bk", 2, doc, strlen(doc));
	state_commit(f);
	MUST(backup_get(f->txn, &backup, &f->err));
	assert_int_equal(backup.state, BACKUP_NONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, state_open, state_close)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_made),
	    TEST(test_with_key),
	    TEST(test_goes),
	    TEST(test_refused),
	    TEST(test_interrupted),
	    TEST(test_name),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
