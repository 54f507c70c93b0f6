/* Parts of the Alguna driver. */
#ifndef SOURCE_ALGUNA_H
#define SOURCE_ALGUNA_H

#include "source/driver.h"
#include "source/read.h"

#define ALGUNA_API "https://api.alguna.io"
#define ALGUNA_APP "https://app.alguna.io"

/* -- webhooks -- */

/* The headers of one family, webhook-* before svix-*: never mixed.  Members are NULL when absent. */
struct alguna_headers {
	const char *id, *timestamp, *signature;
};
struct alguna_headers alguna_headers(const struct source_request *request);
int alguna_verify(const struct source_config *config, const struct source_request *request,
    struct bh_err *err);
/* Are all webhook secrets of the form whsec_ and base64?  0 (also: there are none), -1 BH_INVALID. */
int alguna_check_secrets(const struct source_config *config, struct bh_err *err);

/* -- handlers: of events' data and of REST objects of both generations -- */

int alguna_customer(struct source_news *news, const json_t *object, struct bh_err *err);
int alguna_subscription(struct source_news *news, const json_t *object, struct bh_err *err);
int alguna_invoice(struct source_news *news, const json_t *object, struct bh_err *err);
int alguna_credit_note(struct source_news *news, const json_t *object, struct bh_err *err);
int alguna_payment(struct source_news *news, const json_t *object, struct bh_err *err);
int alguna_refund(struct source_news *news, const json_t *object, struct bh_err *err);
int alguna_checkout(struct source_news *news, const json_t *object, struct bh_err *err);
int alguna_version_event(struct source_news *news, const json_t *object, struct bh_err *err);
int alguna_line_deleted(struct source_news *news, const json_t *object, struct bh_err *err);
/* The prices of a subscription's current version, as a partial change of that subscription. */
int alguna_items(struct source_news *news, const char *subscription, const json_t *version,
    struct bh_err *err);

/* {type, amount, duration_...} as a canonical discount from start on (RFC 3339 or NULL); NULL when it is none. */
json_t *alguna_discount(const json_t *discount, const char *currency, const char *start);

/* -- reading: alguna_read.c -- */

/*
 * A member by its snake_case name, in camelCase first (webhooks and generation
 * 1), then as it is; NULL when it is in neither.  A null is given only when no other stands.
 */
const json_t *alguna_at(const json_t *object, const char *name);
/* The first of several names that stands there and is not null, else a null that stands there; NULL. */
const json_t *alguna_any(const json_t *object, size_t n, const char *const *names);
#define ALGUNA_ANY(object, ...)                                                                    \
	alguna_any(object, BH_LEN(((const char *const[]){__VA_ARGS__})),                           \
	    (const char *const[]){__VA_ARGS__})
/* The same as text; NULL. */
const char *alguna_text(const json_t *object, const char *name);
/* The customer that an object belongs to, under any of its names. */
const json_t *alguna_account(const json_t *object);
/* "2026-10-31" of a time or a date, as the source wrote it: its own day, not that of UTC. */
void alguna_day(json_t *fields, const char *name, const json_t *value);
/*
 * A decimal text of whole units as minor ones, half away from zero; the news'
 * note tells where something was rounded off.  Without a currency nothing is written.
 */
void alguna_money(struct source_news *news, json_t *fields, const char *name, const json_t *value,
    const char *currency);
/* From whole units to minor ones, for read_precise(); currency may be NULL. */
struct read_unit alguna_unit(const char *currency);
/* The page of an object of Alguna's app; what is "customers", "subscriptions", "invoices". */
void alguna_link(const struct source_news *news, struct object_change *change, const char *what);

/* A word of Alguna's, the canonical one, and its place among the states of one instant. */
struct alguna_word {
	const char *word, *canonical;
	int rank;
};
/* Writes status and source_status; the word's entry, or the last of words (canonical "other"); NULL when there is none. */
const struct alguna_word *alguna_status(json_t *fields, const json_t *object,
    const struct alguna_word *words, size_t n);
/*
 * Version of a change: the object's own time of update, else the event's, and
 * rank; equal contents have equal ties.  -1 BH_INVALID when there is no time at all.
 */
int alguna_stamp(const struct source_news *news, const json_t *object, int rank,
    struct object_change *change, struct bh_err *err);
/*
 * A change of an object with what is only supposed: whatever the source
 * really tells about the same fields is newer, suppositions among themselves
 * go by their time.  Fields are taken; nothing comes of it when they are none, or id or time are missing.
 */
void alguna_suppose(struct source_news *news, enum object_kind kind, const json_t *id,
    const json_t *object, json_t *fields_take);

/* -- REST: alguna_api.c -- */

bool is_alguna_first(const struct source_config *config); /* generation 1 */
/* One call; answers of 2xx give 1, 404 gives 0, the rest -1.  body NULL or to be sent as JSON. */
struct alguna_call {
	const char *method;
	const char *path; /* with its query */
	const json_t *body;
	const char *idempotency_key; /* NULL: none */
	bool is_second;              /* of generation 2, whatever the connection's is */
};
int alguna_call(const struct source_api *api, const struct alguna_call *call,
    struct source_answer *answer, struct bh_err *err);
int alguna_get(const struct source_api *api, const char *path, struct source_answer *answer,
    struct bh_err *err);
/* Append "/" and the id, escaped. */
void alguna_add_id(struct bh_buf *path, const char *id);
/* A place for REST objects to be normalised as news of. */
struct source_news alguna_rest(const struct source_config *config, struct source_result *result);

int alguna_probe(const struct source_api *api, json_t **who_r, struct bh_err *err);
int alguna_write_back(const struct source_api *api, const char *account, const char *customer,
    const char *crm, const char *remote_id, struct bh_err *err);
int alguna_create_customer(const struct source_api *api, const json_t *who, char id_r[256],
    struct bh_err *err);
int alguna_fetch(const struct source_api *api, const struct source_want *want,
    struct source_result *result, struct bh_err *err);
int alguna_pull(const struct source_api *api, const json_t *cursor, struct source_page *page,
    struct bh_err *err);

#endif
