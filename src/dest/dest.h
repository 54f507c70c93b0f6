/*
 * Destinations (CRMs), for callers and drivers.  A driver gets a transport and
 * returns data; it neither stores nor retries.  One array in dest.c lists the drivers.
 */
#ifndef DEST_DEST_H
#define DEST_DEST_H

#include "model/record.h"
#include "net/http.h"

enum dest_outcome {
	DEST_UNKNOWN = 0,
	DEST_APPLIED,   /* written; remote_id is set, created tells which */
	DEST_UNCHANGED, /* the CRM already held these values */
	DEST_LATER, /* nothing was written; retry after a pause (retry_after_s, 0 = caller's choice) */
	DEST_UNCERTAIN, /* no answer: it may be written; an upsert by key may be repeated */
	DEST_WAITING,   /* its parent is not in the CRM yet */
	DEST_REJECTED,  /* refused for good; a person must look */
	DEST_AUTH,      /* the access token is no longer good: refresh, then repeat */
	DEST__MAX
};

/* One per record.  Texts are for people and hold no secret. */
struct dest_result {
	enum dest_outcome outcome;
	bool created;
	bool permanent_auth; /* with DEST_AUTH: refreshing cannot help, a person must reconnect */
	bool
	    doubtful; /* with DEST_LATER: may never succeed; after three tries a person must look */
	char remote_id[64];
	int retry_after_s;
	char code[64]; /* the CRM's own word: "STRING_TOO_LONG" */
	char cause[240];
	char remedy[240];
};

/* What the CRM's answers said about its limits; 0 = not said. */
struct dest_usage {
	int64_t day_used, day_limit;     /* calls in the CRM's daily window */
	int64_t burst_left, burst_limit; /* calls left in the short window */
	int burst_window_ms;
	int pause_s; /* do not call before this many seconds are over */
};

/* Tokens and what belongs to them; as sealed by the caller. */
struct dest_auth {
	struct bh_secret access_token;
	struct bh_secret refresh_token;
	char base_url[256];  /* Salesforce: instance_url */
	int64_t expires_ms;  /* 0: not known */
	char account_id[64]; /* org id, portal id */
	char account_name[128];
};
void dest_auth_release(struct dest_auth *auth);

/* A connection as a driver sees it; everything is borrowed. */
struct dest_config {
	const char *code;
	const json_t *settings;
	const json_t *secrets;
	struct http_transport *transport;
	struct dest_auth *auth;  /* read by push and describe; written by authorize */
	struct dest_usage usage; /* updated from every answer */
	int64_t calls;           /* HTTP calls made, counted up */
	const char *broken;      /* stand-in: why the connection cannot be used; else NULL */
};

/* How the CRM describes an object: lengths and types by field. */
struct dest_field {
	char *name;
	char *label;
	enum record_type type;
	size_t length;     /* characters (UTF-16 units); 0: no limit known */
	int digits, scale; /* numbers: digits before and behind the point; 0, 0 unknown */
	bool writable, required, unique;
	json_t *options; /* array of allowed values, NULL: any; owned */
};
struct dest_object {
	char *name;
	struct dest_field *fields;
	size_t fields_n;
};
void dest_object_free(struct dest_object **object);
const struct dest_field *dest_object_field(const struct dest_object *object, const char *name);
/* To and from JSON, for keeping a description in the store. */
json_t *dest_object_json(const struct dest_object *object);
struct dest_object *dest_object_from_json(const json_t *json);

#define DEST_CAP_LINK_BY_KEY                                                                       \
	1u /* parents by external id in the same call: all ranks travel together */
#define DEST_CAP_DESCRIBE 2u
#define DEST_CAP_REFRESH 4u
#define DEST_CAP_KEEP                                                                              \
	8u /* nothing leaves: the caller keeps the records in its own store (sandbox) */

struct dest_driver {
	const char *name;  /* "salesforce" */
	const char *title; /* "Salesforce" */
	unsigned caps;
	size_t batch; /* most records of a push() that cost the fewest calls */
	/* Check settings and secrets when they are saved. */
	int (*check)(const struct dest_config *config, struct bh_err *err);
	/*
	 * Get or refresh the access token into config->auth.  -1: BH_DENIED (a
	 * person must reconnect), BH_UNAVAILABLE, BH_LIMITED, BH_UNCERTAIN.  The
	 * caller makes auth durable before it is used.
	 */
	int (*authorize)(struct dest_config *config, struct bh_err *err);
	/* Describe one CRM object; new object in *object_r.  -1 with BH_DENIED for a dead token. */
	int (*describe)(struct dest_config *config, const char *object,
	    struct dest_object **object_r, struct bh_err *err);
	/*
	 * Upsert n records (1 to batch, keys distinct per object, parents before
	 * children) and their links to parents, in the fewest calls.  Every result
	 * is set; the order of records does not change.
	 */
	void (*push)(struct dest_config *config, struct record *const *records, size_t n,
	    struct dest_result *results);
	/* Who is it: account_id and account_name of config->auth.  For "save and validate" and `billhook check`. */
	int (*identify)(struct dest_config *config, struct bh_err *err);
};

const struct dest_driver *dest_driver(const char *name);
const struct dest_driver *const *dest_drivers(void);
const char *dest_outcome_name(enum dest_outcome outcome);

/* Fill a result; text arguments are cut to their room at a character. */
void dest_result_set(struct dest_result *result, enum dest_outcome outcome, const char *code,
    const char *cause, const char *remedy);

/*
 * Wrap: every call fails with the reason in config->broken (connection
 * broken).  The config's settings and secrets are not looked at.
 */
extern const struct dest_driver dest_standin;

/*
 * Trace: a transport that logs each call of inner (method, path, status,
 * milliseconds, bytes) and hands it on; bodies and headers are not shown.
 */
struct http_transport *dest_trace_new(struct http_transport *inner, const char *connection);
void dest_trace_free(struct http_transport **trace);

#endif
