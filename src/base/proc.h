/*
 * Processes: framed messages, signals through a pipe, detached starts, named
 * fault points.
 */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <sys/types.h>

#include "base/buf.h"

/* Whole reads and writes on blocking descriptors; EINTR is retried. */
/* 1 all len bytes read, 0 end of file before the first byte, -1 BH_UNAVAILABLE (also: end in the middle). */
int bh_read_full(int fd, void *out, size_t len, struct bh_err *err);
/* 0, or -1 BH_UNAVAILABLE.  SIGPIPE must be ignored (bh_proc_init). */
int bh_write_full(int fd, const void *data, size_t len, struct bh_err *err);

/*
 * A frame is a 32-bit big-endian length and that many bytes.  bh_frame_read
 * replaces the contents of buf (its ceiling bounds the frame); returns as
 * bh_read_full().
 */
int bh_frame_read(int fd, struct bh_buf *buf, struct bh_err *err);
int bh_frame_write(int fd, const void *data, size_t len, struct bh_err *err);

/* Ignore SIGPIPE, set umask 077, leave no core files.  Once at the start of every role. */
void bh_proc_init(void);

/*
 * Catch SIGTERM, SIGINT, SIGHUP, SIGUSR1 and SIGCHLD: handlers only write the
 * signal's number to a pipe.  Returns the descriptor to poll (close-on-exec, non-blocking).
 */
int bh_signal_pipe(void);
/* The next signal caught, 0 when there is none. */
int bh_signal_next(void);
/* Put all of them back to default and forget the pipe: for a child that is not the catcher. */
void bh_signal_forget(void);
/*
 * fork(), with that in the child before a signal can come in: one that was
 * sent to it would else run the handler of the parent, and be lost.
 */
pid_t bh_fork(void);

/*
 * Lock a file, made when it is not there; the lock dies with the process and
 * its forks.  Nobody may remove such a file; one that was removed or replaced all the same
 * is noticed by bh_is_lock_valid().  1 locked, 0 another process holds it, -1 BH_STORAGE.
 */
int bh_lock_file(const char *path, int *fd_r, struct bh_err *err);
/* Is the locked file still the one at path? */
bool bh_is_lock_valid(int fd, const char *path);

/*
 * Die with the parent: PR_SET_PDEATHSIG, checked against the parent we expect
 * (it may be gone already: then this process ends at once).
 */
void bh_die_with_parent(pid_t parent);

/*
 * Start argv detached from this process, its web server and its descriptors
 * (fork, setsid, fork, close all, exec); standard streams go to /dev/null.
 * Returns 0 when the intermediate child could be forked; whether the program
 * runs is seen by connecting to it.
 */
int bh_spawn_detached(const char *const argv[], struct bh_err *err);

/*
 * Tell a service manager, where one asked for it (NOTIFY_SOCKET,
 * sd_notify(3)): "READY=1".  Once; nothing that is started later is to tell it.
 */
void bh_notify(const char *state);

/*
 * Where an archive for web spaces was unpacked (its folder app), as its start
 * (launch.c) tells by this variable of the environment; NULL when the program is installed in another way.
 */
#define BH_ROOT_VARIABLE "BILLHOOK_ROOT"
const char *bh_root(void);

/*
 * The path of the file that starts this program, also without /proc: the
 * running executable, or below bh_root() what runs it on its own libraries.  "" when unknown.  Static storage.
 */
const char *bh_exe_path(void);
/* Its directory, owned by the caller; NULL when unknown. */
char *bh_exe_dir(void);

/* mkdir -p of the last two levels, mode 0700.  0 also when it is there. */
int bh_make_dir(const char *path, struct bh_err *err);

/*
 * A named fault point: nothing in normal builds.  With --enable-faults the
 * environment variable BILLHOOK_FAULT="name:action[:nth]" makes the nth pass
 * (default 1) through the point do: "die" (SIGKILL itself), or return true for
 * "fail" (EIO) and "full" (ENOSPC) with errno set, so that the caller takes
 * its error path.  A file named by BILLHOOK_FAULT_ONCE that exists disables
 * it; it is created when the fault fires, so that it fires once over restarts.
 */
#ifdef BH_FAULTS
bool bh_fault(const char *name);
#else
#	define bh_fault(name) false
#endif

#endif
