/*
 * Options: billhook.conf in the data directory, `name = value` lines, `#`
 * comments.  Driven by options.def.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "base/buf.h"

struct conf {
	char *data_dir;
#define OPTION_TEXT(name) char *name;
#define OPTION_NUMBER(name) int64_t name;
#define OPTION(name, type, fallback, least, most, meaning) OPTION_##type(name)
#include "conf/options.def"
#undef OPTION
#undef OPTION_TEXT
#undef OPTION_NUMBER
};

struct conf_option {
	const char *name;
	bool is_number;
	const char *fallback;
	int64_t least, most; /* of the number, or bytes of the text */
	const char *meaning;
};
const struct conf_option *conf_options(size_t *n_r);
/* May the option have this value?  -1 BH_INVALID with a sentence. */
int conf_check_option(const char *name, const char *value, struct bh_err *err);
/*
 * Can Billhook work with what it says now?  The same, and a directory or log file that it names
 * can be used.  -1 BH_INVALID with a sentence.
 */
int conf_check_used(const struct conf *conf, const char *name, struct bh_err *err);

/*
 * Where the data directory is: dir when not NULL; else BILLHOOK_DIR in the
 * environment; else the line "data_dir = ..." of a billhook.conf next to the
 * executable (a relative one is seen from there; of an archive in a web space: next to its folder
 * app, and one is chosen when there is none: conf/place.h); else /var/lib/billhook.
 * Owned by the caller, absolute.
 */
char *conf_find_dir(const char *dir);

/*
 * Read <data_dir>/billhook.conf over the defaults (a missing file is no
 * error).  Empty directory options are filled with the installed places, or
 * those of the source tree named by BILLHOOK_SOURCE, or of the archive; final slashes of public_url go.  -1 BH_INVALID with file, line and reason.
 */
int conf_load(const char *data_dir, struct conf *conf, struct bh_err *err);
void conf_release(struct conf *conf);

/* The value of an option of the table, as text; owned by the caller. */
char *conf_value(const struct conf *conf, const char *name);

/* data_dir + "/" + name; owned by the caller. */
char *conf_path(const struct conf *conf, const char *name);

/* From now on log what the options say, in this process and those it forks. */
void conf_log_level(const struct conf *conf);
/* Send the log where the options say, under this role's name. */
int conf_open_log(const struct conf *conf, const char *role, struct bh_err *err);

#endif
