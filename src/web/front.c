/* The front pool: see front.h. */
#include "base/base.h"

#include "web/front.h"

#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypt.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/text.h"
#include "conf/change.h"
#include "conf/mode.h"
#include "web/gateway.h"
#include "web/site.h"

#define TICK_MS 1000
#define IMPORT_MS 100
#define DRAIN_MS 1000        /* after SIGTERM: what waits in the queue is still answered */
#define RESPAWN_MANY 5       /* replacements ... */
#define RESPAWN_SPAN_MS 1000 /* ... within this time bring a pause of the same length */

/* -- one process -- */

static volatile sig_atomic_t is_stopping;

static void
on_stop(int number)
{
	(void)number;
	is_stopping = 1;
}

static const int caught[] = {SIGTERM, SIGINT, SIGUSR1, SIGHUP};

/*
 * They only come in while we wait for a request: a read that
 * they interrupted would break the request at hand.  *unblocked_r is the mask for waiting.
 */
static void
catch_signals(sigset_t *unblocked_r)
{
	struct sigaction action = {.sa_handler = on_stop};
	sigset_t blocked;

	is_stopping = 0;
	sigemptyset(&blocked);
	sigprocmask(SIG_SETMASK, NULL, unblocked_r);
	for (size_t i = 0; i < BH_LEN(caught); i++) {
		sigaction(caught[i], &action, NULL);
		sigaddset(&blocked, caught[i]);
		sigdelset(unblocked_r, caught[i]);
	}
	sigprocmask(SIG_BLOCK, &blocked, NULL);
}

/* A signal waits when each wait for a request ends at once, because there is one. */
static bool
is_told_to_stop(void)
{
	sigset_t pending;

	if (is_stopping != 0 || sigpending(&pending) < 0)
		return is_stopping != 0;
	for (size_t i = 0; i < BH_LEN(caught); i++)
		if (sigismember(&pending, caught[i]) == 1)
			return true;
	return false;
}

static struct gateway_limits
limits_of(const struct conf *conf)
{
	return (struct gateway_limits){.body_max = (size_t)conf->body_max,
	    .body_timeout_s = (int)conf->body_timeout_s};
}

static bool
is_brief(const struct front_options *options, const struct conf *conf)
{
	return options->start_briefly != NULL && mode_of(conf) == MODE_CRON;
}

static int
open_site(const struct front_options *options, const struct conf *conf, struct site **site_r,
    struct bh_err *err)
{
	return site_open(conf, is_brief(options, conf) ? options->start_briefly : options->start,
	    site_r, err);
}

/* The answer is out: what was started for it may go. */
static void
leave(const struct front_options *options, const struct conf *conf)
{
	if (is_brief(options, conf))
		options->leave(conf->data_dir);
}

static void
serve(struct site *site, struct gateway *gateway, struct request *request)
{
	struct bh_buf head = BH_BUF_INIT(32768);
	struct response response;
	const void *body;
	size_t body_len;

	response_init(&response);
	site_answer(site, request, &response);
	response_head(&response, &head);
	body = response_body(&response, request->is_head, &body_len);
	if (response.is_stream)
		gateway_answer_file(gateway, head.data, head.len, response.stream_fd,
		    response.stream_len);
	else
		gateway_answer(gateway, head.data, head.len, body, body_len);
	bh_buf_release(&head);
	response_release(&response);
	request_release(request);
}

/* Of a pool whose manager has died: the next one must come at once; what waits at the socket is for its processes. */
static bool
is_orphan(pid_t manager)
{
	return manager != 0 && getppid() != manager;
}

/* What it is served with. */
struct serving {
	const struct front_options *options;
	pid_t
	    manager; /* of the pool; 0: there is none, and this process watches the options itself */
	struct conf_seen seen; /* the options' file */
	sigset_t unblocked;
	bool has_new_options;
};

/* Requests until a signal, or until there are new options. */
static int
serve_many(struct serving *serving, struct site *site, struct gateway *gateway, struct bh_err *err)
{
	struct request request;
	int64_t tick_ms = bh_mono_ms();
	bool has_more = false;
	int rc = 0;

	while (rc >= 0 && !is_told_to_stop() && !serving->has_new_options) {
		rc = gateway_accept(gateway, has_more ? 0 : TICK_MS, &serving->unblocked,
		    &site->place, &request, err);
		if (rc == 1) {
			serve(site, gateway, &request);
			leave(serving->options, site->conf);
		}
		if (has_more || bh_mono_ms() - tick_ms >= TICK_MS) {
			has_more = site_tick(site);
			tick_ms = bh_mono_ms();
			serving->has_new_options =
			    serving->manager == 0 &&
			    conf_is_settled(site->conf->data_dir, &serving->seen);
		}
	}
	return rc;
}

/* What waits at the socket of a pool that ends is still answered. */
static int
serve_rest(const struct serving *serving, struct site *site, struct gateway *gateway,
    struct bh_err *err)
{
	struct request request;
	int rc = 0;

	for (int64_t end_ms = bh_mono_ms() + DRAIN_MS;
	     bh_mono_ms() < end_ms && !is_orphan(serving->manager);) {
		rc = gateway_accept(gateway, 0, NULL, &site->place, &request, err);
		if (rc != 1)
			break;
		serve(site, gateway, &request);
	}
	return rc;
}

/* Serve with these options until a signal, or until there are others; the exit status. */
static int
serve_with(struct serving *serving, const struct conf *conf)
{
	struct gateway_limits limits = limits_of(conf);
	struct gateway *gateway = NULL;
	struct site *site = NULL;
	struct bh_err err = BH_ERR_INIT;
	int rc = -1;

	serving->has_new_options = false;
	if (gateway_open(serving->options->listen_fd, &limits, &gateway, &err) < 0 ||
	    open_site(serving->options, conf, &site, &err) < 0) {
		bh_log(BH_ERROR, "front does not start: %s", err.text);
	} else {
		rc = serve_many(serving, site, gateway, &err);
		if (rc >= 0 && !serving->has_new_options)
			rc = serve_rest(serving, site, gateway, &err);
		if (rc < 0)
			bh_log(BH_ERROR, "front stops: %s", err.text);
	}
	site_close(&site);
	gateway_close(&gateway);
	return rc < 0 ? 1 : 0;
}

/* Answer requests in this process; the exit status.  manager: see struct serving. */
static int
run_one(const struct front_options *options, const struct conf *conf, pid_t manager)
{
	struct serving serving = {.options = options, .manager = manager};
	struct bh_err err = BH_ERR_INIT;
	struct conf fresh;
	int status;

	catch_signals(&serving.unblocked);
	conf_note(conf->data_dir, &serving.seen);
	status = serve_with(&serving, conf);
	while (status == 0 && serving.has_new_options) {
		if (conf_load(conf->data_dir, &fresh, &err) < 0) {
			bh_log(BH_ERROR, "the old options stay: %s", err.text);
			status = serve_with(&serving, conf);
			continue;
		}
		conf_log_level(&fresh);
		bh_log(BH_INFO, "the options have changed");
		status = serve_with(&serving, &fresh);
		conf_release(&fresh);
	}
	return status;
}

/* -- the pool -- */

struct pool {
	const struct front_options *options;
	struct conf conf; /* read again at SIGUSR1 */
	bool is_own_conf; /* conf was read by us; else a copy of the caller's pointers */
	struct pool_child {
		pid_t pid;    /* 0: to be started */
		bool is_old;  /* to be replaced */
		bool is_told; /* was sent SIGTERM for that */
	} * children;
	size_t n;
	int64_t started_ms[RESPAWN_MANY]; /* when replacements were started, a ring */
	size_t started_at;
	int server_fd; /* tells when the web server that started us has ended; -1: nobody did */
	struct conf_seen seen; /* the options' file */
	int lock_fd;           /* of the process that took over; -1 */
	bool is_stopping;
};

static int run_pool(const struct front_options *options, int server_fd, int lock_fd);

/*
 * Taking over.  lighttpd looks whether its socket answers before it starts a
 * dead program again; processes of the pool that live a moment longer than
 * their manager answer, and it never tries again (seen in 1.4.69).  So the
 * pool heals itself: one of its processes becomes the manager, the others end.
 * The lock is one for each listening socket.
 */
static int
take_over_lock(const struct pool *pool)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(address);
	unsigned char digest[BH_SHA256_LEN];
	char hex[2 * BH_SHA256_LEN + 1], *path;
	int fd;

	if (getsockname(pool->options->listen_fd, (struct sockaddr *)&address, &len) < 0)
		return -1;
	bh_sha256(digest, &address, len);
	bh_hex(hex, digest, sizeof(digest));
	path = bh_xasprintf("%s/run/front-%.12s.lock", pool->conf.data_dir, hex);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	free(path);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* In a process of the pool whose manager has died: the exit status. */
static int
take_over(const struct pool *pool)
{
	int lock_fd = take_over_lock(pool);

	if (lock_fd < 0)
		return 0; /* another was faster */
	bh_log(BH_WARN, "the front's manager has died: this process takes its place");
	is_stopping = 0;
	return run_pool(pool->options, pool->server_fd, lock_fd);
}

/* A process of the pool; signals are blocked until it has its own handlers. */
static pid_t
fork_child(struct pool *pool)
{
	sigset_t all, before;
	pid_t parent = getpid(), pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0) {
		int status;

		bh_signal_forget();
		if (pool->lock_fd >= 0)
			close(pool->lock_fd);
		if (pool->server_fd < 0)
			bh_die_with_parent(parent);
		else
			prctl(PR_SET_PDEATHSIG, SIGTERM); /* finish, then take over */
		sigprocmask(SIG_SETMASK, &before, NULL);
		status = getppid() == parent ? run_one(pool->options, &pool->conf, parent) : 0;
		sigprocmask(SIG_SETMASK, &before, NULL);
		if (pool->server_fd >= 0 && getppid() != parent)
			status = take_over(pool);
		exit(status);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid < 0)
		bh_log(BH_ERROR, "cannot fork a front process: %s", strerror(errno));
	return pid > 0 ? pid : 0;
}

/* Milliseconds until another replacement may be started; 0 now. */
static int
respawn_pause(const struct pool *pool)
{
	int64_t oldest_ms = pool->started_ms[pool->started_at], now = bh_mono_ms();

	if (oldest_ms == 0 || now - oldest_ms >= RESPAWN_SPAN_MS)
		return 0;
	return (int)(RESPAWN_SPAN_MS - (now - oldest_ms));
}

/* Start what is missing.  is_first does not count as replacement. */
static void
fill_pool(struct pool *pool, bool is_first)
{
	for (size_t i = 0; i < pool->n; i++) {
		if (pool->children[i].pid != 0 || (!is_first && respawn_pause(pool) > 0))
			continue;
		pool->children[i] = (struct pool_child){.pid = fork_child(pool)};
		if (is_first)
			continue;
		pool->started_ms[pool->started_at] = bh_mono_ms();
		pool->started_at = (pool->started_at + 1) % RESPAWN_MANY;
	}
}

static void
reap(struct pool *pool)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (size_t i = 0; i < pool->n; i++) {
			if (pool->children[i].pid != pid)
				continue;
			if (!pool->children[i].is_told && !pool->is_stopping)
				bh_log(BH_WARN, "front process %d ended: %s %d", (int)pid,
				    WIFSIGNALED(status) ? "signal" : "status",
				    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
			pool->children[i].pid = 0;
		}
	}
}

/* Replace old processes one at a time: the next is told when all others are there. */
static void
replace_next(struct pool *pool)
{
	struct pool_child *next = NULL;

	for (size_t i = 0; i < pool->n; i++) {
		if (pool->children[i].pid == 0 || pool->children[i].is_told)
			return;
		if (pool->children[i].is_old && next == NULL)
			next = &pool->children[i];
	}
	if (next == NULL)
		return;
	next->is_told = true;
	kill(next->pid, SIGTERM);
}

static void
read_conf_again(struct pool *pool)
{
	struct conf fresh;
	struct bh_err err = BH_ERR_INIT;

	if (conf_load(pool->conf.data_dir, &fresh, &err) < 0) {
		bh_log(BH_ERROR, "the configuration stays as it was: %s", err.text);
	} else {
		if (pool->is_own_conf)
			conf_release(&pool->conf);
		pool->conf = fresh;
		pool->is_own_conf = true;
		conf_log_level(&pool->conf);
	}
	for (size_t i = 0; i < pool->n; i++)
		pool->children[i].is_old = pool->children[i].pid != 0;
}

/* Nobody tells the pool of a web server that the options changed: it looks. */
static void
look_at_conf(struct pool *pool)
{
	if (pool->server_fd >= 0 && conf_is_settled(pool->conf.data_dir, &pool->seen))
		read_conf_again(pool);
}

static void
take_signals(struct pool *pool)
{
	int number;

	while ((number = bh_signal_next()) != 0) {
		if (number == SIGTERM || number == SIGINT)
			pool->is_stopping = true;
		else if (number == SIGUSR1 || number == SIGHUP)
			read_conf_again(pool);
	}
}

static size_t
count_alive(const struct pool *pool)
{
	size_t alive = 0;

	for (size_t i = 0; i < pool->n; i++)
		alive += pool->children[i].pid != 0;
	return alive;
}

static void
signal_all(const struct pool *pool, int number)
{
	for (size_t i = 0; i < pool->n; i++)
		if (pool->children[i].pid != 0)
			kill(pool->children[i].pid, number);
}

/* All processes finish what they are at; those that cannot are killed in the end. */
static void
stop_pool(struct pool *pool)
{
	int64_t end_ms =
	    bh_mono_ms() + DRAIN_MS + SITE_STORE_DEADLINE_MS + pool->conf.body_timeout_s * 1000;

	signal_all(pool, SIGTERM);
	for (;;) {
		struct pollfd poll_fd = {.fd = bh_signal_pipe(), .events = POLLIN};

		reap(pool);
		if (count_alive(pool) == 0)
			return;
		if (bh_mono_ms() >= end_ms)
			signal_all(pool, SIGKILL);
		poll(&poll_fd, 1, 200);
		take_signals(pool);
	}
}

static int
run_pool(const struct front_options *options, int server_fd, int lock_fd)
{
	struct pool pool = {.options = options,
	    .conf = *options->conf,
	    .server_fd = server_fd,
	    .lock_fd = lock_fd,
	    .n = (size_t)options->processes};
	struct pollfd poll_fds[] = {{.fd = bh_signal_pipe(), .events = POLLIN},
	    {.fd = server_fd, .events = POLLIN}};

	pool.children = bh_xcalloc(pool.n, sizeof(*pool.children));
	conf_note(pool.conf.data_dir, &pool.seen);
	fill_pool(&pool, true);
	while (!pool.is_stopping) {
		int pause_ms = respawn_pause(&pool);

		/* A pause that ends, a fork that failed, or the options are looked at again. */
		poll(poll_fds, BH_LEN(poll_fds),
		    count_alive(&pool) < pool.n && pause_ms > 0 ? pause_ms : TICK_MS);
		take_signals(&pool);
		look_at_conf(&pool);
		if (poll_fds[1].revents != 0)
			pool.is_stopping = true; /* the web server has ended without a word */
		reap(&pool);
		if (pool.is_stopping)
			break;
		fill_pool(&pool, false);
		replace_next(&pool);
	}
	stop_pool(&pool);
	if (pool.is_own_conf)
		conf_release(&pool.conf);
	free(pool.children);
	if (lock_fd >= 0)
		close(lock_fd);
	return 0;
}

int
front_run(const struct front_options *options)
{
	int server_fd = -1, status;

	if (options->processes <= 1)
		return run_one(options, options->conf, 0);
	/* Descriptor 0 is how a web server hands its socket over. */
	if (options->listen_fd == STDIN_FILENO)
		server_fd = pidfd_open(getppid(), 0);
	status = run_pool(options, server_fd, -1);
	if (server_fd >= 0)
		close(server_fd);
	return status;
}

int
front_import(const struct conf *conf)
{
	const struct timespec pause = {0, IMPORT_MS * 1000000L};
	struct bh_err err = BH_ERR_INIT;
	struct site *site = NULL;
	sigset_t unblocked;
	bool is_told, has_more;

	catch_signals(&unblocked);
	if (site_open(conf, NULL, &site, &err) < 0) {
		bh_log(BH_ERROR, "the spool is not taken in: %s", err.text);
		return 1;
	}
	do {
		is_told = is_stopping != 0;
		has_more = site_tick(site);
		if (!is_told && !has_more)
			ppoll(NULL, 0, &pause, &unblocked);
	} while (!is_told || has_more);
	site_close(&site);
	return 0;
}

/* -- CGI -- */

int
front_cgi(const struct front_options *options)
{
	extern char **environ;
	struct gateway_limits limits = limits_of(options->conf);
	struct bh_buf head = BH_BUF_INIT(32768);
	struct bh_err err = BH_ERR_INIT;
	struct site *site = NULL;
	struct request request;
	struct response response;
	const void *body;
	size_t body_len;
	int rc = -1;

	if (open_site(options, options->conf, &site, &err) < 0) {
		bh_log(BH_ERROR, "cgi: %s", err.text);
		return 1;
	}
	gateway_cgi_read((const char *const *)environ, STDIN_FILENO, &limits, &site->place,
	    &request);
	response_init(&response);
	site_answer(site, &request, &response);
	response_head(&response, &head);
	body = response_body(&response, request.is_head, &body_len);
	if (response.is_stream)
		rc = gateway_cgi_answer_file(STDOUT_FILENO, head.data, head.len, response.stream_fd,
		    response.stream_len, &err);
	else
		rc = gateway_cgi_answer(STDOUT_FILENO, head.data, head.len, body, body_len, &err);
	/* The answer is out; what a relay left for somebody to verify comes after it. */
	close(STDOUT_FILENO);
	(void)site_tick(site);
	bh_buf_release(&head);
	response_release(&response);
	request_release(&request);
	site_close(&site);
	leave(options, options->conf);
	return rc < 0 ? 1 : 0;
}
