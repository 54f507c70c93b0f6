/* See sync.h. */
#include "base/base.h"

#include "sync/sync.h"

#include "base/clock.h"

#define LONGEST_PAUSE_MS (25 * 3600 * (int64_t)1000)

bool
sync_is_stopping(const struct sync_context *context)
{
	return context->is_stopping != NULL && context->is_stopping(context->arg);
}

bool
sync_is_ahead(int64_t at_ms)
{
	int64_t now = bh_now_ms();

	return at_ms > now && at_ms - now < LONGEST_PAUSE_MS;
}
