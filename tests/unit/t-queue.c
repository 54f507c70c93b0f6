/* Jobs: leases, wake-ups, failures, burials. */
#include "base/base.h"

#include "base/json.h"
#include "base/text.h"
#include "state.h"
#include "state/queue.h"

#define LEASE_MS 1000

static void
wake(struct fixture *f, const char *arg, int64_t due_ms)
{
	queue_wake(f->txn, "push", arg, due_ms);
	state_commit(f);
}

/* Lease as owner at now_ms; the number of jobs, the first of them in *job. */
static size_t
lease(struct fixture *f, const char *owner, int64_t now_ms, struct queue_job *job)
{
	struct queue_job jobs[8];
	int64_t next;
	size_t n;

	MUST(queue_lease(f->store, owner, now_ms, LEASE_MS, 8, jobs, &n, &next, &f->err));
	if (n != 0)
		*job = jobs[0];
	return n;
}

static void
runs_when_due(void **state)
{
	struct fixture *f = *state;
	struct queue_job jobs[2];
	int64_t next;
	size_t n;

	MUST(queue_lease(f->store, "d1", 50, LEASE_MS, 2, jobs, &n, &next, &f->err));
	assert_int_equal(n, 0);
	assert_true(next == INT64_MAX);
	wake(f, "crm", 100);
	MUST(queue_lease(f->store, "d1", 99, LEASE_MS, 2, jobs, &n, &next, &f->err));
	assert_int_equal(n, 0);
	assert_true(next == 100);
	assert_int_equal(MUST(queue_is_due(f->txn, 99, &f->err)), 0);
	assert_int_equal(MUST(queue_is_due(f->txn, 100, &f->err)), 1);
	MUST(queue_lease(f->store, "d1", 100, LEASE_MS, 2, jobs, &n, &next, &f->err));
	assert_int_equal(n, 1);
	assert_string_equal(jobs[0].id, "push/crm");
	assert_string_equal(jobs[0].kind, "push");
	assert_string_equal(jobs[0].arg, "crm");
	assert_string_equal(jobs[0].owner, "d1");
	assert_int_equal(jobs[0].state, QUEUE_LEASED);
	assert_int_equal(jobs[0].attempts, 0);
	assert_true(jobs[0].due_ms == 100);
	assert_true(jobs[0].lease_until_ms == 100 + LEASE_MS);
	assert_true(next == INT64_MAX);
	assert_int_equal(MUST(queue_is_due(f->txn, 1000, &f->err)), 0);
}

static void
oldest_first_up_to_max(void **state)
{
	struct fixture *f = *state;
	struct queue_job jobs[2];
	int64_t next;
	size_t n;

	wake(f, "c", 30);
	wake(f, "a", 20);
	wake(f, "b", 10);
	wake(f, "b", 15);
	MUST(queue_lease(f->store, "d1", 100, LEASE_MS, 2, jobs, &n, &next, &f->err));
	assert_int_equal(n, 2);
	assert_string_equal(jobs[0].arg, "b");
	assert_true(jobs[0].due_ms == 10);
	assert_string_equal(jobs[1].arg, "a");
	MUST(queue_lease(f->store, "d1", 100, LEASE_MS, 2, jobs, &n, &next, &f->err));
	assert_int_equal(n, 1);
	assert_string_equal(jobs[0].arg, "c");
	assert_int_equal(state_count(f, "Qd"), 0);
}

static void
leased_to_one_only(void **state)
{
	struct fixture *f = *state;
	struct queue_job job, first;

	wake(f, "crm", 0);
	assert_int_equal(lease(f, "d1", 0, &first), 1);
	wake(f, "crm", 1);
	assert_int_equal(lease(f, "d1", 1, &job), 0);
	assert_int_equal(lease(f, "d2", LEASE_MS - 1, &job), 0);
	/* The lease is over: whoever comes takes it. */
	assert_int_equal(lease(f, "d2", LEASE_MS, &job), 1);
	/* Who lost the lease is told so. */
	MUST_FAIL(queue_finish(f->store, &first, false, "", -1, &f->err), BH_DENIED);
	MUST(queue_finish(f->store, &job, false, "", -1, &f->err));
}

/* Whoever holds a lease does not take it from itself, whatever the clock says. */
static void
own_lease_that_is_over(void **state)
{
	struct fixture *f = *state;
	struct queue_job job;

	wake(f, "crm", 0);
	assert_int_equal(lease(f, "d1", 0, &job), 1);
	wake(f, "crm", 1);
	assert_int_equal(lease(f, "d1", LEASE_MS + 1, &job), 0);
	assert_int_equal(lease(f, "d2", LEASE_MS + 1, &job), 1);
}

/* A dispatcher that starts ends all leases but those it knows of, and their jobs run again. */
static void
leases_reclaimed(void **state)
{
	struct fixture *f = *state;
	struct queue_job jobs[4], again;
	int64_t next;
	size_t n;

	wake(f, "a", 0);
	wake(f, "b", 1);
	wake(f, "c", 2);
	MUST(queue_lease(f->store, "d1", 10, LEASE_MS, 4, jobs, &n, &next, &f->err));
	assert_int_equal(n, 3);
	MUST(queue_reclaim(f->store, "d1", &jobs[1], 1, 20, &f->err));
	assert_int_equal(lease(f, "d1", 20, &again), 2);
	assert_string_equal(again.arg, "a");
	assert_true(again.due_ms == 20);
	/* The lease that was kept still ends well; nothing is left to do twice. */
	MUST(queue_finish(f->store, &jobs[1], false, "", -1, &f->err));
	assert_int_equal(lease(f, "d1", 30, &again), 0);
	/* Another dispatcher knows none of them. */
	MUST(queue_reclaim(f->store, "d2", NULL, 0, 40, &f->err));
	MUST_FAIL(queue_finish(f->store, &jobs[0], false, "", -1, &f->err), BH_DENIED);
	assert_int_equal(lease(f, "d2", 40, &again), 2);
	MUST(queue_reclaim(f->store, "d3", NULL, 0, 50, &f->err));
	assert_int_equal(lease(f, "d3", 50, &again), 2);
}

/* Neither idle nor buried jobs are woken by it. */
static void
nothing_to_reclaim(void **state)
{
	struct fixture *f = *state;
	struct queue_job job;

	wake(f, "a", 0);
	assert_int_equal(lease(f, "d1", 0, &job), 1);
	MUST(queue_bury(f->store, &job, "refused", &f->err));
	wake(f, "b", 0);
	assert_int_equal(lease(f, "d1", 0, &job), 1);
	MUST(queue_finish(f->store, &job, false, "", -1, &f->err));
	MUST(queue_reclaim(f->store, "d2", NULL, 0, 10, &f->err));
	assert_int_equal(state_count(f, "Qd"), 0);
}

static void
woken_while_it_runs(void **state)
{
	struct fixture *f = *state;
	struct queue_job job, again;

	wake(f, "crm", 0);
	assert_int_equal(lease(f, "d1", 0, &job), 1);
	wake(f, "crm", 5);
	wake(f, "crm", 6);
	assert_int_equal(lease(f, "d1", 10, &again), 0);
	MUST(queue_finish(f->store, &job, false, "", -1, &f->err));
	/* Once more, and only once. */
	assert_int_equal(lease(f, "d1", 10, &job), 1);
	assert_true(job.due_ms == 5);
	MUST(queue_finish(f->store, &job, false, "", -1, &f->err));
	assert_int_equal(lease(f, "d1", 20, &job), 0);
}

/* A wake-up at the very moment of the lease belongs to this run. */
static void
woken_at_the_same_time(void **state)
{
	struct fixture *f = *state;
	struct queue_job job;

	wake(f, "crm", 7);
	wake(f, "crm", 7);
	assert_int_equal(lease(f, "d1", 7, &job), 1);
	wake(f, "crm", 7);
	MUST(queue_finish(f->store, &job, false, "", -1, &f->err));
	assert_int_equal(lease(f, "d1", 7, &job), 1);
	MUST(queue_finish(f->store, &job, false, "", -1, &f->err));
	assert_int_equal(lease(f, "d1", 7, &job), 0);
}

static void
failures_are_counted(void **state)
{
	struct fixture *f = *state;
	struct queue_job job;

	wake(f, "crm", 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(lease(f, "d1", i * 100, &job), 1);
		assert_int_equal(job.attempts, i);
		MUST(queue_finish(f->store, &job, true, "the CRM does not answer", (i + 1) * 100,
		    &f->err));
		assert_int_equal(lease(f, "d1", i * 100 + 99, &job), 0);
	}
	assert_int_equal(lease(f, "d1", 300, &job), 1);
	assert_string_equal(job.reason, "the CRM does not answer");
	MUST(queue_finish(f->store, &job, false, NULL, 400, &f->err));
	assert_int_equal(lease(f, "d1", 400, &job), 1);
	assert_int_equal(job.attempts, 0);
	assert_string_equal(job.reason, "");
}

/* A reason may be any bytes, cut anywhere: the job must survive it. */
static void
odd_reasons(void **state)
{
	struct fixture *f = *state;
	struct queue_job job;
	char reason[400];

	wake(f, "crm", 0);
	assert_int_equal(lease(f, "d1", 0, &job), 1);
	for (int i = 1; i <= 15; i++) {
		snprintf(reason, sizeof(reason), "%*s\xf0\x9f\x98\x80\xff", 229 + i, "");
		MUST(queue_finish(f->store, &job, true, reason, 0, &f->err));
		assert_int_equal(lease(f, "d1", 0, &job), 1);
		assert_int_equal(job.attempts, i);
		assert_true(strlen(job.reason) >= 229);
		assert_true(bh_is_utf8(job.reason, strlen(job.reason)));
	}
}

static void
buried_and_kicked(void **state)
{
	struct fixture *f = *state;
	struct queue_job job;
	json_t *jobs;

	wake(f, "crm", 0);
	assert_int_equal(lease(f, "d1", 0, &job), 1);
	MUST(queue_bury(f->store, &job, "refused for good", &f->err));
	wake(f, "crm", 1);
	assert_int_equal(lease(f, "d1", 10, &job), 0);
	/* Its wake-ups are gone: they would keep everybody waiting. */
	assert_int_equal(MUST(queue_is_due(f->txn, 10, &f->err)), 0);
	store_reset(f->txn);
	MUST(queue_list(f->txn, &jobs, &f->err));
	assert_int_equal(json_array_size(jobs), 1);
	assert_string_equal(bh_json_str(jobs, "0.kind"), "push");
	assert_string_equal(bh_json_str(jobs, "0.arg"), "crm");
	assert_string_equal(bh_json_str(jobs, "0.state"), "buried");
	assert_string_equal(bh_json_str(jobs, "0.reason"), "refused for good");
	assert_int_equal(bh_json_int(jobs, "0.attempts", 0), 1);
	json_decref(jobs);
	store_reset(f->txn);
	MUST(queue_kick(f->txn, "push", "crm", 20, &f->err));
	state_commit(f);
	assert_int_equal(lease(f, "d1", 20, &job), 1);
	assert_int_equal(job.attempts, 0);
	MUST_FAIL(queue_bury(f->store,
		      &(struct queue_job){.kind = "push", .arg = "none", .id = "x"}, "", &f->err),
	    BH_DENIED);
}

/* A kick while a lease looks at the buried job: the lease runs again and sees it. */
static void
kicked_while_leased(void **state)
{
	struct fixture *f = *state;
	struct queue_job job;

	wake(f, "crm", 0);
	assert_int_equal(lease(f, "d1", 0, &job), 1);
	MUST(queue_kick(f->txn, "push", "crm", 5, &f->err));
	state_commit(f);
	assert_int_equal(lease(f, "d1", 5, &job), 0);
	MUST(queue_finish(f->store, &job, false, "", -1, &f->err));
	assert_int_equal(lease(f, "d1", 5, &job), 1);
}

/* A job that is woken thousands of times while it runs hides no other. */
static void
often_woken_job_hides_nobody(void **state)
{
	struct fixture *f = *state;
	struct queue_job job, other;

	wake(f, "busy", 0);
	assert_int_equal(lease(f, "d1", 0, &job), 1);
	for (int i = 1; i <= 900; i++)
		queue_wake(f->txn, "push", "busy", i);
	queue_wake(f->txn, "push", "other", 901);
	state_commit(f);
	assert_int_equal(lease(f, "d1", 950, &other), 1);
	assert_string_equal(other.arg, "other");
	/* One wake-up of busy was kept, the earliest. */
	assert_int_equal(state_count(f, "Qd"), 1);
	MUST(queue_finish(f->store, &job, false, "", -1, &f->err));
	assert_int_equal(lease(f, "d1", 950, &job), 1);
	assert_string_equal(job.arg, "busy");
	assert_true(job.due_ms == 1);
}

/* They go even when there is nothing to lease. */
static void
useless_wake_ups_go(void **state)
{
	struct fixture *f = *state;
	struct queue_job job, other;

	wake(f, "busy", 0);
	assert_int_equal(lease(f, "d1", 0, &job), 1);
	for (int i = 1; i <= 900; i++)
		queue_wake(f->txn, "push", "busy", i);
	state_commit(f);
	assert_int_equal(lease(f, "d1", 950, &other), 0);
	assert_int_equal(state_count(f, "Qd"), 1);
}

static void
buried_job_hides_nobody(void **state)
{
	struct fixture *f = *state;
	struct queue_job job;

	wake(f, "dead", 0);
	assert_int_equal(lease(f, "d1", 0, &job), 1);
	MUST(queue_bury(f->store, &job, "refused", &f->err));
	for (int i = 1; i <= 12000; i++)
		queue_wake(f->txn, "push", "dead", i);
	queue_wake(f->txn, "push", "other", 20000);
	state_commit(f);
	for (int i = 0; i < 10 && lease(f, "d1", 20000, &job) == 0; i++)
		assert_true(i < 9);
	assert_string_equal(job.arg, "other");
	assert_int_equal(state_count(f, "Qd"), 0);
}

/* Whoever asks again at *next_due_r misses nothing. */
static void
next_due(void **state)
{
	struct fixture *f = *state;
	struct queue_job jobs[1];
	int64_t next;
	size_t n;

	wake(f, "a", 10);
	wake(f, "b", 500);
	wake(f, "c", 400);
	MUST(queue_lease(f->store, "d1", 10, LEASE_MS, 1, jobs, &n, &next, &f->err));
	assert_int_equal(n, 1);
	assert_true(next == 400);
	MUST(queue_lease(f->store, "d1", 20, LEASE_MS, 1, jobs, &n, &next, &f->err));
	assert_int_equal(n, 0);
	assert_true(next == 400);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STATE_TEST(runs_when_due),
	    STATE_TEST(oldest_first_up_to_max),
	    STATE_TEST(leased_to_one_only),
	    STATE_TEST(own_lease_that_is_over),
	    STATE_TEST(leases_reclaimed),
	    STATE_TEST(nothing_to_reclaim),
	    STATE_TEST(woken_while_it_runs),
	    STATE_TEST(woken_at_the_same_time),
	    STATE_TEST(failures_are_counted),
	    STATE_TEST(odd_reasons),
	    STATE_TEST(buried_and_kicked),
	    STATE_TEST(kicked_while_leased),
	    STATE_TEST(often_woken_job_hides_nobody),
	    STATE_TEST(useless_wake_ups_go),
	    STATE_TEST(buried_job_hides_nobody),
	    STATE_TEST(next_due),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
