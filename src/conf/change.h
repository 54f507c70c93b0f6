/*
 * Changing billhook.conf from the program, and seeing that somebody did.
 */
#ifndef CONF_CHANGE_H
#define CONF_CHANGE_H

#include <sys/stat.h>

#include "conf/conf.h"

struct conf_change {
	const char *name;
	const char *value;
};

/*
 * Write the options into <data_dir>/billhook.conf: where a line sets one it gets the new value,
 * else a line is added; comments and everything else stay as they are.  The file is replaced at
 * once and is durable: after a crash it is the old one or the new one.
 * -1 BH_INVALID (a value is not allowed: nothing is written) or BH_STORAGE.
 */
int conf_change(const char *data_dir, const struct conf_change *changes, size_t n,
    struct bh_err *err);

/* The file as somebody saw it. */
struct conf_seen {
	ino_t inode; /* 0: there is none */
	off_t size;
	struct timespec written;
	bool is_stale; /* it has changed since it was noted */
};
/* Before the options are loaded: how the file is now. */
void conf_note(const char *data_dir, struct conf_seen *seen);
/*
 * Has billhook.conf been written, made or removed since it was noted, and is it the same as at the last
 * call?  (An editor may be half way through.)  Once yes, it is noted anew.
 */
bool conf_is_settled(const char *data_dir, struct conf_seen *seen);

#endif
