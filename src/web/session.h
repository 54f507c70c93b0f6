/*
 * Who is asking: the session cookie, the form token, the login throttle.
 *
 * The session's id is in the cookie only, its digest in the store.  Every
 * form carries the session's token; the login form, which has no session
 * yet, a token that is the digest of a random cookie of its own.
 */
#ifndef WEB_SESSION_H
#define WEB_SESSION_H

#include "web/site.h"

#define SESSION_FAILURES 5 /* of one name or one address within 15 minutes */

/* Fill exchange->session from the cookie: 1, 0 no valid session, -1 BH_UNAVAILABLE. */
int session_find(struct exchange *exchange, struct bh_err *err);
/* Does the form (already parsed) carry the token of this session, or of the login form? */
bool session_is_token(const struct exchange *exchange);

/* The login form's token, setting its cookie. */
void session_login_token(struct exchange *exchange, char token[65]);

/*
 * Check name and password.  1: the session is made and its cookie set;
 * 0 refused; -1 BH_LIMITED (too many failures: err->retry_after_s) or a failure of the store.
 * The attempt is counted before the password is looked at, so that parallel guesses count too.
 */
int session_login(struct exchange *exchange, const char *name, const char *password,
    struct bh_err *err);
/* Is it the password of who is signed in?  Counted and answered as a login is. */
int session_is_password(struct exchange *exchange, const char *password, struct bh_err *err);
/* "Firefox on Linux" of the header User-Agent. */
void session_browser(const char *agent, char *out, size_t size);
int session_logout(struct exchange *exchange, struct bh_err *err);

#endif
