/*
 * The verbs apply and export: the set-up as a file.  apply shows what would
 * change and asks; what is done then is what was shown, or nothing.
 */
#include "base/base.h"

#include <unistd.h>

#include "base/json.h"
#include "cli/cli.h"
#include "sync/configure.h"
#include "sync/configure_schema.h"

#define FILE_MAX (8u << 20)

struct look {
	struct cli *cli;
	json_t *lines; /* what would be, or was, changed */
};

static int
read_document(const char *path, json_t **doc_r, struct bh_err *err)
{
	bool is_file = strcmp(path, "-") != 0;
	FILE *file = is_file ? fopen(path, "re") : stdin;
	struct bh_buf text = BH_BUF_INIT(FILE_MAX);
	char chunk[8192];
	size_t n;
	int rc = 0;

	if (file == NULL)
		return bh_fail_errno(err, BH_INVALID, "cannot open %s", path);
	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		bh_buf_add(&text, chunk, n);
	if (ferror(file))
		rc = bh_fail_errno(err, BH_STORAGE, "cannot read %s", path);
	else
		rc = bh_buf_check(&text, is_file ? path : "standard input", err);
	if (rc == 0 && bh_json_parse_once(bh_buf_str(&text), text.len, doc_r, err) < 0)
		rc = is_file ? bh_during(err, "%s", path) : -1;
	if (is_file)
		fclose(file);
	bh_buf_release(&text);
	return rc;
}

static void
take_line(void *arg, const char *line)
{
	struct look *look = arg;

	json_array_append_new(look->lines, bh_json_string(line));
}

/* Lines of what differs within a thing begin with blanks. */
static void
print_lines(const struct look *look, bool is_done)
{
	json_t *line;
	size_t i;

	json_array_foreach (look->lines, i, line) {
		const char *text = json_string_value(line);

		cli_line(stdout, "%s%s", is_done || *text == ' ' ? "" : "would be: ", text);
	}
	if (json_array_size(look->lines) == 0)
		printf("nothing to change\n");
}

static int
run(struct look *look, const json_t *doc, bool is_dry)
{
	struct cli *cli = look->cli;
	struct configure_options options = {.preset_dir = cli->conf.preset_dir,
	    .dry_run = is_dry,
	    .no_resync = cli->no_resync,
	    .say = take_line,
	    .arg = look};
	struct bh_err err = BH_ERR_INIT;
	size_t changes;

	if (configure_apply(cli->store, &cli->key, doc, &options, &changes, &err) < 0)
		return cli_error("%s; nothing was changed", err.text);
	return 0;
}

/* 0 yes, else an exit status. */
static int
ask(const struct cli *cli)
{
	char answer[16] = "";

	if (!isatty(STDIN_FILENO) || strcmp(cli->args[0], "-") == 0)
		return cli_error(
		    "apply asks on a terminal before it changes anything; without one give --yes; nothing was changed");
	printf("Apply? [y/N] ");
	fflush(stdout);
	if (fgets(answer, sizeof(answer), stdin) != NULL &&
	    (strcmp(answer, "y\n") == 0 || strcmp(answer, "yes\n") == 0))
		return 0;
	return cli_error("nothing was changed");
}

/* Show, ask, and look again right before it is done: nobody was asked about anything else. */
static int
apply_asked(struct look *look, const json_t *doc)
{
	json_t *shown;
	int status;

	print_lines(look, false);
	if (look->cli->dry_run || json_array_size(look->lines) == 0)
		return 0;
	status = ask(look->cli);
	if (status != 0)
		return status;
	shown = json_deep_copy(look->lines);
	json_array_clear(look->lines);
	status = run(look, doc, true);
	if (status == 0 && !json_equal(shown, look->lines))
		status = cli_error(
		    "the set-up was changed meanwhile: apply the file again; nothing was changed");
	json_decref(shown);
	return status != 0 ? status : run(look, doc, false);
}

static int
apply(struct cli *cli, const json_t *doc)
{
	struct look look = {cli, json_array()};
	bool is_asked = cli->dry_run || !cli->yes;
	int status = run(&look, doc, is_asked);

	if (status == 0 && is_asked)
		status = apply_asked(&look, doc);
	else if (status == 0 && !cli->quiet)
		print_lines(&look, true);
	json_decref(look.lines);
	return status;
}

/* All that is wrong with its form, and secrets that are not there, a line each. */
static int
say_faults(const struct cli *cli, const json_t *doc)
{
	json_t *faults = configure_faults(doc, cli->conf.preset_dir), *fault;
	size_t n, i;

	configure_secret_faults(doc, faults);
	n = json_array_size(faults);
	json_array_foreach (faults, i, fault) {
		const char *text = json_string_value(fault), *as = cli_denied_as(text);

		cli_line(stderr, "billhook: %s%s%s%s%s", text,
		    i + 1 == n ? "; nothing was changed" : "", as != NULL ? " (as " : "",
		    as != NULL ? as : "", as != NULL ? ")" : "");
	}
	json_decref(faults);
	return n == 0 ? 0 : CLI_FAILED;
}

int
cli_apply(struct cli *cli)
{
	struct bh_err err = BH_ERR_INIT;
	json_t *doc = NULL;
	int status;

	if (read_document(cli->args[0], &doc, &err) < 0)
		return cli_error("%s", err.text);
	status = cli_store_new(cli);
	if (status == 0)
		status = say_faults(cli, doc);
	if (status == 0)
		status = apply(cli, doc);
	json_decref(doc);
	return status;
}

/* Leave the parts that are named: 0, or an exit status. */
static int
keep_only(json_t *doc, const char *list)
{
	static const char *const parts[] = {"connections", "syncs", "automations", "alerts"};
	json_t *kept = json_pack("{s:i}", "billhook", 1);

	for (const char *at = list; *at != '\0'; at += *at == ',') {
		size_t len = strcspn(at, ","), i = 0;

		while (i < BH_LEN(parts) &&
		       (strlen(parts[i]) != len || strncmp(parts[i], at, len) != 0))
			i++;
		if (i == BH_LEN(parts)) {
			json_decref(kept);
			cli_error("export --only: there is no part %.*s",
			    (int)(len < 40 ? len : 40), at);
			return CLI_USAGE;
		}
		if (json_object_get(doc, parts[i]) != NULL)
			json_object_set(kept, parts[i], json_object_get(doc, parts[i]));
		at += len;
	}
	json_object_clear(doc);
	json_object_update(doc, kept);
	json_decref(kept);
	return 0;
}

int
cli_export(struct cli *cli)
{
	struct bh_err err = BH_ERR_INIT;
	json_t *doc = NULL;
	int status;

	if (cli->schema) {
		doc = configure_schema();
		cli_print_json(doc);
		json_decref(doc);
		return 0;
	}
	status = cli_store(cli);
	if (status != 0)
		return status;
	if (configure_export(cli->store, &doc, &err) < 0)
		return cli_error("%s", err.text);
	if (cli->only != NULL)
		status = keep_only(doc, cli->only);
	if (status == 0)
		cli_print_json(doc);
	json_decref(doc);
	return status;
}
