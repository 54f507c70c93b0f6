/*
 * The settings and secrets of a connection to elsewhere, as tables of drivers:
 * each is listed once and feeds the form, the check and the manual.
 */
#ifndef NET_SETTING_H
#define NET_SETTING_H

#include "base/json.h"

enum setting_type {
	SETTING_TEXT = 0,
	SETTING_URL,
	SETTING_CHOICE, /* one of options, separated by spaces */
	SETTING_NUMBER, /* least to most */
	SETTING_BOOL,
	SETTING_JSON
};
#define SETTING_SECRET 1u   /* stands in secrets, sealed */
#define SETTING_NEEDED 2u   /* the connection does not work without */
#define SETTING_ADVANCED 4u /* shown only when asked for */
#define SETTING_LINES 16u   /* a text of several lines */
#define SETTING_ACCOUNT                                                                            \
	8u /* says whose account it is and how it is entered: other tokens for another value */
struct setting {
	const char *name; /* NULL ends a table */
	const char *label;
	enum setting_type type;
	unsigned flags;
	const char *options;  /* of a choice; of a URL those of most people, "word=URL" each */
	int64_t least, most;  /* of a number */
	const char *fallback; /* what holds when it is left out, as text; "" nothing */
	const char *meaning;  /* one phrase */
};

/*
 * Check what is stored against a table (NULL: nothing is asked for): 0, or -1
 * BH_INVALID naming the first setting that lacks or has a wrong value.
 */
int setting_check(const struct setting *table, const json_t *settings, const json_t *secrets,
    struct bh_err *err);
/* Have settings that say whose account it is other values?  Without a table: has any? */
bool is_setting_account_other(const struct setting *table, const json_t *old_settings,
    const json_t *old_secrets, const json_t *settings, const json_t *secrets);
/*
 * A setting as text, or its fallback; of a secret its value.  NULL when the table does not
 * know it; a value that is no text counts as none.  Borrowed.
 */
const char *setting_text(const struct setting *table, const json_t *settings, const json_t *secrets,
    const char *name);
/* A number, or its fallback; 0 when the table does not know it. */
int64_t setting_number(const struct setting *table, const json_t *settings, const char *name);

#endif
