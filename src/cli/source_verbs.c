/* Verbs for sources: source (test, webhooks, walks), verify. */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/cli.h"
#include "source/source.h"
#include "state/walk.h"
#include "state/want.h"
#include "sync/verify.h"

#define ERRAND_WAIT_MS 60000
#define LOOK_MS 100
#define WANTS_MAX 100000

static const char *const walks[] = {WALK_BACKFILL, WALK_CATCHUP};

/* -- showing -- */

static json_t *
walk_json(const char *name, const struct walk *walk)
{
	return json_pack("{s:s, s:s, s:s, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
	    "walk", name, "state", walk_state_name(walk->state), "phase", walk->phase,
	    "phase_number", walk->phase_number, "phases", walk->phases, "phase_read",
	    (json_int_t)walk->phase_read, "phase_total", (json_int_t)walk->phase_total, "read",
	    (json_int_t)walk->read, "changed", (json_int_t)walk->changed, "started_ms",
	    (json_int_t)walk->started_ms, "ended_ms", (json_int_t)walk->ended_ms, "last_ms",
	    (json_int_t)walk->last_ms, "note", bh_json_string(walk->note));
}

static void
print_walk(const json_t *walk)
{
	const char *state = bh_json_str(walk, "state"), *note = bh_json_str(walk, "note");
	int64_t total = bh_json_int(walk, "phase_total", -1);

	printf("%-10s %s", bh_json_str(walk, "walk"), state);
	if (bh_json_int(walk, "phases", 0) > 0)
		printf(", %s (%lld of %lld)", bh_json_str(walk, "phase"),
		    (long long)bh_json_int(walk, "phase_number", 0),
		    (long long)bh_json_int(walk, "phases", 0));
	printf(": %lld", (long long)bh_json_int(walk, "phase_read", 0));
	if (total >= 0)
		printf(" of %lld", (long long)total);
	printf(" here, %lld read, %lld changed\n", (long long)bh_json_int(walk, "read", 0),
	    (long long)bh_json_int(walk, "changed", 0));
	if (*note != '\0')
		printf("%-10s %s\n", "", note);
}

int
cli_source_state(struct store_txn *txn, const char *code, json_t **doc_r, struct bh_err *err)
{
	static const char *const errands[] = {ERRAND_PROBE, ERRAND_ENDPOINTS, ERRAND_REGISTER};
	json_t *doc = json_pack("{s:s, s:[], s:{}}", "code", code, "walks", "errands");
	size_t wants = 0;
	int rc = want_count(txn, code, WANTS_MAX, &wants, err);

	json_object_set_new(doc, "lookups", json_integer((json_int_t)wants));
	for (size_t i = 0; i < BH_LEN(walks) && rc >= 0; i++) {
		struct walk walk;

		rc = walk_load(txn, code, walks[i], &walk, err);
		if (rc > 0)
			json_array_append_new(json_object_get(doc, "walks"),
			    walk_json(walks[i], &walk));
		walk_release(&walk);
	}
	for (size_t i = 0; i < BH_LEN(errands) && rc >= 0; i++) {
		struct errand errand;

		rc = errand_load(txn, code, errands[i], &errand, err);
		if (rc > 0)
			json_object_set_new(json_object_get(doc, "errands"), errands[i],
			    json_pack("{s:b, s:I, s:s, s:O?}", "open", errand.is_open, "done_ms",
				(json_int_t)errand.done_ms, "error", errand.error, "answer",
				errand.answer));
		errand_release(&errand);
	}
	if (rc < 0) {
		json_decref(doc);
		doc = NULL;
	}
	*doc_r = doc;
	return rc < 0 ? -1 : 0;
}

static int
show(struct cli *cli, const char *code)
{
	struct bh_err err = BH_ERR_INIT;
	json_t *doc = NULL, *walk;
	size_t i;
	struct store_txn *txn = store_begin(cli->store);
	int rc = cli_source_state(txn, code, &doc, &err);

	store_free(&txn);
	if (rc < 0) {
		cli_error("%s", err.text);
	} else if (cli->json) {
		cli_print_json(doc);
	} else {
		json_array_foreach (json_object_get(doc, "walks"), i, walk)
			print_walk(walk);
		if (json_array_size(json_object_get(doc, "walks")) == 0)
			printf("nothing was read from %s yet\n", code);
		if (bh_json_int(doc, "lookups", 0) != 0)
			printf("%lld look-ups wait\n", (long long)bh_json_int(doc, "lookups", 0));
	}
	json_decref(doc);
	return rc < 0 ? CLI_FAILED : 0;
}

/* -- errands -- */

static void
print_answer(const char *name, const json_t *answer)
{
	const json_t *one;
	size_t i;

	if (strcmp(name, ERRAND_PROBE) == 0) {
		printf("%s%s%s%s %s\n", bh_json_str(answer, "name"),
		    bh_json_str(answer, "id") != NULL ? " " : "",
		    bh_json_str(answer, "id") != NULL ? bh_json_str(answer, "id") : "",
		    bh_json_str(answer, "mode") != NULL && *bh_json_str(answer, "mode") != '\0'
			? ","
			: "",
		    bh_json_str(answer, "mode") != NULL ? bh_json_str(answer, "mode") : "");
		json_array_foreach (json_object_get(answer, "missing"), i, one)
			printf("  lacks permission: %s\n", json_string_value(one));
	} else if (json_is_array(answer)) {
		json_array_foreach (answer, i, one)
			printf("%s%s %s%s%s\n", bh_is_json_true(one, "ours") ? "* " : "  ",
			    bh_json_str(one, "id"), bh_json_str(one, "url"),
			    bh_json_str(one, "problem") != NULL ? ": " : "",
			    bh_json_str(one, "problem") != NULL ? bh_json_str(one, "problem") : "");
	} else {
		printf("done%s%s\n", bh_json_str(answer, "id") != NULL ? ": " : "",
		    bh_json_str(answer, "id") != NULL ? bh_json_str(answer, "id") : "");
	}
}

static int
wait_errand(struct cli *cli, const char *code, const char *name)
{
	const struct cli_errand what = {"source", code, name, ERRAND_WAIT_MS};
	json_t *answer;
	int status = cli_errand_wait(cli, &what, &answer);

	if (status == 0 && cli->json)
		cli_print_json(answer);
	else if (status == 0)
		print_answer(name, answer);
	json_decref(answer);
	return status;
}

/* -- actions -- */

static int
begin(struct store_txn *txn, const char *code, const char *walk, struct bh_err *err)
{
	return walk_begin(txn, code, walk, bh_now_ms(), err);
}

static int
resume(struct store_txn *txn, const char *code, const char *walk, struct bh_err *err)
{
	return walk_resume(txn, code, walk, bh_now_ms(), err);
}

static const struct action {
	const char *name;
	const char *can;    /* what the driver must be able to do */
	const char *errand; /* asks for it and waits */
	int (*walk)(struct store_txn *txn, const char *connection, const char *walk,
	    struct bh_err *err);
	const char *on; /* the walk; NULL: the one that fits */
} actions[] = {
    {"test", ERRAND_PROBE, ERRAND_PROBE, NULL, NULL},
    {"endpoints", ERRAND_ENDPOINTS, ERRAND_ENDPOINTS, NULL, NULL},
    {"register", ERRAND_REGISTER, ERRAND_REGISTER, NULL, NULL},
    {"unregister", ERRAND_REMOVE, ERRAND_REMOVE, NULL, NULL},
    {"backfill", WALK_BACKFILL, NULL, begin, WALK_BACKFILL},
    {"catchup", WALK_CATCHUP, NULL, begin, WALK_CATCHUP},
    {"pause", WALK_BACKFILL, NULL, walk_pause, NULL},
    {"resume", WALK_BACKFILL, NULL, resume, NULL},
};

static int
check_source(struct store_txn *txn, const char *code, const char *can, struct bh_err *err)
{
	struct account_connection connection = {0};
	const struct source_driver *driver = NULL;
	int rc = account_connection_load(txn, NULL, code, &connection, err);

	if (rc > 0)
		driver = source_driver(connection.driver);
	account_connection_release(&connection);
	if (rc < 0)
		return -1;
	if (driver == NULL)
		return bh_fail(err, BH_INVALID, "there is no source connection \"%s\"", code);
	return source_check_can(driver, can, err);
}

struct acting {
	const char *code, *walk;
	const struct action *action;
};

static int
act_in(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct acting *acting = arg;
	const struct action *action = acting->action;

	if (check_source(txn, acting->code, action->can, err) < 0)
		return -1;
	if (action->errand == NULL)
		return action->walk(txn, acting->code, acting->walk, err);
	errand_ask(txn, acting->code, action->errand, NULL, bh_now_ms());
	return 0;
}

static int
act(struct cli *cli, const char *code, const struct action *action)
{
	struct acting acting = {code, action->on != NULL ? action->on : walks[0], action};
	struct bh_err err = BH_ERR_INIT;
	int rc = store_run(cli->store, act_in, &acting, NULL, &err);

	if (rc < 0 && action->walk != NULL && action->on == NULL) {
		acting.walk = walks[1];
		rc = store_run(cli->store, act_in, &acting, NULL, NULL);
	}
	if (rc < 0)
		return cli_error("%s", err.text);
	return action->errand != NULL ? wait_errand(cli, code, action->errand) : 0;
}

/* Until no walk runs any more. */
static int
wait_walks(struct cli *cli, const char *code)
{
	struct bh_err err = BH_ERR_INIT;
	bool runs = true, failed = false;

	while (runs) {
		struct store_txn *txn = store_begin(cli->store);
		int rc = 0;

		runs = failed = false;
		for (size_t i = 0; i < BH_LEN(walks) && rc >= 0; i++) {
			struct walk walk;

			rc = walk_load(txn, code, walks[i], &walk, &err);
			runs = runs || walk.state == WALK_RUNNING;
			failed = failed || walk.state == WALK_FAILED;
			walk_release(&walk);
		}
		store_free(&txn);
		if (rc < 0)
			return cli_error("%s", err.text);
		if (runs)
			bh_sleep_ms(LOOK_MS);
	}
	show(cli, code);
	return failed ? CLI_FAILED : 0;
}

int
cli_source(struct cli *cli)
{
	const char *word = cli->args_n > 1 ? cli->args[1] : NULL;
	const struct action *action = NULL;
	int status;

	for (size_t i = 0; word != NULL && i < BH_LEN(actions); i++)
		if (strcmp(actions[i].name, word) == 0)
			action = &actions[i];
	if (word != NULL && action == NULL) {
		cli_error("source: there is no action %s; see billhook(1)", word);
		return CLI_USAGE;
	}
	status = cli_store(cli);
	if (status != 0)
		return status;
	if (action == NULL) {
		status = cli_check_connection(cli, cli->args[0], true);
		return status != 0 ? status : show(cli, cli->args[0]);
	}
	status = act(cli, cli->args[0], action);
	if (status == 0 && cli->wait && action->walk != NULL)
		status = wait_walks(cli, cli->args[0]);
	return status;
}

/* -- verify -- */

static void
say_difference(void *arg BH_UNUSED, const char *connection, const json_t *difference)
{
	const json_t *is = json_object_get(difference, "is"), *value;
	const json_t *should = json_object_get(difference, "should_be");
	const char *kind = bh_json_str(difference, "kind"), *id = bh_json_str(difference, "id");
	const char *name;

	if (bh_is_json_true(difference, "facts")) {
		printf("%s: %s %s: what its figures are made of differs\n", connection, kind, id);
		return;
	}
	json_object_foreach ((json_t *)(uintptr_t)should, name, value) {
		char *a, *b;

		if (json_equal(json_object_get(is, name), value))
			continue;
		a = json_object_get(is, name) != NULL ? bh_json_text(json_object_get(is, name))
						      : bh_xstrdup("nothing");
		b = bh_json_text(value);
		printf("%s: %s %s: %s is %s, should be %s\n", connection, kind, id, name, a, b);
		free(a);
		free(b);
	}
}

int
cli_verify(struct cli *cli)
{
	struct sync_context context = {.conf = &cli->conf, .key = &cli->key};
	struct verify verify = {.mend = cli->mend, .say = cli->quiet ? NULL : say_difference};
	struct bh_err err = BH_ERR_INIT;
	struct store_txn *txn;
	json_t *codes = NULL, *code;
	size_t i;
	int status = cli_store(cli), rc;

	if (status == 0 && cli->args_n != 0)
		status = cli_check_connection(cli, cli->args[0], true);
	if (status != 0)
		return status;
	context.store = cli->store;
	txn = store_begin(cli->store);
	rc = account_connections(txn, &codes, &err);
	store_free(&txn);
	json_array_foreach (codes, i, code)
		if (rc == 0 &&
		    (cli->args_n == 0 || strcmp(cli->args[0], json_string_value(code)) == 0))
			rc = verify_connection(&context, json_string_value(code), &verify, &err);
	json_decref(codes);
	if (rc < 0)
		return cli_error("%s", err.text);
	if (!cli->quiet)
		printf("%zu customers looked at, %zu differences%s\n", verify.customers,
		    verify.differences, verify.differences != 0 && cli->mend ? ", mended" : "");
	return verify.differences != 0 && !cli->mend ? CLI_ATTENTION : 0;
}
