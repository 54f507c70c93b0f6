/* The verb preview: what a sync would do, worked out by a worker and printed here. */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "model/object.h"
#include "sync/preview.h"

#define LOOK_MS 100
#define SAY_MS 1000   /* progress is told so often */
#define WAIT_MS 60000 /* so long nothing may move, but for a pause that the CRM asks for */

/* -- of all -- */

static int
begin(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct cli *cli = arg;
	struct account_sync sync;
	int rc = account_sync_load(txn, cli->args[0], &sync, err);

	if (rc <= 0)
		return rc < 0
			   ? -1
			   : bh_fail(err, BH_INVALID, "there is no sync \"%.70s\"", cli->args[0]);
	account_sync_release(&sync);
	return preview_begin(txn, cli->args[0], bh_now_ms(), err);
}

static int
load(const struct cli *cli, struct preview *preview, struct bh_err *err)
{
	struct store_txn *txn = store_begin(cli->store);
	int rc = preview_load(txn, cli->args[0], preview, err);

	store_free(&txn);
	return rc < 0 ? -1 : 0;
}

/* On standard error, so that standard output holds the answer alone. */
static void
say_progress(const struct cli *cli, const struct preview *preview)
{
	if (cli->json)
		return;
	if (preview->note[0] != '\0')
		cli_line(stderr, "%lld of %lld, waiting: %s", (long long)preview->done,
		    (long long)preview->total, preview->note);
	else
		cli_line(stderr, "%lld of %lld", (long long)preview->done,
		    (long long)preview->total);
}

/* Until it does not run any more; -1: nothing moves. */
static int
wait_for_all(const struct cli *cli, struct preview *preview, struct bh_err *err)
{
	int64_t end_ms = bh_mono_ms() + WAIT_MS, done = -1, waits_ms = 0, said_ms = 0;
	int rc;

	while ((rc = load(cli, preview, err)) == 0 && preview->state == PREVIEW_RUNNING) {
		if (preview->done != done || preview->waits_until_ms != waits_ms) {
			if (preview->total != 0 && bh_mono_ms() - said_ms >= SAY_MS) {
				say_progress(cli, preview);
				said_ms = bh_mono_ms();
			}
			end_ms = bh_mono_ms() + WAIT_MS;
			if (preview->waits_until_ms > bh_now_ms())
				end_ms += preview->waits_until_ms - bh_now_ms();
		}
		done = preview->done;
		waits_ms = preview->waits_until_ms;
		if (bh_mono_ms() > end_ms)
			return bh_fail(err, BH_UNAVAILABLE,
			    "nothing moved for %d seconds; it goes on", WAIT_MS / 1000);
		bh_sleep_ms(LOOK_MS);
	}
	return rc;
}

static bool
needs_person(const struct preview *preview)
{
	json_t *object;
	size_t i;

	json_array_foreach (preview->objects, i, object) {
		const json_t *counts = json_object_get(object, "counts");

		for (int v = PREVIEW_REFUSED; v <= PREVIEW_CHOICE; v++)
			if (json_object_get(counts,
				preview_verdict_name((enum preview_verdict)v)) != NULL)
				return true;
	}
	return false;
}

static void
print_object(const json_t *object)
{
	const json_t *counts = json_object_get(object, "counts");
	const char *rule;
	json_t *n;

	cli_line(stdout, "%s: %s to %s", bh_json_str(object, "name"), bh_json_str(object, "from"),
	    bh_json_str(object, "to"));
	if (json_object_size(counts) == 0)
		cli_line(stdout, "  nothing");
	for (int v = 0; v < PREVIEW_VERDICT__MAX; v++) {
		const char *name = preview_verdict_name((enum preview_verdict)v);

		n = json_object_get(counts, name);
		if (n != NULL)
			cli_line(stdout, "  %-10s %lld", name, (long long)json_integer_value(n));
		if (v != PREVIEW_ADOPT)
			continue;
		json_object_foreach (json_object_get(object, "rules"), rule, n)
			cli_line(stdout, "    by %s: %lld", rule, (long long)json_integer_value(n));
	}
}

static int
print_all(const struct cli *cli, const struct preview *preview)
{
	json_t *object, *doc;
	size_t i;

	if (cli->json) {
		doc = json_pack("{s:s, s:b, s:I, s:I, s:O}", "sync", cli->args[0], "draft",
		    preview->is_draft, "looked_at", (json_int_t)preview->done, "calls",
		    (json_int_t)preview->calls, "objects", preview->objects);
		cli_print_json(doc);
		json_decref(doc);
	} else {
		json_array_foreach (preview->objects, i, object)
			print_object(object);
		cli_line(stdout, "%s%lld API calls were made; nothing was written.",
		    preview->is_draft ? "This is the draft of the mapping. " : "",
		    (long long)preview->calls);
	}
	return needs_person(preview) ? CLI_ATTENTION : 0;
}

static int
preview_all(struct cli *cli)
{
	struct preview preview = PREVIEW_INIT;
	struct bh_err err = BH_ERR_INIT;
	int status = 0;

	if (store_run(cli->store, begin, cli, NULL, &err) < 0 ||
	    wait_for_all(cli, &preview, &err) < 0)
		status = cli_error("%s", err.text);
	else if (preview.state != PREVIEW_DONE)
		status = cli_error("it %s%s%s",
		    preview.state == PREVIEW_STOPPED ? "was stopped" : "failed",
		    preview.note[0] != '\0' ? ": " : "", preview.note);
	else
		status = print_all(cli, &preview);
	preview_release(&preview);
	return status;
}

/* -- of one -- */

static int
ask(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct cli *cli = arg;
	struct account_sync sync;
	int rc = account_sync_load(txn, cli->args[0], &sync, err);

	if (rc <= 0)
		return rc < 0
			   ? -1
			   : bh_fail(err, BH_INVALID, "there is no sync \"%.70s\"", cli->args[0]);
	account_sync_release(&sync);
	preview_ask(txn, cli->args[0], cli->args[1], cli->account != NULL ? cli->account : "",
	    cli->args[2], bh_now_ms());
	return 0;
}

static int
wait_for_one(const struct cli *cli, json_t **answer_r, struct bh_err *err)
{
	int64_t end_ms = bh_mono_ms() + WAIT_MS;

	for (;;) {
		struct store_txn *txn = store_begin(cli->store);
		int rc = preview_asked(txn, cli->args[0], answer_r, err);

		store_free(&txn);
		if (rc < 0)
			return -1;
		if (rc > 0 && !bh_is_json_true(*answer_r, "open"))
			return 0;
		json_decref(*answer_r);
		*answer_r = NULL;
		if (bh_mono_ms() > end_ms)
			return bh_fail(err, BH_UNAVAILABLE, "no answer within %d seconds",
			    WAIT_MS / 1000);
		bh_sleep_ms(LOOK_MS);
	}
}

static void
print_field(const json_t *field)
{
	const char *value = bh_json_str(field, "value"), *then = bh_json_str(field, "then");

	cli_line(stdout, "  %s: \"%s\" -> \"%s\"; %s%s%s%s", bh_json_str(field, "to"),
	    bh_json_str(field, "now"), then, bh_json_str(field, "why"),
	    strcmp(value, then) != 0 ? " (billing: \"" : "", strcmp(value, then) != 0 ? value : "",
	    strcmp(value, then) != 0 ? "\")" : "");
}

static bool
print_part(const json_t *part)
{
	const char *verdict = bh_json_str(part, "verdict"), *unread = bh_json_str(part, "unread");
	json_t *field;
	size_t i;

	cli_line(stdout, "%s %s: %s %s; %s", bh_json_str(part, "object"), bh_json_str(part, "to"),
	    verdict, bh_json_str(part, "remote_id"), bh_json_str(part, "why"));
	if (unread[0] != '\0')
		cli_line(stdout, "  what it holds now is not known: %s", unread);
	json_array_foreach (json_object_get(part, "fields"), i, field)
		print_field(field);
	return strcmp(verdict, preview_verdict_name(PREVIEW_REFUSED)) == 0 ||
	       strcmp(verdict, preview_verdict_name(PREVIEW_CHOICE)) == 0;
}

static int
print_one(const struct cli *cli, const json_t *answer)
{
	const char *error = bh_json_str(answer, "error");
	bool needs = false;
	json_t *part;
	size_t i;

	if (error[0] != '\0')
		return cli_error("%s", error);
	if (cli->json)
		cli_print_json(answer);
	json_array_foreach (json_object_get(answer, "parts"), i, part)
		if (!cli->json)
			needs = print_part(part) || needs;
	return needs ? CLI_ATTENTION : 0;
}

static int
preview_one(struct cli *cli)
{
	struct bh_err err = BH_ERR_INIT;
	json_t *answer = NULL;
	int status;

	if (object_kind_of(cli->args[1]) == OBJECT_NONE)
		return cli_error("there is no kind \"%s\"", cli->args[1]);
	if (store_run(cli->store, ask, cli, NULL, &err) < 0 || wait_for_one(cli, &answer, &err) < 0)
		status = cli_error("%s", err.text);
	else
		status = print_one(cli, answer);
	json_decref(answer);
	return status;
}

int
cli_preview(struct cli *cli)
{
	int status = cli_store(cli);

	if (status != 0)
		return status;
	if (cli->args_n == 2) {
		cli_error("of one object: billhook preview SYNC KIND ID");
		return CLI_USAGE;
	}
	return cli->args_n == 3 ? preview_one(cli) : preview_all(cli);
}
