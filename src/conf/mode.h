/*
 * How the work gets done on this host: by processes that stay, by processes
 * that come with a request and go when idle, or by cron alone.
 */
#ifndef CONF_MODE_H
#define CONF_MODE_H

#include "conf/conf.h"

enum mode {
	MODE_DAEMONS,   /* processes stay */
	MODE_ON_DEMAND, /* they end when idle, and come again with the next request */
	MODE_CRON       /* none may stay: what comes waits for `billhook drain` */
};

struct mode_report {
	enum mode mode;
	int64_t drained_ms; /* when cron's `billhook drain` ran last; 0: never */
	bool is_overdue;    /* it should have run by now */
	char text[240];     /* all of it, a sentence or two for people */
};

enum mode mode_of(const struct conf *conf);
/* "daemons", "on demand", "cron". */
const char *mode_name(enum mode mode);

/* What to say of it now. */
void mode_report(const struct conf *conf, int64_t now_ms, struct mode_report *report);

/* `billhook drain` runs now. */
void mode_note_drain(const struct conf *conf);

/* A line for cron that runs every minute; owned by the caller. */
char *mode_cron_line(const struct conf *conf);

#endif
