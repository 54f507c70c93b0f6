/*
 * The stand-in: takes the place of a destination whose connection is broken,
 * so that the rest of the program goes on.  Every call fails with the reason
 * in config->broken; nothing is sent, nothing is lost.
 */
#include "base/base.h"

#include "dest/driver.h"

static const char *
reason(const struct dest_config *config)
{
	return config->broken != NULL ? config->broken : "the connection is broken";
}

static int
standin_check(const struct dest_config *config, struct bh_err *err)
{
	return bh_fail(err, BH_INVALID, "%s", reason(config));
}

/* BH_DENIED: only a person can mend the connection. */
static int
standin_authorize(struct dest_config *config, struct bh_err *err)
{
	return bh_fail(err, BH_DENIED, "%s", reason(config));
}

static int
standin_describe(struct dest_config *config, const char *object BH_UNUSED,
    struct dest_object **object_r, struct bh_err *err)
{
	*object_r = NULL;
	return bh_fail(err, BH_DENIED, "%s", reason(config));
}

static void
standin_push(struct dest_config *config, struct record *const *records BH_UNUSED, size_t n,
    struct dest_result *results)
{
	dest_results_set(results, n, DEST_AUTH, "CONNECTION_BROKEN", reason(config),
	    "Open the connection's settings, correct them and save.");
	for (size_t i = 0; i < n; i++)
		results[i].permanent_auth = true;
}

const struct dest_driver dest_standin = {
    .name = "stand-in",
    .title = "Broken connection",
    .caps = DEST_CAP_DESCRIBE,
    .batch = 1000,
    .check = standin_check,
    .authorize = standin_authorize,
    .describe = standin_describe,
    .push = standin_push,
    .identify = standin_authorize,
};
