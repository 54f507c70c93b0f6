/* Counters that processes share; the counts of outcomes; the token for figures. */
#include "base/base.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <unistd.h>

#include "base/proc.h"
#include "state.h"
#include "state/journal.h"
#include "state/monitor.h"
#include "state/tally.h"

/* -- counters -- */

static char dir[] = "/tmp/t-tally.XXXXXX";

static void
count_in_child(int times)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		for (int i = 0; i < times; i++)
			tally_add(TALLY_ACCEPTED, 1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
shared(void **state BH_UNUSED)
{
	uint64_t counters[TALLY__MAX];

	tally_add(TALLY_ACCEPTED, 5); /* before there is a file: into the void */
	tally_read(dir, counters);
	assert_int_equal(counters[TALLY_ACCEPTED], 0);
	tally_open(dir);
	count_in_child(1000);
	tally_add(TALLY_ACCEPTED, 2);
	tally_read(dir, counters);
	assert_int_equal(counters[TALLY_ACCEPTED], 1002);
	/* Another process that comes later finds them as they are. */
	tally_close();
	tally_open(dir);
	tally_add(TALLY_START_FRONT, 1);
	tally_read(dir, counters);
	assert_int_equal(counters[TALLY_ACCEPTED], 1002);
	assert_int_equal(counters[TALLY_START_FRONT], 1);
	tally_close();
}

static void
buckets(void **state BH_UNUSED)
{
	uint64_t counters[TALLY__MAX];

	tally_open(dir);
	tally_ack(0);
	tally_ack(1000);
	tally_ack(1001);
	tally_ack(99000000);
	tally_read(dir, counters);
	assert_int_equal(counters[TALLY_ACK], 2);
	assert_int_equal(counters[TALLY_ACK + 1], 1);
	assert_int_equal(counters[TALLY_ACK + TALLY_BUCKETS], 1);
	assert_int_equal(counters[TALLY_ACK_US], 99002001);
	tally_close();
}

/* A file of somebody else, or of another version, begins anew; a directory that is not there harms nobody. */
static void
foreign_file(void **state BH_UNUSED)
{
	uint64_t counters[TALLY__MAX];
	char *path = bh_xasprintf("%s/run/tally", dir);
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_int_equal(write(fd, "something else", 14), 14);
	close(fd);
	tally_read(dir, counters);
	assert_int_equal(counters[TALLY_ACCEPTED], 0);
	tally_open(dir);
	tally_add(TALLY_ACCEPTED, 7);
	tally_read(dir, counters);
	assert_int_equal(counters[TALLY_ACCEPTED], 7);
	tally_open("/dev/null/none");
	tally_add(TALLY_ACCEPTED, 7);
	tally_read("/dev/null/none", counters);
	assert_int_equal(counters[TALLY_ACCEPTED], 0);
	tally_close();
	free(path);
}

/* -- outcomes -- */

static void
outcomes(void **state)
{
	struct fixture *f = *state;
	int64_t more[JOURNAL__MAX] = {[JOURNAL_APPLIED] = 3, [JOURNAL_FAILED] = 1},
		got[JOURNAL__MAX];

	MUST(journal_count(f->txn, "stripe", more, &f->err));
	state_commit(f);
	more[JOURNAL_FAILED] = 0;
	MUST(journal_count(f->txn, "stripe", more, &f->err));
	MUST(journal_count(f->txn, "lago", more, &f->err));
	state_commit(f);
	MUST(journal_counts(f->txn, "stripe", got, &f->err));
	assert_int_equal(got[JOURNAL_APPLIED], 6);
	assert_int_equal(got[JOURNAL_FAILED], 1);
	assert_int_equal(got[JOURNAL_STALE], 0);
	MUST(journal_counts(f->txn, "lago", got, &f->err));
	assert_int_equal(got[JOURNAL_APPLIED], 3);
	MUST(journal_counts(f->txn, "stri", got, &f->err));
	assert_int_equal(got[JOURNAL_APPLIED], 0);
}

static void
oldest(void **state)
{
	struct fixture *f = *state;
	struct journal_entry entry = {.connection = "stripe",
	    .id = "evt_1",
	    .type = "t",
	    .body = "{}",
	    .body_len = 2};
	struct journal_pace pace = {0};
	struct journal_batch batch;
	int64_t at_ms;

	assert_int_equal(MUST(journal_oldest(f->txn, &at_ms, &f->err)), 0);
	entry.received_ms = 4000;
	assert_int_equal(MUST(journal_accept(f->store, &entry, &f->err)), 1);
	entry.id = "evt_2";
	entry.received_ms = 9000;
	assert_int_equal(MUST(journal_accept(f->store, &entry, &f->err)), 1);
	assert_int_equal(MUST(journal_oldest(f->txn, &at_ms, &f->err)), 1);
	assert_int_equal(at_ms, 4000);
	MUST(journal_next(f->txn, 1, &batch, &f->err));
	journal_advance(f->txn, &batch, &pace);
	journal_batch_release(&batch);
	state_commit(f);
	assert_int_equal(MUST(journal_oldest(f->txn, &at_ms, &f->err)), 1);
	assert_int_equal(at_ms, 9000);
}

/* -- the token -- */

static void
token(void **state)
{
	struct fixture *f = *state;
	char first[MONITOR_TOKEN_LEN + 1], second[MONITOR_TOKEN_LEN + 1];
	int64_t made_ms;

	assert_int_equal(MUST(monitor_token_made(f->txn, &made_ms, &f->err)), 0);
	assert_int_equal(MUST(monitor_is_token(f->txn, "", &f->err)), 0);
	monitor_token_new(f->txn, 1000, first);
	assert_int_equal(strlen(first), MONITOR_TOKEN_LEN);
	state_commit(f);
	assert_int_equal(MUST(monitor_token_made(f->txn, &made_ms, &f->err)), 1);
	assert_int_equal(made_ms, 1000);
	assert_int_equal(MUST(monitor_is_token(f->txn, first, &f->err)), 1);
	assert_int_equal(MUST(monitor_is_token(f->txn, "", &f->err)), 0);
	monitor_token_new(f->txn, 2000, second);
	state_commit(f);
	assert_string_not_equal(first, second);
	assert_int_equal(MUST(monitor_is_token(f->txn, first, &f->err)), 0);
	assert_int_equal(MUST(monitor_is_token(f->txn, second, &f->err)), 1);
	monitor_token_drop(f->txn);
	state_commit(f);
	assert_int_equal(MUST(monitor_is_token(f->txn, second, &f->err)), 0);
}

static int
make_dir(void **state BH_UNUSED)
{
	char *run;
	int rc;

	if (mkdtemp(dir) == NULL)
		return -1;
	run = bh_xasprintf("%s/run", dir);
	rc = mkdir(run, 0700);
	free(run);
	return rc;
}

static int
remove_dir(void **state BH_UNUSED)
{
	char *run = bh_xasprintf("%s/run", dir), *file = bh_xasprintf("%s/tally", run);
	int rc = unlink(file) < 0 || rmdir(run) < 0 || rmdir(dir) < 0 ? -1 : 0;

	free(run);
	free(file);
	return rc;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(shared), cmocka_unit_test(buckets),
	    cmocka_unit_test(foreign_file), STATE_TEST(outcomes), STATE_TEST(oldest),
	    STATE_TEST(token)};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
