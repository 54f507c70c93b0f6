/* Verbs that set up: init, user, check; apply and export are in apply_verb.c. */
#include "base/base.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/disk.h"
#include "base/proc.h"
#include "base/text.h"
#include "cli/cli.h"
#include "state/first.h"
#include "state/schema.h"
#include "state/trail.h"
#include "sync/health.h"
#include "sync/lane.h"

#define PASSWORD_MAX 1024
#define PASSWORD_LEAST 8

/* -- init, user -- */

static void
trim_line(char *line)
{
	line[strcspn(line, "\r\n")] = '\0';
}

static bool
is_password_read(FILE *file, char *out)
{
	if (fgets(out, PASSWORD_MAX, file) == NULL)
		return false;
	trim_line(out);
	return true;
}

static bool
is_password_typed(char *out)
{
	struct termios shown, hidden;
	bool typed;

	if (tcgetattr(STDIN_FILENO, &shown) < 0)
		return false;
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	fputs("Password (at least 8 characters): ", stderr);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	typed = is_password_read(stdin, out);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
	fputc('\n', stderr);
	return typed;
}

/*
 * From --password-file, BILLHOOK_PASSWORD, or the terminal; else one is made
 * and printed once.  0 or an exit status.
 */
static int
read_password(const struct cli *cli, char *out, bool *made_r)
{
	const char *from_env = getenv("BILLHOOK_PASSWORD");
	FILE *file;
	bool read;

	*made_r = false;
	if (cli->password_file != NULL) {
		bool is_stdin = strcmp(cli->password_file, "-") == 0;

		file = is_stdin ? stdin : fopen(cli->password_file, "re");
		if (file == NULL)
			return cli_error("cannot open %s: %s", cli->password_file, strerror(errno));
		read = is_password_read(file, out);
		if (!is_stdin)
			fclose(file);
		if (!read)
			return cli_error("%s is empty", cli->password_file);
	} else if (from_env != NULL) {
		snprintf(out, PASSWORD_MAX, "%s", from_env);
	} else if (!isatty(STDIN_FILENO) || !is_password_typed(out)) {
		bh_random_id(out);
		*made_r = true;
	}
	if (strlen(out) < PASSWORD_LEAST)
		return cli_error("the password must have at least %d characters", PASSWORD_LEAST);
	return 0;
}

static int
save_user(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct account_user *user = arg;
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "user",
	    .subject = user->name,
	    .text = "set on the command line, with the role admin and another password",
	    .by = "command line"};

	account_user_save(txn, user);
	trail_add(txn, 0, &entry);
	return account_sessions_drop(txn, user->name, NULL, NULL, NULL, err);
}

static int
set_user(struct cli *cli, const char *name)
{
	struct account_user user = {.role = ACCOUNT_ADMIN};
	struct bh_err err = BH_ERR_INIT;
	char password[PASSWORD_MAX] = "";
	bool made;
	int status;

	if (!bh_is_code(name))
		return cli_error("a user's name is 1 to 64 characters of a-z, 0-9, - and _");
	status = read_password(cli, password, &made);
	if (status != 0)
		return status;
	snprintf(user.name, sizeof(user.name), "%s", name);
	user.hash = bh_password_hash(password);
	if (store_run(cli->store, save_user, &user, NULL, &err) < 0)
		status = cli_error("%s", err.text);
	else if (made)
		printf("user %s, password %s (shown only now)\n", name, password);
	else if (!cli->quiet)
		printf("user %s is set\n", name);
	bh_wipe(password, sizeof(password));
	account_user_release(&user);
	return status;
}

int
cli_user(struct cli *cli)
{
	int status = cli_store_new(cli);

	return status != 0 ? status : set_user(cli, cli->args[0]);
}

/* All options with their defaults, commented out: the file explains itself. */
static int
write_conf(const struct conf *conf, struct bh_err *err)
{
	char *path = conf_path(conf, "billhook.conf");
	const struct conf_option *options;
	size_t n;
	FILE *file;
	int rc = 0;

	if (access(path, F_OK) == 0) {
		free(path);
		return 0;
	}
	file = fopen(path, "wxe");
	if (file == NULL) {
		rc = bh_fail_errno(err, BH_STORAGE, "cannot write %s", path);
	} else {
		options = conf_options(&n);
		fputs(
		    "# Options of Billhook; see billhook.conf(5).  A line without # changes one.\n",
		    file);
		for (size_t i = 0; i < n; i++)
			fprintf(file, "\n# %s\n#%s = %s\n", options[i].meaning, options[i].name,
			    options[i].fallback);
		if (fclose(file) != 0)
			rc = bh_fail_errno(err, BH_STORAGE, "cannot write %s", path);
	}
	free(path);
	return rc;
}

int
cli_make_dir(const struct conf *conf, struct bh_err *err)
{
	char *log_dir = conf_path(conf, "log");
	int made = -1;

	if (bh_make_dir(conf->data_dir, err) == 0 && bh_make_dir(log_dir, err) == 0 &&
	    write_conf(conf, err) == 0)
		made = account_key_make(conf->data_dir, err);
	free(log_dir);
	return made;
}

/* Who shall make the first user in the browser has to know this. */
static int
offer_code(struct cli *cli)
{
	char code[FIRST_CODE_TEXT];
	struct bh_err err = BH_ERR_INIT;
	struct store_txn *txn = store_begin(cli->store);
	int is_open = first_is_open(txn, &err);

	store_free(&txn);
	if (is_open > 0 && first_code(cli->conf.data_dir, code, &err) < 0)
		is_open = -1;
	if (is_open < 0)
		return cli_error("%s", err.text);
	if (is_open > 0 && !cli->quiet)
		printf("setup code: %s (also in the file %s/%s)\n"
		       "With it the first user is made on Billhook's first page.\n",
		    code, cli->conf.data_dir, FIRST_CODE_FILE);
	return 0;
}

int
cli_init(struct cli *cli)
{
	struct bh_err err = BH_ERR_INIT;
	const char *dir = cli->conf.data_dir;
	int made = cli_make_dir(&cli->conf, &err), status;

	status = made < 0 ? cli_error("%s", err.text) : cli_store_new(cli);
	if (status != 0)
		return status;
	status =
	    cli->no_user ? offer_code(cli) : set_user(cli, cli->user != NULL ? cli->user : "admin");
	if (status == 0 && !cli->quiet)
		printf(
		    "data directory: %s\n%s"
		    "next: billhook apply FILE, then point the web server at the program (etc/ has examples)\n",
		    dir,
		    made
			? "Keep a copy of the file \"key\" elsewhere: without it the stored secrets do not open.\n"
			: "");
	return status;
}

/* -- check -- */

struct report {
	const struct cli *cli;
	json_t *lines;
	bool has_failed;
};

static void
report(struct report *r, const char *what, const char *problem)
{
	json_array_append_new(r->lines,
	    json_pack("{s:s, s:b, s:s}", "what", what, "ok", problem == NULL, "text",
		problem != NULL ? problem : ""));
	if (problem != NULL)
		r->has_failed = true;
	if (!r->cli->json)
		printf("%-6s %s%s%s\n", problem == NULL ? "ok" : "FAILED", what,
		    problem != NULL ? ": " : "", problem != NULL ? problem : "");
}

static void
check_disk(struct report *r, const struct health *health)
{
	const struct conf *conf = &r->cli->conf;
	const char *network = bh_network_disk_of(conf->data_dir);
	struct bh_err err = BH_ERR_INIT;

	if (network != NULL && conf->network_disk == 0)
		bh_fail_network_disk(&err, conf->data_dir, network);
	else if (!health->has_room)
		bh_fail(&err, BH_STORAGE, "it has no room: webhooks are answered 503");
	report(r, "disk", err.code != BH_OK ? err.text : NULL);
}

static void
check_dir(struct report *r)
{
	struct stat st;

	if (stat(r->cli->conf.data_dir, &st) < 0)
		report(r, "data directory", strerror(errno));
	else if ((st.st_mode & 077) != 0)
		report(r, "data directory", "others may read it: chmod 700");
	else
		report(r, "data directory", NULL);
}

static void
check_owner(struct report *r)
{
	char *fault = cli_owner_fault(r->cli->conf.data_dir);

	report(r, "owner", fault);
	free(fault);
}

/* Call a CRM: is the token good, and who answers? */
static void
check_dest(struct report *r, const struct sync_context *context, const struct setup *setup,
    const struct setup_connection *connection)
{
	char what[400];
	struct bh_err err = BH_ERR_INIT;
	struct lane lane;

	snprintf(what, sizeof(what), "%s (%s)", connection->account.code, connection->dest->title);
	if (lane_open(context, setup, connection, &lane, &err) < 0) {
		report(r, what, err.text);
		return;
	}
	if (connection->dest->identify != NULL &&
	    connection->dest->identify(&lane.config, &err) < 0) {
		report(r, what, err.text);
	} else {
		snprintf(what, sizeof(what), "%s (%s): %s %s", connection->account.code,
		    connection->dest->title, lane.auth.account_name, lane.auth.account_id);
		report(r, what, NULL);
	}
	lane_close(&lane);
}

static void
check_source(struct report *r, const struct setup_connection *connection)
{
	struct source_config config = setup_source_config(connection);
	struct bh_err err = BH_ERR_INIT;
	bool good;

	if (connection->source == NULL)
		good = bh_fail(&err, BH_INVALID, "there is no driver for it") == 0;
	else
		good = source_check(connection->source, &config, &err) == 0;
	report(r, connection->account.code, good ? NULL : err.text);
}

static void
check_connections(struct report *r, struct cli *cli)
{
	struct sync_context context = {.conf = &cli->conf, .store = cli->store, .key = &cli->key};
	struct bh_err err = BH_ERR_INIT;
	struct setup *setup;

	if (setup_load(cli->store, &cli->key, &setup, &err) < 0) {
		report(r, "connections", err.text);
		return;
	}
	context.transport = http_curl_new();
	for (size_t i = 0; i < setup->connections_n; i++) {
		if (setup->connections[i].account.is_source)
			check_source(r, &setup->connections[i]);
		else
			check_dest(r, &context, setup, &setup->connections[i]);
	}
	http_curl_free(&context.transport);
	setup_free(&setup);
}

/* They were read, or we would not be here. */
static void
check_options(struct report *r)
{
	size_t n, failed = 0;
	const struct conf_option *options = conf_options(&n);

	for (size_t i = 0; i < n; i++) {
		struct bh_err err = BH_ERR_INIT;

		if (conf_check_used(&r->cli->conf, options[i].name, &err) == 0)
			continue;
		report(r, "options", err.text);
		failed++;
	}
	if (failed == 0)
		report(r, "options", NULL);
}

/* What cannot be asked stays as it is: the other lines tell. */
static void
ask_health(struct cli *cli, struct health *health)
{
	struct store_txn *txn = store_begin(cli->store);
	struct health now;

	if (health_read(cli->store, txn, &cli->key, bh_now_ms(), &now, NULL) == 0 && !now.is_newer)
		*health = now;
	store_free(&txn);
}

int
cli_check(struct cli *cli)
{
	struct report r = {.cli = cli, .lines = json_array()};
	struct bh_err err = BH_ERR_INIT;
	struct health health = {.has_room = true, .can_write = true, .key_opens = true};
	int status;

	check_options(&r);
	check_dir(&r);
	check_owner(&r);
	status = cli_store(cli);
	if (status == 0)
		ask_health(cli, &health);
	check_disk(&r, &health);
	if (status == 0 && schema_check(cli->store, &err) < 0)
		report(&r, "store", err.text);
	else if (!health.can_write)
		report(&r, "store", "it cannot be written: webhooks are answered 503");
	else
		report(&r, "store", status != 0 ? "see above" : NULL);
	if (!health.key_opens)
		report(&r, "key", "it does not open the stored secrets: webhooks are answered 503");
	if (status == 0)
		check_connections(&r, cli);
	if (cli->json)
		cli_print_json(r.lines);
	json_decref(r.lines);
	return r.has_failed ? CLI_FAILED : 0;
}
