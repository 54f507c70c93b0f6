/*
 * Sources of billing data, for callers.  A driver is a const struct; one
 * array in source.c lists them.  Drivers never see the store: they turn
 * bytes into verdicts and changes.
 */
#ifndef SOURCE_SOURCE_H
#define SOURCE_SOURCE_H

#include "model/object.h"
#include "net/http.h"
#include "net/setting.h"

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
	SOURCE_FOREIGN,     /* valid, but not for this connection (other mode or account) */
	SOURCE_ASKED        /* it only names what it is about: wants stand, changes do not */
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

/*
 * Something to be looked up at the source: an object that an event only
 * names, or a part that it left out.  Wants of the same what, account and id are one;
 * the newest hint stands.
 */
struct source_want {
	char what[32]; /* the driver's word: "price", "invoice_lines" */
	char account[128];
	char id[256];
	json_t *hint; /* object for the driver: as of which version ...; owned; may be NULL */
};
struct source_wants {
	struct source_want *items;
	size_t n, cap;
};
/* A new want at the end, borrowed until the next call; hint is taken (NULL allowed). */
struct source_want *source_wants_add(struct source_wants *wants, const char *what,
    const char *account, const char *id, json_t *hint_take);
void source_wants_release(struct source_wants *wants);

/* What a driver made of an event, an answer or a page of them. */
struct source_result {
	struct object_changes changes;
	struct source_wants wants;
	enum source_outcome outcome;
	char note[160]; /* a phrase for people ("customer of another mode"); "" */
};
void source_result_release(struct source_result *result);
/* A copy that shares the values: what is stored twice over conflicts is handed over once a try. */
struct source_result source_result_copy(const struct source_result *from);

/* -- calls to the source's API: workers only -- */

/*
 * What a call needs; borrowed.  now_ms: the caller's clock, UTC.  Drivers
 * neither wait nor retry: they say BH_LIMITED with retry_after_s (429 and the
 * like), BH_DENIED (the key is refused: name what it lacks), BH_UNAVAILABLE,
 * BH_INVALID (refused for good).
 */
struct source_api {
	const struct source_config *config;
	struct http_transport *transport;
	int64_t now_ms;
};

/*
 * A page of a walk over what the source holds.  cursor_r: where the next page
 * starts, a JSON object of the driver's making (kept in the store: small), NULL at the end.
 * events: raw events (catch-up over an event list): they go through the
 * journal as if they had been delivered; each {"id", "type", "body": object}.
 */
struct source_page {
	struct source_result result;
	json_t *events;           /* array or NULL; owned */
	json_t *cursor;           /* next; owned; NULL: the walk is over */
	char phase[32];           /* what is being read: "customers" */
	int64_t read;             /* rows on this page */
	int64_t total;            /* rows of this phase in all; -1 not told */
	int phase_number, phases; /* from 1 */
	/* Of a walk's last page: every customer that is there was on a page of this walk. */
	bool is_complete;
	int64_t wait_ms; /* the source asks for this pause before the next call */
};
void source_page_release(struct source_page *page);

/* A webhook endpoint at the source. */
struct source_endpoint {
	const char *id; /* NULL: to be made */
	const char *url;
	const json_t *events; /* array of types */
};

#define SOURCE_WALK_BACKFILL "backfill"
#define SOURCE_WALK_CATCHUP "catchup"

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
	 * Changes that a stored event makes, and what has to be looked up for
	 * them.  0 with result (zeroed by the caller) filled: changes are empty unless
	 * SOURCE_APPLIED; wants may stand with SOURCE_APPLIED and stand with SOURCE_ASKED.
	 * -1 BH_INVALID when the body breaks.
	 */
	int (*normalise)(const struct source_config *config, const struct source_event *event,
	    const json_t *body, int64_t received_ms, struct source_result *result,
	    struct bh_err *err);
	/* Its settings and secrets; source_check_settings() goes by it. */
	const struct setting *settings;
	/*
	 * What the table cannot say, when they are saved: 0, or -1 BH_INVALID naming
	 * the member.  May be NULL.  Call source_check().
	 */
	int (*check)(const struct source_config *config, struct bh_err *err);
	/* Steps for making the webhook by hand, a line each; %s stands once for the address. */
	const char *steps;
	/* It tells MRR itself and has no subscriptions to work it out from. */
	bool tells_mrr;
	/*
	 * Customers vanish there without an event: those that a complete walk did
	 * not show are asked for, with the hint {"external_id"} (fetch() tells which are gone).
	 */
	bool is_swept;
	/*
	 * Objects that a catch-up has to ask for one by one, because no list tells
	 * that they changed; fields NULL: may any of the kind be such?  May be NULL.
	 */
	bool (*is_reread)(enum object_kind kind, const json_t *fields);
	/* A webhook's secret is given out when it is made (and only then). */
	bool gives_secret;
	/* Look-ups a second at most, so that the source's limit is left to others; 0: 10. */
	int fetch_per_s;
	/* How often a catch-up is due by itself, seconds; 0: only when asked for. */
	int catchup_s;

	/* The rest may be NULL: it cannot be done there. */

	/*
	 * Whose key this is: *who_r (new reference) {"name", "id", "mode": "live" | "test" | "",
	 * "detail", "settings": {what was learnt and should be stored}, "missing": [permissions that lack]}.
	 */
	int (*probe)(const struct source_api *api, json_t **who_r, struct bh_err *err);
	/* Look one want up.  0 with result filled; what is gone at the source is a deletion or nothing. */
	int (*fetch)(const struct source_api *api, const struct source_want *want,
	    struct source_result *result, struct bh_err *err);
	/*
	 * The page at cursor (an object {"walk": SOURCE_WALK_..., "since_ms": n} at the
	 * start; since_ms: of a catch-up, where the last one began).
	 * One or few calls a page.
	 */
	int (*pull)(const struct source_api *api, const json_t *cursor, struct source_page *page,
	    struct bh_err *err);
	/* The webhook endpoints there: array of {"id", "url", "enabled", "events", "version", "problem"}. */
	int (*endpoints)(const struct source_api *api, json_t **list_r, struct bh_err *err);
	/* Make or mend one: {"id", "url", "events", "enabled", "secret": only where one was given out}. */
	int (*endpoint_put)(const struct source_api *api, const struct source_endpoint *endpoint,
	    json_t **endpoint_r, struct bh_err *err);
	int (*endpoint_remove)(const struct source_api *api, const char *id, struct bh_err *err);
	/* Store a CRM's id on a customer there; crm "salesforce" or "hubspot".  Repeating it changes nothing. */
	int (*write_back)(const struct source_api *api, const char *account, const char *customer,
	    const char *crm, const char *remote_id, struct bh_err *err);
	/*
	 * Make a customer: who {"name", "email" (may be absent or null), "crm", "remote_id"}; its id
	 * in id_r.  The CRM's id is stored on it, and asking twice for one makes one.
	 */
	int (*create_customer)(const struct source_api *api, const json_t *who, char id_r[256],
	    struct bh_err *err);
};

/* Everything that can be wrong with settings and secrets: the driver's table, then its check(). */
int source_check(const struct source_driver *driver, const struct source_config *config,
    struct bh_err *err);
/*
 * Can it do this (WALK_BACKFILL ..., ERRAND_PROBE ... of state/walk.h)?  0, or
 * -1 BH_INVALID with what people do instead.
 */
int source_check_can(const struct source_driver *driver, const char *what, struct bh_err *err);
/* The types of events that are wanted: settings.events, or those offered by default; new reference. */
json_t *source_events(const struct source_driver *driver, const json_t *settings);
/* A setting as text, or its fallback; of a secret its value.  NULL when there is neither.  Borrowed. */
const char *source_setting_text(const struct source_driver *driver,
    const struct source_config *config, const char *name);

/* NULL when there is no such driver. */
const struct source_driver *source_driver(const char *name);
/* All of them; NULL-terminated. */
const struct source_driver *const *source_drivers(void);

/* Case-blind header look-up; NULL when absent. */
const char *source_header(const struct source_request *request, const char *name);

#endif
