/*
 * One e-mail over SMTP: composed here, sent by libcurl.  Retries and meaning
 * are left to the callers.
 */
#ifndef NET_MAIL_H
#define NET_MAIL_H

#include "base/buf.h"

#define MAIL_TO_MAX 20

/* All is borrowed. */
struct mail {
	const char
	    *server; /* "smtps://host:465", "smtp://host:587"; without TLS this machine alone */
	const char *user;     /* NULL: without login */
	const char *password; /* NULL: none */
	const char *from;     /* a bare address */
	const char *to[MAIL_TO_MAX];
	size_t to_n;
	const char *subject; /* UTF-8; control characters become blanks */
	const char *text;    /* UTF-8, lines end with \n */
	int64_t now_ms;
};

/* -1 BH_INVALID: what of server, from and to cannot be used. */
int mail_check(const struct mail *mail, struct bh_err *err);

/* The message as it is sent: headers and body; id is the first part of its Message-ID. */
void mail_compose(struct bh_buf *out, const struct mail *mail, const char *id);

/*
 * 0 the server took it; -1 BH_INVALID (see mail_check()), BH_DENIED (login refused),
 * BH_UNAVAILABLE (it was not taken, as far as we know).
 */
int mail_send(const struct mail *mail, struct bh_err *err);

#endif
