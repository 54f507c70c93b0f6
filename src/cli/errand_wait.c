/* Waiting for errands that workers run: see cli.h. */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "state/walk.h"

#define LOOK_MS 100

/* On standard error, so that standard output holds the answer alone. */
static void
say_progress(const json_t *progress)
{
	const char *at = bh_json_str(progress, "at");

	cli_line(stderr, "%lld of %lld%s%s", (long long)bh_json_int(progress, "done", 0),
	    (long long)bh_json_int(progress, "of", 0), at != NULL ? ": " : "",
	    at != NULL ? at : "");
}

/* True when it is further than it was; *said_r is what was told last. */
static bool
has_moved(const struct cli *cli, const struct errand *errand, json_t **said_r)
{
	json_t *progress = json_object_get(errand->answer, "progress");

	if (progress == NULL || (*said_r != NULL && json_equal(progress, *said_r)))
		return false;
	json_decref(*said_r);
	*said_r = json_incref(progress);
	if (!cli->json)
		say_progress(progress);
	return true;
}

/* One look: 1 it is answered (the errand may be gone), 0 not yet, -1. */
static int
look(struct cli *cli, const struct cli_errand *what, struct errand *errand, struct bh_err *err)
{
	struct store_txn *txn = store_begin(cli->store);
	int rc = errand_load(txn, what->code, what->name, errand, err);

	store_free(&txn);
	return rc < 0 ? -1 : rc == 0 || !errand->is_open;
}

int
cli_errand_wait(struct cli *cli, const struct cli_errand *what, json_t **answer_r)
{
	int64_t end_ms = bh_mono_ms() + what->wait_ms;
	struct bh_err err = BH_ERR_INIT;
	struct errand errand = {0};
	json_t *said = NULL;
	int rc;

	*answer_r = NULL;
	while ((rc = look(cli, what, &errand, &err)) == 0 && bh_mono_ms() < end_ms) {
		if (has_moved(cli, &errand, &said))
			end_ms = bh_mono_ms() + what->wait_ms;
		errand_release(&errand);
		bh_sleep_ms(LOOK_MS);
	}
	if (rc > 0 && errand.error[0] != '\0')
		rc = bh_fail(&err, BH_INVALID, "%s", errand.error);
	else if (rc == 0)
		rc = bh_fail(&err, BH_UNAVAILABLE,
		    "no answer within %lld seconds; it goes on, see billhook %s %s",
		    (long long)what->wait_ms / 1000, what->verb, what->code);
	else if (rc > 0)
		*answer_r = json_incref(errand.answer);
	errand_release(&errand);
	json_decref(said);
	return rc < 0 ? cli_error("%s", err.text) : 0;
}
