/*
 * The command line: a table of verbs.  Words, arguments and help of a verb
 * stand once; parsing, `billhook help` and the manual's check derive from it.
 *
 * Exit status: 0 done, 1 failed, 2 wrong usage, 3 nothing runs here, 4 done, but something needs a person.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "conf/conf.h"
#include "state/account.h"
#include "store/store.h"

#define CLI_FAILED 1
#define CLI_USAGE 2
#define CLI_NOT_RUNNING 3
#define CLI_ATTENTION 4

/* What the program is made of that lies on this floor's side: given by main. */
struct cli_parts {
	/* The front role of struct supervisor_options: serving on run/front.sock; only taking in the spool. */
	int (*front)(const struct conf *conf), (*spool)(const struct conf *conf);
};

/* What a verb gets: its options parsed, conf loaded. */
struct cli {
	const struct cli_parts *parts;
	struct conf conf;
	bool json;    /* --json */
	bool quiet;   /* --quiet */
	bool dry_run; /* --dry-run */
	bool no_user; /* --no-user */
	bool all;     /* --all */
	bool wait;    /* --wait */
	bool mend;    /* --mend */
	bool no_resync;
	bool detach;               /* --detach */
	const char *user;          /* --user NAME */
	const char *password_file; /* --password-file FILE */
	const char *connection;    /* --connection CODE */
	const char *state;         /* --state NAME */
	const char *type;          /* --type NAME */
	const char *since, *until; /* --since TIME, --until TIME */
	bool names;                /* --names */
	bool settings;             /* --settings */
	bool yes;                  /* --yes */
	bool schema;               /* --schema */
	const char *only;          /* --only LIST */
	bool remove;               /* --remove */
	const char *sync;          /* --sync CODE */
	const char *after;         /* --after ID */
	const char *name, *email;  /* --name NAME, --email ADDRESS */
	const char *account;       /* --account ID */
	int64_t seconds;           /* --for SECONDS */
	char **args;
	int args_n;
	struct store *store; /* opened by cli_store() */
	struct account_key key;
};

struct cli_verb {
	const char *name;
	const char *args; /* as shown: "FILE" */
	int args_least, args_most;
	const char *options; /* names it takes, separated by spaces, beside --dir */
	const char *summary;
	int (*run)(struct cli *cli);
};

/* Run the verb of argv; returns the exit status. */
int cli_main(int argc, char **argv, const struct cli_parts *parts);
/* Is this word a verb? */
bool cli_is_verb(const char *word);

/* Open the store (starting the processes where none run) and the key; 0, or the exit status after a message. */
int cli_store_as_is(struct cli *cli);
/* The same, and of the processes the keeper alone: nobody else writes. */
int cli_store_alone(struct cli *cli);
/* As cli_store_as_is(), and have it brought up to our format; a newer store is refused.  One that is not set up stays so. */
int cli_store(struct cli *cli);
/* As cli_store(), for a verb that sets up: a new store is stamped with our format. */
int cli_store_new(struct cli *cli);
/* Is there a connection of this code, a source or a destination?  0, or the exit status after a message. */
int cli_check_connection(struct cli *cli, const char *code, bool is_source);
/* The same of a sync. */
int cli_check_sync(struct cli *cli, const char *code);
/*
 * Root with a data directory of somebody else becomes that one, before anything in it is opened or
 * made: what root made there its owner could not use.  0, or the exit status after a message.
 */
int cli_become_owner(const char *data_dir);
/* Where that was done, and text says that something is not permitted: as whom we work, "www-data, who owns DIR"; else NULL. */
const char *cli_denied_as(const char *text);
/* What in the data directory is closed to who owns it, with the remedy: a sentence, owned; NULL when nothing is. */
char *cli_owner_fault(const char *data_dir);
/* Print "billhook: text" on standard error, and as whom we work where that matters; returns CLI_FAILED. */
int cli_error(const char *fmt, ...) BH_PRINTF(1, 2);
/* Print a line that holds text from outside: control characters become blanks. */
void cli_line(FILE *out, const char *fmt, ...) BH_PRINTF(2, 3);
/* "5 min ago", "never" for 0. */
void cli_age(char out[64], int64_t at_ms);

/* An errand (state/walk.h) that was asked for, and by which verb; wait_ms: so long nothing may move. */
struct cli_errand {
	const char *verb, *code, *name;
	int64_t wait_ms;
};
/*
 * Wait until a worker has answered, saying how far it is (not with --json): 0 with
 * the answer (new reference; NULL: it was forgotten with its connection), or the exit status
 * after a message.
 */
int cli_errand_wait(struct cli *cli, const struct cli_errand *what, json_t **answer_r);

/* Print a JSON document on standard output, indented. */
void cli_print_json(const json_t *doc);

/*
 * Make the data directory with all that a new one holds, and leave alone what is there: 1 there is
 * a new key, 0, -1.
 */
int cli_make_dir(const struct conf *conf, struct bh_err *err);

/* The verbs, by file. */
int cli_init(struct cli *cli);
int cli_user(struct cli *cli);
int cli_apply(struct cli *cli);
int cli_export(struct cli *cli);
int cli_check(struct cli *cli);
int cli_serve(struct cli *cli);
int cli_stop(struct cli *cli);
int cli_reload(struct cli *cli);
int cli_drain(struct cli *cli);
int cli_status(struct cli *cli);
int cli_metrics(struct cli *cli);
int cli_dump(struct cli *cli);
int cli_load(struct cli *cli);
int cli_backup(struct cli *cli);
int cli_restore(struct cli *cli);
int cli_replay(struct cli *cli);
int cli_retry(struct cli *cli);
int cli_resync(struct cli *cli);
int cli_source(struct cli *cli);
int cli_alert(struct cli *cli);
int cli_automation(struct cli *cli);
/*
 * The state of one source, {"code", "walks", "lookups", "errands" with their last answers}:
 * 0 with a new reference, -1.
 */
int cli_source_state(struct store_txn *txn, const char *code, json_t **doc_r, struct bh_err *err);
int cli_verify(struct cli *cli);
int cli_crm(struct cli *cli);
int cli_match(struct cli *cli);
int cli_preview(struct cli *cli);
int cli_audit(struct cli *cli);
int cli_undo(struct cli *cli);
int cli_person(struct cli *cli);

#endif
