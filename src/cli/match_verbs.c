/* The verb match: which record of a CRM an object is, where a person has to say. */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "state/link.h"
#include "state/mirror.h"
#include "state/trail.h"
#include "sync/setup.h"

#define PAGE 200
#define REMOTE_ID_MAX 63

/* -- list -- */

struct listing {
	const struct cli *cli;
	const struct setup *setup;
	struct store_txn *txn; /* of the page */
	size_t printed, ambiguous;
};

/* The mapped object and the sync of a link; NULL when they are not set up (any more). */
static const struct map_object *
mapped_object(const struct setup *setup, const struct link_id *id, const struct setup_sync **sync_r)
{
	*sync_r = setup_sync(setup, id->sync);
	return *sync_r != NULL ? setup_object(*sync_r, id->object, NULL) : NULL;
}

/* As people know the billing object: its name or what comes next to it; owned, "" when there is none. */
static char *
title_of(const struct listing *listing, const struct link_id *id)
{
	static const char *const names[] = {"name", "legal_name", "email", "number"};
	const struct setup_sync *sync;
	const struct map_object *mapped = mapped_object(listing->setup, id, &sync);
	struct object_state object = {0};
	const char *title = NULL;
	char *owned;

	if (mapped != NULL && !is_object_virtual(mapped->from)) {
		struct mirror_id held = {sync->account.from, id->account, mapped->from, id->id};

		mirror_get(listing->txn, &held, false, &object, NULL);
	}
	for (size_t i = 0; i < BH_LEN(names) && title == NULL; i++)
		title = bh_json_str(object.fields, names[i]);
	owned = bh_xstrdup(title != NULL ? title : "");
	mirror_object_release(&object);
	return owned;
}

static json_t *
match_json(const struct link_id *id, const struct link *link, const char *title,
    const json_t *candidates)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:o, s:o, s:O?}", "crm", id->dest,
	    "sync", id->sync, "object", id->object, "account", id->account, "id", id->id, "title",
	    bh_json_string(title), "state", link->state == LINK_HELD ? "ambiguous" : "unmatched",
	    "cause", bh_json_string(link->cause), "remedy", bh_json_string(link->remedy),
	    "candidates", candidates);
}

static void
print_match(const json_t *match)
{
	const char *title = bh_json_str(match, "title"), *account = bh_json_str(match, "account");
	const json_t *one;
	size_t i;

	cli_line(stdout, "%s %s %s %s%s%s: %s", bh_json_str(match, "sync"),
	    bh_json_str(match, "object"), bh_json_str(match, "id"), *title != '\0' ? title : "-",
	    *account != '\0' ? " --account " : "", account, bh_json_str(match, "cause"));
	json_array_foreach (json_object_get(match, "candidates"), i, one) {
		const char *name = bh_json_str(one, "name"), *key = bh_json_str(one, "key");

		cli_line(stdout, "    %s %s%s%s", bh_json_str(one, "remote_id"),
		    name != NULL ? name : "", key != NULL && *key != '\0' ? ", carries " : "",
		    key != NULL ? key : "");
	}
}

/* Printed as they are found: there may be very many. */
static int
add_match(struct listing *listing, const struct link_id *id, const struct link *link,
    const json_t *candidates)
{
	char *title = title_of(listing, id);
	json_t *match = match_json(id, link, title, candidates);

	if (!listing->cli->json) {
		print_match(match);
	} else {
		fputs(listing->printed > 0 ? ",\n" : "[\n", stdout);
		json_dumpf(match, stdout, JSON_SORT_KEYS);
	}
	listing->printed++;
	free(title);
	json_decref(match);
	return 0;
}

static int
add_held(void *arg, const struct link_id *id, const struct link *link, struct bh_err *err)
{
	struct listing *listing = arg;
	json_t *candidates = NULL;

	if (strcmp(link->code, LINK_AMBIGUOUS) != 0)
		return 0;
	if (link_candidates_get(listing->txn, id, &candidates, err) < 0)
		return -1;
	add_match(listing, id, link, candidates);
	listing->ambiguous++;
	json_decref(candidates);
	return 0;
}

static int
add_unmatched(void *arg, const struct link_id *id, const struct link *link,
    struct bh_err *err BH_UNUSED)
{
	return add_match(arg, id, link, NULL);
}

typedef int walk_links(struct store_txn *txn, const char *dest, size_t max, struct bh_buf *after,
    int (*each)(void *arg, const struct link_id *id, const struct link *link, struct bh_err *err),
    void *arg, bool *more_r, struct bh_err *err);

static int
list_all(struct listing *listing, const char *dest, walk_links *walk,
    int (*each)(void *arg, const struct link_id *id, const struct link *link, struct bh_err *err),
    struct bh_err *err)
{
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	bool more = true;
	int rc = 0;

	while (rc == 0 && more) {
		listing->txn = store_begin(listing->cli->store);
		rc = walk(listing->txn, dest, PAGE, &after, each, listing, &more, err);
		store_free(&listing->txn);
	}
	bh_buf_release(&after);
	return rc;
}

static int
list_crms(struct listing *listing, const char *wanted, struct bh_err *err)
{
	bool has_any = wanted == NULL;
	int rc = 0;

	for (size_t i = 0; i < listing->setup->connections_n && rc == 0; i++) {
		const struct account_connection *account = &listing->setup->connections[i].account;

		if (account->is_source || (wanted != NULL && strcmp(wanted, account->code) != 0))
			continue;
		has_any = true;
		rc = list_all(listing, account->code, link_held, add_held, err);
		if (rc == 0)
			rc = list_all(listing, account->code, link_unmatched, add_unmatched, err);
	}
	return has_any ? rc : bh_fail(err, BH_INVALID, "there is no CRM connection \"%s\"", wanted);
}

static int
list(struct cli *cli, const struct setup *setup)
{
	struct listing listing = {.cli = cli, .setup = setup};
	struct bh_err err = BH_ERR_INIT;
	int rc = list_crms(&listing, cli->args_n > 1 ? cli->args[1] : NULL, &err);

	if (cli->json)
		fputs(listing.printed > 0 ? "\n]\n" : "[]\n", stdout);
	if (rc < 0)
		return cli_error("%s", err.text);
	if (!cli->json && listing.printed == 0)
		printf("nothing waits for its CRM record\n");
	return listing.ambiguous != 0 ? CLI_ATTENTION : 0;
}

/* -- set -- */

struct choice {
	struct link_id id;
	struct mirror_id held;
	const char *remote_id; /* "": a new one */
};

/* Ids of CRMs are letters and digits, and few. */
static bool
is_remote_id(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= REMOTE_ID_MAX &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
		   len;
}

/* A record of an object that is not there would never be written. */
static int
check_held(struct store_txn *txn, const struct choice *choice, struct bh_err *err)
{
	struct object_state object = {0};
	int rc;

	if (is_object_virtual(choice->held.kind))
		return 0;
	rc = mirror_get(txn, &choice->held, true, &object, err);
	mirror_object_release(&object);
	if (rc == 0)
		return bh_fail(err, BH_INVALID, "%s holds no %s %s", choice->held.connection,
		    object_kind_name(choice->held.kind), choice->held.id);
	return rc < 0 ? -1 : 0;
}

static int
adopt(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct choice *choice = arg;
	char text[400];
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "match",
	    .subject = choice->id.dest,
	    .text = text};

	if (check_held(txn, choice, err) < 0 ||
	    link_adopt(txn, &choice->id, choice->remote_id, "chosen on the command line", err) < 0)
		return -1;
	snprintf(text, sizeof(text), "%.64s %.200s is %s, on the command line", choice->id.object,
	    choice->id.id, *choice->remote_id != '\0' ? choice->remote_id : "to be made anew");
	trail_add(txn, 0, &entry);
	return 0;
}

static int
set(struct cli *cli, const struct setup *setup)
{
	const char *remote_id = strcmp(cli->args[4], "new") == 0 ? "" : cli->args[4];
	struct choice choice = {.id = {.sync = cli->args[1],
				    .object = cli->args[2],
				    .id = cli->args[3],
				    .account = cli->account != NULL ? cli->account : ""},
	    .remote_id = remote_id};
	const struct setup_sync *sync;
	const struct map_object *mapped = mapped_object(setup, &choice.id, &sync);
	struct bh_err err = BH_ERR_INIT;

	if (mapped == NULL)
		return cli_error("there is no %s in a sync %s that works", cli->args[2],
		    cli->args[1]);
	choice.id.dest = sync->account.to;
	choice.id.rank = mapped->rank;
	choice.held =
	    (struct mirror_id){sync->account.from, choice.id.account, mapped->from, choice.id.id};
	if (store_run(cli->store, adopt, &choice, NULL, &err) < 0)
		return cli_error("%s", err.text);
	if (*remote_id != '\0')
		cli_line(stdout, "%s %s is %s", cli->args[2], cli->args[3], remote_id);
	else
		cli_line(stdout, "%s %s gets a record of its own", cli->args[2], cli->args[3]);
	return 0;
}

/* -- the verb -- */

static bool
is_fit(const struct cli *cli, bool is_set)
{
	if (is_set && cli->args_n == 5 && !is_remote_id(cli->args[4]))
		return cli_error("match: %.80s is no id of a CRM's record", cli->args[4]) == 0;
	if (is_set ? cli->args_n == 5 : strcmp(cli->args[0], "list") == 0 && cli->args_n <= 2)
		return true;
	return cli_error("usage: billhook match list [CRM] | set SYNC OBJECT ID CRM_ID|new") == 0;
}

int
cli_match(struct cli *cli)
{
	bool is_set = strcmp(cli->args[0], "set") == 0;
	struct setup *setup = NULL;
	struct bh_err err = BH_ERR_INIT;
	int status;

	if (!is_fit(cli, is_set))
		return CLI_USAGE;
	status = cli_store(cli);
	if (status != 0)
		return status;
	if (setup_load(cli->store, &cli->key, &setup, &err) < 0)
		return cli_error("%s", err.text);
	status = is_set ? set(cli, setup) : list(cli, setup);
	setup_free(&setup);
	return status;
}
