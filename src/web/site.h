/*
 * What one front process holds, and how it answers one request: route,
 * session, form token, page, error page.
 */
#ifndef WEB_SITE_H
#define WEB_SITE_H

#include "conf/conf.h"
#include "state/account.h"
#include "store/store.h"
#include "web/request.h"
#include "web/router.h"
#include "web/view.h"

#define SITE_STORE_DEADLINE_MS 2000

struct hook;

struct site {
	const struct conf *conf; /* borrowed */
	struct store *store;
	struct store *
	    hook_store; /* where no process may stay: for webhooks, which start nothing; else NULL */
	struct account_key key;
	bool has_key; /* without: sealed secrets stay closed, hooks answer 503 */
	struct view
	    *view; /* NULL: the templates cannot be read; hooks work, pages are plain text */
	struct hook *hook;
	struct request_place place;
	int64_t format_until_ms; /* monotonic: the store's format is known to be ours until then */
	char **words;            /* of place */
	char *public_base;       /* of place */
};

/* One request on its way.  Borrowed by the functions that answer. */
struct exchange {
	struct site *site;
	struct request *request;
	struct response *response;
	struct route_match match;
	struct store_txn *txn; /* for reading; see exchange_read() */
	bool has_session;
	struct account_session session;
	char session_id[BH_ID_LEN + 1];
};

/*
 * Open everything after fork().  Templates or key that cannot be read are
 * logged, not fatal: webhooks go on.  start: see struct store_options.
 */
int site_open(const struct conf *conf, int (*start)(const char *data_dir, struct bh_err *err),
    struct site **site_r, struct bh_err *err);
void site_close(struct site **site);

/* Always gives an answer. */
void site_answer(struct site *site, struct request *request, struct response *response);
/*
 * Work beside requests: raw spool files.  Cheap when there is nothing; call
 * about once a second, and again between requests while it returns true (there is more).
 */
bool site_tick(struct site *site);

/* The transaction for reading, begun at first use and freed with the exchange. */
struct store_txn *exchange_read(struct exchange *exchange);
/* Should cookies be marked Secure? */
bool exchange_is_https(const struct exchange *exchange);
/* A path of ours as a link: base in front, percent-encoded as it is.  Owned by the caller. */
char *exchange_url(const struct exchange *exchange, const char *path);
/*
 * Render a page: model (taken) is completed with what the layout needs
 * (title, base, user, token, nav ...).  0, or -1 when the template fails.
 */
int exchange_page(struct exchange *exchange, int status, const char *page, const char *title,
    json_t *model, struct bh_err *err);
/* An error as page, JSON or text, whichever the path asks for.  text: a sentence for people. */
void exchange_error(struct exchange *exchange, int status, const char *text);

/* The route table; see routes.c. */
const struct route *site_routes(size_t *n_r);

#endif
