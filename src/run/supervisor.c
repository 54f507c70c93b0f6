/* The supervisor: see supervisor.h. */
#include "base/base.h"

#include "run/supervisor.h"

#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/text.h"
#include "conf/change.h"
#include "conf/mode.h"
#include "run/dispatcher.h"
#include "state/journal.h"
#include "state/schema.h"
#include "state/tally.h"
#include "store/keeper.h"

#define PING_MS 5000
#define SILENT_MS 15000
#define SILENT_DOUBLINGS 6
#define RESPAWN_WINDOW_MS 30000
#define RESPAWN_MAX 20
#define RESPAWN_PAUSE_MS 5000
#define STOP_MS 12000
#define LEAVE_MS 10000
#define OWNER "BILLHOOK_OWNER" /* environment: the process that a supervisor is started for */
#define ROLES "BILLHOOK_ROLES" /* environment: "keeper": nobody else is started */
#define LOOK_MS 1000           /* at the lock and the options */
#define LOCK_TRIES 5
#define LOCK_PAUSE_MS 10

enum role {
	ROLE_KEEPER,
	ROLE_DISPATCHER,
	ROLE_FRONT,
	ROLE__MAX
};

static const char *const role_names[ROLE__MAX] = {"keeper", "dispatcher", "front"};

struct child {
	pid_t pid;            /* 0: not running */
	int64_t not_before;   /* monotonic: earliest next start */
	int64_t window_start; /* of counting respawns */
	int respawns;
};

struct supervisor {
	const struct supervisor_options *options;
	struct conf conf; /* read again on SIGUSR1, and when the file changes */
	struct conf_seen seen;
	int lock_fd;
	char *lock_path;
	struct child children[ROLE__MAX];
	struct store *store; /* a client, for pings only */
	int64_t last_ping, last_pong, looked_ms;
	int silent_kills; /* of the keeper, since it answered last */
	bool is_stopping, is_idle, is_ready;
	bool is_keeper_only;
	pid_t pid;
	pid_t owner; /* we run only as long as this process, a verb; 0: for everybody */
};

/* -- roles; each runs in its own process and returns its exit status -- */

static bool
is_keeper_wanted(void *arg)
{
	return getppid() == *(const pid_t *)arg;
}

static int
run_keeper(struct supervisor *s)
{
	struct keeper_options options = {.data_dir = s->conf.data_dir,
	    .cache_bytes = (size_t)s->conf.cache_mb << 20,
	    .ballast_bytes = (size_t)s->conf.ballast_mb << 20,
	    .checkpoint_s = (int)s->conf.checkpoint_s,
	    .checkpoint_bytes = (size_t)s->conf.checkpoint_mb << 20,
	    .may_be_network = s->conf.network_disk != 0,
	    .flush_delay_ms = (int)s->conf.flush_delay_ms,
	    .import = schema_import,
	    .is_wanted = is_keeper_wanted,
	    .arg = &s->pid};

	/* Recovery is quicker than waiting for a keeper that may hang. */
	bh_die_with_parent(s->pid);
	return keeper_run(&options);
}

static int
run_dispatcher(struct supervisor *s)
{
	struct dispatcher_options options = {.conf = &s->conf,
	    .idle_exit_ms = s->options->idle_exit_ms > 0 ? s->options->idle_exit_ms
							 : s->conf.idle_exit_s * 1000};

	bh_die_with_parent(s->pid);
	return dispatcher_run(&options);
}

static int
run_front(struct supervisor *s)
{
	bh_die_with_parent(s->pid);
	return s->options->front(&s->conf);
}

static _Noreturn void
run_role(struct supervisor *s, enum role role)
{
	char name[16];
	int status = 1;

	close(s->lock_fd); /* the lock must not outlive the supervisor */
	store_close(&s->store);
	snprintf(name, sizeof(name), "bh-%s", role_names[role]);
	prctl(PR_SET_NAME, name);
	bh_log_role(role_names[role]);
	switch (role) {
	case ROLE_KEEPER:
		status = run_keeper(s);
		break;
	case ROLE_DISPATCHER:
		status = run_dispatcher(s);
		break;
	case ROLE_FRONT:
		status = run_front(s);
		break;
	case ROLE__MAX:
		break;
	}
	conf_release(&s->conf);
	exit(status);
}

static void
start_child(struct supervisor *s, enum role role)
{
	struct child *child = &s->children[role];
	int64_t now = bh_mono_ms();
	pid_t pid;

	if (child->pid != 0 || now < child->not_before)
		return;
	if (now - child->window_start > RESPAWN_WINDOW_MS) {
		child->window_start = now;
		child->respawns = 0;
	}
	if (child->respawns++ == RESPAWN_MAX) {
		bh_log(BH_ERROR, "%s ended %d times in %d s: next start in %d s", role_names[role],
		    RESPAWN_MAX, RESPAWN_WINDOW_MS / 1000, RESPAWN_PAUSE_MS / 1000);
		child->not_before = now + RESPAWN_PAUSE_MS;
		child->window_start = 0;
		return;
	}
	pid = bh_fork();
	if (pid == 0)
		run_role(s, role);
	if (pid < 0) {
		bh_log(BH_ERROR, "cannot fork %s: %s", role_names[role], strerror(errno));
		child->not_before = now + 1000;
		return;
	}
	child->pid = pid;
	tally_add((enum tally_slot)(TALLY_START_KEEPER + (int)role), 1);
	if (role == ROLE_KEEPER)
		s->last_pong = now;
}

static void
note_end(struct supervisor *s, enum role role, int status)
{
	struct child *child = &s->children[role];
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	child->pid = 0;
	if (role == ROLE_DISPATCHER && code == DISPATCHER_EXIT_IDLE) {
		s->is_idle = true;
		return;
	}
	if (s->is_stopping)
		return;
	/* Another keeper is on its way out: the lock falls free at once. */
	if (role == ROLE_KEEPER && code == KEEPER_EXIT_TAKEN) {
		child->not_before = bh_mono_ms() + 100;
		child->respawns--; /* no failure of ours, however long it takes */
		return;
	}
	if (WIFSIGNALED(status))
		bh_log(BH_WARN, "%s was killed by signal %d", role_names[role], WTERMSIG(status));
	else if (code != 0)
		bh_log(BH_WARN, "%s ended with status %d", role_names[role], code);
}

static void
reap(struct supervisor *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int role = 0; role < ROLE__MAX; role++)
			if (s->children[role].pid == pid)
				note_end(s, (enum role)role, status);
}

static void
signal_child(struct supervisor *s, enum role role, int number)
{
	if (s->children[role].pid != 0)
		kill(s->children[role].pid, number);
}

/* Does the keeper run with other options than these? */
static bool
is_other_keeper(const struct conf *a, const struct conf *b)
{
	return a->cache_mb != b->cache_mb || a->ballast_mb != b->ballast_mb ||
	       a->checkpoint_s != b->checkpoint_s || a->checkpoint_mb != b->checkpoint_mb ||
	       a->flush_delay_ms != b->flush_delay_ms || a->network_disk != b->network_disk;
}

/*
 * New options for what can be replaced without an interruption; and for the keeper, where they
 * concern it: requests wait for the next one.
 */
static void
replace_gracefully(struct supervisor *s)
{
	bool is_keeper_old;
	struct bh_err err = BH_ERR_INIT;
	struct conf fresh;

	conf_note(s->conf.data_dir, &s->seen);
	if (conf_load(s->conf.data_dir, &fresh, &err) < 0) {
		bh_log(BH_ERROR, "the old options stay: %s", err.text);
		return;
	}
	is_keeper_old = is_other_keeper(&s->conf, &fresh);
	conf_release(&s->conf);
	s->conf = fresh;
	conf_log_level(&s->conf);
	if (mode_of(&s->conf) == MODE_CRON && s->owner == 0 && s->options->idle_exit_ms == 0) {
		bh_log(BH_INFO, "no process may stay any more: cron goes on");
		s->is_stopping = true;
		return;
	}
	bh_log(BH_INFO, "fronts and dispatcher are replaced%s",
	    is_keeper_old ? ", and the keeper" : "");
	if (is_keeper_old)
		signal_child(s, ROLE_KEEPER, SIGTERM);
	signal_child(s, ROLE_FRONT, SIGUSR1);
	signal_child(s, ROLE_DISPATCHER, SIGTERM);
}

static void
take_signals(struct supervisor *s)
{
	for (int number = bh_signal_next(); number != 0; number = bh_signal_next()) {
		if (number == SIGTERM || number == SIGINT)
			s->is_stopping = true;
		else if (number == SIGUSR1 || number == SIGHUP)
			replace_gracefully(s);
	}
}

/*
 * A keeper that says nothing for 15 s hangs: kill it, recovery does the rest.
 * Each time in a row it gets twice as long, or one that needs longer to recover never would.
 */
static void
ping_keeper(struct supervisor *s)
{
	int64_t now = bh_mono_ms();

	if (s->children[ROLE_KEEPER].pid == 0 || now - s->last_ping < PING_MS)
		return;
	s->last_ping = now;
	if (store_ping(s->store, NULL) == 0) {
		s->last_pong = bh_mono_ms();
		s->silent_kills = 0;
	}
	if (bh_mono_ms() - s->last_pong > (int64_t)SILENT_MS << s->silent_kills) {
		bh_log(BH_ERROR, "the keeper is silent: it is killed");
		signal_child(s, ROLE_KEEPER, SIGKILL);
		s->silent_kills += s->silent_kills < SILENT_DOUBLINGS;
	}
}

/* A service manager may take us for started when the store answers. */
static void
look_whether_ready(struct supervisor *s)
{
	if (s->is_ready || s->children[ROLE_KEEPER].pid == 0 || store_ping(s->store, NULL) < 0)
		return;
	s->is_ready = true;
	bh_notify("READY=1");
}

/* Whoever removed run/ made room for a second supervisor: end, as the keeper does. */
static void
look_at_files(struct supervisor *s)
{
	int64_t now = bh_mono_ms();

	if (now - s->looked_ms < LOOK_MS)
		return;
	s->looked_ms = now;
	if (conf_is_settled(s->conf.data_dir, &s->seen))
		replace_gracefully(s);
	if (bh_is_lock_valid(s->lock_fd, s->lock_path))
		return;
	bh_log(BH_WARN, "the lock file was removed: making room for another supervisor");
	s->is_stopping = true;
}

static void
wait_for_end(struct supervisor *s, enum role role)
{
	int64_t end_ms = bh_mono_ms() + STOP_MS;

	signal_child(s, role, SIGTERM);
	while (s->children[role].pid != 0 && bh_mono_ms() < end_ms) {
		reap(s);
		if (s->children[role].pid != 0)
			bh_sleep_ms(5);
	}
	if (s->children[role].pid != 0) {
		bh_log(BH_WARN, "%s does not stop: it is killed", role_names[role]);
		signal_child(s, role, SIGKILL);
		while (s->children[role].pid != 0) {
			reap(s);
			bh_sleep_ms(2);
		}
	}
}

static char *
run_file(const char *data_dir, const char *name)
{
	return bh_xasprintf("%s/run/%s", data_dir, name);
}

/*
 * 1 taken by us, 0 another has it, -1.  Who asks supervisor_pid() holds the
 * lock for a moment: that is no reason to give up.
 */
static int
take_lock(struct supervisor *s, struct bh_err *err)
{
	char text[48];
	int rc = 0;

	s->lock_path = run_file(s->conf.data_dir, "supervisor.lock");
	for (int i = 0; i < LOCK_TRIES && rc == 0; i++) {
		if (i > 0)
			bh_sleep_ms(LOCK_PAUSE_MS);
		rc = bh_lock_file(s->lock_path, &s->lock_fd, err);
	}
	if (rc <= 0)
		return rc;
	snprintf(text, sizeof(text), "%ld %ld\n", (long)getpid(), (long)s->owner);
	if (ftruncate(s->lock_fd, 0) < 0 || bh_write_full(s->lock_fd, text, strlen(text), NULL) < 0)
		bh_log(BH_WARN, "cannot note the pid in the lock file");
	return 1;
}

static int
make_dirs(const char *data_dir, struct bh_err *err)
{
	static const char *const names[] = {"run", "log", "db"};
	int rc = 0;

	for (size_t i = 0; i < BH_LEN(names) && rc == 0; i++) {
		char *path = bh_xasprintf("%s/%s", data_dir, names[i]);

		rc = bh_make_dir(path, err);
		free(path);
	}
	return rc;
}

/*
 * The dispatcher found nothing to do; but what came in since then, until the
 * fronts have ended, would wait for the next request.
 */
static bool
is_at_rest(struct supervisor *s)
{
	struct store_txn *txn;
	size_t backlog = 0;

	wait_for_end(s, ROLE_FRONT);
	txn = store_begin(s->store);
	s->is_idle = journal_backlog(txn, 1, &backlog, NULL) < 0 || backlog == 0;
	store_free(&txn);
	return s->is_idle;
}

/* A verb that was killed cannot end what it started. */
static bool
is_owner_gone(const struct supervisor *s)
{
	return s->owner != 0 && kill(s->owner, 0) < 0 && errno == ESRCH;
}

static void
serve(struct supervisor *s)
{
	int64_t end_ms = s->options->limit_ms > 0 ? bh_mono_ms() + s->options->limit_ms : INT64_MAX;

	while (!s->is_stopping && !s->is_idle && !is_owner_gone(s) && bh_mono_ms() < end_ms) {
		struct pollfd pfd = {.fd = bh_signal_pipe(), .events = POLLIN};

		reap(s);
		if (s->is_idle && is_at_rest(s))
			break;
		for (int role = 0; role < (s->is_keeper_only ? ROLE_KEEPER + 1 : ROLE__MAX); role++)
			start_child(s, (enum role)role);
		look_whether_ready(s);
		ping_keeper(s);
		look_at_files(s);
		poll(&pfd, 1, 200);
		take_signals(s);
	}
	s->is_stopping = true;
	wait_for_end(s, ROLE_FRONT);
	wait_for_end(s, ROLE_DISPATCHER);
	wait_for_end(s, ROLE_KEEPER);
}

static void
release(struct supervisor *s)
{
	store_close(&s->store);
	free(s->lock_path);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	conf_release(&s->conf);
}

/* Who we run for; our children are not to think that it is theirs. */
static pid_t
take_owner(void)
{
	const char *text = getenv(OWNER);
	uint64_t owner = 0;

	if (text != NULL && !bh_is_uint(text, strlen(text), INT32_MAX, &owner))
		owner = 0;
	unsetenv(OWNER);
	return (pid_t)owner;
}

static bool
take_roles(void)
{
	const char *roles = getenv(ROLES);
	bool is_keeper_only = roles != NULL && strcmp(roles, role_names[ROLE_KEEPER]) == 0;

	unsetenv(ROLES);
	return is_keeper_only;
}

int
supervisor_run(const struct supervisor_options *options)
{
	struct supervisor s = {.options = options,
	    .lock_fd = -1,
	    .pid = getpid(),
	    .owner = take_owner(),
	    .is_keeper_only = take_roles()};
	struct store_options store = {.engine = "bdb",
	    .data_dir = options->conf->data_dir,
	    .deadline_ms = 2000,
	    .no_start = true};
	struct bh_err err = BH_ERR_INIT;
	int rc, status = 1;

	conf_note(options->conf->data_dir, &s.seen);
	if (conf_load(options->conf->data_dir, &s.conf, &err) < 0 ||
	    make_dirs(s.conf.data_dir, &err) < 0 || (rc = take_lock(&s, &err)) < 0 ||
	    (rc > 0 && store_open(&store, &s.store, &err) < 0)) {
		bh_log(BH_ERROR, "%s", err.text);
	} else if (rc == 0) {
		status = SUPERVISOR_EXIT_TAKEN;
	} else {
		prctl(PR_SET_NAME, "bh-supervisor");
		bh_signal_pipe();
		tally_open(s.conf.data_dir);
		bh_log(BH_INFO, "started in %s", s.conf.data_dir);
		serve(&s);
		bh_log(BH_INFO, "stopped%s", s.is_idle ? ": idle" : "");
		status = 0;
	}
	release(&s);
	return status;
}

/* What stands in the lock file of the one that runs; both 0 when none does. */
static void
read_lock(const char *data_dir, pid_t *pid_r, pid_t *owner_r)
{
	char *path = run_file(data_dir, "supervisor.lock"), text[48] = "";
	int fd = open(path, O_RDWR | O_CLOEXEC);
	uint64_t pid = 0, owner = 0;
	size_t len;

	free(path);
	*pid_r = *owner_r = 0;
	if (fd < 0)
		return;
	/* The lock says whether it lives; the numbers alone may be stale. */
	if (flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK &&
	    read(fd, text, sizeof(text) - 1) > 0) {
		len = strcspn(text, " ");
		if (text[len] == ' ' && bh_is_uint(text, len, INT32_MAX, &pid) &&
		    bh_is_uint(text + len + 1, strcspn(text + len + 1, "\n"), INT32_MAX, &owner)) {
			*pid_r = (pid_t)pid;
			*owner_r = (pid_t)owner;
		}
	}
	close(fd);
}

pid_t
supervisor_pid(const char *data_dir)
{
	pid_t pid, owner;

	read_lock(data_dir, &pid, &owner);
	return pid;
}

/* What a CGI request may pass on to processes that outlive it: nothing of the request. */
static bool
is_passed_on(const char *variable)
{
	static const char *const kept[] = {"PATH=", "HOME=", "TMPDIR=", "TZ=", "LANG=", "LC_",
	    "BILLHOOK_", "LD_LIBRARY_PATH=", "https_proxy=", "all_proxy=", "no_proxy=",
	    "SSL_CERT_FILE=", "SSL_CERT_DIR=", "ASAN_OPTIONS=", "UBSAN_OPTIONS="};

	for (size_t i = 0; i < BH_LEN(kept); i++)
		if (bh_has_prefix(variable, kept[i]))
			return true;
	return false;
}

int
supervisor_start(const char *data_dir, struct bh_err *err)
{
	const char *argv[] = {bh_exe_path(), "serve", "--quiet", "--dir", data_dir, NULL};
	char **whole = environ, **passed;
	size_t n = 0;
	int rc;

	if (supervisor_pid(data_dir) != 0)
		return 0; /* its keeper is on the way */
	if (getenv("GATEWAY_INTERFACE") == NULL)
		return bh_spawn_detached(argv, err);
	while (whole[n] != NULL)
		n++;
	passed = bh_xcalloc(n + 1, sizeof(passed[0]));
	n = 0;
	for (char **variable = whole; *variable != NULL; variable++)
		if (is_passed_on(*variable))
			passed[n++] = *variable;
	environ = passed;
	rc = bh_spawn_detached(argv, err);
	environ = whole;
	free(passed);
	return rc;
}

int
supervisor_start_owned(const char *data_dir, struct bh_err *err)
{
	char owner[24];
	int rc;

	snprintf(owner, sizeof(owner), "%ld", (long)getpid());
	setenv(OWNER, owner, 1);
	rc = supervisor_start(data_dir, err);
	unsetenv(OWNER);
	return rc;
}

int
supervisor_start_keeper(const char *data_dir, struct bh_err *err)
{
	int rc;

	setenv(ROLES, role_names[ROLE_KEEPER], 1);
	rc = supervisor_start_owned(data_dir, err);
	unsetenv(ROLES);
	return rc;
}

void
supervisor_leave(const char *data_dir)
{
	int64_t end_ms = bh_mono_ms() + LEAVE_MS;
	pid_t pid, owner, told = 0;

	/* While the first was slow to start, a second may have been started: it waits for the lock. */
	for (read_lock(data_dir, &pid, &owner); pid != 0 && owner == getpid();
	     read_lock(data_dir, &pid, &owner)) {
		if (pid != told)
			kill(pid, SIGTERM);
		told = pid;
		if (bh_mono_ms() > end_ms)
			break;
		bh_sleep_ms(10);
	}
}
