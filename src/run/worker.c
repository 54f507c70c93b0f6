/* Workers: see worker.h. */
#include "base/base.h"

#include "run/worker.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/proc.h"
#include "state/backup.h"
#include "state/inquiry.h"
#include "state/journal.h"
#include "state/totals.h"
#include "sync/alerts.h"
#include "sync/audit.h"
#include "sync/automate.h"
#include "sync/backup.h"
#include "sync/errand.h"
#include "sync/ingest.h"
#include "sync/inquiry.h"
#include "sync/lookup.h"
#include "sync/preview.h"
#include "sync/pull.h"
#include "sync/push.h"
#include "sync/resync.h"
#include "sync/retain.h"
#include "sync/tend.h"
#include "sync/totals.h"
#include "sync/trial.h"
#include "sync/undo.h"

#define WORKER_NICE 5
#define JOBS_MAX 2000  /* then a fresh process takes over */
#define LINGER_MS 1000 /* ingest stays for news this long */
#define LOOK_MS 1000   /* an idle worker looks so often whether it is to stop */
#define MESSAGE_MAX 65536

static volatile sig_atomic_t is_told_to_stop;

static void
on_term(int number BH_UNUSED)
{
	is_told_to_stop = 1;
}

/* Told to stop, or the dispatcher is gone. */
static bool
is_stopping(void *arg)
{
	struct pollfd pfd = {.fd = *(const int *)arg, .events = POLLRDHUP};

	return is_told_to_stop != 0 || poll(&pfd, 1, 0) > 0;
}

static int
run_job(const struct sync_context *context, const json_t *job, struct sync_outcome *outcome,
    struct bh_err *err)
{
	const char *kind = bh_json_str(job, "kind"), *arg = bh_json_str(job, "arg");

	*outcome = (struct sync_outcome){.again_ms = -1};
	if (kind != NULL && strcmp(kind, "ingest") == 0)
		return ingest_run(context, LINGER_MS, outcome, err);
	if (kind != NULL && strcmp(kind, "push") == 0)
		return push_run(context, arg, bh_is_json_true(job, "hold"), outcome, err);
	if (kind != NULL && strcmp(kind, RESYNC_JOB) == 0)
		return resync_run(context, arg, outcome, err);
	if (kind != NULL && strcmp(kind, WALK_JOB) == 0)
		return pull_run(context, arg, outcome, err);
	if (kind != NULL && strcmp(kind, LOOKUP_JOB) == 0)
		return lookup_run(context, arg, outcome, err);
	if (kind != NULL && strcmp(kind, ERRAND_JOB) == 0)
		return errand_run(context, arg, outcome, err);
	if (kind != NULL && strcmp(kind, PREVIEW_JOB) == 0)
		return preview_run(context, arg, outcome, err);
	if (kind != NULL && strcmp(kind, AUDIT_JOB) == 0)
		return audit_run(context, arg, outcome, err);
	if (kind != NULL && strcmp(kind, REVERT_JOB) == 0)
		return undo_run_job(context, arg, outcome, err);
	if (kind != NULL && strcmp(kind, TEND_JOB) == 0)
		return tend_run(context, outcome, err);
	if (kind != NULL && strcmp(kind, AUTOMATION_JOB) == 0)
		return automate_run(context, outcome, err);
	if (kind != NULL && strcmp(kind, ALERT_JOB) == 0)
		return alerts_run(context, outcome, err);
	if (kind != NULL && strcmp(kind, AUTOMATION_TRIAL_JOB) == 0)
		return trial_run(context, arg, outcome, err);
	if (kind != NULL && strcmp(kind, TOTALS_JOB) == 0)
		return totals_run(context, outcome, err);
	if (kind != NULL && strcmp(kind, BACKUP_JOB) == 0)
		return backup_run(context, outcome, err);
	if (kind != NULL && strcmp(kind, INQUIRY_JOB) == 0)
		return inquiry_run(context, outcome, err);
	if (kind != NULL && strcmp(kind, RETAIN_JOB) == 0)
		return retain_run(context, outcome, err);
	return bh_fail(err, BH_INVALID, "there is no job of this kind");
}

/*
 * Something to read: true; false: told to stop, or nothing for a while.  A
 * read that is only repeated after a signal would not see it, and one that
 * comes just before the wait is seen at the next look.
 */
static bool
is_called(int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};

	return is_told_to_stop == 0 && poll(&pfd, 1, LOOK_MS) > 0;
}

/* 1 go on, 0 the dispatcher is gone, -1 */
static int
serve_one(const struct sync_context *context, int fd, struct bh_err *err)
{
	struct bh_buf message = BH_BUF_INIT(MESSAGE_MAX);
	struct bh_err why = BH_ERR_INIT;
	struct sync_outcome outcome;
	json_t *job = NULL, *answer;
	char *text;
	int rc = bh_frame_read(fd, &message, err);

	if (rc == 1 && bh_json_parse(bh_buf_str(&message), message.len, &job, err) < 0)
		rc = -1;
	bh_buf_release(&message);
	if (rc <= 0)
		return rc;
	if (run_job(context, job, &outcome, &why) < 0)
		bh_log_err(BH_WARN, &why, "job %s %s", bh_json_str(job, "kind"),
		    bh_json_str(job, "arg"));
	answer = json_pack("{s:I, s:b, s:i, s:i, s:s}", "again", (json_int_t)outcome.again_ms,
	    "held", outcome.held, "code", (int)why.code, "retry_after", why.retry_after_s, "error",
	    why.text);
	text = bh_json_text(answer);
	rc = bh_frame_write(fd, text, strlen(text), err) < 0 ? -1 : 1;
	free(text);
	json_decref(answer);
	json_decref(job);
	return rc;
}

static _Noreturn void
worker_main(const struct conf *conf, const struct account_key *key, int fd)
{
	struct sigaction action = {.sa_handler = on_term};
	/* A keeper that is being replaced must not cost the answers of the CRM: a call waits. */
	struct store_options options = {.engine = "bdb", .data_dir = conf->data_dir};
	struct sync_context context = {.conf = conf,
	    .key = key,
	    .is_stopping = is_stopping,
	    .arg = &fd};
	struct bh_err err = BH_ERR_INIT;
	int rc = 1;

	bh_log_role("worker");
	prctl(PR_SET_NAME, "bh-worker");
	/* When the processor is short, webhooks are acknowledged first: the billing system waits for that. */
	setpriority(PRIO_PROCESS, 0, WORKER_NICE);
	sigaction(SIGTERM, &action, NULL);
	if (store_open(&options, &context.store, &err) < 0) {
		bh_log(BH_ERROR, "%s", err.text);
		_exit(1);
	}
	/* Ingest waits here for news; a missed watch only costs the linger. */
	store_watch(context.store, JOURNAL_WATCH_NEW, strlen(JOURNAL_WATCH_NEW), NULL);
	context.transport = http_curl_new();
	for (int jobs = 0; jobs < JOBS_MAX && rc > 0 && is_told_to_stop == 0;) {
		if (!is_called(fd))
			continue;
		rc = serve_one(&context, fd, &err);
		jobs++;
	}
	http_curl_free(&context.transport);
	store_close(&context.store);
	_exit(0);
}

int
worker_start(const struct conf *conf, const struct account_key *key, struct worker *worker,
    struct bh_err *err)
{
	pid_t parent = getpid();
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return bh_fail_errno(err, BH_UNAVAILABLE, "cannot make a socketpair");
	pid = bh_fork();
	if (pid < 0) {
		close(pair[0]);
		close(pair[1]);
		return bh_fail_errno(err, BH_UNAVAILABLE, "cannot fork a worker");
	}
	if (pid == 0) {
		bh_die_with_parent(parent);
		/* The other workers' sockets must end when the dispatcher's end does. */
		for (int fd = 3; fd < 256; fd++)
			if (fd != pair[1] && fd != bh_log_descriptor())
				close(fd);
		worker_main(conf, key, pair[1]);
	}
	close(pair[1]);
	worker->pid = pid;
	worker->fd = pair[0];
	return 0;
}

int
worker_send(const struct worker *worker, const struct queue_job *job, bool may_hold,
    struct bh_err *err)
{
	json_t *doc =
	    json_pack("{s:s, s:s, s:b}", "kind", job->kind, "arg", job->arg, "hold", may_hold);
	char *text = bh_json_text(doc);
	int rc = bh_frame_write(worker->fd, text, strlen(text), err);

	free(text);
	json_decref(doc);
	return rc;
}

int
worker_receive(const struct worker *worker, struct worker_answer *answer, struct bh_err *err)
{
	struct bh_buf message = BH_BUF_INIT(MESSAGE_MAX);
	json_t *doc = NULL;
	const char *error;
	int rc = bh_frame_read(worker->fd, &message, err);

	memset(answer, 0, sizeof(*answer));
	if (rc == 1 && bh_json_parse(bh_buf_str(&message), message.len, &doc, err) < 0)
		rc = -1;
	if (rc == 1) {
		int64_t code = bh_json_int(doc, "code", BH_STORAGE);

		error = bh_json_str(doc, "error");
		answer->again_ms = bh_json_int(doc, "again", -1);
		answer->held = bh_is_json_true(doc, "held");
		answer->code = code >= 0 && code < BH__MAX ? (enum bh_code)code : BH_STORAGE;
		answer->retry_after_s = (int)bh_json_int(doc, "retry_after", 0);
		snprintf(answer->error, sizeof(answer->error), "%s", error != NULL ? error : "");
	}
	json_decref(doc);
	bh_buf_release(&message);
	return rc;
}
