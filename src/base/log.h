/*
 * The log: one line per event, `time level role[pid] message key=value ...`,
 * to standard error or the log file.  Values are cleaned; a line never holds
 * a secret or a person's data beyond ids.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/err.h"

enum bh_level {
	BH_DEBUG = 0,
	BH_INFO,
	BH_WARN,
	BH_ERROR,
	BH_LEVEL__MAX
};

/* role is borrowed for ever (a literal): "front", "keeper" ... */
void bh_log_role(const char *role);
void bh_log_level(enum bh_level level);
/* Append to this descriptor (-1: standard error, the start value).  The one before is not closed. */
void bh_log_fd(int fd);
/*
 * Append to the file at path, made with mode 0600.  Each process looks at the
 * path before it writes a line: a file that was renamed or removed
 * (logrotate) is left, and one made anew; as long as that fails the old one goes on.
 * 0, or -1 BH_STORAGE: the log stays where it was.
 */
int bh_log_file(const char *path, struct bh_err *err);
/* Its descriptor, for code that closes all others; -1. */
int bh_log_descriptor(void);
/* A level by name; false when there is none. */
bool bh_is_level(const char *name, enum bh_level *level_r);

/*
 * Write one line.  Control characters become spaces; at most 1,000 bytes.
 * Safe in forked children: each line is one write().
 */
void bh_log(enum bh_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same, and why: err's text without what another said (own_len), and its code. */
void bh_log_err(enum bh_level level, const struct bh_err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Tests: called instead of writing; NULL puts writing back. */
void bh_log_hook(void (*hook)(enum bh_level level, const char *text));

#endif
