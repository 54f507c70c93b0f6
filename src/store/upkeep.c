/* The keeper's second thread: see upkeep.h. */
#include "base/base.h"

#include "store/upkeep.h"

#include <sys/eventfd.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/copy.h"

enum backup_state {
	BACKUP_NONE = 0,
	BACKUP_ASKED,
	BACKUP_ENDED,
};

struct upkeep {
	struct upkeep_options options;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	int fd;
	/* under lock */
	bool stop, failed;
	size_t bytes; /* written since the last checkpoint */
	int64_t checkpoint_ms;
	enum backup_state backup;
	char *backup_dir;
	uint64_t backup_serial;
	int backup_rc;
	struct bh_err backup_err;
};

static void
signal_keeper(const struct upkeep *upkeep)
{
	uint64_t one = 1;

	if (write(upkeep->fd, &one, sizeof(one)) < 0)
		bh_log(BH_ERROR, "cannot signal the keeper: %s", strerror(errno));
}

static bool
is_checkpoint_due(const struct upkeep *upkeep)
{
	int64_t age_ms = bh_mono_ms() - upkeep->checkpoint_ms;

	return upkeep->bytes >= upkeep->options.checkpoint_bytes ||
	       (upkeep->bytes > 0 && age_ms >= (int64_t)upkeep->options.checkpoint_s * 1000);
}

static void
wait_a_second(struct upkeep *upkeep)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	pthread_cond_timedwait(&upkeep->wake, &upkeep->lock, &until);
}

/* Both run without the lock, and return with it. */
static void
do_checkpoint(struct upkeep *upkeep)
{
	struct bh_err err = BH_ERR_INIT;
	int rc;

	upkeep->bytes = 0;
	upkeep->checkpoint_ms = bh_mono_ms();
	pthread_mutex_unlock(&upkeep->lock);
	rc = bdb_checkpoint(upkeep->options.bdb, &err);
	if (rc < 0)
		bh_log(BH_ERROR, "%s", err.text);
	pthread_mutex_lock(&upkeep->lock);
	if (rc == 0)
		return;
	upkeep->failed = upkeep->stop = true;
	signal_keeper(upkeep);
}

static void
do_backup(struct upkeep *upkeep)
{
	struct bh_err err = BH_ERR_INIT;
	char *dir = upkeep->backup_dir;
	int rc;

	pthread_mutex_unlock(&upkeep->lock);
	rc = copy_prepare(dir, &err);
	if (rc == 0)
		rc = bdb_backup(upkeep->options.bdb, dir, &err);
	if (rc == 0)
		rc = copy_flush(dir, &err);
	pthread_mutex_lock(&upkeep->lock);
	upkeep->backup_rc = rc;
	upkeep->backup_err = err;
	upkeep->backup = BACKUP_ENDED;
	signal_keeper(upkeep);
}

static void *
run(void *arg)
{
	struct upkeep *upkeep = arg;

	pthread_mutex_lock(&upkeep->lock);
	while (!upkeep->stop) {
		if (is_checkpoint_due(upkeep))
			do_checkpoint(upkeep);
		else if (upkeep->backup == BACKUP_ASKED)
			do_backup(upkeep);
		else
			wait_a_second(upkeep);
	}
	pthread_mutex_unlock(&upkeep->lock);
	return NULL;
}

/* Signals are the keeper's. */
static int
start_thread(struct upkeep *upkeep)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&upkeep->thread, NULL, run, upkeep);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

static void
upkeep_free(struct upkeep *upkeep)
{
	if (upkeep->fd >= 0)
		close(upkeep->fd);
	pthread_cond_destroy(&upkeep->wake);
	pthread_mutex_destroy(&upkeep->lock);
	free(upkeep->backup_dir);
	free(upkeep);
}

int
upkeep_start(const struct upkeep_options *options, struct upkeep **upkeep_r, struct bh_err *err)
{
	struct upkeep *upkeep = bh_xcalloc(1, sizeof(*upkeep));
	pthread_condattr_t attr;

	upkeep->options = *options;
	upkeep->checkpoint_ms = bh_mono_ms();
	pthread_mutex_init(&upkeep->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&upkeep->wake, &attr);
	pthread_condattr_destroy(&attr);
	upkeep->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (upkeep->fd < 0 || start_thread(upkeep) != 0) {
		bh_fail(err, BH_STORAGE, "cannot start the upkeep thread");
		upkeep_free(upkeep);
		*upkeep_r = NULL;
		return -1;
	}
	*upkeep_r = upkeep;
	return 0;
}

void
upkeep_stop(struct upkeep **upkeep)
{
	if (*upkeep == NULL)
		return;
	pthread_mutex_lock(&(*upkeep)->lock);
	(*upkeep)->stop = true;
	pthread_cond_signal(&(*upkeep)->wake);
	pthread_mutex_unlock(&(*upkeep)->lock);
	pthread_join((*upkeep)->thread, NULL);
	upkeep_free(*upkeep);
	*upkeep = NULL;
}

int
upkeep_fd(const struct upkeep *upkeep)
{
	return upkeep->fd;
}

void
upkeep_seen(const struct upkeep *upkeep)
{
	uint64_t count;

	if (read(upkeep->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		bh_log(BH_ERROR, "cannot read the upkeep signal: %s", strerror(errno));
}

void
upkeep_note(struct upkeep *upkeep, size_t bytes)
{
	pthread_mutex_lock(&upkeep->lock);
	upkeep->bytes += bytes;
	if (is_checkpoint_due(upkeep))
		pthread_cond_signal(&upkeep->wake);
	pthread_mutex_unlock(&upkeep->lock);
}

bool
is_upkeep_failed(struct upkeep *upkeep)
{
	bool is_failed;

	pthread_mutex_lock(&upkeep->lock);
	is_failed = upkeep->failed;
	pthread_mutex_unlock(&upkeep->lock);
	return is_failed;
}

bool
is_upkeep_backup_begun(struct upkeep *upkeep, const char *dir, uint64_t serial)
{
	bool is_free;

	pthread_mutex_lock(&upkeep->lock);
	is_free = upkeep->backup == BACKUP_NONE;
	if (is_free) {
		free(upkeep->backup_dir);
		upkeep->backup_dir = bh_xstrdup(dir);
		upkeep->backup_serial = serial;
		upkeep->backup = BACKUP_ASKED;
		pthread_cond_signal(&upkeep->wake);
	}
	pthread_mutex_unlock(&upkeep->lock);
	return is_free;
}

bool
is_upkeep_backup_ended(struct upkeep *upkeep, uint64_t *serial_r, int *rc_r, struct bh_err *err)
{
	bool is_ended;

	pthread_mutex_lock(&upkeep->lock);
	is_ended = upkeep->backup == BACKUP_ENDED;
	if (is_ended) {
		*serial_r = upkeep->backup_serial;
		*rc_r = upkeep->backup_rc;
		*err = upkeep->backup_err;
		upkeep->backup = BACKUP_NONE;
	}
	pthread_mutex_unlock(&upkeep->lock);
	return is_ended;
}
