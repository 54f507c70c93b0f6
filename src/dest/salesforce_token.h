/* Talking to the login address: what getting, refreshing and giving back tokens share. */
#ifndef DEST_SALESFORCE_TOKEN_H
#define DEST_SALESFORCE_TOKEN_H

#include "dest/salesforce.h"

/* The address that tokens come from; NULL with BH_DENIED when it must not be called.  Borrowed. */
const char *salesforce_login_url(const struct dest_config *config, struct bh_err *err);
/* Append the address of its OAuth end point what: "token". */
void salesforce_add_login_path(struct bh_buf *out, const char *login_url, const char *what);
/* A parameter of a form, percent-encoded. */
void salesforce_add_param(struct bh_buf *form, const char *name, const char *value);
/* Send a form to an end point.  0 and an answer of any status, or -1; it is to be released in any case. */
int salesforce_post_form(struct dest_config *config, const char *login_url, const char *what,
    const struct bh_buf *form, struct salesforce_answer *answer, struct bh_err *err);
/*
 * Take the tokens of an answer 200 into auth.  -1 BH_DENIED, and nothing is
 * taken, when it is no such answer or of another org than auth's; but for the
 * new refresh token of a refresh: the old one is dead already.
 */
int salesforce_take_token(struct dest_auth *auth, const json_t *json, bool is_refresh,
    struct bh_err *err);
/* What another answer of an end point means.  Returns -1. */
int salesforce_fail_token(int status, const json_t *json, struct bh_err *err);

#endif
