/*
 * Sources of billing data, for callers.  A driver is a const struct; one
 * array in source.c lists them.  Drivers never see the store: they turn
 * bytes into verdicts and changes.
 */
#ifndef SOURCE_SOURCE_H
#define SOURCE_SOURCE_H

#include "model/object.h"
#include "net/http.h"

/* The part of a webhook request that a driver may read. */
struct source_header {
	const char *name; /* lower case */
	const char *value;
};
struct source_request {
	const struct source_header *headers;
	size_t headers_n;
	const char *body;
	size_t body_len;
	int64_t received_ms;
};

/*
 * A connection as a driver sees it.  secrets: JSON object of texts (webhook
 * secrets under "webhook" and "webhook_previous", API keys); settings: JSON object.
 */
struct source_config {
	const char *code;
	const json_t *settings;
	const json_t *secrets;
};

/* What the envelope says, without parsing the whole body. */
struct source_event {
	char id
	    [256]; /* idempotency key; made from a digest of the body where the provider sends none */
	char type[128]; /* the provider's own word */
};

enum source_outcome {
	SOURCE_APPLIED = 0, /* changes were made */
	SOURCE_IGNORED,     /* knowingly: a type that carries nothing for us */
	SOURCE_UNKNOWN,     /* a type the driver does not know: kept, acknowledged */
	SOURCE_FOREIGN      /* valid, but not for this connection (other mode or account) */
};

/* How a type of event is offered when the events of a connection are chosen. */
enum source_choice {
	SOURCE_NOT_WANTED = 0, /* carries nothing, doubles another one, or does harm */
	SOURCE_OPTIONAL,
	SOURCE_BY_DEFAULT
};

/* One type of event that a driver knows; handle is the driver's own affair (NULL: ignored). */
struct source_news;
struct source_type {
	const char *type; /* NULL ends a table */
	enum source_choice choice;
	int (*handle)(struct source_news *news, const json_t *object, struct bh_err *err);
};

struct source_driver {
	const char *name;       /* "stripe" */
	const char *title;      /* "Stripe" */
	const char *key_prefix; /* in front of ids in CRM keys: "stripe" */
	/* Headers to be stored with an event (lower case, NULL-terminated); others are dropped. */
	const char *const *kept_headers;
	/* Every type that it knows; others are SOURCE_UNKNOWN. */
	const struct source_type *types;
	/*
	 * 0 the request is the sender's; -1 BH_DENIED (signature wrong, missing,
	 * too old: say which), BH_INVALID (the connection lacks its secret).
	 */
	int (*verify)(const struct source_config *config, const struct source_request *request,
	    struct bh_err *err);
	/* 0 and the envelope; -1 BH_INVALID when the body cannot be an event of this sender.  No full parse. */
	int (*identify)(const struct source_config *config, const struct source_request *request,
	    struct source_event *event, struct bh_err *err);
	/*
	 * Changes that a stored event makes.  0 with *outcome_r and changes
	 * filled (empty unless SOURCE_APPLIED); note receives a phrase for people
	 * ("customer of another mode"); -1 BH_INVALID when the body breaks.
	 */
	int (*normalise)(const struct source_config *config, const struct source_event *event,
	    const json_t *body, int64_t received_ms, struct object_changes *changes,
	    enum source_outcome *outcome_r, char note[160], struct bh_err *err);
	/* Check settings and secrets when they are saved: 0, or -1 BH_INVALID naming the member. */
	int (*check)(const struct source_config *config, struct bh_err *err);
};

/* NULL when there is no such driver. */
const struct source_driver *source_driver(const char *name);
/* All of them; NULL-terminated. */
const struct source_driver *const *source_drivers(void);

/* Case-blind header look-up; NULL when absent. */
const char *source_header(const struct source_request *request, const char *name);

#endif
