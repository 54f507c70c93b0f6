/* What hook.c and import.c share. */
#ifndef WEB_HOOK_INTERNAL_H
#define WEB_HOOK_INTERNAL_H

#include "source/source.h"
#include "state/account.h"
#include "web/hook.h"
#include "web/raw.h"

#define HOOK_CACHE 16 /* connections remembered in each process */

struct hook_source {
	struct account_connection connection; /* code "" when the slot is free */
	const struct source_driver *driver;   /* NULL: not part of this program */
	int64_t loaded_ms;                    /* monotonic */
};

/* Redeliveries of a connection that are not written down yet. */
struct hook_duplicates {
	char code[72]; /* "" when the slot is free */
	int64_t n;
};

struct hook {
	const struct site *site;
	struct hook_duplicates duplicates[HOOK_CACHE];
	struct hook_source cache[HOOK_CACHE];
	unsigned loads;        /* connections read from the store so far */
	int64_t down_until_ms; /* monotonic: the store failed, leave it alone until then */
	int64_t log_since_ms;
	unsigned log_lines;
	/* The raw spool directory when it was last found empty: its change time; 0 never. */
	int64_t raw_empty_ns;
	/* The last file looked at, when more follow: files that must wait do not block those behind. */
	char raw_after[RAW_NAME_MAX];
	int64_t raw_noted_ms; /* monotonic: when waiting files were last logged */
};

#endif
