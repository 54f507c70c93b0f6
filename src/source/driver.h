/*
 * For source drivers only: the event at work, and what most of them need to
 * turn it into changes.
 */
#ifndef SOURCE_DRIVER_H
#define SOURCE_DRIVER_H

#include "source/source.h"

#define SOURCE_SECRETS_MAX 16

/* An event while it is normalised.  Everything is borrowed. */
struct source_news {
	const struct source_config *config;
	const struct source_event *event;
	const json_t *body;
	int64_t received_ms;
	int64_t at_ms;                /* the event's own time; 0 where it has none */
	const char *account;          /* for object_change.account */
	bool live;                    /* not of a test mode */
	struct source_result *result; /* outcome SOURCE_APPLIED at the start */
};

/* Leave the event with this outcome and phrase; returns 0, so that `return source_leave(...)` reads well. */
int source_leave(struct source_news *news, enum source_outcome outcome, const char *fmt, ...)
    BH_PRINTF(3, 4);

/*
 * A new change of the event's account with an empty fields object; NULL and
 * BH_INVALID when id is no text of 1 to 255 bytes, or the kind is virtual.
 */
struct object_change *source_change(struct source_news *news, enum object_kind kind,
    const json_t *id, struct bh_err *err);

/* Ask for a look-up in the event's account; id at most 255 bytes; hint is taken (NULL allowed). */
void source_want(struct source_news *news, const char *what, const char *id, json_t *hint_take);

/* prefix (at most 24 bytes) and the event's id as a tie; a digest of the id where it is too long. */
void source_tie(char tie[64], const char *prefix, const char *id);
/* A digest of fields as a tie: equal contents are no news, whoever brings them. */
void source_tie_fields(char tie[64], const json_t *fields);

/* Handle the event by the driver's table; object is what the handler gets. */
int source_handle(struct source_news *news, const struct source_type *types, const json_t *object,
    struct bh_err *err);

/*
 * The connection's webhook secrets, trimmed: "webhook" and "webhook_previous",
 * each a text or an array of texts.  Returns their number (at most
 * SOURCE_SECRETS_MAX; blank ones are left out), or -1 BH_INVALID when there is none.
 */
struct source_secret {
	const char *text; /* borrowed; not terminated at len */
	size_t len;
};
int source_secrets(const struct source_config *config,
    struct source_secret secrets[SOURCE_SECRETS_MAX], struct bh_err *err);

/* Printable ASCII without spaces, 1 to 255 bytes: fit to be an event's id or type. */
bool is_source_word(const char *text);

/*
 * One call: method and path below base_url (query included), headers as
 * given ("Name: value", NULL-terminated), body NULL or text of content_type.
 * 0 and the answer of any status (json NULL when there is none), -1 as in struct source_api:
 * transport errors only.  Statuses are the driver's affair: source_answer_error() helps.
 */
struct source_call {
	const char *method;
	const char *base_url, *path;
	const char *const *headers;
	const char *content_type, *body;
};
struct source_answer {
	int status;
	json_t *json; /* owned; NULL: the body is no JSON */
	struct http_response response;
};
int source_call(const struct source_api *api, const struct source_call *call,
    struct source_answer *answer, struct bh_err *err);
void source_answer_release(struct source_answer *answer);
/* The usual meaning of a status, with the provider's words (bounded; no secret is in them). Always -1. */
int source_answer_error(const struct source_answer *answer, const char *title, const char *message,
    struct bh_err *err);
/* Time of the answer by the source's own clock (Date header), else api->now_ms. */
int64_t source_answer_ms(const struct source_api *api, const struct source_answer *answer);

/* Who is to be a customer, of create_customer()'s who; borrowed from it. */
struct source_who {
	const char *name, *email; /* email NULL: none */
	const char *crm, *remote_id;
};
/* -1 BH_INVALID: there is no name, or the CRM or its id cannot be. */
int source_who(const json_t *json, struct source_who *who, struct bh_err *err);
/* The text at path of a source's answer as the id of a customer; -1 BH_UNAVAILABLE: there is none. */
int source_customer_id(const json_t *answer, const char *path, char id_r[256], struct bh_err *err);

extern const struct source_driver source_stripe;
extern const struct source_driver source_lago;
extern const struct source_driver source_lostchurn;
extern const struct source_driver source_alguna;
extern const struct source_driver source_generic;

#endif
