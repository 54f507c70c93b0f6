/* For unit tests: cmocka with its prerequisites, and a log that must stay silent. */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/log.h"

/* An unannounced warning fails the test (call unit_log_expected() first where one is due). */
static bool unit_log_allowed;

static inline void
unit_log(enum bh_level level, const char *text)
{
	if (level >= BH_WARN && !unit_log_allowed)
		fail_msg("unexpected log line: %s", text);
}

static inline void
unit_log_expected(bool expected)
{
	unit_log_allowed = expected;
}

/* A file of the source tree; the caller frees. */
static inline char *
unit_path(const char *name)
{
	const char *top = getenv("BH_SRCDIR");
	char *path = malloc(4096);

	snprintf(path, 4096, "%s/%s", top != NULL ? top : ".", name);
	return path;
}

#endif
