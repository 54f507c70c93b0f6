/* Users and their sessions in the browser: what the pages below /settings share. */
#ifndef WEB_PAGE_USER_H
#define WEB_PAGE_USER_H

#include "web/site.h"

#define USER_PASSWORD_LEAST 8
#define USER_PASSWORD_MOST 200

/* What one press of a button does to a user, in one transaction. */
struct user_press {
	struct exchange *exchange;
	const char *name; /* whom */
	enum account_role role;
	char *hash;       /* of the new password; NULL none */
	const char *only; /* digest of the one session that ends; NULL all */
	const char *keep; /* digest of one that stays; NULL none */
	/* -1 BH_INVALID with a sentence for the person; done tells the trail. */
	int (*act)(struct store_txn *txn, struct user_press *press, const struct account_user *user,
	    struct bh_err *err);
	char done[160];
};

/*
 * Run it and note it: 0, 1 refused with a sentence in why (BH_INVALID), -1.
 * The user has to be there; one without is BH_INVALID.
 */
int user_press(struct user_press *press, struct bh_err *why, struct bh_err *err);

/* Acts. */
int user_set_password(struct store_txn *txn, struct user_press *press,
    const struct account_user *user, struct bh_err *err);
int user_set_role(struct store_txn *txn, struct user_press *press, const struct account_user *user,
    struct bh_err *err);
int user_remove(struct store_txn *txn, struct user_press *press, const struct account_user *user,
    struct bh_err *err);
int user_end_sessions(struct store_txn *txn, struct user_press *press,
    const struct account_user *user, struct bh_err *err);

/*
 * For the template _sessions: sessions and has_others into the model, of that user; and how
 * many there are.  -1.
 */
int user_add_sessions(struct exchange *exchange, const char *name, json_t *model,
    struct bh_err *err);
/* The roles for a choice: array of {value, label, is_chosen} (new reference). */
json_t *user_roles(enum account_role chosen);
/* What a button did, as the page says that it leads to ("?done=<code>"); "" nothing, or no such. */
struct user_notice {
	const char *code, *text;
};
const char *user_notice(const struct exchange *exchange, const struct user_notice *notices,
    size_t n);
/* An administrator; else it is answered: 403. */
bool user_is_admin(struct exchange *exchange);

#endif
