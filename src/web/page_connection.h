/* What the pages about connections share, be they billing systems or CRMs. */
#ifndef WEB_PAGE_CONNECTION_H
#define WEB_PAGE_CONNECTION_H

#include "dest/dest.h"
#include "source/source.h"
#include "web/page.h"

/* A driver of either kind, as far as its pages are the same. */
struct connection_kind {
	const char *name, *title;
	bool is_source;
	const struct setting *settings;     /* NULL: it has none */
	const char *steps;                  /* by hand, a line each; NULL none */
	const struct source_driver *source; /* NULL for a CRM */
	const struct dest_driver *dest;     /* NULL for a source */
};
/* False when there is no driver of this name. */
bool connection_kind_find(struct connection_kind *kind, const char *driver);

/*
 * The connection that the path names (first argument), with its secrets
 * where the key is there: 1; 0 there is none (answered with 404); -1.
 */
int connection_load(struct exchange *exchange, struct account_connection *connection,
    struct connection_kind *kind, struct bh_err *err);
/* Its page; error: a sentence about what was posted, shown with what was typed; NULL none. */
int connection_show(struct exchange *exchange, const struct account_connection *connection,
    const struct connection_kind *kind, const char *error, struct bh_err *err);
/* To its page; query: "?saved=1" or "". */
void connection_go(struct exchange *exchange, const char *code, const char *query);
/* As people call it. */
const char *connection_name(const struct account_connection *connection);

/* A path of ours ("/hook/eu") as others reach it: below the configured address, else as we are seen now. */
json_t *connection_address(const struct exchange *exchange, const char *path);
/* Where the other side is to send to: webhooks of a source, people coming back from a CRM. */
json_t *connection_own_url(const struct exchange *exchange, const struct connection_kind *kind,
    const char *code);
/* How the other side is set up by hand, a line each: {text, url, rest}; new reference. */
json_t *connection_steps(const struct exchange *exchange, const struct connection_kind *kind,
    const char *code);
/* What the template _settings shows; error: as for connection_show(). */
void connection_add_form(json_t *model, struct exchange *exchange,
    const struct account_connection *connection, const struct connection_kind *kind,
    const char *error);

#define CONNECTION_CALLBACK "/oauth/callback"

#endif
