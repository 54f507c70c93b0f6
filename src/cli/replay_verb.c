/* The verb replay: events of the journal are handled again. */
#include "base/base.h"

#include "base/clock.h"
#include "base/text.h"
#include "cli/cli.h"
#include "state/journal.h"

#define PAGE 200

struct filter {
	const char *connection;
	int state;        /* -1: any */
	const char *type; /* NULL: any */
	size_t type_len;  /* of what stands before a * at the end */
	bool is_prefix;
	int64_t since_ms, until_ms;
};

static int
read_time(const char *name, const char *text, int64_t *at_ms_r)
{
	if (text == NULL || bh_is_time(text, at_ms_r))
		return 0;
	return cli_error("--%s: \"%s\" is no time like 2026-11-22T10:00:00Z", name, text);
}

static int
read_filter(const struct cli *cli, struct filter *filter)
{
	*filter = (struct filter){.connection = cli->connection,
	    .state = -1,
	    .type = cli->type,
	    .type_len = cli->type != NULL ? strlen(cli->type) : 0,
	    .until_ms = INT64_MAX};
	if (read_time("since", cli->since, &filter->since_ms) != 0 ||
	    read_time("until", cli->until, &filter->until_ms) != 0)
		return CLI_FAILED;
	if (filter->type_len > 0 && cli->type[filter->type_len - 1] == '*') {
		filter->is_prefix = true;
		filter->type_len--;
	}
	if (cli->state == NULL)
		return 0;
	for (int i = 0; i < JOURNAL__MAX; i++)
		if (strcmp(journal_state_name((enum journal_state)i), cli->state) == 0)
			filter->state = i;
	return filter->state >= 0 ? 0 : cli_error("--state: there is no state \"%s\"", cli->state);
}

static bool
is_type(const struct filter *filter, const char *type)
{
	if (filter->type == NULL)
		return true;
	return strncmp(type, filter->type, filter->type_len) == 0 &&
	       (filter->is_prefix || type[filter->type_len] == '\0');
}

static bool
is_wanted(const struct filter *filter, const struct journal_event *event)
{
	return !event->erased &&
	       (filter->connection == NULL || strcmp(filter->connection, event->connection) == 0) &&
	       (filter->state < 0 || filter->state == (int)event->state) &&
	       is_type(filter, event->type) && event->received_ms >= filter->since_ms &&
	       event->received_ms < filter->until_ms;
}

/*
 * Everything behind this event came before the time asked for: what is
 * handled was there before, and what is behind it in the journal, too.
 */
static bool
is_last(const struct filter *filter, const struct journal_event *event)
{
	return event->handled_ms != 0 && event->handled_ms < filter->since_ms;
}

/* One page of the journal, newest first; 1 more follow, 0 the end, -1. */
static int
replay_page(struct cli *cli, const struct filter *filter, uint64_t *before, size_t *n_r,
    struct bh_err *err)
{
	struct store_txn *txn = store_begin(cli->store);
	struct journal_event events[PAGE];
	bool is_end = false;
	size_t n = 0;
	int rc = journal_list(txn, *before, PAGE, events, &n, err);

	for (size_t i = 0; i < n; i++) {
		if (rc == 0 && is_wanted(filter, &events[i])) {
			journal_replay(txn, events[i].stamp);
			(*n_r)++;
		}
		is_end = is_end || is_last(filter, &events[i]);
		*before = events[i].stamp;
		journal_event_release(&events[i]);
	}
	if (rc == 0)
		rc = store_commit(txn, NULL, err);
	store_free(&txn);
	return rc < 0 ? -1 : n != 0 && !is_end;
}

/* The event of a connection: 1 queued; 0 not known, or (said so) not kept; -1. */
static int
replay_event(struct store_txn *txn, const char *connection, const char *id, struct bh_err *err)
{
	struct journal_event event;
	uint64_t stamp;
	bool is_erased;
	int rc = journal_find(txn, connection, id, &stamp, err);

	if (rc <= 0)
		return rc;
	rc = journal_read(txn, stamp, &event, err);
	if (rc < 0)
		return -1;
	if (rc == 0) {
		cli_error("%s: event %s was received, but is not kept any longer", connection, id);
		return 0;
	}
	is_erased = event.erased;
	journal_event_release(&event);
	if (is_erased) {
		cli_error("%s: event %s was erased", connection, id);
		return 0;
	}
	journal_replay(txn, stamp);
	return 1;
}

static int
replay_one(struct cli *cli, const char *id, size_t *n_r, struct bh_err *err)
{
	struct store_txn *txn = store_begin(cli->store);
	json_t *codes = NULL, *code;
	size_t i;
	int rc = account_connections(txn, &codes, err);

	json_array_foreach (codes, i, code) {
		const char *connection = json_string_value(code);

		if (rc < 0 || (cli->connection != NULL && strcmp(cli->connection, connection) != 0))
			continue;
		rc = replay_event(txn, connection, id, err);
		*n_r += rc > 0;
	}
	json_decref(codes);
	if (rc >= 0)
		rc = store_commit(txn, NULL, err);
	store_free(&txn);
	return rc;
}

int
cli_replay(struct cli *cli)
{
	struct bh_err err = BH_ERR_INIT;
	struct filter filter;
	uint64_t before = 0;
	size_t n = 0;
	int rc, status;

	if (cli->args_n == 0 && !cli->all && cli->connection == NULL && cli->state == NULL &&
	    cli->type == NULL && cli->since == NULL && cli->until == NULL) {
		cli_error("replay: name an event's id, a filter, or --all");
		return CLI_USAGE;
	}
	if (read_filter(cli, &filter) != 0)
		return CLI_USAGE;
	status = cli_store(cli);
	if (status == 0 && cli->connection != NULL)
		status = cli_check_connection(cli, cli->connection, true);
	if (status != 0)
		return status;
	if (cli->args_n != 0) {
		rc = replay_one(cli, cli->args[0], &n, &err);
	} else {
		do
			rc = replay_page(cli, &filter, &before, &n, &err);
		while (rc > 0);
	}
	if (rc < 0)
		return cli_error("%s", err.text);
	printf("%zu events will be handled again\n", n);
	return n == 0 && cli->args_n != 0 ? CLI_FAILED : 0;
}
