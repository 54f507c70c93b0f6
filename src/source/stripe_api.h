/*
 * The REST half of the Stripe driver: what stands in its table of functions,
 * and what its files share.  Everything asked here is asked with a
 * Stripe-Version of ours, so that answers have one shape whatever the
 * account's default is; older versions in settings work, too: what they
 * cannot expand is asked for without it.
 */
#ifndef SOURCE_STRIPE_API_H
#define SOURCE_STRIPE_API_H

#include "source/stripe.h"

/* The version asked for when settings.api_version says nothing. */
#define STRIPE_API_VERSION "2026-10-28.endive"
#define STRIPE_ROWS_MAX 1000 /* of an embedded list that is read to its end */

/* The driver's functions: see source.h. */
int stripe_probe(const struct source_api *api, json_t **who_r, struct bh_err *err);
int stripe_fetch(const struct source_api *api, const struct source_want *want,
    struct source_result *result, struct bh_err *err);
int stripe_pull(const struct source_api *api, const json_t *cursor, struct source_page *page,
    struct bh_err *err);
int stripe_endpoints(const struct source_api *api, json_t **list_r, struct bh_err *err);
int stripe_endpoint_put(const struct source_api *api, const struct source_endpoint *endpoint,
    json_t **endpoint_r, struct bh_err *err);
int stripe_endpoint_remove(const struct source_api *api, const char *id, struct bh_err *err);
int stripe_write_back(const struct source_api *api, const char *account, const char *customer,
    const char *crm, const char *remote_id, struct bh_err *err);
int stripe_create_customer(const struct source_api *api, const json_t *who, char id_r[256],
    struct bh_err *err);

/* -- calls -- */

/* Calls for one account ("": the connection's own), counted for the pace. */
struct stripe_session {
	const struct source_api *api;
	const char *account;
	int calls;
};

/* path with its query; form: body of a POST or NULL; once: its Idempotency-Key or NULL. */
struct stripe_call {
	const char *method, *path, *form, *once;
};
/*
 * 0: status 2xx and answer->json is an object.  -1: answer->status tells which
 * refusal it was (0: there was no answer), err says it in words.  Release the answer in any case.
 */
int stripe_call(struct stripe_session *session, const struct stripe_call *call,
    struct source_answer *answer, struct bh_err *err);
/*
 * GET with expand[]=names (NULL-terminated, at most 8).  What this version or
 * this key cannot expand is dropped and asked without; *dropped remembers the
 * places in names (bits), for the next page.
 */
int stripe_get(struct stripe_session *session, const char *path, const char *const *names,
    unsigned *dropped, struct source_answer *answer, struct bh_err *err);
/*
 * Add the rows of a list to an array that may hold its first ones, at most
 * STRIPE_ROWS_MAX in all; *complete_r: the end was reached.  1; 0 when what
 * the list belongs to is not there; -1.
 */
int stripe_rows(struct stripe_session *session, const char *path, const char *const *names,
    json_t *rows, bool *complete_r, struct bh_err *err);

/*
 * A key by which Stripe knows a repeated request; owned by the caller.  Equal parts, equal
 * key: within a day the same request then gets its first answer again.
 */
char *stripe_once_key(const char *const *parts, size_t n);

/* Add name=value, the value encoded, to a path ("?" or "&" as needed) or a form. */
void stripe_param(struct bh_buf *out, const char *name, const char *value);
void stripe_param_int(struct bh_buf *out, const char *name, int64_t value);
/* "/v1/customers/", an id encoded, and what follows. */
void stripe_path(struct bh_buf *out, const char *before, const char *id, const char *behind);

/* The refusal says that there is no such object here (and not that it is one of the other mode). */
bool is_stripe_missing(const struct source_answer *answer);
/* The version asked for knows no such call. */
bool is_stripe_unknown_call(const struct source_answer *answer);
/* The permission that a 403 names ("rak_customer_read") into slug; false when it names none. */
bool is_stripe_slug(const struct source_answer *answer, char slug[64]);

/* "live", "test", or "" by the prefix of the key; NULL when there is no key. */
const char *stripe_key_mode(const struct source_config *config);
/* Test mode for links and the pace: of the key, else of the settings. */
bool is_stripe_live(const struct source_config *config);

/* -- objects in answers -- */

struct stripe_reading {
	struct source_event event;
	struct source_news news;
	bool is_list; /* what a handler says of one object is not the note of all */
};
/* Changes will have the version of the answer and the session's account. */
void stripe_reading_start(struct stripe_reading *reading, const struct stripe_session *session,
    const struct source_answer *answer, struct source_result *result);
/* One object; -1 with nothing of it in the result. */
int stripe_read(struct stripe_reading *reading, const json_t *object, struct bh_err *err);
/* Outcome by what was found. */
void stripe_reading_end(struct source_result *result);

#endif
