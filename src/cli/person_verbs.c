/* The verb person: what is kept about one customer, printed or erased. */
#include "base/base.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "state/trail.h"
#include "sync/person_document.h"

static int
find(struct cli *cli, const struct sync_context *context, struct person **person_r)
{
	struct bh_err err = BH_ERR_INIT;

	if (person_find(context, cli->args[1], cli->connection, person_r, &err) < 0)
		return cli_error("%s", err.text);
	return 0;
}

/* -- export -- */

static int
print_person(struct cli *cli, struct person *person)
{
	struct person_document document = {.out = stdout, .asked = cli->args[1]};
	struct bh_err err = BH_ERR_INIT;

	if (person_document(person, &document, &err) < 0)
		return cli_error("%s", err.text);
	return person_document_items(&document) != 0
		   ? 0
		   : cli_error("nothing is kept about %s", cli->args[1]);
}

/* -- erase -- */

static void
list_customers(const struct person *person)
{
	size_t n = person_customers(person);

	if (n == 0)
		printf(
		    "No customer of this id or address is mirrored; events may name it all the same.\n");
	for (size_t i = 0; i < n; i++) {
		struct mirror_id customer = person_object(person, i);

		printf("%s: customer %s%s%s\n", customer.connection, customer.account,
		    *customer.account != '\0' ? "/" : "", customer.id);
	}
	printf("%zu objects of %zu customers, and every event that names one of them.\n",
	    person_objects(person), n);
}

/* Yes from the option or the terminal. */
static bool
is_agreed(const struct cli *cli, const struct person *person)
{
	char answer[16] = "";

	if (cli->yes)
		return true;
	list_customers(person);
	if (!isatty(STDIN_FILENO)) {
		cli_error("person erase asks on a terminal; without one give --yes");
		return false;
	}
	printf("This cannot be undone.  Erase it?  Type yes: ");
	fflush(stdout);
	if (fgets(answer, sizeof(answer), stdin) != NULL && strcmp(answer, "yes\n") == 0)
		return true;
	cli_error("nothing was erased");
	return false;
}

static int
keep_link(void *arg, const json_t *link)
{
	json_t *item = json_deep_copy(link);

	json_array_append_new(arg, item);
	return 0;
}

static void
print_done(const struct person_done *done)
{
	const char *before = "Erased: ";

	for (int part = 0; part < PERSON__MAX; part++) {
		if (done->n[part] == 0)
			continue;
		printf("%s%zu %s", before, done->n[part], person_part_name((enum person_part)part));
		before = ", ";
	}
	printf("%s\n", before[0] == 'E' ? "Nothing was left to erase." : ".");
}

static void
print_beyond(const struct person *person, const json_t *links)
{
	const json_t *link;
	size_t i;

	printf("Not in the reach of Billhook:\n");
	for (i = 0; i < person_customers(person); i++) {
		struct mirror_id customer = person_object(person, i);

		printf(
		    "  %s: customer %s; while it is active there, its next event brings it back\n",
		    customer.connection, customer.id);
	}
	json_array_foreach (links, i, link)
		printf("  %s: record %s (%s %s)\n", bh_json_str(link, "destination"),
		    bh_json_str(link, "record"), bh_json_str(link, "object"),
		    bh_json_str(link, "id"));
	printf("  backups, dumps and exports made before; logs, which hold ids only\n");
}

/* What lies beside the store, and the store's own files. */
static void
print_rest(const struct cli *cli)
{
	json_t *rest = person_rest(&cli->conf), *one;
	size_t i;

	if (json_array_size(rest) > 0)
		printf("In %s, and may still hold the person:\n", cli->conf.data_dir);
	json_array_foreach (rest, i, one)
		cli_line(stdout, "  %s: %s", bh_json_str(one, "path"), bh_json_str(one, "what"));
	printf("The files of db/ may hold erased bytes until their place is used again.  To be rid "
	       "of them now, load a dump into an empty store: billhook(1), PERSONAL DATA.\n");
	json_decref(rest);
}

static int
note(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "person",
	    .subject = "person",
	    .text = arg,
	    .by = "command line"};

	trail_add(txn, 0, &entry);
	return 0;
}

/* Who did it and how much went; not whom it was about. */
static int
note_done(struct cli *cli, const struct person_done *done, struct bh_err *err)
{
	struct bh_buf text = BH_BUF_INIT(4096);
	bool is_any = false;
	int rc = 0;

	for (int part = 0; part < PERSON__MAX; part++)
		is_any = is_any || done->n[part] != 0;
	person_done_text(done, &text);
	bh_buf_adds(&text, ", on the command line");
	if (is_any)
		rc = store_run(cli->store, note, (void *)(uintptr_t)bh_buf_str(&text), NULL, err);
	bh_buf_release(&text);
	return rc;
}

static int
erase_person(struct cli *cli, struct person *person)
{
	struct bh_err err = BH_ERR_INIT;
	json_t *links = json_array();
	struct person_done done;
	int status = 0;

	if (!is_agreed(cli, person)) {
		status = CLI_FAILED;
	} else {
		int rc = person_erase(person, keep_link, links, &done, &err);

		if (note_done(cli, &done, rc < 0 ? NULL : &err) < 0)
			rc = -1;
		print_done(&done);
		print_beyond(person, links);
		print_rest(cli);
		if (rc < 0)
			status = cli_error("not finished: %s; the same again goes on", err.text);
	}
	json_decref(links);
	return status;
}

int
cli_person(struct cli *cli)
{
	bool is_erase = strcmp(cli->args[0], "erase") == 0;
	struct sync_context context = {.conf = &cli->conf, .key = &cli->key};
	struct person *person = NULL;
	int status;

	if (!is_erase && strcmp(cli->args[0], "export") != 0) {
		cli_error("usage: billhook person export|erase WHO");
		return CLI_USAGE;
	}
	if (cli->args[1][0] == '\0') {
		cli_error("person: WHO is a customer's id or e-mail address");
		return CLI_USAGE;
	}
	status = cli_store(cli);
	if (status != 0)
		return status;
	context.store = cli->store;
	status = find(cli, &context, &person);
	if (status == 0)
		status = is_erase ? erase_person(cli, person) : print_person(cli, person);
	person_free(&person);
	return status;
}
